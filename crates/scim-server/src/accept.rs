//! Which of its three names for JSON an answer bears (RFC 7644 3.8, RFC 9110 12.5.1).

use axum::http::{HeaderMap, HeaderValue, header};
use scim::Error;

use crate::limits::ACCEPT_RANGE_COUNT_MAX;

/// What answers can be called, the standard's own name first: it is the one where the client has
/// no preference.
const NAMES: [&str; 3] = ["application/scim+json", "application/json", "text/json"];

/// The content type the client likes best. RFC 7644 3.8: "The format defaults to
/// "application/scim+json" if no format is specified." Nothing fits: 406.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<HeaderValue, Error> {
    let mut ranges = Vec::new();
    for value in headers.get_all(header::ACCEPT) {
        let text = value.to_str().unwrap_or_default();
        let text = text.split(',').filter(|range| !range.trim().is_empty());
        ranges.extend(text.take(ACCEPT_RANGE_COUNT_MAX - ranges.len()).map(Range::read));
    }
    if ranges.is_empty() {
        return Ok(HeaderValue::from_static(NAMES[0]));
    }
    let weights = NAMES.map(|name| (weight(&ranges, name), name));
    // Of equal ones the first: `max_by_key` would take the last.
    let best = weights.iter().rev().max_by_key(|(weight, _)| *weight);
    match best {
        Some((weight, name)) if *weight > 0 => Ok(HeaderValue::from_static(name)),
        _ => Err(Error::new(
            406,
            "The answers of this server are JSON. Accept `application/scim+json` or \
             `application/json`, or leave `Accept` out.",
        )),
    }
}

/// A media range with how much it is wanted, in thousandths.
struct Range {
    name: String,
    weight: u32,
}

impl Range {
    fn read(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        // Other parameters (`charset`) are no reason to refuse: the answer is UTF-8 anyhow.
        let weight = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
        });
        Self { name, weight: weight.unwrap_or(1_000) }
    }

    /// How exactly the range names a type; None if it does not.
    fn exactness(&self, name: &str) -> Option<u8> {
        match self.name.as_str() {
            "*/*" | "*" => Some(0),
            range if range == name => Some(2),
            range => {
                let group = range.strip_suffix('*').filter(|group| group.ends_with('/'))?;
                name.starts_with(group).then_some(1)
            }
        }
    }
}

/// RFC 9110 12.5.1: "the most specific reference has precedence".
fn weight(ranges: &[Range], name: &str) -> u32 {
    let fitting = ranges.iter().filter_map(|range| Some((range.exactness(name)?, range.weight)));
    fitting.max().map_or(0, |(_, weight)| weight)
}

/// A quality value (RFC 9110 12.4.2); what is none counts as wanted.
fn thousandths(text: &str) -> u32 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 1 || part.len() > 3 {
        return 1_000;
    }
    let part: u32 = format!("{part:0<3}").parse().unwrap_or(0);
    (whole.parse::<u32>().unwrap_or(0) * 1_000 + part).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &[&str], expected: &str) {
        let values = accept.iter().map(|accept| (header::ACCEPT, accept.parse().unwrap()));
        let mut headers = HeaderMap::new();
        values.for_each(|(name, value)| {
            headers.append(name, value);
        });
        let found = match content_type(&headers) {
            Ok(value) => value.to_str().unwrap().to_owned(),
            Err(error) => error.status.to_string(),
        };
        assert_eq!(found, expected, "{accept:?}");
    }

    #[test]
    fn the_answer_is_called_what_the_client_likes_best() {
        let (scim, json) = ("application/scim+json", "application/json");
        check(&[], scim);
        check(&[""], scim);
        check(&[scim], scim);
        check(&["Application/JSON; charset=utf-8"], json);
        check(&["application/json, application/scim+json"], scim);
        check(&["application/json, application/scim+json;q=0.9"], json);
        check(&["application/json", "application/scim+json;q=0.9"], json);
        check(&["*/*"], scim);
        check(&["application/*"], scim);
        check(&["text/*"], "text/json");
        check(&["text/json, text/html"], "text/json");
        check(&["*/*;q=0.5, application/json"], json);
        check(&["application/scim+json;q=0, */*"], json);
        check(&["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"], scim);
        check(&["application/json;q=nonsense"], json);
    }

    #[test]
    fn what_is_never_json_is_refused() {
        check(&["application/xml"], "406");
        check(&["*/*;q=0"], "406");
        check(&["application/json;q=0.000"], "406");
        check(&["application/"], "406");
    }
}
