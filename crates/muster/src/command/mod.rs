//! One file for each verb.

pub mod init;
pub mod serve;
