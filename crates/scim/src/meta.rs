//! The `meta` attribute (RFC 7643 3.1).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Version;

/// The `meta` of a resource, complete.
pub fn meta(
    resource_type: &str,
    created: Timestamp,
    last_modified: Timestamp,
    location: &str,
    version: Version,
) -> Value {
    json!({
        "resourceType": resource_type,
        "created": date_time(created),
        "lastModified": date_time(last_modified),
        // RFC 7643 3.1: "This value MUST be the same as the "Content-Location" HTTP response
        // header", and "version" the same as the "ETag" header.
        "location": location,
        "version": version.etag(),
    })
}

/// A moment as this crate writes it: xsd:dateTime in UTC, to the millisecond.
pub fn date_time(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_three_digits_and_a_z() {
        let check = |micros: i64, expected: &str| {
            assert_eq!(date_time(Timestamp::from_microsecond(micros).unwrap()), expected);
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(1_790_000_000_123_456, "2026-09-21T14:13:20.123Z");
        check(-1, "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn meta_is_whole() {
        let moment = Timestamp::from_microsecond(0).unwrap();
        insta::assert_snapshot!(
            meta("User", moment, moment, "http://x/Users/1", Version(4)),
            @r#"{"created":"1970-01-01T00:00:00.000Z","lastModified":"1970-01-01T00:00:00.000Z","location":"http://x/Users/1","resourceType":"User","version":"W/\"4\""}"#
        );
    }
}
