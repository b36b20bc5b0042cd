//! In: the statements that commands came from. Out: the comments that name their
//! lines (`.procmailrc:12-14, 16-18`), and which lines of a script they are about.

use crate::rules::model::StatementId;
use crate::syntax::FileId;
use std::collections::BTreeMap;

/// A statement that a command came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The statement.
    pub at: StatementId,
    /// Its file.
    pub file: FileId,
    /// Its first and last line, from 1.
    pub lines: [usize; 2],
}

/// Which lines of a script came from which lines of the rule files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMap {
    /// They lie in each other or apart, and come in the order of their first lines.
    pub stretches: Vec<Stretch>,
    /// Each comment that names origins: its line, from 0, and the first of them.
    pub comments: BTreeMap<usize, Origin>,
}

/// Lines of a script that came from the same statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// First and last line of the script, from 0.
    pub lines: [usize; 2],
    /// What it came from.
    pub origins: Vec<Origin>,
}

impl Origin {
    /// The lines, without the statement: several can stand on one.
    pub fn place(&self) -> (FileId, [usize; 2]) {
        (self.file, self.lines)
    }
}

impl SourceMap {
    /// The lines of the script come behind so many others.
    pub(super) fn moved(self, by: usize) -> Self {
        let moved = |stretch: Stretch| Stretch {
            lines: stretch.lines.map(|line| line + by),
            ..stretch
        };
        let comments = self.comments.into_iter();
        SourceMap {
            stretches: self.stretches.into_iter().map(moved).collect(),
            comments: comments.map(|(line, origin)| (line + by, origin)).collect(),
        }
    }
}

#[cfg(test)]
impl Origin {
    /// A statement on lines of the first file.
    pub(super) fn on(lines: [usize; 2]) -> Self {
        Origin {
            at: StatementId(lines[0] as u32),
            file: FileId(0),
            lines,
        }
    }
}

/// A comment, and the first of the origins that it names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comment {
    pub text: String,
    pub first: Origin,
}

/// The comments on origins. Those on neighbouring lines are one, and those on lines
/// of one file share a comment of up to `width` columns.
pub(super) fn comments(origins: &[Origin], files: &[String], width: usize) -> Vec<Comment> {
    let mut comments: Vec<Comment> = Vec::new();
    // The file and lines that the last comment ends with, and how long it was before.
    let mut open: Option<(FileId, [usize; 2], usize)> = None;
    for origin in origins {
        let file = files.get(origin.file.0 as usize).map_or("", String::as_str);
        let (before, lines) = match (comments.last_mut(), open) {
            (Some(comment), Some((of, [first, last], before))) if of == origin.file => {
                let [next, end] = origin.lines;
                match (first..=last + 1).contains(&next) {
                    true => {
                        comment.text.truncate(before);
                        (before, [first, end.max(last)])
                    }
                    false => (comment.text.len(), origin.lines),
                }
            }
            _ => {
                comments.push(Comment {
                    text: file.to_owned(),
                    first: *origin,
                });
                (file.len(), origin.lines)
            }
        };
        let Some(comment) = comments.last_mut() else {
            continue;
        };
        let shown = shown(lines);
        let mark = if before == file.len() { ":" } else { ", " };
        if before == file.len() || before + mark.len() + shown.len() <= width {
            comment.text.push_str(mark);
            comment.text.push_str(&shown);
            open = Some((origin.file, lines, before));
        } else {
            comments.push(Comment {
                text: format!("{file}:{shown}"),
                first: *origin,
            });
            open = Some((origin.file, lines, file.len()));
        }
    }
    comments
}

/// `12`, or `12-14`.
pub fn shown([first, last]: [usize; 2]) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(of: &[(u32, usize, usize)]) -> Vec<Origin> {
        let origin = |(at, &(file, first, last))| Origin {
            at: StatementId(at),
            file: FileId(file),
            lines: [first, last],
        };
        (0..).zip(of).map(origin).collect()
    }

    fn texts(of: &[(u32, usize, usize)], width: usize) -> Vec<String> {
        let files = ["rc".to_owned(), "a:b c.rc".to_owned()];
        let comments = comments(&origins(of), &files, width);
        comments.into_iter().map(|comment| comment.text).collect()
    }

    #[test]
    fn lines_of_one_file_share_a_comment() {
        let rules = [
            (0, 1, 3),
            (0, 5, 7),
            (0, 8, 8),
            (0, 12, 12),
            (1, 1, 1),
            (0, 2, 2),
        ];
        let expected = ["rc:1-3, 5-8, 12", "a:b c.rc:1", "rc:2"];
        assert_eq!(texts(&rules, 70), expected);
    }

    #[test]
    fn a_block_and_what_it_holds_are_one() {
        assert_eq!(texts(&[(0, 4, 6), (0, 6, 9), (0, 8, 8)], 70), ["rc:4-9"]);
        assert_eq!(texts(&[(0, 4, 6), (0, 1, 2)], 70), ["rc:4-6, 1-2"]);
    }

    #[test]
    fn long_comments_go_on_below() {
        let rules = [(0, 1, 3), (0, 5, 7), (0, 9, 11), (0, 12, 13), (0, 20, 20)];
        assert_eq!(texts(&rules, 11), ["rc:1-3, 5-7", "rc:9-13, 20"]);
        assert_eq!(texts(&rules, 1), ["rc:1-3", "rc:5-7", "rc:9-13", "rc:20"]);
        let all = origins(&rules);
        let firsts = comments(&all, &["rc".to_owned()], 11);
        assert_eq!([all[0], all[2]], [firsts[0].first, firsts[1].first]);
    }
}
