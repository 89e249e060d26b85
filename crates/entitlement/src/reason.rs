//! Reasons: why a user has a claim, kept with every seat and printed as it stands.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{GroupId, Key};

/// Why a license, product or policy is given. The order is the order in which reasons for the same
/// thing are told: a group first, then by hand, then `userType`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The user is a member of a group that grants it.
    Group {
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
        /// The groups through which the user is a member, nearest first, each lying in the next;
        /// empty: by itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        path: Vec<String>,
    },
    /// It was given to this user by hand.
    Direct {
        /// Who gave it.
        by: String,
        /// When.
        at: Timestamp,
        /// The last day on which it is good; none: without an end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Date>,
    },
    /// The user's `userType` names this license type.
    UserType {
        /// The attribute's value.
        value: String,
    },
    /// No grant gives a license, so the tenant's default applies.
    TenantDefault,
    /// The tenant's default license, for as long as the user waits for a better one.
    Fallback {
        /// The license type that is waited for.
        wanted: Key,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { name, path, .. } => {
                write!(f, "granted by group \"{name}\"")?;
                for (index, group) in path.iter().enumerate() {
                    let word = if index == 0 { ", through" } else { " in" };
                    write!(f, "{word} group \"{group}\"")?;
                }
                Ok(())
            }
            Self::Direct { by, at, until } => {
                let day = jiff::tz::TimeZone::UTC.to_datetime(*at).date();
                write!(f, "granted directly by {by} on {day}")?;
                until.map_or(Ok(()), |until| write!(f, " until {until}"))
            }
            Self::UserType { value } => write!(f, "named by userType \"{value}\""),
            Self::TenantDefault => f.write_str("the tenant's default license"),
            Self::Fallback { name, .. } => {
                write!(f, "the tenant's default license, while waiting for {name}")
            }
        }
    }
}
