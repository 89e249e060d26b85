//! Lists across resource types (RFC 7644 3.4.2.1 and 3.4.3).

use scim::urn;
use serde_json::{Value, json};

use super::{Answer, Server};

/// Three users and two groups, whose names interleave.
async fn office() -> Server {
    let server = Server::start().await;
    for (user, display) in [("cid", "Cid"), ("ana", "Ana"), ("bea", "Bea")] {
        let body = json!({"schemas": [urn::USER], "userName": user, "displayName": display});
        assert_eq!(server.post("/Users", &body).await.status, 201);
    }
    for name in ["Boats", "Aircraft"] {
        let body =
            json!({"schemas": [urn::GROUP], "displayName": name, "members": [{"value": "m"}]});
        assert_eq!(server.post("/Groups", &body).await.status, 201);
    }
    server
}

fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["schemas"], json!([urn::LIST_RESPONSE]));
    let resources = body["Resources"].as_array().unwrap();
    assert_eq!(body["itemsPerPage"], resources.len());
    resources.iter().map(|one| one["displayName"].as_str().unwrap().to_owned()).collect()
}

fn search(more: Value) -> Value {
    let mut body = json!({"schemas": [urn::SEARCH_REQUEST]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn the_root_lists_the_resources_of_every_type() {
    let server = office().await;
    let all = server.get("/").await;
    assert_eq!(names(&all).len(), 5);
    assert_eq!((&all.json()["totalResults"], &all.json()["startIndex"]), (&json!(5), &json!(1)));
    assert_eq!(server.post("/.search", &search(json!({}))).await.json(), all.json());
    // Page by page it is the same list, without a gap or an overlap.
    for count in 1..=4 {
        let mut paged = Vec::new();
        while paged.len() < 5 {
            let query = format!("/?startIndex={}&count={count}", paged.len() + 1);
            let page = server.get(&query).await;
            assert_eq!(page.json()["totalResults"], 5, "{query}");
            paged.extend(names(&page));
        }
        assert_eq!(paged, names(&all), "{count}");
    }
    let none = server.get("/?count=0").await;
    assert_eq!((names(&none).len(), none.json()["totalResults"].clone()), (0, json!(5)));
    let beyond = server.get("/?startIndex=6").await;
    assert_eq!((names(&beyond).len(), beyond.json()["totalResults"].clone()), (0, json!(5)));
}

#[tokio::test]
async fn a_filter_finds_resources_of_the_types_that_have_its_attributes() {
    let server = office().await;
    let find = async |filter: &str| {
        let answer = server.post("/.search", &search(json!({"filter": filter}))).await;
        assert_eq!(answer.json()["totalResults"], names(&answer).len(), "{filter}");
        names(&answer)
    };
    assert_eq!(find("displayName sw \"b\"").await, ["Bea", "Boats"]);
    assert_eq!(
        find("meta.resourceType eq \"Group\"").await,
        ["Aircraft", "Boats"].map(String::from).into_iter().rev().collect::<Vec<_>>()
    );
    assert_eq!(find("userName eq \"ana\"").await, ["Ana"]);
    assert_eq!(find("members pr and displayName sw \"A\"").await, ["Aircraft"]);
    assert_eq!(find("not (userName pr)").await, ["Boats", "Aircraft"]);
    assert_eq!(find("meta.resourceType eq \"Nobody\"").await, Vec::<String>::new());
    let typed = "(meta.resourceType eq \"User\" and userName sw \"a\") or (meta.resourceType eq \"Group\" and displayName sw \"A\")";
    assert_eq!(find(typed).await, ["Ana", "Aircraft"]);
    server
        .post("/.search", &search(json!({"filter": "shoeSize pr"})))
        .await
        .error(400, "invalidFilter");
    server.get("/?filter=password%20pr").await.error(403, "sensitive");
    server.post("/.search", &json!({"filter": "id pr"})).await.error(400, "invalidSyntax");
}

#[tokio::test]
async fn one_order_goes_across_the_types() {
    let server = office().await;
    let sorted = server.get("/?sortBy=displayName").await;
    assert_eq!(names(&sorted), ["Aircraft", "Ana", "Bea", "Boats", "Cid"]);
    let down = server.get("/?sortBy=displayName&sortOrder=descending&startIndex=2&count=3").await;
    assert_eq!(names(&down), ["Boats", "Bea", "Ana"]);
    assert_eq!(down.json()["totalResults"], 5);
    // RFC 7644 3.4.2.3: what has no such value comes last, and first when descending.
    let by_user_name = server.get("/?sortBy=userName").await;
    assert_eq!(names(&by_user_name), ["Ana", "Bea", "Cid", "Boats", "Aircraft"]);
    let down = server.get("/?sortBy=userName&sortOrder=descending").await;
    assert_eq!(names(&down), ["Boats", "Aircraft", "Cid", "Bea", "Ana"]);
    server.get("/?sortBy=shoeSize").await.error(400, "invalidValue");
    server.get("/?sortBy=displayName&startIndex=10000").await.error(400, "tooMany");
    assert_eq!(server.get("/?startIndex=10000").await.json()["totalResults"], 5);
}

#[tokio::test]
async fn each_resource_is_shown_by_the_rules_of_its_type() {
    let server = office().await;
    let body = search(
        json!({"attributes": ["userName", "members.value"], "sortBy": "displayName", "count": 2}),
    );
    let found = server.post("/.search", &body).await.json();
    let keys = |resource: &Value| resource.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&found["Resources"][0]), ["id", "members", "schemas"]);
    assert_eq!(keys(&found["Resources"][1]), ["id", "schemas", "userName"]);
    let without = server.get("/?excludedAttributes=members,meta").await.json();
    assert!(without["Resources"].as_array().unwrap().iter().all(|one| {
        one.get("members").is_none()
            && one.get("meta").is_none()
            && one.get("displayName").is_some()
    }));
}
