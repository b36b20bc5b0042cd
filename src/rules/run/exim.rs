//! In: the commands of an Exim filter, and a message. Out: the deliveries that
//! the filter asks for, and whether one of them counts.

use super::machine::{Machine, Process};
use super::message::Message;
use super::{Unknown, date};
use crate::rules::model::filter::{Command, Comparison, Condition, number, personal};
use crate::rules::model::{Piece, StatementId, Target, Text};
use crate::rules::{pcre, program};
use mail_parser::MessageParser;
use regex_automata::meta::Regex;

/// The characters of the body that `$message_body` has.
const BODY: usize = 500;

/// Fields that Exim joins by a comma, too.
const ADDRESSES: [&str; 6] = ["from", "to", "cc", "bcc", "reply-to", "sender"];

/// How far a filter has come.
#[derive(Debug, Default)]
struct Progress<'p> {
    /// What it asked for; done when it has ended.
    deliveries: Vec<(StatementId, &'p Target)>,
    /// Whether something counts.
    counts: bool,
    is_refused: bool,
    /// `finish`.
    has_ended: bool,
}

impl<'p> Machine<'_, 'p> {
    /// Runs a filter; the exit status, where the message does not go on.
    pub fn filtered(&mut self, process: &mut Process<'p>, commands: &'p [Command]) -> Option<i32> {
        let mut progress = Progress::default();
        self.commands(process, commands, &mut progress);
        if progress.is_refused {
            const REFUSED: i32 = 69;
            return Some(REFUSED);
        }
        for (at, target) in progress.deliveries {
            self.destination(process, at, target);
        }
        progress.counts.then_some(0)
    }

    fn commands(
        &mut self,
        process: &mut Process<'p>,
        commands: &'p [Command],
        progress: &mut Progress<'p>,
    ) {
        for command in commands {
            if progress.has_ended {
                return;
            }
            match command {
                Command::If {
                    branches,
                    otherwise,
                } => {
                    let mut taken = otherwise;
                    for branch in branches {
                        self.outcome.reached.insert(branch.at);
                        if self.filter_condition(process, &branch.condition, progress) {
                            self.outcome.matched.insert(branch.at);
                            taken = &branch.commands;
                            break;
                        }
                    }
                    self.commands(process, taken, progress);
                }
                Command::Deliver { at, to, counts } => {
                    self.outcome.reached.insert(*at);
                    self.outcome.matched.insert(*at);
                    progress.deliveries.push((*at, to));
                    progress.counts |= counts;
                }
                Command::Finish { at, counts } => {
                    self.outcome.reached.insert(*at);
                    progress.counts |= counts;
                    progress.has_ended = true;
                }
                Command::Refuse { at } => {
                    self.outcome.reached.insert(*at);
                    progress.is_refused = true;
                    progress.has_ended = true;
                }
                Command::Unknown { at } => {
                    self.outcome.reached.insert(*at);
                    self.unknown(Unknown::Statement(*at));
                }
            }
        }
    }

    fn filter_condition(
        &mut self,
        process: &mut Process<'p>,
        condition: &Condition,
        progress: &Progress<'_>,
    ) -> bool {
        match condition {
            Condition::All(all) => all
                .iter()
                .all(|condition| self.filter_condition(process, condition, progress)),
            Condition::Any(any) => any
                .iter()
                .any(|condition| self.filter_condition(process, condition, progress)),
            Condition::Not(condition) => !self.filter_condition(process, condition, progress),
            Condition::Compare {
                left,
                by,
                case,
                right,
            } => {
                let left = self.expanded(process, left);
                let right = self.expanded(process, right);
                match by {
                    Comparison::Matches => self.matches(process, &left, &right, *case),
                    by => by.holds(&left, &right, *case).unwrap_or_else(|| {
                        let is_number = number(&left).is_some();
                        self.unknown(Unknown::Value(if is_number { right } else { left }));
                        false
                    }),
                }
            }
            Condition::Personal(addresses) => is_personal(&process.message, addresses, &self.mail),
            Condition::Delivered => progress.counts,
            Condition::Bounce => self.mail.sender.is_empty(),
            Condition::Always(holds) => *holds,
            Condition::AnyAddress(text, condition) => {
                let text = self.expanded(process, text);
                addresses(&text).any(|address| {
                    process
                        .variables
                        .set("thisaddress", Some(address.as_bytes()));
                    self.filter_condition(process, condition, progress)
                })
            }
        }
    }

    /// A text, with what the message puts into it.
    pub fn expanded(&mut self, process: &Process<'p>, text: &Text) -> String {
        let mut expanded = String::new();
        for piece in &text.0 {
            match piece {
                Piece::Literal(text) => expanded.push_str(text),
                Piece::Variable(name) => match self.filter_variable(process, name) {
                    Some(value) => expanded.push_str(&value),
                    None => self.unknown(Unknown::Value(name.clone())),
                },
                piece => {
                    let name = Text(vec![piece.clone()]).shown();
                    self.unknown(Unknown::Value(name));
                }
            }
        }
        expanded
    }

    fn filter_variable(&self, process: &Process<'p>, name: &str) -> Option<String> {
        let message = &process.message;
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if let Some(field) = name.strip_prefix("rh_") {
            return Some(raw_fields(message, field).map(lossy).collect());
        }
        if let Some(field) = name.strip_prefix("h_") {
            let values = fields(message, field).map(decoded);
            let between = match ADDRESSES.contains(&field) {
                true => ",\n",
                false => "\n",
            };
            let joined = values.collect::<Vec<_>>().join(between);
            return Some(joined.trim_ascii().to_owned());
        }
        if let Some(value) = process.variables.get(name)
            && (name == "thisaddress" || name.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Some(lossy(value));
        }
        let (local, domain) = self
            .mail
            .recipient
            .rsplit_once('@')
            .unwrap_or((self.mail.recipient, ""));
        Some(match name {
            "sender_address" | "return_path" => self.mail.sender.to_owned(),
            "sender_address_local_part" => {
                let (local, _) = self.mail.sender.rsplit_once('@')?;
                local.to_owned()
            }
            "sender_address_domain" => {
                let (_, domain) = self.mail.sender.rsplit_once('@')?;
                domain.to_owned()
            }
            "reply_address" => match fields(message, "reply-to").next() {
                Some(value) => decoded(value),
                None => fields(message, "from").next().map(decoded)?,
            },
            "local_part" => local.split('+').next()?.to_owned(),
            "local_part_suffix" => {
                let (_, detail) = local.split_once('+')?;
                format!("+{detail}")
            }
            "domain" => domain.to_owned(),
            "message_body" => lossy(message.body())
                .chars()
                .take(BODY)
                .map(|c| if c == '\n' { ' ' } else { c })
                .collect(),
            "message_size" => message.raw().len().to_string(),
            "message_body_size" => message.body().len().to_string(),
            "message_headers" => lossy(message.raw_header()),
            "tod_epoch" => self.mail.received.to_string(),
            "tod_log" => date::format(self.mail.received, "%Y-%m-%d %H:%M:%S")?,
            name if name.bytes().all(|byte| byte.is_ascii_digit()) => String::new(),
            _ => return None,
        })
    }

    /// Whether a regular expression matches; what its groups matched goes to
    /// the variables `1` to `9`.
    fn matches(
        &mut self,
        process: &mut Process<'p>,
        text: &str,
        pattern: &str,
        case: bool,
    ) -> bool {
        let config = Regex::config()
            .nfa_size_limit(Some(10 << 20))
            .utf8_empty(false);
        let regex = pcre::read(pattern, case).and_then(|pcre| {
            Regex::builder()
                .configure(config)
                .build_from_hir(&pcre.hir)
                .ok()
        });
        let Some(regex) = regex else {
            self.unknown(Unknown::Value(pattern.to_owned()));
            return false;
        };
        let mut groups = regex.create_captures();
        regex.captures(text.as_bytes(), &mut groups);
        for group in 1..=9 {
            let value = groups
                .get_group(group)
                .and_then(|span| text.as_bytes().get(span.range()));
            if groups.is_match() {
                process.variables.set(&group.to_string(), value);
            }
        }
        groups.is_match()
    }
}

