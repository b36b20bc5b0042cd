//! In: a format of date(1). Out: the parts of `currentdate` (RFC 5260) that
//! make it up.

use super::Lowering;
use super::value::{compare, set, when};
use crate::sieve::script::{Command, CommandKind, Match, Part, Test, Value};
use crate::sieve::target::Extension;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Lowering<'_> {
    /// The present date in a format, and the commands that find it out; `None`
    /// where Sieve does not know a part of it.
    pub(super) fn date(&mut self, format: &str) -> Option<(Vec<Command>, Value)> {
        let has = |extension| self.target.has(extension);
        if !has(Extension::Date) || !has(Extension::Variables) {
            return None;
        }
        let mut commands = Vec::new();
        let mut value = Value(Vec::new());
        let mut literal = String::new();
        let expanded = format
            .replace("%F", "%Y-%m-%d")
            .replace("%T", "%H:%M:%S")
            .replace("%D", "%m/%d/%y")
            .replace("%h", "%b")
            .replace("%R", "%H:%M");
        let mut chars = expanded.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                literal.push(c);
                continue;
            }
            let part = match chars.next()? {
                '%' => {
                    literal.push('%');
                    continue;
                }
                'Y' => number("year"),
                'y' => ("year2", taken("year2", "year", "??*", "3")),
                'm' => number("month"),
                'd' => number("day"),
                'H' => number("hour"),
                'M' => number("minute"),
                'S' => number("second"),
                'b' => (
                    "month_short",
                    named("month_short", "month", short(&MONTHS), 1),
                ),
                'B' => ("month_name", named("month_name", "month", long(&MONTHS), 1)),
                'a' => ("day_short", named("day_short", "weekday", short(&DAYS), 0)),
                'A' => ("day_name", named("day_name", "weekday", long(&DAYS), 0)),
                'w' => number("weekday"),
                _ => return None,
            };
            let (name, found) = part;
            if !commands.contains(&found) {
                commands.push(found);
            }
            value.0.push(Part::Text(std::mem::take(&mut literal)));
            value.0.push(Part::Variable(name.to_owned()));
        }
        value.0.push(Part::Text(literal));
        value.0.retain(|part| *part != Part::Text(String::new()));
        Some((commands, value))
    }
}

fn number(part: &str) -> (&str, Command) {
    (part, taken(part, part, "*", "1"))
}

/// Puts what a group of `currentdate :matches` holds into a variable.
fn taken(name: &str, part: &str, pattern: &str, group: &str) -> Command {
    let test = Test::CurrentDate {
        compare: compare(Match::Matches),
        part: part.to_owned(),
        keys: vec![Value::text(pattern)],
    };
    let value = Value(vec![Part::Variable(group.to_owned())]);
    when(test, vec![set(name, &[], value)])
}

fn long(names: &[&'static str]) -> Vec<&'static str> {
    names.to_vec()
}

fn short(names: &[&'static str]) -> Vec<&'static str> {
    names.iter().filter_map(|name| name.get(..3)).collect()
}

/// Puts the name of a month or day into a variable.
fn named(name: &str, part: &str, names: Vec<&str>, first: usize) -> Command {
    let width = if first == 1 { 2 } else { 1 };
    let branches = names
        .into_iter()
        .enumerate()
        .map(|(at, text)| {
            let test = Test::CurrentDate {
                compare: compare(Match::Is),
                part: part.to_owned(),
                keys: vec![Value::text(format!("{:0width$}", at + first))],
            };
            (test, vec![set(name, &[], Value::text(text))])
        })
        .collect();
    Command {
        comments: Vec::new(),
        kind: CommandKind::If {
            branches,
            otherwise: None,
        },
    }
}
