//! In: the tables of the old host, its users, and where these forward mail.
//! Out: the lists for the move that are about several users.

use super::output::{Output, names};
use super::rows::cell;
use super::run::BatchError;
use super::tables::{Tables, written};
use super::users::User;
use crate::syntax::forward::Destination;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The head of `lists.csv`.
pub(super) const LISTS: [&str; 5] = ["name", "line", "owner", "members", "local"];

/// The head of `forwards.csv`.
const FORWARDS: [&str; 4] = ["user", "address", "state", "leads-to"];

/// Aliases that fan out or include, for whoever sets the lists up again.
pub(super) fn lists(tables: &Tables, users: &[User]) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for (name, entry) in &tables.aliases {
        if name.starts_with("owner-") {
            continue;
        }
        let resolved = tables.resolve(&entry.name);
        let includes = |end: &Destination| matches!(end, Destination::Include(_));
        if resolved.ends.len() < 2 && !resolved.ends.iter().any(includes) {
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
            .filter_map(|end| local_user(tables, users, end))
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
fn local_user<'u>(tables: &Tables, users: &'u [User], end: &Destination) -> Option<&'u User> {
    let name = match end {
        Destination::Keep(name) => name.as_str(),
        Destination::Address(address) => tables.local_name(address)?,
        _ => return None,
    };
    find(users, name)
}

fn find<'u>(users: &'u [User], name: &str) -> Option<&'u User> {
    let at = users.binary_search_by(|user| user.name.as_str().cmp(name));
    at.ok().and_then(|at| users.get(at)).or_else(|| {
        let name = name.to_lowercase();
        let at = users.binary_search_by(|user| user.name.as_str().cmp(&name));
        at.ok().and_then(|at| users.get(at))
    })
}

/// Users that are followed from one forward to the next.
const MAX_FOLLOWED: usize = 1000;

/// Where a part keeps its links until all parts are there.
pub(super) const LINKS: &str = "links.json";

/// A forward that leads to users of the old host, or to nobody there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// Whose mail is forwarded.
    pub user: String,
    /// Where, as the rules have it.
    address: String,
    /// The users it ends with; nobody, where the address is gone.
    ends: Vec<String>,
    /// Where these have gone.
    to: Vec<String>,
}

/// The forwards among the users. `redirects` has the addresses each user
/// forwards to.
pub(super) fn links(
    tables: &Tables,
    users: &[User],
    redirects: &BTreeMap<String, Vec<String>>,
) -> Vec<Link> {
    let by_new_address: BTreeMap<String, &User> = users
        .iter()
        .filter_map(|user| Some((user.address.as_deref()?.to_lowercase(), user)))
        .collect();
    let mut links = Vec::new();
    for (name, addresses) in redirects {
        for address in addresses {
            let is_own = tables.local_name(&address.to_lowercase()).is_some();
            let is_known = tables.entry(address).is_some();
            let ends: Vec<&User> = tables
                .resolve(address)
                .ends
                .iter()
                .filter_map(|end| local_user(tables, users, end))
                .chain(by_new_address.get(&address.to_lowercase()).copied())
                .collect();
            let is_gone = is_own && !is_known;
            if !ends.is_empty() || is_gone {
                let new = |user: &&User| user.address.clone().unwrap_or_else(|| user.new.clone());
                links.push(Link {
                    user: name.clone(),
                    address: address.clone(),
                    to: ends.iter().map(new).collect(),
                    ends: ends.iter().map(|user| user.name.clone()).collect(),
                });
            }
        }
    }
    links
}

/// Writes `forwards.csv`: forwards that lead to a user who moves as well, to
/// nobody, or in a circle.
pub(super) fn write_forwards(links: &[Link], output: &mut Output) -> Result<(), BatchError> {
    let mut leads: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for link in links {
        let ends = link.ends.iter().map(String::as_str);
        leads.entry(&link.user).or_default().extend(ends);
    }
    let mut table = output.table(names::FORWARDS, &FORWARDS)?;
    for link in links {
        let state = match link.ends.is_empty() {
            true => "gone",
            false if leads_back(&leads, link) => "circle",
            false => "moves",
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

/// The lines of `virtual` and `relocated` (postmap(1)): old address, new
/// address, of every user whose new address is known.
pub(super) fn moved(users: &[User], domain: Option<&str>) -> String {
    let mut text = String::new();
    for user in users {
        let is_plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let Some(new) = user.address.as_deref().filter(|new| is_plain(new)) else {
            continue;
        };
        if !is_plain(&user.name) || user.name.starts_with('#') {
            continue;
        }
        match domain {
            Some(domain) => text += &format!("{}@{domain}\t{new}\n", user.name),
            None => text += &format!("{}\t{new}\n", user.name),
        }
    }
    text
}
