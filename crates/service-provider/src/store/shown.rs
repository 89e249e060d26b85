//! What clients see of a row: the stored document with what only the server sets.
//!
//! Where the client wants what is returned by default, the answer is put together as text: the
//! stored document is canonical JSON and holds nothing that is hidden by default (a test sees to
//! it), so that parsing it only to print it again would be the larger part of a read.

use std::fmt::Write as _;

use jiff::Timestamp;
use scim::{Version, date_time, meta};
use scim_server::{Shown, Stored, View, location};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::group::{Group, MemberRow};
use crate::resource::CustomResource;
use crate::resource_types::{group_type, user_type};
use crate::user::{GroupRef, User};

/// What every resource has besides its document.
struct Head<'a> {
    resource_type: &'a scim::ResourceType,
    id: &'a str,
    created_at: Timestamp,
    last_modified_at: Timestamp,
    version: u64,
    document: &'a str,
}

impl<'a> Head<'a> {
    fn of_user(user: &'a User) -> Self {
        Self {
            resource_type: user_type(),
            id: &user.id,
            created_at: user.created_at,
            last_modified_at: user.last_modified_at,
            version: user.version,
            document: &user.document,
        }
    }

    fn of_custom(rt: &'a scim::ResourceType, row: &'a CustomResource) -> Self {
        Self {
            resource_type: rt,
            id: &row.id,
            created_at: row.created_at,
            last_modified_at: row.last_modified_at,
            version: row.version,
            document: &row.document,
        }
    }

    fn of_group(group: &'a Group) -> Self {
        Self {
            resource_type: group_type(),
            id: &group.id,
            created_at: group.created_at,
            last_modified_at: group.last_modified_at,
            version: group.version,
            document: &group.document,
        }
    }
}

/// A user as the client sees it.
pub(crate) fn user(
    base_url: &str,
    user: &User,
    groups: &[GroupRef],
    view: &View,
) -> Result<Stored> {
    let head = Head::of_user(user);
    if !view.is_plain() {
        let mut resource = whole(base_url, &head, user.resource()?);
        resource.set("groups", groups.iter().map(|group| group_value(base_url, group)).collect());
        return Ok(stored(&head, Shown::Resource(resource)));
    }
    let mut text = String::with_capacity(user.document.len() + 400 + 160 * groups.len());
    text.push('{');
    if !groups.is_empty() {
        text.push_str("\"groups\":[");
        for (index, group) in groups.iter().enumerate() {
            separate(&mut text, index);
            text.push_str("{\"$ref\":");
            reference(&mut text, base_url, group_type(), &group.id);
            text.push_str(",\"display\":");
            string(&mut text, &group.display_name);
            text.push_str(",\"type\":\"direct\",\"value\":");
            string(&mut text, &group.id);
            text.push('}');
        }
        text.push_str("],");
    }
    finish(&mut text, base_url, &head);
    Ok(stored(&head, Shown::Json(text)))
}

/// A group as the client sees it; without `members` where they are not wanted.
pub(crate) fn group(
    base_url: &str,
    group: &Group,
    members: &[MemberRow],
    view: &View,
) -> Result<Stored> {
    let head = Head::of_group(group);
    if !view.is_plain() {
        let mut resource = whole(base_url, &head, group.resource()?);
        let members = members.iter().map(|member| Value::Object(member_value(base_url, member)));
        resource.set("members", members.collect());
        return Ok(stored(&head, Shown::Resource(resource)));
    }
    let mut text = String::with_capacity(group.document.len() + 400 + 200 * members.len());
    text.push('{');
    if !members.is_empty() {
        text.push_str("\"members\":[");
        for (index, member) in members.iter().enumerate() {
            separate(&mut text, index);
            text.push_str("{\"$ref\":");
            let rt = if member.member_type == "Group" { group_type() } else { user_type() };
            reference(&mut text, base_url, rt, &member.id);
            if let Some(display) = &member.display {
                text.push_str(",\"display\":");
                string(&mut text, display);
            }
            text.push_str(",\"type\":");
            string(&mut text, &member.member_type);
            text.push_str(",\"value\":");
            string(&mut text, &member.id);
            text.push('}');
        }
        text.push_str("],");
    }
    finish(&mut text, base_url, &head);
    Ok(stored(&head, Shown::Json(text)))
}

/// A resource of a type that the tenant defined, as the client sees it.
pub(crate) fn custom(
    base_url: &str,
    rt: &scim::ResourceType,
    row: &CustomResource,
    view: &View,
) -> Result<Stored> {
    let head = Head::of_custom(rt, row);
    if !view.is_plain() {
        let resource = whole(base_url, &head, row.resource()?);
        return Ok(stored(&head, Shown::Resource(resource)));
    }
    let mut text = String::with_capacity(row.document.len() + 400);
    text.push('{');
    finish(&mut text, base_url, &head);
    Ok(stored(&head, Shown::Json(text)))
}

/// A member as an entry of `members`.
pub(crate) fn member_value(base_url: &str, member: &MemberRow) -> Map<String, Value> {
    let rt = if member.member_type == "Group" { group_type() } else { user_type() };
    let mut entry = Map::new();
    entry.insert("$ref".into(), location(base_url, rt, &member.id).into());
    if let Some(display) = &member.display {
        entry.insert("display".into(), display.clone().into());
    }
    entry.insert("type".into(), member.member_type.clone().into());
    entry.insert("value".into(), member.id.clone().into());
    entry
}

