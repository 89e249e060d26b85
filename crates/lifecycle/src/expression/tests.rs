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

#[track_caller]
fn refuse(table: &[(&str, &str)]) {
    refuse_as(Expect::Any, table);
}

#[track_caller]
fn refuse_as(expect: Expect, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let found = match Expression::parse(text, &environment(), expect) {
            Ok(expression) => format!("accepted: {expression}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, *expected, "{text}");
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
fn names_that_do_not_exist_come_with_the_one_that_was_meant() {
    refuse(&[
        (
            "user.departmnt == \"x\"",
            "column 6: `user` has no attribute `departmnt`; did you mean `department`?",
        ),
        (
            "user.Department",
            "column 6: `user` has no attribute `Department`; did you mean `department`?",
        ),
        (
            "user.givenName",
            "column 6: `user` has no attribute `givenName`; did you mean `user.name.givenName`?",
        ),
        ("user.shoeSize", "column 6: `user` has no attribute `shoeSize`"),
        (
            "user.name.givnName",
            "column 11: `user.name` has no attribute `givnName`; did you mean `givenName`?",
        ),
        (
            "department == \"x\"",
            "column 1: unknown name `department`; did you mean `user.department`?",
        ),
        ("usr.title", "column 1: unknown name `usr`; did you mean `user`?"),
        (
            "x",
            "column 1: unknown name `x`; the names here are `app`, `as_of`, `login`, `row`, `user`",
        ),
        (
            "row.First_name",
            "column 5: `row` has no attribute `First_name`; did you mean `first_name`?",
        ),
        ("user.title.trimm()", "column 12: unknown function `trimm`; did you mean `trim`?"),
        (
            "user.title.lower()",
            "column 12: `lower` stands around its value, as in `lower(user.userName)`",
        ),
        (
            "contains(user.title, \"a\")",
            "column 1: `contains` stands behind its value, as in `user.title.contains(\"Sales\")`",
        ),
        (
            "exists(user.emails, true)",
            "column 1: `exists` stands behind its value, as in `user.emails.exists(x, x.type == \"work\")`",
        ),
        (
            "user.emails.exists(e, e.typ == \"x\")",
            "column 25: `user.emails` has no attribute `typ`; did you mean `type`?",
        ),
        (
            "user.emails.value",
            "column 13: `user.emails` holds several values: pick one, as in `user.emails[0].value`, or ask them all, as in `user.emails.exists(x, x.value == \"...\")`",
        ),
        ("user.title.x", "column 12: `user.title` is a string and has no attributes"),
        ("user[\"password\"] == \"x\"", "column 6: `password` can never be read"),
        ("user[login]", "column 6: the name of an attribute has to be written out in quotes"),
    ]);
}

#[test]
fn types_are_checked_before_anything_runs() {
    refuse(&[
        (
            "user.department == 3",
            "column 20: cannot compare a string with a number; in quotes it is a string: \"3\"",
        ),
        (
            "user.active == \"true\"",
            "column 16: cannot compare true or false with a string; write true without quotes",
        ),
        ("user.active == 1", "column 16: cannot compare true or false with a number"),
        (
            "user.emails == \"x\"",
            "column 1: a list of objects cannot be compared: compare one of its attributes",
        ),
        (
            "user.name == user.name",
            "column 1: an object cannot be compared: compare one of its attributes",
        ),
        (
            "[\"a\"] == \"a\"",
            "column 10: cannot compare a list of strings with a string; ask with `in`, the list on the right",
        ),
        (
            "user.meta.created < \"2024\"",
            "column 21: cannot compare a point in time with a string; write date(...) or timestamp(...) around the string",
        ),
        (
            "user.active < true",
            "column 1: `<` compares numbers, strings and points in time, but this is true or false",
        ),
        (
            "user.country in \"DE\"",
            "column 17: `in` needs a list on its right, but this is a string; to look inside a string use `.contains(...)`",
        ),
        ("user.country in [1, 2]", "column 17: cannot look for a string among whole numbers"),
        (
            "\"x\" in user.emails",
            "column 8: `user.emails` holds objects; ask each of them, as in `user.emails.exists(x, x.value == \"...\")`",
        ),
        (
            "user.emails == null",
            "column 1: a list is never null; ask for its size, as in size(user.emails) == 0",
        ),
        (
            "user.department && true",
            "column 1: conditions are joined here, but this is a string; compare it, as in `user.department == \"...\"`, or ask `has(user.department)`",
        ),
        ("!1", "column 2: `!` turns a condition around, but this is a whole number"),
        ("-\"a\"", "column 2: `-` needs a number, but this is a string"),
        ("\"a\" + 1", "column 7: cannot add a number to a string; write string(...) around it"),
        (
            "1 + 1.0",
            "column 5: `+` cannot mix whole and decimal numbers; write double(...) around the whole one",
        ),
        ("1.0 % 2.0", "column 7: `%` needs whole numbers"),
        ("1 / 0", "column 5: nothing can be divided by zero"),
        ("user.title - 1", "column 1: `-` needs numbers, but this is a string"),
        (
            "true ? 1 : \"a\"",
            "column 12: both outcomes must be of one type: the first is a whole number, this is a string",
        ),
        (
            "user.title ? 1 : 2",
            "column 1: `?` needs a condition before it, but this is a string; compare it, as in `user.title == \"...\"`, or ask `has(user.title)`",
        ),
        (
            "[1, \"a\"]",
            "column 5: a list holds values of one type: the first is a whole number, this is a string",
        ),
        ("[null]", "column 2: null cannot stand in a list: leave it out"),
        (
            "user.title.startsWith(1)",
            "column 23: `startsWith` needs a string here, but this is a whole number; write string(...) around it",
        ),
        (
            "user.title.startsWith()",
            "column 12: `startsWith` is written with other values, as in `user.title.startsWith(\"Lead\")`",
        ),
        ("user.title.matches(login)", "column 20: the pattern has to be written out in quotes"),
        ("user.title.matches(\"(a\")", "column 20: this pattern is wrong: unclosed group"),
        (
            "user.title.matches(\"(\\\\w{90}){90}\")",
            "column 20: this pattern is too large: shorten it",
        ),
        ("has(login)", "column 5: `has` asks for an attribute of something, as in has(user.title)"),
        ("memberOf(login)", "column 10: the group's name has to be written out in quotes"),
        (
            "date(\"31.01.2026\")",
            "column 6: \"31.01.2026\" cannot be read; write it as in \"2026-01-31\"",
        ),
        (
            "timestamp(\"2026-01-31\")",
            "column 11: \"2026-01-31\" cannot be read; write it as in \"2026-01-31T00:00:00Z\"",
        ),
        (
            "coalesce(user.title, 1)",
            "column 22: all values must be of one type: the first is a string, this is a whole number",
        ),
        (
            "user.emails.exists(user, true)",
            "column 20: `user` is taken: choose another name for each value",
        ),
        (
            "user.emails.exists(e, [1].exists(f, true))",
            "column 27: `exists` cannot stand within another of its kind",
        ),
        (
            "user.emails.exists(e, e.type)",
            "column 23: `exists` needs a condition, but this is a string; compare it, as in `user.emails.type == \"...\"`, or ask `has(user.emails.type)`",
        ),
        (
            "user.emails.exists(e.type)",
            "column 13: `exists` is written with other values, as in `user.emails.exists(x, x.type == \"work\")`",
        ),
        (
            "user.title.exists(x, true)",
            "column 1: `exists` needs a list before it, but this is a string",
        ),
    ]);
    let without = Environment::new().with_resource("user", &profile_type());
    let error = Expression::parse("memberOf(\"a\")", &without, Expect::Boolean).unwrap_err();
    assert_eq!(error.to_string(), "column 1: groups cannot be asked for here");
}

#[test]
fn a_slip_of_the_pen_is_shown_where_it_is() {
    refuse(&[
        ("", "column 1: the expression is empty"),
        ("user.title = \"a\"", "column 12: `=` is not an operator: use `==` to compare"),
        ("true & false", "column 6: `&` is not an operator: use `&&`"),
        ("true and false", "column 6: expected an operator or the end, found `and`; write `&&`"),
        (
            "user.title eq \"a\"",
            "column 12: expected an operator or the end, found `eq`; write `==`",
        ),
        ("user.title == “a”", "column 15: `“` is a typographic quote: use the plain `\"`"),
        ("\"ä\" + ", "column 7: expected a value, found the end"),
        ("(true", "column 6: expected `)` to close the bracket, found the end"),
        ("true)", "column 5: expected an operator or the end, found `)`"),
        ("[1 2]", "column 4: expected `]` or `,`, found `2`"),
        ("true ? 1", "column 9: expected `:` and what holds otherwise, found the end"),
        ("\"abc", "column 1: this string is not closed: `\"` is missing"),
        ("'a\nb'", "column 1: this string is not closed on its line: `'` is missing"),
        ("\"\"\"a\"\"\"", "column 1: triple quotes are not supported: use one quote on each side"),
        (
            "\"a\\d\"",
            "column 3: this escape is unknown; a backslash itself is written `\\\\`, or the string is made raw: r\"...\"",
        ),
        ("\"\\ud800\"", "column 2: this escape needs 4 digits that name a character"),
        ("1u", "column 1: unsigned numbers are not supported: leave out the `u`"),
        ("9223372036854775808", "column 1: this whole number is too large"),
        (
            "1a",
            "column 1: a name cannot start with a digit; a name that does is written in brackets, as in `row[\"1st_name\"]`",
        ),
        ("b\"a\"", "column 1: bytes are not supported: write a string in quotes"),
        (
            "{\"a\": 1}",
            "column 1: maps are not supported; a list is written in square brackets: [\"a\", \"b\"]",
        ),
        (
            "1 < 2 < 3",
            "column 7: comparisons cannot be chained: join them with `&&`, or put one in brackets",
        ),
        ("user.?title", "column 6: `.?` is not supported: a missing attribute is no mistake"),
        ("user.", "column 6: expected the name of an attribute after `.`, found the end"),
        ("if == 1", "column 1: `if` is a reserved word"),
        ("true;", "column 5: one expression only: `;` does not belong here"),
        ("true\u{a0}", "column 5: the invisible character U+00A0 does not belong here"),
    ]);
}

#[test]
fn comments_and_blank_lines_do_not_count() {
    check(&[("// rule\n  1 + // one\n\t2\r\n// end", "3")]);
}

#[test]
fn the_value_has_to_be_what_it_is_for() {
    refuse_as(
        Expect::Boolean,
        &[
            (
                "user.department",
                "column 1: true or false is needed here, but `user.department` is a string; compare it, as in `user.department == \"...\"`",
            ),
            ("1", "column 1: true or false is needed here, but this is a whole number"),
            ("null", "column 1: true or false is needed here, but this is null"),
        ],
    );
    refuse_as(
        Expect::String,
        &[
            (
                "1 + 1",
                "column 1: a string is needed here, but this is a whole number; write string(...) around it",
            ),
            (
                "user.emails.map(e, e.value)",
                "column 1: a string is needed here, but this is a list of strings; pick one value with [0], or put them together with .join(\", \")",
            ),
            ("user", "column 1: `user` is everything at once: name one of its attributes"),
        ],
    );
    refuse_as(
        Expect::StringOrList,
        &[(
            "user.emails",
            "column 1: a string or a list of strings is needed here, but `user.emails` is a list of objects",
        )],
    );
    for text in ["\"a\"", "[\"a\"]", "[]", "null", "user.emails.map(e, e.value)"] {
        assert!(Expression::parse(text, &environment(), Expect::StringOrList).is_ok(), "{text}");
    }
}

#[test]
fn limits_are_kept_before_anything_runs() {
    let refused =
        |text: &str| Expression::parse(text, &environment(), Expect::Any).unwrap_err().message;
    let nesting = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(Expression::parse(&nesting(40), &environment(), Expect::Any).is_ok());
    assert_eq!(refused(&nesting(60)), "nested more than 48 levels deep: split the expression");
    let deep = "nested more than 48 levels deep: split the expression";
    assert_eq!(refused(&format!("{}true", "!".repeat(4_000))), deep);
    assert_eq!(refused(&format!("1{}", " + 1".repeat(100))), deep);
    assert_eq!(refused(&format!("login{}", ".trim()".repeat(100))), deep);
    let alternatives = vec!["user.title == \"a\""; 200].join(" || ");
    assert!(Expression::parse(&alternatives, &environment(), Expect::Any).is_ok());
    assert_eq!(
        refused(&" ".repeat(9_000)),
        "the expression is 9000 bytes long; at most 8192 are allowed"
    );
    let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert!(Expression::parse(&list(500), &environment(), Expect::Any).is_ok());
    assert_eq!(refused(&list(501)), "a list may have at most 500 values");
    let many = vec!["user.emails.exists(e, e.value.matches(\"a\"))"; 20].join(" || ");
    assert_eq!(
        refused(&many),
        "the expression may take 440021 steps; at most 200000 are allowed: ask fewer questions of each value of a list"
    );
    let parts = vec!["1==1"; 900].join("||");
    assert_eq!(refused(&parts), "the expression has more than 2000 parts: split it");
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

#[track_caller]
fn check_why(text: &str, expected: &str) {
    let found = with_ana(|bindings| parse(text).explain(bindings).to_string());
    let expected: Vec<&str> = expected.lines().map(|line| line.trim_start_matches(' ')).collect();
    let indented: Vec<String> = expected
        .iter()
        .map(|line| {
            let depth = line.chars().take_while(|c| *c == '>').count();
            format!("{:width$}{}", "", line.trim_start_matches('>'), width = 2 * depth)
        })
        .collect();
    assert_eq!(found, indented.join("\n"), "{text}");
}

#[test]
fn why_is_told_by_derivation() {
    check_why(r#"user.department == "Sales""#, "user.department is \"Support\", not \"Sales\"");
    check_why(
        r#"user.department == "Sales" && user.country in ["DE", "AT"] && user.nickName == "x""#,
        "not all conditions hold
        >user.department is \"Support\", not \"Sales\"
        >user.nickName has no value, so it is not \"x\"",
    );
    check_why(
        r#"user.department == "Sales" || user.country in ["DE", "AT"]"#,
        "one of the conditions holds
        >user.country is \"DE\", one of \"DE\", \"AT\"",
    );
    check_why(
        r#"user.department != "Sales" && !user.title.matches("(?i)intern")"#,
        "all conditions hold
        >user.department is \"Support\", not \"Sales\"
        >user.title is \"Lead Engineer\", which does not match the pattern \"(?i)intern\"",
    );
    check_why(
        r#"user.emails.exists(e, e.type == "other")"#,
        "e.type == \"other\" holds for none of the 2 values of user.emails
        >e.type is \"work\", not \"other\"
        >e.type is \"home\", not \"other\"",
    );
    check_why(
        r#"user.emails.exists(e, e.type == "work") && user.emails.all(e, e.value.endsWith("@acme.com"))"#,
        "not all conditions hold
        >e.value.endsWith(\"@acme.com\") holds for 1 of the 2 values of user.emails
        >>e.value is \"ana@home.example\", which does not end with \"@acme.com\"",
    );
    check_why(
        r#"has(user.nickName) ? user.nickName : user.name.givenName + " " + user.name.familyName"#,
        "the outcome is \"Ana Ruiz\"
        >user.nickName has no value
        >user.name.givenName + \" \" + user.name.familyName is \"Ana Ruiz\"
        >>user.name.givenName is \"Ana\"
        >>user.name.familyName is \"Ruiz\"",
    );
    check_why(
        r#"memberOf("Sales") && size(user.emails) > 2 && 1 / (size(user.emails) - 2) == 1"#,
        "not all conditions hold
        >size(user.emails) is 2, not greater than 2",
    );
    check_why(
        r#"1 / (size(user.emails) - 2) == 1"#,
        "1 / (size(user.emails) - 2) == 1 cannot be evaluated: nothing can be divided by zero",
    );
    check_why(
        r#"date(user.hireDate) < date("2024-01-01") || user.active == false || lower(user.department) == "sales""#,
        "none of the conditions holds
        >date(user.hireDate) is 2024-02-01T00:00:00Z, not before 2024-01-01T00:00:00Z
        >user.active is true, not false
        >lower(user.department) is \"support\", not \"sales\"",
    );
    check_why(
        r#"user.phoneNumbers.exists(p, p.type == "work") || user.nickName.startsWith("x") || user.nickName > user.title"#,
        "none of the conditions holds
        >user.phoneNumbers has no value
        >user.nickName has no value, so it does not start with \"x\"
        >user.nickName has no value to compare with user.title, which is \"Lead Engineer\"",
    );
    check_why(r#""Sales" == user.department"#, "user.department is \"Support\", not \"Sales\"");
    check_why(r#"memberOf("Support")"#, "the person is not a member of \"Support\"");
    check_why(
        r#"has(user.emails)"#,
        r#"user.emails is [{"primary":true,"type":"work","value":"ana.ruiz@acme.com"}, {"type":"home","value":"ana@home.example"}]"#,
    );
}

#[test]
fn the_reasons_are_the_leaves() {
    with_ana(|bindings| {
        let trace = parse(r#"user.active && (user.country == "FR" || user.title == "CEO")"#)
            .explain(bindings);
        assert_eq!(
            trace.reasons(),
            ["user.country is \"DE\", not \"FR\"", "user.title is \"Lead Engineer\", not \"CEO\""]
        );
    });
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
