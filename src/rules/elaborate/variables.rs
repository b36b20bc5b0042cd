//! In: assignments, in the order of the rules. Out: what the variables hold at a
//! point of them, as far as that is the same for every message.

use super::Settings;
use crate::rules::model::{Piece, Text};
use crate::rules::program::FOR_SHELL;
use std::cell::Cell;
use std::collections::HashMap;

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Its value; it holds no pieces but literal and opaque ones, and in an
    /// argument `EXTENSION`.
    Text(Text),
    /// It is not set.
    Unset,
    /// It differs between messages.
    Runtime,
}

impl Value {
    /// The variable that holds it when a message is there; `name`, unless it
    /// is an argument that has its value from another one.
    pub fn runtime<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self {
            Value::Runtime => Some(name),
            Value::Text(Text(pieces)) => match pieces.as_slice() {
                [Piece::Variable(other)] => Some(other),
                _ => None,
            },
            Value::Unset => None,
        }
    }

    fn of(text: &Text) -> Self {
        let fixed = |piece: &Piece| matches!(piece, Piece::Literal(_) | Piece::Opaque(_));
        match text.0.iter().all(fixed) {
            true => Value::Text(text.clone()),
            false => Value::Runtime,
        }
    }
}

/// The values that variables had when a part of the rules was entered, of those
/// that changed in it.
pub type Changes = HashMap<String, Value>;

/// The variables at a point of the rules.
#[derive(Debug)]
pub struct Variables {
    values: HashMap<String, Value>,
    arguments: Vec<Text>,
    preserved: bool,
    user: String,
    host: Option<String>,
    rc_file: String,
    log: Vec<Changes>,
    put_in: Cell<usize>,
}

/// Bytes of a directory's path that any system takes (PATH_MAX).
const MAX_PATH: usize = 4096;
/// Bytes that variables may put into one text.
const MAX_IN_TEXT: usize = 64 << 10;
/// Bytes that variables may put into all texts of a home. What is written in
/// the files themselves does not count.
const MAX_IN_ALL: usize = 16 << 20;

/// How many bytes variables have put into one text.
#[derive(Debug, Default)]
pub struct Growth(usize);

/// What stands in the place of a text that variables make too long.
pub fn too_long() -> Text {
    Text(vec![Piece::Opaque(
        "a value that its variables make too long".to_owned(),
    )])
}

/// The directory that relative paths start from. It follows `MAILDIR`, which
/// may itself be relative; no variable can have this name.
const DIRECTORY: &str = ".";

/// The value of `LINEBUF` that procmail starts with: the length in bytes that
/// no line may reach.
const LINEBUF: usize = 2048;

impl Variables {
    /// What procmail sets before it reads a file (procmailrc(5)).
    pub fn new(settings: &Settings, arguments: &[Text], preserved: bool) -> Self {
        let values = environment(settings)
            .into_iter()
            .map(|(name, text)| (name.to_owned(), Value::Text(text)))
            .chain([(
                DIRECTORY.to_owned(),
                Value::Text(Text::literal(&settings.home_path)),
            )])
            .collect();
        Variables {
            values,
            arguments: arguments.to_vec(),
            preserved,
            user: settings.user.clone(),
            host: settings.host.clone(),
            rc_file: String::new(),
            log: vec![Changes::new()],
            put_in: Cell::new(0),
        }
    }

    /// What is known of a variable, or of an argument (`1` to `9`).
    pub fn get(&self, name: &str) -> Value {
        match name {
            "MATCH" | "LASTFOLDER" if !self.values.contains_key(name) => Value::Unset,
            "LASTFOLDER" => Value::Runtime,
            "0" => Value::Text(Text::literal("procmail")),
            "_" => Value::Text(Text::literal(&self.rc_file)),
            "#" => Value::Text(Text::literal(self.arguments.len().to_string())),
            "$" => Value::Text(Text(vec![Piece::Opaque("$$".to_owned())])),
            _ if name.starts_with(|c: char| c.is_ascii_digit()) => name
                .parse::<usize>()
                .ok()
                .and_then(|number| self.arguments.get(number.checked_sub(1)?))
                .map_or(Value::Unset, |text| Value::Text(text.clone())),
            _ if name.starts_with(|c: char| !(c.is_ascii_alphabetic() || c == '_')) => {
                Value::Runtime
            }
            _ => match self.values.get(name) {
                Some(value) => value.clone(),
                None if self.preserved && name == "EXTENSION" => Value::Runtime,
                None if self.preserved => Value::Text(Text(vec![Piece::Opaque(name.to_owned())])),
                None => Value::Unset,
            },
        }
    }

