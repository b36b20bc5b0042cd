//! In: a set of signs as sed's brackets and tr write it (POSIX 9.3.5, tr(1) of
//! GNU). Out: the bracket that engines read alike, and what replaces each sign.

use super::{New, Shape, TextEdit, Way};

/// A set of signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signs {
    negated: bool,
    /// In order, each once.
    signs: Vec<char>,
}

/// Signs that are changed one by one: more would make a long script.
const FEW: usize = 4;

impl Signs {
    /// The set behind a bracket, and what follows it.
    pub(super) fn of_bracket(text: &str) -> Option<(Self, &str)> {
        let (negated, body) = match text.strip_prefix('^') {
            Some(body) => (true, body),
            None => (false, text),
        };
        let mut signs = Vec::new();
        let mut rest = body;
        // `[:space:]` without another bracket around it is refused.
        let inner = body.split_once(']').map_or(body, |(inner, _)| inner);
        let is_bare_class =
            |sign: char| inner.len() > 1 && inner.starts_with(sign) && inner.ends_with(sign);
        if [':', '=', '.'].into_iter().any(is_bare_class) {
            return None;
        }
        loop {
            if let Some(behind) = rest.strip_prefix("[:") {
                let (name, behind) = behind.split_once(":]")?;
                signs.extend(class(name)?);
                if behind.starts_with('-') && !behind.starts_with("-]") {
                    return None;
                }
                rest = behind;
                continue;
            }
            let sign = rest.chars().next()?;
            let behind = rest.get(sign.len_utf8()..)?;
            if sign == ']' && rest.len() != body.len() {
                signs.sort_unstable();
                signs.dedup();
                return Some((Signs { negated, signs }, behind));
            }
            let mut range = behind.chars();
            match (range.next(), range.next()) {
                (Some('-'), Some(end)) if end != ']' => {
                    let behind = range.as_str();
                    let goes_on = behind.starts_with('-') && !behind.starts_with("-]");
                    if end < sign || end == '[' || end == '-' || goes_on {
                        return None;
                    }
                    signs.extend(sign..=end);
                    rest = behind;
                }
                _ => {
                    signs.push(sign);
                    rest = behind;
                }
            }
        }
    }

    pub(super) fn one(sign: char) -> Self {
        Signs::these([sign])
    }

    pub(super) fn these(signs: impl IntoIterator<Item = char>) -> Self {
        let mut signs: Vec<char> = signs.into_iter().collect();
        signs.sort_unstable();
        signs.dedup();
        Signs {
            negated: false,
            signs,
        }
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.signs.iter().all(char::is_ascii)
    }

    fn contains(&self, sign: char) -> bool {
        self.signs.contains(&sign) != self.negated
    }

    /// What replaces each of the signs; a text in which they do not come again.
    pub(super) fn replaced(&self, new: &str) -> Option<Vec<TextEdit>> {
        let mut letters = new.chars();
        if let (Some(sign), None) = (letters.next(), letters.next())
            && self.contains(sign)
        {
            // It is replaced by itself.
            return self.without(sign).replaced(new);
        }
        if new.chars().any(|sign| self.contains(sign)) {
            return None;
        }
        if !self.negated && self.signs.len() <= FEW {
            let each = self.signs.iter();
            let way = |sign: &char| TextEdit::Every(Way::replacing(&sign.to_string(), new));
            return Some(each.map(way).collect());
        }
        // A row that goes is gone at once.
        self.first_replaced(new, new.is_empty())
    }

    /// What replaces each row of the signs.
    pub(super) fn rows_replaced(&self, new: &str) -> Option<Vec<TextEdit>> {
        if let ([sign], false) = (self.signs.as_slice(), self.negated) {
            let mut edits = vec![squeezed(*sign)];
            if new != sign.to_string() {
                edits.extend(self.replaced(new)?);
            }
            return Some(edits);
        }
        let comes_again = new.chars().any(|sign| self.contains(sign));
        (!comes_again).then(|| self.first_replaced(new, true))?
    }

