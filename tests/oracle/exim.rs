//! Real Exim: what a filter file does with a message, by its test mode
//! (`exim -bf`).

use super::{DOMAIN, Delivery, Outcome};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Exim, unpacked beside the machine's own mailer.
pub struct Exim {
    root: PathBuf,
    directory: tempfile::TempDir,
}

impl Exim {
    /// Finds it.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn new() -> io::Result<Self> {
        let root = std::env::var_os("SIEVIFY_MAILERS").map_or_else(
            || PathBuf::from("/opt/sievify-oracles/mailers"),
            PathBuf::from,
        );
        if !root.join("usr/sbin/exim4").is_file() {
            return Err(io::Error::other("it is not unpacked"));
        }
        if !super::cell::inside() || !rustix::process::geteuid().is_root() {
            return Err(io::Error::other("only root in namespaces can start it"));
        }
        let directory = tempfile::Builder::new()
            .prefix("sievify-exim-")
            .tempdir_in("/dev/shm")?;
        let etc = directory.path().join("etc");
        fs::create_dir_all(&etc)?;
        fs::create_dir_all(directory.path().join("usr"))?;
        for name in ["bin", "sbin", "lib", "lib64"] {
            std::os::unix::fs::symlink(format!("usr/{name}"), directory.path().join(name))?;
        }
        fs::write(
            etc.join("passwd"),
            "root:x:0:0::/home/jo:/bin/sh\nDebian-exim:x:65531:65531::/:/bin/sh\n\
             jo:x:2001:2001::/home/jo:/bin/sh\n",
        )?;
        fs::write(
            etc.join("group"),
            "root:x:0:\nDebian-exim:x:65531:\njo:x:2001:\n",
        )?;
        fs::write(etc.join("nsswitch.conf"), "passwd: files\ngroup: files\n")?;
        fs::write(
            etc.join("exim.conf"),
            format!(
                "primary_hostname = mail.{DOMAIN}\nqualify_domain = {DOMAIN}\nlog_file_path = syslog\n"
            ),
        )?;
        let mounted = Command::new("mount")
            .arg("--bind")
            .args([root.join("usr"), directory.path().join("usr")])
            .status()?;
        let exim = Exim { root, directory };
        match mounted.success() && exim.read_only()? {
            true => Ok(exim),
            false => Err(io::Error::other("its programs cannot be mounted")),
        }
    }

    fn read_only(&self) -> io::Result<bool> {
        let usr = self.directory.path().join("usr");
        let remounted = Command::new("mount")
            .args(["-o", "remount,bind,ro"])
            .arg(usr)
            .status()?;
        Ok(remounted.success() && self.root.is_dir())
    }

    /// What a filter of the user `jo` does with a message that came to
    /// `jo` and the suffix. What it gives to procmail goes to the user's mailbox,
    /// as it does where procmail has no rules.
    ///
    /// # Errors
    /// What Exim says of the filter.
    pub fn run(
        &self,
        filter: &Path,
        sender: &str,
        suffix: &str,
        message: &[u8],
    ) -> Result<Outcome, String> {
        let io = |error: io::Error| error.to_string();
        let place = |name: &str| self.directory.path().join(name);
        fs::copy(filter, place("filter")).map_err(io)?;
        fs::write(place("message"), message).map_err(io)?;
        let message = fs::File::open(place("message")).map_err(io)?;
        let mut command = Command::new("chroot");
        command
            .arg(self.directory.path())
            .args(["/usr/sbin/exim4", "-C", "/etc/exim.conf", "-bf", "/filter"])
            .args(["-f", sender, "-bfl", "jo", "-bfd", DOMAIN]);
        if !suffix.is_empty() {
            command.args(["-bfs", suffix]);
        }
        let output = command
            .env("HOME", "/home/jo")
            .env("USER", "jo")
            .stdin(Stdio::from(message))
            .output()
            .map_err(io)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.success() {
            true => Ok(outcome(&said)),
            false => Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr))),
        }
    }
}

/// Reads what the test mode prints.
fn outcome(said: &str) -> Outcome {
    let mut outcome = Outcome::new();
    for line in said.lines() {
        let line = line.trim();
        let after = |words: [&str; 2]| words.iter().find_map(|words| line.strip_prefix(words));
        if let Some(address) = after(["Deliver message to: ", "Unseen deliver message to: "]) {
            let address = address.split_whitespace().next().unwrap_or("");
            outcome.insert(match address == format!("jo@{DOMAIN}") {
                true => Delivery::Mailbox("/var/mail/jo".to_string()),
                false => Delivery::Redirect(address.to_string()),
            });
        } else if let Some(path) = after(["Save message to: ", "Unseen save message to: "]) {
            let path = path.split_whitespace().next().unwrap_or("");
            outcome.insert(Delivery::Mailbox(match path.starts_with('/') {
                true => path.to_string(),
                false => format!("/home/jo/{path}"),
            }));
        }
    }
    let is_given = |line: &str| line.contains("ipe message to: ") && line.contains("procmail");
    let goes_on = "Filtering did not set up a significant delivery";
    if said.contains(goes_on)
        || said.contains("Normal delivery will occur")
        || said.lines().any(is_given)
    {
        outcome.insert(Delivery::Mailbox("/var/mail/jo".to_string()));
    }
    outcome
}

impl Drop for Exim {
    fn drop(&mut self) {
        let usr = self.directory.path().join("usr");
        let _ = Command::new("umount").arg("--lazy").arg(usr).status();
    }
}
