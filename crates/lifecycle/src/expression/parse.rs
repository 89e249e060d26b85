//! Tokens to a tree, following CEL's grammar rule by rule.
//!
//! Everything this parser accepts, CEL's accepts, and reads in the same way. Less is accepted:
//! comparisons are not chained (`a == b == c` surprises), and there are no maps, messages, bytes,
//! unsigned numbers and optional selections.

use super::Problem;
use super::ast::{Ast, AstKind, Binary, Logic, Name};
use super::lex::{Span, Token, TokenKind};
use crate::limits;

/// Reads one expression out of all tokens.
pub(super) fn parse(tokens: &[Token]) -> Result<Ast, Problem> {
    let mut parser = Parser { tokens, at: 0, nesting: 0, nodes: 0 };
    let ast = parser.expression()?;
    let next = parser.peek();
    match &next.kind {
        TokenKind::End => Ok(ast),
        kind => Err(Problem::at(
            next.span.start,
            format!("expected an operator or the end, found {}{}", shown(kind), hint(kind)),
        )),
    }
}

/// CEL forbids these as names, though not as attributes.
const RESERVED: [&str; 16] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    nesting: usize,
    nodes: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        // The last token is the end, and it is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Span {
        let span = self.peek().span;
        self.at += 1;
        span
    }

    /// Reads the symbol if it comes next.
    fn accept(&mut self, symbol: &str) -> Option<Span> {
        matches!(self.peek().kind, TokenKind::Symbol(next) if next == symbol)
            .then(|| self.advance())
    }

    fn expect(&mut self, symbol: &str, why: impl FnOnce() -> String) -> Result<Span, Problem> {
        let (at, kind) = (self.peek().span.start, self.peek().kind.clone());
        self.accept(symbol).ok_or_else(|| {
            let found = shown(&kind);
            Problem::at(at, format!("expected `{symbol}` {}, found {found}{}", why(), hint(&kind)))
        })
    }

    fn node(&mut self, kind: AstKind, span: Span, depth: usize) -> Result<Ast, Problem> {
        self.nodes += 1;
        if self.nodes > limits::EXPRESSION_NODE_COUNT_MAX {
            return Err(Problem::at(
                span.start,
                format!(
                    "the expression has more than {} parts: split it",
                    limits::EXPRESSION_NODE_COUNT_MAX
                ),
            ));
        }
        if depth > limits::EXPRESSION_NESTING_MAX {
            return Err(too_deep(span.start));
        }
        Ok(Ast { kind, span, depth })
    }

    /// `expr: conditionalOr ('?' conditionalOr ':' expr)?`
    fn expression(&mut self) -> Result<Ast, Problem> {
        self.nesting += 1;
        if self.nesting > limits::EXPRESSION_NESTING_MAX {
            return Err(too_deep(self.peek().span.start));
        }
        let condition = self.logic(Logic::Or)?;
        let ast = if self.accept("?").is_some() {
            let yes = self.logic(Logic::Or)?;
            self.expect(":", || "and what holds otherwise".to_owned())?;
            let no = self.expression()?;
            let depth = 1 + condition.depth.max(yes.depth).max(no.depth);
            let span = condition.span.to(no.span);
            self.node(AstKind::Choose(Box::new([condition, yes, no])), span, depth)?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(ast)
    }

    /// `conditionalOr: conditionalAnd ('||' conditionalAnd)*`, and one level below with `&&`.
    fn logic(&mut self, logic: Logic) -> Result<Ast, Problem> {
        let symbol = if logic == Logic::Or { "||" } else { "&&" };
        let mut operands = Vec::new();
        loop {
            operands.push(match logic {
                Logic::Or => self.logic(Logic::And)?,
                Logic::And => self.relation()?,
            });
            if self.accept(symbol).is_none() {
                break;
            }
        }
        if operands.len() == 1 {
            return operands.pop().ok_or_else(|| Problem::at(0, "nothing to read"));
        }
        let depth = 1 + operands.iter().map(|operand| operand.depth).max().unwrap_or(0);
        let span = Span {
            start: operands.first().map_or(0, |first| first.span.start),
            end: operands.last().map_or(0, |last| last.span.end),
        };
        self.node(AstKind::Logic(logic, operands), span, depth)
    }

    /// `relation: calc (op calc)?`
    fn relation(&mut self) -> Result<Ast, Problem> {
        let left = self.sum()?;
        let Some(binary) = self.relation_operator() else {
            return Ok(left);
        };
        self.advance();
        let right = self.sum()?;
        let ast = self.binary(binary, left, right)?;
        match self.relation_operator() {
            None => Ok(ast),
            Some(_) => Err(Problem::at(
                self.peek().span.start,
                "comparisons cannot be chained: join them with `&&`, or put one in brackets",
            )),
        }
    }

    fn relation_operator(&self) -> Option<Binary> {
        match self.peek().kind {
            TokenKind::Symbol("==") => Some(Binary::Equal),
            TokenKind::Symbol("!=") => Some(Binary::NotEqual),
            TokenKind::Symbol("<") => Some(Binary::Less),
            TokenKind::Symbol("<=") => Some(Binary::LessOrEqual),
            TokenKind::Symbol(">") => Some(Binary::Greater),
            TokenKind::Symbol(">=") => Some(Binary::GreaterOrEqual),
            TokenKind::In => Some(Binary::In),
            _ => None,
        }
    }

    fn binary(&mut self, binary: Binary, left: Ast, right: Ast) -> Result<Ast, Problem> {
        let depth = 1 + left.depth.max(right.depth);
        let span = left.span.to(right.span);
        self.node(AstKind::Binary(binary, Box::new([left, right])), span, depth)
    }

    fn sum(&mut self) -> Result<Ast, Problem> {
        let mut left = self.product()?;
        loop {
            let binary = match self.peek().kind {
                TokenKind::Symbol("+") => Binary::Add,
                TokenKind::Symbol("-") => Binary::Subtract,
                _ => return Ok(left),
            };
            self.advance();
            let right = self.product()?;
            left = self.binary(binary, left, right)?;
        }
    }

    fn product(&mut self) -> Result<Ast, Problem> {
        let mut left = self.unary()?;
        loop {
            let binary = match self.peek().kind {
                TokenKind::Symbol("*") => Binary::Multiply,
                TokenKind::Symbol("/") => Binary::Divide,
                TokenKind::Symbol("%") => Binary::Remainder,
                _ => return Ok(left),
            };
            self.advance();
            let right = self.unary()?;
            left = self.binary(binary, left, right)?;
        }
    }

    /// `unary: member | '!'+ member | '-'+ member`; the sign of a number is part of it.
    fn unary(&mut self) -> Result<Ast, Problem> {
        let mut signs = Vec::new();
        let symbol = match self.peek().kind {
            TokenKind::Symbol("!") => "!",
            TokenKind::Symbol("-") => "-",
            _ => return self.member(None),
        };
        while let Some(span) = self.accept(symbol) {
            signs.push(span);
        }
        let number = matches!(self.peek().kind, TokenKind::Int(_) | TokenKind::Double(_));
        let sign = if symbol == "-" && number { signs.pop() } else { None };
        let mut ast = self.member(sign)?;
        while let Some(span) = signs.pop() {
            let (depth, span) = (ast.depth + 1, span.to(ast.span));
            let kind = match symbol {
                "!" => AstKind::Not(Box::new(ast)),
                _ => AstKind::Negate(Box::new(ast)),
            };
            ast = self.node(kind, span, depth)?;
        }
        Ok(ast)
    }

    /// `member: primary ('.' name ('(' args ')')? | '[' expr ']')*`
    fn member(&mut self, sign: Option<Span>) -> Result<Ast, Problem> {
        let mut ast = self.primary(sign)?;
        loop {
            if self.accept(".").is_some() {
                let name = self.member_name()?;
                ast = if let Some(open) = self.accept("(") {
                    let (args, close) = self.list(open, ")", false)?;
                    let span = ast.span.to(close);
                    let depth = 1 + args.iter().map(|arg| arg.depth).fold(ast.depth, usize::max);
                    let kind = AstKind::Call { target: Some(Box::new(ast)), name, args };
                    self.node(kind, span, depth)?
                } else {
                    let (span, depth) = (ast.span.to(name.span), ast.depth + 1);
                    self.node(AstKind::Member(Box::new(ast), name), span, depth)?
                };
            } else if self.accept("[").is_some() {
                let index = self.expression()?;
                let close = self.expect("]", || "after the index".to_owned())?;
                let (span, depth) = (ast.span.to(close), 1 + ast.depth.max(index.depth));
                ast = self.node(AstKind::Index(Box::new(ast), Box::new(index)), span, depth)?;
            } else {
                return Ok(ast);
            }
        }
    }

    fn member_name(&mut self) -> Result<Name, Problem> {
        let next = self.peek().clone();
        match next.kind {
            TokenKind::Name(text) => {
                self.advance();
                Ok(Name { text, span: next.span })
            }
            TokenKind::Symbol("?") => Err(Problem::at(
                next.span.start,
                "`.?` is not supported: a missing attribute is no mistake",
            )),
            kind => Err(Problem::at(
                next.span.start,
                format!("expected the name of an attribute after `.`, found {}", shown(&kind)),
            )),
        }
    }

    fn primary(&mut self, sign: Option<Span>) -> Result<Ast, Problem> {
        let next = self.peek().clone();
        let span = sign.unwrap_or(next.span).to(next.span);
        let kind = match next.kind {
            TokenKind::Null => AstKind::Null,
            TokenKind::True => AstKind::Bool(true),
            TokenKind::False => AstKind::Bool(false),
            TokenKind::Text(text) => AstKind::Text(text),
            TokenKind::Double(double) => {
                AstKind::Double(if sign.is_some() { -double } else { double })
            }
            TokenKind::Int(int) => {
                let value = if sign.is_some() {
                    0i64.checked_sub_unsigned(int)
                } else {
                    i64::try_from(int).ok()
                };
                AstKind::Int(
                    value
                        .ok_or_else(|| Problem::at(span.start, "this whole number is too large"))?,
                )
            }
            TokenKind::Name(text) => return self.name(Name { text, span: next.span }),
            TokenKind::Symbol("(") => {
                self.advance();
                let mut inner = self.expression()?;
                let close = self.expect(")", || "to close the bracket".to_owned())?;
                // The brackets belong to it where it is quoted.
                inner.span = next.span.to(close);
                return Ok(inner);
            }
            TokenKind::Symbol("[") => {
                self.advance();
                let (items, close) = self.list(next.span, "]", true)?;
                let depth = 1 + items.iter().map(|item| item.depth).max().unwrap_or(0);
                return self.node(AstKind::List(items), next.span.to(close), depth);
            }
            TokenKind::Symbol("{") => {
                return Err(Problem::at(
                    next.span.start,
                    "maps are not supported; a list is written in square brackets: [\"a\", \"b\"]",
                ));
            }
            ref kind => {
                return Err(Problem::at(
                    next.span.start,
                    format!("expected a value, found {}{}", shown(kind), hint(kind)),
                ));
            }
        };
        self.advance();
        self.node(kind, span, 1)
    }

    fn name(&mut self, name: Name) -> Result<Ast, Problem> {
        self.advance();
        if RESERVED.contains(&name.text.as_str()) {
            let message = format!("`{}` is a reserved word", name.text);
            return Err(Problem::at(name.span.start, message));
        }
        let Some(open) = self.accept("(") else {
            let span = name.span;
            return self.node(AstKind::Name(name.text), span, 1);
        };
        let (args, close) = self.list(open, ")", false)?;
        let span = name.span.to(close);
        let depth = 1 + args.iter().map(|arg| arg.depth).max().unwrap_or(0);
        self.node(AstKind::Call { target: None, name, args }, span, depth)
    }

    /// Values with commas between them, up to the closing bracket. CEL lets a list, not a call, end
    /// in a comma.
    fn list(
        &mut self,
        open: Span,
        close: &'static str,
        trailing: bool,
    ) -> Result<(Vec<Ast>, Span), Problem> {
        let mut items = Vec::new();
        loop {
            if (items.is_empty() || trailing)
                && let Some(end) = self.accept(close)
            {
                return Ok((items, end));
            }
            if items.len() >= limits::EXPRESSION_LIST_LENGTH_MAX {
                return Err(Problem::at(
                    open.start,
                    format!(
                        "a list may have at most {} values",
                        limits::EXPRESSION_LIST_LENGTH_MAX
                    ),
                ));
            }
            items.push(self.expression()?);
            if self.accept(",").is_some() {
                continue;
            }
            let end = self.expect(close, || "or `,`".to_owned())?;
            return Ok((items, end));
        }
    }
}

