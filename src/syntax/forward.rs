//! In: the text of a `.forward` file, or the right-hand side of an alias.
//! Out: its nodes, which together cover every byte of it.

use super::{FileId, Span};
use pest::Parser;
use pest::iterators::Pair;

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/forward.pest"]
    pub(super) struct ForwardParser;
}

use grammar::{ForwardParser, Rule};

/// A parsed file: its nodes in order, without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// A stretch of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it lies.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// What a stretch of the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// Blanks and line ends.
    Blank,
    /// A comma.
    Comma,
    /// `#` to the end of its line.
    Comment,
    /// Somewhere that mail goes.
    Destination(Destination),
    /// The whole file, in another language.
    Foreign(Language),
}

/// Somewhere that mail goes (aliases(5)), quotes taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `\user`: that mailbox, without looking further.
    Keep(String),
    /// `|command`, as the shell gets it.
    Command(String),
    /// `:include:path`.
    Include(String),
    /// `/path`, `~/path` or `~user/path`.
    File(String),
    /// One address, without display name and comments.
    Address(String),
    /// What no mailer takes for an address, as written.
    Invalid(String),
}

impl Destination {
    /// What a mailer makes of it: to Postfix, blanks between addresses part them as commas
    /// do. `counts` says which addresses are meant to be some.
    pub fn each(&self, counts: impl Fn(&str) -> bool) -> Vec<Destination> {
        let several = |text: &str| {
            let words = text.split_whitespace().map(|word| {
                let address = mailbox(word)?;
                counts(&address).then_some(Destination::Address(address))
            });
            words.collect::<Option<Vec<_>>>()
        };
        match self {
            Destination::Invalid(text) => several(text).unwrap_or_else(|| vec![self.clone()]),
            _ => vec![self.clone()],
        }
    }
}

/// Languages a mailer reads instead, known by the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `# Exim filter`.
    Exim,
    /// `# Sieve filter`.
    Sieve,
}

impl Forward {
    /// Parses any text at all.
    pub fn parse(file: FileId, text: &str) -> Forward {
        let pairs = ForwardParser::parse(Rule::forward, text)
            .into_iter()
            .flatten()
            .flat_map(Pair::into_inner);
        let nodes = pairs
            .filter(|pair| pair.as_rule() != Rule::EOI)
            .map(|pair| Node {
                span: Span {
                    file,
                    start: pair.as_span().start(),
                    end: pair.as_span().end(),
                },
                kind: kind(pair),
            })
            .collect();
        Forward { nodes }
    }

    /// The file, put together again from the nodes and the text they came from.
    pub fn print(&self, text: &str) -> String {
        let slices = self.nodes.iter().map(|node| &node.span);
        slices
            .filter_map(|span| text.get(span.start..span.end))
            .collect()
    }

    /// The destinations, with the spans they lie in.
    pub fn destinations(&self) -> impl Iterator<Item = (Span, &Destination)> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Destination(destination) => Some((node.span, destination)),
            _ => None,
        })
    }

    /// The language, where the whole file is in another one.
    pub fn language(&self) -> Option<Language> {
        self.nodes.iter().find_map(|node| match node.kind {
            NodeKind::Foreign(language) => Some(language),
            _ => None,
        })
    }
}

fn kind(pair: Pair<'_, Rule>) -> NodeKind {
    let rule = pair.as_rule();
    match rule {
        Rule::blank => return NodeKind::Blank,
        Rule::comma => return NodeKind::Comma,
        Rule::comment => return NodeKind::Comment,
        Rule::exim_filter => return NodeKind::Foreign(Language::Exim),
        Rule::sieve_filter => return NodeKind::Foreign(Language::Sieve),
        _ => {}
    }
    let inner = pair.into_inner().next();
    let is_quoted = { inner.as_ref() }.is_some_and(|inner| inner.as_rule() == Rule::quoted_text);
    let text = inner.map_or(String::new(), |inner| match inner.as_rule() {
        Rule::quoted_text => unescaped(inner.as_str()),
        _ => inner
            .as_str()
            .trim_end_matches([' ', '\t', '\r'])
            .to_owned(),
    });
    let is_whole_path = |text: &str| !text.contains(['\\', ' ', '\t']);
    NodeKind::Destination(match rule {
        Rule::command => Destination::Command(text.trim().to_owned()),
        Rule::bare_command => Destination::Command(whole_quoted(&text).unwrap_or(text)),
        Rule::include => Destination::Include(text.trim().to_owned()),
        // Blanks and backslashes outside of quotes mean something to one mailer only.
        Rule::file if !is_quoted && !is_whole_path(&text) => Destination::Invalid(text),
        Rule::file => Destination::File(text),
        Rule::keep => Destination::Keep(text),
        _ => match mailbox(&text) {
            Some(address) => Destination::Address(address),
            None => Destination::Invalid(text),
        },
    })
}

