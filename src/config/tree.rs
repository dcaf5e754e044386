//! The config as a plain tree in which every key and value knows where it came from.

use serde::{Deserialize, Serialize};
use toml_edit::{Document, Item, TableLike, Value};

use super::error::{ConfigError, ConfigErrors};

/// Where a value came from; later ones win.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Built in.
    #[default]
    Default,
    /// This line of the file, from 1.
    Line(usize),
    /// This environment variable.
    Env(String),
    /// This flag of the command line.
    Flag(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Default => f.write_str("default"),
            Place::Line(line) => write!(f, "line {line}"),
            Place::Env(name) | Place::Flag(name) => f.write_str(name),
        }
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// The value.
    pub(super) raw: Raw,
    /// Its place.
    pub(super) place: Place,
}

/// What a value can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Date(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// One key of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Node {
    /// An empty table.
    pub(super) fn empty(place: Place) -> Node {
        Node {
            raw: Raw::Table(Vec::new()),
            place,
        }
    }

    /// The entries of a table; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.raw {
            Raw::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none for anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.raw {
            Raw::List(items) => items,
            _ => &[],
        }
    }

    /// The value under `key` of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }

    /// The value under a dotted path of tables.
    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.raw {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for people.
    pub(super) fn type_name(&self) -> &'static str {
        match self.raw {
            Raw::Text(_) => "text",
            Raw::Integer(_) => "a whole number",
            Raw::Float(_) => "a number",
            Raw::Boolean(_) => "true or false",
            Raw::Date(_) => "a date",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
        }
    }

    /// The value as one would write it, one line, shortened and safe to print.
    pub(super) fn shown(&self) -> String {
        const LONGEST: usize = 60;
        let full = self.written();
        if full.chars().count() <= LONGEST {
            return full;
        }
        let mut short: String = full.chars().take(LONGEST).collect();
        short.push('…');
        short
    }

    fn written(&self) -> String {
        match &self.raw {
            Raw::Text(text) => format!("\"{}\"", text.escape_debug()),
            Raw::Integer(number) => number.to_string(),
            Raw::Float(number) => number.to_string(),
            Raw::Boolean(flag) => flag.to_string(),
            Raw::Date(text) => text.clone(),
            Raw::List(items) => {
                let items: Vec<String> = items.iter().map(Node::written).collect();
                format!("[{}]", items.join(", "))
            }
            Raw::Table(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{} = {}", entry.key.escape_debug(), entry.node.written()))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    /// Puts `node` under a dotted path, making the tables on the way. False where something that is no table is in the way.
    pub(super) fn set(&mut self, path: &[&str], node: Node) -> bool {
        let Some((first, rest)) = path.split_first() else {
            *self = node;
            return true;
        };
        let Raw::Table(entries) = &mut self.raw else {
            return false;
        };
        let index = match entries.iter().position(|entry| entry.key == *first) {
            Some(index) => index,
            None => {
                entries.push(Entry {
                    key: (*first).to_owned(),
                    place: node.place.clone(),
                    node: Node::empty(node.place.clone()),
                });
                entries.len() - 1
            }
        };
        match entries.get_mut(index) {
            Some(entry) => entry.node.set(rest, node),
            None => false,
        }
    }
}

/// Parses a TOML file into a tree.
pub(super) fn parse(text: &str, file: &str) -> Result<Node, ConfigErrors> {
    let lines = Lines::of(text);
    let document = Document::parse(text).map_err(|error| ConfigError {
        file: file.to_owned(),
        place: error
            .span()
            .map_or(Place::Line(1), |span| lines.place(span.start)),
        key: String::new(),
        value: String::new(),
        // The parser's message names what it expected and never quotes the line, which could hold a secret.
        message: format!("not valid TOML: {}", error.message().replace('\n', ", ")),
        next: "correct the line".to_owned(),
    })?;
    Ok(table(document.as_table(), Place::Line(1), &lines))
}

/// Parses one value as it would stand after `=`, for variables and flags.
pub(super) fn parse_value(text: &str, place: &Place) -> Option<Node> {
    let line = format!("x = {text}\n");
    let document = Document::parse(line.as_str()).ok()?;
    if document.as_table().len() != 1 {
        return None;
    }
    let mut node = item(
        document.as_table().get("x")?,
        place.clone(),
        &Lines::of(&line),
    );
    move_to(&mut node, place);
    Some(node)
}

fn move_to(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.raw {
        Raw::List(items) => items.iter_mut().for_each(|item| move_to(item, place)),
        Raw::Table(entries) => entries.iter_mut().for_each(|entry| {
            entry.place = place.clone();
            move_to(&mut entry.node, place);
        }),
        _ => {}
    }
}

/// Byte offsets of line starts.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Lines(starts)
    }

    fn place(&self, offset: usize) -> Place {
        Place::Line(self.0.partition_point(|start| *start <= offset))
    }
}

