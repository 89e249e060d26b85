//! One file for each verb.

pub mod init;
pub mod log;
pub mod serve;
pub mod source;
