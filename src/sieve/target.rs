//! In: the name of a server profile, a TOML file, or the capabilities a server
//! announces. Out: a [`Target`]: what a script may use there, and how much.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

macro_rules! extensions {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// A Sieve extension, by its registered capability name (RFC 5228 §6.2).
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Extension {
            $(#[doc = $doc] $name,)*
            /// Any other capability, by its name.
            Other(String),
        }

        impl Extension {
            /// All extensions that sievify knows.
            pub const KNOWN: &'static [Extension] = &[$(Extension::$name,)*];

            /// The name that stands in `require`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Extension::$name => $text,)*
                    Extension::Other(name) => name,
                }
            }
        }

        impl From<&str> for Extension {
            fn from(name: &str) -> Self {
                match name {
                    $($text => Extension::$name,)*
                    _ => Extension::Other(name.to_owned()),
                }
            }
        }
    };
}

extensions! {
    Body "body" "RFC 5173.";
    AsciiCasemap "comparator-i;ascii-casemap" "RFC 5228 §2.7.3; every server has it, and it needs no `require`.";
    AsciiNumeric "comparator-i;ascii-numeric" "RFC 4790 §9.1.";
    Octet "comparator-i;octet" "RFC 5228 §2.7.3; every server has it, and it needs no `require`.";
    Copy "copy" "RFC 3894.";
    Date "date" "RFC 5260.";
    Duplicate "duplicate" "RFC 7352.";
    EditHeader "editheader" "RFC 5293.";
    Enclose "enclose" "RFC 5703.";
    EncodedCharacter "encoded-character" "RFC 5228 §2.4.2.4.";
    Enotify "enotify" "RFC 5435.";
    Envelope "envelope" "RFC 5228 §5.4.";
    Environment "environment" "RFC 5183.";
    Ereject "ereject" "RFC 5429.";
    ExtractText "extracttext" "RFC 5703.";
    ExtLists "extlists" "RFC 6134.";
    Fcc "fcc" "RFC 8580.";
    FileInto "fileinto" "RFC 5228 §4.1.";
    ForEveryPart "foreverypart" "RFC 5703.";
    Ihave "ihave" "RFC 5463.";
    Imap4Flags "imap4flags" "RFC 5232.";
    ImapSieve "imapsieve" "RFC 6785.";
    Include "include" "RFC 6609.";
    Index "index" "RFC 5260.";
    Mailbox "mailbox" "RFC 5490.";
    MailboxId "mailboxid" "RFC 9042.";
    MboxMetadata "mboxmetadata" "RFC 5490.";
    Mime "mime" "RFC 5703.";
    RedirectDeliverBy "redirect-deliverby" "RFC 6009.";
    RedirectDsn "redirect-dsn" "RFC 6009.";
    Regex "regex" "draft-ietf-sieve-regex.";
    Reject "reject" "RFC 5429.";
    Relational "relational" "RFC 5231.";
    Replace "replace" "RFC 5703.";
    ServerMetadata "servermetadata" "RFC 5490.";
    SpamTest "spamtest" "RFC 5235.";
    SpamTestPlus "spamtestplus" "RFC 5235.";
    SpecialUse "special-use" "RFC 8579.";
    Subaddress "subaddress" "RFC 5233.";
    Vacation "vacation" "RFC 5230.";
    VacationSeconds "vacation-seconds" "RFC 6131.";
    Variables "variables" "RFC 5229.";
    VirusTest "virustest" "RFC 5235.";
}

impl std::str::FromStr for Extension {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(name.into())
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Ord for Extension {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Extension {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Extension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Extension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.as_str().into())
    }
}

/// How much a server lets one script do. `None`: no limit is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// `redirect` actions for one message (ManageSieve's MAXREDIRECTS,
    /// RFC 5804 §1.7).
    pub redirects: Option<u64>,
    /// Actions of any kind for one message.
    pub actions: Option<u64>,
    /// Size of the script, in bytes.
    pub script_bytes: Option<u64>,
    /// Blocks within blocks.
    pub nested_blocks: Option<u64>,
    /// Tests within tests; the outermost counts.
    pub nested_tests: Option<u64>,
    /// Variables of one script.
    pub variables: Option<u64>,
    /// Size of the value of one variable, in bytes.
    pub variable_bytes: Option<u64>,
    /// Size of one quoted string, in bytes.
    pub string_bytes: Option<u64>,
}

