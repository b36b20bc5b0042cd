//! In: the lines of a recipe as written, and the variables. Out: its flags,
//! conditions and folders.

use super::expand;
use super::path;
use super::variables::{Variables, too_long};
use crate::home::{Home, Kind};
use crate::rules::model::{
    Area, Chain, Condition, Flags, Folder, Format, Piece, Test, Text, Weight,
};
use crate::syntax::Span;

/// A condition is expanded again where its text begins with another `$`;
/// nobody writes more than two.
const MAX_EXPANSIONS: usize = 8;

/// What stands on a `:0` line.
#[derive(Debug, Default)]
pub struct Header {
    /// The flags that relate to other recipes.
    pub chain: Chain,
    /// The others.
    pub flags: Flags,
    /// What procmail skips of it.
    pub skipped: String,
    /// Why it cannot be understood.
    pub unclear: Option<&'static str>,
}

/// Reads a header, its colon included.
pub fn header(text: &str, variables: &Variables) -> Header {
    let mut header = Header::default();
    let words = expand::words(text.strip_prefix(':').unwrap_or(text), variables);
    let mut line = String::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            line.push(' ');
        }
        match word.known() {
            Some(word) => line.push_str(word),
            None if line.contains(':') => break,
            None => header.unclear = Some("its flags differ from message to message"),
        }
    }
    let digits = line.trim_start_matches([' ', '\t']);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &digits[..digits.len() - rest.len()];
    if number.trim_start_matches('0').len() > 1 {
        header.unclear = Some("it announces more than nine conditions");
    }
    let (mut head, mut body, mut feed_head, mut feed_body) = (false, false, false, false);
    for (at, flag) in rest.char_indices() {
        let (flags, chain) = (&mut header.flags, &mut header.chain);
        match flag {
            ' ' | '\t' => {}
            'H' => head = true,
            'B' => body = true,
            'D' => flags.distinguish_case = true,
            'A' => chain.also = true,
            'a' => chain.also_if_succeeded = true,
            'E' => chain.or_else = true,
            'e' => chain.on_error = true,
            'h' => feed_head = true,
            'b' => feed_body = true,
            'f' => flags.filter = true,
            'c' => flags.copy = true,
            'w' | 'W' => flags.wait = true,
            'i' => flags.ignore_errors = true,
            // Raw mode: an empty line that is missing behind the message stays so.
            'r' => {}
            // A lock makes procmail wait for the program.
            ':' => {
                flags.wait = true;
                break;
            }
            _ => {
                header.skipped = rest[at..].trim().to_owned();
                break;
            }
        }
    }
    if header.chain.on_error {
        header.chain.or_else = false;
        header.chain.also_if_succeeded = false;
    }
    header.flags.header = head || !body;
    header.flags.body = body;
    header.flags.feed_header = feed_head || !feed_body;
    header.flags.feed_body = feed_body || !feed_head;
    header
}

/// The area that conditions without one of their own look at.
pub fn area(flags: &Flags) -> Area {
    match (flags.header, flags.body) {
        (true, true) => Area::HeaderAndBody,
        (false, true) => Area::Body,
        _ => Area::Header,
    }
}

/// A condition that never holds.
pub fn never(span: Span, flags: &Flags) -> Condition {
    Condition {
        span,
        negated: true,
        weight: None,
        area: area(flags),
        test: Test::Always,
    }
}

