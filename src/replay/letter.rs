//! In: the bytes of a message, and what its mailbox says about it. Out: what a
//! replay needs to know of it.

use crate::ledger::cut;
use crate::rules::program;
use mail_parser::{Address, DateTime, Message, MessageParser};
use std::borrow::Cow;

/// Characters shown of a subject or a sender.
const MAX_SHOWN: usize = 200;

/// Parts of a message that can have others in them.
const MAX_PARTS: usize = 1000;

/// A message of the user.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Header and body, without the line of the mbox format.
    text: Vec<u8>,
    sender: String,
    received: i64,
    from: String,
    subject: String,
    delivered_to: Option<String>,
}

/// What the mailbox says: the line of the mbox format.
#[derive(Debug, Clone, Default)]
pub struct Postmark {
    /// The envelope sender.
    pub sender: String,
    /// When it came in, in seconds since 1970.
    pub received: i64,
}

impl Letter {
    /// Reads the header of a message.
    pub fn new(mut text: Vec<u8>, postmark: Option<Postmark>) -> Self {
        // The last line of mail has an end.
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        let parsed = MessageParser::default().parse_headers(&text);
        let parsed = parsed.as_ref();
        let field = |name: &'static str| {
            let value = parsed?.header_raw(name)?;
            Some(value.trim().trim_matches(['<', '>']).to_owned())
        };
        let returned = parsed.and_then(|parsed| parsed.header_raw("Return-Path"));
        let sender = match (&postmark, returned) {
            (Some(mark), _) if mark.sender.eq_ignore_ascii_case("MAILER-DAEMON") => String::new(),
            (Some(mark), _) if !mark.sender.is_empty() => mark.sender.clone(),
            (_, Some(path)) => path.trim().trim_matches(['<', '>']).to_owned(),
            _ => parsed.and_then(from).unwrap_or_default().1,
        };
        let dated = || {
            let parsed = parsed?;
            let received = parsed
                .received_all()
                .next()
                .and_then(|received| received.date());
            received.or_else(|| parsed.date().cloned())
        };
        let received = postmark.map(|mark| mark.received).filter(|&at| at > 0);
        let received = received.or_else(|| dated().map(|date| date.to_timestamp()));
        let (name, address) = parsed.and_then(from).unwrap_or_default();
        let subject = parsed.and_then(|parsed| parsed.subject());
        Letter {
            sender,
            received: received.unwrap_or(0),
            from: cut(
                &match (name.is_empty(), address.is_empty()) {
                    (true, _) => address,
                    (false, true) => name,
                    (false, false) => format!("{name} <{address}>"),
                },
                MAX_SHOWN,
            ),
            subject: cut(subject.unwrap_or_default(), MAX_SHOWN),
            delivered_to: field("Delivered-To").or_else(|| field("X-Original-To")),
            text,
        }
    }

    /// Header and body.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether it could have so many parts in each other that to look at them
    /// costs more than any mail is worth, in time and in depth.
    pub fn is_too_deep(&self) -> bool {
        let text = self.text.as_slice();
        let opens_parts = |&slash: &usize| {
            let kinds = [&b"multipart"[..], b"message"];
            let before = text.get(..slash).unwrap_or_default();
            kinds.iter().any(|kind| {
                let start = before.len().checked_sub(kind.len());
                let word = start.and_then(|start| before.get(start..));
                word.is_some_and(|word| word.eq_ignore_ascii_case(kind))
            })
        };
        memchr::memchr_iter(b'/', text)
            .filter(opens_parts)
            .nth(MAX_PARTS)
            .is_some()
    }

    /// The envelope sender; empty for a bounce.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// When it came in, in seconds since 1970; 0 where nothing says so.
    pub fn received(&self) -> i64 {
        self.received
    }

    /// Who it says sent it, as far as it is shown.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Its subject, decoded, as far as it is shown.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it came in, to the minute; empty where nothing says so.
    pub fn date(&self) -> String {
        if self.received == 0 {
            return String::new();
        }
        let date = DateTime::from_timestamp(self.received);
        let DateTime {
            year,
            month,
            day,
            hour,
            minute,
            ..
        } = date;
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
    }

    /// The envelope recipient: the user's address, with a detail where the
    /// message was delivered to one.
    pub fn recipient(&self, user: &str) -> String {
        let (local, domain) = user.split_once('@').unwrap_or((user, ""));
        let detail = self.delivered_to.as_ref().and_then(|to| {
            let (to, _) = to.rsplit_once('@').unwrap_or((to, ""));
            let (name, detail) = to.split_once('+')?;
            name.eq_ignore_ascii_case(local).then_some(detail)
        });
        match (detail, domain) {
            (None, _) => user.to_owned(),
            (Some(detail), "") => format!("{local}+{detail}"),
            (Some(detail), domain) => format!("{local}+{detail}@{domain}"),
        }
    }

    /// As the old mailer handed it over: with plain line feeds.
    pub fn plain(&self) -> Cow<'_, [u8]> {
        let header_end = self.text.iter().position(|&byte| byte == b'\n');
        let has_crlf = header_end
            .and_then(|end| self.text.get(end.checked_sub(1)?))
            .is_some_and(|&byte| byte == b'\r');
        if !has_crlf {
            return Cow::Borrowed(&self.text);
        }
        let mut plain = Vec::with_capacity(self.text.len());
        for line in self.text.split_inclusive(|&byte| byte == b'\n') {
            match line.strip_suffix(b"\r\n") {
                Some(line) => {
                    plain.extend_from_slice(line);
                    plain.push(b'\n');
                }
                None => plain.extend_from_slice(line),
            }
        }
        Cow::Owned(plain)
    }

    /// As [`Letter::plain`], but with the header in the form in which a Sieve
    /// server looks at it: unfolded, encoded words decoded, no blanks around a
    /// value nor in a name, and no case in that but the usual one.
    pub fn as_sieve_reads_it(&self) -> Vec<u8> {
        let plain = self.plain();
        let mut text = Vec::with_capacity(plain.len());
        let mut lines = plain.split_inclusive(|&byte| byte == b'\n').peekable();
        let mut rest = plain.len();
        while let Some(line) = lines.next() {
            rest -= line.len();
            if line == b"\n" {
                text.push(b'\n');
                break;
            }
            let mut field = line.trim_ascii_end().to_vec();
            while let Some(more) =
                lines.next_if(|line| line.first().is_some_and(|byte| b" \t".contains(byte)))
            {
                rest -= more.len();
                field.extend_from_slice(more.trim_ascii_end());
            }
            // With a NUL in its header, procmail takes the whole message for that.
            field.retain(|&byte| byte != 0);
            text.extend_from_slice(&decoded(&field));
            text.push(b'\n');
        }
        text.extend_from_slice(plain.get(plain.len() - rest..).unwrap_or_default());
        text
    }
}

/// A field with its encoded words decoded.
fn decoded(field: &[u8]) -> Vec<u8> {
    let Some(colon) = field.iter().position(|&byte| byte == b':') else {
        return field.to_vec();
    };
    let (name, value) = field.split_at(colon + 1);
    let value = program::decoded(value.trim_ascii());
    let between: &[u8] = if value.is_empty() { b"" } else { b" " };
    [&usual(name), between, &value].concat()
}

/// The name of a field in the case that most mail has: `X-Loop`. The engine
/// passes over blanks in it.
fn usual(name: &[u8]) -> Vec<u8> {
    let mut begins = true;
    let letter = |byte: &u8| {
        let usual = match begins {
            true => byte.to_ascii_uppercase(),
            false => byte.to_ascii_lowercase(),
        };
        begins = *byte == b'-';
        usual
    };
    let letters = name.iter().filter(|byte| !byte.is_ascii_whitespace());
    letters.map(letter).collect()
}

/// The name and the address of whom a message says it is from.
fn from(message: &Message<'_>) -> Option<(String, String)> {
    let address = message.from().and_then(Address::first)?;
    let text = |text: Option<&str>| text.unwrap_or_default().trim().to_owned();
    Some((text(address.name()), text(address.address())))
}
