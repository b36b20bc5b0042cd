//! In: a message and what formail is asked to do with it. Out: what formail
//! prints, and whether it has seen the message before (formail(1)).

use crate::rules::program::{Edit, Field as Wanted, Whom};

/// A field: its whole text with all line ends, and how long the name is, with
/// the colon.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    text: Vec<u8>,
    name: usize,
}

impl Field {
    fn new(name: &[u8], value: &[u8]) -> Self {
        let mut text = name.to_vec();
        text.push(b':');
        let length = text.len();
        text.extend_from_slice(value);
        text.push(b'\n');
        Field { text, name: length }
    }

    /// One with a blank behind its colon.
    fn spaced(name: &[u8], value: &[u8]) -> Self {
        Field::new(name, &[b" ", value].concat())
    }

    /// Its name without the colon; the line of the mbox format has none.
    fn name(&self) -> &[u8] {
        let name = self.text.get(..self.name).unwrap_or_default();
        name.strip_suffix(b":").unwrap_or_default()
    }

    fn is(&self, name: &[u8]) -> bool {
        !name.is_empty() && self.name().eq_ignore_ascii_case(name)
    }

    /// What stands behind the colon, without the last line end.
    fn value(&self) -> &[u8] {
        let value = self.text.get(self.name..).unwrap_or_default();
        value.strip_suffix(b"\n").unwrap_or(value)
    }

    fn is_mbox_line(&self) -> bool {
        self.text.starts_with(FROM)
    }

    fn renamed(&self, name: &[u8]) -> Self {
        let mut text = name.to_vec();
        text.push(b':');
        let length = text.len();
        text.extend_from_slice(self.text.get(self.name..).unwrap_or_default());
        Field { text, name: length }
    }
}

const FROM: &[u8] = b"From ";

/// What an answer says it is from, and where it goes.
const UNKNOWN: &[u8] = b"foo@bar";

/// How long the name is that a line begins with, its colon included; nothing
/// where the line is no field.
fn name_length(line: &[u8]) -> Option<usize> {
    let end = line.iter().position(|&byte| {
        byte == b':' || byte == b' ' || byte == b'\t' || byte.is_ascii_control()
    })?;
    match line.get(end)? {
        b':' if end > 0 => Some(end + 1),
        b' ' | b'\t' if end > 0 => {
            let rest = line.get(end..)?;
            let blanks = rest
                .iter()
                .take_while(|&&byte| byte == b' ' || byte == b'\t')
                .count();
            match rest.get(blanks) {
                Some(b':') => Some(end + blanks + 1),
                _ => line.starts_with(FROM).then_some(FROM.len()),
            }
        }
        _ => None,
    }
}

/// Takes the fields off the top of a message; what follows them is left.
fn fields(message: &[u8]) -> (Vec<Field>, &[u8]) {
    let mut fields = Vec::new();
    let start = message.iter().take_while(|&&byte| byte == b'\n').count();
    let mut rest = message.get(start..).unwrap_or_default();
    while let Some(name) = name_length(line_of(rest)) {
        let is_mbox_line = name == FROM.len() && rest.starts_with(FROM);
        if is_mbox_line && !fields.is_empty() {
            break;
        }
        let mut end = line_of(rest).len();
        loop {
            let more = rest.get(end..).unwrap_or_default();
            let goes_on = match more.first() {
                Some(b'>') => is_mbox_line,
                Some(b' ' | b'\t') => !is_mbox_line,
                _ => false,
            };
            if !goes_on {
                break;
            }
            end += line_of(more).len();
        }
        let (field, after) = rest.split_at(end);
        let mut text = field.to_vec();
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        // Blanks before the colon go.
        let mut length = name;
        if !is_mbox_line {
            let kept = text
                .get(..name - 1)
                .unwrap_or_default()
                .trim_ascii_end()
                .len();
            text.drain(kept..name - 1);
            length = kept + 1;
        }
        fields.push(Field { text, name: length });
        rest = after;
    }
    (fields, rest)
}

/// The first line, with its end.
fn line_of(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == b'\n');
    text.get(..end.map_or(text.len(), |end| end + 1))
        .unwrap_or_default()
}

