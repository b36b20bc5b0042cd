//! Text in rules that would be something else where it comes out: an action of
//! the script, a formula of a table, an escape sequence, markup of a page.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;
use sievify::home::MemoryHome;
use sievify::report::terminal;
use sievify::report::{Report, is_hidden};
use sievify::rules::elaborate::Settings;
use sievify::sieve::check::{self, Action, Pattern};
use sievify::sieve::lower::Options;
use sievify::sieve::target::Target;
use sievify::translate::translate;
use std::fs;
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
    let options = Options::new(&settings, target);
    let translation = translate(&home(text), &settings, &options, target)
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
                        folders.contains(folder) || folder.as_str().is_empty()
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
    let output = Command::new(env!("CARGO_BIN_EXE_sievify"))
        .arg("batch")
        .arg(stage.path().join("home"))
        .arg("-o")
        .arg(&out)
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
    for file in walkdir::WalkDir::new(&out).into_iter().flatten() {
        let is_text = |end: &str| file.file_name().to_string_lossy().ends_with(end);
        if [".json", ".html", ".csv"].into_iter().any(is_text) && !is_text(".seen.csv") {
            let text = fs::read_to_string(file.path()).unwrap();
            assert!(is_plain(&text), "{}: {text:?}", file.path().display());
        }
    }
    for number in 0..HOSTILE.len() {
        let report = fs::read(out.join(format!("u{number:02}/report.json"))).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["version"], 1);
        let page = fs::read_to_string(out.join(format!("u{number:02}/report.html"))).unwrap();
        assert!(!page.contains("<script>alert"), "{page}");
    }
}
