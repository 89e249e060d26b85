//! Importing HR files: what becomes of rows, names, gaps and broken feeds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use db::{Clock, KeyFile};
use directory::{Directory, DirectoryOptions, ImportOptions, ImportReport, Outbound, SourceConfig};
use jiff::Timestamp;
use lifecycle::{Acceptance, Person, Standing};
use tempfile::TempDir;

const TODAY: &str = "2026-11-24";

struct Office {
    directory: Directory,
    _folder: TempDir,
}

impl Office {
    fn new(source: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let key_file = folder.path().join("muster.key");
        KeyFile::create(&key_file).unwrap();
        let now: Timestamp = format!("{TODAY}T09:00:00Z").parse().unwrap();
        let directory = Directory::open(&DirectoryOptions {
            database: db::testing::url(&folder.path().join("directory.db")),
            key_file,
            clock: Clock::fixed(now),
            outbound: Outbound::default(),
        })
        .unwrap();
        let config: SourceConfig = serde_json::from_str(source).unwrap();
        directory.put_source(&directory.ctx("test", "set-up"), &config).unwrap();
        Self { directory, _folder: folder }
    }

    fn import(&self, file: &str) -> ImportReport {
        self.import_allowing(file, Acceptance::default())
    }

    fn import_allowing(&self, file: &str, acceptance: Acceptance) -> ImportReport {
        let ctx = self.directory.ctx("test", "import");
        let options = ImportOptions { as_of: TODAY.parse().unwrap(), acceptance };
        self.directory.import(&ctx, "hr", "hr.csv", file.as_bytes(), &options).unwrap()
    }

    fn login(&self, number: &str) -> String {
        self.person(number).profile.text("userName").unwrap_or_default().to_string()
    }

    fn person(&self, number: &str) -> Person {
        self.directory.person(number).unwrap()
    }
}

const SOURCE: &str = r#"{
    "name": "hr",
    "columns": {
        "employeeNumber": "id", "name.givenName": "first", "name.familyName": "last",
        "department": "dept", "hireDate": "start", "terminationDate": "end"
    },
    "generated": [
        {"attribute": "userName", "value": "row.first + \".\" + row.last + \"@acme.example\""},
        {"attribute": "displayName", "value": "row.first + \" \" + row.last"},
        {"attribute": "emails[type eq \"work\"].value", "value": "user.userName"}
    ]
}"#;

const FILE: &str = "id,first,last,dept,birthdate,start,end
1,Ana,Ruiz,Sales,1990-01-01,2020-01-01,
2,Bo,Lind,Support,1991-01-01,2021-06-01,2026-11-24
3,Cy,Moor,Sales,1992-01-01,2027-01-01,
";

#[test]
fn a_row_becomes_a_person_with_what_was_mapped_and_nothing_else() {
    let office = Office::new(SOURCE);
    let report = office.import(FILE);
    assert_eq!((report.joined, report.changed, report.quarantined.len()), (3, 0, 0));
    let ana = office.person("ana.ruiz@acme.example");
    assert!(!serde_json::to_string(ana.profile.document()).unwrap().contains("1990"));
    insta::assert_json_snapshot!(ana.profile.document(), @r#"
    {
      "displayName": "Ana Ruiz",
      "emails": [
        {
          "primary": true,
          "type": "work",
          "value": "ana.ruiz@acme.example"
        }
      ],
      "name": {
        "familyName": "Ruiz",
        "givenName": "Ana"
      },
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:muster:schemas:1.0:Employment"
      ],
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
        "department": "Sales",
        "employeeNumber": "1"
      },
      "urn:muster:schemas:1.0:Employment": {
        "hireDate": "2020-01-01"
      },
      "userName": "ana.ruiz@acme.example"
    }
    "#);
}

#[test]
fn hire_and_termination_decide_who_is_employed_today() {
    let office = Office::new(SOURCE);
    office.import(FILE);
    let standing = |number: &str| office.person(number).standing(TODAY.parse().unwrap());
    assert!(standing("1").is_employed());
    assert!(matches!(standing("2"), Standing::Left { .. }), "gone on the day itself");
    assert!(matches!(standing("3"), Standing::Future { .. }));
}

#[test]
fn the_same_file_again_changes_nothing() {
    let office = Office::new(SOURCE);
    office.import(FILE);
    let report = office.import(FILE);
    assert_eq!((report.joined, report.changed, report.unchanged), (0, 0, 3));
}

const MAPPED: &str = r#"{
    "name": "hr",
    "columns": {"employeeNumber": "id", "userName": "login", "hireDate": "start", "terminationDate": "end"}
}"#;

/// `number login`, employed since 2020.
fn mapped(rows: &[&str]) -> String {
    let row = |row: &&str| format!("{},2020-01-01,\n", row.replace(' ', ","));
    format!("id,login,start,end\n{}", rows.iter().map(row).collect::<String>())
}

#[test]
fn two_rows_with_one_login_are_set_aside_and_the_rest_is_imported() {
    let office = Office::new(MAPPED);
    let report = office.import(&mapped(&["1 ana@a.test", "2 Ana@a.test", "3 bo@a.test"]));
    let aside: Vec<String> =
        report.quarantined.iter().map(|row| format!("{}: {}", row.line, row.reason)).collect();
    assert_eq!(
        aside,
        [
            "2: the login `ana@a.test` is also that of employee 2 in line 3",
            "3: the login `ana@a.test` is also that of employee 1 in line 2"
        ]
    );
    assert_eq!((report.joined, office.login("3").as_str()), (1, "bo@a.test"));
}

