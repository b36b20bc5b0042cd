//! In: a command as text with pieces that only a message decides. Out: the
//! programs of its pipeline with their arguments, quotes taken off, what only
//! wraps them (`IFS=' ' &&`, `exec`, `nice`, `|| exit 75`) gone.

use super::guards_failure;
use crate::rules::model::{Piece, Text};
use crate::syntax::shell::{
    Command, List, Operator, Part, Pipeline, RedirectionKind, Shell, Simple, Word,
};
use crate::syntax::{is_name, leading_name};
use std::collections::BTreeMap;

/// The first character that stands for a piece. Private use: no rule file has
/// it, and one that has is not read.
const FIRST_MARK: u32 = 0xF_0000;
const LAST_MARK: u32 = 0x10_FFFD;

/// Utilities that are no programs anywhere: the special built-in ones of the shell
/// (POSIX.1, XCU 2.15), and one more.
const BUILT_IN: [&str; 14] = [
    ":", "break", "command", "continue", "eval", "exec", "exit", "export", "readonly", "return",
    "set", "shift", "trap", "unset",
];

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// Its name without directories; of a variable, that in lower case.
    pub name: String,
    pub arguments: Vec<Text>,
    pub redirections: Vec<Target>,
    /// Arguments without quotes that only a message decides: the shell makes words
    /// of them, or none.
    pub bare: Vec<Text>,
    /// A sign that stands for names of files is without quotes.
    pub lists_files: bool,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub descriptor: Option<u32>,
    pub kind: RedirectionKind,
    pub target: Text,
}

impl Target {
    /// Whether it always can be opened, and nothing comes of it.
    pub fn is_harmless(&self) -> bool {
        let is_nowhere = || self.target.known() == Some("/dev/null");
        self.kind == RedirectionKind::Duplicate || is_nowhere()
    }
}

/// A part of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    Call(Call),
    /// `(a; b; c)`, run one after the other.
    Group(Vec<Vec<Stage>>),
}

/// An option, as getopt(3) would read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flag {
    pub letter: char,
    pub value: Option<Text>,
}

impl Call {
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// The options, of which those in `with_value` take the rest of the word
    /// or the next word; those in `with_two` the next word as well, as an
    /// option of the same letter. `None` where a value is missing, or
    /// something other than an option stands among them.
    pub fn options(&self, with_value: &str, with_two: &str) -> Option<Vec<Flag>> {
        let (flags, operands) = self.options_and_operands(with_value, with_two)?;
        operands.is_empty().then_some(flags)
    }

    /// As [`Call::options`], and the words that are none.
    pub fn options_and_operands(
        &self,
        with_value: &str,
        with_two: &str,
    ) -> Option<(Vec<Flag>, Vec<Text>)> {
        let mut flags = Vec::new();
        let mut operands = Vec::new();
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            let Some(letters) = option_letters(word) else {
                operands.push(word.clone());
                continue;
            };
            if letters == "-" && word.known().is_some() {
                operands.extend(words.cloned());
                break;
            }
            for (at, letter) in letters.char_indices() {
                let takes = with_value.contains(letter);
                let value = takes.then(|| {
                    let rest = rest_of_word(word, 1 + at + letter.len_utf8());
                    rest.or_else(|| words.next().cloned())
                });
                let value = match value {
                    Some(value) => Some(value?),
                    None => None,
                };
                flags.push(Flag { letter, value });
                if with_two.contains(letter) {
                    let value = Some(words.next()?.clone());
                    flags.push(Flag { letter, value });
                }
                if takes {
                    break;
                }
                let is_last = at + letter.len_utf8() == letters.len();
                if is_last && word.known().is_none() {
                    // A variable among the option letters.
                    return None;
                }
            }
        }
        Some((flags, operands))
    }
}

/// What stands behind the `-` of an option, as far as it is known.
fn option_letters(word: &Text) -> Option<&str> {
    match word.0.first() {
        Some(Piece::Literal(text)) => text.strip_prefix('-').filter(|rest| !rest.is_empty()),
        _ => None,
    }
}

/// The word from a byte of its first piece on; `None` where nothing is left.
fn rest_of_word(word: &Text, from: usize) -> Option<Text> {
    let mut rest = Text::default();
    for (at, piece) in word.0.iter().enumerate() {
        match piece {
            Piece::Literal(text) if at == 0 => {
                rest.push(Piece::Literal(text.get(from..)?.to_owned()));
            }
            piece => rest.push(piece.clone()),
        }
    }
    (!rest.0.is_empty()).then_some(rest)
}

