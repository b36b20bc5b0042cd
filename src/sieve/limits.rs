//! In: a script and a target. Out: the most that the script can ask of a
//! server for one message, and where it asks for too much.
//!
//! What is counted is an upper bound: of branches the worst is taken, and two
//! actions to the same folder count as two.

use super::origin::Origin;
use super::print::Printed;
use super::script::{Command, CommandKind, Part, Script, Value};
use super::target::Target;
use super::walk::{self, Clause, Place};
use crate::rules::model::StatementId;
use std::collections::BTreeSet;
use std::fmt;

/// What a server may bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// Redirects for one message.
    Redirects,
    /// Actions for one message.
    Actions,
    /// Bytes of the script.
    ScriptBytes,
    /// Blocks in blocks.
    NestedBlocks,
    /// Tests in tests.
    NestedTests,
    /// Variables of the script.
    Variables,
    /// Bytes of a variable, as far as they stand in the script.
    VariableBytes,
    /// Bytes of a string.
    StringBytes,
}

/// A limit that a script passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitBreach {
    /// Which.
    pub limit: Limit,
    /// What the server takes.
    pub allowed: u64,
    /// What the script asks.
    pub found: u64,
    /// The statements of the commands at which it is passed, or of the nearest
    /// ones before and around these that have any.
    pub at: BTreeSet<StatementId>,
}

impl fmt::Display for LimitBreach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, allowed) = (self.found, self.allowed);
        match self.limit {
            Limit::Redirects => write!(
                f,
                "one message could be forwarded {found} times, and the server allows {allowed}"
            ),
            Limit::Actions => write!(
                f,
                "one message could set off {found} actions, and the server allows {allowed}"
            ),
            Limit::ScriptBytes => write!(
                f,
                "the script has {found} bytes, and the server takes {allowed}"
            ),
            Limit::NestedBlocks => write!(
                f,
                "blocks are nested {found} deep, and the server allows {allowed}"
            ),
            Limit::NestedTests => write!(
                f,
                "conditions are nested {found} deep, and the server allows {allowed}"
            ),
            Limit::Variables => write!(
                f,
                "the script has {found} variables, and the server allows {allowed}"
            ),
            Limit::VariableBytes => write!(
                f,
                "a variable gets {found} bytes, and the server allows {allowed}"
            ),
            Limit::StringBytes => write!(
                f,
                "a text has {found} bytes, and the server allows {allowed}"
            ),
        }
    }
}

/// Every limit of the target that a script passes, each once. `printed` is its
/// text.
pub fn over_limits(script: &Script, printed: &Printed, target: &Target) -> Vec<LimitBreach> {
    let limits = &target.limits;
    let (redirects, actions) = paths(&script.commands, limits.redirects, limits.actions);
    let mut measures = vec![
        (Limit::Redirects, limits.redirects, redirects),
        (Limit::Actions, limits.actions, actions),
        (
            Limit::ScriptBytes,
            limits.script_bytes,
            printed
                .text
                .lines()
                .map(|line| line.len() + 2)
                .sum::<usize>()
                .into(),
        ),
    ];
    measures.extend(sizes(script, target));
    measures
        .into_iter()
        .filter_map(|(limit, allowed, measure)| {
            let allowed = allowed.filter(|&allowed| measure.most > allowed)?;
            Some(LimitBreach {
                limit,
                allowed,
                found: measure.most,
                at: measure.at,
            })
        })
        .collect()
}

/// The most of something, and where it was too much.
#[derive(Debug, Clone, Default)]
struct Measure {
    most: u64,
    at: BTreeSet<StatementId>,
}

impl From<usize> for Measure {
    fn from(most: usize) -> Self {
        Measure {
            most: most as u64,
            ..Measure::default()
        }
    }
}

impl Measure {
    /// `near`: where the command came from.
    fn see(&mut self, value: u64, allowed: Option<u64>, near: &[Origin]) {
        self.most = self.most.max(value);
        if allowed.is_some_and(|allowed| value > allowed) {
            self.at.extend(near.iter().map(|origin| origin.at));
        }
    }
}

/// Redirects and actions up to some place, at worst.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    redirects: u64,
    actions: u64,
}

