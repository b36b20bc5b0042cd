#![allow(clippy::unwrap_used)]

use super::*;
use crate::home::{Home, SharedDirectory};
use crate::report::Summary;
use crate::rules::model::Format;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

struct Nobody;

impl Watch for Nobody {
    fn found(&self, _: usize) {}
    fn done(&self) {}
}

/// A stand-in for a translation: every line of `.forward` is an address that
/// mail is forwarded to.
fn translate(home: &dyn Home, user: &users::User) -> Result<Translated, String> {
    let text = home.read(".forward").unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(!text.contains("crash"), "a fault, as the test wants it");
    Ok(Translated {
        files: vec![(
            "filters.sieve",
            format!("# {}\n{text}", user.new).into_bytes(),
        )],
        counts: Summary {
            exact: text.lines().count(),
            ..Summary::default()
        },
        folders: vec![(
            format!("{}/mbox", user.home_path),
            Format::Mbox,
            "INBOX".into(),
        )],
        redirects: text.lines().map(str::to_owned).collect(),
        ..Translated::default()
    })
}

fn homes(stage: &Path, forwards: &[(&str, &str)]) -> Options {
    for (user, forward) in forwards {
        let home = stage.join("home").join(user);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join(".forward"), forward).unwrap();
    }
    Options {
        roots: vec![stage.join("home")],
        out: stage.join("out"),
        domain: Some("old.example".to_owned()),
        ..Options::default()
    }
}

fn write(stage: &Path, name: &str, text: &str) -> Option<PathBuf> {
    let path = stage.join(name);
    fs::write(&path, text).unwrap();
    Some(path)
}

fn lines(stage: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(stage.join("out").join(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Every file of the output with its inode and content.
fn contents(stage: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(stage.join("out"))
        .into_iter()
        .flatten();
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn every_home_gets_a_report() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "a@b.example\n"), ("bob", "x\ny\n")]);
    fs::write(stage.path().join("home/ann/mbox"), "From x\n\nhey\n").unwrap();
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!((outcome.homes, outcome.failed), (2, 0));
    assert_eq!(outcome.counts.exact, 3);
    let script = stage.path().join("out/ann/filters.sieve");
    assert_eq!(fs::read_to_string(&script).unwrap(), "# ann\na@b.example\n");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&script), 0o600);
    assert_eq!(mode(script.parent().unwrap()), 0o700);
    let summary = lines(stage.path(), "summary.csv");
    assert_eq!(summary.len(), 3);
    assert!(summary[1].starts_with("ann,ann,,"));
    let folders = lines(stage.path(), "folders.csv");
    assert!(
        folders[1].ends_with("/home/ann/mbox,mbox,1,12,INBOX"),
        "{folders:?}"
    );
    assert!(
        folders[2].ends_with("/home/bob/mbox,mbox,,,INBOX"),
        "{folders:?}"
    );
}

#[test]
fn a_second_run_writes_nothing() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "a@b.example\n"), ("bob", "x\n")]);
    assert!(run(&options, &translate, &Nobody).unwrap().written > 4);
    let before = contents(stage.path());
    assert_eq!(run(&options, &translate, &Nobody).unwrap().written, 0);
    assert_eq!(contents(stage.path()), before);
    fs::write(stage.path().join("home/bob/.forward"), "z\n").unwrap();
    assert_eq!(run(&options, &translate, &Nobody).unwrap().written, 2);
}

