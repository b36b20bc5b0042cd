//! In: directories with homes in them, or passwd(5). Out: the users with their
//! homes, in the order of their names.

use super::accounts::Accounts;
use super::lines::{Problem, is_safe_name};
use super::output::names;
use super::passwd::PasswdUser;
use super::walk::{self, Root, rules_in, unreadable};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

/// A user whose home is translated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    /// The login name on the old host.
    pub name: String,
    /// The name of the new account; empty where a list of accounts has none.
    pub new: String,
    /// The new address, where it is known.
    pub address: Option<String>,
    /// Where the home is now.
    pub home: PathBuf,
    /// Where it was on the old host.
    pub home_path: String,
    /// Whose it should be, where that is known.
    pub uid: Option<u32>,
    /// What `virtual` and `aliases` make of mail for this user, as an alias
    /// would name it; `None` where they say nothing.
    pub alias: Option<String>,
}

/// Someone who got mail on the old host, with a home among those that were found
/// or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The login name on the old host.
    pub name: String,
    /// The name of the new account.
    pub new: String,
    /// The new address, where it is known.
    pub address: Option<String>,
    /// The list of accounts has a row for them, or there is none, and everybody keeps
    /// their name.
    pub has_account: bool,
}

/// Everybody of the list of accounts, of passwd(5) and of the homes, in the order
/// of their names.
pub fn people(users: &[User], accounts: Option<&Accounts>, logins: &[String]) -> Vec<Person> {
    let mut people: BTreeMap<&str, Person> = BTreeMap::new();
    let known = users
        .iter()
        .map(|user| user.name.as_str())
        .chain(
            accounts
                .into_iter()
                .flat_map(Accounts::keys)
                .map(String::as_str),
        )
        .chain(logins.iter().map(String::as_str));
    for name in known {
        let account = accounts.and_then(|accounts| accounts.get(name));
        people.entry(name).or_insert_with(|| Person {
            name: name.to_owned(),
            has_account: accounts.is_none() || account.is_some(),
            new: account.map_or(name, |account| &account.new).to_owned(),
            address: account
                .map(|account| account.address.clone())
                .filter(|address| !address.is_empty()),
        });
    }
    people.into_values().collect()
}

/// The first user id of people (login.defs(5)).
const FIRST_PERSON: u32 = 1000;

/// The user id of nobody.
const NOBODY: u32 = 65534;

/// The homes below some roots: directories with rules in them. What lies in a
/// home is not looked into, unless it is a root as well.
pub fn walk(roots: &[PathBuf]) -> (Vec<User>, Vec<Problem>) {
    let mut found = Found::default();
    let roots = found.open(roots);
    let problems = walk::walk(roots, &mut |user| found.enter(user));
    found.problems.extend(problems);
    found.finish()
}

/// The users of passwd(5). Where roots are given, their homes are copies below
/// one of these: `root/home/user`, or `root/user`. Users that are programs count
/// where they have rules.
pub fn of_passwd(passwd: Vec<PasswdUser>, roots: &[PathBuf]) -> (Vec<User>, Vec<Problem>) {
    let mut found = Found::default();
    let opened = found.open(roots);
    for user in passwd {
        let home = match roots {
            [] => Ok(Some(PathBuf::from(&user.home)).filter(|home| home.is_dir())),
            _ => copy(&opened, &user),
        };
        // Programs have directories that belong to others, and seldom rules.
        let is_person = user.uid >= FIRST_PERSON && user.uid != NOBODY;
        let has_rules = |home: &PathBuf| rules_in(home).unwrap_or(false);
        if !is_person
            && !home
                .as_ref()
                .is_ok_and(|home| home.as_ref().is_some_and(has_rules))
        {
            continue;
        }
        match home {
            Ok(None) => found.tell(&user.name, "there is no home directory"),
            Err(why) => found.tell(&user.name, why),
            Ok(Some(home)) => found.enter(User {
                new: user.name.clone(),
                name: user.name,
                address: None,
                home,
                home_path: user.home,
                // Copies belong to whoever made them.
                uid: roots.is_empty().then_some(user.uid),
                alias: None,
            }),
        }
    }
    found.finish()
}

/// Where the copy of a user's home is.
fn copy(roots: &[Root], user: &PasswdUser) -> Result<Option<PathBuf>, &'static str> {
    let below = user.home.trim_start_matches('/');
    for root in roots {
        for place in [below, &user.name] {
            if let Some(home) = root.copy(place)? {
                return Ok(Some(home));
            }
        }
    }
    Ok(None)
}

/// Users by their names, lower-cased: no mailer, and not every file system,
/// tells apart two that differ in nothing else.
#[derive(Default)]
struct Found {
    users: BTreeMap<String, User>,
    problems: Vec<Problem>,
}

