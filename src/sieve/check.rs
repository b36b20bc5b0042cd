//! In: the text of a script and a target. Out: what the script does, as
//! another parser (sieve-rs) reads it, or why that will not compile.
//!
//! A script that was not read back is never shown: the actions found here must
//! be those of the tree it was printed from, whatever strings the old files
//! put into it.

use super::script::{CommandKind, Part, Script, Value};
use super::shared::Shared;
use super::target::{Extension, Target};
use super::walk;
use serde_json::Value as Json;
use sieve::Compiler;
use sieve::compiler::grammar::Capability;
use std::collections::BTreeSet;
use thiserror::Error;

/// Something a script can do to a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// `keep`.
    Keep,
    /// `fileinto`.
    FileInto {
        /// The folder.
        folder: Pattern,
        /// `:copy`.
        copy: bool,
    },
    /// `redirect`.
    Redirect {
        /// The address.
        address: Pattern,
        /// `:copy`.
        copy: bool,
    },
    /// `discard`.
    Discard,
    /// `reject` and `ereject`.
    Reject(Pattern),
    /// `vacation`.
    Vacation(Pattern),
    /// `addheader` with its field name.
    AddHeader(Pattern),
    /// `deleteheader` with its field name.
    DeleteHeader(Pattern),
    /// A command that sievify never writes.
    Other(String),
}

/// The text of a string, with what variables put into it left out (sieve-rs
/// leaves out a variable that nothing set).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pattern(String);

/// The actions of a script, in the order of its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actions(pub Vec<Action>);

/// Why a script cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckError {
    /// It does not compile.
    #[error("line {line}, column {column}: {message}")]
    Compile {
        /// Line in the script, from 1.
        line: usize,
        /// Column in the line.
        column: usize,
        /// What the compiler said.
        message: String,
    },
    /// It requires what the target lacks.
    #[error("the target {target} has no `{extension}`")]
    Lacks {
        /// The target's name.
        target: String,
        /// What it lacks.
        extension: Extension,
    },
    /// The compiled script has a shape this module does not know.
    #[error("the compiled script cannot be read back: {0}")]
    Unreadable(String),
}

/// Compiles a script within the target's extensions and limits, and lists what
/// it does.
///
/// # Errors
/// Says why the script cannot be shown; for a script of our own printing that
/// is a bug.
pub fn check(text: &str, target: &Target) -> Result<Actions, CheckError> {
    read_back(text, target).map(|(_, actions)| actions)
}

/// Scripts that are kept for other homes, and the longest of them: some 16 MB at
/// most, and a tenth of that where scripts are as long as people's are.
const MOST: usize = 1024;
const LONGEST: usize = 16384;

/// Scripts that were checked already, for one target: many users have the rules
/// that their host gave them.
#[derive(Debug, Default)]
pub struct Checked(Shared<String, Actions, MOST>);

impl Checked {
    /// As [`check`].
    ///
    /// # Errors
    /// As those of [`check`].
    pub fn check(&self, text: &str, target: &Target) -> Result<Actions, CheckError> {
        let is_small = text.len() <= LONGEST;
        self.0.answer(text, is_small, || check(text, target))
    }
}

/// As [`check`], with the extensions that the script requires.
///
/// # Errors
/// As those of [`check`].
pub fn read_back(
    text: &str,
    target: &Target,
) -> Result<(BTreeSet<Extension>, Actions), CheckError> {
    let compiled =
        compiler(target)
            .compile(text.as_bytes())
            .map_err(|error| CheckError::Compile {
                line: error.line_num(),
                column: error.line_pos(),
                message: error.to_string(),
            })?;
    let unreadable = |error: serde_json::Error| CheckError::Unreadable(error.to_string());
    let compiled = serde_json::to_value(&compiled).map_err(unreadable)?;
    let instructions = compiled
        .get("instructions")
        .and_then(Json::as_array)
        .ok_or_else(|| CheckError::Unreadable("it has no instructions".to_owned()))?;
    let mut actions = Vec::new();
    let mut requires = BTreeSet::new();
    for instruction in instructions {
        let (name, fields) =
            tagged(instruction).ok_or_else(|| CheckError::Unreadable(instruction.to_string()))?;
        if name == "Require" {
            let names: Vec<Capability> =
                serde_json::from_value(fields.clone()).map_err(unreadable)?;
            let named = names
                .iter()
                .map(|name| Extension::from(name.to_string().as_str()));
            requires.extend(named);
            if let Some(extension) = requires
                .iter()
                .find(|each| !target.has((*each).clone()))
                .cloned()
            {
                let target = target.name.clone();
                return Err(CheckError::Lacks { target, extension });
            }
        }
        actions.extend(action(name, fields));
    }
    Ok((requires, Actions(actions)))
}

