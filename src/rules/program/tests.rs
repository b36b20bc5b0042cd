#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::rules::model::FileTest;

fn of(command: &str) -> Meaning {
    meaning(&Text::literal(command))
}

fn t(text: &str) -> Text {
    Text::literal(text)
}

fn v(name: &str) -> Text {
    Text(vec![Piece::Variable(name.to_owned())])
}

#[test]
fn spam_filters() {
    for command in [
        "spamc",
        "/usr/bin/spamc -u joe",
        "nice -n 15 /usr/bin/spamassassin",
        "exec spamc || exit 75",
        "/usr/bin/bogofilter -u -e -p",
    ] {
        assert!(
            matches!(of(command), Meaning::SpamFilter { .. }),
            "{command}"
        );
    }
}

#[test]
fn header_edits() {
    let edits = |command| match of(command) {
        Meaning::HeaderEdit(edits) => edits,
        other => panic!("{command}: {other:?}"),
    };
    assert_eq!(
        edits("formail -A \"X-Loop: joe\" -I'X-Status: F' -a X-Label:x -i Subject:"),
        [
            Edit::Add {
                name: "X-Loop".into(),
                value: t(" joe")
            },
            Edit::Replace {
                name: "X-Status".into(),
                value: t(" F")
            },
            Edit::AddIfAbsent {
                name: "X-Label".into(),
                value: t("x")
            },
            Edit::ReplaceKeeping {
                name: "Subject".into(),
                value: t("")
            },
        ]
    );
    assert_eq!(
        edits("formail -I Received: -R X-Old X-New -I X-Spam:"),
        [
            Edit::Replace {
                name: "Received".into(),
                value: t("")
            },
            Edit::Rename {
                from: "X-Old".into(),
                to: "X-New".into()
            },
            Edit::Replace {
                name: "X-Spam".into(),
                value: t("")
            },
        ]
    );
    assert_eq!(of("formail"), Meaning::PassThrough);
    assert_eq!(of("formail -s procmail"), Meaning::Unknown);
    // The beginning of names, and no name.
    assert_eq!(of("formail -I X-Spam"), Meaning::Unknown);
    assert_eq!(of("formail -I \"X-Spam : x\""), Meaning::Unknown);
}

#[test]
fn variables_of_the_message_stay_variables() {
    let mut command = t("$FORMAIL -I \"Subject: [");
    command.push(Piece::Variable("MATCH".into()));
    command.push(Piece::Literal("] x\"".into()));
    let mut value = t(" [");
    value.push(Piece::Variable("MATCH".into()));
    value.push(Piece::Literal("] x".into()));
    let name = "Subject".to_owned();
    assert_eq!(
        meaning(&command),
        Meaning::HeaderEdit(vec![Edit::Replace { name, value }])
    );
}

#[test]
fn duplicates() {
    assert_eq!(
        of("formail -D 8192 msgid.cache"),
        Meaning::Duplicate {
            bytes: Some(8192),
            cache: t("msgid.cache"),
            by_sender: false
        }
    );
    assert_eq!(
        of("formail -rD8192 $HOME/v.cache"),
        Meaning::Duplicate {
            bytes: Some(8192),
            cache: {
                let mut cache = v("HOME");
                cache.push(Piece::Literal("/v.cache".into()));
                cache
            },
            by_sender: true
        }
    );
}

#[test]
fn answers() {
    let reply = |command| match of(command) {
        Meaning::AutoReply(reply) => reply,
        other => panic!("{command}: {other:?}"),
    };
    let away =
        reply("(formail -rt -A'X-Loop: joe'; echo \"I am away\"; cat .sig) | sendmail -oi -t");
    assert!(away.sent && away.trust);
    assert_eq!(away.edits.len(), 1);
    assert_eq!(
        away.body,
        [BodyPart::Text(t("I am away")), BodyPart::File(t(".sig"))]
    );
    assert_eq!(away.to, Recipients::Header);
    assert!(reply("formail -r | $SENDMAIL -t").body.is_empty());
    assert_eq!(reply("formail -rk | sendmail -t").body, [BodyPart::Message]);
    assert!(!reply("formail -rA \"X-Loop: a\" -i \"From: b <c@d>\"").sent);
    let filter = reply("formail -rt -A\"Bcc: x\" | cat - $HOME/error");
    assert!(!filter.sent);
    assert_eq!(filter.body.len(), 1);
}

