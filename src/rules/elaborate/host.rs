//! In: a command that asks how the old host is called. Out: what it prints.

use crate::rules::model::{Piece, Text};
use crate::rules::program::{Meaning, Source, meaning};

/// Whether a command prints the name, or something made of it.
pub fn asks_for_host(command: &str) -> bool {
    read(command).is_some()
}

/// Where nobody has said how the host is called (`--host`), it is the name that
/// the host had, whatever that was; what becomes of it in a pipeline is not known.
pub fn printed(command: &str, host: Option<&str>) -> Option<Piece> {
    let (part, pipeline) = read(command)?;
    let Some(host) = host else {
        return match (part, pipeline) {
            (_, Some(_)) => None,
            (Part::Name, None) => Some(Piece::Opaque("HOST".to_owned())),
            (_, None) => Some(Piece::Opaque(command.to_owned())),
        };
    };
    let name = match (part, host.split_once('.')) {
        (Part::Name, _) | (Part::Full, Some(_)) => host,
        (Part::Short, Some((short, _))) => short,
        (Part::Short, None) => host,
        (Part::Domain, Some((_, domain))) => domain,
        // `hostname` prints no more on many hosts that have a domain.
        (Part::Full | Part::Domain, None) => return Some(Piece::Opaque(command.to_owned())),
    };
    let Some(pipeline) = pipeline else {
        return Some(Piece::Literal(name.to_owned()));
    };
    match meaning(&Text::literal(format!("echo {name} |{pipeline}"))) {
        Meaning::Printed(printed) if matches!(printed.source, Source::Text { .. }) => {
            let edited = String::from_utf8(printed.edited(name.as_bytes())?).ok()?;
            Some(Piece::Literal(edited))
        }
        _ => None,
    }
}

/// The part of its name.
#[derive(Clone, Copy)]
enum Part {
    Name,
    Full,
    Short,
    Domain,
}

/// What a command asks for, and the pipeline that it goes into.
fn read(command: &str) -> Option<(Part, Option<&str>)> {
    let (asks, pipeline) = match command.split_once('|') {
        Some((asks, pipeline)) => (asks, Some(pipeline)),
        None => (command, None),
    };
    let mut words = asks.split_ascii_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    let options: Vec<&str> = words.collect();
    let part = match (program, options.as_slice()) {
        ("hostname", []) | ("uname", ["-n" | "--nodename"]) => Part::Name,
        ("hostname", ["-f" | "--fqdn" | "--long"]) => Part::Full,
        ("hostname", ["-s" | "--short"]) => Part::Short,
        ("hostname", ["-d" | "--domain"]) => Part::Domain,
        _ => return None,
    };
    Some((part, pipeline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_known_name() {
        for (command, expected) in [
            ("hostname", Some("Moe.lab.example.edu")),
            ("/bin/hostname -s", Some("Moe")),
            ("hostname -d", Some("lab.example.edu")),
            ("uname -n | tr 'A-Z' 'a-z'", Some("moe.lab.example.edu")),
            ("hostname | sed 's/\\..*//'", Some("Moe")),
            ("hostname|cut -d. -f1", Some("Moe")),
            ("hostname | md5sum", None),
            ("uname -a", None),
        ] {
            let expected = expected.map(|text| Piece::Literal(text.to_owned()));
            assert_eq!(
                printed(command, Some("Moe.lab.example.edu")),
                expected,
                "{command}"
            );
        }
        assert_eq!(printed("hostname | cut -d. -f1", None), None);
        let unknown = Some(Piece::Opaque("hostname -d".to_owned()));
        assert_eq!(printed("hostname -d", Some("moe")), unknown);
    }
}
