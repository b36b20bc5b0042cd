//! In: a [`Report`](super::Report), the files it is about, what a batch came
//! to. Out: pages, each one self-contained file: no network, no font or script
//! from outside, and a policy that lets nothing but their own style and script
//! run.
//!
//! Text of users is hostile. The templates' escaper ([`Visible`]) meets all of
//! it: nothing in it is markup, and its control characters are shown.

mod index;
mod page;
mod replay;
#[cfg(test)]
mod tests;

pub use index::{IndexRow, index};
pub use page::{Subject, page};

use crate::syntax::visible;
use askama::filters::{Escaper, Html};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;

/// The escaper of all templates (`askama.toml`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: fmt::Write>(&self, dest: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &visible(text))
    }
}

/// What a page's own style and script may do, and nothing else. It is the same
/// for every page of a kind.
struct Policy {
    style: &'static str,
    script: &'static str,
    text: String,
}

impl Policy {
    fn of(script: &'static str) -> Self {
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
        Policy {
            style: STYLE,
            script,
            text: format!(
                "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; \
                 base-uri 'none'; form-action 'none'",
                hash(STYLE),
                hash(script)
            ),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const STYLE: &str = include_str!("../../templates/page.css");
