#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::lists::MAX_BYTES;
use super::*;
use crate::home::MemoryHome;
use crate::ledger::{Finding, Verdict};
use crate::rules::model::{Action, Assign, Vacation};
use crate::rules::program::answer;

const RC: &str = ":0:\n* ^Subject: hello\nhello\n";

fn settings() -> Settings {
    Settings {
        domain: Some("old.example".to_owned()),
        ..Settings::new("joe")
    }
}

fn home(forward: &str) -> MemoryHome {
    MemoryHome::new().file(".forward", forward)
}

fn read(home: &MemoryHome) -> Elaborated {
    elaborate_home(home, &settings())
}

fn targets(forward: &str) -> Vec<Target> {
    let Elaborated { program, .. } = read(&home(forward));
    match program.main.steps.as_slice() {
        [Step::Deliver(destinations)] => destinations.iter().map(|d| d.to.clone()).collect(),
        [] => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn has_recipe(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Recipe(_)))
}

fn codes(findings: &[Finding]) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn without_forward_the_site_runs_procmail() {
    let home = MemoryHome::new().file(".procmailrc", RC);
    let Elaborated {
        program,
        sources,
        findings,
    } = read(&home);
    assert!(has_recipe(&program.main.steps));
    assert_eq!(program.main.default.path.known(), Some("/var/mail/joe"));
    assert_eq!(sources.len(), 1);
    assert!(findings.is_empty(), "{findings:?}");

    let settings = Settings {
        mda: Mda::None,
        ..settings()
    };
    let Elaborated {
        program, findings, ..
    } = elaborate_home(&home, &settings);
    assert!(program.main.steps.is_empty());
    assert_eq!(codes(&findings), [Code::DeadRules]);
}

#[test]
fn a_forward_that_names_nobody_is_as_good_as_none() {
    for forward in ["", "\n", "# a@b\n\n", " \r\n,\n"] {
        let Elaborated { program, .. } = read(&home(forward).file(".procmailrc", RC));
        assert!(has_recipe(&program.main.steps), "{forward:?}");
    }
}

#[test]
fn a_forward_elsewhere_makes_the_rules_dead() {
    let home = home("j@new.example\n").file(".procmailrc", "VERBOSE=on\nINCLUDERC=more\n");
    let Elaborated {
        program,
        sources,
        findings,
    } = read(&home.file("more", RC));
    assert_eq!(sources.len(), 3);
    assert_eq!(program.statements.len(), 4);
    assert_eq!(codes(&findings), [Code::DeadRules; 3]);
    let verdicts: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
    assert_eq!(verdicts, [Verdict::Dropped; 3]);
}

#[test]
fn procmail_in_its_usual_spellings() {
    for forward in [
        "\"|IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #joe\"\n",
        "\"|IFS=' '&&exec /usr/bin/procmail -f-||exit 75 #joe\"\n\n",
        "\"|exec /usr/bin/procmail\"",
        "|/usr/bin/procmail\r\n",
        "| \"/usr/bin/procmail -t\"\n",
        "\"|IFS=' ' && p=/usr/local/bin/procmail && test -x $p && exec $p -Yf- || exit 75 #$USER\"",
        "\\joe",
        "joe",
        "Joe@Old.Example",
    ] {
        let Elaborated {
            program, findings, ..
        } = read(&home(forward).file(".procmailrc", RC));
        let [Step::Deliver(destinations)] = program.main.steps.as_slice() else {
            panic!("{forward:?}: {:?}", program.main.steps);
        };
        let [
            Destination {
                to: Target::Rules(run),
                ..
            },
        ] = destinations.as_slice()
        else {
            panic!("{forward:?}: {destinations:?}");
        };
        assert!(has_recipe(&run.steps), "{forward:?}");
        assert_eq!(codes(&findings), [], "{forward:?}");
    }
}

