//! The Sieve syntax tree (RFC 5228 and the extensions that are emitted): what the
//! lowering makes, and all else in `sieve` reads.
//!
//! Strings here are plain values; the printer quotes them. A value that holds
//! variable references is a [`Value`] with parts.

use super::origin::Origin;
use crate::rules::program::Relation;

/// A script; its `require` is found from what it uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Script {
    /// The commands.
    pub commands: Vec<Command>,
    /// The rule files that they came from, as [`Origin::file`] counts them.
    pub files: Vec<String>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// Where it came from; a comment above it says so.
    pub origins: Vec<Origin>,
    /// What it does.
    pub kind: CommandKind,
}

impl From<CommandKind> for Command {
    fn from(kind: CommandKind) -> Self {
        Command {
            origins: Vec::new(),
            kind,
        }
    }
}

impl Command {
    /// `if` without `else`.
    pub fn when(test: Test, block: Vec<Command>) -> Self {
        Command::from(CommandKind::If {
            branches: vec![(test, block)],
            otherwise: None,
        })
    }

    /// `set`.
    pub fn set(name: &str, modifiers: &[Modifier], value: Value) -> Self {
        Command::from(CommandKind::Set {
            modifiers: modifiers.to_vec(),
            name: name.to_owned(),
            value,
        })
    }
}

/// Commands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// `if … elsif … else`.
    If {
        /// `if` and each `elsif`.
        branches: Vec<(Test, Vec<Command>)>,
        /// `else`.
        otherwise: Option<Vec<Command>>,
    },
    /// `keep` (RFC 5228 §4.3).
    Keep {
        /// `:flags` (RFC 5232).
        flags: Vec<String>,
    },
    /// `fileinto` (RFC 5228 §4.1).
    FileInto {
        /// The folder, in the target's own naming.
        folder: Value,
        /// `:copy` (RFC 3894).
        copy: bool,
        /// `:create` (RFC 5490).
        create: bool,
        /// `:flags` (RFC 5232).
        flags: Vec<String>,
    },
    /// `redirect` (RFC 5228 §4.2).
    Redirect {
        /// The address.
        address: Value,
        /// `:copy` (RFC 3894).
        copy: bool,
    },
    /// `discard`.
    Discard,
    /// `stop`.
    Stop,
    /// `reject` or `ereject` (RFC 5429).
    Reject {
        /// `ereject` rather than `reject`.
        ereject: bool,
        /// What the sender is told.
        reason: Value,
    },
    /// `set` (RFC 5229).
    Set {
        /// What is done to its value, the outermost first.
        modifiers: Vec<Modifier>,
        /// The variable.
        name: String,
        /// Its value.
        value: Value,
    },
    /// `vacation` (RFC 5230).
    Vacation {
        /// `:days`.
        days: Option<u64>,
        /// `:subject`.
        subject: Option<Value>,
        /// `:addresses`.
        addresses: Vec<String>,
        /// The text.
        reason: Value,
    },
    /// `addheader` (RFC 5293).
    AddHeader {
        /// `:last`.
        last: bool,
        /// Field name.
        name: Value,
        /// Field value.
        value: Value,
    },
    /// `deleteheader` (RFC 5293).
    DeleteHeader {
        /// Field name.
        name: String,
    },
    /// `addflag` (RFC 5232).
    AddFlag {
        /// The flags.
        flags: Vec<String>,
    },
}

/// Modifiers of `set` (RFC 5229 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// `:lower`.
    Lower,
    /// `:upper`.
    Upper,
    /// `:length`.
    Length,
    /// `:quotewildcard`.
    QuoteWildcard,
    /// `:quoteregex` (draft-ietf-sieve-regex).
    QuoteRegex,
}

impl Modifier {
    /// Its name, without the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Modifier::Lower => "lower",
            Modifier::Upper => "upper",
            Modifier::Length => "length",
            Modifier::QuoteWildcard => "quotewildcard",
            Modifier::QuoteRegex => "quoteregex",
        }
    }
}

/// Fields that every server's test `address` takes (RFC 5228 §5.1, RFC 5322
/// §3.6); some servers refuse a script that has others there.
pub const ADDRESS_FIELDS: [&str; 12] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "resent-from",
    "resent-sender",
    "resent-reply-to",
    "resent-to",
    "resent-cc",
    "resent-bcc",
];

