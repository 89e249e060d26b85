//! Reading filters (RFC 7644 figure 1): a scanner with a place, and one function for each level of
//! precedence: `or`, `and`, then `not`, groups and expressions (RFC 7644 3.4.2.2).

use serde_json::Number;

use super::{CompareOp, Filter, FilterError, Literal};
use crate::limits::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX, FILTER_TERM_COUNT_MAX};
use crate::path::{AttributePath, PathFault, is_name, is_path_char};
use crate::{Tolerance, Tolerances, Tolerated};

/// The longest piece of the input that an error repeats, in characters.
const FOUND_CHARS_MAX: usize = 24;

/// Whether a filter stands by itself or between the brackets of a value path.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Resource,
    Value,
}

/// A text and the place reading has come to. Nesting is bounded by [`FILTER_DEPTH_MAX`], so the
/// recursion is too.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    term_count: usize,
    tolerances: &'a Tolerances,
    tolerated: Vec<Tolerated>,
}

impl Filter {
    /// Reads a filter by the letter of RFC 7644 3.4.2.2.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_tolerant(text, &Tolerances::none()).map(|(filter, _)| filter)
    }

    /// Reads a filter that may have unquoted literals ([`Tolerance::UnquotedLiteral`]) or booleans
    /// in another case ([`Tolerance::BooleanAsString`]), and says where it had.
    pub fn parse_tolerant(
        text: &str,
        tolerances: &Tolerances,
    ) -> Result<(Self, Vec<Tolerated>), FilterError> {
        let mut parser = Parser::new(text, tolerances)?;
        let filter = parser.disjunction(Within::Resource)?;
        parser.expect_end("`and`, `or` or the end of the filter")?;
        Ok((filter, parser.into_tolerated()))
    }
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, tolerances: &'a Tolerances) -> Result<Self, FilterError> {
        if text.len() > FILTER_BYTES_MAX {
            return Err(FilterError {
                column: 1,
                message: format!("expected at most {FILTER_BYTES_MAX} bytes, found {}", text.len()),
            });
        }
        Ok(Self { text, at: 0, depth: 0, term_count: 0, tolerances, tolerated: Vec::new() })
    }

    pub(crate) fn into_tolerated(self) -> Vec<Tolerated> {
        self.tolerated
    }

    /// `[urn:]attribute[.subAttribute]`.
    pub(crate) fn attribute_path(&mut self) -> Result<AttributePath, FilterError> {
        let word = self.peek_run(is_path_char);
        if word.is_empty() {
            return Err(self.expected("an attribute"));
        }
        let path = AttributePath::split(word)
            .map_err(|PathFault { at, message }| self.error_at(self.at + at, message))?;
        self.at += word.len();
        Ok(path)
    }

    /// `[filter]`, if a bracket opens here.
    pub(crate) fn value_filter(&mut self) -> Result<Option<Filter>, FilterError> {
        if !self.take('[') {
            return Ok(None);
        }
        self.enter()?;
        let filter = self.disjunction(Within::Value)?;
        self.skip_spaces();
        if !self.take(']') {
            return Err(self.expected("`and`, `or` or `]`"));
        }
        self.depth -= 1;
        Ok(Some(filter))
    }

    /// `.subAttribute`, if a dot stands here.
    pub(crate) fn sub_attribute(&mut self) -> Result<Option<String>, FilterError> {
        if !self.take('.') {
            return Ok(None);
        }
        let name = self.peek_run(is_path_char);
        if !is_name(name) {
            return Err(self.expected("the name of a sub-attribute"));
        }
        self.at += name.len();
        Ok(Some(name.to_owned()))
    }

    pub(crate) fn expect_end(&mut self, expected: &str) -> Result<(), FilterError> {
        self.skip_spaces();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn disjunction(&mut self, within: Within) -> Result<Filter, FilterError> {
        let mut any = vec![self.conjunction(within)?];
        while self.keyword("or") {
            any.push(self.conjunction(within)?);
        }
        Ok(single_or(any, Filter::Or))
    }

    fn conjunction(&mut self, within: Within) -> Result<Filter, FilterError> {
        let mut all = vec![self.factor(within)?];
        while self.keyword("and") {
            all.push(self.factor(within)?);
        }
        Ok(single_or(all, Filter::And))
    }

    fn factor(&mut self, within: Within) -> Result<Filter, FilterError> {
        self.skip_spaces();
        if self.peek_run(is_path_char).eq_ignore_ascii_case("not") {
            self.at += "not".len();
            self.skip_spaces();
            if !self.rest().starts_with('(') {
                return Err(self.expected("`(` after `not`"));
            }
            return Ok(Filter::Not(Box::new(self.group(within)?)));
        }
        if self.rest().starts_with('(') {
            return self.group(within);
        }
        self.expression(within)
    }

    fn group(&mut self, within: Within) -> Result<Filter, FilterError> {
        self.take('(');
        self.enter()?;
        let filter = self.disjunction(within)?;
        self.skip_spaces();
        if !self.take(')') {
            return Err(self.expected("`and`, `or` or `)`"));
        }
        self.depth -= 1;
        Ok(filter)
    }

    fn expression(&mut self, within: Within) -> Result<Filter, FilterError> {
        let path = self.attribute_path()?;
        // RFC 7644 figure 1: a valFilter has no value paths within.
        if within == Within::Value || path.sub_attribute.is_some() {
            return self.comparison(path);
        }
        let Some(filter) = self.value_filter()? else { return self.comparison(path) };
        // `emails[type eq "work"].value eq "x"`: beyond figure 1, but sent; it asks for one value
        // that satisfies both.
        let filter = match self.sub_attribute()? {
            None => filter,
            Some(sub) => both(filter, self.comparison(AttributePath::plain(&sub))?),
        };
        Ok(Filter::ValuePath { path, filter: Box::new(filter) })
    }

    /// ` pr`, or an operator and a literal.
    fn comparison(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        const OPERATOR: &str = "an operator (eq ne co sw ew pr gt ge lt le)";
        self.term_count += 1;
        if self.term_count > FILTER_TERM_COUNT_MAX {
            let message = format!("expected at most {FILTER_TERM_COUNT_MAX} comparisons");
            return Err(self.error_at(self.at, message));
        }
        if !self.skip_spaces() {
            return Err(self.expected(OPERATOR));
        }
        let word = self.peek_run(is_path_char);
        if word.eq_ignore_ascii_case("pr") {
            self.at += word.len();
            return Ok(Filter::Present(path));
        }
        // RFC 7644 3.4.2.2: "Attribute names and attribute operators used in filters are case
        // insensitive."
        let Some(op) = CompareOp::parse(word) else { return Err(self.expected(OPERATOR)) };
        self.at += word.len();
        if !self.skip_spaces() {
            return Err(self.expected("a space and a value"));
        }
        let value = self.literal(&path)?;
        Ok(Filter::Compare { path, op, value })
    }

    fn literal(&mut self, path: &AttributePath) -> Result<Literal, FilterError> {
        if self.rest().starts_with('"') {
            return self.string().map(Literal::String);
        }
        let word = self.peek_run(|c| !c.is_whitespace() && !matches!(c, ')' | ']' | '"'));
        let literal = match word {
            "" => None,
            // RFC 7644 figure 1: `compValue = false / null / true / number / string`, as in JSON.
            "true" => Some(Literal::Boolean(true)),
            "false" => Some(Literal::Boolean(false)),
            "null" => Some(Literal::Null),
            other => serde_json::from_str::<Number>(other)
                .ok()
                .map(Literal::Number)
                .or_else(|| self.tolerated_literal(other, path)),
        };
        let Some(literal) = literal else {
            return Err(self.expected("a string in double quotes, a number, true, false or null"));
        };
        self.at += word.len();
        Ok(literal)
    }

    fn tolerated_literal(&mut self, word: &str, path: &AttributePath) -> Option<Literal> {
        // Whoever writes 'ana@x' means ana@x. To look for the quotes as well would find nobody, and
        // the client would create who is there already.
        if word.starts_with('\'') {
            return None;
        }
        let boolean = ["false", "true"].iter().position(|known| word.eq_ignore_ascii_case(known));
        let (tolerance, literal) = match boolean {
            Some(value) if self.tolerances.allows(Tolerance::BooleanAsString) => {
                (Tolerance::BooleanAsString, Literal::Boolean(value == 1))
            }
            _ => (Tolerance::UnquotedLiteral, Literal::String(word.to_owned())),
        };
        if !self.tolerances.allows(tolerance) {
            return None;
        }
        self.tolerated.push(Tolerated { tolerance, at: path.to_string() });
        Some(literal)
    }

    /// A JSON string (RFC 8259 7), escapes and surrogates included.
    fn string(&mut self) -> Result<String, FilterError> {
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find_map(|(index, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(index + 1)
        });
        let Some(end) = end else {
            let message = "expected a closing quote for the string that begins here".to_owned();
            return Err(self.error_at(self.at, message));
        };
        match serde_json::from_str(&self.rest()[..end]) {
            Ok(text) => {
                self.at += end;
                Ok(text)
            }
            Err(_) => {
                let message = "expected a JSON string, found one with an invalid escape or a \
                               control character";
                Err(self.error_at(self.at, message.to_owned()))
            }
        }
    }

    fn enter(&mut self) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH_MAX {
            let message = format!("expected at most {FILTER_DEPTH_MAX} levels of nesting");
            return Err(self.error_at(self.at, message));
        }
        Ok(())
    }

    /// Takes `and` or `or`, if it stands next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.at;
        self.skip_spaces();
        let word = self.peek_run(is_path_char);
        if word.eq_ignore_ascii_case(keyword) {
            self.at += word.len();
            return true;
        }
        self.at = before;
        false
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek_run(&self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())]
    }

    fn skip_spaces(&mut self) -> bool {
        let spaces = self.peek_run(|c| c == ' ' || c == '\t').len();
        self.at += spaces;
        spaces > 0
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn expected(&self, what: &str) -> FilterError {
        let run = self.peek_run(|c| !c.is_whitespace());
        let found = match run.char_indices().nth(FOUND_CHARS_MAX) {
            _ if self.rest().is_empty() => "the end".to_owned(),
            _ if run.is_empty() => "a space".to_owned(),
            Some((cut, _)) => format!("`{}...`", &run[..cut]),
            None => format!("`{run}`"),
        };
        self.error_at(self.at, format!("expected {what}, found {found}"))
    }

    fn error_at(&self, at: usize, message: String) -> FilterError {
        FilterError { column: self.text[..at].chars().count() + 1, message }
    }
}

