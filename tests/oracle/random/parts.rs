//! The words of random rules: lines, flags, conditions, actions.

use super::Action;
use proptest::prelude::*;
use proptest::sample::select;

/// Reads the second file.
pub const INCLUDE: &str = "INCLUDERC=shared.rc";
/// Reads it again, with another value.
pub const INCLUDE_AGAIN: &str = "VAR=bar\nINCLUDERC=$HOME/shared.rc";
/// Lets the third file take over.
pub const SWITCH: &str = "SWITCHRC=$HOME/other.rc";

/// What may stand between the conditions of a recipe.
pub const COMMENTS: &[&str] = &["# a comment", "", "   # another one, indented"];

/// Lines that are no recipe.
pub fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => select(ASSIGNMENTS),
        2 => select(SETTINGS),
        1 => select(ODD),
    ]
    .prop_map(str::to_string)
}

/// Variables that rules ask for.
const ASSIGNMENTS: &[&str] = &[
    "VAR=foo",
    "VAR=\"list|bar\"",
    "VAR",
    "VAR=",
    "VAR = hello",
    "VAR='a b'",
    "VAR=\"a b\" # a note",
    "VAR=a b c",
    "VAR=foo#bar",
    "VAR=$WORD",
    "VAR=\"$VAR-$WORD\"",
    "VAR=${MATCH}",
    "VAR=$MATCH",
    "WORD=$MATCH",
    "WORD=${VAR:-hello}",
    "WORD=${VAR-hello}",
    "WORD=${VAR:+list}",
    "WORD=${NEVER:+list}",
    "WORD=${VAR:-$MATCH}",
    "WORD=x.y",
    "VAR=`echo foo`",
    "VAR=`echo $WORD`",
    "VAR=`formail -xSubject:`",
    "VAR=`formail -x Subject`",
    "VAR=`formail -zx From:`",
    "WORD=`formail -xX-Loop:`",
    "WORD=`date +%Y-%m`",
    "WORD=`echo $VAR | tr A-Z a-z`",
    "WORD=`echo \"$MATCH\" | tr 'A-Z' 'a-z'`",
    "WORD=`echo $MATCH | tr o 0`",
    "VAR=`echo \"$VAR\" | tr -d 'f]'`",
    "WORD=`echo \"$VAR\" | sed 's/-l$//'`",
    "WORD=`echo $MATCH | sed -e 's/o.*//'`",
    "VAR=`echo \"$MATCH\" | sed -e 's/^[fb]//;s/o/0/'`",
    "VAR=`echo \"$WORD\" | sed 's/\\(.*\\)o\\(.*\\)/\\2-\\1/'`",
    "WORD=`echo $VAR | cut -d- -f1`",
    "VAR=`formail -zxFrom: | sed 's/.*<//;s/>.*//' | cut -d@ -f2`",
    "VAR=`formail -rtzxTo:`",
    "WORD=`formail -rx To:`",
    "VAR=fo\\\no",
    "VAR=foo WORD=bar",
];

/// Settings of procmail.
const SETTINGS: &[&str] = &[
    "SHELL=/bin/sh",
    "PATH=/usr/bin:/bin",
    "DEFAULT=$HOME/inbox",
    "DEFAULT=$HOME/Maildir/",
    "DEFAULT=/var/mail/u",
    "ORGMAIL=$HOME/org",
    "MAILDIR=$HOME/Mail",
    "MAILDIR=$HOME",
    "LOGABSTRACT=all",
    "LOGFILE=$HOME/log",
    "LOG=\"a line\n\"",
    "VERBOSE=yes",
    "LOCKFILE=$HOME/all.lock",
    "LOCKFILE",
    "UMASK=077",
    "COMSAT=no",
    "TIMEOUT=60",
    "LINEBUF=4096",
    "SENDMAIL=/usr/sbin/sendmail",
    "EXITCODE=67",
    "EXITCODE=0",
    "EXITCODE=75",
    "EXITCODE",
    "HOST",
    "HOST=elsewhere",
    "TRAP=\"echo done\"",
    "TRAP",
    "INCLUDERC=missing.rc",
    "SWITCHRC=missing.rc",
    "DROPPRIVS=yes",
];

