//! Attribute paths (RFC 7644 3.10) and PATCH paths (RFC 7644 3.5.2, figure 7).

use std::fmt;

use crate::filter::Parser;
use crate::{Filter, FilterError, Tolerances, Tolerated};

/// `[urn:]attribute[.subAttribute]`. The URN is kept as written; comparisons ignore case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributePath {
    /// The schema's URN, if the path names one.
    pub urn: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// The sub-attribute, if the path names one.
    pub sub_attribute: Option<String>,
}

/// The path of a PATCH operation: an attribute path, perhaps with a value filter before the
/// sub-attribute, or a bare extension URN (`attribute` is None then).
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    /// The schema's URN, if the path names one.
    pub urn: Option<String>,
    /// The attribute; None addresses the whole extension named by `urn`.
    pub attribute: Option<String>,
    /// Which values of a multi-valued attribute: `[type eq "work"]`.
    pub value_filter: Option<Filter>,
    /// The sub-attribute, if the path names one.
    pub sub_attribute: Option<String>,
}

/// A text that is no path: where, in bytes, and why.
pub(crate) struct PathFault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl AttributePath {
    /// Reads `[urn:]attribute[.subAttribute]` (RFC 7644 figure 1, `attrPath`).
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let none = Tolerances::none();
        let mut parser = Parser::new(text, &none)?;
        let path = parser.attribute_path()?;
        parser.expect_end("the end of the path")?;
        Ok(path)
    }

    /// The attribute of this name, without a URN or a sub-attribute.
    pub(crate) fn plain(attribute: &str) -> Self {
        Self { urn: None, attribute: attribute.to_owned(), sub_attribute: None }
    }

    /// Reads a word that holds nothing but a path. The URN ends at the last colon: attribute names
    /// have none, whereas a URN may have dots (`2.0:User`).
    pub(crate) fn split(word: &str) -> Result<Self, PathFault> {
        let (urn, rest, start) = match word.rsplit_once(':') {
            Some((urn, rest)) => (Some(urn), rest, urn.len() + 1),
            None => (None, word, 0),
        };
        if let Some(urn) = urn
            && !is_urn(urn)
        {
            return Err(fault(0, format!("expected a URN before the last colon, found `{urn}`")));
        }
        let (attribute, sub_attribute) = match rest.split_once('.') {
            Some((attribute, sub_attribute)) => (attribute, Some(sub_attribute)),
            None => (rest, None),
        };
        if !is_name(attribute) {
            return Err(fault(start, format!("expected an attribute name, found `{attribute}`")));
        }
        match sub_attribute {
            // RFC 7644 figure 1: `attrPath = [URI ":"] ATTRNAME *1subAttr`.
            Some(sub) if !is_name(sub) => Err(fault(
                start + attribute.len() + 1,
                format!("expected the name of a sub-attribute, found `{sub}`"),
            )),
            sub_attribute => Ok(Self {
                urn: urn.map(str::to_owned),
                attribute: attribute.to_owned(),
                sub_attribute: sub_attribute.map(str::to_owned),
            }),
        }
    }
}

impl PatchPath {
    /// Reads a PATCH path. A word that ends like a schema's URN (`...:2.0:User`) is taken as the
    /// whole extension; [`crate::PatchRequest::read`] decides by the schemas that exist.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_tolerant(text, &Tolerances::none()).map(|(path, _)| path)
    }

    /// Reads a PATCH path whose value filter may have unquoted literals.
    pub(crate) fn parse_tolerant(
        text: &str,
        tolerances: &Tolerances,
    ) -> Result<(Self, Vec<Tolerated>), FilterError> {
        if is_whole_urn(text) {
            Parser::new(text, tolerances)?;
            let urn = Some(text.to_owned());
            let path = Self { urn, attribute: None, value_filter: None, sub_attribute: None };
            return Ok((path, Vec::new()));
        }
        let mut parser = Parser::new(text, tolerances)?;
        let AttributePath { urn, attribute, mut sub_attribute } = parser.attribute_path()?;
        let mut value_filter = None;
        if sub_attribute.is_none()
            && let Some(filter) = parser.value_filter()?
        {
            value_filter = Some(filter);
            sub_attribute = parser.sub_attribute()?;
        }
        parser.expect_end("the end of the path")?;
        let path = Self { urn, attribute: Some(attribute), value_filter, sub_attribute };
        Ok((path, parser.into_tolerated()))
    }
}

impl From<AttributePath> for PatchPath {
    fn from(path: AttributePath) -> Self {
        Self {
            urn: path.urn,
            attribute: Some(path.attribute),
            value_filter: None,
            sub_attribute: path.sub_attribute,
        }
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        write!(f, "{}", self.attribute)?;
        match &self.sub_attribute {
            Some(sub_attribute) => write!(f, ".{sub_attribute}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}")?;
        }
        if let Some(attribute) = &self.attribute {
            write!(f, "{}{attribute}", if self.urn.is_some() { ":" } else { "" })?;
        }
        if let Some(filter) = &self.value_filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub_attribute {
            Some(sub_attribute) => write!(f, ".{sub_attribute}"),
            None => Ok(()),
        }
    }
}

