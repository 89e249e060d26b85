//! The feed: without gaps, for whoever keeps the last place; enough to rebuild everything from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entitlement::{Pool, SeatState};

use super::*;

#[tokio::test]
async fn whoever_keeps_the_last_place_misses_nothing() {
    let server = Server::start().await;
    let ana = server.user("ana").await;
    let before = server.get("/v2/events").await.with(200);
    assert_eq!((before["events"].clone(), before["caught_up"].clone()), (json!([]), json!(false)));
    let log = server.log().await;
    let places: Vec<i64> = log.iter().map(|event| event["place"].as_i64().unwrap()).collect();
    assert_eq!(places, (1..=i64::try_from(log.len()).unwrap()).collect::<Vec<_>>());
    let last = places.len();

    server.rename(&ana, "Ana").await;
    server.provider.seal_events().unwrap();
    let page = server.get(&format!("/events?after={last}")).await.with(200);
    assert_eq!((&page["next"], &page["caught_up"]), (&json!(last + 1), &json!(true)));
    let event = &page["events"][0];
    assert_eq!((&event["kind"], &event["subject"]), (&json!("user.updated"), &json!(ana)));
    assert_eq!((&event["actor"], &event["place"]), (&json!("token:directory"), &json!(last + 1)));
    assert_eq!(event["payload"]["changed"], json!({"displayName": "Ana"}));
    assert_eq!(event["payload"]["formerly"], json!({"displayName": null}));
    server.get("/v2/events?after=-1").await.with(400);
}

