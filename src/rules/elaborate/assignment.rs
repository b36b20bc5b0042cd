//! In: an assignment. Out: its step, and what the variables hold after it.

use super::include::leading_variable;
use super::variables::{self, Value};
use super::{Elaborator, End, expand, leading_name};
use crate::ledger::{Code, Note, Verdict};
use crate::rules::model::{Assign, Piece, StatementId, Step, Text};
use crate::rules::program::{Meaning, meaning};
use crate::syntax::Span;

/// What there is to say of a value of `HOST` that keeps it.
const TAKEN_FOR_THIS: &str = "This is taken for the name of the old server; had it another one, procmail stopped here, and the mail was gone";

impl Elaborator<'_, '_> {
    pub(super) fn assignment(&mut self, at: StatementId, span: Span) -> (Option<Step>, End) {
        let text = self.ledger.text(span).to_owned();
        let (name, rest) = leading_name(&text);
        let written = rest.trim_start_matches([' ', '\t']).strip_prefix('=');
        let value = written.map(|text| expand::value(text, &self.variables));
        if let Some(Piece::Literal(last)) = value.as_ref().and_then(|value| value.0.last())
            && last.ends_with('\r')
        {
            self.ledger.find(at, Note::exact(Code::CarriageReturn, "The line ends as on Windows, and procmail took the carriage return for a part of the value"));
        }
        if value == Some(variables::too_long()) {
            self.ledger.find(
                at,
                Note::manual(
                    Code::ValueTooLong,
                    "With its variables written out, this value is longer than procmail could read",
                ),
            );
        }
        let assign = Step::Assign(Assign {
            at,
            name: name.to_owned(),
            value: value.clone(),
        });
        match name {
            "INCLUDERC" | "SWITCHRC" => {
                let rootless = self.rootless(written);
                self.variables.assign(name, value.as_ref());
                let file = value.unwrap_or_default();
                return self.include(at, &file, name == "SWITCHRC", rootless);
            }
            "HOST" => {
                let rootless = self.rootless(written);
                self.variables.assign(name, value.as_ref());
                return match self.is_this_host(at, value.as_ref(), rootless) {
                    true => (Some(assign), End::Open),
                    false => (Some(Step::End { at }), End::Message),
                };
            }
            "DEFAULT" if self.rootless(written).is_some() => {
                let message = "A variable in this name has no value, so that procmail could hardly write there, and put the mail into the user's own mailbox";
                let note = Note::exact(Code::RootlessMailbox, message);
                self.ledger.find(at, note);
            }
            _ => {}
        }
        self.variables.assign(name, value.as_ref());
        let is_obeyed = name.starts_with("SENDMAIL") && !self.sends_as_asked();
        if let Some((code, message)) = meaningless(name, value.as_ref()).filter(|_| !is_obeyed) {
            let verdict = match code {
                Code::Trap => Verdict::Manual,
                _ => Verdict::Dropped,
            };
            self.ledger.find(at, Note::new(verdict, code, message));
        }
        (Some(assign), End::Open)
    }

    /// The variable without a value that a text begins with.
    pub(super) fn rootless<'t>(&self, written: Option<&'t str>) -> Option<&'t str> {
        let variable = written.and_then(leading_variable);
        variable.filter(|name| self.variables.get(name) == Value::Unset)
    }

    /// Whether `HOST` keeps the name of the host that procmail runs on. A name that a
    /// command prints is taken for it. Where one is written and the host's is not known,
    /// a block ends with the name of another one, as people have it end there; elsewhere
    /// all mail would be gone. So it would where the value begins with a variable without
    /// one (`rootless`), which may have come from outside.
    fn is_this_host(
        &mut self,
        at: StatementId,
        value: Option<&Text>,
        rootless: Option<&str>,
    ) -> bool {
        let Some(value) = value else { return false };
        if value.0 == [Piece::Opaque("HOST".to_owned())] {
            return true;
        }
        let Some(name) = value.known() else {
            self.ledger
                .find(at, Note::adapted(Code::HostValue, TAKEN_FOR_THIS));
            return true;
        };
        if let Some(variable) = rootless
            && name.is_empty()
            && self.blocks == 0
        {
            self.ledger.find(at, Note::adapted(Code::HostValue, format!(
                    "{variable} is taken to have held the name of the old server; without a value, procmail stopped here, and the mail was gone"
                )));
            return true;
        }
        let first = |name: &str| name.split('.').next().map(str::to_ascii_lowercase);
        let is_this = match &self.settings.host {
            Some(host) if name == host => return true,
            Some(host) if first(name) == first(host) => true,
            Some(_) => return false,
            None if name.is_empty() => return false,
            None => self.blocks == 0,
        };
        let message = match is_this {
            true => TAKEN_FOR_THIS,
            false => {
                "This is taken for the name of another server than the old one: procmail stopped here, and the mail was gone; give its name with --host"
            }
        };
        self.ledger
            .find(at, Note::adapted(Code::HostValue, message));
        is_this
    }
}

/// Why a variable means nothing on the server, where it does not.
fn meaningless(name: &str, value: Option<&Text>) -> Option<(Code, String)> {
    let (code, what) = match name {
        "LOG" | "LOGFILE" | "LOGABSTRACT" | "VERBOSE" | "COMSAT" => (
            Code::Logging,
            "what procmail wrote to its log or told the terminal",
        ),
        "LOCKFILE" | "LOCKEXT" | "LOCKSLEEP" | "LOCKTIMEOUT" => {
            (Code::Locking, "how procmail locked files")
        }
        "UMASK" => (Code::Umask, "the permissions of new mailbox files"),
        "SHELL" | "SHELLMETAS" | "SHELLFLAGS" | "PATH" | "TIMEOUT" | "SUSPEND" | "NORESRETRY" => {
            (Code::ProgramSetting, "how procmail ran programs")
        }
        "SENDMAIL" | "SENDMAILFLAGS" => (Code::ProgramSetting, "which program sent mail on"),
        "LINEBUF" | "DROPPRIVS" | "MSGPREFIX" | "DELIVERED" => {
            (Code::ProcmailSetting, "how procmail itself worked")
        }
        "TRAP" => {
            let command = value.filter(|value| value.known() != Some(""))?;
            return match meaning(command) {
                // Whether that can be done is seen where it is lowered.
                Meaning::SetFlags { .. } => None,
                Meaning::Log | Meaning::Attempt | Meaning::Notify | Meaning::Exit(_) => Some((
                    Code::SideEffect,
                    "What ran when procmail was done with a message left it where it was".to_owned(),
                )),
                _ => Some((
                    Code::Trap,
                    "This command ran when procmail was done with a message, and the server runs no programs"
                        .to_owned(),
                )),
            };
        }
        _ => return None,
    };
    Some((
        code,
        format!("{name} set {what}, which the server does in its own way"),
    ))
}
