//! In: the pieces of a line. Out: lines that keep within the width, where they
//! can.

use std::borrow::Cow;

/// Columns a line should keep within; a longer string stands on its own line.
pub(super) const WIDTH: usize = 78;
pub(super) const INDENT: usize = 4;
/// Deeper blocks move no further to the right: else the size of a script would
/// grow with the square of its depth.
pub(super) const MOST_INDENT: usize = 32 * INDENT;

/// A piece of a line. A group is written on one line where it fits; else all
/// its breaks become line ends.
pub(super) enum Token {
    Text(Cow<'static, str>),
    Open,
    /// A space in a group on one line (`wide`) or nothing.
    Break {
        wide: bool,
    },
    /// A space, and a line end only where the next word has no room.
    Fill,
    /// The break before the closing bracket.
    Last,
    Close,
}

impl Token {
    pub fn flat(&self) -> &str {
        match self {
            Token::Text(text) => text,
            Token::Break { wide: true } | Token::Fill => " ",
            _ => "",
        }
    }

    /// Columns up to the first line end in it.
    fn width(&self) -> usize {
        let first = self.flat().split('\n').next();
        first.map_or(0, |line| line.chars().count())
    }
}

/// Writes tokens at an indent, breaking the groups that do not fit (outer
/// groups first), and ends the line.
pub(super) fn line(out: &mut String, margin: usize, tokens: &[Token]) {
    let fits_within = group_widths(tokens);
    let mut column = margin;
    out.extend(std::iter::repeat_n(' ', margin));
    let mut broken: Vec<bool> = Vec::new();
    let mut depth = 0;
    for (at, (token, width)) in tokens.iter().zip(fits_within).enumerate() {
        let breaks = match token {
            Token::Break { .. } | Token::Last => broken.last() == Some(&true),
            Token::Fill => broken.last() == Some(&true) && column + word(tokens, at) > WIDTH,
            _ => false,
        };
        match token {
            Token::Open => {
                let breaks = column + width > WIDTH;
                broken.push(breaks);
                depth += usize::from(breaks);
            }
            Token::Close => {
                depth -= usize::from(broken.pop().unwrap_or(false));
            }
            token if breaks => {
                let inner = depth - usize::from(matches!(token, Token::Last));
                column = (margin + INDENT * inner).min(MOST_INDENT);
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', column));
            }
            token => {
                let text = token.flat();
                out.push_str(text);
                column = match text.rsplit_once('\n') {
                    Some((_, last)) => last.chars().count(),
                    None => column + text.chars().count(),
                };
            }
        }
    }
    out.push('\n');
}

/// The columns of the blank at this place and the word behind it, with the
/// comma after that.
fn word(tokens: &[Token], at: usize) -> usize {
    let rest = tokens.get(at + 1..).unwrap_or_default();
    let word = rest
        .iter()
        .take_while(|token| matches!(token, Token::Text(_)));
    1 + word.map(Token::width).sum::<usize>()
}

/// For each group's opening, the columns it takes on one line, with what is
/// glued to its end (the `] {` of an `if`); 0 for other tokens.
fn group_widths(tokens: &[Token]) -> Vec<usize> {
    let mut widths = vec![0; tokens.len()];
    let mut total = 0;
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open => open.push((at, total)),
            Token::Close => {
                if let Some((opened, before)) = open.pop() {
                    widths[opened] = total - before + 3;
                }
            }
            token => total += token.width(),
        }
    }
    widths
}

/// `"a"`, or `["a", "b"]` in a group. Names and other plain words fill their
/// lines; texts stand on a line each.
pub(super) fn list_tokens(strings: Vec<String>) -> Vec<Token> {
    let is_filled = strings.iter().all(|string| is_plain_word(string));
    let mut strings = strings.into_iter();
    let (Some(first), rest) = (strings.next(), strings) else {
        return vec![Token::Text("[]".into())];
    };
    if rest.len() == 0 {
        return vec![Token::Text(first.into())];
    }
    let mut tokens = vec![
        Token::Text("[".into()),
        Token::Open,
        Token::Break { wide: false },
        Token::Text(first.into()),
    ];
    for string in rest {
        tokens.push(Token::Text(",".into()));
        tokens.push(match is_filled {
            true => Token::Fill,
            false => Token::Break { wide: true },
        });
        tokens.push(Token::Text(string.into()));
    }
    tokens.extend([Token::Last, Token::Close, Token::Text("]".into())]);
    tokens
}

/// Whether a quoted string is the name of a field or of an extension, or looks
/// like one.
fn is_plain_word(quoted: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"\"-_*;".contains(&byte);
    quoted.bytes().all(is_plain)
}

/// Words with a blank between them.
#[derive(Default)]
pub(super) struct Line {
    pub tokens: Vec<Token>,
}

impl Line {
    pub fn word(&mut self, word: &str) {
        let space = if self.tokens.is_empty() { "" } else { " " };
        let word = format!("{space}{word}");
        self.tokens.push(Token::Text(word.into()));
    }

    pub fn list(&mut self, strings: Vec<String>) {
        self.tokens.push(Token::Text(" ".into()));
        self.tokens.extend(list_tokens(strings));
    }

    /// Arguments with their tags, each on a line of its own where one line is
    /// too short for all.
    pub fn arguments(&mut self, arguments: Vec<Line>) {
        self.tokens.push(Token::Open);
        for argument in arguments {
            self.tokens.push(Token::Break { wide: true });
            self.tokens.extend(argument.tokens);
        }
        self.tokens.push(Token::Close);
    }

    pub fn end(mut self, mark: &'static str) -> Vec<Token> {
        if !self.tokens.is_empty() {
            self.tokens.push(Token::Text(mark.into()));
        }
        self.tokens
    }
}
