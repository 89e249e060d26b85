//! Paths into a profile: the name of one single value, checked against the profile's schemas.
//!
//! A path is written as a person would say it, without the schema's URN where the name is clear:
//! `department`, `name.givenName`, `hireDate`, `emails[type eq "work"].value`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use scim::{Attribute, AttributePath, AttributeType, Extension, Resource, ResourceType};
use serde_json::{Map, Value};

use crate::limits;
use crate::profile::write_schemas;

/// The name of one single value in a profile, checked against its schemas. Cheap to copy; compared
/// and ordered by its text.
#[derive(Clone)]
pub struct ProfilePath(Arc<Parts>);

struct Parts {
    text: String,
    /// URN of the extension the attribute lies in; None: the core schema.
    urn: Option<String>,
    attribute: String,
    sub_attribute: Option<String>,
    /// Which value of a multi-valued attribute: `[type eq "work"]`.
    value_type: Option<String>,
    /// The definition of what the path reaches.
    target: Attribute,
}

/// A text that names no value of a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfilePathError {
    /// The schemas do not define it.
    #[error("the profile has no attribute `{text}`{}", did_you_mean(suggestion.as_deref()))]
    Unknown {
        /// The path as written.
        text: String,
        /// The closest name there is.
        suggestion: Option<String>,
    },
    /// It is not written as a path.
    #[error("`{text}` is no attribute path: {problem}")]
    Malformed {
        /// The path as written.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It names several values.
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

impl ProfilePath {
    /// Reads a path. Names may be in any case and may leave the extension's URN away.
    pub fn parse(text: &str, profile: &ResourceType) -> Result<Self, ProfilePathError> {
        let text = text.trim();
        let malformed =
            |problem| Err(ProfilePathError::Malformed { text: text.to_owned(), problem });
        if text.is_empty() || text.len() > limits::PROFILE_PATH_BYTES_MAX {
            return malformed("it is empty or too long");
        }
        let Some(written) = split(text) else {
            return malformed(
                "write attribute, attribute.part or attribute[type eq \"work\"].part",
            );
        };
        let unknown = |suggestion| ProfilePathError::Unknown { text: text.to_owned(), suggestion };
        let (extension, attribute) = find(profile, written.urn, written.attribute)
            .ok_or_else(|| unknown(closest(written.attribute, all_attributes(profile))))?;
        let sub_attribute = match written.sub_attribute {
            Some(name) => Some(attribute.sub_attribute(name).ok_or_else(|| {
                unknown(
                    closest(name, attribute.sub_attributes.iter())
                        .map(|part| format!("{}.{part}", attribute.name)),
                )
            })?),
            None => None,
        };
        let complex = attribute.attribute_type == AttributeType::Complex;
        if written.value_type.is_some() && !(attribute.multi_valued && complex) {
            return malformed("only a multi-valued attribute has several values to choose from");
        }
        if attribute.multi_valued && (written.value_type.is_none() || sub_attribute.is_none()) {
            return Err(ProfilePathError::SeveralValues {
                text: text.to_owned(),
                attribute: attribute.name.clone(),
            });
        }
        if complex && sub_attribute.is_none() {
            return malformed("it has parts: name one of them");
        }
        let clear = find(profile, None, &attribute.name).is_some_and(|(found, _)| {
            found.map(|found| &found.schema.id) == extension.map(|found| &found.schema.id)
        });
        Ok(Self(Arc::new(Parts {
            text: printed(
                extension.filter(|_| !clear).map(|extension| extension.schema.id.as_str()),
                attribute,
                written.value_type,
                sub_attribute,
            ),
            urn: extension.map(|extension| extension.schema.id.clone()),
            attribute: attribute.name.clone(),
            sub_attribute: sub_attribute.map(|sub_attribute| sub_attribute.name.clone()),
            value_type: written.value_type.map(str::to_owned),
            target: sub_attribute.unwrap_or(attribute).clone(),
        })))
    }

    /// The text, as short as it is clear.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The path without the choice of a value, as `scim` knows it.
    pub fn attribute_path(&self) -> AttributePath {
        AttributePath {
            urn: self.0.urn.clone(),
            attribute: self.0.attribute.clone(),
            sub_attribute: self.0.sub_attribute.clone(),
        }
    }

    /// The definition of what the path reaches.
    pub fn target(&self) -> &Attribute {
        &self.0.target
    }

    /// The value in a profile.
    pub fn value<'a>(&self, profile: &'a Resource) -> Option<&'a Value> {
        let parts = &*self.0;
        let document = profile.document();
        let document = match &parts.urn {
            Some(urn) => document.get(urn)?.as_object()?,
            None => document,
        };
        let value = document.get(&parts.attribute)?;
        let Some(sub_attribute) = &parts.sub_attribute else {
            return Some(value);
        };
        match &parts.value_type {
            Some(value_type) => value
                .as_array()?
                .iter()
                .find(|element| has_type(element, value_type))?
                .get(sub_attribute),
            None => value.get(sub_attribute),
        }
    }

    /// Writes another value there; None removes it. What becomes empty by that goes too, so the
    /// document stays canonical.
    pub fn set(&self, profile: &mut Resource, value: Option<Value>) {
        Self::set_all(profile, [(self, value)]);
    }

    /// Writes several values.
    pub fn set_all<'p>(
        profile: &mut Resource,
        values: impl IntoIterator<Item = (&'p Self, Option<Value>)>,
    ) {
        let mut document = std::mem::take(profile).into_document();
        for (path, value) in values {
            path.0.set(&mut document, value);
        }
        write_schemas(&mut document);
        *profile = Resource::from_canonical(document);
    }

    /// Why a value cannot stand there. None: it fits.
    pub fn misfit(&self, value: &Value) -> Option<&'static str> {
        let too_long = |text: &str| {
            (text.len() > scim::limits::STRING_BYTES_MAX).then_some("the text is too long")
        };
        match (self.0.target.attribute_type, value) {
            (
                AttributeType::String | AttributeType::Reference | AttributeType::Binary,
                Value::String(text),
            ) => too_long(text),
            (AttributeType::DateTime, Value::String(text)) => text
                .parse::<jiff::Timestamp>()
                .is_err()
                .then_some("it is no date with time and offset"),
            (AttributeType::Boolean, Value::Bool(_))
            | (AttributeType::Decimal, Value::Number(_)) => None,
            (AttributeType::Integer, Value::Number(number)) if number.is_i64() => None,
            (AttributeType::Boolean, _) => Some("it is neither true nor false"),
            (AttributeType::Integer, _) => Some("it is no whole number"),
            (AttributeType::Decimal, _) => Some("it is no number"),
            _ => Some("it is no text"),
        }
    }
}