/// What the commands of a tree do: the same list as [`check`] makes of the
/// tree's text.
pub fn actions(script: &Script) -> Actions {
    let actions = walk::commands(&script.commands).filter_map(|command| match &command.kind {
        CommandKind::Keep { .. } => Some(Action::Keep),
        CommandKind::FileInto { folder, copy, .. } => Some(Action::FileInto {
            folder: folder.into(),
            copy: *copy,
        }),
        CommandKind::Redirect { address, copy } => Some(Action::Redirect {
            address: address.into(),
            copy: *copy,
        }),
        CommandKind::Discard => Some(Action::Discard),
        CommandKind::Reject { reason, .. } => Some(Action::Reject(reason.into())),
        CommandKind::Vacation { reason, .. } => Some(Action::Vacation(reason.into())),
        CommandKind::AddHeader { name, .. } => Some(Action::AddHeader(name.into())),
        CommandKind::DeleteHeader { name } => {
            Some(Action::DeleteHeader((&Value::text(name)).into()))
        }
        CommandKind::If { .. }
        | CommandKind::Stop
        | CommandKind::Set { .. }
        | CommandKind::AddFlag { .. } => None,
    });
    Actions(actions.collect())
}

impl Pattern {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A literal `${` counts as a variable and a brace: that is how it is printed.
impl From<&Value> for Pattern {
    fn from(value: &Value) -> Self {
        let mut text = String::new();
        for part in &value.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                // Neither text, nor a part of `${`.
                Part::Variable(_) => text.push('\0'),
            }
        }
        let text = text.replace("\r\n", "\n").replace("${", "{");
        Pattern(text.replace('\0', ""))
    }
}

impl Actions {
    /// The addresses that are redirected to.
    pub fn redirects(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|action| match action {
            Action::Redirect { address, .. } => Some(address.as_str()),
            _ => None,
        })
    }
}

fn compiler(target: &Target) -> Compiler {
    let bound = |limit: Option<u64>| {
        limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX)
    };
    let limits = &target.limits;
    Compiler::new()
        .with_max_script_size(bound(limits.script_bytes))
        .with_max_string_size(bound(limits.string_bytes).saturating_add(1))
        .with_max_nested_blocks(bound(limits.nested_blocks))
        .with_max_nested_tests(bound(limits.nested_tests))
        .with_max_local_variables(bound(limits.variables))
        .with_max_variable_name_size(64)
        .with_max_header_size(usize::MAX)
}

/// `{"Name": fields}` or `"Name"`.
fn tagged(instruction: &Json) -> Option<(&str, &Json)> {
    match instruction {
        Json::String(name) => Some((name, &Json::Null)),
        Json::Object(fields) => fields
            .iter()
            .next()
            .map(|(name, fields)| (name.as_str(), fields)),
        _ => None,
    }
}

fn action(name: &str, fields: &Json) -> Option<Action> {
    let pattern = |field: &str| Pattern(read_string(fields.get(field).unwrap_or(&Json::Null)));
    let copy = fields.get("copy") == Some(&Json::Bool(true));
    Some(match name {
        // `Clear` takes the variables of a block away behind it.
        "Require" | "Test" | "Jmp" | "Jz" | "Jnz" | "Stop" | "Set" | "EditFlags" | "Clear" => {
            return None;
        }
        "Keep" => Action::Keep,
        "FileInto" => Action::FileInto {
            folder: pattern("folder"),
            copy,
        },
        "Redirect" => Action::Redirect {
            address: pattern("address"),
            copy,
        },
        "Discard" => Action::Discard,
        "Reject" => Action::Reject(pattern("reason")),
        "Vacation" => Action::Vacation(pattern("reason")),
        "AddHeader" => Action::AddHeader(pattern("field_name")),
        "DeleteHeader" => Action::DeleteHeader(pattern("field_name")),
        other => Action::Other(other.to_owned()),
    })
}

