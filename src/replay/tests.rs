#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::home::{DiskHome, Format, Limits, MemoryHome};
use crate::sieve::target::Target;
use crate::translate::Translator;
use std::fs;
use std::path::PathBuf;

const MAIL: &str = "From: Bob <bob@example.com>\nSubject: =?utf-8?q?h=C3=A4llo?=\n world\nDate: Thu, 1 Jan 2026 10:20:30 +0000\n\nBody\n";

fn letters(paths: &[PathBuf]) -> Vec<Letter> {
    Mailboxes::new(paths).map(Result::unwrap).collect()
}

#[test]
fn mailboxes_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    let put = |path: &str, text: String| {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), text).unwrap();
    };
    put("md/cur/1.x:2,S", MAIL.to_owned());
    put("md/new/2.x", MAIL.to_owned());
    put("md/tmp/3.x", MAIL.to_owned());
    put("md/.Lists/cur/4.x", MAIL.to_owned());
    put("md/dovecot.index", "no mail".to_owned());
    put("one.eml", MAIL.replace('\n', "\r\n"));
    put("eml/a.eml", MAIL.to_owned());
    put("eml/b.txt", MAIL.to_owned());
    let postmark = "From eve@example.net  Thu Jan  1 00:00:01 1970\n";
    put(
        "mbox",
        format!("{postmark}{MAIL}>From x\n\n{postmark}{MAIL}"),
    );
    assert_eq!(letters(&[at("md")]).len(), 3);
    assert_eq!(letters(&[at("one.eml"), at("eml")]).len(), 2);
    let mbox = letters(&[at("mbox")]);
    let [first, second] = mbox.as_slice() else {
        panic!("{mbox:?}")
    };
    assert_eq!(first.sender(), "eve@example.net");
    assert_eq!(
        (first.received(), first.date().as_str()),
        (1, "1970-01-01 00:00")
    );
    assert_eq!(first.text(), format!("{MAIL}From x\n").as_bytes());
    assert_eq!(second.text(), MAIL.as_bytes());
    // A message begins behind an empty line, as where a batch counts them.
    let text = format!("{postmark}{MAIL}From here on\n\n{postmark}{MAIL}");
    put("within", text);
    let within = letters(&[at("within")]);
    let home = DiskHome::open(directory.path(), Limits::default()).unwrap();
    let counted = home.mailbox_size("within", Format::Mbox).unwrap();
    assert_eq!((within.len(), counted.messages), (2, Some(2)));
    assert_eq!(within[0].text(), format!("{MAIL}From here on\n").as_bytes());
    let quoted = "From \"an ant\"@example.net  Thu Jan  1 00:00:01 1970\n";
    put("quoted", format!("{quoted}{MAIL}"));
    let quoted = letters(&[at("quoted")]);
    assert_eq!(quoted[0].sender(), "bob@example.com");
    assert!(Mailboxes::new(&[at("none")]).next().unwrap().is_err());
    put("empty", String::new());
    assert_eq!(letters(&[at("empty")]).len(), 0);
    let error = Mailboxes::new(&[at("eml/b.txt"), at("md/dovecot.index")]).nth(1);
    let error = error.unwrap().unwrap_err().to_string();
    assert!(error.contains("dovecot.index: it holds no mail"), "{error}");
    assert!(Mailboxes::size(&[at("md")]) > 4 * 50);
}

#[test]
fn what_is_no_mail_is_not_taken_for_mail() {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    fs::create_dir_all(at("md/cur")).unwrap();
    fs::create_dir_all(at("mh")).unwrap();
    let files: [(&[u8], &str); 5] = [
        (b"\x1f\x8b\x08\0:", "with gzip"),
        (b"BZh91AY:", "with bzip2"),
        (b"\x28\xb5\x2f\xfd:", "with zstd"),
        (b"\x7fELF\0:", "holds no mail"),
        (b"word", "holds no mail"),
    ];
    for (bytes, why) in files {
        for (above, path) in [("md", "md/cur/1"), ("mh", "mh/1")] {
            fs::write(at(path), bytes).unwrap();
            for named in [at(above), at(path)] {
                let error = Mailboxes::new(&[named]).next().unwrap().unwrap_err();
                assert_eq!(error.path, at(path));
                assert!(error.to_string().contains(why), "{path}: {error}");
            }
        }
    }
    fs::write(at("mbox"), format!("\n\r\nFrom x y\n{MAIL}")).unwrap();
    let mbox = letters(&[at("mbox")]);
    assert_eq!(mbox[0].text(), MAIL.as_bytes());
}

#[test]
fn letters_are_looked_at() {
    let letter = Letter::new(MAIL.replace('\n', "\r\n").into_bytes(), None);
    assert_eq!(letter.from(), "Bob <bob@example.com>");
    assert_eq!(letter.subject(), "hällo world");
    assert_eq!(letter.date(), "2026-01-01 10:20");
    assert_eq!(letter.sender(), "bob@example.com");
    assert_eq!(&*letter.plain(), MAIL.as_bytes());
    let read = String::from_utf8(letter.as_sieve_reads_it()).unwrap();
    assert!(read.contains("\nSubject: hällo world\nDate"), "{read}");
    assert!(read.ends_with("\n\nBody\n"));
    let odd = Letter::new(b"Sub\tject :x\n\n".to_vec(), None).as_sieve_reads_it();
    assert_eq!(odd, b"Subject: x\n\n");
    let to = |text: &str| Letter::new(text.as_bytes().to_vec(), None).recipient("u@b.c");
    assert_eq!(to("Delivered-To: u+x@b.c\n\n"), "u+x@b.c");
    assert_eq!(to("Delivered-To: v+x@b.c\n\n"), "u@b.c");
}

#[test]
fn both_are_run() {
    let home = MemoryHome::new().file(".procmailrc", ":0\n/dev/null\n");
    let settings = Settings::new("u");
    let target = Target::profile("dovecot").unwrap();
    let mut translation = Translator::new(&target)
        .translate(&home, &settings)
        .unwrap();
    translation.report.script = "keep;".to_owned();
    let mut replay = Replay::new(&translation, &settings, &target).unwrap();
    let difference = replay
        .next(&Letter::new(MAIL.as_bytes().to_vec(), None))
        .unwrap();
    assert_eq!(difference.before, BTreeSet::from([Place::Deleted]));
    assert_eq!(
        difference.after,
        BTreeSet::from([Place::Folder("INBOX".to_owned())])
    );
    let sums = replay.sums();
    assert_eq!((sums.messages, sums.same), (1, 0));
    assert_eq!(sums.places[&Place::Deleted], (1, 0));
}
