//! In: the limits of a target, and a script that passes them. Out: which
//! statements are left out of the next one, and why.
//!
//! Hostile rules end here too: what is lowered is counted as it comes, and when
//! that is more than any server takes, the rest is left out.

use super::Lowering;
use crate::ledger::{Code, Note};
use crate::rules::model::StatementId;
use crate::sieve::limits::{Limit, LimitBreach, over_limits};
use crate::sieve::print::Printed;
use crate::sieve::script::{Command, Script, Test, Value};
use crate::sieve::target::Target;
use crate::sieve::walk::{self, Clause};
use std::collections::BTreeMap;

/// What a script may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Statements that ask too much of the server, and how.
    barred: BTreeMap<StatementId, Barred>,
    /// How many bytes are read and written, about, before the rest is left out.
    room: usize,
    /// How many were.
    used: usize,
    /// How many were, when the last statement came that was not left out.
    before_last: usize,
    /// Why the rest is left out.
    full: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Barred {
    why: String,
    /// Only what it does is, not its conditions.
    action: bool,
}

/// The bytes of a script for a server that says nothing of it.
const SCRIPT_BYTES: u64 = 1 << 20;

/// Text is lowered that will not stand in the script, and what is alike becomes
/// one: about so many times what stands there in the end.
const READ_TO_WRITTEN: u64 = 4;

impl Bounds {
    pub fn of(target: &Target) -> Self {
        let written = target.limits.script_bytes.unwrap_or(SCRIPT_BYTES);
        let room = written
            .clamp(SCRIPT_BYTES, 16 * SCRIPT_BYTES)
            .saturating_mul(READ_TO_WRITTEN);
        Bounds {
            barred: BTreeMap::new(),
            room: room as usize,
            used: 0,
            before_last: 0,
            full: "the rules above this are as many as a script can hold".to_owned(),
        }
    }

    /// The bounds for another script, where this one asks too much of its
    /// server.
    pub fn narrowed(
        &self,
        script: &Script,
        printed: &Printed,
        lowering: &Lowering,
    ) -> Option<Self> {
        let breaches = over_limits(script, printed, lowering.target);
        let first = breaches.first()?;
        let mut narrowed = Bounds {
            used: 0,
            before_last: 0,
            ..self.clone()
        };
        for breach in breaches.iter().filter(|breach| is_of_one(breach)) {
            for at in &breach.at {
                let barred = narrowed.barred.entry(*at).or_insert_with(|| Barred {
                    why: breach.to_string(),
                    action: true,
                });
                barred.action &= matches!(breach.limit, Limit::Redirects | Limit::Actions);
            }
        }
        if narrowed.barred != self.barred {
            return Some(narrowed);
        }
        let room = self.room.min(self.used);
        if room == 0 {
            return None;
        }
        // A little less, since what is written does not go strictly with what
        // is read; and without the last one, for that alone may be too much.
        let part = first.allowed as f64 / first.found.max(1) as f64 * 0.97;
        narrowed.room = self.before_last.min((room as f64 * part) as usize);
        narrowed.full = first.to_string();
        Some(narrowed)
    }
}

/// Whether single commands pass the limit, and not all of them together.
fn is_of_one(breach: &LimitBreach) -> bool {
    !matches!(breach.limit, Limit::ScriptBytes | Limit::Variables)
}

impl Lowering<'_> {
    /// Counts what is read and written.
    pub(super) fn uses(&mut self, bytes: usize) {
        self.bounds.used = self.bounds.used.saturating_add(bytes);
    }

    /// Why a statement is left out, where it asks too much of the server.
    pub(super) fn barred(&mut self, at: StatementId) -> Option<Note> {
        let bounds = &mut self.bounds;
        let barred = bounds.barred.get(&at).filter(|barred| !barred.action);
        if let Some(barred) = barred {
            return Some(too_much(&barred.why));
        }
        if bounds.used >= bounds.room {
            return Some(too_much(&bounds.full));
        }
        bounds.before_last = bounds.used;
        None
    }

    /// Why what a statement does is not done.
    pub(super) fn barred_action(&self, at: StatementId) -> Option<Note> {
        let barred = self.bounds.barred.get(&at)?;
        Some(too_much(&barred.why))
    }

    /// How often one message may be forwarded.
    pub(super) fn redirects_allowed(&self) -> usize {
        let allowed = self.target.limits.redirects.unwrap_or(u64::MAX);
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }

    /// How many addresses one statement may forward to; more than these are not
    /// forwarded to, and the mail is kept for them.
    pub(super) fn takes_redirects(&mut self, at: StatementId, found: usize) -> usize {
        let allowed = self.redirects_allowed();
        if found > allowed {
            self.find(
                at,
                too_much(format!(
                    "one message would be forwarded {found} times, and the server allows {allowed}; it is kept in the inbox for the others"
                )),
            );
        }
        allowed
    }
}

fn too_much(why: impl std::fmt::Display) -> Note {
    Note::manual(
        Code::OverLimit,
        format!("The script asks too much of the server: {why}"),
    )
}

/// About how many bytes commands have.
pub(super) fn bytes_of(commands: &[Command]) -> usize {
    let bytes = walk::clauses(commands).map(|clause| match clause {
        Clause::Plain(command) => {
            let values = walk::command_values(&command.kind);
            COMMAND + values.map(bytes_of_value).sum::<usize>()
        }
        Clause::If(_, test) => COMMAND + bytes_of_test(test),
        Clause::Elsif(test) => bytes_of_test(test),
        Clause::Else | Clause::End => 0,
    });
    bytes.sum()
}

/// As [`bytes_of`], of a test.
pub(super) fn bytes_of_test(test: &Test) -> usize {
    let bytes = walk::test_tree(test).map(|test| {
        let names = match test {
            Test::Header { names, .. } | Test::Address { names, .. } | Test::Exists(names) => names,
            _ => &Vec::new(),
        };
        let values = walk::test_values(test).map(bytes_of_value);
        COMMAND + values.sum::<usize>() + names.iter().map(String::len).sum::<usize>()
    });
    bytes.sum()
}

/// A command or a test without its texts.
const COMMAND: usize = 20;

fn bytes_of_value(value: &Value) -> usize {
    let parts = value.0.iter().map(|part| match part {
        crate::sieve::script::Part::Text(text) => text.len(),
        crate::sieve::script::Part::Variable(name) => name.len() + 3,
    });
    parts.sum()
}
