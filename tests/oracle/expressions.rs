//! Random expressions and texts, and what real procmail finds.

pub mod homes;
pub mod page;

use super::cell::Cell;
use libtest_mimic::Failed;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use sievify::rules::expression::{Expression, Matcher, Reading};
use std::fmt::Write;
use std::fs;
use std::time::Duration;

/// Does a text match, and how often?
#[derive(Debug, Clone)]
pub struct Question {
    pub expression: String,
    pub searched: Searched,
    pub distinguishes_case: bool,
    /// `w^x`, in tenths.
    pub weight: (i32, i32),
}

/// What text.
#[derive(Debug, Clone)]
pub enum Searched {
    Variable(String),
    Header,
    Body,
    HeaderAndBody,
}

/// A message, and what is asked about it.
#[derive(Debug, Clone)]
pub struct Round {
    pub header: String,
    pub body: String,
    pub questions: Vec<Question>,
}

/// What there is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Whether it matches.
    pub holds: bool,
    /// What is in `MATCH` afterwards, where it was set.
    pub matched: Option<String>,
    /// What the matches come to, weighed. With a `\/`, procmail mixes up what
    /// it knows of one match and the next.
    pub score: Option<i64>,
}

/// Where the scores of procmail end.
const MOST: f64 = 2_147_483_647.0;
/// The first line of every message.
const FROM: &str = "From a@b  Thu Jan  1 00:00:00 1970\n";
/// What `MATCH` is before a question.
const UNSET: &str = "\x04";

impl Question {
    fn weight(&self) -> (f64, f64) {
        (
            f64::from(self.weight.0) / 10.0,
            f64::from(self.weight.1) / 10.0,
        )
    }

    fn is_scored(&self) -> bool {
        !self.expression.contains(r"\/")
    }

    /// What we say.
    fn ours(&self, round: &Round) -> Answer {
        let matcher = Expression::new(&self.expression, self.distinguishes_case)
            .expect("small")
            .matcher();
        // The empty line belongs to the header.
        let header = format!("{FROM}{}\n", round.header);
        let header = header.replace("\n ", "  ").replace("\n\t", " \t");
        let text = match &self.searched {
            Searched::Variable(text) => text.clone(),
            Searched::Header => header,
            Searched::Body => round.body.clone(),
            Searched::HeaderAndBody => header + &round.body,
        };
        let text = text.as_bytes();
        let found = matcher.find(text);
        let matched = found.as_ref().and_then(|found| found.matched.clone());
        Answer {
            holds: found.is_some(),
            matched: matched.map(|range| lossy(&text[range])),
            score: self
                .is_scored()
                .then(|| score(&matcher, text, self.weight())),
        }
    }
}

