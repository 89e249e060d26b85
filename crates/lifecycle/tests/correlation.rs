//! Correlation as an HR admin would tell it, and its laws.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use lifecycle::{
    Acceptance, Completeness, Correlation, EmployeeNumber, MissingPolicy, Movement, Person,
    PersonId, ProfilePath, Record, Snapshot, SourceContract, SourceId, StatusWord, StopReason,
    UnreadableRow, Verdict, correlate, profile_type,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const TODAY: Date = date(2026, 11, 24);

fn path(text: &str) -> ProfilePath {
    ProfilePath::parse(text, &profile_type()).unwrap()
}

/// `number name department hire termination`, `-` for nothing.
fn record(line: u64, row: &str) -> Record {
    let [number, name, department, hire, termination] =
        row.split_whitespace().collect::<Vec<_>>()[..]
    else {
        panic!("a row has five parts: {row}")
    };
    let text = |text: &str| (text != "-").then(|| Value::from(text));
    let day = |text: &str| (text != "-").then(|| text.parse().unwrap());
    Record {
        line,
        employee_number: EmployeeNumber::parse(number).unwrap(),
        values: BTreeMap::from([
            (path("displayName"), text(name)),
            (path("department"), text(department)),
        ]),
        hire_date: day(hire),
        termination_date: day(termination),
        status: None,
    }
}

fn snapshot(rows: &[&str]) -> Snapshot {
    Snapshot {
        source: SourceId::parse("hr").unwrap(),
        completeness: Completeness::Complete,
        columns: vec!["number".into(), "department".into()],
        records: (2..).zip(rows).map(|(line, row)| record(line, row)).collect(),
        unreadable: vec![],
    }
}

fn correlated(people: &[Person], snapshot: &Snapshot, contract: &SourceContract) -> Correlation {
    correlate(people, snapshot, contract, Acceptance::default(), TODAY)
}

fn applied(people: &[Person], correlation: &Correlation) -> Vec<Person> {
    let mut people = people.to_vec();
    for changed in &correlation.changed {
        let person = people.iter_mut().find(|person| person.id == changed.person).unwrap();
        changed.clone().apply(person);
    }
    for joined in &correlation.joined {
        let id = PersonId::parse(&format!("p{}", joined.employee_number)).unwrap();
        people.push(joined.clone().into_person(id));
    }
    people
}

/// The people after the first of these snapshots, and what the second does to them.
fn told(before: &[&str], after: &Snapshot, contract: &SourceContract) -> (Correlation, String) {
    let first = correlated(&[], &snapshot(before), contract);
    assert_eq!(first.joined.len(), before.len(), "the story starts with everybody");
    let people = applied(&[], &first);
    let second = correlated(&people, after, contract);
    let again = correlated(&applied(&people, &second), after, contract);
    assert_eq!((again.joined.len(), again.changed.len()), (0, 0), "the same file again");
    let text = story(&second);
    (second, text)
}

fn story(correlation: &Correlation) -> String {
    let mut lines = Vec::new();
    if let Verdict::Stop { reasons } = &correlation.verdict {
        lines.extend(
            reasons
                .iter()
                .map(|reason| format!("STOP {} {}", reason.sentence(), reason.next_step())),
        );
    }
    lines.extend(correlation.joined.iter().map(|joined| format!("+ {}", joined.subject())));
    for changed in &correlation.changed {
        lines.push(format!("~ {}", changed.subject));
        lines.extend(
            changed.movements.iter().map(|movement| format!("    {}", movement.sentence())),
        );
        lines.extend(changed.reasons().iter().map(|reason| format!("    {}", reason.sentence())));
    }
    lines.push(format!("= {}", correlation.unchanged_count));
    lines.extend(correlation.findings.iter().map(|finding| format!("! {}", finding.sentence())));
    lines.join("\n")
}

