//! Rules as people write them, for measuring.

use std::fmt::Write;

/// The rules of most people.
pub const SMALL: &str = "\
MAILDIR=$HOME/Mail
LOGFILE=$HOME/procmail.log

:0:
* ^List-Id:.*rust-users
lists/rust

:0
* ^Subject:.*\\[SPAM\\]
/dev/null

:0 c
* ^From:.*boss@example\\.org
! joe@phone.example
";

/// Those of one person with very many: 6,500 lines, 900 recipes.
pub fn large() -> String {
    let mut text = String::from("MAILDIR=$HOME/Mail\nLISTS=lists\nME=joe@example\\.org\n\n");
    for n in 0..900 {
        let _ = match n % 6 {
            0 => write!(
                text,
                "# A list that I read at times.\n#\n:0:\n* ^List-Id:.*list{n}\\.example\n* ! ^Subject:.*digest\n$LISTS/list{n}\n\n"
            ),
            1 => write!(
                text,
                "# From someone, to me alone.\n:0\n* ^From:.*person{n}@example\\.(org|net)\n* $ ^TO_$ME\npeople/{n}/\n\n"
            ),
            2 => write!(
                text,
                "# Kept here, and sent on.\n:0 c\n* ^Subject:.*(ticket|report) {n}\n* < 100000\n! other{n}@example.org\n\n"
            ),
            3 => write!(
                text,
                ":0\n* ^Sender: owner-group{n}@\n{{\n  :0 c\n  copies/group{n}\n\n  :0\n  group{n}\n}}\n\n"
            ),
            4 => write!(
                text,
                "# Several ways to say so.\n:0:\n* ^TO_(alpha|beta|gamma)-{n}@\n* ^X-Mailer:.*robot\n* ! ^X-Loop: joe\nrobots\n\n"
            ),
            _ => write!(
                text,
                "# No more of this.\n:0\n* ^Subject:.*offer {n}\n* ^From:.*@shop{n}\\.example\n/dev/null\n\n"
            ),
        };
    }
    text
}