    fn first_replaced(&self, new: &str, is_row: bool) -> Option<Vec<TextEdit>> {
        if !self.is_ascii() {
            return None;
        }
        let (signs, others) = (self.written()?, self.complement().written()?);
        let more = if is_row { "+" } else { "" };
        let shape = Shape::Regex(format!("^({others}*){signs}{more}(.*)$"));
        let parts = [New::Group(1), New::Text(new.to_owned()), New::Group(2)];
        Some(vec![TextEdit::Every(Way::new(shape, parts))])
    }

    fn without(&self, sign: char) -> Self {
        let mut signs = self.signs.clone();
        match self.negated {
            true => signs.push(sign),
            false => signs.retain(|&other| other != sign),
        }
        signs.sort_unstable();
        Signs { signs, ..*self }
    }

    /// The signs of both, where both list them.
    pub(super) fn union(&self, other: &Signs) -> Option<Self> {
        if self.negated || other.negated {
            return None;
        }
        let mut signs = [self.signs.as_slice(), &other.signs].concat();
        signs.sort_unstable();
        signs.dedup();
        Some(Signs {
            negated: false,
            signs,
        })
    }

    pub(super) fn complement(&self) -> Self {
        Signs {
            negated: !self.negated,
            signs: self.signs.clone(),
        }
    }

    /// A bracket that POSIX and Perl read alike.
    pub(super) fn written(&self) -> Option<String> {
        if self.signs.is_empty() {
            return None;
        }
        if self
            .signs
            .iter()
            .any(|sign| matches!(sign, '[' | '\\' | '&' | '~'))
        {
            return None;
        }
        if let ([sign], false) = (self.signs.as_slice(), self.negated) {
            return Some(escaped(*sign));
        }
        let has = |sign: char| self.signs.contains(&sign);
        let mut text = if self.negated { "[^" } else { "[" }.to_owned();
        if has(']') {
            text.push(']');
        }
        let others: Vec<char> = self
            .signs
            .iter()
            .filter(|sign| !matches!(sign, ']' | '^' | '-'))
            .copied()
            .collect();
        for run in others.chunk_by(|one, next| {
            *one as u32 + 1 == *next as u32
                && one.is_ascii_alphanumeric()
                && next.is_ascii_alphanumeric()
                && one.is_ascii_digit() == next.is_ascii_digit()
        }) {
            match run {
                [first, _, .., last] => text.extend([*first, '-', *last]),
                run => text.extend(run),
            }
        }
        if has('^') {
            // Not in the first place, where it would turn the set round.
            if others.is_empty() && !has(']') {
                return None;
            }
            text.push('^');
        }
        if has('-') {
            text.push('-');
        }
        text.push(']');
        Some(text)
    }
}

pub(super) fn escaped(sign: char) -> String {
    match sign {
        '.' | '[' | ']' | '(' | ')' | '*' | '+' | '?' | '{' | '}' | '|' | '^' | '$' | '\\' => {
            format!("\\{sign}")
        }
        sign => sign.to_string(),
    }
}

/// One is left of several in a row.
pub(super) fn squeezed(sign: char) -> TextEdit {
    TextEdit::Every(Way::replacing(&format!("{sign}{sign}"), &sign.to_string()))
}

/// The signs of a class, without those that part lines.
pub(super) fn class(name: &str) -> Option<Vec<char>> {
    Some(match name {
        "space" | "blank" => vec![' ', '\t'],
        "digit" => ('0'..='9').collect(),
        "lower" => ('a'..='z').collect(),
        "upper" => ('A'..='Z').collect(),
        "alpha" => ('A'..='Z').chain('a'..='z').collect(),
        "alnum" => ('0'..='9').chain('A'..='Z').chain('a'..='z').collect(),
        _ => return None,
    })
}
