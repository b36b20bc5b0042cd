//! In: what an expression asks of the beginning of a header line. Out: the
//! fields it means.

use super::glob::single;
use super::term::{Budget, Term, TooComplex, behind, behind_word, done, each_first, push_new};
use crate::rules::expression::Regex;

/// Something in a header whose value can be tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// A field, in lower case.
    Named(String),
    /// The line `From ` of a mailbox: the sender of the envelope.
    Envelope,
}

impl Field {
    /// What stands before the value, from the beginning of the line.
    pub(super) fn word(&self) -> Vec<u8> {
        match self {
            Field::Named(name) => format!("{name}:").into_bytes(),
            Field::Envelope => b"From ".to_vec(),
        }
    }

    /// Where it stands among others: the usual ones first.
    pub(super) fn rank(&self) -> usize {
        match self {
            Field::Named(name) => KNOWN.iter().position(|known| known == name),
            Field::Envelope => None,
        }
        .unwrap_or(KNOWN.len())
    }
}

/// The fields that are well known, the usual ones first.
const KNOWN: [&str; 66] = [
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "sender",
    "reply-to",
    "return-path",
    "list-id",
    "list-post",
    "list-help",
    "list-owner",
    "list-subscribe",
    "list-unsubscribe",
    "list-archive",
    "mailing-list",
    "x-mailing-list",
    "x-loop",
    "x-list",
    "x-beenthere",
    "x-mailman-version",
    "precedence",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-envelope-from",
    "apparently-to",
    "received",
    "received-spf",
    "resent-from",
    "resent-sender",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-date",
    "resent-message-id",
    "errors-to",
    "x-spam-flag",
    "x-spam-status",
    "x-spam-level",
    "x-spam-score",
    "x-spam",
    "x-virus-status",
    "x-virus-scanned",
    "x-mailer",
    "user-agent",
    "organization",
    "x-sender",
    "x-authentication-warning",
    "authentication-results",
    "auto-submitted",
    "x-priority",
    "importance",
    "message-id",
    "in-reply-to",
    "references",
    "date",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-language",
    "content-disposition",
    "comments",
    "keywords",
    "newsgroups",
];

/// Where words are looked for that may stand anywhere.
const COMMON: [&str; 18] = [
    "from",
    "to",
    "cc",
    "subject",
    "sender",
    "reply-to",
    "return-path",
    "list-id",
    "list-post",
    "mailing-list",
    "x-mailing-list",
    "x-beenthere",
    "delivered-to",
    "x-original-to",
    "received",
    "resent-from",
    "resent-to",
    "errors-to",
];

/// The fields of programs that write many to people, each with many names that
/// begin alike.
const OF_PROGRAMS: [&str; 63] = [
    "x-bugzilla-assigned-to",
    "x-bugzilla-changed-fields",
    "x-bugzilla-component",
    "x-bugzilla-keywords",
    "x-bugzilla-priority",
    "x-bugzilla-product",
    "x-bugzilla-reason",
    "x-bugzilla-severity",
    "x-bugzilla-status",
    "x-bugzilla-type",
    "x-bugzilla-url",
    "x-bugzilla-version",
    "x-bugzilla-watch-reason",
    "x-bugzilla-who",
    "x-cron-env",
    "x-debian-message",
    "x-debian-package",
    "x-debian-pr-keywords",
    "x-debian-pr-message",
    "x-debian-pr-package",
    "x-debian-pr-source",
    "x-gerrit-change-id",
    "x-gerrit-change-number",
    "x-gerrit-change-url",
    "x-gerrit-commit",
    "x-gerrit-messagetype",
    "x-gerrit-project",
    "x-github-reason",
    "x-github-recipient",
    "x-github-recipient-address",
    "x-github-sender",
    "x-gitlab-discussion-id",
    "x-gitlab-issue-id",
    "x-gitlab-issue-iid",
    "x-gitlab-mergerequest-id",
    "x-gitlab-mergerequest-iid",
    "x-gitlab-notificationreason",
    "x-gitlab-pipeline-id",
    "x-gitlab-pipeline-ref",
    "x-gitlab-pipeline-status",
    "x-gitlab-project",
    "x-gitlab-project-id",
    "x-gitlab-project-path",
    "x-jenkins-job",
    "x-jenkins-result",
    "x-jira-fingerprint",
    "x-launchpad-bug",
    "x-launchpad-bug-tags",
    "x-launchpad-message-for",
    "x-launchpad-message-rationale",
    "x-launchpad-notification-type",
    "x-launchpad-project",
    "x-redmine-host",
    "x-redmine-issue-id",
    "x-redmine-project",
    "x-redmine-sender",
    "x-spam-bar",
    "x-spam-checker-version",
    "x-spam-report",
    "x-spam-tests",
    "x-trac-project",
    "x-trac-ticket-id",
    "x-trac-version",
];

/// Of those, so many are asked for at once.
const MOST_OF_PROGRAMS: usize = 16;

/// Longest name, and most names that are written out.
const LONGEST: usize = 64;
const MOST: usize = 64;
/// A choice of more bytes than these is no spelling of a name.
const MOST_BYTES: usize = 8;

