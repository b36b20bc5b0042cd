//! In: a home, and what is known of its user and the new server. Out: the
//! whole translation: the model, the script, the report.

use crate::home::Home;
use crate::report::Report;
use crate::report::entry::Finding;
use crate::rules::elaborate::Settings;
use crate::rules::forward::elaborate_home;
use crate::rules::model::Program;
use crate::sieve::check::{self, CheckError};
use crate::sieve::lower::{Lowered, Options, lower};
use crate::sieve::print::{LineEnd, Printed, print};
use crate::sieve::script::Script;
use crate::sieve::target::Target;
use crate::syntax::Source;
use thiserror::Error;

/// What a home becomes.
#[derive(Debug, Clone)]
pub struct Translation {
    /// The rules, free of their spelling.
    pub program: Program,
    /// The files they were read from.
    pub sources: Vec<Source>,
    /// The script as a tree.
    pub script: Script,
    /// The script as text, and what became of every statement.
    pub report: Report,
}

/// The script cannot be shown: a bug in sievify, never the user's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Bug {
    /// It does not compile.
    #[error("the script does not compile, which is a bug in sievify: {0}")]
    Check(#[from] CheckError),
    /// It does something that its tree does not.
    #[error("the script reads back as another one, which is a bug in sievify")]
    Differs,
}

/// Translates a home. Every script is compiled before it is returned, and what
/// the compiler read back is held against the tree.
///
/// # Errors
/// Where the script that came out cannot be trusted.
pub fn translate(
    home: &dyn Home,
    settings: &Settings,
    options: &Options,
    target: &Target,
) -> Result<Translation, Bug> {
    translate_rules(elaborate_home(home, settings), options, target)
}

/// Translates rules that were read already: [`translate`] from its second
/// stage on.
///
/// # Errors
/// As those of [`translate`].
pub fn translate_rules(
    (program, sources, mut findings): (Program, Vec<Source>, Vec<Finding>),
    options: &Options,
    target: &Target,
) -> Result<Translation, Bug> {
    let Lowered {
        script,
        findings: more,
        folders,
        redirects,
    } = lower(&program, &sources, options, target);
    findings.extend(more);
    let Printed { text, requires } = print(&script, target, LineEnd::Lf);
    if check::check(&text, target)? != check::actions(&script) {
        return Err(Bug::Differs);
    }
    let requires = requires.iter().map(ToString::to_string);
    let report = Report::new(&program.statements, &sources, &findings)
        .with_script(text, requires)
        .with_destinations(&folders, &redirects);
    Ok(Translation {
        program,
        sources,
        script,
        report,
    })
}
