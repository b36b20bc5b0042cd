//! Real Postfix: what its local(8) does with a message for a user who has a
//! `.forward` file, or stands in aliases(5).
//!
//! One Postfix serves many users, each with a home of their own and one
//! message; it listens to nobody, and throws away what goes to other hosts.

use super::{DOMAIN, Files};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The user of Postfix itself, and the group of its drop box.
const POSTFIX: u32 = 65531;
const POSTDROP: u32 = 65530;
const FIRST_USER: u32 = 2000;
/// Where all messages come from; nothing is delivered there.
const SENDER: &str = "s@example.com";
/// A user without any rules.
pub const PLAIN: &str = "plain";

/// A user, and where the mail goes.
pub struct User {
    /// The login name.
    pub name: String,
    /// What the home holds.
    pub files: Files,
    /// The right-hand side of the alias of that name.
    pub alias: Option<String>,
    /// The address that is written to: `u+detail`, or the name.
    pub address: String,
}

/// What became of each user's message: `mailbox`, `file PATH`, `maildir PATH`,
/// `address ADDRESS`, `command COMMAND`, `refused`.
pub type Ends = BTreeMap<String, BTreeSet<String>>;

/// Delivers a message to every user.
///
/// # Errors
/// Where Postfix does not start, or does not finish.
pub fn deliver(users: &[User]) -> io::Result<Ends> {
    if !super::cell::inside() || !rustix::process::geteuid().is_root() {
        return Err(io::Error::other("only root in namespaces can start it"));
    }
    let root = tempfile::Builder::new()
        .prefix("sievify-postfix-")
        .tempdir_in("/dev/shm")?;
    fs::set_permissions(
        root.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )?;
    let running = Running {
        root: root.path().to_path_buf(),
    };
    lay_out(root.path(), users)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/start-postfix.sh");
    let started = Command::new(script).arg(root.path()).output()?;
    if !started.status.success() {
        let said = String::from_utf8_lossy(&started.stderr).into_owned();
        return Err(io::Error::other(format!("it does not start: {said}")));
    }
    for user in users {
        running.send(user)?;
    }
    running.wait()?;
    let mut ends: Ends = users
        .iter()
        .map(|user| (user.name.clone(), BTreeSet::new()))
        .collect();
    running.files(&mut ends)?;
    running.log(users, &mut ends)?;
    Ok(ends)
}

fn lay_out(root: &Path, users: &[User]) -> io::Result<()> {
    fs::create_dir_all(root.join("etc"))?;
    let mut passwd = format!(
        "root:x:0:0::/:/bin/sh\npostfix:x:{POSTFIX}:{POSTFIX}::/:/bin/sh\n\
         nobody:x:65534:65534::/:/bin/sh\n"
    );
    let mut group =
        format!("root:x:0:\npostfix:x:{POSTFIX}:\npostdrop:x:{POSTDROP}:\nnogroup:x:65534:\n");
    let mut aliases = String::new();
    let plain = User {
        name: PLAIN.to_string(),
        files: Files::default(),
        alias: None,
        address: PLAIN.to_string(),
    };
    for (id, user) in (FIRST_USER..).zip(users.iter().chain([&plain])) {
        let User {
            name, files, alias, ..
        } = user;
        passwd += &format!("{name}:x:{id}:{id}::/home/{name}:/bin/sh\n");
        group += &format!("{name}:x:{id}:\n");
        if let Some(alias) = alias {
            aliases += &format!("{name}: {alias}\n");
        }
        let home = root.join("home").join(name);
        fs::create_dir_all(&home)?;
        files.write(&home)?;
        for entry in walkdir::WalkDir::new(&home) {
            chown(entry?.path(), Some(id), Some(id))?;
        }
    }
    fs::write(root.join("etc/passwd"), passwd)?;
    fs::write(root.join("etc/group"), group)?;
    fs::write(root.join("etc/aliases"), aliases)
}

/// A Postfix that runs until this is dropped.
struct Running {
    root: PathBuf,
}

