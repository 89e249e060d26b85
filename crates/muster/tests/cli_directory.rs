//! The directory on the command line: sources, people, groups, rules and the log, through the real
//! binary in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod office;

use insta::assert_snapshot;
use office::Office;

const SOURCE: &str = r#"name = "hr"

[columns]
employeeNumber = "id"
"name.givenName" = "first"
"name.familyName" = "last"
department = "dept"
title = "title"
hireDate = "start"
terminationDate = "end"

[dates]
hireDate = ["%Y-%m-%d"]
terminationDate = ["%Y-%m-%d"]

[[generated]]
attribute = "userName"
value = 'row.first + "." + row.last + "@acme.example"'
collision = "number"

[[generated]]
attribute = "displayName"
value = 'row.first + " " + row.last'
"#;

const FILE: &str = "id,first,last,dept,title,start,end
1,Ana,Ruiz,Sales,Account Executive,2020-01-01,
2,Bo,Lind,Support,Agent,2021-06-01,2026-11-24
3,Cy,Moor,Sales,Intern,2027-01-01,
4,Dee,Okoro,Support,Agent,2022-02-02,
";

/// An office whose people are imported.
fn acme() -> Office {
    let office = Office::new();
    office.write("hr.toml", SOURCE);
    office.write("hr.csv", FILE);
    office.done("source add hr.toml");
    office.done("source import hr hr.csv --as-of 2026-11-24");
    office
}

