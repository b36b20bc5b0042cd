#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::*;
use crate::sieve::print::test_line;
use crate::sieve::script::Match;
use proptest::prelude::*;

pub(super) fn parse(text: &str, fold: bool) -> Expression {
    Expression::new(text, !fold).unwrap()
}

fn line(text: &str) -> String {
    let target = Target::profile("dovecot").unwrap();
    match header(&parse(text, true), &target) {
        Ok(matched) => {
            let codes: Vec<_> = matched
                .notes
                .iter()
                .map(|note| note.code.as_str())
                .collect();
            format!(
                "{} {} {}",
                matched
                    .captured
                    .map_or(String::new(), |group| group.variable),
                test_line(&matched.test),
                codes.join(",")
            )
        }
        Err(note) => format!("Err {}", note.code.as_str()),
    }
}

/// What a script with one test does with a message, by sieve-rs: whether the
/// test holds, and what the match variable is.
fn held(matched: &Matched, target: &Target, message: &str) -> Option<String> {
    held_from(matched, target, message, SENDER)
}

const SENDER: &str = "bob@x.org";

fn held_from(matched: &Matched, target: &Target, message: &str, sender: &str) -> Option<String> {
    use crate::sieve::print::print;
    use crate::sieve::script::{Command, CommandKind, Script};
    let mut folder = Value::text("yes");
    folder
        .0
        .extend(matched.captured.iter().flat_map(|group| group.value().0));
    let file = CommandKind::FileInto {
        folder,
        copy: false,
        create: false,
        flags: vec![],
    };
    let command = |kind| Command {
        origins: vec![],
        kind,
    };
    let rule = CommandKind::If {
        branches: vec![(matched.test.clone(), vec![command(file)])],
        otherwise: None,
    };
    let script = Script {
        commands: vec![command(rule)],
        files: Vec::new(),
    };
    let printed = print(&script, target).text;
    let compiled = sieve::Compiler::new().compile(printed.as_bytes());
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}\n{printed}"));
    let runtime = sieve::Runtime::new().with_cpu_limit(1_000_000);
    let mut filter = runtime.filter(message.as_bytes());
    filter.set_envelope(sieve::Envelope::From, sender);
    let mut input = sieve::Input::script("s", std::sync::Arc::new(compiled));
    while let Some(event) = filter.run(input) {
        if let sieve::Event::FileInto { folder, .. } = event.unwrap() {
            return folder.strip_prefix("yes").map(str::to_owned);
        }
        input = true.into();
    }
    None
}

fn value() -> impl Strategy<Value = String> {
    "[ab.-]([ab. -]{0,6}[ab.-])?"
}

fn names() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "^Subject:",
        "^Subject: ",
        "^(To|Cc):",
        "^(Subject|X-A): ",
        "^TO_",
        "^X-A:",
        "^X-.*:",
        "",
        "^Sub",
    ])
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = proptest::sample::select(vec![
        "a",
        "b",
        ".*",
        "ab",
        ".",
        "[ab]",
        "[^a]",
        "(a|b.)",
        "(a|bb)",
        "a?",
        "b*",
        "[ab]+",
        " ",
        "\\.",
        "-",
        ".+",
        "(.*[^a])?",
        "(a|$)",
        "([^b]|$)",
        "\\<",
        "\\>",
        "(ab|)",
        "a*",
        "[.-]",
    ]);
    let end = proptest::sample::select(vec!["", "", "$", ".*", ".*$", "\\>"]);
    (proptest::collection::vec(atom, 0..5), end).prop_map(|(atoms, end)| atoms.concat() + end)
}

/// The engine of sieve-rs finds `[^x]+a?[^x]+`, and `.+.*.+`, in a text of one
/// character. Whether it may have done so: the expressions of a test match none
/// of the texts by themselves.
fn engine_errs(test: &Test, texts: &[&str]) -> bool {
    let Some((compare, keys)) = test.compared() else {
        return false;
    };
    let matches = |key: &Value| {
        let regex = regex_automata::meta::Regex::new(&key.as_text().unwrap()).unwrap();
        texts.iter().any(|text| regex.is_match(text.as_bytes()))
    };
    compare.by == Match::Regex && !keys.iter().any(matches)
}

