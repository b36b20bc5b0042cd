//! In: the commands of an Exim filter. Out: commands that do the same.
//!
//! Where a delivery counts, the message does not go on behind the filter: the
//! script's action takes the message itself, not a copy, and `stop` stands at
//! the end of that way. Where a condition cannot be asked, what hangs on it is
//! left out, and behind it the message is in doubt: it is kept wherever it
//! would leave.

mod compared;
mod condition;
mod expression;
mod subject;

use super::Lowering;
use super::action::keep;
use super::bounds::{bytes_of, bytes_of_test};
use super::left_out::untold;
use super::names::{COUNTED, Label};
use super::path::Path;
use super::pattern::Fit;
use super::program::given_to;
use super::sequence::{Flow, Sequence, leave};
use crate::ledger::{Code, Note, shortened};
use crate::rules::model::filter::{Branch, Command as Filtered, Passed};
use crate::rules::model::{Folder, Format, Run, StatementId, Target};
use crate::sieve::script::{Command, CommandKind, Test, Value};
use crate::sieve::target::Extension;

/// The way through a filter.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// The end of the filter, for messages that go on; `None` where nothing
    /// stands behind it.
    behind: Option<Label>,
    /// Whether a delivery counted so far; `None` where that depends on the
    /// message.
    counted: Option<bool>,
    /// The script keeps account of that in a variable.
    asked: bool,
    /// What counted may have been no folder: the message is gone, unless
    /// something below puts it into one.
    gone: bool,
}

impl Way {
    /// What tells the script that a delivery counts here, where it has to know.
    fn counts_now(&self) -> Option<Command> {
        let tells = self.asked && self.counted != Some(true);
        tells.then(|| Command::set(COUNTED, &[], Value::text("yes")))
    }

    /// A delivery counts, and has put the message into a folder, or not.
    fn count(&mut self, is_stored: bool) {
        let was_stored = self.counted == Some(true) && !self.gone;
        self.gone = !was_stored && !is_stored;
        self.counted = Some(true);
    }
}

/// Of a delivery that does not count.
fn without_copies() -> Note {
    Note::adapted(
        Code::KeptInDoubt,
        "The server files no copies: where not all of this mail is delivered elsewhere as well, all of it stays in the inbox, too",
    )
}