/// What is no statement, or an odd one.
const ODD: &[&str] = &[
    "# a comment",
    "",
    "#:0\n#* ^Subject:.*foo\n#one",
    "WORD",
    ":0\n* ^Subject:.*hello\n\n:0 c\n# no action",
    ":1\n^Subject:.*foo\none",
    ":\n^Subject:.*bar\ntwo",
    ":0 h c\n/dev/null",
    "this is no rule",
];

/// What stands behind `:0`.
pub fn flags() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just(""),
        2 => Just(":"),
        6 => select(&[
            " c", " c:", "c", " B", " D", " HB", " H", " E", "E", " A", " a", " e", " h", " b",
            " hb", " W", " w", " i", " Ec", " BD", " Ac", " ac", " AE", " Ae", " HBD", " BE",
            ":x.lock", " cW: x.lock", ": # a note", " c # a note", " E:", " r",
        ][..]),
    ]
}

/// What a recipe does, where no program is in it.
pub fn action() -> BoxedStrategy<Action> {
    prop_oneof![
        6 => select(&[
            "one", "two", "three", "four", "five/", "six/.", "$HOME/seven", "eight # note",
            "Mail/nine", "${HOME}/ten", "\"eleven\"", "  one", "one two",
        ][..]),
        1 => select(&["five/ six/", "six/. five/"][..]),
        2 => Just("/dev/null"),
        2 => select(&[
            "! a@example.com", "! a@example.com b@example.net", "! other@example.org",
            "!a@example.com", "! a@example.com, c@example.com", "! -oi a@example.com",
            "! someone", "! $WORD@example.com",
        ][..]),
        1 => select(&[
            "in-$VAR", "${WORD:-nine}", "$DEFAULT", "$ORGMAIL", "lists/$MATCH", "dirs/$MATCH/",
            "\"$VAR\"", "in/${VAR}", "$MAILDIR/one", "in-`date +%Y`", "$VAR", "${NEVER:-dir}/", "$NEVER/",
        ][..]),
        1 => select(&[
            "{ }", "{ VAR=foo }", "{ VAR=hello }", "{ WORD=$MATCH }", "{ EXITCODE=67 HOST }",
            "{ DEFAULT=$HOME/inbox }", "{ VAR }", "{ HOST }", "{ SWITCHRC=missing.rc }",
            "{\n  LOG=\"seen \"\n  VAR=bar\n}",
        ][..]),
        1 => select(&[
            "{ SWITCHRC }", "{\n  VAR=bar\n  SWITCHRC\n}", "{\n  WORD=$MATCH\n  SWITCHRC=/dev/null\n}",
        ][..]),
    ]
    .prop_map(|line| Action::Line(line.to_string()))
    .boxed()
}

/// The flags of filters.
const FILTER: &[&str] = &[
    " fw",
    " fhw",
    " f",
    " fW",
    " fwh",
    " Efhw",
    " Afhw",
    "fw: x.lock",
];

/// A filter, with its flags.
fn filter() -> BoxedStrategy<(&'static str, &'static str)> {
    let other = select(
        &[
            "| formail",
            "| formail -c",
            "| cat",
            "| spamc",
            "| /usr/bin/spamassassin",
            "| strange --filter",
        ][..],
    );
    prop_oneof![2 => edit().boxed(), 1 => (select(FILTER), other).boxed()].boxed()
}

/// A filter that changes the header, with its flags.
pub fn edit() -> impl Strategy<Value = (&'static str, &'static str)> {
    let changes = select(
        &[
            "| formail -I \"X-Loop: u@example.org\"",
            "| formail -A \"X-Seen: foo\"",
            "| formail -a \"X-Seen: bar\"",
            "| formail -i \"Subject: hello\"",
            "| formail -I Subject:",
            "| formail -i Subject:",
            "| formail -A X-Seen:",
            "| formail -a X-Seen:",
            "| formail -I \"X-Word: $VAR\"",
            "| formail -I\"X-Word:$VAR\"",
            "| formail -A\"X-Word:$MATCH\"",
            "| formail -a\"X-Word:$WORD\"",
            "| formail -i\"X-Loop:$VAR\"",
            "| formail -I\"Subject: [foo] $MATCH\"",
            "| formail -IX-Spam-Flag: -A'X-Seen: list'",
            "| formail -A'X-Seen: foo' -A'X-Seen: bar'",
            "| formail -R X-Loop: X-Seen:",
            "| formail -u X-Seen: -U X-Loop:",
            "| formail -I\"X-Seen: `echo foo`\"",
            "|formail -bfI \"Reply-To: foo@example.com\"",
        ][..],
    );
    (select(FILTER), changes)
}