impl Count {
    fn worst(self, other: Count) -> Count {
        Count {
            redirects: self.redirects.max(other.redirects),
            actions: self.actions.max(other.actions),
        }
    }
}

/// The ways through an `if`. A count is `None` where none comes through.
struct Ways {
    before: Option<Count>,
    after: Option<Count>,
    /// Whether there is an `else`.
    is_complete: bool,
}

fn paths(
    commands: &[Command],
    redirects_allowed: Option<u64>,
    actions_allowed: Option<u64>,
) -> (Measure, Measure) {
    let (mut redirects, mut actions) = (Measure::default(), Measure::default());
    let mut count = Some(Count::default());
    let mut open: Vec<Ways> = Vec::new();
    for Place { clause, near, .. } in walk::places(commands) {
        match clause {
            Clause::If(..) => open.push(Ways {
                before: count,
                after: None,
                is_complete: false,
            }),
            Clause::Elsif(_) | Clause::Else => {
                if let Some(ways) = open.last_mut() {
                    ways.after = worst(ways.after, count);
                    ways.is_complete = matches!(clause, Clause::Else);
                    count = ways.before;
                }
            }
            Clause::End => {
                if let Some(ways) = open.pop() {
                    count = worst(ways.after, count);
                    if !ways.is_complete {
                        count = worst(count, ways.before);
                    }
                }
            }
            Clause::Plain(command) => {
                let Some(now) = count.as_mut() else {
                    continue;
                };
                match &command.kind {
                    CommandKind::Stop => {
                        count = None;
                        continue;
                    }
                    CommandKind::If { .. }
                    | CommandKind::Set { .. }
                    | CommandKind::AddHeader { .. }
                    | CommandKind::DeleteHeader { .. }
                    | CommandKind::AddFlag { .. } => continue,
                    CommandKind::Redirect { .. } => {
                        now.redirects += 1;
                        redirects.see(now.redirects, redirects_allowed, near);
                    }
                    CommandKind::Keep { .. }
                    | CommandKind::FileInto { .. }
                    | CommandKind::Discard
                    | CommandKind::Reject { .. }
                    | CommandKind::Vacation { .. } => {}
                }
                now.actions += 1;
                actions.see(now.actions, actions_allowed, near);
            }
        }
    }
    (redirects, actions)
}

fn worst(one: Option<Count>, other: Option<Count>) -> Option<Count> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.worst(other)),
        (one, other) => one.or(other),
    }
}

/// Blocks, tests, variables and strings.
fn sizes(script: &Script, target: &Target) -> [(Limit, Option<u64>, Measure); 5] {
    let limits = &target.limits;
    let mut blocks = Measure::default();
    let mut tests = Measure::default();
    let mut variables = Measure::default();
    let mut variable = Measure::default();
    let mut string = Measure::default();
    let mut names = BTreeSet::new();
    for place in walk::places(&script.commands) {
        let Place {
            clause,
            depth,
            near,
        } = place;
        let values: Vec<&Value> = match clause {
            Clause::Plain(command) => walk::command_values(&command.kind).collect(),
            Clause::If(_, test) | Clause::Elsif(test) => {
                tests.see(walk::test_depth(test) as u64, limits.nested_tests, near);
                walk::test_tree(test).flat_map(walk::test_values).collect()
            }
            Clause::Else | Clause::End => Vec::new(),
        };
        for value in values {
            string.see(literal_bytes(value), limits.string_bytes, near);
        }
        if let Clause::If(..) = clause {
            blocks.see(depth as u64 + 1, limits.nested_blocks, near);
        }
        if let Some(CommandKind::Set { name, value, .. }) =
            clause.command().map(|command| &command.kind)
        {
            names.insert(name.to_lowercase());
            variables.see(names.len() as u64, limits.variables, near);
            variable.see(literal_bytes(value), limits.variable_bytes, near);
        }
    }
    [
        (Limit::NestedBlocks, limits.nested_blocks, blocks),
        (Limit::NestedTests, limits.nested_tests, tests),
        (Limit::Variables, limits.variables, variables),
        (Limit::VariableBytes, limits.variable_bytes, variable),
        (Limit::StringBytes, limits.string_bytes, string),
    ]
}

