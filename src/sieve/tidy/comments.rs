//! In: commands that become one. Out: the comments of all, each once.

use crate::sieve::script::{Command, CommandKind};
use std::collections::HashSet;

/// Puts comments above the first command.
pub(super) fn add_comments(block: &mut [Command], comments: Vec<String>) {
    if let Some(first) = block.first_mut() {
        let below = std::mem::replace(&mut first.comments, comments);
        add_new(&mut first.comments, below);
    }
}

/// Takes over the comments of a block that does the same.
pub(super) fn absorb_comments(block: &mut [Command], other: Vec<Command>) {
    for (command, other) in block.iter_mut().zip(other) {
        add_new(&mut command.comments, other.comments);
        if let (
            CommandKind::If {
                branches,
                otherwise,
            },
            CommandKind::If {
                branches: more,
                otherwise: rest,
            },
        ) = (&mut command.kind, other.kind)
        {
            let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
            let others = more.into_iter().map(|(_, block)| block).chain(rest);
            for (block, other) in blocks.zip(others) {
                absorb_comments(block, other);
            }
        }
    }
}

/// What one statement does in several commands has its comment once.
pub(super) fn drop_repeated_comments(commands: &mut [Command]) {
    let mut above: &[String] = &[];
    for command in commands {
        if command.comments == above && !matches!(command.kind, CommandKind::If { .. }) {
            command.comments.clear();
        } else if !command.comments.is_empty() {
            above = &command.comments;
        }
    }
}

pub(super) fn add_new(comments: &mut Vec<String>, more: Vec<String>) {
    let known: HashSet<String> = comments.iter().cloned().collect();
    comments.extend(more.into_iter().filter(|comment| !known.contains(comment)));
}
