//! One suite, run against every store: what the `Store` trait promises (docs/design/testing.md 2.4).

use std::path::Path;
use std::sync::Arc;

use syncline::clock::SystemClock;
use syncline::store::{
    Batch, Family, Key, KeyWriter, OverlayStore, Range, SimStore, SledStore, Store, StoreError,
    VALUE_LIMIT, keys,
};

fn key(number: u64) -> Key {
    KeyWriter::new(Family::Dirty).u64(number).finish()
}

fn value(number: u64) -> Vec<u8> {
    format!("\u{1}{number}").into_bytes()
}

fn puts(numbers: impl IntoIterator<Item = u64>) -> Batch {
    let mut batch = Batch::default();
    for number in numbers {
        batch.put(key(number), value(number));
    }
    batch
}

async fn numbers(store: &dyn Store, range: Range) -> Vec<u64> {
    let entries = store.range(range).await.unwrap();
    entries
        .iter()
        .map(|(key, _)| u64::from_be_bytes(key.0[1..9].try_into().unwrap()))
        .collect()
}

fn all() -> Range {
    Range::prefix(keys::all(Family::Dirty), usize::MAX)
}

/// What every store must do; `store` is empty.
async fn conformance(store: &dyn Store) {
    assert_eq!(store.get(key(1)).await.unwrap(), None);
    assert!(numbers(store, all()).await.is_empty());

    // A batch is visible when `apply` returns, all of it, and reads come in the order asked.
    store.apply(puts([5, 1, 3])).await.unwrap();
    store.commit(puts([2, 4])).await.unwrap();
    let many = store
        .get_many(vec![key(4), key(9), key(1), key(4)])
        .await
        .unwrap();
    assert_eq!(
        many,
        vec![Some(value(4)), None, Some(value(1)), Some(value(4))]
    );

    // Order, limits, pages, both ways.
    assert_eq!(numbers(store, all()).await, [1, 2, 3, 4, 5]);
    assert_eq!(numbers(store, all().reversed()).await, [5, 4, 3, 2, 1]);
    let two = Range::prefix(keys::all(Family::Dirty), 2);
    assert_eq!(numbers(store, two.clone()).await, [1, 2]);
    assert_eq!(
        numbers(store, two.clone().after(Some(key(2)))).await,
        [3, 4]
    );
    assert_eq!(
        numbers(store, two.clone().reversed().after(Some(key(4)))).await,
        [3, 2]
    );
    assert_eq!(
        numbers(store, two.clone().after(Some(key(5)))).await,
        [0; 0]
    );
    assert_eq!(
        numbers(store, two.clone().reversed().after(Some(key(1)))).await,
        [0; 0]
    );
    assert_eq!(
        numbers(store, Range::prefix(keys::all(Family::Dirty), 0)).await,
        [0; 0]
    );
    // A key that is not there is as good a place to go on from as any; so is one outside of the prefix.
    assert_eq!(
        numbers(store, two.clone().after(Some(Key(vec![0])))).await,
        [1, 2]
    );
    assert_eq!(
        numbers(store, two.clone().after(Some(Key(vec![255])))).await,
        [0; 0]
    );
    assert_eq!(
        numbers(store, two.clone().reversed().after(Some(Key(vec![255])))).await,
        [5, 4]
    );
    assert_eq!(
        numbers(store, two.reversed().after(Some(Key(vec![0])))).await,
        [0; 0]
    );

    // Neighbouring families are not in the range; the whole store is in order; nothing of the store's own shows.
    let mut batch = Batch::default();
    batch.put(keys::meta("x"), value(0));
    batch.put(keys::activity(u64::MAX), value(0));
    store.commit(batch).await.unwrap();
    assert_eq!(numbers(store, all()).await, [1, 2, 3, 4, 5]);
    let everything = store
        .range(Range::prefix(Key(Vec::new()), usize::MAX))
        .await
        .unwrap();
    assert_eq!(everything.len(), 7);
    assert!(everything.is_sorted());

    // The later write to one key wins, whichever it is.
    let mut batch = Batch::default();
    batch.put(key(1), value(100));
    batch.put(key(1), value(101));
    batch.remove(key(2));
    batch.put(key(3), value(3));
    batch.remove(key(3));
    batch.remove(key(6));
    batch.put(key(6), value(6));
    batch.remove(key(77));
    store.apply(batch).await.unwrap();
    assert_eq!(store.get(key(1)).await.unwrap(), Some(value(101)));
    assert_eq!(numbers(store, all()).await, [1, 4, 5, 6]);
    assert_eq!(numbers(store, all().reversed()).await, [6, 5, 4, 1]);

    // An empty commit makes durable what was applied before, and is no error.
    store.commit(Batch::default()).await.unwrap();

    // Too large a value refuses the whole batch, and the store goes on.
    let mut batch = puts([200]);
    batch.put(key(201), vec![1; VALUE_LIMIT + 1]);
    assert!(matches!(
        store.commit(batch).await,
        Err(StoreError::TooLarge { bytes, .. }) if bytes == VALUE_LIMIT + 1
    ));
    assert_eq!(store.get(key(200)).await.unwrap(), None);
    let mut batch = Batch::default();
    batch.put(key(202), vec![1; VALUE_LIMIT]);
    store.commit(batch).await.unwrap();
    assert_eq!(
        store.get(key(202)).await.unwrap().unwrap().len(),
        VALUE_LIMIT
    );

    store.verify().await.unwrap();
    let before = store.rows_read();
    store.get(key(1)).await.unwrap();
    numbers(store, all()).await;
    assert_eq!(store.rows_read() - before, 6);
}

