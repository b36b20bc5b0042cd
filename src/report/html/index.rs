//! In: what became of each user of a batch. Out: the page for its
//! administrator.

use super::Policy;
use crate::ledger::Code;
use crate::report::Summary;
use askama::Template;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::of(include_str!("../../../templates/index.js")));

/// The width of a chart, in its own units.
const WIDTH: usize = 1000;

/// What became of one user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexRow {
    /// The login name, which is also the name of the user's directory.
    pub user: String,
    /// The name of the new account.
    pub new: String,
    /// Entries by verdict.
    pub counts: Summary,
    /// The codes of what is manual.
    pub manual: Vec<Code>,
    /// Why there is no report, where there is none.
    pub problem: Option<String>,
}

/// What a user's rules come to, from bad to good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Unread,
    Manual,
    Adapted,
    Exact,
}

impl State {
    const ALL: [State; 4] = [State::Unread, State::Manual, State::Adapted, State::Exact];

    fn name(self) -> &'static str {
        match self {
            State::Unread => "unread",
            State::Manual => "manual",
            State::Adapted => "adapted",
            State::Exact => "exact",
        }
    }

    fn words(self) -> &'static str {
        match self {
            State::Unread => "without a report",
            State::Manual => "need help",
            State::Adapted => "differ a little",
            State::Exact => "as before",
        }
    }
}

impl IndexRow {
    fn state(&self) -> State {
        match self.counts {
            _ if self.problem.is_some() => State::Unread,
            Summary { manual: 1.., .. } => State::Manual,
            Summary { adapted: 1.., .. } => State::Adapted,
            _ => State::Exact,
        }
    }
}

/// Writes the page. Users that need help come first.
///
/// # Errors
/// What the writer says.
pub fn index(mut rows: Vec<IndexRow>, out: &mut impl io::Write) -> io::Result<()> {
    rows.sort_by(|one, other| {
        let key = |row: &IndexRow| {
            let Summary {
                manual, adapted, ..
            } = row.counts;
            (row.state(), Reverse(manual), Reverse(adapted))
        };
        (key(one), &one.user).cmp(&(key(other), &other.user))
    });
    let mut totals = Summary::default();
    let mut users: HashMap<Code, usize> = HashMap::new();
    for row in &rows {
        totals += row.counts;
        for &code in &row.manual {
            *users.entry(code).or_default() += 1;
        }
    }
    let mut codes: Vec<_> = users.into_iter().collect();
    codes.sort_by_key(|&(code, users)| (Reverse(users), code));
    let most = codes.first().map_or(1, |&(_, users)| users);
    let states = State::ALL.map(|state| {
        let users = rows.iter().filter(|row| row.state() == state).count();
        (state.name(), state.words(), users)
    });
    let statements = [
        ("manual", "need a person", totals.manual),
        ("adapted", "work with a difference", totals.adapted),
        ("exact", "work as before", totals.exact),
        ("dropped", "are not needed any more", totals.dropped),
    ];
    Page {
        policy: &POLICY,
        charts: [
            Chart::new("users", &states),
            Chart::new("rules and settings", &statements),
        ],
        codes: codes
            .into_iter()
            .map(|(code, users)| CodeRow {
                code,
                users,
                width: users * WIDTH / most,
            })
            .collect(),
        rows,
    }
    .write_into(out)
}

#[derive(Template)]
#[template(path = "index.html")]
struct Page {
    policy: &'static Policy,
    charts: [Chart; 2],
    codes: Vec<CodeRow>,
    rows: Vec<IndexRow>,
}

/// A bar with its parts.
struct Chart {
    noun: &'static str,
    total: usize,
    bars: Vec<Bar>,
}

struct Bar {
    class: &'static str,
    words: &'static str,
    count: usize,
    /// Where it begins, and how wide it is.
    x: usize,
    width: usize,
}

/// A code, and how many users wait for it.
struct CodeRow {
    code: Code,
    users: usize,
    width: usize,
}

impl Chart {
    fn new(noun: &'static str, parts: &[(&'static str, &'static str, usize)]) -> Self {
        let total: usize = parts.iter().map(|(_, _, count)| count).sum();
        let mut before = 0;
        let bars = parts.iter().map(|&(class, words, count)| {
            let at = |count: usize| count * WIDTH / total.max(1);
            let bar = Bar {
                class,
                words,
                count,
                x: at(before),
                width: at(before + count) - at(before),
            };
            before += count;
            bar
        });
        Chart {
            noun,
            bars: bars.collect(),
            total,
        }
    }
}