#[test]
fn a_file_becomes_people() {
    let correlation = correlated(
        &[],
        &snapshot(&["2 Ben Sales 2020-01-01 -", "1 Ana Support 2015-01-01 2018-01-01"]),
        &SourceContract::default(),
    );
    insta::assert_snapshot!(story(&correlation), @r"
    + Ana (1)
    + Ben (2)
    = 0
    ");
    let profile = Value::Object(correlation.joined[0].profile.document().clone());
    assert_eq!(
        profile,
        json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                "urn:muster:schemas:1.0:Employment",
            ],
            "displayName": "Ana",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": "Support",
                "employeeNumber": "1",
            },
            "urn:muster:schemas:1.0:Employment": {
                "hireDate": "2015-01-01",
                "terminationDate": "2018-01-01",
            },
        })
    );
}

#[test]
fn movers_leavers_rehires_and_newcomers_are_told_apart() {
    let (_, text) = told(
        &[
            "1 Ana Sales 2020-01-01 -",
            "2 Ben Sales 2020-01-01 -",
            "3 Cem Sales 2010-01-01 2015-01-01",
            "4 Dia Sales 2020-01-01 2026-12-01",
            "5 Eva Sales 2020-01-01 -",
        ],
        &snapshot(&[
            "1 Ana Support 2020-01-01 -",
            "2 Ben - 2020-01-01 2026-11-24",
            "3 Cem Sales 2026-11-01 -",
            "4 Dia Sales 2020-01-01 -",
            "5 Eva Sales 2020-01-01 -",
            "6 Fay Sales 2027-01-01 -",
        ]),
        &SourceContract::default(),
    );
    insta::assert_snapshot!(text, @r#"
    + Fay (6)
    ~ Ana (1)
        department was "Sales" and is now "Support".
    ~ Ben (2)
        Leaves on 2026-11-24.
        department was "Sales" and is now empty.
        terminationDate is now "2026-11-24".
    ~ Cem (3)
        Rehired for 2026-11-01.
        hireDate was "2010-01-01" and is now "2026-11-01".
        terminationDate was "2015-01-01" and is now empty.
    ~ Dia (4)
        Does not leave on 2026-12-01 after all.
        terminationDate was "2026-12-01" and is now empty.
    = 1
    "#);
}

#[test]
fn a_rehire_keeps_what_ended() {
    let (second, _) = told(
        &["3 Cem Sales 2010-01-01 2015-01-01"],
        &snapshot(&["3 Cem Sales 2026-11-01 -"]),
        &SourceContract::default(),
    );
    let employments = &second.changed[0].employments;
    assert_eq!(employments.len(), 2);
    assert_eq!(employments[0].end, Some(date(2015, 1, 1)));
    assert_eq!(second.changed[0].movements, [Movement::Rehired { on: date(2026, 11, 1) }]);
}

#[test]
fn rows_with_one_number_are_set_aside_together_and_the_rest_goes_on() {
    let mut after = snapshot(&[
        "1 Ana Sales 2020-01-01 -",
        "2 Ben Support 2020-01-01 -",
        "1 Anna Support 2020-01-01 -",
        "3 Cem Support 2020-01-01 -",
    ]);
    after.unreadable.push(UnreadableRow {
        line: 9,
        employee_number: Some(EmployeeNumber::parse("3").unwrap()),
        problem: "hire_date \"31/12/2020\" is no M/D/YYYY".into(),
    });
    let (_, text) = told(
        &["1 Ana Sales 2020-01-01 -", "2 Ben Sales 2020-01-01 -", "3 Cem Sales 2020-01-01 -"],
        &after,
        &SourceContract { missing: MissingPolicy::Leave, ..SourceContract::default() },
    );
    insta::assert_snapshot!(text, @r#"
    ~ Ben (2)
        department was "Sales" and is now "Support".
    = 0
    ! Line 9 of hr (employee 3) is set aside: hire_date "31/12/2020" is no M/D/YYYY.
    ! Employee 1 is in hr 2 times (lines 2, 4); none is applied.
    ! Employee 3 is in hr 2 times (lines 5, 9); none is applied.
    "#);
}

#[test]
fn absence_means_left_only_if_the_source_says_so() {
    let before = ["1 Ana Sales 2020-01-01 -", "2 Ben Sales 2020-01-01 -"];
    let after = snapshot(&["1 Ana Sales 2020-01-01 -"]);
    let keep = SourceContract::default();
    let leave = SourceContract { missing: MissingPolicy::Leave, ..SourceContract::default() };
    insta::assert_snapshot!(told(&before, &after, &keep).1, @r"
    = 1
    ! Ben (2) is missing from hr and stays employed.
    ");
    insta::assert_snapshot!(told(&before, &after, &leave).1, @r#"
    ~ Ben (2)
        Missing from the snapshot of 2026-11-24, so left.
        terminationDate is now "2026-11-24".
    = 1
    "#);
    let partial = Snapshot { completeness: Completeness::Partial, ..after.clone() };
    insta::assert_snapshot!(told(&before, &partial, &leave).1, @"= 1");
    let mut unsure = after;
    unsure.unreadable.push(UnreadableRow {
        line: 3,
        employee_number: None,
        problem: "the row has 2 columns of 5".into(),
    });
    insta::assert_snapshot!(told(&before, &unsure, &leave).1, @r"
    = 1
    ! Line 3 of hr is set aside: the row has 2 columns of 5.
    ! Ben (2) is missing from hr, but 1 rows without a readable employee number could be theirs; nothing is changed.
    ");
}

#[test]
fn somebody_who_comes_back_after_being_missing_is_employed_as_before() {
    let contract = SourceContract { missing: MissingPolicy::Leave, ..SourceContract::default() };
    let both = snapshot(&["1 Ana Sales 2020-01-01 -", "2 Ben Sales 2020-01-01 -"]);
    let people = applied(&[], &correlated(&[], &both, &contract));
    let one = snapshot(&["1 Ana Sales 2020-01-01 -"]);
    let without = applied(&people, &correlated(&people, &one, &contract));
    assert!(!without[1].is_employed(TODAY));
    let back = correlated(&without, &both, &contract);
    assert_eq!(back.changed[0].movements, [Movement::Resumed { ended: TODAY }]);
    assert_eq!(applied(&without, &back), people);
}

#[test]
fn people_made_by_hand_are_adopted_and_those_of_another_source_left_alone() {
    let contract = SourceContract::default();
    let rows = snapshot(&["1 Ana Sales 2020-01-01 -", "2 Ben Sales 2020-01-01 -"]);
    let mut people = applied(&[], &correlated(&[], &rows, &contract));
    people[0].source = None;
    people[1].source = Some(SourceId::parse("payroll").unwrap());
    let correlation = correlated(&people, &rows, &contract);
    assert!(correlation.changed[0].adopted);
    insta::assert_snapshot!(story(&correlation), @r"
    ~ Ana (1)
    = 0
    ! Ben (2) comes from payroll and is in hr too (line 3); the row is not applied.
    ");
}

#[test]
fn values_and_dates_that_cannot_be_true_are_left_out_and_the_rest_is_applied() {
    let mut after = snapshot(&["1 Ana Support 2020-01-01 2019-01-01"]);
    after.records[0].values.insert(path("title"), Some(json!(3)));
    after.records[0].status = Some(StatusWord::Employed);
    let (_, text) = told(&["1 Ana Sales 2020-01-01 -"], &after, &SourceContract::default());
    insta::assert_snapshot!(text, @r#"
    ~ Ana (1)
        department was "Sales" and is now "Support".
    = 0
    ! Ana (1) ends before starting (2020-01-01 to 2019-01-01) in line 2 of hr; the dates are not applied.
    ! The title of Ana (1) in line 2 of hr is not applied: it is no text.
    "#);
}

#[test]
fn a_status_against_the_dates_is_pointed_out() {
    let mut after =
        snapshot(&["1 Ana Sales 2020-01-01 2026-12-31", "2 Ben Sales 2020-01-01 2026-01-01"]);
    after.records[0].status = Some(StatusWord::Left);
    after.records[1].status = Some(StatusWord::Employed);
    let correlation = correlated(&[], &after, &SourceContract::default());
    insta::assert_snapshot!(story(&correlation), @r"
    + Ana (1)
    + Ben (2)
    = 0
    ! Ana (1) is not employed by the status in line 2 of hr, but not by the dates; the dates count.
    ! Ben (2) is employed by the status in line 3 of hr, but not by the dates; the dates count.
    ");
}

/// Ten people in Sales.
fn ten() -> Vec<String> {
    (1..=10).map(|n| format!("{n} P{n} Sales 2020-01-01 -")).collect()
}

#[track_caller]
fn stopped(after: Snapshot, contract: &SourceContract, acceptance: Acceptance) -> String {
    let before = ten();
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let people = applied(&[], &correlated(&[], &snapshot(&before), contract));
    assert_eq!(people.len(), 10);
    let correlation = correlate(&people, &after, contract, acceptance, TODAY);
    if correlation.verdict.is_stop() {
        assert!(correlation.changed.is_empty() && correlation.joined.is_empty());
    }
    story(&correlation)
}

#[test]
fn an_empty_file_stops() {
    let contract = SourceContract { missing: MissingPolicy::Leave, ..SourceContract::default() };
    insta::assert_snapshot!(stopped(snapshot(&[]), &contract, Acceptance { shrink: Some(10) }), @r"
    STOP The snapshot of hr has no readable row, where 10 people are known. Export it again from HR; to end people's employments, give them termination dates there.
    = 0
    ");
}

#[test]
fn a_half_empty_file_stops_whatever_the_policy_and_says_how_to_go_on() {
    let rows = ten();
    let rows: Vec<&str> = rows.iter().take(4).map(String::as_str).collect();
    insta::assert_snapshot!(
        stopped(snapshot(&rows), &SourceContract::default(), Acceptance::default()),
        @r"
    STOP 6 of 10 people (60 %) are missing from the snapshot of hr; at most 20 % may be. Export it again from HR; if this is meant, import again with --accept-shrink 6.
    = 0
    "
    );
    let contract = SourceContract { missing: MissingPolicy::Leave, ..SourceContract::default() };
    let story = stopped(snapshot(&rows), &contract, Acceptance { shrink: Some(6) });
    assert_eq!(story.matches("so left").count(), 6);
    let story = stopped(snapshot(&rows), &contract, Acceptance { shrink: Some(5) });
    assert!(story.starts_with("STOP"));
}

#[test]
fn a_file_that_lost_columns_rows_or_values_stops() {
    let contract = SourceContract {
        expected_columns: vec!["number".into(), "hire_date".into()],
        row_count_min: Some(11),
        ..SourceContract::default()
    };
    let mut rows: Vec<String> = (1..=9).map(|n| format!("{n} P{n} - 2020-01-01 -")).collect();
    rows.push("10 P10 Sales 2020-01-01 -".into());
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let people = applied(&[], &{
        let before = ten();
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        correlated(&[], &snapshot(&before), &SourceContract::default())
    });
    insta::assert_snapshot!(story(&correlated(&people, &snapshot(&rows), &contract)), @r"
    STOP The snapshot of hr lacks columns it must have: hire_date. Export it with all columns; if the names changed, change the source's mapping.
    STOP The snapshot of hr has 10 rows; at least 11 are expected. Export it again from HR; if this is meant, lower row_count_min of the source.
    STOP department is empty in 9 of 10 rows of hr (90 %), though most people have it; at most 50 % may be. Export it again from HR; if this is meant, raise the share for department in null_share_max_by_attribute of the source.
    = 0
    ");
}

#[test]
fn a_file_nobody_can_read_stops() {
    let mut after = snapshot(&[]);
    after.unreadable = (2..12)
        .map(|line| UnreadableRow {
            line,
            employee_number: EmployeeNumber::parse(&(line - 1).to_string()).ok(),
            problem: "hire_date \"2020\" is no M/D/YYYY".into(),
        })
        .collect();
    insta::assert_snapshot!(stopped(after, &SourceContract::default(), Acceptance::default()), @r#"
    STOP 10 of 10 rows of hr are unreadable or double; the first: line 2, hire_date "2020" is no M/D/YYYY. Compare the rows with the source's mapping: date formats, encoding, delimiter.
    = 0
    "#);
}

#[test]
fn people_who_left_are_not_missed() {
    let before: Vec<String> =
        (1..=10).map(|n| format!("{n} P{n} Sales 2020-01-01 2021-01-01")).collect();
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let (_, text) =
        told(&before, &snapshot(&["11 New Sales 2020-01-01 -"]), &SourceContract::default());
    insta::assert_snapshot!(text, @r"
    + New (11)
    = 0
    ");
}

#[test]
fn a_stop_and_a_contract_survive_storing() {
    let reason = StopReason::Empty { source: SourceId::parse("hr").unwrap(), known_count: 3 };
    let verdict = Verdict::Stop { reasons: vec![reason] };
    let text = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    let contract: SourceContract =
        serde_json::from_str(r#"{"missing": "leave", "row_count_min": 3}"#).unwrap();
    assert_eq!(contract.missing, MissingPolicy::Leave);
    assert!(serde_json::from_str::<SourceContract>(r#"{"mising": "leave"}"#).is_err());
}

fn any_row() -> impl Strategy<Value = Record> {
    let day = || {
        prop_oneof![
            1 => Just(None),
            4 => (2025i16..2029, 1i8..13).prop_map(|(year, month)| Some(date(year, month, 1))),
        ]
    };
    let status = prop_oneof![
        4 => Just(None),
        1 => Just(Some(StatusWord::Employed)),
        1 => Just(Some(StatusWord::Left)),
    ];
    let department = prop_oneof![Just(None), Just(Some("Sales")), Just(Some("Support"))];
    (0u32..12, department, day(), day(), status).prop_map(
        |(number, department, hire_date, termination_date, status)| Record {
            line: 0,
            employee_number: EmployeeNumber::parse(&number.to_string()).unwrap(),
            values: BTreeMap::from([(path("department"), department.map(Value::from))]),
            hire_date,
            termination_date,
            status,
        },
    )
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    proptest::collection::vec(any_row(), 0..14).prop_map(|mut records| {
        for (line, record) in (2..).zip(&mut records) {
            record.line = line;
        }
        Snapshot { records, ..snapshot(&[]) }
    })
}

/// A contract that lets nearly anything through, so that the laws are tried on change.
fn lax(missing: MissingPolicy) -> SourceContract {
    SourceContract {
        missing,
        missing_share_max: 1.0,
        unreadable_share_max: 1.0,
        null_share_max: 1.0,
        ..SourceContract::default()
    }
}

proptest! {
    #[test]
    fn correlating_the_result_with_the_same_snapshots_changes_nothing(
        snapshots in proptest::collection::vec(any_snapshot(), 1..5),
        leave: bool,
    ) {
        let contract = lax(if leave { MissingPolicy::Leave } else { MissingPolicy::Keep });
        let mut people = Vec::new();
        for snapshot in &snapshots {
            let correlation = correlated(&people, snapshot, &contract);
            people = applied(&people, &correlation);
            let again = correlated(&people, snapshot, &contract);
            prop_assert!(again.joined.is_empty(), "{:?}", again.joined);
            prop_assert!(again.changed.is_empty(), "{:?}", again.changed);
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(
        before in any_snapshot(),
        after in any_snapshot(),
        seed: u64,
    ) {
        let contract = lax(MissingPolicy::Leave);
        let people = applied(&[], &correlated(&[], &before, &contract));
        let mut turned = after.clone();
        turned.records.sort_by_key(|record| record.line.wrapping_mul(seed | 1) % 17);
        let mut turned_people = people.clone();
        turned_people.reverse();
        let straight = correlated(&people, &after, &contract);
        prop_assert_eq!(straight, correlated(&turned_people, &turned, &contract));
    }

    #[test]
    fn nobody_is_lost_and_nobody_is_there_twice(
        before in any_snapshot(),
        after in any_snapshot(),
    ) {
        let contract = lax(MissingPolicy::Leave);
        let people = applied(&[], &correlated(&[], &before, &contract));
        let next = applied(&people, &correlated(&people, &after, &contract));
        let numbers = |people: &[Person]| -> std::collections::BTreeSet<EmployeeNumber> {
            people.iter().map(|person| person.employee_number.clone()).collect()
        };
        prop_assert!(numbers(&next).is_superset(&numbers(&people)));
        prop_assert_eq!(numbers(&next).len(), next.len());
        for person in &next {
            prop_assert_eq!(lifecycle::conflicts(&person.employments), []);
        }
    }
}
