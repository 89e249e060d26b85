//! Reading a bulk request. What is wrong with the message refuses it; what is wrong with one
//! operation is that operation's error, as "the service provider MUST continue performing as many
//! changes as possible" (RFC 7644 3.7).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{BulkCall, BulkMethod, BulkOperation, BulkRequest, reference};
use crate::limits::BULK_ID_BYTES_MAX;
use crate::value::Reading;
use crate::{Error, IfMatch, ScimType, Tolerance, Tolerances, Tolerated, urn};

const MESSAGE_KEYS: &[&str] = &["schemas", "failOnErrors", "Operations"];
const OPERATION_KEYS: &[&str] = &["method", "bulkId", "version", "path", "data"];

impl BulkRequest {
    /// Reads the body of a bulk request with at most so many operations.
    pub fn read(
        body: Value,
        tolerances: &Tolerances,
        operation_count_max: u64,
    ) -> Result<(Self, Vec<Tolerated>), Error> {
        let Value::Object(body) = body else {
            return Err(syntax("The body must be a JSON object, a bulk request."));
        };
        let mut reading = Reading::new(tolerances);
        let mut keys = keys(body, MESSAGE_KEYS, "a bulk request", "", &mut reading)?;
        check_schemas(keys.get("schemas"), &mut reading)?;
        let fail_on_errors = fail_on_errors(keys.get("failOnErrors"))?;
        let operations = match keys.remove("Operations") {
            Some(Value::Array(operations)) => operations,
            _ => return Err(syntax("`Operations` must be a list of operations. Send one.")),
        };
        // RFC 7643 2.5: an empty list is no value, and `Operations` is REQUIRED.
        if operations.is_empty() && !reading.accept(Tolerance::EmptyOperations, "Operations") {
            return Err(syntax("`Operations` is empty. Send at least one operation."));
        }
        // RFC 7644 3.7.4: "The returned response MUST specify the limit exceeded".
        if u64::try_from(operations.len()).unwrap_or(u64::MAX) > operation_count_max {
            return Err(Error::new(
                413,
                format!(
                    "The bulk request has {} operations, which exceeds maxOperations \
                     ({operation_count_max}). Send them in several requests.",
                    operations.len()
                ),
            ));
        }
        let operations = operations.into_iter().enumerate();
        let mut operations: Vec<BulkOperation> =
            operations.map(|(index, value)| operation(index, value, &mut reading)).collect();
        refuse_repeated_ids(&mut operations);
        find_references(&mut operations);
        Ok((Self { fail_on_errors, operations }, reading.tolerated))
    }
}

/// RFC 7644 3.7: "An integer specifying the number of errors that the service provider will accept
/// before the operation is terminated". Nobody can stop before the first: 0 is as good as 1.
fn fail_on_errors(value: Option<&Value>) -> Result<Option<u64>, Error> {
    match value {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(count) => Ok(Some(count.max(1))),
            None => Err(syntax("`failOnErrors` must be a whole number that is not negative.")),
        },
    }
}

fn check_schemas(schemas: Option<&Value>, reading: &mut Reading<'_>) -> Result<(), Error> {
    let is_bulk =
        |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::BULK_REQUEST));
    let named = schemas.and_then(Value::as_array).is_some_and(|urns| urns.iter().any(is_bulk));
    if named || reading.accept(Tolerance::MissingSchemas, "schemas") {
        return Ok(());
    }
    Err(syntax(&format!("`schemas` does not list `{}`. Add it.", urn::BULK_REQUEST)))
}

