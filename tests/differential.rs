//! Holds the translation against real procmail and real Sieve engines.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[allow(dead_code)]
mod oracle;

use libtest_mimic::{Arguments, Failed, Trial};
use oracle::compare::{self, Judges, Server};
use oracle::cyrus::Cyrus;
use oracle::interpreter;
use oracle::messages::Message;
use oracle::pigeonhole::Pigeonhole;
use oracle::procmail::{Prepared, Procmail};
use oracle::random::{Home, hunt, spliced};
use oracle::stalwart::SieveRs;
use oracle::{Delivery, Files, Outcome};
use proptest::strategy::{BoxedStrategy, Strategy};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

fn main() -> std::process::ExitCode {
    if oracle::recorder::stands_in() {
        std::process::exit(oracle::recorder::play());
    }
    if !oracle::cell::inside() {
        let error = oracle::cell::enter();
        oracle::missing(&format!("procmail (no place to run it in: {error})"));
    }
    oracle::cell::name().unwrap();
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("procmail_delivers", procmail_delivers),
        Trial::test("sieve_engines_deliver", sieve_engines_deliver),
        Trial::test("cyrus_compiles", cyrus_compiles),
        Trial::test("messages_meet_their_rules", messages_meet_their_rules),
        Trial::test("expressions", oracle::expressions::agree),
        Trial::test("expressions_of_the_page", oracle::expressions::page::agree),
        Trial::test("expressions_of_homes", oracle::expressions::homes::agree),
        Trial::test("forward", forward),
        Trial::test("exim", exim),
        Trial::test("interpreter", interpreter_agrees),
        Trial::test("sample", sample),
        Trial::test("random", random),
        Trial::test("spliced", spliced),
        Trial::test("full", full).with_ignored_flag(true),
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

/// Most messages made for a home's rules must meet one of them, or the tests
/// that build on them show nothing.
fn messages_meet_their_rules() -> Result<(), Failed> {
    let Ok(procmail) = Procmail::new() else {
        oracle::missing("procmail");
        return Ok(());
    };
    let rules = "MAILDIR=$HOME/Mail\nFRIEND=\"(bob|eve)@example\\.com\"\n\
        :0\n* ^Subject:.*\\[tech\\]\ntech\n\
        :0\n* $ ^From:.*$FRIEND\n* ! ^Cc:.*list\nfriends\n\
        :0\n* ^TO_(sales|info)@example\\.org\nshop\n\
        :0\n* ^FROM_DAEMON\ndaemon\n\
        :0 B\n* viagra[0-9]+\nspam\n\
        :0\n* > 20000\nlarge\n\
        :0\n* ^X-Loop: u@example\\.org$\n/dev/null\n";
    let files = Files::procmailrc(rules);
    let messages = oracle::messages::from_rules(&files, 60, 1);
    let home = Prepared::new(files);
    let mut folders = std::collections::BTreeMap::new();
    for message in &messages {
        let run = procmail.run(&home, &message.with_from_line())?;
        let first = run.outcome.first().map(|delivery| match delivery {
            Delivery::Mailbox(path) => path.clone(),
            other => format!("{other:?}"),
        });
        *folders.entry(first.unwrap_or_default()).or_insert(0) += 1;
    }
    if folders.len() < 8 || folders["/var/mail/u"] > 40 {
        return Err(format!("{folders:?}").into());
    }
    Ok(())
}

/// Exim runs the filters of the corpus on their messages and the general ones,
/// and so do the scripts: the same ends, where nothing was announced.
fn exim() -> Result<(), Failed> {
    let exim = match oracle::exim::Exim::new() {
        Ok(exim) => exim,
        Err(error) => {
            oracle::missing(&format!("Exim: {error}"));
            return Ok(());
        }
    };
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let pigeonhole = Pigeonhole::new("")
        .inspect_err(|error| oracle::missing(&format!("Pigeonhole: {error}")))
        .ok();
    let procmail = Procmail::new()
        .inspect_err(|error| oracle::missing(&format!("procmail: {error}")))
        .ok();
    let mut differences = Vec::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(&corpus)? {
        let case = entry?.path();
        let filter = case.join("home/.forward");
        if !std::fs::read_to_string(&filter).is_ok_and(|text| text.starts_with("# Exim filter")) {
            continue;
        }
        let translated = oracle::mailer::translated(&case.join("home"))?;
        let files = Files::read(&case.join("home"))?;
        let has_rules = files.0.contains_key(".procmailrc");
        let rules = Prepared::new(files);
        // Into the user's mailbox, procmail delivers, which may have rules.
        let with_rules = |mut ends: Outcome, message: &[u8], sender: &str| {
            let own = Delivery::Mailbox("/var/mail/jo".to_string());
            if let Some(procmail) = &procmail
                && has_rules
                && ends.remove(&own)
            {
                let message = Message {
                    origin: String::new(),
                    sender: sender.to_string(),
                    content: message.to_vec(),
                };
                let run = procmail.run(&rules, &message.with_from_line())?;
                ends.extend(run.outcome.into_iter().map(|end| match end {
                    Delivery::Mailbox(path) => match path.strip_prefix(oracle::HOME) {
                        Some(rest) => Delivery::Mailbox(format!("/home/jo{rest}")),
                        None => own.clone(),
                    },
                    other => other,
                }));
            }
            Ok::<_, std::io::Error>(ends)
        };
        let sieve_rs = SieveRs::default();
        let script = sieve_rs.compile(&translated.script)?;
        let compiled = match &pigeonhole {
            Some(pigeonhole) => Some((pigeonhole, pigeonhole.compile(&translated.script)?)),
            None => None,
        };
        for folder in [case.join("messages"), corpus.join("../tests/mail")] {
            // A case may have no messages of its own.
            for message in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let content = std::fs::read(message.path())?;
                let sender = "boss@example.org";
                let real = match exim.run(&filter, sender, "", &content) {
                    Ok(real) => real,
                    // The test mode lets a user's filter not refuse mail.
                    Err(error) if error.contains("is disabled") => continue,
                    // A filter that Exim does not take; the report says so.
                    Err(_) if translated.is_announced => continue,
                    Err(error) => return Err(error.into()),
                };
                let real = translated.in_sieve(&with_rules(real, &content, sender)?);
                let mut ends = Vec::new();
                // For its regular expressions, case matters.
                if !translated.script.contains(":regex") {
                    ends.push(("sieve-rs", sieve_rs.run(&script, sender, &content)?));
                }
                if let Some((pigeonhole, compiled)) = &compiled {
                    ends.push(("Pigeonhole", pigeonhole.run(compiled, sender, &content)?));
                }
                compared += 1;
                for (engine, outcome) in ends {
                    if outcome != real && !translated.is_announced {
                        let name = message.path();
                        differences.push(format!(
                            "{} {}: Exim {real:?}, {engine} {outcome:?}",
                            case.display(),
                            name.display()
                        ));
                    }
                }
            }
        }
    }
    match (compared < 50, differences.is_empty()) {
        (true, _) => Err(format!("only {compared} messages are compared").into()),
        (_, true) => Ok(()),
        (_, false) => Err(differences.join("\n").into()),
    }
}