/// `formail -A … -I …`: the message with its header changed.
pub fn edit(message: &[u8], edits: &[Edit<Vec<u8>>]) -> Vec<u8> {
    let (fields, body) = fields(message);
    let fields = edited(fields, edits);
    printed(&fields, body)
}

fn edited(fields: Vec<Field>, edits: &[Edit<Vec<u8>>]) -> Vec<Field> {
    let mut kept: Vec<Field> = Vec::new();
    for field in fields {
        if field.is_mbox_line() && edits.contains(&Edit::Sender) {
            continue;
        }
        let mut field = field;
        let mut is_deleted = false;
        let is_renamed = edits.iter().any(
            |edit| matches!(edit, Edit::ReplaceKeeping { name, .. } if field.is(name.as_bytes())),
        );
        if is_renamed {
            let name = [b"Old-", field.name()].concat();
            field = field.renamed(&name);
        } else if edits
            .iter()
            .any(|edit| matches!(edit, Edit::Replace { name, .. } if field.is(name.as_bytes())))
        {
            is_deleted = true;
        } else if let Some(to) = edits.iter().find_map(|edit| match edit {
            Edit::Rename { from, to } if field.is(from.as_bytes()) => Some(to),
            _ => None,
        }) {
            field = field.renamed(to.as_bytes());
        }
        let is_there = |kept: &[Field]| kept.iter().position(|other| other.is(field.name()));
        for edit in edits {
            match edit {
                Edit::KeepFirst { name } if field.is(name.as_bytes()) => {
                    is_deleted |= is_there(&kept).is_some();
                }
                Edit::KeepLast { name } if field.is(name.as_bytes()) => {
                    if let Some(at) = is_there(&kept) {
                        kept.remove(at);
                    }
                }
                _ => {}
            }
        }
        if !is_deleted {
            kept.push(field);
        }
    }
    let is_absent = |name: &str| !kept.iter().any(|field| field.is(name.as_bytes()));
    let mut added = Vec::new();
    for edit in edits {
        let (place, name, value) = match edit {
            Edit::AddIfAbsent { name, value } if is_absent(name) => (0, name, value),
            Edit::Add { name, value } => (1, name, value),
            Edit::ReplaceKeeping { name, value } => (2, name, value),
            Edit::Replace { name, value } => (3, name, value),
            _ => continue,
        };
        if place == 0 || !value.is_empty() {
            added.push((place, Field::new(name.as_bytes(), value)));
        }
    }
    // formail adds them in an order of its own.
    added.sort_by_key(|(place, _)| *place);
    kept.extend(added.into_iter().map(|(_, field)| field));
    kept
}

