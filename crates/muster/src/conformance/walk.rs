//! Runs the checks: fills in what they name, sends, holds the answers against what is expected, and
//! deletes what was made.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::conformance::advertised::Advertised;
use crate::conformance::catalogue::fixture;
use crate::conformance::check::{Check, Group, Level, Outcome, Send, Step, Stop, Verdict};
use crate::conformance::expect::holds;
use crate::conformance::special;
use crate::conformance::value::{ENDPOINT, Names, Within, at, fill, percent_encode};
use crate::conformance::wire::{Exchange, Peer, Request};

/// Most pages that are followed to find out what a filter finds.
const PAGE_COUNT_MAX: usize = 40;
/// The media type of SCIM (RFC 7644 3.1).
const SCIM_JSON: &str = "application/scim+json";

/// How to walk.
#[derive(Debug, Clone)]
pub struct Options {
    /// Nothing is written.
    pub read_only: bool,
    /// The domain of the made-up users' addresses.
    pub domain: String,
}

/// A walk and what came of it so far.
pub struct Walk {
    /// The server.
    pub peer: Arc<Peer>,
    /// What it says it can do.
    pub advertised: Advertised,
    /// What came of the checks, in order.
    pub outcomes: Vec<Outcome>,
    /// When it began.
    pub started_at: Timestamp,
    /// What the names of everything made begin with.
    pub mark: String,
    options: Options,
    serial: u32,
}

/// One check while it runs: its requests, and the names that can be filled in.
pub struct Scope<'a> {
    /// The server.
    pub peer: &'a Arc<Peer>,
    /// What it says it can do.
    pub advertised: &'a Advertised,
    /// What can be filled in.
    pub names: Names,
    /// Requests and answers so far.
    pub exchanges: Vec<Exchange>,
    group_headers: &'a [(String, String)],
    headers: Vec<(String, Option<String>)>,
}

impl Walk {
    /// Gets to know a server.
    ///
    /// # Errors
    /// It does not answer, or not to this token.
    pub async fn begin(peer: Arc<Peer>, options: Options) -> Result<Self, String> {
        let started_at = Timestamp::now();
        let path = "/Users?startIndex=1&count=1".to_owned();
        let request = Request { method: "GET".into(), path, ..Request::default() };
        let first = peer.send(&request).await;
        if let Some(failure) = first.failure {
            return Err(format!("{} does not answer: {failure}", peer.base()));
        }
        if matches!(first.status, 401 | 403) {
            return Err(format!("{} refuses the token ({})", peer.base(), first.status));
        }
        let advertised = Advertised::ask(&peer).await;
        let mark = format!("mc{}", base36(started_at.as_microsecond().unsigned_abs()));
        Ok(Self { peer, advertised, outcomes: Vec::new(), started_at, mark, options, serial: 0 })
    }

    /// Runs a group of checks.
    pub async fn group(&mut self, group: &Group, mut told: impl FnMut(&Outcome)) {
        let before = self.peer.made_count();
        let (mut names, mut missing) = (self.names(), String::new());
        if !self.options.read_only && !group.setup.is_empty() {
            let mut scope = self.scope(group, names);
            for step in &group.setup {
                // What could not be made is missed by the checks that name it, and by no others.
                if let Err(Stop::Fail(why)) = scope.step(step).await {
                    missing = format!("{missing} {why};");
                }
            }
            names = scope.names;
        }
        for check in &group.checks {
            let outcome = self.check(group, check, &names, &missing).await;
            told(&outcome);
            self.outcomes.push(outcome);
        }
        self.peer.clean(before).await;
    }

    /// Deletes whatever is left. Says what could not be deleted.
    pub async fn end(&self) -> Vec<String> {
        let mut left = self.peer.clean(0).await;
        if !self.options.read_only {
            left.extend(self.peer.sweep(&self.mark).await);
        }
        left.sort();
        left.dedup();
        left
    }

