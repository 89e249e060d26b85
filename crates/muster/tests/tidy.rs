//! The rules of the house that no compiler checks: which crate may know which, how long files and
//! lines are, words that do not stay, documents that lead somewhere.
//!
//! Each test holds the repository against one rule and fails with a line a problem:
//! `file:line: message`. The cast: `tidy/repository.rs` is every text file, `tidy/source.rs` a Rust
//! file told apart, `tidy/rules.rs` the rules. Every rule is also shown what it is there for, so that
//! none of them passes because it looks at nothing.

#![expect(clippy::unwrap_used, reason = "a repository that cannot be read fails the test")]

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/repository.rs"]
mod repository;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use documents::named_tests;
use repository::{File, Problem, Repository};
use rules::{
    FILE_LINES_MAX, LINE_COLUMNS_MAX, UNFINISHED, configuration, databases, decisions, halves,
    layering, leftovers, links, names, purity, shape,
};

#[test]
fn crates_use_only_what_the_table_allows() {
    pass(layering);
}

#[test]
fn pure_crates_touch_no_world_and_know_no_vendor() {
    pass(purity);
}

#[test]
fn sql_stays_in_the_shells_and_the_engine_in_one_file() {
    pass(databases);
}

#[test]
fn the_halves_do_not_know_each_other() {
    pass(halves);
}

#[test]
fn rust_files_have_a_header_and_fit_a_reader() {
    pass(shape);
}

#[test]
fn nothing_is_left_for_later() {
    pass(leftovers);
}

#[test]
fn every_decision_stands_in_the_index() {
    pass(decisions);
}

#[test]
fn documents_lead_to_files_that_exist() {
    pass(links);
}

#[test]
fn every_test_that_a_document_names_exists() {
    pass(named_tests);
}

#[test]
fn every_key_of_every_file_is_described() {
    pass(configuration);
}

/// Holds the repository as it lies there against a rule.
#[track_caller]
fn pass(rule: fn(&Repository) -> Vec<Problem>) {
    static REPOSITORY: LazyLock<Repository> = LazyLock::new(Repository::here);
    assert!(REPOSITORY.sources.len() > 100, "the repository was not found");
    let problems: Vec<String> = rule(&REPOSITORY).iter().map(Problem::to_string).collect();
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// Holds a repository of one file against a rule.
#[track_caller]
fn check(rule: fn(&Repository) -> Vec<Problem>, path: &str, text: &str, expected: &[&str]) {
    let file = File { path: path.to_owned(), text: text.to_owned() };
    let repository = Repository::of(vec![file], BTreeSet::from([path.to_owned()]));
    let told = |problem: &Problem| format!("{}: {}", problem.line, problem.message);
    let found: Vec<String> = rule(&repository).iter().map(told).collect();
    assert_eq!(found, expected, "{path}\n{text}");
}

#[test]
fn a_dependency_that_reaches_across_a_wall_is_found() {
    let text = "[dependencies]\nscim.workspace = true\ndb = { path = \"x\" }\nserde = \"1\"\n\
                [dev-dependencies.muster]\npath = \"y\"\n";
    let both = ["3: `lifecycle` may not use `db`", "5: `lifecycle` may not use `muster`"];
    check(layering, "crates/lifecycle/Cargo.toml", text, &both);
    check(layering, "crates/muster/Cargo.toml", "[dependencies]\ndb.workspace = true\n", &[]);
    let unknown = ["1: `sso` has no row in the table of crates"];
    check(layering, "crates/sso/Cargo.toml", text, &unknown);
    check(layering, "fuzz/Cargo.toml", text, &[]);
}

#[test]
fn a_clock_or_a_vendor_in_a_pure_crate_is_found() {
    let text =
        "//! tokio\nuse std::{fs, io};\nlet a = \"tokio\"; // Zoned::now\nlet b = Zoned::now();\n";
    let both = ["2: `scim` may not name `std::fs`", "4: `scim` may not name `Zoned::now`"];
    check(purity, "crates/scim/src/a.rs", text, &both);
    check(purity, "crates/db/src/a.rs", text, &[]);
    let text = "//! Zoom\nlet central = is_entra(\"Okta's\");\n\
                #[cfg(test)]\nmod tests {\n    // {\n    x(\"zoom\");\n}\n";
    let both = ["okta", "entra"]
        .map(|name| format!("2: `{name}` is a vendor, which is data of the shells"));
    check(purity, "crates/entitlement/src/a.rs", text, &[&both[0], &both[1]]);
    check(purity, "crates/entitlement/src/a/tests/b.rs", text, &[]);
}

#[test]
fn sql_or_the_engine_in_the_wrong_place_is_found() {
    let text = concat!("//! a\nuse rusqlite::Row;\nlet a = r#\"SEL", "ECT 1\"#;\n");
    let engine = "2: only crates/db/src/sqlite.rs names the engine's crate";
    check(databases, "crates/muster/src/a.rs", text, &[engine, "3: `muster` may not hold SQL"]);
    check(databases, "crates/directory/src/a.rs", text, &[engine]);
    check(databases, "crates/db/src/sqlite.rs", text, &[]);
}

#[test]
fn a_half_that_names_the_other_is_found() {
    let text = "//! a\nuse service_provider::Token;\nuse directory::Person;\n";
    let crossing = "the halves meet over HTTP and know nothing of each other";
    check(halves, "crates/directory/tests/a.rs", text, &[&format!("2: {crossing}")]);
    check(halves, "crates/service-provider/src/a.rs", text, &[&format!("3: {crossing}")]);
    check(halves, "crates/muster/src/a.rs", text, &[]);
    check(
        halves,
        "crates/directory/src/a.rs",
        "//! service_provider\nuse crate::directory::A;",
        &[],
    );
}

#[test]
fn a_file_without_a_header_and_what_is_too_long_are_found() {
    let long = "x".repeat(LINE_COLUMNS_MAX);
    let text = format!(
        "pub struct TokenManager;\nlet a = \"{long}\";\n// {long}\n// https://a.b {long}\n"
    );
    let problems = [
        "1: a file begins with `//!` and says what it is",
        "1: `TokenManager` says nothing: name what it is",
        "3: 123 columns; at most 120",
    ];
    check(shape, "crates/db/src/a.rs", &text, &problems);
    let tall = format!("//! a{}\n", "\n// a".repeat(FILE_LINES_MAX));
    check(shape, "crates/db/src/a.rs", &tall, &["601: 601 lines; split it before 600"]);
}

#[test]
fn what_is_put_off_or_left_behind_is_found() {
    let put_off = format!("2: `{}`: do it, or write down why it is not done", UNFINISHED[0]);
    let text = format!("a\n\tb {}\n", UNFINISHED[0]);
    check(leftovers, "docs/a.md", &text, &["2: a tab character: use spaces", &put_off]);
    let left = ["1: left behind by a tool: accept it or remove it"];
    check(leftovers, "crates/db/src/.a.rs.pending-snap", "", &left);
}

#[test]
fn a_decision_without_a_line_and_a_link_that_leads_nowhere_are_found() {
    let unlisted = ["1: docs/decisions/README.md does not list it"];
    check(decisions, "docs/decisions/001-a.md", "", &unlisted);
    let text = "[a](b.md) [c](../docs/a.md#d) [e](https://f.g) `db/src/gone.rs` `[h](i)`\n\
                ```\n[j](k)\n```\n";
    let both =
        ["db/src/gone.rs", "b.md"].map(|to| format!("1: leads to `{to}`, which is not there"));
    check(links, "docs/a.md", text, &[&both[0], &both[1]]);
}

#[test]
fn two_decisions_of_one_number_are_found() {
    let page = |name: &str, text: &str| File {
        path: format!("docs/decisions/{name}"),
        text: text.to_owned(),
    };
    let pages =
        [page("README.md", "](001-a.md) ](001-b.md)"), page("001-a.md", ""), page("001-b.md", "")];
    let found = decisions(&Repository::of(pages.into(), BTreeSet::new()));
    let messages: Vec<_> = found.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["another decision has the number 001"]);
}

