//! The commands of an Exim filter, free of their spelling.
//!
//! A filter says where a message is to go; that happens behind its last
//! command. Where none of the deliveries it asked for counts, the message goes
//! on as if there were no filter.
//!
//! Texts are [`Text`]s: a variable piece `h_subject` is the value of that field
//! (all of them, where there are several), decoded; `rh_subject` as it is
//! written, with the blank behind the colon and the line end; other names are
//! Exim's own.

use super::{StatementId, Target, Text};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `if … elif … else … endif`.
    If {
        /// `if` and each `elif`; the first whose condition holds is taken.
        branches: Vec<Branch>,
        /// `else`.
        otherwise: Vec<Command>,
    },
    /// A delivery, or an answer.
    Deliver {
        /// The statement.
        at: StatementId,
        /// Where to.
        to: Target,
        /// Whether it counts, so that the message does not go on.
        counts: bool,
    },
    /// `finish`.
    Finish {
        /// The statement.
        at: StatementId,
        /// `seen finish`: the message does not go on.
        counts: bool,
    },
    /// `fail`: the sender is told that the message is refused.
    Refuse {
        /// The statement.
        at: StatementId,
    },
    /// What the model cannot express; the findings say why.
    Unknown {
        /// The statement.
        at: StatementId,
    },
}

impl Command {
    /// Its statement: that of the first branch, where it has several.
    pub fn at(&self) -> Option<StatementId> {
        match self {
            Command::If { branches, .. } => branches.first().map(|branch| branch.at),
            Command::Deliver { at, .. }
            | Command::Finish { at, .. }
            | Command::Refuse { at }
            | Command::Unknown { at } => Some(*at),
        }
    }
}

/// Where commands deliver to, whatever they ask, and whether that counts.
pub fn targets(commands: &[Command]) -> Vec<(&Target, bool)> {
    let mut found = Vec::new();
    let mut pending = vec![commands.iter()];
    while let Some(block) = pending.last_mut() {
        match block.next() {
            Some(Command::Deliver { to, counts, .. }) => found.push((to, *counts)),
            Some(Command::If {
                branches,
                otherwise,
            }) => {
                pending.push(otherwise.iter());
                let blocks = branches.iter().map(|branch| branch.commands.iter());
                pending.extend(blocks.rev());
            }
            Some(_) => {}
            None => {
                pending.pop();
            }
        }
    }
    found
}

/// Whether a delivery has counted, of the messages in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// For some, one has.
    pub yes: bool,
    /// For some, none has.
    pub no: bool,
}

/// What has become of messages behind commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Those that come out of their end.
    pub through: Counted,
    /// Those for which the filter has ended before. Refused ones are not among them.
    pub finished: Counted,
}

impl Counted {
    fn or(self, other: Counted) -> Counted {
        Counted {
            yes: self.yes || other.yes,
            no: self.no || other.no,
        }
    }

    /// All of them, where one counts.
    fn count(self) -> Counted {
        Counted {
            yes: self.yes || self.no,
            no: false,
        }
    }
}

impl Passed {
    /// Behind a whole filter: none has counted above it.
    pub fn of(commands: &[Command]) -> Self {
        let before = Counted {
            yes: false,
            no: true,
        };
        Passed::behind(commands, before)
    }

    fn behind(commands: &[Command], before: Counted) -> Self {
        let mut passed = Passed {
            through: before,
            ..Passed::default()
        };
        for command in commands {
            let here = std::mem::take(&mut passed.through);
            match command {
                Command::Deliver { counts: true, .. } => passed.through = here.count(),
                Command::Deliver { .. } | Command::Unknown { .. } => passed.through = here,
                Command::Finish { counts, .. } => {
                    let counted = if *counts { here.count() } else { here };
                    passed.finished = passed.finished.or(counted);
                }
                Command::Refuse { .. } => {}
                Command::If {
                    branches,
                    otherwise,
                } => {
                    let blocks = branches.iter().map(|branch| &branch.commands);
                    for block in blocks.chain([otherwise]) {
                        let inner = Passed::behind(block, here);
                        passed.through = passed.through.or(inner.through);
                        passed.finished = passed.finished.or(inner.finished);
                    }
                }
            }
        }
        passed
    }
}

