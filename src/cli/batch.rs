//! `sievify batch`. In: directories of homes, or a list of users, and the
//! tables of the old host. Out: a directory with a report for each user and the
//! lists for the move.

use super::failure::Failure;
use super::hosts::{self, NewServer, OldHost};
use super::{Status, output};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use sievify::batch::{self, Options, Outcome, Problem, Shard, Translated, Watch};
use sievify::home::{Home, Limits};
use sievify::report::html::{self, Subject};
use sievify::report::terminal::counted;
use sievify::rules::elaborate::Settings;
use sievify::sieve::target::Target;
use sievify::syntax::visible;
use sievify::translate::Translator;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

const LONG: &str = "\
Translates the rules of many homes at once, and writes what moving them needs.

OUT gets a directory for each user, with the script (filters.sieve), the report
for the user (report.html) and for programs (report.json), and these lists:

  index.html     all users, those that need help first, with their pages
  summary.csv    a row for each user: counts by verdict, and the codes of what
                 is left to a person
  summary.json   the totals, and what is wrong with the input
  folders.csv    every mailbox that the rules name, what lies in it, and its new
                 folder; others are not looked for
  lists.csv      aliases that are mailing lists
  forwards.csv   forwards to users who move as well, to an alias of the old host,
                 to nobody, or in a circle
  virtual, relocated
                 tables for the old host (Postfix): who has gone where

Only the user who runs this can read OUT. A second run writes only what has
changed; scripts are changed elsewhere, for it writes its own again. A home that cannot be translated does not stop the rest.";

const EXAMPLES: &str = "\
Examples:
  sievify batch /home -o moved               every home below /home
  getent passwd | sievify batch --passwd - -o moved
                                             every user of this host
  sievify batch /srv/copy --passwd passwd --accounts accounts.csv \\
      --aliases aliases --domain old.example.org -o moved
                                             a copy of the homes of another host
  sievify batch /home --check                only the totals; nothing is written
  sievify batch /home -o moved --shard 1/8   an eighth of the users; when all
                                             eight are done: sievify merge moved

Exit status:
  0  every rule of every home is carried out, or has no meaning on a server
  1  something is left to a person, or is wrong with a home or a table
  2  it could not run";

/// Translates the rules of many homes, and writes the lists for the move
#[derive(Debug, Args)]
#[command(long_about = LONG, after_help = EXAMPLES)]
pub struct Batch {
    /// Directories with homes below them
    ///
    /// A home is a directory with a .forward or .procmailrc in it, at most four
    /// below ROOT. No link is followed, and no directory of another user's is
    /// looked into; warnings name what is left out by that, which can be a ROOT
    /// of its own. With --passwd, the homes are those of the users it names:
    /// ROOT/home/ann or ROOT/ann where the homes are copies, or as the file
    /// says without ROOT.
    #[arg(value_name = "ROOT", required_unless_present = "passwd")]
    roots: Vec<PathBuf>,

    /// Where the reports and lists go
    #[arg(short, long, value_name = "OUT", required_unless_present = "check")]
    out: Option<PathBuf>,

    /// Write nothing, and print the totals
    #[arg(long)]
    check: bool,

    /// How many homes are translated at once [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Take only the i-th of n parts of the users, for n machines
    #[arg(long, value_name = "i/n")]
    shard: Option<Shard>,

    /// The users, as in /etc/passwd; `-` for standard input
    #[arg(long, value_name = "FILE", help_heading = "The old host")]
    passwd: Option<PathBuf>,

    /// The aliases of the old host (Postfix, sendmail)
    #[arg(long, value_name = "FILE", help_heading = "The old host")]
    aliases: Option<PathBuf>,

    /// The virtual table of the old host (Postfix)
    #[arg(long = "virtual", value_name = "FILE", help_heading = "The old host")]
    virtual_: Option<PathBuf>,

    /// What $HOME was, with %u for the login name [default: as passwd says]
    #[arg(long, value_name = "PATH", help_heading = "The old host", value_parser = hosts::absolute)]
    home_path: Option<String>,

    #[command(flatten)]
    old_host: OldHost,

    /// Where the users go: CSV with the columns old, new, address
    ///
    /// Without it, everybody keeps their name.
    #[arg(long, value_name = "FILE", help_heading = "The new server")]
    accounts: Option<PathBuf>,

    #[command(flatten)]
    new_server: NewServer,
}

/// Bytes of stack for a worker: as much as the main thread has.
const STACK: usize = 8 << 20;

/// Problems that are shown where the others can be looked up.
const SHOWN: usize = 20;

impl Batch {
    pub fn run(&self) -> Result<Status, Failure> {
        let target = self.new_server.target()?;
        let options = self.options(&target);
        let workers = rayon::ThreadPoolBuilder::new()
            .num_threads(self.jobs.unwrap_or(0).into())
            .stack_size(STACK)
            .build()
            .map_err(|error| Failure::Threads(error.to_string()))?;
        let bar = Bar::new();
        let translator = Translator::new(&target);
        let translate = |home: &dyn Home, user: &batch::User| self.one(home, user, &translator);
        let outcome = workers.install(|| batch::run(&options, &translate, &bar));
        bar.0.finish_and_clear();
        let outcome = outcome.inspect_err(|error| {
            use batch::BatchError::{Accounts, NoHomes};
            if let NoHomes(problems) | Accounts(problems) = error {
                tell(problems, None);
            }
        })?;
        let out = self.out.as_deref().filter(|_| !self.check);
        tell(&outcome.problems, out);
        output::result(&totals(&outcome, out))?;
        Ok(status(&outcome))
    }