fn table(source: &dyn TableLike, place: Place, lines: &Lines) -> Node {
    let mut entries = Vec::with_capacity(source.len());
    for (name, inner) in source.iter() {
        let at = source
            .key(name)
            .and_then(toml_edit::Key::span)
            .or_else(|| inner.span())
            .map_or_else(|| place.clone(), |span| lines.place(span.start));
        entries.push(Entry {
            key: name.to_owned(),
            place: at.clone(),
            node: item(inner, at, lines),
        });
    }
    Node {
        raw: Raw::Table(entries),
        place,
    }
}

fn item(source: &Item, fallback: Place, lines: &Lines) -> Node {
    match source {
        Item::Value(inner) => value(inner, fallback, lines),
        Item::Table(inner) => {
            let at = inner
                .span()
                .map_or(fallback, |span| lines.place(span.start));
            table(inner, at, lines)
        }
        Item::ArrayOfTables(inner) => {
            let items = inner
                .iter()
                .map(|one| {
                    let at = one
                        .span()
                        .map_or_else(|| fallback.clone(), |span| lines.place(span.start));
                    table(one, at, lines)
                })
                .collect();
            Node {
                raw: Raw::List(items),
                place: fallback,
            }
        }
        Item::None => Node::empty(fallback),
    }
}

fn value(source: &Value, fallback: Place, lines: &Lines) -> Node {
    let place = source
        .span()
        .map_or(fallback, |span| lines.place(span.start));
    let raw = match source {
        Value::String(inner) => Raw::Text(inner.value().clone()),
        Value::Integer(inner) => Raw::Integer(*inner.value()),
        Value::Float(inner) => Raw::Float(*inner.value()),
        Value::Boolean(inner) => Raw::Boolean(*inner.value()),
        Value::Datetime(inner) => Raw::Date(inner.value().to_string()),
        Value::Array(inner) => Raw::List(
            inner
                .iter()
                .map(|one| value(one, place.clone(), lines))
                .collect(),
        ),
        Value::InlineTable(inner) => return table(inner, place, lines),
    };
    Node { raw, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_knows_its_line() {
        let tree = parse(
            "name = \"x\"\n[defaults]\ncountry = \"US\"\n\n[[mapping]]\nfields = [\n  { salesforce = \"A\" },\n]\n",
            "c.toml",
        )
        .unwrap();
        assert_eq!(tree.at("defaults.country").unwrap().place, Place::Line(3));
        let mapping = &tree.get("mapping").unwrap().items()[0];
        assert_eq!(mapping.place, Place::Line(5));
        let field = &mapping.get("fields").unwrap().items()[0];
        assert_eq!(field.place, Place::Line(7));
        assert_eq!(field.entries()[0].place, Place::Line(7));
    }

    #[test]
    fn broken_toml_names_the_line_and_never_quotes_it() {
        let errors = parse("name = \"x\"\ntoken = pat-na1-secret\n", "c.toml").unwrap_err();
        assert_eq!(errors.0[0].line(), Some(2));
        assert!(!errors.to_string().contains("pat-na1-secret"), "{errors}");
    }

    #[test]
    fn setting_a_path_makes_its_tables_and_replaces_what_is_there() {
        let mut tree = parse("[engine]\nslice = 1\n", "c").unwrap();
        let place = Place::Env("E".into());
        let node = parse_value("7", &place).unwrap();
        assert!(tree.set(&["engine", "slice"], node.clone()));
        assert!(tree.set(&["safety", "max_deletes"], node));
        assert_eq!(tree.at("engine.slice").unwrap().raw, Raw::Integer(7));
        assert_eq!(tree.at("safety.max_deletes").unwrap().place, place);
    }
}