/// A quoted string without its backslashes. Only a quote or a backslash can be
/// guarded by one: anything else is left for the shell.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('"' | '\\')) => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    plain
}

/// What is between the quotes, where the text is one quoted string.
fn whole_quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut guarded = false;
    let has_bare_quote = inner.chars().any(|c| {
        let bare = c == '"' && !guarded;
        guarded = c == '\\' && !guarded;
        bare
    });
    (!has_bare_quote && !guarded).then(|| unescaped(inner))
}

/// The address in `Name <a@b>`, `a@b (Name)`, `<a@b>`, `"a b"@c` or `a@b`;
/// `None` where what is left is not one address.
pub fn mailbox(text: &str) -> Option<String> {
    let text = without_comments(text);
    let address = match text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once('<'))
    {
        // Two addresses without a comma are not one.
        Some((name, _)) if has_bare_bracket(name) => return None,
        Some((_, inside)) => inside.trim(),
        None => text.as_str(),
    };
    // A dot behind a domain is the root of all, and goes without saying.
    let address = match address.strip_suffix('.') {
        Some(without) if address.contains('@') => without,
        _ => address,
    };
    let (local, domain) = match address.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (address, None),
    };
    let is_word = |text: &str| {
        let special =
            |c: char| c.is_whitespace() || c.is_control() || "()<>[]:;,|/\\\"@".contains(c);
        !text.is_empty() && !text.contains(special)
    };
    // `host!user` has its domain in front.
    let is_of_uucp = domain.is_none() && local.contains('!');
    let local_is_fine = is_word(local) && !is_of_uucp || is_quoted_local_part(local);
    (local_is_fine && domain.is_none_or(is_word)).then(|| address.to_owned())
}

/// Whether an address stands in a display name, outside of quotes.
fn has_bare_bracket(name: &str) -> bool {
    let outside = name.split('"').step_by(2);
    outside.into_iter().any(|text| text.contains(['<', '>']))
}

/// The text without what stands in parentheses outside quotes, trimmed.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_quotes = false;
    let mut guarded = false;
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            _ if guarded => {}
            '"' if depth == 0 => in_quotes = !in_quotes,
            '(' if !in_quotes => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        guarded = c == '\\' && !guarded;
        if depth == 0 {
            plain.push(c);
        }
    }
    plain.trim().to_owned()
}

