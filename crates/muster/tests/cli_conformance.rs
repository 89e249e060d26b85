//! `muster conformance` through the real binary: our own server holds in everything, and a server
//! with faults has them named.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use more of it")]
mod office;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use db::Clock;
use office::Office;
use serde_json::{Value, json};
use service_provider::{Config, NewToken, ServiceProvider};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Fewest checks of a whole walk.
const CHECK_COUNT_MIN: usize = 350;

/// Our own server, on a port of its own.
struct Own {
    office: Office,
    provider: ServiceProvider,
    tenant: service_provider::TenantId,
    url: String,
    _runtime: Runtime,
}

impl Own {
    fn start() -> Self {
        let (office, runtime) = (Office::empty(), Runtime::new().unwrap());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let provider = ServiceProvider::open(Config {
            database: format!("sqlite:{}", office.path().join("service-provider.db").display()),
            public_url: format!("http://{}", listener.local_addr().unwrap()),
            key_file: None,
            clock: Clock::system(),
        })
        .unwrap();
        let ctx = provider.ctx("test", "test");
        let tenant = provider.create_tenant(&ctx, "Acme").unwrap().id;
        let token = provider.create_token(&ctx, &tenant, &NewToken::named("walk")).unwrap();
        office.write("token", &token.secret);
        let app = provider.router();
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let url = provider.base_url().to_owned();
        Self { office, provider, tenant, url, _runtime: runtime }
    }

    /// Runs a walk and gives the exit code with the report.
    fn walk(&self, options: &str) -> (i32, Value) {
        walk(&self.office, &self.url, options)
    }

    /// What is in the server.
    fn user_count(&self) -> usize {
        self.provider.users(&self.tenant, &service_provider::UserQuery::default()).unwrap().len()
    }
}

fn walk(office: &Office, url: &str, options: &str) -> (i32, Value) {
    let line = format!("conformance {url} --token-file token --json report.json {options}");
    let output = office.command(&line).output().unwrap();
    let text = std::fs::read_to_string(office.path().join("report.json"));
    let text = text.unwrap_or_else(|_| String::from_utf8_lossy(&output.stderr).into_owned());
    let report = serde_json::from_str(&text).unwrap_or(Value::from(text));
    (output.status.code().unwrap(), report)
}

/// The checks of a verdict, as `group/name: why`.
fn of(report: &Value, verdict: &str) -> Vec<String> {
    let mut found = Vec::new();
    for group in report["groups"].as_array().unwrap() {
        for check in group["checks"].as_array().unwrap() {
            if check["verdict"] == verdict {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (name, why) = (text(&check["name"]), text(&check["why"]));
                found.push(format!("{}/{name}: {why}", text(&group["name"])));
            }
        }
    }
    found
}

#[test]
fn our_own_server_holds_in_every_check_and_nothing_is_left_behind() {
    let own = Own::start();
    let (code, report) = own.walk("--junit junit.xml");
    assert_eq!(of(&report, "fail"), Vec::<String>::new());
    assert_eq!(code, 0, "{report}");
    assert!(usize::try_from(report["check_count"].as_u64().unwrap()).unwrap() >= CHECK_COUNT_MIN);
    assert_eq!(report["left_behind"], json!([]));
    assert_eq!(own.user_count(), 0);
    assert!(report["score"]["must"]["pass"].as_u64() > Some(400), "{}", report["score"]);
    // The token is in none of the reports.
    let read = |name: &str| std::fs::read_to_string(own.office.path().join(name)).unwrap();
    let (token, junit) = (read("token"), read("junit.xml"));
    assert!(!report.to_string().contains(&token) && !junit.contains(&token));
    assert!(junit.starts_with("<?xml") && junit.contains("<testsuite name=\"patch\""));
    assert_eq!(junit.matches("<testcase ").count(), junit.matches("</testcase>").count());
}

#[test]
fn nothing_is_written_when_only_reading_is_allowed() {
    let own = Own::start();
    let before = own.provider.events(&own.tenant, &db::EventQuery::default()).unwrap().len();
    let (code, report) = own.walk("--read-only");
    assert_eq!((code, of(&report, "fail")), (0, Vec::new()));
    assert!(of(&report, "pass").len() > 50, "{report}");
    let after = own.provider.events(&own.tenant, &db::EventQuery::default()).unwrap().len();
    assert_eq!(after, before);
}

