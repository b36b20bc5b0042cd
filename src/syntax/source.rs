//! In: the bytes of a file. Out: text with a line index, and the spans in it.

use serde::{Deserialize, Serialize};

/// A file that was read: an index into the list of sources of a translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// How the bytes of a file were turned into text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The file is valid UTF-8 (ASCII included).
    #[serde(rename = "utf-8")]
    Utf8,
    /// The file is not UTF-8: every byte became the character of that number.
    #[serde(rename = "latin-1")]
    Latin1,
}

/// A stretch of one file, in bytes of its decoded text; the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The file it lies in.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The decoded text of one file, with what is needed to name places in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Path relative to the home, with `/` between its parts.
    pub path: String,
    /// How [`Source::text`] was decoded.
    pub encoding: Encoding,
    /// The whole text.
    pub text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Decodes the bytes of a file: UTF-8 where valid, else Latin-1.
    pub fn new(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        let (encoding, text) = match String::from_utf8(bytes) {
            Ok(text) => (Encoding::Utf8, text),
            Err(error) => {
                let text = error.into_bytes().iter().map(|&b| b as char).collect();
                (Encoding::Latin1, text)
            }
        };
        let line_starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1))
            .collect();
        Source {
            path: path.into(),
            encoding,
            text,
            line_starts,
        }
    }

    /// The bytes the file had, from a stretch of its decoded text.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Latin1 => text.chars().map(|c| c as u32 as u8).collect(),
        }
    }

    /// The 1-based line in which a byte offset lies.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset)
    }

    /// The first and last line (1-based, inclusive) that a span touches; a
    /// line end at the close of the span does not count as the next line.
    pub fn lines(&self, span: Span) -> (usize, usize) {
        let last = span.end.saturating_sub(1).max(span.start);
        (self.line(span.start), self.line(last))
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// Where a line (from 1) begins, in bytes.
    pub fn line_start(&self, line: usize) -> usize {
        let start = self.line_starts.get(line.saturating_sub(1)).copied();
        start.unwrap_or(self.text.len())
    }

    /// The text of lines `first..=last` (1-based), without the last line end.
    pub fn line_text(&self, first: usize, last: usize) -> &str {
        let start = self.line_starts.get(first.saturating_sub(1)).copied();
        let end = self
            .line_starts
            .get(last)
            .copied()
            .unwrap_or(self.text.len());
        let text = self.text.get(start.unwrap_or(end)..end).unwrap_or("");
        text.strip_suffix('\n').unwrap_or(text)
    }
}
