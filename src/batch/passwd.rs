//! In: passwd(5) text. Out: users with their homes.

use super::lines::{Problem, is_safe_name};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A line of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswdUser {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Home directory.
    pub home: String,
}

/// Reads every line; what is wrong with one does not stop the rest. The first
/// line of a name counts, as for getpwnam(3).
pub fn parse(file: &str, text: &str) -> (Vec<PasswdUser>, Vec<Problem>) {
    let mut users = Vec::new();
    let mut problems = Vec::new();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.starts_with(['#', '+', '-']) {
            continue;
        }
        match user(line) {
            Ok(user) => match lines.entry(user.name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(at + 1);
                    users.push(user);
                }
                Entry::Occupied(first) => {
                    let message = format!("{} stands on line {} already", user.name, first.get());
                    problems.push(Problem::at(file, at + 1, message));
                }
            },
            Err(message) => problems.push(Problem::at(file, at + 1, message)),
        }
    }
    (users, problems)
}

fn user(line: &str) -> Result<PasswdUser, String> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, _, _, home, _] = fields.as_slice() else {
        return Err(format!("a user has 7 fields, this line {}", fields.len()));
    };
    if !is_safe_name(name) {
        return Err("the login name cannot be the name of a directory".to_owned());
    }
    let uid = uid
        .parse()
        .map_err(|_| "the user id is not a number".to_owned())?;
    if !home.starts_with('/') {
        return Err("the home is not an absolute path".to_owned());
    }
    Ok(PasswdUser {
        name: (*name).to_owned(),
        uid,
        home: (*home).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lines_are_read_and_bad_ones_named() {
        let text = "joe:x:1000:1000:Joe,,,:/home/joe:/bin/sh\n\
            # note\n\
            bad\n\
            ../x:x:1:1::/home/x:/bin/sh\n\
            ann:x:many:1::/home/ann:/bin/sh\n\
            bob:x:1:1::home:/bin/sh\n\
            \n\
            sue:x:7:7::/h/sue:\n\
            joe:x:1001:1000::/home/joe2:/bin/sh\n";
        let (users, problems) = parse("passwd", text);
        let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["joe", "sue"]);
        let lines: Vec<_> = problems.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 9]);
    }
}
