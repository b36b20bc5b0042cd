//! In: a pipeline that prints a text: `echo "$X" | sed 's/-l$//'`. Out: where the
//! text comes from, and what is done to it on the way.
//!
//! Only what can be done to a text by taking it apart and putting it together
//! again, as Sieve does (RFC 5229 §3.2): plain text, `.*`, sets, groups.

mod awk;
mod sed;
mod signs;
#[cfg(test)]
mod tests;
mod tr;

pub(super) use sed::rewritten_fields;

use super::arguments::{Call, Stage};
use super::formail::{Field, Formail};
use crate::rules::model::{Piece, Text};
use mail_parser::MessageParser;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use std::borrow::Cow;

/// A text that is printed, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// What is printed first.
    pub source: Source,
    /// What is then done to it, one after the other.
    pub edits: Vec<TextEdit>,
    /// It stood without quotes: blanks at its ends are gone, and one is left of
    /// several in a row.
    pub splits: bool,
    /// `head -1`: of several fields, the first one alone.
    pub first_line: bool,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `echo text`, or `printf text`.
    Text {
        /// What is printed.
        text: Text,
        /// By `echo`, which in some shells reads the signs behind a backslash.
        echoed: bool,
    },
    /// `formail -x Field`.
    Field(Field),
    /// `formail -r -x To:`: whom one would reply to.
    Sender {
        /// Where it is looked for.
        whom: Whom,
        /// `-z`: without the blank in front.
        trimmed: bool,
    },
}

/// Whom one would reply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// `formail -r`: the sender of the envelope.
    Sender,
    /// `-rt`: whom the header names.
    Named,
    /// `-I Reply-To: -rt`: the same, without Reply-To.
    Author,
}

impl Whom {
    /// The fields that say so, the first one first; none where the envelope does.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Whom::Sender => &[],
            Whom::Named => &["reply-to", "from", "sender"],
            Whom::Author => &["from", "sender"],
        }
    }
}

impl Source {
    /// `echo text`.
    pub(super) fn echoed(text: Text) -> Self {
        Source::Text { text, echoed: true }
    }
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextEdit {
    /// `tr A-Z a-z`, or the other way round.
    Case {
        /// To upper case.
        upper: bool,
    },
    /// Encoded words become what they stand for, as `perl -MEncode` and `nkf` are used
    /// for. A Sieve server has done so already.
    Decode {
        /// Letters and digits as wide as Japanese ones become plain ones, too.
        narrows: bool,
    },
    /// The text is taken apart in this way and put together anew, as often as it can
    /// be; each time, less of it is left to change.
    Every(Way),
    /// The text is taken apart in the first of these ways that it can be, and
    /// put together anew.
    Apart(Vec<Way>),
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

/// The longest text that is followed: what procmail itself has room for, if its
/// rules do not ask for more (`LINEBUF`).
const LONGEST: usize = 2048;

impl Shape {
    fn anything() -> Self {
        Shape::Glob(vec![String::new(), String::new()])
    }

    /// Whether any text looks so.
    pub fn is_anything(&self) -> bool {
        matches!(self, Shape::Glob(texts) if texts.iter().all(String::is_empty))
    }

    /// `None` where an expression is too large.
    fn read(&self) -> Option<Readable<'_>> {
        Some(match self {
            Shape::Glob(texts) => Readable::Glob(texts),
            Shape::Regex(regex) => {
                let bytes = syntax::Config::new().utf8(false).unicode(false);
                let regex = Regex::builder().syntax(bytes).build(regex).ok()?;
                Readable::Regex(Box::new(regex))
            }
        })
    }
}

impl TextEdit {
    /// A line with the change made to it; `None` where it is too long to be
    /// followed.
    pub fn applied(&self, line: &[u8]) -> Option<Vec<u8>> {
        let new = match self {
            TextEdit::Case { upper: true } => line.to_ascii_uppercase(),
            TextEdit::Case { upper: false } => line.to_ascii_lowercase(),
            TextEdit::Decode { .. } => decoded(line),
            TextEdit::Every(way) => {
                let shape = way.shape.read()?;
                let mut line = line.to_vec();
                // No line has more places than bytes.
                for _ in 0..=line.len() {
                    match way.made_of(shape.groups(&line)) {
                        Some(new) if new.len() > LONGEST => return None,
                        Some(new) => line = new,
                        None => break,
                    }
                }
                line
            }
            TextEdit::Apart(ways) => {
                let mut new = None;
                for way in ways {
                    new = way.made_of(way.shape.read()?.groups(line));
                    if new.is_some() {
                        break;
                    }
                }
                new.unwrap_or_else(|| line.to_vec())
            }
        };
        (new.len() <= LONGEST).then_some(new)
    }
}

impl Printed {
    /// What becomes of a text that is printed; `None` where that is not followed.
    pub fn of_text(&self, text: &str) -> Option<String> {
        let words = || text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let text = match self.splits {
            true => Cow::Owned(words()),
            false => Cow::Borrowed(text),
        };
        // Each line of several is edited by itself.
        if text.contains('\n') && !self.edits.is_empty() {
            return None;
        }
        String::from_utf8(self.edited(text.as_bytes())?).ok()
    }

