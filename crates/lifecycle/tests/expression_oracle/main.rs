//! The expression language against the crate `cel`: what Muster's language accepts, CEL accepts, and
//! where CEL has a value, Muster's is the same.
//!
//! Expressions are generated well-typed from the common subset, over a document in which nothing is
//! missing, with few enough mistakes at run time (an index too far, an overflow) that most have a
//! value. Where CEL fails, Muster's language may go on; the unit tests say how.

#![allow(clippy::unwrap_used, missing_docs)]

mod writer;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use lifecycle::{Bindings, Environment, Expect, Expression, Value};
use proptest::prelude::*;
use scim::{Extension, ResourceType, Schema};
use serde_json::{Map, Value as Json, json};
use writer::Writer;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const MEASURES: &str = "urn:example:measures";

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let measures = json!({"id": MEASURES, "name": "Measures", "attributes": [
        {"name": "level", "type": "integer"},
        {"name": "rate", "type": "decimal"},
        {"name": "tags", "type": "string", "multiValued": true},
    ]});
    let measures = Schema::from_json(&measures.to_string()).unwrap();
    let resource = ResourceType::user(vec![
        Extension::optional(scim::enterprise_user_schema()),
        Extension::optional(Arc::new(measures)),
    ]);
    Environment::new().with_resource("user", &resource).with_text("login")
});

static CEL: LazyLock<Arc<cel::Env>> = LazyLock::new(|| {
    let mut env = cel::Env::stdlib();
    env.add_extension(cel::extensions::strings).unwrap();
    Arc::new(env)
});

/// The same person for both: with extensions for Muster's, flat for CEL.
#[derive(Debug, Clone)]
struct Subject {
    document: Map<String, Json>,
    flat: Json,
    login: String,
}

fn text() -> impl Strategy<Value = String> {
    let letters =
        prop::sample::select(vec!['a', 'b', 'B', 'ä', '北', ' ', '.', '@', '"', '\'', '\\', '\n']);
    prop::collection::vec(letters, 0..6).prop_map(|letters| letters.into_iter().collect())
}

fn subject() -> impl Strategy<Value = Subject> {
    let texts = prop::collection::vec(text(), 8);
    let tags = prop::collection::vec(text(), 1..4);
    let emails = prop::collection::vec((text(), text(), any::<bool>()), 1..4);
    let level = prop_oneof![-3i64..4, any::<i64>()];
    let rate = prop_oneof![Just(0.0), Just(1.5), -10.0..10.0f64];
    (texts, tags, emails, any::<bool>(), level, rate).prop_map(
        |(texts, tags, emails, active, level, rate)| {
            let emails: Vec<Json> = emails
                .into_iter()
                .map(|(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary}))
                .collect();
            let core = json!({
                "userName": texts[0], "title": texts[1], "active": active, "emails": emails,
                "name": {"givenName": texts[2], "familyName": texts[3]},
            });
            let enterprise = json!({"department": texts[4], "manager": {"value": texts[5]}});
            let measures = json!({"level": level, "rate": rate, "tags": tags});
            let mut document = core.as_object().unwrap().clone();
            let mut flat = document.clone();
            flat.extend(enterprise.as_object().unwrap().clone());
            flat.extend(measures.as_object().unwrap().clone());
            document.insert(ENTERPRISE.to_owned(), enterprise);
            document.insert(MEASURES.to_owned(), measures);
            Subject { document, flat: Json::Object(flat), login: texts[6].clone() }
        },
    )
}

fn to_cel(json: &Json) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(bool) => cel::Value::Bool(*bool),
        Json::Number(number) => match number.as_i64() {
            Some(int) => cel::Value::Int(int),
            None => cel::Value::Float(number.as_f64().unwrap()),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => values.iter().map(to_cel).collect::<Vec<_>>().into(),
        Json::Object(object) => object
            .iter()
            .map(|(key, value)| (key.as_str(), to_cel(value)))
            .collect::<HashMap<_, _>>()
            .into(),
    }
}

