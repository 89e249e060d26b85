//! Explanations and provisioning on demand, against an application that tells why somebody has a
//! license, and one that does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use db::{Clock, Ctx, KeyFile};
use directory::{
    ApplicationConfig, ApplyOptions, Directory, DirectoryOptions, Explanation, GroupConfig,
    HandEdit, ImportOptions, LogQuery, Outbound, RuleConfig, SourceConfig,
};
use jiff::civil::Date;
use lifecycle::Acceptance;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const SOURCE: &str = r#"{
    "name": "hr",
    "columns": {
        "employeeNumber": "id", "name.givenName": "first", "name.familyName": "last",
        "department": "dept", "hireDate": "start", "terminationDate": "end"
    },
    "generated": [
        {"attribute": "userName", "value": "row.first + \".\" + row.last + \"@acme.example\""},
        {"attribute": "displayName", "value": "row.first + \" \" + row.last"}
    ]
}"#;

const FILE: &str = "id,first,last,dept,start,end
1,Ana,Ruiz,Sales,2020-01-01,
2,Bo,Lind,Support,2021-06-01,2026-11-24
3,Eva,Novak,Legal,2022-02-02,
";

/// A directory with three people and two groups.
struct Office {
    directory: Directory,
    as_of: Date,
    _folder: TempDir,
}

impl Office {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key_file = folder.path().join("muster.key");
        KeyFile::create(&key_file).unwrap();
        let directory = Directory::open(&DirectoryOptions {
            database: db::testing::url(&folder.path().join("directory.db")),
            key_file,
            clock: Clock::fixed("2026-11-24T09:00:00Z".parse().unwrap()),
            outbound: Outbound::allow(["127.0.0.1".to_string()]),
        })
        .unwrap();
        let office = Self { directory, as_of: "2026-11-24".parse().unwrap(), _folder: folder };
        office.fill();
        office
    }

    fn fill(&self) {
        let (directory, ctx) = (&self.directory, &self.ctx());
        let source: SourceConfig = serde_json::from_str(SOURCE).unwrap();
        directory.put_source(ctx, &source).unwrap();
        let options = ImportOptions { as_of: self.as_of, acceptance: Acceptance::default() };
        directory.import(ctx, "hr", "hr.csv", FILE.as_bytes(), &options).unwrap();
        for name in ["Staff", "Phone"] {
            let (name, description) = (name.to_string(), String::new());
            let group = GroupConfig { name, description, grants_licenses: true };
            directory.put_group(ctx, &group).unwrap();
        }
        for (group, condition) in
            [("Staff", "has(user.userName)"), ("Phone", "user.department == \"Sales\"")]
        {
            let rule = RuleConfig {
                name: group.to_lowercase(),
                condition: condition.into(),
                groups: vec![group.into()],
                active: true,
            };
            directory.put_rule(ctx, &rule).unwrap();
        }
    }

    fn ctx(&self) -> Ctx {
        self.directory.ctx("test", "set-up")
    }

    /// Adds an application to which the group Staff is assigned.
    fn add_application(&self, address: &str) {
        let config: ApplicationConfig = serde_json::from_value(json!({
            "name": "zoom", "base_url": format!("{address}/scim2"),
            "assign": [{"group": "Staff"}],
            "push_group": [{"group": "Staff"}, {"group": "Phone", "name": "Zoom Phone"}],
        }))
        .unwrap();
        self.directory.put_application(&self.ctx(), &config).unwrap();
        self.directory.set_application_token(&self.ctx(), "zoom", "a token").unwrap();
    }

    async fn apply(&self) {
        let options = ApplyOptions { as_of: self.as_of, approve: None };
        let report = self.directory.apply(&self.ctx(), "zoom", options, &|_| {}).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
    }

    async fn explain(&self, person: &str) -> Explanation {
        self.directory.explain(person, Some("zoom"), self.as_of).await.unwrap()
    }
}

