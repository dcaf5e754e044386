//! The syntax tree of a query, names as written.

/// A dotted name and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// As written.
    pub text: String,
    /// Byte offset in the query.
    pub at: usize,
}

/// A field or an aggregate of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A field path.
    Path(Path),
    /// A function call, its name in upper case.
    Call(String, Option<Path>, usize),
}

/// One entry of the SELECT list.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A field or aggregate with its alias.
    Value(Operand, Option<String>),
    /// A sub-select of children.
    Child(Box<Query>),
    /// `FIELDS(ALL | STANDARD | CUSTOM)`.
    Fields(String, usize),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Eq,
    /// `!=`, `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `LIKE`
    Like,
}

/// A value in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// Quoted text, escapes still in it.
    Text(String),
    /// An unquoted number, date or date-time.
    Bare(String),
    /// `true` or `false`
    Boolean(bool),
    /// A date literal such as `LAST_N_DAYS:7`.
    Day(String, Option<i64>),
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// Any of them.
    Or(Vec<Condition>),
    /// Not it.
    Not(Box<Condition>),
    /// One comparison.
    Test(Operand, Op, Literal, usize),
    /// In a list (or not, when true).
    In(Operand, Vec<(Literal, usize)>, bool),
    /// In the result of another query (or not, when true).
    InQuery(Path, Box<Query>, bool),
}

/// One sort key.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// By what.
    pub by: Operand,
    /// Descending.
    pub descending: bool,
    /// Nulls at the end.
    pub nulls_last: bool,
}

/// A query as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The SELECT list.
    pub select: Vec<Item>,
    /// The object.
    pub from: Path,
    /// Its alias.
    pub alias: Option<String>,
    /// WHERE.
    pub filter: Option<Condition>,
    /// GROUP BY.
    pub group: Vec<Path>,
    /// HAVING.
    pub having: Option<Condition>,
    /// ORDER BY.
    pub order: Vec<Sort>,
    /// LIMIT.
    pub limit: Option<u64>,
    /// OFFSET.
    pub offset: u64,
}
