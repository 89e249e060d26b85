//! One file for each verb.

pub mod init;
pub mod license;
pub mod log;
pub mod seats;
pub mod serve;
pub mod source;
pub mod tenant;
pub mod token;
pub mod user;
