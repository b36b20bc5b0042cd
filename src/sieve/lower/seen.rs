//! In: a recipe that puts a copy into a maildir, and the steps below it. Out: the
//! flags that these give to its file by another name (`mv "$LASTFOLDER" …:2,S`),
//! which a server gives to the mail as it files it.

use super::program::flags;
use crate::rules::expression::Expression;
use crate::rules::model::{
    Action, Area, Chain, Condition, Folder, Format, Piece, Recipe, Step, Test,
};
use crate::rules::path as paths;
use crate::rules::program::{Meaning, meaning};

/// How a mail is marked that was just filed. The mail itself goes nowhere else.
pub(super) struct Marked {
    pub flags: Vec<String>,
    /// The steps that do it.
    pub steps: usize,
}

/// What the steps below a recipe do to mark what it files.
pub(super) fn marked(recipe: &Recipe, rest: &[Step]) -> Option<Marked> {
    let Action::File(folders) = &recipe.action else {
        return None;
    };
    let [folder] = folders.as_slice() else {
        return None;
    };
    if !recipe.flags.copy || folder.format != Format::Maildir {
        return None;
    }
    let always = recipe.conditions.is_empty() && recipe.chain == Chain::default();
    let takes_name = |step: &Step| matches!(step, Step::Recipe(next) if sets_name(next, folder));
    // Where the recipe is one of several ways, what does not hang on it is for all.
    let named = match always {
        true => rest.iter().take_while(|step| takes_name(step)).count(),
        false => 0,
    };
    let (letters, moves) = match rest.get(named..)? {
        [Step::Recipe(next), ..] if always || hangs(next) => (moved(next, folder)?, 1),
        [Step::Assign(trap), Step::End { .. }, ..] if always && trap.name == "TRAP" => {
            (letters(&meaning(trap.value.as_ref()?), folder)?, 2)
        }
        _ => return None,
    };
    Some(Marked {
        flags: flags(&letters),
        steps: named + moves,
    })
}

fn hangs(recipe: &Recipe) -> bool {
    recipe.chain.also || recipe.chain.also_if_succeeded
}

/// The flags that a recipe gives to the file of the mail, which is then where it
/// is to be.
fn moved(recipe: &Recipe, folder: &Folder) -> Option<String> {
    let Action::Pipe(text) = &recipe.action else {
        return None;
    };
    let is_last = !recipe.flags.copy && !recipe.flags.filter && holds(recipe, folder);
    letters(&meaning(text), folder).filter(|_| is_last)
}

/// The flags that a command gives to the file of a mail in a folder, where it stays in
/// that.
fn letters(meaning: &Meaning, folder: &Folder) -> Option<String> {
    let Meaning::SetFlags {
        flags,
        folder: Some(into),
    } = meaning
    else {
        return None;
    };
    let (at, into) = (folder.path.shown(), paths::join("", &into.shown()));
    let above = at.strip_suffix(into.as_str());
    let is_same = at == into || above.is_some_and(|above| above.ends_with('/'));
    is_same.then(|| flags.clone())
}

/// `* LASTFOLDER ?? /\/[^/]+$` and `{ name=$MATCH }`: the name of the file.
fn sets_name(recipe: &Recipe, folder: &Folder) -> bool {
    let is_copy = |step: &Step| {
        matches!(step, Step::Assign(assign)
            if matches!(assign.value.as_ref().map(|value| value.0.as_slice()),
                Some([Piece::Variable(name)]) if name == "MATCH"))
    };
    let Action::Block(steps) = &recipe.action else {
        return false;
    };
    !recipe.conditions.is_empty() && holds(recipe, folder) && steps.iter().all(is_copy)
}

/// Whether the conditions hold for the file that a message in a maildir is, however
/// that is called.
fn holds(recipe: &Recipe, folder: &Folder) -> bool {
    const NAMES: [&str; 3] = [
        "1764531234.4711_1.mail",
        "1000000000.9_0.a.example.org",
        "1999999999.31337_12.Host-2",
    ];
    let path = folder.path.known().unwrap_or("x");
    let path = match folder.is_relative {
        true => path.rsplit('/').next().unwrap_or(path),
        false => path,
    };
    let holds = |condition: &Condition| {
        let (Area::Variable(name), Test::Expression(text), None, false) = (
            &condition.area,
            &condition.test,
            &condition.weight,
            condition.negated,
        ) else {
            return false;
        };
        let expression = text
            .known()
            .and_then(|text| Expression::new(text, recipe.flags.distinguish_case).ok());
        let finds = |file: &&str| {
            let file = format!("{path}/new/{file}");
            { expression.as_ref() }.is_some_and(|found| found.find(file.as_bytes()).is_some())
        };
        name == "LASTFOLDER" && NAMES.iter().all(finds)
    };
    recipe.conditions.iter().all(holds)
}
