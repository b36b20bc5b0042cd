//! Homes made to cost too much: what each costs grows no faster than the home,
//! and ends in an entry for a person.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use rustix::time::{ClockId, clock_gettime};
use sievify::batch::tables::{Tables, aliases};
use sievify::home::MemoryHome;
use sievify::ledger::{Code, Verdict};
use sievify::replay::{Letter, Replay};
use sievify::report::Report;
use sievify::report::html::{self, IndexRow, Subject};
use sievify::report::{json, terminal};
use sievify::rules::elaborate::Settings;
use sievify::rules::expression::Expression;
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use sievify::sieve::lower::pattern;
use sievify::sieve::script::{Part, Value};
use sievify::sieve::target::Target;
use sievify::translate::{Translation, Translator};
use std::time::Duration;

fn rc(text: impl Into<String>) -> MemoryHome {
    MemoryHome::new().file(".procmailrc", text.into())
}

fn forward(text: impl Into<String>) -> MemoryHome {
    MemoryHome::new().file(".forward", text.into())
}

/// The time this thread has computed: other processes do not count.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

const TARGETS: [&str; 4] = ["dovecot", "cyrus", "stalwart", "rfc5228"];

fn translation(home: &MemoryHome, profile: &str) -> Translation {
    let target = Target::profile(profile).unwrap();
    let settings = Settings::new("joe");
    Translator::new(&target).translate(home, &settings).unwrap()
}

fn translated(home: &MemoryHome) -> Report {
    translation(home, "dovecot").report
}

fn translate_it(home: &MemoryHome) {
    translated(home);
}

/// A shape of a home, for every server, and in every form a report has.
fn holds_for_all(name: &str, make: impl Fn(usize) -> MemoryHome) {
    for profile in TARGETS {
        grows_with_its_size(&format!("{name} ({profile})"), &make, |home| {
            translation(home, profile);
        });
    }
    let make = |n| translation(&make(n), "dovecot");
    grows_with_its_size(&format!("{name} (shown)"), make, |shown| {
        let subject = Subject {
            user: "joe",
            ..Subject::default()
        };
        html::page(subject, &shown.report, &shown.sources);
        terminal::render(&shown.report, &shown.sources);
        json::pretty(&shown.report);
    });
}

fn cost(run: impl FnOnce()) -> Duration {
    let start = spent();
    run();
    spent() - start
}

/// Sizes are made four times larger each time. What grows in proportion costs
/// four times as much then; with the square, sixteen times.
const STEP: usize = 4;
const TOO_STEEP: u32 = 10;
/// Less is not measured reliably: where memory is taken for the first time, a
/// page that fits the cache is cheaper by much than one four times as long.
const MEASURABLE: Duration = Duration::from_millis(25);
/// Nothing costs more.
const ENOUGH: Duration = Duration::from_secs(20);

fn grows_with_its_size<T>(name: &str, make: impl Fn(usize) -> T, run: impl Fn(&T)) {
    // With this, all sizes are tried, and the costs shown: `1` for all shapes, or
    // a part of the names of some.
    let thorough = match std::env::var("SIEVIFY_COSTS") {
        Ok(names) if names != "1" && !name.contains(&names) => return,
        shown => shown.is_ok(),
    };
    let mut size = 500;
    let mut before = Duration::MAX;
    while size <= 500_000 {
        let made = make(size);
        let mut now = cost(|| run(&made));
        if before >= MEASURABLE && before < ENOUGH && now > before * TOO_STEEP {
            // Once more, for the machine may have been busy.
            now = now.min(cost(|| run(&made)));
            assert!(
                now <= before * TOO_STEEP,
                "{name}: {size} cost {now:?}, a {STEP}th of it {before:?}"
            );
        }
        assert!(now < ENOUGH, "{name}: {size} cost {now:?}");
        if thorough {
            println!("{name:30} {size:8} {now:?}");
        }
        if before >= MEASURABLE && before != Duration::MAX && !thorough {
            return;
        }
        before = now;
        size *= STEP;
    }
}

