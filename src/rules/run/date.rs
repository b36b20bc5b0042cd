//! In: a time, and a format of strftime(3). Out: what date(1) prints.

use crate::rules::program::calendar::{DAYS, MONTHS};

/// A moment in the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    /// From 0.
    day_of_year: i64,
    /// 0 is Sunday.
    weekday: i64,
    second: i64,
    seconds: i64,
}

impl Moment {
    /// From the seconds since 1970.
    fn new(seconds: i64) -> Self {
        const DAY: i64 = 24 * 60 * 60;
        let days = seconds.div_euclid(DAY);
        // Days since 1 March of the year 0; years end with February.
        let since = days + 719_468;
        let era = since.div_euclid(146_097);
        let day_of_era = since.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let before_march = 59 + i64::from(is_leap);
        Moment {
            year,
            month,
            day: day - (153 * shifted + 2) / 5 + 1,
            day_of_year: match month {
                1 | 2 => day - 306,
                _ => day + before_march,
            },
            weekday: (days + 4).rem_euclid(7),
            second: seconds.rem_euclid(DAY),
            seconds,
        }
    }
}

/// The time in the form that a format asks for; nothing where it asks for more
/// than is known here.
pub fn format(seconds: i64, format: &str) -> Option<String> {
    let moment = Moment::new(seconds);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => text.push_str(&conversion(&moment, rest.next()?)?),
            c => text.push(c),
        }
    }
    Some(text)
}

/// The time as asctime(3) has it, without a line end.
pub fn asctime(seconds: i64) -> String {
    format(seconds, "%a %b %e %H:%M:%S %Y").unwrap_or_default()
}

fn conversion(moment: &Moment, letter: char) -> Option<String> {
    let Moment {
        year,
        month,
        day,
        day_of_year,
        weekday,
        second,
        seconds,
    } = *moment;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let name = |names: &[&'static str], at: i64| names.get(usize::try_from(at).ok()?).copied();
    let short = |name: &str| name.get(..3).map(str::to_owned);
    let part = |format: &str| self::format(seconds, format);
    let number = |number: i64| Some(format!("{number:02}"));
    match letter {
        'Y' => Some(year.to_string()),
        'y' => number(year.rem_euclid(100)),
        'C' => number(year.div_euclid(100)),
        'm' => number(month),
        'd' => number(day),
        'e' => Some(format!("{day:2}")),
        'H' => number(hour),
        'k' => Some(format!("{hour:2}")),
        'I' => number((hour + 11) % 12 + 1),
        'M' => number(minute),
        'S' => number(second % 60),
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
