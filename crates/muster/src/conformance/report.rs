//! What a walk found: for a person, as JSON, and as JUnit XML for continuous integration.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::conformance::check::{Group, Level, Outcome, Verdict};
use crate::conformance::walk::Walk;
use crate::conformance::wire::Exchange;
use crate::output::{bold, dim, green, red};

/// Most of a body that a report repeats, in characters.
const BODY_CHARS_MAX: usize = 2_000;
/// Most of a body that is shown to a person, in characters.
const EXCERPT_CHARS_MAX: usize = 300;
/// Exchanges of one check in a report.
const EXCHANGE_COUNT_MAX: usize = 12;

/// A walk that is over.
pub struct Report<'a> {
    /// What came of it.
    pub walk: &'a Walk,
    /// The groups that were walked.
    pub groups: &'a [&'static Group],
    /// What was made and could not be deleted.
    pub left_behind: &'a [String],
    /// Whether it was broken off.
    pub is_interrupted: bool,
}

/// How many checks of a level came to which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Score {
    pass: usize,
    fail: usize,
    note: usize,
    skip: usize,
}

impl Report<'_> {
    /// How many checks failed at a level.
    pub fn failed(&self, level: Level) -> usize {
        self.score(level).fail
    }

    fn score(&self, level: Level) -> Score {
        score(self.walk.outcomes.iter().filter(|outcome| outcome.check.level == level))
    }

    /// The whole report as one JSON value.
    pub fn to_json(&self) -> Value {
        let scores: serde_json::Map<String, Value> = Level::ALL
            .into_iter()
            .map(|level| (level.as_str().to_lowercase(), self.score(level).to_json()))
            .collect();
        let groups: Vec<Value> = self.groups.iter().map(|group| self.group_json(group)).collect();
        json!({
            "tool": "muster conformance",
            "version": env!("CARGO_PKG_VERSION"),
            "url": self.walk.peer.base(),
            "started_at": self.walk.started_at,
            "request_count": self.walk.peer.request_count(),
            "check_count": self.walk.outcomes.len(),
            "interrupted": self.is_interrupted,
            "score": scores,
            "left_behind": self.left_behind,
            "groups": groups,
        })
    }

    fn of<'b>(&'b self, group: &'b Group) -> impl Iterator<Item = &'b Outcome> {
        self.walk.outcomes.iter().filter(|outcome| outcome.group == group.name)
    }

    fn group_json(&self, group: &Group) -> Value {
        let checks: Vec<Value> = self.of(group).map(outcome_json).collect();
        json!({
            "name": group.name,
            "about": group.about,
            "dialect": group.dialect,
            "score": score(self.of(group)).to_json(),
            "checks": checks,
        })
    }
}

impl Score {
    fn to_json(self) -> Value {
        json!({"pass": self.pass, "fail": self.fail, "note": self.note, "skip": self.skip})
    }

    fn asked(self) -> usize {
        self.pass + self.fail + self.note
    }
}

fn score<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Score {
    let mut score = Score::default();
    for outcome in outcomes {
        match outcome.verdict {
            Verdict::Pass => score.pass += 1,
            Verdict::Fail => score.fail += 1,
            Verdict::Note => score.note += 1,
            Verdict::Skip => score.skip += 1,
        }
    }
    score
}

fn outcome_json(outcome: &Outcome) -> Value {
    let check = &outcome.check;
    let exchanges: Vec<Value> =
        last(&outcome.exchanges, EXCHANGE_COUNT_MAX).iter().map(exchange_json).collect();
    json!({
        "name": check.name,
        "level": check.level.as_str(),
        "clause": check.clause,
        "claim": check.claim,
        "verdict": outcome.verdict.as_str(),
        "why": outcome.why,
        "breaks": check.breaks,
        "exchanges": exchanges,
    })
}

fn exchange_json(exchange: &Exchange) -> Value {
    let headers = |list: &[(String, String)]| -> Value {
        list.iter().map(|(name, value)| json!([name, value])).collect()
    };
    json!({
        "request": {
            "method": exchange.method,
            "path": cut(&exchange.path, BODY_CHARS_MAX),
            "headers": headers(&exchange.sent_headers),
            "body": exchange.sent.as_deref().map(|body| cut(body, BODY_CHARS_MAX)),
        },
        "response": {
            "status": exchange.status,
            "headers": headers(&exchange.headers),
            "body": cut(&exchange.body, BODY_CHARS_MAX),
            "failure": exchange.failure,
        },
        "millis": exchange.millis,
    })
}

fn last(exchanges: &[Exchange], count: usize) -> &[Exchange] {
    &exchanges[exchanges.len().saturating_sub(count)..]
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}... ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}

