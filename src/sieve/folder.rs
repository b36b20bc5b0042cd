//! In: the path of an old mailbox. Out: the name of its IMAP folder, and what
//! had to be changed on the way.

use super::target::Target;
use crate::rules::elaborate::Settings;
use crate::rules::model::{Format, Program, Text};
use crate::rules::path::{SPOOLS, join, mailbox};
use crate::syntax::is_hidden;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Longest folder name, in bytes: a maildir server keeps it as one file name,
/// in an encoding that may take half as much again.
const LONGEST: usize = 160;
/// Most levels of folders within folders; Dovecot stops at 20.
const DEEPEST: usize = 16;
/// Where mail programs keep folders below a home.
const STORES: [&str; 3] = ["Maildir", "Mail", "mail"];

/// What is known of the old host and the new names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// `$HOME`.
    pub home: String,
    /// The login name; empty where unknown.
    pub user: String,
    /// The paths of `DEFAULT` and `ORGMAIL`, without marks of their format.
    pub inboxes: Vec<String>,
    /// `MAILDIR`, where it was set; a relative path lies below it.
    pub maildir: Option<String>,
    /// Between the parts of an IMAP name.
    pub separator: char,
    /// In front of every name but INBOX, its separator included.
    pub prefix: String,
}

/// The name of an IMAP folder, in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FolderName(String);

impl FolderName {
    /// Where mail goes that nothing files.
    pub fn inbox() -> Self {
        FolderName("INBOX".to_owned())
    }

    /// Whether it is the inbox.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a folder is not called what the mailbox was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
pub enum Change {
    /// It lies below neither the home nor `MAILDIR`.
    #[error("the mailbox lay outside the home directory")]
    Outside,
    /// `..` in the path.
    #[error("the path went up by `..`")]
    Up,
    /// Nothing is left to name a folder.
    #[error("the path names no mailbox, so the mail stays in the inbox")]
    Nothing,
    /// `inbox` in any case is INBOX to IMAP (RFC 9051 §5.1).
    #[error("a folder of this name is the inbox itself")]
    Inbox,
    /// A leading dot.
    #[error("names that begin with a dot are hidden or refused")]
    LeadingDot,
    /// The separator within a part.
    #[error("the separator of the server would have made folders within folders of it")]
    Separator,
    /// `*` and `%` are wildcards to IMAP.
    #[error("`*` and `%` stand for any name, and are refused in one")]
    Wildcard,
    /// A `~` or `#` at its beginning (RFC 9051 §5.1.2.1).
    #[error("a name that begins with `~` or `#` belongs to somebody else")]
    Foreign,
    /// Control characters.
    #[error("characters that cannot be seen are refused in a name")]
    Invisible,
    /// Blanks at an end of a part.
    #[error("blanks at an end of a name are lost")]
    Blank,
    /// Too many bytes or levels.
    #[error("the name was too long")]
    TooLong,
}

impl Naming {
    /// For the rules of a user of the old host, on a new server.
    pub fn of(program: &Program, settings: &Settings, target: &Target) -> Self {
        let home = &settings.home_path;
        let mut inboxes: Vec<_> = { program.defaults() }
            .map(|folder| folder.path.known())
            .collect();
        let depends = inboxes.contains(&None);
        let mut maildir = None;
        for assign in program.assignments() {
            let value = assign.value.as_ref();
            match assign.name.as_str() {
                "ORGMAIL" => inboxes.extend(value.map(Text::known)),
                // Where it depends on the message, each of them is.
                "DEFAULT" if depends => inboxes.extend(value.map(Text::known)),
                "MAILDIR" if maildir.is_none() => {
                    let known = value.and_then(Text::known);
                    let known = known.filter(|path| !path.is_empty());
                    maildir = known.map(|path| join(home, path));
                }
                _ => {}
            }
        }
        let base = maildir.as_ref().unwrap_or(home);
        let inboxes = inboxes.into_iter().flatten();
        let inboxes = inboxes.filter(|path| !path.is_empty() && *path != "/dev/null");
        Naming {
            inboxes: inboxes.map(|path| join(base, path)).collect(),
            maildir,
            home: home.clone(),
            user: settings.user.clone(),
            separator: target.separator,
            prefix: target.prefix.clone(),
        }
    }

