//! In: the report on one home and its files. Out: the page for its user.

use super::Policy;
use super::replay::{Tried, or};
use crate::ledger::{Code, Verdict};
use crate::report::Report;
use crate::report::entry::Entry;
use crate::report::replayed::Replayed;
use crate::report::terminal::DIFFERENCES;
use crate::rules::model::Format;
use crate::sieve::origin::{Origin, Stretch};
use crate::syntax::{Encoding, Source};
use askama::Template;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// Lines of a rule that stand beside its explanation; all of it is in its file.
const MAX_EXCERPT: usize = 12;

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::of(include_str!("../../../templates/report.js")));

/// What a page is about, beside the report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// The login name, or the home, as a heading.
    pub user: &'a str,
    /// The server the script is for, as a heading.
    pub target: &'a str,
    /// What a replay came to, where one was run.
    pub replay: Option<&'a Replayed>,
}

/// The page of one user.
pub fn page(subject: Subject, report: &Report, sources: &[Source]) -> String {
    let links = Links::new(report);
    Page {
        policy: &POLICY,
        subject,
        report,
        reasons: [
            Verdict::Manual,
            Verdict::Adapted,
            Verdict::Dropped,
            Verdict::Exact,
        ]
        .map(|verdict| reasons(verdict, &report.entries)),
        files: files(report, sources, &links),
        script: script(report, &links),
        replay: subject.replay.map(|replayed| Tried::new(replayed, report)),
    }
    .render()
    .unwrap_or_default()
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    policy: &'static Policy,
    subject: Subject<'a>,
    report: &'a Report,
    /// Manual, adapted, dropped, exact.
    reasons: [Vec<Reason<'a>>; 4],
    files: Vec<File<'a>>,
    script: Vec<Piece<'a>>,
    replay: Option<Tried<'a>>,
}

/// A message as a sentence. One that begins with a text of the user's stays.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// How a verdict is shown.
trait Shown {
    fn class(self) -> &'static str;
    fn word(self) -> &'static str;
}

impl Shown for Verdict {
    fn class(self) -> &'static str {
        self.as_str()
    }

    fn word(self) -> &'static str {
        match self {
            Verdict::Exact => "as before",
            Verdict::Adapted => "differs",
            Verdict::Dropped => "not needed",
            Verdict::Manual => "needs you",
        }
    }
}

/// A code, and the entries that have it.
struct Reason<'a> {
    code: Code,
    items: Vec<Item<'a>>,
}

/// An entry with its place in the report.
pub(super) struct Item<'a> {
    pub at: usize,
    pub entry: &'a Entry,
}

impl Item<'_> {
    fn place(&self) -> String {
        match self.entry.lines {
            [first, last] if first == last => format!("{}, line {first}", self.entry.file),
            [first, last] => format!("{}, lines {first}–{last}", self.entry.file),
        }
    }

    /// Where the page says more: the explanation, or the rule itself.
    fn anchor(&self) -> String {
        match self.entry.verdict {
            Verdict::Exact => format!("r{}", self.at),
            _ => format!("e{}", self.at),
        }
    }

    fn excerpt(&self) -> String {
        let lines: Vec<_> = self.entry.source.lines().take(MAX_EXCERPT).collect();
        lines.join("\n")
    }

    fn is_cut(&self) -> bool {
        self.entry.source.lines().nth(MAX_EXCERPT).is_some()
    }

    /// What the entry says beyond its code.
    fn message(&self) -> Option<&str> {
        let message = self.entry.message.as_str();
        (message != self.entry.code.title()).then_some(message)
    }

    /// Help for this very place.
    fn help(&self) -> Option<&str> {
        let help = self.entry.help.as_str();
        (help != self.entry.code.help()).then_some(help)
    }
}

/// The reasons for a verdict, the most frequent first.
fn reasons(verdict: Verdict, entries: &[Entry]) -> Vec<Reason<'_>> {
    let mut by_code: BTreeMap<Code, Vec<Item>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if entry.verdict == verdict {
            by_code
                .entry(entry.code)
                .or_default()
                .push(Item { at, entry });
        }
    }
    let mut reasons: Vec<_> = by_code
        .into_iter()
        .map(|(code, items)| Reason { code, items })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.items.len()));
    reasons
}

/// Which entries and which stretches of the script belong together.
struct Links<'a> {
    report: &'a Report,
    /// For each stretch, its entries.
    entries: Vec<Vec<usize>>,
    /// For each entry, its stretches.
    backward: Vec<Vec<usize>>,
    /// The entries of each file, in line order.
    by_file: HashMap<&'a str, Vec<(usize, [usize; 2])>>,
}