/// The report as people read it: what failed first, then a line for each group and each level.
pub fn tell(report: &Report<'_>, is_verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for level in Level::ALL {
        let failed = |outcome: &&Outcome| {
            let is_failed = matches!(outcome.verdict, Verdict::Fail | Verdict::Note);
            outcome.check.level == level && is_failed
        };
        let failed: Vec<&Outcome> = report.walk.outcomes.iter().filter(failed).collect();
        if failed.is_empty() || (level == Level::May && !is_verbose) {
            continue;
        }
        let what = if level == Level::May { "not done, and need not be" } else { "failed" };
        lines.push(bold(&format!("{} {what}", level.as_str())));
        failed.into_iter().for_each(|outcome| lines.extend(told(outcome)));
        lines.push(String::new());
    }
    lines.push(bold("Groups"));
    for group in report.groups {
        let score = score(report.of(group));
        let text = format!(
            "  {:<12} {:>3} of {:<3} hold{}",
            group.name,
            score.pass,
            score.asked(),
            also(score),
        );
        lines.push(if score.fail > 0 { red(&text) } else { text });
    }
    lines.push(String::new());
    for level in Level::ALL {
        let score = report.score(level);
        let text = format!(
            "{:<7} {:>3} of {:<3} hold{}",
            level.as_str(),
            score.pass,
            score.asked(),
            also(score)
        );
        lines.push(if score.fail > 0 { red(&text) } else { green(&text) });
    }
    lines.push(dim(&format!(
        "{} checks with {} requests to {}",
        report.walk.outcomes.len(),
        report.walk.peer.request_count(),
        report.walk.peer.base()
    )));
    if report.is_interrupted {
        lines.push(red("Broken off: the checks after this were not made."));
    }
    if !report.left_behind.is_empty() {
        lines.push(red("Made here and not deleted, because the server would not:"));
        lines.extend(report.left_behind.iter().map(|path| format!("  {path}")));
    }
    lines
}

fn also(score: Score) -> String {
    let counts = [(score.fail, "fail"), (score.note, "noted"), (score.skip, "not asked")];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    told.fold(String::new(), |mut text, (count, word)| {
        let _ = write!(text, ", {count} {word}");
        text
    })
}

fn told(outcome: &Outcome) -> Vec<String> {
    let check = &outcome.check;
    let mut lines = vec![
        format!("  {} {}", red(&format!("{}/{}", outcome.group, check.name)), check.claim),
        format!("    {}", outcome.why),
        format!("    {} {}", dim(&format!("{}.", check.clause)), check.breaks),
    ];
    for exchange in last(&outcome.exchanges, 2) {
        let sent = exchange.sent.as_deref().map(|body| cut(body, EXCERPT_CHARS_MAX));
        let path = cut(&exchange.path, EXCERPT_CHARS_MAX);
        lines.push(dim(&format!("    > {} {path} {}", exchange.method, sent.unwrap_or_default())));
        let came = match &exchange.failure {
            Some(failure) => failure.clone(),
            None => cut(&exchange.body, EXCERPT_CHARS_MAX),
        };
        lines.push(dim(&format!("    < {} {}", exchange.status, one_line(&came))));
    }
    lines
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The report as JUnit XML: a suite for each group, a case for each check. A failure's type is its
/// level; what is noted passes and says so.
pub fn junit(report: &Report<'_>) -> String {
    let all = score(report.walk.outcomes.iter());
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"muster conformance\" \
         tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n",
        report.walk.outcomes.len(),
        all.fail,
        all.skip
    );
    for group in report.groups {
        let score = score(report.of(group));
        let millis =
            |outcome: &Outcome| outcome.exchanges.iter().map(|one| one.millis).sum::<u64>();
        let total: u64 = report.of(group).map(millis).sum();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\">",
            escape(&group.name),
            report.of(group).count(),
            score.fail,
            score.skip,
            secs(total)
        );
        for outcome in report.of(group) {
            let _ = write!(
                xml,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">",
                escape(&format!("{}.{}", group.name, outcome.check.level.as_str())),
                escape(&format!("{}: {}", outcome.check.name, outcome.check.claim)),
                secs(millis(outcome))
            );
            xml.push_str(&verdict_xml(outcome));
            xml.push_str("</testcase>\n");
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn verdict_xml(outcome: &Outcome) -> String {
    let why = escape(&outcome.why);
    match outcome.verdict {
        Verdict::Pass => String::new(),
        Verdict::Skip => format!("<skipped message=\"{why}\"/>"),
        Verdict::Note => format!("<system-out>{why}</system-out>"),
        Verdict::Fail => {
            let text = told_plainly(outcome);
            let level = outcome.check.level.as_str();
            format!("<failure type=\"{level}\" message=\"{why}\">{}</failure>", escape(&text))
        }
    }
}

fn told_plainly(outcome: &Outcome) -> String {
    let check = &outcome.check;
    let mut text = format!("{}. {}", check.clause, check.breaks);
    for exchange in last(&outcome.exchanges, 2) {
        let sent = exchange.sent.as_deref().map(|body| cut(body, BODY_CHARS_MAX));
        let came = cut(&exchange.body, BODY_CHARS_MAX);
        let _ = write!(
            text,
            "\n> {} {} {}\n< {} {came}",
            exchange.method,
            cut(&exchange.path, BODY_CHARS_MAX),
            sent.unwrap_or_default(),
            exchange.status
        );
    }
    text
}

fn secs(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Text in XML: entities, and nothing that XML 1.0 cannot hold.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_xml_is_text() {
        assert_eq!(escape("a<b & \"c\"\u{0}\n"), "a&lt;b &amp; &quot;c&quot;\u{fffd}\n");
        assert_eq!((secs(12), secs(1500)), ("0.012".into(), "1.500".into()));
        assert_eq!(cut("abcdef", 3), "abc... (6 bytes)");
    }
}
