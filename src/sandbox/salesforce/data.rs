//! The records: current values in rows, every past version beside them, and the indexes that find a row without a
//! scan. Knows nothing of rules or of HTTP.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};

use crate::sandbox::fields::{Pool, Text};
use crate::sandbox::history::History;

use super::ids;
use super::schema::{Object, Schema};

/// How long a deleted row stays in the recycle bin (docs/vendor/salesforce.md 2.6).
pub const BIN_DAYS: i64 = 15;

/// One record.
#[derive(Clone, Debug)]
pub struct Row {
    /// 18-character id.
    pub id: String,
    /// Stored values, by the object's field places.
    pub values: Vec<Option<Text>>,
    /// `CreatedDate`
    pub created: DateTime<Utc>,
    /// `CreatedById`
    pub created_by: String,
    /// `LastModifiedDate`
    pub modified: DateTime<Utc>,
    /// `LastModifiedById`
    pub modified_by: String,
    /// `SystemModstamp`, whole seconds.
    pub stamp: DateTime<Utc>,
    /// When it went to the recycle bin.
    pub deleted: Option<DateTime<Utc>>,
    /// `MasterRecordId`
    pub master: Option<String>,
    /// Hidden from the caller by sharing.
    pub hidden: bool,
    /// Every version.
    pub history: History,
}

impl Row {
    /// Neither deleted nor hidden.
    pub fn live(&self) -> bool {
        self.deleted.is_none() && !self.hidden
    }

    /// Still to be seen in the recycle bin, or live.
    pub fn visible(&self, now: DateTime<Utc>, with_deleted: bool) -> bool {
        !self.hidden
            && self
                .deleted
                .is_none_or(|at| with_deleted && now < at + Duration::days(BIN_DAYS))
    }
}

/// The records of one object, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The rows; their places are stable.
    pub rows: Vec<Row>,
    by_id: HashMap<String, usize>,
    index: BTreeMap<usize, HashMap<String, BTreeSet<usize>>>,
    made: u64,
}

impl Table {
    /// The place of a record by its 18-character id.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The places of all rows, deleted ones too, whose indexed field has that value; `None` without an index.
    pub fn with_value(&self, field: usize, value: &str) -> Option<Vec<usize>> {
        let index = self.index.get(&field)?;
        Some(
            index
                .get(&fold(value))
                .map(|places| places.iter().copied().collect())
                .unwrap_or_default(),
        )
    }

    fn unindex(&mut self, place: usize) {
        for (field, index) in &mut self.index {
            if let Some(value) = &self.rows[place].values[*field]
                && let Some(places) = index.get_mut(&fold(value))
            {
                places.remove(&place);
            }
        }
    }

    fn reindex(&mut self, place: usize) {
        for (field, index) in &mut self.index {
            if let Some(value) = &self.rows[place].values[*field] {
                index.entry(fold(value)).or_default().insert(place);
            }
        }
    }
}

/// The empty table of an object, with its indexes.
fn table_of(object: &Object) -> Table {
    let fields = object.fields.iter().enumerate();
    let indexed = fields.filter(|(_, field)| field.indexed());
    Table {
        index: indexed.map(|(place, _)| (place, HashMap::new())).collect(),
        ..Table::default()
    }
}

/// Text as comparisons without case see it.
pub fn fold(value: &str) -> String {
    if value.is_ascii() {
        value.to_ascii_lowercase()
    } else {
        value.to_lowercase()
    }
}

/// What a rollback has to take back.
#[derive(Clone, Debug)]
enum Undo {
    Added {
        object: usize,
    },
    Changed {
        object: usize,
        place: usize,
        row: Box<Row>,
    },
}

/// Schema and records together, with the undo log of the transaction that is open.
#[derive(Clone, Debug)]
pub struct Data {
    /// Objects and fields.
    pub schema: Schema,
    /// Records, by object place.
    pub tables: Vec<Table>,
    /// What the values of all rows and versions share.
    pub pool: Pool,
    undo: Vec<Undo>,
    depth: usize,
}

impl Data {
    /// No records yet.
    pub fn new(schema: Schema) -> Self {
        let tables = schema.objects.iter().map(table_of).collect();
        Data {
            schema,
            tables,
            pool: Pool::default(),
            undo: Vec::new(),
            depth: 0,
        }
    }

    /// One object more, without records.
    pub fn add_object(&mut self, object: Object) {
        self.tables.push(table_of(&object));
        self.schema.objects.push(object);
    }

    /// The id the next record of that object gets.
    pub fn next_id(&mut self, object: usize) -> String {
        let table = &mut self.tables[object];
        table.made += 1;
        ids::make(self.schema.objects[object].prefix, table.made)
    }

    /// Adds a record.
    pub fn add(&mut self, object: usize, row: Row) -> usize {
        let table = &mut self.tables[object];
        let place = table.rows.len();
        table.by_id.insert(row.id.clone(), place);
        table.rows.push(row);
        table.reindex(place);
        if self.depth > 0 {
            self.undo.push(Undo::Added { object });
        }
        place
    }

    /// Changes a record in place, keeping indexes and the undo log right.
    pub fn change(&mut self, object: usize, place: usize, change: impl FnOnce(&mut Row)) {
        let table = &mut self.tables[object];
        if self.depth > 0 {
            self.undo.push(Undo::Changed {
                object,
                place,
                row: Box::new(table.rows[place].clone()),
            });
        }
        table.unindex(place);
        change(&mut table.rows[place]);
        table.reindex(place);
    }

    /// Opens a transaction (they nest) and returns the mark to roll back to.
    pub fn begin(&mut self) -> usize {
        self.depth += 1;
        self.undo.len()
    }

    /// Closes the innermost transaction and keeps what it did.
    pub fn commit(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 {
            self.undo.clear();
        }
    }

    /// Closes the innermost transaction and takes back everything since `mark`.
    pub fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Added { object }) => {
                    let table = &mut self.tables[object];
                    let place = table.rows.len().saturating_sub(1);
                    table.unindex(place);
                    if let Some(row) = table.rows.pop() {
                        table.by_id.remove(&row.id);
                    }
                }
                Some(Undo::Changed { object, place, row }) => {
                    let table = &mut self.tables[object];
                    table.unindex(place);
                    table.rows[place] = *row;
                    table.reindex(place);
                }
                None => break,
            }
        }
        self.commit();
    }

    /// The places of live rows with that value in an indexed field.
    pub fn live_with_value(&self, object: usize, field: usize, value: &str) -> Vec<usize> {
        let table = &self.tables[object];
        let mut places = table.with_value(field, value).unwrap_or_default();
        places.retain(|place| table.rows[*place].deleted.is_none());
        places
    }
}
