//! Text in rules that would be something else where it comes out: an action of
//! the script, a formula of a table, an escape sequence, markup of a page.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;
use sievify::home::MemoryHome;
use sievify::report::Report;
use sievify::report::terminal;
use sievify::rules::elaborate::Settings;
use sievify::sieve::check::{self, Action, Pattern};
use sievify::sieve::target::Target;
use sievify::syntax::is_hidden;
use sievify::translate::Translator;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const HOSTILE: [&str; 24] = [
    "\"; discard; #",
    "\\\"; redirect \"evil@example.net\"; #",
    "x\"; stop; keep \"",
    "*/ discard; /*",
    "/* ",
    "# x\ndiscard;",
    "x\rdiscard;",
    "x\r\ndiscard;\r\n",
    "text:\ndiscard;\n.\ndiscard;",
    "\n.\n;discard;",
    "${evil}",
    "${unicode:22}; discard; #",
    "${hex:22 3b}discard;",
    "\"],[\"",
    "; require [\"vnd.dovecot.execute\"];",
    "=HYPERLINK(\"http://evil.example\")",
    "+1+1|cmd",
    "@SUM(1)",
    "\t=1",
    "\x1b]0;title\x07\x1b[2J\u{9b}31m",
    "\u{202e}txt.exe\u{2028}",
    "a\u{200b}b\u{feff}c\u{e0041}d\u{2066}e",
    "\u{85}next\u{c}line\u{7f}",
    "</script><script>alert(1)</script><!--",
];

/// The same text in every place that a rule has for one.
fn home(text: &str) -> MemoryHome {
    let word = text.replace(['\n', '\r'], " ");
    let rc = format!(
        "# {text}\n\
         A=\"{text}\"\n\
         B='{word}'\n\
         :0\n* ^Subject:.*{word}\nMail/{word}\n\
         :0\n* $ ^X-A: $\\A\n$A/\n\
         :0:\n* ^X-B: $\\B\n\"$B\"\n\
         :0 c\n* ! ^From:.*\\<{word}\\>\n! {word}@example.org\n\
         :0 c\n! \"{text}@example.org\" $B@example.org\n\
         :0\n* ? test \"$A\" = \"{word}\"\n| mail -s \"{word}\" x@example.org\n\
         :0 fhw\n| formail -A \"X-{word}: {word}\" -I'{word}: $B'\n\
         :0 c\n| vacation \"{word}\"\n\
         LOG=\"{text}\"\n\
         INCLUDERC={word}\n\
         {text}\n"
    );
    let forward = format!(
        "\"|procmail -a {word}\"\n\"{word}\"@example.org, \\joe\n/home/joe/{word}\n\"|{word}\"\n"
    );
    let answer = format!("Subject: {word}\nFrom: {word}\n\n{text}\n.\n{text}\n");
    MemoryHome::new()
        .file(".procmailrc", rc)
        .file(".forward", forward)
        .file(".vacation.msg", answer)
        .file(&word.replace('/', "_"), format!("{text}\n"))
}

fn settings() -> Settings {
    Settings {
        domain: Some("old.example".to_owned()),
        ..Settings::new("joe")
    }
}

fn translated(text: &str, target: &Target) -> (Report, String) {
    let settings = settings();
    let translation = Translator::new(target)
        .translate(&home(text), &settings)
        .unwrap_or_else(|bug| panic!("{text:?}, {}: {bug}", target.name));
    let shown = terminal::render(&translation.report, &translation.sources);
    (translation.report, shown)
}

fn targets() -> impl Iterator<Item = Target> {
    let names = ["dovecot", "cyrus", "stalwart", "rfc5228"];
    names.into_iter().map(|name| Target::profile(name).unwrap())
}

#[test]
fn a_script_does_what_its_report_lists_and_nothing_else() {
    for target in targets() {
        for text in HOSTILE {
            let (report, _) = translated(text, &target);
            let script = &report.script;
            let found = check::check(script, &target).unwrap();
            let read_back = |text: &str| Pattern::from(&text.into());
            let folders = report.folders.iter();
            let folders: Vec<_> = folders.map(|each| read_back(&each.folder)).collect();
            let redirects = report.redirects.iter();
            let redirects: Vec<_> = redirects.map(|each| read_back(each)).collect();
            let before = std::iter::once(None).chain(found.0.iter().map(Some));
            for (before, action) in before.zip(&found.0) {
                let is_listed = match action {
                    Action::Redirect { address, .. } => {
                        address.as_str().ends_with("@example.org") && redirects.contains(address)
                    }
                    Action::FileInto { folder, .. } => {
                        // A copy that is kept goes to the inbox, as a `keep` does.
                        let is_inbox = folder.as_str() == "INBOX";
                        folders.contains(folder) || folder.as_str().is_empty() || is_inbox
                    }
                    // What a folder or an address has got a second time does not
                    // stay in the inbox as well.
                    Action::Discard => matches!(
                        before,
                        Some(
                            Action::FileInto { copy: false, .. }
                                | Action::Redirect { copy: false, .. }
                        )
                    ),
                    Action::Other(_) | Action::Reject(_) => false,
                    _ => true,
                };
                assert!(is_listed, "{text:?}: {action:?}\n{report:?}");
            }
            for extension in &report.requires {
                assert!(
                    target.has(extension.as_str().into()),
                    "{text:?}: {extension}"
                );
            }
            let is_plain = |c: char| !c.is_control() || c == '\n' || c == '\t' || c == '\r';
            assert!(script.chars().all(is_plain), "{text:?}: {script:?}");
        }
    }
}

