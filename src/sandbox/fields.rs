//! Field values as records and their histories keep them. A world is many records with few different names and many
//! equal values, so every text is kept once, and records with the same fields share one list of names.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A text that whoever holds the same one shares.
pub type Text = Arc<str>;

/// Values by field name, in the order of the names; "" is blank. Never changed in place, cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    names: Arc<[Text]>,
    values: Arc<[Text]>,
}

impl Packed {
    /// A field's value; `None` where it is not among them.
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self
            .names
            .binary_search_by(|known| known.as_ref().cmp(name));
        place.ok().map(|place| self.values[place].as_ref())
    }

    /// Whether the field is among them, blank or not.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.names.iter().map(AsRef::as_ref);
        names.zip(self.values.iter().map(AsRef::as_ref))
    }

    /// The values to work on.
    pub fn unpacked(&self) -> BTreeMap<String, String> {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// The texts and the lists of names that the records of one table share.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    texts: HashSet<Text>,
    shapes: HashSet<Arc<[Text]>>,
    /// Texts that nobody holds any more are dropped when there are that many.
    full: usize,
}

impl Pool {
    /// The one copy of a text.
    pub fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        if self.texts.len() >= self.full {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
            self.full = 2 * self.texts.len() + 1_024;
        }
        let kept = Text::from(text);
        self.texts.insert(Arc::clone(&kept));
        kept
    }

    /// Packs values.
    pub fn pack<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Packed {
        self.with(&Packed::default(), values)
    }

    /// What was there, with `values` over it.
    pub fn with<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        before: &Packed,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Packed {
        let before = before.names.iter().zip(before.values.iter());
        let mut all: BTreeMap<Text, Text> = before
            .map(|(name, value)| (Arc::clone(name), Arc::clone(value)))
            .collect();
        for (name, value) in values {
            all.insert(self.text(name.as_ref()), self.text(value.as_ref()));
        }
        let (names, values): (Vec<Text>, Vec<Text>) = all.into_iter().unzip();
        Packed {
            names: self.shape(names),
            values: values.into(),
        }
    }

    fn shape(&mut self, names: Vec<Text>) -> Arc<[Text]> {
        if let Some(known) = self.shapes.get(names.as_slice()) {
            return Arc::clone(known);
        }
        let shape: Arc<[Text]> = names.into();
        self.shapes.insert(Arc::clone(&shape));
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(packed: &Packed) -> Vec<(&str, &str)> {
        packed.iter().collect()
    }

    #[test]
    fn values_come_back_by_name_and_in_the_order_of_names() {
        let packed = Pool::default().pack([("zip", "1"), ("city", ""), ("email", "a@b.example")]);
        assert_eq!(
            all(&packed),
            [("city", ""), ("email", "a@b.example"), ("zip", "1")]
        );
        assert_eq!(packed.get("zip"), Some("1"));
        assert_eq!((packed.get("city"), packed.get("state")), (Some(""), None));
        assert!(packed.contains("city") && !packed.contains("state"));
        assert_eq!(packed.unpacked().len(), 3);
        assert_eq!(all(&Packed::default()), []);
    }

    #[test]
    fn a_change_leaves_the_copy_before_it_as_it_was() {
        let mut pool = Pool::default();
        let before = pool.pack([("city", "Bonn"), ("zip", "1")]);
        let after = pool.with(&before, [("zip", "2"), ("area", "North"), ("zip", "3")]);
        assert_eq!(all(&before), [("city", "Bonn"), ("zip", "1")]);
        assert_eq!(
            all(&after),
            [("area", "North"), ("city", "Bonn"), ("zip", "3")]
        );
    }

    #[test]
    fn equal_texts_and_equal_lists_of_names_are_kept_once() {
        let mut pool = Pool::default();
        let one = pool.pack([("city", "Bonn"), ("zip", "1")]);
        let other = pool.pack([("zip", "2"), ("city", "Bonn")]);
        assert!(Arc::ptr_eq(&one.names, &other.names));
        assert!(Arc::ptr_eq(&one.values[0], &other.values[0]));
        assert_eq!(pool.texts.len(), 5);
    }

    #[test]
    fn texts_that_nobody_holds_do_not_pile_up() {
        let mut pool = Pool::default();
        let held = pool.text("held");
        for n in 0..10_000 {
            pool.text(&n.to_string());
        }
        assert!(pool.texts.len() < 2_100, "{}", pool.texts.len());
        assert!(Arc::ptr_eq(&held, &pool.text("held")));
    }
}
