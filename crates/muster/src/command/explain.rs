//! `muster explain`: why a person has, or lacks, each membership, account and license.

use clap::Args;
use directory::{Mark, ToldLine};
use jiff::civil::Date;

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::day;
use crate::output::{bold, dim, green, red};

/// Explain why a person has, or lacks, each membership, account and license.
///
/// First the directory's own chain: the HR row, the employment, each rule and why it matches or does
/// not, the group, the assignment, the account, the push. Then the application is asked over HTTP:
/// which group grants which license, who holds a seat since when, and what is missing. Where an
/// application does not say, the explanation tells where knowledge ends.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The person: login, e-mail address or employee number.
    #[arg(value_name = "EMAIL")]
    pub person: String,
    /// Only this application; every one if left out.
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// The day it is told for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// Runs `muster explain`.
///
/// # Errors
/// No such person or application; the database failed.
pub async fn run(context: &Context, args: ExplainArgs) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    let as_of = day(&directory, args.as_of);
    let explanation = directory.explain(&args.person, args.app.as_deref(), as_of).await?;
    for line in explanation.lines() {
        context.output.say(painted(&line));
    }
    context.output.value(&serde_json::to_value(&explanation)?)
}

/// A line of an explanation, in colour on a terminal.
pub fn painted(line: &ToldLine) -> String {
    let text = line.to_string();
    match (line.mark, line.depth) {
        (Mark::Has, _) => green(&text),
        (Mark::Lacks, _) => red(&text),
        (Mark::Unknown, _) => bold(&text),
        (Mark::Fact, 0) => bold(&text),
        (Mark::Fact, 1 | 2) => text,
        (Mark::Fact, _) => dim(&text),
    }
}
