//! Target paths: the name of one value in an account, checked against the application's schemas.
//!
//! Written as RFC 7644 3.5.2 writes the path of a PATCH: `userName`, `name.givenName`,
//! `emails[type eq "work"].value`, `urn:...:User:department`. A filter may only say what parts are
//! equal to, since a value that is not there yet has to be made from it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use scim::{
    Attribute, AttributePath, AttributeType, CompareOp, Filter, Literal, PatchPath, ResourceType,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits;

/// The name of one value in an account. Cheap to copy; compared and ordered by its text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetPath(Arc<Parts>);

struct Parts {
    text: String,
    path: PatchPath,
    /// The attribute's name, which every target has.
    attribute: String,
    /// Which value of a multi-valued attribute: what its parts are equal to.
    element: Vec<(String, Value)>,
}

/// A text that names no value of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetPathError {
    /// It is not written as a path.
    #[error("`{text}` is no attribute path: {problem}")]
    Malformed {
        /// The path as written.
        text: String,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// The application's schemas do not define it.
    #[error("the application has no attribute `{text}`")]
    Unknown {
        /// The path as written.
        text: String,
    },
    /// Only the application sets it.
    #[error("`{text}` is set by the application and cannot be written")]
    ReadOnly {
        /// The path as written.
        text: String,
    },
    /// It names a part of several values.
    #[error(
        "`{text}` names several values: write which one, as in `{attribute}[type eq \"work\"].value`"
    )]
    SeveralValues {
        /// The path as written.
        text: String,
        /// The multi-valued attribute.
        attribute: String,
    },
}

impl TargetPath {
    /// Reads a path and checks it against the schemas. Names may be in any case, and an attribute of
    /// an extension may leave its URN away where the name is clear.
    pub fn parse(text: &str, user_type: &ResourceType) -> Result<Self, TargetPathError> {
        Self::resolve(text, user_type).map(|(path, _)| path)
    }

