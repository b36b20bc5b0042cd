//! In: text with ANSI styles. Out: that text on standard output or standard
//! error, without styles where these do not belong. Where the reader has gone away,
//! the work ends.

use super::failure::Failure;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use sievify::syntax::visible;
use std::io::{self, IsTerminal, Write};

/// Takes the choice of the command line for the whole run.
pub fn color(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// What the command is for.
pub fn result(text: &str) -> Result<(), Failure> {
    write(io::stdout().lock(), text, "standard output")
}

/// A script, which on a terminal moves no cursor.
pub fn script(text: &str) -> Result<(), Failure> {
    match io::stdout().is_terminal() {
        true => result(&visible(text)),
        false => result(text),
    }
}

/// What the command is for, with styles.
pub fn styled(text: &str) -> Result<(), Failure> {
    write(anstream::stdout().lock(), text, "standard output")
}

/// What there is to say about it, with styles.
pub fn report(text: &str) -> Result<(), Failure> {
    write(anstream::stderr().lock(), text, "standard error")
}

/// An empty line, where the result and the report stand on one screen.
pub fn gap() -> Result<(), Failure> {
    match io::stdout().is_terminal() && io::stderr().is_terminal() {
        true => report("\n"),
        false => Ok(()),
    }
}

fn write(mut to: impl Write, text: &str, what: &str) -> Result<(), Failure> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Unread),
        Err(error) => Err(Failure::Output {
            what: what.to_owned(),
            error,
        }),
    }
}

/// One line on standard error; there is nowhere to say that it failed.
pub fn problem(kind: &str, message: &str) {
    const ERROR: Style = AnsiColor::Red.on_default().bold();
    const NOTE: Style = Style::new().bold();
    let style = if kind == "error" { ERROR } else { NOTE };
    let message = visible(message).replace('\n', " ");
    let _ = writeln!(anstream::stderr(), "{style}{kind}:{style:#} {message}");
}
