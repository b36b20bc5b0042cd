//! In: homes and messages. Out: what procmail and the Sieve engines made of
//! each pair, and where they differ.

use super::messages::{self, Message};
use super::pigeonhole::{Compiled, Pigeonhole};
use super::procmail::{Prepared, Procmail, Run};
use super::stalwart::SieveRs;
use super::{DOMAIN, Delivery, Files, HOME, Outcome, USER};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A home under test, translated.
pub struct Case {
    /// Its name in the report.
    pub name: String,
    home: Old,
    messages: Vec<Message>,
    translation: Translation,
    pigeonhole: Option<Result<Compiled, String>>,
    sieve_rs: Result<std::sync::Arc<sieve::Sieve>, String>,
}

/// How the old machine is asked about a home.
enum Old {
    /// procmail runs for each message.
    Procmail(Prepared),
    /// A `.forward` does the same with every message.
    Forward(Run),
}

/// What `sievify translate --format json` says.
#[derive(Debug, Clone, Default)]
pub struct Translation {
    script: String,
    entries: Vec<Entry>,
    folders: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Entry {
    file: String,
    source: String,
    verdict: String,
    code: String,
}

impl Entry {
    /// Its conditions that procmail's log shows as they are written here.
    fn conditions(&self) -> Vec<String> {
        let joined = self.source.replace("\\\n", "");
        joined
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix('*'))
            .map(|condition| condition.trim().to_string())
            .filter(|condition| !condition.starts_with('$') && !condition.contains("$ "))
            .filter(|condition| !condition.contains("^TO") && !condition.contains("^FROM_"))
            .collect()
    }
}

impl Translation {
    /// Runs the command on a home, for the server of a profile or file.
    pub fn of(home: &Path, target: &str) -> Result<Self, String> {
        let output = Command::new(env!("CARGO_BIN_EXE_sievify"))
            .args([
                "translate",
                "--format",
                "json",
                "--user",
                USER,
                "--domain",
                DOMAIN,
            ])
            .args(["--home-path", HOME, "--target", target])
            .arg(home)
            .output()
            .map_err(|error| error.to_string())?;
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).map_err(|error| {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                format!("{error}: {:?}: {said}", output.status)
            })?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
        let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
        Ok(Translation {
            script: text(&report["script"]),
            entries: list("entries")
                .iter()
                .map(|entry| Entry {
                    file: text(&entry["file"]),
                    source: text(&entry["source"]),
                    verdict: text(&entry["verdict"]),
                    code: text(&entry["code"]),
                })
                .collect(),
            folders: list("folders")
                .iter()
                .map(|folder| (absolute(&text(&folder["path"])), text(&folder["folder"])))
                .collect(),
        })
    }

    /// procmail's outcome in the words of Sieve.
    fn in_sieve(&self, outcome: &Outcome) -> Outcome {
        outcome
            .iter()
            .map(|delivery| match delivery {
                Delivery::Mailbox(path) => Delivery::Mailbox(self.folder(path)),
                Delivery::Redirect(address) => Delivery::Redirect(qualified(address)),
                Delivery::Reject => Delivery::Reject,
            })
            .collect()
    }

    /// The folder of a mailbox; one that only a message names has no entry in
    /// the list, and is named after its neighbours.
    fn folder(&self, path: &str) -> String {
        if let Some(folder) = self.folders.get(path) {
            return folder.clone();
        }
        if path == format!("/var/mail/{USER}") {
            return "INBOX".to_string();
        }
        let spool = path.replacen("/var/mail/", "/var/spool/mail/", 1);
        if let Some(folder) = self.folders.get(&spool) {
            return folder.clone();
        }
        let mut name = path
            .strip_prefix(HOME)
            .unwrap_or(path)
            .trim_start_matches('/');
        for prefix in ["Mail/", "mail/", "Maildir/"] {
            name = name.strip_prefix(prefix).unwrap_or(name);
        }
        match name.strip_prefix('.') {
            // Maildir++.
            Some(name) => name.replace('.', "/"),
            None => name.to_string(),
        }
    }

    /// The codes of the `adapted` and `manual` entries whose statements a
    /// message reached, by procmail's own log. It names conditions; a
    /// statement without any was reached where the one before it was.
    fn announced(&self, log: &str) -> BTreeSet<String> {
        let tested: Vec<&str> = log
            .lines()
            .filter(|line| line.starts_with("procmail: "))
            .filter_map(|line| line.split_once('"')?.1.rsplit_once('"'))
            .map(|(text, _)| text)
            .collect();
        let mut codes = BTreeSet::new();
        let mut reached: BTreeMap<&str, bool> = BTreeMap::new();
        for entry in &self.entries {
            let conditions = entry.conditions();
            let reached = reached.entry(&entry.file).or_insert(true);
            if !conditions.is_empty() {
                *reached = conditions.iter().any(|condition| {
                    tested
                        .iter()
                        .any(|text| !text.is_empty() && condition.ends_with(text))
                });
            }
            let different = entry.verdict == "adapted" || entry.verdict == "manual";
            if *reached && different {
                codes.insert(entry.code.clone());
            }
        }
        codes
    }
}

