//! Whole flows through the real binary: an HR export of the shape of `examples/hr-export`, edits of
//! it, a kill in the middle, and the demo.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod office;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use office::Office;
use serde_json::Value;

const AS_OF: &str = "2026-11-24";
const DEPARTMENTS: [&str; 13] = [
    "Accounting",
    "Auditing",
    "Business Development",
    "Engineering",
    "Human Resources",
    "Legal",
    "Marketing",
    "Product Management",
    "Research and Development",
    "Sales",
    "Services",
    "Support",
    "Training",
];
/// Longest wait for something a server does.
const WAIT: Duration = Duration::from_secs(60);

/// A made-up row of the export.
#[derive(Clone)]
struct Row {
    number: usize,
    department: &'static str,
    hired: &'static str,
    left: &'static str,
}

/// One in five has left, one in ten will leave, one in fifty starts later; dates are written in two
/// ways, as in the file the example is made for.
fn company(size: usize) -> Vec<Row> {
    (0..size)
        .map(|number| Row {
            number,
            department: DEPARTMENTS[number % DEPARTMENTS.len()],
            hired: match number % 50 {
                17 => "12/1/2026",
                n if n % 2 == 0 => "1/20/2002",
                _ => "04-08-2019",
            },
            left: match number % 10 {
                3 | 8 => "2024-02-29 04:11:12 UTC",
                5 => "2029-10-29 06:09:38 UTC",
                _ => "",
            },
        })
        .collect()
}

fn is_employed(row: &&Row) -> bool {
    row.hired != "12/1/2026" && !row.left.starts_with("2024") && !row.left.starts_with("2026")
}

fn employed(rows: &[Row]) -> u64 {
    rows.iter().filter(is_employed).count() as u64
}

