//! In: factors of a term. Out: the wildcard patterns they are, where they are
//! no more than that, and what such patterns are as text.

use super::key::{Lost, Style, open_end};
use super::term::{is_any, is_anything};
use crate::rules::expression::{ByteSet, Regex};

/// Most keys that alternatives are written out to, where there is one choice,
/// and where there are several.
const MOST_KEYS: usize = 40;
const MOST_PRODUCTS: usize = 12;
/// Bytes of a class that are written out as keys.
const MOST_OF_CLASS: usize = 3;

/// What a term is, seen as a wildcard pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Byte(u8),
    /// `?`.
    One,
    /// `*`.
    Many,
    /// Something only a regular expression can say.
    Other,
}

/// A term as wildcard patterns, where it is no more than that. `?` is for
/// servers without regular expressions: Pigeonhole lets `?b*` match `ax`.
pub(super) fn globs(factors: &[Regex], style: Style) -> Option<Vec<Vec<Piece>>> {
    let mut choices = 0;
    let globs = alternatives(factors, style, &mut choices)?;
    let most = match choices {
        0 | 1 => MOST_KEYS,
        _ => MOST_PRODUCTS,
    };
    (globs.len() <= most).then_some(globs)
}

fn alternatives(factors: &[Regex], style: Style, choices: &mut usize) -> Option<Vec<Vec<Piece>>> {
    let mut globs: Vec<Vec<Piece>> = vec![Vec::new()];
    for factor in factors {
        let each: Vec<Vec<Piece>> = match factor {
            _ if is_any(factor) && style.regex.is_some() => return None,
            _ if is_any(factor) => vec![vec![Piece::One]],
            _ if is_anything(factor) => vec![vec![Piece::Many]],
            Regex::Class(set) => match single(set, style.ignores_case) {
                Some(byte) => vec![vec![Piece::Byte(byte)]],
                None if !set.contains(b'\t') && set.len() <= 2 * MOST_OF_CLASS => {
                    let bytes = set.iter().filter(|byte| {
                        !style.ignores_case
                            || !byte.is_ascii_uppercase()
                            || !set.contains(byte.to_ascii_lowercase())
                    });
                    let bytes: Vec<_> = bytes.map(|byte| vec![Piece::Byte(byte)]).collect();
                    if bytes.len() > MOST_OF_CLASS || !set.iter().all(|byte| byte.is_ascii()) {
                        return None;
                    }
                    bytes
                }
                None => return None,
            },
            Regex::Concat(inner) => alternatives(inner, style, choices)?,
            Regex::Plus(inner) if is_any(inner) => vec![vec![Piece::One, Piece::Many]],
            Regex::Optional(inner) => {
                let mut each = alternatives(std::slice::from_ref(inner), style, choices)?;
                each.insert(0, Vec::new());
                each
            }
            Regex::Alternate(inner) => {
                let mut all = Vec::new();
                for each in inner.iter() {
                    all.extend(alternatives(std::slice::from_ref(each), style, choices)?);
                    if all.len() > MOST_KEYS {
                        return None;
                    }
                }
                all
            }
            _ => return None,
        };
        if each.len() > 1 {
            *choices += 1;
        }
        if globs.len() * each.len() > MOST_KEYS {
            return None;
        }
        globs = globs
            .iter()
            .flat_map(|front| each.iter().map(|back| [front.as_slice(), back].concat()))
            .collect();
    }
    Some(globs)
}

/// A term as a wildcard pattern, with gaps.
pub(super) fn outline(factors: &[Regex], ignores_case: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for factor in factors {
        match factor {
            _ if is_any(factor) => pieces.push(Piece::One),
            _ if is_anything(factor) => pieces.push(Piece::Many),
            Regex::Concat(inner) => pieces.extend(outline(inner, ignores_case)),
            Regex::Class(set) => pieces.push(match single(set, ignores_case) {
                Some(byte) => Piece::Byte(byte),
                None => Piece::Other,
            }),
            _ => pieces.push(Piece::Other),
        }
    }
    pieces
}

/// The words that factors spell, where they are nothing but that.
pub(super) fn literals(factors: &[Regex], style: Style) -> Option<Vec<Vec<u8>>> {
    let mut factors = factors.to_vec();
    open_end(&mut factors);
    let byte = |piece: Piece| match piece {
        Piece::Byte(byte) if byte != b'\n' => Some(byte),
        _ => None,
    };
    let globs = globs(&factors, style)?;
    globs
        .into_iter()
        .map(|glob| glob.into_iter().map(byte).collect())
        .collect()
}

/// The pattern for `:matches` that factors are, and how many wildcards it has.
pub(super) fn single_glob(factors: &[Regex], style: Style) -> Option<(String, usize)> {
    let globs = globs(factors, style)?;
    let [glob] = globs.as_slice() else {
        return None;
    };
    let glob = normal(glob.iter().copied());
    let wild = |piece: &&Piece| !matches!(piece, Piece::Byte(_));
    let wildcards = glob.iter().filter(wild).count();
    let mut lost = Lost::default();
    let text = text(&glob, true, &mut lost);
    (lost == Lost::default()).then_some((text, wildcards))
}

/// `**` is `*`, and `*?` is `?*`.
pub(super) fn normal(pieces: impl IntoIterator<Item = Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (out.last(), piece) {
            (Some(Piece::Many), Piece::Many) => {}
            (Some(Piece::Many), Piece::One) => {
                out.pop();
                out.extend([Piece::One, Piece::Many]);
            }
            _ => out.push(piece),
        }
    }
    out
}

/// The byte of a class that holds one, or one letter in both cases.
pub(super) fn single(set: &ByteSet, ignores_case: bool) -> Option<u8> {
    let mut bytes = set.iter();
    let one = bytes.next()?;
    match (bytes.next(), bytes.next()) {
        (None, _) => Some(one),
        (Some(other), None) if ignores_case && other.eq_ignore_ascii_case(&one) => Some(other),
        _ => None,
    }
}

pub(in crate::sieve::lower) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Pieces as a key; with `wild`, as one of `:matches`.
pub(super) fn text(pieces: &[Piece], wild: bool, lost: &mut Lost) -> String {
    let mut out = String::new();
    let mut literal = Vec::new();
    let mut flush = |literal: &mut Vec<u8>, out: &mut String| {
        let text = String::from_utf8(std::mem::take(literal)).unwrap_or_else(|error| {
            lost.foreign = true;
            error.as_bytes().iter().copied().map(char::from).collect()
        });
        match wild {
            true => out.push_str(&escaped(&text)),
            false => out.push_str(&text),
        }
    };
    for piece in pieces {
        match piece {
            Piece::Byte(byte) => literal.push(*byte),
            Piece::One => {
                flush(&mut literal, &mut out);
                out.push('?');
            }
            Piece::Many | Piece::Other => {
                flush(&mut literal, &mut out);
                out.push('*');
            }
        }
    }
    flush(&mut literal, &mut out);
    out
}
