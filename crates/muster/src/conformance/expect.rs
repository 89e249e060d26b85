//! Holds an answer against one clause of a script. Pure.
//!
//! `201`, `200|204`, `2xx`, `not 5xx`, `ok` speak of the status; `error 400 invalidFilter|invalidPath`
//! of a SCIM error; `body none|json|scim|text`; `header ETag present`; `found ana bea` of which of the
//! resources made here a list has; `within 600` of milliseconds; everything else of a place in the
//! body: `name.givenName == "Ana"`. `A || B` holds if either does.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::conformance::value::{ENDPOINT, Names, at};
use crate::conformance::wire::Exchange;

/// The schema of a SCIM error (RFC 7644 3.12).
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Most of a value that is repeated in a sentence, in characters.
const SHOWN_CHARS_MAX: usize = 160;

/// Whether an answer is as a clause says; if not, what it is instead.
///
/// # Errors
/// A sentence that says what was expected and what came.
pub fn holds(clause: &str, answer: &Exchange, names: &Names) -> Result<(), String> {
    let mut told = Vec::new();
    for alternative in clause.split(" || ") {
        match one(alternative.trim(), answer, names) {
            Ok(()) => return Ok(()),
            Err(why) => told.push(why),
        }
    }
    Err(told.join("; nor: "))
}

fn one(clause: &str, answer: &Exchange, names: &Names) -> Result<(), String> {
    let (word, rest) = clause.split_once(' ').unwrap_or((clause, ""));
    match word {
        "ok" => status("2xx", answer),
        "not" => match status(rest, answer) {
            Ok(()) => Err(format!("the status is {}", answer.status)),
            Err(_) => Ok(()),
        },
        "cut" if answer.status == 0 => Ok(()),
        "cut" => Err(format!("the status is {}", answer.status)),
        "error" => error(rest, answer),
        "body" => body(rest, answer),
        "header" => header(rest, answer),
        "found" => found(rest, answer, names),
        "within" => match rest.parse::<u128>() {
            Ok(most) if u128::from(answer.millis) <= most => Ok(()),
            _ => Err(format!("it took {} ms", answer.millis)),
        },
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => status(word, answer),
        _ => place(word, rest, answer, names),
    }
}

fn status(wanted: &str, answer: &Exchange) -> Result<(), String> {
    let text = format!("{:03}", answer.status);
    let fits = |one: &str| one == text || (one.ends_with("xx") && one.get(..1) == text.get(..1));
    if wanted.split('|').any(fits) {
        return Ok(());
    }
    let said = answer.json.as_ref().and_then(|json| json.get("detail")).and_then(Value::as_str);
    let wanted = wanted.replace('|', " or ");
    Err(match (&answer.failure, said) {
        (Some(failure), _) => format!("expected {wanted}, and no answer came: {failure}"),
        (None, Some(detail)) => format!("expected {wanted}, came {text} \"{}\"", short(detail)),
        (None, None) => format!("expected {wanted}, came {text}"),
    })
}

/// RFC 7644 3.12: the schema, and the status as a string.
fn error(wanted: &str, answer: &Exchange) -> Result<(), String> {
    let (code, scim_type) = wanted.split_once(' ').unwrap_or((wanted, ""));
    status(code, answer)?;
    let body = answer.json.as_ref().filter(|body| body.is_object());
    let body = body.ok_or_else(|| format!("{} without a SCIM error body", answer.status))?;
    if !at(body, "schemas[]").iter().any(|schema| schema.as_str() == Some(ERROR)) {
        return Err(format!("the body of the {} lacks the schema `{ERROR}`", answer.status));
    }
    let told = body.get("status");
    let same = |told: &Value| match told {
        Value::String(text) => *text == answer.status.to_string(),
        other => other.as_u64() == Some(u64::from(answer.status)),
    };
    if !told.is_some_and(same) {
        return Err(format!("the error's `status` is {}, not {}", show(told), answer.status));
    }
    let came = body.get("scimType").and_then(Value::as_str).unwrap_or_default();
    if !scim_type.is_empty() && !scim_type.split('|').any(|one| one == came) {
        let wanted = scim_type.replace('|', " or ");
        return Err(format!("expected scimType {wanted}, came `{came}`"));
    }
    Ok(())
}

fn body(wanted: &str, answer: &Exchange) -> Result<(), String> {
    let content_type = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let fits = match wanted {
        "none" => answer.body.is_empty(),
        "json" => answer.json.is_some(),
        "scim" => answer.json.is_some() && content_type.starts_with("application/scim+json"),
        _ => !answer.body.is_empty(),
    };
    if fits {
        return Ok(());
    }
    let length = answer.body.len();
    Err(format!("expected body {wanted}; it has {length} bytes of `{content_type}`"))
}

