//! How long to wait before a request is sent again, as pure functions (sync-semantics 17: full jitter, 1 s..60 s, at most 5).

use std::time::Duration;

/// The most times one request is sent again.
pub(crate) const MOST_RETRIES: u32 = 5;
/// A vendor that asks for more than this is not waited for inside a call.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(120);

const FIRST: f64 = 1.0;
const CAP: f64 = 60.0;

/// Full jitter: anything between nothing and the doubled step, never under a tenth of a second.
pub(crate) fn jittered(retry: u32, unit: f64) -> Duration {
    let ceiling = (FIRST * 2f64.powi(retry.min(16) as i32)).min(CAP);
    Duration::from_secs_f64((ceiling * unit.clamp(0.0, 1.0)).max(0.1))
}

/// `Retry-After` in seconds (both vendors use seconds where they use it at all).
pub(crate) fn retry_after(header: Option<&str>) -> Option<Duration> {
    let seconds: f64 = header?.trim().parse().ok()?;
    if seconds.is_finite() && (0.0..=1e7).contains(&seconds) {
        Some(Duration::from_secs_f64(seconds))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let at = |retry| jittered(retry, 1.0).as_secs_f64();
        assert_eq!(
            [at(0), at(1), at(2), at(5), at(6), at(40)],
            [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]
        );
        assert_eq!(jittered(3, 0.0), Duration::from_millis(100));
        assert_eq!(jittered(3, 0.5), Duration::from_secs(4));
    }

    #[test]
    fn a_nonsense_retry_after_is_ignored() {
        assert_eq!(retry_after(Some(" 7 ")), Some(Duration::from_secs(7)));
        for bad in ["soon", "-1", "NaN", "inf", "1e99"] {
            assert_eq!(retry_after(Some(bad)), None, "{bad}");
        }
        assert_eq!(retry_after(None), None);
    }
}
