//! Reading a POST or PUT body into a resource (RFC 7644 3.3 and 3.5.1).
//!
//! The order of events: `schemas` is looked at; every key is told apart ([`Key`]); what stands under
//! the name of an attribute or an extension is read; what stands under a dotted or URN key
//! (tolerated only) is put where it belongs; `schemas` is written anew; required attributes are
//! asked for. What leaves this file needs no tolerance to be read again.

use serde_json::{Map, Value};

use super::Resource;
use super::key::{Key, PathKey, attribute_key, classify};
use super::schemas::{check_listed, read_schemas, refresh_schemas, unknown_schema};
use crate::limits::{RESOURCE_BYTES_MAX, TOLERATED_COUNT_MAX};
use crate::patch::read_members;
use crate::value::{Reading, canonical, is_unassigned, missing_required, weight};
use crate::{
    Attribute, AttributeType, Error, Extension, MemberDelta, MemberStep, Mutability, ResourceType,
    ScimType, Tolerance, Tolerances, Tolerated,
};

impl Resource {
    /// Reads a POST or PUT body: the resource in canonical form, what it says about the attribute
    /// that is kept as rows, and which tolerances were needed.
    ///
    /// Read-only attributes are ignored (RFC 7644 3.3: "SHALL be ignored"). No step of the delta
    /// means that the body does not mention the rows; null and `[]` mention them, and say "none".
    pub fn read(
        body: &Value,
        rt: &ResourceType,
        tolerances: &Tolerances,
    ) -> Result<(Self, MemberDelta, Vec<Tolerated>), Error> {
        let Value::Object(body) = body else {
            return Err(syntax(format!("The body must be a JSON object, a {}.", rt.name)));
        };
        let mut reader = Reader {
            rt,
            reading: Reading::new(tolerances),
            document: Map::new(),
            members: MemberDelta::default(),
        };
        let listed = read_schemas(body, rt, &mut reader.reading)?;
        reader.body(body)?;
        check_listed(&listed, &reader.document, rt, &mut reader.reading)?;
        let Reader { mut document, members, mut reading, .. } = reader;
        refresh_schemas(&mut document, rt);
        check_required(rt, &document)?;
        if document_weight(&document) > RESOURCE_BYTES_MAX {
            return Err(too_large(rt));
        }
        reading.tolerated.truncate(TOLERATED_COUNT_MAX);
        Ok((Self::from_canonical(document), members, reading.tolerated))
    }
}

/// RFC 7643 2.2: a required attribute must have a value; RFC 7644 table 9: `invalidValue`, "A
/// required value was missing".
pub(super) fn check_required(
    rt: &ResourceType,
    document: &Map<String, Value>,
) -> Result<(), Error> {
    match missing_required(rt, document) {
        None => Ok(()),
        Some(path) => Err(Error::bad_request(
            ScimType::InvalidValue,
            format!("`{path}` is required for a {} and has no value. Send one.", rt.name),
        )),
    }
}

/// About how many bytes a document takes.
pub(crate) fn document_weight(document: &Map<String, Value>) -> usize {
    document.iter().map(|(name, value)| name.len() + weight(value)).sum()
}

/// A resource beyond [`RESOURCE_BYTES_MAX`].
pub(crate) fn too_large(rt: &ResourceType) -> Error {
    Error::new(
        413,
        format!(
            "The {} would be larger than {RESOURCE_BYTES_MAX} bytes. Send fewer or shorter values.",
            rt.name
        ),
    )
}

struct Reader<'a> {
    rt: &'a ResourceType,
    reading: Reading<'a>,
    document: Map<String, Value>,
    members: MemberDelta,
}

/// A value under a path key, kept until everything under plain names is read.
struct Later<'a> {
    key: &'a str,
    value: &'a Value,
    path: PathKey<'a>,
}

impl<'a> Reader<'a> {
    fn body(&mut self, body: &'a Map<String, Value>) -> Result<(), Error> {
        let rt = self.rt;
        let mut seen = Seen::default();
        let mut later = Vec::new();
        for (key, value) in body {
            match classify(rt, key) {
                Key::Attribute(attribute) => {
                    seen.once(&attribute.name, key)?;
                    self.attribute(None, attribute, value, key)?;
                }
                Key::Schema(Some(extension)) => {
                    seen.once(&extension.schema.id, key)?;
                    self.extension(extension, value, &mut later)?;
                }
                // The core schema's attributes under its URN, as extensions have theirs.
                Key::Schema(None) if self.reading.accept(Tolerance::UrnKey, key) => {
                    seen.once(&rt.schema.id, key)?;
                    self.core_object(value, &mut seen, &mut later)?;
                }
                Key::Path(path) => later.push(Later { key, value, path }),
                Key::UnknownSchema => self.unknown_schema(key)?,
                Key::Schema(None) | Key::Unknown => self.unknown(key, &rt.name)?,
            }
        }
        later.into_iter().try_for_each(|later| self.later(later))
    }

