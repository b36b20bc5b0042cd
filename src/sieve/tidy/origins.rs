//! In: commands that become one. Out: the origins of all, each once.

use crate::sieve::origin::Origin;
use crate::sieve::script::{Command, CommandKind};
use std::collections::HashSet;

/// Puts origins above the first command.
pub(super) fn add_origins(block: &mut [Command], origins: Vec<Origin>) {
    if !origins.is_empty()
        && let Some(first) = block.first_mut()
    {
        let below = std::mem::replace(&mut first.origins, origins);
        add_new(&mut first.origins, below);
    }
}

/// Takes over the origins of blocks that do the same.
pub(super) fn absorb_origins(block: &mut [Command], others: Vec<Vec<Command>>) {
    if others.is_empty() {
        return;
    }
    let mut others: Vec<_> = others.into_iter().map(Vec::into_iter).collect();
    for command in block {
        let alike = others.iter_mut().filter_map(Iterator::next);
        let (origins, kinds): (Vec<_>, Vec<_>) =
            alike.map(|command| (command.origins, command.kind)).unzip();
        add_new(&mut command.origins, origins.into_iter().flatten());
        let mut inner: Vec<_> = kinds.into_iter().map(into_blocks).collect();
        if let CommandKind::If {
            branches,
            otherwise,
        } = &mut command.kind
        {
            for block in branches.iter_mut().map(|(_, block)| block).chain(otherwise) {
                let others = inner.iter_mut().filter_map(Iterator::next).collect();
                absorb_origins(block, others);
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

/// What one statement does in several commands is named once.
pub(super) fn drop_repeated_origins(commands: &mut [Command]) {
    let mut above: &[Origin] = &[];
    for command in commands {
        let is_same = command
            .origins
            .iter()
            .map(Origin::place)
            .eq(above.iter().map(Origin::place));
        if is_same && !matches!(command.kind, CommandKind::If { .. }) {
            command.origins.clear();
        } else if !command.origins.is_empty() {
            above = &command.origins;
        }
    }
}

pub(super) fn add_new(origins: &mut Vec<Origin>, more: impl IntoIterator<Item = Origin>) {
    let mut more = more.into_iter().peekable();
    if more.peek().is_none() {
        return;
    }
    let mut known: HashSet<Origin> = origins.iter().copied().collect();
    origins.extend(more.filter(|origin| known.insert(*origin)));
}