fn open(folder: &Path) -> SledStore {
    SledStore::open(folder, &SystemClock).unwrap()
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    conformance(&SimStore::new()).await;
}

#[tokio::test]
async fn the_store_on_disk_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    conformance(&open(folder.path())).await;
}

#[tokio::test]
async fn an_overlay_keeps_the_contract_over_an_empty_store() {
    conformance(&OverlayStore::new(Arc::new(SimStore::new()))).await;
}

#[tokio::test]
async fn an_overlay_shows_both_and_changes_nothing_below() {
    let below = Arc::new(SimStore::new());
    below.commit(puts([1, 2, 3, 4, 5, 6])).await.unwrap();
    let overlay = OverlayStore::new(below.clone());
    let mut batch = puts([0, 7]);
    batch.remove(key(1));
    batch.remove(key(2));
    batch.remove(key(3));
    batch.put(key(4), value(40));
    overlay.commit(batch).await.unwrap();
    assert_eq!(numbers(&overlay, all()).await, [0, 4, 5, 6, 7]);
    let two = Range::prefix(keys::all(Family::Dirty), 2);
    assert_eq!(numbers(&overlay, two.clone()).await, [0, 4]);
    assert_eq!(
        numbers(&overlay, two.clone().after(Some(key(0)))).await,
        [4, 5]
    );
    assert_eq!(numbers(&overlay, two.clone().reversed()).await, [7, 6]);
    assert_eq!(
        numbers(&overlay, two.reversed().after(Some(key(5)))).await,
        [4, 0]
    );
    let many = overlay
        .get_many(vec![key(1), key(4), key(5)])
        .await
        .unwrap();
    assert_eq!(many, vec![None, Some(value(40)), Some(value(5))]);
    assert_eq!(numbers(below.as_ref(), all()).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(below.get(key(4)).await.unwrap(), Some(value(4)));
}

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(folder.path());
        store.commit(puts(0..500)).await.unwrap();
        store.apply(puts([900])).await.unwrap();
        store.close().await.unwrap();
        assert!(matches!(
            store.get(key(1)).await,
            Err(StoreError::Stopped(_))
        ));
    }
    for _ in 0..3 {
        // Dropped without `close`: as good.
        let store = open(folder.path());
        assert_eq!(numbers(&store, all()).await.len(), 501);
        store.verify().await.unwrap();
    }
}

