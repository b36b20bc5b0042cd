//! In: directories with the parts of a batch. Out: its lists, as one run over
//! all homes would have written them.

use super::lists::{self, Link};
use super::output::{Output, directory, names, settle};
use super::rows::{FOLDERS, SUMMARY, user_of};
use super::run::{BatchError, Outcome, lists_of_all};
use super::seen::SEEN;
use super::shard::{self, Shard};
use super::{summary, write};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why the parts could not be joined.
#[derive(Debug, Error)]
pub enum MergeError {
    /// There is none.
    #[error("{0}: there are no parts of a batch in it: `sievify batch --shard 1/8` makes one")]
    None(PathBuf),
    /// They are of several batches.
    #[error(
        "{0} and {1} are parts of different batches, or by different versions of sievify: remove the one that is out of date"
    )]
    Several(PathBuf, PathBuf),
    /// One is not there.
    #[error("the part {0} is missing: run it, or name the directory it was written to")]
    Missing(Shard),
    /// One is not what a batch writes.
    #[error("{0}: it cannot be read as a part of a batch: run that part again")]
    Unread(PathBuf),
    /// Another user could have written one.
    #[error("{0}: {1}")]
    Exposed(PathBuf, io::Error),
    /// The result could not be written.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// The same in every part: they come from the tables and all users.
const COMMON: [&str; 3] = [names::LISTS, names::VIRTUAL, names::RELOCATED];

/// Joins the lists of all parts below some outputs, in the first of them.
///
/// # Errors
/// Where a part is missing or another batch's, and where the lists could not be
/// written.
pub fn merge(outs: &[PathBuf]) -> Result<Outcome, MergeError> {
    let Some(out) = outs.first() else {
        return Err(MergeError::None(PathBuf::new()));
    };
    let parts = parts(outs)?;
    // Nothing is written before all parts are known to fit.
    same(&parts, lists::WITH)?;
    let mut common = Vec::new();
    for name in COMMON {
        common.push((name, same(&parts, name)?));
    }
    let out = directory(out, false)?;
    let mut output = Output::open(Some(&out))?;
    interleave(&parts, names::SEEN, &SEEN, &output)?;
    for (name, head) in [(names::SUMMARY, &SUMMARY[..]), (names::FOLDERS, &FOLDERS)] {
        output.written += usize::from(interleave(&parts, name, head, &output)?);
    }
    for (name, content) in common {
        output.file(name, &content)?;
    }
    let mut outcome = Outcome::default();
    let mut links: Vec<Link> = Vec::new();
    for part in &parts {
        let unread = || MergeError::Unread(part.join(names::TOTALS));
        let of_part = summary::parse(&read(part, names::TOTALS)?).ok_or_else(unread)?;
        outcome += of_part;
        let of_part: Vec<Link> = serde_json::from_slice(&read(part, lists::LINKS)?)
            .map_err(|_| MergeError::Unread(part.join(lists::LINKS)))?;
        links.extend(of_part);
    }
    links.sort_by(|one, other| one.user.cmp(&other.user));
    lists_of_all(&mut outcome, &links, &mut output)?;
    settle(&out)?;
    Ok(outcome)
}

/// The directories of all parts, in their order.
fn parts(outs: &[PathBuf]) -> Result<Vec<PathBuf>, MergeError> {
    let mut found: BTreeMap<Shard, PathBuf> = BTreeMap::new();
    let mut seen = Vec::new();
    for out in outs {
        // The same one may be named twice.
        let place = out.canonicalize().unwrap_or_else(|_| out.clone());
        if seen.contains(&place) {
            continue;
        }
        seen.push(place);
        let mut of_out = shard::parts(out).peekable();
        if of_out.peek().is_none() {
            return Err(MergeError::None(out.clone()));
        }
        for (shard, path) in of_out {
            let other = found
                .iter()
                .find(|(other, _)| **other == shard || other.of() != shard.of());
            if let Some((_, other)) = other {
                return Err(MergeError::Several(other.clone(), path));
            }
            // As its lists stand below it, whoever could exchange it could them.
            write::is_out_of_reach(&path.join(names::TOTALS)).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::NotFound => MergeError::Unread(path.clone()),
                    _ => MergeError::Exposed(path.clone(), error),
                }
            })?;
            found.insert(shard, path);
        }
    }
    let none = || MergeError::None(outs.first().cloned().unwrap_or_default());
    let first = *found.keys().next().ok_or_else(none)?;
    match first.all().find(|shard| !found.contains_key(shard)) {
        Some(missing) => Err(MergeError::Missing(missing)),
        None => Ok(found.into_values().collect()),
    }
}

/// What a file says that is the same in every part.
fn same(parts: &[PathBuf], name: &str) -> Result<Vec<u8>, MergeError> {
    let mut common: Option<(&PathBuf, Vec<u8>)> = None;
    for part in parts {
        let content = read(part, name)?;
        match &common {
            Some((first, other)) if *other != content => {
                return Err(MergeError::Several((*first).clone(), part.clone()));
            }
            _ => common = Some((part, content)),
        }
    }
    Ok(common.map_or(Vec::new(), |(_, content)| content))
}

fn read(part: &Path, name: &str) -> Result<Vec<u8>, MergeError> {
    let path = part.join(name);
    fs::read(&path).map_err(|_| MergeError::Unread(path))
}

/// Joins the rows of a list, which each part has in the order of its users;
/// `false` where the same stands there already.
fn interleave(
    parts: &[PathBuf],
    name: &'static str,
    head: &[&str],
    output: &Output,
) -> Result<bool, MergeError> {
    let mut open: Vec<Peekable<Rows>> = Vec::new();
    for part in parts {
        open.push(Rows::open(part.join(name), head)?.peekable());
    }
    let mut table = output.table(name, head)?;
    loop {
        let mut least: Option<(usize, String)> = None;
        for (at, rows) in open.iter_mut().enumerate() {
            let user = match rows.peek() {
                None => continue,
                Some(Ok(row)) => user_of(row.get(0).unwrap_or_default()),
                Some(Err(path)) => return Err(MergeError::Unread(path.clone())),
            };
            if least
                .as_ref()
                .is_none_or(|(_, least)| user < least.as_str())
            {
                least = Some((at, user.to_owned()));
            }
        }
        let Some((at, _)) = least else {
            return Ok(table.finish()?);
        };
        if let Some(Ok(row)) = open.get_mut(at).and_then(Iterator::next) {
            table.row(&row)?;
        }
    }
}

/// The rows of one list; an error is the file that holds something else.
struct Rows {
    path: PathBuf,
    records: csv::StringRecordsIntoIter<File>,
}

impl Rows {
    fn open(path: PathBuf, head: &[&str]) -> Result<Self, MergeError> {
        let unread = |_: io::Error| MergeError::Unread(path.clone());
        let mut reader = csv::Reader::from_reader(File::open(&path).map_err(unread)?);
        match reader.headers() {
            Ok(headers) if headers.iter().eq(head.iter().copied()) => Ok(Rows {
                path,
                records: reader.into_records(),
            }),
            _ => Err(MergeError::Unread(path)),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<csv::StringRecord, PathBuf>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.records.next()?;
        Some(row.map_err(|_| self.path.clone()))
    }
}
