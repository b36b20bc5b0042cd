//! In: `aliases` and `virtual` in Postfix syntax. Out: where mail for a name
//! ends, after looking it up again and again.

use super::lines::{Problem, logical};
use crate::syntax::FileId;
use crate::syntax::forward::{Destination, Forward, Node, NodeKind, mailbox};
use std::collections::{BTreeMap, BTreeSet};

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// The left-hand side as written.
    pub name: String,
    /// Its line.
    pub line: usize,
    /// The right-hand side, with the members of the files that it includes.
    pub destinations: Vec<Destination>,
    /// It includes a file.
    pub includes: bool,
}

/// Left-hand sides, lower-cased, and their entries.
pub type Table = BTreeMap<String, TableEntry>;

/// Reads aliases(5): `name: value, …`.
pub fn aliases(file: &str, text: &str) -> (Table, Vec<Problem>) {
    table(file, text, |line| {
        let (name, values) = match line.strip_prefix('"') {
            Some(rest) => {
                let (name, rest) = rest.split_once('"')?;
                (name, rest.trim_start().strip_prefix(':')?)
            }
            None => line.split_once(':')?,
        };
        Some((name.trim(), values))
    })
}

/// Reads virtual(5): `pattern address, …`.
pub fn virtual_(file: &str, text: &str) -> (Table, Vec<Problem>) {
    table(file, text, |line| line.split_once([' ', '\t', '\n']))
}

fn table(
    file: &str,
    text: &str,
    split: impl Fn(&str) -> Option<(&str, &str)>,
) -> (Table, Vec<Problem>) {
    let mut table = Table::new();
    let mut problems = Vec::new();
    for (line, content) in logical(text) {
        let Some((name, values)) = split(&content).filter(|(name, _)| !name.is_empty()) else {
            let message = "the line does not have a left-hand side and a right-hand side";
            problems.push(Problem::at(file, line, message));
            continue;
        };
        let values = Forward::parse(FileId(0), values);
        let is_comment = |node: &Node| matches!(node.kind, NodeKind::Comment);
        if values.nodes.iter().any(is_comment) {
            let message = format!(
                "behind a destination of {name}, # begins no comment: the mailer took each word behind it for an address, and they are left out here"
            );
            problems.push(Problem::at(file, line, message));
        }
        let destinations: Vec<Destination> = values
            .destinations()
            .flat_map(|(_, destination)| destination.each(|_| true))
            .map(|destination| match destination {
                Destination::Invalid(text) if is_domain(&text) => Destination::Address(text),
                Destination::Address(text) => Destination::Address(unquoted(&text)),
                destination => destination,
            })
            .collect();
        if destinations.is_empty() {
            let message = format!("{name} has no destination");
            problems.push(Problem::at(file, line, message));
            continue;
        }
        for destination in &destinations {
            if let Destination::Invalid(_) = destination {
                let message = format!("one destination of {name} is none that a mailer knows");
                problems.push(Problem::at(file, line, message));
            }
        }
        let includes = |destination: &Destination| matches!(destination, Destination::Include(_));
        let entry = TableEntry {
            name: name.to_owned(),
            line,
            includes: destinations.iter().any(includes),
            destinations,
        };
        if let Some(first) = table.get(&name.to_lowercase()).map(|entry| entry.line) {
            let message = format!("{name} stands on line {first} already");
            problems.push(Problem::at(file, line, message));
            continue;
        }
        table.insert(name.to_lowercase(), entry);
    }
    (table, problems)
}

/// Files that are included in files, one in another.
const MAX_INCLUDES: usize = 8;

