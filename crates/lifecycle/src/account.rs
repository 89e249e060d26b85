//! The account: one person in one application.

use std::fmt;

use jiff::Timestamp;
use scim::Resource;
use serde::{Deserialize, Serialize};

use crate::{ApplicationId, PersonId, RemoteId};

/// One person in one application.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The application.
    pub application: ApplicationId,
    /// The person.
    pub person: PersonId,
    /// What the application calls it. None: it is not there yet.
    pub remote_id: Option<RemoteId>,
    /// How it came to be ours.
    pub origin: Origin,
    /// What is known of it.
    pub situation: Situation,
    /// Whether it is active, as the application last acknowledged.
    pub active: bool,
    /// The attributes we own, as the application last acknowledged them.
    pub last_written: Option<Resource>,
    /// The account as it was last read whole. Where lists leave attributes out, a row of a list does
    /// not belong here: what it does not show would look as if it had gone. After a write it is the
    /// answer, or what was seen before with the same change made; never what was seen before a write.
    pub observed: Option<Resource>,
    /// When that was.
    pub observed_at: Option<Timestamp>,
}

/// How an account came to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We created it.
    Created,
    /// It was there and has been linked.
    Linked,
}

/// What is known of an account. The set is closed; for each there is one thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Situation {
    /// It is not there. It is created for whoever is entitled to it.
    Absent,
    /// It is there, is not ours yet, and is clearly this person's. It is linked.
    Unlinked,
    /// It is there and ours. It is kept up to date.
    Linked,
    /// It is there and nobody's here. It is left alone.
    Unmatched,
    /// It is there, and it is not clear whose it is. It is left alone until a person decides.
    Disputed,
    /// It was ours and is not there any more. It is created again for whoever is entitled to it.
    Gone,
}

impl Account {
    /// What the application calls it, if it is there and ours.
    pub fn linked(&self) -> Option<&RemoteId> {
        match self.situation {
            Situation::Linked => self.remote_id.as_ref(),
            _ => None,
        }
    }
}

impl Situation {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unlinked => "unlinked",
            Self::Linked => "linked",
            Self::Unmatched => "unmatched",
            Self::Disputed => "disputed",
            Self::Gone => "gone",
        }
    }

    /// The situation with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Absent, Self::Unlinked, Self::Linked, Self::Unmatched, Self::Disputed, Self::Gone]
            .into_iter()
            .find(|situation| situation.as_str() == word)
    }
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Origin {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Linked => "linked",
        }
    }

    /// The origin with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Created, Self::Linked].into_iter().find(|origin| origin.as_str() == word)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
