//! What a user can put into a home to get at more than it holds.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod untested;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sievify::home::{DiskHome, Home, Limits, ReadError, SharedDirectory};
use sievify::replay::Mailboxes;
use sievify::report::Report;
use sievify::rules::elaborate::Settings;
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use sievify::rules::model::Format;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SECRET: &str = "S3CRET-7f1c";

/// Users that own no account.
const JOE: u32 = 54321;
const ANN: u32 = 54322;

/// A home, and beside it a secret that is not the user's.
struct Stage {
    stage: TempDir,
    home: PathBuf,
    /// Whether files can be given to others.
    is_root: bool,
}

impl Stage {
    fn new() -> Stage {
        let stage = tempfile::tempdir().unwrap();
        fs::set_permissions(stage.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = stage.path().join("joe");
        fs::create_dir(&home).unwrap();
        let secret = format!(":0\n* ^Subject: {SECRET}\n{SECRET}\n");
        fs::write(stage.path().join("secret"), secret).unwrap();
        let is_root = chown(&home, Some(JOE), None).is_ok();
        if !is_root {
            untested::untested("files of several users, for only root can make them");
        }
        Stage {
            stage,
            home,
            is_root,
        }
    }

    fn secret(&self) -> PathBuf {
        self.stage.path().join("secret")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.home.join(path)
    }

    /// A file of the user's own.
    fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
        self.own(path);
    }

    fn own(&self, path: &str) {
        if self.is_root {
            std::os::unix::fs::lchown(self.at(path), Some(JOE), None).unwrap();
        }
    }

    fn open(&self) -> DiskHome {
        DiskHome::open(&self.home, Limits::default()).unwrap()
    }

    /// All that anyone gets to see of the home.
    fn everything(&self, home: &DiskHome) -> String {
        let settings = Settings {
            home_path: self.home.to_string_lossy().into_owned(),
            ..Settings::new("joe")
        };
        let Elaborated {
            program,
            sources,
            findings,
        } = elaborate_home(home, &settings);
        let report = Report::new(&program.statements, &sources, &findings);
        let report = serde_json::to_string(&report).unwrap();
        format!("{program:?}\n{sources:?}\n{findings:?}\n{report}")
    }
}