#[test]
fn who_has_a_login_keeps_it_when_another_row_claims_it() {
    let office = Office::new(MAPPED);
    office.import(&mapped(&["1 ana@a.test", "2 bo@a.test", "3 cy@a.test"]));
    // Employee 9 has the number of a second contract: nobody is found by the login alone.
    let report =
        office.import(&mapped(&["1 ana@a.test", "2 ana@a.test", "3 cy@a.test", "9 bo@a.test"]));
    let aside: Vec<String> =
        report.quarantined.iter().map(|row| format!("{}: {}", row.line, row.reason)).collect();
    assert_eq!(
        aside,
        [
            "3: the login `ana@a.test` is also that of employee 1 in line 2",
            "5: the login `bo@a.test` belongs to employee 2"
        ]
    );
    assert_eq!((report.joined, report.changed), (0, 0));
    assert_eq!((office.login("1"), office.login("2")), ("ana@a.test".into(), "bo@a.test".into()));
    // A file that does not name the first one any more does not free the login either.
    let report = office.import(&mapped(&["2 ana@a.test", "3 cy@a.test"]));
    assert_eq!(report.quarantined[0].reason, "the login `ana@a.test` belongs to employee 1");
}

#[test]
fn logins_may_go_round() {
    let office = Office::new(MAPPED);
    office.import(&mapped(&["1 a@a.test", "2 b@a.test", "3 c@a.test"]));
    let report = office.import(&mapped(&["1 b@a.test", "2 c@a.test", "3 a@a.test", "4 d@a.test"]));
    assert_eq!((report.changed, report.joined, report.quarantined.len()), (3, 1, 0));
    for (login, number) in [("b@a.test", "1"), ("c@a.test", "2"), ("a@a.test", "3")] {
        assert_eq!(office.person(login).employee_number.as_str(), number);
    }
    // A login that is given up can be taken at once.
    let report = office.import(&mapped(&[
        "1 e@a.test",
        "2 c@a.test",
        "3 a@a.test",
        "4 d@a.test",
        "5 b@a.test",
    ]));
    assert_eq!((report.changed, report.joined), (1, 1));
    assert_eq!(office.person("b@a.test").employee_number.as_str(), "5");
}

#[test]
fn equal_names_and_other_alphabets_get_logins_of_their_own_that_stay() {
    let office = Office::new(SOURCE);
    let file = "id,first,last,dept,start,end
7,Łukasz,Żółć,Sales,2020-01-01,
3,Ana,Ruiz,Sales,2020-01-01,
5,ana,ruíz,Sales,2020-01-01,
6,王,伟,Sales,2020-01-01,
8,Jo Ann,D'Arcy-O'Neil,Sales,2020-01-01,
";
    office.import(file);
    let logins = ["3", "5", "6", "7", "8"].map(|number| office.login(number));
    assert_eq!(
        logins,
        [
            "ana.ruiz@acme.example",
            "ana.ruiz2@acme.example",
            "wang.wei@acme.example",
            "lukasz.zolc@acme.example",
            "jo.ann.darcy-oneil@acme.example",
        ]
    );
    // A new name is a new display name, and the same login.
    let report = office.import(&file.replace("3,Ana,Ruiz", "3,Ana,Berg"));
    assert_eq!(report.changed, 1);
    assert_eq!(office.login("3"), "ana.ruiz@acme.example");
    assert_eq!(office.person("3").profile.text("displayName"), Some("Ana Berg"));
}

#[test]
fn bad_rows_are_set_aside_with_line_and_reason_while_the_rest_goes_on() {
    let office = Office::new(SOURCE);
    let good: String =
        (100..120).map(|n| format!("{n},First{n},Last{n},Sales,2020-01-01,\n")).collect();
    let report = office.import(&format!(
        "id,first,last,dept,start,end
1,Ana,Ruiz,Sales,2020-01-01,
2,Bo,Lind,Support,01.06.2021,
,Cy,Moor,Sales,2020-01-01,
4,Di,Park,Sales,2020-01-01
5,Ed,Quist,Sales,2020-01-01,
5,Ed,Quist,Support,2020-01-01,
{good}"
    ));
    assert_eq!(report.joined, 21);
    let lines: Vec<u64> = report.quarantined.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7]);
    insta::assert_snapshot!(report.quarantined[0].reason, @"the hire date: `01.06.2021` is not a date in the declared formats `%Y-%m-%d`");
}

fn many(range: std::ops::Range<u32>) -> String {
    let rows: String = range.map(|n| format!("{n},First{n},Last{n},Sales,2020-01-01,\n")).collect();
    format!("id,first,last,dept,start,end\n{rows}")
}

#[test]
fn an_empty_or_halved_file_changes_nothing_and_says_what_to_do_if_it_is_meant() {
    let office = Office::new(SOURCE);
    office.import(&many(0..100));
    for file in [many(0..0), many(0..40)] {
        let report = office.import(&file);
        assert!(report.is_stopped());
        assert_eq!((report.joined, report.changed), (0, 0));
        assert!(!report.stopped[0].next_step.is_empty());
    }
    let report = office.import_allowing(&many(0..40), Acceptance { shrink: Some(60) });
    assert!(!report.is_stopped());
    assert_eq!(report.missing, 60);
}

#[test]
fn a_mapping_to_a_column_the_file_lacks_is_named() {
    let office = Office::new(SOURCE);
    let ctx = office.directory.ctx("test", "import");
    let options =
        ImportOptions { as_of: TODAY.parse().unwrap(), acceptance: Acceptance::default() };
    let error = office
        .directory
        .import(
            &ctx,
            "hr",
            "hr.csv",
            b"id,first,last,start,end\n1,Ana,Ruiz,2020-01-01,\n",
            &options,
        )
        .unwrap_err();
    insta::assert_snapshot!(error, @"source `hr`: `department` is mapped to the column `dept`, which the file does not have; it has id, first, last, start, end");
}
