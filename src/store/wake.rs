/// What there may be to do, as processes that share a database tell each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake(u8);

impl Wake {
    /// Something came in for contacts.
    pub const TURNS: Self = Self(1);
    /// There may be messages to hand over.
    pub const MESSAGES: Self = Self(2);
    /// There may be calls to make.
    pub const CALLS: Self = Self(4);
    /// Other journeys are in force.
    pub const PLANS: Self = Self(8);

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of another is in it.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As a number.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// From such a number; what it does not know is left out.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 15)
    }
}
