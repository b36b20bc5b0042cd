//! In: paths on the old host, as text. Out: paths in their plain form, or as the
//! home has them.

use crate::home::Format;

/// Where hosts keep the inbox of a user.
pub const SPOOLS: [&str; 4] = [
    "/var/mail",
    "/var/spool/mail",
    "/usr/spool/mail",
    "/usr/mail",
];

/// A path as the shell has it, from the home: it puts that in the place of the tilde.
pub fn from_home(written: &str) -> &str {
    written.strip_prefix("~/").unwrap_or(written)
}

/// Whether a mailbox stands where a host keeps the mail of a user: in the home, or
/// below a spool under the user's name. Elsewhere it may be somebody else's.
pub fn is_of_user(path: &str, home: &str, user: &str) -> bool {
    let has_name = |rest: &str| rest.split('/').any(|part| part == user);
    let in_spool = |spool: &&str| below(spool, path).is_some_and(has_name);
    below(home, path).is_some() || SPOOLS.iter().any(in_spool)
}

/// Whether a mailbox would lie at the top of the file system, among the homes, or among
/// the devices, of which one swallows mail.
pub fn belongs_to_root(path: &str, home_path: &str) -> bool {
    let home_path = home_path.trim_end_matches('/');
    let lies_in = directory(path);
    let is_device = path != "/dev/null" && below("/dev", path).is_some();
    path != home_path && (is_device || lies_in == Some("") || lies_in == directory(home_path))
}

fn directory(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(directory, _)| directory)
}

/// The mailbox that a path leads to. `.lists/new` and `Maildir/new` without a mark are
/// none: programs show what lies there as mail of the maildir.
pub fn mailbox(path: &str, format: Format) -> (&str, Format) {
    let is_maildir = |path: &&str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == "Maildir" || name.starts_with('.') && !matches!(name, "." | "..")
    };
    match format {
        Format::Mbox | Format::Directory => { path.strip_suffix("/new") }
            .filter(is_maildir)
            .map_or((path, format), |maildir| (maildir, Format::Maildir)),
        _ => (path, format),
    }
}

/// A path as seen from a directory, without `.` and empty parts, and without
/// `..` where a part stands before it.
pub fn join(directory: &str, path: &str) -> String {
    let absolute = path.starts_with('/') || directory.starts_with('/');
    let base = if path.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match absolute {
        true => format!("/{joined}"),
        false => joined,
    }
}

/// The part of an absolute path that lies below the home.
pub fn below<'p>(home: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(home.trim_end_matches('/'))?;
    match rest.strip_prefix('/') {
        Some(rest) => Some(rest),
        None if rest.is_empty() => Some(""),
        None => None,
    }
}

/// An absolute path as the home is asked for it: seen from itself, where it lies below.
pub fn asked_for<'p>(home: &str, path: &'p str) -> &'p str {
    below(home, path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_of_others_are_known_as_such() {
        let is_own = |path| is_of_user(path, "/home/ann", "ann");
        assert!(is_own("/home/ann/Mail/x") && is_own("/var/mail/a/ann"));
        assert!(!is_own("/home/anna/x") && !is_own("/var/mail/bob") && !is_own("/data/ann"));
    }

    #[test]
    fn what_lies_in_new_is_of_the_maildir() {
        let of = |path| mailbox(path, Format::Mbox);
        assert_eq!(of(".lists/new"), (".lists", Format::Maildir));
        assert_eq!(of("/u/Maildir/new"), ("/u/Maildir", Format::Maildir));
        for path in ["lists/new", "../new", "new", "/new", "./new", ".lists/cur"] {
            assert_eq!(of(path), (path, Format::Mbox));
        }
        let marked = (".lists/new", Format::Maildir);
        assert_eq!(mailbox(marked.0, marked.1), marked);
    }

    #[test]
    fn paths_are_joined() {
        assert_eq!(join("/home/u", "a/./b//c"), "/home/u/a/b/c");
        assert_eq!(join("/home/u", "/etc/x"), "/etc/x");
        assert_eq!(join("/home/u", "../../../v"), "/v");
        assert_eq!(join("a", "../../b"), "../b");
        assert_eq!(below("/home/u/", "/home/u/x"), Some("x"));
        assert_eq!(below("/home/u", "/home/uu"), None);
        assert_eq!(below("/home/u", "/home/u"), Some(""));
    }

    #[test]
    fn some_mailboxes_are_where_users_have_none() {
        let is_such = |path| belongs_to_root(path, "/home/ann");
        assert!(is_such("/news") && is_such("/home/annnews") && is_such("/dev/null.news"));
        assert!(!is_such("/dev/null") && !is_such("/home/ann") && !is_such("/home/ann/news"));
    }
}
