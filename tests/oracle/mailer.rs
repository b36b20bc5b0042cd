//! In: `.forward` files and aliases of made-up users. Out: where their mail
//! goes by the rule model and by the scripts, to be held against a real mailer.

use super::pigeonhole::Pigeonhole;
use super::postfix::User;
use super::stalwart::SieveRs;
use super::{DOMAIN, Delivery, Files, Outcome};
use sievify::home::MemoryHome;
use sievify::ledger::Verdict;
use sievify::rules::elaborate::{Mda, Settings};
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use sievify::rules::model::{Folder, Format, Step, Target};
use sievify::sieve::target::Target as Server;
use sievify::translate::Translator;
use std::collections::BTreeSet;

/// What stands in the `.forward` of somebody, `ME` for the login name. Where
/// Postfix and sendmail differ (`|command word` without quotes, `:include:~/list`,
/// `\user` in a list), sievify follows sendmail, and nothing stands here.
pub const FORWARDS: &[&str] = &[
    "a@b.example\n",
    "a@b.example, c@d.example\n",
    "a@b.example\nc@d.example",
    "a@b.example,\n c@d.example,\n",
    "a@b.example\r\n",
    "A B <a@b.example>\n",
    "\"B, A\" <a@b.example>\n",
    "a@b.example (home)\n",
    "# nothing but\n\n  # comments\n",
    "",
    "\n\n",
    "# first\na@b.example # behind\n",
    "\\ME\n",
    "\\ME, a@b.example\n",
    "ME\n",
    "ME@example.org\n",
    "ME, a@b.example\n",
    "plain\n",
    "\\plain\n",
    "\"\\\\ME\", a@b.example\n",
    "/home/ME/box\n",
    "/home/ME/dir/\n",
    "~/box\n",
    "~/dir/\n",
    "~ME/box\n",
    "\"/home/ME/a box\"\n",
    "/dev/null\n",
    "\"|cat >/dev/null\"\n",
    "|cat\n",
    "\"| cat\"\n",
    "|\"cat >/dev/null\"\n",
    "\"|exit 67\"\n",
    "\"|exit 77\", a@b.example\n",
    "\\ME, \"|true a,b\"\n",
    "\"|true \\\"a b\\\"\"\n",
    ":include:/home/ME/list\n",
    "\":include:/home/ME/list\", x@y.example\n",
    ":include:/home/ME/loop\n",
    ":include:/home/ME/none\n",
    "a@b.example\na@b.example\n",
    "A@B.example\n",
    "mailto:a@b.example\n",
    "a b\n",
    "a@b.example c@d.example\n",
    "\"a b\"@c.example\n",
    "<a@b.example>, <c@d.example>\n",
    "a@b.example;\n",
    "(just a note)\n",
    "ME+word\n",
    "a@b.example\\\n",
    "\"|cat >/dev/null\n  more\"\n",
    "a@b.example, \"|cat\n",
    "a@b.example.\n",
];

/// What stands in aliases(5) for somebody.
pub const ALIASES: &[&str] = &[
    "a@b.example",
    "a@b.example, \\ME",
    "ME, a@b.example",
    "ME",
    "\\ME",
    "\"|true x\"",
    "/tmp/box",
    "plain,\n  a@b.example,\n  c@d.example",
    ":include:/home/ME/list",
];

/// What stands in `.forward` and in `.forward+lists`, and what is written to.
const DETAILS: &[(Option<&str>, Option<&str>, &str)] = &[
    (Some("a@b.example\n"), Some("~/lists\n"), "ME+lists"),
    (Some("a@b.example\n"), Some("~/lists\n"), "ME+other"),
    (Some("a@b.example\n"), Some("~/lists\n"), "ME"),
    (Some("a@b.example\n"), Some("ME, c@d.example\n"), "ME+lists"),
    (Some("a@b.example\n"), None, "ME+lists"),
    (None, Some("c@d.example\n"), "ME+lists"),
    (None, Some("c@d.example\n"), "ME+LISTS"),
    (None, Some("c@d.example\n"), "ME+other"),
    (None, Some("c@d.example\n"), "ME"),
];

