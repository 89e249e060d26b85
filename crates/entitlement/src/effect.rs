//! Effects: what a change of an account sets in motion, each under a policy of the tenant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// It does not exist, or was deleted.
    Absent,
    /// Invited or signed up by itself, not yet accepted.
    Pending,
    /// In use.
    Active,
    /// Deactivated.
    Inactive,
}

/// One thing that follows a change of an account. Each can be repeated without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Sign-in sessions and tokens end.
    EndSessions,
    /// The seats are freed and given to who waits.
    FreeLicense,
    /// The agent leaves the contact-center queues.
    LeaveQueues,
    /// Phone numbers go back to the pool.
    ReleaseNumbers,
    /// Upcoming meetings are cancelled.
    CancelMeetings,
    /// Recordings stay readable under a hold.
    KeepRecordings,
    /// Recordings go to the trash, from which they can be recovered.
    TrashRecordings,
    /// Recordings are deleted for good.
    DeleteRecordings,
}

/// Which effects a deactivation has in a tenant. All on unless switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EffectPolicies {
    /// Cancel upcoming meetings.
    pub cancel_meetings: bool,
    /// Release phone numbers to the pool.
    pub release_numbers: bool,
    /// Leave contact-center queues.
    pub leave_queues: bool,
    /// End sessions.
    pub end_sessions: bool,
    /// Keep recordings under a hold; off: they go to the trash.
    pub keep_recordings: bool,
    /// Free the license and the products; off: an inactive user keeps the seats held.
    pub free_license: bool,
}

/// What a change sets in motion, and what a policy holds back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EffectPlan {
    /// Effects to run, most urgent first: access ends before anything is tidied up.
    pub run: Vec<Effect>,
    /// Effects that would follow were their policy not switched off.
    pub switched_off: Vec<Effect>,
}

impl Default for EffectPolicies {
    fn default() -> Self {
        Self {
            cancel_meetings: true,
            release_numbers: true,
            leave_queues: true,
            end_sessions: true,
            keep_recordings: true,
            free_license: true,
        }
    }
}

impl AccountState {
    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Effect {
    /// Every effect, most urgent first.
    pub const ALL: [Self; 8] = [
        Self::EndSessions,
        Self::FreeLicense,
        Self::LeaveQueues,
        Self::ReleaseNumbers,
        Self::CancelMeetings,
        Self::KeepRecordings,
        Self::TrashRecordings,
        Self::DeleteRecordings,
    ];

    /// The word for it, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndSessions => "end-sessions",
            Self::FreeLicense => "free-license",
            Self::LeaveQueues => "leave-queues",
            Self::ReleaseNumbers => "release-numbers",
            Self::CancelMeetings => "cancel-meetings",
            Self::KeepRecordings => "keep-recordings",
            Self::TrashRecordings => "trash-recordings",
            Self::DeleteRecordings => "delete-recordings",
        }
    }

    /// The effect of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == name)
    }

    /// What it does, as a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::EndSessions => "End sessions",
            Self::FreeLicense => "Free the license",
            Self::LeaveQueues => "Leave contact-center queues",
            Self::ReleaseNumbers => "Release phone numbers",
            Self::CancelMeetings => "Cancel upcoming meetings",
            Self::KeepRecordings => "Keep recordings",
            Self::TrashRecordings => "Move recordings to the trash",
            Self::DeleteRecordings => "Delete recordings",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What follows when an account goes from `before` to `after`.
///
/// Only the way out has effects: a deactivation those that the policies allow, a deletion all that
/// leave no row of the user behind, whatever the policies say. An activation undoes nothing by
/// itself; [`restoration`](crate::restoration) says what comes back.
pub fn effects(before: AccountState, after: AccountState, policies: &EffectPolicies) -> EffectPlan {
    match (before, after) {
        (AccountState::Active | AccountState::Pending, AccountState::Inactive) => {
            deactivation(policies)
        }
        (AccountState::Absent, _) => EffectPlan::default(),
        (_, AccountState::Absent) => deletion(),
        _ => EffectPlan::default(),
    }
}

