//! In: the text of an expression. Out: the expression.

use super::matcher::takes_shortcuts;
use super::{ByteSet, Expression, Regex};
use crate::syntax::regex::{self, Macro, Node, NodeKind};
use std::sync::Arc;

/// procmail reads lines of 2048 bytes, unless `LINEBUF` says otherwise.
const MAX_TEXT: usize = 1 << 17;
const MAX_NODES: usize = 10_000;
const MAX_DEPTH: usize = 200;

/// An expression that nobody can have meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Too long.
    #[error("it has more than {MAX_NODES} parts")]
    Long,
    /// Too many groups in groups.
    #[error("it has groups in groups, more than {MAX_DEPTH} deep")]
    Deep,
}

impl Macro {
    /// The expression that procmail puts in its place.
    fn expression(self) -> &'static str {
        match self {
            Macro::FromDaemon => concat!(
                "(^(Mailing-List:|Precedence:.*(junk|bulk|list)|To: Multiple recipients of |",
                "(((Resent-)?(From|Sender)|X-Envelope-From):|>?From )([^>]*[^(.%@a-z0-9])?",
                "(Post(ma?(st(e?r)?|n)|office)|(send)?Mail(er)?|daemon|m(mdf|ajordomo)|n?uucp|",
                "LIST(SERV|proc)|NETSERV|o(wner|ps)|r(e(quest|sponse)|oot)|b(ounce|bs\\.smtp)|",
                "echo|mirror|s(erv(ices?|er)|mtp(error)?|ystem)|A(dmin(istrator)?|MMGR|utoanswer))",
                "(([^).!:a-z0-9][-_a-z0-9]*)?[%@>\t ][^<)]*(\\(.*\\).*)?)?$([^>]|$)))",
            ),
            Macro::ToAddress => concat!(
                "(^((Original-)?(Resent-)?(To|Cc|Bcc)|(X-Envelope|Apparently(-Resent)?)-To):",
                "(.*[^-a-zA-Z0-9_.])?)",
            ),
            Macro::ToWord => concat!(
                "(^((Original-)?(Resent-)?(To|Cc|Bcc)|(X-Envelope|Apparently(-Resent)?)-To):",
                "(.*[^a-zA-Z])?)",
            ),
            Macro::FromMailer => concat!(
                "(^(((Resent-)?(From|Sender)|X-Envelope-From):|>?From )([^>]*[^(.%@a-z0-9])?",
                "(Post(ma(st(er)?|n)|office)|(send)?Mail(er)?|daemon|mmdf|n?uucp|ops|",
                "r(esponse|oot)|(bbs\\.)?smtp(error)?|s(erv(ices?|er)|ystem)|",
                "A(dmin(istrator)?|MMGR))",
                "(([^).!:a-z0-9][-_a-z0-9]*)?[%@>\t ][^<)]*(\\(.*\\).*)?)?$([^>]|$))",
            ),
        }
    }
}

impl Expression {
    /// Reads an expression as a condition has it: one backslash at its
    /// beginning, which keeps what follows from being a mark or a macro, is no
    /// part of it. `distinguishes_case` is the flag `D`.
    ///
    /// # Errors
    /// Only its size is one.
    pub fn new(text: &str, distinguishes_case: bool) -> Result<Self, TooLarge> {
        Self::from_bytes(text.as_bytes(), distinguishes_case)
    }

