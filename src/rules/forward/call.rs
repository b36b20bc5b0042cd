//! In: the arguments of procmail. Out: how it is called (procmail(1)).

use crate::rules::elaborate::Call;
use crate::rules::model::{Piece, Text};

/// How procmail is called, and as what.
pub struct Called {
    pub call: Call,
    /// `-m`: as a mail filter, which has no mailbox of its own. It bounces what
    /// its rules leave.
    pub is_filter: bool,
}

/// Reads the command line of a user; `None` where an option or a file of it is only
/// known on the old host, or where it delivers to others (`-d`).
pub fn read(arguments: &[Text], user: &str) -> Option<Called> {
    let mut call = Call::default();
    let mut is_filter = false;
    let mut delivers_to = false;
    let mut words = arguments.iter();
    let mut options_end = false;
    while let Some(word) = words.next() {
        // `-a$EXTENSION` in one word.
        if let [Piece::Literal(letters), extension] = word.0.as_slice()
            && letters == "-a"
            && !options_end
        {
            call.arguments
                .push(argument(std::slice::from_ref(extension)));
            continue;
        }
        let word = word.known()?;
        let letters = match word.strip_prefix('-') {
            Some(letters) if !options_end => letters,
            // It ends the options: what follows names a file, whatever it begins with.
            _ => {
                options_end = true;
                operand(&mut call, word)?;
                continue;
            }
        };
        if letters.is_empty() || letters == "-" {
            options_end = true;
            continue;
        }
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            match letter {
                // The sender; `-f-` means the one in the message.
                'f' => {
                    if rest.as_str().is_empty() {
                        words.next()?;
                    }
                    break;
                }
                'a' => {
                    call.arguments.push(match rest.as_str() {
                        "" => argument(&words.next()?.0),
                        argument => Text::literal(argument),
                    });
                    break;
                }
                // All that is left are recipients. To the user who calls it, it is
                // as without.
                'd' => {
                    let first = Some(rest.as_str()).filter(|first| !first.is_empty());
                    let others = words.by_ref().map(|word| word.known().unwrap_or_default());
                    let recipients: Vec<&str> = first.into_iter().chain(others).collect();
                    if recipients.is_empty() || recipients.iter().any(|name| *name != user) {
                        return None;
                    }
                    delivers_to = true;
                    break;
                }
                'm' => is_filter = true,
                'p' => call.preserve = true,
                't' | 'o' | 'Y' | 'r' => {}
                _ => return None,
            }
        }
    }
    // It takes no other way of delivering then.
    if delivers_to && (is_filter || call.preserve) {
        return None;
    }
    if is_filter && !call.files.is_empty() {
        // One rc file, and then what `$1` and so on are.
        let arguments = call.files.split_off(1);
        call.arguments.extend(arguments.iter().map(Text::literal));
    }
    Some(Called { call, is_filter })
}

/// An argument. What stands behind the `+` of the address is known of each message;
/// what else differs is not.
fn argument(word: &[Piece]) -> Text {
    let known = |piece: &Piece| match piece {
        Piece::Literal(_) => true,
        Piece::Variable(name) | Piece::Default { name, .. } | Piece::Alternative { name, .. } => {
            name == "EXTENSION"
        }
        _ => false,
    };
    let piece = |piece: &Piece| match known(piece) {
        true => piece.clone(),
        false => Piece::Opaque("an argument of procmail".to_owned()),
    };
    Text(word.iter().map(piece).collect())
}

/// What is neither an option nor a value of one; `None` where it changes more than
/// what the rules read.
fn operand(call: &mut Call, word: &str) -> Option<()> {
    match word.split_once('=') {
        Some(("HOST" | "HOME" | "EXITCODE" | "INCLUDERC" | "SWITCHRC" | "TRAP", _))
        | Some(("DEFAULT" | "ORGMAIL", "/dev/null")) => return None,
        // Of the directory that the mailer is in, which is not the home everywhere.
        _ if word.starts_with("./") || word.starts_with("../") => return None,
        Some((name, value)) if !name.contains('/') && !name.is_empty() => {
            call.assignments.push((name.to_owned(), value.to_owned()));
        }
        _ => call.files.push(word.to_owned()),
    }
    Some(())
}
