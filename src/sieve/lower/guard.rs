//! In: the conditions of a recipe. Out: one test that holds when the recipe
//! matches, and how far it does.

use super::bounds::{bytes_of, bytes_of_test};
use super::expressions::Asked;
use super::names::script_name;
use super::path::{Known, Path};
use super::pattern::{self, Fit, Group, Matched};
use super::places::{Place, begins_with_blank};
use super::shape::Shape;
use super::value::lost;
use super::{Lowering, variables};
use crate::ledger::{Code, Note, Verdict};
use crate::rules::model::{self, Area, Condition, Recipe, StatementId, Text};
use crate::sieve::script::{Command, Match, Test, Value};
use crate::sieve::walk;
use crate::syntax::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// When a recipe matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guard {
    /// What must run before the test.
    pub before: Vec<Command>,
    pub test: Test,
    pub fit: Fit,
    /// What `MATCH` becomes where the test holds.
    pub found: Option<Found>,
    /// The commands before the test have put something into the script's variable for it.
    pub sets_match: bool,
    /// What variables look like behind the test.
    pub narrowed: BTreeMap<String, Shape>,
}

/// Why a recipe is left out, and which part of it is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub span: Option<Span>,
    pub note: Note,
}

/// What a condition puts into `MATCH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The same for every message.
    Text(Rc<str>),
    /// What a match variable holds behind the test.
    Group(Group),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub before: Vec<Command>,
    pub test: Test,
    pub fit: Fit,
    pub found: Option<Found>,
    /// What the script's variable is that it looks at, where it holds.
    pub seen: Shape,
    pub notes: Vec<Note>,
}

impl Held {
    pub fn exactly(test: Test) -> Self {
        Held {
            before: Vec::new(),
            test,
            fit: Fit::default(),
            found: None,
            seen: Shape::Blank,
            notes: Vec::new(),
        }
    }

    fn negated(mut self) -> Self {
        self.test = self.test.negated();
        self.fit = self.fit.negated();
        self.found = None;
        self.seen = Shape::Blank;
        self
    }
}

impl From<Matched> for Held {
    fn from(matched: Matched) -> Self {
        Held {
            before: Vec::new(),
            test: matched.test,
            fit: matched.fit,
            found: matched.captured.map(Found::Group),
            seen: Shape::Blank,
            notes: matched.notes,
        }
    }
}

/// The conditions of a recipe, as far as they are read.
struct Gathered<'r> {
    guard: Guard,
    /// What is known behind them.
    path: Path,
    tests: Vec<Test>,
    /// The test that captures. It stands behind all others: they would set the match
    /// variables anew.
    capturing: Option<Test>,
    weighted: Vec<(&'r Condition, Test, Fit)>,
    /// Conditions that add to a sum and cannot be asked.
    unweighed: Vec<(Span, Note)>,
}

impl<'r> Gathered<'r> {
    fn new(path: &Path) -> Self {
        Gathered {
            guard: Guard {
                before: Vec::new(),
                test: Test::True,
                fit: Fit::default(),
                found: None,
                sets_match: false,
                narrowed: BTreeMap::new(),
            },
            path: path.clone(),
            tests: Vec::new(),
            capturing: None,
            weighted: Vec::new(),
            unweighed: Vec::new(),
        }
    }

    /// What `MATCH` holds behind a condition is not known.
    fn loses_match(&mut self) {
        self.guard.narrowed.remove("MATCH");
        self.path.learn("MATCH", Known::Lost);
        self.guard.sets_match = false;
        self.guard.found = None;
    }

    /// One more condition that must hold, or that is weighed; where it captures `MATCH`,
    /// its test and the group.
    fn add(&mut self, condition: &'r Condition, held: Held) -> Option<(Test, Group)> {
        self.guard.before.extend(held.before);
        if condition.weight.is_some() {
            // What is weighed need not match: `MATCH` may be what it was before.
            if has_split(condition) {
                self.loses_match();
            }
            self.weighted.push((condition, held.test, held.fit));
            return None;
        }
        if let Area::Variable(name) = &condition.area
            && held.seen > Shape::Anything
        {
            self.path.narrow(name, held.seen);
            let seen = self.guard.narrowed.entry(name.clone()).or_insert(held.seen);
            *seen = held.seen.max(*seen);
        }
        if has_split(condition) {
            self.guard.narrowed.remove("MATCH");
        }
        self.guard.fit = self.guard.fit.and(held.fit);
        match held.found {
            Some(Found::Text(text)) => {
                self.path.learn("MATCH", Known::Text(text.clone()));
                self.guard.found = Some(Found::Text(text));
            }
            Some(Found::Group(group)) => {
                self.guard.found = None;
                return Some((held.test, group));
            }
            None if has_split(condition) => self.loses_match(),
            None => {}
        }
        self.tests.push(held.test);
        None
    }

