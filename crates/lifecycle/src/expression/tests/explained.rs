//! Why an expression has its value.

use super::*;

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