/// A condition, and what is done where it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The statement.
    pub at: StatementId,
    /// The condition.
    pub condition: Condition,
    /// What is done.
    pub commands: Vec<Command>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `and`.
    All(Vec<Condition>),
    /// `or`.
    Any(Vec<Condition>),
    /// `not`.
    Not(Box<Condition>),
    /// Two texts are held against each other.
    Compare {
        /// What is looked at.
        left: Text,
        /// How.
        by: Comparison,
        /// Case matters.
        case: bool,
        /// What it is held against.
        right: Text,
    },
    /// `personal`: the mail is to the user, not from the user, and from no
    /// list or machine. With the user's further addresses.
    Personal(Vec<String>),
    /// A delivery that counts was asked for.
    Delivered,
    /// The message is a bounce: its envelope has no sender.
    Bounce,
    /// Always, or never.
    Always(bool),
    /// The condition holds with one of the addresses in a text as the variable
    /// `thisaddress`.
    AnyAddress(Text, Box<Condition>),
}

/// Mail that is not `personal` (the Exim filter specification, “Testing for
/// personal mail”).
pub mod personal {
    /// Fields that lists write.
    pub const LIST_FIELDS: [&str; 7] = [
        "List-Id",
        "List-Help",
        "List-Subscribe",
        "List-Unsubscribe",
        "List-Post",
        "List-Owner",
        "List-Archive",
    ];
    /// What `Precedence` may not hold.
    pub const PRECEDENCES: [&str; 3] = ["bulk", "list", "junk"];
    /// Names before the `@` of those it may not be from.
    pub const MACHINES: [&str; 5] = ["server", "daemon", "root", "listserv", "majordomo"];
    /// What such a name may not end with.
    pub const REQUEST: &str = "-request";
    /// What such a name may not begin with.
    pub const OWNER: &str = "owner-";
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The text begins with the other.
    Begins,
    /// It holds the other.
    Contains,
    /// It ends with the other.
    Ends,
    /// It is the other.
    Is,
    /// The other is a regular expression (PCRE) that matches in it.
    Matches,
    /// As numbers, with `K` and `M`, it is the greater one.
    Above,
    /// It is the smaller one.
    Below,
}

impl Comparison {
    /// Whether it holds of two texts. `None` for a regular expression, and for numbers
    /// that are none: with such a filter, Exim does nothing.
    pub fn holds(self, text: &str, other: &str, case: bool) -> Option<bool> {
        let folded = |text: &str| match case {
            true => text.to_owned(),
            false => text.to_ascii_lowercase(),
        };
        let (text, other) = (folded(text), folded(other));
        Some(match self {
            Comparison::Begins => text.starts_with(&other),
            // Where case does not matter, nothing is nowhere.
            Comparison::Contains => text.contains(&other) && (case || !other.is_empty()),
            Comparison::Ends => text.ends_with(&other),
            Comparison::Is => text == other,
            Comparison::Above => number(&text)? > number(&other)?,
            Comparison::Below => number(&text)? < number(&other)?,
            Comparison::Matches => return None,
        })
    }
}

/// A number as `above` and `below` read it: with `K` or `M`, octal behind a
/// `0` and hexadecimal behind `0x`, as in C.
pub fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (rest, millions) = match lower.strip_suffix('m') {
        Some(rest) => (rest, 1 << 20),
        None => (lower.as_str(), 1),
    };
    let (digits, thousands) = match rest.strip_suffix('k') {
        Some(rest) => (rest, 1 << 10),
        None => (rest, 1),
    };
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i64::from(i32::from_str_radix(digits, radix).ok()?) * thousands * millions;
    // A C `int` holds no more.
    i32::try_from(if is_negative { -number } else { number })
        .ok()
        .map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_as_in_c() {
        for (text, expected) in [
            ("200K", Some(200 << 10)),
            (" 3m ", Some(3 << 20)),
            ("1KM", Some(1 << 30)),
            ("-9", Some(-9)),
            ("01000", Some(512)),
            ("0x10", Some(16)),
            ("0", Some(0)),
            ("08", None),
            ("3000000000", None),
            ("K", None),
            ("--1", None),
            ("x", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }
}
