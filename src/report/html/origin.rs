//! In: the text of a Sieve script. Out: the stretches of it that say where they
//! came from, by the comments above them (`# .procmailrc:12-14`).

use crate::sieve::origin::Origin;

/// What a line of a script names, where it is a comment on origins.
pub(super) fn of_line(line: &str) -> Vec<Origin<'_>> {
    let comment = line.trim_start().strip_prefix("# ");
    comment.map(Origin::parse_all).unwrap_or_default()
}

/// A command of the script, with the comments above it. Stretches lie in each
/// other or apart, and come in the order of their first lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch<'s> {
    /// First and last line of the script, from 0.
    pub lines: [usize; 2],
    /// What it came from.
    pub origins: Vec<Origin<'s>>,
}

/// Finds the stretches. What one statement does in several commands has its
/// comment once: the commands right below a plain one are its as well, unless
/// they have comments in them.
/// Comments at the head of a block are about the test before it as well: there
/// a stretch begins with the `if` or `elsif`, unless the `if` has comments of
/// its own.
pub(super) fn stretches(script: &str) -> Vec<Stretch<'_>> {
    let mut found: Vec<Stretch> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut reader = Reader::default();
    let mut comments: Option<Stretch> = None;
    // Where the statement began that is being read.
    let mut statement: Option<usize> = None;
    // Where the statement began whose block has just been opened.
    let mut branch: Option<usize> = None;
    let mut is_commented = false;
    // The stretch of the plain command that ended on the line before.
    let mut plain: Option<Open> = None;
    for (number, line) in script.lines().enumerate() {
        let code = line.trim();
        let above = plain.take();
        if reader.is_between() && statement.is_none() {
            let origins = of_line(line);
            if !origins.is_empty() {
                let stretch = comments.get_or_insert_with(|| Stretch {
                    lines: [branch.unwrap_or(number), number],
                    origins: Vec::new(),
                });
                stretch.origins.extend(origins);
                continue;
            }
            if code.is_empty() || code.starts_with('#') {
                continue;
            }
            is_commented = comments.is_some() && branch.is_none();
            if let Some(stretch) = comments.take() {
                let depth = reader.depth.saturating_sub(usize::from(branch.is_some()));
                if let Some(branch) = branch {
                    close(&mut found, &mut open, depth, branch.saturating_sub(1));
                }
                open.push(Open {
                    at: found.len(),
                    depth,
                    is_branch: branch.is_some(),
                });
                found.push(stretch);
            } else if !code.starts_with('}') && !has_comments(script, number) {
                open.extend(above);
            }
            statement = Some(number);
            if code.starts_with("} els") {
                is_commented = false;
                if open.last().is_some_and(|open| open.is_branch) {
                    let depth = reader.depth.saturating_sub(1);
                    close(&mut found, &mut open, depth, number.saturating_sub(1));
                }
            }
        }
        reader.read(line);
        if reader.is_between() && code.ends_with(';') {
            let depth = reader.depth;
            plain = open.last().copied().filter(|open| open.depth == depth);
        }
        if reader.is_between() && code.ends_with([';', '}']) {
            close(&mut found, &mut open, reader.depth, number);
        }
        if reader.is_between() && code.ends_with([';', '}', '{']) {
            let is_block = code.ends_with('{') && !is_commented;
            branch = statement.take().filter(|_| is_block);
        }
    }
    let last = script.lines().count().saturating_sub(1);
    close(&mut found, &mut open, 0, last);
    found
}

