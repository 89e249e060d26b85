//! The language as it is used; by kind of question.

mod explained;
mod refused;

use std::collections::BTreeSet;

use proptest::prelude::*;
use scim::{Extension, Schema};
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::profile_type;

fn environment() -> Environment {
    Environment::new()
        .with_resource("user", &profile_type())
        .with_columns("row", ["first_name", "Last Name"])
        .with_columns("app", ["name"])
        .with_text("login")
        .with_timestamp("as_of")
        .with_groups()
}

fn ana() -> Map<String, Json> {
    let document = json!({
        "userName": "ana.ruiz@acme.com",
        "active": true,
        "displayName": "Ana Ruiz",
        "title": "Lead Engineer",
        "name": {"givenName": "Ana", "familyName": "Ruiz"},
        "emails": [
            {"value": "ana.ruiz@acme.com", "type": "work", "primary": true},
            {"value": "ana@home.example", "type": "home"},
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Support",
            "employeeNumber": "1007",
            "manager": {"value": "p-1"},
        },
        "urn:muster:schemas:1.0:Employment": {"country": "DE", "hireDate": "2024-02-01"},
        "meta": {"created": "2024-01-15T09:00:00Z"},
    });
    match document {
        Json::Object(document) => document,
        _ => unreachable!(),
    }
}

