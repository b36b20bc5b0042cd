//! In: an assignment. Out: its step, what the variables hold after it, and the
//! rules of the file that it includes.

use super::variables::{self, Value};
use super::{
    Elaborator, End, MAX_BYTES, MAX_DEPTH, MAX_INCLUDES, MAX_STATEMENTS, expand, leading_name,
    path, shown, statements,
};
use crate::home::ReadError;
use crate::ledger::{Code, Verdict};
use crate::rules::model::{Assign, Piece, StatementId, Step, Text};
use crate::rules::program::{Meaning, meaning};
use crate::syntax::Span;
use std::rc::Rc;

impl Elaborator<'_, '_> {
    pub(super) fn assignment(&mut self, at: StatementId, span: Span) -> (Option<Step>, End) {
        let text = self.ledger.text(span).to_owned();
        let (name, rest) = leading_name(&text);
        let written = rest.trim_start_matches([' ', '\t']).strip_prefix('=');
        let value = written.map(|text| expand::value(text, &self.variables));
        if let Some(Piece::Literal(last)) = value.as_ref().and_then(|value| value.0.last())
            && last.ends_with('\r')
        {
            self.ledger.find(
                at,
                Verdict::Exact,
                Code::CarriageReturn,
                "The line ends as on Windows, and procmail took the carriage return for a part of the value",
            );
        }
        if value == Some(variables::too_long()) {
            self.ledger.find(
                at,
                Verdict::Manual,
                Code::ValueTooLong,
                "With its variables written out, this value is longer than procmail could read",
            );
        }
        let assign = Step::Assign(Assign {
            at,
            name: name.to_owned(),
            value: value.clone(),
        });
        match name {
            "INCLUDERC" | "SWITCHRC" => {
                let switch = name == "SWITCHRC";
                let rootless = written.and_then(leading_variable);
                let rootless = rootless.filter(|name| self.variables.get(name) == Value::Unset);
                self.variables.assign(name, value.as_ref());
                return self.include(at, value.unwrap_or_default(), switch, rootless);
            }
            "HOST" => {
                self.variables.assign(name, value.as_ref());
                return match self.is_this_host(at, value.as_ref()) {
                    true => (Some(assign), End::Open),
                    false => (Some(Step::End { at }), End::Message),
                };
            }
            _ => {}
        }
        if let Some((code, message)) = meaningless(name, value.as_ref()) {
            let verdict = match code {
                Code::Trap => Verdict::Manual,
                _ => Verdict::Dropped,
            };
            self.ledger.find(at, verdict, code, message);
        }
        self.variables.assign(name, value.as_ref());
        (Some(assign), End::Open)
    }

    /// Whether `HOST` keeps the name of the host that procmail runs on. Where that
    /// is not known, a block ends with the name of another one, as people have it
    /// end there; elsewhere all mail would be gone.
    fn is_this_host(&mut self, at: StatementId, value: Option<&Text>) -> bool {
        let Some(value) = value else { return false };
        if value.0 == [Piece::Opaque("HOST".to_owned())] {
            return true;
        }
        let Some(name) = value.known() else {
            return false;
        };
        let first = |name: &str| name.split('.').next().map(str::to_ascii_lowercase);
        let is_this = match &self.settings.host {
            Some(host) if name == host => return true,
            Some(host) if first(name) == first(host) => true,
            Some(_) => return false,
            None if name.is_empty() => return false,
            None => self.blocks == 0,
        };
        let message = match is_this {
            true => {
                "This is taken for the name of the old server; had it another one, procmail stopped here, and the mail was gone"
            }
            false => {
                "This is taken for the name of another server than the old one: procmail stopped here, and the mail was gone; give its name with --host"
            }
        };
        self.ledger
            .find(at, Verdict::Adapted, Code::HostValue, message);
        is_this
    }

