//! In: the rules of a home and a message. Out: what becomes of it, and which
//! statements it came by. This is what procmail did, without its programs:
//! what [`program`](super::program) knows of a command is done in memory, and
//! nothing is ever run.

mod condition;
mod date;
mod delivery;
mod exim;
mod formail;
mod grep;
mod machine;
mod message;
mod prepare;
mod search;
mod task;
#[cfg(test)]
mod tests;
mod value;

use super::elaborate::{Settings, environment};
use super::model::{Format, Program, StatementId, Text};
use super::program::Meaning;
use crate::syntax::{Encoding, Source};
use search::Searches;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A message, as the mailer hands it over.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'m> {
    /// Header and body, with plain line feeds; the line of the mbox format
    /// (`From sender date`) may stand above them, and is put there if not.
    pub text: &'m [u8],
    /// The envelope sender; empty for a bounce.
    pub sender: &'m str,
    /// The envelope recipient.
    pub recipient: &'m str,
    /// When it came in, in seconds since 1970.
    pub received: i64,
}

impl Mail<'_> {
    /// What stands behind the `+` of the recipient, without upper case.
    fn detail(&self) -> Option<String> {
        let (local, _) = self
            .recipient
            .rsplit_once('@')
            .unwrap_or((self.recipient, ""));
        let (_, detail) = local.split_once('+')?;
        Some(detail.to_lowercase())
    }
}

/// A place where a message ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// A mailbox of the old host.
    Mailbox {
        /// Its absolute path.
        path: String,
        /// How mail lies in it; never [`Format::Null`].
        format: Format,
    },
    /// A folder, as the new server names it (`deliver -m folder`).
    Folder(String),
    /// Another address.
    Redirect(String),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Where it ended; nowhere, if it is gone.
    pub deliveries: BTreeSet<Delivery>,
    /// The exit status that the mailer saw: the message bounces where it is
    /// not zero (but [`Outcome::TRY_LATER`]).
    pub status: i32,
    /// The statements it came by.
    pub reached: BTreeSet<StatementId>,
    /// The recipes whose conditions it met.
    pub matched: BTreeSet<StatementId>,
    /// The commands that would have been run, in order.
    pub programs: Vec<String>,
    /// A program got it that nothing is known of.
    pub is_handed_over: bool,
    /// What the outcome depends on and cannot be known here.
    pub unknown: BTreeSet<Unknown>,
}

impl Outcome {
    /// The exit status with which the mailer keeps a message in its queue.
    pub const TRY_LATER: i32 = 75;

    /// Whether the sender was told that the message was refused.
    pub fn is_bounced(&self) -> bool {
        self.status != 0 && self.status != Self::TRY_LATER
    }
}

/// What only the old host could tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// What a program does. The rules went on as if it had succeeded.
    Program(String),
    /// What is in a file, or whether there is one. As above.
    File(String),
    /// The value of a variable. It was taken to be empty.
    Value(String),
    /// What a statement does that the model cannot express. It did nothing.
    Statement(StatementId),
    /// The rules went on and on; they were stopped, and the message kept.
    Endless,
}

/// What lasts from one message to the next: the ids that `formail -D` has
/// seen, and expressions that only a message completed.
#[derive(Debug, Default)]
pub struct Memory {
    caches: BTreeMap<Vec<u8>, formail::Cache>,
    searches: Searches,
}

/// The rules of a home, ready to be run.
pub struct Runner<'p> {
    program: &'p Program,
    home: &'p str,
    host: Option<&'p str>,
    /// How the file of each statement was encoded.
    encodings: Vec<Encoding>,
    environment: Vec<(&'static str, Text)>,
    searches: Searches,
    meanings: HashMap<&'p Text, Meaning>,
}

impl<'p> Runner<'p> {
    /// Makes ready: expressions are compiled, commands are read.
    pub fn new(program: &'p Program, sources: &[Source], settings: &'p Settings) -> Self {
        let encoding = |at: usize| {
            sources
                .get(at)
                .map_or(Encoding::Utf8, |source| source.encoding)
        };
        let mut runner = Runner {
            program,
            home: &settings.home_path,
            host: settings.host.as_deref(),
            encodings: program
                .statements
                .iter()
                .map(|statement| encoding(statement.span.file.0 as usize))
                .collect(),
            environment: environment(settings),
            searches: Searches::default(),
            meanings: HashMap::new(),
        };
        runner.prepare(&program.main.steps);
        runner
    }

    /// Runs the rules on a message.
    pub fn run(&self, mail: &Mail<'_>, memory: &mut Memory) -> Outcome {
        machine::run(self, mail, memory)
    }

    fn encoding(&self, at: StatementId) -> Encoding {
        let encoding = self.encodings.get(at.0 as usize).copied();
        encoding.unwrap_or(Encoding::Utf8)
    }
}

/// The bytes of a literal in its file.
fn encoded(text: &str, encoding: Encoding) -> std::borrow::Cow<'_, [u8]> {
    match encoding {
        Encoding::Latin1 if !text.is_ascii() => text
            .chars()
            .map(|c| c as u32 as u8)
            .collect::<Vec<u8>>()
            .into(),
        _ => text.as_bytes().into(),
    }
}
