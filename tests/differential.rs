//! Holds the translation against real procmail and real Sieve engines.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code)]
mod oracle;

use libtest_mimic::{Arguments, Failed, Trial};
use oracle::cyrus::Cyrus;
use oracle::pigeonhole::Pigeonhole;
use oracle::procmail::{Prepared, Procmail};
use oracle::stalwart::SieveRs;
use oracle::{Delivery, Files, Outcome};

fn main() -> std::process::ExitCode {
    if oracle::recorder::stands_in() {
        std::process::exit(oracle::recorder::play());
    }
    if !oracle::cell::inside() {
        let error = oracle::cell::enter();
        oracle::missing(&format!("procmail (no place to run it in: {error})"));
    }
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("procmail_delivers", procmail_delivers),
        Trial::test("sieve_engines_deliver", sieve_engines_deliver),
        Trial::test("cyrus_compiles", cyrus_compiles),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn procmail_delivers() -> Result<(), Failed> {
    let procmail = match Procmail::new() {
        Ok(procmail) => procmail,
        Err(error) => {
            oracle::missing(&format!("procmail: {error}"));
            return Ok(());
        }
    };
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("", &["/var/mail/u"], &[]),
        (":0\n* ^Subject: hello\nlists\n", &["/home/u/lists"], &[]),
        (
            "MAILDIR=$HOME/Mail\n:0\nlists/a/\n",
            &["/home/u/Mail/lists/a"],
            &[],
        ),
        (
            "MAILDIR=$HOME/Mail\n:0\na/b/c\n",
            &["/home/u/Mail/a/b/c"],
            &[],
        ),
        (":0\nmh/.\n", &["/home/u/mh"], &[]),
        (":0\n/dev/null\n", &[], &[]),
        (
            ":0 c\n! a@example.com b@example.com\n:0\nx\n",
            &["/home/u/x"],
            &["a@example.com", "b@example.com"],
        ),
        (":0fw\n| spamc\n:0\n* > 20\nx\n", &["/home/u/x"], &[]),
        (
            ":0fhw\n| formail -I 'Subject: other'\n:0\n* ^Subject: other\nx\n",
            &["/home/u/x"],
            &[],
        ),
        (
            ":0fhw\n| /opt/bin/strange -x | cat\n:0\nx\n",
            &["/home/u/x"],
            &[],
        ),
        (
            "LOGFILE=log\nVERBOSE=on\n:0c:\nx\n:0\ny\n",
            &["/home/u/x", "/home/u/y"],
            &[],
        ),
    ];
    let message = b"From s@example.com  Thu Jan  1 00:00:00 1970\nFrom: s@example.com\nTo: u@example.org\nSubject: hello\nMessage-ID: <1@example.com>\n\nThe body of it\n";
    for (rc, mailboxes, redirects) in cases {
        let home = Prepared::new(Files::procmailrc(rc));
        let run = procmail.run(&home, message)?;
        let expected = mailboxes
            .iter()
            .map(|path| Delivery::Mailbox(path.to_string()))
            .chain(
                redirects
                    .iter()
                    .map(|to| Delivery::Redirect(to.to_string())),
            )
            .collect();
        if run.outcome != expected {
            return Err(format!("{rc:?}: {run:?}, not {expected:?}").into());
        }
    }
    Ok(())
}

fn sieve_engines_deliver() -> Result<(), Failed> {
    let mailbox = |name: &str| Delivery::Mailbox(name.to_string());
    let redirect = |to: &str| Delivery::Redirect(to.to_string());
    let cases: &[(&str, &[Delivery])] = &[
        ("", &[mailbox("INBOX")]),
        ("discard;", &[]),
        (
            r#"require ["fileinto", "copy"]; fileinto :copy "a b"; redirect "x@example.com";"#,
            &[mailbox("a b"), redirect("x@example.com")],
        ),
        (
            r#"require ["envelope", "copy"];
               if envelope "from" "s@example.com" { redirect :copy "y@example.com"; }"#,
            &[mailbox("INBOX"), redirect("y@example.com")],
        ),
        (
            r#"require "reject"; if header :contains "subject" "hello" { reject "no"; }"#,
            &[Delivery::Reject],
        ),
        (
            r#"require "vacation"; vacation "away";"#,
            &[mailbox("INBOX")],
        ),
    ];
    let message = b"From: s@example.com\nTo: u@example.org\nSubject: hello\n\nThe body\n";
    let pigeonhole = Pigeonhole::new("")
        .inspect_err(|error| oracle::missing(&format!("Pigeonhole: {error}")))
        .ok();
    let sieve_rs = SieveRs::default();
    for (script, expected) in cases {
        let expected: Outcome = expected.iter().cloned().collect();
        let mut outcomes = vec![(
            "sieve-rs",
            sieve_rs.run(&sieve_rs.compile(script)?, "s@example.com", message)?,
        )];
        if let Some(pigeonhole) = &pigeonhole {
            let compiled = pigeonhole.compile(script)?;
            let outcome = pigeonhole.run(&compiled, "s@example.com", message)?;
            outcomes.push(("Pigeonhole", outcome));
        }
        for (engine, outcome) in outcomes {
            if outcome != expected {
                return Err(format!("{engine}: {script}: {outcome:?}").into());
            }
        }
    }
    if pigeonhole.is_some_and(|pigeonhole| pigeonhole.compile("frobnicate;").is_ok()) {
        return Err("Pigeonhole takes nonsense".into());
    }
    Ok(())
}

fn cyrus_compiles() -> Result<(), Failed> {
    let cyrus = match Cyrus::new() {
        Ok(cyrus) => cyrus,
        Err(error) => {
            oracle::missing(&format!("Cyrus: {error}"));
            return Ok(());
        }
    };
    cyrus.compile(r#"require ["fileinto", "copy"]; fileinto :copy "x";"#)?;
    match cyrus.compile("frobnicate;") {
        Err(_) => Ok(()),
        Ok(()) => Err("Cyrus takes nonsense".into()),
    }
}
