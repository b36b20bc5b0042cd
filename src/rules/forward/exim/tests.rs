#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::home::MemoryHome;
use crate::ledger::Finding;
use crate::rules::elaborate::Settings;
use crate::rules::forward::Elaborated;
use crate::rules::forward::elaborate_home;
use crate::rules::model::Program;

fn read(filter: &str) -> (Program, Vec<Finding>) {
    let home = MemoryHome::new()
        .file(".forward", format!("# Exim filter\n{filter}"))
        .file(".procmailrc", ":0\n* ^Subject: x\nx\n")
        .file(".vacation.msg", "About $h_subject: later.\n");
    let settings = Settings {
        domain: Some("example.org".to_owned()),
        ..Settings::new("u")
    };
    let Elaborated {
        program, findings, ..
    } = elaborate_home(&home, &settings);
    (program, findings)
}

fn commands(filter: &str) -> Vec<Command> {
    match read(filter).0.main.steps.into_iter().next().unwrap() {
        Step::Filter(commands) => commands,
        other => panic!("{other:?}"),
    }
}

fn targets(filter: &str) -> Vec<(Target, bool)> {
    let target = |command| match command {
        Command::Deliver { to, counts, .. } => (to, counts),
        other => panic!("{other:?}"),
    };
    commands(filter).into_iter().map(target).collect()
}

#[test]
fn deliveries() {
    let address = |address: &str| Target::Address(address.to_owned());
    assert_eq!(
        targets("unseen deliver \"J <j@x.example>\" deliver $local_part@new.example"),
        [
            (address("j@x.example"), false),
            (address("u@new.example"), true)
        ]
    );
    assert!(matches!(
        &targets("deliver $local_part@$domain")[0].0,
        Target::Rules(_)
    ));
    let paths: Vec<String> = targets("save a save $home/b/ save /c 0600")
        .into_iter()
        .map(|(to, _)| match to {
            Target::Folder(folder) => {
                format!("{} {:?}", folder.path.known().unwrap(), folder.format)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(paths, ["/home/u/a Mbox", "/home/u/b Maildir", "/c Mbox"]);
    let Target::Vacation(vacation) = &targets("vacation subject \"Re: $h_subject:\"")[0].0 else {
        panic!()
    };
    assert_eq!(vacation.text, "About $SUBJECT later.\n");
    assert_eq!(vacation.subject.as_deref(), Some("Re: $SUBJECT"));
    assert_eq!(vacation.days, Some(7));
}

#[test]
fn a_file_is_expanded_where_that_is_asked_for() {
    for (filter, text) in [
        ("vacation", "About $SUBJECT later.\n"),
        (
            "vacation expand file .vacation.msg",
            "About $SUBJECT later.\n",
        ),
        ("vacation file .vacation.msg", "About $h_subject: later.\n"),
    ] {
        let Target::Vacation(vacation) = &targets(filter)[0].0 else {
            panic!("{filter}")
        };
        assert_eq!(vacation.text, text, "{filter}");
    }
}

#[test]
fn no_shell_reads_what_a_pipe_starts() {
    for filter in ["pipe true", "pipe \"exit 67\"", "pipe \"cat >> f\""] {
        assert!(
            matches!(&targets(filter)[0].0, Target::Program(_)),
            "{filter}"
        );
    }
}

#[test]
fn bounces_go_to_the_user_alone() {
    let address = Target::Address("a@b.example".to_owned());
    for (errors_to, expected) in [("u@example.org", address), ("x@b.example", Target::Unknown)] {
        let filter = format!("deliver a@b.example errors_to {errors_to}");
        assert_eq!(targets(&filter)[0].0, expected, "{errors_to}");
    }
}

#[test]
fn a_message_goes_on_unless_a_delivery_counts() {
    let steps = |filter: &str| read(filter).0.main.steps.len();
    assert_eq!(steps("unseen save x"), 2);
    assert_eq!(steps("if $h_x: is y then save x endif"), 2);
    assert_eq!(steps("if $h_x: is y then save x else deliver a@b endif"), 1);
    assert_eq!(steps("if $h_x: is y then finish endif save x"), 2);
    assert_eq!(steps("seen finish save x"), 1);
}

#[test]
fn every_command_is_a_statement() {
    let (program, _) =
        read("if $h_x: is y then\n save x\nelif $h_x: is z then\n save z\nelse\n finish\nendif\n");
    let kinds: Vec<_> = program
        .statements
        .iter()
        .map(|statement| statement.kind)
        .collect();
    assert_eq!(&kinds[..5], &[StatementKind::Command; 5]);
}

#[test]
fn what_cannot_be_read_is_said() {
    for (filter, code) in [
        ("deliver x@y if", Code::EximRefused),
        ("save $h_subject:", Code::EximComputed),
        ("mail to boss@x.example text new", Code::EximMail),
        ("add 1 to n1", Code::EximCounter),
        ("freeze", Code::EximRefused),
        ("deliver a@b errors_to root@b", Code::EximRefused),
        ("mail subject \"a\\nb: c\" text d", Code::EximMail),
        ("seen logwrite x", Code::EximSystem),
    ] {
        let (_, findings) = read(filter);
        assert!(
            findings.iter().any(|finding| finding.code == code),
            "{filter}: {findings:?}"
        );
    }
}
