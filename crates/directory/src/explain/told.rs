//! An explanation as lines for people: one sentence each, indented beneath what they explain.

use std::fmt;

use jiff::Timestamp;
use lifecycle::{Origin, Reason, Situation};

use super::{
    Asked, AskedLicense, ExplainedAccount, ExplainedApplication, ExplainedPush, Explanation,
    Knowledge, LicenseState,
};
use crate::limits;

/// A sentence of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldLine {
    /// How deep it stands beneath what it explains.
    pub depth: usize,
    /// Whether it speaks for or against.
    pub mark: Mark,
    /// The sentence.
    pub text: String,
}

/// Whether a sentence speaks for or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Something is so.
    Fact,
    /// The person has it.
    Has,
    /// The person lacks it.
    Lacks,
    /// Nobody here knows.
    Unknown,
}

impl Mark {
    /// The sign in front of a sentence.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Fact => "",
            Self::Has => "+ ",
            Self::Lacks => "- ",
            Self::Unknown => "? ",
        }
    }
}

impl fmt::Display for ToldLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:indent$}{}{}", "", self.mark.sign(), self.text, indent = self.depth * 2)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Explanation {
    /// The explanation as sentences, in the order of the chain.
    pub fn lines(&self) -> Vec<ToldLine> {
        let mut told = Told::default();
        self.tell_person(&mut told);
        self.tell_groups(&mut told);
        for application in &self.applications {
            tell_application(&mut told, self, application);
        }
        told.lines
    }

    fn tell_person(&self, told: &mut Told) {
        let person = &self.person;
        let login = person.login.as_ref().map(|login| format!(", {login}")).unwrap_or_default();
        told.fact(
            0,
            format!("{} ({}{login}) on {}", person.name, person.employee_number, self.as_of),
        );
        match &person.source {
            Some(source) => told.fact(
                1,
                format!(
                    "Source {} has them in {}, line {}, imported {}.",
                    source.source_name,
                    source.file_name,
                    source.line,
                    time(source.imported_at)
                ),
            ),
            None => told.fact(1, "No source names them: they were made by hand.".into()),
        }
        let mark = if person.standing.is_employed() { Mark::Has } else { Mark::Lacks };
        told.line(1, mark, person.reason.sentence());
    }

    fn tell_groups(&self, told: &mut Told) {
        if !self.person.standing.is_employed() {
            told.line(1, Mark::Lacks, "In no group: only people who are employed are.".into());
            return;
        }
        let (mut member_count, mut other_count) = (0, 0);
        for group in &self.groups {
            let (mark, fact) = if group.is_member {
                member_count += 1;
                (Mark::Has, "Member of group")
            } else {
                other_count += 1;
                (Mark::Lacks, "Not in group")
            };
            if other_count > limits::EXPLAINED_GROUP_COUNT {
                continue;
            }
            told.line(1, mark, format!("{fact} {}", group.name));
            told.reasons(3, &group.reasons);
        }
        if self.groups.is_empty() {
            told.line(1, Mark::Lacks, "There are no groups.".into());
        } else if member_count == 0 {
            told.line(1, Mark::Lacks, "In no group.".into());
        }
        if let Some(more) =
            other_count.checked_sub(limits::EXPLAINED_GROUP_COUNT).filter(|more| *more > 0)
        {
            told.fact(1, format!("And {more} more groups they are not in."));
        }
    }
}

