//! In: recipes that are not carried out, or that no message comes to. Out:
//! findings about them and what is in them, and what is not known behind them.

use super::Lowering;
use super::guard::{LeftOut, has_split};
use super::path::{Known, Path};
use super::program::meaningless;
use super::sequence::{Flow, Sequence};
use super::variables::is_special;
use crate::ledger::{Code, Note, Verdict};
use crate::rules::model::{Action, Condition, Folder, Format, Recipe, Step, Target, Text, walk};
use crate::rules::program::{Changed, Meaning, meaning};
use crate::sieve::target::Extension;
use std::collections::BTreeSet;

impl Lowering<'_> {
    /// An action that is not carried out: the message goes on where it would
    /// have, and is kept where it would have ended.
    pub(super) fn not_done(&mut self, recipe: &Recipe, note: Note, path: &mut Path) -> Flow {
        // What a copy was for is not done, so the mail stays.
        if recipe.flags.copy && may_keep(recipe) {
            path.doubts(recipe.at);
        }
        self.find(recipe.at, note);
        let goes_on = recipe.flags.copy
            || matches!(&recipe.action, Action::Pipe(_) if recipe.flags.filter)
            || matches!(&recipe.action, Action::Capture { .. })
            // Most messages are seen for the first time, and went on.
            || matches!(&recipe.action, Action::Pipe(text)
                if matches!(meaning(text), Meaning::Duplicate { .. }));
        match goes_on {
            true => Flow::nothing(),
            false => self.kept(path),
        }
    }

    /// Why it does not matter when a recipe matches, where it does not.
    pub(super) fn idle(&self, recipe: &Recipe) -> Option<Note> {
        let is_unread = |step: &Step| match step {
            Step::Assign(assign) => !self.read.has(&assign.name) && !is_special(&assign.name),
            _ => false,
        };
        match &recipe.action {
            Action::Block(steps) => steps.iter().all(is_unread).then(|| {
                Note::dropped(
                    Code::UnusedVariable,
                    "No rule that is carried out asks for what this sets",
                )
            }),
            Action::Pipe(command) if recipe.flags.copy && !recipe.flags.filter => {
                meaningless(&meaning(command))
            }
            _ => None,
        }
    }

    /// A recipe that is left out of the script, with all in it.
    pub(super) fn leave_out(&mut self, recipe: &Recipe, left_out: LeftOut, path: &mut Path) {
        self.find_in(recipe.at, left_out.span, left_out.note);
        self.inner_left_out(recipe.block());
        self.lose(assigned_by(recipe), path);
        self.unchanged.parts(changed_by(recipe));
        if may_keep(recipe) {
            path.doubts(recipe.at);
        }
        let chain = &mut path.chain;
        if !recipe.chain.also && !recipe.chain.also_if_succeeded {
            chain.last = None;
        }
        chain.previous = None;
        chain.succeeded = None;
    }

    /// What these variables hold behind here is not known.
    fn lose(&self, assigned: BTreeSet<String>, path: &mut Path) {
        for name in assigned {
            if name == "EXITCODE" {
                path.exit_code = None;
            }
            if name == "MAILDIR" {
                path.directory = None;
            }
            if self.read.carries(&name) {
                path.learn(&name, Known::Lost);
            }
        }
    }

    /// Whether the server cannot remember which messages have left, so that
    /// nothing can be done with the others alone.
    pub(super) fn loses_track(&self, sequence: &Sequence) -> bool {
        sequence.asks() && !self.target.has(Extension::Variables)
    }

    /// Steps to which not all messages come, on a server that cannot tell which.
    pub(super) fn cannot_tell(&mut self, steps: &[Step], path: &mut Path) {
        for step in steps {
            if let Step::Recipe(recipe) = step {
                let left_out = LeftOut {
                    span: None,
                    note: untold(),
                };
                self.leave_out(recipe, left_out, path);
                continue;
            }
            let alone = std::slice::from_ref(step);
            self.say_within(alone, &untold());
            self.lose(assigned_in(alone), path);
            self.unchanged.parts(changed_in(alone));
            if let Step::Include { at, .. } | Step::End { at } | Step::Unknown { at } = step
                && any_keeps(alone)
            {
                path.doubts(*at);
            }
        }
    }

    pub(super) fn inner_left_out(&mut self, steps: &[Step]) {
        let left_out = Note::manual(
            Code::InUntranslatedBlock,
            "The rule that this one stands inside was not translated",
        );
        self.say_within(steps, &left_out);
    }

    /// Says the same of every statement in blocks and included files. Of
    /// assignments, what is dropped needs no word, nor what nothing reads.
    pub(super) fn say_within(&mut self, steps: &[Step], said: &Note) {
        for step in walk::steps(steps) {
            match step {
                Step::Recipe(recipe) => self.find(recipe.at, said.clone()),
                Step::Assign(assign)
                    if said.verdict == Verdict::Manual && self.read.has(&assign.name) =>
                {
                    self.find(assign.at, said.clone());
                }
                Step::Include { at, .. } | Step::End { at } | Step::Unknown { at } => {
                    self.find(*at, said.clone());
                }
                Step::Deliver(destinations) => {
                    for destination in destinations {
                        if !matches!(destination.to, Target::Rules(_)) {
                            self.find(destination.at, said.clone());
                        }
                    }
                }
                Step::Assign(_) | Step::Detail { .. } | Step::Filter(_) => {}
            }
        }
    }

    /// A recipe that no message comes to, because of what the one above did.
    pub(super) fn skipped(&mut self, recipe: &Recipe) {
        let (code, message) = match recipe.chain.on_error {
            true => (
                Code::OnFailure,
                "This ran where the action above it failed; on the server it does not fail",
            ),
            false => (
                Code::NeverReached,
                "No message came to this place, because of what the rule above it does",
            ),
        };
        let skipped = Note::dropped(code, message);
        self.find(recipe.at, skipped.clone());
        self.say_within(recipe.block(), &skipped);
    }

    /// A recipe that matches no message: what is in it comes to nothing.
    pub(super) fn never(&mut self, recipe: &Recipe) {
        self.never_reached(recipe.block());
    }

    /// Steps behind the end of every message.
    pub(super) fn never_reached(&mut self, steps: &[Step]) {
        let never_reached = Note::dropped(
            Code::NeverReached,
            "No message came to this place, because the rules above it end for every message",
        );
        self.say_within(steps, &never_reached);
    }
}

