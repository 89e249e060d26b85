//! Dates in a source: formats are declared, never guessed.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// The declared formats of one column, tried in order, and the zone in which a moment is a day.
#[derive(Debug, Clone)]
pub struct DateFormats {
    /// `strptime` formats: `%m/%d/%Y`, `%Y-%m-%d %H:%M:%S UTC`.
    pub formats: Vec<String>,
    /// The zone a moment (a format with a time of day) is turned into a date in.
    pub time_zone: TimeZone,
}

impl DateFormats {
    /// Reads a date. A moment written in UTC becomes the date it has in the source's zone.
    ///
    /// # Errors
    /// The sentence for the quarantine: which formats were tried.
    pub fn read(&self, text: &str) -> Result<Date, String> {
        for format in &self.formats {
            if let Some(date) = self.read_as(format, text) {
                return Ok(date);
            }
        }
        let tried = self.formats.iter().map(|format| format!("`{format}`")).collect::<Vec<_>>();
        Err(format!("`{text}` is not a date in the declared formats {}", tried.join(", ")))
    }

    fn read_as(&self, format: &str, text: &str) -> Option<Date> {
        // A literal zone is not a directive, so the moment's zone is taken from the format's end.
        let (format, text, utc) = match (format.strip_suffix(" UTC"), text.strip_suffix(" UTC")) {
            (Some(format), Some(text)) => (format, text, true),
            (Some(_), None) => return None,
            _ => (format, text, false),
        };
        let parsed = BrokenDownTime::parse(format, text).ok()?;
        if utc {
            let moment: DateTime = parsed.to_datetime().ok()?;
            let moment = TimeZone::UTC.to_timestamp(moment).ok()?;
            return Some(self.time_zone.to_datetime(moment).date());
        }
        if parsed.offset().is_some() {
            let moment: Timestamp = parsed.to_timestamp().ok()?;
            return Some(self.time_zone.to_datetime(moment).date());
        }
        parsed.to_date().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(formats: &[&str], zone: &str) -> DateFormats {
        DateFormats {
            formats: formats.iter().map(|format| format.to_string()).collect(),
            time_zone: TimeZone::get(zone).unwrap(),
        }
    }

    #[test]
    fn two_declared_formats_are_both_read() {
        let declared = formats(&["%m/%d/%Y", "%m-%d-%Y"], "UTC");
        for (text, expected) in [
            ("1/20/2002", "2002-01-20"),
            ("12/31/1999", "1999-12-31"),
            ("04-08-2019", "2019-04-08"),
        ] {
            assert_eq!(declared.read(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn an_undeclared_format_is_never_guessed() {
        let declared = formats(&["%m/%d/%Y"], "UTC");
        for text in ["2019-04-08", "31/12/1999", "02/30/2020", "yesterday", "", "1/20/2002 "] {
            assert!(declared.read(text).is_err(), "{text}");
        }
        assert_eq!(
            declared.read("2019-04-08").unwrap_err(),
            "`2019-04-08` is not a date in the declared formats `%m/%d/%Y`"
        );
    }

    #[test]
    fn a_moment_becomes_the_date_it_has_in_the_zone_of_the_source() {
        let text = "2029-10-29 02:09:38 UTC";
        let format = ["%Y-%m-%d %H:%M:%S UTC"];
        assert_eq!(formats(&format, "UTC").read(text).unwrap().to_string(), "2029-10-29");
        assert_eq!(
            formats(&format, "America/New_York").read(text).unwrap().to_string(),
            "2029-10-28"
        );
    }

    #[test]
    fn a_moment_with_an_offset_is_read_by_its_offset() {
        let declared = formats(&["%Y-%m-%dT%H:%M:%S%:z"], "UTC");
        assert_eq!(declared.read("2026-11-24T23:30:00-05:00").unwrap().to_string(), "2026-11-25");
    }
}
