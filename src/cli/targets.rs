//! `sievify targets`. In: nothing. Out: the server profiles.

use super::failure::Failure;
use super::{Status, hosts, output};
use clap::Args;
use sievify::sieve::target::Target;
use sievify::syntax::visible;

const FILES: &str = "\
A server of your own:
  It is described by a TOML file, of which every line is optional.

  name = \"ours\"
  title = \"the server of our university\"
  extends = \"dovecot\"                      # the profile it starts from (rfc5228)
  extensions = [\"+editheader\", \"-regex\"]   # more, and less, than that one has
  separator = \".\"
  prefix = \"INBOX.\"
  regex = \"posix\"                          # or \"perl\": the dialect of :regex
  quoteregex = true                        # whether `set` has :quoteregex

  [limits]
  redirects = 10                           # for one message, as the next one
  actions = 32
  script-bytes = 65536
  nested-blocks = 15
  nested-tests = 15
  variables = 128
  variable-bytes = 4096
  string-bytes = 4096

  sievify targets ours.toml                shows what it comes to
  sievify translate --target ours.toml     uses it";

/// Shows the servers that are known, and what they offer
#[derive(Debug, Args)]
#[command(after_help = FILES)]
pub struct Targets {
    /// A server, by its name or file [default: all that are known]
    #[arg(value_name = "NAME|FILE.toml")]
    target: Option<String>,
}

impl Targets {
    pub fn run(&self) -> Result<Status, Failure> {
        let text = match &self.target {
            Some(name) => hosts::target(name)?.to_string(),
            None => {
                let profiles = Target::PROFILES.iter().map(|name| Target::profile(name));
                let profiles = profiles.collect::<Result<Vec<Target>, _>>()?;
                let shown: String = profiles
                    .iter()
                    .map(|target| format!("{target}\n"))
                    .collect();
                shown + FILES
            }
        };
        output::result(&visible(text.trim_end_matches('\n')))?;
        output::result("\n")?;
        Ok(Status::Complete)
    }
}
