//! In: a code, or what somebody took for one. Out: the long text behind it.

use crate::ledger::Code;
use std::fmt::Write as _;

/// Columns the text keeps within.
const WIDTH: usize = 78;
/// How alike two names are that somebody may have mixed up, from 0 to 1.
const LIKENESS: f64 = 0.85;

/// What a code means, why, and what to do.
pub fn explain(code: Code) -> String {
    format!(
        "{}\n\n{}\n\nWhat to do\n{}\n",
        textwrap::fill(&format!("{}: {}", code.as_str(), code.title()), WIDTH),
        textwrap::fill(code.why(), WIDTH),
        textwrap::fill(code.help(), WIDTH),
    )
}

/// All codes with their titles.
pub fn list() -> String {
    let names = Code::ALL.iter().map(|code| code.as_str().len());
    let width = names.max().unwrap_or(0);
    Code::ALL.iter().fold(String::new(), |mut list, code| {
        let _ = writeln!(list, "{:width$}  {}", code.as_str(), code.title());
        list
    })
}

/// The code of this name, or as a report has it: `manual[unknown-program]`.
pub fn find(name: &str) -> Option<Code> {
    let name = name
        .split_once('[')
        .map_or(name, |(_, rest)| rest.trim_end_matches(']'));
    Code::ALL.iter().copied().find(|code| code.as_str() == name)
}

/// The code that was most likely meant.
pub fn nearest(name: &str) -> Option<Code> {
    let name = name.to_lowercase();
    Code::ALL
        .iter()
        .map(|code| (strsim::jaro_winkler(&name, code.as_str()), *code))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, code)| code)
}

/// All codes as a page (`docs/codes.md`).
pub fn page() -> String {
    let mut page = String::from(
        "# Codes\n\n\
        Every entry of a report bears one of these codes; `sievify explain CODE` prints the\n\
        same text. This page is made from `src/ledger/code.rs`, and a test holds it to that.\n",
    );
    for code in Code::ALL {
        let _ = write!(
            page,
            "\n## {}\n**{}.** {}\n\n*What to do:* {}\n",
            code.as_str(),
            code.title(),
            code.why(),
            code.help()
        );
    }
    page
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for &code in Code::ALL {
            assert_eq!(find(code.as_str()), Some(code));
            assert_eq!(find(&format!("manual[{}]", code.as_str())), Some(code));
            assert_eq!(nearest(code.as_str()), Some(code));
            assert!(explain(code).starts_with(code.as_str()));
        }
    }

    #[test]
    fn a_slip_finds_the_code() {
        assert_eq!(nearest("Tanslated"), Some(Code::Translated));
        assert_eq!(nearest("xqzw"), None);
    }

    #[test]
    fn every_text_is_written() {
        for code in Code::ALL {
            let name = code.as_str();
            assert!(!code.title().ends_with('.'), "{name}: title with full stop");
            for text in [code.why(), code.help()] {
                let end = text.trim_end_matches(['"', ')', '`']).chars().last();
                assert!(matches!(end, Some('.' | '?')), "{name}: {text:?}");
            }
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(is_plain), "{name}");
        }
    }
}