/// How a server reads the keys of `:regex`, where the draft leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegexDialect {
    /// POSIX extended; the comparator says whether case matters.
    #[default]
    Posix,
    /// As in Perl; case always matters, unless the key says `(?i)`.
    Perl,
}

/// A server: what it offers, how much of it, and how it names folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// `dovecot`, or the name a file gives.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// Its capabilities.
    pub extensions: BTreeSet<Extension>,
    /// Its bounds.
    pub limits: Limits,
    /// How it reads regular expressions, where it has any.
    pub regex: RegexDialect,
    /// Whether `set` has `:quoteregex`, which the draft brings with `:regex`.
    pub quoteregex: bool,
    /// Between the parts of a folder's name.
    pub separator: char,
    /// In front of every folder but INBOX, its separator included (`INBOX.`).
    pub prefix: String,
    /// Fields of the old spam filter, and what the new server writes in their
    /// place (`--spam-header`).
    #[serde(skip)]
    pub spam_headers: Vec<(String, String)>,
}

/// Why there is no target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Neither a profile nor a file.
    #[error(
        "there is no target called `{0}`: name one of {names}, or a file ending in `.toml`",
        names = Target::PROFILES.join(", ")
    )]
    Unknown(String),
    /// The file does not say what a target is.
    #[error("{file}:{line}: {message}")]
    File {
        /// The file.
        file: String,
        /// The line in it, from 1.
        line: usize,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A list of capabilities that is none.
    #[error("{0}")]
    Capabilities(String),
}

/// What an unconfigured Pigeonhole 0.5.19 accepts in `require`.
const DOVECOT: &str = "body comparator-i;ascii-numeric copy date duplicate encoded-character \
    enotify envelope environment extracttext fileinto foreverypart ihave imap4flags include index \
    mailbox mime regex reject relational subaddress vacation variables";

/// What Cyrus IMAP 3 has in `sieve_extensions` when nobody sets it.
const CYRUS: &str = "body comparator-i;ascii-numeric copy date duplicate editheader \
    encoded-character enotify envelope environment ereject extlists fcc fileinto ihave imap4flags \
    include index mailbox mailboxid mboxmetadata redirect-deliverby redirect-dsn regex reject \
    relational servermetadata special-use subaddress vacation vacation-seconds variables";

/// What sieve-rs has for scripts of users.
const STALWART: &str = "body comparator-i;ascii-numeric copy date duplicate editheader enclose \
    encoded-character enotify envelope environment ereject extlists extracttext fcc fileinto \
    foreverypart ihave imap4flags imapsieve include index mailbox mailboxid mboxmetadata mime \
    redirect-deliverby redirect-dsn regex reject relational replace servermetadata spamtest \
    spamtestplus special-use subaddress vacation vacation-seconds variables virustest";

/// What RFC 5228 itself defines.
const RFC5228: &str = "encoded-character envelope fileinto";

