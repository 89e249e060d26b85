//! Whatever happens, a plan that was applied leaves nothing to do, takes exactly the requests it
//! counted, and leaves everything in the application as it should be.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod world;

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::date;
use lifecycle::{
    Assignment, Drift, Employment, GroupId, ManualMember, PersonId, PushGroup, PushMode,
    PushStatus, Rule, RuleId, memberships,
};
use proptest::prelude::*;
use scim::Resource;
use serde_json::json;
use world::{World, employed, set};

const PEOPLE: usize = 9;
const DEPARTMENTS: [&str; 3] = ["Sales", "Support", "Legal"];

/// What happens in HR, in the directory, or in the application.
#[derive(Debug, Clone)]
enum Event {
    Moves(usize, usize),
    Becomes(usize, u8),
    Renamed(usize),
    Leaves(usize),
    Returns(usize),
    DaysPass(u8),
    AddedByHand(usize, usize),
    AssignedTo(Option<usize>),
    Pushed(usize, bool),
    PushRenamed(usize),
    BatchOf(u32),
    DriftIs(u8),
    DeletedThere(usize),
    DeactivatedThere(usize),
    TitleThere(usize),
    GroupDeletedThere(usize),
    AccountThere(usize),
    Observed,
}

fn event() -> impl Strategy<Value = Event> {
    let (person, group) = (0..PEOPLE, 0..DEPARTMENTS.len());
    prop_oneof![
        4 => (person.clone(), group.clone()).prop_map(|(p, g)| Event::Moves(p, g)),
        2 => (person.clone(), 0..3u8).prop_map(|(p, t)| Event::Becomes(p, t)),
        1 => person.clone().prop_map(Event::Renamed),
        4 => person.clone().prop_map(Event::Leaves),
        3 => person.clone().prop_map(Event::Returns),
        2 => (0..40u8).prop_map(Event::DaysPass),
        2 => (person.clone(), group.clone()).prop_map(|(p, g)| Event::AddedByHand(p, g)),
        1 => proptest::option::of(group.clone()).prop_map(Event::AssignedTo),
        2 => (group.clone(), any::<bool>()).prop_map(|(g, on)| Event::Pushed(g, on)),
        1 => group.clone().prop_map(Event::PushRenamed),
        1 => (1..4u32).prop_map(Event::BatchOf),
        1 => (0..3u8).prop_map(Event::DriftIs),
        3 => person.clone().prop_map(Event::DeletedThere),
        1 => person.clone().prop_map(Event::DeactivatedThere),
        1 => person.clone().prop_map(Event::TitleThere),
        1 => group.prop_map(Event::GroupDeletedThere),
        1 => person.prop_map(Event::AccountThere),
        2 => Just(Event::Observed),
    ]
}

fn company() -> World {
    let mut world = World::new();
    for department in DEPARTMENTS {
        world.add_group(department, true);
        world.rules.push(Rule {
            id: RuleId::parse(department).unwrap(),
            name: department.to_owned(),
            expression: Rule::condition(&format!("user.department == \"{department}\"")).unwrap(),
            groups: vec![group(department)],
            active: true,
        });
        world.application.push_groups.push(PushGroup {
            group: group(department),
            remote_name: department.to_owned(),
            mode: PushMode::CreateOrLink,
            status: PushStatus::Active,
        });
    }
    for at in 0..PEOPLE {
        let number = at.to_string();
        let values = [("displayName", "Somebody"), ("department", DEPARTMENTS[at % 3])];
        world.add_person(&number, Some(&login(at, 0)), &values);
        world.person(&number).employments =
            vec![employed(date(2026, 11, 15).saturating_add((at as i64 * 3).days()), None)];
    }
    world.application.assignments.push(Assignment::everyone(0));
    world
}

fn group(name: &str) -> GroupId {
    GroupId::parse(&name.to_lowercase()).unwrap()
}

fn login(at: usize, generation: usize) -> String {
    format!("person{at}.{generation}@acme.test")
}

