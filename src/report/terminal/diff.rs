//! In: a [`Report`]. Out: the diff between the rules as they were and what of
//! them the script carries out, file by file.

use super::{FAINT, HEADING, REMOVED};
use crate::ledger::Verdict;
use crate::report::Report;
use crate::report::entry::Entry;
use crate::syntax::visible;
use similar::{Algorithm, ChangeTag, capture_diff_slices, group_diff_ops};
use std::fmt::Write as _;

/// Lines shown around what was left behind.
const CONTEXT: usize = 2;
/// Characters shown of a line.
const MAX_COLUMNS: usize = 160;

/// A line of the rules. The number tells lines of the same text apart, so that
/// the diff never marks the wrong one of two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Line<'e> {
    number: usize,
    entry: usize,
    text: &'e str,
}

pub(super) fn write(out: &mut String, report: &Report) {
    if report
        .entries
        .iter()
        .all(|entry| entry.verdict.is_carried_out())
    {
        return;
    }
    let mut rest = report.entries.as_slice();
    while let Some(first) = rest.first() {
        let length = rest
            .iter()
            .position(|entry| entry.file != first.file)
            .unwrap_or(rest.len());
        let (entries, other) = rest.split_at(length);
        write_file(out, &first.file, entries);
        rest = other;
    }
}

fn write_file(out: &mut String, file: &str, entries: &[Entry]) {
    let old: Vec<Line> = lines(entries).collect();
    let is_kept = |line: &Line| {
        entries
            .get(line.entry)
            .is_some_and(|entry| entry.verdict.is_carried_out())
    };
    let new: Vec<Line> = old.iter().copied().filter(is_kept).collect();
    let hunks = group_diff_ops(capture_diff_slices(Algorithm::Myers, &old, &new), CONTEXT);
    if hunks.is_empty() {
        return;
    }
    let file = visible(file);
    let _ = writeln!(out, "{HEADING}--- {file}: your rules{HEADING:#}");
    let _ = writeln!(
        out,
        "{HEADING}+++ {file}: what of them the script carries out{HEADING:#}"
    );
    let width = old.last().map_or(1, |line| line.number.to_string().len());
    let omitted = format!("{FAINT}{:>width$}{FAINT:#}\n", "⋮");
    let mut shown = 0;
    for hunk in &hunks {
        let begins = hunk.first().map_or(shown, |op| op.old_range().start);
        if begins > shown {
            out.push_str(&omitted);
        }
        for change in hunk.iter().flat_map(|op| op.iter_changes(&old, &new)) {
            write_line(out, width, change.tag(), &change.value(), entries);
        }
        shown = hunk.last().map_or(shown, |op| op.old_range().end);
    }
    if shown < old.len() {
        out.push_str(&omitted);
    }
    out.push('\n');
}

fn lines(entries: &[Entry]) -> impl Iterator<Item = Line<'_>> {
    entries.iter().enumerate().flat_map(|(at, entry)| {
        entry
            .source
            .split('\n')
            .enumerate()
            .map(move |(offset, text)| Line {
                number: entry.lines[0] + offset,
                entry: at,
                text,
            })
    })
}

fn write_line(out: &mut String, width: usize, tag: ChangeTag, line: &Line, entries: &[Entry]) {
    let Some(entry) = entries.get(line.entry) else {
        return;
    };
    let number = line.number;
    let end = line.text.char_indices().nth(MAX_COLUMNS);
    let cut = end.map_or(line.text, |(end, _)| &line.text[..end]);
    let more = if end.is_some() { "…" } else { "" };
    let text = visible(cut.trim_end());
    // The lines of one entry share its fate; the first one names it.
    let fate = match number == entry.lines[0] && entry.verdict != Verdict::Exact {
        true => format!(
            "   {FAINT}← {}: {}{FAINT:#}",
            entry.verdict.as_str(),
            entry.code.as_str()
        ),
        false => String::new(),
    };
    let (sign, style) = match (tag, entry.verdict) {
        (ChangeTag::Equal, _) => (' ', anstyle::Style::new()),
        (_, Verdict::Dropped) => ('-', FAINT),
        _ => ('-', REMOVED),
    };
    let _ = writeln!(
        out,
        "{FAINT}{number:>width$}{FAINT:#} {style}{sign} {text}{more}{style:#}{fate}"
    );
}
