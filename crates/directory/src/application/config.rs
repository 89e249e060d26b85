//! An application as configuration: a TOML file, or what the CLI makes of its arguments.

use lifecycle::{Actions, ApplicationProfile, Drift, MatchAttribute};
use serde::de::value::StringDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;

/// The profiles that come with the program; a vendor with quirks is one file.
const PROFILES: &[(&str, &str)] = &[
    ("scim", include_str!("../profiles/scim.json")),
    ("zoom", include_str!("../profiles/zoom.json")),
    ("muster", include_str!("../profiles/muster.json")),
];

/// An application as configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationConfig {
    /// The name; unique whatever its case.
    pub name: String,
    /// What it can do and bear: `scim`, `zoom` or `muster`.
    #[serde(default = "default_profile")]
    pub profile: String,
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
    pub default: Option<serde_json::Value>,
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
        serde_json::from_str(text).map_err(|error| self.wrong(error.to_string()))
    }

    /// An error about this application's configuration.
    pub(crate) fn wrong(&self, message: String) -> Error {
        Error::Config { what: format!("application `{}`", self.name), message }
    }
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
