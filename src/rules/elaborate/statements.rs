//! In: the nodes of a procmailrc. Out: its statements, entered in the ledger,
//! with the nodes each consists of.

use crate::ledger::Ledger;
use crate::rules::model::{StatementId, StatementKind};
use crate::syntax::procmailrc::{self, Node, NodeKind};
use crate::syntax::{FileId, Span};

/// A statement, or a closing brace.
#[derive(Debug)]
pub struct Item {
    /// The statement; a closing brace belongs to the one before it.
    pub at: StatementId,
    /// What it is.
    pub kind: ItemKind,
}

/// What an [`Item`] is.
#[derive(Debug)]
pub enum ItemKind {
    /// `NAME=value` or `NAME`.
    Assignment(Span),
    /// A recipe.
    Recipe(Lines),
    /// A recipe without an action: its header.
    Incomplete(Span),
    /// `}`.
    Close,
    /// Text that procmail skips.
    Skipped,
    /// The whole of a file that is too large to look into.
    TooLarge,
}

/// The lines of a recipe.
#[derive(Debug)]
pub struct Lines {
    /// `:0 …`.
    pub header: Span,
    /// The conditions.
    pub conditions: Vec<Span>,
    /// The action.
    pub action: Node,
}

impl ItemKind {
    /// Whether it opens a block.
    pub fn is_block(&self) -> bool {
        matches!(self, ItemKind::Recipe(lines) if lines.action.kind == NodeKind::Open)
    }
}

/// Bytes of one file: a larger one is no person's work.
const MAX_BYTES: usize = 1 << 20;
/// Recipes, conditions, actions and assignments of one file.
const MAX_NODES: usize = 50_000;

/// Enters a file that is too large as one statement.
pub fn enter_whole(ledger: &mut Ledger, file: FileId) -> Vec<Item> {
    let end = ledger.source(file).map_or(0, |source| source.text.len());
    let span = Span {
        file,
        start: 0,
        end,
    };
    vec![Item {
        at: ledger.statement(StatementKind::Skipped, span),
        kind: ItemKind::TooLarge,
    }]
}

/// Enters the statements of a file.
pub fn enter(ledger: &mut Ledger, file: FileId) -> Vec<Item> {
    let nodes = match ledger.source(file) {
        Some(source) if source.text.len() > MAX_BYTES => return enter_whole(ledger, file),
        Some(source) => procmailrc::parse(file, &source.text),
        None => Vec::new(),
    };
    let says_something = |node: &&Node| !matches!(node.kind, NodeKind::Blank | NodeKind::Comment);
    if nodes.iter().filter(says_something).count() > MAX_NODES {
        return enter_whole(ledger, file);
    }
    let mut items: Vec<Item> = Vec::new();
    let mut nodes = nodes.into_iter().peekable();
    while let Some(node) = nodes.next() {
        let item = match node.kind {
            NodeKind::Blank | NodeKind::Comment => continue,
            NodeKind::Assignment => {
                let text = ledger.text(node.span);
                let kind = match text.split(['=', ' ', '\t']).next() {
                    Some("INCLUDERC" | "SWITCHRC") => StatementKind::Include,
                    _ => StatementKind::Assignment,
                };
                let span = trimmed(ledger, node.span);
                Item {
                    at: ledger.statement(kind, span),
                    kind: ItemKind::Assignment(node.span),
                }
            }
            NodeKind::Header => {
                let mut conditions = Vec::new();
                let mut action = None;
                let mut end = node.span.end;
                while let Some(next) = nodes.next_if(|next| {
                    next.kind.is_action()
                        || matches!(
                            next.kind,
                            NodeKind::Condition | NodeKind::Blank | NodeKind::Comment
                        )
                }) {
                    match next.kind {
                        NodeKind::Blank | NodeKind::Comment => continue,
                        NodeKind::Condition => conditions.push(next.span),
                        _ => action = Some(next),
                    }
                    end = next.span.end;
                    if action.is_some() {
                        break;
                    }
                }
                let span = trimmed(ledger, Span { end, ..node.span });
                match action {
                    Some(action) => Item {
                        at: ledger.statement(StatementKind::Recipe, span),
                        kind: ItemKind::Recipe(Lines {
                            header: node.span,
                            conditions,
                            action,
                        }),
                    },
                    None => Item {
                        at: ledger.statement(StatementKind::Skipped, span),
                        kind: ItemKind::Incomplete(node.span),
                    },
                }
            }
            NodeKind::Close => match items.last() {
                Some(before) => {
                    ledger.extend(before.at, node.span.end);
                    Item {
                        at: before.at,
                        kind: ItemKind::Close,
                    }
                }
                None => Item {
                    at: ledger.statement(StatementKind::Skipped, node.span),
                    kind: ItemKind::Skipped,
                },
            },
            // An action stands behind a header only.
            _ => {
                let span = trimmed(ledger, node.span);
                Item {
                    at: ledger.statement(StatementKind::Skipped, span),
                    kind: ItemKind::Skipped,
                }
            }
        };
        items.push(item);
    }
    items
}

/// A span without the blanks and line ends at its close.
fn trimmed(ledger: &Ledger, span: Span) -> Span {
    let text = ledger.text(span).trim_end_matches([' ', '\t', '\n', '\r']);
    Span {
        end: span.start + text.len().max(1),
        ..span
    }
}
