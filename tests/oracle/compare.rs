//! In: homes and messages. Out: what procmail, the interpreter of the rule model
//! and the Sieve engines made of each pair, and where they differ.

mod report;

pub use report::{Divergence, Report};

use super::forward::Old;
use super::messages::{self, Message};
use super::pigeonhole::{Compiled, Pigeonhole};
use super::procmail::{Procmail, Run};
use super::rules::{self, Rules, Translated};
use super::stalwart::SieveRs;
use super::{Delivery, Files, Outcome};
use sievify::replay::Letter;
use sievify::rules::run::{self, Runner};
use sievify::sieve::target::{Extension, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A home under test, translated for each engine.
pub struct Case {
    /// Its name in the report.
    pub name: String,
    home: Old,
    messages: Vec<Message>,
    rules: Rules,
    dovecot: Translated,
    perl: Translated,
    server: Server,
    pigeonhole: Option<Result<Compiled, String>>,
    sieve_rs: Result<Arc<sieve::Sieve>, String>,
}

/// The server that homes move to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// An unconfigured one.
    Usual,
    /// One whose scripts may change headers.
    EditsHeaders,
}

impl Server {
    fn offered(self, mut target: Target) -> Target {
        if self == Server::EditsHeaders {
            target.extensions.insert(Extension::EditHeader);
        }
        target
    }
}

impl Case {
    /// Its script.
    pub fn script(&self) -> &str {
        &self.dovecot.report.script
    }
}

/// A home with its rules ready to be run, and a message for it.
type Pair<'c> = (&'c Case, &'c Runner<'c>, &'c Message);

/// Most of them wait while procmail sleeps.
const WORKERS: usize = 48;

/// All the judges.
pub struct Judges {
    procmail: Procmail,
    pigeonhole: Option<Pigeonhole>,
    editing: Option<Pigeonhole>,
    sieve_rs: SieveRs,
}

impl Judges {
    /// Says loudly what is missing; nothing without procmail.
    pub fn new() -> Option<Self> {
        let procmail = Procmail::new()
            .inspect_err(|error| super::missing(&format!("procmail: {error}")))
            .ok()?;
        let pigeonhole = |extensions| {
            Pigeonhole::new(extensions)
                .inspect_err(|error| super::missing(&format!("Pigeonhole: {error}")))
                .ok()
        };
        Some(Judges {
            procmail,
            pigeonhole: pigeonhole(""),
            editing: pigeonhole("+editheader"),
            sieve_rs: SieveRs::default(),
        })
    }

    /// Translates a home. The messages are `count` made for its rules and
    /// `ordinary` of the fixed ones.
    pub fn case(
        &self,
        name: &str,
        directory: &Path,
        count: usize,
        ordinary: usize,
    ) -> Result<Case, String> {
        let files = Files::read(directory).map_err(|error| error.to_string())?;
        let seed = name
            .bytes()
            .fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut messages = messages::from_rules(&files, count, seed);
        messages.extend(messages::ordinary().into_iter().take(ordinary));
        self.case_with(name, files, messages, Server::Usual)
    }

    /// A home that is on no disk.
    pub fn case_with(
        &self,
        name: &str,
        files: Files,
        messages: Vec<Message>,
        server: Server,
    ) -> Result<Case, String> {
        let rules = Rules::of(&files);
        let target = Target::profile("dovecot").map_err(|error| error.to_string())?;
        let dovecot = rules.translate(&server.offered(target))?;
        // The same, for an engine that reads expressions as Perl does.
        let target = Target::from_toml(include_str!("sieve-rs.toml"), "sieve-rs.toml");
        let target = target.map_err(|error| error.to_string())?;
        let perl = rules.translate(&server.offered(target))?;
        let home = Old::of(files);
        let pigeonhole = self
            .pigeonhole(server)
            .map(|pigeonhole| pigeonhole.compile(&dovecot.report.script));
        let sieve_rs = self.sieve_rs.compile(&perl.report.script);
        Ok(Case {
            name: name.to_string(),
            home,
            messages,
            rules,
            dovecot,
            perl,
            server,
            pigeonhole,
            sieve_rs,
        })
    }

