//! Cyrus: whether its `sievec` takes a script.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// Cyrus's compiler, unpacked beside the system by `install-oracles.sh`.
pub struct Cyrus {
    root: PathBuf,
}

impl Cyrus {
    /// Finds it below `SIEVIFY_CYRUS`, or where the installer puts it.
    pub fn new() -> io::Result<Self> {
        let root = std::env::var_os("SIEVIFY_CYRUS").map_or_else(
            || PathBuf::from("/opt/sievify-oracles/cyrus"),
            PathBuf::from,
        );
        let cyrus = Cyrus { root };
        if cyrus.program().is_file() {
            Ok(cyrus)
        } else {
            Err(io::Error::new(
                io::ErrorKind::NotFound,
                "no sievec of Cyrus",
            ))
        }
    }

    fn program(&self) -> PathBuf {
        self.root.join("usr/lib/cyrus/bin/sievec")
    }

    /// Compiles a script; the error is what the compiler says.
    pub fn compile(&self, script: &str) -> Result<(), String> {
        let io = |error: io::Error| error.to_string();
        let directory = tempfile::tempdir().map_err(io)?;
        let source = directory.path().join("s.sieve");
        fs::write(&source, script).map_err(io)?;
        let configuration = directory.path().join("imapd.conf");
        fs::write(&configuration, "configdirectory: /nonexistent\n").map_err(io)?;
        let output = Command::new(self.program())
            .arg("-C")
            .arg(&configuration)
            .arg(&source)
            .arg(directory.path().join("s.bc"))
            .env("LD_LIBRARY_PATH", self.root.join("libraries"))
            .output()
            .map_err(io)?;
        if output.status.success() {
            Ok(())
        } else {
            let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
            said.push_str(&String::from_utf8_lossy(&output.stdout));
            Err(said)
        }
    }
}
