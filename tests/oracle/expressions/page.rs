//! The tables of `docs/procmail.md`.

use super::{Answer, Question, Round, Searched, ask};
use libtest_mimic::Failed;
use std::path::Path;

/// Asks procmail and us about every row.
pub fn agree() -> Result<(), Failed> {
    let Some(cell) = super::cell() else {
        return Ok(());
    };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/procmail.md");
    let page = std::fs::read_to_string(page)?;
    let mut wrong = Vec::new();
    let mut rows = 0;
    for part in page.split("\n## ") {
        let title = part.lines().next().unwrap_or_default();
        for row in part.lines().skip(1).filter(|line| line.starts_with("| `")) {
            rows += 1;
            let claims = claims(title, row);
            let round = Round {
                header: String::new(),
                body: String::new(),
                questions: claims.iter().map(|claim| claim.question.clone()).collect(),
            };
            for (claim, theirs) in claims.iter().zip(ask(&cell, &round)?) {
                let ours = claim.question.ours(&round);
                if !(claim.is_true)(&theirs) || ours != theirs {
                    let question = &claim.question;
                    wrong.push(format!("{row}\n{question:?}: {theirs:?} (ours: {ours:?})"));
                }
            }
        }
    }
    match wrong.is_empty() && rows > 40 {
        true => Ok(()),
        false => Err(format!("{rows} rows; {}", wrong.join("\n")).into()),
    }
}

/// What a row says of one text.
struct Claim {
    question: Question,
    is_true: Box<dyn Fn(&Answer) -> bool>,
}

fn claims(title: &str, row: &str) -> Vec<Claim> {
    const BAR: &str = "\u{1}";
    let row = row.replace(r"\|", BAR);
    let cells: Vec<Vec<String>> = row
        .split('|')
        .map(|cell| code(&cell.replace(BAR, "|")))
        .collect();
    let [_, expression, texts, said, ..] = cells.as_slice() else {
        return Vec::new();
    };
    let claim = |text: &String, is_true: Box<dyn Fn(&Answer) -> bool>| Claim {
        question: Question {
            expression: super::guarded(&expression.concat()),
            searched: Searched::Variable(text.clone()),
            distinguishes_case: false,
            weight: (10, 10),
        },
        is_true,
    };
    let said = said.clone();
    match title {
        "What matches" => {
            let yes = texts
                .iter()
                .map(|text| claim(text, Box::new(|answer| answer.holds)));
            let no = said
                .iter()
                .map(|text| claim(text, Box::new(|answer| !answer.holds)));
            yes.chain(no).collect()
        }
        "What goes to MATCH" => {
            let matched = said.concat();
            let is_true =
                Box::new(move |answer: &Answer| answer.matched.as_ref() == Some(&matched));
            vec![claim(&texts.concat(), is_true)]
        }
        _ => {
            let score = said.concat().parse().ok();
            let is_true = Box::new(move |answer: &Answer| answer.score == score);
            vec![claim(&texts.concat(), is_true)]
        }
    }
}

/// What stands between backquotes.
fn code(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(|part| part.replace('␤', "\n")).collect()
}