fn absolute(path: &str) -> String {
    let path = path.trim_end_matches('.').trim_end_matches('/');
    match path.strip_prefix("~/") {
        Some(rest) => format!("{HOME}/{rest}"),
        None if path.starts_with('/') => path.to_string(),
        None => format!("{HOME}/{path}"),
    }
}

fn qualified(address: &str) -> String {
    let address = address.trim_matches(['<', '>', '"']);
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => format!("{}@{DOMAIN}", address.trim_start_matches('\\')),
    }
}

fn normal(outcome: Outcome) -> Outcome {
    outcome
        .into_iter()
        .map(|delivery| match delivery {
            Delivery::Redirect(address) => Delivery::Redirect(qualified(&address)),
            delivery => delivery,
        })
        .collect()
}

/// A pair whose outcomes differ.
#[derive(Debug, Clone, Serialize)]
pub struct Divergence {
    /// The home.
    pub home: String,
    /// Which message, where it came from.
    pub origin: String,
    /// Its envelope sender.
    pub sender: String,
    /// Its text.
    pub message: String,
    /// What procmail did.
    pub procmail: Vec<String>,
    /// The programs that procmail ran.
    pub programs: Vec<String>,
    /// What each engine that differs did.
    pub sieve: BTreeMap<String, Vec<String>>,
    /// The codes that announce it; where none, it is silent.
    pub codes: BTreeSet<String>,
    /// Kept by procmail, and gone or only forwarded in Sieve.
    pub lost: bool,
    /// procmail ran no program but spam filters and sendmail.
    pub plain: bool,
}

/// The sums of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Homes that were asked.
    pub homes: usize,
    /// Homes whose script did not compile or could not be had, with why.
    pub broken: BTreeMap<String, String>,
    /// Pairs of a home and a message.
    pub pairs: usize,
    /// Pairs that all judges agree on.
    pub same: usize,
    /// Pairs that procmail did not finish in time.
    pub unfinished: usize,
    /// Pairs where procmail ran no program but spam filters and sendmail.
    pub plain: usize,
    /// Those of them that are the same.
    pub plain_same: usize,
    /// The pairs that differ.
    #[serde(skip)]
    pub divergences: Vec<Divergence>,
}

impl Report {
    /// Adds the sums of another run.
    pub fn add(&mut self, other: Report) {
        self.homes += other.homes;
        self.pairs += other.pairs;
        self.same += other.same;
        self.unfinished += other.unfinished;
        self.plain += other.plain;
        self.plain_same += other.plain_same;
        self.broken.extend(other.broken);
        self.divergences.extend(other.divergences);
    }

