//! In: an expression, and how Sieve reads a text. Out: the test of that text
//! that stands for it.

use super::capture;
use super::key::{Style, keys};
use super::term::{Beginnings, Budget, Lines, Term, anything, at_mark, done};
use super::{Fit, Matched, Remarks, style};
use crate::ledger::{Code, Note};
use crate::rules::expression::{ByteSet, Expression, Regex};
use crate::sieve::script::{Compare, Test, Value};
use crate::sieve::target::{Extension, Target};

pub(super) fn lowered(
    expression: &Expression,
    subject: &Value,
    target: &Target,
) -> Result<Matched, Note> {
    if !target.has(Extension::Variables) {
        return Err(Note::manual(
            Code::NoVariables,
            "The server has no variables, and this asks for the value of one",
        ));
    }
    let mut budget = Budget::new();
    budget.admit(&expression.regex)?;
    let mut remarks = Remarks::default();
    let beginnings = Beginnings::of(&expression.regex, &mut budget)?;
    let marked = super::term::has_mark(&expression.regex);
    let anywhere = beginnings.anywhere.iter().map(|term| {
        let free = || [&[anything()], term.as_slice()].concat();
        at_start_behind_mark(term).unwrap_or_else(free)
    });
    let at_end = beginnings
        .at_line
        .iter()
        .chain(&beginnings.at_edge)
        .cloned();
    // The text is one line, and its end is that of the line.
    let terms: Vec<Term> = anywhere.chain(at_end).map(ended).collect();
    if done(&terms) && !marked {
        return Ok(remarks.matched(Test::True));
    }
    let style = Style {
        is_trimmed: false,
        ..style(expression, target)
    };
    let string = |compare, key| Test::String {
        compare,
        sources: vec![subject.clone()],
        key,
    };
    if marked && let Some(found) = capture::among(&terms, style, &mut budget)? {
        let compare = Compare {
            by: found.by,
            octet: !style.ignores_case,
        };
        if found.line_end {
            remarks.line_end();
        }
        if found.group.is_last {
            remarks.last_of_several();
        }
        let test = string(compare, found.key.into());
        let mut matched = remarks.matched(test);
        matched.captured = Some(found.group);
        return Ok(matched);
    }
    if marked {
        remarks.no_capture();
    }
    if done(&terms) {
        return Ok(remarks.matched(Test::True));
    }
    let mut lines = Lines::default();
    for term in &terms {
        lines.add(term, &mut budget)?;
    }
    if lines.spans {
        remarks.say(
            Fit::MISSES,
            Code::SpansFields,
            "The script does not look for text that would reach over two lines",
        );
    }
    let (keys, lost) = keys(&lines.lines, style, &mut budget)?;
    remarks.lost(lost);
    if keys.always {
        return Ok(remarks.matched(Test::True));
    }
    let tests = keys.tests(style.ignores_case, |compare, keys| {
        let one = |key| string(compare.clone(), key);
        Test::any(keys.into_iter().map(one).collect())
    });
    match tests.is_empty() {
        true => remarks.nothing(),
        false => Ok(remarks.matched(Test::any(tests))),
    }
}

/// `()\/^x`: a text of one line begins only once, so that the mark may as well
/// stand behind its beginning.
fn at_start_behind_mark(term: &Term) -> Option<Term> {
    let (before, behind) = at_mark(term)?;
    let (first, rest) = behind.split_first()?;
    let begins = match first {
        Regex::Edge => true,
        Regex::Class(set) => *set == ByteSet::of(b'\n'),
        _ => false,
    };
    let begins = begins && before.iter().all(Regex::is_nullable);
    begins.then(|| [[Regex::Split].as_slice(), rest].concat())
}

fn ended(term: Term) -> Term {
    let end = |factor| match factor {
        Regex::Edge => Regex::Class(ByteSet::of(b'\n')),
        factor => factor,
    };
    term.into_iter().map(end).collect()
}
