//! In: statements, and the findings about them. Out: entries, one a statement;
//! statements that share a line share an entry.

use crate::ledger::{Code, Finding, Statement, Verdict};
use crate::syntax::Source;
use serde::{Deserialize, Serialize};

/// What became of the statements on some lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file, relative to the home.
    pub file: String,
    /// First and last line, from 1.
    pub lines: [usize; 2],
    /// The text of these lines, without the last line end.
    pub source: String,
    /// What became of them.
    pub verdict: Verdict,
    /// The code of the finding that decided.
    pub code: Code,
    /// What there is to say, in plain words.
    pub message: String,
    /// What a person can do.
    pub help: String,
    /// The findings behind it, the weightiest first.
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

/// Statements whose lines touch, on their way to becoming an entry.
struct Group {
    file: usize,
    first: usize,
    last: usize,
    verdict: Verdict,
    findings: Vec<Finding>,
}

/// The entries for all statements, in file and line order.
pub fn entries(statements: &[Statement], sources: &[Source], findings: &[Finding]) -> Vec<Entry> {
    let mut found: Vec<Vec<&Finding>> = vec![Vec::new(); statements.len()];
    for finding in findings {
        if let Some(of_statement) = found.get_mut(finding.at.0 as usize)
            && !of_statement
                .iter()
                .any(|other| says_the_same(other, finding))
        {
            of_statement.push(finding);
        }
    }
    let mut groups: Vec<Group> = statements
        .iter()
        .zip(found)
        .filter_map(|(statement, findings)| {
            let file = statement.span.file.0 as usize;
            let (first, last) = sources.get(file)?.lines(statement.span);
            let verdict = findings.iter().map(|finding| finding.verdict).max();
            Some(Group {
                file,
                first,
                last,
                verdict: verdict.unwrap_or(Verdict::Exact),
                findings: findings.into_iter().cloned().collect(),
            })
        })
        .collect();
    groups.sort_by_key(|group| (group.file, group.first));
    groups.dedup_by(|next, group| {
        let touches = next.file == group.file && next.first <= group.last;
        if touches {
            group.last = group.last.max(next.last);
            group.verdict = group.verdict.max(next.verdict);
            group.findings.append(&mut next.findings);
        }
        touches
    });
    groups
        .into_iter()
        .filter_map(|group| {
            let source = sources.get(group.file)?;
            Some(group.into_entry(source))
        })
        .collect()
}

/// Findings that differ only in their place say the same to a reader.
fn says_the_same(one: &Finding, other: &Finding) -> bool {
    one.verdict == other.verdict && one.code == other.code && one.message == other.message
}

impl Group {
    fn into_entry(mut self, source: &Source) -> Entry {
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        let deciding = self
            .findings
            .first()
            .filter(|finding| finding.verdict == self.verdict);
        let code = deciding.map_or(Code::Translated, |finding| finding.code);
        let own = deciding.is_none().then(|| code.title());
        let mut messages: Vec<&str> = own.into_iter().collect();
        for finding in &self.findings {
            if !messages.contains(&finding.message.as_str()) {
                messages.push(&finding.message);
            }
        }
        Entry {
            file: source.path.clone(),
            lines: [self.first, self.last],
            source: source.line_text(self.first, self.last).to_owned(),
            verdict: self.verdict,
            code,
            message: messages.join("; "),
            help: code.help().to_owned(),
            findings: self.findings,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::ledger::StatementId;
    use crate::rules::model::StatementKind;
    use crate::syntax::FileId;
    use crate::syntax::Span;

    const TEXT: &str = "LOG=a VERBOSE=on\n\n:0\n* ^Subject: x\nfolder\n";

    fn statement(text: &str) -> Statement {
        let start = TEXT.find(text).unwrap();
        Statement {
            span: Span {
                file: FileId(0),
                start,
                end: start + text.len(),
            },
            kind: StatementKind::Skipped,
        }
    }

    fn finding(at: u32, verdict: Verdict, message: &str) -> Finding {
        Finding {
            at: StatementId(at),
            span: None,
            verdict,
            code: Code::Translated,
            message: message.to_owned(),
        }
    }

    fn of(findings: &[Finding]) -> Vec<Entry> {
        let statements = [
            statement(":0\n* ^Subject: x\nfolder\n"),
            statement("LOG=a"),
            statement("VERBOSE=on"),
        ];
        let sources = [Source::new(".procmailrc", TEXT.as_bytes().to_vec())];
        entries(&statements, &sources, findings)
    }

    #[test]
    fn statements_on_one_line_share_an_entry() {
        let entries = of(&[
            finding(1, Verdict::Dropped, "no log"),
            finding(2, Verdict::Adapted, "less of it"),
        ]);
        assert_eq!(entries.len(), 2);
        let entry = &entries[0];
        assert_eq!(entry.lines, [1, 1]);
        assert_eq!(entry.source, "LOG=a VERBOSE=on");
        assert_eq!(entry.verdict, Verdict::Adapted);
        assert_eq!(entry.message, "less of it; no log");
    }

    #[test]
    fn a_statement_without_finding_is_exact() {
        let entries = of(&[]);
        assert_eq!(entries[1].lines, [3, 5]);
        assert_eq!(entries[1].verdict, Verdict::Exact);
        assert_eq!(entries[1].code, Code::Translated);
        assert!(!entries[1].message.is_empty());
    }

    #[test]
    fn an_exact_statement_outweighs_a_dropped_one_on_its_line() {
        let entries = of(&[finding(1, Verdict::Dropped, "no log")]);
        assert_eq!(entries[0].verdict, Verdict::Exact);
        assert_eq!(entries[0].code, Code::Translated);
        assert!(entries[0].message.ends_with("; no log"));
    }

    #[test]
    fn what_is_found_twice_is_said_once() {
        let twice = [
            finding(0, Verdict::Manual, "a program"),
            finding(0, Verdict::Manual, "a program"),
        ];
        assert_eq!(of(&twice)[1].message, "a program");
        assert_eq!(of(&twice)[1].findings.len(), 1);
    }
}
