//! How long each stage takes: `cargo bench --bench stages`. The rules are those
//! of one person with very many: 6,500 lines, 900 recipes.

#![allow(clippy::unwrap_used, missing_docs)]

mod rules;

use divan::Bencher;
use sievify::home::MemoryHome;
use sievify::rules::elaborate::Settings;
use sievify::rules::forward::Elaborated;
use sievify::rules::forward::elaborate_home;
use sievify::sieve::check;
use sievify::sieve::lower::{Expressions, lower};
use sievify::sieve::print::print;
use sievify::sieve::target::Target;
use sievify::syntax::{FileId, procmailrc};
use sievify::translate::Translator;

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
    let (settings, target) = (Settings::new("joe"), target());
    bencher.bench(|| {
        lower(
            &program,
            &sources,
            &settings,
            &target,
            &Expressions::default(),
        )
    });
}

#[divan::bench]
fn emit(bencher: Bencher) {
    let Elaborated {
        program, sources, ..
    } = elaborate_home(&large(), &Settings::new("joe"));
    let (settings, target) = (Settings::new("joe"), target());
    let script = lower(
        &program,
        &sources,
        &settings,
        &target,
        &Expressions::default(),
    )
    .script;
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
    let target = target();
    bencher.bench(|| Translator::new(&target).translate(&home, &settings));
}

#[divan::bench]
fn whole_small_home(bencher: Bencher) {
    let (home, settings) = (small(), Settings::new("joe"));
    let target = target();
    bencher.bench(|| Translator::new(&target).translate(&home, &settings));
}

fn script() -> String {
    let target = target();
    let translation = Translator::new(&target).translate(&large(), &Settings::new("joe"));
    translation.unwrap().report.script
}
