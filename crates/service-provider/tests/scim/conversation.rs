//! A client's conversation as a list of turns: a request, the status, part of the answer, and what the
//! request log says had to be tolerated.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use service_provider::{Dialect, RequestQuery};

use super::{Server, send};

/// One request and what is expected of it.
///
/// The request is `METHOD PATH BODY`, or `NAME = METHOD PATH BODY` to remember the resource: `{NAME}`
/// is its id from then on, in paths, bodies and answers. The answer is JSON of which everything has
/// to be there; `null` means that it is not. An empty text expects an empty body. What is tolerated is
/// compared whole, names only.
pub struct Turn(pub &'static str, pub u16, pub &'static str, pub &'static [&'static str]);

/// Holds a conversation with a server of its own and hands it back.
pub async fn hold(dialect: Dialect, turns: &[Turn]) -> (Server, BTreeMap<String, String>) {
    let server = Server::speaking(dialect).await;
    let mut ids = BTreeMap::new();
    for turn in turns {
        take(&server, &mut ids, turn, dialect).await;
    }
    (server, ids)
}

async fn take(server: &Server, ids: &mut BTreeMap<String, String>, turn: &Turn, dialect: Dialect) {
    let Turn(request, status, expected, tolerated) = turn;
    let place = format!("{request} ({})", dialect.as_str());
    let (name, line) = match request.split_once(" = ") {
        Some((name, line)) if !name.contains(' ') => (Some(name), line),
        _ => (None, *request),
    };
    let line = fill(line, ids);
    let mut words = line.splitn(3, ' ');
    let method = Method::from_bytes(words.next().unwrap().as_bytes()).unwrap();
    let path = words.next().unwrap();
    let mut sending = server.request(method, path);
    if let Some(body) = words.next() {
        serde_json::from_str::<Value>(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        sending = sending.header("content-type", "application/json").body(body.to_owned());
    }
    let answer = send(sending).await;
    assert_eq!(answer.status.as_u16(), *status, "{place}: {}", answer.text);
    if expected.is_empty() {
        assert_eq!(answer.text, "", "{place}");
    } else {
        let expected: Value = serde_json::from_str(&fill(expected, ids)).unwrap();
        let missing = missing(&expected, &answer.json(), "");
        assert_eq!(missing, None, "{place}: {}", answer.text);
    }
    if let Some(name) = name {
        ids.insert(name.to_owned(), super::id(&answer.json()));
    }
    let last = RequestQuery { limit: 1, ..RequestQuery::default() };
    let logged = server.provider.requests(Some(&server.tenant), &last).unwrap();
    let name = |text: &String| text.split(' ').next().unwrap().to_owned();
    let mut came: Vec<String> = logged[0].tolerated.iter().map(name).collect();
    came.sort();
    came.dedup();
    assert_eq!(came, *tolerated, "tolerated in {place}");
}

/// Puts ids where their names stand. JSON's own braces are never followed by a letter.
fn fill(text: &str, ids: &BTreeMap<String, String>) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
}

/// Where an answer lacks what is expected.
fn missing(expected: &Value, came: &Value, at: &str) -> Option<String> {
    match (expected, came) {
        (Value::Object(expected), Value::Object(_)) => {
            expected.iter().find_map(|(key, expected)| {
                missing(expected, came.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"))
            })
        }
        (Value::Array(expected), Value::Array(came)) if expected.len() == came.len() => {
            let pairs = expected.iter().zip(came).enumerate();
            pairs
                .into_iter()
                .find_map(|(n, (expected, came))| missing(expected, came, &format!("{at}[{n}]")))
        }
        (expected, came) if expected == came => None,
        (expected, came) => Some(format!("{at} should be {expected}, is {came}")),
    }
}
