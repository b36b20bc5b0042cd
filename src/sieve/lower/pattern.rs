//! In: an expression, and the text it is held against. Out: the simplest Sieve
//! test that holds for the same messages, and how far it does.

mod body;
mod capture;
mod daemon;
mod field;
mod glob;
mod header;
mod key;
mod letters;
mod positions;
mod regex;
mod sender;
mod term;
#[cfg(test)]
mod tests;
mod text;

pub(super) use body::EDGE;
pub(super) use capture::shape_of_all;
pub(super) use glob::escaped;
pub(super) use header::of_envelope;

use super::shape::Shape;
use crate::ledger::{Code, Note, Verdict};
use crate::rules::expression::{Expression, Reading};
use crate::sieve::script::{Part, Test, Value};
use crate::sieve::target::{Extension, Target};
use key::{Lost, Style};
use term::TooComplex;

/// A test that stands for an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The test.
    pub test: Test,
    /// How it relates to the expression, beside what is different on every
    /// Sieve server (`docs/differences.md`).
    pub fit: Fit,
    /// What there is to say about it, for a finding.
    pub notes: Vec<Note>,
    /// Where the expression has a `\/` and it can be had: what procmail put
    /// into `MATCH`.
    pub captured: Option<Group>,
}

/// A part of what a test matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The match variable that holds it (`${1}` …).
    pub variable: String,
    /// The blank behind the colon stands in front of it; no server shows that.
    pub has_blank: bool,
    /// It is at the last of several places, and procmail took the first.
    pub(super) is_last: bool,
    /// It is of one of several fields, and procmail may have taken another.
    pub(super) is_of_several: bool,
    /// What it can be.
    pub(super) shape: Shape,
}

impl Group {
    /// What a group takes, by its number from 1.
    fn new(number: usize, shape: Shape) -> Self {
        Group {
            variable: number.to_string(),
            has_blank: false,
            is_last: false,
            is_of_several: false,
            shape,
        }
    }

    /// That of either of two tests; `None` where it depends on which holds.
    fn or(self, other: &Group) -> Option<Group> {
        let is_same = self.variable == other.variable && self.has_blank == other.has_blank;
        is_same.then(|| Group {
            is_last: self.is_last || other.is_last,
            shape: self.shape.min(other.shape),
            ..self
        })
    }

    /// Whether procmail may have put another text into `MATCH`.
    pub fn is_doubtful(&self) -> bool {
        self.is_last || self.is_of_several
    }

    /// What procmail put into `MATCH`.
    pub fn value(&self) -> Value {
        let mut parts = vec![Part::Variable(self.variable.clone())];
        if self.has_blank {
            parts.insert(0, Part::Text(" ".to_owned()));
        }
        Value(parts)
    }
}

/// How a test relates to what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fit {
    /// It can fail where procmail matched.
    pub may_miss: bool,
    /// It can hold where procmail did not match.
    pub may_exceed: bool,
}

/// An expression held against the header (`H`, the default).
///
/// # Errors
/// Why there is no test.
pub fn header(expression: &Expression, target: &Target) -> Result<Matched, Note> {
    daemon::lowered(expression, target)
        .unwrap_or_else(|| as_read(expression, || header::lowered(expression, target)))
}

/// An expression held against the body (`B`).
///
/// # Errors
/// Why there is no test.
pub fn body(expression: &Expression, target: &Target) -> Result<Matched, Note> {
    as_read(expression, || body::lowered(expression, target))
}

/// Whether an expression asks where a text begins or ends (`^^`).
pub(super) fn asks_for_edge(expression: &Expression) -> bool {
    term::any(&expression.regex, &body::is_edge)
}

/// An expression held against the value of a variable; `subject` is how Sieve
/// reads it.
///
/// # Errors
/// Why there is no test.
pub fn text(expression: &Expression, subject: &Value, target: &Target) -> Result<Matched, Note> {
    as_read(expression, || text::lowered(expression, subject, target))
}

/// What an expression becomes, with how procmail itself misreads it.
fn as_read(
    expression: &Expression,
    lowered: impl FnOnce() -> Result<Matched, Note>,
) -> Result<Matched, Note> {
    let misread = |verdict, message: &str| Note::new(verdict, Code::Misread, message);
    match expression.reading() {
        Reading::True => lowered(),
        Reading::Short => {
            let mut matched = lowered()?;
            matched.fit = matched.fit.and(Fit::EXCEEDS);
            let message =
                "procmail overlooked some of what the expression says; the script finds all of it";
            matched.notes.push(misread(Verdict::Adapted, message));
            Ok(matched)
        }
        Reading::Fatal => Err(misread(
            Verdict::Manual,
            "procmail itself goes round in circles in this expression, and never decides",
        )),
    }
}

