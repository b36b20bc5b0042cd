//! In: a term with `\/` in it. Out: one key whose match variable holds what
//! procmail puts into `MATCH`, where engines agree on that.
//!
//! procmail matches as little as it can before the mark and as much as it can
//! behind it. `*` in `:matches` is as short as can be. A group of `:regex` is
//! what procmail takes where a text can be read in one way only up to the mark,
//! and an engine that tries one way after the other comes to the longest end
//! first.

use super::Group;
use super::glob::single_glob;
use super::key::{Style, tidy};
use super::positions::Positions;
use super::regex;
use super::sender::unblanked;
use super::term::{
    self, Budget, Line, Lines, Term, TooComplex, any, is_any, is_anything, sees_blank, sees_newline,
};
use crate::rules::expression::{ByteSet, Expression, Regex};
use crate::sieve::lower::shape::{self, Shape};
use crate::sieve::script::Match;
use std::sync::Arc;

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
        let at = term.iter().position(|factor| *factor == Regex::Split)?;
        Some((
            Regex::Concat(term.get(..at)?.into()),
            term.get(at..)?.to_vec(),
        ))
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
    Some([&[front], back.as_slice()].concat())
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
        let is_rest = |factor: &&Regex| **factor != Regex::Split;
        let front = term.iter().take_while(is_rest);
        let mut back = term.iter().skip_while(is_rest);
        !{ front }.any(searches) && !back.any(sees_blank)
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
    let Some(at) = term.iter().position(|factor| *factor == Regex::Split) else {
        return Ok(None);
    };
    let (before, behind) = term.split_at(at);
    // Of several `\/`, the one that procmail came by last counts.
    let splits = |regex: &Regex| any(regex, &|part| *part == Regex::Split);
    if before.iter().chain(behind.iter().skip(1)).any(splits) {
        return Ok(None);
    }
    if goes_on(behind) {
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
    let unanchored = front.factors.first().is_some_and(is_anything);
    let Some(mut front) = tidy(&Line {
        factors: front.factors.clone(),
        closed: true,
    }) else {
        return Ok(None);
    };
    if !back.closed {
        without_needless(&mut front.factors, &back.factors, budget)?;
    }
    // Where procmail can begin in several ways, it remembers the first, and goes
    // on with the last.
    let begins_anywhere = front.factors.last().is_some_and(is_anything);
    let is_alone = matches!(before, [rest, more @ ..]
        if is_anything(rest) && more.iter().all(Regex::is_nullable));
    if begins_anywhere && (front.factors.len() > 1 || !is_alone) {
        return Ok(None);
    }
    let at_start = at_start || may_begin_the_value(&mut front.factors);
    if !unanchored && style.is_trimmed {
        while front
            .factors
            .first()
            .is_some_and(|first| super::key::is_blank(first) && first.is_nullable())
        {
            front.factors.remove(0);
        }
    }
    let found = match at_start {
        true => None,
        false => rest_of_line(&front.factors, &back.factors, style),
    };
    let found = found.or_else(|| {
        let front = match front.factors.split_first() {
            Some((first, fixed)) if is_anything(first) => Front::Searched {
                fixed: fixed.to_vec(),
                at_start,
            },
            _ => Front::Fixed(front.factors),
        };
        part(front, back, style)
    });
    Ok(found.map(|capture| Capture {
        line_end: back.closed,
        spans,
        ..capture
    }))
}

