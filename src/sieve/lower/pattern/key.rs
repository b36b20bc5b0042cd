//! In: terms within one line, over a value without blanks at its ends. Out: the
//! simplest keys that match the same values: `:is`, `:contains`, `:matches`,
//! else `:regex`.

use super::glob::{Piece, escaped, globs, normal, outline, text};
use super::letters;
use super::regex::{self, Dialect};
use super::term::{Budget, Line, TooComplex, anything, is_any, is_anything, push_new};
use crate::rules::expression::{ByteSet, Regex};
use crate::sieve::script::{Compare, Match, Test, Value};
use std::sync::Arc;

/// Lines and keys that one test can have.
const MOST_LINES: usize = 400;

/// How keys are compared, and what with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Case is ignored.
    pub(super) ignores_case: bool,
    /// The target's regular expressions, where it has any.
    pub(super) regex: Option<Dialect>,
    /// Blanks at the beginning of the value are gone.
    pub(super) is_trimmed: bool,
}

/// What becomes of a key that cannot be had as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lost {
    /// Some keys are for undecoded MIME words.
    pub(super) encoded_words: bool,
    /// Classes of bytes are read as classes of letters.
    pub(super) letters: bool,
    /// Bytes that are no UTF-8 are read as Latin-1.
    pub(super) foreign: bool,
    /// Keys that cannot be written in UTF-8 are left out.
    pub(super) unwritable: bool,
    /// Keys are wider, since the target has no regular expressions.
    pub(super) widened: bool,
}

/// Keys by match type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Keys {
    /// Every value matches.
    pub(super) always: bool,
    pub(super) is: Vec<String>,
    pub(super) contains: Vec<String>,
    pub(super) matches: Vec<String>,
    pub(super) regex: Vec<String>,
}

impl Keys {
    pub(super) fn is_empty(&self) -> bool {
        *self == Keys::default()
    }

    /// One test for each match type that is needed; `test` makes it.
    pub(super) fn tests(
        &self,
        ignores_case: bool,
        test: impl Fn(Compare, Vec<Value>) -> Test,
    ) -> Vec<Test> {
        let kinds = [
            (Match::Is, &self.is),
            (Match::Contains, &self.contains),
            (Match::Matches, &self.matches),
            (Match::Regex, &self.regex),
        ];
        let kinds = kinds.into_iter().filter(|(_, keys)| !keys.is_empty());
        kinds
            .map(|(by, keys)| {
                // Digits and signs have no case.
                let letters = keys
                    .iter()
                    .any(|key| key.bytes().any(|b| b.is_ascii_alphabetic()));
                let octet = !ignores_case && letters;
                let keys = keys.iter().map(|key| key.as_str().into()).collect();
                test(Compare { by, octet }, keys)
            })
            .collect()
    }
}

/// A term on its way to becoming a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    pieces: Vec<Piece>,
    /// The factors, where the pieces do not say all.
    line: Option<Line>,
}

/// A term as it is written: without what may be left out.
pub(super) fn tidy(line: &Line) -> Option<Line> {
    let mut factors: Vec<Regex> = Vec::new();
    flatten(&line.factors, &mut factors)?;
    let mut tidied: Vec<Regex> = Vec::with_capacity(factors.len());
    for factor in factors {
        // Next to `.*`, whatever may be left out is.
        if tidied.last().is_some_and(is_anything) && factor.is_nullable() {
            continue;
        }
        if is_anything(&factor) {
            while tidied.last().is_some_and(Regex::is_nullable) {
                tidied.pop();
            }
        }
        tidied.push(factor);
    }
    if !line.closed {
        open_end(&mut tidied);
    }
    Some(Line {
        factors: tidied,
        closed: line.closed,
    })
}

/// Leaves out what need not follow: anything may.
pub(super) fn open_end(factors: &mut Vec<Regex>) {
    while let Some(last) = factors.pop() {
        match last {
            Regex::Plus(inner) => factors.push(Arc::unwrap_or_clone(inner)),
            last if last.is_nullable() => {}
            Regex::Concat(inner) => factors.extend_from_slice(&inner),
            last => {
                factors.push(last);
                return;
            }
        }
    }
}

