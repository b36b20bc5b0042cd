//! Holds docs/coverage.md to the program: what its rows say of a construct is
//! what the report on the named case says.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod case;
mod homes;
mod untested;

use homes::homes;
use sievify::home::{DiskHome, Limits};
use sievify::ledger::{Code, Verdict};
use sievify::report::entry::Entry;
use sievify::rules::elaborate::Settings;
use sievify::sieve::target::Target;
use sievify::translate::Translator;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The most statements of a hundred that may be left to a person.
const MOST_MANUAL: f64 = 8.0;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(project().join("docs/coverage.md")).unwrap()
}

/// The cells of the tables with so many columns, without their heads.
fn rows(page: &str, columns: usize) -> Vec<Vec<String>> {
    let lines = page.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| {
        let line = line.trim_matches('|').replace("\\|", "\u{0}");
        let cells = line
            .split('|')
            .map(|cell| cell.trim().replace('\u{0}', "|"));
        cells.collect::<Vec<String>>()
    });
    cells
        .filter(|cells| cells.len() == columns && cells[0] != "written" && cells[0] != "code")
        .collect()
}

/// The verdict and the code that a cell like "manual `trap`" states.
fn stated(text: &str) -> (Verdict, Code) {
    let (verdict, code) = text.split_once(' ').unwrap_or((text, "`translated`"));
    let verdicts = [
        Verdict::Dropped,
        Verdict::Exact,
        Verdict::Adapted,
        Verdict::Manual,
    ];
    let verdict = verdicts.into_iter().find(|known| known.as_str() == verdict);
    let code = Code::ALL
        .iter()
        .find(|known| known.as_str() == code.trim_matches('`'));
    match (verdict, code) {
        (Some(verdict), Some(code)) => (verdict, *code),
        _ => panic!("{text} is no verdict with a code"),
    }
}

fn bears(entry: &Entry, verdict: Verdict, code: Code) -> bool {
    let found = entry.findings.iter();
    let mut found = found.map(|finding| (finding.verdict, finding.code));
    (entry.verdict, entry.code) == (verdict, code) || found.any(|each| each == (verdict, code))
}

/// A script on one line, without comments.
fn joined(script: &str) -> String {
    let lines = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// Whether a script holds the parts of a snippet, one behind the other.
fn holds(script: &str, snippet: &str) -> bool {
    let mut rest = script;
    snippet
        .split('…')
        .all(|part| match rest.split_once(part.trim()) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
}

#[test]
fn every_row_is_as_its_case_shows() {
    let rows = rows(&page(), 5);
    assert!(rows.len() > 150, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let [written, snippet, verdicts, _, cases] = row.as_slice() else {
            unreachable!()
        };
        let mut entries = Vec::new();
        let mut scripts = Vec::new();
        for name in cases
            .split(", ")
            .map(|link| link.split_once("](").unwrap().0)
        {
            let case = project().join("corpus").join(&name[1..]);
            let translation = case::translated(&case);
            scripts.push(joined(&translation.report.script));
            entries.extend(translation.report.entries);
        }
        for verdict in verdicts.split("; ") {
            let (verdict, code) = stated(verdict);
            if !entries.iter().any(|entry| bears(entry, verdict, code)) {
                wrong.push(format!(
                    "{written}: no {} {}",
                    verdict.as_str(),
                    code.as_str()
                ));
            }
        }
        let snippet = snippet.trim_matches('`').trim();
        if snippet != "—" && !scripts.iter().any(|script| holds(script, snippet)) {
            wrong.push(format!(
                "{written}: no {snippet}\n    in {}",
                scripts.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_on_the_page() {
    let page = page();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| *code != "translated" && !page.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn entries(home: &Path) -> Vec<Entry> {
    let target = Target::profile("dovecot").unwrap();
    let mut settings = Settings::new("u");
    settings.domain = Some("example.org".to_owned());
    settings.home_path = "/home/u".to_owned();
    let disk = DiskHome::open(home, Limits::default()).unwrap();
    match Translator::new(&target).translate(&disk, &settings) {
        Ok(translation) => translation.report.entries,
        Err(bug) => panic!("{}: {bug}", home.display()),
    }
}

#[test]
fn what_stays_manual_is_little_and_has_its_reason() {
    let mut statements = 0;
    let mut manual: BTreeMap<&str, (usize, BTreeSet<PathBuf>)> = BTreeMap::new();
    for home in homes() {
        for entry in entries(&home) {
            statements += 1;
            if entry.verdict == Verdict::Manual {
                let (count, homes) = manual.entry(entry.code.as_str()).or_default();
                *count += 1;
                homes.insert(home.clone());
            }
        }
    }
    if statements == 0 {
        return;
    }
    let left: usize = manual.values().map(|(count, _)| count).sum();
    let share = 100.0 * left as f64 / statements as f64;
    println!("manual: {left} of {statements} statements, {share:.2} %");
    for (code, (count, homes)) in &manual {
        println!("  {code}: {count} in {} homes", homes.len());
    }
    assert!(share <= MOST_MANUAL, "{share:.2} %");
    let page = page();
    let (_, reasons) = page
        .split_once("## Why some statements stay manual")
        .unwrap();
    let (reasons, _) = reasons.split_once("\n## ").unwrap();
    let reasons = rows(reasons, 2);
    for (code, (_, homes)) in &manual {
        let is_given = reasons.iter().any(|row| row[0] == format!("`{code}`"));
        assert!(homes.len() <= 3 || is_given, "{code} has no reason");
    }
}
