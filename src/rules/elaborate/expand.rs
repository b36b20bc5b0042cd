//! In: words in procmail's shell quoting, and the variables. Out: [`Text`]:
//! quotes taken off, what is known put in, what is not left as pieces.

use super::variables::{Growth, Value, Variables, too_long};
use crate::rules::expression::is_special;
use crate::rules::model::{Piece, Text};
use crate::rules::program;
use crate::syntax::leading_name;

/// Braces in braces that become pieces in pieces; nobody writes more than two.
const MAX_BRACES: usize = 16;

/// How words are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    /// Into words, at blanks and at those in values.
    Words,
    /// Not at all: it ends at the first blank (the value of an assignment).
    First,
    /// Not at all: blanks outside quotes become one (a condition).
    Joined,
}

/// The words of a header or a forward.
pub fn words(input: &str, variables: &Variables) -> Vec<Text> {
    Expander::new(input, variables, Split::Words).run()
}

/// The words of a mailbox line. The name that it begins with is read first, as it
/// may be one that is assigned: what follows is read as if nothing stood before.
pub fn mailbox((name, rest): (&str, &str), variables: &Variables) -> Vec<Text> {
    let mut expander = Expander::new(rest, variables, Split::Words);
    expander.literal.push_str(name);
    if !name.is_empty() && rest.starts_with([' ', '\t']) {
        expander.state = State::Word;
    }
    expander.run()
}

/// The value of an assignment.
pub fn value(input: &str, variables: &Variables) -> Text {
    joined_words(Expander::new(input, variables, Split::First).run())
}

/// A condition whose quotes and variables count (`< n`).
pub fn condition(input: &str, variables: &Variables) -> Text {
    joined_words(Expander::new(input, variables, Split::Joined).run())
}

/// A condition behind a `$`: as if a double quote stood before it.
pub fn quoted_condition(input: &str, variables: &Variables) -> Text {
    let mut expander = Expander::new(input, variables, Split::Joined);
    expander.state = State::Double;
    joined_words(expander.run())
}

fn joined_words(words: Vec<Text>) -> Text {
    words.into_iter().next().unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No word has begun.
    Nothing,
    /// Behind a word.
    Blank,
    /// In a word.
    Word,
    /// In double quotes.
    Double,
    /// In single quotes.
    Single,
}

impl State {
    fn is_quoted(self) -> bool {
        matches!(self, State::Double | State::Single)
    }

    fn is_in_word(self) -> bool {
        !matches!(self, State::Nothing | State::Blank)
    }
}

/// An open `${NAME:-…`.
enum Brace {
    /// Its text is taken.
    Taken,
    /// Its text is left out.
    Skipped { outer: State },
    /// Which of the two is known when a message is there.
    Open {
        name: String,
        colon: bool,
        alternative: bool,
        /// What stands before it.
        before: Text,
    },
}

struct Expander<'a> {
    rest: &'a str,
    variables: &'a Variables,
    split: Split,
    state: State,
    words: Vec<Text>,
    word: Text,
    literal: String,
    braces: Vec<Brace>,
    /// How many of the braces are [`Brace::Skipped`].
    skipped: usize,
    /// How many are [`Brace::Open`].
    open: usize,
    /// How many were open where the double quotes began.
    braces_at_quote: usize,
    growth: Growth,
    is_too_long: bool,
}

