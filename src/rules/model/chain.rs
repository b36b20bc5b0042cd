//! In: what earlier recipes did with a message, and the flags `A a E e` of one. Out:
//! whether that one is looked at (procmailrc(5); where the binary differs, as it does).

/// The flags `A a E e`: on what an earlier recipe at the same level did.
/// Several can stand together; all must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chain {
    /// `A`: the last recipe without `A` or `a` matched.
    pub also: bool,
    /// `a`: as `A`, and the recipe just before succeeded.
    pub also_if_succeeded: bool,
    /// `E`: the recipe just before was not executed.
    pub or_else: bool,
    /// `e`: the recipe just before matched, and its action failed.
    pub on_error: bool,
}

/// What the recipes before one did, as far as its flags can ask for it; `None` where it
/// depends on the message and could not be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chained {
    /// The last recipe without `A` and `a` matched.
    pub last: Option<bool>,
    /// The recipe just before ran, or one before it in a chain of `E`.
    pub previous: Option<bool>,
    /// The last action succeeded.
    pub succeeded: Option<bool>,
}

impl Chained {
    /// Before the first recipe.
    pub const AT_FIRST: Chained = Chained {
        last: Some(false),
        previous: Some(false),
        succeeded: Some(false),
    };

    /// Behind a recipe that matched, or did not.
    pub fn after(self, chain: Chain, matched: bool) -> Chained {
        let mut after = self;
        if !chain.also && !chain.also_if_succeeded {
            after.last = Some(matched);
        }
        if !chain.or_else || self.previous == Some(false) {
            after.previous = Some(matched);
        }
        after
    }

    /// In a block, or behind it: what the recipes of the other level did is not asked for,
    /// but whether the last action succeeded is.
    pub fn at_level_of(self, level: Chained) -> Chained {
        Chained {
            succeeded: self.succeeded,
            ..level
        }
    }

    /// Whether a recipe is looked at; `None` where that is not known.
    pub fn admits(self, chain: Chain) -> Option<bool> {
        let mut asked = Vec::new();
        if chain.also {
            asked.push(self.last);
        }
        if chain.also_if_succeeded {
            asked.extend([self.last, self.succeeded]);
        }
        if chain.on_error {
            asked.extend([self.previous, self.succeeded.map(|succeeded| !succeeded)]);
        }
        if chain.or_else {
            asked.push(self.previous.map(|previous| !previous));
        }
        match asked.contains(&Some(false)) {
            true => Some(false),
            false if asked.contains(&None) => None,
            false => Some(true),
        }
    }
}
