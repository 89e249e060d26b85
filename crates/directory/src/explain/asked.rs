//! What an application says itself about a person's licenses, asked over HTTP at the moment of the
//! explanation. A stranger's application may say nothing: then knowledge ends, and when it was asked
//! is part of the answer.

use jiff::Timestamp;
use lifecycle::{Reason, Situation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ExplainedApplication, ExplainedGroup, ExplainedPush};
use crate::{Directory, Error, Failure, StoredApplication};

/// What is known of an application beyond what was written there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Knowledge {
    /// It was not asked.
    NotAsked {
        /// Why not.
        reason: String,
    },
    /// It answered.
    Told {
        /// When it was asked.
        at: Timestamp,
        /// What it said.
        said: Asked,
    },
    /// It was asked and does not say.
    Ends {
        /// When it was asked.
        at: Timestamp,
        /// What it said instead, in a sentence.
        reason: String,
    },
}

/// What an application said about one user.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Asked {
    /// The state of the account there: active, inactive, pending.
    pub state: String,
    /// Why licenses are about to change there, if they are.
    pub pending: Option<String>,
    /// Licenses and products: held, waited for, and those the user lacks.
    pub licenses: Vec<AskedLicense>,
    /// The settings that groups impose.
    pub policies: Vec<AskedPolicy>,
    /// What it found odd, in its own sentences.
    pub findings: Vec<String>,
}

/// A license type or product, and what the user has of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskedLicense {
    /// License type or product.
    pub kind: LicenseKind,
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Held, waited for, or neither.
    #[serde(default)]
    pub state: LicenseState,
    /// Since when.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// From the group over the grant to the seat, in the application's own words.
    #[serde(default)]
    pub chain: Vec<String>,
    /// Whether it is given to whoever is granted no other.
    #[serde(default)]
    pub default: bool,
    /// Whether it is given to nobody any more.
    #[serde(default)]
    pub retired: bool,
    /// The groups there that give it.
    #[serde(default)]
    pub granting_groups: Vec<GrantingGroup>,
    /// How many seats are held.
    #[serde(default)]
    pub pool_held: u64,
    /// How many there may be; none: as many as are wanted.
    #[serde(default)]
    pub pool_limit: Option<u64>,
    /// The place on the waitlist, from 1.
    #[serde(default)]
    pub waitlist_place: Option<u64>,
    /// What is missing for the person to have it: the application's rule followed back to ours.
    #[serde(default, skip_deserializing)]
    pub missing: Vec<String>,
}

/// License type or product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseKind {
    /// One of them at a time.
    License,
    /// Any number of them.
    Product,
}

/// Whether a license is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseState {
    /// The user has it.
    Held,
    /// The user is entitled to it and no seat is free.
    Waiting,
    /// The user is not entitled to it.
    #[default]
    None,
}

/// A group of the application that gives a license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantingGroup {
    /// Its id there; none: there is no such group yet.
    #[serde(default)]
    pub group: Option<String>,
    /// Its name there.
    pub name: String,
}

/// A setting that a group imposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedPolicy {
    /// The setting.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The group there that imposes it, if the application says.
    pub group: Option<String>,
}

impl Asked {
    /// The name of the license type that is held.
    pub fn held_license(&self) -> Option<&str> {
        let held = |license: &&AskedLicense| {
            license.kind == LicenseKind::License && license.state == LicenseState::Held
        };
        self.licenses.iter().find(held).map(|license| license.name.as_str())
    }
}

/// Asks the application about the person's account.
pub(super) async fn ask(
    directory: &Directory,
    stored: &StoredApplication,
    explained: &ExplainedApplication,
    groups: &[ExplainedGroup],
) -> Knowledge {
    let account = explained.account.as_ref();
    let linked = account.filter(|account| account.situation == Situation::Linked);
    let Some(id) = linked.and_then(|account| account.remote_id.as_deref()) else {
        return Knowledge::NotAsked { reason: "there is no account to ask about".into() };
    };
    let at = directory.clock.now();
    let answer = match directory.client(stored) {
        Ok(client) => client.get_beside(&["v2", "users", id, "entitlements"]).await,
        Err(Error::Application { failure, .. }) => Err(failure),
        Err(error) => return Knowledge::Ends { at, reason: format!("{error}.") },
    };
    match answer {
        Ok(body) => match read(body) {
            Some(mut said) => {
                let held = said.held_license().map(str::to_string);
                for license in &mut said.licenses {
                    license.missing = missing(license, held.as_deref(), explained, groups);
                }
                Knowledge::Told { at, said }
            }
            None => Knowledge::Ends {
                at,
                reason: format!(
                    "{} answers, but not in words that are understood here.",
                    explained.name
                ),
            },
        },
        Err(failure) => Knowledge::Ends { at, reason: silence(&explained.name, &failure) },
    }
}

