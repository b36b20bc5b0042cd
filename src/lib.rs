//! sievify turns the mail rules of a home directory into a Sieve script and
//! accounts for every line of them.
//!
//! Data flows one way: [`home`] reads files, [`syntax`] parses them, [`ledger`]
//! enters their statements, [`rules`] says what they do to a message, [`sieve`]
//! says the same in Sieve, [`report`] tells people what became of each statement.
//! Nothing here prints or exits.

pub mod batch;
pub mod home;
pub mod ledger;
pub mod replay;
pub mod report;
pub mod rules;
pub mod sieve;
pub mod syntax;
pub mod translate;
#[cfg(test)]
#[path = "../tests/untested/mod.rs"]
mod untested;
