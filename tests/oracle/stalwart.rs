//! sieve-rs, the engine of Stalwart, in this process.

use super::{DOMAIN, Delivery, Outcome, USER};
use sieve::{Compiler, Envelope, Event, Input, Recipient, Runtime, Sieve};
use std::sync::Arc;

/// The engine.
pub struct SieveRs {
    compiler: Compiler,
    runtime: Runtime,
}

impl Default for SieveRs {
    fn default() -> Self {
        SieveRs {
            compiler: Compiler::new(),
            runtime: Runtime::new()
                .with_max_redirects(100)
                .with_max_out_messages(100)
                .with_cpu_limit(1_000_000)
                .with_max_header_size(1 << 20),
        }
    }
}

impl SieveRs {
    /// Compiles a script.
    pub fn compile(&self, script: &str) -> Result<Arc<Sieve>, String> {
        self.compiler
            .compile(script.as_bytes())
            .map(Arc::new)
            .map_err(|error| error.to_string())
    }

    /// What a script does with a message, given without the mbox `From ` line.
    pub fn run(
        &self,
        script: &Arc<Sieve>,
        sender: &str,
        message: &[u8],
    ) -> Result<Outcome, String> {
        self.run_for(&format!("{USER}@{DOMAIN}"), script, sender, message)
    }

    /// As [`SieveRs::run`], for mail to any address.
    pub fn run_for(
        &self,
        recipient: &str,
        script: &Arc<Sieve>,
        sender: &str,
        message: &[u8],
    ) -> Result<Outcome, String> {
        let mut filter = self
            .runtime
            .filter(message)
            .with_envelope(Envelope::From, sender.to_string())
            .with_envelope(Envelope::To, recipient.to_string())
            .with_user_address(recipient.to_string());
        let mut input = Input::script("script", script.clone());
        let mut outcome = Outcome::new();
        while let Some(event) = filter.run(input) {
            let event = event.map_err(|error| format!("{error:?}"))?;
            input = match event {
                Event::Keep { .. } => {
                    outcome.insert(Delivery::Mailbox("INBOX".to_string()));
                    true
                }
                Event::FileInto { folder, .. } => {
                    outcome.insert(Delivery::Mailbox(folder));
                    true
                }
                Event::SendMessage {
                    recipient,
                    message_id,
                    ..
                } => {
                    // A message that the script made is a reply, no delivery.
                    if message_id == 0 || filter.has_message_changed() {
                        outcome.extend(addresses(recipient).into_iter().map(Delivery::Redirect));
                    }
                    true
                }
                Event::Reject { .. } => {
                    outcome.insert(Delivery::Reject);
                    true
                }
                Event::MailboxExists { .. } => true,
                Event::DuplicateId { .. } | Event::ListContains { .. } => false,
                _ => true,
            }
            .into();
        }
        Ok(outcome)
    }
}

fn addresses(recipient: Recipient) -> Vec<String> {
    match recipient {
        Recipient::Address(address) | Recipient::List(address) => vec![address],
        Recipient::Group(addresses) => addresses,
    }
}