    /// As [`TargetPath::parse`], with the definition of what the path reaches.
    pub(crate) fn resolve<'t>(
        text: &str,
        user_type: &'t ResourceType,
    ) -> Result<(Self, &'t Attribute), TargetPathError> {
        let path = Self::read(text)?;
        let owned = || text.trim().to_owned();
        let parts = &*path.0;
        let (urn, attribute) = find(user_type, parts.path.urn.as_deref(), &parts.attribute)
            .ok_or_else(|| TargetPathError::Unknown { text: owned() })?;
        let part = |name: &str| {
            attribute.sub_attribute(name).ok_or_else(|| TargetPathError::Unknown { text: owned() })
        };
        let sub = parts.path.sub_attribute.as_deref().map(part).transpose()?;
        let mut element = Vec::new();
        for (name, value) in &parts.element {
            element.push((part(name)?.name.clone(), value.clone()));
        }
        if attribute.multi_valued && element.is_empty() && sub.is_some() {
            return Err(TargetPathError::SeveralValues {
                text: owned(),
                attribute: attribute.name.clone(),
            });
        }
        let malformed = |problem: &str| {
            Err(TargetPathError::Malformed { text: owned(), problem: problem.to_owned() })
        };
        if !element.is_empty() && !attribute.multi_valued {
            return malformed("only a multi-valued attribute has several values to choose from");
        }
        let complex = attribute.attribute_type == AttributeType::Complex;
        if sub.is_none() && complex && (!attribute.multi_valued || !element.is_empty()) {
            return malformed("it has parts: name one of them");
        }
        let target = sub.unwrap_or(attribute);
        if [attribute, target].iter().any(|it| it.mutability == scim::Mutability::ReadOnly) {
            return Err(TargetPathError::ReadOnly { text: owned() });
        }
        let path = Self::from_parts(
            urn.map(str::to_owned),
            attribute.name.clone(),
            element,
            sub.map(|sub| sub.name.clone()),
        );
        Ok((path, target))
    }

    /// Reads a path that was checked before, such as one that was stored.
    pub fn read(text: &str) -> Result<Self, TargetPathError> {
        let text = text.trim();
        let malformed =
            |problem: String| TargetPathError::Malformed { text: text.to_owned(), problem };
        if text.len() > limits::PROFILE_PATH_BYTES_MAX {
            return Err(malformed("it is too long".to_owned()));
        }
        let path = PatchPath::parse(text).map_err(|error| malformed(error.to_string()))?;
        let Some(attribute) = path.attribute else {
            return Err(malformed("it names a whole schema".to_owned()));
        };
        let element = match &path.value_filter {
            Some(filter) => equalities(filter).ok_or_else(|| {
                malformed("its filter may only say what parts are equal to".to_owned())
            })?,
            None => Vec::new(),
        };
        Ok(Self::from_parts(path.urn, attribute, element, path.sub_attribute))
    }

    fn from_parts(
        urn: Option<String>,
        attribute: String,
        element: Vec<(String, Value)>,
        sub_attribute: Option<String>,
    ) -> Self {
        let path = PatchPath {
            urn,
            attribute: Some(attribute.clone()),
            value_filter: filter_of(&element),
            sub_attribute,
        };
        Self(Arc::new(Parts { text: path.to_string(), path, attribute, element }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The text without the extension's URN: what people call it.
    pub fn short(&self) -> &str {
        match &self.0.path.urn {
            Some(urn) => self.0.text.get(urn.len() + 1..).unwrap_or(&self.0.text),
            None => &self.0.text,
        }
    }

    /// The path as a PATCH names it.
    pub fn patch_path(&self) -> PatchPath {
        self.0.path.clone()
    }

    /// The attribute as a PATCH names it, with all its values.
    pub(crate) fn attribute_path(&self) -> PatchPath {
        PatchPath { value_filter: None, sub_attribute: None, ..self.0.path.clone() }
    }

    /// The one value of a multi-valued attribute as a PATCH names it, whole.
    pub(crate) fn element_path(&self) -> PatchPath {
        PatchPath { sub_attribute: None, ..self.0.path.clone() }
    }

    /// What the chosen value of a multi-valued attribute is made from. Empty: nothing is chosen.
    pub(crate) fn element(&self) -> &[(String, Value)] {
        &self.0.element
    }

    /// The part of the attribute, if the path names one.
    pub(crate) fn part(&self) -> Option<&str> {
        self.0.path.sub_attribute.as_deref()
    }

    /// Whether both choose the same value of the same multi-valued attribute.
    pub(crate) fn shares_element(&self, other: &Self) -> bool {
        let (one, two) = (&*self.0, &*other.0);
        !one.element.is_empty()
            && one.path.urn == two.path.urn
            && one.attribute == two.attribute
            && one.element == two.element
    }

    /// The value in an account.
    pub fn value<'d>(&self, document: &'d Map<String, Value>) -> Option<&'d Value> {
        let values = self.owner(document)?.get(&self.0.attribute)?;
        let value = if self.0.element.is_empty() { values } else { self.find_element(values)? };
        match &self.0.path.sub_attribute {
            Some(part) => value.get(part),
            None => Some(value),
        }
    }

    /// Whether an account has the value that the filter chooses. Without a filter there is nothing
    /// to be missing.
    pub(crate) fn has_element(&self, document: &Map<String, Value>) -> bool {
        self.0.element.is_empty()
            || self
                .owner(document)
                .and_then(|owner| owner.get(&self.0.attribute))
                .and_then(|values| self.find_element(values))
                .is_some()
    }

    /// Writes the value into an account.
    pub(crate) fn set(&self, document: &mut Map<String, Value>, value: Value) {
        let owner = match &self.0.path.urn {
            Some(urn) => object(document, urn),
            None => document,
        };
        let parts = &*self.0;
        if parts.element.is_empty() {
            match &parts.path.sub_attribute {
                Some(part) => object(owner, &parts.attribute).insert(part.clone(), value),
                None => owner.insert(parts.attribute.clone(), value),
            };
            return;
        }
        let values = owner.entry(parts.attribute.clone()).or_insert_with(|| Value::Array(vec![]));
        if !values.is_array() {
            *values = Value::Array(vec![]);
        }
        let Some(values) = values.as_array_mut() else { return };
        let at = values.iter().position(|one| self.is_element(one)).unwrap_or_else(|| {
            values.push(Value::Object(parts.element.iter().cloned().collect()));
            values.len() - 1
        });
        if let (Some(part), Some(element)) =
            (&parts.path.sub_attribute, values.get_mut(at).and_then(Value::as_object_mut))
        {
            element.insert(part.clone(), value);
        }
    }

    /// Takes the value out of an account, and with it what becomes empty.
    pub(crate) fn unset(&self, document: &mut Map<String, Value>) {
        let parts = &*self.0;
        match &parts.path.urn {
            Some(urn) => {
                let Some(Value::Object(extension)) = document.get_mut(urn) else { return };
                self.unset_in(extension);
                if extension.is_empty() {
                    document.remove(urn);
                }
            }
            None => self.unset_in(document),
        }
    }

    fn unset_in(&self, owner: &mut Map<String, Value>) {
        let attribute = &self.0.attribute;
        let Some(part) = self.part() else {
            owner.remove(attribute);
            return;
        };
        let empty = match owner.get_mut(attribute) {
            Some(Value::Object(complex)) => {
                complex.remove(part);
                complex.is_empty()
            }
            Some(Value::Array(values)) => {
                // Without its `value` nothing of a value is left.
                values.retain_mut(|value| {
                    if !self.is_element(value) {
                        return true;
                    }
                    if let Some(element) = value.as_object_mut() {
                        element.remove(part);
                    }
                    part != "value"
                });
                values.is_empty()
            }
            _ => false,
        };
        if empty {
            owner.remove(attribute);
        }
    }

    fn owner<'d>(&self, document: &'d Map<String, Value>) -> Option<&'d Map<String, Value>> {
        match &self.0.path.urn {
            Some(urn) => document.get(urn)?.as_object(),
            None => Some(document),
        }
    }

    fn find_element<'d>(&self, values: &'d Value) -> Option<&'d Value> {
        values.as_array()?.iter().find(|value| self.is_element(value))
    }

    fn is_element(&self, value: &Value) -> bool {
        self.0.element.iter().all(|(part, expected)| match (value.get(part), expected) {
            // RFC 7643 2.4: `type` is not case exact, and nothing else sensibly chooses a value.
            (Some(Value::String(found)), Value::String(expected)) => {
                found.eq_ignore_ascii_case(expected)
            }
            (Some(found), expected) => found == expected,
            (None, _) => false,
        })
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetPath({})", self.0.text)
    }
}

