//! The thin binary: environment, runtime, exit status. Everything else is in the library.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use syncline::cli::{self, InProcess};

/// The rows of a large run come and go: with this allocator their memory goes back (measured with `demo --json`: 220 MB instead
/// of 270, and a third less CPU). `.cargo/config.toml` has its settings.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // One TLS for the whole process; where another was chosen first, it stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = std::env::args_os().collect();
    // Variables that are not UTF-8 cannot be ours.
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return cli::no_runtime(&error),
    };
    let exit = runtime.block_on(cli::main(args, env, Arc::new(InProcess::default())));
    // A thread may still wait for a line of stdin; nobody needs it any more.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}
