//! Backup, restore and the move to PostgreSQL, through the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod office;

use office::Office;
use serde_json::Value;

/// An installation with somebody in it.
fn furnished() -> Office {
    let office = Office::new();
    furnish(&office);
    office
}

fn furnish(office: &Office) {
    for line in ["tenant create Acme", "license preset guide --tenant Acme", "group create Sales"] {
        office.done(line);
    }
}

fn manifest(office: &Office, dir: &str) -> Value {
    let text = std::fs::read_to_string(office.path().join(dir).join("manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_backup_is_restored_into_an_empty_installation_and_nowhere_else() {
    let office = furnished();
    let printed = office.run("backup saved");
    assert!(printed.starts_with("exit 0"), "{printed}");
    let again = office.run("backup saved");
    assert!(again.starts_with("exit 2") && again.contains("is not empty"), "{again}");
    let occupied = office.run("restore saved");
    assert!(occupied.starts_with("exit 1") && occupied.contains("has rows already"), "{occupied}");

    let other = Office::new();
    let saved = office.path().join("saved");
    let printed = other.run(&format!("restore {}", saved.display()));
    assert!(printed.starts_with("exit 0") && printed.contains("as in the backup"), "{printed}");
    assert!(other.run("tenant list").contains("Acme"));
    assert_eq!(other.run("license list --tenant Acme"), office.run("license list --tenant Acme"));
    assert!(other.run("group list").contains("Sales"));
    // A backup of what was restored is the same backup.
    assert!(other.run("backup again").starts_with("exit 0"));
    assert_eq!(manifest(&other, "again")["databases"], manifest(&office, "saved")["databases"]);
}

#[test]
fn a_backup_that_was_changed_is_refused() {
    let office = furnished();
    assert!(office.run("backup saved").starts_with("exit 0"));
    let path = office.path().join("saved/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let tenants = manifest(&office, "saved")["databases"][1]["tables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|table| table["name"] == "tenants")
        .unwrap()["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    std::fs::write(&path, text.replace(&tenants, &"0".repeat(64))).unwrap();
    let printed = Office::new().run(&format!("restore {}", path.parent().unwrap().display()));
    assert!(printed.starts_with("exit 1") && printed.contains("\"tenants\""), "{printed}");
    std::fs::remove_file(&path).unwrap();
    let printed = Office::new().run(&format!("restore {}", path.parent().unwrap().display()));
    assert!(printed.starts_with("exit 2") && printed.contains("wrote to its end"), "{printed}");
}

#[test]
fn an_installation_of_files_moves_to_postgresql_with_proof() {
    let office = Office::empty();
    assert!(office.run("init").starts_with("exit 0"));
    furnish(&office);
    let elsewhere = office.run("migrate --to sqlite:elsewhere.db");
    assert!(elsewhere.starts_with("exit 2") && elsewhere.contains("postgres://"), "{elsewhere}");
    if db::testing::on_sqlite() {
        return;
    }
    let url = db::testing::url(&office.path().join("target"));
    let target = url.split("?schema=").next().unwrap();
    let printed = office.run(&format!("migrate --to {target}"));
    assert!(
        printed.starts_with("exit 0") && printed.contains("the same on both sides"),
        "{printed}"
    );
    let licenses = office.run("license list --tenant Acme");
    let config = std::fs::read_to_string(office.path().join("muster.toml")).unwrap();
    let config = config
        .replace("sqlite:directory.db", &format!("{target}?schema=directory"))
        .replace("sqlite:service-provider.db", &format!("{target}?schema=service_provider"));
    office.write("muster.toml", &config);
    assert_eq!(office.run("license list --tenant Acme"), licenses);
    assert!(office.run("group list").contains("Sales"));
    let again = office.run(&format!("migrate --to {target}"));
    assert!(again.contains("has rows already"), "{again}");
}