/// The keys of a message in their canonical form; null is as good as absent.
fn keys(
    object: Map<String, Value>,
    known: &[&'static str],
    what: &str,
    at: &str,
    reading: &mut Reading<'_>,
) -> Result<BTreeMap<&'static str, Value>, Error> {
    let mut keys = BTreeMap::new();
    for (key, value) in object {
        let place = format!("{at}{key}");
        let Some(name) = known.iter().find(|name| name.eq_ignore_ascii_case(&key)) else {
            if reading.accept(Tolerance::UnknownAttribute, &place) {
                continue;
            }
            let key: String = key.chars().take(200).collect();
            return Err(syntax(&format!("`{key}` is no part of {what}. Leave it out.")));
        };
        if *name != key && !reading.accept(Tolerance::MessageKeyCase, &place) {
            return Err(syntax(&format!("`{key}` must be written `{name}`.")));
        }
        if !value.is_null() && keys.insert(*name, value).is_some() {
            return Err(syntax(&format!("`{name}` is given twice. Send it once.")));
        }
    }
    Ok(keys)
}

fn operation(index: usize, value: Value, reading: &mut Reading<'_>) -> BulkOperation {
    let failed = |error| BulkOperation { method: None, bulk_id: None, call: Err(error) };
    let Value::Object(object) = value else {
        return failed(syntax("An operation of a bulk request must be a JSON object."));
    };
    // Also what cannot be carried out is answered under its own method and bulkId.
    let text = |name: &str| {
        let mut found = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().and_then(|(_, value)| value.as_str()).map(str::to_owned)
    };
    let (method, bulk_id) = (text("method"), text("bulkId"));
    let at = format!("Operations[{index}].");
    let call =
        keys(object, OPERATION_KEYS, "an operation of a bulk request", &at, reading).and_then(call);
    let bulk_id = bulk_id.filter(|bulk_id| bulk_id.len() <= BULK_ID_BYTES_MAX);
    BulkOperation { method, bulk_id, call }
}

fn call(mut keys: BTreeMap<&'static str, Value>) -> Result<BulkCall, Error> {
    let method = match keys.get("method") {
        Some(Value::String(name)) => BulkMethod::from_name(name),
        _ => None,
    };
    let Some(method) = method else {
        return Err(syntax("`method` must be `POST`, `PUT`, `PATCH` or `DELETE`."));
    };
    let path = match keys.remove("path") {
        Some(Value::String(path)) if !path.is_empty() => path,
        _ => return Err(syntax("`path` must say which endpoint or resource is meant: `/Users`.")),
    };
    if path.contains(['?', '#']) {
        return Err(syntax("`path` has no query and no fragment in a bulk request."));
    }
    match keys.get("bulkId") {
        Some(Value::String(id)) if !id.is_empty() && id.len() <= BULK_ID_BYTES_MAX => {}
        // RFC 7644 3.7: "REQUIRED when "method" is "POST"".
        None if method != BulkMethod::Post => {}
        None => return Err(syntax("A POST needs a `bulkId`, by which its resource is named.")),
        Some(_) => {
            return Err(syntax(&format!(
                "`bulkId` must be a string of 1 to {BULK_ID_BYTES_MAX} bytes."
            )));
        }
    }
    // RFC 7644 3.7: `version` is for "PUT", "PATCH", or "DELETE"; what is new has none to compare.
    let version = match keys.get("version") {
        _ if method == BulkMethod::Post => None,
        None => None,
        Some(Value::String(version)) => Some(IfMatch::parse(version)),
        Some(_) => return Err(syntax("`version` must be an entity tag, a string.")),
    };
    let data = match (keys.remove("data"), method) {
        (None, BulkMethod::Delete) => Value::Null,
        (Some(_), BulkMethod::Delete) => return Err(syntax("A DELETE has no `data`.")),
        (Some(data @ Value::Object(_)), _) => data,
        (_, method) => {
            return Err(syntax(&format!("A {} needs `data`, a JSON object.", method.as_str())));
        }
    };
    Ok(BulkCall { method, version, path, data, references: BTreeSet::new() })
}