/// `None` where a factor can match nothing.
fn flatten(factors: &[Regex], out: &mut Vec<Regex>) -> Option<()> {
    for factor in factors {
        match factor {
            Regex::Class(set) if set.is_empty() => return None,
            Regex::Concat(inner) => flatten(inner, out)?,
            Regex::Alternate(inner) => match inner.as_ref() {
                [one] => flatten(std::slice::from_ref(one), out)?,
                _ => out.push(factor.clone()),
            },
            Regex::Plus(inner) if is_any(inner) => {
                out.push((**inner).clone());
                out.push(anything());
            }
            Regex::Split => {}
            _ => out.push(factor.clone()),
        }
    }
    Some(())
}

/// Blank and tab.
fn blank() -> ByteSet {
    ByteSet::of(b' ').union(&ByteSet::of(b'\t'))
}

pub(super) fn is_blank(regex: &Regex) -> bool {
    match regex {
        Regex::Class(set) => set.intersection(&blank()) == *set,
        Regex::Concat(inner) | Regex::Alternate(inner) => inner.iter().all(is_blank),
        Regex::Star(inner) | Regex::Plus(inner) | Regex::Optional(inner) => is_blank(inner),
        Regex::Edge | Regex::Split => false,
    }
}

/// A term over a value that neither begins nor ends with a blank; `None` where
/// it needs one there and `lenient` does not let that pass.
pub(super) fn stripped(line: &Line, lenient: bool) -> Option<Line> {
    let mut line = tidy(line)?;
    while let Some(first) = line.factors.first().filter(|first| is_blank(first)) {
        if !first.is_nullable() && !lenient {
            return None;
        }
        line.factors.remove(0);
    }
    while let Some(last) = line
        .factors
        .last()
        .filter(|last| line.closed && is_blank(last))
    {
        if !last.is_nullable() && !lenient {
            return None;
        }
        line.factors.pop();
    }
    tidy(&line)
}

/// Drops terms that others cover.
pub(super) fn reduced(lines: Vec<Line>) -> Vec<Line> {
    let covers = |wide: &Line, narrow: &Line| match wide.factors.split_first() {
        Some((first, rest)) if is_anything(first) => {
            wide.closed == narrow.closed && narrow.factors.ends_with(rest)
        }
        None => !wide.closed,
        _ => false,
    };
    let mut kept: Vec<Line> = Vec::new();
    for line in lines {
        if !kept
            .iter()
            .any(|other| *other == line || covers(other, &line))
        {
            kept.retain(|other| !covers(&line, other));
            kept.push(line);
        }
    }
    kept
}

/// The keys for terms, and what was lost.
pub(super) fn keys(
    lines: &[Line],
    style: Style,
    budget: &mut Budget,
) -> Result<(Keys, Lost), TooComplex> {
    let mut lost = Lost::default();
    let lines = reduced(lines.iter().filter_map(tidy).collect());
    if lines.len() > MOST_LINES {
        return Err(TooComplex);
    }
    let mut items: Vec<Item> = Vec::new();
    for shape in merged(lines) {
        for item in shape.items(style, budget)? {
            lost.encoded_words |= encoded_word(&item.pieces);
            budget.spend(items.len() * item.pieces.len())?;
            if !items.iter().any(|other| other.covers(&item)) {
                items.retain(|other| !item.covers(other));
                items.push(item);
            }
        }
    }
    if items.len() > MOST_LINES {
        return Err(TooComplex);
    }
    let mut keys = Keys::default();
    for item in items {
        match (&item.line, style.regex) {
            (None, _) => keys.add_glob(&item.pieces, &mut lost),
            (Some(line), Some(dialect)) => {
                let written = |line: &Line| regex::written(line, style.ignores_case, dialect);
                let in_letters = || {
                    let factors = letters::read(&line.factors)?;
                    lost.letters = true;
                    written(&Line { factors, ..*line })
                };
                match written(line).or_else(in_letters) {
                    Some(key) => push_new(&mut keys.regex, key),
                    None => lost.unwritable = true,
                }
            }
            (Some(_), None) => {
                let wide = normal(item.pieces.iter().map(|piece| match piece {
                    Piece::Other => Piece::Many,
                    piece => *piece,
                }));
                lost.widened = true;
                keys.add_glob(&wide, &mut lost);
            }
        }
    }
    keys.settle();
    Ok((keys, lost))
}

