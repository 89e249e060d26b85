//! Membership is rows: nobody is lost, nothing else is touched, nothing contains itself.

use reqwest::Method;
use scim::urn;
use serde_json::json;
use service_provider::limits::PATCH_MEMBERS_SHOWN_MAX;
use service_provider::{Dialect, RequestQuery};

use super::{Server, send};

#[tokio::test]
async fn fifty_members_added_at_once_are_all_there() {
    let server = Server::start().await;
    let group = server.group("Sales", &[]).await;
    let mut users = Vec::new();
    for n in 0..50 {
        users.push(server.user(&format!("user{n}")).await);
    }
    let path = format!("/Groups/{group}");
    let mut tasks = tokio::task::JoinSet::new();
    for id in &users {
        let add = json!({"op": "add", "path": "members", "value": [{"value": id}]});
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [add]});
        tasks.spawn(send(server.request(Method::PATCH, &path).body(body.to_string())));
    }
    for answer in tasks.join_all().await {
        answer.ok();
    }
    users.sort();
    assert_eq!(server.members(&group).await, users);
    let version = server.get(&path).await.header("etag").to_owned();
    assert_eq!(version, "W/\"51\"", "each raises the version by one");
}

#[tokio::test]
async fn a_membership_leaves_the_user_s_version_alone() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let group = server.group("Sales", &[&ana]).await;
    let user = server.get(&format!("/Users/{ana}")).await;
    assert_eq!(user.header("etag"), "W/\"1\"");
    let groups = user.ok()["groups"].clone();
    let place = format!("{}/Groups/{group}", server.provider.base_url());
    assert_eq!(
        groups,
        json!([{"value": group, "$ref": place, "display": "Sales", "type": "direct"}])
    );
}

#[tokio::test]
async fn what_is_a_member_already_changes_nothing() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let group = server.group("Sales", &[&ana]).await;
    let path = format!("/Groups/{group}");
    let again = json!([{"op": "add", "path": "members", "value": [{"value": ana}]}]);
    assert_eq!(server.patch(&path, again).await.header("etag"), "W/\"1\"");
    // Taken out and put back in one request: nothing has happened.
    let both = json!([
        {"op": "remove", "path": "members"},
        {"op": "add", "path": "members", "value": [{"value": ana}]},
    ]);
    assert_eq!(server.patch(&path, both).await.header("etag"), "W/\"1\"");
    let nobody = json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]);
    assert_eq!(server.patch(&path, nobody).await.header("etag"), "W/\"1\"");
    assert_eq!(server.events(&group), ["group.created", "group.member.added"]);
}

#[tokio::test]
async fn all_or_nothing_of_a_request_happens() {
    let server = Server::speaking(Dialect::Rfc).await;
    let ana = server.user("ana").await;
    let group = server.group("Sales", &[]).await;
    let path = format!("/Groups/{group}");
    let add = json!([
        {"op": "replace", "path": "displayName", "value": "Other"},
        {"op": "add", "path": "members", "value": [{"value": ana}, {"value": "nobody"}]},
    ]);
    let detail = server.patch(&path, add).await.error(400, "invalidValue");
    assert!(detail.contains("`nobody`"), "{detail}");
    let after = server.get(&path).await.ok();
    assert_eq!((&after["displayName"], after.get("members")), (&json!("Sales"), None));
    assert_eq!(server.events(&group), ["group.created"]);
}

#[tokio::test]
async fn a_member_nobody_is_does_not_keep_the_others_out_and_is_told_in_the_request_log() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let group = server.group("Sales", &[]).await;
    let add =
        json!([{"op": "add", "path": "members", "value": [{"value": "gone"}, {"value": ana}]}]);
    server.patch(&format!("/Groups/{group}"), add).await.ok();
    assert_eq!(server.members(&group).await, [ana]);
    let tolerated = RequestQuery { tolerated_only: true, limit: 10, ..RequestQuery::default() };
    let logged = server.provider.requests(Some(&server.tenant), &tolerated).unwrap();
    assert_eq!(logged[0].tolerated, ["unknownMember at members[value eq \"gone\"]"]);
}

