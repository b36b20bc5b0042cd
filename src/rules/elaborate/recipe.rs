//! In: the lines of a recipe as written, and the variables. Out: its flags and
//! folders; `condition` reads its conditions.

use super::expand;
use super::variables::{Variables, too_long};
use crate::home::{Home, Kind};
use crate::rules::model::{Area, Chain, Flags, Folder, Format, Piece, Text};
use crate::rules::path;

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
