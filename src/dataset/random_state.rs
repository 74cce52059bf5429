//! NumPy's legacy `RandomState`, as far as shuffling needs it.
//!
//! The generator is MT19937 (Matsumoto and Nishimura, 1998) with its original seeding; bounded integers come from masked
//! rejection, and the shuffle is Fisher and Yates's from the end, all as in NumPy's `mtrand`, whose stream is frozen.

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// NumPy's `RandomState(seed)`.
pub(super) struct RandomState {
    words: [u32; WORDS],
    next: usize,
}

impl RandomState {
    pub(super) fn new(seed: u32) -> Self {
        let mut words = [seed; WORDS];
        for place in 1..WORDS {
            let last = words[place - 1];
            words[place] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(place as u32);
        }
        Self { words, next: WORDS }
    }

    /// `RandomState.shuffle` of a one-dimensional array (or list, which draws the same numbers).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.at_most(last as u64);
            // Not above `last`, so it is an index.
            items.swap(last, other as usize);
        }
    }

    /// A uniform number from 0 to `most`: draws are masked to the bits of `most` until one is not above it.
    fn at_most(&mut self, most: u64) -> u64 {
        let mask = u64::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let draw = if u32::try_from(most).is_ok() {
                u64::from(self.next_u32())
            } else {
                (u64::from(self.next_u32()) << 32) | u64::from(self.next_u32())
            };
            if draw & mask <= most {
                return draw & mask;
            }
        }
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.refill();
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn refill(&mut self) {
        for place in 0..WORDS {
            let joined = (self.words[place] & 0x8000_0000) | (self.words[(place + 1) % WORDS] & 0x7fff_ffff);
            let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.words[place] = self.words[(place + SHIFT) % WORDS] ^ (joined >> 1) ^ twist;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_mt19937() {
        // The reference implementation's first output for seed 5489, and its ten thousandth (as in C++'s standard).
        let mut state = RandomState::new(5489);
        assert_eq!(state.next_u32(), 3_499_211_612);
        assert_eq!((1..10_000).map(|_| state.next_u32()).last(), Some(4_123_659_995));
    }

    #[test]
    fn draws_stay_within_bounds() {
        let mut state = RandomState::new(1);
        for most in [1, 2, 3, 7, 8, 1000, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
            assert!((0..100).all(|_| state.at_most(most) <= most));
        }
    }

    #[test]
    fn shuffles_as_numpy() {
        // `a = np.arange(10); np.random.RandomState(42).shuffle(a)`
        let mut items: Vec<u32> = (0..10).collect();
        RandomState::new(42).shuffle(&mut items);
        assert_eq!(items, [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
        RandomState::new(42).shuffle::<u32>(&mut []);
    }
}
