//! A crash at any moment: applying again comes to the same end, and nothing is done twice.

use std::time::Duration;

use directory::ApplyOutcome;
use serde_json::json;

use crate::fake::Fault;
use crate::office::{Office, login, rows};

/// Drops an apply after so many requests have arrived, then applies again.
async fn crash_after(requests: usize) {
    let mut office = Office::new().await;
    office.configure(json!({"profile": "scim"}));
    office.import(&rows(0..24));
    let ((), crashed) = {
        let arrived = async {
            while office.fake.world().received.len() < requests {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let apply = office.apply();
        tokio::pin!(apply);
        tokio::select! {
            () = arrived => ((), true),
            _ = &mut apply => ((), false),
        }
    };
    assert!(crashed, "{requests} requests never came");
    office.reopen();
    office.converges().await;
    for number in 0..24 {
        assert!(office.fake.active()[&login(number)], "after {requests}");
    }
    let groups = office.fake.memberships();
    assert_eq!(groups.values().map(|members| members.len()).collect::<Vec<_>>(), [8, 8]);
    assert_eq!(office.fake.world().users.len(), 24, "after {requests}");
    // Whoever was posted twice was looked up in between.
    for (login, count) in office.fake.creations() {
        let world = office.fake.world();
        let mine: Vec<bool> = world
            .received
            .iter()
            .filter(|it| {
                it.body["userName"] == login.as_str()
                    || it.query.contains(&login.replace('@', "%40"))
            })
            .map(|it| it.method == "POST")
            .collect();
        let repeated = mine.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert_eq!(repeated, 0, "{login} was posted {count} times: {mine:?}");
    }
    let created = office.events("account.created").len() + office.events("account.linked").len();
    assert_eq!(created, 24, "every account has its event once");
}

#[tokio::test]
async fn an_apply_that_is_cut_off_is_finished_by_applying_again() {
    // While listing, among the first accounts, in the middle, before and among the groups.
    for requests in [1, 2, 3, 9, 17, 26, 27, 28] {
        crash_after(requests).await;
    }
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_looked_up_and_not_repeated() {
    let office = Office::running().await;
    office.configure(json!({}));
    office.import(&rows(0..6));
    office.fake.trap(2, Fault::DoneThenBroken, |it| it.method == "POST" && it.path == "/Users");
    office.fake.trap(1, Fault::Broken, |it| it.method == "POST" && it.path == "/Users");
    let report = office.converges().await;
    assert_eq!(report.failed_count, 0);
    assert_eq!(office.fake.world().users.len(), 6);
    let twice = office.fake.creations().values().filter(|count| **count > 1).count();
    assert_eq!(twice, 1, "only the one that never arrived is sent again");
    // What we created without hearing of it is ours all the same.
    let log = office.directory.log(&directory::LogQuery {
        kind: Some("account.linked".into()),
        subject: None,
        after: None,
        after_place: None,
        limit: 10,
    });
    assert_eq!(log.unwrap().len(), 2);
}

#[tokio::test]
async fn a_group_whose_creation_was_not_heard_of_is_found_by_its_name() {
    let office = Office::running().await;
    office.configure(json!({}));
    office.import(&rows(0..6));
    office.fake.trap(1, Fault::DoneThen(500), |it| it.method == "POST" && it.path == "/Groups");
    office.converges().await;
    assert_eq!(office.fake.count("POST", "/Groups"), 2);
    assert_eq!(office.fake.memberships()["Sales"].len(), 2);
}

#[tokio::test]
async fn a_change_whose_outcome_is_unknown_is_read_again_before_it_is_repeated() {
    let office = Office::running().await;
    office.configure(json!({}));
    office.import(&rows(0..6));
    office.converges().await;
    office.fake.forget_requests();
    office.fake.trap(1, Fault::DoneThenBroken, |it| it.method == "PATCH");
    office.import(&rows(0..6).replace("Clerk", "Lead"));
    let report = office.converges().await;
    assert_eq!(report.outcome, ApplyOutcome::Applied);
    assert_eq!(office.fake.count("PATCH", "/Users"), 6, "none is sent twice");
    assert_eq!(office.fake.count("GET", "/Users/"), 1);
}

#[tokio::test]
async fn somebody_who_leaves_while_their_account_is_in_doubt_ends_deactivated() {
    let office = Office::running().await;
    office.configure(json!({}));
    office.import(&rows(0..30));
    office.converges().await;
    office.import(&rows(0..31));
    let lost = usize::MAX;
    office.fake.trap(lost, Fault::DoneThenBroken, |it| it.method == "POST");
    // It is created there, and whoever asked never hears of it.
    let apply = office.apply();
    tokio::select! {
        _ = apply => panic!("it cannot end"),
        () = async {
            while office.fake.user(&login(30)).is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        } => {}
    }
    office.fake.heal();
    office.import(&format!("{}{}", rows(0..30), crate::office::left(30)));
    let report = office.apply().await;
    assert_eq!(report.outcome, ApplyOutcome::Applied, "{report:?}");
    let told = office.directory.log(&directory::LogQuery {
        kind: None,
        subject: Some("00030".into()),
        after: None,
        after_place: None,
        limit: 100,
    });
    let received = office.fake.world().received.clone();
    let active = office.fake.active()[&login(30)];
    assert!(!active, "{report:?}\n{told:?}\n{:?}", received.last());
    office.converges().await;
}
