//! Matching: which account that is already in an application is a person's.
//!
//! An account that is clearly somebody's is linked instead of failing with "user already exists".
//! The opposite error is worse: whoever controls an e-mail address must not be handed an
//! administrator's account, so such an account is never linked by e-mail alone.

use std::collections::HashMap;

use scim::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RemoteAccount, Situation};

/// An attribute by which an account is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MatchAttribute {
    /// The login, in any case.
    #[serde(rename = "userName", alias = "user_name")]
    UserName,
    /// Our own name for it, exactly.
    #[serde(rename = "externalId", alias = "external_id")]
    ExternalId,
    /// Any e-mail address, in any case.
    #[serde(rename = "email")]
    Email,
}

/// The values by which an account is recognised, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchKeys {
    /// The login in lower case.
    pub user_name: Option<String>,
    /// Our own name for it.
    pub external_id: Option<String>,
    /// The e-mail addresses in lower case.
    pub emails: Vec<String>,
}

/// What was found for a person.
#[derive(Debug, Clone, PartialEq)]
pub enum Match<'a> {
    /// Nothing.
    Nothing,
    /// One account, clearly theirs.
    One {
        /// The account.
        account: &'a RemoteAccount,
        /// How it was recognised.
        by: MatchAttribute,
    },
    /// Several accounts by the same attribute.
    Several {
        /// The accounts.
        accounts: Vec<&'a RemoteAccount>,
        /// How they were recognised.
        by: MatchAttribute,
    },
    /// One account, but it looks like an administrator's and only its e-mail speaks for the person.
    Privileged {
        /// The account.
        account: &'a RemoteAccount,
    },
}

/// Accounts that are linked to nobody, ready to be looked up.
#[derive(Debug, Default)]
pub struct Candidates<'a> {
    accounts: Vec<&'a RemoteAccount>,
    by_user_name: HashMap<String, Vec<usize>>,
    by_external_id: HashMap<String, Vec<usize>>,
    by_email: HashMap<String, Vec<usize>>,
}

impl MatchAttribute {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::Email => "e-mail",
        }
    }
}

impl MatchKeys {
    /// The keys of an account.
    pub fn of(resource: &Resource) -> Self {
        let text = |name| resource.text(name).map(str::trim).filter(|text| !text.is_empty());
        let emails = resource.document().get("emails").and_then(Value::as_array);
        let mut emails: Vec<String> = emails
            .into_iter()
            .flatten()
            .filter_map(|email| email.get("value").and_then(Value::as_str))
            .map(|email| email.trim().to_lowercase())
            .filter(|email| !email.is_empty())
            .collect();
        emails.sort_unstable();
        emails.dedup();
        Self {
            user_name: text("userName").map(str::to_lowercase),
            external_id: text("externalId").map(str::to_owned),
            emails,
        }
    }

    fn agree(&self, other: &Self, by: MatchAttribute) -> bool {
        match by {
            MatchAttribute::UserName => {
                self.user_name.is_some() && self.user_name == other.user_name
            }
            MatchAttribute::ExternalId => {
                self.external_id.is_some() && self.external_id == other.external_id
            }
            MatchAttribute::Email => self.emails.iter().any(|email| other.emails.contains(email)),
        }
    }
}

impl<'a> Candidates<'a> {
    /// Indexes accounts.
    pub fn new(accounts: impl IntoIterator<Item = &'a RemoteAccount>) -> Self {
        let mut candidates = Self::default();
        for (at, account) in accounts.into_iter().enumerate() {
            let keys = MatchKeys::of(&account.resource);
            candidates.accounts.push(account);
            if let Some(user_name) = keys.user_name {
                candidates.by_user_name.entry(user_name).or_default().push(at);
            }
            if let Some(external_id) = keys.external_id {
                candidates.by_external_id.entry(external_id).or_default().push(at);
            }
            for email in keys.emails {
                candidates.by_email.entry(email).or_default().push(at);
            }
        }
        candidates
    }

    /// The accounts that agree with these keys in anything, in the order they were given.
    pub fn of(&self, keys: &MatchKeys) -> Vec<&'a RemoteAccount> {
        if self.accounts.is_empty() {
            return Vec::new();
        }
        let found = |index: &HashMap<String, Vec<usize>>, key: &String| {
            index.get(key).cloned().unwrap_or_default()
        };
        let mut at: Vec<usize> = Vec::new();
        at.extend(keys.user_name.iter().flat_map(|key| found(&self.by_user_name, key)));
        at.extend(keys.external_id.iter().flat_map(|key| found(&self.by_external_id, key)));
        at.extend(keys.emails.iter().flat_map(|key| found(&self.by_email, key)));
        at.sort_unstable();
        at.dedup();
        at.into_iter().filter_map(|at| self.accounts.get(at).copied()).collect()
    }
}

