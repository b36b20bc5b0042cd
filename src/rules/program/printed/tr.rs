//! In: a call of tr. Out: the changes that it makes to a line (tr(1) of GNU, one
//! byte after the other).

use super::TextEdit;
use crate::rules::model::Text;
use crate::rules::program::arguments::Call;

/// Each of a sign becomes another, or goes.
pub(super) fn every(old: char, new: &str) -> Option<TextEdit> {
    (!new.contains(old)).then(|| TextEdit::Every {
        old,
        new: new.to_owned(),
    })
}

/// Signs that are changed one by one: more would make a long script.
pub(super) const MOST_SIGNS: usize = 4;

/// `tr A-Z a-z`, `tr . _`, `tr -d '<>'` (tr(1) of GNU).
pub(super) fn edits(call: &Call) -> Option<Vec<TextEdit>> {
    let words: Option<Vec<&str>> = call.arguments.iter().map(Text::known).collect();
    let is_option = |word: &str| word.starts_with('-') && word.len() > 1;
    match words?.as_slice() {
        ["-d", deleted] if !is_option(deleted) => {
            let deleted = set(deleted)?;
            if deleted.len() > MOST_SIGNS {
                return None;
            }
            deleted
                .into_iter()
                .map(|sign| every(char::from(sign), ""))
                .collect()
        }
        ["[:upper:]", "[:lower:]"] => Some(vec![TextEdit::Case { upper: false }]),
        ["[:lower:]", "[:upper:]"] => Some(vec![TextEdit::Case { upper: true }]),
        [from, to] if !is_option(from) => translated(&set(from)?, &set(to)?),
        _ => None,
    }
}

/// Signs of one set become those of the other at the same places.
fn translated(from: &[u8], to: &[u8]) -> Option<Vec<TextEdit>> {
    let last = to.last()?;
    let mut table: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    for (at, &old) in from.iter().enumerate() {
        *table.get_mut(usize::from(old))? = *to.get(at).unwrap_or(last);
    }
    let new_of = |old: u8| table.get(usize::from(old)).copied().unwrap_or(old);
    let mut edits = Vec::new();
    let lowers = (b'A'..=b'Z').all(|old| new_of(old) == old.to_ascii_lowercase());
    let uppers = (b'a'..=b'z').all(|old| new_of(old) == old.to_ascii_uppercase());
    if lowers != uppers {
        edits.push(TextEdit::Case { upper: uppers });
    }
    let cased = |old: u8| match edits.as_slice() {
        [TextEdit::Case { upper: true }] => old.to_ascii_uppercase(),
        [TextEdit::Case { upper: false }] => old.to_ascii_lowercase(),
        _ => old,
    };
    let others: Vec<(u8, u8)> = (0..=u8::MAX)
        .map(|old| (old, new_of(old)))
        .filter(|&(old, new)| new != cased(old))
        .collect();
    // They are changed one after the other: none may be changed twice.
    let is_cased = |sign: u8| !edits.is_empty() && sign.is_ascii_alphabetic();
    let is_changed = |sign: u8| others.iter().any(|(old, _)| *old == sign);
    let is_changed_twice =
        |&(old, new): &(u8, u8)| is_changed(new) || is_cased(old) || !old.is_ascii();
    if others.len() > MOST_SIGNS || others.iter().any(is_changed_twice) {
        return None;
    }
    for (old, new) in others {
        edits.push(every(char::from(old), &char::from(new).to_string())?);
    }
    Some(edits)
}

/// The signs of a set, ranges spelled out; no classes, and no repeats.
fn set(word: &str) -> Option<Vec<u8>> {
    let is_more = ["[:", "[=", "*]"].iter().any(|sign| word.contains(sign));
    if is_more || !word.is_ascii() {
        return None;
    }
    let mut signs = Vec::new();
    let mut rest = word.bytes();
    while let Some(sign) = rest.next() {
        let sign = match sign {
            b'\\' => match rest.next()? {
                letter if letter.is_ascii_alphanumeric() => return None,
                other => other,
            },
            sign => sign,
        };
        let mut range = rest.clone();
        match (range.next(), range.next()) {
            (Some(b'-'), Some(end)) => {
                if end < sign || end == b'\\' {
                    return None;
                }
                signs.extend(sign..=end);
                rest = range;
            }
            _ => signs.push(sign),
        }
    }
    (!signs.is_empty() && !signs.contains(&b'\n')).then_some(signs)
}
