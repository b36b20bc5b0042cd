//! In: the commands of a whole script. Out: the same ones without a last
//! `if … { keep; }` that does nothing: a message that no command took stays in
//! the inbox by itself.

use super::{Branch, Tidier, ends};
use crate::sieve::script::{Command, CommandKind};

impl Tidier {
    /// Drops them. `stays`: a message that comes to these commands would be kept
    /// without them.
    pub(super) fn drop_last_keeps(&self, commands: &mut Vec<Command>, stays: bool) {
        while let Some((last, before)) = commands.split_last_mut() {
            let stays = stays && !before.iter().any(may_take);
            let CommandKind::If {
                branches,
                otherwise,
            } = &mut last.kind
            else {
                return;
            };
            for (_, block) in branches.iter_mut() {
                self.of_block(block).drop_last_keeps(block, stays);
            }
            if let Some(block) = otherwise {
                self.drop_last_keeps(block, stays);
                return;
            }
            let idle = |(test, block): &mut Branch| {
                (block.is_empty() || stays && only_keeps(block)) && self.is_pure(test)
            };
            while branches.pop_if(idle).is_some() {}
            if !branches.is_empty() {
                return;
            }
            commands.pop();
        }
    }
}

fn only_keeps(block: &[Command]) -> bool {
    let keeps = |command: &Command| match &command.kind {
        CommandKind::Keep { flags } => flags.is_empty(),
        _ => false,
    };
    matches!(block, [command] if keeps(command))
}

/// Whether a message can come out of a command without being kept by itself.
fn may_take(command: &Command) -> bool {
    match &command.kind {
        CommandKind::FileInto { copy, .. } | CommandKind::Redirect { copy, .. } => !copy,
        CommandKind::Discard | CommandKind::Reject { .. } => true,
        CommandKind::If {
            branches,
            otherwise,
        } => {
            let mut blocks = branches.iter().map(|(_, block)| block).chain(otherwise);
            blocks.any(|block| !ends(block) && block.iter().any(may_take))
        }
        _ => false,
    }
}
