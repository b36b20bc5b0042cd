//! In: the text of a `.forward` file. Out: what local(8) does with any
//! message. There is no real mailer among the judges; this reads only what
//! leaves no doubt.

use super::procmail::{Prepared, Run};
use super::recorder::Call;
use super::{DOMAIN, Delivery, Files, HOME, Outcome, USER};

/// How the old machine is asked about a home.
pub enum Old {
    /// procmail runs for each message; beside it, mail goes elsewhere.
    Procmail(Prepared, Outcome),
    /// A `.forward` does the same with every message.
    Forward(Run),
}

impl Old {
    /// That of a home with these files.
    pub fn of(files: Files) -> Self {
        let forward = files.0.get(".forward");
        let forward = forward.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let has_rules = files.0.contains_key(".procmailrc");
        match forward.as_deref().and_then(|text| deliver(text, has_rules)) {
            Some(run) => Old::Forward(run),
            None => {
                let beside = beside_procmail(forward.as_deref().unwrap_or_default());
                Old::Procmail(Prepared::new(files), beside)
            }
        }
    }
}

/// What happens to every message; nothing where the file holds more than
/// addresses, files and programs, calls procmail, or names nobody, so that the
/// mailer does. What comes to the user's own mailbox goes by the rules, where
/// there are any: procmail is what the mailer puts mail there with.
pub fn deliver(text: &str, has_rules: bool) -> Option<Run> {
    if is_filter(text) || text.contains("procmail") {
        return None;
    }
    let destinations = destinations(text)?;
    if has_rules && destinations.iter().any(|word| is_own(word)) {
        return None;
    }
    let run = run_of(destinations)?;
    if run.outcome.is_empty() && run.calls.is_empty() && !text.contains("/dev/null") {
        return None;
    }
    Some(run)
}

/// Where mail goes beside procmail, which is one of the destinations. What goes
/// to the user's own mailbox comes to procmail's rules as well.
fn beside_procmail(text: &str) -> Outcome {
    let others = destinations(text).map(|mut words| {
        words.retain(|word| !word.contains("procmail") && !is_own(word));
        words
    });
    others.and_then(run_of).unwrap_or_default().outcome
}

fn run_of(destinations: Vec<String>) -> Option<Run> {
    let mut run = Run::default();
    for destination in destinations {
        let name = destination.trim_start_matches('\\');
        if let Some(command) = destination.strip_prefix('|') {
            run.calls.push(Call {
                program: command.trim().to_string(),
                arguments: Vec::new(),
            });
        } else if destination.starts_with('/') {
            let path = destination.trim_end_matches('/');
            if path != "/dev/null" {
                run.outcome.insert(Delivery::Mailbox(path.to_string()));
            }
        } else if is_own(&destination) || name != destination && !name.contains('@') {
            let inbox = format!("/var/mail/{USER}");
            run.outcome.insert(Delivery::Mailbox(inbox));
        } else if name.contains([':', '"', '~', '$', ' ', '<', '(']) {
            return None;
        } else {
            run.outcome.insert(Delivery::Redirect(name.to_string()));
        }
    }
    run.status = Some(0);
    Some(run)
}

/// Exim's own filters have a judge of their own.
fn is_filter(text: &str) -> bool {
    text.starts_with("# Exim filter") || text.starts_with("#Exim")
}

fn is_own(destination: &str) -> bool {
    let name = destination.trim_start_matches('\\');
    name == USER
        || name
            .strip_prefix(USER)
            .and_then(|rest| rest.strip_prefix('@'))
            == Some(DOMAIN)
}

/// Whether one of the destinations is procmail, or the user, for whom it is
/// called: what several calls do is not what one does.
pub fn calls_procmail_once(text: &str) -> bool {
    if is_filter(text) {
        return false;
    }
    let calls = |word: &&String| word.contains("procmail") || is_own(word);
    match destinations(text) {
        Some(words) => words.iter().filter(calls).count() == 1,
        None => text.contains("procmail"),
    }
}

/// `NAME=value` behind procmail, where that is all it is told.
pub fn assignments(text: &str) -> Vec<&str> {
    let command = text.trim().trim_matches('"');
    match command.split_once("procmail ") {
        Some((_, words)) if words.split(' ').all(is_assignment) => words.split(' ').collect(),
        _ => Vec::new(),
    }
}

fn is_assignment(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=').is_some_and(|(name, value)| {
        !name.is_empty() && (name.to_owned() + value).chars().all(is_plain)
    })
}

/// The words between commas and line ends, outside of quotes and comments.
fn destinations(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let mut rest = line;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix('"') {
                let (inside, after) = quoted.split_once('"')?;
                found.push(inside.trim().to_string());
                rest = after.trim_start_matches([',', ' ', '\t']);
            } else {
                let (word, after) = rest.split_once(',').unwrap_or((rest, ""));
                found.push(word.trim().to_string());
                rest = after.trim_start();
            }
        }
    }
    found.retain(|word| !word.is_empty());
    let absolute = |word: String| word.replace("$HOME", HOME);
    Some(found.into_iter().map(absolute).collect())
}
