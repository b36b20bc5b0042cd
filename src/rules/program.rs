//! In: the command of a pipe, a `?` condition or backquotes. Out: what it
//! means for a message, where it is one of the programs whose work a mail
//! server does itself.
//!
//! Nothing is run. What is not known for certain is [`Meaning::Unknown`].

mod arguments;
pub(crate) mod calendar;
mod filing;
mod formail;
mod printed;
mod question;
mod send;
mod spam;
#[cfg(test)]
mod tests;

use super::model::{FileTest, Piece, Text};
use crate::syntax::shell::Operator;
use arguments::{Call, Flag, Reader, Stage};

pub use arguments::parameter;
pub use formail::{Edit, Field, SENDER, is_field_name};
pub use printed::{New, Printed, Shape, Source, TextEdit, Way, Whom, decoded};
pub use question::{Comparison, Grep, Input, Patterns, Question, Relation};
pub use send::{
    BodyPart, Recipients, Reply, Sendmail, VACATION_MESSAGE, Vacation, answer, is_sendmail,
};

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A spam filter or virus scanner marks the message in its header.
    SpamFilter {
        /// The program's name.
        program: String,
        /// Its exit status says what it found.
        tells: bool,
        /// How the names of the fields begin that it writes, in lower case.
        writes: Option<&'static str>,
    },
    /// A spam filter learns from the message, which is gone then: `sa-learn`,
    /// `bogofilter -s`.
    Training {
        /// The program's name.
        program: String,
    },
    /// `formail -A … -I …` as a filter: the header is changed.
    HeaderEdit(Vec<Edit>),
    /// `sed '/^Subject:/s/old/new/'` as a filter: the text of fields is changed.
    Rewritten {
        /// Which.
        fields: Vec<String>,
    },
    /// `mimencode -u` as a filter: the body is decoded.
    Decoded {
        /// The program's name.
        program: String,
    },
    /// A filter that changes nothing (`cat`, `formail` alone).
    PassThrough,
    /// `formail -D`: succeeds where the message was seen before.
    Duplicate {
        /// How many bytes of message ids are remembered.
        bytes: Option<u64>,
        /// The file of ids.
        cache: Text,
        /// `-r`: whom one would reply to is remembered, not the message id.
        by_sender: bool,
    },
    /// `formail -r`: an answer to the message.
    AutoReply(Reply),
    /// `vacation`.
    Vacation(Vacation),
    /// A delivery agent files the message into a folder, named as the server
    /// names it; `None` is the inbox.
    Deliver {
        /// Whose mailbox it is; without any, that of the user who calls it.
        recipients: Vec<Text>,
        /// The folder.
        folder: Option<Text>,
    },
    /// `rcvstore +folder` of MH, relative to MH's directory.
    StoreMh {
        /// The folder.
        folder: Text,
    },
    /// `cat >> file`, or a delivery into a maildir.
    AppendTo {
        /// The file; a maildir ends in `/`.
        path: Text,
        /// By `gzip` or its like, whose ending the path has no more.
        compressed: bool,
    },
    /// A program changes the message on its way into a folder:
    /// `program | deliver`, `formail -A … >> file`.
    FiledChanged {
        /// The program's name, with more where there are several.
        program: String,
        /// What then becomes of it.
        then: Box<Meaning>,
    },
    /// `sendmail address …`: the message is forwarded, its header changed first.
    Redirect {
        /// To whom.
        addresses: Vec<Text>,
        /// What is changed.
        edits: Vec<Edit>,
    },
    /// `mail address …`: a new message is sent, with this one as its text.
    Mail {
        /// To whom.
        addresses: Vec<Text>,
        /// `-s`.
        subject: Option<Text>,
    },
    /// `sendmail -t`: the message, perhaps with text added, is sent to those
    /// its own header names.
    SendToHeader {
        /// What is sent.
        body: Vec<BodyPart>,
    },
    /// A person is told that there is mail (`notify-send`, `biff`).
    Notify,
    /// Something is written down or tidied up, and the message is not touched.
    Log,
    /// The same, where that can fail: `rm` of a file that may be there.
    Attempt,
    /// `mv $LASTFOLDER …:2,S`: the message that was just delivered gets these
    /// maildir flags (`S`: it is read).
    SetFlags {
        /// The letters that a maildir has for them.
        flags: String,
        /// The maildir that it is then in; `None` where the new name is in no `cur`.
        folder: Option<Text>,
    },
    /// A procmail runs again, with these rules.
    Procmail(Vec<Text>),
    /// `exit 67`, `true`, `false`.
    Exit(i32),
    /// `echo text`, `formail -x Field`, and what `sed`, `tr` and `cut` make of that.
    Printed(Printed),
    /// `date +FORMAT`.
    Date {
        /// strftime(3).
        format: Text,
    },
    /// `test …` or `[ … ]`.
    Question(Question),
    /// `grep` and its relatives, over what `formail -x` or `echo` prints.
    Grep(Grep),
    /// There is no such program. An option stands where its name should, as the
    /// variable that was to hold it has no value; or it is one of the shell's own
    /// (`exit 0`), and procmail, which saw nothing in it for a shell, ran it itself.
    NoProgram,
    /// Anything else.
    Unknown,
}