fn happens(world: &mut World, event: &Event) {
    let today = world.as_of;
    let now = "2026-11-24T08:00:00Z".parse().unwrap();
    match event {
        Event::Moves(at, to) => {
            set(&mut world.person(&at.to_string()).profile, "department", DEPARTMENTS[*to]);
        }
        Event::Becomes(at, title) => {
            let title = ["", "Clerk", "Lead"][usize::from(*title)];
            set(&mut world.person(&at.to_string()).profile, "title", title);
        }
        Event::Renamed(at) => {
            let profile = &mut world.person(&at.to_string()).profile;
            let generation = profile.text("userName").unwrap().split(['.', '@']).nth(1).unwrap();
            let generation: usize = generation.parse().unwrap();
            set(profile, "userName", &login(*at, generation + 1));
        }
        Event::Leaves(at) => {
            if let Some(last) = world.person(&at.to_string()).employments.last_mut()
                && last.end.is_none()
                && last.start <= today
            {
                last.end = Some(today);
            }
        }
        Event::Returns(at) => {
            let employments = &mut world.person(&at.to_string()).employments;
            if employments.iter().all(|one| one.end.is_some_and(|end| end <= today)) {
                employments.push(Employment { start: today, end: None });
            }
        }
        Event::DaysPass(days) => {
            world.as_of = today.saturating_add(i64::from(*days).days());
        }
        Event::AddedByHand(at, to) => {
            let person = PersonId::parse(&format!("p{at}")).unwrap();
            let member = ManualMember { person, actor: "ben".to_owned(), at: now, note: None };
            world.groups[*to].members.push(member);
        }
        Event::AssignedTo(to) => {
            world.application.assignments = vec![match to {
                None => Assignment::everyone(0),
                Some(to) => Assignment::group(group(DEPARTMENTS[*to]), DEPARTMENTS[*to], 0),
            }];
        }
        Event::Pushed(at, active) => {
            let name = DEPARTMENTS[*at];
            let status = if *active { PushStatus::Active } else { PushStatus::Inactive };
            let groups = &mut world.application.push_groups;
            groups.iter_mut().find(|one| one.group == group(name)).unwrap().status = status;
        }
        Event::PushRenamed(at) => {
            let id = group(DEPARTMENTS[*at]);
            let groups = &mut world.application.push_groups;
            if let Some(known) = groups.iter_mut().find(|one| one.group == id) {
                known.remote_name.push('x');
            }
        }
        Event::BatchOf(size) => world.application.profile.member_batch = *size,
        Event::DriftIs(drift) => {
            world.application.drift =
                [Drift::Ignore, Drift::Report, Drift::Repair][usize::from(*drift)];
        }
        Event::Observed => world.observe(),
        _ => happens_there(world, event),
    }
}

/// What somebody does in the application without us.
fn happens_there(world: &mut World, event: &Event) {
    let account = |world: &World, at: &usize| {
        let person = PersonId::parse(&format!("p{at}")).unwrap();
        world.accounts.get(&person).and_then(|account| account.linked().cloned())
    };
    match event {
        Event::DeletedThere(at) => {
            if let Some(id) = account(world, at) {
                world.target.delete_user(&id);
            }
        }
        Event::DeactivatedThere(at) => {
            if let Some(id) = account(world, at) {
                world.target.set_by_hand(&id, "active", json!(false));
                world.observe();
            }
        }
        Event::TitleThere(at) => {
            if let Some(id) = account(world, at) {
                world.target.set_by_hand(&id, "title", json!("Boss"));
                world.observe();
            }
        }
        Event::GroupDeletedThere(at) => {
            let pushed = world.pushed.get(&group(DEPARTMENTS[*at]));
            if let Some(id) = pushed.and_then(|pushed| pushed.linked().cloned()) {
                world.target.groups.remove(&id);
            }
        }
        Event::AccountThere(at) => {
            let profile = &world.person(&at.to_string()).profile;
            let user_name = profile.text("userName").unwrap().to_uppercase();
            if world.target.by_login(&user_name).is_none() {
                let id = world.target.next_id();
                let user = json!({"userName": user_name, "nickName": "untouched", "active": true});
                let user = Resource::from_canonical(user.as_object().unwrap().clone());
                world.target.users.insert(id, user);
            }
        }
        _ => unreachable!("it happens here"),
    }
}

