//! In: a pipeline that prints a text: `echo "$X" | sed 's/-l$//'`. Out: where the
//! text comes from, and what is done to it on the way.
//!
//! Only what can be done to a text by taking it apart and putting it together
//! again, as Sieve does (RFC 5229 §3.2): plain text, `.*`, sets, groups.

mod sed;

use super::arguments::{Call, Stage};
use super::formail::{Field, Formail};
use crate::rules::model::Text;
use mail_parser::MessageParser;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// A text that is printed, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// What is printed first.
    pub source: Source,
    /// What is then done to it, one after the other.
    pub edits: Vec<TextEdit>,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `echo text`.
    Text(Text),
    /// `formail -x Field`.
    Field(Field),
    /// `formail -r -x To:`: whom one would reply to.
    Sender {
        /// `-t`: the header is trusted more than the envelope.
        trusted: bool,
        /// `-z`: without the blank in front.
        trimmed: bool,
    },
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextEdit {
    /// `tr A-Z a-z`, or the other way round.
    Case {
        /// To upper case.
        upper: bool,
    },
    /// Encoded words become what they stand for, as `perl -MEncode` is used for.
    /// A Sieve server has done so already.
    Decode,
    /// The text is taken apart in the first of these ways that it can be, and
    /// put together anew.
    Apart {
        /// The ways.
        ways: Vec<Way>,
        /// Again and again, until it cannot be any more.
        every: bool,
    },
}

/// A way to take a whole text apart. Letters count as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What the text has to look like.
    pub shape: Shape,
    /// What it becomes.
    pub new: Vec<New>,
}

/// What a text looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Texts with anything between them, as little as can be: the `*` of
    /// `:matches`, and a group each.
    Glob(Vec<String>),
    /// An expression that POSIX and Perl read alike, from `^` to `$`.
    Regex(String),
}

/// A part of what a text becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum New {
    /// This.
    Text(String),
    /// What a group matched, from 1.
    Group(usize),
}

/// What goes on for so long has no end.
const MOST_ROUNDS: usize = 4096;

impl TextEdit {
    /// A text with the change made to it.
    pub fn applied(&self, text: &[u8]) -> Vec<u8> {
        match self {
            TextEdit::Case { upper: true } => text.to_ascii_uppercase(),
            TextEdit::Case { upper: false } => text.to_ascii_lowercase(),
            TextEdit::Decode => decoded(text),
            TextEdit::Apart { ways, every } => {
                let mut text = text.to_vec();
                let rounds = if *every { MOST_ROUNDS } else { 1 };
                for _ in 0..rounds {
                    match ways.iter().find_map(|way| way.applied(&text)) {
                        Some(new) => text = new,
                        None => break,
                    }
                }
                text
            }
        }
    }
}

/// The value of a field with its encoded words read (RFC 2047).
pub fn decoded(value: &[u8]) -> Vec<u8> {
    let message = [b"Subject: ", value, b"\n\n"].concat();
    let parsed = MessageParser::default().parse_headers(&message);
    let subject = parsed.as_ref().and_then(|parsed| parsed.subject());
    match subject.filter(|_| value.windows(2).any(|pair| pair == b"=?")) {
        Some(subject) => subject.as_bytes().to_vec(),
        None => value.to_vec(),
    }
}

impl Way {
    fn applied(&self, text: &[u8]) -> Option<Vec<u8>> {
        let groups = match &self.shape {
            Shape::Glob(texts) => glob(texts, text)?,
            Shape::Regex(regex) => {
                let bytes = syntax::Config::new().utf8(false).unicode(false);
                let regex = Regex::builder().syntax(bytes).build(regex).ok()?;
                let mut captures = regex.create_captures();
                regex.captures(text, &mut captures);
                if !captures.is_match() {
                    return None;
                }
                let group = |span: Option<regex_automata::Span>| {
                    let range = span.map_or(0..0, |span| span.range());
                    text.get(range).unwrap_or_default()
                };
                captures.iter().skip(1).map(group).collect()
            }
        };
        let part = |new: &New| match new {
            New::Text(text) => text.as_bytes().to_vec(),
            New::Group(number) => groups
                .get(number.saturating_sub(1))
                .map_or(Vec::new(), |group| group.to_vec()),
        };
        Some(self.new.iter().flat_map(part).collect())
    }
}

