//! Reads a group of checks from its text. Pure.
//!
//! ```text
//! group patch
//! about PATCH in all its forms
//! rfc RFC 7644 3.5.2.1           of the checks that follow, as are `given`, `when` and `breaks`
//! given user
//! breaks A client that fills in a field loses it.
//! must add-simple: add sets an attribute that had no value
//!   > PATCH {user} [{"op":"add","path":"nickName","value":"Nic"}] => ok
//!   > GET {user} => nickName == "Nic" ; meta present
//! ```
//!
//! A body that is an array is wrapped into a PatchOp message. `> FIND /Users FILTER` is a GET with
//! that filter, paged to its end. `> RAW POST /Users TEXT` is sent as it stands. `h NAME: VALUE` adds
//! a header to the next request and `h NAME` takes one away. `< ...` expects more of the last answer,
//! `? ...` skips the check if it does not hold, and `run NAME ARGS` calls a function of `special/`.

use crate::conformance::check::{Check, Group, Level, Send, Step};

/// What holds for the checks that follow.
#[derive(Default, Clone)]
struct Defaults {
    rfc: String,
    given: Vec<String>,
    when: Vec<String>,
    breaks: String,
}

/// Reads a group.
///
/// # Errors
/// A line that says nothing, with its number.
pub fn read(text: &str) -> Result<Group, String> {
    let mut group = Group::default();
    let mut defaults = Defaults::default();
    let mut in_setup = false;
    for (index, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}: {line}", index + 1);
        let (word, rest) = words(line.trim());
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let target = match group.checks.last_mut() {
                _ if in_setup => &mut group.setup,
                Some(check) => {
                    if detail(check, word, rest) {
                        continue;
                    }
                    &mut check.steps
                }
                None => return Err(wrong("no check to belong to")),
            };
            target.extend(steps(line.trim()).ok_or_else(|| wrong("not a step"))?);
            continue;
        }
        in_setup = word == "setup";
        match (word, Level::from_name(word)) {
            ("setup", _) => {}
            ("group", _) => group.name = rest.to_owned(),
            ("about", _) => group.about = rest.to_owned(),
            ("dialect", _) => group.dialect = Some(rest.to_owned()),
            ("header", _) => group.headers.push(header(rest).ok_or_else(|| wrong("no header"))?),
            ("rfc", _) => defaults.rfc = rest.to_owned(),
            ("given", _) => defaults.given = list(rest),
            ("when", _) => defaults.when = list(rest),
            ("breaks", _) => defaults.breaks = rest.to_owned(),
            (_, Some(level)) => {
                let (name, claim) = rest.split_once(": ").ok_or_else(|| wrong("no claim"))?;
                group.checks.push(Check {
                    name: name.to_owned(),
                    level,
                    clause: defaults.rfc.clone(),
                    claim: claim.to_owned(),
                    breaks: defaults.breaks.clone(),
                    needs: defaults.when.clone(),
                    given: defaults.given.clone(),
                    steps: Vec::new(),
                });
            }
            _ => return Err(wrong("unknown word")),
        }
    }
    Ok(group)
}

/// A line about a check instead of a step of it. `when` adds to the section's, the others replace.
fn detail(check: &mut Check, word: &str, rest: &str) -> bool {
    match word {
        "rfc" => check.clause = rest.to_owned(),
        "given" => check.given = list(rest),
        "when" => check.needs.extend(list(rest)),
        "breaks" => check.breaks = rest.to_owned(),
        _ => return false,
    }
    true
}

fn steps(line: &str) -> Option<Vec<Step>> {
    let (word, rest) = words(line);
    match word {
        ">" => {
            let (request, expected) = match rest.rsplit_once(" => ") {
                Some((request, expected)) => (request, Some(expected)),
                None => (rest, None),
            };
            let mut steps = vec![Step::Send(send(request)?)];
            steps.extend(expected.into_iter().flat_map(clauses).map(Step::Expect));
            Some(steps)
        }
        "<" => Some(clauses(rest).map(Step::Expect).collect()),
        "?" => Some(clauses(rest).map(Step::Require).collect()),
        "h" => Some(vec![match header(rest) {
            Some((name, value)) => Step::Header(name, Some(value)),
            None => Step::Header(rest.to_owned(), None),
        }]),
        "run" => Some(vec![Step::Run(list(rest))]),
        _ => None,
    }
}

fn send(text: &str) -> Option<Send> {
    let (first, rest) = words(text);
    let is_raw = first == "RAW";
    let (method, rest) = if is_raw { words(rest) } else { (first, rest) };
    let (path, body) = words(rest);
    let body = (!body.is_empty()).then(|| body.to_owned());
    let fits = !path.is_empty() && method.chars().all(|c| c.is_ascii_uppercase());
    fits.then(|| Send { method: method.to_owned(), path: path.to_owned(), body, is_raw })
}

fn clauses(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(" ; ").map(|clause| clause.trim().to_owned())
}

fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

fn words(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

fn list(text: &str) -> Vec<String> {
    text.split_whitespace().filter(|word| *word != "-").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_with_what_its_sections_say() {
        let text = "group patch\nabout All\nrfc RFC 7644 3.5.2\ngiven user\nwhen patch\n\
                    breaks Everybody.\nmust add: it adds\n  when sort\n  h A: b\n  \
                    > PATCH {user} [{\"op\":\"add\"}] => ok ; a == \"x\"\n  ? b present\nmay x: y\n  given -\n  run z 1\n";
        let group = read(text).unwrap();
        let [add, other] = &group.checks[..] else { panic!("{group:?}") };
        assert_eq!((&*add.name, add.level, &*add.claim), ("add", Level::Must, "it adds"));
        assert_eq!((&add.needs, &add.given), (&list("patch sort"), &list("user")));
        let send = Send {
            method: "PATCH".into(),
            path: "{user}".into(),
            body: Some("[{\"op\":\"add\"}]".into()),
            is_raw: false,
        };
        let steps = [
            Step::Header("A".into(), Some("b".into())),
            Step::Send(send),
            Step::Expect("ok".into()),
            Step::Expect("a == \"x\"".into()),
            Step::Require("b present".into()),
        ];
        assert_eq!(add.steps, steps);
        assert_eq!((&other.given, &other.steps), (&vec![], &vec![Step::Run(list("z 1"))]));
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        for text in ["what is this", "must name without colon", "  > GET", "must a: b\n  > get /x"]
        {
            assert!(read(text).unwrap_err().starts_with("line "), "{text}");
        }
    }
}