    /// Reads the rules of another file; `rootless` is the variable without a
    /// value that its name begins with.
    fn include(
        &mut self,
        at: StatementId,
        name: Text,
        switch: bool,
        rootless: Option<&str>,
    ) -> (Option<Step>, End) {
        let unknown = (Some(Step::Unknown { at }), End::Open);
        let included = |body| Some(Step::Include { at, body, switch });
        let Some(known) = name.known().map(str::to_owned) else {
            self.ledger.find(
                at,
                Verdict::Manual,
                Code::UnknownInclude,
                "Which file is read here is not known before a message is there",
            );
            return unknown;
        };
        if known.is_empty() || known == "/dev/null" {
            return match switch {
                true => (included(Vec::new()), End::File),
                false => (None, End::Open),
            };
        }
        let home_path = &self.settings.home_path;
        let read = match self.variables.directory() {
            _ if known.starts_with('/') => Ok(path::join("/", &known)),
            Some(directory) => Ok(path::join(directory, &known)),
            None => Err("the directory it is looked for in is not known"),
        };
        let absolute = match read {
            Ok(absolute) => absolute,
            Err(why) => {
                self.ledger.find(
                    at,
                    Verdict::Manual,
                    Code::UnknownInclude,
                    format!("The file {} could not be read: {why}", shown(&known)),
                );
                return unknown;
            }
        };
        let read = match path::below(home_path, &absolute) {
            Some(below) => self.ledger.read(below),
            None => self.ledger.read(&absolute),
        };
        let file = match read {
            Ok(file) => file,
            Err(ReadError::Outside) if rootless.is_some() => {
                let variable = rootless.unwrap_or_default();
                self.ledger.find(
                    at,
                    Verdict::Dropped,
                    Code::MissingInclude,
                    format!(
                        "{variable} has no value here, so procmail looked for the file {}, where users have none, and went on without it",
                        shown(&absolute)
                    ),
                );
                return (None, End::Open);
            }
            Err(ReadError::Missing | ReadError::NotAFile) => {
                self.ledger.find(
                    at,
                    Verdict::Dropped,
                    Code::MissingInclude,
                    format!(
                        "There is no file {} in the home, and procmail went on without it",
                        shown(&known)
                    ),
                );
                return (None, End::Open);
            }
            Err(error) => {
                self.ledger.find(
                    at,
                    Verdict::Manual,
                    Code::UnreadInclude,
                    format!("The file {} was not read: {error}", shown(&known)),
                );
                return unknown;
            }
        };
        self.bytes += self
            .ledger
            .source(file)
            .map_or(0, |source| source.text.len());
        if self.bytes > MAX_BYTES || self.statements > MAX_STATEMENTS {
            let ledger = &mut *self.ledger;
            self.files
                .entry(file)
                .or_insert_with(|| Rc::new(statements::enter_whole(ledger, file)));
        }
        self.statements += self.items(file).len();
        if self.includes >= MAX_INCLUDES
            || self.depth >= MAX_DEPTH
            || self.bytes > MAX_BYTES
            || self.statements > MAX_STATEMENTS
        {
            self.ledger.find(
                at,
                Verdict::Manual,
                Code::IncludeLimit,
                format!(
                    "The file {} is not looked into here, because files that read each other make the rules grow past every bound",
                    shown(&known)
                ),
            );
            self.left_out.push(file);
            return unknown;
        }
        self.includes += 1;
        self.depth += 1;
        let outer = self.variables.enter_file(&absolute);
        let (body, end) = self.file(file);
        self.variables.enter_file(&outer);
        self.depth -= 1;
        self.includes -= 1;
        match switch {
            true => (included(body), end.max(End::File)),
            false => (included(body), end),
        }
    }
}

/// The variable that a value begins with.
fn leading_variable(value: &str) -> Option<&str> {
    let value = value
        .trim_start_matches([' ', '\t', '"'])
        .strip_prefix('$')?;
    let (name, rest) = match value.strip_prefix('{') {
        Some(inner) => leading_name(inner),
        None => (leading_name(value).0, "}"),
    };
    (!name.is_empty() && rest.starts_with('}')).then_some(name)
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
                Meaning::SetFlags(_) => None,
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
