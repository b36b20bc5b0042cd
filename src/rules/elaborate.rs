//! In: a home, the name of a procmailrc in it, and what is known of the user.
//! Out: the steps of the rule model; statements, sources and findings go into
//! a [`Ledger`].
//!
//! Variables are followed from the top of the file down. Where one has the
//! same value for every message, it becomes text; where not, it stays a piece.
//! Included files are read in place.

mod assignment;
mod command;
mod condition;
mod expand;
mod host;
mod include;
pub mod mailbox;
mod recipe;
mod settings;
mod statements;
mod variables;

pub use host::{asks_for_host, printed as host_printed};
pub use settings::{Mda, Settings, names_of_host};
pub use variables::{environment, preset};

use super::model::*;
use super::path;
use super::program::{Sendmail, is_sendmail};
use crate::home::ReadError;
use crate::ledger::{Code, Ledger, Note};
use crate::syntax::procmailrc::{Node, NodeKind};
use crate::syntax::{FileId, Span, is_name, leading_name};
use statements::{Item, ItemKind, Lines};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use variables::{Changes, Variables};

/// How procmail is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Call {
    /// The rc files it is given, of which it takes the first that is there;
    /// without any, `.procmailrc`. Relative ones lie in the home.
    pub files: Vec<String>,
    /// What `-a` gives: `$1` and so on. Of what differs between messages, only
    /// `EXTENSION` can stand there.
    pub arguments: Vec<Text>,
    /// `NAME=value` on the command line.
    pub assignments: Vec<(String, String)>,
    /// `-p`: the mailer's environment is kept.
    pub preserve: bool,
}

/// Blocks and included files in each other. procmail has no limit; what goes
/// through the model in recursion needs one.
const MAX_DEPTH: usize = 64;
/// Included files in each other.
const MAX_INCLUDES: usize = 20;
/// Statements of included files, each time counted that one is read.
const MAX_STATEMENTS: usize = 20_000;
/// Bytes of included files, each time counted that one is read.
const MAX_BYTES: usize = 8 << 20;
/// Places in a file from which another file takes over, whose variables are
/// told apart.
const MAX_SWITCHES: usize = 64;

/// What procmail does when it is called like this.
///
/// # Errors
/// What the home says of the last rc file, if none can be read. The message
/// then goes to the default mailbox, unless the file lies outside the home.
pub fn procmail(ledger: &mut Ledger, settings: &Settings, call: &Call) -> Result<Run, ReadError> {
    let mut variables = Variables::new(settings, &call.arguments, call.preserve);
    // What the mailer had set is gone without `-p`; arguments may have it all the same.
    let mut given: Vec<(&str, Option<Text>)> = match call.preserve {
        true => Vec::new(),
        false if call.arguments.iter().any(|text| text.known().is_none()) => vec![("USER", None)],
        false => vec![("EXTENSION", None), ("USER", None)],
    };
    for (name, value) in &call.assignments {
        let value = expand::value(value, &variables);
        variables.assign(name, Some(&value));
        given.push((name, Some(value)));
    }
    let default_rc = [".procmailrc".to_owned()];
    let files = match call.files.as_slice() {
        [] => default_rc.as_slice(),
        files => files,
    };
    let mut result = Err(ReadError::Missing);
    for file in files {
        let file = path::from_home(file);
        let absolute = path::join(&settings.home_path, file);
        let read = ledger.read(path::asked_for(&settings.home_path, &absolute));
        result = read.map(|file| (file, absolute));
        if !matches!(result, Err(ReadError::Missing)) {
            break;
        }
    }
    let (file, absolute) = result?;
    variables.enter_file(&absolute);
    let mut elaborator = Elaborator {
        ledger,
        settings,
        variables,
        files: HashMap::new(),
        depth: 0,
        blocks: 0,
        includes: 0,
        statements: 0,
        bytes: 0,
        reached: HashSet::new(),
        unreached: Vec::new(),
        left_out: Vec::new(),
        looked_at: HashSet::new(),
    };
    let (rules, _) = elaborator.file(file);
    let first = elaborator.items(file).first().map(|item| item.at);
    let given = first.into_iter().flat_map(|at| {
        { given.iter() }
            .filter(|(name, _)| elaborator.looked_at.contains(*name))
            .map(move |(name, value)| {
                Step::Assign(Assign {
                    at,
                    name: (*name).to_owned(),
                    value: value.clone(),
                })
            })
    });
    let steps = given.chain(rules).collect();
    elaborator.find_unreached();
    let default = elaborator.default_folder();
    Ok(Run {
        steps,
        default,
        preserves: call.preserve,
    })
}