/// Puts the members of included files (`:include:path`, aliases(5)) in their places.
/// `read` has the text of one; those it does not have stay, and are named.
pub fn include(
    file: &str,
    table: &mut Table,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in table.values_mut().filter(|entry| entry.includes) {
        let mut pending: Vec<(Destination, usize)> = entry
            .destinations
            .drain(..)
            .rev()
            .map(|destination| (destination, 0))
            .collect();
        while let Some((destination, depth)) = pending.pop() {
            let Destination::Include(path) = &destination else {
                entry.destinations.push(destination);
                continue;
            };
            let text = match depth < MAX_INCLUDES && pending.len() < MAX_ENDS {
                true => read(path),
                false => Err("it includes others without an end".to_owned()),
            };
            match text {
                Ok(text) => {
                    let inner = Forward::parse(FileId(0), &text);
                    let inner: Vec<Destination> = inner
                        .destinations()
                        .flat_map(|(_, inner)| inner.each(|_| true))
                        .collect();
                    pending.extend(inner.into_iter().rev().map(|inner| (inner, depth + 1)));
                }
                Err(why) => {
                    let message = format!(
                        "the members of {} in {path} are not known: {why}",
                        entry.name
                    );
                    problems.push(Problem::at(file, entry.line, message));
                    entry.destinations.push(destination);
                }
            }
        }
    }
    problems
}

/// `"ann"` is ann, where the quotes are needed by nothing in them.
fn unquoted(address: &str) -> String {
    let inner = address
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| mailbox(inner).as_deref() == Some(*inner)) {
        Some(inner) => inner.to_owned(),
        None => address.to_owned(),
    }
}

/// `@domain`: the same name in another domain (virtual(5)).
fn is_domain(text: &str) -> bool {
    text.strip_prefix('@')
        .is_some_and(|domain| mailbox(domain).is_some_and(|word| word == domain))
}

/// The tables of an old mail host.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// aliases(5).
    pub aliases: Table,
    /// virtual(5).
    pub virtual_: Table,
    /// The host's own domain, lower-cased: an address in it is a local name.
    pub domain: Option<String>,
    /// How the host is called on itself, lower-cased: the same.
    pub hosts: Vec<String>,
}

/// Where mail for a name ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// What no table has on its left-hand side, in order, each once.
    pub ends: Vec<Destination>,
    /// Names that lead back to themselves.
    pub circles: BTreeSet<String>,
}

/// A left-hand side of one of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Virtual(&'a str),
    Alias(&'a str),
}

/// Destinations of one name; more than any list has members.
const MAX_ENDS: usize = 100_000;

impl Tables {
    /// The entry for a name or address.
    pub fn entry(&self, address: &str) -> Option<&TableEntry> {
        self.entries(address).next().map(|(_, entry)| entry)
    }

