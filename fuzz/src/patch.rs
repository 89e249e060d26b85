//! PATCH (RFC 7644 3.5.2): the input is a request and maybe the resource that it is for, two JSON
//! texts one after the other.

use scim::{
    PatchOp, PatchOperation, PatchOutcome, PatchRequest, Resource, ResourceType, Tolerances, diff,
};
use serde_json::Value;

use crate::stock::{self, STOCK};

/// Reads, applies, applies again, and takes the difference.
pub fn check(bytes: &[u8]) {
    let documents = stock::documents(bytes);
    let Some(body) = documents.first() else { return };
    for stock in &*STOCK {
        for tolerances in [Tolerances::all(), Tolerances::none()] {
            let Ok((request, tolerated)) = PatchRequest::read(body, &stock.rt, &tolerances) else {
                continue;
            };
            assert!(tolerated.is_empty() || tolerances != Tolerances::none());
            is_strict(&request, &stock.rt);
            let given = documents.get(1).and_then(|body| stock::resource(&stock.rt, body));
            for resource in given.iter().chain([&stock.stored]) {
                applied(&request, &stock.rt, resource);
            }
        }
    }
}

/// Behind the tolerant reader are only the RFC's own forms: they read again, strictly, as they are.
fn is_strict(request: &PatchRequest, rt: &ResourceType) {
    if request.operations.is_empty() {
        return;
    }
    let read = PatchRequest::read(&request.to_json(), rt, &Tolerances::none());
    let read = read.map(|(read, _)| read.operations);
    assert_eq!(read.as_ref(), Ok(&request.operations), "{}", request.to_json());
}

fn applied(request: &PatchRequest, rt: &ResourceType, before: &Resource) {
    let Ok(outcome) = request.apply(rt, before) else { return };
    let PatchOutcome { resource: after, changed, .. } = &outcome;
    stock::assert_valid(rt, after);
    let (old, new) = (before.document(), after.document());
    for name in ["id", "meta"] {
        assert_eq!(old.get(name), new.get(name), "{}", request.to_json());
    }
    let data = |document: &serde_json::Map<String, Value>| {
        let mut data = document.clone();
        data.remove("schemas");
        data
    };
    assert_eq!(data(old) != data(new), *changed, "{}", request.to_json());
    if let [operation] = &request.operations[..]
        && is_idempotent(operation)
    {
        let again = request.apply(rt, after);
        assert!(again.is_ok_and(|again| !again.changed), "{} twice", request.to_json());
    }
    differs(rt, before, after);
}

/// What selects nothing by its value finds the same again; so does what is gone.
fn is_idempotent(operation: &PatchOperation) -> bool {
    let filtered = operation.path.as_ref().is_some_and(|path| path.value_filter.is_some());
    operation.op == PatchOp::Remove || !filtered
}

/// The smallest request that does the same, does the same.
fn differs(rt: &ResourceType, before: &Resource, after: &Resource) {
    let request = diff(rt, before, after);
    is_strict(&request, rt);
    let outcome = request.apply(rt, before);
    // Immutable and required attributes may forbid the way that a request took in several steps.
    let Ok(outcome) = outcome else { return };
    let rest = diff(rt, &outcome.resource, after);
    assert!(rest.operations.is_empty(), "{} leaves {}", request.to_json(), rest.to_json());
}
