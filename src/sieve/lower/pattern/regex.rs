//! In: a term within one line. Out: a regular expression for `:regex` that
//! means the same on the target.
//!
//! Only what POSIX and Perl have in common is written: no names of classes, no
//! counts, escapes of signs alone. Two things differ, and need the dialect:
//! whose business case is, and `[` in a bracket.

use super::capture::Front;
use super::glob::single;
use super::term::{Line, is_any, is_anything};
use crate::rules::expression::{ByteSet, Regex};
pub(super) use crate::sieve::target::RegexDialect as Dialect;
use std::cell::Cell;

/// The expression; `None` where it cannot be written in UTF-8.
pub(super) fn written(line: &Line, ignores_case: bool, dialect: Dialect) -> Option<String> {
    let writer = Writer::new(ignores_case, dialect, false);
    let mut out = String::new();
    let factors = match line.factors.split_first() {
        Some((first, rest)) if is_anything(first) => rest,
        _ => {
            out.push('^');
            &line.factors
        }
    };
    match factors.split_first() {
        // The beginning of the value, or a class.
        Some((Regex::Alternate(front), rest)) if front.iter().any(is_end) => {
            writer.ends(front, '^', &mut out)?;
            writer.sequence(rest, &mut out)?;
        }
        _ => writer.sequence(factors, &mut out)?,
    }
    if line.closed {
        out.push('$');
    }
    Some(writer.cased(out))
}

/// The same for a text of several lines.
pub(super) fn of_lines(factors: &[Regex], ignores_case: bool, dialect: Dialect) -> Option<String> {
    let writer = Writer::new(ignores_case, dialect, true);
    let mut out = String::new();
    let rest = match factors.split_first() {
        Some((first, rest)) if is_end(first) => {
            out.push_str("(^|[");
            out.push_str(writer.line_end());
            out.push_str("])");
            rest
        }
        _ => factors,
    };
    writer.sequence(rest, &mut out)?;
    Some(writer.cased(out))
}

/// The same from the beginning of the text, or for the whole of it.
pub(super) fn at_edge(
    factors: &[Regex],
    closed: bool,
    ignores_case: bool,
    dialect: Dialect,
) -> Option<String> {
    let writer = Writer::new(ignores_case, dialect, true);
    let mut out = "^".to_owned();
    writer.sequence(factors, &mut out)?;
    if closed {
        out.push('$');
    }
    Some(writer.cased(out))
}

/// The expression with a group around what stands behind `\/`, and the number of
/// that group.
pub(super) fn captured(
    front: &Front,
    back: &Line,
    ignores_case: bool,
    dialect: Dialect,
) -> Option<(String, usize)> {
    let writer = Writer::new(ignores_case, dialect, false);
    let mut out = String::new();
    match front {
        Front::Fixed(factors) => {
            out.push('^');
            writer.sequence(factors, &mut out)?;
        }
        Front::Searched {
            fixed,
            at_start: false,
        } => writer.sequence(fixed, &mut out)?,
        Front::Searched {
            fixed,
            at_start: true,
        } => {
            let (first, rest) = fixed.split_first()?;
            writer.ends(std::slice::from_ref(first), '^', &mut out)?;
            writer.sequence(rest, &mut out)?;
        }
    }
    writer.open(&mut out);
    let group = writer.groups.get();
    writer.sequence(&back.factors, &mut out)?;
    out.push(')');
    if back.closed {
        out.push('$');
    }
    Some((writer.cased(out), group))
}

/// A newline stands for an end of the value.
fn is_end(regex: &Regex) -> bool {
    matches!(regex, Regex::Class(set) if *set == ByteSet::of(b'\n'))
}

struct Writer {
    ignores_case: bool,
    dialect: Dialect,
    /// The text has several lines, and `.` must not leave one.
    lines: bool,
    /// How many groups were opened.
    groups: Cell<usize>,
}

impl Writer {
    fn new(ignores_case: bool, dialect: Dialect, lines: bool) -> Self {
        Writer {
            ignores_case,
            dialect,
            lines,
            groups: Cell::new(0),
        }
    }

