//! The logs of both halves on the command line: shown, verified, tampered with, cut off; through the
//! real binary in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use more of it")]
mod office;

use office::Office;
use serde_json::Value;

/// An office with the tenant `acme`, both halves of which have a log.
fn acme() -> Office {
    let office = Office::new();
    office.done("tenant create acme");
    office.done("token create --tenant acme");
    office.done("group create Sales");
    office
}

fn json(office: &Office, line: &str) -> Value {
    let output = office.command(line).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes other bytes over those of a database file, as somebody would who has access to the disk.
fn overwrite(office: &Office, file: &str, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let path = office.path().join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "{from}");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_tenants_log_tells_what_happened_in_it() {
    let office = acme();
    let log = json(&office, "log --tenant acme --json");
    let kinds: Vec<_> = log.as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["tenant.created", "token.created"]);
    assert_eq!((&log[0]["place"], &log[1]["place"]), (&1.into(), &2.into()));
    let last = json(&office, "log --tenant acme --kind token -n 1 --json");
    assert_eq!(last[0]["actor"], "cli:tess");
}

#[test]
fn a_log_that_somebody_has_changed_is_told_from_one_that_is_as_it_was_written() {
    // Somebody who can write into the file changes it; the chain is the same on every engine.
    if !db::testing::on_sqlite() {
        return;
    }
    let office = acme();
    let fine = office.done("log verify");
    assert_eq!(fine.matches("as it was written").count(), 2, "{fine}");
    let found = json(&office, "log verify --json");
    assert_eq!((&found[1]["event_count"], &found[1]["break"]), (&2.into(), &Value::Null));
    assert_eq!(found[0]["log"], "directory");

    overwrite(&office, "service-provider.db", "cli:tess", "cli:evil");
    let told = office.run("log verify");
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(told.contains("the log `service provider: acme` is broken at place 1"), "{told}");
    let found = json(&office, "log verify --json");
    assert_eq!(found[0]["break"], Value::Null);
    assert_eq!(
        (&found[1]["break"]["place"], &found[1]["break"]["flaw"]),
        (&1.into(), &"changed".into())
    );
}

#[test]
fn what_is_old_can_be_cut_off_and_the_rest_is_still_verified() {
    let office = acme();
    let refused = office.run("log truncate --before 2100-01-01");
    assert!(refused.starts_with("exit 2\n") && refused.contains("--all"), "{refused}");
    let nothing = office.done("log truncate --before 2000-01-01 --tenant acme");
    assert!(nothing.contains("nothing is older than 2000-01-01"), "{nothing}");
    let cut = office.done("log truncate --before 2100-01-01 --all");
    assert!(cut.contains("acme: entries up to place 2 are gone."), "{cut}");
    let log = json(&office, "log --tenant acme --json");
    assert_eq!((log.as_array().unwrap().len(), &log[0]["kind"]), (1, &"log.truncated".into()));
    let fine = office.done("log verify");
    assert_eq!(fine.matches("as it was written").count(), 2, "{fine}");
    assert!(fine.contains("behind a checkpoint at place 2"), "{fine}");
}
