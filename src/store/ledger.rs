//! How the store notices that rows are missing or old although each one is sound. sled skips what it cannot read of its log; a row that is
//! lost that way, or falls back to an older value, has a right checksum. So one row of our own sums all others up, in every
//! batch; and a file beside the database says which batch was made durable last.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// The key of the sum, below all families.
pub(super) const LEDGER_KEY: [u8; 1] = [0];

/// The sum over all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// Batches so far.
    pub(super) batch: u64,
    /// Rows.
    pub(super) rows: u64,
    /// Wrapping sum of the rows' checksums.
    pub(super) sum: u64,
}

impl Ledger {
    /// The ledger after one row changed from a checksum to another.
    pub(super) fn change(&mut self, before: Option<u64>, after: Option<u64>) {
        self.sum = self
            .sum
            .wrapping_sub(before.unwrap_or_default())
            .wrapping_add(after.unwrap_or_default());
        match (before, after) {
            (None, Some(_)) => self.rows = self.rows.wrapping_add(1),
            (Some(_), None) => self.rows = self.rows.wrapping_sub(1),
            _ => {}
        }
    }

    /// As bytes.
    pub(super) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let words = [self.batch, self.rows, self.sum];
        for (to, from) in bytes
            .iter_mut()
            .zip(words.iter().flat_map(|word| word.to_be_bytes()))
        {
            *to = from;
        }
        bytes
    }

    /// From bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| -> Option<u64> {
            Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
        };
        (bytes.len() == 24).then_some(())?;
        Some(Ledger {
            batch: word(0)?,
            rows: word(8)?,
            sum: word(16)?,
        })
    }
}

/// Name of the mark's file in the store's folder.
const MARK_FILE: &str = "last-commit";

/// The file that says which batch was made durable last. Written behind the sync of the data, itself not synced: after a power cut it may be
/// older than the data, never newer.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
}

/// What the mark said at open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    /// The sum as of the last durable batch.
    pub(super) ledger: Ledger,
    /// The store was closed in order.
    pub(super) clean: bool,
}

impl Mark {
    /// Opens the mark and reads it; `None` where there is none yet or it cannot be read.
    pub(super) fn open(store: &Path) -> io::Result<(Mark, Option<Marked>)> {
        let path = store.join(MARK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let mut bytes = Vec::new();
        file.by_ref().take(128).read_to_end(&mut bytes)?;
        Ok((Mark { file }, parse(&bytes)))
    }

    /// Writes the mark.
    pub(super) fn write(&self, marked: Marked) -> io::Result<()> {
        let state = if marked.clean { "closed" } else { "open  " };
        write_at_start(
            &self.file,
            format!(
                "{:020} {:020} {:020} {state}\n",
                marked.ledger.batch, marked.ledger.rows, marked.ledger.sum
            )
            .as_bytes(),
        )
    }
}

fn parse(bytes: &[u8]) -> Option<Marked> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (numbers, state) = text.split_at_checked(3 * 21)?;
    let clean = match state {
        "closed" => true,
        "open  " => false,
        _ => return None,
    };
    let mut words = numbers
        .split_terminator(' ')
        .map(|word| word.parse::<u64>().ok());
    let (batch, rows, sum) = (words.next()??, words.next()??, words.next()??);
    let ledger = Ledger { batch, rows, sum };
    words.next().is_none().then_some(Marked { ledger, clean })
}

#[cfg(unix)]
fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)
}

#[cfg(not(unix))]
fn write_at_start(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_comes_back_from_its_bytes_and_no_others() {
        let ledger = Ledger {
            batch: 7,
            rows: 2,
            sum: u64::MAX,
        };
        assert_eq!(Ledger::from_bytes(&ledger.to_bytes()), Some(ledger));
        assert_eq!(Ledger::from_bytes(&[0; 23]), None);
    }

    #[test]
    fn the_sum_does_not_depend_on_the_way_there() {
        let mut one = Ledger::default();
        one.change(None, Some(5));
        one.change(None, Some(9));
        one.change(Some(5), Some(6));
        one.change(Some(9), None);
        let mut other = Ledger::default();
        other.change(None, Some(6));
        assert_eq!(one, other);
    }

    #[test]
    fn a_mark_comes_back_and_a_torn_one_is_no_mark() {
        let folder = tempfile::tempdir().unwrap();
        let (mark, read) = Mark::open(folder.path()).unwrap();
        assert_eq!(read, None);
        let of = |batch| Ledger {
            batch,
            rows: 3,
            sum: u64::MAX,
        };
        let marked = Marked {
            ledger: of(12),
            clean: false,
        };
        mark.write(Marked {
            ledger: of(11),
            clean: true,
        })
        .unwrap();
        mark.write(marked).unwrap();
        assert_eq!(Mark::open(folder.path()).unwrap().1, Some(marked));
        assert_eq!(
            parse(b"00000000000000000012 00000000000000000003 clo"),
            None
        );
    }
}