/// Whether the `if` that begins on a line has comments on origins in it.
fn has_comments(script: &str, number: usize) -> bool {
    let mut lines = script.lines().skip(number);
    let Some(indent) = lines.clone().next().map(indent_of) else {
        return false;
    };
    let is_if = |line: &str| line.trim_start().starts_with("if ");
    lines.clone().next().is_some_and(is_if)
        && lines
            .by_ref()
            .skip(1)
            .take_while(|line| {
                indent_of(line) > indent || line.trim_start().starts_with([']', ')', '}'])
            })
            .any(|line| !of_line(line).is_empty())
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A stretch that is not at its end.
#[derive(Clone, Copy)]
struct Open {
    /// Its index.
    at: usize,
    /// The blocks around it.
    depth: usize,
    /// It is one branch of an `if`, not the whole.
    is_branch: bool,
}

/// Ends the stretches of this depth and of those within.
fn close(found: &mut [Stretch], open: &mut Vec<Open>, depth: usize, last: usize) {
    while let Some(Open { at, .. }) = open.pop_if(|open| open.depth >= depth) {
        if let Some(stretch) = found.get_mut(at) {
            stretch.lines[1] = last.max(stretch.lines[0]);
        }
    }
}

/// As much of Sieve's syntax as tells a command from a string.
#[derive(Debug, Default)]
struct Reader {
    depth: usize,
    is_quoted: bool,
    is_text: bool,
}

impl Reader {
    /// Whether the next line begins outside of a string.
    fn is_between(&self) -> bool {
        !self.is_quoted && !self.is_text
    }

    fn read(&mut self, line: &str) {
        if self.is_text {
            self.is_text = line.trim_end() != ".";
            return;
        }
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match (c, self.is_quoted) {
                ('"', _) => self.is_quoted = !self.is_quoted,
                ('\\', true) => {
                    characters.next();
                }
                ('#', false) => return,
                ('{', false) => self.depth += 1,
                ('}', false) => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.is_text = !self.is_quoted && line.trim_end().ends_with("text:");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(script: &str) -> Vec<(usize, usize, Vec<usize>)> {
        let one = |stretch: &Stretch| {
            let origins = stretch.origins.iter().map(|origin| origin.lines[0]);
            (stretch.lines[0], stretch.lines[1], origins.collect())
        };
        stretches(script).iter().map(one).collect()
    }

    #[test]
    fn commands_lie_below_their_comments() {
        let script = "require \"fileinto\";\n\n\
            # rc:1-3, 5\nif header :is \"a\" [\n    \"}\",\n    \"b\"\n] {\n    stop;\n}\n\n\
            # a note\n# rc:7\nfileinto \"x\";\nkeep;\n";
        assert_eq!(found(script), [(2, 8, vec![1, 5]), (11, 13, vec![7])]);
    }

    #[test]
    fn the_commands_of_one_statement_belong_together() {
        let script =
            "# rc:1\nredirect :copy \"a\";\nvacation\n    \"b\";\nkeep;\n\nset \"x\" \"\";\n";
        assert_eq!(found(script), [(0, 4, vec![1])]);
        let script =
            "# rc:1\nkeep;\nstop;\n# rc:2\nkeep;\nif true {\n    # rc:3\n    keep;\n}\nstop;\n";
        let expected = [(0, 2, vec![1]), (3, 4, vec![2]), (5, 8, vec![3])];
        assert_eq!(found(script), expected);
    }

    #[test]
    fn a_question_of_a_statement_belongs_to_it() {
        let script = "# rc:1\nif true {\n    # rc:2\n    set \"a\" \"b\";\n    if anyof (\n        true,\n        false\n    ) {\n        keep;\n    } else {\n        stop;\n    }\n}\n";
        assert_eq!(found(script), [(0, 12, vec![1]), (2, 11, vec![2])]);
    }

    #[test]
    fn blocks_hold_others() {
        let script = "# rc:1\nif true {\n    # rc:2\n    keep;\n    # rc:3\n    if true {\n        stop;\n    }\n}\nkeep;\n";
        let expected = [(0, 8, vec![1]), (2, 3, vec![2]), (4, 7, vec![3])];
        assert_eq!(found(script), expected);
    }

    #[test]
    fn a_branch_belongs_to_its_comments() {
        let script = "# rc:1\nif true {\n    stop;\n} elsif false {\n    # rc:2\n    stop;\n} elsif true {\n    keep;\n} else {\n    # rc:4\n    discard;\n}\nstop;\n";
        let expected = [(0, 2, vec![1]), (3, 5, vec![2]), (8, 11, vec![4])];
        assert_eq!(found(script), expected);
    }

    #[test]
    fn the_test_belongs_to_the_comments_in_its_block() {
        let script = "if anyof (\n    true,\n    false\n) {\n    # rc:1\n    stop;\n} else {\n    # rc:2\n    keep;\n}\n";
        assert_eq!(found(script), [(0, 5, vec![1]), (6, 9, vec![2])]);
        let script = "# rc:1\nif true {\n    if true {\n        # rc:2\n        stop;\n    }\n}\n";
        assert_eq!(found(script), [(0, 6, vec![1]), (2, 5, vec![2])]);
    }

    #[test]
    fn strings_hold_no_comments() {
        let script = "# rc:1\nvacation text:\n# rc:2\n}\n.\n;\n# rc:3\nreject \"a \\\"\n# rc:4\n\";\nkeep;\n";
        assert_eq!(found(script), [(0, 5, vec![1]), (6, 10, vec![3])]);
    }

    #[test]
    fn what_never_ends_is_no_fault() {
        assert_eq!(found("# rc:1\nif {\n"), [(0, 1, vec![1])]);
        assert_eq!(found("# rc:1\n"), []);
        assert_eq!(found("}}} else\n# rc:1\n;}\n"), []);
    }
}
