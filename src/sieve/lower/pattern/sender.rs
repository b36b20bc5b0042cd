//! In: terms over what stands behind the `From ` that begins a mailbox's first
//! line. Out: terms over the sender of the envelope, and how far they hold.
//!
//! procmail sees a sender, two blanks, and the date that the message came in.
//! A term is cut wherever the sender can end; what is left of it is held
//! against dates.

use super::key::is_blank;
use super::term::{Budget, Line, Lines, Term, TooComplex, behind, done, push_new, sees_blank};
use super::{Fit, Remarks};
use crate::ledger::Code;
use crate::rules::expression::{ByteSet, Regex};

/// What can stand behind a sender: each day, each month, and any digit where
/// one can be.
const DATES: [&[u8]; 14] = [
    b"  Thu Jan  1 00:00:00 2026",
    b"  Fri Feb 12 11:11:11 2027",
    b"  Sat Mar 23 12:22:22 2028",
    b"  Sun Apr  4 13:33:33 2029",
    b"  Mon May  5 14:44:44 2030",
    b"  Tue Jun 16 05:55:55 2031",
    b"  Wed Jul 17 16:56:56 2032",
    b"  Thu Aug 18 17:07:17 2033",
    b"  Fri Sep 29 18:18:18 2034",
    b"  Sat Oct 30 19:19:19 2035",
    b"  Sun Nov  6 20:20:20 2036",
    b"  Mon Dec  7 21:31:41 2037",
    b"  Tue Dec  8 22:42:52 2048",
    b"  Wed Jan  9 23:53:03 2059",
];

/// Whether what is left of a term holds for the date behind the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Always,
    Sometimes,
    Never,
}

/// Terms over the sender.
pub(super) fn lines(
    terms: &[Term],
    remarks: &mut Remarks,
    budget: &mut Budget,
) -> Result<Vec<Line>, TooComplex> {
    let mut cut = Lines::default();
    for term in terms {
        cut.add(term, budget)?;
    }
    let mut over = cut.spans;
    let mut rough = false;
    let mut found = Vec::new();
    for line in cut.lines {
        for factors in spread(&line.factors, budget)? {
            let line = Line {
                factors,
                closed: line.closed,
            };
            for at in 0..=line.factors.len() {
                let (front, back) = line.factors.split_at(at);
                let inside = back
                    .first()
                    .filter(|first| sees_blank(first) && !is_blank(first));
                // A sender can end within what is repeated, or, where that has to
                // stand once, before it.
                let ends = match inside {
                    Some(Regex::Star(inner) | Regex::Plus(inner)) => {
                        rough |= !matches!(**inner, Regex::Class(_));
                        let is_once = matches!(inside, Some(Regex::Plus(_)));
                        at + usize::from(!is_once)..=at + 1
                    }
                    _ => at..=at,
                };
                let holds = held_by_dates(back, line.closed, budget)?;
                over |= holds == Holds::Sometimes;
                if holds != Holds::Always {
                    continue;
                }
                let closed = line.closed || !back.is_empty();
                for end in ends {
                    let sender = line.factors.get(..end).unwrap_or(front);
                    let factors = sender.iter().map(unblanked).collect::<Option<Vec<_>>>();
                    if let Some(factors) = factors {
                        push_new(&mut found, Line { factors, closed });
                    }
                }
            }
        }
    }
    if over {
        remarks.say(
            Fit::MISSES,
            Code::SpansFields,
            "procmail read on behind the sender, into the date and the next field; the script does not look there",
        );
    }
    if rough {
        remarks.say(
            Fit::LOOSE,
            Code::SpansFields,
            "procmail held this against the sender and the date behind it; the script knows the sender alone",
        );
    }
    Ok(super::key::reduced(found))
}

/// Takes choices apart that a blank is in.
fn spread(factors: &[Regex], budget: &mut Budget) -> Result<Vec<Term>, TooComplex> {
    let mut ways = vec![Vec::new()];
    for factor in factors {
        let ends = match factor {
            Regex::Concat(inner) => spread(inner, budget)?,
            Regex::Optional(inner) if sees_blank(inner) => {
                let mut ends = vec![Vec::new()];
                ends.extend(spread(std::slice::from_ref(&**inner), budget)?);
                ends
            }
            Regex::Alternate(inner) if sees_blank(factor) => {
                let mut ends = Vec::new();
                for each in inner.iter() {
                    ends.extend(spread(std::slice::from_ref(each), budget)?);
                }
                ends
            }
            factor => vec![vec![factor.clone()]],
        };
        budget.spend(ways.len() * ends.len() * (1 + factors.len()))?;
        let joined = ways
            .iter()
            .flat_map(|way| ends.iter().map(|end| [way.as_slice(), end].concat()));
        ways = joined.collect();
    }
    Ok(ways)
}

/// Whether a term holds for what stands behind every sender.
fn held_by_dates(term: &[Regex], closed: bool, budget: &mut Budget) -> Result<Holds, TooComplex> {
    if term.is_empty() && !closed {
        return Ok(Holds::Always);
    }
    let mut held = 0;
    for date in DATES {
        let mut terms = vec![term.to_vec()];
        let mut holds = !closed && done(&terms);
        for &byte in date {
            if holds || terms.is_empty() {
                break;
            }
            terms = behind(&terms, byte, budget)?;
            holds = !closed && done(&terms);
        }
        held += usize::from(holds || closed && done(&terms));
    }
    Ok(match held {
        0 => Holds::Never,
        _ if held == DATES.len() => Holds::Always,
        _ => Holds::Sometimes,
    })
}

/// A part of a term over a sender, in which there is no blank; `None` where it
/// needs one.
pub(super) fn unblanked(factor: &Regex) -> Option<Regex> {
    match factor {
        Regex::Class(set) if *set == ByteSet::any() => Some(factor.clone()),
        factor if is_blank(factor) => factor.is_nullable().then(Regex::nothing),
        factor => Some(factor.clone()),
    }
}