/// The users of these files.
pub fn users() -> Vec<User> {
    let forwards = FORWARDS
        .iter()
        .map(|forward| (Some(*forward), None, None, "ME"));
    let aliases = ALIASES.iter().map(|alias| (None, None, Some(*alias), "ME"));
    let both = [(Some("c@d.example\n"), None, Some("ME, a@b.example"), "ME")];
    let details = DETAILS
        .iter()
        .map(|(forward, lists, address)| (*forward, *lists, None, *address));
    let cases = forwards.chain(aliases).chain(both).chain(details);
    cases
        .enumerate()
        .map(|(number, (forward, lists, alias, address))| {
            let name = format!("u{number}");
            let written = |text: &str| text.replace("ME", &name);
            let mut files = Files::default();
            let mut add =
                |path: &str, text: String| files.0.insert(path.to_string(), text.into_bytes());
            if let Some(forward) = forward {
                add(".forward", written(forward));
            }
            if let Some(lists) = lists {
                add(".forward+lists", written(lists));
            }
            add("list", written("# a list\nl1@b.example, plain\n"));
            add("loop", written(":include:/home/ME/loop\nl1@b.example\n"));
            User {
                files,
                alias: alias.map(written),
                address: written(address),
                name,
            }
        })
        .collect()
}

fn home(user: &User) -> MemoryHome {
    let files = user.files.0.iter();
    files.fold(MemoryHome::new(), |home, (path, bytes)| {
        home.file(path, bytes.clone())
    })
}

fn settings(user: &User) -> Settings {
    Settings {
        domain: Some(DOMAIN.to_string()),
        mda: Mda::None,
        alias: user.alias.clone(),
        ..Settings::new(&user.name)
    }
}

/// Where a user's mail goes by the rule model; `None` where the report says
/// that this is not what the mailer did.
pub fn model(user: &User) -> Option<BTreeSet<String>> {
    let Elaborated {
        program, findings, ..
    } = elaborate_home(&home(user), &settings(user));
    let announced = |verdict: Verdict| matches!(verdict, Verdict::Adapted | Verdict::Manual);
    if findings.iter().any(|finding| announced(finding.verdict)) {
        return None;
    }
    let mut ends = BTreeSet::new();
    collect(&program.main.steps, &mut ends)?;
    Some(ends)
}

fn collect(steps: &[Step], ends: &mut BTreeSet<String>) -> Option<()> {
    for step in steps {
        let Step::Deliver(destinations) = step else {
            return None;
        };
        for destination in destinations {
            match &destination.to {
                Target::Keep => ends.insert("mailbox".to_string()),
                Target::Rules(run) => {
                    collect(&run.steps, ends)?;
                    true
                }
                Target::Address(address) => ends.insert(match address.contains('@') {
                    true => format!("address {address}"),
                    false => format!("address {address}@{DOMAIN}"),
                }),
                Target::Folder(folder) => end_in(folder, ends),
                Target::Program(program) => ends.insert(format!("command {program}")),
                Target::Exit(0) => true,
                Target::Exit(_) => ends.insert("refused".to_string()),
                _ => return None,
            };
        }
    }
    if steps.is_empty() {
        ends.insert("mailbox".to_string());
    }
    Some(())
}

/// A command that does nothing with the message.
fn is_nothing(end: &str) -> bool {
    end.starts_with("command true") || end.ends_with(">/dev/null")
}

fn end_in(folder: &Folder, ends: &mut BTreeSet<String>) -> bool {
    let path = folder.path.known().unwrap_or("?");
    match folder.format {
        Format::Null => false,
        Format::Maildir => ends.insert(format!("maildir {}", path.trim_end_matches('/'))),
        _ => ends.insert(format!("file {path}")),
    }
}

/// Where the model and the mailer differ, a line for each.
pub fn differences(users: &[User], real: &super::postfix::Ends) -> Vec<String> {
    let empty = BTreeSet::new();
    users
        .iter()
        .filter_map(|user| {
            let mut real = real.get(&user.name).unwrap_or(&empty).clone();
            real.retain(|end| !is_nothing(end));
            let model = model(user)?;
            let written = user
                .files
                .0
                .get(".forward")
                .map(|bytes| String::from_utf8_lossy(bytes));
            (model != real).then(|| {
                format!(
                    "{} {written:?} {:?}:\n  model  {model:?}\n  mailer {real:?}",
                    user.name, user.alias
                )
            })
        })
        .collect()
}

/// Sieve engines that a script is given to.
pub struct Engines {
    /// Dovecot's.
    pub pigeonhole: Pigeonhole,
    /// Stalwart's.
    pub sieve_rs: SieveRs,
}