/// A group as an entry of a user's `groups`.
pub(crate) fn group_value(base_url: &str, group: &GroupRef) -> Value {
    json!({
        "$ref": location(base_url, group_type(), &group.id),
        "display": group.display_name,
        "type": "direct",
        "value": group.id,
    })
}

/// A document with `id` and `meta`, for filters and projections.
pub(crate) fn user_document(
    base_url: &str,
    user: &User,
    document: scim::Resource,
) -> scim::Resource {
    let head = Head::of_user(user);
    whole(base_url, &head, document)
}

/// A document with `id` and `meta`, for filters and projections.
pub(crate) fn group_document(
    base_url: &str,
    group: &Group,
    document: scim::Resource,
) -> scim::Resource {
    let head = Head::of_group(group);
    whole(base_url, &head, document)
}

/// A document with `id` and `meta`, for filters and projections.
pub(crate) fn custom_document(
    base_url: &str,
    rt: &scim::ResourceType,
    row: &CustomResource,
) -> Result<scim::Resource> {
    Ok(whole(base_url, &Head::of_custom(rt, row), row.resource()?))
}

fn stored(head: &Head<'_>, shown: Shown) -> Stored {
    Stored { id: head.id.to_owned(), version: head.version, shown }
}

fn whole(base_url: &str, head: &Head<'_>, mut resource: scim::Resource) -> scim::Resource {
    let place = location(base_url, head.resource_type, head.id);
    resource.set("id", Value::from(head.id));
    resource.set(
        "meta",
        meta(
            &head.resource_type.name,
            head.created_at,
            head.last_modified_at,
            &place,
            Version(head.version),
        ),
    );
    resource
}

/// Writes `id`, `meta` and the stored document, and closes the object.
fn finish(text: &mut String, base_url: &str, head: &Head<'_>) {
    text.push_str("\"id\":");
    string(text, head.id);
    text.push_str(",\"meta\":{\"created\":\"");
    text.push_str(&date_time(head.created_at));
    text.push_str("\",\"lastModified\":\"");
    text.push_str(&date_time(head.last_modified_at));
    text.push_str("\",\"location\":");
    reference(text, base_url, head.resource_type, head.id);
    // Writing to a string does not fail.
    let _ = write!(
        text,
        ",\"resourceType\":\"{}\",\"version\":\"W/\\\"{}\\\"\"}}",
        head.resource_type.name, head.version
    );
    match head.document.strip_prefix('{') {
        Some("}") | None => text.push('}'),
        Some(rest) => {
            text.push(',');
            text.push_str(rest);
        }
    }
}

fn separate(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

/// A location as a JSON string: the base URL has been checked and the id is percent-encoded, so
/// that nothing in it needs escaping.
fn reference(text: &mut String, base_url: &str, rt: &scim::ResourceType, id: &str) {
    text.push('"');
    text.push_str(base_url);
    text.push_str(&rt.endpoint);
    text.push('/');
    text.push_str(&scim_server::encode_segment(id));
    text.push('"');
}

/// A JSON string.
fn string(text: &mut String, value: &str) {
    if value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&Value::from(value).to_string());
    }
}

#[cfg(test)]
mod tests {
    use scim::{Projection, ResourceType};

    use super::*;
    use crate::user::{Origin, UserState};

    fn same_both_ways(rt: &ResourceType, show: impl Fn(&View) -> Stored) -> Value {
        let plain = show(&View::default());
        // A projection that leaves out what is not there shows everything, in the other form.
        let other = View::through(Projection::parse(None, Some("nickName"), rt).unwrap(), rt);
        let (Shown::Json(text), Shown::Resource(resource)) = (plain.shown, show(&other).shown)
        else {
            panic!("the forms are not as expected");
        };
        let text: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(text, Value::Object(other.projection().apply(rt, resource)));
        text
    }

    #[test]
    fn a_resource_is_the_same_as_text_and_as_a_document() {
        let at = Timestamp::from_microsecond(1_790_000_000_123_456).unwrap();
        let row = User {
            id: "k&\"1".into(),
            user_name: "ana".into(),
            external_id: None,
            display_name: None,
            active: true,
            state: UserState::Active,
            origin: Origin::Scim,
            version: 7,
            created_at: at,
            last_modified_at: at,
            document: json!({"active": true, "schemas": [scim::urn::USER], "userName": "ana"})
                .to_string(),
        };
        let groups = [
            GroupRef { id: "g1".into(), display_name: "Sales \"EMEA\" \\ \u{1}ü".into() },
            GroupRef { id: "g2".into(), display_name: "Sales".into() },
        ];
        let shown = same_both_ways(user_type(), |view| {
            user("http://x/scim2", &row, &groups, view).unwrap()
        });
        assert_eq!(shown["meta"]["location"], "http://x/scim2/Users/k%26%221");
        same_both_ways(user_type(), |view| user("http://x/scim2", &row, &[], view).unwrap());

        let row = Group {
            id: "g".into(),
            display_name: "Sales".into(),
            external_id: None,
            member_count: 2,
            version: 1,
            created_at: at,
            last_modified_at: at,
            document: json!({"displayName": "Sales", "schemas": [scim::urn::GROUP]}).to_string(),
        };
        let member = |id: &str, kind: &str, display: Option<&str>| MemberRow {
            id: id.into(),
            member_type: kind.into(),
            display: display.map(str::to_owned),
        };
        let members = [member("1", "User", Some("Ana \\ \"B\"")), member("2", "Group", None)];
        same_both_ways(group_type(), |view| group("http://x/scim2", &row, &members, view).unwrap());
    }
}
