#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::home::MemoryHome;
use crate::rules::forward::{Elaborated, elaborate_rc};
use std::io::Write;
use std::process::{Command, Stdio};

fn read(home: &MemoryHome) -> Elaborated {
    elaborate_rc(home, &Settings::new("u"), ".procmailrc").unwrap()
}

fn of(rc: &str) -> Elaborated {
    read(&MemoryHome::new().file(".procmailrc", rc))
}

fn recipes(steps: &[Step]) -> Vec<&Recipe> {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Recipe(recipe) => Some(recipe),
            _ => None,
        })
        .collect()
}

/// The folders of the recipes at the top, `{pieces}` where not known.
fn folders(rules: &Elaborated) -> Vec<String> {
    let folder = |recipe: &Recipe| match &recipe.action {
        Action::File(folders) => folders
            .iter()
            .map(|folder| format!("{} {:?}", show(&folder.path), folder.format))
            .collect::<Vec<_>>()
            .join(" + "),
        other => format!("{other:?}"),
    };
    recipes(&rules.program.main.steps)
        .into_iter()
        .map(folder)
        .collect()
}

fn show(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Variable(name) => format!("${{{name}}}"),
        Piece::Quoted(name) => format!("$\\{name}"),
        Piece::Default { name, text, .. } => format!("${{{name}:-{}}}", show(text)),
        Piece::Alternative { name, text, .. } => format!("${{{name}:+{}}}", show(text)),
        Piece::Command(command) => format!("`{}`", show(command)),
        Piece::Opaque(name) => format!("<{name}>"),
    };
    text.0.iter().map(piece).collect()
}

fn conditions(rc: &str) -> Vec<(bool, Area, String)> {
    let rules = of(rc);
    let recipe = *recipes(&rules.program.main.steps).last().unwrap();
    let condition = |condition: &Condition| {
        let test = match &condition.test {
            Test::Always => "always".to_owned(),
            Test::Expression(text) => show(text),
            Test::Smaller(text) => format!("< {}", show(text)),
            Test::Larger(text) => format!("> {}", show(text)),
            Test::Program(text) => format!("? {}", show(text)),
        };
        let test = match &condition.weight {
            Some(weight) => format!("{}^{} {test}", show(&weight.weight), show(&weight.exponent)),
            None => test,
        };
        (condition.negated, condition.area.clone(), test)
    };
    recipe.conditions.iter().map(condition).collect()
}

