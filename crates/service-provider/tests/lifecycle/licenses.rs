//! What groups grant, and what becomes of it.

use entitlement::Key;
use serde_json::json;
use service_provider::GrantSpec;

use super::*;

#[tokio::test]
async fn a_new_user_has_the_tenants_default_license() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    assert_eq!(server.has(&ana), "unassigned");
    server.check_pools();
}

#[tokio::test]
async fn a_license_follows_the_groups_and_reverts_with_the_last() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let meetings = server.group("Zoom - Meetings", &[&ana]).await;
    assert_eq!(server.has(&ana), "workplace-licensed");
    let phone = server.group("Zoom - Phone", &[]).await;
    server.add(&phone, &[&ana]).await;
    assert_eq!(server.has(&ana), "workplace-business phone");
    server.remove(&phone, &ana).await;
    assert_eq!(server.has(&ana), "workplace-licensed");
    server.remove(&meetings, &ana).await;
    assert_eq!(server.has(&ana), "unassigned");
    server.check_pools();
}

#[tokio::test]
async fn products_are_the_union_and_policies_those_of_the_highest_license() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.group("Zoom - Meetings", &[&ana]).await;
    server.group("Zoom - Webinars", &[&ana]).await;
    server.group("Zoom - Contact Center", &[&ana]).await;
    assert_eq!(server.has(&ana), "workplace-business contact-center phone webinars");
    let entitlement = server.entitlement(&ana);
    let policies: Vec<_> =
        entitlement.policies.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
    assert_eq!(
        policies,
        ["recording=cloud", "recording-retention=365-days", "webinar-registration=required"]
    );
    assert!(entitlement.findings[0].contains("not local"), "{:?}", entitlement.findings);
}

#[tokio::test]
async fn the_chain_leads_from_the_group_over_the_grant_to_the_seat() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.set_limit(&product("phone"), 5);
    server.group("Zoom - Phone", &[&ana]).await;
    let body = server.get("/v2/users/ana@acme.test/entitlements").await.ok();
    assert_eq!(body["license"]["name"], "Workplace Business");
    assert_eq!(
        body["products"][0]["chain"],
        json!([
            "member of group \"Zoom - Phone\" since 2026-11-24T09:00:00Z",
            "group \"Zoom - Phone\" grants Zoom Phone",
            "seat of Zoom Phone held since 2026-11-24T09:00:00Z; 1 of 5 seats are held",
        ])
    );
    assert_eq!(body["products"][0]["reason"]["kind"], "group");
    assert_eq!(body["groups"][0]["grants"], true);
    assert_eq!(body["pending"], json!(null));
}

#[tokio::test]
async fn a_grant_waits_for_its_group_and_follows_it_through_a_rename() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let spec =
        GrantSpec { license_type: Some(key("workplace-enterprise")), ..GrantSpec::default() };
    let set = server.provider.set_group_grant(&server.ctx(), &server.tenant, "Bosses", &spec);
    assert_eq!(set.unwrap().group, None);
    let bosses = server.group("bosses", &[&ana]).await;
    assert_eq!(server.has(&ana), "workplace-enterprise");

    let rename = json!([{"op": "replace", "path": "displayName", "value": "Board"}]);
    server.patch(&format!("/scim2/Groups/{bosses}"), rename).await.ok();
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-enterprise");
    let names: Vec<_> = server.provider.group_grants(&server.tenant).unwrap();
    assert!(names.iter().any(|grant| grant.group_name == "Board"), "{names:?}");

    server.delete(&format!("/scim2/Groups/{bosses}")).await.gone();
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned");
    // The grant waits for another group of that name.
    server.group("Board", &[&ana]).await;
    assert_eq!(server.has(&ana), "workplace-enterprise");
}

#[tokio::test]
async fn a_group_renamed_into_a_grant_gets_it() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let group = server.group("Telephones", &[&ana]).await;
    assert_eq!(server.has(&ana), "unassigned");
    let rename = json!([{"op": "replace", "value": {"displayName": "Zoom - Phone"}}]);
    server.patch(&format!("/scim2/Groups/{group}"), rename).await.ok();
    assert!(server.entitlement(&ana).pending.unwrap().contains("grants a license now"));
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-business phone");
    assert_eq!(server.entitlement(&ana).pending, None);
}

