//! Requests at the same moment: nothing may be lost, and nothing made twice.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::crowd;
use crate::conformance::check::Stop;
use crate::conformance::value::{Within, at};
use crate::conformance::walk::Scope;
use crate::conformance::wire::Exchange;

/// Sends requests all at once.
async fn at_once(
    scope: &mut Scope<'_>,
    requests: Vec<(&'static str, String, Option<Value>)>,
) -> Vec<Exchange> {
    let mut tasks = JoinSet::new();
    for (method, path, body) in requests {
        let request = scope.prepared(method, &path, body.map(|body| body.to_string()));
        let peer = scope.peer.clone();
        tasks.spawn(async move { peer.send(&request).await });
    }
    let mut exchanges = Vec::new();
    while let Some(done) = tasks.join_next().await {
        exchanges.extend(done);
    }
    scope.exchanges.extend(exchanges.iter().cloned());
    exchanges
}

fn patch(operations: Value) -> Option<Value> {
    let urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    Some(json!({"schemas": [urn], "Operations": operations}))
}

fn add(id: &str) -> Value {
    json!({"op": "add", "path": "members", "value": [{"value": id}]})
}

fn remove(id: &str) -> Value {
    json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
}

/// Something that can happen at once, so many times.
pub async fn run(scope: &mut Scope<'_>, what: &str, count: usize) -> Result<(), Stop> {
    match what {
        "adds" => members(scope, count, 0).await,
        "removes" => members(scope, count, count).await,
        "both" => members(scope, count, count / 2).await,
        "same-name" => same_name(scope, count).await,
        "creates" => creates(scope, count).await,
        "attributes" => attributes(scope).await,
        "deletes" => deletes(scope, count).await,
        "guarded" => guarded(scope, count).await,
        "reads" => reads(scope, count).await,
        _ => Err(Stop::skip(format!("nothing is called `{what}`"))),
    }
}

/// Adds and removals of single members: the first so many are in the group and are taken out, the
/// others are put in.
async fn members(scope: &mut Scope<'_>, count: usize, removed: usize) -> Result<(), Stop> {
    let crowd = crowd::ids(scope)?;
    let crowd = &crowd[..count.min(crowd.len())];
    let group = scope.fill("{group}", Within::Path)?;
    let (leaving, joining) = crowd.split_at(removed.min(crowd.len()));
    if !leaving.is_empty() {
        let all: Vec<Value> = leaving.iter().map(|id| json!({"value": id})).collect();
        let operation = json!([{"op": "add", "path": "members", "value": all}]);
        let body = patch(operation).map(|body| body.to_string());
        let made = scope.send("PATCH", &group, body).await;
        if !(200..300).contains(&made.status) {
            return Err(Stop::skip(format!("the group could not be filled ({})", made.status)));
        }
    }
    let joins = joining.iter().map(|id| add(id));
    let leaves = leaving.iter().map(|id| remove(id));
    let requests = joins.chain(leaves);
    let requests = requests.map(|one| ("PATCH", group.clone(), patch(json!([one])))).collect();
    let answers = at_once(scope, requests).await;
    let refused: Vec<u16> = answers.iter().map(|one| one.status).filter(|s| *s >= 300).collect();
    let after = scope.send("GET", &group, None).await;
    let body = after.json.unwrap_or(Value::Null);
    let there: Vec<&str> =
        at(&body, "members[].value").into_iter().filter_map(Value::as_str).collect();
    let lost = joining.iter().filter(|id| !there.contains(&id.as_str())).count();
    let kept = leaving.iter().filter(|id| there.contains(&id.as_str())).count();
    if lost + kept == 0 {
        return Ok(());
    }
    Err(Stop::fail(format!(
        "of {} members added at once {lost} are missing, of {} removed at once {kept} are still \
         there; refused with {refused:?}",
        joining.len(),
        leaving.len()
    )))
}

fn user(name: &str) -> Option<Value> {
    Some(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "name": {"givenName": "At", "familyName": "Once"},
        "displayName": "At Once",
        "emails": [{"value": name, "type": "work", "primary": true}],
        "active": true,
    }))
}

async fn same_name(scope: &mut Scope<'_>, count: usize) -> Result<(), Stop> {
    let name = scope.fill("{me}@{domain}", Within::Plain)?;
    let requests = (0..count).map(|_| ("POST", "/Users".to_owned(), user(&name))).collect();
    let answers = at_once(scope, requests).await;
    let made = answers.iter().filter(|one| one.status == 201).count();
    let told = answers.iter().filter(|one| one.status == 409).count();
    if made == 1 && told == count - 1 {
        return Ok(());
    }
    let statuses: Vec<u16> = answers.iter().map(|one| one.status).collect();
    Err(Stop::fail(format!("{made} of {count} were made, which should be one: {statuses:?}")))
}