/// A part of the message that a filter changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// A field, in lower case, or the line of the mbox format ([`SENDER`]).
    Field(String),
    /// Nobody knows which fields.
    Header,
    /// The body, and the size of it.
    Body,
}

impl Changed {
    /// A field.
    pub fn field(name: &str) -> Self {
        Changed::Field(name.to_lowercase())
    }
}

impl Meaning {
    /// Whether it ends with exit status 0, where that is known. What a server does
    /// itself does not fail.
    pub fn succeeds(&self) -> Option<bool> {
        match self {
            Meaning::SpamFilter { tells: true, .. }
            | Meaning::Training { .. }
            | Meaning::Duplicate { .. }
            | Meaning::Attempt
            | Meaning::Notify
            | Meaning::Procmail(_)
            | Meaning::Question(_)
            | Meaning::Grep(_)
            | Meaning::Unknown => None,
            Meaning::NoProgram => Some(false),
            Meaning::Exit(status) => Some(*status == 0),
            Meaning::FiledChanged { then, .. } => then.succeeds(),
            _ => Some(true),
        }
    }

    /// What it changes as a filter that is fed these parts.
    pub fn changes(&self, header: bool, body: bool) -> Vec<Changed> {
        let mut changes: Vec<Changed> = match self {
            Meaning::SpamFilter { .. } | Meaning::PassThrough | Meaning::NoProgram => {
                return Vec::new();
            }
            Meaning::HeaderEdit(edits) => {
                let names = edits.iter().flat_map(Edit::names);
                return names.map(Changed::field).collect();
            }
            Meaning::Decoded { .. } => return vec![Changed::Body],
            Meaning::Rewritten { fields } if header => {
                fields.iter().map(|name| Changed::field(name)).collect()
            }
            _ if header => vec![Changed::Header],
            _ => Vec::new(),
        };
        changes.extend(body.then_some(Changed::Body));
        changes
    }
}

const NOTIFIERS: [&str; 14] = [
    "notify-send",
    "biff",
    "xbiff",
    "newmail",
    "growlnotify",
    "terminal-notifier",
    "osascript",
    "xmessage",
    "zenity",
    "play",
    "aplay",
    "rsh-notify",
    "write",
    "wall",
];

const LOGGERS: [&str; 7] = [
    "logger",
    "wc",
    "lbdb-fetchaddr",
    "from",
    "syslog",
    "mailstat",
    "touch",
];

/// What procmail has a shell for, where `SHELLMETAS` says nothing else.
pub const FOR_SHELL: &str = "&|<>~;?*[";

