//! The values of the table: a few symbols per class of pair, and the lens of each class.

use syncline::domain::canon::Canon;
use syncline::domain::merge::{Lens, Refusal};
use syncline::domain::{FieldPair, FieldType, OtherwiseRule, PairKind, Side, TransformSpec, Value};
use syncline::transform::PairLens;

use Side::{HubSpot as H, Salesforce as S};

/// A symbol: `None` is Unknown, 0 is blank, 1 to 3 are values.
pub type Symbol = Option<usize>;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Class {
    Iso,
    Fold,
    ManyToOne,
    Truncating,
    /// Numbers: they have an order.
    Number,
    /// Multi-picklists: the bits of a symbol are its items.
    Set,
    /// Stages that only rise; the third symbol is none of them.
    Stage,
}

impl Class {
    /// The raw text of a symbol.
    pub fn text(self, side: Side, symbol: usize) -> &'static str {
        match (self, side) {
            (Class::Iso, S) => ["", "New", "Open", "Shut"][symbol],
            (Class::Iso, H) => ["", "NEW", "OPEN", "SHUT"][symbol],
            (Class::Fold, _) => ["", "Ann", "ANN", "Bob"][symbol],
            (Class::ManyToOne, S) => ["", "Hot", "Warm", "Cold"][symbol],
            (Class::ManyToOne, H) => ["", "YES", "NO", "MAYBE"][symbol],
            (Class::Truncating, S) => ["", "xy1", "xy2", "z"][symbol],
            (Class::Truncating, H) => ["", "xy", "z", "w"][symbol],
            (Class::Number, S) => ["", "9", "10", "11"][symbol],
            (Class::Number, H) => ["", "9.0", "10.0", "11.00"][symbol],
            (Class::Set, S) => ["", "a", "b", "a;b"][symbol],
            (Class::Set, H) => ["", "a", "b", "b;a"][symbol],
            (Class::Stage, _) => ["", "lead", "customer", "other"][symbol],
        }
    }

    /// What the symbol means: equal numbers are equal in the comparison domain.
    pub fn meaning(self, side: Side, symbol: usize) -> usize {
        match (self, side) {
            (Class::Fold, _) | (Class::ManyToOne | Class::Truncating, S) => [0, 1, 1, 2][symbol],
            _ => symbol,
        }
    }

    /// True where a value cannot be carried over: a HubSpot value that no Salesforce value stands for.
    pub fn refused(self, from: Side, symbol: usize) -> bool {
        self == Class::ManyToOne && from == H && symbol == 3
    }

    /// How far a stage has risen.
    pub fn stage(self, symbol: usize) -> Option<usize> {
        (self == Class::Stage && symbol < 3).then_some(symbol)
    }

    /// The kind of a pair and the type of both its fields.
    pub fn kind(self) -> (PairKind, FieldType) {
        let table = |rows: &[(&str, &str)]| TransformSpec::Values {
            table: rows
                .iter()
                .map(|(s, h)| ((*s).to_owned(), (*h).to_owned()))
                .collect(),
            otherwise: OtherwiseRule::Error,
        };
        let (transforms, kind) = match self {
            Class::Iso => (
                vec![table(&[("New", "NEW"), ("Open", "OPEN"), ("Shut", "SHUT")])],
                FieldType::Text,
            ),
            Class::ManyToOne => (
                vec![table(&[("Hot", "YES"), ("Warm", "YES"), ("Cold", "NO")])],
                FieldType::Text,
            ),
            Class::Number => (Vec::new(), FieldType::Number),
            Class::Set => (Vec::new(), FieldType::MultiPicklist),
            Class::Fold | Class::Truncating | Class::Stage => (Vec::new(), FieldType::Text),
        };
        (PairKind::Value { transforms }, kind)
    }

    pub fn stages(self) -> Vec<String> {
        let all = ["lead".to_owned(), "customer".to_owned()];
        all.into_iter().filter(|_| self == Class::Stage).collect()
    }
}

/// The lens of a class; `Truncating` is none of the product's, so that the merge is shown to hold for any lawful one.
pub struct ClassLens<'a> {
    pub class: Class,
    pub pair: &'a FieldPair,
    pub mirrored: bool,
}

impl ClassLens<'_> {
    fn true_side(&self, side: Side) -> Side {
        if self.mirrored { side.other() } else { side }
    }
}

impl Lens for ClassLens<'_> {
    fn view(&self, side: Side, raw: &Value) -> Canon {
        match (self.class, raw) {
            (Class::Truncating, Value::Text(text)) => Canon::Text(text.chars().take(2).collect()),
            _ => PairLens(self.pair).view(self.true_side(side), raw),
        }
    }

    fn put(&self, target: Side, source: &Value, old: &Value) -> Result<Value, Refusal> {
        if self.class != Class::Truncating {
            return PairLens(self.pair).put(self.true_side(target), source, old);
        }
        if self.view(target, old) == self.view(target.other(), source) {
            return Ok(old.clone());
        }
        Ok(match source {
            Value::Text(text) => Value::text(text.chars().take(2).collect::<String>()),
            other => other.clone(),
        })
    }
}
