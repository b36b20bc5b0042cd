//! In: the rule model and a target. Out: a Sieve script that the target runs,
//! and findings about what it could not carry out.

pub mod check;
pub mod folder;
pub mod limits;
pub mod lower;
pub mod origin;
pub mod print;
mod quote;
mod scope;
pub mod script;
mod shared;
pub mod target;
pub mod tidy;
pub mod walk;
