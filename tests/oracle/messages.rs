//! In: the rule files of a home. Out: messages that meet its conditions, that
//! just miss them, and that are what arrives every day.
//!
//! The conditions are read here in the simplest way, apart from the project's
//! own parsers, so that a mistake of theirs does not hide itself.

mod sample;

use super::{DOMAIN, Files, USER};
use sample::sample;
use std::collections::BTreeMap;

/// A message, with what the envelope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it came from, for a report.
    pub origin: String,
    /// The envelope sender.
    pub sender: String,
    /// Header and body.
    pub content: Vec<u8>,
}

impl Message {
    /// With the mbox `From ` line that a mailer puts above it.
    pub fn with_from_line(&self) -> Vec<u8> {
        let mut text = format!("From {}  Thu Jan  1 00:00:00 2026\n", self.sender).into_bytes();
        text.extend_from_slice(&self.content);
        text
    }

    /// Whether it could be mail: none has an address where a field has its
    /// name (`bob@example.org: x`), which conditions like `^bob@example\.org`
    /// ask for.
    pub fn is_real(&self) -> bool {
        let mut lines = self.content.split(|&byte| byte == b'\n');
        let header = lines.by_ref().take_while(|line| !line.is_empty());
        let name = |line: &[u8]| line.split(|&byte| byte == b':').next().map(<[u8]>::to_vec);
        !header.filter_map(name).any(|name| {
            let is_folded = name.first().is_some_and(|byte| b" \t".contains(byte));
            !is_folded && name.contains(&b'@')
        })
    }
}

/// Forms of a message that are one to a Sieve server: the names of fields in
/// another case, and a blank or none where there is no value.
pub fn alike(message: &Message) -> Vec<Message> {
    let end = message.content.windows(2).position(|pair| pair == b"\n\n");
    let (header, rest) = message.content.split_at(end.map_or(0, |end| end + 1));
    let names: [Named; 2] = [<[u8]>::to_vec, <[u8]>::to_ascii_lowercase];
    let forms = names
        .iter()
        .flat_map(|named| [": ", ":"].map(|empty| (named, empty)));
    let form = |(named, empty): (&Named, &str)| {
        let mut content = Vec::new();
        for line in header.split_inclusive(|&byte| byte == b'\n') {
            match line.iter().position(|&byte| byte == b':') {
                Some(colon) if !line.starts_with(b" ") && !line.starts_with(b"\t") => {
                    content.extend(named(&line[..colon]));
                    match line[colon + 1..].trim_ascii() {
                        b"" => content.extend_from_slice(format!("{empty}\n").as_bytes()),
                        _ => content.extend_from_slice(&line[colon..]),
                    }
                }
                _ => content.extend_from_slice(line),
            }
        }
        content.extend_from_slice(rest);
        Message {
            content,
            ..message.clone()
        }
    };
    forms.map(form).collect()
}

/// Writes the name of a field in another way.
type Named = fn(&[u8]) -> Vec<u8>;

/// Random numbers that are the same in every run (SplitMix64).
pub struct Random(pub u64);

impl Random {
    /// The next number below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    /// One of several.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// True once in so many.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What one condition asks for.
#[derive(Debug, Clone)]
enum Wish {
    Header(String),
    Body(String),
    Size(usize),
}

#[derive(Debug, Clone)]
struct Condition {
    negated: bool,
    wish: Wish,
}

/// The mail that arrives every day.
pub fn ordinary() -> Vec<Message> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let content = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&content).into_owned();
            let sender = text
                .lines()
                .find_map(|line| line.strip_prefix("Return-Path: <")?.strip_suffix('>'))
                .filter(|sender| !sender.is_empty())
                .unwrap_or("MAILER-DAEMON")
                .to_string();
            Message {
                origin: path.file_name().unwrap().to_string_lossy().into_owned(),
                sender,
                content,
            }
        })
        .collect()
}

