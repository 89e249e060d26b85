//! Grants: what a group gives its members, and what is given to one user by hand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Catalogue, Finding, GroupId, Key, Pool, Reason};

/// What a group grants to each of its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The group.
    pub group: GroupId,
    /// The group's name, for reasons and for ties.
    pub group_name: String,
    /// The groups through which the user is a member, nearest first; empty: by itself.
    pub path: Vec<String>,
    /// Its place in the explicit order of grants: of license types of equal rank the first wins.
    pub order: Option<u32>,
    /// Its priority on waitlists: higher goes first.
    pub priority: u32,
    /// The license type, if it grants one.
    pub license_type: Option<Key>,
    /// The products.
    pub products: Vec<Key>,
    /// Named settings that the group imposes, such as `recording` = `cloud`.
    pub policies: BTreeMap<String, String>,
}

/// A license type or product given to one user by hand; it counts like a group's grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectGrant {
    /// What is given.
    pub pool: Pool,
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The last day on which it is good; none: without an end.
    pub until: Option<Date>,
}

impl Grant {
    /// The reason that this grant is for what it gives.
    pub fn reason(&self) -> Reason {
        Reason::Group {
            group: self.group.clone(),
            name: self.group_name.clone(),
            path: self.path.clone(),
        }
    }

    /// What is wrong with the grant, before anybody relies on it: unknown and retired keys.
    pub fn findings(&self, catalogue: &Catalogue) -> Vec<Finding> {
        let license =
            self.license_type.iter().filter_map(|key| match catalogue.license_type(key) {
                None => {
                    Some(Finding::UnknownLicenseType { key: key.clone(), reason: self.reason() })
                }
                Some(row) if row.retired => Some(Finding::RetiredLicenseType {
                    key: key.clone(),
                    name: row.name.clone(),
                    reason: self.reason(),
                }),
                Some(_) => None,
            });
        let products = self
            .products
            .iter()
            .filter(|key| catalogue.product(key).is_none())
            .map(|key| Finding::UnknownProduct { key: key.clone(), reason: self.reason() });
        license.chain(products).collect()
    }
}

impl DirectGrant {
    /// The reason that this grant is for what it gives.
    pub fn reason(&self) -> Reason {
        Reason::Direct { by: self.by.clone(), at: self.at, until: self.until }
    }
}