/// What a command of procmail's rules does to, or says about, the message it is
/// given.
pub fn meaning(command: &Text) -> Meaning {
    let literals = command.0.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text),
        _ => None,
    });
    let is_for_shell = |text: &String| text.contains(|sign| FOR_SHELL.contains(sign));
    let Some(reader) = Reader::new(command) else {
        return Meaning::Unknown;
    };
    match literals.clone().any(is_for_shell) {
        true => read_by_shell(&reader),
        false if !reader.is_program() => Meaning::NoProgram,
        // To procmail, `$(…)` is a word like others.
        false if literals.clone().any(|text| text.contains("$(")) => Meaning::Unknown,
        false => read_by_shell(&reader),
    }
}

/// The same for a command that a shell is given.
pub fn meaning_in_shell(command: &Text) -> Meaning {
    match Reader::new(command) {
        Some(reader) => read_by_shell(&reader),
        None => Meaning::Unknown,
    }
}

fn read_by_shell(reader: &Reader) -> Meaning {
    let meaning = reader.stages().and_then(|stages| of_pipeline(&stages));
    let meaning = meaning
        .or_else(|| sees_to_directory(reader))
        .or_else(|| question::tests(reader).map(Meaning::Question))
        .or_else(|| chores(reader));
    match meaning {
        // Elsewhere, a path means another file.
        Some(meaning) if reader.changes_directory() => match meaning {
            Meaning::Log | Meaning::Attempt | Meaning::Notify => meaning,
            _ => Meaning::Unknown,
        },
        Some(meaning) => meaning,
        None => Meaning::Unknown,
    }
}

/// What a command prints, where that is a text which is known: `echo text`.
pub fn text_printed(command: &Text) -> Option<String> {
    command.known()?;
    let Meaning::Printed(printed) = meaning(command) else {
        return None;
    };
    let Source::Text { text, .. } = &printed.source else {
        return None;
    };
    let text = text.known().filter(|text| !text.contains('\n'))?;
    printed.of_text(text)
}

fn of_pipeline(stages: &[Stage]) -> Option<Meaning> {
    match stages {
        [] => None,
        _ if stages.iter().all(is_nameless) => Some(Meaning::NoProgram),
        [Stage::Call(call)] => of_call(call),
        [Stage::Group(_)] => send::of_pipeline(stages),
        [Stage::Call(first), Stage::Call(second)] if first.is("echo") || first.is("printf") => {
            question::of_echo(first, second)
                .or_else(|| printed::of_pipeline(stages).map(Meaning::Printed))
                .or_else(|| aside(second))
        }
        [Stage::Call(first), Stage::Call(second)] if question::is_grep(second) => {
            question::of_filtered(first, second)
        }
        [first @ .., Stage::Call(last)] if last.is("procmail") && !first.is_empty() => {
            match of_pipeline(first)? {
                Meaning::SpamFilter { .. } | Meaning::PassThrough => of_call(last),
                _ => None,
            }
        }
        [first @ .., Stage::Call(last)] if filing::is_delivery_agent(last) => {
            let filed = filing::deliver(last)?;
            match of_pipeline(first) {
                Some(Meaning::SpamFilter { .. } | Meaning::PassThrough) => Some(filed),
                _ => filing::filed_changed(first, filed),
            }
        }
        [first @ .., Stage::Call(last)]
            if filing::output_file(last).is_some()
                && first.iter().all(filing::is_stream_editor) =>
        {
            match of_call(last)? {
                end @ Meaning::AppendTo { .. } => filing::filed_changed(first, end),
                _ => None,
            }
        }
        _ => printed::of_pipeline(stages)
            .map(Meaning::Printed)
            .or_else(|| send::of_pipeline(stages)),
    }
}

/// Whether an option stands in the program's place. With `-c` and `-s` among
/// its letters, the shell that gets it would run something.
fn is_nameless(stage: &Stage) -> bool {
    match stage {
        Stage::Call(call) => {
            let letters = call.name.strip_prefix('-');
            letters.is_some_and(|letters| !letters.is_empty() && !letters.contains(['c', 's', '-']))
        }
        Stage::Group(_) => false,
    }
}

