//! In: a regular expression of an Exim filter (PCRE). Out: the same held
//! against a field of the header, in the terms of the rules.

use super::condition::unasked;
use crate::ledger::Note;
use crate::rules::expression::{ByteSet, Expression, Regex};
use crate::rules::pcre;
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::sync::Arc;

/// A PCRE held against the value of a field.
pub(super) struct OfField {
    /// As an expression over the header; `None` where no value matches.
    pub expression: Option<Expression>,
    /// It asks where the text begins or ends, which is that of all fields of
    /// the name.
    pub is_anchored: bool,
    /// A line end can match within it, as the one between two fields.
    pub crosses: bool,
}

/// Reads a PCRE for a field.
pub(super) fn of_field(name: &str, pattern: &str, case: bool) -> Result<OfField, Note> {
    let unclear = || {
        unasked(format!(
            "The regular expression “{pattern}” has no counterpart"
        ))
    };
    let pcre = pcre::read(pattern, case).ok_or_else(unclear)?;
    let mut parts: Vec<&Hir> = match pcre.hir.kind() {
        HirKind::Concat(parts) => parts.iter().collect(),
        _ => vec![&pcre.hir],
    };
    let is = |part: Option<&&Hir>, look: Look| {
        part.is_some_and(|part| *part.kind() == HirKind::Look(look))
    };
    let begins = is(parts.first(), Look::Start);
    if begins {
        parts.remove(0);
    }
    let ends = is(parts.last(), Look::End);
    if ends {
        parts.pop();
    }
    if parts
        .iter()
        .map(|part| part.properties().minimum_len().unwrap_or(0))
        .sum::<usize>()
        == 0
    {
        return Err(unclear());
    }
    let mut conversion = Conversion { crosses: false };
    let wanted: Option<Vec<Regex>> = parts
        .iter()
        .map(|part| conversion.converted(part, 0))
        .collect();
    let wanted = Regex::Concat(wanted.ok_or_else(unclear)?.into());
    let expression = from_first_letter(wanted, begins).map(|value| {
        let letter = |letter: u8| Regex::Class(ByteSet::of(letter).folded());
        let mut regex = vec![class(b"\n")];
        regex.extend(name.bytes().map(letter));
        regex.extend([class(b":"), value]);
        if ends {
            regex.push(class(b"\n"));
        }
        Expression {
            regex: Regex::Concat(regex.into()),
            ignores_case: pcre.ignores_case,
        }
    });
    Ok(OfField {
        expression,
        is_anchored: begins || ends,
        crosses: conversion.crosses,
    })
}

fn class(bytes: &[u8]) -> Regex {
    Regex::Class(set(bytes))
}

fn set(bytes: &[u8]) -> ByteSet {
    let mut set = ByteSet::EMPTY;
    bytes.iter().for_each(|byte| set.insert(*byte));
    set
}

/// What stands behind the colon where the value matches: to Exim it begins with
/// the first letter that is no blank. `None` where none can.
fn from_first_letter(wanted: Regex, at_once: bool) -> Option<Regex> {
    let blanks = || Regex::Star(Arc::new(class(b" \t")));
    let any = Regex::Star(Arc::new(Regex::Class(ByteSet::any())));
    let first = without_blank_first(&wanted);
    if at_once {
        return Some(Regex::Concat([blanks(), first?].into()));
    }
    if first.as_ref() == Some(&wanted) {
        return Some(Regex::Concat([any, wanted].into()));
    }
    let letter = Regex::Class(set(b" \t\n").complement());
    let later = Regex::Concat([letter, any, wanted].into());
    let ways: Vec<Regex> = [later].into_iter().chain(first).collect();
    Some(Regex::Concat(
        [blanks(), Regex::Alternate(ways.into())].into(),
    ))
}

/// What an expression matches that does not begin with a blank and is not
/// empty; the expression itself, where that is all of it.
fn without_blank_first(regex: &Regex) -> Option<Regex> {
    match regex {
        Regex::Class(bytes) => {
            let rest = bytes.intersection(&set(b" \t").complement());
            (!rest.is_empty()).then_some(Regex::Class(rest))
        }
        Regex::Concat(parts) => {
            let (first, rest) = parts.split_first()?;
            let begun = without_blank_first(first).map(|begun| {
                let parts = [begun].into_iter().chain(rest.iter().cloned());
                Regex::Concat(parts.collect())
            });
            let skipped = match first.is_nullable() {
                true => without_blank_first(&Regex::Concat(rest.into())),
                false => None,
            };
            either(begun, skipped)
        }
        Regex::Alternate(ways) => {
            let ways: Vec<Regex> = ways.iter().filter_map(without_blank_first).collect();
            (!ways.is_empty()).then(|| Regex::Alternate(ways.into()))
        }
        Regex::Star(inner) | Regex::Plus(inner) => {
            let again = Regex::Star(Arc::clone(inner));
            without_blank_first(inner).map(|first| Regex::Concat([first, again].into()))
        }
        Regex::Optional(inner) => without_blank_first(inner),
        Regex::Edge | Regex::Split => None,
    }
}

fn either(one: Option<Regex>, other: Option<Regex>) -> Option<Regex> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Regex::Alternate([one, other].into())),
        (one, other) => one.or(other),
    }
}

/// Parts of an expression within parts.
const MAX_DEPTH: usize = 50;
/// Repetitions that are written out.
const MAX_REPEATS: u32 = 20;

/// How far a PCRE has become an expression over the header.
struct Conversion {
    /// A line end was in a class.
    crosses: bool,
}

impl Conversion {
    fn converted(&mut self, hir: &Hir, depth: usize) -> Option<Regex> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut inner = |hir: &Hir| self.converted(hir, depth + 1);
        Some(match hir.kind() {
            HirKind::Empty => Regex::nothing(),
            HirKind::Literal(literal) if literal.0.contains(&b'\n') => return None,
            HirKind::Literal(literal) => {
                Regex::Concat(literal.0.iter().map(|byte| class(&[*byte])).collect())
            }
            HirKind::Class(Class::Bytes(class)) => {
                let mut set = ByteSet::EMPTY;
                for range in class.ranges() {
                    (range.start()..=range.end()).for_each(|byte| set.insert(byte));
                }
                self.crosses |= set.contains(b'\n');
                set.remove(b'\n');
                // The server sees letters, where Exim saw the bytes of one.
                set.iter()
                    .any(|byte| byte.is_ascii())
                    .then_some(Regex::Class(set))?
            }
            HirKind::Class(Class::Unicode(_)) | HirKind::Look(_) => return None,
            HirKind::Repetition(repetition) => {
                let once = inner(&repetition.sub)?;
                let most = repetition.max.unwrap_or(repetition.min);
                if most > MAX_REPEATS {
                    return None;
                }
                let mut parts = vec![once.clone(); repetition.min as usize];
                match repetition.max {
                    None => parts.push(Regex::Star(Arc::new(once))),
                    Some(most) => {
                        let optional = most.saturating_sub(repetition.min) as usize;
                        parts.extend(vec![Regex::Optional(Arc::new(once)); optional]);
                    }
                }
                match (parts.len(), parts.pop()) {
                    (1, Some(only)) => only,
                    (_, last) => Regex::Concat(parts.into_iter().chain(last).collect()),
                }
            }
            HirKind::Capture(capture) => inner(&capture.sub)?,
            HirKind::Concat(parts) => {
                Regex::Concat(parts.iter().map(inner).collect::<Option<_>>()?)
            }
            HirKind::Alternation(parts) => {
                Regex::Alternate(parts.iter().map(inner).collect::<Option<_>>()?)
            }
        })
    }
}
