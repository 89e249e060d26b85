//! The profile: a person as a SCIM resource in the directory's own schema: core User, enterprise
//! User, employment. So rules, mappings, consoles and applications share one notion of attribute.

use std::sync::{Arc, LazyLock};

use scim::{Extension, ResourceType, Schema};
use serde_json::{Map, Value};

use crate::ProfilePath;

/// URN of the employment extension.
pub const EMPLOYMENT: &str = "urn:muster:schemas:1.0:Employment";

static EMPLOYMENT_JSON: &str = include_str!("schemas/employment.json");

/// The employment extension.
pub fn employment_schema() -> Arc<Schema> {
    static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
        // A test reads the file, so what stands in for it here is never seen.
        Arc::new(Schema::from_json(EMPLOYMENT_JSON).unwrap_or_else(|_| Schema {
            id: EMPLOYMENT.to_owned(),
            name: "Employment".to_owned(),
            description: String::new(),
            attributes: Vec::new(),
        }))
    });
    SCHEMA.clone()
}

/// The resource type of profiles: core User with the enterprise and the employment extension.
pub fn profile_type() -> Arc<ResourceType> {
    static PROFILE: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
        Arc::new(ResourceType::user(vec![
            Extension::optional(scim::enterprise_user_schema()),
            Extension::optional(employment_schema()),
        ]))
    });
    PROFILE.clone()
}

/// The paths that correlation itself keeps: the employee number and the dates of the latest
/// employment.
pub(crate) struct KeptPaths {
    pub employee_number: ProfilePath,
    pub hire_date: ProfilePath,
    pub termination_date: ProfilePath,
}

/// The paths that correlation itself keeps. None only if the profile's schemas lack them.
pub(crate) fn kept_paths() -> Option<&'static KeptPaths> {
    static PATHS: LazyLock<Option<KeptPaths>> = LazyLock::new(|| {
        let path = |text| ProfilePath::parse(text, &profile_type()).ok();
        Some(KeptPaths {
            employee_number: path("employeeNumber")?,
            hire_date: path("hireDate")?,
            termination_date: path("terminationDate")?,
        })
    });
    PATHS.as_ref()
}

/// `schemas` names the core schema and every extension that has data (RFC 7643 3.1).
pub(crate) fn write_schemas(document: &mut Map<String, Value>) {
    let mut urns = vec![Value::from(scim::urn::USER)];
    urns.extend(
        profile_type()
            .extensions
            .iter()
            .map(|extension| &extension.schema.id)
            .filter(|urn| document.contains_key(*urn))
            .map(|urn| Value::from(urn.as_str())),
    );
    document.insert("schemas".to_owned(), Value::Array(urns));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_employment_schema_is_read_from_its_file() {
        let schema = Schema::from_json(EMPLOYMENT_JSON).unwrap();
        assert_eq!(schema.id, EMPLOYMENT);
        assert_eq!(*employment_schema(), schema);
        assert!(kept_paths().is_some());
    }

    #[test]
    fn no_name_of_an_extension_hides_another() {
        let profile = profile_type();
        let mut names: Vec<String> = profile
            .schema
            .attributes
            .iter()
            .chain(profile.extensions.iter().flat_map(|extension| &extension.schema.attributes))
            .map(|attribute| attribute.name.to_lowercase())
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