/// What stands between the texts of a glob.
fn glob<'t>(texts: &[String], text: &'t [u8]) -> Option<Vec<&'t [u8]>> {
    let (first, rest) = texts.split_first()?;
    let (last, inner) = rest.split_last()?;
    let mut left = text.strip_prefix(first.as_bytes())?;
    left = left.strip_suffix(last.as_bytes())?;
    let mut groups = Vec::new();
    for each in inner {
        let at = memchr::memmem::find(left, each.as_bytes())?;
        let (group, behind) = left.split_at(at);
        groups.push(group);
        left = behind.get(each.len()..)?;
    }
    groups.push(left);
    Some(groups)
}

/// What a pipeline prints, where that is a text with changes made to it.
pub(super) fn of_pipeline(stages: &[Stage]) -> Option<Printed> {
    let calls = stages.iter().map(|stage| match stage {
        Stage::Call(call) if call.redirections.is_empty() => Some(call),
        _ => None,
    });
    let calls: Vec<&Call> = calls.collect::<Option<_>>()?;
    let (first, rest) = calls.split_first()?;
    let mut printed = alone(first)?;
    for call in rest {
        printed.edits.extend(match call.name.as_str() {
            "tr" => tr(call)?,
            "cut" => vec![cut(call)?],
            "sed" => sed::edits(call)?,
            "perl" if decodes(call) => vec![TextEdit::Decode],
            // Fields have no tabs inside, and only one line.
            "cat" | "expand" if call.arguments.is_empty() => Vec::new(),
            "head" if matches!(call.arguments.as_slice(), [one] if one.known() == Some("-1")) => {
                Vec::new()
            }
            _ => return None,
        });
    }
    (printed.edits.len() <= MOST_EDITS).then_some(printed)
}

/// Changes that one text goes through; nobody writes so many.
const MOST_EDITS: usize = 32;

/// What a single program prints.
pub(super) fn alone(call: &Call) -> Option<Printed> {
    let source = match call.name.as_str() {
        "echo" => Source::Text(super::echo(call)?),
        "printf" => Source::Text(printf(call)?),
        "formail" => Formail::read(call)?.source()?,
        _ => return None,
    };
    Some(Printed {
        source,
        edits: Vec::new(),
    })
}

/// `perl -MEncode -pe '$_=encode("utf8", decode("MIME-Header", $_))'`.
fn decodes(call: &Call) -> bool {
    let words: Option<Vec<&str>> = call.arguments.iter().map(Text::known).collect();
    let Some(["-MEncode", options @ .., program]) = words.as_deref() else {
        return false;
    };
    let program: String = program.split_whitespace().collect();
    let program = program.replace('\'', "\"");
    let inner = ["utf8", "utf-8", "UTF-8", "iso-8859-1", "latin1"]
        .iter()
        .find_map(|charset| {
            let rest = program.strip_prefix("$_=")?;
            let rest = rest.strip_prefix(&format!("encode(\"{charset}\","))?;
            rest.trim_end_matches(';').strip_suffix(')')
        });
    options == ["-pe"] && inner == Some("decode(\"MIME-Header\",$_)")
}

/// `printf '%s' text`.
fn printf(call: &Call) -> Option<Text> {
    match call.arguments.as_slice() {
        [format, text] if matches!(format.known(), Some("%s" | "%s\\n")) => Some(text.clone()),
        _ => None,
    }
}

/// The first of these texts, and what it becomes: `*old*`.
fn replaced(old: &str, new: &str) -> Way {
    let parts = [New::Group(1), New::Text(new.to_owned()), New::Group(2)];
    Way {
        shape: Shape::Glob(vec![String::new(), old.to_owned(), String::new()]),
        new: { parts.into_iter() }
            .filter(|part| *part != New::Text(String::new()))
            .collect(),
    }
}

/// Each of a sign becomes another, or goes.
fn every(old: char, new: &str) -> Option<TextEdit> {
    let is_safe = !new.contains(old);
    is_safe.then(|| TextEdit::Apart {
        ways: vec![replaced(&old.to_string(), new)],
        every: true,
    })
}

/// Signs that are changed one by one: more would make a long script.
const MOST_SIGNS: usize = 4;

