//! Chance that can be repeated.

/// A splitmix64 sequence: the same seed, the same numbers.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for what `text` names: the same seed, the same numbers, whatever else is drawn.
    pub fn about(seed: u64, text: &str) -> Self {
        // FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        let name = text.bytes().fold(0xCBF2_9CE4_8422_2325, fold);
        Self(Self::new(seed).number() ^ name)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// The next number, in 0..1.
    pub fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