/// A header, an empty line, and a body, which ends in an empty line.
fn printed(fields: &[Field], body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    if !fields.first().is_some_and(Field::is_mbox_line) {
        // One is made up; who sent the message stands in its header.
        text.extend_from_slice(FROM);
        text.extend_from_slice(&addressee(fields, false));
        text.extend_from_slice(b"  Thu Jan  1 00:00:00 1970\n");
    }
    for field in fields {
        text.extend_from_slice(&field.text);
    }
    text.push(b'\n');
    let mut rest = body.strip_prefix(b"\n").unwrap_or(body);
    let mut is_blank = true;
    while !rest.is_empty() {
        let line = line_of(rest);
        if line.starts_with(FROM) {
            text.push(b'>');
        }
        text.extend_from_slice(line);
        if line.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        is_blank = line == b"\n";
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    if !is_blank {
        text.push(b'\n');
    }
    text
}

/// `formail -x Field`: what stands in the fields, a line end behind each.
pub fn extract(message: &[u8], wanted: &Wanted) -> Vec<u8> {
    let (fields, _) = fields(message);
    let mut text = Vec::new();
    for field in &fields {
        let begins = |text: &String| {
            let start = field.text.get(..text.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
        };
        let is_wanted = wanted.names.iter().any(|name| field.is(name.as_bytes()))
            || wanted.beginnings.iter().any(begins);
        if !is_wanted || wanted.trimmed && field.value().trim_ascii().is_empty() {
            continue;
        }
        let mut value = match wanted.with_name {
            true => field
                .text
                .strip_suffix(b"\n")
                .unwrap_or(&field.text)
                .to_vec(),
            false => field.value().to_vec(),
        };
        if wanted.joined {
            value.iter_mut().for_each(|byte| {
                if *byte == b'\n' {
                    *byte = b' ';
                }
            });
        }
        let value = match wanted.trimmed && !wanted.with_name {
            true => value.trim_ascii(),
            false => &value,
        };
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text
}

/// `formail -r`: the header of an answer, changed, and the body where it is
/// kept.
pub fn reply(message: &[u8], trusted: bool, edits: &[Edit<Vec<u8>>], body: &[u8]) -> Vec<u8> {
    let (fields, _) = fields(message);
    let value = |name: &[u8]| {
        let field = fields.iter().rev().find(|field| field.is(name));
        field.map(|field| field.value().trim_ascii_start())
    };
    let asked_to_keep = |field: &&Field| {
        field.is(b"X-Loop")
            || edits
                .iter()
                .any(|edit| matches!(edit, Edit::Rename { from, .. } if field.is(from.as_bytes())))
    };
    let mut answer: Vec<Field> = fields.iter().filter(asked_to_keep).cloned().collect();
    let to = addressee(&fields, trusted);
    answer.push(Field::spaced(b"To", &to));
    if let Some(subject) = value(b"Subject") {
        let is_answer = subject
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"re:"));
        let subject = match is_answer {
            true => subject.to_vec(),
            false => [b"Re: ", subject].concat(),
        };
        answer.push(Field::spaced(b"Subject", &subject));
    }
    let references: Vec<&[u8]> = [value(b"References"), value(b"Message-ID")]
        .into_iter()
        .flatten()
        .collect();
    if !references.is_empty() {
        answer.push(Field::spaced(b"References", &references.join(&b' ')));
    }
    if let Some(id) = value(b"Message-ID") {
        answer.push(Field::spaced(b"In-Reply-To", id));
    }
    let mut text = Vec::new();
    for field in edited(answer, edits) {
        text.extend_from_slice(&field.text);
    }
    text.push(b'\n');
    text.extend_from_slice(body);
    text
}

/// The address that formail puts into an answer to the message.
pub fn recipient(message: &[u8], whom: Whom) -> Vec<u8> {
    let (mut fields, _) = fields(message);
    if whom == Whom::Author {
        fields.retain(|field| !field.is(b"reply-to"));
    }
    addressee(&fields, whom != Whom::Sender)
}

fn addressee(fields: &[Field], trusted: bool) -> Vec<u8> {
    sender(fields, trusted).unwrap_or_else(|| UNKNOWN.to_vec())
}

/// Whom an answer to the message goes to: of the fields that name somebody,
/// the one that weighs most. A trusted header outweighs the envelope.
pub fn answered(message: &[u8], trusted: bool) -> Option<Vec<u8>> {
    sender(&fields(message).0, trusted)
}

fn sender(fields: &[Field], trusted: bool) -> Option<Vec<u8>> {
    /// The fields, from weak to strong for the envelope, and what they weigh
    /// in a header that is trusted.
    const FIELDS: [(&[u8], i32); 11] = [
        (b"reply-to:", 8),
        (b"from:", 7),
        (b"sender:", 6),
        (b"resent-reply-to:", 0),
        (b"resent-from:", 0),
        (b"resent-sender:", 0),
        (b"path:", 1),
        (b"return-receipt-to:", 2),
        (b"errors-to:", 3),
        (b"return-path:", 5),
        (b"from ", 4),
    ];
    let mut best: Option<(i32, Vec<u8>)> = None;
    for (at, field) in fields.iter().enumerate() {
        let name = field.text.get(..field.name).unwrap_or_default();
        let found = FIELDS
            .iter()
            .position(|(head, _)| head.eq_ignore_ascii_case(name));
        let Some((place, &(_, weight))) = found.and_then(|place| Some((place, FIELDS.get(place)?)))
        else {
            continue;
        };
        if field.is_mbox_line() && at > 0 {
            continue;
        }
        let mut weight = match trusted {
            true => weight,
            false => i32::try_from(place).unwrap_or(0),
        };
        let address = match field.is_mbox_line() {
            true => field
                .value()
                .split(|&byte| byte == b' ')
                .find(|word| !word.is_empty())
                .map(<[u8]>::to_vec),
            false => address(field.value()),
        };
        let Some(address) = address else { continue };
        let has = |byte: u8| address.contains(&byte);
        const STEP: i32 = FIELDS.len() as i32 + 1;
        if address.is_empty() {
            if name.eq_ignore_ascii_case(b"return-path:") {
                best = Some((STEP, b"<>".to_vec()));
            }
            continue;
        }
        weight -= match () {
            () if !has(b'@') && !has(b'!') && !has(b'/') => 4 * STEP,
            () if has(b'@') && !has(b'.') => 2 * STEP,
            () if has(b'!') => STEP,
            () => 0,
        };
        if best.as_ref().is_none_or(|(most, _)| weight > *most) {
            best = Some((weight, address));
        }
    }
    best.map(|(_, address)| address)
}

/// The address that the value of a field begins with, or has in brackets, there
/// without its blanks.
fn address(value: &[u8]) -> Option<Vec<u8>> {
    const BLANKS: &[u8] = b" \t\n";
    let mut quoted = false;
    let mut depth = 0_usize;
    let mut start = None;
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            b'"' if depth == 0 => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'<' if depth == 0 => {
                let rest = value.get(at + 1..)?;
                let end = rest.iter().position(|&byte| byte == b'>');
                let mut address = rest.get(..end.unwrap_or(rest.len()))?.to_vec();
                address.retain(|byte| !BLANKS.contains(byte));
                return Some(address);
            }
            b' ' | b'\t' | b'\n' | b',' if depth == 0 => {}
            _ if depth == 0 && start.is_none() => start = Some(at),
            _ => {}
        }
    }
    let rest = value.get(start?..)?;
    let ends = |byte: &u8| b" \t\n,(".contains(byte);
    let end = rest.iter().position(ends);
    Some(rest.get(..end.unwrap_or(rest.len()))?.to_vec())
}