fn parse(text: &str) -> Expression {
    Expression::parse(text, &environment(), Expect::Any)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What the expression says about Ana; `!` before what made it fail.
fn value(text: &str) -> String {
    with_ana(|bindings| match parse(text).evaluate(bindings) {
        Ok(value) => value.to_string(),
        Err(error) => format!("! {error}"),
    })
}

fn with_ana<T>(use_it: impl FnOnce(&Bindings<'_>) -> T) -> T {
    let (document, groups) = (ana(), BTreeSet::from(["Sales".to_owned()]));
    let row = [("first_name", "Ana"), ("Last Name", "")];
    let bindings = Bindings::new()
        .document("user", &document)
        .columns("row", &row)
        .text("login", "ana.ruiz")
        .timestamp("as_of", "2026-11-24T00:00:00Z".parse().unwrap())
        .groups(&groups);
    use_it(&bindings)
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(value(text), *expected, "{text}");
    }
}

#[test]
fn a_rule_compares_attributes() {
    check(&[
        (r#"user.department == "Support""#, "true"),
        (r#"user.department == "Sales" && user.country in ["DE", "AT"]"#, "false"),
        (r#"user.department != "Sales" && user.country in ["DE", "AT"]"#, "true"),
        (r#"user.country in []"#, "false"),
        (r#"user.title.startsWith("Lead") || user.title.endsWith("x")"#, "true"),
        (r#"user.title.matches("(?i)^lead\\b")"#, "true"),
        (r#"user.title.matches(r"^\w+ \w+$")"#, "true"),
        (r#"matches(user.title, "engineer")"#, "false"),
        (r#"user.hireDate < "2025-01-01""#, "true"),
        (r#"date(user.hireDate) <= date("2024-02-01")"#, "true"),
        (r#"user.meta.created > timestamp("2024-01-15T10:00:00+01:00")"#, "false"),
        (r#"user.meta.created < as_of"#, "true"),
        (r#"user.active"#, "true"),
        (r#"memberOf("Sales") && !memberOf("Support")"#, "true"),
        (r#"int(user.employeeNumber) >= 1000"#, "true"),
        (r#"size(user.emails) == 2 && user.emails.size() == 2"#, "true"),
    ]);
}

#[test]
fn an_extension_is_reached_by_name_and_by_urn() {
    check(&[
        (r#"user.manager.value"#, "\"p-1\""),
        (
            r#"user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].department"#,
            "\"Support\"",
        ),
        (r#"user["URN:muster:schemas:1.0:employment"]["country"]"#, "\"DE\""),
        (r#"user["urn:ietf:params:scim:schemas:core:2.0:User"].name.givenName"#, "\"Ana\""),
    ]);
}

#[test]
fn a_mapping_makes_strings() {
    check(&[
        (r#"user.name.givenName + " " + user.name.familyName"#, "\"Ana Ruiz\""),
        (
            r#"lower(initial(user.name.givenName)) + "." + lower(user.name.familyName)"#,
            "\"a.ruiz\"",
        ),
        (
            r#"[user.name.givenName, user.name.middleName, user.name.familyName].join(" ")"#,
            "\"Ana Ruiz\"",
        ),
        (r#"ascii("Zoë Straße Ångström 北京")"#, "\"Zoe Strasse Angstrom Bei Jing\""),
        (r#"lower("ÀÉ") + "ÀÉ".lowerAscii() + upper("ß")"#, "\"àéÀÉSS\""),
        (r#"user.name.familyName.substring(0, 3) + user.name.givenName.substring(1)"#, "\"Ruina\""),
        (r#"user.userName.split("@")[1]"#, "\"acme.com\""),
        (r#"domain(user.userName) + "/" + localPart(user.userName)"#, "\"acme.com/ana.ruiz\""),
        (r#"user.title.replace("e", "_").replace("_", "", 1)"#, "\"Lad Engin__r\""),
        (r#""  a ".trim() + 'b\u00e9\n'"#, "\"abé\\n\""),
        (r#"has(user.nickName) ? user.nickName : "n/a""#, "\"n/a\""),
        (r#"coalesce(user.nickName, user.displayName, "n/a")"#, "\"Ana Ruiz\""),
        (r#"user.emails.filter(e, e.type == "work")[0].value"#, "\"ana.ruiz@acme.com\""),
        (r#"user.emails.map(e, e.value)"#, r#"["ana.ruiz@acme.com", "ana@home.example"]"#),
        (r#"user.emails.filter(e, e.primary).map(e, domain(e.value))"#, r#"["acme.com"]"#),
        (r#"row.first_name + "@" + app.name"#, "null"),
        (r#"login + "@acme.com""#, "\"ana.ruiz@acme.com\""),
        (
            r#"string(1) + string(1.5) + string(true) + string(as_of)"#,
            "\"11.5true2026-11-24T00:00:00Z\"",
        ),
        (r#"user.name"#, r#"{"familyName":"Ruiz","givenName":"Ana"}"#),
        (r#"["a"] + ["b"]"#, r#"["a", "b"]"#),
    ]);
}

#[test]
fn numbers_are_calculated_as_in_cel() {
    check(&[
        ("1 + 2 * 3 - -4", "11"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2 + 7 % 4", "6"),
        ("-7 / 2", "-3"),
        ("1.5 + .5", "2.0"),
        ("0x1F", "31"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1 < 1.5 && 2.0 == 2", "true"),
        ("int(1.9) + int(\"41\")", "42"),
        ("double(\"1e3\")", "1000.0"),
        ("--5", "5"),
    ]);
}

#[test]
fn macros_ask_each_value() {
    check(&[
        (r#"user.emails.exists(e, e.type == "work")"#, "true"),
        (r#"user.emails.all(e, e.value.endsWith("@acme.com"))"#, "false"),
        (r#"user.emails.exists_one(e, e.primary)"#, "true"),
        (r#"[1, 2, 3].exists(n, n > 2)"#, "true"),
        (r#"["Sales", "Support"].exists(d, d == user.department)"#, "true"),
        (r#"user.phoneNumbers.exists(p, true)"#, "false"),
        (r#"user.phoneNumbers.all(p, false)"#, "true"),
    ]);
}

#[test]
fn what_is_missing_is_no_error() {
    check(&[
        (r#"user.nickName"#, "null"),
        (r#"user.nickName == "x""#, "false"),
        (r#"user.nickName != "x""#, "true"),
        (r#"user.nickName == user.profileUrl"#, "false"),
        (r#"user.nickName == null"#, "true"),
        (r#"null != user.nickName"#, "false"),
        (r#"has(user.nickName)"#, "false"),
        (r#"has(user.phoneNumbers) || has(user.name.middleName)"#, "false"),
        (r#"has(user.emails) && has(user.manager.value)"#, "true"),
        (r#"user.nickName in ["x", "y"]"#, "false"),
        (r#"user.nickName < "x" || user.nickName >= "x""#, "false"),
        (r#"user.nickName.contains("") || user.nickName.matches("")"#, "false"),
        (r#"!user.nickName.contains("x")"#, "true"),
        (r#"user.nickName + "x""#, "null"),
        (r#"lower(user.nickName)"#, "null"),
        (r#"size(user.nickName) == 0"#, "false"),
        (r#"size(user.phoneNumbers) == 0"#, "true"),
        (r#"user.phoneNumbers[0].value"#, "null"),
        (r#"user.emails[7].value == "x""#, "false"),
        (r#"user.emails[-1]"#, "null"),
        (r#"user.nickName.split(",").exists(x, true)"#, "false"),
        (r#"int("seven")"#, "null"),
        (r#"domain("nobody")"#, "null"),
        (r#""ab".substring(1, 9) + "ab".substring(5)"#, "\"b\""),
        (r#"[user.nickName, "x"]"#, r#"["x"]"#),
        (r#"row["Last Name"]"#, "null"),
        (r#"row["Last Name"] == """#, "false"),
        (r#"false ? user.active : null"#, "null"),
    ]);
    // Nothing is bound at all.
    for text in ["user.active", "!user.active", "user.emails.exists(e, true)", "login", "as_of"] {
        assert!(parse(text).evaluate(&Bindings::new()).is_ok(), "{text}");
    }
}

#[test]
fn a_rule_is_always_true_or_false() {
    let rule = Expression::parse("user.active", &environment(), Expect::Boolean).unwrap();
    assert_eq!(rule.evaluate(&Bindings::new()), Ok(Value::Bool(false)));
    with_ana(|bindings| assert_eq!(rule.matches(bindings), Ok(true)));
}

#[test]
fn a_value_of_another_type_than_its_schema_says_is_missing() {
    let Json::Object(odd) = json!({
        "active": "yes", "title": 7, "name": "Ana", "emails": {"value": "only@acme.com"},
        "phoneNumbers": null,
    }) else {
        unreachable!()
    };
    let bindings = Bindings::new().document("user", &odd);
    let value = |text: &str| parse(text).evaluate(&bindings).unwrap().to_string();
    assert_eq!(value("user.active"), "null");
    assert_eq!(value("user.title"), "null");
    assert_eq!(value("user.name.givenName"), "null");
    assert_eq!(value("user.emails.map(e, e.value)"), r#"["only@acme.com"]"#);
    assert_eq!(value("size(user.phoneNumbers)"), "0");
}

#[test]
fn evaluation_fails_where_cel_fails_by_arithmetic() {
    check(&[
        ("9223372036854775807 + 1", "! column 1: the number becomes too large"),
        ("true && 1 / (1 - 1) == 1", "! column 9: nothing can be divided by zero"),
        ("1 / (1 - 1) == 1 || true", "true"),
        ("1 / (1 - 1) == 1 && false", "false"),
        ("[0, 1].exists(n, 1 / n == 1)", "true"),
        ("[0, 1].all(n, 1 / n == 1)", "! column 15: nothing can be divided by zero"),
    ]);
    let long = "a".repeat(2_000);
    let text = format!("\"{long}\".replace(\"\", \"{long}\")");
    assert_eq!(value(&text), "! column 1: the string becomes longer than 16384 bytes");
    let text = format!("\"{long}\".split(\"\")");
    assert_eq!(value(&text), "! column 1: the list has 1001 values; at most 1000 are looked at");
}

#[test]
fn comments_and_blank_lines_do_not_count() {
    check(&[("// rule\n  1 + // one\n\t2\r\n// end", "3")]);
}

#[track_caller]
fn check_reads(text: &str, expected: &[&str]) {
    let expression = parse(text);
    assert_eq!(
        expression.reads().iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "{text}"
    );
}

#[test]
fn an_expression_knows_what_it_reads() {
    check_reads(
        "user.department == \"x\" || user.name.givenName == login",
        &["login", "user.department", "user.name.givenName"],
    );
    check_reads(
        "has(user.title) ? row[\"Last Name\"] : row.first_name",
        &["row.first_name", "row[\"Last Name\"]", "user.title"],
    );
    check_reads(
        "user[\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"].manager.value",
        &["user.manager.value"],
    );
    check_reads("user.emails.exists(e, e.type == \"work\")", &["user.emails.type"]);
    check_reads("user.emails[0].value", &["user.emails.value"]);
    check_reads(
        "user.emails.filter(e, e.primary)[0].value",
        &["user.emails.primary", "user.emails.value"],
    );
    check_reads(
        "user.emails.filter(e, e.primary).map(e, e.value)",
        &["user.emails.primary", "user.emails.value"],
    );
    check_reads("user.emails.filter(e, e.primary)", &["user.emails", "user.emails.primary"]);
    check_reads("size(user.emails)", &["user.emails"]);
    check_reads("user.emails.exists(e, user.active)", &["user.active", "user.emails"]);
    check_reads("user.title.split(\" \").exists(w, w == \"Lead\")", &["user.title"]);
    check_reads("memberOf(\"Sales\")", &[]);
    assert_eq!(parse("memberOf(\"Sales\")").groups().iter().collect::<Vec<_>>(), ["Sales"]);
}

#[test]
fn names_that_clash_are_told_apart_by_their_urn() {
    let schema = |id: &str, names: &[&str]| {
        let attributes: Vec<_> =
            names.iter().map(|name| json!({"name": name, "type": "string"})).collect();
        let schema = json!({"id": id, "name": id, "attributes": attributes});
        Extension::optional(Arc::new(Schema::from_json(&schema.to_string()).unwrap()))
    };
    let resource = scim::ResourceType::user(vec![
        schema("urn:example:a", &["badge", "title", "alone"]),
        schema("urn:example:b", &["badge"]),
    ]);
    let environment = Environment::new().with_resource("user", &resource);
    let parse = |text: &str| Expression::parse(text, &environment, Expect::Any);
    assert_eq!(
        parse("user.badge").unwrap_err().to_string(),
        "column 6: several extensions define `badge`: write `user[\"urn:example:a\"].badge` or `user[\"urn:example:b\"].badge`"
    );
    let document =
        json!({"title": "core", "urn:example:a": {"badge": "a", "title": "ext", "alone": "one"}});
    let bindings = Bindings::new().document("user", document.as_object().unwrap());
    for (text, value, reads) in [
        ("user.title", "core", "user.title"),
        ("user[\"urn:example:a\"].title", "ext", "user[\"urn:example:a\"].title"),
        ("user[\"urn:example:a\"].badge", "a", "user[\"urn:example:a\"].badge"),
        ("user[\"urn:example:a\"].alone", "one", "user.alone"),
    ] {
        let expression = parse(text).unwrap();
        assert_eq!(expression.evaluate(&bindings).unwrap().as_str(), Some(value), "{text}");
        assert_eq!(expression.reads(), &BTreeSet::from([reads.to_owned()]), "{text}");
    }
}

#[test]
fn a_constant_is_known() {
    let constant = |text: &str| parse(text).is_constant().map(|value| value.to_string());
    assert_eq!(constant("\"Ba\" + \"sic\"").as_deref(), Some("\"Basic\""));
    assert_eq!(constant("[1].exists(x, x == 1)").as_deref(), Some("true"));
    assert_eq!(constant("user.userType"), None);
    assert_eq!(constant("memberOf(\"a\") ? \"x\" : \"y\""), None);
}

#[test]
fn an_expression_goes_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Expression>();
    shared::<Environment>();
    assert_eq!(parse("1 + 1"), parse("1 + 1"));
    assert_ne!(parse("1 + 1"), parse("1+1"));
    assert_eq!(format!("{:?}", parse("login")), "Expression(\"login\")");
}

/// Pieces of the language, so that more than the lexer is reached.
const PIECES: [&str; 48] = [
    "user", ".", "title", "emails", "active", "name", "(", ")", "[", "]", "==", "!=", "<", "in",
    "&&", "||", "!", "-", "+", "*", "/", "%", "?", ":", ",", "\"a\"", "'b'", "r\"\\\"", "1", "0",
    "1.5", "true", "null", "has", "size", "exists", "all", "map", "filter", "e", "e.type",
    "matches", "split", "replace", "date", "memberOf", "//", " ",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = Expression::parse(&text, &environment(), Expect::Any);
    }

    #[test]
    fn no_mix_of_pieces_panics(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24)) {
        for glue in ["", " "] {
            let text = pieces.join(glue);
            match Expression::parse(&text, &environment(), Expect::Any) {
                Ok(expression) => with_ana(|bindings| {
                    let _ = expression.evaluate(bindings);
                    let _ = expression.explain(bindings).to_string();
                }),
                Err(error) => {
                    prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
                }
            }
        }
    }
}
