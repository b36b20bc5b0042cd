//! In: a script. Out: the variables it must set at its head.
//!
//! A variable of RFC 5229 lives as long as the script; in sieve-rs, one that a
//! block sets first ends with that block. A `set` at the head of the script
//! makes it the same everywhere, and changes nothing: a variable that nothing
//! set is empty.

use super::script::{CommandKind, Script, Value};
use super::walk::{self, Clause};
use std::collections::{BTreeSet, HashMap};

/// The names, in lower case, that are read outside the block that sets them
/// first.
pub(super) fn escaping(script: &Script) -> BTreeSet<String> {
    let mut scopes = Scopes::default();
    // What each open block sets first.
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    for clause in walk::clauses(&script.commands) {
        if let Clause::Elsif(_) | Clause::Else | Clause::End = clause {
            scopes.leave(&open.pop().unwrap_or_default());
        }
        match clause {
            Clause::Plain(command) => {
                walk::command_values(&command.kind).for_each(|value| scopes.read(value));
                if let (CommandKind::Set { name, .. }, Some(sets)) =
                    (&command.kind, open.last_mut())
                {
                    sets.extend(scopes.set(name));
                }
            }
            Clause::If(_, test) | Clause::Elsif(test) => {
                let values = walk::test_tree(test).flat_map(walk::test_values);
                values.for_each(|value| scopes.read(value));
                open.push(Vec::new());
            }
            Clause::Else => open.push(Vec::new()),
            Clause::End => {}
        }
    }
    scopes.escaping
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
