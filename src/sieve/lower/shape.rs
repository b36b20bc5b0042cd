//! In: the value of a variable, as far as it is known. Out: whether it can stand
//! in a folder's name as it is.

use super::path::Path;
use super::value::script_name;
use crate::sieve::script::{Part, Value};

/// What a value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Empty, or a way out of the folders.
    Anything,
    /// One letter or more, none of which parts folders.
    Word,
    /// A word that is not the inbox.
    Name,
}

impl Shape {
    /// That of a text.
    pub fn of(text: &str) -> Shape {
        match text.chars().all(is_of_word) {
            _ if text.is_empty() => Shape::Anything,
            false => Shape::Anything,
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
        let same = |(own, _): &(&str, Shape)| script_name(own) == name;
        let shapes = self.shapes().filter(same).map(|(_, shape)| shape);
        shapes.min().unwrap_or(Shape::Anything)
    }
}

/// Letters, digits and signs that no server takes for more than that.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '@')
}