/// The file of `formail -D`: keys, each with a NUL behind it, that a second
/// NUL ends; it is written round and round.
#[derive(Debug, Clone, Default)]
pub struct Cache(Vec<u8>);

impl Cache {
    /// Whether a key is in it; if not, it is put in.
    pub fn knows(&mut self, key: &[u8], bytes: usize) -> bool {
        let key = key.split(|&byte| byte == 0).next().unwrap_or_default();
        let key = key
            .iter()
            .position(|&byte| byte != b' ')
            .and_then(|start| key.get(start..))
            .unwrap_or_default();
        let mut end = None;
        let mut at = 0;
        while at < self.0.len() && at < bytes.max(1) {
            let rest = self.0.get(at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|&byte| byte == 0) else {
                break;
            };
            match length {
                0 => end = end.or(Some(at)),
                _ if rest.get(..length) == Some(key) => return true,
                _ => {}
            }
            at += length + 1;
        }
        let at = match end {
            Some(at) if at < bytes => at,
            _ => 0,
        };
        let written = [key, &[0, 0]].concat();
        if self.0.len() < at + written.len() {
            self.0.resize(at + written.len(), 0);
        }
        for (to, from) in self.0.iter_mut().skip(at).zip(written) {
            *to = from;
        }
        false
    }
}

