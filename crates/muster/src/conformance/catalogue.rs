//! All groups of checks, in the order in which they are walked.

use std::sync::LazyLock;

use crate::conformance::check::{Group, Step};
use crate::conformance::script;

macro_rules! walks {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("walks/", $name, ".walk")))),*]
    };
}

const WALKS: &[(&str, &str)] = walks![
    "discovery",
    "auth",
    "media",
    "errors",
    "create",
    "read",
    "replace",
    "patch",
    "delete",
    "uniqueness",
    "mutability",
    "filter",
    "paging",
    "sorting",
    "projection",
    "etag",
    "groups",
    "search",
    "bulk",
    "me",
    "schema",
    "meta",
    "concurrency",
    "robustness",
    "okta",
    "entra",
    "entra-2020",
    "onelogin",
    "jumpcloud",
    "google",
    "ping",
];

/// Every group. A script that cannot be read is left out here; a test reads all of them.
pub fn catalogue() -> &'static [Group] {
    static GROUPS: LazyLock<Vec<Group>> =
        LazyLock::new(|| WALKS.iter().filter_map(|(_, text)| script::read(text).ok()).collect());
    &GROUPS
}

/// What is made for a check that is `given` it.
pub fn fixture(name: &str) -> Option<&'static [Step]> {
    static FIXTURES: LazyLock<Group> =
        LazyLock::new(|| script::read(include_str!("walks/given.walk")).unwrap_or_default());
    let found = FIXTURES.checks.iter().find(|fixture| fixture.name == name)?;
    Some(&found.steps)
}

/// The groups that were asked for: by name, and of one client's conversation (`rfc`: of none).
///
/// # Errors
/// A name that no group has.
pub fn chosen(only: &[String], dialect: Option<&str>) -> Result<Vec<&'static Group>, String> {
    let names =
        || catalogue().iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
    let dialects = || {
        let named = catalogue().iter().filter_map(|group| group.dialect.as_deref());
        std::iter::once("rfc").chain(named).collect::<Vec<_>>().join(", ")
    };
    if let Some(unknown) = only.iter().find(|name| !catalogue().iter().any(|g| g.name == **name)) {
        return Err(format!("there is no group `{unknown}`; there are {}", names()));
    }
    let is_known = |name: &str| {
        name == "rfc" || catalogue().iter().any(|group| group.dialect.as_deref() == Some(name))
    };
    if let Some(unknown) = dialect.filter(|name| !is_known(name)) {
        return Err(format!("there is no dialect `{unknown}`; there are {}", dialects()));
    }
    let fits = |group: &&Group| {
        let is_named = only.is_empty() || only.contains(&group.name);
        let speaks = match (&group.dialect, dialect) {
            (Some(own), Some(wanted)) => own == wanted,
            _ => true,
        };
        is_named && speaks
    };
    Ok(catalogue().iter().filter(fits).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::conformance::check::Level;
    use crate::conformance::special;

    /// Fewest checks there are.
    const CHECK_COUNT_MIN: usize = 350;

    #[test]
    fn every_script_is_read_and_says_what_breaks() {
        assert_eq!(catalogue().len(), WALKS.len());
        let mut count = 0;
        for (name, text) in WALKS {
            let group = script::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(group.name, *name);
            assert!(group.about.len() > 10, "{name}");
            let mut names = BTreeSet::new();
            for check in &group.checks {
                let place = format!("{name}/{}", check.name);
                assert!(names.insert(&check.name), "{place} is there twice");
                assert!(!check.clause.is_empty() && !check.breaks.is_empty(), "{place}");
                assert!(!check.steps.is_empty(), "{place}");
                for given in &check.given {
                    assert!(fixture(given).is_some(), "{place} is given `{given}`");
                }
                for step in &check.steps {
                    if let Step::Run(words) = step {
                        assert!(special::is_known(&words[0]), "{place} runs {words:?}");
                    }
                }
                count += 1;
            }
        }
        assert!(count >= CHECK_COUNT_MIN, "{count}");
    }

    #[test]
    fn what_is_needed_is_known() {
        let advertised = super::super::advertised::Advertised::default();
        for need in catalogue().iter().flat_map(|group| &group.checks).flat_map(|c| &c.needs) {
            let told = advertised.offers(need).err().unwrap_or_default();
            assert!(!told.starts_with("nobody knows"), "{told}");
        }
    }

    #[test]
    fn a_client_s_conversation_is_left_out_for_another_client() {
        let names = |dialect: &str| -> Vec<_> {
            chosen(&[], Some(dialect)).unwrap().iter().map(|group| group.name.as_str()).collect()
        };
        assert!(names("okta").contains(&"okta") && !names("okta").contains(&"entra"));
        assert!(names("rfc").contains(&"patch") && !names("rfc").contains(&"okta"));
        assert!(chosen(&["nothing".into()], None).is_err());
        assert!(chosen(&[], Some("zoom")).is_err());
        let every = catalogue().iter().flat_map(|group| &group.checks);
        let levels: BTreeSet<Level> = every.map(|check| check.level).collect();
        assert_eq!(levels.len(), Level::ALL.len());
    }
}
