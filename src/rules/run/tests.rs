#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::home::MemoryHome;
use crate::rules::forward::Elaborated;
use crate::rules::forward::elaborate_home;

const MESSAGE: &str = "From: Bob <bob@example.com>\nTo: u@example.org\nSubject: hello world\nMessage-ID: <1@example.com>\n\nThe body\nof it\n";

fn home(rules: &str) -> MemoryHome {
    MemoryHome::new().file(".procmailrc", rules)
}

fn outcome_in(home: &MemoryHome, message: &str) -> Outcome {
    let settings = Settings {
        domain: Some("example.org".to_owned()),
        ..Settings::new("u")
    };
    let Elaborated {
        program, sources, ..
    } = elaborate_home(home, &settings);
    let runner = Runner::new(&program, &sources, &settings);
    let mail = Mail {
        text: message.as_bytes(),
        sender: "bob@example.com",
        recipient: "u@example.org",
        received: 0,
    };
    runner.run(&mail, &mut Memory::default())
}

/// Where the message goes: paths below the home, `INBOX`, addresses.
fn ends(rules: &str) -> Vec<String> {
    ends_in(&home(rules))
}

fn ends_in(home: &MemoryHome) -> Vec<String> {
    let outcome = outcome_in(home, MESSAGE);
    let mut ends: Vec<String> = outcome.deliveries.iter().map(end).collect();
    ends.sort();
    if outcome.status != 0 {
        ends.push(outcome.status.to_string());
    }
    ends
}

fn end(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Mailbox { path, .. } if path == "/var/mail/u" => "INBOX".to_owned(),
        Delivery::Mailbox { path, .. } => path.trim_start_matches("/home/u/").to_owned(),
        Delivery::Folder(folder) => format!("={folder}"),
        Delivery::Redirect(address) => format!("!{address}"),
    }
}

#[track_caller]
fn assert_ends(cases: &[(&str, &[&str])]) {
    for (rules, expected) in cases {
        assert_eq!(ends(rules), *expected, "{rules}");
    }
}

#[test]
fn messages_are_filed() {
    assert_ends(&[
        ("", &["INBOX"]),
        (":0\n* ^Subject:.*hello\nMail/x\n", &["Mail/x"]),
        (":0\n* ! ^Subject:.*hello\nx\n", &["INBOX"]),
        ("MAILDIR=$HOME/Mail\n:0\na/\n", &["Mail/a"]),
        (":0\n/dev/null\n", &[]),
        (":0c\n! a@b.c, d@e.f\n:0\nx\n", &["!a@b.c", "!d@e.f", "x"]),
        (":0 B\n* body\nx\n", &["x"]),
        (":0\n* < 10\nx\n", &["INBOX"]),
        ("DEFAULT=$HOME/in\n", &["in"]),
        ("DEFAULT=\n", &["INBOX"]),
    ]);
}

#[test]
fn chains() {
    assert_ends(&[
        (":0c\n* hello\na\n:0A\nb\n", &["a", "b"]),
        (":0c\n* nothing\na\n:0A\nb\n", &["INBOX"]),
        (":0c\n* nothing\na\n:0E\nb\n", &["b"]),
        (":0c\n* hello\na\n:0Ec\nb\n:0Ec\nc\n", &["INBOX", "a"]),
        (":0Wc\n* hello\n| false\n:0e\nc\n", &["c"]),
        (":0Wc\n* hello\n| false\n:0ac\nb\n:0e\nc\n", &["INBOX"]),
        (":0\n* hello\n{\n:0c\n* nothing\na\n}\n:0A\nb\n", &["b"]),
        (":0c\n* hello\n{\n:0\na\n}\n:0\nb\n", &["a", "b"]),
        (":0c\n{\n}\n:0c\n{\n}\n", &["INBOX"]),
    ]);
}

#[test]
fn scores() {
    assert_ends(&[
        (":0\n* 1^0 hello\n* -1^0 world\nx\n", &["INBOX"]),
        (":0\n* -1^0\n* 1^1 o\nx\n", &["x"]),
        (":0\n* 9876543210^0 hello\n* -1^0\nx\n", &["x"]),
        (":0\n* -9876543210^0 hello\n* 1^0\nx\n", &["INBOX"]),
        (":0\n* 1^1 > 10\nx\n", &["x"]),
        (":0\n* 1^0 ! nothing\nx\n", &["x"]),
    ]);
}

