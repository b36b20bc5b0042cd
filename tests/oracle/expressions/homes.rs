//! The expressions that people wrote, and texts they match, or nearly.

use super::{Question, Round, Searched, ask};
use libtest_mimic::Failed;
use sievify::rules::expression::{ByteSet, Expression, Reading, Regex};
use sievify::syntax::procmailrc::{self, NodeKind};
use sievify::syntax::{FileId, Source};
use std::collections::BTreeSet;
use std::path::Path;

/// Texts for each expression.
const TEXTS: usize = 3;

/// The expressions of all homes, held against texts made of them.
pub fn agree() -> Result<(), Failed> {
    let Some(cell) = super::cell() else {
        return Ok(());
    };
    let mut random = Random(1);
    let mut questions = Vec::new();
    let mut fatal = Vec::new();
    for text in written() {
        let Ok(expression) = Expression::new(&text, false) else {
            return Err(format!("too large: {text}").into());
        };
        match expression.reading() {
            Reading::True => {}
            Reading::Short => println!("not read as it is written: {text}"),
            Reading::Fatal => {
                fatal.push(text);
                continue;
            }
        }
        for _ in 0..TEXTS {
            questions.push(Question {
                searched: Searched::Variable(random.text(&expression.regex)),
                expression: text.clone(),
                distinguishes_case: random.below(4) == 0,
                weight: (10, 10),
            });
        }
    }
    println!("fatal: {fatal:#?}");
    let mut holding = 0;
    let count = questions.len();
    for questions in questions.chunks(super::AT_ONCE) {
        let round = Round {
            header: String::new(),
            body: String::new(),
            questions: questions.to_vec(),
        };
        for (question, theirs) in questions.iter().zip(ask(&cell, &round)?) {
            let ours = question.ours(&round);
            if ours != theirs {
                return Err(format!("{question:?}: {ours:?}, not {theirs:?}").into());
            }
            holding += usize::from(ours.holds);
        }
    }
    println!("{holding} of {count} hold");
    match count < 100 || holding * 3 > count {
        true => Ok(()),
        false => Err("too few texts match".into()),
    }
}

/// All expressions that are known without a variable.
fn written() -> BTreeSet<String> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let roots = ["corpus", "../shared/corpus/homes"].map(|root| project.join(root));
    let files = roots.iter().flat_map(walkdir::WalkDir::new).flatten();
    let mut written = BTreeSet::new();
    for file in files.filter(|entry| entry.file_type().is_file()) {
        let Ok(bytes) = std::fs::read(file.path()) else {
            continue;
        };
        let source = Source::new("rc", bytes);
        for node in procmailrc::parse(FileId(0), &source.text) {
            if node.kind == NodeKind::Condition {
                written.extend(expression(source.slice(node.span)));
            }
        }
    }
    written
}

/// The expression of a condition, where it is one.
fn expression(condition: &str) -> Option<String> {
    let joined = condition.replace("\\\n", "");
    let mut text = joined.strip_prefix('*')?.trim();
    loop {
        let start = text
            .split([' ', '\t', '?', '!', '^', '(', '[', '.', '\\'])
            .next()?;
        let behind = text.strip_prefix(start)?.trim_start();
        if let Some(rest) = text.strip_prefix('!') {
            text = rest.trim_start();
        } else if let Some(rest) = behind.strip_prefix("??") {
            text = rest.trim_start();
        } else {
            break;
        }
    }
    if let Some((weight, rest)) = text.split_once('^')
        && weight.trim().parse::<f64>().is_ok()
    {
        text = rest
            .trim_start()
            .trim_start_matches(|c: char| c.is_ascii_digit() || "-+.".contains(c))
            .trim_start();
    }
    let is_other = text.starts_with(['?', '<', '>', '$'])
        || text.starts_with(|c: char| c.is_ascii_digit() || "-+.,".contains(c));
    let is_plain = !text.ends_with('\\') && !text.contains(['\0', '\r', '\'']) && text.len() < 1500;
    (!is_other && is_plain).then(|| match text.starts_with('\\') {
        true => text.to_string(),
        false => super::guarded(text),
    })
}

/// Random numbers, the same ones each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % end.max(1)
    }

    /// A text that matches, or nearly.
    fn text(&mut self, regex: &Regex) -> String {
        let mut word = String::new();
        self.word(regex, &mut word);
        // The newline before the text, perhaps.
        if self.below(2) == 0
            && let Some(rest) = word.strip_prefix('\n')
        {
            word = rest.to_string();
        }
        if self.below(3) == 0 && !word.is_empty() {
            word.remove(self.below(word.len()));
        }
        match self.below(4) {
            0 => format!("From: x\n{word}\n"),
            1 => format!("{word} and so on\n"),
            _ => word,
        }
    }

    fn word(&mut self, regex: &Regex, word: &mut String) {
        match regex {
            Regex::Class(set) => word.extend(self.byte(set)),
            Regex::Concat(items) => items.iter().for_each(|item| self.word(item, word)),
            Regex::Alternate(items) => {
                let at = self.below(items.len());
                items
                    .get(at)
                    .into_iter()
                    .for_each(|item| self.word(item, word));
            }
            Regex::Star(body) => (0..self.below(4)).for_each(|_| self.word(body, word)),
            Regex::Plus(body) => (0..=self.below(3)).for_each(|_| self.word(body, word)),
            Regex::Optional(body) => (0..self.below(2)).for_each(|_| self.word(body, word)),
            Regex::Edge | Regex::Split => {}
        }
    }

    fn byte(&mut self, set: &ByteSet) -> Option<char> {
        let mut bytes: Vec<u8> = set
            .iter()
            .filter(|byte| matches!(byte, b' '..=b'~'))
            .collect();
        bytes.retain(|&byte| byte != b'\'');
        if bytes.is_empty() {
            return set.contains(b'\n').then_some('\n');
        }
        Some(char::from(bytes[self.below(bytes.len())]))
    }
}
