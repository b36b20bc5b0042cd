//! In: factors of a term, with bytes that are parts of letters. Out: the same
//! factors for the letters, in UTF-8, as Sieve sees them.
//!
//! What is no UTF-8 is taken for Latin-1. A class may list letters of either:
//! `[éè]` holds two bytes there, and three here.

use super::glob::single;
use crate::rules::expression::{ByteSet, Regex};

/// The most letters that a class is taken apart into.
const MOST_LETTERS: usize = 32;

/// The factors, read as letters.
pub(super) fn read(factors: &[Regex]) -> Vec<Regex> {
    let part = |factor: &Regex| match factor {
        Regex::Class(set) => single(set, false).filter(|byte| !byte.is_ascii()),
        _ => None,
    };
    let runs = factors.chunk_by(|one, next| part(one).is_some() && part(next).is_some());
    let mut read = Vec::new();
    for run in runs {
        let bytes: Vec<u8> = run.iter().filter_map(part).collect();
        if bytes.is_empty() {
            read.extend(run.iter().map(of));
        } else if std::str::from_utf8(&bytes).is_ok() {
            read.extend_from_slice(run);
        } else {
            read.extend(bytes.into_iter().map(|byte| letter(char::from(byte))));
        }
    }
    read
}

fn of(regex: &Regex) -> Regex {
    match regex {
        Regex::Class(set) => class(set),
        Regex::Concat(inner) => Regex::Concat(read(inner).into()),
        Regex::Alternate(inner) => {
            let one = |each| Regex::Concat(read(std::slice::from_ref(each)).into());
            Regex::Alternate(inner.iter().map(one).collect())
        }
        Regex::Star(inner) => Regex::Star(of(inner).into()),
        Regex::Plus(inner) => Regex::Plus(of(inner).into()),
        Regex::Optional(inner) => Regex::Optional(of(inner).into()),
        Regex::Edge | Regex::Split => regex.clone(),
    }
}

/// A class that lists letters, as one of these.
fn class(set: &ByteSet) -> Regex {
    let foreign: Vec<u8> = set.iter().filter(|byte| !byte.is_ascii()).collect();
    let letters = letters(&foreign);
    if letters.is_empty() || letters.len() > MOST_LETTERS {
        return Regex::Class(*set);
    }
    let mut ways: Vec<Regex> = letters.into_iter().map(letter).collect();
    let mut plain = *set;
    foreign.into_iter().for_each(|byte| plain.remove(byte));
    if !plain.is_empty() {
        ways.insert(0, Regex::Class(plain));
    }
    Regex::Alternate(ways.into())
}

/// The letters whose bytes these are: of UTF-8, where there are bytes to begin
/// letters with and others to go on with, and no more.
fn letters(bytes: &[u8]) -> Vec<char> {
    let (first, rest): (Vec<u8>, Vec<u8>) = bytes.iter().partition(|byte| **byte >= 0xc0);
    let both = first
        .iter()
        .flat_map(|one| rest.iter().map(|other| vec![*one, *other]));
    let both: Result<Vec<String>, _> = both.map(String::from_utf8).collect();
    match both {
        Ok(both) if !both.is_empty() => both.iter().flat_map(|text| text.chars()).collect(),
        _ => bytes.iter().copied().map(char::from).collect(),
    }
}

fn letter(letter: char) -> Regex {
    let mut bytes = [0; 4];
    let bytes = letter.encode_utf8(&mut bytes).bytes();
    Regex::Concat(bytes.map(|byte| Regex::Class(ByteSet::of(byte))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_list_letters_of_either_charset() {
        assert_eq!(letters(b"\xf6"), ['ö']);
        assert_eq!(letters(b"\xe8\xe9"), ['è', 'é']);
        assert_eq!(letters(b"\xa8\xa9\xc3"), ['è', 'é']);
        assert_eq!(letters(b"\xb9\xd0"), ['й']);
    }
}
