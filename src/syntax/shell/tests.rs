#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn list(text: &str) -> Option<List> {
    let shell = Shell::parse(text);
    assert_eq!(shell.print(text), text);
    shell.list()
}

/// A list as text: words in brackets, so that one sees what was joined.
fn shown(text: &str) -> String {
    list(text).map_or("none".to_owned(), |list| show_list(&list))
}

fn show_list(list: &List) -> String {
    let mut shown = String::new();
    for (pipeline, operator) in &list.pipelines {
        let commands: Vec<String> = pipeline.commands.iter().map(show_command).collect();
        let not = if pipeline.negated { "!" } else { "" };
        shown += &format!("{not}{} {operator:?} ", commands.join("|"));
    }
    shown.trim_end().to_owned()
}

fn show_command(command: &Command) -> String {
    let show_word = |word: &Word| {
        let parts = word.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(name) => format!("${name}"),
            Part::Command(text) => format!("`{text}`"),
        });
        format!("[{}]", parts.collect::<String>())
    };
    let show_redirections = |redirections: &[Redirection]| {
        let all = redirections.iter().map(|redirection| {
            let descriptor = redirection
                .descriptor
                .map_or(String::new(), |d| d.to_string());
            format!(
                " {descriptor}{:?}{}",
                redirection.kind,
                show_word(&redirection.target)
            )
        });
        all.collect::<String>()
    };
    match command {
        Command::Group { list, redirections } => {
            format!("({}){}", show_list(list), show_redirections(redirections))
        }
        Command::Simple(simple) => {
            let assignments = simple.assignments.iter();
            let mut shown: String = assignments
                .map(|(name, value)| format!("{name}={}", show_word(value)))
                .collect();
            shown.extend(simple.words.iter().map(show_word));
            shown + &show_redirections(&simple.redirections)
        }
    }
}

#[test]
fn words_and_quotes() {
    for (text, expected) in [
        ("a b  c", "[a][b][c] Then"),
        ("a 'b  c'\"d\"e", "[a][b  cde] Then"),
        (r#"a "b\"c" d\ e "\n""#, r#"[a][b"c][d e][\n] Then"#),
        ("a $B ${C:-d} \"x $E\"", "[a][$B][$C:-d][x $E] Then"),
        ("a `b \"c\"` $(d e)", "[a][`b \"c\"`][`d e`] Then"),
        ("a '' # note", "[a][] Then"),
        ("a#b $", "[a#b][$] Then"),
        ("a \\\n b", "[a][b] Then"),
        ("", ""),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn lists_and_groups() {
    for (text, expected) in [
        ("a | b | c", "[a]|[b]|[c] Then"),
        (
            "IFS=' ' && exec p -f- || exit 75 #joe",
            "IFS=[ ] And [exec][p][-f-] Or [exit][75] Then",
        ),
        (
            "(a -r; echo x) | s -t",
            "([a][-r] Then [echo][x] Then)|[s][-t] Then",
        ),
        (
            "{ a; b; } > f 2>&1",
            "([a] Then [b] Then) Write[f] 2Duplicate[1] Then",
        ),
        ("a <l >>o", "[a] Read[l] Append[o] Then"),
        ("X=1 a Y=2 &", "X=[1][a][Y=2] Background"),
        ("! a; b;\n c", "![a] Then [b] Then [c] Then"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn more_than_simple_commands() {
    for text in [
        "if a; then b; fi",
        "a <<X",
        "a 'b",
        "(a",
        "a)",
        "a >",
        "a | | b",
        "a &&",
        "a $(b $(c))",
        "a ${b",
        "(a) b",
        "{ a; )",
    ] {
        assert_eq!(list(text), None, "{text:?}");
    }
}

#[test]
fn long_and_hostile_texts_take_linear_time() {
    let started = std::time::Instant::now();
    for unit in [
        "(", "{ ", "\"", "'", "`", "$(", "\\", "a|", "a ", "${", "\"`", "1", ">",
    ] {
        list(&unit.repeat(50_000));
    }
    assert!(started.elapsed().as_secs() < 60);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_text_is_printed_back(text in "([ -~]|[\\x00\r\né'\"`$\\\\|&;()<>#{}]){0,60}") {
        list(&text);
    }
}
