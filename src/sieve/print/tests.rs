#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::rules::program::Relation;
use crate::sieve::origin::Stretch;
use crate::sieve::script::{AddressPart, Command, Compare, Match, Modifier, Part};
use proptest::prelude::*;
use sieve::{Compiler, Event, Input, Runtime};
use std::process::{Command as Process, Stdio};

fn fileinto(folder: Value) -> Command {
    Command::from(CommandKind::FileInto {
        folder,
        copy: false,
        create: false,
        flags: Vec::new(),
    })
}

fn header(names: &[&str], keys: &[&str]) -> Test {
    Test::Header {
        compare: Compare {
            by: Match::Contains,
            octet: false,
        },
        names: names.iter().map(|&name| name.into()).collect(),
        keys: keys.iter().map(|&key| key.into()).collect(),
    }
}

fn script(commands: Vec<Command>) -> Script {
    Script {
        commands,
        files: vec![".procmailrc".into()],
    }
}

fn dovecot() -> Target {
    Target::profile("dovecot").unwrap()
}

fn text(script: &Script) -> String {
    print(script, &dovecot()).text
}

fn events(script: &str, message: &str) -> Vec<Event> {
    let compiled = Compiler::new()
        .with_max_string_size(usize::MAX)
        .compile(script.as_bytes())
        .unwrap_or_else(|error| panic!("{error}\n{script}"));
    let runtime = Runtime::new();
    let mut instance = runtime.filter(message.as_bytes());
    let mut input = Input::script("t", compiled);
    let mut events = Vec::new();
    while let Some(result) = instance.run(input) {
        events.push(result.unwrap());
        input = true.into();
    }
    events
}

fn folders(script: &str, message: &str) -> Vec<String> {
    events(script, message)
        .into_iter()
        .filter_map(|event| match event {
            Event::FileInto { folder, .. } => Some(folder),
            _ => None,
        })
        .collect()
}

fn difficult() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("${".to_owned()),
        Just("${name}".to_owned()),
        Just("${hex:41}".to_owned()),
        Just("${1}".to_owned()),
        Just("${dollar}".to_owned()),
        Just("\\".to_owned()),
        Just("\\n".to_owned()),
        Just("\"".to_owned()),
        Just("$".to_owned()),
        Just("{".to_owned()),
        Just("\n".to_owned()),
        Just("\n.".to_owned()),
        Just(".".to_owned()),
        Just("12.5".to_owned()),
        Just("\t".to_owned()),
        Just("\u{1}".to_owned()),
        Just("\r".to_owned()),
        Just("\u{202e}".to_owned()),
        "[a-z% é]{1,3}",
    ];
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

#[test]
fn reads_as_written_by_hand() {
    let mut filed = fileinto("Lists/rust".into());
    filed.origins = vec![Origin::on([12, 14])];
    let script = Script {
        commands: vec![
            Command::from(CommandKind::If {
                branches: vec![
                    (
                        header(&["list-id"], &["rust-lang"]),
                        vec![filed, Command::from(CommandKind::Stop)],
                    ),
                    (
                        Test::AnyOf(vec![
                            header(&["to", "cc"], &["someone@example.org"]),
                            header(&["subject"], &["a rather long subject indeed"]),
                            Test::Not(Box::new(Test::Over(256_000))),
                        ]),
                        vec![Command::from(CommandKind::Discard)],
                    ),
                ],
                otherwise: Some(vec![Command::from(CommandKind::Keep {
                    flags: vec!["\\Seen".into()],
                })]),
            }),
            Command::from(CommandKind::Redirect {
                address: "a@example.org".into(),
                copy: true,
            }),
        ],
        files: vec![".procmailrc".into()],
    };
    let expected = r#"require ["copy", "fileinto", "imap4flags"];

if header :contains "list-id" "rust-lang" {
    # .procmailrc:12-14
    fileinto "Lists/rust";
    stop;
} elsif anyof (
    header :contains ["to", "cc"] "someone@example.org",
    header :contains "subject" "a rather long subject indeed",
    not size :over 250K
) {
    discard;
} else {
    keep :flags "\\Seen";
}

redirect :copy "a@example.org";
"#;
    assert_eq!(text(&script), expected);
}

