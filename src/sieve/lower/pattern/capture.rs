//! In: a term with `\/` in it. Out: one key whose match variable holds what
//! procmail puts into `MATCH`, where engines agree on that.
//!
//! procmail matches as little as it can before the mark and as much as it can
//! behind it. `*` in `:matches` is as short as can be. A group of `:regex` is
//! what procmail takes where a text can be read in one way only up to the mark,
//! and an engine that tries one way after the other comes to the longest end
//! first.

mod rewrite;
mod settled;

use super::Group;
use super::glob::single_glob;
use super::key::{Style, is_blank, tidy};
use super::regex;
use super::sender::unblanked;
use super::term::{
    self, Budget, Line, Lines, Term, TooComplex, any, at_mark, has_mark, is_any, is_anything,
    sees_blank, sees_newline,
};
use crate::rules::expression::{Expression, Regex};
use crate::sieve::lower::shape::{self, Shape};
use crate::sieve::script::Match;
use rewrite::{earliest, longest_first, may_begin_the_value, without_needless};
use settled::{ends_alike, ends_once, is_class, is_once, is_settled, searched_once};

/// A key, and what its match variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capture {
    pub(super) by: Match,
    pub(super) key: String,
    pub(super) group: Group,
    /// procmail takes the end of the line along.
    pub(super) line_end: bool,
    /// procmail could have read on from another line.
    pub(super) spans: bool,
}

impl Capture {
    fn new(by: Match, key: String, group: Group) -> Self {
        Capture {
            by,
            key,
            group,
            line_end: false,
            spans: false,
        }
    }

    /// `=?` begins a MIME word, which Sieve decodes before it looks.
    pub(super) fn asks_for_encoded_word(&self) -> bool {
        // In a key of either kind, the sign stands behind a backslash.
        self.key.contains("=\\?")
    }
}

/// What stands before the mark.
pub(super) enum Front {
    /// From the beginning of the value.
    Fixed(Vec<Regex>),
    /// Anywhere in the value. The first factor may be missing where this is at
    /// the beginning of the value.
    Searched { fixed: Vec<Regex>, at_start: bool },
}

impl Front {
    fn of(front: Vec<Regex>, at_start: bool) -> Self {
        match front.split_first() {
            Some((first, fixed)) if is_anything(first) => Front::Searched {
                fixed: fixed.to_vec(),
                at_start,
            },
            _ => Front::Fixed(front),
        }
    }
}

/// The key for terms over a value; `None` where there is no telling what the
/// engines would take.
pub(super) fn among(
    terms: &[Term],
    style: Style,
    budget: &mut Budget,
) -> Result<Option<Capture>, TooComplex> {
    match terms {
        [term] => of(term, false, style, budget),
        [one, other] if is_behind(one, other) => of(one, true, style, budget),
        [one, other] if is_behind(other, one) => of(other, true, style, budget),
        _ => match joined(terms) {
            Some(term) => of(&term, false, style, budget),
            None => Ok(None),
        },
    }
}

/// One term for several that differ in front of the mark alone.
fn joined(terms: &[Term]) -> Option<Term> {
    let split = |term: &Term| {
        let (front, back) = at_mark(term)?;
        Some((Regex::Concat(front.into()), back.to_vec()))
    };
    let mut parts = terms.iter().map(split);
    let (first, back) = parts.next()??;
    let mut fronts = vec![first];
    for part in parts {
        let (front, other) = part?;
        if other != back {
            return None;
        }
        fronts.push(front);
    }
    let front = Regex::Alternate(fronts.into());
    Some([&[front, Regex::Split], back.as_slice()].concat())
}

/// What stands behind `From ` in the line that begins a mail in a mailbox, as
/// far as it is the sender: what is taken begins and ends before the date, at a
/// blank.
pub(super) fn of_sender(
    terms: &[Term],
    style: Style,
    budget: &mut Budget,
) -> Result<Option<Capture>, TooComplex> {
    let ends_early = |term: &Term| {
        let searches =
            |regex: &Regex| any(regex, &|part| is_any(part)) || unblanked(regex).is_none();
        let (front, back) = at_mark(term).unwrap_or((term, &[]));
        !front.iter().any(searches) && !back.iter().any(sees_blank)
    };
    match terms.iter().all(ends_early) {
        true => among(terms, style, budget),
        false => Ok(None),
    }
}