#[test]
fn the_index_names_every_user() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("=a&b", "x\n"), ("bad", "crash\n")]);
    run(&options, &translate, &Nobody).unwrap();
    let page = || fs::read_to_string(stage.path().join("out/index.html")).unwrap();
    assert!(page().contains(r#"<a href="%3Da%26b/report.html">"#));
    let at = |text: &str| page().find(text).unwrap();
    assert!(at("sievify failed on this home") < at("%3Da%26b/report.html"));
    fs::write(stage.path().join("home/bad/.forward"), "y\n").unwrap();
    run(&options, &translate, &Nobody).unwrap();
    assert!(page().contains(r#"<a href="bad/report.html">"#));
}

#[test]
fn an_unchanged_home_is_not_translated_again() {
    let stage = tempfile::tempdir().unwrap();
    let options = Options {
        with: Some("these options".to_owned()),
        ..homes(stage.path(), &[("ann", "a@b.example\n"), ("bob", "x\n")])
    };
    let first = run(&options, &translate, &Nobody).unwrap();
    let never = |_: &dyn Home, _: &users::User| Err("asked again".to_owned());
    let second = run(&options, &never, &Nobody).unwrap();
    assert_eq!((second.failed, second.written), (0, 0));
    assert_eq!(second.counts, first.counts);
    let others = Options {
        with: Some("other options".to_owned()),
        ..options.clone()
    };
    assert_eq!(run(&others, &never, &Nobody).unwrap().failed, 2);
    fs::remove_file(stage.path().join("out/bob/filters.sieve")).unwrap();
    fs::write(stage.path().join("home/ann/.forward"), "z\n").unwrap();
    assert_eq!(run(&options, &never, &Nobody).unwrap().failed, 2);
    let third = run(&options, &translate, &Nobody).unwrap();
    assert_eq!((third.failed, third.homes), (0, 2));
    assert!(stage.path().join("out/bob/filters.sieve").exists());
}

#[test]
fn a_check_writes_nothing() {
    let stage = tempfile::tempdir().unwrap();
    let options = Options {
        check: true,
        ..homes(stage.path(), &[("ann", "a@b.example\n")])
    };
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!((outcome.homes, outcome.written), (1, 0));
    assert!(!stage.path().join("out").exists());
}

#[test]
fn one_bad_home_does_not_stop_the_rest() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(
        stage.path(),
        &[("ann", "a\n"), ("bad", "crash\n"), ("cat", "c\n")],
    );
    let out = stage.path().join("out");
    fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink(stage.path(), out.join("cat")).unwrap();
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!((outcome.homes, outcome.failed), (1, 2));
    let places: Vec<_> = outcome.problems.iter().map(|p| p.place.as_str()).collect();
    assert_eq!(places, ["bad", "cat"]);
    assert!(!stage.path().join("filters.sieve").exists());
}

#[test]
fn a_home_of_another_user_is_not_read() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "a\n"), ("bob", "b\n")]);
    let home = |user: &str| stage.path().join("home").join(user);
    let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(home("ann")).unwrap());
    let line = |user: &str, uid: u32| format!("{user}:x:{uid}:1::{}:\n", home(user).display());
    let passwd = line("ann", uid) + &line("bob", uid + 1) + &line("sue", 2000);
    let options = Options {
        roots: Vec::new(),
        passwd: write(stage.path(), "passwd", &passwd),
        ..options
    };
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!((outcome.homes, outcome.failed), (1, 1));
    let places: Vec<_> = outcome.problems.iter().map(|p| p.place.as_str()).collect();
    assert_eq!(places, ["bob", "sue"]);
}

#[test]
fn tables_for_the_move() {
    let stage = tempfile::tempdir().unwrap();
    let at = stage.path();
    let mut options = homes(
        at,
        &[
            ("ann", "bob@old.example\n"),
            ("bob", "ann\n"),
            ("cat", "nobody@old.example\nfar@elsewhere.example\n"),
            ("dan", "boss@old.example\n"),
        ],
    );
    options.accounts = write(
        at,
        "accounts.csv",
        "old,new,address\nann,asmith,a.smith@new.example\ncat,cat2,cat@new.example\n",
    );
    options.aliases = write(
        at,
        "aliases",
        "staff: ann, bob,\n  ext@elsewhere.example\nowner-staff: cat\nboss: cat\nx: y\ny: x\n=f: ann, cat\n",
    );
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!(
        lines(at, "lists.csv"),
        [
            "name,line,owner,members,local",
            "'=f,7,,\"ann, cat\",\"ann, cat\"",
            "staff,1,cat,\"ann, bob, ext@elsewhere.example\",\"ann, bob\"",
        ]
    );
    assert_eq!(
        lines(at, "forwards.csv"),
        [
            "user,address,state,leads-to",
            "ann,bob@old.example,circle,bob",
            "bob,ann,circle,a.smith@new.example",
            "cat,nobody@old.example,gone,",
            "dan,boss@old.example,moves,cat@new.example",
        ]
    );
    let moved = [
        "ann@old.example\ta.smith@new.example",
        "cat@old.example\tcat@new.example",
    ];
    assert_eq!(lines(at, "relocated"), moved);
    assert_eq!(lines(at, "virtual")[..2], moved);
    assert_eq!(
        lines(at, "virtual")[2..],
        [
            "=f@old.example\tann@old.example, cat@old.example",
            "boss@old.example\tcat@old.example",
            "owner-staff@old.example\tcat@old.example",
            "staff@old.example\tann@old.example, bob@old.example, ext@elsewhere.example",
        ]
    );
    let lines: Vec<_> = outcome.problems.iter().filter_map(|p| p.line).collect();
    assert_eq!(lines, [5, 6]);
}

