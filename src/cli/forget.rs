//! `forget`: removes what is stored about one person, after saying what that is.

use super::app::{App, Need};
use super::args::ForgetArgs;
use super::door::Door;
use super::exit::{Exit, Failure, unexpected};
use super::output::{Output, Role};
use super::signals::Signals;
use super::text::count;
use crate::service::messages::{Forgotten, Reply, Request};

/// Runs the verb.
///
/// # Errors
/// Where nothing or several records answer to the id; a question that nobody answered.
pub async fn run(app: &mut App, args: &ForgetArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let session = app.open(Need::Store).await?;
    let done = forget(app, session.door(), args, &mut signals).await;
    session.close().await;
    done
}

async fn forget(
    app: &mut App,
    door: &dyn Door,
    args: &ForgetArgs,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    if !args.yes {
        let found = ask(door, args, false).await?;
        let ttys = app.out.ttys;
        if !app.out.json {
            print(&found, &mut app.out)?;
        }
        if !ttys.stdin || !ttys.stderr || app.out.json {
            return Err(Failure {
                exit: Exit::Valve,
                message: format!(
                    "nothing was removed: forgetting cannot be undone and asks first; say yes with `syncline forget {} --yes`",
                    args.query
                ),
            });
        }
        let question = "Remove all of it for good, and never sync these records again?";
        if !app.confirm(question, signals).await? {
            return Ok(Exit::Valve);
        }
    }
    let done = ask(door, args, true).await?;
    if app.out.json {
        app.out.document(&serde_json::json!({
            "forgotten": done.records, "links": done.links, "journal": done.journal, "items": done.items,
            "backups": done.backups, "copies": done.copies,
        }))?;
        return Ok(Exit::Well);
    }
    if args.yes {
        print(&done, &mut app.out)?;
    }
    app.out
        .line("Forgotten. A hash of each record stays, so that no sync takes it up again.")?;
    if done.backups > 0 {
        let text = format!(
            "{} made before still hold{} the values; newer ones replace them within seven days, or delete them now.",
            count(done.backups, "daily backup"),
            if done.backups == 1 { "s" } else { "" }
        );
        app.out.note(Role::Warn, &text);
    }
    for copy in &done.copies {
        let text = format!(
            "{} is a copy of the store from before and may still hold the values; nothing replaces it: delete it once you need it no more.",
            copy.display()
        );
        app.out.note(Role::Warn, &text);
    }
    let text =
        "`syncline compact` writes the store anew, so that no old page of its file holds them.";
    app.out.note(Role::Plain, text);
    Ok(Exit::Well)
}

async fn ask(door: &dyn Door, args: &ForgetArgs, sure: bool) -> Result<Forgotten, Failure> {
    let request = Request::Forget {
        query: args.query.clone(),
        mapping: args.mapping.as_deref().map(Into::into),
        sure,
        by: "you".into(),
    };
    match door.ask(request).await? {
        Reply::Forgotten(forgotten) => Ok(forgotten),
        Reply::Refused(refusal) => Err(refusal.into()),
        _ => Err(unexpected("forget")),
    }
}

fn print(found: &Forgotten, out: &mut Output) -> Result<(), Failure> {
    for record in &found.records {
        out.line(&format!("{} {} {}", record.side, record.object, record.id))?;
    }
    out.line(&format!(
        "with {}, {} and {}; the records themselves stay as they are in both systems.",
        count(found.links, "link"),
        count(found.journal, "journalled write"),
        count(found.items, "open or past item")
    ))
}