/// Reads the commands of one text.
pub(super) struct Reader<'a> {
    pieces: &'a [Piece],
    list: List,
}

impl<'a> Reader<'a> {
    /// `None` where the shell has to do more than run simple commands.
    pub fn new(command: &'a Text) -> Option<Self> {
        let mut text = String::new();
        for (at, piece) in command.0.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => {
                    if literal.chars().any(|c| c as u32 >= FIRST_MARK) {
                        return None;
                    }
                    text.push_str(literal);
                }
                _ => {
                    let mark = FIRST_MARK.saturating_add(u32::try_from(at).ok()?);
                    text.push(char::from_u32(mark).filter(|_| mark <= LAST_MARK)?);
                }
            }
        }
        Some(Reader {
            pieces: &command.0,
            list: Shell::parse(&text).list()?,
        })
    }

    /// Whether it is one program with its arguments, and nothing for a shell.
    pub fn is_program(&self) -> bool {
        let [(pipeline, _)] = self.list.pipelines.as_slice() else {
            return self.list.pipelines.is_empty();
        };
        let [Command::Simple(simple)] = pipeline.commands.as_slice() else {
            return false;
        };
        let is_built_in = first_word(simple).is_some_and(|word| BUILT_IN.contains(&word));
        !pipeline.negated && simple.assignments.is_empty() && !is_built_in
    }

    /// The one pipeline the command is about. What stands before it may only
    /// assign variables or ask whether a program is there; what stands behind
    /// it may only say what happens when it fails.
    pub fn stages(&self) -> Option<Vec<Stage>> {
        self.pipeline_of(&self.list, &mut BTreeMap::new())
    }

    /// Several commands, all with the same operator between them: `a && b`, that
    /// wait for each other.
    pub fn joined(&self) -> Option<(Operator, Vec<Call>)> {
        // Behind `exec`, nothing is run.
        let ((_, end), before) = self.list.pipelines.split_last()?;
        let (_, operator) = before.first()?;
        if *end == Operator::Background
            || before
                .iter()
                .any(|(pipeline, _)| begins_with(pipeline, "exec"))
        {
            return None;
        }
        let calls = self.list.pipelines.iter().map(|(pipeline, _)| {
            match (pipeline.commands.as_slice(), pipeline.negated) {
                ([Command::Simple(simple)], false) => self.call(simple, &BTreeMap::new()),
                _ => None,
            }
        });
        let is_same = before.iter().all(|(_, other)| other == operator);
        let calls = calls.collect::<Option<_>>().filter(|_| is_same)?;
        Some((*operator, calls))
    }

    /// Whether a `cd` stands before the pipeline.
    pub fn changes_directory(&self) -> bool {
        self.list.pipelines.iter().any(|(pipeline, _)| {
            pipeline.commands.iter().any(|command| match command {
                Command::Simple(simple) => is_cd(simple),
                Command::Group { .. } => false,
            })
        })
    }

    fn pipeline_of(&self, list: &List, assigned: &mut Assigned) -> Option<Vec<Stage>> {
        let mut found = None;
        let mut before = Operator::Then;
        for (at, (pipeline, operator)) in list.pipelines.iter().enumerate() {
            let is_fallback = guards_failure(before) && found.is_some();
            if *operator == Operator::Background {
                return None;
            }
            if is_fallback {
                begins_with(pipeline, "exit").then_some(())?;
            } else if found.is_some() {
                return None;
            } else if !self.prepares(pipeline, *operator, assigned)
                && !asks_for_program(pipeline, *operator, list.pipelines.get(at + 1))
            {
                found = Some(self.stages_of(pipeline, assigned)?);
            }
            before = *operator;
        }
        found
    }

    /// Whether a pipeline only sets the stage: it assigns, or says where to go on.
    fn prepares(&self, pipeline: &Pipeline, operator: Operator, assigned: &mut Assigned) -> bool {
        let [Command::Simple(simple)] = pipeline.commands.as_slice() else {
            return false;
        };
        if !matches!(operator, Operator::And | Operator::Then) || pipeline.negated {
            return false;
        }
        if simple.words.is_empty() && simple.redirections.is_empty() {
            for (name, value) in &simple.assignments {
                let value = self.text(value, assigned);
                assigned.insert(name.clone(), value);
            }
            return true;
        }
        first_word(simple) == Some("umask") || is_cd(simple)
    }

    fn stages_of(&self, pipeline: &Pipeline, assigned: &Assigned) -> Option<Vec<Stage>> {
        let is_sole = pipeline.commands.len() == 1;
        if let ([Command::Group { list, redirections }], false) =
            (pipeline.commands.as_slice(), pipeline.negated)
        {
            // `( … )` around everything is nothing.
            if redirections.is_empty() {
                let inner = self.pipeline_of(list, &mut assigned.clone());
                if inner.is_some() {
                    return inner;
                }
            }
        }
        if pipeline.negated && !is_sole {
            return None;
        }
        let mut stages = Vec::new();
        for command in &pipeline.commands {
            match command {
                Command::Simple(simple) => stages.push(Stage::Call(self.call(simple, assigned)?)),
                Command::Group { list, redirections } if redirections.is_empty() => {
                    let pipelines = list.pipelines.iter().map(|(pipeline, operator)| {
                        let joins = matches!(operator, Operator::Then | Operator::And);
                        joins.then(|| self.stages_of(pipeline, assigned)).flatten()
                    });
                    let mut pipelines: Vec<_> = pipelines.collect::<Option<_>>()?;
                    match pipelines.len() {
                        // Around a single pipeline, they are nothing.
                        1 => stages.append(&mut pipelines[0]),
                        _ => stages.push(Stage::Group(pipelines)),
                    }
                }
                Command::Group { .. } => return None,
            }
        }
        match (pipeline.negated, stages.as_slice()) {
            (false, _) => Some(stages),
            (true, [Stage::Call(call)]) => {
                let mut call = call.clone();
                call.arguments.insert(0, Text::literal(call.name));
                call.name = "!".to_owned();
                Some(vec![Stage::Call(call)])
            }
            (true, _) => None,
        }
    }

    fn call(&self, simple: &Simple, assigned: &Assigned) -> Option<Call> {
        let texts = simple.words.iter().map(|word| self.text(word, assigned));
        let texts: Vec<Text> = texts.collect();
        let mut words = texts.as_slice();
        let name = loop {
            let (first, rest) = words.split_first()?;
            words = rest;
            let name = program_name(first)?;
            match name.as_str() {
                "exec" | "command" | "env" | "nohup" | "time" => {}
                // What it runs, where that is a file.
                "python" | "python2" | "python3" | "perl" if names_file(words) => {}
                "nice" | "ionice" => words = without_options(words, "n"),
                "timeout" => words = without_options(words, "ks").get(1..)?,
                _ => break name,
            }
        };
        let redirections = simple.redirections.iter().map(|redirection| Target {
            descriptor: redirection.descriptor,
            kind: redirection.kind,
            target: self.text(&redirection.target, assigned),
        });
        let arguments = texts.len() - words.len();
        let mut bare = simple
            .words
            .iter()
            .zip(&texts)
            .skip(arguments)
            .filter(|(word, _)| !word.quoted);
        let is_decided = |piece: &Piece| matches!(piece, Piece::Literal(_));
        Some(Call {
            name,
            arguments: words.to_vec(),
            redirections: redirections.collect(),
            bare: bare
                .clone()
                .map(|(_, text)| text)
                .filter(|text| !text.0.iter().all(is_decided))
                .cloned()
                .collect(),
            lists_files: bare.any(|(word, _)| {
                let is_pattern = |part: &Part| matches!(part, Part::Text(text) if text.contains(['*', '?', '[']));
                word.parts.iter().any(is_pattern)
            }),
        })
    }

    /// A word, its marks turned back into the pieces they stand for.
    fn text(&self, word: &Word, assigned: &Assigned) -> Text {
        let mut text = Text::default();
        for part in &word.parts {
            match part {
                Part::Text(part) => text.extend(self.restore(part)),
                Part::Command(command) => text.push(Piece::Command(self.restore(command))),
                Part::Variable(name) => match assigned.get(name) {
                    Some(value) => text.extend(value.clone()),
                    None => text.push(variable(name)),
                },
            }
        }
        text
    }

    fn restore(&self, marked: &str) -> Text {
        let mut text = Text::default();
        let mut literal = String::new();
        for c in marked.chars() {
            let at = (c as u32).checked_sub(FIRST_MARK);
            match at.and_then(|at| self.pieces.get(at as usize)) {
                Some(piece) => {
                    text.push(Piece::Literal(std::mem::take(&mut literal)));
                    text.push(piece.clone());
                }
                None => literal.push(c),
            }
        }
        text.push(Piece::Literal(literal));
        text
    }
}

