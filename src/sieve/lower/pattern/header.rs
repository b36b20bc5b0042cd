//! In: an expression. Out: the test of the header that stands for it.
//!
//! procmail searches the header as one text. A match that stays within one line
//! is found field by field: what the expression asks of a value is what is left
//! of it behind the name, the colon and the blank.

use super::capture::{self, Capture};
use super::field::{self, Field, Names};
use super::key::{Keys, Lost, Style, keys, reduced, stripped};
use super::term::{
    Beginnings, Budget, Line, Lines, Term, TooComplex, behind, behind_part, is_any, push_new,
};
use super::{Fit, Group, Matched, Remarks, sender, style};
use crate::ledger::{Code, Note};
use crate::rules::expression::{Expression, Regex};
use crate::sieve::script::{AddressPart, Compare, Match, Test, Value};
use crate::sieve::target::{Extension, Target};

/// What is asked of fields: the terms over their values, blank and all.
#[derive(Debug, Default)]
struct Asked(Vec<(Field, Vec<Term>)>);

impl Asked {
    fn add(&mut self, field: Field, terms: Vec<Term>) {
        if terms.is_empty() {
            return;
        }
        let known = self.0.iter_mut().find(|(other, _)| *other == field);
        match known {
            Some((_, asked)) => terms.into_iter().for_each(|term| push_new(asked, term)),
            None => self.0.push((field, terms)),
        }
    }
}

pub(super) fn lowered(expression: &Expression, target: &Target) -> Result<Matched, Note> {
    let mut budget = Budget::new();
    budget.admit(&expression.regex)?;
    let mut remarks = Remarks::default();
    let beginnings = Beginnings::of(&expression.regex, &mut budget)?;
    let mut asked = Asked::default();
    let mut open = Open::default();
    for term in &beginnings.at_line {
        // Every header ends with an empty line.
        if super::term::done(&behind(std::slice::from_ref(term), b'\n', &mut budget)?) {
            return Ok(remarks.matched(Test::True));
        }
        let names = match target.has(Extension::Variables) {
            true => Names::or_addresses(term, expression.ignores_case, &mut budget)?,
            false => Names::of(term, expression.ignores_case, &mut budget)?,
        };
        at_line(term, names, expression, &mut asked, &mut open, &mut budget)?;
    }
    open.say(&mut remarks);
    for term in &beginnings.anywhere {
        if super::term::done(std::slice::from_ref(term)) {
            return Ok(remarks.matched(Test::True));
        }
        anywhere(term, expression, &mut asked, &mut remarks, &mut budget)?;
    }
    for term in &beginnings.at_edge {
        // The first line of a message from a mailbox is its `From ` line.
        let terms =
            field::value_terms(term, &Field::Envelope, expression.ignores_case, &mut budget)?;
        let names = Names::of(term, expression.ignores_case, &mut budget)?;
        let begins_a_field = !names.whole.is_empty() || !names.open.is_empty();
        if terms.is_empty() && begins_a_field {
            remarks.say(
                Fit::MISSES,
                Code::HeaderEdge,
                "A rule on the server cannot ask where the header begins or ends, so the script does not look there",
            );
        }
        asked.add(Field::Envelope, terms);
    }
    if super::term::has_mark(&expression.regex) {
        let captured = match target.has(Extension::Variables) && beginnings.at_edge.is_empty() {
            true => captured(&asked, style(expression, target), target, &mut budget)?,
            false => None,
        };
        if let Some(taken) = captured {
            taken.say(&mut remarks);
            if takes_nothing(&asked, &mut budget)? {
                nothing_behind_colon(&mut remarks);
            }
            let octet = !expression.ignores_case;
            let tests = taken.tests.into_iter();
            let tests = tests.map(|(fields, capture)| capturing(fields, capture, octet));
            let mut matched = remarks.matched(Test::any(tests.collect()));
            matched.captured = Some(taken.group);
            return Ok(matched);
        }
        remarks.no_capture();
    }
    let mut groups: Vec<(Keys, Vec<Field>)> = Vec::new();
    let mut known: Vec<(Vec<Term>, Keys)> = Vec::new();
    for (field, terms) in asked.0 {
        if field == Field::Envelope && !target.has(Extension::Envelope) {
            remarks.say(
                Fit::MISSES,
                Code::NoEnvelope,
                "The server does not show rules the sender of the envelope (the line “From ” of a mailbox), so the script does not look there",
            );
            continue;
        }
        // Most fields of a list are asked the same.
        let same = known.iter().find(|(asked, _)| *asked == terms);
        let keys = match (&field, same) {
            (Field::Named(_), Some((_, keys))) => keys.clone(),
            _ => {
                let lines = value_lines(&field, &terms, &mut remarks, &mut budget)?;
                let (mut keys, lost) = keys(&lines, style(expression, target), &mut budget)?;
                remarks.lost(lost);
                match field {
                    Field::Named(_) => known.push((terms, keys.clone())),
                    Field::Envelope => keys.cover_bounces(),
                }
                keys
            }
        };
        if keys.is_empty() {
            continue;
        }
        let same = groups.iter_mut().find(|(other, fields)| {
            *other == keys && fields.contains(&Field::Envelope) == (field == Field::Envelope)
        });
        match same {
            Some((_, fields)) => fields.push(field),
            None => groups.push((keys, vec![field])),
        }
    }
    let mut tests = Vec::new();
    for (keys, mut fields) in groups {
        fields.sort_by_key(Field::rank);
        tests.extend(field_tests(&keys, fields, expression.ignores_case));
    }
    match tests.is_empty() {
        true => remarks.nothing(),
        false if tests.contains(&Test::True) => Ok(remarks.matched(Test::True)),
        false => Ok(remarks.matched(Test::any(tests))),
    }
}