#[test]
fn a_terminal_is_told_no_escape_sequence_of_the_users() {
    let target = Target::profile("dovecot").unwrap();
    for text in HOSTILE {
        let (_, shown) = translated(text, &target);
        // Those of the report itself are colours.
        let mut rest = shown.as_str();
        while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
            let sequence = rest[at..].strip_prefix("\x1b[");
            let end =
                sequence.and_then(|text| text.find(|c: char| !c.is_ascii_digit() && c != ';'));
            let sequence = sequence.unwrap_or_else(|| panic!("{text:?}: {rest:?}"));
            assert!(
                sequence[end.unwrap()..].starts_with('m'),
                "{text:?}: {rest:?}"
            );
            rest = sequence;
        }
        let hidden = |c: char| is_hidden(c) && c != '\x1b';
        assert!(!shown.contains(hidden), "{text:?}");
    }
}

/// Runs a batch, and returns what it warns of; nothing that it says or writes has
/// a hidden character, and no cell of a table is a formula.
fn batch(homes: &Path, out: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sievify"))
        .arg("batch")
        .arg(homes)
        .arg("-o")
        .arg(out)
        .args(["--domain", "old.example"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{told}");
    let is_plain = |text: &str| !text.chars().any(is_hidden);
    assert!(is_plain(&told), "{told:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(is_plain(&printed), "{printed:?}");
    for table in ["summary.csv", "folders.csv", "lists.csv", "forwards.csv"] {
        let mut reader = csv::Reader::from_path(out.join(table)).unwrap();
        for record in reader.records() {
            for cell in &record.unwrap() {
                let is_formula =
                    cell.starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠']);
                let is_one_line = !cell.contains(['\n', '\t']);
                assert!(
                    !is_formula && is_plain(cell) && is_one_line,
                    "{table}: {cell:?}"
                );
            }
        }
    }
    for file in walkdir::WalkDir::new(out).into_iter().flatten() {
        let is_text = |end: &str| file.file_name().to_string_lossy().ends_with(end);
        if [".json", ".html", ".csv"].into_iter().any(is_text) && !is_text(".seen.csv") {
            let text = fs::read_to_string(file.path()).unwrap();
            assert!(is_plain(&text), "{}: {text:?}", file.path().display());
        }
    }
    told
}

#[test]
fn json_and_tables_stay_what_they_are() {
    let stage = tempfile::tempdir().unwrap();
    for (number, text) in HOSTILE.iter().enumerate() {
        let home = stage.path().join(format!("home/u{number:02}"));
        fs::create_dir_all(&home).unwrap();
        let word = text.replace(['\n', '\r', '/'], " ");
        let rc =
            format!("MAILDIR=/\n:0\n* ^Subject: x\n\"{word}\"\n:0\n! \"{word}\"@old.example\n");
        fs::write(home.join(".procmailrc"), rc).unwrap();
        fs::write(home.join(word), "From x\n").unwrap();
    }
    let out = stage.path().join("out");
    batch(&stage.path().join("home"), &out);
    for number in 0..HOSTILE.len() {
        let report = fs::read(out.join(format!("u{number:02}/report.json"))).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["version"], 1);
        let page = fs::read_to_string(out.join(format!("u{number:02}/report.html"))).unwrap();
        assert!(!page.contains("<script>alert"), "{page}");
    }
}

/// Names that are no UTF-8: words of an old encoding, and signs of one that move
/// a cursor, are not seen, or are half of a letter.
const NAMES: [&[u8]; 7] = [
    b"caf\xe9",
    b"\xff\xfe",
    b"=x\xa0\x9b2J",
    b"\x85\xad",
    b"\xc3",
    b"a\xe2\x80",
    b"\"\xe9\"; discard; #<script>",
];

fn joined(name: &[u8], before: &str, after: &str) -> Vec<u8> {
    [before.as_bytes(), name, after.as_bytes()].concat()
}

/// A home in which every file and mailbox has such a name.
fn home_with_names(home: &Path, name: &[u8]) {
    let at = |before: &str, after: &str| -> PathBuf {
        home.join(OsStr::from_bytes(&joined(name, before, after)))
    };
    let quoted = name.escape_ascii().to_string().contains('"');
    let quote = if quoted { "'" } else { "\"" };
    let rc = [
        joined(
            name,
            &format!("MAILDIR=$HOME/Mail\nINCLUDERC=$HOME/{quote}inc-"),
            &format!("{quote}\n"),
        ),
        joined(
            name,
            &format!(":0\n* ^X-A: a\n{quote}dir-"),
            &format!("{quote}/\n"),
        ),
        joined(
            name,
            &format!(":0\n* ^X-B: b\n{quote}box-"),
            &format!("{quote}\n"),
        ),
        joined(
            name,
            &format!(":0\n* ^From:\n* ? fgrep -i -f $HOME/{quote}list-"),
            &format!("{quote}\nlisted\n"),
        ),
    ];
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(at("Mail/dir-", "").join(part)).unwrap();
    }
    fs::write(
        at("Mail/dir-", "")
            .join("new")
            .join(OsStr::from_bytes(name)),
        "A: b\n\n",
    )
    .unwrap();
    fs::write(at("Mail/box-", ""), "From x\nA: b\n\n").unwrap();
    fs::write(home.join(".procmailrc"), rc.concat()).unwrap();
    fs::write(
        at("inc-", ""),
        joined(name, ":0\n* ^X-C: c\nfound\n# ", "\n"),
    )
    .unwrap();
    fs::write(at("list-", ""), "ann@example.org\n").unwrap();
    fs::write(at(".forward+", ""), "bob@example.org\n").unwrap();
}

#[test]
fn names_that_are_no_utf_8_break_nothing_and_are_accounted_for() {
    let stage = tempfile::tempdir().unwrap();
    let homes = stage.path().join("home");
    for (number, name) in NAMES.iter().enumerate() {
        home_with_names(&homes.join(format!("u{number}")), name);
    }
    home_with_names(&homes.join(OsStr::from_bytes(b"caf\xe9")), b"x");
    let out = stage.path().join("out");
    let told = batch(&homes, &out);
    assert!(
        told.contains("its name cannot be the name of a directory"),
        "{told}"
    );
    for (number, name) in NAMES.iter().enumerate() {
        let text: String = name.iter().map(|&byte| byte as char).collect();
        let place = out.join(format!("u{number}"));
        let report = fs::read(place.join("report.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        let entries = report["entries"].as_array().unwrap();
        for file in ["inc-", "list-", ".forward+"] {
            let path = format!("{file}{text}");
            let files = report["files"].as_array().unwrap();
            assert!(
                files.iter().any(|each| each["path"] == *path),
                "{path:?}: {files:?}"
            );
            assert!(
                entries.iter().any(|each| each["file"] == *path),
                "{path:?}: {entries:?}"
            );
        }
        let folders = report["folders"].as_array().unwrap();
        for mailbox in ["dir-", "box-"] {
            let end = format!("Mail/{mailbox}{text}");
            let is_it = |each: &&Value| each["path"].as_str().unwrap().ends_with(&end);
            assert!(
                folders.iter().any(|each| is_it(&each)),
                "{end:?}: {folders:?}"
            );
        }
        let script = report["script"].as_str().unwrap();
        let target = Target::profile("dovecot").unwrap();
        assert!(check::check(script, &target).is_ok(), "{script}");
        let page = fs::read_to_string(place.join("report.html")).unwrap();
        assert!(!page.contains("#<script>"), "{page}");
    }
    let mut reader = csv::Reader::from_path(out.join("folders.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let messages = headers.iter().position(|name| name == "messages").unwrap();
    let counted = reader
        .records()
        .filter(|record| &record.as_ref().unwrap()[messages] == "1");
    assert_eq!(counted.count(), 2 * NAMES.len());
}

#[test]
fn names_that_are_no_utf_8_are_shown_plainly() {
    let stage = tempfile::tempdir().unwrap();
    for (number, name) in NAMES.iter().enumerate() {
        let home = stage.path().join(number.to_string());
        home_with_names(&home, name);
        let maildir = home.join(OsStr::from_bytes(&joined(name, "Mail/dir-", "")));
        for arguments in [
            &["translate", "--format", "text"][..],
            &["translate", "--format", "json"],
            &["translate", "--format", "html"],
            &["replay"],
            &["replay", "--json"],
        ] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sievify"));
            command.args(arguments).arg(&home).arg("--color=never");
            if arguments[0] == "replay" {
                command.arg("--mail").arg(&maildir);
            }
            let output = command.output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
            let script = arguments.ends_with(&["text"]);
            for (text, is_script) in [(output.stdout, script), (output.stderr, false)] {
                let text = String::from_utf8(text).unwrap();
                // A script has letters of the rules that only take no room.
                let is_plain = |c: char| !is_hidden(c) || is_script && !c.is_control();
                assert!(text.chars().all(is_plain), "{arguments:?}: {text:?}");
                let is_page = arguments.ends_with(&["html"]);
                assert!(!is_page || !text.contains("#<script>"), "{text}");
            }
        }
    }
}
