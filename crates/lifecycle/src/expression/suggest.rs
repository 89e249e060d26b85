//! "Did you mean ...?": the closest of the names that exist.

/// Longest name that is compared; a longer one is no slip of the finger.
const NAME_LENGTH_MAX: usize = 64;

/// The candidate that was probably meant: the same but for case, or a few letters away, or one that
/// starts with what was written.
pub(super) fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written: Vec<char> = name.to_lowercase().chars().collect();
    if written.is_empty() || written.len() > NAME_LENGTH_MAX {
        return None;
    }
    let score = |candidate: &str| -> Option<usize> {
        let other: Vec<char> = candidate.to_lowercase().chars().take(NAME_LENGTH_MAX + 1).collect();
        let distance = distance(&written, &other);
        if distance * 3 <= written.len().max(3) {
            return Some(distance);
        }
        (written.len() >= 3 && other.starts_with(&written)).then_some(written.len())
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((score(candidate)?, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = replaced.min(last[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, next);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let names = ["department", "displayName", "division", "emails", "title", "userName"];
        assert_eq!(closest(name, names), expected, "{name}");
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_name() {
        check("departmnt", Some("department"));
        check("Department", Some("department"));
        check("email", Some("emails"));
        check("tilte", Some("title"));
        check("depart", Some("department"));
    }

    #[test]
    fn something_else_finds_nothing() {
        check("shoeSize", None);
        check("x", None);
        check("", None);
        check(&"department".repeat(100), None);
    }
}
