//! Changes: what is done about one account or one push group, as data.
//!
//! A change can be stored, printed, approved and compared. What is sent follows from its action alone:
//! [`Action::patch`] and [`Action::member_batches`] are functions, so what was previewed is what is
//! executed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use scim::{PatchOp, PatchOperation, PatchRequest, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::observed::{after, is_active};
use crate::{
    ApplicationId, AttributeChange, EmployeeNumber, GroupId, MatchAttribute, PersonId, Reason,
    RemoteId, Subject, TargetPath, digest,
};

/// The form in which plans and changes are stored; a reader of another one plans anew.
pub const PLAN_FORMAT_VERSION: u32 = 1;

/// What is done about one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The form in which it is stored.
    pub format_version: u32,
    /// What it is about.
    pub subject: ChangeSubject,
    /// The person's or the group's name.
    pub name: String,
    /// The person's employee number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<EmployeeNumber>,
    /// When it is done, compared to others.
    pub lane: Lane,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Why each member comes or goes, for a push group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub members: BTreeMap<PersonId, MemberReasons>,
    /// How many requests it takes.
    pub requests: u32,
    /// The digest over application, day, subject and action. Reasons are not part of it.
    pub digest: String,
}

/// Why a member comes or goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberReasons {
    /// Who.
    pub subject: Subject,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What a change is about: the account of a person, or a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ChangeSubject {
    /// The account of a person.
    Account(PersonId),
    /// A push group.
    Group(GroupId),
}

/// A text that is no subject of a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no subject of a change: write account:ID or group:ID")]
pub struct ChangeSubjectError {
    /// The text.
    pub text: String,
}

/// The order among changes. Leavers overtake everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lane {
    /// Somebody loses their account.
    Leaver,
    /// Somebody's attributes changed.
    Mover,
    /// Somebody gets an account, or gets it back.
    Joiner,
    /// Push groups: after the joiners, since an account must be there to be a member.
    Membership,
    /// Repairs.
    Refresh,
}

/// What is done about one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// An account is created. It is a member of nothing yet, whatever was pushed before.
    CreateAccount {
        /// The account, with what is written at creation only.
        #[serde(with = "resource_json")]
        resource: Resource,
        /// The account it stands in for, which is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<RemoteId>,
    },
    /// An account that is there is taken over. It is a member of nothing as far as we know.
    LinkAccount {
        /// The account.
        remote_id: RemoteId,
        /// How it was recognised.
        matched_by: MatchAttribute,
        /// What changes about it. Empty: nothing is sent.
        changes: Vec<AttributeChange>,
        /// What we own of it afterwards.
        #[serde(with = "resource_json")]
        resource: Resource,
    },
    /// Attributes change.
    UpdateAccount {
        /// Which.
        changes: Vec<AttributeChange>,
    },
    /// The account is deactivated; its attributes and memberships stay.
    DeactivateAccount,
    /// The account is activated again.
    ReactivateAccount {
        /// What changes: `active`, and what is no longer as it should be.
        changes: Vec<AttributeChange>,
    },
    /// A group is created.
    CreateGroup {
        /// Its name.
        display_name: String,
        /// Its members.
        add: Vec<PersonId>,
    },
    /// A group that is there is taken over.
    LinkGroup {
        /// The group.
        remote_id: RemoteId,
        /// The new name, if it is not written alike.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rename: Option<Rename>,
        /// The people whose accounts were seen to be members.
        present: Vec<PersonId>,
        /// Who becomes a member.
        add: Vec<PersonId>,
        /// Who is none any more.
        remove: Vec<PersonId>,
    },
    /// A group gets another name or other members.
    ChangeGroup {
        /// The new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rename: Option<Rename>,
        /// Who becomes a member.
        add: Vec<PersonId>,
        /// Who is none any more.
        remove: Vec<PersonId>,
    },
}

/// A new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    /// The name it has.
    pub from: String,
    /// The name it gets.
    pub to: String,
}

