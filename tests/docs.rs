//! Holds the documentation to the program. `SIEVIFY_UPDATE_DOCS=1 cargo test
//! --test docs` writes what is made from the program anew.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::Value;
use sievify::report::{explain, terminal};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn translated(case: &str, format: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sievify"))
        .args(["translate", "--user=u", "--home-path=/home/u"])
        .args(["--format", format])
        .arg(project().join("corpus").join(case).join("home"))
        .output()
        .unwrap()
}

/// The file says this, or is made to.
fn says(path: &str, text: &str) {
    if std::env::var_os("SIEVIFY_UPDATE_DOCS").is_some() {
        fs::write(project().join(path), text).unwrap();
    }
    assert!(
        read(path) == text,
        "{path} is out of date: SIEVIFY_UPDATE_DOCS=1 cargo test --test docs"
    );
}

#[test]
fn the_page_of_codes_is_complete() {
    says("docs/codes.md", &explain::page());
}

/// Puts a text into the fenced block below a mark.
fn with_block(page: &str, mark: &str, text: &str) -> String {
    let (before, rest) = page.split_once(&format!("<!-- {mark} -->\n")).unwrap();
    let (fence, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    let text = text.trim_end();
    format!("{before}<!-- {mark} -->\n{fence}\n{text}\n```\n{after}")
}

#[test]
fn the_readme_shows_what_happens() {
    let output = translated("first-look", "text");
    let script = String::from_utf8(output.stdout).unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    let lines = report.lines();
    let manual: Vec<_> = lines
        .skip_while(|line| !line.starts_with("manual["))
        .take_while(|line| !line.is_empty())
        .collect();
    let rules = read("corpus/first-look/home/.procmailrc");
    let page = with_block(&read("README.md"), "rules of first-look", &rules);
    let page = with_block(&page, "script of first-look", &script);
    let page = with_block(&page, "report of first-look", &manual.join("\n"));
    says("README.md", &page);
}

#[test]
fn the_readme_names_commands_that_exist() {
    let readme = read("README.md");
    let commands: BTreeSet<&str> = readme
        .split("sievify ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next())
        .filter(|word| {
            let is_quoted = |mark: &str| readme.contains(&format!("{mark}sievify {word}"));
            is_quoted("    ") || is_quoted("`")
        })
        .collect();
    assert!(commands.contains("translate") && commands.contains("batch"));
    for command in commands {
        let help = Command::new(env!("CARGO_BIN_EXE_sievify"))
            .args(["help", command])
            .output()
            .unwrap();
        assert!(help.status.success(), "there is no command {command}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages: Vec<PathBuf> = vec!["README.md".into(), "tests/README.md".into()];
    for entry in fs::read_dir(project().join("docs")).unwrap() {
        pages.push(Path::new("docs").join(entry.unwrap().file_name()));
    }
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|e| e == "md"))
    {
        let text = fs::read_to_string(project().join(page)).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap();
            if link.is_empty() || link.starts_with("http") {
                continue;
            }
            let target = project().join(page.parent().unwrap()).join(link);
            assert!(target.exists(), "{}: {link}", page.display());
        }
    }
}

#[test]
fn the_page_of_differences_is_complete() {
    let page = read("docs/differences.md");
    let tests = read("tests/differences.rs");
    let headings: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::to_lowercase)
        .collect();
    let expected: Vec<String> = terminal::DIFFERENCES
        .iter()
        .map(|d| d.to_lowercase())
        .collect();
    assert_eq!(headings, expected);
    for section in page.split("\n## ").skip(1) {
        let named = section
            .lines()
            .filter_map(|line| line.strip_prefix("Test: `")?.strip_suffix('`'));
        let named: Vec<&str> = named.collect();
        assert!(!named.is_empty(), "{section}");
        for name in named {
            assert!(tests.contains(&format!("{name:?}")), "{name}");
        }
    }
}

