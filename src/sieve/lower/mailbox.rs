//! In: the name of a mailbox. Out: the folder on the server, and what must hold
//! for a message that makes the name up.

use super::Lowering;
use super::path::{Known, Path};
use super::shape::{Shape, is_of_word};
use crate::ledger::{Code, Note, Verdict};
use crate::rules::model::{Folder, Format, Piece, StatementId, Text};
use crate::sieve::script::{Command, Match, Part, Test, Value};

/// Where a mailbox leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Inbox,
    Folder(Value),
    Nowhere,
}

/// A mailbox, and what must run before the message is filed into it.
pub(super) struct Mailbox {
    pub place: Place,
    pub before: Vec<Command>,
    /// Holds where the folder's name, which the message makes up, is none.
    pub unsafe_name: Option<Test>,
    /// What the folder is called where a blank in the message ends its name.
    pub ended: Vec<(Test, Value)>,
}

impl Mailbox {
    fn at(place: Place, before: Vec<Command>) -> Self {
        Mailbox {
            place,
            before,
            unsafe_name: None,
            ended: Vec::new(),
        }
    }
}

/// The name of a mailbox with marks for what only a message decides, and what that is.
#[derive(Debug, Clone, Default)]
struct Written {
    path: String,
    parts: Vec<Part>,
    /// The parts that end the name at a blank in them.
    bare: Vec<usize>,
}

impl Written {
    /// Stands for a part that only a message decides, while the folder is named;
    /// private use.
    const FIRST: u32 = 0xf8e0;
    const MOST_PARTS: usize = 16;

    /// # Errors
    /// It has too many parts.
    fn push(&mut self, part: Part, is_bare: bool) -> Result<(), Note> {
        if let Part::Text(text) = part {
            self.path.push_str(&text);
            return Ok(());
        }
        let number = self.parts.len();
        // One mark more is for where a blank ends the name.
        if number + 1 == Self::MOST_PARTS {
            return Err(Note::manual(
                Code::RuntimeFolder,
                "The folder's name is made of too many variables",
            ));
        }
        self.path.push(Self::mark(number));
        self.parts.push(part);
        self.bare.extend(is_bare.then_some(number));
        Ok(())
    }