/// A text of a shape, at any size.
type Shape = (&'static str, fn(usize) -> String);

fn conditions(text: impl Fn(usize) -> String, n: usize) -> String {
    format!(":0\n* {}\nfolder\n", text(n))
}

const RULES: &[Shape] = &[
    ("blocks in each other", |n| ":0\n{\n".repeat(n)),
    ("closed blocks", |n| {
        ":0\n* x\n{\n".repeat(n) + &"}\n".repeat(n)
    }),
    ("blocks that set variables", |n| {
        (0..n)
            .map(|i| format!(":0\n* x\n{{\nA{i}=$A{}\n}}\n", i / 2))
            .collect()
    }),
    ("values asked for one after the other", |n| {
        let asked = |i| format!(":0:\n* V ?? ^^n{i}^^\nf{i}\n");
        "V=`formail -zxSubject:`\n".to_owned() + &(0..n).map(asked).collect::<String>()
    }),
    ("copies, and the names of their files", |n| {
        ":0 c\nf/\n:0\n* LASTFOLDER ?? /\\/[^/]+$\n{ t=$MATCH }\n".repeat(n)
    }),
    ("closing braces", |n| "}".repeat(n)),
    ("assignments", |n| "A=b\n".repeat(n)),
    ("variables", |n| {
        (0..n).map(|i| format!("A{i}=$A{}x\n", i / 2)).collect()
    }),
    ("names alone", |n| "A\n".repeat(n)),
    ("skipped words", |n| "- ".repeat(n)),
    ("recipes", |n| ":0\n* ^Subject: x\nfolder\n".repeat(n)),
    ("recipes without action", |n| ":0\n\n".repeat(n)),
    ("chained recipes", |n| {
        ":0 E\n* x\nf\n:0 A\n* y\n! a@b.example\n".repeat(n)
    }),
    ("conditions of one recipe", |n| {
        format!(":0\n{}folder\n", "* ^Subject: x\n".repeat(n))
    }),
    ("scores", |n| {
        format!(":0\n{}folder\n", "* 1^1 x\n".repeat(n))
    }),
    ("negated scores", |n| {
        format!(":0\n* {}1^0 x\nf\n", "! ".repeat(n / 20))
    }),
    ("colons", |n| ":".repeat(n)),
    ("blanks behind a colon", |n| ":".to_owned() + &" ".repeat(n)),
    ("flags", |n| {
        format!(":0 {}\nx\n", "HBDAaEehbfcwWir".repeat(n))
    }),
    ("blanks", |n| " \n".repeat(n)),
    ("comments", |n| "#\n".repeat(n)),
    ("continued lines", |n| {
        format!(":0\n* {}\nx\n", "\\\n ".repeat(n))
    }),
    ("one long line", |n| "x".repeat(n)),
    ("an open quote", |n| format!("A=\"{}", "x\n".repeat(n))),
    ("open quotes", |n| "A='\nB=\"\n".repeat(n)),
    ("backquotes", |n| "A=`x\n".repeat(n)),
    ("backquotes in quotes", |n| {
        format!("A=\"{}", "`x".repeat(n))
    }),
    ("open braces", |n| format!("A=\"{}", "${A:-".repeat(n))),
    ("closed braces", |n| {
        format!("A=\"{}{}\"", "${A:-".repeat(n), "}".repeat(n))
    }),
    ("open braces of unknowns", |n| {
        format!(":0\n* \\/x\n{{ }}\nA={}", "${MATCH:-x".repeat(n))
    }),
    ("backslashes", |n| format!("A={}", "\\".repeat(n))),
    ("dollars", |n| format!("A={}", "$".repeat(n))),
    ("variables of a value", |n| {
        format!("B=bbbbbbbb\nA={}\n", "$B".repeat(n))
    }),
    ("a long value in conditions", |n| {
        format!("A={}\n{}", "x".repeat(1500), ":0\n* $ $A\nf\n".repeat(n))
    }),
    ("a long value in commands", |n| {
        format!(
            "A={}\n{}",
            "x".repeat(1500),
            ":0\n| prog $A \"$A\"\n".repeat(n)
        )
    }),
    ("a long value in folders", |n| {
        format!("A={}\n{}", "x/".repeat(700), ":0\n$A$A\n".repeat(n))
    }),
    ("a long directory", |n| {
        format!("MAILDIR=/{}\n{}", "x/".repeat(700), ":0\nf\n".repeat(n))
    }),
    ("words of a folder", |n| {
        format!(":0\n{}\n", "x/ ".repeat(n))
    }),
    ("addresses", |n| {
        format!(":0\n! {}\n", "a@b.example ".repeat(n))
    }),
    ("groups in each other", |n| {
        conditions(|n| "(".repeat(n) + "x" + &")".repeat(n), n.min(900))
    }),
    ("alternatives", |n| {
        conditions(|n| "x|".repeat(n), n.min(900))
    }),
    ("stars", |n| conditions(|n| "x*".repeat(n), n.min(900))),
    ("stars of groups", |n| {
        conditions(|n| "(a|b*)*".repeat(n), n.min(250))
    }),
    ("optional bytes", |n| {
        conditions(|n| "x?".repeat(n) + &"x".repeat(n), n.min(600))
    }),
    ("macros", |n| conditions(|n| "^TO_".repeat(n), n.min(400))),
    ("long conditions", |n| {
        format!("LINEBUF=9999999\n:0\n* {}\nfolder\n", "(a|b)*".repeat(n))
    }),
    ("long alternatives", |n| {
        format!(
            "LINEBUF=9999999\n:0\n* ^Subject:.*({})\nfolder\n",
            "foo|bar.*x|".repeat(n)
        )
    }),
    ("expansions of conditions", |n| {
        format!(":0\n* {}x\nf\n", "$ ".repeat(n.min(900)))
    }),
    ("areas", |n| {
        format!(":0\n* {}x\nf\n", "H ?? ".repeat(n.min(400)))
    }),
    ("a long pipe", |n| format!(":0\n| {}\n", "cat | ".repeat(n))),
    ("groups of commands", |n| {
        format!(":0\n| {}\n", "( ".repeat(n))
    }),
    ("substituted commands", |n| {
        format!(":0\n| echo {}\n", "$(".repeat(n))
    }),
    ("closed substitutions", |n| {
        format!(":0\n| echo {}{}\n", "$(".repeat(n), ")".repeat(n))
    }),
    ("substitutions in quotes", |n| {
        format!(":0\n| echo {}\n", "\"$(".repeat(n))
    }),
    ("backquoted commands", |n| {
        format!(":0\n| echo {}\n", "`\\`".repeat(n))
    }),
    ("one value in many defaults of a command", |n| {
        let value = "x".repeat(n);
        format!("A={value}\n:0\n| echo {}\n", "${A:-b}".repeat(n))
    }),
    ("defaults of a command without an end", |n| {
        format!(":0\n| echo {}\n", "${A:-b".repeat(n))
    }),
    ("braces of a command", |n| {
        format!(":0\n| echo {}\n", "${A:-".repeat(n))
    }),
    ("redirections", |n| {
        format!(":0\n| cat {}\n", "> x ".repeat(n))
    }),
    ("a long command", |n| {
        format!(":0\n| echo {}\n", "x ".repeat(n))
    }),
    ("formail", |n| {
        format!(":0fw\n| formail {}\n", "-I\"X: y\" ".repeat(n))
    }),
    ("tests", |n| {
        format!(":0\n* ? test {}\nx\n", "x = y -a ".repeat(n))
    }),
    ("negated tests", |n| {
        format!(":0\n* ? test {} x\nx\n", "! ".repeat(n))
    }),
    ("groups of tests", |n| {
        format!(":0\n* ? test {}x\nx\n", "\\( ".repeat(n))
    }),
    ("captures", |n| ":0\nA=| formail -xSubject:\n".repeat(n)),
    ("texts that are taken apart", |n| {
        (0..n)
            .map(|i| format!("A=`echo $A | sed 's/x{i}.*<\\(.*\\)>.*/\\1/' | tr . -`\n"))
            .collect()
    }),
    ("commands of sed", |n| {
        format!(
            ":0\n* A ?? \\/x\n{{ A=`echo $MATCH | sed '{}'` }}\n",
            "s/a/b/;".repeat(n)
        )
    }),
    ("groups of sed", |n| {
        format!("A=`echo $A | sed 's/{}x/y/'`\n", "\\(".repeat(n))
    }),
    ("captures among alternatives", |n| {
        (0..n)
            .map(|i| format!(":0\n* ^X-{i}:.*(a|b{i})+(c|d*e)\\/(f|g)+[a-z]*(h|i{i})\nx/$MATCH\n"))
            .collect()
    }),
    ("a long capture", |n| {
        format!(":0\n* ^X: \\/{}\nx/$MATCH\n", "(a|bc)*d".repeat(n))
    }),
    ("shifted arguments", |n| "SHIFT=1\n".repeat(n)),
    ("missing includes", |n| "INCLUDERC=x\n".repeat(n)),
    ("every second line is left out", |n| {
        "A=x\nLOG=x\n".repeat(n)
    }),
    ("no line is left", |n| "LOG=x\n".repeat(n)),
    ("long statements that are left out", |n| {
        "A=x\nLOG=\"x\nx\nx\nx\"\n".repeat(n)
    }),
    ("all is left out at last", |n| {
        "A=x\n".repeat(n) + &"LOG=x\n".repeat(n)
    }),
];

#[test]
fn the_cost_of_rules_grows_with_their_size() {
    for (name, shape) in RULES {
        holds_for_all(name, |n| rc(shape(n)));
    }
}

const FORWARDS: &[Shape] = &[
    ("destinations", |n| "a@b.example, ".repeat(n)),
    ("commas", |n| ",".repeat(n)),
    ("open quotes of a forward", |n| "\"".repeat(n)),
    ("comments in each other", |n| "(".repeat(n)),
    ("angles", |n| "<".repeat(n)),
    ("backslashes of a forward", |n| "\\".repeat(n)),
    ("words", |n| "x ".repeat(n)),
    ("dots and at signs", |n| "a.@".repeat(n)),
    ("calls of procmail", |n| "\"|procmail\"\n".repeat(n)),
    ("arguments", |n| {
        format!("\"|procmail -m x {}\"\n", "-a y ".repeat(n))
    }),
    ("assignments of a call", |n| {
        format!("\"|procmail {}\"\n", "A=$A$A ".repeat(n))
    }),
    ("missing lists", |n| ":include:~/x\n".repeat(n)),
];

#[test]
fn the_cost_of_forwards_grows_with_their_size() {
    for (name, shape) in FORWARDS {
        holds_for_all(name, |n| forward(shape(n)).file(".procmailrc", "A=b\n"));
    }
}

const EXIM: &[Shape] = &[
    ("ifs in each other", |n| {
        "if $h_a: contains b then\n".repeat(n) + "save f\n" + &"endif\n".repeat(n)
    }),
    ("open ifs", |n| "if $h_a: contains b then\n".repeat(n)),
    ("other cases", |n| {
        "if $h_a: contains b then save f\n".to_owned()
            + &"elif $h_a: is c then save g\n".repeat(n)
            + "endif\n"
    }),
    ("conditions that all hold", |n| {
        format!(
            "if $h_a: contains b{} then save f endif\n",
            " and $h_a: is b".repeat(n)
        )
    }),
    ("conditions of which one holds", |n| {
        format!(
            "if $h_a: contains b{} then save f endif\n",
            " or $h_a: is b".repeat(n)
        )
    }),
    ("conditions in turn", |n| {
        let more = " or $h_a: is b and $h_c: begins d".repeat(n);
        format!("if $h_a: contains b{more} then save f endif\n")
    }),
    ("brackets of conditions", |n| {
        let (open, close) = ("(".repeat(n), ")".repeat(n));
        format!("if {open}$h_a: is b{close} then save f endif\n")
    }),
    ("negated conditions", |n| {
        format!("if {}$h_a: is b then save f endif\n", "not ".repeat(n))
    }),
    ("negated brackets", |n| {
        let (open, close) = ("not (".repeat(n), ")".repeat(n));
        format!("if {open}$h_a: is b{close} then save f endif\n")
    }),
    ("deliveries", |n| "deliver a@b.example\n".repeat(n)),
    ("unseen deliveries", |n| {
        "unseen deliver a@b.example\n".repeat(n)
    }),
    ("folders", |n| {
        (0..n).map(|at| format!("save f{at}/\n")).collect()
    }),
    ("what is counted", |n| {
        "add 1 to n1\nif $n1 is 3 then save f endif\n".repeat(n)
    }),
    ("answers", |n| "vacation subject \"x\"\n".repeat(n)),
    ("expressions", |n| {
        format!(
            "if $h_a: matches \"{}\" then save f endif\n",
            "(a|b)*".repeat(n)
        )
    }),
    ("variables in a string", |n| {
        format!(
            "if \"{}\" contains b then save f endif\n",
            "$h_a:".repeat(n)
        )
    }),
    ("expansions in each other", |n| {
        format!(
            "save \"{}{}\"\n",
            "${if eq{a}{b}{".repeat(n),
            "}}".repeat(n)
        )
    }),
    ("open expansions", |n| {
        format!("save \"{}\"\n", "${".repeat(n))
    }),
    ("escapes", |n| format!("save \"{}\"\n", "\\\\".repeat(n))),
    ("open quotes of a filter", |n| "save \"f\n".repeat(n)),
    ("unknown commands", |n| "x\n".repeat(n)),
    ("comments of a filter", |n| "#\n".repeat(n)),
    ("a long word", |n| format!("save {}\n", "x".repeat(n))),
];

#[test]
fn the_cost_of_exim_filters_grows_with_their_size() {
    for (name, shape) in EXIM {
        holds_for_all(name, |n| forward(format!("# Exim filter\n{}", shape(n))));
    }
}

#[test]
fn the_cost_of_lists_grows_with_their_size() {
    holds_for_all("a long list", |n| {
        forward(":include:~/l\n").file("l", "a@b.example\n".repeat(n))
    });
    holds_for_all("many names of a list", |n| {
        let list = (0..n).map(|at| format!("a{at}@b.example\n"));
        forward(":include:~/l\n").file("l", list.collect::<String>())
    });
    holds_for_all("one list many times", |n| {
        forward(":include:~/l\n".repeat(n)).file("l", "a@b.example\n")
    });
    holds_for_all("lists in each other", |n| {
        (0..n.min(5000)).fold(forward(":include:~/l0\n"), |home, at| {
            home.file(&format!("l{at}"), format!(":include:~/l{}\n", at + 1))
        })
    });
    holds_for_all("a list that is looked for in another", |n| {
        rc(":0\n* ? formail -xFrom: | fgrep -f l\nf\n").file("l", "a@b.example\n".repeat(n))
    });
}

#[test]
fn the_cost_of_tables_grows_with_their_size() {
    let tables: &[Shape] = &[
        ("aliases one after the other", |n| {
            (0..n).map(|at| format!("a{at}: a{}\n", at + 1)).collect()
        }),
        ("aliases that lead to two", |n| {
            let line = |at| format!("a{at}: a{0}, a{0}, b{at}\n", at + 1);
            (0..n).map(line).collect()
        }),
        ("an alias of many", |n| {
            format!("a0: {}\n", "a0, b@c.example, ".repeat(n))
        }),
        ("a circle of aliases", |n| {
            (0..n)
                .map(|at| format!("a{at}: a{}\n", (at + 1) % n))
                .collect()
        }),
    ];
    for (name, shape) in tables {
        grows_with_its_size(name, shape, |text| {
            let tables = Tables {
                aliases: aliases("aliases", text).0,
                ..Tables::default()
            };
            tables.resolve("a0");
            tables.alias_of("a0", &|_| false);
        });
    }
}

#[test]
fn the_cost_of_the_index_grows_with_its_users() {
    let row = |at: usize| IndexRow {
        user: format!("<b>\u{202e}u{at}&\u{1b}").repeat(5),
        new: "\"'`<script>".repeat(9),
        manual: Code::ALL.to_vec(),
        problem: at.is_multiple_of(7).then(|| "=<!--".repeat(40)),
        ..IndexRow::default()
    };
    let rows = |n: usize| (0..n / 4).map(row).collect::<Vec<_>>();
    grows_with_its_size("users", rows, |rows| {
        html::index(rows.clone(), &mut std::io::sink()).unwrap();
    });
}

const EXPRESSIONS: &[Shape] = &[
    ("groups in each other", |n| {
        "(".repeat(n) + "x" + &")".repeat(n)
    }),
    ("open groups", |n| "(x".repeat(n)),
    ("alternatives", |n| "x|".repeat(n)),
    ("alternatives that begin alike", |n| {
        (0..n).map(|at| format!("aaaaaaaa{at}|")).collect()
    }),
    ("groups of alternatives", |n| "(a|b)".repeat(n)),
    ("stars", |n| "x*".repeat(n)),
    ("stars of groups", |n| "(a|b*)*".repeat(n)),
    ("stars of stars", |n| "x".to_owned() + &"*".repeat(n)),
    ("stars in each other", |n| {
        "(".repeat(n) + "x" + &")*".repeat(n)
    }),
    ("any text", |n| ".*x".repeat(n)),
    ("optional bytes", |n| "x?".repeat(n) + &"x".repeat(n)),
    ("classes", |n| "[a-z0-9]+".repeat(n)),
    ("open classes", |n| "[".repeat(n)),
    ("words", |n| "\\<x\\>".repeat(n)),
    ("line edges", |n| "^".repeat(n)),
    ("text edges", |n| "^^x".repeat(n)),
    ("splits", |n| "x\\/".repeat(n)),
    ("macros", |n| "^TO_".repeat(n)),
    ("one field, or another", |n| {
        let fields: Vec<_> = (0..n).map(|at| format!("X-{at}: *y")).collect();
        format!("^({})", fields.join("|"))
    }),
    ("text of a field, or other text", |n| {
        let texts: Vec<_> = (0..n).map(|at| format!("word{at}")).collect();
        format!("^Subject:.*({})", texts.join("|"))
    }),
];

#[test]
fn the_cost_of_expressions_grows_with_their_size() {
    for profile in ["dovecot", "rfc5228"] {
        let target = Target::profile(profile).unwrap();
        let subject = Value(vec![Part::Variable("x".to_owned())]);
        for (name, shape) in EXPRESSIONS {
            let run = |text: &String| {
                if let Ok(expression) = Expression::new(text, false) {
                    let _ = pattern::header(&expression, &target);
                    let _ = pattern::body(&expression, &target);
                    let _ = pattern::text(&expression, &subject, &target);
                    expression.find(b"Subject: aaaaaaaaaaaaaaaaaaaaaaaaaab\n");
                }
            };
            grows_with_its_size(&format!("{name} ({profile})"), shape, run);
        }
    }
}

/// Mail that costs more to look at than it has bytes.
const MAIL: &[Shape] = &[
    ("many fields", |n| "X-A: b\n".repeat(n) + "\nx\n"),
    ("many recipients", |n| {
        format!("To: {}\n\nx\n", "a@b.example,\n ".repeat(n))
    }),
    ("comments in an address", |n| {
        format!(
            "To: {}a@b.example\nFrom: {}\n\nx\n",
            "(".repeat(n),
            "<".repeat(n)
        )
    }),
    ("one long field", |n| {
        format!("Subject: {}\n\nx\n", "ab ".repeat(n))
    }),
    ("a long field without blanks", |n| {
        format!("Subject: {}\n\nx\n", "a".repeat(n))
    }),
    ("a long name of a field", |n| {
        format!("{}: x\n\nx\n", "a".repeat(n))
    }),
    ("a folded field", |n| {
        format!("Subject: a{}\n\nx\n", "\n b".repeat(n))
    }),
    ("blanks of a field", |n| {
        format!("Subject: a{}\n\nx\n", " \n ".repeat(n))
    }),
    ("encoded words", |n| {
        format!("Subject: {}\n\nx\n", "=?utf-8?q?a?= ".repeat(n))
    }),
    ("open encoded words", |n| {
        format!("Subject: {}\n\nx\n", "=?utf-8?q?".repeat(n))
    }),
    ("many places it came through", |n| {
        "Received: from a by b; Thu, 1 Jan 2026 10:20:30 +0000\n".repeat(n) + "\nx\n"
    }),
    ("lines that are no fields", |n| "x\n".repeat(n) + "\nx\n"),
    ("a long body", |n| {
        "Subject: ab\n\n".to_owned() + &"ab \n".repeat(n)
    }),
    ("one line of a body", |n| {
        "Subject: ab\n\n".to_owned() + &"ab ".repeat(n)
    }),
    ("empty lines", |n| {
        "Subject: ab\n\n".to_owned() + &"\n".repeat(n)
    }),
    ("many parts", |n| {
        "Content-Type: multipart/mixed; boundary=x\n\n".to_owned()
            + &"--x\nContent-Type: text/plain\n\nab\n".repeat(n)
    }),
    ("parts in each other", |n| {
        (0..n)
            .map(|at| format!("Content-Type: multipart/mixed; boundary=x{at}\n\n--x{at}\n"))
            .collect()
    }),
    ("parts in each other with one boundary", |n| {
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n".repeat(n)
    }),
    ("attached messages", |n| {
        "Content-Type: multipart/mixed; boundary=x\n\n".to_owned()
            + &"--x\nContent-Type: message/rfc822\n\nSubject: ab\n\nx\n".repeat(n.min(900))
    }),
    ("messages in each other", |n| {
        "Content-Type: message/rfc822\n\n".repeat(n) + "Subject: ab\n\nx\n"
    }),
    ("parameters", |n| {
        format!("Content-Type: text/plain{}\n\nx\n", "; a*0=b".repeat(n))
    }),
    ("markup", |n| {
        "Content-Type: text/html\n\n".to_owned() + &"<a <!-- &amp; ".repeat(n)
    }),
    ("base64", |n| {
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n".to_owned()
            + &"YWIg\n".repeat(n)
    }),
    ("nothing but zeros", |n| "\0".repeat(n)),
];

/// Rules that look at all of a message, by expressions made to take long.
const LOOKS: &[&str] = &[
    "* ^TO_nobody@example\\.org",
    "* ^FROM_DAEMON",
    "* ^Subject:(.*a)*(.*b)*(.*c)*z",
    "* ^Subject:.*\\/(a|b|ab)*(a|ab|b)*z",
    "* (a?b?c?)*((a|b)(a|b)*)*z$",
    "* B ?? (.*a)+(.*b)+z",
    "* HB ?? (a|b|.)*\\<z\\>",
    "* B ?? ^(.*\n)*z",
    "* 1^1 a\n* -1^1 .\n* B ?? 1^0.5 b\n* B ?? 2^1 .*\n* -9999^0",
    "* < 0",
];

#[test]
fn the_cost_of_a_replay_grows_with_the_mail() {
    let target = Target::profile("dovecot").unwrap();
    let settings = Settings::new("joe");
    let rules: String = LOOKS
        .iter()
        .enumerate()
        .map(|(at, look)| format!(":0\n{look}\nf{at}\n"))
        .collect();
    let filters = ":0fhw\n| formail -I'X-A: c' -aReply-To: -R Subject: X-S\n\
        :0\n* ^X-S:.*\\/[^ ]+\nx-$MATCH\n:0\n* X-A ?? \\/.*\n$MATCH\n"
        .to_owned();
    for (kind, rules) in [("expressions", rules), ("filters", filters)] {
        let translation = Translator::new(&target)
            .translate(&rc(rules), &settings)
            .unwrap();
        for (name, shape) in MAIL {
            grows_with_its_size(&format!("{name} ({kind})"), shape, |mail| {
                let mut replay = Replay::new(&translation, &settings, &target).unwrap();
                let mail = format!("From: ann@example.org\n{mail}");
                let letter = Letter::new(mail.into_bytes(), None);
                if !letter.is_too_deep() {
                    replay.next(&letter);
                }
            });
        }
    }
}

/// The sum of all that comes out of a home; a person is told of it.
fn size_of_what_is_left_to_a_person(home: &MemoryHome) -> usize {
    let settings = Settings::new("joe");
    let Elaborated {
        program,
        sources,
        findings,
    } = elaborate_home(home, &settings);
    let report = Report::new(&program.statements, &sources, &findings);
    let is_manual = |verdict| verdict == Verdict::Manual;
    assert!(
        report.entries.iter().any(|entry| is_manual(entry.verdict)),
        "{:?}",
        report.summary
    );
    assert!(cost(|| translate_it(home)) < ENOUGH);
    format!("{program:?}").len() + serde_json::to_vec(&report).unwrap().len()
}

#[test]
fn what_doubles_stops() {
    let doubling = |line: &dyn Fn(usize) -> String| {
        rc("A=xxxxxxxx\n".to_owned() + &(0..200).map(line).collect::<String>() + ":0\n$A\n")
    };
    let homes = [
        ("values", doubling(&|_| "A=$A$A\n".to_owned())),
        ("quoted values", doubling(&|_| "A=\"$A$A\"\n".to_owned())),
        (
            "braced values",
            doubling(&|_| "A=${A:-x}${A:+$A}\n".to_owned()),
        ),
        (
            "escaped values",
            rc("A=((((\n".to_owned() + &"A=$\\A\n".repeat(200)),
        ),
        ("unknowns", doubling(&|_| "A=$HOST$A$A\n".to_owned())),
        (
            "a directory",
            rc("MAILDIR=$MAILDIR/xxxxxxxx\n:0\nf\n".repeat(20_000)),
        ),
        (
            "included files",
            rc("INCLUDERC=rc\n").file("rc", "A=b\nINCLUDERC=rc\nINCLUDERC=rc\n"),
        ),
        (
            "files of files",
            (0..30).fold(rc("INCLUDERC=r0\n"), |home, at| {
                let next = format!("r{}", at + 1);
                home.file(&format!("r{at}"), format!("INCLUDERC={next}\n").repeat(9))
            }),
        ),
        (
            "files of one large file",
            rc("INCLUDERC=rc\n".repeat(1000)).file("rc", ":0\n* x\ny\n".repeat(10_000)),
        ),
        (
            "uses of a long value",
            rc(format!(
                "A={}\n{}",
                "x".repeat(60_000),
                "B=$A\n".repeat(100_000)
            )),
        ),
    ];
    for (name, home) in homes {
        let size = size_of_what_is_left_to_a_person(&home);
        assert!(size < 200 << 20, "{name}: {size} bytes come out");
    }
}

#[test]
fn too_large_files_are_left_to_a_person() {
    for (name, shape) in RULES {
        let mut text = shape(500);
        while text.len() <= 2 << 20 {
            text = text.repeat(2);
        }
        let report = translated(&rc(text));
        let manual = report.summary.manual;
        assert!(
            manual > 0 && report.entries.len() < 100_000,
            "{name}: {:?}",
            report.summary
        );
    }
}
