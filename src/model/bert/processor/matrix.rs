//! Views of matrices and their product.

use gemm::Parallelism;

/// A matrix within a slice: row-major with gaps between the rows, or the transpose of such a one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `columns` numbers that begin `stride` numbers apart, the first at the slice's beginning.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(columns <= stride && (rows == 0 || (rows - 1) * stride + columns <= values.len()));
        Self { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Rows without gaps.
    pub(super) fn dense(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::new(values, rows, columns, columns)
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// What a product does with the numbers that stand in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Replace,
    AddTo,
}

/// `scale · left · right` into `product`, row-major without gaps.
pub(super) fn multiply(
    product: &mut [f32],
    existing: Existing,
    left: Matrix<'_>,
    right: Matrix<'_>,
    scale: f32,
    parallelism: Parallelism,
) {
    assert!(left.columns == right.rows && product.len() == left.rows * right.columns);
    // SAFETY: the strides of both operands stay within their slices (`Matrix::new` checks that, and transposing keeps
    // it), and the product's rows of `right.columns` numbers fill its slice exactly (checked above).
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            product.as_mut_ptr(),
            1,
            right.columns as isize,
            existing == Existing::AddTo,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// All threads.
pub(super) fn on_all_threads() -> Parallelism {
    match rayon::current_num_threads() {
        1 => Parallelism::None,
        threads => Parallelism::Rayon(threads),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplies_views_and_transposes() {
        // [1 2; 3 4] with a gap of one, times the transpose of [5 6; 7 8], doubled.
        let left = [1.0, 2.0, 9.0, 3.0, 4.0];
        let right = [5.0, 6.0, 7.0, 8.0];
        let left = Matrix::new(&left, 2, 2, 3);
        let right = Matrix::dense(&right, 2, 2).transposed();
        let mut product = [1.0; 4];
        multiply(&mut product, Existing::AddTo, left, right, 2.0, Parallelism::None);
        assert_eq!(product, [35.0, 47.0, 79.0, 107.0]);
        multiply(&mut product, Existing::Replace, left, right, 1.0, Parallelism::None);
        assert_eq!(product, [17.0, 23.0, 39.0, 53.0]);
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_view_cannot_leave_its_slice() {
        Matrix::new(&[0.0; 5], 2, 3, 3);
    }
}