    fn pigeonhole(&self, server: Server) -> Option<&Pigeonhole> {
        match server {
            Server::Usual => self.pigeonhole.as_ref(),
            Server::EditsHeaders => self.editing.as_ref(),
        }
    }

    /// Asks all judges about every message of every case, until time is up.
    pub fn run(&self, cases: &[Case], limit: Duration) -> Report {
        let started = Instant::now();
        let runners: Vec<Runner> = cases.iter().map(|case| case.rules.runner()).collect();
        // Round by round over the homes, so that a limit cuts evenly.
        let longest = cases
            .iter()
            .map(|case| case.messages.len())
            .max()
            .unwrap_or(0);
        let pairs: Vec<Pair> = (0..longest)
            .flat_map(|at| {
                let with_runners = cases.iter().zip(&runners);
                with_runners
                    .filter_map(move |(case, runner)| Some((case, runner, case.messages.get(at)?)))
            })
            .collect();
        let next = AtomicUsize::new(0);
        let report = Mutex::new(Report {
            homes: cases.len(),
            ..Report::default()
        });
        for case in cases {
            let errors = [
                case.pigeonhole
                    .as_ref()
                    .and_then(|script| script.as_ref().err()),
                case.sieve_rs.as_ref().err(),
            ];
            for error in errors.into_iter().flatten() {
                let mut report = report.lock().unwrap();
                report.broken.insert(case.name.clone(), error.clone());
            }
        }
        std::thread::scope(|scope| {
            for _ in 0..WORKERS.min(pairs.len()) {
                scope.spawn(|| {
                    while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if started.elapsed() > limit {
                            break;
                        }
                        self.pair(*pair, &report);
                    }
                });
            }
        });
        report.into_inner().unwrap()
    }

    fn pair(&self, (case, runner, message): Pair, report: &Mutex<Report>) {
        let old = match self.old(case, runner, message) {
            Ok(old) => old,
            Err(error) => {
                let mut report = report.lock().unwrap();
                report.broken.insert(case.name.clone(), error.to_string());
                return;
            }
        };
        if old.run.status.is_none() {
            report.lock().unwrap().unfinished += 1;
            return;
        }
        let ends = self.sieve(case, message);
        let mut divergence = old.judged(case, message, &ends);
        if let Some(found) = &mut divergence
            && (found.codes.is_empty() || found.lost)
        {
            // Engines can read a message in two ways, and one of them as procmail.
            let expected = old.expected(case);
            let mut differing = ends;
            differing.retain(|(_, _, outcome)| outcome.as_ref() != Ok(&expected));
            self.reread((case, runner, message), &differing, found);
            if found.lost || found.codes.is_empty() && !found.everywhere {
                // Pigeonhole keeps the blank before a value on the next line.
                let pulled = with_values_beside_their_names(message);
                let ends = self.sieve(case, &pulled);
                match old.judged(case, message, &ends) {
                    None => (found.everywhere, found.lost) = (true, false),
                    Some(_) => self.reread((case, runner, &pulled), &ends, found),
                }
            }
        }
        let mut report = report.lock().unwrap();
        report.add_pair(old.run.plain(), message.is_real(), divergence);
    }

    /// Had procmail read the message as every Sieve server does, it would have
    /// done what Sieve does, or an entry says why not.
    fn reread(&self, (case, runner, message): Pair, ends: &[End], found: &mut Divergence) {
        for form in as_servers_read(message) {
            let Ok(old) = self.old(case, runner, &form) else {
                continue;
            };
            match old.judged(case, message, ends) {
                None => found.everywhere = true,
                Some(again) if !again.codes.is_empty() && !again.lost => found.codes = again.codes,
                Some(_) => continue,
            }
            found.lost = false;
            break;
        }
    }

    /// What became of a message on the old machine.
    fn old(&self, case: &Case, runner: &Runner, message: &Message) -> io::Result<OldEnd> {
        let interpreted = rules::run(runner, message);
        let run = match &case.home {
            Old::Procmail(home, beside) => {
                home.expect(case.rules.files(&interpreted));
                let mut run = self.procmail.run(home, &message.with_from_line())?;
                run.outcome.extend(beside.iter().cloned());
                run
            }
            Old::Forward(run) => run.clone(),
        };
        Ok(OldEnd { run, interpreted })
    }

    /// What each engine does with a message, and by which script.
    fn sieve<'c>(&self, case: &'c Case, message: &Message) -> Vec<End<'c>> {
        let mut ends = Vec::new();
        if let Ok(script) = &case.sieve_rs {
            let outcome = self.sieve_rs.run(script, &message.sender, &message.content);
            ends.push(("sieve-rs", &case.perl, outcome.map(normal)));
        }
        let pigeonhole = self.pigeonhole(case.server);
        if let (Some(pigeonhole), Some(Ok(script))) = (pigeonhole, &case.pigeonhole) {
            let outcome = pigeonhole.run(script, &message.sender, &message.content);
            ends.push(("Pigeonhole", &case.dovecot, outcome.map(normal)));
        }
        ends
    }
}

