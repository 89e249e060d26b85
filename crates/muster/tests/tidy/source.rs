//! A Rust file told apart: code, comments, strings, and what is only there for tests.

use crate::repository::{File, Problem};

/// A Rust file told apart.
pub struct Source {
    /// Relative to the root.
    pub path: String,
    /// Its lines, the last of them empty if the file ends as it should.
    pub lines: Vec<Line>,
    /// Submodules that exist only for tests, as paths without an ending.
    pub test_modules: Vec<String>,
    /// Whether the whole file is only there for tests.
    pub is_test: bool,
}

/// A line of a Rust file, seen in four ways.
#[derive(Default)]
pub struct Line {
    /// As it stands.
    pub whole: String,
    /// Without what its strings hold.
    pub unstrung: String,
    /// Without comments.
    pub uncommented: String,
    /// Without either.
    pub bare: String,
    /// Whether it is only there for tests.
    pub in_test: bool,
}

impl Source {
    /// Tells a file apart.
    pub fn read(file: &File) -> Self {
        let folder = match file.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
            _ => file.path.trim_end_matches(".rs"),
        };
        let mut lines = split(&file.text);
        let modules = mark_tests(&mut lines);
        let test_modules = modules.iter().map(|name| format!("{folder}/{name}")).collect();
        Self { path: file.path.clone(), lines, test_modules, is_test: false }
    }

    /// The crate it belongs to.
    pub fn owner(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or("")
    }

    /// What is wrong at a line, counted from 0.
    pub fn problem(&self, index: usize, message: impl Into<String>) -> Problem {
        Problem { path: self.path.clone(), line: index + 1, message: message.into() }
    }

    /// The keys of a struct that is read from a file, with their lines from 1.
    pub fn keys_of(&self, name: &str) -> Vec<(usize, String)> {
        let head = format!("pub struct {name} {{");
        let mut keys = Vec::new();
        let (mut renamed, mut skipped) = (None, false);
        let lines = self.lines.iter().enumerate();
        let body = lines.skip_while(|(_, line)| line.bare != head).skip(1);
        for (index, line) in body.take_while(|(_, line)| line.bare != "}") {
            let text = line.uncommented.trim();
            if let Some((_, rest)) = text.split_once("rename = \"") {
                renamed = rest.split('"').next().map(str::to_owned);
            }
            skipped |= text == "#[serde(skip)]";
            let Some((field, _)) = text.strip_prefix("pub ").and_then(|rest| rest.split_once(':'))
            else {
                continue;
            };
            if !skipped {
                keys.push((index + 1, renamed.take().unwrap_or_else(|| field.to_owned())));
            }
            (renamed, skipped) = (None, false);
        }
        keys
    }

    /// Lines that are not only there for tests, with their places.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &Line)> {
        let lines = self.lines.iter().enumerate();
        lines.filter(|(_, line)| !self.is_test && !line.in_test)
    }
}

/// Marks items behind `#[cfg(test)]`, and says which submodules are among them.
fn mark_tests(lines: &mut [Line]) -> Vec<String> {
    let mut modules = Vec::new();
    let mut depth = 0_usize;
    let mut inside = false;
    for line in lines {
        let bare = line.bare.trim();
        inside |= bare == "#[cfg(test)]";
        if !inside {
            continue;
        }
        line.in_test = true;
        if let Some(name) = bare.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            modules.push(name.to_owned());
        }
        depth = (depth + bare.matches('{').count()).saturating_sub(bare.matches('}').count());
        // The item goes to its closing brace, or to the semicolon where it has none.
        inside = depth > 0 || !bare.ends_with([';', '}']);
    }
    modules
}

/// Where reading a Rust file has come to.
#[derive(Clone, Copy)]
enum Within {
    Code,
    LineComment,
    /// With so many more around it.
    BlockComment(usize),
    Text,
    /// With so many `#` around it.
    RawText(usize),
}

/// Characters that belong together.
struct Piece {
    count: usize,
    comment: bool,
    string: bool,
    then: Within,
}

/// Rust as far as telling comments, strings and code apart needs it.
pub fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut within = Within::Code;
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '\n' {
            if matches!(within, Within::LineComment) {
                within = Within::Code;
            }
            lines.push(Line::default());
            at += 1;
            continue;
        }
        let piece = piece(&chars, at, within);
        let line = lines.last_mut().unwrap();
        for c in chars[at..].iter().take(piece.count) {
            line.whole.push(*c);
            let kept = [
                (&mut line.unstrung, !piece.string),
                (&mut line.uncommented, !piece.comment),
                (&mut line.bare, !piece.string && !piece.comment),
            ];
            kept.into_iter().filter(|(_, keep)| *keep).for_each(|(view, _)| view.push(*c));
        }
        within = piece.then;
        at += piece.count;
    }
    lines
}

fn piece(chars: &[char], at: usize, within: Within) -> Piece {
    let next = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let (c, after) = (chars[at], next(at + 1));
    let code = |count, then| Piece { count, comment: false, string: false, then };
    let comment = |count, then| Piece { count, comment: true, string: false, then };
    let string = |count| Piece { count, comment: false, string: true, then: within };
    match within {
        Within::LineComment => comment(1, within),
        Within::BlockComment(around) => match (c, after, around) {
            ('/', '*', _) => comment(2, Within::BlockComment(around + 1)),
            ('*', '/', 0) => comment(2, Within::Code),
            ('*', '/', _) => comment(2, Within::BlockComment(around - 1)),
            _ => comment(1, within),
        },
        Within::Text if c == '"' => code(1, Within::Code),
        Within::Text => string(if c == '\\' && after != '\n' { 2 } else { 1 }),
        Within::RawText(hashes) if c == '"' && hashes_from(chars, at + 1) >= hashes => {
            code(1 + hashes, Within::Code)
        }
        Within::RawText(_) => string(1),
        Within::Code => match (c, after) {
            ('/', '/') => comment(2, Within::LineComment),
            ('/', '*') => comment(2, Within::BlockComment(0)),
            ('"', _) => code(1, Within::Text),
            ('r', '"' | '#') => {
                let hashes = hashes_from(chars, at + 1);
                let before = at.checked_sub(1).map_or(' ', next);
                let begins = !before.is_alphanumeric() || before == 'b';
                if begins && next(at + 1 + hashes) == '"' {
                    code(2 + hashes, Within::RawText(hashes))
                } else {
                    code(1, within)
                }
            }
            ('\'', '\\') => {
                let rest = chars.iter().skip(at + 3).position(|c| *c == '\'').unwrap_or(0);
                code(4 + rest, within)
            }
            ('\'', _) if next(at + 2) == '\'' => code(3, within),
            _ => code(1, within),
        },
    }
}

fn hashes_from(chars: &[char], at: usize) -> usize {
    chars[at..].iter().take_while(|c| **c == '#').count()
}
