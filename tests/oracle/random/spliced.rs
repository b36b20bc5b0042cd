//! In: the rule files of homes. Out: other homes, made of their statements: what
//! people write, in an order in which nobody has.

use super::{Action, Home, Rules, Statement};
use crate::oracle::Files;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sievify::syntax::FileId;
use sievify::syntax::procmailrc::{Node, NodeKind, parse};
use std::iter::Peekable;

/// A statement longer than that makes a home of its own.
const LONGEST: usize = 1500;

/// The statements of all files in some homes, each block whole.
pub fn statements<'f>(homes: impl IntoIterator<Item = &'f Files>) -> Vec<Statement> {
    let files = homes.into_iter().flat_map(|home| &home.0);
    let rules = files.filter(|(path, _)| *path != ".forward");
    let texts = rules.filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok());
    let all = texts.flat_map(|text| level(text, &mut parse(FileId(0), text).iter().peekable()));
    all.filter(|statement| statement.to_string().len() <= LONGEST)
        .collect()
}

/// Homes of up to twelve of these statements. Now and then, one has other flags.
pub fn homes(statements: Vec<Statement>) -> BoxedStrategy<Home> {
    let other_flags = select(vec!["c", "E", "A", "a", "e", "D", "B", "HB"]);
    let changed = (prop::option::weighted(0.1, other_flags), select(statements)).prop_map(
        |(letters, statement)| match (letters, statement) {
            (
                Some(letters),
                Statement::Recipe {
                    flags,
                    conditions,
                    action,
                },
            ) => Statement::Recipe {
                flags: format!("{letters}{flags}"),
                conditions,
                action,
            },
            (_, statement) => statement,
        },
    );
    let home = |main| Home([Rules(main), Rules::default(), Rules::default()]);
    vec(changed, 2..12).prop_map(home).boxed()
}

/// The statements up to the end of a block, or of the text.
fn level<'n>(text: &str, nodes: &mut Peekable<impl Iterator<Item = &'n Node>>) -> Vec<Statement> {
    let mut statements = Vec::new();
    while let Some(node) = nodes.next() {
        match node.kind {
            NodeKind::Close => break,
            NodeKind::Assignment => statements.push(Statement::Line(line(text, node))),
            NodeKind::Header => statements.extend(recipe(text, &line(text, node), nodes)),
            _ => {}
        }
    }
    statements
}

/// What stands below a recipe's first line; nothing for a recipe of the old syntax, or
/// one without an action.
fn recipe<'n>(
    text: &str,
    header: &str,
    nodes: &mut Peekable<impl Iterator<Item = &'n Node>>,
) -> Option<Statement> {
    let mut conditions = Vec::new();
    loop {
        let node = nodes.peek()?;
        match node.kind {
            NodeKind::Condition => conditions.push(line(text, node)),
            NodeKind::Blank | NodeKind::Comment => {}
            NodeKind::Header | NodeKind::Close | NodeKind::Assignment | NodeKind::Skipped => {
                return None;
            }
            kind => {
                let action = line(text, node);
                nodes.next();
                let action = match kind {
                    NodeKind::Open => Action::Block(level(text, nodes)),
                    _ => Action::Line(action),
                };
                let flags = header.strip_prefix(":0")?.to_owned();
                return Some(Statement::Recipe {
                    flags,
                    conditions,
                    action,
                });
            }
        }
        nodes.next();
    }
}

/// The text of a node, without the blanks around it.
fn line(text: &str, node: &Node) -> String {
    let text = text.get(node.span.start..node.span.end);
    text.unwrap_or_default().trim().to_owned()
}
