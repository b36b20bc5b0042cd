//! In: the macros `^FROM_DAEMON` and `^FROM_MAILER`. Out: a test for mail from
//! programs: procmail's own expression, where the server has any, else the names
//! of senders that it knows.

use super::regex::Dialect;
use super::{Fit, Matched, Remarks};
use crate::ledger::{Code, Note};
use crate::rules::expression::Expression;
use crate::sieve::script::{ADDRESS_FIELDS, AddressPart, Match, Test, Value};
use crate::sieve::target::{Extension, Target};
use std::sync::LazyLock;

const SENDERS: [&str; 5] = [
    "from",
    "sender",
    "resent-from",
    "resent-sender",
    "x-envelope-from",
];
/// Who writes to say that mail did not arrive.
const MAILERS: [&str; 22] = [
    "postmaster",
    "postoffice",
    "mailer",
    "mailer-daemon",
    "sendmail",
    "mail",
    "daemon",
    "mmdf",
    "uucp",
    "ops",
    "root",
    "response",
    "smtp",
    "smtperror",
    "service",
    "services",
    "server",
    "system",
    "admin",
    "administrator",
    "*-admin",
    "ammgr",
];
/// Who writes for mailing lists and the like.
const DAEMONS: [&str; 14] = [
    "majordomo",
    "listserv",
    "listproc",
    "netserv",
    "owner",
    "owner-*",
    "*-owner",
    "request",
    "*-request",
    "bounce",
    "*-bounce",
    "echo",
    "mirror",
    "autoanswer",
];

/// The same as procmail has them.
const MAILER_WORDS: &str = "post(ma(st(er)?|n)|office)|(send)?mail(er)?|daemon|mmdf|n?uucp|ops|\
    r(esponse|oot)|(bbs\\.)?smtp(error)?|s(erv(ices?|er)|ystem)|a(dmin(istrator)?|mmgr)";
const DAEMON_WORDS: &str = "post(ma?(st(e?r)?|n)|office)|(send)?mail(er)?|daemon|m(mdf|ajordomo)|\
    n?uucp|list(serv|proc)|netserv|o(wner|ps)|r(e(quest|sponse)|oot)|b(ounce|bs\\.smtp)|echo|\
    mirror|s(erv(ices?|er)|mtp(error)?|ystem)|a(dmin(istrator)?|mmgr|utoanswer)";
/// What stands in front of one of them, and behind it in a field or in the
/// sender of an envelope.
const FRONT: &str = "^([^>]*[^(.%@a-z0-9])?";
const BEHIND: &str = "(([^).!:a-z0-9][-_a-z0-9]*)?[%@>\t ][^<)]*(\\(.*\\).*)?)?$";
const BEHIND_SENDER: &str = "([^).!:a-z0-9][-_a-z0-9]*)?([%@>].*)?$";

static FROM_DAEMON: LazyLock<Option<Expression>> =
    LazyLock::new(|| Expression::new("^FROM_DAEMON", false).ok());
static FROM_MAILER: LazyLock<Option<Expression>> =
    LazyLock::new(|| Expression::new("^FROM_MAILER", false).ok());

/// The test, where the expression is one of the macros.
pub(super) fn lowered(expression: &Expression, target: &Target) -> Option<Result<Matched, Note>> {
    let is = |known: &Option<Expression>| known.as_ref() == Some(expression);
    let daemon = is(&FROM_DAEMON);
    (daemon || is(&FROM_MAILER)).then(|| Ok(test(daemon, target)))
}

