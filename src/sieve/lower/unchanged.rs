//! In: what rules change in a message and the script does not, or not quite. Out:
//! what there is to say of a test below them that asks for it.

use crate::ledger::{Code, Note};
use crate::rules::program::{Changed, SENDER};
use crate::sieve::script::Test;
use crate::sieve::walk;
use std::collections::BTreeSet;

/// The changes of the rules so far that a test below them may not see.
#[derive(Default, Clone)]
pub(super) struct Unchanged {
    parts: BTreeSet<Changed>,
    /// Those of a copy that the script makes to the message as well.
    of_both: BTreeSet<Changed>,
    /// Some rule takes fields out of the header.
    takes_fields_out: bool,
}

impl Unchanged {
    /// A field that the script leaves, or writes otherwise.
    pub fn field(&mut self, name: &str) {
        self.parts.insert(Changed::field(name));
    }

    /// Parts that the script leaves.
    pub fn parts(&mut self, parts: impl IntoIterator<Item = Changed>) {
        self.parts.extend(parts);
    }

    /// Parts that were changed in a copy alone, and that the script changes for the
    /// message itself.
    pub fn of_both(&mut self, parts: impl IntoIterator<Item = Changed>) {
        for part in parts {
            self.of_both.insert(part.clone());
            self.parts.insert(part);
        }
    }

    /// Behind a copy that ended: what was changed in that alone does not count.
    pub fn behind_copy(&mut self, before: Unchanged) {
        self.parts = before.parts;
        self.parts.extend(self.of_both.iter().cloned());
    }

    /// The script takes fields out of the header, as the rules did.
    pub fn takes_fields_out(&mut self) {
        self.takes_fields_out = true;
    }

    /// Whether rules change a field, and the server does not.
    pub fn has_field(&self, field: &str) -> bool {
        self.parts.contains(&Changed::field(field))
            || field != SENDER && self.parts.contains(&Changed::Header)
    }

    /// What there is to say of a test that may decide otherwise.
    pub fn asked_by(&self, test: &Test) -> Vec<Note> {
        let mut notes = Vec::new();
        if !self.parts.is_empty() && walk::test_tree(test).any(|test| self.is_about(test)) {
            notes.push(Note::adapted(
                Code::NotAsFiltered,
                "A rule above changes what this looks at, and the script does not, or not in all such mail",
            ));
        }
        let is_of_body = |test: &Test| matches!(test, Test::Body { .. });
        if self.takes_fields_out && walk::test_tree(test).any(is_of_body) {
            notes.push(Note::adapted(
                Code::BodyUnseen,
                "Where a rule above took a field out of the header, some servers (Dovecot) find nothing in the body",
            ));
        }
        notes
    }

    /// What there is to say of mail that is sent on.
    pub fn sent(&self) -> Option<Note> {
        let is_other = self.parts.contains(&Changed::Body) || self.parts.contains(&Changed::Header);
        is_other.then(|| {
            Note::adapted(
                Code::SentUnchanged,
                "A rule above changes the mail, by a program that the server does not run; the whole mail is sent on as it came",
            )
        })
    }

    fn is_about(&self, test: &Test) -> bool {
        match test {
            Test::Header { names, .. } | Test::Address { names, .. } | Test::Exists(names) => {
                names.iter().any(|name| self.has_field(name))
            }
            Test::Envelope { .. } => self.has_field(SENDER),
            Test::Body { .. } | Test::Over(_) | Test::Under(_) => {
                self.parts.contains(&Changed::Body)
            }
            _ => false,
        }
    }
}
