//! In: the destinations of a `.forward` file or an alias. Out: commands that
//! send the message to each of them.

use super::Lowering;
use super::action::keep;
use super::bounds::bytes_of;
use super::left_out::assigned_in;
use super::names::script_name;
use super::path::Path;
use super::program::{given_to, own_delivery, without_directory};
use super::sequence::{Flow, Sequence};
use crate::ledger::{Code, Note, shortened};
use crate::rules::elaborate::preset;
use crate::rules::model::{Destination, Folder, Format, Run, StatementId, Step, Target};
use crate::sieve::script::{Command, CommandKind, Value};
use std::collections::HashSet;

/// What a destination comes to.
enum Sent {
    /// The message gets a copy there.
    Copies(Vec<Command>),
    /// The sender gets an answer.
    Answer(Vec<Command>),
    /// It stays in the inbox.
    Keep,
    /// It went where no server brings it; it stays in the inbox, unless rules
    /// say what becomes of it.
    Unknown,
    /// Nothing is done.
    Nothing,
    /// The mailer is told this exit status.
    Status(i32),
}

impl Lowering<'_> {
    /// Sends the message to every destination, and ends its way.
    pub(super) fn destinations(&mut self, destinations: &[Destination], path: &mut Path) -> Flow {
        let mut commands = Vec::new();
        let mut answers = Vec::new();
        let mut keeps = false;
        let mut unknown = false;
        let mut status = None;
        let mut rules: Vec<(StatementId, &Run)> = Vec::new();
        let mut reached = 0;
        let address = |to: &Target| match to {
            Target::Address(address) => Some(address.clone()),
            _ => None,
        };
        let named = destinations.iter().filter_map(|each| address(&each.to));
        let named: HashSet<String> = named.collect();
        let allowed = self.redirects_allowed();
        let mut redirected = HashSet::new();
        let mut sent_to = HashSet::new();
        for destination in destinations {
            if let Target::Rules(run) = &destination.to {
                if rules.iter().all(|&(_, known)| known != run.as_ref()) {
                    rules.push((destination.at, run));
                }
                continue;
            }
            let over = address(&destination.to).is_some_and(|address| {
                redirected.insert(address);
                redirected.len() > allowed
            });
            let sent = match self.barred(destination.at) {
                Some(note) => {
                    self.find(destination.at, note);
                    Sent::Keep
                }
                None if over => {
                    self.takes_redirects(destination.at, named.len());
                    Sent::Keep
                }
                None => self.sent(destination, path),
            };
            match sent {
                Sent::Copies(mut copies) => {
                    reached += 1;
                    self.uses(bytes_of(&copies));
                    // The mailer sends once to what is named twice.
                    let is_new = |copy: &Command| sent_to.insert(copy.kind.clone());
                    if copies.iter().map(is_new).fold(false, |any, new| any | new) {
                        self.comes_from(&mut copies, destination.at);
                        commands.extend(copies);
                    }
                }
                Sent::Answer(mut answer) => {
                    path.goes_through(&answer);
                    self.comes_from(&mut answer, destination.at);
                    answers.extend(answer);
                }
                Sent::Keep => keeps = true,
                Sent::Unknown => unknown = true,
                Sent::Nothing => {}
                Sent::Status(code) => status = status.or(Some((destination.at, code))),
            }
        }
        commands.splice(0..0, answers);
        if let Some((at, code)) = status.filter(|&(_, code)| {
            code != 0 && (keeps || unknown || reached > 0 || !rules.is_empty())
        }) {
            self.find(at, Note::adapted(
                Code::Bounced,
                format!("Mail went to others as well, and its sender was told of exit status {code}; here the sender is told nothing"),
            ));
        }
        if !rules.is_empty() {
            return self.runs(&rules, commands, keeps, path);
        }
        keeps |= unknown;
        let first = destinations.first().map(|destination| destination.at);
        let mut flow = match (keeps, reached, first) {
            (true, ..) | (false, 0, None) => {
                commands.push(keep());
                self.end(commands, path)
            }
            (false, 0, Some(first)) => {
                let (at, code) = status.unwrap_or((first, 0));
                path.exit_code = Some(code);
                let mut flow = self.thrown_away(at, path);
                flow.commands.splice(0..0, commands);
                flow
            }
            (false, ..) => {
                last_without_copy(&mut commands);
                self.end(commands, path)
            }
        };
        if let Some(at) = first {
            self.comes_from(&mut flow.commands, at);
        }
        flow
    }

    /// Runs rules on the message, behind `commands`. Each run has a copy of its
    /// own; where it is not kept beside, the last one has the message itself.
    fn runs(
        &mut self,
        rules: &[(StatementId, &Run)],
        commands: Vec<Command>,
        keeps: bool,
        path: &mut Path,
    ) -> Flow {
        let mut sequence = Sequence::default();
        path.goes_through(&commands);
        sequence.push(Flow::of(commands));
        let copies = rules.len() - usize::from(!keeps);
        let (of_copies, of_message) = rules.split_at(copies);
        for (at, run) in of_copies {
            if assigned_in(&run.steps).contains("EXITCODE") {
                self.find(*at, Note::adapted(
                    Code::Bounced,
                    "Mail went to others as well, and its sender was told of the exit status of these rules; here the sender is told nothing",
                ));
            }
            sequence.push(self.run_of_copy(*at, run, keeps, path));
        }
        sequence.push(match of_message.first() {
            Some((at, run)) => self.run_of(Some(*at), run, true, path),
            None => self.kept(path),
        });
        sequence.close()
    }

    /// As [`Self::run_of`], for a copy of the message, which goes on itself.
    pub(super) fn run_of_copy(
        &mut self,
        at: StatementId,
        run: &Run,
        stays: bool,
        path: &mut Path,
    ) -> Flow {
        let label = self.names.label();
        let mut copy = path.clone();
        copy.place.clone = Some(label);
        let mut flow = self.run_of(Some(at), run, stays, &mut copy);
        path.goes_through(&flow.commands);
        flow.exits.remove(&label);
        flow.falls = true;
        let mut sequence = Sequence::default();
        sequence.push(flow);
        sequence.push(Flow::of(self.forgotten(&run.steps)));
        sequence.close()
    }

    /// Empties what rules may have set: another run does not see it.
    fn forgotten(&self, steps: &[Step]) -> Vec<Command> {
        let assigned = assigned_in(steps).into_iter();
        let carried = assigned.filter(|name| self.read.carries(name));
        carried
            .map(|name| Command::set(&script_name(&name), &[], Value::text("")))
            .collect()
    }

    /// Rules, and the default delivery behind them; `stays`, whether a message
    /// that comes out of them is in the inbox anyway, and `at`, what calls them.
    pub(super) fn run_of(
        &mut self,
        at: Option<StatementId>,
        run: &Run,
        stays: bool,
        path: &mut Path,
    ) -> Flow {
        let usual = preset(self.settings, "DEFAULT").unwrap_or_default();
        path.begin(run, at.filter(|_| run.default.path != usual));
        let mut sequence = Sequence::default();
        sequence.push(self.steps(&run.steps, path));
        if sequence.has_ended() {
            return sequence.close();
        }
        if self.loses_track(&sequence) {
            if stays {
                return sequence.close();
            }
            if let Some(at) = at {
                self.find(at, Note::adapted(
                    Code::KeptInDoubt,
                    "The server has no variables to remember which mail these rules have filed, so all of it stays in the inbox as well",
                ));
            }
            let mut flow = sequence.close();
            flow.commands.push(keep());
            return flow;
        }
        let end = self.default_folder(path);
        sequence.push(match stays || !end.is_empty() {
            true => Flow::of(end),
            false => self.kept(path),
        });
        sequence.close()
    }

    fn sent(&mut self, destination: &Destination, path: &Path) -> Sent {
        let at = destination.at;
        let result = match &destination.to {
            Target::Keep | Target::Rules(_) => return Sent::Keep,
            Target::Address(address) => {
                let address = self.address(at, Value::text(address));
                address.map(|address| vec![self.redirect(address, true)])
            }
            Target::Folder(folder) if folder.format == Format::Null => return Sent::Nothing,
            Target::Folder(folder) => self.copied(at, folder.clone(), path),
            Target::Mailbox(folder) => {
                self.find(at, own_delivery());
                let folder = Folder::absolute(folder.clone(), Format::Maildir);
                self.copied(at, folder, path)
            }
            Target::Program(program) => {
                Err(given_to(&format!("the program “{}”", shortened(program))))
            }
            Target::Exit(status) => return Sent::Status(*status),
            Target::Vacation(vacation) => match self.vacation(at, vacation, path) {
                Ok(commands) => return Sent::Answer(commands),
                Err(note) => Err(note),
            },
            Target::Unknown => return Sent::Unknown,
        };
        match result {
            Ok(commands) => Sent::Copies(commands),
            // What went elsewhere is kept, so that it is not lost.
            Err(note) => {
                self.find(at, note);
                match destination.to {
                    Target::Program(_) => Sent::Unknown,
                    _ => Sent::Keep,
                }
            }
        }
    }

    fn copied(
        &mut self,
        at: StatementId,
        folder: Folder,
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        Ok(self.filed(at, &[folder], true, &[], path)?.commands)
    }

    /// Tells of the first of commands where they came from.
    pub(super) fn comes_from(&self, commands: &mut [Command], at: StatementId) {
        if let (Some(first), Some(origin)) = (commands.first_mut(), self.origin(at))
            && !first.origins.contains(&origin)
        {
            first.origins.insert(0, origin);
        }
    }

    /// The commands behind the rules' end: none, where that is the inbox.
    pub(super) fn default_folder(&mut self, path: &Path) -> Vec<Command> {
        let default = &path.place.called.default;
        let Some(at) = path.place.called.default_at else {
            return Vec::new();
        };
        let Some(written) = default.path.known() else {
            self.find(at, Note::manual(
                Code::LostVariable,
                "Where mail goes that no rule files differs from message to message; it stays in the inbox",
            ));
            return Vec::new();
        };
        if written.is_empty() {
            return Vec::new();
        }
        let folder = Folder {
            is_relative: false,
            ..default.clone()
        };
        let Ok(flow) = self.filed(at, &[folder], false, &[], path) else {
            return Vec::new();
        };
        if default.format != Format::Null && !written.starts_with('/') {
            self.find(at, without_directory());
        }
        let commands = flow.commands;
        let is_implicit = |command: &Command| {
            matches!(&command.kind, CommandKind::Keep { flags } if flags.is_empty())
                || command.kind == CommandKind::Stop
        };
        match commands.iter().all(is_implicit) {
            true => Vec::new(),
            false => commands,
        }
    }
}

/// The last redirect or folder takes the message itself, not a copy.
fn last_without_copy(commands: &mut [Command]) {
    let taken = commands
        .iter_mut()
        .rev()
        .find_map(|command| match &mut command.kind {
            CommandKind::FileInto { copy, .. } | CommandKind::Redirect { copy, .. } => Some(copy),
            _ => None,
        });
    if let Some(copy) = taken {
        *copy = false;
    }
}