fn is_quoted_local_part(local: &str) -> bool {
    local.len() > 2 && whole_quoted(local).is_some_and(|inner| !inner.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::Destination::*;
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Forward {
        let forward = Forward::parse(FileId(0), text);
        assert_eq!(forward.print(text), text);
        forward
    }

    fn destinations(text: &str) -> Vec<Destination> {
        parse(text).destinations().map(|(_, d)| d.clone()).collect()
    }

    fn s(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn addresses() {
        let ab = || Address(s("a@b.example"));
        for text in [
            "a@b.example",
            "a@b.example\n",
            "a@b.example\r\n",
            "  a@b.example  \n",
            "A B <a@b.example>\n",
            "<a@b.example>",
            "\"B, A\" <a@b.example>,\n",
            "a@b.example (A, B)\n",
            "a@b.example, ,,\n",
            "a@b.example.\n",
            "# note\na@b.example # note\n",
        ] {
            assert_eq!(destinations(text), [ab()], "{text:?}");
        }
        assert_eq!(
            destinations("a,b\nc d"),
            [Address(s("a")), Address(s("b")), Invalid(s("c d"))]
        );
        assert_eq!(destinations("\"a b\"@c"), [Address(s("\"a b\"@c"))]);
        assert_eq!(destinations("a@b@c"), [Invalid(s("a@b@c"))]);
        // No grammar of ours gives it one, but an Exim filter does.
        assert_eq!(mailbox("a@b.example,"), None);
    }

    #[test]
    fn keeps() {
        assert_eq!(
            destinations("\\joe, a@b"),
            [Keep(s("joe")), Address(s("a@b"))]
        );
        assert_eq!(destinations("\"\\\\joe\""), [Keep(s("joe"))]);
    }

    #[test]
    fn commands() {
        for (text, command) in [
            (
                "\"|IFS=' ' && exec procmail -f- || exit 75 #joe\"\n",
                "IFS=' ' && exec procmail -f- || exit 75 #joe",
            ),
            ("\"| a \\\"b, c\\\"\"\r\n", "a \"b, c\""),
            ("|\"exec procmail\"", "exec procmail"),
            ("| /usr/bin/procmail -t\n", "/usr/bin/procmail -t"),
            ("|/usr/bin/x\r\n", "/usr/bin/x"),
            ("|\"/a b\" \"c,d\",", "\"/a b\" \"c,d\""),
            ("\"|a\\b\"", "a\\b"),
            ("\"|unclosed", "unclosed"),
        ] {
            assert_eq!(destinations(text), [Command(s(command))], "{text:?}");
        }
        assert_eq!(
            destinations("\\eric, \"|/usr/bin/vacation eric\""),
            [Keep(s("eric")), Command(s("/usr/bin/vacation eric"))]
        );
    }

    #[test]
    fn what_may_be_several_is_none() {
        for text in [
            "<a@b.example> <c@d.example>",
            "Ann <a@b.example> Tom <t@d.example>",
            "\"Ann\" <a@b.example> \"Tom\" <t@d.example>",
            "/home/joe/box a@b.example",
            "~/box ~/box2",
            "/home/joe/b\\,ox",
            "b.example!a",
        ] {
            let found = destinations(text);
            assert!(
                matches!(found.first(), Some(Invalid(_))),
                "{text}: {found:?}"
            );
        }
        assert_eq!(
            destinations("\"Ann <home>\" <a@b.example>"),
            [Address(s("a@b.example"))]
        );
    }

    #[test]
    fn files_and_includes() {
        assert_eq!(
            destinations("/var/mail/joe\n~/mbox\n\"/a b/\"\n/dev/null"),
            [
                File(s("/var/mail/joe")),
                File(s("~/mbox")),
                File(s("/a b/")),
                File(s("/dev/null"))
            ]
        );
        assert_eq!(
            destinations(":include:/etc/list, \":include:~/my list\""),
            [Include(s("/etc/list")), Include(s("~/my list"))]
        );
    }

    #[test]
    fn other_languages() {
        for (text, language) in [
            ("# Exim filter\nif x then\n", Some(Language::Exim)),
            ("#Exim Filter", Some(Language::Exim)),
            ("#   Sieve filter\r\nkeep;", Some(Language::Sieve)),
            ("# Exim filters are nice\n", None),
            ("\n # Exim filter\n", Some(Language::Exim)),
            ("a@b\n# Exim filter\n", None),
        ] {
            assert_eq!(parse(text).language(), language, "{text:?}");
        }
    }

    #[test]
    fn nothing_to_do() {
        assert!(destinations("").is_empty());
        assert!(destinations("# a\r\n\n  # b").is_empty());
    }

    #[test]
    fn long_and_hostile_lines_take_linear_time() {
        let started = std::time::Instant::now();
        for unit in [
            "\"\\\"", "((", "a ", " #", "\"|", ",", "\\", "  ", "<", "\r",
        ] {
            let text = unit.repeat(50_000);
            parse(&text);
        }
        assert!(started.elapsed().as_secs() < 60);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_text_is_printed_back(text in "([ -~]|[\\x00\r\n\té\"\\\\|,#:(<]|\"\\||:include:){0,80}") {
            parse(&text);
        }
    }
}