    /// The entries for a name or address, in the order in which they count,
    /// each with what it is found by.
    fn entries<'a>(
        &'a self,
        address: &str,
    ) -> impl Iterator<Item = (Key<'a>, &'a TableEntry)> + use<'a> {
        let address = address.to_lowercase();
        let qualified = self.qualified(&address);
        let of_domain = qualified
            .split_once('@')
            .map_or(String::new(), |(_, domain)| format!("@{domain}"));
        let local = self.local_name(&address).unwrap_or_default().to_owned();
        let found = [
            self.virtual_.get_key_value(&qualified),
            self.virtual_.get_key_value(&without_detail(&qualified)),
            self.virtual_.get_key_value(&local),
            self.virtual_.get_key_value(&without_detail(&local)),
            self.virtual_.get_key_value(&of_domain),
        ]
        .map(|found| found.map(|(key, entry)| (Key::Virtual(key), entry)));
        let alias = self.aliases.get_key_value(&local);
        let alias = alias.or_else(|| self.aliases.get_key_value(&without_detail(&local)));
        let alias = alias.map(|(key, entry)| (Key::Alias(key), entry));
        found.into_iter().chain([alias]).flatten()
    }

    /// A local name with the host's own domain; another address as it is.
    pub fn qualified(&self, name: &str) -> String {
        match (&self.domain, self.local_name(name)) {
            (Some(domain), Some(local)) => format!("{local}@{domain}"),
            _ => name.to_owned(),
        }
    }

    /// The name without the host's own domain; `None` for a foreign address.
    pub fn local_name<'a>(&self, address: &'a str) -> Option<&'a str> {
        match address.rsplit_once('@') {
            None => Some(address),
            Some((local, domain)) => {
                let mut own = self.domain.iter().chain(&self.hosts);
                own.any(|own| own.eq_ignore_ascii_case(domain))
                    .then_some(local)
            }
        }
    }

    /// The row for a whole domain that takes the mail of a local user, where that has
    /// none of its own (virtual(5)).
    pub fn row_for_all(&self, user: &str) -> Option<&TableEntry> {
        let (key, entry) = self.entries(&self.qualified(user)).next()?;
        matches!(key, Key::Virtual(name) if name.starts_with('@')).then_some(entry)
    }

    /// What the tables make of mail for a local user, one destination a line below one
    /// that says where it stands; `None` where they leave it to the user. The user's own
    /// name among the destinations means local delivery. Mail for somebody else (`is_person`, by the
    /// login name) is sent there, whatever their own aliases make of it.
    pub fn alias_of(&self, user: &str, is_person: &dyn Fn(&str) -> bool) -> Option<String> {
        let address = self.qualified(user);
        let (key, entry) = self.entries(&address).next()?;
        let table = match key {
            Key::Virtual(_) => "virtual",
            Key::Alias(_) => "aliases",
        };
        let place = format!("# {table}, line {}\n", entry.line);
        let own = user.to_lowercase();
        let is_own = |name: &str| {
            let name = name.to_lowercase();
            self.local_name(&name) == Some(own.as_str())
        };
        let is_other = |name: &str| {
            let name = name.to_lowercase();
            let name = self.local_name(&name).map(without_detail);
            name.is_some_and(|name| name != own && is_person(&name))
        };
        let resolved = self.resolve_to(&address, &is_other);
        let lines = resolved.ends.into_iter().map(|end| match end {
            Destination::Keep(name) if is_other(&name) => match &self.domain {
                Some(domain) if !name.contains('@') => format!("{name}@{domain}"),
                _ => name,
            },
            Destination::Address(name) if is_own(&name) => user.to_owned(),
            Destination::Command(command) => {
                format!(
                    "\"|{}\"",
                    command.replace('\\', "\\\\").replace('"', "\\\"")
                )
            }
            end => written(&end),
        });
        let lines: Vec<String> = lines.collect();
        match lines.as_slice() {
            [own] if own == user => None,
            lines => Some(place + &lines.join("\n") + "\n"),
        }
    }

    /// Looks a name up until nothing more is found.
    pub fn resolve(&self, name: &str) -> Resolved {
        self.resolve_to(name, &|_| false)
    }

    /// As [`Tables::resolve`]; what is an end is looked up no further.
    pub fn resolve_to(&self, name: &str, is_end: &dyn Fn(&str) -> bool) -> Resolved {
        let mut resolved = Resolved::default();
        let mut seen = BTreeSet::new();
        // What is to be looked up, with the entry that names it: depth first,
        // with a marker where an entry is done.
        enum Task<'a> {
            Look(String, Option<Key<'a>>),
            Done(Key<'a>),
        }
        let mut open: BTreeSet<Key> = BTreeSet::new();
        // Each entry is followed once: without this, lists of lists double.
        let mut done: BTreeSet<Key> = BTreeSet::new();
        let mut tasks = vec![Task::Look(name.to_owned(), None)];
        while let Some(task) = tasks.pop() {
            let (name, named_by) = match task {
                Task::Done(key) => {
                    open.remove(&key);
                    done.insert(key);
                    continue;
                }
                Task::Look(name, Some(_)) if is_end(&name) => {
                    push_end(&mut resolved, &mut seen, Destination::Address(name));
                    continue;
                }
                Task::Look(name, named_by) => (name, named_by),
            };
            // An address that is its own is looked up no further: it is kept from the
            // row for the whole domain (virtual(5)), or is the user (aliases(5)).
            let found: Vec<Key> = self.entries(&name).map(|(key, _)| key).collect();
            let is_kept = |key: &Key| match (named_by, key) {
                (Some(by @ Key::Virtual(_)), Key::Virtual(_)) => found.first() == Some(&by),
                (Some(by @ Key::Alias(_)), _) => found.contains(&by),
                _ => false,
            };
            let counts = |key: &Key| !open.contains(key) && !is_kept(key);
            let Some((key, entry)) = self.entries(&name).find(|(key, _)| counts(key)) else {
                let is_end = self.entry(&name).is_none();
                let is_own = self.entries(&name).any(|(key, _)| Some(key) == named_by);
                // A name on its own right-hand side means the user.
                if is_end || is_own {
                    push_end(&mut resolved, &mut seen, Destination::Address(name));
                } else {
                    resolved.circles.insert(name.to_lowercase());
                }
                continue;
            };
            if done.contains(&key) {
                continue;
            }
            open.insert(key);
            tasks.push(Task::Done(key));
            for destination in entry.destinations.iter().rev() {
                if let Destination::Address(address) = destination
                    && tasks.len() < MAX_ENDS
                    && resolved.ends.len() < MAX_ENDS
                {
                    let address = match address.starts_with('@') {
                        true => format!("{}{address}", name.split('@').next().unwrap_or(&name)),
                        false => address.clone(),
                    };
                    tasks.push(Task::Look(address, Some(key)));
                }
            }
            for destination in &entry.destinations {
                if !matches!(destination, Destination::Address(_)) {
                    push_end(&mut resolved, &mut seen, destination.clone());
                }
            }
        }
        resolved
    }
}

