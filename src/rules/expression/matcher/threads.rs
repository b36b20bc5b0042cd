//! In: a program, and a text. Out: the match that procmail finds.
//!
//! As procmail does it: all paths at once, one byte after the other. Each path
//! remembers where its `MATCH` would begin.

use super::Found;
use super::program::{Instruction, Program};
use std::ops::ControlFlow;

/// A place in the text; the newline before it is at -1.
type Place = i64;

fn place(place: Place) -> usize {
    usize::try_from(place).unwrap_or(0)
}

/// Finds a match whose search begins at `from`.
pub(super) fn find(program: &Program, text: &[u8], from: usize) -> Option<Found> {
    let (before, rest) = text.split_at_checked(from)?;
    let mut search = Search {
        program,
        nowhere: text.len() as Place + 1,
        waiting: Paths::new(program.instructions.len()),
        next: Paths::new(program.instructions.len()),
        visited: vec![(Place::MIN, 0); program.instructions.len()],
        open: Vec::new(),
        split: None,
    };
    let mut at = from as Place;
    let frame = match before.last() {
        None | Some(b'\n') => {
            at -= 1;
            Some(b'\n')
        }
        Some(_) => rest.is_empty().then_some(b'\n'),
    };
    let bytes = frame.into_iter().chain(rest.iter().copied());
    let stages = bytes
        .map(|byte| (byte, Stage::Text))
        .chain([(b'\n', Stage::TextEnd), (b'\n', Stage::FrameEnd)]);
    for (byte, stage) in stages {
        if search.step(byte, at, stage).is_break() {
            let end = place(at).max(from);
            return Some(Found { end, matched: None });
        }
        if search.split.is_some() && search.next.instructions.is_empty() {
            break;
        }
        at += 1;
    }
    let (start, end) = search.split?;
    let end = place(end).min(text.len());
    Some(Found {
        end,
        matched: Some(place(start).min(end)..end),
    })
}

/// Where in the text a step is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// At a byte of the text, or the newline before it.
    Text,
    /// At the newline behind the text. No path begins here.
    TextEnd,
    /// Behind it.
    FrameEnd,
}

struct Search<'a> {
    program: &'a Program,
    /// Behind every place where `MATCH` can begin.
    nowhere: Place,
    waiting: Paths,
    next: Paths,
    /// For each instruction, when a path last led there, and where its `MATCH`
    /// began.
    visited: Vec<(Place, Place)>,
    open: Vec<usize>,
    /// The `MATCH` found so far: its start and end.
    split: Option<(Place, Place)>,
}

impl Search<'_> {
    /// Takes all paths over one byte. Breaks at a match without `\/`.
    fn step(&mut self, byte: u8, at: Place, stage: Stage) -> ControlFlow<()> {
        std::mem::swap(&mut self.waiting, &mut self.next);
        if stage == Stage::Text && self.split.is_none() {
            self.follow(0, self.nowhere, byte, at, stage)?;
        }
        while let Some((instruction, start)) = self.waiting.pop() {
            if let Some(
                Instruction::Class(_, next) | Instruction::Begin(next) | Instruction::End(next),
            ) = self.program.instructions.get(instruction)
            {
                self.follow(*next, start, byte, at, stage)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Follows a path through all that consumes nothing, up to what consumes
    /// the byte. Where a fork leads to a `\/`, what procmail tries behind it
    /// inherits the start.
    fn follow(
        &mut self,
        first: usize,
        mut start: Place,
        byte: u8,
        at: Place,
        stage: Stage,
    ) -> ControlFlow<()> {
        self.open.push(first);
        while let Some(here) = self.open.pop() {
            let Some(visited) = self.visited.get_mut(here) else {
                continue;
            };
            if visited.0 == at && visited.1 <= start {
                if self.split.is_none() && self.program.splits.get(here) == Some(&true) {
                    start = at;
                }
                continue;
            }
            *visited = (at, start);
            match self.program.instructions.get(here) {
                Some(Instruction::Class(set, _)) if set.contains(byte) => {
                    self.next.push(here, start);
                }
                Some(Instruction::End(_)) if stage == Stage::TextEnd => self.accept(start, at)?,
                Some(Instruction::Begin(_) | Instruction::End(_)) if at < 0 => {
                    self.next.push(here, start);
                }
                Some(Instruction::Accept) => self.accept(start, at)?,
                Some(Instruction::Fork(other)) => self.open.extend([*other, here + 1]),
                Some(Instruction::Jump(to)) => self.open.push(*to),
                Some(Instruction::Split) => {
                    if self.split.is_none() {
                        start = at;
                    }
                    self.open.push(here + 1);
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    /// A path is at its end. One with a `\/` leaves those that began `MATCH`
    /// no later, and they go on.
    fn accept(&mut self, start: Place, at: Place) -> ControlFlow<()> {
        if start >= self.nowhere {
            return ControlFlow::Break(());
        }
        self.waiting.keep(start);
        self.next.keep(start);
        if self.split.is_none() {
            // From here on, a `\/` means nothing: paths are to be looked at
            // once more.
            self.visited.fill((Place::MIN, 0));
        }
        self.split = Some((start, at));
        ControlFlow::Continue(())
    }
}

/// The paths that wait for a byte, at the instructions that consume one.
struct Paths {
    /// In the order they came.
    instructions: Vec<usize>,
    /// Where the `MATCH` of each began.
    starts: Vec<Option<Place>>,
}

impl Paths {
    fn new(instructions: usize) -> Self {
        Paths {
            instructions: Vec::new(),
            starts: vec![None; instructions],
        }
    }

    fn push(&mut self, instruction: usize, start: Place) {
        if let Some(known) = self.starts.get_mut(instruction) {
            if known.is_none() {
                self.instructions.push(instruction);
            }
            *known = Some(known.map_or(start, |known| known.min(start)));
        }
    }

    /// The last that came.
    fn pop(&mut self) -> Option<(usize, Place)> {
        let instruction = self.instructions.pop()?;
        let start = self.starts.get_mut(instruction)?.take()?;
        Some((instruction, start))
    }

    /// Drops what began later, and turns the order round.
    fn keep(&mut self, latest: Place) {
        let starts = &mut self.starts;
        self.instructions.retain(|&instruction| {
            let Some(start) = starts.get_mut(instruction) else {
                return false;
            };
            *start = start.filter(|&start| start <= latest);
            start.is_some()
        });
        self.instructions.reverse();
    }
}