impl Running {
    fn send(&self, user: &User) -> io::Result<()> {
        let mut child = Command::new("chroot")
            .arg(&self.root)
            .args(["/usr/sbin/sendmail", "-f", SENDER])
            .arg(format!("{}@{DOMAIN}", user.address))
            .env("MAIL_CONFIG", "/etc/postfix")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(stdin) = &mut child.stdin {
            write!(
                stdin,
                "From: {SENDER}\nTo: {}@{DOMAIN}\nSubject: hello\nX-Case: {}\n\nThe body\n",
                user.address, user.name
            )?;
        }
        match child.wait()?.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("no mail for {}", user.name))),
        }
    }

    /// Waits until the queue is empty, but for mail that is tried again later.
    fn wait(&self) -> io::Result<()> {
        let started = Instant::now();
        let queue = self.root.join("var/spool/postfix");
        let mut quiet = 0;
        while quiet < 3 {
            let mut waiting = 0;
            for name in ["maildrop", "incoming", "active"] {
                waiting += fs::read_dir(queue.join(name))?.count();
            }
            quiet = if waiting == 0 { quiet + 1 } else { 0 };
            if started.elapsed() > Duration::from_secs(60) {
                return Err(io::Error::other("its queue does not become empty"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Where the messages lie.
    fn files(&self, ends: &mut Ends) -> io::Result<()> {
        for directory in ["home", "var/mail", "tmp"] {
            for entry in walkdir::WalkDir::new(self.root.join(directory)) {
                let entry = entry?;
                if !entry.file_type().is_file() {
                    continue;
                }
                let content = fs::read(entry.path())?;
                let content = String::from_utf8_lossy(&content);
                let inside = entry
                    .path()
                    .strip_prefix(&self.root)
                    .unwrap_or(entry.path());
                let path = format!("/{}", inside.display());
                for line in content.lines() {
                    if let Some(name) = line.strip_prefix("X-Case: ")
                        && let Some(ends) = ends.get_mut(name)
                    {
                        ends.insert(place(&path, name));
                    }
                }
            }
        }
        Ok(())
    }

    /// What stands in the log alone: other hosts, programs, refusals.
    fn log(&self, users: &[User], ends: &mut Ends) -> io::Result<()> {
        let log = fs::read_to_string(self.root.join("var/log/mail"))?;
        for line in log.lines() {
            let field = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=<"))?;
                Some(rest.split_once('>')?.0)
            };
            let (Some(to), Some((_, status))) = (field(" to"), line.split_once("status=")) else {
                continue;
            };
            let original = field("orig_to").unwrap_or(to);
            let is_of = |user: &&User| {
                [&user.address, &user.name].iter().any(|name| {
                    let address = format!("{name}@{DOMAIN}");
                    [name.as_str(), &address].contains(&original)
                })
            };
            let Some(ends) = users
                .iter()
                .find(is_of)
                .and_then(|user| ends.get_mut(&user.name))
            else {
                continue;
            };
            if line.contains("postfix/discard") {
                ends.insert(format!("address {to}"));
            } else if let Some(command) = status.strip_prefix("sent (delivered to command: ") {
                ends.insert(format!("command {}", command.trim_end_matches(')').trim()));
            } else if status.starts_with("bounced") {
                ends.insert("refused".to_string());
            } else if status.starts_with("deferred") {
                ends.insert("waits".to_string());
            }
        }
        Ok(())
    }
}

/// What a file stands for.
fn place(path: &str, name: &str) -> String {
    if path == format!("/var/mail/{name}") {
        return "mailbox".to_string();
    }
    if let Some(other) = path.strip_prefix("/var/mail/") {
        return format!("address {other}@{DOMAIN}");
    }
    match path.rsplit_once("/new/") {
        Some((maildir, _)) => format!("maildir {maildir}"),
        None => format!("file {path}"),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.root.join("var/spool/postfix/pid/master.pid"));
        let pid = pid.ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            std::thread::sleep(Duration::from_millis(200));
        }
        for place in ["usr", "dev/null", "dev/urandom"] {
            let place = self.root.join(place);
            let _ = Command::new("umount").arg("--lazy").arg(place).status();
        }
    }
}
