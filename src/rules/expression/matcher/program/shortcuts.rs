//! In: a program. Out: the program that procmail makes of it.
//!
//! procmail cannot run forks that lead back to themselves (`(a*)*`). It looks
//! for them, and takes one branch away from each. It also takes two paths that
//! meet for a circle; then, a way that the expression allows may be lost, or a
//! circle be left.

use super::{Instruction, Reading};

/// A fork or jump, as far as procmail has come with it.
#[derive(Clone, Copy, Default)]
struct Mark {
    /// Where the circle begins that a fork belongs to.
    circle: Circle,
    /// It belongs to the forks at hand.
    at_hand: bool,
    other_returns: bool,
    below_returns: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Circle {
    #[default]
    Unknown,
    Sought,
    At(usize),
    /// The fork became a jump: nothing is known any more.
    Lost,
}

/// Takes procmail's shortcuts.
pub(super) fn take(instructions: &mut [Instruction]) -> Reading {
    let written = instructions.to_vec();
    let mut marks = vec![Mark::default(); instructions.len()];
    let mut leading: Vec<Vec<usize>> = vec![Vec::new(); instructions.len()];
    for (at, instruction) in instructions.iter().enumerate() {
        if let Some(to) = instruction.target()
            && let Some(leading) = leading.get_mut(to)
        {
            leading.push(at);
        }
    }
    let mut before = Vec::new();
    for at in 0..instructions.len() {
        let is_new = marks
            .get(at)
            .is_some_and(|mark| mark.circle == Circle::Unknown);
        if is_new && matches!(instructions.get(at), Some(Instruction::Fork(_))) {
            let at_hand = seek(instructions, &mut marks, at);
            // Of all others, only these can lead to what is at hand now, or
            // could not be looked at when it was.
            let mut changed = before;
            for &to in &at_hand {
                changed.extend(
                    leading
                        .get_mut(to)
                        .map(std::mem::take)
                        .into_iter()
                        .flatten(),
                );
            }
            if !lead_to_beginnings(instructions, &marks, &changed) {
                return Reading::Fatal;
            }
            for at in changed {
                let to = instructions.get(at).and_then(Instruction::target);
                if let Some(leading) = to.and_then(|to| leading.get_mut(to)) {
                    leading.push(at);
                }
            }
            replace(instructions, &mut marks, &at_hand);
            before = at_hand;
        }
    }
    if has_circle(instructions) {
        Reading::Fatal
    } else if written == *instructions || same_ways(&written, instructions) {
        Reading::True
    } else {
        Reading::Short
    }
}

/// A fork whose branches are looked at.
struct Visit {
    fork: usize,
    /// What the other branch led to, once that is known.
    other: Option<Option<usize>>,
}

/// Follows all forks from one, and marks those that lead back. Returns what is
/// at hand.
fn seek(instructions: &[Instruction], marks: &mut [Mark], first: usize) -> Vec<usize> {
    let mut at_hand = Vec::new();
    let mut visits: Vec<Visit> = Vec::new();
    let mut next = Some(first);
    let mut led_to = None;
    let mut returned = false;
    loop {
        if let Some(start) = next.take() {
            returned = false;
            led_to = None;
            let Some(fork) = behind_jumps(instructions, marks, &mut at_hand, start) else {
                continue;
            };
            let Some(mark) = marks.get_mut(fork) else {
                continue;
            };
            match mark.circle {
                Circle::Unknown => {
                    mark.circle = Circle::Sought;
                    mark.at_hand = true;
                    at_hand.push(fork);
                    if let Some(Instruction::Fork(other)) = instructions.get(fork) {
                        next = Some(*other);
                    }
                    visits.push(Visit { fork, other: None });
                }
                circle if mark.at_hand => {
                    returned = true;
                    led_to = match circle {
                        Circle::At(start) => Some(start),
                        _ => Some(fork),
                    };
                }
                _ => {}
            }
            continue;
        }
        let Some(visit) = visits.last_mut() else {
            return at_hand;
        };
        let fork = visit.fork;
        let Some(mark) = marks.get_mut(fork) else {
            return at_hand;
        };
        match visit.other {
            None => {
                mark.other_returns |= returned;
                visit.other = Some(led_to);
                next = Some(fork + 1);
            }
            Some(other) => {
                let circle = match (other, led_to) {
                    (Some(other), Some(below)) => Some(other.min(below)),
                    (other, _) => other,
                };
                if returned {
                    mark.below_returns = true;
                    returned = mark.other_returns;
                }
                mark.circle = Circle::At(circle.unwrap_or(fork));
                led_to = circle.filter(|&circle| circle != fork);
                visits.pop();
            }
        }
    }
}

/// The fork that a chain of jumps leads to.
fn behind_jumps(
    instructions: &[Instruction],
    marks: &mut [Mark],
    at_hand: &mut Vec<usize>,
    mut at: usize,
) -> Option<usize> {
    for _ in instructions {
        match instructions.get(at)? {
            Instruction::Fork(_) => return Some(at),
            Instruction::Jump(to) => {
                marks.get_mut(at)?.at_hand = true;
                at_hand.push(at);
                at = *to;
            }
            _ => return None,
        }
    }
    None
}

/// What leads into a circle leads to its beginning. Where that is lost,
/// procmail crashes.
fn lead_to_beginnings(instructions: &mut [Instruction], marks: &[Mark], changed: &[usize]) -> bool {
    for &at in changed {
        if marks.get(at).is_none_or(|mark| mark.at_hand) {
            continue;
        }
        let Some(to) = instructions.get(at).and_then(Instruction::target) else {
            continue;
        };
        if !matches!(instructions.get(to), Some(Instruction::Fork(_))) {
            continue;
        }
        let mut beginning = to;
        for _ in 0..marks.len() {
            match marks.get(beginning).map(|mark| mark.circle) {
                Some(Circle::At(circle)) if circle != beginning => beginning = circle,
                Some(Circle::Lost) => return false,
                _ => break,
            }
        }
        if let Some(target) = instructions.get_mut(at).and_then(Instruction::target_mut) {
            *target = beginning;
        }
    }
    true
}

/// Puts jumps in the place of the forks one of whose branches leads back.
fn replace(instructions: &mut [Instruction], marks: &mut [Mark], at_hand: &[usize]) {
    for &at in at_hand {
        let (Some(instruction), Some(mark)) = (instructions.get_mut(at), marks.get_mut(at)) else {
            continue;
        };
        if let Instruction::Fork(other) = instruction
            && mark.at_hand
        {
            let jump = match (mark.other_returns, mark.below_returns) {
                (true, false) => Some(at + 1),
                (false, true) => Some(*other),
                _ => None,
            };
            if let Some(to) = jump {
                *instruction = Instruction::Jump(to);
                mark.circle = Circle::Lost;
            }
        }
        mark.at_hand = false;
    }
}

/// Where an instruction leads that consumes nothing.
fn ways(instructions: &[Instruction], at: usize) -> [Option<usize>; 2] {
    match instructions.get(at) {
        Some(Instruction::Fork(other)) => [Some(at + 1), Some(*other)],
        Some(Instruction::Jump(to)) => [Some(*to), None],
        Some(Instruction::Split) => [Some(at + 1), None],
        _ => [None, None],
    }
}

/// Whether something leads back to itself.
fn has_circle(instructions: &[Instruction]) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; instructions.len()];
    for first in 0..instructions.len() {
        let mut path = vec![(first, 0)];
        while let Some((at, way)) = path.last_mut() {
            let at = *at;
            let next = ways(instructions, at).get(*way).copied();
            *way += 1;
            let Some(state) = seen.get_mut(at) else {
                path.pop();
                continue;
            };
            match next {
                None => {
                    *state = Seen::Done;
                    path.pop();
                }
                Some(_) if *state == Seen::Done => {
                    path.pop();
                }
                Some(next) => {
                    *state = Seen::Open;
                    match next.and_then(|next| seen.get(next)) {
                        Some(Seen::Open) => return true,
                        Some(Seen::No) => path.extend(next.map(|next| (next, 0))),
                        _ => {}
                    }
                }
            }
        }
    }
    false
}

