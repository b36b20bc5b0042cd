//! In: steps. Out: every step in them, in the order of the text, however deep
//! they lie: inside blocks, included files, and what a `.forward` calls.

use super::{
    Action, Assign, Folder, Format, Program, Recipe, Run, StatementId, Step, Target, Test, Text,
    filter,
};
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
    /// The mailboxes that stand for the user's inbox: where mail stays that no rule
    /// files. Of several calls of procmail, one keeps it, and others have their copies;
    /// what is for a detail has a mailbox of its own.
    pub fn defaults(&self) -> impl Iterator<Item = &Folder> {
        let mut pending = vec![&self.main];
        from_fn(move || {
            let run = pending.pop()?;
            pending.extend(run.steps.iter().flat_map(Step::keeping_runs));
            Some(&run.default)
        })
    }

    /// Every assignment of the rules.
    pub fn assignments(&self) -> impl Iterator<Item = &Assign> {
        assignments(&self.main.steps)
    }
}

impl Run {
    /// The statement that sets a variable last in the text of the rules.
    pub fn last_assignment(&self, name: &str) -> Option<StatementId> {
        let named = assignments(&self.steps).filter(|assign| assign.name == name);
        named.map(|assign| assign.at).last()
    }
}

fn assignments(body: &[Step]) -> impl Iterator<Item = &Assign> {
    steps(body).filter_map(|step| match step {
        Step::Assign(assign) => Some(assign),
        _ => None,
    })
}

impl Step {
    /// The lists of steps right inside this one.
    pub fn bodies(&self) -> impl Iterator<Item = &[Step]> {
        let body = match self {
            Step::Recipe(recipe) => recipe.block(),
            Step::Include { body, .. } => body,
            Step::Detail { run, .. } => &run.steps,
            _ => &[],
        };
        let called = self.targets().into_iter().filter_map(Target::run);
        std::iter::once(body).chain(called.map(|run| run.steps.as_slice()))
    }

    /// The runs that keep what no rule files: the first that does, of those that a
    /// `.forward` calls, unless the mail stays in the mailbox beside.
    fn keeping_runs(&self) -> Vec<&Run> {
        match self {
            Step::Deliver(destinations) => {
                let targets = destinations.iter().map(|each| &each.to);
                let keeps = |run: &&Run| run.default.format != Format::Null;
                match targets.clone().any(|target| *target == Target::Keep) {
                    true => Vec::new(),
                    false => { targets.filter_map(Target::run).find(keeps) }
                        .into_iter()
                        .collect(),
                }
            }
            Step::Filter(commands) => {
                let targets = filter::targets(commands).into_iter();
                let counted = targets.filter(|(_, counts)| *counts);
                counted.filter_map(|(target, _)| target.run()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Where a `.forward` or a filter leads.
    fn targets(&self) -> Vec<&Target> {
        match self {
            Step::Deliver(destinations) => destinations.iter().map(|each| &each.to).collect(),
            Step::Filter(commands) => {
                let targets = filter::targets(commands).into_iter();
                targets.map(|(target, _)| target).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Target {
    /// The rules that it runs.
    fn run(&self) -> Option<&Run> {
        match self {
            Target::Rules(run) => Some(run),
            _ => None,
        }
    }
}

impl Recipe {
    /// The programs that its conditions ask, and that of its action.
    pub fn programs(&self) -> impl Iterator<Item = &Text> {
        let asked = self
            .conditions
            .iter()
            .filter_map(|condition| match &condition.test {
                Test::Program(command) => Some(command),
                _ => None,
            });
        asked.chain(match &self.action {
            Action::Pipe(command) | Action::Capture { command, .. } => Some(command),
            Action::File(_) | Action::Forward(_) | Action::Block(_) => None,
        })
    }

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
    use super::super::Destination;
    use super::super::filter::{Branch, Command, Condition};
    use super::*;
    use std::sync::Arc;

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
        let run = |steps| {
            Arc::new(Run {
                steps,
                ..Run::default()
            })
        };
        let called = |body| Destination {
            at: StatementId(9),
            to: Target::Rules(run(body)),
        };
        let piped = |body| Command::Deliver {
            at: StatementId(9),
            to: Target::Rules(run(body)),
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
