//! In: the text of a script, and messages. Out: what the script does with each,
//! by sieve-rs.

use super::Letter;
use crate::report::replayed::Place;
use mail_parser::MessageParser;
use sieve::{Compiler, Envelope, Event, Input, Recipient, Runtime, Sieve};
use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Extensions that look into the body of a message.
const BODY: &[&str] = &[
    "body",
    "convert",
    "enclose",
    "extracttext",
    "foreverypart",
    "mime",
    "replace",
];

/// A compiled script, and what it remembers between messages.
pub struct Script {
    sieve: Arc<Sieve>,
    runtime: Runtime,
    /// Whether it asks for more than the header and the size.
    reads_body: bool,
    /// Of `duplicate`: what stands for the ids, which would fill the memory.
    seen: HashSet<u64>,
}

impl Script {
    /// Compiles a script that requires these extensions.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn new(text: &str, requires: &[String]) -> Result<Self, String> {
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
            reads_body: requires
                .iter()
                .any(|name| BODY.contains(&name.as_str()) || name.starts_with("vnd.")),
            seen: HashSet::new(),
        })
    }

    /// Where the script puts a message. One that an error stops is kept, as
    /// servers do (RFC 5228, 2.10.6).
    pub fn run(&mut self, letter: &Letter, recipient: &str) -> BTreeSet<Place> {
        let header = match self.reads_body {
            true => None,
            false => MessageParser::new().parse_headers(letter.text()),
        };
        let filter = match header {
            Some(message) => self.runtime.filter_parsed(message),
            None => self.runtime.filter(letter.text()),
        };
        let mut filter = filter
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
                Ok(Event::DuplicateId { id, .. }) => {
                    let mut hasher = DefaultHasher::new();
                    id.hash(&mut hasher);
                    !self.seen.insert(hasher.finish())
                }
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
