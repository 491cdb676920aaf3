//! How PostgreSQL says what the statements in `sql` leave open. Lists are one array for each column.

/// Keys of contacts as `k (slot, contact)`.
macro_rules! contacts {
    ($first:literal, $second:literal) => {
        concat!("unnest(", $first, "::integer[], ", $second, "::uuid[]) AS k (slot, contact)")
    };
}

/// Keys of what is a contact's as `k (slot, contact, id)`.
macro_rules! ids {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "unnest(",
            $first,
            "::integer[], ",
            $second,
            "::uuid[], ",
            $third,
            "::uuid[]) AS k (slot, contact, id)"
        )
    };
}

/// Texts with their slots as `k (slot, text)`.
macro_rules! texts {
    ($first:literal, $second:literal) => {
        concat!("unnest(", $first, "::integer[], ", $second, "::text[]) AS k (slot, text)")
    };
}

/// Names as `k (slot, kind, value)`.
macro_rules! names {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "unnest(",
            $first,
            "::integer[], ",
            $second,
            "::text[], ",
            $third,
            "::text[]) AS k (slot, kind, value)"
        )
    };
}

/// Texts with moments as `n (text, since)`; behind another list, which takes two parameters here.
macro_rules! reaches {
    ($first:literal; $second:literal, $third:literal) => {
        concat!("unnest(", $second, "::text[], ", $third, "::bigint[]) AS n (text, since)")
    };
}

/// Numbers as `k (number)`.
macro_rules! numbers {
    ($first:literal) => {
        concat!("unnest(", $first, "::integer[]) AS k (number)")
    };
}

/// Whether a key is one that was made here: its type holds no other.
macro_rules! is_id {
    ($column:literal) => {
        "TRUE"
    };
}

/// How many contacts there are: counted where there are few, else as the server estimates when it cleans up.
macro_rules! contact_count {
    () => {
        "SELECT CASE WHEN few.count <= 100000 THEN few.count ELSE greatest(few.count,
        (SELECT reltuples::bigint FROM pg_class WHERE oid = 'contact'::regclass)) END
        FROM (SELECT count(*) FROM (SELECT 1 FROM contact LIMIT 100001) AS counted) AS few"
    };
}

/// Whether a text of words, each between spaces, has a word.
macro_rules! has_word {
    ($words:literal, $word:literal) => {
        concat!("strpos(", $words, ", ' ' || ", $word, " || ' ') > 0")
    };
}

/// All slots, as `k (slot)`. What is due is kept by slot: whoever looks for the earliest looks into each of them.
macro_rules! every_slot {
    () => {
        "generate_series(0, 255) AS k (slot)"
    };
}

/// What is due in the slots that were got, of each so many, the earliest first.
macro_rules! due {
    ($columns:literal FROM $table:literal WHERE ($condition:expr) ORDER BY $by:literal, $key:literal;
    LIMIT $most:literal, $slots:literal, $each:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM unnest(",
            $slots,
            "::integer[]) AS k (slot) CROSS JOIN LATERAL (SELECT * FROM ",
            $table,
            " AS t WHERE t.slot = k.slot AND ",
            $condition,
            " ORDER BY ",
            $by,
            ", ",
            $key,
            " LIMIT ",
            $each,
            ") AS d ORDER BY ",
            $by,
            ", d.slot, ",
            $key,
            " LIMIT ",
            $most
        )
    };
}

/// The earliest moment of a table, of the rows that an index is for.
macro_rules! earliest {
    ($by:literal FROM $table:literal WHERE $condition:literal) => {
        concat!(
            "(SELECT min(d.",
            $by,
            ") FROM ",
            every_slot!(),
            " CROSS JOIN LATERAL (SELECT ",
            $by,
            " FROM ",
            $table,
            " AS t WHERE t.slot = k.slot AND ",
            $condition,
            " ORDER BY ",
            $by,
            " LIMIT 1) AS d)"
        )
    };
}

