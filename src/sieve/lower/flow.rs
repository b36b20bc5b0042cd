//! In: steps. Out: commands in the order of the rules: a recipe that delivers
//! ends in `stop`, one that does not goes on. `chain` follows recipes, `assign`
//! assignments, and `left_out` says what is not carried out.

use super::Lowering;
use super::bounds::bytes_of;
use super::chain::{Ahead, group_length};
use super::left_out::{assigned_in, untold};
use super::names::script_name;
use super::path::{Known, Path};
use super::program::Acted;
use super::sequence::{Flow, Sequence, leave};

use crate::ledger::{Code, Note};
use crate::rules::elaborate::mailbox;
use crate::rules::model::{
    Action, Assign, Folder, Format, Piece, Recipe, Run, StatementId, Step, walk,
};
use crate::rules::program::{Meaning, Sendmail, meaning};
use crate::sieve::script::{AddressPart, Command, CommandKind, Match, Test, Value};
use crate::sieve::target::Extension;

impl Lowering<'_> {
    /// What steps do, one after the other.
    pub(super) fn steps(&mut self, steps: &[Step], path: &mut Path) -> Flow {
        let mut sequence = Sequence::default();
        let mut rest = steps;
        while let Some((first, more)) = rest.split_first() {
            if sequence.has_ended() {
                self.never_reached(rest);
                break;
            }
            if self.loses_track(&sequence) {
                self.cannot_tell(rest, path);
                break;
            }
            let flow = match first {
                Step::Filter(commands) => {
                    rest = more;
                    self.filter(commands, !more.is_empty(), path)
                }
                Step::Assign(assign) if assign.name == "TRAP" && file_later(more) => {
                    rest = more;
                    self.trapped(assign)
                }
                Step::Recipe(_) => {
                    let (group, more) = rest.split_at(group_length(rest));
                    rest = more;
                    self.chained(group, path, 0)
                }
                step => {
                    rest = more;
                    self.step(step, path)
                }
            };
            sequence.push(flow);
        }
        sequence.close()
    }

    pub(super) fn step(&mut self, step: &Step, path: &mut Path) -> Flow {
        if let Step::Include { at, .. } | Step::End { at } | Step::Unknown { at } = step {
            self.reached.insert(*at);
        }
        match step {
            Step::Assign(assign) => self.assigned(assign, path),
            Step::Include { at, body, switch } => self.included(*at, body, *switch, path),
            Step::End { at } => self.thrown_away(*at, path),
            Step::Deliver(destinations) => self.destinations(destinations, path),
            Step::Unknown { at } => {
                path.doubts(*at);
                Flow::nothing()
            }
            Step::Detail { word, at, run } => self.detailed(word, *at, run, path),
            Step::Filter(commands) => self.filter(commands, true, path),
            Step::Recipe(_) => self.chained(std::slice::from_ref(step), path, 0),
        }
    }

    /// `TRAP` above what files the message: it is marked as it is filed.
    fn trapped(&mut self, assign: &Assign) -> Flow {
        match assign.value.as_ref().map(meaning) {
            Some(Meaning::SetFlags { flags, .. }) => Flow::of(self.flagged(assign.at, &flags)),
            _ => Flow::nothing(),
        }
    }

    /// `.forward+word`: what happens to mail for `user+word` (RFC 5233).
    fn detailed(
        &mut self,
        word: &str,
        at: Option<StatementId>,
        run: &Run,
        path: &mut Path,
    ) -> Flow {
        let has = |extension| self.target.has(extension);
        if !has(Extension::Envelope) || !has(Extension::Subaddress) {
            if let Some(at) = at {
                self.find(
                    at,
                    Note::manual(
                        Code::DetailForward,
                        format!(
                            "The server cannot tell mail to {}+{word} from other mail",
                            self.naming.user
                        ),
                    ),
                );
                // Such mail goes the way of the other now, which may lead away.
                path.doubts(at);
            }
            return Flow::nothing();
        }
        let mut inner = path.clone();
        inner.place.depth += 1;
        let mut flow = self.run_of(at, run, false, &mut inner);
        if let Some(at) = at {
            self.comes_from(&mut flow.commands, at);
        }
        let test = Test::Envelope {
            part: AddressPart::Detail,
            compare: Match::Is.into(),
            names: vec!["to".to_owned()],
            keys: vec![Value::text(word)],
        };
        Flow::of(vec![Command::when(test, flow.commands)])
    }

    fn included(&mut self, at: StatementId, body: &[Step], switch: bool, path: &mut Path) -> Flow {
        let label = self.names.label();
        let outer = path.place.file;
        // The file that takes over ends where the one before it would.
        if !switch {
            path.place.file = Some(label);
        }
        let mut flow = self.steps(body, path);
        path.place.file = outer;
        let returned = self.returned.remove(&label);
        if flow.exits.remove(&label) {
            if let Some(returned) = returned {
                let through = flow.falls.then(|| path.clone());
                path.go_on(match through {
                    Some(through) => through.join(returned),
                    None => returned,
                });
            }
            flow.falls = true;
        }
        if !switch || !flow.falls {
            return flow;
        }
        let mut sequence = Sequence::default();
        sequence.push(flow);
        if self.loses_track(&sequence) {
            self.find(at, untold());
            path.doubts(at);
            return sequence.close();
        }
        sequence.push(match path.place.file {
            Some(file) => {
                let before = self.returned.remove(&file);
                let here = path.clone();
                let all = match before {
                    Some(before) => before.join(here),
                    None => here,
                };
                self.returned.insert(file, all);
                Flow {
                    commands: vec![leave(file)],
                    falls: false,
                    exits: [file].into(),
                }
            }
            None => {
                let mut end = self.default_folder(path);
                if end.is_empty() {
                    end = self.kept(path).commands;
                }
                self.comes_from(&mut end, at);
                Flow {
                    commands: end,
                    falls: false,
                    exits: path.place.clone.into_iter().collect(),
                }
            }
        });
        sequence.close()
    }

    /// The action of a recipe.
    pub(super) fn acted(&mut self, recipe: &Recipe, ahead: Ahead, path: &mut Path) -> Acted {
        path.chain.succeeded = Some(true);
        if let Action::Block(steps) = &recipe.action {
            return self.block(recipe, steps, path).into();
        }
        let result = match self.barred_action(recipe.at) {
            Some(note) => Err(note),
            None => self.carried_out(recipe, ahead, path),
        };
        if let Action::Pipe(command) | Action::Capture { command, .. } = &recipe.action
            && recipe.flags.wait
            && !matches!(&result, Ok(acted) if acted.succeeds_if.is_some())
        {
            path.chain.succeeded = meaning(command).succeeds();
        }
        match result {
            Ok(acted) => {
                self.uses(bytes_of(&acted.flow.commands));
                path.goes_through(&acted.flow.commands);
                acted
            }
            Err(note) => self.not_done(recipe, note, path).into(),
        }
    }

    fn carried_out(
        &mut self,
        recipe: &Recipe,
        ahead: Ahead,
        path: &mut Path,
    ) -> Result<Acted, Note> {
        let at = recipe.at;
        let copy = recipe.flags.copy;
        match &recipe.action {
            Action::File(folders) if folders.is_empty() => {
                path.chain.succeeded = Some(false);
                Ok(Flow::nothing().into())
            }
            Action::File(folders) if self.is_nameless(folders, path) => {
                let (verdict, message) = mailbox::nameless(recipe.flags.ignore_errors);
                self.find(at, Note::new(verdict, Code::NamelessMailbox, message));
                path.chain.succeeded = Some(false);
                Ok(Flow::nothing().into())
            }
            Action::File(folders) => {
                let marked = ahead.marked.is_some();
                let flags = ahead.marked.map_or_else(Vec::new, |marked| marked.flags);
                let nothing = folders.iter().all(|folder| folder.format == Format::Null);
                if !nothing {
                    self.part_only(recipe);
                }
                self.filed(at, folders, copy && !marked, &flags, path)
                    .map(Acted::from)
            }
            Action::Forward(words) => {
                self.part_only(recipe);
                let sendmail = Sendmail::read(words);
                match sendmail.from_header {
                    true => Err(Note::manual(
                        Code::SentByProgram,
                        "The mail was sent to those whom its header names, and a server does not do that",
                    )),
                    false => {
                        { self.forwarded(at, &sendmail.addresses, copy, path) }.map(Acted::from)
                    }
                }
            }
            Action::Pipe(command) => self.piped(recipe, command, ahead.answers, path),
            Action::Capture { name, command } => {
                let commands = self.captured(recipe, name, command, path);
                Ok(Flow::of(commands).into())
            }
            Action::Block(steps) => Ok(self.block(recipe, steps, path).into()),
        }
    }

    /// Whether the variables that name the first mailbox are empty on this way.
    fn is_nameless(&self, folders: &[Folder], path: &Path) -> bool {
        let known = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.clone()),
            Piece::Variable(name) => match self.known(name, path) {
                Known::Text(text) => Some(text.to_string()),
                Known::Carried { .. } | Known::Lost => None,
            },
            _ => None,
        };
        let pieces = folders.first().map(|folder| folder.path.0.iter());
        let name: Option<String> = pieces.and_then(|mut pieces| {
            pieces.try_fold(String::new(), |name, piece| Some(name + &known(piece)?))
        });
        name.is_some_and(|name| mailbox::is_nameless(&name))
    }

    fn part_only(&mut self, recipe: &Recipe) {
        if recipe.flags.feed_header != recipe.flags.feed_body {
            let part = match recipe.flags.feed_header {
                true => "header",
                false => "body",
            };
            self.find(
                recipe.at,
                Note::adapted(
                    Code::PartOnly,
                    format!(
                        "procmail delivered only the {part}; the server delivers the whole mail"
                    ),
                ),
            );
        }
    }

    fn block(&mut self, recipe: &Recipe, steps: &[Step], path: &mut Path) -> Flow {
        let limit = self.target.limits.nested_blocks.unwrap_or(u64::MAX);
        if path.place.depth as u64 > limit.saturating_sub(2).max(1) {
            self.find(
                recipe.at,
                Note::manual(
                    Code::TooDeep,
                    format!("Rules stand in rules here more deeply than the server allows, which is {limit} times"),
                ),
            );
            self.inner_left_out(steps);
            path.doubts(recipe.at);
            return Flow::nothing();
        }
        let chain = path.chain;
        let flow = if recipe.flags.copy {
            let label = self.names.label();
            let outer = path.place.clone.replace(label);
            let mut inner = path.clone();
            let outside = self.lost_copy.take();
            let unchanged = self.unchanged.clone();
            let mut flow = self.steps(steps, &mut inner);
            path.place.clone = outer;
            path.doubt = path.doubt.or(self.lost_copy.take());
            path.goes_through(&flow.commands);
            self.lost_copy = outside;
            if flow.falls {
                path.doubt = path.doubt.or(inner.doubt);
                self.goes_on_as_copy(recipe, &inner, path);
            } else {
                self.unchanged.behind_copy(unchanged);
            }
            let restored = self.without_values_of_copy(steps, path);
            flow.commands.extend(restored);
            // The message itself has skipped the block.
            flow.exits.remove(&label);
            flow.falls = true;
            flow
        } else {
            self.steps(steps, path)
        };
        path.chain = path.chain.at_level_of(chain);
        flow
    }

    /// A clone that comes out of its block goes on below it, as the message
    /// does; the script lets one of them go on for both.
    fn goes_on_as_copy(&mut self, recipe: &Recipe, clone: &Path, message: &mut Path) {
        let others = self.read.names().filter(|name| {
            let known = |path: &Path| path.known(name).cloned().unwrap_or_default();
            known(clone) != known(message)
        });
        let others: Vec<&str> = others.map(String::as_str).collect();
        if others.is_empty() {
            return;
        }
        let message_of_finding = format!(
            "A copy of the mail went on below this block with other values ({}); the script lets the mail go on as if there were no copy",
            others.join(", ")
        );
        self.find(
            recipe.at,
            Note::adapted(Code::CopyGoesOn, message_of_finding),
        );
        message.doubts(recipe.at);
    }

    /// Gives the script's variables back what they held before the block of a
    /// clone, whose own they are.
    fn without_values_of_copy(&mut self, steps: &[Step], path: &mut Path) -> Vec<Command> {
        let mut commands = Vec::new();
        for name in assigned_in(steps) {
            if !self.read.carries(&name) {
                continue;
            }
            match path.known(&name).cloned().unwrap_or_default() {
                Known::Text(text) => {
                    commands.push(Command::set(&script_name(&name), &[], Value::text(&*text)))
                }
                Known::Carried { .. } => path.learn(&name, Known::Lost),
                Known::Lost => {}
            }
        }
        commands
    }

    /// Names the place of a recipe above its first command that is not in
    /// another's block.
    pub(super) fn first_comes_from(&self, commands: &mut [Command], at: StatementId) {
        let shown = commands
            .iter()
            .position(|command| matches!(command.kind, CommandKind::If { .. }))
            .unwrap_or(0);
        if let Some(commands) = commands.get_mut(shown..) {
            self.comes_from(commands, at);
        }
    }
}

/// Whether steps file a message somewhere, before its way ends.
fn file_later(steps: &[Step]) -> bool {
    let files = |action: &Action| matches!(action, Action::File(_) | Action::Pipe(_));
    let end = steps
        .iter()
        .position(|step| matches!(step, Step::End { .. }));
    let (later, _) = steps.split_at(end.unwrap_or(steps.len()));
    walk::steps(later).any(|step| match step {
        Step::Recipe(recipe) => files(&recipe.action) && !recipe.flags.filter,
        _ => false,
    })
}
