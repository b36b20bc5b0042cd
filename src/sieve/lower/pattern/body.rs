//! In: an expression. Out: the test of the body that stands for it.
//!
//! The body is one text to Sieve, as it is to procmail. Whether its lines end
//! with CRLF or LF depends on how it came in; and `^`, `$` and `.` know no
//! lines. So each end of a line is written as a class of both.

use super::glob::literals;
use super::key::{Keys, Style};
use super::term::{Beginnings, Budget, Term, TooComplex, any, push_new};
use super::{Fit, Matched, Remarks, regex, style};
use crate::ledger::{Code, Note};
use crate::rules::expression::{ByteSet, Expression, Regex};
use crate::sieve::script::{Match, Test, Value};
use crate::sieve::target::{Extension, Target};

pub(super) fn lowered(expression: &Expression, target: &Target) -> Result<Matched, Note> {
    if !target.has(Extension::Body) {
        return Err(Note::manual(
            Code::NoBody,
            "The server's rules cannot look into the body of a message",
        ));
    }
    let mut budget = Budget::new();
    budget.admit(&expression.regex)?;
    let mut remarks = Remarks::default();
    let beginnings = Beginnings::of(&expression.regex, &mut budget)?;
    if super::term::done(&beginnings.anywhere) {
        return Ok(remarks.matched(Test::True));
    }
    let mut keys = Keys::default();
    let newline = Regex::Class(ByteSet::of(b'\n'));
    let at_line = beginnings
        .at_line
        .iter()
        .map(|term| [std::slice::from_ref(&newline), term].concat());
    let terms: Vec<Term> = beginnings.anywhere.iter().cloned().chain(at_line).collect();
    let style = style(expression, target);
    for term in &beginnings.at_edge {
        budget.spend(term.len())?;
        match at_edge(term, style) {
            Some(key) => push_new(&mut keys.regex, key),
            None => say_edge(&mut remarks),
        }
    }
    for term in &terms {
        budget.spend(term.len())?;
        if let Some(words) = literals(term, style) {
            for word in words {
                match String::from_utf8(word) {
                    Ok(word) => push_new(&mut keys.contains, word),
                    Err(_) => remarks.say(
                        Fit::MISSES,
                        Code::ForeignBytes,
                        "The server sees whole letters, so the script does not look for the single bytes of one",
                    ),
                }
            }
            continue;
        }
        if term.iter().any(|factor| any(factor, &is_edge)) {
            say_edge(&mut remarks);
            continue;
        }
        if crosses_lines(term) {
            remarks.say(
                Fit::LOOSE,
                Code::BodyLines,
                "Several ends of lines in a row count as one, so empty lines make no difference",
            );
        }
        match style.regex {
            Some(dialect) => match regex::of_lines(term, style.ignores_case, dialect) {
                Some(key) => push_new(&mut keys.regex, key),
                None => remarks.say(
                    Fit::MISSES,
                    Code::ForeignBytes,
                    "The server sees whole letters, so the script does not look for the single bytes of one",
                ),
            },
            None => without_regex(term, style, &mut keys, &mut remarks)?,
        }
    }
    let body = |compare, keys| Test::Body {
        raw: true,
        compare,
        keys,
    };
    let finds_nothing = !keys.regex.is_empty() && expression.matcher().find(b"").is_some();
    let mut tests = keys.tests(style.ignores_case, body);
    if finds_nothing {
        // Pigeonhole finds not even that in an empty body.
        let any = Match::Contains.into();
        tests.push(body(any, vec![Value::text("")]).negated());
    }
    match tests.is_empty() {
        true => remarks.nothing(),
        false => Ok(remarks.matched(Test::any(tests))),
    }
}

/// What stands at the very beginning of the body; `None` where that is not all
/// that is asked. A server finds nothing in an empty body, and does not tell one
/// end of a line from several.
fn at_edge(term: &Term, style: Style) -> Option<String> {
    let (inner, closed) = match term.split_last() {
        Some((Regex::Edge, inner)) => (inner, true),
        _ => (term.as_slice(), false),
    };
    let (last, front) = inner.split_last()?;
    let is_nothing = inner.iter().all(|factor| {
        factor.is_nullable() || any(factor, &|part| *part == Regex::Class(ByteSet::of(b'\n')))
    });
    let is_unclear = is_nothing
        || closed && super::term::sees_newline(last)
        || front.iter().any(super::term::sees_newline)
        || inner.iter().any(|factor| any(factor, &is_edge));
    match is_unclear {
        true => None,
        false => regex::at_edge(inner, closed, style.ignores_case, style.regex?),
    }
}

/// `^^`.
pub(super) fn is_edge(part: &Regex) -> bool {
    *part == Regex::Edge
}

/// What there is to say where a rule asks for an edge that servers do not show.
pub(in crate::sieve::lower) const EDGE: &str = "A rule on the server cannot ask where the body begins or ends, so the script does not look there";

fn say_edge(remarks: &mut Remarks) {
    remarks.say(Fit::MISSES, Code::HeaderEdge, EDGE);
}

/// Whether an end of a line stands elsewhere than at one end of a term.
fn crosses_lines(term: &Term) -> bool {
    let ends = term.iter().map(super::term::sees_newline).enumerate();
    let ends: Vec<usize> = ends.filter(|(_, sees)| *sees).map(|(at, _)| at).collect();
    ends.len() > 1 && term.len() == ends.len()
        || ends.iter().any(|at| *at > 0 && at + 1 < term.len())
}

/// The longest word of a term: wider, but no more than that.
fn without_regex(
    term: &Term,
    style: Style,
    keys: &mut Keys,
    remarks: &mut Remarks,
) -> Result<(), TooComplex> {
    let mut words: Vec<Vec<u8>> = vec![Vec::new()];
    for factor in term {
        match literals(std::slice::from_ref(factor), style).as_deref() {
            Some([word]) => {
                if let Some(last) = words.last_mut() {
                    last.extend(word);
                }
            }
            _ => words.push(Vec::new()),
        }
    }
    let word = words.into_iter().max_by_key(Vec::len).unwrap_or_default();
    match String::from_utf8(word) {
        Ok(word) if word.len() > 1 => {
            push_new(&mut keys.contains, word);
            remarks.say(
                Fit::EXCEEDS,
                Code::NoRegex,
                "The server has no regular expressions, so the script looks for less of the text, and finds that in more mail",
            );
        }
        _ => remarks.say(
            Fit::MISSES,
            Code::NoRegex,
            "The server has no regular expressions, so the script does not look for a part of what this says",
        ),
    }
    Ok(())
}
