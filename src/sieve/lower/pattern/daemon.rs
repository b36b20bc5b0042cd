//! In: the macros `^FROM_DAEMON` and `^FROM_MAILER`. Out: a test for mail from
//! programs, as a person would write it.

use super::{Fit, Matched, Note, Remarks};
use crate::report::code::Code;
use crate::rules::expression::Expression;
use crate::sieve::script::{AddressPart, Compare, Match, Test, Value};
use crate::sieve::target::{Extension, Target};
use std::sync::LazyLock;

const SENDERS: [&str; 4] = ["from", "sender", "resent-from", "resent-sender"];
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
    let compare = |by| Compare { by, octet: false };
    let values = |keys: &[&str]| keys.iter().map(|key| Value::text(*key)).collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut keys = MAILERS.to_vec();
    let mut tests = Vec::new();
    if daemon {
        keys.extend(DAEMONS);
        tests.push(Test::Exists(names(&["mailing-list"])));
        tests.push(Test::Header {
            compare: compare(Match::Contains),
            names: names(&["precedence"]),
            keys: values(&["junk", "bulk", "list"]),
        });
    }
    if target.has(Extension::Envelope) {
        // A bounce has no sender.
        tests.push(Test::Envelope {
            part: AddressPart::All,
            compare: compare(Match::Is),
            names: names(&["from"]),
            keys: values(&[""]),
        });
    }
    tests.push(Test::Address {
        part: AddressPart::Localpart,
        compare: compare(Match::Matches),
        names: names(&SENDERS),
        keys: values(&keys),
    });
    let mut remarks = Remarks::default();
    remarks.say(
        Fit::ROUGH,
        Code::DaemonMail,
        "Mail from programs and lists is known by the usual names of its senders",
    );
    remarks.matched(super::any_of(tests))
}