impl Keys {
    fn add_glob(&mut self, pieces: &[Piece], lost: &mut Lost) {
        let wild = |piece: &Piece| !matches!(piece, Piece::Byte(_));
        match pieces {
            [Piece::Many] => self.always = true,
            [Piece::Many, inner @ .., Piece::Many] if !inner.iter().any(wild) => {
                let key = text(inner, false, lost);
                push_new(&mut self.contains, key);
            }
            _ if !pieces.iter().any(wild) => {
                let key = text(pieces, false, lost);
                push_new(&mut self.is, key);
            }
            _ => {
                let key = text(pieces, true, lost);
                push_new(&mut self.matches, key);
            }
        }
    }

    /// Keys of several kinds are written as one, where they can be.
    fn settle(&mut self) {
        if self.always {
            *self = Keys {
                always: true,
                ..Keys::default()
            };
        }
        let kinds = [&self.is, &self.contains, &self.matches];
        if kinds.into_iter().filter(|keys| !keys.is_empty()).count() > 1 {
            let is = self.is.drain(..).map(|key| escaped(&key));
            let contains = self.contains.drain(..);
            let contains = contains.map(|key| format!("*{}*", escaped(&key)));
            let mut all: Vec<String> = is.chain(contains).collect();
            all.append(&mut self.matches);
            self.matches = all;
        }
    }
}

/// `=?` begins a MIME word, which Sieve decodes before it looks.
fn encoded_word(pieces: &[Piece]) -> bool {
    pieces
        .windows(2)
        .any(|pair| pair == [Piece::Byte(b'='), Piece::Byte(b'?')])
}

impl Item {
    /// Whether all that the other matches, this one matches.
    fn covers(&self, other: &Item) -> bool {
        if self.line.is_some() {
            return self == other;
        }
        // Which ends of `self.pieces` the pieces so far can have come to.
        let mut at = vec![false; self.pieces.len() + 1];
        let closure = |at: &mut Vec<bool>| {
            for (place, piece) in self.pieces.iter().enumerate() {
                if *piece == Piece::Many
                    && at.get(place) == Some(&true)
                    && let Some(next) = at.get_mut(place + 1)
                {
                    *next = true;
                }
            }
        };
        if let Some(first) = at.first_mut() {
            *first = true;
        }
        closure(&mut at);
        for theirs in &other.pieces {
            let mut next = vec![false; at.len()];
            for (place, piece) in self.pieces.iter().enumerate() {
                if at.get(place) != Some(&true) {
                    continue;
                }
                let to = match (piece, theirs) {
                    (Piece::Many, _) => place,
                    (Piece::One, Piece::Byte(_) | Piece::One) => place + 1,
                    (Piece::Byte(one), Piece::Byte(other)) if one == other => place + 1,
                    _ => continue,
                };
                if let Some(to) = next.get_mut(to) {
                    *to = true;
                }
            }
            closure(&mut next);
            at = next;
        }
        at.last() == Some(&true)
    }
}

/// A term with what may stand at its ends: `(^|[^a-z])word([^a-z]|$)`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    /// In front of the body; `None` is the beginning of the value. Nothing at
    /// all: anything may stand there.
    front: Vec<Option<ByteSet>>,
    body: Vec<Regex>,
    /// Behind the body; `None` is the end of the value.
    back: Vec<Option<ByteSet>>,
}

/// Brings terms together that differ only in what stands at their ends.
fn merged(lines: Vec<Line>) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = lines.into_iter().map(Shape::from).collect();
    shapes = gathered(shapes, |shape| &mut shape.front);
    gathered(shapes, |shape| &mut shape.back)
}

type Ends = Vec<Option<ByteSet>>;