impl Lowering<'_> {
    /// What a filter does; `goes_on`, whether anything stands behind it.
    pub(super) fn filter(&mut self, commands: &[Filtered], goes_on: bool, path: &mut Path) -> Flow {
        let behind = goes_on.then(|| self.names.label());
        let mut way = Way {
            behind,
            counted: Some(false),
            asked: false,
            gone: false,
        };
        let through = Passed::of(commands).through;
        way.asked = (goes_on && through.yes && through.no) || asks(commands);
        if way.asked && !self.target.has(Extension::Variables) {
            way.asked = false;
        }
        let mut flow = self.in_order(commands, &mut way, true, path);
        if let Some(label) = behind
            && flow.exits.remove(&label)
        {
            flow.falls = true;
        }
        // Which messages are at their end is not known without a variable.
        if goes_on && way.counted.is_none() && !way.asked {
            flow.exits.insert(self.names.label());
        }
        flow
    }

    /// Commands, one after the other; `last`, whether the filter ends behind
    /// them.
    fn in_order(
        &mut self,
        commands: &[Filtered],
        way: &mut Way,
        last: bool,
        path: &mut Path,
    ) -> Flow {
        let mut sequence = Sequence::default();
        for (number, command) in commands.iter().enumerate() {
            if sequence.has_ended() {
                // A `finish` behind what ends for every message says so.
                let rest = match commands.get(number..) {
                    Some([Filtered::Finish { .. }, rest @ ..]) => rest,
                    rest => rest.unwrap_or_default(),
                };
                self.not_carried_out(
                    rest,
                    &Note::dropped(
                        Code::NeverReached,
                        "No message came to this place, because the filter ends above it",
                    ),
                );
                break;
            }
            if self.loses_track(&sequence) {
                let rest = commands.get(number..).unwrap_or(&[]);
                self.not_carried_out(rest, &untold());
                path.doubt = path.doubt.or(rest.iter().find_map(Filtered::at));
                if way.gone && delivers(rest) {
                    sequence.push(Flow::of(vec![keep()]));
                }
                way.counted = None;
                break;
            }
            if let Some(at) = command.at()
                && let Some(note) = self.barred(at)
            {
                let alone = std::slice::from_ref(command);
                self.not_carried_out(alone, &note);
                path.doubts(at);
                if way.gone && delivers(alone) {
                    sequence.push(Flow::of(vec![keep()]));
                }
                continue;
            }
            let last = last && number + 1 == commands.len();
            let flow = match command {
                Filtered::If {
                    branches,
                    otherwise,
                } => self.chosen(branches, otherwise, way, last, path),
                Filtered::Deliver {
                    at,
                    to: Target::Rules(run),
                    counts,
                } if self.barred_action(*at).is_none() => {
                    let ends = match commands.get(number + 1) {
                        Some(Filtered::Finish { .. }) => true,
                        Some(_) => false,
                        None => last,
                    };
                    self.rules_by(*at, run, *counts, ends, way, path)
                }
                Filtered::Deliver { at, to, counts } => self.sent_by(*at, to, *counts, way, path),
                Filtered::Finish { at, counts } => self.finished(*at, *counts, way, path),
                Filtered::Refuse { at } => self.refused_by(*at, path),
                Filtered::Unknown { at } => {
                    path.doubts(*at);
                    Flow::nothing()
                }
            };
            sequence.push(flow);
        }
        if last && !sequence.has_ended() && !self.loses_track(&sequence) {
            match (way.counted, way.behind) {
                (Some(true), _) => sequence.push(self.end(Vec::new(), path)),
                (None, Some(_)) if way.asked => {
                    sequence.push(Flow::of(vec![self.end_if_counted(path)]));
                }
                _ => {}
            }
        }
        sequence.close()
    }

    /// `if … elif … else`.
    fn chosen(
        &mut self,
        branches: &[Branch],
        otherwise: &[Filtered],
        way: &mut Way,
        last: bool,
        path: &mut Path,
    ) -> Flow {
        let mut tested = Vec::new();
        let mut ways = Vec::new();
        let mut flow = Flow::nothing();
        flow.falls = false;
        let before = path.exceeds;
        let mut rest = path.clone();
        let mut left_out = false;
        // What is not done with some messages would have kept them.
        let mut missed = false;
        // Some message may be in a block whose place was another one.
        let mut strays = false;
        for (number, branch) in branches.iter().enumerate() {
            let (test, fit) = match self.asked_by(branch, way) {
                Ok(held) => held,
                Err(note) => {
                    let rest_of_it = branches.get(number..).unwrap_or(&[]);
                    self.not_asked(rest_of_it, otherwise, note);
                    left_out = true;
                    let mut omitted = blocks(branches, otherwise).skip(number);
                    missed |= omitted.clone().any(delivers);
                    if omitted.any(|block| may_keep(block, false)) {
                        rest.doubts(branch.at);
                    }
                    break;
                }
            };
            let mut inner = rest.clone();
            if fit.may_exceed {
                inner.exceeds = inner.exceeds.or(Some(branch.at));
            }
            if fit.may_miss && may_keep(&branch.commands, false) {
                rest.doubts(branch.at);
            }
            let mut taken = *way;
            let mut block = self.in_order(&branch.commands, &mut taken, last, &mut inner);
            let mut others = blocks(branches, otherwise).skip(number + 1);
            let elsewhere = fit.may_exceed && others.any(|block| may_keep(block, false));
            strays |= elsewhere;
            if way.gone && (missed || elsewhere || fit.may_exceed && !block.falls && !last) {
                block.commands.insert(0, keep());
            }
            missed |= fit.may_miss && delivers(&branch.commands);
            self.comes_from(&mut block.commands, branch.at);
            if block.falls {
                ways.push((taken, inner));
            }
            flow.falls |= block.falls;
            flow.exits.extend(block.exits);
            tested.push((test, block.commands));
        }
        let mut taken = *way;
        let mut remaining = match left_out {
            true => Flow::nothing(),
            false => self.in_order(otherwise, &mut taken, last, &mut rest),
        };
        if way.gone && missed {
            remaining.commands.insert(0, keep());
            taken.gone = false;
        }
        if remaining.falls {
            ways.push((taken, rest));
        }
        flow.falls |= remaining.falls;
        flow.exits.extend(remaining.exits);
        if let Some((taken, mut joined)) = ways.into_iter().reduce(join) {
            *way = taken;
            let exceeds = std::mem::replace(&mut joined.exceeds, before);
            if strays {
                joined.doubt = joined.doubt.or(exceeds);
            }
            *path = joined;
        }
        let otherwise = (!remaining.commands.is_empty()).then_some(remaining.commands);
        flow.commands = match tested.is_empty() {
            true => otherwise.unwrap_or_default(),
            false => vec![Command::from(CommandKind::If {
                branches: tested,
                otherwise,
            })],
        };
        flow
    }

    /// The first of these branches cannot be asked for, and so none of the rest can.
    fn not_asked(&mut self, branches: &[Branch], otherwise: &[Filtered], note: Note) {
        let inside = Note::manual(
            Code::InUntranslatedBlock,
            "The condition that this hangs on was not translated",
        );
        let mut why = note;
        for branch in branches {
            self.find(branch.at, why);
            why = inside.clone();
            self.not_carried_out(&branch.commands, &inside);
        }
        self.not_carried_out(otherwise, &inside);
    }

    fn asked_by(&mut self, branch: &Branch, way: &Way) -> Result<(Test, Fit), Note> {
        // Where nothing is lost by it, rather too much than too little.
        let wide = !gives_away(&branch.commands, way.behind.is_some());
        let asked = self.filter_condition(&branch.condition, way, wide)?;
        self.find_all(branch.at, asked.notes);
        self.uses(bytes_of_test(&asked.test));
        Ok((asked.test, asked.fit))
    }

    /// The rules of procmail, which a filter gives the message to; `ends`, whether
    /// nothing is done with it behind them.
    fn rules_by(
        &mut self,
        at: StatementId,
        run: &Run,
        counts: bool,
        ends: bool,
        way: &mut Way,
        path: &mut Path,
    ) -> Flow {
        let in_doubt = path.doubtful().is_some();
        if counts && ends && !in_doubt {
            way.count(true);
            return self.run_of(Some(at), run, false, path);
        }
        if !self.target.has(Extension::Copy) {
            self.find(at, without_copies());
        }
        let mut sequence = Sequence::default();
        sequence.push(self.run_of_copy(at, run, false, path));
        if counts {
            let mut commands = match in_doubt {
                true => {
                    self.keeps_in_doubt(at, path);
                    vec![keep()]
                }
                // The rules have filed their copies.
                false if self.target.has(Extension::Copy) => {
                    vec![Command::from(CommandKind::Discard)]
                }
                false => Vec::new(),
            };
            commands.extend(way.counts_now());
            way.count(in_doubt);
            sequence.push(Flow::of(commands));
        }
        let mut flow = sequence.close();
        self.comes_from(&mut flow.commands, at);
        flow
    }

    /// A delivery, or an answer.
    fn sent_by(
        &mut self,
        at: StatementId,
        to: &Target,
        counts: bool,
        way: &mut Way,
        path: &mut Path,
    ) -> Flow {
        let in_doubt = counts && path.doubtful().is_some();
        if !counts && !self.target.has(Extension::Copy) {
            self.find(at, without_copies());
        }
        let result = match self.barred_action(at) {
            Some(note) => Err(note),
            None => self.sent_to(at, to, counts, path),
        };
        let mut commands = result.unwrap_or_else(|note| {
            self.find(at, note);
            // What went elsewhere is kept, so that it is not lost.
            vec![keep()]
        });
        let leaves = |command: &Command| {
            matches!(
                command.kind,
                CommandKind::Redirect { .. } | CommandKind::Discard
            )
        };
        if in_doubt && (commands.is_empty() || commands.iter().any(leaves)) {
            self.keeps_in_doubt(at, path);
            commands.push(keep());
        }
        if counts && matches!(to, Target::Vacation(_)) && !in_doubt {
            commands.push(Command::from(CommandKind::Discard));
        }
        let stays = |command: &Command| {
            matches!(
                command.kind,
                CommandKind::Keep { .. } | CommandKind::FileInto { .. }
            )
        };
        if counts {
            let is_stored = commands.iter().any(stays);
            commands.extend(way.counts_now());
            way.count(is_stored);
        }
        self.comes_from(&mut commands, at);
        self.uses(bytes_of(&commands));
        Flow::of(commands)
    }

    /// What a delivery or an answer does.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn sent_to(
        &mut self,
        at: StatementId,
        to: &Target,
        counts: bool,
        path: &mut Path,
    ) -> Result<Vec<Command>, Note> {
        let in_doubt = counts && path.doubtful().is_some();
        let copy = !counts || in_doubt || path.place.clone.is_some();
        match to {
            Target::Address(address) => self
                .address(at, Value::text(address))
                .map(|address| vec![self.redirect(address, copy)]),
            Target::Folder(folder) if folder.format == Format::Null => {
                Ok(match counts && !in_doubt {
                    true => vec![Command::from(CommandKind::Discard)],
                    false => Vec::new(),
                })
            }
            Target::Folder(folder) => self.filed_by(at, folder.clone(), counts, path),
            Target::Mailbox(folder) => {
                let folder = Folder::absolute(folder.clone(), Format::Maildir);
                self.filed_by(at, folder, counts, path)
            }
            Target::Keep => Ok(vec![keep()]),
            // Barred; else they are run.
            Target::Rules(run) => {
                self.inner_left_out(&run.steps);
                Ok(vec![keep()])
            }
            Target::Vacation(vacation) => {
                let answer = self.vacation(at, vacation, path)?;
                path.goes_through(&answer);
                Ok(answer)
            }
            Target::Program(program) => {
                Err(given_to(&format!("the program “{}”", shortened(program))))
            }
            Target::Exit(0) => Ok(Vec::new()),
            Target::Exit(_) | Target::Unknown => {
                path.doubts(at);
                Ok(vec![keep()])
            }
        }
    }

    fn filed_by(
        &mut self,
        at: StatementId,
        folder: Folder,
        counts: bool,
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        let mut commands = self.filed(at, &[folder], true, &[], path)?.commands;
        if counts && path.place.clone.is_none() {
            for command in &mut commands {
                if let CommandKind::FileInto { copy, .. } = &mut command.kind {
                    *copy = false;
                }
            }
        }
        Ok(commands)
    }

    fn finished(&mut self, at: StatementId, counts: bool, way: &Way, path: &mut Path) -> Flow {
        let mut flow = match (counts, way.counted, way.behind) {
            (true, Some(false) | None, _) => self.thrown_away(at, path),
            (_, Some(true), _) | (false, _, None) => self.end(Vec::new(), path),
            (false, counted, Some(behind)) => {
                let mut commands = Vec::new();
                if counted.is_none() && way.asked {
                    commands.push(self.end_if_counted(path));
                }
                commands.push(leave(behind));
                Flow {
                    commands,
                    falls: false,
                    exits: [behind].into(),
                }
            }
        };
        self.comes_from(&mut flow.commands, at);
        flow
    }

    /// The end, for messages of which the script's variable says that a delivery counted.
    fn end_if_counted(&mut self, path: &mut Path) -> Command {
        let counted = Test::is_empty(Value::variable(COUNTED)).negated();
        Command::when(counted, self.end(Vec::new(), path).commands)
    }

    /// `fail`.
    fn refused_by(&mut self, at: StatementId, path: &Path) -> Flow {
        let message = "Exim refuses mail for a user's filter only where the host allows that; the mail stays in the inbox";
        self.find(at, Note::manual(Code::EximSystem, message));
        let mut flow = self.kept(path);
        self.comes_from(&mut flow.commands, at);
        flow
    }

    /// Says of every command in a part that is left out why it is.
    fn not_carried_out(&mut self, commands: &[Filtered], why: &Note) {
        for command in commands {
            match command {
                Filtered::If {
                    branches,
                    otherwise,
                } => {
                    for branch in branches {
                        self.find(branch.at, why.clone());
                        self.not_carried_out(&branch.commands, why);
                    }
                    self.not_carried_out(otherwise, why);
                }
                Filtered::Deliver {
                    at,
                    to: Target::Rules(run),
                    ..
                } => {
                    self.find(*at, why.clone());
                    self.say_within(&run.steps, why);
                }
                Filtered::Deliver { at, .. }
                | Filtered::Finish { at, .. }
                | Filtered::Refuse { at }
                | Filtered::Unknown { at } => self.find(*at, why.clone()),
            }
        }
    }
}