#[test]
fn what_procmail_is_told() {
    // Behind a word that is no option, `-p` is a file, which there is not.
    let home = home("\"|procmail -a work VAR=x -p $HOME/rc/mine\"")
        .file("rc/mine", ":0:\n$VAR/$1\n")
        .file(".procmailrc", RC);
    let Elaborated {
        program, sources, ..
    } = read(&home);
    let paths: Vec<_> = sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(paths, [".forward", "rc/mine"]);
    let [Step::Deliver(destinations)] = program.main.steps.as_slice() else {
        panic!("{:?}", program.main.steps);
    };
    let Target::Rules(run) = &destinations[0].to else {
        panic!("{destinations:?}");
    };
    let [Step::Recipe(recipe)] = run.steps.as_slice() else {
        panic!("{run:?}");
    };
    let Action::File(folders) = &recipe.action else {
        panic!("{recipe:?}");
    };
    assert_eq!(folders[0].path.known(), Some("/home/joe/x/work"));
}

#[test]
fn procmail_delivers_to_all_that_are_named() {
    let enters = |arguments: &str| {
        let forward = format!("\"|procmail {arguments}\"");
        let Elaborated { program, .. } = read(&home(&forward).file(".procmailrc", RC));
        matches!(program.main.steps.as_slice(), [Step::Deliver(destinations)]
            if matches!(&destinations[0].to, Target::Rules(run) if has_recipe(&run.steps)))
    };
    for own in ["-d joe", "-djoe", "-f- -d joe", "-a x -d joe joe"] {
        assert!(enters(own), "{own}");
    }
    for other in [
        "-d ann",
        "-d",
        "-d joe ann",
        "-d joe -f-",
        "-d joe .procmailrc",
        "-m -d joe",
        "-p -d joe",
        "VAR=x -d joe",
    ] {
        assert!(!enters(other), "{other}");
    }
}

#[test]
fn two_calls_enter_the_rules_once() {
    let home = home("\\joe, \"|procmail\", a@b.example\n").file(".procmailrc", RC);
    let Elaborated { program, .. } = read(&home);
    assert_eq!(program.statements.len(), 4);
}

#[test]
fn other_destinations() {
    let folder = |path: &str, format| {
        Target::Folder(Folder {
            path: Text::literal(path),
            format,
            is_relative: false,
        })
    };
    assert_eq!(
        targets(
            "\\joe\na@b.example\nann\n/dev/null\n~/mbox\n/home/joe/Maildir/\n\"|exit 67\"\n\
             \"|/usr/lib/dovecot/deliver -m Junk\"\n|/usr/bin/mine -x\n\"|cat >> $HOME/all\"\na b\n"
        ),
        [
            Target::Keep,
            Target::Address("a@b.example".into()),
            Target::Address("ann".into()),
            folder("/dev/null", Format::Null),
            folder("/home/joe/mbox", Format::Mbox),
            folder("/home/joe/Maildir", Format::Maildir),
            Target::Exit(67),
            Target::Mailbox(Text::literal("Junk")),
            Target::Program("/usr/bin/mine -x".into()),
            folder("/home/joe/all", Format::Mbox),
            Target::Unknown,
        ]
    );
}

#[test]
fn vacation_takes_its_text_from_the_home() {
    let home = home("\\joe, \"|/usr/bin/vacation -a j.doe joe\"\n").file(
        ".vacation.msg",
        "From: joe\nSubject: away: $SUBJECT\n\nI am away.\nJoe\n",
    );
    let Elaborated {
        program, findings, ..
    } = read(&home);
    let [Step::Deliver(destinations)] = program.main.steps.as_slice() else {
        panic!("{:?}", program.main.steps);
    };
    assert_eq!(
        destinations[1].to,
        Target::Vacation(Vacation {
            subject: Some("away: $SUBJECT".into()),
            text: "I am away.\nJoe\n".into(),
            days: None,
            aliases: vec!["j.doe".into()],
        })
    );
    assert_eq!(codes(&findings), []);
    assert_eq!(
        answer("I am away.\n: not a field\n"),
        (None, "I am away.\n: not a field\n".into())
    );

    let Elaborated {
        program, findings, ..
    } = read(&self::home("\"|vacation joe\""));
    assert!(matches!(&program.main.steps[0], Step::Deliver(d) if d[0].to == Target::Unknown));
    assert_eq!(codes(&findings), [Code::AnswerUnreadable]);
}