/// At most `count` messages made for the rules of a home.
pub fn from_rules(files: &Files, count: usize, seed: u64) -> Vec<Message> {
    let mut random = Random(seed);
    let mut recipes = Vec::new();
    let mut variables = BTreeMap::new();
    for (name, bytes) in &files.0 {
        if !looks_like_rules(name, bytes) {
            continue;
        }
        let text = String::from_utf8(bytes.clone())
            .unwrap_or_else(|error| error.as_bytes().iter().map(|&b| b as char).collect());
        recipes.extend(read_conditions(&text, &mut variables));
    }
    if recipes.is_empty() {
        return Vec::new();
    }
    let mut messages = Vec::new();
    let mut attempts = 0;
    while messages.len() < count && attempts < count * 3 {
        let at = attempts % recipes.len();
        let round = attempts / recipes.len();
        attempts += 1;
        let mut conditions = recipes[at].clone();
        if round >= 2 && random.once_in(3) {
            conditions.extend(recipes[random.below(recipes.len())].clone());
        }
        let miss = (round % 2 == 1).then(|| random.below(conditions.len()));
        messages.extend(compose(&conditions, miss, &mut random, at));
    }
    messages
}

fn looks_like_rules(name: &str, bytes: &[u8]) -> bool {
    name.ends_with("rc")
        || bytes
            .split(|&byte| byte == b'\n')
            .any(|line| line.starts_with(b":0"))
}

/// The conditions of each recipe, variables put in.
fn read_conditions(text: &str, variables: &mut BTreeMap<String, String>) -> Vec<Vec<Condition>> {
    let mut recipes = Vec::new();
    let mut recipe: Vec<Condition> = Vec::new();
    let mut body = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_start().to_string();
        while line.ends_with('\\') && !line.ends_with("\\\\") {
            line.pop();
            match lines.next() {
                Some(next) => line.push_str(next),
                None => break,
            }
        }
        if let Some(condition) = line.strip_prefix('*') {
            recipe.extend(read_condition(condition.trim(), body, variables));
            continue;
        }
        if !recipe.is_empty() && !line.starts_with('#') {
            recipes.push(std::mem::take(&mut recipe));
        }
        if let Some(flags) = line.strip_prefix(':') {
            let flags = flags.split(':').next().unwrap_or("");
            body = flags.contains('B') && !flags.contains('H');
        }
        if let Some((name, value)) = line.split_once('=')
            && name
                .trim()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            let value = value.trim();
            let value = match value.as_bytes() {
                [quote @ (b'"' | b'\''), ..] => value[1..].split(*quote as char).next(),
                _ => value.split_whitespace().next(),
            };
            let value = expand(value.unwrap_or(""), variables);
            variables.insert(name.trim().to_string(), value);
        }
    }
    recipes
}

fn read_condition(
    text: &str,
    mut body: bool,
    variables: &BTreeMap<String, String>,
) -> Option<Condition> {
    let mut text = text.to_string();
    let mut negated = false;
    loop {
        let rest = text.trim_start();
        if let Some(rest) = rest.strip_prefix('!') {
            negated = !negated;
            text = rest.to_string();
        } else if let Some(rest) = rest.strip_prefix('$') {
            text = expand(rest, variables);
        } else if let Some((area, rest)) = rest.split_once("??")
            && area
                .trim()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            match area.trim() {
                "B" => body = true,
                "H" | "HB" | "BH" => body = false,
                _ => return None,
            }
            text = rest.to_string();
        } else if let Some((weight, rest)) = rest.split_once(char::is_whitespace)
            && let Some((w, x)) = weight.split_once('^')
            && w.parse::<f64>().is_ok()
            && x.parse::<f64>().is_ok()
        {
            text = rest.to_string();
        } else {
            text = rest.to_string();
            break;
        }
    }
    let wish = match text.as_bytes() {
        [] | [b'?', ..] => return None,
        [b'<' | b'>', rest @ ..] => {
            Wish::Size(std::str::from_utf8(rest).ok()?.trim().parse().ok()?)
        }
        _ if body => Wish::Body(text),
        _ => Wish::Header(text),
    };
    Some(Condition { negated, wish })
}

