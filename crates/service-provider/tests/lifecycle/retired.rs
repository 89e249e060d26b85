//! The way off a license type.

use super::*;

/// A tenant where Ana holds Workplace Licensed by a group, Bo by hand, Cy by `userType` and Dee as
/// the default.
async fn holders(server: &Server) -> Vec<String> {
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    let cy = server.user_with("cy", json!({"userType": "Licensed"})).await.created();
    let cy = cy["id"].as_str().unwrap().to_owned();
    server.group("Zoom - Meetings", &[&ana]).await;
    server
        .provider
        .grant_directly(&ctx, tenant, &bo, &license("workplace-licensed"), None)
        .unwrap();
    vec![ana, bo, cy]
}

#[tokio::test]
async fn a_retired_type_is_kept_by_its_holders_and_given_to_nobody() {
    let server = Server::start().await;
    let users = holders(&server).await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let licensed = key("workplace-licensed");
    assert_eq!(server.provider.retire_license_type(&ctx, tenant, &licensed).unwrap(), 3);
    server.work_off();
    for user in &users {
        assert_eq!(server.has(user), "workplace-licensed");
        let findings = server.entitlement(user).findings;
        assert!(findings[0].contains("license move-holders workplace-licensed"), "{findings:?}");
    }
    let dee = server.user("dee").await;
    let phone = server.get("/scim2/Groups").await.ok()["Resources"][0]["id"].clone();
    server.add(phone.as_str().unwrap(), &[&dee]).await;
    assert_eq!(server.has(&dee), "unassigned");
    let refused = server.provider.grant_directly(&ctx, tenant, &dee, &license("basic"), None);
    assert!(refused.unwrap_err().to_string().contains("Basic is retired"));
    let unassigned = key("unassigned");
    let refused = server.provider.retire_license_type(&ctx, tenant, &unassigned);
    assert!(refused.unwrap_err().to_string().contains("default license"));
}

#[tokio::test]
async fn the_remaining_holders_are_moved_in_one_decision_each() {
    let server = Server::start().await;
    let users = holders(&server).await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let (from, to) = (key("workplace-licensed"), key("workplace-business"));
    let early = server.provider.move_holders(&ctx, tenant, &from, &to);
    assert!(early.unwrap_err().to_string().contains("Retire it first"));
    server.provider.retire_license_type(&ctx, tenant, &from).unwrap();
    server.set_limit(&license("workplace-business"), 2);
    let refused = server.provider.move_holders(&ctx, tenant, &from, &to);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Workplace Business has 2 free seats for 3 holders of `workplace-licensed`. Raise its limit by 1 first; nobody was moved."
    );
    server.set_limit(&license("workplace-business"), 3);
    let moved = server.provider.move_holders(&ctx, tenant, &from, &to).unwrap();
    assert_eq!((moved.groups, moved.direct_grants, moved.moved, moved.remaining), (2, 1, 3, 0));
    for user in &users {
        assert_eq!(server.has(user), "workplace-business");
        let ledger = server.provider.seat_ledger(tenant, user, 2).unwrap();
        assert_eq!(ledger[0].at, ledger[1].at);
    }
    server.work_off();
    assert_eq!(server.has(&users[2]), "workplace-business");
    let again = server.provider.move_holders(&ctx, tenant, &from, &to).unwrap();
    assert_eq!((again.moved, again.remaining), (0, 0));
}

#[tokio::test]
async fn who_keeps_a_seat_while_inactive_is_not_moved_and_said() {
    let server = Server::start().await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let mut settings = server.provider.tenant_settings(tenant).unwrap();
    settings.effects.free_license = false;
    server.provider.set_tenant_settings(&ctx, tenant, &settings).unwrap();
    let users = holders(&server).await;
    server.set_active(&users[0], false).await;
    let (from, to) = (key("workplace-licensed"), key("workplace-business"));
    server.provider.retire_license_type(&ctx, tenant, &from).unwrap();
    let moved = server.provider.move_holders(&ctx, tenant, &from, &to).unwrap();
    assert_eq!((moved.moved, moved.remaining), (2, 1));
}
