//! Paths (RFC 7644 3.5.2 figure 7, and 3.10): the first line is the path, what follows may be a
//! resource.

use scim::limits::FILTER_BYTES_MAX;
use scim::{
    AttributePath, PatchPath, PatchRequest, Projection, Resource, ResourceType, Tolerances,
    sort_key,
};
use serde_json::{Value, json};

use crate::stock::{self, STOCK};

/// Reads, prints, reads again, resolves, and asks everything that takes a path.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (text, rest) = text.split_once('\n').unwrap_or((text, ""));
    let end = text.chars().count() + 1;
    match PatchPath::parse(text) {
        Ok(path) => {
            let printed = path.to_string();
            if printed.len() <= FILTER_BYTES_MAX {
                assert_eq!(PatchPath::parse(&printed), Ok(path), "{printed}");
            }
        }
        Err(error) => assert!((1..=end).contains(&error.column), "{error}: {text}"),
    }
    let path = AttributePath::parse(text);
    match &path {
        Ok(path) => assert_eq!(AttributePath::parse(&path.to_string()).as_ref(), Ok(path)),
        Err(error) => assert!((1..=end).contains(&error.column), "{error}: {text}"),
    }
    let bodies = stock::documents(rest.as_bytes());
    for stock in &*STOCK {
        let given = bodies.iter().filter_map(|body| stock::resource(&stock.rt, body));
        for resource in given.chain([stock.stored.clone()]) {
            if let Ok(path) = &path {
                resolved(path, &stock.rt, &resource);
            }
            projected(text, &stock.rt, &resource);
            removed(text, &stock.rt, &resource);
        }
    }
}

fn resolved(path: &AttributePath, rt: &ResourceType, resource: &Resource) {
    let reached = resource.get(path, rt);
    if rt.resolve(path).is_none() {
        assert!(reached.is_empty(), "{path} is nowhere and reaches {reached:?}");
    }
    let key = sort_key(rt, path, resource.document());
    assert_eq!(key.cmp(&key), std::cmp::Ordering::Equal, "{path}");
}

/// A projection shows nothing that is not there, and shows it once more as it was.
fn projected(text: &str, rt: &ResourceType, resource: &Resource) {
    for (only, without) in [(Some(text), None), (None, Some(text))] {
        let Ok(projection) = Projection::parse(only, without, rt) else { continue };
        let shown = projection.apply(rt, resource.clone());
        for (name, value) in &shown {
            assert!(within(value, resource.document().get(name)), "{name} of {text}");
        }
        assert!(shown.contains_key("id") && shown.contains_key("schemas"), "{text}");
        let again = projection.apply(rt, Resource::from_canonical(shown.clone()));
        assert_eq!(again, shown, "{text}");
    }
}

fn within(shown: &Value, there: Option<&Value>) -> bool {
    match (shown, there) {
        (Value::Object(shown), Some(Value::Object(there))) => {
            shown.iter().all(|(name, value)| within(value, there.get(name)))
        }
        (Value::Array(shown), Some(Value::Array(there))) => {
            shown.iter().all(|value| there.iter().any(|other| within(value, Some(other))))
        }
        (shown, there) => Some(shown) == there,
    }
}

/// Removing is the one operation that a path says whole.
fn removed(text: &str, rt: &ResourceType, resource: &Resource) {
    for tolerances in [Tolerances::none(), Tolerances::all()] {
        let body = json!({
            "schemas": [scim::urn::PATCH_OP],
            "Operations": [{"op": "remove", "path": text}],
        });
        let Ok((request, _)) = PatchRequest::read(&body, rt, &tolerances) else { continue };
        let Ok(outcome) = request.apply(rt, resource) else { continue };
        stock::assert_valid(rt, &outcome.resource);
        let again = request.apply(rt, &outcome.resource);
        assert!(again.is_ok_and(|again| !again.changed), "{text} is removed twice");
    }
}