    fn extension(
        &mut self,
        extension: &'a Extension,
        value: &'a Value,
        later: &mut Vec<Later<'a>>,
    ) -> Result<(), Error> {
        let urn = &extension.schema.id;
        if is_unassigned(value) {
            return Ok(());
        }
        let Value::Object(values) = value else {
            return Err(Error::bad_request(
                ScimType::InvalidValue,
                format!("`{urn}` must be an object of the extension's attributes."),
            ));
        };
        let mut seen = Seen::default();
        for (key, value) in values {
            match attribute_key(self.rt, Some(extension), key) {
                Key::Attribute(attribute) => {
                    seen.once(&attribute.name, key)?;
                    self.attribute(Some(extension), attribute, value, &format!("{urn}:{key}"))?;
                }
                Key::Path(path) => later.push(Later { key, value, path }),
                _ => self.unknown(&format!("{urn}:{key}"), urn)?,
            }
        }
        Ok(())
    }

    fn core_object(
        &mut self,
        value: &'a Value,
        seen: &mut Seen<'a>,
        later: &mut Vec<Later<'a>>,
    ) -> Result<(), Error> {
        if is_unassigned(value) {
            return Ok(());
        }
        let Value::Object(values) = value else {
            return self.unknown(&self.rt.schema.id, &self.rt.name);
        };
        for (key, value) in values {
            match attribute_key(self.rt, None, key) {
                Key::Attribute(attribute) => {
                    seen.once(&attribute.name, key)?;
                    self.attribute(None, attribute, value, key)?;
                }
                Key::Path(path) => later.push(Later { key, value, path }),
                _ => self.unknown(key, &self.rt.name)?,
            }
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        extension: Option<&Extension>,
        attribute: &Attribute,
        value: &Value,
        at: &str,
    ) -> Result<(), Error> {
        // RFC 7644 3.3: "attributes whose mutability is "readOnly" ... SHALL be ignored".
        // `schemas` is read before, and computed.
        if attribute.mutability == Mutability::ReadOnly || is_schemas(extension, attribute) {
            return Ok(());
        }
        if extension.is_none() && self.rt.is_rows(&attribute.name) {
            let members = read_members(value, at, &mut self.reading)?;
            self.members = MemberDelta { steps: vec![MemberStep::ReplaceAll(members)] };
            return Ok(());
        }
        if let Some(value) = canonical(attribute, value, at, &mut self.reading)? {
            self.owner(extension).insert(attribute.name.clone(), value);
        }
        Ok(())
    }

    /// Puts the value of a path key where it belongs, beside what is there already.
    fn later(&mut self, Later { key, value, path }: Later<'a>) -> Result<(), Error> {
        let PathKey { tolerance, extension, attribute, sub_attribute } = path;
        if !self.reading.accept(tolerance, key) {
            return Err(syntax(format!(
                "`{key}` is a path, not the name of an attribute. Nest the value as RFC 7643 \
                 writes it."
            )));
        }
        let Some(sub) = sub_attribute else {
            let rows = extension.is_none() && self.rt.is_rows(&attribute.name);
            if self.owner(extension).contains_key(&attribute.name)
                || (rows && !self.members.steps.is_empty())
            {
                return Err(twice(key));
            }
            self.attribute(extension, attribute, value, key)?;
            self.drop_empty(extension);
            return Ok(());
        };
        let read_only = [attribute, sub].iter().any(|a| a.mutability == Mutability::ReadOnly);
        let value = match read_only {
            true => None,
            false => canonical(sub, value, key, &mut self.reading)?,
        };
        if let Some(value) = value {
            let whole = self.owner(extension).entry(attribute.name.clone());
            let whole = whole.or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(parts) = whole
                && parts.insert(sub.name.clone(), value).is_some()
            {
                return Err(twice(key));
            }
        }
        self.drop_empty(extension);
        Ok(())
    }

    /// The object that holds the attributes of the core schema or of an extension.
    fn owner(&mut self, extension: Option<&Extension>) -> &mut Map<String, Value> {
        let Some(extension) = extension else { return &mut self.document };
        let entry = self.document.entry(extension.schema.id.clone());
        match entry.or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(values) => values,
            // Nothing but this function writes under an extension's URN.
            other => unreachable!("an extension is an object, not {other}"),
        }
    }