/// Puts an attack in the place of a file, and says what reading it must come to.
type Attack = (&'static str, fn(&Stage, &Path), fn(&ReadError) -> bool);

const OUTSIDE: fn(&ReadError) -> bool = |error| *error == ReadError::Outside;
const NOT_A_FILE: fn(&ReadError) -> bool = |error| *error == ReadError::NotAFile;

const ATTACKS: [Attack; 12] = [
    (
        "an absolute link",
        |stage, place| symlink(stage.secret(), place).unwrap(),
        OUTSIDE,
    ),
    (
        "a relative link",
        |stage, place| {
            let up = place
                .strip_prefix(&stage.home)
                .unwrap()
                .components()
                .count();
            symlink("../".repeat(up) + "secret", place).unwrap();
        },
        OUTSIDE,
    ),
    (
        "a link to a link",
        |stage, place| {
            symlink("../secret", stage.at("one")).unwrap();
            symlink(stage.at("one"), place).unwrap();
        },
        OUTSIDE,
    ),
    (
        "an absolute link back into the home and up again",
        |stage, place| symlink(stage.at("../secret"), place).unwrap(),
        OUTSIDE,
    ),
    (
        "a link through a directory that is a link",
        |stage, place| {
            symlink("..", stage.at("up")).unwrap();
            symlink(stage.at("up/secret"), place).unwrap();
        },
        OUTSIDE,
    ),
    (
        "a link through /proc",
        |stage, place| {
            let secret = stage.secret();
            symlink(format!("/proc/self/root{}", secret.display()), place).unwrap();
        },
        OUTSIDE,
    ),
    (
        "a link to an open file of this process",
        |_, place| symlink("/proc/self/fd/0", place).unwrap(),
        OUTSIDE,
    ),
    (
        "a FIFO",
        |_, place| mknodat(CWD, place, FileType::Fifo, Mode::RWXU, 0).unwrap(),
        NOT_A_FILE,
    ),
    (
        "a socket",
        |_, place| drop(std::os::unix::net::UnixListener::bind(place).unwrap()),
        NOT_A_FILE,
    ),
    (
        "a directory",
        |_, place| fs::create_dir(place).unwrap(),
        NOT_A_FILE,
    ),
    (
        "a circle of links",
        |stage, place| {
            symlink(place, stage.at("round")).unwrap();
            symlink(stage.at("round"), place).unwrap();
        },
        |error| matches!(error, ReadError::Io(_) | ReadError::Limit(_)),
    ),
    (
        "a file larger than all memory, with nothing in it",
        |_, place| fs::File::create(place).unwrap().set_len(1 << 42).unwrap(),
        |error| matches!(error, ReadError::Limit(_)),
    ),
];

/// The places that rules are read from.
const PLACES: [&str; 5] = [".procmailrc", ".forward", "rc", "list", "dir/rc"];

#[test]
fn no_attack_in_any_place_shows_a_foreign_byte() {
    for (name, attack, expected) in ATTACKS {
        for place in PLACES {
            let stage = Stage::new();
            fs::create_dir(stage.at("dir")).unwrap();
            for file in PLACES.iter().filter(|&&file| file != place) {
                let text = match *file {
                    ".forward" => "\"|procmail\"\n:include:~/list\n\"|vacation joe\"\n",
                    ".procmailrc" => "INCLUDERC=rc\nSWITCHRC=dir/rc\n:0\n* ? fgrep -f list\ndir/\n",
                    "rc" => "INCLUDERC=$HOME/dir/../dir/rc\nINCLUDERC=../secret\n",
                    _ => "x@example.org\n",
                };
                stage.write(file, text);
            }
            attack(&stage, &stage.at(place));
            stage.own(place);
            let home = stage.open();
            match home.read(place) {
                Err(error) => assert!(expected(&error), "{name} in {place}: {error:?}"),
                Ok(_) => panic!("{name} in {place} was read"),
            }
            let shown = stage.everything(&home);
            assert!(!shown.contains(SECRET), "{name} in {place}: {shown}");
        }
    }
}

#[test]
fn paths_that_lead_out_are_not_read() {
    let stage = Stage::new();
    let secret = stage.secret().display().to_string();
    for path in [
        "../secret",
        "x/../../secret",
        "./../secret",
        &secret,
        "/etc/shadow",
        "//etc/shadow",
        "/etc/../etc/shadow",
    ] {
        assert_eq!(stage.open().read(path), Err(ReadError::Outside), "{path}");
        assert_eq!(stage.open().kind(path), None, "{path}");
        let includes = format!("INCLUDERC={path}\nA={path}\nINCLUDERC=$A\nSWITCHRC=\"$A\"\n");
        stage.write(".procmailrc", &includes);
        stage.write(
            ".forward",
            &format!("\"|procmail {path}\"\n:include:{path}\n"),
        );
        let shown = stage.everything(&stage.open());
        assert!(
            !shown.contains(SECRET) && !shown.contains("root:"),
            "{path}: {shown}"
        );
    }
}

#[test]
fn a_device_is_not_opened() {
    let stage = Stage::new();
    // The device of /dev/zero, which would be read without an end.
    let device = rustix::fs::makedev(1, 5);
    let made = mknodat(
        CWD,
        stage.at("rc"),
        FileType::CharacterDevice,
        Mode::RWXU,
        device,
    );
    if made.is_err() {
        untested::untested("a device, for none can be made here");
        return;
    }
    assert_eq!(stage.open().read("rc"), Err(ReadError::NotAFile));
}

#[test]
fn a_file_that_is_open_to_all_is_known_as_such() {
    let stage = Stage::new();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, bits) in [("closed", 0o664), ("open", 0o666)] {
        fs::write(stage.at(name), name).unwrap();
        mode(&stage.at(name), bits);
    }
    let open_ones = || {
        let home = stage.open();
        ["closed", "open"].map(|name| home.read(name).is_ok() && home.is_open_to_all(name))
    };
    assert_eq!(open_ones(), [false, true]);
    // A home without modes.
    mode(stage.at("open").parent().unwrap(), 0o777);
    assert_eq!(open_ones(), [false, false]);
}

