//! In: the tokens behind `if`. Out: the condition up to its `then`.

use super::{Argument, MAX_DEPTH, Reader, Refused, TokenKind, refused, slice};

/// A condition of an Exim filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `and`.
    All(Vec<Condition>),
    /// `or`.
    Any(Vec<Condition>),
    /// `not`.
    Not(Box<Condition>),
    /// `text contains text` and the like.
    Compare {
        /// What is looked at.
        left: Argument,
        /// How.
        by: Comparison,
        /// The name of the comparison was in capitals.
        case: bool,
        /// What it is held against.
        right: Argument,
    },
    /// `personal`, with its aliases.
    Personal(Vec<Argument>),
    /// `delivered`.
    Delivered,
    /// `error_message`.
    ErrorMessage,
    /// `first_delivery`.
    FirstDelivery,
    /// `manually_thawed`.
    ManuallyThawed,
    /// `foranyaddress text (condition)`.
    ForAnyAddress(Argument, Box<Condition>),
}

/// How two texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `begins`.
    Begins,
    /// `contains`.
    Contains,
    /// `ends`.
    Ends,
    /// `is`.
    Is,
    /// `matches`.
    Matches,
    /// `above`.
    Above,
    /// `below`.
    Below,
}

/// What stands behind a condition.
enum End {
    Then,
    Close,
}

/// Reads a condition and its `then`.
pub(super) fn whole(reader: &mut Reader) -> Result<Condition, Refused> {
    match any(reader, 0)? {
        (condition, End::Then) => Ok(condition),
        (_, End::Close) => Err(refused(reader.last, "a “)” without “(”")),
    }
}

/// Conditions joined by `and` and `or`; `and` binds more tightly.
fn any(reader: &mut Reader, depth: usize) -> Result<(Condition, End), Refused> {
    if depth >= MAX_DEPTH {
        return Err(refused(reader.last, "conditions nest too deeply"));
    }
    let mut sums = Vec::new();
    let mut product = vec![one(reader, depth)?];
    let end = loop {
        if reader.peek().map(|token| token.kind) == Some(TokenKind::Close) {
            reader.next();
            break End::Close;
        }
        // A parenthesis does not end this word.
        let Some(word) = reader.argument()? else {
            return Err(refused(reader.last, "“then” is missing"));
        };
        match slice(reader.text, word.span) {
            "and" => product.push(one(reader, depth)?),
            "or" => {
                sums.push(joined(std::mem::take(&mut product), Condition::All));
                product.push(one(reader, depth)?);
            }
            "then" => break End::Then,
            _ => return Err(refused(reader.last, "“and”, “or” or “then” is missing")),
        }
    };
    sums.push(joined(product, Condition::All));
    Ok((joined(sums, Condition::Any), end))
}

fn joined(mut conditions: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            conditions.extend(last);
            join(conditions)
        }
    }
}

fn one(reader: &mut Reader, depth: usize) -> Result<Condition, Refused> {
    let mut negated = false;
    loop {
        if reader.take("not") {
            negated = !negated;
            continue;
        }
        let condition = match reader.peek().map(|token| token.kind) {
            Some(TokenKind::Open) => group(reader, depth)?,
            _ => simple(reader, depth)?,
        };
        return Ok(match negated {
            true => Condition::Not(Box::new(condition)),
            false => condition,
        });
    }
}

/// `( … )`.
fn group(reader: &mut Reader, depth: usize) -> Result<Condition, Refused> {
    reader.next();
    match any(reader, depth + 1)? {
        (condition, End::Close) => Ok(condition),
        (_, End::Then) => Err(refused(reader.last, "a “)” is missing before “then”")),
    }
}

fn simple(reader: &mut Reader, depth: usize) -> Result<Condition, Refused> {
    let missing = |reader: &Reader| refused(reader.last, "a condition is missing");
    let left = reader.operand()?.ok_or_else(|| missing(reader))?;
    Ok(match left.text.as_str() {
        "then" => return Err(missing(reader)),
        "delivered" => Condition::Delivered,
        "error_message" => Condition::ErrorMessage,
        "first_delivery" => Condition::FirstDelivery,
        "manually_thawed" => Condition::ManuallyThawed,
        "personal" => {
            let mut aliases = Vec::new();
            while reader.take("alias") {
                aliases.extend(reader.operand()?);
            }
            Condition::Personal(aliases)
        }
        "foranyaddress" => {
            let list = reader.operand()?.ok_or_else(|| missing(reader))?;
            match reader.peek().map(|token| token.kind) {
                Some(TokenKind::Open) => {
                    Condition::ForAnyAddress(list, Box::new(group(reader, depth)?))
                }
                _ => return Err(refused(list.span, "“(” is missing behind “foranyaddress”")),
            }
        }
        _ => comparison(reader, left)?,
    })
}

/// The rest of a comparison: `is`, `is not`, `does not contain` and so on.
fn comparison(reader: &mut Reader, left: Argument) -> Result<Condition, Refused> {
    let mut negated = false;
    let mut found = None;
    let mut word = name(reader);
    if word.eq_ignore_ascii_case("does") || word.eq_ignore_ascii_case("is") {
        reader.next();
        if word.eq_ignore_ascii_case("is") {
            found = Some((Comparison::Is, word.starts_with('I')));
        }
        word = name(reader);
        if word.eq_ignore_ascii_case("not") {
            negated = true;
            reader.next();
            word = name(reader);
        }
    }
    if let Some(known) = known(&word) {
        reader.next();
        found = Some(known);
    }
    let Some((by, case)) = found else {
        return Err(refused(
            reader.last,
            format!("“{word}” is not a comparison"),
        ));
    };
    let right = reader.operand()?;
    let right = right.ok_or_else(|| refused(reader.last, "a comparison lacks its second text"))?;
    let condition = Condition::Compare {
        left,
        by,
        case,
        right,
    };
    Ok(match negated {
        true => Condition::Not(Box::new(condition)),
        false => condition,
    })
}

/// The next word, without taking it.
fn name(reader: &mut Reader) -> String {
    match reader.peek() {
        Some(token) if token.kind == TokenKind::Word => slice(reader.text, token.span).to_owned(),
        _ => String::new(),
    }
}

fn known(word: &str) -> Option<(Comparison, bool)> {
    let by = match word.to_ascii_lowercase().as_str() {
        "begin" | "begins" => Comparison::Begins,
        "contain" | "contains" => Comparison::Contains,
        "end" | "ends" => Comparison::Ends,
        "is" => Comparison::Is,
        "match" | "matches" => Comparison::Matches,
        "above" => return (word == "above").then_some((Comparison::Above, false)),
        "below" => return (word == "below").then_some((Comparison::Below, false)),
        _ => return None,
    };
    let upper = word.chars().all(|c| c.is_ascii_uppercase());
    let lower = word.chars().all(|c| c.is_ascii_lowercase());
    (upper || lower).then_some((by, upper))
}
