//! In: a home that shows something, and a message. Out: every home, and every
//! message, that is smaller by one part.

use super::{Action, Home, Rules, Statement};
use crate::oracle::messages::Message;

/// Homes with one part less.
pub fn smaller_homes(home: &Home) -> Vec<Home> {
    let mut smaller = Vec::new();
    for (at, rules) in home.0.iter().enumerate() {
        for statements in smaller_lists(&rules.0) {
            let mut next = home.clone();
            next.0[at] = Rules(statements);
            smaller.push(next);
        }
    }
    smaller
}

fn smaller_lists(statements: &[Statement]) -> Vec<Vec<Statement>> {
    let mut smaller = Vec::new();
    let mut replace = |at: usize, by: Vec<Statement>| {
        let mut next = statements.to_vec();
        next.splice(at..=at, by);
        smaller.push(next);
    };
    for at in 0..statements.len() {
        replace(at, Vec::new());
    }
    for (at, statement) in statements.iter().enumerate() {
        if let Statement::Recipe {
            action: Action::Block(inner),
            ..
        } = statement
        {
            replace(at, inner.clone());
        }
    }
    for (at, statement) in statements.iter().enumerate() {
        for next in smaller_statements(statement) {
            replace(at, vec![next]);
        }
    }
    smaller
}

fn smaller_statements(statement: &Statement) -> Vec<Statement> {
    let Statement::Recipe {
        flags,
        conditions,
        action,
    } = statement
    else {
        return Vec::new();
    };
    let with = |flags: &str, conditions: Vec<String>, action: Action| Statement::Recipe {
        flags: flags.to_string(),
        conditions,
        action,
    };
    let mut smaller = Vec::new();
    for at in 0..conditions.len() {
        let mut fewer = conditions.clone();
        fewer.remove(at);
        smaller.push(with(flags, fewer, action.clone()));
    }
    for (at, _) in flags.char_indices() {
        let mut fewer = flags.clone();
        fewer.remove(at);
        smaller.push(with(&fewer, conditions.clone(), action.clone()));
    }
    match action {
        Action::Block(inner) => {
            for inner in smaller_lists(inner) {
                smaller.push(with(flags, conditions.clone(), Action::Block(inner)));
            }
        }
        Action::Line(line) if line != "one" && !flags.contains('f') => {
            let one = Action::Line("one".to_string());
            smaller.push(with(flags, conditions.clone(), one));
        }
        Action::Line(_) => {}
    }
    smaller
}

/// Messages with one line less; what a copy of them is known by stays.
pub fn smaller_messages(message: &Message) -> Vec<Message> {
    let lines: Vec<&[u8]> = message
        .content
        .split_inclusive(|&byte| byte == b'\n')
        .collect();
    let last = lines.iter().rposition(|line| line.len() > 9).unwrap_or(0);
    (0..last)
        .filter(|&at| lines[at] != b"\n" && !lines[at].starts_with(b"Message-ID:"))
        .map(|at| {
            let kept = lines.iter().enumerate().filter(|(line, _)| *line != at);
            Message {
                content: kept.flat_map(|(_, line)| line.to_vec()).collect(),
                ..message.clone()
            }
        })
        .collect()
}