impl Change {
    /// A change with its digest. The number of requests is worked out by whoever knows the
    /// application's profile.
    pub(super) fn new(
        application: &ApplicationId,
        as_of: Date,
        subject: ChangeSubject,
        name: String,
        (lane, action): (Lane, Action),
    ) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Digested<'a> {
            format_version: u32,
            application: &'a ApplicationId,
            as_of: Date,
            subject: &'a ChangeSubject,
            action: &'a Action,
        }
        let digest = digest(&Digested {
            format_version: PLAN_FORMAT_VERSION,
            application,
            as_of,
            subject: &subject,
            action: &action,
        });
        Self {
            format_version: PLAN_FORMAT_VERSION,
            subject,
            name,
            employee_number: None,
            lane,
            action,
            reasons: Vec::new(),
            members: BTreeMap::new(),
            requests: 0,
            digest,
        }
    }

    /// The order in which changes stand in a plan: lane, then employee number or name.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |change: &'_ Self| {
            let number = change.employee_number.as_ref().map(|number| number.as_str().to_owned());
            (change.lane, number.unwrap_or_else(|| change.name.clone()))
        };
        key(self).cmp(&key(other)).then_with(|| self.subject.cmp(&other.subject))
    }
}

impl Action {
    /// The PATCH that an account gets. None: there is none to send (RFC 7644 3.5.2).
    pub fn patch(&self) -> Option<PatchRequest> {
        match self {
            Self::LinkAccount { changes, .. }
            | Self::UpdateAccount { changes }
            | Self::ReactivateAccount { changes } => (!changes.is_empty()).then(|| patch(changes)),
            Self::DeactivateAccount => {
                active_path().map(|path| patch(&[activation(path, true, false)]))
            }
            _ => None,
        }
    }

    /// What we own of the account once the action has been acknowledged, given what was last
    /// written: the next `last_written`. None: the action is not about an account.
    pub fn written(&self, before: Option<&Resource>) -> Option<Resource> {
        match self {
            Self::CreateAccount { resource, .. } | Self::LinkAccount { resource, .. } => {
                Some(resource.clone())
            }
            Self::UpdateAccount { changes } => {
                Some(after(before, changes, before.is_none_or(is_active)))
            }
            Self::ReactivateAccount { changes } => Some(after(before, changes, true)),
            Self::DeactivateAccount => Some(after(before, &[], false)),
            Self::CreateGroup { .. } | Self::LinkGroup { .. } | Self::ChangeGroup { .. } => None,
        }
    }

    /// What people call it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::CreateAccount { .. } => "create",
            Self::LinkAccount { .. } => "link",
            Self::UpdateAccount { .. } => "update",
            Self::DeactivateAccount => "deactivate",
            Self::ReactivateAccount { .. } => "reactivate",
            Self::CreateGroup { .. } => "create group",
            Self::LinkGroup { .. } => "link group",
            Self::ChangeGroup { .. } => "change group",
        }
    }

    /// The members of the group once the action has been acknowledged, given those it had before.
    /// None: the action is not about a group.
    pub fn members_after(&self, before: &BTreeSet<PersonId>) -> Option<BTreeSet<PersonId>> {
        let mut members = match self {
            Self::CreateGroup { .. } => BTreeSet::new(),
            Self::LinkGroup { present, .. } => present.iter().cloned().collect(),
            Self::ChangeGroup { .. } => before.clone(),
            _ => return None,
        };
        let (add, remove) = self.member_changes();
        for person in remove {
            members.remove(person);
        }
        members.extend(add.iter().cloned());
        Some(members)
    }

    /// The new name the action gives to a group that is there.
    pub fn rename(&self) -> Option<&Rename> {
        match self {
            Self::LinkGroup { rename, .. } | Self::ChangeGroup { rename, .. } => rename.as_ref(),
            _ => None,
        }
    }

    /// Who becomes a member, and who is none any more.
    pub fn member_changes(&self) -> (&[PersonId], &[PersonId]) {
        match self {
            Self::CreateGroup { add, .. } => (add, &[]),
            Self::LinkGroup { add, remove, .. } | Self::ChangeGroup { add, remove, .. } => {
                (add, remove)
            }
            _ => (&[], &[]),
        }
    }
}

/// `active` as a change of an attribute.
pub(super) fn activation(path: TargetPath, from: bool, to: bool) -> AttributeChange {
    AttributeChange { path, from: Some(from.into()), to: Some(to.into()), adds_value: false }
}

