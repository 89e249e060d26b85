//! Changes that touch many.

use super::*;

#[tokio::test]
async fn a_push_of_many_members_is_settled_partly_at_once_and_wholly_soon() {
    let server = Server::start().await;
    let mut users = Vec::new();
    for n in 0..250 {
        users.push(server.user(&format!("user{n:03}")).await);
    }
    let group = server.group("Zoom - Phone", &[]).await;
    server.set_limit(&product("phone"), 200);
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    server.add(&group, &ids).await;
    assert_eq!(server.provider.stale_count(&server.tenant).unwrap(), 150);
    let last = users.iter().max().unwrap();
    assert_eq!(server.entitlement(last).pending, Some(format!("PATCH /Groups/{group}")));
    server.work_off();
    assert_eq!(server.provider.stale_count(&server.tenant).unwrap(), 0);
    let pools = server.provider.pools(&server.tenant).unwrap();
    let phone = pools.iter().find(|row| row.pool == product("phone")).unwrap();
    assert_eq!((phone.held, phone.waiting), (200, 50));
    let business = pools.iter().find(|row| row.pool == license("workplace-business")).unwrap();
    assert_eq!((business.held, business.waiting), (250, 0));

    // Half of the holders leave: those who wait are served, in the same commits.
    for user in users.iter().take(60) {
        server.set_active(user, false).await;
    }
    server.work_off();
    let pools = server.provider.pools(&server.tenant).unwrap();
    let phone = pools.iter().find(|row| row.pool == product("phone")).unwrap();
    assert_eq!((phone.held, phone.waiting), (190, 0));

    // A deleted group takes its grant from everybody.
    server.delete(&format!("/scim2/Groups/{group}")).await.gone();
    server.work_off();
    let pools = server.provider.pools(&server.tenant).unwrap();
    let held: Vec<_> = pools.iter().filter(|row| row.held > 0).collect();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].pool.clone(), held[0].held), (license("unassigned"), 190));
}

#[tokio::test]
async fn the_background_does_it_unasked() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    server.post(&format!("/v2/users/{ana}/sessions"), json!({})).await.created();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let provider = server.provider.clone();
    let background = tokio::spawn(async move {
        provider.run_background(async { drop(stopped.await) }).await;
    });
    server.set_active(&ana, false).await;
    while server.receipt(&ana).await.contains("to be done") {
        tokio::task::yield_now().await;
    }
    assert!(server.receipt(&ana).await.contains("1 session ended"));
    stop.send(()).unwrap();
    background.await.unwrap();
}

#[tokio::test]
async fn a_grant_edit_returns_at_once_and_says_what_is_pending() {
    let server = Server::start().await;
    let mut users = Vec::new();
    for n in 0..300 {
        users.push(server.user(&format!("user{n:03}")).await);
    }
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    server.group("Zoom - Phone", &ids).await;
    server.work_off();
    let spec = |license_type: &str| service_provider::GrantSpec {
        license_type: Some(key(license_type)),
        ..service_provider::GrantSpec::default()
    };
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let edit = |license_type| {
        let spec = spec(license_type);
        server.provider.set_group_grant(&ctx, tenant, "Zoom - Phone", &spec).unwrap()
    };
    assert_eq!(edit("workplace-licensed").members, 300);
    // Nobody was settled by the edit itself, and everybody is told that it is to come.
    assert_eq!(server.provider.stale_count(tenant).unwrap(), 300);
    assert_eq!(server.has(&users[0]), "workplace-business phone");
    let pending = server.entitlement(&users[0]).pending;
    assert_eq!(pending.as_deref(), Some("the grant of group \"Zoom - Phone\" changed"));
    let body = server.get("/v2/seats").await.ok();
    assert_eq!(body["settlements"][0]["reason"], json!(pending));
    assert_eq!(
        (&body["settlements"][0]["total"], &body["pending_users"]),
        (&json!(300), &json!(300))
    );
    // A second edit takes the place of the first, however far that was.
    edit("workplace-enterprise");
    assert_eq!(server.provider.settlements(tenant).unwrap().len(), 1);
    // Who leaves the group meanwhile is settled at once and by what holds now.
    server.set_active(&users[7], false).await;
    assert_eq!(server.has(&users[7]), "");
    server.work_off();
    assert_eq!(server.provider.stale_count(tenant).unwrap(), 0);
    assert_eq!(server.has(&users[0]), "workplace-enterprise");
    assert_eq!(server.has(&users[299]), "workplace-enterprise");
    assert_eq!(server.has(&users[7]), "");
    server.check_history();
}