#[test]
fn vacations() {
    assert_eq!(
        of("/usr/bin/vacation -a j.doe -t 3d -m note joe"),
        Meaning::Vacation(Vacation {
            user: Some(t("joe")),
            aliases: vec![t("j.doe")],
            days: Some(3),
            message: Some(t("note")),
        })
    );
    assert!(matches!(of("vacation"), Meaning::Vacation(_)));
}

#[test]
fn deliveries() {
    let to = |recipients: &[&str], folder: Option<&str>| Meaning::Deliver {
        recipients: recipients.iter().map(|name| t(name)).collect(),
        folder: folder.map(t),
    };
    for (command, expected) in [
        (
            "/usr/libexec/dovecot/deliver -m INBOX.a",
            to(&[], Some("INBOX.a")),
        ),
        (
            "dovecot-lda -d joe -mINBOX.a",
            to(&["joe"], Some("INBOX.a")),
        ),
        ("spamc | deliver -m INBOX.a", to(&[], Some("INBOX.a"))),
        ("cyrdeliver -m a -a joe joe", to(&["joe"], Some("a"))),
        ("dovecot-lda -m INBOX", to(&[], None)),
        ("deliver", to(&[], None)),
    ] {
        assert_eq!(of(command), expected, "{command}");
    }
    assert!(matches!(of("deliver bob"), Meaning::Unknown));
    assert_eq!(
        of("rcvstore +lists/a"),
        Meaning::StoreMh {
            folder: t("lists/a")
        }
    );
    assert_eq!(
        of("cat >> Mail/all"),
        Meaning::AppendTo {
            path: t("Mail/all"),
            compressed: false,
        }
    );
    assert_eq!(
        of("cat > /dev/null"),
        Meaning::AppendTo {
            path: t("/dev/null"),
            compressed: false,
        }
    );
    assert_eq!(of("cat > last"), Meaning::Unknown);
}

#[test]
fn forwards() {
    let redirect = |command| match of(command) {
        Meaning::Redirect { addresses, edits } => (addresses, edits.len()),
        other => panic!("{command}: {other:?}"),
    };
    let both = vec![t("a@b"), t("c@d")];
    assert_eq!(redirect("/usr/lib/sendmail -oi -f x a@b c@d"), (both, 0));
    assert_eq!(
        redirect("formail -A'X: y' | $SENDMAIL a@b"),
        (vec![t("a@b")], 1)
    );
    assert_eq!(
        of("mail -s 'hey you' a@b"),
        Meaning::Mail {
            addresses: vec![t("a@b")],
            subject: Some(t("hey you"))
        }
    );
    assert_eq!(
        of("cat - more 2>&1 | sendmail -f joe -oi -t"),
        Meaning::SendToHeader {
            body: vec![BodyPart::Message, BodyPart::File(t("more"))]
        }
    );
}

#[test]
fn asides() {
    assert_eq!(of("notify-send 'new mail'"), Meaning::Notify);
    assert_eq!(of("echo \"$FROM\" >> log"), Meaning::Log);
    assert_eq!(of("exit 67;"), Meaning::Exit(67));
    assert_eq!(
        of("IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #joe"),
        { Meaning::Procmail(vec![t("-f-")]) }
    );
    assert_eq!(
        of("IFS=' ' && p=/usr/local/bin/procmail && test -x $p && exec $p -Yf- || exit 75 #$USER"),
        Meaning::Procmail(vec![t("-Yf-")])
    );
}

#[test]
fn what_only_an_old_host_needs() {
    assert_eq!(of("sed -e '1s/^/F/'"), Meaning::PassThrough);
    assert_eq!(of("formail -a \"From \""), Meaning::PassThrough);
    assert_eq!(
        of("formail -I \"From \" -a \"From \""),
        Meaning::HeaderEdit(vec![Edit::Sender])
    );
    assert_eq!(
        of("cd backup && rm -f dummy `ls -t msg.* | sed -e 1,32d`"),
        Meaning::Log
    );
    assert_eq!(of("find old/new -mtime +7 -delete"), Meaning::Log);
    assert_eq!(
        of("/bin/bash -c '/usr/bin/notify-send \"new mail\"'"),
        Meaning::Notify
    );
    assert_eq!(of("cd Mail && cat >> all"), Meaning::Unknown);
}