#[test]
fn without_homes_there_is_no_batch() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[]);
    let error = run(&options, &translate, &Nobody).unwrap_err();
    assert!(matches!(error, BatchError::NoHomes(problems) if problems.len() == 1));
}

#[test]
fn parts_join_to_the_whole() {
    let stage = tempfile::tempdir().unwrap();
    let at = stage.path();
    let names: Vec<String> = (0..40).map(|number| format!("u{number}")).collect();
    let mut forwards: Vec<(&str, String)> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let next = &names[(number + 1) % 5];
        forwards.push((name, format!("{next}@old.example\ngone@old.example\n")));
    }
    forwards.push(("=cell", "a@b\n".to_owned()));
    forwards.push(("bad", "crash\n".to_owned()));
    let forwards: Vec<(&str, &str)> = forwards.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let mut options = homes(at, &forwards);
    options.aliases = write(at, "aliases", "all: u1, u2\nx: y\ny: x\n");
    options.accounts = write(
        at,
        "accounts.csv",
        "old,new,address\nu1,n1,n1@new.example\n",
    );
    let whole = run(&options, &translate, &Nobody).unwrap();
    let lists = |out: &str| -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(at.join(out)).unwrap().flatten();
        let files = files.filter(|file| file.file_type().unwrap().is_file());
        files
            .map(|file| (file.file_name().into(), fs::read(file.path()).unwrap()))
            .collect()
    };
    for number in 1..=3 {
        options.shard = Some(format!("{number}/3").parse().unwrap());
        options.out = at.join(if number == 1 { "first" } else { "second" });
        run(&options, &translate, &Nobody).unwrap();
    }
    let outs = [at.join("first"), at.join("second")];
    assert!(matches!(
        merge(&outs[1..]),
        Err(MergeError::Missing(shard)) if shard.to_string() == "1/3"
    ));
    let merged = merge(&outs).unwrap();
    assert_eq!(lists("first"), lists("out"));
    assert_eq!(merged.counts, whole.counts);
    assert_eq!(merged.problems, whole.problems);
    assert_eq!(merge(&outs).unwrap().written, 0);
    let parts = outs[1].join(".parts");
    for directory in [&parts.join("2-of-3"), &parts, &outs[1]] {
        let mode = |mode| {
            fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o777);
        assert!(matches!(merge(&outs), Err(MergeError::Exposed(..))));
        mode(0o700);
    }
    options.shard = Some("1/2".parse().unwrap());
    run(&options, &translate, &Nobody).unwrap();
    assert!(matches!(merge(&outs), Err(MergeError::Several(..))));
    assert!(matches!(
        merge(&[at.join("home")]),
        Err(MergeError::None(_))
    ));
}

#[test]
fn homes_are_where_their_paths_lead() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "a\n")]);
    let roundabout = stage.path().join("home/../home/../home");
    let (users, _) = users::walk(&[roundabout]);
    let full = options.roots[0].canonicalize().unwrap().join("ann");
    assert_eq!(Path::new(&users[0].home_path), full);
}

