//! In: a home. Out: its whole rule model, from `.forward` down: where that
//! calls procmail, or says nothing, the `.procmailrc` is part of it.

mod call;
mod exim;
mod expand;
mod lists;
#[cfg(test)]
mod tests;
mod texts;
mod vacation;

use super::elaborate::{Call, Mda, Settings, preset, procmail};
use super::model::{
    Destination, Folder, Format, Piece, Program, Run, StatementId, StatementKind, Step, Target,
    Text, walk,
};
use super::path;
use super::program::{self, Meaning};
use crate::home::{Home, ReadError};
use crate::ledger::{Code, Finding, Ledger, Note, shortened};
use crate::syntax::forward::{self as syntax, Forward, Language, NodeKind};
use crate::syntax::{FileId, Source, Span};
use lists::Listed;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The rules of a home, with what was found about them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Elaborated {
    /// The model.
    pub program: Program,
    /// The files that were read.
    pub sources: Vec<Source>,
    /// What there is to say about their statements.
    pub findings: Vec<Finding>,
}

/// Destinations of one home.
const MAX_DESTINATIONS: usize = 10_000;
/// Ways of calling procmail in one home; each brings all its rules.
const MAX_CALLS: usize = 16;
/// Steps of all that is run in one home.
const MAX_STEPS: usize = 100_000;

/// Reads the rules of a home: `.forward`, and what of `.procmailrc` acts.
pub fn elaborate_home(home: &dyn Home, settings: &Settings) -> Elaborated {
    elaborate(home, settings, ".forward")
}

/// As [`elaborate_home`], with another file in the place of `.forward`.
pub fn elaborate(home: &dyn Home, settings: &Settings, forward: &str) -> Elaborated {
    let mut mailer = Mailer::new(home, settings);
    let main = match &settings.alias {
        Some(alias) => mailer.alias(alias, forward),
        None => mailer.forward(forward),
    };
    let main = Arc::new(main);
    mailer.main = Some(Arc::clone(&main));
    let details = mailer.details(forward);
    mailer.main = None;
    let mut main = Arc::unwrap_or_clone(main);
    main.steps.splice(..0, details);
    mailer.close(main)
}

/// Reads one file of procmail's as the whole of the rules.
///
/// # Errors
/// What the home says of the file.
pub fn elaborate_rc(
    home: &dyn Home,
    settings: &Settings,
    rc: &str,
) -> Result<Elaborated, ReadError> {
    let mut mailer = Mailer::new(home, settings);
    let run = mailer.procmail(Call {
        files: vec![rc.to_owned()],
        ..Call::default()
    })?;
    Ok(mailer.close(Arc::unwrap_or_clone(run)))
}

/// What the mailer of the old host does for one user.
struct Mailer<'h, 's> {
    ledger: Ledger<'h>,
    settings: &'s Settings,
    own_addresses: Vec<String>,
    addresses_on_host: Vec<String>,
    default: Folder,
    /// The calls of procmail so far: a file's statements are entered once.
    calls: HashMap<Call, Arc<Run>>,
    /// The steps of all that is run, counted again for each time.
    steps: usize,
    /// The statements of rules that nothing calls.
    dead: Range<u32>,
    /// Lists that are being read.
    includes: Vec<String>,
    /// Lists that were read, with what they name.
    included: HashMap<FileId, Vec<Destination>>,
    destinations: usize,
    /// What stands behind the `+` in the address, where the file that is read
    /// is for that alone.
    detail: Option<String>,
    /// What happens to mail without a detail, once that is known.
    main: Option<Arc<Run>>,
    /// The forward file, as long as an alias can lead to it.
    behind_alias: Option<&'s str>,
    /// The file that is a Sieve script.
    script: Option<StatementId>,
}

impl<'h, 's> Mailer<'h, 's> {
    fn new(home: &'h dyn Home, settings: &'s Settings) -> Self {
        let default = Folder {
            path: preset(settings, "DEFAULT").unwrap_or_default(),
            ..Folder::default()
        };
        Mailer {
            ledger: Ledger::new(home),
            settings,
            own_addresses: settings.own_addresses(),
            addresses_on_host: settings.addresses_on_host(),
            default,
            calls: HashMap::new(),
            steps: 0,
            dead: 0..0,
            includes: Vec::new(),
            included: HashMap::new(),
            main: None,
            behind_alias: None,
            script: None,
            detail: None,
            destinations: 0,
        }
    }