/// Puts known variables in, `$\NAME` quoted.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let quoted = after.starts_with('\\');
        let after = after.strip_prefix('\\').unwrap_or(after);
        let braced = after.starts_with('{');
        let name = after.strip_prefix('{').unwrap_or(after);
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        let value = variables.get(&name[..end]).map(String::as_str);
        match (&name[..end], value) {
            ("", _) => {
                result.push('$');
                rest = &rest[at + 1..];
                continue;
            }
            ("LOGNAME" | "USER", None) => result.push_str(USER),
            (_, Some(value)) if quoted => {
                for c in value.chars() {
                    if !c.is_ascii_alphanumeric() {
                        result.push('\\');
                    }
                    result.push(c);
                }
            }
            (_, value) => result.push_str(value.unwrap_or("")),
        }
        rest = &name[end..];
        if braced {
            rest = rest.split_once('}').map_or("", |(_, rest)| rest);
        }
    }
    result.push_str(rest);
    result
}

/// A message that meets conditions; `miss` names one that it is to miss.
fn compose(
    conditions: &[Condition],
    miss: Option<usize>,
    random: &mut Random,
    recipe: usize,
) -> Option<Message> {
    let number = random.below(1 << 30);
    let mut sender = random
        .pick(&[
            "alice@example.com",
            "bob@lists.example.net",
            "carol@example.net",
            "dave@example.com",
            "owner-x@example.com",
        ])
        .to_string();
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let mut body = b"Dear reader,\n\nthis is an ordinary body of a message.\n".to_vec();
    let mut size = None;
    let mut preset =
        |name: &str, value: String| fields.push((name.to_string(), value.into_bytes()));
    preset(
        "Received",
        format!("from mx.example.com by {DOMAIN}; Thu, 1 Jan 2026 00:00:00 +0000"),
    );
    preset("From", format!("Some One <{sender}>"));
    preset(
        "To",
        random
            .pick(&[
                "u@example.org",
                "\"A User\" <u@example.org>",
                "u+tag@example.org, x@example.com",
                "undisclosed-recipients:;",
            ])
            .to_string(),
    );
    preset(
        "Subject",
        random
            .pick(&["Hello", "Re: meeting", "news", ""])
            .to_string(),
    );
    preset("Date", "Thu, 01 Jan 2026 00:00:00 +0000".to_string());
    preset("Message-ID", format!("<{number}.telling@mail.example.com>"));
    for (at, condition) in conditions.iter().enumerate() {
        let missed = miss == Some(at);
        if condition.negated != missed && condition.negated {
            continue;
        }
        match &condition.wish {
            Wish::Size(limit) => {
                let distance = limit / 20 + 200;
                size = Some(if random.once_in(2) {
                    limit + distance
                } else {
                    limit.saturating_sub(distance)
                });
            }
            Wish::Body(expression) => {
                let mut text = sample(expression, random);
                if missed {
                    text = spoil(&text, random);
                }
                body.extend_from_slice(b"Look: ");
                body.extend_from_slice(&text);
                body.push(b'\n');
            }
            Wish::Header(expression) => {
                let mut text = sample(expression, random);
                if missed && !condition.negated {
                    text = spoil(&text, random);
                }
                place(&text, &mut fields, &mut sender, random);
            }
        }
    }
    vary(&mut fields, random);
    let mut content = Vec::new();
    for (name, value) in &fields {
        content.extend_from_slice(name.as_bytes());
        content.push(b':');
        if !value.is_empty() {
            content.push(b' ');
        }
        content.extend_from_slice(value);
        content.push(b'\n');
    }
    content.push(b'\n');
    if !random.once_in(30) {
        content.extend_from_slice(&body);
    }
    if let Some(size) = size.filter(|size| *size < 2_000_000) {
        while content.len() + 61 < size {
            content.extend_from_slice(&[b'x'; 60]);
            content.push(b'\n');
        }
    }
    content.extend_from_slice(format!("The end of message {number}\n").as_bytes());
    let sort = if miss.is_some() {
        "near miss"
    } else {
        "sample"
    };
    Some(Message {
        origin: format!("{sort} for recipe {recipe}"),
        sender,
        content,
    })
}

