//! The rule model: what the rules of one home do to a message.
//!
//! A [`Program`] is run from the top of [`Program::main`]. A step that delivers
//! ends it; a message that reaches the end is delivered to
//! [`Run::default`]. See procmailrc(5) for what the parts mean; where the
//! binary differs from the manual, the model follows the binary.

pub mod chain;
pub mod filter;
pub mod walk;

use super::expression::unguarded;
pub use crate::home::Format;
use crate::home::Kind;
pub use crate::ledger::{Statement, StatementId, StatementKind};
use crate::syntax::Span;
pub use chain::{Chain, Chained};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything the rules of a home do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// Every statement of every file that was read, by its number.
    /// A file included twice has its statements here once.
    pub statements: Vec<Statement>,
    /// What happens to a message, from `.forward` down.
    pub main: Run,
    /// Lower-cased addresses and bare names that mean this very user.
    pub own_addresses: Vec<String>,
    /// Those that did so on the old host alone: `user@localhost`.
    pub addresses_on_host: Vec<String>,
    /// Files of the home that programs in the rules read (the text of an
    /// answer, a list for `grep -f`), by the path as written.
    pub texts: BTreeMap<String, String>,
    /// What stands where rules look for a file of the home (`test -f`), by the
    /// absolute path.
    pub looked_for: BTreeMap<String, Option<Kind>>,
    /// A file that is a Sieve script already, where it stands for all that happens.
    pub script: Option<StatementId>,
}

/// What procmail does when it is called once, or the mailer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// One after the other.
    pub steps: Vec<Step>,
    /// Where a message goes that reaches the end of the steps: the user's mailbox
    /// (`DEFAULT`).
    pub default: Folder,
    /// `-p`: variables that the mailer had set have its values, which nobody knows.
    pub preserves: bool,
}

impl Program {
    /// Whether a name or an address means this very user.
    pub fn is_user(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        let mut own = self.own_addresses.iter().chain(&self.addresses_on_host);
        own.any(|own| *own == address)
    }

    /// Whether all of these do.
    pub fn are_user(&self, addresses: &[Text]) -> bool {
        let is_user = |address: &Text| address.known().is_some_and(|name| self.is_user(name));
        addresses.iter().all(is_user)
    }

    /// Whether `test` found what it looks for at a path, as the home was when it
    /// was read; `None` where that is not known.
    pub fn finds(&self, what: FileTest, path: &str) -> Option<bool> {
        if let (FileTest::Filled, Some(text)) = (what, self.texts.get(path)) {
            return Some(!text.is_empty());
        }
        let kind = *self.looked_for.get(path)?;
        match what {
            FileTest::Exists => Some(kind.is_some()),
            FileTest::Filled | FileTest::Allowed if kind.is_some() => None,
            FileTest::Filled | FileTest::Allowed => Some(false),
            FileTest::Regular => Some(kind == Some(Kind::File)),
            FileTest::Directory => Some(matches!(kind, Some(Kind::Directory | Kind::Maildir))),
        }
    }
}

/// What is asked of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileTest {
    /// `-e`, `-r`: something is there.
    Exists,
    /// `-w`, `-x`: something that may be changed, or run.
    Allowed,
    /// `-s`: something that is not empty.
    Filled,
    /// `-f`: a regular file.
    Regular,
    /// `-d`: a directory.
    Directory,
}

/// One thing that happens, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A variable gets a value, or loses it.
    Assign(Assign),
    /// A recipe.
    Recipe(Recipe),
    /// An included file. `switch` ends the including file as well
    /// (`SWITCHRC`). What it does to variables, and what its recipes did for
    /// the flags `A a E e`, holds on behind it.
    Include {
        /// The including statement.
        at: StatementId,
        /// What the included file does.
        body: Vec<Step>,
        /// `SWITCHRC`: nothing after it in the including file runs.
        switch: bool,
    },
    /// `HOST` was set to something that is not this host: every file ends, the
    /// including ones too, and the message is gone, with the exit code that
    /// `EXITCODE` was set to last.
    End {
        /// The statement.
        at: StatementId,
    },
    /// A `.forward` or alias: every destination gets the message, and it ends.
    Deliver(Vec<Destination>),
    /// `.forward+word`: a message to `user+word` goes this way, and no other.
    Detail {
        /// What stands behind the `+`, without upper case.
        word: String,
        /// The first statement of the file, if it has any.
        at: Option<StatementId>,
        /// What its file does.
        run: Run,
    },
    /// An Exim filter. The steps behind it are for the messages that it did
    /// nothing with that counts.
    Filter(Vec<filter::Command>),
    /// Something the model cannot express; the findings say why.
    Unknown {
        /// The statement.
        at: StatementId,
    },
}