fn export(rows: &[Row]) -> String {
    let mut text = String::from(
        "id\tfirst_name\tlast_name\tbirthdate\tgender\trace\tdepartment\tjobtitle\tlocation\thire_date\ttermdate\tlocation_city\tlocation_state\r\n",
    );
    for Row { number, department, hired, left } in rows {
        text.push_str(&format!(
            "00-{number:07}\tFirst{number}\tLast{number}\t6/29/1984\tFemale\tAsian\t{department}\tAnalyst\tRemote\t{hired}\t{left}\tCleveland\tOhio\r\n"
        ));
    }
    text
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// An installation configured by `examples/hr-export`, with a server that can be killed.
struct Firm {
    office: Office,
    server: Child,
    address: String,
    token: String,
}

impl Firm {
    fn new() -> Self {
        let office = Office::new();
        let ports = [TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0")]
            .map(|listener| listener.unwrap().local_addr().unwrap().port());
        let address = format!("127.0.0.1:{}", ports[1]);
        let file = office.path().join("muster.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        let config = config.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", ports[0]));
        std::fs::write(&file, config.replace("127.0.0.1:8081", &address)).unwrap();
        for folder in ["sources", "applications", "service-provider", "."] {
            let (from, to) = (example("hr-export").join(folder), office.path().join("cfg"));
            std::fs::create_dir_all(to.join(folder)).unwrap();
            for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    let text = std::fs::read_to_string(entry.path()).unwrap();
                    let text = text.replace("127.0.0.1:8081", &address);
                    std::fs::write(to.join(folder).join(entry.file_name()), text).unwrap();
                }
            }
        }
        office.done("config apply cfg");
        let token = office.command("token create --tenant hr-export").output().unwrap().stdout;
        let token = String::from_utf8(token).unwrap().trim().to_owned();
        office.write("token", &token);
        office.done("app token workplace --token-file token");
        let server = serve(&office, &address);
        Self { office, server, address, token }
    }

    fn import(&self, rows: &[Row]) -> String {
        self.office.write("hr.tsv", &export(rows));
        self.office.run(&format!("source import hr hr.tsv --as-of {AS_OF}"))
    }

    fn json(&self, line: &str) -> Value {
        let output = self.office.command(&format!("{line} --json")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn plan(&self) -> Value {
        self.json(&format!("plan workplace --as-of {AS_OF}"))
    }

    fn apply(&self) -> Value {
        self.json(&format!("apply workplace --as-of {AS_OF}"))
    }

    /// How many resources the application says it has.
    fn total(&self, query: &str) -> u64 {
        let url = format!("http://{}/scim2/{query}", self.address);
        let body = tokio::runtime::Runtime::new().unwrap().block_on(async {
            let client = reqwest::Client::new();
            client.get(url).bearer_auth(&self.token).send().await.unwrap().text().await.unwrap()
        });
        serde_json::from_str::<Value>(&body).unwrap()["totalResults"].as_u64().unwrap()
    }

    fn active(&self) -> u64 {
        self.total("Users?filter=active%20eq%20true&count=0")
    }

    /// Seats of the license that every department grants, once all are settled.
    fn licensed(&self) -> u64 {
        let started = Instant::now();
        loop {
            let pools = self.json("seats list --tenant hr-export");
            let held = |key: &str| -> u64 {
                let pool = pools.as_array().unwrap().iter().find(|pool| pool["key"] == key);
                pool.and_then(|pool| pool["held"].as_u64()).unwrap()
            };
            if held("unassigned") == 0 || started.elapsed() > WAIT {
                return held("workplace-licensed");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn kill_server(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        self.server = serve(&self.office, &self.address);
    }
}

impl Drop for Firm {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(office: &Office, address: &str) -> Child {
    let mut command = office.command("serve");
    let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(started.elapsed() < WAIT, "the server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

fn changes(plan: &Value) -> usize {
    plan["plan"]["changes"].as_array().unwrap().len()
}

fn actions(plan: &Value, verb: &str) -> usize {
    let changes = plan["plan"]["changes"].as_array().unwrap();
    changes.iter().filter(|change| change["action"]["kind"] == verb).count()
}

#[test]
fn the_demo_tells_its_story_and_holds() {
    let office = Office::empty();
    let output = office.command("demo --once --json --people 80").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["failures"], Value::Array(Vec::new()), "{report}");
    assert!(output.status.success());
    assert_eq!(report["accounts_active"], report["employed"]);
    assert_eq!(report["second_plan_changes"], 0);
}

#[test]
fn an_export_is_provisioned_by_configuration_alone_in_the_fewest_requests() {
    let office = Office::empty();
    let rows = company(260);
    office.write("hr.tsv", &export(&rows));
    let line = format!(
        "demo --config {} --hr hr.tsv --as-of {AS_OF} --once --json",
        example("hr-export").display()
    );
    let output = office.command(&line).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report}");
    let employed = employed(&rows);
    for (figure, expected) in [
        ("people", 260),
        ("employed", employed),
        ("accounts_active", employed),
        ("groups_pushed", 13),
        ("memberships", employed),
        ("licenses_explained", employed),
        ("second_plan_changes", 0),
        // Two list pages, and a POST for each person and each group.
        ("requests", 2 + employed + 13),
        ("requests_minimum", 2 + employed + 13),
    ] {
        assert_eq!(report[figure], expected, "{figure} in {report}");
    }
}

#[test]
fn an_edited_export_changes_exactly_what_was_edited() {
    let firm = Firm::new();
    let mut rows = company(260);
    firm.import(&rows);
    firm.apply();
    let before = employed(&rows);
    assert_eq!((firm.active(), firm.licensed()), (before, before));

    // Five move, three leave today, two are new, one who left comes back.
    let working: Vec<usize> =
        rows.iter().filter(is_employed).map(|row| row.number).take(8).collect();
    for at in &working[..5] {
        rows[*at].department =
            if rows[*at].department == "Training" { "Sales" } else { "Training" };
    }
    for at in &working[5..] {
        rows[*at].left = "2026-11-24 00:00:00 UTC";
    }
    (rows[3].left, rows[3].hired) = ("", "11/24/2026");
    for number in [900, 901] {
        rows.push(Row { number, department: "Sales", hired: "11/24/2026", left: "" });
    }
    let printed = firm.import(&rows);
    assert!(printed.contains("2 joined, 9 changed"), "{printed}");

    let plan = firm.plan();
    assert_eq!(actions(&plan, "deactivateAccount"), 3, "{plan}");
    assert_eq!(actions(&plan, "updateAccount"), 5, "{plan}");
    assert_eq!(actions(&plan, "createAccount"), 3, "{plan}");
    let reasoned = |change: &Value| !change["reasons"].as_array().unwrap().is_empty();
    assert!(plan["plan"]["changes"].as_array().unwrap().iter().all(reasoned), "{plan}");

    let report = firm.apply();
    assert_eq!(report["requests"], plan["plan"]["cost"]["requests"], "{report}");
    assert_eq!(report["done"], changes(&plan), "{report}");
    assert_eq!(changes(&firm.plan()), 0);
    let after = employed(&rows);
    assert_eq!(after, before - 3 + 3);
    assert_eq!((firm.active(), firm.licensed()), (after, after));
}

#[test]
fn a_file_with_most_of_its_rows_missing_changes_nothing_and_says_what_to_do() {
    let firm = Firm::new();
    let rows = company(260);
    firm.import(&rows);
    let printed = firm.import(&rows[..104]);
    assert!(printed.starts_with("exit 3"), "{printed}");
    assert!(printed.contains("--accept-shrink"), "{printed}");
    firm.import(&rows);
    firm.apply();
    assert_eq!(firm.active(), employed(&rows));
}

#[test]
fn a_kill_in_the_middle_ends_in_the_same_state_with_nothing_done_twice() {
    let mut firm = Firm::new();
    let rows = company(520);
    firm.import(&rows);
    let started = Instant::now();
    let mut first = firm
        .office
        .command(&format!("apply workplace --as-of {AS_OF}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while firm.total("Users?count=0") < 60 {
        assert!(started.elapsed() < WAIT, "nothing is provisioned");
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let interrupted = firm.total("Users?count=0");
    assert!(interrupted < employed(&rows), "it was over before it was killed");
    firm.kill_server();

    let report = firm.apply();
    assert_eq!(report["failed_count"], 0, "{report}");
    assert_eq!(changes(&firm.plan()), 0);
    let employed = employed(&rows);
    assert_eq!(firm.total("Users?count=0"), employed);
    assert_eq!((firm.active(), firm.licensed()), (employed, employed));
    assert_eq!(firm.total("Groups?count=0"), 13);
}