/// The values of the fields with a name, blanks around them cut off.
fn fields<'m>(message: &'m Message, name: &str) -> impl Iterator<Item = &'m [u8]> {
    raw_fields(message, name).map(<[u8]>::trim_ascii)
}

/// What stands behind the colon in the fields with a name.
fn raw_fields<'m>(message: &'m Message, name: &str) -> impl Iterator<Item = &'m [u8]> {
    let header = message.raw_header();
    let mut start = 0;
    let mut ends: Vec<usize> = header
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [b'\n', next] if !b" \t".contains(next)))
        .map(|(at, _)| at + 1)
        .collect();
    ends.push(header.len());
    let mut found = Vec::new();
    for end in ends {
        let field = header.get(start..end).unwrap_or_default();
        start = end;
        if let Some(colon) = field.iter().position(|&byte| byte == b':') {
            let (written, value) = field.split_at(colon);
            if written
                .trim_ascii_end()
                .eq_ignore_ascii_case(name.as_bytes())
            {
                found.push(value.get(1..).unwrap_or_default());
            }
        }
    }
    found.into_iter()
}

/// The value of a field, its encoded words decoded.
fn decoded(value: &[u8]) -> String {
    String::from_utf8_lossy(&program::decoded(value)).into_owned()
}

/// The addresses in the value of a field.
fn addresses(text: &str) -> impl Iterator<Item = String> {
    let header = format!("To: {}\n\n", text.replace('\n', " "));
    let parsed = MessageParser::default().parse_headers(header.as_bytes());
    let to = parsed.as_ref().and_then(|parsed| parsed.to());
    let found: Vec<String> = to
        .into_iter()
        .flat_map(|to| to.iter())
        .filter_map(|address| address.address().map(str::to_owned))
        .collect();
    found.into_iter()
}

/// Whether mail is meant for the user alone (the Exim filter specification,
/// “Testing for personal mail”).
fn is_personal(message: &Message, own: &[String], mail: &super::Mail<'_>) -> bool {
    let values = |name: &str| {
        let values: Vec<_> = fields(message, name).map(decoded).collect();
        values.join(",").to_lowercase()
    };
    let is_own = |address: &String| own.iter().any(|own| own.eq_ignore_ascii_case(address));
    let is_machine = |address: &String| {
        let name = address.split_once('@').map_or("", |(name, _)| name);
        personal::MACHINES.contains(&name) || name.ends_with(personal::REQUEST) || {
            name.strip_prefix(personal::OWNER)
        }
        .is_some_and(|rest| !rest.is_empty())
    };
    let is_there = |name: &&str| fields(message, name).next().is_some();
    let (from, precedence) = (values("from"), values("precedence"));
    let submitted = values("auto-submitted");
    !mail.sender.is_empty()
        && addresses(&values("to")).any(|address| is_own(&address))
        && !addresses(&from).any(|address| is_own(&address) || is_machine(&address))
        && !{ personal::PRECEDENCES.iter() }.any(|word| precedence.contains(word))
        && (submitted.is_empty() || submitted == "no")
        && !personal::LIST_FIELDS.iter().any(is_there)
}
