//! In: what a batch came to. Out: `summary.json`, and back.

use super::lines::Problem;
use super::run::Outcome;
use crate::ledger::Code;
use crate::report::{self, json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Summary {
    version: u32,
    homes: usize,
    failed: usize,
    summary: report::Summary,
    /// In how many homes each code of what is manual occurs.
    manual: BTreeMap<Code, usize>,
    problems: Vec<Problem>,
}

pub(super) fn text(outcome: &Outcome) -> String {
    let summary = Summary {
        version: VERSION,
        homes: outcome.homes,
        failed: outcome.failed,
        summary: outcome.counts,
        manual: outcome.manual.clone(),
        problems: outcome.problems.clone(),
    };
    json::pretty(&summary) + "\n"
}

/// What another run came to, as its text says.
pub(super) fn parse(text: &[u8]) -> Option<Outcome> {
    let summary: Summary = serde_json::from_slice(text).ok()?;
    (summary.version == VERSION).then_some(Outcome {
        homes: summary.homes,
        failed: summary.failed,
        counts: summary.summary,
        manual: summary.manual,
        written: 0,
        problems: summary.problems,
    })
}