    /// What is known of a variable, to be put into a text; `None` where that
    /// makes too much of it. Values that hold each other twice would otherwise
    /// double with every line.
    pub fn put_in(&self, name: &str, growth: &mut Growth) -> Option<Value> {
        if self.put_in.get() > MAX_IN_ALL {
            return None;
        }
        let value = self.get(name);
        if let Value::Text(text) = &value {
            let length = |piece: &Piece| match piece {
                Piece::Literal(text) => text.len(),
                _ => size_of::<Piece>(),
            };
            let bytes: usize = text.0.iter().map(length).sum();
            growth.0 = growth.0.saturating_add(bytes);
            self.spend(bytes);
        }
        (growth.0 <= MAX_IN_TEXT).then_some(value)
    }

    /// Whether so many bytes may still be put into texts.
    pub fn spend(&self, bytes: usize) -> bool {
        self.put_in.set(self.put_in.get().saturating_add(bytes));
        self.put_in.get() <= MAX_IN_ALL
    }

    /// Takes note of an assignment.
    pub fn assign(&mut self, name: &str, value: Option<&Text>) {
        let value = value.map_or(Value::Unset, Value::of);
        if name == "MAILDIR" {
            self.change_directory(&value);
        }
        if name == "SHIFT" {
            self.shift(&value);
        }
        self.put(name, value);
    }

    /// From here on a variable differs between messages.
    pub fn blur(&mut self, name: &str) {
        if name == "MAILDIR" {
            self.put(DIRECTORY, Value::Runtime);
        }
        self.put(name, Value::Runtime);
    }

    /// The directory that relative paths start from, where it is known.
    pub fn directory(&self) -> Option<&str> {
        match self.values.get(DIRECTORY) {
            Some(Value::Text(text)) => text.known(),
            _ => None,
        }
    }

    /// What a command prints that prints the same for every message.
    pub fn output(&self, command: &str) -> Option<Piece> {
        Some(match command.trim() {
            "whoami" | "logname" | "id -un" | "id -nu" | "/usr/bin/whoami" | "/usr/bin/id -un" => {
                Piece::Literal(self.user.clone())
            }
            "pwd" | "/bin/pwd" => Piece::Literal(self.directory()?.to_owned()),
            command => return super::host::printed(command, self.host.as_deref()),
        })
    }

    /// How many arguments there are (`-a`).
    pub fn arguments(&self) -> usize {
        self.arguments.len()
    }

    /// The length that no line may reach.
    pub fn line_limit(&self) -> usize {
        match self.get("LINEBUF") {
            Value::Text(text) => text.known().and_then(|text| text.trim().parse().ok()),
            _ => None,
        }
        .map_or(LINEBUF, |limit: usize| limit.max(128))
    }

    /// The file that is being read, for `$_`; returns the one before it.
    pub fn enter_file(&mut self, path: &str) -> String {
        std::mem::replace(&mut self.rc_file, path.to_owned())
    }

    /// From here on, changes are noted on a page of their own.
    pub fn open(&mut self) {
        self.log.push(Changes::new());
    }

    /// Closes the innermost page: what changed on it, changed on the one above.
    pub fn close(&mut self) {
        let Some(page) = self.log.pop() else { return };
        if let Some(above) = self.log.last_mut() {
            for (name, before) in page {
                above.entry(name).or_insert(before);
            }
        }
    }

    /// Closes the innermost page where it may not have run: what it changed
    /// may be either.
    pub fn close_uncertain(&mut self) {
        for (name, before) in self.log.last().cloned().unwrap_or_default() {
            if self.values.get(&name) != Some(&before) {
                self.values.insert(name, Value::Runtime);
            }
        }
        self.close();
    }

    /// Closes the innermost page where nothing runs on behind it.
    pub fn close_undone(&mut self) {
        for (name, before) in self.log.pop().unwrap_or_default() {
            self.values.insert(name, before);
        }
    }

