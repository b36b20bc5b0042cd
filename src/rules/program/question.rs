//! In: calls of test, grep and what is piped into them. Out: what they ask.

use super::arguments::{Call, Reader, Target};
use super::formail::Formail;
use super::{Meaning, Source, echo};
use crate::rules::model::{FileTest, Text};
use crate::syntax::shell::Operator;

/// What `test` asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `!`.
    pub negated: bool,
    /// What stands without quotes: where it is empty, or several words, `test` sees
    /// something else, or fails.
    pub bare: Vec<Text>,
    /// `==` is used, which not every `test` knows.
    pub doubles: bool,
    /// `-a` or `-o` join several questions in one `test`, which POSIX leaves open: a text
    /// that looks like an operator may count as one.
    pub in_one_test: bool,
    /// What is asked.
    pub comparison: Comparison,
}

/// The questions of test(1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// `a = b`.
    Equal(Text, Text),
    /// `-n a`, or `a` alone: it is not empty.
    NotEmpty(Text),
    /// `a -lt b` and so on.
    Number {
        /// Left of the operator.
        left: Text,
        /// `eq`, `ne`, `lt`, `le`, `gt`, `ge`.
        relation: Relation,
        /// Right of it.
        right: Text,
    },
    /// `-f path` and so on.
    File(FileTest, Text),
    /// `a -a b`: all of these hold.
    Every(Vec<Question>),
    /// `a -o b`: one of these holds.
    Any(Vec<Question>),
}

/// How two numbers compare: in test(1), and with `:value` and `:count` (RFC 5231).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `eq`.
    Equal,
    /// `ne`.
    Unequal,
    /// `lt`.
    Less,
    /// `le`.
    AtMost,
    /// `gt`.
    Greater,
    /// `ge`.
    AtLeast,
}

impl Relation {
    const ALL: [Relation; 6] = [
        Relation::Equal,
        Relation::Unequal,
        Relation::Less,
        Relation::AtMost,
        Relation::Greater,
        Relation::AtLeast,
    ];

    /// Its two letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Equal => "eq",
            Relation::Unequal => "ne",
            Relation::Less => "lt",
            Relation::AtMost => "le",
            Relation::Greater => "gt",
            Relation::AtLeast => "ge",
        }
    }

    /// Whether it holds.
    pub fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Relation::Equal => left == right,
            Relation::Unequal => left != right,
            Relation::Less => left < right,
            Relation::AtMost => left <= right,
            Relation::Greater => left > right,
            Relation::AtLeast => left >= right,
        }
    }
}

/// A search for lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grep {
    /// Where it looks.
    pub input: Input,
    /// What for.
    pub patterns: Patterns,
    /// `-F`: they are not expressions.
    pub fixed: bool,
    /// `-E`: they are extended expressions.
    pub extended: bool,
    /// `-i`.
    pub ignore_case: bool,
    /// `-v`: lines that do not match.
    pub inverted: bool,
    /// `-w`: whole words.
    pub words: bool,
    /// `-x`: whole lines.
    pub lines: bool,
}

/// Where `grep` looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The message, as the recipe's flags feed it.
    Message,
    /// What `formail` prints of it, or `echo`.
    Printed {
        /// What.
        source: Source,
        /// Without quotes: blanks at its ends are gone, and one is left of several
        /// in a row.
        splits: bool,
    },
    /// Files of the home: the list holds, say, the sender.
    Files(Vec<Text>),
}

/// What `grep` looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patterns {
    /// One of these.
    These(Vec<Text>),
    /// One of the lines of a file (`-f`).
    File(Text),
}

/// Whether it is `test …` or `[ … ]`.
pub(super) fn is_test(call: &Call) -> bool {
    call.is("test") || call.is("[")
}

/// What it asks.
pub(super) fn test(call: &Call) -> Option<Question> {
    // Where a file cannot be opened, nothing is asked.
    if !call.redirections.iter().all(Target::is_harmless) {
        return None;
    }
    let mut words = call.arguments.as_slice();
    if call.is("[") {
        words = match words.split_last()? {
            (last, words) if last.known() == Some("]") => words,
            _ => return None,
        };
    }
    // Of four words with `!` in front, it is for the other three (POSIX).
    let negated = match words {
        [first, rest @ ..] if rest.len() == 3 && first.known() == Some("!") => {
            words = rest;
            true
        }
        _ => false,
    };
    let is_joined = words
        .iter()
        .any(|word| matches!(word.known(), Some("-a" | "-o")));
    let every = |words: &[Text]| {
        let mut parts = words.split(|word| word.known() == Some("-a"));
        // A sign where a text should be: what it means there depends on the shell.
        let is_sign = |word: &Text| {
            let sign = |text: &str| text.starts_with(['-', '(', ')', '!', '=']);
            word.known().is_some_and(sign)
        };
        if is_joined && parts.clone().any(|words| words.last().is_none_or(is_sign)) {
            return None;
        }
        let questions = parts.by_ref().map(of_words);
        Some(joined(questions.collect::<Option<_>>()?, Comparison::Every))
    };
    let ways = words.split(|word| word.known() == Some("-o")).map(every);
    let question = joined(ways.collect::<Option<_>>()?, Comparison::Any);
    Some(Question {
        negated: question.negated != negated,
        bare: call.bare.clone(),
        in_one_test: is_joined,
        ..question
    })
}

