//! The rules, each a function from the repository to what is wrong with it.

use std::collections::BTreeSet;

use crate::repository::{File, Problem, Repository};

/// Which crates of the workspace a crate may use; the table of ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("scim", &[]),
    ("lifecycle", &["scim"]),
    ("entitlement", &["scim"]),
    ("db", &[]),
    ("outbound", &[]),
    ("scim-server", &["scim"]),
    ("directory", &["lifecycle", "scim", "scim-server", "db", "outbound"]),
    ("service-provider", &["entitlement", "scim", "scim-server", "db", "outbound"]),
    (
        "muster",
        &[
            "directory",
            "service-provider",
            "lifecycle",
            "entitlement",
            "scim",
            "scim-server",
            "db",
            "outbound",
        ],
    ),
];
/// The crates that decide: no files, no network, no clock, no threads of their own, no vendors.
const PURE: &[&str] = &["scim", "lifecycle", "entitlement"];
/// What a pure crate does not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "tokio",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];
/// The crates that speak to a database.
const WITH_SQL: &[&str] = &["db", "directory", "service-provider"];
/// The database engines' crates, and where alone each is named.
const ENGINES: &[(&str, &str)] =
    &[("rusqlite", "crates/db/src/sqlite.rs"), ("tokio_postgres", "crates/db/src/postgres")];
/// Whose manners and schemas are data of the shells.
const VENDORS: &[&str] = &["okta", "entra", "zoom"];
/// Words for things that are not there yet, written so that this file may hold them.
pub const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimplemented", "!("),
];
/// Names that say nothing: what is meant has a name of its own.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Util", "Utils", "Processor"];
/// Most lines of a Rust file.
pub const FILE_LINES_MAX: usize = 600;
/// Most columns of a line of Rust, not counting what its strings hold.
pub const LINE_COLUMNS_MAX: usize = 120;
/// Where decisions are written down, and the index that names each.
const DECISIONS: &str = "docs/decisions/";
/// Where every key of every file is described.
const CONFIGURATION: &str = "docs/configuration.md";
/// The types that files are read into, and where each stands.
const CONFIGURED: &[(&str, &[&str])] = &[
    ("crates/muster/src/config.rs", &["Config", "DirectoryConfig", "ServiceProviderConfig"]),
    ("crates/directory/src/source/config.rs", &["SourceConfig", "StatusWords", "Generated"]),
    ("crates/lifecycle/src/snapshot.rs", &["SourceContract"]),
    ("crates/directory/src/group.rs", &["GroupConfig"]),
    ("crates/directory/src/rule.rs", &["RuleConfig"]),
    (
        "crates/directory/src/application/config.rs",
        &["ApplicationConfig", "AssignmentConfig", "MappingConfig", "PushGroupConfig"],
    ),
    ("crates/lifecycle/src/application.rs", &["Actions"]),
    ("crates/lifecycle/src/guard.rs", &["GuardPolicy", "Allowance"]),
    ("crates/entitlement/src/effect.rs", &["EffectPolicies"]),
    ("crates/entitlement/src/reclaim.rs", &["ReclaimPolicy"]),
    ("crates/entitlement/src/money.rs", &["Price"]),
    (
        "crates/service-provider/src/tenant_config.rs",
        &["TenantConfig", "LicenseTypeConfig", "ProductConfig", "GrantConfig"],
    ),
];

/// Every Cargo.toml names only the crates of the workspace that its row allows, in any of its tables
/// of dependencies: a test that reaches across a wall has one too.
pub fn layering(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in repository.ending("/Cargo.toml") {
        // The fuzz targets are a workspace of their own.
        let Some(owner) = file.path.strip_prefix("crates/") else { continue };
        let owner = owner.split('/').next().unwrap_or_default();
        let row = MAY_USE.iter().find(|(name, _)| *name == owner);
        let mut table = "";
        for (index, line) in file.text.lines().enumerate() {
            let problem = |message| Problem { path: file.path.clone(), line: index + 1, message };
            let Some((_, allowed)) = row else {
                problems.push(problem(format!("`{owner}` has no row in the table of crates")));
                break;
            };
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                table = header.trim_end_matches(']');
            }
            let named = match table.split_once("dependencies.") {
                Some((_, name)) if line.starts_with('[') => name,
                None if table.ends_with("dependencies") && !line.starts_with('[') => {
                    line.split(['.', '=', ' ']).next().unwrap_or_default().trim_matches('"')
                }
                _ => continue,
            };
            if MAY_USE.iter().any(|(name, _)| *name == named) && !allowed.contains(&named) {
                problems.push(problem(format!("`{owner}` may not use `{named}`")));
            }
        }
    }
    problems
}

