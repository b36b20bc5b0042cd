//! Stands in the place of every program but procmail and formail: writes down
//! that it was called, and does nothing else.
//!
//! In a shell's place it runs a plain pipeline of programs it knows
//! (`formail`, `tr`, `grep` and `test` are the real ones, and `sed` and `cut` behind
//! others; `sendmail`, `cat`,
//! `echo`, spam filters, which pass a message on unchanged) and nothing else.

use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

/// One call of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its name without directory; for a command that the recorder cannot
    /// take apart, the whole command.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Programs that pass a message through and judge it.
pub const SPAM_FILTERS: &[&str] = &[
    "spamc",
    "spamassassin",
    "bogofilter",
    "sa-filter",
    "spamprobe",
    "crm",
    "dspam",
    "bmf",
    "ifile",
    "spambayes",
    "sb_filter.py",
    "sb_client.py",
    "razor-check",
    "clamassassin",
    "spamd",
    "clamscan",
    "clamdscan",
    "popfile",
    "annoyance-filter",
    "qsf",
    "spamoracle",
    "dcc",
    "dccproc",
];

/// Programs whose output is not the message.
const SILENT: &[&str] = &[
    "test",
    "[",
    "expr",
    "whoami",
    "mkdir",
    "rm",
    "touch",
    "grep",
    "egrep",
    "fgrep",
    "logger",
    "true",
    "sleep",
    "basename",
    "dirname",
    "mail",
    "mailx",
    "vacation",
    "head",
    "tail",
    "wc",
    "id",
    "uname",
    "domainname",
    "mv",
    "ln",
    "chmod",
    "find",
    "ls",
    "rcvstore",
];

const SHELLS: &[&str] = &["sh", "bash", "csh", "tcsh", "zsh", "ksh", "dash", "ash"];

/// Where the recorder lies in a cell, and nowhere else.
pub const PLACE: &str = "/usr/libexec/sievify-recorder";

/// Whether the executable was called in another program's place.
pub fn stands_in() -> bool {
    std::path::Path::new(PLACE).is_file()
}

/// Plays the program whose name it bears; returns the exit status.
pub fn play() -> i32 {
    let argv: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut input = Vec::new();
    let _ = io::stdin().lock().take(1 << 26).read_to_end(&mut input);
    let (program, arguments) = match argv.split_first() {
        Some((first, rest)) => (base(first).to_string(), rest.to_vec()),
        None => return 0,
    };
    let (output, status) = if SHELLS.contains(&program.as_str()) {
        shell(&arguments, input)
    } else {
        one(&program, &arguments, input, false)
    };
    let _ = io::stdout().lock().write_all(&output);
    status
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn record(program: &str, arguments: &[String]) {
    let call = Call {
        program: program.to_string(),
        arguments: arguments.to_vec(),
    };
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.as_nanos());
    let path = format!("/record/{time:020}-{}", std::process::id());
    if let Ok(text) = serde_json::to_vec(&call) {
        let _ = std::fs::write(path, text);
    }
}

/// Programs that are run where they get a line from another, and not where they
/// change a message.
fn edits_lines(program: &str) -> bool {
    matches!(program, "sed" | "cut")
}

/// What the call of such a program is written down as.
pub const LINE_EDITOR: &str = "line editor";

/// Plays a program, one of several in a pipeline or alone: its output and exit
/// status.
fn one(program: &str, arguments: &[String], input: Vec<u8>, is_piped: bool) -> (Vec<u8>, i32) {
    match is_piped && edits_lines(program) {
        true => record(LINE_EDITOR, arguments),
        false => record(program, arguments),
    }
    match program {
        "formail" | "tr" | "grep" => real(program, arguments, &input),
        _ if is_piped && edits_lines(program) => real(program, arguments, &input),
        "fgrep" | "egrep" => {
            let mut words = vec![format!("-{}", program[..1].to_uppercase())];
            words.extend_from_slice(arguments);
            real("grep", &words, &input)
        }
        "test" if !arguments.iter().any(|word| asks_for_file(word)) => {
            real(program, arguments, &input)
        }
        "echo" => (format!("{}\n", arguments.join(" ")).into_bytes(), 0),
        "hostname" | "uname" => match host(arguments) {
            Some(name) => (format!("{name}\n").into_bytes(), 0),
            None => (Vec::new(), 1),
        },
        "date" => (date(arguments).unwrap_or_default().into_bytes(), 0),
        "false" => (Vec::new(), 1),
        "sendmail" => (Vec::new(), 0),
        _ if SILENT.contains(&program) => (Vec::new(), 0),
        _ => (input, 0),
    }
}

/// How the old host is called, as hostname(1) and `uname -n` tell.
fn host(arguments: &[String]) -> Option<&str> {
    let (short, domain) = super::HOST.split_once('.')?;
    match arguments.first().map(String::as_str) {
        None | Some("-n" | "-f" | "--fqdn") => Some(super::HOST),
        Some("-s") => Some(short),
        Some("-d") => Some(domain),
        Some(_) => None,
    }
}

/// The date in the formats that folders are named with; nothing for others.
fn date(arguments: &[String]) -> Option<String> {
    let [format] = arguments else { return None };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?
        .as_secs();
    // Days since March of the year 0, which makes the leap day the last one.
    let days = now / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut text = String::new();
    let mut chars = format.strip_prefix('+')?.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some('Y')) => text.push_str(&year.to_string()),
            ('%', Some('y')) => text.push_str(&format!("{:02}", year % 100)),
            ('%', Some('m')) => text.push_str(&format!("{month:02}")),
            ('%', Some('d')) => text.push_str(&format!("{day:02}")),
            ('%', Some('F')) => text.push_str(&format!("{year}-{month:02}-{day:02}")),
            ('%', Some('b' | 'h')) => text.push_str(months.get(month as usize - 1)?),
            ('%', _) => return None,
            (c, _) => text.push(c),
        }
    }
    text.push('\n');
    Some(text)
}