#[test]
fn a_module_uses_those_above_it_on_the_page_of_the_architecture() {
    let page = read("docs/architecture.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<(&str, &str)> = rows
        .map(|row| {
            (
                row.split('`').next().unwrap(),
                row.rsplit('|').nth(1).unwrap(),
            )
        })
        .collect();
    let mut modules = BTreeSet::new();
    for entry in fs::read_dir(project().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name != "lib" && name != "main" {
            modules.insert(name);
        }
    }
    let named: BTreeSet<String> = rows.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, modules);
    let mut above = BTreeSet::new();
    for (module, uses) in rows {
        let uses = uses.split('`').skip(1).step_by(2).map(str::to_owned);
        let uses: BTreeSet<String> = uses.collect();
        let mut used = used(module);
        used.retain(|used| used != module && modules.contains(used));
        assert_eq!(uses, used, "{module}");
        assert!(used.is_subset(&above), "{module} uses what is below it");
        above.insert(module.to_owned());
    }
}

/// The modules that a module's files name, but for its tests, which may ask the
/// whole program.
fn used(module: &str) -> BTreeSet<String> {
    let source = project().join("src");
    let files = walkdir::WalkDir::new(&source).into_iter().flatten();
    let files = files.filter(|file| {
        let path = file.path().strip_prefix(&source).unwrap().to_str().unwrap();
        let is_test = file.path().file_stem().is_some_and(|name| name == "tests");
        let is_below = path == format!("{module}.rs") || path.starts_with(&format!("{module}/"));
        file.file_type().is_file() && is_below && !is_test
    });
    let mut used = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file.path()).unwrap();
        let mut parts = text.split("#[cfg(test)]\n");
        let mut program = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (item, _) = part.split_once('\n').unwrap_or_default();
            let end = if item.ends_with(';') { "\n" } else { "\n}\n" };
            program.push_str(part.split_once(end).map_or("", |(_, rest)| rest));
        }
        for root in ["crate::", "sievify::"] {
            for rest in program.split(root).skip(1) {
                let name = rest.split(|c: char| !c.is_ascii_lowercase()).next();
                used.extend(name.map(str::to_owned));
            }
        }
    }
    used
}

#[test]
fn reports_are_as_the_schema_says() {
    let schema: Value = serde_json::from_str(&read("docs/report.schema.json")).unwrap();
    let mut checked = 0;
    for case in fs::read_dir(project().join("corpus")).unwrap() {
        let case = case.unwrap();
        if !case.path().join("home").is_dir() {
            continue;
        }
        let case = case.file_name().into_string().unwrap();
        let output = translated(&case, "json");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        if let Err(error) = fits(&report, &schema, "report") {
            panic!("{case}: {error}");
        }
        checked += 1;
    }
    assert!(checked >= 60);
    let nothing = serde_json::json!({"version": 1});
    assert!(fits(&nothing, &schema, "report").is_err());
}

/// Whether a value fits a schema of the few keywords that ours has.
fn fits(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    for (keyword, says) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "title" | "description" => true,
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "type" => match says.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_u64(),
                other => panic!("the schema has the type {other}"),
            },
            "minItems" => value.as_array().map(Vec::len) >= says.as_u64().map(|n| n as usize),
            "maxItems" => value.as_array().map(Vec::len) <= says.as_u64().map(|n| n as usize),
            "required" => {
                let is_there = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                says.as_array().unwrap().iter().all(is_there)
            }
            "additionalProperties" => {
                assert_eq!(says, &Value::Bool(false));
                let known = schema["properties"].as_object().unwrap();
                let object = value.as_object().ok_or_else(|| at.to_owned())?;
                object.keys().all(|name| known.contains_key(name))
            }
            "properties" => {
                for (name, schema) in says.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        fits(value, schema, &format!("{at}.{name}"))?;
                    }
                }
                true
            }
            "items" => {
                for (number, value) in value.as_array().into_iter().flatten().enumerate() {
                    fits(value, says, &format!("{at}[{number}]"))?;
                }
                true
            }
            other => panic!("the schema has the keyword {other}"),
        };
        if !holds {
            return Err(format!("{at}: {keyword} is {says}, and it is {value}"));
        }
    }
    Ok(())
}
