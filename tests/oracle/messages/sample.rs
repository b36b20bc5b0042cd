//! In: an expression in procmail's dialect. Out: a text that it matches, most of
//! the time.

use super::Random;

const TO_WORDS: &[&str] = &[
    "\nTo: ",
    "\nCc: ",
    "\nTo: A <",
    "\nResent-To: ",
    "\nTo: x@y.example, ",
    "\nX-Envelope-To: ",
];
const DAEMONS: &[&str] = &[
    "\nPrecedence: bulk",
    "\nPrecedence: list",
    "\nFrom: MAILER-DAEMON@example.com",
    "\nFrom: postmaster@example.com",
    "\nSender: owner-list@example.com",
    "\nFrom: Majordomo@example.com",
    "\nMailing-List: x",
    "\nFrom: root@example.com (Cron)",
];

/// A text that an expression in procmail's dialect matches, most of the time.
/// A newline stands where it wants the beginning of a line.
pub fn sample(expression: &str, random: &mut Random) -> Vec<u8> {
    for (word, texts) in [
        ("^TO_", TO_WORDS),
        ("^TO", TO_WORDS),
        ("^FROM_DAEMON", DAEMONS),
        ("^FROM_MAILER", DAEMONS),
    ] {
        if let Some((before, after)) = expression.split_once(word) {
            let mut text = sample(before, random);
            text.extend_from_slice(random.pick(texts).as_bytes());
            let rest = sample(after, random);
            text.extend_from_slice(rest.strip_prefix(b"\n").unwrap_or(&rest));
            return text;
        }
    }
    let chars: Vec<char> = expression.chars().collect();
    let mut sampler = Sampler {
        chars: &chars,
        at: 0,
        random,
        depth: 0,
    };
    let mut text = sampler.alternatives();
    while sampler.at < chars.len() {
        sampler.at += 1;
        text.extend(sampler.alternatives());
    }
    text
}

struct Sampler<'a> {
    chars: &'a [char],
    at: usize,
    random: &'a mut Random,
    depth: usize,
}

impl Sampler<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn alternatives(&mut self) -> Vec<u8> {
        let mut branches = vec![self.branch()];
        while self.peek() == Some('|') {
            self.at += 1;
            branches.push(self.branch());
        }
        let choice = self.random.below(branches.len());
        branches.swap_remove(choice)
    }

    fn branch(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let any = c == '.';
            let start = self.at;
            let piece = self.atom();
            match self.peek() {
                Some('*' | '+') if any => {
                    let plus = self.peek() == Some('+');
                    self.at += 1;
                    let name = text
                        .iter()
                        .all(|b: &u8| b.is_ascii_alphanumeric() || b"-_\n".contains(b));
                    let texts: &[&str] = match (name && text.len() > 1, plus) {
                        (true, _) => &[": ", ": x ", ": \"Some One\" <x", ": some words "],
                        (_, true) => &["x", " - ", "ab c"],
                        _ => &["", "", " ", "x", " some words ", "-"],
                    };
                    text.extend_from_slice(self.random.pick(texts).as_bytes());
                }
                Some('*') => {
                    self.at += 1;
                    let end = self.at;
                    for _ in 0..self.random.below(3) {
                        self.at = start;
                        text.extend(self.atom());
                    }
                    self.at = end;
                }
                Some('+') => {
                    self.at += 1;
                    let end = self.at;
                    text.extend(piece);
                    for _ in 0..self.random.below(2) {
                        self.at = start;
                        text.extend(self.atom());
                    }
                    self.at = end;
                }
                Some('?') => {
                    self.at += 1;
                    if self.random.once_in(2) {
                        text.extend(piece);
                    }
                }
                _ => text.extend(piece),
            }
        }
        text
    }

    fn atom(&mut self) -> Vec<u8> {
        let Some(c) = self.peek() else {
            return Vec::new();
        };
        self.at += 1;
        match c {
            '(' if self.depth < 40 => {
                self.depth += 1;
                let text = self.alternatives();
                self.depth -= 1;
                if self.peek() == Some(')') {
                    self.at += 1;
                }
                text
            }
            '^' if self.peek() == Some('^') => {
                self.at += 1;
                Vec::new()
            }
            '^' | '$' => b"\n".to_vec(),
            '.' => self.random.pick(&["x", " ", ".", "7"]).as_bytes().to_vec(),
            '[' => self.class(),
            '\\' => match self.peek() {
                Some('<' | '>') => {
                    self.at += 1;
                    self.random.pick(&[" ", "<", ".", "\n"]).as_bytes().to_vec()
                }
                Some('/') => {
                    self.at += 1;
                    Vec::new()
                }
                Some(c) => {
                    self.at += 1;
                    bytes(c)
                }
                None => Vec::new(),
            },
            c => {
                if c.is_ascii_alphabetic() && self.random.once_in(12) {
                    return vec![(c as u8) ^ 0x20];
                }
                bytes(c)
            }
        }
    }

    fn class(&mut self) -> Vec<u8> {
        let negated = self.peek() == Some('^');
        self.at += usize::from(negated);
        let start = self.at;
        while let Some(c) = self.peek() {
            if c == ']' && self.at > start {
                break;
            }
            self.at += 1;
        }
        let members = &self.chars[start..self.at.min(self.chars.len())];
        self.at += 1;
        if negated {
            return ["x", "q", " ", "1", "@", "é"]
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .find(|text| !members.contains(&(text[0] as char)))
                .unwrap_or_default();
        }
        if members.is_empty() {
            return Vec::new();
        }
        let at = self.random.below(members.len());
        match members.get(at + 1..at + 3) {
            Some(['-', last]) if *last >= members[at] => {
                let width = *last as u32 - members[at] as u32 + 1;
                let c = members[at] as u32 + self.random.below(width as usize) as u32;
                char::from_u32(c).map_or_else(Vec::new, bytes)
            }
            _ => bytes(members[at]),
        }
    }
}

fn bytes(c: char) -> Vec<u8> {
    c.to_string().into_bytes()
}