    /// A condition never holds: no message comes to what is asked behind it, and what
    /// a condition above found is not put anywhere.
    fn never(self) -> Guard {
        Guard {
            test: Test::False,
            fit: Fit::EXACT,
            sets_match: false,
            ..self.guard
        }
    }

    fn guard(mut self) -> Guard {
        self.tests.extend(self.capturing);
        self.tests.retain(|test| *test != Test::True);
        let test = match <[Test; 1]>::try_from(self.tests) {
            Ok([test]) => test,
            Err(tests) if tests.is_empty() => Test::True,
            Err(tests) if tests.contains(&Test::False) => Test::False,
            Err(tests) => Test::AllOf(tests),
        };
        Guard { test, ..self.guard }
    }
}

/// Whether a test asks what Content-Length holds.
fn asks_for_length(test: &Test) -> bool {
    let is_length = |name: &String| name.eq_ignore_ascii_case("content-length");
    let mut tests = walk::test_tree(test);
    tests.any(|test| matches!(test, Test::Header { names, .. } if names.iter().any(is_length)))
}

impl Lowering<'_> {
    /// The test of a recipe. What there is to say of its conditions is found.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn guard(&mut self, recipe: &Recipe, path: &Path) -> Result<Guard, LeftOut> {
        let mut gathered = Gathered::new(path);
        for (at, condition) in recipe.conditions.iter().enumerate() {
            let held = match self.held(recipe, condition, &gathered.path) {
                // Without what would have added to it, the sum is smaller.
                Err(note) if self.only_adds(condition, &gathered.path) => {
                    gathered.unweighed.push((condition.span, note));
                    if has_split(condition) {
                        gathered.loses_match();
                    }
                    continue;
                }
                held => held.map_err(|note| LeftOut {
                    span: Some(condition.span),
                    note,
                })?,
            };
            for note in &held.notes {
                self.find_in(recipe.at, Some(condition.span), note.clone());
            }
            self.uses(bytes_of(&held.before) + bytes_of_test(&held.test));
            if held.test == Test::False && held.fit == Fit::EXACT && condition.weight.is_none() {
                return Ok(gathered.never());
            }
            if let Some((test, group)) = gathered.add(condition, held) {
                let rest = recipe.conditions.get(at + 1..).unwrap_or(&[]);
                self.capture(test, group, reads_match(rest), &mut gathered);
            }
        }
        self.weigh(recipe, &mut gathered)?;
        Ok(gathered.guard())
    }

    /// A condition that captures `MATCH`; whether it `is_read` by one behind it.
    fn capture(&mut self, test: Test, group: Group, is_read: bool, gathered: &mut Gathered) {
        gathered.tests.extend(gathered.capturing.take());
        if !is_read {
            gathered.guard.found = Some(Found::Group(group));
            gathered.capturing = Some(test);
            return;
        }
        gathered.tests.push(test);
        self.take(Command::set("match", &[], group.value()), gathered);
        let known = Known::Carried {
            doubtful: group.is_doubtful(),
            shape: group.shape,
        };
        gathered.path.learn("MATCH", known);
        gathered.guard.sets_match = true;
    }

    /// Takes what a condition found, where all tests up to it hold. Where one of
    /// them asks for what was found before, whether they hold is remembered.
    fn take(&mut self, taken: Command, gathered: &mut Gathered) {
        let asked = Test::AllOf(gathered.tests.clone());
        let mut commands = vec![taken];
        if gathered.tests.iter().any(|test| walk::reads(test, "match")) {
            let name = self.names.fresh("found");
            let before = Command::set(&name, &[], Value::text(""));
            gathered.guard.before.insert(0, before);
            commands.push(Command::set(&name, &[], Value::text("1")));
            gathered.tests = vec![Test::String {
                compare: Match::Is.into(),
                sources: vec![Value::variable(&name)],
                key: Value::text("1"),
            }];
        }
        gathered.guard.before.push(Command::when(asked, commands));
    }

    /// The sum of the weights, as one more test.
    ///
    /// # Errors
    /// Why it cannot be asked.
    fn weigh(&mut self, recipe: &Recipe, gathered: &mut Gathered) -> Result<(), LeftOut> {
        let adds_nothing = !{ gathered.weighted.iter() }
            .any(|(condition, ..)| self.only_adds(condition, &gathered.path));
        for (span, note) in gathered.unweighed.drain(..) {
            let span = Some(span);
            if adds_nothing {
                return Err(LeftOut { span, note });
            }
            gathered.guard.fit = gathered.guard.fit.and(Fit::MISSES);
            let partly = Note {
                verdict: Verdict::Adapted,
                message: format!("{}; the sum goes without it", note.message),
                ..note
            };
            self.find_in(recipe.at, span, partly);
        }
        if gathered.weighted.is_empty() {
            return Ok(());
        }
        let score = { self.score(recipe, &gathered.weighted, &gathered.path) }
            .map_err(|note| LeftOut { span: None, note })?;
        self.uses(bytes_of(&score.before));
        gathered.guard.before.extend(score.before);
        gathered.guard.fit = gathered.guard.fit.and(score.fit);
        gathered.tests.push(score.test);
        Ok(())
    }

    /// Whether a condition has a weight that makes the sum greater where it
    /// holds, and leaves it as it is where not.
    fn only_adds(&mut self, condition: &Condition, path: &Path) -> bool {
        let asks = matches!(condition.test, model::Test::Expression(_));
        condition.weight.as_ref().is_some_and(|weight| {
            let mut is = |text, least| self.number(text, path).is_ok_and(|number| number >= least);
            asks && is(&weight.weight, f64::MIN_POSITIVE) && is(&weight.exponent, 0.0)
        })
    }

    /// A condition without its weight.
    fn held(&mut self, recipe: &Recipe, condition: &Condition, path: &Path) -> Result<Held, Note> {
        let mut held = match &condition.test {
            model::Test::Always => Held::exactly(Test::True),
            model::Test::Expression(text) => {
                let distinguishes = recipe.flags.distinguish_case;
                self.expression(text, &condition.area, distinguishes, path)?
            }
            model::Test::Smaller(limit) => self.size(condition, limit, true, path)?,
            model::Test::Larger(limit) => self.size(condition, limit, false, path)?,
            model::Test::Program(command) => {
                self.question(recipe, command, &condition.area, path)?
            }
        };
        let doubts = self.doubts(recipe.at, &held.test);
        if !doubts.is_empty() {
            held.fit = Fit::LOOSE;
            held.notes.extend(doubts);
        }
        Ok(match condition.negated {
            true => held.negated(),
            false => held,
        })
    }

    fn size(
        &mut self,
        condition: &Condition,
        limit: &Text,
        smaller: bool,
        path: &Path,
    ) -> Result<Held, Note> {
        let limit = self.value(limit, path)?.value.as_text();
        let number: i64 = limit
            .and_then(|limit| limit.trim().parse().ok())
            .ok_or_else(|| {
                Note::manual(
                    Code::UnclearSize,
                    "The size that this asks for is not known before a message is there",
                )
            })?;
        if let Area::Variable(_) = condition.area {
            return Err(Note::manual(
                Code::UnclearSize,
                "This asks for the length of a variable, which the server cannot count",
            ));
        }
        let mut held = Held::exactly(match (smaller, u64::try_from(number)) {
            (true, Ok(number)) => Test::Under(number),
            (true, Err(_)) => Test::False,
            (false, Ok(number)) => Test::Over(number),
            (false, Err(_)) => Test::True,
        });
        if let Area::Header | Area::Body = condition.area {
            // The whole is larger than its part.
            held.fit = Fit {
                may_miss: smaller,
                may_exceed: !smaller,
            };
            held.notes.push(Note::adapted(
                Code::SizeOfPart,
                "The size of the header or of the body alone was asked for; the server counts the whole message",
            ));
        }
        Ok(held)
    }

    fn expression(
        &mut self,
        text: &Text,
        area: &Area,
        distinguishes_case: bool,
        path: &Path,
    ) -> Result<Held, Note> {
        let (written, places, doubtful) = self.with_places(text, path)?;
        let asked = self.meant(written, distinguishes_case)?;
        let mut held = self.in_area(&asked, area, places.is_empty(), path)?;
        if doubtful {
            held.fit = Fit::LOOSE;
        }
        if !places.is_empty() {
            self.put_variables(&mut held, &places)?;
            let begins_blank =
                |place: &Place| path.shape(&Value::variable(&place.name)) == Shape::Blank;
            if !matches!(area, Area::Variable(_)) && places.iter().any(begins_blank) {
                held.fit = Fit::LOOSE;
                held.notes.push(begins_with_blank());
            }
        }
        Ok(held)
    }

    /// What there is to say of a test in a rule because of what the message is by
    /// then, here and there.
    fn doubts(&self, at: StatementId, test: &Test) -> Vec<Note> {
        let mut notes = self.unchanged.asked_by(test);
        if let Some(program) = self.marked_below(at, test) {
            notes.push(Note::adapted(
                Code::BeforeFilter,
                format!("{program} ran below this rule, which saw what came with the mail alone; the new server has marked all mail before it runs any rule"),
            ));
        }
        if asks_for_length(test) {
            notes.push(Note::adapted(
                Code::FieldValue,
                "procmail wrote the real length of the body into Content-Length before it looked; the server takes what the mail says",
            ));
        }
        notes
    }

    /// The spam filter that runs below a rule and writes what the rule asks for.
    fn marked_below(&self, at: StatementId, test: &Test) -> Option<&str> {
        let writes = |begin: &str| {
            let is_mark = |name: &String| name.to_ascii_lowercase().starts_with(begin);
            walk::test_tree(test).any(|test| match test {
                Test::Header { names, .. } | Test::Exists(names) => names.iter().any(is_mark),
                _ => false,
            })
        };
        let mut marks = self.marked_later.get(&at)?.iter();
        let found = marks.find(|(begin, _)| writes(begin));
        found.map(|(_, program)| program.as_str())
    }

    /// The expression that a text is.
    fn meant(&mut self, written: String, distinguishes_case: bool) -> Result<Arc<Asked>, Note> {
        self.uses(written.len());
        self.expressions.meant(written, distinguishes_case)
    }

    /// An expression in a part of the message; `is_known` where it is the same for
    /// every message.
    pub(super) fn in_area(
        &mut self,
        asked: &Asked,
        area: &Area,
        is_known: bool,
        path: &Path,
    ) -> Result<Held, Note> {
        let expression = &asked.expression;
        Ok(match area {
            Area::Header => self.in_header(asked)?.into(),
            Area::Body => asked.body(self.target)?.into(),
            Area::HeaderAndBody => {
                let header = self.in_header(asked)?;
                // `^^` stands for the beginning of the header there, and the end
                // of the body.
                if pattern::asks_for_edge(expression) {
                    let mut held = Held::from(header);
                    held.fit = held.fit.and(Fit::MISSES);
                    held.notes
                        .push(Note::adapted(Code::HeaderEdge, pattern::EDGE));
                    held.found = None;
                    held
                } else {
                    let body = asked.body(self.target)?;
                    Held {
                        before: Vec::new(),
                        test: Test::AnyOf(vec![header.test, body.test]),
                        fit: header.fit.and(body.fit),
                        found: None,
                        seen: Shape::Blank,
                        notes: header.notes.into_iter().chain(body.notes).collect(),
                    }
                }
            }
            Area::Variable(name) => match self.known(name, path) {
                Known::Text(value) if is_known => {
                    let found = expression.matcher().find(value.as_bytes());
                    let taken = found.as_ref().and_then(|found| found.matched.clone());
                    Held {
                        found: taken
                            .and_then(|taken| value.get(taken))
                            .map(|taken| Found::Text(taken.into())),
                        ..Held::exactly(Test::from(found.is_some()))
                    }
                }
                Known::Text(value) => {
                    pattern::text(expression, &Value::text(&*value), self.target)?.into()
                }
                Known::Carried { doubtful, .. } => {
                    let subject = Value::variable(script_name(name));
                    let mut held: Held = pattern::text(expression, &subject, self.target)?.into();
                    if !held.fit.may_exceed {
                        held.seen = pattern::shape_of_all(expression);
                    }
                    if doubtful {
                        held.fit = Fit::LOOSE;
                    }
                    held
                }
                Known::Lost => return Err(lost(name)),
            },
        })
    }

    fn in_header(&self, asked: &Asked) -> Result<Matched, Note> {
        let mut matched = asked.header(self.target)?;
        rename_fields(&mut matched.test, &self.target.spam_headers);
        Ok(matched)
    }

    /// Why a program in a condition cannot be asked.
    pub(super) fn unknown_condition(command: &Text) -> Note {
        let what = super::program::what(command);
        Note::manual(
            Code::UnknownCondition,
            format!("This asks {what}, and the server runs no programs"),
        )
    }
}

fn reads_match(conditions: &[Condition]) -> bool {
    let mut read = BTreeSet::new();
    variables::conditions(conditions, &mut read);
    read.contains("MATCH")
}

/// Whether a `\/` stands in an expression.
pub(super) fn has_split(condition: &Condition) -> bool {
    matches!(&condition.test, model::Test::Expression(text) if text.splits())
}

/// Asks for what the new server writes in the place of an old field.
fn rename_fields(test: &mut Test, renamed: &[(String, String)]) {
    walk::each_test_mut(test, &mut |test| {
        let (Test::Header { names, .. } | Test::Exists(names)) = test else {
            return;
        };
        for name in names {
            let new = renamed
                .iter()
                .find(|(old, _)| old.eq_ignore_ascii_case(name));
            if let Some((_, new)) = new {
                name.clone_from(new);
            }
        }
    });
}
