//! What holds with PostgreSQL beside what holds for every store.

mod network;
mod opening;
mod plans;
mod together;
