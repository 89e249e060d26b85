//! The HTTP layer, whole: the input is a conversation (`conversation.rs`), which a tenant of its own
//! holds with a service provider over a database on disk; `answer.rs` says what every answer has to
//! be, and a neighbour, another tenant, sees nothing of it and is not seen.

mod answer;
mod conversation;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use db::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use service_provider::{Config, Dialect, NewToken, ServiceProvider, TenantId};
use tower::ServiceExt as _;

use answer::Answer;
use conversation::{Asked, Made};

/// Conversations that one database serves before the next one is begun.
const CONVERSATION_COUNT_MAX: usize = 500;
/// Requests of one conversation; further ones are not sent.
const REQUEST_COUNT_MAX: usize = 12;
/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
const PUBLIC_URL: &str = "https://app.example.com";
/// Stands in everything that the neighbour has, and may stand in no answer.
const MARK: &str = "walled-4e7b";

/// Whether whoever reads a finding wants to see the conversation: `MUSTER_FUZZ_SHOW=1`.
static SHOW: LazyLock<bool> = LazyLock::new(|| std::env::var_os("MUSTER_FUZZ_SHOW").is_some());

type Failure = Box<dyn std::error::Error>;

thread_local! {
    static SERVED: RefCell<Option<Served>> = const { RefCell::new(None) };
}

/// A service provider that has served some conversations.
struct Served {
    runtime: tokio::runtime::Runtime,
    provider: ServiceProvider,
    router: Router,
    neighbour: Neighbour,
    conversation_count: usize,
    _folder: tempfile::TempDir,
}

/// The other tenant, and what its directory saw in the beginning.
struct Neighbour {
    token: String,
    user: String,
    group: String,
    seen: Vec<Vec<u8>>,
}

/// Holds one conversation.
pub fn check(bytes: &[u8]) {
    SERVED.with_borrow_mut(|served| {
        if served.as_ref().is_some_and(|served| served.conversation_count >= CONVERSATION_COUNT_MAX)
        {
            *served = None;
        }
        if served.is_none() {
            let begun = Served::begin();
            assert!(begun.is_ok(), "cannot begin: {:?}", begun.err());
            *served = begun.ok();
        }
        if let Some(served) = served {
            served.conversation_count += 1;
            let held = served.hold(bytes);
            assert!(held.is_ok(), "no tenant or token: {:?}", held.err());
        }
    });
}