impl Found {
    fn tell(&mut self, place: impl AsRef<Path>, why: impl Into<String>) {
        let place = place.as_ref().display().to_string();
        self.problems.push(Problem::with(&place, why));
    }

    /// The roots that are there.
    fn open(&mut self, roots: &[PathBuf]) -> Vec<Root> {
        let mut opened = Vec::new();
        for root in roots {
            match Root::new(root) {
                Ok(root) => opened.push(root),
                Err(error) => self.tell(root, unreadable(&error)),
            }
        }
        opened
    }

    /// Takes a user in. The first of a name counts; of two names that differ in
    /// case only, the lower-cased one, for mailers look for that.
    fn enter(&mut self, user: User) {
        let name = user.name.to_lowercase();
        if !is_safe_name(&user.name) || names::ALL.contains(&name.as_str()) {
            let why = format!(
                "its name cannot be the name of a directory of the output: {}",
                user.name
            );
            return self.tell(&user.home, why);
        }
        let is_lower = user.name == name;
        match self.users.entry(name) {
            Entry::Vacant(free) => {
                free.insert(user);
            }
            Entry::Occupied(mut first) => {
                let other = match is_lower && first.get().name != user.name {
                    true => first.insert(user),
                    false => user,
                };
                let User { name, home, .. } = first.get();
                let why = format!("{name} has a home already, {}", home.display());
                self.tell(&other.home, why);
            }
        }
    }

    /// All of them, in the order of their names.
    fn finish(self) -> (Vec<User>, Vec<Problem>) {
        let mut users: Vec<User> = self.users.into_values().collect();
        users.sort_by(|one, other| one.name.cmp(&other.name));
        (users, self.problems)
    }
}

/// Whether a login is among users, which stand in the order of their names.
pub fn has(users: &[User], login: &str) -> bool {
    let found = users.binary_search_by(|user| user.name.as_str().cmp(login));
    found.is_ok()
}

/// Puts the new accounts in; accounts of nobody are problems.
pub fn assign(users: &mut [User], accounts: &Accounts, file: &str) -> Vec<Problem> {
    for user in users.iter_mut() {
        if let Some(account) = accounts.get(&user.name) {
            user.new.clone_from(&account.new);
            user.address = Some(account.address.clone()).filter(|address| !address.is_empty());
        }
    }
    let homeless = accounts.iter().filter(|(name, _)| !has(users, name));
    let homeless = homeless.map(|(name, account)| {
        let message = format!(
            "{name} has no home among those that were found; the lists for the move have the account"
        );
        Problem::at(file, account.line, message)
    });
    let problems: Vec<Problem> = homeless.collect();
    let left_out = users
        .iter_mut()
        .filter(|user| !accounts.contains_key(&user.name))
        .map(|user| {
            user.new.clear();
            Problem::with(&user.name, "there is no new account")
        });
    problems.into_iter().chain(left_out).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::fs;

    fn home(root: &Path, path: &str) {
        fs::create_dir_all(root.join(path)).unwrap();
        fs::write(root.join(path).join(".forward"), "a@b\n").unwrap();
    }

    #[test]
    fn names_that_differ_in_case_only_are_one() {
        let stage = tempfile::tempdir().unwrap();
        for path in ["Ann", "ann", "BOB", "Bob", "Virtual", "sue"] {
            home(stage.path(), path);
        }
        let (users, problems) = walk(&[stage.path().to_owned()]);
        let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["BOB", "ann", "sue"]);
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn homes_are_found_by_passwd() {
        let stage = tempfile::tempdir().unwrap();
        home(stage.path(), "home/ann");
        home(stage.path(), "bob");
        let user = |name: &str| PasswdUser {
            name: name.to_owned(),
            uid: if name == "daemon" { 1 } else { 1001 },
            home: format!("/home/{name}"),
        };
        let passwd = vec![user("bob"), user("ann"), user("sue"), user("daemon")];
        let (mut users, problems) = of_passwd(passwd, &[stage.path().to_owned()]);
        assert_eq!(users[0].home_path, "/home/ann");
        assert_eq!(users[0].home, stage.path().join("home/ann"));
        assert_eq!(users[1].home, stage.path().join("bob"));
        assert_eq!(problems.len(), 1);
        let text = "old,new,address\nann,asmith,a@new.example\ntom,t,\n";
        let (accounts, _) = crate::batch::accounts::parse("a.csv", text);
        let problems = assign(&mut users, &accounts.unwrap(), "a.csv");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(users[0].new, "asmith");
        assert_eq!(users[0].address.as_deref(), Some("a@new.example"));
    }
}