#[tokio::test]
async fn a_crash_keeps_every_commit_and_a_prefix_of_the_rest() {
    for keep in 0..=3 {
        let store = SimStore::new();
        store.apply(puts([1])).await.unwrap();
        store.commit(puts([2])).await.unwrap();
        for batch in [puts([3]), puts([4]), puts([5])] {
            store.apply(batch).await.unwrap();
        }
        let mut offered = 0;
        let after = store.crash(|count| {
            offered = count;
            keep
        });
        assert_eq!(offered, 3);
        let expected: Vec<u64> = (1..=2 + keep as u64).collect();
        assert_eq!(numbers(&after, all()).await, expected);
        assert!(matches!(
            store.get(key(1)).await,
            Err(StoreError::Stopped(_))
        ));
        // What survived is durable now.
        assert_eq!(after.crash(|count| count).len(), expected.len());
    }
}

#[tokio::test]
async fn a_rolled_back_batch_gives_back_what_it_replaced_and_removed() {
    let store = SimStore::new();
    store.commit(puts([1, 2])).await.unwrap();
    let mut batch = Batch::default();
    batch.put(key(1), value(10));
    batch.remove(key(1));
    batch.put(key(2), value(20));
    batch.put(key(3), value(30));
    store.apply(batch).await.unwrap();
    let after = store.crash(|_| 0);
    let many = after.get_many(vec![key(1), key(2), key(3)]).await.unwrap();
    assert_eq!(many, vec![Some(value(1)), Some(value(2)), None]);
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_read_or_written_any_more() {
    let store = SimStore::new();
    store.fail_next_commit("no space left on device");
    let error = store.commit(puts([1])).await.unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    assert!(matches!(
        store.apply(puts([2])).await,
        Err(StoreError::Stopped(_))
    ));
    assert!(matches!(
        store.commit(Batch::default()).await,
        Err(StoreError::Stopped(_))
    ));
    assert!(store.crash(|_| 0).is_empty());
}

#[tokio::test]
async fn a_flipped_bit_in_memory_is_a_typed_error() {
    let store = SimStore::new();
    store.commit(puts([1])).await.unwrap();
    assert!(store.damage(&key(1)));
    assert!(matches!(
        store.get(key(1)).await,
        Err(StoreError::BadValue { .. })
    ));
    assert!(matches!(
        store.range(all()).await,
        Err(StoreError::BadValue { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_commit_at_once_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let mut tasks = Vec::new();
    for task in 0..40u64 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for step in 0..5 {
                store.commit(puts([task * 10 + step])).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(numbers(store.as_ref(), all()).await.len(), 200);
    store.verify().await.unwrap();
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    {
        let commit = store.commit(puts([1]));
        // Polled once, which sends it, then dropped.
        let _ = futures_util::poll!(commit);
    }
    store.commit(puts([2])).await.unwrap();
    assert_eq!(numbers(&store, all()).await, [1, 2]);
}

/// `cargo test --test store measure -- --ignored --nocapture`
#[tokio::test]
#[ignore = "a measurement, not a check"]
async fn measure_records_a_second_in_batches_of_200() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (batches, rows) = (100u64, 200u64);
    for pass in ["fresh", "overwriting"] {
        let start = std::time::Instant::now();
        for batch in 0..batches {
            let mut writes = Batch::default();
            for row in 0..rows {
                let id = u128::from(batch * rows + row)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                let key = KeyWriter::new(Family::Base)
                    .text("contacts")
                    .u128(id)
                    .finish();
                writes.put(key, vec![b'x'; 600]);
            }
            store.commit(writes).await.unwrap();
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("{pass}: {:.0} records/s", (batches * rows) as f64 / seconds);
    }
    let start = std::time::Instant::now();
    for number in 0..500 {
        store.commit(puts([number])).await.unwrap();
    }
    println!(
        "single rows: {:.0} commits/s",
        500.0 / start.elapsed().as_secs_f64()
    );
    store.close().await.unwrap();
    drop(store);
    let start = std::time::Instant::now();
    let store = open(folder.path());
    println!("open: {:.3} s", start.elapsed().as_secs_f64());
    let start = std::time::Instant::now();
    store.verify().await.unwrap();
    println!(
        "reading 20,500 rows through: {:.3} s",
        start.elapsed().as_secs_f64()
    );
}
