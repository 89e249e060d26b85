//! Versions of resources as entity tags (RFC 7644 3.14).

use std::fmt;

use crate::limits::ENTITY_TAG_COUNT_MAX;

/// The version of a resource: it rises by one with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// The versions a write is tied to: those that `If-Match` names, but for those that
/// `If-None-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch {
    named: EntityTags,
    except: Option<EntityTags>,
}

/// The `If-None-Match` header: answer only if the resource is at none of these versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfNoneMatch(EntityTags);

#[derive(Debug, Clone, PartialEq, Eq)]
enum EntityTags {
    /// `*`: any version of a resource that exists.
    Any,
    /// What stood between the quotes.
    Listed(Vec<String>),
}

impl Version {
    /// The entity tag. It is weak: the bytes of an answer also depend on the projection.
    pub fn etag(self) -> String {
        format!("W/\"{}\"", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl IfMatch {
    /// Reads the header's value. What is no entity tag of ours is a version the resource never
    /// has, so that the write is refused rather than done unconditionally.
    pub fn parse(header: &str) -> Self {
        Self { named: EntityTags::parse(header), except: None }
    }

    /// Reads both headers of a write; None if there is neither. RFC 9110 13.1.2: with
    /// `If-None-Match` "the origin server MUST NOT perform the requested method if the condition
    /// evaluates to false", and answers 412 where the method is not GET or HEAD.
    pub fn of(if_match: Option<&str>, if_none_match: Option<&str>) -> Option<Self> {
        if if_match.is_none() && if_none_match.is_none() {
            return None;
        }
        let named = if_match.map_or(EntityTags::Any, EntityTags::parse);
        Some(Self { named, except: if_none_match.map(EntityTags::parse) })
    }

    /// Whether a resource at this version may be written.
    pub fn allows(&self, version: Version) -> bool {
        let is_excepted = self.except.as_ref().is_some_and(|tags| tags.name(version));
        self.named.name(version) && !is_excepted
    }

    /// Whether it asks for no version in particular: what has none may be written.
    pub fn is_any(&self) -> bool {
        self.named == EntityTags::Any
    }
}

impl IfNoneMatch {
    /// Reads the header's value.
    pub fn parse(header: &str) -> Self {
        Self(EntityTags::parse(header))
    }

    /// Whether the client has this version already: the answer is 304.
    pub fn has(&self, version: Version) -> bool {
        self.0.name(version)
    }
}

impl EntityTags {
    /// Weak and strong tags are told apart nowhere: RFC 7644 3.14 shows `If-Match` with a weak tag.
    /// Bare tags (`3` for `"3"`) are read too, as proxies and scripts drop the quotes.
    fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let tag = |tag: &str| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            quoted.unwrap_or(tag).to_owned()
        };
        // Our tags hold digits only, so that a comma never stands within one.
        Self::Listed(header.split(',').take(ENTITY_TAG_COUNT_MAX).map(tag).collect())
    }

    fn name(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.contains(&version.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_tied_by_both_headers() {
        fn check(if_match: Option<&str>, if_none_match: Option<&str>, expected: Option<bool>) {
            let tied = IfMatch::of(if_match, if_none_match);
            assert_eq!(tied.map(|tied| tied.allows(Version(3))), expected);
        }
        check(None, None, None);
        check(Some("W/\"3\""), None, Some(true));
        check(None, Some("*"), Some(false));
        check(None, Some("W/\"3\", W/\"4\""), Some(false));
        check(None, Some("W/\"4\""), Some(true));
        check(Some("W/\"3\""), Some("W/\"3\""), Some(false));
        check(Some("W/\"2\""), Some("W/\"4\""), Some(false));
    }

    #[test]
    fn if_match_allows_the_versions_it_names() {
        fn check(header: &str, allows_three: bool) {
            assert_eq!(IfMatch::parse(header).allows(Version(3)), allows_three, "{header}");
            assert_eq!(IfNoneMatch::parse(header).has(Version(3)), allows_three, "{header}");
        }
        check(&Version(3).etag(), true);
        check("*", true);
        check(" * ", true);
        check("\"3\"", true);
        check("3", true);
        check("W/\"2\", W/\"3\"", true);
        check("W/\"2\"", false);
        check("W/\"33\"", false);
        check("", false);
        check("\"", false);
        check("W/", false);
        check("\"a,3\"", false);
    }
}
