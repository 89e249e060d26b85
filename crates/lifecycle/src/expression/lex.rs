//! Text to tokens: the lexical part of CEL that the language uses.

use super::Problem;

/// Where something stands in the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }
}

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    True,
    False,
    Null,
    In,
    /// Without its sign, so that the smallest whole number can be written.
    Int(u64),
    Double(f64),
    Text(String),
    /// An operator or a bracket, as it is written.
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// Reads the whole text; the last token is always the end.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Problem> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let start = lexer.at;
        let kind = lexer.token()?;
        let end = kind == TokenKind::End;
        tokens.push(Token { kind, span: Span { start, end: lexer.at } });
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.trim_start_matches(['\t', ' ', '\r', '\n', '\u{c}']);
            self.at += rest.len() - blank.len();
            if !blank.starts_with("//") {
                return;
            }
            self.at += blank.find('\n').unwrap_or(blank.len());
        }
    }

    fn token(&mut self) -> Result<TokenKind, Problem> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(TokenKind::End);
        };
        if rest.starts_with(['"', '\'']) {
            return self.quoted(false);
        }
        if rest.starts_with("r\"") || rest.starts_with("r'") {
            self.at += 1;
            return self.quoted(true);
        }
        if rest.starts_with("R\"") || rest.starts_with("R'") {
            self.at += 1;
            return self.quoted(true);
        }
        let lower = rest.to_ascii_lowercase_prefix();
        if ["b\"", "b'", "br\"", "br'"].iter().any(|prefix| lower.starts_with(prefix)) {
            return Err(Problem::at(self.at, "bytes are not supported: write a string in quotes"));
        }
        let after_dot = rest.strip_prefix('.').and_then(|rest| rest.chars().next());
        if first.is_ascii_digit() || after_dot.is_some_and(|next| next.is_ascii_digit()) {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let length =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            self.at += length;
            return Ok(word(&rest[..length]));
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.at += symbol.len();
            return Ok(TokenKind::Symbol(symbol));
        }
        Err(Problem::at(self.at, unexpected(first)))
    }

    /// Numbers as in CEL: `12`, `0x1F`, `1.5`, `.5`, `1e3`.
    fn number(&mut self) -> Result<TokenKind, Problem> {
        let start = self.at;
        let rest = self.rest();
        if let Some(hex) = rest.strip_prefix("0x") {
            let length = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            self.at += 2 + length;
            self.end_of_number(start)?;
            return u64::from_str_radix(&hex[..length], 16)
                .map(TokenKind::Int)
                .map_err(|_| self.bad_number(start));
        }
        let digits = |text: &str| text.len() - text.trim_start_matches(is_digit).len();
        let mut length = digits(rest);
        let mut whole = true;
        if rest[length..].starts_with('.') && digits(&rest[length + 1..]) > 0 {
            length += 1 + digits(&rest[length + 1..]);
            whole = false;
        }
        if rest[length..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
            let exponent = digits(&rest[length + 1 + sign..]);
            if exponent > 0 {
                length += 1 + sign + exponent;
                whole = false;
            }
        }
        self.at += length;
        self.end_of_number(start)?;
        let kind = if whole {
            rest[..length].parse().ok().map(TokenKind::Int)
        } else {
            rest[..length]
                .parse()
                .ok()
                .filter(|double: &f64| double.is_finite())
                .map(TokenKind::Double)
        };
        kind.ok_or_else(|| self.bad_number(start))
    }

    fn end_of_number(&self, start: usize) -> Result<(), Problem> {
        match self.peek() {
            Some('u' | 'U') => {
                Err(Problem::at(start, "unsigned numbers are not supported: leave out the `u`"))
            }
            Some(c) if c.is_alphanumeric() || c == '_' => Err(Problem::at(
                start,
                "a name cannot start with a digit; a name that does is written in brackets, as in `row[\"1st_name\"]`",
            )),
            _ => Ok(()),
        }
    }

    fn bad_number(&self, start: usize) -> Problem {
        Problem::at(
            start,
            format!("`{}` is not a number that can be used", &self.text[start..self.at]),
        )
    }

    /// A string from its opening quote on. Raw strings know no escapes.
    fn quoted(&mut self, raw: bool) -> Result<TokenKind, Problem> {
        let open = self.at;
        let rest = self.rest();
        if rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            return Err(Problem::at(
                open,
                "triple quotes are not supported: use one quote on each side",
            ));
        }
        let quote = if rest.starts_with('"') { '"' } else { '\'' };
        self.at += 1;
        let mut value = String::new();
        loop {
            let at = self.at;
            let Some(c) = self.peek() else {
                return Err(Problem::at(
                    open,
                    format!("this string is not closed: `{quote}` is missing"),
                ));
            };
            self.at += c.len_utf8();
            match c {
                '\n' | '\r' => {
                    return Err(Problem::at(
                        open,
                        format!("this string is not closed on its line: `{quote}` is missing"),
                    ));
                }
                '\\' if !raw => value.push(self.escape(at)?),
                c if c == quote => return Ok(TokenKind::Text(value)),
                c => value.push(c),
            }
        }
    }

    /// The character an escape stands for; the backslash at `start` is already read.
    fn escape(&mut self, start: usize) -> Result<char, Problem> {
        let c = self.peek().unwrap_or_default();
        let digits = match c {
            'a' => return self.escaped(c, '\u{7}'),
            'b' => return self.escaped(c, '\u{8}'),
            'f' => return self.escaped(c, '\u{c}'),
            'n' => return self.escaped(c, '\n'),
            'r' => return self.escaped(c, '\r'),
            't' => return self.escaped(c, '\t'),
            'v' => return self.escaped(c, '\u{b}'),
            '\\' | '?' | '"' | '\'' | '`' => return self.escaped(c, c),
            'x' | 'X' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='3' => 3,
            _ => {
                return Err(Problem::at(
                    start,
                    "this escape is unknown; a backslash itself is written `\\\\`, or the string is made raw: r\"...\"",
                ));
            }
        };
        let radix = if digits == 3 { 8 } else { 16 };
        self.at += usize::from(digits != 3);
        let code = self.rest().get(..digits).and_then(|code| {
            let plain = code.chars().all(|c| c.is_digit(radix));
            plain.then(|| u32::from_str_radix(code, radix).ok()).flatten()
        });
        self.at += digits;
        code.and_then(char::from_u32).ok_or_else(|| {
            Problem::at(start, format!("this escape needs {digits} digits that name a character"))
        })
    }

    fn escaped(&mut self, c: char, value: char) -> Result<char, Problem> {
        self.at += c.len_utf8();
        Ok(value)
    }
}

trait AsciiPrefix {
    fn to_ascii_lowercase_prefix(&self) -> String;
}

impl AsciiPrefix for str {
    fn to_ascii_lowercase_prefix(&self) -> String {
        self.chars().take(3).map(|c| c.to_ascii_lowercase()).collect()
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn word(text: &str) -> TokenKind {
    match text {
        "true" => TokenKind::True,
        "false" => TokenKind::False,
        "null" => TokenKind::Null,
        "in" => TokenKind::In,
        name => TokenKind::Name(name.to_owned()),
    }
}

fn unexpected(c: char) -> String {
    match c {
        '=' => "`=` is not an operator: use `==` to compare".to_owned(),
        '&' => "`&` is not an operator: use `&&`".to_owned(),
        '|' => "`|` is not an operator: use `||`".to_owned(),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}' => {
            format!("`{c}` is a typographic quote: use the plain `\"`")
        }
        '`' => "names are not quoted with a backtick: write `user[\"name\"]`".to_owned(),
        ';' => "one expression only: `;` does not belong here".to_owned(),
        c if c.is_control() || c == '\u{a0}' => {
            format!("the invisible character U+{:04X} does not belong here", u32::from(c))
        }
        c => format!("`{c}` does not belong here"),
    }
}
