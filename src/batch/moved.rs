//! In: the tables of the old host, and where its users went. Out: the tables that send on
//! what still comes there (`virtual`), or tell senders of it (`relocated`).

use super::lines::Problem;
use super::lists::local_user;
use super::tables::{Tables, without_detail};
use super::users::Person;
use crate::syntax::forward::Destination;
use std::collections::{BTreeSet, HashMap};

/// Recipients that Postfix makes of one (`virtual_alias_expansion_limit`).
const MOST_MEMBERS: usize = 1000;

/// What the rows are made from.
pub(super) struct Old<'a> {
    pub tables: &'a Tables,
    pub people: &'a [Person],
    /// Whether there is a home, and so a script, for a login.
    pub has_script: &'a dyn Fn(&str) -> bool,
    /// The names of the list of accounts and of the aliases, for the problems.
    pub accounts: Option<&'a str>,
    pub aliases: &'a str,
}

/// Lines of postmap(1), and what is not among them.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Old address, new address; aliases with the addresses of their members on the old
    /// host, which the table sends on in its turn.
    pub virtual_: String,
    /// Old address, new address.
    pub relocated: String,
    pub problems: Vec<Problem>,
}

/// Whether somebody has a new address.
fn has_left(person: &Person) -> bool {
    person.address.is_some()
}

/// Whether a text can stand in a table.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control()) && !text.starts_with('#')
}

/// Logins of whom the same is to be said.
#[derive(Default)]
struct Told<'a>(Vec<(&'static str, Vec<&'a str>)>);

impl<'a> Told<'a> {
    fn of(&mut self, login: &'a str, why: &'static str) {
        match self.0.iter_mut().find(|(told, _)| *told == why) {
            Some((_, logins)) => logins.push(login),
            None => self.0.push((why, vec![login])),
        }
    }

    fn problems(self, file: &str) -> impl Iterator<Item = Problem> {
        self.0.into_iter().map(move |(why, logins)| {
            let others = match logins.len() {
                0 | 1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            let first = logins.first().copied().unwrap_or_default();
            Problem::with(file, format!("{first}{others}: {why}"))
        })
    }
}

impl Old<'_> {
    /// The tables.
    pub fn moved(&self) -> Moved {
        let mut moved = Moved::default();
        let left: HashMap<String, &Person> = { self.people.iter() }
            .filter(|person| has_left(person))
            .map(|person| (person.name.to_lowercase(), person))
            .collect();
        let mut told = Told::default();
        let mut taken = BTreeSet::new();
        for person in self.people.iter().filter(|person| !self.is_alias(person)) {
            match self.row(person, &left) {
                Ok((old, new)) => {
                    if !taken.insert(new.to_lowercase()) {
                        told.of(
                            &person.name,
                            "the new address is that of somebody else as well",
                        );
                    }
                    moved.relocated += &format!("{old}\t{new}\n");
                }
                Err(Some(why)) => told.of(&person.name, why),
                Err(None) => {}
            }
        }
        moved.virtual_.clone_from(&moved.relocated);
        if let Some(accounts) = self.accounts {
            moved.problems.extend(told.problems(accounts));
        }
        self.aliases(&left, &mut moved);
        moved
    }

    /// The old and the new address of somebody, or why there is no row; nothing, where
    /// they stay.
    fn row<'p>(
        &self,
        person: &'p Person,
        left: &HashMap<String, &Person>,
    ) -> Result<(String, &'p str), Option<&'static str>> {
        let no_address =
            "no new address is given, so that `virtual` and `relocated` leave them out";
        let new = person.address.as_deref().filter(|new| is_plain(new));
        let new = new.ok_or(person.has_account.then_some(no_address))?;
        let old = self.tables.qualified(&person.name);
        let left_out = |why| Err(Some(why));
        if !is_plain(&person.name) || person.name.contains('@') {
            return left_out(
                "the login is no name for an address, so that `virtual` and `relocated` leave them out",
            );
        }
        if old.eq_ignore_ascii_case(new) {
            // It would send the mail in a circle, or refuse it.
            return left_out(
                "the new address is the old one, so that `virtual` and `relocated` leave them out",
            );
        }
        if self.is_looked_up(new, left) {
            // It would go on to somebody else, or in a circle.
            return left_out(
                "the new address is a name of the old host as well, so that `virtual` and `relocated` leave them out",
            );
        }
        Ok((old, new))
    }

    /// A person without a home, of whom only an alias says where the mail goes.
    fn is_alias(&self, person: &Person) -> bool {
        let name = person.name.to_lowercase();
        self.tables.aliases.contains_key(&name) && !(self.has_script)(&person.name)
    }

    /// Whether the old host looks a new address up again.
    fn is_looked_up(&self, new: &str, left: &HashMap<String, &Person>) -> bool {
        let new = new.to_lowercase();
        let name = self.tables.local_name(&new).map(without_detail);
        self.tables.entry(&new).is_some() || name.is_some_and(|name| left.contains_key(&name))
    }

    /// Aliases of those who have left. Without them the old host would put such mail into
    /// mailboxes that nobody reads any more: their members are not looked up in `virtual`.
    fn aliases(&self, left: &HashMap<String, &Person>, moved: &mut Moved) {
        let (tables, people) = (self.tables, self.people);
        let user = |end: &Destination| local_user(tables, people, end);
        for (name, entry) in &tables.aliases {
            // The rules of a user say what an alias of the user's name makes of mail.
            let has_rules = left.get(name).is_some_and(|person| !self.is_alias(person));
            let ends = tables.resolve(&entry.name).ends;
            let concerns = ends.iter().any(|end| user(end).is_some_and(has_left));
            if has_rules || !concerns {
                continue;
            }
            let is_person = |name: &str| {
                user(&Destination::Address(name.to_owned()))
                    .is_some_and(|user| !self.is_alias(user))
            };
            let ends = tables.resolve_to(&entry.name, &is_person).ends;
            let members = ends.iter().map(|end| match end {
                Destination::Address(name) | Destination::Keep(name) => {
                    Some(self.tables.qualified(name))
                }
                _ => None,
            });
            match members.collect::<Option<Vec<String>>>() {
                Some(members) if members.len() <= MOST_MEMBERS && is_plain(name) => {
                    let members = members.join(", ");
                    moved.virtual_ += &format!("{}\t{members}\n", self.tables.qualified(name));
                }
                _ => moved.problems.push(Problem::at(
                    self.aliases,
                    entry.line,
                    format!(
                        "{} cannot stand in `virtual` (a name with blanks, or members that are files, programs, lists that were not read, or more than {MOST_MEMBERS}): on the old host, its mail goes into the old mailboxes of those who move",
                        entry.name
                    ),
                )),
            }
        }
    }
}