#[test]
fn values_of_the_message() {
    assert_ends(&[
        (":0\n* ^Subject: \\/[a-z]+\n$MATCH\n", &["hello"]),
        (
            "X=`formail -zxSubject:`\n:0\n* X ?? ^^hello world^^\nx\n",
            &["x"],
        ),
        ("X=`echo $HOME`\n:0\n* X ?? u\n$X/y\n", &["y"]),
        (
            ":0\n* ^Subject: \\/.\n{ V=$MATCH }\n:0\n* V ?? h\n${V:-no}\n",
            &["h"],
        ),
        (":0\n`date +%Y`/\n", &["1970"]),
        (
            ":0fhw\n| formail -I'Subject: other'\n:0\n* ^Subject: other\nx\n",
            &["x"],
        ),
        (":0\n* ? echo \"$FROM\" | grep nobody\nx\n", &["INBOX"]),
        (":0 Wh\n| formail -D 8192 ids\n:0\nx\n", &["x"]),
    ]);
}

#[test]
fn rules_end() {
    assert_ends(&[
        ("EXITCODE=67\nHOST\n", &["67"]),
        (":0\n* hello\n{\nEXITCODE=67\n:0\n/dev/null\n}\n", &["67"]),
        (":0\n* hello\n{\nHOST=elsewhere\n}\n:0\nx\n", &[]),
        ("HOST=here\n:0\nx\n", &["x"]),
        ("DELIVERED=yes\nEXITCODE=67\n:0\nx\n", &["x"]),
    ]);
    let files = home("INCLUDERC=a.rc\n:0A\nz\n")
        .file("a.rc", ":0\n* hello\n{\nSWITCHRC=b.rc\n:0\nno\n}\n")
        .file("b.rc", ":0c\n* hello\nx\n");
    assert_eq!(ends_in(&files), ["x", "z"]);
}

#[test]
fn forwards() {
    let files = home(":0\nx\n").file(".forward", "\\u, a@b.c, \"|exit 67\"\n");
    assert_eq!(ends_in(&files), ["!a@b.c", "x", "67"]);
}

#[test]
fn exim_filters() {
    let filtered = |commands: &str| {
        let filter = format!("# Exim filter\n{commands}");
        ends_in(&home(":0\nx\n").file(".forward", filter))
    };
    for (commands, expected) in [
        ("deliver a@b.c\n", &["!a@b.c"][..]),
        ("unseen deliver a@b.c\n", &["!a@b.c", "x"]),
        (
            "if $h_subject: contains hello then save mail/h endif\n",
            &["mail/h"],
        ),
        ("if $h_subject: is hello then save mail/h endif\n", &["x"]),
        (
            "if $h_from: matches \"(bob)@\" then save mail/bob endif\n",
            &["mail/bob"],
        ),
        ("if personal then save mail/p endif\n", &["mail/p"]),
        (
            "if $message_size is above 10K then seen finish endif\nfinish\n",
            &["x"],
        ),
        ("seen finish\ndeliver a@b.c\n", &[]),
        (
            "if foranyaddress $h_to: ($thisaddress is u@example.org)\nthen save a elif delivered then save b else save c endif\n",
            &["a"],
        ),
    ] {
        assert_eq!(filtered(commands), expected, "{commands}");
    }
}

#[test]
fn hostile_rules_come_to_an_end() {
    let outcome = outcome_in(&home(&":0c\n{\n}\n".repeat(40)), MESSAGE);
    assert!(outcome.unknown.contains(&Unknown::Endless));
    assert_eq!(outcome.deliveries.len(), 1);
}

#[test]
fn what_is_not_known_is_named() {
    let outcome = outcome_in(&home(":0\n* ? mine\nx\n"), MESSAGE);
    let unknown: Vec<_> = outcome.unknown.into_iter().collect();
    assert_eq!(unknown, [Unknown::Program("mine".to_owned())]);
    assert_eq!(
        outcome.deliveries.iter().map(end).collect::<Vec<_>>(),
        ["x"]
    );
}
