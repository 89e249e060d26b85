//! Applications that cannot do something, or say they did and did not: another form is tried, and
//! what no form brings is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../provisioning/fake.rs"]
mod fake;
#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../provisioning/office.rs"]
mod office;

use fake::{Fault, Received};
use office::{Office, login, row, rows};
use serde_json::{Value, json};

async fn office() -> Office {
    let office = Office::running().await;
    office.configure(json!({ "profile": "scim" }));
    office.import(&rows(0..9));
    office
}

fn not_implemented() -> Fault {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": ""});
    Fault::Answer(501, Vec::new(), body.to_string())
}

fn patches(what: &'static str) -> impl Fn(&Received) -> bool + Send + 'static {
    move |it| it.method == "PATCH" && it.path.starts_with(what)
}

fn removes_by_filter(it: &Received) -> bool {
    it.method == "PATCH" && it.body.to_string().contains("members[value eq")
}

fn moved() -> String {
    format!("{}{}{}", row(0), row(1).replace("Support", "Sales"), rows(2..9))
}

#[tokio::test]
async fn an_account_that_cannot_be_patched_is_put() {
    let office = office().await;
    office.converges().await;
    office.fake.trap(usize::MAX, not_implemented(), patches("/Users"));
    office.import(&format!("{}{}", office::left(0), rows(1..9).replace("Clerk", "Lead")));
    let report = office.converges().await;
    assert_eq!(report.failed_count, 0);
    assert_eq!(office.fake.user(&login(1)).unwrap()["title"], "Lead");
    assert_eq!(office.fake.user(&login(1)).unwrap()["name"]["familyName"], "L1");
    assert!(!office.fake.active()[&login(0)]);
}

#[tokio::test]
async fn an_account_that_can_neither_be_patched_nor_put_is_told_and_the_rest_is_done() {
    let office = office().await;
    office.converges().await;
    let id = office.fake.user(&login(3)).unwrap()["id"].as_str().unwrap().to_string();
    let path = format!("/Users/{id}");
    office
        .fake
        .trap(usize::MAX, not_implemented(), move |it| it.method != "GET" && it.path == path);
    office.import(&rows(0..9).replace("Clerk", "Lead"));
    let report = office.apply().await;
    assert_eq!((report.done, report.failed_count), (8, 1));
    assert_eq!(report.failed[0].reason, "the application failed (501): no explanation was given");
    assert_eq!(
        report.failed[0].next_step,
        "The application cannot do this; do it there by hand, or see its profile."
    );
}

#[tokio::test]
async fn a_member_that_cannot_be_removed_by_a_filter_is_removed_by_its_value() {
    let office = office().await;
    office.converges().await;
    office.fake.world().is_lenient = true;
    office.fake.trap(usize::MAX, not_implemented(), removes_by_filter);
    office.import(&moved());
    let report = office.converges().await;
    assert_eq!(report.failed_count, 0);
    let groups = office.fake.memberships();
    assert!(groups["Sales"].contains(&login(1)) && !groups["Support"].contains(&login(1)));
    assert_eq!(groups["Support"].len(), 2);
    assert_eq!(office.fake.count("PUT", "/Groups"), 0);
}

#[tokio::test]
async fn a_group_that_cannot_be_patched_is_put_and_keeps_strangers() {
    let office = office().await;
    office.converges().await;
    let stranger = office.fake.has_user(json!({"userName": "stranger", "active": true}));
    for members in office.fake.world().members.values_mut() {
        members.insert(stranger.clone());
    }
    office.fake.trap(usize::MAX, not_implemented(), patches("/Groups"));
    office.import(&moved());
    office.converges().await;
    let groups = office.fake.memberships();
    assert!(groups["Sales"].contains(&login(1)) && !groups["Support"].contains(&login(1)));
    assert!(groups["Sales"].contains("stranger") && groups["Support"].contains("stranger"));
}

#[tokio::test]
async fn a_group_that_does_not_show_its_members_is_not_put() {
    let office = office().await;
    office.converges().await;
    office.fake.trap(usize::MAX, not_implemented(), patches("/Groups"));
    let sight = json!({"id": "x", "displayName": "Support", "members": []}).to_string();
    office.fake.trap(usize::MAX, Fault::Answer(200, Vec::new(), sight), |it| {
        it.method == "GET" && it.path.starts_with("/Groups/")
    });
    office.import(&moved());
    let report = office.apply().await;
    assert!(report.failed_count > 0);
    assert_eq!(office.fake.count("PUT", "/Groups"), 0);
    assert_eq!(office.fake.memberships()["Support"].len(), 3, "nobody was lost");
}

#[tokio::test]
async fn members_that_a_creation_ignored_are_sent_again() {
    for members in [json!([]), Value::Null] {
        let office = office().await;
        office.plan().await;
        let mut shown = json!({"id": "g7", "displayName": "Sales"});
        office.fake.world().groups.insert("g7".into(), shown.as_object().unwrap().clone());
        shown["members"] = members;
        let created = Fault::Answer(201, Vec::new(), shown.to_string());
        office.fake.trap(1, created, |it| it.method == "POST" && it.body["displayName"] == "Sales");
        office.converges().await;
        assert_eq!(office.fake.memberships()["Sales"].len(), 3);
    }
}

#[tokio::test]
async fn a_membership_that_was_acknowledged_without_effect_is_told_and_not_claimed() {
    let office = office().await;
    office.converges().await;
    office.fake.trap(usize::MAX, Fault::Ignored, |it| {
        it.path.starts_with("/Groups/") && it.method != "GET"
    });
    office.import(&moved());
    let report = office.apply().await;
    assert_eq!(report.failed_count, 2, "{report:?}");
    assert!(
        report.failed[0].reason.contains("the application said it was done, and it is not"),
        "{}",
        report.failed[0].reason
    );
    assert_eq!(office.plan().await.plan.changes.len(), 2, "it is still wanted");
    office.fake.heal();
    office.converges().await;
    assert!(office.fake.memberships()["Sales"].contains(&login(1)));
}

#[tokio::test]
async fn a_push_group_that_is_taken_away_and_added_again_is_linked() {
    let office = office().await;
    office.converges().await;
    office.configure(json!({ "profile": "scim", "push_group": [{"group": "Support"}] }));
    office.converges().await;
    office.fake.forget_requests();
    office.import(&moved());
    office.configure(json!({ "profile": "scim" }));
    office.converges().await;
    assert_eq!(office.fake.count("POST", "/Groups"), 0);
    assert_eq!(office.fake.world().groups.len(), 2);
    assert!(office.fake.memberships()["Sales"].contains(&login(1)));
    // Who is in it already is not added again: some would have them twice.
    let world = office.fake.world();
    let added = world
        .received
        .iter()
        .filter(|it| it.method == "PATCH" && it.body.to_string().contains("\"add\""));
    let values = added.map(|it| it.body.to_string().matches("\"value\":\"").count()).sum::<usize>();
    assert_eq!(values, 1, "{:?}", world.received);
}

#[tokio::test]
async fn a_group_whose_name_cannot_be_patched_is_put() {
    let office = office().await;
    office.converges().await;
    office.fake.trap(usize::MAX, not_implemented(), patches("/Groups"));
    let push = json!([{"group": "Sales", "name": "Sellers"}, {"group": "Support"}]);
    office.configure(json!({ "profile": "scim", "push_group": push }));
    office.converges().await;
    assert_eq!(office.fake.memberships()["Sellers"].len(), 3);
}