/// An engine, its script, and what became of a message there.
type End<'c> = (&'static str, &'c Translated, Result<Outcome, String>);

/// Whether a mailer returns the mail for a status that rules have set: not for
/// EX_TEMPFAIL, nor for the EX_CANTCREAT with which procmail itself gives up.
fn refuses(status: i32) -> bool {
    !matches!(status, 0 | 73 | 75)
}

/// What became of a message on the old machine.
struct OldEnd {
    run: Run,
    interpreted: run::Outcome,
}

impl OldEnd {
    /// Where the message is to end in Sieve.
    fn expected(&self, case: &Case) -> Outcome {
        let (run, interpreted) = (&self.run, &self.interpreted);
        // What the cell cannot run, the interpreter may know.
        if !run.is_known() && interpreted.unknown.is_empty() {
            let mut expected = case.dovecot.interpreted(interpreted);
            if expected.is_empty() && refuses(interpreted.status) {
                expected.insert(Delivery::Reject);
            }
            return expected;
        }
        let mut expected = case.dovecot.in_sieve(&run.outcome, interpreted);
        if expected.is_empty() && run.status.is_some_and(refuses) {
            expected.insert(Delivery::Reject);
        }
        expected
    }

    /// Whether the interpreter did what procmail did, where both can know.
    fn is_interpreted(&self, case: &Case) -> bool {
        let (run, interpreted) = (&self.run, &self.interpreted);
        let by_accident = case.rules.by_accident(interpreted);
        let comparable = run.is_known() && interpreted.unknown.is_empty() && !by_accident;
        let same =
            rules::places(interpreted) == run.outcome && run.status == Some(interpreted.status);
        same || !comparable
    }

    fn judged(&self, case: &Case, message: &Message, ends: &[End]) -> Option<Divergence> {
        let expected = self.expected(case);
        let is_kept = |outcome: &Outcome| {
            let mut deliveries = outcome.iter();
            deliveries.any(|delivery| matches!(delivery, Delivery::Mailbox(_)))
        };
        let mut differing = BTreeMap::new();
        let mut announced = Vec::new();
        let mut lost = false;
        for (engine, translated, outcome) in ends {
            let said = match outcome {
                Ok(outcome) if *outcome == expected => continue,
                Ok(outcome) => {
                    lost |= is_kept(&expected) && !is_kept(outcome)
                        || !expected.is_empty() && outcome.is_empty();
                    words(outcome)
                }
                Err(error) => vec![format!("error: {error}")],
            };
            differing.insert(engine.to_string(), said);
            announced.push(translated.announced(&self.interpreted));
        }
        if !self.is_interpreted(case) {
            let did = words(&case.dovecot.interpreted(&self.interpreted));
            differing.insert("interpreter".to_string(), did);
            // Nothing announces a mistake.
            announced.push(BTreeSet::new());
        }
        if differing.is_empty() {
            return None;
        }
        let codes = match announced.iter().any(BTreeSet::is_empty) {
            true => BTreeSet::new(),
            false => announced.into_iter().flatten().collect(),
        };
        let run = &self.run;
        Some(Divergence {
            home: case.name.clone(),
            origin: message.origin.clone(),
            sender: message.sender.clone(),
            message: message.content.iter().map(|&byte| byte as char).collect(),
            procmail: words(&expected),
            programs: run
                .calls
                .iter()
                .map(|call| format!("{} {}", call.program, call.arguments.join(" ")))
                .collect(),
            sieve: differing,
            codes,
            everywhere: false,
            lost,
            plain: run.plain(),
        })
    }
}

