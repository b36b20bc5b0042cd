//! In: a call of sed. Out: the changes that its `s` commands make to one line
//! (sed(1), POSIX basic and extended expressions).

use super::tr::{MOST_SIGNS, every};
use super::{New, Shape, TextEdit, Way};
use crate::rules::model::Text;
use crate::rules::program::arguments::Call;
use crate::rules::program::is_field_name;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Sign(char),
    /// `.`, or `.*`.
    Any {
        star: bool,
    },
    Set {
        set: Set,
        star: bool,
    },
    /// `\(`.
    Open,
    /// `\)`.
    Close,
}

/// A set of signs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set {
    negated: bool,
    /// ASCII, in order.
    signs: Vec<char>,
}

/// An expression.
#[derive(Debug, Default)]
struct Expression {
    from_start: bool,
    atoms: Vec<Atom>,
    to_end: bool,
    groups: usize,
}

/// What sed is told.
#[derive(Debug, Default)]
struct Sed {
    /// `-E`.
    is_extended: bool,
    /// `-n`: nothing is printed but by the flag `p`.
    is_silent: bool,
    commands: Vec<Substitution>,
}

/// An `s` command.
#[derive(Debug)]
struct Substitution {
    /// `/expression/` in front of it.
    address: Option<String>,
    old: String,
    new: String,
    flags: String,
}

impl Sed {
    /// `None` where it is told anything but to substitute.
    fn of(call: &Call) -> Option<Self> {
        let mut sed = Sed::default();
        let mut scripts = Vec::new();
        let mut words = call.arguments.iter();
        while let Some(word) = words.next() {
            match word.known()? {
                "-e" => scripts.push(words.next()?),
                "-E" | "-r" => sed.is_extended = true,
                "-n" => sed.is_silent = true,
                "-ne" => {
                    sed.is_silent = true;
                    scripts.push(words.next()?);
                }
                word if word.starts_with('-') => return None,
                _ if scripts.is_empty() => scripts.push(word),
                _ => return None,
            }
        }
        for script in scripts {
            let mut rest = Text::known(script)?.trim();
            // `{ s/a/b/; s/c/d/; }` is done with every line.
            if let Some(inner) = rest
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                rest = inner.trim();
            }
            loop {
                rest = rest.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
                if rest.is_empty() {
                    break;
                }
                let (command, behind) = Substitution::read(rest)?;
                sed.commands.push(command);
                rest = behind;
            }
        }
        (!sed.commands.is_empty()).then_some(sed)
    }
}

impl Substitution {
    /// Reads one; returns it, and what follows it.
    fn read(text: &str) -> Option<(Self, &str)> {
        let (address, text) = match text.strip_prefix('/') {
            Some(rest) => {
                let (address, rest) = up_to(rest, '/')?;
                (Some(address), rest.trim_start())
            }
            None => (None, text),
        };
        let rest = text.strip_prefix('s')?;
        let delimiter = rest
            .chars()
            .next()
            .filter(|c| c.is_ascii_punctuation() && *c != '\\')?;
        let rest = rest.get(1..)?;
        let (old, rest) = up_to(rest, delimiter)?;
        let (new, rest) = up_to(rest, delimiter)?;
        let end = rest.find([';', '\n']).unwrap_or(rest.len());
        let (flags, rest) = rest.split_at(end);
        let flags = flags.trim().to_owned();
        let command = Substitution {
            address,
            old,
            new,
            flags,
        };
        Some((command, rest))
    }
}

