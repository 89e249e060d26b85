//! What goes wrong with one subject harms no other; what everybody would meet is told once.

use std::time::Duration;

use directory::ApplyOutcome;
use serde_json::json;

use crate::fake::{Fault, Received};
use crate::office::{Office, login, row, rows};

fn posts_user(it: &Received) -> bool {
    it.method == "POST" && it.path == "/Users"
}

async fn office(people: u32) -> Office {
    let office = Office::running().await;
    office.configure(json!({}));
    office.import(&rows(0..people));
    office
}

#[tokio::test]
async fn one_poisoned_subject_does_not_stop_the_others() {
    let office = office(30).await;
    let refuse = Fault::Answer(400, Vec::new(), json!({"detail": "no such locale"}).to_string());
    office
        .fake
        .trap(usize::MAX, refuse, |it| posts_user(it) && it.body["userName"] == login(3).as_str());
    let report = office.apply().await;
    assert_eq!(report.outcome, ApplyOutcome::Applied);
    assert_eq!((report.failed_count, office.fake.world().users.len()), (1, 29));
    insta::assert_json_snapshot!(report.failed, @r#"
    [
      {
        "subject": "F3 L3 (00003)",
        "reason": "the application refused it (400): no such locale",
        "next_step": "Correct the mapping or the value, then apply again."
      }
    ]
    "#);
    assert_eq!(office.fake.memberships()["Sales"].len(), 9, "the others are members");
    // Once it is healed, one apply is enough.
    office.fake.heal();
    office.converges().await;
    assert_eq!(office.fake.memberships()["Sales"].len(), 10);
}

#[tokio::test]
async fn a_refused_token_stops_the_queue_with_a_diagnosis_and_loses_nothing() {
    let office = office(200).await;
    office.plan().await;
    office.fake.world().token = "another".into();
    office.fake.forget_requests();
    let report = office.apply().await;
    let ApplyOutcome::Stopped { failure, next_step } = &report.outcome else {
        panic!("{report:?}")
    };
    insta::assert_snapshot!(failure, @"the application refused the token (401): The token is not known.");
    insta::assert_snapshot!(next_step, @"Make a new token in the application, then `muster app token NAME --token-file F`. Nothing is lost.");
    assert_eq!((report.failed.len(), report.waiting), (0, 202));
    assert!(office.fake.world().received.len() <= 32, "no more than were under way");
    office.fake.world().token = "secret".into();
    office.converges().await;
    assert_eq!(office.fake.world().users.len(), 200);
}

#[tokio::test]
async fn a_token_that_may_not_write_is_told_once() {
    let office = office(200).await;
    office.fake.trap(usize::MAX, Fault::Answer(403, Vec::new(), String::new()), posts_user);
    let report = office.apply().await;
    assert!(matches!(report.outcome, ApplyOutcome::Stopped { .. }), "{report:?}");
    assert!(report.failed_count < 100);
    office.fake.heal();
    office.converges().await;
}

fn http_date(at: jiff::Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_in_every_form_it_is_told() {
    let soon = || jiff::Timestamp::now() + Duration::from_secs(1);
    let forms = [
        ("retry-after", "1".to_string()),
        ("retry-after", http_date(soon())),
        ("retry-after", soon().to_string()),
    ];
    for (header, value) in forms {
        let office = office(12).await;
        let limited = Fault::Answer(429, vec![(header, value.clone())], "{}".into());
        office.fake.trap(1, limited, posts_user);
        let report = office.converges().await;
        assert_eq!((report.done, report.failed_count), (14, 0), "{value}");
        assert_eq!(office.fake.world().users.len(), 12);
    }
}

#[tokio::test]
async fn a_list_that_is_interrupted_goes_on_at_its_page() {
    let office = office(3).await;
    let limited = Fault::Answer(429, vec![("retry-after", "1".into())], "{}".into());
    office.fake.trap(1, limited, |it| it.method == "GET");
    office.fake.trap(1, Fault::Broken, |it| it.method == "GET" && it.path == "/Groups");
    let report = office.converges().await;
    assert_eq!((report.done, report.observed_pages, report.requests), (5, 2, 2 + 2 + 5));
}

#[tokio::test]
async fn a_rate_limit_until_tomorrow_ends_the_apply_and_is_told() {
    let office = office(12).await;
    let limited = Fault::Answer(
        429,
        vec![("retry-after", "2100-01-01T00:00:00Z".into())],
        json!({"code": 429, "message": "daily limit"}).to_string(),
    );
    office.fake.trap(1, limited, posts_user);
    let report = office.apply().await;
    let ApplyOutcome::Stopped { failure, next_step } = &report.outcome else {
        panic!("{report:?}")
    };
    insta::assert_snapshot!(failure, @"the application asks to slow down (429): daily limit");
    insta::assert_snapshot!(next_step, @"Nothing to do: it goes on at the time the application named. Apply again after 2100-01-01T00:00:00Z; nothing is lost.");
    assert_eq!(report.done + report.waiting, 14);
}

#[tokio::test]
async fn failures_that_pass_are_tried_again() {
    let office = office(9).await;
    let broken = || Fault::Answer(500, Vec::new(), "<html>oops</html>".into());
    office.fake.trap(3, broken(), posts_user);
    office.fake.trap(1, broken(), |it| it.path.starts_with("/Groups") && it.method == "POST");
    let report = office.converges().await;
    assert_eq!(report.failed_count, 0);
    // Nothing that may have been done is sent again before somebody looked.
    assert!(office.fake.world().received.iter().any(|it| it.query.contains("filter=")));
}

#[tokio::test]
async fn an_application_that_cannot_be_reached_keeps_its_queue() {
    let office = office(5).await;
    office.fake.trap(1_000, Fault::Answer(401, Vec::new(), "{}".into()), |it| it.method == "POST");
    assert_eq!(office.apply().await.waiting, 7);
    office.fake.heal();
    let away = json!({"base_url": "http://127.0.0.1:9/scim2"});
    office.configure(away);
    let report = office.apply().await;
    assert!(matches!(report.outcome, ApplyOutcome::Stopped { .. }), "{report:?}");
    assert_eq!((report.failed_count, report.waiting), (0, 7));
    office.configure(json!({}));
    office.converges().await;
}

#[tokio::test]
async fn a_member_that_is_refused_does_not_keep_the_others_out() {
    let office = office(60).await;
    office.apply().await;
    office.import(&format!("{}{}", rows(0..60), (60..90).map(row).collect::<String>()));
    let poisoned = office.fake.user(&login(60));
    assert!(poisoned.is_none());
    // The account of one joiner vanishes between its creation and the push of its group.
    let refuse = Fault::Answer(400, Vec::new(), json!({"detail": "no such member"}).to_string());
    office.fake.trap(usize::MAX, refuse, |it| {
        it.path.starts_with("/Groups/") && it.body.to_string().contains("users-61\"")
    });
    let report = office.apply().await;
    assert_eq!(report.outcome, ApplyOutcome::Applied);
    let sales = office.fake.memberships()["Sales"].len();
    let support = office.fake.memberships()["Support"].len();
    assert!(sales + support >= 59, "{sales} and {support}");
    assert!(report.failed_count <= 1, "{report:?}");
}
