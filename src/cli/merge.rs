//! `sievify merge`. In: what the parts of a batch wrote. Out: its lists, as one
//! run would have written them.

use super::failure::Failure;
use super::{Status, batch, output};
use clap::Args;
use std::path::PathBuf;

const LONG: &str = "\
Joins the lists that `sievify batch --shard i/n` wrote on several machines.

The lists are then, byte for byte, those that one run over all homes would have
written. They go to the first OUT; the users' directories stay where they are.
Where each machine wrote to a directory of its own, copy these into one first:
the pages of the users are then found from index.html.";

const EXAMPLES: &str = "\
Examples:
  seq 8 | parallel -S m1,m2 sievify batch /home -o /net/moved --shard {}/8
  sievify merge /net/moved                 the machines wrote to one directory

  for m in m1 m2; do rsync -a $m:moved/ moved/; done
  sievify merge moved                      each had one of its own";

/// Joins the lists of a batch that several machines ran
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub struct Merge {
    /// Where the parts were written to
    #[arg(value_name = "OUT", required = true)]
    outs: Vec<PathBuf>,
}

impl Merge {
    pub fn run(&self) -> Result<Status, Failure> {
        let outcome = sievify::batch::merge(&self.outs)?;
        let out = self.outs.first().map(PathBuf::as_path);
        batch::tell(&outcome.problems, out);
        output::result(&batch::totals(&outcome, out))?;
        Ok(batch::status(&outcome))
    }
}
