//! `sievify targets`. In: nothing. Out: the server profiles.

use super::failure::Failure;
use super::{Status, output};
use clap::Args;
use sievify::sieve::target::Target;

const FILES: &str = "\
Another server is described by a TOML file; every line of it is optional:

  extends = \"dovecot\"                      # the profile it starts from (rfc5228)
  extensions = [\"+editheader\", \"-regex\"]   # more, and less, than that one has
  separator = \".\"
  prefix = \"INBOX.\"

  [limits]
  redirects = 10                           # for one message
  script-bytes = 65536

  sievify translate --target ours.toml     uses it";

/// Shows the servers that are known, and what they offer
#[derive(Debug, Args)]
#[command(after_help = FILES)]
pub struct Targets {}

impl Targets {
    pub fn run(&self) -> Result<Status, Failure> {
        let mut text = String::new();
        for name in Target::PROFILES {
            text += &format!("{}\n", Target::profile(name)?);
        }
        output::result(text.trim_end_matches('\n'))?;
        output::result("\n")?;
        Ok(Status::Complete)
    }
}
