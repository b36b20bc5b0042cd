//! Real procmail: what it does with a message in a home.
//!
//! Folders that rules name are assumed to exist, as on the old machine: where
//! procmail says that a directory or program is missing, it is made and the
//! message sent again. A new mbox file costs procmail a second of sleep (its
//! access and modification times are equal); an empty one with an old access
//! time does not, so mailboxes are remembered and laid out beforehand.

use super::cell::Cell;
use super::recorder::{Call, LINE_EDITOR, SPAM_FILTERS};
use super::{Delivery, Files, Outcome};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// A lock in a directory that is missing makes procmail wait and try again
/// for ever: it is stopped early, and what it missed made.
const IMPATIENT: Duration = Duration::from_millis(1500);
const PATIENT: Duration = Duration::from_secs(30);

/// Programs that the recorder plays as they are, so that the outcome is true.
const PLAYED: &[&str] = &[
    "formail",
    "sendmail",
    "echo",
    "hostname",
    "uname",
    "true",
    "false",
    "tr",
    "grep",
    "fgrep",
    "egrep",
    "cat",
    LINE_EDITOR,
];

/// Cells, and the state that is kept between messages.
pub struct Procmail {
    /// Nothing runs in it.
    first: Cell,
    cells: Mutex<Vec<Cell>>,
}

/// A home as procmail is to find it, with what was learnt to be missing.
pub struct Prepared {
    files: Files,
    learnt: Mutex<Learnt>,
    is_verbose: bool,
}

#[derive(Clone, Default)]
struct Learnt {
    directories: BTreeSet<String>,
    mailboxes: BTreeSet<String>,
    programs: BTreeSet<String>,
}

/// What procmail did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// Where the message ended; absolute paths. `/dev/null` is no place.
    pub outcome: Outcome,
    /// The programs that ran, in order.
    pub calls: Vec<Call>,
    /// procmail's exit status; none where it ran out of time.
    pub status: Option<i32>,
    /// What procmail said.
    pub log: String,
    /// The directory it was in, where it ran out of time.
    directory: Option<String>,
}

impl Run {
    /// Whether all that procmail ran does here what it would do there.
    pub fn is_known(&self) -> bool {
        self.calls.iter().all(|call| {
            let program = call.program.as_str();
            PLAYED.contains(&program) || SPAM_FILTERS.contains(&program)
        })
    }

    /// Whether no program ran but spam filters and sendmail with addresses.
    pub fn plain(&self) -> bool {
        self.calls.iter().all(|call| {
            SPAM_FILTERS.contains(&call.program.as_str())
                || (call.program == "sendmail" && !recipients(&call.arguments).is_empty())
        })
    }
}

impl Prepared {
    /// A home. Its rules may not silence procmail: it holds back what it says
    /// about a missing directory until it has found it, unless it is verbose.
    pub fn new(mut files: Files) -> Self {
        for bytes in files.0.values_mut() {
            let lines = bytes.split_inclusive(|&byte| byte == b'\n');
            *bytes = lines.fold(Vec::new(), |mut text, line| {
                let start = line.trim_ascii_start();
                text.extend_from_slice(if start.starts_with(b"VERBOSE") {
                    b"VERBOSE=on\n"
                } else {
                    line
                });
                text
            });
        }
        Prepared {
            files,
            learnt: Mutex::default(),
            is_verbose: true,
        }
    }

    /// The home with its own files, to be run at procmail's own speed; what was
    /// learnt to be missing is there.
    pub fn quiet(&self, files: Files) -> Self {
        Prepared {
            files,
            learnt: Mutex::new(self.learnt.lock().unwrap().clone()),
            is_verbose: false,
        }
    }

    /// Mailboxes that are files and will get mail: laid out beforehand.
    pub fn expect(&self, mailboxes: impl IntoIterator<Item = String>) {
        self.learnt.lock().unwrap().mailboxes.extend(mailboxes);
    }
}

impl Procmail {
    /// No cell yet; each thread that runs messages gets one.
    pub fn new() -> io::Result<Self> {
        if !super::cell::inside() {
            return Err(io::Error::other("not inside namespaces"));
        }
        Ok(Procmail {
            first: Cell::new()?,
            cells: Mutex::default(),
        })
    }