/// Where the script of a user and the mailer differ, though the report says
/// nothing of it; and how many scripts do what the mailer did.
///
/// # Errors
/// Where a script cannot be made or run.
pub fn script_differences(
    users: &[User],
    real: &super::postfix::Ends,
    engines: &Engines,
) -> Result<(Vec<String>, usize), String> {
    let server = Server::profile("dovecot").map_err(|error| error.to_string())?;
    let mut differences = Vec::new();
    let mut same = 0;
    for user in users {
        let settings = settings(user);
        let translation = Translator::new(&server)
            .translate(&home(user), &settings)
            .map_err(|error| format!("{}: {error}", user.name))?;
        let report = translation.report;
        let announced = |verdict: Verdict| matches!(verdict, Verdict::Adapted | Verdict::Manual);
        let is_announced = report.entries.iter().any(|entry| announced(entry.verdict));
        let mut expected = Outcome::new();
        for end in real.get(&user.name).into_iter().flatten() {
            let Some((kind, place)) = end.split_once(' ') else {
                expected.insert(match end.as_str() {
                    "refused" => Delivery::Reject,
                    _ => Delivery::Mailbox("INBOX".to_string()),
                });
                continue;
            };
            match kind {
                "address" => expected.insert(Delivery::Redirect(lowered(place))),
                "command" => false,
                _ => {
                    let folder = report.folders.iter().find(|folder| folder.path == place);
                    let folder = folder.map_or("?", |folder| folder.folder.as_str());
                    expected.insert(Delivery::Mailbox(folder.to_string()))
                }
            };
        }
        let recipient = format!("{}@{DOMAIN}", user.address);
        let message = format!("From: s@example.com\nTo: {recipient}\nSubject: hello\n\nThe body\n");
        let (sender, message) = ("s@example.com", message.as_bytes());
        let Engines {
            pigeonhole,
            sieve_rs,
        } = engines;
        let compiled = pigeonhole.compile(&report.script)?;
        let outcomes = [
            pigeonhole.run_for(&recipient, &compiled, sender, message)?,
            sieve_rs.run_for(
                &recipient,
                &sieve_rs.compile(&report.script)?,
                sender,
                message,
            )?,
        ];
        for outcome in outcomes {
            let outcome: Outcome = outcome
                .into_iter()
                .map(|delivery| match delivery {
                    Delivery::Redirect(address) => Delivery::Redirect(lowered(&address)),
                    delivery => delivery,
                })
                .collect();
            if outcome == expected {
                same += 1;
            } else if !is_announced {
                differences.push(format!(
                    "{}:\n  script {outcome:?}\n  mailer {expected:?}\n{}",
                    user.address, report.script
                ));
            }
        }
    }
    Ok((differences, same))
}

/// An address whose domain is in lower case.
fn lowered(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_string(),
    }
}

/// A home of the user `jo`, translated.
pub struct Translated {
    /// The script.
    pub script: String,
    /// Old mailboxes and their folders.
    folders: Vec<(String, String)>,
    /// Some rule is not carried out as it was.
    pub is_announced: bool,
}

/// Translates a home of the user `jo`.
///
/// # Errors
/// Where that fails.
pub fn translated(home: &std::path::Path) -> Result<Translated, String> {
    use sievify::home::{DiskHome, Limits};
    let disk = DiskHome::open(home, Limits::default()).map_err(|error| error.to_string())?;
    let settings = Settings {
        domain: Some(DOMAIN.to_string()),
        ..Settings::new("jo")
    };
    let server = Server::profile("dovecot").map_err(|error| error.to_string())?;
    let translation = Translator::new(&server)
        .translate(&disk, &settings)
        .map_err(|error| format!("{}: {error}", home.display()))?;
    let report = translation.report;
    Ok(Translated {
        script: report.script,
        folders: report
            .folders
            .iter()
            .map(|folder| (folder.path.clone(), folder.folder.clone()))
            .collect(),
        is_announced: report
            .entries
            .iter()
            .any(|entry| entry.verdict == Verdict::Manual),
    })
}

impl Translated {
    /// What an outcome on the old host is on the new one.
    pub fn in_sieve(&self, outcome: &Outcome) -> Outcome {
        let moved = |delivery: &Delivery| match delivery {
            Delivery::Mailbox(path) => {
                let path = path.trim_end_matches('/');
                let folder = self.folders.iter().find(|(old, _)| old == path);
                Delivery::Mailbox(folder.map_or("INBOX".to_string(), |(_, folder)| folder.clone()))
            }
            other => other.clone(),
        };
        outcome
            .iter()
            .filter(|delivery| **delivery != Delivery::Mailbox("/dev/null".to_string()))
            .map(moved)
            .collect()
    }
}
