//! `sievify completions`. In: the name of a shell. Out: what that shell reads
//! to complete the arguments of sievify.

use super::failure::Failure;
use super::{Arguments, Status, output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  sievify completions bash > ~/.local/share/bash-completion/completions/sievify
  sievify completions zsh > ~/.zfunc/_sievify
  sievify completions fish > ~/.config/fish/completions/sievify.fish";

/// Prints what a shell needs to complete the arguments of sievify
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Result<Status, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "sievify",
            &mut script,
        );
        output::result(&String::from_utf8_lossy(&script))?;
        Ok(Status::Complete)
    }
}