/// What an application says about the entitlements of a user.
type Entitlements = fn() -> Response;

/// An application that takes whatever it is given and numbers it.
async fn application(entitlements: Entitlements) -> String {
    let count = Arc::new(AtomicU64::new(0));
    let create = move |Json(mut body): Json<Map<String, Value>>| {
        let id = format!("id-{}", count.fetch_add(1, Ordering::SeqCst) + 1);
        async move {
            body.insert("id".into(), id.into());
            (StatusCode::CREATED, Json(body))
        }
    };
    let list = || async {
        Json(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []
        }))
    };
    let show = |Path(id): Path<String>| async move { Json(json!({ "id": id, "active": true })) };
    let router = Router::new()
        .route("/scim2/Users", get(list).post(create.clone()))
        .route("/scim2/Groups", get(list).post(create))
        .route("/scim2/Users/{id}", get(show).patch(|| async { StatusCode::NO_CONTENT }))
        .route("/scim2/Groups/{id}", patch(|| async { StatusCode::NO_CONTENT }))
        .route("/v2/users/{id}/entitlements", get(move || async move { entitlements() }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

fn tells() -> Response {
    let since = "2026-11-24T09:00:00.5Z";
    Json(json!({
        "state": "active",
        "license": {
            "kind": "license", "key": "licensed", "name": "Licensed", "state": "held",
            "since": since, "pool_held": 2, "pool_limit": 5,
            "chain": ["group \"Staff\" grants Licensed"]
        },
        "products": [],
        "waiting": [{
            "kind": "product", "key": "rooms", "name": "Rooms", "state": "waiting",
            "since": since, "waitlist_place": 2, "pool_held": 1, "pool_limit": 1, "chain": []
        }],
        "not_held": [{
            "kind": "product", "key": "phone", "name": "Phone", "pool_held": 0,
            "granting_groups": [{"group": null, "name": "Zoom Phone"}]
        }],
        "policies": [], "findings": ["Rooms are scarce."]
    }))
    .into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "code": 404, "message": "no such path" }))).into_response()
}

fn not_allowed() -> Response {
    let message = "the scope user:read is missing";
    (StatusCode::FORBIDDEN, Json(json!({ "message": message }))).into_response()
}

fn broken() -> Response {
    (StatusCode::BAD_GATEWAY, "upstream is down").into_response()
}

fn page() -> Response {
    axum::response::Html("<html>Not here</html>").into_response()
}

fn other_words() -> Response {
    Json(json!({ "licenses": 3 })).into_response()
}

/// What is told, without the port of the application.
fn told(explanation: &Explanation) -> String {
    let base_url = explanation.applications.first().map(|it| it.base_url.clone());
    explanation.to_string().replace(&base_url.unwrap_or_default(), "[BASE URL]")
}

