//! In: the comments of a command, or a comment of a script. Out: the lines of
//! the rule files that they name: `.procmailrc:12-14, 16-18`.

/// Lines of a rule file, as a comment names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin<'s> {
    /// The file.
    pub file: &'s str,
    /// First and last line, from 1.
    pub lines: [usize; 2],
}

impl<'s> Origin<'s> {
    /// Reads `file:12` or `file:12-14`.
    pub fn parse(text: &'s str) -> Option<Self> {
        let (file, lines) = text.rsplit_once(':')?;
        Self::of(file, lines)
    }

    /// Reads `file:12-14, 16`; none where that is anything else.
    pub fn parse_all(text: &'s str) -> Vec<Self> {
        let origins = text.rsplit_once(':').and_then(|(file, lines)| {
            let each = lines.split(", ");
            each.map(|lines| Self::of(file, lines)).collect()
        });
        origins.unwrap_or_default()
    }

    fn of(file: &'s str, lines: &str) -> Option<Self> {
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_plain)
        };
        let lines = [number(first)?, number(last)?];
        (!file.is_empty() && lines[0] <= lines[1]).then_some(Origin { file, lines })
    }
}

/// The comments of a command, where those that name neighbouring lines are one,
/// and those that name lines of one file share a line of up to `width` columns.
pub(super) fn joined(comments: &[String], width: usize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    // What the last text names, and how long it was before its last lines.
    let mut open: Option<(Origin, usize)> = None;
    for comment in comments {
        let origin = Origin::parse(comment);
        let (text, before, lines) = match (texts.last_mut(), &open, &origin) {
            (Some(text), Some((last, before)), Some(next)) if last.file == next.file => {
                let [first, end] = last.lines;
                if (first..=end + 1).contains(&next.lines[0]) {
                    (text, *before, [first, end.max(next.lines[1])])
                } else {
                    let before = text.len();
                    (text, before, next.lines)
                }
            }
            _ => {
                texts.push(comment.clone());
                open = origin.map(|origin| {
                    let before = origin.file.len();
                    (origin, before)
                });
                continue;
            }
        };
        let Some(Origin { file, .. }) = origin else {
            continue;
        };
        let shown = shown(lines);
        let mark = if before == file.len() { ":" } else { ", " };
        if before == file.len() || before + mark.len() + shown.len() <= width {
            text.truncate(before);
            text.push_str(mark);
            text.push_str(&shown);
            open = Some((Origin { file, lines }, before));
        } else {
            text.truncate(before);
            texts.push(format!("{file}:{shown}"));
            open = Some((Origin { file, lines }, file.len()));
        }
    }
    texts
}

/// `12`, or `12-14`.
fn shown([first, last]: [usize; 2]) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(comments: &[&str], width: usize) -> Vec<String> {
        let comments: Vec<String> = comments.iter().map(|&text| text.into()).collect();
        joined(&comments, width)
    }

    #[test]
    fn names_of_files_may_hold_anything() {
        let origin = Origin::parse("a:b c.rc:3-10");
        assert_eq!(
            origin.map(|o| (o.file, o.lines)),
            Some(("a:b c.rc", [3, 10]))
        );
        for text in ["rc", "rc:", ":3", "rc:3-", "rc:+3", "rc:4-3", "rc:x"] {
            assert_eq!(Origin::parse(text), None, "{text}");
            assert_eq!(Origin::parse_all(text), [], "{text}");
        }
        assert_eq!(Origin::parse_all("rc:3, x"), []);
    }

    #[test]
    fn lines_of_one_file_share_a_comment() {
        let rules = [
            "rc:1-3", "rc:5-7", "rc:8", "rc:12", "other", "other:1", "rc:2",
        ];
        let expected = ["rc:1-3, 5-8, 12", "other", "other:1", "rc:2"];
        assert_eq!(join(&rules, 70), expected);
        let all = Origin::parse_all("rc:1-3, 5-8, 12");
        let lines: Vec<_> = all.iter().map(|origin| origin.lines).collect();
        assert_eq!(lines, [[1, 3], [5, 8], [12, 12]]);
    }

    #[test]
    fn a_block_and_what_it_holds_are_one() {
        assert_eq!(join(&["rc:4-6", "rc:6-9", "rc:8"], 70), ["rc:4-9"]);
        assert_eq!(join(&["rc:4-6", "rc:1-2"], 70), ["rc:4-6, 1-2"]);
    }

    #[test]
    fn long_comments_go_on_below() {
        let rules = ["rc:1-3", "rc:5-7", "rc:9-11", "rc:12-13", "rc:20"];
        assert_eq!(join(&rules, 11), ["rc:1-3, 5-7", "rc:9-13, 20"]);
        assert_eq!(join(&rules, 1), ["rc:1-3", "rc:5-7", "rc:9-13", "rc:20"]);
    }
}
