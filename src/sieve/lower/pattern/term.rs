//! In: a regular expression. Out: its terms (sequences of factors, any of which
//! may match), what is left of them behind a word, and how they meet the end of
//! a line.
//!
//! What is left of a term behind a byte are its partial derivatives
//! (Antimirov): they keep the factors as they were written.

use crate::rules::expression::{ByteSet, Regex};
use std::sync::Arc;

/// Factors, one after the other. What follows the last may be anything.
pub(super) type Term = Vec<Regex>;

/// An expression takes too long to take apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooComplex;

/// How much work may still be done.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// Deepest nesting of groups; people write three or four.
const DEEPEST: usize = 64;
const NEWLINE: u8 = b'\n';

impl Budget {
    /// Enough for what people write, and for a fraction of a second.
    pub(super) fn new() -> Self {
        Budget(400_000)
    }

    pub(super) fn spend(&mut self, work: usize) -> Result<(), TooComplex> {
        self.0 = self.0.checked_sub(work).ok_or(TooComplex)?;
        Ok(())
    }

    /// Refuses an expression that is nested too deep to recurse into.
    pub(super) fn admit(&mut self, regex: &Regex) -> Result<(), TooComplex> {
        let mut pending = vec![(0, regex)];
        while let Some((depth, regex)) = pending.pop() {
            self.spend(1)?;
            if depth > DEEPEST {
                return Err(TooComplex);
            }
            pending.extend(children(regex).iter().map(|inner| (depth + 1, inner)));
        }
        Ok(())
    }
}

fn children(regex: &Regex) -> &[Regex] {
    match regex {
        Regex::Class(_) | Regex::Edge | Regex::Split => &[],
        Regex::Concat(inner) | Regex::Alternate(inner) => inner,
        Regex::Star(inner) | Regex::Plus(inner) | Regex::Optional(inner) => {
            std::slice::from_ref(inner)
        }
    }
}

/// Whether any part of it is as asked.
pub(super) fn any(regex: &Regex, is: &dyn Fn(&Regex) -> bool) -> bool {
    is(regex) || children(regex).iter().any(|inner| any(inner, is))
}

/// Whether `\/` stands in it.
pub(super) fn has_mark(regex: &Regex) -> bool {
    any(regex, &|part| *part == Regex::Split)
}

/// What stands before the first `\/` of a term, and behind it.
pub(super) fn at_mark(term: &[Regex]) -> Option<(&[Regex], &[Regex])> {
    let at = term.iter().position(|factor| *factor == Regex::Split)?;
    let (before, behind) = term.split_at(at);
    Some((before, behind.get(1..)?))
}

/// Whether the end of a line is among what it can match.
pub(super) fn sees_newline(regex: &Regex) -> bool {
    any(
        regex,
        &|part| matches!(part, Regex::Class(set) if set.contains(NEWLINE)),
    )
}

/// Whether a blank is among what it can match.
pub(super) fn sees_blank(regex: &Regex) -> bool {
    any(
        regex,
        &|part| matches!(part, Regex::Class(set) if set.contains(b' ')),
    )
}

pub(super) fn is_any(regex: &Regex) -> bool {
    matches!(regex, Regex::Class(set) if *set == ByteSet::any())
}

/// `.*`.
pub(super) fn is_anything(regex: &Regex) -> bool {
    matches!(regex, Regex::Star(inner) if is_any(inner))
}

pub(super) fn anything() -> Regex {
    Regex::Star(Arc::new(Regex::Class(ByteSet::any())))
}

fn join(front: &[Regex], back: &[Regex]) -> Term {
    [front, back].concat()
}

/// Where a search for an expression can begin.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    /// What stands behind the beginning of a line.
    pub(super) at_line: Vec<Term>,
    /// What may stand anywhere; each begins with a class.
    pub(super) anywhere: Vec<Term>,
    /// What stands at the very beginning of the text (`^^`).
    pub(super) at_edge: Vec<Term>,
}

impl Beginnings {
    /// Takes the alternatives of an expression apart by how they begin. What
    /// may be left out at the beginning is: a search finds the rest as well.
    pub(super) fn of(regex: &Regex, budget: &mut Budget) -> Result<Self, TooComplex> {
        let mut beginnings = Beginnings::default();
        beginnings.add(vec![regex.clone()], budget)?;
        Ok(beginnings)
    }

