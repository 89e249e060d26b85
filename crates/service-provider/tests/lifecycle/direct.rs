//! What is given to one user by hand, and until when.

use super::*;

fn give(server: &Server, user: &str, pool: Pool, until: Option<&str>) -> String {
    let until = until.map(|day| day.parse().unwrap());
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    match server.provider.grant_directly(&ctx, tenant, user, &pool, until) {
        Ok(_) => server.has(user),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_direct_grant_ends_after_its_last_day() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let granted = give(&server, &ana, license("workplace-licensed"), Some("2026-11-25"));
    assert_eq!(granted, "workplace-licensed");
    let line = server.entitlement(&ana).license.unwrap();
    assert_eq!(
        line.chain[0],
        "Workplace Licensed: granted directly by admin on 2026-11-24 until 2026-11-25"
    );
    // The clock stands at 9 in the morning of the day before the last.
    server.advance_secs((24 + 14) * 3600);
    server.work_off();
    assert_eq!(server.has(&ana), "workplace-licensed");
    server.advance_secs(3600);
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned");
    let ctx = server.ctx();
    assert!(server.provider.direct_grants(&server.tenant, (0, 10)).unwrap().is_empty());
    let gone =
        server.provider.revoke_directly(&ctx, &server.tenant, &ana, &license("workplace-licensed"));
    assert!(gone.unwrap_err().to_string().contains("direct grant"));
}

#[tokio::test]
async fn a_grant_that_would_be_over_is_refused_and_a_later_end_takes_the_place_of_an_earlier() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    assert_eq!(
        give(&server, &ana, product("phone"), Some("2026-11-23")),
        "2026-11-23 is over, so the grant would end before it begins. Name a later day, or none."
    );
    give(&server, &ana, product("phone"), Some("2026-11-24"));
    give(&server, &ana, product("phone"), None);
    let rows = server.provider.direct_grants(&server.tenant, (0, 10)).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].user_name.as_str(), rows[0].until), ("ana@acme.test", None));
    server.advance_secs(99 * 24 * 3600);
    server.work_off();
    assert_eq!(server.has(&ana), "unassigned phone");
}

#[tokio::test]
async fn what_nothing_uses_can_be_removed_from_the_catalogue() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    let remove = |pool: &Pool| match server.provider.remove_pool(&ctx, tenant, pool) {
        Ok(()) => "removed".to_owned(),
        Err(error) => error.to_string(),
    };
    give(&server, &ana, license("workplace-enterprise"), None);
    assert_eq!(
        remove(&license("workplace-enterprise")),
        "Workplace Enterprise is in use and cannot be removed: 1 hold a seat and 0 wait, 1 have it by hand. Take that away first; a license type can be retired meanwhile."
    );
    assert!(remove(&product("phone")).contains("group \"Zoom - Phone\" grants it"));
    assert!(remove(&license("unassigned")).contains("it is the tenant's default license"));
    let pool = license("workplace-enterprise");
    server.provider.revoke_directly(&ctx, tenant, &ana, &pool).unwrap();
    assert_eq!(remove(&pool), "removed");
    assert_eq!(remove(&pool), "There is no license type `workplace-enterprise`.");
}
