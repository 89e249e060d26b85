//! Push groups as they are in an application: what we created or linked, and wrote.

use std::collections::BTreeSet;

use crate::{GroupId, Origin, PersonId, RemoteId, Situation};

/// A group of the directory as it is in an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedGroup {
    /// The group.
    pub group: GroupId,
    /// What the application calls it. None: it is not there yet.
    pub remote_id: Option<RemoteId>,
    /// How it came to be ours.
    pub origin: Origin,
    /// What is known of it.
    pub situation: Situation,
    /// The name, as the application last acknowledged it.
    pub written_name: Option<String>,
    /// The members, as the application last acknowledged them. An account that is created anew is a
    /// member of nothing: whoever records that it was also forgets its memberships here.
    pub members: BTreeSet<PersonId>,
}

impl PushedGroup {
    /// What the application calls it, if it is there and ours.
    pub fn linked(&self) -> Option<&RemoteId> {
        match self.situation {
            Situation::Linked => self.remote_id.as_ref(),
            _ => None,
        }
    }
}
