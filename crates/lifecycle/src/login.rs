//! Logins: made from names, unique, and never taken away again.
//!
//! A login is given once. It does not change when the name does, and the login of somebody who left is
//! not given to anybody else. Requests are worked off by employee number, so two imports of the same
//! file give the same logins, whatever the order of rows.

use std::collections::HashMap;

use deunicode::deunicode_with_tofu;
use serde::{Deserialize, Serialize};

use crate::{EmployeeNumber, Finding, Subject, limits};

/// What to do when the login that would be given is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollisionPolicy {
    /// Put the lowest free number from 2 behind it: `j.smith2`.
    #[default]
    Number,
    /// Put the employee number behind it: `j.smith.4711`.
    EmployeeNumber,
    /// Give none, and say so.
    Refuse,
}

/// Somebody who needs a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// Who.
    pub subject: Subject,
    /// What it is to be made from, with or without a domain: `Ana.Ruiz`, `ana.ruiz@acme.test`.
    pub base: String,
}

/// The logins that were given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Logins {
    /// By employee number.
    pub given: Vec<(EmployeeNumber, String)>,
    /// Who got none, and why.
    pub findings: Vec<Finding>,
}

/// Gives a login to everybody who needs one, in the order of employee numbers. `taken` says who has a
/// login (in lower case), whether they are employed or not.
pub fn assign_logins(
    mut requests: Vec<LoginRequest>,
    policy: CollisionPolicy,
    taken: &dyn Fn(&str) -> Option<EmployeeNumber>,
) -> Logins {
    requests.sort_by(|a, b| a.subject.employee_number.cmp(&b.subject.employee_number));
    let mut logins = Logins::default();
    let mut now_taken: HashMap<String, EmployeeNumber> = HashMap::new();
    for request in requests {
        let held = |login: &str| taken(login).or_else(|| now_taken.get(login).cloned());
        match unique_login(&request.base, policy, &held, &request.subject) {
            Ok(login) => {
                let number = request.subject.employee_number;
                now_taken.insert(login.clone(), number.clone());
                logins.given.push((number, login));
            }
            Err(finding) => logins.findings.push(finding),
        }
    }
    logins
}

/// The login for somebody: the base in plain letters and, if somebody else has that, what the policy
/// makes of it. One they have themselves is theirs.
pub fn unique_login(
    base: &str,
    policy: CollisionPolicy,
    taken: &dyn Fn(&str) -> Option<EmployeeNumber>,
    subject: &Subject,
) -> Result<String, Finding> {
    let (local, domain) = match base.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain.trim().to_ascii_lowercase())),
        None => (base, None),
    };
    let none = || Finding::LoginEmpty { subject: subject.clone(), base: base.to_owned() };
    let local = local_part(local).ok_or_else(none)?;
    if domain.as_deref().is_some_and(|domain| !is_domain(domain)) {
        return Err(none());
    }
    let login = |suffix: &str| with_suffix(&local, suffix, domain.as_deref());
    let holder = |login: &str| taken(login).filter(|holder| *holder != subject.employee_number);
    let first = login("");
    let Some(first_holder) = holder(&first) else {
        return Ok(first);
    };
    let another = match policy {
        CollisionPolicy::Number => (2..=limits::LOGIN_NUMBER_MAX)
            .map(|number| login(&number.to_string()))
            .find(|login| holder(login).is_none()),
        CollisionPolicy::EmployeeNumber => local_part(subject.employee_number.as_str())
            .map(|number| login(&format!(".{number}")))
            .filter(|login| holder(login).is_none()),
        CollisionPolicy::Refuse => None,
    };
    another.ok_or(Finding::LoginTaken {
        subject: subject.clone(),
        login: first,
        holder: first_holder,
    })
}

/// Text in plain lower-case letters, as it may stand before the `@` of an address: other alphabets
/// are transliterated, white space becomes a dot, what is neither letter, digit, `.`, `-` nor `_` goes.
/// None: nothing is left.
pub fn local_part(text: &str) -> Option<String> {
    let mut local = String::with_capacity(text.len());
    for c in deunicode_with_tofu(text.trim(), "").trim().chars() {
        let c = if c.is_whitespace() { '.' } else { c.to_ascii_lowercase() };
        let separates = matches!(c, '.' | '-' | '_');
        // A dot at either end, or two in a row, make an address invalid (RFC 5321 4.1.2, dot-string).
        if c == '.' && local.ends_with(['.', '-', '_']) {
            continue;
        }
        if separates && local.ends_with('.') {
            local.pop();
        }
        if c.is_ascii_alphanumeric() || separates {
            local.push(c);
        }
    }
    let local = local.trim_matches(['.', '-', '_']);
    let local = &local[..local.len().min(limits::LOGIN_LOCAL_PART_BYTES_MAX)];
    let local = local.trim_end_matches(['.', '-', '_']);
    (!local.is_empty()).then(|| local.to_owned())
}

