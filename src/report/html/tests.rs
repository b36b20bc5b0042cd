#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::ledger::{Code, Verdict};
use crate::report::entry::Entry;
use crate::report::replayed::{Difference, Place, Replayed, Why};
use crate::report::{File, Mailbox, Report};
use crate::rules::model::{Format, StatementId};
use crate::sieve::origin::{Origin, Stretch};
use crate::syntax::{FileId, Source};
use std::collections::BTreeSet;

/// What a user could write to break out of a page or to mislead its reader.
const HOSTILE: &str = "</pre></style></script><script>alert(1)</script>\" ' onload='x' &lt; \u{1b}[2J\r\u{202e}{{ x }}";

fn entry(source: &Source, lines: [usize; 2], verdict: Verdict, code: Code, message: &str) -> Entry {
    Entry {
        file: source.path.clone(),
        lines,
        source: source.line_text(lines[0], lines[1]).to_owned(),
        verdict,
        code,
        message: message.to_owned(),
        help: code.help().to_owned(),
        findings: Vec::new(),
    }
}

fn report(script: &str, entries: Vec<Entry>) -> Report {
    let mut report = Report::new(&[], &[], &[]).with_script(script, []);
    for entry in &entries {
        match entry.verdict {
            Verdict::Exact => report.summary.exact += 1,
            Verdict::Adapted => report.summary.adapted += 1,
            Verdict::Dropped => report.summary.dropped += 1,
            Verdict::Manual => report.summary.manual += 1,
        }
    }
    report.entries = entries;
    report
}

/// Stretches of the script come from lines of a file, with a comment for each.
fn come_from(report: &mut Report, source: &Source, stretches: [(usize, usize, &[[usize; 2]]); 2]) {
    report.files = vec![File {
        path: source.path.clone(),
        encoding: source.encoding,
    }];
    for (first, last, lines) in stretches {
        let origin = |lines: &[usize; 2]| Origin {
            at: StatementId(0),
            file: FileId(0),
            lines: *lines,
        };
        let origins: Vec<Origin> = lines.iter().map(origin).collect();
        report.map.comments.extend((first..).zip(origins.clone()));
        report.map.stretches.push(Stretch {
            lines: [first, last],
            origins,
        });
    }
}

fn subject(user: &str) -> Subject<'_> {
    Subject {
        user,
        ..Subject::default()
    }
}

