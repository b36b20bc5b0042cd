//! In: calls of spam filters and virus scanners. Out: whether they mark the
//! message, or learn from it.

use super::Meaning;
use super::arguments::Call;
use crate::rules::model::Text;

/// Programs that only add their opinion to the header.
const SPAM_FILTERS: [&str; 25] = [
    "spamc",
    "spamassassin",
    "spamdrop",
    "bogofilter",
    "bmf",
    "bsfilter",
    "spamprobe",
    "spamoracle",
    "dspam",
    "crm114",
    "crm",
    "mailreaver.crm",
    "sb_filter.py",
    "hammiefilter.py",
    "rspamc",
    "razor-check",
    "pyzor",
    "dccproc",
    "qsf",
    "annoyance-filter",
    "ifile",
    "clamassassin",
    "clamdscan",
    "clamscan",
    "spambayes",
];

pub(super) fn of_call(call: &Call) -> Option<Meaning> {
    let program = call.name.clone();
    if trains(call) {
        return Some(Meaning::Training { program });
    }
    let is_filter = SPAM_FILTERS.contains(&program.as_str());
    is_filter.then_some(Meaning::SpamFilter { program })
}

/// Whether a spam filter is told what a message is, and prints nothing.
fn trains(call: &Call) -> bool {
    let words: Vec<&str> = call.arguments.iter().filter_map(Text::known).collect();
    let has = |these: &[&str]| words.iter().any(|word| these.contains(word));
    let begins = |start: &str| words.iter().any(|word| word.starts_with(start));
    // The letters of short options.
    let letters = || {
        let options = words.iter().filter_map(|word| word.strip_prefix('-'));
        options.filter(|rest| !rest.starts_with('-'))
    };
    let has_letter = |these: &[char]| letters().any(|letters| letters.contains(these));
    match call.name.as_str() {
        "sa-learn" => has(&["--spam", "--ham", "--forget"]),
        "bogofilter" | "bmf" => has_letter(&['s', 'n', 'S', 'N']) && !has_letter(&['p', 'u', 'e']),
        "dspam" => begins("--class=") || begins("--source="),
        "spamc" => has(&["-L", "-C", "--learntype", "--reporttype"]),
        "spamassassin" => has(&["-r", "-k", "-W", "-R", "--report", "--revoke"]),
        "spamprobe" => has(&["spam", "good", "remove", "train-spam", "train-good"]),
        "spamoracle" => has(&["add"]),
        _ => false,
    }
}