/// `test … && test …`, or with `||`.
pub(super) fn tests(reader: &Reader) -> Option<Question> {
    let (operator, calls) = reader.joined()?;
    if !calls.iter().all(is_test) {
        return None;
    }
    let questions = calls.iter().map(test).collect::<Option<_>>()?;
    match operator {
        Operator::And => Some(joined(questions, Comparison::Every)),
        Operator::Or => Some(joined(questions, Comparison::Any)),
        _ => None,
    }
}

/// Several questions as one, which one alone is already.
fn joined(mut questions: Vec<Question>, as_one: fn(Vec<Question>) -> Comparison) -> Question {
    match questions.len() {
        1 => questions.remove(0),
        _ => Question {
            negated: false,
            bare: Vec::new(),
            doubles: questions.iter().any(|question| question.doubles),
            in_one_test: false,
            comparison: as_one(questions),
        },
    }
}

fn of_words(mut words: &[Text]) -> Option<Question> {
    let mut negated = false;
    let mut doubles = false;
    while let Some((first, rest)) = words.split_first() {
        if rest.is_empty() || first.known() != Some("!") {
            break;
        }
        negated = !negated;
        words = rest;
    }
    let comparison = match words {
        [text] => Comparison::NotEmpty(text.clone()),
        [operator, text] => {
            let text = text.clone();
            match operator.known()? {
                "-n" => Comparison::NotEmpty(text),
                "-z" => {
                    negated = !negated;
                    Comparison::NotEmpty(text)
                }
                "-s" => Comparison::File(FileTest::Filled, text),
                "-w" | "-x" => Comparison::File(FileTest::Allowed, text),
                "-e" | "-r" => Comparison::File(FileTest::Exists, text),
                "-f" => Comparison::File(FileTest::Regular, text),
                "-d" => Comparison::File(FileTest::Directory, text),
                _ => return None,
            }
        }
        [left, operator, right] => {
            let (left, right) = (left.clone(), right.clone());
            match operator.known()? {
                "=" => Comparison::Equal(left, right),
                "==" => {
                    doubles = true;
                    Comparison::Equal(left, right)
                }
                "!=" => {
                    negated = !negated;
                    Comparison::Equal(left, right)
                }
                operator => Comparison::Number {
                    left,
                    relation: Relation::ALL
                        .into_iter()
                        .find(|relation| operator.strip_prefix('-') == Some(relation.as_str()))?,
                    right,
                },
            }
        }
        _ => return None,
    };
    Some(Question {
        negated,
        bare: Vec::new(),
        doubles,
        in_one_test: false,
        comparison,
    })
}

pub(super) fn is_grep(call: &Call) -> bool {
    ["grep", "egrep", "fgrep"].contains(&call.name.as_str())
}

/// A call of grep whose input is known, unless it names files itself.
pub(super) fn grep(call: &Call, input: Input) -> Option<Grep> {
    if !call.redirections.iter().all(Target::is_harmless) {
        return None;
    }
    let mut grep = Grep {
        input,
        patterns: Patterns::These(Vec::new()),
        fixed: call.is("fgrep"),
        extended: call.is("egrep"),
        ignore_case: false,
        inverted: false,
        words: false,
        lines: false,
    };
    let (flags, operands) = call.options_and_operands("efm", "")?;
    let mut these = Vec::new();
    let mut file = None;
    for flag in flags {
        match flag.letter {
            'e' => these.push(flag.value?),
            'f' if file.is_none() => file = Some(flag.value?),
            'F' => grep.fixed = true,
            'E' => grep.extended = true,
            'i' | 'y' => grep.ignore_case = true,
            'v' => grep.inverted = true,
            'w' => grep.words = true,
            'x' => grep.lines = true,
            'q' | 's' | 'm' | 'a' | 'h' | 'n' => {}
            _ => return None,
        }
    }
    let mut operands = operands.into_iter();
    grep.patterns = match file {
        Some(file) if these.is_empty() => Patterns::File(file),
        Some(_) => return None,
        None => {
            if these.is_empty() {
                these.push(operands.next()?);
            }
            Patterns::These(these)
        }
    };
    let files: Vec<Text> = operands.filter(|file| file.known() != Some("-")).collect();
    if !files.is_empty() {
        grep.input = Input::Files(files);
    }
    Some(grep)
}

/// `formail -x Field | grep …`.
pub(super) fn of_filtered(first: &Call, second: &Call) -> Option<Meaning> {
    let input = match first.name.as_str() {
        "formail" => Input::Printed {
            source: Formail::read(first)?.source()?,
            splits: false,
        },
        "cat" if first.arguments.is_empty() => Input::Message,
        _ => return None,
    };
    let grep = grep(second, input.clone())?;
    (grep.input == input).then_some(Meaning::Grep(grep))
}

/// `echo text | grep …`.
pub(super) fn of_echo(first: &Call, second: &Call) -> Option<Meaning> {
    let text = echo(first).filter(|_| first.is("echo"))?;
    let input = Input::Printed {
        source: Source::echoed(text),
        splits: !first.bare.is_empty(),
    };
    if !is_grep(second) {
        return None;
    }
    let grep = grep(second, input.clone())?;
    (grep.input == input).then_some(Meaning::Grep(grep))
}
