//! In: factors of a term, with classes that list the bytes of letters. Out: the
//! same factors for the letters, as Sieve sees them.
//!
//! A letter beyond ASCII is several bytes, and procmail looks at each: `[éè]`
//! holds three. Which letters were meant is plain where all begin alike.

use crate::rules::expression::{ByteSet, Regex};

/// The most letters that a class is taken apart into.
const MOST_LETTERS: usize = 32;

/// The factors, read as letters; `None` where a class tells no letters.
pub(super) fn read(factors: &[Regex]) -> Option<Vec<Regex>> {
    factors.iter().map(of).collect()
}

fn of(regex: &Regex) -> Option<Regex> {
    Some(match regex {
        Regex::Class(set) => return class(set),
        Regex::Concat(inner) => Regex::Concat(read(inner)?.into()),
        Regex::Alternate(inner) => Regex::Alternate(read(inner)?.into()),
        Regex::Star(inner) => Regex::Star(of(inner)?.into()),
        Regex::Plus(inner) => Regex::Plus(of(inner)?.into()),
        Regex::Optional(inner) => Regex::Optional(of(inner)?.into()),
        Regex::Edge | Regex::Split => regex.clone(),
    })
}

/// A class that lists letters, as one of these. A byte alone is a part of a
/// letter that is written out, and a class of all is a dot or what is left of it.
fn class(set: &ByteSet) -> Option<Regex> {
    let foreign: Vec<u8> = set.iter().filter(|byte| !byte.is_ascii()).collect();
    let mut plain = *set;
    foreign.iter().for_each(|byte| plain.remove(*byte));
    if matches!(foreign.len(), 0 | 128) || foreign.len() == 1 && plain.is_empty() {
        return Some(Regex::Class(*set));
    }
    let (first, rest): (Vec<u8>, Vec<u8>) = foreign.into_iter().partition(|byte| *byte >= 0xc0);
    let [first] = first.as_slice() else {
        return None;
    };
    if rest.is_empty() || rest.len() > MOST_LETTERS {
        return None;
    }
    let letter = |other: u8| {
        std::str::from_utf8(&[*first, other]).ok()?;
        let bytes = [*first, other].map(|byte| Regex::Class(ByteSet::of(byte)));
        Some(Regex::Concat(bytes.into()))
    };
    let mut ways = rest.into_iter().map(letter).collect::<Option<Vec<_>>>()?;
    if !plain.is_empty() {
        ways.insert(0, Regex::Class(plain));
    }
    Some(Regex::Alternate(ways.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rules::expression::Expression;

    #[test]
    fn classes_list_letters() {
        let regex = |text: &str| Expression::new(text, false).unwrap().regex;
        for (written, meant) in [("caf[eé]s?", "caf([e]|é)s?"), ("x[éè]*", "x(è|é)*")] {
            let [written, meant] = [written, meant].map(regex);
            let read = of(&written).unwrap();
            assert_eq!(format!("{read:?}").len(), format!("{meant:?}").len());
        }
        for written in ["[é-ü]", "[éœ]", "[€é]"] {
            assert_eq!(of(&regex(written)), None, "{written}");
        }
    }
}
