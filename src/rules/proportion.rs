//! In: a weighted condition on the size, and a size. Out: what it adds to the
//! score (procmailsc(5)).

/// `* w^x > limit` or `* w^x < limit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// `w`.
    pub weight: f64,
    /// `x`.
    pub exponent: f64,
    /// The size, in bytes, for which the weight is added as it is.
    pub limit: f64,
    /// `<`: what is smaller adds more.
    pub is_smaller: bool,
}

/// Where scores end.
pub const MOST_SCORE: f64 = 2_147_483_647.0;

impl Proportion {
    /// What a text of so many bytes adds.
    pub fn adds(&self, size: f64) -> f64 {
        let ratio = match self.is_smaller {
            true if size > 0.0 => self.limit / size,
            true if self.limit > 0.0 => return MOST_SCORE,
            true => return -MOST_SCORE,
            false if self.limit != 0.0 => size / self.limit,
            false => return MOST_SCORE,
        };
        let score = self.weight * ratio.powf(self.exponent);
        if score.is_nan() { -MOST_SCORE } else { score }
    }
}
