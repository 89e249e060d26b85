//! Places in an answer, places to fill in, and percent-encoding. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

/// The extension that `E:` in a place stands for.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// URNs that scripts name by a letter.
const URNS: &[(&str, &str)] = &[
    ("U", "urn:ietf:params:scim:schemas:core:2.0:User"),
    ("G", "urn:ietf:params:scim:schemas:core:2.0:Group"),
    ("E", ENTERPRISE),
    ("PATCHOP", "urn:ietf:params:scim:api:messages:2.0:PatchOp"),
    ("SEARCH", "urn:ietf:params:scim:api:messages:2.0:SearchRequest"),
    ("BULK", "urn:ietf:params:scim:api:messages:2.0:BulkRequest"),
    ("LIST", "urn:ietf:params:scim:api:messages:2.0:ListResponse"),
    ("ERROR", "urn:ietf:params:scim:api:messages:2.0:Error"),
];

/// What can be filled in: strings, and resources by the name they were given.
pub type Names = BTreeMap<String, Value>;

/// Everything that lies at a place: `name.givenName`, `emails[0].value`, `members[].value`,
/// `emails[type=work].value`, `E:department`, `$` for all of it. Names are taken as the server wrote
/// them, whatever their case (RFC 7643 2.1).
pub fn at<'a>(value: &'a Value, place: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    let (extension, rest) = match place.strip_prefix("E:") {
        Some(rest) => (Some(ENTERPRISE), rest),
        None => (None, place),
    };
    let segments = rest.split('.').filter(|segment| !segment.is_empty() && *segment != "$");
    for segment in extension.into_iter().chain(segments) {
        let (name, index) = match segment.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']'))),
            None => (segment, None),
        };
        found = found.into_iter().filter_map(|one| member(one, name)).collect();
        if let Some(index) = index {
            found = found.into_iter().flat_map(|one| chosen(one, index)).collect();
        }
    }
    found
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    if name.is_empty() {
        return Some(value);
    }
    let object = value.as_object()?;
    let same = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    object.get(name).or_else(|| same().map(|(_, value)| value))
}

fn chosen<'a>(value: &'a Value, index: &str) -> Vec<&'a Value> {
    let Some(values) = value.as_array() else { return Vec::new() };
    if let Some((name, wanted)) = index.split_once('=') {
        let fits = |one: &&Value| member(one, name).and_then(Value::as_str) == Some(wanted);
        return values.iter().filter(fits).collect();
    }
    match index.parse::<usize>() {
        Ok(index) => values.get(index).into_iter().collect(),
        Err(_) => values.iter().collect(),
    }
}

/// Where a text with places to fill in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// A path or a query: percent-encoded.
    Path,
    /// A JSON string or a filter: escaped.
    Json,
    /// Anything else: as it is.
    Plain,
}

/// Fills in `{name}`: `{user}` is a resource's path, `{user.id}` something in it, `{U}` a URN,
/// `{x:5000}` so many letters, `{open:9}` and `{shut:9}` so many brackets, `{values:9}` so many
/// addresses, `{operations:9}` so many operations.
///
/// # Errors
/// A name that nothing has.
pub fn fill(text: &str, names: &Names, within: Within) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find('}').filter(|end| is_name(&rest[1..*end]));
        let Some(end) = end else {
            filled.push('{');
            rest = &rest[1..];
            continue;
        };
        filled.push_str(&named(&rest[1..end], names, within)?);
        rest = &rest[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn is_name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || ".:[]=".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(inside)
}

fn named(name: &str, names: &Names, within: Within) -> Result<String, String> {
    if let Some((_, urn)) = URNS.iter().find(|(letter, _)| *letter == name) {
        return Ok((*urn).to_owned());
    }
    if let Some((what, count)) = name.split_once(':').filter(|(what, _)| *what != "E") {
        let count = count.parse::<usize>().map_err(|_| format!("`{name}` counts nothing"))?;
        return match what {
            "x" => Ok("x".repeat(count)),
            "open" => Ok("[".repeat(count)),
            "shut" => Ok("]".repeat(count)),
            "nest" => Ok("{\"a\":".repeat(count)),
            "unnest" => Ok("}".repeat(count)),
            "paren" => Ok("(".repeat(count)),
            "values" => {
                Ok(listed(count, |n| format!(r#"{{"value":"v{n}@example.com","type":"home"}}"#)))
            }
            "operations" => Ok(listed(count, |n| {
                format!(r#"{{"op":"replace","path":"displayName","value":"{n}"}}"#)
            })),
            _ => Err(format!("`{name}` counts nothing")),
        };
    }
    let (first, place) = name.split_once('.').unwrap_or((name, ""));
    let unknown = || format!("`{name}` is not there");
    let value = names.get(first).ok_or_else(unknown)?;
    if value.is_object() && place.is_empty() {
        return path_of(value).ok_or_else(unknown);
    }
    let value = at(value, place).into_iter().next().ok_or_else(unknown)?;
    Ok(match (value, within) {
        // A location leads where it leads.
        (Value::String(text), Within::Path) if text.starts_with("http") => text.clone(),
        (Value::String(text), Within::Path) => percent_encode(text),
        (Value::String(text), Within::Plain) => text.clone(),
        (Value::String(text), Within::Json) => {
            let quoted = Value::from(text.as_str()).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        (other, _) => other.to_string(),
    })
}

fn listed(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",")
}

/// The path of a resource, beneath the base URL. Ids are percent-encoded: some servers use names.
pub fn path_of(resource: &Value) -> Option<String> {
    let endpoint = resource.get(ENDPOINT)?.as_str()?;
    let id = resource.get("id")?;
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    Some(format!("{endpoint}/{}", percent_encode(&id)))
}

/// The key under which a remembered resource carries its endpoint.
pub const ENDPOINT: &str = "#endpoint";

/// Percent-encodes all but what is unreserved (RFC 3986 2.3).
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_found_whatever_their_case() {
        let value = json!({"name": {"givenName": "A"}, "emails": [{"type": "work", "value": "w"},
            {"type": "home", "value": "h"}], ENTERPRISE: {"department": "Sales"}});
        let check = |place: &str, expected: Value| {
            assert_eq!(json!(at(&value, place)), expected, "{place}");
        };
        check("name.givenname", json!(["A"]));
        check("emails[].value", json!(["w", "h"]));
        check("emails[1].value", json!(["h"]));
        check("emails[type=work].value", json!(["w"]));
        check("E:department", json!(["Sales"]));
        check("nothing.there", json!([]));
        assert_eq!(at(&value, "$"), [&value]);
    }

    #[test]
    fn names_are_filled_in_as_their_place_needs() {
        let names = Names::from([
            ("user".to_owned(), json!({ENDPOINT: "/Users", "id": "a b", "n": "q\"q"})),
            ("tag".to_owned(), json!("t")),
        ]);
        let check = |text: &str, within: Within, expected: &str| {
            assert_eq!(fill(text, &names, within).unwrap(), expected);
        };
        check("{user}?x={user.n}", Within::Path, "/Users/a%20b?x=q%22q");
        check("{\"a\":{},\"b\":\"{user.n}-{tag}\"}", Within::Json, "{\"a\":{},\"b\":\"q\\\"q-t\"}");
        check(
            "{x:3}{open:2}{shut:1}{U}",
            Within::Plain,
            "xxx[[]urn:ietf:params:scim:schemas:core:2.0:User",
        );
        assert!(fill("{nobody}", &names, Within::Json).is_err());
    }
}
