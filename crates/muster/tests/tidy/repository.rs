//! The repository as the rules see it: every text file, and what is wrong where.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// Folders that are nobody's text.
const SKIPPED_FOLDERS: &[&str] = &["target", ".git"];
/// The endings of text files.
const TEXT_ENDINGS: &[&str] = &["rs", "md", "toml", "sql", "json", "txt"];

/// A text file of the repository.
pub struct File {
    /// Relative to the root, with slashes.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Every text file, and the paths of all files.
pub struct Repository {
    /// Every text file.
    pub files: Vec<File>,
    /// The Rust files among them, told apart.
    pub sources: Vec<Source>,
    /// Every file and folder, relative to the root.
    pub paths: BTreeSet<String>,
}

/// What is wrong, and where.
pub struct Problem {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and, where it can be said, what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

impl Repository {
    /// The repository that this test was built in.
    pub fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (mut files, mut paths) = (Vec::new(), BTreeSet::new());
        walk(&root, &root, &mut files, &mut paths);
        Self::of(files, paths)
    }

    /// A repository of these files.
    pub fn of(files: Vec<File>, paths: BTreeSet<String>) -> Self {
        let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
        let mut sources: Vec<Source> = rust.map(Source::read).collect();
        let only_tests: Vec<String> =
            sources.iter().flat_map(|source| source.test_modules.clone()).collect();
        for source in &mut sources {
            let path = source.path.trim_end_matches(".rs");
            let beneath = |module: &String| path.starts_with(&format!("{module}/"));
            let only_test = only_tests.iter().any(|module| path == module || beneath(module));
            source.is_test = only_test || path.contains("/tests/");
        }
        Self { files, sources, paths }
    }

    /// Rust files of a crate's `src`.
    pub fn sources_of(&self, name: &str) -> impl Iterator<Item = &Source> {
        let folder = format!("crates/{name}/src/");
        self.sources.iter().filter(move |source| source.path.starts_with(&folder))
    }

    /// Text files whose path ends so.
    pub fn ending(&self, ending: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.path.ends_with(ending))
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>, paths: &mut BTreeSet<String>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        let path = entry.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if entry.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                paths.insert(path);
                walk(root, &entry, files, paths);
            }
            continue;
        }
        if TEXT_ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
            files.push(File { path: path.clone(), text: std::fs::read_to_string(&entry).unwrap() });
        }
        paths.insert(path);
    }
}
