//! In: a home, and what is known of its user and the new server. Out: the
//! whole translation: the model, the script, the report.

use crate::home::Home;
use crate::ledger::{Code, Finding, Note, Verdict};
use crate::report::Report;
use crate::rules::elaborate::Settings;
use crate::rules::forward::Elaborated;
use crate::rules::forward::elaborate_home;
use crate::rules::model::{Program, StatementId};
use crate::sieve::check::{self, CheckError, Checked};
use crate::sieve::lower::{Expressions, Lowered, lower};
use crate::sieve::print::Printed;
use crate::sieve::script::Script;
use crate::sieve::target::{Extension, Target};
use crate::syntax::Source;
use std::collections::{BTreeMap, BTreeSet};
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

/// Translates homes for one target, and remembers what it found out about
/// expressions and scripts on the way. A home becomes the same after others.
#[derive(Debug)]
pub struct Translator<'t> {
    target: &'t Target,
    expressions: Expressions,
    scripts: Checked,
}

impl<'t> Translator<'t> {
    /// One that has seen no home yet.
    pub fn new(target: &'t Target) -> Self {
        Translator {
            target,
            expressions: Expressions::default(),
            scripts: Checked::default(),
        }
    }

    /// The target.
    pub fn target(&self) -> &'t Target {
        self.target
    }

    /// Translates a home. Every script is compiled before it is returned, and
    /// what the compiler read back is held against the tree.
    ///
    /// # Errors
    /// Where the script that came out cannot be trusted.
    pub fn translate(&self, home: &dyn Home, settings: &Settings) -> Result<Translation, Bug> {
        self.translate_rules(elaborate_home(home, settings), settings)
    }

    /// Translates rules that were read already: [`Translator::translate`] from its
    /// second stage on.
    ///
    /// # Errors
    /// As those of [`Translator::translate`].
    pub fn translate_rules(
        &self,
        rules: Elaborated,
        settings: &Settings,
    ) -> Result<Translation, Bug> {
        let Elaborated {
            program,
            sources,
            mut findings,
        } = rules;
        let passed = match program.script {
            Some(at) => {
                let (passed, finding) = passed_through(&program, &sources, at, self.target);
                findings.push(finding);
                passed
            }
            None => None,
        };
        if let Some((text, requires, redirects)) = passed {
            let report = Report::new(&program.statements, &sources, &findings)
                .with_script(text, requires)
                .with_destinations(&BTreeMap::new(), &redirects);
            return Ok(Translation {
                program,
                sources,
                script: Script::default(),
                report,
            });
        }
        let Lowered {
            script,
            printed:
                Printed {
                    text,
                    requires,
                    map,
                },
            findings: more,
            folders,
            redirects,
        } = lower(&program, &sources, settings, self.target, &self.expressions);
        findings.extend(more);
        if self.scripts.check(&text, self.target)? != check::actions(&script) {
            return Err(Bug::Differs);
        }
        let requires = requires.iter().map(ToString::to_string);
        let report = Report::new(&program.statements, &sources, &findings)
            .with_script(text, requires)
            .with_map(map)
            .with_destinations(&folders, &redirects);
        Ok(Translation {
            program,
            sources,
            script,
            report,
        })
    }
}

/// The text of a script, what it requires, and where it forwards to.
type Passed = (String, Vec<String>, BTreeSet<String>);

/// The text of a Sieve script that stands in the place of `.forward`, where the
/// target takes it as it is.
fn passed_through(
    program: &Program,
    sources: &[Source],
    at: StatementId,
    target: &Target,
) -> (Option<Passed>, Finding) {
    let span = program.statements.get(at.0 as usize).map(|of| of.span);
    let source = span.and_then(|span| sources.get(span.file.0 as usize));
    let text = source.map_or(String::new(), |source| source.text.clone());
    let finding =
        |verdict, message: String| Note::new(verdict, Code::SieveFilter, message).about(at, None);
    match check::read_back(&text, target) {
        Ok((requires, actions)) => {
            let redirects: BTreeSet<String> = actions.redirects().map(str::to_owned).collect();
            if let Some(address) = redirects
                .iter()
                .find(|to| !to.is_empty() && !to.contains('@'))
            {
                let message = format!(
                    "this file is a Sieve script already, but not one for this server: it forwards to “{address}”, which is no address"
                );
                return (None, finding(Verdict::Manual, message));
            }
            let allowed = target.limits.redirects.unwrap_or(u64::MAX);
            let (verdict, but) = if redirects.len() as u64 > allowed {
                let but = format!(
                    "; where it forwards a mail to more than {allowed} addresses, the server fails and keeps it"
                );
                (Verdict::Adapted, but)
            } else if requires.contains(&Extension::Include) {
                let but = "; what it includes has to be installed beside it".to_owned();
                (Verdict::Adapted, but)
            } else {
                (Verdict::Exact, String::new())
            };
            let message =
                format!("this file is a Sieve script already, and is installed as it stands{but}");
            let requires = requires.iter().map(ToString::to_string).collect();
            let passed = (text, requires, redirects);
            (Some(passed), finding(verdict, message))
        }
        Err(error) => {
            let message = format!(
                "this file is a Sieve script already, but not one for this server: {error}"
            );
            (None, finding(Verdict::Manual, message))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::home::{DiskHome, Limits};
    use std::path::Path;

    #[test]
    fn homes_are_translated_alike_among_others() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let mut homes: Vec<_> = std::fs::read_dir(corpus)
            .unwrap()
            .map(|case| case.unwrap().path().join("home"))
            .filter(|home| home.is_dir())
            .collect();
        homes.sort();
        assert!(homes.len() > 100);
        for profile in ["dovecot", "rfc5228"] {
            let target = Target::profile(profile).unwrap();
            let translator = Translator::new(&target);
            for home in homes.iter().chain(homes.iter().rev()) {
                let home = DiskHome::open(home, Limits::default()).unwrap();
                let settings = Settings::new("jo");
                let alone = Translator::new(&target).translate(&home, &settings);
                let among = translator.translate(&home, &settings);
                assert_eq!(alone.unwrap().report, among.unwrap().report);
            }
        }
    }
}
