//! In: what the command line says of one home. Out: its translation.

use super::failure::Failure;
use super::hosts::{self, NewServer, OldHost};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use sievify::batch::passwd;
use sievify::home::{DiskHome, Home, Limits, ReadError};
use sievify::rules::elaborate::Settings;
use sievify::rules::forward::{self, Elaborated};
use sievify::sieve::target::Target;
use sievify::syntax::FileId;
use sievify::syntax::forward::Forward;
use sievify::translate::{Translation, Translator};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One home, the machine it comes from, and the server it goes to.
#[derive(Debug, Args)]
pub struct OneHome {
    /// The home directory, or one file of rules [default: ~]
    ///
    /// A file whose name begins with `.forward`, or whose first line says that it
    /// is a filter of Exim's or Sieve's, is read as the mailer would, any other one
    /// as procmail would; files it includes are looked for in its directory.
    #[arg(value_name = "HOME|FILE")]
    path: Option<PathBuf>,

    /// The login name on the old host [default: the home's owner]
    #[arg(long, value_name = "NAME", help_heading = "The old host", value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,

    /// What $HOME was on the old host, where HOME is a copy
    #[arg(long, value_name = "PATH", help_heading = "The old host", value_parser = hosts::absolute)]
    home_path: Option<String>,

    #[command(flatten)]
    old_host: OldHost,

    #[command(flatten)]
    new_server: NewServer,
}

/// A translation, and what it was made with.
pub struct Translated {
    pub translation: Translation,
    pub settings: Settings,
    pub target: Target,
    /// What the names of the sources are relative to, without links.
    pub directory: PathBuf,
}

/// A home, and the one file in it that is meant.
struct Place {
    home: DiskHome,
    /// The directory, without links.
    directory: PathBuf,
    file: Option<String>,
}

impl OneHome {
    /// Its name, for a message.
    pub fn named(&self, settings: &Settings) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => settings.home_path.clone(),
        }
    }

    /// Translates it.
    pub fn translate(&self) -> Result<Translated, Failure> {
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
        let translator = Translator::new(&target);
        let translation = match &place.file {
            None => translator.translate(&place.home, &settings),
            Some(file) => {
                let rules = rules_of_file(&place.home, file, &settings)
                    .map_err(|error| Failure::rules(&path, error))?;
                translator.translate_rules(rules, &settings)
            }
        };
        let translation = translation.map_err(|bug| Failure::Bug {
            path: path.display().to_string(),
            bug,
        })?;
        Ok(Translated {
            translation,
            settings,
            target,
            directory: place.directory,
        })
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
            host: self.old_host.host.clone(),
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

/// The rules of one file, as the program reads it that its name or its first line
/// (`# Exim filter`) tells of.
fn rules_of_file(
    home: &DiskHome,
    file: &str,
    settings: &Settings,
) -> Result<Elaborated, ReadError> {
    let bytes = home.read(file)?;
    let first = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let is_filter = Forward::parse(FileId(0), &String::from_utf8_lossy(first))
        .language()
        .is_some();
    if file.starts_with(".forward") || is_filter {
        return Ok(forward::elaborate(home, settings, file));
    }
    forward::elaborate_rc(home, settings, file)
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
