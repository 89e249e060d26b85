//! Provisioning against a fake application, with everything that goes wrong on the way.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod convergence;
mod crash;
mod fake;
mod guard;
mod office;
mod quirks;
mod simulation;
mod trouble;
