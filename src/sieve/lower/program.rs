//! In: the command of a pipe. Out: what the server does in the program's place.

use super::Lowering;
use super::answer::seen_senders;
use super::names::script_name;
use super::path::{Known, Path};
use super::pattern::Fit;
use super::sequence::Flow;
use super::shape::Shape;
use crate::ledger::{Code, Note, Verdict, shortened};
use crate::rules::elaborate::mailbox::WITHOUT_DIRECTORY;
use crate::rules::model::{
    Area, Folder, Format, Piece, Program, Recipe, StatementId, Step, Text, walk,
};
use crate::rules::program::{Changed, Edit, Meaning, Source, meaning};
use crate::sieve::script::{Command, CommandKind, Test};
use crate::sieve::target::Extension;
use std::collections::BTreeSet;

/// What the action of a recipe came to.
pub(super) struct Acted {
    pub flow: Flow,
    /// The action succeeds only where this holds; else the message goes on.
    pub succeeds_if: Option<Test>,
    /// Whether it holds for the same messages as before.
    pub is_exact: bool,
}

impl Acted {
    /// An action that succeeds where a test holds, and only there.
    fn where_holds(succeeds_if: Test, flow: Flow) -> Self {
        Acted {
            flow,
            succeeds_if: Some(succeeds_if),
            is_exact: true,
        }
    }
}

impl From<Flow> for Acted {
    fn from(flow: Flow) -> Self {
        Acted {
            flow,
            succeeds_if: None,
            is_exact: true,
        }
    }
}