/// Tests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// `true`.
    True,
    /// `false`.
    False,
    /// `not`.
    Not(Box<Test>),
    /// `allof`.
    AllOf(Vec<Test>),
    /// `anyof`.
    AnyOf(Vec<Test>),
    /// `header`.
    Header {
        /// How keys are compared.
        compare: Compare,
        /// Field names.
        names: Vec<String>,
        /// Keys.
        keys: Vec<Value>,
    },
    /// `address`, of [`ADDRESS_FIELDS`].
    Address {
        /// `:all`, `:localpart`, `:domain`, `:detail`.
        part: AddressPart,
        /// How keys are compared.
        compare: Compare,
        /// Field names.
        names: Vec<String>,
        /// Keys.
        keys: Vec<Value>,
    },
    /// `envelope` (RFC 5228 §5.4).
    Envelope {
        /// Part of the address.
        part: AddressPart,
        /// How keys are compared.
        compare: Compare,
        /// `from` or `to`.
        names: Vec<String>,
        /// Keys.
        keys: Vec<Value>,
    },
    /// `exists`: all of the fields are there.
    Exists(Vec<String>),
    /// `mailboxexists`: there is such a folder (RFC 5490 §3.1).
    MailboxExists(Value),
    /// `size :over`.
    Over(u64),
    /// `size :under`.
    Under(u64),
    /// `body` (RFC 5173).
    Body {
        /// `:raw`, or `:text`.
        raw: bool,
        /// How keys are compared.
        compare: Compare,
        /// Keys.
        keys: Vec<Value>,
    },
    /// `string` (RFC 5229).
    String {
        /// How keys are compared.
        compare: Compare,
        /// Sources.
        sources: Vec<Value>,
        /// The key. Of several, sieve-rs goes by the last, so that one test has one.
        key: Value,
    },
    /// `currentdate` (RFC 5260).
    CurrentDate {
        /// How keys are compared.
        compare: Compare,
        /// `year`, `date`, …
        part: String,
        /// Keys.
        keys: Vec<Value>,
    },
    /// `duplicate` (RFC 7352).
    Duplicate {
        /// `:handle`: what is remembered under another one does not count.
        handle: Option<String>,
    },
}

impl Test {
    /// The opposite test.
    pub fn negated(self) -> Test {
        match self {
            Test::True => Test::False,
            Test::False => Test::True,
            Test::Not(inner) => *inner,
            test => Test::Not(Box::new(test)),
        }
    }

    /// Whether one of the texts is as one of the keys.
    pub fn any_string(compare: Compare, sources: Vec<Value>, keys: Vec<Value>) -> Test {
        let one = |key| Test::String {
            compare: compare.clone(),
            sources: sources.clone(),
            key,
        };
        Test::any(keys.into_iter().map(one).collect())
    }

    /// One of several tests; never, where there is none.
    pub fn any(mut tests: Vec<Test>) -> Test {
        match (tests.pop(), tests.is_empty()) {
            (None, _) => Test::False,
            (Some(one), true) => one,
            (Some(last), false) => {
                tests.push(last);
                Test::AnyOf(tests)
            }
        }
    }

    /// The keys that it compares with something, and how.
    pub fn compared(&self) -> Option<(&Compare, &[Value])> {
        match self {
            Test::Header { compare, keys, .. }
            | Test::Address { compare, keys, .. }
            | Test::Envelope { compare, keys, .. }
            | Test::Body { compare, keys, .. }
            | Test::CurrentDate { compare, keys, .. } => Some((compare, keys)),
            Test::String { compare, key, .. } => Some((compare, std::slice::from_ref(key))),
            _ => None,
        }
    }

    /// As [`Self::compared`], to change the keys.
    pub fn compared_mut(&mut self) -> Option<(&Compare, &mut [Value])> {
        match self {
            Test::Header { compare, keys, .. }
            | Test::Address { compare, keys, .. }
            | Test::Envelope { compare, keys, .. }
            | Test::Body { compare, keys, .. }
            | Test::CurrentDate { compare, keys, .. } => Some((compare, keys)),
            Test::String { compare, key, .. } => Some((compare, std::slice::from_mut(key))),
            _ => None,
        }
    }

    /// Whether a value is empty.
    pub fn is_empty(value: Value) -> Test {
        Test::String {
            compare: Match::Is.into(),
            sources: vec![value],
            key: Value::text(""),
        }
    }
}

/// `true` or `false`.
impl From<bool> for Test {
    fn from(holds: bool) -> Self {
        match holds {
            true => Test::True,
            false => Test::False,
        }
    }
}

/// Match type and comparator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Compare {
    /// The match type.
    pub by: Match,
    /// `:comparator "i;octet"`: case matters.
    pub octet: bool,
}

/// The match type alone: case does not matter.
impl From<Match> for Compare {
    fn from(by: Match) -> Self {
        Compare { by, octet: false }
    }
}

/// Match types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Match {
    /// `:is`.
    Is,
    /// `:contains`.
    Contains,
    /// `:matches`.
    Matches,
    /// `:regex` (draft-ietf-sieve-regex).
    Regex,
    /// `:count` (RFC 5231).
    Count(Relation),
    /// `:value` (RFC 5231).
    Value(Relation),
}

/// Address parts (RFC 5228 §2.7.4, RFC 5233).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressPart {
    /// `:all`.
    All,
    /// `:localpart`.
    Localpart,
    /// `:domain`.
    Domain,
    /// `:detail`.
    Detail,
}

/// A string value, perhaps with variable references (RFC 5229).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value(pub Vec<Part>);

/// A part of a [`Value`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// Literal text; the printer sees to it that nothing in it is expanded.
    Text(String),
    /// `${name}`, where a name may be a match variable such as `1`.
    Variable(String),
}

impl Value {
    /// A value without references.
    pub fn text(text: impl Into<String>) -> Self {
        Value(vec![Part::Text(text.into())])
    }

    /// `${name}`.
    pub fn variable(name: impl Into<String>) -> Self {
        Value(vec![Part::Variable(name.into())])
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::text(text)
    }
}
