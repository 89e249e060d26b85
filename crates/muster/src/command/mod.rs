//! One file for each verb.

pub mod app;
pub mod apply;
pub mod config;
pub mod conformance;
pub mod demo;
pub mod explain;
pub mod group;
pub mod init;
pub mod license;
pub mod log;
pub mod person;
pub mod plan;
pub mod provision;
pub mod resource_type;
pub mod rule;
pub mod schema;
pub mod seat_forecast;
pub mod seat_history;
pub mod seat_reclaim;
pub mod seats;
pub mod serve;
pub mod source;
pub mod tenant;
pub mod token;
pub mod user;
