//! In: the arguments of the program. Out: what it prints, and its exit status.
//! The only code that prints or exits; each command has a file of its own.

mod batch;
mod completions;
mod explain;
mod failure;
mod home;
mod hosts;
mod man;
mod merge;
mod output;
mod replay;
mod targets;
mod translate;

use clap::{ColorChoice, Parser, Subcommand};
use failure::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// What a command comes to, where it could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// Everything is `exact`, `adapted` or `dropped`.
    Complete,
    /// Something is left to a person, or needs one.
    Manual,
}

/// The exit status of a command that could not run.
const COULD_NOT_RUN: u8 = 2;

const ABOUT: &str = "\
sievify turns the mail rules of a Unix home directory (.forward, .procmailrc and
the files these name) into a Sieve script for a mail server, and says of every
line what became of it.";

const EXAMPLES: &str = "\
Examples:
  sievify translate                    my own rules: the script, then the report
  sievify translate /home/ann          those of another home
  sievify batch /home -o moved         every home below /home
  sievify replay ~ --mail ~/Maildir    what would change for the mail I have
  sievify explain unread-include       what a code in the report means

Exit status:
  0  every rule is carried out, or has no meaning on a server
  1  something is left to a person; the report says what
  2  it could not run; standard error says why
Where its output is closed early, as by `head`, it ends quietly, with 0; a page
that `replay --html` was asked for is written all the same.

Each command has examples of its own: sievify help COMMAND";

#[derive(Debug, Parser)]
#[command(
    name = "sievify",
    version,
    propagate_version = true,
    about = "Translates .forward and .procmailrc into Sieve, and accounts for every line",
    long_about = ABOUT,
    after_help = EXAMPLES,
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Translate(Box<translate::Translate>),
    Batch(Box<batch::Batch>),
    Replay(Box<replay::ReplayMail>),
    Merge(merge::Merge),
    Targets(targets::Targets),
    Explain(explain::Explain),
    Completions(completions::Completions),
    Man(man::ManPage),
}

/// Runs the program.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(failure::fault));
    let status = catch_unwind(AssertUnwindSafe(|| {
        let arguments = Arguments::parse();
        output::color(arguments.color);
        run(&arguments.command).unwrap_or_else(|failure| {
            failure.tell();
            failure.status()
        })
    }));
    status.unwrap_or(COULD_NOT_RUN).into()
}

fn run(command: &Command) -> Result<u8, Failure> {
    let status = match command {
        Command::Translate(command) => command.run(),
        Command::Batch(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::Targets(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }?;
    Ok(match status {
        Status::Complete => 0,
        Status::Manual => 1,
    })
}