#[test]
fn everybody_is_in_the_tables_and_lists() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(
        stage.path(),
        &[("ann", "bob+x\next\ngone\nstaff\nx@team.example\n")],
    );
    fs::create_dir(stage.path().join("lists")).unwrap();
    let list = stage.path().join("lists/staff");
    fs::write(&list, "bob\nx@r.example\n").unwrap();
    options.allow_include = vec![SharedDirectory {
        named: "/etc/mail/lists".into(),
        path: stage.path().join("lists"),
    }];
    // bob has no home, sue keeps her address, and nobody knows tim's.
    options.accounts = write(
        stage.path(),
        "accounts.csv",
        "old,new,address\nann,ann,ann@new.example\nbob,bb,bb@new.example\n\
         sue,sue,Sue@old.example\ntim,tt\nm\u{fffd}x,m,m@new.example\n",
    );
    let aliases = "ext: e@elsewhere.example\nstaff: :include:/etc/mail/lists/staff\n";
    options.aliases = write(stage.path(), "aliases", aliases);
    options.virtual_ = write(
        stage.path(),
        "virtual",
        "team@old.example ann, bob\nlonely\nx@team.example x@r.example\n",
    );
    let outcome = run(&options, &translate, &Nobody).unwrap();
    let moved = [
        "ann@old.example\tann@new.example",
        "bob@old.example\tbb@new.example",
    ];
    assert_eq!(lines(stage.path(), "relocated"), moved);
    assert_eq!(lines(stage.path(), "virtual")[..2], moved);
    assert_eq!(
        lines(stage.path(), "virtual")[2..],
        ["staff@old.example\tbob@old.example, x@r.example"]
    );
    assert_eq!(
        lines(stage.path(), "forwards.csv")[1..],
        [
            "ann,bob+x,moves,bb@new.example",
            "ann,ext,alias,e@elsewhere.example",
            "ann,gone,gone,",
            "ann,staff,alias,\"bb@new.example, x@r.example\"",
            "ann,x@team.example,alias,x@r.example",
        ]
    );
    assert_eq!(
        lines(stage.path(), "lists.csv")[1..],
        [
            "staff,2,,\"bob, x@r.example\",bob",
            "team@old.example,1,,\"ann, bob\",\"ann, bob\"",
        ]
    );
    let problems: Vec<String> = outcome.problems.iter().map(ToString::to_string).collect();
    for expected in [
        "the new address is the old one",
        "no new address is given",
        "accounts.csv:6: the line is not in UTF-8",
        "virtual:2: the line does not have",
    ] {
        let has = |problem: &String| problem.contains(expected);
        assert!(problems.iter().any(has), "{expected}: {problems:?}");
    }
}

#[test]
fn a_script_without_a_home_is_named() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "x\n"), ("jon", "y\n")]);
    assert_eq!(run(&options, &translate, &Nobody).unwrap().problems, []);
    fs::remove_dir_all(stage.path().join("home/jon")).unwrap();
    let problems = run(&options, &translate, &Nobody).unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].place, "jon");
}

#[test]
fn parts_of_different_batches_are_not_joined() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(
        stage.path(),
        &[("ann", "x\n"), ("bob", "y\n"), ("cid", "z\n")],
    );
    for (part, with) in [(1, "dovecot"), (2, "cyrus")] {
        options.shard = format!("{part}/2").parse().ok();
        options.with = Some(with.to_owned());
        run(&options, &translate, &Nobody).unwrap();
    }
    let before = contents(stage.path());
    let error = merge(&[stage.path().join("out")]).unwrap_err();
    assert!(matches!(error, MergeError::Several(..)), "{error}");
    assert_eq!(contents(stage.path()), before);
}

#[test]
fn nothing_of_the_administrators_is_overwritten() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(stage.path(), &[("ann", "a@b.example\n")]);
    fs::create_dir(stage.path().join("out")).unwrap();
    fs::set_permissions(stage.path().join("out"), fs::Permissions::from_mode(0o700)).unwrap();
    let table = "info@old.example ann\n";
    options.virtual_ = write(stage.path(), "out/virtual", table);
    let refused = |options: &Options| {
        let outcome = run(options, &translate, &Nobody);
        matches!(outcome, Err(BatchError::Foreign(path)) if path.ends_with("out/virtual"))
    };
    assert!(refused(&options), "it is read by this run");
    options.virtual_ = None;
    assert!(refused(&options), "no run wrote it");
    assert_eq!(lines(stage.path(), "virtual"), ["info@old.example ann"]);
    let foreign = stage.path().join("out/.parts/important");
    fs::create_dir_all(&foreign).unwrap();
    assert!(refused(&options), "these are no parts");
    fs::remove_file(stage.path().join("out/virtual")).unwrap();
    run(&options, &translate, &Nobody).unwrap();
    assert!(!refused(&options), "the run before wrote it");
    assert!(foreign.exists());
}