impl Match<'_> {
    /// The situation it makes.
    pub fn situation(&self) -> Situation {
        match self {
            Self::Nothing => Situation::Absent,
            Self::One { .. } => Situation::Unlinked,
            Self::Several { .. } | Self::Privileged { .. } => Situation::Disputed,
        }
    }
}

/// Which of the candidates is the account with these keys. The first attribute of `match_by` that
/// finds any decides, so that a strong one (`externalId`) is not put in doubt by a weak one.
pub fn match_account<'a>(
    keys: &MatchKeys,
    candidates: &[&'a RemoteAccount],
    match_by: &[MatchAttribute],
    privileged_roles: &[String],
) -> Match<'a> {
    let candidates: Vec<_> =
        candidates.iter().map(|account| (*account, MatchKeys::of(&account.resource))).collect();
    for by in match_by.iter().copied() {
        let found: Vec<&RemoteAccount> = candidates
            .iter()
            .filter(|(_, other)| keys.agree(other, by))
            .map(|(account, _)| *account)
            .collect();
        match found[..] {
            [] => {}
            [account] => {
                let alone = by == MatchAttribute::Email && account.is_privileged(privileged_roles);
                return if alone {
                    Match::Privileged { account }
                } else {
                    Match::One { account, by }
                };
            }
            _ => return Match::Several { accounts: found, by },
        }
    }
    Match::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteId;
    use serde_json::json;

    fn account(id: &str, resource: Value) -> RemoteAccount {
        RemoteAccount {
            remote_id: RemoteId::parse(id).unwrap(),
            resource: Resource::from_canonical(resource.as_object().unwrap().clone()),
        }
    }

    fn accounts() -> Vec<RemoteAccount> {
        vec![
            account("1", json!({"userName": "Ana@X.test", "externalId": "12"})),
            account("2", json!({"userName": "ben@x.test", "emails": [{"value": "B@x.test"}]})),
            account("3", json!({"userName": "ben2@x.test", "emails": [{"value": "b@x.test"}]})),
            account(
                "4",
                json!({"userName": "root", "emails": [{"value": "cy@x.test"}],
                       "roles": [{"value": "owner"}]}),
            ),
        ]
    }

    #[track_caller]
    fn check(wanted: Value, match_by: &[MatchAttribute], expected: &str) {
        let accounts = accounts();
        let candidates = Candidates::new(&accounts);
        let wanted = account("-", wanted);
        let keys = MatchKeys::of(&wanted.resource);
        let found = candidates.of(&keys);
        let privileged = ["owner".to_owned()];
        let said = match match_account(&keys, &found, match_by, &privileged) {
            Match::Nothing => "nothing".to_owned(),
            Match::One { account, by } => format!("{} by {}", account.remote_id, by.name()),
            Match::Several { accounts, by } => format!("{} by {}", accounts.len(), by.name()),
            Match::Privileged { account } => format!("privileged {}", account.remote_id),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn the_first_attribute_that_finds_any_decides() {
        use MatchAttribute::{Email, ExternalId, UserName};
        let all = [ExternalId, UserName, Email];
        check(json!({"userName": "ANA@x.test"}), &all, "1 by userName");
        check(json!({"userName": "ben@x.test", "externalId": "12"}), &all, "1 by externalId");
        check(json!({"userName": "ana@x.test"}), &[ExternalId], "nothing");
        check(json!({"userName": "dee@x.test", "externalId": "12 "}), &all, "1 by externalId");
        check(json!({"userName": "dee@x.test", "externalId": "13"}), &all, "nothing");
        check(json!({}), &all, "nothing");
    }

    #[test]
    fn several_accounts_are_disputed() {
        check(json!({"emails": [{"value": "b@X.test"}]}), &[MatchAttribute::Email], "2 by e-mail");
    }

    #[test]
    fn an_administrator_is_never_linked_by_email_alone() {
        use MatchAttribute::{Email, UserName};
        let wanted = json!({"userName": "cy@x.test", "emails": [{"value": "cy@x.test"}]});
        check(wanted, &[UserName, Email], "privileged 4");
        let wanted = json!({"userName": "root", "emails": [{"value": "cy@x.test"}]});
        check(wanted, &[UserName, Email], "4 by userName");
    }
}