/// Why steps that only some messages come to are left out.
pub(super) fn untold() -> Note {
    Note::manual(
        Code::NoVariables,
        "Some of the mail has left by the rules above, and the server has no variables to remember which; this is not done with any",
    )
}

/// Whether a `\/` in it sets `MATCH`.
pub(super) fn splits_match(recipe: &Recipe) -> bool {
    recipe.conditions.iter().any(has_split)
}

/// Whether it may have set `MATCH` where it does not match: another condition
/// than the last one can hold all the same, and what is weighed decides behind all.
pub(super) fn splits_all_the_same(recipe: &Recipe) -> bool {
    match recipe.conditions.split_last() {
        None => false,
        Some((last, rest)) => {
            let is_weighed = |condition: &Condition| condition.weight.is_some();
            let alone = !recipe.conditions.iter().any(is_weighed) && !last.negated;
            rest.iter().any(has_split) || !alone && has_split(last)
        }
    }
}

/// Whether a recipe can keep a message, or a copy of it. What it throws away
/// needs no care behind it.
pub(super) fn may_keep(recipe: &Recipe) -> bool {
    let copy = recipe.flags.copy;
    match &recipe.action {
        Action::File(folders) => {
            let keeps = |folder: &Folder| folder.format != Format::Null;
            folders.iter().any(keeps)
        }
        Action::Forward(_) => true,
        Action::Pipe(_) if recipe.flags.filter => false,
        Action::Pipe(command) if copy => match meaning(command) {
            Meaning::AppendTo { .. }
            | Meaning::StoreMh { .. }
            | Meaning::Deliver { .. }
            | Meaning::FiledChanged { .. }
            | Meaning::Redirect { .. } => true,
            Meaning::Unknown => writes_a_file(command),
            _ => false,
        },
        Action::Pipe(_) => true,
        Action::Capture { .. } => false,
        Action::Block(steps) => any_keeps(steps),
    }
}

/// Whether a command that nobody knows may put what it reads into a file.
fn writes_a_file(command: &Text) -> bool {
    let shown = command.shown();
    let mut words = shown.split_whitespace();
    shown
        .replace("2>", "")
        .replace("/dev/null", "")
        .contains('>')
        || words.any(|word| word == "tee")
}

pub(super) fn any_keeps(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Recipe(recipe) => may_keep(recipe),
        // What follows in the file is passed by.
        Step::Include { switch: true, .. } => true,
        Step::Include { body, .. } => any_keeps(body),
        Step::Detail { run, .. } => any_keeps(&run.steps),
        Step::End { .. } | Step::Deliver(_) | Step::Filter(_) | Step::Unknown { .. } => true,
        Step::Assign(_) => false,
    })
}

/// The variables that steps assign, `MATCH` among them.
pub(super) fn assigned_in(steps: &[Step]) -> BTreeSet<String> {
    let assigned = walk::steps(steps).flat_map(|step| match step {
        Step::Assign(assign) => [Some(assign.name.as_str()), None],
        Step::Recipe(recipe) => assigned_alone(recipe),
        _ => [None, None],
    });
    assigned.flatten().map(str::to_owned).collect()
}

/// The variables that a recipe assigns.
pub(super) fn assigned_by(recipe: &Recipe) -> BTreeSet<String> {
    let mut assigned = assigned_in(recipe.block());
    let alone = assigned_alone(recipe).into_iter().flatten();
    assigned.extend(alone.map(str::to_owned));
    assigned
}

/// The variables that a recipe assigns, without those of its block.
fn assigned_alone(recipe: &Recipe) -> [Option<&str>; 2] {
    let captured = match &recipe.action {
        Action::Capture { name, .. } => Some(name.as_str()),
        _ => None,
    };
    [splits_match(recipe).then_some("MATCH"), captured]
}

/// What a recipe changes of the message.
pub(super) fn changed_by(recipe: &Recipe) -> Vec<Changed> {
    let mut changed = changed_alone(recipe);
    changed.extend(changed_in(recipe.block()));
    changed
}

/// What a recipe changes, without those of its block.
fn changed_alone(recipe: &Recipe) -> Vec<Changed> {
    let flags = &recipe.flags;
    match &recipe.action {
        Action::Pipe(command) if flags.filter => {
            meaning(command).changes(flags.feed_header, flags.feed_body)
        }
        _ => Vec::new(),
    }
}

fn changed_in(steps: &[Step]) -> Vec<Changed> {
    let changed = walk::steps(steps).map(|step| match step {
        Step::Recipe(recipe) => changed_alone(recipe),
        _ => Vec::new(),
    });
    changed.flatten().collect()
}
