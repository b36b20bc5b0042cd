//! In: the bytes of a message. Out: its header and body as procmail sees them.

use std::cell::OnceCell;

/// A message in memory, with the line of the mbox format above it.
#[derive(Debug, Clone, Default)]
pub struct Message {
    raw: Vec<u8>,
    /// Where the body begins, behind the empty line.
    body: usize,
    /// The header with folded fields joined.
    header: Vec<u8>,
    /// Header and body, folded fields joined.
    joined: OnceCell<Vec<u8>>,
}

impl Message {
    /// Takes a message apart.
    pub fn new(mut raw: Vec<u8>) -> Self {
        let (mut body, mut folds) = header_of(&raw);
        if set_length(&mut raw, body) {
            (body, folds) = header_of(&raw);
        }
        let mut header = raw.get(..body).unwrap_or_default().to_vec();
        for at in folds {
            if let Some(byte) = header.get_mut(at) {
                *byte = b' ';
            }
        }
        Message {
            raw,
            body,
            header,
            joined: OnceCell::new(),
        }
    }

    /// All of it, as it came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The header as it came, with the empty line.
    pub fn raw_header(&self) -> &[u8] {
        self.raw.get(..self.body).unwrap_or_default()
    }

    /// The header, folded fields joined, with the empty line.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        self.raw.get(self.body..).unwrap_or_default()
    }

    /// Header and body, folded fields joined.
    pub fn joined(&self) -> &[u8] {
        if self.header == self.raw_header() {
            return &self.raw;
        }
        self.joined
            .get_or_init(|| [self.header(), self.body()].concat())
    }

    /// With another header, and the same body.
    pub fn with_header(&self, header: Vec<u8>) -> Self {
        let mut raw = header;
        raw.extend_from_slice(self.body());
        Message::new(raw)
    }

    /// With another body, and the same header.
    pub fn with_body(&self, body: &[u8]) -> Self {
        let mut message = self.clone();
        message.raw.truncate(self.body);
        message.raw.extend_from_slice(body);
        message.joined = OnceCell::new();
        message
    }
}

/// Puts the real length of the body into the first Content-Length, as wide as what
/// stood there; says whether there is one.
fn set_length(raw: &mut Vec<u8>, body: usize) -> bool {
    const NAME: &[u8] = b"content-length:";
    let (header, behind) = raw.split_at(body);
    let mut start = 0;
    let found = header.split(|&byte| byte == b'\n').find_map(|line| {
        let value = start + NAME.len()..start + line.len();
        start += line.len() + 1;
        let name = line.get(..NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then_some(value)
    });
    let Some(value) = found.filter(|value| !value.is_empty()) else {
        return false;
    };
    // An empty line at the end parts it from the next mail.
    let length = behind.len() - usize::from(behind.ends_with(b"\n\n"));
    let width = value.len();
    raw.splice(value, format!("{length:>width$}").bytes());
    true
}

/// Where the header ends, and the line ends in it that a folded field goes on
/// behind.
fn header_of(raw: &[u8]) -> (usize, Vec<usize>) {
    let mut folds = Vec::new();
    let mut at = raw.iter().take_while(|&&byte| byte == b'\n').count();
    loop {
        let rest = raw.get(at..).unwrap_or_default();
        // What looks for line ends stops at a NUL.
        let next = rest.iter().position(|&byte| byte == b'\n' || byte == 0);
        match next {
            Some(next) if rest.get(next) == Some(&b'\n') => at += next,
            _ => return (raw.len(), folds),
        }
        match raw.get(at + 1) {
            Some(b'\n') => return (at + 2, folds),
            Some(b' ' | b'\t') => folds.push(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_body_is_the_real_one() {
        for (written, body, set) in [
            (" 990", "body text\n", "  10"),
            ("\t1 x", "body text\n\n", "  10"),
            ("1", "body text\n", "10"),
            ("", "body text\n", ""),
            (" 5", "", " 0"),
        ] {
            let raw = |value: &str| format!("A:\ncontent-Length:{value}\nB:\n c\n\n{body}");
            let message = Message::new(raw(written).into_bytes());
            assert_eq!(message.raw(), raw(set).as_bytes());
            assert_eq!(message.body(), body.as_bytes());
        }
    }

    #[test]
    fn folded_fields_are_joined() {
        let message = Message::new(b"From x\nA: b\n c\n\td\nE:\n\nbody\n f\n".to_vec());
        assert_eq!(message.header(), b"From x\nA: b  c \td\nE:\n\n");
        assert_eq!(message.body(), b"body\n f\n");
        assert_eq!(
            message.joined(),
            b"From x\nA: b  c \td\nE:\n\nbody\n f\n".as_slice()
        );
        let changed = message.with_header(b"X:\n\n".to_vec());
        assert_eq!(changed.raw(), b"X:\n\nbody\n f\n");
        assert_eq!(changed.with_body(b"z").joined(), b"X:\n\nz");
    }

    #[test]
    fn headers_without_an_end() {
        for (raw, body) in [
            (&b""[..], 0),
            (b"\n", 1),
            (b"\n\nA: b\n\nc", 8),
            (b"A: b", 4),
            (b"A: b\r\n\r\nc\n", 10),
            (b"A\0: b\n\nc\n", 9),
        ] {
            assert_eq!(header_of(raw).0, body, "{}", raw.escape_ascii());
        }
    }
}
