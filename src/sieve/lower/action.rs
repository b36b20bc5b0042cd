//! In: what a recipe does. Out: commands, and whether the message goes on
//! behind them.

use super::Lowering;
use super::mailbox::Place;
use super::path::Path;
use super::program::unmarked;
use super::sequence::{Flow, leave};
use super::shape::Shape;
use crate::ledger::{Code, Note, shortened};
use crate::rules::elaborate::names_of_host;
use crate::rules::model::{Folder, StatementId, Text};
use crate::sieve::script::{Command, CommandKind, Match, Part, Test, Value};
use crate::sieve::target::Extension;
use std::collections::BTreeSet;

impl Lowering<'_> {
    /// Ends the way of a message: nothing runs behind this.
    pub(super) fn end(&mut self, mut commands: Vec<Command>, path: &Path) -> Flow {
        let mut exits = BTreeSet::new();
        match path.place.clone {
            None => {
                let files = |command: &Command| {
                    matches!(
                        command.kind,
                        CommandKind::FileInto { .. } | CommandKind::Redirect { .. }
                    )
                };
                if commands.iter().any(files) {
                    self.tells_mailer(path);
                }
                commands.push(Command::from(CommandKind::Stop));
            }
            Some(label) => {
                if !commands.iter().any(stores) {
                    self.lost_copy = self.lost_copy.or(path.doubtful());
                }
                commands.push(leave(label));
                exits.insert(label);
            }
        }
        Flow {
            commands,
            falls: false,
            exits,
        }
    }

    /// The mailer is told an exit status of mail that is delivered.
    pub(super) fn tells_mailer(&mut self, path: &Path) {
        if path.exit_code != Some(0)
            && let Some(at) = self.program.main.last_assignment("EXITCODE")
        {
            self.find(at, Note::adapted(
                Code::Bounced,
                "The mailer was told of it for mail as well that was delivered, and may have returned that or tried again; here nobody is told",
            ));
        }
    }

    /// Delivers, or gives away a copy and goes on (`copy`).
    pub(super) fn delivered(&mut self, commands: Vec<Command>, copy: bool, path: &Path) -> Flow {
        match copy {
            true => Flow::of(commands),
            false => self.end(commands, path),
        }
    }

    /// The message stays in the inbox, and that is the end of its way.
    pub(super) fn kept(&mut self, path: &Path) -> Flow {
        // Where the mail itself goes on, what becomes of it must not undo this.
        let kept = self.keeping(path.place.clone.is_some(), Vec::new());
        self.end(vec![Command::from(kept)], path)
    }

    /// Leaves the message in the inbox, or (`copy`) a copy, whatever becomes of
    /// the message: some engines let a later `discard` undo a `keep`.
    pub(super) fn keeping(&self, copy: bool, flags: Vec<String>) -> CommandKind {
        let files = self.target.has(Extension::Copy) && self.target.has(Extension::FileInto);
        match copy && files {
            true => CommandKind::FileInto {
                folder: Value::text("INBOX"),
                copy,
                create: false,
                flags,
            },
            false => CommandKind::Keep { flags },
        }
    }

    /// Files into mailboxes: all of them get the message.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub(super) fn filed(
        &mut self,
        at: StatementId,
        folders: &[Folder],
        copy: bool,
        flags: &[String],
        path: &Path,
    ) -> Result<Flow, Note> {
        let stays = copy || path.place.clone.is_some();
        let mut commands = Vec::new();
        let mut places = Vec::new();
        for folder in folders {
            places.push(self.mailbox(at, folder, path)?);
        }
        let filed = places
            .iter()
            .filter(|mailbox| mailbox.place != Place::Nowhere)
            .count();
        if filed == 0 {
            return Ok(match copy {
                true => Flow::nothing(),
                false => self.thrown_away(at, path),
            });
        }
        let mut left = filed;
        for mailbox in places {
            left -= usize::from(mailbox.place != Place::Nowhere);
            // All but the last leave the message for the others.
            let copies = stays || left > 0;
            commands.extend(mailbox.before);
            let Some(filing) = self.filing(at, mailbox.place, copies, flags)? else {
                continue;
            };
            let mut branches = Vec::new();
            if let Some(test) = mailbox.unsafe_name {
                branches.push((test, vec![Command::from(self.keeping(copies, Vec::new()))]));
            }
            for (test, name) in mailbox.ended {
                let filing = self.filing(at, Place::Folder(name), copies, flags)?;
                branches.push((test, filing.into_iter().collect()));
            }
            commands.push(match branches.is_empty() {
                true => filing,
                false => Command::from(CommandKind::If {
                    branches,
                    otherwise: Some(vec![filing]),
                }),
            });
        }
        Ok(self.delivered(commands, copy, path))
    }

    fn filing(
        &mut self,
        at: StatementId,
        place: Place,
        copy: bool,
        flags: &[String],
    ) -> Result<Option<Command>, Note> {
        let flags = match flags.is_empty() || self.target.has(Extension::Imap4Flags) {
            true => flags.to_vec(),
            false => {
                self.find(at, unmarked());
                Vec::new()
            }
        };
        let kind = match place {
            Place::Nowhere => return Ok(None),
            Place::Inbox => self.keeping(copy, flags),
            Place::Folder(folder) => {
                if !self.target.has(Extension::FileInto) {
                    return Err(Note::manual(
                        Code::NoFolders,
                        "The server has no fileinto, so all mail stays in the inbox",
                    ));
                }
                CommandKind::FileInto {
                    folder,
                    copy,
                    create: self.target.has(Extension::Mailbox),
                    flags,
                }
            }
        };
        Ok(Some(Command::from(kind)))
    }

    /// Throws the message away, unless it may be one that procmail kept.
    pub(super) fn thrown_away(&mut self, at: StatementId, path: &Path) -> Flow {
        if path.place.clone.is_some() {
            return self.end(Vec::new(), path);
        }
        match path.exit_code {
            Some(0) => {}
            // The mailer tries again later.
            Some(75) => {
                self.find(at, Note::adapted(
                    Code::TriedAgain,
                    "The old mailer kept such mail in its queue and tried again; here it stays in the inbox",
                ));
                return self.kept(path);
            }
            Some(status) => return self.refused(at, status, path),
            None => {
                self.find(at, Note::adapted(
                    Code::Bounced,
                    "What the old mailer was told of such mail depends on rules above: it may have returned it, or tried again; here it stays in the inbox",
                ));
                return self.kept(path);
            }
        }
        if self.keeps_in_doubt(at, path) {
            return self.kept(path);
        }
        self.end(vec![Command::from(CommandKind::Discard)], path)
    }

    /// Tells the sender that the message is not taken.
    pub(super) fn refused(&mut self, at: StatementId, status: i32, path: &Path) -> Flow {
        if path.place.clone.is_some() {
            return self.end(Vec::new(), path);
        }
        if self.keeps_in_doubt(at, path) {
            return self.kept(path);
        }
        if path.acted {
            self.find(at, Note::adapted(
                Code::Bounced,
                "The old mailer returned the mail; the server cannot refuse mail that a rule above may have done something with, and it stays in the inbox",
            ));
            return self.kept(path);
        }
        let ereject = self.target.has(Extension::Ereject);
        if !ereject && !self.target.has(Extension::Reject) {
            self.find(
                at,
                Note::manual(
                    Code::NoReject,
                    "The server cannot refuse mail, so what was refused stays in the inbox",
                ),
            );
            return self.kept(path);
        }
        self.find(at, Note::adapted(
            Code::Bounced,
            format!("The old mailer returned the mail with exit status {status}; the server refuses it in words of its own"),
        ));
        let reason = match status {
            67 => "There is no such user here.",
            77 => "Mail from you is not accepted here.",
            69 => "This address is out of service.",
            _ => "This mail is not accepted here.",
        };
        let reject = CommandKind::Reject {
            ereject,
            reason: Value::text(reason),
        };
        self.end(vec![Command::from(reject)], path)
    }

    /// Whether a message here may be one that procmail kept, so that it is not
    /// thrown away.
    pub(super) fn keeps_in_doubt(&mut self, at: StatementId, path: &Path) -> bool {
        let Some(cause) = path.doubtful() else {
            return false;
        };
        let message = match self.place(cause) {
            Some(place) if cause != at => format!(
                "The mail is kept in the inbox, because the rule at {place} is not carried out exactly, and some of the mail that comes here may be mail that it kept"
            ),
            _ => "The mail is kept in the inbox, because this rule cannot be carried out exactly, and could throw away mail that was kept before".to_owned(),
        };
        self.find(at, Note::adapted(Code::KeptInDoubt, message));
        true
    }

    /// Forwards to addresses.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub(super) fn forwarded(
        &mut self,
        at: StatementId,
        addresses: &[Text],
        copy: bool,
        path: &Path,
    ) -> Result<Flow, Note> {
        let mut commands = Vec::new();
        let mut values = Vec::new();
        for address in addresses {
            let prepared = self.value(address, path)?;
            commands.extend(prepared.before);
            self.find_all(at, prepared.notes);
            if path.shape(&prepared.value) == Shape::Blank {
                return Err(Note::manual(
                    Code::BadAddress,
                    "The address is taken from the mail with the blank in front of it",
                ));
            }
            values.push(self.address(at, prepared.value)?);
        }
        if values.is_empty() {
            return Err(Note::manual(
                Code::BadAddress,
                "No address is named to forward the mail to",
            ));
        }
        if let Some(note) = self.unchanged.sent() {
            self.find(at, note);
        }
        let named = values.len();
        values.retain(|address| !self.is_own(address));
        let count = values.len();
        let to_own = count < named;
        if to_own {
            self.find(at, Note::adapted(
                Code::OwnAddress,
                "The mail was sent to the user's own address, where it came in again; the script keeps it in the inbox",
            ));
        }
        let stays = copy || path.place.clone.is_some();
        let in_doubt = !stays && path.doubtful().is_some();
        let allowed = self.takes_redirects(at, count);
        let keeps = in_doubt || to_own || count > allowed;
        values.truncate(allowed);
        for (number, address) in values.into_iter().enumerate() {
            let copies = stays || keeps || number + 1 < count;
            let redirect = self.redirect(address.clone(), copies);
            if address.as_text().is_some() {
                commands.push(redirect);
                continue;
            }
            self.find(at, Note::adapted(
                Code::BadAddress,
                "The address is taken from the mail; where that is not one address, the mail stays in the inbox",
            ));
            commands.push(Command::from(CommandKind::If {
                branches: vec![(self.is_address(&address), vec![redirect])],
                otherwise: Some(vec![Command::from(self.keeping(copies, Vec::new()))]),
            }));
        }
        if in_doubt {
            self.keeps_in_doubt(at, path);
        }
        if keeps {
            commands.push(Command::from(self.keeping(stays, Vec::new())));
        }
        Ok(self.delivered(commands, copy, path))
    }

    /// Holds where a value is one address: a server fails at others, and does nothing
    /// of what the script says.
    fn is_address(&self, value: &Value) -> Test {
        let held = |by: Match, key: &str| Test::String {
            compare: by.into(),
            sources: vec![value.clone()],
            key: Value::text(key),
        };
        if self.target.has(Extension::Regex) {
            const ADDRESS: &str =
                "^[-_+=a-zA-Z0-9]+(\\.[-_+=a-zA-Z0-9]+)*@[-a-zA-Z0-9]+(\\.[-a-zA-Z0-9]+)*$";
            return held(Match::Regex, ADDRESS);
        }
        let others = ["* *", "*,*", "*@*@*", "*..*", "*.@*", ".*", "*."];
        let others = others.map(|key| held(Match::Matches, key));
        let not = Test::AnyOf(others.into()).negated();
        Test::AllOf(vec![held(Match::Matches, "?*@?*"), not])
    }

    /// Whether mail to an address comes to this very user.
    fn is_own(&self, address: &Value) -> bool {
        let address = address.as_text();
        address.is_some_and(|address| self.program.is_user(&address))
    }

    pub(super) fn redirect(&self, address: Value, copy: bool) -> Command {
        Command::from(CommandKind::Redirect { address, copy })
    }

    /// An address with its domain.
    ///
    /// # Errors
    /// Where it is none.
    pub(super) fn address(&mut self, at: StatementId, value: Value) -> Result<Value, Note> {
        let Some(written) = value.as_text() else {
            if let Some(Part::Text(end)) = value.0.last()
                && let Some((_, domain)) = end.rsplit_once('@')
            {
                self.may_be_local(at, domain.trim_end_matches('.'));
            }
            return Ok(value);
        };
        let text = written
            .trim_matches([',', ' ', '\t'])
            .trim_start_matches('\\');
        let text = match text.strip_prefix('<') {
            Some(inner) => inner.trim_end_matches('>'),
            None => text,
        };
        let shown = shortened(text);
        let (local, domain) = match text.rsplit_once('@') {
            Some((local, domain)) => (local, domain.to_owned()),
            None => match &self.settings.domain {
                Some(domain) => (text, domain.clone()),
                None => {
                    return Err(Note::manual(
                        Code::UnqualifiedAddress,
                        format!(
                            "“{shown}” has no domain, and which one the old server added is not known: give it with --domain"
                        ),
                    ));
                }
            },
        };
        // Pigeonhole and others refuse what goes beyond ASCII.
        let is_word = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let literal = domain
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let is_domain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_literal = |c: char| c.is_ascii_alphanumeric() || ".:".contains(c);
        let fits = !local.is_empty()
            && local.chars().all(is_word)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && !local.contains("${")
            && !domain.is_empty()
            && match literal {
                Some(literal) => !literal.is_empty() && literal.chars().all(is_literal),
                None => domain.chars().all(is_domain),
            }
            && !domain.contains("..")
            && !domain.starts_with(['.', '-']);
        if !fits {
            return Err(Note::manual(
                Code::BadAddress,
                format!("“{shown}” is no address that mail can be forwarded to"),
            ));
        }
        let mut domain = domain.trim_end_matches('.');
        let host = names_of_host(self.settings.host.as_deref());
        match self.settings.domain.as_deref() {
            // To everybody else, the old host is known by its domain.
            Some(own) if host.contains(&domain.to_lowercase()) && domain != own => {
                self.find(
                    at,
                    Note::adapted(
                        Code::LocalDomain,
                        format!(
                            "“{domain}” was the old server itself; the mail goes to {local}@{own}"
                        ),
                    ),
                );
                domain = own;
            }
            _ if literal.is_none() => self.may_be_local(at, domain),
            _ => {}
        }
        Ok(Value::text(format!("{local}@{domain}")))
    }

    fn may_be_local(&mut self, at: StatementId, domain: &str) {
        if !domain.contains('.') {
            self.find(at, Note::adapted(
                Code::LocalDomain,
                format!("“{domain}” is a name that may be known around the old server alone: the new one may keep this mail instead"),
            ));
        }
    }
}

/// Whether a command puts the message into a mailbox, in one way or another.
fn stores(command: &Command) -> bool {
    matches!(
        command.kind,
        CommandKind::Keep { .. } | CommandKind::FileInto { .. } | CommandKind::If { .. }
    )
}

/// `keep`.
pub(super) fn keep() -> Command {
    Command::from(CommandKind::Keep { flags: Vec::new() })
}
