//! `sievify replay` beside what it stands for: real procmail and real
//! `sieve-test`, run for each message.
//!
//! `cargo bench --bench replay [-- DIRECTORY …]` takes the three busiest homes
//! of `corpus/`, or of each directory (a directory with rules in it is taken as
//! one home), makes a Maildir of 10,000 messages for the rules of each, and
//! says how much of one processor a message takes. The two programs get 200 of
//! the messages; the time of others that procmail would call is not counted,
//! for a stand-in that does nothing is there in their place.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code)]
#[path = "../tests/oracle/mod.rs"]
mod oracle;
mod processor;

use oracle::messages::{self, Message, Random};
use oracle::pigeonhole::Pigeonhole;
use oracle::procmail::{Prepared, Procmail};
use oracle::{DOMAIN, Files, HOME, USER, cell, recorder};
use processor::Whose;
use sievify::home::{DiskHome, Limits};
use sievify::rules::elaborate::Settings;
use sievify::rules::model::StatementKind;
use sievify::sieve::target::Target;
use sievify::translate::{Translation, Translator};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Messages of a Maildir.
const MESSAGES: usize = 10_000;
/// Those that the real programs get.
const SAMPLE: usize = 200;
/// Homes of a directory.
const BUSIEST: usize = 3;

fn main() {
    if recorder::stands_in() {
        std::process::exit(recorder::play());
    }
    if !cell::inside() {
        let error = cell::enter();
        eprintln!("there is no place to run procmail in: {error}");
        return;
    }
    let mut directories: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .filter(|argument| !argument.to_string_lossy().starts_with("--"))
        .collect();
    if directories.is_empty() {
        directories.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"));
    }
    let judges = (Procmail::new().unwrap(), Pigeonhole::new("").unwrap());
    println!("processor time for a message, in milliseconds\n");
    println!(
        "{:24} {:>7} {:>9} {:>9} {:>11} {:>10}",
        "home", "recipes", "replay", "procmail", "sieve-test", "times"
    );
    for directory in &directories {
        for home in homes(directory) {
            home.measure(&judges);
        }
    }
}

/// The homes that are meant by a directory.
fn homes(directory: &Path) -> Vec<Home> {
    if let Some(home) = Home::of("", directory).filter(|home| home.recipes > 0) {
        return vec![home];
    }
    let mut homes: Vec<Home> = oracle::compare::homes(directory)
        .iter()
        .filter_map(|(name, path)| Home::of(name, path))
        .collect();
    homes.sort_by_key(|home| std::cmp::Reverse(home.recipes));
    homes.truncate(BUSIEST);
    homes
}

struct Home {
    name: String,
    path: PathBuf,
    recipes: usize,
    translation: Translation,
}

impl Home {
    fn of(name: &str, path: &Path) -> Option<Self> {
        let settings = Settings {
            domain: Some(DOMAIN.to_owned()),
            home_path: HOME.to_owned(),
            ..Settings::new(USER)
        };
        let home = DiskHome::open(path, Limits::default()).ok()?;
        let target = Target::profile("dovecot").ok()?;
        let translation = Translator::new(&target).translate(&home, &settings).ok()?;
        let statements = translation.program.statements.iter();
        let recipes = statements.filter(|statement| statement.kind == StatementKind::Recipe);
        Some(Home {
            name: match name {
                "" => path.file_name()?.to_string_lossy().into_owned(),
                name => name.to_owned(),
            },
            path: path.to_owned(),
            recipes: recipes.count(),
            translation,
        })
    }

    fn measure(&self, (procmail, pigeonhole): &(Procmail, Pigeonhole)) {
        let files = Files::read(&self.path).unwrap();
        let messages = letters(&files);
        let stage = tempfile::tempdir().unwrap();
        let maildir = stage.path().join("Maildir");
        write(&maildir, &messages);
        self.replay(&maildir);
        let replay = Whose::PROGRAMS.timed(|| self.replay(&maildir)) / MESSAGES as u32;

        let every = messages.len() / SAMPLE;
        let sample: Vec<&Message> = messages.iter().step_by(every).take(SAMPLE).collect();
        let prepared = Prepared::new(files.clone());
        let deliver = |home: &Prepared| {
            for message in &sample {
                procmail.run(home, &message.with_from_line()).unwrap();
            }
        };
        // Finds out which directories and programs the rules want to be there.
        deliver(&prepared);
        let quiet = prepared.quiet(files);
        let entering = entering();
        let old =
            (Whose::PROGRAMS.timed(|| deliver(&quiet)) / SAMPLE as u32).saturating_sub(entering);
        let script = pigeonhole.compile(&self.translation.report.script).unwrap();
        let new = Whose::PROGRAMS.timed(|| {
            for message in &sample {
                let run = pigeonhole.run(&script, &message.sender, &message.content);
                run.unwrap();
            }
        }) / SAMPLE as u32;
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let times = (old + new).as_secs_f64() / replay.as_secs_f64();
        println!(
            "{:24} {:>7} {:>9.4} {:>9.2} {:>11.2} {times:>10.0}",
            self.name,
            self.recipes,
            milliseconds(replay),
            milliseconds(old),
            milliseconds(new),
        );
    }

    fn replay(&self, maildir: &Path) {
        let status = Command::new(env!("CARGO_BIN_EXE_sievify"))
            .arg("replay")
            .arg(&self.path)
            .args(["--user", USER, "--home-path", HOME, "--domain", DOMAIN])
            .arg("--mail")
            .arg(maildir)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(matches!(status.code(), Some(0 | 1)));
    }
}

/// Messages that meet the rules of a home or just miss them, as long as mail is.
fn letters(files: &Files) -> Vec<Message> {
    let mut random = Random(1);
    let mut messages = messages::from_rules(files, MESSAGES, 1);
    messages.extend(messages::ordinary());
    assert!(messages.len() > SAMPLE, "the rules have no conditions");
    for at in 0..MESSAGES.saturating_sub(messages.len()) {
        messages.push(messages[at].clone());
    }
    messages.truncate(MESSAGES);
    for message in &mut messages {
        for _ in 0..random.below(200) {
            message
                .content
                .extend_from_slice(b"One more line of the text that people send each other.\n");
        }
    }
    messages
}

fn write(maildir: &Path, messages: &[Message]) {
    fs::create_dir_all(maildir.join("cur")).unwrap();
    fs::create_dir_all(maildir.join("new")).unwrap();
    for (at, message) in messages.iter().enumerate() {
        let path = maildir.join(format!("cur/1400000000.{at:05}.host:2,S"));
        fs::write(path, &message.content).unwrap();
    }
}

/// What it takes to get a program into its root, which is no work of procmail's.
fn entering() -> Duration {
    let cell = cell::Cell::new().unwrap();
    cell.clear().unwrap();
    let runs = SAMPLE as u32;
    let nothing = || fs::File::open("/dev/null").unwrap();
    let inside = Whose::PROGRAMS.timed(|| {
        for _ in 0..runs {
            let argv = ["/usr/bin/procmail", "-v"];
            cell.run(&argv, nothing(), Duration::from_secs(30)).unwrap();
        }
    });
    let outside = Whose::PROGRAMS.timed(|| {
        for _ in 0..runs {
            let mut procmail = Command::new("procmail");
            procmail.arg("-v").stdout(Stdio::null());
            procmail.stderr(Stdio::null()).status().unwrap();
        }
    });
    inside.saturating_sub(outside) / runs
}
