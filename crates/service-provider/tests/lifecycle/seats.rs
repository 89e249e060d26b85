//! Pools, waitlists and who is next.

use super::*;

#[tokio::test]
async fn an_empty_pool_makes_wait_and_the_request_does_not_fail() {
    let server = Server::start().await;
    server.set_limit(&license("workplace-business"), 1);
    let ana = server.user("ana").await;
    let bo = server.user("bo").await;
    let phone = server.group("Zoom - Phone", &[&ana]).await;
    server.add(&phone, &[&bo]).await;
    assert_eq!(server.has(&ana), "workplace-business phone");
    // Bo holds the default meanwhile, and has the product, of which there is enough.
    assert_eq!(server.has(&bo), "unassigned phone ~workplace-business");
    let entitlement = server.entitlement(&bo);
    assert_eq!(
        entitlement.license.unwrap().chain[0],
        "Unassigned (no meetings license): the tenant's default license, while waiting for Workplace Business"
    );
    assert_eq!(entitlement.waiting[0].waitlist_place, Some(1));
    assert_eq!(
        entitlement.findings,
        [
            "bo@acme.test waits for Workplace Business: 1 of 1 seats are held. Free a seat or raise the limit."
        ]
    );
    server.check_pools();
}

#[tokio::test]
async fn a_freed_seat_goes_to_who_waits_longest_in_the_same_commit() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 1);
    let (ana, bo, cy) =
        (server.user("ana").await, server.user("bo").await, server.user("cy").await);
    let phone = server.group("Zoom - Phone", &[&ana]).await;
    for user in [&cy, &bo] {
        server.advance_secs(1);
        server.add(&phone, &[user]).await;
    }
    server.advance_secs(1);
    server.set_active(&ana, false).await;
    assert_eq!(server.has(&ana), "");
    assert_eq!(server.has(&cy), "workplace-business phone");
    assert_eq!(server.has(&bo), "workplace-business ~phone");
    server.delete(&format!("/scim2/Users/{cy}")).await.gone();
    assert_eq!(server.has(&bo), "workplace-business phone");
    server.check_pools();
}

#[tokio::test]
async fn a_raised_limit_serves_the_whole_waitlist() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 0);
    let mut users = Vec::new();
    for n in 0..40 {
        users.push(server.user(&format!("user{n:02}")).await);
    }
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    server.group("Zoom - Phone", &ids).await;
    assert_eq!(server.has(&users[0]), "workplace-business ~phone");
    server.set_limit(&product("phone"), 39);
    let waiting: Vec<_> =
        users.iter().filter(|user| server.has(user).contains('~')).cloned().collect();
    let mut ids = users.clone();
    ids.sort();
    assert_eq!(waiting, ids[39..]);
    server.set_limit(&product("phone"), 40);
    assert!(users.iter().all(|user| server.has(user) == "workplace-business phone"));
}

#[tokio::test]
async fn a_limit_below_what_is_held_takes_from_nobody_and_gives_to_nobody() {
    let server = Server::start().await;
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    let phone = server.group("Zoom - Phone", &[&ana, &bo]).await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let limit = |limit| {
        server.provider.set_seat_limit(&ctx, tenant, &product("phone"), Some(limit)).unwrap();
        server.provider.work_off().unwrap();
    };
    limit(1);
    let row = |key: &str| {
        let pools = server.provider.pools(tenant).unwrap();
        pools.into_iter().find(|row| row.pool == product(key)).unwrap()
    };
    assert_eq!((row("phone").held, row("phone").over, row("phone").waiting), (2, 1, 0));
    // One who is freed brings the pool down to its limit; nobody new gets the seat.
    let cy = server.user("cy").await;
    server.add(&phone, &[&cy]).await;
    server.set_active(&ana, false).await;
    assert_eq!((row("phone").held, row("phone").over, row("phone").waiting), (1, 0, 1));
    assert_eq!(server.has(&bo), "workplace-business phone");
    assert_eq!(server.has(&cy), "workplace-business ~phone");
    limit(2);
    assert_eq!(server.has(&cy), "workplace-business phone");
    let unknown = server.provider.set_seat_limit(&ctx, tenant, &product("fax"), Some(1));
    assert_eq!(unknown.unwrap_err().to_string(), "There is no product `fax`.");
}

#[tokio::test]
async fn an_inactive_user_holds_no_seat_unless_the_policy_says_so() {
    let server = Server::start().await;
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    server.group("Zoom - Phone", &[&ana, &bo]).await;
    server.set_active(&ana, false).await;
    assert_eq!(server.has(&ana), "");
    let mut settings = server.provider.tenant_settings(&server.tenant).unwrap();
    settings.effects.free_license = false;
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
    server.set_active(&bo, false).await;
    assert_eq!(server.has(&bo), "workplace-business phone");
    server.work_off();
    assert!(
        server.receipt(&bo).await.contains("free-license: not done: the tenant's policy is off")
    );
}

#[tokio::test]
async fn plan_usage_tells_seats_in_use_and_in_demand() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 1);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    server.group("Zoom - Phone", &[&ana, &bo]).await;
    server.user("cy").await;
    let body = server.get("/v2/accounts/me/plans/usage").await.ok();
    assert_eq!(body["plan_base"]["usage"], 2);
    assert_eq!(body["plan_base"]["hosts"], json!(null));
    let phone = body["plan_products"].as_array().unwrap().iter().find(|p| p["type"] == "phone");
    assert_eq!(
        *phone.unwrap(),
        json!({"type": "phone", "name": "Zoom Phone", "hosts": 1, "usage": 1, "pending": 1})
    );
}
