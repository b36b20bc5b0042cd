//! In: steps. Out: commands in the order of the rules: a recipe that delivers
//! ends in `stop`, one that does not goes on.
//!
//! The flags `A a E e` ask what an earlier recipe did. Along one way through
//! the rules that is known, so that a chain becomes `if … elsif …`, or a rule
//! within another; where a message can come by several ways that matter, the
//! rest of the chain is written for each.

use super::guard::{Guard, LeftOut};
use super::path::{Chained, Known, Path};
use super::pattern::Note;
use super::program::{Acted, flags};
use super::sequence::{Flow, Sequence, append_else, leave};
use super::value::{command, compare, reference, script_name, set, when};
use super::variables::is_special;
use super::{Lowering, adapted, manual, note};
use crate::report::code::Code;
use crate::report::entry::Verdict;
use crate::rules::model::{
    Action, Assign, Chain, Format, Piece, Recipe, StatementId, Step, Target, Test as Condition,
    Text,
};
use crate::rules::program::{Meaning, meaning};
use crate::sieve::script::{AddressPart, Command, CommandKind, Match, Part, Test, Value};
use crate::sieve::target::Extension;
use std::collections::BTreeSet;

/// Recipes of one chain that each stand in the `else` of the one before.
const MAX_CHAIN: usize = 200;

