//! Applications as they are: conflicts, missing ids, success without effect, lists cut short.

use directory::ApplyOutcome;
use serde_json::{Value, json};

use crate::fake::Fault;
use crate::office::{Office, login, rows};

async fn office(people: u32) -> Office {
    let office = Office::running().await;
    office.configure(json!({}));
    office.import(&rows(0..people));
    office
}

#[tokio::test]
async fn a_conflict_is_looked_up_and_linked() {
    let office = office(6).await;
    office.plan().await;
    // Somebody makes the account by hand after we listed.
    let id = office.fake.has_user(json!({"userName": login(2), "active": true}));
    let report = office.converges().await;
    assert_eq!((report.done, report.failed_count), (8, 0));
    assert_eq!(office.fake.world().users.len(), 6);
    assert_eq!(office.fake.user(&login(2)).unwrap()["id"], Value::from(id));
    assert_eq!(office.fake.user(&login(2)).unwrap()["title"], "Clerk");
    assert_eq!(office.events("account.linked").len(), 1);
}

#[tokio::test]
async fn a_conflict_with_nothing_to_link_is_told() {
    let office = office(6).await;
    let taken = Fault::Answer(409, Vec::new(), json!({"detail": "exists elsewhere"}).to_string());
    office.fake.trap(usize::MAX, taken, |it| {
        it.method == "POST" && it.body["userName"] == login(2).as_str()
    });
    let report = office.apply().await;
    assert_eq!((report.failed_count, office.fake.world().users.len()), (1, 5));
    assert_eq!(report.failed[0].reason, "it exists already (409): exists elsewhere");
}

#[tokio::test]
async fn a_group_that_stands_in_the_way_is_linked() {
    let office = office(6).await;
    office.plan().await;
    office.fake.world().groups.insert(
        "g7".into(),
        json!({"id": "g7", "displayName": "Sales"}).as_object().unwrap().clone(),
    );
    office.converges().await;
    assert_eq!(office.fake.memberships()["Sales"].len(), 2);
}

#[tokio::test]
async fn a_creation_without_an_id_in_the_answer_is_looked_up() {
    let office = office(6).await;
    office.fake.trap(usize::MAX, Fault::DoneWithoutBody, |it| it.method == "POST");
    let report = office.converges().await;
    assert_eq!(report.done, 8);
    // Whether the members came with the two groups is looked up, too.
    assert_eq!(report.requests, 2 + 2 * 8 + 2);
}

#[tokio::test]
async fn an_answer_without_a_body_counts_as_done() {
    let office = office(6).await;
    office.converges().await;
    office.fake.trap(usize::MAX, Fault::DoneWithoutBody, |it| it.method == "PATCH");
    office.import(&rows(0..6).replace("Clerk", "Lead"));
    let report = office.converges().await;
    assert_eq!(report.requests, 6);
    assert_eq!(office.events("account.differs").len(), 0);
}

#[tokio::test]
async fn success_without_effect_is_told_and_not_repeated_in_a_circle() {
    let office = office(6).await;
    office.converges().await;
    office.fake.forget_requests();
    office.fake.trap(usize::MAX, Fault::Ignored, |it| it.method == "PATCH");
    office.import(&rows(0..6).replace("Clerk", "Lead"));
    let report = office.apply().await;
    assert_eq!(report.outcome, ApplyOutcome::Applied);
    assert_eq!(office.fake.count("PATCH", "/Users"), 6);
    assert_eq!(office.events("account.differs").len(), 6);
    let plan = office.plan().await.plan;
    let drifted = |finding: &&lifecycle::PlanFinding| {
        matches!(finding, lifecycle::PlanFinding::Drifted { .. })
    };
    assert_eq!(plan.findings.iter().filter(drifted).count(), 6);
    assert!(plan.is_empty(), "it is told, not sent again and again");
}

#[tokio::test]
async fn an_account_that_is_gone_is_created_again_with_its_memberships() {
    let office = office(9).await;
    office.converges().await;
    let id = office.fake.user(&login(3)).unwrap()["id"].as_str().unwrap().to_string();
    office.fake.world().users.remove(&id);
    for members in office.fake.world().members.values_mut() {
        members.remove(&id);
    }
    office.import(&rows(0..9).replace("Clerk", "Lead"));
    let report = office.converges().await;
    assert_eq!(report.failed_count, 0);
    assert_eq!(office.fake.user(&login(3)).unwrap()["title"], "Lead");
    assert!(office.fake.memberships()["Sales"].contains(&login(3)));
    assert_eq!(office.events("account.gone").len(), 1);
}

