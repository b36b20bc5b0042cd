//! In: the arguments of procmail. Out: how it is called (procmail(1)).

use crate::rules::elaborate::Call;
use crate::rules::model::Text;

/// Reads the command line; `None` where a part of it is only known on the old
/// host, or where it delivers to others (`-d`) or filters (`-m`).
pub fn read(arguments: &[Text]) -> Option<Call> {
    let mut call = Call::default();
    let mut words = arguments.iter();
    let mut options_end = false;
    while let Some(word) = words.next() {
        let word = word.known()?;
        let letters = match word.strip_prefix('-') {
            Some(letters) if !options_end => letters,
            _ => {
                operand(&mut call, word);
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
                    let argument = match rest.as_str() {
                        "" => words.next()?.known()?,
                        argument => argument,
                    };
                    call.arguments.push(argument.to_owned());
                    break;
                }
                'p' => call.preserve = true,
                't' | 'o' | 'Y' | 'z' | 'r' => {}
                _ => return None,
            }
        }
    }
    Some(call)
}

fn operand(call: &mut Call, word: &str) {
    match word.split_once('=') {
        Some((name, value)) if !name.contains('/') && !name.is_empty() => {
            call.assignments.push((name.to_owned(), value.to_owned()));
        }
        _ => call.files.push(word.to_owned()),
    }
}