    /// The folder of a mailbox, and the changes, each kind once. The path is
    /// as in [`crate::rules::model::Folder`]. Never fails: a path without a
    /// name is the inbox.
    ///
    /// Two mailboxes can have one folder (`~/mail/a` and `~/Mail/a` do);
    /// whoever has all paths can see it.
    pub fn folder(&self, path: &str, format: Format) -> (FolderName, Vec<Change>) {
        let mut changes = Vec::new();
        let (path, format) = mailbox(path, format);
        let parts = self.absolute(path, &mut changes);
        let name = match self.is_inbox(&parts, format) {
            true => FolderName::inbox(),
            false => self.below_root(parts, format, &mut changes),
        };
        changes.sort_unstable();
        changes.dedup();
        (name, changes)
    }

    /// The parts of a path from the root of the file system, or from nowhere
    /// where that is not known.
    fn absolute<'a>(&'a self, path: &'a str, changes: &mut Vec<Change>) -> Vec<&'a str> {
        let (base, rest) = match path.strip_prefix("~/") {
            Some(rest) => (self.home.as_str(), rest),
            None if path.starts_with('/') => ("", path),
            None => (self.maildir.as_deref().unwrap_or(&self.home), path),
        };
        let mut parts = Vec::new();
        for part in base.split('/').chain(rest.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    changes.push(Change::Up);
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts
    }

    fn is_inbox(&self, parts: &[&str], format: Format) -> bool {
        let is = |path: &str| normal(path).eq(parts.iter().copied());
        let spool = |spool: &&str| !self.user.is_empty() && is(&format!("{spool}/{}", self.user));
        let maildir = matches!(format, Format::Maildir | Format::Directory);
        self.inboxes.iter().any(|path| !path.is_empty() && is(path))
            || SPOOLS.iter().any(spool)
            || maildir && is(&format!("{}/Maildir", self.home))
            || maildir && self.maildir.as_deref().is_some_and(is)
    }

    /// The parts below the directory that holds all folders.
    fn below_root(
        &self,
        parts: Vec<&str>,
        format: Format,
        changes: &mut Vec<Change>,
    ) -> FolderName {
        let stores = STORES.iter().map(|store| format!("{}/{store}", self.home));
        let inboxes = self.inboxes.iter().flat_map(|path| {
            let above = path
                .trim_end_matches('/')
                .rsplit_once('/')
                .map(|(above, _)| above);
            [Some(path.clone()), above.map(str::to_owned)]
        });
        let roots = stores
            .chain(self.maildir.clone())
            .chain(inboxes.flatten())
            .chain([self.home.clone()]);
        let below = roots
            .filter(|root| !root.is_empty())
            .find_map(|root| strip(&root, &parts));
        let below = below.unwrap_or_else(|| {
            if normal(&self.home).eq(parts.iter().copied()) {
                return &[];
            }
            if !self.home.is_empty() {
                changes.push(Change::Outside);
            }
            parts.split_at(parts.len().saturating_sub(1)).1
        });
        let mut names = Vec::new();
        for part in below {
            match part.strip_prefix('.') {
                // Maildir++: the parts of the folder's name, each after a dot.
                Some(rest) if format == Format::Maildir => names.extend(rest.split('.')),
                _ => names.push(part),
            }
        }
        self.safe(&names, changes)
    }

    fn safe(&self, parts: &[&str], changes: &mut Vec<Change>) -> FolderName {
        let mut names = parts
            .iter()
            .map(|part| self.safe_part(part, changes))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>();
        if names.len() > DEEPEST {
            changes.push(Change::TooLong);
            let rest = names.split_off(DEEPEST - 1).join("_");
            names.push(rest);
        }
        let Some(first) = names.first_mut() else {
            changes.push(Change::Nothing);
            return FolderName::inbox();
        };
        if first.eq_ignore_ascii_case("INBOX") {
            changes.push(Change::Inbox);
            *first = "INBOX".to_owned();
            if names.len() == 1 {
                return FolderName::inbox();
            }
            if self.prefix.trim_end_matches(self.separator) == "INBOX" {
                names.remove(0);
            }
        }
        let separator = self.separator.to_string();
        let name = names.join(&separator);
        let name = match name.len() > LONGEST {
            false => name,
            true => {
                changes.push(Change::TooLong);
                let kept = prefix(&name, LONGEST - 9);
                let kept = kept.trim_end_matches(self.separator);
                format!("{kept}-{:08x}", fingerprint(&name))
            }
        };
        FolderName(format!("{}{name}", self.prefix))
    }

    fn safe_part(&self, part: &str, changes: &mut Vec<Change>) -> String {
        let without_dots = part.trim_start_matches('.');
        if without_dots != part {
            changes.push(Change::LeadingDot);
        }
        let trimmed = without_dots.trim_matches(' ');
        if trimmed != without_dots {
            changes.push(Change::Blank);
        }
        let mut name = String::with_capacity(trimmed.len());
        for (at, c) in trimmed.chars().enumerate() {
            let change = match c {
                _ if c == self.separator => Change::Separator,
                '*' | '%' => Change::Wildcard,
                '~' | '#' if at == 0 => Change::Foreign,
                _ if is_hidden(c) || c.is_control() => Change::Invisible,
                _ => {
                    name.push(c);
                    continue;
                }
            };
            changes.push(change);
            name.push('_');
        }
        name
    }
}

/// The parts of a path that are names.
fn normal(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// The parts below a root; not those of the root itself.
fn strip<'a, 'b>(root: &str, parts: &'b [&'a str]) -> Option<&'b [&'a str]> {
    let depth = normal(root).count();
    let (above, below) = parts.split_at_checked(depth)?;
    (!below.is_empty() && normal(root).eq(above.iter().copied())).then_some(below)
}

/// The longest prefix of at most so many bytes.
fn prefix(text: &str, bytes: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|&end| end <= bytes).last();
    text.split_at(end.unwrap_or(0)).0
}

