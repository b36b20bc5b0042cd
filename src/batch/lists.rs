//! In: the tables of the old host, its users, and where these forward mail.
//! Out: the lists for the move that are about several users.

use super::output::{Output, names};
use super::rows::cell;
use super::run::BatchError;
use super::tables::{Tables, without_detail, written};
use super::users::Person;
use crate::syntax::forward::Destination;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The head of `lists.csv`.
pub(super) const LISTS: [&str; 5] = ["name", "line", "owner", "members", "local"];

/// The head of `forwards.csv`.
const FORWARDS: [&str; 4] = ["user", "address", "state", "leads-to"];

/// Aliases, and names of the virtual table, that fan out or include, for whoever
/// sets the lists up again.
pub(super) fn lists(tables: &Tables, people: &[Person]) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for (name, entry) in tables.aliases.iter().chain(&tables.virtual_) {
        if name.starts_with("owner-") {
            continue;
        }
        let resolved = tables.resolve(&entry.name);
        if resolved.ends.len() < 2 && !entry.includes {
            continue;
        }
        let owner = tables.aliases.get(&format!("owner-{name}"));
        let owner: Vec<String> = owner
            .map(|entry| entry.destinations.iter().map(written).collect())
            .unwrap_or_default();
        let members: Vec<String> = resolved.ends.iter().map(written).collect();
        let local: Vec<&str> = resolved
            .ends
            .iter()
            .filter_map(|end| local_user(tables, people, end))
            .map(|user| user.name.as_str())
            .collect();
        rows.push([
            cell(&entry.name),
            entry.line.to_string(),
            cell(&owner.join(", ")),
            cell(&members.join(", ")),
            cell(&local.join(", ")),
        ]);
    }
    rows
}

/// The user that mail for a destination ends with.
pub(super) fn local_user<'p>(
    tables: &Tables,
    people: &'p [Person],
    end: &Destination,
) -> Option<&'p Person> {
    let name = match end {
        Destination::Keep(name) => name.as_str(),
        Destination::Address(address) => tables.local_name(address)?,
        _ => return None,
    };
    let spellings = [name.to_owned(), name.to_lowercase()];
    let mut names = spellings
        .iter()
        .cloned()
        .chain(spellings.iter().map(|name| without_detail(name)));
    names.find_map(|name| {
        let at = people.binary_search_by(|person| person.name.as_str().cmp(&name));
        at.ok().and_then(|at| people.get(at))
    })
}

/// Users that are followed from one forward to the next.
const MAX_FOLLOWED: usize = 1000;

/// Where a part keeps its links until all parts are there.
pub(super) const LINKS: &str = "links.json";

/// Where a part keeps what it was translated with.
pub(super) const WITH: &str = "with";

/// A forward that leads to users of the old host, or to nobody there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// Whose mail is forwarded.
    pub user: String,
    /// Where, as the rules have it.
    address: String,
    /// The users it ends with; nobody, where the address is gone.
    ends: Vec<String>,
    /// Where these have gone, and the other members of an alias.
    to: Vec<String>,
    /// It is an alias with members that are no users.
    is_alias: bool,
    /// One of them has no new account.
    stays: bool,
}

/// The forwards among the users. `redirects` has the addresses each user
/// forwards to.
pub(super) fn links(
    tables: &Tables,
    people: &[Person],
    redirects: &BTreeMap<String, Vec<String>>,
) -> Vec<Link> {
    let by_new_address: BTreeMap<String, &Person> = people
        .iter()
        .filter_map(|user| Some((user.address.as_deref()?.to_lowercase(), user)))
        .collect();
    let mut links = Vec::new();
    for (name, addresses) in redirects {
        for address in addresses {
            let is_own = tables.local_name(&address.to_lowercase()).is_some();
            let is_known = tables.entry(address).is_some();
            let resolved = tables.resolve(address).ends;
            let ends: Vec<&Person> = resolved
                .iter()
                .filter_map(|end| local_user(tables, people, end))
                .chain(by_new_address.get(&address.to_lowercase()).copied())
                .collect();
            // Nobody finds these any more when the old tables are gone.
            let mut others: Vec<String> = Vec::new();
            if is_known {
                let is_other = |end: &&Destination| local_user(tables, people, end).is_none();
                others.extend(resolved.iter().filter(is_other).map(written));
            }
            if is_own || is_known || !ends.is_empty() {
                let new =
                    |person: &&Person| person.address.clone().unwrap_or_else(|| person.new.clone());
                links.push(Link {
                    user: name.clone(),
                    address: address.clone(),
                    is_alias: !others.is_empty(),
                    to: ends.iter().map(new).chain(others).collect(),
                    stays: ends.iter().any(|user| !user.has_account),
                    ends: ends.iter().map(|user| user.name.clone()).collect(),
                });
            }
        }
    }
    links
}

/// Writes `forwards.csv`: forwards that lead to a user who moves as well, to an alias
/// of the old host that stands for others, to nobody, or in a circle.
pub(super) fn write_forwards(links: &[Link], output: &mut Output) -> Result<(), BatchError> {
    let mut leads: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for link in links {
        let ends = link.ends.iter().map(String::as_str);
        leads.entry(&link.user).or_default().extend(ends);
    }
    let mut table = output.table(names::FORWARDS, &FORWARDS)?;
    for link in links {
        let state = match link {
            link if link.to.is_empty() => "gone",
            link if leads_back(&leads, link) => "circle",
            link if link.is_alias => "alias",
            link if link.stays => "stays",
            _ => "moves",
        };
        table.row([
            cell(&link.user),
            cell(&link.address),
            state.to_owned(),
            cell(&link.to.join(", ")),
        ])?;
    }
    output.written += usize::from(table.finish()?);
    Ok(())
}

/// Whether mail that a user forwards comes back to the user.
fn leads_back(leads: &BTreeMap<&str, Vec<&str>>, link: &Link) -> bool {
    let mut open: Vec<&str> = link.ends.iter().map(String::as_str).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(user) = open.pop() {
        if user == link.user {
            return true;
        }
        if seen.len() < MAX_FOLLOWED && seen.insert(user) {
            open.extend(leads.get(user).into_iter().flatten());
        }
    }
    false
}