/// What a test with one expression finds in a value, as regex-automata reads it.
fn by_another_engine(matched: &Matched, value: &str) -> Option<Option<String>> {
    let Test::Header { compare, keys, .. } = &matched.test else {
        return None;
    };
    let (Match::Regex, [key]) = (&compare.by, keys.as_slice()) else {
        return None;
    };
    let group = matched.captured.as_ref()?.variable.parse().ok()?;
    let regex = regex_automata::meta::Regex::new(&key.as_text()?).unwrap();
    let mut captures = regex.create_captures();
    regex.captures(value, &mut captures);
    let found = captures.get_group(group);
    Some(found.map(|span| value[span.range()].to_owned()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn headers_agree(
        name in names(), pattern in pattern(), fold: bool,
        subject in value(), to in value(), own in value(),
    ) {
        let expression = Expression::new(&format!("{name}{pattern}"), !fold).unwrap();
        let header = format!("Subject: {subject}\nTo: {to}\nX-A: {own}");
        let target = Target::profile("stalwart").unwrap();
        let Ok(matched) = super::header(&expression, &target) else { return Ok(()) };
        // The empty line below a header is a part of it.
        let searched = format!("From {SENDER}  Thu Jan  1 00:00:00 2026\n{header}\n\n");
        let before = expression.find(searched.as_bytes()).is_some();
        let after = held(&matched, &target, &format!("{header}\n\nbody\n")).is_some();
        let values = [subject.trim(), to.trim(), own.trim()];
        if before != after && !(after && engine_errs(&matched.test, &values)) {
            let said = if before { matched.fit.may_miss } else { matched.fit.may_exceed };
            prop_assert!(said, "{name}{pattern} on {header:?}: {before}, {after} by {}", test_line(&matched.test));
        }
    }

    #[test]
    fn senders_agree(pattern in pattern(), fold: bool, sender in "[ab.-]{1,5}@[ab]{1,2}") {
        let expression = Expression::new(&format!("^From {pattern}"), !fold).unwrap();
        let target = Target::profile("stalwart").unwrap();
        let Ok(matched) = super::header(&expression, &target) else { return Ok(()) };
        let header = format!("From {sender}  Thu Jan  1 00:00:00 2026\nSubject: x");
        let before = expression.find(header.as_bytes()).is_some();
        let after = held_from(&matched, &target, "Subject: x\n\nbody\n", &sender).is_some();
        if before != after && !(after && engine_errs(&matched.test, &[&sender])) {
            let said = if before { matched.fit.may_miss } else { matched.fit.may_exceed };
            prop_assert!(said, "^From {pattern} on {header:?}: {before}, {after} by {}", test_line(&matched.test));
        }
    }

    #[test]
    fn texts_agree(pattern in pattern(), start in "(\\^|\\^\\^|)", fold: bool, text in "[ab.-][ab. -]{0,6}") {
        let expression = Expression::new(&format!("{start}{pattern}"), !fold).unwrap();
        let target = Target::profile("stalwart").unwrap();
        let Ok(matched) = super::text(&expression, &text.as_str().into(), &target) else { return Ok(()) };
        let before = expression.find(text.as_bytes()).is_some();
        let after = held(&matched, &target, "Subject: x\n\nbody\n").is_some();
        if before != after && !(after && engine_errs(&matched.test, &[&text])) {
            let said = if before { matched.fit.may_miss } else { matched.fit.may_exceed };
            prop_assert!(said, "{start}{pattern} on {text:?}: {before}, {after} by {}", test_line(&matched.test));
        }
    }

    #[test]
    fn bodies_agree(pattern in pattern(), start in "(\\^|\\^\\^|)", end in "(\\^\\^)?", fold: bool, lines in proptest::collection::vec(value(), 1..3), crlf: bool) {
        let expression = Expression::new(&format!("{start}{pattern}{end}"), !fold).unwrap();
        let target = Target::profile("stalwart").unwrap();
        let Ok(matched) = super::body(&expression, &target) else { return Ok(()) };
        let text = lines.join("\n") + "\n";
        let before = expression.find(text.as_bytes()).is_some();
        let message = format!("Subject: x\n\n{text}");
        let message = if crlf { message.replace('\n', "\r\n") } else { message };
        let after = held(&matched, &target, &message).is_some();
        let body = message.trim_start_matches("Subject: x").trim_start_matches(['\r', '\n']);
        if before != after && !(after && engine_errs(&matched.test, &[body])) {
            let said = if before { matched.fit.may_miss } else { matched.fit.may_exceed };
            prop_assert!(said, "{start}{pattern}{end} on {text:?}: {before}, {after} by {}", test_line(&matched.test));
        }
    }

    #[test]
    fn captures_agree(
        name in proptest::sample::select(vec!["^Subject:", "^Subject: ", "^X-A:.*", "^X-A:.+", "^(Subject|X-A): ", "^(Subject: a|X-A: |X-A: -b)"]),
        front in proptest::collection::vec(proptest::sample::select(vec!["a", "b", ".*", "[ab]", "-", " ", " *", "\\.", "[^-]+", "[^a]*", "(a|-b)", "(a|ab)", "b?", "(ab)+", "(.*[^a])?", "(ab-)?", "(.* )?", "\\<"]), 0..4),
        back in proptest::collection::vec(proptest::sample::select(vec!["a", ".*", "[^a]+", "b*", "[ab]+", "-", "[^-]*", "\\.", "$", "(a|ab)", "(ab|-)", "(b-)?", "(a|b.)+"]), 1..4),
        subject in value(), own in value(),
    ) {
        let text = format!("{name}{}\\/{}", front.concat(), back.concat());
        let expression = Expression::new(&text, false).unwrap();
        let target = Target::profile("stalwart").unwrap();
        let Ok(matched) = super::header(&expression, &target) else { return Ok(()) };
        let Some(group) = &matched.captured else { return Ok(()) };
        let has = |code| matched.notes.iter().any(|note| note.code == code);
        let is_any_of_several = group.is_last || has(Code::CaptureOrder);
        let header = format!("Subject: {subject}\nX-A: {own}");
        let before = expression.find(header.as_bytes()).and_then(|found| found.matched);
        let before = before.map(|range| header.get(range).unwrap_or_default().to_owned());
        let after = held(&matched, &target, &format!("{header}\n\nbody\n"));
        let line_end = has(Code::CaptureLineEnd);
        let before = before.map(|text| match line_end {
            true => text.trim_end_matches('\n').to_owned(),
            false => text,
        });
        let value = if name.starts_with("^X-A") { own.trim() } else { subject.trim() };
        // Where the engine errs, another one says what procmail does.
        let after = match by_another_engine(&matched, value) {
            Some(other) if other == before => other,
            _ => after,
        };
        if before.is_some() && after.is_none() && matched.fit.may_miss {
            return Ok(());
        }
        if is_any_of_several {
            prop_assert_eq!(before.is_some(), after.is_some(), "{} on {:?}", text, header);
            return Ok(());
        }
        prop_assert_eq!(before, after, "{} on {:?} by {}", text, header, test_line(&matched.test));
    }
}

#[test]
fn what_has_to_stand_once_may_stand_in_the_date() {
    let target = Target::profile("stalwart").unwrap();
    for pattern in [".*ab.+", ".*ab[^b]+"] {
        let expression = Expression::new(&format!("^From {pattern}"), true).unwrap();
        let matched = super::header(&expression, &target).unwrap();
        let line = "From a@ab  Thu Jan  1 00:00:00 2026";
        assert!(expression.find(line.as_bytes()).is_some());
        let after = held_from(&matched, &target, "Subject: x\n\nbody\n", "a@ab");
        assert!(after.is_some(), "{pattern} by {}", test_line(&matched.test));
    }
}

/// The same keys on Pigeonhole, many at a time: each rule files a copy under
/// its number.
#[test]
#[ignore = "runs sieve-test"]
fn pigeonhole_agrees() {
    use crate::sieve::print::{crlf, print};
    use crate::sieve::script::{Command, CommandKind, Script};
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::process::Command as Process;
    let target = Target::profile("dovecot").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let home = folder.path().display();
    let settings = format!(
        "mail_uid = 65533\nmail_gid = 65533\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nmail_home = {home}\nmail_location = mbox:{home}/none\nlog_path = /dev/stderr\nssl = no\nplugin {{\n sieve_max_actions = 0\n}}\n"
    );
    std::fs::write(path("c"), settings).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(folder.path(), mode(0o777)).unwrap();
    let mut runner = TestRunner::deterministic();
    let mut compared = 0;
    for round in 0..60 {
        let mut draw =
            |strategy: BoxedStrategy<String>| strategy.new_tree(&mut runner).unwrap().current();
        let header = format!(
            "Subject: {}\nTo: {}\nX-A: {}",
            draw(value().boxed()),
            draw(value().boxed()),
            draw(value().boxed())
        );
        let text = format!("{}\n{}\n", draw(value().boxed()), draw(value().boxed()));
        let is_sent = round % 2 == 1;
        let mut commands = Vec::new();
        let mut expected = Vec::new();
        for number in 0..60 {
            let in_body = number % 3 == 0;
            let name = match in_body {
                true => ["", "^"][number % 2].to_owned(),
                false => draw(names().prop_map(str::to_owned).boxed()),
            };
            let written = name + &draw(pattern().boxed());
            let expression = Expression::new(&written, number % 5 == 0).unwrap();
            let (matched, searched) = match in_body {
                true => (super::body(&expression, &target), &text),
                false => (super::header(&expression, &target), &header),
            };
            let Ok(matched) = matched else { continue };
            let before = expression.find(searched.as_bytes()).is_some();
            let file = CommandKind::FileInto {
                folder: format!("f{number}.").into(),
                copy: true,
                create: false,
                flags: vec![],
            };
            let block = vec![Command {
                origins: vec![],
                kind: file,
            }];
            let rule = CommandKind::If {
                branches: vec![(matched.test.clone(), block)],
                otherwise: None,
            };
            commands.push(Command {
                origins: vec![],
                kind: rule,
            });
            expected.push((number, written, before, matched));
        }
        let files = Vec::new();
        let script = Script { commands, files };
        let script = crlf(&print(&script, &target).text);
        let message = format!("{header}\n\n{text}");
        let message = if is_sent {
            message.replace('\n', "\r\n")
        } else {
            message
        };
        std::fs::write(path("s.sieve"), &script).unwrap();
        std::fs::write(path("m"), &message).unwrap();
        let _ = std::fs::remove_file(path("s.svbin"));
        let run = Process::new("sieve-test")
            .arg("-c")
            .arg(path("c"))
            .args(["-f", "bob@x.org", "-r", "u@example.org"])
            .arg(path("s.sieve"))
            .arg(path("m"))
            .output()
            .expect("sieve-test");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(
            said.contains("Performed actions"),
            "{}\n{script}",
            String::from_utf8_lossy(&run.stderr)
        );
        for (number, written, before, matched) in expected {
            let after = said.contains(&format!("folder: f{number}."));
            let allowed = if before {
                matched.fit.may_miss
            } else {
                matched.fit.may_exceed
            };
            assert!(
                before == after || allowed,
                "{written} on {message:?}: {before}, {after} by {}",
                test_line(&matched.test)
            );
            compared += 1;
        }
    }
    println!("{compared} compared");
}

#[test]
fn the_first_line_is_a_field_or_the_senders() {
    assert!(
        line("^^rom[ ]").ends_with("false never-matches"),
        "{}",
        line("^^rom[ ]")
    );
    assert_eq!(line("^^Received:"), "Err header-edge");
    assert!(
        line("^^From bob@").contains("envelope"),
        "{}",
        line("^^From bob@")
    );
}
