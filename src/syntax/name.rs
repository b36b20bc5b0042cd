//! In: a text of rules or of a shell. Out: where the name of a variable ends in it.

/// Whether the name of a variable may hold a sign.
fn is_of_name(sign: char) -> bool {
    sign == '_' || sign.is_ascii_alphanumeric()
}

/// Whether a text is the name of a variable.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(is_of_name)
}

/// The letters, digits and underscores that a text begins with, and what follows.
pub fn leading_name(text: &str) -> (&str, &str) {
    text.split_at(text.find(|sign| !is_of_name(sign)).unwrap_or(text.len()))
}
