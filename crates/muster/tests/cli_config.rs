//! `muster config`: folders of files are planned, applied and exported, through the real binary in a
//! temporary folder.

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

const NOTHING: &str = "exit 0\nNothing to do: both are as the files say.";

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
    assert_snapshot!(applied, @"");
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
    assert_snapshot!(office.run("config plan d"), @"");
    write(&office, "d/groups.toml", &GROUPS.replace("user.department", "user.departmnet"));
    assert_snapshot!(office.run("config apply d"), @"");
    write(&office, "d/groups.toml", &GROUPS.replace("groups = [\"Sales\"]", "groups = [\"Sale\"]"));
    assert_snapshot!(office.run("config apply d"), @"");
    write(&office, "d/groups.toml", GROUPS);
    write(&office, "d/service-provider/t.toml", "name = \"t\"\npreset = \"gide\"\n");
    assert_snapshot!(office.run("config plan d"), @"");
    write(
        &office,
        "d/service-provider/t.toml",
        "name = \"t\"\n[[grant]]\ngroup = \"a\"\nlicence = \"b\"\n",
    );
    assert_snapshot!(office.run("config plan d"), @"");
    write(
        &office,
        "d/service-provider/t.toml",
        "name = \"t\"\n[[grant]]\ngroup = \"a\"\nlicense = \"b\"\n",
    );
    assert_snapshot!(office.run("config apply d"), @"");
    assert_snapshot!(office.run("tenant list"), @"");
    assert_snapshot!(office.run("config plan nowhere"), @"");
}

#[test]
fn a_token_file_is_read_and_sealed_and_one_that_is_missing_stops_all_of_it() {
    let office = Office::new();
    write(&office, "d/groups.toml", GROUPS);
    write(&office, "d/applications/app.toml", APPLICATION);
    assert_snapshot!(office.run("config apply d"), @"");
    assert_snapshot!(office.run("config plan d"), @"");
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
    assert_snapshot!(office.run("config plan d"), @"");
    let json = office.done("config apply d --json");
    let applied: serde_json::Value = serde_json::from_str(&json["exit 0\n".len()..]).unwrap();
    assert_eq!(applied["changes"][0]["kind"], "tenant");
    assert_snapshot!(office.run("config apply d"), @"");
}

#[test]
fn a_half_that_is_not_configured_is_skipped_with_a_sentence() {
    let office = Office::new();
    office.write("muster.toml", "[service_provider]\n");
    let applied = office.done(&format!("config apply {}", example("acme")));
    let last = applied.lines().rev().take(2).collect::<Vec<_>>();
    assert_snapshot!(last.join("\n"), @"");
    assert_eq!(
        office.run(&format!("config apply {}", example("acme"))).lines().last(),
        Some("Nothing to do: both are as the files say.")
    );
    office.write("muster.toml", "[directory]\nprivate_hosts = [\"127.0.0.1\"]\n");
    let applied = office.done(&format!("config apply {}", example("acme")));
    assert!(applied.contains("This installation has no service provider: 1 tenant skipped."));
}
