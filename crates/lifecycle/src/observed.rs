//! Observed: what is in an application, and how it differs from what should be.
//!
//! Three values are compared for every attribute we own: what it should be, what we last wrote, what
//! was last seen. Only a difference between the first two is ours to send; a difference between the
//! last two is drift, which somebody else made.

use std::collections::BTreeSet;

use scim::Resource;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::desired::{Desired, Owned};
use crate::{Account, Drift, PersonId, RemoteId, TargetPath};

/// An account that was seen in an application and is linked to nobody here.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteAccount {
    /// What the application calls it.
    pub remote_id: RemoteId,
    /// The account as it was seen.
    pub resource: Resource,
}

/// A group that was seen in an application and is linked to none here.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteGroup {
    /// What the application calls it.
    pub remote_id: RemoteId,
    /// Its name.
    pub display_name: String,
    /// The people whose linked accounts are members. None: members were not read.
    pub members: Option<BTreeSet<PersonId>>,
}

/// One attribute of an account that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeChange {
    /// Which.
    pub path: TargetPath,
    /// What it is, as far as we know. None: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it will be. None: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// Whether the value of a multi-valued attribute that the path chooses has to be added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adds_value: bool,
}

/// An attribute that somebody else changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drifted {
    pub path: TargetPath,
    pub written: Option<Value>,
    pub observed: Option<Value>,
}

/// How an account differs from what it should be.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Differences {
    /// What we have to say: it differs from what we wrote.
    pub ours: Vec<AttributeChange>,
    /// What somebody else changed, and is to be written again.
    pub repairs: Vec<AttributeChange>,
    /// What somebody else changed, and is only told.
    pub drifted: Vec<Drifted>,
    /// What was seen to be as it should be, though we do not know that we wrote it: a request whose
    /// outcome was unknown, or somebody was faster.
    pub settled: Vec<AttributeChange>,
}

impl RemoteAccount {
    /// Whether it is active. RFC 7643 4.1.1 leaves it to the application what a missing value
    /// means; an account that does not say so is taken to be.
    pub fn is_active(&self) -> bool {
        is_active(&self.resource)
    }

    /// Whether it looks like an administrator's: a word of the list stands in `roles` or `userType`.
    pub fn is_privileged(&self, words: &[String]) -> bool {
        let document = self.resource.document();
        let roles = document.get("roles").and_then(Value::as_array).into_iter().flatten();
        let texts = roles
            .flat_map(|role| ["value", "display", "type"].map(|part| role.get(part)))
            .chain([document.get("userType")])
            .filter_map(|text| text.and_then(Value::as_str));
        texts
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .any(|found| words.iter().any(|word| found.to_lowercase() == word.to_lowercase()))
    }
}

/// How what was written and observed differs from what should be.
pub(crate) fn differences(
    desired: &Desired,
    written: Option<&Resource>,
    observed: Option<&Resource>,
    drift: Drift,
) -> Differences {
    let (written, observed) = (written.map(Resource::document), observed.map(Resource::document));
    let mut differences = Differences::default();
    for owned in &desired.owned {
        compare(owned, written, observed, drift, &mut differences);
    }
    differences
}

fn compare(
    owned: &Owned,
    written: Option<&Map<String, Value>>,
    observed: Option<&Map<String, Value>>,
    drift: Drift,
    differences: &mut Differences,
) {
    let path = &owned.target;
    let wanted = owned.value.as_ref();
    let value_in = |document: Option<&Map<String, Value>>| {
        document.and_then(|document| path.value(document)).cloned()
    };
    // What was seen last is what a change starts from; nobody has seen: what we wrote.
    let known = observed.or(written);
    let change = |from: Option<Value>| AttributeChange {
        path: path.clone(),
        from,
        to: wanted.cloned(),
        adds_value: wanted.is_some() && known.is_none_or(|known| !path.has_element(known)),
    };
    let seen_as_wanted = observed.is_some() && same(wanted, value_in(observed).as_ref(), true);
    let nothing_new = match written {
        Some(document) => same(wanted, path.value(document), true),
        // Nothing was ever written: what should have no value is left as it is.
        None => wanted.is_none(),
    };
    if seen_as_wanted {
        if !nothing_new {
            differences.settled.push(change(None));
        }
        return;
    }
    if !nothing_new {
        differences.ours.push(change(value_in(known)));
        return;
    }
    let seen = value_in(observed);
    if written.is_none() || observed.is_none() || same(wanted, seen.as_ref(), owned.case_exact) {
        return;
    }
    match drift {
        Drift::Ignore => {}
        Drift::Report => differences.drifted.push(Drifted {
            path: path.clone(),
            written: wanted.cloned(),
            observed: seen,
        }),
        Drift::Repair => differences.repairs.push(change(seen)),
    }
}

/// Whether the account says that it is active.
pub(crate) fn is_active(resource: &Resource) -> bool {
    resource.document().get("active").and_then(Value::as_bool).unwrap_or(true)
}

