//! In: a translation, and the user's own mail. Out: what the old rules and the
//! new script do with each message, and why they differ where they do. Nothing
//! is delivered, sent, or printed.

mod letter;
mod mailbox;
mod script;
#[cfg(test)]
mod tests;

pub use letter::Letter;
pub use mailbox::{MailError, Mailboxes, Unread};

use crate::ledger::Verdict;
use crate::report::replayed::{Difference, Place, Sums, Why};
use crate::rules::elaborate::Settings;
use crate::rules::model::Format;
use crate::rules::run::{Delivery, Mail, Memory, Outcome, Runner};
use crate::sieve::folder::Naming;
use crate::sieve::lower::{Expressions, lower};
use crate::sieve::target::{RegexDialect, Target};
use crate::translate::Translation;
use script::Script;
use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

/// The old rules and the new script, ready to be run.
pub struct Replay<'t> {
    translation: &'t Translation,
    runner: Runner<'t>,
    memory: Memory,
    script: Script,
    naming: Naming,
    /// The folders that the translation gave to mailboxes.
    folders: BTreeMap<(&'t str, Format), &'t str>,
    domain: Option<&'t str>,
    recipient: String,
    /// Mail is looked at as if it came in now, as the script's engine does.
    now: i64,
    sums: Sums,
}

/// The script as sieve-rs has to be given it to do what the server does: it
/// reads expressions as Perl does.
fn for_engine(translation: &Translation, settings: &Settings, target: &Target) -> String {
    let report = &translation.report;
    let has_expressions = report.requires.iter().any(|name| name == "regex");
    if !has_expressions
        || target.regex == RegexDialect::Perl
        || translation.program.script.is_some()
    {
        return report.script.clone();
    }
    let engine = Target {
        regex: RegexDialect::Perl,
        ..target.clone()
    };
    let lowered = lower(
        &translation.program,
        &translation.sources,
        settings,
        &engine,
        &Expressions::default(),
    );
    lowered.printed.text
}

impl<'t> Replay<'t> {
    /// Makes both ready. They were compiled before, when the script was made.
    ///
    /// # Errors
    /// What the engine says of the script.
    pub fn new(
        translation: &'t Translation,
        settings: &'t Settings,
        target: &Target,
    ) -> Result<Self, String> {
        let recipient = match &settings.domain {
            Some(domain) => format!("{}@{domain}", settings.user),
            None => settings.user.clone(),
        };
        let program = &translation.program;
        let folders = translation.report.folders.iter();
        Ok(Replay {
            translation,
            runner: Runner::new(program, &translation.sources, settings),
            memory: Memory::default(),
            script: Script::new(
                &for_engine(translation, settings, target),
                &translation.report.requires,
            )?,
            naming: Naming::of(program, settings, target),
            folders: folders
                .map(|mailbox| {
                    let key = (mailbox.path.as_str(), mailbox.format);
                    (key, mailbox.folder.as_str())
                })
                .collect(),
            domain: settings.domain.as_deref(),
            recipient,
            now: UNIX_EPOCH
                .elapsed()
                .ok()
                .and_then(|since| i64::try_from(since.as_secs()).ok())
                .unwrap_or(0),
            sums: Sums::default(),
        })
    }

    /// Runs both on the next message.
    pub fn next(&mut self, letter: &Letter) -> Option<Difference> {
        let recipient = letter.recipient(&self.recipient);
        let old = self.old(letter, &recipient, &letter.plain());
        let mut before = self.places(&old);
        let after = self.script.run(letter, &recipient);
        let after: BTreeSet<Place> = after
            .into_iter()
            .map(|place| self.qualified(place))
            .collect();
        let is_same = before == after;
        // To the outcome it matters only that the message is gone; to the user
        // it does where to.
        if !is_same && old.is_handed_over && before.remove(&Place::Deleted) {
            before.insert(Place::Program);
        }
        self.sums.messages += 1;
        for place in &before {
            self.sums.places.entry(place.clone()).or_default().0 += 1;
        }
        for place in &after {
            self.sums.places.entry(place.clone()).or_default().1 += 1;
        }
        if is_same {
            self.sums.same += 1;
            return None;
        }
        // Where the old rules would do the same with a header that is read as servers
        // read it, no entry is to blame.
        let read = self.old(letter, &recipient, &letter.as_sieve_reads_it());
        let why = match self.places(&read) == after {
            true => Why::Everywhere,
            false => self.entry(&old).map_or(Why::Unexplained, Why::Entry),
        };
        self.sums.unexplained += usize::from(why == Why::Unexplained);
        Some(Difference {
            from: letter.from().to_owned(),
            subject: letter.subject().to_owned(),
            date: letter.date(),
            before,
            after,
            why,
        })
    }

    /// What it has come to so far.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    fn old(&mut self, letter: &Letter, recipient: &str, text: &[u8]) -> Outcome {
        let mail = Mail {
            text,
            sender: letter.sender(),
            recipient,
            received: self.now,
        };
        self.runner.run(&mail, &mut self.memory)
    }

    fn places(&self, outcome: &Outcome) -> BTreeSet<Place> {
        if outcome.deliveries.is_empty() {
            return BTreeSet::from([match outcome.is_bounced() {
                true => Place::Refused,
                false => Place::Deleted,
            }]);
        }
        let place = |delivery: &Delivery| match delivery {
            Delivery::Mailbox { path, format } => Place::Folder(self.folder(path, *format)),
            Delivery::Folder(name) => Place::Folder(name.clone()),
            Delivery::Redirect(address) => self.qualified(Place::Address(address.clone())),
        };
        outcome.deliveries.iter().map(place).collect()
    }

    fn folder(&self, path: &str, format: Format) -> String {
        match self.folders.get(&(path, format)) {
            Some(folder) => (*folder).to_owned(),
            // Its name is only known now that there is a message.
            None => self.naming.folder(path, format).0.to_string(),
        }
    }

    /// An address in the form in which two of them can be compared.
    fn qualified(&self, place: Place) -> Place {
        let Place::Address(address) = place else {
            return place;
        };
        let address = address.trim_matches(['<', '>', '"', '\\', ' ']);
        Place::Address(match (address.rsplit_once('@'), self.domain) {
            (Some((local, domain)), _) => {
                // The root of all domains goes without saying.
                let domain = domain.strip_suffix('.').unwrap_or(domain);
                format!("{local}@{}", domain.to_lowercase())
            }
            (None, Some(domain)) => format!("{address}@{}", domain.to_lowercase()),
            (None, None) => address.to_owned(),
        })
    }

    /// The entry that says why the script treats a message in another way: of
    /// those that it came by, one whose conditions it met, or that is not
    /// translated at all. Of several, the last that it met, for that ended its way.
    fn entry(&self, outcome: &Outcome) -> Option<usize> {
        let mut best = None;
        for (index, entry) in self.translation.report.entries.iter().enumerate() {
            for finding in &entry.findings {
                let explains = matches!(finding.verdict, Verdict::Adapted | Verdict::Manual);
                if explains && outcome.reached.contains(&finding.at) {
                    let is_matched = outcome.matched.contains(&finding.at);
                    let rank = (is_matched, finding.verdict);
                    if best.is_none_or(|(_, other)| rank > other || rank == other && is_matched) {
                        best = Some((index, rank));
                    }
                }
            }
        }
        best.map(|(index, _)| index)
    }
}