#[test]
fn lists_are_included_and_circles_end() {
    let home = home(":include:~/list\n").file(
        "list",
        "a@b.example\n:include:/home/joe/list\n:include:/etc/other\n",
    );
    let Elaborated {
        program,
        sources,
        findings,
    } = read(&home);
    assert_eq!(sources.len(), 2);
    let [Step::Deliver(destinations)] = program.main.steps.as_slice() else {
        panic!("{:?}", program.main.steps);
    };
    assert_eq!(destinations[0].to, Target::Address("a@b.example".into()));
    assert_eq!(codes(&findings), [Code::ListUnreadable; 2]);
}

#[test]
fn other_languages_are_one_statement() {
    let Elaborated {
        program, findings, ..
    } = read(&home("# Exim filter\nif x then save y endif\n").file(".procmailrc", RC));
    assert!(matches!(
        program.main.steps.as_slice(),
        [Step::Unknown { .. }]
    ));
    assert_eq!(codes(&findings), [Code::EximRefused, Code::DeadRules]);
    let Elaborated {
        program, findings, ..
    } = read(&home("# Sieve filter\nkeep;\n"));
    assert!(program.script.is_some() && findings.is_empty());
}

#[test]
fn what_cannot_be_read_is_said() {
    let Elaborated {
        program,
        sources,
        findings,
    } = read(&MemoryHome::new().directory(".forward"));
    assert!(matches!(
        program.main.steps.as_slice(),
        [Step::Unknown { .. }]
    ));
    assert_eq!(sources.len(), 1);
    assert_eq!(codes(&findings), [Code::FileUnreadable]);
}

#[test]
fn texts_of_programs_are_read() {
    let rc = "MAILDIR=$HOME/Mail\nLIST=$HOME/white\n\
        :0:\n* ? formail -x From: | fgrep -i -f $LIST\ngood\n\
        :0 hc\n| (formail -rt; cat away.txt) | sendmail -t\n";
    let home = MemoryHome::new()
        .file(".procmailrc", rc)
        .file("white", "a@b.example\n")
        .file("Mail/away.txt", "I am away\n");
    let Elaborated {
        program, sources, ..
    } = read(&home);
    assert!(
        program
            .main
            .steps
            .iter()
            .any(|step| matches!(step, Step::Assign(Assign { .. })))
    );
    assert_eq!(program.texts["/home/joe/white"], "a@b.example\n");
    assert_eq!(program.texts["away.txt"], "I am away\n");
    assert_eq!(sources.len(), 3);
    let kinds = program.statements.iter().map(|s| s.kind);
    assert_eq!(kinds.filter(|kind| *kind == StatementKind::Text).count(), 2);
}

#[test]
fn a_list_included_twice_is_entered_once() {
    let home = home(":include:~/list\n:include:~/list\n").file("list", "a@b.example\n");
    let Elaborated { program, .. } = read(&home);
    assert_eq!(program.statements.len(), 3);
    let [Step::Deliver(destinations)] = program.main.steps.as_slice() else {
        panic!("{:?}", program.main.steps);
    };
    assert_eq!(destinations.len(), 2);
}