/// Reads a condition. `span` is that of its line, `line` the text of it.
///
/// # Errors
/// Why it cannot be understood.
pub fn condition(
    span: Span,
    line: &str,
    flags: &Flags,
    variables: &Variables,
) -> Result<Condition, &'static str> {
    let blanks = [' ', '\t'];
    let line = line.strip_suffix('\n').unwrap_or(line);
    let body = line
        .strip_prefix('*')
        .unwrap_or(line)
        .trim_start_matches(blanks);
    let start = span.start + (line.len() - body.len());
    let text = body
        .split('\0')
        .next()
        .unwrap_or("")
        .trim_end_matches(blanks);
    let mut condition = Condition {
        span: Span {
            file: span.file,
            start,
            end: start + body.trim_end().len(),
        },
        negated: false,
        weight: None,
        area: area(flags),
        test: Test::Always,
    };
    let mut has_area = false;
    if body.len() >= variables.line_limit() {
        condition.negated = true;
        return Ok(condition);
    }
    // The text is what is left of `head`, and then the pieces of `tail`.
    let mut head = text.to_owned();
    let mut at = 0;
    let mut tail: Vec<Piece> = Vec::new();
    let mut expansions = 0;
    loop {
        let first = &head[at..];
        let skip_to = |rest: &str| head.len() - rest.trim_start_matches(blanks).len();
        if let Some((weight, rest)) = weight(first) {
            condition.weight = Some(weight);
            at = skip_to(rest);
        } else if let Some(rest) = first.strip_prefix('!') {
            condition.negated = !condition.negated;
            at = skip_to(rest);
        } else if let Some((name, rest)) = variable_area(first) {
            has_area = true;
            condition.area = match name {
                "H" => Area::Header,
                "B" => Area::Body,
                "HB" | "BH" => Area::HeaderAndBody,
                name => Area::Variable(name.to_owned()),
            };
            at = skip_to(rest);
        } else if let Some(rest) = first.strip_prefix('$') {
            expansions += 1;
            if expansions > MAX_EXPANSIONS {
                return Err("it is expanded over and over");
            }
            if !tail.is_empty() {
                return Err("its text is not known before a message is there");
            }
            let expanded = expand::quoted_condition(&squeeze(rest), variables);
            let mut pieces = expanded.0.into_iter().peekable();
            let literal = pieces.next_if(|piece| matches!(piece, Piece::Literal(_)));
            head = match literal {
                Some(Piece::Literal(literal)) => literal.trim_start_matches(blanks).to_owned(),
                _ => String::new(),
            };
            tail = pieces.collect();
            at = 0;
            if head.is_empty() {
                match runtime_weight(&tail) {
                    Mark::None => {}
                    Mark::Weight { weight, rest, used } => {
                        condition.weight = Some(weight);
                        head = rest;
                        tail.drain(..used);
                    }
                    Mark::Area => {
                        return Err("which text it searches differs from message to message");
                    }
                }
            }
        } else {
            break;
        }
    }
    let text = |start: &str| {
        let mut text = Text::literal(start);
        tail.iter().for_each(|piece| text.push(piece.clone()));
        text
    };
    let first = &head[at..];
    condition.test = if let Some(rest) = first.strip_prefix('?') {
        Test::Program(match tail.is_empty() {
            true => super::command::expand(rest.trim(), variables),
            false => text(rest),
        })
    } else if let Some(rest) = first.strip_prefix(['<', '>']) {
        let limit = number(match tail.is_empty() {
            true => expand::condition(rest, variables),
            false => text(rest),
        });
        if !has_area {
            condition.area = Area::HeaderAndBody;
        }
        match first.starts_with('<') {
            true => Test::Smaller(limit),
            false => Test::Larger(limit),
        }
    } else {
        let expression = text(&squeeze(first));
        match expression.0.is_empty() {
            true => Test::Always,
            false => Test::Expression(expression),
        }
    };
    Ok(condition)
}

/// A text whose first piece, if that is a literal, is replaced.
fn with_start(text: Text, start: String) -> Text {
    let mut pieces = text.0;
    if let Some(Piece::Literal(_)) = pieces.first() {
        pieces.remove(0);
    }
    let mut replaced = Text::literal(start);
    pieces.into_iter().for_each(|piece| replaced.push(piece));
    replaced
}

/// Takes the ends of continued lines out, and the blanks that the next begins
/// with.
fn squeeze(text: &str) -> String {
    let mut lines = text.split("\\\n");
    let mut joined = lines.next().unwrap_or("").to_owned();
    for line in lines {
        joined.push_str(line.trim_start_matches([' ', '\t']));
    }
    joined
}

/// `NAME ??` at the start of a condition, and what follows.
fn variable_area(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_name(c))?;
    let (name, rest) = text.split_at(end);
    let blanks = [' ', '\t'];
    let rest = rest.trim_start_matches(blanks).strip_prefix("??")?;
    Some((name, rest.trim_start_matches(blanks)))
}

/// `w^x` at the start of a condition, and what follows.
fn weight(text: &str) -> Option<(Weight, &str)> {
    let (weight, rest) = text.split_at(float(text)?);
    let rest = rest
        .trim_start_matches([' ', '\t'])
        .strip_prefix('^')?
        .trim_start();
    let (exponent, rest) = rest.split_at(float(rest)?);
    let weight = Weight {
        weight: Text::literal(weight),
        exponent: Text::literal(exponent),
    };
    Some((weight, rest))
}

/// What a condition begins with that begins with a variable.
enum Mark {
    None,
    /// `$NAME ??`.
    Area,
    /// `$NAME^x`, or `$NAME^$NAME`.
    Weight {
        weight: Weight,
        /// What is left of the last piece that was used.
        rest: String,
        /// How many pieces were used.
        used: usize,
    },
}

