//! `sandbox`: only the two simulated vendors, until stopped.

use super::app::App;
use super::args::WorldArgs;
use super::exit::{Exit, Failure};
use super::output::Role;
use super::signals::Signals;
use crate::sandbox::{Options, Running, SandboxError, serve};

/// Runs the verb.
///
/// # Errors
/// Where a port cannot be had or the fault profile is not known.
pub async fn run(app: &mut App, args: &WorldArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let running = start(app, args, args.live).await?;
    if app.out.json {
        app.out.line(&running.announcement())?;
    } else {
        describe(&running, app)?;
    }
    app.out.flush()?;
    let number = signals.next().await;
    running.stop();
    // Stopping it is how it is meant to end; anything but Ctrl-C keeps the shell's convention.
    Ok(if number == 2 {
        Exit::Well
    } else {
        Exit::Signal(number)
    })
}

/// Starts the sandbox.
///
/// # Errors
/// Where a port cannot be had or the fault profile is not known.
pub async fn start(app: &App, args: &WorldArgs, live: bool) -> Result<Running, Failure> {
    let options = Options {
        contacts: args.contacts as usize,
        seed: args.seed,
        faults: args.faults.clone(),
        latency_ms: args.latency,
        stall_ms: 0,
        live,
        keys: !args.no_keys,
        salesforce_port: args.salesforce_port,
        hubspot_port: args.hubspot_port,
    };
    serve(options, app.clock.clone())
        .await
        .map_err(|error| match error {
            SandboxError::Profile(_) | SandboxError::Listen { .. } => {
                Failure::usage(error.to_string())
            }
        })
}

fn describe(running: &Running, app: &mut App) -> Result<(), Failure> {
    let (salesforce, hubspot) = (&running.salesforce, &running.hubspot);
    let out = &mut app.out;
    out.line(&format!("Salesforce  {}", salesforce.url))?;
    out.line(&format!(
        "            client_id     {}",
        salesforce.client_id
    ))?;
    out.line(&format!(
        "            client_secret {}",
        salesforce.client_secret
    ))?;
    out.line(&format!(
        "            access_token  {}",
        salesforce.access_token
    ))?;
    out.line(&format!("HubSpot     {}", hubspot.url))?;
    out.line(&format!(
        "            access_token  {}",
        hubspot.access_token
    ))?;
    if out.ttys.stdout {
        out.line("")?;
        out.line(&out.paint(Role::Head, "A config that connects to it:"))?;
        out.line("")?;
        out.line(running.config_toml().trim_end())?;
        out.line("")?;
    }
    out.note(Role::Dim, "Ctrl-C stops it; nothing of it is kept");
    Ok(())
}
