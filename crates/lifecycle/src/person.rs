//! A person: somebody the directory knows, whether employed or not.

use jiff::civil::Date;
use scim::Resource;

use crate::{EmployeeNumber, Employment, PersonId, Reason, SourceId, Standing, standing};

/// Somebody the directory knows. A person is never deleted by a source; they leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The directory's own identifier.
    pub id: PersonId,
    /// The key by which sources know the person; stays over renames, moves and rehires.
    pub employee_number: EmployeeNumber,
    /// The source the person comes from. None: created by hand, so no source can miss them.
    pub source: Option<SourceId>,
    /// What is known, as a document in the directory's own schema.
    pub profile: Resource,
    /// Every employment there was, is, and will be.
    pub employments: Vec<Employment>,
}

impl Person {
    /// What the employments say about that day.
    pub fn standing(&self, as_of: Date) -> Standing {
        standing(&self.employments, as_of)
    }

    /// Whether the person is employed that day.
    pub fn is_employed(&self, as_of: Date) -> bool {
        self.standing(as_of).is_employed()
    }

    /// Why the person is employed that day, or is not. Somebody who was employed before and left is
    /// rehired.
    pub fn standing_reason(&self, as_of: Date) -> Reason {
        let standing = self.standing(as_of);
        let left_before = |since: Date| {
            self.employments
                .iter()
                .any(|one| !one.is_void() && one.end.is_some_and(|end| end <= since))
        };
        match standing {
            Standing::Employed { since, .. } if left_before(since) => Reason::Rehired { on: since },
            standing => standing.reason(),
        }
    }

    /// The name to print: the display name, else given and family name, else the login, else the
    /// employee number.
    pub fn name(&self) -> String {
        display_name(&self.profile).unwrap_or_else(|| self.employee_number.to_string())
    }
}

/// The name a profile would be printed with, if it has any.
pub(crate) fn display_name(profile: &Resource) -> Option<String> {
    let document = profile.document();
    let text = |value: Option<&serde_json::Value>| {
        value.and_then(|value| value.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if let Some(name) = text(document.get("displayName")) {
        return Some(name);
    }
    let part = |key| text(document.get("name").and_then(|name| name.get(key)));
    match (part("givenName"), part("familyName")) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => text(document.get("userName")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn person(profile: Value) -> Person {
        Person {
            id: PersonId::parse("p1").unwrap(),
            employee_number: EmployeeNumber::parse("00-1").unwrap(),
            source: None,
            profile: Resource::from_canonical(profile.as_object().unwrap().clone()),
            employments: vec![],
        }
    }

    #[test]
    fn a_person_is_called_by_the_best_name_there_is() {
        let name = |profile| person(profile).name();
        assert_eq!(name(json!({"displayName": "Ana R.", "userName": "a"})), "Ana R.");
        assert_eq!(name(json!({"name": {"givenName": "Ana", "familyName": "Ruiz"}})), "Ana Ruiz");
        assert_eq!(name(json!({"name": {"familyName": "Ruiz"}, "userName": "a"})), "Ruiz");
        assert_eq!(name(json!({"userName": "a.ruiz"})), "a.ruiz");
        assert_eq!(name(json!({})), "00-1");
    }

    #[test]
    fn somebody_who_left_and_came_back_is_rehired() {
        let mut ana = person(json!({"displayName": "Ana"}));
        let reason = |ana: &Person, day: &str| ana.standing_reason(day.parse().unwrap()).sentence();
        assert_eq!(reason(&ana, "2026-11-24"), "No employment is known.");
        let employment = |start: &str, end: Option<&str>| Employment {
            start: start.parse().unwrap(),
            end: end.map(|end| end.parse().unwrap()),
        };
        ana.employments =
            vec![employment("2010-01-01", Some("2015-01-01")), employment("2020-01-01", None)];
        assert_eq!(reason(&ana, "2012-01-01"), "Employed since 2010-01-01.");
        assert_eq!(reason(&ana, "2017-01-01"), "Not employed before 2020-01-01.");
        assert_eq!(reason(&ana, "2026-11-24"), "Employed again since 2020-01-01.");
    }
}
