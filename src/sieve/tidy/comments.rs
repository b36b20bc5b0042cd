//! In: commands that become one. Out: the comments of all, each once.

use crate::sieve::script::{Command, CommandKind};
use std::collections::HashSet;

/// Puts comments above the first command.
pub(super) fn add_comments(block: &mut [Command], comments: Vec<String>) {
    if !comments.is_empty()
        && let Some(first) = block.first_mut()
    {
        let below = std::mem::replace(&mut first.comments, comments);
        add_new(&mut first.comments, below);
    }
}

/// Takes over the comments of blocks that do the same.
pub(super) fn absorb_comments(block: &mut [Command], others: Vec<Vec<Command>>) {
    if others.is_empty() {
        return;
    }
    let mut others: Vec<_> = others.into_iter().map(Vec::into_iter).collect();
    for command in block {
        let alike = others.iter_mut().filter_map(Iterator::next);
        let (comments, kinds): (Vec<_>, Vec<_>) = alike
            .map(|command| (command.comments, command.kind))
            .unzip();
        add_new(&mut command.comments, comments.into_iter().flatten());
        let mut inner: Vec<_> = kinds.into_iter().map(into_blocks).collect();
        if let CommandKind::If {
            branches,
            otherwise,
        } = &mut command.kind
        {
            for block in branches.iter_mut().map(|(_, block)| block).chain(otherwise) {
                let others = inner.iter_mut().filter_map(Iterator::next).collect();
                absorb_comments(block, others);
            }
        }
    }
}

fn into_blocks(kind: CommandKind) -> impl Iterator<Item = Vec<Command>> {
    let (branches, otherwise) = match kind {
        CommandKind::If {
            branches,
            otherwise,
        } => (branches, otherwise),
        _ => (Vec::new(), None),
    };
    let blocks = branches.into_iter().map(|(_, block)| block);
    blocks.chain(otherwise)
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

pub(super) fn add_new(comments: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    let mut more = more.into_iter().peekable();
    if more.peek().is_none() {
        return;
    }
    let mut known: HashSet<String> = comments.iter().cloned().collect();
    comments.extend(more.filter(|comment| known.insert(comment.clone())));
}
