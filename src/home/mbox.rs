//! In: the bytes of an mbox, piece by piece. Out: where its messages begin.

/// What the line before a message begins with.
pub const FROM: &[u8] = b"From ";

/// Finds the beginnings of messages: [`FROM`] at the start of the file, or behind
/// an empty line.
#[derive(Debug)]
pub struct Splitter {
    /// Bytes of [`FROM`] that match so far; `None` once they do not.
    matched: Option<usize>,
    after_empty: bool,
    is_empty: bool,
}

impl Default for Splitter {
    fn default() -> Self {
        Splitter {
            matched: Some(0),
            after_empty: true,
            is_empty: true,
        }
    }
}

impl Splitter {
    /// How many of the next bytes lead to the end of the next [`FROM`] that a message
    /// begins with; `None` where there is none in them. Where there is one, the bytes
    /// behind it come next.
    pub fn next_in(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.matched.is_none() && !self.is_empty {
                at += memchr::memchr(b'\n', bytes.get(at..)?)?;
            }
            let &byte = bytes.get(at)?;
            at += 1;
            if byte == b'\n' {
                self.after_empty = self.is_empty;
                self.is_empty = true;
                self.matched = Some(0);
                continue;
            }
            self.is_empty &= byte == b'\r';
            self.matched = match self.matched {
                Some(matched) if FROM.get(matched) == Some(&byte) => Some(matched + 1),
                _ => None,
            };
            if self.matched == Some(FROM.len()) && self.after_empty {
                return Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_come_in_pieces() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.next_in(b"Fr"), None);
        assert_eq!(splitter.next_in(b"om x\n"), Some(3));
        assert_eq!(splitter.next_in(b" x\n"), None);
        assert_eq!(splitter.next_in(b"\nFrom"), None);
        assert_eq!(splitter.next_in(b" y"), Some(1));
    }
}