/// One destination of a `.forward` file (aliases(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The statement.
    pub at: StatementId,
    /// Where to.
    pub to: Target,
}

/// Where a destination leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The user's own mailbox (`\user`): no rules run.
    Keep,
    /// The user's own mailbox, through the site's mail delivery agent, which
    /// runs these rules (`"|procmail"`).
    Rules(Arc<Run>),
    /// Another address.
    Address(String),
    /// A file, directory or `/dev/null`.
    Folder(Folder),
    /// A program.
    Program(String),
    /// `|exit 67` and the like: the mailer gets this exit status.
    Exit(i32),
    /// A folder that a delivery agent files into, as the new server names it
    /// (`"|dovecot-lda -m folder"`).
    Mailbox(Text),
    /// `"|vacation user"`: an answer is sent; the message is not kept by it.
    Vacation(Vacation),
    /// What the model cannot express; the findings say why.
    Unknown,
}

/// What vacation(1) is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vacation {
    /// The `Subject` of the answer; `$SUBJECT` in it stands for the subject of
    /// the message.
    pub subject: Option<String>,
    /// The text of the answer, `$SUBJECT` as above.
    pub text: String,
    /// Days between two answers to one sender (7 where it is not said).
    pub days: Option<u64>,
    /// Further names and addresses of the user (`-a`).
    pub aliases: Vec<String>,
}

/// `NAME=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assign {
    /// The statement.
    pub at: StatementId,
    /// The variable.
    pub name: String,
    /// `None` unsets it.
    pub value: Option<Text>,
}

/// A recipe: conditions and an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The statement.
    pub at: StatementId,
    /// How it hangs on an earlier recipe.
    pub chain: Chain,
    /// All must hold, unless weights are in play. An empty list holds.
    pub conditions: Vec<Condition>,
    /// The flags that are not [`Chain`].
    pub flags: Flags,
    /// What it does.
    pub action: Action,
}

/// The other flags of procmailrc(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// `H`, or the default: conditions look at the header.
    pub header: bool,
    /// `B`: conditions look at the body.
    pub body: bool,
    /// `D`: case matters.
    pub distinguish_case: bool,
    /// `c`: the message goes on as if it had not been delivered.
    pub copy: bool,
    /// `f`: the action is a filter.
    pub filter: bool,
    /// `h` (or neither `h` nor `b`): the action is given the header.
    pub feed_header: bool,
    /// `b` (or neither): the action is given the body.
    pub feed_body: bool,
    /// `w`, `W` or a lock: wait for the program and see its exit code.
    pub wait: bool,
    /// `i`: ignore write errors.
    pub ignore_errors: bool,
}

/// One condition line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The condition in its file, from behind the `*` to the end of its text.
    pub span: Span,
    /// An odd number of `!`.
    pub negated: bool,
    /// `w^x`, where given: its result adds to the score (procmailsc(5)).
    pub weight: Option<Weight>,
    /// What is looked at: `H ??`, `B ??`, `VAR ??`, or the recipe's flags; a
    /// size is that of the whole message where nothing else is said.
    pub area: Area,
    /// What must hold.
    pub test: Test,
}

/// The text an expression or size is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Area {
    /// The header as one text, folded fields joined.
    Header,
    /// The body, raw.
    Body,
    /// Header, empty line, body.
    HeaderAndBody,
    /// The value of a variable.
    Variable(String),
}

/// What a condition asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Always true (`*` alone).
    Always,
    /// An expression in procmail's dialect. Without a `$` mark it is one
    /// literal piece. The ends of continued lines are gone; a backslash that
    /// guards its beginning is still there, and macros (`^TO_` …) are not yet
    /// expanded.
    Expression(Text),
    /// `< n`: smaller than n bytes.
    Smaller(Text),
    /// `> n`: larger than n bytes.
    Larger(Text),
    /// `? command`: the program's exit status is zero.
    Program(Text),
}

/// The `w^x` of a weighted condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    /// `w`, as written: a number, or what expands to one.
    pub weight: Text,
    /// `x`.
    pub exponent: Text,
}

