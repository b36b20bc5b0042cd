//! `sievify man`. In: the name of a command, or nothing. Out: its manual page.

use super::failure::Failure;
use super::{Arguments, Status, output};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

const EXAMPLES: &str = "\
Examples:
  sievify man | man -l -                    the page of sievify itself
  sievify man translate | man -l -          that of one command
  sievify man > /usr/local/share/man/man1/sievify.1";

/// Prints the manual page of sievify, or of one command
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManPage {
    /// The command [default: sievify itself]
    command: Option<String>,
}

impl ManPage {
    pub fn run(&self) -> Result<Status, Failure> {
        let mut program = Arguments::command();
        program.build();
        let command = match &self.command {
            None => program,
            Some(name) => match program.find_subcommand(name) {
                Some(command) => command.clone(),
                None => return Err(Failure::Command { name: name.clone() }),
            },
        };
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .map_err(|error| Failure::Output {
                what: "the manual page".to_owned(),
                error,
            })?;
        output::result(&String::from_utf8_lossy(&page))?;
        Ok(Status::Complete)
    }
}