/// The path of `active`, which every user has.
pub(super) fn active_path() -> Option<TargetPath> {
    TargetPath::read("active").ok()
}

/// The PATCH that makes these changes, and touches nothing else.
fn patch(changes: &[AttributeChange]) -> PatchRequest {
    let mut operations = Vec::with_capacity(changes.len());
    for (at, change) in changes.iter().enumerate() {
        let earlier = &changes[..at];
        if !change.path.element().is_empty()
            && earlier.iter().any(|other| element_done(other, change))
        {
            continue;
        }
        operations.push(operation(change, changes));
    }
    PatchRequest { operations, ..PatchRequest::default() }
}

/// Whether an earlier operation has added or removed the whole value that a change is about.
fn element_done(earlier: &AttributeChange, change: &AttributeChange) -> bool {
    earlier.path.shares_element(&change.path)
        && ((earlier.adds_value && change.adds_value)
            || (removes_element(earlier) && change.to.is_none()))
}

fn removes_element(change: &AttributeChange) -> bool {
    !change.path.element().is_empty() && change.path.part() == Some("value") && change.to.is_none()
}

fn operation(change: &AttributeChange, changes: &[AttributeChange]) -> PatchOperation {
    let path = &change.path;
    if change.adds_value && !path.element().is_empty() {
        // RFC 7644 3.5.2.3: replacing in a value that is not there fails with `noTarget`, so the
        // value is added with all its parts at once.
        let mut value: Map<String, Value> = path.element().iter().cloned().collect();
        for other in changes.iter().filter(|other| {
            other.adds_value && (other.path == *path || other.path.shares_element(path))
        }) {
            if let (Some(part), Some(to)) = (other.path.part(), &other.to) {
                value.insert(part.to_owned(), to.clone());
            }
        }
        return PatchOperation {
            op: PatchOp::Add,
            path: Some(path.attribute_path()),
            value: Some(Value::Array(vec![Value::Object(value)])),
        };
    }
    let (op, path) = match (&change.from, &change.to) {
        (_, None) if removes_element(change) => (PatchOp::Remove, path.element_path()),
        (_, None) => (PatchOp::Remove, path.patch_path()),
        (None, Some(_)) => (PatchOp::Add, path.patch_path()),
        (Some(_), Some(_)) => (PatchOp::Replace, path.patch_path()),
    };
    PatchOperation { op, path: Some(path), value: change.to.clone() }
}

impl fmt::Display for ChangeSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(person) => write!(f, "account:{person}"),
            Self::Group(group) => write!(f, "group:{group}"),
        }
    }
}

impl FromStr for ChangeSubject {
    type Err = ChangeSubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ChangeSubjectError { text: text.to_owned() };
        match text.split_once(':') {
            Some(("account", id)) => PersonId::parse(id).map(Self::Account).map_err(|_| error()),
            Some(("group", id)) => GroupId::parse(id).map(Self::Group).map_err(|_| error()),
            _ => Err(error()),
        }
    }
}

impl TryFrom<String> for ChangeSubject {
    type Error = ChangeSubjectError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ChangeSubject> for String {
    fn from(subject: ChangeSubject) -> Self {
        subject.to_string()
    }
}

impl Lane {
    /// Every lane, in order.
    pub const ALL: [Self; 5] =
        [Self::Leaver, Self::Mover, Self::Joiner, Self::Membership, Self::Refresh];

    /// The heading it stands under.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Leaver => "Leavers",
            Self::Mover => "Movers",
            Self::Joiner => "Joiners",
            Self::Membership => "Groups",
            Self::Refresh => "Repairs",
        }
    }
}

mod resource_json {
    use scim::Resource;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    pub(super) fn serialize<S: Serializer>(
        resource: &Resource,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        resource.document().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Resource, D::Error> {
        Map::<String, Value>::deserialize(deserializer).map(Resource::from_canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::{Extension, ResourceType};
    use serde_json::json;

    fn user_type() -> ResourceType {
        ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())])
    }

    fn change(path: &str, from: Value, to: Value, adds_value: bool) -> AttributeChange {
        let some = |value: Value| (!value.is_null()).then_some(value);
        AttributeChange {
            path: TargetPath::parse(path, &user_type()).unwrap(),
            from: some(from),
            to: some(to),
            adds_value,
        }
    }

