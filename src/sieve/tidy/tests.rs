#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::origin::Origin;
use super::super::print::print;
use super::super::script::{Compare, Part, Script};
use super::super::target::Target;
use super::condition::{keys_of, sets};
use super::*;
use crate::rules::program::Relation;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn noted(line: usize, kind: CommandKind) -> Command {
    Command {
        origins: vec![Origin::on([line, line])],
        kind,
    }
}

fn fileinto(folder: &str) -> Command {
    Command::from(CommandKind::FileInto {
        folder: folder.into(),
        copy: false,
        create: false,
        flags: vec![],
    })
}

fn stop() -> Command {
    Command::from(CommandKind::Stop)
}

fn when(test: Test, block: Vec<Command>) -> CommandKind {
    CommandKind::If {
        branches: vec![(test, block)],
        otherwise: None,
    }
}

fn header(name: &str, key: &str) -> Test {
    matching(Match::Contains, name, key)
}

fn matching(by: Match, name: &str, key: &str) -> Test {
    Test::Header {
        compare: Compare { by, octet: false },
        names: vec![name.into()],
        keys: vec![key.into()],
    }
}

fn text(commands: Vec<Command>) -> String {
    let files = vec!["r".into()];
    let script = Script { commands, files };
    let printed = print(&script, &Target::profile("dovecot").unwrap()).text;
    printed.split_once(";\n\n").unwrap().1.to_owned()
}

#[test]
fn rules_with_stop_become_a_chain() {
    let commands = vec![
        noted(1, when(header("a", "1"), vec![fileinto("x"), stop()])),
        noted(4, when(header("b", "2"), vec![fileinto("x"), stop()])),
        noted(7, when(header("b", "3"), vec![fileinto("x"), stop()])),
        noted(9, when(header("c", "3"), vec![fileinto("y"), stop()])),
        noted(12, fileinto("z").kind),
    ];
    let expected = r#"if anyof (header :contains "a" "1", header :contains "b" ["2", "3"]) {
    # r:1, 4, 7
    fileinto "x";
} elsif header :contains "c" "3" {
    # r:9
    fileinto "y";
} else {
    # r:12
    fileinto "z";
}
"#;
    assert_eq!(text(tidy(commands)), expected);
}

#[test]
fn a_test_goes_on_inside_the_block_that_it_opened() {
    let set = |value: &str| {
        Command::from(CommandKind::Set {
            modifiers: Vec::new(),
            name: "match".to_owned(),
            value: Value::text(value),
        })
    };
    let first = header("a", "1");
    let both = Test::AllOf(vec![first.clone(), header("b", "2")]);
    let commands = vec![
        noted(1, when(first, vec![set("x")])),
        Command::from(when(both, vec![fileinto("y"), stop()])),
        fileinto("z"),
        fileinto("w"),
    ];
    let expected = r#"# r:1
if header :contains "a" "1" {
    set "match" "x";
    if header :contains "b" "2" {
        fileinto "y";
        stop;
    }
}

fileinto "z";
fileinto "w";
"#;
    assert_eq!(text(tidy(commands)), expected);
}

#[test]
fn stops_stay_where_more_follows() {
    let commands = vec![
        noted(1, when(header("a", "1"), vec![fileinto("x"), stop()])),
        noted(4, when(header("b", "1"), vec![fileinto("x"), stop()])),
        noted(7, when(header("c", "3"), vec![fileinto("y"), stop()])),
        fileinto("z"),
        fileinto("w"),
        stop(),
        fileinto("never"),
    ];
    let expected = r#"# r:1, 4
if header :contains ["a", "b"] "1" {
    fileinto "x";
    stop;
}

# r:7
if header :contains "c" "3" {
    fileinto "y";
    stop;
}

fileinto "z";
fileinto "w";
"#;
    assert_eq!(text(tidy(commands)), expected);
}

