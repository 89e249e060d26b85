//! Tests that documents name: whoever renames one finds the sentence that counts on it.

use crate::repository::{Problem, Repository};

/// How many lines above a function its attributes may stand.
const ATTRIBUTE_LINES_MAX: usize = 4;

/// `scim/src/version.rs::a_name` in a document is a test in a file beneath `crates/`.
pub fn named_tests(repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in repository.ending(".md") {
        for (index, line) in file.text.lines().enumerate() {
            for code in line.split('`').skip(1).step_by(2) {
                let Some((path, name)) = code.split_once(".rs::") else { continue };
                let path = format!("crates/{path}.rs");
                let found = repository.files.iter().find(|file| file.path == path);
                let message = match found {
                    Some(found) if is_test(&found.text, name) => continue,
                    Some(_) => format!("`{path}` has no test `{name}`"),
                    None => format!("names a test of `{path}`, which is not there"),
                };
                problems.push(Problem { path: file.path.clone(), line: index + 1, message });
            }
        }
    }
    problems
}

fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let head = format!("fn {name}(");
    lines.iter().enumerate().any(|(index, line)| {
        let above = &lines[index.saturating_sub(ATTRIBUTE_LINES_MAX)..index];
        line.contains(&head) && above.iter().any(|line| line.trim_end().ends_with("test]"))
    })
}
