//! In: factors of a term. Out: in how many ways a text can be read by them.
//! Engines agree on what they take where there is but one.
//!
//! Each class of bytes is a position; which may follow which is found as
//! Glushkov did it.

use crate::rules::expression::{ByteSet, Regex};
use std::collections::{BTreeSet, HashSet};

/// A set of positions, a bit each.
type Set = u128;

/// The positions of an expression that matches more than the empty word.
pub(super) struct Positions {
    classes: Vec<ByteSet>,
    first: Ways,
    last: Set,
    follow: Vec<Ways>,
}

/// Positions, in the order in which an engine tries them that goes on as long as
/// it can.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Ways(Vec<usize>);

impl Ways {
    fn add(&mut self, others: &Ways) {
        for &at in &others.0 {
            if !self.0.contains(&at) {
                self.0.push(at);
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied()
    }
}

/// Where a part begins and ends.
struct Part {
    first: Ways,
    last: Set,
    is_nullable: bool,
}

/// The most lists of ways that are looked at.
const MOST_LISTS: usize = 512;

/// The most places in two expressions at once that are looked at.
const MOST_PLACES: usize = 128;

fn of_set(set: Set) -> impl Iterator<Item = usize> {
    (0..Set::BITS as usize).filter(move |at| set >> at & 1 == 1)
}

impl Positions {
    /// `None` where there are too many, or one stands for no byte.
    pub(super) fn of(factors: &[Regex]) -> Option<Self> {
        let mut positions = Positions {
            classes: Vec::new(),
            first: Ways::default(),
            last: 0,
            follow: Vec::new(),
        };
        let whole = positions.sequence(factors)?;
        positions.first = whole.first;
        positions.last = whole.last;
        Some(positions)
    }

    fn sequence(&mut self, factors: &[Regex]) -> Option<Part> {
        let mut done = Part {
            first: Ways::default(),
            last: 0,
            is_nullable: true,
        };
        for factor in factors {
            let next = self.part(factor)?;
            self.link(done.last, &next.first);
            if done.is_nullable {
                done.first.add(&next.first);
            }
            done.last = match next.is_nullable {
                true => done.last | next.last,
                false => next.last,
            };
            done.is_nullable &= next.is_nullable;
        }
        Some(done)
    }

    fn part(&mut self, regex: &Regex) -> Option<Part> {
        match regex {
            Regex::Class(set) if set.is_empty() => None,
            Regex::Class(set) => {
                let at = self.classes.len();
                let bit = 1_u128.checked_shl(at.try_into().ok()?)?;
                self.classes.push(*set);
                self.follow.push(Ways::default());
                Some(Part {
                    first: Ways(vec![at]),
                    last: bit,
                    is_nullable: false,
                })
            }
            Regex::Concat(inner) => self.sequence(inner),
            Regex::Alternate(inner) => {
                let mut all = Part {
                    first: Ways::default(),
                    last: 0,
                    is_nullable: false,
                };
                for each in inner.iter() {
                    let part = self.part(each)?;
                    all.first.add(&part.first);
                    all.last |= part.last;
                    all.is_nullable |= part.is_nullable;
                }
                Some(all)
            }
            Regex::Star(inner) | Regex::Plus(inner) => {
                let part = self.part(inner)?;
                self.link(part.last, &part.first);
                let is_nullable = part.is_nullable || matches!(regex, Regex::Star(_));
                Some(Part {
                    is_nullable,
                    ..part
                })
            }
            Regex::Optional(inner) => Some(Part {
                is_nullable: true,
                ..self.part(inner)?
            }),
            Regex::Edge | Regex::Split => None,
        }
    }

    /// Loops are linked before what follows them, and tried first.
    fn link(&mut self, from: Set, to: &Ways) {
        for at in of_set(from) {
            if let Some(follow) = self.follow.get_mut(at) {
                follow.add(to);
            }
        }
    }

    fn meet(&self, one: usize, other: usize) -> bool {
        match (self.classes.get(one), self.classes.get(other)) {
            (Some(one), Some(other)) => !one.intersection(other).is_empty(),
            _ => false,
        }
    }

    fn behind(&self, at: usize) -> &Ways {
        self.follow.get(at).unwrap_or(&self.first)
    }

    fn ends_at(&self, at: usize) -> bool {
        self.last >> at & 1 == 1
    }

    fn goes_on_behind(&self, at: usize) -> bool {
        !self.behind(at).0.is_empty()
    }

    /// Whether a text that is read by the first so many positions, and then by the
    /// others, can go over from these to those in one place only.
    pub(super) fn part_once(&self, first: usize) -> bool {
        let pairs = self.meeting(&self.first, &self.first);
        !self.some_meeting(pairs, |one, other| one < first && other >= first)
    }

    /// Whether an engine that tries one way after the other, as POSIX does not,
    /// comes to the longest match first: no way that it leaves untried goes on.
    pub(super) fn come_to_longest(&self) -> bool {
        let kinds = self.kinds_of_bytes();
        let mut open = vec![self.first.clone()];
        let mut seen = HashSet::new();
        while let Some(ways) = open.pop() {
            if seen.contains(&ways) {
                continue;
            }
            if seen.len() == MOST_LISTS {
                return false;
            }
            for kind in &kinds {
                let mut next = Ways::default();
                let mut has_ended = false;
                for at in ways.iter().filter(|at| kind >> at & 1 == 1) {
                    if has_ended && self.goes_on_behind(at) {
                        return false;
                    }
                    next.add(self.behind(at));
                    has_ended |= self.ends_at(at);
                }
                if !next.0.is_empty() {
                    open.push(next);
                }
            }
            seen.insert(ways);
        }
        true
    }

    /// The positions that a byte can stand at, for each kind of byte that they
    /// tell apart.
    fn kinds_of_bytes(&self) -> BTreeSet<Set> {
        let of = |byte: u8| {
            let at = self.classes.iter().enumerate();
            at.filter(|(_, set)| set.contains(byte))
                .fold(0, |kind, (at, _)| kind | 1 << at)
        };
        (0..=u8::MAX).map(of).filter(|kind| *kind != 0).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether no match goes on in a longer one.
    pub(super) fn end_once(&self) -> bool {
        let pairs = self.meeting(&self.first, &self.first);
        !self.some_meeting(pairs, |shorter, longer| {
            self.ends_at(shorter) && self.goes_on_behind(longer)
        })
    }

    /// Whether no match has another one inside that begins later, and ends
    /// before it.
    pub(super) fn hold_no_other(&self) -> bool {
        let inner = (0..self.len())
            .flat_map(|at| self.meeting(self.behind(at), &self.first))
            .collect();
        !self.some_meeting(inner, |outer, inner| {
            self.ends_at(inner) && self.goes_on_behind(outer)
        })
    }

    /// Whether all that another expression matches is matched here too.
    pub(super) fn include(&self, other: &Positions) -> bool {
        let bits = |ways: &Ways| ways.iter().fold(0, |set: Set, at| set | 1 << at);
        let mut open: Vec<(&Ways, Set)> = vec![(&other.first, bits(&self.first))];
        let mut seen = HashSet::new();
        while let Some((theirs, ours)) = open.pop() {
            for at in theirs.iter() {
                if !seen.insert((at, ours)) {
                    continue;
                }
                if seen.len() > MOST_PLACES {
                    return false;
                }
                let bytes = other.classes.get(at).into_iter().flat_map(ByteSet::iter);
                for byte in bytes {
                    let mut next = 0;
                    let mut ends = false;
                    for ours in of_set(ours) {
                        if self.classes.get(ours).is_some_and(|set| set.contains(byte)) {
                            next |= bits(self.behind(ours));
                            ends |= self.ends_at(ours);
                        }
                    }
                    if other.ends_at(at) && !ends {
                        return false;
                    }
                    open.push((other.behind(at), next));
                }
            }
        }
        true
    }

    /// The pairs of positions that one byte can stand at.
    fn meeting(&self, ones: &Ways, others: &Ways) -> Vec<(usize, usize)> {
        let pairs = ones
            .iter()
            .flat_map(|one| others.iter().map(move |other| (one, other)));
        pairs
            .filter(|&(one, other)| self.meet(one, other))
            .collect()
    }

    /// Whether a pair like this can be come to from these, by the same bytes.
    fn some_meeting(
        &self,
        mut open: Vec<(usize, usize)>,
        is_wanted: impl Fn(usize, usize) -> bool,
    ) -> bool {
        let mut seen: HashSet<(usize, usize)> = HashSet::new();
        while let Some((one, other)) = open.pop() {
            if !seen.insert((one, other)) {
                continue;
            }
            if is_wanted(one, other) {
                return true;
            }
            open.extend(self.meeting(self.behind(one), self.behind(other)));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rules::expression::Expression;

    fn of(text: &str) -> Positions {
        let regex = Expression::new(text, false).unwrap().regex;
        Positions::of(&[regex]).unwrap()
    }

    #[test]
    fn parts_are_seen() {
        for (front, back) in [
            ("(send|get) +", "x"),
            ("(math|m)[ -]?", "(101|204)"),
            ("a*", "b"),
            ("(ab|ac)", "d?"),
        ] {
            assert!(
                of(&format!("{front}{back}")).part_once(of(front).len()),
                "{front} {back}"
            );
        }
        for (front, back) in [("a*", "a"), ("x?", "x"), ("(lists\\.)?", "[a-z]+")] {
            assert!(
                !of(&format!("{front}{back}")).part_once(of(front).len()),
                "{front} {back}"
            );
        }
    }

    #[test]
    fn ends_are_seen() {
        for text in ["[^@]+-(bounces|admin)@", "(lists\\.)?[a-z]+\\.pl@", "ab|ac"] {
            assert!(of(text).end_once(), "{text}");
        }
        for text in ["a+", "ab?", "a|ab", ".*@lists", "[a-z]+ex"] {
            assert!(!of(text).end_once(), "{text}");
        }
    }

    #[test]
    fn the_longest_comes_first() {
        for text in [
            "[^@]+-(bounces|admin)@",
            "[a-z-]+-return-[0-9]+",
            ".*@lists",
            "(ab|a)b?",
            "((xy+)+z)+",
            "(a|b.)+c?",
        ] {
            assert!(of(text).come_to_longest(), "{text}");
        }
        for text in ["a|ab", "(a|ab)(c|b)", "a?(ab)?", "(a|ab)+"] {
            assert!(!of(text).come_to_longest(), "{text}");
        }
    }

    #[test]
    fn what_is_matched_too_is_seen() {
        for (one, other) in [
            ("[a-z0-9-]+@", "owner-[a-z0-9-]+@"),
            ("(ab|c)+", "abc"),
            ("a*b", "aab|b"),
        ] {
            assert!(of(one).include(&of(other)), "{one} {other}");
        }
        for (one, other) in [("[a-z]+@", "owner-[a-z]+@"), ("abc", "ab"), ("ab", "abc")] {
            assert!(!of(one).include(&of(other)), "{one} {other}");
        }
    }

    #[test]
    fn matches_within_matches_are_seen() {
        for text in ["(send|get) +", "<(haskell|ghc)-", "cs *", "abab", "aab|b"] {
            assert!(of(text).hold_no_other(), "{text}");
        }
        for text in ["a.c|b", "<[^>]*>x|<[^>]*>", "a+b|b+|aac"] {
            assert!(!of(text).hold_no_other(), "{text}");
        }
    }
}