/// What a recipe does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Files into the first folder, and links into the others (directories).
    /// Without any, it fails.
    File(Vec<Folder>),
    /// `! address …`: the words given to sendmail.
    Forward(Vec<Text>),
    /// `| command`, with its redirections.
    Pipe(Text),
    /// `VAR=| command`: the variable gets what the command prints.
    Capture {
        /// The variable.
        name: String,
        /// The command.
        command: Text,
    },
    /// `{ … }`.
    Block(Vec<Step>),
}

/// A mailbox on the old host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    /// The path, absolute where `MAILDIR` was known; the marks of the format
    /// (`/`, `/.`) cut off. A blank in the value of a plain variable ends it;
    /// one that stood in quotes is a [`Piece::Default`] without text.
    pub path: Text,
    /// How mail lies in it.
    pub format: Format,
    /// Whether it was written as seen from `MAILDIR` (`LASTFOLDER` shows it).
    pub is_relative: bool,
}

impl Folder {
    /// One whose path does not depend on where procmail is.
    pub fn absolute(path: Text, format: Format) -> Self {
        Folder {
            path,
            format,
            is_relative: false,
        }
    }
}

/// Text with what can only be known when a message is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Text(pub Vec<Piece>);

/// A piece of a [`Text`]. Neighbouring literals are one piece.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Text that is known.
    Literal(String),
    /// `$NAME` or `${NAME}`: a value that differs between messages, `MATCH`
    /// and `LASTFOLDER` among them, and `EXTENSION`: what stands behind the
    /// `+` in the address that the message came to, without upper case; empty
    /// where there is no `+`.
    Variable(String),
    /// `$\NAME`: the same, quoted for an expression.
    Quoted(String),
    /// `${NAME:-text}` (`colon`) or `${NAME-text}`.
    Default {
        /// The variable.
        name: String,
        /// Whether an empty value counts as none.
        colon: bool,
        /// Used where there is no value.
        text: Text,
    },
    /// `${NAME:+text}` or `${NAME+text}`.
    Alternative {
        /// The variable.
        name: String,
        /// Whether an empty value counts as none.
        colon: bool,
        /// Used where there is a value.
        text: Text,
    },
    /// A command between backquotes; its output without the last line ends.
    Command(Text),
    /// A value that is fixed on the old host, but cannot be known from the
    /// home (`HOST`, an argument); named for the report.
    Opaque(String),
}

impl Piece {
    /// Whether it stood without quotes in a line of words, as the name of a mailbox is,
    /// so that blanks in its value end a word.
    pub fn splits(&self) -> bool {
        match self {
            Piece::Literal(_) | Piece::Quoted(_) | Piece::Opaque(_) => false,
            Piece::Default { text, .. } => !text.0.is_empty(),
            Piece::Variable(_) | Piece::Command(_) | Piece::Alternative { .. } => true,
        }
    }
}

impl Text {
    /// Text without anything to find out.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Text(Vec::new())
        } else {
            Text(vec![Piece::Literal(text)])
        }
    }

    /// The text, where it is wholly known.
    pub fn known(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text as it is shown: what only a message decides stands as its name.
    pub fn shown(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Variable(name) => format!("${name}"),
            Piece::Quoted(name) => format!("$\\{name}"),
            Piece::Default { name, .. } | Piece::Alternative { name, .. } => format!("${{{name}}}"),
            Piece::Command(text) => format!("`{}`", text.shown()),
            Piece::Opaque(name) => name.clone(),
        };
        self.0.iter().map(piece).collect()
    }

    /// Whether a `\/` stands in the text of an expression.
    pub fn splits(&self) -> bool {
        let literal = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains("\\/"));
        match self.0.split_first() {
            Some((Piece::Literal(first), rest)) => {
                unguarded(first).contains("\\/") || rest.iter().any(literal)
            }
            _ => self.0.iter().any(literal),
        }
    }

    /// Appends a piece, joining literals.
    pub fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), piece) {
            (_, Piece::Literal(text)) if text.is_empty() => {}
            (Some(Piece::Literal(last)), Piece::Literal(text)) => last.push_str(&text),
            (_, piece) => self.0.push(piece),
        }
    }

    /// Appends all of another text.
    pub fn extend(&mut self, other: Text) {
        other.0.into_iter().for_each(|piece| self.push(piece));
    }
}
