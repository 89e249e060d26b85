//! The table of the endpoints that tell what happens.

use super::operations::{NONE, Operation};

/// Every endpoint of events.
pub(super) const EVENT_OPERATIONS: &[Operation] = &[
    Operation {
        path: "/events",
        summary: "What happened, from a place on: in order and without gaps.",
        query: "after:integer limit:integer wait:integer",
        answer: r#"{"events": [{"place": 42, "id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77",
        "kind": "user.deactivated", "subject": "0199f3b2-5f7a-7d21-9f0e-77f1d3c2ab10",
        "actor": "token:okta", "cause": "PATCH /Users", "at": "2026-11-24T09:00:00Z",
        "payload": {}}], "next": 42, "caught_up": true}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/events/poll",
        summary: "Security event tokens of a stream that is polled (RFC 8936).",
        query: "stream",
        body: r#"{"maxEvents?": 100, "returnImmediately?": true,
            "ack?": ["0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77"], "setErrs?": {}}"#,
        answer: r#"{"sets": {}, "moreAvailable": false}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/webhooks",
        summary: "Who is told what happens.",
        answer: r#"{"webhooks": [{"id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77", "url": "https://hooks.example.com/a",
        "events": ["user.*"], "signature": "standard", "audience?": "https://receiver.example",
        "status": "active", "status_since": "2026-11-24T09:00:00Z", "status_by": "cli:ana",
        "place": 42, "waiting": 0, "dead": 0, "failures": 0,
        "failing_since?": "2026-11-24T09:00:00Z", "retry_at?": "2026-11-24T09:00:00Z",
        "last_error?": "The receiver answered 500", "last_success_at?": "2026-11-24T09:00:00Z",
        "previous_secret_until?": "2026-11-25T09:00:00Z", "created_at": "2026-11-24T09:00:00Z",
        "created_by": "cli:ana"}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/webhooks",
        summary: "Set up a webhook; its secret is in the answer, this once.",
        status: 201,
        body: r#"{"url?": "https://hooks.example.com/a", "events?": ["user.*"],
            "signature?": "standard", "audience?": "https://receiver.example",
            "authorization?": "Bearer …", "from_place?": 1}"#,
        answer: r#"{"id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77", "url": "https://hooks.example.com/a",
        "events": ["user.*"], "signature": "standard", "audience?": "https://receiver.example",
        "status": "active", "status_since": "2026-11-24T09:00:00Z", "status_by": "cli:ana",
        "place": 42, "waiting": 0, "dead": 0, "failures": 0,
        "failing_since?": "2026-11-24T09:00:00Z", "retry_at?": "2026-11-24T09:00:00Z",
        "last_error?": "The receiver answered 500", "last_success_at?": "2026-11-24T09:00:00Z",
        "previous_secret_until?": "2026-11-25T09:00:00Z", "created_at": "2026-11-24T09:00:00Z",
        "created_by": "cli:ana", "secret?": "whsec_…", "error?": "The receiver answered 500"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/webhooks/{webhook}",
        summary: "A webhook, and how far along it is.",
        answer: r#"{"id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77", "url": "https://hooks.example.com/a",
        "events": ["user.*"], "signature": "standard", "audience?": "https://receiver.example",
        "status": "active", "status_since": "2026-11-24T09:00:00Z", "status_by": "cli:ana",
        "place": 42, "waiting": 0, "dead": 0, "failures": 0,
        "failing_since?": "2026-11-24T09:00:00Z", "retry_at?": "2026-11-24T09:00:00Z",
        "last_error?": "The receiver answered 500", "last_success_at?": "2026-11-24T09:00:00Z",
        "previous_secret_until?": "2026-11-25T09:00:00Z", "created_at": "2026-11-24T09:00:00Z",
        "created_by": "cli:ana"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/webhooks/{webhook}",
        summary: "Remove a webhook with what waits for it.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "put",
        path: "/webhooks/{webhook}/status",
        summary: "Pause or resume a webhook.",
        body: r#"{"action": "pause"}"#,
        answer: r#"{"id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77", "url": "https://hooks.example.com/a",
        "events": ["user.*"], "signature": "standard", "audience?": "https://receiver.example",
        "status": "active", "status_since": "2026-11-24T09:00:00Z", "status_by": "cli:ana",
        "place": 42, "waiting": 0, "dead": 0, "failures": 0,
        "failing_since?": "2026-11-24T09:00:00Z", "retry_at?": "2026-11-24T09:00:00Z",
        "last_error?": "The receiver answered 500", "last_success_at?": "2026-11-24T09:00:00Z",
        "previous_secret_until?": "2026-11-25T09:00:00Z", "created_at": "2026-11-24T09:00:00Z",
        "created_by": "cli:ana"}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/webhooks/{webhook}/test",
        summary: "Send a message that tells nothing.",
        answer: r#"{"delivered": true, "status?": 204, "error?": "The receiver answered 500"}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/webhooks/{webhook}/replay",
        summary: "Deliver again: from a place on, or one event.",
        body: r#"{"from_place?": 1, "event_id?": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77"}"#,
        answer: r#"{"id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77", "url": "https://hooks.example.com/a",
        "events": ["user.*"], "signature": "standard", "audience?": "https://receiver.example",
        "status": "active", "status_since": "2026-11-24T09:00:00Z", "status_by": "cli:ana",
        "place": 42, "waiting": 0, "dead": 0, "failures": 0,
        "failing_since?": "2026-11-24T09:00:00Z", "retry_at?": "2026-11-24T09:00:00Z",
        "last_error?": "The receiver answered 500", "last_success_at?": "2026-11-24T09:00:00Z",
        "previous_secret_until?": "2026-11-25T09:00:00Z", "created_at": "2026-11-24T09:00:00Z",
        "created_by": "cli:ana"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/webhooks/{webhook}/dead",
        summary: "Deliveries that were given up, the newest first.",
        answer: r#"{"deliveries": [{"place": 42, "event": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77",
            "kind": "user.created", "subject": "0199f3b2-5f7a-7d21-9f0e-77f1d3c2ab10",
            "attempts": 10, "error": "The receiver answered 500", "dead_at": "2026-11-24T09:00:00Z"}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/webhooks/{webhook}/secret",
        summary: "Give a webhook a new secret; the former signs beside it for a while.",
        body: r#"{"overlap_seconds?": 86400}"#,
        answer: r#"{"id": "0199f3b2-6d1e-7c44-8a10-2b6d1f0c9e77", "url": "https://hooks.example.com/a",
        "events": ["user.*"], "signature": "standard", "audience?": "https://receiver.example",
        "status": "active", "status_since": "2026-11-24T09:00:00Z", "status_by": "cli:ana",
        "place": 42, "waiting": 0, "dead": 0, "failures": 0,
        "failing_since?": "2026-11-24T09:00:00Z", "retry_at?": "2026-11-24T09:00:00Z",
        "last_error?": "The receiver answered 500", "last_success_at?": "2026-11-24T09:00:00Z",
        "previous_secret_until?": "2026-11-25T09:00:00Z", "created_at": "2026-11-24T09:00:00Z",
        "created_by": "cli:ana", "secret": "whsec_…"}"#,
        ..NONE
    },
];