    /// How many pages are open.
    pub fn depth(&self) -> usize {
        self.log.len()
    }

    /// The present values of all that changed on the pages from `depth` on.
    pub fn changed_since(&self, depth: usize) -> Changes {
        let names = self.log.iter().skip(depth).flat_map(|page| page.keys());
        names
            .map(|name| (name.clone(), self.stored(name)))
            .collect()
    }

    /// The rules may also have come here with other values; `changed` are
    /// those that differed then from the values at the start of this page.
    pub fn join(&mut self, changed: &Changes) {
        let Some(page) = self.log.last() else { return };
        let mut blurred = Vec::new();
        for (name, before) in page {
            let other = changed.get(name).unwrap_or(before);
            if *other != self.stored(name) {
                blurred.push(name.clone());
            }
        }
        for (name, other) in changed {
            if !page.contains_key(name) && *other != self.stored(name) {
                blurred.push(name.clone());
            }
        }
        for name in blurred {
            self.put(&name, Value::Runtime);
        }
    }

    fn stored(&self, name: &str) -> Value {
        self.values.get(name).cloned().unwrap_or(Value::Unset)
    }

    fn put(&mut self, name: &str, value: Value) {
        let before = self.values.insert(name.to_owned(), value);
        if let Some(page) = self.log.last_mut() {
            page.entry(name.to_owned())
                .or_insert(before.unwrap_or(Value::Unset));
        }
    }

    fn change_directory(&mut self, value: &Value) {
        let path = match value {
            Value::Text(text) => text.known(),
            _ => None,
        };
        let path = path.filter(|path| path.len() < MAX_PATH);
        match (path, self.directory()) {
            (Some(""), _) => {}
            (Some(path), _) if path.starts_with('/') => {
                let path = Value::Text(Text::literal(path));
                self.put(DIRECTORY, path);
            }
            (Some(path), Some(directory)) => {
                let path = crate::rules::path::join(directory, path);
                let path = match path.len() < MAX_PATH {
                    true => Value::Text(Text::literal(path)),
                    false => Value::Runtime,
                };
                self.put(DIRECTORY, path);
            }
            // To unset it changes to no directory.
            _ if *value == Value::Unset => {}
            _ => self.put(DIRECTORY, Value::Runtime),
        }
    }

    fn shift(&mut self, value: &Value) {
        if let Value::Text(text) = value
            && let Some(count) = text.known().and_then(|text| text.parse::<usize>().ok())
        {
            self.arguments.drain(..count.min(self.arguments.len()));
        }
    }
}

/// What procmail called itself for twenty years. Rules ask whether it is new enough.
const VERSION: &str = "3.22";

/// The variables that are set before any file is read, procmail's own
/// defaults; what the old host alone knows is opaque.
pub fn environment(settings: &Settings) -> Vec<(&'static str, Text)> {
    let mailbox = format!("/var/mail/{}", settings.user);
    let opaque = |name: &str| Text(vec![Piece::Opaque(name.to_owned())]);
    vec![
        ("LOGNAME", Text::literal(&settings.user)),
        ("HOME", Text::literal(&settings.home_path)),
        ("MAILDIR", Text::literal(&settings.home_path)),
        ("ORGMAIL", Text::literal(&mailbox)),
        ("DEFAULT", Text::literal(&mailbox)),
        ("SENDMAIL", Text::literal("/usr/sbin/sendmail")),
        ("SENDMAILFLAGS", Text::literal("-oi")),
        ("SHELLMETAS", Text::literal(FOR_SHELL)),
        ("SHELLFLAGS", Text::literal("-c")),
        ("LOCKEXT", Text::literal(".lock")),
        ("MSGPREFIX", Text::literal("msg.")),
        ("LINEBUF", Text::literal(LINEBUF.to_string())),
        ("SHELL", opaque("SHELL")),
        ("PATH", opaque("PATH")),
        (
            "HOST",
            match &settings.host {
                Some(host) => Text::literal(host),
                None => opaque("HOST"),
            },
        ),
        ("TZ", opaque("TZ")),
        ("PROCMAIL_VERSION", Text::literal(VERSION)),
    ]
}

/// What one of them holds.
pub fn preset(settings: &Settings, name: &str) -> Option<Text> {
    let mut environment = environment(settings).into_iter();
    environment
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}
