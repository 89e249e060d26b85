//! The table of the lifecycle endpoints: what each does, is asked with, and answers.

use super::event_operations::EVENT_OPERATIONS;
use super::seat_operations::SEAT_OPERATIONS;

/// One method of one path.
pub(super) struct Operation {
    /// In small letters.
    pub method: &'static str,
    /// Beneath `/v2`.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The status when all went well.
    pub status: u16,
    /// Query parameters: `name`, `name:type`, `name!` where it is required.
    pub query: &'static str,
    /// Whether it answers in pages.
    pub paged: bool,
    /// A sample of the body; none if empty.
    pub body: &'static str,
    /// A sample of the answer; none if empty.
    pub answer: &'static str,
}

/// What an operation is where its row says nothing else.
pub(super) const NONE: Operation = Operation {
    method: "get",
    path: "",
    summary: "",
    status: 200,
    query: "",
    paged: false,
    body: "",
    answer: "",
};

/// Every operation.
pub(super) fn operations() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().chain(SEAT_OPERATIONS).chain(EVENT_OPERATIONS)
}

/// The operations that are not about seats, by path.
const OPERATIONS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/accounts/me/plans/usage",
        summary: "How many seats there are, are used, and are waited for.",
        answer: r#"{"plan_base": {"type": "granted licenses", "hosts?": 100, "usage": 80, "pending": 0},
            "plan_united": [{"type": "meetings", "name": "Meetings", "hosts?": 100, "usage": 80,
            "pending": 0}], "plan_products": [{"type": "phone", "name": "Phone", "hosts?": 10,
            "usage": 8, "pending": 1}]}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/contact_center/queues",
        summary: "The contact-center queues.",
        paged: true,
        answer: r#"{"queues": [{"queue_id": "0199", "queue_name": "Support", "agents_count": 3}], "page_size": 30,
            "next_page_token": "", "total_records": 1}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/contact_center/queues",
        summary: "Create a queue.",
        status: 201,
        body: r#"{"queue_name": "Support"}"#,
        answer: r#"{"queue_id": "0199", "queue_name": "Support", "agents_count": 3}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/contact_center/queues/{queue}",
        summary: "One queue.",
        answer: r#"{"queue_id": "0199", "queue_name": "Support", "agents_count": 3}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/contact_center/queues/{queue}",
        summary: "Delete a queue; its agents stay.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/contact_center/queues/{queue}/agents",
        summary: "The agents of a queue.",
        paged: true,
        answer: r#"{"agents": [{"user_id": "0199", "user_email": "ana@acme.test", "added_at": "2026-11-24T09:00:00Z"}], "page_size": 30,
            "next_page_token": "", "total_records": 1}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/contact_center/queues/{queue}/agents",
        summary: "Add active users as agents.",
        status: 201,
        body: r#"{"user_ids": ["ana@acme.test"]}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/contact_center/queues/{queue}/agents/{user}",
        summary: "Take an agent out of a queue.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/groups",
        summary: "Groups, by id.",
        paged: true,
        answer: r#"{"groups": [{"id": "0199", "name": "Sales", "total_members": 12}], "page_size": 30,
            "next_page_token": ""}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/groups",
        summary: "Create a group.",
        status: 201,
        body: r#"{"name": "Sales"}"#,
        answer: r#"{"id": "0199", "name": "Sales", "total_members": 12}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/groups/{group}",
        summary: "One group.",
        answer: r#"{"id": "0199", "name": "Sales", "total_members": 12}"#,
        ..NONE
    },
    Operation {
        method: "patch",
        path: "/groups/{group}",
        summary: "Rename a group; what it grants stays with it.",
        status: 204,
        body: r#"{"name": "Sales EMEA"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/groups/{group}",
        summary: "Delete a group; its members lose what only it granted.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/groups/{group}/members",
        summary: "The users in a group, by id.",
        paged: true,
        answer: r#"{"members": [{"id": "0199", "email": "ana@acme.test", "display_name?": "Ana Ng"}],
            "page_size": 30, "next_page_token": "", "total_records": 1}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/groups/{group}/members",
        summary: "Add users to a group.",
        status: 201,
        body: r#"{"members": [{"email": "ana@acme.test"}]}"#,
        answer: r#"{"ids": "0199", "added_at": "2026-11-24T09:00:00Z"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/groups/{group}/members/{user}",
        summary: "Take a user out of a group.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/meetings/{meeting}",
        summary: "One meeting; one that was cancelled is not there.",
        answer: r#"{"id": 81234567890, "topic": "Weekly", "type": 2, "host_id": "0199",
            "start_time": "2026-12-01T09:00:00Z", "duration": 60, "timezone": "Europe/Berlin",
            "created_at": "2026-11-24T09:00:00Z"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/meetings/{meeting}",
        summary: "Cancel a meeting.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/meetings/{meeting}/recordings",
        summary: "The recordings of a meeting.",
        answer: r#"{"id?": 81234567890, "host_id?": "0199", "topic?": "Weekly",
            "start_time?": "2026-11-24T09:00:00Z", "recording_count": 1, "total_size": 1048576,
            "recording_files": [{"id": "0199", "recording_start": "2026-11-24T09:00:00Z",
            "file_size": 1048576, "status": "completed", "kept_since?": "2026-11-24T09:00:00Z",
            "deleted_time?": "2026-11-24T09:00:00Z"}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/meetings/{meeting}/recordings",
        summary: "Add a recording to a meeting.",
        status: 201,
        body: r#"{"file_size?": 1048576}"#,
        answer: r#"{"id?": 81234567890, "host_id?": "0199", "topic?": "Weekly",
            "start_time?": "2026-11-24T09:00:00Z", "recording_count": 1, "total_size": 1048576,
            "recording_files": [{"id": "0199", "recording_start": "2026-11-24T09:00:00Z",
            "file_size": 1048576, "status": "completed", "kept_since?": "2026-11-24T09:00:00Z",
            "deleted_time?": "2026-11-24T09:00:00Z"}]}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/meetings/{meeting}/recordings",
        summary: "Put the recordings of a meeting into the trash.",
        status: 204,
        query: "action",
        ..NONE
    },
    Operation {
        method: "put",
        path: "/meetings/{meeting}/recordings/status",
        summary: "Take the recordings of a meeting out of the trash.",
        status: 204,
        body: r#"{"action": "recover"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        summary: "This document.",
        answer: r#"{"openapi": "3.1.0"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/phone/calling_plans",
        summary: "The calling plans of the account.",
        answer: r#"{"calling_plans": [{"type": 200, "name": "US/CA unlimited", "subscribed": 50,
            "assigned": 12, "available": 38}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/phone/calling_plans",
        summary: "Say how many calling plans of a type the account has.",
        status: 201,
        body: r#"{"type": 200, "name": "US/CA unlimited", "subscribed": 50}"#,
        answer: r#"{"type": 200, "name": "US/CA unlimited", "subscribed": 50, "assigned": 12, "available": 38}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/phone/numbers",
        summary: "Phone numbers: all, assigned or unassigned.",
        query: "type",
        paged: true,
        answer: r#"{"phone_numbers": [{"id": "0199", "number": "+1 555 0100", "status": "assigned",
            "assignee?": {"id": "0199", "type": "user"}}], "page_size": 30, "next_page_token": "",
            "total_records": 1}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/phone/numbers",
        summary: "Add numbers to the pool.",
        status: 201,
        body: r#"{"phone_numbers": [{"number": "+1 555 0100"}]}"#,
        answer: r#"{"phone_numbers": [{"id": "0199", "number": "+1 555 0100", "status": "assigned",
            "assignee?": {"id": "0199", "type": "user"}}]}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/phone/numbers",
        summary: "Remove numbers that lie in the pool; several are separated by commas.",
        status: 204,
        query: "phone_numbers!",
        ..NONE
    },
    Operation {
        method: "get",
        path: "/phone/users/{user}",
        summary: "The calling plans and numbers of a user.",
        answer: r#"{"id": "0199", "email": "ana@acme.test", "calling_plans": [{"type": 200,
            "name": "US/CA unlimited", "assigned_at": "2026-11-24T09:00:00Z"}],
            "phone_numbers": [{"id": "0199", "number": "+1 555 0100"}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/phone/users/{user}/calling_plans",
        summary: "Assign calling plans to an active user.",
        status: 204,
        body: r#"{"calling_plans": [{"type": 200}]}"#,
        ..NONE
    },
    Operation {
        method: "put",
        path: "/phone/users/{user}/calling_plans",
        summary: "Let a user have these calling plans and no others.",
        status: 204,
        body: r#"{"calling_plans": [{"type": 200}]}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/phone/users/{user}/calling_plans/{plan}",
        summary: "Take a calling plan from a user.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/phone/users/{user}/phone_numbers",
        summary: "The numbers of a user.",
        answer: r#"{"phone_numbers": [{"id": "0199", "number": "+1 555 0100", "status": "assigned",
            "assignee?": {"id": "0199", "type": "user"}}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/phone/users/{user}/phone_numbers",
        summary: "Assign numbers of the pool to an active user.",
        status: 201,
        body: r#"{"phone_numbers": [{"number": "+1 555 0100"}]}"#,
        answer: r#"{"phone_numbers": [{"id": "0199", "number": "+1 555 0100", "status": "assigned",
            "assignee?": {"id": "0199", "type": "user"}}]}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/phone/users/{user}/phone_numbers/{number}",
        summary: "Release a number to the pool.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/scim/schemas",
        summary: "The schemas of the tenant's own.",
        answer: r#"{"schemas": []}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/scim/schemas",
        summary: "Add a schema (RFC 7643 section 7).",
        status: 201,
        body: r#"{"id": "urn:acme:scim:Badge", "name": "Badge", "attributes": []}"#,
        answer: r#"{"id": "urn:acme:scim:Badge", "name": "Badge", "attributes": []}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/scim/schemas/{urn}",
        summary: "One schema of the tenant's own.",
        answer: r#"{"id": "urn:acme:scim:Badge", "name": "Badge", "attributes": []}"#,
        ..NONE
    },
    Operation {
        method: "put",
        path: "/scim/schemas/{urn}",
        summary: "Change a schema; what data would not survive is refused.",
        body: r#"{"id": "urn:acme:scim:Badge", "name": "Badge", "attributes": []}"#,
        answer: r#"{"id": "urn:acme:scim:Badge", "name": "Badge", "attributes": []}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/scim/schemas/{urn}",
        summary: "Remove a schema that no data uses.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/scim/resource_types",
        summary: "The resource types of the tenant's own.",
        answer: r#"{"resource_types": []}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/scim/resource_types",
        summary: "Add a resource type (RFC 7643 section 6).",
        status: 201,
        body: r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:acme:scim:Device"}"#,
        answer: r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:acme:scim:Device"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/scim/resource_types/{name}",
        summary: "One resource type.",
        answer: r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:acme:scim:Device"}"#,
        ..NONE
    },
    Operation {
        method: "put",
        path: "/scim/resource_types/{name}",
        summary: "Change a resource type.",
        body: r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:acme:scim:Device"}"#,
        answer: r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:acme:scim:Device"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/scim/resource_types/{name}",
        summary: "Remove a resource type that has no resources.",
        status: 204,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users",
        summary: "Users of one status (active, inactive, pending), by login.",
        query: "status",
        paged: true,
        answer: r#"{"users": [{"id": "0199", "email": "ana@acme.test", "first_name?": "Ana",
            "last_name?": "Ng", "display_name?": "Ana Ng", "type": 2, "status": "active",
            "dept?": "Sales", "created_at": "2026-11-24T09:00:00Z"}], "page_size": 30,
            "next_page_token": ""}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/users",
        summary: "Create a user: `create` invites, `ssoCreate`, \
            `autoCreate` and `custCreate` make an active one, `signUp` is a person signing up.",
        status: 201,
        body: r#"{"action": "ssoCreate", "user_info": {"email": "ana@acme.test", "first_name?": "Ana",
            "last_name?": "Ng", "display_name?": "Ana Ng"}}"#,
        answer: r#"{"id": "0199", "email": "ana@acme.test", "first_name?": "Ana", "last_name?": "Ng",
            "display_name?": "Ana Ng", "type": 2, "status": "active", "dept?": "Sales",
            "created_at": "2026-11-24T09:00:00Z"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/email",
        summary: "Whether an address is somebody's.",
        query: "email!",
        answer: r#"{"existed_email": true}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/{user}",
        summary: "One user, with license and groups.",
        answer: r#"{"id": "0199", "email": "ana@acme.test", "first_name?": "Ana", "last_name?": "Ng",
            "display_name?": "Ana Ng", "type": 2, "status": "active", "dept?": "Sales",
            "created_at": "2026-11-24T09:00:00Z", "license?": "meetings", "group_ids": ["0199"]}"#,
        ..NONE
    },
    Operation {
        method: "patch",
        path: "/users/{user}",
        summary: "Change the profile of an active user. What is left out stays; an empty text clears.",
        status: 204,
        body: r#"{"first_name?": "Ana", "last_name?": "Ng", "display_name?": "Ana Ng", "dept?": "Sales",
            "cost_center?": "4711", "job_title?": "Analyst", "language?": "en-US",
            "timezone?": "Europe/Berlin"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/users/{user}",
        summary: "Remove a user for good; meetings and recordings can go to somebody who stays.",
        status: 204,
        query: "action transfer_email transfer_meeting:boolean transfer_recording:boolean",
        ..NONE
    },
    Operation {
        method: "put",
        path: "/users/{user}/email",
        summary: "Another address, which is the login too where the old one was.",
        status: 204,
        body: r#"{"email": "ana.ng@acme.test"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/{user}/entitlements",
        summary: "What a user has and waits for, and why.",
        answer: r#"{"user": "0199", "user_name": "ana@acme.test", "state": "active",
            "pending?": "a grant changed", "license?": {}, "products": [], "waiting": [],
            "not_held": [], "outvoted": [], "policies": [], "groups": [], "findings": []}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/{user}/meetings",
        summary: "The meetings of a host: scheduled, upcoming, live or previous_meetings.",
        query: "type",
        paged: true,
        answer: r#"{"meetings": [{"id": 81234567890, "topic": "Weekly", "type": 2, "host_id": "0199",
            "start_time": "2026-12-01T09:00:00Z", "duration": 60, "timezone": "Europe/Berlin",
            "created_at": "2026-11-24T09:00:00Z"}], "page_size": 30, "next_page_token": "",
            "total_records": 1}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/users/{user}/meetings",
        summary: "Schedule a meeting.",
        status: 201,
        body: r#"{"topic?": "Weekly", "start_time": "2026-12-01T09:00:00Z", "duration?": 60,
            "timezone?": "Europe/Berlin"}"#,
        answer: r#"{"id": 81234567890, "topic": "Weekly", "type": 2, "host_id": "0199",
            "start_time": "2026-12-01T09:00:00Z", "duration": 60, "timezone": "Europe/Berlin",
            "created_at": "2026-11-24T09:00:00Z"}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/{user}/receipts",
        summary: "What leaving set in motion, step by step, the newest first.",
        answer: r#"{"receipts": [{"id": "0199", "user": "0199", "user_name": "ana@acme.test",
            "kind": "deactivated", "opened_at": "2026-11-24T09:00:00Z", "closed_at?": "2026-11-24T09:00:01Z",
            "ended_at?": "2026-11-24T09:00:01Z", "ended_because?": "reactivated", "restoration?": {},
            "actor": "token:directory", "cause": "PATCH /Users/0199", "steps": []}]}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/{user}/recordings",
        summary: "The recordings of a host, by day.",
        query: "from to trash:boolean",
        paged: true,
        answer: r#"{"meetings": [{"id?": 81234567890, "host_id?": "0199", "topic?": "Weekly",
            "start_time?": "2026-11-24T09:00:00Z", "recording_count": 1, "total_size": 1048576,
            "recording_files": [{"id": "0199", "recording_start": "2026-11-24T09:00:00Z",
            "file_size": 1048576, "status": "completed", "kept_since?": "2026-11-24T09:00:00Z",
            "deleted_time?": "2026-11-24T09:00:00Z"}]}], "page_size": 30, "next_page_token": "",
            "total_records": 1}"#,
        ..NONE
    },
    Operation {
        method: "get",
        path: "/users/{user}/sessions",
        summary: "Sign-in sessions.",
        answer: r#"{"sessions": [{"id": "0199", "user": "0199", "client": "desktop",
            "started_at": "2026-11-24T09:00:00Z"}]}"#,
        ..NONE
    },
    Operation {
        method: "post",
        path: "/users/{user}/sessions",
        summary: "Begin a session.",
        status: 201,
        body: r#"{"client?": "desktop"}"#,
        answer: r#"{"id": "0199", "user": "0199", "client": "desktop", "started_at": "2026-11-24T09:00:00Z"}"#,
        ..NONE
    },
    Operation {
        method: "put",
        path: "/users/{user}/status",
        summary: "Activate or deactivate a user.",
        status: 204,
        body: r#"{"action": "deactivate"}"#,
        ..NONE
    },
    Operation {
        method: "delete",
        path: "/users/{user}/token",
        summary: "End every session of a user.",
        status: 204,
        ..NONE
    },
];