/// How many rows are due, counted as far as a limit.
macro_rules! counted {
    ($table:literal WHERE $condition:literal; LIMIT $most:literal) => {
        concat!(
            "(SELECT count(*) FROM (SELECT 1 FROM ",
            every_slot!(),
            " CROSS JOIN LATERAL (SELECT 1 FROM ",
            $table,
            " AS t WHERE t.slot = k.slot AND ",
            $condition,
            " LIMIT ",
            $most,
            ") AS d LIMIT ",
            $most,
            ") AS counted)"
        )
    };
}

/// The number of this process, which every connection is told when it opens.
macro_rules! this_worker {
    () => {
        "current_setting('lotse.worker')::bigint"
    };
}

/// The processes that are alive: each holds the lock of its number as long as it lives.
macro_rules! workers_alive {
    () => {
        "(SELECT classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
        AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    };
}

/// Keeps a claim to what is not under way, neither here nor in another process that is alive.
macro_rules! free {
    ($under_way:literal) => {
        concat!(
            " AND id NOT IN (SELECT unnest(",
            $under_way,
            "::uuid[])) AND (worker IS NULL OR worker = ",
            this_worker!(),
            " OR worker NOT IN ",
            workers_alive!(),
            ")"
        )
    };
}

/// Behind a claim: what another process is just taking is left to it.
macro_rules! claimed {
    ($table:literal) => {
        concat!(" FOR NO KEY UPDATE OF ", $table, " SKIP LOCKED")
    };
}

/// Before other columns that are set: whoever hands over is whoever must say what became of it.
macro_rules! taken_over {
    () => {
        concat!("worker = ", this_worker!(), ", ")
    };
}

/// Behind other columns that are set: what waits again is nobody's.
macro_rules! given_back {
    () => {
        ", worker = NULL"
    };
    ($table:literal, $waits:literal) => {
        concat!(", worker = CASE WHEN ", $waits, " THEN NULL ELSE ", $table, ".worker END")
    };
}

/// Keeps what takes a hand-over back to the process that hands over: to another it may be on its way.
macro_rules! own_hand_over {
    () => {
        concat!(" AND (message.state <> 'handed_over' OR message.worker = ", this_worker!(), ")")
    };
}

/// Behind a look-up of what one process does at a time: another finds nothing to do.
macro_rules! alone {
    () => {
        " FOR UPDATE SKIP LOCKED"
    };
}

/// Keeps a recovery to what processes began that are no more. A process whose connection broke has two minutes to
/// take the lock of its number again; of itself it knows that it is alive.
macro_rules! lost {
    ($now:literal) => {
        concat!(
            " AND handed_over_at <= ",
            $now,
            " - 120000000 AND (worker IS NULL OR worker <> ",
            this_worker!(),
            " AND worker NOT IN ",
            workers_alive!(),
            ")"
        )
    };
}

/// Events of contacts `$2` and `$3` by names `$4` and `$5`, of each name the latest.
macro_rules! happened {
    () => {
        concat!(
            "SELECT e.contact, n.text, e.at, e.properties FROM ",
            contacts!("$2", "$3"),
            " CROSS JOIN ",
            reaches!(""; "$4", "$5"),
            " CROSS JOIN LATERAL (SELECT contact, id, at, received_at, properties FROM event AS l
            WHERE l.slot = k.slot AND l.contact = k.contact AND l.name = n.text AND l.at >= n.since
            AND l.pending <> TRUE AND l.kind IN ('track', 'system')
            ORDER BY l.at DESC, l.received_at DESC, l.id DESC LIMIT $1 + 1) AS e
            ORDER BY e.contact, n.text COLLATE \"C\", e.at, e.received_at, e.id"
        )
    };
}

/// Pending events of contacts `$3` and `$4`, of each contact the `$1` that happened first.
macro_rules! pending_of {
    () => {
        concat!(
            "SELECT e.contact, id, kind, name, at, received_at, run, depth, properties FROM ",
            contacts!("$3", "$4"),
            " CROSS JOIN LATERAL (SELECT * FROM event AS l WHERE l.slot = k.slot AND l.contact = k.contact AND l.pending <> FALSE
            ORDER BY l.at, l.received_at, l.id LIMIT $1) AS e
            ORDER BY e.slot, e.contact, at, received_at, id LIMIT $2"
        )
    };
}
