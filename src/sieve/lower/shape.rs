//! In: the value of a variable, as far as it is known. Out: whether it can stand
//! in a folder's name as it is.

use super::names::{is_of_clock, script_name};
use super::path::Path;
use crate::sieve::script::{Part, Value};

/// What a value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// It begins with a blank, which ends a name.
    Blank,
    /// Any text, also none.
    Anything,
    /// Without a blank, but empty, or a way out of the folders.
    Path,
    /// One letter or more, none of which parts folders or is a backslash.
    Word,
    /// A word that is not the inbox.
    Name,
}

impl Shape {
    /// That of a text.
    pub fn of(text: &str) -> Shape {
        match text.chars().all(is_of_word) {
            _ if text.is_empty() => Shape::Path,
            false if text.contains(' ') => Shape::Anything,
            false => Shape::Path,
            true if text.eq_ignore_ascii_case("inbox") => Shape::Word,
            true => Shape::Name,
        }
    }
}

impl Path {
    /// That of a value of the script.
    pub fn shape(&self, value: &Value) -> Shape {
        let shapes = value.0.iter().map(|part| match part {
            Part::Text(text) => Shape::of(text),
            Part::Variable(name) => self.shape_of(name),
        });
        match (shapes.min(), value.0.len()) {
            (None, _) => Shape::Anything,
            (Some(shape), 1) => shape,
            (Some(shape), _) => shape.min(Shape::Word),
        }
    }

    /// That of a variable of the script.
    fn shape_of(&self, name: &str) -> Shape {
        // Days and hours.
        if is_of_clock(name) {
            return Shape::Name;
        }
        let same = |(own, _): &(&str, Shape)| script_name(own) == name;
        let shapes = self.shapes().filter(same).map(|(_, shape)| shape);
        shapes.min().unwrap_or(Shape::Anything)
    }
}

/// A sign that parts neither words nor folders, leads out of none, and means nothing
/// to `echo`.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '/' | '.' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sieve::lower::path::Known;

    #[test]
    fn names_that_lead_nowhere_else() {
        for (text, shape) in [
            ("lists", Shape::Name),
            ("a-b_c+d", Shape::Name),
            ("Inbox", Shape::Word),
            ("", Shape::Path),
            ("..", Shape::Path),
            ("a.b", Shape::Path),
            ("a/b", Shape::Path),
            ("a b", Shape::Anything),
        ] {
            assert_eq!(Shape::of(text), shape, "{text}");
        }
    }

    #[test]
    fn what_is_made_of_words_is_one() {
        let mut path = Path::new("/home/u");
        path.learn("WORD", Known::Text("in".into()));
        path.learn("EMPTY", Known::Text("".into()));
        let of = |parts: &[Part]| path.shape(&Value(parts.to_vec()));
        let word = || Part::Variable("word".into());
        assert_eq!(of(&[word()]), Shape::Name);
        assert_eq!(of(&[word(), Part::Text("box".into())]), Shape::Word);
        assert_eq!(of(&[word(), Part::Variable("empty".into())]), Shape::Path);
        assert_eq!(of(&[Part::Variable("other".into())]), Shape::Anything);
        assert_eq!(of(&[]), Shape::Anything);
    }
}
