//! A fake application: a strict SCIM server in this process, with faults that tests choose.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use scim::{Extension, MemberDelta, MemberStep, PatchRequest, Resource, ResourceType, Tolerances};
use serde_json::{Map, Value, json};

/// A request as the fake received it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: Value,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status with these headers and this body, and nothing is done.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It is done, and the connection breaks before the answer.
    DoneThenBroken,
    /// The connection breaks before anything is done.
    Broken,
    /// It is done, and the answer is this status.
    DoneThen(u16),
    /// It is done, and the answer has no body.
    DoneWithoutBody,
    /// Nothing is done, and the answer is a success that shows what is there.
    Ignored,
    /// It is done after a while.
    Slow(Duration),
}

type Matches = Box<dyn FnMut(&Received) -> bool + Send>;

struct Trap {
    matches: Matches,
    times: usize,
    fault: Fault,
}

/// What the fake holds, and what it was asked.
#[derive(Default)]
pub struct World {
    pub users: BTreeMap<String, Map<String, Value>>,
    pub groups: BTreeMap<String, Map<String, Value>>,
    pub members: BTreeMap<String, BTreeSet<String>>,
    pub received: Vec<Received>,
    pub token: String,
    /// Lists show at most so many, and always the first page.
    pub paging_ignored: Option<usize>,
    /// How often something went wrong.
    pub fault_count: usize,
    /// Whether it takes what RFC 7644 does not know, such as `remove` with a list of values.
    pub is_lenient: bool,
    traps: Vec<Trap>,
    /// The id of each login, in lower case.
    logins: BTreeMap<String, String>,
    next_id: u64,
}

/// A fake application that listens.
#[derive(Clone)]
pub struct Fake {
    world: Arc<Mutex<World>>,
    pub base_url: String,
}

impl Fake {
    pub async fn start() -> Self {
        let world = World { token: "secret".into(), ..World::default() };
        let world = Arc::new(Mutex::new(world));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { world, base_url: format!("http://{address}/scim2") }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Lets the next requests that match go wrong.
    pub fn trap(
        &self,
        times: usize,
        fault: Fault,
        matches: impl FnMut(&Received) -> bool + Send + 'static,
    ) {
        let trap = Trap { matches: Box::new(matches), times, fault };
        self.world().traps.push(trap);
    }

    /// Takes all traps away.
    pub fn heal(&self) {
        self.world().traps.clear();
    }

    /// Puts a user there that somebody else made.
    pub fn has_user(&self, user: Value) -> String {
        let Value::Object(user) = user else { panic!("a user is an object") };
        self.world().store("Users", user)
    }

    /// Requests with this method and this beginning of the path.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let world = self.world();
        world.received.iter().filter(|it| it.method == method && it.path.starts_with(path)).count()
    }

    pub fn forget_requests(&self) {
        self.world().received.clear();
    }

    /// The user with this login.
    pub fn user(&self, user_name: &str) -> Option<Map<String, Value>> {
        let world = self.world();
        world.users.values().find(|user| user["userName"] == user_name).cloned()
    }

    /// Whether each login is active.
    pub fn active(&self) -> BTreeMap<String, bool> {
        let world = self.world();
        let pair = |user: &Map<String, Value>| {
            (user["userName"].as_str().unwrap().to_string(), user["active"] == true)
        };
        world.users.values().map(pair).collect()
    }

    /// The logins in each group.
    pub fn memberships(&self) -> BTreeMap<String, BTreeSet<String>> {
        let world = self.world();
        let login = |id: &String| {
            world.users.get(id).map_or(id.clone(), |user| user["userName"].as_str().unwrap().into())
        };
        world
            .groups
            .iter()
            .map(|(id, group)| {
                let members = world.members.get(id).into_iter().flatten().map(login).collect();
                (group["displayName"].as_str().unwrap().to_string(), members)
            })
            .collect()
    }

    /// How often each login was posted.
    pub fn creations(&self) -> BTreeMap<String, usize> {
        let mut creations = BTreeMap::new();
        for request in &self.world().received {
            if request.method == "POST" && request.path == "/Users" {
                let login = request.body["userName"].as_str().unwrap().to_string();
                *creations.entry(login).or_default() += 1;
            }
        }
        creations
    }
}

