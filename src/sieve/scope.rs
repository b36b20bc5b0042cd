//! In: a script. Out: the variables it must set at its head.
//!
//! A variable of RFC 5229 lives as long as the script; in sieve-rs, one that a
//! block sets first ends with that block. A `set` at the head of the script
//! makes it the same everywhere, and changes nothing: a variable that nothing
//! set is empty.

use super::script::{Command, CommandKind, Script, Test, Value};
use super::walk;
use std::collections::{BTreeSet, HashMap};

/// The names, in lower case, that are read outside the block that sets them
/// first.
pub(super) fn escaping(script: &Script) -> BTreeSet<String> {
    let mut scopes = Scopes::default();
    let mut stack = vec![Frame::Block {
        commands: script.commands.iter(),
        sets: Vec::new(),
    }];
    while let Some(top) = stack.last_mut() {
        match top {
            Frame::Block { commands, sets } => {
                let Some(command) = commands.next() else {
                    scopes.leave(sets);
                    stack.pop();
                    continue;
                };
                walk::command_values(&command.kind, &mut |value| scopes.read(value));
                match &command.kind {
                    CommandKind::Set { name, .. } => sets.extend(scopes.set(name)),
                    CommandKind::If {
                        branches,
                        otherwise,
                    } => {
                        let tested = branches.iter().map(|(test, block)| (Some(test), block));
                        let rest = otherwise.iter().map(|block| (None, block));
                        let branches: Vec<_> = tested.chain(rest).collect();
                        stack.push(Frame::Branches(branches.into_iter()));
                    }
                    _ => {}
                }
            }
            Frame::Branches(branches) => match branches.next() {
                Some((test, block)) => {
                    if let Some(test) = test {
                        walk::test_tree(test, &mut |test| {
                            walk::test_values(test, &mut |value| scopes.read(value));
                        });
                    }
                    stack.push(Frame::Block {
                        commands: block.iter(),
                        sets: Vec::new(),
                    });
                }
                None => {
                    stack.pop();
                }
            },
        }
    }
    scopes.escaping
}

enum Frame<'a> {
    Block {
        commands: std::slice::Iter<'a, Command>,
        /// What this block sets first.
        sets: Vec<String>,
    },
    Branches(std::vec::IntoIter<(Option<&'a Test>, &'a Vec<Command>)>),
}

/// Every variable set so far, and whether a block still open set it.
#[derive(Default)]
struct Scopes {
    open: HashMap<String, bool>,
    escaping: BTreeSet<String>,
}

impl Scopes {
    /// The name, where no open block has set it yet.
    fn set(&mut self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let known = self.open.insert(name.clone(), true).unwrap_or(false);
        (!known).then_some(name)
    }

    fn leave(&mut self, sets: &[String]) {
        for name in sets {
            self.open.insert(name.clone(), false);
        }
    }

    fn read(&mut self, value: &Value) {
        for name in value.references() {
            let name = name.to_lowercase();
            if self.open.get(&name) == Some(&false) {
                self.escaping.insert(name);
            }
        }
    }
}