/// Everything in the application is as it should be.
fn examine(world: &World) {
    let memberships = memberships(&world.people, &world.groups, &world.rules, world.as_of);
    for person in &world.people {
        let assigned = lifecycle::assigned(&world.application.assignments, &person.id, |group| {
            memberships.contains(group, &person.id)
        });
        let entitled = person.is_employed(world.as_of) && !assigned.is_empty();
        let account = world.accounts.get(&person.id).and_then(|one| Some((one, one.linked()?)));
        let Some((account, id)) = account else {
            assert!(!entitled, "{} has no account", person.id);
            continue;
        };
        let user = &world.target.users[id];
        let active = user.document()["active"] == json!(true);
        if !entitled {
            assert!(!active, "{} left and is active", person.id);
            continue;
        }
        // Where drift is not repaired, what somebody did there stands.
        assert!(active || world.application.drift != Drift::Repair, "{} is locked out", person.id);
        assert_eq!(user.text("userName"), person.profile.text("userName"));
        let untouched = user.text("nickName").is_none_or(|name| name == "untouched");
        assert!(untouched, "an attribute of the application's own was touched");
        if active && account.observed.as_ref().is_none_or(|it| it.document()["active"] == true) {
            examine_groups(world, person, id);
        }
    }
}

fn examine_groups(world: &World, person: &lifecycle::Person, id: &lifecycle::RemoteId) {
    let memberships = memberships(&world.people, &world.groups, &world.rules, world.as_of);
    for push in &world.application.push_groups {
        if push.status == PushStatus::Active {
            let there = &world.target.groups[world.pushed[&push.group].linked().unwrap()];
            let should = memberships.contains(&push.group, &person.id);
            assert_eq!(there.members.contains(id), should, "{} in {}", person.id, there.name);
            assert_eq!(there.name, push.remote_name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn planning_after_applying_gives_the_empty_plan(
        rounds in proptest::collection::vec(proptest::collection::vec(event(), 0..8), 1..7),
    ) {
        let mut world = company();
        for events in rounds {
            events.iter().for_each(|event| happens(&mut world, event));
            let plan = world.plan();
            let before = world.target.request_count;
            world.apply(&plan);
            prop_assert_eq!(world.target.request_count - before, plan.cost.requests);
            let again = world.plan();
            prop_assert!(again.changes.is_empty(), "{:#?}", again.changes);
            examine(&world);
        }
    }

    #[test]
    fn a_plan_that_is_interrupted_ends_in_the_same_state(
        rounds in proptest::collection::vec(proptest::collection::vec(event(), 0..8), 1..5),
        stops in proptest::collection::vec(0..12usize, 4),
    ) {
        let (mut through, mut stopped) = (company(), company());
        for (events, stop) in rounds.iter().zip(stops) {
            for world in [&mut through, &mut stopped] {
                events.iter().for_each(|event| happens(world, event));
            }
            let plan = through.plan();
            through.apply(&plan);
            let mut plan = stopped.plan();
            plan.changes.truncate(stop);
            stopped.apply(&plan);
            let rest = stopped.plan();
            stopped.apply(&rest);
            prop_assert_eq!(through.target.request_count, stopped.target.request_count);
            prop_assert_eq!(state(&through), state(&stopped));
        }
    }
}

/// What is in the application, whatever it calls its users and groups.
fn state(world: &World) -> BTreeSet<String> {
    let users = world.target.users.iter().map(|(id, user)| {
        let mut groups: Vec<&str> = world
            .target
            .groups
            .values()
            .filter(|group| group.members.contains(id))
            .map(|group| group.name.as_str())
            .collect();
        groups.sort_unstable();
        format!("{} {groups:?}", serde_json::Value::Object(user.document().clone()))
    });
    users.chain(world.target.groups.values().map(|group| group.name.clone())).collect()
}