/// A compiled string: text, a number that was text, a variable, or a list.
fn read_string(value: &Json) -> String {
    let parts = match tagged(value) {
        Some(("List", Json::Array(parts))) => parts.as_slice(),
        _ => std::slice::from_ref(value),
    };
    parts
        .iter()
        .filter_map(|part| match tagged(part)? {
            ("Text", Json::String(text)) => Some(text.replace("\r\n", "\n").replace('\0', "")),
            ("Number", number) => {
                let number = number.get("Integer").or_else(|| number.get("Float"))?;
                let whole = number.as_i64().map(|whole| whole.to_string());
                whole.or_else(|| number.as_f64().map(|decimal| decimal.to_string()))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::print::{crlf, print};
    use super::super::script::{Command, Test};
    use super::*;
    use crate::sieve::origin::Origin;
    use proptest::prelude::*;

    fn dovecot() -> Target {
        Target::profile("dovecot").unwrap()
    }

    fn command(kind: CommandKind) -> Command {
        Command {
            origins: vec![Origin::on([1, 2])],
            kind,
        }
    }

    #[test]
    fn lists_what_a_script_does() {
        let text = r#"require ["fileinto", "copy", "variables", "reject"];
set "v" "x";
if header :matches "subject" "*a*" { fileinto :copy "12"; redirect "a@b.c"; }
elsif true { reject "no ${v}"; } else { discard; fileinto "1.5"; keep; }
"#;
        let found = check(text, &dovecot()).unwrap();
        let pattern = |text: &str| Pattern::from(&Value::text(text));
        let reason = Value(vec![Part::Text("no ".into()), Part::Variable("v".into())]);
        assert_eq!(
            found.0,
            [
                Action::FileInto {
                    folder: pattern("12"),
                    copy: true
                },
                Action::Redirect {
                    address: pattern("a@b.c"),
                    copy: false
                },
                Action::Reject((&reason).into()),
                Action::Discard,
                Action::FileInto {
                    folder: pattern("1.5"),
                    copy: false
                },
                Action::Keep,
            ]
        );
        assert_eq!(found.redirects().collect::<Vec<_>>(), ["a@b.c"]);
    }

    #[test]
    fn what_does_not_compile_says_where() {
        match check("keep;\nkeep it;\n", &dovecot()).unwrap_err() {
            CheckError::Compile { line, .. } => assert_eq!(line, 2),
            error => panic!("{error}"),
        }
        let lacks = check("require \"editheader\";", &dovecot()).unwrap_err();
        assert_eq!(lacks.to_string(), "the target dovecot has no `editheader`");
        assert!(matches!(
            check("fileinto \"x\";", &dovecot()),
            Err(CheckError::Compile { .. })
        ));
        let big = format!("#{}\n", "x".repeat(1 << 20));
        assert!(check(&big, &dovecot()).is_err());
    }

    #[test]
    fn a_command_we_never_write_is_seen() {
        let text = "require [\"enotify\"];\nnotify \"mailto:a@b.c\";\n";
        let found = check(text, &dovecot()).unwrap();
        assert_eq!(found.0, [Action::Other("Notify".into())]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn the_text_does_what_the_tree_does(
            strings in prop::collection::vec("([a-z.{}$0-9]|\\\\|\"|;|\n|\\$\\{|/\\*|#){1,12}", 1..6),
            is_sent: bool,
        ) {
            let mut commands = Vec::new();
            for (at, string) in strings.iter().enumerate() {
                let value = || Value(vec![
                    Part::Text(string.clone()), Part::Variable("v".into()), Part::Text("x".into()),
                ]);
                commands.push(command(match at % 7 {
                    0 => CommandKind::FileInto { folder: string.as_str().into(), copy: false, create: true, flags: vec![] },
                    1 => CommandKind::Reject { ereject: false, reason: value() },
                    2 => CommandKind::Redirect { address: string.as_str().into(), copy: true },
                    3 => CommandKind::Set { modifiers: vec![], name: "v".into(), value: value() },
                    4 => CommandKind::Vacation {
                        days: None, subject: Some(value()), addresses: vec![],
                        reason: format!("{string}\n").into(),
                    },
                    5 => CommandKind::If {
                        branches: vec![(Test::Exists(vec!["x".into()]), vec![command(CommandKind::Discard)])],
                        otherwise: Some(vec![command(CommandKind::Keep { flags: vec![] })]),
                    },
                    _ => CommandKind::AddHeader { last: false, name: "x".into(), value: value() },
                }));
            }
            if let Some(first) = commands.first_mut() {
                first.origins.push(Origin::on([3, 4]));
            }
            let files = vec!["\u{1b}\nstop;".into()];
            let script = Script { commands, files };
            let mut target = dovecot();
            target.extensions.insert(Extension::EditHeader);
            let printed = print(&script, &target).text;
            let printed = if is_sent { crlf(&printed) } else { printed };
            let found = check(&printed, &target);
            prop_assert_eq!(found, Ok(actions(&script)), "{}", printed);
        }
    }

    #[test]
    fn edited_headers_are_seen() {
        let mut target = dovecot();
        target.extensions.insert(Extension::EditHeader);
        let script = Script {
            commands: vec![
                command(CommandKind::AddHeader {
                    last: true,
                    name: "x-a".into(),
                    value: "b".into(),
                }),
                command(CommandKind::DeleteHeader { name: "x-b".into() }),
            ],
            files: vec!["a\ndiscard;".into()],
        };
        let printed = print(&script, &target).text;
        assert_eq!(check(&printed, &target), Ok(actions(&script)));
    }
}
