//! The table of the endpoints that tell what happens.

use super::operations::{NONE, Operation};

/// Every endpoint of events.
pub(super) const EVENT_OPERATIONS: &[Operation] = &[Operation {
    path: "/events",
    summary: "What happened, from a place on: in order and without gaps.",
    query: "after:integer limit:integer wait:integer",
    answer: r#"{"events": [{"place": 42, "id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77",
        "kind": "user.deactivated", "subject": "0199f3b2-5f7a-7d21-9f0e-77f1d3c2ab10",
        "actor": "token:okta", "cause": "PATCH /Users", "at": "2026-11-24T09:00:00Z",
        "payload": {}}], "next": 42, "caught_up": true}"#,
    ..NONE
}];
