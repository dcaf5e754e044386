//! Finding the ops of one link in the journals of the last runs. The journal is kept by run; a small index by link is read on from
//! where it stopped, so that a look costs what was written since the last one.

use std::collections::BTreeMap;

use super::host::House;
use crate::domain::{LinkId, Op, RunId};
use crate::store::{Family, Key, Range, StoreError, TypedStore, keys};

/// Runs whose journal is looked through.
const RUNS: usize = 20;
/// Ops read of one link.
const OPS: usize = 50;
/// Rows read at a time.
const PAGE: usize = 1000;

/// Where the last runs' ops are, by link.
#[derive(Default)]
pub(super) struct Journals {
    runs: BTreeMap<RunId, Places>,
}

/// Where one run's ops are.
#[derive(Default)]
struct Places {
    read_to: Option<Key>,
    /// The low half of the link's id, and the op's place: small, because a first sync writes as many ops as there are records.
    by_link: Vec<(u64, u64)>,
}

fn low(link: LinkId) -> u64 {
    link.0 as u64
}

impl Places {
    fn of(&self, link: LinkId) -> impl Iterator<Item = u64> {
        let from = self
            .by_link
            .partition_point(|(low, _)| *low < self::low(link));
        self.by_link
            .iter()
            .skip(from)
            .take_while(move |(low, _)| *low == self::low(link))
            .map(|(_, seq)| *seq)
    }
}

impl House {
    /// The ops that worked for a link in the last runs, newest first.
    pub(super) async fn ops_of(&self, link: LinkId) -> Result<Vec<Op>, StoreError> {
        let last: Vec<RunId> = self
            .db
            .runs(RUNS)
            .await?
            .iter()
            .map(|run| run.run)
            .collect();
        let mut journals = self.journals.lock().await;
        journals.runs.retain(|run, _| last.contains(run));
        let mut wanted = Vec::new();
        for run in last {
            let places = journals.runs.entry(run).or_default();
            self.read_on(run, places).await?;
            let mut seqs: Vec<u64> = places.of(link).collect();
            seqs.sort_unstable_by(|one, other| other.cmp(one));
            wanted.extend(seqs.into_iter().map(|seq| keys::journal(run, seq)));
        }
        drop(journals);
        wanted.truncate(OPS);
        let ops: Vec<Option<Op>> = self.db.store().rows(wanted).await?;
        Ok(ops
            .into_iter()
            .flatten()
            .filter(|op| op.link == link)
            .collect())
    }

    async fn read_on(&self, run: RunId, places: &mut Places) -> Result<(), StoreError> {
        let had = places.by_link.len();
        loop {
            let range = Range::prefix(keys::by_run(Family::Journal, run), PAGE)
                .after(places.read_to.clone());
            let rows: Vec<(Key, Op)> = self.db.store().scan(range).await?;
            let Some((last, _)) = rows.last() else { break };
            places.read_to = Some(last.clone());
            places
                .by_link
                .extend(rows.iter().map(|(_, op)| (low(op.link), op.seq)));
        }
        if places.by_link.len() > had {
            places.by_link.sort_unstable();
        }
        Ok(())
    }
}
