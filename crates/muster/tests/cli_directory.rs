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
    ─────────────────────────────────────────────────────────────────────────────
     Name   A file            Columns   Last import
    ═════════════════════════════════════════════════════════════════════════════
     hr     names everybody   7         hr.csv, accepted [TIME]
    ─────────────────────────────────────────────────────────────────────────────
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
    ───────────────────────────────────────────────────────────────────────────────
     Name   A file            Columns   Last import
    ═══════════════════════════════════════════════════════════════════════════════
     hr     names everybody   7         empty.csv, stopped [TIME]
    ───────────────────────────────────────────────────────────────────────────────
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
        changed 1, file hr.csv, import [ID], joined 0, missing 0, quarantined 0, rows 4, unchanged 3
    ");
    assert_snapshot!(office.run("log --kind nothing.of.the.kind"), @r"
    exit 0
    Nothing to show.
    ");
}
