//! What PUT makes of a stored resource (RFC 7644 3.5.1).

use serde_json::{Map, Value};

use super::read::check_required;
use super::{Resource, refresh_schemas};
use crate::value::same;
use crate::{Attribute, Error, Mutability, ResourceType, ScimType, common_attributes};

impl Resource {
    /// The resource after a PUT of `next` over this one: what the client may not write is kept,
    /// immutable attributes must match, everything else is as `next` says.
    pub fn replace_with(&self, next: Self, rt: &ResourceType) -> Result<Self, Error> {
        let mut document = next.into_document();
        // `id` and `meta` are read-only like any other such attribute; `schemas` is computed.
        let common = common_attributes().iter().filter(|attribute| attribute.name != "schemas");
        let core = rt.schema.attributes.iter().filter(|attribute| !rt.is_rows(&attribute.name));
        keep(common.chain(core), &self.document, &mut document, "")?;
        for extension in &rt.extensions {
            let urn = &extension.schema.id;
            let Some(Value::Object(present)) = self.document.get(urn) else { continue };
            let mut values = match document.remove(urn) {
                Some(Value::Object(values)) => values,
                _ => Map::new(),
            };
            keep(extension.schema.attributes.iter(), present, &mut values, &format!("{urn}:"))?;
            if !values.is_empty() {
                document.insert(urn.clone(), Value::Object(values));
            }
        }
        refresh_schemas(&mut document, rt);
        check_required(rt, &document)?;
        Ok(Self::from_canonical(document))
    }
}

/// Carries over from `present` what `next` cannot change.
fn keep<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    present: &Map<String, Value>,
    next: &mut Map<String, Value>,
    prefix: &str,
) -> Result<(), Error> {
    for attribute in attributes {
        let name = &attribute.name;
        let Some(old) = present.get(name) else {
            if attribute.mutability == Mutability::ReadOnly {
                next.remove(name);
            }
            continue;
        };
        match (attribute.mutability, next.get_mut(name)) {
            // "readOnly: Any values provided SHALL be ignored."
            (Mutability::ReadOnly, _)
            // Never shown, so that a client which sends back what it read cannot know it.
            | (Mutability::WriteOnly, None)
            // Not asserted, hence not contradicted.
            | (Mutability::Immutable, None) => {
                next.insert(name.clone(), old.clone());
            }
            // "immutable: If one or more values are already set for the attribute, the input
            // value(s) MUST match, or HTTP status code 400 SHOULD be returned with a "scimType"
            // error code of "mutability"."
            (Mutability::Immutable, Some(new)) => {
                if !same(attribute, old, new) {
                    return Err(immutable(&format!("{prefix}{name}")));
                }
            }
            (Mutability::ReadWrite, Some(new)) => {
                keep_parts(attribute, old, new, &format!("{prefix}{name}."))?;
            }
            // "readWrite ... Attributes ... omitted from the request body" are unassigned.
            (Mutability::ReadWrite, None) | (Mutability::WriteOnly, Some(_)) => {}
        }
    }
    Ok(())
}

