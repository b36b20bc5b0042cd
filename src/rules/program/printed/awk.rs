//! In: a call of awk that prints one word of each line. Out: what it makes of a
//! line (`awk '{print $2}'`, POSIX awk).

use super::{New, Shape, TextEdit, Way};
use crate::rules::program::arguments::Call;

/// The words of a line that are followed to.
const MOST_WORDS: usize = 6;

/// Which word it is.
enum Word {
    Number(usize),
    Last,
}

/// What is made of a line; `None` where the program is another one.
pub(super) fn edit(call: &Call) -> Option<TextEdit> {
    let (flags, operands) = call.options_and_operands("F", "")?;
    let [program] = operands.as_slice() else {
        return None;
    };
    let word = word(program.known()?)?;
    let separator = match flags.as_slice() {
        [] => None,
        [flag] if flag.letter == 'F' => separator(flag.value.as_ref()?.known()?)?,
        _ => return None,
    };
    let (regex, group) = match separator {
        None => between_blanks(&word),
        Some((sign, other)) => between_signs(&word, &sign, &other),
    };
    let taken = Way {
        shape: Shape::Regex(regex),
        new: vec![New::Group(group)],
    };
    Some(TextEdit::Apart(match word {
        // Of a line without words, the last is the line.
        Word::Last => vec![taken],
        Word::Number(_) => vec![
            taken,
            Way {
                shape: Shape::anything(),
                new: Vec::new(),
            },
        ],
    }))
}

/// `{print $2}`, `{ print $NF }`.
fn word(program: &str) -> Option<Word> {
    let inner = program.trim().strip_prefix('{')?.strip_suffix('}')?;
    let inner = inner.trim().trim_end_matches(';').trim_end();
    let name = inner
        .strip_prefix("print")?
        .trim_start()
        .strip_prefix('$')?;
    match name {
        "NF" => Some(Word::Last),
        number => number
            .parse()
            .ok()
            .filter(|number| (1..=MOST_WORDS).contains(number))
            .map(Word::Number),
    }
}

/// One sign, or a set of some: as a part of an expression, and what is no such sign;
/// nothing where blanks separate as they do without `-F`.
#[allow(clippy::option_option)]
fn separator(written: &str) -> Option<Option<(String, String)>> {
    if written == " " {
        return Some(None);
    }
    let signs = match written
        .strip_prefix('[')
        .and_then(|set| set.strip_suffix(']'))
    {
        Some(set) => set,
        None => written,
    };
    let is_plain = |c: char| c.is_ascii_graphic() && !"[]^\\-".contains(c) || c == ' ';
    let is_set = signs.len() < written.len();
    if signs.is_empty() || !signs.chars().all(is_plain) || signs.len() > 1 && !is_set {
        return None;
    }
    Some(Some((format!("[{signs}]"), format!("[^{signs}]"))))
}

/// The expression for a word, and the group that it is.
fn between_blanks(word: &Word) -> (String, usize) {
    match word {
        Word::Last => ("^(.*[ \t])?([^ \t]+)[ \t]*$".to_owned(), 2),
        Word::Number(number) => {
            let before = "[^ \t]+[ \t]+".repeat(number - 1);
            (format!("^[ \t]*{before}([^ \t]+).*$"), 1)
        }
    }
}

fn between_signs(word: &Word, sign: &str, other: &str) -> (String, usize) {
    match word {
        Word::Last => (format!("^(.*{sign})?({other}*)$"), 2),
        Word::Number(number) => {
            let before = format!("{other}*{sign}").repeat(number - 1);
            (format!("^{before}({other}*).*$"), 1)
        }
    }
}