/// Whether a term is another one anywhere behind a byte of some class, as with
/// `^TO_`: `(.*[^a-z])?name`.
fn is_behind(one: &Term, other: &Term) -> bool {
    matches!(one.as_slice(), [anything, Regex::Class(_), rest @ ..]
        if is_anything(anything) && rest == other.as_slice())
}

fn of(
    term: &Term,
    at_start: bool,
    style: Style,
    budget: &mut Budget,
) -> Result<Option<Capture>, TooComplex> {
    let Some((before, behind)) = at_mark(term) else {
        return Ok(None);
    };
    // Of several `\/`, the one that procmail came by last counts.
    if before.iter().chain(behind).any(has_mark) || goes_on(behind) {
        return Ok(None);
    }
    let (mut front, mut back) = (Lines::default(), Lines::default());
    front.add(before, budget)?;
    back.add(behind, budget)?;
    // Behind the end of a line, the mark is in the next one.
    let (ended, fronts): (Vec<Line>, Vec<Line>) =
        front.lines.into_iter().partition(|line| line.closed);
    let spans = front.spans || !ended.is_empty();
    let ([front], [back]) = (fronts.as_slice(), back.lines.as_slice()) else {
        return Ok(None);
    };
    let Some(mut front) = in_value(front, back, style, budget)? else {
        return Ok(None);
    };
    let is_alone = matches!(before, [rest, more @ ..]
        if is_anything(rest) && more.iter().all(Regex::is_nullable));
    // Where procmail can begin in several ways, it remembers the first, and goes
    // on with the last.
    if front.last().is_some_and(is_anything) && (front.len() > 1 || !is_alone) {
        return Ok(None);
    }
    let at_start = at_start || may_begin_the_value(&mut front);
    let rest = match at_start {
        true => None,
        false => rest_of_line(&front, &back.factors, style),
    };
    let found = rest.or_else(|| part(Front::of(front, at_start), back, style));
    Ok(found.map(|capture| Capture {
        line_end: back.closed,
        spans,
        ..capture
    }))
}

/// What stands before the mark, over a value as servers see it; `None` where that
/// is no line.
fn in_value(
    front: &Line,
    back: &Line,
    style: Style,
    budget: &mut Budget,
) -> Result<Option<Vec<Regex>>, TooComplex> {
    let is_anchored = !front.factors.first().is_some_and(is_anything);
    let Some(front) = tidy(&Line {
        factors: front.factors.clone(),
        closed: true,
    }) else {
        return Ok(None);
    };
    let mut front = front.factors;
    if !back.closed {
        without_needless(&mut front, &back.factors, budget)?;
    }
    if is_anchored && style.is_trimmed {
        let is_needless = |factor: &&Regex| is_blank(factor) && factor.is_nullable();
        let needless = front.iter().take_while(is_needless).count();
        front.drain(..needless);
    }
    Ok(Some(front))
}

/// Whether it may go on in the next line.
fn goes_on(behind: &[Regex]) -> bool {
    let inner = behind.split_last().map_or(behind, |(_, inner)| inner);
    inner.iter().any(sees_newline)
}

