//! In: a call of sed. Out: the changes that its `s` commands make to one line
//! (sed(1), POSIX basic and extended expressions).

mod expression;

use super::{New, Shape, TextEdit, Way};
use crate::rules::model::Text;
use crate::rules::program::arguments::Call;
use crate::rules::program::is_field_name;
use expression::Expression;

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
        ways.push(Way::new(Shape::anything(), []));
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
        if let Some(address) = &self.address {
            let name = named(address.strip_prefix('^')?)?;
            let is_in_value = match self.old.strip_prefix('^') {
                None => {
                    let old = self.old.to_ascii_lowercase();
                    !old.contains(&format!("{}:", name.to_ascii_lowercase()))
                }
                Some(old) => named(old)?.eq_ignore_ascii_case(&name) && keeps(&self.new, &name),
            };
            return is_in_value.then_some(name);
        }
        // `s/^\(Subject: \)…/\1…/` puts the name back.
        let mut grouped = ["\\(^", "(^", "^\\(", "^("].into_iter();
        match grouped.find_map(|start| self.old.strip_prefix(start)) {
            Some(old) => named(old).filter(|_| self.new.starts_with("\\1")),
            None => {
                let name = named(self.old.strip_prefix('^')?)?;
                keeps(&self.new, &name).then_some(name)
            }
        }
    }
}

/// Whether a replacement begins with a field's name.
fn keeps(new: &str, name: &str) -> bool {
    let start = new.split_once(':').map(|(start, _)| start);
    start.is_some_and(|start| start.eq_ignore_ascii_case(name))
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
    if expression.begins(all) {
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
