//! In: many homes, and what an administrator knows of their users. Out: a
//! directory with a script and a report for each, and lists for the move.

pub mod accounts;
mod index;
mod input;
pub mod lines;
mod lists;
mod merge;
mod moved;
mod output;
pub mod passwd;
mod rows;
mod run;
mod seen;
mod shard;
mod summary;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod users;
mod walk;
pub mod write;

pub use lines::Problem;
pub use merge::{MergeError, merge};
pub use rows::{FolderRow, Translated};
pub use run::{BatchError, Options, Outcome, Translate, Watch, run};
pub use shard::Shard;
pub use users::User;