/// `tr A-Z a-z`, `tr . _`, `tr -d '<>'`.
fn tr(call: &Call) -> Option<Vec<TextEdit>> {
    let words: Vec<&str> = { call.arguments.iter() }
        .map(Text::known)
        .collect::<Option<_>>()?;
    let signs = |word: &str| -> Option<Vec<char>> {
        let word = match word
            .strip_prefix('[')
            .and_then(|word| word.strip_suffix(']'))
        {
            // `[A-Z]`, as the older tr had it; the brackets stand for themselves.
            Some(inner) if !inner.starts_with(':') && inner.len() > 1 => inner,
            _ => word,
        };
        spelled_out(word)
    };
    match words.as_slice() {
        ["-d", deleted] => {
            let deleted = spelled_out(deleted)?;
            if deleted.len() > MOST_SIGNS {
                return None;
            }
            deleted.into_iter().map(|sign| every(sign, "")).collect()
        }
        [from, to] if !from.starts_with('-') => {
            let (from, mut to) = (signs(from)?, signs(to)?);
            let last = *to.last()?;
            to.resize(from.len().max(to.len()), last);
            let pairs: Vec<(char, char)> = from.into_iter().zip(to).collect();
            let changes = |upper: bool| {
                (b'a'..=b'z').map(char::from).all(|small| {
                    let capital = small.to_ascii_uppercase();
                    pairs.contains(&if upper {
                        (small, capital)
                    } else {
                        (capital, small)
                    })
                })
            };
            let mut edits = Vec::new();
            for upper in [true, false] {
                if changes(upper) {
                    edits.push(TextEdit::Case { upper });
                }
            }
            let is_letter = |&(from, to): &(char, char)| {
                from == to || !edits.is_empty() && from.eq_ignore_ascii_case(&to)
            };
            let others: Vec<(char, char)> = { pairs.iter() }
                .filter(|pair| !is_letter(pair))
                .copied()
                .collect();
            // One after the other, none may change what another has written.
            let olds: Vec<char> = others.iter().map(|(old, _)| *old).collect();
            let is_safe = edits.len() < 2
                && others.len() <= MOST_SIGNS
                && !others.iter().any(|(old, new)| {
                    olds.contains(new) || old.is_ascii_alphabetic() && !edits.is_empty()
                });
            if !is_safe {
                return None;
            }
            for (old, new) in others {
                edits.push(every(old, &new.to_string())?);
            }
            Some(edits)
        }
        _ => None,
    }
}

/// The signs of a set of tr(1).
fn spelled_out(word: &str) -> Option<Vec<char>> {
    match word {
        "[:upper:]" => return Some(('A'..='Z').collect()),
        "[:lower:]" => return Some(('a'..='z').collect()),
        _ if word.contains("[:") || word.contains("[=") || !word.is_ascii() => return None,
        _ => {}
    }
    let mut signs = Vec::new();
    let mut rest = word.chars().peekable();
    while let Some(sign) = rest.next() {
        let sign = match sign {
            '\\' => match rest.next()? {
                'n' | 'r' | 'a' | 'b' | 'f' | 'v' | '0'..='7' => return None,
                't' => '\t',
                other => other,
            },
            sign => sign,
        };
        let mut range = rest.clone();
        match (range.next(), range.next()) {
            (Some('-'), Some(end)) => {
                if end < sign || end == '\\' {
                    return None;
                }
                signs.extend(sign..=end);
                rest = range;
            }
            _ => signs.push(sign),
        }
    }
    (!signs.is_empty() && !signs.contains(&'\n')).then_some(signs)
}

