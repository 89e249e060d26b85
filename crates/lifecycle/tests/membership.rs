//! Who is in which group, and why; and that everybody at once and one at a time agree.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use jiff::civil::{Date, date};
use lifecycle::{
    EmployeeNumber, Employment, Exclusion, Finding, Group, GroupId, ManualMember, Memberships,
    Person, PersonId, ProfilePath, Reason, Rule, RuleId, affected, memberships, memberships_of,
    profile_type, why_not,
};
use proptest::prelude::*;
use scim::Resource;

const TODAY: Date = date(2026, 11, 24);

fn id(text: &str) -> PersonId {
    PersonId::parse(text).unwrap()
}

fn person(name: &str, department: &str, country: &str) -> Person {
    let mut profile = Resource::default();
    let values = [("displayName", name), ("department", department), ("country", country)];
    for (path, value) in values {
        let path = ProfilePath::parse(path, &profile_type()).unwrap();
        path.set(&mut profile, (value != "-").then(|| value.into()));
    }
    Person {
        id: id(&name.to_lowercase()),
        employee_number: EmployeeNumber::parse(name).unwrap(),
        source: None,
        profile,
        employments: vec![Employment { start: date(2020, 1, 1), end: None }],
    }
}

fn rule(name: &str, condition: &str, groups: &[&str]) -> Rule {
    Rule {
        id: RuleId::parse(name).unwrap(),
        name: name.to_owned(),
        expression: Rule::condition(condition).unwrap(),
        groups: groups.iter().map(|group| GroupId::parse(group).unwrap()).collect(),
        active: true,
    }
}

fn group(name: &str) -> Group {
    Group {
        id: GroupId::parse(name).unwrap(),
        name: name.to_owned(),
        description: String::new(),
        grants_licenses: false,
        members: vec![],
        exclusions: vec![],
    }
}

fn by_hand(person: &str) -> ManualMember {
    ManualMember {
        person: id(person),
        actor: "ben".to_owned(),
        at: "2026-11-24T08:00:00Z".parse().unwrap(),
        note: None,
    }
}

fn excluded(person: &str) -> Exclusion {
    Exclusion {
        person: id(person),
        actor: "ben".to_owned(),
        at: "2026-11-24T08:00:00Z".parse().unwrap(),
        note: Some("is a contractor".to_owned()),
    }
}

fn cast() -> Vec<Person> {
    let mut people = vec![
        person("Ana", "Sales", "ES"),
        person("Ben", "Sales", "DE"),
        person("Cem", "Support", "DE"),
        person("Dia", "-", "DE"),
        person("Eva", "Sales", "DE"),
        person("Fay", "Sales", "DE"),
    ];
    people[4].employments = vec![Employment { start: date(2027, 1, 1), end: None }];
    people[5].employments[0].end = Some(TODAY);
    people
}

fn shown(found: &Memberships<'_>) -> String {
    let mut lines: Vec<String> = found
        .iter()
        .map(|membership| {
            let reasons: Vec<String> =
                membership.reasons(TODAY).iter().map(Reason::sentence).collect();
            format!(
                "{}: {}: {}",
                membership.group.name,
                membership.person.name(),
                reasons.join(" ")
            )
        })
        .collect();
    lines.extend(found.findings.iter().map(|finding| format!("! {}", finding.sentence())));
    lines.join("\n")
}