async fn creates(scope: &mut Scope<'_>, count: usize) -> Result<(), Stop> {
    let mut requests = Vec::new();
    for number in 0..count {
        let name = scope.fill(&format!("{{me}}.{number}@{{domain}}"), Within::Plain)?;
        requests.push(("POST", "/Users".to_owned(), user(&name)));
    }
    let answers = at_once(scope, requests).await;
    let mut ids: Vec<&str> =
        answers.iter().filter_map(|one| one.json.as_ref()?["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let made = answers.iter().filter(|one| one.status == 201).count();
    if made == count && ids.len() == count {
        return Ok(());
    }
    Err(Stop::fail(format!("{made} of {count} were made, with {} different ids", ids.len())))
}

/// Two requests change two attributes: both changes stay.
async fn attributes(scope: &mut Scope<'_>) -> Result<(), Stop> {
    let user = scope.fill("{user}", Within::Path)?;
    for round in 0..4 {
        let change = |path: &str| {
            let value = format!("{path} {round}");
            let operation = json!([{"op": "replace", "path": path, "value": value}]);
            ("PATCH", user.clone(), patch(operation))
        };
        at_once(scope, vec![change("displayName"), change("name.givenName")]).await;
        let after = scope.send("GET", &user, None).await.json.unwrap_or(Value::Null);
        let has = |place: &str| {
            at(&after, place).first().and_then(|value| value.as_str()).map(str::to_owned)
        };
        for place in ["displayName", "name.givenName"] {
            let wanted = format!("{place} {round}");
            if has(place).as_deref() != Some(&wanted) {
                let came = has(place).unwrap_or_default();
                return Err(Stop::fail(format!("`{place}` is `{came}`, not `{wanted}`")));
            }
        }
    }
    Ok(())
}

async fn deletes(scope: &mut Scope<'_>, count: usize) -> Result<(), Stop> {
    let user = scope.fill("{user}", Within::Path)?;
    let requests = (0..count).map(|_| ("DELETE", user.clone(), None)).collect();
    let answers = at_once(scope, requests).await;
    let statuses: Vec<u16> = answers.iter().map(|one| one.status).collect();
    let fits = |status: &u16| matches!(status, 200 | 204 | 404 | 409 | 410);
    if statuses.iter().all(fits) && statuses.iter().any(|status| *status < 300) {
        return Ok(());
    }
    Err(Stop::fail(format!("deleting one user {count} times at once answered {statuses:?}")))
}

/// The same version in hand, one change may win.
async fn guarded(scope: &mut Scope<'_>, count: usize) -> Result<(), Stop> {
    let user = scope.fill("{user}", Within::Path)?;
    let version = scope.send("GET", &user, None).await;
    let tag = version.header("etag").map(str::to_owned);
    let tag = tag.ok_or_else(|| Stop::skip("a GET shows no ETag"))?;
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let operation =
            json!([{"op": "replace", "path": "displayName", "value": number.to_string()}]);
        let body = patch(operation).map(|body| body.to_string());
        let mut request = scope.prepared("PATCH", &user, body);
        request.headers.push(("If-Match".to_owned(), Some(tag.clone())));
        let peer = scope.peer.clone();
        tasks.spawn(async move { peer.send(&request).await });
    }
    let answers = tasks.join_all().await;
    scope.exchanges.extend(answers.iter().cloned());
    let won = answers.iter().filter(|one| (200..300).contains(&one.status)).count();
    if won == 1 {
        return Ok(());
    }
    let statuses: Vec<u16> = answers.iter().map(|one| one.status).collect();
    Err(Stop::fail(format!("{won} of {count} changes to one version were taken: {statuses:?}")))
}

/// While a user changes, every answer is a whole user.
async fn reads(scope: &mut Scope<'_>, count: usize) -> Result<(), Stop> {
    let user = scope.fill("{user}", Within::Path)?;
    let change = |number: usize| {
        let value = format!("Reader {number}");
        patch(json!([{"op": "replace", "path": "displayName", "value": value}]))
    };
    let requests = (0..count).map(|number| match number % 2 {
        0 => ("GET", user.clone(), None),
        _ => ("PATCH", user.clone(), change(number)),
    });
    let answers = at_once(scope, requests.collect()).await;
    let whole = |one: &&Exchange| one.json.as_ref().is_some_and(|json| json["id"].is_string());
    let reads = answers.iter().filter(|one| one.method == "GET");
    let broken = reads.filter(|one| one.status != 200 || !whole(one)).count();
    if broken == 0 { Ok(()) } else { Err(Stop::fail(format!("{broken} reads are no whole user"))) }
}