#[tokio::test]
async fn a_token_for_events_reads_them_and_nothing_else() {
    let server = Server::start().await;
    let mut new = NewToken { scopes: Scopes::of([Scope::EventsRead]), ..NewToken::named("siem") };
    let get = async |token: &str, path: &str| {
        let url = format!("{}{path}", server.provider.public_url());
        server.client.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    let siem = server.provider.create_token(&server.ctx(), &server.tenant, &new).unwrap().secret;
    assert_eq!(get(&siem, "/v2/events").await, 200);
    assert_eq!(get(&siem, "/events").await, 200);
    assert_eq!(get(&siem, "/v2/users").await, 403);
    assert_eq!(get(&siem, "/scim2/Users").await, 403);
    new = NewToken { scopes: Scopes::of([Scope::ScimRead]), ..NewToken::named("reader") };
    let reader = server.provider.create_token(&server.ctx(), &server.tenant, &new).unwrap().secret;
    assert_eq!(get(&reader, "/v2/events").await, 403);
    assert_eq!(get("nonsense", "/events").await, 401);
    let other = server.provider.create_tenant(&server.ctx(), "Other").unwrap().id;
    let other = server.provider.create_token(&server.ctx(), &other, &NewToken::named("x")).unwrap();
    server.provider.seal_events().unwrap();
    let url = format!("{}/v2/events", server.provider.public_url());
    let page = send(server.client.get(url).bearer_auth(&other.secret)).await.with(200);
    let kinds: Vec<_> = page["events"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["tenant.created", "token.created"], "another tenant's log is another log");
}

#[tokio::test]
async fn a_client_that_waits_is_answered_when_something_happens() {
    let server = Server::start().await;
    let last = server.log().await.len();
    let waiting = server.request(Method::GET, &format!("/v2/events?after={last}&wait=30"));
    let waiting = tokio::spawn(send(waiting));
    // Whether the request is waiting by now or comes later makes no difference to it.
    server.user("ana").await;
    server.provider.seal_events().unwrap();
    let page = tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
    assert_eq!(page.with(200)["events"][0]["kind"], "user.created");
}

#[tokio::test]
async fn whoever_comes_after_the_beginning_was_cut_off_is_told_so() {
    let server = Server::start().await;
    server.user("ana").await;
    let last = server.log().await.len();
    server.clock.advance(jiff::SignedDuration::from_hours(1));
    let cut = server.provider.truncate_events(&server.ctx(), &server.tenant, server.clock.now());
    assert_eq!(cut.unwrap().unwrap().place, i64::try_from(last).unwrap());
    let told = server.get("/v2/events").await.with(410)["message"].as_str().unwrap().to_owned();
    assert!(told.contains(&format!("go on with after={last}")), "{told}");
    server.provider.seal_events().unwrap();
    let page = server.get(&format!("/v2/events?after={last}")).await.with(200);
    assert_eq!(page["events"][0]["kind"], "log.truncated");
}

#[tokio::test]
async fn the_feed_alone_rebuilds_users_groups_memberships_and_licenses() {
    for seed in 1..=4 {
        let mut workload = Workload::new(seed).await;
        for _ in 0..120 {
            workload.step().await;
        }
        workload.server.provider.work_off().unwrap();
        let log = workload.server.log().await;
        let rebuilt = Replica::of(&log);
        let stored = Replica::read(&workload.server).await;
        assert!(stored.users.len() > 3 && !stored.seats.is_empty(), "seed {seed} came to little");
        assert_eq!(rebuilt, stored, "seed {seed}");
    }
}

/// What a consumer keeps.
#[derive(Debug, Default, PartialEq)]
struct Replica {
    /// Documents with state and origin.
    users: BTreeMap<String, (Value, String, String)>,
    groups: BTreeMap<String, Value>,
    members: BTreeSet<(String, String)>,
    /// User, pool, and whether it is held or waited for.
    seats: BTreeMap<(String, String), &'static str>,
}

impl Replica {
    /// The feed, event by event.
    fn of(log: &[Value]) -> Self {
        let mut replica = Self::default();
        for event in log {
            replica.apply(event);
        }
        replica
    }

    fn apply(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, payload) = (text(&event["subject"]), &event["payload"]);
        let members = || payload["members"].as_array().unwrap().iter().map(text);
        match event["kind"].as_str().unwrap() {
            "user.created" => {
                let (state, origin) = (text(&payload["state"]), text(&payload["origin"]));
                self.users.insert(id, (payload["resource"].clone(), state, origin));
            }
            "user.updated" => {
                merge(&mut self.users.get_mut(&id).unwrap().0, &payload["changed"]);
            }
            "user.deactivated" | "user.reactivated" => {
                let user = self.users.get_mut(&id).unwrap();
                user.0["active"] = payload["active"].clone();
                user.1 = text(&payload["state"]);
            }
            "user.adopted" => self.users.get_mut(&id).unwrap().2 = "scim".into(),
            "user.deleted" => assert!(self.users.remove(&id).is_some()),
            "group.created" => drop(self.groups.insert(id, payload["resource"].clone())),
            "group.updated" => merge(self.groups.get_mut(&id).unwrap(), &payload["changed"]),
            "group.member.added" => {
                for member in members() {
                    assert!(self.members.insert((id.clone(), member)));
                }
            }
            "group.member.removed" => {
                for member in members() {
                    assert!(self.members.remove(&(id.clone(), member)));
                }
            }
            "group.deleted" => {
                assert!(self.groups.remove(&id).is_some());
                self.members.retain(|(group, _)| *group != id);
            }
            kind @ ("license.held" | "license.waiting" | "license.freed" | "license.withdrawn") => {
                let key = (id, text(&payload["pool"]["key"]));
                match kind {
                    "license.held" => drop(self.seats.insert(key, "held")),
                    "license.waiting" => drop(self.seats.insert(key, "waiting")),
                    _ => assert!(self.seats.remove(&key).is_some()),
                }
            }
            _ => {}
        }
    }

    /// The database, as SCIM and the listings show it.
    async fn read(server: &Server) -> Self {
        let mut replica = Self::default();
        let users = server.get("/scim2/Users?count=500").await.with(200);
        for user in users["Resources"].as_array().unwrap() {
            let id = user["id"].as_str().unwrap().to_owned();
            let row = server.provider.user(&server.tenant, &id).unwrap();
            let (state, origin) = (row.state.as_str().to_owned(), row.origin.as_str().to_owned());
            replica.users.insert(id, (serde_json::from_str(&row.document).unwrap(), state, origin));
        }
        for group in server.provider.groups(&server.tenant).unwrap() {
            let shown = server.get(&format!("/scim2/Groups/{}", group.id)).await.with(200);
            for member in shown["members"].as_array().into_iter().flatten() {
                let member = member["value"].as_str().unwrap().to_owned();
                replica.members.insert((group.id.clone(), member));
            }
            replica.groups.insert(group.id, serde_json::from_str(&group.document).unwrap());
        }
        for pool in server.provider.pools(&server.tenant).unwrap() {
            for (state, word) in [(SeatState::Held, "held"), (SeatState::Waiting, "waiting")] {
                let seats =
                    server.provider.seats_of_pool(&server.tenant, &pool.pool, state, (0, 9_999));
                let key = |seat: service_provider::SeatRow| {
                    ((seat.user.0, pool.pool.key().to_string()), word)
                };
                replica.seats.extend(seats.unwrap().into_iter().map(key));
            }
        }
        replica
    }
}