/// What holds behind two blocks of an `if`, whichever a message came by.
fn join((one, path): (Way, Path), (other, others): (Way, Path)) -> (Way, Path) {
    let way = Way {
        counted: one.counted.filter(|_| one.counted == other.counted),
        gone: one.gone || other.gone,
        ..one
    };
    (way, path.join(others))
}

/// The blocks of an `if`, that behind `else` last.
fn blocks<'f>(
    branches: &'f [Branch],
    otherwise: &'f [Filtered],
) -> impl Iterator<Item = &'f [Filtered]> + Clone {
    let blocks = branches.iter().map(|branch| branch.commands.as_slice());
    blocks.chain([otherwise])
}

/// Whether one of them delivers the message somewhere.
fn delivers(commands: &[Filtered]) -> bool {
    any(commands, &|command| match command {
        Filtered::Deliver { to, .. } => !is_nowhere(to),
        _ => false,
    })
}

/// Whether a message for which they are done may be kept, and would not be by
/// what follows; `counted`, whether a delivery that is none counted before.
fn may_keep(commands: &[Filtered], mut counted: bool) -> bool {
    for command in commands {
        match command {
            Filtered::Deliver { to, counts, .. } if is_nowhere(to) => counted |= counts,
            Filtered::Finish { counts, .. } => return !counts && !counted,
            Filtered::If {
                branches,
                otherwise,
            } => {
                if blocks(branches, otherwise).any(|block| may_keep(block, counted)) {
                    return true;
                }
            }
            Filtered::Deliver { .. } | Filtered::Refuse { .. } | Filtered::Unknown { .. } => {
                return true;
            }
        }
    }
    false
}

