//! The seeds and the corpus, for the ordinary tests that replay them.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders beneath `fuzz`: what people wrote, and what the fuzzer found.
const FOLDERS: [&str; 2] = ["seeds", "corpus"];

/// Holds every file of a target against its check. Whoever fails finds the file's name in the
/// output of the test.
pub fn replay(target: &str, check: fn(&[u8])) {
    for folder in FOLDERS {
        let files = files(folder, target);
        assert!(!files.is_empty(), "fuzz/{folder}/{target} is empty");
        for path in files {
            println!("{}", path.display());
            let bytes = fs::read(&path);
            assert!(bytes.is_ok(), "{bytes:?}");
            check(&bytes.unwrap_or_default());
        }
    }
}

fn files(folder: &str, target: &str) -> Vec<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder).join(target);
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}