#[test]
fn a_walk_that_is_broken_off_deletes_what_it_made() {
    let own = Own::start();
    let line = format!("conformance {} --token-file token --only paging --only patch", own.url);
    let mut walking =
        own.office.command(&line).stdout(std::process::Stdio::null()).spawn().unwrap();
    let started = std::time::Instant::now();
    while own.user_count() < 5 {
        assert!(started.elapsed().as_secs() < 60, "nothing is made");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = walking.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(walking.wait().unwrap().code(), Some(1));
    assert_eq!(own.user_count(), 0);
}

#[test]
fn groups_and_dialects_can_be_chosen_and_listed() {
    let office = Office::empty();
    let listed = office.done("conformance --list --only jumpcloud");
    assert!(listed.contains("CLIENT members-remove"), "{listed}");
    let other = office.done("conformance --list --dialect okta");
    assert!(other.contains("okta: ") && !other.contains("entra: "), "{other}");
    for (line, expected) in [
        ("conformance --list --only nothing", "there is no group `nothing`"),
        ("conformance ftp://x", "is no http or https URL"),
        ("conformance http://127.0.0.1:1/scim2", "does not answer"),
    ] {
        let printed = office.run(line);
        assert!(printed.contains(expected) && !printed.starts_with("exit 0"), "{line}: {printed}");
    }
}

/// A server that stores what comes, and has the faults that servers in the field have.
type Shelf = Arc<Mutex<BTreeMap<String, Value>>>;

fn answer(status: u16, body: Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/scim+json")];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}

async fn broken(State(shelf): State<Shelf>, method: Method, uri: Uri, body: String) -> Response {
    let mut shelf = shelf.lock().unwrap();
    let sent: Value = serde_json::from_str(&body).unwrap_or_default();
    let path = uri.path().to_owned();
    match (method, path.as_str()) {
        // Anybody is let in; filters, pages and attributes are not heard.
        (Method::GET, "/Users" | "/Groups") => {
            let prefix = format!("{path}/");
            let all = shelf.iter().filter(|(key, _)| key.starts_with(&prefix));
            let all: Vec<Value> = all.map(|(_, value)| value.clone()).collect();
            let urn = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
            let total = all.len().to_string();
            answer(200, json!({"schemas": [urn], "totalResults": total, "Resources": all}))
        }
        // The password comes back, names are taken twice, and there is no Location.
        (Method::POST, "/Users" | "/Groups") => {
            let mut made = if sent.is_object() { sent } else { json!({}) };
            let id = format!("{}-{}", shelf.len(), body.len());
            made["id"] = json!(id);
            shelf.insert(format!("{path}/{id}"), made.clone());
            answer(201, made)
        }
        (Method::GET, _) => match shelf.get(&path) {
            Some(found) => answer(200, found.clone()),
            None => (StatusCode::NOT_FOUND, "<h1>not found</h1>").into_response(),
        },
        // A success without effect; and a broken removal empties the group.
        (Method::PATCH, _) => {
            let text = sent.to_string();
            if let Some(found) = shelf.get_mut(&path).filter(|_| text.contains("\"remove\"")) {
                found["members"] = json!([]);
            }
            answer(204, Value::Null)
        }
        (Method::DELETE, _) => {
            shelf.remove(&path);
            (StatusCode::OK, "deleted").into_response()
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "oops").into_response(),
    }
}

#[test]
fn the_faults_of_a_broken_server_are_named() {
    let (office, runtime) = (Office::empty(), Runtime::new().unwrap());
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shelf = Shelf::default();
    let app = Router::new().fallback(broken).with_state(shelf.clone());
    runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
    office.write("token", "secret");
    let (code, report) = walk(&office, &url, "--junit junit.xml");
    assert_eq!(code, 1);
    let failed = of(&report, "fail");
    for fault in [
        "discovery/config: expected 200, came 404",
        "auth/no-token: expected 401, came 200",
        "auth/no-token-patch: expected 401, came 204",
        "errors/not-found: 404 without a SCIM error body",
        "errors/json: expected 400, came 201",
        "create/location: header Location should be is uri; it is absent",
        "create/password: `password` should be absent ; it is",
        "read/list-numbers: `totalResults` should be is integer; it is \"",
        "replace/ok: expected 200, came 500",
        "patch/replace-simple: `displayName` should be == \"New\"; it is \"Ana Ruiz\"",
        "patch/remove-no-path: expected 400, came 204",
        "delete/no-content: expected 204, came 200",
        "uniqueness/user-name: expected 409, came 201",
        "filter/eq: expected ana, found",
        "paging/size: a page has more than was asked for",
        "projection/only: `displayName` should be absent",
        "groups/widened-filter: expected 4xx, came 204",
        "groups/value-list: `members[].value` should be has",
        "concurrency/adds: of 24 members added at once 24 are missing",
        "meta/created: `meta.created` should be is datetime; it is absent",
        "okta/deactivate: `active` should be == false; it is true",
        "entra/group-remove: `members[].value` should be set",
    ] {
        let group = fault.split('/').next().unwrap();
        let near: Vec<_> = failed.iter().filter(|one| one.starts_with(group)).collect();
        assert!(near.iter().any(|one| one.starts_with(fault)), "{fault}: {near:#?}");
    }
    assert!(!failed.iter().any(|one| one.starts_with("etag/")), "ETags are not advertised");
    assert!(shelf.lock().unwrap().is_empty(), "{:?}", shelf.lock().unwrap().keys());
    let junit = std::fs::read_to_string(office.path().join("junit.xml")).unwrap();
    assert!(junit.contains("<failure type=\"MUST\"") && junit.contains("<skipped "));
}
