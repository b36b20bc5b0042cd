//! In: what the judges made of pairs of a home and a message. Out: sums, and
//! what there is to look at.

use crate::oracle::messages::Message;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A pair whose outcomes differ.
#[derive(Debug, Clone, Serialize)]
pub struct Divergence {
    /// The home.
    pub home: String,
    /// Which message, where it came from.
    pub origin: String,
    /// Its envelope sender.
    pub sender: String,
    /// Its text.
    pub message: String,
    /// What procmail did.
    pub procmail: Vec<String>,
    /// The programs that procmail ran.
    pub programs: Vec<String>,
    /// What each engine that differs did.
    pub sieve: BTreeMap<String, Vec<String>>,
    /// The codes that announce it; where none, it is silent.
    pub codes: BTreeSet<String>,
    /// Only that every Sieve server reads headers in another way; see
    /// `docs/differences.md`.
    pub everywhere: bool,
    /// Kept by procmail, and gone or only forwarded in Sieve.
    pub lost: bool,
    /// procmail ran no program but spam filters and sendmail.
    pub plain: bool,
}

impl Divergence {
    /// The message, as it was.
    pub fn message(&self) -> Message {
        Message {
            origin: self.origin.clone(),
            sender: self.sender.clone(),
            content: self.message.chars().map(|c| c as u32 as u8).collect(),
        }
    }
}

/// The sums of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Homes that were asked.
    pub homes: usize,
    /// Homes whose script did not compile or could not be had, with why.
    pub broken: BTreeMap<String, String>,
    /// Pairs of a home and a message.
    pub pairs: usize,
    /// Pairs that all judges agree on.
    pub same: usize,
    /// Pairs that procmail did not finish in time.
    pub unfinished: usize,
    /// Pairs where procmail ran no program but spam filters and sendmail.
    pub plain: usize,
    /// Those of them that are the same.
    pub plain_same: usize,
    /// Of the pairs without programs, those with a message that could be mail.
    pub real: usize,
    /// Those of them that are the same.
    pub real_same: usize,
    /// Those of them that went into a mailbox by accident, and stay in the inbox now.
    pub accidents: usize,
    /// The pairs that differ.
    #[serde(skip)]
    pub divergences: Vec<Divergence>,
}

impl Report {
    /// Adds a pair that procmail finished.
    pub fn add_pair(&mut self, plain: bool, real: bool, divergence: Option<Divergence>) {
        self.pairs += 1;
        self.plain += usize::from(plain);
        self.real += usize::from(plain && real);
        match divergence {
            None => {
                self.same += 1;
                self.plain_same += usize::from(plain);
                self.real_same += usize::from(plain && real);
            }
            Some(divergence) => {
                let is_accident = divergence.codes.contains("accidental-mailbox");
                self.accidents += usize::from(plain && real && is_accident);
                self.divergences.push(divergence);
            }
        }
    }

    /// Adds the sums of another run.
    pub fn add(&mut self, other: Report) {
        self.homes += other.homes;
        self.pairs += other.pairs;
        self.same += other.same;
        self.unfinished += other.unfinished;
        self.plain += other.plain;
        self.plain_same += other.plain_same;
        self.real += other.real;
        self.real_same += other.real_same;
        self.accidents += other.accidents;
        self.broken.extend(other.broken);
        self.divergences.extend(other.divergences);
    }

    /// The shares that are the same: of the pairs without programs, and of
    /// those whose message could be mail.
    pub fn shares(&self) -> (f64, f64) {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        (
            share(self.plain_same, self.plain),
            share(self.real_same, self.real),
        )
    }

    /// Divergences that no entry announces.
    pub fn silent(&self) -> impl Iterator<Item = &Divergence> {
        self.divergences
            .iter()
            .filter(|found| found.codes.is_empty() && !found.everywhere)
    }

    /// Divergences that every Sieve server has.
    pub fn everywhere(&self) -> impl Iterator<Item = &Divergence> {
        self.divergences.iter().filter(|found| found.everywhere)
    }

    /// Messages that procmail kept and Sieve does not.
    pub fn lost(&self) -> impl Iterator<Item = &Divergence> {
        self.divergences.iter().filter(|found| found.lost)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        let silent = self.silent().count();
        writeln!(f, "homes            {}", self.homes)?;
        writeln!(f, "pairs            {}", self.pairs)?;
        writeln!(
            f,
            "  same           {} ({:.2} %)",
            self.same,
            share(self.same, self.pairs)
        )?;
        let everywhere = self.everywhere().count();
        let announced = self.divergences.len() - silent - everywhere;
        writeln!(f, "  announced      {announced}")?;
        writeln!(f, "  everywhere     {everywhere}")?;
        writeln!(f, "  silent         {silent}")?;
        writeln!(f, "  lost           {}", self.lost().count())?;
        writeln!(f, "  unfinished     {}", self.unfinished)?;
        writeln!(
            f,
            "without programs {}, same {} ({:.2} %)",
            self.plain,
            self.plain_same,
            share(self.plain_same, self.plain)
        )?;
        writeln!(
            f,
            "  no address as the name of a field {}, same {} ({:.2} %)",
            self.real,
            self.real_same,
            share(self.real_same, self.real)
        )?;
        let meant = self.real - self.accidents;
        writeln!(
            f,
            "  … and no mailbox by accident {meant}, same {} ({:.2} %)",
            self.real_same,
            share(self.real_same, meant)
        )?;
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for code in self.divergences.iter().flat_map(|found| &found.codes) {
            *codes.entry(code).or_default() += 1;
        }
        writeln!(f, "announced by code")?;
        for (code, count) in codes {
            writeln!(f, "  {count:6} {code}")?;
        }
        for (home, why) in &self.broken {
            writeln!(f, "broken: {home}: {}", why.trim())?;
        }
        Ok(())
    }
}
