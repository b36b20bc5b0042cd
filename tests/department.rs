//! The made-up department of `corpus/department/` moves, as
//! `docs/move-a-department.md` tells it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod untested;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn department() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/department")
}

/// Runs the command of the page.
fn batch(out: &Path) -> Output {
    let file = |name: &str| department().join(name);
    Command::new(env!("CARGO_BIN_EXE_sievify"))
        .arg("batch")
        .arg(file("homes"))
        .arg("--passwd")
        .arg(file("passwd"))
        .arg("--accounts")
        .arg(file("accounts.csv"))
        .arg("--aliases")
        .arg(file("aliases"))
        .arg("--virtual")
        .arg(file("virtual"))
        .args(["--domain", "dept.example", "-o"])
        .arg(out)
        .output()
        .unwrap()
}

#[test]
fn a_department_moves() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let output = batch(&out);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // One user calls a program of their own.
    assert_eq!(output.status.code(), Some(1), "{said}");
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let summary = read("summary.csv");
    assert_eq!(summary.lines().count(), 13, "{summary}");
    let manual: Vec<&str> = summary
        .lines()
        .skip(1)
        .filter(|row| row.split(',').nth(7) != Some("0"))
        .collect();
    assert_eq!(manual.len(), 1, "{manual:?}");
    assert!(manual[0].starts_with("kim,"), "{manual:?}");
    for (user, words) in [
        ("ada", "header :contains \"list-id\" \"seminar\""),
        ("ben", "redirect"),
        ("cleo", "fileinto :create \"lab\""),
        ("finn", "reject"),
        ("gina", "gina.helper@elsewhere.example"),
        ("hal", "vacation"),
        ("ida", "envelope :detail"),
    ] {
        let script = read(&format!("{user}/filters.sieve"));
        assert!(
            script.to_lowercase().contains(&words.to_lowercase()),
            "{user}: {script}"
        );
    }
    assert!(read("forwards.csv").contains("dan"));
    assert!(read("lists.csv").contains("everybody"));
    assert!(read("folders.csv").contains("/home/ada/Mail/seminar"));
    let again = batch(&out);
    let said = [again.stdout, again.stderr].concat();
    assert!(
        String::from_utf8_lossy(&said).contains("Nothing has changed"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    looked_up(&out);
}

/// Postfix finds the users in the tables, where it is on the machine.
fn looked_up(out: &Path) {
    let mailers = std::env::var_os("SIEVIFY_MAILERS").map_or_else(
        || PathBuf::from("/opt/sievify-oracles/mailers"),
        PathBuf::from,
    );
    let postmap = mailers.join("usr/sbin/postmap");
    if !postmap.is_file() {
        untested::missing("Postfix", "install-oracles.sh");
        return;
    }
    let config = tempfile::tempdir().unwrap();
    let settings = "compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n\
        inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mail.example.org\n";
    fs::write(config.path().join("main.cf"), settings).unwrap();
    let libraries = ["usr/lib/postfix", "usr/lib/x86_64-linux-gnu"]
        .map(|path| mailers.join(path).display().to_string())
        .join(":");
    let query = |table: &str, key: &str| {
        let output = Command::new(&postmap)
            .arg("-c")
            .arg(config.path())
            .args(["-q", key])
            .arg(format!("texthash:{}", out.join(table).display()))
            .env("LD_LIBRARY_PATH", &libraries)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(
        query("virtual", "ada@dept.example"),
        "ada.archer@campus.example"
    );
    assert_eq!(
        query("virtual", "office@dept.example"),
        "ada@dept.example, gina@dept.example"
    );
    assert_eq!(query("relocated", "office@dept.example"), "");
    assert_eq!(
        query("relocated", "lea@dept.example"),
        "lea.lang@campus.example"
    );
}