    /// What becomes of a line on its way; `None` where it is not followed.
    pub fn edited(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut edits = self.edits.iter();
        edits.try_fold(line.to_vec(), |line, edit| edit.applied(&line))
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
    /// A way, empty texts left out of what becomes of it.
    fn new(shape: Shape, new: impl IntoIterator<Item = New>) -> Self {
        let is_something = |part: &New| *part != New::Text(String::new());
        Way {
            shape,
            new: new.into_iter().filter(is_something).collect(),
        }
    }

    /// The first of these texts becomes another: `*old*`.
    pub fn replacing(old: &str, new: &str) -> Self {
        let around = vec![String::new(), old.to_owned(), String::new()];
        let parts = [New::Group(1), New::Text(new.to_owned()), New::Group(2)];
        Way::new(Shape::Glob(around), parts)
    }

    /// What becomes of a text whose groups these are.
    fn made_of(&self, groups: Option<Vec<&[u8]>>) -> Option<Vec<u8>> {
        let groups = groups?;
        let part = |new: &New| match new {
            New::Text(text) => text.as_bytes().to_vec(),
            New::Group(number) => groups
                .get(number.saturating_sub(1))
                .map_or(Vec::new(), |group| group.to_vec()),
        };
        Some(self.new.iter().flat_map(part).collect())
    }
}

/// A shape that texts can be held against.
enum Readable<'s> {
    Glob(&'s [String]),
    Regex(Box<Regex>),
}

impl Readable<'_> {
    /// What the groups match, where the text looks so.
    fn groups<'t>(&self, text: &'t [u8]) -> Option<Vec<&'t [u8]>> {
        let regex = match self {
            Readable::Glob(texts) => return glob(texts, text),
            Readable::Regex(regex) => regex,
        };
        let mut captures = regex.create_captures();
        regex.captures(text, &mut captures);
        let group = |span: Option<regex_automata::Span>| {
            let range = span.map_or(0..0, |span| span.range());
            text.get(range).unwrap_or_default()
        };
        let groups = || captures.iter().skip(1).map(group).collect();
        captures.is_match().then(groups)
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
    if let Some(sender) = of_mbox_line(first, rest) {
        return Some(sender);
    }
    let mut printed = alone(first)?;
    change(&mut printed, rest)?;
    // Where there is no line, nothing is done to it.
    let has_line = !is_of_field(&printed) && !first.is("printf");
    let is_known = has_line || printed.edited(b"").is_some_and(|line| line.is_empty());
    // The shell's own echo reads some signs behind a backslash, as it sees fit.
    let is_plain = match &printed.source {
        Source::Text { text, .. } => !text
            .0
            .iter()
            .any(|piece| matches!(piece, Piece::Literal(text) if text.contains(['\\', '\n']))),
        _ => true,
    };
    (is_known && is_plain && printed.edits.len() <= MOST_EDITS).then_some(printed)
}

fn is_of_field(printed: &Printed) -> bool {
    matches!(printed.source, Source::Field(_))
}

/// `formail -x "From " | awk '{print $1}'`: the first word of the line of the mbox format
/// is the sender.
fn of_mbox_line(first: &Call, rest: &[&Call]) -> Option<Printed> {
    const LINES: [(&[u8], &[u8]); 2] = [
        (
            b"a.b@example.org  Thu Jan  1 00:00:00 2026",
            b"a.b@example.org",
        ),
        (b"x-y  Mon Nov 30 23:59:59 2026", b"x-y"),
    ];
    if !first.is("formail") || !Formail::read(first)?.prints_mbox_line() {
        return None;
    }
    let mut printed = Printed {
        source: Source::Sender {
            whom: Whom::Sender,
            trimmed: true,
        },
        edits: Vec::new(),
        splits: false,
        first_line: false,
    };
    change(&mut printed, rest)?;
    let is_sender =
        |(line, sender): &(&[u8], &[u8])| printed.edited(line).as_deref() == Some(*sender);
    if !LINES.iter().all(is_sender) {
        return None;
    }
    printed.edits.clear();
    Some(printed)
}

