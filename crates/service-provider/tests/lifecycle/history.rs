//! Every seat ever held, with its reason, start and end; and that this is what the seats say.

use proptest::prelude::*;
use service_provider::{GrantSpec, UserState};

use super::*;

#[tokio::test]
async fn a_seat_is_told_with_start_end_and_reason_and_who_held_what_at_a_moment() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 1);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    server.group("Zoom - Phone", &[&ana, &bo]).await;
    let before = server.clock.now();
    server.advance_secs(3600);
    server.set_active(&ana, false).await;
    server.advance_secs(3600);
    server.delete(&format!("/scim2/Users/{ana}")).await.gone();
    let history = |query: HistoryQuery| {
        let pool = Some(product("phone"));
        let query = HistoryQuery { pool, limit: 100, ..query };
        let rows = server.provider.seat_history(&server.tenant, &query).unwrap();
        let line = |row: service_provider::TenureRow| {
            let t = row.tenure;
            let until = t.until.map_or("now".into(), |until| until.to_string());
            format!("{} {} {} to {until}", row.user_name, t.state.as_str(), t.since)
        };
        rows.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        history(HistoryQuery::default()),
        [
            "ana@acme.test held 2026-11-24T09:00:00Z to 2026-11-24T10:00:00Z",
            "bo@acme.test waiting 2026-11-24T09:00:00Z to 2026-11-24T10:00:00Z",
            "bo@acme.test held 2026-11-24T10:00:00Z to now",
        ]
    );
    let of_ana = HistoryQuery { user: Some(ana.clone()), ..HistoryQuery::default() };
    assert_eq!(history(of_ana).len(), 1);
    let at = |moment| history(HistoryQuery { as_of: Some(moment), ..HistoryQuery::default() });
    assert_eq!(at(before).len(), 2);
    assert_eq!(at(server.clock.now()), ["bo@acme.test held 2026-11-24T10:00:00Z to now"]);
    let late = HistoryQuery { from: Some(server.clock.now()), ..HistoryQuery::default() };
    assert_eq!(history(late).len(), 1);
    let after_user = Some(entitlement::UserId(ana));
    assert_eq!(history(HistoryQuery { after_user, ..HistoryQuery::default() }).len(), 2);
    server.check_history();
}

/// Something that happens to a tenant.
#[derive(Debug, Clone)]
enum Step {
    Hire,
    Leave(usize),
    Return(usize),
    Delete(usize),
    Give(usize, usize, Option<i8>),
    TakeBack(usize, usize),
    Limit(usize, u32),
    Default(usize),
    Wait(i64),
    WorkOff,
}

const POOLS: [&str; 4] = ["workplace-licensed", "workplace-business", "phone", "webinars"];

fn pool_at(index: usize) -> Pool {
    if index < 2 { license(POOLS[index]) } else { product(POOLS[index]) }
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..6usize;
    let pool = || 0..POOLS.len();
    prop_oneof![
        4 => Just(Step::Hire),
        2 => user().prop_map(Step::Leave),
        2 => user().prop_map(Step::Return),
        1 => user().prop_map(Step::Delete),
        6 => (user(), pool(), proptest::option::of(0..4i8)).prop_map(|(u, p, d)| Step::Give(u, p, d)),
        2 => (user(), pool()).prop_map(|(u, p)| Step::TakeBack(u, p)),
        3 => (pool(), 0..4u32).prop_map(|(p, n)| Step::Limit(p, n)),
        1 => (0..2usize).prop_map(Step::Default),
        2 => (1..40i64).prop_map(Step::Wait),
        2 => Just(Step::WorkOff),
    ]
}

/// Takes one step. What is refused (somebody gone, nothing to take back) changes nothing.
fn take(server: &Server, users: &mut Vec<String>, step: &Step) {
    let (ctx, tenant, provider) = (server.ctx(), &server.tenant, &server.provider);
    let user = |index: &usize| users.get(*index).cloned().unwrap_or_else(|| "nobody".into());
    match step {
        Step::Hire => {
            let name = format!("user{}@acme.test", users.len());
            let document = json!({"schemas": [urn::USER], "userName": name});
            let made = provider.create_user(&ctx, tenant, &document, UserState::Active).unwrap();
            users.push(made.id);
        }
        Step::Leave(index) => drop(provider.deactivate_user(&ctx, tenant, &user(index))),
        Step::Return(index) => drop(provider.reactivate_user(&ctx, tenant, &user(index))),
        Step::Delete(index) => drop(provider.delete_user(&ctx, tenant, &user(index))),
        Step::Give(index, pool, days) => {
            let day = |days: i8| {
                let today = jiff::tz::TimeZone::UTC.to_datetime(server.clock.now()).date();
                today.saturating_add(jiff::Span::new().days(days))
            };
            let (user, pool) = (user(index), pool_at(*pool));
            drop(provider.grant_directly(&ctx, tenant, &user, &pool, days.map(day)));
        }
        Step::TakeBack(index, pool) => {
            drop(provider.revoke_directly(&ctx, tenant, &user(index), &pool_at(*pool)));
        }
        Step::Limit(pool, limit) => {
            provider.set_seat_limit(&ctx, tenant, &pool_at(*pool), Some(*limit)).unwrap();
        }
        Step::Default(index) => {
            provider.set_default_license(&ctx, tenant, Some(&key(POOLS[*index]))).unwrap();
        }
        Step::Wait(hours) => server.advance_secs(hours * 3600),
        Step::WorkOff => drop(provider.work_off().unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_read_from_its_first_line_is_the_seats(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let server = runtime.block_on(Server::start());
        let spec = GrantSpec { license_type: Some(key(POOLS[0])), ..GrantSpec::default() };
        server.provider.set_group_grant(&server.ctx(), &server.tenant, "Any", &spec).unwrap();
        let mut users = Vec::new();
        for step in &steps {
            take(&server, &mut users, step);
            server.check_history();
        }
        server.provider.work_off().unwrap();
        server.check_history();
    }
}