#[test]
fn packed_files() {
    let packed = |path| Meaning::AppendTo {
        path: t(path),
        compressed: true,
    };
    assert_eq!(of("gzip -9c >> archive/old.gz"), packed("archive/old"));
    assert_eq!(of("bzip2 >> archive"), packed("archive"));
    assert_eq!(of("gzip -d >> archive"), Meaning::Unknown);
    assert_eq!(of("gzip > archive.gz"), Meaning::Unknown);
}

#[test]
fn maildirs() {
    let into = |path| Meaning::AppendTo {
        path: t(path),
        compressed: false,
    };
    assert_eq!(of("mddeliver -r Maildir/.lists/"), into("Maildir/.lists/"));
    assert_eq!(of("maildir Maildir"), into("Maildir/"));
    assert_eq!(
        of("mv \"$LASTFOLDER\" \"Mail/Local/cur/$MATCH:2,S\""),
        Meaning::SetFlags {
            flags: "S".into(),
            folder: Some(t("Mail/Local")),
        }
    );
    assert_eq!(of("mv a b:2,S"), Meaning::Unknown);
}

#[test]
fn printed_values() {
    let printed = |source| {
        Meaning::Printed(Printed {
            source,
            edits: Vec::new(),
            splits: false,
            first_line: false,
        })
    };
    assert_eq!(
        of("formail -zxSubject:"),
        printed(Source::Field(Field {
            names: vec!["Subject".into()],
            beginnings: Vec::new(),
            with_name: false,
            trimmed: true,
            joined: false
        }))
    );
    let sender = |whom, trimmed| printed(Source::Sender { whom, trimmed });
    assert_eq!(of("formail -rtzxTo:"), sender(Whom::Named, true));
    assert_eq!(
        of("formail -IReply-To: -rtzxTo:"),
        sender(Whom::Author, true)
    );
    assert_eq!(of("formail -rx To:"), sender(Whom::Sender, false));
    assert_eq!(of("formail -rzxSubject:"), Meaning::Unknown);
    // The line of the mbox format is no field.
    assert_eq!(of("formail -x \"From \""), Meaning::Unknown);
    assert!(matches!(of("formail -xFrom"), Meaning::Printed(Printed {
        source: Source::Field(field), ..
    }) if field.has_sender()));
    assert!(matches!(of("formail -xFrom:"), Meaning::Printed(_)));
    assert_eq!(of("/bin/date +%Y-%m"), Meaning::Date { format: t("%Y-%m") });
    assert_eq!(of("date +'%a' -d x"), Meaning::Unknown);
    assert_eq!(of("echo a   'b  c'"), printed(Source::echoed(t("a b  c"))));
    assert_eq!(
        of("echo $MATCH | /usr/bin/tr [A-Z] [a-z]"),
        Meaning::Printed(Printed {
            source: Source::echoed(v("MATCH")),
            edits: vec![TextEdit::Case { upper: false }],
            splits: true,
            first_line: false,
        })
    );
}

#[test]
fn questions() {
    let question = |command| match of(command) {
        Meaning::Question(question) => (question.negated, question.comparison),
        other => panic!("{command}: {other:?}"),
    };
    assert_eq!(
        question("test -d $HOME"),
        (false, Comparison::File(FileTest::Directory, v("HOME")))
    );
    assert_eq!(
        question("[ ! -z \"$A\" ]"),
        (false, Comparison::NotEmpty(v("A")))
    );
    assert_eq!(
        question("[ \"$A\" != b ]"),
        (true, Comparison::Equal(v("A"), t("b")))
    );
    assert_eq!(
        question("test $N -gt 5"),
        (
            false,
            Comparison::Number {
                left: v("N"),
                relation: Relation::Greater,
                right: t("5")
            }
        )
    );
    // `!` is for the other three words, of four.
    assert!(question("test ! \"$A\" -a \"$B\"").0);
    assert!(!question("test ! \"$A\" = x -a \"$B\"").0);
}