fn of_call(call: &Call) -> Option<Meaning> {
    let name = call.name.as_str();
    let asks = question::is_test(call) || question::is_grep(call);
    if let Some(target) = filing::output_file(call).filter(|_| !asks) {
        return filing::of_redirected(call, target);
    }
    if let Some(meaning) = spam::of_call(call) {
        return Some(meaning);
    }
    if filing::is_delivery_agent(call) {
        return filing::deliver(call);
    }
    match name {
        "formail" => formail::of_call(call),
        "vacation" => send::vacation(call).map(Meaning::Vacation),
        name if name == "sendmail" || send::is_mail(name) => {
            send::of_pipeline(&[Stage::Call(call.clone())])
        }
        "rcvstore" => filing::rcvstore(call),
        "maildir" | "mdeliver" | "mddeliver" => filing::maildir(call),
        "mv" => set_flags(call).or_else(|| aside(call)),
        "sed" => repair(call).or_else(|| {
            printed::rewritten_fields(call).map(|fields| Meaning::Rewritten { fields })
        }),
        "mimencode" | "mmencode" | "qprint" | "base64" if decodes(call) => Some(Meaning::Decoded {
            program: name.to_owned(),
        }),
        "sh" | "bash" | "dash" | "ksh" => match call.arguments.as_slice() {
            [option, command] if option.known() == Some("-c") => Some(meaning_in_shell(command)),
            _ => None,
        },
        "find" if call.arguments.last().and_then(Text::known) == Some("-delete") => {
            Some(Meaning::Log)
        }
        "procmail" => Some(Meaning::Procmail(call.arguments.clone())),
        "cat" if call.arguments.is_empty() => Some(Meaning::PassThrough),
        "date" => date(call),
        "echo" => printed::alone(call).map(Meaning::Printed),
        _ if question::is_test(call) => question::test(call).map(Meaning::Question),
        "true" | ":" => Some(Meaning::Exit(0)),
        "false" => Some(Meaning::Exit(1)),
        "exit" => exit(call),
        _ if question::is_grep(call) => question::grep(call, Input::Message).map(Meaning::Grep),
        _ => aside(call),
    }
}

/// `test -d folder || mkdir folder`: it is there then.
fn sees_to_directory(reader: &Reader) -> Option<Meaning> {
    let (Operator::Or, calls) = reader.joined()? else {
        return None;
    };
    let [asked, made] = calls.as_slice() else {
        return None;
    };
    let asks = question::is_test(asked)
        && matches!(
            question::test(asked)?.comparison,
            Comparison::File(FileTest::Directory, _)
        );
    (asks && made.is("mkdir")).then_some(Meaning::Exit(0))
}

/// Several programs, none of which touches the message: `mv log log.old; gzip log.old`.
fn chores(reader: &Reader) -> Option<Meaning> {
    let (_, calls) = reader.joined()?;
    let is_aside = |call: &Call| {
        matches!(
            of_call(call),
            Some(Meaning::Log | Meaning::Attempt | Meaning::Notify)
        )
    };
    calls.iter().all(is_aside).then_some(Meaning::Attempt)
}

