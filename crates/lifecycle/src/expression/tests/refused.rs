//! What is no expression, and how that is said.

use super::*;

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

#[test]
fn the_deepest_expression_is_evaluated_and_explained() {
    let choice = format!("{}true", "user.active ? false : ".repeat(46));
    let sum = format!("1{}", " + 1".repeat(47));
    let not = format!("{}true", "!".repeat(47));
    let brackets = format!("{}login{}", "(".repeat(47), ")".repeat(47));
    for (text, expected) in
        [(choice, "false"), (sum, "48"), (not, "false"), (brackets, "\"ana.ruiz\"")]
    {
        assert_eq!(value(&text), expected, "{text}");
        with_ana(|bindings| assert!(!parse(&text).explain(bindings).reasons().is_empty()));
    }
}
