//! In: nothing. Out: every code a report can bear, with the long text behind it.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident $text:literal: $title:literal, $why:literal, $help:literal;)*) => {
        /// Why a statement has the verdict it has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// All codes, in the order of this page.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The name that reports and `sievify explain` use.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// What it is, in one line.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// Why it is so.
            pub fn why(self) -> &'static str {
                match self { $(Code::$name => $why,)* }
            }

            /// What a person can do.
            pub fn help(self) -> &'static str {
                match self { $(Code::$name => $help,)* }
            }
        }
    };
}

codes! {
    Translated "translated":
        "The statement does in Sieve what it did before",
        "Every message has the same outcome as on the old server.",
        "Nothing needs to be done.";
    SkippedText "skipped-text":
        "procmail skipped this text",
        "procmail goes on behind text that it cannot read as a recipe or an assignment, and says so only in its log.",
        "Nothing needs to be done, unless the text was meant to be a rule: then write that rule anew.";
    NoAction "no-action":
        "A recipe that says nothing to do",
        "A recipe is conditions and then a line that says what to do. Where that line is missing, or commented out, procmail skips the recipe.",
        "Nothing needs to be done, unless the recipe was meant to do something: then write that rule anew.";
    SkippedFlags "skipped-flags":
        "Flags that procmail does not know",
        "procmail skips the rest of a recipe's first line from the first letter on that is no flag, a lockfile included. The recipe works all the same.",
        "Look whether the recipe does what it was meant to do.";
    Compressed "compressed":
        "A packed file of mail",
        "A program such as gzip packed the mail into a file. The server keeps the mail in a folder as it keeps all mail.",
        "Look whether the folder is wanted; what is in the old file has to be unpacked before it can be moved.";
    FiledUnchanged "filed-unchanged":
        "A program changed mail on its way into a folder",
        "What the program made of the mail was put into the folder. The server runs no programs, and puts the mail there as it is.",
        "Look whether what the program did is still wanted. A mail program can do some of it as it shows the mail.";
    SentUnchanged "sent-unchanged":
        "Mail that is sent on without the change that was made to it",
        "A program cut the mail short or changed it, and a rule below sent on what came out. The server runs no programs, and sends on the whole mail.",
        "Look whether the whole mail may go there: a phone may take only short mail, and what was cut off may be private. If not, take the rule out.";
    SpamTraining "spam-training":
        "Mail that a spam filter learned from",
        "Mail to a certain address, or of a certain kind, was given to a spam filter to learn from, and was not kept. The new server has a filter of its own, which learns in other ways: mostly from what is moved into the folder for spam, and out of it.",
        "Find out how the new server's filter learns, and send no more mail to that address.";
    NotAsFiltered "not-as-filtered":
        "A rule that looks at what a filter changed",
        "A program or a rule above changes a part of the mail, and the script leaves it as it came. This rule looks at that part, and may decide otherwise than before.",
        "Look whether the rule means what the filter writes, or what stands in the mail anyway.";
    StaysEncoded "stays-encoded":
        "Mail is no longer decoded",
        "A program turned the text of mail into plain text. Mail programs do that themselves when they show it; a rule further below that looks into the body looks at the text as it was sent.",
        "Nothing needs to be done, unless a rule below looks for words that are encoded in such mail.";
    AccidentalMailbox "accidental-mailbox":
        "Mail went into a file that nobody meant",
        "Where a recipe has no action, procmail takes the next line for the name of a mailbox, whatever it is, and puts the mail into a file of that name. Nobody looks there.",
        "Look into that file on the old server: there may be mail in it. Then write the rule as it was meant; until then the mail goes to the inbox.";
    NamelessMailbox "nameless-mailbox":
        "A mailbox without a name",
        "The name comes from a variable that has no value. procmail cannot deliver to it and goes on with the rules below.",
        "Nothing needs to be done, unless the rule was meant to file mail: then write it anew with the folder's name.";
    RootlessMailbox "rootless-mailbox":
        "A mailbox where only root can write",
        "The mailbox would lie at the top of the file system, or beside the home, often because the name begins with a variable that has no value, or is misspelt. procmail fails to deliver there unless root made the mailbox for the user, and goes on with the rules below.",
        "Look whether the folder is wanted. If the mail is to go on as before, remove the rule.";
    OpenBlock "open-block":
        "A block that is never closed",
        "A { has no } of its own. Everything down to the end of the file stands in the block, and is done where the block's conditions hold.",
        "Nothing needs to be done for the mail to go where it went before. If the rules below were meant for all mail, put the } where it belongs, and translate again.";
    CarriageReturn "carriage-return":
        "A line that ends as on Windows",
        "procmail takes the carriage return at the end of such a line for a part of the text: conditions no longer match, and mailboxes get other names.",
        "Nothing needs to be done for the mail to go where it went before. If the rules were meant to work, convert the line ends and translate again.";
    LineTooLong "line-too-long":
        "A condition longer than procmail reads",
        "procmail reads conditions of up to LINEBUF bytes, 2048 unless it is set. A longer one fails, and its recipe never runs.",
        "Nothing needs to be done for the mail to go where it went before. If the rule was meant to work, cut the condition into several.";
    UnmarkedVariable "unmarked-variable":
        "A variable in a condition that does not ask for its value",
        "procmail puts the values of variables into a condition only where a $ stands behind its star, as in * $ ^From:.*$FRIEND. Without it, $ is the end of a line, and the name is a word that the next line has to begin with.",
        "Nothing needs to be done for the mail to go where it went before. If the rule was meant to ask for the value, put a $ behind the star, and translate again.";
    UnclearRecipe "unclear-recipe":
        "A recipe whose very form depends on the message",
        "Flags, or the way a condition is meant, come from a variable that differs from message to message, or are written as no one else writes them.",
        "Write the rule anew, without the variable.";
    InUntranslatedBlock "in-untranslated-block":
        "A rule inside one that was not carried over",
        "This rule stands between the braces { and } of another one, and only ran for the mail that the other one picked out. The new server cannot pick out that mail, so it is not safe to do what stands inside. It is left out, and the mail is kept.",
        "Look further up for the rule with the opening brace { and see to that one first: its own entry says what is wrong with it. What stands inside may then be translated as well.";
    TooDeep "too-deep":
        "Too many blocks in each other",
        "Rules are translated down to a depth that no person writes.",
        "If the file was made by a program, look how its rules can be written flat.";
    NeverReached "never-reached":
        "No message came to this place",
        "A rule above it ends the rules for every message.",
        "Nothing needs to be done, unless this was meant to run: then the rule above it is in the wrong place.";
    UnknownInclude "unknown-include":
        "Which file is read is not known",
        "The name of the included file comes from a variable that differs from message to message, or that only the old server knew.",
        "Write the name of the file in its place, and translate again.";
    MissingInclude "missing-include":
        "The included file is not there",
        "procmail says so in its log and goes on without the file.",
        "Nothing needs to be done, unless the file was there on the old server: then copy it as well, and translate again.";
    UnreadInclude "unread-include":
        "Another file of rules that was not read",
        "The line lets procmail read more rules from another file. Only plain files in the home directory are read, up to a size; this one lies elsewhere, or is no plain file. Its rules are not in the script.",
        "Look into the file on the old server. Copy it into the home directory, change the line to name it there, and translate again.";
    IncludeLimit "include-limit":
        "Files that include each other too often",
        "Each place that includes a file gets its statements anew, up to a bound; this file is included more often, or includes itself.",
        "Take the includes out that lead back to the file, and translate again.";
    TooLarge "too-large":
        "A file with more rules than anybody writes",
        "Such a file is made by a program, or was put there by mistake. Rules are translated up to a size that leaves people room.",
        "Look into the file. What a program made can often be said in a few rules; write those, and translate again.";
    ValueTooLong "value-too-long":
        "A variable with an endless value",
        "The value holds other variables, which hold others, until it is longer than procmail itself could read.",
        "Write the value out in its place, as far as it was meant, and translate again.";
    Logging "logging":
        "A setting of the log",
        "What is logged does not change what happens to a message, and a mail server has a log of its own.",
        "Nothing needs to be done.";
    Locking "locking":
        "A setting of file locks",
        "procmail locks files so that two messages do not write to one at once. A mail server sees to that itself.",
        "Nothing needs to be done.";
    Umask "umask":
        "The permissions of new files",
        "On a mail server, folders are no files of the user, and are shared in other ways.",
        "If others were meant to read a folder, share it on the new server.";
    ProgramSetting "program-setting":
        "A setting of the programs that rules run",
        "Sieve runs no programs; what well-known ones did is done by the server itself.",
        "Nothing needs to be done here; rules that run a program have an entry of their own.";
    ProcmailSetting "procmail-setting":
        "A setting of procmail itself",
        "It says how procmail does its work, and procmail no longer runs.",
        "Nothing needs to be done.";
    Trap "trap":
        "A command that runs when procmail ends",
        "TRAP names a command that procmail runs when it is done with a message. Sieve runs no programs.",
        "Find out what the command was for. Many write to a log, which can be left out; if it marks or moves mail, a rule can often do the same.";
    DeadRules "dead-rules":
        "Rules that nothing ran",
        "The .forward file, or a table of the old mailer (aliases, virtual), sends the mail elsewhere and does not call procmail, so the rules in .procmailrc never saw a message.",
        "Nothing needs to be done. If the rules were meant to run, take away what sends the mail elsewhere, and translate again.";
    OpenToAll "open-to-all":
        "A file that every user may write to",
        "Anybody with a login on the old server could have written this file. For that reason mailers and procmail pass such files by, and the mail went into the mailbox; it stays in the inbox.",
        "Ask the user whether the rules are theirs and still wanted. If so, take away what others may do (chmod o-w), and translate again.";
    FileUnreadable "file-unreadable":
        "A file of rules that could not be read",
        "Only regular files in the home directory that belong to its owner are read, up to a size.",
        "Look into the file on the old server. Where there is no permission to read it, run sievify as the user or as root; else put it into the home directory as a plain file of the user's own. Then translate again.";
    EximRefused "exim-refused":
        "A filter that Exim could not read",
        "A .forward file whose first line is “# Exim filter” holds rules in Exim's own language. This one has a mistake, so that Exim kept the mail in its queue.",
        "Mend the line that is named, and translate again, or write the rules anew.";
    EximSystem "exim-system":
        "A command for the filter of a whole host",
        "Exim does this for the administrator's filter, and for a user's filter only where the host allows it. Here the mail stays in the inbox.",
        "Nothing can stand for it in a user's script. Ask whether the new server's own filter should do it.";
    EximCounter "exim-counter":
        "A filter that counts",
        "The command add counts points over several conditions. Sieve has no numbers.",
        "Write one rule with the conditions that matter most.";
    EximMail "exim-mail":
        "A message that the filter writes",
        "The filter sent a message of its own. A Sieve script can answer the sender, with a text that is the same for all, and nothing else.",
        "If it told somebody of new mail, the new server or the mail program can do that.";
    EximComputed "exim-computed":
        "An address or mailbox that differs from message to message",
        "It is put together from parts of the message when mail comes in.",
        "Write a rule for each address or folder that matters.";
    EximCondition "exim-condition":
        "A condition that Sieve does not have",
        "The filter asks something that the new server's rules cannot ask, so what hangs on it is left out, and the mail stays in the inbox.",
        "Look at the header of such a message for something that can be asked instead.";
    EximField "exim-field":
        "A condition on a field that may be there several times",
        "Exim joins fields of one name and looks at the whole; Sieve looks at each.",
        "Nothing needs to be done, unless the mail has several of these fields.";
    EximSuffix "exim-suffix":
        "A condition on what follows the user's name in the address",
        "The old mailer took mail for user-word too, and told the filter so. The new server does that for user+word.",
        "Give people the address with “+”, or ask for the old spelling on the new server.";
    SieveFilter "sieve-filter":
        "A Sieve script in the place of .forward",
        "A .forward file whose first line is “# Sieve filter” is a Sieve script for the old mailer already. Where the new server knows all that it asks for, it is installed as it is.",
        "If the new server does not take it, look up what it requires, and write those rules anew.";
    DetailForward "detail-forward":
        "A rule for one detail of the address",
        "Mail to user+word went a way of its own, by the file .forward+word or by $EXTENSION. The new server does not show a script what stands behind the “+” (it would need the extensions envelope and subaddress), so such mail goes the way of the user's other mail.",
        "Ask for these extensions on the new server, and translate again.";
    DestinationUnclear "destination-unclear":
        "A line of .forward that names nobody",
        "The mailer took it for an address it could not deliver to, or for several without a comma.",
        "If an address is meant, write it alone on its line, and translate again.";
    CommentBehind "comment-behind":
        "A comment that does not begin its line",
        "In .forward files and lists, only a “#” at the beginning of a line begins a comment. Elsewhere the mailer takes it, and each word behind it, for addresses.",
        "Nothing needs to be done.";
    TooManyDestinations "too-many-destinations":
        "More destinations than a mail server takes",
        "A .forward file with this many lines is a mailing list.",
        "Set up a mailing list on the new server.";
    KeepTaken "keep-taken":
        "A name taken for the user's own mailbox",
        "A name behind a backslash means that user's mailbox without any rules. In a file of the user's own it can hardly mean another one.",
        "If it is the mailbox of someone else, write the full address, and translate again.";
    ListUnreadable "list-unreadable":
        "A list of addresses that could not be read",
        "The .forward file includes a file of addresses that is not in the home directory, or is not a plain file.",
        "Look up the addresses on the old server and write them into the .forward file, or set up a mailing list.";
    AnswerUnreadable "answer-unreadable":
        "The text of an automatic answer could not be read",
        "vacation sends the text of a file, and there is no such file in the home directory.",
        "Write the answer in the settings of the new server.";
    OpenFieldName "open-field-name":
        "A field name that is not written to its end",
        "procmail searches the header as one text, so `^From` also finds `From-Something:`. Sieve asks for fields by their full names; the well-known ones are asked. A field that nobody knows keeps no mail from a rule below that throws it away, unless no known field begins so.",
        "Look whether the fields in the script are the ones that were meant.";
    AnyField "any-field":
        "A word looked for in the whole header",
        "Without `^` and a field name, procmail finds the word in any field, even in the name of one. Sieve asks for fields by name; the ones where such words stand are asked.",
        "Look whether the fields in the script are the ones that were meant, and add others.";
    SpansFields "spans-fields":
        "An expression that goes on in the next field",
        "procmail searches the header as one text, so that an expression can begin in one field and end in another. The new server looks at one field at a time, and does not know which stands behind which.",
        "Look what the rule was meant to find, and write one condition for each field.";
    HeaderEdge "header-edge":
        "An expression tied to the beginning or end of the header or the body",
        "Rules on the server look into fields and lines, and are not told which one is the first or the last.",
        "Look what the rule was meant to find, and write it without the edge: with the name of the field, or for the whole body.";
    EncodedWord "encoded-word":
        "An expression for undecoded text",
        "Letters outside ASCII travel as `=?charset?…?=`. procmail sees that; a Sieve server decodes it first, so an expression for the undecoded text finds only what the server cannot decode: a charset that it does not know, or a word that is cut off.",
        "Write the rule for the readable text. Where it stopped mail in a foreign charset, the server's own spam filter does so.";
    BlankAfterColon "blank-after-colon":
        "No blank behind the colon, or more than one",
        "Mail has a blank between the colon and the value; procmail sees it, and Sieve does not. An expression that leaves it out, or asks for more than one, hardly ever matched; the script takes it as it was meant. A field that formail wrote without one has one when the server writes it.",
        "Nothing needs to be done, if the rule is meant to work.";
    ForeignBytes "foreign-bytes":
        "Letters that are not written in UTF-8",
        "The rules are older than UTF-8, or look at single bytes of letters. Sieve compares readable text in UTF-8.",
        "Write the rule anew with the letters that were meant.";
    NoRegex "no-regex":
        "The server has no regular expressions",
        "What the expression says can only be said roughly without them.",
        "If the rough condition finds too much, write one for the mail that is meant.";
    NoEnvelope "no-envelope":
        "The server does not show rules the envelope",
        "The line `From ` at the head of a mailbox names the sender of the envelope, and the server does not offer the extension `envelope`.",
        "Write the rule for the field From or Return-Path.";
    NoBody "no-body":
        "The server does not show rules the body",
        "The condition looks into the text of the message, and the server does not offer the extension `body`.",
        "Find out what else the mail has in common, in its header.";
    TooComplex "too-complex":
        "A search pattern that is too involved",
        "What the rule looks for can be put in so many ways that the script would have to list very many conditions.",
        "Think of what the rule was meant to find, and write that as a few plain rules, each with one word to look for.";
    Misread "misread":
        "An expression that procmail itself misreads",
        "A part that can be empty is repeated or left out there in a way in which procmail loses its way: it overlooks some of what the expression says, or never comes back.",
        "Write the expression in a simpler way; a repeat within something that may be left out is not needed.";
    NeverMatches "never-matches":
        "An expression that no message matches",
        "The expression asks for something that no header has, such as a field name without its colon.",
        "Nothing needs to be done for the mail to go where it went before. If the rule was meant to work, mend the expression, and translate again.";
    NoVariables "no-variables":
        "The server has no variables",
        "The rule keeps a text in a variable and looks at it later, or it is for what an earlier rule left of the mail. The server can remember neither, for it does not offer the extension `variables`.",
        "Write the rule anew without the variable.";
    NoCapture "no-capture":
        "A part of the message that cannot be taken out",
        "`\\/` takes the rest of what an expression matches for later use. Servers do not agree on what that is for this expression, or have no variables.",
        "Rules that use the part, as MATCH, have entries of their own.";
    CaptureLineEnd "capture-line-end":
        "A part with the end of its line",
        "Where an expression ends with `$`, procmail puts the end of the line into MATCH, too. Hardly anybody means that.",
        "Nothing needs to be done, unless folders on the old server have a line end in their names.";
    BodyLines "body-lines":
        "An expression over several lines of the body",
        "Whether lines of the body end with one character or two depends on the way the mail came in, so the script takes any number of them.",
        "Nothing needs to be done, unless empty lines matter.";
    CaptureOrder "capture-order":
        "A part that may come from another place",
        "Where several fields match, procmail takes the part from the first of the message, and Sieve from the first in the list of the rule; where it can be found at several places of one field, procmail takes the first of them, and Sieve, in some scripts, the last.",
        "Nothing needs to be done, unless mail often has several such places.";
    DaemonMail "daemon-mail":
        "Mail from programs, by a list of names",
        "The macros of procmail for mail from mailers and mailing lists are long lists of names of senders. The script asks for the same names in a simpler way.",
        "Nothing needs to be done, unless mail of an unusual program goes astray.";
    OddFieldName "odd-field-name":
        "A rule that looks for a field that no mail has",
        "The rule looks for something at the beginning of a line of the header that cannot be the name of a field: an address without the name of a field before it, say. Hardly any mail has such a line; the script asks for an address as the name of a field where the server has variables to write it with, and for nothing else of that kind.",
        "If the rule was meant to look for an address in From or To, write that on the new server.";
    FieldNameCase "field-name-case":
        "A field name in a case that mail hardly has",
        "With the flag D, procmail finds a field only where its name is spelled like in the rule: SUBJECT, say. A mail server knows fields by their names in any case, so the rule applies to more mail than before.",
        "Look whether the rule may apply to all mail with that field.";
    OwnDelivery "own-delivery":
        "A program that filed the mail",
        "The rule gives the mail to a program that puts it into a folder. The new server does that itself.",
        "Nothing needs to be done.";
    UnknownCondition "unknown-condition":
        "A condition that runs a program",
        "The rule asks a program whether it applies. A mail server runs no programs of its users, so the answer is not known, and the rule is left out.",
        "Find out what the program looks for. If it is something in the mail itself, write a rule that looks for that on the new server.";
    UnknownProgram "unknown-program":
        "Mail that was given to a program",
        "This rule passed the message to a program on the old machine, perhaps to a script of your own. The new mail server starts no programs for its users. Mail that only the program got now stays in the inbox.",
        "Find out what the program did with the mail. If it put mail into a folder or sent it on, a rule on the new server can do the same. If it did something else with it (a database, a ticket system), it has to fetch the mail from the server itself now, over IMAP, as a mail program does.";
    NoProgram "no-program":
        "A program without a name",
        "The variable that was to name the program has no value, and an option stands where the name should; or the name is one of the shell's own commands (exit), and procmail, which saw nothing in the line that a shell is needed for, looked for a program of that name. There was none, and the mail went on as it was.",
        "Nothing needs to be done for the mail to go where it went before. If the variable was set in a file that is not here, set it in the rules, and translate again.";
    UnknownFilter "unknown-filter":
        "A program that changed the mail",
        "The rule sends the mail through a program and goes on with what comes out. A mail server runs no programs of its users, so the mail goes on unchanged.",
        "If a rule below looks for what the program wrote into the mail, write another rule in its place. Otherwise nothing needs to be done.";
    BeforeFilter "before-filter":
        "A rule above the spam filter that looks for its marks",
        "On the old server this rule came before the spam filter, so that it saw only marks that mail brought along. The new server filters mail before it runs any rule: the rule meets all marked mail, also what rules further down were meant for. It throws nothing away.",
        "Look which of the rules about spam should count now, and take the other away.";
    SpamFilter "spam-filter":
        "A spam or virus filter",
        "The rule sends the mail through a spam or virus filter. The new server filters mail before any user's rules run. Rules that look for what the filter writes are kept.",
        "Look at the header of a spam mail on the new server. If its fields have other names than before, translate again with --spam-header OLD=NEW.";
    SideEffect "side-effect":
        "A program that leaves the mail as it is",
        "The program writes to a log, tidies up, or passes the mail through. Where the mail goes does not depend on it.",
        "Nothing needs to be done.";
    Notification "notification":
        "A program that tells somebody that there is mail",
        "Mail programs and telephones are told by the server itself when mail arrives.",
        "Turn the notification on in your mail program.";
    SentByProgram "sent-by-program":
        "A mail of its own is sent",
        "The rule makes a new mail out of this one and sends it. Sieve forwards a mail as it is, or answers it, and does no more.",
        "If forwarding the mail as it is will do, write that rule on the new server.";
    HeaderUnchanged "header-unchanged":
        "The header of the mail is not changed",
        "The rule adds, changes or deletes a field in the header of the mail. The server lets no script do so, or not with this field. The mail arrives where it should, without the change.",
        "If your mail program shows or sorts by that field, let it look for what the rule looks for. Otherwise nothing needs to be done.";
    Duplicates "duplicates":
        "Copies of a message are noticed by the server",
        "formail -D keeps a file of message ids to notice a message that comes twice. The server keeps such a list itself.",
        "Nothing needs to be done.";
    NoDuplicate "no-duplicate":
        "Copies of a message are not noticed",
        "formail -D keeps a file of message ids to notice a message that comes twice. The server has nothing like it, so that both copies arrive.",
        "Ask whether the server can be given the extension “duplicate”, and translate again.";
    SeenSenders "seen-senders":
        "A list of those who got an answer",
        "formail -rD keeps a file of senders, so that each gets one answer only. The server remembers by itself whom it has answered.",
        "Look whether the answer below is translated. If it is not, set up an automatic answer on the new server.";
    Answered "answered":
        "An automatic answer",
        "The server sends the answer itself: once to each sender within some days, never to mailing lists or other machines, and only where the mail was addressed to you.",
        "Look at the text, and whether it is still true.";
    AnswerUnknown "answer-unknown":
        "An automatic answer whose text is not known",
        "The text is made by a program, or stands in a file that is not in the home directory.",
        "Set up an automatic answer on the new server.";
    NoVacation "no-vacation":
        "The server sends no automatic answers",
        "The rule answers mail, and the server does not offer that.",
        "Ask whether the server can be given the extension “vacation”, and translate again.";
    ReadMark "read-mark":
        "Mail that is marked as read when it arrives",
        "The file of the mail was renamed to mark it as read. The server does so only as it files the mail.",
        "Mark the mail in your mail program.";
    UnusedVariable "unused-variable":
        "A setting that no rule asks for",
        "A variable is given what a program prints, and no rule that is carried out asks for it.",
        "Nothing needs to be done.";
    LostVariable "lost-variable":
        "A variable whose value is not known",
        "The rule uses a variable: $NAME stands for a text that another line sets. That line runs a program, or is a rule that is not carried over, so the new server cannot know the text.",
        "See to the line that sets it first: NAME=…, or for $MATCH the condition above with \\/ in it. Or write the rule anew with the text itself (an address, the name of a folder) in the place of the variable.";
    HostValue "host-value":
        "A value that only the old server knew",
        "The rule asks for something that the home directory does not tell: the name of the old server, the number of a process ($$), an argument that the mailer gave to procmail.",
        "Where it is the name of the old server, give it with --host, and translate again. What was different for each mail, as a number of a process, has no place on the new server: write the rule without it.";
    UnknownOutput "unknown-output":
        "What a program prints is not known",
        "A variable is given what a program prints, and a mail server runs no programs of its users.",
        "Find out what the program prints. If it is always the same, write that in its place, and translate again.";
    FieldValue "field-value":
        "The value of a header field in a variable",
        "formail -x prints a field as it stands in the mail. The server gives it on one line, with its encoded words decoded and without the blanks around it; what sed and its like did to each line of a folded field, the script does to that one.",
        "Nothing needs to be done.";
    UnquotedBlanks "unquoted-blanks":
        "Blanks in a text that a shell took apart",
        "A variable without quotes around it is taken apart at its blanks by the shell: one is left of several in a row. The script takes the text as it is.",
        "Nothing needs to be done, unless names have several blanks in a row.";
    ShellDialect "shell-dialect":
        "A `test` that shells read in different ways",
        "What `test` asks depends on the shell: where a variable without quotes is empty, a word of the question is missing; `==` is known to some shells alone; and where `-a` or `-o` join questions, a text that looks like a part of one may count as that.",
        "Look whether the rule does what it was meant to do; where it was left out, write it anew with quotes around the variables.";
    EchoBackslash "echo-backslash":
        "A text from the mail that `echo` printed",
        "To the `echo` of some shells, a backslash and what stands behind it are one sign (`\\n` ends the line); others print them as they are, and so does the script.",
        "Nothing needs to be done, unless there are backslashes in such a text.";
    FirstFew "first-few":
        "A text in which only the first few signs are replaced",
        "tr and sed replaced a sign wherever it stood. Sieve can only take a text apart at one place after the other, and the script does so four times.",
        "Nothing needs to be done, unless names have more of these signs.";
    RuntimeExpression "runtime-expression":
        "An expression that is made anew for each mail",
        "Part of what the rule looks for comes from a variable that differs from mail to mail. The server looks for the text in the variable, and does not read it as an expression.",
        "Look whether the rule does what it was meant to do.";
    RuntimeFolder "runtime-folder":
        "A folder whose name comes from the mail",
        "The name of the folder is put together from parts of the mail, in a way that the server cannot.",
        "Write one rule for each folder that matters.";
    FolderFromMail "folder-from-mail":
        "A folder named by the mail itself",
        "Part of the folder's name is taken from the mail, or depends on other rules. Where that part is empty or has a “/” or “..” in it, the old rules made a directory or went up in the tree; on the server, such mail stays in the inbox.",
        "Nothing needs to be done.";
    UnclearChain "unclear-chain":
        "A rule that hangs on one that is not carried out",
        "The flags A, a, E and e let a rule run depending on what the rule above it did. That rule is not in the script.",
        "See to the rule above; then this one may be translated as well. Where that one asks a spam filter, write this one anew, for what the new server's filter writes into the header.";
    OnFailure "on-failure":
        "A rule for the case that another fails",
        "The flag e lets a rule run where the action above it failed: a full disk, a program that was not there. On the new server, folders are there, and nothing fails in that way.",
        "Nothing needs to be done.";
    KeptInDoubt "kept-in-doubt":
        "Mail is kept rather than thrown away",
        "The rule throws mail away, refuses it or sends it elsewhere. A rule above it could not be translated exactly, so that mail may come here which was kept before. So as not to lose it, it is kept in the inbox.",
        "See to the rule that is named. When it is settled, write this rule on the new server.";
    Bounced "bounced":
        "Mail that is refused",
        "The rules told the old mailer to return the mail to its sender. The new server refuses it in its own words.",
        "Consider throwing the mail away instead: who sends spam seldom reads what comes back.";
    TakenByNone "taken-by-none":
        "Mail that no rule takes",
        "With -m, procmail is a filter without a mailbox of its own: it returned mail to its sender that none of the rules delivered.",
        "Nothing needs to be done, if the mail is wanted; else write a last rule that throws it away.";
    TriedAgain "tried-again":
        "Mail that the old mailer was to try again later",
        "An exit status of 75 lets a mailer keep the mail in its queue. Sieve has nothing like it; the mail is kept.",
        "Nothing needs to be done.";
    NoReject "no-reject":
        "Mail cannot be refused",
        "The rule returns mail to its sender, and the server does not offer that. The mail is kept.",
        "Ask whether the server can be given the extension “reject”; or write a rule that throws the mail away.";
    FolderRenamed "folder-renamed":
        "A folder that gets another name",
        "Not every name of a file can be the name of a folder on a mail server.",
        "Look for the folder under its new name.";
    UnknownDirectory "unknown-directory":
        "A folder in a directory that is not known",
        "Names of folders are seen from the directory MAILDIR. It differs from mail to mail, or a program printed it, so the folder has its name without that directory.",
        "Look in which directory the mail of this rule lay, and write that into the name of the folder.";
    NoFolders "no-folders":
        "The server files nothing into folders",
        "The rule files mail into a folder, and the server does not offer that.",
        "Ask whether the server can be given the extension “fileinto”, and translate again.";
    CopyGoesOn "copy-goes-on":
        "A copy that went on with other values",
        "A block with the flag c is for a copy of the mail. Where the block does not deliver the copy, it went on below the block with the variables that the block had set, and the mail itself went on with those from before. The script lets only the mail itself go on.",
        "Look whether a rule below asks for one of these variables, and write what is to happen with the copy into the block.";
    CopyEdited "copy-edited":
        "A change to the header of a copy",
        "The rules changed a copy of the mail that was sent on or filed. The server changes the mail itself, so that what stays has the change too. What is changed before it is sent on keeps mail from going round in a circle, so it is not left out.",
        "Look whether a rule below asks for the field.";
    BodyUnseen "body-unseen":
        "A search of the body below a change to the header",
        "Dovecot finds nothing in the body of a message that a rule above took a field out of. What hangs on such a search may not be done; no mail is thrown away by it.",
        "Put the rule above the one that changes the header.";
    PartOnly "part-only":
        "Only a part of the mail was delivered",
        "The flags h and b let procmail deliver the header or the body alone. The server delivers the whole mail.",
        "Nothing needs to be done.";
    UnqualifiedAddress "unqualified-address":
        "An address without a domain",
        "The mail is forwarded to a name without @, which the old server took for one of its own users. The new one cannot know which.",
        "Translate again with --domain and the domain of the old server; or write the full address.";
    BadAddress "bad-address":
        "What mail is forwarded to is no address",
        "The new server forwards to addresses only, and to one at a time. What a rule finds in the mail may be none.",
        "Write the rule anew with the address that is meant.";
    OwnAddress "own-address":
        "Mail forwarded to the user's own address",
        "The rule sends the mail to an address of this very user. On the old server it came in again, and the rules were asked once more. A new server may refuse to send it round in a circle, so the script keeps the mail in the inbox.",
        "Nothing needs to be done, unless the address is that of another machine.";
    LocalDomain "local-domain":
        "An address on a machine without a full name",
        "The address ends in the short name of a machine. The old server could complete it; the new one may not know it.",
        "Write the full address, as in ann@example.org.";
    UnclearSize "unclear-size":
        "A size that is not known",
        "The rule compares the size of something with a number that differs from mail to mail, or the length of a variable.",
        "Write the number in its place, and translate again.";
    SizeOfPart "size-of-part":
        "The size of the header or the body alone",
        "The rule asks how large the header or the body is by itself; the server knows the size of the whole mail.",
        "Look whether the number is still right for the whole mail.";
    UnclearNumber "unclear-number":
        "Numbers that differ from mail to mail",
        "The rule compares two numbers that are not known before a mail is there. Few servers can, and none that are negative.",
        "Look whether both are always numbers; where the rule was left out, write it anew without them.";
    FileTest "file-test":
        "A rule that asks whether a file is there",
        "The rule applies only while there is a certain file in the home directory. A mail server does not look there: where the file was there when the rules were translated, the rule applies always.",
        "Many turn an automatic answer on and off this way: do that in the settings of the new server.";
    ListCopied "list-copied":
        "A list that is copied into the script",
        "The rule looks for the lines of a file. The script holds a copy of these lines.",
        "Change the script from now on; a change to the file does nothing.";
    ListUnread "list-unread":
        "A list that could not be read",
        "The rule looks for the lines of a file, and the file is not in the home directory.",
        "Copy the file into the home directory, and translate again.";
    ListUnclear "list-unclear":
        "A list that is searched in its own way",
        "grep is called with options, or looks for expressions, that Sieve does not know.",
        "Write the rule anew with the words that are looked for.";
    ScoreCounts "score-counts":
        "A score that counts",
        "procmail adds a weight for every place where the expression matches. The server sees only whether it matches at all.",
        "Look whether the rule does what it was meant to do.";
    ScoreBySize "score-by-size":
        "A score that grows with the size of the mail",
        "The weight is multiplied by the size of the mail, and the server does not calculate.",
        "Write a rule with a limit on the size in its place.";
    ScoreUnknown "score-unknown":
        "A weight that is not known",
        "The weight of a condition comes from a variable that differs from mail to mail.",
        "Write the number in its place, and translate again.";
    ScoreTooComplex "score-too-complex":
        "Too many weights",
        "There are too many ways in which the weights of the conditions can add up.",
        "Keep the conditions that matter most, and translate again; or leave the decision to the spam filter of the new server.";
    OverLimit "over-limit":
        "The script asks too much of the server",
        "Servers limit the size of a script, and how many mails it may forward for one that comes in. What went beyond that was left out.",
        "Ask for a higher limit on the new server, or take rules out that are no longer needed.";
}
