//! In: syntax trees and a way to ask for included files. Out: what happens to a
//! message, as plain data: variables resolved where they can be, includes
//! inlined, control flow explicit. Free of Sieve.

pub mod elaborate;
pub mod expression;
pub mod forward;
pub mod model;
pub(crate) mod path;
pub mod pcre;
pub mod program;
pub mod proportion;
pub mod run;
