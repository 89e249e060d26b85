//! A plan as text for people: what would be done, in which order, and why.

use std::fmt::Write;

use super::change::{Action, Change, Lane};
use super::{Cost, Plan, PlanFinding};
use crate::{PersonId, Reason};

/// The whole plan as text, with at most `per_lane` changes of each lane and members of each group.
pub fn render(plan: &Plan, per_lane: usize) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Plan for {} on {}", plan.application_name, plan.as_of);
    if plan.is_empty() {
        let _ = writeln!(text, "Nothing to do.");
    } else {
        let _ = writeln!(text, "{}", summary(&plan.cost, plan.changes.len()));
    }
    for lane in Lane::ALL {
        let changes: Vec<&Change> =
            plan.changes.iter().filter(|change| change.lane == lane).collect();
        if changes.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{} ({})", lane.heading(), changes.len());
        for change in changes.iter().take(per_lane) {
            text.push_str(&render_change(change, per_lane));
        }
        more(&mut text, "  ", changes.len(), per_lane);
    }
    if !plan.findings.is_empty() {
        let _ = writeln!(text, "\nFindings ({})", plan.findings.len());
        for finding in plan.findings.iter().take(per_lane) {
            render_finding(&mut text, finding);
        }
        more(&mut text, "  ", plan.findings.len(), per_lane);
    }
    text
}

/// One change as text, with at most `members_max` members of a group.
pub fn render_change(change: &Change, members_max: usize) -> String {
    let mut text = String::new();
    let who = match &change.employee_number {
        Some(number) if number.as_str() != change.name => format!("{} ({number})", change.name),
        _ => change.name.clone(),
    };
    let requests = match change.requests {
        0 => "nothing is sent".to_owned(),
        more => counted(more.into(), "request", "requests"),
    };
    let _ = writeln!(text, "  {:<13} {who}: {requests}", change.action.verb());
    for line in details(&change.action) {
        let _ = writeln!(text, "      {line}");
    }
    let reasons = match change.action {
        // It stands in the heading already that the group is pushed.
        Action::CreateGroup { .. } | Action::LinkGroup { .. } | Action::ChangeGroup { .. } => &[],
        _ => change.reasons.as_slice(),
    };
    for reason in reasons {
        let _ = writeln!(text, "      {}", reason.sentence());
    }
    let (add, remove) = change.action.member_changes();
    render_members(&mut text, change, '-', remove, members_max);
    render_members(&mut text, change, '+', add, members_max);
    text
}

fn details(action: &Action) -> Vec<String> {
    match action {
        Action::CreateAccount { resource, replaces } => {
            let user_name = resource.text("userName").unwrap_or("an unknown login");
            let mut lines = vec![format!("as {user_name}")];
            if let Some(replaces) = replaces {
                lines.push(format!("in place of account {replaces}, which is gone"));
            }
            lines
        }
        Action::LinkAccount { remote_id, matched_by, .. } => {
            vec![format!("to account {remote_id}, recognised by {}", matched_by.name())]
        }
        Action::LinkGroup { remote_id, rename, .. } => {
            let mut lines = vec![format!("to group {remote_id}, recognised by its name")];
            lines.extend(rename.iter().map(|rename| renamed(&rename.from, &rename.to)));
            lines
        }
        Action::ChangeGroup { rename, .. } => {
            rename.iter().map(|rename| renamed(&rename.from, &rename.to)).collect()
        }
        _ => Vec::new(),
    }
}

fn renamed(from: &str, to: &str) -> String {
    format!("renamed from {from} to {to}")
}

fn render_members(
    text: &mut String,
    change: &Change,
    sign: char,
    people: &[PersonId],
    members_max: usize,
) {
    let mut lines: Vec<(String, String)> = people
        .iter()
        .map(|person| match change.members.get(person) {
            Some(member) => {
                let reasons: Vec<String> = member.reasons.iter().map(Reason::sentence).collect();
                let number = member.subject.employee_number.as_str().to_owned();
                (number, format!("{}: {}", member.subject, reasons.join(" ")))
            }
            None => (person.to_string(), format!("person {person}")),
        })
        .collect();
    lines.sort_unstable();
    for (_, line) in lines.iter().take(members_max) {
        let _ = writeln!(text, "      {sign} {line}");
    }
    more(text, &format!("      {sign} "), lines.len(), members_max);
}

fn render_finding(text: &mut String, finding: &PlanFinding) {
    let _ = writeln!(text, "  {}", finding.sentence());
    let _ = writeln!(text, "      {}", finding.next_step());
}

fn more(text: &mut String, indent: &str, count: usize, shown: usize) {
    if count > shown {
        let _ = writeln!(text, "{indent}... and {} more", count - shown);
    }
}

/// What a plan takes, in one line.
fn summary(cost: &Cost, changes: usize) -> String {
    let parts: Vec<String> = [
        (cost.deactivations, "deactivated", "deactivated"),
        (cost.updates, "updated", "updated"),
        (cost.creates, "created", "created"),
        (cost.links, "linked", "linked"),
        (cost.reactivations, "reactivated", "reactivated"),
        (cost.groups, "group created or linked", "groups created or linked"),
        (cost.memberships_added, "member added", "members added"),
        (cost.memberships_removed, "member removed", "members removed"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| counted(count, one, many))
    .collect();
    let changes = counted(changes as u64, "change", "changes");
    let requests = counted(cost.requests, "request", "requests");
    if parts.is_empty() {
        format!("{changes}, {requests}")
    } else {
        format!("{changes}, {requests}: {}", parts.join(", "))
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
