//! Values of attributes: read into canonical form, and compared, as their definitions say
//! (RFC 7643 2.2 to 2.5).

mod compare;
mod read;
mod weight;

pub(crate) use compare::{
    compare_text, distinct, equal_text, instant, is_case_exact, is_present, same, same_entry,
};
pub(crate) use read::{Reading, canonical, canonical_entry, is_unassigned, missing_required};
pub(crate) use weight::weight;
