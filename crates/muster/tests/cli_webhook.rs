//! Webhooks on the command line, through the real binary in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "other tests use more of it")]
mod office;

use office::Office;
use serde_json::Value;

const URL: &str = "https://hooks.example.com/muster";

fn json(office: &Office, line: &str) -> Value {
    let output = office.command(line).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_webhooks_secret_is_printed_once_and_alone() {
    let office = Office::new();
    office.done("tenant create acme");
    let add = format!("webhook add {URL} --events user.*,group.*");
    let output = office.command(&add).output().unwrap();
    let secret = String::from_utf8(output.stdout).unwrap();
    assert!(secret.starts_with("whsec_") && secret.lines().count() == 1, "{secret}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(URL) && said.contains("shown this once"), "{said}");
    let list = office.done("webhook list");
    assert!(
        list.contains(URL) && list.contains("user.*") && !list.contains(secret.trim()),
        "{list}"
    );

    let rotated = office.command(&format!("webhook rotate-secret {URL}")).output().unwrap();
    let rotated = String::from_utf8(rotated.stdout).unwrap();
    assert!(rotated.starts_with("whsec_") && rotated != secret);
    office.done(&format!("webhook pause {URL}"));
    assert_eq!(json(&office, "webhook list --json")[0]["state"], "paused");
    office.done(&format!("webhook resume {URL}"));
    assert_eq!(json(&office, "webhook list --json")[0]["state"], "active");
    office.done(&format!("webhook remove {URL}"));
    assert_eq!(json(&office, "webhook list --json"), serde_json::json!([]));
}

#[test]
fn a_stream_of_tokens_has_a_key_and_no_secret() {
    let office = Office::new();
    office.done("tenant create acme");
    let added =
        json(&office, "webhook add --signature set --audience https://receiver.example --json");
    assert_eq!((&added["secret"], &added["url"]), (&Value::Null, &Value::Null));
    let kid = json(&office, "webhook rotate-key --json")["kid"].clone();
    assert!(kid.as_str().is_some_and(|kid| kid.len() == 43), "{kid}");
    let refused = office.run("webhook rotate-secret anything");
    assert!(refused.starts_with("exit 1"), "{refused}");
}

#[test]
fn an_address_inside_is_refused_unless_the_installation_names_it() {
    let office = Office::new();
    office.done("tenant create acme");
    // Nobody listens there.
    let add = "webhook add http://127.0.0.1:9/hook --events tenant.*,webhook.*";
    let refused = office.run(add);
    assert!(refused.starts_with("exit 1") && refused.contains("private_hosts"), "{refused}");
    let file = office.path().join("muster.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let section = "[service_provider]\n";
    let named = format!("{section}private_hosts = [\"127.0.0.1\"]\n");
    std::fs::write(&file, config.replace(section, &named)).unwrap();
    office.done(add);
    let tried = office.run("webhook test http://127.0.0.1:9/hook");
    assert!(tried.starts_with("exit 1") && tried.contains("did not arrive"), "{tried}");
    let replayed = office.done("webhook replay http://127.0.0.1:9/hook --from 1");
    assert!(replayed.contains("0 delivered"), "{replayed}");
    let shown = json(&office, "webhook list --json")[0].clone();
    assert!(shown["failure_count"].as_u64() > Some(0) && shown["waiting"].as_u64() > Some(0));
    assert!(office.done("webhook dead http://127.0.0.1:9/hook").starts_with("exit 0"));
}
