//! Groups: their rows, their members' rows, and the one path by which they are written.
//!
//! `row` reads, `write` creates, changes and removes, `member` carries out a member delta.

mod member;
mod row;
mod write;

pub use row::Group;

pub(crate) use member::{MemberRules, UnknownMembers, forget_member};
pub(crate) use row::{MemberRow, SELECT, by_id, groups_after, members_of, read_row, users_after};
pub(crate) use write::{Draft, create, delete, patch, update};