/// RFC 7644 3.7: a bulkId is "unique within a bulk request". Of several nobody can tell which is
/// meant, so none of them is carried out.
fn refuse_repeated_ids(operations: &mut [BulkOperation]) {
    let mut counts = BTreeMap::<String, usize>::new();
    for id in operations.iter().filter_map(|operation| operation.bulk_id.clone()) {
        *counts.entry(id).or_default() += 1;
    }
    for operation in operations {
        if let Some(id) = &operation.bulk_id
            && counts.get(id).is_some_and(|count| *count > 1)
        {
            operation.call = Err(syntax(&format!(
                "The bulkId `{id}` is given to several operations. Give each its own."
            )));
        }
    }
}

/// Which new resources each operation names. A bulkId that no operation has, in a place where a
/// reference stands, can never be replaced.
fn find_references(operations: &mut [BulkOperation]) {
    let is_post = |operation: &BulkOperation| operation.method.as_deref() == Some("POST");
    let posts = operations.iter().filter(|operation| is_post(operation));
    let given: BTreeSet<String> = posts.filter_map(|operation| operation.bulk_id.clone()).collect();
    for operation in operations {
        let Ok(call) = &mut operation.call else { continue };
        let (mut references, mut unknown) = (BTreeSet::new(), None::<String>);
        let mut note = |found: reference::Found<'_>| {
            if given.contains(found.bulk_id) {
                references.insert(found.bulk_id.to_owned());
            } else if found.certain {
                unknown.get_or_insert_with(|| found.bulk_id.chars().take(200).collect());
            }
            None
        };
        reference::replace_in_path(&mut call.path, &mut note);
        reference::replace(&mut call.data, &mut note);
        match unknown {
            None => call.references = references,
            Some(id) => {
                operation.call = Err(Error::bad_request(
                    ScimType::InvalidValue,
                    format!("No POST of this bulk request has the bulkId `{id}`."),
                ));
            }
        }
    }
}

