//! In: a call of formail. Out: what it does to the header, or prints of it
//! (formail(1)).

use super::arguments::{Call, Flag};
use super::send::Reply;
use super::{BodyPart, Meaning, Recipients, Source, Whom, printed};
use crate::rules::model::{Piece, Text};

/// A change to the header. Names are without colon, values are all that stands
/// behind it, blanks and all; with nothing there, only `-a` adds a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit<V = Text> {
    /// `-A`: the field is added.
    Add {
        /// Field.
        name: String,
        /// Its value.
        value: V,
    },
    /// `-a`: the field is added, unless there is one.
    AddIfAbsent {
        /// Field.
        name: String,
        /// Its value.
        value: V,
    },
    /// `-I`: the field is put in place of those there are. With nothing behind
    /// its colon, not even a blank, it takes none's place.
    Replace {
        /// Field.
        name: String,
        /// Its value.
        value: V,
    },
    /// `-i`: the same, but those there are stay, as `Old-` fields.
    ReplaceKeeping {
        /// Field.
        name: String,
        /// Its value.
        value: V,
    },
    /// `-R old new`: the field is renamed.
    Rename {
        /// Old name.
        from: String,
        /// New name.
        to: String,
    },
    /// `-u`: all but the first of the fields are deleted.
    KeepFirst {
        /// Field.
        name: String,
    },
    /// `-U`: all but the last of the fields are deleted.
    KeepLast {
        /// Field.
        name: String,
    },
    /// `-I "From "`: the line of the mbox format, which has the sender of the
    /// envelope, is made anew from the header.
    Sender,
}

impl<V> Edit<V> {
    /// The same, where its value is put otherwise.
    pub fn with<W>(&self, value_of: &mut dyn FnMut(&V) -> W) -> Edit<W> {
        let mut add = |name: &String, value: &V| (name.clone(), value_of(value));
        match self {
            Edit::Add { name, value } => {
                let (name, value) = add(name, value);
                Edit::Add { name, value }
            }
            Edit::AddIfAbsent { name, value } => {
                let (name, value) = add(name, value);
                Edit::AddIfAbsent { name, value }
            }
            Edit::Replace { name, value } => {
                let (name, value) = add(name, value);
                Edit::Replace { name, value }
            }
            Edit::ReplaceKeeping { name, value } => {
                let (name, value) = add(name, value);
                Edit::ReplaceKeeping { name, value }
            }
            Edit::Rename { from, to } => Edit::Rename {
                from: from.clone(),
                to: to.clone(),
            },
            Edit::KeepFirst { name } => Edit::KeepFirst { name: name.clone() },
            Edit::KeepLast { name } => Edit::KeepLast { name: name.clone() },
            Edit::Sender => Edit::Sender,
        }
    }

    /// The fields that it changes.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Edit::Add { name, .. }
            | Edit::AddIfAbsent { name, .. }
            | Edit::Replace { name, .. }
            | Edit::ReplaceKeeping { name, .. }
            | Edit::KeepFirst { name }
            | Edit::KeepLast { name } => vec![name],
            Edit::Rename { from, to } => vec![from, to],
            Edit::Sender => vec![SENDER],
        }
    }
}

impl Edit {
    /// Whether it takes a field away, and does nothing else.
    fn deletes(&self, field: &str) -> bool {
        matches!(self, Edit::Replace { name, value }
            if name.eq_ignore_ascii_case(field) && value.known() == Some(""))
    }
}

/// The line of the mbox format, by the name that formail has for it.
pub const SENDER: &str = "from ";

/// A field, or several, that is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The names, without colon.
    pub names: Vec<String>,
    /// What stands without a colon: every field whose name begins so is printed.
    pub beginnings: Vec<String>,
    /// `-X`: with the name before the value.
    pub with_name: bool,
    /// `-z`: blanks around the value are cut off.
    pub trimmed: bool,
    /// `-c`: folded fields are one line.
    pub joined: bool,
}

impl Field {
    /// Whether what it prints holds the line of the mbox format, which has the
    /// sender of the envelope: `-x From`.
    pub fn has_sender(&self) -> bool {
        let begins = |text: &String| SENDER.starts_with(&text.to_ascii_lowercase());
        self.beginnings.iter().any(begins)
    }
}

/// A call of formail, its options sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Formail {
    pub edits: Vec<Edit>,
    pub reply: bool,
    pub trust: bool,
    pub keep_body: bool,
    printed: Vec<(String, bool)>,
    beginnings: Vec<String>,
    trimmed: bool,
    joined: bool,
    cache: Option<(Option<u64>, Text)>,
}

pub(super) fn of_call(call: &Call) -> Option<Meaning> {
    let formail = Formail::read(call)?;
    if let Some((bytes, cache)) = formail.cache {
        return Some(Meaning::Duplicate {
            bytes,
            cache,
            by_sender: formail.reply,
        });
    }
    if !formail.printed.is_empty() || !formail.beginnings.is_empty() {
        return printed::alone(call).map(Meaning::Printed);
    }
    if formail.reply {
        return Some(Meaning::AutoReply(Reply {
            edits: formail.edits,
            trust: formail.trust,
            body: match formail.keep_body {
                true => vec![BodyPart::Message],
                false => Vec::new(),
            },
            to: Recipients::Header,
            sent: false,
        }));
    }
    // It takes all fields out that have no value.
    if formail.trimmed {
        return None;
    }
    Some(match formail.edits.is_empty() {
        true => Meaning::PassThrough,
        false => Meaning::HeaderEdit(formail.edits),
    })
}

