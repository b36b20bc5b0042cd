//! In: a time, and a format of strftime(3). Out: what date(1) prints.

use crate::rules::program::calendar::{DAYS, MONTHS};
use mail_parser::DateTime;

/// The time in the form that a format asks for; nothing where it asks for more
/// than is known here.
pub fn format(seconds: i64, format: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => text.push_str(&conversion(seconds, rest.next()?)?),
            c => text.push(c),
        }
    }
    Some(text)
}

/// The time as asctime(3) has it, without a line end.
pub fn asctime(seconds: i64) -> String {
    format(seconds, "%a %b %e %H:%M:%S %Y").unwrap_or_default()
}

fn conversion(seconds: i64, letter: char) -> Option<String> {
    const DAY: i64 = 24 * 60 * 60;
    let now = DateTime::from_timestamp(seconds);
    let (year, month, day) = (now.year, i64::from(now.month), now.day);
    let (hour, minute, second) = (i64::from(now.hour), now.minute, now.second);
    let weekday = i64::from(now.day_of_week());
    let new_year = DateTime {
        month: 1,
        day: 1,
        ..now
    };
    let day_of_year = seconds.saturating_sub(new_year.to_timestamp()) / DAY;
    let name = |names: &[&'static str], at: i64| names.get(usize::try_from(at).ok()?).copied();
    let short = |name: &str| name.get(..3).map(str::to_owned);
    let part = |format: &str| self::format(seconds, format);
    let number = |number: i64| Some(format!("{number:02}"));
    match letter {
        'Y' => Some(year.to_string()),
        'y' => number(i64::from(year % 100)),
        'C' => number(i64::from(year / 100)),
        'm' => number(month),
        'd' => number(i64::from(day)),
        'e' => Some(format!("{day:2}")),
        'H' => number(hour),
        'k' => Some(format!("{hour:2}")),
        'I' => number((hour + 11) % 12 + 1),
        'M' => number(i64::from(minute)),
        'S' => number(i64::from(second)),
        'p' => Some(if hour < 12 { "AM" } else { "PM" }.to_owned()),
        'j' => Some(format!("{:03}", day_of_year + 1)),
        'u' => Some(((weekday + 6) % 7 + 1).to_string()),
        'w' => Some(weekday.to_string()),
        'U' => number((day_of_year + 7 - weekday) / 7),
        'W' => number((day_of_year + 7 - (weekday + 6) % 7) / 7),
        'a' => short(name(&DAYS, weekday)?),
        'A' => name(&DAYS, weekday).map(str::to_owned),
        'b' | 'h' => short(name(&MONTHS, month - 1)?),
        'B' => name(&MONTHS, month - 1).map(str::to_owned),
        's' => Some(seconds.to_string()),
        'D' | 'x' => part("%m/%d/%y"),
        'F' => part("%Y-%m-%d"),
        'T' | 'X' => part("%H:%M:%S"),
        'R' => part("%H:%M"),
        'Z' => Some("UTC".to_owned()),
        'z' => Some("+0000".to_owned()),
        'n' => Some("\n".to_owned()),
        't' => Some("\t".to_owned()),
        '%' => Some("%".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed() {
        assert_eq!(asctime(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(asctime(951_782_400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(
            format(1_735_689_599, "%F %T %j %U %W %y").as_deref(),
            Some("2024-12-31 23:59:59 366 52 53 24")
        );
        assert_eq!(format(0, "%Q"), None);
    }
}