    /// Divergences that no entry announces.
    pub fn silent(&self) -> impl Iterator<Item = &Divergence> {
        self.divergences
            .iter()
            .filter(|found| found.codes.is_empty())
    }

    /// Messages that procmail kept and Sieve does not.
    pub fn lost(&self) -> impl Iterator<Item = &Divergence> {
        self.divergences.iter().filter(|found| found.lost)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        let silent = self.silent().count();
        writeln!(f, "homes            {}", self.homes)?;
        writeln!(f, "pairs            {}", self.pairs)?;
        writeln!(
            f,
            "  same           {} ({:.2} %)",
            self.same,
            share(self.same, self.pairs)
        )?;
        writeln!(f, "  announced      {}", self.divergences.len() - silent)?;
        writeln!(f, "  silent         {silent}")?;
        writeln!(f, "  lost           {}", self.lost().count())?;
        writeln!(f, "  unfinished     {}", self.unfinished)?;
        writeln!(
            f,
            "without programs {}, same {} ({:.2} %)",
            self.plain,
            self.plain_same,
            share(self.plain_same, self.plain)
        )?;
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for code in self.divergences.iter().flat_map(|found| &found.codes) {
            *codes.entry(code).or_default() += 1;
        }
        writeln!(f, "announced by code")?;
        for (code, count) in codes {
            writeln!(f, "  {count:6} {code}")?;
        }
        for (home, why) in &self.broken {
            writeln!(f, "broken: {home}: {}", why.trim())?;
        }
        Ok(())
    }
}

/// As `dovecot`, for an engine that reads expressions as Perl does.
const PERL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/sieve-rs.toml");

/// Most of them wait while procmail sleeps.
const WORKERS: usize = 48;

/// All the judges.
pub struct Judges {
    procmail: Procmail,
    pigeonhole: Option<Pigeonhole>,
    sieve_rs: SieveRs,
}

