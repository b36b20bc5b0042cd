//! In: a script, and the limits of its target. Out: a script within them, and
//! findings about what had to go.

use super::{Lowering, manual};
use crate::report::code::Code;
use crate::sieve::limits::{Limit, over_limits};
use crate::sieve::script::{Command, CommandKind, Script};
use crate::sieve::target::{Extension, Target};

/// Brings a script within the limits of its target.
pub(super) fn keep_within(script: &mut Script, target: &Target, lowering: &mut Lowering) {
    if !target.has(Extension::Copy) {
        without_copy(&mut script.commands, true);
    }
    let breaches: Vec<(Limit, String)> = over_limits(script, target)
        .iter()
        .map(|breach| (breach.limit, breach.to_string()))
        .collect();
    if breaches.is_empty() {
        return;
    }
    if breaches.iter().any(|(limit, _)| *limit == Limit::Redirects)
        && let Some(most) = target.limits.redirects
    {
        let allowed = usize::try_from(most).unwrap_or(usize::MAX);
        drop_redirects(&mut script.commands, allowed);
    }
    if over_limits(script, target).is_empty() {
        say(lowering, &breaches);
        return;
    }
    script
        .commands
        .iter_mut()
        .for_each(|command| command.comments.clear());
    while !over_limits(script, target).is_empty() && !script.commands.is_empty() {
        let kept = script.commands.len() / 2;
        script.commands.truncate(kept);
    }
    say(lowering, &breaches);
}

fn say(lowering: &mut Lowering, breaches: &[(Limit, String)]) {
    let ids: Vec<_> = (0..lowering.program.statements.len() as u32)
        .map(crate::rules::model::StatementId)
        .collect();
    for at in ids {
        for (_, message) in breaches {
            lowering.find(
                at,
                manual(
                    Code::OverLimit,
                    format!("The script asks too much of the server: {message}"),
                ),
            );
        }
    }
}

/// Redirects beyond what the server does for one message are not done; the
/// message is kept instead.
fn drop_redirects(commands: &mut Vec<Command>, allowed: usize) {
    let mut seen = 0;
    let mut dropped = false;
    for command in commands.iter_mut() {
        match &mut command.kind {
            CommandKind::Redirect { .. } => {
                seen += 1;
                if seen > allowed {
                    command.kind = CommandKind::Keep { flags: Vec::new() };
                    dropped = true;
                }
            }
            CommandKind::If {
                branches,
                otherwise,
            } => {
                for block in branches.iter_mut().map(|(_, block)| block).chain(otherwise) {
                    drop_redirects(block, allowed);
                }
            }
            _ => {}
        }
    }
    if dropped {
        let mut kept = false;
        commands.retain(|command| {
            let is_keep = matches!(command.kind, CommandKind::Keep { .. });
            let again = is_keep && kept;
            kept |= is_keep;
            !again
        });
    }
}

/// Says without `:copy` (RFC 3894) what it said: what stays in the inbox is
/// kept in so many words. `tail`: the script ends behind these commands.
fn without_copy(commands: &mut Vec<Command>, tail: bool) {
    let mut ended = false;
    let mut with_keeps = Vec::with_capacity(commands.len() + 1);
    let mut took = false;
    for mut command in std::mem::take(commands) {
        match &mut command.kind {
            CommandKind::FileInto { copy, .. } | CommandKind::Redirect { copy, .. } => {
                took |= !*copy;
                *copy = false;
            }
            CommandKind::Keep { .. } | CommandKind::Discard | CommandKind::Reject { .. } => {
                took = true
            }
            CommandKind::Stop => {
                if !took {
                    with_keeps.push(super::action::keep());
                }
                ended = true;
            }
            CommandKind::If {
                branches,
                otherwise,
            } => {
                for block in branches.iter_mut().map(|(_, block)| block).chain(otherwise) {
                    without_copy(block, false);
                }
            }
            _ => {}
        }
        with_keeps.push(command);
    }
    if tail && !ended && !took {
        with_keeps.push(super::action::keep());
    }
    *commands = with_keeps;
}