#[tokio::test]
async fn a_changed_or_removed_grant_touches_its_members() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.group("Zoom - Phone", &[&ana]).await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let spec = |license: Option<Key>| GrantSpec { license_type: license, ..GrantSpec::default() };
    let enterprise = spec(Some(key("workplace-enterprise")));
    let set = server.provider.set_group_grant(&ctx, tenant, "zoom - phone", &enterprise).unwrap();
    assert_eq!(set.members, 1);
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-enterprise");
    let again = server.provider.set_group_grant(&ctx, tenant, "Zoom - Phone", &enterprise).unwrap();
    assert_eq!(again.members, 0);
    server.provider.remove_group_grant(&ctx, tenant, "Zoom - Phone").unwrap();
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned");
    let gone = server.provider.remove_group_grant(&ctx, tenant, "Zoom - Phone");
    assert!(gone.is_err());
    let unknown = server.provider.set_group_grant(&ctx, tenant, "X", &spec(Some(key("nope"))));
    assert!(unknown.unwrap_err().to_string().contains("no license type `nope`"));
}

#[tokio::test]
async fn a_changed_default_reaches_everybody_without_a_grant() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let bo = server.user("bo").await;
    server.group("Zoom - Phone", &[&bo]).await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let licensed = key("workplace-licensed");
    server.provider.set_default_license(&ctx, tenant, Some(&licensed)).unwrap();
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-licensed");
    assert_eq!(server.has(&bo), "workplace-business phone");
    server.provider.set_default_license(&ctx, tenant, None).unwrap();
    server.work_off();
    assert_eq!(server.has(&ana), "");
    assert!(server.entitlement(&ana).findings[0].contains("tenant has no default"));
}

#[tokio::test]
async fn a_direct_grant_counts_until_it_is_taken_back() {
    let server = Server::start().await;
    server.user("ana").await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let enterprise = license("workplace-enterprise");
    let settled = server.provider.grant_directly(&ctx, tenant, "ANA@acme.test", &enterprise, None);
    assert_eq!(settled.unwrap().changes.len(), 2);
    assert_eq!(server.has("ana@acme.test"), "workplace-enterprise");
    let chain = server.entitlement("ana@acme.test").license.unwrap().chain;
    assert!(chain[0].contains("granted directly by admin on 2026-11-24"), "{chain:?}");
    server.provider.revoke_directly(&ctx, tenant, "ana@acme.test", &enterprise).unwrap();
    assert_eq!(server.has("ana@acme.test"), "unassigned");
    assert!(server.provider.revoke_directly(&ctx, tenant, "ana@acme.test", &enterprise).is_err());
}

#[tokio::test]
async fn every_change_of_a_seat_is_in_the_ledger() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let phone = server.group("Zoom - Phone", &[&ana]).await;
    server.remove(&phone, &ana).await;
    let ledger = server.provider.seat_ledger(&server.tenant, &ana, 100).unwrap();
    let mut lines: Vec<_> = ledger
        .iter()
        .map(|row| format!("{} {}: {}", row.change.pool.key(), row.change.kind.as_str(), row.cause))
        .collect();
    // One change of several pools has no order of its own.
    lines.reverse();
    lines[1..4].sort();
    lines[4..].sort();
    let patch = format!("PATCH /Groups/{phone}");
    assert_eq!(
        lines,
        [
            "unassigned held: POST /Users",
            "phone held: POST /Groups",
            "unassigned freed: POST /Groups",
            "workplace-business held: POST /Groups",
            &format!("phone freed: {patch}"),
            &format!("unassigned held: {patch}"),
            &format!("workplace-business freed: {patch}"),
        ]
    );
}

#[tokio::test]
async fn a_preset_applied_twice_changes_nothing() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.group("Zoom - Phone", &[&ana]).await;
    let applied =
        server.provider.apply_preset(&server.ctx(), &server.tenant, &Preset::guide()).unwrap();
    assert_eq!((applied.license_types, applied.products, applied.grants), (5, 3, 4));
    assert_eq!(applied.waiting_for_groups.len(), 3);
    assert_eq!(server.provider.stale_count(&server.tenant).unwrap(), 0);
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-business phone");
}
