//! `sievify explain`. In: a code of a report. Out: the long text behind it.

use super::failure::Failure;
use super::{Status, output};
use clap::Args;
use sievify::report::explain;

const EXAMPLES: &str = "\
Examples:
  sievify explain unread-include      what it means, why, and what to do
  sievify explain                     all codes, one a line";

/// Says what a code of a report means, why, and what to do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// The code, as it stands in brackets in a report [default: list them all]
    code: Option<String>,
}

impl Explain {
    pub fn run(&self) -> Result<Status, Failure> {
        let text = match &self.code {
            None => explain::list(),
            Some(name) => {
                let code = explain::find(name).ok_or_else(|| Failure::Code {
                    name: name.clone(),
                    nearest: explain::nearest(name),
                })?;
                explain::explain(code)
            }
        };
        output::result(&text)?;
        Ok(Status::Complete)
    }
}
