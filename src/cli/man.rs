//! `sievify man`. In: the name of a command, or nothing. Out: its manual page.

use super::failure::Failure;
use super::{Arguments, Status, output};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use roff::{Roff, roman};
use std::io;

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
        let page = page(command).map_err(|error| Failure::Output {
            what: "the manual page".to_owned(),
            error,
        })?;
        output::result(&page)?;
        Ok(Status::Complete)
    }
}

/// The page. What stands below a command's help becomes sections whose lines
/// stay as they are.
fn page(command: Command) -> io::Result<String> {
    let below = command.get_after_help().map(ToString::to_string);
    let mut page = Vec::new();
    Man::new(command.after_help(None::<&str>)).render(&mut page)?;
    let mut roff = Roff::new();
    for paragraph in below.iter().flat_map(|below| below.split("\n\n")) {
        let lines = match titled(paragraph) {
            Some((title, lines)) => {
                roff.control("SH", [title.to_uppercase().as_str()]);
                lines
            }
            None => {
                roff.control("sp", []);
                paragraph
            }
        };
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff.to_writer(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The title of a section and its first lines; `None` for a paragraph that goes on
/// with the section.
fn titled(paragraph: &str) -> Option<(&str, &str)> {
    let (title, lines) = paragraph.split_once('\n')?;
    let title = title.strip_suffix(':')?;
    (!title.starts_with(' ')).then_some((title, lines))
}