/// Postfix delivers to made-up users where the rule model says.
fn forward() -> Result<(), Failed> {
    let users = oracle::mailer::users();
    let ends = match oracle::postfix::deliver(&users) {
        Ok(ends) => ends,
        Err(error) => {
            oracle::missing(&format!("Postfix: {error}"));
            return Ok(());
        }
    };
    let compared = users.iter().filter_map(oracle::mailer::model).count();
    if compared < 40 {
        return Err(format!("only {compared} of {} users are compared", users.len()).into());
    }
    let mut differences = oracle::mailer::differences(&users, &ends);
    match Pigeonhole::new("") {
        Err(error) => oracle::missing(&format!("Pigeonhole: {error}")),
        Ok(pigeonhole) => {
            let sieve_rs = SieveRs::default();
            let engines = oracle::mailer::Engines {
                pigeonhole,
                sieve_rs,
            };
            let (silent, same) = oracle::mailer::script_differences(&users, &ends, &engines)?;
            if same < 100 {
                return Err(format!("only {same} scripts do what the mailer did").into());
            }
            differences.extend(silent);
        }
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(differences.join("\n").into()),
    }
}

/// The interpreter of the rule model does what procmail does: on every home,
/// and on random rules. `SIEVIFY_MESSAGES` for each home, and `SIEVIFY_RANDOM`
/// random pairs, make it a longer run.
fn interpreter_agrees() -> Result<(), Failed> {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    const MESSAGES: usize = 12;
    let Ok(procmail) = Procmail::new() else {
        oracle::missing("procmail");
        return Ok(());
    };
    let messages = asked("SIEVIFY_MESSAGES");
    let random = asked("SIEVIFY_RANDOM");
    let mut cases = Vec::new();
    for (name, home) in roots().iter().flat_map(|root| compare::homes(root)) {
        let files = Files::read(&home)?;
        let count = messages.unwrap_or(3);
        cases.push(interpreter::Case::new(&name, files, count, count / 3));
    }
    let mut runner = TestRunner::deterministic();
    for at in 0..random.unwrap_or(600).div_ceil(MESSAGES) {
        let home = oracle::random::homes().new_tree(&mut runner)?.current();
        let files = home.files();
        cases.push(interpreter::Case::new(
            &format!("random {at}"),
            files,
            MESSAGES - 2,
            2,
        ));
    }
    let is_bounded = messages.is_none() && random.is_none();
    let limit = Duration::from_secs(if is_bounded { 40 } else { 24 * 3600 });
    let sums = interpreter::compare(&procmail, &cases, limit);
    println!("{sums}");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disagreements.jsonl");
    write_lines(&path, &sums.different)?;
    match sums.different.len() {
        0 => Ok(()),
        count => Err(format!("{count} pairs differ").into()),
    }
}

