//! Writes well-typed expressions of the common subset.

/// How tightly a piece of text holds together: CEL's levels of precedence.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Holds {
    Choice,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Unary,
    Member,
}

pub type Piece = (String, Holds);

/// Only where the type of its values does not matter: CEL would do anything with them.
fn nothing() -> Piece {
    ("[]".to_owned(), Holds::Member)
}

/// Writes a well-typed expression, following a list of choices: so a failure shrinks. When they run
/// out the first way is always taken, which is the shortest.
pub struct Writer<'a> {
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

impl<'a> Writer<'a> {
    pub fn new(choices: &'a [u16], depth: usize) -> Self {
        Self { choices: choices.iter(), depth, variable: None }
    }

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

    pub fn boolean(&mut self) -> Piece {
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

    pub fn string(&mut self) -> Piece {
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

    pub fn strings(&mut self) -> Piece {
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
