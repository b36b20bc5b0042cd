//! In: a condition of an Exim filter. Out: the Sieve test that holds for the
//! same messages, and how far it does.

use super::super::pattern::{self, Fit, Note};
use super::super::value::{compare, is_empty, reference};
use super::super::{Lowering, adapted, manual};
use super::expression::of_field;
use super::{COUNTED, Way};
use crate::report::code::Code;
use crate::rules::model::filter::{Comparison, Condition};
use crate::rules::model::{Piece, Text};
use crate::rules::program::is_field_name;
use crate::sieve::script::{AddressPart, Compare, Match, Test, Value};
use crate::sieve::target::Extension;

/// Fields that are there once at most (RFC 5322 §3.6).
const SINGLE: [&str; 10] = [
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "message-id",
    "in-reply-to",
    "references",
    "subject",
];

/// A test, and what there is to say about it.
pub(super) struct Asked {
    pub test: Test,
    pub fit: Fit,
    pub notes: Vec<Note>,
}

impl Asked {
    fn exactly(test: Test) -> Self {
        Asked {
            test,
            fit: Fit::default(),
            notes: Vec::new(),
        }
    }

    fn with(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }
}

/// Whether a condition asks for `delivered`.
pub(super) fn asks(condition: &Condition) -> bool {
    match condition {
        Condition::All(all) | Condition::Any(all) => all.iter().any(asks),
        Condition::Not(inner) | Condition::AnyAddress(_, inner) => asks(inner),
        Condition::Delivered => true,
        _ => false,
    }
}

/// Something stands behind the `+` of the address.
fn has_detail() -> Test {
    detail(Match::Matches, "*", false)
}

fn detail(by: Match, key: &str, octet: bool) -> Test {
    Test::Envelope {
        part: AddressPart::Detail,
        compare: Compare { by, octet },
        names: vec!["to".to_owned()],
        keys: vec![Value::text(key)],
    }
}

fn constant(holds: bool) -> Test {
    match holds {
        true => Test::True,
        false => Test::False,
    }
}

pub(super) fn unasked(message: impl Into<String>) -> Note {
    manual(Code::EximCondition, message)
}

/// Where a text comes from.
enum Subject<'a> {
    Known(String),
    /// One field, decoded.
    Field(&'a str),
    /// Several fields, and the text between them.
    Fields(Vec<String>, String),
    /// The sender of the envelope.
    Sender(AddressPart),
    /// What stands behind the user's name in the address.
    Suffix,
    Body,
    Size,
    /// An address out of a list.
    ThisAddress,
}

