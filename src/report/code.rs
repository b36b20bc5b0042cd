//! Every code a report can bear, with the long text behind it.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident $text:literal: $title:literal, $why:literal, $help:literal;)*) => {
        /// Why a statement has the verdict it has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// All codes, in the order of this page.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The name that reports and `sievify explain` use.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// What it is, in one line.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// Why it is so.
            pub fn why(self) -> &'static str {
                match self { $(Code::$name => $why,)* }
            }

            /// What a person can do.
            pub fn help(self) -> &'static str {
                match self { $(Code::$name => $help,)* }
            }
        }
    };
}

codes! {
    Translated "translated":
        "The statement does in Sieve what it did before",
        "Every message has the same outcome as on the old server.",
        "Nothing needs to be done.";
}