    /// Delivers a message, which begins with an mbox `From ` line.
    pub fn run(&self, home: &Prepared, message: &[u8]) -> io::Result<Run> {
        let idle = self.cells.lock().unwrap().pop();
        let cell = match idle {
            Some(cell) => cell,
            None => self.first.another()?,
        };
        let mut attempts = 0;
        let mut patience = IMPATIENT;
        let run = loop {
            let learnt = home.learnt.lock().unwrap().clone();
            let (run, files) = once(&cell, home, &learnt, message, patience)?;
            let mut more = learnt.clone();
            more.learn(&run, &files);
            attempts += 1;
            let again = more.directories != learnt.directories || more.programs != learnt.programs;
            {
                let mut known = home.learnt.lock().unwrap();
                known.directories.extend(more.directories);
                known.mailboxes.extend(more.mailboxes);
                known.programs.extend(more.programs);
            }
            if attempts > 20 || (!again && (run.status.is_some() || patience == PATIENT)) {
                break run;
            }
            patience = if again { IMPATIENT } else { PATIENT };
        };
        self.cells.lock().unwrap().push(cell);
        Ok(run)
    }
}

/// A file and its content.
type Written = (String, Vec<u8>);

fn once(
    cell: &Cell,
    prepared: &Prepared,
    learnt: &Learnt,
    message: &[u8],
    patience: Duration,
) -> io::Result<(Run, Vec<Written>)> {
    let files = &prepared.files;
    cell.clear()?;
    let home = cell.path(super::HOME);
    files.write(&home)?;
    for entry in walkdir::WalkDir::new(&home) {
        cell.own(entry?.path())?;
    }
    for program in &learnt.programs {
        cell.stand_in(program)?;
    }
    for directory in &learnt.directories {
        make_directories(cell, directory)?;
    }
    let before: BTreeSet<(String, Vec<u8>)> = cell.written()?.into_iter().collect();
    // One in another is a directory.
    for mailbox in &learnt.mailboxes {
        if let Some((parent, _)) = mailbox.rsplit_once('/') {
            make_directories(cell, parent)?;
        }
    }
    // Nothing reads the empty mailboxes, or their access time would be renewed.
    for mailbox in &learnt.mailboxes {
        let path = cell.path(mailbox);
        if !path.exists() {
            let file = fs::File::create(&path)?;
            let old = SystemTime::now() - Duration::from_secs(3600);
            file.set_times(fs::FileTimes::new().set_accessed(old))?;
            cell.own(&path)?;
        }
    }
    let mail = cell.path("message");
    fs::write(&mail, message)?;
    let forward = files
        .0
        .get(".forward")
        .map(|text| String::from_utf8_lossy(text));
    let assignments = super::forward::assignments(forward.as_deref().unwrap_or_default());
    let mut argv = vec!["/usr/bin/procmail"];
    argv.extend(prepared.is_verbose.then_some("VERBOSE=on"));
    argv.extend(assignments);
    let exit = cell.run(&argv, fs::File::open(&mail)?, patience)?;

    let mut log = String::from_utf8_lossy(&exit.stderr).into_owned();
    let telling = telling_lines(message);
    let mut logs = log_files(files);
    logs.extend(opened_logs(&log));
    let mut outcome = Outcome::new();
    let mut new = Vec::new();
    for file in cell.written()? {
        if before.contains(&file) || file.1.is_empty() {
            continue;
        }
        let (path, content) = &file;
        let name = path.rsplit('/').next().unwrap_or(path);
        if holds(content, &telling) && !logs.contains(name) {
            if path != "/dev/null" {
                let is_file = learnt.mailboxes.contains(path);
                let mailbox = if is_file { path.clone() } else { folder(path) };
                outcome.insert(Delivery::Mailbox(mailbox));
            }
        } else if content.windows(10).any(|part| part == b"procmail: ") {
            log.push_str(&String::from_utf8_lossy(content));
        }
        new.push(file);
    }
    let mut calls = Vec::new();
    let mut records: Vec<_> = fs::read_dir(cell.path("record"))?.flatten().collect();
    records.sort_by_key(|entry| entry.file_name());
    for entry in records {
        if let Ok(call) = serde_json::from_slice::<Call>(&fs::read(entry.path())?) {
            if call.program == "sendmail" {
                outcome.extend(
                    recipients(&call.arguments)
                        .into_iter()
                        .map(Delivery::Redirect),
                );
            }
            calls.push(call);
        }
    }
    let run = Run {
        outcome,
        calls,
        directory: exit.directory,
        status: exit.status.and_then(|status| status.code()),
        log,
    };
    Ok((run, new))
}

