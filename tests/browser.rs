//! The pages in a real browser: Debian's chromium, driven by Playwright
//! (`tests/browser/pages.test.mjs`); `tests/install-browser.sh` installs both.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use sievify::home::{DiskHome, Limits};
use sievify::report::code::Code;
use sievify::report::html::{Difference, FolderCount, IndexRow, Replay, Subject, index, page};
use sievify::report::{Report, Summary};
use sievify::rules::elaborate::Settings;
use sievify::sieve::lower::Options;
use sievify::sieve::target::Target;
use sievify::syntax::Source;
use sievify::translate::translate;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a user could write to break out of a page.
const HOSTILE: &str = "</pre></style></script><script>document.title = 'broken'</script>\" ' <img src=x onerror=x> \u{1b}[2J\u{202e}";

#[test]
fn pages_work_in_a_browser() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let pages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&pages).unwrap();
    write_pages(&tests, &pages);
    if let Some(missing) = missing(&tests) {
        let is_required = std::env::var_os("SIEVIFY_REQUIRE_ORACLES").is_some_and(|set| set == "1");
        assert!(!is_required, "{missing}: run tests/install-browser.sh");
        eprintln!("*** NOT TESTED: {missing}; run tests/install-browser.sh ***");
        return;
    }
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .arg(tests.join("pages.test.mjs"))
        .env("PAGES", &pages)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}");
}

fn missing(tests: &Path) -> Option<&'static str> {
    let is_there = |program: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|path| path.join(program).is_file())
    };
    let installed = |package: &str| tests.join("node_modules").join(package).is_dir();
    if !is_there("chromium") {
        Some("there is no chromium")
    } else if !is_there("node") {
        Some("there is no node")
    } else if !installed("playwright-core") || !installed("axe-core") {
        Some("Playwright and axe are not installed")
    } else {
        None
    }
}

fn write_pages(tests: &Path, pages: &Path) {
    let write = |name: &str, text: &str| fs::write(pages.join(name), text).unwrap();
    let (report, sources) = sample(tests);
    let replay = replay(&report);
    let subject = Subject {
        user: "ann",
        target: "Dovecot",
        replay: None,
    };
    write("report.html", &page(subject, &report, &sources));
    let subject = Subject {
        replay: Some(&replay),
        ..subject
    };
    write("replay.html", &page(subject, &report, &sources));
    let (report, sources) = hostile();
    let subject = Subject {
        user: HOSTILE,
        target: HOSTILE,
        replay: None,
    };
    write("hostile.html", &page(subject, &report, &sources));
    for (name, users) in [("index.html", 40), ("index-10000.html", 10_000)] {
        let mut file = fs::File::create(pages.join(name)).unwrap();
        index(rows(users), &mut file).unwrap();
    }
    let largest = pages.join("largest.html");
    let _ = fs::remove_file(&largest);
    if let Some(home) = largest_home() {
        let home = DiskHome::open(&home, Limits::default()).unwrap();
        let settings = Settings::new("u");
        let target = Target::profile("dovecot").unwrap();
        let translation = translate(&home, &settings, &Options::default(), &target).unwrap();
        let subject = Subject {
            user: "u",
            target: "",
            replay: None,
        };
        fs::write(
            &largest,
            page(subject, &translation.report, &translation.sources),
        )
        .unwrap();
    }
}

fn sample(tests: &Path) -> (Report, Vec<Source>) {
    let report = fs::read_to_string(tests.join("report.json")).unwrap();
    let rules = fs::read(tests.join("home/.procmailrc")).unwrap();
    let sources = vec![Source::new(".procmailrc", rules)];
    (serde_json::from_str(&report).unwrap(), sources)
}

fn replay(report: &Report) -> Replay {
    let folder = |name: &str, before, after| FolderCount {
        name: name.to_owned(),
        before,
        after,
    };
    let entry = report
        .entries
        .iter()
        .position(|entry| entry.source.contains("book-order"));
    let difference = |subject: &str, entry| Difference {
        from: "shop@example.net".to_owned(),
        subject: subject.to_owned(),
        date: "2014-03-02 08:15".to_owned(),
        before: "the program book-order".to_owned(),
        after: "INBOX".to_owned(),
        entry,
    };
    Replay {
        messages: 4812,
        same: 4810,
        folders: vec![
            folder("INBOX", 1200, 1202),
            folder("lists/debian-user", 3500, 3500),
            folder("book-order", 2, 0),
        ],
        differences: vec![
            difference("Your order 4711", entry),
            difference("Order", None),
        ],
    }
}

fn hostile() -> (Report, Vec<Source>) {
    let source = Source::new(HOSTILE, format!("{HOSTILE}\n").into_bytes());
    let mut report = Report::new(&[], std::slice::from_ref(&source), &[])
        .with_script(format!("# {HOSTILE}\nkeep;\n"), []);
    report.redirects.push(HOSTILE.to_owned());
    (report, vec![source])
}

fn rows(users: usize) -> Vec<IndexRow> {
    let row = |number: usize| {
        let is_manual = number % 7 < 2;
        IndexRow {
            user: format!("user{number:05}"),
            new: format!("first.last{number}"),
            counts: Summary {
                exact: number % 30,
                adapted: number % 3,
                dropped: number % 5,
                manual: if is_manual { number % 4 + 1 } else { 0 },
            },
            manual: match is_manual {
                true => vec![Code::UnclearRecipe, Code::ALL[number % Code::ALL.len()]],
                false => Vec::new(),
            },
            problem: (number % 500 == 3).then(|| "the home could not be opened".to_owned()),
        }
    };
    (0..users).map(row).collect()
}

/// The shared home with the most text of rules.
fn largest_home() -> Option<PathBuf> {
    let homes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/homes");
    let size = |home: &PathBuf| -> u64 {
        walkdir::WalkDir::new(home)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.metadata().ok())
            .filter(fs::Metadata::is_file)
            .map(|metadata| metadata.len())
            .sum()
    };
    let homes = fs::read_dir(homes).ok()?.flatten();
    homes.map(|entry| entry.path()).max_by_key(size)
}