    /// Looking for an extension's object may have made an empty one.
    fn drop_empty(&mut self, extension: Option<&Extension>) {
        if let Some(extension) = extension
            && self.owner(Some(extension)).is_empty()
        {
            self.document.remove(&extension.schema.id);
        }
    }

    fn unknown(&mut self, at: &str, owner: &str) -> Result<(), Error> {
        if self.reading.accept(Tolerance::UnknownAttribute, at) {
            return Ok(());
        }
        let at = shown(at);
        Err(syntax(format!(
            "`{at}` is not defined: `{owner}` has no such attribute. Leave it out."
        )))
    }

    fn unknown_schema(&mut self, key: &str) -> Result<(), Error> {
        if self.reading.accept(Tolerance::UnknownSchema, key) {
            return Ok(());
        }
        Err(unknown_schema(key, self.rt))
    }
}

/// The canonical names met in one object. RFC 7643 2.1: names are case insensitive, so two keys
/// that differ in case only are one attribute given twice.
#[derive(Default)]
struct Seen<'a>(Vec<&'a str>);

impl<'a> Seen<'a> {
    fn once(&mut self, name: &'a str, key: &str) -> Result<(), Error> {
        if self.0.contains(&name) {
            return Err(twice(key));
        }
        self.0.push(name);
        Ok(())
    }
}

fn is_schemas(extension: Option<&Extension>, attribute: &Attribute) -> bool {
    extension.is_none()
        && attribute.name == "schemas"
        && attribute.attribute_type == AttributeType::Reference
}

fn twice(key: &str) -> Error {
    let key = shown(key);
    syntax(format!("`{key}` is given twice (names ignore case). Send it once."))
}

/// As much of a client's key as an error repeats.
pub(super) fn shown(key: &str) -> &str {
    key.char_indices().nth(200).map_or(key, |(end, _)| &key[..end])
}

