//! Several nodes over one PostgreSQL database: two real processes that know nothing of each other.
//! One of them is killed while everybody writes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use more of it")]
mod office;

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use db::Clock;
use jiff::SignedDuration;
use office::Office;
use serde_json::{Value, json};
use service_provider::{Config, ServiceProvider, StepState, TenantId};

/// Longest wait for something a node does.
const WAIT: Duration = Duration::from_secs(60);
/// Clients that write at once.
const CLIENT_COUNT: usize = 16;
/// Users that are created in all, and after how many of them a node is killed.
const USER_COUNT: usize = 400;
const KILLED_AFTER: usize = 120;

/// An installation, and two processes that serve it.
struct Nodes {
    office: Office,
    servers: [Child; 2],
    addresses: [String; 2],
    token: String,
    client: reqwest::Client,
}

impl Nodes {
    fn start() -> Self {
        let office = Office::new();
        office.done("tenant create acme");
        office.done("license preset guide");
        let token = office.command("token create --tenant acme").output().unwrap().stdout;
        let token = String::from_utf8(token).unwrap().trim().to_owned();
        let addresses = [TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0")]
            .map(|listener| listener.unwrap().local_addr().unwrap().to_string());
        let database = db::testing::url(&office.path().join("service-provider.db"));
        let servers = [0, 1].map(|node| {
            let (name, address) = (format!("node-{node}.toml"), &addresses[node]);
            office.write(
                &name,
                &format!(
                    "[service_provider]\nlisten = \"{address}\"\ndatabase = \"{database}\"\n\
                     public_url = \"http://muster.example\"\n"
                ),
            );
            let mut command = office.command(&format!("--config {name} serve"));
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        });
        for address in &addresses {
            let started = Instant::now();
            while std::net::TcpStream::connect(address).is_err() {
                assert!(started.elapsed() < WAIT, "a node does not listen");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Self { office, servers, addresses, token, client: reqwest::Client::new() }
    }

    /// Sends a request to a node; an error is one of the connection.
    async fn send(
        &self,
        node: usize,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(u16, Value)> {
        let url = format!("http://{}/scim2{path}", self.addresses[node]);
        let mut request = self.client.request(method, url).bearer_auth(&self.token).timeout(WAIT);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// What a node answers that is alive.
    async fn get(&self, node: usize, path: &str) -> (u16, Value) {
        self.send(node, reqwest::Method::GET, path, None).await.unwrap()
    }

    /// The service provider in this process, at a moment by which every lease has run out.
    fn provider(&self) -> (ServiceProvider, TenantId) {
        let now = jiff::Timestamp::now() + SignedDuration::from_mins(30);
        let provider = ServiceProvider::open(Config {
            database: db::testing::url(&self.office.path().join("service-provider.db")),
            public_url: "http://muster.example".into(),
            key_file: None,
            clock: Clock::fixed(now),
        })
        .unwrap();
        let tenant = provider.tenant("acme").unwrap().id;
        (provider, tenant)
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn user(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@acme.example"),
        "displayName": name,
    })
}

fn deactivation() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": false }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_does_the_other_shows_at_once() {
    if db::testing::on_sqlite() {
        return;
    }
    let nodes = Nodes::start();
    for round in 0..6 {
        let (here, there) = (round % 2, (round + 1) % 2);
        let body = user(&format!("user-{round}"));
        let (status, made) =
            nodes.send(here, reqwest::Method::POST, "/Users", Some(&body)).await.unwrap();
        assert_eq!(status, 201, "{made}");
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let (status, shown) = nodes.get(there, &path).await;
        assert_eq!((status, &shown["userName"]), (200, &body["userName"]));
        for node in [here, there] {
            let (_, list) = nodes.get(node, "/Users?startIndex=2&count=1").await;
            assert_eq!(list["totalResults"], round + 1);
        }
        let (status, refused) =
            nodes.send(there, reqwest::Method::POST, "/Users", Some(&body)).await.unwrap();
        assert_eq!((status, &refused["scimType"]), (409, &json!("uniqueness")));
        let patched =
            nodes.send(there, reqwest::Method::PATCH, &path, Some(&deactivation())).await.unwrap();
        assert_eq!(patched.0, 200, "{patched:?}");
        assert_eq!(nodes.get(here, &path).await.1["active"], false);
    }
    let listed: Value = {
        let output = nodes.office.command("token list --tenant acme --json").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let name = listed[0]["name"].as_str().unwrap().to_owned();
    nodes.office.done(&format!("token revoke {name} --tenant acme"));
    for node in [0, 1] {
        assert_eq!(nodes.get(node, "/Users?count=0").await.0, 401);
    }
}

/// What the clients were told.
#[derive(Default)]
struct Told {
    created: Vec<String>,
    deactivated: Vec<String>,
    put_off_count: usize,
    broken_count: usize,
    unexpected: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_under_load_loses_nothing_that_was_acknowledged() {
    if db::testing::on_sqlite() {
        return;
    }
    let mut nodes = Nodes::start();
    let (told, next, first_is_dead) =
        (Mutex::new(Told::default()), AtomicUsize::new(0), AtomicBool::new(false));
    let pid = nodes.servers[0].id();
    let begun = Instant::now();
    let clients = (0..CLIENT_COUNT).map(|client| {
        let (nodes, told, next, first_is_dead) = (&nodes, &told, &next, &first_is_dead);
        async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= USER_COUNT {
                    return;
                }
                let node = if first_is_dead.load(Ordering::SeqCst) { 1 } else { client % 2 };
                let body = user(&format!("user-{number}"));
                let made = nodes.send(node, reqwest::Method::POST, "/Users", Some(&body)).await;
                let Some(id) = note(told, made, 201) else { continue };
                told.lock().unwrap().created.push(id.clone());
                if number % 3 == 0 {
                    let path = format!("/Users/{id}");
                    let patched = nodes
                        .send(node, reqwest::Method::PATCH, &path, Some(&deactivation()))
                        .await;
                    if note(told, patched, 200).is_some() {
                        told.lock().unwrap().deactivated.push(id);
                    }
                }
            }
        }
    });
    let killer = async {
        while told.lock().unwrap().created.len() < KILLED_AFTER {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // SIGKILL: nothing of it can say good-bye.
        let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        assert!(killed.unwrap().success());
        first_is_dead.store(true, Ordering::SeqCst);
    };
    tokio::join!(killer, all(clients.collect()));
    let seconds = begun.elapsed().as_secs_f64();
    nodes.servers[0].wait().unwrap();

    let told = told.into_inner().unwrap();
    println!(
        "{} created, {} deactivated in {seconds:.1} s; {} put off, {} connections broken",
        told.created.len(),
        told.deactivated.len(),
        told.put_off_count,
        told.broken_count
    );
    assert_eq!(told.unexpected, Vec::<String>::new());
    assert!(told.created.len() >= USER_COUNT - CLIENT_COUNT, "{}", told.created.len());
    assert!(!told.deactivated.is_empty());
    for id in &told.created {
        assert_eq!(nodes.get(1, &format!("/Users/{id}")).await.0, 200, "{id} is lost");
    }
    // What was not answered may have happened; the counter is right all the same.
    let (_, list) = nodes.get(1, "/Users?count=1000&attributes=userName").await;
    let shown = list["Resources"].as_array().unwrap().len();
    assert_eq!(list["totalResults"], shown);
    assert!((told.created.len()..=USER_COUNT).contains(&shown));
    // What the dead node had begun is done by whoever is left, once.
    let (provider, tenant) = nodes.provider();
    tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        for id in &told.deactivated {
            loop {
                provider.work_off().unwrap();
                let receipts = provider.receipts(&tenant, id).unwrap();
                assert_eq!(receipts.len(), 1, "{receipts:?}");
                if receipts[0].steps.iter().all(|step| step.state == StepState::Done) {
                    break;
                }
                assert!(begun.elapsed() < WAIT, "{receipts:?}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    })
    .await
    .unwrap();
}

/// Notes what an answer says; the id of what was done, if it was.
fn note(
    told: &Mutex<Told>,
    answer: reqwest::Result<(u16, Value)>,
    expected: u16,
) -> Option<String> {
    let mut told = told.lock().unwrap();
    match answer {
        Ok((status, body)) if status == expected => {
            return Some(body["id"].as_str().unwrap().to_owned());
        }
        Ok((503, _)) => told.put_off_count += 1,
        Ok((status, body)) => told.unexpected.push(format!("{status} {body}")),
        Err(_) => told.broken_count += 1,
    }
    None
}

/// Runs futures beside each other until all are done.
async fn all(mut futures: Vec<impl Future<Output = ()>>) {
    let mut pinned: Vec<_> = Vec::new();
    for future in futures.drain(..) {
        pinned.push(Box::pin(future));
    }
    std::future::poll_fn(|context| {
        pinned.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if pinned.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
