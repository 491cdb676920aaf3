//! What holds with PostgreSQL beside what holds for every store.

mod opening;
mod plans;
mod together;