#[tokio::test]
async fn the_chain_leads_from_the_hr_row_to_the_seat() {
    let office = Office::new();
    office.add_application(&application(tells).await);
    insta::assert_snapshot!(told(&office.explain("ana.ruiz@acme.example").await), @r#"
    Ana Ruiz (1, ana.ruiz@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 2, imported 2026-11-24 09:00:00 UTC.
      + Employed since 2020-01-01.
      + Member of group Phone
          Rule "phone" matches: user.department == "Sales" (user.department is "Sales").
      + Member of group Staff
          Rule "staff" matches: has(user.userName) (user.userName is "ana.ruiz@acme.example").
    Application zoom ([BASE URL])
      + Assigned
          Group Staff is assigned to the application.
      - No account yet
          The next plan does this: create. `muster apply zoom` runs it.
      - Not pushed to group Phone as "Zoom Phone" yet
          `muster apply zoom` does it.
      - Not pushed to group Staff yet
          `muster apply zoom` does it.
      ? Licenses were not asked for: there is no account to ask about.
    "#);
    office.apply().await;
    insta::assert_snapshot!(told(&office.explain("ana.ruiz@acme.example").await), @r#"
    Ana Ruiz (1, ana.ruiz@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 2, imported 2026-11-24 09:00:00 UTC.
      + Employed since 2020-01-01.
      + Member of group Phone
          Rule "phone" matches: user.department == "Sales" (user.department is "Sales").
      + Member of group Staff
          Rule "staff" matches: has(user.userName) (user.userName is "ana.ruiz@acme.example").
    Application zoom ([BASE URL])
      + Assigned
          Group Staff is assigned to the application.
      + Account id-1, active
          Created by us 2026-11-24 09:00:00 UTC, last written 2026-11-24 09:00:00 UTC.
      + Pushed to group Phone as "Zoom Phone" since 2026-11-24 09:00:00 UTC
      + Pushed to group Staff since 2026-11-24 09:00:00 UTC
      [asked of zoom at 2026-11-24 09:00:00 UTC]
        + Licensed: held since 2026-11-24 09:00:00 UTC
            Group "Staff" grants Licensed.
        - Rooms: waiting since 2026-11-24 09:00:00 UTC
            No seat is free: 1 of 1 are used; place 2 on the waitlist. Free a seat or raise the pool.
        - Phone: not given
            Group Zoom Phone grants it, and zoom has not given it yet.
        Rooms are scarce.
    "#);
}

#[tokio::test]
async fn what_is_missing_is_followed_back_to_the_rule_that_does_not_match() {
    let office = Office::new();
    office.add_application(&application(tells).await);
    office.apply().await;
    insta::assert_snapshot!(told(&office.explain("3").await), @r#"
    Eva Novak (3, eva.novak@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 4, imported 2026-11-24 09:00:00 UTC.
      + Employed since 2022-02-02.
      + Member of group Staff
          Rule "staff" matches: has(user.userName) (user.userName is "eva.novak@acme.example").
      - Not in group Phone
          Rule "phone" does not match: user.department == "Sales" (user.department is "Legal", not "Sales").
    Application zoom ([BASE URL])
      + Assigned
          Group Staff is assigned to the application.
      + Account id-2, active
          Created by us 2026-11-24 09:00:00 UTC, last written 2026-11-24 09:00:00 UTC.
      + Pushed to group Staff since 2026-11-24 09:00:00 UTC
      [asked of zoom at 2026-11-24 09:00:00 UTC]
        + Licensed: held since 2026-11-24 09:00:00 UTC
            Group "Staff" grants Licensed.
        - Rooms: waiting since 2026-11-24 09:00:00 UTC
            No seat is free: 1 of 1 are used; place 2 on the waitlist. Free a seat or raise the pool.
        - Phone: not given
            Group Zoom Phone grants it, and the person is not in it. Rule "phone" does not match: user.department == "Sales" (user.department is "Legal", not "Sales").
        Rooms are scarce.
    "#);
}

#[tokio::test]
async fn whoever_left_has_nothing_and_is_told_so() {
    let office = Office::new();
    office.add_application(&application(tells).await);
    insta::assert_snapshot!(told(&office.explain("2").await), @r"
    Bo Lind (2, bo.lind@acme.example) on 2026-11-24
      Source hr has them in hr.csv, line 3, imported 2026-11-24 09:00:00 UTC.
      - Left on 2026-11-24.
      - In no group: only people who are employed are.
    Application zoom ([BASE URL])
      - Not assigned
          Nobody is entitled to an account who is not employed.
      - No account, and none is due.
      ? Licenses were not asked for: there is no account to ask about.
    ");
}

#[tokio::test]
async fn knowledge_ends_where_an_application_does_not_say() {
    let mut ends = Vec::new();
    let ways: [Entitlements; 5] = [not_found, not_allowed, broken, page, other_words];
    for entitlements in ways {
        let office = Office::new();
        office.add_application(&application(entitlements).await);
        office.apply().await;
        let text = told(&office.explain("1").await);
        ends.push(text.lines().last().unwrap_or_default().trim().to_string());
    }
    insta::assert_snapshot!(ends.join("\n"), @r"
    zoom does not publish which licenses it gives and why. Asked 2026-11-24 09:00:00 UTC.
    zoom does not tell this token which licenses it gives and why (the scope user:read is missing). Asked 2026-11-24 09:00:00 UTC.
    zoom could not be asked: the application failed (502): upstream is down. Asked 2026-11-24 09:00:00 UTC.
    zoom does not publish which licenses it gives and why. Asked 2026-11-24 09:00:00 UTC.
    zoom answers, but not in words that are understood here. Asked 2026-11-24 09:00:00 UTC.
    ");
}

#[tokio::test]
async fn provisioning_one_person_tells_its_steps() {
    let office = Office::new();
    office.add_application(&application(tells).await);
    let mut steps = Vec::new();
    let ctx = office.directory.ctx("test", "provision");
    for person in ["1", "2"] {
        let done = office
            .directory
            .provision(&ctx, person, "zoom", office.as_of, &mut |step| {
                steps.push(format!("{} {:?}: {}", step.name, step.status, step.detail));
            })
            .await
            .unwrap();
        steps.push(format!("ok: {}, requests: {}", done.ok, done.requests));
    }
    insta::assert_snapshot!(steps.join("\n"), @r"
    credentials Done: zoom accepts the token; 0 users are there.
    person Done: Ana Ruiz (1) is in hr.csv, line 2, of source hr, imported 2026-11-24 09:00:00 UTC.
    scope Done: Employed since 2020-01-01. Group Staff is assigned to the application.
    match Done: No account there is the person's.
    decide Done: To do: create. Employed since 2020-01-01. Group Staff is assigned to the application.
    act Done: The application acknowledged it.
    groups Skipped: Staff is not there yet; it comes with the next apply. Zoom Phone is not there yet; it comes with the next apply.
    ok: true, requests: 3
    credentials Done: zoom accepts the token; 0 users are there.
    person Done: Bo Lind (2) is in hr.csv, line 3, of source hr, imported 2026-11-24 09:00:00 UTC.
    scope Skipped: Left on 2026-11-24. Neither the person nor one of their groups is assigned to the application.
    match Done: No account there is the person's.
    decide Skipped: Nothing to do: the account is absent.
    groups Skipped: Without an active account there are no memberships to push.
    ok: true, requests: 2
    ");
}

#[tokio::test]
async fn provisioning_stops_at_a_token_that_is_refused() {
    let office = Office::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refuse = || async {
        (StatusCode::UNAUTHORIZED, Json(json!({ "detail": "The token was revoked." })))
    };
    let router = Router::new().fallback(refuse);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    office.add_application(&format!("http://{address}"));
    let mut steps = Vec::new();
    let ctx = office.directory.ctx("test", "provision");
    let trace = &mut |step: directory::Step| steps.push(step.name);
    let done = office.directory.provision(&ctx, "1", "zoom", office.as_of, trace).await.unwrap();
    assert_eq!((done.ok, done.requests, steps), (false, 1, vec!["credentials"]));
}

#[tokio::test]
async fn the_log_is_filtered_by_kind_and_by_what_people_are_called() {
    let office = Office::new();
    office.add_application(&application(tells).await);
    office.apply().await;
    let log = |kind: Option<&str>, subject: Option<&str>| {
        let (kind, subject) = (kind.map(str::to_string), subject.map(str::to_string));
        let query = LogQuery { kind, subject, after: None, after_place: None, limit: 100 };
        let entries = office.directory.log(&query).unwrap();
        let told = entries.into_iter().map(|entry| {
            format!("{} {}: {}", entry.event.kind, entry.subject_name, entry.sentence)
        });
        told.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(log(None, Some("ANA.ruiz@acme.example")), @r"
    person.joined Ana Ruiz (1): Source hr has employee 1, line 2.
    account.created Ana Ruiz (1): zoom: Employed since 2020-01-01. Group Staff is assigned to the application.
    ");
    insta::assert_snapshot!(log(Some("push_group"), Some("phone")), @r"
    push_group.created Phone: application zoom, group Zoom Phone
    push_group.pushed Phone: zoom: Group Phone is pushed to the application.
    ");
    insta::assert_snapshot!(log(Some("rule."), None), @r#"
    rule.created staff: active true, condition has(user.userName), name staff
    rule.created phone: active true, condition user.department == "Sales", name phone
    "#);
    assert_eq!(log(None, Some("nobody of that name")), "");
}

#[tokio::test]
async fn the_log_is_followed_from_an_entry_on() {
    let office = Office::new();
    let query = |after: Option<String>, limit| LogQuery {
        kind: None,
        subject: None,
        after,
        after_place: None,
        limit,
    };
    let newest = office.directory.log(&query(None, 1)).unwrap();
    let after = newest.first().map(|entry| entry.event.id.clone());
    assert_eq!(office.directory.log(&query(after.clone(), 10)).unwrap(), []);
    let group =
        GroupConfig { name: "New".into(), description: String::new(), grants_licenses: false };
    office.directory.put_group(&office.ctx(), &group).unwrap();
    let next = office.directory.log(&query(after, 10)).unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(
        (next[0].event.kind.as_str(), next[0].subject_name.as_str()),
        ("group.created", "New")
    );
}

#[test]
fn a_condition_is_tried_on_the_people_who_are_employed() {
    let office = Office::new();
    let trial = office.directory.try_condition("user.department == \"Sales\"", office.as_of);
    insta::assert_json_snapshot!(trial.unwrap(), @r#"
    {
      "condition": "user.department == \"Sales\"",
      "as_of": "2026-11-24",
      "reads": [
        "user.department"
      ],
      "employed": 2,
      "matching": 1,
      "examples": [
        {
          "employee_number": "1",
          "name": "Ana Ruiz",
          "because": "user.department is \"Sales\""
        }
      ],
      "counterexamples": [
        {
          "employee_number": "3",
          "name": "Eva Novak",
          "because": "user.department is \"Legal\", not \"Sales\""
        }
      ]
    }
    "#);
    let stored = office.directory.try_stored_rule("PHONE", office.as_of).unwrap();
    assert_eq!((stored.matching, stored.employed), (1, 2));
    assert!(office.directory.try_stored_rule("nobody", office.as_of).is_err());
    let error = office.directory.try_condition("user.departmnt == 1", office.as_of).unwrap_err();
    insta::assert_snapshot!(error, @"condition: column 6: `user` has no attribute `departmnt`; did you mean `department`?");
}

#[test]
fn members_of_a_group_are_told_with_why_they_are_in_it() {
    let office = Office::new();
    let ctx = office.ctx();
    let edit = |person, edit, note| {
        office.directory.edit_group_by_hand(&ctx, "Phone", person, edit, note).unwrap();
    };
    edit("3", HandEdit::Add, "covers for Ana");
    let members = office.directory.group_members("phone", office.as_of).unwrap();
    let told: Vec<String> = members
        .iter()
        .map(|member| {
            let reasons: Vec<String> =
                member.reasons.iter().map(lifecycle::Reason::sentence).collect();
            format!("{} ({}): {}", member.name, member.employee_number, reasons.join(" "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    Ana Ruiz (1): Rule "phone" matches: user.department == "Sales" (user.department is "Sales").
    Eva Novak (3): Added by hand by test at 2026-11-24T09:00:00Z: covers for Ana.
    "#);
    edit("1", HandEdit::Exclude, "");
    assert_eq!(office.directory.group_members("Phone", office.as_of).unwrap().len(), 1);
    let sizes = office.directory.group_sizes(office.as_of).unwrap();
    assert_eq!(sizes, [("Phone".to_string(), 1), ("Staff".to_string(), 2)]);
}
