//! Idle seats, what they cost, and taking them back by policy.

use entitlement::{Currency, Price, ReclaimMode, ReclaimPolicy};

use super::*;

const DAY: i64 = 24 * 3600;

/// A tenant where a seat of Zoom Phone costs 14.99 EUR, with ana and bo in the group that grants it.
async fn server() -> (Server, String, String) {
    let server = Server::start().await;
    let price = Some(Price { minor_units: 1499, currency: Currency::parse("EUR").unwrap() });
    let phone = entitlement::Product {
        seat_limit: Some(2),
        price,
        ..entitlement::Product::new(key("phone"), "Zoom Phone")
    };
    server.provider.put_product(&server.ctx(), &server.tenant, &phone).unwrap();
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    server.group("Zoom - Phone", &[&ana, &bo]).await;
    (server, ana, bo)
}

fn policy(server: &Server, policy: ReclaimPolicy) {
    let mut settings = server.provider.tenant_settings(&server.tenant).unwrap();
    settings.reclaim = policy;
    server.provider.set_tenant_settings(&server.ctx(), &server.tenant, &settings).unwrap();
}

async fn sign_in(server: &Server, user: &str) {
    server.post(&format!("/v2/users/{user}/sessions"), json!({})).await.created();
}

#[tokio::test]
async fn who_does_not_use_a_seat_is_listed_with_the_day_and_the_cost() {
    let (server, ana, bo) = server().await;
    server.advance_secs(30 * DAY);
    sign_in(&server, &bo).await;
    server.advance_secs(40 * DAY);
    let report = server.provider.idle_seats(&server.tenant, 60).unwrap();
    let lines: Vec<_> = report
        .idle
        .iter()
        .filter(|seat| seat.pool == product("phone"))
        .map(|seat| (seat.user.0.as_str(), seat.idle_since_day().to_string()))
        .collect();
    assert_eq!(lines, [(ana.as_str(), "2026-11-24".to_owned())]);
    assert_eq!(report.idle_cost.to_string(), "14.99 EUR");
    server.set_active(&ana, false).await;
    let report = server.provider.idle_seats(&server.tenant, 60).unwrap();
    assert!(report.idle.is_empty());
    assert_eq!(report.unused_cost.to_string(), "14.99 EUR");
}

#[tokio::test]
async fn an_idle_seat_is_noticed_then_taken_and_comes_back_with_the_next_sign_in() {
    let (server, ana, bo) = server().await;
    policy(&server, ReclaimPolicy { mode: ReclaimMode::Apply, ..ReclaimPolicy::default() });
    server.work_off();
    server.advance_secs(50 * DAY);
    sign_in(&server, &bo).await;
    server.advance_secs(11 * DAY);
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-business phone");
    let told = server.provider.reclaim_report(&server.tenant).unwrap();
    assert_eq!(
        told.plan.proposals[0].sentence(),
        "ana@acme.test gives up Zoom Phone on 2027-02-07: idle since 2026-11-24, 14.99 EUR a month. Signing in keeps it."
    );
    server.advance_secs(14 * DAY);
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-business");
    assert_eq!(
        server.entitlement(&ana).findings,
        [
            "ana@acme.test does not hold Zoom Phone: reclaimed, idle since 2026-11-24. Signing in claims it again."
        ]
    );
    let ledger = server.provider.seat_ledger(&server.tenant, &ana, 1).unwrap();
    let line = serde_json::to_value(&ledger[0]).unwrap();
    let because = json!({"because": "reclaimed", "idle_since": "2026-11-24"});
    assert_eq!(line["because"], because);
    sign_in(&server, &ana).await;
    assert_eq!(server.has(&ana), "workplace-business phone");
    server.check_history();
}

#[tokio::test]
async fn who_comes_back_when_the_seat_is_gone_waits() {
    let (server, ana, bo) = server().await;
    policy(
        &server,
        ReclaimPolicy { mode: ReclaimMode::Apply, grace_days: 0, ..ReclaimPolicy::default() },
    );
    server.advance_secs(50 * DAY);
    sign_in(&server, &bo).await;
    server.advance_secs(11 * DAY);
    let cy = server.user("cy").await;
    let groups =
        server.get("/scim2/Groups?filter=displayName%20eq%20%22Zoom%20-%20Phone%22").await.ok();
    let phone = groups["Resources"][0]["id"].as_str().unwrap().to_owned();
    server.add(&phone, &[&cy]).await;
    assert_eq!(server.has(&cy), "workplace-business ~phone");
    server.work_off();
    // The seat went to who waited, in the transaction that took it.
    assert_eq!(
        (server.has(&ana), server.has(&cy)),
        ("workplace-business".into(), "workplace-business phone".into())
    );
    sign_in(&server, &ana).await;
    assert_eq!(server.has(&ana), "workplace-business ~phone");
}

#[tokio::test]
async fn a_proposal_is_approved_by_its_digest_and_more_than_a_share_only_on_purpose() {
    let (server, ana, bo) = server().await;
    policy(&server, ReclaimPolicy { mode: ReclaimMode::Propose, ..ReclaimPolicy::default() });
    server.advance_secs(70 * DAY);
    server.work_off();
    server.advance_secs(70 * DAY);
    server.work_off();
    // Nothing goes by itself, however long it takes.
    assert_eq!(server.has(&ana), "workplace-business phone");
    let report = server.provider.reclaim_report(&server.tenant).unwrap();
    assert_eq!(report.plan.proposals.len(), 2);
    assert_eq!(report.plan.held_back.len(), 1);
    let approve = |digest: &str, over| {
        let (ctx, tenant) = (server.ctx(), &server.tenant);
        match server.provider.approve_reclaim(&ctx, tenant, digest, over) {
            Ok(done) => format!("{} taken, {} kept", done.reclaimed.len(), done.kept),
            Err(error) => error.to_string(),
        }
    };
    assert!(approve("0123456789", false).contains("something changed since"));
    assert!(approve(&report.digest, false).contains("Say `--over-share`"));
    sign_in(&server, &bo).await;
    assert!(approve(&report.digest, true).contains("something changed since"));
    let report = server.provider.reclaim_report(&server.tenant).unwrap();
    assert_eq!(approve(&report.digest[..12], false), "1 taken, 0 kept");
    assert_eq!(
        (server.has(&ana), server.has(&bo)),
        ("workplace-business".into(), "workplace-business phone".into())
    );
}

#[tokio::test]
async fn members_of_an_exempt_group_keep_their_seats_also_by_a_group_in_it() {
    let (server, ana, bo) = server().await;
    let berlin = server.group("Berlin", &[&ana]).await;
    server.group("Board", &[&berlin]).await;
    let exempt_groups = vec!["board".into()];
    let apply =
        ReclaimPolicy { mode: ReclaimMode::Apply, grace_days: 0, ..ReclaimPolicy::default() };
    policy(&server, ReclaimPolicy { exempt_groups, ..apply });
    server.advance_secs(70 * DAY);
    server.work_off();
    assert_eq!(
        (server.has(&ana), server.has(&bo)),
        ("workplace-business phone".into(), "workplace-business".into())
    );
    let report = server.provider.reclaim_report(&server.tenant).unwrap();
    let spared: Vec<_> = report.plan.spared.iter().map(|s| s.sentence()).collect();
    assert!(
        spared.contains(
            &"ana@acme.test keeps Zoom Phone though idle: the policy exempts group \"board\"."
                .to_owned()
        ),
        "{spared:?}"
    );
}
