//! Which attributes of a resource an answer shows (RFC 7643 7 "returned", RFC 7644 3.9).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::limits::PROJECTION_PATH_COUNT_MAX;
use crate::{Attribute, AttributePath, Error, Mutability, ResourceType, Returned, ScimType};

/// What an answer shows, beyond what is always and never shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Projection {
    selection: Selection,
    /// What the client has just written, by schema.
    written: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Selection {
    /// What is returned by default.
    #[default]
    Default,
    /// `attributes`: "the minimum set" and these.
    Only(Named),
    /// `excludedAttributes`: the default set without these.
    Without(Named),
}

/// Stands for the core schema where schemas are told apart; an extension has its URN.
const CORE: &str = "";

/// Attributes named by the client, by schema and canonical name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Named(BTreeMap<String, Owner>);

/// What is named of one schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Owner {
    /// The schema's URN itself is named.
    whole: bool,
    attributes: BTreeMap<String, Parts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts {
    /// The attribute is named.
    Whole,
    /// Only these sub-attributes of it are named.
    Some(BTreeSet<String>),
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes` from the parameters of a URL, decoded. Names are
    /// compared without case; what is repeated adds up, as clients write a list in both ways.
    pub fn of_parameters(pairs: &[(String, String)], rt: &ResourceType) -> Result<Self, Error> {
        let list = |name: &str| {
            let named = pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let values: Vec<&str> = named.map(|(_, value)| value.as_str()).collect();
            if values.is_empty() { None } else { Some(values.join(",")) }
        };
        let (attributes, excluded) = (list("attributes"), list("excludedAttributes"));
        Self::parse(attributes.as_deref(), excluded.as_deref(), rt)
    }

    /// Reads the values of `attributes` and `excludedAttributes`, lists with commas.
    pub fn parse(
        attributes: Option<&str>,
        excluded: Option<&str>,
        rt: &ResourceType,
    ) -> Result<Self, Error> {
        let names = |list: Option<&str>| -> Vec<String> {
            // One more than allowed is enough to see that there are too many.
            let names = list.unwrap_or_default().split(',').take(PROJECTION_PATH_COUNT_MAX + 1);
            names.map(str::to_owned).collect()
        };
        Self::of(&names(attributes), &names(excluded), rt)
    }

    /// The same from lists of names, as a search request has them. Names that the schemas do not
    /// define are ignored: clients ask every server for the attributes they know, and RFC 7644 3.9
    /// has no error for it.
    pub fn of(
        attributes: &[String],
        excluded: &[String],
        rt: &ResourceType,
    ) -> Result<Self, Error> {
        let given = |names: &[String]| names.iter().any(|name| !name.trim().is_empty());
        let selection = match (given(attributes), given(excluded)) {
            (false, false) => Selection::Default,
            (true, false) => {
                let attributes: Vec<_> = attributes.iter().map(|name| unfiltered(name)).collect();
                Selection::Only(Named::read("attributes", &attributes, rt)?)
            }
            (false, true) => Selection::Without(Named::read("excludedAttributes", excluded, rt)?),
            // RFC 7644 3.9: "either of the mutually exclusive URL query parameters". The keyword is
            // `invalidValue` (a value "not compatible with the operation"): `invalidSyntax` speaks
            // of the body, and a query has none.
            (true, true) => {
                return Err(Error::bad_request(
                    ScimType::InvalidValue,
                    "`attributes` and `excludedAttributes` exclude each other. Send one of them.",
                ));
            }
        };
        Ok(Self { selection, written: BTreeMap::new() })
    }

    /// Also shows the attributes of `written` that are returned on request. RFC 7643 7, "request":
    /// "returned in response to any PUT, POST, or PATCH operations if the attribute was specified
    /// by the client".
    #[must_use]
    pub fn after_write(mut self, rt: &ResourceType, written: &Map<String, Value>) -> Self {
        let core = written.keys().cloned().collect();
        self.written = BTreeMap::from([(CORE.to_owned(), core)]);
        for extension in &rt.extensions {
            if let Some(Value::Object(values)) = written.get(&extension.schema.id) {
                let names = values.keys().cloned().collect();
                self.written.insert(extension.schema.id.clone(), names);
            }
        }
        self
    }

    /// Whether the client named the attributes it wants to see.
    pub fn names_attributes(&self) -> bool {
        matches!(self.selection, Selection::Only(_))
    }

    /// Takes away from a canonical document what the answer does not show, also whatever the
    /// resource type (no longer) defines.
    pub fn apply(
        &self,
        rt: &ResourceType,
        document: impl Into<Map<String, Value>>,
    ) -> Map<String, Value> {
        let mut document: Map<String, Value> = document.into();
        document.retain(|key, value| {
            if let Some(attribute) = rt.attribute(key) {
                return self.trim(CORE, attribute, value);
            }
            let (Some(extension), Value::Object(values)) = (rt.extension(key), value) else {
                return false;
            };
            values.retain(|key, value| match extension.schema.attribute(key) {
                Some(attribute) => self.trim(&extension.schema.id, attribute, value),
                None => false,
            });
            !values.is_empty()
        });
        document
    }

    /// Whether the answer may show this attribute of the core schema, so that a store need not load
    /// what will not be shown (`members`).
    pub fn wants(&self, attribute: &str) -> bool {
        let named = |named: &Named| {
            named.core().is_some_and(|owner| {
                owner.whole || owner.attributes.keys().any(|n| n.eq_ignore_ascii_case(attribute))
            })
        };
        let excluded = |named: &Named| {
            named.core().is_some_and(|owner| {
                owner.whole
                    || owner.attributes.iter().any(|(name, parts)| {
                        name.eq_ignore_ascii_case(attribute) && *parts == Parts::Whole
                    })
            })
        };
        match &self.selection {
            Selection::Default => true,
            Selection::Only(attributes) => named(attributes),
            Selection::Without(attributes) => !excluded(attributes),
        }
    }

    /// Takes away sub-attributes; false if nothing of the attribute is to be shown.
    fn trim(&self, urn: &str, attribute: &Attribute, value: &mut Value) -> bool {
        let (named, whole) = match &self.selection {
            Selection::Default => (None, false),
            Selection::Only(named) | Selection::Without(named) => named.get(urn, &attribute.name),
        };
        let is_named = whole || named == Some(&Parts::Whole);
        let shown = match effective(attribute) {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Default => match &self.selection {
                Selection::Default => true,
                Selection::Only(_) => is_named || named.is_some(),
                Selection::Without(_) => !is_named,
            },
            Returned::Request => {
                let asked = matches!(self.selection, Selection::Only(_)) && named.is_some();
                asked || self.was_written(urn, &attribute.name)
            }
        };
        if !shown {
            return false;
        }
        match value {
            Value::Object(parts) => {
                self.trim_parts(attribute, named, parts);
                !parts.is_empty()
            }
            Value::Array(values) => {
                values.retain_mut(|value| match value {
                    Value::Object(parts) => {
                        self.trim_parts(attribute, named, parts);
                        !parts.is_empty()
                    }
                    _ => true,
                });
                !values.is_empty()
            }
            _ => true,
        }
    }

    fn trim_parts(
        &self,
        attribute: &Attribute,
        named: Option<&Parts>,
        parts: &mut Map<String, Value>,
    ) {
        parts.retain(|key, _| {
            let Some(sub) = attribute.sub_attribute(key) else { return false };
            let listed = match named {
                Some(Parts::Some(subs)) => Some(subs.contains(&sub.name)),
                Some(Parts::Whole) | None => None,
            };
            match (effective(sub), &self.selection) {
                (Returned::Always, _) => true,
                (Returned::Never, _) => false,
                (Returned::Default, Selection::Only(_)) => listed.unwrap_or(true),
                (Returned::Default, Selection::Without(_)) => !listed.unwrap_or(false),
                (Returned::Default, Selection::Default) => true,
                (Returned::Request, Selection::Only(_)) => listed == Some(true),
                (Returned::Request, _) => false,
            }
        });
    }

    fn was_written(&self, urn: &str, attribute: &str) -> bool {
        self.written.get(urn).is_some_and(|names| names.contains(attribute))
    }
}

impl Named {
    fn read(parameter: &str, names: &[String], rt: &ResourceType) -> Result<Self, Error> {
        if names.len() > PROJECTION_PATH_COUNT_MAX {
            return Err(Error::bad_request(
                ScimType::InvalidValue,
                format!(
                    "`{parameter}` names more than {PROJECTION_PATH_COUNT_MAX} attributes. Name \
                     fewer."
                ),
            ));
        }
        let mut named = Self::default();
        for name in names {
            named.add(name.trim(), rt);
        }
        Ok(named)
    }

    fn add(&mut self, name: &str, rt: &ResourceType) {
        let urn = match rt.extension(name) {
            Some(extension) => Some(extension.schema.id.as_str()),
            None => name.eq_ignore_ascii_case(&rt.schema.id).then_some(CORE),
        };
        if let Some(urn) = urn {
            self.0.entry(urn.to_owned()).or_default().whole = true;
            return;
        }
        let path = AttributePath::parse(name).ok();
        let Some(found) = path.and_then(|path| rt.resolve(&path)) else { return };
        let (attribute, sub) = (found.attribute, found.sub_attribute);
        let urn = found.extension.map_or(CORE, |extension| extension.schema.id.as_str());
        let owner = self.0.entry(urn.to_owned()).or_default();
        let parts = owner.attributes.entry(attribute.name.clone());
        match sub {
            None => *parts.or_insert(Parts::Whole) = Parts::Whole,
            Some(sub) => {
                if let Parts::Some(subs) = parts.or_insert(Parts::Some(BTreeSet::new())) {
                    subs.insert(sub.name.clone());
                }
            }
        }
    }

    fn core(&self) -> Option<&Owner> {
        self.0.get(CORE)
    }

    /// What is named of an attribute, and whether its whole schema is.
    fn get(&self, urn: &str, attribute: &str) -> (Option<&Parts>, bool) {
        match self.0.get(urn) {
            Some(owner) => (owner.attributes.get(attribute), owner.whole),
            None => (None, false),
        }
    }
}

/// The grammar of RFC 7644 3.10 has no value filter; whoever asks for `emails[type eq "work"].value`
/// gets `emails.value`, which holds what was asked for. Nothing is left out by such a name.
fn unfiltered(name: &str) -> String {
    match name.split_once('[') {
        Some((attribute, rest)) => {
            let sub = rest.rsplit_once(']').map_or("", |(_, sub)| sub);
            format!("{attribute}{sub}")
        }
        None => name.to_owned(),
    }
}

/// RFC 7643 7, "writeOnly": "Attribute values SHALL NOT be returned"; such an attribute "usually
/// also has a returned setting of never", and is treated so in any case.
fn effective(attribute: &Attribute) -> Returned {
    match attribute.mutability {
        Mutability::WriteOnly => Returned::Never,
        _ => attribute.returned,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{Extension, Schema, enterprise_user_schema, urn};

    fn user() -> ResourceType {
        let extra = r#"{"id": "urn:example:Extra", "name": "Extra", "attributes": [
            {"name": "badge", "returned": "always"},
            {"name": "notes", "returned": "request"},
            {"name": "pin", "mutability": "writeOnly"},
            {"name": "desk", "type": "complex", "subAttributes": [
                {"name": "site", "returned": "always"}, {"name": "floor"},
                {"name": "map", "returned": "request"}]}]}"#;
        ResourceType::user(vec![
            Extension::optional(enterprise_user_schema()),
            Extension::optional(Arc::new(Schema::from_json(extra).unwrap())),
        ])
    }

    fn document() -> Map<String, Value> {
        let document = json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER],
            "id": "1",
            "userName": "ana",
            "password": "secret",
            "name": {"givenName": "Ana", "familyName": "Ruiz"},
            "emails": [{"value": "a@x", "type": "work"}, {"type": "home"}],
            "meta": {"resourceType": "User", "version": "1"},
            urn::ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "7"}},
            "urn:example:Extra": {
                "badge": "B", "notes": "N", "pin": "1234",
                "desk": {"site": "M", "floor": "4", "map": "x"}
            },
            "urn:example:Gone": {"a": 1},
            "gone": 1,
        });
        document.as_object().unwrap().clone()
    }

    /// What is shown beside `schemas`, `id` and the attribute that is always returned.
    fn shown(attributes: &str, excluded: &str) -> String {
        let rt = user();
        let projection = Projection::parse(Some(attributes), Some(excluded), &rt).unwrap();
        let mut shown = projection.apply(&rt, document());
        assert_eq!(shown.remove("schemas"), Some(json!([urn::USER, urn::ENTERPRISE_USER])));
        assert_eq!(shown.remove("id"), Some(json!("1")));
        let extra = shown["urn:example:Extra"].as_object_mut().unwrap();
        assert_eq!(extra.remove("badge"), Some(json!("B")));
        if extra.is_empty() {
            shown.remove("urn:example:Extra");
        }
        json!(shown).to_string().replace(urn::ENTERPRISE_USER, "ENTERPRISE")
    }

    #[test]
    fn by_default_everything_is_shown_but_secrets_and_what_is_shown_on_request() {
        insta::assert_snapshot!(shown("", ""), @r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home"}],"meta":{"resourceType":"User","version":"1"},"name":{"familyName":"Ruiz","givenName":"Ana"},"urn:example:Extra":{"desk":{"floor":"4","site":"M"}},"ENTERPRISE":{"department":"Sales","manager":{"value":"7"}},"userName":"ana"}"#);
    }

    #[test]
    fn attributes_are_shown_with_those_that_always_are() {
        insta::assert_snapshot!(shown("USERNAME", ""), @r#"{"userName":"ana"}"#);
        insta::assert_snapshot!(shown("name.GivenName, emails.value", ""), @r#"{"emails":[{"value":"a@x"}],"name":{"givenName":"Ana"}}"#);
        insta::assert_snapshot!(shown("emails.value,emails", ""), @r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home"}]}"#);
        insta::assert_snapshot!(shown("meta.version", ""), @r#"{"meta":{"version":"1"}}"#);
        insta::assert_snapshot!(shown(&format!("{}:username", urn::USER.to_uppercase()), ""), @r#"{"userName":"ana"}"#);
        insta::assert_snapshot!(shown(&format!("{}:manager.value", urn::ENTERPRISE_USER), ""), @r#"{"ENTERPRISE":{"manager":{"value":"7"}}}"#);
        insta::assert_snapshot!(shown(urn::ENTERPRISE_USER, ""), @r#"{"ENTERPRISE":{"department":"Sales","manager":{"value":"7"}}}"#);
        insta::assert_snapshot!(shown(urn::USER, ""), @r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home"}],"meta":{"resourceType":"User","version":"1"},"name":{"familyName":"Ruiz","givenName":"Ana"},"userName":"ana"}"#);
        insta::assert_snapshot!(shown("password,nothing,name.nothing,urn:x:y:z", ""), @"{}");
        insta::assert_snapshot!(shown("department,notes", ""), @r#"{"urn:example:Extra":{"notes":"N"},"ENTERPRISE":{"department":"Sales"}}"#);
        insta::assert_snapshot!(shown("emails[type eq \"work\"].value,name[", ""), @r#"{"emails":[{"value":"a@x"}],"name":{"familyName":"Ruiz","givenName":"Ana"}}"#);
        insta::assert_snapshot!(shown("urn:example:Extra:notes", ""), @r#"{"urn:example:Extra":{"notes":"N"}}"#);
        insta::assert_snapshot!(shown("urn:example:Extra", ""), @r#"{"urn:example:Extra":{"desk":{"floor":"4","site":"M"}}}"#);
        insta::assert_snapshot!(shown("urn:example:Extra:desk.floor", ""), @r#"{"urn:example:Extra":{"desk":{"floor":"4","site":"M"}}}"#);
        insta::assert_snapshot!(shown("urn:example:Extra:desk.map", ""), @r#"{"urn:example:Extra":{"desk":{"map":"x","site":"M"}}}"#);
        insta::assert_snapshot!(shown("urn:example:Extra:pin", ""), @"{}");
    }

    #[test]
    fn excluded_attributes_are_left_out_unless_they_are_always_shown() {
        let all_but = format!("{},urn:example:Extra,meta", urn::ENTERPRISE_USER);
        insta::assert_snapshot!(
            shown("", &format!("{all_but},id,schemas,urn:example:Extra:badge,userName")),
            @r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home"}],"name":{"familyName":"Ruiz","givenName":"Ana"}}"#
        );
        // Without URNs too; and a value filter, which no name has, leaves nothing out.
        let unqualified = "name,meta,desk,department,manager.value,emails[type eq \"work\"]";
        insta::assert_snapshot!(shown("", unqualified), @r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home"}],"userName":"ana"}"#);
        insta::assert_snapshot!(shown("", &format!("{all_but},name.familyName,emails.type")), @r#"{"emails":[{"value":"a@x"}],"name":{"givenName":"Ana"},"userName":"ana"}"#);
        insta::assert_snapshot!(shown("", &format!("{all_but},NAME.familyName,name.givenName")), @r#"{"emails":[{"type":"work","value":"a@x"},{"type":"home"}],"userName":"ana"}"#);
        insta::assert_snapshot!(shown("", &format!("{},urn:example:Extra", urn::USER)), @r#"{"ENTERPRISE":{"department":"Sales","manager":{"value":"7"}}}"#);
        insta::assert_snapshot!(
            shown("", &format!("{},{}:department,urn:example:Extra:desk.site", urn::USER, urn::ENTERPRISE_USER)),
            @r#"{"urn:example:Extra":{"desk":{"floor":"4","site":"M"}},"ENTERPRISE":{"manager":{"value":"7"}}}"#
        );
    }

    #[test]
    fn what_is_shown_on_request_is_shown_to_who_has_written_it() {
        let rt = user();
        let shown = |written: Value| {
            let projection = Projection::default().after_write(&rt, written.as_object().unwrap());
            projection.apply(&rt, document())["urn:example:Extra"].get("notes").cloned()
        };
        assert_eq!(shown(json!({"urn:example:Extra": {"notes": "N"}})), Some(json!("N")));
        assert_eq!(shown(json!({"userName": "ana"})), None);
    }

    #[test]
    fn a_store_can_ask_whether_members_are_wanted() {
        let rt = ResourceType::group(Vec::new());
        let check = |attributes: Option<&str>, excluded: Option<&str>, expected: bool| {
            let projection = Projection::parse(attributes, excluded, &rt).unwrap();
            assert_eq!(projection.wants("members"), expected, "{attributes:?} {excluded:?}");
        };
        check(None, None, true);
        check(Some(""), Some(""), true);
        check(None, Some("MEMBERS"), false);
        check(None, Some("members.display"), true);
        check(None, Some("displayName"), true);
        check(None, Some(urn::GROUP), false);
        check(Some("displayName"), None, false);
        check(Some("members"), None, true);
        check(Some("members.value"), None, true);
        check(Some(urn::GROUP), None, true);
        check(Some("nothing"), None, false);
    }

    #[test]
    fn a_parameter_may_be_repeated() {
        let rt = user();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let of = |pairs: &[(String, String)]| Projection::of_parameters(pairs, &rt).unwrap();
        let repeated = [pair("attributes", "userName"), pair("Attributes", "emails.value,title")];
        let whole = Projection::parse(Some("userName,emails.value,title"), None, &rt).unwrap();
        assert_eq!(of(&repeated), whole);
        assert_eq!(
            of(&[pair("excludedAttributes", ""), pair("count", "1")]),
            Projection::default()
        );
    }

    #[test]
    fn both_lists_at_once_or_too_many_names_are_refused() {
        let rt = user();
        let check = |attributes: &str, excluded: &str| {
            Projection::parse(Some(attributes), Some(excluded), &rt).unwrap_err().to_string()
        };
        insta::assert_snapshot!(check("userName", "title"), @"`attributes` and `excludedAttributes` exclude each other. Send one of them.");
        insta::assert_snapshot!(check(&"a,".repeat(1_000_000), ""), @"`attributes` names more than 256 attributes. Name fewer.");
    }
}
