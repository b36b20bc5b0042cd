//! In: commands. Out: the same ones, by which no message goes to one folder or
//! address twice. A server stores and forwards it once; but Pigeonhole takes
//! the second command for the first, and where that had `:copy`, the message
//! stays in the inbox as well.

use crate::sieve::script::{Command, CommandKind, Part, Value};

/// Copies that a command is compared with, at most: to see no repetition is
/// never wrong, nor is a `discard` behind a command that is none.
const COMPARED: usize = 200;

/// Where a copy of a message went.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Folder(Value),
    Address(Value),
}

impl Place {
    /// Where a command puts the message, and whether it leaves it for others.
    fn of(kind: &CommandKind) -> Option<(Place, bool)> {
        match kind {
            CommandKind::FileInto { folder, copy, .. } => {
                Some((Place::Folder(folder.clone()), *copy))
            }
            CommandKind::Redirect { address, copy } => {
                Some((Place::Address(address.clone()), *copy))
            }
            _ => None,
        }
    }

    /// Whether both may be the same; what a message names may be anything.
    fn may_be(&self, other: &Place) -> bool {
        let (one, other) = match (self, other) {
            (Place::Folder(one), Place::Folder(other)) => (one, other),
            (Place::Address(one), Place::Address(other)) => (one, other),
            _ => return false,
        };
        match (one.as_text(), other.as_text()) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(&other),
            _ => {
                let start = |value: &Value| known(value.0.first());
                let end = |value: &Value| known(value.0.last());
                let (a, b) = (start(one), start(other));
                let (y, z) = (end(one), end(other));
                (a.starts_with(&b) || b.starts_with(&a)) && (y.ends_with(&z) || z.ends_with(&y))
            }
        }
    }
}

/// What is known of a part, in lower case.
fn known(part: Option<&Part>) -> String {
    match part {
        Some(Part::Text(text)) => text.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Sees that nothing goes to one place twice.
pub(super) fn once(commands: &mut Vec<Command>) {
    within(commands, &mut Vec::new());
}

/// `given` are the places that a message may have gone to before; on return,
/// behind these commands.
fn within(commands: &mut Vec<Command>, given: &mut Vec<Place>) {
    let mut done: Vec<Command> = Vec::with_capacity(commands.len());
    for mut next in commands.drain(..) {
        if let CommandKind::If {
            branches,
            otherwise,
        } = &mut next.kind
        {
            let before = given.len();
            let mut behind = Vec::new();
            let blocks = branches.iter_mut().map(|(_, block)| block).chain(otherwise);
            for block in blocks {
                within(block, given);
                let more = given.split_off(before);
                if block.last().map(|last| &last.kind) != Some(&CommandKind::Stop) {
                    behind.extend(more);
                }
            }
            given.append(&mut behind);
            done.push(next);
            continue;
        }
        let Some((place, copy)) = Place::of(&next.kind) else {
            done.push(next);
            continue;
        };
        if copy {
            given.push(place);
            done.push(next);
            continue;
        }
        while let Some(at) = repeated(&done, &next.kind) {
            let mut origins = done.remove(at).origins;
            origins.append(&mut next.origins);
            next.origins = origins;
            if let Some(at) = given.iter().rposition(|given| *given == place) {
                given.remove(at);
            }
        }
        done.push(next);
        if given.len() > COMPARED || given.iter().any(|given| given.may_be(&place)) {
            done.push(Command::from(CommandKind::Discard));
        }
    }
    *commands = done;
}

/// The copy just before a command that it makes needless.
fn repeated(done: &[Command], kind: &CommandKind) -> Option<usize> {
    let mut wanted = kind.clone();
    if let CommandKind::FileInto { copy, .. } | CommandKind::Redirect { copy, .. } = &mut wanted {
        *copy = true;
    }
    let deliveries = done.iter().enumerate().rev();
    deliveries
        .take(COMPARED)
        .take_while(|(_, command)| Place::of(&command.kind).is_some())
        .find(|(_, command)| command.kind == wanted)
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sieve::script::Test;

    fn filed(folder: &str, copy: bool) -> Command {
        Command::from(CommandKind::FileInto {
            folder: Value::text(folder),
            copy,
            create: false,
            flags: Vec::new(),
        })
    }

    #[test]
    fn a_copy_into_the_same_folder_is_needless() {
        let mut commands = vec![filed("a", true), filed("b", true), filed("a", false)];
        once(&mut commands);
        assert_eq!(commands, [filed("b", true), filed("a", false)]);
    }

    #[test]
    fn a_copy_that_only_some_messages_got_does_not_leave_another_in_the_inbox() {
        let copied = Command::from(CommandKind::If {
            branches: vec![(Test::Exists(vec!["x".to_owned()]), vec![filed("a", true)])],
            otherwise: None,
        });
        let mut commands = vec![copied.clone(), filed("a", false)];
        once(&mut commands);
        let discard = Command::from(CommandKind::Discard);
        assert_eq!(commands, [copied, filed("a", false), discard]);
    }
}