#[test]
fn init_writes_a_configuration_once() {
    let office = Office::empty();
    assert_snapshot!(office.run("init"), @r"
    exit 0
    Wrote ./muster.toml and ./muster.key.
    Keep a copy of the key file apart from the databases: without it sealed secrets are lost.

    Next:
      cd .
      muster serve
    The directory listens on http://127.0.0.1:8080, the service provider on http://127.0.0.1:8081.
    ");
    #[cfg(unix)]
    for file in ["muster.toml", "muster.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(office.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is its owner's alone");
    }
    assert_snapshot!(office.run("init"), @r"
    exit 2
    error: ./muster.toml exists already
      -> Nothing was changed. Name another folder, or edit the file.
    ");
    assert_snapshot!(office.run("source list"), @r"
    exit 0
    Nothing to show.
    ");
}

#[test]
fn a_command_outside_an_installation_says_how_to_make_one() {
    assert_snapshot!(Office::empty().run("source list"), @r"
    exit 2
    error: muster.toml cannot be read: No such file or directory (os error 2)
      -> `muster init` writes one here; `--config FILE` names another.
    ");
}

#[test]
fn a_source_is_added_and_a_file_is_imported() {
    let office = Office::new();
    office.write("hr.toml", SOURCE);
    office.write("hr.csv", FILE);
    assert_snapshot!(office.run("source add hr.toml"), @r"
    exit 0
    Source hr is set: 7 columns are mapped, 2 values generated.
    Next: muster source import hr FILE
    ");
    assert_snapshot!(office.run("source add hr.toml"), @r"
    exit 0
    Source hr is as the file says already.
    ");
    assert_snapshot!(office.run("source import hr hr.csv --as-of 2026-11-24"), @r"
    exit 0
    hr.csv: 4 rows for 2026-11-24: 4 joined, 0 changed, 0 unchanged, 0 missing, 0 set aside.
    ");
    assert_snapshot!(office.run("source import hr hr.csv --as-of 2026-11-24"), @r"
    exit 0
    hr.csv: 4 rows for 2026-11-24: 0 joined, 0 changed, 4 unchanged, 0 missing, 0 set aside.
    ");
    assert_snapshot!(office.run("source list"), @r"
    exit 0
     Name   A file            Columns   Last import
    ─────────────────────────────────────────────────────────────────────────────
     hr     names everybody   7         hr.csv, accepted [TIME]
    ");
}

#[test]
fn a_source_that_cannot_be_used_says_where() {
    let office = Office::new();
    office.write("typo.toml", &SOURCE.replace("[dates]", "[date]"));
    assert_snapshot!(office.run("source add typo.toml"), @r"
    exit 2
    error: typo.toml: TOML parse error at line 12, column 2
       |
    12 | [date]
       |  ^^^^
    unknown field `date`, expected one of `name`, `kind`, `delimiter`, `encoding`, `time_zone`, `snapshot`, `columns`, `dates`, `status`, `generated`, `contract`
    ");
    office.write("attribute.toml", &SOURCE.replace("title =", "titel ="));
    assert_snapshot!(office.run("source add attribute.toml"), @r"
    exit 2
    error: source `hr`: the profile has no attribute `titel`
    ");
    assert_snapshot!(office.run("source add missing.toml"), @r"
    exit 2
    error: missing.toml cannot be read: No such file or directory (os error 2)
    ");
    assert_snapshot!(office.run("source import hr hr.csv"), @r"
    exit 2
    error: hr.csv cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn broken_rows_are_set_aside_with_line_and_reason() {
    let office = acme();
    office.write("hr.csv", &format!("{FILE}5,Eve,Fox,Sales,Rep,24.11.2026,\n6,Fay\n"));
    assert_snapshot!(office.run("source import hr hr.csv --as-of 2026-11-24"), @r"
    exit 0
    hr.csv: 6 rows for 2026-11-24: 0 joined, 0 changed, 4 unchanged, 0 missing, 2 set aside.

    Set aside, to be corrected in HR and imported again:
      line 6 (5): the hire date: `24.11.2026` is not a date in the declared formats `%Y-%m-%d`
      line 7: The row has 2 fields, the header has 7
    ");
}

#[test]
fn a_broken_feed_is_stopped_and_says_what_to_do() {
    let office = acme();
    office.write("empty.csv", "id,first,last,dept,title,start,end\n");
    assert_snapshot!(office.run("source import hr empty.csv --as-of 2026-11-24"), @r"
    exit 3
    error: empty.csv was stopped and changed nothing. The snapshot of hr has no readable row, where 3 people are known.
      -> Export it again from HR; to end people's employments, give them termination dates there.
    ");
    office.write("columns.csv", "id,first,last\n1,Ana,Ruiz\n");
    assert_snapshot!(office.run("source import hr columns.csv --as-of 2026-11-24"), @r"
    exit 2
    error: source `hr`: `department` is mapped to the column `dept`, which the file does not have; it has id, first, last
    ");
    assert_snapshot!(office.run("source list"), @r"
    exit 0
     Name   A file            Columns   Last import
    ───────────────────────────────────────────────────────────────────────────────
     hr     names everybody   7         empty.csv, stopped [TIME]
    ");
}

#[test]
fn a_half_empty_file_is_stopped_until_somebody_accepts_it() {
    let office = Office::new();
    let file = |rows: u32| {
        let row = |at| format!("{at},First{at},Last{at},Sales,Rep,2020-01-01,\n");
        let rows: String = (1..=rows).map(row).collect();
        format!("id,first,last,dept,title,start,end\n{rows}")
    };
    office.write("hr.toml", SOURCE);
    office.write("hr.csv", &file(20));
    office.done("source add hr.toml");
    office.done("source import hr hr.csv --as-of 2026-11-24");
    office.write("hr.csv", &file(8));
    assert_snapshot!(office.run("source import hr hr.csv --as-of 2026-11-24"), @r"
    exit 3
    error: hr.csv was stopped and changed nothing. 12 of 20 people (60 %) are missing from the snapshot of hr; at most 20 % may be.
      -> Export it again from HR; if this is meant, import again with --accept-shrink 12.
    ");
    assert_snapshot!(
        office.run("source import hr hr.csv --as-of 2026-11-24 --accept-shrink 12"),
        @r"
    exit 0
    hr.csv: 8 rows for 2026-11-24: 0 joined, 0 changed, 8 unchanged, 12 missing, 0 set aside.

    Found:
      First10 Last10 (10) is missing from hr and stays employed.
      First11 Last11 (11) is missing from hr and stays employed.
      First12 Last12 (12) is missing from hr and stays employed.
      First13 Last13 (13) is missing from hr and stays employed.
      First14 Last14 (14) is missing from hr and stays employed.
      First15 Last15 (15) is missing from hr and stays employed.
      First16 Last16 (16) is missing from hr and stays employed.
      First17 Last17 (17) is missing from hr and stays employed.
      First18 Last18 (18) is missing from hr and stays employed.
      First19 Last19 (19) is missing from hr and stays employed.
      First20 Last20 (20) is missing from hr and stays employed.
      First9 Last9 (9) is missing from hr and stays employed.
    "
    );
}

#[test]
fn the_log_tells_what_happened_to_whom() {
    let office = acme();
    office.write("hr.csv", &FILE.replace("Account Executive", "Team Lead"));
    office.done("source import hr hr.csv --as-of 2026-11-24");
    assert_snapshot!(office.run("log --subject ana.ruiz@acme.example"), @r#"
    exit 0
    [TIME]  person.joined           Ana Ruiz (1)  by cli:tess (import [ID])
        Source hr has employee 1, line 2.
    [TIME]  person.changed          Ana Ruiz (1)  by cli:tess (import [ID])
        title was "Account Executive" and is now "Team Lead".
    "#);
    assert_snapshot!(office.run("log --kind import -n 1"), @r"
    exit 0
    [TIME]  import.accepted         hr  by cli:tess (muster source import)
        changed 1, file hr.csv, joined 0, missing 0, quarantined 0, rows 4, unchanged 3
    ");
    assert_snapshot!(office.run("log --kind nothing.of.the.kind"), @r"
    exit 0
    Nothing to show.
    ");
}

#[test]
fn people_are_listed_searched_and_shown() {
    let office = acme();
    assert_snapshot!(office.run("person list --as-of 2026-11-24"), @r"
    exit 0
     Employee number   Name        Login                    Department   Title               Standing
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     1                 Ana Ruiz    ana.ruiz@acme.example    Sales        Account Executive   Employed since 2020-01-01
     2                 Bo Lind     bo.lind@acme.example     Support      Agent               Left on 2026-11-24
     3                 Cy Moor     cy.moor@acme.example     Sales        Intern              Not employed before 2027-01-01
     4                 Dee Okoro   dee.okoro@acme.example   Support      Agent               Employed since 2022-02-02
    ");
    assert_snapshot!(office.run("person list --search agent --limit 1 --as-of 2026-11-24"), @r"
    exit 0
     Employee number   Name      Login                  Department   Title   Standing
    ────────────────────────────────────────────────────────────────────────────────────────────
     2                 Bo Lind   bo.lind@acme.example   Support      Agent   Left on 2026-11-24
    1 of 2 shown; --limit 0 lists all.
    ");
    assert_snapshot!(office.run("person show 2 --as-of 2026-11-24"), @r"
    exit 0
    Bo Lind (2, bo.lind@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 3, imported [TIME].
      - Left on 2026-11-24.
      - In no group: only people who are employed are.

    Attributes
      displayName = Bo Lind
      name.familyName = Lind
      name.givenName = Bo
      title = Agent
      department = Support
      employeeNumber = 2
      hireDate = 2021-06-01
      terminationDate = 2026-11-24
      userName = bo.lind@acme.example

    Employments
      from 2021-06-01 until 2026-11-24
    ");
    assert_snapshot!(office.run("person show nobody"), @r"
    exit 2
    error: there is no person `nobody`
    ");
}

#[test]
fn a_group_is_filled_by_hand_and_says_why() {
    let office = acme();
    assert_snapshot!(office.run("group create 'Phone' --description 'Who calls' --grants-licenses"), @r"
    exit 0
    Group Phone is set.
    ");
    assert_snapshot!(office.run("group add-member phone ana.ruiz@acme.example --note 'covers for Dee'"), @r"
    exit 0
    Ana Ruiz (1) is a member by hand of group Phone.
    Applications follow with the next `muster apply`.
    ");
    assert_snapshot!(office.run("group members phone --as-of 2026-11-24"), @r"
    exit 0
     Employee number   Name       Why
    ─────────────────────────────────────────────────────────────────────────────────────────────────
     1                 Ana Ruiz   Added by hand by cli:tess at [TIME]: covers for Dee.
    1 member on 2026-11-24.
    ");
    office.done("group exclude phone 1");
    assert_snapshot!(office.run("group list --as-of 2026-11-24"), @r"
    exit 0
     Name    Members   Grants licenses   Description
    ─────────────────────────────────────────────────
     Phone   0         yes               Who calls
    ");
    office.done("group include phone 1");
    office.done("group remove-member phone 1");
    assert_snapshot!(office.run("group members phone --as-of 2026-11-24"), @r"
    exit 0
    Nothing to show.
    0 members on 2026-11-24.
    ");
    assert_snapshot!(office.run("group members nothing"), @r"
    exit 2
    error: there is no group `nothing`
    ");
}

#[test]
fn a_mistake_in_a_rule_is_shown_where_it_is() {
    let office = acme();
    office.done("group create Sales");
    let put = |condition: &str| {
        office.run(&format!("rule put r --group Sales --condition '{condition}'"))
    };
    assert_snapshot!(put("user.departmnt == \"Sales\""), @r#"
    exit 2
    error: the condition cannot be used
      user.departmnt == "Sales"
           ^ column 6: `user` has no attribute `departmnt`; did you mean `department`?
    "#);
    assert_snapshot!(put("user.department == 7"), @r#"
    exit 2
    error: the condition cannot be used
      user.department == 7
                         ^ column 20: cannot compare a string with a number; in quotes it is a string: "7"
    "#);
    assert_snapshot!(put("user.department"), @r#"
    exit 2
    error: the condition cannot be used
      user.department
      ^ column 1: true or false is needed here, but `user.department` is a string; compare it, as in `user.department == "..."`
    "#);
    assert_snapshot!(put("user.department == \"Sales\" &&"), @r#"
    exit 2
    error: the condition cannot be used
      user.department == "Sales" &&
                                   ^ column 30: expected a value, found the end
    "#);
    assert_snapshot!(office.run("rule list"), @r"
    exit 0
    Nothing to show.
    ");
}

#[test]
fn a_rule_is_tried_saved_and_removed() {
    let office = acme();
    office.done("group create Sales");
    assert_snapshot!(
        office.run("rule test --condition 'user.department == \"Sales\"' --as-of 2026-11-24"),
        @r#"
    exit 0
    1 of 2 people employed on 2026-11-24 match: user.department == "Sales"
    It reads user.department.

    Matching, for example:
      Ana Ruiz (1): user.department is "Sales"

    Not matching:
      Dee Okoro (4): user.department is "Support", not "Sales"
    "#
    );
    office.done("rule put sales --group Sales --condition 'user.department == \"Sales\"'");
    assert_snapshot!(office.run("rule test SALES --as-of 2026-11-24 --json"), @r#"
    exit 0
    {
      "as_of": "2026-11-24",
      "condition": "user.department == \"Sales\"",
      "counterexamples": [
        {
          "because": "user.department is \"Support\", not \"Sales\"",
          "employee_number": "4",
          "name": "Dee Okoro"
        }
      ],
      "employed": 2,
      "examples": [
        {
          "because": "user.department is \"Sales\"",
          "employee_number": "1",
          "name": "Ana Ruiz"
        }
      ],
      "matching": 1,
      "reads": [
        "user.department"
      ]
    }
    "#);
    assert_snapshot!(office.run("rule put sales --group Sales --condition 'user.department == \"Sales\"'"), @r"
    exit 0
    Rule sales is as it was.
    ");
    assert_snapshot!(office.run("rule put sales --group Nothing --condition true"), @r"
    exit 2
    error: there is no group `Nothing`
    ");
    assert_snapshot!(office.run("rule list"), @r#"
    exit 0
     Name    Condition                    Fills   Active
    ─────────────────────────────────────────────────────
     sales   user.department == "Sales"   Sales   yes
    "#);
    assert_snapshot!(office.run("rule remove sales"), @r"
    exit 0
    Rule sales is removed. Whoever no other rule matches leaves its groups with the next plan.
    ");
    assert_snapshot!(office.run("rule remove sales"), @r"
    exit 2
    error: there is no rule `sales`
    ");
    assert_snapshot!(office.run("rule test"), @r"
    exit 2
    error: the following required arguments were not provided:
      <NAME>

    Usage: muster rule test <NAME>

    For more information, try '--help'.
    ");
}

#[test]
fn an_explanation_without_applications_ends_with_the_groups() {
    let office = acme();
    office.done("group create Sales");
    office.done("group create Support");
    office.done("rule put sales --group Sales --condition 'user.department == \"Sales\"'");
    assert_snapshot!(office.run("explain ana.ruiz@acme.example --as-of 2026-11-24"), @r#"
    exit 0
    Ana Ruiz (1, ana.ruiz@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 2, imported [TIME].
      + Employed since 2020-01-01.
      + Member of group Sales
          Rule "sales" matches: user.department == "Sales" (user.department is "Sales").
      - Not in group Support
          No rule fills group Support.
    "#);
    assert_snapshot!(office.run("explain 2 --as-of 2026-11-24"), @r"
    exit 0
    Bo Lind (2, bo.lind@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 3, imported [TIME].
      - Left on 2026-11-24.
      - In no group: only people who are employed are.
    ");
    assert_snapshot!(office.run("explain 3 --as-of 2026-11-24"), @r"
    exit 0
    Cy Moor (3, cy.moor@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 4, imported [TIME].
      - Not employed before 2027-01-01.
      - In no group: only people who are employed are.
    ");
    assert_snapshot!(office.run("explain 1 --app nothing"), @r"
    exit 2
    error: there is no application `nothing`
    ");
}
