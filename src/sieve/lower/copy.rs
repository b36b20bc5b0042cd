//! In: commands for a server that has no `:copy` (RFC 3894). Out: commands that
//! do the same without: a message of which only copies went elsewhere is kept in
//! so many words where its way ends.

use super::action::keep;
use crate::sieve::script::{Command, CommandKind};

/// What was done with a message on the way to a command.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    /// A copy may have been filed or sent, by which it is not kept by itself.
    copied: bool,
    /// The message itself was filed, sent, kept or thrown away, on every way.
    taken: bool,
}

impl Done {
    fn either(self, other: Done) -> Done {
        Done {
            copied: self.copied || other.copied,
            taken: self.taken && other.taken,
        }
    }

    fn leaves_message(self) -> bool {
        self.copied && !self.taken
    }
}

/// Takes `:copy` off all commands.
pub(super) fn without_copy(commands: &mut Vec<Command>) {
    if let Some(done) = within(commands, Done::default())
        && done.leaves_message()
    {
        commands.push(keep());
    }
}

/// `None` where no message comes out of the commands.
fn within(commands: &mut Vec<Command>, mut done: Done) -> Option<Done> {
    let mut at = 0;
    while let Some(command) = commands.get_mut(at) {
        match &mut command.kind {
            CommandKind::FileInto { copy, .. } | CommandKind::Redirect { copy, .. } => {
                match std::mem::take(copy) {
                    true => done.copied = true,
                    false => done.taken = true,
                }
            }
            CommandKind::Keep { .. } | CommandKind::Discard | CommandKind::Reject { .. } => {
                done.taken = true;
            }
            CommandKind::Stop => {
                if done.leaves_message() {
                    commands.insert(at, keep());
                }
                return None;
            }
            CommandKind::If {
                branches,
                otherwise,
            } => {
                let before = done;
                let passes = otherwise.is_none().then_some(before);
                let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
                let ways = blocks.filter_map(|block| within(block, before));
                done = ways.chain(passes).reduce(Done::either)?;
            }
            _ => {}
        }
        at += 1;
    }
    Some(done)
}
