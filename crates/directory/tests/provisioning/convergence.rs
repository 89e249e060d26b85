//! After an apply nothing is left to do, with as few requests as possible.

use directory::{ApplyOutcome, StepStatus};
use serde_json::json;

use crate::office::{APP, Office, left, login, row, rows, today};

#[tokio::test]
async fn a_first_push_creates_everybody_and_their_groups_with_the_fewest_requests() {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..30));
    let planned = office.plan().await;
    assert_eq!(planned.observed_pages, 2);
    assert_eq!(office.fake.count("POST", "/"), 0, "planning changes nothing");
    let report = office.converges().await;
    assert_eq!((report.planned, report.done, report.superseded), (32, 32, 0));
    assert_eq!(report.requests, report.requests_planned);
    assert_eq!(planned.requests_minimum, 32 + 2);
    assert_eq!(office.fake.world().received.len() as u64, planned.requests_minimum);
    assert_eq!(office.fake.active().values().filter(|active| **active).count(), 30);
    let groups = office.fake.memberships();
    assert_eq!(groups["Sales"].len(), 10);
    assert!(groups["Sales"].contains(&login(0)));
    let user = office.fake.user(&login(1)).unwrap();
    assert_eq!(user["name"], json!({"givenName": "F1", "familyName": "L1"}));
    assert_eq!(office.events("account.created").len(), 30);
    assert_eq!(office.events("account.differs").len(), 0);
}

#[tokio::test]
async fn movers_leavers_and_people_who_come_back_cost_one_request_each() {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..30));
    office.converges().await;
    office.fake.forget_requests();

    // 0 leaves, 1 moves from Support to Sales, 2 gets another title.
    let moved = row(1).replace("Support", "Sales");
    let titled = row(2).replace("Clerk", "Lead");
    office.import(&format!("{}{moved}{titled}{}", left(0), rows(3..30)));
    let report = office.converges().await;
    // Three accounts, two groups.
    assert_eq!((report.done, report.requests), (5, 5));
    assert!(!office.fake.active()[&login(0)]);
    let groups = office.fake.memberships();
    assert!(groups["Sales"].contains(&login(1)) && !groups["Support"].contains(&login(1)));
    assert!(groups["Sales"].contains(&login(0)), "a leaver costs one request");
    assert_eq!(office.fake.user(&login(2)).unwrap()["title"], "Lead");

    // 0 comes back.
    office.fake.forget_requests();
    let back = row(0).replace("2020-01-01", "2026-11-20");
    office.import(&format!("{back}{moved}{titled}{}", rows(3..30)));
    let report = office.converges().await;
    assert_eq!(report.requests, 1);
    assert!(office.fake.active()[&login(0)]);
    assert_eq!(office.events("account.reactivated").len(), 1);
}

#[tokio::test]
async fn accounts_and_groups_that_are_there_are_linked() {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..3));
    // One as we would have made it, one that differs, one of nobody.
    let whole = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": login(0), "active": true, "displayName": "F0 L0", "title": "Clerk",
        "name": {"givenName": "F0", "familyName": "L0"},
        "emails": [{"type": "work", "value": login(0), "primary": true}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
            {"department": "Sales", "employeeNumber": "00000"},
    });
    office.fake.has_user(whole);
    office.fake.has_user(json!({"userName": login(1).to_uppercase(), "active": false}));
    office.fake.has_user(json!({"userName": "stranger@else.example", "active": true}));
    let report = office.converges().await;
    assert_eq!(office.fake.creations().len(), 1, "only the third person is created");
    assert_eq!(office.events("account.linked").len(), 2);
    // 2 pages, 1 update, 1 creation, 2 groups.
    assert_eq!(report.requests, 6);
    assert!(office.fake.active()["stranger@else.example"], "what is nobody's is left alone");
    assert!(office.fake.active()[&login(1)]);
}

#[tokio::test]
async fn a_group_of_that_name_is_linked_and_renamed_to_the_letter() {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..3));
    office.fake.world().groups.insert(
        "g7".into(),
        json!({"id": "g7", "displayName": "SALES"}).as_object().unwrap().clone(),
    );
    office.converges().await;
    let groups = office.fake.memberships();
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["Sales", "Support"]);
    assert_eq!(groups["Sales"].len(), 1);
    assert_eq!(office.fake.count("POST", "/Groups"), 1);
}

#[tokio::test]
async fn members_travel_in_batches_and_arrive_whole() {
    let office = Office::new().await;
    office.configure(json!({"profile": "zoom", "push_group": [{"group": "Sales"}]}));
    // 700 in Sales: one POST with 500, one PATCH with the rest.
    let sales: String = (0..700).map(|n| row(n * 3)).collect();
    office.import(&sales);
    let fast = office.plan().await.plan;
    assert_eq!(fast.cost.member_batches, 1);
    assert_eq!(fast.cost.memberships_added, 700);
}

#[tokio::test]
async fn a_leaver_is_sent_before_anybody_else() {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..20));
    office.converges().await;
    office.fake.forget_requests();
    let leavers: String = (0..4).map(left).collect();
    let movers: String = (4..8).map(|n| row(n).replace("Clerk", "Lead")).collect();
    office.import(&format!("{leavers}{movers}{}", rows(8..40)));
    office.converges().await;
    let world = office.fake.world();
    let last_leaver =
        world.received.iter().rposition(|it| it.body["Operations"][0]["path"] == "active");
    let first_other = world
        .received
        .iter()
        .position(|it| it.method == "POST" || it.body["Operations"][0]["path"] == "title");
    assert!(last_leaver.unwrap() < first_other.unwrap());
    let last_user = world.received.iter().rposition(|it| it.path.starts_with("/Users"));
    let first_group = world.received.iter().position(|it| it.path.starts_with("/Groups"));
    assert!(last_user.unwrap() < first_group.unwrap(), "members after accounts");
}

#[tokio::test]
async fn one_person_is_provisioned_step_by_step() {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..6));
    office.converges().await;
    office.import(&rows(0..7));
    office.fake.forget_requests();
    let application = office.directory.application(APP).unwrap();
    let person = office.directory.person("00006").unwrap();
    let mut steps = Vec::new();
    let done = office
        .directory
        .work_one(&office.ctx(), &application, &person, today(), &mut |step| steps.push(step))
        .await
        .unwrap();
    assert!(done.ok, "{steps:?}");
    let told: Vec<(&str, StepStatus, usize)> =
        steps.iter().map(|step| (step.name, step.status, step.exchanges.len())).collect();
    let well = StepStatus::Done;
    assert_eq!(
        told,
        [
            ("scope", well, 0),
            ("match", well, 1),
            ("decide", well, 0),
            ("act", well, 1),
            ("groups", well, 1)
        ]
    );
    assert_eq!(done.requests, 3);
    assert!(office.fake.memberships()["Sales"].contains(&login(6)));
    assert!(office.plan().await.plan.is_empty());
}

#[tokio::test]
async fn the_background_applies_what_changes_and_stops_when_told() {
    let office = Office::new().await;
    office.configure(json!({"auto": true}));
    office.import(&rows(0..5));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let directory = office.directory.clone();
    let background = tokio::spawn(async move { directory.run_background(stopped).await });
    while office.fake.memberships().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    office.import(&rows(0..6));
    while office.fake.user(&login(5)).is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stop.send(()).unwrap();
    background.await.unwrap().unwrap();
    assert_eq!(office.apply().await.outcome, ApplyOutcome::Applied);
}