impl<'a> Expander<'a> {
    fn new(input: &'a str, variables: &'a Variables, split: Split) -> Self {
        Expander {
            rest: input,
            variables,
            split,
            state: State::Nothing,
            words: Vec::new(),
            word: Text::default(),
            literal: String::new(),
            braces: Vec::new(),
            skipped: 0,
            open: 0,
            braces_at_quote: 0,
            growth: Growth::default(),
            is_too_long: false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    /// The value of a variable; none once there would be too much text.
    fn value(&mut self, name: &str) -> Value {
        let value = match self.is_too_long {
            true => None,
            false => self.variables.put_in(name, &mut self.growth),
        };
        self.is_too_long = value.is_none();
        value.unwrap_or(Value::Unset)
    }

    fn name(&mut self) -> &'a str {
        let (name, rest) = leading_name(self.rest);
        self.rest = rest;
        name
    }

    fn character(&mut self, c: char) {
        if self.skipped == 0 {
            self.literal.push(c);
        }
        if !self.state.is_in_word() {
            self.state = State::Word;
        }
    }

    fn piece(&mut self, piece: Piece) {
        if self.skipped == 0 {
            self.flush();
            self.word.push(piece);
        }
    }

    fn flush(&mut self) {
        let literal = std::mem::take(&mut self.literal);
        self.word.push(Piece::Literal(literal));
    }

    fn end_word(&mut self) {
        self.flush();
        self.words.push(std::mem::take(&mut self.word));
    }

    fn run(mut self) -> Vec<Text> {
        while !self.is_too_long
            && let Some(c) = self.next()
        {
            match c {
                '\\' if self.state != State::Single => {
                    let Some(quoted) = self.next() else { break };
                    self.backslash(quoted);
                }
                '`' if self.state != State::Single => self.backquote(),
                '"' => match self.state {
                    State::Double if self.braces_at_quote < self.braces.len() => self.character(c),
                    State::Double => self.state = State::Word,
                    State::Single => self.character(c),
                    _ => {
                        self.braces_at_quote = self.braces.len();
                        self.state = State::Double;
                    }
                },
                '\'' => match self.state {
                    State::Double => self.character(c),
                    State::Single => self.state = State::Word,
                    _ => self.state = State::Single,
                },
                '}' if self.closes_brace() => self.close_brace(),
                '#' if !self.state.is_in_word() => break,
                '$' if self.state != State::Single => self.dollar(),
                ' ' | '\t' if !self.state.is_quoted() => {
                    if self.state == State::Word {
                        match self.split {
                            Split::First => break,
                            Split::Joined => self.literal.push(' '),
                            Split::Words if self.open > 0 => self.literal.push(' '),
                            Split::Words if self.skipped == 0 => self.end_word(),
                            Split::Words => {}
                        }
                        self.state = State::Blank;
                    }
                }
                '\n' if !self.state.is_quoted() => break,
                c => self.character(c),
            }
        }
        if self.is_too_long {
            return vec![too_long()];
        }
        while !self.braces.is_empty() {
            self.close_brace();
        }
        if self.state != State::Blank || self.split != Split::Words {
            self.end_word();
        }
        self.words
    }

    fn backslash(&mut self, quoted: char) {
        let literal = match quoted {
            '\n' => return,
            '#' => !self.state.is_in_word(),
            ' ' | '\t' | '\'' => self.state != State::Double,
            '"' | '\\' | '$' | '`' => true,
            '}' => self.closes_brace() || !self.state.is_quoted(),
            _ => !self.state.is_quoted(),
        };
        if !literal {
            self.character('\\');
        }
        self.character(quoted);
    }

    fn backquote(&mut self) {
        let in_double = self.state == State::Double;
        let mut command = String::new();
        while let Some(c) = self.next() {
            match c {
                '"' if in_double => break,
                '`' => break,
                '\\' => match self.next() {
                    None => break,
                    Some('\n') => {}
                    Some('"') if in_double => command.push('"'),
                    Some(c @ ('\\' | '$' | '`')) => command.push(c),
                    Some(c) => {
                        command.push('\\');
                        command.push(c);
                    }
                },
                c => command.push(c),
            }
        }
        let command = super::command::expand(&command, self.variables);
        let known = command.known();
        let output = known.and_then(|text| self.variables.output(text));
        let output = output.or_else(|| program::text_printed(&command).map(Piece::Literal));
        let output = output.unwrap_or(Piece::Command(command));
        self.put(Value::Text(Text(vec![output])));
        if !in_double && self.state == State::Nothing {
            self.state = State::Word;
        }
    }

    fn closes_brace(&self) -> bool {
        match self.state {
            State::Double => self.braces.len() > self.braces_at_quote,
            State::Single => false,
            _ => !self.braces.is_empty(),
        }
    }

    fn open_brace(&mut self, name: &str, colon: bool, alternative: bool) {
        let brace = if self.skipped > 0 {
            Brace::Taken
        } else {
            match self.value(name) {
                value if value.runtime(name).is_some() && self.open < MAX_BRACES => {
                    self.flush();
                    self.open += 1;
                    Brace::Open {
                        name: value.runtime(name).unwrap_or(name).to_owned(),
                        colon,
                        alternative,
                        before: std::mem::take(&mut self.word),
                    }
                }
                value if value.runtime(name).is_some() => {
                    self.piece(Piece::Opaque(format!("${{{name}}}")));
                    self.skip_brace()
                }
                value => {
                    let has_value = match &value {
                        Value::Text(text) => !colon || text.known() != Some(""),
                        _ => false,
                    };
                    if !alternative && has_value {
                        self.put(value);
                    }
                    match alternative == has_value {
                        true => Brace::Taken,
                        false => self.skip_brace(),
                    }
                }
            }
        };
        self.braces.push(brace);
    }

    fn skip_brace(&mut self) -> Brace {
        self.skipped += 1;
        Brace::Skipped { outer: self.state }
    }

    fn close_brace(&mut self) {
        match self.braces.pop() {
            Some(Brace::Skipped { outer }) => {
                self.skipped -= 1;
                self.state = outer;
            }
            Some(Brace::Open {
                name,
                colon,
                alternative,
                before,
            }) => {
                self.flush();
                let text = std::mem::replace(&mut self.word, before);
                self.open -= 1;
                self.word.push(match alternative {
                    true => Piece::Alternative { name, colon, text },
                    false => Piece::Default { name, colon, text },
                });
                if !self.state.is_in_word() {
                    self.state = State::Word;
                }
            }
            Some(Brace::Taken) | None => {}
        }
    }

    /// What follows a `$`.
    fn dollar(&mut self) {
        let Some(c) = self.rest.chars().next() else {
            self.character('$');
            return;
        };
        match c {
            '{' => {
                self.next();
                let name = self.name();
                match self.next() {
                    Some(':') => match self.next() {
                        Some('-') => self.open_brace(name, true, false),
                        Some('+') => self.open_brace(name, true, true),
                        _ => {}
                    },
                    Some('-') => self.open_brace(name, false, false),
                    Some('+') => self.open_brace(name, false, true),
                    Some('}') => self.variable(name),
                    _ => {}
                }
            }
            '0'..='9' => {
                let name = &self.rest[..1];
                self.next();
                self.variable(name);
            }
            '$' | '?' | '#' | '=' | '_' => {
                let name = &self.rest[..1];
                self.next();
                self.variable(name);
            }
            '-' => {
                self.next();
                self.variable("LASTFOLDER");
            }
            '@' => match self.state {
                State::Double => {
                    self.next();
                    self.arguments();
                }
                _ => {
                    self.next();
                    self.character('@');
                }
            },
            '\\' => {
                self.next();
                let name = self.name();
                if name.is_empty() {
                    self.character('$');
                    if let Some(quoted) = self.next() {
                        self.backslash(quoted);
                    }
                } else {
                    self.quoted_variable(name);
                }
            }
            _ => {
                let name = self.name();
                match name {
                    "" => self.character('$'),
                    name => self.variable(name),
                }
            }
        }
    }

    fn arguments(&mut self) {
        for number in 1..=self.variables.arguments() {
            if number > 1 {
                self.character(' ');
            }
            let name = number.to_string();
            self.variable(&name);
        }
    }

    fn variable(&mut self, name: &str) {
        match self.value(name) {
            Value::Runtime => {
                let name = name.to_owned();
                let keeps_blanks = self.split == Split::Words && self.state == State::Double;
                self.piece(match keeps_blanks {
                    true => Piece::Default {
                        name,
                        colon: false,
                        text: Text::default(),
                    },
                    false => Piece::Variable(name),
                });
                if !self.state.is_in_word() {
                    self.state = State::Word;
                }
            }
            value => self.put(value),
        }
    }

    fn put(&mut self, value: Value) {
        let Value::Text(text) = value else {
            if self.split != Split::Words && !self.state.is_in_word() {
                self.state = State::Word;
            }
            return;
        };
        let splits = self.split == Split::Words && self.state != State::Double;
        for piece in text.0 {
            match piece {
                Piece::Literal(text) if splits => text.chars().for_each(|c| match c {
                    ' ' | '\t' | '\n' if self.skipped > 0 || self.open > 0 => self.character(c),
                    ' ' | '\t' | '\n' if self.state == State::Word => {
                        self.end_word();
                        self.state = State::Blank;
                    }
                    ' ' | '\t' | '\n' => {}
                    c => self.character(c),
                }),
                Piece::Literal(text) => text.chars().for_each(|c| self.character(c)),
                piece => {
                    self.piece(piece);
                    if !self.state.is_in_word() {
                        self.state = State::Word;
                    }
                }
            }
        }
        if self.split != Split::Words && !self.state.is_in_word() {
            self.state = State::Word;
        }
    }

    fn quoted_variable(&mut self, name: &str) {
        let starts = self.literal.is_empty() && self.word.0.is_empty();
        match self.value(name) {
            Value::Runtime => self.piece(Piece::Quoted(name.to_owned())),
            value => {
                let text = match value {
                    Value::Text(text) => text,
                    _ => Text::default(),
                };
                // The empty group keeps the first character of the value from
                // being read as a mark, or as what the character before asks
                // for; elsewhere the expression is the same without it.
                if starts || text.0.is_empty() {
                    self.character('(');
                    self.character(')');
                }
                for piece in text.0 {
                    match piece {
                        Piece::Literal(text) => text.chars().for_each(|c| {
                            if is_special(c) {
                                self.character('\\');
                            }
                            self.character(c);
                        }),
                        piece => self.piece(piece),
                    }
                }
            }
        }
        if !self.state.is_in_word() {
            self.state = State::Word;
        }
    }
}