#[test]
fn long_lists_are_wrapped() {
    let keys = [
        "first-key@example.org",
        "second-key@example.org",
        "third-key@example.org",
    ];
    let script = script(vec![Command::from(CommandKind::If {
        branches: vec![(
            header(&["from"], &keys),
            vec![Command::from(CommandKind::Stop)],
        )],
        otherwise: None,
    })]);
    let expected = r#"if header :contains "from" [
    "first-key@example.org",
    "second-key@example.org",
    "third-key@example.org"
] {
    stop;
}
"#;
    assert_eq!(text(&script), expected);
}

#[test]
fn several_lines_of_prose_stand_as_they_are() {
    let script = script(vec![Command::from(CommandKind::Reject {
        ereject: false,
        reason: "Gone.\n.hidden\r\nBye \"you\"\n".into(),
    })]);
    let expected = "require \"reject\";\n\nreject text:\nGone.\n..hidden\nBye \"you\"\n.\n;\n";
    assert_eq!(text(&script), expected);
}

#[test]
fn comments_cannot_be_left() {
    let mut stop = Command::from(CommandKind::Stop);
    stop.origins = vec![Origin::on([1, 2])];
    let mut script = script(vec![stop]);
    script.files = vec!["a\ndiscard;\r\u{1b}[31m\u{202e}x".into()];
    assert_eq!(
        text(&script),
        "# a\\ndiscard;\\r\\u{1b}[31m\\u{202e}x:1-2\nstop;\n"
    );
}

/// The lines of each stretch, and those that it came from.
fn stretches(commands: Vec<Command>) -> Vec<(usize, usize, Vec<usize>)> {
    let printed = print(&script(commands), &dovecot());
    let one = |stretch: &Stretch| {
        let origins = stretch.origins.iter().map(|origin| origin.lines[0]);
        (stretch.lines[0], stretch.lines[1], origins.collect())
    };
    printed.map.stretches.iter().map(one).collect()
}

fn from(line: usize, command: Command) -> Command {
    Command {
        origins: vec![Origin::on([line, line])],
        ..command
    }
}

fn stop() -> Command {
    Command::from(CommandKind::Stop)
}

/// An `if` with branches, and an `else` last.
fn branches(mut blocks: Vec<Vec<Command>>) -> Command {
    let last = blocks.pop().unwrap();
    let (blocks, otherwise) = match blocks.is_empty() {
        true => (vec![last], None),
        false => (blocks, Some(last)),
    };
    let branches = blocks.into_iter().map(|block| (Test::True, block));
    Command::from(CommandKind::If {
        branches: branches.collect(),
        otherwise,
    })
}

#[test]
fn commands_lie_below_their_comments() {
    let filed = from(7, fileinto("x".into()));
    // require, a line, # 1, if, stop, }, a line, # 7, fileinto, stop
    let commands = vec![from(1, branches(vec![vec![stop()]])), filed, stop()];
    assert_eq!(stretches(commands), [(2, 5, vec![1]), (7, 9, vec![7])]);
}

#[test]
fn the_commands_of_one_statement_belong_together() {
    let inner = branches(vec![vec![from(3, stop())]]);
    let commands = vec![from(1, stop()), stop(), from(2, stop()), inner, stop()];
    // # 1, stop, stop, a line, # 2, stop, a line, if, # 3, stop, }, a line, stop
    let expected = [(0, 2, vec![1]), (4, 5, vec![2]), (7, 10, vec![3])];
    assert_eq!(stretches(commands), expected);
}

