//! In: a condition of an Exim filter. Out: the Sieve test that holds for the
//! same messages, and how far it does.

use super::super::Lowering;
use super::super::names::COUNTED;
use super::super::pattern::{self, Fit};

use super::Way;
use super::compared::{Compared, Wanted};
use super::expression::of_field;
use super::subject::{Subject, subject};
use crate::ledger::{Code, Note};
use crate::rules::model::filter::{Comparison, Condition, number, personal};
use crate::rules::program::Relation;
use crate::rules::program::is_field_name;
use crate::sieve::script::{ADDRESS_FIELDS, AddressPart, Compare, Match, Test, Value};
use crate::sieve::target::Extension;

/// A test, and what there is to say about it.
pub(super) struct Asked {
    pub test: Test,
    pub fit: Fit,
    pub notes: Vec<Note>,
}

impl Asked {
    pub fn exactly(test: Test) -> Self {
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

    /// What reaches from one field into the next is not found.
    pub fn apart(mut self) -> Self {
        self.fit.may_miss = true;
        self.with(Note::adapted(
            Code::EximField,
            "Exim put the fields together; what reaches from one into the next is not found",
        ))
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

pub(super) fn unasked(message: impl Into<String>) -> Note {
    Note::manual(Code::EximCondition, message)
}

impl Lowering<'_> {
    /// A condition; `wide`, whether it may rather hold too often than too
    /// rarely.
    pub(super) fn filter_condition(
        &self,
        condition: &Condition,
        way: &Way,
        wide: bool,
    ) -> Result<Asked, Note> {
        match condition {
            Condition::All(all) => self.several(all, way, wide, Test::AllOf),
            Condition::Any(any) => self.several(any, way, wide, Test::AnyOf),
            Condition::Not(inner) => {
                let asked = self.filter_condition(inner, way, !wide)?;
                Ok(Asked {
                    test: asked.test.negated(),
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
                self.compared(&subject(left)?, &compared, wide)
            }
            Condition::Always(holds) => Ok(Asked::exactly(Test::from(*holds))),
            Condition::Bounce => self.bounce(),
            Condition::Personal(addresses) => self.personal(addresses),
            Condition::Delivered => match way.counted {
                Some(counted) => Ok(Asked::exactly(Test::from(counted))),
                None if way.asked => {
                    let empty = Test::is_empty(Value::variable(COUNTED));
                    Ok(Asked::exactly(empty.negated()))
                }
                None => Err(Note::manual(
                    Code::NoVariables,
                    "The server has no variables, so it does not know whether the mail was delivered above",
                )),
            },
            Condition::AnyAddress(list, inner) => {
                let names = match subject(list)? {
                    Subject::Field(name) => vec![name.to_owned()],
                    Subject::Fields(fields) if fields.is_list() => fields.names,
                    _ => return Err(unasked("The addresses are not those of fields")),
                };
                if let Some(other) = names.iter().find(|name| !is_of_addresses(name)) {
                    return Err(unasked(format!(
                        "The rules of the new server do not take {other} for a field of addresses"
                    )));
                }
                any_address(&names, inner, self.settings.domain.as_deref())
            }
        }
    }

    fn several(
        &self,
        conditions: &[Condition],
        way: &Way,
        wide: bool,
        join: fn(Vec<Test>) -> Test,
    ) -> Result<Asked, Note> {
        let mut tests = Vec::new();
        let mut fit = Fit::default();
        let mut notes = Vec::new();
        for condition in conditions {
            let asked = self.filter_condition(condition, way, wide)?;
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

    fn compared(&self, subject: &Subject, compared: &Compared, wide: bool) -> Result<Asked, Note> {
        match subject {
            Subject::Known(text) => compared
                .holds(text)
                .map(|holds| Asked::exactly(Test::from(holds)))
                .ok_or_else(|| unasked("The condition asks for nothing in the message")),
            Subject::Field(name) => self.field_compared(name, compared, wide),
            Subject::Fields(fields) => fields.compared(compared),
            Subject::Sender(part) => {
                self.needs_envelope()?;
                Ok(match compared.sieve(compared.key)? {
                    Wanted::Always(holds) => Asked::exactly(Test::from(holds)),
                    Wanted::Key(by, key) => Asked::exactly(Test::Envelope {
                        part: *part,
                        compare: compared.compare(by),
                        names: vec!["from".to_owned()],
                        keys: vec![Value::text(key)],
                    }),
                })
            }
            Subject::Suffix => self.suffix_compared(compared),
            Subject::Size => match (compared.by, size(compared.key)) {
                (Comparison::Above, Some(size)) => Ok(Asked::exactly(Test::Over(size))),
                (Comparison::Below, Some(size)) => Ok(Asked::exactly(Test::Under(size))),
                _ => Err(unasked(
                    "The size of a message can only be above or below a number",
                )),
            },
            Subject::Body => {
                if !self.target.has(Extension::Body) {
                    return Err(Note::manual(
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
                    notes: vec![Note::adapted(
                        Code::EximField,
                        "Exim looked at the first 500 letters of the text; the new server looks at all of it, line by line",
                    )],
                })
            }
            Subject::ThisAddress => Err(unasked("$thisaddress stands outside of foranyaddress")),
        }
    }

    fn field_compared(&self, name: &str, compared: &Compared, wide: bool) -> Result<Asked, Note> {
        has_name(name)?;
        if compared.by == Comparison::Matches {
            return self.field_matched(name, compared, wide);
        }
        let (by, key) = match compared.sieve(compared.key)? {
            Wanted::Always(holds) => return Ok(Asked::exactly(Test::from(holds))),
            Wanted::Key(by, key) => (by, key),
        };
        let test = |by: Match, key: String| Test::Header {
            compare: compared.compare(by),
            names: vec![name.to_owned()],
            keys: vec![Value::text(key)],
        };
        if key.is_empty() {
            // A field that is missing is empty to Exim.
            let some = test(Match::Matches, "?*".to_owned());
            return Ok(Asked::exactly(some.negated()));
        }
        let asked = Asked::exactly(test(by, key));
        Ok(match compared.by {
            Comparison::Contains => asked,
            _ => self.as_one(asked, name, wide),
        })
    }

    fn field_matched(&self, name: &str, compared: &Compared, wide: bool) -> Result<Asked, Note> {
        let wanted = of_field(name, compared.key, compared.case)?;
        let Some(expression) = wanted.expression else {
            return Ok(Asked::exactly(Test::False));
        };
        let matched = pattern::header(&expression, self.target)?;
        let asked = Asked {
            test: matched.test,
            fit: matched.fit,
            notes: matched.notes,
        };
        let asked = match wanted.crosses {
            true => asked.apart(),
            false => asked,
        };
        Ok(match wanted.is_anchored {
            true => self.as_one(asked, name, wide),
            false => asked,
        })
    }

    /// A test of where the text of a field begins or ends: to Exim, all fields of
    /// a name are one text, in which those that are empty do not show.
    fn as_one(&self, mut asked: Asked, name: &str, wide: bool) -> Asked {
        let ends = if wide || !self.target.has(Extension::Relational) {
            asked.fit.may_exceed = true;
            "the new server asks for each"
        } else {
            asked = alone(asked, name);
            asked.fit.may_miss = true;
            "the condition does not hold for such mail here"
        };
        asked.with(Note::adapted(
            Code::EximField,
            format!("Where a message has several {name} fields, Exim asked for all of them as one text; {ends}"),
        ))
    }

    fn suffix_compared(&self, compared: &Compared) -> Result<Asked, Note> {
        self.needs_envelope()?;
        if !self.target.has(Extension::Subaddress) {
            return Err(Note::manual(
                Code::DetailForward,
                "The server does not show rules what stands behind the “+” in an address",
            ));
        }
        if compared.key.is_empty() {
            return Ok(Asked::exactly(match compared.sieve("")? {
                Wanted::Always(holds) => Test::from(holds),
                Wanted::Key(..) => has_detail().negated(),
            }));
        }
        let separator = compared.key.chars().next().filter(|c| "+-_.=".contains(*c));
        let starts = matches!(compared.by, Comparison::Is | Comparison::Begins);
        let (_, behind) = compared.key.split_at(separator.map_or(0, char::len_utf8));
        let key = match (starts, separator) {
            (true, Some(_)) => behind,
            (false, None) => compared.key,
            _ => {
                return Err(unasked(
                    "The condition looks at the character between the user's name and what follows it",
                ));
            }
        };
        let test = match compared.sieve(key)? {
            // The separator alone.
            Wanted::Always(_) => has_detail(),
            Wanted::Key(by, key) => detail(by, &key, compared.case),
        };
        let asked = Asked::exactly(test);
        Ok(match separator {
            Some('+') => asked,
            _ => asked.with(Note::adapted(
                Code::EximSuffix,
                "The address is written with “+” on the new server",
            )),
        })
    }

    fn needs_envelope(&self) -> Result<(), Note> {
        match self.target.has(Extension::Envelope) {
            true => Ok(()),
            false => Err(Note::manual(
                Code::NoEnvelope,
                "The server does not show rules the envelope of a message",
            )),
        }
    }

    fn bounce(&self) -> Result<Asked, Note> {
        self.needs_envelope()?;
        Ok(Asked::exactly(Test::Envelope {
            part: AddressPart::All,
            compare: Match::Is.into(),
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
        let list = |name: &&str| Test::Exists(vec![(*name).to_owned()]);
        let header = |name: &str, by: Match, keys: &[&str]| Test::Header {
            compare: by.into(),
            names: vec![name.to_owned()],
            keys: keys.iter().copied().map(Value::text).collect(),
        };
        let address = |name: &str, by: Match, keys: Vec<Value>| Test::Address {
            part: AddressPart::All,
            compare: by.into(),
            names: vec![name.to_owned()],
            keys,
        };
        let mut machines = personal::MACHINES.map(|name| format!("{name}@*")).to_vec();
        machines.push(format!("*{}@*", personal::REQUEST));
        machines.push(format!("{}?*@*", personal::OWNER));
        let machines = machines.into_iter().map(Value::text).collect();
        let mut none: Vec<Test> = personal::LIST_FIELDS.iter().map(list).collect();
        none.extend([
            address("from", Match::Matches, machines),
            address("from", Match::Is, own()),
            header("precedence", Match::Contains, &personal::PRECEDENCES),
            self.bounce()?.test,
        ]);
        let by_hand = Test::AnyOf(vec![
            Test::Exists(vec!["Auto-Submitted".to_owned()]).negated(),
            header("auto-submitted", Match::Is, &["no"]),
        ]);
        Ok(Asked::exactly(Test::AllOf(vec![
            address("to", Match::Is, own()),
            Test::AnyOf(none).negated(),
            by_hand,
        ])))
    }
}

pub(super) fn has_name(name: &str) -> Result<(), Note> {
    match is_field_name(name) {
        true => Ok(()),
        false => Err(unasked(format!("No mail has a field of the name “{name}”"))),
    }
}

/// Only where a message has one field of the name.
fn alone(asked: Asked, name: &str) -> Asked {
    let several = Test::Header {
        compare: Match::Count(Relation::Greater).into(),
        names: vec![name.to_owned()],
        keys: vec![Value::text("1")],
    };
    let one = several.negated();
    Asked {
        test: Test::AllOf(vec![asked.test, one]),
        ..asked
    }
}

/// How many bytes a number stands for.
fn size(text: &str) -> Option<u64> {
    u64::try_from(number(text)?).ok()
}

fn is_of_addresses(name: &str) -> bool {
    ADDRESS_FIELDS.contains(&name)
}

/// One of the addresses of these fields; a bare name in them has the `domain`
/// to Exim.
fn any_address(
    names: &[String],
    condition: &Condition,
    domain: Option<&str>,
) -> Result<Asked, Note> {
    match condition {
        Condition::Any(any) => {
            let mut tests = Vec::new();
            let mut fit = Fit::default();
            for condition in any {
                let asked = any_address(names, condition, domain)?;
                tests.push(asked.test);
                fit = fit.and(asked.fit);
            }
            Ok(Asked {
                fit,
                ..Asked::exactly(Test::AnyOf(tests))
            })
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
                Wanted::Always(false) => return Ok(Asked::exactly(Test::False)),
                // No address is empty.
                Wanted::Key(_, key) if key.is_empty() => return Ok(Asked::exactly(Test::False)),
                // The value of an empty group is none, though a server shows its name.
                Wanted::Always(true) => (Match::Matches, "*@*".to_owned()),
                Wanted::Key(by, key) => (by, key),
            };
            let asked = Asked::exactly(Test::Address {
                part: AddressPart::All,
                compare: compared.compare(by),
                names: names.to_vec(),
                keys: vec![Value::text(&key)],
            });
            let is_own = key
                .split_once('@')
                .is_some_and(|(_, of)| domain.is_none_or(|domain| domain.eq_ignore_ascii_case(of)));
            Ok(match is_own {
                true => Asked {
                    fit: Fit::MISSES,
                    ..asked
                },
                false => asked,
            })
        }
        _ => Err(unasked(
            "The same address must hold for several conditions, and Sieve asks each of any address",
        )),
    }
}
