//! `muster person`: who the directory knows.

use clap::{Args, Subcommand};
use directory::Directory;
use jiff::civil::Date;
use lifecycle::Person;
use serde_json::{Map, Value, json};

use crate::cli::Context;
use crate::command::explain::painted;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator::day;

/// People, as HR and the rules see them.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    List(ListArgs),
    Show(ShowArgs),
}

/// List people by employee number.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only those whose name, login, employee number, department or title holds this text.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// The day their standing is told for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// How many at most; 0 lists all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// Show one person: attributes, employments, the HR row, and why they are in each group.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Login, e-mail address or employee number.
    pub person: String,
    /// The day it is told for; today if left out.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
}

/// Runs `muster person`.
///
/// # Errors
/// Nobody is called that; the database failed.
pub fn run(context: &Context, command: PersonCommand) -> Result<(), CommandError> {
    let directory = Installation::open(context)?.directory()?;
    match command {
        PersonCommand::List(args) => list(context, &directory, &args),
        PersonCommand::Show(args) => show(context, &directory, &args),
    }
}

fn list(context: &Context, directory: &Directory, args: &ListArgs) -> Result<(), CommandError> {
    let as_of = day(directory, args.as_of);
    let wanted = args.search.as_ref().map(|text| text.to_lowercase());
    let rows: Vec<Vec<String>> = directory
        .people()?
        .iter()
        .map(|person| row(person, as_of))
        .filter(|row| match &wanted {
            Some(text) => row.iter().any(|cell| cell.to_lowercase().contains(text)),
            None => true,
        })
        .collect();
    let shown = if args.limit == 0 { rows.len() } else { rows.len().min(args.limit) };
    let headings = ["Employee number", "Name", "Login", "Department", "Title", "Standing"];
    context.output.table(&headings, &rows[..shown])?;
    if shown < rows.len() {
        context.output.say(format!("{} of {} shown; --limit 0 lists all.", shown, rows.len()));
    }
    Ok(())
}

fn row(person: &Person, as_of: Date) -> Vec<String> {
    let text = |name| person.profile.text(name).unwrap_or_default().to_string();
    vec![
        person.employee_number.to_string(),
        person.name(),
        text("userName"),
        department(person).to_string(),
        text("title"),
        person.standing_reason(as_of).sentence().trim_end_matches('.').to_string(),
    ]
}

/// The department stands in the enterprise extension (RFC 7643 4.3).
fn department(person: &Person) -> &str {
    let extensions = person.profile.document().values().filter_map(Value::as_object);
    let mut departments = extensions.filter_map(|extension| extension.get("department"));
    departments.next().and_then(Value::as_str).unwrap_or_default()
}

fn show(context: &Context, directory: &Directory, args: &ShowArgs) -> Result<(), CommandError> {
    let as_of = day(directory, args.as_of);
    let person = directory.person(&args.person)?;
    let explanation = directory.explain_groups(&args.person, as_of)?;
    let output = &context.output;
    for line in explanation.lines() {
        output.say(painted(&line));
    }
    output.say("\nAttributes");
    let mut attributes = Vec::new();
    flatten("", person.profile.document(), &mut attributes);
    for (name, value) in &attributes {
        output.say(format!("  {name} = {value}"));
    }
    output.say("\nEmployments");
    for employment in &person.employments {
        let end = employment.end.map(|end| format!(" until {end}")).unwrap_or_default();
        output.say(format!("  from {}{end}", employment.start));
    }
    output.value(&json!({
        "person": explanation.person,
        "groups": explanation.groups,
        "profile": person.profile.document(),
        "employments": person.employments,
    }))
}

/// The attributes as lines; the URNs of extensions are left out, since names in them are unique.
fn flatten(prefix: &str, document: &Map<String, Value>, into: &mut Vec<(String, String)>) {
    for (name, value) in document {
        if name == "schemas" {
            continue;
        }
        let is_extension = name.starts_with("urn:");
        let path = match (is_extension, prefix.is_empty()) {
            (true, _) => prefix.to_string(),
            (false, true) => name.clone(),
            (false, false) => format!("{prefix}.{name}"),
        };
        match value {
            Value::Object(inner) => flatten(&path, inner, into),
            Value::String(text) => into.push((path, text.clone())),
            other => into.push((path, other.to_string())),
        }
    }
}