pub(super) fn edits(call: &Call) -> Option<Vec<TextEdit>> {
    let sed = Sed::of(call)?;
    let mut edits = Vec::new();
    for command in &sed.commands {
        let all = match command.flags.as_str() {
            "" | "p" => false,
            "g" | "gp" => true,
            _ => return None,
        };
        if command.address.is_some() || command.flags.contains('p') != sed.is_silent {
            return None;
        }
        edits.extend(substitution(
            &command.old,
            &command.new,
            sed.is_extended,
            all,
        )?);
    }
    if sed.is_silent {
        // Nothing comes of a line in which nothing is found.
        let [TextEdit::Apart(ways)] = edits.as_mut_slice() else {
            return None;
        };
        ways.push(Way::new(
            Shape::Glob(vec![String::new(), String::new()]),
            Vec::new(),
        ));
    }
    Some(edits)
}

/// The fields of which sed, as a filter, changes the text, where it does nothing
/// else: `/^Subject:/s/…/…/` and `s/^Subject:…/Subject:…/`.
pub(in crate::rules::program) fn rewritten_fields(call: &Call) -> Option<Vec<String>> {
    let sed = Sed::of(call).filter(|sed| !sed.is_silent)?;
    let mut fields: Vec<String> = Vec::new();
    for command in &sed.commands {
        let field = command.rewritten_field()?;
        if !fields
            .iter()
            .any(|other| other.eq_ignore_ascii_case(&field))
        {
            fields.push(field);
        }
    }
    Some(fields)
}

impl Substitution {
    /// The field of which it changes the text; `None` where it may change others,
    /// or the field's name.
    fn rewritten_field(&self) -> Option<String> {
        let is_flag = |flag: char| "gIi".contains(flag) || flag.is_ascii_digit();
        // An end of a line would begin another field.
        if !self.flags.chars().all(is_flag)
            || self.new.contains(['\n', '&'])
            || self.new.contains("\\n")
        {
            return None;
        }
        let at_start = |text: &str| text.strip_prefix('^').map(str::to_owned);
        if let Some(address) = &self.address {
            let name = named(&at_start(address)?)?;
            let is_in_value = match at_start(&self.old) {
                None => {
                    let old = self.old.to_ascii_lowercase();
                    !old.contains(&format!("{}:", name.to_ascii_lowercase()))
                }
                Some(old) => named(&old)?.eq_ignore_ascii_case(&name) && keeps(&self.new, &name),
            };
            return is_in_value.then_some(name);
        }
        // `s/^\(Subject: \)…/\1…/` puts the name back.
        let grouped = ["\\(^", "(^", "^\\(", "^("].into_iter();
        let in_group = grouped
            .filter_map(|start| self.old.strip_prefix(start))
            .next();
        match in_group {
            Some(old) => named(old).filter(|_| self.new.starts_with("\\1")),
            None => {
                let name = named(&at_start(&self.old)?)?;
                keeps(&self.new, &name).then_some(name)
            }
        }
    }
}

/// Whether a replacement begins with a field's name.
fn keeps(new: &str, name: &str) -> bool {
    let same = new
        .get(..name.len())
        .filter(|start| start.eq_ignore_ascii_case(name));
    same.is_some()
        && new
            .get(name.len()..)
            .is_some_and(|rest| rest.starts_with(':'))
}

/// The field whose name an expression begins with: `Subject:`, `[Ss]ubject:`.
fn named(expression: &str) -> Option<String> {
    let mut name = String::new();
    let mut signs = expression.chars();
    loop {
        match signs.next()? {
            ':' => break,
            '[' => {
                let (one, other) = (signs.next()?, signs.next()?);
                if !one.eq_ignore_ascii_case(&other) || signs.next()? != ']' {
                    return None;
                }
                name.push(one);
            }
            sign => name.push(sign),
        }
    }
    is_field_name(&name).then_some(name)
}

/// The text in front of a delimiter. In front of it, a backslash goes.
fn up_to(text: &str, delimiter: char) -> Option<(String, &str)> {
    let mut taken = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' => match signs.next()?.1 {
                other if other == delimiter => taken.push(other),
                other => taken.extend(['\\', other]),
            },
            sign if sign == delimiter => return Some((taken, text.get(at + 1..)?)),
            sign => taken.push(sign),
        }
    }
    None
}

