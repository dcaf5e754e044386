//! Telephone numbers: one number, many ways to write it.

use crate::sandbox::prng::Prng;

/// Numbering of one locale: calling code, what follows the town's area code, a whole mobile number.
/// `{a}` is the area code, `#` a digit.
const PLANS: [(&str, &str, &str, &str); 13] = [
    ("us", "1", "555####", "{a}555####"),
    ("gb", "44", "", "79112#####"),
    ("de", "49", "55#####", "1515#######"),
    ("fr", "33", "55######", "655######"),
    ("es", "34", "", "655######"),
    ("br", "55", "3555####", "{a}9955#####"),
    ("se", "46", "55####", "70555####"),
    ("pl", "48", "555####", "512######"),
    ("cz", "420", "", "602######"),
    ("tr", "90", "555####", "532555####"),
    ("jp", "81", "5550####", "905555####"),
    ("cn", "86", "5555####", "1385555####"),
    ("kr", "82", "555####", "105555####"),
];

/// One telephone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phone {
    country: &'static str,
    area: String,
    rest: String,
    extension: Option<String>,
}

impl Phone {
    /// A fixed line in the town with that area code.
    pub(super) fn fixed(prng: &mut Prng, locale: &str, area: &str) -> Self {
        let (country, rest, _) = plan(locale);
        let rest = if !rest.is_empty() {
            prng.digits(rest)
        } else if locale == "gb" {
            // What Ofcom keeps for drama, so that the number is nobody's.
            prng.digits(match area.len() {
                2 => "79460###",
                3 => "4960###",
                _ => "4960##",
            })
        } else {
            // National numbers of nine digits whatever the area's length (Spain, Czechia).
            prng.digits(&"5########"[..9usize.saturating_sub(area.len())])
        };
        Phone {
            country,
            area: area.into(),
            rest,
            extension: None,
        }
    }

    /// A mobile number.
    pub(super) fn mobile(prng: &mut Prng, locale: &str, area: &str) -> Self {
        let (country, _, pattern) = plan(locale);
        let number = prng.digits(&pattern.replace("{a}", area));
        let (area, rest) = number.split_at(number.len().min(3));
        Phone {
            country,
            area: area.into(),
            rest: rest.into(),
            extension: None,
        }
    }

    /// The same number with an extension, which a comparison of the number alone leaves aside.
    pub(super) fn with_extension(mut self, extension: String) -> Self {
        self.extension = Some(extension);
        self
    }

    /// `+14155550132`.
    pub(super) fn e164(&self) -> String {
        format!("+{}{}{}", self.country, self.area, self.rest)
    }

    /// The number as the country's own people write it, without its calling code.
    pub(super) fn national(&self) -> String {
        match self.country {
            "1" => format!(
                "({}) {}-{}",
                self.area,
                cut(&self.rest, 0, 3),
                cut(&self.rest, 3, 9)
            ),
            "34" | "420" | "48" => format!("{} {}", self.area, self.rest),
            _ => format!("0{} {}", self.area, self.rest),
        }
    }

    /// One of the ways people type it into a form. American numbers come in national forms too; others keep their
    /// calling code, for without it nobody could tell the country.
    pub(super) fn typed(&self, prng: &mut Prng) -> String {
        let (country, area, rest) = (self.country, &self.area, &self.rest);
        let (head, tail) = (cut(rest, 0, 3), cut(rest, 3, 99));
        let written = match (country, prng.below(8)) {
            ("1", 0 | 1) => format!("({area}) {head}-{tail}"),
            ("1", 2) => format!("{area}-{head}-{tail}"),
            ("1", 3) => format!("{area}.{head}.{tail}"),
            ("1", 4) => format!("1-{area}-{head}-{tail}"),
            ("1", 5) => format!("{area}{rest}"),
            (_, 0 | 1) => format!("+{country} {area} {head} {tail}"),
            (_, 2) => format!("+{country} ({area}) {rest}"),
            (_, 3) => format!("+{country}{area} {head}{tail}"),
            (_, 4) => format!("+{country}-{area}-{head}-{tail}"),
            _ => self.e164(),
        };
        match &self.extension {
            Some(extension) if prng.percent(50) => format!("{written} x{extension}"),
            Some(extension) => format!("{written} ext. {extension}"),
            None => written,
        }
    }
}

fn plan(locale: &str) -> (&'static str, &'static str, &'static str) {
    PLANS.iter().find(|(name, ..)| *name == locale).map_or(
        ("1", "555####", "{a}555####"),
        |(_, country, rest, mobile)| (*country, *rest, *mobile),
    )
}

fn cut(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to.min(text.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::{PhoneNumber, Region};

    use super::*;
    use crate::sandbox::world::lists::Lists;

    #[test]
    fn every_town_gives_numbers_that_are_valid_however_they_are_typed() {
        let mut prng = Prng::stream(1, "phones");
        let lists = Lists::load();
        for (name, locale) in &lists.locales {
            for town in &locale.towns {
                let numbers = [
                    Phone::fixed(&mut prng, name, town.area),
                    Phone::mobile(&mut prng, name, town.area),
                ];
                for number in numbers {
                    for _ in 0..30 {
                        let typed = number.typed(&mut prng);
                        let parsed = PhoneNumber::parse(&typed, Some(Region::US)).expect(&typed);
                        assert!(parsed.is_valid(), "{name} {}: {typed}", town.city);
                    }
                }
            }
        }
    }
}
