//! Durations as people write them: `90d`, `12h`, `30m`.

use jiff::{SignedDuration, Timestamp};

use crate::error::CommandError;

/// Longest duration, in days.
const DAYS_MAX: i64 = 36_500;
const HOUR_SECS: i64 = 60 * 60;
const DAY_SECS: i64 = 24 * HOUR_SECS;

/// Reads a duration: a whole number of days, hours or minutes.
///
/// # Errors
/// Anything else, in a sentence for clap.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let refused = || {
        format!(
            "`{text}` is no duration: write a whole number of days (90d), hours (12h) or minutes (30m), at most {DAYS_MAX}d"
        )
    };
    let text = text.trim();
    let unit = text.chars().last().ok_or_else(refused)?;
    let unit_secs = match unit {
        'd' => DAY_SECS,
        'h' => HOUR_SECS,
        'm' => 60,
        _ => return Err(refused()),
    };
    let number = text.trim_end_matches(unit);
    if number.len() + unit.len_utf8() != text.len() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    let number: i64 = number.parse().map_err(|_| refused())?;
    let secs = number.checked_mul(unit_secs).filter(|secs| *secs <= DAYS_MAX * DAY_SECS);
    Ok(SignedDuration::from_secs(secs.ok_or_else(refused)?))
}

/// The moment that lies so far after another.
///
/// # Errors
/// There is no such moment in the calendar.
pub fn after(now: Timestamp, duration: SignedDuration) -> Result<Timestamp, CommandError> {
    now.checked_add(duration).map_err(|error| CommandError::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_days_hours_or_minutes() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(duration(text).ok().map(|found| found.as_secs()), expected, "{text:?}");
        };
        check("90d", Some(90 * DAY_SECS));
        check("12h", Some(12 * HOUR_SECS));
        check(" 30m ", Some(30 * 60));
        check("0d", Some(0));
        check("36500d", Some(36_500 * DAY_SECS));
        check("36501d", None);
        check("90", None);
        check("90dd", None);
        check("-1d", None);
        check("1.5h", None);
        check("d", None);
        check("", None);
        check("9\u{fc}", None);
        check("99999999999999999999d", None);
    }
}
