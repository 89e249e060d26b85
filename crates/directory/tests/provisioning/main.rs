//! Provisioning against a fake application, with everything that goes wrong on the way.

mod convergence;
mod crash;
mod fake;
mod guard;
mod office;
mod quirks;
mod speed;
mod trouble;
