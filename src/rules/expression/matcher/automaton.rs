//! In: a program, and texts. Out: where the match that ends first ends.

use super::super::ByteSet;
use super::program::{Instruction, Program};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, Transition};
use regex_automata::util::look::Look;
use regex_automata::util::pool::Pool;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// What an automaton may take for the states it has come across.
const CACHE: usize = 1 << 20;

type NewCache = Box<dyn Fn() -> Cache + Send + Sync>;

/// A lazy deterministic automaton.
pub(super) struct Automaton {
    dfa: DFA,
    caches: Pool<Cache, NewCache>,
    /// The bytes that a match can begin with, where they are few.
    first: Option<First>,
}

/// Bytes that are quickly found.
#[derive(Clone, Copy)]
enum First {
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
}

impl First {
    fn of(set: &ByteSet) -> Option<Self> {
        let mut bytes = set.iter();
        match (bytes.next(), bytes.next(), bytes.next(), bytes.next()) {
            (Some(one), None, ..) => Some(First::One(one)),
            (Some(one), Some(two), None, _) => Some(First::Two(one, two)),
            (Some(one), Some(two), Some(three), None) => Some(First::Three(one, two, three)),
            _ => None,
        }
    }

    fn find(self, text: &[u8]) -> Option<usize> {
        match self {
            First::One(byte) => memchr::memchr(byte, text),
            First::Two(one, two) => memchr::memchr2(one, two, text),
            First::Three(one, two, three) => memchr::memchr3(one, two, three, text),
        }
    }
}

/// The automaton gave up.
#[derive(Debug)]
pub(super) struct GaveUp;

impl std::fmt::Debug for Automaton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Automaton").finish_non_exhaustive()
    }
}

impl Automaton {
    pub fn new(program: &Program) -> Option<Self> {
        let dfa = DFA::builder()
            .configure(
                DFA::config()
                    .match_kind(MatchKind::All)
                    .cache_capacity(CACHE)
                    .specialize_start_states(true)
                    .skip_cache_capacity_check(true),
            )
            .build_from_nfa(nfa(program).ok()?)
            .ok()?;
        let for_caches = dfa.clone();
        let caches: NewCache = Box::new(move || {
            let mut cache = for_caches.create_cache();
            // It is only known again where no match has begun if it was made
            // as a start.
            let _ = for_caches.start_state(&mut cache, &behind(Some(b'x')));
            cache
        });
        Some(Automaton {
            dfa,
            caches: Pool::new(caches),
            first: program.first().as_ref().and_then(First::of),
        })
    }

    /// Where the first match ends whose search begins at `start`.
    pub fn end(&self, text: &[u8], start: usize) -> Result<Option<usize>, GaveUp> {
        let (before, rest) = text.split_at_checked(start).ok_or(GaveUp)?;
        let mut cache = self.caches.get();
        let config = behind((start > 0).then_some(b'x'));
        let dfa = &self.dfa;
        let mut state = dfa.start_state(&mut cache, &config).map_err(|_| GaveUp)?;
        // An automaton knows of a match one byte late, as procmail does.
        let mut at = start;
        let begins_line = before.last().is_none_or(|&byte| byte == b'\n');
        if begins_line || rest.is_empty() {
            state = dfa
                .next_state(&mut cache, state, b'\n')
                .map_err(|_| GaveUp)?;
            if state.is_match() {
                return Ok(Some(start));
            }
            at += usize::from(!begins_line);
        }
        let mut unread = rest;
        while let Some((&byte, behind)) = unread.split_first() {
            unread = behind;
            state = dfa
                .next_state(&mut cache, state, byte)
                .map_err(|_| GaveUp)?;
            if state.is_tagged() {
                if state.is_match() {
                    return Ok(Some(at));
                }
                if state.is_dead() {
                    return Ok(None);
                }
                if state.is_quit() {
                    return Err(GaveUp);
                }
                if let Some(first) = self.first.filter(|_| state.is_start()) {
                    let skipped = first.find(unread).unwrap_or(unread.len());
                    unread = unread.get(skipped..).unwrap_or_default();
                    at += skipped;
                }
            }
            at += 1;
        }
        state = dfa
            .next_state(&mut cache, state, b'\n')
            .map_err(|_| GaveUp)?;
        if state.is_match() {
            return Ok(Some(at));
        }
        state = dfa.next_eoi_state(&mut cache, state).map_err(|_| GaveUp)?;
        Ok(state.is_match().then_some(at + 1))
    }
}

/// A search that begins behind a byte, or at the start of the text.
fn behind(byte: Option<u8>) -> start::Config {
    start::Config::new()
        .anchored(Anchored::No)
        .look_behind(byte)
}

fn nfa(program: &Program) -> Result<thompson::NFA, Box<thompson::BuildError>> {
    let newline = |next| Transition {
        start: b'\n',
        end: b'\n',
        next,
    };
    let mut builder = thompson::Builder::new();
    builder.set_size_limit(Some(1 << 25))?;
    builder.start_pattern()?;
    let mut places = Vec::with_capacity(program.instructions.len());
    for _ in &program.instructions {
        places.push(builder.add_empty()?);
    }
    let fail = builder.add_fail()?;
    let place = |at: usize| places.get(at).copied().unwrap_or(fail);
    let accept = builder.add_match()?;
    for (at, instruction) in program.instructions.iter().enumerate() {
        let state = match instruction {
            Instruction::Class(set, next) => {
                let transitions = set.ranges().map(|range| Transition {
                    start: *range.start(),
                    end: *range.end(),
                    next: place(*next),
                });
                builder.add_sparse(transitions.collect())?
            }
            Instruction::Begin(next) => {
                let frame = builder.add_range(newline(place(*next)))?;
                builder.add_look(frame, Look::Start)?
            }
            Instruction::End(next) => {
                let end = builder.add_look(accept, Look::End)?;
                let end = builder.add_range(newline(end))?;
                let frame = builder.add_range(newline(place(*next)))?;
                let begin = builder.add_look(frame, Look::Start)?;
                builder.add_union(vec![begin, end])?
            }
            Instruction::Fork(other) => builder.add_union(vec![place(at + 1), place(*other)])?,
            Instruction::Jump(to) => place(*to),
            Instruction::Split => place(at + 1),
            Instruction::Accept => accept,
        };
        builder.patch(place(at), state)?;
    }
    let first = place(0);
    let anywhere = unanchored(&mut builder, first)?;
    builder.finish_pattern(first)?;
    Ok(builder.build(first, anywhere)?)
}

/// A match may begin behind any bytes.
fn unanchored(
    builder: &mut thompson::Builder,
    first: StateID,
) -> Result<StateID, Box<thompson::BuildError>> {
    let anywhere = builder.add_union(vec![first])?;
    let skip = builder.add_range(Transition {
        start: 0,
        end: u8::MAX,
        next: anywhere,
    })?;
    builder.patch(anywhere, skip)?;
    Ok(anywhere)
}
