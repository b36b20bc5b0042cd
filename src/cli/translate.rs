//! `sievify translate`. In: one home, or one file. Out: its script, and the
//! report.

use super::failure::Failure;
use super::hosts::{self, NewServer, OldHost};
use super::{Status, output};
use clap::{Args, ValueEnum};
use sievify::batch::passwd;
use sievify::home::{DiskHome, Home, Limits, ReadError};
use sievify::report::entry::Finding;
use sievify::report::html::{self, Subject};
use sievify::report::terminal;
use sievify::rules::elaborate::{self, Settings};
use sievify::rules::forward;
use sievify::rules::model::Program;
use sievify::sieve::print::{LineEnd, print};
use sievify::sieve::target::Target;
use sievify::syntax::Source;
use sievify::translate::{Translation, translate, translate_rules};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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
    /// The home directory, or one file of rules [default: ~]
    ///
    /// A file whose name begins with `.forward` is read as the mailer would,
    /// any other one as procmail would; files it includes are looked for in its
    /// directory.
    #[arg(value_name = "HOME|FILE")]
    path: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// End the lines of the script with CR LF, as the standard has them
    #[arg(long)]
    crlf: bool,

    /// The login name on the old host [default: the home's owner]
    #[arg(long, value_name = "NAME", help_heading = "The old host")]
    user: Option<String>,

    /// What $HOME was on the old host, where HOME is a copy
    #[arg(long, value_name = "PATH", help_heading = "The old host", value_parser = hosts::absolute)]
    home_path: Option<String>,

    #[command(flatten)]
    old_host: OldHost,

    #[command(flatten)]
    new_server: NewServer,
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

/// A home, and the one file in it that is meant.
struct Place {
    home: DiskHome,
    /// The directory, without links.
    directory: PathBuf,
    file: Option<String>,
}

impl Translate {
    pub fn run(&self) -> Result<Status, Failure> {
        let target = self.new_server.target()?;
        let path = match &self.path {
            Some(path) => path.clone(),
            None => std::env::home_dir()
                .filter(|home| !home.as_os_str().is_empty())
                .ok_or(Failure::NoHome)?,
        };
        let mut place = Place::open(&path)?;
        place.home = self.old_host.with_includes(place.home)?;
        let settings = self.settings(&place)?;
        let options = hosts::lowering(&settings, &self.new_server, &target);
        let translation = match &place.file {
            None => translate(&place.home, &settings, &options, &target),
            Some(file) => {
                let rules = rules_of_file(&place.home, file, &settings)
                    .map_err(|error| Failure::rules(&path, error))?;
                translate_rules(rules, &options, &target)
            }
        };
        let mut translation = translation.map_err(|bug| Failure::Bug {
            path: path.display().to_string(),
            bug,
        })?;
        if self.crlf {
            translation.report.script = print(&translation.script, &target, LineEnd::CrLf).text;
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
                output::result(&report.script)?;
                let home = &settings.home_path;
                output::problem("note", &format!("{home}: there are no mail rules in it"));
                Ok(())
            }
            Format::Text => {
                output::result(&report.script)?;
                output::report(&terminal::render(report, &translation.sources))
            }
            Format::Json => {
                let json = serde_json::to_string_pretty(report).unwrap_or_default();
                output::result(&format!("{json}\n"))
            }
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

    fn settings(&self, place: &Place) -> Result<Settings, Failure> {
        let home_path = match &self.home_path {
            Some(path) => path.clone(),
            None => text(&place.directory)?,
        };
        let user = match &self.user {
            Some(user) => user.clone(),
            None => user(place.home.owner(), &place.directory)?,
        };
        Ok(Settings {
            home_path,
            domain: self.old_host.domain.clone(),
            mda: self.old_host.mda(),
            ..Settings::new(user)
        })
    }
}

impl Place {
    fn open(path: &Path) -> Result<Place, Failure> {
        let metadata = fs::metadata(path).map_err(|error| Failure::input(path, error))?;
        match metadata.is_file() {
            true => Place::of_file(path, metadata.uid()),
            false => Ok(Place {
                home: open(path)?,
                directory: without_links(path)?,
                file: None,
            }),
        }
    }

    fn of_file(path: &Path, owner: u32) -> Result<Place, Failure> {
        // The name is the one given: a link may be called `.forward`.
        let full = std::path::absolute(path).map_err(|error| Failure::input(path, error))?;
        let above = full.parent().unwrap_or(Path::new("/"));
        let name = text(Path::new(full.file_name().unwrap_or_default()))?;
        let home = open(above)?.owned_by(owner);
        let bytes = home
            .read(&name)
            .map_err(|error| Failure::rules(path, error))?;
        if bytes.contains(&0) {
            let path = path.display().to_string();
            return Err(Failure::Binary { path });
        }
        Ok(Place {
            home,
            directory: without_links(above)?,
            file: Some(name),
        })
    }
}

fn without_links(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|error| Failure::input(path, error))
}

fn open(directory: &Path) -> Result<DiskHome, Failure> {
    DiskHome::open(directory, Limits::default()).map_err(|error| match error {
        ReadError::Missing => Failure::rules(directory, ReadError::NotAFile),
        error => Failure::rules(directory, error),
    })
}

fn text(path: &Path) -> Result<String, Failure> {
    let name = path.to_str().map(str::to_owned);
    name.ok_or_else(|| Failure::Name {
        path: path.display().to_string(),
    })
}

/// The rules of one file, as the program reads it that its name tells of.
fn rules_of_file(
    home: &DiskHome,
    file: &str,
    settings: &Settings,
) -> Result<(Program, Vec<Source>, Vec<Finding>), ReadError> {
    if file.starts_with(".forward") {
        return Ok(forward::elaborate(home, settings, file));
    }
    let read = elaborate::elaborate(home, file, settings)?;
    Ok((read.program, read.sources, read.findings))
}

/// Whose home it is: the user whom passwd(5) gives it to; else its owner; else
/// its name tells. Copies of homes often belong to root.
fn user(owner: u32, directory: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (users, _) = passwd::parse("/etc/passwd", &text);
    let of_home = users.iter().find(|user| Path::new(&user.home) == directory);
    let of_owner = || users.iter().find(|user| user.uid == owner && owner != 0);
    if let Some(user) = of_home.or_else(of_owner) {
        return Ok(user.name.clone());
    }
    let is_mine = owner != 0 && rustix::process::geteuid().as_raw() == owner;
    if let Some(user) = std::env::var("USER")
        .ok()
        .filter(|user| is_mine && !user.is_empty())
    {
        return Ok(user);
    }
    match directory.file_name() {
        Some(name) => self::text(Path::new(name)),
        None => Ok("root".to_owned()),
    }
}
