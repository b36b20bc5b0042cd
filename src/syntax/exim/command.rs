//! In: the tokens of a filter. Out: its commands.

use super::condition::whole;
use super::{Argument, Branch, Command, CommandKind, MAX_DEPTH, Reader, Refused, refused, slice};
use crate::syntax::Span;

/// The options of `mail` and `vacation` that have a value.
const OPTIONS: [&str; 12] = [
    "to",
    "cc",
    "bcc",
    "from",
    "reply_to",
    "subject",
    "extra_headers",
    "text",
    "file",
    "log",
    "once",
    "once_repeat",
];

/// What ends a list of commands.
enum End {
    File,
    Elif(Span),
    Else(Span),
    Endif(Span),
}

/// Reads all commands.
pub(super) fn all(mut reader: Reader) -> Result<Vec<Command>, Refused> {
    match list(&mut reader, 0)? {
        (commands, End::File) => Ok(commands),
        (_, End::Elif(span) | End::Else(span) | End::Endif(span)) => {
            Err(refused(span, "this stands outside of any “if”"))
        }
    }
}

fn list(reader: &mut Reader, depth: usize) -> Result<(Vec<Command>, End), Refused> {
    if depth >= MAX_DEPTH {
        return Err(refused(reader.last, "commands nest too deeply"));
    }
    let mut commands = Vec::new();
    loop {
        let Some(first) = reader.peek() else {
            return Ok((commands, End::File));
        };
        let mut span = first.span;
        let mut seen = None;
        let mut marked = false;
        let word = loop {
            let word = word(reader)?;
            match word.as_str() {
                "seen" | "unseen" if seen.is_some() => {
                    return Err(refused(span, "“seen” or “unseen” stands here twice"));
                }
                "seen" | "unseen" => seen = Some(word == "seen"),
                "noerror" => marked = true,
                _ => break word,
            }
        };
        if (marked || seen.is_some())
            && matches!(word.as_str(), "if" | "elif" | "else" | "endif" | "add")
        {
            return Err(refused(
                span,
                format!("“seen”, “unseen” or “noerror” stands before “{word}”"),
            ));
        }
        let kind = match word.as_str() {
            "elif" => return Ok((commands, End::Elif(span))),
            "else" => return Ok((commands, End::Else(span))),
            "endif" => return Ok((commands, End::Endif(span))),
            "if" => conditional(reader, span, depth)?,
            name => command(reader, name)?,
        };
        span.end = match &kind {
            CommandKind::If { branches, .. } => {
                branches.first().map_or(span.end, |first| first.span.end)
            }
            _ => reader.last.end,
        };
        commands.push(Command { span, seen, kind });
    }
}

/// The next word of a command. `if` and `elif` may have a parenthesis at once
/// behind them.
fn word(reader: &mut Reader) -> Result<String, Refused> {
    if reader.take("if") {
        return Ok("if".to_owned());
    }
    if reader.take("elif") {
        return Ok("elif".to_owned());
    }
    match reader.argument()? {
        Some(argument) => Ok(slice(reader.text, argument.span).to_owned()),
        None => Err(refused(reader.last, "a command is missing here")),
    }
}

fn conditional(reader: &mut Reader, start: Span, depth: usize) -> Result<CommandKind, Refused> {
    let mut branches = Vec::new();
    let mut otherwise = Vec::new();
    let mut marks = Vec::new();
    let mut span = start;
    loop {
        let condition = whole(reader)?;
        span.end = reader.last.end;
        let (commands, end) = list(reader, depth + 1)?;
        branches.push(Branch {
            span,
            condition,
            commands,
        });
        match end {
            End::Elif(next) => span = next,
            End::Endif(mark) => {
                marks.push(mark);
                break;
            }
            End::Else(mark) => {
                let (commands, end) = list(reader, depth + 1)?;
                let End::Endif(last) = end else {
                    return Err(refused(mark, "“endif” is missing behind this “else”"));
                };
                otherwise = commands;
                marks.extend([mark, last]);
                break;
            }
            End::File => return Err(refused(span, "“endif” is missing to this “if”")),
        }
    }
    Ok(CommandKind::If {
        branches,
        otherwise,
        marks,
    })
}

