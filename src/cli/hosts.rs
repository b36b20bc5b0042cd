//! In: what the command line says of the old host and the new server. Out: the
//! settings and the target of a translation.

use super::failure::Failure;
use clap::{Args, ValueEnum};
use sievify::home::{DiskHome, SharedDirectory};
use sievify::rules::elaborate;
use sievify::sieve::target::Target;
use std::path::Path;

/// What delivered local mail on the old host.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Mda {
    /// procmail, which reads .procmailrc even where there is no .forward
    Procmail,
    /// the mailer itself: .procmailrc acts only where .forward calls procmail
    None,
}

/// The machine the rules come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The old host")]
pub struct OldHost {
    /// How the old host is called, for rules that ask on which one they are
    ///
    /// As `hostname` printed it there. Without this, rules that look at $HOST
    /// or call hostname are left to a person.
    #[arg(long, value_name = "NAME", value_parser = host)]
    pub host: Option<String>,

    /// The mail domain, for addresses without one
    ///
    /// A rule may forward to `bob` and mean bob@DOMAIN. Without this, such a
    /// forward is left to a person.
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub domain: Option<String>,

    /// What delivered mail where no .forward says otherwise
    #[arg(long, value_name = "MDA", default_value = "procmail")]
    pub mda: Mda,

    /// A directory outside the homes whose files rules may include
    ///
    /// Without this, nothing outside a home is read. Only files count that
    /// everybody may read, and that belong to root or the directory's owner.
    /// DIR=COPY says where a copy of it is: `/etc/procmail=old/etc/procmail`.
    /// May be given several times.
    #[arg(long, value_name = "DIR[=COPY]", value_parser = shared)]
    pub allow_include: Vec<SharedDirectory>,
}

impl OldHost {
    /// A home that reads what it may include.
    pub fn with_includes(&self, home: DiskHome) -> Result<DiskHome, Failure> {
        home.allow_includes(&self.allow_include).map_err(|error| {
            let named = self.allow_include.first();
            Failure::rules(named.map_or(Path::new(""), |named| &named.path), error)
        })
    }

    pub fn mda(&self) -> elaborate::Mda {
        match self.mda {
            Mda::Procmail => elaborate::Mda::Procmail,
            Mda::None => elaborate::Mda::None,
        }
    }
}

/// The server the script is for.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The new server")]
pub struct NewServer {
    /// The server: dovecot, cyrus, stalwart, rfc5228, or a TOML file
    ///
    /// `sievify targets` shows what each one offers, and how to describe
    /// another one in a file.
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "dovecot")]
    pub target: String,

    /// The Sieve extensions the server announces, instead of the target's
    ///
    /// Names between blanks, or the greeting of the server's ManageSieve port
    /// as it stands: --capabilities "$(echo LOGOUT | nc mail.example.org 4190)"
    #[arg(long, value_name = "LIST")]
    pub capabilities: Option<String>,

    /// What stands between a folder and one below it, instead of the target's
    #[arg(long, value_name = "CHAR", value_parser = separator)]
    pub separator: Option<char>,

    /// What stands before every folder but INBOX, as in `INBOX.`
    #[arg(long, value_name = "STRING")]
    pub prefix: Option<String>,

    /// A header field of the old spam filter, and the new one's
    ///
    /// As in --spam-header X-Spam-Flag=X-Spam. May be given several times.
    #[arg(long, value_name = "OLD=NEW", value_parser = renamed)]
    pub spam_header: Vec<(String, String)>,
}

impl NewServer {
    pub fn target(&self) -> Result<Target, Failure> {
        let mut target = target(&self.target)?;
        if let Some(capabilities) = &self.capabilities {
            target = target.with_capabilities(capabilities)?;
        }
        if let Some(separator) = self.separator {
            target.separator = separator;
        }
        if let Some(prefix) = &self.prefix {
            target.prefix.clone_from(prefix);
        }
        target.spam_headers.clone_from(&self.spam_header);
        Ok(target)
    }
}

/// The server of this name, or the one that a file describes.
pub fn target(name: &str) -> Result<Target, Failure> {
    if !name.ends_with(".toml") {
        return Ok(Target::profile(name)?);
    }
    let text =
        std::fs::read_to_string(name).map_err(|error| Failure::input(Path::new(name), error))?;
    Ok(Target::from_toml(&text, name)?)
}

fn separator(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if !one.is_control() => Ok(one),
        _ => Err("it is one character, as in . or /".to_owned()),
    }
}

fn domain(text: &str) -> Result<String, String> {
    match text.split('.').all(is_label) {
        true => Ok(text.to_owned()),
        false => Err("it is a mail domain, as in example.org".to_owned()),
    }
}

fn host(text: &str) -> Result<String, String> {
    match text.is_ascii() && text.split('.').all(is_label) {
        true => Ok(text.to_owned()),
        false => Err("it is the name of a host, as in moe or moe.example.edu".to_owned()),
    }
}

fn is_label(label: &str) -> bool {
    let belongs = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !label.is_empty() && !label.starts_with('-') && label.chars().all(belongs)
}

/// A path on the old host.
pub fn absolute(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err("it is a whole path, as in /home/ann".to_owned()),
    }
}

/// A directory by the path that rules name it by, and where it is.
fn shared(text: &str) -> Result<SharedDirectory, String> {
    let (named, copy) = text.split_once('=').unwrap_or((text, text));
    let absolute = |path: &str| std::path::absolute(path).map_err(|error| error.to_string());
    let path = absolute(copy)?;
    match path.is_dir() {
        true => Ok(SharedDirectory {
            named: absolute(named)?,
            path,
        }),
        false => Err(format!("there is no directory {copy}")),
    }
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let is_field =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    match text.split_once('=') {
        Some((old, new)) if is_field(old) && is_field(new) => Ok((old.to_owned(), new.to_owned())),
        _ => Err("it is two names of header fields, as in X-Spam-Flag=X-Spam".to_owned()),
    }
}
