//! In: a case of `corpus/`. Out: what is made of it.

#![allow(missing_docs)]

use serde::Deserialize;
use sievify::home::{DiskHome, Limits};
use sievify::rules::elaborate::{Mda, Settings};
use sievify::sieve::target::Target;
use sievify::translate::{Translation, Translator};
use std::fs;
use std::path::Path;

/// What `options.toml` says of a case: options of the command line, by their
/// names.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct CaseOptions {
    user: Option<String>,
    host: Option<String>,
    domain: Option<String>,
    home_path: Option<String>,
    mda: Option<String>,
    target: Option<String>,
    capabilities: Option<String>,
    separator: Option<char>,
    prefix: Option<String>,
    spam_header: Vec<String>,
}

impl CaseOptions {
    fn of(case: &Path) -> Self {
        let text = fs::read_to_string(case.join("options.toml")).unwrap_or_default();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()))
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.user.as_deref().unwrap_or("u"));
        settings.host.clone_from(&self.host);
        settings.domain.clone_from(&self.domain);
        if let Some(path) = &self.home_path {
            settings.home_path.clone_from(path);
        }
        if self.mda.as_deref() == Some("none") {
            settings.mda = Mda::None;
        }
        settings
    }

    fn target(&self) -> Target {
        let mut target = Target::profile(self.target.as_deref().unwrap_or("dovecot")).unwrap();
        if let Some(capabilities) = &self.capabilities {
            target = target.with_capabilities(capabilities).unwrap();
        }
        target.separator = self.separator.unwrap_or(target.separator);
        if let Some(prefix) = &self.prefix {
            target.prefix.clone_from(prefix);
        }
        let renamed = self.spam_header.iter();
        let renamed = renamed.map(|names| names.split_once('=').unwrap());
        target.spam_headers = renamed
            .map(|(old, new)| (old.to_owned(), new.to_owned()))
            .collect();
        target
    }
}

/// The script of a case, and the report on it.
pub fn translated(case: &Path) -> Translation {
    let options = CaseOptions::of(case);
    let (settings, target) = (options.settings(), options.target());
    let home = DiskHome::open(case.join("home"), Limits::default()).unwrap();
    Translator::new(&target)
        .translate(&home, &settings)
        .unwrap_or_else(|bug| panic!("{}: {bug}", case.display()))
}
