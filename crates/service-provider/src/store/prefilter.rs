//! What an index may be asked about a filter. SQL only narrows down: it may let through too much
//! and never too little, and every candidate is held against the filter by its one evaluator.

use db::Value;
use scim::{AttributePath, Filter, Literal, ResourceType};

use crate::counter::Kind;

/// A condition that every match fulfils: `$1` is the tenant, `$2` the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefilter {
    pub condition: &'static str,
    pub key: Value,
    /// Whether an index gives the candidates and they are few.
    pub few: bool,
}

/// A rule: an attribute that a condition narrows down, best first.
struct Rule {
    attribute: &'static str,
    sub_attribute: Option<&'static str>,
    /// Whether the column holds the value in lower case. `to_lowercase` is also what the evaluator
    /// folds with.
    folded: bool,
    condition: &'static str,
    /// Whether an index gives the candidates and they are few.
    few: bool,
}

const USERS: &[Rule] = &[
    Rule { attribute: "id", sub_attribute: None, folded: false, condition: "u.id = $2", few: true },
    Rule {
        attribute: "userName",
        sub_attribute: None,
        folded: true,
        condition: "u.user_name_key = $2",
        few: true,
    },
    Rule {
        attribute: "externalId",
        sub_attribute: None,
        folded: false,
        condition: "u.external_id = $2",
        few: true,
    },
    Rule {
        attribute: "emails",
        sub_attribute: Some("value"),
        folded: true,
        condition: "u.id IN (SELECT n.id FROM users n WHERE n.tenant = $1 AND n.user_name_key = $2 \
                    UNION SELECT e.user_id FROM user_emails e WHERE e.tenant = $1 AND e.email_key = $2)",
        few: true,
    },
    Rule {
        attribute: "groups",
        sub_attribute: Some("value"),
        folded: false,
        condition: "u.id IN (SELECT m.member_id FROM group_members m WHERE m.tenant = $1 AND m.group_id = $2)",
        few: false,
    },
    Rule {
        attribute: "displayName",
        sub_attribute: None,
        folded: true,
        condition: "u.display_name_key = $2",
        few: false,
    },
];

const GROUPS: &[Rule] = &[
    Rule { attribute: "id", sub_attribute: None, folded: false, condition: "g.id = $2", few: true },
    Rule {
        attribute: "displayName",
        sub_attribute: None,
        folded: true,
        condition: "g.display_name_key = $2",
        few: true,
    },
    Rule {
        attribute: "externalId",
        sub_attribute: None,
        folded: false,
        condition: "g.external_id = $2",
        few: true,
    },
    Rule {
        attribute: "members",
        sub_attribute: Some("value"),
        folded: false,
        condition: "g.id IN (SELECT m.group_id FROM group_members m WHERE m.tenant = $1 AND m.member_id = $2)",
        few: true,
    },
];

/// The best condition a filter gives, if it gives any.
pub(super) fn prefilter(kind: Kind, rt: &ResourceType, filter: &Filter) -> Option<Prefilter> {
    let equalities = filter.equalities(rt);
    let rules = match kind {
        Kind::Users => USERS,
        Kind::Groups => GROUPS,
    };
    rules.iter().find_map(|rule| {
        let found = equalities.iter().find(|(path, _)| rule.covers(path));
        match found {
            Some((_, Literal::String(text))) => {
                let key = if rule.folded { text.to_lowercase() } else { text.clone() };
                Some(Prefilter { condition: rule.condition, key: key.into(), few: rule.few })
            }
            _ => None,
        }
    })
}

impl Rule {
    fn covers(&self, path: &AttributePath) -> bool {
        path.urn.is_none()
            && path.attribute == self.attribute
            && path.sub_attribute.as_deref() == self.sub_attribute
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_types::{group_type, user_type};

    fn check(kind: Kind, filter: &str, expected: Option<(&str, &str)>) {
        let rt = if kind == Kind::Users { user_type() } else { group_type() };
        let found = prefilter(kind, rt, &Filter::parse(filter).unwrap());
        let expected = expected.map(|(alias, key)| (alias.to_owned(), Value::from(key)));
        let found =
            found.map(|found| (found.condition.split(' ').next().unwrap().to_owned(), found.key));
        assert_eq!(found, expected, "{filter}");
    }

    #[test]
    fn the_best_index_is_asked() {
        let users = |filter: &str, expected| check(Kind::Users, filter, expected);
        users(r#"userName eq "Ana@X""#, Some(("u.user_name_key", "ana@x")));
        users(r#"externalId eq "00uX""#, Some(("u.external_id", "00uX")));
        users(r#"emails.value eq "Ana@X""#, Some(("u.id", "ana@x")));
        users(r#"emails[type eq "work" and value eq "A"]"#, Some(("u.id", "a")));
        users(
            r#"active eq true and userName eq "a" and externalId eq "b""#,
            Some(("u.user_name_key", "a")),
        );
        users(r#"displayName eq "Ana""#, Some(("u.display_name_key", "ana")));
        users(r#"userName ne "a""#, None);
        users(r#"userName eq "a" or active eq true"#, None);
        users(r#"not (userName eq "a")"#, None);
        users(r#"userName sw "a""#, None);
        let groups = |filter: &str, expected| check(Kind::Groups, filter, expected);
        groups(r#"displayName eq "Sales""#, Some(("g.display_name_key", "sales")));
        groups(r#"members.value eq "U""#, Some(("g.id", "U")));
        groups(r#"members[value eq "U"]"#, Some(("g.id", "U")));
    }
}