/// What sends a copy on, changed.
pub fn edited_copy() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "| formail -A \"X-Loop: u@example.org\" | $SENDMAIL -oi a@example.com",
            "| formail -I \"Subject: hello\" | $SENDMAIL -oi a@example.com",
        ][..],
    )
}

/// A condition that asks for a field that filters change.
pub fn changed() -> impl Strategy<Value = String> {
    let field = select(
        &[
            "X-Loop",
            "X-Seen",
            "X-Word",
            "Subject",
            "Old-Subject",
            "Old-X-Loop",
            "X-Spam-Flag",
            "Reply-To",
            "X-(Seen|Word)",
        ][..],
    );
    let shape = select(
        &[
            "^F:",
            "^F:",
            "! ^F:",
            "^F: W",
            "^F:.*W",
            "^F: W$",
            "^F: *$",
            "^F:.*\\/W",
            "1^1 ^F:",
            "$ ^F: *$VAR",
            "^F: +\\/[a-z]+",
        ][..],
    );
    let word = select(
        &[
            "foo",
            "bar",
            "hello",
            "list",
            "u@example\\.org",
            "\\[foo\\]",
        ][..],
    );
    (shape, field, word).prop_map(|(shape, field, word): (&str, &str, &str)| {
        shape.replace('W', word).replace('F', field)
    })
}

/// A call of a program, with its flags.
pub fn program() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop_oneof![
        4 => filter(),
        2 => (
            select(&[" Wh: msgid.lock", " Whc: msgid.lock", " W", " Wh"][..]),
            select(&["| formail -D 8192 msgid.cache", "| formail -D 16384 $HOME/.msgid"][..]),
        ),
        3 => (
            select(&["", " c", " w", " hc", " cw:"][..]),
            select(&[
                "| $SENDMAIL -oi a@example.com",
                "| /usr/sbin/sendmail b@example.net",
                "| formail -I \"X-Loop: u@example.org\" | $SENDMAIL -oi a@example.com",
                "| (formail -r; echo away) | $SENDMAIL -t",
                "| formail -rk | $SENDMAIL -oi -t",
                "| vacation u",
                "| echo seen",
                "| cat >> one",
                "| strange",
                "| exit 67",
                "| true",
                "| false",
            ][..]),
        ),
        1 => (
            select(&["", " h", " w", " b"][..]),
            select(&["VAR=| formail -xSubject:", "WORD=| echo foo", "VAR=|cat"][..]),
        ),
    ]
}

/// The sizes that are asked for.
pub const LIMITS: &[usize] = &[300, 1000, 5000];

/// A condition without its star.
pub fn condition() -> impl Strategy<Value = String> {
    let plain = expression().boxed();
    prop_oneof![
        10 => plain.clone(),
        3 => (select(&["! ", "!", "! ! "][..]), plain.clone())
            .prop_map(|(not, expression)| format!("{not}{expression}")),
        1 => (select(&["< ", "> ", "<", "! > "][..]), select(LIMITS))
            .prop_map(|(sign, size)| format!("{sign}{size}")),
        1 => word().prop_map(|word| format!("B ?? {word}")),
        1 => plain.clone().prop_map(|expression| format!("H ?? {expression}")),
        1 => plain.clone().prop_map(|expression| format!("HB ?? {expression}")),
        3 => (
            select(&["VAR", "WORD", "MATCH", "VAR", "LASTFOLDER", "EXITCODE"][..]),
            select(&["", "! "][..]),
            value(),
        )
            .prop_map(|(name, not, value)| format!("{name} ?? {not}{value}")),
        1 => field().prop_map(|field| format!("$ ^{field}:.*$VAR")),
        1 => field().prop_map(|field| format!("$ ^{field}:.*$\\VAR")),
        1 => field().prop_map(|field| format!("$ ^{field}:.*${{VAR:-foo}}")),
        1 => field().prop_map(|field| format!("$ ! ^{field}:.*$WORD")),
        1 => select(&[
            "$ $VAR", "$ ${VAR}", "$ VAR ?? $WORD", "$ MATCH ?? ^^$\\WORD^^", "$ > $LIMIT",
            "$ ^TO_$LOGNAME", "$ ^To:.*$LOGNAME@", "$ 1^0 ^Subject:.*$VAR",
        ][..]).prop_map(str::to_string),
        2 => (
            select(&[
                "1^0", "2^0", "-1^0", "9876543210^0", "1^1", "0.5^0", "-5^0", "2^1", "1^.5",
                "1^2", "2147483647^0",
            ][..]),
            plain.clone(),
        )
            .prop_map(|(weight, expression)| format!("{weight} {expression}")),
        1 => select(&["-1^0", "1^0", "-2^0", "-9876543210^0", "9876543210^0", "1^0 > 1000", "-1^1 > 1000", "1^0 ! ^Subject:"][..])
            .prop_map(str::to_string),
        1 => select(&["? true", "? false", "! ? true", "?test -n \"$VAR\"",
            "? test \"$VAR\" = foo", "? formail -xSubject: | grep -q foo", "? strange"][..])
            .prop_map(str::to_string),
        1 => Just(String::new()),
        1 => (plain.clone(), word())
            .prop_map(|(expression, word)| format!("{expression}\\\n|{word}")),
    ]
}