/// Whether from each instruction that is not a fork or jump, and from the
/// first, the same can be reached.
fn same_ways(written: &[Instruction], taken: &[Instruction]) -> bool {
    let starts = written
        .iter()
        .zip(taken)
        .filter_map(|(one, other)| match one {
            Instruction::Fork(_) | Instruction::Jump(_) => None,
            _ => Some((one.target()?, other.target()?)),
        });
    let (mut written, mut taken) = (Reachable::of(written), Reachable::of(taken));
    std::iter::once((0, 0))
        .chain(starts)
        .all(|(one, other)| written.from(one) == taken.from(other))
}

/// What can be reached without consuming anything.
struct Reachable<'a> {
    instructions: &'a [Instruction],
    /// From which start each was reached last.
    seen: Vec<usize>,
    starts: usize,
}

impl<'a> Reachable<'a> {
    fn of(instructions: &'a [Instruction]) -> Self {
        Reachable {
            instructions,
            seen: vec![0; instructions.len()],
            starts: 0,
        }
    }

    fn from(&mut self, start: usize) -> Vec<usize> {
        self.starts += 1;
        let mut open = vec![start];
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            if let Some(seen) = self.seen.get_mut(at)
                && std::mem::replace(seen, self.starts) != self.starts
            {
                let ways = ways(self.instructions, at);
                if ways == [None, None] {
                    found.push(at);
                }
                open.extend(ways.into_iter().flatten());
            }
        }
        found.sort_unstable();
        found
    }
}
