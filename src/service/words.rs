//! Rules in words, the same everywhere they are shown.

use chrono::{DateTime, Utc};

use crate::domain::{
    ConflictRule, Direction, FieldPair, Mapping, PairKind, RunRecord, TransformSpec,
};

/// A conflict rule on a screen.
pub(super) fn rule(rule: ConflictRule) -> &'static str {
    match rule {
        ConflictRule::LastWriteWins => "newest",
        ConflictRule::Salesforce => "SF wins",
        ConflictRule::HubSpot => "HS wins",
        ConflictRule::Ask => "ask",
        ConflictRule::NonBlank => "not blank",
        ConflictRule::Max => "larger",
        ConflictRule::Min => "smaller",
        ConflictRule::Union => "both",
    }
}

/// The rules of a pair.
pub(super) fn pair_rule(pair: &FieldPair) -> String {
    match pair.direction {
        Direction::ToHubspot => "SF only".into(),
        Direction::ToSalesforce => "HS only".into(),
        Direction::Both => pair
            .conflict
            .iter()
            .map(|one| rule(*one))
            .collect::<Vec<_>>()
            .join(", then "),
    }
}

/// The transforms of a pair.
pub(super) fn transform(pair: &FieldPair) -> String {
    match &pair.kind {
        PairKind::Value { transforms } => transforms
            .iter()
            .map(one_transform)
            .collect::<Vec<_>>()
            .join(", "),
        PairKind::Constant { value, .. } => format!("always \"{value}\""),
        PairKind::Reference { mapping } => format!("through {mapping}"),
        PairKind::Owner => "owner by e-mail".into(),
    }
}

fn one_transform(spec: &TransformSpec) -> String {
    match spec {
        TransformSpec::Lowercase => "lowercase".into(),
        TransformSpec::Trim => "trim".into(),
        TransformSpec::PhoneE164 { country, .. } => format!("phone_e164 {country}"),
        TransformSpec::ExtractDomain { .. } => "extract_domain".into(),
        TransformSpec::Values { table, .. } => format!("{} values", table.len()),
        TransformSpec::Default { value } => format!("default \"{value}\""),
    }
}

/// "Email, then LastName + MailingPostalCode".
pub(super) fn match_on(mapping: &Mapping) -> String {
    let parts = |rule: &crate::domain::MatchRule| {
        let names = rule
            .parts
            .iter()
            .filter_map(|part| mapping.pairs.get(*part))
            .map(|pair| pair.name().to_owned());
        names.collect::<Vec<_>>().join(" + ")
    };
    let rules: Vec<String> = mapping.match_rules.iter().map(parts).collect();
    if rules.is_empty() {
        "nothing: every record is new".into()
    } else {
        rules.join(", then ")
    }
}

/// "Email SF · Phone HS · rest newest".
pub(super) fn wins(mapping: &Mapping) -> String {
    let two_way = || {
        mapping
            .pairs
            .iter()
            .filter(|pair| pair.direction == Direction::Both)
    };
    let usual = two_way()
        .map(pair_rule)
        .fold(
            std::collections::BTreeMap::<String, usize>::new(),
            |mut all, one| {
                *all.entry(one).or_default() += 1;
                all
            },
        )
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(rule, _)| rule);
    let Some(usual) = usual else {
        return "one way".into();
    };
    let mut words: Vec<String> = two_way()
        .filter(|pair| pair_rule(pair) != usual)
        .map(|pair| format!("{} {}", pair.name(), pair_rule(pair)))
        .collect();
    words.push(format!("rest {usual}"));
    words.join(" · ")
}

/// "12 fields, match on Email, rest newest".
pub(super) fn summary(mapping: &Mapping) -> String {
    format!(
        "{} fields, {}, match on {}",
        mapping.pairs.len() + mapping.sets.len(),
        wins(mapping),
        match_on(mapping)
    )
}

/// "run 143 took 1m48s, 41 000 looked at, 1 204 applied".
pub(super) fn last_run(run: &RunRecord, mapping: &Mapping) -> String {
    let Some(row) = run.mappings.iter().find(|row| row.mapping == mapping.id) else {
        return String::new();
    };
    let counts = &row.counts;
    let took = run.ended_at.map_or_else(
        || "is running".to_owned(),
        |end| format!("took {}", duration(run.started_at, end)),
    );
    format!(
        "run {} {took}, {} looked at, {} applied",
        run.run,
        counts.read.salesforce + counts.read.hubspot,
        counts.updated_links + counts.created.salesforce + counts.created.hubspot
    )
}

fn duration(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let seconds = (to - from).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}
