//! In: a number of pairs and a seed. Out: what the judges made of them, and
//! the smallest home and message for each difference that is silent or loses
//! mail; one of the interpreter's is silent.

use super::Home;
use super::shrink::{smaller_homes, smaller_messages};
use crate::oracle::compare::{Case, Judges, Report, Server};
use crate::oracle::messages::{self, Message};
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Messages for each home: made for its rules, and ordinary ones.
const MESSAGES: usize = 13;
const ORDINARY: usize = 3;
/// Every so many homes, one moves to a server whose scripts change headers.
const EDITED: usize = 3;
/// Homes whose messages are on their way at a time.
const ROUND: usize = 60;
/// Findings that are made small.
const SHRUNK: usize = 24;
/// A home that is not small by then stays as it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// What must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A difference that no entry announces.
    Silent,
    /// A message that procmail kept is gone.
    Lost,
    /// The script does not compile, or a judge failed.
    Broken,
}

/// A home and a message that show a fault, made small.
pub struct Finding {
    fault: Fault,
    home: Home,
    server: Server,
    message: Message,
    shown: String,
}

/// What came of a hunt.
#[derive(Default)]
pub struct Hunt {
    /// The sums.
    pub report: Report,
    /// What must not be.
    pub findings: Vec<Finding>,
    /// Pairs with a fault, whether they were made small or not.
    pub faults: BTreeMap<Fault, usize>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "=== {:?}, {:?}\n{}", self.fault, self.server, self.home)?;
        writeln!(f, "--- message from {}", self.message.sender)?;
        writeln!(f, "{}", String::from_utf8_lossy(&self.message.content))?;
        writeln!(f, "--- {}", self.shown)
    }
}

/// Runs random pairs, and makes small what must not be. What homes are like depends on
/// the server they move to.
pub fn hunt(
    judges: &Judges,
    homes: impl Fn(Server) -> BoxedStrategy<Home>,
    pairs: usize,
    seed: u64,
) -> Hunt {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
    );
    let mut hunt = Hunt::default();
    let count = pairs.div_ceil(MESSAGES + ORDINARY);
    let ordinary = messages::ordinary();
    let mut done = 0;
    while done < count {
        let round: Vec<(usize, Home)> = (done..count.min(done + ROUND))
            .filter_map(|at| {
                let home = homes(server_of(at)).new_tree(&mut runner).ok()?;
                Some((at, home.current()))
            })
            .collect();
        done += round.len().max(1);
        let cases = prepare(judges, &round, seed, &ordinary, &mut hunt);
        let report = judges.run(&cases, Duration::from_secs(3600));
        for (fault, case, message) in faults(&report) {
            *hunt.faults.entry(fault).or_default() += 1;
            let home = round.iter().find(|(at, _)| at.to_string() == case);
            if let (Some((_, home)), Fault::Broken) = (home, fault) {
                println!("=== Broken\n{home}");
            }
            let known = hunt.findings.len() >= SHRUNK;
            if let (Some((at, home)), Some(message), false) = (home, message, known) {
                let finding = shrunk(judges, fault, (home, server_of(*at)), message);
                let is_new = !hunt.findings.iter().any(|known| known.home == finding.home);
                if is_new {
                    println!("{finding}");
                    hunt.findings.push(finding);
                }
            }
        }
        hunt.report.add(report);
        if done % (20 * ROUND) == 0 && done < count {
            println!("so far\n{}", hunt.report);
        }
    }
    hunt
}

fn server_of(at: usize) -> Server {
    match at.is_multiple_of(EDITED) {
        true => Server::EditsHeaders,
        false => Server::Usual,
    }
}