#[test]
fn rules_fill_groups_with_employed_people_and_say_why() {
    let people = cast();
    let mut groups = [group("licensed"), group("sales")];
    groups[1].members = vec![by_hand("cem"), by_hand("fay"), by_hand("zoe"), by_hand("ana")];
    groups[0].exclusions = vec![excluded("cem")];
    let rules = [
        rule("Sales", "user.department == \"Sales\"", &["sales", "licensed"]),
        rule("Support", "user.department == \"Support\"", &["licensed"]),
        rule("Typo", "user.department == \"Sails\"", &["sales"]),
        rule("Lost", "user.country == \"DE\"", &["nowhere"]),
    ];
    insta::assert_snapshot!(shown(&memberships(&people, &groups, &rules, TODAY)), @r#"
    licensed: Ana: Rule "Sales" matches: user.department == "Sales" (user.department is "Sales").
    licensed: Ben: Rule "Sales" matches: user.department == "Sales" (user.department is "Sales").
    sales: Ana: Rule "Sales" matches: user.department == "Sales" (user.department is "Sales"). Added by hand by ben at 2026-11-24T08:00:00Z.
    sales: Ben: Rule "Sales" matches: user.department == "Sales" (user.department is "Sales").
    sales: Cem: Added by hand by ben at 2026-11-24T08:00:00Z.
    ! Rule "Lost" fills group nowhere, which does not exist.
    ! Employee Cem is excluded from group licensed, although rule "Support" matches.
    ! Rule "Typo" matches nobody: user.department == "Sails".
    ! Group sales names person zoe by hand, whom nobody knows.
    "#);
}

#[test]
fn why_not_names_everything_that_keeps_somebody_out() {
    let people = cast();
    let mut sales = group("sales");
    sales.exclusions = vec![excluded("ben")];
    let mut rules = [
        rule("Sales", "user.department == \"Sales\"", &["sales"]),
        rule("Spain", "user.country == \"ES\"", &["sales"]),
    ];
    rules[1].active = false;
    let why = |at: usize| {
        let reasons = why_not(&people[at], &sales, &rules, TODAY);
        reasons.iter().map(Reason::sentence).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(why(0), "", "Ana is in it");
    insta::assert_snapshot!(why(1), @"Excluded by hand by ben at 2026-11-24T08:00:00Z: is a contractor.");
    insta::assert_snapshot!(why(2), @r#"
    Rule "Sales" does not match: user.department == "Sales" (user.department is "Support", not "Sales").
    Rule "Spain" is switched off.
    "#);
    insta::assert_snapshot!(why(4), @"Not employed before 2027-01-01.");
    insta::assert_snapshot!(why(5), @"Left on 2026-11-24.");
    let reasons = why_not(&people[0], &group("empty"), &rules, TODAY);
    assert_eq!(reasons, [Reason::NoRule { group: "empty".to_owned() }]);
}

#[test]
fn a_rule_may_ask_for_the_day() {
    let mut people = cast();
    let hire_date = ProfilePath::parse("hireDate", &profile_type()).unwrap();
    hire_date.set(&mut people[0].profile, Some("2026-11-01".into()));
    hire_date.set(&mut people[1].profile, Some("2020-11-01".into()));
    let groups = [group("new")];
    let rules = [rule(
        "New",
        "date(user.hireDate) >= date(\"2026-10-01\") && as_of < date(\"2027-01-01\")",
        &["new"],
    )];
    let found = memberships(&people, &groups, &rules, TODAY);
    let names: Vec<String> = found.iter().map(|membership| membership.person.name()).collect();
    assert_eq!(names, ["Ana"]);
    assert_eq!(memberships(&people, &groups, &rules, date(2027, 2, 1)).count(), 0);
}

#[test]
fn a_rule_that_fails_for_somebody_does_not_match_them_and_says_so() {
    let people = cast();
    let groups = [group("odd")];
    let rules = [rule("Odd", "1 / (size(user.displayName) - 3) == 0", &["odd"])];
    let found = memberships(&people, &groups, &rules, TODAY);
    assert_eq!(found.count(), 0);
    let failed = found.findings.iter().filter(|one| matches!(one, Finding::RuleFailed { .. }));
    assert_eq!(failed.count(), 4, "everybody who is employed has three letters");
}

#[test]
fn a_change_of_a_rule_touches_only_whose_answer_differs() {
    let people = cast();
    let sales = rule("r", "user.department == \"Sales\"", &["g"]);
    let german = rule("r", "user.country == \"DE\"", &["g"]);
    let elsewhere = rule("r", "user.department == \"Sales\"", &["h"]);
    let names = |before: Option<&Rule>, after: Option<&Rule>| {
        let people = affected(&people, before, after, TODAY);
        people.into_iter().map(Person::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(Some(&sales), Some(&sales)), "");
    assert_eq!(names(Some(&sales), Some(&german)), "Ana Cem Dia");
    assert_eq!(names(Some(&sales), Some(&elsewhere)), "Ana Ben");
    assert_eq!(names(None, Some(&sales)), "Ana Ben");
    assert_eq!(names(Some(&Rule { active: false, ..sales.clone() }), Some(&sales)), "Ana Ben");
}

const CONDITIONS: [&str; 9] = [
    "user.department == \"Sales\"",
    "user.department != \"Sales\"",
    "user.country in [\"DE\", \"ES\"] && user.department == \"Support\"",
    "user.displayName.startsWith(\"A\") || has(user.country)",
    "user[\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"].department == \"Sales\"",
    "1 / (size(user.displayName) - 2) == 1",
    "has(user.department)",
    "true",
    "user.emails.exists(e, e.type == \"work\")",
];

fn any_person() -> impl Strategy<Value = Person> {
    let department = prop_oneof![Just("Sales"), Just("Support"), Just("-")];
    let country = prop_oneof![Just("DE"), Just("ES"), Just("-")];
    let end = prop_oneof![4 => Just(None), 1 => Just(Some(TODAY))];
    let mail = prop_oneof![Just(None), Just(Some("a@x.test"))];
    (0usize..12, department, country, end, mail).prop_map(|(at, department, country, end, mail)| {
        let name =
            ["Ana", "Ben", "Al", "Bo", "C", "Dorothea"][at % 6].to_owned() + &"x".repeat(at / 6);
        let mut person = person(&name, department, country);
        person.employments[0].end = end;
        let work = ProfilePath::parse("emails[type eq \"work\"].value", &profile_type()).unwrap();
        work.set(&mut person.profile, mail.map(Into::into));
        person
    })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let groups = proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("x")], 0..3);
    (0usize..CONDITIONS.len(), groups, proptest::bool::weighted(0.9)).prop_map(
        |(at, groups, active)| Rule { active, ..rule(&format!("r{at}"), CONDITIONS[at], &groups) },
    )
}

fn any_group(name: &'static str) -> impl Strategy<Value = Group> {
    let people = || {
        proptest::collection::vec(
            prop_oneof![Just("ana"), Just("ben"), Just("al"), Just("dorothea"), Just("zoe")],
            0..3,
        )
    };
    (people(), people()).prop_map(move |(members, exclusions)| Group {
        members: members.into_iter().map(by_hand).collect(),
        exclusions: exclusions.into_iter().map(excluded).collect(),
        ..group(name)
    })
}

proptest! {
    #[test]
    fn everybody_at_once_and_one_at_a_time_agree(
        mut people in proptest::collection::vec(any_person(), 0..12),
        rules in proptest::collection::vec(any_rule(), 0..8),
        groups in (any_group("a"), any_group("b")),
    ) {
        people.sort_by(|a, b| a.id.cmp(&b.id));
        people.dedup_by(|a, b| a.id == b.id);
        let groups = [groups.0, groups.1];
        let all = memberships(&people, &groups, &rules, TODAY);
        let by_person = all.by_person();
        for person in &people {
            let own: Vec<_> = by_person.get(&person.id).into_iter().flatten().copied().cloned().collect();
            prop_assert_eq!(&own, &memberships_of(person, &groups, &rules, TODAY));
            for group in &groups {
                let member = all.contains(&group.id, &person.id);
                prop_assert_eq!(member, why_not(person, group, &rules, TODAY).is_empty());
            }
        }
        let mut turned = people.clone();
        turned.reverse();
        let again = memberships(&turned, &groups, &rules, TODAY);
        prop_assert_eq!(all.iter().collect::<Vec<_>>(), again.iter().collect::<Vec<_>>());
        prop_assert_eq!(&all.findings, &again.findings);
    }
}
