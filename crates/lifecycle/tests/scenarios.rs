//! Scenarios: facts, events and the expected plan, in files that an HR admin can read.
//!
//! A line is a fact, an event or a question; what is answered stands beneath it behind a bar. Run with
//! `UPDATE_EXPECT=1` to have the answers rewritten.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod world;

use std::fmt::Write;
use std::path::Path;

use jiff::civil::Date;
use lifecycle::{
    Approval, Assignment, Drift, Employment, GroupId, GuardPolicy, ManualMember, Person, PersonId,
    PushGroup, PushMode, PushStatus, Quirk, RemoteId, Rule, RuleId, Toll, guard, render,
};
use scim::Resource;
use serde_json::{Value, json};
use world::{World, employed, set, target::TargetGroup};

const SHOWN: usize = 20;

#[test]
fn scenarios_are_as_they_are_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the scenarios are in {}", folder.display());
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differing = Vec::new();
    for file in files {
        let told = std::fs::read_to_string(&file).unwrap();
        let found = run(&told);
        if found != told {
            if update {
                std::fs::write(&file, &found).unwrap();
            }
            differing.push(format!("{}:\n{found}", file.display()));
        }
    }
    assert!(
        update || differing.is_empty(),
        "these scenarios end differently; UPDATE_EXPECT=1 rewrites them\n\n{}",
        differing.join("\n")
    );
}

/// The scenario with the answers there are now.
fn run(told: &str) -> String {
    let mut world = World::new();
    let mut found = String::new();
    for line in told.lines().filter(|line| !line.starts_with('|')) {
        found.push_str(line);
        found.push('\n');
        let words = line.split('#').next().unwrap_or_default().trim();
        if words.is_empty() {
            continue;
        }
        for answer in answer(&mut world, words).lines() {
            let _ = writeln!(found, "{}", format!("| {answer}").trim_end());
        }
    }
    found
}

fn answer(world: &mut World, line: &str) -> String {
    match line {
        "plan" => return render(&world.plan(), SHOWN),
        "apply" => return apply(world),
        "guard" => return guarded(world),
        "show" => return show(world),
        "observe" => world.observe(),
        _ => fact(world, line),
    }
    String::new()
}

/// Does what the plan says, and asks whether anything is left.
fn apply(world: &mut World) -> String {
    let before = world.target.request_count;
    let plan = world.plan();
    world.apply(&plan);
    let made = world.target.request_count - before;
    assert_eq!(made, plan.cost.requests, "exactly the requests that were counted");
    let again = world.plan();
    let left = match again.changes.len() {
        0 => "nothing is left to do".to_owned(),
        count => format!("{count} changes are left: {}", render(&again, SHOWN)),
    };
    format!(
        "{} done with {}; {left}",
        counted(plan.changes.len(), "change"),
        counted(made, "request")
    )
}