    fn one(
        &self,
        home: &dyn Home,
        user: &batch::User,
        translator: &Translator,
    ) -> Result<Translated, String> {
        let settings = Settings {
            home_path: user.home_path.clone(),
            host: self.old_host.host.clone(),
            domain: self.old_host.domain.clone(),
            mda: self.old_host.mda(),
            addresses: user.address.clone().into_iter().collect(),
            alias: user.alias.clone(),
            ..Settings::new(&user.name)
        };
        let translation = translator
            .translate(home, &settings)
            .map_err(|bug| bug.to_string())?;
        let report = &translation.report;
        let translated = Translated::of(report);
        if self.check {
            return Ok(translated);
        }
        let subject = Subject {
            user: &user.name,
            target: &translator.target().title,
            replay: None,
        };
        let page = html::page(subject, report, &translation.sources);
        Ok(translated.with_files(report, page))
    }

    fn options(&self, target: &Target) -> Options {
        let stdin = |path: &PathBuf| match path.as_os_str() == "-" {
            true => PathBuf::from("/dev/stdin"),
            false => path.clone(),
        };
        Options {
            roots: self.roots.clone(),
            out: self.out.clone().unwrap_or_default(),
            passwd: self.passwd.as_ref().map(stdin),
            accounts: self.accounts.clone(),
            aliases: self.aliases.clone(),
            virtual_: self.virtual_.clone(),
            domain: self.old_host.domain.clone(),
            host: self.old_host.host.clone(),
            home_path: self.home_path.clone(),
            limits: Limits::default(),
            allow_include: self.old_host.allow_include.clone(),
            check: self.check,
            shard: self.shard,
            with: Some(format!("{:?} {target:?} {:?}", program(), self.old_host)),
        }
    }
}

/// Which program this is: another one may translate otherwise. On another machine, the
/// same one may have come another day.
fn program() -> (&'static str, Option<u64>) {
    let program = std::env::current_exe().and_then(fs::read).ok();
    let print = program.map(|bytes| {
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        hasher.finish()
    });
    (env!("CARGO_PKG_VERSION"), print)
}

/// A bar on a terminal, and nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{bar:30} {human_pos} of {human_len} homes, {rate}, {eta} left",
        );
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = write!(text, "{:.0} a second", state.per_sec());
        };
        Bar(bar.with_style(style.with_key("rate", rate)))
    }
}

impl Watch for Bar {
    fn found(&self, homes: usize) {
        self.0.set_length(homes as u64);
    }

    fn done(&self) {
        self.0.inc(1);
    }
}

/// Says what is wrong with the input and with homes.
pub fn tell(problems: &[Problem], out: Option<&Path>) {
    let shown = match out {
        Some(_) => SHOWN,
        None => usize::MAX,
    };
    for problem in problems.iter().take(shown) {
        output::problem("warning", &problem.to_string());
    }
    if let (Some(out), more @ 1..) = (out, problems.len().saturating_sub(shown)) {
        let all = out.join("summary.json");
        output::problem("warning", &format!("{more} more: see {}", all.display()));
    }
}

/// What a batch came to, for a person.
pub fn totals(outcome: &Outcome, out: Option<&Path>) -> String {
    let mut text = String::new();
    let counts = outcome.counts;
    let _ = writeln!(
        text,
        "{}, {}: {} exact, {} adapted, {} dropped, {} manual",
        counted(outcome.homes, "home", "homes"),
        counted(counts.total(), "rule or setting", "rules and settings"),
        counts.exact,
        counts.adapted,
        counts.dropped,
        counts.manual
    );
    if outcome.failed > 0 {
        let homes = counted(outcome.failed, "home has", "homes have");
        let _ = writeln!(text, "{homes} no report; the warnings say why");
    }
    if !outcome.manual.is_empty() {
        text += "\nLeft to a person, in so many homes:\n";
        let mut codes: Vec<_> = outcome.manual.iter().collect();
        codes.sort_by_key(|(code, homes)| (std::cmp::Reverse(**homes), code.as_str()));
        for (code, homes) in codes {
            let _ = writeln!(text, "{homes:>8}  {:24} {}", code.as_str(), code.title());
        }
    }
    if let Some(out) = out {
        let out = out.display().to_string();
        let out = visible(&out);
        let _ = match outcome.written {
            0 => writeln!(text, "\nNothing has changed in {out}"),
            files => writeln!(
                text,
                "\n{} written to {out}",
                counted(files, "file", "files")
            ),
        };
    }
    text
}

/// The exit status: whatever is wrong needs a person.
pub fn status(outcome: &Outcome) -> Status {
    let is_complete =
        outcome.counts.manual == 0 && outcome.failed == 0 && outcome.problems.is_empty();
    match is_complete {
        true => Status::Complete,
        false => Status::Manual,
    }
}