fn prepare(
    judges: &Judges,
    round: &[(usize, Home)],
    seed: u64,
    ordinary: &[Message],
    hunt: &mut Hunt,
) -> Vec<Case> {
    let cases: Vec<Result<Case, (Home, String)>> = round
        .par_iter()
        .map(|(at, home)| {
            let files = home.files();
            let of = seed.wrapping_mul(1_000_003).wrapping_add(*at as u64);
            let mut messages = messages::from_rules(&files, MESSAGES, of);
            let missing = MESSAGES + ORDINARY - messages.len();
            let more = ordinary.iter().cycle().skip(at * ORDINARY).take(missing);
            messages.extend(more.cloned());
            messages.iter_mut().for_each(keep_clear_of_limits);
            judges
                .case_with(&at.to_string(), files, messages, server_of(*at))
                .map_err(|error| (home.clone(), error))
        })
        .collect();
    let mut good = Vec::with_capacity(cases.len());
    for case in cases {
        match case {
            Ok(case) => good.push(case),
            Err((home, error)) => {
                *hunt.faults.entry(Fault::Broken).or_default() += 1;
                println!("=== Broken\n{home}\n--- {error}");
            }
        }
    }
    good
}

/// Makes a message longer whose size is so near to a limit that it depends on
/// who counts: procmail with the line of the mbox, a server with line ends of
/// two bytes perhaps.
fn keep_clear_of_limits(message: &mut Message) {
    let near = |message: &Message| {
        let size = message.content.len();
        let lines = message.content.iter().filter(|&&byte| byte == b'\n');
        let more = lines.count() + 100;
        let mut limits = super::parts::LIMITS.iter();
        limits.any(|&limit| size <= limit + 10 && limit <= size + more)
    };
    while near(message) {
        let end = message.content.windows(2).position(|pair| pair == b"\n\n");
        let at = end.map_or(message.content.len(), |end| end + 2);
        message
            .content
            .splice(at..at, *b"One line more than there was.\n");
    }
}

/// What must not be in a report: the home, and the message where there is one.
fn faults(report: &Report) -> Vec<(Fault, &str, Option<Message>)> {
    let mut found = Vec::new();
    for divergence in &report.divergences {
        let fault = match (divergence.lost, divergence.codes.is_empty()) {
            _ if divergence.everywhere => continue,
            (true, _) => Fault::Lost,
            (_, true) => Fault::Silent,
            _ => continue,
        };
        found.push((fault, &*divergence.home, Some(divergence.message())));
    }
    for home in report.broken.keys() {
        found.push((Fault::Broken, home, None));
    }
    found
}

/// What a fault looks like in a home and a message; none where it is not there.
fn shows(
    judges: &Judges,
    fault: Fault,
    (home, server): (&Home, Server),
    message: &Message,
) -> Option<String> {
    let case = judges.case_with("shrunk", home.files(), vec![message.clone()], server);
    let case = match case {
        Ok(case) => case,
        Err(error) => return (fault == Fault::Broken).then_some(error),
    };
    let script = case.script().to_string();
    let report = judges.run(&[case], Duration::from_secs(60));
    let is_there = faults(&report).iter().any(|(other, ..)| *other == fault);
    is_there.then(|| {
        let mut shown = String::new();
        for found in &report.divergences {
            shown += &format!(
                "procmail {:?} {:?}, Sieve {:?}, codes {:?}\n",
                found.procmail, found.programs, found.sieve, found.codes
            );
        }
        shown + &script
    })
}

fn shrunk(
    judges: &Judges,
    fault: Fault,
    (home, server): (&Home, Server),
    message: Message,
) -> Finding {
    let started = Instant::now();
    let shown = shows(judges, fault, (home, server), &message);
    let mut found = Finding {
        fault,
        home: home.clone(),
        server,
        message,
        shown: shown.clone().unwrap_or("not again".to_string()),
    };
    while shown.is_some() && started.elapsed() < PATIENCE {
        let homes = smaller_homes(&found.home);
        let smaller = homes.into_par_iter().find_map_first(|home| {
            let shown = shows(judges, fault, (&home, server), &found.message)?;
            Some((home, shown))
        });
        if let Some((home, shown)) = smaller {
            (found.home, found.shown) = (home, shown);
            continue;
        }
        let messages = smaller_messages(&found.message);
        let smaller = messages.into_par_iter().find_map_first(|message| {
            let shown = shows(judges, fault, (&found.home, server), &message)?;
            Some((message, shown))
        });
        match smaller {
            Some((message, shown)) => (found.message, found.shown) = (message, shown),
            None => break,
        }
    }
    found
}
