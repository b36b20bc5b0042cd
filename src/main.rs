//! The command line of sievify.

fn main() {}