    fn mark(number: usize) -> char {
        char::from_u32(Self::FIRST + number as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn number(sign: char) -> usize {
        (sign as u32).wrapping_sub(Self::FIRST) as usize
    }

    /// What a sign stands for.
    fn part(&self, sign: char) -> Option<&Part> {
        self.parts.get(Self::number(sign))
    }

    fn is_only_parts(&self) -> bool {
        self.path.chars().all(|sign| self.part(sign).is_some())
    }

    /// Whether what stands so far is the name of a mailbox without a mark of another
    /// format.
    fn names_a_file(&self) -> bool {
        let path = self.path.as_str();
        !matches!(path, "" | ".") && !path.ends_with('/') && !path.ends_with("/.")
    }

    /// A name with these marks in it.
    fn value(&self, name: &str) -> Value {
        let mut value = Value(Vec::new());
        let mut literal = String::new();
        for sign in name.chars() {
            match self.part(sign) {
                None => literal.push(sign),
                Some(part) => {
                    value.0.push(Part::Text(std::mem::take(&mut literal)));
                    value.0.push(part.clone());
                }
            }
        }
        value.0.push(Part::Text(literal));
        value.0.retain(|part| *part != Part::Text(String::new()));
        value
    }
}

impl Lowering<'_> {
    /// The name of a mailbox up to the first blank in the value of a variable that
    /// stands without quotes, where that is known.
    fn up_to_blank(&self, name: &Text, path: &Path) -> Text {
        let mut read = Text::default();
        for piece in &name.0 {
            if let Piece::Variable(variable) = piece
                && let Known::Text(value) = self.known(variable, path)
                && let Some(blank) = value.find([' ', '\t', '\n'])
                && (blank > 0 || !read.0.is_empty())
            {
                read.push(Piece::Literal(value[..blank].to_owned()));
                return read;
            }
            read.push(piece.clone());
        }
        read
    }

    /// Where a mailbox leads on the new server.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub(super) fn mailbox(
        &mut self,
        at: StatementId,
        folder: &Folder,
        path: &Path,
    ) -> Result<Mailbox, Note> {
        if folder.format == Format::Null {
            return Ok(Mailbox::at(Place::Nowhere, Vec::new()));
        }
        let mut before = Vec::new();
        let mut written = Written::default();
        let mut format = folder.format;
        'name: for piece in self.up_to_blank(&folder.path, path).0 {
            let is_bare = piece.splits();
            let prepared = self.value(&Text(vec![piece.clone()]), path)?;
            before.extend(prepared.before);
            self.find_all(at, prepared.notes);
            let value = prepared.value;
            let is_static =
                |part: &Part| matches!(part, Part::Text(text) if text.contains([' ', '\t']));
            let ends = path.shape(&value) == Shape::Blank || value.0.iter().any(is_static);
            if is_bare && ends && !written.names_a_file() {
                return Err(Note::manual(
                    Code::RuntimeFolder,
                    "A variable in the folder's name holds a blank, and procmail ended the name there",
                ));
            }
            for part in path.apart(&value).0 {
                if is_bare
                    && let Part::Text(text) = &part
                    && let Some((front, _)) = text.split_once([' ', '\t'])
                {
                    written.path.push_str(front);
                    format = Format::Mbox;
                    break 'name;
                }
                written.push(part, is_bare)?;
            }
        }
        // A path that is wholly a variable may be absolute; what it names is
        // then no folder.
        if written.is_only_parts() && format == Format::Mbox && written.parts.len() > 1 {
            return Err(Note::manual(
                Code::RuntimeFolder,
                "The folder's name is not known before a message is there",
            ));
        }
        let (name, changes) = self.naming.folder(&written.path, format);
        let shown: String = name
            .as_str()
            .chars()
            .map(|c| if written.part(c).is_some() { '…' } else { c })
            .collect();
        for change in changes {
            self.find(
                at,
                Note::new(
                    Verdict::Adapted,
                    Code::FolderRenamed,
                    format!("The folder is called “{shown}” on the server: {change}"),
                ),
            );
        }
        if written.parts.is_empty() {
            let path = self.absolute(&written.path);
            self.folders
                .insert((path, format), name.as_str().to_owned());
        }
        if name.is_inbox() {
            return Ok(Mailbox::at(Place::Inbox, before));
        }
        let value = written.value(name.as_str());
        let unsafe_name = self.unsafe_name(&value, path);
        if unsafe_name.is_some() {
            self.find(at, Note::adapted(
                Code::FolderFromMail,
                "Mail for which the folder's name would be incomplete, or lead into another directory, stays in the inbox",
            ));
        }
        Ok(Mailbox {
            unsafe_name,
            ended: self.ended_by_blank(&written, path),
            ..Mailbox::at(Place::Folder(value), before)
        })
    }

    /// A blank that a message brings into the name of a mailbox ends it, and without a
    /// mark of another format behind it, it is that of an mbox.
    fn ended_by_blank(&self, written: &Written, path: &Path) -> Vec<(Test, Value)> {
        let mut ended: Vec<(Test, Value)> = Vec::new();
        for (at, sign) in written.path.char_indices() {
            let Some(part) = written.part(sign) else {
                continue;
            };
            let source = Value(vec![part.clone()]);
            if !written.bare.contains(&Written::number(sign))
                || is_of_clock(part)
                || path.shape(&source) > Shape::Anything
            {
                continue;
            }
            let test = Test::String {
                compare: Match::Matches.into(),
                sources: vec![source],
                key: Value::text("* *"),
            };
            if ended.iter().any(|(earlier, _)| *earlier == test) {
                continue;
            }
            let (front, _) = written.path.split_at(at);
            let mut ends = written.clone();
            ends.path = format!("{front}{}", Written::mark(written.parts.len()));
            ends.parts.push(Part::Variable("1".to_owned()));
            let (name, _) = self.naming.folder(&ends.path, Format::Mbox);
            ended.push((test, ends.value(name.as_str())));
        }
        ended
    }

    /// Holds where a variable makes up a name that climbs out of the folders,
    /// is none, or is the inbox.
    fn unsafe_name(&self, name: &Value, path: &Path) -> Option<Test> {
        let sources = name
            .0
            .iter()
            .enumerate()
            .filter(|(_, part)| matches!(part, Part::Variable(_)) && !is_of_clock(part));
        let separator = self.naming.separator;
        let mut patterns = vec![format!("*{separator}*"), "*..*".to_owned()];
        if separator != '/' {
            patterns.push("*/*".to_owned());
        }
        let is_whole = name.0.len() == 1;
        let mut tests: Vec<Test> = Vec::new();
        for (at, part) in sources {
            let source = Value(vec![part.clone()]);
            let shape = match is_of_word(separator) {
                true => path.shape(&source).min(Shape::Path),
                false => path.shape(&source),
            };
            let held = |by: Match, key: &str| Test::String {
                compare: by.into(),
                sources: vec![source.clone()],
                key: Value::text(key),
            };
            let mut own = Vec::new();
            if shape <= Shape::Path && !has_text_before(name, at) {
                own.extend((!has_text_behind(name, at)).then(|| held(Match::Is, "")));
                // A blank ends the name.
                own.extend((shape == Shape::Anything).then(|| held(Match::Matches, " *")));
            }
            if is_whole && shape < Shape::Name {
                own.push(held(Match::Is, "inbox"));
            }
            if shape <= Shape::Path {
                own.extend(patterns.iter().map(|key| held(Match::Matches, key)));
            }
            own.retain(|test| !tests.contains(test));
            tests.extend(own);
        }
        match tests.len() {
            0 | 1 => tests.pop(),
            _ => Some(Test::AnyOf(tests)),
        }
    }
}

/// Whether a part of a name is what a clock says.
fn is_of_clock(part: &Part) -> bool {
    matches!(part, Part::Variable(name) if super::names::is_of_clock(name))
}

/// Whether text that is a name by itself stands in front of a part of a folder's
/// name: `list-`, say.
fn has_text_before(name: &Value, at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| name.0.get(at));
    matches!(before, Some(Part::Text(text)) if text.ends_with(is_of_name))
}

/// As above, behind it.
fn has_text_behind(name: &Value, at: usize) -> bool {
    matches!(name.0.get(at + 1), Some(Part::Text(text)) if text.starts_with(is_of_name))
}

fn is_of_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || "-_".contains(sign)
}
