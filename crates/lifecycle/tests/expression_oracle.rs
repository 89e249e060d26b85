//! The expression language against the crate `cel`: what Muster's language accepts, CEL accepts, and
//! where CEL has a value, Muster's is the same.
//!
//! Expressions are generated well-typed from the common subset, over a document in which nothing is
//! missing, with few enough mistakes at run time (an index too far, an overflow) that most have a
//! value. Where CEL fails, Muster's language may go on; the unit tests say how.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use lifecycle::{Bindings, Environment, Expect, Expression, Value};
use proptest::prelude::*;
use scim::{Extension, ResourceType, Schema};
use serde_json::{Map, Value as Json, json};

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

/// How tightly a piece of text holds together: CEL's levels of precedence.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Holds {
    Choice,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Unary,
    Member,
}

type Piece = (String, Holds);

/// Only where the type of its values does not matter: CEL would do anything with them.
fn nothing() -> Piece {
    ("[]".to_owned(), Holds::Member)
}

/// Writes a well-typed expression, following a list of choices: so a failure shrinks. When they run
/// out the first way is always taken, which is the shortest.
struct Writer<'a> {
    choices: std::slice::Iter<'a, u16>,
    depth: usize,
    /// Within a macro: what `x` is.
    variable: Option<Variable>,
}

#[derive(Clone, Copy, PartialEq)]
enum Variable {
    Email,
    Text,
    Int,
}

