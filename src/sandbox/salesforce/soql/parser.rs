//! Tokens to syntax tree. Names are not looked up here.

use super::super::errors::Fault;
use super::ast::{Condition, Item, Literal, Op, Operand, Path, Query, Sort};
use super::lexer::{Kind, Token, tokens};
use super::{MAX_LITERAL, MAX_OFFSET, MAX_QUERY, fault_at};

/// How deep parentheses and NOT may nest.
const MAX_DEPTH: usize = 60;

/// Parses a whole query.
pub fn parse(text: &str) -> Result<Query, Fault> {
    if text.chars().count() > MAX_QUERY {
        let what = format!("SOQL statements cannot be longer than {MAX_QUERY} characters.");
        return Err(Fault::new("MALFORMED_QUERY", what));
    }
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let query = parser.query(false)?;
    match parser.peek().kind {
        Kind::End => Ok(query),
        _ => Err(parser.unexpected()),
    }
}

const CLAUSES: &[&str] = &[
    "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "USING", "WITH", "FOR", "ALL", "FROM",
    "UPDATE",
];

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn fail(&self, at: usize, what: &str) -> Fault {
        fault_at(self.text, at, "MALFORMED_QUERY", what)
    }

    fn unexpected(&self) -> Fault {
        let token = self.peek();
        let what = match &token.kind {
            Kind::Word(text) | Kind::Bare(text) => format!("unexpected token: '{text}'"),
            Kind::Text(_) => "unexpected token: a quoted text".into(),
            Kind::Sign(sign) => format!("unexpected token: '{sign}'"),
            Kind::End => "unexpected end of the query".into(),
        };
        self.fail(token.at, &what)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, Kind::Word(text) if text.eq_ignore_ascii_case(word))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek().kind, Kind::Sign(found) if found == sign)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.next += usize::from(found);
        found
    }

    fn need_word(&mut self, word: &str) -> Result<(), Fault> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), Fault> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn path(&mut self) -> Result<Path, Fault> {
        match &self.peek().kind {
            Kind::Word(text)
                if !CLAUSES
                    .iter()
                    .any(|clause| text.eq_ignore_ascii_case(clause)) =>
            {
                let path = Path {
                    text: text.clone(),
                    at: self.peek().at,
                };
                self.next += 1;
                Ok(path)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn query(&mut self, child: bool) -> Result<Query, Fault> {
        self.need_word("SELECT")?;
        let mut select = vec![self.item(child)?];
        while self.sign(",") {
            select.push(self.item(child)?);
        }
        self.need_word("FROM")?;
        let from = self.path()?;
        self.word("AS");
        let alias = self.path().ok().map(|path| path.text);
        let filter = if self.word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        let mut group = Vec::new();
        if self.word("GROUP") {
            self.need_word("BY")?;
            group.push(self.path()?);
            while self.sign(",") {
                group.push(self.path()?);
            }
        }
        let having = if self.word("HAVING") {
            Some(self.condition()?)
        } else {
            None
        };
        let mut order = Vec::new();
        if self.word("ORDER") {
            self.need_word("BY")?;
            order.push(self.sort()?);
            while self.sign(",") {
                order.push(self.sort()?);
            }
        }
        let limit = if self.word("LIMIT") {
            Some(self.count()?)
        } else {
            None
        };
        let offset = if self.word("OFFSET") {
            self.count()?
        } else {
            0
        };
        if offset > MAX_OFFSET {
            let what = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
            return Err(Fault::new("NUMBER_OUTSIDE_VALID_RANGE", what));
        }
        Ok(Query {
            select,
            from,
            alias,
            filter,
            group,
            having,
            order,
            limit,
            offset,
        })
    }

    fn count(&mut self) -> Result<u64, Fault> {
        let number = match &self.peek().kind {
            Kind::Bare(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected())?;
        self.next += 1;
        Ok(number)
    }

    fn item(&mut self, child: bool) -> Result<Item, Fault> {
        if self.sign("(") {
            if child {
                return Err(self.fail(self.peek().at, "sub-selects cannot hold sub-selects here"));
            }
            let query = self.query(true)?;
            self.need_sign(")")?;
            return Ok(Item::Child(Box::new(query)));
        }
        let operand = self.operand()?;
        if let Operand::Call(name, Some(which), at) = &operand
            && name == "FIELDS"
        {
            return Ok(Item::Fields(which.text.to_ascii_uppercase(), *at));
        }
        let alias = match &operand {
            Operand::Call(..) => self.path().ok().map(|path| path.text),
            Operand::Path(_) => None,
        };
        Ok(Item::Value(operand, alias))
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        let path = self.path()?;
        if !self.sign("(") {
            return Ok(Operand::Path(path));
        }
        let argument = if self.is_sign(")") {
            None
        } else if self.word("ALL") {
            Some(Path {
                text: "ALL".into(),
                at: path.at,
            })
        } else {
            Some(self.path()?)
        };
        self.need_sign(")")?;
        Ok(Operand::Call(
            path.text.to_ascii_uppercase(),
            argument,
            path.at,
        ))
    }

    fn sort(&mut self) -> Result<Sort, Fault> {
        let by = self.operand()?;
        let descending = self.word("DESC");
        if !descending {
            self.word("ASC");
        }
        let mut nulls_last = false;
        if self.word("NULLS") {
            nulls_last = self.word("LAST");
            if !nulls_last {
                self.need_word("FIRST")?;
            }
        }
        Ok(Sort {
            by,
            descending,
            nulls_last,
        })
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail(self.peek().at, "the filter is nested too deeply"));
        }
        let first = self.term()?;
        let joined = if self.is_word("AND") {
            Condition::And(self.chain(first, "AND", "OR")?)
        } else if self.is_word("OR") {
            Condition::Or(self.chain(first, "OR", "AND")?)
        } else {
            first
        };
        self.depth -= 1;
        Ok(joined)
    }

    /// The vendor refuses AND beside OR without parentheses.
    fn chain(
        &mut self,
        first: Condition,
        joint: &str,
        other: &str,
    ) -> Result<Vec<Condition>, Fault> {
        let mut all = vec![first];
        while self.word(joint) {
            all.push(self.term()?);
        }
        if self.is_word(other) {
            return Err(self.unexpected());
        }
        Ok(all)
    }

    fn term(&mut self) -> Result<Condition, Fault> {
        if self.word("NOT") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.fail(self.peek().at, "the filter is nested too deeply"));
            }
            let inner = self.term()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.sign("(") {
            let inner = self.condition()?;
            self.need_sign(")")?;
            return Ok(inner);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        let negated = self.is_word("NOT");
        if negated {
            self.next += 1;
        }
        if self.word("IN") {
            self.need_sign("(")?;
            if self.is_word("SELECT") {
                let query = self.query(true)?;
                self.need_sign(")")?;
                return match left {
                    Operand::Path(path) => Ok(Condition::InQuery(path, Box::new(query), negated)),
                    Operand::Call(_, _, at) => {
                        Err(self.fail(at, "an aggregate cannot be in a query"))
                    }
                };
            }
            let mut list = vec![self.literal()?];
            while self.sign(",") {
                list.push(self.literal()?);
            }
            self.need_sign(")")?;
            return Ok(Condition::In(left, list, negated));
        }
        if negated {
            return Err(self.unexpected());
        }
        let op = match &self.peek().kind {
            Kind::Sign("=") => Op::Eq,
            Kind::Sign("!=" | "<>") => Op::Ne,
            Kind::Sign("<") => Op::Lt,
            Kind::Sign("<=") => Op::Le,
            Kind::Sign(">") => Op::Gt,
            Kind::Sign(">=") => Op::Ge,
            Kind::Word(word) if word.eq_ignore_ascii_case("LIKE") => Op::Like,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        let (literal, at) = self.literal()?;
        Ok(Condition::Test(left, op, literal, at))
    }

    fn literal(&mut self) -> Result<(Literal, usize), Fault> {
        let token = self.take();
        let literal = match token.kind {
            Kind::Text(text) if text.chars().count() > MAX_LITERAL => {
                let what = format!("a text in a filter is limited to {MAX_LITERAL} characters");
                return Err(self.fail(token.at, &what));
            }
            Kind::Text(text) => Literal::Text(text),
            Kind::Bare(text) => Literal::Bare(text),
            Kind::Word(word) => match word.to_ascii_uppercase().as_str() {
                "NULL" => Literal::Null,
                "TRUE" => Literal::Boolean(true),
                "FALSE" => Literal::Boolean(false),
                name @ ("TODAY" | "YESTERDAY" | "TOMORROW") => Literal::Day(name.into(), None),
                name @ ("LAST_N_DAYS" | "NEXT_N_DAYS") => {
                    self.need_sign(":")?;
                    let days = i64::try_from(self.count()?)
                        .unwrap_or(i64::MAX)
                        .min(100_000);
                    Literal::Day(name.into(), Some(days))
                }
                _ => return Err(self.fail(token.at, &format!("unexpected token: '{word}'"))),
            },
            Kind::Sign(_) | Kind::End => {
                self.next -= 1;
                return Err(self.unexpected());
            }
        };
        Ok((literal, token.at))
    }
}