/// `cut -d: -f2`: a line without the sign is printed as it is.
fn cut(call: &Call) -> Option<TextEdit> {
    let (mut sign, mut fields) = ("\t".to_owned(), None);
    for flag in call.options("df", "")? {
        let value = flag.value?.known()?.to_owned();
        match flag.letter {
            'd' => sign = value,
            'f' => fields = Some(value),
            _ => return None,
        }
    }
    let fields = fields?;
    let (number, goes_on) = match fields.strip_suffix('-') {
        Some(number) => (number, true),
        None => (fields.as_str(), false),
    };
    let number: usize = number
        .parse()
        .ok()
        .filter(|number| (1..=4).contains(number))?;
    if sign.chars().count() != 1 || sign == "\n" {
        return None;
    }
    let with = |signs: usize, new: Vec<New>| {
        let mut texts = vec![String::new()];
        texts.resize(signs + 1, sign.clone());
        texts.push(String::new());
        Way {
            shape: Shape::Glob(texts),
            new,
        }
    };
    let it = || vec![New::Group(number)];
    let mut ways = Vec::new();
    if !goes_on {
        ways.push(with(number, it()));
    }
    if number > 1 {
        ways.push(with(number - 1, it()));
    } else if goes_on {
        return None;
    }
    if number > 2 {
        ways.push(with(1, Vec::new()));
    }
    Some(TextEdit::Apart { ways, every: false })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rules::model::Piece;
    use crate::rules::program::{Meaning, meaning};

    fn printed(command: &str, text: &str) -> Option<String> {
        let mut whole = Text::literal("echo ");
        whole.push(Piece::Variable("X".into()));
        whole.push(Piece::Literal(format!(" | {command}")));
        let Meaning::Printed(printed) = meaning(&whole) else {
            return None;
        };
        assert_eq!(
            printed.source,
            Source::Text(Text(vec![Piece::Variable("X".into())]))
        );
        let text = { printed.edits.iter() }
            .fold(text.as_bytes().to_vec(), |text, edit| edit.applied(&text));
        Some(String::from_utf8(text).unwrap())
    }

    #[test]
    fn texts_are_taken_apart() {
        for (command, text, new) in [
            ("tr A-Z a-z", "Ab-C", "ab-c"),
            ("tr '[:lower:]' '[:upper:]'", "Ab-C", "AB-C"),
            ("tr [A-Z] [a-z]", "Ab-C", "ab-c"),
            ("tr . -", "a.b.c", "a-b-c"),
            ("tr 'A-Z /' 'a-z--'", "A b/C", "a-b-c"),
            ("tr -d '<>'", "<a><b>", "ab"),
            ("cut -d@ -f1", "a@b@c", "a"),
            ("cut -d@ -f2", "a@b@c", "b"),
            ("cut -d @ -f 2", "a@b", "b"),
            ("cut -d@ -f3", "a@b", ""),
            ("cut -f2- -d.", "a.b.c", "b.c"),
            ("cut -d@ -f2", "ab", "ab"),
            ("sed 's/-admin$//'", "x-admin-admin", "x-admin"),
            ("sed s/-owner@//", "x-owner@y-owner@", "xy-owner@"),
            ("sed -e 's/\\..*//'", "a.b.c", "a"),
            ("sed 's/.*\\.//'", "a.b.c", "c"),
            ("sed 's/^re: *//'", "re:  x re: y", "x re: y"),
            ("sed 's/\\./_/g'", "a.b.c", "a_b_c"),
            ("sed -e 's/[\\/]/_/g'", "a/b/c", "a_b_c"),
            ("sed 's/.*<\\(.*\\)>.*/\\1/'", "A <b@c> d", "b@c"),
            ("sed -E 's/^(.*)@(.*)$/\\2 at \\1/'", "a@b@c", "c at a@b"),
            ("sed 's/  */ /g'", "a   b  c", "a b c"),
            ("sed -e 's/^[ ]*//g' -e 's/[ ]*$//g'", "  a b  ", "a b"),
            ("sed 's/[^a-zA-Z0-9].*$//'", "web01: down", "web01"),
            ("sed 's/a/b/; s/^b//'", "aa", "a"),
            ("sed 's/<.*//;s/@.*//'", "a@b <c>", "a"),
            ("sed 's,/,.,g'", "a/b", "a.b"),
            ("sed 's/x/y/' | tr y z", "x", "z"),
            ("sed 's/ *(.*)//'", "a@b  (A (b)) c", "a@b c"),
            ("sed 's/ *(.*)//'", "(A) c", " c"),
            ("sed 's/[,;].*$/./'", "a; b, c", "a."),
            ("sed 's/(/</'", "a(b(c", "a<b(c"),
            ("sed 's/.*[:<] *//'", "x: <  a@b", "a@b"),
            ("sed 's/^ \\+//'", "   a", "a"),
            ("sed -E 's/^x+(.*)$/\\1/'", "xxa", "a"),
        ] {
            assert_eq!(printed(command, text).as_deref(), Some(new), "{command}");
        }
    }

    #[test]
    fn encoded_words_are_read() {
        let perl = "perl -MEncode -pe '$_=encode(\"utf8\", decode(\"MIME-Header\",$_))'";
        let text = "Re: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= x";
        assert_eq!(printed(perl, text).as_deref(), Some("Re: Grüße x"));
        assert_eq!(printed("perl -MEncode -pe 's/a/b/'", text), None);
    }

    #[test]
    fn what_is_more_than_that_is_not_known() {
        for command in [
            "tr a-c b-d",
            "tr -s ' '",
            "tr -cd a-z",
            "cut -c1-80",
            "cut -d: -f1,3",
            "sed -n 's/a/b/p'",
            "sed 1d",
            "sed 's/a/b/2'",
            "sed 's/ab/b/g'",
            "sed 's/a/&&/'",
            "sed 's/\\(a\\|b\\)//'",
            "sed 's/a\\+//'",
            "sed 's/a/aa/g'",
            "sed '/x/s/a/b/'",
            "awk '{print $1}'",
        ] {
            assert_eq!(printed(command, "x"), None, "{command}");
        }
    }
}