#[test]
fn rules_and_script_are_linked_both_ways() {
    let text = "LOG=x\n\n:0\n* a\nb\n:0\nc\n";
    let source = Source::new(".procmailrc", text.as_bytes().to_vec());
    let entries = vec![
        entry(&source, [1, 1], Verdict::Dropped, Code::Logging, "no log"),
        entry(
            &source,
            [3, 5],
            Verdict::Exact,
            Code::Translated,
            "as before",
        ),
        entry(
            &source,
            [6, 7],
            Verdict::Adapted,
            Code::Translated,
            "nearly",
        ),
    ];
    let script =
        "# .procmailrc:3-5\nif true {\n    stop;\n}\n\n# .procmailrc:6-7\n# .procmailrc:2\nkeep;\n";
    let mut report = report(script, entries);
    come_from(
        &mut report,
        &source,
        [(0, 3, &[[3, 5]][..]), (5, 7, &[[6, 7], [2, 2]])],
    );
    let page = page(subject("ann"), &report, &[source]);
    for part in [
        r##"<span class="rule dropped" id="r0"><span class="tag"><a href="#e0">not needed</a></span><span class="l">LOG=x
</span></span><span class="l">
</span><span class="rule exact" id="r1" data-to="s0">"##,
        r##"<a href="#s0" aria-label="Line 1 of the script">→ 1</a>"##,
        r##"<a href="#s1" aria-label="Line 6 of the script">→ 6</a>"##,
        r##"<span class="rule" id="s0" data-to="r1"><span class="l note"># <a href="#r1">.procmailrc:3-5</a>
</span><span class="l">if true {
</span>"##,
        r##"<span class="rule" id="s1" data-to="r2"><span class="l note"># <a href="#r2">"##,
        r##"<span class="l note"># .procmailrc:2
</span>"##,
        r##"<li id="e0">"##,
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn an_origin_marks_every_entry_on_its_lines() {
    let source = Source::new("a b", b"A=1\nB=2\nC=3\n".to_vec());
    let one = |line| entry(&source, [line, line], Verdict::Exact, Code::Translated, "x");
    let mut report = report(
        "# a b:2-3\nstop;\n# a b:1-2\nkeep;\n",
        vec![one(1), one(2), one(3)],
    );
    come_from(
        &mut report,
        &source,
        [(0, 1, &[[2, 3]][..]), (2, 3, &[[1, 2]])],
    );
    let page = page(subject("ann"), &report, std::slice::from_ref(&source));
    assert!(page.contains(r#"id="s0" data-to="r1 r2""#), "{page}");
    assert!(page.contains(r#"id="r1" data-to="s0 s1""#), "{page}");
}

#[test]
fn nothing_of_a_users_is_markup() {
    let source = Source::new(HOSTILE, format!("{HOSTILE}\nx\n").into_bytes());
    let entries = vec![
        entry(
            &source,
            [1, 1],
            Verdict::Manual,
            Code::UnclearRecipe,
            HOSTILE,
        ),
        entry(&source, [2, 2], Verdict::Exact, Code::Translated, HOSTILE),
    ];
    let mut report = report(&format!("# {HOSTILE}:1\nkeep; # {HOSTILE}\n"), entries);
    report.folders.push(Mailbox {
        path: HOSTILE.to_owned(),
        format: Format::Mbox,
        folder: HOSTILE.to_owned(),
    });
    report.redirects.push(HOSTILE.to_owned());
    let place = Place::Folder(HOSTILE.to_owned());
    let mut replay = Replayed::default();
    replay.sums.places.insert(place.clone(), (1, 2));
    for why in [Why::Unexplained, Why::Entry(0)] {
        replay.listing.push(Difference {
            from: HOSTILE.to_owned(),
            subject: HOSTILE.to_owned(),
            date: HOSTILE.to_owned(),
            before: BTreeSet::from([place.clone()]),
            after: BTreeSet::from([place.clone(), Place::Address(HOSTILE.to_owned())]),
            why,
        });
    }
    replay.sums.unexplained = 1;
    let subject = Subject {
        user: HOSTILE,
        target: HOSTILE,
        replay: Some(&replay),
    };
    let page = page(subject, &report, &[source]);
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(!page.contains("onload='"));
    assert!(page.contains("␛[2J␍\\u{202e}{{ x }}"));
    let is_hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!page.contains(is_hidden));
    assert!(page.contains("no explanation"));
}

#[test]
fn a_replay_stands_below_its_reasons() {
    let source = Source::new("rc", b"A=1\n".to_vec());
    let entries = vec![entry(
        &source,
        [1, 1],
        Verdict::Adapted,
        Code::AnyField,
        "fewer fields",
    )];
    let mut replay = Replayed::default();
    replay.sums.messages = 500;
    replay.sums.same = 250;
    replay.sums.places = (0..400)
        .map(|n| (Place::Folder(format!("f{n:03}")), (1, usize::from(n < 399))))
        .collect();
    for n in 0..250 {
        replay.listing.push(Difference {
            from: "bob".to_owned(),
            subject: format!("number {n}"),
            date: String::new(),
            before: BTreeSet::from([Place::Deleted]),
            after: BTreeSet::from([Place::Refused]),
            why: Why::Entry(0),
        });
    }
    let subject = Subject {
        replay: Some(&replay),
        ..subject("ann")
    };
    let page = page(subject, &report("keep;", entries), &[source]);
    for part in [
        r##"250 messages because of <a href="#e0">rc, line 1</a>"##,
        "<p>Fewer fields.</p>",
        "number 99<",
        "150 more of these are not shown",
        "100 more places are not shown",
        // It has changed, so it is not left out.
        "f399",
        "(no date)",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("number 100<"));
}

#[test]
fn an_empty_report_is_a_page() {
    let page = page(subject(""), &report("", Vec::new()), &[]);
    assert!(page.contains("There are no rules here."));
    assert!(page.contains("There is nothing for a script to do"));
    assert!(page.ends_with("</html>"));
}

#[test]
fn a_page_brings_all_it_needs() {
    let page = page(subject("ann"), &report("", Vec::new()), &[]);
    assert!(page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"));
    for outside in ["http:", "https:", "src=", "url(", "@import", " style="] {
        assert!(!page.contains(outside), "{outside}");
    }
}
