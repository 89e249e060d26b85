//! The words of a conformance walk: groups, checks, levels, verdicts.

use crate::conformance::wire::Exchange;

/// How binding a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The RFC says MUST, SHALL or REQUIRED, or the server advertises it.
    Must,
    /// The RFC says SHOULD or RECOMMENDED, or prudence does.
    Should,
    /// A named client needs it, whatever the RFC says.
    Client,
    /// Permitted, and good to know.
    May,
}

impl Level {
    /// Every level, the most binding first.
    pub const ALL: [Self; 4] = [Self::Must, Self::Should, Self::Client, Self::May];

    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Client => "CLIENT",
            Self::May => "MAY",
        }
    }

    /// The level of this name, in lower case as scripts have it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str().to_ascii_lowercase() == name)
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It does not hold and need not.
    Note,
    /// It was not asked: the server does not offer it, or what it needs could not be made.
    Skip,
}

impl Verdict {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Note => "note",
            Self::Skip => "skip",
        }
    }
}

/// Checks that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// `filter`; `--only` takes it.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// The client whose conversation it is, as `--dialect` names it.
    pub dialect: Option<String>,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// What is made once, before the first check.
    pub setup: Vec<Step>,
    /// The checks, in order.
    pub checks: Vec<Check>,
}

/// One claim about a server, and how to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Unique in its group: `add-simple`.
    pub name: String,
    /// How binding it is.
    pub level: Level,
    /// Where it says so: `RFC 7644 3.5.2.1`, or a client's documentation.
    pub clause: String,
    /// What should hold.
    pub claim: String,
    /// What breaks for whom if it does not.
    pub breaks: String,
    /// What the server has to offer for it to be asked.
    pub needs: Vec<String>,
    /// What is made for it first.
    pub given: Vec<String>,
    /// What is sent and expected.
    pub steps: Vec<Step>,
}

/// A line of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A header of the next request; without a value, a header it does not have.
    Header(String, Option<String>),
    /// A request.
    Send(Send),
    /// Something expected of the last answer.
    Expect(String),
    /// Something without which the check is skipped.
    Require(String),
    /// A function of `special/` with its arguments.
    Run(Vec<String>),
}

/// A request with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// `GET`, or `FIND` for a GET with a filter.
    pub method: String,
    /// `/Users?count=1`, `{user}`.
    pub path: String,
    /// The body; for `FIND` the filter.
    pub body: Option<String>,
    /// Sent byte for byte as it stands.
    pub is_raw: bool,
}

/// What came of one check, with what was sent and what came back.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The group's name.
    pub group: String,
    /// The check.
    pub check: Check,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a pass.
    pub why: String,
    /// Its requests and answers, in order.
    pub exchanges: Vec<Exchange>,
}

/// Why a check ended before its last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The claim does not hold.
    Fail(String),
    /// It cannot be told.
    Skip(String),
}

impl Stop {
    /// The claim does not hold.
    pub fn fail(why: impl Into<String>) -> Self {
        Self::Fail(why.into())
    }

    /// It cannot be told.
    pub fn skip(why: impl Into<String>) -> Self {
        Self::Skip(why.into())
    }
}