fn make_directories(cell: &Cell, directory: &str) -> io::Result<()> {
    let mut path = String::new();
    for part in directory.split('/').filter(|part| !part.is_empty()) {
        path.push('/');
        path.push_str(part);
        let outside = cell.path(&path);
        if !outside.exists() {
            fs::create_dir(&outside)?;
            cell.own(&outside)?;
        }
    }
    Ok(())
}

/// The addresses among sendmail's arguments.
fn recipients(arguments: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-f" | "-F" | "-r" => {
                words.next();
            }
            "--" => {}
            option if option.starts_with('-') => {}
            address => found.extend(
                address
                    .split(',')
                    .map(str::trim)
                    .filter(|address| !address.is_empty())
                    .map(str::to_string),
            ),
        }
    }
    found
}

/// Lines that are found in a message's copy, and in no log of procmail: its
/// longest header line, and its last body line.
fn telling_lines(message: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = message.split(|&byte| byte == b'\n');
    let longest = lines
        .by_ref()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with(b"Subject:") && !line.starts_with(b" "))
        .max_by_key(|line| line.len());
    let last = lines.rfind(|line| line.len() > 8);
    [longest, last]
        .into_iter()
        .flatten()
        .map(<[u8]>::to_vec)
        .collect()
}

/// Whether one of the lines is there, perhaps quoted as in a reply.
fn holds(content: &[u8], telling: &[Vec<u8>]) -> bool {
    content
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_prefix(b">").unwrap_or(line))
        .any(|line| telling.iter().any(|telling| telling == line))
}

/// The names of the files that a home's rules log into: a program's output can
/// bring a message into the log.
fn log_files(files: &Files) -> BTreeSet<String> {
    files
        .0
        .values()
        .flat_map(|bytes| bytes.split(|&byte| byte == b'\n'))
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter_map(|line| line.trim_start().strip_prefix("LOGFILE"))
        .filter_map(|rest| rest.trim_start().strip_prefix('='))
        .filter_map(|path| path.split_whitespace().next())
        .filter_map(|path| path.trim_matches(['"', '\'']).rsplit('/').next())
        .map(str::to_string)
        .collect()
}

/// The same, of names that only procmail knows: it says which log it opens.
fn opened_logs(said: &str) -> impl Iterator<Item = String> + '_ {
    said.lines()
        .filter_map(|line| line.strip_prefix("procmail: Assigning \"LOGFILE="))
        .filter_map(|rest| rest.trim_end_matches('"').rsplit('/').next())
        .map(str::to_string)
}

/// The mailbox that a file belongs to that is none itself.
fn folder(path: &str) -> String {
    let Some((directory, name)) = path.rsplit_once('/') else {
        return path.to_string();
    };
    if let Some(maildir) = directory
        .strip_suffix("/new")
        .or_else(|| directory.strip_suffix("/cur"))
    {
        return maildir.to_string();
    }
    let number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if number || name.starts_with("msg.") {
        return directory.to_string();
    }
    path.to_string()
}

impl Learnt {
    /// What procmail missed, from its log, and the mailboxes it made.
    fn learn(&mut self, run: &Run, files: &[(String, Vec<u8>)]) {
        for delivery in &run.outcome {
            if let Delivery::Mailbox(path) = delivery
                && files.iter().any(|(file, _)| file == path)
            {
                self.mailboxes.insert(path.clone());
            }
        }
        let mut directory = run.directory.clone().unwrap_or(super::HOME.to_string());
        for line in run.log.lines() {
            let Some(said) = line.strip_prefix("procmail: ") else {
                continue;
            };
            let Some(name) = said
                .split_once('"')
                .and_then(|(_, rest)| rest.rsplit_once('"'))
                .map(|(name, _)| name)
            else {
                continue;
            };
            let absolute = |name: &str| match name.strip_prefix('/') {
                Some(_) => name.to_string(),
                None => format!("{directory}/{name}"),
            };
            if said.starts_with("Assigning")
                && let Some(path) = name.strip_prefix("MAILDIR=/")
            {
                directory = format!("/{path}");
            } else if said.starts_with("Failed to execute") {
                self.programs.insert(name.to_string());
            } else if said.starts_with("Couldn't chdir to") {
                directory = absolute(name);
                self.directories.insert(directory.clone());
            } else if [
                "Couldn't create",
                "Error while writing",
                "Lock failure on",
                "Unable to",
            ]
            .iter()
            .any(|start| said.starts_with(start))
                && let Some((parent, _)) = absolute(name).trim_end_matches('/').rsplit_once('/')
                && !parent.is_empty()
                && !Path::new(parent).starts_with("/dev")
            {
                self.directories.insert(parent.to_string());
            }
        }
    }
}
