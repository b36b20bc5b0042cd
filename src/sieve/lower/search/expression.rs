//! In: an expression of grep, basic or extended. Out: the same in procmail's
//! dialect, where it says the same there.

/// An expression of grep, taken apart at its ends.
pub(super) struct GrepLine {
    /// `^` in front.
    from_start: bool,
    /// `$` behind.
    to_end: bool,
    /// What is between, in procmail's dialect.
    text: String,
}

impl GrepLine {
    pub(super) fn read(text: &str, is_extended: bool) -> Option<Self> {
        let (from_start, rest) = match text.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (to_end, rest) = match rest.strip_suffix('$') {
            Some(rest) if !rest.ends_with('\\') => (true, rest),
            _ => (false, rest),
        };
        // grep leaves out what there is nothing to repeat of.
        if is_extended && rest.starts_with(['+', '?', '*', '{']) {
            return None;
        }
        let text = of_procmail(rest, is_extended)?;
        let text = match has_choice(&text) {
            // An anchor would be one of the first or the last way alone.
            true if from_start || to_end => return None,
            true => format!("({text})"),
            false => text,
        };
        Some(GrepLine {
            from_start,
            to_end,
            text,
        })
    }

    /// Behind the colon of a field; untrimmed, a line begins with the blank.
    /// `None` where it asks for a blank that is not there.
    pub(super) fn in_field(&self, is_trimmed: bool) -> Option<String> {
        let set = self
            .text
            .strip_prefix('[')
            .and_then(|set| set.split(']').next());
        let asks_for_blank = self.text.starts_with([' ', '\t', '('])
            || self.text.starts_with('.') && !self.text.starts_with(".*")
            || set.is_some_and(|set| set.starts_with('^') || set.contains([' ', '\t']));
        let start = match (self.from_start, is_trimmed) {
            (false, _) => ".*",
            (true, true) if asks_for_blank => return None,
            (true, true) => "[ \t]*",
            (true, false) => "",
        };
        Some(format!("{start}{}{}", self.text, self.end()))
    }

    pub(super) fn in_text(&self) -> String {
        let start = if self.from_start { "^" } else { "" };
        format!("{start}{}{}", self.text, self.end())
    }

    fn end(&self) -> &'static str {
        if self.to_end { "$" } else { "" }
    }
}

/// Whether an expression is one of several ways as a whole.
fn has_choice(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '[' => {
                signs.next_if_eq(&'^');
                // The first sign is a member, whatever it is.
                signs.next();
                signs.by_ref().find(|sign| *sign == ']');
            }
            '\\' => {
                signs.next();
            }
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// The most copies that a count is written as, and the longest they may be.
const MOST_COPIES: usize = 32;
const LONGEST: usize = 2048;

/// An expression of grep in procmail's dialect, where it says the same there: no
/// anchors, back references, or escapes of letters.
fn of_procmail(text: &str, is_extended: bool) -> Option<String> {
    let mut out = String::new();
    // Where what can be repeated begins, whether it is already, and the groups that
    // are open.
    let mut last: Option<usize> = None;
    let mut is_repeated = false;
    let mut groups = Vec::new();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let (sign, is_escaped) = match sign {
            '\\' => (signs.next()?, true),
            sign => (sign, false),
        };
        let begin = out.len();
        let is_operator = "+?|(){}".contains(sign) && is_escaped != is_extended;
        match sign {
            '^' | '$' if !is_escaped => return None,
            '{' if is_operator => {
                let rest: String = signs.clone().collect();
                let (count, _) = rest.split_once(if is_extended { "}" } else { "\\}" })?;
                signs.nth(count.chars().count() + usize::from(!is_extended));
                let part = out.split_off(last?);
                out.push_str(&copies(&part, count)?);
                is_repeated = false;
                continue;
            }
            '}' if is_operator => return None,
            '*' | '+' | '?' if is_operator || sign == '*' && !is_escaped => {
                // At the beginning, each reads it as it likes.
                let from = last?;
                if is_repeated {
                    out.insert(from, '(');
                    out.push(')');
                }
                out.push(sign);
                is_repeated = true;
                continue;
            }
            '|' if is_operator => {
                out.push(sign);
                last = None;
                continue;
            }
            '(' if is_operator => {
                out.push(sign);
                groups.push(begin);
                last = None;
                continue;
            }
            ')' if is_operator => {
                out.push(sign);
                last = Some(groups.pop()?);
                is_repeated = false;
                continue;
            }
            '[' if !is_escaped => set(&mut signs, &mut out)?,
            // With the backslash, procmail's mark.
            '/' => out.push('/'),
            sign if is_escaped && (sign.is_ascii_alphanumeric() || "<>`'".contains(sign)) => {
                return None;
            }
            sign if is_escaped || "+?|(){}".contains(sign) => out.extend(['\\', sign]),
            sign => out.push(sign),
        }
        last = Some(begin);
        is_repeated = false;
    }
    // grep refuses what is not closed.
    groups.is_empty().then_some(out)
}

/// What a count makes of a part: `{2}`, `{2,}`, `{2,4}`.
fn copies(part: &str, count: &str) -> Option<String> {
    let (least, most) = match count.split_once(',') {
        None => (count, Some(count)),
        Some((least, "")) => (least, None),
        Some((least, most)) => (least, Some(most)),
    };
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<usize>().ok().filter(|_| digits)
    };
    let least = number(least)?;
    let most = most.map(number);
    let copies = most.flatten().unwrap_or(least).max(least);
    if copies > MOST_COPIES || part.len() * copies > LONGEST {
        return None;
    }
    let more = match most {
        None => format!("{part}*"),
        Some(most) => {
            let optional = most?.checked_sub(least)?;
            format!("({part}").repeat(optional) + &")?".repeat(optional)
        }
    };
    Some(format!("({}{more})", part.repeat(least)))
}

/// A set, behind its first bracket.
fn set(signs: &mut std::iter::Peekable<std::str::Chars>, out: &mut String) -> Option<()> {
    out.push('[');
    // The first sign is a member, whatever it is.
    for at in 0.. {
        let member = signs.next()?;
        if member == '[' && signs.next_if_eq(&':').is_some() {
            let name: String = signs.by_ref().take_while(|sign| *sign != ':').collect();
            signs.next_if_eq(&']')?;
            out.push_str(named(&name)?);
            continue;
        }
        if member == '[' || member == '\\' {
            return None;
        }
        out.push(member);
        let is_first = at == 0 || at == 1 && out.ends_with("[^]");
        if member == ']' && !is_first {
            break;
        }
    }
    Some(())
}

/// The members of a set that has a name.
fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => "a-zA-Z",
        "alnum" => "a-zA-Z0-9",
        "digit" => "0-9",
        "lower" => "a-z",
        "upper" => "A-Z",
        "space" | "blank" => " \t",
        "xdigit" => "0-9a-fA-F",
        _ => return None,
    })
}