/// Files are not what they were on the old machine.
fn asks_for_file(word: &str) -> bool {
    let letter = word.strip_prefix('-').unwrap_or_default();
    letter.len() == 1 && "bcdefghkLOprsSuwxGN".contains(letter)
}

/// Runs one of the few programs that a cell holds.
fn real(program: &str, arguments: &[String], input: &[u8]) -> (Vec<u8>, i32) {
    let sandbox = (program == "sed").then_some("--sandbox");
    let child = Command::new(format!("/usr/libexec/{program}"))
        .args(sandbox)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return (Vec::new(), 127);
    };
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(stdin) = &mut stdin {
                let _ = stdin.write_all(input);
            }
            drop(stdin);
        });
        child.wait_with_output()
    });
    match output {
        Ok(output) => (output.stdout, output.status.code().unwrap_or(1)),
        Err(_) => (Vec::new(), 1),
    }
}

/// Whether there is no program, and so no script, of that name on any host: it is a
/// word for a shell.
fn is_of_shell(name: &str) -> bool {
    let built_in = [
        ":", "!", "break", "command", "continue", "eval", "exec", "exit", "export", "readonly",
        "return", "set", "shift", "trap", "unset",
    ];
    built_in.contains(&name) || name.starts_with('(') || name.contains('=')
}

fn shell(arguments: &[String], input: Vec<u8>) -> (Vec<u8>, i32) {
    // The variable that was to name the program has no value.
    let is_nameless = |word: &str| word.starts_with('-') && !word.contains(['c', 's']);
    let command = match arguments {
        [flag, ..] if is_nameless(flag) => return (Vec::new(), 2),
        [flag, command, ..] if flag.starts_with('-') => command.as_str(),
        // What is no program, procmail gives to a shell as a script.
        [script, ..] if is_of_shell(script) => return (Vec::new(), 2),
        [script, rest @ ..] => return one(base(script), rest, input, false),
        [] => return (input, 0),
    };
    let mut words = command.split([' ', '(']).filter(|word| !word.is_empty());
    if words.next().is_some_and(is_nameless) {
        return (Vec::new(), 127);
    }
    let known = |name: &str| {
        matches!(
            name,
            "formail"
                | "sendmail"
                | "echo"
                | "cat"
                | "true"
                | "false"
                | "tr"
                | "sed"
                | "cut"
                | "grep"
                | "fgrep"
                | "egrep"
                | "test"
                | "hostname"
                | "uname"
        ) || SPAM_FILTERS.contains(&name)
    };
    let pipeline = pipeline(command).filter(|commands| {
        let is_lone_editor = commands.len() == 1
            && commands
                .iter()
                .flatten()
                .next()
                .is_some_and(|name| edits_lines(base(name)));
        !is_lone_editor
            && commands.iter().all(|words| {
                words
                    .first()
                    .is_some_and(|name| known(base(name)) && (name != "cat" || words.len() == 1))
            })
    });
    let Some(pipeline) = pipeline else {
        let first = command.split_whitespace().next().unwrap_or("sh");
        record(&format!("sh: {command}"), &[]);
        let silent = SILENT.contains(&base(first));
        return (if silent { Vec::new() } else { input }, 0);
    };
    let mut flow = (input, 0);
    let is_piped = pipeline.len() > 1;
    for words in pipeline {
        if let Some((program, arguments)) = words.split_first() {
            flow = one(base(program), arguments, flow.0, is_piped);
        }
    }
    flow
}

/// The commands of a pipeline in words, quotes removed and variables put in;
/// nothing where it holds anything else.
fn pipeline(command: &str) -> Option<Vec<Vec<String>>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = command.trim().chars().peekable();
    let mut double = false;
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                double = !double;
                word.get_or_insert_default();
            }
            '\'' if !double => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '\\' => {
                let next = chars.next()?;
                if next == '\n' {
                    continue;
                }
                let word = word.get_or_insert_default();
                if double && !matches!(next, '"' | '\\' | '$' | '`') {
                    word.push('\\');
                }
                word.push(next);
            }
            '$' => {
                let braced = chars.next_if_eq(&'{').is_some();
                let mut name = String::new();
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                if name.is_empty() && !braced {
                    word.get_or_insert_default().push('$');
                    continue;
                }
                if name.is_empty() || (braced && chars.next() != Some('}')) {
                    return None;
                }
                let value = std::env::var(&name).unwrap_or_default();
                if double {
                    word.get_or_insert_default().push_str(&value);
                } else {
                    let mut parts = value.split_whitespace().peekable();
                    while let Some(part) = parts.next() {
                        word.get_or_insert_default().push_str(part);
                        if parts.peek().is_some() {
                            commands.last_mut()?.extend(word.take());
                        }
                    }
                }
            }
            '`' => return None,
            c if double => word.get_or_insert_default().push(c),
            ' ' | '\t' => commands.last_mut()?.extend(word.take()),
            '|' => {
                commands.last_mut()?.extend(word.take());
                commands.push(Vec::new());
            }
            ';' | '&' | '<' | '>' | '(' | ')' | '*' | '?' | '[' | '{' | '}' | '~' | '#' | '\n' => {
                return None;
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    if double {
        return None;
    }
    commands.last_mut()?.extend(word.take());
    Some(commands)
}
