//! Users: their rows, and the one path by which they are written.
//!
//! `row` reads, `write` creates, changes and removes, `admin` is what an administrator or a person
//! signing up does.

mod admin;
mod row;
mod write;

pub use admin::{SignUp, UserQuery};
pub use row::{Origin, User, UserState};

pub(crate) use admin::find;
pub(crate) use row::{GroupRef, SELECT, by_id, groups_of, groups_of_range, read_row};
pub(crate) use write::{
    Draft, Writer, check_version, create, delete, replaced, storable, update, with_active,
};