impl Served {
    fn begin() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let now: Timestamp = "2026-11-24T09:00:00Z".parse()?;
        let provider = ServiceProvider::open(Config {
            database: format!("sqlite:{}", folder.path().join("service-provider.db").display()),
            public_url: PUBLIC_URL.to_owned(),
            key_file: None,
            clock: Clock::fixed(now),
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let router = provider.router();
        let neighbour = Neighbour::move_in(&provider, &router, &runtime)?;
        Ok(Self { runtime, provider, router, neighbour, conversation_count: 0, _folder: folder })
    }

    fn hold(&self, bytes: &[u8]) -> Result<(), Failure> {
        let ctx = self.provider.ctx("fuzz", "fuzz");
        let name = format!("Tenant {}", self.conversation_count);
        let tenant = self.provider.create_tenant(&ctx, &name)?.id;
        let mut tokens = BTreeMap::new();
        let mut made = Made::default();
        made.name("their-user", &self.neighbour.user);
        made.name("their-group", &self.neighbour.group);
        let said = String::from_utf8_lossy(bytes);
        let knows = |needle: &str| said.contains(needle);
        for standing in ["user", "group"] {
            if knows(&format!("{{{standing}}}")) {
                let token = self.token(&tenant, &mut tokens, "any")?;
                let id = create(&self.runtime, &self.router, &token, standing, "ana")?;
                made.name(standing, &id);
            }
        }
        let hidden = match knows("{their-") {
            true => vec![MARK],
            false => vec![MARK, self.neighbour.user.as_str(), self.neighbour.group.as_str()],
        };
        let hidden: Vec<&str> = hidden.into_iter().filter(|text| !knows(text)).collect();
        for text in conversation::requests(bytes).take(REQUEST_COUNT_MAX) {
            let Some(asked) = Asked::read(text, &made) else { continue };
            let token = self.token(&tenant, &mut tokens, &asked.speaker)?;
            let Some(request) = asked.request(&token) else { continue };
            let answer = self.answered(request);
            if *SHOW {
                eprintln!("{asked}{answer}");
            }
            answer.assert_sound(&asked, &hidden);
            for location in answer.made() {
                made.push(&location);
                self.assert_there(&location, &token, &answer);
            }
        }
        if knows("{their-") {
            let seen = self.neighbour.sees(&self.router, &self.runtime);
            assert!(seen == self.neighbour.seen, "the neighbour's data has changed");
        }
        Ok(())
    }

    /// A token of a dialect; none for whoever is nobody.
    fn token(
        &self,
        tenant: &TenantId,
        tokens: &mut BTreeMap<String, String>,
        speaker: &str,
    ) -> Result<String, Failure> {
        let dialect = Dialect::from_name(speaker);
        let Some(dialect) = dialect else { return Ok(String::new()) };
        if let Some(token) = tokens.get(speaker) {
            return Ok(token.clone());
        }
        let ctx = self.provider.ctx("fuzz", "fuzz");
        let token = NewToken { dialect, ..NewToken::named(speaker) };
        let secret = self.provider.create_token(&ctx, tenant, &token)?.secret;
        tokens.insert(speaker.to_owned(), secret.clone());
        Ok(secret)
    }

    fn answered(&self, request: Request<Body>) -> Answer {
        self.runtime.block_on(answered(&self.router, request))
    }

    /// What was made is where it is said to be.
    fn assert_there(&self, location: &str, token: &str, made: &Answer) {
        let place = location.strip_prefix(PUBLIC_URL).unwrap_or(location);
        let answer = self.runtime.block_on(get(&self.router, place, token));
        assert_eq!(answer.status, 200, "{location} was made and is not there");
        if made.status == 201 {
            assert_eq!(answer.headers.get(header::ETAG), made.headers.get(header::ETAG));
        }
    }
}

impl Neighbour {
    fn move_in(
        provider: &ServiceProvider,
        router: &Router,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Self, Failure> {
        let ctx = provider.ctx("fuzz", "fuzz");
        let tenant = provider.create_tenant(&ctx, MARK)?.id;
        let token = provider.create_token(&ctx, &tenant, &NewToken::named("theirs"))?.secret;
        let user = create(runtime, router, &token, "user", MARK)?;
        let group = create(runtime, router, &token, "group", MARK)?;
        let mut neighbour = Self { token, user, group, seen: Vec::new() };
        neighbour.seen = neighbour.sees(router, runtime);
        Ok(neighbour)
    }

    fn sees(&self, router: &Router, runtime: &tokio::runtime::Runtime) -> Vec<Vec<u8>> {
        let paths = ["/scim2/Users", "/scim2/Groups"];
        let answers = paths.map(|path| runtime.block_on(get(router, path, &self.token)));
        answers.into_iter().map(|answer| answer.body).collect()
    }
}

/// Makes a user or a group over SCIM; says its id.
fn create(
    runtime: &tokio::runtime::Runtime,
    router: &Router,
    token: &str,
    kind: &str,
    name: &str,
) -> Result<String, Failure> {
    let (path, body) = match kind {
        "user" => (
            "/scim2/Users",
            json!({"schemas": [scim::urn::USER], "userName": name, "displayName": name,
                "emails": [{"value": format!("{name}@example.com"), "type": "work"}]}),
        ),
        _ => ("/scim2/Groups", json!({"schemas": [scim::urn::GROUP], "displayName": name})),
    };
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/scim+json")
        .body(Body::from(body.to_string()))?;
    let answer = runtime.block_on(answered(router, request));
    let resource: Value = serde_json::from_slice(&answer.body)?;
    let id = resource.get("id").and_then(Value::as_str);
    Ok(id.ok_or_else(|| format!("{} {resource}", answer.status))?.to_owned())
}

async fn get(router: &Router, path: &str, token: &str) -> Answer {
    let request = Request::get(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty());
    answered(router, request.unwrap_or_default()).await
}

async fn answered(router: &Router, request: Request<Body>) -> Answer {
    let Ok(response) = router.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await;
    assert!(body.is_ok(), "the answer's body ends in an error: {:?}", body.err());
    let body = body.map(Vec::from).unwrap_or_default();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

/// Whether the text stands there.
fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// The text of a header.
fn text<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
