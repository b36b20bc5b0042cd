//! Translates the homes of `../shared/corpus/homes`, where that directory is
//! there, and holds each of them to what is promised of every home.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod homes;
#[allow(dead_code)]
mod oracle;

use homes::homes;
use oracle::cyrus::Cyrus;
use oracle::pigeonhole::Pigeonhole;
use oracle::stalwart::SieveRs;
use oracle::untested;
use rayon::prelude::*;
use sievify::home::{DiskHome, Home, Limits};
use sievify::report::Report;
use sievify::sieve::target::Target;
use sievify::syntax::Source;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn translated(home: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sievify"))
        .args([
            "translate",
            "--user=u",
            "--domain=example.org",
            "--home-path=/home/u",
        ])
        .args(options)
        .arg(home)
        .output()
        .unwrap()
}

/// What is wrong with each home, all at once.
fn none_fails(check: impl Fn(&Path) -> Result<(), String> + Sync) {
    let wrong: Vec<String> = homes()
        .par_iter()
        .filter_map(|home| {
            let name = home.file_name().unwrap().to_string_lossy().into_owned();
            check(home).err().map(|error| format!("{name}: {error}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} homes:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_home_is_translated_and_alike_each_time() {
    none_fails(|home| {
        let started = Instant::now();
        let first = translated(home, &[]);
        let time = started.elapsed();
        let again = translated(home, &[]);
        if !matches!(first.status.code(), Some(0 | 1)) {
            let said = String::from_utf8_lossy(&first.stderr);
            return Err(format!("{}: {said}", first.status));
        }
        if first != again {
            return Err("a second run says something else".to_owned());
        }
        // Far above what is promised: the machine has other work as well.
        match time < Duration::from_secs(5) {
            true => Ok(()),
            false => Err(format!("it takes {time:?}")),
        }
    });
}

#[test]
fn every_script_compiles() {
    let pigeonhole = Pigeonhole::new("")
        .inspect_err(|error| oracle::missing(&format!("Pigeonhole: {error}")))
        .ok();
    none_fails(|home| {
        let report = report(home, "dovecot")?;
        SieveRs::default().compile(&report.script)?;
        match &pigeonhole {
            Some(pigeonhole) => pigeonhole.compile(&report.script).map(drop),
            None => Ok(()),
        }
    });
}

#[test]
fn every_script_for_cyrus_compiles_there() {
    let cyrus = match Cyrus::new() {
        Ok(cyrus) => cyrus,
        Err(error) => return oracle::missing(&format!("Cyrus: {error}")),
    };
    none_fails(|home| cyrus.compile(&report(home, "cyrus")?.script));
}

#[test]
fn every_script_for_stalwart_compiles_in_its_engine() {
    let stalwart = Target::profile("stalwart").unwrap();
    none_fails(|home| {
        let report = report(home, "stalwart")?;
        let offered = |name: &&String| stalwart.extensions.iter().any(|one| one.as_str() == *name);
        if let Some(missing) = report.requires.iter().find(|name| !offered(name)) {
            return Err(format!("Stalwart has no {missing}"));
        }
        SieveRs::default().compile(&report.script).map(drop)
    });
}

#[test]
fn every_line_has_one_entry() {
    none_fails(|home| {
        let report = report(home, "dovecot")?;
        let files = DiskHome::open(home, Limits::default()).map_err(|error| error.to_string())?;
        for file in &report.files {
            // What could not be read has an entry that says so.
            let bytes = files.read(&file.path).unwrap_or_default();
            let source = Source::new(&file.path, bytes);
            let entries = report
                .entries
                .iter()
                .filter(|entry| entry.file == file.path);
            let entries: Vec<[usize; 2]> = entries.map(|entry| entry.lines).collect();
            for (at, line) in source.text.lines().enumerate() {
                let holds = |[first, last]: &&[usize; 2]| (*first..=*last).contains(&(at + 1));
                let count = entries.iter().filter(holds).count();
                let is_rule = !line.trim().trim_matches(',').trim().is_empty()
                    && !line.trim_start().starts_with('#');
                if count > 1 || is_rule && count == 0 {
                    return Err(format!("{}:{}: {count} entries", file.path, at + 1));
                }
            }
        }
        Ok(())
    });
}

fn report(home: &Path, target: &str) -> Result<Report, String> {
    let output = translated(home, &["--format", "json", "--target", target]);
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