    /// As [`Expression::new`], of a text in any encoding: procmail sees bytes.
    ///
    /// # Errors
    /// Only its size is one.
    pub fn from_bytes(text: &[u8], distinguishes_case: bool) -> Result<Self, TooLarge> {
        // A character for each byte, so that a repetition repeats one byte and
        // a class holds bytes.
        let mut text: String = text.iter().map(|&byte| char::from(byte)).collect();
        let mut ignores_case = !distinguishes_case;
        while let Some((word, span)) = regex::first_macro(&text) {
            if text.len() > MAX_TEXT {
                return Err(TooLarge::Long);
            }
            text.replace_range(span, word.expression());
            ignores_case |= word == Macro::FromDaemon;
        }
        if text.len() > MAX_TEXT {
            return Err(TooLarge::Long);
        }
        let text = unguarded(&text);
        let nodes = regex::parse(text);
        let parts = |node: &Node| match node.kind {
            NodeKind::Characters => text.get(node.span.clone()).unwrap_or("").chars().count(),
            _ => 1,
        };
        if nodes.iter().map(parts).sum::<usize>() > MAX_NODES {
            return Err(TooLarge::Long);
        }
        let form = Form::of(&nodes);
        let mut regex = build(text, &nodes, ignores_case, form)?;
        if takes_shortcuts(&regex) {
            regex = build(text, &nodes, ignores_case, Form::Faithful)?;
        }
        Ok(Expression {
            regex,
            ignores_case,
        })
    }
}

/// The text of an expression without the backslash that guards its beginning.
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\\').unwrap_or(text)
}

/// Whether a character means something else than itself, outside of brackets.
pub fn is_special(character: char) -> bool {
    "(|)*?+.^$[\\".contains(character)
}

/// A text as an expression that matches nothing but it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        if is_special(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// How much of the spelling is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// What does not change the meaning is left out.
    Plain,
    /// The order stays in which procmail tries what can come next, for it
    /// remembers where a `\/` was; and so does what stands behind a `^^`.
    Ordered,
    /// What procmail writes down stays: among its forks and jumps it gets lost
    /// ([`super::Reading`]).
    Faithful,
}

impl Form {
    fn of(nodes: &[Node]) -> Self {
        let counts = |node: &Node| matches!(node.kind, NodeKind::Split | NodeKind::TextEdge);
        match nodes.iter().any(counts) {
            true => Form::Ordered,
            false => Form::Plain,
        }
    }
}

/// A group that is open.
#[derive(Default)]
struct Group {
    alternatives: Vec<Regex>,
    sequence: Vec<Regex>,
    /// The sequence ends with a group that ends with `+`: there procmail
    /// writes a jump.
    jumps: bool,
}

impl Group {
    fn push(&mut self, atom: Regex, form: Form) {
        if std::mem::take(&mut self.jumps) && form == Form::Faithful {
            self.sequence.push(Regex::nothing());
        }
        self.sequence.push(atom);
    }

    fn push_group(&mut self, group: Group, form: Form) {
        let regex = group.close(form);
        let jumps = match &regex {
            Regex::Plus(_) => true,
            Regex::Concat(items) => matches!(items.last(), Some(Regex::Plus(_))),
            _ => false,
        };
        self.push(regex, form);
        self.jumps = jumps;
    }

    fn end_alternative(&mut self, form: Form) {
        let sequence = std::mem::take(&mut self.sequence);
        self.alternatives.push(concat(sequence, form));
        self.jumps = false;
    }

    fn close(mut self, form: Form) -> Regex {
        self.end_alternative(form);
        alternate(self.alternatives, form)
    }

    fn repeat(&mut self, repeat: impl FnOnce(Arc<Regex>) -> Regex) {
        let atom = self.sequence.pop().unwrap_or(Regex::nothing());
        self.sequence.push(repeat(Arc::new(atom)));
        self.jumps = false;
    }
}