/// What may stand in a path: names, URNs, and the rest of RFC 3986's characters except brackets,
/// which belong to filters.
pub(crate) fn is_path_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.:$%/#?@~+=&;!*,".contains(c)
}

/// RFC 7644 figure 1: `ATTRNAME = ALPHA *(nameChar)`; `$ref` is a name too (RFC 7643 2.4).
pub(crate) fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix('$').unwrap_or(text);
    rest.starts_with(|c: char| c.is_ascii_alphabetic())
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn is_urn(text: &str) -> bool {
    text.contains(':')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_path_char)
}

/// Whether a text addresses a whole schema: its last segment follows a version, or could not be an
/// attribute.
fn is_whole_urn(text: &str) -> bool {
    let Some((before, last)) = text.rsplit_once(':') else { return false };
    let version = before.rsplit_once(':').map_or("", |(_, version)| version);
    let follows_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_digit() || c == '.')
        && is_name(last);
    is_urn(text) && (follows_version || !is_name(last.split('.').next().unwrap_or(last)))
}

fn fault(at: usize, message: String) -> PathFault {
    PathFault { at, message }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute(text: &str) -> String {
        match AttributePath::parse(text) {
            Ok(path) => {
                assert_eq!(path.to_string(), text, "printing is the inverse of reading");
                format!("{:?} {} {:?}", path.urn, path.attribute, path.sub_attribute)
            }
            Err(error) => error.to_string(),
        }
    }

    fn patch(text: &str) -> String {
        match PatchPath::parse(text) {
            Ok(path) => {
                assert_eq!(PatchPath::parse(&path.to_string()).as_ref(), Ok(&path));
                let filter = path.value_filter.map(|filter| filter.to_string());
                format!("{:?} {:?} {filter:?} {:?}", path.urn, path.attribute, path.sub_attribute)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_attribute_path_has_a_urn_with_dots_a_name_and_one_sub_attribute() {
        insta::assert_snapshot!(attribute("userName"), @"None userName None");
        insta::assert_snapshot!(attribute("name.familyName"), @r#"None name Some("familyName")"#);
        insta::assert_snapshot!(attribute("members.$ref"), @r#"None members Some("$ref")"#);
        insta::assert_snapshot!(
            attribute("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"),
            @r#"Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User") manager Some("value")"#
        );
        insta::assert_snapshot!(
            attribute("http://schemas.example.com/2006/Group:cost-center_1"),
            @r#"Some("http://schemas.example.com/2006/Group") cost-center_1 None"#
        );
    }

    #[test]
    fn a_text_that_is_no_path_says_where_it_goes_wrong() {
        insta::assert_snapshot!(attribute(""), @"column 1: expected an attribute, found the end");
        insta::assert_snapshot!(attribute("name."), @"column 6: expected the name of a sub-attribute, found ``");
        insta::assert_snapshot!(attribute("a.b.c"), @"column 3: expected the name of a sub-attribute, found `b.c`");
        insta::assert_snapshot!(attribute("9lives"), @"column 1: expected an attribute name, found `9lives`");
        insta::assert_snapshot!(attribute("name x"), @"column 6: expected the end of the path, found `x`");
        insta::assert_snapshot!(attribute("x:name"), @"column 1: expected a URN before the last colon, found `x`");
    }

    #[test]
    fn a_patch_path_may_select_values_or_a_whole_extension() {
        insta::assert_snapshot!(patch("members"), @r#"None Some("members") None None"#);
        insta::assert_snapshot!(
            patch("emails[type eq \"work\"].value"),
            @r#"None Some("emails") Some("type eq \"work\"") Some("value")"#
        );
        insta::assert_snapshot!(
            patch("members[value eq \"]\"]"),
            @r#"None Some("members") Some("value eq \"]\"") None"#
        );
        insta::assert_snapshot!(
            patch("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
            @r#"Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User") None None None"#
        );
        insta::assert_snapshot!(
            patch("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
            @r#"Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User") Some("department") None None"#
        );
        insta::assert_snapshot!(
            patch("emails[type eq \"work\""),
            @"column 22: expected `and`, `or` or `]`, found the end"
        );
        insta::assert_snapshot!(
            patch("emails[type eq \"work\"]value"),
            @"column 23: expected the end of the path, found `value`"
        );
        insta::assert_snapshot!(
            patch("name.x[y pr]"),
            @"column 7: expected the end of the path, found `[y`"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_path_parsers_panic(text in any::<String>()) {
            let _ = AttributePath::parse(&text);
            let _ = PatchPath::parse(&text);
        }

        #[test]
        fn what_was_read_is_read_again_from_its_print(
            text in r#"(urn:[a-c0-9.:]{1,12}:)?[a-cA-C$.]{1,6}(\[[a-c.]{1,3} (pr|eq "x?"|eq 1)\])?(\.[a-c]{1,3})?"#
        ) {
            if let Ok(path) = PatchPath::parse(&text) {
                prop_assert_eq!(PatchPath::parse(&path.to_string()), Ok(path));
            }
            if let Ok(path) = AttributePath::parse(&text) {
                prop_assert_eq!(AttributePath::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
