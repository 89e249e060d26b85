//! Every seat ever held, with its reason, start and end; and that this is what the seats say.

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
