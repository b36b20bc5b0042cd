//! In: the tables of the old host, and where its users went. Out: the tables that send on
//! what still comes there (`virtual`), or tell senders of it (`relocated`).

use super::lines::Problem;
use super::lists::local_user;
use super::tables::{Tables, without_detail};
use super::users::Person;
use crate::syntax::forward::{Destination, mailbox};
use std::collections::{BTreeSet, HashMap, HashSet};

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

/// People of whom more than their own line says what becomes of their mail.
struct Known<'a> {
    /// Those with a new address, by their logins, lower-cased: of two that differ in
    /// nothing else, the lower-cased one, for mailers look for that.
    left: HashMap<String, &'a Person>,
    /// Those without a script, whose mail the tables send to others alone. It goes there
    /// still.
    sent_on: HashSet<&'a str>,
}

impl Known<'_> {
    fn is_sent_on(&self, person: &Person) -> bool {
        self.sent_on.contains(person.name.as_str())
    }
}

/// Whether somebody has a new address.
fn has_left(person: &Person) -> bool {
    person.address.is_some()
}

/// Whether a text can stand in a table.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control()) && !text.starts_with('#')
}

/// Whether a login is a name before the `@` of an address, as it stands.
fn is_name(login: &str) -> bool {
    let needs_more = !is_plain(login) || login.contains(['@', '"']);
    !needs_more && mailbox(login).as_deref() == Some(login)
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
        let known = self.known();
        let mut told = Told::default();
        let mut taken = BTreeSet::new();
        for person in { self.people.iter() }.filter(|person| !known.is_sent_on(person)) {
            match self.row(person, &known) {
                Ok((old, new)) => {
                    if !taken.insert(new.to_lowercase()) {
                        told.of(
                            &person.name,
                            "the new address is that of somebody else as well",
                        );
                    }
                    moved.relocated += &format!("{old}\t{new}\n");
                    let others = self.others(person, &known).unwrap_or_else(|| {
                        told.of(
                            &person.name,
                            "the old tables give the mail to others as well, who cannot stand in `virtual` (files, programs, or too many): it goes to the new address alone",
                        );
                        Vec::new()
                    });
                    let members = [vec![new.to_owned()], others].concat().join(", ");
                    moved.virtual_ += &format!("{old}\t{members}\n");
                }
                Err(Some(why)) => told.of(&person.name, why),
                Err(None) => {}
            }
        }
        if let Some(accounts) = self.accounts {
            moved.problems.extend(told.problems(accounts));
        }
        self.aliases(&known, &mut moved);
        moved
    }

    fn known(&self) -> Known<'_> {
        let mut left = HashMap::new();
        for person in self.people.iter().filter(|person| has_left(person)) {
            let name = person.name.to_lowercase();
            if name == person.name || !left.contains_key(&name) {
                left.insert(name, person);
            }
        }
        let is_sent_on = |person: &&Person| {
            let ends = || self.tables.resolve(&person.name).ends;
            !(self.has_script)(&person.name) && !ends().iter().any(|end| self.is_own(person, end))
        };
        let sent_on = { self.people.iter() }.filter(is_sent_on);
        Known {
            left,
            sent_on: sent_on.map(|person| person.name.as_str()).collect(),
        }
    }

    /// The old and the new address of somebody, or why there is no row; nothing, where
    /// they stay.
    fn row<'p>(
        &self,
        person: &'p Person,
        known: &Known,
    ) -> Result<(String, &'p str), Option<&'static str>> {
        let no_address =
            "no new address is given, so that `virtual` and `relocated` leave them out";
        let new = person.address.as_deref();
        let new = new.ok_or(person.has_account.then_some(no_address))?;
        let old = self.tables.qualified(&person.name);
        let left_out = |why| Err(Some(why));
        if !is_plain(new) {
            return left_out(
                "the new address cannot stand in a table (it has blanks), so that `virtual` and `relocated` leave them out",
            );
        }
        let other = known.left.get(&person.name.to_lowercase());
        if other.is_some_and(|other| other.name != person.name) {
            return left_out(
                "the login differs from another in case only, of which mailers know nothing: `virtual` and `relocated` have the other",
            );
        }
        if !is_name(&person.name) {
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
        if self.is_looked_up(new, known) {
            // It would go on to somebody else, or in a circle.
            return left_out(
                "the new address is a name of the old host as well, so that `virtual` and `relocated` leave them out",
            );
        }
        Ok((old, new))
    }

    /// Whether mail that the tables have led to an end is a person's own.
    fn is_own(&self, person: &Person, end: &Destination) -> bool {
        let user = local_user(self.tables, self.people, end);
        user.is_some_and(|user| user.name.eq_ignore_ascii_case(&person.name))
    }

    /// Who gets the mail of a person beside them, where no script says it; `None` where
    /// they cannot stand in a table.
    fn others(&self, person: &Person, known: &Known) -> Option<Vec<String>> {
        if (self.has_script)(&person.name) {
            return Some(Vec::new());
        }
        let mut ends = self.ends(&person.name, known);
        ends.retain(|end| !self.is_own(person, end));
        self.members(&ends)
    }

    /// Where mail for a name of the old host ends; that for somebody else with a row of
    /// their own ends there.
    fn ends(&self, name: &str, known: &Known) -> Vec<Destination> {
        let user = |name: &str| {
            let end = Destination::Address(name.to_owned());
            local_user(self.tables, self.people, &end)
        };
        let own = user(name);
        let has_row = |name: &str| {
            user(name).is_some_and(|user| Some(user) != own && !known.is_sent_on(user))
        };
        self.tables.resolve_to(name, &has_row).ends
    }

    /// Ends as the members of a row; `None` where they cannot stand in a table.
    fn members(&self, ends: &[Destination]) -> Option<Vec<String>> {
        let address = |end: &Destination| match end {
            Destination::Address(name) | Destination::Keep(name) => {
                Some(self.tables.qualified(name))
            }
            _ => None,
        };
        let members: Option<Vec<String>> = ends.iter().map(address).collect();
        members.filter(|members| members.len() <= MOST_MEMBERS)
    }

    /// Whether the old host looks a new address up again.
    fn is_looked_up(&self, new: &str, known: &Known) -> bool {
        let new = new.to_lowercase();
        let name = self.tables.local_name(&new).map(without_detail);
        self.tables.entry(&new).is_some() || name.is_some_and(|name| known.left.contains_key(&name))
    }

    /// Aliases of those who have left. Without them the old host would put such mail into
    /// mailboxes that nobody reads any more: their members are not looked up in `virtual`.
    fn aliases(&self, known: &Known, moved: &mut Moved) {
        let (tables, people) = (self.tables, self.people);
        let user = |end: &Destination| local_user(tables, people, end);
        for (name, entry) in &tables.aliases {
            // Somebody with a row of their own needs no other.
            let person = known.left.get(name);
            let has_row = person.is_some_and(|person| !known.is_sent_on(person));
            let ends = tables.resolve(&entry.name).ends;
            let concerns = ends.iter().any(|end| user(end).is_some_and(has_left));
            if has_row || !concerns {
                continue;
            }
            match self.members(&self.ends(&entry.name, known)) {
                Some(members) if is_plain(name) => {
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