    fn close(mut self, main: Run) -> Elaborated {
        // What one file does not run, another may.
        if self.settings.alias.is_none() && !self.calls.is_empty() {
            self.dead = 0..0;
        }
        let files = texts::read(&mut self.ledger, self.settings, &main.steps);
        let (sources, statements, mut findings) = self.ledger.close();
        findings.retain(|finding| !self.dead.contains(&finding.at.0));
        let dead = Note::dropped(
            Code::DeadRules,
            "No message came to these rules: the mail is sent elsewhere before",
        );
        findings.extend({ self.dead }.map(|at| dead.clone().about(StatementId(at), None)));
        let script = self
            .script
            .filter(|&at| main.steps == [Step::Unknown { at }]);
        let program = Program {
            statements,
            main,
            own_addresses: self.own_addresses,
            addresses_on_host: self.addresses_on_host,
            texts: files.texts,
            looked_for: files.looked_for,
            script,
        };
        Elaborated {
            program,
            sources,
            findings,
        }
    }

    /// What happens to a message, from an alias of the user down.
    fn alias(&mut self, alias: &str, forward: &'s str) -> Run {
        let name = format!("mail for {}", self.settings.user);
        let file = self.ledger.enter(&name, alias);
        let parsed = Forward::parse(file, alias);
        self.behind_alias = Some(forward);
        let destinations = self.destinations(&parsed);
        let Some(forward) = self.behind_alias.take() else {
            return self.run_of(Step::Deliver(destinations));
        };
        let first = self.ledger.statement_count() as u32;
        let run = self.forward(forward);
        if destinations.is_empty() {
            return run;
        }
        self.dead = first..self.ledger.statement_count() as u32;
        self.run_of(Step::Deliver(destinations))
    }

    /// A step behind which the message stays in the mailbox.
    fn run_of(&self, step: Step) -> Run {
        Run {
            steps: vec![step],
            default: self.default.clone(),
            preserves: false,
        }
    }

    /// What happens to a message, from the forward file down.
    fn forward(&mut self, forward: &str) -> Run {
        let (file, parsed) = match self.listed(forward) {
            Listed::Parsed(file, parsed) => (file, parsed),
            Listed::Unread(ReadError::Missing) => return self.as_usual(),
            Listed::Unread(error) => {
                let at = self.unreadable(forward, &error);
                return self.run_of(Step::Unknown { at });
            }
            Listed::TooLarge(at) => return self.run_of(Step::Unknown { at }),
        };
        if self.ledger.home().is_open_to_all(forward) {
            self.not_trusted(forward, file);
            return self.as_usual();
        }
        let step = match parsed.language() {
            Some(Language::Exim) => return self.filter(file),
            Some(Language::Sieve) => self.sieve_script(file),
            None => match self.destinations(&parsed) {
                // A file that names nobody is as good as none.
                destinations if destinations.is_empty() => return self.as_usual(),
                destinations => Step::Deliver(destinations),
            },
        };
        if self.calls.is_empty() {
            self.enter_dead_rules();
        }
        self.run_of(step)
    }

    /// Reads `.forward+detail`, which the mailer took for mail to
    /// `user+detail`. Behind an alias, the detail is lost.
    fn details(&mut self, forward: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        for name in self.ledger.home().names(&format!("{forward}+")) {
            let word = name.get(forward.len() + 1..).unwrap_or("").to_owned();
            let first = self.ledger.statement_count() as u32;
            self.detail = Some(word.clone());
            let run = self.forward(&name);
            self.detail = None;
            let entered = first..self.ledger.statement_count() as u32;
            if self.settings.alias.is_some() {
                let message = format!(
                    "Mail to {}+{word} went where the alias says",
                    self.settings.user
                );
                for at in entered.map(StatementId) {
                    self.ledger
                        .find(at, Note::dropped(Code::DeadRules, message.clone()));
                }
                continue;
            }
            // Local parts come without upper case; such a file is never read.
            if word.chars().any(char::is_uppercase) {
                let message = "The mailer never looked for a file with capitals in its name";
                for at in entered.map(StatementId) {
                    self.ledger
                        .find(at, Note::dropped(Code::DeadRules, message));
                }
                continue;
            }
            let at = (!entered.is_empty()).then_some(StatementId(first));
            steps.push(Step::Detail { word, at, run });
        }
        steps
    }

