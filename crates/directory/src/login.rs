//! Logins nobody else has, given out in a fixed order.

use std::collections::BTreeMap;

use lifecycle::{CollisionPolicy, EmployeeNumber, Person, Subject};

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
            if let Some(login) = person.profile.text("userName") {
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