/// What a failure to answer means. Nobody is obliged to publish entitlements, so most of them are no
/// faults.
fn silence(name: &str, failure: &Failure) -> String {
    match failure {
        Failure::NotFound { .. } | Failure::Unreadable { .. } | Failure::Refused { .. } => {
            format!("{name} does not publish which licenses it gives and why.")
        }
        Failure::Broken { status: 501 | 505, .. } => {
            format!("{name} does not publish which licenses it gives and why.")
        }
        Failure::Unauthorized { detail } | Failure::Forbidden { detail } => {
            format!("{name} does not tell this token which licenses it gives and why ({detail}).")
        }
        other => format!("{name} could not be asked: {other}."),
    }
}

/// The answer as it is read: what is not known is left aside, what is missing has a default. Without
/// a state and a list of products it is an answer to another question.
#[derive(Deserialize)]
struct Answer {
    state: String,
    #[serde(default)]
    pending: Option<String>,
    #[serde(default)]
    license: Option<AskedLicense>,
    products: Vec<AskedLicense>,
    #[serde(default)]
    waiting: Vec<AskedLicense>,
    #[serde(default)]
    not_held: Vec<AskedLicense>,
    #[serde(default)]
    policies: Vec<Value>,
    #[serde(default)]
    findings: Vec<String>,
}

fn read(body: Map<String, Value>) -> Option<Asked> {
    let answer: Answer = serde_json::from_value(Value::Object(body)).ok()?;
    let licenses = answer.license.into_iter().chain(answer.products).chain(answer.waiting);
    Some(Asked {
        state: answer.state,
        pending: answer.pending,
        licenses: licenses.chain(answer.not_held).collect(),
        policies: answer.policies.iter().filter_map(policy).collect(),
        findings: answer.findings,
    })
}

fn policy(value: &Value) -> Option<AskedPolicy> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_string);
    Some(AskedPolicy {
        name: text(value.get("name"))?,
        value: text(value.get("value"))?,
        group: text(value.get("reason").and_then(|reason| reason.get("name"))),
    })
}

/// What is missing for the person to have a license: each group there that grants it, followed back
/// over the push to the rules here.
fn missing(
    license: &AskedLicense,
    held: Option<&str>,
    explained: &ExplainedApplication,
    groups: &[ExplainedGroup],
) -> Vec<String> {
    match license.state {
        LicenseState::Held => return Vec::new(),
        LicenseState::Waiting => {
            let place =
                license.waitlist_place.map(|place| format!("; place {place} on the waitlist"));
            let place = place.unwrap_or_default();
            return vec![match license.pool_limit {
                Some(limit) => format!(
                    "No seat is free: {} of {limit} are used{place}. Free a seat or raise the pool.",
                    license.pool_held
                ),
                None => format!("No seat is free{place}."),
            }];
        }
        LicenseState::None => {}
    }
    if explained.account.as_ref().is_some_and(|account| !account.active) {
        return vec!["The account is not active.".into()];
    }
    if license.granting_groups.is_empty() {
        return vec![match license.default {
            true => "It is for whoever is granted no other license.".into(),
            false => format!("No group of {} grants it.", explained.name),
        }];
    }
    // Of license types one is held at a time, of products any number.
    let better = held.filter(|_| license.kind == LicenseKind::License);
    let route = |granting| missing_on_route(granting, better, explained, groups);
    license.granting_groups.iter().map(route).collect()
}