    fn add(&mut self, mut term: Term, budget: &mut Budget) -> Result<(), TooComplex> {
        budget.spend(1 + term.len())?;
        let Some(first) = term.first().cloned() else {
            push_new(&mut self.anywhere, term);
            return Ok(());
        };
        let rest = term.split_off(1);
        match first {
            // A search matches nothing before the mark, if it can.
            Regex::Split => push_new(&mut self.anywhere, join(&[first], &rest)),
            _ if first.is_nullable() => self.add(rest, budget)?,
            Regex::Class(set) => {
                let other = without_newline(&set);
                if set.contains(NEWLINE) {
                    self.at_line(rest.clone(), budget)?;
                }
                if !other.is_empty() {
                    push_new(&mut self.anywhere, join(&[Regex::Class(other)], &rest));
                }
            }
            Regex::Concat(inner) => self.add(join(&inner, &rest), budget)?,
            Regex::Alternate(inner) => {
                for each in inner.iter() {
                    self.add(join(std::slice::from_ref(each), &rest), budget)?;
                }
            }
            Regex::Plus(inner) => self.add(join(std::slice::from_ref(&inner), &rest), budget)?,
            Regex::Edge => push_new(&mut self.at_edge, rest),
            Regex::Star(_) | Regex::Optional(_) => self.add(rest, budget)?,
        }
        Ok(())
    }

    /// `^.*x` is `x` anywhere; alternatives stay apart, so that each can be
    /// judged by itself.
    fn at_line(&mut self, term: Term, budget: &mut Budget) -> Result<(), TooComplex> {
        budget.spend(1 + term.len())?;
        match term.split_first() {
            Some((first, rest)) if is_anything(first) && !begins_with_newline(rest) => {
                self.add(rest.to_vec(), budget)
            }
            Some((Regex::Concat(inner), rest)) => self.at_line(join(inner, rest), budget),
            Some((Regex::Alternate(inner), rest)) => inner
                .iter()
                .try_for_each(|each| self.at_line(join(std::slice::from_ref(each), rest), budget)),
            _ => {
                push_new(&mut self.at_line, term);
                Ok(())
            }
        }
    }
}

/// Whether a term may need another line at once.
fn begins_with_newline(term: &[Regex]) -> bool {
    let optional = term
        .iter()
        .take_while(|factor| factor.is_nullable())
        .count();
    term.iter().take(optional + 1).any(sees_newline)
}

pub(super) fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

pub(super) fn without_newline(set: &ByteSet) -> ByteSet {
    let mut other = *set;
    other.remove(NEWLINE);
    other
}

/// Shows the sets of bytes that a term can begin with, in the order they are
/// written in. Returns whether it can be empty.
pub(super) fn each_first(term: &[Regex], show: &mut dyn FnMut(&ByteSet)) -> bool {
    term.iter().all(|factor| match factor {
        Regex::Class(set) => {
            show(set);
            false
        }
        Regex::Edge => false,
        Regex::Split => true,
        Regex::Concat(inner) => each_first(inner, show),
        Regex::Alternate(inner) => inner.iter().fold(false, |empty, each| {
            each_first(std::slice::from_ref(each), show) | empty
        }),
        Regex::Star(inner) | Regex::Optional(inner) => {
            each_first(std::slice::from_ref(inner), show);
            true
        }
        Regex::Plus(inner) => each_first(std::slice::from_ref(inner), show),
    })
}

fn begins_with(term: &[Regex], byte: u8) -> bool {
    let mut begins = false;
    each_first(term, &mut |set| begins |= set.contains(byte));
    begins
}

/// What is left of a term behind a byte that it begins with.
fn left(term: &[Regex], byte: u8, budget: &mut Budget) -> Result<Vec<Term>, TooComplex> {
    budget.spend(1 + term.len())?;
    let (first, rest) = match term.split_first() {
        Some(split) if begins_with(term, byte) => split,
        _ => return Ok(Vec::new()),
    };
    match first {
        Regex::Class(_) => Ok(vec![rest.to_vec()]),
        Regex::Concat(inner) => left(&join(inner, rest), byte, budget),
        Regex::Alternate(inner) => {
            let mut found = Vec::new();
            for each in inner.iter() {
                let each = std::slice::from_ref(each);
                if begins_with(each, byte) {
                    for behind in left(each, byte, budget)? {
                        found.push(join(&behind, rest));
                    }
                }
                if each.iter().all(Regex::is_nullable) {
                    found.extend(left(rest, byte, budget)?);
                }
            }
            Ok(found)
        }
        Regex::Star(inner) | Regex::Plus(inner) => {
            let again = join(&[Regex::Star(inner.clone())], rest);
            let mut found = Vec::new();
            for behind in left(std::slice::from_ref(inner), byte, budget)? {
                found.push(join(&behind, &again));
            }
            if first.is_nullable() {
                found.extend(left(rest, byte, budget)?);
            }
            Ok(found)
        }
        Regex::Optional(inner) => {
            let mut found = left(&join(std::slice::from_ref(inner), rest), byte, budget)?;
            found.extend(left(rest, byte, budget)?);
            Ok(found)
        }
        Regex::Split => left(rest, byte, budget),
        Regex::Edge => Ok(Vec::new()),
    }
}

