//! Cost: how many requests a plan takes, counted before anything is sent.

use scim::{
    AttributePath, CompareOp, Filter, Literal, PatchOp, PatchOperation, PatchPath, PatchRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::{Action, Change};
use crate::{ApplicationProfile, GroupPatch, PersonId, Quirk, RemoteId};

/// What a plan takes, by kind. Every write is one request but for those that the profile makes more
/// of (PUT instead of PATCH, answers that cannot be trusted).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// All requests.
    pub requests: u64,
    /// Accounts that are created.
    pub creates: u64,
    /// Accounts that are linked.
    pub links: u64,
    /// Accounts whose attributes change.
    pub updates: u64,
    /// Accounts that are deactivated.
    pub deactivations: u64,
    /// Accounts that are activated again.
    pub reactivations: u64,
    /// Groups that are created or linked.
    pub groups: u64,
    /// Requests that change members of groups, beside those that create them.
    pub member_batches: u64,
    /// Members that come.
    pub memberships_added: u64,
    /// Members that go.
    pub memberships_removed: u64,
}

/// How the members of a group travel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberBatches {
    /// Those that travel with the POST that creates the group.
    pub with_create: Vec<PersonId>,
    /// The requests that follow, one each.
    pub then: Vec<MemberBatch>,
}

/// The members one request names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberBatch {
    /// Who becomes a member.
    pub add: Vec<PersonId>,
    /// Who is none any more.
    pub remove: Vec<PersonId>,
}

impl Cost {
    /// The cost of these changes.
    pub fn of(changes: &[Change], profile: &ApplicationProfile) -> Self {
        let mut cost = Self::default();
        for change in changes {
            cost.requests += u64::from(change.requests);
            let (add, remove) = change.action.member_changes();
            cost.memberships_added += add.len() as u64;
            cost.memberships_removed += remove.len() as u64;
            cost.member_batches += change.action.member_batches(profile).then.len() as u64;
            match &change.action {
                Action::CreateAccount { .. } => cost.creates += 1,
                Action::LinkAccount { .. } => cost.links += 1,
                Action::UpdateAccount { .. } => cost.updates += 1,
                Action::DeactivateAccount => cost.deactivations += 1,
                Action::ReactivateAccount { .. } => cost.reactivations += 1,
                Action::CreateGroup { .. } | Action::LinkGroup { .. } => cost.groups += 1,
                Action::ChangeGroup { .. } => {}
            }
        }
        cost
    }
}

impl Action {
    /// How many requests the action takes with an application of this profile.
    ///
    /// | action | requests |
    /// |---|---|
    /// | create | POST |
    /// | link | nothing, or as update |
    /// | update, deactivate, reactivate | PATCH; where the profile wants PUT, GET and PUT |
    /// | create group | POST with the first batch of members, PATCH for each further one |
    /// | link group, change group | PATCH for a new name, PATCH for each batch of members |
    /// | the same, where the profile wants PUT | GET and PUT |
    ///
    /// An application whose answers cannot be trusted is asked once more (GET) after the last write.
    pub fn requests(&self, profile: &ApplicationProfile) -> u32 {
        let batches = || u32::try_from(self.member_batches(profile).then.len()).unwrap_or(u32::MAX);
        let read_back = profile.read_back_requests();
        match self {
            Self::CreateAccount { .. } => 1 + read_back,
            Self::LinkAccount { changes, .. } if changes.is_empty() => 0,
            Self::LinkAccount { .. }
            | Self::UpdateAccount { .. }
            | Self::DeactivateAccount
            | Self::ReactivateAccount { .. } => profile.user_update_requests(),
            Self::CreateGroup { .. } => 1 + batches() + read_back,
            Self::LinkGroup { rename, add, remove, .. }
            | Self::ChangeGroup { rename, add, remove } => {
                if rename.is_none() && add.is_empty() && remove.is_empty() {
                    0
                } else if profile.group_patch == GroupPatch::Put {
                    2 + read_back
                } else {
                    u32::from(rename.is_some()) + batches() + read_back
                }
            }
        }
    }