fn codes(rules: &Elaborated) -> Vec<Code> {
    rules.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn relative_folders_lie_in_maildir() {
    let home = MemoryHome::new()
        .directory("Mail/old")
        .file("Mail/box/cur/x", "")
        .directory("Mail/box/new")
        .directory("Mail/box/tmp")
        .file(
            ".procmailrc",
            "MAILDIR=$HOME/Mail\n:0 c\nlist\n:0 c\nold\n:0 c\nbox/ old list\n:0 c\nmh/.\n\
             :0 c\n/dev/null x\n:0 c\nbox\n:0 c\n$DEFAULT\n:0 c\nfoo bar\n:0 c\nfoo#note\n:0\n./a//b/\n",
        );
    let rules = read(&home);
    assert_eq!(
        folders(&rules),
        [
            "/home/u/Mail/list Mbox",
            "/home/u/Mail/old Directory",
            "/home/u/Mail/box Maildir + /home/u/Mail/old Directory + /home/u/Mail/list Directory",
            "/home/u/Mail/mh Mh",
            "/dev/null Null",
            "/home/u/Mail/box Directory",
            "/var/mail/u Mbox",
            "/home/u/Mail/foo Mbox",
            "/home/u/Mail/foo Mbox",
            "/home/u/Mail/a/b Maildir",
        ]
    );
    assert_eq!(rules.findings, []);
}

#[test]
fn values_that_differ_by_message_stay_variables() {
    let rules = of(
        "A=x\nB=x\n:0\n* ^Subject: \\/.*\n{ A=y }\n:0\n* .\n{\n B=x\n}\nC=`date`\n:0 c\n$A/$B/$C/$MATCH\n\
         :0\n* .\n{ D=1\n :0\n gone\n}\n:0\n${D:-no}${A:-z}$HOST\n",
    );
    assert_eq!(
        folders(&rules)[2..],
        ["${A}/x/${C}/${MATCH} Mbox".to_owned()]
            .into_iter()
            .chain(folders(&rules).into_iter().skip(3).take(1))
            .chain(["no${A:-z}<HOST> Mbox".replace("no", "/home/u/no")])
            .collect::<Vec<_>>()
    );
}

#[test]
fn conditions_are_taken_apart() {
    let rc = "A=a.b\nN=A\n:0 B\n* ! ^x\n* H ?? y # z  \n* A ?? ! \\<x\n*\n* 2.5^-1 foo\n* $ ^$\\A\\b\n\
              * $$N ?? k\n* ? test -n \"$A\" | $B\n* > 5 x\n* !< $LINEBUF\n* \\(a\n* one\\\n   two\n* -a\n*!!x\nf\n";
    let expected: Vec<(bool, Area, &str)> = vec![
        (true, Area::Body, "^x"),
        (false, Area::Header, "y # z"),
        (true, Area::Variable("A".into()), "\\<x"),
        (false, Area::Body, "always"),
        (false, Area::Body, "2.5^-1 foo"),
        (false, Area::Body, "^a\\.b\\b"),
        (false, Area::Variable("A".into()), "k"),
        (false, Area::Body, "? test -n \"a.b\" | "),
        (false, Area::HeaderAndBody, "> 5"),
        (true, Area::HeaderAndBody, "< 2048"),
        (false, Area::Body, "\\(a"),
        (false, Area::Body, "onetwo"),
        (false, Area::Body, "-a"),
        (false, Area::Body, "x"),
    ];
    let found = conditions(rc);
    let found: Vec<_> = found
        .iter()
        .map(|(negated, area, text)| (*negated, area.clone(), text.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn flags() {
    let rules = of(":0 HBDhWi: x.lock # note\na\n:0fX c\nb\n:0 Ee\n| c\n");
    let recipes = recipes(&rules.program.main.steps);
    let first = recipes[0].flags;
    assert!(first.header && first.body && first.distinguish_case && first.wait);
    assert!(first.feed_header && !first.feed_body && first.ignore_errors && !first.copy);
    assert!(!recipes[1].flags.copy && !recipes[1].flags.filter);
    assert!(recipes[2].chain.on_error && !recipes[2].chain.or_else);
    assert!(codes(&rules).contains(&Code::SkippedFlags));
}

/// A recipe without an action counts as one that did not match.
#[test]
fn a_missing_action_breaks_a_chain() {
    let rules = of(":0\n* ^A\n#foo\n\n:0 E\nbar\n:0\n* ^B\n\n:0\nfoo\n");
    let recipes = recipes(&rules.program.main.steps);
    assert_eq!(recipes.len(), 3);
    assert_eq!(recipes[0].action, Action::Block(Vec::new()));
    assert!(recipes[0].conditions[0].negated);
    assert_eq!(codes(&rules), [Code::NoAction, Code::NoAction]);
}

#[test]
fn accidental_mailboxes_lead_to_the_inbox() {
    for rc in [
        "DEFAULT=$HOME/in/\n:0\n* ^A\n:0\n* ^B\nfoo\n",
        "DEFAULT=$HOME/in/\n:0\n* ^A\n{\n :0\n * ^B\n }\n",
        "DEFAULT=$HOME/in/\n:0\n^Subject: hello\nfoo\n",
        "DEFAULT=$HOME/in/\n:0\nfoo\r\n",
        "DEFAULT=$HOME/in/\n:0\n* ^A\n{}\n",
        "DEFAULT=$HOME/in/\n:0\n* ^A\nA=b\n",
    ] {
        let rules = of(rc);
        assert!(codes(&rules).contains(&Code::AccidentalMailbox), "{rc:?}");
        let text = format!("{:?}", rules.program.main.steps);
        assert!(text.contains("\"/home/u/in\""), "{rc:?}: {text}");
    }
}

#[test]
fn included_files_are_read_in_place() {
    let home = MemoryHome::new()
        .file(
            ".procmailrc",
            "D=rc\nL=a\nINCLUDERC=$D/one\nL=b\nINCLUDERC=$D/one\nINCLUDERC=no\n",
        )
        .file("rc/one", ":0\n* ^A\n$L/$X\nX=1\n");
    let rules = read(&home);
    let bodies: Vec<String> = rules
        .program
        .main
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Include { body, switch, .. } => match (body.first(), switch) {
                (Some(Step::Recipe(recipe)), false) => Some(format!("{:?}", recipe.action)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert!(bodies[0].contains("/home/u/a\""), "{bodies:?}");
    assert!(bodies[1].contains("/home/u/b/1\""), "{bodies:?}");
    assert_eq!(rules.program.statements.len(), 8);
    assert_eq!(codes(&rules), [Code::MissingInclude]);
}

#[test]
fn a_name_without_its_directory_is_no_file_of_the_home() {
    let home = MemoryHome::new().file(
        ".procmailrc",
        "INCLUDERC=$RULES/lists.rc\nINCLUDERC=\"${RULES}/spam.rc\"\nINCLUDERC=/etc/site.rc\nINCLUDERC=${RULES:-/opt}/x.rc\n",
    );
    let found = codes(&read(&home));
    assert_eq!(
        found,
        [
            Code::MissingInclude,
            Code::MissingInclude,
            Code::UnreadInclude,
            Code::UnreadInclude
        ]
    );
}

#[test]
fn a_switch_ends_the_file() {
    let home = MemoryHome::new()
        .file(
            ".procmailrc",
            ":0\n* ^A\n{\n SWITCHRC=two\n X=1\n}\nY=$Z\nSWITCHRC\nN=1\n",
        )
        .file("two", "Z=2\nHOST=other\nM=1\n");
    let rules = read(&home);
    let unreached: Vec<&str> = rules
        .findings
        .iter()
        .filter(|finding| finding.code == Code::NeverReached)
        .map(|finding| {
            let span = rules.program.statements[finding.at.0 as usize].span;
            rules.sources[span.file.0 as usize].slice(span)
        })
        .collect();
    assert_eq!(unreached, ["M=1", "X=1\n}", "N=1"]);
    assert!(format!("{:?}", rules.program.main.steps).contains("End {"));
}

#[test]
fn a_bomb_of_includes_ends_in_a_finding() {
    let home = MemoryHome::new().file(
        ".procmailrc",
        "INCLUDERC=.procmailrc\nINCLUDERC=.procmailrc\nA=b\n",
    );
    let rules = read(&home);
    assert!(codes(&rules).contains(&Code::IncludeLimit));
}

#[test]
fn deep_blocks_end_in_a_finding() {
    let rules = of(&":0\n* x\n{\n".repeat(10_000));
    assert!(codes(&rules).contains(&Code::TooDeep));
    let closed = of(&format!(
        "{}X=1\n{}Y=1\n",
        ":0\n* x\n{\n".repeat(100),
        "}\n".repeat(100)
    ));
    assert!(
        matches!(closed.program.main.steps.last(), Some(Step::Assign(assign)) if assign.name == "Y")
    );
}

#[test]
fn unclear_blocks_are_left_out() {
    let rules = of("V=`x`\n:0\n* $ $V ?? x\n{\n A=1\n :0\n foo\n}\n:0\n$A\n");
    assert_eq!(
        codes(&rules),
        [
            Code::UnclearRecipe,
            Code::InUntranslatedBlock,
            Code::InUntranslatedBlock
        ]
    );
    assert!(matches!(rules.program.main.steps[1], Step::Unknown { .. }));
    assert_eq!(folders(&rules), ["${A} Mbox"]);
}

#[test]
fn calls_bring_arguments_and_values() {
    let home = MemoryHome::new().file("rc", ":0 c\n$1/$#\n:0\n$X\n");
    let mut ledger = Ledger::new(&home);
    let call = Call {
        files: vec!["none".into(), "rc".into()],
        arguments: vec![Text::literal("ext")],
        assignments: vec![("X".into(), "y".into())],
        preserve: false,
    };
    let called = procmail(&mut ledger, &Settings::new("u"), &call).unwrap();
    let rules = Elaborated {
        program: Program {
            main: called,
            ..Program::default()
        },
        ..Elaborated::default()
    };
    assert_eq!(folders(&rules), ["/home/u/ext/1 Mbox", "/home/u/y Mbox"]);
}

#[test]
fn the_extension_of_the_address_is_a_variable() {
    let home = MemoryHome::new().file("rc", "EXT=$1\n:0\n${1:-none}\n:0\n$1\n");
    let mut ledger = Ledger::new(&home);
    let call = Call {
        files: vec!["rc".into()],
        arguments: vec![Text(vec![Piece::Variable("EXTENSION".into())])],
        ..Call::default()
    };
    let called = procmail(&mut ledger, &Settings::new("u"), &call).unwrap();
    let [Step::Assign(assign), Step::Recipe(first), ..] = called.steps.as_slice() else {
        panic!("{:?}", called.steps);
    };
    assert_eq!(assign.value, Some(call.arguments[0].clone()));
    let Action::File(folders) = &first.action else {
        panic!("{first:?}");
    };
    let is_default =
        |piece: &Piece| matches!(piece, Piece::Default { name, .. } if name == "EXTENSION");
    assert!(folders[0].path.0.iter().any(is_default), "{folders:?}");
}

#[test]
fn a_file_called_twice_has_its_statements_once() {
    let home = MemoryHome::new().file(".procmailrc", "A=b\n:0\n* ^A\n{\n}\n");
    let mut ledger = Ledger::new(&home);
    for _ in 0..2 {
        procmail(&mut ledger, &Settings::new("u"), &Call::default()).unwrap();
    }
    let (sources, statements, _) = ledger.close();
    assert_eq!((sources.len(), statements.len()), (1, 2));
    assert_eq!(statements[1].span.end, sources[0].text.len() - 1);
}

#[test]
fn the_default_mailbox() {
    assert_eq!(show(&of("").program.main.default.path), "/var/mail/u");
    assert_eq!(
        show(&of("DEFAULT=$HOME/Maildir/").program.main.default.path),
        "/home/u/Maildir"
    );
    assert_eq!(
        show(&of(":0\n* ^A\n{ DEFAULT=x }\n").program.main.default.path),
        "${DEFAULT}"
    );
}

#[test]
fn commands_that_print_what_is_known() {
    let rules = of("L=`id -un`\nH=`hostname`\nHOST=$H\n:0\n$L/`pwd`/`date`\n");
    assert_eq!(folders(&rules), ["/home/u/u//home/u/`date` Mbox"]);
    assert!(!format!("{:?}", rules.program.main.steps).contains("End {"));
}

#[test]
fn time_is_linear() {
    let start = std::time::Instant::now();
    for rc in [
        format!("A={}\nB=$A$A", "x".repeat(1_000_000)),
        format!(":0\n* {}\nx\n", "$ ".repeat(200_000)),
        format!("LINEBUF=9999999\n:0\n* {}x\nx\n", "$ ".repeat(200_000)),
        format!("LINEBUF=9999999\n:0\n* {}x\nx\n", "!".repeat(200_000)),
        format!("LINEBUF=9999999\n:0\n* {}x\nx\n", "1^1 ".repeat(100_000)),
        format!("LINEBUF=9999999\n:0\n* {}x\nx\n", "A ?? ".repeat(100_000)),
        format!("A=`x` B={}", "\"${A:-".repeat(50_000)),
        "A=`x`\n:0\n* x\n{ A=1\n B=$A }\n".repeat(5_000),
        "a b c d ".repeat(10_000),
    ] {
        of(&rc);
    }
    assert!(
        start.elapsed() < std::time::Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
}

/// What the installed procmail logs of a file: `NAME=value` for assignments,
/// the expression for conditions.
fn procmail_log(rc: &str) -> Option<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("rc"), rc).unwrap();
    let child = Command::new("procmail")
        .args([
            "VERBOSE=on",
            "DEFAULT=/dev/null",
            "ORGMAIL=/dev/null",
            "./rc",
        ])
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        crate::untested::missing("procmail", "install-oracles.sh");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"From a@b Mon Jan  1 00:00:00 2024\nSubject: hello\n\nbody\n")
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let logged = |line: &str| {
        let line = line.strip_prefix("procmail: ")?;
        let rest = [
            "Assigning \"",
            "Match on \"",
            "Match on ! \"",
            "No match on \"",
            "No match on ! \"",
        ]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
        let rest = rest.strip_suffix('"')?;
        let own = ["MAILDIR=", "LASTFOLDER=", "DEFAULT=", "ORGMAIL="];
        (!own.iter().any(|own| rest.starts_with(own))).then(|| rest.to_owned())
    };
    Some(log.lines().filter_map(logged).collect())
}

fn model_log(steps: &[Step], log: &mut Vec<String>) {
    for step in crate::rules::model::walk::steps(steps) {
        match step {
            Step::Assign(assign) => log.push(match &assign.value {
                Some(value) => format!("{}={}", assign.name, show(value)),
                None => assign.name.clone(),
            }),
            Step::Recipe(recipe) => {
                for condition in &recipe.conditions {
                    log.extend(match &condition.test {
                        Test::Expression(text) => Some(show(text)),
                        Test::Always => Some(String::new()),
                        Test::Smaller(text) => Some(format!("< {}", show(text))),
                        Test::Larger(text) => Some(format!("> {}", show(text))),
                        Test::Program(_) => None,
                    });
                }
            }
            _ => {}
        }
    }
}

/// The words of the rules, as the binary reads them.
#[test]
fn procmail_reads_the_same() {
    let cases = [
        "FOO=a b c\nX=1\n",
        "FOO=\"a b\" # c\nB=a#b\nC = x\nD=# c\nE= 'a b'\"c $X\"d\\ e\n",
        "A=x\nB=${A}y$A.z${N:-d}${A:-d}${A:+p}${N:+p}\"${N-q}${A+r}\"\n",
        "A=\"${N:-\"x y\"}\" B=\"$A\" C='$A' D=\\$A E=\"a\\b\\$c\\\"\"\n",
        "A=\\\n  foo\\\nbar\nB=foo\\\n bar\n",
        "A=${N:-x y}\nB=1\n",
        "foo.bar\nA=1\n}\n=x\nB=2\nC\n",
        "A=a.b*c\n:0\n* $ ^$\\A\n* $ $A ?? \"x  y\"\n* A ?? \\a\n/dev/null\n",
        ":0\n* ! one\n* !! hello\n* ! ! ! two\n/dev/null\n",
        ":0\n* ^Subject: \\\n  hello\n* ^Sub\\\n\tject\n/dev/null\n",
        ":0\n* H ?? hello   \n* HB??body\n*\n/dev/null\n",
        ":0\n* < 500\n* ! > 500\n* < $LINEBUF\n/dev/null\n",
        ":\n^Subject\nA=1\nB=2\n",
        ":2\n^Subject\n* hello\n{ A=1 }\nB=2\n",
        ":O:\n* ^nothing\n{\nA=1\n}\nB=2\n",
        ":0\n\n:0\n* hello\n{ A=1 }\n",
        ":0\n* ^nothing\n# note\n:0\n* hello\nA=1\n",
        ":0\n* hello\n{ A=1 }}\nB=2\n}\nC=3\n:0\n{ D=4\n",
        ":0 X\n\n # note\n\n { A=1 }\nB=$A\n",
        "A=\"x\ny\" B=z\n",
        "L=x\r\nM=1\n",
        ":0\r\n* ^Subject\r\nfoo\r\nA=1\n",
        "B=$# C=$@ D=\"$@\" E=$- F=$1\n",
        ":0\n* $ !hello\n/dev/null\n:0\n* $$N hello\n* $${N} hello\n/dev/null\n",
        "A=1\nB=2 \\\nC=3\n#x\\\nD=4\n",
    ];
    for rc in cases {
        let Some(expected) = procmail_log(rc) else {
            return;
        };
        let home = MemoryHome::new().file("rc", rc);
        let rules = elaborate_rc(&home, &Settings::new("u"), "rc").unwrap();
        let mut log = Vec::new();
        model_log(&rules.program.main.steps, &mut log);
        // The model leaves the empty group out that changes nothing.
        let expected: Vec<String> = expected.iter().map(|line| line.replace("()", "")).collect();
        let lines: Vec<String> = log
            .iter()
            .filter(|line| !line.contains('\n'))
            .map(|line| line.replace("()", ""))
            .collect();
        // A condition that fails ends the log of a block, not of the model.
        let mut lines = lines.iter();
        for line in &expected {
            assert!(
                lines.any(|ours| ours.trim() == line.trim()),
                "{rc:?}: procmail has {expected:#?}, the model {log:#?}; {line:?} is missing"
            );
        }
    }
}
