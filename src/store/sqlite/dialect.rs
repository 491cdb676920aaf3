//! How SQLite says what the statements in `sql` leave open. Lists are one JSON text, so that of their parameters only
//! the first is used.

/// Keys of contacts as `k (slot, contact)`.
macro_rules! contacts {
    ($first:literal, $second:literal) => {
        concat!(
            "(SELECT value ->> 0 AS slot, unhex(value ->> 1) AS contact FROM json_each(",
            $first,
            ")) AS k"
        )
    };
}

/// Keys of what is a contact's as `k (slot, contact, id)`.
macro_rules! ids {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "(SELECT value ->> 0 AS slot, unhex(value ->> 1) AS contact, unhex(value ->> 2) AS id FROM json_each(",
            $first,
            ")) AS k"
        )
    };
}

/// Texts with their slots as `k (slot, text)`.
macro_rules! texts {
    ($first:literal, $second:literal) => {
        concat!("(SELECT value ->> 0 AS slot, value ->> 1 AS text FROM json_each(", $first, ")) AS k")
    };
}

/// Names as `k (slot, kind, value)`.
macro_rules! names {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "(SELECT value ->> 0 AS slot, value ->> 1 AS kind, value ->> 2 AS value FROM json_each(",
            $first,
            ")) AS k"
        )
    };
}

/// Texts with moments as `n (text, since)`; behind another list, whose second parameter is not used here.
macro_rules! reaches {
    ($first:literal; $second:literal, $third:literal) => {
        concat!("(SELECT value ->> 0 AS text, value ->> 1 AS since FROM json_each(", $first, ")) AS n")
    };
}

/// Numbers as `k (number)`.
macro_rules! numbers {
    ($first:literal) => {
        concat!("(SELECT value AS number FROM json_each(", $first, ")) AS k")
    };
}

/// Whether a key is one that was made here.
macro_rules! is_id {
    ($column:literal) => {
        concat!("length(", $column, ") = 16")
    };
}

/// How many contacts there are: counted along an index.
macro_rules! contact_count {
    () => {
        "SELECT count(*) FROM contact"
    };
}

/// Whether a text of words, each between spaces, has a word.
macro_rules! has_word {
    ($words:literal, $word:literal) => {
        concat!("instr(", $words, ", ' ' || ", $word, " || ' ') > 0")
    };
}

/// What is due, the earliest first; here all slots are ours.
macro_rules! due {
    ($columns:literal FROM $table:literal WHERE ($condition:expr) ORDER BY $by:literal, $key:literal;
    LIMIT $most:literal, $slots:literal, $each:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $table,
            " AS t WHERE ",
            $condition,
            " ORDER BY ",
            $by,
            ", slot, ",
            $key,
            " LIMIT ",
            $most
        )
    };
}

/// The earliest moment of a table, of the rows that an index is for.
macro_rules! earliest {
    ($by:literal FROM $table:literal WHERE $condition:literal) => {
        concat!("(SELECT min(", $by, ") FROM ", $table, " WHERE ", $condition, ")")
    };
}

/// How many rows are due, counted as far as a limit.
macro_rules! counted {
    ($table:literal WHERE $condition:literal; LIMIT $most:literal) => {
        concat!(
            "(SELECT count(*) FROM (SELECT 1 FROM ",
            $table,
            " WHERE ",
            $condition,
            " LIMIT ",
            $most,
            ") AS counted)"
        )
    };
}

/// Keeps a claim to what is not under way.
macro_rules! free {
    ($under_way:literal) => {
        concat!(" AND id NOT IN (SELECT unhex(value) FROM json_each(", $under_way, "))")
    };
}

/// Behind a claim: nobody else claims.
macro_rules! claimed {
    ($table:literal) => {
        ""
    };
}

/// Before other columns that are set: the process that hands over is the only one.
macro_rules! taken_over {
    () => {
        ""
    };
}

/// Behind other columns that are set: what waits again is nobody's.
macro_rules! given_back {
    () => {
        ""
    };
    ($table:literal, $waits:literal) => {
        ""
    };
}

/// Keeps what takes a hand-over back to the process that hands over: whoever asks is the only one.
macro_rules! own_hand_over {
    () => {
        ""
    };
}

/// Behind a look-up of what one process does at a time: there is one.
macro_rules! alone {
    () => {
        ""
    };
}

/// Keeps a recovery to what processes began that are no more: whoever asks is the only one and has just begun.
macro_rules! lost {
    ($now:literal) => {
        ""
    };
}

/// Events of contacts `$2` by names `$3`, of each name those that are as late as the latest but `$1`.
macro_rules! happened {
    () => {
        concat!(
            "SELECT e.contact, name, at, properties FROM ",
            contacts!("$2", ""),
            " CROSS JOIN ",
            reaches!("$3"; "", ""),
            " CROSS JOIN event AS e WHERE e.slot = k.slot AND e.contact = k.contact AND name = n.text
            AND at >= coalesce((SELECT l.at FROM event AS l WHERE l.slot = k.slot AND l.contact = k.contact
            AND l.name = n.text AND l.at >= n.since AND l.pending <> TRUE AND l.kind IN ('track', 'system')
            ORDER BY l.at DESC LIMIT 1 OFFSET $1), n.since) AND pending <> TRUE AND kind IN ('track', 'system')
            ORDER BY e.contact, name, at, received_at, e.id"
        )
    };
}

/// Pending events of contacts `$3`, of each contact the `$1` that happened first.
macro_rules! pending_of {
    () => {
        concat!(
            "SELECT e.contact, id, kind, name, at, received_at, run, depth, properties FROM ",
            contacts!("$3", ""),
            " CROSS JOIN event AS e WHERE e.slot = k.slot AND e.contact = k.contact AND e.id IN (
            SELECT l.id FROM event AS l WHERE l.slot = k.slot AND l.contact = k.contact AND l.pending <> FALSE
            ORDER BY l.at, l.received_at, l.id LIMIT $1)
            ORDER BY e.slot, e.contact, at, received_at, id LIMIT $2"
        )
    };
}