fn deactivation(policies: &EffectPolicies) -> EffectPlan {
    let mut plan = EffectPlan::default();
    for effect in Effect::ALL {
        let on = match effect {
            Effect::EndSessions => policies.end_sessions,
            Effect::FreeLicense => policies.free_license,
            Effect::LeaveQueues => policies.leave_queues,
            Effect::ReleaseNumbers => policies.release_numbers,
            Effect::CancelMeetings => policies.cancel_meetings,
            Effect::KeepRecordings => policies.keep_recordings,
            // The other side of the same switch; leaving never deletes; deletion is an act of its own.
            Effect::TrashRecordings if !policies.keep_recordings => true,
            Effect::TrashRecordings | Effect::DeleteRecordings => continue,
        };
        if on { plan.run.push(effect) } else { plan.switched_off.push(effect) }
    }
    plan
}

fn deletion() -> EffectPlan {
    let run = vec![
        Effect::EndSessions,
        Effect::FreeLicense,
        Effect::LeaveQueues,
        Effect::ReleaseNumbers,
        Effect::CancelMeetings,
        Effect::DeleteRecordings,
    ];
    EffectPlan { run, switched_off: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccountState::{Absent, Active, Inactive, Pending};

    fn check(before: AccountState, after: AccountState, policies: EffectPolicies, expected: &str) {
        let plan = effects(before, after, &policies);
        let names = |effects: &[Effect]| {
            effects.iter().map(|effect| effect.as_str()).collect::<Vec<_>>().join(" ")
        };
        let mut got = names(&plan.run);
        if !plan.switched_off.is_empty() {
            got = format!("{got} | off: {}", names(&plan.switched_off));
        }
        assert_eq!(got, expected, "{before} -> {after}");
    }

    #[test]
    fn deactivation_runs_what_the_policies_allow_access_first() {
        let all = EffectPolicies::default();
        check(
            Active,
            Inactive,
            all,
            "end-sessions free-license leave-queues release-numbers cancel-meetings keep-recordings",
        );
        check(
            Pending,
            Inactive,
            all,
            "end-sessions free-license leave-queues release-numbers cancel-meetings keep-recordings",
        );
        check(
            Active,
            Inactive,
            EffectPolicies { cancel_meetings: false, free_license: false, ..all },
            "end-sessions leave-queues release-numbers keep-recordings | off: free-license cancel-meetings",
        );
    }

    #[test]
    fn without_the_policy_recordings_go_to_the_trash_and_are_never_deleted() {
        check(
            Active,
            Inactive,
            EffectPolicies { keep_recordings: false, ..EffectPolicies::default() },
            "end-sessions free-license leave-queues release-numbers cancel-meetings trash-recordings | off: keep-recordings",
        );
    }

    #[test]
    fn deletion_leaves_nothing_behind_whatever_the_policies_say() {
        let none = EffectPolicies {
            cancel_meetings: false,
            release_numbers: false,
            leave_queues: false,
            end_sessions: false,
            keep_recordings: false,
            free_license: false,
        };
        let whole = "end-sessions free-license leave-queues release-numbers cancel-meetings delete-recordings";
        check(Active, Absent, none, whole);
        check(Inactive, Absent, none, whole);
        check(Pending, Absent, none, whole);
    }

    #[test]
    fn every_other_change_has_no_effects() {
        let all = EffectPolicies::default();
        check(Absent, Active, all, "");
        check(Absent, Inactive, all, "");
        check(Absent, Absent, all, "");
        check(Inactive, Active, all, "");
        check(Pending, Active, all, "");
        check(Inactive, Inactive, all, "");
        check(Active, Active, all, "");
    }

    #[test]
    fn every_effect_has_a_name_that_leads_back_to_it() {
        for effect in Effect::ALL {
            assert_eq!(Effect::from_name(effect.as_str()), Some(effect));
            assert_eq!(serde_json::to_value(effect).unwrap(), effect.as_str());
        }
        assert_eq!(Effect::from_name("shred-laptop"), None);
    }

    #[test]
    fn policies_left_out_are_on() {
        let policies: EffectPolicies = serde_json::from_str(r#"{"end_sessions": false}"#).unwrap();
        assert_eq!(policies, EffectPolicies { end_sessions: false, ..EffectPolicies::default() });
        assert!(serde_json::from_str::<EffectPolicies>(r#"{"end_session": false}"#).is_err());
    }
}
