//! Carries effects out: requests in the order they were asked for, files in the background.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::format::csv_cell;
use super::msg::Msg;
use crate::domain::ErrorItem;
use crate::service::Client;
use crate::service::messages::{ListQuery, Reply, Request, Rows};

/// What effects need.
pub struct Runner {
    /// The service.
    pub client: Client,
    /// Where answers go.
    pub answers: UnboundedSender<Msg>,
    /// Where files go.
    pub files_dir: PathBuf,
    /// Tasks under way; a panic in one is reported by the loop.
    pub tasks: JoinSet<()>,
}

impl Runner {
    /// Sends a request. It is handed over before this returns, if the service has room, so that two requests keep their order.
    pub async fn ask(&mut self, id: u64, request: Request) {
        let client = self.client.clone();
        let mut asked = Box::pin(async move { client.ask(request).await });
        let answers = self.answers.clone();
        match futures_util::poll!(&mut asked) {
            std::task::Poll::Ready(reply) => {
                let _ = answers.send(Msg::Reply { id, reply });
            }
            std::task::Poll::Pending => {
                self.tasks.spawn(async move {
                    let reply = asked.await;
                    let _ = answers.send(Msg::Reply { id, reply });
                });
            }
        }
    }

    /// Writes a file.
    pub fn write(&mut self, name: String, text: String) {
        let answers = self.answers.clone();
        let folder = self.files_dir.clone();
        self.tasks.spawn(async move {
            let _ = answers.send(Msg::Written(write_new(&folder, &name, &text).await));
        });
    }

    /// Reads a list page by page into a file.
    pub fn export(&mut self, query: ListQuery, name: String) {
        let answers = self.answers.clone();
        let folder = self.files_dir.clone();
        let client = self.client.clone();
        self.tasks.spawn(async move {
            let result = match read_errors(&client, query).await {
                Ok(items) => {
                    let text = if name.ends_with(".json") {
                        json_lines(&items)
                    } else {
                        csv(&items)
                    };
                    write_new(&folder, &name, &text).await
                }
                Err(why) => Err(why),
            };
            let _ = answers.send(Msg::Written(result));
        });
    }
}

async fn read_errors(client: &Client, mut query: ListQuery) -> Result<Vec<ErrorItem>, String> {
    let mut items = Vec::new();
    loop {
        query.from = items.len();
        let reply = client
            .ask(Request::List(query.clone()))
            .await
            .map_err(|gone| gone.to_string())?;
        let page = match reply {
            Reply::List(page) => page,
            Reply::Refused(refusal) => return Err(refusal.message),
            _ => return Err("the engine answered something else than was asked".into()),
        };
        let Rows::Errors(rows) = page.rows else {
            return Err("the engine answered with another list".into());
        };
        let got = rows.len();
        items.extend(rows);
        if got == 0 || items.len() >= page.matched {
            return Ok(items);
        }
    }
}

/// Never writes over a file: a number is put before the ending. Only the owner may read it, since it holds customers' data.
async fn write_new(folder: &Path, name: &str, text: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    let (stem, ending) = name
        .rsplit_once('.')
        .map_or((name, String::new()), |(stem, ending)| {
            (stem, format!(".{ending}"))
        });
    for number in 1..1_000 {
        let path = if number == 1 {
            folder.join(name)
        } else {
            folder.join(format!("{stem}-{number}{ending}"))
        };
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        match options.open(&path).await {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).await.map_err(failed)?;
                file.flush().await.map_err(failed)?;
                return Ok(path.display().to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(format!("{}: too many files of this name", folder.display()))
}

const COLUMNS: [&str; 15] = [
    "mapping",
    "side",
    "object",
    "record",
    "label",
    "field",
    "value",
    "category",
    "code",
    "message",
    "next",
    "tries",
    "first_seen",
    "last_seen",
    "correlation_id",
];

/// CSV with formulas disarmed.
pub fn csv(items: &[ErrorItem]) -> String {
    let mut out = COLUMNS.join(",") + "\n";
    for item in items {
        let vendor = item.vendor.as_ref();
        let cells = [
            item.mapping.to_string(),
            item.side.word().to_owned(),
            item.object.clone(),
            item.record.id.to_string(),
            item.label.clone(),
            item.field.clone(),
            item.value.as_text().unwrap_or_default().to_owned(),
            item.category.word().to_owned(),
            vendor.map_or(String::new(), |vendor| vendor.code.clone()),
            item.message.clone(),
            item.next.clone(),
            item.tries.to_string(),
            item.first_seen.to_rfc3339(),
            item.last_seen.to_rfc3339(),
            vendor
                .and_then(|vendor| vendor.request_id.clone())
                .unwrap_or_default(),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
        let _ = writeln!(out, "{}", cells.join(","));
    }
    out
}

fn json_lines(items: &[ErrorItem]) -> String {
    let mut out = String::new();
    for item in items {
        if let Ok(line) = serde_json::to_string(item) {
            out += &line;
            out.push('\n');
        }
    }
    out
}
