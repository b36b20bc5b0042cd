//! The differences that hold for every Sieve server (`docs/differences.md`):
//! each is shown on real procmail and on Sieve engines.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code)]
mod oracle;

use libtest_mimic::{Arguments, Failed, Trial};
use oracle::pigeonhole::Pigeonhole;
use oracle::procmail::{Prepared, Procmail};
use oracle::stalwart::SieveRs;
use oracle::{Delivery, Files, Outcome};

/// One message, a condition and the Sieve test in its place, and for whom it
/// holds.
struct Difference {
    name: &'static str,
    flags: &'static str,
    condition: &'static [u8],
    test: &'static str,
    header: &'static [u8],
    procmail: bool,
    pigeonhole: bool,
    sieve_rs: bool,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "encoded_words_are_decoded",
        flags: "",
        condition: b"^Subject:.*caf=C3=A9",
        test: r#"header :contains "subject" "caf=C3=A9""#,
        header: b"Subject: =?utf-8?Q?caf=C3=A9?=\n",
        procmail: true,
        pigeonhole: false,
        sieve_rs: false,
    },
    Difference {
        name: "a_folded_header_has_one_blank_less",
        flags: "",
        condition: b"^Subject: hello folded",
        test: r#"header :matches "subject" "hello folded*""#,
        header: b"Subject: hello\n folded\n",
        procmail: false,
        pigeonhole: true,
        sieve_rs: true,
    },
    Difference {
        name: "a_tab_that_folds_a_header_is_a_blank",
        flags: "",
        condition: b"^Subject: hello [^ ]folded",
        test: r#"header :matches "subject" "hello ?folded""#,
        header: b"Subject: hello\n\tfolded\n",
        procmail: true,
        pigeonhole: false,
        sieve_rs: false,
    },
    Difference {
        name: "blanks_around_a_value_do_not_count",
        flags: "",
        condition: b"^Subject: hello$",
        test: r#"header :is "subject" "hello""#,
        header: b"Subject :hello  \n",
        procmail: false,
        pigeonhole: true,
        sieve_rs: true,
    },
    Difference {
        name: "a_value_on_the_next_line_may_keep_its_blank",
        flags: "",
        condition: b"^Subject: *hello",
        test: r#"header :matches "subject" "hello*""#,
        header: b"Subject:\n hello\n",
        procmail: true,
        pigeonhole: false,
        sieve_rs: true,
    },
    Difference {
        name: "the_order_of_fields_cannot_be_asked",
        flags: "",
        condition: b"^From:.*$Subject: hello",
        test: r#"allof (exists "from", header :matches "subject" "hello*")"#,
        header: b"Subject: hello\nFrom: s@example.com\n",
        procmail: false,
        pigeonhole: true,
        sieve_rs: true,
    },
    Difference {
        name: "letters_beyond_ascii_are_the_servers",
        flags: "",
        condition: b"^Subject: caf\xe9",
        test: "header :matches \"subject\" \"café*\"",
        header: b"Subject: caf\xe9\n",
        procmail: true,
        pigeonhole: false,
        sieve_rs: false,
    },
    Difference {
        name: "procmail_takes_all_for_header_where_that_has_a_nul",
        flags: "",
        condition: b"B ?? body",
        test: r#"body :raw :contains "body""#,
        header: b"Subject: hello\0there\n",
        procmail: false,
        pigeonhole: true,
        sieve_rs: true,
    },
    Difference {
        name: "the_case_of_a_name_does_not_count",
        flags: "D",
        condition: b"^Subject: hello",
        test: r#"header :matches "subject" "hello*""#,
        header: b"SUBJECT: hello\n",
        procmail: false,
        pigeonhole: true,
        sieve_rs: true,
    },
    Difference {
        name: "the_size_is_counted_differently",
        flags: "",
        condition: b"> 70",
        test: "size :over 70",
        header: b"Subject: hello\n",
        procmail: true,
        pigeonhole: false,
        sieve_rs: false,
    },
];