fn first_word(simple: &Simple) -> Option<&str> {
    simple.words.first().and_then(Word::literal)
}

fn is_cd(simple: &Simple) -> bool {
    first_word(simple) == Some("cd")
}

/// Whether a pipeline is one command, and begins with this word.
fn begins_with(pipeline: &Pipeline, word: &str) -> bool {
    match pipeline.commands.as_slice() {
        [Command::Simple(simple)] => first_word(simple) == Some(word),
        _ => false,
    }
}

/// Whether a pipeline only asks for the program, or for a file, that the next one
/// runs or names: `test -x /usr/bin/vacation && /usr/bin/vacation user`.
fn asks_for_program(
    pipeline: &Pipeline,
    operator: Operator,
    next: Option<&(Pipeline, Operator)>,
) -> bool {
    let ([Command::Simple(asking)], Some((next, _)), Operator::And, false) = (
        pipeline.commands.as_slice(),
        next,
        operator,
        pipeline.negated,
    ) else {
        return false;
    };
    let literals: Vec<_> = asking.words.iter().map(Word::literal).collect();
    let asks = matches!(
        literals.as_slice(),
        [Some("test"), Some("-x" | "-f"), _] | [Some("["), Some("-x" | "-f"), _, Some("]")]
    );
    let Some(file) = asking.words.get(2).filter(|_| asks) else {
        return false;
    };
    let name = file.literal().and_then(|file| file.rsplit('/').next());
    next.commands.iter().any(|command| match command {
        Command::Simple(simple) => {
            let runs = name.is_some() && first_word(simple) == name;
            let words = &mut simple.words.iter();
            !matches!(first_word(simple), Some("test" | "["))
                && (runs || words.any(|word| word.parts == file.parts))
        }
        Command::Group { .. } => false,
    })
}

