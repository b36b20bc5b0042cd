//! In: an argument of an Exim filter, its quotes taken off. Out: its text, the
//! values that are the same for every message put in (the Exim specification,
//! chapter “String expansions”; of what stands in braces, only variables).

use crate::rules::model::{Piece, Text};
use crate::syntax::exim::escaped;

/// How the names of fields begin, in Exim's spelling and in the model's.
const FIELDS: [(&str, &str); 8] = [
    ("h_", "h_"),
    ("header_", "h_"),
    ("bh_", "h_"),
    ("bheader_", "h_"),
    ("rh_", "rh_"),
    ("rheader_", "rh_"),
    ("lh_", "lh_"),
    ("lheader_", "lh_"),
];

/// Expands a text. `known` has the values of the variables that are the same
/// for every message.
pub(super) fn expand(text: &str, known: impl Fn(&str) -> Option<String>) -> Text {
    let mut expanded = Text::default();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        let (plain, marked) = rest.split_at(at);
        expanded.push(Piece::Literal(plain.to_owned()));
        let (piece, next) = match marked.strip_prefix('$') {
            Some(named) => variable(named),
            None => escape(marked.strip_prefix('\\').unwrap_or("")),
        };
        rest = next;
        expanded.push(match &piece {
            Piece::Variable(name) => known(name).map_or(piece, Piece::Literal),
            _ => piece,
        });
    }
    expanded.push(Piece::Literal(rest.to_owned()));
    expanded
}

/// What follows a dollar sign.
fn variable(text: &str) -> (Piece, &str) {
    if let Some(inner) = text.strip_prefix('{') {
        let (inner, rest) = braced(inner);
        let is_name = inner.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        // A field has no braces around it.
        let is_field = FIELDS.iter().any(|(written, _)| inner.starts_with(written));
        return match is_name && !is_field && !inner.is_empty() {
            true => (Piece::Variable(inner.to_owned()), rest),
            false => (Piece::Opaque(format!("${{{inner}}}")), rest),
        };
    }
    for (written, model) in FIELDS {
        if let Some(field) = text.strip_prefix(written) {
            let end = field
                .find(|c: char| c == ':' || !c.is_ascii_graphic())
                .unwrap_or(field.len());
            let (name, rest) = field.split_at(end);
            let piece = Piece::Variable(format!("{model}{}", name.to_ascii_lowercase()));
            return (piece, rest.strip_prefix(':').unwrap_or(rest));
        }
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text
        .find(|c: char| match is_number {
            true => !c.is_ascii_digit(),
            false => c != '_' && !c.is_ascii_alphanumeric(),
        })
        .unwrap_or(text.len());
    match text.split_at(end) {
        ("", rest) => (Piece::Opaque("$".to_owned()), rest),
        (name, rest) => (Piece::Variable(name.to_owned()), rest),
    }
}

/// The text up to the brace that closes, and what follows it.
fn braced(text: &str) -> (&str, &str) {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (inner, rest) = text.split_at(at);
            return (inner, rest.strip_prefix('}').unwrap_or(rest));
        }
    }
    (text, "")
}

/// What follows a backslash.
fn escape(text: &str) -> (Piece, &str) {
    if let Some(verbatim) = text.strip_prefix('N') {
        let (inner, rest) = verbatim.split_once("\\N").unwrap_or((verbatim, ""));
        return (Piece::Literal(inner.to_owned()), rest);
    }
    let mut plain = Vec::new();
    let Some(rest) = escaped(text, &mut plain) else {
        return (Piece::Literal("\\".to_owned()), "");
    };
    let piece = match String::from_utf8(plain) {
        Ok(plain) if plain != "\0" => Piece::Literal(plain),
        // A byte that is no letter.
        _ => Piece::Opaque(format!("\\{}", text.strip_suffix(rest).unwrap_or(text))),
    };
    (piece, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let known = |name: &str| (name == "home").then(|| "/home/u".to_owned());
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Variable(name) => format!("<{name}>"),
            Piece::Opaque(name) => format!("[{name}]"),
            other => format!("{other:?}"),
        };
        expand(text, known).0.iter().map(piece).collect()
    }

    #[test]
    fn variables_and_escapes() {
        for (text, expected) in [
            ("$home/mail", "/home/u/mail"),
            ("${home}x", "/home/ux"),
            ("$h_Subject: x", "<h_subject> x"),
            ("$header_x-y z", "<h_x-y> z"),
            ("$h_to:,$h_cc:", "<h_to>,<h_cc>"),
            ("$h_to,$h_cc:", "<h_to,$h_cc>"),
            ("$rh_subject:", "<rh_subject>"),
            ("$1a", "<1>a"),
            ("${if def:h_x {a}{b}}c", "[${if def:h_x {a}{b}}]c"),
            ("a\\$b\\\\c\\N$d\\\\\\N$e", "a$b\\c$d\\\\<e>"),
            ("a$", "a[$]"),
            ("\\x66\\146\\8\\qé\\é", "ff8qéé"),
            ("\\xe9\\0", "[\\xe9][\\0]"),
            ("${h_subject}", "[${h_subject}]"),
            ("$lheader_to:", "<lh_to>"),
            ("${a", "<a>"),
            ("\\", "\\"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