fn build(text: &str, nodes: &[Node], ignores_case: bool, form: Form) -> Result<Regex, TooLarge> {
    let class = |set: ByteSet| {
        Regex::Class(match ignores_case {
            true => set.folded(),
            false => set,
        })
    };
    let mut outer = Vec::new();
    let mut group = Group::default();
    for node in nodes {
        let mut bytes = text
            .get(node.span.clone())
            .unwrap_or("")
            .chars()
            .map(|c| c as u8);
        match node.kind {
            NodeKind::Open => {
                outer.push(std::mem::take(&mut group));
                if outer.len() > MAX_DEPTH {
                    return Err(TooLarge::Deep);
                }
            }
            NodeKind::Close => {
                let around = outer.pop().unwrap_or_default();
                let inner = std::mem::replace(&mut group, around);
                group.push_group(inner, form);
            }
            NodeKind::Or => group.end_alternative(form),
            NodeKind::Star => group.repeat(Regex::Star),
            NodeKind::Plus => group.repeat(Regex::Plus),
            NodeKind::Optional => group.repeat(Regex::Optional),
            NodeKind::Any => group.push(Regex::Class(ByteSet::any()), form),
            NodeKind::Class => {
                let members: Vec<u8> = bytes.collect();
                group.push(Regex::Class(read_class(&members, ignores_case)), form);
            }
            NodeKind::TextEdge => group.push(Regex::Edge, form),
            NodeKind::LineEdge => group.push(Regex::Class(ByteSet::of(b'\n')), form),
            NodeKind::WordEdge => group.push(Regex::Class(no_word()), form),
            NodeKind::Split => group.push(Regex::Split, form),
            NodeKind::Quoted => {
                if let Some(byte) = bytes.next_back() {
                    group.push(class(ByteSet::of(byte)), form);
                }
            }
            NodeKind::Characters => {
                bytes.for_each(|byte| group.push(class(ByteSet::of(byte)), form));
            }
            NodeKind::Ignored => {}
        }
    }
    while let Some(around) = outer.pop() {
        let inner = std::mem::replace(&mut group, around);
        group.push_group(inner, form);
    }
    Ok(group.close(form))
}

/// Everything but letters, digits and `_`; the newline too.
fn no_word() -> ByteSet {
    let mut set = ByteSet::ALL;
    for byte in (0..=u8::MAX).filter(|&byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        set.remove(byte);
    }
    set
}

/// The bytes of a `[…]`. The newline is in none that begins with `^`.
fn read_class(written: &[u8], ignores_case: bool) -> ByteSet {
    let written = written.strip_prefix(b"[").unwrap_or(written);
    let (negated, mut members) = match written.strip_prefix(b"^") {
        Some(members) => (true, members),
        None => (false, written),
    };
    let mut set = ByteSet::EMPTY;
    let mut last = None;
    if let [first @ (b']' | b'-'), rest @ ..] = members {
        set.insert(*first);
        last = Some(*first);
        members = rest;
    }
    loop {
        match (members, last) {
            ([] | [b']', ..], _) => break,
            ([b'-', end, rest @ ..], Some(start)) if *end != b']' => {
                (start..=*end).for_each(|byte| set.insert(byte));
                set.insert(*end);
                (last, members) = (Some(*end), rest);
            }
            ([byte, rest @ ..], _) => {
                set.insert(*byte);
                (last, members) = (Some(*byte), rest);
            }
        }
    }
    if ignores_case {
        set = set.folded();
    }
    match negated {
        true => {
            set.insert(b'\n');
            set.complement()
        }
        false => set,
    }
}

/// Nested sequences become one; a sequence of one is that one.
fn concat(items: Vec<Regex>, form: Form) -> Regex {
    let mut sequence: Vec<Regex> = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Regex::Concat(none) if none.is_empty() && form > Form::Plain => {
                sequence.push(Regex::Concat(none));
            }
            Regex::Concat(items) => sequence.extend_from_slice(&items),
            item => sequence.push(item),
        }
    }
    match <[Regex; 1]>::try_from(sequence) {
        // An empty group is another alternative than nothing at all.
        Ok([Regex::Concat(none)]) => Regex::Concat([Regex::Concat(none)].into()),
        Ok([one]) => one,
        Err(sequence) => Regex::Concat(sequence.into()),
    }
}

/// Alternatives of alternatives are alternatives, as far as nothing depends on
/// the order in which procmail tries them; one alternative is no choice.
fn alternate(items: Vec<Regex>, form: Form) -> Regex {
    let last = items.len().saturating_sub(1);
    let mut alternatives = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        match item {
            Regex::Alternate(items) if form == Form::Plain || at == last => {
                alternatives.extend_from_slice(&items);
            }
            item => alternatives.push(item),
        }
    }
    match <[Regex; 1]>::try_from(alternatives) {
        Ok([one]) => one,
        Err(alternatives) => Regex::Alternate(alternatives.into()),
    }
}

#[cfg(test)]
mod tests;
