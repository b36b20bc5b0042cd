//! In: rows and texts of a batch. Out: the lists in a directory, each whole or
//! absent.

use super::run::BatchError;
use super::write::{self, Directory, Draft};
use std::io;
use std::path::{Path, PathBuf};

/// What the lists are called, beside the directories of the users.
pub(super) mod names {
    pub const INDEX: &str = "index.html";
    pub const SUMMARY: &str = "summary.csv";
    /// What the next run is to know of this one.
    pub const SEEN: &str = ".seen.csv";
    pub const TOTALS: &str = "summary.json";
    pub const FOLDERS: &str = "folders.csv";
    pub const LISTS: &str = "lists.csv";
    pub const FORWARDS: &str = "forwards.csv";
    pub const VIRTUAL: &str = "virtual";
    pub const RELOCATED: &str = "relocated";
    /// No user can have a directory of one of these names.
    pub const ALL: [&str; 8] = [
        INDEX, SUMMARY, TOTALS, FOLDERS, LISTS, FORWARDS, VIRTUAL, RELOCATED,
    ];
}

/// The directory of the lists; nothing at all where only a check is made.
pub(super) struct Output<'a> {
    directory: Option<&'a Directory>,
    /// Files that were written; the others said the same already.
    pub written: usize,
}

impl<'a> Output<'a> {
    /// What an interrupted run left in the directory is swept away.
    pub fn open(directory: Option<&'a Directory>) -> Result<Self, BatchError> {
        if let Some(directory) = directory {
            write::is_out_of_reach(directory.path())
                .and_then(|()| directory.sweep())
                .map_err(|error| output_error(directory.path(), error))?;
        }
        Ok(Output {
            directory,
            written: 0,
        })
    }

    pub fn file(&mut self, name: &str, content: &[u8]) -> Result<(), BatchError> {
        if let Some(directory) = self.directory {
            let failed = |error| output_error(&directory.path().join(name), error);
            if !directory.has(name, content).map_err(failed)? {
                directory.put(name, content).map_err(failed)?;
                self.written += 1;
            }
        }
        Ok(())
    }

    pub fn directory(&self) -> Option<&'a Directory> {
        self.directory
    }

    /// A page that is written as it is made.
    pub fn page(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut io::BufWriter<Draft>) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        let Some(directory) = self.directory else {
            return Ok(());
        };
        let written = Draft::new(directory, name).and_then(|draft| {
            let mut draft = io::BufWriter::new(draft);
            write(&mut draft)?;
            draft.into_inner()?.persist()
        });
        let written = written.map_err(|error| output_error(&directory.path().join(name), error))?;
        self.written += usize::from(written);
        Ok(())
    }

    /// A list that is written row by row.
    pub fn table(&self, name: &str, head: &[&str]) -> Result<CsvTable<'a>, BatchError> {
        let writer = match self.directory {
            Some(directory) => {
                let path = directory.path().join(name);
                let draft =
                    Draft::new(directory, name).map_err(|error| output_error(&path, error))?;
                Some((csv::Writer::from_writer(draft), path))
            }
            None => None,
        };
        let mut table = CsvTable { writer };
        table.row(head)?;
        Ok(table)
    }
}

/// A CSV file that is being written, and its path; nothing where only a check is
/// made.
pub(super) struct CsvTable<'a> {
    writer: Option<(csv::Writer<Draft<'a>>, PathBuf)>,
}

impl CsvTable<'_> {
    pub fn row<T: AsRef<[u8]>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
    ) -> Result<(), BatchError> {
        match &mut self.writer {
            Some((writer, path)) => writer
                .write_record(cells)
                .map_err(|error| output_error(path, io::Error::from(error))),
            None => Ok(()),
        }
    }

    /// Puts it in its place; `false` where the same stands there already.
    pub fn finish(self) -> Result<bool, BatchError> {
        let Some((writer, path)) = self.writer else {
            return Ok(false);
        };
        writer
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
            .and_then(Draft::persist)
            .map_err(|error| output_error(&path, error))
    }
}

/// Opens the directory of the output, for this run alone, or with others of its kind.
pub(super) fn directory(path: &Path, shared: bool) -> Result<Directory, BatchError> {
    Directory::private(path)
        .and_then(|directory| directory.lock(shared).map(|()| directory))
        .map_err(|error| output_error(path, error))
}

/// Waits until all below a directory is on disk.
pub(super) fn settle(directory: &Directory) -> Result<(), BatchError> {
    directory
        .settle()
        .map_err(|error| output_error(directory.path(), error))
}

pub(super) fn output_error(path: &Path, error: io::Error) -> BatchError {
    BatchError::Output {
        path: path.display().to_string(),
        error,
    }
}
