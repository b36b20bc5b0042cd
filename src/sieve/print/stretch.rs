//! In: the clauses of a script, and the lines that each has. Out: which lines came
//! from the same statements.

use crate::sieve::origin::{Origin, Stretch};
use crate::sieve::script::Command;
use crate::sieve::walk::{self, Clause};

/// The lines of a clause in the text, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines {
    /// The first, with the comments above it.
    pub top: usize,
    /// The first below its comments.
    pub head: usize,
    /// The first behind it.
    pub end: usize,
}

/// Where a stretch stands among all.
type Number = usize;

/// An open block.
#[derive(Default)]
struct Block {
    /// The stretch of the `if` that it belongs to, up to a branch with its own.
    whole: Option<Number>,
    /// The line that begins it, where what comes first in it tells where both came from.
    head: Option<usize>,
    /// The stretch of the block with its head.
    branch: Option<Number>,
    /// The stretch of the plain command above: what one statement does in several
    /// commands is told once.
    above: Option<Number>,
}

/// The stretches of commands, whose clauses have these lines.
pub(super) fn stretches(commands: &[Command], lines: &[Lines]) -> Vec<Stretch> {
    let mut found = Stretches::default();
    let mut outside = Block::default();
    let mut open: Vec<Block> = Vec::new();
    let mut clauses = walk::clauses(commands).zip(lines).peekable();
    while let Some((clause, lines)) = clauses.next() {
        let tells_first = { clauses.peek() }
            .and_then(|(next, _)| next.command())
            .is_some_and(tells);
        let block = open.last_mut().unwrap_or(&mut outside);
        match clause {
            Clause::Plain(command) => {
                block.above = found.of_command(command, block, lines);
                found.end(block.above, lines.end);
            }
            Clause::If(command, _) => {
                let whole = found.of_command(command, block, lines);
                block.above = whole.filter(|_| !tells(command));
                let is_told = tells(command) && whole.is_some();
                open.push(Block {
                    whole,
                    head: (tells_first && !is_told).then_some(lines.head),
                    ..Block::default()
                });
            }
            Clause::Elsif(_) | Clause::Else => {
                found.end(block.branch, lines.head);
                if tells_first {
                    found.end(block.whole.take(), lines.head);
                }
                *block = Block {
                    whole: block.whole,
                    head: tells_first.then_some(lines.head),
                    ..Block::default()
                };
            }
            Clause::End => {
                found.end(block.branch, lines.end);
                found.end(block.whole, lines.end);
                open.pop();
            }
        }
    }
    found.0
}

/// Whether a command tells where it came from.
fn tells(command: &Command) -> bool {
    !command.origins.is_empty()
}

#[derive(Default)]
struct Stretches(Vec<Stretch>);

impl Stretches {
    /// The stretch of a command that is not its block's: one that begins here, or that
    /// of the command above.
    fn of_command(
        &mut self,
        command: &Command,
        block: &mut Block,
        lines: &Lines,
    ) -> Option<Number> {
        let above = block.above.take();
        let head = block.head.take();
        if !tells(command) {
            let list = std::slice::from_ref(command);
            return above.filter(|_| !walk::commands(list).any(tells));
        }
        let begun = self.begin(head.unwrap_or(lines.top), &command.origins);
        if head.is_some() {
            block.branch = Some(begun);
            return None;
        }
        Some(begun)
    }

    fn begin(&mut self, line: usize, origins: &[Origin]) -> Number {
        self.0.push(Stretch {
            lines: [line; 2],
            origins: origins.to_vec(),
        });
        self.0.len() - 1
    }

    /// A stretch ends in front of a line.
    fn end(&mut self, stretch: Option<Number>, line: usize) {
        if let Some(stretch) = stretch.and_then(|number| self.0.get_mut(number)) {
            stretch.lines[1] = line.saturating_sub(1).max(stretch.lines[0]);
        }
    }
}