#[test]
fn tests_are_simplified() {
    let a = || header("a", "1");
    let b = || header("b", "1");
    let not = |test| Test::Not(Box::new(test));
    let cases = [
        (not(not(a())), a()),
        (Test::AllOf(vec![Test::True, a()]), a()),
        (Test::AllOf(vec![a(), Test::False]), Test::False),
        (
            Test::AnyOf(vec![Test::AnyOf(vec![a(), Test::True])]),
            Test::True,
        ),
        (Test::AnyOf(vec![]), Test::False),
        (Test::AnyOf(vec![a(), a()]), a()),
        (Test::AnyOf(vec![b(), a(), not(a())]), Test::True),
        (Test::AllOf(vec![not(a()), a(), b()]), Test::False),
        (
            Test::AllOf(vec![
                Test::Exists(vec!["a".into()]),
                Test::Exists(vec!["b".into()]),
            ]),
            Test::Exists(vec!["a".into(), "b".into()]),
        ),
        (
            Test::AllOf(vec![not(a()), not(b())]),
            not(Test::Header {
                compare: Compare {
                    by: Match::Contains,
                    octet: false,
                },
                names: vec!["a".into(), "b".into()],
                keys: vec!["1".into()],
            }),
        ),
        (
            Test::AllOf(vec![a(), Test::AllOf(vec![b(), Test::Over(1)])]),
            Test::AllOf(vec![a(), b(), Test::Over(1)]),
        ),
    ];
    for (test, expected) in cases {
        assert_eq!(tidy_test(test), expected);
    }
    let twice = Test::Duplicate { handle: None };
    let test = Test::AllOf(vec![twice, a(), Test::False]);
    assert!(matches!(tidy_test(test), Test::AllOf(tests) if tests.len() == 2));
}

#[test]
fn match_variables_keep_their_tests() {
    let rule = |name: &str| {
        let folder = Value(vec![Part::Variable("1".into())]);
        let kind = CommandKind::FileInto {
            folder,
            copy: false,
            create: false,
            flags: vec![],
        };
        Command::from(when(
            matching(Match::Matches, "a", name),
            vec![Command::from(kind), stop()],
        ))
    };
    let tidied = tidy(vec![rule("*x"), rule("*y")]);
    let [
        Command {
            kind: CommandKind::If { branches, .. },
            ..
        },
    ] = tidied.as_slice()
    else {
        panic!("{tidied:?}")
    };
    assert!(matches!(&branches[0].0, Test::AnyOf(tests) if tests.len() == 2));
}

#[test]
fn a_last_keep_is_dropped_where_nothing_took_the_mail() {
    let (a, b) = (|| Test::Over(1), || Test::Under(9));
    let keep = || Command::from(CommandKind::Keep { flags: vec![] });
    let file = |copy| {
        Command::from(CommandKind::FileInto {
            folder: Value::text("x"),
            copy,
            create: false,
            flags: vec![],
        })
    };
    let keeps = || Command::from(when(b(), vec![keep()]));
    let rule = || Command::from(when(a(), vec![file(false), stop()]));
    assert_eq!(tidy(vec![keeps()]), []);
    assert_eq!(tidy(vec![file(true), keeps()]), [file(true)]);
    let taken = vec![file(false), keeps()];
    assert_eq!(tidy(taken.clone()), taken);
    let alone = [Command::from(when(a(), vec![file(false)]))];
    assert_eq!(tidy(vec![rule(), keeps()]), alone);
    let in_case = vec![Command::from(when(a(), vec![file(false)])), keeps()];
    assert_eq!(tidy(in_case.clone()), in_case);
}

#[test]
fn counts_are_not_merged() {
    let count = |name| matching(Match::Count(Relation::Greater), name, "3");
    let test = Test::AnyOf(vec![count("a"), count("b")]);
    assert_eq!(tidy_test(test.clone()), test);
}

#[test]
fn depth_is_no_danger() {
    let mut block = vec![fileinto("x"), stop()];
    for _ in 0..1_000 {
        block = vec![Command::from(when(header("a", "1"), block)), stop()];
    }
    assert_eq!(tidy(block).len(), 2);
}

/// Folders filed into, by a reading of the commands as plain as can be.
/// Fields `a` to `d` are there or not; `${1}` is the last that a
/// `:matches` found.
struct Message {
    fields: [bool; 4],
    variables: BTreeMap<String, String>,
    seen: bool,
    log: Vec<String>,
}

impl Message {
    fn value(&self, value: &Value) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(name) => self.variables.get(name).cloned().unwrap_or_default(),
        };
        value.0.iter().map(part).collect()
    }

    fn test(&mut self, test: &Test) -> bool {
        match test {
            Test::True => true,
            Test::Not(test) => !self.test(test),
            Test::AllOf(tests) => tests.iter().all(|test| self.test(test)),
            Test::AnyOf(tests) => tests.iter().any(|test| self.test(test)),
            Test::Exists(names) => names.iter().all(|name| self.has(name)),
            Test::Duplicate { .. } => std::mem::replace(&mut self.seen, true),
            Test::String { sources, key, .. } => sources
                .iter()
                .any(|source| self.value(source) == self.value(key)),
            Test::Header { names, keys, .. } => {
                let Some(name) = names.iter().find(|name| self.has(name)) else {
                    return false;
                };
                let found = keys.iter().find(|key| self.value(key) == "yes");
                if found.is_some() && sets(test) {
                    self.variables.insert("1".into(), name.clone());
                }
                found.is_some()
            }
            _ => false,
        }
    }

    fn has(&self, name: &str) -> bool {
        let at = name
            .bytes()
            .next()
            .map_or(9, |byte| usize::from(byte - b'a'));
        self.fields.get(at) == Some(&true)
    }

    /// Whether it goes on.
    fn run(&mut self, commands: &[Command]) -> bool {
        commands.iter().all(|command| match &command.kind {
            CommandKind::Stop => false,
            CommandKind::If {
                branches,
                otherwise,
            } => {
                let taken = branches.iter().find(|(test, _)| self.test(test));
                match taken.map(|(_, block)| block).or(otherwise.as_ref()) {
                    Some(block) => self.run(block),
                    None => true,
                }
            }
            CommandKind::Set { name, value, .. } => {
                let value = self.value(value);
                self.variables.insert(name.clone(), value);
                true
            }
            CommandKind::FileInto { folder, .. } => {
                let folder = self.value(folder);
                self.log.push(folder);
                true
            }
            _ => true,
        })
    }
}