fn literal_bytes(value: &Value) -> u64 {
    let bytes = |part: &Part| match part {
        Part::Text(text) => text.len(),
        Part::Variable(_) => 0,
    };
    value.0.iter().map(bytes).sum::<usize>() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::check::check;
    use super::super::print::print;
    use super::super::script::Test;
    use super::*;

    fn redirect(address: &str) -> Command {
        Command::from(CommandKind::Redirect {
            address: address.into(),
            copy: true,
        })
    }

    fn when(lines: [usize; 2], block: Vec<Command>, otherwise: Option<Vec<Command>>) -> Command {
        Command {
            origins: vec![Origin::on(lines)],
            kind: CommandKind::If {
                branches: vec![(Test::Exists(vec!["x".into()]), block)],
                otherwise,
            },
        }
    }

    fn breaches(script: &Script, target: &Target) -> Vec<LimitBreach> {
        over_limits(script, &print(script, target), target)
    }

    fn script(commands: Vec<Command>) -> Script {
        Script {
            commands,
            files: Vec::new(),
        }
    }

    fn dovecot() -> Target {
        Target::profile("dovecot").unwrap()
    }

    #[test]
    fn the_worst_path_counts() {
        let stop = || Command::from(CommandKind::Stop);
        let script = script(vec![
            when([1, 1], vec![redirect("1"), redirect("2"), stop()], None),
            when(
                [1, 1],
                vec![redirect("3")],
                Some(vec![redirect("4"), Command::from(CommandKind::Discard)]),
            ),
            when([1, 1], vec![stop()], Some(vec![stop()])),
            redirect("never"),
        ]);
        let (redirects, actions) = paths(&script.commands, None, None);
        assert_eq!((redirects.most, actions.most), (2, 2));
        assert_eq!(breaches(&script, &dovecot()), []);
    }

    #[test]
    fn a_breach_names_the_command() {
        let five = (1..=5)
            .map(|n| redirect(&format!("{n}@example.org")))
            .collect();
        let script = script(vec![when([3, 9], five, None)]);
        let target = dovecot();
        let found = breaches(&script, &target);
        let [breach] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            (breach.limit, breach.allowed, breach.found),
            (Limit::Redirects, 4, 5)
        );
        assert_eq!(breach.at, [StatementId(3)].into());
        assert_eq!(
            breach.to_string(),
            "one message could be forwarded 5 times, and the server allows 4"
        );
        assert_eq!(breaches(&script, &Target::profile("cyrus").unwrap()), []);
    }

    #[test]
    fn sizes_count() {
        let mut target = dovecot();
        target.limits.string_bytes = Some(10);
        target.limits.variable_bytes = Some(5);
        target.limits.variables = Some(1);
        target.limits.script_bytes = Some(50);
        target.limits.nested_tests = Some(1);
        let set = |name: &str, value: &str| {
            Command::from(CommandKind::Set {
                modifiers: vec![],
                name: name.into(),
                value: value.into(),
            })
        };
        let mut rule = when([1, 1], vec![redirect("much-too-long")], None);
        if let CommandKind::If { branches, .. } = &mut rule.kind {
            branches[0].0 = Test::Not(Box::new(Test::True));
        }
        let script = script(vec![set("a", "123456"), set("A", "1"), set("b", "2"), rule]);
        let found: Vec<Limit> = breaches(&script, &target).iter().map(|b| b.limit).collect();
        let expected = [
            Limit::ScriptBytes,
            Limit::NestedTests,
            Limit::Variables,
            Limit::VariableBytes,
            Limit::StringBytes,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn depth_is_measured_as_the_engine_does() {
        let nested = |blocks: usize| {
            let inner = vec![Command::from(CommandKind::Discard)];
            script((0..blocks).fold(inner, |inner, _| vec![when([1, 1], inner, None)]))
        };
        let stalwart = Target::profile("stalwart").unwrap();
        for blocks in [10, 14, 15, 16, 17] {
            let script = nested(blocks);
            let compiles = check(&print(&script, &stalwart).text, &stalwart).is_ok();
            let within = breaches(&script, &stalwart).is_empty();
            assert_eq!(compiles, within, "{blocks}");
        }
        assert_eq!(breaches(&nested(1_000), &dovecot()).len(), 1);
    }
}
