//! Percent-decoding of path segments and query strings, strict where guessing would hide a fault.

use scim::{Error, ScimType};

use crate::limits::{QUERY_BYTES_MAX, QUERY_PARAMETER_COUNT_MAX};

/// One path segment, decoded. A `+` is a plus here (RFC 3986 3.3).
pub(crate) fn segment(raw: &str) -> Result<String, Error> {
    decode(raw, false).ok_or_else(|| {
        Error::new(400, format!("The path segment `{raw}` is not percent-encoded UTF-8."))
    })
}

/// The parameters of a query string, decoded, in order. A `+` is a space here
/// (application/x-www-form-urlencoded).
pub(crate) fn parameters(raw: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(Vec::new()) };
    if raw.len() > QUERY_BYTES_MAX {
        return Err(Error::new(
            414,
            format!(
                "The query string has {} bytes and {QUERY_BYTES_MAX} are accepted. Send it as a \
                 SearchRequest by POST to `.search` instead.",
                raw.len()
            ),
        ));
    }
    let mut pairs = Vec::new();
    for part in raw.split('&').filter(|part| !part.is_empty()) {
        if pairs.len() == QUERY_PARAMETER_COUNT_MAX {
            return Err(Error::bad_request(
                ScimType::InvalidSyntax,
                format!("The query has more than {QUERY_PARAMETER_COUNT_MAX} parameters."),
            ));
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match (decode(name, true), decode(value, true)) {
            (Some(name), Some(value)) => pairs.push((name, value)),
            _ => {
                return Err(Error::bad_request(
                    ScimType::InvalidSyntax,
                    format!("The query parameter `{part}` is not percent-encoded UTF-8."),
                ));
            }
        }
    }
    Ok(pairs)
}

/// Percent-encodes an identifier for use as one path segment: everything but the unreserved
/// characters of RFC 3986 2.3.
pub fn encode_segment(id: &str) -> std::borrow::Cow<'_, str> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if id.bytes().all(unreserved) {
        return id.into();
    }
    let mut encoded = String::with_capacity(id.len() + 16);
    for byte in id.bytes() {
        if unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded.into()
}

fn decode(raw: &str, plus_is_space: bool) -> Option<String> {
    let plus = plus_is_space && raw.contains('+');
    if !plus && !raw.contains('%') {
        return Some(raw.to_owned());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' if plus_is_space => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_with_any_character_survive_the_path() {
        for id in ["k&KdKr6T", "a b@c", "Ünï/çode", "100%", "x+y", "plain-1_2.3~"] {
            assert_eq!(segment(&encode_segment(id)).unwrap(), id);
        }
        assert_eq!(encode_segment("k&K"), "k%26K");
    }

    #[test]
    fn a_plus_is_a_space_only_in_the_query() {
        assert_eq!(segment("a+b").unwrap(), "a+b");
        assert_eq!(
            parameters(Some("filter=userName+eq%20%22a%2Bb%22&count=1")).unwrap(),
            [
                ("filter".to_owned(), "userName eq \"a+b\"".to_owned()),
                ("count".to_owned(), "1".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        for raw in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(segment(raw).unwrap_err().status, 400, "{raw}");
            assert_eq!(parameters(Some(&format!("a={raw}"))).unwrap_err().status, 400, "{raw}");
        }
    }

    #[test]
    fn endless_queries_are_refused_before_they_are_read() {
        let long = format!("filter={}", "a".repeat(QUERY_BYTES_MAX));
        assert_eq!(parameters(Some(&long)).unwrap_err().status, 414);
        let many = "a=1&".repeat(QUERY_PARAMETER_COUNT_MAX + 1);
        assert_eq!(parameters(Some(&many)).unwrap_err().status, 400);
    }
}
