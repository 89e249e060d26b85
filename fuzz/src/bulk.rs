//! Bulk requests (RFC 7644 3.7): the input is one, as JSON.

use std::collections::{BTreeMap, BTreeSet};

use scim::limits::BULK_ID_BYTES_MAX;
use scim::{
    BulkCall, BulkMethod, BulkRequest, BulkResult, BulkStep, PatchRequest, Resource, Tolerances,
    bulk_response,
};
use serde_json::Value;

use crate::stock::{self, STOCK};

/// As a server announces it (`maxOperations`), and far fewer.
const OPERATION_COUNTS_MAX: [u64; 2] = [1_000, 2];

/// Reads, orders, resolves references, and reads what each operation asks for.
pub fn check(bytes: &[u8]) {
    let Some(body) = stock::documents(bytes).into_iter().next() else { return };
    let sent = body.get("Operations").and_then(Value::as_array).map(Vec::len);
    for tolerances in [Tolerances::none(), Tolerances::all()] {
        for count_max in OPERATION_COUNTS_MAX {
            let read = BulkRequest::read(body.clone(), &tolerances, count_max);
            let Ok((request, tolerated)) = read else { continue };
            assert!(tolerated.is_empty() || tolerances != Tolerances::none());
            assert!(request.operations.len() as u64 <= count_max);
            assert!(sent.is_none_or(|sent| sent == request.operations.len()));
            assert_ne!(request.fail_on_errors, Some(0));
            ordered(&request);
            resolved(&request);
            answered(&request);
        }
    }
}

/// The places of the operations that make what others name.
fn makers(request: &BulkRequest) -> BTreeMap<&str, usize> {
    let operations = request.operations.iter().enumerate();
    let makers = operations.filter(
        |(_, operation)| matches!(&operation.call, Ok(call) if call.method == BulkMethod::Post),
    );
    makers.filter_map(|(place, operation)| Some((operation.bulk_id.as_deref()?, place))).collect()
}

/// Everything has its turn once, and nothing before what it names, but in a circle.
fn ordered(request: &BulkRequest) {
    let makers = makers(request);
    let steps = request.steps();
    let mut done = BTreeSet::new();
    for step in &steps {
        let places = match step {
            BulkStep::One(place) => std::slice::from_ref(place),
            BulkStep::Circle(places) => places,
        };
        for place in places {
            let Ok(call) = &request.operations[*place].call else { continue };
            for id in call.references() {
                // Who is to make it may be refused itself.
                let Some(maker) = makers.get(id.as_str()) else { continue };
                let before = done.contains(maker) || (places.contains(maker) && is_circle(step));
                assert!(before, "{place} goes before {maker}: {steps:?}");
            }
        }
        if is_circle(step) {
            let named = |place: &usize| {
                let calls =
                    places.iter().filter_map(|place| request.operations[*place].call.as_ref().ok());
                let id = request.operations[*place].bulk_id.as_ref();
                calls.into_iter().any(|call| id.is_some_and(|id| call.references().contains(id)))
            };
            // Operations on one resource keep their order, which may close a circle too.
            assert!(places.iter().any(named), "nobody in a circle is named: {steps:?}");
        }
        for place in places {
            assert!(done.insert(*place), "{place} has two turns: {steps:?}");
        }
    }
    assert_eq!(done.len(), request.operations.len(), "{steps:?}");
}

fn is_circle(step: &BulkStep) -> bool {
    matches!(step, BulkStep::Circle(_))
}

/// RFC 7644 3.7.2: every reference is replaced once its resource has an id.
fn resolved(request: &BulkRequest) {
    for operation in &request.operations {
        let within = |id: &String| (1..=BULK_ID_BYTES_MAX).contains(&id.len());
        let Ok(call) = &operation.call else { continue };
        assert!(operation.bulk_id.as_ref().is_none_or(within));
        assert!(call.method != BulkMethod::Post || operation.bulk_id.is_some());
        let ids: BTreeMap<String, String> =
            call.references().iter().map(|id| (id.clone(), "id \"1\"/%".to_owned())).collect();
        let (path, data) = call.resolved(&ids);
        assert!(!names(&data, call.references()), "{data}");
        assert!(!names(&call.resolved_so_far(&BTreeMap::new()), call.references()));
        if call.references().is_empty() {
            assert_eq!(path, call.path());
        }
        carried_out(call, &data);
    }
}

fn names(value: &Value, bulk_ids: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => text.strip_prefix("bulkId:").is_some_and(|id| bulk_ids.contains(id)),
        Value::Array(values) => values.iter().any(|value| names(value, bulk_ids)),
        Value::Object(parts) => parts.values().any(|value| names(value, bulk_ids)),
        _ => false,
    }
}

fn carried_out(call: &BulkCall, data: &Value) {
    for stock in &*STOCK {
        match call.method {
            BulkMethod::Post | BulkMethod::Put => {
                if let Ok((resource, ..)) = Resource::read(data, &stock.rt, &Tolerances::all()) {
                    stock::assert_valid(&stock.rt, &resource);
                    let replaced = stock.stored.replace_with(resource, &stock.rt);
                    if let Ok(replaced) = replaced {
                        stock::assert_valid(&stock.rt, &replaced);
                    }
                }
            }
            BulkMethod::Patch => {
                let read = PatchRequest::read(data, &stock.rt, &Tolerances::all());
                if let Ok(Ok(outcome)) =
                    read.map(|(request, _)| request.apply(&stock.rt, &stock.stored))
                {
                    stock::assert_valid(&stock.rt, &outcome.resource);
                }
            }
            BulkMethod::Delete => assert_eq!(data, &Value::Null),
        }
    }
}

/// The answer has an entry for each, with a status that is a string.
fn answered(request: &BulkRequest) {
    let results = request.operations.iter().map(|operation| BulkResult {
        method: operation.method.clone(),
        bulk_id: operation.bulk_id.clone(),
        status: operation.call.as_ref().map_or_else(|error| error.status, |_| 200),
        error: operation.call.as_ref().err().cloned(),
        ..BulkResult::default()
    });
    let answer = bulk_response(&results.collect::<Vec<_>>());
    let entries = answer.get("Operations").and_then(Value::as_array).cloned().unwrap_or_default();
    assert_eq!(entries.len(), request.operations.len());
    assert!(entries.iter().all(|entry| entry.get("status").is_some_and(Value::is_string)));
}