#[tokio::test]
async fn a_group_that_is_gone_is_created_again_with_its_members() {
    let office = office(9).await;
    office.converges().await;
    {
        let mut world = office.fake.world();
        world.groups.retain(|_, group| group["displayName"] != "Sales");
    }
    office.import(&rows(0..10));
    office.converges().await;
    assert_eq!(office.fake.memberships()["Sales"].len(), 4);
}

#[tokio::test]
async fn what_a_list_does_not_show_is_never_taken_to_be_gone() {
    let office = office(40).await;
    office.converges().await;
    office.fake.world().paging_ignored = Some(20);
    let seen = office.directory.observe(&office.ctx(), "app", &|_| {}).await.unwrap();
    assert_eq!((seen.accounts, seen.gone, seen.complete), (20, 0, false));
    assert!(office.plan().await.plan.is_empty());
}

#[tokio::test]
async fn what_is_gone_there_is_asked_for_before_it_is_believed() {
    let office = office(40).await;
    office.converges().await;
    let id = office.fake.user(&login(3)).unwrap()["id"].as_str().unwrap().to_string();
    office.fake.world().users.remove(&id);
    office.fake.forget_requests();
    let seen = office.directory.observe(&office.ctx(), "app", &|_| {}).await.unwrap();
    assert_eq!((seen.accounts, seen.gone, seen.complete), (39, 1, true));
    assert_eq!(office.fake.count("GET", &format!("/Users/{id}")), 1);
    assert_eq!(office.plan().await.plan.cost.creates, 1);
}

#[tokio::test]
async fn somebody_who_was_activated_there_is_deactivated_again() {
    let office = office(30).await;
    office.converges().await;
    office.import(&format!("{}{}", crate::office::left(0), rows(1..30)));
    office.converges().await;
    let id = office.fake.user(&login(0)).unwrap()["id"].as_str().unwrap().to_string();
    office.fake.world().users.get_mut(&id).unwrap().insert("active".into(), true.into());
    office.directory.observe(&office.ctx(), "app", &|_| {}).await.unwrap();
    let report = office.converges().await;
    assert_eq!(report.requests, 1);
    assert!(!office.fake.active()[&login(0)]);
}

/// Everything a lifecycle needs, with an application that differs from its profile in this.
async fn whole_lifecycle(overrides: Value) -> Office {
    let office = Office::running().await;
    office.fake.world().is_lenient = overrides["group_patch"] == "by_value_list";
    office.configure(json!({ "profile_overrides": overrides }));
    office.import(&rows(0..12));
    office.converges().await;
    let moved = crate::office::row(1).replace("Support", "Sales");
    let titled = crate::office::row(2).replace("Clerk", "Lead");
    office.import(&format!("{}{moved}{titled}{}", crate::office::left(0), rows(3..12)));
    let report = office.converges().await;
    assert_eq!(report.requests, report.requests_planned, "what was planned is what was sent");
    assert!(!office.fake.active()[&login(0)]);
    assert_eq!(office.fake.user(&login(2)).unwrap()["title"], "Lead");
    assert_eq!(office.fake.user(&login(2)).unwrap()["name"]["familyName"], "L2");
    let groups = office.fake.memberships();
    assert!(groups["Sales"].contains(&login(1)) && !groups["Support"].contains(&login(1)));
    assert_eq!(groups["Sales"].len(), 5, "{groups:?}");
    assert_eq!(office.events("account.differs").len(), 0);
    assert_eq!(office.events("push_group.differs").len(), 0);
    office
}

#[tokio::test]
async fn users_and_groups_are_put_whole_where_nothing_can_be_patched() {
    let office = whole_lifecycle(json!({"update_verb": "put", "group_patch": "put"})).await;
    assert_eq!(office.fake.count("PATCH", "/"), 0);
}

#[tokio::test]
async fn members_that_a_post_cannot_carry_follow() {
    let quirks = json!(["no_members_on_group_create"]);
    let office = whole_lifecycle(json!({"group_patch": "put", "quirks": quirks})).await;
    assert_eq!(office.fake.count("PATCH", "/Groups"), 0);
    let quirks = json!(["no_members_on_group_create"]);
    whole_lifecycle(json!({"group_patch": "by_value_list", "quirks": quirks})).await;
}

#[tokio::test]
async fn what_cannot_be_trusted_is_read_again() {
    let office = whole_lifecycle(json!({"trusts_write_response": false})).await;
    assert!(office.fake.count("GET", "/Users/") >= 15);
    // A success without effect is seen at once.
    office.fake.trap(usize::MAX, Fault::Ignored, |it| it.method == "PATCH");
    office.import(&rows(3..12).replace("Clerk", "Head"));
    office.apply().await;
    assert_eq!(office.events("account.differs").len(), 9);
}

#[tokio::test]
async fn small_batches_bring_every_member() {
    whole_lifecycle(json!({"member_batch": 2, "concurrency": 1, "page_size": 3})).await;
}
