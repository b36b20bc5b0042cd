#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::process::Command;

#[test]
fn names_go_both_ways() {
    for extension in Extension::KNOWN {
        assert_eq!(&Extension::from(extension.as_str()), extension);
    }
    let vendor = Extension::from("vnd.dovecot.pipe");
    assert_eq!(vendor, Extension::Other("vnd.dovecot.pipe".into()));
    assert_eq!(vendor.to_string(), "vnd.dovecot.pipe");
}

#[test]
fn comparators_of_the_base_language_are_everywhere() {
    let target = Target::profile("rfc5228").unwrap();
    assert!(target.has(Extension::Octet));
    assert!(target.has(Extension::AsciiCasemap));
    assert!(!target.has(Extension::AsciiNumeric));
    assert!(!target.has(Extension::Copy));
}

#[test]
fn dovecot_is_what_sievec_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("t.sieve");
    let target = Target::profile("dovecot").unwrap();
    for extension in Extension::KNOWN {
        std::fs::write(&script, format!("require \"{extension}\";\n")).unwrap();
        let Ok(run) = Command::new("sievec")
            .arg(&script)
            .arg(folder.path().join("t.svbin"))
            .output()
        else {
            crate::untested::missing("sievec", "install-oracles.sh");
            return;
        };
        assert_eq!(
            run.status.success(),
            target.has(extension.clone()),
            "{extension}"
        );
    }
}

#[test]
fn stalwart_is_what_sieve_rs_has() {
    let target = Target::profile("stalwart").unwrap();
    let engine: BTreeSet<Extension> = sieve::compiler::grammar::Capability::all()
        .iter()
        .map(|capability| Extension::from(capability.to_string().as_str()))
        .filter(|extension| Extension::KNOWN.contains(extension))
        .filter(|extension| !matches!(extension, Extension::Octet | Extension::AsciiCasemap))
        .collect();
    let ours: BTreeSet<Extension> = target.extensions;
    let known_to_both = engine.intersection(&ours).cloned().collect::<BTreeSet<_>>();
    assert_eq!(known_to_both, ours);
    assert_eq!(engine, ours);
}

#[test]
fn a_file_extends_a_profile() {
    let text = "extends = \"dovecot\"\nextensions = [\"+editheader\", \"-regex\"]\n\
                separator = \".\"\nprefix = \"INBOX.\"\n[limits]\nredirects = 10\n";
    let target = Target::from_toml(text, "site/ours.toml").unwrap();
    assert_eq!(target.name, "ours");
    assert!(target.has(Extension::EditHeader));
    assert!(target.has(Extension::FileInto));
    assert!(!target.has(Extension::Regex));
    assert_eq!(target.limits.redirects, Some(10));
    assert_eq!(target.limits.actions, Some(32));
    assert_eq!((target.separator, target.prefix.as_str()), ('.', "INBOX."));
}

#[test]
fn a_wrong_file_names_the_line() {
    let cases = [
        (
            "name = \"x\"\nextends = \"exchange\"\n",
            2,
            "no target called",
        ),
        ("\n\nseparator = \"ab\"\n", 3, "one character"),
        ("name = \"x\"\n[limits]\nredirect = 3\n", 3, "redirects"),
        ("extensions = [\"+copy\", \"body\"]\n", 1, "`body`"),
        ("name = \n", 1, ""),
    ];
    for (text, expected, words) in cases {
        match Target::from_toml(text, "t.toml").unwrap_err() {
            TargetError::File { line, message, .. } => {
                assert_eq!(line, expected, "{text:?}: {message}");
                assert!(message.contains(words), "{message}");
                assert!(!message.contains('\n'), "{message}");
            }
            error => panic!("{error}"),
        }
    }
    let unknown = Target::profile("exchange").unwrap_err().to_string();
    assert!(unknown.contains("dovecot, cyrus"), "{unknown}");
}

#[test]
fn announced_capabilities_replace_the_profile() {
    let base = || Target::profile("dovecot").unwrap();
    let target = base()
        .with_capabilities("fileinto copy MAXREDIRECTS=7")
        .unwrap();
    assert!(target.has(Extension::Copy) && !target.has(Extension::Regex));
    assert_eq!(target.limits.redirects, Some(7));
    assert_eq!(target.limits.actions, Some(32));

    let greeting = "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n\
                    \"SIEVE\" \"fileinto reject\"\r\n\"MAXREDIRECTS\" \"3\"\r\n\
                    \"STARTTLS\"\r\nOK \"ready\"\r\n";
    let target = base().with_capabilities(greeting).unwrap();
    assert_eq!(target.extensions.len(), 2);
    assert_eq!(target.limits.redirects, Some(3));

    let quoted = base().with_capabilities("\"fileinto copy\"").unwrap();
    assert!(quoted.has(Extension::Copy));
    assert!(base().with_capabilities("MAXREDIRECTS=many").is_err());
}

#[test]
fn the_table_stays_narrow() {
    for name in Target::PROFILES {
        let target = Target::profile(name).unwrap();
        let shown = target.to_string();
        assert!(shown.starts_with(name));
        for extension in &target.extensions {
            assert!(shown.contains(extension.as_str()));
        }
        let extensions = shown.lines().filter(|line| !line.contains("limits"));
        assert!(
            extensions.into_iter().all(|line| line.len() <= 80),
            "{shown}"
        );
    }
}
