//! In: an expression of sed (POSIX, basic or extended). Out: the ways to take a
//! line apart that its replacement comes to.

use crate::rules::program::printed::signs::{Signs, escaped};
use crate::rules::program::{New, Shape, TextEdit, Way};

/// A part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Sign(char),
    /// `.`, or `.*`.
    Any {
        star: bool,
    },
    Set {
        set: Signs,
        star: bool,
    },
    /// `\(`.
    Open,
    /// `\)`.
    Close,
}

/// An expression.
#[derive(Debug, Default)]
pub(super) struct Expression {
    from_start: bool,
    atoms: Vec<Atom>,
    to_end: bool,
    pub(super) groups: usize,
}

impl Expression {
    pub(super) fn of(text: &str, is_extended: bool) -> Option<Self> {
        let mut expression = Expression::default();
        let mut open = 0;
        let mut rest = match text.strip_prefix('^') {
            Some(rest) => {
                expression.from_start = true;
                rest
            }
            None => text,
        };
        while let Some(sign) = rest.chars().next() {
            let behind = rest.get(sign.len_utf8()..)?;
            let (atom, behind) = match sign {
                '$' if behind.is_empty() => {
                    expression.to_end = true;
                    break;
                }
                '[' => {
                    let (set, behind) = Signs::of_bracket(behind)?;
                    (Atom::Set { set, star: false }, behind)
                }
                '.' => (Atom::Any { star: false }, behind),
                '(' if is_extended => (Atom::Open, behind),
                ')' if is_extended => (Atom::Close, behind),
                '*' | '^' | '$' => return None,
                '+' | '?' | '|' | '{' if is_extended => return None,
                '\\' => {
                    let escaped = behind.chars().next()?;
                    let behind = behind.get(escaped.len_utf8()..)?;
                    let atom = match escaped {
                        '(' if !is_extended => Atom::Open,
                        ')' if !is_extended => Atom::Close,
                        '+' | '?' | '|' | '{' | '}' if !is_extended => return None,
                        c if c.is_ascii_alphanumeric() || "<>`'\n".contains(c) => return None,
                        c => Atom::Sign(c),
                    };
                    (atom, behind)
                }
                sign => (Atom::Sign(sign), behind),
            };
            let plus = if is_extended { "+" } else { "\\+" };
            let (star, behind) = match (behind.strip_prefix('*'), behind.strip_prefix(plus)) {
                (Some(behind), _) => (true, behind),
                // One, and then any number.
                (None, Some(behind)) if !matches!(atom, Atom::Open | Atom::Close) => {
                    expression.atoms.push(atom.clone());
                    (true, behind)
                }
                (None, _) => (false, behind),
            };
            let (atom, behind) = match star {
                false => (atom, behind),
                true => (
                    match atom {
                        Atom::Any { .. } => Atom::Any { star: true },
                        Atom::Set { set, .. } => Atom::Set { set, star: true },
                        Atom::Sign(sign) => Atom::Set {
                            set: Signs::one(sign),
                            star: true,
                        },
                        Atom::Open | Atom::Close => return None,
                    },
                    behind,
                ),
            };
            match atom {
                Atom::Open => {
                    expression.groups += 1;
                    open += 1;
                }
                Atom::Close if open == 0 => return None,
                Atom::Close => open -= 1,
                Atom::Set { ref set, .. } if !set.is_ascii() => return None,
                _ => {}
            }
            expression.atoms.push(atom);
            rest = behind;
        }
        let is_something = !expression.atoms.is_empty();
        (is_something && open == 0 && expression.groups < 8).then_some(expression)
    }

    /// A match that begins at the first sign of a set, or the blanks in front of
    /// it: `s/ *(.*)//`. What follows is found behind the first where it is found
    /// behind any.
    fn first(&self, new: &str) -> Option<Way> {
        let (before, atoms) = match self.atoms.as_slice() {
            [Atom::Set { set, star: true }, rest @ ..] => (Some(set), rest),
            atoms => (None, atoms),
        };
        let (first, rest) = match atoms.split_first()? {
            (Atom::Sign(sign), rest) => (Signs::one(*sign), rest),
            (Atom::Set { set, star: false }, rest) => (set.clone(), rest),
            _ => return None,
        };
        if !first.is_ascii() {
            return None;
        }
        let rest = match rest {
            [] if !self.to_end => "(.*)".to_owned(),
            [] => return None,
            [Atom::Any { star: true }] => ".*".to_owned(),
            [Atom::Any { star: true }, rest @ ..] => {
                let rest: String = plain(rest)?.chars().map(escaped).collect();
                match self.to_end {
                    true => format!(".*{rest}"),
                    false => format!(".*{rest}(.*)"),
                }
            }
            _ => return None,
        };
        let not_first = first.complement().written()?;
        let (front, behind) = match before {
            None => (format!("({not_first}*)"), 2),
            Some(set) => {
                let neither = first.union(set)?.complement().written()?;
                let front = format!("(({not_first}*{neither})?){}*", set.written()?);
                (front, 3)
            }
        };
        let mut parts = vec![New::Group(1), New::Text(new.to_owned())];
        if rest.ends_with("(.*)") {
            parts.push(New::Group(behind));
        }
        let regex = format!("^{front}{}{rest}$", first.written()?);
        Some(Way::new(Shape::Regex(regex), parts))
    }

