//! The service provider on the command line: tenants, tokens, licenses, seats and users, through the
//! real binary in a temporary folder.

mod office;

use std::process::{Command, Output};

use db::Clock;
use insta::assert_snapshot;
use office::Office;
use serde_json::{Value, json};
use service_provider::{Config, ServiceProvider, TenantId, UserState};

/// An office with the tenant `acme` and the guide's licenses.
fn acme() -> Office {
    let office = Office::new();
    office.done("tenant create acme");
    office.done("license preset guide");
    office
}

/// Its service provider, as the running server has it.
fn provider(office: &Office) -> (ServiceProvider, TenantId) {
    let provider = ServiceProvider::open(Config {
        database: format!("sqlite:{}", office.path().join("service-provider.db").display()),
        public_url: "http://127.0.0.1:8081".into(),
        key_file: None,
        clock: Clock::system(),
    })
    .unwrap();
    let tenant = provider.tenant("acme").unwrap().id;
    (provider, tenant)
}

/// Users as somebody brought them in.
fn hire(office: &Office, names: &[&str]) {
    let (provider, tenant) = provider(office);
    for name in names {
        let document = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("{name}@acme.example"),
            "displayName": name,
        });
        let ctx = provider.ctx("test", "test");
        provider.create_user(&ctx, &tenant, &document, UserState::Active).unwrap();
    }
}

fn plain(office: &Office, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(words)
        .current_dir(office.path())
        .env_remove("MUSTER_CONFIG")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn json_of(office: &Office, words: &[&str]) -> Value {
    let output = plain(office, words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_token_is_printed_once_and_alone() {
    let office = acme();
    let output = plain(&office, &["token", "create", "--tenant", "acme", "--expires-in", "90d"]);
    let (token, told) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let token = token.strip_suffix('\n').unwrap();
    assert!(token.starts_with("mst_") && !token.contains(char::is_whitespace), "{token:?}");
    assert!(told.contains("It is shown this once."), "{told}");
    assert!(!told.contains(token));

    let listed = office.done("token list");
    assert!(listed.contains("scim") && !listed.contains(&token[4..]), "{listed}");
    let (provider, tenant) = provider(&office);
    let kept = provider.tokens(&tenant).unwrap().remove(0);
    let days = kept.expires_at.unwrap().duration_since(kept.created_at).as_hours() / 24;
    assert_eq!(days, 90);
}

#[test]
fn a_token_is_rotated_with_an_overlap_and_revoked_at_once() {
    let office = acme();
    let first = json_of(&office, &["token", "create", "--json", "--name", "okta"]);
    assert!(first["token"].as_str().unwrap().starts_with("mst_"));
    assert_eq!((&first["state"], &first["expires_at"]), (&json!("valid"), &Value::Null));
    let second = json_of(&office, &["token", "rotate", "okta", "--overlap", "12h", "--json"]);
    assert_eq!(second["rotated_from"], first["id"]);
    let listed = json_of(&office, &["token", "list", "--json"]);
    assert_eq!(listed[1]["id"], first["id"]);
    assert!(listed[1]["expires_at"].is_string() && listed[1].get("token").is_none());

    office.done("token revoke okta");
    let listed = json_of(&office, &["token", "list", "--json"]);
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("revoked"), &json!("revoked")));
    assert_snapshot!(office.run("token revoke okta"), @"");
    assert_snapshot!(office.run("token create --expires-in 90"), @"");
    assert_snapshot!(office.run("token create --expires-in 0d"), @"");
}

#[test]
fn the_tenant_may_be_left_out_when_there_is_only_one() {
    let office = Office::new();
    assert_snapshot!(office.run("token list"), @"");
    assert_snapshot!(office.run("tenant create acme"), @"");
    assert_snapshot!(office.run("token list"), @"");
    assert_snapshot!(office.run("tenant create ACME"), @"");
    office.done("tenant create umbrella");
    assert_snapshot!(office.run("token list"), @"");
    assert_snapshot!(office.run("token list --tenant acmee"), @"");
    assert_snapshot!(office.run("tenant list"), @"");
}

#[test]
fn groups_grant_licenses_before_they_are_there() {
    let office = acme();
    assert_snapshot!(office.run("license types"), @"");
    assert_snapshot!(
        office.run("license grant Sales --license workplace-business --products phone,webinars --policy recording=cloud"),
        @""
    );
    assert_snapshot!(office.run("license grant Sales"), @"");
    assert_snapshot!(office.run("license grant Sales --products fax"), @"");
    assert_snapshot!(office.run("license grant Sales --policy recording"), @"");
    let grants = json_of(&office, &["license", "grants", "--json"]);
    assert_eq!(grants[0]["group_name"], "Sales");
    assert_eq!(grants[0]["products"], json!(["phone", "webinars"]));
    assert_eq!(grants.as_array().unwrap().len(), 5);
    assert_snapshot!(office.run("license ungrant Sales"), @"");
}

#[test]
fn the_default_license_is_changed_and_holders_of_a_retired_type_are_moved() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("license retire unassigned"), @"");
    assert_snapshot!(office.run("license default workplace-business"), @"");
    let pools = json_of(&office, &["seats", "list", "--json"]);
    let held = |key: &str| {
        let rows = pools.as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).unwrap()["held"].clone()
    };
    assert_eq!((held("workplace-business"), held("unassigned")), (json!(2), json!(0)));
    office.done("license default workplace-licensed");
    office.done("license grant Sales --license workplace-business");
    assert_snapshot!(office.run("license retire workplace-business"), @"");
    assert_snapshot!(office.run("license move-holders workplace-business workplace-licensed"), @"");
    assert_snapshot!(office.run("license default --none"), @"");
}

