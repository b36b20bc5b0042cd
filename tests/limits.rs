//! Rules that ask more of a server than it takes: what goes beyond is left out,
//! and left to a person; the rest is as it was, and no mail is lost.

#![allow(clippy::unwrap_used)]

use sievify::home::MemoryHome;
use sievify::ledger::Verdict;
use sievify::report::Report;
use sievify::rules::elaborate::Settings;
use sievify::sieve::target::{Extension, Target};
use sievify::translate::Translator;

fn translated(rules: &str, target: &Target) -> Report {
    let home = MemoryHome::new().file(".procmailrc", rules.to_owned());
    let settings = Settings::new("joe");
    let translation = Translator::new(target).translate(&home, &settings);
    translation.unwrap().report
}

/// The first lines of the statements that are left to a person.
fn manual(report: &Report) -> Vec<usize> {
    let manual = |verdict| verdict == Verdict::Manual;
    let entries = report.entries.iter().filter(|entry| manual(entry.verdict));
    entries.map(|entry| entry.lines[0]).collect()
}

fn recipes(count: usize) -> String {
    let recipe = |at| format!(":0\n* ^Subject:.*number {at}\nfolder{at}\n");
    (0..count).map(recipe).collect()
}

#[test]
fn only_what_was_cut_is_left_to_a_person() {
    let target = Target::profile("cyrus").unwrap();
    let allowed = target.limits.script_bytes.unwrap() as usize;
    let rules = recipes(900) + ":0\n* ^Subject:.*spam\n/dev/null\n:0\n! else@example.org\n";
    let report = translated(&rules, &target);
    assert!(report.script.len() <= allowed && report.script.len() > allowed * 4 / 5);
    let manual = manual(&report);
    let from = manual[0];
    let behind: Vec<usize> = (from..900 * 3 + 6).step_by(3).collect();
    assert_eq!(manual, behind);
    assert_eq!(report.summary.exact + report.summary.adapted, from / 3);
    assert!(!report.script.contains("discard") && !report.script.contains("redirect"));
}

#[test]
fn one_rule_that_is_too_much_does_not_take_all_those_above_it() {
    let mut target = Target::profile("dovecot").unwrap();
    target.extensions.insert(Extension::EditHeader);
    target.limits.script_bytes = Some(16 << 10);
    let fields = "-I\"X: y\" ".repeat(4000);
    let rules = recipes(20) + &format!(":0fw\n| formail {fields}\n") + &recipes(1);
    let report = translated(&rules, &target);
    let manual = manual(&report);
    assert!(manual.ends_with(&[61, 63]), "{manual:?}");
    assert_eq!(
        report.script.matches("fileinto :create").count(),
        22 - manual.len()
    );
    assert!(manual.len() < 12);
}

#[test]
fn what_goes_on_behind_a_cut_is_kept() {
    let mut target = Target::profile("dovecot").unwrap();
    target.limits.string_bytes = Some(100);
    let long = "x".repeat(200);
    let rules = format!(
        ":0\n* ^Subject:.*{long}\nlong\n:0\n* ^Subject:.*short\nshort\n:0\n* ^From:.*spam\n/dev/null\n"
    );
    let report = translated(&rules, &target);
    assert_eq!(manual(&report), [1]);
    assert!(!report.script.contains("discard"), "{}", report.script);
    assert!(report.script.contains("\"short\""), "{}", report.script);
}

#[test]
fn redirects_beyond_the_limit_are_not_done_and_the_rest_is() {
    let target = Target::profile("dovecot").unwrap();
    let copies: String = (0..6)
        .map(|at| format!(":0c\n! {at}@example.org\n"))
        .collect();
    let rules = copies + ":0\n* ^Subject:.*x\nfolder\n:0\n! last@example.org\n";
    let report = translated(&rules, &target);
    assert_eq!(manual(&report), [9, 11, 16]);
    assert_eq!(report.script.matches("redirect").count(), 4);
    assert!(report.script.contains("\"folder\""), "{}", report.script);
}

#[test]
fn of_too_many_addresses_the_first_get_the_mail_and_the_inbox_keeps_it() {
    let target = Target::profile("dovecot").unwrap();
    let report = translated(
        ":0\n! a@b.example c@b.example d@b.example e@b.example f@b.example\n",
        &target,
    );
    assert_eq!(manual(&report), [1]);
    assert_eq!(report.script.matches("redirect").count(), 4);
    assert!(report.script.contains("keep;") || report.script.matches(":copy").count() == 4);
}

#[test]
fn nothing_is_left_of_a_script_for_a_server_that_takes_none() {
    let mut target = Target::profile("dovecot").unwrap();
    target.limits.script_bytes = Some(10);
    let report = translated(&recipes(20), &target);
    assert_eq!(report.script.trim(), "");
    assert_eq!(manual(&report).len(), 20);
}
