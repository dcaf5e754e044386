//! Puts bytes before a target: its corpus, its corpus with changes, and bytes that are nothing at all.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// No input of a few hundred bytes may take longer: a debug build on a busy machine counted in.
const LONGEST: Duration = Duration::from_secs(2);

/// What is done to an entry: where, how long, and with what.
type Change = (u16, u8, u8, u8);

/// The entries of a corpus file, one a line; `\n`, `\t`, `\\` and `\xNN` stand for bytes, `#` begins a remark.
fn entries(corpus: &str) -> Vec<Vec<u8>> {
    let lines = corpus.lines().filter(|line| !line.starts_with('#'));
    lines.map(unescaped).collect()
}

fn unescaped(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

/// Numbers and marks that parsers trip over.
const SPARKS: [&[u8]; 12] = [
    b"-9223372036854775808",
    b"99999999999999999999",
    b"1e400",
    b"e-9223372036854775808",
    b"\0",
    b"\xff\xfe",
    "\u{202e}\u{1f468}\u{200d}\u{1f469}".as_bytes(),
    b"'\"\\",
    b"[[[[[[[[[[[[[[[[",
    b"null",
    b"\r\n",
    b"2026-11-31T24:61:61.999999999+2400",
];

fn change(entry: &mut Vec<u8>, (at, length, kind, byte): Change) {
    let at = usize::from(at) % (entry.len() + 1);
    let end = (at + usize::from(length) % 16).min(entry.len());
    match kind % 7 {
        0 if at < entry.len() => entry[at] ^= 1 << (byte % 8),
        1 => entry.insert(at, byte),
        2 => drop(entry.drain(at..end)),
        3 => entry.truncate(at),
        4 => {
            let again = entry[at..end].repeat(1 + usize::from(byte % 8));
            drop(entry.splice(at..at, again));
        }
        5 => {
            let spark = SPARKS[usize::from(byte) % SPARKS.len()];
            drop(entry.splice(at..end, spark.iter().copied()));
        }
        _ => {
            let (head, tail) = entry.split_at(at);
            *entry = [tail, head].concat();
        }
    }
}

fn timed(target: fn(&[u8]), data: &[u8]) {
    let from = Instant::now();
    target(data);
    let took = from.elapsed();
    assert!(took < LONGEST, "took {took:?}");
}

pub fn drive(name: &str, target: fn(&[u8]), corpus: &str) {
    let from = Instant::now();
    let entries = entries(corpus);
    assert!(!entries.is_empty(), "no corpus for {name}");
    for entry in &entries {
        println!("{}", String::from_utf8_lossy(entry).escape_debug());
        timed(target, entry);
    }
    let number = |name: &str, otherwise: u32| {
        std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
    };
    let cases = number("FUZZ_CASES", 128);
    // Always the same bytes, so that a change of the code is all that can change the result.
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(u64::from(number("FUZZ_SEED", 1))),
        failure_persistence: None,
        ..Config::default()
    };
    let count = entries.len();
    let changed = (0..count, vec(any::<Change>(), 1..6)).prop_map(move |(which, changes)| {
        let mut entry = entries[which].clone();
        changes.into_iter().for_each(|one| change(&mut entry, one));
        entry
    });
    let input = prop_oneof![
        3 => changed,
        1 => vec(any::<u8>(), 0..200),
        1 => any::<String>().prop_map(String::into_bytes),
    ];
    let run = TestRunner::new(config).run(&input, |data| {
        timed(target, &data);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{name}: {error}");
    }
    println!(
        "{name}: {count} entries, {cases} more, {:.1?}",
        from.elapsed()
    );
}