#[test]
fn who_waits_gets_the_seat_that_is_freed() {
    let office = acme();
    office.done("license default workplace-licensed");
    office.done("seats limit license workplace-licensed 1");
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("seats list"), @"");
    assert_snapshot!(office.run("seats holders license workplace-licensed"), @"");
    assert_snapshot!(office.run("seats waitlist"), @"");
    assert_snapshot!(office.run("seats explain bo@acme.example"), @"");
    assert_snapshot!(office.run("seats limit license workplace-licensed 0"), @"");
    assert_snapshot!(office.run("seats holders product fax"), @"");
    office.done("user deactivate ana@acme.example");
    assert_snapshot!(office.run("seats holders license workplace-licensed"), @"");
    assert_snapshot!(office.run("seats limit license workplace-licensed none"), @"");
}

#[test]
fn who_leaves_is_out_with_a_receipt_and_can_come_back() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    office.done("user number add '+1 555 0100'");
    assert_snapshot!(office.run("user number assign ana@acme.example '+1 555 0199'"), @"");
    assert_snapshot!(office.run("user number assign ana@acme.example '+1 555 0100'"), @"");
    assert_snapshot!(office.run("user number list"), @"");
    assert_snapshot!(office.run("user show ANA@acme.example"), @"");
    assert_snapshot!(office.run("user deactivate ana@acme.example"), @"");
    assert_snapshot!(office.run("user list --status inactive"), @"");
    assert_snapshot!(office.run("user reactivate ana@acme.example"), @"");
    assert_snapshot!(office.run("user receipt ana@acme.example"), @"");
    assert_snapshot!(office.run("user receipt bo@acme.example"), @"");
}

#[test]
fn a_deletion_is_asked_about_and_leaves_its_receipt() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("user delete ana@acme.example"), @"");
    assert_snapshot!(office.run("user delete ana@acme.example --yes"), @"");
    assert_snapshot!(office.run("user show ana@acme.example"), @"");
    let receipts = json_of(&office, &["user", "receipt", "ana@acme.example", "--json"]);
    assert_eq!(receipts[0]["kind"], "deletion");
    let users = json_of(&office, &["user", "list", "--json"]);
    assert_eq!(users.as_array().unwrap().len(), 1);
    assert_eq!(json_of(&office, &["user", "list", "--limit", "0", "--json"]), json!([]));
}