#[tokio::test]
async fn a_version_guards_a_member_delta_only_if_the_client_sends_one() {
    let server = Server::start().await;
    let (ana, bea) = (server.user("ana").await, server.user("bea").await);
    let group = server.group("Sales", &[]).await;
    let add = |id: &str, tag: &str| {
        let add = json!({"op": "add", "path": "members", "value": [{"value": id}]});
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [add]}).to_string();
        let request = server.request(Method::PATCH, &format!("/Groups/{group}"));
        send(request.header("if-match", tag).body(body))
    };
    add(&ana, "W/\"1\"").await.ok();
    let detail = add(&bea, "W/\"1\"").await.error(412, "");
    assert!(detail.contains("is at version W/\"2\""), "{detail}");
    assert_eq!(server.members(&group).await, [ana]);
}

#[tokio::test]
async fn a_large_group_is_not_sent_back_with_every_member() {
    let server = Server::start().await;
    let mut users = Vec::new();
    for n in 0..=PATCH_MEMBERS_SHOWN_MAX {
        users.push(server.user(&format!("user{n}")).await);
    }
    let (last, rest) = users.split_last().unwrap();
    let rest: Vec<_> = rest.iter().map(String::as_str).collect();
    let group = server.group("Everybody", &rest).await;
    let path = format!("/Groups/{group}");
    let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
    server.patch(&path, rename("All")).await.ok();
    let add = json!([{"op": "add", "path": "members", "value": [{"value": last}]}]);
    let answer = server.patch(&path, add).await;
    answer.no_content();
    assert_eq!(answer.header("etag"), "W/\"3\"");
    // Who does not want to see the members is shown the group.
    let answer =
        server.patch(&format!("{path}?excludedAttributes=members"), rename("Whole")).await.ok();
    assert_eq!((&answer["displayName"], answer.get("members")), (&json!("Whole"), None));
    assert_eq!(server.members(&group).await.len(), users.len());
}

#[tokio::test]
async fn groups_lie_in_groups_and_never_in_themselves() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let inner = server.group("EMEA", &[&ana]).await;
    let outer = server.group("Sales", &[&inner]).await;
    let shown = server.get(&format!("/Groups/{outer}")).await.ok();
    assert_eq!(
        (&shown["members"][0]["type"], &shown["members"][0]["display"]),
        (&json!("Group"), &json!("EMEA"))
    );
    let add = |group: &str, member: &str| {
        let operations = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
        let path = format!("/Groups/{group}");
        let server = &server;
        async move { server.patch(&path, operations).await }
    };
    add(&inner, &outer).await.error(400, "invalidValue");
    add(&inner, &inner).await.error(400, "invalidValue");
    let middle = server.group("World", &[&outer]).await;
    add(&inner, &middle).await.error(400, "invalidValue");
    // Gone from the groups it lay in.
    server.delete(&format!("/Groups/{inner}")).await.no_content();
    assert!(server.members(&outer).await.is_empty());
}

#[tokio::test]
async fn leaving_keeps_memberships_and_deletion_removes_them() {
    let server = Server::start().await;
    let (ana, bea) = (server.user("ana").await, server.user("bea").await);
    let group = server.group("Sales", &[&ana, &bea]).await;
    let path = format!("/Users/{ana}");
    server.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await.ok();
    assert_eq!(server.members(&group).await.len(), 2);
    server.delete(&path).await.no_content();
    assert_eq!(server.members(&group).await, [bea]);
    assert_eq!(server.provider.group(&server.tenant, "Sales").unwrap().member_count, 1);
    assert_eq!(server.get(&format!("/Groups/{group}")).await.header("etag"), "W/\"2\"");
    assert_eq!(server.events(&ana), ["user.created", "user.deactivated", "user.deleted"]);
    server.delete(&path).await.error(404, "");
}

#[tokio::test]
async fn names_of_groups_are_unique_whatever_their_case() {
    let server = Server::start().await;
    let sales = server.group("Sales", &[]).await;
    let other = server.group("Support", &[]).await;
    let body = json!({"schemas": [urn::GROUP], "displayName": "SALES"});
    let detail = server.post("/Groups", &body).await.error(409, "uniqueness");
    assert!(detail.contains(&sales), "{detail}");
    let path = format!("/Groups/{other}");
    server.put(&path, &body).await.error(409, "uniqueness");
    // A group may change the case of its own name.
    server.put(&format!("/Groups/{sales}"), &body).await.ok();
    assert_eq!(server.find("/Groups", "displayName eq \"sales\"").await[0]["displayName"], "SALES");
}
