//! How long each stage takes: `cargo bench --bench stages`. The rules are those
//! of one person with very many: 6,500 lines, 900 recipes.

#![allow(clippy::unwrap_used, missing_docs)]

mod rules;

use divan::Bencher;
use sievify::home::MemoryHome;
use sievify::rules::elaborate::{Elaborated, Settings};
use sievify::rules::forward::elaborate_home;
use sievify::sieve::check;
use sievify::sieve::lower::{Options, lower};
use sievify::sieve::print::print;
use sievify::sieve::target::Target;
use sievify::syntax::{FileId, procmailrc};
use sievify::translate::translate;

fn main() {
    divan::main();
}

fn large() -> MemoryHome {
    MemoryHome::new().file(".procmailrc", rules::large())
}

fn small() -> MemoryHome {
    MemoryHome::new().file(".procmailrc", rules::SMALL)
}

/// Dovecot, set up to take as many forwards and folders as the rules can ask of
/// it: else most of them would be left out.
fn target() -> Target {
    let mut target = Target::profile("dovecot").unwrap();
    target.limits.redirects = None;
    target.limits.actions = None;
    target.limits.script_bytes = None;
    target
}

fn options() -> Options {
    Options::new(&Settings::new("joe"), &target())
}

#[divan::bench]
fn parse(bencher: Bencher) {
    let text = rules::large();
    bencher.bench(|| procmailrc::parse(FileId(0), &text));
}

#[divan::bench]
fn elaborate(bencher: Bencher) {
    let (home, settings) = (large(), Settings::new("joe"));
    bencher.bench(|| elaborate_home(&home, &settings));
}

#[divan::bench]
fn lower_to_sieve(bencher: Bencher) {
    let Elaborated {
        program, sources, ..
    } = elaborate_home(&large(), &Settings::new("joe"));
    let (options, target) = (options(), target());
    bencher.bench(|| lower(&program, &sources, &options, &target));
}

#[divan::bench]
fn emit(bencher: Bencher) {
    let Elaborated {
        program, sources, ..
    } = elaborate_home(&large(), &Settings::new("joe"));
    let target = target();
    let script = lower(&program, &sources, &options(), &target).script;
    bencher.bench(|| print(&script, &target));
}

#[divan::bench]
fn check_what_it_does(bencher: Bencher) {
    let script = script();
    let target = target();
    bencher.bench(|| check::check(&script, &target));
}

/// What the whole translation is held against.
#[divan::bench]
fn compile_by_sieve_rs_alone(bencher: Bencher) {
    let script = script();
    let compiler = sieve::Compiler::new().with_max_script_size(usize::MAX);
    bencher.bench(|| compiler.compile(script.as_bytes()).is_ok());
}

#[divan::bench]
fn whole_large_home(bencher: Bencher) {
    let (home, settings) = (large(), Settings::new("joe"));
    let (options, target) = (options(), target());
    bencher.bench(|| translate(&home, &settings, &options, &target));
}

#[divan::bench]
fn whole_small_home(bencher: Bencher) {
    let (home, settings) = (small(), Settings::new("joe"));
    let (options, target) = (options(), target());
    bencher.bench(|| translate(&home, &settings, &options, &target));
}

fn script() -> String {
    let (options, target) = (options(), target());
    let translation = translate(&large(), &Settings::new("joe"), &options, &target);
    translation.unwrap().report.script
}