fn tell_application(told: &mut Told, whole: &Explanation, application: &ExplainedApplication) {
    told.fact(0, format!("Application {} ({})", application.name, application.base_url));
    if application.assigned.is_empty() {
        told.line(1, Mark::Lacks, "Not assigned".into());
        told.fact(3, not_assigned(whole, application));
    } else {
        told.line(1, Mark::Has, "Assigned".into());
        told.reasons(3, &application.assigned);
    }
    match &application.account {
        Some(account) => tell_account(told, account),
        None if application.assigned.is_empty() => {
            told.line(1, Mark::Lacks, "No account, and none is due.".into());
        }
        None => told.line(1, Mark::Lacks, "No account yet".into()),
    }
    if let Some(next) = application.next {
        let name = &application.name;
        told.fact(3, format!("The next plan does this: {next}. `muster apply {name}` runs it."));
    }
    for finding in &application.findings {
        told.fact(3, finding.clone());
    }
    for push in &application.pushed {
        tell_push(told, application, push);
    }
    if application.pushed.is_empty() {
        told.line(1, Mark::Lacks, "No group is pushed there.".into());
    }
    match &application.knowledge {
        Knowledge::NotAsked { reason } => {
            told.line(1, Mark::Unknown, format!("Licenses were not asked for: {reason}."));
        }
        Knowledge::Ends { at, reason } => {
            told.line(1, Mark::Unknown, "Knowledge ends here".into());
            told.fact(3, format!("{reason} Asked {}.", time(*at)));
        }
        Knowledge::Told { at, said } => {
            told.fact(1, format!("[asked of {} at {}]", application.name, time(*at)));
            tell_licenses(told, said);
        }
    }
}

fn not_assigned(whole: &Explanation, application: &ExplainedApplication) -> String {
    if !whole.person.standing.is_employed() {
        return "Nobody is entitled to an account who is not employed.".into();
    }
    match application.assigning_groups.as_slice() {
        [] => format!(
            "No group is assigned: `muster app assign {} --everyone`, `--group G` or `--person P`.",
            application.name
        ),
        groups => {
            format!("Only members of {} are assigned, and they are in none.", groups.join(", "))
        }
    }
}

fn tell_account(told: &mut Told, account: &ExplainedAccount) {
    let id = account.remote_id.as_deref().unwrap_or("without an id");
    match account.situation {
        Situation::Linked => {
            let mark = if account.active { Mark::Has } else { Mark::Lacks };
            let state = if account.active { "active" } else { "deactivated" };
            told.line(1, mark, format!("Account {id}, {state}"));
            let origin = match account.origin {
                Origin::Created => "Created by us",
                Origin::Linked => "Was there and was linked",
            };
            told.fact(
                3,
                format!(
                    "{origin} {}, last written {}.",
                    time(account.created_at),
                    time(account.written_at)
                ),
            );
        }
        Situation::Gone => {
            told.line(1, Mark::Lacks, format!("Account {id} is not there any more"));
        }
        Situation::Disputed => {
            told.line(1, Mark::Lacks, "It is not clear which account is theirs".into());
        }
        situation => told.line(1, Mark::Lacks, format!("Account {id} is {situation}")),
    }
    if let Some(error) = &account.last_error {
        told.fact(3, format!("Last failure: {error}"));
    }
}

fn tell_push(told: &mut Told, application: &ExplainedApplication, push: &ExplainedPush) {
    let there = if push.remote_name == push.group {
        format!("group {}", push.group)
    } else {
        format!("group {} as \"{}\"", push.group, push.remote_name)
    };
    match (push.is_member, push.pushed_at) {
        (true, Some(at)) => {
            told.line(1, Mark::Has, format!("Pushed to {there} since {}", time(at)));
        }
        (true, None) => {
            told.line(1, Mark::Lacks, format!("Not pushed to {there} yet"));
            told.fact(
                3,
                match &push.problem {
                    Some(problem) => problem.clone(),
                    None => format!("`muster apply {}` does it.", application.name),
                },
            );
        }
        (false, Some(at)) => {
            told.line(1, Mark::Fact, format!("Still in {there}, pushed {}", time(at)));
            let active = application.account.as_ref().is_some_and(|account| account.active);
            told.fact(
                3,
                match active {
                    true => "They are not in the group here; the next plan sees to it.".into(),
                    false => "A deactivated account keeps its memberships, but no licenses.".into(),
                },
            );
        }
        (false, None) => {}
    }
}