    /// How the members of a group travel to an application of this profile. Where groups are put
    /// whole, nothing travels in batches.
    pub fn member_batches(&self, profile: &ApplicationProfile) -> MemberBatches {
        let (add, remove) = self.member_changes();
        let size = profile.members_per_request();
        let create = matches!(self, Self::CreateGroup { .. });
        let whole = profile.group_patch == GroupPatch::Put;
        let first = match (create && !profile.has(Quirk::NoMembersOnGroupCreate), whole) {
            (true, true) => add.len(),
            (true, false) => size.min(add.len()),
            (false, _) => 0,
        };
        let (with_create, add) = add.split_at(first);
        let mut batches = MemberBatches { with_create: with_create.to_vec(), then: Vec::new() };
        if whole {
            if create && !add.is_empty() {
                batches.then.push(MemberBatch { add: add.to_vec(), remove: Vec::new() });
            }
            return batches;
        }
        // Who goes, goes first: what a removal frees can be used by whoever comes.
        let entries: Vec<(bool, &PersonId)> = remove
            .iter()
            .map(|person| (false, person))
            .chain(add.iter().map(|person| (true, person)))
            .collect();
        for entries in entries.chunks(size) {
            let side = |wanted: bool| {
                entries
                    .iter()
                    .filter(|(adds, _)| *adds == wanted)
                    .map(|(_, person)| (*person).clone())
                    .collect()
            };
            batches.then.push(MemberBatch { add: side(true), remove: side(false) });
        }
        batches
    }
}

impl MemberBatch {
    /// The PATCH that makes the change. `remote_id` says what the application calls somebody's
    /// account.
    ///
    /// # Errors
    /// Somebody has no account there; it is them.
    pub fn patch(
        &self,
        form: GroupPatch,
        remote_id: &dyn Fn(&PersonId) -> Option<RemoteId>,
    ) -> Result<PatchRequest, PersonId> {
        let ids = |people: &[PersonId]| -> Result<Vec<RemoteId>, PersonId> {
            people.iter().map(|person| remote_id(person).ok_or_else(|| person.clone())).collect()
        };
        let values = |ids: Vec<RemoteId>| -> Value {
            ids.iter().map(|id| json!({"value": id.as_str()})).collect()
        };
        let (add, remove) = (ids(&self.add)?, ids(&self.remove)?);
        let mut operations: Vec<PatchOperation> = match form {
            GroupPatch::ByValueList if remove.is_empty() => Vec::new(),
            GroupPatch::ByValueList => vec![PatchOperation {
                op: PatchOp::Remove,
                path: Some(members(None)),
                value: Some(values(remove)),
            }],
            GroupPatch::ByFilter | GroupPatch::Put => remove
                .iter()
                .map(|id| PatchOperation {
                    op: PatchOp::Remove,
                    path: Some(members(Some(id))),
                    value: None,
                })
                .collect(),
        };
        if !add.is_empty() {
            operations.push(PatchOperation {
                op: PatchOp::Add,
                path: Some(members(None)),
                value: Some(values(add)),
            });
        }
        Ok(PatchRequest { operations, ..PatchRequest::default() })
    }
}

/// The fewest requests in which this many users and groups can be brought into an empty application
/// and be known to be there:
///
/// ```text
/// pages(users listed) + pages(groups listed)          with pages(n) = max(1, ceil(n / page_size))
///   + users created
///   + sum over the groups of max(1, ceil(members / members per request))
/// ```
///
/// The POST that creates a group carries its first members, so a group and its first batch are one
/// request. `listed` are the users and groups the application has before.
pub fn minimum_requests(
    profile: &ApplicationProfile,
    (users_listed, groups_listed): (u64, u64),
    users_created: u64,
    members: impl IntoIterator<Item = u64>,
) -> u64 {
    let pages = |count: u64| count.div_ceil(u64::from(profile.page_size.max(1))).max(1);
    let batch = profile.members_per_request() as u64;
    let groups: u64 = members.into_iter().map(|count| count.div_ceil(batch).max(1)).sum();
    pages(users_listed) + pages(groups_listed) + users_created + groups
}