/// `user+detail` or `user+detail@domain` without its detail.
pub(super) fn without_detail(address: &str) -> String {
    let (local, domain) = match address.split_once('@') {
        Some((local, _)) => (local, &address[local.len()..]),
        None => (address, ""),
    };
    match local.split_once('+') {
        Some((user, _)) if !user.is_empty() => format!("{user}{domain}"),
        _ => address.to_owned(),
    }
}

fn push_end(resolved: &mut Resolved, seen: &mut BTreeSet<String>, end: Destination) {
    if seen.insert(written(&end)) {
        resolved.ends.push(end);
    }
}

/// A destination as a table would have it.
pub fn written(destination: &Destination) -> String {
    match destination {
        Destination::Keep(name) => format!("\\{name}"),
        Destination::Command(command) => format!("|{command}"),
        Destination::Include(path) => format!(":include:{path}"),
        Destination::File(text) | Destination::Address(text) | Destination::Invalid(text) => {
            text.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(aliases_text: &str, virtual_text: &str) -> Tables {
        Tables {
            aliases: aliases("aliases", aliases_text).0,
            virtual_: virtual_("virtual", virtual_text).0,
            domain: Some("old.example".to_owned()),
            hosts: vec!["localhost".to_owned()],
        }
    }

    fn ends(tables: &Tables, name: &str) -> Vec<String> {
        tables.resolve(name).ends.iter().map(written).collect()
    }

    #[test]
    fn names_are_looked_up_to_the_end() {
        let tables = tables(
            "# the staff\nstaff: joe, ann,\n  boss@old.example\nboss: sue\n\
             tape: \"|/bin/tape -x\"\nlog: /var/log/mail, joe\nall: staff, all@elsewhere.example\n",
            "info@old.example staff\n@other.example joe, ann\n@older.example @old.example\n",
        );
        assert_eq!(ends(&tables, "info@old.example"), ["joe", "ann", "sue"]);
        assert_eq!(ends(&tables, "x@other.example"), ["joe", "ann"]);
        assert_eq!(ends(&tables, "boss@older.example"), ["sue"]);
        assert_eq!(
            ends(&tables, "ALL"),
            ["joe", "ann", "sue", "all@elsewhere.example"]
        );
        assert_eq!(ends(&tables, "tape"), ["|/bin/tape -x"]);
        assert_eq!(ends(&tables, "log"), ["/var/log/mail", "joe"]);
        assert_eq!(ends(&tables, "nobody"), ["nobody"]);
    }

    #[test]
    fn an_address_is_kept_from_the_row_for_its_domain() {
        let tables = tables(
            "ann: ann, a@elsewhere.example\n",
            "@old.example eve\ngus@old.example gus@old.example\nann@old.example ann\n\
             sue@old.example \"sue\", tim+x\ntim@old.example tim\n",
        );
        assert_eq!(ends(&tables, "gus@old.example"), ["gus@old.example"]);
        assert_eq!(ends(&tables, "eve@old.example"), ["eve"]);
        assert_eq!(ends(&tables, "who@old.example"), ["eve"]);
        assert_eq!(ends(&tables, "ann"), ["ann", "a@elsewhere.example"]);
        assert_eq!(ends(&tables, "sue"), ["sue", "tim"]);
        assert_eq!(tables.alias_of("gus", &|_| false), None);
        let row = |user| tables.row_for_all(user).map(|entry| entry.line);
        assert_eq!([row("gus"), row("who")], [None, Some(1)]);
        assert!(tables.resolve("gus").circles.is_empty());
    }

    #[test]
    fn circles_are_named_and_a_name_may_keep_its_own_mail() {
        let tables = tables(
            "a: b\nb: c, d\nc: a\njoe: joe, j@elsewhere.example\nk: \\k, joe\n",
            "",
        );
        let resolved = tables.resolve("a");
        assert_eq!(resolved.circles.iter().collect::<Vec<_>>(), ["a"]);
        assert_eq!(ends(&tables, "a"), ["d"]);
        assert_eq!(ends(&tables, "joe"), ["joe", "j@elsewhere.example"]);
        assert!(tables.resolve("joe").circles.is_empty());
        assert_eq!(ends(&tables, "k"), ["\\k", "joe", "j@elsewhere.example"]);
    }

    #[test]
    fn what_the_tables_make_of_a_user() {
        let tables = tables(
            "joe: joe, \"|x \\\"a b\\\"\"\nann: asmith\nbob: b@new.example\n",
            "asmith@old.example ann.smith@new.example\nsue@old.example sue, tim\nown@old.example own\n",
        );
        let alias = |user| tables.alias_of(user, &|_| false);
        let joe = "# aliases, line 1\n\"|x \\\"a b\\\"\"\njoe\n";
        assert_eq!(alias("joe").as_deref(), Some(joe));
        let ann = "# aliases, line 2\nann.smith@new.example\n";
        assert_eq!(alias("ann").as_deref(), Some(ann));
        assert_eq!(
            alias("sue").as_deref(),
            Some("# virtual, line 2\nsue\ntim\n")
        );
        assert_eq!(alias("tim"), None);
        assert_eq!(alias("own"), None);
    }

    #[test]
    fn mail_for_somebody_else_is_left_to_them() {
        let tables = tables(
            "ann: bob\nbob: \\bob, b@x.example\ncy: dee+x, \\bob\ndee: /var/mail/dee\n\
             eve: a@x.example b@x.example, staff\nstaff: ann, c@x.example\n",
            "",
        );
        let is_person = |name: &str| ["ann", "bob", "cy", "dee", "eve"].contains(&name);
        let alias = |user| {
            let alias = tables.alias_of(user, &is_person).unwrap_or_default();
            let (_, destinations) = alias.split_once('\n').unwrap_or_default();
            destinations.to_owned()
        };
        assert_eq!(alias("ann"), "bob\n");
        assert_eq!(alias("bob"), "\\bob\nb@x.example\n");
        assert_eq!(alias("cy"), "bob@old.example\ndee+x\n");
        assert_eq!(alias("dee"), "/var/mail/dee\n");
        assert_eq!(alias("eve"), "a@x.example\nb@x.example\nann\nc@x.example\n");
    }

    #[test]
    fn lists_of_lists_are_looked_up_once_each() {
        let text: String = (0..200)
            .map(|n| format!("l{n}: l{0}, l{0}, m{n}\n", n + 1))
            .collect();
        assert_eq!(tables(&text, "").resolve("l0").ends.len(), 201);
    }

    #[test]
    fn bad_lines_are_named() {
        let (table, problems) = aliases("aliases", "a: b\nno colon\na: c\nd: e f\ng: h # i\n");
        assert_eq!(table.len(), 3);
        assert_eq!(table["d"].destinations.len(), 2);
        let lines: Vec<_> = problems.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 5]);
    }
}