async fn handle(
    State(world): State<Arc<Mutex<World>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix("/scim2").unwrap_or("?").to_string();
    let received = Received {
        method: method.to_string(),
        path,
        query: uri.query().unwrap_or_default().to_string(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let fault = {
        let mut world = world.lock().unwrap();
        world.received.push(received.clone());
        let authorization = headers.get("authorization").and_then(|it| it.to_str().ok());
        if authorization != Some(&format!("Bearer {}", world.token)) {
            return error(401, None, "The token is not known.");
        }
        world.fault(&received)
    };
    let act = |world: &Mutex<World>| world.lock().unwrap().act(&received);
    match fault {
        None => act(&world),
        Some(Fault::Answer(status, headers, body)) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Some(Fault::Broken) => break_off(),
        Some(Fault::DoneThenBroken) => {
            act(&world);
            break_off()
        }
        Some(Fault::DoneThen(status)) => {
            act(&world);
            error(status, None, "Something went wrong afterwards.")
        }
        Some(Fault::DoneWithoutBody) => {
            let status = act(&world).status();
            Response::builder().status(status).body(Body::empty()).unwrap()
        }
        Some(Fault::Ignored) => {
            let get = Received { method: "GET".into(), ..received.clone() };
            world.lock().unwrap().act(&get)
        }
        Some(Fault::Slow(wait)) => {
            tokio::time::sleep(wait).await;
            act(&world)
        }
    }
}

/// Ends the connection without an answer; this way no panic is printed.
fn break_off() -> ! {
    std::panic::resume_unwind(Box::new("the connection breaks"))
}

impl World {
    fn fault(&mut self, received: &Received) -> Option<Fault> {
        for trap in self.traps.iter_mut().filter(|trap| trap.times > 0) {
            if (trap.matches)(received) {
                trap.times -= 1;
                self.fault_count += 1;
                return Some(trap.fault.clone());
            }
        }
        None
    }

    fn store(&mut self, endpoint: &str, mut resource: Map<String, Value>) -> String {
        self.next_id += 1;
        let id = format!("{}-{}", endpoint.to_lowercase(), self.next_id);
        resource.insert("id".into(), json!(id));
        if let Some(login) = resource.get("userName").and_then(Value::as_str) {
            self.logins.insert(login.to_lowercase(), id.clone());
        }
        self.all(endpoint).insert(id.clone(), resource);
        id
    }

    fn all(&mut self, endpoint: &str) -> &mut BTreeMap<String, Map<String, Value>> {
        if endpoint == "Users" { &mut self.users } else { &mut self.groups }
    }

    fn act(&mut self, received: &Received) -> Response {
        let parts: Vec<&str> = received.path.trim_start_matches('/').split('/').collect();
        let (endpoint, id) = match parts[..] {
            [endpoint] => (endpoint, None),
            [endpoint, id] => (endpoint, Some(id)),
            _ => return error(404, None, "no such endpoint"),
        };
        match (received.method.as_str(), id) {
            ("GET", None) => self.list(endpoint, &received.query),
            ("POST", None) => self.create(endpoint, &received.body),
            (_, Some(id)) if !self.all(endpoint).contains_key(id) => {
                error(404, None, &format!("{id} does not exist"))
            }
            ("GET", Some(id)) => self.show(200, endpoint, id),
            ("PATCH", Some(id)) => self.patch(endpoint, id, &received.body),
            ("PUT", Some(id)) => self.put(endpoint, id, &received.body),
            _ => error(405, None, "no such method"),
        }
    }

    fn list(&mut self, endpoint: &str, query: &str) -> Response {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let number = |name: &str, default: usize| {
            query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let filter = query.get("filter").cloned();
        let found: Vec<Map<String, Value>> = self
            .all(endpoint)
            .values()
            .filter(|resource| filter.as_ref().is_none_or(|filter| fits(resource, filter)))
            .cloned()
            .collect();
        let (start, count) = match self.paging_ignored {
            Some(shown) => (0, shown),
            None => (number("startIndex", 1).max(1) - 1, number("count", 100)),
        };
        let page: Vec<Value> =
            found.iter().skip(start).take(count).cloned().map(Value::Object).collect();
        answer(
            200,
            &json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": found.len(), "startIndex": start + 1,
                "itemsPerPage": page.len(), "Resources": page,
            }),
        )
    }

    fn create(&mut self, endpoint: &str, body: &Value) -> Response {
        let (resource, delta, _) =
            match Resource::read(body, &resource_type(endpoint), &Tolerances::none()) {
                Ok(read) => read,
                Err(wrong) => return error(400, Some("invalidValue"), &wrong.to_string()),
            };
        let key = if endpoint == "Users" { "userName" } else { "displayName" };
        let name = resource.text(key).unwrap_or_default().to_lowercase();
        let taken = match endpoint {
            "Users" => self.logins.get(&name).is_some_and(|id| self.users.contains_key(id)),
            _ => self
                .groups
                .values()
                .any(|other| other[key].as_str().is_some_and(|it| it.to_lowercase() == name)),
        };
        if taken {
            return error(409, Some("uniqueness"), &format!("{name} exists"));
        }
        let id = self.store(endpoint, resource.into_document());
        if let Err(detail) = self.change_members(&id, delta) {
            self.all(endpoint).remove(&id);
            return error(400, Some("invalidValue"), &detail);
        }
        self.show(201, endpoint, &id)
    }

    fn patch(&mut self, endpoint: &str, id: &str, body: &Value) -> Response {
        let rt = resource_type(endpoint);
        let (request, _) = match PatchRequest::read(body, &rt, &self.tolerances()) {
            Ok(read) => read,
            Err(wrong) => return error(400, Some("invalidSyntax"), &wrong.to_string()),
        };
        let before = Resource::from_canonical(self.all(endpoint)[id].clone());
        let outcome = match request.apply(&rt, &before) {
            Ok(outcome) => outcome,
            Err(wrong) => return error(400, Some("noTarget"), &wrong.to_string()),
        };
        if let Err(detail) = self.change_members(id, outcome.members) {
            return error(400, Some("invalidValue"), &detail);
        }
        self.all(endpoint).insert(id.into(), outcome.resource.into_document());
        self.show(200, endpoint, id)
    }

    fn tolerances(&self) -> Tolerances {
        if self.is_lenient { Tolerances::all() } else { Tolerances::none() }
    }

    fn put(&mut self, endpoint: &str, id: &str, body: &Value) -> Response {
        let rt = resource_type(endpoint);
        let (resource, delta, _) = match Resource::read(body, &rt, &Tolerances::none()) {
            Ok(read) => read,
            Err(wrong) => return error(400, Some("invalidValue"), &wrong.to_string()),
        };
        if let Err(detail) = self.change_members(id, delta) {
            return error(400, Some("invalidValue"), &detail);
        }
        let mut document = resource.into_document();
        document.insert("id".into(), json!(id));
        self.all(endpoint).insert(id.into(), document);
        self.show(200, endpoint, id)
    }

    fn change_members(&mut self, id: &str, delta: MemberDelta) -> Result<(), String> {
        let mut members = self.members.get(id).cloned().unwrap_or_default();
        for step in delta.steps {
            if matches!(step, MemberStep::ReplaceAll(_)) {
                members.clear();
            }
            match step {
                MemberStep::Add(new) | MemberStep::ReplaceAll(new) => {
                    for member in new {
                        if !self.users.contains_key(&member.value) {
                            return Err(format!("{} is no user", member.value));
                        }
                        members.insert(member.value);
                    }
                }
                MemberStep::Remove(gone) => members.retain(|member| !gone.contains(member)),
                MemberStep::RemoveWhere(filter) => {
                    members.retain(|member| !filter.to_string().contains(&format!("\"{member}\"")))
                }
            }
        }
        self.members.insert(id.into(), members);
        Ok(())
    }

    fn show(&mut self, status: u16, endpoint: &str, id: &str) -> Response {
        let mut resource = self.all(endpoint)[id].clone();
        if endpoint == "Groups" {
            let members = self.members.get(id).into_iter().flatten();
            let members: Vec<Value> = members.map(|id| json!({ "value": id })).collect();
            resource.insert("members".into(), json!(members));
        }
        answer(status, &Value::Object(resource))
    }
}

fn resource_type(endpoint: &str) -> ResourceType {
    match endpoint {
        "Users" => ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())]),
        _ => ResourceType::group(Vec::new()),
    }
}

/// `attribute eq "value"`, as far as the client asks.
fn fits(resource: &Map<String, Value>, filter: &str) -> bool {
    let Some((attribute, value)) = filter.split_once(" eq ") else { return false };
    let value: String = serde_json::from_str(value).unwrap();
    let found: Vec<&Value> = match attribute {
        "emails.value" => resource
            .get("emails")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|email| email.get("value"))
            .collect(),
        name => resource.get(name).into_iter().collect(),
    };
    found
        .into_iter()
        .filter_map(Value::as_str)
        .any(|found| found.to_lowercase() == value.to_lowercase())
}

fn answer(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", "application/scim+json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn error(status: u16, scim_type: Option<&str>, detail: &str) -> Response {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(), "detail": detail,
    });
    if let Some(scim_type) = scim_type {
        body["scimType"] = json!(scim_type);
    }
    answer(status, &body)
}
