//! What a value weighs.

use serde_json::Value;

/// Reckoned for each node of a value besides its letters.
const NODE_BYTES: usize = 16;

/// About how many bytes a value takes, as text, in memory or to be compared.
pub(crate) fn weight(value: &Value) -> usize {
    let parts = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(entries) => entries.iter().map(weight).sum(),
        Value::Object(parts) => parts.iter().map(|(name, part)| name.len() + weight(part)).sum(),
    };
    NODE_BYTES + parts
}