impl<'a> Links<'a> {
    fn stretches(&self) -> &'a [Stretch] {
        &self.report.map.stretches
    }

    fn new(report: &'a Report) -> Self {
        let mut by_file: HashMap<&'a str, Vec<(usize, [usize; 2])>> = HashMap::new();
        for (at, entry) in report.entries.iter().enumerate() {
            by_file
                .entry(entry.file.as_str())
                .or_default()
                .push((at, entry.lines));
        }
        by_file
            .values_mut()
            .for_each(|entries| entries.sort_by_key(|(_, lines)| *lines));
        let mut links = Links {
            report,
            entries: Vec::new(),
            backward: vec![Vec::new(); report.entries.len()],
            by_file,
        };
        for (at, stretch) in report.map.stretches.iter().enumerate() {
            let origins = stretch.origins.iter();
            let mut entries: Vec<usize> = origins.flat_map(|origin| links.of(origin)).collect();
            entries.sort_unstable();
            entries.dedup();
            for &entry in &entries {
                if let Some(backward) = links.backward.get_mut(entry) {
                    backward.push(at);
                }
            }
            links.entries.push(entries);
        }
        links
    }

    /// The entries on the lines of an origin.
    fn of(&self, origin: &Origin) -> Vec<usize> {
        let file = self.report.files.get(origin.file.0 as usize);
        let entries = file.and_then(|file| self.by_file.get(file.path.as_str()));
        let entries = entries.map_or(&[][..], Vec::as_slice);
        let from = entries.partition_point(|(_, lines)| lines[1] < origin.lines[0]);
        entries
            .iter()
            .skip(from)
            .take_while(|(_, lines)| lines[0] <= origin.lines[1])
            .map(|(at, _)| *at)
            .collect()
    }
}

/// A file with what became of its lines.
struct File<'a> {
    path: &'a str,
    encoding: Encoding,
    blocks: Vec<Block<'a>>,
}

/// Lines that belong together: those of an entry, or those of none.
struct Block<'a> {
    rule: Option<Rule>,
    lines: Vec<&'a str>,
}

struct Rule {
    at: usize,
    verdict: Verdict,
    /// Its stretches: the number, and the first line.
    to: Vec<(usize, usize)>,
}

impl Rule {
    fn ids(&self) -> String {
        ids('s', self.to.iter().map(|(stretch, _)| *stretch))
    }
}

fn ids(letter: char, numbers: impl Iterator<Item = usize>) -> String {
    let ids: Vec<_> = numbers.map(|number| format!("{letter}{number}")).collect();
    ids.join(" ")
}

fn files<'a>(report: &'a Report, sources: &'a [Source], links: &Links) -> Vec<File<'a>> {
    let mut of_file: HashMap<&str, Vec<(usize, &Entry)>> = HashMap::new();
    for (at, entry) in report.entries.iter().enumerate() {
        of_file
            .entry(entry.file.as_str())
            .or_default()
            .push((at, entry));
    }
    sources
        .iter()
        .map(|source| File {
            path: &source.path,
            encoding: source.encoding,
            blocks: blocks(
                source,
                of_file.get(source.path.as_str()).map_or(&[], Vec::as_slice),
                links,
            ),
        })
        .collect()
}

fn blocks<'a>(source: &'a Source, entries: &[(usize, &Entry)], links: &Links) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut rest = entries.iter().peekable();
    for (number, line) in source.text.split_terminator('\n').enumerate() {
        let number = number + 1;
        while rest.next_if(|(_, entry)| entry.lines[1] < number).is_some() {}
        let rule = rest.peek().filter(|(_, entry)| entry.lines[0] <= number);
        let at = rule.map(|(at, _)| *at);
        match blocks.last_mut() {
            Some(last) if last.rule.as_ref().map(|rule| rule.at) == at => last.lines.push(line),
            _ => blocks.push(Block {
                rule: rule.map(|(at, entry)| Rule {
                    at: *at,
                    verdict: entry.verdict,
                    to: links
                        .backward
                        .get(*at)
                        .into_iter()
                        .flatten()
                        .filter_map(|to| Some((*to, links.stretches().get(*to)?.lines[0] + 1)))
                        .collect(),
                }),
                lines: vec![line],
            }),
        }
    }
    blocks
}

/// A piece of the script as it is written.
enum Piece<'a> {
    /// A stretch begins; its number and its rules.
    Open(usize, String),
    /// The innermost stretch ends.
    Close,
    /// A line.
    Line(&'a str),
    /// A comment that names origins: what stands before them, the origins, and
    /// the first entry there.
    Origin(&'a str, &'a str, usize),
}

fn script<'a>(report: &'a Report, links: &Links) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut next = links.stretches().iter().enumerate().peekable();
    let mut ends: Vec<usize> = Vec::new();
    for (number, line) in report.script.lines().enumerate() {
        while let Some((at, stretch)) = next.next_if(|(_, one)| one.lines[0] <= number) {
            let entries = links.entries.get(at).map_or(&[][..], Vec::as_slice);
            pieces.push(Piece::Open(at, ids('r', entries.iter().copied())));
            ends.push(stretch.lines[1]);
        }
        let origin = report.map.comments.get(&number);
        let entry = origin.and_then(|origin| links.of(origin).first().copied());
        pieces.push(match (entry, line.split_once("# ")) {
            (Some(entry), Some((indent, origin))) => Piece::Origin(indent, origin, entry),
            _ => Piece::Line(line),
        });
        while ends.pop_if(|end| *end <= number).is_some() {
            pieces.push(Piece::Close);
        }
    }
    pieces.extend(ends.iter().map(|_| Piece::Close));
    pieces
}

fn format_word(format: Format) -> &'static str {
    match format {
        Format::Mbox => "one file (mbox)",
        Format::Maildir => "Maildir",
        Format::Mh => "MH folder",
        Format::Directory => "directory",
        Format::Null => "nowhere",
    }
}
