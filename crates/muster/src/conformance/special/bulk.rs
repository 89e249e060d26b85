//! Bulk requests of a size that the server itself names (RFC 7644 3.7).

use serde_json::{Value, json};

use crate::conformance::check::Stop;
use crate::conformance::value::{Within, at};
use crate::conformance::walk::Scope;

/// Most operations that are sent to find out whether the limit holds.
const OPERATION_COUNT_MAX: u64 = 12_000;
/// Most bytes that are sent to find out whether the limit holds.
const BYTE_COUNT_MAX: u64 = 12 * 1024 * 1024;

/// One limit of bulk requests.
pub async fn run(scope: &mut Scope<'_>, aspect: &str) -> Result<(), Stop> {
    let config = scope.advertised.config.clone().unwrap_or(Value::Null);
    let limit = |name: &str| at(&config, &format!("bulk.{name}")).first().and_then(|v| v.as_u64());
    let me = scope.fill("{me}", Within::Plain)?;
    let operation = |number: u64, name: &str| {
        json!({"method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}})
    };
    let operations: Vec<Value> = match aspect {
        "operations" => {
            let most = limit("maxOperations").filter(|most| *most < OPERATION_COUNT_MAX);
            let most =
                most.ok_or_else(|| Stop::skip("no limit on operations that could be tried"))?;
            (0..=most).map(|number| operation(number, &format!("{me}.{number}"))).collect()
        }
        "bytes" => {
            let most = limit("maxPayloadSize").filter(|most| *most < BYTE_COUNT_MAX);
            let most = most.ok_or_else(|| Stop::skip("no limit on bytes that could be tried"))?;
            let long = "x".repeat(usize::try_from(most).unwrap_or_default());
            vec![operation(0, &format!("{me}.{long}"))]
        }
        _ => return Err(Stop::skip(format!("bulk has no limit `{aspect}`"))),
    };
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations});
    let answer = scope.send("POST", "/Bulk", Some(body.to_string())).await;
    match answer.status {
        413 => Ok(()),
        other => {
            Err(Stop::fail(format!("one more than the limit on {aspect} is answered {other}")))
        }
    }
}