/// What a variable's value is held against.
fn value() -> impl Strategy<Value = &'static str> {
    select(
        &[
            ".",
            "^^^^",
            "^foo",
            "^^foo^^",
            "foo$",
            "ba",
            "(hello|list)",
            "[a-z]+",
            "^hello$",
            "\\/[a-z]+",
            "^ *foo",
            "x\\.y",
            "one",
        ][..],
    )
}

fn field() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "Subject",
            "Subject",
            "From",
            "To",
            "Cc",
            "X-Loop",
            "X-Seen",
            "X-Word",
            "List-Id",
            "Sender",
            "X-Spam-Flag",
            "(To|Cc)",
            "(From|Sender|Reply-To)",
            "Received",
            "subject",
            "X-.*",
            "Resent-From",
        ][..],
    )
}

fn word() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "foo",
            "bar",
            "hello",
            "list",
            "foo@example\\.com",
            "a b",
            "foo-?bar",
            "fo+",
            "[a-f]+x",
            "(foo|bar)",
            "x.y",
            "[^a-z]q",
            "foo  bar",
            "h\\[ell\\]o",
            "\\$\\$",
            "foo.*bar",
            "a|b",
            "(a|)b",
            "Foo",
            "[Ff]oo",
            "o*",
            "foo\\>",
            "\\<bar",
            "[0-9][0-9]",
        ][..],
    )
}

fn expression() -> impl Strategy<Value = String> {
    let shape = select(
        &[
            "^F:.*W",
            "^F:.*W",
            "^F:.*W",
            "^F: W",
            "^F: W$",
            "^F:.*W$",
            "^F:W",
            "^F.*W",
            "^F: *W",
            "^F:[ \t]*W",
            "W",
            "W$",
            "^F:.*\\<W\\>",
            "^F:.*[^a-z]W",
            "^TO_W",
            "^TOW",
            "^FROM_DAEMON",
            "^FROM_MAILER",
            "^F:(.*[^a-z])?W",
            "^F:$",
            "^F:",
            "^From W",
            "^F:.*\\/W",
            "^F: \\/.*",
            "^F: *\\/.*",
            "^F:.*W\\/[a-z]+",
            "^F:.*\\/[^ ]+",
            "^F:.*<\\/(foo|bar|list)-?[a-z]*",
            "^F: *(foo|bar) +\\/[a-z]+",
            "^F:.*W.*o *\\/[a-z]+",
            "^F: \\/[^@]+-(bounces|owner)@",
            "^TO_u\\+\\/[a-z]+",
            "W.*W",
            "(^F:.*W|^F: W)",
            "^F:.*W|W",
            "^^From ",
            "^F:.+W",
            "^(F: W|F:.*W)",
            "^F:.*(W|W)",
        ][..],
    );
    (shape, field(), word(), field(), word()).prop_map(|(shape, f1, w1, f2, w2)| {
        let mut text = String::new();
        let mut is_first = true;
        let mut chars = shape.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                'F' if chars.peek() != Some(&'R') && chars.peek() != Some(&'r') => {
                    text.push_str(if is_first { f1 } else { f2 });
                }
                'W' => {
                    text.push_str(if is_first { w1 } else { w2 });
                    is_first = false;
                }
                'F' => {
                    // A word of procmail's own, or the envelope's line.
                    text.push('F');
                    while let Some(c) = chars.next_if(|&c| c != 'W') {
                        text.push(c);
                    }
                }
                c => text.push(c),
            }
        }
        text
    })
}