    /// The span of a whole file.
    fn whole(&self, file: FileId) -> Span {
        Span {
            file,
            start: 0,
            end: self
                .ledger
                .source(file)
                .map_or(0, |source| source.text.len()),
        }
    }

    /// What the mailer does without a `.forward`.
    fn as_usual(&mut self) -> Run {
        let empty = Run {
            steps: Vec::new(),
            default: self.default.clone(),
            preserves: false,
        };
        match self.settings.mda {
            Mda::None => {
                self.enter_dead_rules();
                empty
            }
            Mda::Procmail => match self.procmail(Call::default()) {
                Ok(run) => Arc::unwrap_or_clone(run),
                Err(ReadError::Missing) => empty,
                Err(error) => {
                    let at = self.unreadable(".procmailrc", &error);
                    self.run_of(Step::Unknown { at })
                }
            },
        }
    }

    /// Runs procmail, once for each way of calling it.
    fn procmail(&mut self, call: Call) -> Result<Arc<Run>, ReadError> {
        if let Some(run) = self.calls.get(&call).cloned() {
            self.count(&run)?;
            return Ok(run);
        }
        if self.calls.len() == MAX_CALLS {
            let limit = format!("procmail is called in more than {MAX_CALLS} ways");
            return Err(ReadError::Limit(limit));
        }
        let default_rc = ".procmailrc";
        if call.files.is_empty()
            && let Ok(file) = self.ledger.read(default_rc)
            && self.ledger.home().is_open_to_all(default_rc)
        {
            let at = self.not_trusted(default_rc, file);
            let run = Arc::new(self.run_of(Step::Unknown { at }));
            self.calls.insert(call, Arc::clone(&run));
            return Ok(run);
        }
        let run = Arc::new(procmail(&mut self.ledger, self.settings, &call)?);
        self.count(&run)?;
        self.calls.insert(call, Arc::clone(&run));
        Ok(run)
    }

    /// Rules are run, perhaps not for the first time.
    fn count(&mut self, run: &Run) -> Result<(), ReadError> {
        self.steps += walk::steps(&run.steps).count();
        match self.steps > MAX_STEPS {
            true => {
                let limit = "its rules are called too often".to_owned();
                Err(ReadError::Limit(limit))
            }
            false => Ok(()),
        }
    }

    /// Enters the statements of a `.procmailrc` that nothing runs.
    fn enter_dead_rules(&mut self) {
        if !self.dead.is_empty() {
            return;
        }
        let first = self.ledger.statement_count() as u32;
        if procmail(&mut self.ledger, self.settings, &Call::default()).is_ok() {
            self.dead = first..self.ledger.statement_count() as u32;
        }
    }

    fn unreadable(&mut self, path: &str, error: &ReadError) -> StatementId {
        let file = self.ledger.enter(path, "");
        let span = Span {
            file,
            start: 0,
            end: 0,
        };
        let at = self.ledger.statement(StatementKind::Skipped, span);
        let message = format!("{path} could not be read: {error}");
        self.ledger
            .find(at, Note::manual(Code::FileUnreadable, message));
        at
    }

    /// A file that every user may write to: neither Postfix nor procmail does what it says.
    fn not_trusted(&mut self, path: &str, file: FileId) -> StatementId {
        let span = self.whole(file);
        let at = self.ledger.statement(StatementKind::Skipped, span);
        let message = format!(
            "Every user of the old server can write to {path}, so the mailer did not do what it says"
        );
        self.manual(at, Code::OpenToAll, message);
        at
    }

    fn sieve_script(&mut self, file: FileId) -> Step {
        let span = self.whole(file);
        let at = self.ledger.statement(StatementKind::Foreign, span);
        self.script = Some(at);
        Step::Unknown { at }
    }

    fn destinations(&mut self, parsed: &Forward) -> Vec<Destination> {
        let mut destinations = Vec::new();
        for node in &parsed.nodes {
            let destination = match &node.kind {
                NodeKind::Destination(destination) => destination,
                NodeKind::Comment => {
                    self.comment(node.span);
                    continue;
                }
                _ => continue,
            };
            let at = self.ledger.statement(StatementKind::Destination, node.span);
            self.destinations += 1;
            if self.destinations > MAX_DESTINATIONS {
                self.too_many(at);
                continue;
            }
            match destination {
                syntax::Destination::Include(path) => self.include(at, path, &mut destinations),
                destination => {
                    // Without a domain, it may be any text.
                    for each in destination.each(|address| address.contains('@')) {
                        let to = self.target(at, &each);
                        destinations.push(Destination { at, to });
                    }
                }
            }
        }
        destinations
    }