#[test]
fn what_a_shell_asks_otherwise() {
    for command in [
        // A sign where a text should be.
        "test -n -o \"$A\" = x",
        "test ! -a \"$A\"",
        "test \"$A\" -o -a",
        "test -n -a \"$A\" = x",
        "test \"$A\" = x -o",
        // Nothing is run behind it.
        "exec test \"$A\" = x || test \"$B\" = y",
        // Nobody waits for it.
        "test \"$A\" = x || test \"$B\" = y &",
        "test \"$A\" = x &",
        // The file may be out of reach.
        "test \"$A\" = x > log || test \"$B\" = y",
        "test \"$A\" = x 2> log",
    ] {
        assert_eq!(of(command), Meaning::Unknown, "{command}");
    }
    let is_question = |command| matches!(of(command), Meaning::Question(_));
    assert!(is_question("test \"$A\" = x || exec test \"$B\" = y"));
    assert!(is_question("test \"$A\" = x 2>/dev/null"));
    // The file is asked for, too.
    assert!(matches!(
        of("test -f .flag && test \"$A\" = x"),
        Meaning::Question(Question { comparison: Comparison::Every(all), .. }) if all.len() == 2
    ));
    assert_eq!(of("test -f .flag && grep x"), Meaning::Unknown);
    assert_eq!(of("test -x /usr/bin/spamc && vacation u"), Meaning::Unknown);
    assert!(matches!(
        of("test -x /usr/bin/grep && grep x"),
        Meaning::Grep(_)
    ));
    assert!(matches!(
        of("test -f $LIST && grep -f $LIST"),
        Meaning::Grep(_)
    ));
}

#[test]
fn greps() {
    let grep = |command| match of(command) {
        Meaning::Grep(grep) => grep,
        other => panic!("{command}: {other:?}"),
    };
    let list = grep("($FORMAIL -x From: | $FGREP -i -q -f ${WHITELIST})");
    assert!(
        matches!(&list.input, Input::Printed { source: Source::Field(field), .. } if field.names == ["From"])
    );
    assert_eq!(list.patterns, Patterns::File(v("WHITELIST")));
    assert!(list.ignore_case && list.fixed && !list.inverted);
    let sender = grep("fgrep -qxis \"$FROM\" $LIST");
    assert_eq!(sender.input, Input::Files(vec![v("LIST")]));
    assert!(sender.lines);
    let text = grep("echo \"$SUBJECT\" | egrep -v '^a|b'");
    assert_eq!(
        text.input,
        Input::Printed {
            source: Source::echoed(v("SUBJECT")),
            splits: false
        }
    );
    assert_eq!(text.patterns, Patterns::These(vec![t("^a|b")]));
    assert!(text.extended && text.inverted);
}

#[test]
fn what_is_not_certain_is_unknown() {
    for command in [
        "",
        "/usr/local/bin/mine",
        "if a; then b; fi",
        "spamc; rm -rf x",
        "cat >> a && other",
        "formail -x From: | sed s/a/b/ | grep -f list",
        "perl -pe 's/a/b/'",
        "echo a | sendmail",
        "sendmail -t a@b",
        "(cd x && munpack)",
        "spamc | mine",
    ] {
        assert_eq!(of(command), Meaning::Unknown, "{command}");
    }
}

#[test]
fn what_the_shell_knows_is_no_program() {
    for command in [
        "exit 67",
        ":",
        "exec true",
        "LC_ALL=C true",
        "(true)",
        "! true",
    ] {
        assert_eq!(of(command), Meaning::NoProgram, "{command}");
        assert_ne!(of(&format!("{command};")), Meaning::NoProgram, "{command}");
    }
    assert_eq!(of("true"), Meaning::Exit(0));
    assert_eq!(of("echo $(date)"), Meaning::Unknown);
}

#[test]
fn an_option_is_no_program() {
    assert_eq!(of("-D 8192 cache"), Meaning::NoProgram);
    assert_eq!(of("-I X-Loop -I Status"), Meaning::NoProgram);
    assert_eq!(of("(-x From: | -i -q -f list)"), Meaning::NoProgram);
    // The shell that gets these runs something.
    assert_eq!(of("-c reboot"), Meaning::Unknown);
    assert_eq!(of("-xs"), Meaning::Unknown);
    assert_eq!(of("-x From: | mine"), Meaning::Unknown);
}