impl PartialEq for TargetPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for TargetPath {}

impl PartialOrd for TargetPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TargetPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl TryFrom<String> for TargetPath {
    type Error = TargetPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text)
    }
}

impl From<TargetPath> for String {
    fn from(path: TargetPath) -> Self {
        path.0.text.clone()
    }
}

/// The attribute a path names, and the URN of the extension it lies in.
fn find<'t>(
    user_type: &'t ResourceType,
    urn: Option<&str>,
    name: &str,
) -> Option<(Option<&'t str>, &'t Attribute)> {
    if let Some(urn) = urn.filter(|urn| !urn.eq_ignore_ascii_case(&user_type.schema.id)) {
        let extension = user_type.extension(urn)?;
        let attribute = extension.schema.attribute(name)?;
        return Some((Some(&extension.schema.id), attribute));
    }
    if let Some(attribute) = user_type.attribute(name) {
        return Some((None, attribute));
    }
    let mut found = user_type.extensions.iter().filter_map(|extension| {
        Some((Some(extension.schema.id.as_str()), extension.schema.attribute(name)?))
    });
    match (found.next(), found.next()) {
        (Some(only), None) if urn.is_none() => Some(only),
        _ => None,
    }
}

/// What a filter says parts are equal to. None: it says something else.
fn equalities(filter: &Filter) -> Option<Vec<(String, Value)>> {
    match filter {
        Filter::Compare { path, op: CompareOp::Eq, value }
            if path.urn.is_none() && path.sub_attribute.is_none() =>
        {
            let value = match value {
                Literal::String(text) => Value::from(text.as_str()),
                Literal::Number(number) => Value::Number(number.clone()),
                Literal::Boolean(boolean) => Value::from(*boolean),
                Literal::Null => return None,
            };
            Some(vec![(path.attribute.clone(), value)])
        }
        Filter::And(filters) => {
            let found: Option<Vec<_>> = filters.iter().map(equalities).collect();
            found.map(|found| found.into_iter().flatten().collect())
        }
        _ => None,
    }
}

