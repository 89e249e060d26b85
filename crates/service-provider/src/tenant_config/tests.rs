//! Putting a configuration, over a database of its own.

use super::*;
use crate::Config;
use db::Clock;

struct Opened {
    _folder: tempfile::TempDir,
    provider: ServiceProvider,
}

fn opened() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let provider = ServiceProvider::open(Config {
        database: db::testing::url(&folder.path().join("sp.db")),
        public_url: "http://127.0.0.1:1".into(),
        key_file: None,
        clock: Clock::system(),
    })
    .unwrap();
    Opened { _folder: folder, provider }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn guide() -> TenantConfig {
    TenantConfig {
        name: "acme".into(),
        preset: Some("guide".into()),
        products: vec![ProductConfig {
            key: key("phone"),
            name: "Zoom Phone".into(),
            seats: Some(50),
            price: None,
        }],
        ..TenantConfig::default()
    }
}

fn put(opened: &Opened, config: &TenantConfig) -> Result<bool> {
    let ctx = opened.provider.ctx("test", "test");
    opened.provider.put_tenant_config(&ctx, config)
}

#[test]
fn what_is_applied_twice_changes_nothing_the_second_time() {
    let opened = opened();
    let change = opened.provider.tenant_change(&guide()).unwrap();
    assert!(change.is_new);
    assert!(change.differences.len() > 10, "{change:?}");
    assert!(put(&opened, &guide()).unwrap());
    assert!(opened.provider.tenant_change(&guide()).unwrap().is_nothing());
    assert!(!put(&opened, &guide()).unwrap());
}

#[test]
fn what_is_exported_changes_nothing_when_applied() {
    let opened = opened();
    put(&opened, &guide()).unwrap();
    let exported = opened.provider.tenant_config("ACME").unwrap();
    assert_eq!(exported, guide().resolved().unwrap());
    assert!(!put(&opened, &exported).unwrap());
}

#[test]
fn only_what_differs_is_told_and_written() {
    let opened = opened();
    put(&opened, &guide()).unwrap();
    let mut config = opened.provider.tenant_config("acme").unwrap();
    config.grants.retain(|grant| grant.group != "Zoom - Webinars");
    config.grants[0].products.push(key("webinars"));
    config.default_license = None;
    config.effects.keep_recordings = false;
    let change = opened.provider.tenant_change(&config).unwrap();
    insta::assert_snapshot!(change.differences.join("\n"), @r#"
    default license: unassigned -> none
    effects: all on -> all on but keep recordings
    grant of "Zoom - Webinars": workplace-licensed, webinars, recording=cloud, webinar-registration=required -> removed
    grant of "Zoom - Contact Center": workplace-business, contact-center, phone, recording=cloud, recording-retention=365-days -> workplace-business, contact-center, phone, webinars, recording=cloud, recording-retention=365-days
    "#);
    assert!(put(&opened, &config).unwrap());
    assert_eq!(opened.provider.tenant_config("acme").unwrap(), config);
}

#[test]
fn rows_of_the_catalogue_that_no_file_names_stay_and_what_is_retired_stays_retired() {
    let opened = opened();
    put(&opened, &guide()).unwrap();
    let tenant = opened.provider.tenant("acme").unwrap().id;
    let ctx = opened.provider.ctx("test", "test");
    opened.provider.retire_license_type(&ctx, &tenant, &key("workplace-enterprise")).unwrap();
    assert!(!put(&opened, &guide()).unwrap());
    let mut exported = opened.provider.tenant_config("acme").unwrap();
    exported.license_types.retain(|row| row.key != key("workplace-enterprise"));
    assert!(!put(&opened, &exported).unwrap());
    let row = opened.provider.catalogue(&tenant).unwrap();
    assert!(row.license_type(&key("workplace-enterprise")).unwrap().retired);
}

#[test]
fn a_default_is_moved_and_its_type_retired_in_one_go() {
    let opened = opened();
    put(&opened, &guide()).unwrap();
    let mut config = guide();
    config.default_license = Some(key("workplace-licensed"));
    config.license_types.push(LicenseTypeConfig {
        key: key("unassigned"),
        name: "Unassigned".into(),
        rank: 0,
        seats: None,
        user_types: Vec::new(),
        retired: true,
        price: None,
    });
    assert!(put(&opened, &config).unwrap());
    assert!(!put(&opened, &config).unwrap());
}

#[test]
fn a_configuration_that_cannot_be_is_refused_and_leaves_no_trace() {
    let opened = opened();
    let check = |config: TenantConfig, part: &str| {
        let error = put(&opened, &config).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(opened.provider.tenants().unwrap().is_empty());
    };
    check(TenantConfig { preset: Some("gide".into()), ..guide() }, "there is `guide`");
    check(TenantConfig { default_license: Some(key("basic")), ..guide() }, "retired");
    check(TenantConfig { default_license: Some(key("gold")), ..guide() }, "license type");
    let mut twice = guide();
    twice.products.push(twice.products[0].clone());
    check(twice, "two entries [[product]] for `phone`");
    let mut unknown = guide();
    unknown.grants.push(GrantConfig {
        group: "Sales".into(),
        license: None,
        products: vec![key("fax")],
        policies: BTreeMap::new(),
        order: None,
        priority: 0,
    });
    check(unknown, "fax");
    check(TenantConfig { name: " acme".into(), ..guide() }, "tenant");
}