/// A message as servers read it (`docs/differences.md`): with another header;
/// with that header in another encoding; without the length of the line above it.
fn as_servers_read(message: &Message) -> Vec<Message> {
    let read = Letter::new(message.content.clone(), None).as_sieve_reads_it();
    let line = message.with_from_line().len() - message.content.len();
    let shorter = message.content.len().saturating_sub(line);
    let utf_8: String = read.iter().map(|&byte| byte as char).collect();
    let contents = [
        Some(read.clone()),
        std::str::from_utf8(&read).ok().and_then(latin_1),
        Some(utf_8.into_bytes()),
        message.content.get(..shorter).map(<[u8]>::to_vec),
    ];
    let forms = contents.into_iter().flatten().map(|content| Message {
        content,
        ..message.clone()
    });
    forms.flat_map(|form| messages::alike(&form)).collect()
}

/// A message with values beside their names that begin on the next line.
fn with_values_beside_their_names(message: &Message) -> Message {
    let content = &message.content;
    let end = content.windows(2).position(|two| two == b"\n\n");
    let (header, body) = content.split_at(end.unwrap_or(content.len()));
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in header.split(|&byte| byte == b'\n') {
        match lines.last_mut() {
            Some(name)
                if matches!(line.first(), Some(b' ' | b'\t'))
                    && name.trim_ascii_end().ends_with(b":") =>
            {
                let value = [b" ", line.trim_ascii_start()].concat();
                name.truncate(name.trim_ascii_end().len());
                name.extend(value);
            }
            _ => lines.push(line.to_vec()),
        }
    }
    Message {
        content: [lines.join(&b'\n').as_slice(), body].concat(),
        ..message.clone()
    }
}

fn latin_1(text: &str) -> Option<Vec<u8>> {
    let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
    bytes.collect::<Result<_, _>>().ok()
}

fn normal(outcome: Outcome) -> Outcome {
    outcome
        .into_iter()
        .map(|delivery| match delivery {
            Delivery::Redirect(address) => Delivery::Redirect(rules::qualified(&address)),
            delivery => delivery,
        })
        .collect()
}

fn words(outcome: &Outcome) -> Vec<String> {
    outcome
        .iter()
        .map(|delivery| match delivery {
            Delivery::Mailbox(folder) => format!("folder {folder}"),
            Delivery::Redirect(address) => format!("redirect {address}"),
            Delivery::Reject => "reject".to_string(),
        })
        .collect()
}

/// The homes below a directory: each folder, or the `home` in it, whose rules
/// the judges can be asked about.
pub fn homes(root: &Path) -> Vec<(String, PathBuf)> {
    let mut homes: Vec<_> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let inner = path.join("home");
            (name, if inner.is_dir() { inner } else { path })
        })
        .filter(|(_, path)| {
            let forward = std::fs::read(path.join(".forward")).unwrap_or_default();
            let forward = String::from_utf8_lossy(&forward);
            let has_rules = path.join(".procmailrc").is_file();
            match super::forward::deliver(&forward, has_rules) {
                Some(_) if !forward.is_empty() => true,
                _ => {
                    let lines = forward.lines().map(str::trim);
                    let names_nobody =
                        { lines }.all(|line| line.is_empty() || line.starts_with('#'));
                    has_rules && (names_nobody || super::forward::calls_procmail_once(&forward))
                }
            }
        })
        .collect();
    homes.sort();
    homes
}