fn members(id: Option<&RemoteId>) -> PatchPath {
    PatchPath {
        urn: None,
        attribute: Some("members".to_owned()),
        value_filter: id.map(|id| Filter::Compare {
            path: AttributePath { urn: None, attribute: "value".to_owned(), sub_attribute: None },
            op: CompareOp::Eq,
            value: Literal::String(id.as_str().to_owned()),
        }),
        sub_attribute: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rename;

    fn people(range: std::ops::Range<u32>) -> Vec<PersonId> {
        range.map(|n| PersonId::parse(&format!("p{n}")).unwrap()).collect()
    }

    #[track_caller]
    fn check(profile: &ApplicationProfile, action: Action, expected: &str) {
        let batches = action.member_batches(profile);
        let then: Vec<String> = batches
            .then
            .iter()
            .map(|batch| format!("+{}-{}", batch.add.len(), batch.remove.len()))
            .collect();
        let found = format!(
            "{} requests: {} with POST, then [{}]",
            action.requests(profile),
            batches.with_create.len(),
            then.join(" ")
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn members_travel_in_batches() {
        let create =
            |n| Action::CreateGroup { display_name: "Sales".to_owned(), add: people(0..n) };
        let change = |add: u32, remove: u32, rename: bool| Action::ChangeGroup {
            rename: rename.then(|| Rename { from: "A".to_owned(), to: "B".to_owned() }),
            add: people(0..add),
            remove: people(100..100 + remove),
        };
        let plain = ApplicationProfile { member_batch: 10, ..ApplicationProfile::default() };
        check(&plain, create(0), "1 requests: 0 with POST, then []");
        check(&plain, create(10), "1 requests: 10 with POST, then []");
        check(&plain, create(25), "3 requests: 10 with POST, then [+10-0 +5-0]");
        check(&plain, change(12, 3, false), "2 requests: 0 with POST, then [+7-3 +5-0]");
        check(&plain, change(0, 0, true), "1 requests: 0 with POST, then []");
        let odd = ApplicationProfile {
            quirks: [Quirk::NoMembersOnGroupCreate].into(),
            trusts_write_response: false,
            ..plain.clone()
        };
        check(&odd, create(15), "4 requests: 0 with POST, then [+10-0 +5-0]");
        let put = ApplicationProfile { group_patch: GroupPatch::Put, ..plain };
        check(&put, create(25), "1 requests: 25 with POST, then []");
        check(&put, change(12, 3, true), "2 requests: 0 with POST, then []");
    }

    #[test]
    fn the_fewest_requests_are_a_formula() {
        let profile = ApplicationProfile {
            page_size: 100,
            member_batch: 1_000,
            ..ApplicationProfile::default()
        };
        // 1 page of users, 1 of groups, 2,050 creates, 3 + 1 + 1 requests for groups.
        assert_eq!(minimum_requests(&profile, (0, 0), 2_050, [2_001, 49, 0]), 2_057);
        assert_eq!(minimum_requests(&profile, (201, 1), 0, []), 4);
    }

    #[test]
    fn removal_takes_the_form_the_application_understands() {
        let batch = MemberBatch { add: people(1..2), remove: people(2..4) };
        let remote = |person: &PersonId| RemoteId::parse(&format!("r-{person}")).ok();
        let form = |form| batch.patch(form, &remote).unwrap().to_json()["Operations"].clone();
        assert_eq!(
            form(GroupPatch::ByFilter),
            json!([
                {"op": "remove", "path": "members[value eq \"r-p2\"]"},
                {"op": "remove", "path": "members[value eq \"r-p3\"]"},
                {"op": "add", "path": "members", "value": [{"value": "r-p1"}]},
            ])
        );
        assert_eq!(
            form(GroupPatch::ByValueList),
            json!([
                {"op": "remove", "path": "members", "value": [{"value": "r-p2"}, {"value": "r-p3"}]},
                {"op": "add", "path": "members", "value": [{"value": "r-p1"}]},
            ])
        );
        let nobody = |_: &PersonId| None;
        assert_eq!(batch.patch(GroupPatch::ByFilter, &nobody), Err(people(1..2).remove(0)));
    }
}