#[test]
fn files_of_others_are_not_read_through_a_second_name() {
    let stage = Stage::new();
    if !stage.is_root {
        return;
    }
    fs::hard_link(stage.secret(), stage.at("roots")).unwrap();
    let theirs = stage.stage.path().join("theirs");
    fs::write(&theirs, SECRET).unwrap();
    chown(&theirs, Some(ANN), None).unwrap();
    fs::hard_link(&theirs, stage.at("theirs")).unwrap();
    fs::write(stage.at("given"), "given").unwrap();
    let home = stage.open();
    assert_eq!(home.read("roots"), Err(ReadError::Linked));
    assert_eq!(home.read("theirs"), Err(ReadError::Owner));
    assert_eq!(home.read("given").unwrap(), b"given");
    // The first name of a file of root's can be gone, as of a log of last week.
    fs::remove_file(stage.secret()).unwrap();
    let mode = |mode| {
        let file = stage.at("roots");
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o640);
    assert_eq!(home.read("roots"), Err(ReadError::Owner));
    mode(0o644);
    assert!(home.read("roots").is_ok());
    mode(0o640);
    chown(stage.at("roots"), None, Some(JOE)).unwrap();
    assert_eq!(home.read("roots"), Err(ReadError::Owner));
    chown(&stage.home, None, Some(JOE)).unwrap();
    assert!(stage.open().read("roots").is_ok());
    fs::hard_link(stage.at("roots"), stage.secret()).unwrap();
    chown(&stage.home, Some(0), None).unwrap();
    assert_eq!(stage.open().read("roots"), Err(ReadError::Linked));
}

#[test]
fn includes_are_read_from_allowed_directories_only() {
    let stage = Stage::new();
    let allowed = stage.stage.path().join("allowed");
    fs::create_dir_all(allowed.join("below")).unwrap();
    fs::write(allowed.join("below/rc"), "A=b\n").unwrap();
    fs::write(allowed.join("private"), SECRET).unwrap();
    let private = fs::Permissions::from_mode(0o640);
    fs::set_permissions(allowed.join("private"), private).unwrap();
    symlink("../secret", allowed.join("out")).unwrap();
    symlink("below/rc", allowed.join("in")).unwrap();
    let home = stage.open();
    let at = |path: &str| allowed.join(path).display().to_string();
    assert_eq!(home.read(&at("below/rc")), Err(ReadError::Outside));
    let shared = [
        SharedDirectory {
            named: allowed.clone(),
            path: allowed.clone(),
        },
        SharedDirectory {
            named: "/etc/rules".into(),
            path: allowed.join("below"),
        },
    ];
    let home = home.allow_includes(&shared).unwrap();
    assert_eq!(home.read("/etc/rules/rc").unwrap(), b"A=b\n");
    assert!(home.read("/etc/rules/../private").is_err());
    assert_eq!(home.read(&at("below/rc")).unwrap(), b"A=b\n");
    assert_eq!(home.read(&at("in")).unwrap(), b"A=b\n");
    assert_eq!(home.read(&at("private")), Err(ReadError::Owner));
    for path in [
        at("out"),
        at("../secret"),
        format!("{}x", at("")),
        "/etc/passwd".into(),
    ] {
        assert!(home.read(&path).is_err(), "{path}");
    }
    if stage.is_root {
        chown(allowed.join("below/rc"), Some(JOE), None).unwrap();
        assert_eq!(home.read(&at("below/rc")), Err(ReadError::Owner));
        chown(allowed.join("below/rc"), Some(0), None).unwrap();
    }
    stage.write(".procmailrc", &format!("INCLUDERC={}\n", at("below/rc")));
    let shown = stage.everything(&home);
    assert!(shown.contains("A=b"), "{shown}");
    // A file that everybody could read, if they could get at it.
    for directory in [&allowed.join("below"), &allowed] {
        let mode = |mode| {
            fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o750);
        assert_eq!(home.read(&at("below/rc")), Err(ReadError::Owner));
        assert_eq!(home.read(&at("in")), Err(ReadError::Owner));
        mode(0o755);
    }
    assert!(home.read(&at("below/rc")).is_ok());
}

