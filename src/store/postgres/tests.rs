//! What holds with PostgreSQL beside what holds for every store.

mod plans;
