//! The service provider on the command line: tenants, tokens, licenses, seats and users, through the
//! real binary in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use more of it")]
mod office;

use std::process::{Command, Output};

use db::Clock;
use entitlement::{Key, Pool};
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
        database: db::testing::url(&office.path().join("service-provider.db")),
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

/// Gives a license to a user by hand.
fn grant_directly(office: &Office, user: &str, license: &str) {
    let (provider, tenant) = provider(office);
    let pool = Pool::License(Key::parse(license).unwrap());
    provider.grant_directly(&provider.ctx("test", "test"), &tenant, user, &pool, None).unwrap();
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

/// The text with the moments in its sentences made alike.
fn timeless(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let end = word.trim_start_matches(|c: char| c.is_ascii_digit() || "-:.T".contains(c));
        match end.strip_prefix('Z') {
            Some(rest) if word.len() >= 20 => format!("[MOMENT]{rest}"),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
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
    assert_snapshot!(office.run("token revoke okta"), @r"
    exit 1
    error: There is no token that is not revoked already, `okta`.
    ");
    assert_snapshot!(office.run("token create --expires-in 90"), @r"
    exit 2
    error: invalid value '90' for '--expires-in <DURATION>': `90` is no duration: write a whole number of days (90d), hours (12h) or minutes (30m), at most 36500d

    For more information, try '--help'.
    ");
    assert_snapshot!(office.run("token create --expires-in 0d"), @r"
    exit 1
    error: A token cannot end before it begins. Give a later moment.
    ");
}

#[test]
fn schemas_and_resource_types_are_added_from_files() {
    let office = acme();
    office.write(
        "badge.json",
        r#"{"id": "urn:acme:1.0:Badge", "name": "Badge", "attributes": [{"name": "level", "type": "integer"}]}"#,
    );
    office.write(
        "device.json",
        r#"{"id": "urn:acme:1.0:Device", "name": "Device", "attributes": [{"name": "displayName"}]}"#,
    );
    office.write(
        "type.json",
        r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:acme:1.0:Device"}"#,
    );
    assert_snapshot!(office.run("schema add badge.json"), @r"
    exit 0
    urn:acme:1.0:Badge has 1 attribute.
    No resource type uses it yet: add it again with --extends User.
    ");
    assert_snapshot!(office.run("schema add badge.json --extends User"), @r"
    exit 0
    urn:acme:1.0:Badge has 1 attribute.
    It is in force for User.
    ");
    office.done("schema add device.json");
    assert_snapshot!(office.run("resource-type add type.json"), @r"
    exit 0
    Device resources are at /Devices now.
    ");
    let listed = json_of(&office, &["schema", "list", "--json"]);
    assert_eq!(listed[0]["usedBy"][0]["resourceType"], "User");
    assert_eq!(listed[1]["usedBy"][0]["core"], true);
    let types = json_of(&office, &["resource-type", "list", "--json"]);
    assert_eq!((&types[2]["name"], &types[2]["own"]), (&json!("Device"), &json!(true)));
    let shown = office.done("schema show urn:acme:1.0:BADGE");
    assert!(shown.contains("\"type\": \"integer\""), "{shown}");
    office.write(
        "broken.json",
        r#"{"id": "urn:acme:1.0:X", "name": "X", "attributes": [{"nam": "x"}]}"#,
    );
    assert_snapshot!(office.run("schema add broken.json"), @r"
    exit 1
    error: The attribute `number 1` has `nam`, which RFC 7643 7 does not define; it defines name, type, multiValued, description, required, caseExact, mutability, returned, uniqueness, canonicalValues, referenceTypes, subAttributes.
    ");
    assert_snapshot!(office.run("schema remove urn:acme:1.0:Device"), @r"
    exit 1
    error: `urn:acme:1.0:Device` is the schema of the resource type Device. Remove that first.
    ");
    office.done("resource-type remove device");
    office.done("schema remove urn:acme:1.0:Device");
    office.done("schema remove urn:acme:1.0:Badge");
    assert_eq!(json_of(&office, &["schema", "list", "--json"]), json!([]));
}

#[test]
fn the_tenant_may_be_left_out_when_there_is_only_one() {
    let office = Office::new();
    assert_snapshot!(office.run("token list"), @r"
    exit 2
    error: there is no tenant
      -> `muster tenant create NAME` makes one.
    ");
    assert_snapshot!(office.run("tenant create acme"), @r"
    exit 0
    Created tenant acme.
    Next: muster token create --tenant acme
    ");
    assert_snapshot!(office.run("token list"), @r"
    exit 0
    Nothing to show.
    ");
    assert_snapshot!(office.run("tenant create ACME"), @r"
    exit 1
    error: There is already a tenant `ACME`.
    ");
    office.done("tenant create umbrella");
    assert_snapshot!(office.run("token list"), @r"
    exit 2
    error: there are 2 tenants: acme, umbrella
      -> Name one with --tenant NAME.
    ");
    assert_snapshot!(office.run("token list --tenant acmee"), @r"
    exit 1
    error: There is no tenant `acmee`.
      -> `muster tenant list` shows those there are.
    ");
    assert_snapshot!(office.run("tenant list"), @r"
    exit 0
     Name       Default license   Self-signup   Adopts        Created
    ──────────────────────────────────────────────────────────────────────────────────
     acme       none              pending       self-signup   [TIME]
     umbrella   none              pending       self-signup   [TIME]
    ");
}

#[test]
fn groups_grant_licenses_before_they_are_there() {
    let office = acme();
    assert_snapshot!(office.run("license types"), @r"
    exit 0
     Kind      Key                    Name                               Rank   Is        Held   Limit      A month
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     license   workplace-enterprise   Workplace Enterprise               400    -         0      no limit   -
     license   workplace-business     Workplace Business                 300    -         0      no limit   -
     license   workplace-licensed     Workplace Licensed                 200    -         0      no limit   -
     license   basic                  Basic                              100    retired   0      no limit   -
     license   unassigned             Unassigned (no meetings license)   0      default   0      no limit   -
     product   contact-center         Zoom Contact Center                -      -         0      no limit   -
     product   phone                  Zoom Phone                         -      -         0      no limit   -
     product   webinars               Zoom Webinars                      -      -         0      no limit   -
    ");
    assert_snapshot!(
        office.run("license grant Sales --license workplace-business --products phone,webinars --policy recording=cloud"),
        @r"
        exit 0
        Sales will grant that once there is a group of this name.
        "
    );
    assert_snapshot!(office.run("license grant Sales"), @r"
    exit 2
    error: nothing is granted to `Sales`
      -> Give --license, --products or --policy; `muster license ungrant` removes a grant. One user is given something by `muster license grant USER KEY`.
    ");
    assert_snapshot!(office.run("license grant Sales --products fax"), @r"
    exit 1
    error: There is no product `fax`. `muster license list` shows those there are.
    ");
    assert_snapshot!(office.run("license grant Sales --policy recording"), @r"
    exit 2
    error: invalid value 'recording' for '--policy <NAME=VALUE>': write it as name=value

    For more information, try '--help'.
    ");
    let grants = json_of(&office, &["license", "grants", "--json"]);
    assert_eq!(grants[0]["group_name"], "Sales");
    assert_eq!(grants[0]["products"], json!(["phone", "webinars"]));
    assert_eq!(grants.as_array().unwrap().len(), 5);
    assert_snapshot!(office.run("license ungrant Sales"), @r"
    exit 0
    Sales grants nothing any more; 0 members decided again.
    ");
}

#[test]
fn the_default_license_is_changed_and_holders_of_a_retired_type_are_moved() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("license retire unassigned"), @r"
    exit 1
    error: Unassigned (no meetings license) is the tenant's default license and cannot be retired. Set another first: `muster license default TYPE`.
    ");
    assert_snapshot!(office.run("license default workplace-business"), @r"
    exit 0
    Who is granted no license gets workplace-business.
    ");
    let pools = json_of(&office, &["seats", "list", "--json"]);
    let held = |key: &str| {
        let rows = pools.as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).unwrap()["held"].clone()
    };
    assert_eq!((held("workplace-business"), held("unassigned")), (json!(2), json!(0)));
    office.done("license default workplace-licensed");
    office.done("license grant Sales --license workplace-business");
    grant_directly(&office, "ana@acme.example", "workplace-business");
    assert_snapshot!(office.run("license retire workplace-business"), @r"
    exit 0
    workplace-business is given to nobody any more.
    Still with 1 holder until moved: `muster license move-holders workplace-business KEY`.
    ");
    assert_snapshot!(office.run("license move-holders workplace-business workplace-licensed"), @r"
    exit 0
    1 holder moved from workplace-business to workplace-licensed; 3 grants and 1 direct grant name the new one now.
    ");
    assert_snapshot!(office.run("license move-holders workplace-licensed workplace-business"), @r"
    exit 1
    error: Workplace Business is retired and is granted to nobody anew. Name a live license type; `muster license list` shows them.
    ");
    assert_snapshot!(office.run("license default --none"), @r"
    exit 0
    Who is granted no license gets none.
    ");
}

#[test]
fn who_waits_gets_the_seat_that_is_freed() {
    let office = acme();
    office.done("license default workplace-licensed");
    office.done("seats limit license workplace-licensed 1");
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("seats list"), @r"
    exit 0
     Kind      Key                    Name                               Held   Limit      Free   Waiting
    ──────────────────────────────────────────────────────────────────────────────────────────────────────
     license   workplace-enterprise   Workplace Enterprise               0      no limit   -      0
     license   workplace-business     Workplace Business                 0      no limit   -      0
     license   workplace-licensed     Workplace Licensed                 1      1          0      1
     license   basic                  Basic                              0      no limit   -      0
     license   unassigned             Unassigned (no meetings license)   0      no limit   -      0
     product   contact-center         Zoom Contact Center                0      no limit   -      0
     product   phone                  Zoom Phone                         0      no limit   -      0
     product   webinars               Zoom Webinars                      0      no limit   -      0
    ");
    assert_snapshot!(office.run("seats holders license workplace-licensed"), @r"
    exit 0
     Pool                         User               Since                     Why
    ────────────────────────────────────────────────────────────────────────────────────────────────────────
     license workplace-licensed   ana@acme.example   [TIME]   the tenant's default license
    ");
    assert_snapshot!(office.run("seats waitlist"), @r"
    exit 0
     Pool                         User              Since                     Why
    ───────────────────────────────────────────────────────────────────────────────────────────────────────
     license workplace-licensed   bo@acme.example   [TIME]   the tenant's default license
    ");
    assert_snapshot!(timeless(&office.run("seats explain bo@acme.example")), @r"
    exit 0
    bo@acme.example is active.

    Workplace Licensed (license workplace-licensed)
      Workplace Licensed: the tenant's default license
      waits for Workplace Licensed since [MOMENT], place 1 of 1 on the waitlist; 1 of 1 seats are held

    No license is held.

    To be known
      bo@acme.example waits for Workplace Licensed: 1 of 1 seats are held. Free a seat or raise the limit.
    ");
    assert_snapshot!(office.run("seats limit license workplace-licensed 0"), @r"
    exit 0
    Workplace Licensed has a limit of 0: 1 held, 1 waiting.
    That is 1 fewer than are held: nobody loses a seat, and nobody new gets one before 1 are freed.
    ");
    office.done("seats limit license workplace-licensed 1");
    assert_snapshot!(office.run("seats holders product fax"), @r"
    exit 1
    error: there is no product fax
      -> `muster seats list` shows those there are.
    ");
    office.done("user deactivate ana@acme.example");
    assert_snapshot!(office.run("seats holders license workplace-licensed"), @r"
    exit 0
     Pool                         User              Since                     Why
    ───────────────────────────────────────────────────────────────────────────────────────────────────────
     license workplace-licensed   bo@acme.example   [TIME]   the tenant's default license
    ");
    assert_snapshot!(office.run("seats limit license workplace-licensed none"), @r"
    exit 0
    Workplace Licensed has no limit: 1 held, 0 waiting.
    ");
}

#[test]
fn who_leaves_is_out_with_a_receipt_and_can_come_back() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    office.done("user number add '+1 555 0100'");
    assert_snapshot!(office.run("user number assign ana@acme.example '+1 555 0199'"), @r"
    exit 1
    error: There is no phone number `+1 555 0199`.
      -> `muster user number add NUMBER` puts one into the pool.
    ");
    assert_snapshot!(office.run("user number assign ana@acme.example '+1 555 0100'"), @r"
    exit 0
    ana@acme.example has +1 555 0100 now.
    ");
    assert_snapshot!(office.run("user number list"), @r"
    exit 0
     Number        User               Since
    ──────────────────────────────────────────────────────────
     +1 555 0100   ana@acme.example   [TIME]
    ");
    assert_snapshot!(timeless(&office.run("user show ANA@acme.example")), @r"
    exit 0
    ana@acme.example
      id             [ID]
      external id    -
      name           ana
      origin         admin
      version        1
      created        [TIME]
      last modified  [TIME]
      groups         -

    ana@acme.example is active.

    Unassigned (no meetings license) (license unassigned)
      Unassigned (no meetings license): the tenant's default license
      seat of Unassigned (no meetings license) held since [MOMENT]; 2 seats are held, without a limit
    ");
    assert_snapshot!(office.run("user deactivate ana@acme.example"), @r"
    exit 0
    ana@acme.example is out.

    deactivation of ana@acme.example on [TIME] by cli:tess (muster user deactivate)
      done         End sessions                 no sessions
      done         Free the license             Unassigned (no meetings license) freed
      done         Leave contact-center queues  was in no queue
      done         Release phone numbers        +1 555 0100 released to the pool
      done         Cancel upcoming meetings     no meetings
      done         Keep recordings              no recordings
      complete since [TIME]
    ");
    assert_snapshot!(office.run("user list --status inactive"), @r"
    exit 0
     Login              Name   State      Origin   Last modified             Id
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
     ana@acme.example   ana    inactive   admin    [TIME]   [ID]
    ");
    assert_snapshot!(office.run("user reactivate ana@acme.example"), @r"
    exit 0
    ana@acme.example is in again.
      back: the account and its settings
      back: Unassigned (no meetings license), the tenant's default license, as soon as a seat is free
      not back: +1 555 0100: back in the pool and perhaps with somebody else; assign a number
    ");
    assert_snapshot!(office.run("user receipt ana@acme.example"), @r"
    exit 0

    deactivation of ana@acme.example on [TIME] by cli:tess (muster user deactivate)
      done         End sessions                 no sessions
      done         Free the license             Unassigned (no meetings license) freed
      done         Leave contact-center queues  was in no queue
      done         Release phone numbers        +1 555 0100 released to the pool
      done         Cancel upcoming meetings     no meetings
      done         Keep recordings              no recordings
      ended on [TIME]: reactivated
      back: the account and its settings
      back: Unassigned (no meetings license), the tenant's default license, as soon as a seat is free
      not back: +1 555 0100: back in the pool and perhaps with somebody else; assign a number
    ");
    assert_snapshot!(office.run("user receipt bo@acme.example"), @r"
    exit 0
    bo@acme.example never left: there is no receipt.
    ");
}

#[test]
fn a_deletion_is_asked_about_and_leaves_its_receipt() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("user delete ana@acme.example"), @r"
    exit 2
    error: nobody is here to be asked whether ana@acme.example goes
      -> Say --yes to delete without being asked; `muster user deactivate` can be undone.
    ");
    assert_snapshot!(office.run("user delete ana@acme.example --yes"), @r"
    exit 0
    ana@acme.example is deleted.

    deletion of ana@acme.example on [TIME] by cli:tess (muster user delete)
      done         End sessions                 no sessions
      done         Free the license             Unassigned (no meetings license) freed
      done         Leave contact-center queues  was in no queue
      done         Release phone numbers        had no number
      done         Cancel upcoming meetings     no meetings
      done         Delete recordings            no recordings
      complete since [TIME]
    ");
    assert_snapshot!(office.run("user show ana@acme.example"), @r"
    exit 1
    error: There is no user `ana@acme.example`.
    ");
    let receipts = json_of(&office, &["user", "receipt", "ana@acme.example", "--json"]);
    assert_eq!(receipts[0]["kind"], "deletion");
    let users = json_of(&office, &["user", "list", "--json"]);
    assert_eq!(users.as_array().unwrap().len(), 1);
    assert_eq!(json_of(&office, &["user", "list", "--limit", "0", "--json"]), json!([]));
}

#[test]
fn a_license_manager_gives_looks_back_forecasts_and_reclaims() {
    let office = acme();
    hire(&office, &["ana", "bo"]);
    assert_snapshot!(office.run("license grant ana@acme.example phone --until 2001-01-01"), @r"
    exit 1
    error: 2001-01-01 is over, so the grant would end before it begins. Name a later day, or none.
    ");
    assert_snapshot!(office.run("license grant ana@acme.example phone"), @r"
    exit 0
    ana@acme.example is granted product phone.
    ");
    assert_snapshot!(office.run("license grant ana@acme.example fax"), @r"
    exit 1
    error: there is no license type and no product `fax`
      -> `muster license list` shows those there are.
    ");
    assert_snapshot!(office.run("license price phone 1499 EUR"), @r"
    exit 0
    A seat of product phone costs 14.99 EUR a month.
    ");
    assert_snapshot!(office.run("seats limit product phone 3"), @r"
    exit 0
    Zoom Phone has a limit of 3: 1 held, 0 waiting.
    ");
    assert_snapshot!(office.run("license remove phone"), @r#"
    exit 1
    error: Zoom Phone is in use and cannot be removed: 1 hold a seat and 0 wait, group "Zoom - Contact Center" grants it, group "Zoom - Phone" grants it, 1 have it by hand. Take that away first; a license type can be retired meanwhile.
    "#);
    let demand =
        "[[demand]]\ndate = \"9999-01-01\"\nneeds = { product = \"phone\" }\njoiners = 2\n";
    std::fs::write(office.path().join("demand.toml"), demand).unwrap();
    office.done("seats demand put hr demand.toml");
    let forecast = json_of(&office, &["seats", "forecast", "--json"]);
    let phone = forecast.as_array().unwrap().iter().find(|one| one["key"] == "phone").unwrap();
    assert_eq!((&phone["held"], &phone["short"]), (&json!(1), &json!(0)));
    assert_snapshot!(office.run("seats idle"), @r"
    exit 0
    Nothing to show.
    0 idle seats: nothing a month.
    Zoom Phone: 2 seats nobody holds, 29.98 EUR a month.
    ");
    assert_snapshot!(office.run("seats reclaim"), @r"
    exit 0
    The tenant's policy takes nothing back. `[reclaim]` in the tenant's file says otherwise.
    Nothing to show.
    ");
    let history = json_of(&office, &["seats", "history", "--license", "phone", "--json"]);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(history[0]["until"], json!(null));
    let csv = plain(&office, &["seats", "history", "--user", "bo@acme.example", "--csv"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert!(
        csv.starts_with("user_id,user_name,kind,key,state,since,until,reason,ended\n"),
        "{csv}"
    );
    assert!(csv.contains("bo@acme.example,license,unassigned,held,"), "{csv}");
    assert_snapshot!(office.run("license revoke ana@acme.example phone"), @r"
    exit 0
    ana@acme.example is not granted product phone by hand any more.
    ");
    assert_snapshot!(office.run("seats history --user ana@acme.example --as-of 2001-01-01"), @r"
    exit 0
    Nothing to show.
    ");
}