/// `formail +1 -ds`, `formail -s cat`: the mails of a digest are printed one
/// after the other.
pub(super) fn splits(call: &Call) -> bool {
    let mut words = call.arguments.iter();
    let splits = |word: &Text| {
        let letters = word.known().and_then(|word| word.strip_prefix('-'));
        letters.is_some_and(|letters| {
            letters.ends_with('s') && letters.bytes().all(|b| b"bdeqYs".contains(&b))
        })
    };
    let skips = |word: &Text| word.known().is_some_and(|word| word.starts_with('+'));
    words.by_ref().find(|word| !skips(word)).is_some_and(splits)
        && words.all(|word| word.known() == Some("cat"))
}

impl Formail {
    /// Reads the options; `None` where it splits mail or does something else
    /// that a rule has no use for.
    pub fn read(call: &Call) -> Option<Formail> {
        let mut formail = Formail::default();
        // `-D size file` has its file in the next word, `-R` its second name.
        let mut flags = call.options("xXaAiIuURDlmp", "DR")?.into_iter();
        while let Some(Flag { letter, value }) = flags.next() {
            match letter {
                'r' => formail.reply = true,
                't' => formail.trust = true,
                'k' => formail.keep_body = true,
                'z' => formail.trimmed = true,
                'c' => formail.joined = true,
                'b' | 'f' | 'q' | 'Y' | 'l' | 'p' => {}
                'x' | 'X' => {
                    let written = value.as_ref()?.known()?;
                    // Behind a blank, it is the line of the mbox format alone.
                    if written == "From " {
                        formail.beginnings.push(written.to_owned());
                        continue;
                    }
                    let name = field_name(written)?;
                    if !written.contains(':') {
                        formail.beginnings.push(name.clone());
                    }
                    let is_new = |(other, _): &(String, bool)| !other.eq_ignore_ascii_case(&name);
                    if formail.printed.iter().all(is_new) {
                        formail.printed.push((name, letter == 'X'));
                    }
                }
                'D' => {
                    let bytes = value?.known().and_then(|bytes| bytes.parse().ok());
                    formail.cache = Some((bytes, flags.next()?.value?));
                }
                'R' => {
                    let from = field_name(value?.known()?)?;
                    let to = field_name(flags.next()?.value?.known()?)?;
                    formail.edits.push(Edit::Rename { from, to });
                }
                'i' | 'I' if is_mbox_line(value.as_ref()?) => formail.edits.push(Edit::Sender),
                // There is one.
                'a' | 'A' if is_mbox_line(value.as_ref()?) => {}
                'a' | 'A' | 'i' | 'I' | 'u' | 'U' => formail.edits.extend(edit(letter, &value?)?),
                _ => return None,
            }
        }
        // It refuses to keep the body of what is no reply.
        (formail.reply || !formail.keep_body).then_some(formail)
    }

    /// Whether all it does is to print the line of the mbox format.
    pub fn prints_mbox_line(&self) -> bool {
        let alone = self.edits.is_empty() && !self.reply && self.cache.is_none();
        alone && self.printed.is_empty() && !self.beginnings.is_empty()
    }

    /// What is printed, where that is all it does.
    pub fn source(self) -> Option<Source> {
        if !self.reply {
            return self.field().map(Source::Field);
        }
        let prints_sender = matches!(self.printed.as_slice(), [(name, false)]
            if name.eq_ignore_ascii_case("to"));
        let whom = match (self.trust, self.edits.as_slice()) {
            (false, []) => Whom::Sender,
            (true, []) => Whom::Named,
            (true, [edit]) if edit.deletes("Reply-To") => Whom::Author,
            _ => return None,
        };
        (prints_sender && self.cache.is_none()).then_some(Source::Sender {
            whom,
            trimmed: self.trimmed,
        })
    }

    /// The field or fields that are printed, where that is all it does.
    pub fn field(self) -> Option<Field> {
        let (_, with_name) = self.printed.first()?.clone();
        let alike = self.printed.iter().all(|(_, with)| *with == with_name);
        let only = self.edits.is_empty() && !self.reply && self.cache.is_none();
        (alike && only).then(|| Field {
            names: self.printed.into_iter().map(|(name, _)| name).collect(),
            beginnings: self.beginnings,
            with_name,
            trimmed: self.trimmed,
            joined: self.joined,
        })
    }
}

fn is_mbox_line(field: &Text) -> bool {
    matches!(field.0.first(), Some(Piece::Literal(text)) if text.starts_with("From "))
}

/// `Name: value` and what an option does with it: nothing, where there is none
/// to be added.
fn edit(letter: char, field: &Text) -> Option<Option<Edit>> {
    let (Piece::Literal(first), rest) = field.0.split_first()? else {
        return None;
    };
    let (name, start) = match first.split_once(':') {
        Some((name, start)) => (name, start),
        // Without a colon, it is the beginning of names.
        None => return None,
    };
    // Behind a blank, formail finds no name.
    if name.ends_with([' ', '\t']) {
        return None;
    }
    let name = field_name(name)?;
    let mut value = Text::literal(start);
    rest.iter().for_each(|piece| value.push(piece.clone()));
    Some(Some(match letter {
        'A' if value.known() == Some("") => return Some(None),
        'A' => Edit::Add { name, value },
        'a' => Edit::AddIfAbsent { name, value },
        'I' => Edit::Replace { name, value },
        'i' => Edit::ReplaceKeeping { name, value },
        'u' => Edit::KeepFirst { name },
        _ => Edit::KeepLast { name },
    }))
}

/// A field name without its colon. RFC 5322 (§2.2) allows more signs in one;
/// mail has none of them, and servers refuse them.
fn field_name(text: &str) -> Option<String> {
    let name = text.trim().trim_end_matches(':');
    is_field_name(name).then(|| name.to_owned())
}

/// Whether mail has fields of such a name.
pub fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