/// What decides names no file, network, clock or vendor. Tests may name vendors.
pub fn purity(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in PURE.iter().flat_map(|name| repository.sources_of(name)) {
        for (index, line) in source.lines.iter().enumerate() {
            let grouped = line.bare.contains("std::{").then(|| words(&line.bare));
            let hidden = |word: &str| grouped.as_ref().is_some_and(|words| words.contains(&word));
            for name in IMPURE {
                let last = name.strip_prefix("std::");
                if line.bare.contains(name) || last.is_some_and(hidden) {
                    let owner = source.owner();
                    problems
                        .push(source.problem(index, format!("`{owner}` may not name `{name}`")));
                }
            }
        }
        for (index, line) in source.shipped() {
            for vendor in VENDORS.iter().filter(|vendor| names(&line.uncommented, vendor)) {
                let message = format!("`{vendor}` is a vendor, which is data of the shells");
                problems.push(source.problem(index, message));
            }
        }
    }
    problems
}

/// Whether a text names a word that stands by itself, in an identifier of either case too.
pub fn names(text: &str, word: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(word).any(|(at, _)| {
        let first = text[at..].chars().next().unwrap_or(' ');
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let after = text[at + word.len()..].chars().next().unwrap_or(' ');
        let begins = !before.is_alphanumeric() || (before.is_lowercase() && first.is_uppercase());
        begins && !after.is_lowercase()
    })
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect()
}

/// SQL stays in the crates that own tables, each engine's crate in one place.
pub fn databases(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    let sql = [concat!("INSERT", " INTO "), concat!("SEL", "ECT ")];
    for source in &repository.sources {
        let owner = source.owner();
        for (index, line) in source.lines.iter().enumerate() {
            let has_sql = sql.iter().any(|words| line.uncommented.contains(words));
            if has_sql && !WITH_SQL.contains(&owner) {
                problems.push(source.problem(index, format!("`{owner}` may not hold SQL")));
            }
            for (engine, place) in ENGINES {
                if !source.path.starts_with(place) && words(&line.bare).contains(engine) {
                    let message = format!("only {place} names the engine's crate");
                    problems.push(source.problem(index, message));
                }
            }
        }
    }
    problems
}

/// Neither half names the other, in its tests neither.
pub fn halves(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in &repository.sources {
        for (index, line) in source.lines.iter().enumerate() {
            let crossing = match source.owner() {
                "directory" => words(&line.bare).contains(&"service_provider"),
                "service-provider" => {
                    let bare = line.bare.trim();
                    bare.starts_with("use directory")
                        || bare.replace("::directory", "").contains("directory::")
                }
                _ => false,
            };
            if crossing {
                let message = "the halves meet over HTTP and know nothing of each other";
                problems.push(source.problem(index, message));
            }
        }
    }
    problems
}

/// Every Rust file says what it is, and neither it nor its lines are too long.
pub fn shape(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in &repository.sources {
        if !source.lines.first().is_some_and(|line| line.whole.starts_with("//!")) {
            problems.push(source.problem(0, "a file begins with `//!` and says what it is"));
        }
        let line_count =
            source.lines.iter().rposition(|line| !line.whole.is_empty()).unwrap_or(0) + 1;
        if line_count > FILE_LINES_MAX {
            let message = format!("{line_count} lines; split it before {FILE_LINES_MAX}");
            problems.push(source.problem(FILE_LINES_MAX, message));
        }
        for (index, line) in source.lines.iter().enumerate() {
            let columns = line.unstrung.trim_end().chars().count();
            if columns > LINE_COLUMNS_MAX && !line.unstrung.contains("://") {
                let message = format!("{columns} columns; at most {LINE_COLUMNS_MAX}");
                problems.push(source.problem(index, message));
            }
            let words = words(&line.bare);
            let named = words.windows(2).find(|pair| {
                matches!(pair[0], "struct" | "enum" | "trait" | "type")
                    && EMPTY_NAMES.iter().any(|name| pair[1].ends_with(name))
            });
            if let Some(pair) = named {
                let message = format!("`{}` says nothing: name what it is", pair[1]);
                problems.push(source.problem(index, message));
            }
        }
    }
    problems
}

