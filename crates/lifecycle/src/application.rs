//! Applications: what people get accounts in, and what each can do and bear.
//!
//! An application's profile is data. The default is a well-behaved application that follows
//! RFC 7644; whoever does not has a profile that says in what.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ApplicationId, Assignment, GroupId, Mapping, MatchAttribute, limits};

/// An application that people get accounts in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// The directory's own identifier.
    pub id: ApplicationId,
    /// Its name.
    pub name: String,
    /// What it can do and bear.
    #[serde(default)]
    pub profile: ApplicationProfile,
    /// What may be done there.
    #[serde(default)]
    pub actions: Actions,
    /// How accounts that are already there are recognised; the first that finds any decides.
    #[serde(default = "default_match_by")]
    pub match_by: Vec<MatchAttribute>,
    /// What happens when somebody else changed an attribute that we own.
    #[serde(default)]
    pub drift: Drift,
    /// Which attributes we own, and what each should be.
    pub mappings: Vec<Mapping>,
    /// Who gets an account.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
    /// Which groups are kept there.
    #[serde(default)]
    pub push_groups: Vec<PushGroup>,
}

/// The three things provisioning does, each with a switch. All are on by default.
///
/// What is switched off is still worked out: it comes back as a finding instead of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Actions {
    /// Accounts are created for people who are assigned. Linking one that is there is always done.
    pub create_users: bool,
    /// Attributes that we own are kept up to date.
    pub update_attributes: bool,
    /// Accounts of people who left or are no longer assigned are deactivated, and activated again
    /// when they are back.
    pub deactivate_users: bool,
}

impl Default for Actions {
    fn default() -> Self {
        Self { create_users: true, update_attributes: true, deactivate_users: true }
    }
}

/// What happens when an attribute that we own is not what we wrote.
///
/// An account that is active although its person left is deactivated again whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Nothing.
    Ignore,
    /// A finding says so. The default, since an application may well normalise what it is sent.
    #[default]
    Report,
    /// It is written again.
    Repair,
}

/// A group of the directory that is kept in the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushGroup {
    /// The group.
    pub group: GroupId,
    /// What it is called there.
    pub remote_name: String,
    /// Whether it may be created.
    #[serde(default)]
    pub mode: PushMode,
    /// Whether it is pushed at the moment.
    #[serde(default)]
    pub status: PushStatus,
}

/// How a push group comes to be in the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushMode {
    /// A group of this name is linked; if there is none, it is created.
    #[default]
    CreateOrLink,
    /// A group of this name must be there.
    LinkOnly,
}

/// Whether a group is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushStatus {
    /// It is.
    #[default]
    Active,
    /// It is not; what is there stays.
    Inactive,
}

/// What an application can do and bear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApplicationProfile {
    /// The profile's name.
    pub name: String,
    /// Most resources on one page of a list.
    pub page_size: u32,
    /// How attributes of users are changed.
    pub update_verb: UpdateVerb,
    /// How members of groups are changed.
    pub group_patch: GroupPatch,
    /// Most members named in one request.
    pub member_batch: u32,
    /// Longest body of a request, in bytes.
    pub body_bytes_max: u64,
    /// How fast requests may follow each other.
    pub rate: Rate,
    /// Most requests under way at the same time.
    pub concurrency: u32,
    /// Whether a 200 or 201 with a complete body shows what is stored. If not, what was written is
    /// read again.
    pub trusts_write_response: bool,
    /// The attributes by which it can be asked for a user.
    pub filters: BTreeSet<MatchAttribute>,
    /// Words that tell an administrator by `roles` or `userType`, in any case. An account that has
    /// one is never linked by e-mail alone.
    pub privileged_roles: Vec<String>,
    /// In what it departs from RFC 7644.
    pub quirks: BTreeSet<Quirk>,
}

/// How attributes of users are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateVerb {
    /// PATCH (RFC 7644 3.5.2).
    #[default]
    Patch,
    /// PUT replaces (RFC 7644 3.5.1): the resource is read, changed and put back whole.
    Put,
    /// PUT that leaves alone what it does not name.
    PutPartial,
}

