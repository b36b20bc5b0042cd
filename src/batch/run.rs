//! In: the options of a batch, and what translates one home. Out: the
//! directory of the output, written as the homes are done, and the totals.

use super::lines::Problem;
use super::lists::{self, Link};
use super::moved::Old;
use super::output::{Output, directory, names, output_error, settle};
use super::rows::{Done, FOLDERS, FolderRow, Row, SUMMARY, Translated, cell};
use super::seen::{Note, Notes, Noting, SEEN, fingerprint};
use super::shard::{PARTS, Shard, parts};
use super::summary;
use super::tables::Tables;
use super::users::{User, has};
use super::write::{Changed, Directory};
use super::{index, input};
use crate::home::{DiskHome, Format, Home, Limits, SharedDirectory};
use crate::ledger::Code;
use crate::report;
use crate::rules::path;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;
use thiserror::Error;

/// What a batch is told.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Directories with homes below them.
    pub roots: Vec<PathBuf>,
    /// Where the output goes.
    pub out: PathBuf,
    /// passwd(5).
    pub passwd: Option<PathBuf>,
    /// CSV with the columns `old,new,address`.
    pub accounts: Option<PathBuf>,
    /// aliases(5).
    pub aliases: Option<PathBuf>,
    /// virtual(5).
    pub virtual_: Option<PathBuf>,
    /// The domain of the old host.
    pub domain: Option<String>,
    /// How the old host is called.
    pub host: Option<String>,
    /// What `$HOME` was on the old host, `%u` for the login name; without it,
    /// where passwd says, or where the home is.
    pub home_path: Option<String>,
    /// What a home may cost.
    pub limits: Limits,
    /// Directories whose files any home may include.
    pub allow_include: Vec<SharedDirectory>,
    /// Nothing is written.
    pub check: bool,
    /// Only the users of this part; [`super::merge`] joins the parts.
    pub shard: Option<Shard>,
    /// Stands for all that the translation depends on beside the home and the
    /// user: where it and the home are the same as in an earlier run, the
    /// report stands. `None`: every home is translated.
    pub with: Option<String>,
}

/// Why a batch could not run at all.
#[derive(Debug, Error)]
pub enum BatchError {
    /// A file of the administrator's could not be read.
    #[error("{path}: it could not be read: {error}")]
    Input {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The output could not be written.
    #[error("{path}: it could not be written: {error}")]
    Output {
        /// The file or directory.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The list of accounts is none.
    #[error("the list of accounts cannot be read, so nobody's new address is known")]
    Accounts(Vec<Problem>),
    /// A file of the administrator's would be overwritten.
    #[error(
        "{0}: this file is not of an earlier run, and would be overwritten: name another directory"
    )]
    Foreign(String),
    /// No home was found.
    #[error(
        "there are no homes to be found: name a directory that has homes with .forward or .procmailrc below it"
    )]
    NoHomes(Vec<Problem>),
}

/// What a batch came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Homes that have a report.
    pub homes: usize,
    /// Homes that have none; the problems say why.
    pub failed: usize,
    /// Entries of all homes.
    pub counts: report::Summary,
    /// The codes of what is manual, with the number of homes that have it.
    pub manual: BTreeMap<Code, usize>,
    /// Files that were written; the others said the same already.
    pub written: usize,
    /// What is wrong with the input and with homes.
    pub problems: Vec<Problem>,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Outcome) {
        self.homes += other.homes;
        self.failed += other.failed;
        self.counts += other.counts;
        for (code, homes) in other.manual {
            *self.manual.entry(code).or_default() += homes;
        }
        self.written += other.written;
        self.problems.extend(other.problems);
    }
}

/// Who watches a batch.
pub trait Watch: Sync {
    /// So many homes were found.
    fn found(&self, homes: usize);
    /// One more is done.
    fn done(&self);
}

/// What translates one home; an error is one sentence for the administrator.
pub type Translate<'t> = dyn Fn(&dyn Home, &User) -> Result<Translated, String> + Sync + 't;

/// Homes whose results are held in memory at once.
const CHUNK: usize = 1024;

