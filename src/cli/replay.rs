//! `sievify replay`. In: one home, and its user's mail. Out: what the new script
//! would do with that mail, beside what the old rules did.

use super::failure::Failure;
use super::home::{OneHome, Translated};
use super::{Status, output};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use sievify::batch::write::{Directory, Draft};
use sievify::ledger::Code;
use sievify::replay::{Letter, Mailboxes, Replay};
use sievify::report::entry::Entry;
use sievify::report::html::{self, Subject};
use sievify::report::json;
use sievify::report::replayed::{Difference, Listing, Replayed, Why};
use sievify::report::terminal::replayed;
use std::io;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Runs the old rules and the new script on mail, and shows what would change.

Every message that would go elsewhere is listed, with the place where the old
rules put it, the place where the script puts it, and the entry of the report
that says why. Then come all places, with the number of messages before and
after. A change that nothing in the report explains is a fault of sievify: it is
printed as an error, and sets the exit status. The page of --html shows the same
beside the rules and the script, with the first messages of each reason.

Nothing is delivered, sent, moved or run: programs that the rules call are only
thought through, and those that sievify does not know are taken to succeed.";

const EXAMPLES: &str = "\
Examples:
  sievify replay ~ --mail ~/Maildir
  sievify replay ~ --mail ~/Maildir --html rules.html
  sievify replay /srv/old/home/ann --user ann --home-path /home/ann \\
      --mail /srv/old/mail/ann --mail /srv/old/home/ann/Mail
  sievify replay ~ --mail ~/mbox --since 2026-01-01 --limit 1000
  sievify replay ~ --mail ~/Maildir --json | jq '.differences[]'

Exit status:
  0  every change is explained
  1  one is not, or some mail could not be read
  2  it could not run";

/// Shows what the new script would do with the mail there is
#[derive(Debug, Args)]
#[command(name = "replay", long_about = LONG, after_help = EXAMPLES)]
pub struct ReplayMail {
    #[command(flatten)]
    home: OneHome,

    /// The mail: a Maildir, an mbox file, a directory of messages, a message
    ///
    /// Folders in a Maildir, and directories in a directory, are looked into. Can be
    /// given several times.
    #[arg(long, value_name = "PATH", required = true)]
    mail: Vec<PathBuf>,

    /// Stop after so many messages
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,

    /// Leave out messages that came in before this day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    since: Option<i64>,

    /// Print one object for programs
    #[arg(long)]
    json: bool,

    /// Write a page as well: rules, script, and what became of the mail
    ///
    /// Only its owner can read it. It is written also where the rest is not read to its
    /// end, as by `head`.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn day(text: &str) -> Result<i64, String> {
    let time = format!("{text}T00:00:00Z");
    let date = mail_parser::DateTime::parse_rfc3339(&time).filter(|date| date.is_valid());
    let date = date.ok_or("it is a day, as in 2026-01-31")?;
    Ok(date.to_timestamp())
}

impl ReplayMail {
    pub fn run(&self) -> Result<Status, Failure> {
        for path in &self.mail {
            std::fs::metadata(path).map_err(|error| Failure::input(path, error))?;
        }
        let Translated {
            translation,
            settings,
            target,
            directory,
        } = self.home.translate()?;
        let rules = { translation.sources.iter() }.map(|source| directory.join(&source.path));
        let read: Vec<PathBuf> = rules.chain(self.mail.iter().cloned()).collect();
        // A page that cannot be written is told of before the mail is read.
        let page = self.html.as_deref();
        let page = page.map(|path| Page::at(path, &read)).transpose()?;
        let entries = &translation.report.entries;
        let mut replay = Replay::new(&translation, &settings, &target).map_err(Failure::Script)?;
        let mut mailboxes = Mailboxes::new(&self.mail);
        let bar = bar(&self.mail);
        let mut listing = Listing::default();
        let mut unread = 0;
        let mut too_old = 0;
        let mut written = 0;
        if self.json {
            self.shown(output::result("{\"version\":1,\n\"differences\":["))?;
        }
        while self
            .limit
            .is_none_or(|limit| replay.sums().messages < limit)
        {
            let letter = match mailboxes.next() {
                None => break,
                Some(Ok(letter)) => letter,
                Some(Err(error)) => {
                    unread += 1;
                    bar.suspend(|| output::problem("error", &error.to_string()));
                    continue;
                }
            };
            bar.set_position(mailboxes.bytes());
            if !self.is_asked_for(&letter) {
                too_old += 1;
                continue;
            }
            let Some(difference) = replay.next(&letter) else {
                continue;
            };
            self.shown(bar.suspend(|| match self.json {
                true => {
                    let comma = if written > 0 { "," } else { "" };
                    output::result(&format!("{comma}\n{}", row(&difference, entries)))
                }
                false => output::styled(&replayed::difference(&difference, entries)),
            }))?;
            written += 1;
            listing.push(difference);
        }
        bar.finish_and_clear();
        if replay.sums().messages == 0
            && let Some(why) = self.why_none(too_old, unread)
        {
            output::problem("note", &why);
        }
        let result = Replayed {
            sums: replay.sums().clone(),
            unread,
            listing,
        };
        self.shown(match self.json {
            true => {
                let sums = json::line(&result);
                let sums = sums.strip_prefix('{').unwrap_or(&sums);
                output::result(&format!("\n],\n{sums}\n"))
            }
            false => output::styled(&replayed::table(&result, entries)),
        })?;
        if let Some(page) = page {
            let subject = Subject {
                user: &settings.user,
                target: &target.title,
                replay: Some(&result),
            };
            let text = html::page(subject, &translation.report, &translation.sources);
            page.write(&text)?;
        }
        Ok(match result.sums.unexplained + unread {
            0 => Status::Complete,
            _ => Status::Manual,
        })
    }

