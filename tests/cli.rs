//! Drives the program as a person at a shell does.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod untested;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn sievify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sievify"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn run(arguments: &[&str]) -> Output {
    sievify().args(arguments).output().unwrap()
}

fn corpus(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(case)
        .join("home")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A home with one file in it.
fn home(name: &str, content: &[u8]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(name), content).unwrap();
    home
}

/// The program says why it cannot run, on one line that has these words.
fn fails(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    assert!(said.starts_with("error: "), "{arguments:?}: {said}");
    assert!(!said.contains("os error"), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn the_exit_status_says_whether_a_person_is_needed() {
    let complete = home(".procmailrc", b":0\n* ^Subject:.*sale\nshop\n");
    let output = run(&["translate", complete.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let manual = home(".procmailrc", b"INCLUDERC=/etc/procmail/site.rc\n");
    let output = run(&["translate", manual.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("unread-include"));
}

#[test]
fn a_home_without_rules_is_no_failure() {
    let empty = tempfile::tempdir().unwrap();
    let output = run(&["translate", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("no mail rules"));
}

#[test]
fn what_cannot_be_read_is_named_on_one_line() {
    let stage = tempfile::tempdir().unwrap();
    let path = |name: &str| stage.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("binary"), b":0\n\0\xff\n").unwrap();
    fs::create_dir(path("directory.toml")).unwrap();
    fs::write(path("bad.toml"), "name = \"x\"\nextends = \n").unwrap();
    fs::write(path("unknown.toml"), "colour = \"red\"\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", path("link")).unwrap();
    fails(
        &["translate", "/no/such/home"],
        &["/no/such/home", "no such"],
    );
    fails(
        &["translate", &path("binary")],
        &["binary", "not a text file"],
    );
    fails(&["translate", &path("link")], &["link", "name the file"]);
    fails(&["translate", "/dev/null"], &["/dev/null", "regular file"]);
    let of_home = corpus("and-then");
    let of_home = of_home.to_str().unwrap();
    let with = |target: &str, words: &[&str]| {
        fails(&["translate", of_home, "--target", target], words);
    };
    with("exchange", &["`exchange`", "dovecot"]);
    with(&path("none.toml"), &["none.toml", "no such"]);
    with(&path("directory.toml"), &["directory.toml", "directory"]);
    with(&path("bad.toml"), &["bad.toml:2"]);
    with(&path("unknown.toml"), &["unknown.toml:1", "colour"]);
    fails(&["explain", "unread-inclde"], &["`unread-include`"]);
    fails(&["man", "trnslate"], &["trnslate", "sievify help"]);
    fails(&["merge", of_home], &["no parts"]);
    fails(
        &["batch", of_home, "--passwd", "/no/such", "--check"],
        &["/no/such"],
    );
}

#[test]
fn an_unreadable_file_is_named() {
    let home = home("rules", b":0\nx\n");
    let file = home.path().join("rules");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&file).is_ok() {
        untested::untested("root can read every file");
        return;
    }
    fails(
        &["translate", file.to_str().unwrap()],
        &["rules", "permission"],
    );
}

#[test]
fn a_directory_in_the_place_of_rules_is_an_entry() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".forward")).unwrap();
    fs::write(home.path().join(".procmailrc"), ":0\nx\n").unwrap();
    let output = run(&["translate", home.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(".forward could not be read"));
}

#[test]
fn a_single_file_is_read_by_its_name() {
    let forward = home(".forward.old", b"someone@example.com\n");
    let path = forward.path().join(".forward.old");
    let output = run(&["translate", "--format=json", path.to_str().unwrap()]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["files"][0]["path"], ".forward.old");
    let rules = home("rules.rc", b"INCLUDERC=$HOME/more.rc\n");
    let more = ":0\n* ? formail -x From: | fgrep -f $HOME/friends\nx\n";
    fs::write(rules.path().join("more.rc"), more).unwrap();
    fs::write(rules.path().join("friends"), "ann@example.org\n").unwrap();
    let path = rules.path().join("rules.rc");
    let output = run(&["translate", "--format=json", path.to_str().unwrap()]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(report["summary"]["manual"], 0, "{report}");
}

#[test]
fn includes_outside_are_read_where_that_is_allowed() {
    let site = home("site.rc", b":0\nx\n");
    fs::set_permissions(site.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let include = format!("INCLUDERC={}/site.rc\n", site.path().display());
    let home = home(".procmailrc", include.as_bytes());
    let path = home.path().to_str().unwrap();
    let site = site.path().to_str().unwrap();
    assert_eq!(run(&["translate", path]).status.code(), Some(1));
    let output = run(&["translate", path, "--allow-include", site]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    fs::write(
        home.path().join(".procmailrc"),
        "INCLUDERC=/etc/rules/site.rc\n",
    )
    .unwrap();
    let copy = format!("/etc/rules={site}");
    let output = run(&["translate", path, "--allow-include", &copy]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn output_depends_on_nothing_but_the_home() {
    let path = corpus("nested-blocks");
    let first = run(&["translate", path.to_str().unwrap(), "--user", "jo"]);
    let again = run(&["translate", path.to_str().unwrap(), "--user", "jo"]);
    let inside = sievify()
        .current_dir(&path)
        .args(["translate", ".", "--user", "jo"])
        .output()
        .unwrap();
    let beside = sievify()
        .current_dir(path.parent().unwrap())
        .args(["translate", "../nested-blocks/home/", "--user=jo"])
        .output()
        .unwrap();
    let as_own = sievify()
        .env("HOME", &path)
        .args(["translate", "--user", "jo"])
        .output()
        .unwrap();
    for other in [again, inside, beside, as_own] {
        assert_eq!(text(&first.stdout), text(&other.stdout));
        assert_eq!(text(&first.stderr), text(&other.stderr));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in [
        &["translate", "--format=json"][..],
        &["translate"],
        &["targets"],
        &["explain"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut command = sievify();
        command.args(arguments).env("HOME", corpus("nested-blocks"));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
        assert_eq!(said, "", "{arguments:?}");
    }
}

#[test]
fn a_replay_that_nobody_reads_ends() {
    let home = home(".procmailrc", b":0\n* ^Subject: ad\n/dev/null\n");
    // Every message goes elsewhere, so that each has something said of it.
    let mail = "From joe Mon Jan  1 00:00:00 2024\nSubject:  ad\n\nx\n\n".repeat(200_000);
    let mbox = home.path().join("mbox");
    fs::write(&mbox, mail).unwrap();
    for format in [&["--json"][..], &[]] {
        let mut child = sievify()
            .arg("replay")
            .arg(home.path())
            .arg("--mail")
            .arg(&mbox)
            .args(format)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 100];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let start = std::time::Instant::now();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(text(&output.stderr), "");
        assert!(start.elapsed() < std::time::Duration::from_secs(2));
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = sievify()
        .args(["targets"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("standard output could not be written"));
}

#[test]
fn colors_are_for_terminals() {
    let home = home(".procmailrc", b"INCLUDERC=/etc/procmail/site.rc\n");
    let path = home.path().to_str().unwrap();
    let escape = |arguments: &[&str]| run(arguments).stderr.contains(&0x1b);
    assert!(!escape(&["translate", path]));
    assert!(!escape(&["translate", path, "--color=never"]));
    assert!(escape(&["translate", path, "--color=always"]));
    assert!(
        !run(&["translate", path, "--color=always"])
            .stdout
            .contains(&0x1b)
    );
}

#[test]
fn lines_end_as_asked() {
    for case in ["nested-blocks", "forward-sieve"] {
        let path = corpus(case);
        let path = path.to_str().unwrap();
        let unix = run(&["translate", path]).stdout;
        let network = run(&["translate", path, "--crlf"]).stdout;
        assert!(!unix.contains(&b'\r'));
        assert!(text(&network).contains("\r\n"), "{case}");
        assert_eq!(text(&network).replace("\r\n", "\n"), text(&unix));
    }
}

#[test]
fn mail_is_replayed() {
    let rules = ":0\n* ^Subject: ad\n/dev/null\n";
    let home = home(".procmailrc", rules.as_bytes());
    let mail = home.path().join("mail.mbox");
    let message = |subject: &str| {
        format!(
            "From a@b.example  Thu Jan  1 00:00:00 1970\nFrom: a@b.example\nSubject: {subject}\n\nx\n\n"
        )
    };
    fs::write(&mail, ["ad", "\x1b[2Jx", "y"].map(message).concat()).unwrap();
    let (home, mail) = (home.path().to_str().unwrap(), mail.to_str().unwrap());
    let replay = |more: &[&str]| {
        let mut arguments = vec!["replay", home, "--user", "u", "--mail", mail];
        arguments.extend(more);
        run(&arguments)
    };
    let shown = replay(&[]);
    assert!(text(&shown.stdout).contains("3 messages"), "{shown:?}");
    // The mail does not take the home for more mail.
    let other_order = run(&["replay", "--user", "u", "--mail", mail, home]);
    assert_eq!(text(&other_order.stdout), text(&shown.stdout));
    assert!(!text(&shown.stdout).contains('\x1b'));
    let json: serde_json::Value = serde_json::from_slice(&replay(&["--json"]).stdout).unwrap();
    assert_eq!(json["messages"], 3);
    let is_explained = json["unexplained"] == 0;
    assert_eq!(shown.status.code(), Some(i32::from(!is_explained)));
    let one: serde_json::Value =
        serde_json::from_slice(&replay(&["--json", "--limit", "1"]).stdout).unwrap();
    assert_eq!(one["messages"], 1);
    let none: serde_json::Value =
        serde_json::from_slice(&replay(&["--json", "--since", "2026-01-01"]).stdout).unwrap();
    assert_eq!(none["messages"], 0);
    for (more, why) in [
        (&["--since", "2030-01-01"], "as new as --since"),
        (&["--limit", "0"], "was asked for"),
    ] {
        let said = replay(more).stderr;
        assert!(text(&said).contains(why), "{}", text(&said));
        assert!(!text(&said).contains("no mail was found"));
    }
    let page = Path::new(home).join("page.html");
    let page = page.to_str().unwrap();
    replay(&["--html", page]);
    let written = fs::read_to_string(page).unwrap();
    assert!(written.contains("both run on 3 messages"), "{written}");
    fails(
        &["replay", home, "--mail", mail, "--html", "/nowhere/page"],
        &["/nowhere/page"],
    );
    fails(&["replay", home, "--mail", "/nowhere"], &["/nowhere"]);
}

#[test]
fn a_page_replaces_nothing_that_is_read_and_is_whole() {
    let rules = b":0\n* ^Subject: ad\n/dev/null\n";
    let home = home(".procmailrc", rules);
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let message = "From a@b.example  Thu Jan  1 00:00:00 1970\nSubject: ad\n\nx\n\n";
    let mail = message.repeat(5000);
    fs::write(at("mbox"), &mail).unwrap();
    fs::create_dir_all(at("md/cur")).unwrap();
    fs::write(at("md/cur/1"), "Subject: ad\n\nx\n").unwrap();
    let arguments = |page: &str| {
        let mail = [at("mbox"), at("md")];
        let [mbox, maildir] = mail.each_ref().map(String::as_str);
        let mail = ["--mail", mbox, "--mail", maildir];
        let first = ["replay", home.path().to_str().unwrap(), "--user", "u"];
        let all = [&first[..], &mail, &["--html", page]].concat();
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for read in ["mbox", "md/cur/1", ".procmailrc"] {
        let before = fs::read(at(read)).unwrap();
        let arguments = arguments(&at(read));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        fails(&arguments, &[read, "rules or mail"]);
        assert_eq!(fs::read(at(read)).unwrap(), before, "{read}");
    }
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "precious things").unwrap();
    std::os::unix::fs::symlink(outside.path(), at("page")).unwrap();
    let mut child = sievify()
        .args(arguments(&at("page")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    assert_eq!(fs::read(outside.path()).unwrap(), b"precious things");
    let page = fs::symlink_metadata(at("page")).unwrap();
    assert!(page.is_file());
    assert_eq!(page.permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(at("page")).unwrap();
    assert!(written.contains("both run on 5001 messages"));
    // Now it is a page, which the next one may replace.
    let again = sievify().args(arguments(&at("page"))).output().unwrap();
    assert_eq!(text(&again.stderr), "");
}

#[test]
fn every_command_has_help_and_a_page() {
    let commands = [
        "translate",
        "batch",
        "replay",
        "merge",
        "targets",
        "explain",
        "completions",
        "man",
    ];
    for command in commands {
        let help = run(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(text(&help.stdout).contains("sievify"), "{command}");
        let page = run(&["man", command]);
        assert_eq!(page.status.code(), Some(0));
        assert!(text(&page.stdout).contains(".TH"), "{command}");
        assert!(!text(&page.stdout).contains(".SH EXTRA"), "{command}");
        // Paragraphs of examples are no sections.
        for title in text(&page.stdout)
            .lines()
            .filter_map(|line| line.strip_prefix(".SH "))
        {
            let is_title = |c: char| c.is_alphabetic() || matches!(c, ' ' | '"');
            assert!(title.chars().all(is_title), "{command}: {title}");
            assert!(!title.starts_with("\" "), "{command}: {title}");
        }
    }
    let merge = run(&["man", "merge"]);
    let whole = text(&merge.stdout).split(".SH EXAMPLES").nth(1).unwrap();
    assert!(whole.contains("\n  for m in "), "{whole}");
    let page = run(&["man", "translate"]);
    for section in [".SH EXAMPLES\n.nf\n", ".SH \"EXIT STATUS\"\n.nf\n"] {
        assert!(text(&page.stdout).contains(section), "{section}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(run(&["completions", shell]).stdout.len() > 1000, "{shell}");
    }
}

#[test]
fn a_server_is_described_as_the_list_of_servers_says() {
    let shown = run(&["targets"]);
    let shown = text(&shown.stdout);
    let from = shown.find("  name = ").unwrap();
    let to = shown.find("  sievify targets ours.toml").unwrap();
    let stage = tempfile::tempdir().unwrap();
    let file = stage.path().join("ours.toml");
    fs::write(&file, &shown[from..to]).unwrap();
    let ours = run(&["targets", file.to_str().unwrap()]);
    assert_eq!(ours.status.code(), Some(0), "{}", text(&ours.stderr));
    assert!(text(&ours.stdout).starts_with("ours: the server of our university"));
    let hostile =
        "name = \"\\u001b[2J\"\ntitle = \"\\u202eours\"\nextensions = [\"+vnd.\\u0007\"]\n";
    fs::write(&file, hostile).unwrap();
    let shown = run(&["targets", file.to_str().unwrap()]);
    let shown = text(&shown.stdout);
    assert!(shown.starts_with("␛[2J: \\u{202e}ours\n"), "{shown}");
    assert!(shown.contains("vnd.␇"), "{shown}");
    fs::write(&file, "extensions = [\"+nosuch\"]\n").unwrap();
    fails(
        &["targets", file.to_str().unwrap()],
        &["ours.toml:1", "`+nosuch`"],
    );
    let home = corpus("first-look");
    let home = home.to_str().unwrap();
    fails(
        &["translate", home, "--capabilities", ""],
        &["did the server answer"],
    );
}

#[test]
fn an_error_shows_no_escape_of_a_name() {
    let output = run(&["translate", "/no/\u{1b}[2Jsuch"]);
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn a_batch_goes_on_from_home_to_home() {
    let stage = tempfile::tempdir().unwrap();
    let at = |name: &str| stage.path().join(name);
    for (user, rules) in [("ann", ":0\n* ^Subject:.*sale\nshop\n"), ("bob", ":0\nx\n")] {
        fs::create_dir_all(at("home").join(user)).unwrap();
        fs::write(at("home").join(user).join(".procmailrc"), rules).unwrap();
    }
    let batch = |more: &[&str]| {
        let mut command = sievify();
        command.arg("batch").arg(at("home")).args(more);
        command.output().unwrap()
    };
    let out = at("out");
    let out = out.to_str().unwrap();
    let first = batch(&["-o", out]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert!(text(&first.stdout).starts_with("2 homes, "));
    assert_eq!(text(&first.stderr), "");
    for file in ["filters.sieve", "report.json", "report.html"] {
        assert!(at("out").join("ann").join(file).is_file(), "{file}");
    }
    let second = batch(&["-o", out, "--jobs=1"]);
    assert!(text(&second.stdout).contains("Nothing has changed"));
    let check = batch(&["--check", "-o", at("never").to_str().unwrap()]);
    assert!(!at("never").exists());
    assert!(text(&first.stdout).starts_with(text(&check.stdout)));
    for part in ["1/2", "2/2"] {
        batch(&["-o", at("parts").to_str().unwrap(), "--shard", part]);
    }
    let merged = sievify().arg("merge").arg(at("parts")).output().unwrap();
    assert_eq!(merged.status.code(), Some(0), "{}", text(&merged.stderr));
    let summary = |out: &str| fs::read(at(out).join("summary.csv")).unwrap();
    assert_eq!(summary("parts"), summary("out"));
    fs::write(
        at("accounts"),
        "old,new,address\nann,a,a@new.example\nbob,b\n,,\n",
    )
    .unwrap();
    let accounts = batch(&["--check", "--accounts", at("accounts").to_str().unwrap()]);
    assert_eq!(accounts.status.code(), Some(1));
    assert!(text(&accounts.stderr).contains("accounts:4: "));
}