impl Parts {
    fn set(&self, document: &mut Map<String, Value>, value: Option<Value>) {
        let Some(urn) = &self.urn else {
            self.set_in(document, value);
            return;
        };
        let mut extension = taken_object(document, urn);
        self.set_in(&mut extension, value);
        if !extension.is_empty() {
            document.insert(urn.clone(), Value::Object(extension));
        }
    }

    fn set_in(&self, document: &mut Map<String, Value>, value: Option<Value>) {
        let Some(sub_attribute) = &self.sub_attribute else {
            put(document, &self.attribute, value);
            return;
        };
        let Some(value_type) = &self.value_type else {
            let mut complex = taken_object(document, &self.attribute);
            put(&mut complex, sub_attribute, value);
            if !complex.is_empty() {
                document.insert(self.attribute.clone(), Value::Object(complex));
            }
            return;
        };
        let mut elements = match document.remove(&self.attribute) {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        };
        set_element(&mut elements, value_type, sub_attribute, value);
        if !elements.is_empty() {
            document.insert(self.attribute.clone(), Value::Array(elements));
        }
    }
}

/// Sets a part of the value of this type. A value whose `value` goes, goes as a whole; the first
/// value of an attribute is its primary one (RFC 7643 2.4: at most one is).
fn set_element(elements: &mut Vec<Value>, value_type: &str, part: &str, value: Option<Value>) {
    let at = elements.iter().position(|element| has_type(element, value_type));
    match (at, value) {
        (Some(at), None) if part == "value" => {
            elements.remove(at);
        }
        (Some(at), value) => {
            if let Some(element) = elements[at].as_object_mut() {
                put(element, part, value);
            }
        }
        (None, Some(value)) => {
            let mut element = Map::new();
            element.insert("type".to_owned(), value_type.into());
            if elements.is_empty() {
                element.insert("primary".to_owned(), Value::Bool(true));
            }
            element.insert(part.to_owned(), value);
            elements.push(Value::Object(element));
        }
        (None, None) => {}
    }
}