fn counted(count: impl ToString, what: &str) -> String {
    let count = count.to_string();
    let s = if count == "1" { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn guarded(world: &mut World) -> String {
    let plan = world.plan();
    let verdict = |approval: &Approval| {
        guard(&plan.changes, &plan.population, &GuardPolicy::default(), Toll::default(), approval)
    };
    assert!(verdict(&Approval::of(&plan)).is_released(), "what was approved is released");
    verdict(&Approval::default()).sentences("Workplace", "DIGEST").join("\n")
}

/// What is in the application.
fn show(world: &World) -> String {
    let mut text = String::new();
    for (id, user) in &world.target.users {
        let document = user.document();
        let active = document.get("active").and_then(Value::as_bool).unwrap_or(true);
        let groups: Vec<&str> = world
            .target
            .groups
            .values()
            .filter(|group| group.members.contains(id))
            .map(|group| group.name.as_str())
            .collect();
        let department = document
            .get(scim::urn::ENTERPRISE_USER)
            .and_then(|extension| extension.get("department"))
            .and_then(Value::as_str);
        let _ = writeln!(
            text,
            "{} {} {}, {}; groups: {}",
            user.text("userName").unwrap_or("?"),
            if active { "active" } else { "inactive" },
            department.unwrap_or("no department"),
            user.text("title").unwrap_or("no title"),
            if groups.is_empty() { "none".to_owned() } else { groups.join(", ") },
        );
    }
    text
}

fn fact(world: &mut World, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let rest = |count: usize| words[count..].join(" ");
    match words[..] {
        ["today", "is", day] => world.as_of = date(day),
        ["person", number, ..] if number.ends_with(':') => {
            add_person(world, number.trim_end_matches(':'), &rest(2));
        }
        ["person", number, ..] => event(world.person(number), &rest(2)),
        ["group", name, "grants", "licenses"] => world.add_group(name, true),
        ["group", name] => world.add_group(name, false),
        ["rule", name, ..] => add_rule(world, name.trim_end_matches(':'), &rest(2)),
        ["add", number, "to", name] => by_hand(world, number, name),
        ["assign", "everyone"] => world.application.assignments.push(Assignment::everyone(0)),
        ["assign", "group", name] => {
            let assignment = Assignment::group(group_id(name), name, 0);
            world.application.assignments.push(assignment);
        }
        ["assign", "person", number] => {
            let assignment = Assignment::person(person_id(number), "ben", now(), 0);
            world.application.assignments.push(assignment);
        }
        ["unassign", "everybody"] => world.application.assignments.clear(),
        ["push", name] => push(world, name, name),
        ["push", name, "as", ..] => push(world, name, &rest(3)),
        ["stop", "pushing", name] => {
            push_group(world, name).status = PushStatus::Inactive;
        }
        ["only", "link", name] => push_group(world, name).mode = PushMode::LinkOnly,
        ["there:", ..] => there(world, &rest(1)),
        ["set", ..] => setting(world, &rest(1)),
        _ => panic!("nobody understands: {line}"),
    }
}

/// `First Last, Department, Title, since DATE[, until DATE]`
fn add_person(world: &mut World, number: &str, text: &str) {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [name, department, title, since, ref until @ ..] = parts[..] else {
        panic!("a person is `NAME, DEPARTMENT, TITLE, since DATE[, until DATE]`: {text}");
    };
    let (given, family) = name.split_once(' ').unwrap();
    let login = format!("{given}.{family}@acme.test").to_lowercase();
    world.add_person(
        number,
        Some(&login),
        &[
            ("name.givenName", given),
            ("name.familyName", family),
            ("displayName", name),
            ("department", department),
            ("title", title),
        ],
    );
    let end = until.first().map(|until| date(until.strip_prefix("until ").unwrap()));
    let start = date(since.strip_prefix("since ").unwrap());
    world.person(number).employments = vec![employed(start, end)];
}

fn event(person: &mut Person, text: &str) {
    if let Some(department) = text.strip_prefix("moves to ") {
        set(&mut person.profile, "department", department);
    } else if let Some(title) = text.strip_prefix("becomes ") {
        set(&mut person.profile, "title", title);
    } else if let Some(name) = text.strip_prefix("is now called ") {
        let (given, family) = name.split_once(' ').unwrap();
        set(&mut person.profile, "name.givenName", given);
        set(&mut person.profile, "name.familyName", family);
        set(&mut person.profile, "displayName", name);
    } else if let Some(login) = text.strip_prefix("gets the login ") {
        set(&mut person.profile, "userName", login);
    } else if text == "loses the login" {
        set(&mut person.profile, "userName", "");
    } else if let Some(day) = text.strip_prefix("leaves on ") {
        person.employments.last_mut().unwrap().end = Some(date(day));
    } else if let Some(day) = text.strip_prefix("returns on ") {
        person.employments.push(Employment { start: date(day), end: None });
    } else {
        panic!("nobody understands what happens to the person: {text}");
    }
}

fn add_rule(world: &mut World, name: &str, condition: &str) {
    world.rules.push(Rule {
        id: RuleId::parse(&name.to_lowercase()).unwrap(),
        name: name.to_owned(),
        expression: Rule::condition(condition).unwrap(),
        groups: vec![group_id(name)],
        active: true,
    });
}

fn by_hand(world: &mut World, number: &str, name: &str) {
    let member =
        ManualMember { person: person_id(number), actor: "ben".to_owned(), at: now(), note: None };
    let id = group_id(name);
    world.groups.iter_mut().find(|group| group.id == id).unwrap().members.push(member);
}

fn push(world: &mut World, name: &str, remote_name: &str) {
    let group = group_id(name);
    if let Some(known) = world.application.push_groups.iter_mut().find(|known| known.group == group)
    {
        remote_name.clone_into(&mut known.remote_name);
        return;
    }
    world.application.push_groups.push(PushGroup {
        group,
        remote_name: remote_name.to_owned(),
        mode: PushMode::CreateOrLink,
        status: PushStatus::Active,
    });
}

fn push_group<'w>(world: &'w mut World, name: &str) -> &'w mut PushGroup {
    let id = group_id(name);
    world.application.push_groups.iter_mut().find(|group| group.group == id).unwrap()
}

/// What somebody does in the application without us.
fn there(world: &mut World, text: &str) {
    if text.starts_with('{') {
        let value: Value = serde_json::from_str(text).unwrap();
        let id = world.target.next_id();
        let user = Resource::from_canonical(value.as_object().unwrap().clone());
        world.target.users.insert(id, user);
        return;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let id = |world: &World, login: &str| -> RemoteId {
        world.target.by_login(login).unwrap_or_else(|| panic!("there is no {login} there"))
    };
    match words[..] {
        ["a", "group", name] => {
            let id = world.target.next_id();
            let group = TargetGroup { name: name.to_owned(), members: [].into() };
            world.target.groups.insert(id, group);
        }
        ["group", name, "is", "deleted"] => {
            world.target.groups.retain(|_, group| group.name != name);
        }
        ["group", name, "has", login] => {
            let id = id(world, login);
            let mut groups = world.target.groups.values_mut();
            groups.find(|group| group.name == name).unwrap().members.insert(id);
        }
        [login, "is", "deleted"] => world.target.delete_user(&id(world, login)),
        [login, "is", "deactivated"] => {
            world.target.set_by_hand(&id(world, login), "active", json!(false));
        }
        [login, "is", "activated"] => {
            world.target.set_by_hand(&id(world, login), "active", json!(true));
        }
        [login, "gets", "the", "title", title] => {
            world.target.set_by_hand(&id(world, login), "title", json!(title));
        }
        _ => panic!("nobody understands what happens there: {text}"),
    }
}

fn setting(world: &mut World, text: &str) {
    let application = &mut world.application;
    match text {
        "creating users off" => application.actions.create_users = false,
        "updating attributes off" => application.actions.update_attributes = false,
        "deactivating users off" => application.actions.deactivate_users = false,
        "drift repair" => application.drift = Drift::Repair,
        "drift ignore" => application.drift = Drift::Ignore,
        "members per request 2" => application.profile.member_batch = 2,
        "groups cannot be renamed" => {
            application.profile.quirks.insert(Quirk::NoGroupRename);
        }
        _ => panic!("there is no setting: {text}"),
    }
}

fn date(text: &str) -> Date {
    text.parse().unwrap_or_else(|_| panic!("{text} is no date"))
}

fn now() -> jiff::Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn group_id(name: &str) -> GroupId {
    GroupId::parse(&name.to_lowercase()).unwrap()
}

fn person_id(number: &str) -> PersonId {
    PersonId::parse(&format!("p{number}")).unwrap()
}