#[test]
fn a_question_of_a_statement_belongs_to_it() {
    let asked = branches(vec![vec![stop()], vec![stop()]]);
    let block = vec![from(2, stop()), asked, stop()];
    // # 1, if, # 2, stop, if, stop, else, stop, }, stop, }
    let expected = [(0, 10, vec![1]), (2, 9, vec![2])];
    assert_eq!(stretches(vec![from(1, branches(vec![block]))]), expected);
}

#[test]
fn blocks_hold_others() {
    let inner = from(3, branches(vec![vec![stop()]]));
    let block = vec![from(2, stop()), inner];
    let commands = vec![from(1, branches(vec![block])), stop()];
    // # 1, if, # 2, stop, # 3, if, stop, }, }
    let expected = [(0, 8, vec![1]), (2, 3, vec![2]), (4, 7, vec![3])];
    assert_eq!(stretches(commands), expected);
}

#[test]
fn a_branch_belongs_to_its_comments() {
    let second = vec![from(2, stop())];
    let last = vec![from(4, stop())];
    let all = branches(vec![vec![stop()], second, vec![stop()], last]);
    // # 1, if, stop, elsif, # 2, stop, elsif, stop, else, # 4, stop, }
    let expected = [(0, 2, vec![1]), (3, 5, vec![2]), (8, 11, vec![4])];
    assert_eq!(stretches(vec![from(1, all), stop()]), expected);
}

#[test]
fn the_test_belongs_to_the_comments_in_its_block() {
    let both = branches(vec![vec![from(1, stop())], vec![from(2, stop())]]);
    // if, # 1, stop, else, # 2, stop, }
    assert_eq!(stretches(vec![both]), [(0, 2, vec![1]), (3, 6, vec![2])]);
    let inner = branches(vec![vec![from(2, stop())]]);
    let outer = from(1, branches(vec![vec![inner]]));
    // # 1, if, if, # 2, stop, }, }
    assert_eq!(stretches(vec![outer]), [(0, 6, vec![1]), (2, 5, vec![2])]);
}

#[test]
fn comments_are_found_again() {
    let printed = print(
        &script(vec![from(3, fileinto("x".into())), from(5, stop())]),
        &dovecot(),
    );
    let lines: Vec<&str> = printed.text.lines().collect();
    let found = printed.map.comments.iter();
    let found: Vec<_> = found
        .map(|(line, origin)| (lines[*line], origin.lines[0]))
        .collect();
    assert_eq!(found, [("# .procmailrc:3", 3), ("# .procmailrc:5", 5)]);
}

#[test]
fn line_ends_on_request() {
    let script = script(vec![Command::from(CommandKind::Reject {
        ereject: false,
        reason: "a\nb\n".into(),
    })]);
    let printed = text(&script);
    let sent = crlf(&printed);
    assert_eq!(sent.matches('\n').count(), sent.matches("\r\n").count());
    assert_eq!(sent.replace('\r', ""), printed);
    assert_eq!(crlf(&sent), sent);
}

#[test]
fn a_literal_reference_is_not_expanded() {
    let script = script(vec![
        Command::from(CommandKind::Set {
            modifiers: Vec::new(),
            name: "Dollar".into(),
            value: "x".into(),
        }),
        fileinto(Value(vec![
            Part::Text("a$".into()),
            Part::Text("{dollar}".into()),
            Part::Variable("dollar".into()),
        ])),
    ]);
    let text = text(&script);
    assert!(text.contains("set \"dollar1\" \"$\";"), "{text}");
    assert_eq!(folders(&text, "Subject: x\n\n"), ["a${dollar}x"]);
    let bare = Target::profile("rfc5228").unwrap();
    let printed = print(&super::tests::script(vec![fileinto("${x}".into())]), &bare);
    assert!(
        printed.text.contains("fileinto \"${hex:24}{x}\";"),
        "{}",
        printed.text
    );
    assert!(printed.requires.contains(&Extension::EncodedCharacter));
}