fn single_or(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(single) if filters.is_empty() => single,
        last => {
            filters.extend(last);
            join(filters)
        }
    }
}

fn both(filter: Filter, comparison: Filter) -> Filter {
    match filter {
        Filter::And(mut all) => {
            all.push(comparison);
            Filter::And(all)
        }
        filter => Filter::And(vec![filter, comparison]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::properties::RFC_EXAMPLES;
    use super::*;

    /// The print of the filter, which parses back to it, or the error.
    fn check(text: &str) -> String {
        match Filter::parse(text) {
            Ok(filter) => {
                let print = filter.to_string();
                assert_eq!(Filter::parse(&print), Ok(filter), "printing is the inverse");
                print
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_examples_of_rfc_7644_are_read() {
        for text in RFC_EXAMPLES {
            let print = check(text);
            assert!(!print.starts_with("column"), "{text}: {print}");
            let plain = print == text || text.contains("(emails.type eq");
            assert!(plain, "{text} is printed as {print}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or_and_groups_are_kept() {
        insta::assert_snapshot!(check("a pr or b pr and c pr"), @"a pr or b pr and c pr");
        insta::assert_snapshot!(check("(a pr or b pr) and c pr"), @"(a pr or b pr) and c pr");
        insta::assert_snapshot!(check("((a pr)) AND  Not( b PR )"), @"a pr and not (b pr)");
        insta::assert_snapshot!(check("a pr and (b pr and c pr)"), @"a pr and (b pr and c pr)");
        let filter = Filter::parse("a pr or b pr and c pr").unwrap();
        assert!(matches!(&filter, Filter::Or(any) if matches!(any[1], Filter::And(_))));
    }

    #[test]
    fn literals_are_those_of_json() {
        insta::assert_snapshot!(check(r#"a eq "say \"hi\" \\ \u00e9\ud83d\ude00""#), @r#"a eq "say \"hi\" \\ é😀""#);
        insta::assert_snapshot!(check("a gt -1.5e3"), @"a gt -1500.0");
        insta::assert_snapshot!(check("a ge 12345678901234567890"), @"a ge 12345678901234567890");
        insta::assert_snapshot!(check("a EQ true or a ne false or a eq null"), @"a eq true or a ne false or a eq null");
        insta::assert_snapshot!(check(r#"a eq "\ud83d""#), @"column 6: expected a JSON string, found one with an invalid escape or a control character");
        insta::assert_snapshot!(check(r#"a eq "open"#), @"column 6: expected a closing quote for the string that begins here");
        insta::assert_snapshot!(check(r#"a eq "open\""#), @"column 6: expected a closing quote for the string that begins here");
        insta::assert_snapshot!(check("a eq True"), @"column 6: expected a string in double quotes, a number, true, false or null, found `True`");
    }

    #[test]
    fn a_sub_attribute_after_a_value_filter_joins_the_filter() {
        insta::assert_snapshot!(
            check(r#"emails[type eq "work"].value eq "a@b""#),
            @r#"emails[type eq "work" and value eq "a@b"]"#
        );
        insta::assert_snapshot!(
            check(r#"emails[type eq "work" or primary eq true].value pr"#),
            @r#"emails[(type eq "work" or primary eq true) and value pr]"#
        );
    }

    #[test]
    fn errors_name_the_column_and_what_was_expected() {
        insta::assert_snapshot!(check(""), @"column 1: expected an attribute, found the end");
        insta::assert_snapshot!(
            check(r#"userName    equals "x""#),
            @"column 13: expected an operator (eq ne co sw ew pr gt ge lt le), found `equals`"
        );
        insta::assert_snapshot!(check("userName"), @"column 9: expected an operator (eq ne co sw ew pr gt ge lt le), found the end");
        insta::assert_snapshot!(check("userName eq"), @"column 12: expected a space and a value, found the end");
        insta::assert_snapshot!(check("userName eq "), @"column 13: expected a string in double quotes, a number, true, false or null, found the end");
        insta::assert_snapshot!(check("userName eq a@b.c"), @"column 13: expected a string in double quotes, a number, true, false or null, found `a@b.c`");
        insta::assert_snapshot!(check("üser pr"), @"column 1: expected an attribute, found `üser`");
        insta::assert_snapshot!(check(r#"a eq "ü" x"#), @"column 10: expected `and`, `or` or the end of the filter, found `x`");
        insta::assert_snapshot!(check("(a pr"), @"column 6: expected `and`, `or` or `)`, found the end");
        insta::assert_snapshot!(check("not a pr"), @"column 5: expected `(` after `not`, found `a`");
        insta::assert_snapshot!(check("a pr and"), @"column 9: expected an attribute, found the end");
        insta::assert_snapshot!(check("a[b[c pr]]"), @"column 4: expected an operator (eq ne co sw ew pr gt ge lt le), found `[c`");
        insta::assert_snapshot!(check("a.b.c pr"), @"column 3: expected the name of a sub-attribute, found `b.c`");
    }

    #[test]
    fn size_depth_and_number_of_comparisons_are_bounded() {
        let deep = |levels: usize| format!("{}a pr{}", "(".repeat(levels), ")".repeat(levels));
        assert!(Filter::parse(&deep(FILTER_DEPTH_MAX)).is_ok());
        insta::assert_snapshot!(check(&deep(4_000)), @"column 34: expected at most 32 levels of nesting");
        let wide = |terms: usize| vec!["a pr"; terms].join(" or ");
        assert!(Filter::parse(&wide(FILTER_TERM_COUNT_MAX)).is_ok());
        insta::assert_snapshot!(check(&wide(FILTER_TERM_COUNT_MAX + 1)), @"column 2050: expected at most 256 comparisons");
        insta::assert_snapshot!(check(&"a".repeat(9_000)), @"column 1: expected at most 8192 bytes, found 9000");
    }

    #[test]
    fn unquoted_literals_are_read_where_they_are_tolerated() {
        let tolerances = Tolerances::of([Tolerance::UnquotedLiteral, Tolerance::BooleanAsString]);
        let check = |text: &str| match Filter::parse_tolerant(text, &tolerances) {
            Ok((filter, tolerated)) => {
                let tolerated: Vec<_> = tolerated.iter().map(|t| (t.tolerance, &*t.at)).collect();
                format!("{filter} {tolerated:?}")
            }
            Err(error) => error.to_string(),
        };
        insta::assert_snapshot!(check("userName eq a@b.c"), @r#"userName eq "a@b.c" [(UnquotedLiteral, "userName")]"#);
        insta::assert_snapshot!(check("(externalId eq jyoung)"), @r#"externalId eq "jyoung" [(UnquotedLiteral, "externalId")]"#);
        insta::assert_snapshot!(check("emails[primary eq True]"), @r#"emails[primary eq true] [(BooleanAsString, "primary")]"#);
        insta::assert_snapshot!(check("active eq true"), @"active eq true []");
        insta::assert_snapshot!(check("userName eq 'ana'"), @"column 13: expected a string in double quotes, a number, true, false or null, found `'ana'`");
        insta::assert_snapshot!(check("displayName eq Sales Team"), @"column 22: expected `and`, `or` or the end of the filter, found `Team`");
    }
}