/// Adds what programs make of what is printed.
fn change(printed: &mut Printed, programs: &[&Call]) -> Option<()> {
    let is_text = matches!(printed.source, Source::Text { .. });
    let has_lines = matches!(&printed.source, Source::Field(field) if field.names.len() > 1);
    for call in programs {
        printed.edits.extend(match call.name.as_str() {
            "tr" => tr::edits(call, has_lines)?,
            "cut" => vec![fields_cut(call).or_else(|| signs_cut(call))?],
            "sed" => sed::edits(call)?,
            "awk" | "gawk" | "mawk" | "nawk" => vec![awk::edit(call)?],
            "perl" if decodes(call) => vec![TextEdit::Decode { narrows: false }],
            "nkf" => vec![nkf(call)?],
            "cat" if call.arguments.is_empty() => Vec::new(),
            // Fields have no tabs inside.
            "expand" if call.arguments.is_empty() && !is_text => Vec::new(),
            "head" if takes_one_line(call) => {
                if has_lines && !printed.edits.is_empty() {
                    return None;
                }
                printed.first_line = has_lines;
                Vec::new()
            }
            _ => return None,
        });
    }
    Some(())
}

/// Changes that one text goes through; nobody writes so many.
const MOST_EDITS: usize = 32;

/// What a single program prints.
pub(super) fn alone(call: &Call) -> Option<Printed> {
    if call.lists_files {
        return None;
    }
    let source = match call.name.as_str() {
        "echo" => Source::echoed(super::echo(call)?),
        "printf" => Source::Text {
            text: printf(call)?,
            echoed: false,
        },
        "formail" => Formail::read(call)?.source()?,
        _ => return None,
    };
    Some(Printed {
        source,
        edits: Vec::new(),
        splits: !call.bare.is_empty() && call.is("echo"),
        first_line: false,
    })
}

/// `head -1`, `head -n 1`.
fn takes_one_line(call: &Call) -> bool {
    let words: Vec<_> = call.arguments.iter().map(Text::known).collect();
    matches!(
        words.as_slice(),
        [Some("-1" | "-n1")] | [Some("-n"), Some("1")]
    )
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

/// `nkf -mw`: to UTF-8.
fn nkf(call: &Call) -> Option<TextEdit> {
    let mut decodes = true;
    let mut is_utf8 = false;
    let mut narrows = false;
    for word in &call.arguments {
        let letters = match word.known()? {
            "--utf8" => "w",
            "--mime" => "m",
            word => word
                .strip_prefix('-')
                .filter(|word| !word.starts_with('-'))?,
        };
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let number = letters.next_if(char::is_ascii_digit);
            match (letter, number) {
                ('m', number) => decodes = number != Some('0'),
                ('w', None | Some('8')) => is_utf8 = true,
                ('Z', _) => narrows = true,
                // From which encoding; to which line ends, none of which are here.
                ('J' | 'E' | 'S' | 'W' | 'u' | 'd', None) => {}
                _ => return None,
            }
        }
    }
    (decodes && is_utf8).then_some(TextEdit::Decode { narrows })
}

/// `printf '%s' text`.
fn printf(call: &Call) -> Option<Text> {
    match call.arguments.as_slice() {
        [format, text] if matches!(format.known(), Some("%s" | "%s\\n")) => Some(text.clone()),
        _ => None,
    }
}

/// `cut -c1-30`: bytes by their places.
fn signs_cut(call: &Call) -> Option<TextEdit> {
    let [word] = call.arguments.as_slice() else {
        return None;
    };
    let places = word.known()?;
    let places = places.strip_prefix("-c").or(places.strip_prefix("-b"))?;
    let (first, last) = places.split_once('-').unwrap_or((places, places));
    // More repetitions than that are refused in an expression (POSIX 9.3.6).
    let number = |text: &str| {
        text.parse()
            .ok()
            .filter(|place: &usize| (1..=255).contains(place))
    };
    let before = match first {
        "" => 0,
        first => number(first)?.checked_sub(1)?,
    };
    let taken = match last {
        "" => ".*".to_owned(),
        last => format!(".{{0,{}}}", number(last)?.checked_sub(before)?),
    };
    let of_longer = match before {
        0 => String::new(),
        before => format!(".{{{before}}}"),
    };
    let regex = Shape::Regex(format!("^{of_longer}({taken}).*$"));
    let mut ways = vec![Way::new(regex, [New::Group(1)])];
    if before > 0 {
        ways.push(Way::new(Shape::anything(), []));
    }
    Some(TextEdit::Apart(ways))
}

/// `cut -d: -f2`: a line without the sign is printed as it is.
fn fields_cut(call: &Call) -> Option<TextEdit> {
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
    if sign.len() != 1 || sign == "\n" {
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
    Some(TextEdit::Apart(ways))
}
