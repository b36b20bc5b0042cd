//! In: what became of one home. Out: its rows in the lists of a batch.

use super::users::User;
use crate::home::MailboxSize;
use crate::ledger::{Code, Verdict};
use crate::report::{Report, Summary, json};
use crate::rules::model::Format;
use crate::syntax::visible;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the translation of one home comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Translated {
    /// The files of the user's directory: name and content.
    #[serde(skip)]
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Entries by verdict.
    pub counts: Summary,
    /// The codes of what is manual.
    pub manual: BTreeSet<Code>,
    /// Old mailboxes and their folders: path, format, folder.
    pub folders: Vec<(String, Format, String)>,
    /// Addresses that mail is forwarded to.
    pub redirects: Vec<String>,
}

impl Translated {
    /// The rows that come from a report.
    pub fn of(report: &Report) -> Self {
        let manual = report
            .entries
            .iter()
            .filter(|entry| entry.verdict == Verdict::Manual);
        let folders = report.folders.iter();
        Translated {
            files: Vec::new(),
            counts: report.summary,
            manual: manual.map(|entry| entry.code).collect(),
            folders: folders
                .map(|mailbox| (mailbox.path.clone(), mailbox.format, mailbox.folder.clone()))
                .collect(),
            redirects: report.redirects.clone(),
        }
    }

    /// With the files that come from a report; `page` is its page.
    pub fn with_files(mut self, report: &Report, page: String) -> Self {
        let json = json::pretty(report) + "\n";
        self.files = vec![
            ("filters.sieve", report.script.clone().into_bytes()),
            ("report.json", json.into_bytes()),
            ("report.html", page.into_bytes()),
        ];
        self
    }
}

/// A line of `folders.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRow {
    /// The mailbox on the old host.
    pub path: String,
    /// How mail lies in it.
    pub format: Format,
    /// What was found there.
    pub size: Option<MailboxSize>,
    /// The folder of the new server.
    pub folder: String,
}

/// What became of one user.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub user: &'a User,
    /// `Err`: why there is no report.
    pub result: Result<Done, String>,
}

/// What is kept of a translation once its files are written.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub counts: Summary,
    pub manual: BTreeSet<Code>,
    pub folders: Vec<FolderRow>,
    /// What an administrator is to know, a sentence each.
    pub warnings: Vec<String>,
    pub redirects: Vec<String>,
    pub written: usize,
    /// What the next run is to know of it.
    pub note: Option<String>,
}

/// The head of `summary.csv`.
pub(super) const SUMMARY: [&str; 10] = [
    "user", "new", "address", "home", "exact", "adapted", "dropped", "manual", "codes", "problem",
];

/// The head of `folders.csv`.
pub(super) const FOLDERS: [&str; 7] = [
    "user", "new", "path", "format", "messages", "bytes", "folder",
];

impl Row<'_> {
    pub fn summary(&self) -> [String; 10] {
        let user = self.user;
        let (counts, codes, problem) = match &self.result {
            Ok(done) => {
                let codes: Vec<_> = done.manual.iter().map(|code| code.as_str()).collect();
                let number = |count: usize| count.to_string();
                let counts = done.counts;
                let numbers = [
                    number(counts.exact),
                    number(counts.adapted),
                    number(counts.dropped),
                    number(counts.manual),
                ];
                (numbers, codes.join(" "), "")
            }
            Err(message) => (Default::default(), String::new(), message.as_str()),
        };
        let [exact, adapted, dropped, manual] = counts;
        [
            cell(&user.name),
            cell(&user.new),
            cell(user.address.as_deref().unwrap_or("")),
            cell(&user.home.display().to_string()),
            exact,
            adapted,
            dropped,
            manual,
            codes,
            cell(problem),
        ]
    }

    pub fn folders(&self) -> impl Iterator<Item = [String; 7]> + '_ {
        let folders = self.result.iter().flat_map(|done| &done.folders);
        folders.map(|row| {
            let number = |number: fn(MailboxSize) -> Option<u64>| {
                let number = row.size.and_then(number);
                number.map_or(String::new(), |number| number.to_string())
            };
            let format = match row.format {
                Format::Mbox => "mbox",
                Format::Maildir => "maildir",
                Format::Mh => "mh",
                Format::Directory => "directory",
                Format::Null => "null",
            };
            [
                cell(&self.user.name),
                cell(&self.user.new),
                cell(&row.path),
                format.to_owned(),
                number(|size| size.messages),
                number(|size| Some(size.bytes)),
                cell(&row.folder),
            ]
        })
    }
}

/// Text that a spreadsheet does not take for a formula, with what is not seen
/// as what it is made visible.
pub(super) fn cell(text: &str) -> String {
    let text = visible(text).replace('\n', "␊").replace('\t', "␉");
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text,
    }
}

/// What a spreadsheet takes for the start of a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The name that a cell holds.
pub(super) fn user_of(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(name) if name.starts_with(FORMULA) => name,
        _ => cell,
    }
}
