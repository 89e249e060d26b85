//! Desired: what an account should be. It is computed, never stored, and holds only what we own.

use std::collections::BTreeSet;

use scim::{Attribute, AttributeType, Resource, ResourceType};
use serde_json::{Map, Value};

use crate::mapping::CheckedMapping;
use crate::{Apply, Bindings, Columns, Mappings, Person, PlanFinding, Subject, TargetPath};

/// What the account of one person should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The attributes we own, each with its value; None: it should have none. Whether the account is
    /// active is not among them: that follows from employment and assignment.
    pub(crate) owned: Vec<Owned>,
    /// The attributes that are written at creation only.
    creation: Vec<(TargetPath, Value)>,
    /// What could not be worked out. The attributes it is about stay as they are.
    pub findings: Vec<PlanFinding>,
}

/// An attribute we own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owned {
    pub target: TargetPath,
    pub value: Option<Value>,
    /// Whether case makes a difference.
    pub case_exact: bool,
}

/// What the account of a person should be. `groups` are the names of the groups the person is in,
/// for mappings that ask for them ([`Mappings::groups`]).
pub fn desired(
    person: &Person,
    application_name: &str,
    mappings: &Mappings,
    groups: &BTreeSet<String>,
) -> Desired {
    let app = [("name", application_name)];
    let app: &dyn Columns = &app;
    let bindings = Bindings::new()
        .document("user", person.profile.document())
        .columns("app", app)
        .groups(groups);
    let mut desired = Desired { owned: Vec::new(), creation: Vec::new(), findings: Vec::new() };
    for mapping in &mappings.checked {
        let value = match evaluate(mapping, &bindings) {
            Ok(value) => value,
            Err(problem) => {
                desired.findings.push(PlanFinding::MappingFailed {
                    subject: Subject::of(person),
                    target: mapping.target.short().to_owned(),
                    problem,
                });
                continue;
            }
        };
        let target = mapping.target.clone();
        match (mapping.apply, value) {
            (Apply::Create, Some(value)) => desired.creation.push((target, value)),
            (Apply::Create, None) => {}
            (Apply::CreateAndUpdate, value) => {
                let case_exact = mapping.definition.case_exact;
                desired.owned.push(Owned { target, value, case_exact });
            }
        }
    }
    desired.drop_values_without_a_value();
    desired
}

impl Desired {
    /// The attributes we own, as they should be in an active account: what is written down as last
    /// written once the application has acknowledged it.
    pub fn resource(&self, user_type: &ResourceType) -> Resource {
        self.document(user_type, &[])
    }

    /// The account as it is created, with what is written at creation only.
    pub fn at_creation(&self, user_type: &ResourceType) -> Resource {
        self.document(user_type, &self.creation)
    }

    /// The login there should be.
    pub fn user_name(&self) -> Option<&str> {
        let owned =
            self.owned.iter().filter_map(|owned| Some((&owned.target, owned.value.as_ref()?)));
        owned
            .chain(self.creation.iter().map(|(target, value)| (target, value)))
            .find(|(target, _)| target.as_str() == "userName")
            .and_then(|(_, value)| value.as_str())
    }

    #[cfg(test)]
    pub(crate) fn for_test(owned: impl Iterator<Item = Owned>) -> Self {
        Self { owned: owned.collect(), creation: Vec::new(), findings: Vec::new() }
    }

    fn document(&self, user_type: &ResourceType, more: &[(TargetPath, Value)]) -> Resource {
        let mut document = Map::new();
        for owned in &self.owned {
            if let Some(value) = &owned.value {
                owned.target.set(&mut document, value.clone());
            }
        }
        for (target, value) in more {
            target.set(&mut document, value.clone());
        }
        document.insert("active".to_owned(), Value::Bool(true));
        write_schemas(&mut document, user_type);
        Resource::from_canonical(document)
    }

    /// An e-mail without an address is none: if `emails[type eq "work"].value` has no value, neither
    /// has `emails[type eq "work"].primary`, whatever its mapping says.
    fn drop_values_without_a_value(&mut self) {
        let empty: Vec<TargetPath> = self
            .owned
            .iter()
            .filter(|owned| owned.target.part() == Some("value") && owned.value.is_none())
            .map(|owned| owned.target.clone())
            .collect();
        for owned in &mut self.owned {
            if empty.iter().any(|target| target.shares_element(&owned.target)) {
                owned.value = None;
            }
        }
        self.creation.retain(|(target, _)| !empty.iter().any(|other| other.shares_element(target)));
    }
}

/// `schemas` names the core schema and every extension that has data (RFC 7643 3.1).
pub(crate) fn write_schemas(document: &mut Map<String, Value>, user_type: &ResourceType) {
    let extensions = user_type.extensions.iter().map(|extension| &extension.schema.id);
    let used = extensions.filter(|urn| document.contains_key(*urn));
    let urns: Vec<Value> = std::iter::once(&user_type.schema.id)
        .chain(used)
        .map(|urn| Value::from(urn.as_str()))
        .collect();
    document.insert("schemas".to_owned(), Value::Array(urns));
}

