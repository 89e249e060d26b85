//! How fast it is: `cargo test -p directory --test provisioning speed -- --ignored --nocapture`, with
//! `PEOPLE=19292` for a company of that size. Nothing is asserted about time.

use std::time::Instant;

use directory::{GroupConfig, RuleConfig};
use serde_json::json;

use crate::office::{Office, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and takes a while"]
async fn speed() {
    let people: u32 =
        std::env::var("PEOPLE").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let office = Office::running().await;
    let mut groups = vec![json!({"group": "Sales"}), json!({"group": "Support"})];
    for number in 0..11 {
        let name = format!("Team {number}");
        let group =
            GroupConfig { name: name.clone(), description: String::new(), grants_licenses: false };
        office.directory.put_group(&office.ctx(), &group).unwrap();
        let rule = RuleConfig {
            name: name.clone(),
            condition: format!("user.employeeNumber.endsWith(\"{}\")", number % 10),
            groups: vec![name.clone()],
            active: true,
        };
        office.directory.put_rule(&office.ctx(), &rule).unwrap();
        groups.push(json!({ "group": name }));
    }
    office.configure(json!({ "push_group": groups }));
    let began = Instant::now();
    office.import(&(0..people).map(row).collect::<String>());
    println!("import of {people}: {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let planned = office.plan().await;
    println!(
        "plan: {:.1} s, {} changes, {} bytes as JSON",
        began.elapsed().as_secs_f64(),
        planned.plan.changes.len(),
        serde_json::to_string(&planned.plan).unwrap().len()
    );
    let began = Instant::now();
    let report = office.apply().await;
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "apply: {seconds:.1} s, {} requests (minimum {}), {:.0} requests/s",
        report.requests,
        planned.requests_minimum,
        report.requests as f64 / seconds
    );
    let began = Instant::now();
    assert!(office.plan().await.plan.is_empty());
    println!("second plan: {:.1} s", began.elapsed().as_secs_f64());
}
