//! In: the bytes that a fuzzer made up. Out: the home they stand for.

#[path = "../tests/accounted/mod.rs"]
pub mod accounted;

use sievify::home::MemoryHome;

/// Files in one input: each behind a line `--- NAME`, the first without one is
/// `.procmailrc`. `seeds` writes homes of the corpus like this.
pub fn home(bytes: &[u8]) -> MemoryHome {
    let mut home = MemoryHome::new();
    let mut name = ".procmailrc".to_owned();
    let mut content = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_prefix(b"--- ") {
            Some(next) => {
                home = home.file(&name, std::mem::take(&mut content));
                name = String::from_utf8_lossy(next).trim().to_owned();
            }
            None => content.extend_from_slice(line),
        }
    }
    home.file(&name, content)
}