impl Target {
    /// The names of the profiles, the default first.
    pub const PROFILES: &'static [&'static str] = &["dovecot", "cyrus", "stalwart", "rfc5228"];

    /// A profile.
    ///
    /// # Errors
    /// [`TargetError::Unknown`], where no profile has this name.
    pub fn profile(name: &str) -> Result<Target, TargetError> {
        let (title, extensions, limits) = match name {
            "dovecot" => (
                "Dovecot with Pigeonhole, as Debian installs it",
                DOVECOT,
                Limits {
                    redirects: Some(4),
                    actions: Some(32),
                    script_bytes: Some(1 << 20),
                    nested_blocks: Some(31),
                    nested_tests: Some(31),
                    variables: Some(255),
                    variable_bytes: Some(4096),
                    string_bytes: None,
                },
            ),
            "cyrus" => (
                "Cyrus IMAP 3",
                CYRUS,
                Limits {
                    script_bytes: Some(32 << 10),
                    ..Limits::default()
                },
            ),
            "stalwart" => (
                "Stalwart Mail Server",
                STALWART,
                Limits {
                    redirects: Some(1),
                    actions: None,
                    script_bytes: Some(1 << 20),
                    nested_blocks: Some(15),
                    nested_tests: Some(15),
                    variables: Some(128),
                    variable_bytes: Some(4096),
                    string_bytes: Some(4095),
                },
            ),
            "rfc5228" => ("nothing but RFC 5228", RFC5228, Limits::default()),
            _ => return Err(TargetError::Unknown(name.to_owned())),
        };
        Ok(Target {
            name: name.to_owned(),
            title: title.to_owned(),
            extensions: extensions.split_whitespace().map(Extension::from).collect(),
            limits,
            regex: match name {
                "stalwart" => RegexDialect::Perl,
                _ => RegexDialect::Posix,
            },
            quoteregex: name != "dovecot",
            separator: '/',
            prefix: String::new(),
            spam_headers: Vec::new(),
        })
    }

    /// Whether a script may use an extension. The comparators of RFC 5228
    /// §2.7.3 are everywhere.
    pub fn has(&self, extension: Extension) -> bool {
        matches!(extension, Extension::AsciiCasemap | Extension::Octet)
            || self.extensions.contains(&extension)
    }

    /// Whether a script may ask which of two numbers is greater (RFC 5231).
    pub fn compares_numbers(&self) -> bool {
        self.has(Extension::Relational) && self.has(Extension::AsciiNumeric)
    }

    /// The text of a TOML file; `file` is its name, for errors.
    ///
    /// All fields are optional: `name`, `title`, `extends` (a profile; without
    /// it, `rfc5228`), `extensions`, `separator`, `prefix`, `regex` (`posix` or
    /// `perl`), `quoteregex`, and a table `limits`. In `extensions`, `+name` adds to and `-name`
    /// takes from what `extends` has; plain names replace it.
    ///
    /// # Errors
    /// [`TargetError::File`] with the line that is wrong.
    pub fn from_toml(text: &str, file: &str) -> Result<Target, TargetError> {
        let fail = |span: Option<std::ops::Range<usize>>, message: String| TargetError::File {
            file: file.to_owned(),
            line: line_of(text, span.map_or(0, |span| span.start)),
            message,
        };
        let written: TargetFile = toml::from_str(text).map_err(|error| {
            let message = error.message().trim_end().replace('\n', "; ");
            fail(error.span(), message)
        })?;
        let mut target = match &written.extends {
            None => Target::profile("rfc5228")?,
            Some(name) => Target::profile(name.get_ref())
                .map_err(|error| fail(Some(name.span()), format!("`extends`: {error}")))?,
        };
        target.name = written.name.unwrap_or_else(|| stem(file).to_owned());
        target.title = written.title.unwrap_or_else(|| format!("from {file}"));
        if let Some(list) = written.extensions {
            let span = Some(list.span());
            if let Some(name) = { list.get_ref().iter() }.find(|name| is_misspelt(name)) {
                return Err(fail(
                    span,
                    format!(
                        "there is no extension called `{name}`; those of one server alone begin with `vnd.`"
                    ),
                ));
            }
            target.extensions = relative(target.extensions, list.get_ref()).map_err(|name| {
                fail(span, format!(
                    "`{name}` stands beside names with `+` or `-`: give all of `extensions` a sign, or none"
                ))
            })?;
        }
        if let Some(separator) = written.separator {
            let mut characters = separator.get_ref().chars();
            target.separator = match (characters.next(), characters.next()) {
                (Some(one), None) if !one.is_control() => one,
                _ => {
                    return Err(fail(
                        Some(separator.span()),
                        "`separator` is one character: write \".\" or \"/\"".to_owned(),
                    ));
                }
            };
        }
        if let Some(prefix) = written.prefix {
            target.prefix = prefix;
        }
        if let Some(regex) = written.regex {
            target.regex = regex;
        }
        if let Some(quoteregex) = written.quoteregex {
            target.quoteregex = quoteregex;
        }
        target.limits = written.limits.over(target.limits);
        Ok(target)
    }

    /// This target, with the capabilities a server announces instead of its
    /// own: names between blanks, or the lines of a ManageSieve greeting
    /// (RFC 5804 §1.7). `MAXREDIRECTS=4` among the names, or that line of the
    /// greeting, sets the limit.
    ///
    /// # Errors
    /// [`TargetError::Capabilities`], where a number is none, or nothing is named.
    pub fn with_capabilities(mut self, text: &str) -> Result<Target, TargetError> {
        let redirects = |value: &str| {
            value.parse().map(Some).map_err(|_| {
                TargetError::Capabilities(format!(
                    "MAXREDIRECTS is `{value}`, which is no number: write MAXREDIRECTS=4"
                ))
            })
        };
        let mut names = Vec::new();
        let greeting = text.lines().filter_map(greeting_line).collect::<Vec<_>>();
        let is_list = greeting.is_empty();
        if is_list {
            for word in text.split(|c: char| c.is_whitespace() || c == '"' || c == ',') {
                match word.split_once('=') {
                    Some((key, value)) if key.eq_ignore_ascii_case("MAXREDIRECTS") => {
                        self.limits.redirects = redirects(value)?;
                    }
                    _ if word.is_empty() => {}
                    _ => names.push(word),
                }
            }
        }
        for (key, value) in greeting {
            if key.eq_ignore_ascii_case("SIEVE") {
                names.extend(value.split_whitespace());
            } else if key.eq_ignore_ascii_case("MAXREDIRECTS") {
                self.limits.redirects = redirects(value)?;
            }
        }
        if is_list && names.is_empty() {
            return Err(TargetError::Capabilities(
                "no extension is named: did the server answer?".to_owned(),
            ));
        }
        self.extensions = names.into_iter().map(Extension::from).collect();
        self.name = "capabilities".to_owned();
        self.title = "what the server announces".to_owned();
        Ok(self)
    }
}

