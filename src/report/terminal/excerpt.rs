//! In: an entry, and places in its file. Out: the lines to quote, made visible
//! and cut to a readable size, and where the places lie in them.

use crate::report::entry::Entry;
use crate::syntax::Source;
use crate::syntax::push_visible;
use std::ops::Range;

/// Lines quoted of one entry.
const MAX_LINES: usize = 24;
/// Characters quoted of one line.
const MAX_COLUMNS: usize = 300;

/// Quoted lines.
pub(super) struct Excerpt {
    pub text: String,
    /// The marks asked for, in bytes of the text.
    pub marks: Vec<Option<Range<usize>>>,
}

impl Excerpt {
    /// Quotes the lines of an entry. The marks are in bytes of the source.
    pub fn of(entry: &Entry, source: Option<&Source>, marks: &[Option<Range<usize>>]) -> Self {
        let start = source.map_or(0, |source| source.line_start(entry.lines[0]));
        let mut wanted: Vec<usize> = marks
            .iter()
            .flatten()
            .flat_map(|mark| [mark.start, mark.end])
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut places = Vec::with_capacity(wanted.len());

        let mut text = String::new();
        let mut at = start;
        for line in entry.source.split_inclusive('\n').take(MAX_LINES) {
            for (column, c) in line.chars().enumerate() {
                while wanted.get(places.len()).is_some_and(|&wanted| wanted <= at) {
                    places.push(text.len());
                }
                at += c.len_utf8();
                match (c, column) {
                    ('\n', _) => text.push('\n'),
                    (_, MAX_COLUMNS) => text.push('…'),
                    (_, column) if column > MAX_COLUMNS => {}
                    _ => push_visible(&mut text, c),
                }
            }
        }
        places.resize(wanted.len(), text.len());
        let place = |at: usize| {
            let index = wanted.binary_search(&at).ok()?;
            places.get(index).copied()
        };
        let marks = marks
            .iter()
            .map(|mark| {
                let mark = mark.as_ref()?;
                Some(place(mark.start)?..place(mark.end)?)
            })
            .collect();
        Excerpt { text, marks }
    }

    /// All that is quoted, without the blanks around it.
    pub fn whole(&self) -> Range<usize> {
        let end = self.text.trim_end().len();
        let start = self.text.len() - self.text.trim_start().len();
        start.min(end)..end
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::ledger::Code;
    use crate::ledger::Verdict;

    fn excerpt(text: &str, line: usize, mark: &str) -> (String, String) {
        let source = Source::new("rc", text.as_bytes().to_vec());
        let entry = Entry {
            file: "rc".to_owned(),
            lines: [line, line],
            source: source.line_text(line, line).to_owned(),
            verdict: Verdict::Manual,
            code: Code::Translated,
            message: String::new(),
            help: String::new(),
            findings: Vec::new(),
        };
        let start = text.find(mark).unwrap();
        let excerpt = Excerpt::of(&entry, Some(&source), &[Some(start..start + mark.len())]);
        let mark = excerpt.marks[0].clone().unwrap();
        let marked = excerpt.text[mark].to_owned();
        (excerpt.text, marked)
    }

    #[test]
    fn marks_move_with_what_is_made_visible() {
        let (text, marked) = excerpt("first\n\x1b\x1b* ä\x07 x\n", 2, "ä\x07");
        assert_eq!(text, "␛␛* ä␇ x");
        assert_eq!(marked, "ä␇");
    }

    #[test]
    fn long_lines_are_cut() {
        let long = format!("{}end", "x".repeat(100_000));
        let (text, marked) = excerpt(&long, 1, "end");
        assert_eq!(text.chars().count(), MAX_COLUMNS + 1);
        assert_eq!(marked, "");
    }
}
