//! Logins nobody else has: generated ones are given out in a fixed order, mapped ones are looked at
//! before anything is written.

use std::collections::{BTreeMap, HashMap};

use lifecycle::{CollisionPolicy, EmployeeNumber, Person, Record, SourceId, Subject};
use serde_json::Value;

/// The attribute that people sign in with, which is unique.
pub(crate) const LOGIN: &str = "userName";

/// Which logins are taken, and by whom.
pub(crate) struct Logins {
    by_login: BTreeMap<String, EmployeeNumber>,
    by_number: BTreeMap<EmployeeNumber, String>,
}

impl Logins {
    /// The logins of everybody known, whether employed or not: a login is never given to a second
    /// person, since what the first one left behind still carries it.
    pub fn of(people: &[Person]) -> Self {
        let mut logins = Self { by_login: BTreeMap::new(), by_number: BTreeMap::new() };
        for person in people {
            if let Some(login) = person.profile.text(LOGIN) {
                logins.take(&person.employee_number, login.to_string());
            }
        }
        logins
    }

    /// The login this person has, or a new one made from `base`.
    ///
    /// # Errors
    /// Why there is none: nothing to make it from, or taken where the policy allows no other.
    pub fn give(
        &mut self,
        number: &EmployeeNumber,
        base: &str,
        policy: CollisionPolicy,
    ) -> Result<String, String> {
        if let Some(login) = self.by_number.get(number) {
            return Ok(login.clone());
        }
        let taken = |login: &str| self.by_login.get(&login.to_lowercase()).cloned();
        let subject = Subject { employee_number: number.clone(), name: base.to_string() };
        let login = lifecycle::unique_login(base, policy, &taken, &subject)
            .map_err(|finding| finding.sentence())?;
        self.take(number, login.clone());
        Ok(login)
    }

    fn take(&mut self, number: &EmployeeNumber, login: String) {
        self.by_login.insert(login.to_lowercase(), number.clone());
        self.by_number.insert(number.clone(), login);
    }
}

/// The rows of a source that claim a login which somebody else has, or which two of them claim and
/// neither has: their places, each with why it is set aside. A row that is set aside leaves its person
/// the login they have, so that whoever claims that one is set aside too.
pub(crate) fn disputed(
    source: &SourceId,
    known: &[Person],
    records: &[Record],
) -> BTreeMap<usize, String> {
    let held: HashMap<&EmployeeNumber, String> = known.iter().filter_map(held_login).collect();
    let claims = claims(source, known, records);
    let mut by_login: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, login) in &claims {
        if let Some(login) = login {
            by_login.entry(login).or_default().push(*at);
        }
    }
    let mut aside: BTreeMap<usize, String> = BTreeMap::new();
    let has = |at: usize, login: &str| {
        held.get(&records[at].employee_number).is_some_and(|held| held == login)
    };
    for (login, claimants) in by_login.iter().filter(|(_, claimants)| claimants.len() > 1) {
        for at in claimants.iter().filter(|at| !has(**at, login)) {
            let other = claimants.iter().find(|other| *other != at).unwrap_or(at);
            let Record { line, employee_number, .. } = &records[*other];
            aside.insert(
                *at,
                format!(
                    "the login `{login}` is also that of employee {employee_number} in line {line}"
                ),
            );
        }
    }
    // Logins that stay where they are: those of people about whose login no row says anything, and
    // those of people whose row is set aside.
    let moving: BTreeMap<&EmployeeNumber, usize> =
        claims.keys().map(|at| (&records[*at].employee_number, *at)).collect();
    let mut staying: Vec<&EmployeeNumber> = held
        .keys()
        .copied()
        .filter(|number| moving.get(number).is_none_or(|at| aside.contains_key(at)))
        .collect();
    while let Some(holder) = staying.pop() {
        let Some(login) = held.get(holder) else { continue };
        for at in by_login.get(login.as_str()).into_iter().flatten() {
            let claimant = &records[*at].employee_number;
            if claimant != holder && !aside.contains_key(at) {
                aside.insert(*at, format!("the login `{login}` belongs to employee {holder}"));
                staying.push(claimant);
            }
        }
    }
    aside
}

/// The key a login is unique by.
pub(crate) fn login_key(person: &Person) -> Option<String> {
    person.profile.text(LOGIN).map(str::to_lowercase)
}

fn held_login(person: &Person) -> Option<(&EmployeeNumber, String)> {
    login_key(person).map(|login| (&person.employee_number, login))
}

/// What rows say about logins, by their place; None: the person is to have none. Rows of which nothing
/// follows (double ones, and those about people of another source) claim nothing.
fn claims(
    source: &SourceId,
    known: &[Person],
    records: &[Record],
) -> BTreeMap<usize, Option<String>> {
    let foreign = |person: &&Person| person.source.as_ref().is_some_and(|owner| owner != source);
    let mut row_counts: HashMap<&EmployeeNumber, u64> = HashMap::new();
    for number in known.iter().filter(foreign).map(|person| &person.employee_number) {
        row_counts.insert(number, 1);
    }
    for record in records {
        *row_counts.entry(&record.employee_number).or_default() += 1;
    }
    let claim = |(at, record): (usize, &Record)| {
        let (_, value) = record.values.iter().find(|(path, _)| path.as_str() == LOGIN)?;
        let login = value.as_ref().and_then(Value::as_str).filter(|login| !login.is_empty());
        (row_counts.get(&record.employee_number) == Some(&1))
            .then(|| (at, login.map(str::to_lowercase)))
    };
    records.iter().enumerate().filter_map(claim).collect()
}