impl Limits {
    /// Each bound, or the one of `base` where this has none.
    fn over(self, base: Limits) -> Limits {
        Limits {
            redirects: self.redirects.or(base.redirects),
            actions: self.actions.or(base.actions),
            script_bytes: self.script_bytes.or(base.script_bytes),
            nested_blocks: self.nested_blocks.or(base.nested_blocks),
            nested_tests: self.nested_tests.or(base.nested_tests),
            variables: self.variables.or(base.variables),
            variable_bytes: self.variable_bytes.or(base.variable_bytes),
            string_bytes: self.string_bytes.or(base.string_bytes),
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = [
            (self.redirects, "redirects a message"),
            (self.actions, "actions a message"),
            (self.script_bytes, "bytes a script"),
            (self.nested_blocks, "nested blocks"),
            (self.nested_tests, "nested tests"),
            (self.variables, "variables"),
            (self.variable_bytes, "bytes a variable"),
            (self.string_bytes, "bytes a string"),
        ];
        let known = bounds
            .iter()
            .filter_map(|(bound, what)| bound.map(|bound| format!("{bound} {what}")))
            .collect::<Vec<_>>();
        match known.is_empty() {
            true => f.write_str("none known"),
            false => f.write_str(&known.join(", ")),
        }
    }
}

/// What `sievify targets` shows of one server.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.title)?;
        let mut line = String::from("  extensions ");
        for extension in &self.extensions {
            if line.len() + extension.as_str().len() >= 78 {
                writeln!(f, "{line}")?;
                line = " ".repeat(13);
            }
            line = format!("{line} {extension}");
        }
        writeln!(f, "{line}")?;
        writeln!(f, "  limits      {}", self.limits)?;
        write!(f, "  folders     separator {:?}", self.separator)?;
        match self.prefix.as_str() {
            "" => writeln!(f, ", no prefix"),
            prefix => writeln!(f, ", prefix {prefix:?}"),
        }
    }
}

/// A target as a file writes it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TargetFile {
    name: Option<String>,
    title: Option<String>,
    extends: Option<toml::Spanned<String>>,
    extensions: Option<toml::Spanned<Vec<String>>>,
    separator: Option<toml::Spanned<String>>,
    prefix: Option<String>,
    regex: Option<RegexDialect>,
    quoteregex: Option<bool>,
    #[serde(default)]
    limits: Limits,
}

/// The set a list of names makes of a base set, or the name without a sign
/// among names that have one.
fn relative(base: BTreeSet<Extension>, names: &[String]) -> Result<BTreeSet<Extension>, String> {
    let signed = |name: &String| name.starts_with(['+', '-']);
    if !names.iter().any(signed) {
        return Ok(names.iter().map(|name| name.as_str().into()).collect());
    }
    let mut set = base;
    for name in names {
        if let Some(name) = name.strip_prefix('+') {
            set.insert(name.into());
        } else if let Some(name) = name.strip_prefix('-') {
            set.remove(&name.into());
        } else {
            return Err(name.clone());
        }
    }
    Ok(set)
}

/// Whether a name stands for nothing: it is neither known nor a vendor's.
fn is_misspelt(name: &str) -> bool {
    let name = name.trim_start_matches(['+', '-']);
    let is_of_family = ["vnd.", "x-", "comparator-"]
        .iter()
        .any(|family| name.starts_with(family));
    matches!(Extension::from(name), Extension::Other(_)) && !is_of_family
}

/// `"KEY" "VALUE"` of a ManageSieve greeting.
fn greeting_line(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().strip_prefix('"')?.split_once('"')?;
    let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some((key, value))
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".toml").unwrap_or(name)
}

#[cfg(test)]
mod tests;