fn syntax(detail: &str) -> Error {
    Error::bad_request(ScimType::InvalidSyntax, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value, tolerances: &Tolerances) -> String {
        let (request, tolerated) = match BulkRequest::read(body, tolerances, 3) {
            Ok(read) => read,
            Err(error) => return format!("{} {error}", error.status),
        };
        let mut told: Vec<String> = request.fail_on_errors.iter().map(u64::to_string).collect();
        for operation in request.operations {
            told.push(match operation.call {
                Ok(call) => format!("{} {} {:?}", call.method.as_str(), call.path, call.references),
                Err(error) => format!("{:?} {error}", operation.bulk_id),
            });
        }
        told.extend(tolerated.iter().map(|tolerated| format!("({tolerated})")));
        told.join("\n")
    }

    fn strict(operations: Value) -> String {
        let body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
        read(body, &Tolerances::none())
    }

    #[test]
    fn what_is_wrong_with_the_message_refuses_it() {
        let none = Tolerances::none();
        let schemas = [urn::BULK_REQUEST];
        insta::assert_snapshot!(read(json!([]), &none), @"400 The body must be a JSON object, a bulk request.");
        insta::assert_snapshot!(read(json!({"Operations": []}), &none), @"400 `schemas` does not list `urn:ietf:params:scim:api:messages:2.0:BulkRequest`. Add it.");
        insta::assert_snapshot!(read(json!({"schemas": schemas}), &none), @"400 `Operations` must be a list of operations. Send one.");
        insta::assert_snapshot!(read(json!({"schemas": schemas, "Operations": []}), &none), @"400 `Operations` is empty. Send at least one operation.");
        insta::assert_snapshot!(read(json!({"schemas": schemas, "operations": []}), &none), @"400 `operations` must be written `Operations`.");
        insta::assert_snapshot!(read(json!({"schemas": schemas, "Operations": [1, 2, 3, 4]}), &none), @"413 The bulk request has 4 operations, which exceeds maxOperations (3). Send them in several requests.");
        for bad in [json!(-1), json!("1"), json!(1.5)] {
            let told =
                read(json!({"schemas": schemas, "failOnErrors": bad, "Operations": [1]}), &none);
            assert_eq!(told, "400 `failOnErrors` must be a whole number that is not negative.");
        }
        insta::assert_snapshot!(read(json!({"operations": [{"METHOD": "DELETE", "path": "/Users/1", "x": 1}], "failOnErrors": 0}), &Tolerances::all()), @"
        1
        DELETE /Users/1 {}
        (messageKeyCase at operations)
        (missingSchemas at schemas)
        (messageKeyCase at Operations[0].METHOD)
        (unknownAttribute at Operations[0].x)
        ");
    }

    #[test]
    fn what_is_wrong_with_an_operation_is_its_own_error() {
        let one = |operation: Value| strict(json!([operation]));
        insta::assert_snapshot!(one(json!(7)), @"None An operation of a bulk request must be a JSON object.");
        insta::assert_snapshot!(one(json!({"method": "GET", "path": "/Users/1"})), @"None `method` must be `POST`, `PUT`, `PATCH` or `DELETE`.");
        insta::assert_snapshot!(one(json!({"method": "post", "path": "/Users", "bulkId": "a"})), @r#"Some("a") `method` must be `POST`, `PUT`, `PATCH` or `DELETE`."#);
        insta::assert_snapshot!(one(json!({"method": "POST", "path": "/Users", "data": {}})), @"None A POST needs a `bulkId`, by which its resource is named.");
        insta::assert_snapshot!(one(json!({"method": "POST", "path": "/Users", "bulkId": "", "data": {}})), @r#"Some("") `bulkId` must be a string of 1 to 256 bytes."#);
        insta::assert_snapshot!(one(json!({"method": "POST", "path": "/Users", "bulkId": "a"})), @r#"Some("a") A POST needs `data`, a JSON object."#);
        insta::assert_snapshot!(one(json!({"method": "PUT", "data": {}})), @"None `path` must say which endpoint or resource is meant: `/Users`.");
        insta::assert_snapshot!(one(json!({"method": "PUT", "path": "/Users/1?attributes=id", "data": {}})), @"None `path` has no query and no fragment in a bulk request.");
        insta::assert_snapshot!(one(json!({"method": "DELETE", "path": "/Users/1", "data": {}})), @"None A DELETE has no `data`.");
        insta::assert_snapshot!(one(json!({"method": "DELETE", "path": "/Users/1", "version": 3})), @"None `version` must be an entity tag, a string.");
        insta::assert_snapshot!(one(json!({"method": "DELETE", "path": "/Users/1", "response": {}})), @"None `response` is no part of an operation of a bulk request. Leave it out.");
        insta::assert_snapshot!(one(json!({"method": "DELETE", "path": "/Users/1", "version": null})), @"DELETE /Users/1 {}");
    }

    #[test]
    fn a_bulk_id_is_one_operation_s_and_names_what_a_post_makes() {
        let post = |id: &str, data: Value| json!({"method": "POST", "path": "/Users", "bulkId": id, "data": data});
        let names_a = json!({"manager": {"value": "bulkId:a"}});
        let twice = json!([post("a", json!({})), post("a", json!({})), post("b", names_a)]);
        insta::assert_snapshot!(strict(twice), @r#"
        Some("a") The bulkId `a` is given to several operations. Give each its own.
        Some("a") The bulkId `a` is given to several operations. Give each its own.
        POST /Users {"a"}
        "#);
        insta::assert_snapshot!(strict(json!([
            post("a", json!({"manager": {"value": "bulkId:z"}})),
            // A nickname is no reference: the RFC has it replaced where there is something to
            // replace it with, and left alone otherwise.
            post("b", json!({"nickName": "bulkId:z"})),
            {"method": "PUT", "path": "/Users/bulkId:a", "bulkId": "c", "data": {"x": "bulkId:c"}}
        ])), @r#"
        Some("a") No POST of this bulk request has the bulkId `z`.
        POST /Users {}
        PUT /Users/bulkId:a {"a"}
        "#);
    }
}
