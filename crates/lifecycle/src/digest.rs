//! Digests: SHA-256 over canonical JSON, so that the same decision has the same name everywhere.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The digest of a value: lower-case hexadecimal SHA-256 of its canonical JSON.
pub fn digest<T: Serialize>(value: &T) -> String {
    let text = canonical_json(value);
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// JSON without white space and with the members of every object sorted by name.
///
/// The order is made here and not left to the map type of `serde_json`, which a feature that some
/// other crate switches on would change, and every stored digest with it.
pub fn canonical_json<T: Serialize>(value: &T) -> String {
    #[expect(
        clippy::expect_used,
        reason = "fails only on map keys that are no strings, which no type of this crate has"
    )]
    let value = serde_json::to_value(value).expect("the value is JSON");
    let mut text = String::new();
    write_canonical(&value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Value::from(name.as_str()));
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(value, text);
            }
            text.push(']');
        }
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_members_does_not_matter_and_that_of_values_does() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            digest(&read("{\"b\": 1, \"a\": [1, 2]}")),
            digest(&read("{\"a\":[1,2],\"b\":1}"))
        );
        assert_ne!(digest(&json!([1, 2])), digest(&json!([2, 1])));
    }

    #[test]
    fn canonical_json_is_what_everybody_would_write() {
        assert_eq!(
            canonical_json(&json!({"b": "ü\"\n", "a": [null, true, {"z": 1, "y": 2}]})),
            "{\"a\":[null,true,{\"y\":2,\"z\":1}],\"b\":\"ü\\\"\\n\"}"
        );
        assert_eq!(
            digest(&json!({})),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }
}
