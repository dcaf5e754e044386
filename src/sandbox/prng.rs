//! A small deterministic generator (splitmix64) for the sandbox alone: same seed, same world, same faults, same
//! colleagues, on every machine.

/// The generator. Independent streams of one seed come from [`Prng::stream`].
#[derive(Clone, Debug)]
pub struct Prng(u64);

impl Prng {
    /// The stream `name` of `seed`: drawing from one stream never shifts another.
    pub fn stream(seed: u64, name: &str) -> Self {
        let mixed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut prng = Prng(seed ^ mixed);
        prng.next();
        prng
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        (self.next() % bound as u64) as usize
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as usize + 1) as i64
    }

    /// True `percent` times of a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent as usize
    }

    /// One of the items; `None` of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// One of the texts; empty of an empty slice.
    pub fn word(&mut self, items: &[&'static str]) -> &'static str {
        self.pick(items).copied().unwrap_or_default()
    }

    /// Puts the items in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The pattern with each `#` replaced by a digit.
    pub fn digits(&mut self, pattern: &str) -> String {
        pattern
            .chars()
            .map(|c| match c {
                '#' => char::from(b'0' + self.below(10) as u8),
                other => other,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_repeat_and_differ_from_each_other() {
        let draw = |name: &str| {
            let mut prng = Prng::stream(7, name);
            (0..4).map(|_| prng.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw("world"), draw("world"));
        assert_ne!(draw("world"), draw("faults"));
    }

    #[test]
    fn every_value_below_the_bound_is_drawn() {
        let mut prng = Prng::stream(1, "x");
        let mut seen = [false; 7];
        for _ in 0..300 {
            seen[prng.below(7)] = true;
        }
        assert_eq!(seen, [true; 7]);
    }
}
