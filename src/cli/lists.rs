//! Reading whole lists page by page, and finding ids by prefix.

use super::door::Door;
use super::exit::{Failure, unexpected};
use super::report;
use crate::domain::{ErrorItem, ItemId, Op, RunId, RunRecord};
use crate::service::messages::{ConflictRow, ListKind, ListQuery, Reply, Request, Rows};

/// Rows asked for at a time.
const PAGE: usize = 500;
/// Fewest digits of a prefix.
const SHORTEST_PREFIX: usize = 6;

/// Reads at most `limit` rows of a list, page by page; `take` adds a page's rows and tells how many they were.
async fn read(
    door: &dyn Door,
    list: ListKind,
    limit: usize,
    mut take: impl FnMut(Rows) -> Option<usize>,
) -> Result<(), Failure> {
    let mut from = 0;
    while from < limit {
        let query = ListQuery {
            list: list.clone(),
            filter: String::new(),
            sort: None,
            from,
            count: PAGE.min(limit - from),
            locate: None,
        };
        let page = match door.ask(Request::List(query)).await? {
            Reply::List(page) => page,
            Reply::Refused(refusal) => return Err(refusal.into()),
            _ => return Err(unexpected("a list")),
        };
        let matched = page.matched;
        let got = take(page.rows).ok_or_else(|| unexpected("a list"))?;
        from += got;
        if got == 0 || from >= matched {
            break;
        }
    }
    Ok(())
}

/// Appends and counts.
fn extend<T>(found: &mut Vec<T>, mut rows: Vec<T>) -> Option<usize> {
    let count = rows.len();
    found.append(&mut rows);
    Some(count)
}

/// Every row of the conflict queue.
///
/// # Errors
/// A refusal.
pub async fn conflicts(door: &dyn Door) -> Result<Vec<ConflictRow>, Failure> {
    let mut found = Vec::new();
    read(door, ListKind::Conflicts, usize::MAX, |rows| match rows {
        Rows::Conflicts(rows) => extend(&mut found, rows),
        _ => None,
    })
    .await?;
    Ok(found)
}

/// Every error.
///
/// # Errors
/// A refusal.
pub async fn errors(door: &dyn Door) -> Result<Vec<ErrorItem>, Failure> {
    let mut found = Vec::new();
    read(
        door,
        ListKind::Errors { cause: None },
        usize::MAX,
        |rows| match rows {
            Rows::Errors(rows) => extend(&mut found, rows),
            _ => None,
        },
    )
    .await?;
    Ok(found)
}

/// The newest runs.
///
/// # Errors
/// A refusal.
pub async fn runs(door: &dyn Door, limit: usize) -> Result<Vec<RunRecord>, Failure> {
    let mut found = Vec::new();
    read(door, ListKind::Runs, limit, |rows| match rows {
        Rows::Runs(rows) => extend(&mut found, rows.into_iter().map(|row| row.record).collect()),
        _ => None,
    })
    .await?;
    Ok(found)
}

/// A run's whole journal.
///
/// # Errors
/// A refusal.
pub async fn journal(door: &dyn Door, run: RunId) -> Result<Vec<Op>, Failure> {
    ops(door, run, |_| true).await
}

/// What a run's journal has that did not come about; the rest of it is not kept.
///
/// # Errors
/// A refusal.
pub async fn not_done(door: &dyn Door, run: RunId) -> Result<Vec<Op>, Failure> {
    ops(door, run, report::is_not_done).await
}

async fn ops(door: &dyn Door, run: RunId, keep: fn(&Op) -> bool) -> Result<Vec<Op>, Failure> {
    let mut found = Vec::new();
    let list = ListKind::Journal { run };
    read(door, list, usize::MAX, |rows| match rows {
        Rows::Journal(rows) => {
            let count = rows.len();
            found.extend(rows.into_iter().filter(keep));
            Some(count)
        }
        _ => None,
    })
    .await?;
    Ok(found)
}

/// The ids that the words name, each in full or by a unique prefix; all that do not fit are named at once.
///
/// # Errors
/// A word that is no prefix, names nothing or several.
pub fn by_prefix<T: Clone>(
    words: &[String],
    known: &[(ItemId, T)],
    what: &str,
) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    let mut wrong = Vec::new();
    for word in words {
        let prefix = word.to_lowercase();
        let digits = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || prefix.len() < SHORTEST_PREFIX || prefix.len() > 32 {
            wrong.push(format!(
                "\"{}\" is not an id; give six or more hexadecimal digits",
                word.escape_debug()
            ));
            continue;
        }
        let mut hits = known
            .iter()
            .filter(|(id, _)| id.to_string().starts_with(&prefix));
        match (hits.next(), hits.next()) {
            (Some((_, hit)), None) => found.push(hit.clone()),
            (Some((one, _)), Some((two, _))) => wrong.push(format!(
                "{word} is the start of several ({one}, {two}…); give more digits"
            )),
            (None, _) => wrong.push(format!("{word} is no {what} that waits")),
        }
    }
    if wrong.is_empty() {
        Ok(found)
    } else {
        Err(Failure::usage(wrong.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_must_be_long_enough_unique_and_known() {
        let known = [
            (ItemId(0x1a2b3c44 << 96), "a"),
            (ItemId(0x1a2b3c55 << 96), "b"),
            (ItemId(0xffffff00 << 96), "c"),
        ];
        let find = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            by_prefix(&words, &known, "conflict").map_err(|failure| failure.message)
        };
        assert_eq!(find(&["1A2B3C4", "ffffff"]), Ok(vec!["a", "c"]));
        assert!(find(&["1a2b3c"]).unwrap_err().contains("several"));
        assert!(find(&["abc"]).unwrap_err().contains("six or more"));
        assert!(find(&["zzzzzz"]).unwrap_err().contains("not an id"));
        let both = find(&["123456", "x"]).unwrap_err();
        assert_eq!(both.lines().count(), 2, "{both}");
    }
}