/// The sub-attributes of a single complex value. Values of a multi-valued attribute are replaced
/// whole: another value is another entry.
fn keep_parts(
    attribute: &Attribute,
    old: &Value,
    new: &mut Value,
    prefix: &str,
) -> Result<(), Error> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Ok(()) };
    // A read-only part (`manager.displayName`) describes the `value` beside it; it goes with it.
    let moved = new.get("value") != old.get("value");
    for sub in &attribute.sub_attributes {
        let (Some(old), mutability) = (old.get(&sub.name), sub.mutability) else { continue };
        match (mutability, new.get(&sub.name)) {
            (Mutability::ReadOnly, _) if moved => {
                new.remove(&sub.name);
            }
            (Mutability::ReadOnly, _) | (Mutability::WriteOnly | Mutability::Immutable, None) => {
                new.insert(sub.name.clone(), old.clone());
            }
            (Mutability::Immutable, Some(new)) if !same(sub, old, new) => {
                return Err(immutable(&format!("{prefix}{}", sub.name)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn immutable(path: &str) -> Error {
    Error::bad_request(
        ScimType::Mutability,
        format!("`{path}` is immutable and has another value already. Send the value it has."),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{Extension, Schema, enterprise_user_schema, urn};

    const BADGE: &str = "urn:example:Badge";

    fn user() -> ResourceType {
        let badge = r#"{"id": "urn:example:Badge", "name": "Badge", "attributes": [
            {"name": "number", "mutability": "immutable"},
            {"name": "pin", "mutability": "writeOnly", "returned": "never"},
            {"name": "printedAt", "type": "dateTime", "mutability": "readOnly"},
            {"name": "home", "type": "complex", "subAttributes": [
                {"name": "site", "mutability": "immutable"}, {"name": "desk"}]}]}"#;
        let badge = Arc::new(Schema::from_json(badge).unwrap());
        ResourceType::user(vec![
            Extension::optional(enterprise_user_schema()),
            Extension::optional(badge),
        ])
    }

    fn resource(value: Value) -> Resource {
        match value {
            Value::Object(document) => Resource::from_canonical(document),
            other => panic!("{other}"),
        }
    }

    fn put(next: Value) -> String {
        let stored = resource(json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER, BADGE],
            "id": "1",
            "meta": {"resourceType": "User"},
            "userName": "ana",
            "title": "Boss",
            "password": "old",
            "groups": [{"value": "g"}],
            urn::ENTERPRISE_USER: {"manager": {"value": "7", "displayName": "Eva"}, "division": "N"},
            BADGE: {
                "number": "B1", "pin": "1234", "printedAt": "2026-01-01T00:00:00Z",
                "home": {"site": "M", "desk": "4"}
            },
        }));
        match stored.replace_with(resource(next), &user()) {
            Ok(next) => json!(next.document()).to_string(),
            Err(error) => format!("{} {:?}: {error}", error.status, error.scim_type),
        }
    }

    #[test]
    fn what_the_client_leaves_out_goes_but_for_what_it_cannot_write_or_see() {
        insta::assert_snapshot!(put(json!({"schemas": [urn::USER], "userName": "eva"})), @r#"{"groups":[{"value":"g"}],"id":"1","meta":{"resourceType":"User"},"password":"old","schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:example:Badge"],"urn:example:Badge":{"number":"B1","pin":"1234","printedAt":"2026-01-01T00:00:00Z"},"userName":"eva"}"#);
    }

    #[test]
    fn the_display_name_of_a_manager_stays_only_with_the_manager() {
        let with = |manager: &str| {
            let next = put(json!({
                "userName": "ana",
                urn::ENTERPRISE_USER: {"manager": {"value": manager}},
            }));
            let next: Value = serde_json::from_str(&next).unwrap();
            next[urn::ENTERPRISE_USER].to_string()
        };
        insta::assert_snapshot!(with("7"), @r#"{"manager":{"displayName":"Eva","value":"7"}}"#);
        insta::assert_snapshot!(with("8"), @r#"{"manager":{"value":"8"}}"#);
    }

    #[test]
    fn an_immutable_value_must_match() {
        let with = |badge: Value| put(json!({"userName": "ana", BADGE: badge}));
        insta::assert_snapshot!(with(json!({"number": "B2"})), @"400 Some(Mutability): `urn:example:Badge:number` is immutable and has another value already. Send the value it has.");
        insta::assert_snapshot!(with(json!({"home": {"site": "N"}})), @"400 Some(Mutability): `urn:example:Badge:home.site` is immutable and has another value already. Send the value it has.");
        assert!(with(json!({"number": "B1", "home": {"site": "M", "desk": "5"}})).starts_with('{'));
    }

    #[test]
    fn a_new_secret_replaces_the_old_one() {
        let next = put(json!({"userName": "ana", "password": "new"}));
        assert!(next.contains(r#""password":"new""#), "{next}");
    }

    #[test]
    fn a_required_attribute_must_be_there_after_all() {
        insta::assert_snapshot!(put(json!({"title": "x"})), @"400 Some(InvalidValue): `userName` is required for a User and has no value. Send one.");
    }
}