#[test]
fn an_address_is_written_as_the_name_of_a_field() {
    let named = |name: &str| {
        let test = header(&[name], &["x"]);
        Command::from(CommandKind::If {
            branches: vec![(test, vec![fileinto("at".into())])],
            otherwise: None,
        })
    };
    let script = script(vec![named("Joe@example.org"), named("Subject")]);
    let text = text(&script);
    assert!(text.contains("set \"at\" \"@\";"), "{text}");
    assert!(text.contains("\"Joe${at}example.org\""), "{text}");
    // Which does not find it, and not all mail either.
    assert_eq!(folders(&text, "Joe@example.org: x\n\n"), [] as [&str; 0]);
}

#[test]
fn a_variable_outlives_its_block() {
    let set = Command::from(CommandKind::Set {
        modifiers: Vec::new(),
        name: "Where".into(),
        value: "lists".into(),
    });
    let rule = |block| CommandKind::If {
        branches: vec![(Test::Exists(vec!["subject".into()]), block)],
        otherwise: None,
    };
    let read = fileinto(Value(vec![Part::Variable("where".into())]));
    let outside = script(vec![Command::from(rule(vec![set.clone()])), read.clone()]);
    let text = text(&outside);
    assert!(text.contains("set \"where\" \"\";"), "{text}");
    assert_eq!(folders(&text, "Subject: x\n\n"), ["lists"]);
    for inside in [
        script(vec![Command::from(rule(vec![set.clone(), read.clone()]))]),
        script(vec![set.clone(), Command::from(rule(vec![set])), read]),
    ] {
        assert!(!super::tests::text(&inside).contains("\"\""));
    }
}

#[test]
fn what_is_required_is_what_is_used() {
    let wants = |command: Command| {
        requires(&script(vec![command]))
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        wants(Command::from(CommandKind::Keep { flags: vec![] })),
        ""
    );
    assert_eq!(
        wants(fileinto(Value(vec![Part::Variable("1".into())]))),
        "fileinto variables"
    );
    let counted = Test::Header {
        compare: Compare {
            by: Match::Count(Relation::Greater),
            octet: false,
        },
        names: vec!["received".into()],
        keys: vec!["3".into()],
    };
    assert_eq!(
        wants(Command::from(CommandKind::If {
            branches: vec![(counted, vec![])],
            otherwise: None
        })),
        "comparator-i;ascii-numeric relational"
    );
    let dated = Test::CurrentDate {
        compare: Compare {
            by: Match::Value(Relation::AtLeast),
            octet: false,
        },
        part: "date".into(),
        keys: vec!["2024-01-01".into()],
    };
    assert_eq!(
        wants(Command::from(CommandKind::If {
            branches: vec![(dated, vec![])],
            otherwise: None
        })),
        "date relational"
    );
}

#[test]
fn depth_is_no_danger() {
    let mut inner = vec![Command::from(CommandKind::Stop)];
    let mut test = Test::True;
    for _ in 0..1_000 {
        test = Test::Not(Box::new(test));
        inner = vec![Command::from(CommandKind::If {
            branches: vec![(Test::True, inner)],
            otherwise: None,
        })];
    }
    let script = script(inner);
    assert!(text(&script).lines().count() > 2_000);
    assert!(test_line(&test).starts_with("not not"));
}