    /// Whether the one match is at the beginning of the line, also where it could begin
    /// anywhere; `all` matches are looked for, or the first.
    pub(super) fn begins(&self, all: bool) -> bool {
        let first = self.atoms.iter().find(|atom| **atom != Atom::Open);
        let is_nullable = |atom: &Atom| match atom {
            Atom::Any { star } | Atom::Set { star, .. } => *star,
            Atom::Open | Atom::Close => true,
            Atom::Sign(_) => false,
        };
        self.from_start
            || first == Some(&Atom::Any { star: true })
            || !self.to_end && self.atoms.iter().all(is_nullable) && (!all || self.ends())
    }

    /// Whether a match goes on to the end of the line.
    pub(super) fn ends(&self) -> bool {
        self.to_end || self.atoms.last() == Some(&Atom::Any { star: true })
    }

    /// `s/a/b/g`, of single signs, and of signs in a row: `s/  */ /g`.
    pub(super) fn everywhere(&self, new: &str) -> Option<Vec<TextEdit>> {
        match self.atoms.as_slice() {
            [Atom::Sign(sign)] => Signs::one(*sign).replaced(new),
            [Atom::Set { set, star: false }] => set.replaced(new),
            [first, Atom::Set { set, star: true }] => {
                let first = match first {
                    Atom::Sign(sign) => Signs::one(*sign),
                    Atom::Set { set, star: false } => set.clone(),
                    _ => return None,
                };
                let is_row = first == *set && set.is_ascii();
                is_row.then(|| set.rows_replaced(new)).flatten()
            }
            _ => None,
        }
    }

    /// The first match, which begins anywhere but at a beginning that is asked for.
    pub(super) fn somewhere(&self, new: &str) -> Option<Way> {
        let (last, inner) = self.atoms.split_last()?;
        let to_rest = *last == Atom::Any { star: true };
        let fixed = if to_rest {
            inner
        } else {
            self.atoms.as_slice()
        };
        let front = [New::Group(1), New::Text(new.to_owned())];
        match (plain(fixed), fixed) {
            (Some(text), _) if to_rest => {
                let around = vec![String::new(), text, String::new()];
                Some(Way::new(Shape::Glob(around), front))
            }
            (Some(text), _) if self.to_end => {
                Some(Way::new(Shape::Glob(vec![String::new(), text]), front))
            }
            (Some(text), _) => Some(Way::replacing(&text, new)),
            // `s/[ ]*$//`
            (None, [Atom::Set { set, star: true }]) if self.to_end && !to_rest => {
                let others = set.complement().written()?;
                let regex = format!("^(.*{others})?{}*$", set.written()?);
                Some(Way::new(Shape::Regex(regex), front))
            }
            (None, _) => self.first(new),
        }
    }

    /// A match that begins with the line: as long as it can be, and what is left
    /// behind it.
    pub(super) fn whole(&self, mut new: Vec<New>) -> Option<Way> {
        let mut regex = "^".to_owned();
        for atom in &self.atoms {
            match atom {
                Atom::Sign(sign) => regex.push_str(&escaped(*sign)),
                Atom::Any { star: false } => regex.push('.'),
                Atom::Any { star: true } => regex.push_str(".*"),
                Atom::Set { set, star } => {
                    regex.push_str(&set.written()?);
                    regex.push_str(if *star { "*" } else { "" });
                }
                Atom::Open => regex.push('('),
                Atom::Close => regex.push(')'),
            }
        }
        if !self.ends() {
            regex.push_str("(.*)");
            new.push(New::Group(self.groups + 1));
        }
        regex.push('$');
        Some(Way {
            shape: Shape::Regex(regex),
            new,
        })
    }
}

/// The signs of atoms that are nothing else, one at least.
fn plain(atoms: &[Atom]) -> Option<String> {
    let sign = |atom: &Atom| match atom {
        Atom::Sign(sign) => Some(*sign),
        _ => None,
    };
    let text: String = atoms.iter().map(sign).collect::<Option<_>>()?;
    (!text.is_empty()).then_some(text)
}