impl Lowering<'_> {
    /// `| command`; where it fails, somebody may be `answered`, and that is all.
    ///
    /// # Errors
    /// Why it is not done; what then becomes of the message is for the caller.
    pub(super) fn piped(
        &mut self,
        recipe: &Recipe,
        text: &Text,
        answered: bool,
        path: &Path,
    ) -> Result<Acted, Note> {
        let at = recipe.at;
        let copy = recipe.flags.copy;
        let meaning = meaning(text);
        if meaning == Meaning::NoProgram && recipe.flags.wait {
            self.find(at, no_program());
            return Ok(match recipe.flags.filter {
                true => Flow::nothing().into(),
                false => Acted::where_holds(Test::False, Flow::nothing()),
            });
        }
        if recipe.flags.filter {
            let commands = self.filtered(recipe, meaning, text, path)?;
            return Ok(Flow::of(commands).into());
        }
        let filed = match &meaning {
            Meaning::FiledChanged { then, .. } => then.as_ref(),
            meaning => meaning,
        };
        if let Meaning::Deliver { recipients, .. } = filed
            && !self.program.are_user(recipients)
        {
            return Err(given_to("a program that delivers it to another user"));
        }
        if let Some(note) = filed_otherwise(&meaning) {
            self.find(at, note);
        }
        let meaning = match meaning {
            Meaning::FiledChanged { then, .. } => *then,
            meaning => meaning,
        };
        let flow = match meaning {
            Meaning::Deliver { folder: None, .. } => {
                let kept = self.keeping(copy || path.place.clone.is_some(), Vec::new());
                self.delivered(vec![Command::from(kept)], copy, path)
            }
            Meaning::Deliver {
                folder: Some(folder),
                ..
            } => {
                let folder = Folder::absolute(folder, Format::Maildir);
                self.filed(at, &[folder], copy, &[], path)?
            }
            Meaning::StoreMh { folder } => {
                let mut path_of = Text::literal(format!("{}/Mail/", self.naming.home));
                path_of.extend(folder);
                let folder = Folder::absolute(path_of, Format::Mh);
                self.filed(at, &[folder], copy, &[], path)?
            }
            Meaning::AppendTo { path: file, .. } => {
                let folder = self.appended(at, file, path);
                self.filed(at, &[folder], copy, &[], path)?
            }
            Meaning::Redirect { addresses, edits } => {
                let flow = self.forwarded(at, &addresses, copy, path)?;
                self.changed_before(at, edits, copy, flow, path)
            }
            Meaning::Duplicate {
                by_sender: true, ..
            } if answered => {
                self.find(at, seen_senders());
                return Ok(Acted::where_holds(Test::False, Flow::nothing()));
            }
            Meaning::Duplicate {
                by_sender, cache, ..
            } => {
                let test = self.duplicate(at, &cache, by_sender)?;
                let flow = match copy {
                    true => Flow::nothing(),
                    false => self.thrown_away(at, path),
                };
                return Ok(Acted::where_holds(test, flow));
            }
            Meaning::AutoReply(reply) => {
                let commands = self.reply(at, &reply, path)?;
                self.answered(at, commands, copy, path)
            }
            Meaning::Vacation(call) => {
                let commands = self.vacation_of(at, &call, path)?;
                self.answered(at, commands, copy, path)
            }
            // procmail does not wait for what it says.
            Meaning::Question(_) | Meaning::Grep(_) if copy && !recipe.flags.wait => {
                Flow::nothing()
            }
            Meaning::Question(_) | Meaning::Grep(_) if copy => {
                return self.asked_of_copy(recipe, text, path);
            }
            Meaning::Mail { .. } | Meaning::SendToHeader { .. } => {
                return Err(Note::manual(
                    Code::SentByProgram,
                    format!("A mail of its own was made and sent here by {}", what(text)),
                ));
            }
            meaning => {
                let unknown = || given_to(&what(text));
                return self.aside(recipe, &meaning, path).ok_or_else(unknown);
            }
        };
        Ok(flow.into())
    }

    /// `formail … | sendmail address`: the message is changed before it is sent.
    fn changed_before(
        &mut self,
        at: StatementId,
        edits: Vec<Edit>,
        copy: bool,
        mut flow: Flow,
        path: &Path,
    ) -> Flow {
        if edits.is_empty() {
            return flow;
        }
        match self.edited(at, &edits, path) {
            Ok(commands) => {
                if copy || path.place.clone.is_some() {
                    let changes = Meaning::HeaderEdit(edits).changes(true, true);
                    self.edits_both(at, changes);
                }
                flow.commands.splice(0..0, commands);
            }
            Err(note) => self.find(at, note),
        }
        flow
    }

    /// `:0 Wc | grep …`: the recipes below go by what it says of a copy.
    fn asked_of_copy(&mut self, recipe: &Recipe, text: &Text, path: &Path) -> Result<Acted, Note> {
        let area = match (recipe.flags.feed_header, recipe.flags.feed_body) {
            (true, false) => Area::Header,
            (false, true) => Area::Body,
            _ => Area::HeaderAndBody,
        };
        let held = self.question(recipe, text, &area, path)?;
        if !held.before.is_empty() {
            return Err(given_to(&what(text)));
        }
        self.find_all(recipe.at, held.notes);
        Ok(Acted {
            is_exact: held.fit == Fit::EXACT,
            ..Acted::where_holds(held.test, Flow::nothing())
        })
    }

    /// A program that neither files the mail nor sends any.
    fn aside(&mut self, recipe: &Recipe, meaning: &Meaning, path: &Path) -> Option<Acted> {
        let at = recipe.at;
        let copy = recipe.flags.copy;
        if copy && let Some(note) = meaningless(meaning) {
            self.find(at, note);
            return Some(Flow::nothing().into());
        }
        let flow = match meaning {
            Meaning::SetFlags { .. } => {
                self.find(at, Note::adapted(
                    Code::ReadMark,
                    "The file of the mail was renamed to mark it; the server cannot mark mail that lies in a folder already",
                ));
                Flow::nothing()
            }
            Meaning::Training { program } => {
                self.find(at, Note::adapted(
                    Code::SpamTraining,
                    format!("{program} learned from the mail, and that was all; the server learns nothing from it"),
                ));
                match (copy, recipe.flags.wait) {
                    (true, _) => Flow::nothing(),
                    // Where the program failed, the mail went on.
                    (false, true) => self.kept(path),
                    (false, false) => self.thrown_away(at, path),
                }
            }
            Meaning::Exit(0) if copy => Flow::nothing(),
            Meaning::Exit(0) if recipe.flags.ignore_errors => self.thrown_away(at, path),
            Meaning::Exit(0) => {
                self.find(
                    at,
                    Note::adapted(
                        Code::SideEffect,
                        "The program reads no mail, which threw away a short one, while procmail kept one that was too long to be handed over at once; here the mail stays",
                    ),
                );
                self.kept(path)
            }
            Meaning::Exit(_) if !recipe.flags.wait => {
                self.find(
                    at,
                    Note::adapted(
                        Code::SideEffect,
                        "procmail did not wait for the program, and seldom saw that it failed; here it does not fail, and the mail stays",
                    ),
                );
                match copy {
                    true => Flow::nothing(),
                    false => self.kept(path),
                }
            }
            Meaning::Exit(_) => {
                return Some(Acted::where_holds(Test::False, Flow::nothing()));
            }
            _ => return None,
        };
        Some(flow.into())
    }

    /// A filter: the message goes on, perhaps changed.
    fn filtered(
        &mut self,
        recipe: &Recipe,
        meaning: Meaning,
        text: &Text,
        path: &Path,
    ) -> Result<Vec<Command>, Note> {
        let at = recipe.at;
        let changes = meaning.changes(recipe.flags.feed_header, recipe.flags.feed_body);
        match meaning {
            Meaning::SpamFilter { program, .. } => {
                self.find(at, Note::dropped(
                    Code::SpamFilter,
                    format!("{program} marked mail as spam or not; the new server runs a filter of its own before it runs any rule"),
                ));
                Ok(Vec::new())
            }
            Meaning::PassThrough => {
                self.find(
                    at,
                    Note::dropped(Code::SideEffect, "The program left the mail as it was"),
                );
                Ok(Vec::new())
            }
            Meaning::HeaderEdit(edits) => {
                let edited = self.edited(at, &edits, path);
                if edited.is_err() {
                    self.unchanged.parts(changes);
                } else if path.place.clone.is_some() {
                    self.edits_both(at, changes);
                }
                edited
            }
            Meaning::Rewritten { fields } if recipe.flags.feed_header => {
                self.unchanged.parts(changes);
                Err(Note::adapted(
                    Code::HeaderUnchanged,
                    format!(
                        "sed changed the text of the field {}; on the server it stays as it was",
                        fields.join(", ")
                    ),
                ))
            }
            Meaning::Decoded { program } => {
                self.unchanged.parts(changes);
                Err(Note::adapted(
                    Code::StaysEncoded,
                    format!(
                        "{program} decoded the mail; it stays as it was sent, and mail programs decode it when they show it"
                    ),
                ))
            }
            _ => {
                self.unchanged.parts(changes);
                Err(Note::manual(
                    Code::UnknownFilter,
                    format!(
                        "The mail was changed by {}; it goes on unchanged",
                        what(text)
                    ),
                ))
            }
        }
    }

    /// A change that was made to a copy alone.
    fn edits_both(&mut self, at: StatementId, fields: Vec<Changed>) {
        self.find(at, Note::adapted(
            Code::CopyEdited,
            "Only a copy of the mail was changed; on the server, what goes on behind it is changed as well",
        ));
        self.unchanged.of_both(fields);
    }

    /// An answer was sent, and a recipe without `c` keeps nothing behind it.
    fn answered(
        &mut self,
        at: StatementId,
        commands: Vec<Command>,
        copy: bool,
        path: &Path,
    ) -> Flow {
        if copy {
            return Flow::of(commands);
        }
        let mut flow = self.thrown_away(at, path);
        let is_gone = |command: &Command| command.kind == CommandKind::Discard;
        if flow.commands.iter().any(is_gone) {
            self.find(at, Note::adapted(
                Code::Answered,
                "The mail itself was not kept, and is thrown away here too, even where the server sends no answer to it",
            ));
        }
        flow.commands.splice(0..0, commands);
        flow
    }

    fn appended(&mut self, at: StatementId, mut file: Text, path: &Path) -> Folder {
        let mut format = Format::Mbox;
        if let Some(Piece::Literal(last)) = file.0.last_mut()
            && last.ends_with('/')
        {
            format = Format::Maildir;
            last.truncate(last.trim_end_matches('/').len());
        }
        if file.known() == Some("/dev/null") {
            format = Format::Null;
        }
        if let Some(Piece::Literal(first)) = file.0.first_mut()
            && !first.starts_with(['/', '~'])
        {
            match &path.directory {
                Some(directory) => *first = format!("{directory}/{first}"),
                None => self.find(at, without_directory()),
            }
        }
        Folder::absolute(file, format)
    }

    /// The message was seen before.
    pub(super) fn duplicate(
        &mut self,
        at: StatementId,
        cache: &Text,
        by_sender: bool,
    ) -> Result<Test, Note> {
        if by_sender {
            return Err(Note::manual(
                Code::SeenSenders,
                "formail remembered the senders that were answered; the server does so itself where it sends the answer",
            ));
        }
        if !self.target.has(Extension::Duplicate) {
            return Err(Note::manual(
                Code::NoDuplicate,
                "The server does not remember which messages it has seen",
            ));
        }
        self.find(at, Note::adapted(
            Code::Duplicates,
            "The server remembers message ids for some days; the old cache of ids stays behind, so that for once a copy of an old message may come through",
        ));
        // What one cache knows, another need not.
        let several = caches(self.program).len() > 1;
        let handle = several.then(|| cache.shown());
        Ok(Test::Duplicate { handle })
    }

    /// `VAR=| command`: what the command prints of the message.
    pub(super) fn captured(
        &mut self,
        recipe: &Recipe,
        name: &str,
        text: &Text,
        path: &mut Path,
    ) -> Vec<Command> {
        let at = recipe.at;
        if !self.read.has(name) {
            self.find(
                at,
                Note::dropped(
                    Code::SideEffect,
                    format!("What {name} holds is asked nowhere"),
                ),
            );
            return Vec::new();
        }
        let asks_header = matches!(meaning(text), Meaning::Printed(printed) if !matches!(printed.source, Source::Text { .. }));
        let value = match recipe.flags.feed_header || !asks_header {
            true => self.value(&Text(vec![Piece::Command(text.clone())]), path),
            false => Err(self.unknown_output(text)),
        };
        match value {
            Ok(prepared) => {
                self.find_all(at, prepared.notes);
                let known = Known::Carried {
                    doubtful: prepared.doubtful || path.doubtful().is_some(),
                    shape: Shape::Anything,
                };
                path.forget(&script_name(name));
                path.learn(name, known);
                let mut commands = prepared.before;
                commands.push(Command::set(&script_name(name), &[], prepared.value));
                commands
            }
            Err(note) => {
                self.find(at, note);
                path.learn(name, Known::Lost);
                Vec::new()
            }
        }
    }

    /// `setflag`, where `TRAP` marks what was filed.
    pub(super) fn flagged(&mut self, at: StatementId, letters: &str) -> Vec<Command> {
        let flags = flags(letters);
        if !self.target.has(Extension::Imap4Flags) {
            self.find(at, unmarked());
            return Vec::new();
        }
        vec![Command::from(CommandKind::AddFlag { flags })]
    }
}

