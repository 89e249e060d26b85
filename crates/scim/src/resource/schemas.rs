//! The `schemas` attribute of a resource (RFC 7643 3): read, checked and written anew.

use serde_json::{Map, Value};

use super::read::{shown, syntax};
use crate::value::Reading;
use crate::{Error, ResourceType, Tolerance};

/// Reads `schemas`: which URNs it lists, in any case.
pub(super) fn read_schemas<'b>(
    body: &'b Map<String, Value>,
    rt: &ResourceType,
    reading: &mut Reading<'_>,
) -> Result<Vec<&'b str>, Error> {
    let value = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("schemas"));
    let listed: Vec<&str> = match value.map(|(_, value)| value) {
        Some(Value::Array(urns)) => urns.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(urn)) if reading.accept(Tolerance::SingleForMultiple, "schemas") => {
            vec![urn]
        }
        _ => Vec::new(),
    };
    let core = &rt.schema.id;
    // RFC 7643 3: "schemas" is REQUIRED and names the schemas of the resource.
    if !listed.iter().any(|urn| urn.eq_ignore_ascii_case(core))
        && !reading.accept(Tolerance::MissingSchemas, "schemas")
    {
        return Err(syntax(format!(
            "`schemas` does not list `{core}`, the schema of a {}. Add it.",
            rt.name
        )));
    }
    for (index, urn) in listed.iter().enumerate() {
        if urn.eq_ignore_ascii_case(core) || rt.extension(urn).is_some() {
            continue;
        }
        if !reading.accept(Tolerance::UnknownSchema, &format!("schemas[{index}]")) {
            return Err(unknown_schema(urn, rt));
        }
    }
    Ok(listed)
}

/// RFC 7643 3: a schema whose attributes are used must be listed.
pub(super) fn check_listed(
    listed: &[&str],
    document: &Map<String, Value>,
    rt: &ResourceType,
    reading: &mut Reading<'_>,
) -> Result<(), Error> {
    let missing_core_was_reported =
        !listed.iter().any(|urn| urn.eq_ignore_ascii_case(&rt.schema.id));
    for extension in &rt.extensions {
        let urn = &extension.schema.id;
        if !document.contains_key(urn)
            || listed.iter().any(|listed| listed.eq_ignore_ascii_case(urn))
            || missing_core_was_reported
        {
            continue;
        }
        if !reading.accept(Tolerance::MissingSchemas, "schemas") {
            return Err(syntax(format!(
                "The body has attributes of `{urn}`, which `schemas` does not list. Add it."
            )));
        }
    }
    Ok(())
}

/// Writes `schemas` anew: the core schema, and every extension that has data. RFC 7643 3.3: "the
/// "schemas" attribute ... MUST contain ... the URI of the extension" used.
pub(crate) fn refresh_schemas(document: &mut Map<String, Value>, rt: &ResourceType) {
    let extended = rt.extensions.iter().map(|extension| &extension.schema.id);
    let used = extended.filter(|urn| document.contains_key(*urn));
    let schemas = std::iter::once(&rt.schema.id).chain(used).map(|urn| Value::from(urn.clone()));
    let schemas = Value::Array(schemas.collect());
    document.insert("schemas".into(), schemas);
}

/// A URN that is none of the resource type's.
pub(super) fn unknown_schema(urn: &str, rt: &ResourceType) -> Error {
    let urn = shown(urn);
    syntax(format!("`{urn}` is not a schema of a {}. Leave it out, or add the extension.", rt.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Extension, Resource, Tolerances, enterprise_user_schema, urn};

    #[test]
    fn schemas_may_be_missing_or_strange_if_tolerated() {
        let rt = ResourceType::user(vec![Extension::optional(enterprise_user_schema())]);
        let check = |tolerances: &[Tolerance], body: Value, expected: &[&str]| {
            let tolerances = Tolerances::of(tolerances.iter().copied());
            let (resource, _, tolerated) = Resource::read(&body, &rt, &tolerances).unwrap();
            let tolerated: Vec<_> = tolerated.iter().map(ToString::to_string).collect();
            assert_eq!(tolerated, expected, "{body}");
            assert_eq!(resource.document()["schemas"][0], urn::USER);
        };
        use Tolerance::*;
        let all = [MissingSchemas, UnknownSchema, SingleForMultiple];
        check(&all, json!({"userName": "ana"}), &["missingSchemas at schemas"]);
        check(
            &all,
            json!({"userName": "ana", urn::ENTERPRISE_USER: {"department": "Sales"}}),
            &["missingSchemas at schemas"],
        );
        check(
            &all,
            json!({"schemas": [urn::USER], "userName": "ana", urn::ENTERPRISE_USER: {"department": "Sales"}}),
            &["missingSchemas at schemas"],
        );
        check(
            &all,
            json!({"schemas": ["urn:scim:schemas:core:1.0"], "userName": "ana"}),
            &["missingSchemas at schemas", "unknownSchema at schemas[0]"],
        );
        check(
            &all,
            json!({"schemas": urn::USER, "userName": "ana"}),
            &["singleForMultiple at schemas"],
        );
        // Listed and without data: not wrong, and not in the answer.
        check(&[], json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "ana"}), &[]);
    }
}
