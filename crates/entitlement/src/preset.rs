//! Presets: a catalogue with groups and what they grant, as JSON data to start from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Catalogue, Finding, Grant, GroupId, Key, LicenseType, Product};

const GUIDE: &str = include_str!("presets/guide.json");

/// A catalogue to start from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The name by which it is applied.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The license of users whom no group grants one.
    #[serde(default)]
    pub default_license: Option<Key>,
    /// The license types.
    pub license_types: Vec<LicenseType>,
    /// The products.
    pub products: Vec<Product>,
    /// The groups that grant, by name: the identity provider brings the groups themselves.
    #[serde(default)]
    pub groups: Vec<PresetGroup>,
}

/// What the group of this name grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetGroup {
    /// The group's display name.
    pub name: String,
    /// The license type.
    #[serde(default)]
    pub license_type: Option<Key>,
    /// The products.
    #[serde(default)]
    pub products: Vec<Key>,
    /// The policies.
    #[serde(default)]
    pub policies: BTreeMap<String, String>,
}

/// Why a text is no preset.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// It is not the JSON of a preset.
    #[error("The preset cannot be read. Compare it with the shipped preset `guide`.")]
    Json(#[source] serde_json::Error),
    /// It contradicts itself.
    #[error("The preset `{preset}` contradicts itself: {first}")]
    Findings {
        /// Its name.
        preset: String,
        /// The first contradiction.
        first: String,
    },
}

impl Preset {
    /// The guide's four example groups. The only shipped preset; a test reads it whole.
    pub fn guide() -> Self {
        // A default stands in for an error that the test below rules out.
        serde_json::from_str(GUIDE).unwrap_or_default()
    }

    /// The shipped preset of this name.
    pub fn named(name: &str) -> Option<Self> {
        (name == "guide").then(Self::guide)
    }

    /// Reads a preset and checks that its grants name what its catalogue has.
    pub fn from_json(text: &str) -> Result<Self, PresetError> {
        let preset: Self = serde_json::from_str(text).map_err(PresetError::Json)?;
        match preset.findings().first() {
            None => Ok(preset),
            Some(finding) => Err(PresetError::Findings {
                preset: preset.name.clone(),
                first: finding.sentence("A member"),
            }),
        }
    }

    /// The catalogue.
    pub fn catalogue(&self) -> Catalogue {
        Catalogue::new(self.license_types.clone(), self.products.clone())
    }

    /// What is wrong with its grants and its default.
    pub fn findings(&self) -> Vec<Finding> {
        let catalogue = self.catalogue();
        let mut findings: Vec<_> = self
            .groups
            .iter()
            .flat_map(|group| group.grant(GroupId(group.name.clone())).findings(&catalogue))
            .collect();
        if let Some(key) = &self.default_license {
            let reason = crate::Reason::TenantDefault;
            match catalogue.license_type(key) {
                None => findings.push(Finding::UnknownLicenseType { key: key.clone(), reason }),
                Some(row) if row.retired => findings.push(Finding::RetiredLicenseType {
                    key: key.clone(),
                    name: row.name.clone(),
                    reason,
                }),
                Some(_) => {}
            }
        }
        findings
    }
}

impl PresetGroup {
    /// The grant, once the group of this name exists.
    pub fn grant(&self, group: GroupId) -> Grant {
        Grant {
            path: Vec::new(),
            order: None,
            priority: 0,
            group,
            group_name: self.name.clone(),
            license_type: self.license_type.clone(),
            products: self.products.clone(),
            policies: self.policies.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_preset_is_sound_and_has_the_four_groups_of_the_guide() {
        let preset = Preset::from_json(GUIDE).unwrap();
        assert_eq!(preset, Preset::guide());
        let names: Vec<_> = preset.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(
            names,
            ["Zoom - Meetings", "Zoom - Phone", "Zoom - Contact Center", "Zoom - Webinars"]
        );
        let basic = Key::parse("basic").unwrap();
        assert!(preset.catalogue().license_type(&basic).unwrap().retired);
    }

    #[test]
    fn a_preset_that_grants_what_it_lacks_is_refused() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = GUIDE.replacen(from, to, 1);
            assert_ne!(text, GUIDE);
            let error = Preset::from_json(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("[\"phone\"]", "[\"fax\"]", "product `fax`");
        check("\"license_type\": \"workplace-licensed\"", "\"license_type\": \"basic\"", "retired");
        check("\"default_license\": \"unassigned\"", "\"default_license\": \"basic\"", "retired");
        check("\"default_license\"", "\"default_licence\"", "cannot be read");
    }
}
