//! In: the bytes that a fuzzer made up. Out: the home they stand for.

#[path = "../tests/accounted/mod.rs"]
pub mod accounted;

use sievify::home::MemoryHome;
use sievify::rules::elaborate::Settings;

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