fn header(text: &str, answer: &Exchange) -> Result<(), String> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, "present"));
    let value = answer.header(name);
    let (op, wanted) = rest.split_once(' ').unwrap_or((rest, ""));
    let fits = match (op, value) {
        ("absent", value) => value.is_none(),
        ("present", value) => value.is_some(),
        ("==", Some(value)) => value == wanted,
        ("~", Some(value)) => value.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase()),
        ("!~", Some(value)) => !value.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase()),
        ("ends", Some(value)) => value.ends_with(wanted),
        ("is", Some(value)) => is(&Value::from(value), wanted),
        _ => false,
    };
    let value = value.map_or("absent".to_owned(), |value| format!("`{}`", short(value)));
    if fits { Ok(()) } else { Err(format!("header {name} should be {rest}; it is {value}")) }
}

/// Which of the resources made here, of this endpoint, a list has. Others do not matter: the server
/// may be in use.
fn found(wanted: &str, answer: &Exchange, names: &Names) -> Result<(), String> {
    status("200", answer)?;
    let body = answer.json.as_ref().unwrap_or(&Value::Null);
    let endpoint = answer.path.split(['?', '.']).next().unwrap_or_default().trim_end_matches('/');
    let ids: Vec<&str> = at(body, "Resources[].id").into_iter().filter_map(Value::as_str).collect();
    let ours = names
        .iter()
        .filter(|(_, value)| value.get(ENDPOINT).and_then(Value::as_str) == Some(endpoint));
    let listed = |value: &Value| value["id"].as_str().is_some_and(|id| ids.contains(&id));
    let came: BTreeSet<&str> =
        ours.filter(|(_, value)| listed(value)).map(|(name, _)| name.as_str()).collect();
    let wanted: BTreeSet<&str> = wanted.split_whitespace().filter(|name| *name != "none").collect();
    if let Some(missing) = wanted.iter().find(|name| !names.contains_key(**name)) {
        return Err(format!("`{missing}` could not be made"));
    }
    let of = |names: &BTreeSet<&str>| match names.len() {
        0 => "none of ours".to_owned(),
        _ => names.iter().copied().collect::<Vec<_>>().join(", "),
    };
    if came == wanted {
        return Ok(());
    }
    Err(format!("expected {}, found {}", of(&wanted), of(&came)))
}

