//! `sievify replay`. In: one home, and its user's mail. Out: what the new script
//! would do with that mail, beside what the old rules did.

use super::failure::Failure;
use super::home::{OneHome, Translated};
use super::{Status, output};
use anstyle::{AnsiColor, Style};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use sievify::replay::{Difference, Letter, Mailboxes, Place, Replay, Sums, Why};
use sievify::report::code::Code;
use sievify::report::entry::Entry;
use sievify::report::visible;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

const LONG: &str = "\
Runs the old rules and the new script on mail, and shows what would change.

Every message that would go elsewhere is listed, with the place where the old
rules put it, the place where the script puts it, and the entry of the report
that says why. Then come all places, with the number of messages before and
after. A change that nothing in the report explains is a fault of sievify: it is
printed as an error, and sets the exit status.

Nothing is delivered, sent, moved or run: programs that the rules call are only
thought through, and those that sievify does not know are taken to succeed.";

const EXAMPLES: &str = "\
Examples:
  sievify replay ~ --mail ~/Maildir
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
    /// Folders in a Maildir, and directories in a directory, are looked into.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
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
            options,
            ..
        } = self.home.translate()?;
        let entries = &translation.report.entries;
        let mut replay = Replay::new(&translation, &settings, &options).map_err(Failure::Script)?;
        let mut mailboxes = Mailboxes::new(&self.mail);
        let bar = bar(&self.mail);
        let mut differences = Vec::new();
        let mut unread = 0;
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
                continue;
            }
            let Some(difference) = replay.next(&letter) else {
                continue;
            };
            match self.json {
                true => differences.push(difference),
                false => bar.suspend(|| output::styled(&shown(&difference, entries)))?,
            }
        }
        bar.finish_and_clear();
        let sums = replay.sums();
        match self.json {
            true => output::result(&json(sums, &differences, entries))?,
            false => output::styled(&table(sums))?,
        }
        Ok(match sums.unexplained + unread {
            0 => Status::Complete,
            _ => Status::Manual,
        })
    }

    fn is_asked_for(&self, letter: &Letter) -> bool {
        self.since.is_none_or(|since| letter.received() >= since)
    }
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

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// A message that goes elsewhere, on a few lines.
fn shown(difference: &Difference, entries: &[Entry]) -> String {
    let Difference {
        from,
        subject,
        date,
        before,
        after,
        ..
    } = difference;
    let mut text = String::new();
    let _ = writeln!(text, "{STRONG}{}{STRONG:#}", line(subject));
    let _ = writeln!(text, "  {FAINT}{date}{FAINT:#}  {}", line(from));
    let _ = writeln!(text, "  before  {}", line(&joined(before)));
    let _ = writeln!(text, "  after   {}", line(&joined(after)));
    let _ = match explanation(difference.why, entries) {
        Some(Explanation {
            file,
            lines: [first, last],
            code,
            message,
        }) => {
            let lines = match first == last {
                true => first.to_string(),
                false => format!("{first}-{last}"),
            };
            let (file, message) = (line(file), line(message));
            writeln!(
                text,
                "  why     {file}:{lines}: {message} ({})",
                code.as_str()
            )
        }
        None if difference.why == Why::Everywhere => writeln!(
            text,
            "  why     a Sieve server unfolds and decodes header fields, and procmail did not"
        ),
        None => writeln!(
            text,
            "  {ERROR}error{ERROR:#}   nothing in the report says why: a fault of sievify, please report it"
        ),
    };
    text.push('\n');
    text
}

/// All places, and the sums.
fn table(sums: &Sums) -> String {
    let names: Vec<String> = sums
        .places
        .keys()
        .map(|place| line(&place.to_string()))
        .collect();
    let width = names
        .iter()
        .map(|name| textwrap::core::display_width(name))
        .max();
    let width = width.unwrap_or(0).max(5);
    let mut text = String::new();
    let pad = |name: &str| " ".repeat(width.saturating_sub(textwrap::core::display_width(name)));
    let _ = writeln!(
        text,
        "{FAINT}place{}  before   after{FAINT:#}",
        pad("place")
    );
    for (name, (before, after)) in names.iter().zip(sums.places.values()) {
        let style = if before == after {
            Style::new()
        } else {
            STRONG
        };
        let _ = writeln!(
            text,
            "{style}{name}{}  {before:6}  {after:6}{style:#}",
            pad(name)
        );
    }
    let changed = sums.messages - sums.same;
    let _ = writeln!(
        text,
        "\n{} messages: {} go where they went, {changed} do not",
        sums.messages, sums.same
    );
    if sums.unexplained > 0 {
        let _ = writeln!(
            text,
            "{ERROR}error:{ERROR:#} {} of these have no explanation in the report",
            sums.unexplained
        );
    }
    text
}

/// Text of a message on one line, its control characters shown.
fn line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

fn joined(places: &BTreeSet<Place>) -> String {
    let places: Vec<String> = places.iter().map(Place::to_string).collect();
    places.join(", ")
}

#[derive(Serialize)]
struct Explanation<'a> {
    file: &'a str,
    lines: [usize; 2],
    code: &'a Code,
    message: &'a str,
}

fn explanation(why: Why, entries: &[Entry]) -> Option<Explanation<'_>> {
    let Why::Entry(index) = why else { return None };
    let entry = entries.get(index)?;
    Some(Explanation {
        file: &entry.file,
        lines: entry.lines,
        code: &entry.code,
        message: &entry.message,
    })
}

fn json(sums: &Sums, differences: &[Difference], entries: &[Entry]) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        difference: &'a Difference,
        explanation: Option<Explanation<'a>>,
    }
    #[derive(Serialize)]
    struct Object<'a> {
        version: u32,
        #[serde(flatten)]
        sums: &'a Sums,
        differences: Vec<Row<'a>>,
    }
    let object = Object {
        version: 1,
        sums,
        differences: differences
            .iter()
            .map(|difference| Row {
                difference,
                explanation: explanation(difference.why, entries),
            })
            .collect(),
    };
    let json = serde_json::to_string_pretty(&object).unwrap_or_default();
    format!("{json}\n")
}
