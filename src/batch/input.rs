//! In: what a batch is told. Out: the tables of the old host and the users, from the
//! files that are named, and what is wrong in these.

use super::lines::Problem;
use super::run::{BatchError, Options};
use super::tables::{self, Tables};
use super::users::{self, Person, User};
use super::{accounts, passwd};
use crate::home::{DiskHome, Home};
use crate::rules::elaborate::names_of_host;
use std::path::Path;

fn read(path: &Path) -> Result<(String, String), BatchError> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok((
                name,
                text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(),
            ))
        }
        Err(error) => Err(BatchError::Input { path: name, error }),
    }
}

/// The text of a file that an alias includes, where it may be read.
fn included(options: &Options, path: &str) -> Result<String, String> {
    let mut directories = options.allow_include.iter();
    let below = directories.find_map(|directory| {
        let rest = Path::new(path).strip_prefix(&directory.named).ok()?;
        Some((&directory.path, rest.to_str()?))
    });
    let (directory, rest) = below.ok_or("name its directory with --allow-include")?;
    let opened = DiskHome::open(directory, options.limits);
    let read = opened.and_then(|directory| directory.read(rest));
    let bytes = read.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads the tables of the old host.
///
/// # Errors
/// Where one cannot be read.
pub fn tables(options: &Options, problems: &mut Vec<Problem>) -> Result<Tables, BatchError> {
    let mut tables = Tables {
        domain: options.domain.as_ref().map(|domain| domain.to_lowercase()),
        hosts: names_of_host(options.host.as_deref()),
        ..Tables::default()
    };
    let mut sources = Vec::new();
    if let Some(path) = &options.aliases {
        let (name, text) = read(path)?;
        let (mut table, found) = tables::aliases(&name, &text);
        problems.extend(found);
        let read = |path: &str| included(options, path);
        problems.extend(tables::include(&name, &mut table, &read));
        tables.aliases = table;
        sources.push((name, true));
    }
    if let Some(path) = &options.virtual_ {
        let (name, text) = read(path)?;
        let (table, found) = tables::virtual_(&name, &text);
        tables.virtual_ = table;
        problems.extend(found);
        sources.push((name, false));
    }
    for (name, is_aliases) in sources {
        let table = if is_aliases {
            &tables.aliases
        } else {
            &tables.virtual_
        };
        for entry in table.values() {
            for circle in tables.resolve(&entry.name).circles {
                if circle == entry.name.to_lowercase() {
                    let message = format!("{} leads back to itself", entry.name);
                    problems.push(Problem::at(&name, entry.line, message));
                }
            }
        }
    }
    Ok(tables)
}

/// Finds the users, and who of them has which account on the new server.
///
/// # Errors
/// Where a file cannot be read.
pub fn users(
    options: &Options,
    problems: &mut Vec<Problem>,
) -> Result<(Vec<User>, Vec<Person>), BatchError> {
    let mut logins = Vec::new();
    let (mut users, found) = match &options.passwd {
        Some(path) => {
            let (name, text) = read(path)?;
            let (passwd, found) = passwd::parse(&name, &text);
            problems.extend(found);
            logins = passwd.iter().map(|user| user.name.clone()).collect();
            users::of_passwd(passwd, &options.roots)
        }
        None => users::walk(&options.roots),
    };
    problems.extend(found);
    if let Some(path) = &options.home_path {
        for user in &mut users {
            user.home_path = path.replace("%u", &user.name);
        }
    }
    let mut accounts = None;
    if let Some(path) = &options.accounts {
        let (name, text) = read(path)?;
        let (read, found) = accounts::parse(&name, &text);
        let Some(read) = read else {
            return Err(BatchError::Accounts(found));
        };
        problems.extend(found);
        problems.extend(users::assign(&mut users, &read, &name));
        accounts = Some(read);
    }
    let people = users::people(&users, accounts.as_ref(), &logins);
    Ok((users, people))
}
