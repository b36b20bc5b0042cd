//! In: the bytes that a fuzzer made up. Out: a panic, where what holds for any
//! bytes does not hold for these.

#[path = "../tests/accounted/mod.rs"]
pub mod accounted;

use sievify::batch::tables::Tables;
use sievify::batch::{accounts, lines, passwd, tables as files};
use sievify::home::MemoryHome;
use sievify::replay::{Letter, Replay};
use sievify::report::replayed::{Place, Why};
use sievify::rules::elaborate::Settings;
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use sievify::sieve::target::Target;
use sievify::syntax::forward::Forward;
use sievify::syntax::shell::Shell;
use sievify::syntax::{FileId, Source, procmailrc, regex};
use sievify::translate::Translator;

/// The name of a message among the files.
const MESSAGE: &str = "MESSAGE";

/// Files in one input: each behind a line `--- NAME`, the first without one is
/// `.procmailrc`. `seeds` writes homes of the corpus like this.
pub fn home(bytes: &[u8]) -> (MemoryHome, Vec<u8>) {
    let mut files = vec![(".procmailrc".to_owned(), Vec::new())];
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_prefix(b"--- ") {
            Some(name) => {
                let name = String::from_utf8_lossy(name).trim().to_owned();
                files.push((name, Vec::new()));
            }
            None => files.last_mut().unwrap().1.extend_from_slice(line),
        }
    }
    let mut message = b"From: ann@example.org\nSubject: x\n\nHello\n".to_vec();
    let mut home = MemoryHome::new();
    for (name, content) in files {
        match name == MESSAGE {
            true => message = content,
            false => home = home.file(&name, content),
        }
    }
    (home, message)
}

/// Whose home it is.
pub fn settings() -> Settings {
    Settings {
        domain: Some("old.example".to_owned()),
        ..Settings::new("joe")
    }
}

/// Which server, by the length: no byte of the rules is spent on it.
fn target(bytes: &[u8]) -> Target {
    Target::profile(Target::PROFILES[bytes.len() % Target::PROFILES.len()]).unwrap()
}

/// Every grammar accepts every text, and no byte of it is lost.
pub fn grammars(bytes: &[u8]) {
    let source = Source::new("rc", bytes.to_vec());
    let text = source.text.as_str();
    assert_eq!(source.encode(text), bytes);

    let nodes = procmailrc::parse(FileId(0), text);
    let printed: String = nodes.iter().map(|node| source.slice(node.span)).collect();
    assert_eq!(printed, text, "procmailrc");

    assert_eq!(Forward::parse(FileId(0), text).print(text), text, "forward");

    let shell = Shell::parse(text);
    assert_eq!(shell.print(text), text, "shell");
    let _ = shell.list();

    let nodes = regex::parse(text);
    let printed: String = nodes.iter().map(|node| &text[node.span.clone()]).collect();
    assert_eq!(printed, text, "regex");
}

/// Any bytes are rules: the script compiles and does what its tree does, every
/// line is accounted for once, and a second translation says the same.
pub fn translate(bytes: &[u8]) {
    let target = target(bytes);
    let settings = settings();
    let (home, _) = home(bytes);
    let Elaborated {
        program, sources, ..
    } = elaborate_home(&home, &settings);
    let wrong = accounted::unaccounted(&program, &sources);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let translated = || {
        Translator::new(&target)
            .translate(&home, &settings)
            .unwrap_or_else(|bug| panic!("{}: {bug}", target.name))
            .report
    };
    let report = translated();
    assert_eq!(report, translated());
}

/// Any bytes are rules and a message: the model of the old rules and the script,
/// run by sieve-rs, say the same, or the report says why not; and no message is
/// lost that the old rules kept.
pub fn replay(bytes: &[u8]) {
    let (home, message) = home(bytes);
    let settings = settings();
    let target = target(bytes);
    let translation = Translator::new(&target)
        .translate(&home, &settings)
        .unwrap();
    let mut replay = Replay::new(&translation, &settings, &target).unwrap();
    if let Some(difference) = replay.next(&Letter::new(message, None)) {
        let keeps = |place: &Place| matches!(place, Place::Folder(_));
        let script = &translation.report.script;
        assert!(
            !difference.before.iter().any(keeps) || difference.after.iter().any(keeps),
            "{}: lost: {difference:?}\n{script}",
            target.name
        );
        assert_ne!(
            difference.why,
            Why::Unexplained,
            "{}: {difference:?}\n{script}",
            target.name
        );
    }
}

/// The administrator's files: nothing in them makes a name that climbs, or a
/// lookup without an end.
pub fn tables(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (users, problems) = passwd::parse("passwd", &text);
    for user in &users {
        assert!(lines::is_safe_name(&user.name), "{user:?}");
    }
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));

    let (accounts, problems) = accounts::parse("accounts.csv", &text);
    for (name, account) in accounts.iter().flatten() {
        assert!(lines::is_safe_name(name) && lines::is_safe_name(&account.new));
    }
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));

    let (aliases, problems) = files::aliases("aliases", &text);
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));
    let (virtual_, problems) = files::virtual_("virtual", &text);
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));
    let tables = Tables {
        domain: Some("old.example".to_owned()),
        hosts: vec!["localhost".to_owned()],
        aliases,
        virtual_,
    };
    for entry in tables.aliases.values().chain(tables.virtual_.values()) {
        tables.resolve(&entry.name);
        tables.alias_of(&entry.name, &|_| false);
    }

    let _ = Target::from_toml(&text, "target.toml");
}

/// What is said to a terminal moves no cursor.
fn shown(text: &str) {
    assert!(
        !text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
    );
}