/// FNV-1a: tells long names apart that begin alike, the same on every run.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    fn naming() -> Naming {
        Naming {
            home: "/home/jo".into(),
            user: "jo".into(),
            inboxes: vec!["/var/mail/jo".into()],
            maildir: None,
            separator: '/',
            prefix: String::new(),
        }
    }

    fn name(naming: &Naming, path: &str, format: Format) -> String {
        naming.folder(path, format).0.to_string()
    }

    #[test]
    fn mailboxes_below_the_usual_directories() {
        let n = naming();
        let cases = [
            ("/home/jo/mail/lists/rust", "lists/rust"),
            ("/home/jo/Mail/rust", "rust"),
            ("/home/jo/rust", "rust"),
            ("rust", "rust"),
            ("~/Mail/rust", "rust"),
            ("/home/jo//Mail/./rust/", "rust"),
            ("/home/jo/Mail", "Mail"),
            ("/home/jo/mbox", "mbox"),
            ("/home/jo/Mail/r.s", "r.s"),
            ("/home/jo/Mail/Entwürfe", "Entwürfe"),
        ];
        for (path, expected) in cases {
            assert_eq!(
                n.folder(path, Format::Mbox),
                (FolderName(expected.into()), vec![]),
                "{path}"
            );
        }
    }

    #[test]
    fn what_names_the_inbox() {
        let mut n = naming();
        for path in ["/var/mail/jo", "/var/spool/mail/jo", "/usr/mail/jo"] {
            assert!(n.folder(path, Format::Mbox).0.is_inbox(), "{path}");
        }
        assert!(n.folder("/home/jo/Maildir", Format::Maildir).0.is_inbox());
        assert_eq!(name(&n, "/home/jo/Maildir", Format::Mbox), "Maildir");
        assert_eq!(name(&n, "/var/mail/eva", Format::Mbox), "eva");
        n.inboxes = vec!["/home/jo/Mail/incoming".into()];
        assert!(
            n.folder("/home/jo/Mail/incoming", Format::Mbox)
                .0
                .is_inbox()
        );
        n.prefix = "INBOX/".into();
        assert!(
            n.folder("/home/jo/Mail/incoming", Format::Mbox)
                .0
                .is_inbox()
        );
        assert_eq!(name(&n, "/home/jo/Mail/x", Format::Mbox), "INBOX/x");
    }

    #[test]
    fn maildir_dots_are_levels() {
        let mut n = naming();
        n.maildir = Some("/home/jo/Maildir".into());
        for path in [".Lists.foo", "/home/jo/Maildir/.Lists.foo", ".Lists/.foo"] {
            assert_eq!(
                n.folder(path, Format::Maildir),
                (FolderName("Lists/foo".into()), vec![])
            );
        }
        n.separator = '.';
        n.prefix = "INBOX.".into();
        assert_eq!(name(&n, ".Lists.foo", Format::Maildir), "INBOX.Lists.foo");
        assert_eq!(name(&n, ".INBOX.foo", Format::Maildir), "INBOX.foo");
        let default = Naming {
            inboxes: vec!["/home/jo/.maildir".into()],
            ..naming()
        };
        assert_eq!(name(&default, "~/.maildir/.spam", Format::Maildir), "spam");
        assert!(default.folder("~/.maildir", Format::Maildir).0.is_inbox());
        n.maildir = Some("/home/jo/mymail".into());
        assert!(n.folder(".", Format::Maildir).0.is_inbox());
        assert_eq!(name(&n, ".Lists.foo/new", Format::Mbox), "INBOX.Lists.foo");
        assert!(n.folder("~/Maildir/new", Format::Directory).0.is_inbox());
    }

    #[test]
    fn the_directory_of_folders_is_cut_off() {
        let n = Naming {
            maildir: Some("/home/jo/.folders".into()),
            ..naming()
        };
        assert_eq!(name(&n, "a/b", Format::Mbox), "a/b");
        assert_eq!(name(&n, "/home/jo/.folders/a", Format::Mbox), "a");
        let elsewhere = Naming {
            maildir: Some("/data/mail/jo".into()),
            ..naming()
        };
        assert_eq!(
            elsewhere.folder("a", Format::Mh),
            (FolderName("a".into()), vec![])
        );
    }

    #[test]
    fn accidents_are_made_safe_and_named() {
        let dotted = Naming {
            separator: '.',
            ..naming()
        };
        let slash = naming();
        let cases = [
            (
                &slash,
                "/home/jo/Mail/../../eva/x",
                "x",
                vec![Change::Outside, Change::Up],
            ),
            (&slash, "/data/x", "x", vec![Change::Outside]),
            (
                &slash,
                "../..",
                "INBOX",
                vec![Change::Up, Change::Outside, Change::Nothing],
            ),
            (&slash, "", "INBOX", vec![Change::Nothing]),
            (&slash, "InBox", "INBOX", vec![Change::Inbox]),
            (&slash, "inbox/old", "INBOX/old", vec![Change::Inbox]),
            (&slash, ".hidden", "hidden", vec![Change::LeadingDot]),
            (&slash, "a*b%", "a_b_", vec![Change::Wildcard]),
            (&slash, "#x", "_x", vec![Change::Foreign]),
            (&slash, "a\u{1}\n", "a__", vec![Change::Invisible]),
            (&slash, " a ", "a", vec![Change::Blank]),
            (&dotted, "a.b/c", "a_b.c", vec![Change::Separator]),
        ];
        for (naming, path, expected, mut changes) in cases {
            changes.sort_unstable();
            let (name, found) = naming.folder(path, Format::Mbox);
            assert_eq!(name.as_str(), expected, "{path:?} {found:?}");
            assert_eq!(found, changes, "{path:?}");
        }
    }

    #[test]
    fn long_names_stay_apart() {
        let n = naming();
        let (one, changes) = n.folder(&format!("{}1", "ü".repeat(300)), Format::Mbox);
        let (two, _) = n.folder(&format!("{}2", "ü".repeat(300)), Format::Mbox);
        assert!(one.as_str().len() <= LONGEST && one != two);
        assert_eq!(changes, [Change::TooLong]);
        let (deep, changes) = n.folder(&"a/".repeat(40), Format::Mbox);
        assert_eq!(deep.as_str().split('/').count(), DEEPEST);
        assert_eq!(changes, [Change::TooLong]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_path_has_a_safe_name(path in "[/.~# a-c*%\\PC]{0,40}", maildir: bool, dot: bool) {
            let n = Naming { separator: if dot { '.' } else { '/' }, ..naming() };
            let format = if maildir { Format::Maildir } else { Format::Mbox };
            let (name, _) = n.folder(&path, format);
            let name = name.as_str();
            prop_assert!(!name.is_empty());
            prop_assert!(name.split(n.separator).all(|part| !part.is_empty()));
            prop_assert!(!name.starts_with(['~', '#', '.']));
            prop_assert!(!name.contains(['*', '%']));
            prop_assert!(!name.chars().any(|c| is_hidden(c) || c.is_control()));
            prop_assert_eq!(name.eq_ignore_ascii_case("inbox"), name == "INBOX");
        }
    }
}