/// The value a mapping gives; an empty string is none.
fn evaluate(mapping: &CheckedMapping, bindings: &Bindings<'_>) -> Result<Option<Value>, String> {
    let value = mapping.expression.evaluate(bindings).map_err(|error| error.to_string())?;
    let value = value.into_json().filter(|value| value.as_str() != Some(""));
    let Some(value) = value.or_else(|| mapping.default_if_absent.clone()) else {
        return Ok(None);
    };
    let definition = &mapping.definition;
    let whole = definition.multi_valued && mapping.target.part().is_none();
    let values = match (whole, value) {
        (false, value) => return fitting(definition, value).map(Some),
        (true, Value::Array(values)) => values,
        (true, value) => vec![value],
    };
    let fit = values.into_iter().map(|value| fitting(definition, value));
    Ok(Some(Value::Array(fit.collect::<Result<_, _>>()?)))
}

/// The value as one value of the attribute; a plain value stands for the `value` of a complex one.
fn fitting(definition: &Attribute, value: Value) -> Result<Value, String> {
    let misfit = |expected: &str| Err(format!("{value} is not {expected}"));
    match (definition.attribute_type, &value) {
        (
            AttributeType::String | AttributeType::Reference | AttributeType::Binary,
            Value::String(_),
        )
        | (AttributeType::Boolean, Value::Bool(_))
        | (AttributeType::Decimal, Value::Number(_))
        | (AttributeType::Complex, Value::Object(_)) => Ok(value),
        (AttributeType::Integer, Value::Number(number)) if number.is_i64() => Ok(value),
        (AttributeType::DateTime, Value::String(text)) => {
            if text.parse::<jiff::Timestamp>().is_ok() {
                return Ok(value);
            }
            misfit("a date with time and offset")
        }
        (AttributeType::Complex, Value::String(_)) => {
            Ok(Value::Object(Map::from_iter([("value".to_owned(), value)])))
        }
        (AttributeType::Boolean, _) => misfit("true or false"),
        (AttributeType::Integer, _) => misfit("a whole number"),
        (AttributeType::Decimal, _) => misfit("a number"),
        (AttributeType::DateTime, _) => misfit("a date with time and offset"),
        (AttributeType::Complex, _) => misfit("an object with parts"),
        _ => misfit("a text"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{EmployeeNumber, Mapping, PersonId, default_mappings};
    use scim::Extension;
    use serde_json::json;

    fn user_type() -> Arc<ResourceType> {
        Arc::new(ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())]))
    }

    fn person(profile: Value) -> Person {
        Person {
            id: PersonId::parse("p1").unwrap(),
            employee_number: EmployeeNumber::parse("12").unwrap(),
            source: None,
            profile: Resource::from_canonical(profile.as_object().unwrap().clone()),
            employments: vec![],
        }
    }

    fn of(profile: Value, mappings: &[Mapping]) -> Desired {
        let mappings = Mappings::check(mappings, user_type()).unwrap();
        desired(&person(profile), "Workplace", &mappings, &BTreeSet::new())
    }

    #[test]
    fn the_account_holds_what_the_mappings_say_and_nothing_else() {
        let desired = of(
            json!({
                "userName": "ana@x.test",
                "name": {"givenName": "Ana", "familyName": "Ruiz"},
                "nickName": "Annie",
                scim::urn::ENTERPRISE_USER: {"department": "Sales", "employeeNumber": "12"},
            }),
            &default_mappings(),
        );
        assert_eq!(desired.findings, []);
        assert_eq!(
            Value::Object(desired.resource(&user_type()).into_document()),
            json!({
                "schemas": [scim::urn::USER, scim::urn::ENTERPRISE_USER],
                "active": true,
                "userName": "ana@x.test",
                "name": {"givenName": "Ana", "familyName": "Ruiz"},
                "emails": [{"type": "work", "value": "ana@x.test", "primary": true}],
                scim::urn::ENTERPRISE_USER: {"department": "Sales", "employeeNumber": "12"},
            })
        );
    }

    #[test]
    fn an_email_without_an_address_is_none() {
        let desired = of(json!({"title": "Clerk"}), &default_mappings());
        assert_eq!(
            Value::Object(desired.resource(&user_type()).into_document()),
            json!({"schemas": [scim::urn::USER], "active": true, "title": "Clerk"})
        );
        assert_eq!(desired.user_name(), None);
    }

    #[test]
    fn defaults_stand_in_and_lists_become_values() {
        let mapping = |text| serde_json::from_str::<Mapping>(text).unwrap();
        let desired = of(
            json!({"title": ""}),
            &[
                mapping(r#"{"target": "title", "value": "user.title", "default": "Staff"}"#),
                mapping(r#"{"target": "roles", "value": "[\"a\", \"b\"]"}"#),
                mapping(r#"{"target": "locale", "value": "\"en\"", "apply": "create"}"#),
            ],
        );
        assert_eq!(
            Value::Object(desired.at_creation(&user_type()).into_document()),
            json!({
                "schemas": [scim::urn::USER],
                "active": true,
                "locale": "en",
                "title": "Staff",
                "roles": [{"value": "a"}, {"value": "b"}],
            })
        );
        assert_eq!(desired.resource(&user_type()).text("locale"), None);
    }
}