/// Whether one of them takes the message from the inbox, and puts it into no
/// other folder; or gives it to the rules behind the filter.
fn gives_away(commands: &[Filtered], goes_on: bool) -> bool {
    any(commands, &|command| match command {
        Filtered::Deliver { to, counts, .. } => {
            *counts && (is_nowhere(to) || matches!(to, Target::Address(_) | Target::Rules(_)))
        }
        Filtered::Finish { counts, .. } => *counts || goes_on,
        _ => false,
    })
}

fn is_nowhere(to: &Target) -> bool {
    match to {
        Target::Vacation(_) => true,
        Target::Folder(folder) => folder.format == Format::Null,
        _ => false,
    }
}

fn any(commands: &[Filtered], holds: &dyn Fn(&Filtered) -> bool) -> bool {
    commands.iter().any(|command| match command {
        Filtered::If {
            branches,
            otherwise,
        } => blocks(branches, otherwise).any(|block| any(block, holds)),
        command => holds(command),
    })
}

/// Whether a filter asks for `delivered`.
fn asks(commands: &[Filtered]) -> bool {
    commands.iter().any(|command| match command {
        Filtered::If {
            branches,
            otherwise,
        } => {
            branches
                .iter()
                .any(|branch| condition::asks(&branch.condition) || asks(&branch.commands))
                || asks(otherwise)
        }
        _ => false,
    })
}
