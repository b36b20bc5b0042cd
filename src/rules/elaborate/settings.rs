//! In: what an administrator or a user says. Out: what the rules are read with.

/// What the rules are read with, and the home does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The login name.
    pub user: String,
    /// What `$HOME` was on the old host.
    pub home_path: String,
    /// How the old host is called, as `hostname` printed it there.
    pub host: Option<String>,
    /// The domain of the user's own address.
    pub domain: Option<String>,
    /// What the old mailer ran for local mail when no `.forward` said
    /// otherwise.
    pub mda: Mda,
    /// Further addresses of the user: those of the new account, say.
    pub addresses: Vec<String>,
    /// What the mail host's own tables make of mail for the user, before any
    /// `.forward` is read: the right-hand side of an alias.
    pub alias: Option<String>,
}

/// What delivers local mail on the old host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mda {
    /// procmail, which reads `.procmailrc`.
    #[default]
    Procmail,
    /// The mailer itself, into the mailbox.
    None,
}

impl Settings {
    /// The settings of a user whose home is `/home/USER`.
    pub fn new(user: impl Into<String>) -> Self {
        let user = user.into();
        Settings {
            home_path: format!("/home/{user}"),
            user,
            host: None,
            domain: None,
            mda: Mda::default(),
            addresses: Vec::new(),
            alias: None,
        }
    }

    /// Lower-cased addresses and bare names that mean this very user.
    pub fn own_addresses(&self) -> Vec<String> {
        let user = self.user.to_lowercase();
        let address = self
            .domain
            .as_ref()
            .map(|domain| format!("{user}@{}", domain.to_lowercase()));
        let further = self.addresses.iter().map(|address| address.to_lowercase());
        [user].into_iter().chain(address).chain(further).collect()
    }

    /// Those that lead to this user on the old host alone, lower-cased.
    pub fn addresses_on_host(&self) -> Vec<String> {
        let user = self.user.to_lowercase();
        let names = names_of_host(self.host.as_deref());
        names.iter().map(|name| format!("{user}@{name}")).collect()
    }
}

/// How the old host was called on itself, lower-cased.
pub fn names_of_host(host: Option<&str>) -> Vec<String> {
    let host = host.map(str::to_lowercase);
    let short = host.as_deref().and_then(|host| host.split_once('.'));
    let names = [
        host.as_deref(),
        short.map(|(short, _)| short),
        Some("localhost"),
        Some("localhost.localdomain"),
    ];
    names.into_iter().flatten().map(str::to_owned).collect()
}
