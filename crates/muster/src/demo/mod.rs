//! The demo: one stage, two plays.

mod acme;
pub mod export;
mod people;
mod report;
mod stage;
pub mod story;

pub use stage::Stage;