/// One way through a recipe.
struct Arm {
    test: Test,
    flow: Flow,
    path: Path,
}

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
            let flow = match first {
                Step::Filter(commands) => {
                    rest = more;
                    self.filter(commands, !more.is_empty(), path)
                }
                Step::Assign(assign) if assign.name == "TRAP" && more.iter().any(files) => {
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

    fn step(&mut self, step: &Step, path: &mut Path) -> Flow {
        match step {
            Step::Assign(assign) => self.assigned(assign, path),
            Step::Include { at, body, switch } => self.included(*at, body, *switch, path),
            Step::End { at } => self.thrown_away(*at, path),
            Step::Deliver(destinations) => self.destinations(destinations, path),
            Step::Unknown { at } => {
                path.doubt = path.doubt.or(Some(*at));
                Flow::nothing()
            }
            Step::Detail { word, at, body } => self.detailed(word, *at, body, path),
            // An Exim filter is not lowered yet: its mail stays in the inbox.
            Step::Filter(commands) => self.filter(commands, true, path),
            Step::Recipe(_) => self.chained(std::slice::from_ref(step), path, 0),
        }
    }

    fn assigned(&mut self, assign: &Assign, path: &mut Path) -> Flow {
        let Assign { at, name, value } = assign;
        match name.as_str() {
            "EXITCODE" => {
                let code = value.as_ref().map_or(Some("0"), Text::known);
                path.exit_code = code.and_then(|code| match code {
                    "" => Some(0),
                    code => code.trim().parse().ok(),
                });
            }
            "TRAP" => {
                if let Some(value) = value
                    && let Meaning::SetFlags(_) = meaning(value)
                {
                    self.find(
                        *at,
                        manual(
                            Code::Trap,
                            "The mail is marked when it lies in a folder already, and the server marks it only as it files it",
                        ),
                    );
                }
                return Flow::nothing();
            }
            _ => {}
        }
        let asked = self.read.contains(name) && !self.lost.contains(name);
        let Some(value) = value else {
            path.forget(&script_name(name));
            path.variables
                .insert(name.clone(), Known::Text(String::new()));
            return match asked {
                true => Flow::of(vec![set(name, &[], Value::text(""))]),
                false => Flow::nothing(),
            };
        };
        if !asked {
            if value
                .0
                .iter()
                .any(|piece| matches!(piece, Piece::Command(_)))
            {
                self.find(
                    *at,
                    note(
                        Verdict::Dropped,
                        Code::UnusedVariable,
                        format!("No rule that is carried out asks for {name}"),
                    ),
                );
            }
            return Flow::nothing();
        }
        match self.value(value, path) {
            Ok(prepared) => {
                for note in prepared.notes {
                    self.find(*at, note);
                }
                let doubtful = prepared.doubtful || path.doubtful().is_some();
                let known = match prepared.value.as_text() {
                    Some(text) if !doubtful => Known::Text(text),
                    _ => Known::Carried { doubtful },
                };
                path.variables.insert(name.clone(), known);
                let mut commands = prepared.before;
                let assignment = set(name, &[], prepared.value);
                let own = script_name(name);
                if !renamed(&mut commands, &assignment.kind) {
                    if let CommandKind::Set { value, .. } = &assignment.kind {
                        let made = path.apart(value);
                        path.forget(&own);
                        if !made.references().contains(&own.as_str()) {
                            path.made.insert(own, made);
                        }
                    }
                    commands.push(assignment);
                } else {
                    path.forget(&own);
                }
                self.comment(&mut commands, *at);
                Flow::of(commands)
            }
            Err(note) => {
                self.find(*at, note);
                path.variables.insert(name.clone(), Known::Lost);
                Flow::nothing()
            }
        }
    }

    /// `TRAP` above what files the message: it is marked as it is filed.
    fn trapped(&mut self, assign: &Assign) -> Flow {
        match assign.value.as_ref().map(meaning) {
            Some(Meaning::SetFlags(letters)) => Flow::of(self.flagged(assign.at, &letters)),
            _ => Flow::nothing(),
        }
    }

    /// `.forward+word`: what happens to mail for `user+word` (RFC 5233).
    fn detailed(
        &mut self,
        word: &str,
        at: Option<StatementId>,
        body: &[Step],
        path: &mut Path,
    ) -> Flow {
        let has = |extension| self.target.has(extension);
        if !has(Extension::Envelope) || !has(Extension::Subaddress) {
            if let Some(at) = at {
                self.find(
                    at,
                    manual(
                        Code::DetailForward,
                        format!(
                            "The server cannot tell mail to {}+{word} from other mail",
                            self.naming.user
                        ),
                    ),
                );
                // Such mail goes the way of the other now, which may lead away.
                path.doubt = path.doubt.or(Some(at));
            }
            return Flow::nothing();
        }
        let mut inner = path.clone();
        inner.depth += 1;
        let mut flow = self.steps(body, &mut inner);
        if flow.falls {
            flow.commands.extend(self.kept(&inner).commands);
        }
        if let Some(at) = at {
            self.comment(&mut flow.commands, at);
        }
        let test = Test::Envelope {
            part: AddressPart::Detail,
            compare: compare(Match::Is),
            names: vec!["to".to_owned()],
            keys: vec![Value::text(word)],
        };
        Flow::of(vec![when(test, flow.commands)])
    }

    fn included(&mut self, at: StatementId, body: &[Step], switch: bool, path: &mut Path) -> Flow {
        let label = self.label();
        let outer = path.file;
        // The file that takes over ends where the one before it would.
        if !switch {
            path.file = Some(label);
        }
        let mut flow = self.steps(body, path);
        path.file = outer;
        if flow.exits.remove(&label) {
            flow.falls = true;
        }
        if !switch || !flow.falls {
            return flow;
        }
        match path.file {
            Some(file) => {
                flow.commands.push(leave(file));
                flow.exits.insert(file);
            }
            None => {
                let default = self.program.default.clone();
                let mut end = self.default_folder(&default, path);
                if end.is_empty() {
                    end = self.kept(path).commands;
                }
                self.comment(&mut end, at);
                flow.commands.extend(end);
            }
        }
        flow.falls = false;
        flow
    }

    /// A recipe, and those that hang on it.
    fn chained(&mut self, group: &[Step], path: &mut Path, depth: usize) -> Flow {
        let mut sequence = Sequence::default();
        let exceeds = path.exceeds;
        let mut rest = group;
        while let Some((step, more)) = rest.split_first() {
            if sequence.has_ended() {
                self.never_reached(rest);
                break;
            }
            rest = more;
            let Step::Recipe(recipe) = step else {
                sequence.push(self.step(step, path));
                continue;
            };
            match applies(recipe.chain, path.chain) {
                Some(true) => {}
                Some(false) => {
                    self.skipped(recipe);
                    path.chain = path.chain.after(recipe.chain, false);
                    continue;
                }
                None => {
                    let note = manual(
                        Code::UnclearChain,
                        "This rule depends on what a rule above it did, and that rule is not carried out",
                    );
                    self.leave_out(recipe, LeftOut { span: None, note }, path);
                    continue;
                }
            }
            let guard = match self.guard(recipe, path) {
                Ok(guard) => guard,
                Err(left_out) if self.is_idle(recipe) => {
                    let note = note(
                        Verdict::Dropped,
                        Code::UnusedVariable,
                        "No rule that is carried out asks for what this sets",
                    );
                    self.leave_out(recipe, LeftOut { note, ..left_out }, path);
                    continue;
                }
                Err(left_out) => {
                    self.leave_out(recipe, left_out, path);
                    continue;
                }
            };
            if guard.test == Test::False {
                self.never(recipe);
                path.chain = path.chain.after(recipe.chain, false);
                continue;
            }
            let marks = marks_ahead(recipe, rest);
            if marks.is_some() {
                rest = rest.get(1..).unwrap_or(&[]);
            }
            let before = guard.before.clone();
            let mut arms = self.arms(recipe, guard.clone(), marks, path);
            let mut missed = path.clone();
            missed.chain = missed.chain.after(recipe.chain, false);
            if guard.fit.may_miss {
                missed.exceeds = missed.exceeds.or(Some(recipe.at));
                if may_deliver(recipe) {
                    missed.doubt = missed.doubt.or(Some(recipe.at));
                }
            }
            let asked = Asked::by(rest);
            let ways = arms
                .iter()
                .filter(|arm| arm.flow.falls)
                .map(|arm| &arm.path);
            let always = guard.test == Test::True && arms.len() == 1;
            let all_alike = {
                let others = match always {
                    true => None,
                    false => Some(&missed),
                };
                let mut chains = ways.chain(others).map(|way| asked.of(way.chain));
                match chains.next() {
                    Some(first) => chains.all(|chain| chain == first),
                    None => true,
                }
            };
            let left = rest
                .iter()
                .filter(|step| matches!(step, Step::Recipe(_)))
                .count();
            let splits = !all_alike && depth < MAX_CHAIN && left <= self.repeats;
            let mut otherwise = Flow::nothing();
            if splits {
                for arm in arms.iter_mut().filter(|arm| arm.flow.falls) {
                    self.repeats = self.repeats.saturating_sub(left);
                    let mut inner = Sequence::default();
                    inner.push(std::mem::replace(&mut arm.flow, Flow::nothing()));
                    inner.push(self.chained(rest, &mut arm.path, depth + 1));
                    arm.flow = inner.close();
                }
                if !always {
                    otherwise = self.chained(rest, &mut missed, depth + 1);
                }
                rest = &[];
            }
            let ways = arms
                .iter()
                .filter(|arm| arm.flow.falls)
                .map(|arm| arm.path.clone());
            let missed = Some(missed).filter(|_| otherwise.falls && !always);
            let onward = missed.into_iter().chain(ways).reduce(Path::join);
            let mut flow = branches(before, arms, otherwise, always);
            self.comment_first(&mut flow.commands, recipe.at);
            match onward {
                Some(onward) => {
                    let (clone, file, depth) = (path.clone, path.file, path.depth);
                    *path = onward;
                    (path.clone, path.file, path.depth) = (clone, file, depth);
                }
                None => flow.falls = false,
            }
            sequence.push(flow);
        }
        path.exceeds = exceeds;
        sequence.close()
    }

    /// What a recipe does where it matches; a second arm, where its action can
    /// fail.
    fn arms(
        &mut self,
        recipe: &Recipe,
        guard: Guard,
        marks: Option<Vec<String>>,
        path: &Path,
    ) -> Vec<Arm> {
        let mut matched = path.clone();
        matched.chain = matched.chain.after(recipe.chain, true);
        matched.depth += 1;
        if guard.fit.may_exceed {
            matched.exceeds = matched.exceeds.or(Some(recipe.at));
        }
        let mut before = Vec::new();
        if guard.captured.is_some() || guard.sets_match {
            matched.forget("match");
        }
        if let Some(group) = &guard.captured {
            if self.read.contains("MATCH") {
                before.push(set("match", &[], reference(group)));
            }
            let known = Known::Carried {
                doubtful: matched.doubtful().is_some(),
            };
            matched.variables.insert("MATCH".to_owned(), known);
        } else if guard.sets_match {
            let known = Known::Carried {
                doubtful: matched.doubtful().is_some(),
            };
            matched.variables.insert("MATCH".to_owned(), known);
        } else if splits_match(recipe) {
            matched.variables.insert("MATCH".to_owned(), Known::Lost);
        }
        let mut failed = matched.clone();
        failed.chain.succeeded = Some(false);
        let acted = self.acted(recipe, marks, &mut matched);
        let Acted {
            mut flow,
            succeeds_if,
        } = acted;
        let mut inner = Sequence::default();
        inner.push(Flow::of(before));
        inner.push(std::mem::replace(&mut flow, Flow::nothing()));
        let flow = inner.close();
        match succeeds_if {
            None => vec![Arm {
                test: guard.test,
                flow,
                path: matched,
            }],
            Some(succeeds) => {
                let both = Test::AllOf(vec![guard.test.clone(), succeeds]);
                vec![
                    Arm {
                        test: both,
                        flow,
                        path: matched,
                    },
                    Arm {
                        test: guard.test,
                        flow: Flow::nothing(),
                        path: failed,
                    },
                ]
            }
        }
    }

    /// The action of a recipe.
    fn acted(&mut self, recipe: &Recipe, marks: Option<Vec<String>>, path: &mut Path) -> Acted {
        let at = recipe.at;
        let copy = recipe.flags.copy;
        path.chain.succeeded = Some(true);
        let result = match &recipe.action {
            Action::File(folders) => {
                let marked = marks.is_some();
                let flags = marks.unwrap_or_default();
                let nothing = folders.iter().all(|folder| folder.format == Format::Null);
                if !nothing {
                    self.part_only(recipe);
                }
                self.filed(at, folders, copy && !marked, &flags, path)
                    .map(Acted::from)
            }
            Action::Forward(words) => {
                self.part_only(recipe);
                let addresses = Self::addresses(words);
                self.forwarded(at, &addresses, copy, path).map(Acted::from)
            }
            Action::Pipe(command) => self.piped(recipe, command, path),
            Action::Capture { name, command } => {
                let commands = self.captured(at, name, command, path);
                Ok(Flow::of(commands).into())
            }
            Action::Block(steps) => Ok(self.block(recipe, steps, path).into()),
        };
        match result {
            Ok(acted) => acted,
            Err(note) => self.not_done(recipe, note, path).into(),
        }
    }

    /// An action that is not carried out: the message goes on where it would
    /// have, and is kept where it would have ended.
    fn not_done(&mut self, recipe: &Recipe, note: Note, path: &Path) -> Flow {
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

    fn part_only(&mut self, recipe: &Recipe) {
        if recipe.flags.feed_header != recipe.flags.feed_body {
            let part = match recipe.flags.feed_header {
                true => "header",
                false => "body",
            };
            self.find(
                recipe.at,
                adapted(
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
        if path.depth as u64 > limit.saturating_sub(2).max(1) {
            self.find(
                recipe.at,
                manual(
                    Code::TooDeep,
                    format!("The server allows {limit} blocks in each other"),
                ),
            );
            self.inner_left_out(steps);
            path.doubt = path.doubt.or(Some(recipe.at));
            return Flow::nothing();
        }
        let chain = path.chain;
        let flow = if recipe.flags.copy {
            let label = self.label();
            let outer = path.clone.replace(label);
            let mut inner = path.clone();
            let mut flow = self.steps(steps, &mut inner);
            path.clone = outer;
            // The message itself has skipped the block.
            flow.exits.remove(&label);
            flow.falls = true;
            flow
        } else {
            self.steps(steps, path)
        };
        path.chain = Chained {
            succeeded: path.chain.succeeded,
            ..chain
        };
        flow
    }

    /// Whether a recipe only sets variables that nothing asks for.
    fn is_idle(&self, recipe: &Recipe) -> bool {
        match &recipe.action {
            Action::Block(steps) => steps.iter().all(|step| match step {
                Step::Assign(assign) => {
                    !self.read.contains(&assign.name) && !is_special(&assign.name)
                }
                _ => false,
            }),
            _ => false,
        }
    }

    /// A recipe that is left out of the script, with all in it.
    fn leave_out(&mut self, recipe: &Recipe, left_out: LeftOut, path: &mut Path) {
        self.find_in(recipe.at, left_out.span, left_out.note);
        let mut assigned = BTreeSet::new();
        if let Action::Block(steps) = &recipe.action {
            self.inner_left_out(steps);
            assignments(steps, &mut assigned);
        }
        if let Action::Capture { name, .. } = &recipe.action {
            assigned.insert(name.clone());
        }
        if splits_match(recipe) {
            assigned.insert("MATCH".to_owned());
        }
        for name in assigned {
            if name == "EXITCODE" {
                path.exit_code = None;
            }
            path.variables.insert(name, Known::Lost);
        }
        if may_deliver(recipe) {
            path.doubt = path.doubt.or(Some(recipe.at));
        }
        let chain = &mut path.chain;
        if !recipe.chain.also && !recipe.chain.also_if_succeeded {
            chain.last = None;
        }
        chain.previous = None;
        chain.succeeded = None;
    }

    fn inner_left_out(&mut self, steps: &[Step]) {
        for step in steps {
            let at = match step {
                Step::Recipe(recipe) => {
                    if let Action::Block(steps) = &recipe.action {
                        self.inner_left_out(steps);
                    }
                    recipe.at
                }
                Step::Include { at, body, .. } => {
                    self.inner_left_out(body);
                    *at
                }
                Step::Assign(assign) if !self.read.contains(&assign.name) => continue,
                Step::Assign(Assign { at, .. }) | Step::End { at } | Step::Unknown { at } => *at,
                Step::Detail { .. } | Step::Deliver(_) | Step::Filter(_) => continue,
            };
            self.find(
                at,
                manual(
                    Code::InUntranslatedBlock,
                    "The block that this stands in was not translated",
                ),
            );
        }
    }

    /// A recipe that no message comes to, because of what the one above did.
    fn skipped(&mut self, recipe: &Recipe) {
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
        self.find(recipe.at, note(Verdict::Dropped, code, message));
        if let Action::Block(steps) = &recipe.action {
            self.never_reached(steps);
        }
    }

    /// A recipe that matches no message: what is in it comes to nothing.
    fn never(&mut self, recipe: &Recipe) {
        if let Action::Block(steps) = &recipe.action {
            self.never_reached(steps);
        }
    }

    /// Steps behind the end of every message.
    fn never_reached(&mut self, steps: &[Step]) {
        for step in steps {
            let at = match step {
                Step::Recipe(recipe) => {
                    if let Action::Block(steps) = &recipe.action {
                        self.never_reached(steps);
                    }
                    recipe.at
                }
                Step::Include { at, body, .. } => {
                    self.never_reached(body);
                    *at
                }
                Step::End { at } | Step::Unknown { at } => *at,
                Step::Assign(_) | Step::Detail { .. } | Step::Deliver(_) | Step::Filter(_) => {
                    continue;
                }
            };
            self.find(at, note(
                Verdict::Dropped,
                Code::NeverReached,
                "No message came to this place, because the rules above it end for every message",
            ));
        }
    }

    /// Names the place of a recipe above its first command that is not in
    /// another's block.
    fn comment_first(&self, commands: &mut [Command], at: StatementId) {
        let shown = commands
            .iter()
            .position(|command| matches!(command.kind, CommandKind::If { .. }))
            .unwrap_or(0);
        if let Some(commands) = commands.get_mut(shown..) {
            self.comment(commands, at);
        }
    }
}

/// Puts the arms of a recipe and what is done elsewise together.
fn branches(before: Vec<Command>, arms: Vec<Arm>, otherwise: Flow, always: bool) -> Flow {
    let mut exits: BTreeSet<_> = otherwise.exits.clone();
    let mut falls = otherwise.falls && !always;
    let mut commands = before;
    let mut tests = Vec::new();
    for arm in arms {
        exits.extend(&arm.flow.exits);
        falls |= arm.flow.falls;
        tests.push((arm.test, arm.flow.commands));
    }
    if always {
        commands.extend(tests.into_iter().flat_map(|(_, block)| block));
        return Flow {
            commands,
            falls,
            exits,
        };
    }
    // What does nothing at the end need not be asked.
    while otherwise.commands.is_empty() && tests.last().is_some_and(|(_, block)| block.is_empty()) {
        tests.pop();
    }
    if tests.is_empty() {
        return Flow {
            commands,
            falls,
            exits,
        };
    }
    let mut last = None;
    append_else(&mut tests, &mut last, otherwise.commands);
    commands.push(command(CommandKind::If {
        branches: tests,
        otherwise: last,
    }));
    Flow {
        commands,
        falls,
        exits,
    }
}

impl Chained {
    /// Behind a recipe that matched, or did not.
    fn after(self, chain: Chain, matched: bool) -> Chained {
        let mut after = self;
        if !chain.also && !chain.also_if_succeeded {
            after.last = Some(matched);
        }
        if !chain.or_else || self.previous == Some(false) {
            after.previous = Some(matched);
        } else if self.previous.is_none() {
            after.previous = None;
        }
        after
    }
}

/// Whether a recipe is looked at behind what an earlier one did; `None` where
/// that is not known.
fn applies(chain: Chain, before: Chained) -> Option<bool> {
    let mut asked = Vec::new();
    if chain.also {
        asked.push(before.last);
    }
    if chain.also_if_succeeded {
        asked.extend([before.last, before.succeeded]);
    }
    if chain.on_error {
        asked.extend([
            before.previous,
            before.succeeded.map(|succeeded| !succeeded),
        ]);
    }
    if chain.or_else {
        asked.push(before.previous.map(|previous| !previous));
    }
    match asked.contains(&Some(false)) {
        true => Some(false),
        false if asked.contains(&None) => None,
        false => Some(true),
    }
}

/// How many steps hang on the first: the recipes with flags that ask for it,
/// and what stands between them.
fn group_length(steps: &[Step]) -> usize {
    let mut length = 1;
    for (at, step) in steps.iter().enumerate().skip(1) {
        match step {
            Step::Recipe(recipe) if recipe.chain == Chain::default() => break,
            Step::Recipe(_) => length = at + 1,
            Step::Assign(_) => {}
            _ => break,
        }
    }
    length
}

/// What the rest of a chain asks for.
struct Asked {
    last: bool,
    previous: bool,
    succeeded: bool,
}

impl Asked {
    fn by(rest: &[Step]) -> Asked {
        let mut asked = Asked {
            last: false,
            previous: false,
            succeeded: false,
        };
        let mut first = true;
        for step in rest {
            let Step::Recipe(recipe) = step else { continue };
            let chain = recipe.chain;
            asked.last |= chain.also || chain.also_if_succeeded;
            asked.previous |= chain.or_else || first && chain.on_error;
            asked.succeeded |= first && (chain.also_if_succeeded || chain.on_error);
            first = false;
        }
        asked
    }

    /// The parts of a state that are asked for.
    fn of(&self, chain: Chained) -> [Option<Option<bool>>; 3] {
        [
            self.last.then_some(chain.last),
            self.previous.then_some(chain.previous),
            self.succeeded.then_some(chain.succeeded),
        ]
    }
}

/// The flags that the next recipe gives to the file that this one writes
/// (`:0 a` and `| mv "$LASTFOLDER" …:2,S`).
fn marks_ahead(recipe: &Recipe, rest: &[Step]) -> Option<Vec<String>> {
    let (Action::File(_), Some(Step::Recipe(next))) = (&recipe.action, rest.first()) else {
        return None;
    };
    let hangs = next.chain.also || next.chain.also_if_succeeded;
    let Action::Pipe(text) = &next.action else {
        return None;
    };
    match meaning(text) {
        Meaning::SetFlags(letters)
            if hangs && next.conditions.is_empty() && !next.flags.copy && recipe.flags.copy =>
        {
            Some(flags(&letters))
        }
        _ => None,
    }
}

/// Whether a step files a message somewhere.
fn files(step: &Step) -> bool {
    match step {
        Step::Recipe(recipe) => match &recipe.action {
            Action::File(_) | Action::Pipe(_) => !recipe.flags.filter,
            Action::Block(steps) => steps.iter().any(files),
            Action::Forward(_) | Action::Capture { .. } => false,
        },
        Step::Include { body, .. } => body.iter().any(files),
        _ => false,
    }
}

/// Whether a `\/` in it sets `MATCH`.
fn splits_match(recipe: &Recipe) -> bool {
    recipe
        .conditions
        .iter()
        .any(|condition| match &condition.test {
            Condition::Expression(text) => text.0.iter().any(|piece| match piece {
                Piece::Literal(text) => text.contains("\\/"),
                _ => false,
            }),
            _ => false,
        })
}

/// Whether a message can end in a recipe.
fn may_deliver(recipe: &Recipe) -> bool {
    if recipe.flags.copy {
        return false;
    }
    match &recipe.action {
        Action::File(_) | Action::Forward(_) => true,
        Action::Pipe(_) => !recipe.flags.filter,
        Action::Capture { .. } => false,
        Action::Block(steps) => any_delivers(steps),
    }
}

fn any_delivers(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Recipe(recipe) => may_deliver(recipe),
        Step::Include { body, .. } | Step::Detail { body, .. } => any_delivers(body),
        Step::End { .. } | Step::Deliver(_) | Step::Filter(_) | Step::Unknown { .. } => true,
        Step::Assign(_) => false,
    })
}

/// The variables that steps assign.
fn assignments(steps: &[Step], into: &mut BTreeSet<String>) {
    for step in steps {
        match step {
            Step::Assign(assign) => {
                into.insert(assign.name.clone());
            }
            Step::Recipe(recipe) => match &recipe.action {
                Action::Block(steps) => assignments(steps, into),
                Action::Capture { name, .. } => {
                    into.insert(name.clone());
                }
                _ => {}
            },
            Step::Include { body, .. } | Step::Detail { body, .. } => assignments(body, into),
            Step::Deliver(destinations) => {
                for destination in destinations {
                    if let Target::Rules(steps) = &destination.to {
                        assignments(steps, into);
                    }
                }
            }
            Step::End { .. } | Step::Filter(_) | Step::Unknown { .. } => {}
        }
    }
}

/// Lets the commands that find a value out write it where an assignment wants
/// it, where that is all there is to it.
fn renamed(commands: &mut [Command], assignment: &CommandKind) -> bool {
    let CommandKind::Set {
        name: to, value, ..
    } = assignment
    else {
        return false;
    };
    let [Part::Variable(from)] = value.0.as_slice() else {
        return false;
    };
    let mut found = false;
    for command in commands.iter_mut() {
        found |= rename_set(command, from, to);
    }
    found
}

fn rename_set(command: &mut Command, from: &str, to: &str) -> bool {
    match &mut command.kind {
        CommandKind::Set { name, .. } if name == from => {
            to.clone_into(name);
            true
        }
        CommandKind::If {
            branches,
            otherwise,
        } => {
            let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
            let mut found = false;
            for command in blocks.flatten() {
                found |= rename_set(command, from, to);
            }
            found
        }
        _ => false,
    }
}
