//! In: a format of date(1). Out: the parts of `currentdate` (RFC 5260) that
//! make it up.

use super::Lowering;
use super::names::NOW;

use crate::rules::program::calendar::{DAYS, MONTHS};
use crate::sieve::script::{Command, CommandKind, Match, Part, Test, Value};
use crate::sieve::target::Extension;

/// `%u` of the days from Sunday on.
const DAYS_FROM_MONDAY: [&str; 7] = ["7", "1", "2", "3", "4", "5", "6"];

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
                'Y' => number("now_year"),
                'y' => ("now_year2", taken("now_year2", "year", "??*", "3")),
                'm' => number("now_month"),
                'd' => number("now_day"),
                'H' => number("now_hour"),
                'M' => number("now_minute"),
                'S' => number("now_second"),
                'b' => (
                    "now_month_short",
                    named("now_month_short", "month", short(&MONTHS), 1),
                ),
                'B' => (
                    "now_month_name",
                    named("now_month_name", "month", long(&MONTHS), 1),
                ),
                'a' => (
                    "now_day_short",
                    named("now_day_short", "weekday", short(&DAYS), 0),
                ),
                'A' => (
                    "now_day_name",
                    named("now_day_name", "weekday", long(&DAYS), 0),
                ),
                'w' => number("now_weekday"),
                'u' => (
                    "now_weekday_iso",
                    named("now_weekday_iso", "weekday", DAYS_FROM_MONDAY.to_vec(), 0),
                ),
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

fn number(name: &'static str) -> (&'static str, Command) {
    let part = name.trim_start_matches(NOW);
    (name, taken(name, part, "*", "1"))
}

/// Puts what a group of `currentdate :matches` holds into a variable.
fn taken(name: &str, part: &str, pattern: &str, group: &str) -> Command {
    let test = Test::CurrentDate {
        compare: Match::Matches.into(),
        part: part.to_owned(),
        keys: vec![Value::text(pattern)],
    };
    let value = Value::variable(group);
    Command::when(test, vec![Command::set(name, &[], value)])
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
                compare: Match::Is.into(),
                part: part.to_owned(),
                keys: vec![Value::text(format!("{:0width$}", at + first))],
            };
            (test, vec![Command::set(name, &[], Value::text(text))])
        })
        .collect();
    Command::from(CommandKind::If {
        branches,
        otherwise: None,
    })
}
