//! In: calls that end in sendmail, mail or vacation. Out: who is sent what.

use super::arguments::{Call, Stage};
use super::formail::Formail;
use super::{Edit, Meaning, echo};
use crate::rules::model::Text;

/// An answer to the message (`formail -r`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What is changed in the header of the answer.
    pub edits: Vec<Edit>,
    /// `-t`: the header is trusted to name whom to answer.
    pub trust: bool,
    /// Its text.
    pub body: Vec<BodyPart>,
    /// Who gets it.
    pub to: Recipients,
    /// Whether it is sent: `false` for a filter, behind which the message is
    /// the answer.
    pub sent: bool,
}

/// Part of a text that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyPart {
    /// Text, and a line end.
    Text(Text),
    /// What is in a file.
    File(Text),
    /// The message (or its body).
    Message,
}

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Those its header names (`sendmail -t`).
    Header,
    /// These.
    Addresses(Vec<Text>),
}

/// What sendmail(8) is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sendmail {
    /// The addresses.
    pub addresses: Vec<Text>,
    /// `-t`: those that the header names get the message.
    pub from_header: bool,
    /// No option stands there that nobody knows.
    is_clear: bool,
}

impl Default for Sendmail {
    fn default() -> Self {
        Sendmail {
            addresses: Vec::new(),
            from_header: false,
            is_clear: true,
        }
    }
}

/// Where vacation(1) finds the text of its answer, in the home.
pub const VACATION_MESSAGE: &str = ".vacation.msg";

/// A call of vacation(1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacation {
    /// Whose vacation it is.
    pub user: Option<Text>,
    /// `-a`: further names of the user.
    pub aliases: Vec<Text>,
    /// `-t` or `-r`: days between two answers to one sender.
    pub days: Option<u64>,
    /// `-m`: the file of the answer, where it is not [`VACATION_MESSAGE`].
    pub message: Option<Text>,
}

/// Pipelines whose last program sends.
pub(super) fn of_pipeline(stages: &[Stage]) -> Option<Meaning> {
    let (last, before) = stages.split_last()?;
    let Stage::Call(last) = last else {
        return None;
    };
    let mut letter = Letter::default();
    for stage in before {
        letter.pass(stage)?;
    }
    match last.name.as_str() {
        "sendmail" => {
            let to = Sendmail::read(&last.arguments).recipients()?;
            letter.sent_to(to)
        }
        name if before.is_empty() && is_mail(name) => mail(last),
        // A filter of several programs: `formail -r … | cat - text`.
        _ => {
            letter.pass(&Stage::Call(last.clone()))?;
            letter.filtered()
        }
    }
}

/// What has been made of the message so far.
#[derive(Debug, Default)]
struct Letter {
    edits: Vec<Edit>,
    reply: Option<bool>,
    body: Option<Vec<BodyPart>>,
}

impl Letter {
    /// Takes what one stage of a pipeline makes of its input.
    fn pass(&mut self, stage: &Stage) -> Option<()> {
        match stage {
            Stage::Call(call) if call.is("formail") => self.formail(call),
            Stage::Call(call) => {
                let body = self.body.take().unwrap_or_else(|| vec![BodyPart::Message]);
                let mut parts = Vec::new();
                for part in printed(call)? {
                    match part {
                        BodyPart::Message => parts.extend(body.iter().cloned()),
                        part => parts.push(part),
                    }
                }
                self.body = Some(parts);
                Some(())
            }
            Stage::Group(pipelines) => {
                let mut parts = Vec::new();
                for (at, pipeline) in pipelines.iter().enumerate() {
                    match pipeline.as_slice() {
                        [Stage::Call(call)] if call.is("formail") && at == 0 => {
                            self.formail(call)?;
                            parts.extend(self.body.take().unwrap_or_default());
                        }
                        // Behind another program that has read it, `cat -`
                        // prints nothing more of the message.
                        [Stage::Call(call)] => {
                            let printed = printed(call)?.into_iter();
                            let is_read = at > 0;
                            parts.extend(printed.filter(|p| !is_read || *p != BodyPart::Message));
                        }
                        _ => return None,
                    }
                }
                self.body = Some(parts);
                Some(())
            }
        }
    }

    fn formail(&mut self, call: &Call) -> Option<()> {
        let formail = Formail::read(call)?;
        if formail.clone().field().is_some() || !call.redirections.is_empty() {
            return None;
        }
        self.edits.extend(formail.edits);
        if formail.reply {
            self.reply = Some(formail.trust);
            self.body = Some(match formail.keep_body {
                true => vec![BodyPart::Message],
                false => Vec::new(),
            });
        }
        Some(())
    }

    fn sent_to(self, to: Recipients) -> Option<Meaning> {
        let body = self.body.unwrap_or_else(|| vec![BodyPart::Message]);
        if let Some(trust) = self.reply {
            return Some(Meaning::AutoReply(Reply {
                edits: self.edits,
                trust,
                body,
                to,
                sent: true,
            }));
        }
        match to {
            Recipients::Addresses(addresses) if body == [BodyPart::Message] => {
                Some(Meaning::Redirect {
                    addresses,
                    edits: self.edits,
                })
            }
            Recipients::Header if self.edits.is_empty() => Some(Meaning::SendToHeader { body }),
            _ => None,
        }
    }

    fn filtered(self) -> Option<Meaning> {
        let trust = self.reply?;
        Some(Meaning::AutoReply(Reply {
            edits: self.edits,
            trust,
            body: self.body.unwrap_or_default(),
            to: Recipients::Header,
            sent: false,
        }))
    }
}

