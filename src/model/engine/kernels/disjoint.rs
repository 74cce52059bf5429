//! A matrix that several threads write to in different places.

use std::marker::PhantomData;

/// Numbers of which each part is written by one thread alone. The borrow checker cannot follow parts that are columns
/// of a matrix; the callers say why theirs do not overlap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disjoint<'a, T> {
    start: *mut T,
    length: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` of which threads use different parts (the promise of `part`'s callers).
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(super) fn new(values: &'a mut [T]) -> Self {
        Self { start: values.as_mut_ptr(), length: values.len(), borrowed: PhantomData }
    }

    /// Numbers `first..first + count`.
    ///
    /// # Safety
    /// No two parts that are alive at the same time may overlap.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "that is what it is for; the caller keeps the parts apart")]
    pub(super) unsafe fn part(&self, first: usize, count: usize) -> &mut [T] {
        assert!(first <= self.length && count <= self.length - first);
        // SAFETY: the range is within the borrowed slice (checked above), and nobody else uses it (the promise).
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_write_columns() {
        let mut matrix = vec![0; 6];
        let shared = Disjoint::new(&mut matrix);
        std::thread::scope(|scope| {
            for column in 0..2 {
                scope.spawn(move || {
                    for row in 0..3 {
                        // SAFETY: each thread has its own column.
                        let part = unsafe { shared.part(row * 2 + column, 1) };
                        part[0] = row * 10 + column;
                    }
                });
            }
        });
        assert_eq!(matrix, [0, 1, 10, 11, 20, 21]);
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_part_stays_within() {
        let mut numbers = [1, 2, 3];
        let shared = Disjoint::new(&mut numbers);
        // SAFETY: there is only this part.
        let _ = unsafe { shared.part(2, 2) };
    }
}
