//! `Retry-After` in the three forms found in the wild.

use jiff::{SignedDuration, Timestamp};

/// When to try again: integer seconds or an HTTP date (RFC 9110 10.2.3), or the ISO 8601 moment
/// that Zoom sends when a daily limit is hit.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return now.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok();
    }
    if let Ok(moment) = jiff::fmt::rfc2822::parse(text) {
        return Some(moment.timestamp());
    }
    text.parse::<Timestamp>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_an_http_date_and_an_iso_moment_are_understood() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let moment = retry_after(text, now).map(|moment| moment.to_string());
            assert_eq!(moment.as_deref(), expected, "{text}");
        };
        check("120", Some("2026-11-24T10:02:00Z"));
        check(" 0 ", Some("2026-11-24T10:00:00Z"));
        check("Tue, 24 Nov 2026 10:05:00 GMT", Some("2026-11-24T10:05:00Z"));
        check("2026-11-25T00:00:00Z", Some("2026-11-25T00:00:00Z"));
        check("soon", None);
        check("-5", None);
        check("", None);
    }
}
