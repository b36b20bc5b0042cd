//! In: a test. Out: its tokens, and the extensions it needs.

use super::Printer;
use super::layout::{Line, Token};
use crate::sieve::script::{AddressPart, Compare, Match, Part, Test, Value};
use crate::sieve::target::Extension;

impl Printer<'_> {
    /// A test, however deep.
    pub(super) fn test(&mut self, test: &Test) -> Vec<Token> {
        enum Piece<'a> {
            Test(&'a Test),
            Token(Token),
        }
        let mut tokens = Vec::new();
        let mut pending = vec![Piece::Test(test)];
        while let Some(piece) = pending.pop() {
            let test = match piece {
                Piece::Token(token) => {
                    tokens.push(token);
                    continue;
                }
                Piece::Test(test) => test,
            };
            let (word, tests) = match test {
                Test::Not(inner) => {
                    tokens.push(Token::Text("not ".into()));
                    pending.push(Piece::Test(inner));
                    continue;
                }
                Test::AllOf(tests) => ("allof", tests),
                Test::AnyOf(tests) => ("anyof", tests),
                simple => {
                    tokens.extend(self.simple_test(simple));
                    continue;
                }
            };
            match tests.as_slice() {
                [] => tokens.push(Token::Text(match word {
                    "allof" => "true".into(),
                    _ => "false".into(),
                })),
                [one] => pending.push(Piece::Test(one)),
                [rest @ .., last] => {
                    tokens.push(Token::Text(format!("{word} (").into()));
                    tokens.push(Token::Open);
                    tokens.push(Token::Break { wide: false });
                    pending.push(Piece::Token(Token::Text(")".into())));
                    pending.push(Piece::Token(Token::Close));
                    pending.push(Piece::Token(Token::Last));
                    pending.push(Piece::Test(last));
                    for test in rest.iter().rev() {
                        pending.push(Piece::Token(Token::Break { wide: true }));
                        pending.push(Piece::Token(Token::Text(",".into())));
                        pending.push(Piece::Test(test));
                    }
                }
            }
        }
        tokens
    }

    /// A test that holds no other. One whose names or keys are none can match
    /// nothing, and the grammar knows no empty list.
    fn simple_test(&mut self, test: &Test) -> Vec<Token> {
        let mut line = Line::default();
        match test {
            Test::True | Test::Not(_) | Test::AllOf(_) | Test::AnyOf(_) => line.word("true"),
            Test::False => line.word("false"),
            Test::Exists(names) if names.is_empty() => line.word("true"),
            Test::Exists(names) => {
                line.word("exists");
                line.list(self.field_names(names));
            }
            Test::MailboxExists(folder) => {
                self.uses.insert(Extension::Mailbox);
                line.word("mailboxexists");
                line.list(self.values(std::slice::from_ref(folder)));
            }
            Test::Over(size) => line.word(&format!("size :over {}", number(*size))),
            Test::Under(size) => line.word(&format!("size :under {}", number(*size))),
            Test::Duplicate { handle } => {
                self.uses.insert(Extension::Duplicate);
                line.word("duplicate");
                if let Some(handle) = handle {
                    line.word(":handle");
                    line.word(&self.text(handle));
                }
            }
            Test::Header { names, keys, .. }
            | Test::Address { names, keys, .. }
            | Test::Envelope { names, keys, .. }
                if names.is_empty() || keys.is_empty() =>
            {
                line.word("false");
            }
            Test::String { sources, .. } if sources.is_empty() => {
                line.word("false");
            }
            Test::Body { keys, .. } | Test::CurrentDate { keys, .. } if keys.is_empty() => {
                line.word("false");
            }
            Test::Header {
                compare,
                names,
                keys,
            } => {
                line.word("header");
                self.compare(&mut line, compare, keys);
                line.list(self.field_names(names));
                line.list(self.values(keys));
            }
            Test::Address {
                part,
                compare,
                names,
                keys,
            } => {
                line.word("address");
                self.part(&mut line, *part);
                self.compare(&mut line, compare, keys);
                line.list(self.field_names(names));
                line.list(self.values(keys));
            }
            Test::Envelope {
                part,
                compare,
                names,
                keys,
            } => {
                self.uses.insert(Extension::Envelope);
                line.word("envelope");
                self.part(&mut line, *part);
                self.compare(&mut line, compare, keys);
                line.list(self.field_names(names));
                line.list(self.values(keys));
            }
            Test::Body { raw, compare, keys } => {
                self.uses.insert(Extension::Body);
                line.word("body");
                line.word(if *raw { ":raw" } else { ":text" });
                self.compare(&mut line, compare, keys);
                line.list(self.values(keys));
            }
            Test::String {
                compare,
                sources,
                key,
            } => {
                self.uses.insert(Extension::Variables);
                line.word("string");
                self.compare(&mut line, compare, std::slice::from_ref(key));
                // RFC 5229 (§5) says so already, and Pigeonhole minds case all
                // the same.
                let is_numeric = matches!(compare.by, Match::Count(_) | Match::Value(_));
                if !compare.octet && !is_numeric && has_letters(key) {
                    line.word(":comparator \"i;ascii-casemap\"");
                }
                line.list(self.values(sources));
                line.word(&self.value(key));
            }
            Test::CurrentDate {
                compare,
                part,
                keys,
            } => {
                self.uses.insert(Extension::Date);
                line.word("currentdate");
                self.compare(&mut line, compare, keys);
                line.word(&self.text(part));
                line.list(self.values(keys));
            }
        }
        line.tokens
    }

    fn part(&mut self, line: &mut Line, part: AddressPart) {
        let tag = match part {
            AddressPart::All => return,
            AddressPart::Localpart => ":localpart",
            AddressPart::Domain => ":domain",
            AddressPart::Detail => ":detail",
        };
        if part == AddressPart::Detail {
            self.uses.insert(Extension::Subaddress);
        }
        line.word(tag);
    }

    fn compare(&mut self, line: &mut Line, compare: &Compare, keys: &[Value]) {
        let numbers = keys.iter().all(is_number);
        let (tag, numeric) = match &compare.by {
            Match::Is => (":is".to_owned(), false),
            Match::Contains => (":contains".to_owned(), false),
            Match::Matches => (":matches".to_owned(), false),
            Match::Regex => {
                self.uses.insert(Extension::Regex);
                (":regex".to_owned(), false)
            }
            Match::Count(relation) => {
                self.uses.insert(Extension::Relational);
                (format!(":count {}", self.text(relation.as_str())), true)
            }
            Match::Value(relation) => {
                self.uses.insert(Extension::Relational);
                (format!(":value {}", self.text(relation.as_str())), numbers)
            }
        };
        line.word(&tag);
        if numeric {
            self.uses.insert(Extension::AsciiNumeric);
            line.word(":comparator \"i;ascii-numeric\"");
        } else if compare.octet {
            line.word(":comparator \"i;octet\"");
        }
    }
}

/// A number as RFC 5228 §2.4.1 lets people write it.
fn number(value: u64) -> String {
    match value {
        0 => "0".to_owned(),
        _ if value.is_multiple_of(1 << 20) => format!("{}M", value >> 20),
        _ if value.is_multiple_of(1 << 10) => format!("{}K", value >> 10),
        _ => value.to_string(),
    }
}

/// Whether a key has letters in it, or can have.
fn has_letters(key: &Value) -> bool {
    key.0.iter().any(|part| match part {
        Part::Text(text) => text.bytes().any(|byte| byte.is_ascii_alphabetic()),
        Part::Variable(_) => true,
    })
}

/// Whether a key is a number, or a variable, of which that is not known.
fn is_number(value: &Value) -> bool {
    let text = value.as_text();
    text.is_none_or(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
}