impl fmt::Display for ProfilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for ProfilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfilePath({})", self.0.text)
    }
}

impl PartialEq for ProfilePath {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for ProfilePath {}

impl Hash for ProfilePath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl PartialOrd for ProfilePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ProfilePath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

struct Written<'a> {
    urn: Option<&'a str>,
    attribute: &'a str,
    value_type: Option<&'a str>,
    sub_attribute: Option<&'a str>,
}

/// Splits `[urn:]attribute[[type eq "x"]][.part]`.
fn split(text: &str) -> Option<Written<'_>> {
    let (head, value_type, rest) = match text.split_once('[') {
        Some((head, rest)) => {
            let (filter, rest) = rest.split_once(']')?;
            let (name, value) = filter.trim().split_once(char::is_whitespace)?;
            let (op, value) = value.trim().split_once(char::is_whitespace)?;
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            let plain = !value.is_empty() && !value.contains(['"', '\\']);
            if !plain || !name.eq_ignore_ascii_case("type") || !op.eq_ignore_ascii_case("eq") {
                return None;
            }
            (head, Some(value), rest)
        }
        None => (text, None, ""),
    };
    let (urn, name) = match head.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("urn:") => {
            let (urn, name) = head.rsplit_once(':')?;
            (Some(urn), name)
        }
        _ => (None, head),
    };
    let (attribute, sub_attribute) = match (name.split_once('.'), rest.strip_prefix('.')) {
        (Some((attribute, part)), None) if rest.is_empty() && value_type.is_none() => {
            (attribute, Some(part))
        }
        (None, Some(part)) => (name, Some(part)),
        (None, None) if rest.is_empty() => (name, None),
        _ => return None,
    };
    let named = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_'))
    };
    (named(attribute) && sub_attribute.is_none_or(named)).then_some(Written {
        urn,
        attribute,
        value_type,
        sub_attribute,
    })
}

/// The attribute of this name: in the schema of the URN, else in the core schema, else in the first
/// extension that has one.
pub(crate) fn find<'a>(
    profile: &'a ResourceType,
    urn: Option<&str>,
    name: &str,
) -> Option<(Option<&'a Extension>, &'a Attribute)> {
    if let Some(urn) = urn.filter(|urn| !urn.eq_ignore_ascii_case(&profile.schema.id)) {
        let extension = profile.extension(urn)?;
        return Some((Some(extension), extension.schema.attribute(name)?));
    }
    let core = profile.attribute(name).map(|attribute| (None, attribute));
    if urn.is_some() {
        return core;
    }
    core.or_else(|| {
        profile
            .extensions
            .iter()
            .find_map(|extension| Some((Some(extension), extension.schema.attribute(name)?)))
    })
}

fn printed(
    urn: Option<&str>,
    attribute: &Attribute,
    value_type: Option<&str>,
    sub_attribute: Option<&Attribute>,
) -> String {
    let mut text = String::new();
    if let Some(urn) = urn {
        text.push_str(urn);
        text.push(':');
    }
    text.push_str(&attribute.name);
    if let Some(value_type) = value_type {
        text.push_str(&format!("[type eq \"{value_type}\"]"));
    }
    if let Some(sub_attribute) = sub_attribute {
        text.push('.');
        text.push_str(&sub_attribute.name);
    }
    text
}

fn all_attributes(profile: &ResourceType) -> impl Iterator<Item = &Attribute> {
    let extended = profile.extensions.iter().flat_map(|extension| &extension.schema.attributes);
    profile.schema.attributes.iter().chain(extended)
}

/// The attribute that a mistyped name most likely means.
fn closest<'a>(name: &str, among: impl Iterator<Item = &'a Attribute>) -> Option<String> {
    let wanted = folded(name);
    among
        .map(|attribute| (distance(&wanted, &folded(&attribute.name)), &attribute.name))
        .filter(|(distance, name)| *distance * 3 <= name.len())
        .min()
        .map(|(_, name)| name.clone())
}

