//! In: steps. Out: every step in them, in the order of the text, however deep
//! they lie: inside blocks, included files, and what a `.forward` calls.

use super::{Action, Assign, Program, Recipe, Step, Target, filter};
use std::iter::from_fn;

/// All steps, each before those inside of it.
pub fn steps(body: &[Step]) -> impl Iterator<Item = &Step> {
    let mut pending = vec![body.iter()];
    from_fn(move || {
        loop {
            let Some(step) = pending.last_mut()?.next() else {
                pending.pop();
                continue;
            };
            let depth = pending.len();
            pending.extend(step.bodies().map(<[Step]>::iter));
            if let Some(inside) = pending.get_mut(depth..) {
                inside.reverse();
            }
            return Some(step);
        }
    })
}

impl Program {
    /// Every assignment of the rules.
    pub fn assignments(&self) -> impl Iterator<Item = &Assign> {
        steps(&self.body).filter_map(|step| match step {
            Step::Assign(assign) => Some(assign),
            _ => None,
        })
    }
}

impl Step {
    /// The lists of steps right inside this one.
    pub fn bodies(&self) -> impl Iterator<Item = &[Step]> {
        let (body, targets): (&[Step], Vec<&Target>) = match self {
            Step::Recipe(recipe) => (recipe.block(), Vec::new()),
            Step::Include { body, .. } | Step::Detail { body, .. } => (body, Vec::new()),
            Step::Deliver(destinations) => {
                (&[], destinations.iter().map(|each| &each.to).collect())
            }
            Step::Filter(commands) => (&[], filter::targets(commands)),
            Step::Assign(_) | Step::End { .. } | Step::Unknown { .. } => (&[], Vec::new()),
        };
        let called = targets.into_iter().filter_map(|target| match target {
            Target::Rules(steps) => Some(steps.as_slice()),
            _ => None,
        });
        std::iter::once(body).chain(called)
    }
}

impl Recipe {
    /// The steps of its block; none, where its action is no block.
    pub fn block(&self) -> &[Step] {
        match &self.action {
            Action::Block(steps) => steps,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::{Branch, Command, Condition};
    use super::super::{Destination, StatementId};
    use super::*;

    fn assign(number: u32) -> Step {
        Step::Assign(Assign {
            at: StatementId(number),
            name: "A".to_owned(),
            value: None,
        })
    }

    fn include(number: u32, body: Vec<Step>) -> Step {
        Step::Include {
            at: StatementId(number),
            body,
            switch: false,
        }
    }

    #[test]
    fn steps_come_in_the_order_of_the_text() {
        let called = |body| Destination {
            at: StatementId(9),
            to: Target::Rules(body),
        };
        let piped = |body| Command::Deliver {
            at: StatementId(9),
            to: Target::Rules(body),
            counts: true,
        };
        let when = |commands, otherwise| Command::If {
            branches: vec![Branch {
                at: StatementId(9),
                condition: Condition::Bounce,
                commands,
            }],
            otherwise,
        };
        let body = [
            assign(0),
            include(1, vec![assign(2), include(3, vec![assign(4)])]),
            Step::Deliver(vec![called(vec![assign(5)]), called(vec![assign(6)])]),
            Step::Filter(vec![
                when(vec![piped(vec![assign(7)])], vec![piped(vec![assign(8)])]),
                piped(vec![assign(9)]),
            ]),
            assign(10),
        ];
        let numbers: Vec<u32> = steps(&body)
            .filter_map(|step| match step {
                Step::Assign(assign) => Some(assign.at.0),
                Step::Include { at, .. } => Some(at.0),
                _ => None,
            })
            .collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
}