#[test]
fn no_report_is_written_into_a_home() {
    let stage = tempfile::tempdir().unwrap();
    let options = Options {
        out: stage.path().join("home"),
        ..homes(stage.path(), &[("ann", "a@b.example\n")])
    };
    for directory in ["home", "home/ann"] {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(stage.path().join(directory), private).unwrap();
    }
    let script = write(stage.path(), "home/ann/filters.sieve", "keep;\n").unwrap();
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!(outcome.failed, 1);
    assert_eq!(fs::read_to_string(script).unwrap(), "keep;\n");
}

#[test]
fn a_home_whose_files_count_otherwise_is_translated_again() {
    let stage = tempfile::tempdir().unwrap();
    let options = Options {
        with: Some("these options".to_owned()),
        ..homes(stage.path(), &[("ann", "a@b.example\n")])
    };
    let home = stage.path().join("home/ann");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    run(&options, &translate, &Nobody).unwrap();
    let asked = |_: &dyn Home, _: &users::User| Err("asked again".to_owned());
    assert_eq!(run(&options, &asked, &Nobody).unwrap().failed, 0);
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run(&options, &asked, &Nobody).unwrap().failed, 1);
}

#[test]
fn two_runs_do_not_write_to_one_place() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "a@b.example\n")]);
    let other = write::Directory::private(&options.out).unwrap();
    other.lock(true).unwrap();
    let error = run(&options, &translate, &Nobody).unwrap_err();
    assert!(error.to_string().contains("another run"), "{error}");
    let part = Options {
        shard: Some("1/1".parse().unwrap()),
        ..options.clone()
    };
    run(&part, &translate, &Nobody).unwrap();
    drop(other);
    run(&options, &translate, &Nobody).unwrap();
}

#[test]
fn parts_and_whole_runs_know_of_each_other() {
    let stage = tempfile::tempdir().unwrap();
    let set = |forward: &str| homes(stage.path(), &[("ann", "a@b.example\n"), ("bob", forward)]);
    let whole = |forward: &str| {
        let mut options = set(forward);
        options.with = Some("this".to_owned());
        options
    };
    run(&whole("one@b.example\n"), &translate, &Nobody).unwrap();
    for part in ["1/2", "2/2"] {
        let options = Options {
            shard: Some(part.parse().unwrap()),
            ..whole("two@b.example\n")
        };
        run(&options, &translate, &Nobody).unwrap();
    }
    run(&whole("one@b.example\n"), &translate, &Nobody).unwrap();
    assert_eq!(
        lines(stage.path(), "bob/filters.sieve"),
        ["# bob", "one@b.example"]
    );
    let merged = merge(&[stage.path().join("out")]);
    assert!(matches!(merged, Err(MergeError::None(_))), "{merged:?}");
}

#[test]
fn a_script_of_a_home_that_fails_now_is_named() {
    let stage = tempfile::tempdir().unwrap();
    let options = homes(stage.path(), &[("ann", "a@b.example\n")]);
    run(&options, &translate, &Nobody).unwrap();
    fs::write(stage.path().join("home/ann/.forward"), "crash\n").unwrap();
    let outcome = run(&options, &translate, &Nobody).unwrap();
    let told = outcome.problems[0].to_string();
    assert!(told.contains("do not install it"), "{told}");
}