/// An expression in a condition: nothing at its beginning is a mark. A backslash
/// before a macro is more than a guard.
fn guarded(expression: &str) -> String {
    let is_guarded = expression.starts_with('^') || expression.starts_with(r"\^");
    match is_guarded || expression.is_empty() {
        true => expression.to_string(),
        false => format!(r"\{expression}"),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// procmailsc(5).
fn score(matcher: &Matcher, text: &[u8], (mut weight, exponent): (f64, f64)) -> i64 {
    let mut score: f64 = 0.0;
    let mut square = weight * weight;
    let mut at = 0;
    let mut matches = matcher.matches(text);
    while weight != 0.0 && score.abs() < MOST {
        let Some(found) = matches.next() else {
            break;
        };
        score += weight;
        weight *= exponent;
        if found.end <= at {
            if 0.0 < exponent && exponent < 1.0 {
                score += weight / (1.0 - exponent);
            } else if exponent >= 1.0 && weight != 0.0 {
                score += MOST.copysign(weight);
            }
            break;
        }
        let next = weight * weight;
        if next < square && square < 1.0 {
            break;
        }
        square = next;
        at = found.end;
    }
    let score = score.clamp(-MOST, MOST);
    match score as i64 {
        0 if score > 0.0 => 1,
        whole => whole,
    }
}

/// Asks procmail all questions at once.
fn ask(cell: &Cell, round: &Round) -> Result<Vec<Answer>, String> {
    let questions = &round.questions;
    let mut rc = String::from("LINEBUF=65536\n");
    for question in questions {
        let flag = if question.distinguishes_case { "D" } else { "" };
        let condition = &question.expression;
        let (weight, exponent) = question.weight();
        let (text, area) = match &question.searched {
            Searched::Variable(text) => (text.as_str(), "T"),
            Searched::Header => ("", "H"),
            Searched::Body => ("", "B"),
            Searched::HeaderAndBody => ("", "HB"),
        };
        let _ = write!(
            rc,
            "T='{text}'\nMATCH={UNSET}\nR=no\n:0{flag}\n* {area} ?? {condition}\n{{ R=yes }}\n\
             M=\"$MATCH\"\n:0{flag}\n* {weight}^{exponent} {area} ?? {condition}\n{{ }}\n\
             LOG=\"\x01$R\x02$M\x02$=\x03\"\n",
        );
    }
    rc.push_str("HOST=elsewhere\n");
    let message = format!("{FROM}{}\n{}", round.header, round.body);
    let log = run(cell, &rc, &message).map_err(|error| error.to_string())?;
    let mut answers: Vec<Answer> = log
        .split('\x01')
        .skip(1)
        .filter_map(|part| {
            let (answer, rest) = part.split_once('\x03')?;
            // The same is said of the assignment, in quotes.
            if rest.starts_with('"') {
                return None;
            }
            let mut words = answer.split('\x02');
            let holds = words.next()? == "yes";
            let matched = Some(words.next()?.to_string()).filter(|text| text != UNSET);
            let score = words.next()?.parse().ok();
            Some(Answer {
                holds,
                matched,
                score,
            })
        })
        .collect();
    for (question, answer) in questions.iter().zip(&mut answers) {
        answer.score = answer.score.filter(|_| question.is_scored());
    }
    if answers.len() != questions.len() {
        let at = answers.len();
        return Err(format!("no answer to {:?}: {log:?}", questions[at]));
    }
    Ok(answers)
}

/// What procmail says of a message.
fn run(cell: &Cell, rc: &str, message: &str) -> std::io::Result<String> {
    cell.clear()?;
    fs::write(cell.path("home/u/.procmailrc"), rc)?;
    cell.own(&cell.path("home/u/.procmailrc"))?;
    fs::write(cell.path("message"), message)?;
    let mail = fs::File::open(cell.path("message"))?;
    let exit = cell.run(
        &["/usr/bin/procmail", "-m", "/home/u/.procmailrc"],
        mail,
        Duration::from_secs(2),
    )?;
    Ok(lossy(&exit.stderr))
}

/// One byte, or what stands for one.
fn atom() -> impl Strategy<Value = String> {
    let class = prop::collection::vec(
        prop::sample::select(vec![
            "a", "b", "A", "Z", "-", "a-c", "B-z", "[", "^", "\\", "é", " ", "0",
        ]),
        1..4,
    );
    prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "A", "B", "é", "_", "-", "0", " ", ":", "x"]).prop_map(String::from),
        3 => prop::sample::select(vec![".", "^", "$", r"\<", r"\>", r"\.", r"\a", r"\*", r"\^", r"\\"]).prop_map(String::from),
        1 => Just("^^".to_string()),
        2 => (any::<bool>(), class).prop_map(|(negated, members)| {
            format!("[{}{}]", if negated { "^" } else { "" }, members.concat())
        }),
    ]
}

/// As people write them.
fn regular() -> impl Strategy<Value = String> {
    let repeat = prop::sample::select(vec!["", "", "", "*", "+", "?"]);
    let piece = (atom(), repeat.clone()).prop_map(|(atom, repeat)| atom + repeat);
    piece.prop_recursive(4, 24, 4, move |inner| {
        let sequence = prop::collection::vec(inner, 0..4).prop_map(|pieces| pieces.concat());
        let alternatives = prop::collection::vec(sequence.clone(), 1..4);
        prop_oneof![
            sequence,
            (alternatives, repeat.clone())
                .prop_map(|(alternatives, repeat)| format!("({}){repeat}", alternatives.join("|"))),
        ]
    })
}

/// As nobody does.
fn irregular() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "(", ")", "|", "*", "+", "?", ".", "^", "$", "[", "]", "-", r"\<", "^^", "a", "B", "[^",
        r"\)", "a", "b", "é", "{", "}", r"\\", "^TO", "FROM",
    ]);
    prop::collection::vec(token, 0..10).prop_map(|tokens| tokens.concat())
}

