//! Memberships: who is in which group on a day, and why.
//!
//! [`memberships`] answers for everybody at once, [`memberships_of`] for one person, and both give the
//! same answer. Everybody at once is worked off by what rules read: people who agree in all attributes
//! a rule reads get the same answer, so a rule over `department` is asked once a department, not once a
//! person.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use serde_json::Value;

use crate::finding::capped;
use crate::profile_path::find;
use crate::{
    Exclusion, Finding, Group, GroupId, ManualMember, Person, PersonId, Reason, Rule, Subject,
    profile_type,
};

/// Somebody's place in a group, borrowed from what it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership<'a> {
    /// Who.
    pub person: &'a Person,
    /// In which group.
    pub group: &'a Group,
    /// Why; never empty. Rules in their order, then the addition by hand.
    pub causes: Vec<Cause<'a>>,
}

/// Why somebody is in a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause<'a> {
    /// A rule matches.
    Rule(&'a Rule),
    /// Somebody added the person by hand.
    Manual(&'a ManualMember),
}

/// Who is in which group on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Memberships<'a> {
    /// The members of each group, in the order of groups, then of person ids.
    groups: BTreeMap<&'a GroupId, Vec<Membership<'a>>>,
    as_of: Date,
    /// What is wrong or doubtful about rules and groups.
    pub findings: Vec<Finding>,
}

impl Membership<'_> {
    /// Why, in sentences that name the values.
    pub fn reasons(&self, as_of: Date) -> Vec<Reason> {
        let reason = |cause: &Cause<'_>| match cause {
            Cause::Rule(rule) => rule.reason(self.person, as_of),
            Cause::Manual(member) => member.reason(),
        };
        self.causes.iter().map(reason).collect()
    }
}

impl<'a> Memberships<'a> {
    /// The members of a group, by person id. Nobody, if there is no such group.
    pub fn of_group(&self, group: &GroupId) -> &[Membership<'a>] {
        self.groups.get(group).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether somebody is in a group.
    pub fn contains(&self, group: &GroupId, person: &PersonId) -> bool {
        self.membership(group, person).is_some()
    }

    /// Somebody's place in a group.
    pub fn membership(&self, group: &GroupId, person: &PersonId) -> Option<&Membership<'a>> {
        let members = self.of_group(group);
        let at = members.binary_search_by(|member| member.person.id.cmp(person)).ok()?;
        members.get(at)
    }

    /// Every membership, in the order of group ids, then of person ids.
    pub fn iter(&self) -> impl Iterator<Item = &Membership<'a>> {
        self.groups.values().flatten()
    }

    /// Every membership by person, each in the order of group ids.
    pub fn by_person(&self) -> HashMap<&'a PersonId, Vec<&Membership<'a>>> {
        let mut by_person: HashMap<&PersonId, Vec<&Membership<'a>>> = HashMap::new();
        for membership in self.iter() {
            by_person.entry(&membership.person.id).or_default().push(membership);
        }
        by_person
    }

    /// How many memberships there are.
    pub fn count(&self) -> usize {
        self.groups.values().map(Vec::len).sum()
    }

    /// The day they are for.
    pub fn as_of(&self) -> Date {
        self.as_of
    }
}

/// Who is in which group on that day.
pub fn memberships<'a>(
    people: &'a [Person],
    groups: &'a [Group],
    rules: &'a [Rule],
    as_of: Date,
) -> Memberships<'a> {
    let mut employed: Vec<&Person> =
        people.iter().filter(|person| person.is_employed(as_of)).collect();
    employed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let mut findings = Vec::new();
    let places: HashMap<&GroupId, usize> =
        groups.iter().enumerate().map(|(at, group)| (&group.id, at)).collect();
    findings.extend(unknown_groups(rules, &places));
    let active: Vec<&Rule> = rules.iter().filter(|rule| rule.active).collect();
    let matched = matched(&employed, &active, as_of, &mut findings);
    let mut filled: Vec<Filling<'a>> = groups.iter().map(Filling::new).collect();
    for (rule, members) in active.iter().zip(&matched) {
        if members.is_empty() && !employed.is_empty() {
            findings.push(Finding::RuleMatchesNobody {
                rule: rule.id.clone(),
                name: rule.name.clone(),
                condition: rule.expression.text().to_owned(),
            });
        }
        for group in rule.groups.iter().collect::<BTreeSet<_>>() {
            if let Some(filling) = places.get(group).and_then(|at| filled.get_mut(*at)) {
                filling.fill(rule, members, &employed, &mut findings);
            }
        }
    }
    let known: HashMap<&PersonId, &Person> =
        people.iter().map(|person| (&person.id, person)).collect();
    let groups = filled
        .into_iter()
        .map(|filling| filling.finish(&employed, &known, &mut findings))
        .collect();
    Memberships { groups, as_of, findings: capped(findings) }
}