/// Some messages for every home, in a bounded time.
fn sample() -> Result<(), Failed> {
    // So few pairs are not quite as even as many.
    differ(4, Duration::from_secs(90), 2, (0.95, 0.98))
}

/// `SIEVIFY_MESSAGES` messages (60 where not set) for every home.
fn full() -> Result<(), Failed> {
    let count = std::env::var("SIEVIFY_MESSAGES").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(60);
    differ(
        count,
        Duration::from_secs(24 * 3600),
        usize::MAX,
        (0.97, 0.99),
    )
}

/// Compares all judges over the project's homes and the shared ones, or those
/// below `SIEVIFY_HOMES`; the divergences are written down one a line. Nothing
/// is silent and no message is lost; of those for which procmail ran no program,
/// nearly all end in the same place: at least these `shares` of all, and of those
/// whose message could be mail.
fn differ(
    count: usize,
    limit: Duration,
    ordinary: usize,
    shares: (f64, f64),
) -> Result<(), Failed> {
    let Some(judges) = Judges::new() else {
        return Ok(());
    };
    let mut wrong = Vec::new();
    let mut divergences = Vec::new();
    let roots = roots();
    for root in &roots {
        let mut cases = Vec::new();
        let mut broken = Vec::new();
        for (name, home) in compare::homes(root) {
            match judges.case(&name, &home, count, ordinary) {
                Ok(case) => cases.push(case),
                Err(error) => broken.push((name, error)),
            }
        }
        let mut report = judges.run(&cases, limit / roots.len() as u32);
        report.broken.extend(broken);
        println!("{}\n{report}", root.display());
        let (silent, lost) = (report.silent().count(), report.lost().count());
        let (same, real_same) = report.shares();
        // The project's own homes show what cannot be the same.
        let is_own = root.ends_with("corpus");
        let is_less = !is_own && report.plain > 0 && (same < shares.0 || real_same < shares.1);
        if silent + lost + report.broken.len() > 0 || is_less {
            wrong.push(format!(
                "{}: {silent} silent, {lost} lost, {} broken; \
                 {same:.4} of all and {real_same:.4} of what could be mail the same",
                root.display(),
                report.broken.len()
            ));
        }
        divergences.extend(report.divergences);
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("divergences.jsonl");
    write_lines(&path, &divergences)?;
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}

/// Where homes are: `SIEVIFY_HOMES`, or the project's and the shared ones.
fn roots() -> Vec<std::path::PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    match std::env::var_os("SIEVIFY_HOMES") {
        Some(root) => vec![root.into()],
        None => vec![
            project.join("corpus"),
            project.join("../shared/corpus/homes"),
        ],
    }
}

fn write_lines(path: &Path, found: &[impl serde::Serialize]) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for found in found {
        serde_json::to_writer(&mut file, found)?;
        writeln!(file)?;
    }
    println!("each of them: {}", path.display());
    file.flush()
}

/// Random homes: no difference is silent, no message is lost, and the
/// interpreter does what procmail does. `SIEVIFY_RANDOM` pairs from
/// `SIEVIFY_SEED` on make it a longer run.
fn random() -> Result<(), Failed> {
    let Some(judges) = Judges::new() else {
        return Ok(());
    };
    hunted(&judges, 2000, |server| match server {
        Server::Usual => oracle::random::homes().boxed(),
        Server::EditsHeaders => oracle::random::editing_homes().boxed(),
    })
}

/// As [`random`], with homes that are made of the statements of all others.
fn spliced() -> Result<(), Failed> {
    let Some(judges) = Judges::new() else {
        return Ok(());
    };
    let roots = roots();
    let homes = roots.iter().flat_map(|root| compare::homes(root));
    let files = homes.map(|(_, home)| Files::read(&home));
    let files: Vec<Files> = files.collect::<Result<_, _>>()?;
    let homes = spliced::homes(spliced::statements(&files));
    hunted(&judges, 1000, |_| homes.clone())
}

fn hunted(
    judges: &Judges,
    usual: usize,
    homes: impl Fn(Server) -> BoxedStrategy<Home>,
) -> Result<(), Failed> {
    let pairs = asked("SIEVIFY_RANDOM").unwrap_or(usual);
    let seed = asked("SIEVIFY_SEED").unwrap_or(1);
    let hunt = hunt::hunt(judges, homes, pairs, seed as u64);
    println!("{}", hunt.report);
    match hunt.faults.is_empty() {
        true => Ok(()),
        false => Err(format!("{:?}", hunt.faults).into()),
    }
}

/// A number from the environment.
fn asked(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}
