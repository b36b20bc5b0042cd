//! In: the files of a home, one by one, as the stages that make the model ask
//! for them. Out: the sources that were read, their statements, and what was
//! found about these: one set of books for `.forward` and all that it calls.

mod code;
mod finding;
mod statement;

pub use code::Code;
pub use finding::{Finding, Findings, Note, Verdict, cut, shortened};
pub use statement::{Statement, StatementId, StatementKind};

use crate::home::{Home, ReadError};
use crate::syntax::{FileId, Source, Span};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// Collects what the elaboration of one home has to say beside the model.
pub struct Ledger<'h> {
    home: &'h dyn Home,
    sources: Vec<Source>,
    by_path: HashMap<String, FileId>,
    statements: Vec<Statement>,
    by_start: BTreeMap<(FileId, usize), StatementId>,
    findings: Findings,
}

impl<'h> Ledger<'h> {
    /// An empty ledger over a home.
    pub fn new(home: &'h dyn Home) -> Self {
        Ledger {
            home,
            sources: Vec::new(),
            by_path: HashMap::new(),
            statements: Vec::new(),
            by_start: BTreeMap::new(),
            findings: Findings::default(),
        }
    }

    /// The home.
    pub fn home(&self) -> &'h dyn Home {
        self.home
    }

    /// Reads a file of the home; a second time, it is the same source.
    ///
    /// # Errors
    /// What the home says.
    pub fn read(&mut self, path: &str) -> Result<FileId, ReadError> {
        if let Some(&file) = self.by_path.get(path) {
            return Ok(file);
        }
        let source = Source::new(path, self.home.read(path)?);
        let file = FileId(self.sources.len() as u32);
        self.sources.push(source);
        self.by_path.insert(path.to_owned(), file);
        Ok(file)
    }

    /// Enters text that does not come from the home as a file: nothing, where
    /// one cannot be read and there has to be a place to say so.
    pub fn enter(&mut self, path: &str, text: &str) -> FileId {
        let file = FileId(self.sources.len() as u32);
        self.sources
            .push(Source::new(path, text.as_bytes().to_vec()));
        file
    }

    /// How many sources there are.
    pub fn source_count(&self) -> usize {
        self.sources.len()
    }

    /// How many statements there are.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// A source that was read.
    pub fn source(&self, file: FileId) -> Option<&Source> {
        self.sources.get(file.0 as usize)
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.source(span.file)
            .map_or("", |source| source.slice(span))
    }

    /// Enters a statement. Where a file is read a second time, perhaps as
    /// something else, one that starts inside another is the same.
    pub fn statement(&mut self, kind: StatementKind, span: Span) -> StatementId {
        let start = (span.file, span.start);
        if let Some((&(file, first), &at)) = self.by_start.range(..=start).next_back()
            && file == span.file
            && (first == span.start || self.end_of(at) > span.start)
        {
            return at;
        }
        let at = StatementId(self.statements.len() as u32);
        self.by_start.insert(start, at);
        let end = self.room_behind(start).min(span.end);
        self.statements.push(Statement {
            span: Span { end, ..span },
            kind,
        });
        at
    }

    /// Lets a statement reach to `end`.
    pub fn extend(&mut self, statement: StatementId, end: usize) {
        let Some(span) = self.statements.get(statement.0 as usize).map(|s| s.span) else {
            return;
        };
        let end = self.room_behind((span.file, span.start)).min(end);
        if let Some(statement) = self.statements.get_mut(statement.0 as usize) {
            statement.span.end = end;
        }
    }

    fn end_of(&self, statement: StatementId) -> usize {
        let statement = self.statements.get(statement.0 as usize);
        statement.map_or(0, |statement| statement.span.end)
    }

    /// Where the statement behind this place starts.
    fn room_behind(&self, start: (FileId, usize)) -> usize {
        let behind = (Bound::Excluded(start), Bound::Unbounded);
        let next = self.by_start.range(behind).next();
        next.filter(|((file, _), _)| *file == start.0)
            .map_or(usize::MAX, |((_, next), _)| *next)
    }

    /// Enters a finding about a whole statement; the same one counts once.
    pub fn find(&mut self, at: StatementId, note: Note) {
        self.find_in(at, None, note);
    }

    /// Enters a finding about a part of a statement; the same one counts once.
    pub fn find_in(&mut self, at: StatementId, span: Option<Span>, note: Note) {
        self.findings.add(note.about(at, span));
    }

    /// The books: sources, statements, findings.
    pub fn close(self) -> (Vec<Source>, Vec<Statement>, Vec<Finding>) {
        (self.sources, self.statements, self.findings.into_list())
    }
}
