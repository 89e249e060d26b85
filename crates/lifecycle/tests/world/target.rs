//! An application in memory: it knows SCIM and nothing of people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lifecycle::RemoteId;
use scim::{MemberStep, PatchRequest, Resource, ResourceType};
use serde_json::Value;

/// Users and groups, and how many requests were made.
pub struct Target {
    pub users: BTreeMap<RemoteId, Resource>,
    pub groups: BTreeMap<RemoteId, TargetGroup>,
    pub request_count: u64,
    user_type: Arc<ResourceType>,
    group_type: ResourceType,
    last_id: u32,
}

#[derive(Clone)]
pub struct TargetGroup {
    pub name: String,
    pub members: BTreeSet<RemoteId>,
}

impl Target {
    pub fn new(user_type: Arc<ResourceType>) -> Self {
        Self {
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            request_count: 0,
            user_type,
            group_type: ResourceType::group(vec![]),
            last_id: 100,
        }
    }

    pub fn next_id(&mut self) -> RemoteId {
        self.last_id += 1;
        RemoteId::parse(&format!("r{}", self.last_id)).unwrap()
    }

    pub fn by_login(&self, login: &str) -> Option<RemoteId> {
        let found = self.users.iter().find(|(_, user)| {
            user.text("userName").is_some_and(|name| name.eq_ignore_ascii_case(login))
        });
        found.map(|(id, _)| id.clone())
    }

    /// POST /Users
    pub fn create_user(&mut self, resource: &Resource) -> RemoteId {
        self.request_count += 1;
        let login = resource.text("userName").unwrap();
        assert_eq!(self.by_login(login), None, "409: {login} exists already");
        let id = self.next_id();
        self.users.insert(id.clone(), resource.clone());
        id
    }

    /// PATCH /Users/ID
    pub fn patch_user(&mut self, id: &RemoteId, patch: &PatchRequest) {
        self.request_count += 1;
        let user = self.users.get(id).unwrap_or_else(|| panic!("404: {id}"));
        let outcome = patch.apply(&self.user_type, user).unwrap();
        assert!(outcome.changed, "a request that changes nothing was sent: {}", patch.to_json());
        let login = outcome.resource.text("userName").unwrap().to_owned();
        self.users.insert(id.clone(), outcome.resource);
        assert_eq!(self.by_login(&login).as_ref(), Some(id), "409: {login} exists already");
    }

    /// POST /Groups
    pub fn create_group(&mut self, name: &str, members: BTreeSet<RemoteId>) -> RemoteId {
        self.request_count += 1;
        let id = self.next_id();
        self.groups.insert(id.clone(), TargetGroup { name: name.to_owned(), members });
        id
    }

    /// PATCH /Groups/ID with a name
    pub fn rename_group(&mut self, id: &RemoteId, name: &str) {
        self.request_count += 1;
        name.clone_into(&mut self.groups.get_mut(id).unwrap().name);
    }

    /// PATCH /Groups/ID with members
    pub fn patch_members(&mut self, id: &RemoteId, patch: &PatchRequest) {
        self.request_count += 1;
        let group = self.groups.get_mut(id).unwrap_or_else(|| panic!("404: {id}"));
        let resource = Resource::from_canonical(
            serde_json::json!({"displayName": group.name}).as_object().unwrap().clone(),
        );
        let outcome = patch.apply(&self.group_type, &resource).unwrap();
        let remote = |id: &str| RemoteId::parse(id).unwrap();
        for step in outcome.members.steps {
            match step {
                MemberStep::Add(members) => {
                    for member in members {
                        let id = remote(&member.value);
                        assert!(self.users.contains_key(&id), "404: member {id}");
                        group.members.insert(id);
                    }
                }
                MemberStep::Remove(ids) => {
                    ids.iter().for_each(|id| assert!(group.members.remove(&remote(id)), "{id}"));
                }
                MemberStep::RemoveWhere(filter) => {
                    let text = filter.to_string();
                    let id = text.strip_prefix("value eq \"").unwrap().trim_end_matches('"');
                    assert!(group.members.remove(&remote(id)), "{id} was no member");
                }
                MemberStep::ReplaceAll(_) => panic!("members are never replaced as a whole"),
            }
        }
    }

    pub fn delete_user(&mut self, id: &RemoteId) {
        self.users.remove(id);
        self.groups.values_mut().for_each(|group| {
            group.members.remove(id);
        });
    }

    /// Somebody changes an attribute there by hand.
    pub fn set_by_hand(&mut self, id: &RemoteId, attribute: &str, value: Value) {
        if let Some(user) = self.users.get_mut(id) {
            user.set(attribute, value);
        }
    }
}
