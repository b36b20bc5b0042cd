//! In: what a replay came to, and the report. Out: the same, laid out for a
//! page: the places, and the messages that go elsewhere below their reasons.

use super::page::Item;
use crate::report::Report;
use crate::report::replayed::{Place, Reason, Replayed, Sums, Why};

/// Places in the table.
const MAX_PLACES: usize = 300;

/// A replay on a page.
pub(super) struct Tried<'a> {
    pub sums: &'a Sums,
    pub unread: usize,
    pub places: Vec<Row<'a>>,
    /// Places that are not in the table.
    pub more: usize,
    pub groups: Vec<Group<'a>>,
}

/// A place, with its messages before and after.
pub(super) struct Row<'a> {
    pub place: &'a Place,
    pub before: usize,
    pub after: usize,
}

/// The messages of one reason.
pub(super) struct Group<'a> {
    pub why: Why,
    pub item: Option<Item<'a>>,
    pub reason: &'a Reason,
}

impl<'a> Tried<'a> {
    pub fn new(replayed: &'a Replayed, report: &'a Report) -> Self {
        let sums = &replayed.sums;
        let rows = sums.places.iter().map(|(place, &(before, after))| Row {
            place,
            before,
            after,
        });
        let mut places: Vec<Row> = rows.collect();
        let more = places.len().saturating_sub(MAX_PLACES);
        if more > 0 {
            // Those that change are never left out for others.
            places.sort_by_key(|row| row.before == row.after);
            places.truncate(MAX_PLACES);
        }
        let group = |(why, reason)| Group {
            why,
            reason,
            item: match why {
                Why::Entry(at) => report.entries.get(at).map(|entry| Item { at, entry }),
                Why::Everywhere | Why::Unexplained => None,
            },
        };
        Tried {
            sums,
            unread: replayed.unread,
            places,
            more,
            groups: replayed.listing.reasons().into_iter().map(group).collect(),
        }
    }
}

impl Row<'_> {
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

impl Group<'_> {
    pub fn class(&self) -> &'static str {
        match (&self.item, self.why) {
            (Some(item), _) => item.entry.verdict.as_str(),
            (None, Why::Unexplained) => "manual",
            (None, _) => "adapted",
        }
    }

    /// Why these messages go elsewhere, in a sentence.
    pub fn message(&self) -> &str {
        match &self.item {
            Some(item) => &item.entry.message,
            None => self.why.words(),
        }
    }
}

/// A text of a message, or what stands for one that is empty.
pub(super) fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
