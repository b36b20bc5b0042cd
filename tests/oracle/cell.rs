//! A place where nothing but procmail and formail can run: a minimal root on
//! a memory file system, without network, with limits on time and files.
//!
//! The tests' own executable stands in every other program's place
//! ([`super::recorder`]) and, before the first test, starts itself again
//! inside fresh namespaces ([`enter`]).

use super::USER;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The user and group that procmail runs as.
const ID: u32 = 65533;
/// How long a program may run on behind procmail.
const LATE: Duration = Duration::from_secs(20);
const INSIDE: &str = "SIEVIFY_INSIDE_CELL";

/// Whether the process is inside its namespaces.
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Gives the machine inside the namespaces its name.
pub fn name() -> io::Result<()> {
    fs::write("/proc/sys/kernel/hostname", super::HOST)
}

/// Replaces the process by itself in namespaces without network. Returns only
/// where that is impossible, with the reason.
pub fn enter() -> io::Error {
    let limits = ["--nofile=1024", "--fsize=536870912", "--core=0"];
    let mut unshare = vec![
        "--net",
        "--mount",
        "--ipc",
        "--uts",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ];
    let map_user = format!("--map-user={ID}");
    let map_group = format!("--map-group={ID}");
    if !is_root() {
        unshare.extend(["--keep-caps", &map_user, &map_group]);
    }
    let executable = match std::env::current_exe() {
        Ok(path) => path,
        Err(error) => return error,
    };
    let possible = Command::new("unshare")
        .args(&unshare)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    match possible {
        Ok(status) if status.success() => {}
        Ok(_) => return io::Error::other("namespaces are not permitted here"),
        Err(error) => return error,
    }
    Command::new("prlimit")
        .args(limits)
        .arg("unshare")
        .args(&unshare)
        .arg(executable)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A root directory that holds procmail, ready to run.
pub struct Cell {
    root: tempfile::TempDir,
}

/// What a program left behind.
pub struct Exit {
    /// `None` where it ran out of time.
    pub status: Option<ExitStatus>,
    /// What it said.
    pub stderr: Vec<u8>,
    /// Where it was, when it ran out of time.
    pub directory: Option<String>,
}

impl Cell {
    /// Builds a root.
    pub fn new() -> io::Result<Self> {
        let cell = Cell::empty()?;
        for directory in [
            "usr/bin",
            "usr/sbin",
            "usr/lib",
            "usr/lib64",
            "usr/local/bin",
            "usr/libexec",
            "etc",
            "dev",
        ] {
            fs::create_dir_all(cell.path(directory))?;
        }
        for name in ["bin", "sbin", "lib", "lib64"] {
            symlink(format!("usr/{name}"), cell.path(name))?;
        }
        symlink("../var/spool", cell.path("usr/spool"))?;
        symlink("../var/mail", cell.path("usr/mail"))?;
        cell.install(&find("procmail")?, "usr/bin/procmail")?;
        for program in ["formail", "grep", "tr", "sed", "cut", "test"] {
            cell.install(&find(program)?, &format!("usr/libexec/{program}"))?;
        }
        cell.install(&std::env::current_exe()?, super::recorder::PLACE)?;
        fs::write(
            cell.path("etc/passwd"),
            format!("root:x:0:0::/:/bin/sh\n{USER}:x:{ID}:{ID}::/home/{USER}:/bin/sh\n"),
        )?;
        fs::write(
            cell.path("etc/group"),
            format!("root:x:0:\n{USER}:x:{ID}:\n"),
        )?;
        fs::write(
            cell.path("etc/nsswitch.conf"),
            "passwd: files\ngroup: files\n",
        )?;
        for name in ["sh", "formail"] {
            cell.stand_in(name)?;
        }
        cell.stand_in("/usr/sbin/sendmail")?;
        cell.stand_in("/usr/lib/sendmail")?;
        Ok(cell)
    }

    fn empty() -> io::Result<Self> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            std::env::temp_dir()
        };
        let root = tempfile::Builder::new()
            .prefix("sievify-cell-")
            .tempdir_in(base)?;
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Cell { root })
    }

    /// Another root with the same programs, while nothing has run in this one.
    pub fn another(&self) -> io::Result<Self> {
        let cell = Cell::empty()?;
        for entry in walkdir::WalkDir::new(self.root.path()).min_depth(1) {
            let entry = entry?;
            let inside = entry.path().strip_prefix(self.root.path()).unwrap();
            let place = cell.root.path().join(inside);
            if entry.file_type().is_dir() {
                fs::create_dir(place)?;
            } else if entry.file_type().is_symlink() {
                symlink(fs::read_link(entry.path())?, place)?;
            } else {
                fs::hard_link(entry.path(), place)?;
            }
        }
        Ok(cell)
    }

    /// A path inside the root, as seen from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    /// Copies a program and the libraries it needs to its place.
    fn install(&self, program: &Path, place: &str) -> io::Result<()> {
        fs::copy(program, self.path(place))?;
        fs::set_permissions(self.path(place), fs::Permissions::from_mode(0o755))?;
        let ldd = Command::new("ldd").arg(program).output()?;
        for library in String::from_utf8_lossy(&ldd.stdout)
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            let place = self.path(library);
            fs::create_dir_all(place.parent().unwrap_or(self.root.path()))?;
            if !place.exists() {
                fs::copy(library, place)?;
            }
        }
        Ok(())
    }

    /// Puts the recorder in the place of a program.
    pub fn stand_in(&self, program: &str) -> io::Result<()> {
        let place = if program.contains('/') {
            self.path(program)
        } else {
            self.path("usr/bin").join(program)
        };
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)?;
        }
        match symlink(super::recorder::PLACE, place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }

    /// Empties every place that a program may write to, and lets the user
    /// own it again.
    pub fn clear(&self) -> io::Result<()> {
        for directory in self.writable()? {
            fs::remove_dir_all(directory)?;
        }
        fs::remove_dir_all(self.path("record")).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        for directory in ["home/u", "var/mail", "var/spool", "tmp", "record"] {
            fs::create_dir_all(self.path(directory))?;
            self.own(&self.path(directory))?;
        }
        symlink("../mail", self.path("var/spool/mail"))?;
        fs::write(self.path("dev/null"), "")?;
        fs::set_permissions(self.path("dev/null"), fs::Permissions::from_mode(0o666))
    }

    /// The directories that do not belong to the system.
    fn writable(&self) -> io::Result<Vec<PathBuf>> {
        let mut directories = Vec::new();
        for entry in fs::read_dir(self.root.path())? {
            let entry = entry?;
            let system = ["usr", "etc", "dev", "record"]
                .iter()
                .any(|name| entry.file_name() == *name);
            if entry.file_type()?.is_dir() && !system {
                directories.push(entry.path());
            }
        }
        Ok(directories)
    }

    /// Gives a file or directory to the user.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        if is_root() {
            chown(path, Some(ID), Some(ID))?;
        }
        Ok(())
    }

    /// Runs a program of the root with a file as standard input, for at most
    /// `limit`.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        argv: &[A],
        stdin: fs::File,
        limit: Duration,
    ) -> io::Result<Exit> {
        let log = self.root.path().join("log");
        let mut command = Command::new("/usr/sbin/chroot");
        if is_root() {
            command.args([&format!("--userspec={ID}:{ID}"), "--groups="]);
        }
        let mut child = command
            .arg(self.root.path())
            .args(argv)
            .env_clear()
            .envs([
                ("HOME", "/home/u"),
                ("LOGNAME", USER),
                ("USER", USER),
                ("SHELL", "/bin/sh"),
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("TZ", "UTC"),
            ])
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .process_group(0)
            .spawn()?;
        let started = Instant::now();
        let mut directory = None;
        let mut pause = Duration::from_micros(500);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if started.elapsed() > limit {
                directory = self.directory_of(child.id());
                // Asked to end, procmail writes out what it has to say.
                let group = rustix::process::Pid::from_raw(child.id() as i32);
                for signal in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
                    if let Some(group) = group {
                        let _ = rustix::process::kill_process_group(group, signal);
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                child.wait()?;
                break None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        self.settle(child.id());
        Ok(Exit {
            status,
            stderr: fs::read(&log)?,
            directory,
        })
    }

    /// Waits for what a program left behind it: procmail waits for few of its
    /// programs, and for none of its clones. They are children of the first
    /// process now, which is this one.
    fn settle(&self, group: u32) {
        let started = Instant::now();
        let Some(group) = rustix::process::Pid::from_raw(group as i32) else {
            return;
        };
        while started.elapsed() < LATE {
            match rustix::process::waitpgid(group, rustix::process::WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => return,
            }
        }
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }

    fn directory_of(&self, process: u32) -> Option<String> {
        let outside = fs::read_link(format!("/proc/{process}/cwd")).ok()?;
        let inside = outside.strip_prefix(self.root.path()).ok()?;
        Some(format!("/{}", inside.to_string_lossy()))
    }

    /// The files below the places that programs write to, with their content;
    /// paths as the programs saw them.
    pub fn written(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        for directory in self.writable()? {
            for entry in walkdir::WalkDir::new(directory) {
                let entry = entry?;
                if entry.file_type().is_file() {
                    let inside = entry.path().strip_prefix(self.root.path()).unwrap();
                    let path = format!("/{}", letters(inside));
                    files.push((path, fs::read(entry.path())?));
                }
            }
        }
        files.push(("/dev/null".to_string(), fs::read(self.path("dev/null"))?));
        Ok(files)
    }
}

/// A path in letters: UTF-8, or else Latin-1.
fn letters(path: &Path) -> String {
    let latin_1 = |bytes: &[u8]| bytes.iter().map(|&byte| byte as char).collect();
    let path = path.as_os_str();
    path.to_str()
        .map_or_else(|| latin_1(path.as_bytes()), str::to_owned)
}

/// Where a program lies on this machine.
pub fn find(program: &str) -> io::Result<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no {program}")))
}
