//! Checks that a line of a script cannot say: many requests at once, whole lists, whole schemas.

mod bulk;
mod crowd;
mod discovery;
mod parallel;
mod schema;
mod sweep;

use crate::conformance::check::Stop;
use crate::conformance::walk::Scope;

/// The functions that scripts can run, and whether each writes.
const FUNCTIONS: &[(&str, bool)] = &[
    ("bulk", true),
    ("crowd", true),
    ("cursor", false),
    ("discovery", false),
    ("parallel", true),
    ("schema", false),
    ("sweep", false),
];

/// Whether there is a function of this name.
#[cfg(test)]
pub fn is_known(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, _)| *known == name)
}

/// Whether what is run writes.
pub fn writes(words: &[String]) -> bool {
    words
        .first()
        .is_none_or(|name| FUNCTIONS.iter().any(|(known, writes)| known == name && *writes))
}

/// Runs a function with its arguments.
///
/// # Errors
/// What it looks at is not as it should be, or cannot be told.
pub async fn run(scope: &mut Scope<'_>, words: &[String]) -> Result<(), Stop> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match &words[..] {
        ["bulk", aspect] => bulk::run(scope, aspect).await,
        ["crowd", count] => crowd::run(scope, number(count)?).await,
        ["cursor", size, aspect] => sweep::cursor(scope, number(size)?, aspect).await,
        ["discovery", aspect] => discovery::run(scope, aspect).await,
        ["parallel", what, count] => parallel::run(scope, what, number(count)?).await,
        ["schema", name, aspect] => schema::run(scope, name, aspect),
        ["sweep", endpoint, size, aspect] => {
            sweep::index(scope, endpoint, number(size)?, aspect).await
        }
        _ => Err(Stop::skip(format!("the script runs {words:?}, which nothing is"))),
    }
}

fn number(text: &str) -> Result<usize, Stop> {
    text.parse().map_err(|_| Stop::skip(format!("`{text}` is no number")))
}
