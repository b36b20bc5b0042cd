//! In: rows and texts of a batch. Out: the lists in a directory, each whole or
//! absent.

use super::run::BatchError;
use super::write;
use std::io;
use std::path::Path;

/// What the lists are called, beside the directories of the users.
pub(super) mod names {
    pub const INDEX: &str = "index.html";
    pub const SUMMARY: &str = "summary.csv";
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
    directory: Option<&'a Path>,
    /// Files that were written; the others said the same already.
    pub written: usize,
}

impl<'a> Output<'a> {
    pub fn open(directory: Option<&'a Path>) -> Result<Self, BatchError> {
        if let Some(directory) = directory {
            let made = write::private_directory(directory);
            made.and_then(|()| write::is_out_of_reach(directory))
                .and_then(|()| write::sweep(directory))
                .map_err(|error| output_error(directory, error))?;
        }
        Ok(Output {
            directory,
            written: 0,
        })
    }

    pub fn file(&mut self, name: &str, content: &[u8]) -> Result<(), BatchError> {
        if let Some(directory) = self.directory {
            let written = write::replace(directory, name, content)
                .map_err(|error| output_error(&directory.join(name), error))?;
            self.written += usize::from(written);
        }
        Ok(())
    }

    pub fn directory(&self) -> Option<&'a Path> {
        self.directory
    }

    /// A page that is written as it is made.
    pub fn page(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut io::BufWriter<write::Draft>) -> io::Result<()>,
    ) -> Result<(), BatchError> {
        let Some(directory) = self.directory else {
            return Ok(());
        };
        let written = write::Draft::new(directory).and_then(|draft| {
            let mut draft = io::BufWriter::new(draft);
            write(&mut draft)?;
            draft.into_inner()?.persist(directory, name)
        });
        let written = written.map_err(|error| output_error(&directory.join(name), error))?;
        self.written += usize::from(written);
        Ok(())
    }

    pub fn table(&self, name: &'static str, head: &[&str]) -> Result<CsvTable, BatchError> {
        let draft = match self.directory {
            Some(directory) => Some(
                write::Draft::new(directory)
                    .map_err(|error| output_error(&directory.join(name), error))?,
            ),
            None => None,
        };
        let mut table = CsvTable {
            name,
            writer: draft.map(csv::Writer::from_writer),
        };
        table.row(head)?;
        Ok(table)
    }
}

/// A CSV file that is being written.
pub(super) struct CsvTable {
    name: &'static str,
    writer: Option<csv::Writer<write::Draft>>,
}

impl CsvTable {
    pub fn row<T: AsRef<[u8]>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
    ) -> Result<(), BatchError> {
        match &mut self.writer {
            Some(writer) => writer
                .write_record(cells)
                .map_err(|error| output_error(Path::new(self.name), io::Error::from(error))),
            None => Ok(()),
        }
    }

    pub fn finish(self, output: &mut Output) -> Result<(), BatchError> {
        let (Some(writer), Some(directory)) = (self.writer, output.directory) else {
            return Ok(());
        };
        let written = writer
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
            .and_then(|draft| draft.persist(directory, self.name))
            .map_err(|error| output_error(&directory.join(self.name), error))?;
        output.written += usize::from(written);
        Ok(())
    }
}

pub(super) fn output_error(path: &Path, error: io::Error) -> BatchError {
    BatchError::Output {
        path: path.display().to_string(),
        error,
    }
}