fn main() -> std::process::ExitCode {
    if oracle::recorder::stands_in() {
        std::process::exit(oracle::recorder::play());
    }
    if !oracle::cell::inside() {
        let error = oracle::cell::enter();
        oracle::missing(&format!("procmail (no place to run it in: {error})"));
    }
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = DIFFERENCES
        .iter()
        .map(|difference| Trial::test(difference.name, || difference.is_shown()))
        .collect();
    trials.push(Trial::test(
        "a_folder_gets_a_message_once",
        a_folder_gets_a_message_once,
    ));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// procmail opens the mailbox twice; to an engine, the second command is the
/// first.
fn a_folder_gets_a_message_once() -> Result<(), Failed> {
    let message = b"Subject: hello\nMessage-ID: <1@example.com>\n\nThe body of it\n";
    match Procmail::new() {
        Ok(procmail) => {
            let home = Prepared::new(Files::procmailrc(":0 c\nx\n:0\nx\n"));
            let line = b"From s@example.com  Thu Jan  1 00:00:00 1970\n".as_slice();
            let run = procmail.run(&home, &[line, message].concat())?;
            let times = run.log.matches("LASTFOLDER=x").count();
            if times != 2 {
                return Err(format!("procmail: {times} times").into());
            }
        }
        Err(error) => oracle::missing(&format!("procmail: {error}")),
    }
    match Pigeonhole::new("") {
        Ok(pigeonhole) => {
            // The second is not even seen: the first leaves the message there.
            let script = r#"require ["fileinto", "copy"]; fileinto :copy "x"; fileinto "x";"#;
            let outcome = pigeonhole.run(&pigeonhole.compile(script)?, "s@example.com", message)?;
            if !outcome.contains(&Delivery::Mailbox("INBOX".to_owned())) {
                return Err(format!("Pigeonhole: {outcome:?}").into());
            }
        }
        Err(error) => oracle::missing(&format!("Pigeonhole: {error}")),
    }
    Ok(())
}

impl Difference {
    fn is_shown(&self) -> Result<(), Failed> {
        let mut message = self.header.to_vec();
        message.extend_from_slice(b"Message-ID: <1@example.com>\n\nThe body of it\n");
        let mut wrong = Vec::new();
        let mut hold = |engine: &str, found: bool, expected: bool| {
            if found != expected {
                wrong.push(format!("{engine}: {found}"));
            }
        };
        match Procmail::new() {
            Ok(procmail) => hold("procmail", self.on(&procmail, &message)?, self.procmail),
            Err(error) => oracle::missing(&format!("procmail: {error}")),
        }
        let script = format!(
            "require [\"body\", \"fileinto\"]; if {} {{ fileinto \"x\"; }}",
            self.test
        );
        let filed = |outcome: Outcome| outcome.contains(&Delivery::Mailbox("x".to_owned()));
        match Pigeonhole::new("") {
            Ok(pigeonhole) => {
                let compiled = pigeonhole.compile(&script)?;
                let outcome = pigeonhole.run(&compiled, "s@example.com", &message)?;
                hold("Pigeonhole", filed(outcome), self.pigeonhole);
            }
            Err(error) => oracle::missing(&format!("Pigeonhole: {error}")),
        }
        let engine = SieveRs::default();
        let outcome = engine.run(&engine.compile(&script)?, "s@example.com", &message)?;
        hold("sieve-rs", filed(outcome), self.sieve_rs);
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join(", ").into()),
        }
    }

    /// Whether procmail's condition holds.
    fn on(&self, procmail: &Procmail, message: &[u8]) -> Result<bool, Failed> {
        let start = format!(":0{}\n* ", self.flags);
        let rules = [start.as_bytes(), self.condition, b"\nx\n"].concat();
        let files = Files([(".procmailrc".to_owned(), rules)].into());
        let mail = [
            b"From s@example.com  Thu Jan  1 00:00:00 1970\n".as_slice(),
            message,
        ]
        .concat();
        let run = procmail.run(&Prepared::new(files), &mail)?;
        Ok(run
            .outcome
            .contains(&Delivery::Mailbox("/home/u/x".to_owned())))
    }
}