fn substitution(old: &str, new: &str, is_extended: bool, all: bool) -> Option<Vec<TextEdit>> {
    let expression = Expression::of(old, is_extended)?;
    let new = replacement(new, expression.groups)?;
    let once = |way: Way| vec![TextEdit::Apart(vec![way])];
    if expression.begins() {
        return expression.whole(new).map(once);
    }
    let new = match new.as_slice() {
        [] => "",
        [New::Text(text)] => text.as_str(),
        _ => return None,
    };
    match all && !expression.ends() {
        true => expression.everywhere(new),
        false => expression.somewhere(new).map(once),
    }
}

/// The signs of atoms that are nothing else, one at least.
fn plain(atoms: &[Atom]) -> Option<String> {
    let sign = |atom: &Atom| match atom {
        Atom::Sign(sign) => Some(*sign),
        _ => None,
    };
    let text: String = atoms.iter().map(sign).collect::<Option<_>>()?;
    (!text.is_empty()).then_some(text)
}

/// `\1` and plain text.
fn replacement(text: &str, groups: usize) -> Option<Vec<New>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '&' | '\n' => return None,
            '\\' => match signs.next()? {
                digit @ '1'..='9' => {
                    let number = digit.to_digit(10)? as usize;
                    if number > groups {
                        return None;
                    }
                    parts.push(New::Text(std::mem::take(&mut plain)));
                    parts.push(New::Group(number));
                }
                other if other.is_ascii_alphanumeric() => return None,
                other => plain.push(other),
            },
            sign => plain.push(sign),
        }
    }
    parts.push(New::Text(plain));
    parts.retain(|part| *part != New::Text(String::new()));
    Some(parts)
}

impl Expression {
    fn of(text: &str, is_extended: bool) -> Option<Self> {
        let mut expression = Expression::default();
        let mut open = 0;
        let mut rest = match text.strip_prefix('^') {
            Some(rest) => {
                expression.from_start = true;
                rest
            }
            None => text,
        };
        while let Some(sign) = rest.chars().next() {
            let behind = rest.get(sign.len_utf8()..)?;
            let (atom, behind) = match sign {
                '$' if behind.is_empty() => {
                    expression.to_end = true;
                    break;
                }
                '[' => {
                    let (set, behind) = Set::of(behind)?;
                    (Atom::Set { set, star: false }, behind)
                }
                '.' => (Atom::Any { star: false }, behind),
                '(' if is_extended => (Atom::Open, behind),
                ')' if is_extended => (Atom::Close, behind),
                '*' | '^' | '$' => return None,
                '+' | '?' | '|' | '{' if is_extended => return None,
                '\\' => {
                    let escaped = behind.chars().next()?;
                    let behind = behind.get(escaped.len_utf8()..)?;
                    let atom = match escaped {
                        '(' if !is_extended => Atom::Open,
                        ')' if !is_extended => Atom::Close,
                        '+' | '?' | '|' | '{' | '}' if !is_extended => return None,
                        c if c.is_ascii_alphanumeric() || "<>`'\n".contains(c) => return None,
                        c => Atom::Sign(c),
                    };
                    (atom, behind)
                }
                sign => (Atom::Sign(sign), behind),
            };
            let plus = if is_extended { "+" } else { "\\+" };
            let (star, behind) = match (behind.strip_prefix('*'), behind.strip_prefix(plus)) {
                (Some(behind), _) => (true, behind),
                // One, and then any number.
                (None, Some(behind)) if !matches!(atom, Atom::Open | Atom::Close) => {
                    expression.atoms.push(atom.clone());
                    (true, behind)
                }
                (None, _) => (false, behind),
            };
            let (atom, behind) = match star {
                false => (atom, behind),
                true => (
                    match atom {
                        Atom::Any { .. } => Atom::Any { star: true },
                        Atom::Set { set, .. } => Atom::Set { set, star: true },
                        Atom::Sign(sign) => Atom::Set {
                            set: Set::one(sign),
                            star: true,
                        },
                        Atom::Open | Atom::Close => return None,
                    },
                    behind,
                ),
            };
            match atom {
                Atom::Open => {
                    expression.groups += 1;
                    open += 1;
                }
                Atom::Close if open == 0 => return None,
                Atom::Close => open -= 1,
                Atom::Set { ref set, .. } if !set.signs.iter().all(char::is_ascii) => return None,
                _ => {}
            }
            expression.atoms.push(atom);
            rest = behind;
        }
        let is_something = !expression.atoms.is_empty();
        (is_something && open == 0 && expression.groups < 8).then_some(expression)
    }

