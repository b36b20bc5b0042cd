//! The pages that the program writes, in a real browser: Debian's chromium,
//! driven by Playwright (`tests/browser/pages.test.mjs`);
//! `tests/install-browser.sh` installs both.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod untested;

use sievify::ledger::Code;
use sievify::report::Summary;
use sievify::report::html::{IndexRow, index};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a user could write to break out of a page.
const HOSTILE: &str = "</pre></style></script><script>document.title = 'broken'</script>\" ' <img src=x onerror=x> \u{1b}[2J\u{202e}";

#[test]
fn pages_work_in_a_browser() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let pages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&pages).unwrap();
    write_pages(&tests, &pages);
    if let Some(missing) = missing(&tests) {
        untested::missing(missing, "install-browser.sh");
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
        Some("chromium")
    } else if !is_there("node") {
        Some("node")
    } else if !installed("playwright-core") || !installed("axe-core") {
        Some("Playwright or axe")
    } else {
        None
    }
}

fn write_pages(tests: &Path, pages: &Path) {
    let home = tests.join("home");
    write(pages, "report.html", &translated(&home, "ann"));
    let letters = letters();
    replayed(&home, "ann", &letters, &pages.join("replay.html"));
    let hostile = hostile_home(pages);
    let letter = letter(HOSTILE, HOSTILE);
    replayed(&hostile, HOSTILE, &letter, &pages.join("hostile.html"));
    batch(&home, pages);
    for (name, users) in [("index.html", 40), ("index-10000.html", 10_000)] {
        let mut file = fs::File::create(pages.join(name)).unwrap();
        index(rows(users), &mut file).unwrap();
    }
    let largest = pages.join("largest.html");
    let _ = fs::remove_file(&largest);
    if let Some(home) = largest_home() {
        fs::write(&largest, translated(&home, "u")).unwrap();
    }
}

fn write(pages: &Path, name: &str, text: &[u8]) {
    fs::write(pages.join(name), text).unwrap();
}

/// Runs the program; it may say that something is left to a person.
fn sievify(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sievify"));
    let output = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    output
}

fn translated(home: &Path, user: &str) -> Vec<u8> {
    let home = home.to_str().unwrap();
    let arguments = ["translate", home, "--format", "html", "--user", user];
    sievify(&[&arguments[..], &["--home-path", "/home/ann"]].concat()).stdout
}

fn replayed(home: &Path, user: &str, mail: &str, page: &Path) {
    let mbox = page.with_extension("mbox");
    fs::write(&mbox, mail).unwrap();
    let [home, mbox, page] = [home, &mbox, page].map(|path| path.to_str().unwrap());
    let arguments = ["replay", home, "--mail", mbox, "--html", page];
    sievify(
        &[
            &arguments[..],
            &["--user", user, "--home-path", "/home/ann"],
        ]
        .concat(),
    );
}

/// A message in an mbox.
fn letter(from: &str, subject: &str) -> String {
    format!(
        "From x@example.net  Sun Mar  2 08:15:00 2014\nFrom: {from}\nSubject: {subject}\n\nText\n\n"
    )
}

/// Mail for the rules of `browser/home`: orders go elsewhere, more of them than
/// a page lists.
fn letters() -> String {
    let shop = |number| letter("Shop <shop@example.net>", &format!("Your order {number}"));
    let other = |number| letter("root@example.org", &format!("Night job {number}"));
    (0..120).map(shop).chain((0..400).map(other)).collect()
}

fn hostile_home(pages: &Path) -> PathBuf {
    let home = pages.join("hostile");
    fs::create_dir_all(&home).unwrap();
    let rules = format!(
        "# {HOSTILE}\n:0\n* ^Subject:.*</pre>\n{{\n :0 c\n ! \"{HOSTILE}\"@example.org\n\n :0\n | program '{HOSTILE}'\n}}\n\n:0\nx</pre><script>\n"
    );
    fs::write(home.join(".procmailrc"), rules).unwrap();
    home
}

/// A batch of three users, one of them with a name that is hostile.
fn batch(home: &Path, pages: &Path) {
    let root = pages.join("homes");
    let _ = fs::remove_dir_all(&root);
    for user in ["ann", "bob", "<script>&"] {
        let of_user = root.join(user);
        fs::create_dir_all(&of_user).unwrap();
        fs::copy(home.join(".procmailrc"), of_user.join(".procmailrc")).unwrap();
    }
    let out = pages.join("batch");
    let [root, out] = [&root, &out].map(|path| path.to_str().unwrap());
    sievify(&["batch", root, "-o", out]);
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
