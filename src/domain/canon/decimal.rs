//! Exact decimals as text: no binary float, no limit of digits, one form per number.

use std::cmp::Ordering;
use std::fmt;

/// Largest exponent that is written out; beyond it a text is no number for a CRM.
const MAX_EXPONENT: u64 = 400;

/// A number: sign, digits before the point without leading zeros, digits after it without trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Decimal {
    /// Reads digits with an optional sign, point and exponent, and `grouping` in strict groups of three.
    pub fn parse(text: &str, grouping: Option<char>) -> Option<Decimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        if exponent.unsigned_abs() > MAX_EXPONENT {
            return None;
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = ungroup(whole, grouping)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(&whole) || !digits(fraction) {
            return None;
        }
        let point = whole.len() as i64 + exponent;
        let split = point.max(0) as usize;
        let before = "0".repeat(point.min(0).unsigned_abs() as usize);
        let behind = "0".repeat(split.saturating_sub(whole.len() + fraction.len()));
        let all = [before.as_str(), &whole, fraction, &behind].concat();
        let (whole, fraction) = all.split_at(split);
        Some(Self::new(negative, whole, fraction))
    }

    /// The one form of a number given as digits.
    fn new(negative: bool, whole: &str, fraction: &str) -> Self {
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let zero = whole.is_empty() && fraction.is_empty();
        Decimal {
            negative: negative && !zero,
            whole,
            fraction,
        }
    }

    /// Rounded half-even to `scale` digits after the point.
    pub fn rounded(&self, scale: u32) -> Decimal {
        let scale = scale as usize;
        if self.fraction.len() <= scale {
            return self.clone();
        }
        let (kept, dropped) = self.fraction.split_at(scale);
        let mut digits: Vec<u8> = self.whole.bytes().chain(kept.bytes()).collect();
        // The letters of odd digits are odd: that of 0 is even.
        let odd = digits.last().is_some_and(|digit| digit % 2 == 1);
        let half = dropped.as_bytes();
        let up = match half[0].cmp(&b'5') {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => half.len() > 1 || odd,
        };
        if up {
            increment(&mut digits);
        }
        let text = String::from_utf8_lossy(&digits).into_owned();
        let (whole, fraction) = text.split_at(text.len() - scale);
        Self::new(self.negative, whole, fraction)
    }
}

/// Adds one to a number written in digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return;
        }
    }
    digits.insert(0, b'1');
}

/// The digits without grouping; `None` where groups are not of three.
fn ungroup(whole: &str, grouping: Option<char>) -> Option<String> {
    let Some(mark) = grouping.filter(|mark| whole.contains(*mark)) else {
        return Some(whole.to_owned());
    };
    let groups: Vec<&str> = whole.split(mark).collect();
    let strict = groups.iter().enumerate().all(|(at, group)| {
        if at == 0 {
            (1..=3).contains(&group.len())
        } else {
            group.len() == 3
        }
    });
    strict.then(|| groups.concat())
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        f.write_str(if self.whole.is_empty() {
            "0"
        } else {
            &self.whole
        })?;
        if !self.fraction.is_empty() {
            write!(f, ".{}", self.fraction)?;
        }
        Ok(())
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Decimal {
    fn magnitude(&self, other: &Self) -> Ordering {
        self.whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.fraction.cmp(&other.fraction))
    }
}
