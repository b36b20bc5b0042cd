//! The administrator's files: nothing in them makes a name that climbs, or a
//! lookup without an end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sievify::batch::tables::{self, Tables};
use sievify::batch::{accounts, lines, passwd};
use sievify::sieve::target::Target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (users, problems) = passwd::parse("passwd", &text);
    for user in &users {
        assert!(lines::is_safe_name(&user.name), "{user:?}");
    }
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));

    let (accounts, problems) = accounts::parse("accounts.csv", &text);
    for (name, account) in &accounts {
        assert!(lines::is_safe_name(name) && lines::is_safe_name(&account.new));
    }
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));

    let (aliases, problems) = tables::aliases("aliases", &text);
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));
    let (virtual_, problems) = tables::virtual_("virtual", &text);
    problems
        .iter()
        .for_each(|problem| shown(&problem.to_string()));
    let tables = Tables {
        domain: Some("old.example".to_owned()),
        aliases,
        virtual_,
    };
    for entry in tables.aliases.values().chain(tables.virtual_.values()) {
        tables.resolve(&entry.name);
        tables.alias_of(&entry.name);
    }

    let _ = Target::from_toml(&text, "target.toml");
});

/// What is said to a terminal moves no cursor.
fn shown(text: &str) {
    assert!(
        !text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
    );
}