fn with_suffix(local: &str, suffix: &str, domain: Option<&str>) -> String {
    let room = limits::LOGIN_LOCAL_PART_BYTES_MAX.saturating_sub(suffix.len());
    let local = local[..local.len().min(room)].trim_end_matches(['.', '-', '_']);
    match domain {
        Some(domain) => format!("{local}{suffix}@{domain}"),
        None => format!("{local}{suffix}"),
    }
}

fn is_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> EmployeeNumber {
        EmployeeNumber::parse(text).unwrap()
    }

    fn requests(list: &[(&str, &str)]) -> Vec<LoginRequest> {
        list.iter()
            .map(|(n, base)| LoginRequest {
                subject: Subject { employee_number: number(n), name: (*base).to_owned() },
                base: (*base).to_owned(),
            })
            .collect()
    }

    #[track_caller]
    fn check(policy: CollisionPolicy, list: &[(&str, &str)], expected: &[&str]) {
        let taken = |login: &str| (login == "a.ruiz@acme.test").then(|| number("0"));
        let logins = assign_logins(requests(list), policy, &taken);
        let mut found: Vec<String> =
            logins.given.iter().map(|(number, login)| format!("{number} {login}")).collect();
        found.extend(logins.findings.iter().map(Finding::sentence));
        assert_eq!(found, expected);
        let turned: Vec<_> = list.iter().rev().copied().collect();
        assert_eq!(assign_logins(requests(&turned), policy, &taken), logins, "rows turned around");
    }

    #[test]
    fn names_become_plain_letters() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(local_part(name).unwrap_or_default(), expected);
        }
        check("Łukasz.Żółć", "lukasz.zolc");
        check("Sean.O'Hara", "sean.ohara");
        check("Sean.O’Hara", "sean.ohara");
        check("王伟", "wang.wei");
        check("Jean-Luc.Picard", "jean-luc.picard");
        check("Anna Maria.García López", "anna.maria.garcia.lopez");
        check("Ольга.Петрова", "olga.petrova");
        check(" .Ana..Ruiz. ", "ana.ruiz");
        check("Straße", "strasse");
        check("a . b", "a.b");
        check("Ruiz (temp)", "ruiz.temp");
        check("'", "");
        check("\u{200b}", "");
        check("", "");
        check(&"x".repeat(80), &"x".repeat(64));
    }

    #[test]
    fn a_login_that_is_taken_gets_the_lowest_free_number() {
        check(
            CollisionPolicy::Number,
            &[
                ("7", "A.Ruiz@Acme.test"),
                ("3", "a.ruiz@acme.test"),
                ("5", "b@acme.test"),
                ("6", "a.ruiz2@acme.test"),
            ],
            &[
                "3 a.ruiz2@acme.test",
                "5 b@acme.test",
                "6 a.ruiz22@acme.test",
                "7 a.ruiz3@acme.test",
            ],
        );
    }

    #[test]
    fn a_login_that_is_taken_gets_the_employee_number() {
        check(
            CollisionPolicy::EmployeeNumber,
            &[("00-7", "A.Ruiz@acme.test")],
            &["00-7 a.ruiz.00-7@acme.test"],
        );
    }

    #[test]
    fn a_login_that_is_taken_is_refused_and_says_who_has_it() {
        check(
            CollisionPolicy::Refuse,
            &[("7", "A.Ruiz@acme.test")],
            &["A.Ruiz@acme.test (7) gets no login: a.ruiz@acme.test belongs to employee 0."],
        );
    }

    #[test]
    fn a_base_without_letters_gives_no_login() {
        check(
            CollisionPolicy::Number,
            &[("7", "'@acme.test"), ("8", "x@ac me")],
            &[
                "'@acme.test (7) gets no login: none can be made from \"'@acme.test\".",
                "x@ac me (8) gets no login: none can be made from \"x@ac me\".",
            ],
        );
    }

    #[test]
    fn a_login_somebody_has_stays_theirs() {
        check(CollisionPolicy::Number, &[("0", "A.Ruiz@acme.test")], &["0 a.ruiz@acme.test"]);
    }

    #[test]
    fn a_long_name_leaves_room_for_its_number() {
        let long = "x".repeat(64);
        let taken = |login: &str| (login == long).then(|| number("0"));
        let logins = assign_logins(requests(&[("1", &long)]), CollisionPolicy::Number, &taken);
        assert_eq!(logins.given[0].1, format!("{}2", "x".repeat(63)));
    }
}