/// What `cat` and `echo` print.
fn printed(call: &Call) -> Option<Vec<BodyPart>> {
    let only_joins_errors = call
        .redirections
        .iter()
        .all(|redirection| redirection.descriptor == Some(2));
    if !only_joins_errors {
        return None;
    }
    match call.name.as_str() {
        "echo" => Some(vec![BodyPart::Text(echo(call)?)]),
        "cat" if call.arguments.is_empty() => Some(vec![BodyPart::Message]),
        "cat" => {
            let part = |file: &Text| match file.known() {
                Some("-") => Some(BodyPart::Message),
                Some(option) if option.starts_with('-') => None,
                _ => Some(BodyPart::File(file.clone())),
            };
            call.arguments.iter().map(part).collect()
        }
        _ => None,
    }
}

impl Sendmail {
    /// Reads them. Addresses may stand with commas between them.
    pub fn read(words: &[Text]) -> Self {
        let mut read = Sendmail::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.known() {
                Some("-t" | "-oit" | "-ti" | "-it") => read.from_header = true,
                Some("--") => words.by_ref().for_each(|word| read.address(word)),
                Some(option) if takes_value(option) => read.is_clear &= words.next().is_some(),
                Some("-i" | "-U") => {}
                // `-bv`, `-bs` and the like send nothing.
                Some(option) if option.starts_with("-b") => read.is_clear &= option == "-bm",
                Some(option) if option.starts_with('-') => read.is_clear &= option.len() > 2,
                _ => read.address(word),
            }
        }
        read
    }

    fn address(&mut self, word: &Text) {
        match word.known() {
            Some(text) => {
                let each = text.split(',').map(str::trim);
                let named = each.filter(|text| !text.is_empty());
                self.addresses.extend(named.map(Text::literal));
            }
            None => self.addresses.push(word.clone()),
        }
    }

    /// Who gets the message, where that is clear.
    pub fn recipients(self) -> Option<Recipients> {
        match (self.from_header, self.addresses.is_empty()) {
            _ if !self.is_clear => None,
            (true, true) => Some(Recipients::Header),
            (false, false) => Some(Recipients::Addresses(self.addresses)),
            _ => None,
        }
    }
}

/// Whether a program sends mail to the addresses that it is called with, as sendmail(8)
/// does.
pub fn is_sendmail(program: &str) -> bool {
    const PROGRAMS: [&str; 6] = ["sendmail", "exim", "exim4", "msmtp", "ssmtp", "esmtp"];
    program
        .rsplit('/')
        .next()
        .is_some_and(|name| PROGRAMS.contains(&name))
}

/// Whether an option has its value in the next word.
fn takes_value(option: &str) -> bool {
    matches!(
        option,
        "-f" | "-F" | "-r" | "-N" | "-R" | "-V" | "-C" | "-o" | "-O" | "-X" | "-B"
    )
}

/// Whether a program is mail(1).
pub(super) fn is_mail(name: &str) -> bool {
    ["mail", "mailx", "Mail"].contains(&name)
}

/// `mail [-s subject] address …`.
fn mail(call: &Call) -> Option<Meaning> {
    let (flags, addresses) = call.options_and_operands("sabcr", "")?;
    if addresses.is_empty() || flags.iter().any(|flag| "abcfeHuN".contains(flag.letter)) {
        return None;
    }
    let subject = flags.into_iter().find(|flag| flag.letter == 's');
    Some(Meaning::Mail {
        addresses,
        subject: subject.and_then(|flag| flag.value),
    })
}

/// Reads the options that the vacation programs of the BSDs, sendmail and
/// Debian have in common.
pub(super) fn vacation(call: &Call) -> Option<Vacation> {
    let (flags, mut operands) = call.options_and_operands("aAfmtrsRC", "")?;
    let mut vacation = Vacation {
        user: operands.pop(),
        aliases: Vec::new(),
        days: None,
        message: None,
    };
    for flag in flags {
        match flag.letter {
            'a' | 'A' => vacation.aliases.push(flag.value?),
            'm' => vacation.message = flag.value,
            't' | 'r' => vacation.days = days(flag.value?.known()?),
            'f' | 'j' | 's' | 'R' | 'C' | 'd' | 'z' | 'o' | 'U' => {}
            // With others it answers nobody, but makes or shows its list of senders.
            _ => return None,
        }
    }
    operands.is_empty().then_some(vacation)
}

/// The subject and the text of an answer of vacation(1): a header, where it begins
/// with one, and what follows the empty line.
pub fn answer(message: &str) -> (Option<String>, String) {
    let mut subject: Option<String> = None;
    let mut is_subject = false;
    let mut rest = message;
    while let Some((line, after)) = rest.split_once('\n') {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            rest = after;
            break;
        }
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
        match line.split_once(':') {
            // A folded field.
            _ if line.starts_with([' ', '\t']) && rest.len() < message.len() => {
                if let Some(subject) = subject.as_mut().filter(|_| is_subject) {
                    subject.push(' ');
                    subject.push_str(line.trim());
                }
            }
            Some((name, value)) if is_name(name) => {
                is_subject = name.eq_ignore_ascii_case("subject");
                if is_subject {
                    subject = Some(value.trim().to_owned());
                }
            }
            _ => break,
        }
        rest = after;
    }
    (subject, rest.replace("\r\n", "\n"))
}

/// An interval such as `7`, `3d`, `12h` or `1w` in whole days.
fn days(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "" | "d" => Some(number),
        "w" => number.checked_mul(7),
        "h" => Some(number / 24),
        "m" => Some(number / (24 * 60)),
        "s" => Some(number / (24 * 60 * 60)),
        _ => None,
    }
}