impl Writer<'_> {
    fn choose(&mut self, count: u16) -> u16 {
        self.choices.next().map_or(0, |choice| choice % count)
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.choose(from.len() as u16) as usize].to_owned()
    }

    /// A way to write something: the first `leaves` of them need nothing below.
    fn way(&mut self, leaves: u16, ways: u16) -> u16 {
        let ways = if self.depth == 0 { leaves } else { ways };
        self.choose(ways)
    }

    fn below<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        self.depth -= 1;
        let written = write(self);
        self.depth += 1;
        written
    }

    fn hold(&mut self, (text, holds): Piece, least: Holds) -> String {
        if holds < least || self.choose(8) == 7 { format!("({text})") } else { text }
    }

    fn binary(
        &mut self,
        left: Piece,
        operator: &str,
        right: Piece,
        holds: Holds,
        tighter: Holds,
    ) -> Piece {
        let left = if matches!(holds, Holds::Relation) {
            self.hold(left, tighter)
        } else {
            self.hold(left, holds)
        };
        let right = self.hold(right, tighter);
        let glue = self.pick(&[" ", "", "\n "]);
        // `in` and signs need room.
        let glue = if operator == "in" || right.starts_with('-') { " ".to_owned() } else { glue };
        (format!("{left}{glue}{operator}{glue}{right}"), holds)
    }

    fn choice(&mut self, write: fn(&mut Self) -> Piece) -> Piece {
        let condition = self.boolean();
        let (yes, no) = (write(self), write(self));
        let (condition, yes) = (self.hold(condition, Holds::Or), self.hold(yes, Holds::Or));
        let no = self.hold(no, Holds::Choice);
        (format!("{condition} ? {yes} : {no}"), Holds::Choice)
    }

    fn method(&mut self, target: Piece, call: &str, args: &[Piece]) -> Piece {
        let target = self.hold(target, Holds::Member);
        let args: Vec<_> = args.iter().map(|(arg, _)| arg.as_str()).collect();
        (format!("{target}.{call}({})", args.join(", ")), Holds::Member)
    }

    fn literal(&mut self) -> Piece {
        let value = self.pick(&[
            "a", "", "B", "ä", "ab", "北b", " a ", "a.b", "@", "'", "\"", "\\", "\n", "aa",
        ]);
        let text = match self.choose(4) {
            0 => format!("{value:?}"),
            1 => format!("'{}'", value.escape_debug().to_string().replace("\\\"", "\"")),
            2 if !value.contains(['"', '\n']) => format!("r\"{value}\""),
            _ => {
                let escaped = value.chars().map(|c| format!("\\U{:08x}", u32::from(c)));
                format!("\"{}\"", escaped.collect::<String>())
            }
        };
        (text, Holds::Member)
    }

    fn boolean(&mut self) -> Piece {
        let way = self.way(3, 24);
        let member = |text: String| (text, Holds::Member);
        match way {
            0 => member(self.pick(&["true", "false"])),
            1 => member("user.active".to_owned()),
            2 if self.variable == Some(Variable::Email) => member("x.primary".to_owned()),
            2 => member(self.pick(&["has(user.title)", "has(user.name.givenName)"])),
            _ => self.below(|writer| writer.condition(way)),
        }
    }

    fn condition(&mut self, way: u16) -> Piece {
        match way {
            3 => {
                let inner = self.boolean();
                (format!("!{}", self.hold(inner, Holds::Member)), Holds::Unary)
            }
            4..=6 => {
                let (left, right) = (self.boolean(), self.boolean());
                self.binary(left, "&&", right, Holds::And, Holds::Relation)
            }
            7..=9 => {
                let (left, right) = (self.boolean(), self.boolean());
                self.binary(left, "||", right, Holds::Or, Holds::And)
            }
            10 => self.choice(Self::boolean),
            11 | 12 => {
                let operator = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                let (left, right) = (self.string(), self.string());
                self.binary(left, &operator, right, Holds::Relation, Holds::Sum)
            }
            13 => {
                let operator = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                let (left, right) = (self.int(), self.int());
                self.binary(left, &operator, right, Holds::Relation, Holds::Sum)
            }
            14 => {
                let operator = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                let (left, right) = (self.int(), self.double());
                let sides = if self.choose(2) == 0 { (left, right) } else { (right, left) };
                self.binary(sides.0, &operator, sides.1, Holds::Relation, Holds::Sum)
            }
            15 => {
                let operator = self.pick(&["==", "!="]);
                let (left, right) = (self.boolean(), self.boolean());
                self.binary(left, &operator, right, Holds::Relation, Holds::Sum)
            }
            16 => {
                let operator = self.pick(&["==", "!="]);
                let (left, right) = (self.strings(), self.strings());
                self.binary(left, &operator, right, Holds::Relation, Holds::Sum)
            }
            17 => {
                let empty = self.choose(8) == 7;
                let right = if empty { nothing() } else { self.strings() };
                let left = self.string();
                self.binary(left, "in", right, Holds::Relation, Holds::Sum)
            }
            18 => {
                let (left, right) = (self.int(), self.ints());
                self.binary(left, "in", right, Holds::Relation, Holds::Sum)
            }
            19 => {
                let call = self.pick(&["startsWith", "endsWith", "contains"]);
                let (target, arg) = (self.string(), self.string());
                self.method(target, &call, &[arg])
            }
            20 => {
                let pattern = self.pick(&[
                    "\"a\"",
                    "'^a*$'",
                    r#"r"(?i)b\b""#,
                    r#""[^a-z]""#,
                    r#""\\w+""#,
                    "\"\"",
                ]);
                let target = self.string();
                self.method(target, "matches", &[(pattern, Holds::Member)])
            }
            21 => {
                let operator = self.pick(&["==", "!="]);
                let left = self.string();
                let null = ("null".to_owned(), Holds::Member);
                self.binary(left, &operator, null, Holds::Relation, Holds::Sum)
            }
            _ => self.each(),
        }
    }

    fn each(&mut self) -> Piece {
        if self.variable.is_some() {
            return ("user.active".to_owned(), Holds::Member);
        }
        let call = self.pick(&["exists", "all", "exists_one"]);
        let (range, variable) = match self.choose(3) {
            0 => (("user.emails".to_owned(), Holds::Member), Variable::Email),
            1 => (self.strings(), Variable::Text),
            _ => (self.ints(), Variable::Int),
        };
        let body = self.with(variable, Self::boolean);
        self.method(range, &call, &[("x".to_owned(), Holds::Member), body])
    }

    fn with(&mut self, variable: Variable, write: fn(&mut Self) -> Piece) -> Piece {
        self.variable = Some(variable);
        let written = write(self);
        self.variable = None;
        written
    }

    fn string(&mut self) -> Piece {
        let way = self.way(4, 18);
        match way {
            0 => self.literal(),
            1 | 2 => {
                let names = [
                    "user.title",
                    "user.department",
                    "user.userName",
                    "user.name.givenName",
                    "user.manager.value",
                    "login",
                    "user[\"title\"]",
                ];
                (self.pick(&names), Holds::Member)
            }
            3 => match self.variable {
                Some(Variable::Email) => (self.pick(&["x.value", "x.type"]), Holds::Member),
                Some(Variable::Text) => ("x".to_owned(), Holds::Member),
                _ => (
                    self.pick(&["user.emails[0].value", "user.tags[0]", "user.emails[1].type"]),
                    Holds::Member,
                ),
            },
            _ => self.below(|writer| writer.made(way)),
        }
    }

    fn made(&mut self, way: u16) -> Piece {
        match way {
            4..=6 => {
                let (left, right) = (self.string(), self.string());
                self.binary(left, "+", right, Holds::Sum, Holds::Product)
            }
            7 => self.choice(Self::string),
            8 => {
                let call = self.pick(&["lowerAscii", "upperAscii", "trim"]);
                let target = self.string();
                self.method(target, &call, &[])
            }
            9 => {
                let (target, from, to) = (self.string(), self.string(), self.string());
                let count = (self.pick(&["0", "1", "-1"]), Holds::Member);
                let args = [from, to, count];
                let given = 3 - usize::from(self.choose(2));
                self.method(target, "replace", &args[..given])
            }
            10 | 11 => {
                let target = self.string();
                let args = [
                    (self.pick(&["0", "1", "2"]), Holds::Member),
                    (self.pick(&["2", "1", "3"]), Holds::Member),
                ];
                let given = 2 - usize::from(self.choose(2));
                self.method(target, "substring", &args[..given])
            }
            12 => {
                let list = self.strings();
                let list = self.hold(list, Holds::Member);
                (format!("{list}[{}]", self.pick(&["0", "1", "-1"])), Holds::Member)
            }
            13 | 14 => {
                let list = self.strings();
                let args = if self.choose(2) == 0 { vec![] } else { vec![self.string()] };
                self.method(list, "join", &args)
            }
            15 => (format!("string({})", self.int().0), Holds::Member),
            16 => (format!("string({})", self.double().0), Holds::Member),
            _ => (format!("string({})", self.boolean().0), Holds::Member),
        }
    }

    fn strings(&mut self) -> Piece {
        let way = self.way(2, 8);
        match way {
            0 => ("user.tags".to_owned(), Holds::Member),
            1 => (self.pick(&["[\"a\", 'ab']", "['a',]"]), Holds::Member),
            _ => self.below(|writer| match way {
                2 => {
                    let items: Vec<_> = (0..=writer.choose(3)).map(|_| writer.string().0).collect();
                    (format!("[{}]", items.join(", ")), Holds::Member)
                }
                3 => {
                    let empty = writer.choose(4) == 3;
                    let left = if empty { nothing() } else { writer.strings() };
                    let right = writer.strings();
                    writer.binary(left, "+", right, Holds::Sum, Holds::Product)
                }
                4 => {
                    let (target, separator) = (writer.string(), writer.string());
                    let count = (writer.pick(&["2", "0", "-1"]), Holds::Member);
                    let given = 2 - usize::from(writer.choose(2));
                    writer.method(target, "split", &[separator, count][..given])
                }
                5 => writer.choice(Self::strings),
                _ if writer.variable.is_some() => ("user.tags".to_owned(), Holds::Member),
                6 => {
                    let body = writer.with(Variable::Email, Self::string);
                    (format!("user.emails.map(x, {})", body.0), Holds::Member)
                }
                _ => {
                    let range = writer.strings();
                    let body = writer.with(Variable::Text, Self::boolean);
                    writer.method(range, "filter", &[("x".to_owned(), Holds::Member), body])
                }
            }),
        }
    }

    fn ints(&mut self) -> Piece {
        let items: Vec<_> = (0..self.choose(4)).map(|_| self.way(1, 1).to_string()).collect();
        if items.is_empty() || self.depth == 0 {
            return ("[1, 2, 3]".to_owned(), Holds::Member);
        }
        let items: Vec<_> = items.iter().map(|_| self.below(Self::int).0).collect();
        (format!("[{}]", items.join(",")), Holds::Member)
    }

    fn int(&mut self) -> Piece {
        let way = self.way(3, 13);
        match way {
            0 => {
                let text = self.pick(&[
                    "1",
                    "0",
                    "2",
                    "-1",
                    "7",
                    "0x10",
                    "9223372036854775807",
                    "-9223372036854775808",
                ]);
                let holds = if text.starts_with('-') { Holds::Unary } else { Holds::Member };
                (text, holds)
            }
            1 => ("user.level".to_owned(), Holds::Member),
            2 if self.variable == Some(Variable::Int) => ("x".to_owned(), Holds::Member),
            2 => ("size(user.title)".to_owned(), Holds::Member),
            _ => self.below(|writer| match way {
                3..=5 => {
                    let operator = writer.pick(&["+", "-"]);
                    let (left, right) = (writer.int(), writer.int());
                    writer.binary(left, &operator, right, Holds::Sum, Holds::Product)
                }
                6 | 7 => {
                    let operator = writer.pick(&["*", "/", "%"]);
                    let (left, mut right) = (writer.int(), writer.int());
                    // Muster refuses it when it is written out.
                    if right.0.trim_matches(['(', ')', '-']) == "0" {
                        right.0 = "3".to_owned();
                    }
                    writer.binary(left, &operator, right, Holds::Product, Holds::Unary)
                }
                8 => {
                    let inner = writer.int();
                    (format!("-{}", writer.hold(inner, Holds::Member)), Holds::Unary)
                }
                9 => (format!("size({})", writer.string().0), Holds::Member),
                10 => {
                    let list = writer.strings();
                    writer.method(list, "size", &[])
                }
                11 => (format!("int({})", writer.double().0), Holds::Member),
                _ => {
                    let inner = writer.int();
                    (format!("int(string({}))", inner.0), Holds::Member)
                }
            }),
        }
    }

    fn double(&mut self) -> Piece {
        let way = self.way(2, 6);
        match way {
            0 => {
                let text = self.pick(&["1.5", "0.0", ".25", "1e3", "-2.5", "12.0e-1"]);
                let holds = if text.starts_with('-') { Holds::Unary } else { Holds::Member };
                (text, holds)
            }
            1 => ("user.rate".to_owned(), Holds::Member),
            _ => self.below(|writer| match way {
                2 => {
                    let operator = writer.pick(&["+", "-"]);
                    let (left, right) = (writer.double(), writer.double());
                    writer.binary(left, &operator, right, Holds::Sum, Holds::Product)
                }
                3 => {
                    let operator = writer.pick(&["*", "/"]);
                    let (left, right) = (writer.double(), writer.double());
                    writer.binary(left, &operator, right, Holds::Product, Holds::Unary)
                }
                4 => (format!("double({})", writer.int().0), Holds::Member),
                _ => {
                    let inner = writer.double();
                    (format!("-{}", writer.hold(inner, Holds::Member)), Holds::Unary)
                }
            }),
        }
    }
}

fn expression() -> impl Strategy<Value = String> {
    (0..3u8, 1..5usize, prop::collection::vec(any::<u16>(), 0..120)).prop_map(
        |(kind, depth, choices)| {
            let mut writer = Writer { choices: choices.iter(), depth, variable: None };
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

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
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_muster_accepts_cel_accepts(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 1..9), glue in prop::sample::select(vec!["", " "])) {
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
