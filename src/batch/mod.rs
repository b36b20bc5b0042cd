//! In: many homes, and what an administrator knows of their users. Out: a
//! directory with a script and a report for each, and lists for the move.

pub mod accounts;
pub mod lines;
pub mod passwd;
pub mod tables;
pub mod users;
pub mod write;