/// What is left of terms behind one byte.
pub(super) fn behind(
    terms: &[Term],
    byte: u8,
    budget: &mut Budget,
) -> Result<Vec<Term>, TooComplex> {
    let mut found = Vec::new();
    for term in terms {
        for rest in left(term, byte, budget)? {
            budget.spend(found.len())?;
            push_new(&mut found, rest);
        }
    }
    Ok(found)
}

/// Whether one of the terms is done: whatever follows, it has matched.
pub(super) fn done(terms: &[Term]) -> bool {
    terms.iter().any(|term| term.iter().all(Regex::is_nullable))
}

/// What is left of a term behind a word that it begins with; once it has
/// matched, that is the empty term.
pub(super) fn behind_word(
    term: &Term,
    word: &[u8],
    budget: &mut Budget,
) -> Result<Vec<Term>, TooComplex> {
    let mut terms = vec![term.clone()];
    for &byte in word {
        if done(&terms) {
            return Ok(vec![Vec::new()]);
        }
        terms = behind(&terms, byte, budget)?;
    }
    Ok(terms)
}

/// What is left of a term behind a word in which it begins somewhere.
pub(super) fn behind_part(
    term: &Term,
    word: &[u8],
    budget: &mut Budget,
) -> Result<Vec<Term>, TooComplex> {
    let mut terms = Vec::new();
    for &byte in word {
        terms = behind(&terms, byte, budget)?;
        for rest in behind(std::slice::from_ref(term), byte, budget)? {
            push_new(&mut terms, rest);
        }
        if done(&terms) {
            return Ok(vec![Vec::new()]);
        }
    }
    Ok(terms)
}

/// A term within one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// None of them sees the end of the line.
    pub(super) factors: Vec<Regex>,
    /// Nothing may follow.
    pub(super) closed: bool,
}

impl Line {
    /// Whether it matches where nothing stands.
    pub(super) fn is_nullable(&self) -> bool {
        self.factors.iter().all(Regex::is_nullable)
    }
}

/// Terms within one line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The terms.
    pub(super) lines: Vec<Line>,
    /// Some needed the next line as well, and are left out.
    pub(super) spans: bool,
}

impl Lines {
    /// Cuts a term at the end of the line.
    pub(super) fn add(&mut self, term: &[Regex], budget: &mut Budget) -> Result<(), TooComplex> {
        self.cut(Vec::new(), term, budget)
    }

    fn cut(
        &mut self,
        mut done: Vec<Regex>,
        term: &[Regex],
        budget: &mut Budget,
    ) -> Result<(), TooComplex> {
        budget.spend(1 + term.len() + done.len())?;
        let Some((first, rest)) = term.split_first() else {
            let line = Line {
                factors: done,
                closed: false,
            };
            push_new(&mut self.lines, line);
            return Ok(());
        };
        match first {
            Regex::Split => self.cut(done, rest, budget),
            Regex::Edge => {
                self.spans = true;
                Ok(())
            }
            Regex::Concat(inner) => self.cut(done, &join(inner, rest), budget),
            _ if !sees_newline(first) => {
                done.push(first.clone());
                self.cut(done, rest, budget)
            }
            Regex::Class(set) => {
                match follows_always(rest, budget)? {
                    true => push_new(
                        &mut self.lines,
                        Line {
                            factors: done.clone(),
                            closed: true,
                        },
                    ),
                    false => self.spans = true,
                }
                let other = without_newline(set);
                if other.is_empty() {
                    return Ok(());
                }
                done.push(Regex::Class(other));
                self.cut(done, rest, budget)
            }
            Regex::Alternate(inner) => inner.iter().try_for_each(|each| {
                self.cut(
                    done.clone(),
                    &join(std::slice::from_ref(each), rest),
                    budget,
                )
            }),
            Regex::Optional(inner) => {
                self.cut(
                    done.clone(),
                    &join(std::slice::from_ref(inner), rest),
                    budget,
                )?;
                self.cut(done, rest, budget)
            }
            Regex::Star(inner) | Regex::Plus(inner) => {
                // A second round needs a second line.
                self.spans = true;
                self.cut(
                    done.clone(),
                    &join(std::slice::from_ref(inner), rest),
                    budget,
                )?;
                match first.is_nullable() {
                    true => self.cut(done, rest, budget),
                    false => Ok(()),
                }
            }
        }
    }
}

/// Whether a term holds behind the end of any line: there the next field
/// begins, or the header ends.
fn follows_always(term: &[Regex], budget: &mut Budget) -> Result<bool, TooComplex> {
    if term.iter().all(Regex::is_nullable) {
        return Ok(true);
    }
    let terms = [term.to_vec()];
    for byte in (b'A'..=b'Z').chain(b'a'..=b'z').chain([NEWLINE]) {
        if !done(&behind(&terms, byte, budget)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
