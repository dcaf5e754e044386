//! The rules of a field pair as keys: who wins, what a blank and a foreign edit do, how text compares, which stages only
//! rise (docs/design/sync-semantics.md 4, 7, 8).

use super::check::wrong_type;
use super::error::{Problems, suggestion};
use super::tree::{Node, Raw};
use crate::domain::{
    BlankPolicy, ConflictRule, Direction, ForeignEdit, OnUnlinked, OtherwiseRule, PairKind,
    TransformSpec,
};

/// The conflict rules by their words, in the order of product.md.
const RULES: [(&str, ConflictRule); 8] = [
    ("last_write_wins", ConflictRule::LastWriteWins),
    ("salesforce", ConflictRule::Salesforce),
    ("hubspot", ConflictRule::HubSpot),
    ("ask", ConflictRule::Ask),
    ("non_blank", ConflictRule::NonBlank),
    ("max", ConflictRule::Max),
    ("min", ConflictRule::Min),
    ("union", ConflictRule::Union),
];

fn rule(word: &str) -> Option<ConflictRule> {
    let found = RULES.iter().find(|(name, _)| *name == word);
    found.map(|(_, rule)| *rule)
}

/// The rules that a `conflict` key names; `None` where it is not there or no rule.
pub(super) fn conflict(node: Option<&Node>) -> Option<Vec<ConflictRule>> {
    let node = node?;
    let words = match &node.raw {
        Raw::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let rules: Vec<ConflictRule> = words.iter().filter_map(|word| rule(word.text()?)).collect();
    (!rules.is_empty()).then_some(rules)
}

/// Reports what is no rule, and what would never be tried.
pub(super) fn check_conflict(node: &Node, shown: &str, problems: &mut Problems) {
    let known: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
    let mut word = |node: &Node| {
        let Some(text) = node.text() else {
            let wanted = "a rule, or a list of rules";
            wrong_type(node, shown, wanted, problems);
            return None;
        };
        let found = rule(text);
        if found.is_none() {
            let message = "is not one of the words";
            let next = suggestion(text, &known);
            problems.add(&node.place, shown, node.shown(), message, next);
        }
        found
    };
    let Raw::List(items) = &node.raw else {
        word(node);
        return;
    };
    let rules: Vec<Option<ConflictRule>> = items.iter().map(&mut word).collect();
    if items.is_empty() {
        let next = "write rules in the order in which they are tried: [\"non_blank\", \"last_write_wins\"]";
        problems.add(&node.place, shown, node.shown(), "names no rule", next);
    }
    for (at, (item, rule)) in items.iter().zip(&rules).enumerate() {
        let earlier = rules.get(..at).unwrap_or_default();
        let decided = earlier.iter().flatten().find(|rule| {
            matches!(
                rule,
                ConflictRule::Salesforce | ConflictRule::HubSpot | ConflictRule::Ask
            )
        });
        let message = if decided.is_some() {
            "is never tried: a rule before it always decides"
        } else if rule.is_some() && earlier.contains(rule) {
            "is in the list already"
        } else {
            continue;
        };
        problems.add(&item.place, shown, item.shown(), message, "take it out");
    }
}

/// The blank policy under `blanks`.
pub(super) fn blanks(node: Option<&Node>) -> Option<BlankPolicy> {
    match node?.text()? {
        "propagate" => Some(BlankPolicy::Propagate),
        "prefer_non_blank" => Some(BlankPolicy::PreferNonBlank),
        "never_clear" => Some(BlankPolicy::NeverClear),
        _ => None,
    }
}

/// The rule under `foreign_edit`.
pub(super) fn foreign_edit(node: Option<&Node>) -> Option<ForeignEdit> {
    match node?.text()? {
        "ignore" => Some(ForeignEdit::Ignore),
        "revert" => Some(ForeignEdit::Revert),
        "report" => Some(ForeignEdit::Report),
        _ => None,
    }
}

/// Reports a pair's own `foreign_edit` where both sides are sources.
pub(super) fn check_foreign_edit(
    node: &Node,
    flow: Direction,
    shown: &str,
    problems: &mut Problems,
) {
    if let Some(written) = node.get("foreign_edit")
        && flow == Direction::Both
    {
        let message = "a two-way pair has no foreign edits: either side is a source";
        let next = "give the pair a direction, or take it out";
        let key = format!("{shown}.foreign_edit");
        problems.add(&written.place, &key, written.shown(), message, next);
    }
}

/// The rule under `on_unlinked`, which only a link has.
pub(super) fn on_unlinked(
    node: &Node,
    kind: &PairKind,
    shown: &str,
    problems: &mut Problems,
) -> OnUnlinked {
    let Some(written) = node.get("on_unlinked") else {
        return OnUnlinked::Keep;
    };
    if !matches!(kind, PairKind::Reference { .. }) {
        let message = "the pair refers to no other record";
        let next = "take it out, or add link = \"accounts\" (the mapping of the other records)";
        let key = format!("{shown}.on_unlinked");
        problems.add(&written.place, &key, written.shown(), message, next);
    }
    match written.text() {
        Some("clear") => OnUnlinked::Clear,
        _ => OnUnlinked::Keep,
    }
}

/// True where `case = "fold"`.
pub(super) fn fold_case(
    node: &Node,
    kind: &PairKind,
    shown: &str,
    problems: &mut Problems,
) -> bool {
    let Some(written) = node.get("case") else {
        return false;
    };
    only_values(written, kind, &format!("{shown}.case"), problems);
    written.text() == Some("fold")
}

/// Reports what is no list of stages.
pub(super) fn check_stages(node: &Node, shown: &str, problems: &mut Problems) {
    let next = "write the stages in HubSpot's values, lowest first: [\"subscriber\", \"lead\", \"customer\"]";
    let Raw::List(items) = &node.raw else {
        return wrong_type(node, shown, "a list of stages", problems);
    };
    if items.len() < 2 {
        let message = "is no order: it takes two stages at least";
        problems.add(&node.place, shown, node.shown(), message, next);
    }
    for (at, item) in items.iter().enumerate() {
        let earlier = items.get(..at).unwrap_or_default();
        let message = match item.text() {
            Some(text) if text.trim().is_empty() => "is blank, which is below every stage",
            Some(text) if earlier.iter().any(|one| one.text() == Some(text)) => {
                "is in the list already"
            }
            Some(_) => continue,
            None => "is not text",
        };
        problems.add(&item.place, shown, item.shown(), message, next);
    }
}

/// The stages under `monotone`.
pub(super) fn monotone(
    node: &Node,
    kind: &PairKind,
    shown: &str,
    problems: &mut Problems,
) -> Vec<String> {
    let Some(written) = node.get("monotone") else {
        return Vec::new();
    };
    let key = format!("{shown}.monotone");
    only_values(written, kind, &key, problems);
    let known = mapped_values(kind);
    let mut stages = Vec::new();
    for item in written.items() {
        let Some(stage) = item.text() else { continue };
        if let Some(known) = &known
            && !known.contains(&stage)
        {
            let message = "is not one of the HubSpot values of the pair's value mapping";
            let next = suggestion(stage, known);
            problems.add(&item.place, &key, item.shown(), message, next);
        }
        stages.push(stage.to_owned());
    }
    stages
}

/// The HubSpot values of a pair whose value mapping lets no others through.
fn mapped_values(kind: &PairKind) -> Option<Vec<&str>> {
    let PairKind::Value { transforms } = kind else {
        return None;
    };
    match transforms.last()? {
        TransformSpec::Values { table, otherwise } if *otherwise == OtherwiseRule::Error => {
            Some(table.iter().map(|(_, hubspot)| hubspot.as_str()).collect())
        }
        _ => None,
    }
}

fn only_values(written: &Node, kind: &PairKind, key: &str, problems: &mut Problems) {
    if !matches!(kind, PairKind::Value { .. }) {
        let message = "is for ordinary values, not for a constant, reference or owner";
        problems.add(&written.place, key, written.shown(), message, "take it out");
    }
}
