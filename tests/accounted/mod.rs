//! In: the statements of a home, and its files. Out: the lines that are not
//! accounted for exactly once.

use sievify::rules::model::{Program, StatementKind};
use sievify::syntax::{FileId, Source};

/// The lines that lie in no statement, or in several.
pub fn unaccounted(program: &Program, sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let file = FileId(file as u32);
        let mut owners = vec![0; source.text.lines().count() + 2];
        let mut is_whole = false;
        for statement in &program.statements {
            if statement.span.file != file {
                continue;
            }
            is_whole |= matches!(statement.kind, StatementKind::Foreign | StatementKind::Text);
            // Two destinations may share a line: bytes are what is held.
            let (first, last) = source.lines(statement.span);
            owners[first..=last]
                .iter_mut()
                .for_each(|owners| *owners += 1);
        }
        let mut spans: Vec<_> = program
            .statements
            .iter()
            .filter(|statement| statement.span.file == file)
            .map(|statement| statement.span)
            .collect();
        spans.sort();
        for pair in spans.windows(2) {
            if pair[0].end > pair[1].start {
                wrong.push(format!(
                    "{}: {:?} overlaps {:?}",
                    source.path, pair[0], pair[1]
                ));
            }
        }
        for (number, line) in source.text.lines().enumerate() {
            let text = line.trim().trim_matches(',').trim();
            let is_nothing = text.is_empty() || text.starts_with('#') && !is_whole;
            if !is_nothing && owners[number + 1] == 0 {
                wrong.push(format!("{}:{}: {line:?}", source.path, number + 1));
            }
        }
    }
    wrong
}