impl Fit {
    /// The same messages.
    pub const EXACT: Fit = Fit {
        may_miss: false,
        may_exceed: false,
    };
    /// It can fail where procmail matched.
    pub(super) const MISSES: Fit = Fit {
        may_miss: true,
        may_exceed: false,
    };
    /// It can hold where procmail did not match.
    pub(super) const EXCEEDS: Fit = Fit {
        may_miss: false,
        may_exceed: true,
    };
    /// Both.
    pub(super) const LOOSE: Fit = Fit {
        may_miss: true,
        may_exceed: true,
    };

    /// Of two that stand together.
    #[must_use]
    pub fn and(self, other: Fit) -> Fit {
        Fit {
            may_miss: self.may_miss || other.may_miss,
            may_exceed: self.may_exceed || other.may_exceed,
        }
    }

    /// That of the opposite test.
    pub(super) fn negated(self) -> Fit {
        Fit {
            may_miss: self.may_exceed,
            may_exceed: self.may_miss,
        }
    }
}

/// What there is to say about a test that is being made.
#[derive(Debug, Default)]
struct Remarks {
    fit: Fit,
    notes: Vec<Note>,
    /// Some note is about what mail may have.
    is_ordinary: bool,
}

impl Remarks {
    fn say(&mut self, fit: Fit, code: Code, message: impl Into<String>) {
        self.is_ordinary = true;
        self.say_rare(fit, code, message);
    }

    /// As `say`, of what hardly any mail has.
    fn say_rare(&mut self, fit: Fit, code: Code, message: impl Into<String>) {
        self.fit = self.fit.and(fit);
        let note = Note::adapted(code, message);
        term::push_new(&mut self.notes, note);
    }

    fn lost(&mut self, lost: Lost) {
        if lost.encoded_words {
            self.say(
                Fit::MISSES,
                Code::EncodedWord,
                "The server decodes a header before it compares, so the script finds undecoded text (=?…?=) only where the server cannot decode it",
            );
        }
        if lost.letters {
            self.say(
                Fit::LOOSE,
                Code::ForeignBytes,
                "procmail compared the bytes of letters beyond ASCII one by one; the script looks for the letters that were meant",
            );
        }
        if lost.foreign {
            self.say(
                Fit::LOOSE,
                Code::ForeignBytes,
                "The rule's letters are not written in UTF-8; they are taken for Latin-1, that of Western Europe",
            );
        }
        if lost.unwritable {
            self.say(
                Fit::MISSES,
                Code::ForeignBytes,
                "The server sees whole letters, so the script does not look for the single bytes of one",
            );
        }
        if lost.widened {
            self.say(
                Fit::EXCEEDS,
                Code::NoRegex,
                "The server has no regular expressions, so the script looks for less of the text, and finds that in more mail",
            );
        }
    }

    fn no_capture(&mut self) {
        self.say(
            Fit::EXACT,
            Code::NoCapture,
            "The server cannot keep what is found behind `\\/` for the rules below ($MATCH)",
        );
    }

    fn line_end(&mut self) {
        self.say(
            Fit::EXACT,
            Code::CaptureLineEnd,
            "What is kept in $MATCH no longer has the end of its line with it",
        );
    }

    fn last_of_several(&mut self) {
        self.say(
            Fit::EXACT,
            Code::CaptureOrder,
            "Where this can be found at several places of a field, $MATCH comes from the last of them, and came from the first",
        );
    }

    fn matched(self, test: Test) -> Matched {
        Matched {
            test,
            fit: self.fit,
            notes: self.notes,
            captured: None,
        }
    }

    /// Nothing is left of the expression: why, or that it never matched.
    fn nothing(self) -> Result<Matched, Note> {
        if !self.is_ordinary && !self.notes.is_empty() {
            return Ok(self.matched(Test::False));
        }
        match self.notes.into_iter().next_back() {
            Some(note) => Err(Note {
                verdict: Verdict::Manual,
                ..note
            }),
            None => Ok(Matched {
                test: Test::False,
                fit: Fit::EXACT,
                notes: vec![Note::exact(
                    Code::NeverMatches,
                    "No message matches the expression",
                )],
                captured: None,
            }),
        }
    }
}

impl From<TooComplex> for Note {
    fn from(_: TooComplex) -> Self {
        Note::manual(
            Code::TooComplex,
            "The expression can match in too many ways",
        )
    }
}

fn style(expression: &Expression, target: &Target) -> Style {
    Style {
        ignores_case: expression.ignores_case,
        regex: target.has(Extension::Regex).then_some(target.regex),
        is_trimmed: true,
    }
}
