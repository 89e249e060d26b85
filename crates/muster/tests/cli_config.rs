//! `muster config`: folders of files are planned, applied and exported, through the real binary in a
//! temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod office;

use std::path::PathBuf;

use insta::assert_snapshot;
use office::Office;

fn example(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    root.display().to_string()
}

/// Writes a file, with the folders it lies in.
fn write(office: &Office, name: &str, text: &str) {
    let path = office.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const GROUPS: &str = r#"[[group]]
name = "Sales"

[[rule]]
name = "Sales people"
condition = 'user.department == "Sales"'
groups = ["Sales"]
"#;

const APPLICATION: &str = r#"name = "app"
token_file = "app.token"
base_url = "http://127.0.0.1:8081/scim2"

[[assign]]
group = "Sales"
"#;

const NOTHING: &str = "exit 0\nNothing to do: everything is as the files say.";

#[test]
fn the_guide_is_applied_once_and_then_there_is_nothing_to_do() {
    let office = Office::new();
    let acme = example("acme");
    let planned = office.done(&format!("config plan {acme}"));
    let applied = office.done(&format!("config apply {acme}"));
    assert_eq!(
        planned.replace("11 to create, 0 to change.", ""),
        applied.replace("11 created, 0 changed.", "")
    );
    assert_snapshot!(applied, @r#"
    exit 0
    create  tenant       acme
              license type workplace-enterprise: new, "Workplace Enterprise", rank 400, no seat limit
              license type workplace-business: new, "Workplace Business", rank 300, no seat limit
              license type workplace-licensed: new, "Workplace Licensed", rank 200, no seat limit, userType Licensed
              license type basic: new, "Basic", rank 100, no seat limit, retired
              license type unassigned: new, "Unassigned (no meetings license)", rank 0, no seat limit, userType Unassigned
              product contact-center: new, "Zoom Contact Center", no seat limit
              product phone: new, "Zoom Phone", no seat limit
              product webinars: new, "Zoom Webinars", no seat limit
              default license: none -> unassigned
              adopt: self-signup -> always
              grant of "Zoom - Contact Center": new, workplace-business, contact-center, phone, recording=cloud, recording-retention=365-days
              grant of "Zoom - Meetings": new, workplace-licensed, recording=local
              grant of "Zoom - Phone": new, workplace-business, phone, recording=cloud, voicemail-transcription=on
              grant of "Zoom - Webinars": new, workplace-licensed, webinars, recording=cloud, webinar-registration=required
    create  group        Zoom - Meetings
    create  group        Zoom - Phone
    create  group        Zoom - Contact Center
    create  group        Zoom - Webinars
    create  rule         Everybody
    create  rule         Sales and support call customers
    create  rule         Support agents
    create  rule         Marketing hosts webinars
    create  source       hr
    create  application  zoom
    11 created, 0 changed.
    "#);
    assert_eq!(office.run(&format!("config plan {acme}")), NOTHING);
    assert_eq!(office.run(&format!("config apply {acme}")), NOTHING);
}

#[test]
fn what_is_exported_changes_nothing_when_it_is_applied() {
    for name in ["acme", "hr-export"] {
        let office = Office::new();
        office.done(&format!("config apply {}", example(name)));
        office.done("config export out");
        assert_eq!(office.run("config apply out"), NOTHING);
        // Nor does it lack anything: elsewhere it makes the same.
        let other = Office::new();
        let out = office.path().join("out").display().to_string();
        other.done(&format!("config apply {out}"));
        assert_eq!(other.run(&format!("config apply {}", example(name))), NOTHING);
        assert!(office.run("config export out").starts_with("exit 2\n"));
        office.done("config export out --overwrite");
    }
}

#[test]
fn a_mistake_is_told_with_its_file_and_line_and_what_was_probably_meant() {
    let office = Office::new();
    write(&office, "d/groups.toml", &GROUPS.replace("condition", "conditon"));
    assert_snapshot!(office.run("config plan d"), @r"
    exit 2
    error: d/groups.toml:6: the key `conditon` is not known
      -> Did you mean `condition`?
    ");
    write(&office, "d/groups.toml", &GROUPS.replace("user.department", "user.departmnet"));
    assert_snapshot!(office.run("config apply d"), @r#"
    exit 2
    error: rule `Sales people`: the condition cannot be used
      user.departmnet == "Sales"
           ^ column 6: `user` has no attribute `departmnet`; did you mean `department`?
    "#);
    write(&office, "d/groups.toml", &GROUPS.replace("groups = [\"Sales\"]", "groups = [\"Sale\"]"));
    assert_snapshot!(office.run("config apply d"), @r"
    exit 2
    error: rule `Sales people` names the group `Sale`, which is neither in the files nor in the directory
      -> Did you mean `Sales`?
    ");
    write(&office, "d/groups.toml", GROUPS);
    write(&office, "d/service-provider/t.toml", "name = \"t\"\npreset = \"gide\"\n");
    assert_snapshot!(office.run("config plan d"), @r"
    exit 2
    error: Tenant `t`: there is no preset `gide`; there is `guide`.
    ");
    write(
        &office,
        "d/service-provider/t.toml",
        "name = \"t\"\n[[grant]]\ngroup = \"a\"\nlicence = \"b\"\n",
    );
    assert_snapshot!(office.run("config plan d"), @r"
    exit 2
    error: d/service-provider/t.toml:4: the key `licence` is not known
      -> Did you mean `license`?
    ");
    write(
        &office,
        "d/service-provider/t.toml",
        "name = \"t\"\n[[grant]]\ngroup = \"a\"\nlicense = \"b\"\n",
    );
    assert_snapshot!(office.run("config apply d"), @r"
    exit 2
    error: tenant `t`: There is no license type `b`. `muster license list` shows those there are.
      -> What came before it is applied. Correct it and apply again.
    ");
    assert_snapshot!(office.run("tenant list"), @r"
    exit 0
    Nothing to show.
    ");
    assert_snapshot!(office.run("config plan nowhere"), @r"
    exit 2
    error: nowhere holds no configuration
      -> It has groups.toml and the folders sources, applications and service-provider.
    ");
}

#[test]
fn files_are_tested_without_an_installation() {
    let office = Office::empty();
    for name in ["acme", "hr-export"] {
        office.done(&format!("config test {}", example(name)));
    }
    write(&office, "d/groups.toml", GROUPS);
    let mapping = "[[mapping]]\ntarget = \"nickname.first\"\nvalue = \"user.userName\"\n\n\
                   [[assign]]\nperson = \"ana@acme.example\"\n";
    write(&office, "d/applications/app.toml", APPLICATION);
    assert_snapshot!(office.run("config test d"), @r"
    exit 0
    d can be applied: 0 tenants, 1 group, 1 rule, 0 sources, 1 application.
    ");
    write(&office, "d/applications/app.toml", &format!("{APPLICATION}\n{mapping}"));
    assert_snapshot!(office.run("config test d"), @r"
    exit 2
    error: application `app`: mapping `nickname.first`: the target cannot be used: the application has no attribute `nickname.first`
    ");
    assert_eq!(std::fs::read_dir(office.path()).unwrap().count(), 1);
}

#[test]
fn a_token_file_is_read_and_sealed_and_one_that_is_missing_stops_all_of_it() {
    let office = Office::new();
    write(&office, "d/groups.toml", GROUPS);
    write(&office, "d/applications/app.toml", APPLICATION);
    assert_snapshot!(office.run("config apply d"), @r"
    exit 2
    error: the token file d/applications/app.token cannot be read: No such file or directory (os error 2)
    ");
    assert_snapshot!(office.run("config plan d"), @r"
    exit 0
    create  group        Sales
    create  rule         Sales people
    create  application  app
    3 to create, 0 to change.
    The token of app would be read from d/applications/app.token.
    ");
    write(&office, "d/applications/app.token", "mst_secret\n");
    let applied = office.done("config apply d");
    assert!(applied.contains("The token of app was read and sealed."), "{applied}");
    office.done("config export out");
    let exported =
        std::fs::read_to_string(office.path().join("out/applications/app.toml")).unwrap();
    assert!(!exported.contains("token") && !exported.contains("secret"), "{exported}");
}

#[test]
fn a_change_says_what_differs_and_what_no_file_names_is_kept() {
    let office = Office::new();
    write(&office, "d/groups.toml", GROUPS);
    write(&office, "d/service-provider/t.toml", "name = \"t\"\npreset = \"guide\"\n");
    office.done("config apply d");
    let changed =
        GROUPS.replace("Sales\"'", "Support\"'").replace("name = \"Sales\"", "name = \"Desk\"");
    write(&office, "d/groups.toml", &changed.replace("[\"Sales\"]", "[\"Desk\"]"));
    write(
        &office,
        "d/service-provider/t.toml",
        "name = \"t\"\npreset = \"guide\"\nself_signup = \"forbidden\"\n\
         [[product]]\nkey = \"phone\"\nname = \"Zoom Phone\"\nseats = 50\n",
    );
    assert_snapshot!(office.run("config plan d"), @r#"
    exit 0
    change  tenant       t
              product phone: "Zoom Phone", no seat limit -> "Zoom Phone", 50 seats
              self-signup: pending -> forbidden
    create  group        Desk
    keep    group        Sales (no file names it)
    change  rule         Sales people
              condition: "user.department == \"Sales\"" -> "user.department == \"Support\""
              groups: - "Sales"
              groups: + "Desk"
    1 to create, 2 to change.
    "#);
    let json = office.done("config apply d --json");
    let applied: serde_json::Value = serde_json::from_str(&json["exit 0\n".len()..]).unwrap();
    assert_eq!(applied["changes"][0]["kind"], "tenant");
    assert_snapshot!(office.run("config apply d"), @r"
    exit 0
    keep    group        Sales (no file names it)
    Nothing to do: everything is as the files say.
    ");
}

#[test]
fn a_half_that_is_not_configured_is_skipped_with_a_sentence() {
    let office = Office::new();
    office.write("muster.toml", "[service_provider]\n");
    let applied = office.done(&format!("config apply {}", example("acme")));
    let last = applied.lines().rev().take(2).collect::<Vec<_>>();
    assert_snapshot!(last.join("\n"), @r"
    1 created, 0 changed.
    This installation has no directory: 4 groups, 4 rules, 1 source, 1 application skipped.
    ");
    assert_eq!(
        office.run(&format!("config apply {}", example("acme"))).lines().last(),
        Some("Nothing to do: everything is as the files say.")
    );
    office.write("muster.toml", "[directory]\nprivate_hosts = [\"127.0.0.1\"]\n");
    let applied = office.done(&format!("config apply {}", example("acme")));
    assert!(applied.contains("This installation has no service provider: 1 tenant skipped."));
}
