//! In: findings about statements. Out: entries, one a statement, and their
//! renderings.

pub mod code;
pub mod entry;