    /// A match that begins at the first sign of a set, or the blanks in front of
    /// it: `s/ *(.*)//`. What follows is found behind the first where it is found
    /// behind any.
    fn first(&self, new: &str) -> Option<Way> {
        let (before, atoms) = match self.atoms.as_slice() {
            [Atom::Set { set, star: true }, rest @ ..] => (Some(set), rest),
            atoms => (None, atoms),
        };
        let (first, rest) = match atoms.split_first()? {
            (Atom::Sign(sign), rest) => (Set::one(*sign), rest),
            (Atom::Set { set, star: false }, rest) => (set.clone(), rest),
            _ => return None,
        };
        if !first.signs.iter().all(char::is_ascii) {
            return None;
        }
        let rest = match rest {
            [] if !self.to_end => "(.*)".to_owned(),
            [] => return None,
            [Atom::Any { star: true }] => ".*".to_owned(),
            [Atom::Any { star: true }, rest @ ..] => {
                let rest: String = plain(rest)?.chars().map(escaped).collect();
                match self.to_end {
                    true => format!(".*{rest}"),
                    false => format!(".*{rest}(.*)"),
                }
            }
            _ => return None,
        };
        let not_first = first.complement().written()?;
        let (front, behind) = match before {
            None => (format!("({not_first}*)"), 2),
            Some(set) => {
                let neither = first.union(set)?.complement().written()?;
                let front = format!("(({not_first}*{neither})?){}*", set.written()?);
                (front, 3)
            }
        };
        let mut parts = vec![New::Group(1), New::Text(new.to_owned())];
        if rest.ends_with("(.*)") {
            parts.push(New::Group(behind));
        }
        let regex = format!("^{front}{}{rest}$", first.written()?);
        Some(Way::new(Shape::Regex(regex), parts))
    }

    /// Whether a match is at the beginning of the line.
    fn begins(&self) -> bool {
        let first = { self.atoms.iter() }.find(|atom| **atom != Atom::Open);
        self.from_start || first == Some(&Atom::Any { star: true })
    }

    /// Whether a match goes on to the end of the line.
    fn ends(&self) -> bool {
        self.to_end || self.atoms.last() == Some(&Atom::Any { star: true })
    }

    /// `s/a/b/g`, of single signs.
    fn everywhere(&self, new: &str) -> Option<Vec<TextEdit>> {
        match self.atoms.as_slice() {
            [Atom::Sign(sign)] => Some(vec![every(*sign, new)?]),
            [Atom::Set { set, star: false }] => {
                let is_small = !set.negated && set.signs.len() <= MOST_SIGNS;
                if !is_small || set.signs.iter().any(|sign| new.contains(*sign)) {
                    return None;
                }
                set.signs.iter().map(|sign| every(*sign, new)).collect()
            }
            // `s/  */ /g`
            [Atom::Sign(sign), Atom::Set { set, star: true }]
                if set.is(*sign) && sign.is_ascii() =>
            {
                let one = TextEdit::Squeeze(*sign);
                match new == sign.to_string() {
                    true => Some(vec![one]),
                    false => Some(vec![one, every(*sign, new)?]),
                }
            }
            _ => None,
        }
    }

