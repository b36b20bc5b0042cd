//! `sievify translate`. In: one home, or one file. Out: its script, and the
//! report.

use super::failure::Failure;
use super::home::{OneHome, Translated};
use super::{Status, output};
use clap::{Args, ValueEnum};
use sievify::report::html::{self, Subject};
use sievify::report::json;
use sievify::report::terminal;
use sievify::rules::elaborate::Settings;
use sievify::sieve::print::crlf;
use sievify::sieve::target::Target;
use sievify::translate::Translation;

const LONG: &str = "\
Translates the mail rules of one home into a Sieve script.

The script goes to standard output, the report to standard error. The report
shows every rule that is `adapted` (the script does nearly the same, and the
report says how it differs) or `manual` (left out, and the report says what to
do), and which lines the script carries out.

Nothing is sent to a server, and no file is written.";

const EXAMPLES: &str = "\
Examples:
  sievify translate > new.sieve            my own rules; the report is on the screen
  sievify translate /srv/old/home/ann --user ann --home-path /home/ann
                                           a copy of a home that was /home/ann
  sievify translate rules.rc               one file, read as a .procmailrc
  sievify translate --target cyrus --separator . --prefix INBOX.
  sievify translate --format html > rules.html
                                           a page that sets rules and script side by side
  sievify translate --format json | jq '.entries[] | select(.verdict == \"manual\")'

Exit status:
  0  every rule is carried out, or has no meaning on a server
  1  something is left to a person
  2  it could not run";

/// Translates the rules of one home into a Sieve script
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub struct Translate {
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// End the lines of the script with CR LF, as the standard has them
    #[arg(long)]
    crlf: bool,

    #[command(flatten)]
    home: OneHome,
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// the script on standard output, the report on standard error
    Text,
    /// one object with both, on standard output
    Json,
    /// a page with both for a browser, on standard output
    Html,
}

impl Translate {
    pub fn run(&self) -> Result<Status, Failure> {
        let Translated {
            mut translation,
            settings,
            target,
            ..
        } = self.home.translate()?;
        if self.crlf {
            translation.report.script = crlf(&translation.report.script);
        }
        self.show(&translation, &settings, &target)?;
        Ok(match translation.report.summary.manual {
            0 => Status::Complete,
            _ => Status::Manual,
        })
    }

    fn show(
        &self,
        translation: &Translation,
        settings: &Settings,
        target: &Target,
    ) -> Result<(), Failure> {
        let report = &translation.report;
        match self.format {
            Format::Text if report.entries.is_empty() => {
                output::script(&report.script)?;
                let named = self.home.named(settings);
                output::problem("note", &format!("{named}: there are no mail rules in it"));
                Ok(())
            }
            Format::Text => {
                output::script(&report.script)?;
                output::gap()?;
                output::report(&terminal::render(report, &translation.sources))
            }
            Format::Json => output::result(&format!("{}\n", json::pretty(report))),
            Format::Html => {
                let subject = Subject {
                    user: &settings.user,
                    target: &target.title,
                    replay: None,
                };
                output::result(&html::page(subject, report, &translation.sources))
            }
        }
    }
}