fn filter_of(element: &[(String, Value)]) -> Option<Filter> {
    let mut filters = element.iter().map(|(part, value)| Filter::Compare {
        path: AttributePath { urn: None, attribute: part.clone(), sub_attribute: None },
        op: CompareOp::Eq,
        value: match value {
            Value::String(text) => Literal::String(text.clone()),
            Value::Number(number) => Literal::Number(number.clone()),
            Value::Bool(boolean) => Literal::Boolean(*boolean),
            _ => Literal::Null,
        },
    });
    let first = filters.next()?;
    let rest: Vec<_> = filters.collect();
    if rest.is_empty() {
        return Some(first);
    }
    Some(Filter::And(std::iter::once(first).chain(rest).collect()))
}

fn object<'d>(document: &'d mut Map<String, Value>, key: &str) -> &'d mut Map<String, Value> {
    let value = document.entry(key.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("it was made an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::Extension;
    use serde_json::json;

    fn user_type() -> ResourceType {
        ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())])
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match TargetPath::parse(text, &user_type()) {
            Ok(path) => {
                assert_eq!(TargetPath::read(path.as_str()).unwrap(), path);
                path.to_string()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_target_is_written_in_the_case_of_the_schema() {
        check("username", "userName");
        check("externalid", "externalId");
        check("NAME.givenname", "name.givenName");
        check("emails[Type eq \"work\"].VALUE", "emails[type eq \"work\"].value");
        check(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:Department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        );
        check(
            "department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        );
        check("roles", "roles");
    }

    #[test]
    fn what_names_no_value_says_why() {
        check("nickname2", "the application has no attribute `nickname2`");
        check("id", "`id` is set by the application and cannot be written");
        check("name", "`name` is no attribute path: it has parts: name one of them");
        check(
            "emails.value",
            "`emails.value` names several values: write which one, as in \
             `emails[type eq \"work\"].value`",
        );
        check(
            "emails[type ne \"work\"].value",
            "`emails[type ne \"work\"].value` is no attribute path: its filter may only say what \
             parts are equal to",
        );
        check(
            "title[type eq \"work\"]",
            "the application has no attribute `title[type eq \"work\"]`",
        );
    }

    #[test]
    fn what_is_set_is_found_again() {
        let mut document = Map::new();
        let path = |text| TargetPath::parse(text, &user_type()).unwrap();
        for (text, value) in [
            ("userName", json!("ana")),
            ("name.givenName", json!("Ana")),
            ("emails[type eq \"work\"].value", json!("ana@x.test")),
            ("emails[type eq \"work\"].primary", json!(true)),
            ("emails[type eq \"home\"].value", json!("a@home.test")),
            ("department", json!("Sales")),
        ] {
            assert!(path(text).value(&document).is_none());
            path(text).set(&mut document, value.clone());
            assert_eq!(path(text).value(&document), Some(&value), "{text}");
        }
        assert_eq!(
            Value::Object(document),
            json!({
                "userName": "ana",
                "name": {"givenName": "Ana"},
                "emails": [
                    {"type": "work", "value": "ana@x.test", "primary": true},
                    {"type": "home", "value": "a@home.test"},
                ],
                scim::urn::ENTERPRISE_USER: {"department": "Sales"},
            })
        );
        assert_eq!(path("department").short(), "department");
    }
}