fn merge(document: &mut Value, changed: &Value) {
    for (name, value) in changed.as_object().unwrap() {
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
            value => document[name] = value.clone(),
        }
    }
}

/// Whatever directories and administrators do, from a seed.
struct Workload {
    server: Server,
    seed: u64,
    users: Vec<String>,
    groups: Vec<String>,
    named: usize,
}

impl Workload {
    async fn new(seed: u64) -> Self {
        let server = Server::start().await;
        let pool = Pool::Product(entitlement::Key::parse("phone").unwrap());
        server.provider.set_seat_limit(&server.ctx(), &server.tenant, &pool, Some(2)).unwrap();
        Self { server, seed, users: Vec::new(), groups: Vec::new(), named: 0 }
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % sides
    }

    fn pick(&mut self, from: &[String]) -> Option<String> {
        (!from.is_empty()).then(|| from[self.roll(from.len())].clone())
    }

    async fn step(&mut self) {
        let (users, groups) = (self.users.clone(), self.groups.clone());
        self.named += 1;
        let dice = self.roll(14);
        let (user, group) = (self.pick(&users), self.pick(&groups));
        match (dice, user, group) {
            (0..=2, ..) | (_, None, _) => {
                self.users.push(self.server.user(&format!("u{}", self.named)).await);
            }
            (3, ..) | (_, _, None) => {
                const NAMES: [&str; 3] = ["Zoom - Meetings", "Zoom - Phone", "Zoom - Webinars"];
                let name = match NAMES.get(groups.len()) {
                    Some(name) => (*name).to_owned(),
                    None => format!("G{}", self.named),
                };
                let members: Vec<&str> = users.iter().take(2).map(String::as_str).collect();
                let answer = self.server.group(&name, &members).await;
                self.groups.push(answer);
            }
            (4 | 5, Some(user), _) => self.edit(&user).await,
            (6, Some(user), _) => {
                let active = self.roll(2) == 0;
                self.server.set_active(&user, active).await;
            }
            (7, Some(user), _) => {
                self.server.delete(&format!("/scim2/Users/{user}")).await.with(204);
                self.users.retain(|id| *id != user);
            }
            (8 | 9, Some(user), Some(group)) => {
                let value = json!([{"value": user}]);
                self.members(&group, json!([{"op": "add", "path": "members", "value": value}]))
                    .await;
            }
            (10, Some(user), Some(group)) => {
                let path = format!("members[value eq \"{user}\"]");
                self.members(&group, json!([{"op": "remove", "path": path}])).await;
            }
            (11, Some(user), Some(group)) => {
                let value = json!([{"value": user}]);
                let operations = json!([
                    {"op": "replace", "path": "members", "value": value},
                    {"op": "replace", "path": "externalId", "value": format!("x{}", self.named)},
                ]);
                self.members(&group, operations).await;
            }
            (12, _, Some(group)) => {
                // A group in a group; where that would close a circle it is refused.
                if let Some(inner) = self.pick(&groups) {
                    let value = json!([{"value": inner, "type": "Group"}]);
                    let operations = json!([{"op": "add", "path": "members", "value": value}]);
                    self.server.patch(&format!("/scim2/Groups/{group}"), operations).await;
                }
            }
            (_, _, Some(group)) => {
                if groups.len() > 3 {
                    self.server.delete(&format!("/scim2/Groups/{group}")).await.with(204);
                    self.groups.retain(|id| *id != group);
                }
            }
        }
    }

    async fn members(&self, group: &str, operations: Value) {
        let answer = self.server.patch(&format!("/scim2/Groups/{group}"), operations).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    async fn edit(&mut self, user: &str) {
        let operations = match self.roll(4) {
            0 => json!([{"op": "replace", "path": "displayName", "value": self.named.to_string()}]),
            1 => json!([{"op": "remove", "path": "displayName"}]),
            2 => json!([
                {"op": "add", "path": "emails", "value": [
                    {"value": format!("e{}@acme.test", self.named), "type": "work"}
                ]},
                {"op": "replace", "path": "active", "value": self.named.is_multiple_of(2)},
            ]),
            _ => json!([{
                "op": "add",
                "path": format!("{}:department", urn::ENTERPRISE_USER),
                "value": format!("D{}", self.named),
            }]),
        };
        self.server.patch(&format!("/scim2/Users/{user}"), operations).await.with(200);
    }
}