    fn open(&self, out: &mut String) {
        self.groups.set(self.groups.get() + 1);
        out.push('(');
    }

    fn cased(&self, mut out: String) -> String {
        let letters = out.bytes().any(|byte| byte.is_ascii_alphabetic());
        if self.dialect == Dialect::Perl && self.ignores_case && letters {
            out.insert_str(0, "(?i)");
        }
        out
    }

    /// Both characters that may end a line, for a bracket. POSIX knows no
    /// escapes for them, and Sieve reads a line end in a string as CRLF.
    fn line_end(&self) -> &'static str {
        match self.dialect {
            Dialect::Posix => "\r\n",
            Dialect::Perl => r"\r\n",
        }
    }

    /// What may stand at an end of the value, or the end itself.
    fn ends(&self, ends: &[Regex], sign: char, out: &mut String) -> Option<()> {
        let classes = ends.iter().filter(|end| !is_end(end));
        let mut written = Vec::new();
        for class in classes {
            let mut text = String::new();
            self.sequence(std::slice::from_ref(class), &mut text)?;
            written.push(text);
        }
        match sign {
            '^' => written.insert(0, sign.to_string()),
            _ => written.push(sign.to_string()),
        }
        self.open(out);
        out.push_str(&written.join("|"));
        out.push(')');
        Some(())
    }

    fn sequence(&self, factors: &[Regex], out: &mut String) -> Option<()> {
        let mut literal = Vec::new();
        let mut factors = factors.iter().peekable();
        while let Some(factor) = factors.next() {
            if let Regex::Class(set) = factor
                && let Some(byte) = single(set, self.ignores_case)
                && byte != b'\n'
            {
                literal.push(byte);
                continue;
            }
            literal_text(&mut literal, out)?;
            if !self.lines && is_any(factor) && factors.next_if(|next| is_anything(next)).is_some()
            {
                out.push_str(".+");
                continue;
            }
            self.factor(factor, out)?;
        }
        literal_text(&mut literal, out)
    }

    fn factor(&self, factor: &Regex, out: &mut String) -> Option<()> {
        match factor {
            _ if is_any(factor) && !self.lines => out.push('.'),
            _ if is_end(factor) => {
                self.open(out);
                out.push('[');
                out.push_str(self.line_end());
                out.push_str("]+|$)");
            }
            // The text may end there without an end of the line.
            Regex::Class(set) if self.lines && set.contains(b'\n') => {
                self.open(out);
                self.bracket(set, out)?;
                out.push_str("|$)");
            }
            Regex::Class(set) => self.bracket(set, out)?,
            Regex::Concat(inner) => self.sequence(inner, out)?,
            Regex::Alternate(inner) if !self.lines && inner.iter().any(is_end) => {
                self.ends(inner, '$', out)?
            }
            Regex::Alternate(inner) => return self.alternate(inner, out),
            Regex::Star(inner) => self.repeated(inner, '*', out)?,
            Regex::Plus(inner) => self.repeated(inner, '+', out)?,
            Regex::Optional(inner) => self.repeated(inner, '?', out)?,
            Regex::Edge => return None,
            Regex::Split => {}
        }
        Some(())
    }

    /// An empty alternative is written as `(…)?`.
    fn alternate(&self, alternatives: &[Regex], out: &mut String) -> Option<()> {
        let mut written = Vec::new();
        let mut optional = false;
        for each in alternatives {
            let mut text = String::new();
            let groups = self.groups.get();
            self.sequence(std::slice::from_ref(each), &mut text)?;
            match text.is_empty() {
                true => optional = true,
                false if written.contains(&text) => self.groups.set(groups),
                false => written.push(text),
            }
        }
        if written.is_empty() {
            return Some(());
        }
        self.open(out);
        out.push_str(&written.join("|"));
        out.push(')');
        if optional {
            out.push('?');
        }
        Some(())
    }

    fn repeated(&self, inner: &Regex, sign: char, out: &mut String) -> Option<()> {
        let mut text = String::new();
        self.sequence(std::slice::from_ref(inner), &mut text)?;
        let one = match inner {
            Regex::Class(_) => true,
            Regex::Concat(parts) => matches!(parts.as_ref(), [Regex::Class(_)]),
            // Written as a group, unless it has an empty alternative.
            Regex::Alternate(_) => text.ends_with(')') && !text.is_empty(),
            _ => false,
        };
        match (text.is_empty(), one) {
            (true, _) => return Some(()),
            (_, true) => out.push_str(&text),
            (_, false) => {
                self.open(out);
                out.push_str(&text);
                out.push(')');
            }
        }
        out.push(sign);
        Some(())
    }

    /// Bytes that are no ASCII are in it all or not at all: they are parts of
    /// characters.
    fn bracket(&self, set: &ByteSet, out: &mut String) -> Option<()> {
        let negated = match set.iter().filter(|byte| !byte.is_ascii()).count() {
            0 => false,
            128 => true,
            _ => return None,
        };
        let mut listed = match negated {
            true => set.complement(),
            false => *set,
        };
        for never in [b'\n', b'\r', b'\0'] {
            listed.remove(never);
        }
        if self.ignores_case {
            for byte in b'A'..=b'Z' {
                if listed.contains(byte.to_ascii_lowercase()) {
                    listed.remove(byte);
                }
            }
        }
        let within = self.lines && negated && !set.contains(b'\n');
        if listed.is_empty() && !within {
            out.push('.');
            return negated.then_some(());
        }
        if let Some(byte) = single(&listed, self.ignores_case).filter(|_| !negated) {
            return literal_text(&mut vec![byte], out);
        }
        out.push_str(if negated { "[^" } else { "[" });
        self.members(&listed, negated || within, out);
        if within {
            let hyphen = out.ends_with('-') && listed.contains(b'-');
            if hyphen {
                out.pop();
            }
            out.push_str(self.line_end());
            if hyphen {
                out.push('-');
            }
        }
        out.push(']');
        Some(())
    }

    /// `]` is safe at the beginning, `-` at the end, `^` not at the beginning.
    fn members(&self, set: &ByteSet, negated: bool, out: &mut String) {
        let mut rest = *set;
        let mut take = |byte: u8| {
            let has = rest.contains(byte);
            rest.remove(byte);
            has
        };
        let (close, open, hyphen) = (take(b']'), take(b'['), take(b'-'));
        let (caret, backslash) = (take(b'^'), take(b'\\'));
        let begin = out.len();
        if close {
            out.push(']');
        }
        let mut bytes: Vec<u8> = rest.iter().collect();
        bytes.sort_by_key(|byte| (std::cmp::Reverse(range(*byte)), *byte));
        for run in bytes.chunk_by(|one, next| one + 1 == *next && range(*one) == range(*next)) {
            match run {
                [first, .., last] if run.len() > 2 && range(*first).is_some() => {
                    out.extend([char::from(*first), '-', char::from(*last)]);
                }
                _ => out.extend(run.iter().copied().map(char::from)),
            }
        }
        if backslash {
            out.push_str("\\\\");
        }
        if open {
            // POSIX reads the backslash as a member too; a bare bracket would
            // open a class within the class elsewhere.
            out.push_str("\\[");
        }
        if caret && out.len() == begin && !negated {
            // With a hyphen, for nothing else is left.
            out.push_str("-^");
            return;
        }
        if caret {
            out.push('^');
        }
        if hyphen {
            out.push('-');
        }
    }
}

/// What may be written as a range: letters, digits.
fn range(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(0),
        b'A'..=b'Z' => Some(1),
        b'a'..=b'z' => Some(2),
        _ => None,
    }
}

/// Appends bytes that stand for themselves.
fn literal_text(bytes: &mut Vec<u8>, out: &mut String) -> Option<()> {
    let text = String::from_utf8(std::mem::take(bytes)).ok()?;
    for c in text.chars() {
        if matches!(
            c,
            '.' | '[' | ']' | '(' | ')' | '*' | '+' | '?' | '{' | '}' | '|' | '^' | '$' | '\\'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    Some(())
}
