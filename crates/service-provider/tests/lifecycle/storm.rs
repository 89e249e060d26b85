//! Many clients at once: whatever they do to the same users and groups, the counters tell what the
//! rows say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;

const WRITERS: usize = 16;
const STEPS: usize = 40;
const USERS: usize = 48;
const GROUPS: [&str; 3] = ["Zoom - Meetings", "Zoom - Phone", "Zoom - Contact Center"];

/// What one writer does next, from its own place and step, so that a run can be told again.
async fn step(server: &Server, groups: &[String], users: &[String], at: usize) -> Answer {
    let user = &users[(at * 7919) % users.len()];
    let other = &users[(at * 104_729 + 1) % users.len()];
    let group = format!("/scim2/Groups/{}", groups[at % groups.len()]);
    let active = |active: bool| json!([{"op": "replace", "value": {"active": active}}]);
    match (at * 31 + at / 16) % 41 {
        0..=12 => {
            let members = json!([{"value": user}, {"value": other}]);
            server.patch(&group, json!([{"op": "add", "path": "members", "value": members}])).await
        }
        13..=20 => {
            let path = format!("members[value eq \"{user}\"]");
            server.patch(&group, json!([{"op": "remove", "path": path}])).await
        }
        21..=23 => {
            let members = json!([{"value": user}, {"value": other}]);
            let operations = json!([{"op": "replace", "path": "members", "value": members}]);
            server.patch(&group, operations).await
        }
        24..=29 => server.patch(&format!("/scim2/Users/{user}"), active(false)).await,
        30..=36 => server.patch(&format!("/scim2/Users/{user}"), active(true)).await,
        37..=39 => {
            let action = if at.is_multiple_of(2) { "deactivate" } else { "activate" };
            server.put(&format!("/v2/users/{user}/status"), json!({"action": action})).await
        }
        _ => server.delete(&format!("/scim2/Users/{other}")).await,
    }
}

async fn check_groups(server: &Server, groups: &[String], there: &BTreeSet<String>) {
    for group in groups {
        let shown = server.get(&format!("/scim2/Groups/{group}")).await.ok();
        let members = shown["members"].as_array().cloned().unwrap_or_default();
        let members: BTreeSet<String> =
            members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        assert!(members.is_subset(there), "{group} has members that are gone");
        let stored = server.provider.group(&server.tenant, group).unwrap();
        assert_eq!(stored.member_count, members.len() as u64, "{group}");
    }
}

fn check_seats(server: &Server, active: &BTreeMap<String, bool>) {
    for pool in server.provider.pools(&server.tenant).unwrap() {
        let who = |state| -> BTreeSet<String> {
            let seats =
                server.provider.seats_of_pool(&server.tenant, &pool.pool, state, (0, 9_999));
            seats.unwrap().into_iter().map(|seat| seat.user.0).collect()
        };
        let (held, waiting) = (who(SeatState::Held), who(SeatState::Waiting));
        assert_eq!(held.intersection(&waiting).count(), 0, "{}", pool.name);
        for user in held.union(&waiting) {
            assert_eq!(active.get(user), Some(&true), "{} for {user}", pool.name);
        }
        let full = pool.limit.is_some_and(|limit| held.len() >= limit as usize);
        assert!(waiting.is_empty() || full, "{} has free seats and a waitlist", pool.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_tell_what_the_rows_say_when_many_write_at_once() {
    let server = Arc::new(Server::start().await);
    let mut users = Vec::new();
    for n in 0..USERS {
        users.push(server.user(&format!("u{n}")).await);
    }
    let mut groups = Vec::new();
    for name in GROUPS {
        groups.push(server.group(name, &[]).await);
    }
    server.set_limit(&product("phone"), 5);
    server.set_limit(&license("workplace-business"), 9);
    let (users, groups) = (Arc::new(users), Arc::new(groups));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let provider = server.provider.clone();
    let background = tokio::spawn(async move {
        provider.run_background(async { drop(stopped.await) }).await;
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (server, users, groups) = (server.clone(), users.clone(), groups.clone());
            tokio::spawn(async move {
                for at in (0..STEPS).map(|step| step * WRITERS + writer) {
                    let answer = step(&server, &groups, &users, at).await;
                    // Whoever comes too late finds nobody; nothing else may go wrong.
                    let late = [400, 404].contains(&answer.status.as_u16());
                    assert!(
                        answer.status.is_success() || late,
                        "{} {}",
                        answer.status,
                        answer.text
                    );
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    stop.send(()).unwrap();
    background.await.unwrap();
    server.work_off();

    let mut active = BTreeMap::new();
    for user in users.iter() {
        let answer = server.get(&format!("/scim2/Users/{user}")).await;
        if answer.status == StatusCode::OK {
            active.insert(user.clone(), answer.ok()["active"] == true);
        }
    }
    let total = server.get("/scim2/Users?count=0").await.ok()["totalResults"].clone();
    assert_eq!(total, active.len());
    assert!((1..USERS).contains(&active.len()), "nobody, or everybody, is left");
    check_groups(&server, &groups, &active.keys().cloned().collect()).await;
    check_seats(&server, &active);
}