pub(super) fn known() -> impl Iterator<Item = Field> {
    KNOWN.iter().map(|name| Field::Named((*name).to_owned()))
}

pub(super) fn common() -> impl Iterator<Item = Field> {
    COMMON.iter().map(|name| Field::Named((*name).to_owned()))
}

/// Whether people know a field of this name, or it can only be one.
pub(super) fn is_field(name: &str) -> bool {
    KNOWN.contains(&name)
        || ["x-", "list-", "resent-", "content-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The names that a term spells.
#[derive(Debug)]
pub(super) struct Names {
    ignores_case: bool,
    /// Those spelled up to the colon, and the envelope, each with what is left
    /// of the term behind it: what is asked of the value.
    pub(super) whole: Vec<(Field, Vec<Term>)>,
    /// Beginnings of names: what follows them is not spelled out.
    pub(super) open: Vec<String>,
    /// Some names would need signs that no server takes in one.
    pub(super) odd: bool,
    /// An address is spelled where the name of a field should be.
    is_address: bool,
    /// What is asked of names in a case that mail has them in.
    usual: Vec<(Field, Vec<Term>)>,
    /// A beginning of names is in a case that mail does not have them in.
    unusual_beginning: bool,
}

impl Names {
    /// Reads the names off the beginning of a term, which stands at the
    /// beginning of a line. With `exact` case, names are found in any.
    pub(super) fn of(
        term: &Term,
        ignores_case: bool,
        budget: &mut Budget,
    ) -> Result<Self, TooComplex> {
        Names::new(ignores_case).read(term, budget)
    }

    /// As [`Names::of`], with addresses as names.
    pub(super) fn or_addresses(
        term: &Term,
        ignores_case: bool,
        budget: &mut Budget,
    ) -> Result<Self, TooComplex> {
        let mut names = Names::new(ignores_case);
        names.is_address = spells_address(term, ignores_case);
        names.read(term, budget)
    }

    fn new(ignores_case: bool) -> Self {
        Names {
            ignores_case,
            whole: Vec::new(),
            open: Vec::new(),
            odd: false,
            is_address: false,
            usual: Vec::new(),
            unusual_beginning: false,
        }
    }

    fn read(mut self, term: &Term, budget: &mut Budget) -> Result<Self, TooComplex> {
        let mut pending = vec![(Vec::new(), vec![term.clone()])];
        while let Some((mut spelled, mut terms)) = pending.pop() {
            if let [term] = terms.as_mut_slice() {
                budget.spend(1 + term.len())?;
                let letters = spelled_first(term, self.ignores_case);
                let more = letters.take((LONGEST + 1).saturating_sub(spelled.len()));
                let before = spelled.len();
                spelled.extend(more);
                term.drain(..spelled.len() - before);
            }
            self.step(spelled, terms, &mut pending, budget)?;
            if self.whole.len() > MOST || self.open.len() > MOST {
                return Err(TooComplex);
            }
        }
        Ok(self)
    }

    fn step(
        &mut self,
        spelled: Vec<u8>,
        terms: Vec<Term>,
        pending: &mut Vec<(Vec<u8>, Vec<Term>)>,
        budget: &mut Budget,
    ) -> Result<(), TooComplex> {
        let name = String::from_utf8_lossy(&spelled).to_ascii_lowercase();
        let mut next: Vec<u8> = Vec::new();
        for term in &terms {
            budget.spend(1 + term.len())?;
            each_first(term, &mut |set| {
                set.iter().for_each(|byte| push_new(&mut next, byte));
            });
        }
        // A dot that was not guarded is meant as one.
        let is_any = |term: &Term| matches!(term.first(), Some(Regex::Class(set)) if set.len() > 2);
        let is_dot = self.is_address && terms.iter().all(is_any) && next.contains(&b'.');
        let is_letter = |byte: &u8| match self.is_address {
            true if is_dot => *byte == b'.',
            true => is_of_name(*byte, self.ignores_case) || matches!(byte, b'@' | b'.' | b'+'),
            false => is_of_name(*byte, self.ignores_case),
        };
        let letters: Vec<u8> = next.iter().copied().filter(is_letter).collect();
        if done(&terms) || letters.len() > MOST_BYTES || spelled.len() > LONGEST {
            self.unusual_beginning |= !is_usual(&spelled);
            push_new(&mut self.open, name);
            return Ok(());
        }
        let is_odd = |byte: &u8| match byte {
            b'-' | b'_' | b':' => false,
            // Blanks may stand before the colon.
            b' ' | b'\t' => {
                !next.contains(&b':') && !spelled.is_empty() && (*byte == b'\t' || name != "from")
            }
            byte => !byte.is_ascii_alphanumeric() && !byte.is_ascii_control(),
        };
        self.odd |= !self.is_address && next.iter().any(is_odd);
        if next.contains(&b':') && !spelled.is_empty() && !is_dot {
            let asked = behind(&terms, b':', budget)?;
            self.ask(Field::Named(name.clone()), asked, &spelled);
        }
        if next.contains(&b' ') && name == "from" {
            let asked = behind(&terms, b' ', budget)?;
            self.ask(Field::Envelope, asked, &spelled);
        }
        for byte in letters.into_iter().rev() {
            let terms = behind(&terms, byte, budget)?;
            pending.push(([spelled.as_slice(), &[byte]].concat(), terms));
        }
        Ok(())
    }
}

/// The letters of a name that a term begins with, as long as there is no
/// choice.
fn spelled_first(term: &[Regex], ignores_case: bool) -> impl Iterator<Item = u8> {
    term.iter().map_while(move |factor| match factor {
        Regex::Class(set) => {
            single(set, ignores_case).filter(|byte| is_of_name(*byte, ignores_case))
        }
        _ => None,
    })
}

/// Whether a term spells an address before anything else: `joe@example.org`.
fn spells_address(term: &[Regex], ignores_case: bool) -> bool {
    let classes = term.iter().map_while(|factor| match factor {
        Regex::Class(set) => Some(single(set, ignores_case)),
        _ => None,
    });
    { classes.take_while(|sign| *sign != Some(b':')) }.any(|sign| sign == Some(b'@'))
}

fn is_of_name(byte: u8, ignores_case: bool) -> bool {
    let is_letter = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    is_letter && !(ignores_case && byte.is_ascii_uppercase())
}

impl Names {
    fn ask(&mut self, field: Field, terms: Vec<Term>, spelled: &[u8]) {
        if !self.ignores_case && is_usual(spelled) {
            self.usual.push((field.clone(), terms.clone()));
        }
        self.whole.push((field, terms));
    }

    /// Case counts, and something is asked of a name only in a case that mail
    /// does not have it in.
    pub(super) fn has_unusual_case(&self) -> bool {
        let is_unusual = |asked| !self.usual.contains(asked);
        !self.ignores_case && (self.unusual_beginning || self.whole.iter().any(is_unusual))
    }
}

/// Whether mail spells a name, or one that begins so, like this: `Subject`,
/// `MIME-Version`. Of a name that is not known, only the first letter tells.
fn is_usual(spelled: &[u8]) -> bool {
    const ABBREVIATIONS: [&str; 3] = ["ID", "MIME", "SPF"];
    let spelled = String::from_utf8_lossy(spelled);
    let name = spelled.to_ascii_lowercase();
    let is_capital = |part: &str| !part.starts_with(|c: char| c.is_ascii_lowercase());
    if !KNOWN.iter().any(|known| known.starts_with(&name)) {
        return is_capital(&spelled);
    }
    spelled.split('-').all(|part| {
        let rest = part.get(1..).unwrap_or("");
        is_capital(part) && !rest.contains(|c: char| c.is_ascii_uppercase())
            || ABBREVIATIONS.contains(&part)
            || part == "BeenThere"
    })
}

/// The fields whose names begin with something, of those that are known; else
/// the one of that very name.
pub(super) fn beginning_with(prefix: &str) -> Vec<Field> {
    let begins = |field: &Field| match field {
        Field::Named(name) => name.starts_with(prefix),
        Field::Envelope => "from ".starts_with(prefix),
    };
    let mut known: Vec<Field> = known().chain([Field::Envelope]).filter(begins).collect();
    let of_programs: Vec<Field> = OF_PROGRAMS
        .iter()
        .map(|name| Field::Named((*name).to_owned()))
        .filter(begins)
        .collect();
    if of_programs.len() <= MOST_OF_PROGRAMS {
        known.extend(of_programs);
    }
    match known.is_empty() && !prefix.ends_with('-') && !prefix.is_empty() {
        true => vec![Field::Named(prefix.to_owned())],
        false => known,
    }
}

/// Whether a name is that of a well-known field, and no other field that mail
/// has begins so, but those that are known.
pub(super) fn stands_alone(name: &str) -> bool {
    KNOWN.contains(&name) && !matches!(name, "x-spam" | "x-list")
}

/// What is left of a term behind the beginning of a field's line, in any case
/// that the name can have.
pub(super) fn value_terms(
    term: &Term,
    field: &Field,
    ignores_case: bool,
    budget: &mut Budget,
) -> Result<Vec<Term>, TooComplex> {
    let word = field.word();
    let mut found = behind_word(term, &word, budget)?;
    if let Field::Named(name) = field
        && !ignores_case
    {
        for spelling in spellings(name) {
            for left in behind_word(term, format!("{spelling}:").as_bytes(), budget)? {
                push_new(&mut found, left);
            }
        }
    }
    Ok(found)
}

/// `X-MAILER`, `X-Mailer`, `X-mailer`.
pub(super) fn spellings(name: &str) -> [String; 3] {
    let mut start = true;
    let title = name.chars().map(|c| {
        let c = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        c
    });
    let title: String = title.collect();
    let mut first = name.to_owned();
    if let Some(head) = first.get_mut(..1) {
        head.make_ascii_uppercase();
    }
    [title, first, name.to_ascii_uppercase()]
}
