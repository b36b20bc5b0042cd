//! In: findings about statements. Out: entries, one a statement, and their
//! renderings.

pub mod entry;
pub mod explain;
pub mod html;
pub mod json;
pub mod replayed;
pub mod terminal;

use crate::ledger::{Finding, Verdict};
use crate::rules::model::{Format, Statement};
use crate::sieve::origin::SourceMap;
use crate::syntax::{Encoding, Source};
use entry::Entry;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a translation has to say, as `--format json` prints it. The schema is
/// `docs/report.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format: [`Report::VERSION`].
    pub version: u32,
    /// The Sieve text.
    pub script: String,
    /// The extensions it requires.
    pub requires: Vec<String>,
    /// Every file that was read.
    pub files: Vec<File>,
    /// What became of each statement.
    pub entries: Vec<Entry>,
    /// Old mailboxes, and where their mail belongs.
    pub folders: Vec<Mailbox>,
    /// Addresses that mail is forwarded to.
    pub redirects: Vec<String>,
    /// The entries, counted.
    pub summary: Summary,
    /// What the lines of the script came from.
    #[serde(skip)]
    pub map: SourceMap,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Relative to the home.
    pub path: String,
    /// How its bytes were read.
    pub encoding: Encoding,
}

/// A mailbox on the old host, and its folder on the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The old path.
    pub path: String,
    /// How mail lies in it.
    pub format: Format,
    /// The IMAP folder.
    pub folder: String,
}

/// How many entries have each verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// [`Verdict::Exact`].
    pub exact: usize,
    /// [`Verdict::Adapted`].
    pub adapted: usize,
    /// [`Verdict::Dropped`].
    pub dropped: usize,
    /// [`Verdict::Manual`].
    pub manual: usize,
}

impl Report {
    /// The version of the format.
    pub const VERSION: u32 = 1;

    /// A report on statements and the findings about them, without a script.
    pub fn new(statements: &[Statement], sources: &[Source], findings: &[Finding]) -> Self {
        let entries = entry::entries(statements, sources, findings);
        Report {
            version: Self::VERSION,
            script: String::new(),
            requires: Vec::new(),
            files: sources
                .iter()
                .map(|source| File {
                    path: source.path.clone(),
                    encoding: source.encoding,
                })
                .collect(),
            summary: Summary::of(&entries),
            entries,
            folders: Vec::new(),
            redirects: Vec::new(),
            map: SourceMap::default(),
        }
    }

    /// With the script and the extensions it requires.
    pub fn with_script(
        mut self,
        script: impl Into<String>,
        requires: impl IntoIterator<Item = String>,
    ) -> Self {
        self.script = script.into();
        self.requires = requires.into_iter().collect();
        self
    }

    /// With what the lines of the script came from.
    pub fn with_map(mut self, map: SourceMap) -> Self {
        self.map = map;
        self
    }

    /// With what the script files into and forwards to.
    pub fn with_destinations(
        mut self,
        folders: &BTreeMap<(String, Format), String>,
        redirects: &BTreeSet<String>,
    ) -> Self {
        self.folders = folders
            .iter()
            .filter(|((_, format), _)| *format != Format::Null)
            .map(|((path, format), folder)| Mailbox {
                path: path.clone(),
                format: *format,
                folder: folder.clone(),
            })
            .collect();
        self.redirects = redirects.iter().cloned().collect();
        self
    }

    /// Whether the script asks anything of a message: only then do the ways
    /// matter in which every server looks at one.
    pub fn has_conditions(&self) -> bool {
        let mut lines = self.script.lines();
        lines.any(|line| line.trim_start().starts_with("if "))
    }
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Summary) {
        self.exact += other.exact;
        self.adapted += other.adapted;
        self.dropped += other.dropped;
        self.manual += other.manual;
    }
}

impl Summary {
    fn of(entries: &[Entry]) -> Self {
        let count = |verdict| {
            entries
                .iter()
                .filter(|entry| entry.verdict == verdict)
                .count()
        };
        Summary {
            exact: count(Verdict::Exact),
            adapted: count(Verdict::Adapted),
            dropped: count(Verdict::Dropped),
            manual: count(Verdict::Manual),
        }
    }

    /// All entries.
    pub fn total(&self) -> usize {
        self.exact + self.adapted + self.dropped + self.manual
    }
}
