//! Groups that lie in granting groups, the order of grants, and priorities.

use service_provider::GrantSpec;

use super::*;

fn grants(server: &Server, group: &str, spec: &GrantSpec) {
    server.provider.set_group_grant(&server.ctx(), &server.tenant, group, spec).unwrap();
    server.work_off();
}

#[tokio::test]
async fn a_group_in_a_granting_group_passes_the_license_on_with_the_path() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let berlin = server.group("Berlin", &[&ana]).await;
    let germany = server.group("Germany", &[&berlin]).await;
    assert_eq!(server.has(&ana), "unassigned");
    let phone = server.group("Zoom - Phone", &[&germany]).await;
    let pending = server.entitlement(&ana).pending;
    assert_eq!(pending.as_deref(), Some("group \"Zoom - Phone\" grants a license now"));
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-business phone");
    let license = server.entitlement(&ana).license.unwrap();
    assert_eq!(
        license.chain[..4],
        [
            "member of group \"Berlin\" since 2026-11-24T09:00:00Z",
            "group \"Berlin\" is a member of group \"Germany\"",
            "group \"Germany\" is a member of group \"Zoom - Phone\"",
            "group \"Zoom - Phone\" grants Workplace Business",
        ]
    );
    // Who joins the innermost group has it at once; who is in the outer one by itself needs no path.
    let bo = server.user("bo").await;
    server.add(&berlin, &[&bo]).await;
    assert_eq!(server.has(&bo), "workplace-business phone");
    server.add(&phone, &[&bo]).await;
    assert_eq!(server.entitlement(&bo).license.unwrap().chain.len(), 3);

    server.remove(&phone, &germany).await;
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned");
    assert_eq!(server.has(&bo), "workplace-business phone");
}

#[tokio::test]
async fn a_group_between_that_is_deleted_or_a_grant_that_goes_takes_the_license_away() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let berlin = server.group("Berlin", &[&ana]).await;
    let germany = server.group("Germany", &[&berlin]).await;
    server.group("Zoom - Phone", &[&germany]).await;
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-business phone");
    server.provider.remove_group_grant(&server.ctx(), &server.tenant, "Zoom - Phone").unwrap();
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned");
    let license_type = Some(key("workplace-licensed"));
    grants(&server, "Zoom - Phone", &GrantSpec { license_type, ..GrantSpec::default() });
    assert_eq!(server.has(&ana), "workplace-licensed");
    server.delete(&format!("/scim2/Groups/{germany}")).await.gone();
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned");
}

#[tokio::test]
async fn of_equal_ranks_the_order_of_the_grants_decides_and_the_loser_is_named() {
    let server = Server::start().await;
    for name in ["left", "right"] {
        let row = entitlement::LicenseType::new(key(name), name, 77);
        server.provider.put_license_type(&server.ctx(), &server.tenant, &row).unwrap();
    }
    let ana = server.user("ana").await;
    server.group("L", &[&ana]).await;
    server.group("R", &[&ana]).await;
    let spec = |name: &str, order| GrantSpec {
        license_type: Some(key(name)),
        order,
        ..GrantSpec::default()
    };
    grants(&server, "L", &spec("left", None));
    grants(&server, "R", &spec("right", None));
    assert_eq!(server.has(&ana), "left");
    grants(&server, "R", &spec("right", Some(1)));
    assert_eq!(server.has(&ana), "right");
    assert_eq!(
        server.entitlement(&ana).outvoted,
        [
            "left (granted by group \"L\") stands behind right (granted by group \"R\"): of equal rank, order 1 goes before a grant without an order"
        ]
    );
    grants(&server, "L", &spec("left", Some(0)));
    assert_eq!(server.has(&ana), "left");
}

#[tokio::test]
async fn a_higher_priority_is_served_before_a_longer_wait() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 0);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    server.group("Zoom - Phone", &[&ana]).await;
    server.advance_secs(60);
    server.group("Board", &[&bo]).await;
    let spec = GrantSpec { products: vec![key("phone")], priority: 9, ..GrantSpec::default() };
    grants(&server, "Board", &spec);
    assert_eq!(server.entitlement(&bo).waiting[0].waitlist_place, Some(1));
    assert_eq!(server.entitlement(&ana).waiting[0].waitlist_place, Some(2));
    server.set_limit(&product("phone"), 1);
    assert_eq!(server.has(&bo), "unassigned phone");
    assert_eq!(server.has(&ana), "workplace-business ~phone");
}

#[tokio::test]
async fn what_a_rolled_back_request_changed_is_decided_by_nobody() {
    let server = Server::start().await;
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    let berlin = server.group("Berlin", &[&ana]).await;
    let phone = server.group("Zoom - Phone", &[]).await;
    // The second operation is refused, and takes the first with it.
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": berlin}]},
        {"op": "add", "path": "members", "value": [{"value": phone}]},
    ]);
    let refused = server.patch(&format!("/scim2/Groups/{phone}"), operations).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
    server.add(&berlin, &[&bo]).await;
    server.work_off();
    assert_eq!((server.has(&ana), server.has(&bo)), ("unassigned".into(), "unassigned".into()));
}