#[test]
fn mailboxes_are_counted_within_limits() {
    let stage = Stage::new();
    let mbox = fs::File::create(stage.at("mbox")).unwrap();
    mbox.set_len(1 << 42).unwrap();
    stage.own("mbox");
    symlink("../secret", stage.at("theirs")).unwrap();
    let home = stage.open();
    let size = home.mailbox_size("mbox", Format::Mbox).unwrap();
    assert_eq!((size.messages, size.bytes), (None, 1 << 42));
    assert_eq!(home.mailbox_size("theirs", Format::Mbox), None);
    mbox.set_len(6).unwrap();
    let limits = Limits {
        mailbox_bytes: 10,
        ..Limits::default()
    };
    let home = DiskHome::open(&stage.home, limits).unwrap();
    let messages = || home.mailbox_size("mbox", Format::Mbox).unwrap().messages;
    assert_eq!((messages(), messages()), (Some(0), None));
}

#[test]
fn a_home_has_its_time() {
    let stage = Stage::new();
    stage.write("rc", "A=b\n");
    let limits = Limits {
        time: Duration::ZERO,
        ..Limits::default()
    };
    let home = DiskHome::open(&stage.home, limits).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    assert!(matches!(home.read("rc"), Err(ReadError::Limit(_))));
    assert_eq!(home.kind("rc"), None);
    assert!(home.names("r").is_empty());
}

