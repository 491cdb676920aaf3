//! What the statements of all databases say alike. It stands before them, for macros are known below where they stand.

/// Keeps a claim of rows `t` from contacts with a run of one of these versions, to which what has happened or is due may
/// still matter: it is inside, or a goal of it could be reached by what happened first and was not looked at yet.
macro_rules! readable {
    ($versions:literal, $now:literal) => {
        concat!(
            " AND NOT EXISTS (SELECT 1 FROM run AS other WHERE other.slot = t.slot AND other.contact = t.contact
            AND other.version IN (SELECT k.number FROM ",
            numbers!($versions),
            ") AND (other.ended_at IS NULL OR other.goal_until >= (SELECT coalesce(min(e.at), ",
            $now,
            ") FROM event AS e WHERE e.slot = t.slot AND e.contact = t.contact AND e.pending <> FALSE)))"
        )
    };
}

/// Keeps a claim to versions that can be read; beside them to what needs none.
macro_rules! known {
    ($versions:literal) => {
        concat!(" AND version NOT IN (SELECT k.number FROM ", numbers!($versions), ")")
    };
    ($versions:literal; $without:literal) => {
        concat!(" AND (", $without, " OR version NOT IN (SELECT k.number FROM ", numbers!($versions), "))")
    };
}