fn same(ours: &Value, cel: &cel::Value) -> bool {
    match (ours, cel) {
        (Value::Bool(a), cel::Value::Bool(b)) => a == b,
        (Value::Int(a), cel::Value::Int(b)) => a == b,
        (Value::Double(a), cel::Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::String(a), cel::Value::String(b)) => *a == **b,
        (Value::List(a), cel::Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        _ => false,
    }
}

fn expression() -> impl Strategy<Value = String> {
    (0..3u8, 1..5usize, prop::collection::vec(any::<u16>(), 0..120)).prop_map(
        |(kind, depth, choices)| {
            let mut writer = Writer::new(&choices, depth);
            match kind {
                0 => writer.boolean().0,
                1 => writer.string().0,
                _ => writer.strings().0,
            }
        },
    )
}

/// Both answers: Muster's as text, and whether CEL has one and it is the same.
fn compare(text: &str, subject: &Subject) -> Result<Option<Value>, String> {
    let expression = match Expression::parse(text, &ENVIRONMENT, Expect::Any) {
        Ok(expression) => expression,
        Err(error) if error.message.contains("steps; at most") => return Ok(None),
        Err(error) => return Err(format!("refused at {error}")),
    };
    let program = CEL.compile(text).map_err(|error| format!("CEL does not accept it: {error}"))?;
    let mut context = cel::Context::with_env(Arc::clone(&CEL));
    context.add_variable_from_value("user", to_cel(&subject.flat));
    context.add_variable_from_value("login", subject.login.as_str());
    let bindings =
        Bindings::new().document("user", &subject.document).text("login", &subject.login);
    let ours = expression.evaluate(&bindings);
    expression.explain(&bindings);
    match (program.execute(&context), ours) {
        (Err(_), _) => Ok(None),
        (Ok(cel), Ok(ours)) if same(&ours, &cel) => Ok(Some(ours)),
        (Ok(cel), ours) => Err(format!("CEL has {cel:?}, Muster {ours:?}")),
    }
}

/// How many to try: `PROPTEST_CASES`, for a long search by hand.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_cel_computes_muster_computes(text in expression(), subject in subject()) {
        if let Err(problem) = compare(&text, &subject) {
            prop_assert!(false, "{}\n{}", text, problem);
        }
    }
}

/// Pieces from which now and then something comes that is an expression.
const PIECES: [&str; 40] = [
    "user.title",
    "user.active",
    "user.emails",
    "login",
    "user",
    ".",
    "title",
    "(",
    ")",
    "[",
    "]",
    "==",
    "!=",
    "<",
    "in",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "%",
    "?",
    ":",
    ",",
    "\"a\"",
    "'\\x41'",
    "r'\\'",
    "1",
    "0",
    ".5",
    "1e1",
    "true",
    "null",
    "has(user.title)",
    "size(",
    ".exists(e, ",
    "e.type",
    ".trim()",
    "// c\n",
    "0xa",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(3_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_muster_accepts_cel_accepts(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..9),
        glue in prop::sample::select(vec!["", " "]),
    ) {
        let text = pieces.join(glue);
        if Expression::parse(&text, &ENVIRONMENT, Expect::Any).is_ok() {
            let compiled = CEL.compile(&text);
            prop_assert!(compiled.is_ok(), "{text}: {}", compiled.err().map(|error| error.to_string()).unwrap_or_default());
        }
    }
}

/// The comparison could not fail if nothing had a value: most have, and of each kind some.
#[test]
fn most_generated_expressions_have_a_value() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut valued, mut yes, mut no, mut long) = (0, 0, 0, 0);
    for _ in 0..400 {
        let text = expression().new_tree(&mut runner).unwrap().current();
        let subject = subject().new_tree(&mut runner).unwrap().current();
        let value = compare(&text, &subject).unwrap();
        valued += usize::from(value.is_some());
        yes += usize::from(value == Some(Value::Bool(true)));
        no += usize::from(value == Some(Value::Bool(false)));
        long += usize::from(value.is_some() && text.len() > 60);
    }
    assert!(valued > 250 && yes > 30 && no > 30 && long > 60, "{valued} {yes} {no} {long}");
}
