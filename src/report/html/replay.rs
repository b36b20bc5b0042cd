//! What a replay came to, as a page shows it.

/// The old rules and the new script on the user's own mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// Messages that were looked at.
    pub messages: usize,
    /// Of these, how many go where they went.
    pub same: usize,
    /// Each place that mail went to, or goes to.
    pub folders: Vec<FolderCount>,
    /// The messages that go elsewhere.
    pub differences: Vec<Difference>,
}

/// How many messages one place gets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderCount {
    /// The place, as a person knows it: `INBOX`, `Lists/Debian`, an address.
    pub name: String,
    /// By the old rules.
    pub before: usize,
    /// By the script.
    pub after: usize,
}

/// A message that goes elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Who sent it.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// Its date, as it is shown.
    pub date: String,
    /// Where the old rules put it.
    pub before: String,
    /// Where the script puts it.
    pub after: String,
    /// The index of the entry that explains it; `None` is an error.
    pub entry: Option<usize>,
}

impl Replay {
    pub(super) fn unexplained(&self) -> usize {
        let is_unexplained = |difference: &&Difference| difference.entry.is_none();
        self.differences.iter().filter(is_unexplained).count()
    }
}
