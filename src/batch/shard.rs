//! In: `i/n`. Out: which users the i-th of n machines takes, so that together
//! they take each one once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of several parts of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Which one, from 1.
    number: u32,
    /// How many there are.
    of: u32,
}

impl Shard {
    /// How many parts there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether a user belongs to this part.
    pub fn holds(self, user: &str) -> bool {
        spread(user) % u64::from(self.of) == u64::from(self.number - 1)
    }

    /// All parts of which this is one.
    pub fn all(self) -> impl Iterator<Item = Shard> {
        let of = self.of;
        (1..=of).map(move |number| Shard { number, of })
    }

    /// The directory for the lists of this part.
    pub(super) fn directory(self) -> String {
        format!("{}-of-{}", self.number, self.of)
    }

    /// The part that has such a directory.
    pub(super) fn of_directory(name: &str) -> Option<Shard> {
        let (number, of) = name.split_once("-of-")?;
        format!("{number}/{of}").parse().ok()
    }
}

/// The directory below the output that holds the lists of the parts.
pub(super) const PARTS: &str = ".parts";

/// The directories of parts below an output.
pub(super) fn parts(out: &Path) -> impl Iterator<Item = (Shard, PathBuf)> {
    let entries = std::fs::read_dir(out.join(PARTS)).into_iter().flatten();
    entries.flatten().filter_map(|entry| {
        let shard = entry.file_name().to_str().and_then(Shard::of_directory)?;
        Some((shard, entry.path()))
    })
}

/// FNV-1a: the same on every machine, and in every version.
fn spread(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl FromStr for Shard {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/');
        let parts = parts.and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if 1 <= number && number <= of => Ok(Shard { number, of }),
            _ => Err("a part is written i/n, as in 1/8 for the first of eight"),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_user_is_in_one_part() {
        let all: Vec<Shard> = "2/7".parse::<Shard>().unwrap().all().collect();
        assert_eq!(all.len(), 7);
        let mut sizes = [0; 7];
        for user in 0..7000 {
            let user = format!("user{user}");
            let held: Vec<_> = (0..7).filter(|&at| all[at].holds(&user)).collect();
            assert_eq!(held.len(), 1);
            sizes[held[0]] += 1;
        }
        assert!(
            sizes.iter().all(|size| (800..1200).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn only_parts_are_read() {
        for text in ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/2", "1/3/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        let shard: Shard = "3/8".parse().unwrap();
        assert_eq!(Shard::of_directory(&shard.directory()), Some(shard));
    }
}
