//! In: `.forward` files and aliases of made-up users. Out: where their mail
//! goes by the rule model, to be held against a real mailer.

use super::postfix::User;
use super::{DOMAIN, Files};
use sievify::home::MemoryHome;
use sievify::report::entry::Verdict;
use sievify::rules::elaborate::{Mda, Settings};
use sievify::rules::forward::elaborate_home;
use sievify::rules::model::{Folder, Format, Step, Target};
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

/// The users of these files.
pub fn users() -> Vec<User> {
    let forwards = FORWARDS.iter().map(|forward| (Some(*forward), None));
    let aliases = ALIASES.iter().map(|alias| (None, Some(*alias)));
    let both = [(Some("c@d.example\n"), Some("ME, a@b.example"))];
    let cases = forwards.chain(aliases).chain(both);
    cases
        .enumerate()
        .map(|(number, (forward, alias))| {
            let name = format!("u{number}");
            let written = |text: &str| text.replace("ME", &name);
            let mut files = Files::default();
            let mut add =
                |path: &str, text: String| files.0.insert(path.to_string(), text.into_bytes());
            if let Some(forward) = forward {
                add(".forward", written(forward));
            }
            add("list", written("# a list\nl1@b.example, plain\n"));
            add("loop", written(":include:/home/ME/loop\nl1@b.example\n"));
            User {
                files,
                alias: alias.map(written),
                address: name.clone(),
                name,
            }
        })
        .collect()
}

/// Where a user's mail goes by the rule model; `None` where the report says
/// that this is not what the mailer did.
pub fn model(user: &User) -> Option<BTreeSet<String>> {
    let home = user
        .files
        .0
        .iter()
        .fold(MemoryHome::new(), |home, (path, bytes)| {
            home.file(path, bytes.clone())
        });
    let settings = Settings {
        domain: Some(DOMAIN.to_string()),
        mda: Mda::None,
        alias: user.alias.clone(),
        ..Settings::new(&user.name)
    };
    let (program, _, findings) = elaborate_home(&home, &settings);
    let announced = |verdict: Verdict| matches!(verdict, Verdict::Adapted | Verdict::Manual);
    if findings.iter().any(|finding| announced(finding.verdict)) {
        return None;
    }
    let mut ends = BTreeSet::new();
    collect(&program.body, &mut ends)?;
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
                Target::Rules(steps) => {
                    collect(steps, ends)?;
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
    use sievify::sieve::folder::Naming;
    use sievify::sieve::lower::Options;
    use sievify::sieve::target::Target as Server;
    let disk = DiskHome::open(home, Limits::default()).map_err(|error| error.to_string())?;
    let settings = Settings {
        domain: Some(DOMAIN.to_string()),
        ..Settings::new("jo")
    };
    let server = Server::profile("dovecot").map_err(|error| error.to_string())?;
    let options = Options {
        naming: Naming {
            home: settings.home_path.clone(),
            user: settings.user.clone(),
            separator: server.separator,
            ..Naming::default()
        },
        domain: settings.domain.clone(),
        ..Options::default()
    };
    let translation = sievify::translate::translate(&disk, &settings, &options, &server)
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
    pub fn in_sieve(&self, outcome: &super::Outcome) -> super::Outcome {
        use super::Delivery;
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