/// Translates every home. One that fails does not stop the rest.
///
/// # Errors
/// Where the input cannot be read, no home is found, or the output cannot be
/// written; what was written until then is whole.
pub fn run(
    options: &Options,
    translate: &Translate,
    watch: &dyn Watch,
) -> Result<Outcome, BatchError> {
    let mut problems = Vec::new();
    let tables = input::tables(options, &mut problems)?;
    let (mut users, people) = input::users(options, &mut problems)?;
    let names: HashSet<String> = people.iter().map(|who| who.name.to_lowercase()).collect();
    for user in &mut users {
        user.alias = tables.alias_of(&user.name, &|name| names.contains(name));
    }
    problems.extend(taken_by_rows_for_all(options, &tables, &users));
    if users.is_empty() {
        return Err(BatchError::NoHomes(problems));
    }
    let chosen: Vec<&User> = users
        .iter()
        .filter(|user| options.shard.is_none_or(|shard| shard.holds(&user.name)))
        .collect();
    watch.found(chosen.len());
    let out = match options.check {
        true => None,
        false => {
            overwrites_nothing(options)?;
            Some(directory(&options.out, options.shard.is_some())?)
        }
    };
    if let (Some(out), None) = (&out, options.shard) {
        forget_parts(out)?;
    }
    let part = part_directory(options, out.as_ref())?;
    let lists = part.as_ref().or(out.as_ref());
    let mut output = Output::open(lists)?;
    let run = Run {
        options,
        translate,
        out: out.as_ref().zip(lists),
        with: options.with.as_ref().map(fingerprint),
        has_begun: OnceLock::new(),
    };
    let (mut outcome, redirects) = run.homes(&chosen, lists, &mut output, watch)?;
    outcome.problems.append(&mut problems);
    let mut list = output.table(names::LISTS, &lists::LISTS)?;
    for row in lists::lists(&tables, &people) {
        list.row(row)?;
    }
    output.written += usize::from(list.finish()?);
    let accounts = options.accounts.as_ref();
    let accounts = accounts.map(|path| path.display().to_string());
    let aliases = options.aliases.as_ref();
    let aliases = aliases.map_or(String::new(), |path| path.display().to_string());
    let old = Old {
        tables: &tables,
        people: &people,
        has_script: &|login| has(&users, login),
        accounts: accounts.as_deref(),
        aliases: &aliases,
    };
    let mut moved = old.moved();
    outcome.problems.append(&mut moved.problems);
    output.file(names::VIRTUAL, moved.virtual_.as_bytes())?;
    output.file(names::RELOCATED, moved.relocated.as_bytes())?;
    if let Some(out) = &out {
        outcome.problems.extend(left_over(out, &users));
    }
    let links = lists::links(&tables, &people, &redirects);
    match options.shard {
        None => lists_of_all(&mut outcome, &links, &mut output)?,
        // Circles are seen when all parts are there.
        Some(_) => {
            let links = serde_json::to_vec(&links).unwrap_or_default();
            output.file(lists::LINKS, &links)?;
            let all: Vec<_> = { users.iter() }
                .map(|user| {
                    (
                        &user.name,
                        &user.new,
                        &user.address,
                        &user.home_path,
                        &user.alias,
                    )
                })
                .collect();
            let with = fingerprint(&(run.with, all));
            let with = format!("{with:016x}\n");
            output.file(lists::WITH, with.as_bytes())?;
            totals(&mut outcome, &mut output)?;
        }
    }
    if let Some(out) = &out {
        // Also where nothing was written: what stands may come from a run that
        // was interrupted before this.
        settle(out)?;
    }
    Ok(outcome)
}

/// Writes what is known when all homes are done: the forwards, with their circles,
/// the page of all users, and the totals.
pub(super) fn lists_of_all(
    outcome: &mut Outcome,
    links: &[Link],
    output: &mut Output,
) -> Result<(), BatchError> {
    lists::write_forwards(links, output)?;
    index::write(output)?;
    totals(outcome, output)
}

/// Writes the totals, and counts what was written.
fn totals(outcome: &mut Outcome, output: &mut Output) -> Result<(), BatchError> {
    outcome.problems.sort();
    outcome.problems.dedup();
    output.file(names::TOTALS, summary::text(outcome).as_bytes())?;
    outcome.written += output.written;
    Ok(())
}