/// Nothing is put off in a comment, and tools leave nothing behind.
pub fn leftovers(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in &repository.files {
        for (index, line) in file.text.lines().enumerate() {
            let problem = |message| Problem { path: file.path.clone(), line: index + 1, message };
            if line.contains('\t') {
                problems.push(problem("a tab character: use spaces".to_owned()));
            }
            for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
                problems
                    .push(problem(format!("`{word}`: do it, or write down why it is not done")));
            }
        }
    }
    for path in &repository.paths {
        if [".pending-snap", ".snap.new", ".orig", ".rej"].iter().any(|end| path.ends_with(end)) {
            let message = "left behind by a tool: accept it or remove it".to_owned();
            problems.push(Problem { path: path.clone(), line: 1, message });
        }
    }
    problems
}

/// A decision that the index does not list is not found again, nor is one of two with one number.
pub fn decisions(repository: &Repository) -> Vec<Problem> {
    let index = repository.files.iter().find(|file| file.path == format!("{DECISIONS}README.md"));
    let index = index.map_or("", |file| &file.text);
    let pages = repository.files.iter().filter_map(|file| {
        let name = file.path.strip_prefix(DECISIONS).filter(|name| *name != "README.md")?;
        Some((file, name))
    });
    let mut numbers = BTreeSet::new();
    let problem =
        |file: &File, message: String| Problem { path: file.path.clone(), line: 1, message };
    let mut problems = Vec::new();
    for (file, name) in pages {
        if !index.contains(&format!("]({name})")) {
            problems.push(problem(file, format!("{DECISIONS}README.md does not list it")));
        }
        let number = name.split('-').next().unwrap_or_default();
        if !numbers.insert(number) {
            problems.push(problem(file, format!("another decision has the number {number}")));
        }
    }
    problems
}

/// Every key that a file may have is described, each in code font.
pub fn configuration(repository: &Repository) -> Vec<Problem> {
    let described = repository.files.iter().find(|file| file.path == CONFIGURATION);
    let described = described.map_or("", |file| &file.text);
    let mut problems = Vec::new();
    for (path, structs) in CONFIGURED {
        let source = repository.sources.iter().find(|source| source.path == *path);
        for name in *structs {
            let keys = source.map(|source| source.keys_of(name)).unwrap_or_default();
            if keys.is_empty() {
                let message = format!("`{name}` is described, and is not to be found here");
                problems.push(Problem { path: (*path).to_owned(), line: 1, message });
            }
            for (line, key) in keys {
                let ways = [format!("`{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`")];
                if !ways.iter().any(|way| described.contains(way)) {
                    let message = format!("{CONFIGURATION} does not describe `{key}` of `{name}`");
                    problems.push(Problem { path: (*path).to_owned(), line, message });
                }
            }
        }
    }
    problems
}

/// Links of Markdown, and files that are named in it as code: `directory/src/import.rs` is a path
/// beneath `crates/`, and whoever renames the file finds the sentence.
pub fn links(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in repository.ending(".md") {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            let mut missing = |what: &str| {
                let message = format!("leads to `{what}`, which is not there");
                problems.push(Problem { path: file.path.clone(), line: index + 1, message });
            };
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            let parts: Vec<&str> = line.split('`').collect();
            for code in parts.iter().skip(1).step_by(2) {
                // A test that is named has a rule of its own.
                if code.contains(".rs::") {
                    continue;
                }
                let beneath = format!("crates/{code}");
                let path = if is_crate_path(code) { beneath.as_str() } else { *code };
                if is_path(path) && !repository.paths.contains(path.trim_end_matches('/')) {
                    missing(code);
                }
            }
            let prose: String = parts.iter().step_by(2).copied().collect::<Vec<_>>().join("``");
            for target in prose.split("](").skip(1) {
                let target = target.split([')', '#', ' ']).next().unwrap_or_default();
                if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                if !repository.paths.contains(&joined(folder, target)) {
                    missing(target);
                }
            }
        }
    }
    problems
}

fn is_crate_path(code: &str) -> bool {
    code.split_once('/').is_some_and(|(first, rest)| {
        MAY_USE.iter().any(|(name, _)| *name == first)
            && ["src", "tests", "migrations"].iter().any(|folder| rest.starts_with(folder))
    })
}

fn is_path(code: &str) -> bool {
    let begins = ["crates/", "docs/", "examples/"].iter().any(|folder| code.starts_with(folder));
    begins && !code.contains(['*', ' ', '<', '{', '…'])
}

/// A relative path from a folder, from the root.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
