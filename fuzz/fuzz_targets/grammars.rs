//! Every grammar accepts every text, and no byte of it is lost.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sievify::syntax::forward::Forward;
use sievify::syntax::shell::Shell;
use sievify::syntax::{FileId, Source, procmailrc, regex};

fuzz_target!(|bytes: &[u8]| {
    let source = Source::new("rc", bytes.to_vec());
    let text = source.text.as_str();
    assert_eq!(source.encode(text), bytes);

    let nodes = procmailrc::parse(FileId(0), text);
    let printed: String = nodes.iter().map(|node| source.slice(node.span)).collect();
    assert_eq!(printed, text, "procmailrc");

    assert_eq!(Forward::parse(FileId(0), text).print(text), text, "forward");

    let shell = Shell::parse(text);
    assert_eq!(shell.print(text), text, "shell");
    let _ = shell.list();

    let nodes = regex::parse(text);
    let printed: String = nodes.iter().map(|node| &text[node.span.clone()]).collect();
    assert_eq!(printed, text, "regex");
});
