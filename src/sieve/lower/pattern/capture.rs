//! In: a term with `\/` in it. Out: one key whose match variable holds what
//! procmail puts into `MATCH`, where engines agree on that.
//!
//! procmail matches as little as it can before the mark and as much as it can
//! behind it. `*` in `:matches` is as short as can be; in `:regex`, a beginning
//! of one length leaves no choice, and neither does an end in which every
//! repeat stops where the next factor begins.

use super::Group;
use super::glob::single_glob;
use super::key::{Style, tidy};
use super::regex;
use super::term::{Budget, Line, Lines, Term, TooComplex, any, is_anything, sees_newline};
use crate::rules::expression::{ByteSet, Regex};
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
}

/// The key for a term over a value; `None` where there is no telling what the
/// engines would take.
pub(super) fn of(
    term: &Term,
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
    let inner = behind.split_last().map_or(behind, |(_, inner)| inner);
    if before.iter().chain(inner).any(sees_newline) {
        return Ok(None);
    }
    let (mut front, mut back) = (Lines::default(), Lines::default());
    front.add(before, budget)?;
    back.add(behind, budget)?;
    let ([front], [back]) = (front.lines.as_slice(), back.lines.as_slice()) else {
        return Ok(None);
    };
    let unanchored = front.factors.first().is_some_and(is_anything);
    let Some(mut front) = tidy(&Line {
        factors: front.factors.clone(),
        closed: true,
    }) else {
        return Ok(None);
    };
    without_needless(&mut front.factors, &back.factors);
    // Where procmail can begin in several ways, it remembers the first, and goes
    // on with the last.
    let begins_anywhere = front.factors.last().is_some_and(is_anything);
    if begins_anywhere && (front.factors.len() > 1 || before.len() > 1) {
        return Ok(None);
    }
    // Blanks at the beginning of the value are gone.
    if !unanchored {
        while front
            .factors
            .first()
            .is_some_and(|first| super::key::is_blank(first) && first.is_nullable())
        {
            front.factors.remove(0);
        }
    }
    let found = rest_of_line(&front.factors, &back.factors, style);
    let found = found.or_else(|| part(&front.factors, back, style));
    Ok(found.map(|capture| Capture {
        line_end: back.closed,
        ..capture
    }))
}

/// The key for a term over all that stands behind the colon, where `\/.*`
/// takes it, the blank first: `^Subject: *\/.*` matches as little as it can
/// before the mark.
pub(super) fn from_colon(term: &Term, budget: &mut Budget) -> Result<Option<Capture>, TooComplex> {
    let Some(at) = term.iter().position(|factor| *factor == Regex::Split) else {
        return Ok(None);
    };
    let (before, behind) = term.split_at(at);
    let takes_nothing = |factor: &Regex| {
        let splits = any(factor, &|part| *part == Regex::Split);
        factor.is_nullable() && !splits && !sees_newline(factor)
    };
    let mut back = Lines::default();
    back.add(behind, budget)?;
    let [back] = back.lines.as_slice() else {
        return Ok(None);
    };
    let is_rest = matches!(back.factors.as_slice(), [rest] if is_anything(rest));
    Ok(
        (is_rest && before.iter().all(takes_nothing)).then(|| Capture {
            by: Match::Matches,
            key: "*".to_owned(),
            group: Group {
                variable: "1".to_owned(),
                has_blank: true,
                shape: Shape::Blank,
            },
            line_end: back.closed,
        }),
    )
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
            shape: Shape::Anything,
        },
        line_end: false,
    })
}

fn part(front: &[Regex], back: &Line, style: Style) -> Option<Capture> {
    let (searched, fixed) = match front.split_first() {
        Some((first, rest)) if is_anything(first) => (true, rest),
        _ => (false, front),
    };
    let dialect = style.regex?;
    let plain = |regex: &Regex| matches!(regex, Regex::Class(_));
    if !deterministic(&back.factors) {
        return None;
    }
    let front = match fixed.iter().all(plain) {
        true => front.to_vec(),
        false if searched => return None,
        false => earliest(front, &back.factors)?,
    };
    let key = regex::captured(&front, back, style.ignores_case, dialect)?;
    Some(Capture {
        by: Match::Regex,
        key,
        group: Group {
            variable: "1".to_owned(),
            has_blank: false,
            shape: shape(&back.factors),
        },
        line_end: false,
    })
}

/// What factors match: a word, where each is of letters that one has, and not
/// all can be empty.
fn shape(factors: &[Regex]) -> Shape {
    let is_of_word = |factor: &Regex| match factor {
        Regex::Class(set) => set.iter().all(|byte| shape::is_of_word(byte.into())),
        _ => false,
    };
    let is_word = factors.iter().all(|factor| match factor {
        Regex::Star(inner) | Regex::Plus(inner) | Regex::Optional(inner) => is_of_word(inner),
        factor => is_of_word(factor),
    });
    match is_word && !factors.iter().all(Regex::is_nullable) {
        true => Shape::Word,
        false => Shape::Anything,
    }
}

/// A beginning that is as short as it can be, written so that it cannot be
/// longer: `[^>]*<` as `[^<>]*<`.
fn earliest(front: &[Regex], back: &[Regex]) -> Option<Vec<Regex>> {
    let mut front = front.to_vec();
    if let [before @ .., repeat, Regex::Class(end)] = front.as_slice()
        && let Regex::Star(inner) | Regex::Plus(inner) = repeat
        && let Regex::Class(set) = inner.as_ref()
        && !set.intersection(end).is_empty()
    {
        if !takes_any_of(back, set) {
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
    let is_settled = matches!(front.last(), Some(Regex::Class(_)));
    (is_settled && deterministic(&front)).then_some(front)
}

/// Leaves out what need not match at the end of a beginning, where what follows
/// takes its bytes as well: `<?` in front of `[^>]+`. As little as can be is then
/// nothing. A blank stays, since it may be one that begins the value.
fn without_needless(front: &mut Vec<Regex>, back: &[Regex]) {
    let is_needless = |factor: &mut Regex| match factor {
        Regex::Star(inner) | Regex::Optional(inner) => match inner.as_ref() {
            Regex::Class(set) => {
                !set.contains(b' ') && !set.contains(b'\t') && takes_any_of(back, set)
            }
            _ => false,
        },
        _ => false,
    };
    while front.pop_if(is_needless).is_some() {}
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

/// Whether each repeat stops where the next factor begins.
fn deterministic(factors: &[Regex]) -> bool {
    let mut repeated = ByteSet::EMPTY;
    for factor in factors {
        let (set, repeats) = match factor {
            Regex::Class(set) => (set, false),
            Regex::Star(inner) | Regex::Plus(inner) | Regex::Optional(inner) => match &**inner {
                Regex::Class(set) => (set, true),
                _ => return false,
            },
            _ => return false,
        };
        if !set.intersection(&repeated).is_empty() {
            return false;
        }
        repeated = match (repeats, factor) {
            (false, _) => ByteSet::EMPTY,
            (true, Regex::Plus(_)) => *set,
            (true, _) => repeated.union(set),
        };
    }
    true
}