#[test]
fn an_alias_stands_above_forward() {
    let home = home("a@b.example\n").file(".procmailrc", RC);
    let with = |alias: &str| {
        let settings = Settings {
            alias: Some(alias.to_owned()),
            ..settings()
        };
        let Elaborated {
            program,
            sources,
            findings,
        } = elaborate_home(&home, &settings);
        assert_eq!(sources.len(), 3, "{alias:?}");
        let dead = findings
            .iter()
            .filter(|f| f.code == Code::DeadRules)
            .count();
        match program.main.steps.as_slice() {
            [Step::Deliver(to)] => (to.iter().map(|d| d.to.clone()).collect(), dead),
            other => panic!("{other:?}"),
        }
    };
    let (to, dead): (Vec<Target>, _) = with("joe\nx@y.example\n");
    assert!(matches!(&to[0], Target::Rules(run) if matches!(run.steps[0], Step::Deliver(_))));
    assert_eq!(to[1], Target::Address("x@y.example".into()));
    assert_eq!(dead, 1);
    let (to, dead) = with("x@y.example\n");
    assert_eq!(to, [Target::Address("x@y.example".into())]);
    assert_eq!(dead, 2);
    let (to, dead) = with("\\joe\n");
    assert!(matches!(&to[0], Target::Rules(run) if has_recipe(&run.steps)));
    assert_eq!(dead, 1);
}

#[test]
fn a_forward_for_a_detail_stands_before_the_rest() {
    let home = home("a@b.example\n").file(".forward+lists", "# lists\nl@b.example\n");
    let Elaborated {
        program,
        sources,
        findings,
    } = read(&home);
    assert_eq!((program.statements.len(), sources.len()), (2, 2));
    let [Step::Detail { word, run, .. }, Step::Deliver(_)] = program.main.steps.as_slice() else {
        panic!("{:?}", program.main.steps);
    };
    assert_eq!(word, "lists");
    assert!(
        matches!(run.steps.as_slice(), [Step::Deliver(to)] if to[0].to == Target::Address("l@b.example".into()))
    );
    assert!(findings.is_empty());
}

#[test]
fn a_huge_file_is_one_statement() {
    let huge = "a,".repeat(MAX_BYTES);
    let Elaborated {
        program,
        sources,
        findings,
    } = read(&home(&huge));
    assert_eq!((program.statements.len(), sources.len()), (1, 1));
    assert_eq!(codes(&findings), [Code::FileUnreadable]);
    let Elaborated {
        program, findings, ..
    } = read(&home(":include:~/list\n").file("list", huge));
    assert_eq!(program.statements.len(), 2);
    assert_eq!(
        codes(&findings),
        [Code::FileUnreadable, Code::ListUnreadable]
    );
}

#[test]
fn lists_that_include_a_list_often_take_linear_time() {
    let home = home(":include:~/a\n")
        .file("a", ":include:~/b\n".repeat(20_000))
        .file("b", "# x\n".repeat(200_000) + "x@y.example\n");
    let Elaborated { program, .. } = read(&home);
    assert_eq!(program.statements.len(), 20_002);
}

#[test]
fn what_everybody_may_write_to_is_not_followed() {
    let home = home("x@elsewhere.example\n").file(".procmailrc", RC);
    let read_by = |home: &MemoryHome| {
        let Elaborated {
            program, findings, ..
        } = read(home);
        (program.main.steps, codes(&findings))
    };
    let (body, found) = read_by(&home.clone().open_to_all(".forward"));
    assert!(has_recipe(&body), "procmail runs as usual");
    assert_eq!(found, [Code::OpenToAll]);
    let (body, found) = read_by(&home.open_to_all(".forward").open_to_all(".procmailrc"));
    assert!(
        matches!(body.as_slice(), [Step::Unknown { .. }]),
        "{body:?}"
    );
    assert_eq!(found, [Code::OpenToAll, Code::OpenToAll]);
}

#[test]
fn blanks_part_addresses_one_of_which_is_the_users() {
    assert_eq!(
        targets("Joe@old.example b@elsewhere.example\n"),
        [
            Target::Keep,
            Target::Address("b@elsewhere.example".to_owned())
        ]
    );
}
