//! In: a call of tr. Out: the changes that it makes to a line (tr(1) of GNU, one
//! byte after the other).

use super::TextEdit;
use super::signs::{Signs, class, squeezed};
use crate::rules::model::Text;
use crate::rules::program::arguments::Call;
use std::collections::BTreeSet;

/// Signs that become others, one by one: more would make a long script.
const MOST_SIGNS: usize = 4;

/// `tr A-Z a-z`, `tr . _`, `tr -d '<>'`, `tr -cd a-z`, `tr -s ' '`. Several lines
/// (`has_lines`) are not joined.
pub(super) fn edits(call: &Call, has_lines: bool) -> Option<Vec<TextEdit>> {
    let words: Option<Vec<&str>> = call.arguments.iter().map(Text::known).collect();
    let is_option = |word: &str| word.starts_with('-') && word.len() > 1;
    match words?.as_slice() {
        ["-d", deleted] if !is_option(deleted) => {
            let deleted = Set::of(deleted)?;
            let joins = deleted.line_end && has_lines;
            (!joins).then(|| deleted.signs().replaced(""))?
        }
        ["-cd" | "-dc", kept] | ["-c", "-d", kept] | ["-d", "-c", kept] if !is_option(kept) => {
            let kept = Set::of(kept)?;
            let joins = !kept.line_end && has_lines;
            (!joins).then(|| kept.signs().complement().replaced(""))?
        }
        ["-s", signs] if !is_option(signs) => {
            let signs = Set::of(signs)?;
            let joins = signs.line_end && has_lines;
            let is_few = signs.listed.len() <= MOST_SIGNS && !joins;
            let each = signs.listed.into_iter().map(char::from);
            is_few.then(|| each.map(squeezed).collect())
        }
        ["[:upper:]", "[:lower:]"] => Some(vec![TextEdit::Case { upper: false }]),
        ["[:lower:]", "[:upper:]"] => Some(vec![TextEdit::Case { upper: true }]),
        [from, to] if !is_option(from) => translated(&Set::of(from)?, &Set::of(to)?),
        _ => None,
    }
}

/// Signs of one set become those of the other at the same places.
fn translated(from: &Set, to: &Set) -> Option<Vec<TextEdit>> {
    // A class has no order to go by.
    let is_unordered = to.has_class || from.has_class && to.listed.len() > 1;
    if is_unordered || from.line_end || to.line_end {
        return None;
    }
    let last = to.listed.last()?;
    let mut table: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    for (at, &old) in from.listed.iter().enumerate() {
        *table.get_mut(usize::from(old))? = *to.listed.get(at).unwrap_or(last);
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
    if others.iter().any(is_changed_twice) {
        return None;
    }
    // Those that become one sign are changed at once, as it can be.
    let news: BTreeSet<u8> = others.iter().map(|(_, new)| *new).collect();
    if news.len() > MOST_SIGNS {
        return None;
    }
    for new in news {
        let olds = others.iter().filter(|(_, other)| *other == new);
        let olds = Signs::these(olds.map(|(old, _)| char::from(*old)));
        edits.extend(olds.replaced(&char::from(new).to_string())?);
    }
    (edits.len() <= MOST_SIGNS + 1).then_some(edits)
}

/// What stands in a set, in its order: ranges and classes spelled out, no repeats.
#[derive(Debug)]
struct Set {
    /// Without the end of a line.
    listed: Vec<u8>,
    line_end: bool,
    has_class: bool,
}

impl Set {
    fn of(word: &str) -> Option<Self> {
        if ["[=", "*]"].iter().any(|sign| word.contains(sign)) || !word.is_ascii() {
            return None;
        }
        let mut set = Set {
            listed: Vec::new(),
            line_end: false,
            has_class: false,
        };
        let mut rest = word;
        while let Some(first) = rest.bytes().next() {
            let is_class = |rest: &str| rest.starts_with("[:");
            if is_class(rest) {
                let (name, behind) = rest.get(2..)?.split_once(":]")?;
                set.listed
                    .extend(class(name)?.into_iter().map(|sign| sign as u8));
                set.line_end |= name == "space";
                set.has_class = true;
                rest = behind;
                continue;
            }
            let (sign, behind) = match (first, rest.as_bytes().get(1)) {
                (b'\\', None) => return None,
                (b'\\', Some(b'n')) => (b'\n', rest.get(2..)?),
                (b'\\', Some(letter)) if letter.is_ascii_alphanumeric() => return None,
                (b'\\', Some(other)) => (*other, rest.get(2..)?),
                (sign, _) => (sign, rest.get(1..)?),
            };
            match behind.as_bytes() {
                [b'-', end, ..] => {
                    if *end < sign || *end == b'\\' || sign == b'\n' || is_class(behind.get(1..)?) {
                        return None;
                    }
                    set.listed.extend(sign..=*end);
                    rest = behind.get(2..)?;
                }
                _ => {
                    set.listed.push(sign);
                    rest = behind;
                }
            }
        }
        let signs = set.listed.len();
        set.listed.retain(|sign| *sign != b'\n');
        set.line_end |= set.listed.len() < signs;
        (signs > 0).then_some(set)
    }

    fn signs(&self) -> Signs {
        Signs::these(self.listed.iter().copied().map(char::from))
    }
}