/// The groups that one person is in on that day, in the order of group ids: the same answer as
/// [`memberships`] gives.
pub fn memberships_of<'a>(
    person: &'a Person,
    groups: &'a [Group],
    rules: &'a [Rule],
    as_of: Date,
) -> Vec<Membership<'a>> {
    if !person.is_employed(as_of) {
        return Vec::new();
    }
    let matching: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.active && rule.matches(person, as_of).unwrap_or(false))
        .collect();
    let mut memberships: Vec<_> = groups
        .iter()
        .filter(|group| group.exclusion(&person.id).is_none())
        .filter_map(|group| {
            let by_rule = matching.iter().filter(|rule| rule.fills(&group.id));
            let by_hand = group.manual_member(&person.id).map(Cause::Manual);
            let causes: Vec<_> = by_rule.map(|rule| Cause::Rule(rule)).chain(by_hand).collect();
            (!causes.is_empty()).then_some(Membership { person, group, causes })
        })
        .collect();
    memberships.sort_by(|a, b| a.group.id.cmp(&b.group.id));
    memberships
}

/// Why somebody is not in a group: everything that keeps them out. Empty, if they are in it.
pub fn why_not(person: &Person, group: &Group, rules: &[Rule], as_of: Date) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !person.is_employed(as_of) {
        reasons.push(person.standing_reason(as_of));
    }
    if let Some(exclusion) = group.exclusion(&person.id) {
        reasons.push(exclusion.reason());
    }
    let filling: Vec<&Rule> = rules.iter().filter(|rule| rule.fills(&group.id)).collect();
    let matches =
        filling.iter().any(|rule| rule.active && rule.matches(person, as_of).unwrap_or(false));
    if matches || group.manual_member(&person.id).is_some() {
        return reasons;
    }
    if filling.is_empty() {
        reasons.push(Reason::NoRule { group: group.name.clone() });
    }
    reasons.extend(filling.into_iter().map(|rule| {
        if rule.active {
            rule.reason(person, as_of)
        } else {
            Reason::RuleInactive { rule: rule.id.clone(), name: rule.name.clone() }
        }
    }));
    reasons
}

/// The employed people whose memberships a change of a rule can touch: those for whom its answer
/// differs or, if it fills other groups, those it matches before or after. None stands for a rule that
/// is not there.
pub fn affected<'a>(
    people: &'a [Person],
    before: Option<&Rule>,
    after: Option<&Rule>,
    as_of: Date,
) -> Vec<&'a Person> {
    let fills = |rule: Option<&Rule>| -> HashSet<GroupId> {
        rule.filter(|rule| rule.active)
            .map(|rule| rule.groups.iter().cloned().collect())
            .unwrap_or_default()
    };
    let same_groups = fills(before) == fills(after);
    let employed: Vec<&Person> = people.iter().filter(|person| person.is_employed(as_of)).collect();
    let matches = |rule: Option<&Rule>| -> Vec<bool> {
        let mut matches = vec![false; employed.len()];
        if let Some(rule) = rule.filter(|rule| rule.active) {
            for at in matched(&employed, &[rule], as_of, &mut Vec::new()).into_iter().flatten() {
                matches[at] = true;
            }
        }
        matches
    };
    let (before, after) = (matches(before), matches(after));
    employed
        .into_iter()
        .zip(before.into_iter().zip(after))
        .filter(|(_, (before, after))| before != after || (!same_groups && (*before || *after)))
        .map(|(person, _)| person)
        .collect()
}

fn unknown_groups(rules: &[Rule], places: &HashMap<&GroupId, usize>) -> Vec<Finding> {
    rules
        .iter()
        .flat_map(|rule| rule.groups.iter().map(move |group| (rule, group)))
        .filter(|(_, group)| !places.contains_key(group))
        .map(|(rule, group)| Finding::RuleGroupUnknown {
            rule: rule.id.clone(),
            name: rule.name.clone(),
            group: group.clone(),
        })
        .collect()
}

/// A group while it is filled.
struct Filling<'a> {
    group: &'a Group,
    excluded: HashMap<&'a PersonId, &'a Exclusion>,
    /// Causes by the person's place among the employed.
    causes: BTreeMap<usize, Vec<Cause<'a>>>,
}

impl<'a> Filling<'a> {
    fn new(group: &'a Group) -> Self {
        let excluded = group.exclusions.iter().map(|one| (&one.person, one)).collect();
        Self { group, excluded, causes: BTreeMap::new() }
    }