/// Every kind of command and test, with difficult strings in them.
fn everything(a: &str, b: &str) -> Script {
    let octet = Compare {
        by: Match::Matches,
        octet: true,
    };
    let is = || Compare {
        by: Match::Is,
        octet: false,
    };
    let tests = vec![
        header(&["subject", "x-a"], &[a, b]),
        Test::Header {
            compare: octet,
            names: vec!["to".into()],
            keys: vec![b.into()],
        },
        Test::Address {
            part: AddressPart::Detail,
            compare: is(),
            names: vec!["to".into()],
            keys: vec![a.into()],
        },
        Test::Envelope {
            part: AddressPart::Localpart,
            compare: is(),
            names: vec!["from".into()],
            keys: vec![a.into()],
        },
        Test::Exists(vec!["x-b".into()]),
        Test::Under(7),
        Test::Body {
            raw: true,
            compare: is(),
            keys: vec![a.into()],
        },
        Test::String {
            compare: is(),
            sources: vec![Value(vec![Part::Variable("v".into())])],
            key: b.into(),
        },
        Test::CurrentDate {
            compare: is(),
            part: "weekday".into(),
            keys: vec!["1".into()],
        },
        Test::Duplicate { handle: None },
        Test::Duplicate {
            handle: Some(a.into()),
        },
        Test::AllOf(vec![]),
        Test::AnyOf(vec![]),
        Test::AllOf(vec![Test::True, Test::Not(Box::new(Test::False))]),
    ];
    let body = vec![
        Command::from(CommandKind::Set {
            modifiers: vec![Modifier::Lower],
            name: "v".into(),
            value: a.into(),
        }),
        fileinto(Value(vec![
            Part::Text(b.into()),
            Part::Variable("v".into()),
            Part::Text(a.into()),
        ])),
        Command::from(CommandKind::FileInto {
            folder: "x".into(),
            copy: true,
            create: true,
            flags: vec!["\\Seen".into(), "b".into()],
        }),
        Command::from(CommandKind::AddFlag {
            flags: vec!["\\Seen".into()],
        }),
        Command::from(CommandKind::AddFlag { flags: vec![] }),
        Command::from(CommandKind::Vacation {
            days: Some(7),
            subject: Some(a.into()),
            addresses: vec!["a@example.org".into(), "b@example.org".into()],
            reason: format!("{a}\n{b}\n").as_str().into(),
        }),
        Command::from(CommandKind::Discard),
    ];
    script(vec![Command::from(CommandKind::If {
        branches: vec![(Test::AnyOf(tests), body), (Test::True, vec![])],
        otherwise: Some(vec![Command::from(CommandKind::Reject {
            ereject: false,
            reason: b.into(),
        })]),
    })])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn strings_survive(value in difficult(), is_sent: bool) {
        let commands = vec![fileinto(value.as_str().into())];
        let printed = text(&script(commands));
        let printed = if is_sent { crlf(&printed) } else { printed };
        let got = folders(&printed, "Subject: x\n\n");
        let got = got.into_iter().map(|folder| match is_sent {
            true => folder.replace("\r\n", "\n"),
            false => folder,
        }).collect::<Vec<_>>();
        prop_assert_eq!(got, vec![value.replace("\r\n", "\n")], "{}", printed);
    }

    #[test]
    fn prose_survives(value in difficult()) {
        let reason = format!("{value}\n");
        let commands = vec![Command::from(CommandKind::Reject { ereject: false, reason: reason.as_str().into() })];
        let printed = text(&script(commands));
        let got = events(&printed, "Subject: x\n\n").into_iter().find_map(|event| match event {
            Event::Reject { reason, .. } => Some(reason),
            _ => None,
        });
        prop_assert_eq!(got, Some(reason.replace("\r\n", "\n")), "{}", printed);
    }

    #[test]
    fn everything_compiles(a in difficult(), b in difficult()) {
        let printed = text(&everything(&a, &b));
        prop_assert!(Compiler::new().compile(printed.as_bytes()).is_ok(), "{}", printed);
    }
}

#[test]
fn pigeonhole_compiles_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.sieve");
    let difficult = ["plain", "${x} \\ \"q\" \\", "a\n.b\u{1}", "é\\n${hex:41}"];
    for a in difficult {
        let printed = text(&everything(a, "b${"));
        for printed in [crlf(&printed), printed] {
            std::fs::write(&file, &printed).unwrap();
            let run = Process::new("sievec")
                .arg(&file)
                .arg(folder.path().join("t.svbin"))
                .stdin(Stdio::null())
                .output();
            let Ok(run) = run else {
                crate::untested::missing("sievec", "install-oracles.sh");
                return;
            };
            let errors = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{errors}\n{printed}");
        }
    }
}