#[test]
fn new_addresses_that_are_old_ones_are_left_out() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(
        stage.path(),
        &[
            ("ann", "dee@old.example\n"),
            ("bob", "cy@old.example\n"),
            ("cy", "c@b.example\n"),
        ],
    );
    let accounts =
        "old,new,address\nann,a,bob@old.example\nbob,b,b@new.example\ndee,d,b@new.example\n";
    options.accounts = write(stage.path(), "accounts.csv", accounts);
    let outcome = run(&options, &translate, &Nobody).unwrap();
    let table = lines(stage.path(), "virtual");
    assert_eq!(
        table,
        [
            "bob@old.example\tb@new.example",
            "dee@old.example\tb@new.example"
        ]
    );
    let told: String = outcome
        .problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect();
    assert!(
        told.contains("ann: the new address is a name of the old host"),
        "{told}"
    );
    assert!(
        told.contains("dee: the new address is that of somebody else"),
        "{told}"
    );
    let forwards = lines(stage.path(), "forwards.csv");
    assert_eq!(
        forwards[1..],
        [
            "ann,dee@old.example,moves,b@new.example",
            "bob,cy@old.example,stays,cy"
        ]
    );
    options.accounts = None;
    run(&options, &translate, &Nobody).unwrap();
    let forwards = lines(stage.path(), "forwards.csv");
    assert_eq!(
        forwards[1..],
        ["ann,dee@old.example,gone,", "bob,cy@old.example,moves,cy"],
        "everybody keeps their name"
    );
    options.accounts = write(stage.path(), "accounts.csv", "joe jdoe\n");
    let error = run(&options, &translate, &Nobody).unwrap_err();
    assert!(matches!(error, BatchError::Accounts(problems) if problems.len() == 1));
}

#[test]
fn rows_that_no_mailer_would_find_are_left_out() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(stage.path(), &[("ann", "x@b.example\n")]);
    options.accounts = write(
        stage.path(),
        "accounts.csv",
        "old,new,address\nAnn,a2,a2@new.example\nann,a1,a1@new.example\nBOB,b1,b1@new.example\n\
         Bob,b2,b2@new.example\n\"k\"\"m\",k,k@new.example\n\"t,m\",t,t@new.example\n\
         x.y+z,x,\"\"\"x y\"\"@new.example\"\n",
    );
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!(
        lines(stage.path(), "virtual"),
        [
            "BOB@old.example\tb1@new.example",
            "ann@old.example\ta1@new.example"
        ]
    );
    let told: Vec<String> = { outcome.problems.iter() }
        .map(|problem| problem.message.clone())
        .collect();
    for expected in [
        "Ann and 1 more: the login differs from another in case only",
        "k\"m and 1 more: the login is no name for an address",
        "x.y+z: the new address cannot stand in a table",
    ] {
        let has = |problem: &String| problem.starts_with(expected);
        assert!(told.iter().any(has), "{expected}: {told:?}");
    }
}

#[test]
fn aliases_lead_to_those_who_have_left() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(
        stage.path(),
        &[("ann", "x@b.example\n"), ("bob", "y@b.example\n")],
    );
    options.accounts = write(
        stage.path(),
        "accounts.csv",
        "old,new,address\nann,a,a@new.example\nbob,b,b@new.example\n",
    );
    options.aliases = write(
        stage.path(),
        "aliases",
        "office: \\bob, all\nall: Ann, guest@b.example\nann: bob\nlog: ann, /var/log/mail\n\
         far: guest@b.example\nowner-all: ann\npostmaster: root\nroot: ann@localhost\n",
    );
    let outcome = run(&options, &translate, &Nobody).unwrap();
    assert_eq!(
        lines(stage.path(), "virtual"),
        [
            "ann@old.example\ta@new.example",
            "bob@old.example\tb@new.example",
            "all@old.example\tAnn@old.example, guest@b.example",
            "office@old.example\tbob@old.example, Ann@old.example, guest@b.example",
            "owner-all@old.example\tann@old.example",
            "postmaster@old.example\tann@old.example",
            "root@old.example\tann@old.example",
        ]
    );
    assert_eq!(lines(stage.path(), "relocated").len(), 2);
    let told: Vec<String> = { outcome.problems.iter() }
        .map(|problem| problem.to_string())
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("aliases:4: log cannot stand"), "{told:?}");
}