/// Sees that no table of the old host, and nothing else that is not of an earlier run,
/// stands where a list will be written.
fn overwrites_nothing(options: &Options) -> Result<(), BatchError> {
    let inputs = [
        &options.passwd,
        &options.accounts,
        &options.aliases,
        &options.virtual_,
    ];
    let inputs: Vec<PathBuf> = { inputs.into_iter().flatten() }
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    // Every run writes these before the tables, whole or in parts.
    let summary = csv::Reader::from_path(options.out.join(names::SUMMARY));
    let is_summary = |mut summary: csv::Reader<_>| {
        let head = summary.headers().ok();
        head.is_some_and(|head| head.iter().eq(SUMMARY))
    };
    let is_of_runs = summary.is_ok_and(is_summary) || parts(&options.out).next().is_some();
    for name in names::ALL {
        let path = options.out.join(name);
        let is_input = path.canonicalize().is_ok_and(|path| inputs.contains(&path));
        // Links are replaced, and what they lead to stays.
        let is_file = path.symlink_metadata().is_ok_and(|path| path.is_file());
        if is_input || !is_of_runs && is_file {
            return Err(BatchError::Foreign(path.display().to_string()));
        }
    }
    Ok(())
}

/// Scripts of an earlier run whose users are not there any more. They are not
/// removed: someone may have to say why.
fn left_over(out: &Directory, users: &[User]) -> Vec<Problem> {
    let entries = std::fs::read_dir(out.path())
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let message = "the output has a script of an earlier run, and there is no such home now: remove the directory, or do not install it";
    names
        .filter(|name| !has(users, name) && has_script(out, name))
        .map(|name| Problem::with(&name, message))
        .collect()
}

/// Whether there is a script for a user.
fn has_script(out: &Directory, user: &str) -> bool {
    let script = out.path().join(user).join("filters.sieve");
    let found = script.symlink_metadata();
    found.is_ok_and(|script| script.is_file())
}

/// Parts of an earlier run, whose lists would be joined again though they are out of date.
fn forget_parts(out: &Directory) -> Result<(), BatchError> {
    for (_, part) in parts(out.path()) {
        std::fs::remove_dir_all(&part).map_err(|error| output_error(&part, error))?;
    }
    // Where anything else lies in it, it stays.
    let _ = std::fs::remove_dir(out.path().join(PARTS));
    Ok(())
}

/// Where the lists of a part wait for the others.
fn part_directory(
    options: &Options,
    out: Option<&Directory>,
) -> Result<Option<Directory>, BatchError> {
    let (Some(out), Some(shard)) = (out, options.shard) else {
        return Ok(None);
    };
    let part = { out.below(PARTS) }
        .and_then(|parts| parts.below(&shard.directory()))
        .and_then(|part| part.lock(false).map(|()| part));
    part.map(Some)
        .map_err(|error| output_error(&out.path().join(PARTS), error))
}

/// What is the same for every home of a run.
struct Run<'a> {
    options: &'a Options,
    translate: &'a Translate<'a>,
    /// Where the reports go, and the lists; `None` where only a check is made.
    out: Option<(&'a Directory, &'a Directory)>,
    /// The fingerprint of what it is translated with.
    with: Option<u64>,
    /// Whether a report was written, and why the first could not be.
    has_begun: OnceLock<Result<(), String>>,
}

/// What became of the report on a home.
struct Reported {
    translated: Translated,
    /// Files that were written.
    written: usize,
    /// What the next run is to know of it.
    note: Option<String>,
    /// Files of the last run that somebody changed, and that were written anew.
    changed: Vec<String>,
}

