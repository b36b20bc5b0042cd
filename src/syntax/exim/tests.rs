#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

fn commands(text: &str) -> Result<Vec<Command>, Refused> {
    let exim = Exim::parse(FileId(0), text);
    assert_eq!(exim.print(text), text);
    exim.commands(text)
}

fn condition(text: &str) -> Condition {
    let commands = commands(&format!("if {text} then finish endif")).unwrap();
    match &commands[0].kind {
        CommandKind::If { branches, .. } => branches[0].condition.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn commands_with_their_arguments() {
    let found = commands(
        "# Exim filter\nunseen deliver \"J <j@x.example>\" save $home/a(b)c 0644 # note\n\
         noerror pipe \"a \\\"b\\\" \\\n   c\"finish\nseen mail to x subject \"a\\tb\" expand file f",
    )
    .unwrap();
    let text = |argument: &Argument| argument.text.clone();
    let shown: Vec<String> = found
        .iter()
        .map(|command| match &command.kind {
            CommandKind::Deliver { to, .. } => format!("{:?} deliver {}", command.seen, text(to)),
            CommandKind::Save(path) => format!("save {}", text(path)),
            CommandKind::Pipe(program) => format!("pipe {}", text(program)),
            CommandKind::Mail {
                options, expand, ..
            } => format!("{:?} {} {expand}", command.seen, options.len()),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Some(false) deliver J <j@x.example>",
            "save $home/a(b)c",
            "pipe a \"b\" c",
            "Finish",
            "Some(true) 3 true"
        ]
    );
}

#[test]
fn conditions_and_how_they_bind() {
    let Condition::Any(sums) = condition("$a is b and (not $c contains d)or personal alias x@y")
    else {
        panic!()
    };
    assert!(matches!(&sums[0], Condition::All(all) if matches!(&all[1], Condition::Not(_))));
    assert!(matches!(&sums[1], Condition::Personal(aliases) if aliases.len() == 1));
    let by = |text: &str| match condition(text) {
        Condition::Compare { by, case, .. } => (by, case, false),
        Condition::Not(inner) => match *inner {
            Condition::Compare { by, case, .. } => (by, case, true),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(by("a is b"), (Comparison::Is, false, false));
    assert_eq!(by("a IS b"), (Comparison::Is, true, false));
    assert_eq!(by("a is not b"), (Comparison::Is, false, true));
    assert_eq!(by("a is not above 5"), (Comparison::Above, false, true));
    assert_eq!(
        by("a does not CONTAIN b"),
        (Comparison::Contains, true, true)
    );
    assert_eq!(
        by("a matches \"(b) c\""),
        (Comparison::Matches, false, false)
    );
    assert!(matches!(
        condition("foranyaddress $h_to: ($thisaddress is x)"),
        Condition::ForAnyAddress(..)
    ));
}

#[test]
fn what_exim_refuses() {
    for text in [
        "frobnicate x",
        "if $a is b finish endif",
        "if $a is b then finish",
        "if ($a is b then finish endif",
        "if $a is b) then finish endif",
        "if $a like b then finish endif",
        "if then finish endif",
        "endif",
        "deliver",
        "save \"x",
        "seen unseen finish",
        "unseen if $a is b then finish endif",
        "if $a is b then finish seen endif",
        "noerror add 1 to n1",
        "if ($a is b)and($a is b) then finish endif",
        "if $a is b then(finish) endif",
        "mail expand text x",
        "freeze",
        "defer",
        "headers add x",
    ] {
        assert!(commands(text).is_err(), "{text:?}");
    }
}

#[test]
fn deep_nesting_is_refused_and_long_texts_take_linear_time() {
    assert!(commands(&format!("if {} then", "(".repeat(20_000))).is_err());
    assert!(commands(&"if a is b then ".repeat(20_000)).is_err());
    for unit in ["\"\\", "(", "#", "a ", "\\\n", "\" "] {
        let _ = commands(&unit.repeat(20_000));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_text_is_printed_back(text in "([ -~\n\té]|if|then|endif|\"|\\\\|\\(| is | and ){0,60}") {
        let _ = commands(&text);
    }
}
