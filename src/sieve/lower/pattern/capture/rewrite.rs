//! In: what stands before the mark of a term, and behind it. Out: the same written so
//! that engines which take as much as they can, or try one way after the other,
//! take what procmail does.

use super::super::key::is_blank;
use super::super::positions::Positions;
use super::super::term::{self, Budget, Line, TooComplex, is_anything};
use super::settled::is_settled;
use crate::rules::expression::{ByteSet, Regex};
use std::sync::Arc;

/// With longer alternatives in front of shorter ones: `dev|dev-announce` as
/// `dev-announce|dev`, so that each engine comes to the longest.
pub(super) fn longest_first(line: &Line) -> Line {
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

/// A beginning that is as short as it can be, written so that it cannot be
/// longer: `[^>]*<` as `[^<>]*<`.
pub(super) fn earliest(mut front: Vec<Regex>, back: &Line) -> Option<Vec<Regex>> {
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
pub(super) fn without_needless(
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
            { before.iter() }.all(|factor| factor.is_nullable() || is_blank(factor));
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
/// `(.*[^a-z])?x`: at the beginning of the value, or anywhere behind a byte.
pub(super) fn may_begin_the_value(front: &mut Vec<Regex>) -> bool {
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
