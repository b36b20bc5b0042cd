//! In: a regular expression. Out: instructions, laid out as procmail does: the
//! order decides what happens to the start of `MATCH` where paths meet.

mod shortcuts;

use super::super::{ByteSet, Regex};

/// What there is to do at a place, and where to go from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instruction {
    /// Consumes a byte of the set.
    Class(ByteSet, usize),
    /// Consumes the newline before the text.
    Begin(usize),
    /// Matches at the end of the text, and is a `Begin` elsewhere.
    End(usize),
    /// Goes on below, and at another place.
    Fork(usize),
    /// Goes on at another place.
    Jump(usize),
    /// Begins `MATCH`, and goes on below.
    Split,
    /// Matches.
    Accept,
}

impl Instruction {
    /// The place it names.
    fn target(&self) -> Option<usize> {
        match self {
            Instruction::Class(_, to)
            | Instruction::Begin(to)
            | Instruction::End(to)
            | Instruction::Fork(to)
            | Instruction::Jump(to) => Some(*to),
            Instruction::Split | Instruction::Accept => None,
        }
    }

    fn target_mut(&mut self) -> Option<&mut usize> {
        match self {
            Instruction::Class(_, to)
            | Instruction::Begin(to)
            | Instruction::End(to)
            | Instruction::Fork(to)
            | Instruction::Jump(to) => Some(to),
            Instruction::Split | Instruction::Accept => None,
        }
    }
}

/// What a matcher runs.
#[derive(Debug)]
pub(super) struct Program {
    pub instructions: Vec<Instruction>,
    /// Whether a `\/` can be reached from a place without consuming anything.
    pub splits: Vec<bool>,
    /// No `\/`, and no edge at its end: the automaton knows all there is.
    pub is_plain: bool,
    /// How procmail's shortcuts bear on it.
    pub reading: Reading,
    /// Whether there are any.
    pub takes_shortcuts: bool,
}

/// How procmail reads an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it is written.
    True,
    /// It loses sight of some of what the expression allows, where a
    /// repetition can match nothing: `x(a*)?b*$` matches `xab`, but no `xaab`.
    Short,
    /// It goes round in such a repetition for ever, or crashes: `(ab?|c?)+`.
    Fatal,
}

impl Program {
    pub fn new(regex: &Regex) -> Self {
        let mut builder = Builder::default();
        let end = builder.label();
        builder.emit(regex, end, true, true);
        builder.place(end);
        builder.instructions.push(Instruction::Accept);
        let mut instructions = builder.instructions;
        for instruction in &mut instructions {
            if let Some(to) = instruction.target_mut() {
                *to = builder.labels.get(*to).copied().unwrap_or_default();
            }
        }
        let written = instructions.clone();
        let reading = shortcuts::take(&mut instructions);
        let takes_shortcuts = reading != Reading::True || written != instructions;
        let is_plain = !instructions
            .iter()
            .any(|it| matches!(it, Instruction::Split | Instruction::End(_)));
        let splits = splits(&instructions);
        Program {
            instructions,
            splits,
            is_plain,
            reading,
            takes_shortcuts,
        }
    }
}

impl Program {
    /// The bytes that a match can begin with, where not everything is one.
    pub fn first(&self) -> Option<ByteSet> {
        let mut first = ByteSet::EMPTY;
        let mut seen = vec![false; self.instructions.len()];
        let mut open = vec![0];
        while let Some(here) = open.pop() {
            if std::mem::replace(seen.get_mut(here)?, true) {
                continue;
            }
            match self.instructions.get(here)? {
                Instruction::Class(set, _) => first = first.union(set),
                Instruction::Begin(_) | Instruction::End(_) => first.insert(b'\n'),
                Instruction::Fork(other) => open.extend([here + 1, *other]),
                Instruction::Jump(to) => open.push(*to),
                Instruction::Split => open.push(here + 1),
                Instruction::Accept => return None,
            }
        }
        Some(first)
    }
}

/// Writes instructions whose places are labels.
#[derive(Default)]
struct Builder {
    instructions: Vec<Instruction>,
    /// Where each label is.
    labels: Vec<usize>,
}

impl Builder {
    fn label(&mut self) -> usize {
        self.labels.push(0);
        self.labels.len() - 1
    }

    fn place(&mut self, label: usize) {
        if let Some(place) = self.labels.get_mut(label) {
            *place = self.instructions.len();
        }
    }

    fn here(&mut self) -> usize {
        let label = self.label();
        self.place(label);
        label
    }

    /// `next` is where to go from its end; `last`, whether that is the end of
    /// the expression, and `closing`, whether it is the end of a group.
    fn emit(&mut self, regex: &Regex, next: usize, last: bool, closing: bool) {
        match regex {
            Regex::Class(set) => self.instructions.push(Instruction::Class(*set, next)),
            Regex::Edge if last => self.instructions.push(Instruction::End(next)),
            Regex::Edge => self.instructions.push(Instruction::Begin(next)),
            Regex::Split => self.instructions.push(Instruction::Split),
            Regex::Concat(items) => match items.split_last() {
                None => self.instructions.push(Instruction::Jump(next)),
                Some((end, items)) => {
                    for item in items {
                        let behind = self.label();
                        self.emit(item, behind, false, false);
                        self.place(behind);
                    }
                    self.emit(end, next, last, closing);
                }
            },
            Regex::Alternate(items) => {
                let Some((end, items)) = items.split_last() else {
                    let nothing = Instruction::Class(ByteSet::EMPTY, next);
                    self.instructions.push(nothing);
                    return;
                };
                for item in items {
                    if *item == Regex::nothing() {
                        self.instructions.push(Instruction::Fork(next));
                    } else {
                        let other = self.label();
                        self.instructions.push(Instruction::Fork(other));
                        self.emit(item, next, last, true);
                        self.place(other);
                    }
                }
                self.emit(end, next, last, true);
            }
            Regex::Star(body) => {
                let fork = self.here();
                self.instructions.push(Instruction::Fork(next));
                self.emit(body, fork, false, true);
            }
            Regex::Plus(body) => {
                let start = self.here();
                let fork = self.label();
                self.emit(body, fork, false, true);
                self.place(fork);
                self.instructions.push(Instruction::Fork(start));
                if closing {
                    self.instructions.push(Instruction::Jump(next));
                }
            }
            Regex::Optional(body) => {
                self.instructions.push(Instruction::Fork(next));
                self.emit(body, next, last, true);
            }
        }
    }
}

fn splits(instructions: &[Instruction]) -> Vec<bool> {
    // Backwards from each `\/`, along what consumes nothing.
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); instructions.len()];
    let mut found = vec![false; instructions.len()];
    let mut open = Vec::new();
    for (place, instruction) in instructions.iter().enumerate() {
        let targets = match instruction {
            Instruction::Fork(other) => [Some(place + 1), Some(*other)],
            Instruction::Jump(to) => [Some(*to), None],
            Instruction::Split => {
                open.push(place);
                [None, None]
            }
            _ => [None, None],
        };
        for target in targets.into_iter().flatten() {
            if let Some(before) = before.get_mut(target) {
                before.push(place);
            }
        }
    }
    while let Some(place) = open.pop() {
        if let (Some(found), Some(before)) = (found.get_mut(place), before.get(place))
            && !std::mem::replace(found, true)
        {
            open.extend(before);
        }
    }
    found
}
