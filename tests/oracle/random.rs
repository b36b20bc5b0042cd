//! Random rule files that use every construct, for proptest to shrink.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt;

/// A statement of a rule file.
#[derive(Debug, Clone)]
pub enum Statement {
    /// A line as it stands.
    Line(&'static str),
    /// A recipe.
    Recipe {
        /// Flags, and a lock perhaps.
        flags: &'static str,
        /// Condition lines behind their `*`.
        conditions: Vec<String>,
        /// What it does.
        action: Action,
    },
}

/// What a random recipe does.
#[derive(Debug, Clone)]
pub enum Action {
    /// One line.
    Line(&'static str),
    /// A block.
    Block(Vec<Statement>),
}

/// A whole rule file.
#[derive(Debug, Clone)]
pub struct Rules(pub Vec<Statement>);

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|statement| statement.fmt(f))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Line(line) => writeln!(f, "{line}"),
            Statement::Recipe {
                flags,
                conditions,
                action,
            } => {
                writeln!(f, ":0{flags}")?;
                for condition in conditions {
                    writeln!(f, "* {condition}")?;
                }
                match action {
                    Action::Line(line) => writeln!(f, "{line}"),
                    Action::Block(statements) => {
                        writeln!(f, "{{")?;
                        statements
                            .iter()
                            .try_for_each(|statement| statement.fmt(f))?;
                        writeln!(f, "}}")
                    }
                }
            }
        }
    }
}

/// Rule files of up to eight statements, blocks two deep.
pub fn rules() -> impl Strategy<Value = Rules> {
    vec(statement(), 1..8).prop_map(Rules)
}

fn statement() -> impl Strategy<Value = Statement> {
    let leaf = prop_oneof![
        1 => line().boxed(),
        5 => recipe(prop_oneof![action()].boxed()).boxed(),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        let block = vec(inner, 1..4).prop_map(Action::Block);
        recipe(prop_oneof![3 => action(), 1 => block.boxed()].boxed()).boxed()
    })
}

fn recipe(action: BoxedStrategy<Action>) -> impl Strategy<Value = Statement> {
    let flags = prop_oneof![
        6 => Just(""),
        2 => Just(":"),
        6 => select(vec![
            " c", " c:", " B", " D", " HB", " E", " A", " a", " e", " h", " W", " Ec", " BD", " Ac", ":x.lock", " cW: x.lock",
        ]),
    ];
    (flags, vec(condition(), 0..4), action).prop_map(|(flags, conditions, action)| {
        Statement::Recipe {
            flags,
            conditions,
            action,
        }
    })
}

fn line() -> impl Strategy<Value = Statement> {
    select(vec![
        "VAR=foo",
        "VAR=\"list|bar\"",
        "VAR",
        "SHELL=/bin/sh",
        "DEFAULT=$HOME/inbox",
        "LOGABSTRACT=all",
        "# a comment",
        "",
        "EXITCODE=67",
        "HOST",
        "INCLUDERC=missing.rc",
        "SWITCHRC=missing.rc",
        "WORD=${VAR:-hello}",
    ])
    .prop_map(Statement::Line)
}

fn action() -> BoxedStrategy<Action> {
    prop_oneof![
        6 => select(vec!["one", "two", "three", "four", "five/", "six/.", "$HOME/seven", "eight # note"]),
        2 => Just("/dev/null"),
        2 => select(vec!["! a@example.com", "! a@example.com b@example.net", "! u@example.org"]),
        1 => select(vec!["in-$VAR", "${WORD:-nine}", "$DEFAULT", "$ORGMAIL"]),
    ]
    .prop_map(Action::Line)
    .boxed()
}

fn condition() -> impl Strategy<Value = String> {
    let plain = expression().boxed();
    prop_oneof![
        10 => plain.clone(),
        3 => plain.clone().prop_map(|expression| format!("! {expression}")),
        1 => (select(vec!["< ", "> "]), select(vec![300, 1000, 5000]))
            .prop_map(|(sign, size)| format!("{sign}{size}")),
        1 => word().prop_map(|word| format!("B ?? {word}")),
        1 => plain.clone().prop_map(|expression| format!("H ?? {expression}")),
        1 => plain.clone().prop_map(|expression| format!("HB ?? {expression}")),
        1 => word().prop_map(|word| format!("VAR ?? {word}")),
        1 => field().prop_map(|field| format!("$ ^{field}:.*$VAR")),
        1 => field().prop_map(|field| format!("$ ^{field}:.*$\\VAR")),
        2 => (select(vec!["1^0", "2^0", "-1^0", "9876543210^0", "1^1", "0.5^0", "-5^0"]), plain)
            .prop_map(|(weight, expression)| format!("{weight} {expression}")),
        1 => select(vec!["-1^0", "1^0", "-2^0"]).prop_map(str::to_string),
    ]
}

fn field() -> impl Strategy<Value = &'static str> {
    select(vec![
        "Subject",
        "From",
        "To",
        "Cc",
        "X-Loop",
        "List-Id",
        "Sender",
        "X-Spam-Flag",
        "(To|Cc)",
        "(From|Sender|Reply-To)",
        "Received",
    ])
}

fn word() -> impl Strategy<Value = &'static str> {
    select(vec![
        "foo",
        "bar",
        "hello",
        "list",
        "foo@example\\.com",
        "a b",
        "foo-?bar",
        "fo+",
        "[a-f]+x",
        "(foo|bar)",
        "x.y",
        "[^a-z]q",
        "foo  bar",
        "h\\[ell\\]o",
        "\\$\\$",
        "foo.*bar",
        "a|b",
    ])
}

fn expression() -> impl Strategy<Value = String> {
    let shape = select(vec![
        "^F:.*W",
        "^F:.*W",
        "^F: W",
        "^F: W$",
        "^F:.*W$",
        "^F:W",
        "^F.*W",
        "^F: *W",
        "^F:[ \t]*W",
        "W",
        "W$",
        "^F:.*\\<W\\>",
        "^F:.*[^a-z]W",
        "^TO_W",
        "^TOW",
        "^FROM_DAEMON",
        "^FROM_MAILER",
        "^F:(.*[^a-z])?W",
        "^F:$",
        "^F:",
        "^From W",
        "^F:.*\\/W",
        "W.*W",
        "(^F:.*W|^F: W)",
        "^F:.*W|W",
        "^^From ",
        "^F:.+W",
    ]);
    (shape, field(), word(), field(), word()).prop_map(|(shape, f1, w1, f2, w2)| {
        shape
            .replacen('W', w1, 1)
            .replacen("^F:", &format!("^{f1}:"), 1)
            .replacen("^F.", &format!("^{f1}."), 1)
            .replace("^F:", &format!("^{f2}:"))
            .replace('W', w2)
    })
}