#[test]
fn mail_of_people_without_a_script_goes_where_it_went() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(stage.path(), &[("ann", "x@b.example\n")]);
    options.accounts = write(
        stage.path(),
        "accounts.csv",
        "old,new,address\nann,a,a@new.example\nceo,c,c@new.example\nkim,k,k@new.example\n\
         pat,p,p@new.example\nvip,v,v@new.example\nyan,y,y@new.example\nzed,z,z@new.example\n",
    );
    options.aliases = write(
        stage.path(),
        "aliases",
        "vip: ann\nkim: \\kim, ann\npat: pat, \"|/bin/pager\"\n",
    );
    let table = "ceo@old.example ann\nzed@old.example zed\nyan@old.example yan, y@b.example\n\
        pat@old.example pat\nkim@old.example kim\nvip@old.example vip\n";
    options.virtual_ = write(stage.path(), "virtual", table);
    let told = || {
        let problems = run(&options, &translate, &Nobody).unwrap().problems;
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        told.join("\n")
    };
    let said = told();
    assert!(
        said.contains("pat: the old tables give the mail to others as well"),
        "{said}"
    );
    assert_eq!(
        lines(stage.path(), "virtual"),
        [
            "ann@old.example\ta@new.example",
            "kim@old.example\tk@new.example, ann@old.example",
            "pat@old.example\tp@new.example",
            "yan@old.example\ty@new.example, y@b.example",
            "zed@old.example\tz@new.example",
            "vip@old.example\tann@old.example",
        ]
    );
    let relocated = lines(stage.path(), "relocated");
    let names: Vec<&str> = relocated.iter().map(|row| &row[..3]).collect();
    assert_eq!(names, ["ann", "kim", "pat", "yan", "zed"]);
    write(
        stage.path(),
        "virtual",
        "zed@old.example zed\n@old.example b@b.example\n",
    );
    told();
    assert_eq!(
        lines(stage.path(), "virtual"),
        [
            "ann@old.example\ta@new.example",
            "zed@old.example\tz@new.example"
        ]
    );
}

#[test]
fn what_an_administrator_has_to_know_is_told() {
    let stage = tempfile::tempdir().unwrap();
    let mut options = homes(
        stage.path(),
        &[("ann", "x@b.example\n"), ("bob", "y@b.example\n")],
    );
    options.with = Some("these options".to_owned());
    options.virtual_ = write(
        stage.path(),
        "virtual",
        "ann@old.example ann\n@old.example x@b.example\n",
    );
    options.accounts = write(stage.path(), "accounts.csv", "old,new,address\nann,a,\n");
    let elsewhere = |home: &dyn Home, user: &users::User| {
        let mut translated = translate(home, user)?;
        let path = "/home/emma/Mail/private".to_owned();
        translated
            .folders
            .push((path, Format::Mbox, "private".into()));
        for (directory, folder) in [("mail", "b"), ("Mail", "b"), ("Mail", "INBOX")] {
            let path = format!("{}/{directory}/b", user.home_path);
            { &mut translated.folders }.push((path, Format::Mbox, folder.into()));
        }
        Ok(translated)
    };
    let told = || {
        let problems = run(&options, &elsewhere, &Nobody).unwrap().problems;
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        told.join("\n")
    };
    let first = told();
    assert!(
        first.contains("virtual:2: @old.example takes the mail of 1 of the users"),
        "{first}"
    );
    assert!(
        first.contains("ann: /home/emma/Mail/private may be somebody else's"),
        "{first}"
    );
    assert!(
        first.contains("/home/ann/mail/b: these become one folder, b"),
        "{first}"
    );
    assert!(!first.contains("folder, INBOX"), "{first}");
    assert!(!first.contains("was changed"), "{first}");
    let folders = lines(stage.path(), "folders.csv");
    assert!(
        folders.iter().all(|line| !line.contains("emma")),
        "{folders:?}"
    );
    let summary = lines(stage.path(), "summary.csv");
    assert!(
        summary[1].starts_with("ann,a,") && summary[2].starts_with("bob,,"),
        "{summary:?}"
    );
    let script = stage.path().join("out/ann/filters.sieve");
    let whole = fs::read_to_string(&script).unwrap();
    // Another length, and the same.
    for edited in ["keep;\n".to_owned(), whole.replace('a', "b")] {
        fs::write(&script, edited).unwrap();
        let again = told();
        assert!(
            again.contains("ann: filters.sieve was changed since the last run"),
            "{again}"
        );
        assert!(!again.contains("bob: filters.sieve"), "{again}");
        assert_eq!(fs::read_to_string(&script).unwrap(), whole);
    }
}