impl Run<'_> {
    /// Translates homes, and writes a row for each of them; returns where the mail of
    /// their users goes as well.
    fn homes(
        &self,
        users: &[&User],
        lists: Option<&Directory>,
        output: &mut Output,
        watch: &dyn Watch,
    ) -> Result<(Outcome, BTreeMap<String, Vec<String>>), BatchError> {
        let mut notes = Notes::open(lists);
        let mut seen = output.table(names::SEEN, &SEEN)?;
        let mut summary = output.table(names::SUMMARY, &SUMMARY)?;
        let mut folders = output.table(names::FOLDERS, &FOLDERS)?;
        let mut outcome = Outcome::default();
        let mut redirects = BTreeMap::new();
        for chunk in users.chunks(CHUNK) {
            let notes: Vec<_> = chunk.iter().map(|user| notes.of(&user.name)).collect();
            let rows: Vec<Row> = chunk
                .par_iter()
                .zip(notes)
                .map(|(user, note)| {
                    let row = self.one(user, note);
                    watch.done();
                    row
                })
                .collect();
            for row in rows {
                summary.row(row.summary())?;
                for folder in row.folders() {
                    folders.row(folder)?;
                }
                let name = &row.user.name;
                match row.result {
                    Ok(done) => {
                        let warnings = done.warnings.into_iter();
                        let warnings = warnings.map(|message| Problem::with(name, message));
                        outcome.problems.extend(warnings);
                        outcome += Outcome {
                            homes: 1,
                            counts: done.counts,
                            manual: done.manual.into_iter().map(|code| (code, 1)).collect(),
                            written: done.written,
                            ..Outcome::default()
                        };
                        if let Some(note) = done.note {
                            seen.row([cell(name), note])?;
                        }
                        if !done.redirects.is_empty() {
                            redirects.insert(name.clone(), done.redirects);
                        }
                    }
                    Err(mut message) => {
                        outcome.failed += 1;
                        if self.out.is_some_and(|(out, _)| has_script(out, name)) {
                            message += "; the output still has the script of an earlier run: do not install it";
                        }
                        outcome.problems.push(Problem::with(name, message));
                    }
                }
            }
        }
        seen.finish()?;
        for table in [summary, folders] {
            output.written += usize::from(table.finish()?);
        }
        Ok((outcome, redirects))
    }

    fn one<'u>(&self, user: &'u User, note: Option<(String, Changed)>) -> Row<'u> {
        let result = self.open(user).and_then(|home| {
            // A link in the place of a home could lead to anyone's.
            if user.uid.is_some_and(|uid| uid != home.owner()) {
                return Err("the home belongs to another user; it was not read".to_owned());
            }
            match self.out {
                None => self.translate(&home, user).map(|translated| Reported {
                    translated,
                    written: 0,
                    note: None,
                    changed: Vec::new(),
                }),
                Some((out, _)) => self.report(out, &home, user, note),
            }
            .map(|reported| self.done(&home, user, reported))
        });
        Row { user, result }
    }

    fn open(&self, user: &User) -> Result<DiskHome, String> {
        DiskHome::open(&user.home, self.options.limits)
            .and_then(|home| home.allow_includes(&self.options.allow_include))
            .map_err(|error| format!("the home could not be opened: {error}"))
    }

    /// A fault of this program in one home is no fault of the others'.
    fn translate(&self, home: &dyn Home, user: &User) -> Result<Translated, String> {
        catch_unwind(AssertUnwindSafe(|| (self.translate)(home, user)))
            .unwrap_or_else(|_| Err("sievify failed on this home; please report it".to_owned()))
    }

    /// Translates and writes, unless the last run did and nothing has changed.
    fn report(
        &self,
        out: &Directory,
        home: &DiskHome,
        user: &User,
        note: Option<(String, Changed)>,
    ) -> Result<Reported, String> {
        let directory = out.below(&user.name).map_err(unwritten)?;
        let with = self
            .with
            .map(|with| fingerprint(&(with, user, home.trust())));
        let note = note.and_then(|(text, written)| Some((Note::read(&text)?, text, written)));
        let (standing, mut changed) = match (note, with) {
            (Some((note, text, written)), Some(with)) => {
                match note.stands(with, &directory, written) {
                    true => (Some((note, text)), Vec::new()),
                    false => (None, note.changed(&directory, written)),
                }
            }
            _ => (None, Vec::new()),
        };
        let again;
        let home = match standing {
            None => home,
            Some((note, text)) if note.asked.is_answered_alike(home) => {
                return Ok(Reported {
                    translated: note.translated,
                    written: 0,
                    note: Some(text),
                    changed,
                });
            }
            // What it cost to ask is not to be missing where it is read.
            Some(_) => {
                again = self.open(user)?;
                &again
            }
        };
        if directory.place().map_err(unwritten)? == home.place() {
            return Err("its report would be written into the home itself: name another directory for the output".to_owned());
        }
        let noting = Noting::new(home);
        let translated = self.translate(&noting, user)?;
        let written = self.write(&directory, &translated.files)?;
        changed.retain(|name| written.contains(&name.as_str()));
        let written = written.len();
        let Some(with) = with else {
            return Ok(Reported {
                translated,
                written,
                note: None,
                changed,
            });
        };
        let note = Note::new(with, noting.asked(), translated);
        Ok(Reported {
            written,
            note: serde_json::to_string(&note).ok(),
            translated: note.translated,
            changed,
        })
    }

    /// Writes the files of a user's; returns the names of those that did not say the same.
    fn write<'f>(
        &self,
        directory: &Directory,
        files: &[(&'f str, Vec<u8>)],
    ) -> Result<Vec<&'f str>, String> {
        directory.sweep().map_err(unwritten)?;
        let mut written = Vec::new();
        for (name, content) in files {
            if !directory.has(name, content).map_err(unwritten)? {
                self.begin()?;
                directory.put(name, content).map_err(unwritten)?;
                written.push(*name);
            }
        }
        Ok(written)
    }

    /// Forgets the last run before a report of it is replaced: should this one
    /// be interrupted, no note tells what is not there any more. Where this one is of a
    /// part, a run over all may have left notes as well.
    fn begin(&self) -> Result<(), String> {
        let forget = || match self.out {
            Some((out, lists)) => { lists.remove(names::SEEN) }
                .and_then(|()| out.remove(names::SEEN))
                .map_err(unwritten),
            None => Ok(()),
        };
        self.has_begun.get_or_init(forget).clone()
    }

    fn done(&self, home: &DiskHome, user: &User, reported: Reported) -> Done {
        let Reported {
            translated,
            written,
            note,
            changed,
        } = reported;
        let home_path = user.home_path.trim_end_matches('/');
        let below = |path: &str| {
            let rest = path.strip_prefix(home_path)?.strip_prefix('/')?;
            Some(rest.to_owned())
        };
        let mailboxes: BTreeSet<_> = { translated.folders.into_iter() }
            .map(|(path, format, folder)| {
                let (path, format) = path::mailbox(&path, format);
                (path.to_owned(), format, folder)
            })
            .collect();
        let (own, elsewhere): (Vec<_>, Vec<_>) = { mailboxes.into_iter() }
            .partition(|(path, ..)| path::is_of_user(path, home_path, &user.name));
        let elsewhere = elsewhere.iter().map(|(path, ..)| {
            format!("{path} may be somebody else's mailbox, and is not in {}: it lies neither in the home nor in the spool under this name", names::FOLDERS)
        });
        let changed = changed.iter().map(|file| {
            format!(
                "{file} was changed since the last run, and is written anew: keep changes elsewhere"
            )
        });
        let warnings = elsewhere.chain(changed).chain(joined(&own));
        Done {
            counts: translated.counts,
            manual: translated.manual,
            redirects: translated.redirects,
            written,
            note,
            warnings: warnings.collect(),
            folders: { own.into_iter() }
                .map(|(path, format, folder)| FolderRow {
                    size: match below(&path) {
                        Some(path) if self.out.is_some() => home.mailbox_size(&path, format),
                        _ => None,
                    },
                    path,
                    format,
                    folder,
                })
                .collect(),
        }
    }
}