struct Elaborator<'l, 'h> {
    ledger: &'l mut Ledger<'h>,
    settings: &'l Settings,
    variables: Variables,
    files: HashMap<FileId, Rc<Vec<Item>>>,
    /// Blocks and files that are open.
    depth: usize,
    /// The blocks among them.
    blocks: usize,
    /// Included files that are open.
    includes: usize,
    statements: usize,
    bytes: usize,
    reached: HashSet<StatementId>,
    unreached: Vec<StatementId>,
    /// Files that were not looked into in some place.
    left_out: Vec<FileId>,
    /// Variables that conditions look at themselves (`NAME ??`).
    looked_at: HashSet<String>,
}

/// A block that is open, or the file itself.
#[derive(Default)]
struct Level {
    steps: Vec<Step>,
    /// The recipe whose block it is.
    recipe: Option<Recipe>,
    /// What has ended in it for every message.
    end: End,
}

/// A file that is being read, and the blocks that are open in it.
#[derive(Default)]
struct Levels {
    file: Level,
    blocks: Vec<Level>,
}

impl Levels {
    fn innermost(&mut self) -> &mut Level {
        self.blocks.last_mut().unwrap_or(&mut self.file)
    }

    /// Whether no message comes to the next statement.
    fn has_ended(&self) -> bool {
        let mut levels = self.blocks.iter().chain([&self.file]);
        levels.any(|level| level.end > End::Open)
    }

    /// A step that the model cannot express.
    fn is_unknown(&mut self, at: StatementId) {
        self.innermost().steps.push(Step::Unknown { at });
    }
}

/// What a statement ends, from here on down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum End {
    /// Nothing.
    #[default]
    Open,
    /// The file: another takes over.
    File,
    /// The message is delivered, or gone.
    Message,
}

impl Elaborator<'_, '_> {
    fn items(&mut self, file: FileId) -> Rc<Vec<Item>> {
        if let Some(items) = self.files.get(&file) {
            return Rc::clone(items);
        }
        let items = Rc::new(statements::enter(self.ledger, file));
        self.files.insert(file, Rc::clone(&items));
        items
    }

    /// What a file does, and whether messages go on behind it.
    fn file(&mut self, file: FileId) -> (Vec<Step>, End) {
        let items = self.items(file);
        let mut levels = Levels::default();
        let mut switches: Vec<Changes> = Vec::new();
        let page = self.variables.depth();
        self.variables.open();
        let mut items = items.iter().peekable();
        while let Some(item) = items.next() {
            match levels.has_ended() {
                true => self.unreached.push(item.at),
                false => {
                    self.reached.insert(item.at);
                }
            }
            match &item.kind {
                ItemKind::Assignment(span) => {
                    let (step, end) = self.assignment(item.at, *span);
                    if end == End::File && switches.len() < MAX_SWITCHES {
                        switches.push(self.variables.changed_since(page));
                    }
                    let level = levels.innermost();
                    level.end = level.end.max(end);
                    level.steps.extend(step);
                }
                ItemKind::Recipe(lines) => {
                    if !self.recipe(&mut levels, item.at, lines) {
                        levels.is_unknown(item.at);
                        if item.kind.is_block() {
                            self.leave_out_block(&mut items);
                        }
                    }
                }
                ItemKind::Incomplete(header) => {
                    let step = self.incomplete(item.at, *header);
                    if items.peek().is_some_and(|next| self.is_chained(next)) {
                        levels.innermost().steps.push(step);
                    }
                }
                ItemKind::Close => self.close_block(&mut levels),
                ItemKind::Skipped => self.ledger.find(
                    item.at,
                    Note::dropped(
                        Code::SkippedText,
                        "procmail could not read this text as a statement, and skipped it too",
                    ),
                ),
                ItemKind::TooLarge => {
                    self.ledger.find(item.at, Note::manual(Code::TooLarge, "This file holds more rules than anybody writes, and was not looked into"));
                    levels.is_unknown(item.at);
                }
            }
        }
        while let Some(level) = levels.blocks.last() {
            if let Some(recipe) = &level.recipe {
                self.ledger.find(recipe.at, Note::exact(Code::OpenBlock, "This block is never closed, so that all below stands in it; procmail read it so as well"));
            }
            self.close_block(&mut levels);
        }
        for changed in &switches {
            self.variables.join(changed);
        }
        self.variables.close();
        let level = levels.file;
        match level.end {
            End::Message => (level.steps, End::Message),
            _ => (level.steps, End::Open),
        }
    }