/// Whether a field is found that has nothing behind its colon but a blank, and
/// not where it has no blank.
fn takes_nothing(asked: &Asked, budget: &mut Budget) -> Result<bool, TooComplex> {
    for (_, terms) in &asked.0 {
        if super::term::done(terms) {
            continue;
        }
        let mut lines = Lines::default();
        for term in behind(terms, b' ', budget)? {
            lines.add(&term, budget)?;
        }
        if lines.lines.iter().any(Line::is_nullable) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn nothing_behind_colon(remarks: &mut Remarks) {
    remarks.say(
        Fit::EXCEEDS,
        Code::BlankAfterColon,
        "A field with nothing behind its colon, not even a blank, is found as well",
    );
}

/// How what stands behind `\/` is taken out of fields.
struct Taken {
    /// What is asked of which fields.
    tests: Vec<(Vec<Field>, Capture)>,
    /// Where each of them has it.
    group: Group,
}

impl Taken {
    fn say(&self, remarks: &mut Remarks) {
        if self.group.is_of_several {
            remarks.say(
                Fit::EXACT,
                Code::CaptureOrder,
                "Where several fields match, $MATCH may come from another one than before",
            );
        }
        if self.group.is_last {
            remarks.last_of_several();
        }
        for (fields, capture) in &self.tests {
            remarks.lost(Lost {
                encoded_words: capture.asks_for_encoded_word(),
                ..Lost::default()
            });
            if capture.line_end {
                remarks.line_end();
            }
            if capture.spans {
                say_spans(remarks);
            }
            if fields.contains(&Field::Envelope) {
                remarks.say(
                    Fit::MISSES,
                    Code::FieldValue,
                    "A bounce has no sender on the server, where procmail saw MAILER-DAEMON",
                );
            }
        }
    }
}

/// What is asked of each field, with a group for what stands behind `\/`.
fn captured(
    asked: &Asked,
    style: Style,
    target: &Target,
    budget: &mut Budget,
) -> Result<Option<Taken>, TooComplex> {
    let mut tests: Vec<(Vec<Field>, Capture)> = Vec::new();
    let mut group: Option<Group> = None;
    let mut fields: Vec<&(Field, Vec<Term>)> = asked.0.iter().collect();
    fields.sort_by_key(|(field, _)| field.rank());
    for (field, terms) in fields {
        let capture = match field {
            Field::Envelope if !target.has(Extension::Envelope) => None,
            Field::Envelope => capture::of_sender(terms, style, budget)?,
            Field::Named(_) => capture_of_value(terms, style, budget)?,
        };
        let Some(capture) = capture else {
            return Ok(None);
        };
        // The variable is set by the first test that holds (RFC 5229, 3.2).
        group = match group {
            None => Some(capture.group.clone()),
            Some(group) => Some(match group.or(&capture.group) {
                Some(group) => group,
                None => return Ok(None),
            }),
        };
        let is_envelope = |field: &Field| *field == Field::Envelope;
        let same = tests.iter_mut().find(|(fields, other)| {
            *other == capture && !is_envelope(field) && !fields.iter().any(is_envelope)
        });
        match same {
            Some((fields, _)) => fields.push(field.clone()),
            None => tests.push((vec![field.clone()], capture)),
        }
    }
    let is_of_several = tests.iter().flat_map(|(fields, _)| fields).count() > 1;
    Ok(group.map(|group| Taken {
        tests,
        group: Group {
            is_of_several,
            ..group
        },
    }))
}

fn capture_of_value(
    terms: &[Term],
    style: Style,
    budget: &mut Budget,
) -> Result<Option<Capture>, TooComplex> {
    if let [term] = terms
        && let Some(capture) = capture::from_colon(term, style, budget)?
    {
        return Ok(Some(capture));
    }
    match super::term::done(terms) || terms.iter().any(begins_with_any) {
        true => Ok(None),
        false => capture::among(&behind(terms, b' ', budget)?, style, budget),
    }
}

/// A test that takes something out of a field.
fn capturing(fields: Vec<Field>, capture: Capture, octet: bool) -> Test {
    let compare = Compare {
        by: capture.by,
        octet,
    };
    let keys = vec![capture.key.into()];
    if fields.contains(&Field::Envelope) {
        return of_envelope(compare, keys);
    }
    Test::Header {
        compare,
        names: names_of(fields),
        keys,
    }
}

/// `.+\/`, `.+x*\/`: procmail remembers a place of the mark that it then goes on
/// from.
fn begins_with_any(term: &Term) -> bool {
    match term.split_first() {
        Some((Regex::Plus(inner), rest)) if is_any(inner) => rest
            .iter()
            .find(|factor| **factor == Regex::Split || !factor.is_nullable())
            .is_some_and(|factor| *factor == Regex::Split),
        _ => false,
    }
}

/// A term behind the beginning of a line.
fn at_line(
    term: &Term,
    names: Names,
    expression: &Expression,
    asked: &mut Asked,
    open: &mut Open,
    budget: &mut Budget,
) -> Result<(), TooComplex> {
    open.unusual_case |= names.has_unusual_case();
    for (field, terms) in names.whole {
        asked.add(field, terms);
    }
    open.odd |= names.odd;
    let mut fields = Vec::new();
    for prefix in names.open {
        let begun = field::beginning_with(&prefix);
        open.unknown |= !field::stands_alone(&prefix);
        match prefix.contains('@') {
            true => open.address = true,
            false => push_new(&mut open.prefixes, prefix),
        }
        begun
            .into_iter()
            .for_each(|field| push_new(&mut fields, field));
    }
    for field in fields {
        let terms = field::value_terms(term, &field, expression.ignores_case, budget)?;
        asked.add(field, terms);
    }
    Ok(())
}

/// What was asked of the names of fields that no list of names can say.
#[derive(Debug, Default)]
struct Open {
    /// Beginnings of names.
    prefixes: Vec<String>,
    /// No field is known that begins so, or any of a family is meant.
    unknown: bool,
    /// Signs that no server takes in a name.
    odd: bool,
    /// An address.
    address: bool,
    /// A case that mail does not have a name in.
    unusual_case: bool,
}

impl Open {
    fn say(&self, remarks: &mut Remarks) {
        if !self.prefixes.is_empty() {
            let message = open_names(&self.prefixes);
            match self.unknown {
                true => remarks.say(Fit::MISSES, Code::OpenFieldName, message),
                // The fields that are left out are such as nobody meant.
                false => remarks.say_rare(Fit::EXACT, Code::OpenFieldName, message),
            }
        }
        if self.odd {
            remarks.say_rare(
                Fit::MISSES,
                Code::OddFieldName,
                "The expression begins with something that is no field's name; no mail has such a line, and the script does not look for it",
            );
        }
        if self.address {
            remarks.say_rare(
                Fit::MISSES,
                Code::OddFieldName,
                "The expression has an address where the name of a field stands: the script asks for a field of that very name, which hardly any mail has",
            );
        }
        if self.unusual_case {
            remarks.say(
                Fit::EXCEEDS,
                Code::FieldNameCase,
                "the server finds the field in any case, and the rule asked for one that mail hardly has",
            );
        }
    }
}

fn open_names(prefixes: &[String]) -> String {
    let quoted: Vec<String> = prefixes
        .iter()
        .map(|prefix| format!("`{prefix}`"))
        .collect();
    match prefixes.iter().any(String::is_empty) {
        true => "procmail looked into every field of the header; the script looks into the well-known ones".to_owned(),
        false => format!(
            "procmail looked into every field whose name begins with {}; the script looks into the well-known ones",
            quoted.join(" or ")
        ),
    }
}

/// A term that may begin anywhere.
fn anywhere(
    term: &Term,
    expression: &Expression,
    asked: &mut Asked,
    remarks: &mut Remarks,
    budget: &mut Budget,
) -> Result<(), TooComplex> {
    let names = Names::of(term, expression.ignores_case, budget)?;
    let mut spelled: Vec<Field> = Vec::new();
    for (field, _) in names.whole {
        if is_likely(&field) {
            push_new(&mut spelled, field);
        }
    }
    let named = !spelled.is_empty() && names.open.is_empty();
    remarks.say(
        Fit::MISSES,
        Code::AnyField,
        match named {
            true => "procmail looked for this in the whole header; the script looks into the field that it names",
            false => "procmail looked for this in the whole header; the script looks into the well-known fields",
        },
    );
    for field in spelled.iter().cloned().chain(field::known()) {
        let mut line = vec![b'\n'];
        line.extend(field.word());
        let terms = behind_part(term, &line, budget)?;
        asked.add(field, terms);
    }
    if !named {
        let free: Term = [&[super::term::anything()], term.as_slice()].concat();
        for field in field::common() {
            asked.add(field, vec![free.clone()]);
        }
    }
    Ok(())
}

fn is_likely(field: &Field) -> bool {
    matches!(field, Field::Named(name) if field::is_field(name))
}

/// Terms as they are over the value that Sieve sees: without the blank behind
/// the colon, and without blanks at its ends.
fn value_lines(
    field: &Field,
    terms: &[Term],
    remarks: &mut Remarks,
    budget: &mut Budget,
) -> Result<Vec<Line>, TooComplex> {
    if *field == Field::Envelope {
        return sender::lines(terms, remarks, budget);
    }
    let mut behind_blank = Lines::default();
    for term in behind(terms, b' ', budget)? {
        behind_blank.add(&term, budget)?;
    }
    if super::term::done(terms) {
        behind_blank.add(&[], budget)?;
    }
    let mut behind_colon = Lines::default();
    for term in terms {
        behind_colon.add(term, budget)?;
    }
    if behind_blank.spans || behind_colon.spans {
        say_spans(remarks);
    }
    let all = |lines: &[Line], lenient| {
        let lines = lines.iter().filter_map(|line| stripped(line, lenient));
        reduced(lines.collect())
    };
    let empty = Line {
        factors: Vec::new(),
        closed: true,
    };
    let unusual = all(&behind_colon.lines, false);
    let mut usual = all(&behind_blank.lines, false);
    if usual.is_empty() {
        usual = all(&behind_blank.lines, true);
        if !usual.is_empty() {
            remarks.say(
                Fit::EXCEEDS,
                Code::BlankAfterColon,
                "A field has a blank behind its colon, and this leaves it out or asks for more; the script finds the field all the same",
            );
        }
    }
    // A field without a value has no blank either.
    if unusual.contains(&empty) && !usual.contains(&empty) {
        usual.push(empty.clone());
    }
    let take_nothing = |lines: &[Line]| lines.iter().any(Line::is_nullable);
    if take_nothing(&usual) && !take_nothing(&unusual) {
        nothing_behind_colon(remarks);
    }
    let unusual = unusual.into_iter().flat_map(without_option).collect();
    let both = reduced([usual.clone(), unusual].concat());
    if both.iter().any(|line| !usual.contains(line)) {
        say_blank(remarks);
    }
    Ok(usual)
}

/// A line that begins with something optional is one with it, and one without.
fn without_option(line: Line) -> Vec<Line> {
    let Some((Regex::Optional(first), rest)) = line.factors.split_first() else {
        return vec![line];
    };
    let with = match first.as_ref() {
        Regex::Concat(factors) => factors.to_vec(),
        factor => vec![factor.clone()],
    };
    [[with.as_slice(), rest].concat(), rest.to_vec()]
        .map(|factors| Line { factors, ..line })
        .to_vec()
}

fn say_spans(remarks: &mut Remarks) {
    remarks.say(
        Fit::MISSES,
        Code::SpansFields,
        "procmail read on from one field into the next; the server sees one field at a time, so the script does not look for what would reach over two",
    );
}

fn say_blank(remarks: &mut Remarks) {
    remarks.say_rare(
        Fit::MISSES,
        Code::BlankAfterColon,
        "Mail has a blank behind the colon, so the script does not look for text that stands right behind it",
    );
}

impl Keys {
    /// A bounce has no sender, and `MAILER-DAEMON` in the line `From `.
    fn cover_bounces(&mut self) {
        const DAEMON: &str = "mailer-daemon";
        let is = self.is.iter().any(|key| key == DAEMON);
        let contains = self
            .contains
            .iter()
            .any(|key| DAEMON.contains(key.as_str()));
        let begins = |key: &String| {
            key.strip_suffix('*')
                .is_some_and(|key| DAEMON.starts_with(key))
        };
        if self.matches.iter().any(begins) {
            self.matches.push(String::new());
        } else if is || contains {
            self.is.push(String::new());
        }
    }
}

/// What is asked of the sender of the envelope.
pub(in crate::sieve::lower) fn of_envelope(compare: Compare, keys: Vec<Value>) -> Test {
    Test::Envelope {
        part: AddressPart::All,
        compare,
        names: vec!["from".to_owned()],
        keys,
    }
}

fn names_of(fields: Vec<Field>) -> Vec<String> {
    let names = fields.into_iter().filter_map(|field| match field {
        Field::Named(name) => Some(name),
        Field::Envelope => None,
    });
    names.collect()
}

fn field_tests(keys: &Keys, fields: Vec<Field>, ignores_case: bool) -> Vec<Test> {
    if fields.contains(&Field::Envelope) {
        if keys.always {
            return vec![Test::True];
        }
        return keys.tests(ignores_case, of_envelope);
    }
    let names = names_of(fields);
    if keys.always {
        // Of a field that a server cannot look for, some say that it is there.
        return vec![match names.as_slice() {
            [name] if !name.contains('@') => Test::Exists(names),
            _ => Test::Header {
                compare: Match::Matches.into(),
                names,
                keys: vec![Value::text("*")],
            },
        }];
    }
    keys.tests(ignores_case, |compare, keys| Test::Header {
        compare,
        names: names.clone(),
        keys,
    })
}