    async fn check(
        &mut self,
        group: &Group,
        check: &Check,
        names: &Names,
        missing: &str,
    ) -> Outcome {
        let before = self.peer.made_count();
        let mut outcome = Outcome {
            group: group.name.clone(),
            check: check.clone(),
            verdict: Verdict::Skip,
            why: String::new(),
            exchanges: Vec::new(),
        };
        let unoffered = check.needs.iter().find_map(|need| self.advertised.offers(need).err());
        let needs_setup = !group.setup.is_empty() && leans_on_setup(check);
        let writes = self.options.read_only && (needs_setup || writes(check));
        let refused = unoffered
            .or_else(|| writes.then(|| "it writes, and nothing may be written".to_owned()))
            .or_else(|| {
                self.peer.is_exhausted().then(|| "the limit on requests is used up".into())
            });
        if let Some(why) = refused {
            outcome.why = why;
            return outcome;
        }
        self.serial += 1;
        let mut names = names.clone();
        let me = format!("{}-{:03}", self.mark, self.serial);
        names.insert("me".into(), Value::from(me));
        let mut scope = self.scope(group, names);
        let stopped = scope.run(check).await.err();
        outcome.exchanges = std::mem::take(&mut scope.exchanges);
        (outcome.verdict, outcome.why) = match stopped {
            None => (Verdict::Pass, String::new()),
            Some(Stop::Skip(why)) if missing.is_empty() => (Verdict::Skip, why),
            Some(Stop::Skip(why)) => (Verdict::Skip, format!("{why} ({})", missing.trim())),
            Some(Stop::Fail(why)) if check.level == Level::May => (Verdict::Note, why),
            Some(Stop::Fail(why)) => (Verdict::Fail, why),
        };
        self.peer.clean(before).await;
        outcome
    }

    fn scope<'a>(&'a self, group: &'a Group, names: Names) -> Scope<'a> {
        Scope {
            peer: &self.peer,
            advertised: &self.advertised,
            names,
            exchanges: Vec::new(),
            group_headers: &group.headers,
            headers: Vec::new(),
        }
    }

    fn names(&self) -> Names {
        Names::from([
            ("tag".to_owned(), Value::from(self.mark.clone())),
            ("me".to_owned(), Value::from(self.mark.clone())),
            ("domain".to_owned(), Value::from(self.options.domain.clone())),
            ("base".to_owned(), Value::from(self.peer.base())),
        ])
    }
}