#[test]
fn a_key_that_nobody_describes_is_found() {
    let path = "crates/directory/src/group.rs";
    let text = "//! a\npub struct GroupConfig {\n    /// b\n    pub name: String,\n    \
                #[serde(rename = \"member\")]\n    pub members: u8,\n    #[serde(skip)]\n    pub folder: u8,\n}\n";
    let file = File { path: path.to_owned(), text: text.to_owned() };
    let repository = Repository::of(vec![file], BTreeSet::new());
    let found = configuration(&repository);
    let found = found.iter().filter(|problem| problem.path == path).map(|problem| problem.line);
    assert_eq!(found.collect::<Vec<_>>(), [4, 6]);
}

#[test]
fn comments_strings_and_code_are_told_apart() {
    let text = "a('\"', b'\\'', \"c\\\" // d\"); // e \"f\"\n\
                /* g /* h */ i */ j(r#\"k\"l\"#, 'm, \"n\n  o\", p)";
    let bare: Vec<String> = source::split(text).into_iter().map(|line| line.bare).collect();
    assert_eq!(bare, ["a('\"', b'\\'', \"\"); ", " j(r#\"\"#, 'm, \"", "\", p)"]);
}

#[test]
fn a_word_is_found_in_names_and_not_in_other_words() {
    let words = ["central", "entrance", "is_entra", "EntraGroup", "fromEntra"];
    let found: Vec<&str> = words.into_iter().filter(|word| names(word, "entra")).collect();
    assert_eq!(found, ["is_entra", "EntraGroup", "fromEntra"]);
}

#[test]
fn a_test_that_a_document_names_in_vain_is_found() {
    let document =
        "Held by `a/src/b.rs::it_is`, `a/src/b.rs::it_was` and `a/src/c.rs::it_is`.\n`x::y`\n";
    let code = "//! a\n#[test]\nfn it_is() {}\n\n\n\n\nfn it_was() {}\n";
    let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
    let files = vec![file("docs/d.md", document), file("crates/a/src/b.rs", code)];
    let problems = named_tests(&Repository::of(files, BTreeSet::new()));
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "docs/d.md:1: `crates/a/src/b.rs` has no test `it_was`",
            "docs/d.md:1: names a test of `crates/a/src/c.rs`, which is not there",
        ]
    );
}