fn subject(text: &Text) -> Result<Subject<'_>, Note> {
    if let Some(known) = text.known() {
        return Ok(Subject::Known(known.to_owned()));
    }
    if let [Piece::Variable(name)] = text.0.as_slice() {
        if let Some(field) = field(name) {
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
    let mut names = Vec::new();
    let mut between = String::new();
    for piece in &text.0 {
        match piece {
            Piece::Literal(text) => between.push_str(text),
            Piece::Variable(name) if field(name).is_some() => {
                names.extend(field(name).map(str::to_owned));
            }
            Piece::Variable(name) => {
                return Err(unasked(format!(
                    "The rules of the new server cannot ask for ${name}"
                )));
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
    Ok(Subject::Fields(names, between))
}

/// The name of a field, of a variable that holds its value.
fn field(variable: &str) -> Option<&str> {
    let name = variable
        .strip_prefix("h_")
        .or(variable.strip_prefix("rh_"))?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    is_name.then_some(name)
}

/// A comparison of two texts.
struct Compared<'a> {
    by: Comparison,
    case: bool,
    key: &'a str,
}

impl Compared<'_> {
    /// The match type and key; `None` where any text does.
    fn sieve(&self, key: &str) -> Result<Option<(Match, String)>, Note> {
        if key.is_empty() && self.by != Comparison::Is {
            return Ok(None);
        }
        let guarded = || {
            key.replace('\\', "\\\\")
                .replace('*', "\\*")
                .replace('?', "\\?")
        };
        Ok(Some(match self.by {
            Comparison::Is => (Match::Is, key.to_owned()),
            Comparison::Contains => (Match::Contains, key.to_owned()),
            Comparison::Begins => (Match::Matches, format!("{}*", guarded())),
            Comparison::Ends => (Match::Matches, format!("*{}", guarded())),
            Comparison::Matches => {
                return Err(unasked(
                    "The regular expression is for a text that the new server's rules cannot search",
                ));
            }
            Comparison::Above | Comparison::Below => {
                return Err(unasked(
                    "The rules of the new server cannot compare this as a number",
                ));
            }
        }))
    }

    fn compare(&self, by: Match) -> Compare {
        Compare {
            by,
            octet: self.case,
        }
    }

    /// Whether it holds for a text that is known.
    fn holds(&self, text: &str) -> Option<bool> {
        let (text, key) = match self.case {
            true => (text.to_owned(), self.key.to_owned()),
            false => (text.to_ascii_lowercase(), self.key.to_ascii_lowercase()),
        };
        Some(match self.by {
            Comparison::Is => text == key,
            Comparison::Contains => text.contains(&key),
            Comparison::Begins => text.starts_with(&key),
            Comparison::Ends => text.ends_with(&key),
            Comparison::Above => number(&text)? > number(&key)?,
            Comparison::Below => number(&text)? < number(&key)?,
            Comparison::Matches => return None,
        })
    }
}

/// A number with `K` or `M`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = match text.to_ascii_lowercase().chars().last()? {
        'k' => (text.get(..text.len() - 1)?, 1 << 10),
        'm' => (text.get(..text.len() - 1)?, 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

impl Lowering<'_> {
    pub(super) fn filter_condition(&self, condition: &Condition, way: &Way) -> Result<Asked, Note> {
        match condition {
            Condition::All(all) => self.several(all, way, Test::AllOf),
            Condition::Any(any) => self.several(any, way, Test::AnyOf),
            Condition::Not(inner) => {
                let asked = self.filter_condition(inner, way)?;
                let test = match asked.test {
                    Test::Not(inner) => *inner,
                    test => Test::Not(Box::new(test)),
                };
                Ok(Asked {
                    test,
                    fit: asked.fit.negated(),
                    notes: asked.notes,
                })
            }
            Condition::Compare {
                left,
                by,
                case,
                right,
            } => {
                let Some(key) = right.known() else {
                    return Err(unasked(
                        "The text that is looked for differs from message to message",
                    ));
                };
                let compared = Compared {
                    by: *by,
                    case: *case,
                    key,
                };
                self.compared(&subject(left)?, &compared)
            }
            Condition::Always(holds) => Ok(Asked::exactly(constant(*holds))),
            Condition::Bounce => self.bounce(),
            Condition::Personal(addresses) => self.personal(addresses),
            Condition::Delivered => match way.counted {
                Some(counted) => Ok(Asked::exactly(constant(counted))),
                None if way.asked => {
                    let empty = is_empty(reference(COUNTED));
                    Ok(Asked::exactly(Test::Not(Box::new(empty))))
                }
                None => Err(manual(
                    Code::NoVariables,
                    "The server has no variables, so it does not know whether the mail was delivered above",
                )),
            },
            Condition::AnyAddress(list, inner) => {
                let names = match subject(list)? {
                    Subject::Field(name) => vec![name.to_owned()],
                    Subject::Fields(names, between)
                        if between.chars().all(|c| ", \n".contains(c)) =>
                    {
                        names
                    }
                    _ => return Err(unasked("The addresses are not those of fields")),
                };
                any_address(&names, inner)
            }
        }
    }

    fn several(
        &self,
        conditions: &[Condition],
        way: &Way,
        join: fn(Vec<Test>) -> Test,
    ) -> Result<Asked, Note> {
        let mut tests = Vec::new();
        let mut fit = Fit::default();
        let mut notes = Vec::new();
        for condition in conditions {
            let asked = self.filter_condition(condition, way)?;
            fit = fit.and(asked.fit);
            tests.push(asked.test);
            notes.extend(asked.notes);
        }
        Ok(Asked {
            test: join(tests),
            fit,
            notes,
        })
    }

    fn compared(&self, subject: &Subject, compared: &Compared) -> Result<Asked, Note> {
        match subject {
            Subject::Known(text) => compared
                .holds(text)
                .map(|holds| Asked::exactly(constant(holds)))
                .ok_or_else(|| unasked("The condition asks for nothing in the message")),
            Subject::Field(name) => self.field_compared(name, compared),
            Subject::Fields(names, between) => fields_compared(names, between, compared),
            Subject::Sender(part) => {
                self.needs_envelope()?;
                Ok(match compared.sieve(compared.key)? {
                    None => Asked::exactly(Test::True),
                    Some((by, key)) => Asked::exactly(Test::Envelope {
                        part: *part,
                        compare: compared.compare(by),
                        names: vec!["from".to_owned()],
                        keys: vec![Value::text(key)],
                    }),
                })
            }
            Subject::Suffix => self.suffix_compared(compared),
            Subject::Size => match (compared.by, number(compared.key)) {
                (Comparison::Above, Some(size)) => Ok(Asked::exactly(Test::Over(size))),
                (Comparison::Below, Some(size)) => Ok(Asked::exactly(Test::Under(size))),
                _ => Err(unasked(
                    "The size of a message can only be above or below a number",
                )),
            },
            Subject::Body => {
                if !self.target.has(Extension::Body) {
                    return Err(manual(
                        Code::NoBody,
                        "The server does not show rules the text of a message",
                    ));
                }
                let Comparison::Contains = compared.by else {
                    return Err(unasked(
                        "The rules of the new server can only look for a word in the text of a message",
                    ));
                };
                let test = Test::Body {
                    raw: true,
                    compare: compared.compare(Match::Contains),
                    keys: vec![Value::text(compared.key)],
                };
                Ok(Asked {
                    test,
                    fit: Fit::LOOSE,
                    notes: vec![adapted(
                        Code::EximField,
                        "Exim looked at the first 500 letters of the text; the new server looks at all of it, line by line",
                    )],
                })
            }
            Subject::ThisAddress => Err(unasked("$thisaddress stands outside of foranyaddress")),
        }
    }

    fn field_compared(&self, name: &str, compared: &Compared) -> Result<Asked, Note> {
        has_name(name)?;
        if compared.by == Comparison::Matches {
            let expression = of_field(name, compared.key, compared.case)?;
            let matched = pattern::header(&expression, self.target)?;
            return Ok(Asked {
                test: matched.test,
                fit: matched.fit,
                notes: matched.notes,
            });
        }
        let names = vec![name.to_owned()];
        let Some((by, key)) = compared.sieve(compared.key)? else {
            return Ok(Asked::exactly(Test::True));
        };
        let is_empty = key.is_empty();
        let test = Test::Header {
            compare: compared.compare(by),
            names: names.clone(),
            keys: vec![Value::text(key)],
        };
        // A field that is missing is empty to Exim.
        let test = match is_empty {
            true => Test::AnyOf(vec![Test::Not(Box::new(Test::Exists(names))), test]),
            false => test,
        };
        let asked = Asked::exactly(test);
        if compared.by == Comparison::Contains || SINGLE.contains(&name) {
            return Ok(asked);
        }
        // Several fields are one text to Exim, which is none of them.
        if compared.by == Comparison::Is && self.target.has(Extension::Relational) {
            let several = Test::Header {
                compare: compared.compare(Match::Count("gt".to_owned())),
                names: vec![name.to_owned()],
                keys: vec![Value::text("1")],
            };
            let one = Test::Not(Box::new(several));
            return Ok(Asked::exactly(Test::AllOf(vec![asked.test, one])));
        }
        let fit = Fit::EXCEEDS;
        Ok(Asked { fit, ..asked }.with(adapted(
            Code::EximField,
            format!("Where a message has several {name} fields, Exim asked for all of them as one text; the new server asks for each"),
        )))
    }

    fn suffix_compared(&self, compared: &Compared) -> Result<Asked, Note> {
        self.needs_envelope()?;
        if !self.target.has(Extension::Subaddress) {
            return Err(manual(
                Code::DetailForward,
                "The server does not show rules what stands behind the “+” in an address",
            ));
        }
        if compared.key.is_empty() && compared.by == Comparison::Is {
            return Ok(Asked::exactly(Test::Not(Box::new(has_detail()))));
        }
        let separator = compared.key.chars().next().filter(|c| "+-_.=".contains(*c));
        let starts = matches!(compared.by, Comparison::Is | Comparison::Begins);
        let key = match (starts, separator) {
            (true, Some(separator)) => compared.key.trim_start_matches(separator),
            (false, None) => compared.key,
            _ => {
                return Err(unasked(
                    "The condition looks at the character between the user's name and what follows it",
                ));
            }
        };
        let test = match compared.sieve(key)? {
            None => has_detail(),
            Some((by, key)) => detail(by, &key, compared.case),
        };
        let asked = Asked::exactly(test);
        Ok(match separator {
            Some('+') => asked,
            _ => asked.with(adapted(
                Code::EximSuffix,
                "The address is written with “+” on the new server",
            )),
        })
    }

    fn needs_envelope(&self) -> Result<(), Note> {
        match self.target.has(Extension::Envelope) {
            true => Ok(()),
            false => Err(manual(
                Code::NoEnvelope,
                "The server does not show rules the envelope of a message",
            )),
        }
    }

    fn bounce(&self) -> Result<Asked, Note> {
        self.needs_envelope()?;
        Ok(Asked::exactly(Test::Envelope {
            part: AddressPart::All,
            compare: compare(Match::Is),
            names: vec!["from".to_owned()],
            keys: vec![Value::text("")],
        }))
    }

    /// Mail to the user, from nobody else's list or machine.
    fn personal(&self, addresses: &[String]) -> Result<Asked, Note> {
        let own = || {
            addresses
                .iter()
                .cloned()
                .map(Value::text)
                .collect::<Vec<_>>()
        };
        if addresses.is_empty() {
            return Err(unasked(
                "The user's own address is not known; give the domain",
            ));
        }
        let lists = [
            "Id",
            "Help",
            "Subscribe",
            "Unsubscribe",
            "Post",
            "Owner",
            "Archive",
        ];
        let list = |name: &&str| Test::Exists(vec![format!("List-{name}")]);
        let header = |name: &str, by: Match, keys: &[&str]| Test::Header {
            compare: compare(by),
            names: vec![name.to_owned()],
            keys: keys.iter().copied().map(Value::text).collect(),
        };
        let address = |name: &str, by: Match, keys: Vec<Value>| Test::Address {
            part: AddressPart::All,
            compare: compare(by),
            names: vec![name.to_owned()],
            keys,
        };
        let machines = [
            "server@*",
            "daemon@*",
            "root@*",
            "listserv@*",
            "majordomo@*",
            "*-request@*",
            "owner-?*@*",
        ];
        let machines = machines.into_iter().map(Value::text).collect();
        let not = |test: Test| Test::Not(Box::new(test));
        let mut none: Vec<Test> = lists.iter().map(list).collect();
        none.extend([
            address("from", Match::Matches, machines),
            address("from", Match::Is, own()),
            header("precedence", Match::Contains, &["bulk", "list", "junk"]),
            self.bounce()?.test,
        ]);
        let by_hand = Test::AnyOf(vec![
            not(Test::Exists(vec!["Auto-Submitted".to_owned()])),
            header("auto-submitted", Match::Is, &["no"]),
        ]);
        Ok(Asked::exactly(Test::AllOf(vec![
            address("to", Match::Is, own()),
            not(Test::AnyOf(none)),
            by_hand,
        ])))
    }
}

fn has_name(name: &str) -> Result<(), Note> {
    match is_field_name(name) {
        true => Ok(()),
        false => Err(unasked(format!("No mail has a field of the name “{name}”"))),
    }
}

/// Several fields as one text: only what can lie in one of them is asked.
fn fields_compared(names: &[String], between: &str, compared: &Compared) -> Result<Asked, Note> {
    if compared.by != Comparison::Contains || names.is_empty() {
        return Err(unasked(
            "Several fields are put together, and only a word in one of them can be asked for",
        ));
    }
    names.iter().try_for_each(|name| has_name(name))?;
    let Some((by, key)) = compared.sieve(compared.key)? else {
        return Ok(Asked::exactly(Test::True));
    };
    let asked = Asked::exactly(Test::Header {
        compare: compared.compare(by),
        names: names.to_vec(),
        keys: vec![Value::text(key)],
    });
    let crosses =
        between.trim().is_empty() || compared.key.contains(|c| between.contains(c) && c != ' ');
    Ok(match crosses {
        false => asked,
        true => {
            let mut asked = asked.with(adapted(
                Code::EximField,
                "Exim put the fields together; what reaches from one into the next is not found",
            ));
            asked.fit.may_miss = true;
            asked
        }
    })
}

/// One of the addresses of these fields.
fn any_address(names: &[String], condition: &Condition) -> Result<Asked, Note> {
    match condition {
        Condition::Any(any) => {
            let asked: Result<Vec<Asked>, Note> =
                any.iter().map(|one| any_address(names, one)).collect();
            Ok(Asked::exactly(Test::AnyOf(
                asked?.into_iter().map(|asked| asked.test).collect(),
            )))
        }
        Condition::Compare {
            left,
            by,
            case,
            right,
        } => {
            let (Subject::ThisAddress, Some(key)) = (subject(left)?, right.known()) else {
                return Err(unasked("The condition asks for more than an address"));
            };
            let compared = Compared {
                by: *by,
                case: *case,
                key,
            };
            let (by, key) = match compared.sieve(key)? {
                Some(asked) => asked,
                None => (Match::Matches, "*".to_owned()),
            };
            Ok(Asked::exactly(Test::Address {
                part: AddressPart::All,
                compare: compared.compare(by),
                names: names.to_vec(),
                keys: vec![Value::text(key)],
            }))
        }
        _ => Err(unasked(
            "The same address must hold for several conditions, and Sieve asks each of any address",
        )),
    }
}