impl Judges {
    /// Says loudly what is missing; nothing without procmail.
    pub fn new() -> Option<Self> {
        let procmail = Procmail::new()
            .inspect_err(|error| super::missing(&format!("procmail: {error}")))
            .ok()?;
        let pigeonhole = Pigeonhole::new("")
            .inspect_err(|error| super::missing(&format!("Pigeonhole: {error}")))
            .ok();
        Some(Judges {
            procmail,
            pigeonhole,
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
        self.case_with(name, directory, files, messages)
    }

    /// A home of nothing but a `.procmailrc`, with `count` messages for it.
    pub fn rules(&self, rules: &str, count: usize) -> Result<Case, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let files = Files::procmailrc(rules);
        files
            .write(directory.path())
            .map_err(|error| error.to_string())?;
        let mut messages = messages::from_rules(&files, count, 1);
        messages.extend(messages::ordinary().into_iter().take(2));
        self.case_with("random", directory.path(), files, messages)
    }

    fn case_with(
        &self,
        name: &str,
        directory: &Path,
        files: Files,
        messages: Vec<Message>,
    ) -> Result<Case, String> {
        let translation = Translation::of(directory, "dovecot")?;
        let perl = Translation::of(directory, PERL)?;
        let forward = files
            .0
            .get(".forward")
            .map(|bytes| String::from_utf8_lossy(bytes));
        let home = match forward.and_then(|text| super::forward::deliver(&text)) {
            Some(run) => Old::Forward(run),
            None => Old::Procmail(Prepared::new(files)),
        };
        let pigeonhole = self
            .pigeonhole
            .as_ref()
            .map(|pigeonhole| pigeonhole.compile(&translation.script));
        let sieve_rs = self.sieve_rs.compile(&perl.script);
        Ok(Case {
            name: name.to_string(),
            home,
            messages,
            translation,
            pigeonhole,
            sieve_rs,
        })
    }

    /// Asks all judges about every message of every case, until time is up.
    pub fn run(&self, cases: &[Case], limit: Duration) -> Report {
        let started = Instant::now();
        // Round by round over the homes, so that a limit cuts evenly.
        let longest = cases
            .iter()
            .map(|case| case.messages.len())
            .max()
            .unwrap_or(0);
        let pairs: Vec<(&Case, &Message)> = (0..longest)
            .flat_map(|at| {
                cases
                    .iter()
                    .filter_map(move |case| Some((case, case.messages.get(at)?)))
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
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some((case, message)) =
                        pairs.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        if started.elapsed() > limit {
                            break;
                        }
                        self.pair(case, message, &report);
                    }
                });
            }
        });
        report.into_inner().unwrap()
    }

    fn pair(&self, case: &Case, message: &Message, report: &Mutex<Report>) {
        let run = match &case.home {
            Old::Procmail(home) => self.procmail.run(home, &message.with_from_line()),
            Old::Forward(run) => Ok(run.clone()),
        };
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                let mut report = report.lock().unwrap();
                report.broken.insert(case.name.clone(), error.to_string());
                return;
            }
        };
        if run.status.is_none() {
            report.lock().unwrap().unfinished += 1;
            return;
        }
        let sieve = self.sieve(case, message);
        let plain = run.plain();
        let divergence = judge(case, message, &run, sieve);
        let mut report = report.lock().unwrap();
        report.pairs += 1;
        report.plain += usize::from(plain);
        match divergence {
            None => {
                report.same += 1;
                report.plain_same += usize::from(plain);
            }
            Some(divergence) => report.divergences.push(divergence),
        }
    }

    /// What each engine does with a message.
    fn sieve(
        &self,
        case: &Case,
        message: &Message,
    ) -> Vec<(&'static str, Result<Outcome, String>)> {
        let mut outcomes = Vec::new();
        if let Ok(script) = &case.sieve_rs {
            let outcome = self.sieve_rs.run(script, &message.sender, &message.content);
            outcomes.push(("sieve-rs", outcome));
        }
        if let (Some(pigeonhole), Some(Ok(script))) = (&self.pigeonhole, &case.pigeonhole) {
            let outcome = pigeonhole.run(script, &message.sender, &message.content);
            outcomes.push(("Pigeonhole", outcome));
        }
        outcomes
    }
}

fn judge(
    case: &Case,
    message: &Message,
    run: &Run,
    sieve: Vec<(&'static str, Result<Outcome, String>)>,
) -> Option<Divergence> {
    let mut expected = case.translation.in_sieve(&run.outcome);
    if expected.is_empty() && run.status == Some(67) {
        expected.insert(Delivery::Reject);
    }
    let mut differing = BTreeMap::new();
    let mut lost = false;
    for (engine, outcome) in sieve {
        match outcome.map(normal) {
            Ok(outcome) if outcome == expected => {}
            Ok(outcome) => {
                let kept = |outcome: &Outcome| {
                    outcome
                        .iter()
                        .any(|delivery| matches!(delivery, Delivery::Mailbox(_)))
                };
                lost |= kept(&expected) && !kept(&outcome)
                    || !expected.is_empty() && outcome.is_empty();
                differing.insert(engine.to_string(), words(&outcome));
            }
            Err(error) => {
                differing.insert(engine.to_string(), vec![format!("error: {error}")]);
            }
        }
    }
    if differing.is_empty() {
        return None;
    }
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
        codes: case.translation.announced(&run.log),
        lost,
        plain: run.plain(),
    })
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
            match super::forward::deliver(&forward) {
                Some(_) if !forward.is_empty() => true,
                _ => {
                    let lines = forward.lines().map(str::trim);
                    let names_nobody =
                        { lines }.all(|line| line.is_empty() || line.starts_with('#'));
                    path.join(".procmailrc").is_file()
                        && (names_nobody || forward.contains("procmail"))
                }
            }
        })
        .collect();
    homes.sort();
    homes
}