    #[track_caller]
    fn check(changes: Vec<AttributeChange>, before: Value, operations: Value, after: Value) {
        let patch = Action::UpdateAccount { changes }.patch().unwrap();
        assert_eq!(patch.to_json()["Operations"], operations);
        let resource = Resource::from_canonical(before.as_object().unwrap().clone());
        let outcome = patch.apply(&user_type(), &resource).unwrap();
        let mut document = outcome.resource.into_document();
        document.remove("schemas");
        assert_eq!(Value::Object(document), after);
    }

    #[test]
    fn a_patch_says_what_changes_and_touches_nothing_else() {
        check(
            vec![
                change("title", json!("Clerk"), json!("Lead"), false),
                change("nickName", json!("Annie"), json!(null), false),
                change("department", json!(null), json!("Sales"), false),
            ],
            json!({"userName": "ana", "title": "Clerk", "nickName": "Annie", "locale": "en"}),
            json!([
                {"op": "replace", "path": "title", "value": "Lead"},
                {"op": "remove", "path": "nickName"},
                {"op": "add",
                 "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                 "value": "Sales"},
            ]),
            json!({"userName": "ana", "title": "Lead", "locale": "en",
                   scim::urn::ENTERPRISE_USER: {"department": "Sales"}}),
        );
    }

    #[test]
    fn the_other_values_of_an_attribute_stay() {
        const WORK: &str = "emails[type eq \"work\"].value";
        const PRIMARY: &str = "emails[type eq \"work\"].primary";
        let home = json!({"type": "home", "value": "h@x.test"});
        check(
            vec![
                change(WORK, json!(null), json!("w@x.test"), true),
                change(PRIMARY, json!(null), json!(true), true),
            ],
            json!({"userName": "ana", "emails": [home]}),
            json!([{"op": "add", "path": "emails",
                    "value": [{"type": "work", "value": "w@x.test", "primary": true}]}]),
            json!({"userName": "ana", "emails":
                [home, {"type": "work", "value": "w@x.test", "primary": true}]}),
        );
        check(
            vec![change(WORK, json!("w@x.test"), json!("v@x.test"), false)],
            json!({"userName": "ana", "emails": [home, {"type": "work", "value": "w@x.test"}]}),
            json!([{"op": "replace", "path": WORK, "value": "v@x.test"}]),
            json!({"userName": "ana", "emails": [home, {"type": "work", "value": "v@x.test"}]}),
        );
        check(
            vec![
                change(WORK, json!("w@x.test"), json!(null), false),
                change(PRIMARY, json!(true), json!(null), false),
            ],
            json!({"userName": "ana", "emails":
                [home, {"type": "work", "value": "w@x.test", "primary": true}]}),
            json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]),
            json!({"userName": "ana", "emails": [home]}),
        );
    }

    #[test]
    fn what_was_written_is_known_without_asking() {
        let before = Resource::from_canonical(
            json!({"userName": "ana", "active": true}).as_object().unwrap().clone(),
        );
        let written =
            |action: Action| Value::Object(action.written(Some(&before)).unwrap().into_document());
        assert_eq!(written(Action::DeactivateAccount), json!({"userName": "ana", "active": false}));
        assert_eq!(
            written(Action::UpdateAccount {
                changes: vec![change("title", json!(null), json!("Lead"), false)]
            }),
            json!({"userName": "ana", "active": true, "title": "Lead"})
        );
        let inactive = Action::DeactivateAccount.written(Some(&before));
        let update = Action::UpdateAccount { changes: vec![] };
        assert_eq!(update.written(inactive.as_ref()), inactive);
    }

    #[test]
    fn a_subject_is_written_and_read() {
        let subject = ChangeSubject::Account(PersonId::parse("p:1").unwrap());
        assert_eq!(subject.to_string().parse::<ChangeSubject>().unwrap(), subject);
        assert_eq!(serde_json::to_string(&subject).unwrap(), "\"account:p:1\"");
        assert_eq!(
            "person:1".parse::<ChangeSubject>().unwrap_err().to_string(),
            "`person:1` is no subject of a change: write account:ID or group:ID"
        );
    }
}
