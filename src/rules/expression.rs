//! In: the text of an expression in procmail's dialect. Out: what it means, as
//! a regular expression over bytes that knows nothing of how it was spelled;
//! and where it matches.
//!
//! Line anchors consume: `^` and `$` are the class of the newline alone. A
//! searched text is framed by a newline that is not there before its first and
//! behind its last byte, which is how `^` matches at its beginning. No match
//! begins at the one behind its end.

mod build;
pub mod matcher;

pub use build::{TooLarge, is_special, quoted, unguarded};
pub use matcher::{Found, Matcher, Reading};

use std::fmt;
use std::sync::Arc;

/// An expression, its macros expanded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expression {
    /// What it matches, anywhere in the text. Classes hold both cases of a
    /// letter where case is ignored.
    pub regex: Regex,
    /// Case is ignored (ASCII only): every recipe without the flag `D`.
    pub ignores_case: bool,
}

/// A regular expression over bytes. A copy shares its parts: expressions are
/// taken apart a byte at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Regex {
    /// One byte of a set; an empty set never matches.
    Class(ByteSet),
    /// One after the other; none is the empty word.
    Concat(Arc<[Regex]>),
    /// One of these.
    Alternate(Arc<[Regex]>),
    /// `*`.
    Star(Arc<Regex>),
    /// `+`.
    Plus(Arc<Regex>),
    /// `?`.
    Optional(Arc<Regex>),
    /// `^^`: the beginning of the text (the newline before it is consumed);
    /// where the expression ends with it, also the end of the text (nothing
    /// is consumed).
    Edge,
    /// `\/`: what matches behind it goes to `MATCH`; consumes nothing. At the
    /// end of an alternative that is not the last one, procmail goes on in the
    /// next alternative: `(a\/|b)c` matches `abc`, and no `ac`.
    Split,
}

impl Regex {
    /// The empty word.
    pub fn nothing() -> Self {
        Regex::Concat(Arc::default())
    }

    /// Whether it matches the empty word. `^^` is a condition, and does not.
    pub fn is_nullable(&self) -> bool {
        match self {
            Regex::Class(_) | Regex::Edge => false,
            Regex::Concat(inner) => inner.iter().all(Regex::is_nullable),
            Regex::Alternate(inner) => inner.iter().any(Regex::is_nullable),
            Regex::Star(_) | Regex::Optional(_) | Regex::Split => true,
            Regex::Plus(inner) => inner.is_nullable(),
        }
    }
}

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub const EMPTY: ByteSet = ByteSet([0; 4]);
    /// Every byte.
    pub const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// One byte.
    pub fn of(byte: u8) -> Self {
        let mut set = ByteSet::EMPTY;
        set.insert(byte);
        set
    }

    /// `.`: every byte but the newline.
    pub fn any() -> Self {
        ByteSet::of(b'\n').complement()
    }

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Takes a byte away.
    pub fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] &= !(1 << (byte & 63));
    }

    /// Whether a byte is in it.
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    /// All bytes that are not in it.
    pub fn complement(&self) -> Self {
        ByteSet(self.0.map(|word| !word))
    }

    /// All bytes in either.
    pub fn union(&self, other: &ByteSet) -> Self {
        ByteSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// All bytes in both.
    pub fn intersection(&self, other: &ByteSet) -> Self {
        ByteSet(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// Whether no byte is in it.
    pub fn is_empty(&self) -> bool {
        *self == ByteSet::EMPTY
    }

    /// How many bytes are in it.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The bytes in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        [0, 64, 128, 192]
            .into_iter()
            .zip(self.0)
            .flat_map(|(first, word)| {
                let above = |rest: &u64| Some(rest & (rest - 1)).filter(|rest| *rest != 0);
                std::iter::successors(Some(word).filter(|word| *word != 0), above)
                    .map(move |rest| first + rest.trailing_zeros() as u8)
            })
    }

    /// The bytes in it, as ranges, in order.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::RangeInclusive<u8>> + '_ {
        let mut bytes = self.iter().peekable();
        std::iter::from_fn(move || {
            let start = bytes.next()?;
            let mut end = start;
            while let Some(next) = bytes.next_if(|&next| Some(next) == end.checked_add(1)) {
                end = next;
            }
            Some(start..=end)
        })
    }

    /// With the other case of every ASCII letter in it.
    pub fn folded(&self) -> Self {
        const UPPER: u64 = ((1 << 26) - 1) << (b'A' & 63);
        const CASES_APART: u32 = (b'a' - b'A') as u32;
        let [low, letters, rest @ ..] = self.0;
        let upper = letters & UPPER;
        let lower = letters & (UPPER << CASES_APART);
        let letters = letters | upper << CASES_APART | lower >> CASES_APART;
        ByteSet([low, letters, rest[0], rest[1]])
    }
}

impl fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (set, sign) = match self.len() > 128 {
            true => (self.complement(), "^"),
            false => (*self, ""),
        };
        let bytes: Vec<u8> = set.iter().collect();
        write!(f, "[{sign}{}]", bytes.escape_ascii())
    }
}