fn missing_on_route(
    granting: &GrantingGroup,
    better: Option<&str>,
    explained: &ExplainedApplication,
    groups: &[ExplainedGroup],
) -> String {
    let (name, application) = (&granting.name, &explained.name);
    let is_pushed = |push: &&ExplainedPush| {
        let by_id = push.remote_id.is_some() && push.remote_id == granting.group;
        by_id || push.remote_name.to_lowercase() == name.to_lowercase()
    };
    let Some(push) = explained.pushed.iter().find(is_pushed) else {
        let here = groups.iter().find(|group| group.name.to_lowercase() == name.to_lowercase());
        return match here {
            Some(group) => format!(
                "Group {name} grants it, but is not pushed: `muster app push-group {application} \"{}\"`.",
                group.name
            ),
            None => format!("Group {name} grants it, which is not kept from here."),
        };
    };
    if let Some(problem) = push.problem.as_ref().filter(|_| push.pushed_at.is_none()) {
        return format!("Group {name} grants it, but cannot be pushed: {problem}");
    }
    if push.is_member && push.pushed_at.is_none() {
        return format!(
            "Group {name} grants it, and the membership is not pushed yet: `muster apply {application}`."
        );
    }
    if push.is_member {
        return match better {
            Some(better) => format!("Group {name} grants it, but {better} is held instead."),
            None => format!("Group {name} grants it, and {application} has not given it yet."),
        };
    }
    let reasons = groups.iter().find(|group| group.name == push.group);
    let reasons: Vec<String> =
        reasons.iter().flat_map(|group| &group.reasons).map(Reason::sentence).collect();
    format!("Group {name} grants it, and the person is not in it. {}", reasons.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn explained() -> ExplainedApplication {
        let push = |group: &str, is_member, pushed_at: Option<&str>| ExplainedPush {
            group: group.into(),
            remote_name: format!("{group} there"),
            remote_id: Some(format!("id-{group}")),
            is_member,
            pushed_at: pushed_at.map(|at| at.parse().unwrap()),
            problem: None,
        };
        ExplainedApplication {
            name: "zoom".into(),
            base_url: "https://zoom.example/scim2".into(),
            assigned: Vec::new(),
            assigning_groups: Vec::new(),
            account: None,
            next: None,
            findings: Vec::new(),
            pushed: vec![
                push("Phone", false, None),
                push("Sales", true, None),
                push("Legal", true, Some("2026-11-24T09:00:00Z")),
            ],
            knowledge: Knowledge::NotAsked { reason: String::new() },
        }
    }

    fn groups() -> Vec<ExplainedGroup> {
        let group =
            |name: &str, reasons| ExplainedGroup { name: name.into(), is_member: false, reasons };
        let no_rule = Reason::NoRule { group: "Phone".into() };
        vec![group("Phone", vec![no_rule]), group("Webinars", Vec::new())]
    }

    #[track_caller]
    fn check(license: Value, expected: &[&str]) -> Asked {
        let mut license = license;
        license["kind"] = "license".into();
        license["key"] = "p".into();
        license["name"] = "P".into();
        let body = json!({"state": "active", "products": [license], "colour": "left aside"});
        let said = read(body.as_object().unwrap().clone()).unwrap();
        assert_eq!(missing(&said.licenses[0], None, &explained(), &groups()), expected);
        said
    }

    #[test]
    fn what_is_missing_is_followed_from_the_grant_back_to_the_rule() {
        check(json!({"state": "held"}), &[]);
        check(json!({}), &["No group of zoom grants it."]);
        check(
            json!({"granting_groups": [{"group": "id-Phone", "name": "Renamed"}]}),
            &["Group Renamed grants it, and the person is not in it. No rule fills group Phone."],
        );
        check(
            json!({"granting_groups": [{"name": "sales THERE"}, {"name": "Legal there"}]}),
            &[
                "Group sales THERE grants it, and the membership is not pushed yet: `muster apply zoom`.",
                "Group Legal there grants it, and zoom has not given it yet.",
            ],
        );
        check(
            json!({"granting_groups": [{"name": "Webinars"}, {"name": "Made there"}]}),
            &[
                "Group Webinars grants it, but is not pushed: `muster app push-group zoom \"Webinars\"`.",
                "Group Made there grants it, which is not kept from here.",
            ],
        );
    }

    #[test]
    fn a_license_beneath_the_one_that_is_held_is_not_missing() {
        let said = check(
            json!({"granting_groups": [{"name": "Legal there"}]}),
            &["Group Legal there grants it, and zoom has not given it yet."],
        );
        assert_eq!(
            missing(&said.licenses[0], Some("Business"), &explained(), &groups()),
            ["Group Legal there grants it, but Business is held instead."]
        );
    }

    #[test]
    fn an_empty_pool_is_told_with_its_figures() {
        check(
            json!({"state": "waiting", "pool_limit": 50, "pool_held": 50, "waitlist_place": 2}),
            &[
                "No seat is free: 50 of 50 are used; place 2 on the waitlist. Free a seat or raise the pool.",
            ],
        );
    }

    #[test]
    fn an_answer_of_our_own_service_provider_is_read() {
        let seat = json!({
            "kind": "license", "key": "licensed", "name": "Workplace Licensed", "state": "held",
            "since": "2026-11-24T09:00:00Z", "reason": {"kind": "group", "group": "g", "name": "G"},
            "also": [], "waitlist_place": null, "pool_held": 3, "pool_limit": 5,
            "chain": ["group \"G\" grants Workplace Licensed"]
        });
        let body = json!({
            "user": "u", "user_name": "ana", "state": "active", "pending": null, "license": seat,
            "products": [], "waiting": [], "groups": [], "findings": ["Odd."],
            "policies": [{"name": "recording", "value": "off", "outvoted": [],
                "reason": {"kind": "group", "group": "g", "name": "G"}}]
        });
        let said = read(body.as_object().unwrap().clone()).unwrap();
        assert_eq!(said.licenses[0].state, LicenseState::Held);
        assert_eq!((said.licenses[0].pool_held, said.licenses[0].pool_limit), (3, Some(5)));
        assert_eq!(said.policies[0].group.as_deref(), Some("G"));
        assert_eq!(said.findings, ["Odd."]);
    }

    #[test]
    fn an_answer_in_other_words_is_none() {
        assert!(read(Map::new()).is_none());
        let body = json!({"state": "active", "products": "many"});
        assert!(read(body.as_object().unwrap().clone()).is_none());
    }
}
