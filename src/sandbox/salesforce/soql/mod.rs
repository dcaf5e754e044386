//! SOQL: text to tokens to syntax tree to a bound query over the schema, and its evaluation
//! (docs/vendor/salesforce.md 2.4).

pub mod ast;
pub mod bind;
pub mod eval;
pub mod filters;
pub mod group;
pub mod lexer;
pub mod parser;
pub mod plan;

#[cfg(test)]
mod tests;

use super::errors::Fault;

/// The longest query text in characters.
pub const MAX_QUERY: usize = 100_000;
/// The longest string literal of a filter in characters.
pub const MAX_LITERAL: usize = 4_000;
/// The largest OFFSET.
pub const MAX_OFFSET: u64 = 2_000;

/// A refusal that points at a place of the query, as the vendor does.
pub fn fault_at(query: &str, at: usize, code: &'static str, what: &str) -> Fault {
    let before: Vec<char> = query.get(..at).unwrap_or(query).chars().collect();
    let row = before.iter().filter(|letter| **letter == '\n').count() + 1;
    let column = before
        .iter()
        .rev()
        .take_while(|letter| **letter != '\n')
        .count()
        + 1;
    let from = before.len().saturating_sub(30);
    let snippet: String = query
        .chars()
        .skip(from)
        .take(60)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let pointer = " ".repeat(before.len() - from);
    Fault::new(
        code,
        format!("\n{snippet}\n{pointer}^\nERROR at Row:{row}:Column:{column}\n{what}"),
    )
}