/// How members of groups are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupPatch {
    /// `add` on `members`, `remove` on `members[value eq "..."]` (RFC 7644 3.5.2.2).
    #[default]
    ByFilter,
    /// `remove` on `members` with the list of those that go.
    ByValueList,
    /// PUT of the whole group.
    Put,
}

/// How fast requests may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// So many requests
    pub requests: u32,
    /// in so many seconds.
    pub per_secs: u32,
    /// So many may follow at once after a pause.
    pub burst: u32,
}

/// A departure from RFC 7644 that provisioning takes into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Groups cannot be renamed.
    NoGroupRename,
    /// Members in the POST of a group are ignored.
    NoMembersOnGroupCreate,
    /// Lists do not show every attribute, so nothing is concluded from one that is missing there.
    ListsAreIncomplete,
    /// Paging is ignored: what a list does not show may be there all the same.
    PagingIgnored,
}

impl Default for ApplicationProfile {
    fn default() -> Self {
        Self {
            name: "scim".to_owned(),
            page_size: 100,
            update_verb: UpdateVerb::Patch,
            group_patch: GroupPatch::ByFilter,
            member_batch: 500,
            body_bytes_max: 1_000_000,
            rate: Rate { requests: 50, per_secs: 1, burst: 50 },
            concurrency: 4,
            trusts_write_response: true,
            filters: [MatchAttribute::UserName, MatchAttribute::ExternalId].into(),
            privileged_roles: ["admin", "administrator", "owner"].map(str::to_owned).to_vec(),
            quirks: BTreeSet::new(),
        }
    }
}

impl ApplicationProfile {
    /// Whether the application has this quirk.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Most members in one request, by count and by the length of the body. At least one.
    pub fn members_per_request(&self) -> usize {
        let by_length =
            self.body_bytes_max.saturating_sub(limits::MEMBER_REQUEST_BYTES) / limits::MEMBER_BYTES;
        let by_length = usize::try_from(by_length).unwrap_or(usize::MAX);
        usize::try_from(self.member_batch).unwrap_or(usize::MAX).min(by_length).max(1)
    }

    /// Requests that one write of a user takes, with the reading back that the profile demands.
    pub fn user_update_requests(&self) -> u32 {
        let write = match self.update_verb {
            UpdateVerb::Patch | UpdateVerb::PutPartial => 1,
            // The resource is read first: a PUT takes away what it does not name.
            UpdateVerb::Put => 2,
        };
        write + self.read_back_requests()
    }

    /// Requests that follow a write because its answer cannot be trusted.
    pub fn read_back_requests(&self) -> u32 {
        u32::from(!self.trusts_write_response)
    }
}

fn default_match_by() -> Vec<MatchAttribute> {
    vec![MatchAttribute::ExternalId, MatchAttribute::UserName]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fits_the_body_as_well_as_the_count() {
        let check = |member_batch, body_bytes_max, expected| {
            let profile = ApplicationProfile {
                member_batch,
                body_bytes_max,
                ..ApplicationProfile::default()
            };
            assert_eq!(profile.members_per_request(), expected);
        };
        check(500, 1_000_000, 500);
        check(5_000, 100_000, 659);
        check(500, 10, 1);
        check(0, 1_000_000, 1);
    }

    #[test]
    fn a_profile_is_a_few_lines_of_data() {
        let profile: ApplicationProfile = serde_json::from_str(
            r#"{"name": "odd", "update_verb": "put", "quirks": ["no_group_rename"],
                "trusts_write_response": false}"#,
        )
        .unwrap();
        assert!(profile.has(Quirk::NoGroupRename));
        assert_eq!(profile.user_update_requests(), 3);
        assert_eq!(profile.page_size, 100);
        assert!(serde_json::from_str::<ApplicationProfile>(r#"{"pagesize": 1}"#).is_err());
    }
}
