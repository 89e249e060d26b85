//! An application as configuration: a TOML file, or what the CLI makes of its arguments.

use std::sync::{Arc, LazyLock};

use lifecycle::{Actions, ApplicationProfile, Drift, MatchAttribute};
use scim::{Extension, ResourceType, Schema};
use serde::de::value::StringDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::Error;

/// The profiles that come with the program; a vendor with quirks is one file.
const PROFILES: &[(&str, &str)] = &[
    ("scim", include_str!("../profiles/scim.json")),
    ("zoom", include_str!("../profiles/zoom.json")),
    ("muster", include_str!("../profiles/muster.json")),
];

/// The extension of users that Zoom has, as far as its documents name attributes.
const ZOOM_USER: &str = include_str!("../profiles/zoom-user.schema.json");

/// An application as configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationConfig {
    /// The name; unique whatever its case.
    pub name: String,
    /// What it can do and bear: `scim`, `zoom` or `muster`.
    #[serde(default = "default_profile")]
    pub profile: String,
    /// In what this application differs from its profile, key by key: `page_size`, `update_verb`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub profile_overrides: Map<String, Value>,
    /// The SCIM base URL.
    pub base_url: String,
    /// By which attributes accounts that are there already are recognised, in this order.
    #[serde(default = "default_match_by")]
    pub match_by: Vec<MatchAttribute>,
    /// What may be done there.
    #[serde(default)]
    pub actions: Actions,
    /// What happens when somebody there changed an attribute that is owned here.
    #[serde(default)]
    pub drift: Drift,
    /// Whether a plan that the guard lets pass is applied by itself while the directory serves.
    #[serde(default)]
    pub auto: bool,
    /// When a plan is held for a person; what is left out has its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<lifecycle::GuardPolicy>,
    /// Who gets an account.
    #[serde(default, rename = "assign", skip_serializing_if = "Vec::is_empty")]
    pub assignments: Vec<AssignmentConfig>,
    /// Which attributes are owned, and what each should be; empty: the default mappings.
    #[serde(default, rename = "mapping", skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<MappingConfig>,
    /// Which groups are kept there.
    #[serde(default, rename = "push_group", skip_serializing_if = "Vec::is_empty")]
    pub push_groups: Vec<PushGroupConfig>,
}

/// Who gets an account: everyone, the members of a group, or one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentConfig {
    /// Everybody who is employed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// The members of this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// This person, by login, e-mail address or employee number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// One attribute that is owned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingConfig {
    /// The attribute there: `name.givenName`, `emails[type eq "work"].value`.
    pub target: String,
    /// An expression over `user`.
    pub value: String,
    /// When it is written: `create-and-update` or `create`.
    #[serde(default, deserialize_with = "word")]
    pub apply: lifecycle::Apply,
    /// What is written where the expression has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// A group that is kept there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushGroupConfig {
    /// The group here.
    pub group: String,
    /// Its name there, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may be created: `create-or-link` or `link-only`.
    #[serde(default, deserialize_with = "word")]
    pub mode: lifecycle::PushMode,
}

fn default_profile() -> String {
    "scim".into()
}
fn default_match_by() -> Vec<MatchAttribute> {
    vec![MatchAttribute::ExternalId, MatchAttribute::UserName]
}

impl ApplicationConfig {
    /// The profile: what the application can do and bear.
    ///
    /// # Errors
    /// A profile nobody knows.
    pub fn application_profile(&self) -> Result<ApplicationProfile, Error> {
        let known = PROFILES.iter().find(|(name, _)| *name == self.profile);
        let Some((_, text)) = known else {
            let names: Vec<&str> = PROFILES.iter().map(|(name, _)| *name).collect();
            return Err(self.wrong(format!(
                "the profile `{}` is not known; there are {}",
                self.profile,
                names.join(", ")
            )));
        };
        let mut profile: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| self.wrong(error.to_string()))?;
        profile.extend(self.profile_overrides.clone());
        serde_json::from_value(Value::Object(profile))
            .map_err(|error| self.wrong(error.to_string()))
    }

    /// The User it is taken to have: RFC 7643's with the enterprise extension, and the extensions
    /// that come with the profile.
    pub(crate) fn user_type(&self) -> Arc<ResourceType> {
        static PLAIN: LazyLock<Arc<ResourceType>> = LazyLock::new(|| user_type(None));
        static ZOOM: LazyLock<Arc<ResourceType>> = LazyLock::new(|| user_type(Some(ZOOM_USER)));
        match self.profile.as_str() {
            "zoom" | "muster" => ZOOM.clone(),
            _ => PLAIN.clone(),
        }
    }

    /// An error about this application's configuration.
    pub(crate) fn wrong(&self, message: String) -> Error {
        Error::Config { what: format!("application `{}`", self.name), message }
    }
}

fn user_type(schema: Option<&str>) -> Arc<ResourceType> {
    let mut extensions = vec![Extension::optional(scim::enterprise_user_schema())];
    // A test reads the schema; one that cannot be read would leave its attributes unknown.
    let schema = schema.and_then(|text| Schema::from_json(text).ok());
    extensions.extend(schema.map(|schema| Extension::optional(Arc::new(schema))));
    Arc::new(ResourceType::user(extensions))
}

/// A word of a closed set, whether it is written `create-or-link` or `create_or_link`.
fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    T::deserialize(StringDeserializer::new(text.replace('-', "_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_comes_with_the_program_is_one() {
        for (name, _) in PROFILES {
            let config: ApplicationConfig = serde_json::from_value(serde_json::json!({
                "name": "x", "profile": name, "base_url": "https://x.example/scim",
            }))
            .unwrap();
            assert_eq!(config.application_profile().unwrap().name, *name);
        }
    }

    #[test]
    fn an_application_may_differ_from_its_profile_key_by_key() {
        let config = |overrides: Value| -> ApplicationConfig {
            serde_json::from_value(serde_json::json!({
                "name": "x", "base_url": "https://x.example/scim", "profile": "zoom",
                "profile_overrides": overrides,
            }))
            .unwrap()
        };
        let profile = config(serde_json::json!({"page_size": 7})).application_profile().unwrap();
        assert_eq!((profile.page_size, profile.concurrency), (7, 2));
        let error = config(serde_json::json!({"pagesize": 7})).application_profile().unwrap_err();
        assert!(error.to_string().contains("pagesize"), "{error}");
    }

    #[test]
    fn the_extension_of_a_vendor_can_be_mapped_to() {
        let extension = "urn:ietf:params:scim:schemas:extension:zoom:1.0:User";
        let has = |profile: &str| {
            let config: ApplicationConfig = serde_json::from_value(serde_json::json!({
                "name": "x", "base_url": "https://x.example/scim", "profile": profile,
            }))
            .unwrap();
            config.user_type().extension(extension).is_some()
        };
        assert_eq!([has("zoom"), has("scim")], [true, false]);
    }

    #[test]
    fn words_are_written_with_hyphens_or_without() {
        for mode in ["link-only", "link_only"] {
            let push: PushGroupConfig =
                serde_json::from_value(serde_json::json!({"group": "g", "mode": mode})).unwrap();
            assert_eq!(push.mode, lifecycle::PushMode::LinkOnly);
        }
        let wrong = serde_json::json!({"group": "g", "mode": "link"});
        assert!(serde_json::from_value::<PushGroupConfig>(wrong).is_err());
    }
}
