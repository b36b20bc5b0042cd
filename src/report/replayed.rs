//! In: what became of one message after the other in a replay. Out: the sums,
//! and as many of the messages that go elsewhere as a person reads. However
//! many messages there are, what is held in memory stays small.

use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Messages listed for one reason; the others are only counted.
const LISTED_OF_A_REASON: usize = 100;
/// Messages listed in all. Those that nothing explains come on top.
const LISTED: usize = 2000;

/// Where a message goes, as the user knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A folder; `INBOX` is one.
    Folder(String),
    /// Another address.
    Address(String),
    /// Its sender is told that it was refused.
    Refused,
    /// A program of the old host, and no folder.
    Program,
    /// Nowhere: nobody sees it.
    Deleted,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(name) => f.write_str(name),
            Place::Address(address) => write!(f, "to {address}"),
            Place::Refused => f.write_str("(refused)"),
            Place::Program => f.write_str("(given to a program)"),
            Place::Deleted => f.write_str("(deleted)"),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a message goes elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Nothing says why: a fault of sievify.
    Unexplained,
    /// The entry of the report with this index says so.
    Entry(usize),
    /// Every Sieve server reads a header in another way than procmail: folded
    /// lines, encoded words.
    Everywhere,
}

impl Why {
    /// What there is to say where no entry of the report says it.
    pub fn words(self) -> &'static str {
        match self {
            Why::Entry(_) => "",
            Why::Everywhere => {
                "a Sieve server unfolds and decodes header fields, and procmail did not"
            }
            Why::Unexplained => {
                "nothing in the report says why: a fault of sievify, please report it"
            }
        }
    }
}

/// A message that goes elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Who it says sent it.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// When it came in, as it is shown.
    pub date: String,
    /// Where the old rules put it.
    pub before: BTreeSet<Place>,
    /// Where the script puts it.
    pub after: BTreeSet<Place>,
    /// Why.
    pub why: Why,
}

impl Difference {
    /// The places before, in one line.
    pub fn before(&self) -> String {
        joined(&self.before)
    }

    /// The places after, in one line.
    pub fn after(&self) -> String {
        joined(&self.after)
    }
}

fn joined(places: &BTreeSet<Place>) -> String {
    let places: Vec<String> = places.iter().map(Place::to_string).collect();
    places.join(", ")
}

/// What a replay has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Sums {
    /// Messages that were looked at.
    pub messages: usize,
    /// Of these, those that go where they went.
    pub same: usize,
    /// Those that go elsewhere, and nothing says why.
    pub unexplained: usize,
    /// Each place, with the messages it got and those it gets.
    #[serde(serialize_with = "places")]
    pub places: BTreeMap<Place, (usize, usize)>,
}

impl Sums {
    /// Messages that go elsewhere.
    pub fn changed(&self) -> usize {
        self.messages.saturating_sub(self.same)
    }
}

fn places<S: Serializer>(
    places: &BTreeMap<Place, (usize, usize)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        name: &'a Place,
        before: usize,
        after: usize,
    }
    serializer.collect_seq(places.iter().map(|(name, &(before, after))| Row {
        name,
        before,
        after,
    }))
}

/// A whole replay, as reports show it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Replayed {
    /// The sums.
    #[serde(flatten)]
    pub sums: Sums,
    /// Mailboxes and messages that could not be read.
    pub unread: usize,
    /// The messages that go elsewhere.
    #[serde(skip)]
    pub listing: Listing,
}

/// The messages that go elsewhere, by the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    reasons: BTreeMap<Why, Reason>,
    listed: usize,
}

/// The messages of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reason {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub listed: Vec<Difference>,
}

impl Reason {
    /// Those that are only counted.
    pub fn more(&self) -> usize {
        self.count.saturating_sub(self.listed.len())
    }
}

impl Listing {
    /// Takes the next one.
    pub fn push(&mut self, difference: Difference) {
        let reason = self.reasons.entry(difference.why).or_default();
        reason.count += 1;
        let has_room = self.listed < LISTED || difference.why == Why::Unexplained;
        if has_room && reason.listed.len() < LISTED_OF_A_REASON {
            reason.listed.push(difference);
            self.listed += 1;
        }
    }

    /// The reasons: what nothing explains first, then the most frequent.
    pub fn reasons(&self) -> Vec<(Why, &Reason)> {
        let mut reasons: Vec<_> = self.reasons.iter().map(|(why, of)| (*why, of)).collect();
        reasons.sort_by_key(|(why, reason)| {
            (*why != Why::Unexplained, std::cmp::Reverse(reason.count))
        });
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(why: Why) -> Difference {
        Difference {
            from: String::new(),
            subject: String::new(),
            date: String::new(),
            before: BTreeSet::new(),
            after: BTreeSet::new(),
            why,
        }
    }

    #[test]
    fn a_listing_stays_small() {
        let mut listing = Listing::default();
        for entry in 0..50 {
            for _ in 0..1000 + entry {
                listing.push(difference(Why::Entry(entry)));
            }
        }
        listing.push(difference(Why::Unexplained));
        let reasons = listing.reasons();
        let listed: usize = reasons.iter().map(|(_, of)| of.listed.len()).sum();
        assert_eq!(listed, LISTED + 1);
        let first: Vec<_> = reasons.iter().map(|(why, _)| *why).take(2).collect();
        assert_eq!(first, [Why::Unexplained, Why::Entry(49)]);
        assert_eq!((reasons[1].1.count, reasons[1].1.more()), (1049, 1049));
        assert_eq!(reasons[50].1.more(), 900);
    }
}
