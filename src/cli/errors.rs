//! `errors`: the records that could not be synced, by category.

use super::app::{App, Need};
use super::args::ErrorsArgs;
use super::exit::{Exit, Failure};
use super::output::{Output, Role};
use super::text::{clean, count, moment};
use super::{json, lists};
use crate::domain::{ErrorCategory, ErrorItem};

/// Runs the verb.
///
/// # Errors
/// What kept it from listing.
pub async fn run(app: &mut App, args: &ErrorsArgs) -> Result<Exit, Failure> {
    let category = args.category.as_deref().map(category).transpose()?;
    let session = app.open(Need::Store).await?;
    let read = lists::errors(session.door()).await;
    session.close().await;
    let mut found = read?;
    found.retain(|item| {
        category.is_none_or(|category| item.category == category)
            && args
                .mapping
                .as_deref()
                .is_none_or(|name| item.mapping.as_str() == name)
    });
    if app.out.json {
        for item in &found {
            app.out.document(&json::error(item))?;
        }
    } else {
        print(&found, &mut app.out)?;
    }
    Ok(Exit::Well)
}

/// The category of that name.
///
/// # Errors
/// Where there is none.
pub fn category(word: &str) -> Result<ErrorCategory, Failure> {
    let found = ErrorCategory::ALL
        .into_iter()
        .find(|one| one.word() == word);
    found.ok_or_else(|| {
        let known: Vec<&str> = ErrorCategory::ALL.iter().map(|one| one.word()).collect();
        Failure::usage(format!(
            "there is no category \"{}\"; known: {}",
            word.escape_debug(),
            known.join(", ")
        ))
    })
}

fn print(found: &[ErrorItem], out: &mut Output) -> Result<(), Failure> {
    if found.is_empty() {
        return out.line("No record is in error.");
    }
    for category in ErrorCategory::ALL {
        let items: Vec<&ErrorItem> = found
            .iter()
            .filter(|item| item.category == category)
            .collect();
        if items.is_empty() {
            continue;
        }
        let head = format!(
            "{}: {}",
            category.word(),
            count(items.len() as u64, "record")
        );
        out.line(&out.paint(Role::Head, &head))?;
        for item in items {
            print_one(item, out)?;
        }
        out.line("")?;
    }
    out.line("`syncline retry ID` lets one go with the next run, `retry --category C --now` starts one at once.")
}

/// Three lines an error: sentences do not fit into columns.
fn print_one(item: &ErrorItem, out: &mut Output) -> Result<(), Failure> {
    const INDENT: &str = "          ";
    let head = format!(
        "{}  {}  {} {} {}  {}  {}, last {} UTC",
        item.id.short(),
        item.mapping,
        item.record.side.letters(),
        clean(&item.record.object),
        clean(item.record.id.as_str()),
        clean(&item.label),
        count(u64::from(item.tries), "try"),
        moment(item.last_seen)
    );
    out.line(&head)?;
    out.line(&format!("{INDENT}{}", out.paint(Role::Bad, &what(item))))?;
    if item.next.is_empty() {
        return Ok(());
    }
    out.line(&format!("{INDENT}next: {}", clean(&item.next)))
}

/// The message with the field and the vendor's own words.
fn what(item: &ErrorItem) -> String {
    let mut text = clean(&item.message);
    if !item.field.is_empty() && !item.message.contains(&item.field) {
        text = format!("{}: {text}", clean(&item.field));
    }
    if let Some(vendor) = &item.vendor
        && !vendor.code.is_empty()
        && !text.contains(&vendor.code)
    {
        text.push_str(&format!(" ({})", clean(&vendor.code)));
    }
    text
}