fn command(reader: &mut Reader, name: &str) -> Result<CommandKind, Refused> {
    Ok(match name {
        "deliver" => {
            let to = required(reader, name)?;
            let errors_to = match reader.take("errors_to") {
                true => Some(required(reader, "errors_to")?),
                false => None,
            };
            CommandKind::Deliver { to, errors_to }
        }
        "save" => {
            let path = required(reader, name)?;
            mode(reader);
            CommandKind::Save(path)
        }
        "logfile" => {
            required(reader, name)?;
            mode(reader);
            CommandKind::Note
        }
        "logwrite" | "testprint" => {
            required(reader, name)?;
            CommandKind::Note
        }
        "pipe" => CommandKind::Pipe(required(reader, name)?),
        "add" => {
            required(reader, name)?;
            if !reader.take("to") {
                return Err(refused(reader.last, "“to” is missing behind “add”"));
            }
            required(reader, name)?;
            CommandKind::Add
        }
        "headers" => match required(reader, name)?.text.as_str() {
            "charset" => {
                required(reader, name)?;
                CommandKind::Note
            }
            "add" | "remove" => return Err(of_host(reader, name)),
            _ => return Err(refused(reader.last, "“headers” needs “charset”")),
        },
        "finish" => CommandKind::Finish,
        "fail" => {
            reason(reader)?;
            CommandKind::Fail
        }
        "freeze" | "defer" => return Err(of_host(reader, name)),
        "mail" | "vacation" => mail(reader, name == "vacation")?,
        _ => {
            return Err(refused(
                reader.last,
                format!("“{name}” is no filter command"),
            ));
        }
    })
}

/// What stands in no filter of a user.
fn of_host(reader: &Reader, name: &str) -> Refused {
    refused(
        reader.last,
        format!("“{name}” is for the filter of the whole host"),
    )
}

fn required(reader: &mut Reader, name: &str) -> Result<Argument, Refused> {
    match reader.argument()? {
        Some(argument) if !argument.text.is_empty() => Ok(argument),
        _ => Err(refused(
            reader.last,
            format!("“{name}” lacks what it is about"),
        )),
    }
}

/// The mode of a file, a number behind its name.
fn mode(reader: &mut Reader) {
    let text = reader.text;
    if let Some(token) = reader.peek()
        && slice(text, token.span).starts_with(|c: char| c.is_ascii_digit())
    {
        let _ = reader.argument();
    }
}

/// `text "…"`, or a text in quotes.
fn reason(reader: &mut Reader) -> Result<(), Refused> {
    let is_quoted = reader
        .peek()
        .is_some_and(|token| token.kind == super::TokenKind::Quoted);
    if is_quoted || reader.take("text") {
        reader.argument()?;
    }
    Ok(())
}

fn mail(reader: &mut Reader, vacation: bool) -> Result<CommandKind, Refused> {
    let mut options = Vec::new();
    let mut expand = false;
    let mut returns = false;
    loop {
        if reader.take("return") {
            if !reader.take("message") {
                return Err(refused(reader.last, "“return” without “message” behind it"));
            }
            returns = true;
            continue;
        }
        let is_expanded = reader.take("expand");
        expand |= is_expanded;
        let option = OPTIONS.iter().find(|option| reader.take(option));
        if is_expanded && option != Some(&"file") {
            return Err(refused(reader.last, "“expand” without “file” behind it"));
        }
        let Some(option) = option else {
            break;
        };
        let value = reader.argument()?;
        let value =
            value.ok_or_else(|| refused(reader.last, format!("“{option}” lacks a text")))?;
        options.push(((*option).to_owned(), value));
    }
    Ok(CommandKind::Mail {
        vacation,
        options,
        expand,
        returns,
    })
}
