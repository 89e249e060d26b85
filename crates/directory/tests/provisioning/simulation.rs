//! Seeded histories with everything that can go wrong; at the end everything is as it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::fake::{Fault, Received};
use crate::office::{Office, login};

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What HR says of one person.
#[derive(Clone)]
struct Row {
    department: &'static str,
    title: u64,
    left: bool,
}

fn file(people: &BTreeMap<u32, Row>) -> String {
    people
        .iter()
        .map(|(number, Row { department, title, left })| {
            let end = if *left { "2026-11-01" } else { "" };
            format!("{number:05},F{number},L{number},{department},T{title},2020-01-01,{end}\n")
        })
        .collect()
}

fn live(people: &mut BTreeMap<u32, Row>, dice: &mut Dice) {
    for row in people.values_mut() {
        match dice.throw(8) {
            0 => row.left = !row.left,
            1 => row.title += 1,
            2 => row.department = ["Sales", "Support", "Legal"][dice.throw(3) as usize],
            _ => {}
        }
    }
    let next = people.len() as u32;
    for number in next..next + 3 {
        let row = Row { department: "Sales", title: 0, left: false };
        people.insert(number, row);
    }
}

fn go_wrong(office: &Office, dice: &mut Dice) {
    for _ in 0..dice.throw(6) {
        let fault = match dice.throw(7) {
            0 => Fault::Answer(429, vec![("retry-after", "2".into())], "{}".into()),
            1 => Fault::Answer(500, Vec::new(), String::new()),
            2 => Fault::Answer(400, Vec::new(), "{}".into()),
            3 => Fault::DoneThenBroken,
            4 => Fault::Broken,
            5 => Fault::DoneThen(502),
            _ => Fault::DoneWithoutBody,
        };
        let (method, modulo, rest) =
            (["POST", "PATCH", "GET"][dice.throw(3) as usize], 2 + dice.throw(5), dice.throw(2));
        let mut seen = 0;
        office.fake.trap(1, fault, move |it: &Received| {
            seen += 1;
            it.method == method && seen % modulo == rest
        });
    }
}

/// Applies, and perhaps crashes on the way.
async fn apply(office: &mut Office, dice: &mut Dice) {
    let crash_after = match dice.throw(3) {
        0 => Some(Duration::from_millis(dice.throw(80))),
        _ => None,
    };
    let two = dice.throw(4) == 0;
    let crash = async {
        match crash_after {
            Some(wait) => tokio::time::sleep(wait).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = by_one_or_two(office, two) => {}
        () = crash => {}
    }
    if crash_after.is_some() {
        office.reopen();
    }
}

async fn by_one_or_two(office: &Office, two: bool) {
    if two {
        tokio::join!(office.apply(), office.apply());
    } else {
        office.apply().await;
    }
}

/// Lives through one history and says how often something went wrong in it.
async fn history(seed: u64) -> usize {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut office = Office::new().await;
    office.time_flies();
    let plenty = json!({"count_free": 1000, "count_max": 1000, "share_percent_max": 100});
    let dialect = [
        json!({"member_batch": 3}),
        json!({"member_batch": 3, "trusts_write_response": false}),
        json!({"group_patch": "put", "update_verb": "put"}),
    ];
    office.configure(json!({
        "profile": "scim",
        "profile_overrides": dialect[(seed % 3) as usize],
        "guard": {"deactivations": plenty, "license_removals": plenty, "recreations": plenty},
    }));
    let mut people = BTreeMap::new();
    for _ in 0..6 {
        live(&mut people, &mut dice);
        office.import(&file(&people));
        go_wrong(&office, &mut dice);
        apply(&mut office, &mut dice).await;
    }
    office.fake.heal();
    let report = office.converges().await;
    let active = office.fake.active();
    let groups = office.fake.memberships();
    for (number, row) in &people {
        let login = login(*number);
        let is_active = active.get(&login).copied().unwrap_or(false);
        assert_eq!(is_active, !row.left, "seed {seed}: {login} after {report:?}");
        if row.left {
            continue;
        }
        for group in ["Sales", "Support"] {
            let is_member = groups.get(group).is_some_and(|members| members.contains(&login));
            assert_eq!(is_member, row.department == group, "seed {seed}: {login} in {group}");
        }
    }
    let known = people.len();
    assert!(active.len() <= known, "seed {seed}: nobody has two accounts");
    let created = office.events("account.created").len() + office.events("account.linked").len();
    assert_eq!(created, active.len(), "seed {seed}: every account has its event once");
    office.fake.world().fault_count
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_the_end_is_right() {
    let seeds = std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let mut fault_count = 0;
    let from = std::env::var("FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in from..from + seeds {
        fault_count += history(seed).await;
    }
    assert!(fault_count as u64 > 3 * seeds, "only {fault_count} faults in {seeds} histories");
}

#[tokio::test]
async fn two_who_apply_at_once_do_everything_once() {
    let office = Office::running().await;
    office.configure(json!({"profile": "scim"}));
    office.import(&crate::office::rows(0..30));
    office.plan().await;
    let (one, other) = tokio::join!(office.apply(), office.apply());
    assert_eq!((one.failed_count, other.failed_count), (0, 0));
    assert_eq!(office.fake.count("POST", "/"), 32);
    office.converges().await;
    assert_eq!(office.events("account.created").len(), 30);
}
