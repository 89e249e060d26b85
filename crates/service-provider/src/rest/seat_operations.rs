//! The part of the table of endpoints that is about seats.

use super::operations::{NONE, Operation};

/// Every operation beneath `/seats`, by path.
pub(super) const SEAT_OPERATIONS: &[Operation] = &[
    Operation {
        path: "/seats",
        summary: "Every pool, and the changes whose users are still being settled.",
        answer: r#"{"pools": [{"kind": "product", "key": "phone", "name": "Phone", "rank?": 1,
            "retired": false, "default": false, "limit?": 50, "held": 48, "waiting": 2, "over": 0,
            "price?": {"minor_units": 1499, "currency": "EUR"}}], "settlements": [{"id": "0199",
            "reason": "the grant of group \"Sales\" changed", "actor": "cli:ana",
            "opened_at": "2026-11-24T09:00:00Z", "total": 20000, "done": 512}],
            "pending_users": 19488}"#,
        ..NONE
    },
    Operation {
        path: "/seats/history",
        summary: "Every seat that was ever held or waited for, with reasons, start and end; by user.",
        query: "user kind key from to as_of after_user page_size:integer",
        answer: r#"{"seats": [{"user_name": "ana@acme.test", "user": "0199", "kind": "product",
            "key": "phone", "state": "held", "since": "2026-11-24T09:00:00Z",
            "until?": "2026-12-24T09:00:00Z", "reason": {}, "restated?": [], "ended_because?": {},
            "waited_since?": "2026-11-23T09:00:00Z"}], "after_user?": "0199"}"#,
        ..NONE
    },
    Operation {
        path: "/seats/forecast",
        summary: "What each pool needs in the days to come, when it runs out, and how many are missing.",
        query: "days:integer",
        answer: r#"{"forecast": [{"kind": "product", "key": "phone", "name": "Phone", "limit?": 50,
            "held": 48, "waiting": 2, "invited": 0, "day_count": 30, "until": "2026-12-24",
            "joiners": 12, "leavers": 0, "trend_net?": 0, "days": [{"date": "2026-12-01",
            "joiners": 12, "leavers": 0, "need": 62, "sources": ["hr"]}], "peak": 62,
            "runs_out_on?": "2026-12-01", "short": 12, "sentence": "Phone: the next 30 days…"}]}"#,
        ..NONE
    },
    Operation {
        path: "/seats/demand",
        summary: "Who joins and leaves on which day, as it was told.",
        answer: r#"{"demand": [{"source": "hr", "date": "2026-12-01", "needs": {}, "joiners": 12,
            "leavers": 0, "put_by": "token:hr", "put_at": "2026-11-24T09:00:00Z"}]}"#,
        ..NONE
    },
    Operation {
        method: "put",
        path: "/seats/demand/{source}",
        summary: "Say all that a source knows of the days to come, in place of what it said before.",
        body: r#"{"demand": [{"date": "2026-12-01", "needs": {"group?": "Sales", "license?": "basic",
            "product?": "phone"}, "joiners?": 12, "leavers?": 0}]}"#,
        answer: r#"{"source": "hr", "entries": 1}"#,
        ..NONE
    },
    Operation {
        path: "/seats/idle",
        summary: "Who does not use a seat, since when, and what that costs; seats nobody holds.",
        query: "days:integer",
        answer: r#"{"days": 60, "idle": [{"user": "0199", "user_name": "ana@acme.test",
            "kind": "product", "key": "phone", "name": "Phone", "idle_since": "2026-06-01T09:00:00Z",
            "last?": {"at": "2026-06-01T09:00:00Z", "what": "sign-in"}, "reason": {},
            "price?": {"minor_units": 1499, "currency": "EUR"}}], "idle_cost": {"EUR?": 1499},
            "unused": [{"kind": "product", "key": "phone", "name": "Phone", "count": 2,
            "cost": {"minor_units": 2998, "currency": "EUR"}}], "unused_cost": {"EUR?": 2998}}"#,
        ..NONE
    },
    Operation {
        path: "/seats/reclaim",
        summary: "What the tenant's policy takes back, what it spares and why.",
        answer: r#"{"mode": "propose", "digest": "3f9c1a7b", "proposals": [{"user": "0199",
            "user_name": "ana@acme.test", "kind": "product", "key": "phone", "name": "Phone",
            "idle_since": "2026-06-01", "price?": {"minor_units": 1499, "currency": "EUR"},
            "due_at": "2026-12-08T09:00:00Z", "to_be_told": false, "is_due": false}],
            "spared": [{}], "held_back": [{}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/seats/reclaim/approvals",
        summary: "Take back exactly what was listed under a digest.",
        body: r#"{"digest": "3f9c1a7b", "over_share?": false}"#,
        answer: r#"{"reclaimed": [{}], "kept": 0}"#,
        ..NONE
    },
];