/// Puts a sampled text where a header expression would find it.
fn place(
    text: &[u8],
    fields: &mut Vec<(String, Vec<u8>)>,
    sender: &mut String,
    random: &mut Random,
) {
    let anchored = text.first() == Some(&b'\n');
    for line in text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        if anchored && let Some(envelope) = line.strip_prefix(b"From ") {
            let word = envelope
                .split(|byte| byte.is_ascii_whitespace())
                .find(|word| !word.is_empty());
            let word = String::from_utf8_lossy(word.unwrap_or_default());
            let word = word.trim_end_matches(['.', '-']).to_string();
            let plain = word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"@.-_+=".contains(&b));
            if plain && !word.is_empty() {
                *sender = match word.split_once('@') {
                    Some((local, domain)) if is_local(local) && !domain.is_empty() => word,
                    Some((local, _)) if is_local(local) => format!("{local}@example.net"),
                    Some((_, "")) => "someone@example.net".to_owned(),
                    Some((_, domain)) => format!("someone@{domain}"),
                    None if is_local(&word) => format!("{word}@example.net"),
                    None => format!("someone@{}", word.replace('.', "")),
                };
            }
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let name = colon
            .map(|colon| &line[..colon])
            .filter(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic));
        let (name, value) = match name {
            Some(name) => (
                String::from_utf8_lossy(name).into_owned(),
                line[name.len() + 1..].to_vec(),
            ),
            None if anchored && line.iter().all(u8::is_ascii_graphic) => (
                String::from_utf8_lossy(line).into_owned(),
                b" something".to_vec(),
            ),
            None => (
                random
                    .pick(&[
                        "Subject", "From", "To", "Cc", "X-Info", "List-Id", "Sender", "Subject",
                    ])
                    .to_string(),
                line.to_vec(),
            ),
        };
        let value = value
            .strip_prefix(b" ")
            .map_or(value.clone(), <[u8]>::to_vec);
        let addresses = ["from", "to", "cc", "sender", "reply-to"];
        let value =
            match addresses.contains(&name.to_lowercase().as_str()) && !value.contains(&b'@') {
                true if random.once_in(2) && value.iter().all(|b| b.is_ascii_alphanumeric()) => {
                    [&value[..], b"@example.net"].concat()
                }
                true => [&value[..], b" <someone@example.net>"].concat(),
                false => value,
            };
        let known = fields
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(&name));
        match known {
            Some(at) if !random.once_in(8) => fields[at] = (name, value),
            _ => fields.push((name, value)),
        }
    }
}

/// Whether it can stand in front of the `@` of an address as it is.
fn is_local(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty())
}

/// Small oddities that mail has.
fn vary(fields: &mut Vec<(String, Vec<u8>)>, random: &mut Random) {
    match random.below(24) {
        0 => {
            // A field folded at one of its blanks.
            let at = random.below(fields.len());
            if let Some(blank) = fields[at].1.iter().position(|&byte| byte == b' ') {
                fields[at].1.splice(blank..blank, *b"\n");
            }
        }
        1 => fields.push(("X-Empty".to_string(), Vec::new())),
        2 => fields.push((
            "Subject".to_string(),
            b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=".to_vec(),
        )),
        3 => fields.push(("X-Raw".to_string(), b"caf\xe9".to_vec())),
        4 => fields.push((
            "Received".to_string(),
            b"from a by b; Thu, 1 Jan 2026 00:00:00 +0000".to_vec(),
        )),
        5 => fields.push(("x-odd.name_1".to_string(), b"value".to_vec())),
        6 => {
            if let Some((name, _)) = fields.iter_mut().find(|(name, _)| name == "Subject") {
                *name = "SUBJECT".to_string();
            }
        }
        7 => fields.retain(|(name, _)| name != "To"),
        _ => {}
    }
}

/// A text that just misses.
fn spoil(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    let letters: Vec<usize> = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_alphanumeric())
        .map(|(at, _)| at)
        .collect();
    if letters.is_empty() {
        return text;
    }
    let at = letters[random.below(letters.len())];
    match random.below(6) {
        0 => {
            text.remove(at);
        }
        1 => text[at] = b'q',
        2 => text.insert(at, b'z'),
        3 => text.insert(at, b' '),
        4 => text = text.iter().map(u8::to_ascii_uppercase).collect(),
        _ => {
            let start = usize::from(text.first() == Some(&b'\n'));
            text.splice(start..start, *b"X-");
        }
    }
    text
}
