//! The conversations that the fuzzer has been fed and found, held once more (docs/fuzzing.md).

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/http/mod.rs"]
mod http;

#[test]
fn whatever_is_asked_is_answered_soundly() {
    corpus::replay("http", http::check);
}