/// Mailboxes that become one folder, other than the inbox, which takes what nothing files
/// and several places may have been.
fn joined(mailboxes: &[(String, Format, String)]) -> Vec<String> {
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, _, folder) in mailboxes {
        folders.entry(folder).or_default().insert(path);
    }
    folders.remove("INBOX");
    folders.retain(|_, paths| paths.len() > 1);
    let said = folders.into_iter().map(|(folder, paths)| {
        let paths = Vec::from_iter(paths).join(", ");
        format!("{paths}: these become one folder, {folder}")
    });
    said.collect()
}

/// Rows of `virtual` for a whole domain, which take the mail of users that have no row of
/// their own.
fn taken_by_rows_for_all(options: &Options, tables: &Tables, users: &[User]) -> Vec<Problem> {
    let mut taken: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for entry in users
        .iter()
        .filter_map(|user| tables.row_for_all(&user.name))
    {
        *taken.entry((entry.line, &entry.name)).or_default() += 1;
    }
    let file = options.virtual_.as_ref();
    let file = file.map_or(String::new(), |path| path.display().to_string());
    let problem = |((line, name), users): ((usize, &str), usize)| {
        let message = format!(
            "{name} takes the mail of {users} of the users, who have no row of their own: their rules never saw any"
        );
        Problem::at(&file, line, message)
    };
    taken.into_iter().map(problem).collect()
}

fn unwritten(error: io::Error) -> String {
    format!("its report could not be written: {error}")
}