    /// Leaves out all up to the end of a block, which has been opened.
    fn leave_out_block<'i>(&mut self, items: &mut impl Iterator<Item = &'i Item>) {
        let mut open = 1;
        for item in items {
            match &item.kind {
                ItemKind::Close => open -= 1,
                kind => {
                    open += usize::from(kind.is_block());
                    self.leave_out(item);
                }
            }
            if open == 0 {
                return;
            }
        }
    }

    /// A statement in a block that is left out.
    fn leave_out(&mut self, item: &Item) {
        self.reached.insert(item.at);
        if let ItemKind::Assignment(span) = item.kind {
            let name = leading_name(self.ledger.text(span)).0.to_owned();
            self.variables.blur(&name);
        }
        self.ledger.find(
            item.at,
            Note::manual(
                Code::InUntranslatedBlock,
                "The rule that this one stands inside was not translated",
            ),
        );
    }

    /// What stood only where no message came, and what was not looked into.
    fn find_unreached(&mut self) {
        for file in std::mem::take(&mut self.left_out) {
            for item in self.items(file).iter() {
                if self.reached.insert(item.at) {
                    self.ledger.find(
                        item.at,
                        Note::manual(
                            Code::IncludeLimit,
                            "The file that this stands in was not looked into",
                        ),
                    );
                }
            }
        }
        for at in std::mem::take(&mut self.unreached) {
            if !self.reached.contains(&at) {
                self.ledger.find(at, Note::dropped(Code::NeverReached, "No message came to this place, because the rules above it end for every message"));
            }
        }
    }

    fn close_block(&mut self, levels: &mut Levels) {
        let Some(level) = levels.blocks.pop() else {
            return;
        };
        self.depth -= 1;
        self.blocks -= 1;
        let Some(mut recipe) = level.recipe else {
            return;
        };
        let certain = is_certain(&recipe) && !recipe.flags.copy;
        match (level.end, certain) {
            (End::Open, true) => self.variables.close(),
            (End::Open, false) => self.variables.close_uncertain(),
            _ => self.variables.close_undone(),
        }
        recipe.action = Action::Block(level.steps);
        let above = levels.innermost();
        if certain {
            above.end = above.end.max(level.end);
        }
        above.steps.push(Step::Recipe(recipe));
    }

    /// A recipe without an action. To those that hang on it, it has not matched.
    fn incomplete(&mut self, at: StatementId, header: Span) -> Step {
        self.ledger.find(at, Note::dropped(Code::NoAction, "This recipe says nothing to do with the mail it matches, so procmail skipped it too"));
        let read = recipe::header(self.ledger.text(header), &self.variables);
        Step::Recipe(Recipe {
            at,
            chain: read.chain,
            conditions: vec![condition::never(header, &read.flags)],
            flags: read.flags,
            action: Action::Block(Vec::new()),
        })
    }

    fn is_chained(&self, item: &Item) -> bool {
        match &item.kind {
            ItemKind::Recipe(Lines { header, .. }) | ItemKind::Incomplete(header) => {
                let read = recipe::header(self.ledger.text(*header), &self.variables);
                read.chain != Chain::default()
            }
            _ => false,
        }
    }

    /// Adds a recipe to the innermost level, or opens its block. False, where it cannot
    /// be understood, or stands too deep.
    fn recipe(&mut self, levels: &mut Levels, at: StatementId, lines: &Lines) -> bool {
        let opens = lines.action.kind == NodeKind::Open;
        if opens && self.depth >= MAX_DEPTH {
            self.ledger.find(
                at,
                Note::manual(
                    Code::TooDeep,
                    format!("This block stands in {MAX_DEPTH} others and more"),
                ),
            );
            return false;
        }
        let Some(mut recipe) = self.conditions(at, lines) else {
            return false;
        };
        if opens {
            self.depth += 1;
            self.blocks += 1;
            self.variables.open();
            levels.blocks.push(Level {
                recipe: Some(recipe),
                ..Level::default()
            });
            return true;
        }
        recipe.action = self.action(at, &lines.action, &mut recipe.flags);
        self.variables.blur("LASTFOLDER");
        let gives = match &recipe.action {
            Action::File(folders) => folders.first().is_some_and(mailbox::has_name),
            action => matches!(action, Action::Forward(_)),
        };
        let level = levels.innermost();
        if gives && !recipe.flags.copy && is_certain(&recipe) {
            level.end = End::Message;
        }
        level.steps.push(Step::Recipe(recipe));
        true
    }

    /// A recipe without its action; nothing, where it cannot be understood.
    fn conditions(&mut self, at: StatementId, lines: &Lines) -> Option<Recipe> {
        let read = recipe::header(self.ledger.text(lines.header), &self.variables);
        if !read.skipped.is_empty() {
            self.ledger.find_in(
                at,
                Some(lines.header),
                Note::exact(
                    Code::SkippedFlags,
                    format!(
                        "procmail knows no such flag and skipped the rest of the line: {}",
                        shown(&read.skipped)
                    ),
                ),
            );
        }
        let mut unclear = read.unclear.map(|why| (lines.header, why));
        let mut conditions = Vec::new();
        for &span in &lines.conditions {
            let text = self.ledger.text(span);
            match condition::condition(span, text, &read.flags, &self.variables) {
                Ok(condition) => {
                    if let Area::Variable(name) = &condition.area {
                        self.looked_at.insert(name.clone());
                    }
                    self.judge(at, &condition);
                    conditions.push(condition);
                }
                Err(why) => unclear = unclear.or(Some((span, why))),
            }
        }
        if let Some((span, why)) = unclear {
            self.ledger.find_in(
                at,
                Some(span),
                Note::manual(
                    Code::UnclearRecipe,
                    format!("This recipe cannot be understood without a message: {why}"),
                ),
            );
            return None;
        }
        Some(Recipe {
            at,
            chain: read.chain,
            conditions,
            flags: read.flags,
            action: Action::Block(Vec::new()),
        })
    }

    /// The action of a recipe that opens no block.
    fn action(&mut self, at: StatementId, action: &Node, flags: &mut Flags) -> Action {
        let text = self.ledger.text(action.span).to_owned();
        let line = text.strip_suffix('\n').unwrap_or(&text);
        match action.kind {
            NodeKind::Forward => {
                let line = line.strip_prefix('!').unwrap_or(line);
                match self.sends_as_asked() {
                    true => Action::Forward(expand::words(line, &self.variables)),
                    false => Action::Pipe(command::expand(&sendmail(line), &self.variables)),
                }
            }
            NodeKind::Pipe => {
                let line = line.strip_prefix('|').unwrap_or(line);
                Action::Pipe(command::expand(line.trim(), &self.variables))
            }
            NodeKind::Capture => {
                let (name, command) = line.split_once('=').unwrap_or((line, ""));
                let name = name.trim().to_owned();
                let command = match command.trim_start().strip_prefix('!') {
                    Some(addresses) => sendmail(addresses),
                    None => command.trim().trim_start_matches('|').trim().to_owned(),
                };
                let command = command::expand(&command, &self.variables);
                self.variables.blur(&name);
                Action::Capture { name, command }
            }
            _ => self.mailbox(at, action.span, line, flags),
        }
    }

    /// Whether what `SENDMAIL` and `SENDMAILFLAGS` hold sends to the addresses of an
    /// action, and to nobody else.
    fn sends_as_asked(&self) -> bool {
        let words = expand::words(&sendmail(""), &self.variables);
        let Some((program, options)) = words.split_first() else {
            return false;
        };
        let called = Sendmail::read(options);
        program.known().is_some_and(is_sendmail)
            && !called.from_header
            && called.addresses.is_empty()
    }

    /// A variable with a value that stands in a condition, and is not put in.
    fn unmarked(&self, condition: &Condition, text: &Text) -> Option<String> {
        let text = text.known()?;
        if !self.ledger.text(condition.span).ends_with(text) {
            return None;
        }
        let mut names = { text.split('$').skip(1) }.map(|behind| {
            let behind = behind.strip_prefix('{').unwrap_or(behind);
            leading_name(behind).0
        });
        let has_value = |name: &&str| {
            is_name(name)
                && match self.variables.get(name) {
                    variables::Value::Text(value) => {
                        value.known().is_some_and(|value| !value.is_empty())
                    }
                    variables::Value::Runtime => true,
                    variables::Value::Unset => false,
                }
        };
        names.find(has_value).map(str::to_owned)
    }

    /// What there is to say of a condition, and what it does to `MATCH`.
    fn judge(&mut self, at: StatementId, condition: &Condition) {
        match &condition.test {
            Test::Expression(text) => {
                let is_literal = |piece: &Piece| matches!(piece, Piece::Literal(_));
                if text.splits() || !text.0.iter().all(is_literal) {
                    self.variables.blur("MATCH");
                }
                if let Some(name) = self.unmarked(condition, text) {
                    let note = Note::exact(
                        Code::UnmarkedVariable,
                        format!(
                            "No $ stands behind the star, so “${name}” was not the value of {name}, but the end of a line, and this word behind it"
                        ),
                    );
                    self.ledger.find_in(at, Some(condition.span), note);
                }
                if let Some(Piece::Literal(last)) = text.0.last()
                    && last.ends_with('\r')
                {
                    self.ledger.find_in(at, Some(condition.span), Note::manual(Code::CarriageReturn, "The line ends as on Windows, so procmail looked for a carriage return that no mail has there: the recipe never matched"));
                }
            }
            Test::Always
                if condition.negated
                    && condition.span.end - condition.span.start >= self.variables.line_limit() =>
            {
                self.ledger.find_in(at, Some(condition.span), Note::exact(Code::LineTooLong, format!(
                        "The condition is longer than the {} bytes that procmail reads (LINEBUF), so the recipe never matched",
                        self.variables.line_limit()
                    )));
            }
            _ => {}
        }
    }
}

/// What procmail runs to send to addresses.
fn sendmail(addresses: &str) -> String {
    format!("$SENDMAIL $SENDMAILFLAGS {addresses}")
}

/// Whether a recipe runs for every message that comes to it.
fn is_certain(recipe: &Recipe) -> bool {
    let holds = |condition: &Condition| {
        condition.test == Test::Always && !condition.negated && condition.weight.is_none()
    };
    recipe.chain == Chain::default() && recipe.conditions.iter().all(holds)
}

/// A stretch of a file for a message: without control characters, and short.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if shown.len() < text.trim_end_matches('\r').len() {
        shown.push('…');
    }
    format!("“{shown}”")
}

#[cfg(test)]
mod tests;
