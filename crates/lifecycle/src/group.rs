//! Groups: sets of people, filled by rules and by hand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{GroupId, PersonId, Reason};

/// A set of people. Rules fill it, people are added by hand, and exclusions win over both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The directory's own identifier.
    pub id: GroupId,
    /// The name, as applications will show it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether being in it costs a license somewhere, so that emptying it is guarded.
    pub grants_licenses: bool,
    /// Who was added by hand.
    pub members: Vec<ManualMember>,
    /// Who shall not be in it, whatever rules say.
    pub exclusions: Vec<Exclusion>,
}

/// Somebody who was added by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualMember {
    /// Who.
    pub person: PersonId,
    /// Who added them.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Somebody who shall not be in the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Who.
    pub person: PersonId,
    /// Who decided so.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ManualMember {
    /// The decision as a reason.
    pub fn reason(&self) -> Reason {
        Reason::Manual { actor: self.actor.clone(), at: self.at, note: self.note.clone() }
    }
}

impl Exclusion {
    /// The decision as a reason.
    pub fn reason(&self) -> Reason {
        Reason::Excluded { actor: self.actor.clone(), at: self.at, note: self.note.clone() }
    }
}

impl Group {
    /// The entry of somebody who was added by hand.
    pub fn manual_member(&self, person: &PersonId) -> Option<&ManualMember> {
        self.members.iter().find(|member| member.person == *person)
    }

    /// The entry of somebody who shall not be in the group.
    pub fn exclusion(&self, person: &PersonId) -> Option<&Exclusion> {
        self.exclusions.iter().find(|exclusion| exclusion.person == *person)
    }
}
