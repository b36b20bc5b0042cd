//! In: the rule model, a target, and how folders are named. Out: a script that
//! does the same to a message, and findings about what it could not carry out.

pub mod pattern;

use super::folder::Naming;
use super::script::Script;
use super::target::Target;
use crate::report::entry::Finding;
use crate::rules::model::{Format, Program};
use crate::syntax::Source;
use std::collections::{BTreeMap, BTreeSet};

/// What the lowering is told beside the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// How folders are named on the new server. `inboxes` and `maildir` are
    /// filled in from the rules.
    pub naming: Naming,
    /// The domain of unqualified addresses.
    pub domain: Option<String>,
    /// Fields of the old spam filter and what the new server writes instead
    /// (`--spam-header`).
    pub spam_headers: Vec<(String, String)>,
}

/// A script, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lowered {
    /// The script, tidied and within the limits of the target.
    pub script: Script,
    /// What there is to say about statements.
    pub findings: Vec<Finding>,
    /// Every mailbox the rules name, with its folder.
    pub folders: BTreeMap<(String, Format), String>,
    /// Every address the script forwards to.
    pub redirects: BTreeSet<String>,
}

/// Lowers the rules of a home.
pub fn lower(
    _program: &Program,
    _sources: &[Source],
    _options: &Options,
    _target: &Target,
) -> Lowered {
    Lowered::default()
}