pub(super) fn syntax(detail: String) -> Error {
    Error::bad_request(ScimType::InvalidSyntax, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{enterprise_user_schema, urn};

    fn user() -> ResourceType {
        ResourceType::user(vec![Extension::optional(enterprise_user_schema())])
    }

    fn told(rt: &ResourceType, body: &Value, tolerances: &Tolerances) -> String {
        match Resource::read(body, rt, tolerances) {
            Ok((resource, members, tolerated)) => {
                let mut told = json!(resource.document()).to_string();
                for step in members.steps {
                    told += &format!("\n{step:?}");
                }
                for tolerated in tolerated {
                    told += &format!("\n{tolerated}");
                }
                told
            }
            Err(error) => {
                let keyword = error.scim_type.map_or("", ScimType::as_str);
                format!("{} {keyword}: {error}", error.status)
            }
        }
    }

    fn strict(body: Value) -> String {
        told(&user(), &body, &Tolerances::none())
    }

    /// A body of a user with this in it, read with one tolerance.
    fn tolerant(tolerance: Tolerance, mut body: Value) -> String {
        body["schemas"] = json!([urn::USER, urn::ENTERPRISE_USER]);
        body["userName"] = json!("ana");
        let without = told(&user(), &body, &Tolerances::none());
        assert!(without.starts_with("400 "), "not needed: {without}");
        let document = told(&user(), &body, &Tolerances::of([tolerance]));
        document.replace(&format!(r#""{}""#, urn::ENTERPRISE_USER), "ENTERPRISE")
    }

    #[test]
    fn names_become_canonical_and_unassigned_becomes_absent() {
        insta::assert_snapshot!(strict(json!({
            "SCHEMAS": [urn::USER.to_uppercase(), urn::ENTERPRISE_USER],
            "USERNAME": "ana",
            "externalid": "7",
            "nickName": null,
            "ims": [],
            "name": {"GIVENNAME": "Ana", "familyName": null},
            "addresses": [{}, null],
            "emails": [{"VALUE": "a@x", "Primary": true, "$ref": null}],
            urn::ENTERPRISE_USER.to_uppercase(): {"DEPARTMENT": "Sales", "manager": {}},
        })), @r#"400 invalidSyntax: `emails[0].$ref` is not defined: `emails` has no such sub-attribute."#);
        insta::assert_snapshot!(strict(json!({
            "SCHEMAS": [urn::USER.to_uppercase(), urn::ENTERPRISE_USER],
            "USERNAME": "ana",
            "externalid": "7",
            "nickName": null,
            "title": "",
            "ims": [],
            "name": {"GIVENNAME": "Ana", "familyName": null},
            "addresses": [{}, null],
            "emails": [{"VALUE": "a@x", "Primary": true, "type": null}],
            urn::ENTERPRISE_USER.to_uppercase(): {"DEPARTMENT": "Sales", "manager": {}},
        })), @r#"{"emails":[{"primary":true,"value":"a@x"}],"externalId":"7","name":{"givenName":"Ana"},"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"title":"","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales"},"userName":"ana"}"#);
    }

    #[test]
    fn read_only_attributes_are_ignored_whatever_they_say() {
        insta::assert_snapshot!(strict(json!({
            "schemas": [urn::USER],
            "id": 7,
            "meta": "x",
            "groups": [{"value": "g"}],
            "userName": "ana",
            "password": "secret",
        })), @r#"{"password":"secret","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}"#);
        insta::assert_snapshot!(strict(json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER],
            "userName": "ana",
            urn::ENTERPRISE_USER: {"manager": {"displayName": "Boss"}},
        })), @r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}"#);
    }

    #[test]
    fn what_the_rfc_forbids_is_refused_with_its_keyword() {
        fn check(body: Value, expected: &str) {
            let mut whole = json!({"schemas": [urn::USER], "userName": "ana"});
            for (key, value) in body.as_object().unwrap() {
                whole[key] = value.clone();
            }
            let found = strict(whole);
            assert!(found.starts_with(expected), "{body}: {found}");
        }
        check(json!({"userName": null}), "400 invalidValue: `userName` is required");
        check(json!({"userName": ""}), "400 invalidValue: `userName` is required");
        check(json!({"schemas": null}), "400 invalidSyntax: `schemas` does not list");
        check(json!({"schemas": []}), "400 invalidSyntax: `schemas` does not list");
        check(json!({"schemas": 7}), "400 invalidSyntax: `schemas` does not list");
        check(json!({"schemas": [urn::GROUP]}), "400 invalidSyntax: `schemas` does not list");
        check(json!({"schemas": [urn::USER, "urn:x:y"]}), "400 invalidSyntax: `urn:x:y` is not");
        check(json!({"USERNAME": "eva"}), "400 invalidSyntax: `userName` is given twice");
        check(json!({"shoeSize": 43}), "400 invalidSyntax: `shoeSize` is not defined");
        check(json!({"department": "Sales"}), "400 invalidSyntax: `department` is not defined");
        check(json!({"name.givenName": "A"}), "400 invalidSyntax: `name.givenName` is a path");
        check(json!({"emails.value": "A"}), "400 invalidSyntax: `emails.value` is not defined");
        check(json!({"urn:x:y": {"a": 1}}), "400 invalidSyntax: `urn:x:y` is not a schema");
        check(json!({"active": "true"}), "400 invalidValue: `active` must be true or false");
        check(json!({"emails": [{"value": 7}]}), "400 invalidValue: `emails[0].value` must be");
        check(json!({"emails": ["a@b"]}), "400 invalidValue: `emails[0]` must be an object");
        check(
            json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
            "400 invalidValue: `emails` has more than one value with primary true",
        );
        check(json!({urn::ENTERPRISE_USER: 7}), "400 invalidValue: `urn:ietf");
        check(
            json!({urn::ENTERPRISE_USER: {"department": "Sales"}}),
            "400 invalidSyntax: The body has attributes of `urn:ietf",
        );
        check(
            json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], urn::ENTERPRISE_USER: {"x": 1}}),
            "400 invalidSyntax: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:x` is",
        );
        for body in [json!(null), json!([]), json!("x"), json!(7)] {
            assert!(strict(body).starts_with("400 invalidSyntax: The body must be"));
        }
    }

    #[test]
    fn a_required_extension_must_be_there() {
        let rt = ResourceType::user(vec![Extension::required(enterprise_user_schema())]);
        let body = json!({"schemas": [urn::USER], "userName": "ana"});
        insta::assert_snapshot!(told(&rt, &body, &Tolerances::none()), @"400 invalidValue: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User` is required for a User and has no value. Send one.");
    }

    #[test]
    fn every_tolerance_is_applied_and_reported() {
        use Tolerance::*;
        insta::assert_snapshot!(tolerant(BooleanAsString, json!({"active": "False"})), @r#"
            {"active":false,"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            booleanAsString at active
            "#);
        insta::assert_snapshot!(tolerant(SingleForMultiple, json!({"emails": {"value": "a"}})), @r#"
            {"emails":[{"value":"a"}],"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            singleForMultiple at emails
            "#);
        insta::assert_snapshot!(tolerant(MultipleForSingle, json!({"title": ["Boss"]})), @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"title":"Boss","userName":"ana"}
            multipleForSingle at title
            "#);
        insta::assert_snapshot!(tolerant(BareValueForComplex, json!({"emails": ["a@b"]})), @r#"
            {"emails":[{"value":"a@b"}],"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            bareValueForComplex at emails[0]
            "#);
        insta::assert_snapshot!(
            tolerant(DottedKey, json!({"name": {"familyName": "Ruiz"}, "Name.givenName": "Ana"})),
            @r#"
            {"name":{"familyName":"Ruiz","givenName":"Ana"},"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            dottedKey at Name.givenName
            "#
        );
        insta::assert_snapshot!(
            tolerant(DottedKey, json!({urn::ENTERPRISE_USER: {"manager.value": "7"}})),
            @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",ENTERPRISE],ENTERPRISE:{"manager":{"value":"7"}},"userName":"ana"}
            dottedKey at manager.value
            "#
        );
        let key = |rest: &str| format!("{}:{rest}", urn::ENTERPRISE_USER);
        insta::assert_snapshot!(
            tolerant(UrnKey, json!({key("department"): "Sales", key("manager.value"): "7"})),
            @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",ENTERPRISE],ENTERPRISE:{"department":"Sales","manager":{"value":"7"}},"userName":"ana"}
            urnKey at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department
            urnKey at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value
            "#
        );
        insta::assert_snapshot!(tolerant(UrnKey, json!({key("department"): null})), @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            urnKey at urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department
            "#);
        insta::assert_snapshot!(tolerant(UrnKey, json!({urn::USER: {"title": "Boss"}})), @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"title":"Boss","userName":"ana"}
            urnKey at urn:ietf:params:scim:schemas:core:2.0:User
            "#);
        insta::assert_snapshot!(tolerant(UnknownAttribute, json!({"shoeSize": 43})), @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            unknownAttribute at shoeSize
            "#);
        insta::assert_snapshot!(tolerant(UnknownSchema, json!({"urn:x:y": {"a": 1}})), @r#"
            {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana"}
            unknownSchema at urn:x:y
            "#);
    }

    #[test]
    fn members_leave_the_document_and_become_a_delta() {
        let rt = ResourceType::group(Vec::new());
        let read = |members: Option<Value>| {
            let mut body = json!({"schemas": [urn::GROUP], "displayName": "Sales"});
            if let Some(members) = members {
                body["MEMBERS"] = members;
            }
            told(&rt, &body, &Tolerances::none())
        };
        insta::assert_snapshot!(read(None), @r#"{"displayName":"Sales","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}"#);
        insta::assert_snapshot!(read(Some(json!([]))), @r#"
            {"displayName":"Sales","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}
            ReplaceAll([])
            "#);
        insta::assert_snapshot!(read(Some(json!(null))), @r#"
            {"displayName":"Sales","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}
            ReplaceAll([])
            "#);
        insta::assert_snapshot!(
            read(Some(json!([{"value": "1", "$ref": null, "type": "User"}, {"value": "1"}]))),
            @r#"
            {"displayName":"Sales","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}
            ReplaceAll([Member { value: "1", member_type: Some("User"), display: None }])
            "#
        );
    }

    #[test]
    fn a_body_of_any_depth_is_read_without_overflow() {
        for (open, close) in [("[", "]"), ("{\"emails\":", "}"), ("[{\"value\":", "}]")] {
            let body = format!(
                "{{\"schemas\":[\"{}\"],\"userName\":\"ana\",\"emails\":{}1{}}}",
                urn::USER,
                open.repeat(50),
                close.repeat(50)
            );
            let body: Value = serde_json::from_str(&body).unwrap();
            assert!(told(&user(), &body, &Tolerances::none()).starts_with("400"));
            let _ = told(&user(), &body, &Tolerances::all());
        }
    }
}
