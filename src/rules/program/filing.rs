//! In: calls that put the message into a folder, or append it to a file. Out:
//! which, and whether other programs change it on the way.

use super::arguments::{Call, Stage, Target};
use super::{Meaning, aside, formail};
use crate::rules::model::{Piece, Text};
use crate::syntax::shell::RedirectionKind;

/// A program whose output goes to a file.
pub(super) fn of_redirected(call: &Call, target: Option<Text>) -> Option<Meaning> {
    let name = call.name.as_str();
    match name {
        "cat" if call.arguments.iter().all(|word| word.known() == Some("-")) => target.map(append),
        _ if COMPRESSORS.iter().any(|(program, _)| *program == name) => compressed(call, target?),
        "echo" | "printf" | "date" | "wc" => Some(Meaning::Log),
        _ => {
            let mut alone = call.clone();
            if alone.redirections.len() == 1 {
                alone.redirections.clear();
            }
            let alone = Stage::Call(alone);
            let file = target.filter(|file| file.known() != Some("/dev/null"));
            match (is_stream_editor(&alone), file) {
                (true, Some(path)) => filed_changed(&[alone], append(path)),
                (true, None) => None,
                (false, _) if name == "formail" => Some(Meaning::Log),
                (false, _) => aside(call),
            }
        }
    }
}

/// What becomes of a message that programs change first, which read and print it.
pub(super) fn filed_changed(by: &[Stage], then: Meaning) -> Option<Meaning> {
    let flows = |redirection: &Target| redirection.descriptor == Some(2);
    let names = by.iter().map(|stage| match stage {
        Stage::Call(call) if call.redirections.iter().all(flows) => Some(call.name.as_str()),
        _ => None,
    });
    let names: Vec<&str> = names.collect::<Option<_>>()?;
    Some(Meaning::FiledChanged {
        program: names.join(" | "),
        then: Box::new(then),
    })
}

/// Whether a program prints the message that it reads, with changes.
pub(super) fn is_stream_editor(stage: &Stage) -> bool {
    let is_of_sed = |word: &Text| match word.known() {
        Some(word) => !word.starts_with('-') || ["-e", "-E", "-r", "-u"].contains(&word),
        None => true,
    };
    match stage {
        Stage::Call(call) if !call.redirections.is_empty() => false,
        Stage::Call(call) => match call.name.as_str() {
            "formail" => {
                let edits = matches!(
                    formail::of_call(call),
                    Some(Meaning::HeaderEdit(_) | Meaning::PassThrough)
                );
                edits || formail::splits(call)
            }
            "sed" => call.arguments.iter().all(is_of_sed),
            "cat" => call.arguments.is_empty(),
            "tr" | "expand" | "fold" | "fmt" | "col" | "dos2unix" | "nkf" | "iconv" => true,
            _ => false,
        },
        Stage::Group(_) => false,
    }
}

/// Where the standard output goes: `None` where it is not redirected,
/// `Some(None)` where a file is written anew.
pub(super) fn output_file(call: &Call) -> Option<Option<Text>> {
    let redirection = call.redirections.iter().rev().find(|redirection| {
        let writes = [RedirectionKind::Append, RedirectionKind::Write];
        writes.contains(&redirection.kind) && matches!(redirection.descriptor, None | Some(1))
    })?;
    let keeps = redirection.kind == RedirectionKind::Append
        || redirection.target.known() == Some("/dev/null");
    Some(keeps.then(|| redirection.target.clone()))
}

/// Whether a program files mail as the server does.
pub(super) fn is_delivery_agent(call: &Call) -> bool {
    ["deliver", "dovecot-lda", "cyrdeliver"].contains(&call.name.as_str())
}

/// `deliver -m folder`, with the other options of dovecot-lda(1); `cyrdeliver` names
/// the users behind them.
pub(super) fn deliver(call: &Call) -> Option<Meaning> {
    let mut folder = None;
    let (options, mut recipients) = call.options_and_operands("adefmpr", "")?;
    if call.name != "cyrdeliver" && !recipients.is_empty() {
        return None;
    }
    for option in options {
        match option.letter {
            'm' => folder = Some(option.value?),
            'd' => recipients.push(option.value?),
            'a' | 'e' | 'f' | 'k' | 'r' | 'q' | 'l' => {}
            _ => return None,
        }
    }
    let is_inbox = |folder: &Text| {
        folder
            .known()
            .is_some_and(|f| f.eq_ignore_ascii_case("inbox"))
    };
    Some(Meaning::Deliver {
        recipients,
        folder: folder.filter(|folder| !is_inbox(folder)),
    })
}

/// `rcvstore +folder` of MH.
pub(super) fn rcvstore(call: &Call) -> Option<Meaning> {
    let mut folders = call
        .arguments
        .iter()
        .filter_map(|word| match word.0.first() {
            Some(Piece::Literal(text)) => {
                let rest = text.strip_prefix('+')?;
                let mut folder = Text::literal(rest);
                word.0[1..]
                    .iter()
                    .for_each(|piece| folder.push(piece.clone()));
                Some(folder)
            }
            _ => None,
        });
    let folder = folders.next().unwrap_or_else(|| Text::literal("inbox"));
    let one = folders.next().is_none();
    one.then_some(Meaning::StoreMh { folder })
}

/// A program that puts the message into a maildir, its last argument.
pub(super) fn maildir(call: &Call) -> Option<Meaning> {
    let (path, options) = call.arguments.split_last()?;
    if is_option(path) || !options.iter().all(is_option) {
        return None;
    }
    let mut path = path.clone();
    match path.0.last_mut()? {
        Piece::Literal(text) if text.ends_with('/') => {}
        Piece::Literal(text) => text.push('/'),
        _ => path.push(Piece::Literal("/".to_owned())),
    }
    Some(append(path))
}

fn append(path: Text) -> Meaning {
    Meaning::AppendTo {
        path,
        compressed: false,
    }
}

/// Whether a word is an option.
fn is_option(word: &Text) -> bool {
    word.known().is_some_and(|word| word.starts_with('-'))
}

/// Programs that pack a file, and how its name ends then.
const COMPRESSORS: [(&str, &str); 4] = [
    ("gzip", ".gz"),
    ("bzip2", ".bz2"),
    ("compress", ".Z"),
    ("xz", ".xz"),
];

/// `gzip >> file.gz`.
fn compressed(call: &Call, mut path: Text) -> Option<Meaning> {
    let unpacks = |word: &Text| {
        word.known()
            .is_some_and(|word| word.contains(['d', 't', 'l']))
    };
    if !call.arguments.iter().all(is_option) || call.arguments.iter().any(unpacks) {
        return None;
    }
    if let Some(Piece::Literal(last)) = path.0.last_mut() {
        let bare = COMPRESSORS
            .iter()
            .find_map(|(_, ending)| last.strip_suffix(ending));
        if let Some(bare) = bare {
            *last = bare.to_owned();
        }
    }
    path.0
        .retain(|piece| *piece != Piece::Literal(String::new()));
    (path.known() != Some("/dev/null")).then_some(Meaning::AppendTo {
        path,
        compressed: true,
    })
}