    /// The first match, which begins anywhere but at a beginning that is asked for.
    fn somewhere(&self, new: &str) -> Option<Way> {
        let (last, inner) = self.atoms.split_last()?;
        let to_rest = *last == Atom::Any { star: true };
        let fixed = if to_rest {
            inner
        } else {
            self.atoms.as_slice()
        };
        let front = [New::Group(1), New::Text(new.to_owned())];
        match (plain(fixed), fixed) {
            (Some(text), _) if to_rest => {
                let around = vec![String::new(), text, String::new()];
                Some(Way::new(Shape::Glob(around), front))
            }
            (Some(text), _) if self.to_end => {
                Some(Way::new(Shape::Glob(vec![String::new(), text]), front))
            }
            (Some(text), _) => Some(Way::replacing(&text, new)),
            // `s/[ ]*$//`
            (None, [Atom::Set { set, star: true }]) if self.to_end && !to_rest => {
                let others = set.complement().written()?;
                let regex = format!("^(.*{others})?{}*$", set.written()?);
                Some(Way::new(Shape::Regex(regex), front))
            }
            (None, _) => self.first(new),
        }
    }

    /// A match that begins with the line: as long as it can be, and what is left
    /// behind it.
    fn whole(&self, mut new: Vec<New>) -> Option<Way> {
        let mut regex = "^".to_owned();
        for atom in &self.atoms {
            match atom {
                Atom::Sign(sign) => regex.push_str(&escaped(*sign)),
                Atom::Any { star: false } => regex.push('.'),
                Atom::Any { star: true } => regex.push_str(".*"),
                Atom::Set { set, star } => {
                    regex.push_str(&set.written()?);
                    regex.push_str(if *star { "*" } else { "" });
                }
                Atom::Open => regex.push('('),
                Atom::Close => regex.push(')'),
            }
        }
        if !self.ends() {
            regex.push_str("(.*)");
            new.push(New::Group(self.groups + 1));
        }
        regex.push('$');
        Some(Way {
            shape: Shape::Regex(regex),
            new,
        })
    }
}

fn escaped(sign: char) -> String {
    match sign {
        '.' | '[' | ']' | '(' | ')' | '*' | '+' | '?' | '{' | '}' | '|' | '^' | '$' | '\\' => {
            format!("\\{sign}")
        }
        sign => sign.to_string(),
    }
}

impl Set {
    /// The set behind a bracket, and what follows it.
    fn of(text: &str) -> Option<(Set, &str)> {
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
                signs.extend(match name {
                    "space" | "blank" => vec![' ', '\t'],
                    "digit" => ('0'..='9').collect(),
                    "lower" => ('a'..='z').collect(),
                    "upper" => ('A'..='Z').collect(),
                    "alpha" => ('A'..='Z').chain('a'..='z').collect(),
                    "alnum" => ('0'..='9').chain('A'..='Z').chain('a'..='z').collect(),
                    _ => return None,
                });
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
                return Some((Set { negated, signs }, behind));
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

    fn one(sign: char) -> Set {
        Set {
            negated: false,
            signs: vec![sign],
        }
    }

    /// The signs of both, where both list them.
    fn union(&self, other: &Set) -> Option<Set> {
        if self.negated || other.negated {
            return None;
        }
        let mut signs = [self.signs.as_slice(), &other.signs].concat();
        signs.sort_unstable();
        signs.dedup();
        Some(Set {
            negated: false,
            signs,
        })
    }

    fn is(&self, sign: char) -> bool {
        !self.negated && self.signs == [sign]
    }

    fn complement(&self) -> Set {
        Set {
            negated: !self.negated,
            signs: self.signs.clone(),
        }
    }

    /// A bracket that POSIX and Perl read alike.
    fn written(&self) -> Option<String> {
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
        let others: Vec<char> = { self.signs.iter() }
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