/// `(.*[^a-z])?x`: at the beginning of the value, or anywhere behind a byte.
fn may_begin_the_value(front: &mut Vec<Regex>) -> bool {
    let Some(Regex::Optional(inner)) = front.first() else {
        return false;
    };
    let Regex::Concat(inner) = inner.as_ref() else {
        return false;
    };
    if !matches!(&inner[..], [anything, Regex::Class(_)] if is_anything(anything)) {
        return false;
    }
    let inner = inner.to_vec();
    front.splice(..1, inner);
    true
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
    let Some(at) = term.iter().position(|factor| *factor == Regex::Split) else {
        return Ok(None);
    };
    let (before, behind) = term.split_at(at);
    let takes_nothing = |factor: &Regex| {
        let splits = any(factor, &|part| *part == Regex::Split);
        factor.is_nullable() && !splits && !sees_newline(factor)
    };
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
        true => Some((Match::Matches, "*".to_owned(), "1".to_owned())),
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
                .map(|found| (found.by, found.key, found.group.variable))
        }
    };
    Ok(found.map(|(by, key, variable)| Capture {
        by,
        key,
        group: Group {
            variable,
            has_blank: true,
            is_last: false,
            is_of_several: false,
            shape: Shape::Blank,
        },
        line_end: back.closed,
        spans: false,
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
    (wildcards < 9).then(|| Capture {
        by: Match::Matches,
        key: format!("{pattern}*"),
        group: Group {
            variable: (wildcards + 1).to_string(),
            has_blank: false,
            is_last: false,
            is_of_several: false,
            shape: Shape::Anything,
        },
        line_end: false,
        spans: false,
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
    (group <= MOST_GROUPS).then(|| Capture {
        by: Match::Regex,
        key,
        group: Group {
            variable: group.to_string(),
            has_blank: false,
            is_last,
            is_of_several: false,
            shape: shape(&back.factors),
        },
        line_end: false,
        spans: false,
    })
}

/// Variables for what a test has found are `${1}` to `${9}` (RFC 5229, 3.2).
const MOST_GROUPS: usize = 9;

fn is_class(regex: &Regex) -> bool {
    matches!(regex, Regex::Class(_))
}

/// Whether the mark can be in one place only: each byte is one of the front or
/// one behind it, and what need not match behind it is not asked for too early.
fn is_settled(front: &[Regex], back: &[Regex]) -> bool {
    let whole = Positions::of(&[front, back].concat());
    let parts = whole.zip(Positions::of(front));
    parts.is_some_and(|(whole, of_front)| {
        whole.part_once(of_front.len())
            && (of_front.end_once() || !back.iter().all(Regex::is_nullable))
    })
}

/// Whether a beginning of the value can end in one place only.
fn is_once(front: &[Regex]) -> bool {
    !front.iter().all(Regex::is_nullable)
        && Positions::of(front).is_some_and(|positions| positions.end_once())
}

/// Whether a front that may be anywhere in the text leaves no choice once it has
/// begun, so that engines find the first of its places.
fn searched_once(front: &[Regex], back: &[Regex]) -> bool {
    is_settled(front, back)
        && Positions::of(front).is_some_and(|positions| positions.hold_no_other())
}

/// Whether the last part of a front, behind its last `.*`, leaves no choice:
/// engines then find the last of its places, for `.*` takes what it can.
fn ends_once(front: &[Regex], back: &[Regex]) -> bool {
    let Some(at) = front.iter().rposition(is_anything) else {
        return false;
    };
    let end = front.get(at + 1..).unwrap_or_default();
    let takes_something = !back.iter().all(Regex::is_nullable);
    takes_something && !end.is_empty() && searched_once(end, back)
}

/// Whether all engines end in the same place, from one beginning: those that
/// take the longest, and those that try one way after the other, and go on as
/// long as they can.
fn ends_alike(back: &[Regex]) -> bool {
    let can_go_on = |regex: &Regex| match regex {
        Regex::Alternate(inner) => !inner.iter().any(Regex::is_nullable),
        Regex::Star(inner) | Regex::Plus(inner) | Regex::Optional(inner) => !inner.is_nullable(),
        _ => true,
    };
    let stops = |factor: &Regex| any(factor, &|part| !can_go_on(part));
    !back.iter().any(stops)
        && Positions::of(back).is_some_and(|positions| positions.come_to_longest())
}

/// With longer alternatives in front of shorter ones: `dev|dev-announce` as
/// `dev-announce|dev`, so that each engine comes to the longest.
fn longest_first(line: &Line) -> Line {
    let ordered = |factor: &Regex| match factor {
        Regex::Alternate(inner) => {
            let mut inner = inner.to_vec();
            inner.sort_by_key(|each| match each {
                Regex::Concat(factors) => std::cmp::Reverse(factors.len()),
                _ => std::cmp::Reverse(1),
            });
            Regex::Alternate(inner.into())
        }
        factor => factor.clone(),
    };
    Line {
        factors: line.factors.iter().map(ordered).collect(),
        closed: line.closed,
    }
}

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

/// A beginning that is as short as it can be, written so that it cannot be
/// longer: `[^>]*<` as `[^<>]*<`.
fn earliest(mut front: Vec<Regex>, back: &Line) -> Option<Vec<Regex>> {
    if let [before @ .., repeat, Regex::Class(end)] = front.as_slice()
        && let Regex::Star(inner) | Regex::Plus(inner) = repeat
        && let Regex::Class(set) = inner.as_ref()
        && !set.intersection(end).is_empty()
    {
        if back.closed || !takes_any_of(&back.factors, set) {
            return None;
        }
        let mut shorter = before.to_vec();
        if matches!(repeat, Regex::Plus(_)) {
            shorter.push(Regex::Class(*set));
        }
        let others = Regex::Class(set.intersection(&end.complement()));
        shorter.push(Regex::Star(Arc::new(others)));
        shorter.push(Regex::Class(*end));
        front = shorter;
    }
    is_settled(&front, &back.factors).then_some(front)
}

/// Leaves out what need not match at the end of a beginning, where what follows
/// takes it as well: `<?` in front of `[^>]+`, `(owner-)?` in front of `[a-z-]+@`.
/// As little as can be is then nothing. A blank that may be the one that begins the
/// value stays.
fn without_needless(
    front: &mut Vec<Regex>,
    back: &[Regex],
    budget: &mut Budget,
) -> Result<(), TooComplex> {
    let takes = |inner: &Regex| match inner {
        Regex::Class(set) if takes_any_of(back, set) => true,
        _ => {
            let more = [std::slice::from_ref(inner), back].concat();
            let both = Positions::of(back).zip(Positions::of(&more));
            both.is_some_and(|(back, more)| back.include(&more))
        }
    };
    while let Some((
        factor @ (Regex::Star(inner) | Regex::Optional(inner) | Regex::Plus(inner)),
        before,
    )) = front.split_last()
    {
        let term = std::slice::from_ref(inner.as_ref()).to_vec();
        let terms = std::slice::from_ref(&term);
        let begins_with_blank = !term::behind(terms, b' ', budget)?.is_empty()
            || !term::behind(terms, b'\t', budget)?.is_empty();
        let may_begin_value =
            { before.iter() }.all(|factor| factor.is_nullable() || super::key::is_blank(factor));
        if begins_with_blank && may_begin_value || !takes(inner) {
            break;
        }
        // Of a repeat, the first has to match.
        let first = matches!(factor, Regex::Plus(_)).then(|| Regex::clone(inner));
        front.pop();
        if let Some(first) = first {
            front.push(first);
            break;
        }
    }
    Ok(())
}

/// Whether factors match in front of each byte of a set.
fn takes_any_of(factors: &[Regex], set: &ByteSet) -> bool {
    match factors.split_first() {
        _ if factors.iter().all(Regex::is_nullable) => true,
        Some((Regex::Class(first), rest)) if rest.iter().all(Regex::is_nullable) => {
            set.intersection(first) == *set
        }
        Some((Regex::Plus(inner), rest)) if rest.iter().all(Regex::is_nullable) => {
            matches!(inner.as_ref(), Regex::Class(first) if set.intersection(first) == *set)
        }
        _ => false,
    }
}