/// The key for a term over all that stands behind the colon, where what is behind
/// the mark takes the blank there: `^Subject: *\/.*` matches as little as it can
/// before the mark.
pub(super) fn from_colon(
    term: &Term,
    style: Style,
    budget: &mut Budget,
) -> Result<Option<Capture>, TooComplex> {
    let Some((before, behind)) = at_mark(term) else {
        return Ok(None);
    };
    let takes_nothing =
        |factor: &Regex| factor.is_nullable() && !has_mark(factor) && !sees_newline(factor);
    if goes_on(behind) || !before.iter().all(takes_nothing) {
        return Ok(None);
    }
    let mut back = Lines::default();
    back.add(behind, budget)?;
    let [back] = back.lines.as_slice() else {
        return Ok(None);
    };
    let is_rest = match back.factors.as_slice() {
        [Regex::Plus(inner)] => is_any(inner),
        [rest] => is_anything(rest),
        _ => false,
    };
    let found = match is_rest {
        true => Some(Capture::new(
            Match::Matches,
            "*".to_owned(),
            Group::new(1, Shape::Anything),
        )),
        false => {
            let behind_blank = term::behind(std::slice::from_ref(&back.factors), b' ', budget)?;
            let [rest] = behind_blank.as_slice() else {
                return Ok(None);
            };
            // Where the blank leads nowhere, procmail begins behind it.
            if back.closed || !rest.iter().all(Regex::is_nullable) {
                return Ok(None);
            }
            let line = Line {
                factors: rest.clone(),
                closed: back.closed,
            };
            part(Front::Fixed(Vec::new()), &line, style)
        }
    };
    Ok(found.map(|found| Capture {
        group: Group {
            has_blank: true,
            shape: Shape::Blank,
            ..found.group
        },
        line_end: back.closed,
        ..found
    }))
}

/// `\/.*`: the rest of the line.
fn rest_of_line(front: &[Regex], back: &[Regex], style: Style) -> Option<Capture> {
    match back {
        [rest] if is_anything(rest) => {}
        _ => return None,
    }
    let (pattern, wildcards) = single_glob(front, style)?;
    // Behind its own `*`, the rest would be all or nothing.
    if pattern.ends_with('*') && wildcards > 0 {
        return None;
    }
    let group = wildcards + 1;
    (group <= MOST_GROUPS).then(|| {
        let group = Group::new(group, Shape::Anything);
        Capture::new(Match::Matches, format!("{pattern}*"), group)
    })
}

/// A part of the line.
fn part(front: Front, back: &Line, style: Style) -> Option<Capture> {
    let dialect = style.regex?;
    let back = match ends_alike(&back.factors) {
        true => back,
        false => &longest_first(back),
    };
    if !ends_alike(&back.factors) {
        return None;
    }
    let (front, is_last) = match front {
        Front::Searched { fixed, at_start } => {
            let is_settled = searched_once(&fixed, &back.factors) || fixed.iter().all(is_class);
            if !is_settled && !ends_once(&fixed, &back.factors) {
                return None;
            }
            (Front::Searched { fixed, at_start }, !is_settled)
        }
        Front::Fixed(front) if is_settled(&front, &back.factors) || is_once(&front) => {
            (Front::Fixed(front), false)
        }
        Front::Fixed(front) if ends_once(&front, &back.factors) => (Front::Fixed(front), true),
        Front::Fixed(front) => (Front::Fixed(earliest(front, back)?), false),
    };
    let (key, group) = regex::captured(&front, back, style.ignores_case, dialect)?;
    (group <= MOST_GROUPS).then(|| {
        let group = Group {
            is_last,
            ..Group::new(group, shape(&back.factors))
        };
        Capture::new(Match::Regex, key, group)
    })
}

/// Variables for what a test has found are `${1}` to `${9}` (RFC 5229, 3.2).
const MOST_GROUPS: usize = 9;

/// What a text is, all of which an expression asks for: `^^[a-z]+^^`.
pub(in crate::sieve::lower) fn shape_of_all(expression: &Expression) -> Shape {
    let factors = match &expression.regex {
        Regex::Concat(factors) => factors.as_ref(),
        _ => &[],
    };
    match factors {
        [Regex::Edge, factors @ .., Regex::Edge] => shape(factors),
        _ => Shape::Blank,
    }
}

/// What factors match: a word, where each is of letters that one has, and not
/// all can be empty.
fn shape(factors: &[Regex]) -> Shape {
    let is_only_of = |signs: fn(char) -> bool| {
        let is_other = |part: &Regex| match part {
            Regex::Class(set) => !set.iter().all(|byte| signs(byte.into())),
            Regex::Edge | Regex::Split => true,
            _ => false,
        };
        !factors.iter().any(|factor| any(factor, &is_other))
    };
    if is_only_of(shape::is_of_word) && !factors.iter().all(Regex::is_nullable) {
        Shape::Word
    } else if is_only_of(|sign| sign != ' ') {
        Shape::Path
    } else {
        Shape::Anything
    }
}