/// The files in which the rules remember mail.
fn caches(program: &Program) -> BTreeSet<String> {
    let recipes = walk::steps(&program.main.steps).filter_map(|step| match step {
        Step::Recipe(recipe) => Some(recipe),
        _ => None,
    });
    let programs = recipes.flat_map(Recipe::programs);
    let caches = programs.filter_map(|command| match meaning(command) {
        Meaning::Duplicate { cache, .. } => Some(cache.shown()),
        _ => None,
    });
    caches.collect()
}

/// What there is to say of a program that puts mail into a folder.
fn filed_otherwise(meaning: &Meaning) -> Option<Note> {
    match meaning {
        Meaning::FiledChanged { program, .. } => Some(Note::adapted(
            Code::FiledUnchanged,
            format!(
                "The mail was changed by the program “{}” before it was put into the folder; the server puts it there as it came",
                shortened(program)
            ),
        )),
        Meaning::AppendTo {
            compressed: true, ..
        } => Some(Note::adapted(
            Code::Compressed,
            "The mail was added to a packed file; the server puts it into a folder of that name",
        )),
        Meaning::AppendTo { path, .. } if path.known() == Some("/dev/null") => None,
        Meaning::Deliver { .. } | Meaning::StoreMh { .. } | Meaning::AppendTo { .. } => {
            Some(own_delivery())
        }
        _ => None,
    }
}