    fn is_asked_for(&self, letter: &Letter) -> bool {
        self.since.is_none_or(|since| letter.received() >= since)
    }

    /// Why there was no message to run the rules on.
    fn why_none(&self, too_old: usize, unread: usize) -> Option<String> {
        let named: Vec<String> = { self.mail.iter() }
            .map(|path| path.display().to_string())
            .collect();
        let why = match (too_old, unread) {
            _ if self.limit == Some(0) => "no message of it was asked for (--limit 0)",
            (0, 0) => "no mail was found in it",
            // What could not be read was told of.
            (0, _) => return None,
            _ => "no message in it is as new as --since asks",
        };
        Some(format!("{}: {why}", named.join(", ")))
    }

    /// Where nobody reads what is shown, the page is still to be written.
    fn shown(&self, shown: Result<(), Failure>) -> Result<(), Failure> {
        match shown {
            Err(Failure::Unread) if self.html.is_some() => Ok(()),
            shown => shown,
        }
    }
}

/// The place of the page.
struct Page<'a> {
    path: &'a Path,
    directory: Directory,
    name: &'a str,
}

impl<'a> Page<'a> {
    /// A place where a page can be written, and none of the files that were read.
    fn at(path: &'a Path, read: &[PathBuf]) -> Result<Self, Failure> {
        let refuse = |why: &str| Err(failed(path, io::Error::other(why)));
        let Some(name) = path.file_name() else {
            return Err(failed(path, io::ErrorKind::IsADirectory.into()));
        };
        let Some(name) = name.to_str() else {
            return refuse("its name is not UTF-8");
        };
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(failed(path, io::ErrorKind::IsADirectory.into()));
            }
            Ok(found) if !found.is_file() => return refuse("it is not a regular file"),
            Ok(_) if is_one_of(path, read) || holds_mail(path) => {
                return refuse("it holds rules or mail: name another file");
            }
            _ => {}
        }
        let directory = Directory::around(path).map_err(|error| failed(path, error))?;
        Draft::new(&directory, name).map_err(|error| failed(path, error))?;
        Ok(Page {
            path,
            directory,
            name,
        })
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let written = self.directory.put(self.name, text.as_bytes());
        written.map_err(|error| failed(self.path, error))
    }
}

fn is_one_of(path: &Path, read: &[PathBuf]) -> bool {
    let path = path.canonicalize().ok();
    path.is_some() && read.iter().any(|read| read.canonicalize().ok() == path)
}

/// It may lie in a directory of mail.
fn holds_mail(path: &Path) -> bool {
    Mailboxes::new(&[path.to_owned()]).any(|letter| letter.is_ok())
}

fn failed(path: &Path, error: io::Error) -> Failure {
    let what = path.display().to_string();
    Failure::Output { what, error }
}

/// A bar on a terminal, and nothing elsewhere.
fn bar(mail: &[PathBuf]) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if bar.is_hidden() {
        return bar;
    }
    bar.set_length(Mailboxes::size(mail));
    let style = ProgressStyle::with_template(
        "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
    );
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[derive(Serialize)]
struct Explanation<'a> {
    file: &'a str,
    lines: [usize; 2],
    code: &'a Code,
    message: &'a str,
}

/// A message that goes elsewhere, as a line of JSON.
fn row(difference: &Difference, entries: &[Entry]) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        difference: &'a Difference,
        explanation: Option<Explanation<'a>>,
    }
    let entry = match difference.why {
        Why::Entry(at) => entries.get(at),
        _ => None,
    };
    json::line(&Row {
        difference,
        explanation: entry.map(|entry| Explanation {
            file: &entry.file,
            lines: entry.lines,
            code: &entry.code,
            message: &entry.message,
        }),
    })
}
