//! What the next days need, by what is told, by what ends, and by how it went.

use service_provider::{Demand, DemandTarget};

use super::*;

fn sentence(server: &Server, key: &str) -> String {
    let all = server.provider.forecast(&server.tenant, 30).unwrap();
    let found = all.iter().find(|one| one.pool == product(key) || one.pool == license(key));
    found.unwrap().sentence()
}

#[tokio::test]
async fn joiners_that_were_told_exceed_the_pool_by_so_many() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 2);
    let (ana, bo) = (server.user("ana").await, server.user("bo").await);
    server.group("Zoom - Phone", &[&ana, &bo]).await;
    let joins = |date: &str, needs, joiners, leavers| Demand {
        date: date.parse().unwrap(),
        needs,
        joiners,
        leavers,
    };
    let demand = [
        joins("2026-12-01", DemandTarget::Group("zoom - phone".into()), 12, 0),
        joins("2026-12-10", DemandTarget::Product(key("phone")), 3, 1),
    ];
    let put = |demand: &[Demand]| {
        server.provider.put_demand(&server.ctx(), &server.tenant, "hr", demand).unwrap();
    };
    put(&demand);
    assert_eq!(
        sentence(&server, "phone"),
        "Zoom Phone: the next 30 days' joiners need 14 more: 2 of 2 are held, 15 join, 1 leaves; the pool runs out on 2026-12-01. Raise the limit to 16, or free 14 seats."
    );
    assert_eq!(
        sentence(&server, "workplace-business"),
        "Workplace Business: no limit; the next 30 days need 14 seats at most."
    );
    // A source puts all it knows, so what it does not repeat is gone.
    put(&demand[1..]);
    assert!(sentence(&server, "phone").contains("need 2 more"));
    put(&[]);
    assert!(server.provider.demand(&server.tenant).unwrap().is_empty());
    let wrong = [joins("2026-12-01", DemandTarget::Product(key("fax")), 1, 0)];
    let refused = server.provider.put_demand(&server.ctx(), &server.tenant, "hr", &wrong);
    assert_eq!(refused.unwrap_err().to_string(), "There is no product `fax`.");
}

#[tokio::test]
async fn where_nobody_tells_anything_it_goes_on_as_it_went() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 3);
    let mut users = Vec::new();
    for name in ["ana", "bo", "cy"] {
        users.push(server.user(name).await);
    }
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    server.group("Zoom - Phone", &ids).await;
    assert!(sentence(&server, "phone").contains("3 more are needed by the trend"));
    server.advance_secs(29 * 24 * 3600);
    assert_eq!(
        sentence(&server, "phone"),
        "Zoom Phone: enough; the next 30 days need 3 of 3 seats at most."
    );
}

#[tokio::test]
async fn who_is_invited_and_what_ends_is_counted() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 1);
    let ana = server.user("ana").await;
    let until = Some("2026-12-01".parse().unwrap());
    let (ctx, tenant) = (server.ctx(), &server.tenant);
    server.provider.grant_directly(&ctx, tenant, &ana, &product("phone"), until).unwrap();
    let invited = json!({"action": "create", "user_info": {"email": "dee@acme.test"}});
    let dee = server.post("/v2/users", invited).await.created()["id"].as_str().unwrap().to_owned();
    server.group("Zoom - Phone", &[&dee]).await;
    let demand = [Demand {
        date: "2026-12-05".parse().unwrap(),
        needs: DemandTarget::Product(key("phone")),
        joiners: 1,
        leavers: 0,
    }];
    server.provider.put_demand(&ctx, tenant, "hr", &demand).unwrap();
    let all = server.provider.forecast(tenant, 30).unwrap();
    let phone = all.iter().find(|one| one.pool == product("phone")).unwrap();
    assert_eq!((phone.held, phone.invited, phone.short), (1, 1, 1));
    let days: Vec<_> = phone.days.iter().map(|day| (day.date.to_string(), day.need)).collect();
    assert_eq!(days, [("2026-12-02".to_owned(), 1), ("2026-12-05".to_owned(), 2)]);
}

#[tokio::test]
async fn seats_are_asked_for_and_demand_is_put_over_http() {
    let server = Server::start().await;
    server.set_limit(&product("phone"), 1);
    let ana = server.user("ana").await;
    server.group("Zoom - Phone", &[&ana]).await;
    let demand = json!({"demand": [
        {"date": "2026-12-01", "needs": {"group": "Zoom - Phone"}, "joiners": 2},
    ]});
    server.put("/v2/seats/demand/hr", demand.clone()).await.ok();
    let told = server.get("/v2/seats/demand").await.ok();
    assert_eq!(told["demand"][0]["source"], "hr");
    let body = server.get("/v2/seats/forecast?days=30").await.ok();
    let found = body["forecast"].as_array().unwrap().iter().find(|one| one["key"] == "phone");
    assert_eq!(found.unwrap()["short"], 2);
    let body = server.get("/v2/seats/history?kind=product&key=phone").await.ok();
    assert_eq!(body["seats"][0]["user_name"], "ana@acme.test");
    assert_eq!(body["after_user"], json!(null));
    let idle = server.get("/v2/seats/idle?days=1").await.ok();
    assert_eq!(idle["idle"], json!([]));
    assert_eq!(server.get("/v2/seats/reclaim").await.ok()["mode"], "off");
    let approval = json!({"digest": "00000000"});
    server.post("/v2/seats/reclaim/approvals", approval).await.with(400);
    server.put("/v2/seats/demand/hr", json!({"demand": [{"date": "x"}]})).await.with(400);
    // Nothing of this is seen with the token of another tenant.
    let (ctx, provider) = (server.ctx(), &server.provider);
    let other = provider.create_tenant(&ctx, "Other").unwrap().id;
    let token = provider.create_token(&ctx, &other, &NewToken::named("theirs")).unwrap().secret;
    let url = format!("{}/v2/seats/demand", provider.public_url());
    let answer = send(server.client.get(url).bearer_auth(token)).await.ok();
    assert_eq!(answer["demand"], json!([]));
}