fn runtime_weight(pieces: &[Piece]) -> Mark {
    let blanks = [' ', '\t'];
    let [first, Piece::Literal(between), more @ ..] = pieces else {
        return Mark::None;
    };
    let between = between.trim_start_matches(blanks);
    if between.starts_with("??") {
        return Mark::Area;
    }
    let Some(exponent) = between.strip_prefix('^').map(str::trim_start) else {
        return Mark::None;
    };
    let found = match (float(exponent), more) {
        (Some(length), _) => {
            let (exponent, rest) = exponent.split_at(length);
            Some((Text::literal(exponent), rest, 2))
        }
        (None, [second, Piece::Literal(rest), ..])
            if exponent.is_empty() && rest.starts_with(blanks) =>
        {
            Some((Text(vec![second.clone()]), rest.as_str(), 4))
        }
        _ => None,
    };
    match found {
        Some((exponent, rest, used)) => Mark::Weight {
            weight: Weight {
                weight: Text(vec![first.clone()]),
                exponent,
            },
            rest: rest.trim_start_matches(blanks).to_owned(),
            used,
        },
        None => Mark::None,
    }
}

/// How long the number is that a text begins with, as strtod(3) reads it.
fn float(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let run = bytes.get(from..).unwrap_or(&[]);
        run.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(sign);
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some(end)
}

/// The whole number a text begins with, where it is known.
fn number(text: Text) -> Text {
    let Some(known) = text.known() else {
        return text;
    };
    let known = known.trim_start();
    let sign = usize::from(known.starts_with(['-', '+']));
    let digits = known[sign..].bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0 => Text::literal("0"),
        digits => Text::literal(known[..sign + digits].trim_start_matches('+')),
    }
}

/// The folders that the words of a mailbox line name; further ones only where
/// the first is a directory.
pub fn folders(
    words: Vec<Text>,
    variables: &Variables,
    home: &dyn Home,
    home_path: &str,
) -> Vec<Folder> {
    let mut folders: Vec<Folder> = Vec::new();
    for word in words {
        let is_first = folders.is_empty();
        let mut folder = folder(word, variables, home, home_path);
        let is_file = matches!(folder.format, Format::Mbox | Format::Null);
        if is_first {
            folders.push(folder);
            if is_file {
                break;
            }
        } else if folder.path.known() != Some("") {
            if is_file {
                folder.format = Format::Directory;
            }
            folders.push(folder);
        }
    }
    folders
}

/// What a mailbox's name stands for.
pub fn folder(name: Text, variables: &Variables, home: &dyn Home, home_path: &str) -> Folder {
    let (name, mut format) = unmarked(name);
    let is_relative = match name.0.first() {
        Some(Piece::Literal(first)) => !first.starts_with('/'),
        _ => false,
    };
    let path = absolute(name, variables);
    if let Some(known) = path.known() {
        if known == "/dev/null" {
            format = Format::Null;
        } else if format == Format::Mbox {
            // procmail is in `MAILDIR`, so that and what is above it are there.
            let directory = variables.directory();
            let is_above = directory.is_some_and(|inner| path::below(known, inner).is_some());
            let below = path::below(home_path, known);
            let kind = below.and_then(|below| home.kind(below));
            if is_above || matches!(kind, Some(Kind::Directory | Kind::Maildir)) {
                format = Format::Directory;
            }
        }
    }
    Folder {
        path,
        format,
        is_relative,
    }
}

/// Cuts the mark of a format off a name.
fn unmarked(mut name: Text) -> (Text, Format) {
    let is_whole = name.0.len() == 1;
    let Some(Piece::Literal(last)) = name.0.last_mut() else {
        return (name, Format::Mbox);
    };
    let format = match last.as_str() {
        // Too short for a mark, or the root.
        "/" | "/." if is_whole => Format::Mbox,
        text if text.ends_with("/.") => {
            last.truncate(last.len() - 2);
            Format::Mh
        }
        text if text.ends_with('/') => Format::Maildir,
        _ => Format::Mbox,
    };
    if format != Format::Mbox {
        last.truncate(last.trim_end_matches('/').len());
        if last.is_empty() {
            name.0.pop();
        }
    }
    (name, format)
}

/// A path seen from the directory that procmail is in.
fn absolute(path: Text, variables: &Variables) -> Text {
    let Some(directory) = variables.directory() else {
        return path;
    };
    if !variables.spend(directory.len()) {
        return too_long();
    }
    if let Some(known) = path.known() {
        return match known {
            "" => path,
            known => Text::literal(path::join(directory, known)),
        };
    }
    match path.0.first() {
        Some(Piece::Literal(first)) if !first.starts_with('/') => {
            let first = first.trim_start_matches("./").to_owned();
            let start = format!("{}/{first}", directory.trim_end_matches('/'));
            with_start(path, start)
        }
        _ => path,
    }
}
