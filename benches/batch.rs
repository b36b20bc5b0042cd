//! `sievify batch` beside the floor: a bare program that walks the same tree,
//! reads the same files and writes files of the same sizes, on as many threads.
//!
//! `cargo bench --bench batch [HOMES …]` makes that many homes (5,000) from
//! `corpus/`, and says how long each takes, and how much memory; with several
//! numbers, whether a home costs the same among few and among many. What is counted
//! is the time of processors, of all threads and of the system.

#![allow(clippy::unwrap_used, missing_docs)]

mod processor;

use processor::Whose;
use rayon::prelude::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use walkdir::WalkDir;

fn main() {
    let mut sizes: Vec<usize> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes.push(5_000);
    }
    sizes.into_iter().for_each(measure);
}

fn measure(homes: usize) {
    let stage = tempfile::tempdir().unwrap();
    let root = stage.path().join("home");
    generate(&root, homes);
    let out = stage.path().join("out");
    batch(&root, &out, &["--check"]);
    let check = batch(&root, &out, &["--check"]);
    let first = batch(&root, &out, &[]);
    let second = batch(&root, &out, &[]);
    let sizes = sizes(&out);
    read_all(&root);
    let reading = Whose::ALL.timed(|| {
        read_all(&root);
    });
    let floor = Whose::ALL.timed(|| {
        read_all(&root);
        write_all(&stage.path().join("floor"), &sizes);
    });
    let alone = one_process_each(&root, homes);
    println!("\n{homes} homes\n");
    println!("{:24} {:>9} {:>14} {:>9}", "", "CPU s", "times", "MB");
    let line = |name: &str, time: Duration, of: Option<(&str, Duration)>, memory: Option<u64>| {
        let times = of.map_or(String::new(), |(name, base)| {
            format!("{:.1} × {name}", time.as_secs_f64() / base.as_secs_f64())
        });
        let memory = memory.map_or(String::new(), |kb| (kb / 1024).to_string());
        println!(
            "{name:24} {:>9.2} {times:>14} {memory:>9}",
            time.as_secs_f64()
        );
    };
    line("reading", reading, None, None);
    line("floor: reading, writing", floor, None, None);
    line("batch", first.0, Some(("floor", floor)), first.1);
    line(
        "batch --check",
        check.0,
        Some(("reading", reading)),
        check.1,
    );
    line(
        "batch, nothing changed",
        second.0,
        Some(("reading", reading)),
        second.1,
    );
    line(
        "a process for each home",
        alone,
        Some(("batch", first.0)),
        None,
    );
    let microseconds = first.0.as_secs_f64() * 1e6 / homes as f64;
    println!("{:24} {microseconds:>9.0} µs", "batch, for each home");
}

/// Runs `sievify translate` for some of the homes, on as many threads, and says
/// how long all would take.
fn one_process_each(root: &Path, homes: usize) -> Duration {
    let some: Vec<PathBuf> = WalkDir::new(root)
        .min_depth(2)
        .max_depth(2)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .take(500)
        .collect();
    let time = Whose::ALL.timed(|| {
        some.par_iter().for_each(|home| {
            let output = Command::new(env!("CARGO_BIN_EXE_sievify"))
                .args(["translate", "--format", "json"])
                .arg(home)
                .output()
                .unwrap();
            assert!(matches!(output.status.code(), Some(0 | 1)));
        });
    });
    time.mul_f64(homes as f64 / some.len() as f64)
}

/// Copies the homes of the corpus, one after the other, under new names.
fn generate(root: &Path, homes: usize) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut originals: Vec<PathBuf> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("home"))
        .filter(|home| home.is_dir())
        .collect();
    originals.sort();
    assert!(!originals.is_empty(), "no homes in {}", corpus.display());
    (0..homes).into_par_iter().for_each(|number| {
        let original = &originals[number % originals.len()];
        let home = root
            .join(format!("d{:02}", number % 100))
            .join(format!("u{number:06}"));
        for entry in WalkDir::new(original) {
            let entry = entry.unwrap();
            let path = home.join(entry.path().strip_prefix(original).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(&path).unwrap();
            } else if entry.file_type().is_file() {
                fs::copy(entry.path(), &path).unwrap();
            }
        }
    });
}

/// Runs `sievify batch`; how long it took, and its largest resident set in kB.
fn batch(root: &Path, out: &Path, options: &[&str]) -> (Duration, Option<u64>) {
    let before = Whose::ALL.so_far();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sievify"))
        .arg("batch")
        .arg(root)
        .arg("-o")
        .arg(out)
        .args(["--domain", "old.example"])
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = None;
    let code = loop {
        if let Ok(file) = fs::File::open(&status) {
            let lines = BufReader::new(file).lines().map_while(Result::ok);
            let kb = lines
                .filter_map(|line| {
                    line.strip_prefix("VmHWM:")?
                        .split_whitespace()
                        .next()?
                        .parse()
                        .ok()
                })
                .next();
            peak = peak.max(kb);
        }
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let time = Whose::ALL.so_far().saturating_sub(before);
    assert!(
        matches!(code, Some(0 | 1)),
        "sievify batch ended with {code:?}"
    );
    (time, peak)
}

fn read_all(root: &Path) {
    let files: Vec<PathBuf> = WalkDir::new(root)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    let bytes: usize = files
        .par_iter()
        .map(|file| fs::read(file).unwrap().len())
        .sum();
    assert!(bytes > 0);
}

/// The files of the output, with their lengths.
fn sizes(out: &Path) -> Vec<(PathBuf, usize)> {
    WalkDir::new(out)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(out).unwrap().to_owned();
            (path, entry.metadata().unwrap().len() as usize)
        })
        .collect()
}

fn write_all(out: &Path, sizes: &[(PathBuf, usize)]) {
    sizes.par_iter().for_each(|(path, size)| {
        let path = out.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b'x'; *size]).unwrap();
    });
}