fn gathered(shapes: Vec<Shape>, ends: impl Fn(&mut Shape) -> &mut Ends) -> Vec<Shape> {
    // What is equal of shapes that differ in these ends alone, and the ends.
    let mut gathered: Vec<(Shape, Ends)> = Vec::new();
    for mut shape in shapes {
        let own = std::mem::take(ends(&mut shape));
        let same = gathered
            .iter_mut()
            .find(|(other, theirs)| *other == shape && theirs.is_empty() == own.is_empty());
        match same {
            Some((_, theirs)) => own.into_iter().for_each(|end| push_new(theirs, end)),
            None => gathered.push((shape, own)),
        }
    }
    let whole = gathered.into_iter().map(|(mut shape, own)| {
        *ends(&mut shape) = own;
        shape
    });
    whole.collect()
}

impl From<Line> for Shape {
    fn from(line: Line) -> Self {
        let class = |regex: Option<&Regex>| match regex {
            Some(Regex::Class(set)) if folded_len(set) > 1 && *set != ByteSet::any() => Some(*set),
            _ => None,
        };
        let mut body = line.factors;
        let mut front = vec![None];
        if body.first().is_some_and(is_anything) {
            front.clear();
            body.remove(0);
            if let Some(set) = class(body.first()).filter(|_| body.len() > 1) {
                front.push(Some(set));
                body.remove(0);
            }
        }
        let mut back = Vec::new();
        if line.closed {
            back.push(None);
        } else if let Some(set) = class(body.last()).filter(|_| body.len() > 1) {
            back.push(Some(set));
            body.pop();
        }
        Shape { front, body, back }
    }
}

/// How many bytes a class has, both cases of a letter as one.
fn folded_len(set: &ByteSet) -> usize {
    set.iter()
        .filter(|byte| !byte.is_ascii_uppercase() || !set.contains(byte.to_ascii_lowercase()))
        .count()
}

impl Shape {
    fn items(self, style: Style, budget: &mut Budget) -> Result<Vec<Item>, TooComplex> {
        if self.front.len() > 1 || self.back.len() > 1 {
            return Ok(vec![self.joined()]);
        }
        let mut factors = Vec::new();
        match self.front.as_slice() {
            [] => factors.push(anything()),
            [Some(set)] => factors.extend([anything(), Regex::Class(*set)]),
            _ => {}
        }
        factors.extend(self.body);
        if let [Some(set)] = self.back.as_slice() {
            factors.push(Regex::Class(*set));
        }
        let closed = self.back == [None];
        let end = (!closed).then_some(Piece::Many);
        let globs = match globs(&factors, style) {
            Some(globs) => globs,
            None => {
                let pieces = outline(&factors, style.ignores_case).into_iter().chain(end);
                return Ok(vec![Item {
                    pieces: normal(pieces),
                    line: Some(Line { factors, closed }),
                }]);
            }
        };
        budget.spend(globs.iter().map(Vec::len).sum())?;
        let item = |glob: Vec<Piece>| Item {
            pieces: normal(glob.into_iter().chain(end)),
            line: None,
        };
        Ok(globs.into_iter().map(item).collect())
    }

    /// A newline stands for the end of the value.
    fn joined(self) -> Item {
        let end = |ends: &Ends| match ends.as_slice() {
            [Some(set)] => Regex::Class(*set),
            _ => {
                let class = |end: &Option<ByteSet>| end.unwrap_or_else(|| ByteSet::of(b'\n'));
                Regex::Alternate(ends.iter().map(class).map(Regex::Class).collect())
            }
        };
        let mut factors = Vec::new();
        let mut pieces = Vec::new();
        if self.front != [None] {
            factors.push(anything());
            pieces.push(Piece::Many);
            if !self.front.is_empty() {
                factors.push(end(&self.front));
            }
        }
        pieces.extend(outline(&self.body, true));
        let closed = self.back == [None];
        factors.extend(self.body);
        if !closed {
            pieces.push(Piece::Many);
            if !self.back.is_empty() {
                factors.push(end(&self.back));
            }
        }
        Item {
            pieces: normal(pieces),
            line: Some(Line { factors, closed }),
        }
    }
}
