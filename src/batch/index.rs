//! In: `summary.csv` of a batch. Out: `index.html`.

use super::output::{Output, names, output_error};
use super::rows::{SUMMARY, user_of};
use super::run::BatchError;
use crate::report::Summary;
use crate::report::explain;
use crate::report::html::{IndexRow, index};
use std::io;
use std::path::Path;

/// Writes the page beside the list, where there is one.
pub(super) fn write(output: &mut Output) -> Result<(), BatchError> {
    let Some(directory) = output.directory() else {
        return Ok(());
    };
    let path = directory.path().join(names::SUMMARY);
    let rows = rows(&path).map_err(|error| output_error(&path, error))?;
    output.page(names::INDEX, |out| index(rows, out))
}

fn rows(path: &Path) -> io::Result<Vec<IndexRow>> {
    let records = csv::Reader::from_path(path)?.into_records();
    records
        .map(|record| Ok(row(record?.iter().collect())))
        .collect()
}

fn row(cells: Vec<&str>) -> IndexRow {
    let cell = |name: &str| {
        let column = SUMMARY.iter().position(|column| *column == name);
        column.and_then(|at| cells.get(at)).copied().unwrap_or("")
    };
    let number = |name| cell(name).parse().unwrap_or(0);
    IndexRow {
        user: user_of(cell("user")).to_owned(),
        new: user_of(cell("new")).to_owned(),
        counts: Summary {
            exact: number("exact"),
            adapted: number("adapted"),
            dropped: number("dropped"),
            manual: number("manual"),
        },
        manual: cell("codes").split(' ').filter_map(explain::find).collect(),
        problem: Some(cell("problem").to_owned()).filter(|problem| !problem.is_empty()),
    }
}