/// Whether the account was seen to be active: by what was read last, else as acknowledged.
pub(crate) fn seen_active(account: &Account) -> bool {
    account.observed.as_ref().map_or(account.active, is_active)
}

/// What is written down as last written after these changes were acknowledged.
pub(crate) fn after(
    written: Option<&Resource>,
    changes: &[AttributeChange],
    active: bool,
) -> Resource {
    let mut document = written.map(|it| it.document().clone()).unwrap_or_default();
    for change in changes {
        match &change.to {
            Some(value) => change.path.set(&mut document, value.clone()),
            None => change.path.unset(&mut document),
        }
    }
    document.insert("active".to_owned(), Value::Bool(active));
    Resource::from_canonical(document)
}

/// Whether what is there is what is wanted. Several values are equal in any order, and an object may
/// have parts that nobody asked for: applications add `$ref`, `display` and `primary`.
fn same(wanted: Option<&Value>, found: Option<&Value>, case_exact: bool) -> bool {
    match (wanted, found) {
        (None, None) => true,
        (Some(wanted), Some(found)) => holds(wanted, found, case_exact),
        _ => false,
    }
}

fn holds(wanted: &Value, found: &Value, case_exact: bool) -> bool {
    match (wanted, found) {
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().all(|one| found.iter().any(|other| holds(one, other, case_exact)))
        }
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().all(|(name, value)| {
            found.get(name).is_some_and(|other| holds(value, other, case_exact))
        }),
        (Value::String(wanted), Value::String(found)) if !case_exact => {
            wanted.to_lowercase() == found.to_lowercase()
        }
        (wanted, found) => wanted == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::{Extension, ResourceType};
    use serde_json::json;

    fn resource(value: Value) -> Resource {
        Resource::from_canonical(value.as_object().unwrap().clone())
    }

    fn desired(values: &[(&str, Option<Value>)]) -> Desired {
        let user_type =
            ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())]);
        Desired::for_test(values.iter().map(|(text, value)| {
            let (target, definition) = TargetPath::resolve(text, &user_type).unwrap();
            Owned { target, value: value.clone(), case_exact: definition.case_exact }
        }))
    }

    #[track_caller]
    fn check(wanted: Option<&str>, written: Option<Value>, observed: Option<Value>, says: &str) {
        let desired = desired(&[("title", wanted.map(Value::from))]);
        let (written, observed) = (written.map(resource), observed.map(resource));
        let found = differences(&desired, written.as_ref(), observed.as_ref(), Drift::Report);
        let text = |value: &Option<Value>| value.as_ref().map_or("-".into(), Value::to_string);
        let mut said: Vec<String> = found
            .ours
            .iter()
            .map(|change| format!("{} -> {}", text(&change.from), text(&change.to)))
            .collect();
        said.extend(found.drifted.iter().map(|drifted| {
            format!("drift {} -> {}", text(&drifted.written), text(&drifted.observed))
        }));
        assert_eq!(said.join(", "), says);
    }

    #[test]
    fn only_what_we_have_not_written_yet_is_sent() {
        let title = |title: &str| Some(json!({"title": title}));
        check(Some("A"), title("A"), None, "");
        check(Some("B"), title("A"), None, "\"A\" -> \"B\"");
        check(None, title("A"), None, "\"A\" -> -");
        check(Some("A"), None, None, "- -> \"A\"");
        check(None, None, None, "");
    }

    #[test]
    fn what_is_there_already_is_not_sent_again() {
        let title = |title: &str| Some(json!({"title": title}));
        check(Some("B"), title("A"), title("B"), "");
        check(Some("B"), title("A"), title("A"), "\"A\" -> \"B\"");
        check(Some("B"), title("A"), title("C"), "\"C\" -> \"B\"");
        check(Some("B"), None, title("B"), "");
    }

    #[test]
    fn what_somebody_else_changed_is_told_and_normalising_is_not_changing() {
        let title = |title: &str| Some(json!({"title": title}));
        check(Some("A"), title("A"), title("X"), "drift \"A\" -> \"X\"");
        check(Some("A"), title("A"), Some(json!({})), "drift \"A\" -> -");
        check(Some("A"), title("A"), title("a"), "");
        check(None, None, title("X"), "");
    }

    #[test]
    fn an_administrator_is_told_by_a_role() {
        let words = ["admin".to_owned(), "owner".to_owned()];
        let check = |value: Value, expected: bool| {
            let account = RemoteAccount {
                remote_id: RemoteId::parse("1").unwrap(),
                resource: resource(value.clone()),
            };
            assert_eq!(account.is_privileged(&words), expected, "{value}");
        };
        check(json!({"roles": [{"value": "Billing Admin"}]}), true);
        check(json!({"roles": [{"display": "Owner"}]}), true);
        check(json!({"userType": "ADMIN"}), true);
        check(json!({"roles": [{"value": "badminton"}], "userType": "Licensed"}), false);
    }
}
