//! In: the files of a home. Out: its rules, as the project reads, runs and
//! translates them.

use super::messages::Message;
use super::{DOMAIN, Delivery, Files, HOME, HOST, Outcome, USER};
use sievify::home::MemoryHome;
use sievify::ledger::{Code, Finding, Verdict};
use sievify::report::Report;
use sievify::rules::elaborate::Settings;
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use sievify::rules::model::{Format, Program};
use sievify::rules::run::{self, Mail, Memory, Runner};
use sievify::sieve::folder::Naming;
use sievify::sieve::target::Target;
use sievify::syntax::Source;
use sievify::translate::Translator;
use std::collections::BTreeSet;
use std::time::SystemTime;

/// The rules of a home, as the project reads them.
pub struct Rules {
    program: Program,
    sources: Vec<Source>,
    findings: Vec<Finding>,
    settings: Settings,
}

/// Rules in Sieve.
pub struct Translated {
    /// The script, and what became of every statement.
    pub report: Report,
    /// How folders are called that only a message names.
    naming: Naming,
}

impl Rules {
    /// Reads them.
    pub fn of(files: &Files) -> Self {
        let home = files
            .0
            .iter()
            .fold(MemoryHome::new(), |home, (path, bytes)| {
                home.file(path, bytes.clone())
            });
        let settings = Settings {
            host: Some(HOST.to_string()),
            domain: Some(DOMAIN.to_string()),
            home_path: HOME.to_string(),
            ..Settings::new(USER)
        };
        let Elaborated {
            program,
            sources,
            findings,
        } = elaborate_home(&home, &settings);
        Rules {
            program,
            sources,
            findings,
            settings,
        }
    }

    /// Makes them ready to be run.
    pub fn runner(&self) -> Runner<'_> {
        Runner::new(&self.program, &self.sources, &self.settings)
    }

    /// Mailboxes that are files, among those that the interpreter filed into.
    /// How mail lies in the default one, it does not know.
    pub fn files(&self, outcome: &run::Outcome) -> Vec<String> {
        let default = self.program.main.default.path.known();
        let default = default.map(|path| path.trim_end_matches('/'));
        let default = default.filter(|path| !path.starts_with("/var/"));
        let paths = outcome
            .deliveries
            .iter()
            .filter_map(|delivery| match delivery {
                run::Delivery::Mailbox { path, format } if *format == Format::Mbox => Some(path),
                _ => None,
            });
        paths
            .filter(|path| default != Some(path.trim_end_matches('/')))
            .cloned()
            .collect()
    }

    /// Translates them.
    pub fn translate(&self, target: &Target) -> Result<Translated, String> {
        let rules = Elaborated {
            program: self.program.clone(),
            sources: self.sources.clone(),
            findings: self.findings.clone(),
        };
        let translation = Translator::new(target)
            .translate_rules(rules, &self.settings)
            .map_err(|error| error.to_string())?;
        Ok(Translated {
            report: translation.report,
            naming: Naming::of(&self.program, &self.settings, target),
        })
    }

    /// Whether a message came by what is taken for what was meant, not for what
    /// procmail made of it: a mailbox called `:0`, one at the top of the file system,
    /// another spelling of the host's name.
    pub fn by_accident(&self, outcome: &run::Outcome) -> bool {
        self.findings.iter().any(|finding| match finding.code {
            Code::AccidentalMailbox => outcome.matched.contains(&finding.at),
            Code::HostValue | Code::RootlessMailbox => outcome.reached.contains(&finding.at),
            _ => false,
        })
    }
}

impl Translated {
    /// An outcome on the old host in the words of Sieve. `run` is what the
    /// interpreter did: it knows how mail lies in a mailbox.
    pub fn in_sieve(&self, outcome: &Outcome, run: &run::Outcome) -> Outcome {
        let moved = |delivery: &Delivery| match delivery {
            Delivery::Mailbox(path) => {
                let mailbox = run.deliveries.iter().find_map(|found| match found {
                    run::Delivery::Mailbox { path, format } if place(found) == *delivery => {
                        Some((path.as_str(), *format))
                    }
                    _ => None,
                });
                let (path, format) = mailbox.unwrap_or((path, Format::Mbox));
                Delivery::Mailbox(self.folder(path, format))
            }
            Delivery::Redirect(address) => Delivery::Redirect(qualified(address)),
            Delivery::Reject => Delivery::Reject,
        };
        outcome.iter().map(moved).collect()
    }

    /// What the interpreter did in the words of Sieve.
    pub fn interpreted(&self, run: &run::Outcome) -> Outcome {
        let moved = |delivery: &run::Delivery| match delivery {
            run::Delivery::Mailbox { path, format } => {
                Delivery::Mailbox(self.folder(path, *format))
            }
            run::Delivery::Folder(name) => Delivery::Mailbox(name.clone()),
            run::Delivery::Redirect(address) => Delivery::Redirect(qualified(address)),
        };
        run.deliveries.iter().map(moved).collect()
    }

    fn folder(&self, path: &str, format: Format) -> String {
        let known = self.report.folders.iter();
        let known = known.filter(|mailbox| mailbox.path == path);
        // One with another mark is another mailbox, but not to the judge.
        match known.max_by_key(|mailbox| mailbox.format == format) {
            Some(mailbox) => mailbox.folder.clone(),
            None => self.naming.folder(path, format).0.to_string(),
        }
    }

    /// The codes of the `adapted` and `manual` findings about statements that
    /// a message came by.
    pub fn announced(&self, run: &run::Outcome) -> BTreeSet<String> {
        let findings = self
            .report
            .entries
            .iter()
            .flat_map(|entry| &entry.findings)
            .filter(|finding| matches!(finding.verdict, Verdict::Adapted | Verdict::Manual));
        findings
            .filter(|finding| run.reached.contains(&finding.at))
            .map(|finding| finding.code.as_str().to_owned())
            .collect()
    }
}

/// What the interpreter does with a message that nothing came before.
pub fn run(runner: &Runner<'_>, message: &Message) -> run::Outcome {
    let text = message.with_from_line();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let mail = Mail {
        text: &text,
        sender: &message.sender,
        recipient: &format!("{USER}@{DOMAIN}"),
        received: i64::try_from(now.as_secs()).unwrap(),
    };
    runner.run(&mail, &mut Memory::default())
}

/// The interpreter's outcome in the words of the judges.
pub fn places(outcome: &run::Outcome) -> Outcome {
    outcome.deliveries.iter().map(place).collect()
}

fn place(delivery: &run::Delivery) -> Delivery {
    match delivery {
        run::Delivery::Mailbox { path, format } => {
            // The others are links to it in a cell.
            let path = ["/var/spool/mail/", "/usr/spool/mail/", "/usr/mail/"]
                .iter()
                .fold(path.clone(), |path, spool| {
                    path.replace(spool, "/var/mail/")
                });
            // The judge takes a directory of this name for a maildir's.
            let maildir = match format {
                Format::Directory => path.strip_suffix("/new"),
                _ => None,
            };
            Delivery::Mailbox(maildir.unwrap_or(&path).to_string())
        }
        run::Delivery::Folder(name) => Delivery::Mailbox(name.clone()),
        run::Delivery::Redirect(address) => Delivery::Redirect(address.clone()),
    }
}

/// An address in the form in which two of them can be compared.
pub fn qualified(address: &str) -> String {
    let address = address.trim_matches(['<', '>', '"']);
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => format!("{}@{DOMAIN}", address.trim_start_matches('\\')),
    }
}
