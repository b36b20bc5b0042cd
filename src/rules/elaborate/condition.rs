//! In: the line of a condition as written, and the variables. Out: the condition.

use super::command;
use super::expand;
use super::recipe::area;
use super::variables::Variables;
use crate::rules::model::{Area, Condition, Flags, Piece, Test, Text, Weight};
use crate::syntax::{Span, leading_name};

/// A condition is expanded again where its text begins with another `$`;
/// nobody writes more than two.
const MAX_EXPANSIONS: usize = 8;

const BLANKS: [char; 2] = [' ', '\t'];

/// A condition that never holds.
pub fn never(span: Span, flags: &Flags) -> Condition {
    Condition {
        span,
        negated: true,
        weight: None,
        area: area(flags),
        test: Test::Always,
    }
}

/// Reads a condition. `span` is that of its line, `line` the text of it.
///
/// # Errors
/// Why it cannot be understood.
pub fn condition(
    span: Span,
    line: &str,
    flags: &Flags,
    variables: &Variables,
) -> Result<Condition, &'static str> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let body = line
        .strip_prefix('*')
        .unwrap_or(line)
        .trim_start_matches(BLANKS);
    let start = span.start + (line.len() - body.len());
    let span = Span {
        file: span.file,
        start,
        end: start + body.trim_end().len(),
    };
    if body.len() >= variables.line_limit() {
        return Ok(never(span, flags));
    }
    let text = body.split('\0').next().unwrap_or("");
    let mut reading = Reading {
        condition: Condition {
            span,
            negated: false,
            weight: None,
            area: area(flags),
            test: Test::Always,
        },
        has_area: false,
        head: text.trim_end_matches(BLANKS).to_owned(),
        at: 0,
        tail: Vec::new(),
        expansions: 0,
    };
    while reading.mark(variables)? {}
    Ok(reading.test(variables))
}

/// A condition, as far as it is read.
struct Reading {
    condition: Condition,
    has_area: bool,
    /// What is left to read is this, from `at` on, and then the pieces of `tail`.
    head: String,
    at: usize,
    tail: Vec<Piece>,
    expansions: usize,
}

impl Reading {
    /// Reads a mark that stands before what is asked; false where there is none.
    fn mark(&mut self, variables: &Variables) -> Result<bool, &'static str> {
        let first = &self.head[self.at..];
        let skip_to = |rest: &str| self.head.len() - rest.trim_start_matches(BLANKS).len();
        if let Some((weight, rest)) = weight(first) {
            self.condition.weight = Some(weight);
            self.at = skip_to(rest);
        } else if let Some(rest) = first.strip_prefix('!') {
            self.condition.negated = !self.condition.negated;
            self.at = skip_to(rest);
        } else if let Some((name, rest)) = variable_area(first) {
            self.has_area = true;
            self.condition.area = match name {
                "H" => Area::Header,
                "B" => Area::Body,
                "HB" | "BH" => Area::HeaderAndBody,
                name => Area::Variable(name.to_owned()),
            };
            self.at = skip_to(rest);
        } else if let Some(rest) = first.strip_prefix('$') {
            self.expand(&squeeze(rest), variables)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `$`: what follows is written out, and read from its beginning.
    fn expand(&mut self, rest: &str, variables: &Variables) -> Result<(), &'static str> {
        self.expansions += 1;
        if self.expansions > MAX_EXPANSIONS {
            return Err("it is expanded over and over");
        }
        if !self.tail.is_empty() {
            return Err("its text is not known before a message is there");
        }
        let expanded = expand::quoted_condition(rest, variables);
        let mut pieces = expanded.0.into_iter().peekable();
        let literal = pieces.next_if(|piece| matches!(piece, Piece::Literal(_)));
        self.head = match literal {
            Some(Piece::Literal(literal)) => literal.trim_start_matches(BLANKS).to_owned(),
            _ => String::new(),
        };
        self.tail = pieces.collect();
        self.at = 0;
        if !self.head.is_empty() {
            return Ok(());
        }
        match runtime_weight(&self.tail) {
            Mark::None => {}
            Mark::Weight { weight, rest, used } => {
                self.condition.weight = Some(weight);
                self.head = rest;
                self.tail.drain(..used);
            }
            Mark::Area => return Err("which text it searches differs from message to message"),
        }
        Ok(())
    }

