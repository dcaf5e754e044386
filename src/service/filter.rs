//! List filters: plain words, `field:value` terms, `!` negates (docs/style.md 5).

/// A parsed filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    negated: bool,
    field: Option<String>,
    text: String,
}

impl Filter {
    /// Parses; every text is a filter.
    pub(super) fn parse(text: &str) -> Filter {
        let terms = text.split_whitespace().map(|word| {
            let (negated, word) = word
                .strip_prefix('!')
                .map_or((false, word), |rest| (true, rest));
            match word.split_once(':') {
                Some((field, text)) if !field.is_empty() => Term {
                    negated,
                    field: Some(field.to_lowercase()),
                    text: text.to_lowercase(),
                },
                _ => Term {
                    negated,
                    field: None,
                    text: word.to_lowercase(),
                },
            }
        });
        Filter {
            terms: terms.filter(|term| !term.text.is_empty()).collect(),
        }
    }

    /// True where nothing is filtered.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// True where a row passes: `fields` are its (name, text) pairs.
    pub(super) fn passes(&self, fields: &[(&str, &str)]) -> bool {
        self.terms.iter().all(|term| {
            let known = term
                .field
                .as_ref()
                .filter(|field| fields.iter().any(|(name, _)| name == field));
            let whole = match (&term.field, known) {
                (Some(field), None) => format!("{field}:{}", term.text),
                _ => term.text.clone(),
            };
            let found = fields
                .iter()
                .filter(|(name, _)| known.is_none_or(|field| name == field))
                .any(|(_, text)| text.to_lowercase().contains(&whole));
            found != term.negated
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [(&str, &str); 3] = [
        ("mapping", "contacts"),
        ("record", "Jane Müller"),
        ("field", "Title, Phone"),
    ];

    #[test]
    fn words_terms_and_negations_all_have_to_hold() {
        for (filter, passes) in [
            ("", true),
            ("müller", true),
            ("field:phone", true),
            ("field:phone mapping:contacts", true),
            ("field:phone mapping:accounts", false),
            ("!accounts", true),
            ("!jane", false),
            ("!field:title", false),
            ("record:contacts", false),
            ("10:30", false),
        ] {
            assert_eq!(Filter::parse(filter).passes(&ROW), passes, "{filter}");
        }
    }
}
