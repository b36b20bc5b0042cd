//! In: a regular expression of an Exim filter (PCRE). Out: the same held
//! against a field of the header, in the terms of the rules.

use super::super::pattern::Note;
use super::condition::unasked;
use crate::rules::expression::{ByteSet, Expression, Regex};
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::sync::Arc;

/// A PCRE held against a field, as an expression over the header.
pub(super) fn of_field(name: &str, pattern: &str, case: bool) -> Result<Expression, Note> {
    let unclear = || {
        unasked(format!(
            "The regular expression “{pattern}” has no counterpart"
        ))
    };
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(!case)
        .build()
        .parse(pattern)
        .map_err(|_| unclear())?;
    let mut parts: Vec<&Hir> = match parsed.kind() {
        HirKind::Concat(parts) => parts.iter().collect(),
        _ => vec![&parsed],
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
    let byte = |byte: u8| Regex::Class(ByteSet::of(byte));
    let mut regex = vec![byte(b'\n')];
    regex.extend(
        name.bytes()
            .map(|letter| Regex::Class(ByteSet::of(letter).folded())),
    );
    regex.push(byte(b':'));
    let blank = ByteSet::of(b' ').union(&ByteSet::of(b'\t'));
    let gap = if begins { blank } else { ByteSet::any() };
    regex.push(Regex::Star(Arc::new(Regex::Class(gap))));
    for part in parts {
        regex.push(converted(part, 0).ok_or_else(unclear)?);
    }
    if ends {
        regex.push(byte(b'\n'));
    }
    Ok(Expression {
        regex: Regex::Concat(regex.into()),
        ignores_case: !case,
    })
}

/// Parts of an expression within parts.
const MAX_DEPTH: usize = 50;
/// Repetitions that are written out.
const MAX_REPEATS: u32 = 20;

fn converted(hir: &Hir, depth: usize) -> Option<Regex> {
    if depth > MAX_DEPTH {
        return None;
    }
    let inner = |hir: &Hir| converted(hir, depth + 1);
    Some(match hir.kind() {
        HirKind::Empty => Regex::nothing(),
        HirKind::Literal(literal) => {
            let byte = |byte: &u8| Regex::Class(ByteSet::of(*byte));
            Regex::Concat(literal.0.iter().map(byte).collect())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = ByteSet::EMPTY;
            for range in class.ranges() {
                (range.start()..=range.end()).for_each(|byte| set.insert(byte));
            }
            set.remove(b'\n');
            Regex::Class(set)
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
        HirKind::Concat(parts) => Regex::Concat(parts.iter().map(inner).collect::<Option<_>>()?),
        HirKind::Alternation(parts) => {
            Regex::Alternate(parts.iter().map(inner).collect::<Option<_>>()?)
        }
    })
}
