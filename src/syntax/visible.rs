//! In: text from a user's file. Out: the same text, safe to print: no character
//! in it moves the cursor, rings, or turns the writing round.

use std::borrow::Cow;

/// The text with its control characters as signs that can be seen: `␛` for an
/// escape, `\u{9b}` for those without a sign of their own. Line ends and tabs
/// stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_seen(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_visible(&mut shown, c));
    Cow::Owned(shown)
}

/// Appends a character as [`visible`] shows it.
pub fn push_visible(shown: &mut String, c: char) {
    match c {
        c if !is_hidden(c) => shown.push(c),
        // The control pictures stand in the order of the characters.
        '\0'..='\x1f' => shown.extend(char::from_u32(0x2400 + c as u32)),
        '\x7f' => shown.push('␡'),
        c => shown.extend(c.escape_unicode()),
    }
}

/// Whether every character is seen as what it is.
pub fn is_seen(text: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    text.bytes().all(is_plain) || !text.chars().any(is_hidden)
}

/// Whether a character is not seen as what it is.
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Marks that turn the direction of writing, that take no room, or end
        // a line for some.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(visible("Grüße\tan\nalle ☃"), "Grüße\tan\nalle ☃");
    }

    #[test]
    fn what_could_move_the_cursor_is_shown() {
        assert_eq!(visible("a\x1b[2Jb\rc\x07\x7f"), "a␛[2Jb␍c␇␡");
        assert_eq!(visible("\u{9b}31m\u{202e}"), "\\u{9b}31m\\u{202e}");
    }

    #[test]
    fn no_control_character_is_left() {
        let all: String = (0..0x3000).filter_map(char::from_u32).collect();
        for c in all.chars() {
            assert_eq!(is_seen(c.encode_utf8(&mut [0; 4])), !is_hidden(c));
        }
        let controls = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!visible(&all).contains(controls));
    }
}