type Assigned = BTreeMap<String, Text>;

/// The words behind the options of a program that runs another one.
fn without_options<'a>(mut words: &'a [Text], with_value: &str) -> &'a [Text] {
    while let Some((first, rest)) = words.split_first() {
        match option_letters(first) {
            Some(letters) if letters.len() == 1 && with_value.contains(letters) => {
                words = rest.get(1..).unwrap_or_default();
            }
            Some(_) => words = rest,
            None => break,
        }
    }
    words
}

/// What a shell makes of `$name` or `${name}`.
fn variable(name: &str) -> Piece {
    if is_name(name) {
        return Piece::Variable(name.to_owned());
    }
    match parameter(name) {
        Some(Piece::Default {
            name: of,
            colon,
            text,
        }) if is_name(&of) && text.known().is_some_and(|text| !text.contains('$')) => {
            Piece::Default {
                name: of,
                colon,
                text,
            }
        }
        _ => Piece::Opaque(format!("${{{name}}}")),
    }
}

/// What stands between the braces of `${NAME:-text}`, `${NAME+text}` and their like.
pub fn parameter(inner: &str) -> Option<Piece> {
    let (name, behind) = leading_name(inner);
    let (colon, behind) = match behind.strip_prefix(':') {
        Some(behind) => (true, behind),
        None => (false, behind),
    };
    let text = Text::literal(behind.strip_prefix(['-', '+'])?);
    let name = name.to_owned();
    match behind.starts_with('+') {
        _ if name.is_empty() => None,
        true => Some(Piece::Alternative { name, colon, text }),
        false => Some(Piece::Default { name, colon, text }),
    }
}

/// Whether the first word is no option.
fn names_file(words: &[Text]) -> bool {
    let first = words.first().and_then(Text::known);
    first.is_some_and(|word| !word.starts_with('-'))
}

/// The name of a program: its path without directories. A variable that is
/// only known on the old host is taken at its word: `$FORMAIL` is formail.
fn program_name(word: &Text) -> Option<String> {
    match word.0.last()? {
        Piece::Literal(text) => {
            let name = text.rsplit('/').next().unwrap_or(text);
            let is_whole = word.0.len() == 1 || text.contains('/');
            (is_whole && !name.is_empty()).then(|| name.to_owned())
        }
        Piece::Variable(name) if word.0.len() == 1 => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}
