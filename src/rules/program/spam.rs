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

/// A filter that marks, or is told; nothing for other programs.
pub(super) fn of_call(call: &Call) -> Option<Meaning> {
    let program = call.name.clone();
    if trains(call) {
        return Some(Meaning::Training { program });
    }
    let is_filter = SPAM_FILTERS.contains(&program.as_str());
    let tells = tells(call);
    is_filter.then_some(Meaning::SpamFilter { program, tells })
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
