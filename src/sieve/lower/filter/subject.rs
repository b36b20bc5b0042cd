//! In: a text of an Exim filter that differs from message to message. Out: what
//! of the message it is.

use super::compared::{Compared, Wanted};
use super::condition::{Asked, has_name, unasked};
use crate::ledger::Note;
use crate::rules::model::filter::Comparison;
use crate::rules::model::{Piece, Text};
use crate::sieve::script::{AddressPart, Test, Value};

/// Where a text comes from.
pub(super) enum Subject<'a> {
    Known(String),
    /// One field, decoded.
    Field(&'a str),
    /// Fields and text.
    Fields(Fields),
    /// The sender of the envelope.
    Sender(AddressPart),
    /// What stands behind the user's name in the address.
    Suffix,
    Body,
    Size,
    /// An address out of a list.
    ThisAddress,
}

/// Fields put together.
pub(super) struct Fields {
    pub names: Vec<String>,
    /// The text before the first of them, between them, and behind the last.
    between: Vec<String>,
    /// One of them is taken as it is written.
    is_raw: bool,
}

pub(super) fn subject(text: &Text) -> Result<Subject<'_>, Note> {
    if let Some(known) = text.known() {
        return Ok(Subject::Known(known.to_owned()));
    }
    if let [Piece::Variable(name)] = text.0.as_slice() {
        if let Some((field, false)) = field(name) {
            return Ok(Subject::Field(field));
        }
        match name.as_str() {
            "sender_address" | "return_path" => return Ok(Subject::Sender(AddressPart::All)),
            "sender_address_local_part" => return Ok(Subject::Sender(AddressPart::Localpart)),
            "sender_address_domain" => return Ok(Subject::Sender(AddressPart::Domain)),
            "local_part_suffix" => return Ok(Subject::Suffix),
            "message_body" => return Ok(Subject::Body),
            "message_size" => return Ok(Subject::Size),
            "thisaddress" => return Ok(Subject::ThisAddress),
            _ => {}
        }
    }
    let mut fields = Fields {
        names: Vec::new(),
        between: Vec::new(),
        is_raw: false,
    };
    let mut before = String::new();
    for piece in &text.0 {
        match piece {
            Piece::Literal(text) => before.push_str(text),
            Piece::Variable(name) => {
                let Some((name, is_raw)) = field(name) else {
                    return Err(unasked(format!(
                        "The rules of the new server cannot ask for ${name}"
                    )));
                };
                fields.names.push(name.to_owned());
                fields.between.push(std::mem::take(&mut before));
                fields.is_raw |= is_raw;
            }
            Piece::Opaque(text) => {
                return Err(unasked(format!(
                    "The rules of the new server cannot work out {text}"
                )));
            }
            _ => {
                return Err(unasked(
                    "The rules of the new server cannot work out this text",
                ));
            }
        }
    }
    fields.between.push(before);
    Ok(Subject::Fields(fields))
}

/// The name of a field, of a variable that holds its value, and whether that is
/// as it is written.
fn field(variable: &str) -> Option<(&str, bool)> {
    let (name, is_raw) = match variable.strip_prefix("h_") {
        Some(name) => (name, false),
        None => (variable.strip_prefix("rh_")?, true),
    };
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    is_name.then_some((name, is_raw))
}

impl Fields {
    /// Whether they are one list of addresses.
    pub fn is_list(&self) -> bool {
        let is_empty = |text: &String| text.chars().all(|c| ", \n".contains(c));
        let are_apart = self.gaps().iter().all(|text| text.contains(','));
        !self.is_raw && are_apart && self.between.iter().all(is_empty)
    }

    /// What stands between two fields.
    fn gaps(&self) -> &[String] {
        match self.between.as_slice() {
            [_, gaps @ .., _] => gaps,
            _ => &[],
        }
    }

    /// Several fields as one text: only what can lie in one of them is asked.
    pub fn compared(&self, compared: &Compared) -> Result<Asked, Note> {
        if compared.by != Comparison::Contains || self.names.is_empty() {
            return Err(unasked(
                "The condition asks for more of this text than for a word in one of its fields",
            ));
        }
        self.names.iter().try_for_each(|name| has_name(name))?;
        let (by, key) = match compared.sieve(compared.key)? {
            Wanted::Always(holds) => return Ok(Asked::exactly(Test::from(holds))),
            Wanted::Key(by, key) => (by, key),
        };
        if self
            .between
            .iter()
            .any(|text| compared.holds(text) == Some(true))
        {
            return Ok(Asked::exactly(Test::True));
        }
        if self.is_raw && key.trim() != key {
            return Err(unasked(
                "The condition asks for the blanks around a field, and Sieve sees none",
            ));
        }
        let asked = Asked::exactly(Test::Header {
            compare: compared.compare(by),
            names: self.names.clone(),
            keys: vec![Value::text(key)],
        });
        Ok(match self.can_reach_over(compared) {
            true => asked.apart(),
            false => asked,
        })
    }

    /// Whether the text that is looked for can begin in one field, and end
    /// behind it.
    fn can_reach_over(&self, compared: &Compared) -> bool {
        let folded = |text: &str| match compared.case {
            true => text.to_owned(),
            false => text.to_ascii_lowercase(),
        };
        let key = folded(compared.key);
        let has_letter_of_key = |text: &String| folded(text).contains(|c| key.contains(c));
        self.gaps().iter().any(String::is_empty) || self.between.iter().any(has_letter_of_key)
    }
}
