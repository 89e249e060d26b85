//! Properties of filters: printing is the inverse of reading, nothing panics, and an independent
//! implementation reads the same.

use std::str::FromStr;

use proptest::prelude::*;
use scim_v2::filter as other;

use super::{CompareOp, Filter, Literal};
use crate::AttributePath;

/// The examples of RFC 7644 3.4.2.2.
pub(super) const RFC_EXAMPLES: [&str; 14] = [
    r#"userName eq "bjensen""#,
    r#"name.familyName co "O'Malley""#,
    r#"userName sw "J""#,
    r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
    "title pr",
    r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
    r#"title pr and userType eq "Employee""#,
    r#"title pr or userType eq "Intern""#,
    r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
    r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
    r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
    r#"userType eq "Employee" and (emails.type eq "work")"#,
    r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
    r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
];

#[test]
fn the_examples_of_the_rfc_are_read_as_scim_v2_reads_them() {
    for text in RFC_EXAMPLES {
        let theirs = other::Filter::from_str(text).unwrap();
        assert_eq!(Filter::parse(text).map(flat), Ok(flat(from_scim_v2(theirs))), "{text}");
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "(userName|emails|active|\\$ref|and|or|pr|eq|not-x|true)",
        "[a-zA-Z][a-zA-Z0-9_-]{0,6}"
    ]
    .prop_filter("`not` asks for a group", |name| !name.eq_ignore_ascii_case("not"))
}

fn path() -> impl Strategy<Value = AttributePath> {
    let urn = proptest::option::of("urn:[a-z]{1,5}:[0-9]\\.[0-9]:[A-Z][a-z]{0,4}");
    (urn, name(), proptest::option::of(name()))
        .prop_map(|(urn, attribute, sub_attribute)| AttributePath { urn, attribute, sub_attribute })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::String),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        (-1e9..1e9).prop_map(|number: f64| {
            Literal::Number(serde_json::Number::from_f64(number).unwrap())
        }),
    ]
}

fn op() -> impl Strategy<Value = CompareOp> {
    proptest::sample::select(vec![
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Co,
        CompareOp::Sw,
        CompareOp::Ew,
        CompareOp::Gt,
        CompareOp::Ge,
        CompareOp::Lt,
        CompareOp::Le,
    ])
}

fn leaf(path: impl Strategy<Value = AttributePath> + 'static) -> BoxedStrategy<Filter> {
    let path = path.boxed();
    prop_oneof![
        path.clone().prop_map(Filter::Present),
        (path, op(), literal()).prop_map(|(path, op, value)| Filter::Compare { path, op, value }),
    ]
    .boxed()
}

fn tree(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

fn filter() -> BoxedStrategy<Filter> {
    let inner = tree(leaf(name().prop_map(|name| AttributePath::plain(&name))));
    let outer = path().prop_map(|path| AttributePath { sub_attribute: None, ..path });
    let value_path = (outer, inner)
        .prop_map(|(path, filter)| Filter::ValuePath { path, filter: Box::new(filter) });
    tree(prop_oneof![4 => leaf(path()), 1 => value_path].boxed())
}

/// Pieces of filters in any order: more often nearly right than random text is.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            " ",
            " ",
            " ",
            "(",
            ")",
            "[",
            "]",
            ".",
            ":",
            "\"",
            "\\",
            "and",
            "or",
            "not",
            "eq",
            "pr",
            "co",
            "true",
            "null",
            "userName",
            "emails",
            "type",
            "urn:x:2.0:User:",
            "\"a\"",
            "1",
            "-",
            "1e9",
            "\\u00e9",
            "é",
            "a eq 1",
            "a pr",
            " and ",
            " or ",
            "not (",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,3}",
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_printed_filter_reads_back_as_itself(filter in filter()) {
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![any::<String>(), pieces()]) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(error.column <= text.chars().count() + 1);
        }
    }

    #[test]
    fn what_scim_v2_reads_means_the_same_here(
        text in prop_oneof![filter().prop_map(|filter| filter.to_string()), pieces()]
    ) {
        if let Ok(theirs) = other::Filter::from_str(&text) {
            let ours = Filter::parse(&text);
            prop_assert_eq!(ours.map(flat), Ok(flat(from_scim_v2(theirs))), "{}", text);
        }
    }
}

fn flat(filter: Filter) -> Filter {
    match filter {
        Filter::And(all) => Filter::And(
            all.into_iter()
                .map(flat)
                .flat_map(|part| match part {
                    Filter::And(parts) => parts,
                    part => vec![part],
                })
                .collect(),
        ),
        Filter::Or(any) => Filter::Or(
            any.into_iter()
                .map(flat)
                .flat_map(|part| match part {
                    Filter::Or(parts) => parts,
                    part => vec![part],
                })
                .collect(),
        ),
        Filter::Not(filter) => Filter::Not(Box::new(flat(*filter))),
        Filter::ValuePath { path, filter } => {
            Filter::ValuePath { path, filter: Box::new(flat(*filter)) }
        }
        leaf => leaf,
    }
}

fn from_scim_v2(filter: other::Filter) -> Filter {
    let all = |parts: other::Operands<other::Filter>| {
        parts.into_vec().into_iter().map(from_scim_v2).collect()
    };
    match filter {
        other::Filter::Attr(leaf) => leaf_from_scim_v2(leaf),
        other::Filter::ValuePath(inner) => Filter::ValuePath {
            path: path_from_scim_v2(inner.attr),
            filter: Box::new(value_from_scim_v2(*inner.filter)),
        },
        other::Filter::Not(inner) => Filter::Not(Box::new(from_scim_v2(*inner))),
        other::Filter::And(parts) => Filter::And(all(parts)),
        other::Filter::Or(parts) => Filter::Or(all(parts)),
    }
}

fn value_from_scim_v2(filter: other::ValFilter) -> Filter {
    let all = |parts: other::Operands<other::ValFilter>| {
        parts.into_vec().into_iter().map(value_from_scim_v2).collect()
    };
    match filter {
        other::ValFilter::Attr(leaf) => leaf_from_scim_v2(leaf),
        other::ValFilter::Not(inner) => Filter::Not(Box::new(value_from_scim_v2(*inner))),
        other::ValFilter::And(parts) => Filter::And(all(parts)),
        other::ValFilter::Or(parts) => Filter::Or(all(parts)),
    }
}

fn leaf_from_scim_v2(leaf: other::AttrExp) -> Filter {
    match leaf {
        other::AttrExp::Present(path) => Filter::Present(path_from_scim_v2(path)),
        other::AttrExp::Comparison(path, op, value) => Filter::Compare {
            path: path_from_scim_v2(path),
            op: CompareOp::parse(&format!("{op:?}")).unwrap(),
            value: match value {
                other::CompValue::False => Literal::Boolean(false),
                other::CompValue::True => Literal::Boolean(true),
                other::CompValue::Null => Literal::Null,
                other::CompValue::Number(number) => Literal::Number(number),
                other::CompValue::Str(text) => Literal::String(text),
            },
        },
    }
}

fn path_from_scim_v2(path: other::AttrPath) -> AttributePath {
    AttributePath { urn: path.uri, attribute: path.name, sub_attribute: path.sub_attr }
}
