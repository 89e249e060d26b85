//! Pages, filters and orders.

use serde_json::{Value, json};

use super::{Server, id};

async fn names(server: &Server, path: &str) -> Vec<String> {
    let body = server.get(path).await.ok();
    let found = body["Resources"].as_array().unwrap();
    assert_eq!(body["itemsPerPage"], found.len());
    found.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_one_another_while_users_come_and_go() {
    let server = Server::start().await;
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(server.user(&format!("user{n:02}")).await);
    }
    let all: Vec<String> = (0..25).map(|n| format!("user{n:02}")).collect();
    for count in [1, 7, 10, 25, 100] {
        let mut seen = Vec::new();
        for start in (1..=25).step_by(count) {
            seen.extend(names(&server, &format!("/Users?startIndex={start}&count={count}")).await);
        }
        assert_eq!(seen, all, "pages of {count}");
    }
    // A page in the middle, and then with one gone before it.
    assert_eq!(names(&server, "/Users?startIndex=20&count=2").await, ["user19", "user20"]);
    server.delete(&format!("/Users/{}", made[3])).await.no_content();
    assert_eq!(names(&server, "/Users?startIndex=20&count=2").await, ["user20", "user21"]);
    assert_eq!(names(&server, "/Users?startIndex=24&count=5").await, ["user24"]);
    server.user("user25").await;
    assert_eq!(names(&server, "/Users?startIndex=24&count=5").await, ["user24", "user25"]);

    for (query, total) in
        [("startIndex=26", 25), ("startIndex=1000000&count=5", 25), ("count=0", 25)]
    {
        let body = server.get(&format!("/Users?{query}")).await.ok();
        assert_eq!(
            (&body["totalResults"], &body["Resources"]),
            (&json!(total), &json!([])),
            "{query}"
        );
    }
    assert_eq!(server.get("/Users?count=-3&startIndex=-3").await.ok()["startIndex"], 1);
}

/// Users who differ in everything that can be asked for.
async fn cast(server: &Server) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, display, external, email, department) in [
        ("Ana", Some("Ana Ruiz"), Some("x1"), "ana@home.example", "Sales"),
        ("bea", None, Some("X1"), "bea@home.example", "Support"),
        ("Cid", Some("cid"), None, "ANA@home.example", "Sales"),
    ] {
        let body = json!({
            "schemas": [scim::urn::USER, scim::urn::ENTERPRISE_USER],
            "userName": name,
            "displayName": display,
            "externalId": external,
            "emails": [{"value": email, "type": "home"}],
            "active": name != "bea",
            scim::urn::ENTERPRISE_USER: {"department": department},
        });
        ids.push(id(&server.post("/Users", &body).await.created()));
        server.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    ids
}

#[tokio::test]
async fn filters_mean_the_same_with_an_index_and_without() {
    let server = Server::start().await;
    let ids = cast(&server).await;
    let group = server.group("Sales", &[&ids[0], &ids[2]]).await;
    let department = format!("{}:department", scim::urn::ENTERPRISE_USER);
    let cases: &[(&str, &str)] = &[
        (r#"userName eq "ANA""#, "Ana"),
        (r#"externalId eq "x1""#, "Ana"),
        (r#"externalId eq "X1""#, "bea"),
        (r#"emails.value eq "ana@HOME.example""#, "Ana Cid"),
        (r#"emails eq "ana@home.example""#, "Ana Cid"),
        (r#"emails[type eq "home" and value eq "ana@home.example"]"#, "Ana Cid"),
        (r#"emails[type eq "work" and value eq "ana@home.example"]"#, ""),
        (r#"displayName eq "CID""#, "Cid"),
        (r#"active eq false"#, "bea"),
        (r#"userName eq "ana" and active eq false"#, ""),
        (r#"userName eq "ana" or userName eq "cid""#, "Ana Cid"),
        (r#"not (userName eq "ana")"#, "bea Cid"),
        (r#"displayName pr"#, "Ana Cid"),
        (r#"meta.created gt "2026-11-24T09:00:00Z""#, "bea Cid"),
        (r#"meta.resourceType eq "User""#, "Ana bea Cid"),
        (r#"groups.display eq "sales""#, "Ana Cid"),
        (r#"not (groups pr)"#, "bea"),
        (r#"userName co "a""#, "Ana bea"),
    ];
    for (filter, expected) in cases {
        let found = server.find("/Users", filter).await;
        let found: Vec<_> = found.iter().map(|user| user["userName"].as_str().unwrap()).collect();
        assert_eq!(found.join(" "), *expected, "{filter}");
        // No index knows what to do with an `or` of two attributes.
        let looked_at =
            server.find("/Users", &format!("({filter}) or title eq \"nobody's\"")).await;
        assert_eq!(looked_at.len(), found.len(), "{filter}");
    }
    let count = async |endpoint: &str, filter: String| server.find(endpoint, &filter).await.len();
    assert_eq!(count("/Users", format!("{department} eq \"sales\"")).await, 2);
    assert_eq!(count("/Users", format!("id eq \"{}\"", ids[1])).await, 1);
    assert_eq!(count("/Users", format!("groups.value eq \"{group}\"")).await, 2);
    assert_eq!(count("/Groups", format!("members.value eq \"{}\"", ids[0])).await, 1);
    assert_eq!(count("/Groups", format!("members[value eq \"{}\"]", ids[1])).await, 0);
    assert_eq!(count("/Groups", "members.display eq \"cid\"".into()).await, 1);
    assert_eq!(count("/Groups", "displayName eq \"SALES\"".into()).await, 1);
    // A filter by members does not need the members to be shown.
    let path =
        format!("/Groups?excludedAttributes=members&filter=members.value+eq+%22{}%22", ids[0]);
    let body: Value = server.get(&path).await.ok();
    assert_eq!((&body["totalResults"], body["Resources"][0].get("members")), (&json!(1), None));
}

#[tokio::test]
async fn filtered_results_are_paged_too() {
    let server = Server::start().await;
    cast(&server).await;
    assert_eq!(names(&server, "/Users?filter=userName+pr&startIndex=2&count=1").await, ["bea"]);
    let body = server.get("/Users?filter=userName+pr&startIndex=3&count=10").await.ok();
    assert_eq!(
        (&body["totalResults"], body["Resources"].as_array().unwrap().len()),
        (&json!(3), 1)
    );
}

#[tokio::test]
async fn orders_are_those_of_the_attribute() {
    let server = Server::start().await;
    cast(&server).await;
    let check = async |query: &str, expected: [&str; 3]| {
        assert_eq!(names(&server, &format!("/Users?{query}")).await, expected, "{query}");
    };
    check("sortBy=userName", ["Ana", "bea", "Cid"]).await;
    check("sortBy=userName&sortOrder=descending", ["Cid", "bea", "Ana"]).await;
    check("sortBy=id&sortOrder=descending", ["Cid", "bea", "Ana"]).await;
    // Who has no value is last, and first the other way round.
    check("sortBy=displayName", ["Ana", "Cid", "bea"]).await;
    check("sortBy=displayName&sortOrder=descending", ["bea", "Cid", "Ana"]).await;
    check("sortBy=emails.value", ["Ana", "Cid", "bea"]).await;
    check("sortBy=meta.lastModified&sortOrder=descending", ["Cid", "bea", "Ana"]).await;
    check("sortBy=externalId&filter=userName+pr", ["bea", "Ana", "Cid"]).await;
    assert_eq!(names(&server, "/Users?sortBy=displayName&startIndex=2&count=1").await, ["Cid"]);
}
