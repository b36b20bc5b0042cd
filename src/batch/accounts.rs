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
}

/// Accounts, by the old login name.
pub type Accounts = BTreeMap<String, Account>;

/// Reads the list. Rows that cannot be read, double ones, and two users who
/// would get one account are problems; the first of two counts.
pub fn parse(file: &str, text: &str) -> (Accounts, Vec<Problem>) {
    let mut accounts = Accounts::new();
    let mut problems = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes());
    let columns = match reader.headers() {
        Ok(headers) => ["old", "new", "address"]
            .map(|name| headers.iter().position(|h| h.eq_ignore_ascii_case(name))),
        Err(error) => return (accounts, vec![Problem::with(file, error.to_string())]),
    };
    let [Some(old), Some(new), address] = columns else {
        let message = "the first line has to name the columns old, new and address";
        return (accounts, vec![Problem::at(file, 1, message)]);
    };
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map(|position| position.line() as usize);
                problems.push(Problem {
                    line,
                    ..Problem::with(file, "the line cannot be read as CSV")
                });
                continue;
            }
        };
        let line = record
            .position()
            .map_or(0, |position| position.line() as usize);
        let cell = |at: usize| record.get(at).unwrap_or("").to_owned();
        let (old, new) = (cell(old), cell(new));
        let address = address.map_or(String::new(), cell);
        let mut problem = |message: String| problems.push(Problem::at(file, line, message));
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
        accounts.insert(old, Account { new, address });
    }
    (accounts, problems)
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
            sue,ssue,not an address\n";
        let (accounts, problems) = parse("accounts.csv", text);
        assert_eq!(accounts.keys().collect::<Vec<_>>(), ["ann", "bob", "joe"]);
        assert_eq!(accounts["joe"].address, "j.doe@new.example");
        let lines: Vec<_> = problems.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(lines, [4, 5, 6, 7]);
    }

    #[test]
    fn a_list_without_head_is_refused() {
        let (accounts, problems) = parse("accounts.csv", "joe,jdoe,a@b\n");
        assert!(accounts.is_empty());
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].line, Some(1));
    }
}