    /// A `#` begins a comment at the beginning of a line alone. Elsewhere the
    /// mailer takes it, and each word behind it, for an address.
    fn comment(&mut self, span: Span) {
        let before = self
            .ledger
            .source(span.file)
            .map_or("", |source| source.text.get(..span.start).unwrap_or(""));
        if before.is_empty() || before.ends_with('\n') {
            return;
        }
        let at = self.ledger.statement(StatementKind::Skipped, span);
        self.ledger.find(at, Note::adapted(Code::CommentBehind, "The mailer took this for addresses that do not exist, and told the sender of every message so"));
    }

    fn target(&mut self, at: StatementId, destination: &syntax::Destination) -> Target {
        match destination {
            syntax::Destination::Keep(name) => self.keep(at, name),
            syntax::Destination::Address(address) if self.is_own(address) => {
                match self.behind_alias.take() {
                    Some(forward) => Target::Rules(Arc::new(self.forward(forward))),
                    None if self.detail.is_some() && !address.contains('+') => {
                        self.without_detail(at)
                    }
                    None => {
                        self.with_other_detail(at, address);
                        self.own_mailbox(at)
                    }
                }
            }
            syntax::Destination::Address(address) => Target::Address(address.clone()),
            syntax::Destination::File(path) => {
                if path.starts_with('~') && !path.starts_with("~/") {
                    self.ledger.find(at, Note::adapted(Code::DestinationUnclear, "Postfix takes ~user for an address; here it is taken for the home of that user"));
                }
                Target::Folder(self.folder(path))
            }
            syntax::Destination::Command(command) => self.command(at, command),
            syntax::Destination::Include(_) => Target::Unknown,
            syntax::Destination::Invalid(text) => {
                let shown = shortened(text);
                self.manual(
                    at,
                    Code::DestinationUnclear,
                    format!("“{shown}” is neither an address nor a file nor a program"),
                );
                Target::Unknown
            }
        }
    }

    fn is_own(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        let address = address.trim_start_matches('\\');
        let (local, domain) = match address.split_once('@') {
            Some((local, domain)) => (local, Some(domain)),
            None => (address, None),
        };
        // user+word is the user too.
        let user = local.split_once('+').map_or(local, |(user, _)| user);
        let mut own = self.own_addresses.iter().chain(&self.addresses_on_host);
        own.any(|own| {
            own == address
                || match own.split_once('@') {
                    Some((own, at)) => own == user && Some(at) == domain,
                    None => own == user && domain.is_none(),
                }
        })
    }

    /// `\user`: the mailbox of that user, whatever their `.forward` says. It
    /// stands in the file of the user who is meant.
    fn keep(&mut self, at: StatementId, name: &str) -> Target {
        if !self.is_own(name) {
            if name.contains('@') {
                return Target::Address(name.to_owned());
            }
            self.ledger.find(
                at,
                Note::adapted(
                    Code::KeepTaken,
                    format!("\\{name} is taken for the user's own mailbox"),
                ),
            );
        } else if self.detail.is_some() && self.main.is_some() {
            self.ledger.find(at, Note::adapted(Code::OwnAddress, "Postfix asked .forward where this stands in a file for one detail; here it is the mailbox"));
        } else {
            self.with_other_detail(at, name);
        }
        self.own_mailbox(at)
    }

    /// An address of the user's whose detail has a file of its own.
    fn with_other_detail(&mut self, at: StatementId, address: &str) {
        let local = address.split('@').next().unwrap_or(address);
        let Some((_, detail)) = local.split_once('+') else {
            return;
        };
        let file = format!(".forward+{}", detail.to_lowercase());
        if self.ledger.home().kind(&file).is_some() {
            self.ledger.find(at, Note::adapted(Code::OwnAddress, format!("Mail for this address came in again, and went by {file}; here it goes to the mailbox")));
        }
    }

    /// The file for one detail names the user: mail goes on as without it.
    fn without_detail(&mut self, at: StatementId) -> Target {
        match self.main.clone() {
            Some(main) if !main.steps.is_empty() && self.count(&main).is_ok() => {
                Target::Rules(main)
            }
            _ => self.own_mailbox(at),
        }
    }

    /// Local delivery as usual, which the site's delivery agent does.
    fn own_mailbox(&mut self, at: StatementId) -> Target {
        match self.settings.mda {
            Mda::None => Target::Keep,
            Mda::Procmail => self.rules(at, Call::default()),
        }
    }

