//! Postfix reads the tables that a batch writes for the old host.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod untested;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `postmap`, and the libraries beside it.
fn postmap() -> Option<(PathBuf, String)> {
    let mailers = std::env::var("SIEVIFY_MAILERS");
    let mailers = mailers.unwrap_or("/opt/sievify-oracles/mailers".to_owned());
    let program = Path::new(&mailers).join("usr/sbin/postmap");
    let libraries = format!("{mailers}/usr/lib/postfix:{mailers}/usr/lib/x86_64-linux-gnu");
    program.is_file().then_some((program, libraries))
}

#[test]
fn postfix_finds_where_everybody_has_gone() {
    let stage = tempfile::tempdir().unwrap();
    let at = |name: &str| stage.path().join(name);
    for user in ["ann", "bob", "x.y+z"] {
        fs::create_dir_all(at("home").join(user)).unwrap();
        fs::write(at("home").join(user).join(".procmailrc"), ":0\nx\n").unwrap();
    }
    let accounts = "old,new,address\nann,a1,a.smith@new.example\nx.y+z,x,\"x y\"@new.example\n";
    fs::write(at("accounts.csv"), accounts).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_sievify"))
        .args(["batch", "--domain", "old.example", "--accounts"])
        .arg(at("accounts.csv"))
        .arg(at("home"))
        .arg("-o")
        .arg(at("out"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "bob has no new account");
    let Some((program, libraries)) = postmap() else {
        untested::missing("Postfix", "install-oracles.sh");
        return;
    };
    let settings = "compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n";
    fs::write(at("main.cf"), settings).unwrap();
    let query = |key: &str, table: &str| {
        let output = Command::new(&program)
            .env("LD_LIBRARY_PATH", &libraries)
            .arg("-c")
            .arg(stage.path())
            .args(["-q", key])
            .arg(format!("texthash:{}", at("out").join(table).display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "", "{key} in {table}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for table in ["virtual", "relocated"] {
        assert_eq!(query("ann@old.example", table), "a.smith@new.example");
        assert_eq!(query("bob@old.example", table), "");
    }
}