fn place(place: &str, rest: &str, answer: &Exchange, names: &Names) -> Result<(), String> {
    let body = answer.json.as_ref().unwrap_or(&Value::Null);
    let found = at(body, place);
    let first = found.first().copied();
    // `schemas has "urn:..."`: a list stands for its values.
    let values: Vec<&Value> = match &found[..] {
        [Value::Array(values)] => values.iter().collect(),
        other => other.to_vec(),
    };
    let (op, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let wanted = || serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let list = || match wanted() {
        Value::Array(values) => values,
        other => vec![other],
    };
    // An unassigned attribute is one that is absent, null or an empty array (RFC 7643 2.5).
    let unassigned =
        |value: &&Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let fits = match op {
        "==" => first.is_some_and(|value| same(value, &wanted())),
        "!=" => !first.is_some_and(|value| same(value, &wanted())),
        "~" => first.and_then(Value::as_str).is_some_and(|value| {
            value.to_ascii_lowercase().contains(&text.trim_matches('"').to_ascii_lowercase())
        }),
        "absent" => found.iter().all(unassigned),
        "present" => found.iter().any(|value| !unassigned(value)),
        "is" => !found.is_empty() && found.iter().all(|value| is(value, text)),
        "has" => list().iter().all(|one| values.iter().any(|value| same(value, one))),
        "lacks" => !list().iter().any(|one| values.iter().any(|value| same(value, one))),
        "set" => {
            let wanted = list();
            values.len() == wanted.len()
                && wanted.iter().all(|one| values.iter().any(|value| same(value, one)))
        }
        "count" | "most" | "least" => {
            let count = first.and_then(Value::as_array).map_or(0, Vec::len);
            let wanted = text.parse().unwrap_or(usize::MAX);
            match op {
                "count" => count == wanted,
                "most" => count <= wanted,
                _ => count >= wanted,
            }
        }
        ">=" => first.and_then(Value::as_f64) >= text.parse().ok(),
        "same" => first.is_some() && first == names.get(text),
        "differs" => first.is_some() && first != names.get(text),
        "sorted" => is_sorted(&found, text == "descending"),
        _ => return Err(format!("the script says `{place} {rest}`, which means nothing")),
    };
    if fits {
        return Ok(());
    }
    let came = match &found[..] {
        [] if body.is_null() => format!("there is no JSON body (status {})", answer.status),
        [] => "it is absent".to_owned(),
        [one] => format!("it is {}", show(Some(one))),
        many => format!(
            "it is {}",
            show(Some(&Value::from_iter(many.iter().map(|one| (*one).clone()))))
        ),
    };
    let wanted = names.get(text).filter(|_| matches!(op, "same" | "differs"));
    let wanted = wanted.map_or_else(|| text.to_owned(), |value| show(Some(value)));
    Err(format!("`{place}` should be {op} {}; {came}", short(&wanted)))
}

/// Equal; numbers by their value.
fn same(one: &Value, other: &Value) -> bool {
    one == other || (one.is_number() && one.as_f64() == other.as_f64())
}

fn is(value: &Value, what: &str) -> bool {
    let text = value.as_str();
    match what {
        "string" => text.is_some_and(|text| !text.is_empty()),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "datetime" => text.is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        "uri" => {
            text.is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"))
        }
        "etag" => text.is_some_and(|text| {
            text.trim_start_matches("W/").starts_with('"') && text.ends_with('"') && text.len() > 2
        }),
        _ => false,
    }
}

/// RFC 7644 3.4.2.3 leaves the order of letters to the server; here it is by lower-case text.
fn is_sorted(values: &[&Value], is_descending: bool) -> bool {
    let key = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
    let allowed = if is_descending { Ordering::Less } else { Ordering::Greater };
    values.windows(2).all(|pair| key(pair[0]).cmp(&key(pair[1])) != allowed)
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| short(&value.to_string()))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Value) -> Exchange {
        Exchange {
            method: "GET".into(),
            path: "/Users?filter=x".into(),
            status,
            headers: vec![("etag".into(), "W/\"1\"".into())],
            body: body.to_string(),
            json: Some(body),
            ..Exchange::default()
        }
    }

    #[test]
    fn an_answer_is_held_against_a_clause() {
        let names = Names::from([
            ("ana".into(), json!({ENDPOINT: "/Users", "id": "1"})),
            ("bea".into(), json!({ENDPOINT: "/Users", "id": "2"})),
            ("v".into(), json!("W/\"1\"")),
        ]);
        let body = json!({"Resources": [{"id": "1", "n": "b"}, {"id": "9", "n": "A"}], "n": 2,
            "meta": {"version": "W/\"1\"", "created": "2026-01-01T00:00:00Z"}, "none": [], "list": ["a", "b"]});
        let answer = answer(200, body);
        let check = |clause: &str, expected: &str| {
            let told = holds(clause, &answer, &names).err().unwrap_or_default();
            assert_eq!(told, expected, "{clause}");
        };
        for clause in [
            "200|204",
            "2xx",
            "not 5xx",
            "ok",
            "found ana",
            "n == 2",
            "n is integer",
            "none absent",
            "Resources[].id has [\"1\"]",
            "Resources count 2",
            "meta.created is datetime",
            "meta.version same v",
            "header ETag is etag",
            "Resources[].n sorted descending",
            "n == 3 || n == 2",
            "Resources[].id set [\"9\",\"1\"]",
            "n >= 2",
            "list has \"a\"",
            "list lacks \"c\"",
        ] {
            check(clause, "");
        }
        check("404", "expected 404, came 200");
        check("found ana bea", "expected ana, bea, found ana");
        check("found none", "expected none of ours, found ana");
        check("n == \"2\"", "`n` should be == \"2\"; it is 2");
        check("Resources[].n sorted", "`Resources[].n` should be sorted ; it is [\"b\",\"A\"]");
        check("header X-Y present", "header X-Y should be present; it is absent");
    }

    #[test]
    fn an_error_has_a_body_of_its_own() {
        let good = json!({"schemas": [ERROR], "status": "400", "scimType": "invalidFilter"});
        let names = Names::new();
        assert_eq!(holds("error 400 invalidFilter|x", &answer(400, good.clone()), &names), Ok(()));
        let wrong = |status: u16, body: Value, clause: &str| {
            holds(clause, &answer(status, body), &names).unwrap_err()
        };
        let told = wrong(400, good, "error 400 noTarget");
        assert_eq!(told, "expected scimType noTarget, came `invalidFilter`");
        assert!(wrong(400, json!({}), "error 400").contains("lacks the schema"));
        let other = json!({"schemas": [ERROR], "status": "404"});
        assert_eq!(wrong(400, other, "error 400"), "the error's `status` is \"404\", not 400");
    }
}
