//! Every limit of this crate, by name.

/// Longest catalogue key, in bytes.
pub const KEY_BYTES_MAX: usize = 64;
/// Longest name of a license type, product, group or policy, and longest policy value, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Most products that one grant names.
pub const GRANT_PRODUCT_COUNT_MAX: usize = 64;
/// Most policies that one grant imposes.
pub const GRANT_POLICY_COUNT_MAX: usize = 64;
/// Most license types, and most products, in one catalogue; every settlement looks at every pool.
pub const CATALOGUE_ROW_COUNT_MAX: usize = 256;
/// Largest place in the explicit order of grants.
pub const GRANT_ORDER_MAX: u32 = 1_000_000;
/// Highest priority on a waitlist.
pub const PRIORITY_MAX: u32 = 1_000;
/// Most days that a forecast looks ahead.
pub const FORECAST_DAYS_MAX: u32 = 366;
