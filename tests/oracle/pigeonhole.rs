//! Pigeonhole: what Dovecot's Sieve engine does with a message, through
//! `sieve-test`.

use super::{DOMAIN, Delivery, Outcome, USER};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Pigeonhole with the settings of an unconfigured server.
pub struct Pigeonhole {
    home: tempfile::TempDir,
    extensions: String,
}

/// A script that it compiled.
pub struct Compiled {
    directory: tempfile::TempDir,
}

impl Pigeonhole {
    /// `extensions` as `sieve-test -x` takes them (`+editheader`), or nothing.
    pub fn new(extensions: &str) -> io::Result<Self> {
        super::cell::find("sieve-test")?;
        super::cell::find("sievec")?;
        Ok(Pigeonhole {
            home: workspace()?,
            extensions: extensions.to_string(),
        })
    }

    /// A program with its settings in the environment, where doveconf puts
    /// them: run once for each call, it would take longer than the script.
    fn command(&self, program: &str) -> Command {
        let id = match rustix::process::geteuid() {
            root if root.is_root() => ID,
            user => user.as_raw(),
        };
        let home = self.home.path().display();
        let mut command = Command::new(program);
        command.env("DOVECONF_ENV", "1").envs([
            ("MAIL_UID", id.to_string()),
            ("MAIL_GID", id.to_string()),
            ("FIRST_VALID_UID", "1".to_string()),
            ("FIRST_VALID_GID", "1".to_string()),
            ("MAIL_HOME", home.to_string()),
            ("MAIL_LOCATION", format!("mbox:{home}/none")),
            ("LOG_PATH", "/dev/stderr".to_string()),
            ("SSL", "no".to_string()),
        ]);
        if !self.extensions.is_empty() {
            command.arg("-x").arg(&self.extensions);
        }
        command
    }

    /// Compiles a script; the error is what `sievec` says.
    pub fn compile(&self, script: &str) -> Result<Compiled, String> {
        let io = |error: io::Error| error.to_string();
        let directory = workspace().map_err(io)?;
        let source = directory.path().join("s.sieve");
        fs::write(&source, script).map_err(io)?;
        let output = self.command("sievec").arg(&source).output().map_err(io)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let binary = directory.path().join("s.svbin");
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o644)).map_err(io)?;
        Ok(Compiled { directory })
    }

    /// What a script does with a message, given without the mbox `From ` line.
    pub fn run(&self, script: &Compiled, sender: &str, message: &[u8]) -> Result<Outcome, String> {
        self.run_for(&format!("{USER}@{DOMAIN}"), script, sender, message)
    }

    /// As [`Pigeonhole::run`], for mail to any address.
    pub fn run_for(
        &self,
        recipient: &str,
        script: &Compiled,
        sender: &str,
        message: &[u8],
    ) -> Result<Outcome, String> {
        let io = |error: io::Error| error.to_string();
        let mut file = tempfile::NamedTempFile::new_in(&script.directory).map_err(io)?;
        file.write_all(message).map_err(io)?;
        let readable = fs::Permissions::from_mode(0o644);
        fs::set_permissions(file.path(), readable).map_err(io)?;
        // A bounce: its sender is no address, and sieve-test takes none.
        let sender = match sender.contains('@') {
            true => sender,
            false => "mailer-daemon@mx.example.org",
        };
        let output = self
            .command("sieve-test")
            .args(["-f", sender, "-r", recipient])
            .arg(script.directory.path().join("s.sieve"))
            .arg(file.path())
            .output()
            .map_err(io)?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !said.contains("Performed actions:") {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(outcome(&said))
    }
}

const ID: u32 = 65533;

/// A directory that the unprivileged user `sieve-test` becomes may use.
fn workspace() -> io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("sievify-sieve-");
    let directory = if memory.is_dir() {
        builder.tempdir_in(memory)?
    } else {
        builder.tempdir()?
    };
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    if rustix::process::geteuid().is_root() {
        chown(directory.path(), Some(ID), Some(ID))?;
    }
    Ok(directory)
}

/// Reads the actions that `sieve-test` prints.
fn outcome(said: &str) -> Outcome {
    let mut outcome = Outcome::new();
    for line in said.lines() {
        let Some(action) = line.strip_prefix(" * ") else {
            continue;
        };
        if let Some(folder) = action.strip_prefix("store message in folder: ") {
            outcome.insert(Delivery::Mailbox(folder.to_string()));
        } else if let Some(address) = action.strip_prefix("redirect message to: ") {
            let address = address.trim_matches(['<', '>']);
            outcome.insert(Delivery::Redirect(address.to_string()));
        } else if action.starts_with("reject message") {
            outcome.insert(Delivery::Reject);
        }
    }
    outcome
}