/// Macros, and what hides them.
fn macros() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "^TO", "^TO_", r"\^TO", r"\^TO_", "a", "|", "x", "(", ")",
    ]);
    prop::collection::vec(token, 1..6).prop_map(|tokens| tokens.concat())
}

fn expression() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => regular(),
        4 => (regular(), regular()).prop_map(|(before, behind)| format!(r"{before}\/{behind}")),
        1 => (regular(), regular(), regular()).prop_map(|(a, b, c)| format!(r"({a}\/{b})|{c}")),
        2 => (regular(), regular()).prop_map(|(one, other)| format!("{one}|{other}")),
        3 => irregular(),
        2 => macros(),
    ]
    .prop_map(|text| guarded(&text))
    .prop_filter("procmail may never come back", |text| {
        let expression = Expression::new(text, false);
        expression.is_ok_and(|expression| expression.reading() != Reading::Fatal)
    })
    .prop_map(|text| {
        let end = text.trim_end_matches([' ', '\\']).len();
        text[..end].to_string()
    })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "a", "b", "A", "B", "ab", "é", "_", "-", "0", " ", ":", "\n", "\n", "x", "(", ")",
        "*", "[", "^", "\\", "To: ", "TO", "TO_",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A field, folded perhaps.
fn field() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["A", "B", "a-b", "To", "Cc", "x", "From"]);
    let line = prop::collection::vec(
        prop::sample::select(vec!["a", "b", "A", "é", "_", "-", "0", " ", ":", "x", "\t"]),
        0..6,
    );
    let fold = prop::sample::select(vec!["\n ", "\n\t", "\n  "]);
    (name, prop::collection::vec((line, fold), 1..3)).prop_map(|(name, lines)| {
        let lines = lines.iter().map(|(line, fold)| line.concat() + fold);
        let value: String = lines.collect();
        format!("{name}: {}\n", value.trim_end_matches([' ', '\t', '\n']))
    })
}

fn searched() -> impl Strategy<Value = Searched> {
    prop_oneof![
        6 => text().prop_map(Searched::Variable),
        2 => Just(Searched::Header),
        1 => Just(Searched::Body),
        1 => Just(Searched::HeaderAndBody),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    let weight = (
        prop::sample::select(vec![10, 5, -10, 30, 1]),
        prop::sample::select(vec![10, 0, 5, 15, 20, -10]),
    );
    let question = (expression(), searched(), any::<bool>(), weight).prop_map(
        |(expression, searched, distinguishes_case, weight)| Question {
            expression,
            searched,
            distinguishes_case,
            weight,
        },
    );
    (
        prop::collection::vec(field(), 0..4).prop_map(|fields| fields.concat()),
        text(),
        prop::collection::vec(question, 1..=AT_ONCE),
    )
        .prop_map(|(header, body, questions)| Round {
            header,
            body,
            questions,
        })
}

/// Questions in one run of procmail.
const AT_ONCE: usize = 200;

/// Where procmail runs, if it can.
fn cell() -> Option<Cell> {
    match Cell::new() {
        Ok(cell) if super::cell::inside() => Some(cell),
        _ => {
            super::missing("procmail");
            None
        }
    }
}

/// Random expressions, held against random texts.
pub fn agree() -> Result<(), Failed> {
    let Some(cell) = cell() else {
        return Ok(());
    };
    let pairs = std::env::var("SIEVIFY_EXPRESSIONS").ok();
    let pairs = pairs.and_then(|pairs| pairs.parse().ok()).unwrap_or(10_000);
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: usize::div_ceil(pairs, AT_ONCE / 2) as u32,
            failure_persistence: None,
            max_shrink_iters: 1000,
            max_shrink_time: 60_000,
            ..Config::default()
        },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let result = runner.run(&round(), |round| {
        let answers = ask(&cell, &round).map_err(TestCaseError::fail)?;
        for (question, theirs) in round.questions.iter().zip(answers) {
            let ours = question.ours(&round);
            if ours != theirs {
                let said = format!("{question:?}: {ours:?}, not {theirs:?}");
                return Err(TestCaseError::fail(said));
            }
        }
        Ok(())
    });
    result.map_err(|error| error.to_string().into())
}
