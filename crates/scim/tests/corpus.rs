//! What the fuzzer has been fed and what it found, held against the same checks (docs/fuzzing.md).

#[path = "../../../fuzz/src/bulk.rs"]
mod bulk;
#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/filter.rs"]
mod filter;
#[path = "../../../fuzz/src/patch.rs"]
mod patch;
#[path = "../../../fuzz/src/path.rs"]
mod path;
#[path = "../../../fuzz/src/stock.rs"]
mod stock;

#[test]
fn filters_hold_their_laws() {
    corpus::replay("filter", filter::check);
}

#[test]
fn paths_hold_their_laws() {
    corpus::replay("path", path::check);
}

#[test]
fn patches_hold_their_laws() {
    corpus::replay("patch", patch::check);
}

#[test]
fn bulk_requests_hold_their_laws() {
    corpus::replay("bulk", bulk::check);
}
