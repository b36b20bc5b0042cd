//! In: the text of a file. Out: a tree with a span for every byte of it.
//! Knows nothing of Sieve, and nothing of what the words mean.

pub mod exim;
pub mod forward;
mod name;
pub mod procmailrc;
pub mod regex;
pub mod shell;
mod source;
mod visible;

pub use name::{is_name, leading_name};
pub use source::{Encoding, FileId, Source, Span};
pub use visible::{is_hidden, is_seen, push_visible, visible};
