//! The number formats that activations come in.

use half::bf16;

/// f32 or bf16: what products take, computing in f32.
pub(in super::super) trait Element: Copy + Default + Send + Sync + std::fmt::Debug + 'static {
    /// Numbers along the depth of a product that lie side by side in packed operands: as many as one instruction
    /// multiplies and adds in each lane.
    const GROUP: usize;

    /// To the nearest, ties to even.
    fn narrow(value: f32) -> Self;

    fn widen(self) -> f32;

    /// The fast tile for this processor, where there is one.
    fn fast_tile(processor: super::Processor) -> Option<super::FastTile<Self>>;
}

impl Element for f32 {
    const GROUP: usize = 1;

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    fn fast_tile(processor: super::Processor) -> Option<super::FastTile<Self>> {
        #[cfg(target_arch = "x86_64")]
        if processor.avx512 {
            return Some(super::tile_avx512::tile);
        }
        let _ = processor;
        None
    }
}

impl Element for bf16 {
    const GROUP: usize = 2;

    // The conversion of `half` branches on NaN; this one compiles to vector instructions.
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7FFF + ((bits >> 16) & 1));
        // Rounding could carry a NaN's bits over into infinity.
        let bits = if value.is_nan() { bits | 0x0040_0000 } else { rounded };
        Self::from_bits((bits >> 16) as u16)
    }

    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    fn fast_tile(processor: super::Processor) -> Option<super::FastTile<Self>> {
        #[cfg(target_arch = "x86_64")]
        if processor.avx512_bf16 {
            return Some(super::tile_avx512_bf16::tile);
        }
        let _ = processor;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_rounds_as_half_does() {
        let random = (0..200_000).map(|index| f32::from_bits(crate::model::counter_random(1, 2, 3, index) as u32));
        let special = [0.0, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        for value in random.chain(special) {
            let (found, expected) = (<bf16 as Element>::narrow(value), bf16::from_f32(value));
            if value.is_nan() {
                assert!(found.is_nan() && found.widen().is_nan());
            } else {
                assert_eq!(found.to_bits(), expected.to_bits(), "{value}");
                assert_eq!(found.widen(), expected.to_f32());
            }
        }
    }
}
