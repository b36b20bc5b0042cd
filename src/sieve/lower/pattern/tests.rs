#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::*;
use crate::rules::expression::{ByteSet, Regex};
use crate::sieve::print::test_line;

/// A small parser of procmail's dialect.
struct Parser<'a> {
    text: &'a [u8],
    fold: bool,
}

pub(super) fn parse(text: &str, fold: bool) -> Expression {
    let to = "(^((Original-)?(Resent-)?(To|Cc|Bcc)|(X-Envelope|Apparently(-Resent)?)-To):(.*[^-a-zA-Z0-9_.])?)";
    let text = text.replace("^TO_", to);
    let mut parser = Parser {
        text: text.as_bytes(),
        fold,
    };
    let regex = parser.alternate();
    Expression {
        regex,
        ignores_case: fold,
    }
}

impl Parser<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.text.split_first()?;
        self.text = rest;
        Some(*first)
    }

    fn class(&self, set: ByteSet) -> Regex {
        Regex::Class(if self.fold { set.folded() } else { set })
    }

    fn alternate(&mut self) -> Regex {
        let mut all = vec![self.concat()];
        while self.text.first() == Some(&b'|') {
            self.next();
            all.push(self.concat());
        }
        if all.len() == 1 {
            all.remove(0)
        } else {
            Regex::Alternate(all)
        }
    }

    fn concat(&mut self) -> Regex {
        let mut all = Vec::new();
        while let Some(&first) = self.text.first() {
            if first == b'|' || first == b')' {
                break;
            }
            self.next();
            let mut atom = match first {
                b'(' => {
                    let inner = self.alternate();
                    self.next();
                    inner
                }
                b'^' | b'$' => Regex::Class(ByteSet::of(b'\n')),
                b'.' => Regex::Class(ByteSet::any()),
                b'\\' => match self.next() {
                    Some(b'/') => Regex::Split,
                    Some(b'<' | b'>') => {
                        let mut word = ByteSet::of(b'_');
                        (0..=255u8)
                            .filter(u8::is_ascii_alphanumeric)
                            .for_each(|b| word.insert(b));
                        Regex::Class(word.complement())
                    }
                    Some(byte) => self.class(ByteSet::of(byte)),
                    None => break,
                },
                b'[' => self.bracket(),
                byte => self.class(ByteSet::of(byte)),
            };
            while let Some(&sign) = self.text.first() {
                atom = match sign {
                    b'*' => Regex::Star(Box::new(atom)),
                    b'+' => Regex::Plus(Box::new(atom)),
                    b'?' => Regex::Optional(Box::new(atom)),
                    _ => break,
                };
                self.next();
            }
            all.push(atom);
        }
        if all.len() == 1 {
            all.remove(0)
        } else {
            Regex::Concat(all)
        }
    }

    fn bracket(&mut self) -> Regex {
        let negated = self.text.first() == Some(&b'^');
        if negated {
            self.next();
        }
        let mut set = ByteSet::EMPTY;
        let mut first = true;
        while let Some(byte) = self.next() {
            if byte == b']' && !first {
                break;
            }
            first = false;
            if self.text.first() == Some(&b'-') && self.text.get(1).is_some_and(|&b| b != b']') {
                self.next();
                let last = self.next().unwrap();
                (byte..=last).for_each(|b| set.insert(b));
            } else {
                set.insert(byte);
            }
        }
        if self.fold {
            set = set.folded();
        }
        if negated {
            set = set.complement();
            set.remove(b'\n');
        }
        Regex::Class(set)
    }
}

fn line(text: &str) -> String {
    let target = Target::profile("dovecot").unwrap();
    match header(&parse(text, true), &target) {
        Ok(matched) => {
            let codes: Vec<_> = matched
                .notes
                .iter()
                .map(|note| note.code.as_str())
                .collect();
            format!("{} {}", test_line(&matched.test), codes.join(","))
        }
        Err(note) => format!("Err {}", note.code.as_str()),
    }
}

#[test]
#[ignore = "prints"]
fn show() {
    for text in [
        "^Subject:.*foo",
        "^Subject: foo",
        "^Subject: foo$",
        "^Subject:[ \t]*foo",
        "^Subject:[ \t]*$",
        "^Subject:.*foo.*bar",
        "^(To|Cc|Resent-(To|Cc)):.*foo@bar",
        "^To|CC|Cc:.*x@y",
        "^From.*bob",
        "^From bob@x",
        "^From MAILER-DAEMON",
        "bob@x",
        "Subject:.*foo",
        "^TO_bob@x",
        "^TO_(bob|eva)@x",
        "^TO_bob\\>",
        "^X-Spam-Flag: YES",
        "^X-Spam-Status: Yes",
        "^X-Spam-Level: \\*\\*\\*\\*\\*",
        "^X-Spam-Level:.*\\*\\*\\*",
        "^X-.*: y",
        "^Subject:.*[0-9][0-9]*%",
        "^Subject:.*\\[foo\\]",
        "^Subject:.*=\\?big5\\?B",
        "^Subject:.*(viagra|cialis|v1agra)",
        "^Subject:foo",
        "^X-Empty:$",
        "^X-Foo:",
        "^X-Foo",
        "^Subject foo",
        "one$Subject",
        "^List-Id:.*<foo\\.bar>",
        "^From:.*(foo|bar)@(x|y)\\.org",
        "^Content-Type: text/html",
        "^Subject:.*re: .*x",
        "^(From|To|Cc|Reply-To|Return-Path|Sender).*foo",
        "^>?From ",
        "^From:.*[^a-z]foo[^a-z]",
        "^Subject:.*([0-9]+|a+)b$",
        "^Subject: [A-Z ]+$",
        "^X-Mailer:.*(A|B|).*C",
    ] {
        println!("{text}\n    {}", line(text));
    }
}