fn tell_licenses(told: &mut Told, said: &Asked) {
    if said.state != "active" {
        told.line(2, Mark::Lacks, format!("The account is {} there", said.state));
    }
    if let Some(pending) = &said.pending {
        told.fact(2, format!("Licenses are about to be settled anew: {pending}."));
    }
    // An account that is not active lacks everything, for one reason that is told already.
    let shown = |license: &&AskedLicense| match license.state {
        LicenseState::None => said.state == "active" && !license.retired,
        LicenseState::Held | LicenseState::Waiting => true,
    };
    for license in said.licenses.iter().filter(shown) {
        tell_license(told, license);
    }
    if !said.licenses.iter().any(|license| license.state == LicenseState::Held) {
        told.line(2, Mark::Lacks, "No license is held.".into());
    }
    for policy in &said.policies {
        let group = policy.group.as_ref().map(|group| format!(", imposed by group {group}"));
        told.fact(2, format!("{} = {}{}", policy.name, policy.value, group.unwrap_or_default()));
    }
    for finding in &said.findings {
        told.fact(2, finding.clone());
    }
}

fn tell_license(told: &mut Told, license: &AskedLicense) {
    let since = license.since.map(|at| format!(" since {}", time(at))).unwrap_or_default();
    let (mark, fact) = match license.state {
        LicenseState::Held => (Mark::Has, format!("{}: held{since}", license.name)),
        LicenseState::Waiting => (Mark::Lacks, format!("{}: waiting{since}", license.name)),
        LicenseState::None => (Mark::Lacks, format!("{}: not given", license.name)),
    };
    told.line(2, mark, fact);
    for step in &license.chain {
        told.fact(4, capital(step));
    }
    for missing in &license.missing {
        told.fact(4, missing.clone());
    }
}

/// The application's words as a sentence of ours.
fn capital(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if reason.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// A moment to the second, in UTC: more is noise to people.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Moments in a sentence without their fractions of a second: `09:00:00.123456Z` is `09:00:00Z`.
fn whole_seconds(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('.') {
        let (before, fraction) = rest.split_at(at);
        let digits = fraction[1..].bytes().take_while(u8::is_ascii_digit).count();
        let is_moment = before.ends_with(|c: char| c.is_ascii_digit())
            && before.contains('T')
            && digits > 0
            && fraction[1 + digits..].starts_with('Z');
        whole.push_str(before);
        if !is_moment {
            whole.push_str(&fraction[..=digits]);
        }
        rest = &fraction[1 + digits..];
    }
    whole.push_str(rest);
    whole
}

#[derive(Default)]
struct Told {
    lines: Vec<ToldLine>,
}

impl Told {
    fn line(&mut self, depth: usize, mark: Mark, text: String) {
        self.lines.push(ToldLine { depth, mark, text: whole_seconds(&text) });
    }

    fn fact(&mut self, depth: usize, text: String) {
        self.line(depth, Mark::Fact, text);
    }

    fn reasons(&mut self, depth: usize, reasons: &[Reason]) {
        for reason in reasons {
            self.fact(depth, reason.sentence());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_to_the_second() {
        let check = |text: &str, expected: &str| assert_eq!(whole_seconds(text), expected);
        check(
            "since 2026-11-24T12:55:09.641706Z; 2 are held.",
            "since 2026-11-24T12:55:09Z; 2 are held.",
        );
        check("at 2026-11-24T12:55:09Z: v1.25.", "at 2026-11-24T12:55:09Z: v1.25.");
        check("T is 1.5.", "T is 1.5.");
        check("", "");
    }

    #[test]
    fn an_applications_words_become_a_sentence() {
        assert_eq!(capital("granted by group \"Sales\""), "Granted by group \"Sales\".");
        assert_eq!(capital("Ends well."), "Ends well.");
    }
}