    fn rules(&mut self, at: StatementId, call: Call) -> Target {
        match self.procmail(call) {
            Ok(run) => Target::Rules(run),
            // Without an rc file, procmail puts the message into the mailbox.
            Err(ReadError::Missing) => Target::Keep,
            Err(error) => {
                let message =
                    format!("The rules that procmail is given could not be read: {error}");
                self.manual(at, Code::FileUnreadable, message);
                Target::Unknown
            }
        }
    }

    fn folder(&self, written: &str) -> Folder {
        let home = self.settings.home_path.trim_end_matches('/');
        let in_home = match written.strip_prefix('~') {
            Some(rest) => match rest.split_once('/') {
                Some(("", rest)) => Some(rest),
                Some((user, rest)) if user == self.settings.user => Some(rest),
                _ => None,
            },
            None => None,
        };
        let (path, is_directory) = match in_home {
            Some(rest) => (path::join(home, rest), written.ends_with('/')),
            None => (path::join("/", written), written.ends_with('/')),
        };
        let below = path::below(home, &path);
        let kind = below.and_then(|path| self.ledger.home().kind(path));
        let format = match kind {
            _ if path == "/dev/null" => Format::Null,
            _ if is_directory => Format::Maildir,
            Some(crate::home::Kind::Maildir) => Format::Maildir,
            _ => Format::Mbox,
        };
        Folder::absolute(Text::literal(path), format)
    }

    fn command(&mut self, at: StatementId, command: &str) -> Target {
        let program = || Target::Program(command.to_owned());
        match program::meaning_in_shell(&Text::literal(command)) {
            Meaning::Procmail(arguments) => {
                match call::read(&self.known(arguments), &self.settings.user) {
                    Some(called) => {
                        if called.is_filter {
                            self.ledger.find(at, Note::adapted(Code::TakenByNone, "procmail -m returned mail to its sender that no rule took; it stays in the inbox"));
                        }
                        self.rules(at, called.call)
                    }
                    None => program(),
                }
            }
            Meaning::Deliver { recipients, folder } => {
                let recipients = self.known(recipients);
                let mut names = recipients.iter().map(Text::known);
                match names.all(|name| name.is_some_and(|name| self.is_own(name))) {
                    true => folder.map_or(Target::Keep, Target::Mailbox),
                    false => program(),
                }
            }
            Meaning::Exit(status) => Target::Exit(status),
            Meaning::AppendTo {
                path,
                compressed: false,
            } => match self.known(vec![path]).first().and_then(Text::known) {
                Some(path) if path.starts_with(['/', '~']) => Target::Folder(self.folder(path)),
                _ => program(),
            },
            Meaning::Vacation(vacation) => self.vacation(at, &vacation).unwrap_or_else(program),
            Meaning::Redirect { addresses, edits } if edits.is_empty() => {
                match self.known(addresses).as_slice() {
                    [address] => match address.known().and_then(syntax::mailbox) {
                        Some(address) => Target::Address(address),
                        None => program(),
                    },
                    _ => program(),
                }
            }
            _ => program(),
        }
    }

    /// Words with the variables put in that a mailer sets for its programs
    /// (local(8)).
    fn known(&self, words: Vec<Text>) -> Vec<Text> {
        let settings = self.settings;
        let value = |name: &str| match name {
            "HOME" => Some(settings.home_path.clone()),
            "USER" | "LOGNAME" => Some(settings.user.clone()),
            "DOMAIN" => settings.domain.clone(),
            "EXTENSION" => self.detail.clone(),
            _ => None,
        };
        let word = |word: Text| {
            let mut known = Text::default();
            for piece in word.0 {
                known.push(match &piece {
                    Piece::Variable(name) => value(name).map_or(piece, Piece::Literal),
                    // The shell that a mailer starts has no arguments.
                    Piece::Opaque(name) if name == "${1}" => continue,
                    _ => piece,
                });
            }
            known
        };
        words.into_iter().map(word).collect()
    }

    fn too_many(&mut self, at: StatementId) {
        let message = format!("More than {MAX_DESTINATIONS} destinations are named");
        self.manual(at, Code::TooManyDestinations, message);
    }

    fn manual(&mut self, at: StatementId, code: Code, message: String) {
        self.ledger.find(at, Note::manual(code, message));
    }
}
