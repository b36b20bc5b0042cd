//! In: the list of accounts, CSV with the columns `old,new,address`. Out: where
//! each user went.

use super::lines::{Problem, is_safe_name};
use crate::syntax::forward::mailbox;
use std::collections::BTreeMap;

/// Where one user goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The name of the new account.
    pub new: String,
    /// The new address; empty where it was not given.
    pub address: String,
    /// The line of the list that says so.
    pub line: usize,
}

/// Accounts, by the old login name.
pub type Accounts = BTreeMap<String, Account>;

/// Reads the list; a spreadsheet may have put semicolons for commas. Rows that cannot be
/// read, double ones, and two users who would get one account are problems; the first of
/// two counts. `None` where the first line does not name the columns.
pub fn parse(file: &str, text: &str) -> (Option<Accounts>, Vec<Problem>) {
    let is_blank = |line: &(usize, &str)| line.1.trim().is_empty();
    let mut lines = (1..).zip(text.lines()).skip_while(is_blank);
    let (first, head) = lines.next().unwrap_or((1, ""));
    let separator = if head.contains(',') { b',' } else { b';' };
    let cells = |line| cells(line, separator);
    let head = cells(head).unwrap_or_default();
    let column = |name| head.iter().position(|head| head.eq_ignore_ascii_case(name));
    let (Some(old), Some(new)) = (column("old"), column("new")) else {
        let message = "the first line has to be `old,new,address`";
        return (None, vec![Problem::at(file, first, message)]);
    };
    let address = column("address");
    let mut accounts = Accounts::new();
    let mut problems = Vec::new();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for (line, text) in lines {
        if text.trim().is_empty() {
            continue;
        }
        let mut problem = |message: String| problems.push(Problem::at(file, line, message));
        let Some(row) = cells(text) else {
            problem("the line cannot be read as CSV: a quote is not closed".to_owned());
            continue;
        };
        if text.contains(char::REPLACEMENT_CHARACTER) {
            problem("the line is not in UTF-8".to_owned());
            continue;
        }
        if row.iter().skip(head.len()).any(|cell| !cell.is_empty()) {
            problem(format!(
                "the line has more cells than the first one, which names {}",
                head.len()
            ));
            continue;
        }
        let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
        let (old, new) = (cell(old), cell(new));
        let address = address.map_or(String::new(), cell);
        if !is_safe_name(&old) || !is_safe_name(&new) {
            problem("the old and the new account each need a plain name".to_owned());
            continue;
        }
        if !address.is_empty() && mailbox(&address).as_deref() != Some(address.as_str())
            || !address.is_empty() && !address.contains('@')
        {
            problem(format!("the new address of {old} is not a mail address"));
            continue;
        }
        if accounts.contains_key(&old) {
            problem(format!("{old} has a line above already"));
            continue;
        }
        if let Some(other) = owners.get(&new.to_lowercase()) {
            problem(format!("{old} and {other} would get one account, {new}"));
        }
        owners.entry(new.to_lowercase()).or_insert(old.clone());
        accounts.insert(old, Account { new, address, line });
    }
    (Some(accounts), problems)
}

/// The cells of one line. A row ends with its line even where a quote is open:
/// it would take the rows below with it.
fn cells(line: &str, separator: u8) -> Option<Vec<String>> {
    if !line.matches('"').count().is_multiple_of(2) {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(line.as_bytes());
    let row = reader.records().next()?.ok()?;
    Some(row.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rows_are_read_and_bad_ones_named() {
        let text = "old,new,address\n\
            joe,jdoe,j.doe@new.example\n\
            ann,asmith\n\
            ../x,y,z@new.example\n\
            joe,other,o@new.example\n\
            bob,JDOE,b@new.example\n\
            sue,ssue,not an address\n\
            \n\
            tim,\"tim,t@new.example\n\
            tom,tommy,t@new.example,t@other.example\n\
            zoe,zz,z@new.example,,\n\
            \"kim\", kk ,k@new.example\n";
        let (accounts, problems) = parse("accounts.csv", text);
        let accounts = accounts.unwrap();
        let names: Vec<_> = accounts.keys().collect();
        assert_eq!(names, ["ann", "bob", "joe", "kim", "zoe"]);
        assert_eq!(accounts["kim"].new, "kk");
        assert_eq!(accounts["joe"].address, "j.doe@new.example");
        let lines: Vec<_> = problems.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(lines, [4, 5, 6, 7, 9, 10]);
    }

    #[test]
    fn what_a_spreadsheet_writes_is_read() {
        let text = "\n\"old\";new;Address\njoe;jdoe;j@new.example\n../x;y;\n";
        let (accounts, problems) = parse("accounts.csv", text);
        assert_eq!(accounts.unwrap()["joe"].address, "j@new.example");
        assert_eq!(problems[0].line, Some(4));
    }

    #[test]
    fn a_list_without_head_is_refused() {
        let (accounts, problems) = parse("accounts.csv", "joe,jdoe,a@b\n");
        assert_eq!(accounts, None);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].line, Some(1));
    }
}
