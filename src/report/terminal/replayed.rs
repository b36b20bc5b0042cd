//! In: what a replay came to. Out: its text for a terminal: each message that
//! goes elsewhere, then the places and the sums.

use super::{FAINT, counted};
use crate::report::entry::Entry;
use crate::report::replayed::{Difference, Replayed, Why};
use crate::sieve::origin;
use crate::syntax::visible;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use textwrap::core::display_width;

const STRONG: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// A message that goes elsewhere, on a few lines.
pub fn difference(difference: &Difference, entries: &[Entry]) -> String {
    let mut text = String::new();
    let or = |text: &str, otherwise: &str| match text {
        "" => otherwise.to_owned(),
        text => line(text),
    };
    let subject = or(&difference.subject, "(no subject)");
    let from = or(&difference.from, "(no sender)");
    let date = or(&difference.date, "(no date)");
    let _ = writeln!(text, "{STRONG}{subject}{STRONG:#}");
    let _ = writeln!(text, "  {FAINT}{date}{FAINT:#}  {from}");
    let _ = writeln!(text, "  before  {}", line(&difference.before()));
    let _ = writeln!(text, "  after   {}", line(&difference.after()));
    let entry = match difference.why {
        Why::Entry(at) => entries.get(at),
        _ => None,
    };
    let _ = match (difference.why, entry) {
        (_, Some(entry)) => {
            let (place, message) = (place(entry), line(&entry.message));
            let code = entry.code.as_str();
            writeln!(text, "  why     {place}: {message} ({code})")
        }
        (Why::Unexplained, _) => {
            let words = Why::Unexplained.words();
            writeln!(text, "  {ERROR}error{ERROR:#}   {words}")
        }
        (why, _) => writeln!(text, "  why     {}", why.words()),
    };
    text.push('\n');
    text
}

/// Where the statements of an entry stand.
fn place(entry: &Entry) -> String {
    format!("{}:{}", line(&entry.file), origin::shown(entry.lines))
}

/// All places, the sums, and how many messages go elsewhere for which reason.
pub fn table(replayed: &Replayed, entries: &[Entry]) -> String {
    let sums = &replayed.sums;
    let names: Vec<String> = sums
        .places
        .keys()
        .map(|place| line(&place.to_string()))
        .collect();
    let width = names.iter().map(|name| display_width(name)).max();
    let width = width.unwrap_or(0).max("place".len());
    let pad = |name: &str| " ".repeat(width.saturating_sub(display_width(name)));
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{FAINT}place{}  before   after{FAINT:#}",
        pad("place")
    );
    for (name, (before, after)) in names.iter().zip(sums.places.values()) {
        let style = match before == after {
            true => Style::new(),
            false => STRONG,
        };
        let _ = writeln!(
            text,
            "{style}{name}{}  {before:6}  {after:6}{style:#}",
            pad(name)
        );
    }
    let _ = writeln!(
        text,
        "\n{}: {} to the same place as before, {} elsewhere",
        counted(sums.messages, "message", "messages"),
        sums.same,
        sums.changed()
    );
    for (why, reason) in replayed.listing.reasons() {
        let words = match why {
            Why::Entry(at) => entries.get(at).map_or(String::new(), |entry| {
                format!("{} ({})", place(entry), entry.code.as_str())
            }),
            Why::Unexplained => continue,
            why => why.words().to_owned(),
        };
        let _ = writeln!(text, "{:6}  {words}", reason.count);
    }
    if sums.unexplained > 0 {
        let _ = writeln!(
            text,
            "{ERROR}error:{ERROR:#} {} of these have no explanation in the report",
            sums.unexplained
        );
    }
    if replayed.unread > 0 {
        let unread = counted(replayed.unread, "file", "files");
        let _ = writeln!(text, "{ERROR}error:{ERROR:#} {unread} could not be read");
    }
    text
}

/// Text of a message on one line, its control characters shown.
fn line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::replayed::Place;
    use std::collections::BTreeSet;

    #[test]
    fn no_mail_moves_the_cursor() {
        let hostile = "\x1b[2J\r\u{9b}31m\u{202e}<b>\n\x07";
        let place = Place::Folder(hostile.to_owned());
        let message = Difference {
            from: hostile.to_owned(),
            subject: hostile.to_owned(),
            date: String::new(),
            before: BTreeSet::from([place.clone()]),
            after: BTreeSet::from([Place::Deleted]),
            why: Why::Everywhere,
        };
        let mut replayed = Replayed::default();
        replayed.sums.places.insert(place, (1, 0));
        let text = difference(&message, &[]) + &table(&replayed, &[]);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(!plain.contains(|c: char| c.is_control() && c != '\n'));
        assert!(!plain.contains('\u{202e}'));
        assert_eq!(plain.matches("␛[2J␍\\u{9b}31m\\u{202e}<b> ␇").count(), 4);
        assert!(plain.contains("(no date)"));
    }
}
