//! The number formats of weight files, all of which become f32.

/// A number format that weights come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementType {
    F16,
    Bf16,
    F32,
    F64,
}

impl ElementType {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Little-endian numbers as f32; bytes that do not make up a whole number are left out.
    pub fn to_f32(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => numbers(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            Self::Bf16 => numbers(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            Self::F32 => numbers(bytes, f32::from_le_bytes),
            Self::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }
}

fn numbers<const SIZE: usize>(bytes: &[u8], number: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<SIZE>().0.iter().map(|&bytes| number(bytes)).collect()
}

/// Elements of a shape; None where that is more than the machine can count.
pub(super) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))
}
