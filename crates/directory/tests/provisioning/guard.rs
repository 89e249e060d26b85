//! What is held sends nothing; what a person approved is done, and nothing else.

use directory::{ApplyOptions, ApplyOutcome};
use serde_json::json;

use crate::fake::Fault;
use crate::office::{APP, Office, left, login, row, rows, today};

async fn settled(people: u32) -> Office {
    let office = Office::new().await;
    office.configure(json!({}));
    office.import(&rows(0..people));
    office.converges().await;
    office.fake.forget_requests();
    office
}

fn leaving(leavers: std::ops::Range<u32>, people: u32) -> String {
    (0..people).map(|n| if leavers.contains(&n) { left(n) } else { row(n) }).collect()
}

#[tokio::test]
async fn a_plan_that_takes_too_much_sends_nothing_until_it_is_approved() {
    let office = settled(60).await;
    office.import(&leaving(0..20, 60));
    let report = office.apply().await;
    let ApplyOutcome::Held { digest, reasons, next_step } = report.outcome else {
        panic!("{report:?}")
    };
    insta::assert_snapshot!(reasons.join("\n"), @"20 of 60 active accounts would be deactivated; without approval it may be 100 or 5 %, whichever is less.");
    assert!(next_step.contains(&digest));
    assert_eq!(office.fake.world().received.len(), 0);
    // Asking again changes nothing.
    office.apply().await;
    assert_eq!(office.fake.world().received.len(), 0);
    let report = office.apply_approving(Some(&digest)).await;
    assert_eq!(report.outcome, ApplyOutcome::Applied);
    assert_eq!(report.requests, 20);
    assert!(office.plan().await.plan.is_empty());
    assert_eq!(office.events("plan.approved").len(), 1);
}

#[tokio::test]
async fn an_approval_releases_what_was_seen_and_holds_what_was_not() {
    let office = settled(60).await;
    office.import(&leaving(0..20, 60));
    let seen = office.plan().await.plan.digest;
    // Before it is approved, the file gets worse.
    office.import(&leaving(0..40, 60));
    let report = office.apply_approving(Some(&seen)).await;
    assert!(matches!(report.outcome, ApplyOutcome::Held { .. }), "{report:?}");
    assert_eq!(report.done, 20);
    let inactive = office.fake.active().values().filter(|active| !**active).count();
    assert_eq!(inactive, 20, "the others wait for somebody to look");
    assert!(!office.fake.active()[&login(19)] && office.fake.active()[&login(20)]);
}

#[tokio::test]
async fn many_small_plans_are_held_as_one_large_one() {
    let office = settled(100).await;
    office.import(&leaving(0..5, 100));
    assert_eq!(office.apply().await.outcome, ApplyOutcome::Applied);
    office.import(&leaving(0..10, 100));
    assert!(matches!(office.apply().await.outcome, ApplyOutcome::Held { .. }));
    let inactive = office.fake.active().values().filter(|active| !**active).count();
    assert_eq!(inactive, 5);
}

#[tokio::test]
async fn a_license_group_that_is_emptied_in_small_steps_is_held() {
    // 300 people of whom every third one is in the group that grants licenses.
    let office = settled(300).await;
    let moved = |count: u32| {
        (0..300).map(move |n| if n < count { row(n).replace("Sales", "Legal") } else { row(n) })
    };
    office.import(&moved(30).collect::<String>());
    assert_eq!(office.apply().await.outcome, ApplyOutcome::Applied);
    office.import(&moved(60).collect::<String>());
    let report = office.apply().await;
    assert!(matches!(report.outcome, ApplyOutcome::Held { .. }), "{report:?}");
}

#[tokio::test]
async fn what_was_let_pass_is_not_held_when_it_is_taken_up_again() {
    let office = settled(100).await;
    office.import(&leaving(0..5, 100));
    let refuse = Fault::Answer(400, Vec::new(), "{}".into());
    office.fake.trap(3, refuse, |it| it.method == "PATCH");
    let report = office.apply().await;
    assert_eq!((report.done, report.failed_count), (2, 3));
    let report = office.apply().await;
    assert_eq!(report.outcome, ApplyOutcome::Applied);
    assert_eq!(office.fake.active().values().filter(|active| !**active).count(), 5);
}

#[tokio::test]
async fn a_change_that_changed_since_it_was_planned_is_not_sent() {
    let office = settled(12).await;
    let titled = |title: &str| format!("{}{}", left(0), rows(1..12).replace("Clerk", title));
    office.import(&titled("Lead"));
    // While the leaver is on the way, and nobody else is yet, HR says something else.
    let slow = Fault::Slow(std::time::Duration::from_millis(300));
    office.fake.trap(1, slow, |it| it.method == "PATCH");
    let meanwhile = async {
        while office.fake.world().received.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        office.import(&titled("Head"));
    };
    let (report, ()) = tokio::join!(office.apply(), meanwhile);
    assert_eq!((report.planned, report.superseded, report.failed_count), (12, 11, 0));
    assert_eq!(office.events("change.superseded").len(), 11);
    let lead = |it: &&crate::fake::Received| it.body.to_string().contains("Lead");
    assert_eq!(office.fake.world().received.iter().filter(lead).count(), 0);
    office.converges().await;
    for number in 1..12 {
        assert_eq!(office.fake.user(&login(number)).unwrap()["title"], "Head");
    }
}

#[tokio::test]
async fn a_digest_that_nobody_has_seen_approves_nothing() {
    let office = settled(10).await;
    let options = ApplyOptions { as_of: today(), approve: Some("0123456789abcdef".into()) };
    let error = office.directory.apply(&office.ctx(), APP, options, &|_| {}).await.unwrap_err();
    insta::assert_snapshot!(error, @"application `app`: no plan 0123456789abcdef was made lately; run `muster plan app` and approve what it shows");
}