    /// What is left is what the condition asks.
    fn test(mut self, variables: &Variables) -> Condition {
        let first = &self.head[self.at..];
        let is_known = self.tail.is_empty();
        let text = |start: &str| {
            let mut text = Text::literal(start);
            self.tail.iter().for_each(|piece| text.push(piece.clone()));
            text
        };
        self.condition.test = if let Some(rest) = first.strip_prefix('?') {
            Test::Program(match is_known {
                true => command::expand(rest.trim(), variables),
                false => text(rest),
            })
        } else if let Some(rest) = first.strip_prefix(['<', '>']) {
            let limit = number(match is_known {
                true => expand::condition(rest, variables),
                false => text(rest),
            });
            if !self.has_area {
                self.condition.area = Area::HeaderAndBody;
            }
            match first.starts_with('<') {
                true => Test::Smaller(limit),
                false => Test::Larger(limit),
            }
        } else {
            // There, a backslash is the guard of what follows: the line end stays.
            let expression = match first.strip_prefix("\\\n") {
                Some(rest) => format!("\\\n{}", squeeze(rest.trim_start_matches(BLANKS))),
                None => squeeze(first),
            };
            let expression = text(&expression);
            match expression.0.is_empty() {
                true => Test::Always,
                false => Test::Expression(expression),
            }
        };
        self.condition
    }
}

/// Takes the ends of continued lines out, and the blanks that the next begins
/// with.
fn squeeze(text: &str) -> String {
    let mut lines = text.split("\\\n");
    let mut joined = lines.next().unwrap_or("").to_owned();
    for line in lines {
        joined.push_str(line.trim_start_matches(BLANKS));
    }
    joined
}

/// `NAME ??` at the start of a condition, and what follows.
fn variable_area(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let (name, rest) = leading_name(text);
    let rest = rest.trim_start_matches(BLANKS).strip_prefix("??")?;
    Some((name, rest.trim_start_matches(BLANKS)))
}

/// `w^x` at the start of a condition, and what follows.
fn weight(text: &str) -> Option<(Weight, &str)> {
    let (weight, rest) = text.split_at(float(text)?);
    let rest = rest
        .trim_start_matches(BLANKS)
        .strip_prefix('^')?
        .trim_start();
    let (exponent, rest) = rest.split_at(float(rest)?);
    let weight = Weight {
        weight: Text::literal(weight),
        exponent: Text::literal(exponent),
    };
    Some((weight, rest))
}

/// What a condition begins with that begins with a variable.
enum Mark {
    None,
    /// `$NAME ??`.
    Area,
    /// `$NAME^x`, or `$NAME^$NAME`.
    Weight {
        weight: Weight,
        /// What is left of the last piece that was used.
        rest: String,
        /// How many pieces were used.
        used: usize,
    },
}

fn runtime_weight(pieces: &[Piece]) -> Mark {
    let [first, Piece::Literal(between), more @ ..] = pieces else {
        return Mark::None;
    };
    let between = between.trim_start_matches(BLANKS);
    if between.starts_with("??") {
        return Mark::Area;
    }
    let Some(exponent) = between.strip_prefix('^').map(str::trim_start) else {
        return Mark::None;
    };
    let found = match (float(exponent), more) {
        (Some(length), _) => {
            let (exponent, rest) = exponent.split_at(length);
            Some((Text::literal(exponent), rest, 2))
        }
        (None, [second, Piece::Literal(rest), ..])
            if exponent.is_empty() && rest.starts_with(BLANKS) =>
        {
            Some((Text(vec![second.clone()]), rest.as_str(), 4))
        }
        _ => None,
    };
    match found {
        Some((exponent, rest, used)) => Mark::Weight {
            weight: Weight {
                weight: Text(vec![first.clone()]),
                exponent,
            },
            rest: rest.trim_start_matches(BLANKS).to_owned(),
            used,
        },
        None => Mark::None,
    }
}

/// How long the number is that a text begins with, as strtod(3) reads it.
fn float(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let run = bytes.get(from..).unwrap_or(&[]);
        run.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(sign);
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some(end)
}

/// The whole number a text begins with, where it is known.
fn number(text: Text) -> Text {
    let Some(known) = text.known() else {
        return text;
    };
    let known = known.trim_start();
    let sign = usize::from(known.starts_with(['-', '+']));
    let digits = known[sign..].bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0 => Text::literal("0"),
        digits => Text::literal(known[..sign + digits].trim_start_matches('+')),
    }
}