/// Whether a call works on logs alone, by their names.
fn is_of_logs(call: &Call) -> bool {
    let Some((_, operands)) = call.options_and_operands("", "") else {
        return false;
    };
    let is_log = |path: &Text| {
        let Some(path) = path.known() else {
            return false;
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        path == "/dev/null" || name.to_ascii_lowercase().contains("log")
    };
    !operands.is_empty() && operands.iter().all(is_log)
}

/// Programs that neither deliver nor change the message.
fn aside(call: &Call) -> Option<Meaning> {
    let name = call.name.as_str();
    if NOTIFIERS.contains(&name) {
        return Some(Meaning::Notify);
    }
    if LOGGERS.contains(&name) {
        return Some(Meaning::Log);
    }
    if matches!(name, "mv" | "cp" | "gzip" | "bzip2" | "xz" | "compress") && is_of_logs(call) {
        return Some(Meaning::Attempt);
    }
    if !matches!(name, "rm" | "mkdir") || call.arguments.iter().any(is_delivered) {
        return None;
    }
    // With these options, it is no failure where there is nothing to do.
    let options = call.options_and_operands("m", "");
    let is_lenient = |option: &Flag| matches!(option.letter, 'f' | 'p');
    match options.is_some_and(|(options, _)| options.iter().any(is_lenient)) {
        true => Some(Meaning::Log),
        false => Some(Meaning::Attempt),
    }
}

/// Whether a word names the mail that was just delivered.
fn is_delivered(word: &Text) -> bool {
    matches!(word.0.first(), Some(Piece::Variable(name)) if name == "LASTFOLDER")
}

/// `mv $LASTFOLDER …:2,S`, or `mv folder/new/$name folder/cur/$name:2,S`.
fn set_flags(call: &Call) -> Option<Meaning> {
    let [from, to] = call.arguments.as_slice() else {
        return None;
    };
    let (Piece::Literal(end), place) = to.0.split_last()? else {
        return None;
    };
    let is_same = || match (from.0.as_slice(), place) {
        ([Piece::Literal(from), name], [Piece::Literal(to), other]) => {
            let folder = from.strip_suffix("new/");
            folder.is_some() && folder == to.strip_suffix("cur/") && name == other
        }
        _ => false,
    };
    let (_, flags) = end.rsplit_once(":2,")?;
    let are_flags = !flags.is_empty() && flags.bytes().all(|b| b"DFPRST".contains(&b));
    (are_flags && (is_delivered(from) || is_same())).then(|| Meaning::SetFlags {
        flags: flags.to_owned(),
        folder: above_cur(to),
    })
}

/// The maildir of a file in its `cur`.
fn above_cur(file: &Text) -> Option<Text> {
    let mut folder = Text::default();
    for piece in &file.0 {
        if let Piece::Literal(text) = piece
            && let Some((above, _)) = text.rsplit_once("/cur/")
        {
            folder.push(Piece::Literal(above.to_owned()));
            return Some(folder);
        }
        folder.push(piece.clone());
    }
    None
}

/// `sed -e '1s/^/F/'` puts the `F` back that an old fault of procmail took
/// from the `From ` line; there is no such line on a mail server.
fn repair(call: &Call) -> Option<Meaning> {
    let words: Vec<_> = call.arguments.iter().map(Text::known).collect();
    let repairs = matches!(
        words.as_slice(),
        [Some("1s/^/F/")] | [Some("-e"), Some("1s/^/F/")]
    );
    repairs.then_some(Meaning::PassThrough)
}

/// Whether a program that en- and decodes is told to decode.
fn decodes(call: &Call) -> bool {
    let mut words = call.arguments.iter().map(Text::known);
    words.any(|word| matches!(word, Some("-u" | "-d" | "-D" | "--decode")))
}

fn date(call: &Call) -> Option<Meaning> {
    let [format] = call.arguments.as_slice() else {
        return None;
    };
    match format.0.split_first()? {
        (Piece::Literal(first), rest) => {
            let mut text = Text::literal(first.strip_prefix('+')?);
            rest.iter().for_each(|piece| text.push(piece.clone()));
            Some(Meaning::Date { format: text })
        }
        _ => None,
    }
}

/// The text that `echo` prints, without its line end.
fn echo(call: &Call) -> Option<Text> {
    let words = match call.arguments.split_first() {
        Some((first, rest)) if first.known() == Some("-n") => rest,
        Some((first, _)) if first.known() == Some("-e") => return None,
        _ => call.arguments.as_slice(),
    };
    let mut text = Text::default();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push(Piece::Literal(" ".to_owned()));
        }
        text.extend(word.clone());
    }
    Some(text)
}

fn exit(call: &Call) -> Option<Meaning> {
    match call.arguments.as_slice() {
        [] => Some(Meaning::Exit(0)),
        [code] => {
            let code: i32 = code.known()?.parse().ok()?;
            Some(Meaning::Exit(code.rem_euclid(256)))
        }
        _ => None,
    }
}

/// Whether what follows an operator only matters where the program failed.
fn guards_failure(operator: Operator) -> bool {
    operator == Operator::Or
}