fn too_deep(at: usize) -> Problem {
    Problem::at(
        at,
        format!(
            "nested more than {} levels deep: split the expression",
            limits::EXPRESSION_NESTING_MAX
        ),
    )
}

fn shown(kind: &TokenKind) -> String {
    match kind {
        TokenKind::Name(name) => format!("`{name}`"),
        TokenKind::True => "`true`".to_owned(),
        TokenKind::False => "`false`".to_owned(),
        TokenKind::Null => "`null`".to_owned(),
        TokenKind::In => "`in`".to_owned(),
        TokenKind::Int(int) => format!("`{int}`"),
        TokenKind::Double(double) => format!("`{double}`"),
        TokenKind::Text(_) => "a string".to_owned(),
        TokenKind::Symbol(symbol) => format!("`{symbol}`"),
        TokenKind::End => "the end".to_owned(),
    }
}

/// What people write who come from SCIM filters, SQL or spreadsheets.
fn hint(kind: &TokenKind) -> &'static str {
    let TokenKind::Name(name) = kind else {
        return "";
    };
    match name.to_ascii_lowercase().as_str() {
        "and" => "; write `&&`",
        "or" => "; write `||`",
        "not" => "; write `!`",
        "eq" | "is" | "equals" => "; write `==`",
        "ne" => "; write `!=`",
        "gt" => "; write `>`",
        "ge" => "; write `>=`",
        "lt" => "; write `<`",
        "le" => "; write `<=`",
        "co" | "contains" => "; write `user.title.contains(\"...\")`",
        "sw" | "startswith" => "; write `user.title.startsWith(\"...\")`",
        "ew" | "endswith" => "; write `user.title.endsWith(\"...\")`",
        "pr" => "; write `has(user.title)`",
        "like" | "matches" => "; write `user.title.matches(\"...\")`",
        _ => "",
    }
}