/// What `formail -D` remembers of a message.
pub fn message_id(message: &[u8]) -> Option<Vec<u8>> {
    let (fields, _) = fields(message);
    let id = fields.iter().rev().find(|field| field.is(b"Message-ID"))?;
    Some(id.value().to_vec()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"From a@b.c  Thu\nSubject: one\n two\nX-A : 1\nX-A: 2\nMessage-ID: <1@b.c>\n\nFrom here\nend";

    #[test]
    fn headers_are_changed() {
        let v = |text: &str| text.as_bytes().to_vec();
        let edits = [
            Edit::Add {
                name: "X-A".to_owned(),
                value: v(" 3"),
            },
            Edit::AddIfAbsent {
                name: "X-B".to_owned(),
                value: v(" 4"),
            },
            Edit::AddIfAbsent {
                name: "Subject".to_owned(),
                value: v(" no"),
            },
            Edit::Replace {
                name: "Message-ID".to_owned(),
                value: v(" <2>"),
            },
            Edit::ReplaceKeeping {
                name: "Subject".to_owned(),
                value: v(" three"),
            },
        ];
        let expected = b"From a@b.c  Thu\nOld-Subject: one\n two\nX-A: 1\nX-A: 2\nX-B: 4\nX-A: 3\nSubject: three\nMessage-ID: <2>\n\n>From here\nend\n\n";
        // `-a Subject` finds the field renamed already.
        let changed = edit(MESSAGE, &edits);
        let expected =
            String::from_utf8_lossy(expected).replace("X-B: 4\n", "X-B: 4\nSubject: no\n");
        assert_eq!(String::from_utf8_lossy(&changed), expected);
        let kept = edit(
            MESSAGE,
            &[
                Edit::KeepLast {
                    name: "x-a".to_owned(),
                },
                Edit::Replace {
                    name: "subject".to_owned(),
                    value: v(""),
                },
            ],
        );
        assert!(kept.starts_with(b"From a@b.c  Thu\nX-A: 2\nMessage-ID"));
        let empty = [
            Edit::Add {
                name: "X-C".to_owned(),
                value: v(""),
            },
            Edit::AddIfAbsent {
                name: "X-D".to_owned(),
                value: v(""),
            },
            Edit::ReplaceKeeping {
                name: "Subject".to_owned(),
                value: v(""),
            },
            Edit::Replace {
                name: "X-A".to_owned(),
                value: v(""),
            },
            Edit::Replace {
                name: "X-E".to_owned(),
                value: v(" "),
            },
        ];
        let changed = edit(MESSAGE, &empty);
        let expected =
            b"From a@b.c  Thu\nOld-Subject: one\n two\nMessage-ID: <1@b.c>\nX-D:\nX-E: \n\n";
        assert!(
            changed.starts_with(expected),
            "{}",
            String::from_utf8_lossy(&changed)
        );
    }

    #[test]
    fn fields_are_printed() {
        let wanted = |name: &str, trimmed, joined| Wanted {
            names: vec![name.to_owned()],
            beginnings: Vec::new(),
            with_name: false,
            trimmed,
            joined,
        };
        assert_eq!(
            extract(MESSAGE, &wanted("subject", false, false)),
            b" one\n two\n"
        );
        assert_eq!(
            extract(MESSAGE, &wanted("Subject", true, true)),
            b"one  two\n"
        );
        assert_eq!(extract(MESSAGE, &wanted("X-A", true, false)), b"1\n2\n");
        assert_eq!(extract(MESSAGE, &wanted("X-C", true, false)), b"");
    }

    #[test]
    fn caches_run_round() {
        let mut cache = Cache::default();
        assert!(!cache.knows(b" <1>", 8));
        assert!(cache.knows(b"<1>", 8));
        assert!(!cache.knows(b"<2>", 8));
        assert!(cache.knows(b"<1>", 8) && cache.knows(b"<2>", 8));
        assert!(!cache.knows(b"<3>", 8));
        assert!(!cache.knows(b"<1>", 8));
    }

    #[test]
    fn senders() {
        let of = |text: &str, trusted| {
            answered(text.as_bytes(), trusted).map(|to| String::from_utf8_lossy(&to).into_owned())
        };
        let text = "From e@x.org  Thu\nFrom: A (b) <a@x.org>\nReply-To: r@x.org (R)\n\n";
        assert_eq!(of(text, false).as_deref(), Some("e@x.org"));
        assert_eq!(of(text, true).as_deref(), Some("r@x.org"));
        assert_eq!(
            of("From: B <a b@\n x.org\n\n", true).as_deref(),
            Some("ab@x.org")
        );
        assert_eq!(of("Subject: x\n\n", true), None);
    }
}