/// `string :is "${name}" "key"`.
fn holds(name: &str, key: &str) -> Test {
    Test::String {
        compare: Compare {
            by: Match::Is,
            octet: false,
        },
        sources: vec![Value(vec![Part::Variable(name.into())])],
        key: key.into(),
    }
}

#[test]
fn what_is_settled_is_not_asked_again() {
    let empty = || holds("v", "");
    let inner = when(Test::AnyOf(vec![empty(), header("a", "x")]), vec![stop()]);
    let again = Command::from(when(empty(), vec![fileinto("gone")]));
    let commands = vec![Command::from(when(
        Test::Not(Box::new(empty())),
        vec![Command::from(inner), again, fileinto("v")],
    ))];
    let tidied = text(tidy(commands));
    assert_eq!(tidied.matches("${v}").count(), 1, "{tidied}");
    assert!(!tidied.contains("gone"), "{tidied}");
}

fn any_test() -> impl Strategy<Value = Test> {
    let leaf = prop_oneof![
        Just(Test::True),
        Just(Test::False),
        Just(Test::Duplicate { handle: None }),
        "yes|no|".prop_map(|key| holds("v", &key)),
        "[a-d]".prop_map(|name| Test::Exists(vec![name])),
        ("[a-d]", "yes|no").prop_map(|(name, key)| header(&name, &key)),
        ("[a-d]", "yes|no").prop_map(|(name, key)| matching(Match::Matches, &name, &key)),
        "[a-d]".prop_map(|name| {
            let mut test = header(&name, "");
            *keys_of(&mut test).unwrap() = vec![Value(vec![Part::Variable("v".into())])];
            test
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|test| Test::Not(Box::new(test))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Test::AllOf),
            prop::collection::vec(inner, 0..4).prop_map(Test::AnyOf),
        ]
    })
}

fn any_commands(numbered: bool) -> impl Strategy<Value = Vec<Command>> {
    let folder = if numbered { "[xy]|1" } else { "[xy]" };
    let leaf = prop_oneof![
        3 => folder.prop_map(|name| match name.as_str() {
            "1" => Command::from(CommandKind::FileInto {
                folder: Value(vec![Part::Variable("1".into())]),
                copy: false, create: false, flags: vec![],
            }),
            name => fileinto(name),
        }),
        3 => Just(stop()),
        1 => "yes|no".prop_map(|value| Command::from(CommandKind::Set {
            modifiers: vec![], name: "v".into(), value: value.into(),
        })),
    ];
    let block = prop::collection::vec(leaf.clone().boxed(), 0..3);
    block.prop_recursive(3, 24, 4, move |inner| {
        let rule = (
            prop::collection::vec((any_test(), inner.clone()), 1..3),
            prop::option::of(inner),
        )
            .prop_map(|(branches, otherwise)| {
                Command::from(CommandKind::If {
                    branches,
                    otherwise,
                })
            });
        prop::collection::vec(prop_oneof![1 => leaf.clone(), 3 => rule], 0..5)
    })
}

fn outcomes(commands: &[Command]) -> Vec<Vec<String>> {
    (0..16)
        .map(|bits| {
            let mut message = Message {
                fields: [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0, bits & 8 > 0],
                variables: BTreeMap::new(),
                seen: false,
                log: Vec::new(),
            };
            message.run(commands);
            message.log
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn meaning_stays(commands in any::<bool>().prop_flat_map(any_commands)) {
        let tidied = tidy(commands.clone());
        prop_assert_eq!(outcomes(&commands), outcomes(&tidied), "{:#?}", tidied);
        prop_assert_eq!(&tidy(tidied.clone()), &tidied, "a second time");
    }
}
