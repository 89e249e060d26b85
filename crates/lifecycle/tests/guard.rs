//! The guard over whole plans: what is held, what is released, and what an approval covers.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod world;

use jiff::civil::date;
use lifecycle::{
    Approval, Assignment, ChangeSubject, GroupId, GuardPolicy, GuardVerdict, PersonId, Plan,
    PushGroup, PushMode, PushStatus, Rule, RuleId, Toll, guard,
};
use world::{World, employed, set};

/// A company whose department groups grant licenses, fully provisioned.
fn company(people: usize) -> World {
    let mut world = World::new();
    for name in ["Sales", "Support"] {
        world.add_group(name, true);
        let id = GroupId::parse(&name.to_lowercase()).unwrap();
        world.rules.push(Rule {
            id: RuleId::parse(name).unwrap(),
            name: name.to_owned(),
            expression: Rule::condition(&format!("user.department == \"{name}\"")).unwrap(),
            groups: vec![id.clone()],
            active: true,
        });
        world.application.push_groups.push(PushGroup {
            group: id,
            remote_name: name.to_owned(),
            mode: PushMode::CreateOrLink,
            status: PushStatus::Active,
        });
    }
    world.application.assignments.push(Assignment::everyone(0));
    for at in 0..people {
        let number = at.to_string();
        let login = format!("p{at}@acme.test");
        world.add_person(&number, Some(&login), &[("department", "Sales")]);
        world.person(&number).employments = vec![employed(date(2020, 1, 1), None)];
    }
    let plan = world.plan();
    world.apply(&plan);
    world
}

fn leave(world: &mut World, numbers: std::ops::Range<usize>) {
    let today = world.as_of;
    for at in numbers {
        world.person(&at.to_string()).employments[0].end = Some(today);
    }
}

fn ask(plan: &Plan, recent: Toll, approval: &Approval) -> GuardVerdict {
    guard(&plan.changes, &plan.population, &GuardPolicy::default(), recent, approval)
}

#[test]
fn a_few_leavers_pass_and_many_are_held() {
    let mut world = company(60);
    leave(&mut world, 0..5);
    let plan = world.plan();
    assert!(ask(&plan, Toll::default(), &Approval::default()).is_released());
    leave(&mut world, 5..6);
    let plan = world.plan();
    let verdict = ask(&plan, Toll::default(), &Approval::default());
    insta::assert_snapshot!(verdict.sentences("workplace", "abc").join("\n"), @"
    6 of 60 active accounts would be deactivated; without approval it may be 100 or 5 %, whichever is less.
    Nothing was done. If it is meant: muster apply workplace --approve abc. If not, correct the HR file, the rules or the groups and plan again.
    ");
}

#[test]
fn what_was_released_shortly_before_counts_too() {
    let mut world = company(60);
    leave(&mut world, 0..5);
    let plan = world.plan();
    let recent = Toll::of(&plan.changes, &plan.population);
    assert_eq!(recent.deactivations, 5);
    world.apply(&plan);
    leave(&mut world, 5..6);
    let plan = world.plan();
    assert!(ask(&plan, Toll::default(), &Approval::default()).is_released());
    let verdict = ask(&plan, recent, &Approval::default());
    assert!(
        verdict.sentences("workplace", "abc")[0].starts_with(
            "6 of 60 active accounts would be deactivated (5 of them shortly before);"
        )
    );
}

#[test]
fn licenses_that_move_with_a_rule_are_guarded_whatever_the_cause() {
    let mut world = company(60);
    for at in 0..11 {
        set(&mut world.person(&at.to_string()).profile, "department", "Support");
    }
    let plan = world.plan();
    let verdict = ask(&plan, Toll::default(), &Approval::default());
    assert!(
        verdict.sentences("workplace", "abc")[0]
            .starts_with("11 of 60 memberships in groups that grant licenses would be taken away;")
    );
}

#[test]
fn an_application_that_shows_an_empty_list_is_not_filled_anew() {
    let mut world = company(60);
    world.target.users.clear();
    let plan = world.plan();
    assert_eq!(plan.cost.creates, 60);
    let verdict = ask(&plan, Toll::default(), &Approval::default());
    assert!(
        verdict.sentences("workplace", "abc")[0]
            .starts_with("60 of 60 accounts are gone and would be created again;")
    );
}

#[test]
fn an_approval_covers_the_changes_as_they_were_seen_and_no_others() {
    let mut world = company(60);
    leave(&mut world, 0..20);
    let plan = world.plan();
    let approval = Approval::of(&plan);
    assert!(ask(&plan, Toll::default(), &approval).is_released());

    // What is left after an interruption is still covered.
    let mut part = plan.clone();
    part.changes.truncate(7);
    world.apply(&part);
    let rest = world.plan();
    assert_eq!(rest.changes.len(), 13);
    assert!(ask(&rest, Toll::default(), &approval).is_released());

    // Who was not among those seen is not, and neither is the same for another day.
    leave(&mut world, 20..26);
    let more = world.plan();
    assert!(!ask(&more, Toll::default(), &approval).is_released());
    world.as_of = date(2026, 11, 25);
    let tomorrow = world.plan();
    let subject = ChangeSubject::Account(PersonId::parse("p9").unwrap());
    assert!(!approval.covers(tomorrow.change(&subject).unwrap()));
    assert_ne!(tomorrow.digest, more.digest);
}