/// While reads go on, another thread puts links, FIFOs and files in turn in
/// the place of a file, and of the directory above it.
#[test]
fn a_home_that_changes_gives_its_own_bytes_or_none() {
    let stage = Stage::new();
    let outside = stage.stage.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("rc"), SECRET).unwrap();
    fs::create_dir(stage.at("dir")).unwrap();
    stage.write("dir/rc", "own");
    stage.write("rc", "own");
    let done = AtomicBool::new(false);
    let mut own = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let put = |make: &dyn Fn(&Path), place: &str| {
                let next = stage.at("next");
                make(&next);
                let _ = fs::rename(&next, stage.at(place));
                let _ = fs::remove_file(&next);
            };
            let own = |path: &Path| {
                fs::write(path, "own").unwrap();
                stage.own("next");
            };
            while !done.load(Ordering::Relaxed) {
                put(&|path| symlink("../secret", path).unwrap(), "rc");
                put(&own, "rc");
                put(&|path| symlink(stage.secret(), path).unwrap(), "rc");
                put(&own, "rc");
                let fifo = |path: &Path| mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
                put(&fifo, "rc");
                put(&own, "rc");
                fs::rename(stage.at("dir"), stage.at("kept")).unwrap();
                symlink("../outside", stage.at("dir")).unwrap();
                fs::remove_file(stage.at("dir")).unwrap();
                fs::rename(stage.at("kept"), stage.at("dir")).unwrap();
            }
        });
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            let home = stage.open();
            for path in ["rc", "dir/rc"].repeat(100) {
                match home.read(path) {
                    Ok(bytes) => {
                        assert_eq!(bytes, b"own", "{path}");
                        own += 1;
                    }
                    Err(error) => assert!(!error.to_string().contains(SECRET)),
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(own > 100, "only {own} reads came to anything");
}

const MAIL: &str = "From: ann@example.org\nSubject: own\n\nx\n";

/// The subjects of the mail at a place, and the errors.
fn mail_at(path: &Path) -> (Vec<String>, Vec<String>) {
    let mut subjects = Vec::new();
    let mut errors = Vec::new();
    for letter in Mailboxes::new(&[path.to_owned()]) {
        match letter {
            Ok(letter) => subjects.push(letter.subject().to_owned()),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (subjects, errors)
}

#[test]
fn a_replay_reads_the_mail_of_one_user() {
    let stage = Stage::new();
    let theirs = stage.stage.path().join("theirs");
    let foreign = MAIL.replace("own", SECRET);
    fs::create_dir_all(theirs.join("cur")).unwrap();
    fs::write(theirs.join("cur/1"), &foreign).unwrap();
    fs::write(theirs.join("mbox"), format!("From x y\n{foreign}")).unwrap();
    for part in ["md", "md/cur", "md/new", "md/.sub"] {
        fs::create_dir(stage.at(part)).unwrap();
        stage.own(part);
    }
    stage.write("md/cur/own", MAIL);
    stage.write("mbox", &format!("From x y\n{MAIL}"));
    symlink(theirs.join("cur/1"), stage.at("md/cur/linked")).unwrap();
    symlink(theirs.join("cur"), stage.at("md/.sub/cur")).unwrap();
    mknodat(CWD, stage.at("md/cur/fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    fs::File::create(stage.at("md/cur/vast"))
        .unwrap()
        .set_len(1 << 42)
        .unwrap();
    stage.own("md/cur/vast");
    let (subjects, errors) = mail_at(&stage.at("md"));
    assert_eq!(
        (subjects.as_slice(), errors.len()),
        (&["own".to_owned()][..], 1)
    );
    assert_eq!(mail_at(&stage.at("mbox")).0, ["own"]);
    // Whoever runs this may name a link.
    let link = stage.stage.path().join("link");
    symlink(stage.at("mbox"), &link).unwrap();
    assert_eq!(mail_at(&link).0, ["own"]);
    if !stage.is_root {
        return;
    }
    fs::hard_link(theirs.join("cur/1"), stage.at("md/new/twice")).unwrap();
    for (name, target) in [("in", "mbox"), ("box", ""), ("up", "..")] {
        symlink(theirs.join(target), stage.at(name)).unwrap();
        stage.own(name);
    }
    for path in ["md/new", "in", "box", "box/mbox", "up/theirs/mbox"] {
        let (subjects, errors) = mail_at(&stage.at(path));
        assert_eq!((subjects.len(), errors.len()), (0, 1), "{path}");
        assert!(errors[0].contains("another user"), "{path}: {errors:?}");
    }
    symlink("mbox", stage.at("mine")).unwrap();
    stage.own("mine");
    assert_eq!(mail_at(&stage.at("mine")).0, ["own"]);
}

#[test]
fn a_message_has_an_end() {
    let stage = Stage::new();
    let mut mbox = format!("From x y\n{MAIL}\nFrom x y\nSubject: long\n\n").into_bytes();
    mbox.resize(200 << 20, b'x');
    let next = MAIL.replace("own", "next");
    mbox.extend_from_slice(format!("\n\nFrom x y\n{next}").as_bytes());
    fs::write(stage.at("mbox"), mbox).unwrap();
    stage.own("mbox");
    let (subjects, errors) = mail_at(&stage.at("mbox"));
    assert_eq!((subjects.join(" ").as_str(), errors.len()), ("own next", 1));
    assert!(errors[0].ends_with("larger than 100 MiB"), "{errors:?}");
}