impl Scope<'_> {
    async fn run(&mut self, check: &Check) -> Result<(), Stop> {
        for name in &check.given {
            for step in fixture(name).unwrap_or_default() {
                self.step(step).await.map_err(|stop| match stop {
                    Stop::Fail(why) => Stop::Skip(format!("`{name}` could not be made: {why}")),
                    skip @ Stop::Skip(_) => skip,
                })?;
            }
        }
        for step in &check.steps {
            self.step(step).await?;
        }
        Ok(())
    }

    /// Does one line of a script.
    ///
    /// # Errors
    /// What was expected did not come, or something it needs is not there.
    pub async fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Header(name, value) => {
                let value = value.as_deref().map(|value| self.fill(value, Within::Plain));
                self.headers.push((name.clone(), value.transpose()?));
                Ok(())
            }
            Step::Send(send) => self.request(send).await,
            Step::Expect(clause) => {
                // Who could not be made cannot be found, and that was told where it happened.
                let named = clause.strip_prefix("found ").unwrap_or("none").split_whitespace();
                let is_there = |name: &&str| *name == "none" || self.names.contains_key(*name);
                match named.into_iter().find(|name| !is_there(name)) {
                    Some(name) => Err(Stop::skip(format!("`{name}` could not be made"))),
                    None => self.expect(clause).map_err(Stop::Fail),
                }
            }
            Step::Require(clause) => self.expect(clause).map_err(Stop::Skip),
            Step::Run(words) => special::run(self, words).await,
        }
    }

    /// Sends a request with a body as it stands. Headers that were set for it are used up.
    pub async fn send(&mut self, method: &str, path: &str, body: Option<String>) -> Exchange {
        let request = self.prepared(method, path, body);
        let exchange = self.peer.send(&request).await;
        self.exchanges.push(exchange.clone());
        exchange
    }

    /// A request with the headers of the group and of this request.
    pub fn prepared(&mut self, method: &str, path: &str, body: Option<String>) -> Request {
        let mut headers = vec![("Accept".to_owned(), Some(SCIM_JSON.to_owned()))];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), Some(SCIM_JSON.to_owned())));
        }
        let of_group = self.group_headers.iter().cloned();
        let of_group = of_group.filter(|(name, _)| body.is_some() || name != "Content-Type");
        let own = std::mem::take(&mut self.headers);
        for (name, value) in of_group.map(|(name, value)| (name, Some(value))).chain(own) {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            headers.push((name, value));
        }
        Request { method: method.to_owned(), path: path.to_owned(), headers, body }
    }

    /// Fills in the places of a text.
    ///
    /// # Errors
    /// Something it names could not be made: the check cannot be told.
    pub fn fill(&self, text: &str, within: Within) -> Result<String, Stop> {
        fill(text, &self.names, within).map_err(Stop::Skip)
    }

    async fn request(&mut self, send: &Send) -> Result<(), Stop> {
        let path = self.fill(&send.path, Within::Path)?;
        let body = match &send.body {
            None => None,
            Some(text) if send.is_raw => Some(self.fill(text, Within::Plain)?),
            Some(text) => Some(self.fill(text, Within::Json)?),
        };
        if send.method == "FIND" {
            return self.find(&path, &body.unwrap_or_default()).await;
        }
        let body = match body {
            Some(text) if send.method == "PATCH" && !send.is_raw && text.starts_with('[') => {
                let urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
                Some(format!(r#"{{"schemas":["{urn}"],"Operations":{text}}}"#))
            }
            other => other,
        };
        self.send(&send.method, &path, body).await;
        Ok(())
    }

    /// Finds everything a filter finds, page after page.
    async fn find(&mut self, path: &str, filter: &str) -> Result<(), Stop> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let asked = format!("{path}{joint}filter={}", percent_encode(filter));
        let headers = self.headers.clone();
        let mut first = self.send("GET", &asked, None).await;
        if path.contains("count=") || path.contains("startIndex=") {
            return Ok(());
        }
        for _ in 0..PAGE_COUNT_MAX {
            let Some(json) = &first.json else { break };
            let (have, total) = (at(json, "Resources[]").len(), json["totalResults"].as_u64());
            let is_whole =
                total.is_none_or(|total| usize::try_from(total).is_ok_and(|t| t <= have));
            if have == 0 || is_whole {
                break;
            }
            self.headers.clone_from(&headers);
            let next = self.send("GET", &format!("{asked}&startIndex={}", have + 1), None).await;
            let body = next.json.unwrap_or(Value::Null);
            let more: Vec<Value> = at(&body, "Resources[]").into_iter().cloned().collect();
            let (Some(Value::Array(all)), false) =
                (first.json.as_mut().map(|json| &mut json["Resources"]), more.is_empty())
            else {
                break;
            };
            all.extend(more);
        }
        self.exchanges.push(first);
        Ok(())
    }

    fn expect(&mut self, clause: &str) -> Result<(), String> {
        let last = self.exchanges.last().ok_or("nothing was asked yet")?;
        if let Some(name) = clause.strip_prefix("as ") {
            let body = last.json.clone().unwrap_or(Value::Null);
            if body.get("id").is_none() {
                return Err(format!("the answer ({}) has no `id`", last.status));
            }
            let path = last.path.split('?').next().unwrap_or_default();
            let endpoint = match last.method.as_str() {
                "POST" => path.to_owned(),
                _ => path.rsplit_once('/').map_or(path, |(endpoint, _)| endpoint).to_owned(),
            };
            let mut body = body;
            body[ENDPOINT] = json!(endpoint);
            self.names.insert(name.trim().to_owned(), body);
            return Ok(());
        }
        if let Some((name, place)) = clause.strip_prefix("let ").and_then(|c| c.split_once(" = ")) {
            let value = match place.strip_prefix("header ") {
                Some(header) => last.header(header).map(Value::from),
                None => {
                    let body = last.json.as_ref().unwrap_or(&Value::Null);
                    at(body, place).first().map(|value| (*value).clone())
                }
            };
            let value = value.ok_or_else(|| format!("`{place}` is absent"))?;
            self.names.insert(name.to_owned(), value);
            return Ok(());
        }
        // A made resource's path can stand in an expectation; its strings stand in JSON.
        let filled = fill(clause, &self.names, Within::Json)?;
        holds(&filled, last, &self.names)
    }
}

/// Whether a check writes.
fn writes(check: &Check) -> bool {
    let sends_writes = check.steps.iter().any(|step| match step {
        Step::Send(send) => {
            let is_search = send.method == "POST" && send.path.ends_with(".search");
            let is_read = matches!(send.method.as_str(), "GET" | "FIND" | "HEAD" | "OPTIONS");
            !is_read && !is_search
        }
        Step::Run(words) => special::writes(words),
        _ => false,
    });
    sends_writes || !check.given.is_empty()
}

/// Whether a check looks at what its group has made.
fn leans_on_setup(check: &Check) -> bool {
    check.steps.iter().any(|step| match step {
        Step::Send(send) => send.body.as_ref().is_some_and(|body| body.contains("{tag}")),
        Step::Run(_) => true,
        _ => false,
    })
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.iter().rev().collect()
}