fn folded(name: &str) -> Vec<u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect()
}

/// Levenshtein distance, by rows.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn has_type(element: &Value, value_type: &str) -> bool {
    element
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|found| found.eq_ignore_ascii_case(value_type))
}

fn put(document: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            document.insert(name.to_owned(), value);
        }
        None => {
            document.remove(name);
        }
    }
}

fn taken_object(document: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match document.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EMPLOYMENT, profile_type};
    use serde_json::json;

    fn path(text: &str) -> ProfilePath {
        ProfilePath::parse(text, &profile_type()).unwrap()
    }

    #[test]
    fn a_path_is_printed_as_short_as_it_is_clear() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(path(text).to_string(), expected);
            assert_eq!(path(expected).to_string(), expected);
        }
        check("DEPARTMENT", "department");
        check(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "department",
        );
        check("urn:muster:schemas:1.0:employment:hiredate", "hireDate");
        check("name.givenname", "name.givenName");
        check("emails[TYPE eq \"work\"].value", "emails[type eq \"work\"].value");
        check("manager.value", "manager.value");
    }

    #[test]
    fn what_names_no_single_value_is_refused() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = ProfilePath::parse(text, &profile_type()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        check("departmnt", "the profile has no attribute `departmnt`; did you mean `department`?");
        check("hire_date", "the profile has no attribute `hire_date`; did you mean `hireDate`?");
        check(
            "name.givename",
            "the profile has no attribute `name.givename`; did you mean `name.givenName`?",
        );
        check("zzz", "the profile has no attribute `zzz`");
        check("name", "`name` is no attribute path: it has parts: name one of them");
        check(
            "emails.value",
            "`emails.value` names several values: write which one, as in `emails[type eq \
             \"work\"].value`",
        );
        check(
            "title[type eq \"work\"].value",
            "the profile has no attribute `title[type eq \"work\"].value`",
        );
        check(
            "emails[type ne \"work\"].value",
            "`emails[type ne \"work\"].value` is no attribute path: write attribute, \
             attribute.part or attribute[type eq \"work\"].part",
        );
    }

    #[test]
    fn a_value_set_is_the_value_read_and_removing_it_leaves_nothing() {
        for text in [
            "title",
            "name.givenName",
            "department",
            "hireDate",
            "manager.value",
            "emails[type eq \"work\"].value",
        ] {
            let path = path(text);
            let mut profile = Resource::default();
            path.set(&mut profile, Some(json!("x")));
            assert_eq!(path.value(&profile), Some(&json!("x")), "{text}");
            path.set(&mut profile, None);
            assert_eq!(
                Value::Object(profile.into_document()),
                json!({"schemas": [scim::urn::USER]}),
                "{text}"
            );
        }
    }

    #[test]
    fn several_values_of_one_attribute_stand_beside_each_other() {
        let mut profile = Resource::default();
        path("emails[type eq \"work\"].value").set(&mut profile, Some(json!("a@x.test")));
        path("emails[type eq \"home\"].value").set(&mut profile, Some(json!("b@x.test")));
        path("emails[type eq \"work\"].value").set(&mut profile, Some(json!("c@x.test")));
        path("city").set(&mut profile, Some(json!("Cleveland")));
        assert_eq!(
            Value::Object(profile.into_document()),
            json!({
                "schemas": [scim::urn::USER, EMPLOYMENT],
                "emails": [
                    {"type": "work", "primary": true, "value": "c@x.test"},
                    {"type": "home", "value": "b@x.test"},
                ],
                EMPLOYMENT: {"city": "Cleveland"},
            })
        );
    }

    #[test]
    fn a_value_that_does_not_fit_says_why() {
        assert_eq!(path("title").misfit(&json!("x")), None);
        assert_eq!(path("title").misfit(&json!(3)), Some("it is no text"));
        assert_eq!(path("active").misfit(&json!("yes")), Some("it is neither true nor false"));
        assert_eq!(path("emails[type eq \"work\"].primary").misfit(&json!(true)), None);
    }
}
