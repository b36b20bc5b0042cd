//! In: homes and messages. Out: whether the project's own interpreter of the
//! rule model does with each what procmail does.

use super::forward::Old;
use super::messages::{self, Message};
use super::procmail::Procmail;
use super::rules::{self, Rules};
use super::{Files, Outcome};
use serde::Serialize;
use sievify::rules::run::Runner;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A pair that the interpreter and procmail do not agree on.
#[derive(Debug, Clone, Serialize)]
pub struct Disagreement {
    /// The home.
    pub home: String,
    /// Which message, where it came from.
    pub origin: String,
    /// Its text.
    pub message: String,
    /// What procmail did, and its exit status.
    pub procmail: (Vec<String>, i32),
    /// What the interpreter did.
    pub interpreter: (Vec<String>, i32),
    /// The programs that procmail ran.
    pub programs: Vec<String>,
    /// What procmail said.
    pub log: String,
}

/// The sums of a run.
#[derive(Debug, Clone, Default)]
pub struct Agreement {
    /// Pairs of a home and a message.
    pub pairs: usize,
    /// Pairs that procmail did not finish in time.
    pub unfinished: usize,
    /// Pairs that depend on a program that is not played as it is, or on an
    /// accident.
    pub unknown: usize,
    /// Those of them that are the same all the same.
    pub unknown_same: usize,
    /// Other pairs that are the same.
    pub same: usize,
    /// Other pairs that are not.
    pub different: Vec<Disagreement>,
}

impl Agreement {
    /// Adds the sums of another run.
    pub fn add(&mut self, other: Agreement) {
        self.pairs += other.pairs;
        self.unfinished += other.unfinished;
        self.unknown += other.unknown;
        self.unknown_same += other.unknown_same;
        self.same += other.same;
        self.different.extend(other.different);
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.same + self.different.len();
        let share = 100.0 * self.same as f64 / known.max(1) as f64;
        writeln!(f, "pairs            {}", self.pairs)?;
        writeln!(f, "  unfinished     {}", self.unfinished)?;
        writeln!(
            f,
            "  other programs {}, same {}",
            self.unknown, self.unknown_same
        )?;
        writeln!(
            f,
            "  known          {known}, same {} ({share:.3} %)",
            self.same
        )?;
        let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
        for found in &self.different {
            *homes.entry(&found.home).or_default() += 1;
        }
        for (home, count) in homes {
            writeln!(f, "different: {count:6} {home}")?;
        }
        Ok(())
    }
}

/// A home, and messages for it.
pub struct Case {
    name: String,
    rules: Rules,
    home: Old,
    messages: Vec<Message>,
}

impl Case {
    /// `count` messages made for the rules of a home, and `ordinary` others.
    pub fn new(name: &str, files: Files, count: usize, ordinary: usize) -> Self {
        let seed = name
            .bytes()
            .fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut messages = messages::from_rules(&files, count, seed);
        messages.extend(messages::ordinary().into_iter().take(ordinary));
        Case {
            name: name.to_string(),
            rules: Rules::of(&files),
            home: Old::of(files),
            messages,
        }
    }
}

/// Most workers wait while procmail sleeps.
const WORKERS: usize = 32;

/// Asks both about every message of every case, until time is up.
pub fn compare(procmail: &Procmail, cases: &[Case], limit: Duration) -> Agreement {
    let started = Instant::now();
    let runners: Vec<Runner> = cases.iter().map(|case| case.rules.runner()).collect();
    // Round by round over the homes, so that a limit cuts evenly.
    let longest = cases.iter().map(|case| case.messages.len()).max();
    let pairs: Vec<(&Case, &Runner, &Message)> = (0..longest.unwrap_or(0))
        .flat_map(|at| {
            let with_runners = cases.iter().zip(&runners);
            with_runners
                .filter_map(move |(case, runner)| Some((case, runner, case.messages.get(at)?)))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let sums = Mutex::new(Agreement::default());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(pairs.len()) {
            scope.spawn(|| {
                while let Some((case, runner, message)) =
                    pairs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    if started.elapsed() > limit {
                        break;
                    }
                    let found = pair(procmail, case, runner, message);
                    sums.lock().unwrap().add(found);
                }
            });
        }
    });
    sums.into_inner().unwrap()
}

fn pair(procmail: &Procmail, case: &Case, runner: &Runner, message: &Message) -> Agreement {
    let mut sums = Agreement {
        pairs: 1,
        ..Agreement::default()
    };
    let run = match &case.home {
        Old::Procmail(home, beside) => {
            let mut run = procmail.run(home, &message.with_from_line()).unwrap();
            run.outcome.extend(beside.iter().cloned());
            run
        }
        Old::Forward(run) => run.clone(),
    };
    let Some(status) = run.status else {
        sums.unfinished = 1;
        return sums;
    };
    let outcome = rules::run(runner, message);
    let found = rules::places(&outcome);
    let same = found == run.outcome && outcome.status == status;
    let by_accident = case.rules.by_accident(&outcome);
    if !run.is_known() || !outcome.unknown.is_empty() || by_accident {
        sums.unknown = 1;
        sums.unknown_same = usize::from(same);
    } else if same {
        sums.same = 1;
    } else {
        sums.different.push(Disagreement {
            home: case.name.clone(),
            origin: message.origin.clone(),
            message: message.content.iter().map(|&byte| byte as char).collect(),
            procmail: (words(&run.outcome), status),
            interpreter: (words(&found), outcome.status),
            programs: run
                .calls
                .iter()
                .map(|call| format!("{} {}", call.program, call.arguments.join(" ")))
                .collect(),
            log: run.log,
        });
    }
    sums
}

fn words(outcome: &Outcome) -> Vec<String> {
    outcome
        .iter()
        .map(|delivery| format!("{delivery:?}"))
        .collect()
}
