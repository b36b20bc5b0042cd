//! In: a [`Report`] and the files it is about. Out: its text for a terminal:
//! the differences that always hold, a diagnostic for each rule that needs a
//! look, the diff between what the user had and what the script carries out,
//! and a summary.
//!
//! The text has ANSI styles; whoever prints it takes them out where they are
//! not wanted. Text from a user's file never brings any of its own.

mod diff;
mod excerpt;
pub mod replayed;

use super::entry::Entry;
use super::{Report, Summary};
use crate::ledger::{Code, Verdict};
use crate::syntax::Source;
use crate::syntax::visible;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use excerpt::Excerpt;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use textwrap::fill;

/// What is different on every Sieve server, for every rule; the long text is
/// `docs/differences.md`.
pub const DIFFERENCES: &[&str] = &[
    "encoded words in a header (=?utf-8?…?=) are decoded before they are compared",
    "a header folded over lines is joined with one blank, where procmail put two, or a blank and a tab",
    "blanks around the value of a header, also the one behind the colon, do not count",
    "the order of header fields cannot be asked, nor text that runs from one into the next",
    "letters beyond ASCII, and bytes that are no UTF-8, are compared as the server sees fit",
    "the case of a field's name does not count, not even where the flag D asks for it",
    "the size of a message is counted without the line that begins it in a mailbox file",
    "a folder gets a message once, and an address too, however often rules put it there",
];

/// Columns of the texts behind a code.
const WIDTH: usize = 78;

const HEADING: Style = Style::new().bold();
const REMOVED: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();

/// The whole report.
pub fn render(report: &Report, sources: &[Source]) -> String {
    let mut out = String::new();
    if report.has_conditions() {
        head(&mut out);
    }
    diagnostics(&mut out, report, sources);
    diff::write(&mut out, report);
    summary(&mut out, &report.summary);
    out
}

fn head(out: &mut String) {
    let _ = writeln!(
        out,
        "{HEADING}In Sieve, the language of the new rules, it holds for every rule that{HEADING:#}"
    );
    for difference in DIFFERENCES {
        let _ = writeln!(out, "  - {difference}");
    }
    out.push('\n');
}

fn diagnostics(out: &mut String, report: &Report, sources: &[Source]) {
    let by_path: HashMap<&str, &Source> = sources
        .iter()
        .map(|source| (source.path.as_str(), source))
        .collect();
    let mut explained = HashSet::new();
    for entry in &report.entries {
        // What is carried out as it was written may not be what was meant.
        let is_remarkable = entry.verdict == Verdict::Exact && entry.code != Code::Translated;
        if entry.verdict < Verdict::Adapted && !is_remarkable {
            continue;
        }
        let source = by_path.get(entry.file.as_str()).copied();
        let is_first = explained.insert(entry.code);
        let _ = writeln!(out, "{}\n", diagnostic(entry, source, is_first));
    }
}

/// One entry as a compiler would show it; what a code means and the help for
/// it stand only where the code comes up first.
fn diagnostic(entry: &Entry, source: Option<&Source>, with_help: bool) -> String {
    let level = match entry.verdict {
        Verdict::Manual => Level::ERROR.with_name("manual"),
        Verdict::Exact => Level::INFO.with_name("exact"),
        _ => Level::WARNING.with_name("adapted"),
    };
    let deciding = entry.findings.first();
    let message = deciding.map_or(entry.message.as_str(), |finding| &finding.message);
    let place = |span: Option<crate::syntax::Span>| {
        span.zip(source)
            .filter(|(span, source)| {
                let (first, last) = source.lines(*span);
                entry.lines[0] <= first && last <= entry.lines[1] && span.start < span.end
            })
            .map(|(span, _)| span.start..span.end)
    };
    let marks: Vec<_> = entry.findings.iter().map(|f| place(f.span)).collect();
    let excerpt = Excerpt::of(entry, source, &marks);
    let whole = excerpt.whole();

    let mut snippet = Snippet::source(excerpt.text)
        .line_start(entry.lines[0])
        .path(visible(&entry.file).into_owned());
    let mut asides = Vec::new();
    for (at, finding) in entry.findings.iter().enumerate() {
        let mark = excerpt.marks.get(at).cloned().flatten();
        match (at, mark) {
            (0, mark) => {
                let mark = mark.unwrap_or_else(|| whole.clone());
                snippet = snippet.annotation(AnnotationKind::Primary.span(mark));
            }
            (_, Some(mark)) => {
                let label = visible(&finding.message);
                snippet = snippet.annotation(AnnotationKind::Context.span(mark).label(label));
            }
            // Several statements of one line may have the same said of them.
            (_, None) if asides.contains(&finding.message.as_str()) => {}
            (_, None) => asides.push(finding.message.as_str()),
        }
    }
    if entry.findings.is_empty() {
        snippet = snippet.annotation(AnnotationKind::Primary.span(whole));
    }
    let mut group = Group::with_title(
        level
            .primary_title(visible(message))
            .id(entry.code.as_str()),
    )
    .element(snippet);
    for aside in asides {
        group = group.element(Level::NOTE.message(visible(aside)));
    }
    if with_help {
        if entry.verdict == Verdict::Manual {
            group = group.element(Level::NOTE.message(fill(entry.code.why(), WIDTH)));
        }
        group = group.element(Level::HELP.message(fill(&visible(&entry.help), WIDTH)));
    }
    Renderer::styled().render(&[group])
}

/// `1 file`, `2 files`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{number} {noun}")
}

fn summary(out: &mut String, summary: &Summary) {
    let total = summary.total();
    let total = counted(total, "rule or setting", "rules and settings");
    let _ = writeln!(out, "{HEADING}{total}:{HEADING:#}");
    for (verdict, count, meaning) in [
        (Verdict::Exact, summary.exact, "does the same as before"),
        (Verdict::Adapted, summary.adapted, "does nearly the same"),
        (Verdict::Dropped, summary.dropped, "not needed any more"),
        (Verdict::Manual, summary.manual, "left out: needs a person"),
    ] {
        if count > 0 {
            let verdict = verdict.as_str();
            let _ = writeln!(out, "{count:>5} {verdict:8} {FAINT}{meaning}{FAINT:#}");
        }
    }
    if summary.adapted + summary.manual > 0 {
        let _ = writeln!(
            out,
            "`sievify explain CODE` says more about a code in brackets."
        );
    }
}
