//! In: what stands before the mark of a term, and behind it. Out: whether there is
//! but one place for the mark, or one that all engines come to.

use super::super::positions::Positions;
use super::super::term::{any, is_anything};
use crate::rules::expression::Regex;

/// Whether it takes one byte.
pub(super) fn is_class(regex: &Regex) -> bool {
    matches!(regex, Regex::Class(_))
}

/// Whether the mark can be in one place only: each byte is one of the front or
/// one behind it, and what need not match behind it is not asked for too early.
pub(super) fn is_settled(front: &[Regex], back: &[Regex]) -> bool {
    let whole = Positions::of(&[front, back].concat());
    let parts = whole.zip(Positions::of(front));
    parts.is_some_and(|(whole, of_front)| {
        whole.part_once(of_front.len())
            && (of_front.end_once() || !back.iter().all(Regex::is_nullable))
    })
}

/// Whether a beginning of the value can end in one place only.
pub(super) fn is_once(front: &[Regex]) -> bool {
    !front.iter().all(Regex::is_nullable)
        && Positions::of(front).is_some_and(|positions| positions.end_once())
}

/// Whether a front that may be anywhere in the text leaves no choice once it has
/// begun, so that engines find the first of its places.
pub(super) fn searched_once(front: &[Regex], back: &[Regex]) -> bool {
    is_settled(front, back)
        && Positions::of(front).is_some_and(|positions| positions.hold_no_other())
}

/// Whether the last part of a front, behind its last `.*`, leaves no choice:
/// engines then find the last of its places, for `.*` takes what it can.
pub(super) fn ends_once(front: &[Regex], back: &[Regex]) -> bool {
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
pub(super) fn ends_alike(back: &[Regex]) -> bool {
    let can_go_on = |regex: &Regex| match regex {
        Regex::Alternate(inner) => !inner.iter().any(Regex::is_nullable),
        Regex::Star(inner) | Regex::Plus(inner) | Regex::Optional(inner) => !inner.is_nullable(),
        _ => true,
    };
    let stops = |factor: &Regex| any(factor, &|part| !can_go_on(part));
    !back.iter().any(stops)
        && Positions::of(back).is_some_and(|positions| positions.come_to_longest())
}
