//! In: the rule model, its user, and a target. Out: a script that
//! does the same to a message, and findings about what it could not carry out.
//!
//! `flow` follows the steps; `guard` turns conditions into tests, with
//! [`pattern`] for expressions, `question` for programs and `score` for
//! weights; `action` and `program` say what a recipe does; `value` carries
//! variables; `once` sees that one message does not go to one place twice.

mod action;
mod answer;
mod assign;
mod bounds;
mod chain;
mod copy;
mod date;
mod edit;
mod expressions;
mod filter;
mod flow;
mod forward;
mod guard;
mod left_out;
mod mailbox;
mod marks;
mod names;
mod once;
mod path;
pub mod pattern;
mod places;
mod printed;
mod program;
mod question;
mod score;
mod search;
mod seen;
mod sequence;
mod shape;
mod unchanged;
mod value;
mod variables;

pub use expressions::Expressions;

use expressions::Known;

use super::folder::Naming;
use super::origin::{Origin, shown};
use super::print::{Printed, print};
use super::script::{Command, Script};
use super::target::{Extension, Target};
use super::tidy::tidy;
use crate::ledger::{Code, Finding, Findings, Note};
use crate::rules::elaborate::Settings;
use crate::rules::model::{Format, Program, StatementId, Step};
use crate::rules::path as paths;
use crate::syntax::{Source, Span};
use bounds::Bounds;
use marks::Marks;
use names::{Label, Names};
use path::Path;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use unchanged::Unchanged;
use variables::Read;

/// A script, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lowered {
    /// The script, tidied and within the limits of the target.
    pub script: Script,
    /// Its text.
    pub printed: Printed,
    /// What there is to say about statements.
    pub findings: Vec<Finding>,
    /// Every mailbox the rules name, with its folder.
    pub folders: BTreeMap<(String, Format), String>,
    /// Every address the script forwards to.
    pub redirects: BTreeSet<String>,
}

/// Lowers the rules of a home. What becomes known of its expressions is kept in
/// `expressions`, for other homes on the same target.
pub fn lower(
    program: &Program,
    sources: &[Source],
    settings: &Settings,
    target: &Target,
    expressions: &Expressions,
) -> Lowered {
    let mut bounds = Bounds::of(target);
    let mut expressions = Known::new(expressions);
    loop {
        let mut lowering = Lowering::new(program, sources, settings, target, bounds, expressions);
        let mut commands = lowering.whole();
        variables::drop_unread(&mut commands);
        match target.has(Extension::Copy) {
            true => once::once(&mut commands),
            false => copy::without_copy(&mut commands),
        }
        let mut commands = tidy(commands);
        // What read a variable may be gone.
        if variables::drop_unread(&mut commands) {
            commands = tidy(commands);
        }
        let files = sources.iter().map(|source| source.path.clone()).collect();
        let script = Script { commands, files };
        let printed = print(&script, target);
        if let Some(narrowed) = lowering.bounds.narrowed(&script, &printed, &lowering) {
            bounds = narrowed;
            expressions = lowering.expressions;
            continue;
        }
        lowering.forget_other_ways();
        let redirects = super::check::actions(&script)
            .redirects()
            .map(str::to_owned)
            .collect();
        return Lowered {
            script,
            printed,
            findings: lowering.findings.into_list(),
            folders: lowering.folders,
            redirects,
        };
    }
}

/// What is gathered while the steps are followed.
struct Lowering<'a> {
    program: &'a Program,
    sources: &'a [Source],
    settings: &'a Settings,
    target: &'a Target,
    naming: Naming,
    findings: Findings,
    /// Statements that messages come to, on one way at least.
    reached: HashSet<StatementId>,
    folders: BTreeMap<(String, Format), String>,
    /// Variables that something reads when a message is there.
    read: Read,
    /// What the rules so far changed and the script did not.
    unchanged: Unchanged,
    /// What is known of messages that leave an included file early, by its end.
    returned: HashMap<Label, Path>,
    /// For rules above a spam filter, what that writes, and which it is.
    marked_later: HashMap<StatementId, Marks>,
    /// A statement for which a copy may have been kept that the script does not
    /// keep, in the block of the copy.
    lost_copy: Option<StatementId>,
    expressions: Known<'a>,
    bounds: Bounds,
    names: Names,
    /// Recipes that may still be written a second time, because what follows
    /// depends on which way a message came.
    repeats: usize,
}

/// Recipes that are written twice in one script, at most.
const MAX_REPEATS: usize = 400;

impl<'a> Lowering<'a> {
    fn new(
        program: &'a Program,
        sources: &'a [Source],
        settings: &'a Settings,
        target: &'a Target,
        bounds: Bounds,
        expressions: Known<'a>,
    ) -> Self {
        let read = Read::by(program, target);
        Lowering {
            program,
            sources,
            settings,
            target,
            naming: Naming::of(program, settings, target),
            findings: Findings::default(),
            reached: HashSet::new(),
            folders: BTreeMap::new(),
            unchanged: Unchanged::default(),
            returned: HashMap::new(),
            marked_later: marks::later(&program.main.steps),
            lost_copy: None,
            names: Names::beside(read.names()),
            read,
            expressions,
            bounds,
            repeats: MAX_REPEATS,
        }
    }

    /// The whole program, its default delivery at the end.
    fn whole(&mut self) -> Vec<Command> {
        let mut path = Path::new(&self.naming.home);
        let program = self.program;
        path.begin(&program.main, None);
        let mut flow = self.steps(&program.main.steps, &mut path);
        if flow.falls && !matches!(program.main.steps.as_slice(), [Step::Deliver(_)]) {
            let end = self.default_folder(&path);
            if end.is_empty() {
                self.tells_mailer(&path);
            }
            flow.commands.extend(end);
        }
        flow.commands.splice(0..0, self.detail());
        flow.commands
    }

    /// Where a rule is written for each way that leads to it, no message may
    /// come to it by one of them; that is of no interest.
    fn forget_other_ways(&mut self) {
        let reached = std::mem::take(&mut self.reached);
        self.findings.retain(|finding| {
            let unreached = matches!(finding.code, Code::NeverReached | Code::OnFailure);
            !(unreached && reached.contains(&finding.at))
        });
    }

    fn find(&mut self, at: StatementId, note: Note) {
        self.find_in(at, None, note);
    }

    fn find_all(&mut self, at: StatementId, notes: Vec<Note>) {
        notes.into_iter().for_each(|note| self.find(at, note));
    }

    fn find_in(&mut self, at: StatementId, span: Option<Span>, note: Note) {
        self.findings.add(note.about(at, span));
    }

    /// Where a statement stands.
    fn origin(&self, at: StatementId) -> Option<Origin> {
        let span = self.program.statements.get(at.0 as usize)?.span;
        let source = self.sources.get(span.file.0 as usize)?;
        let (first, last) = source.lines(span);
        Some(Origin {
            at,
            file: span.file,
            lines: [first, last],
        })
    }

    /// `.procmailrc:12-14`, for a message.
    fn place(&self, at: StatementId) -> Option<String> {
        let origin = self.origin(at)?;
        let source = self.sources.get(origin.file.0 as usize)?;
        Some(format!("{}:{}", source.path, shown(origin.lines)))
    }

    /// A path on the old host, seen from the home.
    fn absolute(&self, path: &str) -> String {
        match path.strip_prefix("~/") {
            Some(rest) => paths::join(&self.naming.home, rest),
            None => paths::join(&self.naming.home, path),
        }
    }
}