/// What there is to say of a program in whose place the server files the mail.
pub(super) fn own_delivery() -> Note {
    Note::adapted(
        Code::OwnDelivery,
        "The server files the mail itself, without the program",
    )
}

/// What there is to say of a program that gets the mail, and nobody knows.
pub(super) fn given_to(program: &str) -> Note {
    Note::manual(
        Code::UnknownProgram,
        format!("The mail was given to {program}, and the server runs no programs"),
    )
}

/// What there is to say of marks on a server that makes none.
pub(super) fn unmarked() -> Note {
    Note::adapted(
        Code::ReadMark,
        "The server cannot mark mail as it arrives, so it comes unmarked",
    )
}

/// What there is to say of a folder whose directory is not known.
pub(super) fn without_directory() -> Note {
    Note::adapted(Code::UnknownDirectory, WITHOUT_DIRECTORY)
}

/// Maildir flags as IMAP has them.
pub(super) fn flags(letters: &str) -> Vec<String> {
    let name = |letter: char| {
        Some(match letter {
            'S' => "\\Seen",
            'R' => "\\Answered",
            'F' => "\\Flagged",
            'D' => "\\Draft",
            'T' => "\\Deleted",
            'P' => "$Forwarded",
            _ => return None,
        })
    };
    letters
        .chars()
        .filter_map(name)
        .map(str::to_owned)
        .collect()
}

