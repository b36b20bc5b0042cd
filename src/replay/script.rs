//! In: the text of a script, and messages. Out: what the script does with each,
//! by sieve-rs.

use super::Letter;
use crate::report::replayed::Place;
use sieve::{Compiler, Envelope, Event, Input, Recipient, Runtime, Sieve};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// A compiled script, and what it remembers between messages.
pub struct Script {
    sieve: Arc<Sieve>,
    runtime: Runtime,
    /// Of `duplicate`.
    seen: HashSet<String>,
}

impl Script {
    /// Compiles a script.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn new(text: &str) -> Result<Self, String> {
        let compiler = Compiler::new()
            .with_max_script_size(usize::MAX)
            .with_max_string_size(usize::MAX)
            .with_max_nested_blocks(usize::MAX)
            .with_max_nested_tests(usize::MAX)
            .with_max_local_variables(usize::MAX)
            .with_max_header_size(usize::MAX);
        let sieve = compiler.compile(text.as_bytes());
        Ok(Script {
            sieve: Arc::new(sieve.map_err(|error| error.to_string())?),
            runtime: Runtime::new()
                .with_max_redirects(1000)
                .with_max_out_messages(1000)
                .with_cpu_limit(10_000_000)
                .with_max_header_size(1 << 20),
            seen: HashSet::new(),
        })
    }

    /// Where the script puts a message. One that an error stops is kept, as
    /// servers do (RFC 5228, 2.10.6).
    pub fn run(&mut self, letter: &Letter, recipient: &str) -> BTreeSet<Place> {
        let mut filter = self
            .runtime
            .filter(letter.text())
            .with_envelope(Envelope::From, letter.sender().to_owned())
            .with_envelope(Envelope::To, recipient.to_owned())
            .with_user_address(recipient.to_owned());
        let mut input = Input::script("script", Arc::clone(&self.sieve));
        let mut places = BTreeSet::new();
        let inbox = || Place::Folder("INBOX".to_owned());
        while let Some(event) = filter.run(input) {
            let answer = match event {
                Ok(Event::Keep { .. }) => {
                    places.insert(inbox());
                    true
                }
                Ok(Event::FileInto { folder, .. }) => {
                    places.insert(Place::Folder(folder));
                    true
                }
                // Another message is an answer, and no delivery of this one.
                Ok(Event::SendMessage {
                    recipient,
                    message_id,
                    ..
                }) => {
                    if message_id == 0 || filter.has_message_changed() {
                        places.extend(addresses(recipient).into_iter().map(Place::Address));
                    }
                    true
                }
                Ok(Event::Reject { .. }) => {
                    places.insert(Place::Refused);
                    true
                }
                Ok(Event::DuplicateId { id, .. }) => !self.seen.insert(id),
                Ok(Event::ListContains { .. }) => false,
                Ok(_) => true,
                Err(_) => {
                    places.insert(inbox());
                    break;
                }
            };
            input = answer.into();
        }
        if places.is_empty() {
            places.insert(Place::Deleted);
        }
        places
    }
}

fn addresses(recipient: Recipient) -> Vec<String> {
    match recipient {
        Recipient::Address(address) | Recipient::List(address) => vec![address],
        Recipient::Group(addresses) => addresses,
    }
}
