//! In: calls of spam filters and virus scanners. Out: whether they mark the
//! message, or learn from it.

use super::Meaning;
use super::arguments::Call;
use crate::rules::model::Text;

/// Programs that only add their opinion to the header, and how the names of the fields
/// begin that they write, in lower case, where that is known.
const SPAM_FILTERS: [(&str, Option<&str>); 25] = [
    ("spamc", Some("x-spam-")),
    ("spamassassin", Some("x-spam-")),
    ("spamdrop", None),
    ("bogofilter", Some("x-bogosity")),
    ("bmf", Some("x-spam-")),
    ("bsfilter", Some("x-spam-")),
    ("spamprobe", Some("x-spamprobe")),
    ("spamoracle", None),
    ("dspam", Some("x-dspam-")),
    ("crm114", Some("x-crm114-")),
    ("crm", Some("x-crm114-")),
    ("mailreaver.crm", Some("x-crm114-")),
    ("sb_filter.py", None),
    ("hammiefilter.py", None),
    ("rspamc", Some("x-spam")),
    ("razor-check", None),
    ("pyzor", None),
    ("dccproc", None),
    ("qsf", None),
    ("annoyance-filter", None),
    ("ifile", None),
    ("clamassassin", Some("x-virus-")),
    ("clamdscan", None),
    ("clamscan", None),
    ("spambayes", None),
];

/// A filter that marks, or is told; nothing for other programs.
pub(super) fn of_call(call: &Call) -> Option<Meaning> {
    let program = call.name.clone();
    if trains(call) {
        return Some(Meaning::Training { program });
    }
    let filter = SPAM_FILTERS.iter().find(|(name, _)| *name == program);
    filter.map(|&(_, writes)| Meaning::SpamFilter {
        program,
        tells: tells(call),
        writes,
    })
}

/// Whether a filter says by its exit status what it found, and not only where it
/// failed.
fn tells(call: &Call) -> bool {
    let known = call.arguments.iter().map(Text::known);
    let words: Vec<&str> = known.flatten().collect();
    let has = |these: &[&str]| words.iter().any(|word| these.contains(word));
    let has_letter = |letter: char| {
        let mut letters = words.iter().filter_map(|word| word.strip_prefix('-'));
        letters.any(|letters| !letters.starts_with('-') && letters.contains(letter))
    };
    match call.name.as_str() {
        "spamassassin" => has(&["-e", "--exit-code"]),
        "spamc" => has(&["-c", "-E", "--check", "--exitcode"]),
        "bogofilter" => !has_letter('e'),
        "bmf" => !has_letter('p'),
        "bsfilter" => !has(&["-p", "--pipe"]),
        "qsf" => has_letter('t'),
        "dccproc" => has_letter('c'),
        "razor-check" | "pyzor" | "clamscan" | "clamdscan" => true,
        _ => false,
    }
}

/// Whether a spam filter is told what a message is, and does nothing else.
fn trains(call: &Call) -> bool {
    let words: Option<Vec<&str>> = call.arguments.iter().map(Text::known).collect();
    let Some(words) = words else {
        return false;
    };
    let has = |these: &[&str]| words.iter().any(|word| these.contains(word));
    let begins = |start: &str| words.iter().any(|word| word.starts_with(start));
    match call.name.as_str() {
        "sa-learn" => has(&["--spam", "--ham", "--forget"]),
        "bogofilter" | "bmf" => {
            let options = call.options("cdkoxyIO", "");
            let letters = options.unwrap_or_default();
            let has = |these: &[char]| letters.iter().any(|flag| these.contains(&flag.letter));
            has(&['s', 'n', 'S', 'N']) && !has(&['p', 'u', 'e'])
        }
        "dspam" => {
            (begins("--class=") || begins("--source="))
                && !begins("--deliver")
                && !has(&["--stdout"])
        }
        "spamc" => has(&["-L", "-C", "--learntype", "--reporttype"]),
        "spamassassin" => has(&["-r", "-k", "-W", "-R", "--report", "--revoke"]),
        "spamprobe" => has(&["spam", "good", "remove", "train-spam", "train-good"]),
        "spamoracle" => has(&["add"]),
        _ => false,
    }
}