fn test(daemon: bool, target: &Target) -> Matched {
    let mut tests = Vec::new();
    if daemon {
        tests.push(Test::Exists(names(&["mailing-list"])));
        tests.push(Test::Header {
            compare: Match::Contains.into(),
            names: names(&["precedence"]),
            keys: values(&["junk", "bulk", "list"]),
        });
        tests.push(Test::Header {
            compare: Match::Matches.into(),
            names: names(&["to"]),
            keys: values(&["multiple recipients of *"]),
        });
    }
    let has_envelope = target.has(Extension::Envelope);
    let of_sender = |by: Match, part, keys| Test::Envelope {
        part,
        compare: by.into(),
        names: names(&["from"]),
        keys,
    };
    if has_envelope {
        // A bounce has no sender.
        tests.push(of_sender(Match::Is, AddressPart::All, values(&[""])));
    }
    let mut remarks = Remarks::default();
    if target.has(Extension::Regex) {
        let [field, sender] = expressions(daemon, target.regex);
        if has_envelope {
            tests.push(of_sender(
                Match::Regex,
                AddressPart::All,
                values(&[&sender]),
            ));
        }
        tests.push(Test::Header {
            compare: Match::Regex.into(),
            names: names(&SENDERS),
            keys: values(&[&field]),
        });
        remarks.say_rare(
            Fit::MISSES,
            Code::DaemonMail,
            "procmail looked at lines as well that begin with `>From `, which only old mailboxes have; the script does not",
        );
    } else {
        let mut keys = MAILERS.to_vec();
        if daemon {
            keys.extend(DAEMONS);
        }
        let mut senders = SENDERS.to_vec();
        senders.retain(|name| ADDRESS_FIELDS.contains(name));
        tests.push(Test::Address {
            part: AddressPart::Localpart,
            compare: Match::Matches.into(),
            names: names(&senders),
            keys: values(&keys),
        });
        remarks.say(
            Fit::LOOSE,
            Code::DaemonMail,
            "Mail from programs and lists is known by the usual names of its senders",
        );
    }
    remarks.matched(Test::any(tests))
}

/// For a field, and for the sender of the envelope.
fn expressions(daemon: bool, dialect: Dialect) -> [String; 2] {
    let words = match daemon {
        true => DAEMON_WORDS,
        false => MAILER_WORDS,
    };
    let any_case = match dialect {
        Dialect::Posix => "",
        Dialect::Perl => "(?i)",
    };
    [BEHIND, BEHIND_SENDER].map(|behind| format!("{any_case}{FRONT}({words}){behind}"))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn values(keys: &[&str]) -> Vec<Value> {
    keys.iter().map(|key| Value::text(*key)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use regex_automata::meta::Regex;

    #[test]
    fn the_same_senders_are_found() {
        let senders = [
            "root@example.org",
            "list-owner@example.org",
            "owner-list@example.org",
            "owner.list@example.org",
            "rootkit@example.org",
            "my.root@example.org",
            "MAILER-DAEMON@example.org",
            "Mailer_x%y@example.org",
            "someone@mail.example.org",
            "mail",
            "mail!x",
            "jo@example.org",
            "bbs.smtp@example.org",
            "postman@x",
            "echo-1@x",
        ];
        for daemon in [false, true] {
            let name = if daemon {
                "^FROM_DAEMON"
            } else {
                "^FROM_MAILER"
            };
            let found = Expression::new(name, false).unwrap().matcher();
            let [field, sender] =
                expressions(daemon, Dialect::Perl).map(|text| Regex::new(&text).unwrap());
            let finds = |header: String| found.find(header.as_bytes()).is_some();
            for address in senders {
                let line = format!("From {address}  Thu Jan  1 00:00:00 2026\n\n");
                assert_eq!(sender.is_match(address), finds(line), "{name}: {address}");
                for value in [
                    address.to_owned(),
                    format!("<{address}>"),
                    format!("A B <{address}>"),
                    format!("{address} (A B)"),
                    format!("{address} (The root) <x>"),
                    format!("root <{address}>"),
                ] {
                    for field_name in ["From", "Resent-Sender", "X-Envelope-From"] {
                        let header = format!("Subject: x\n{field_name}: {value}\n\n");
                        assert_eq!(field.is_match(&value), finds(header), "{name}: {value}");
                    }
                }
            }
        }
    }
}
