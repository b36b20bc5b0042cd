//! In: the name of a mailbox. Out: the folder on the server, and what must hold
//! for a message that makes the name up.

use super::path::{Known, Path};
use super::pattern::Note;
use super::shape::{Shape, is_of_word};
use super::value::compare;
use super::{Lowering, adapted, manual, note};
use crate::ledger::{Code, Verdict};
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
}

/// Stands for a part of a path that only a message decides, while the folder
/// is named; private use.
const PART: char = '\u{f8e0}';
const MAX_PARTS: u32 = 16;

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
            return Ok(Mailbox {
                place: Place::Nowhere,
                before: Vec::new(),
                unsafe_name: None,
            });
        }
        let prepared = self.value(&self.up_to_blank(&folder.path, path), path)?;
        for note in prepared.notes {
            self.find(at, note);
        }
        if path.shape(&prepared.value) == Shape::Blank {
            return Err(manual(
                Code::RuntimeFolder,
                "The folder's name is taken from the mail with the blank in front of it, and procmail ended the name there",
            ));
        }
        let blanks = |text: &String| text.matches([' ', '\t']).count();
        let written = folder.path.0.iter().map(|piece| match piece {
            Piece::Literal(text) => blanks(text),
            _ => 0,
        });
        let named = prepared.value.0.iter().map(|part| match part {
            Part::Text(text) => blanks(text),
            Part::Variable(_) => 0,
        });
        if named.sum::<usize>() > written.sum() {
            return Err(manual(
                Code::RuntimeFolder,
                "A variable in the folder's name may hold a blank, and procmail ended the name there",
            ));
        }
        let mut written = String::new();
        let mut parts: Vec<Part> = Vec::new();
        for part in path.apart(&prepared.value).0 {
            match part {
                Part::Text(text) => written.push_str(&text),
                part => {
                    let mark = char::from_u32(PART as u32 + parts.len() as u32);
                    match mark.filter(|_| (parts.len() as u32) < MAX_PARTS) {
                        Some(mark) => written.push(mark),
                        None => {
                            return Err(manual(
                                Code::RuntimeFolder,
                                "The folder's name is made of too many variables",
                            ));
                        }
                    }
                    parts.push(part);
                }
            }
        }
        let place_of = |c: char| (c as u32).wrapping_sub(PART as u32) as usize;
        // A path that is wholly a variable may be absolute; what it names is
        // then no folder.
        if written
            .chars()
            .next()
            .is_some_and(|c| place_of(c) < parts.len())
        {
            let whole = written.chars().all(|c| place_of(c) < parts.len());
            if whole && folder.format == Format::Mbox && parts.len() > 1 {
                return Err(manual(
                    Code::RuntimeFolder,
                    "The folder's name is not known before a message is there",
                ));
            }
        }
        let (name, changes) = self.naming.folder(&written, folder.format);
        let shown: String = { name.as_str().chars() }
            .map(|c| if place_of(c) < parts.len() { '…' } else { c })
            .collect();
        for change in changes {
            self.find(
                at,
                note(
                    Verdict::Adapted,
                    Code::FolderRenamed,
                    format!("The folder is called “{shown}” on the server: {change}"),
                ),
            );
        }
        if parts.is_empty() {
            let path = self.absolute(&written);
            self.folders
                .insert((path, folder.format), name.as_str().to_owned());
        }
        if name.is_inbox() {
            return Ok(Mailbox {
                place: Place::Inbox,
                before: prepared.before,
                unsafe_name: None,
            });
        }
        let mut value = Value(Vec::new());
        let mut literal = String::new();
        for c in name.as_str().chars() {
            match parts.get(place_of(c)) {
                None => literal.push(c),
                Some(part) => {
                    value.0.push(Part::Text(std::mem::take(&mut literal)));
                    value.0.push(part.clone());
                }
            }
        }
        value.0.push(Part::Text(literal));
        value.0.retain(|part| *part != Part::Text(String::new()));
        let unsafe_name = self.unsafe_name(&value, path);
        if unsafe_name.is_some() {
            self.find(at, adapted(
                Code::FolderFromMail,
                "Mail for which the folder's name would be incomplete, or lead into another directory, stays in the inbox; procmail ended the name at a blank, and the server takes all of it",
            ));
        }
        Ok(Mailbox {
            place: Place::Folder(value),
            before: prepared.before,
            unsafe_name,
        })
    }

    /// Holds where a variable makes up a name that climbs out of the folders,
    /// is none, or is the inbox.
    fn unsafe_name(&self, name: &Value, path: &Path) -> Option<Test> {
        let sources = name.0.iter().enumerate().filter(|(_, part)| match part {
            Part::Variable(variable) => !variable.starts_with(super::date::NOW),
            Part::Text(_) => false,
        });
        let separator = self.naming.separator;
        let mut patterns = vec![format!("*{separator}*"), "*..*".to_owned()];
        if separator != '/' {
            patterns.push("*/*".to_owned());
        }
        let is_whole = name.0.len() == 1;
        let mut tests = Vec::new();
        for (at, part) in sources {
            let source = Value(vec![part.clone()]);
            let shape = match is_of_word(separator) {
                true => Shape::Anything,
                false => path.shape(&source),
            };
            // One key each: sieve-rs looks at the last of several.
            let held = |by, key: &str| Test::String {
                compare: compare(by),
                sources: vec![source.clone()],
                keys: vec![Value::text(key)],
            };
            let is_anything = shape == Shape::Anything;
            if is_anything && !has_text_beside(name, at) {
                tests.push(held(Match::Is, ""));
            }
            if is_whole && shape < Shape::Name {
                tests.push(held(Match::Is, "inbox"));
            }
            if is_anything {
                tests.extend(patterns.iter().map(|key| held(Match::Matches, key)));
            }
        }
        match tests.len() {
            0 | 1 => tests.pop(),
            _ => Some(Test::AnyOf(tests)),
        }
    }
}

/// Whether a part of a folder's name has text at its side that is a name by
/// itself: `list-` in front of it, say.
fn has_text_beside(name: &Value, at: usize) -> bool {
    let is_of_name = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    let text = |at: Option<usize>| match at.and_then(|at| name.0.get(at)) {
        Some(Part::Text(text)) => text.as_str(),
        _ => "",
    };
    let before = text(at.checked_sub(1));
    before.ends_with(is_of_name) || text(Some(at + 1)).starts_with(is_of_name)
}