/// What a copy was given for that comes to nothing on a server.
pub(super) fn meaningless(meaning: &Meaning) -> Option<Note> {
    let (code, message) = match meaning {
        Meaning::Notify => (
            Code::Notification,
            "A program told somebody that there is mail; mail programs do that themselves",
        ),
        Meaning::Log | Meaning::Attempt | Meaning::PassThrough | Meaning::Date { .. } => (
            Code::SideEffect,
            "The program only wrote something down or tidied up, and the mail went on as it was",
        ),
        Meaning::Printed(_) => (
            Code::SideEffect,
            "What the program said of the mail went to the log, and the mail went on as it was",
        ),
        Meaning::SpamFilter { program, .. } => {
            return Some(Note::dropped(
                Code::SpamFilter,
                format!(
                    "{program} looked whether the mail is spam; the new server runs a filter of its own before it runs any rule"
                ),
            ));
        }
        _ => return None,
    };
    Some(Note::dropped(code, message))
}

pub(super) fn no_program() -> Note {
    Note::new(
        Verdict::Exact,
        Code::NoProgram,
        "There is no program of this name, so nothing was run",
    )
}

/// A command, named for a message.
pub(super) fn what(text: &Text) -> String {
    format!("the program “{}”", shortened(&text.shown()))
}