    fn fill(
        &mut self,
        rule: &'a Rule,
        members: &[usize],
        employed: &[&'a Person],
        findings: &mut Vec<Finding>,
    ) {
        for at in members {
            let person = employed[*at];
            if self.excluded.contains_key(&person.id) {
                findings.push(Finding::ExcludedDespiteRule {
                    rule: rule.id.clone(),
                    name: rule.name.clone(),
                    group: self.group.name.clone(),
                    subject: Subject::of(person),
                });
            } else {
                self.causes.entry(*at).or_default().push(Cause::Rule(rule));
            }
        }
    }

    fn finish(
        mut self,
        employed: &[&'a Person],
        known: &HashMap<&PersonId, &'a Person>,
        findings: &mut Vec<Finding>,
    ) -> (&'a GroupId, Vec<Membership<'a>>) {
        let group = self.group;
        for member in &group.members {
            if !known.contains_key(&member.person) {
                findings.push(Finding::GroupPersonUnknown {
                    group: group.id.clone(),
                    name: group.name.clone(),
                    person: member.person.clone(),
                });
                continue;
            }
            let at = employed.binary_search_by(|person| person.id.cmp(&member.person));
            if let Ok(at) = at
                && !self.excluded.contains_key(&member.person)
            {
                let causes = self.causes.entry(at).or_default();
                // Somebody who was added twice is a member once, by the first entry.
                if !causes.iter().any(|cause| matches!(cause, Cause::Manual(_))) {
                    causes.push(Cause::Manual(member));
                }
            }
        }
        let members = self
            .causes
            .into_iter()
            .map(|(at, causes)| Membership { person: employed[at], group, causes })
            .collect();
        (&group.id, members)
    }
}

/// Whom each rule matches, as places among `people`, in order.
fn matched(
    people: &[&Person],
    rules: &[&Rule],
    as_of: Date,
    findings: &mut Vec<Finding>,
) -> Vec<Vec<usize>> {
    let mut matched = vec![Vec::new(); rules.len()];
    let mut by_reads: BTreeMap<Vec<Column>, Vec<usize>> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        match columns(rule) {
            Some(columns) => by_reads.entry(columns).or_default().push(at),
            None => {
                let everybody: Vec<usize> = (0..people.len()).collect();
                matched[at] = everybody
                    .into_iter()
                    .filter(|person| ask(rule, &[*person], people, as_of, findings))
                    .collect();
            }
        }
    }
    for (columns, rules_at) in by_reads {
        for alike in alike(people, &columns) {
            for at in &rules_at {
                if ask(rules[*at], &alike, people, as_of, findings) {
                    matched[*at].extend(&alike);
                }
            }
        }
    }
    matched.iter_mut().for_each(|members| members.sort_unstable());
    matched
}

/// What a rule answers for people who agree in everything it reads.
fn ask(
    rule: &Rule,
    alike: &[usize],
    people: &[&Person],
    as_of: Date,
    findings: &mut Vec<Finding>,
) -> bool {
    let Some(first) = alike.first() else {
        return false;
    };
    match rule.matches(people[*first], as_of) {
        Ok(matches) => matches,
        Err(error) => {
            findings.extend(alike.iter().map(|at| Finding::RuleFailed {
                rule: rule.id.clone(),
                name: rule.name.clone(),
                subject: Subject::of(people[*at]),
                problem: error.to_string(),
            }));
            false
        }
    }
}

/// An attribute of the profile as a whole: the extension's URN, if it lies in one, and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    urn: Option<String>,
    attribute: String,
}

impl Column {
    fn value<'a>(&self, person: &'a Person) -> Option<&'a Value> {
        let document = person.profile.document();
        match &self.urn {
            Some(urn) => document.get(urn)?.get(&self.attribute),
            None => document.get(&self.attribute),
        }
    }
}

/// The attributes a rule reads. None: it reads something that is not one attribute of the profile, so
/// nobody can be taken for alike.
fn columns(rule: &Rule) -> Option<Vec<Column>> {
    let profile = profile_type();
    let mut columns: Vec<Column> = rule
        .expression
        .reads()
        .iter()
        // The day is the same for everybody.
        .filter(|read| *read != "as_of")
        .map(|read| {
            let path = read.strip_prefix("user.")?;
            let name = path.split('.').next().unwrap_or(path);
            let (extension, attribute) = find(&profile, None, name)?;
            Some(Column {
                urn: extension.map(|extension| extension.schema.id.clone()),
                attribute: attribute.name.clone(),
            })
        })
        .collect::<Option<_>>()?;
    columns.sort();
    columns.dedup();
    Some(columns)
}

/// People who have the same values in all these columns.
fn alike(people: &[&Person], columns: &[Column]) -> Vec<Vec<usize>> {
    let mut by_values: HashMap<Vec<Option<&Value>>, Vec<usize>> = HashMap::new();
    for (at, person) in people.iter().enumerate() {
        let values = columns.iter().map(|column| column.value(person)).collect();
        by_values.entry(values).or_default().push(at);
    }
    let mut alike: Vec<Vec<usize>> = by_values.into_values().collect();
    // By the first of each, since the order of a hash map would show in the findings.
    alike.sort_unstable();
    alike
}
