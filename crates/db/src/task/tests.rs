//! What a task promises, as stories and as a model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::Db;
use crate::fixture::{Fixture, NOTES, at, open};

fn task(subject: &str, priority: u32, payload: &str) -> NewTask {
    NewTask {
        scope: "s".into(),
        queue: "q".into(),
        subject: subject.into(),
        priority,
        payload: payload.into(),
        format_version: 1,
        not_before: None,
        cause: "test".into(),
    }
}

fn put(db: &Db, subject: &str, priority: u32, payload: &str, secs: i64) {
    let task = task(subject, priority, payload);
    db.write("s", move |tx| enqueue(tx, &task, at(secs))).unwrap();
}

fn take(db: &Db, holder: &'static str, secs: i64, limit: u32) -> Vec<Task> {
    db.write("s", move |tx| lease(tx, "s", "q", holder, at(secs), 60, limit)).unwrap()
}

fn done(
    db: &Db,
    task: &Task,
    verb: impl Fn(&mut Tx, &Task) -> Result<bool> + Send + 'static,
) -> bool {
    let task = task.clone();
    db.write("s", move |tx| verb(tx, &task)).unwrap()
}

fn shown(db: &Db) -> String {
    let counts = db.read(|r| counts(r, "s", "q")).unwrap();
    let TaskCounts { ready, waiting, running, dead } = counts;
    format!("{ready} ready, {waiting} waiting, {running} running, {dead} dead")
}

fn payloads(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.payload.as_str()).collect()
}

#[test]
fn the_most_urgent_goes_first_then_the_oldest() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 5, "late", 0);
    put(db, "b", 5, "later", 1);
    put(db, "leaver", 0, "urgent", 2);
    assert_eq!(payloads(&take(db, "w", 3, 2)), ["urgent", "late"]);
    assert_eq!(payloads(&take(db, "w", 3, 2)), ["later"]);
    assert_eq!(shown(db), "0 ready, 0 waiting, 3 running, 0 dead");
}

#[test]
fn a_newer_generation_takes_the_waiting_ones_place_and_keeps_its_urgency_and_age() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "old", 0);
    put(db, "b", 1, "other", 1);
    put(db, "a", 7, "new", 2);
    let tasks = take(db, "w", 3, 9);
    assert_eq!(payloads(&tasks), ["new", "other"]);
    assert_eq!((tasks[0].priority, tasks[0].enqueued_at), (1, at(0)));
}

#[test]
fn what_was_leased_by_a_clock_that_was_ahead_is_handed_out_once_it_is_set_right() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "first", 0);
    let lost = take(db, "ahead", 1_000_000, 9).remove(0);
    assert_eq!(payloads(&take(db, "w", 5, 9)), ["first"]);
    assert!(!done(db, &lost, complete), "who held it has lost it");
}

#[test]
fn what_waits_behind_a_running_generation_becomes_ready_when_that_is_done() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "first", 0);
    let first = take(db, "w", 1, 9).remove(0);
    put(db, "a", 1, "second", 2);
    assert_eq!(shown(db), "0 ready, 1 waiting, 1 running, 0 dead");
    assert!(take(db, "other", 3, 9).is_empty());
    assert!(done(db, &first, complete));
    assert_eq!(shown(db), "1 ready, 0 waiting, 0 running, 0 dead");
    assert_eq!(payloads(&take(db, "other", 4, 9)), ["second"]);
}

#[test]
fn a_dead_holders_task_goes_to_another_who_learns_that_the_outcome_is_unknown() {
    let Fixture { db, folder } = Fixture::new();
    put(&db, "a", 1, "work", 0);
    let lost = take(&db, "w", 1, 9).remove(0);
    assert!(!lost.outcome_unknown());
    assert!(done(&db, &lost, |tx, task| mark_sent(tx, task, at(2))));
    // The process is gone; so is what it knew.
    drop(db);
    let db = &open(&folder, NOTES).unwrap();
    assert!(take(db, "next", 60, 9).is_empty(), "its lease has not run out yet");
    let next = take(db, "next", 61, 9).remove(0);
    assert!(next.outcome_unknown());
    assert_eq!((next.attempt, next.sent_at), (2, Some(at(2))));
    // The first holder was only slow: it cannot harm the second.
    assert!(!done(db, &lost, complete));
    assert!(!done(db, &lost, |tx, task| bury(tx, task, "no")));
    assert!(!done(db, &lost, |tx, task| mark_sent(tx, task, at(62))));
    assert!(!done(db, &lost, |tx, task| renew(tx, task, at(62), 60)));
    assert!(done(db, &next, complete));
    assert_eq!(shown(db), "0 ready, 0 waiting, 0 running, 0 dead");
}

#[test]
fn a_late_holder_may_finish_what_nobody_took_over() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "work", 0);
    put(db, "b", 0, "more urgent", 0);
    let tasks = take(db, "w", 1, 9);
    assert_eq!(payloads(&take(db, "next", 100, 1)), ["more urgent"]);
    assert!(done(db, &tasks[1], complete));
}

#[test]
fn a_renewed_lease_does_not_run_out() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "work", 0);
    let task = take(db, "w", 0, 9).remove(0);
    assert!(done(db, &task, |tx, task| renew(tx, task, at(50), 60)));
    assert!(take(db, "next", 100, 9).is_empty());
    assert_eq!(take(db, "next", 110, 9).len(), 1);
}

#[test]
fn a_retry_waits_for_its_time_and_keeps_reason_count_and_mark() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "work", 0);
    let task = take(db, "w", 1, 9).remove(0);
    assert!(done(db, &task, |tx, task| mark_sent(tx, task, at(2))));
    assert!(done(db, &task, |tx, task| retry(tx, task, at(30), "timed out")));
    assert!(!done(db, &task, complete), "it gave the task back");
    assert_eq!(shown(db), "0 ready, 1 waiting, 0 running, 0 dead");
    assert!(take(db, "w", 29, 9).is_empty());
    let task = take(db, "w", 30, 9).remove(0);
    assert_eq!(task.attempt, 2);
    assert_eq!(task.last_error.as_deref(), Some("timed out"));
    assert!(task.outcome_unknown());
    assert!(done(db, &task, mark_answered));
    assert!(done(db, &task, |tx, task| retry(tx, task, at(31), "429")));
    assert!(!take(db, "w", 31, 9)[0].outcome_unknown());
}

#[test]
fn a_newer_generation_replaces_one_that_is_to_be_retried_and_inherits_its_mark() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 0, "old", 0);
    let old = take(db, "w", 1, 9).remove(0);
    put(db, "a", 5, "new", 2);
    assert!(done(db, &old, |tx, task| mark_sent(tx, task, at(3))));
    assert!(done(db, &old, |tx, task| retry(tx, task, at(900), "timed out")));
    let new = take(db, "w", 4, 9).remove(0);
    assert_eq!((new.payload.as_str(), new.attempt, new.priority), ("new", 1, 0));
    assert!(new.outcome_unknown());
    assert_eq!(new.last_error.as_deref(), Some("timed out"));
}

#[test]
fn a_released_task_is_ready_at_once_and_was_never_counted() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "work", 0);
    let task = take(db, "w", 1, 9).remove(0);
    assert!(done(db, &task, release));
    assert_eq!(take(db, "w", 1, 9)[0].attempt, 1);
}

#[test]
fn what_was_given_up_is_kept_with_its_reason_until_revived() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "work", 0);
    let task = take(db, "w", 1, 9).remove(0);
    assert!(done(db, &task, |tx, task| bury(tx, task, "401 from the application")));
    assert!(take(db, "w", 999, 9).is_empty());
    let dead = db.read(|r| list(r, "s", "q", TaskState::Dead, 9)).unwrap();
    assert_eq!(dead[0].last_error.as_deref(), Some("401 from the application"));
    assert!(!done(db, &dead[0], complete), "a listed task is nobody's to finish");
    assert!(db.write("s", |tx| revive(tx, "s", "q", "a")).unwrap());
    assert!(!db.write("s", |tx| revive(tx, "s", "q", "a")).unwrap());
    assert_eq!(take(db, "w", 1000, 9)[0].attempt, 1);
}

#[test]
fn a_later_success_settles_what_was_given_up_before() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "old", 0);
    let old = take(db, "w", 1, 9).remove(0);
    put(db, "a", 1, "new", 2);
    assert!(done(db, &old, |tx, task| bury(tx, task, "no")));
    assert_eq!(shown(db), "1 ready, 0 waiting, 0 running, 1 dead");
    let new = take(db, "w", 3, 9).remove(0);
    assert_eq!(new.payload, "new");
    assert!(done(db, &new, complete));
    assert_eq!(shown(db), "0 ready, 0 waiting, 0 running, 0 dead");
}

#[test]
fn reviving_yields_to_a_newer_generation() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "old", 0);
    let old = take(db, "w", 1, 9).remove(0);
    assert!(done(db, &old, |tx, task| bury(tx, task, "no")));
    put(db, "a", 1, "new", 2);
    assert!(db.write("s", |tx| revive(tx, "s", "q", "a")).unwrap());
    assert_eq!(payloads(&take(db, "w", 3, 9)), ["new"]);
    assert_eq!(shown(db), "0 ready, 0 waiting, 1 running, 0 dead");
}

#[test]
fn reviving_does_not_put_an_older_generation_behind_a_newer_one_that_runs() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "old", 0);
    let old = take(db, "w", 1, 9).remove(0);
    assert!(done(db, &old, |tx, task| bury(tx, task, "no")));
    put(db, "a", 1, "new", 2);
    let new = take(db, "w", 3, 9).remove(0);
    assert!(db.write("s", |tx| revive(tx, "s", "q", "a")).unwrap());
    assert!(done(db, &new, |tx, task| retry(tx, task, at(4), "again")));
    assert_eq!(payloads(&take(db, "w", 4, 9)), ["new"]);
}

#[test]
fn one_subject_can_be_taken_out_of_turn_but_not_from_its_holder() {
    let Fixture { db, .. } = &Fixture::new();
    let one = |subject: &'static str, secs| {
        db.write("s", move |tx| lease_one(tx, "s", "q", subject, "cli", at(secs), 60)).unwrap()
    };
    put(db, "a", 1, "first", 0);
    put(db, "b", 9, "second", 0);
    let b = one("b", 1).unwrap();
    assert_eq!(b.payload, "second");
    assert!(one("b", 2).is_none());
    assert!(one("nobody", 2).is_none());
    assert!(done(db, &b, |tx, task| retry(tx, task, at(9_000), "later")));
    assert_eq!(one("b", 3).unwrap().attempt, 2, "a person does not wait for the backoff");
    assert_eq!(one("b", 63).unwrap().attempt, 3, "its lease ran out");
}

#[test]
fn a_task_waits_for_its_moment() {
    let Fixture { db, .. } = &Fixture::new();
    let later = NewTask { not_before: Some(at(100)), ..task("a", 0, "later") };
    db.write("s", move |tx| enqueue(tx, &later, at(0))).unwrap();
    assert!(take(db, "w", 99, 9).is_empty());
    assert_eq!(take(db, "w", 100, 9).len(), 1);
}

#[test]
fn scopes_and_queues_do_not_see_each_other() {
    let Fixture { db, .. } = &Fixture::new();
    put(db, "a", 1, "mine", 0);
    let elsewhere = db.write("s", |tx| {
        let mut tasks = lease(tx, "s", "other", "w", at(1), 60, 9)?;
        tasks.extend(lease(tx, "other", "q", "w", at(1), 60, 9)?);
        Ok::<_, Error>(tasks)
    });
    assert!(elsewhere.unwrap().is_empty());
    let tasks = db.read(|r| of_subject(r, "s", "q", "a")).unwrap();
    assert_eq!(payloads(&tasks), ["mine"]);
}

#[test]
fn leasing_probes_an_index_and_sorts_nothing() {
    if !crate::testing::on_sqlite() {
        return;
    }
    let Fixture { db, .. } = &Fixture::new();
    let plan = db.read(|r| {
        r.query(
            "EXPLAIN QUERY PLAN SELECT subject FROM tasks
             WHERE scope = $1 AND queue = $2 AND state = 'ready'
             ORDER BY priority, enqueued_at, subject LIMIT $3",
            params!["s", "q", 9_i64],
            |row| row.text(3),
        )
    });
    assert_eq!(
        plan.unwrap(),
        ["SEARCH tasks USING COVERING INDEX tasks_by_priority (scope=? AND queue=? AND state=?)"]
    );
}

// The model: what a run of events must leave behind, whatever the order.

#[derive(Debug, Clone)]
enum Step {
    Enqueue {
        subject: usize,
        priority: u32,
        delay_secs: i64,
    },
    Lease {
        limit: u32,
    },
    LeaseOne {
        subject: usize,
    },
    /// Does something with one of the tasks ever handed out, also one that is lost or finished.
    Finish {
        which: usize,
        verb: Verb,
    },
    Revive {
        subject: usize,
    },
    /// Time passes; what is with a holder may run out, as when its process died.
    Wait {
        secs: i64,
    },
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Complete,
    Retry,
    Release,
    Bury,
    Sent,
    Answered,
    Renew,
}

fn step() -> impl Strategy<Value = Step> {
    let verb = prop_oneof![
        3 => Just(Verb::Complete),
        2 => Just(Verb::Retry),
        1 => Just(Verb::Release),
        1 => Just(Verb::Bury),
        3 => Just(Verb::Sent),
        1 => Just(Verb::Answered),
        1 => Just(Verb::Renew),
    ];
    prop_oneof![
        4 => (0..3_usize, 0..3_u32, prop_oneof![3 => Just(0_i64), 1 => 1..40_i64])
            .prop_map(|(subject, priority, delay_secs)| Step::Enqueue { subject, priority, delay_secs }),
        3 => (1..4_u32).prop_map(|limit| Step::Lease { limit }),
        1 => (0..3_usize).prop_map(|subject| Step::LeaseOne { subject }),
        5 => (0..64_usize, verb).prop_map(|(which, verb)| Step::Finish { which, verb }),
        1 => (0..3_usize).prop_map(|subject| Step::Revive { subject }),
        2 => (1..50_i64).prop_map(|secs| Step::Wait { secs }),
    ]
}

/// What must be true of one subject.
#[derive(Default)]
struct Subject {
    /// The number of its newest generation.
    newest: u32,
    /// The newest generation that was completed or given up for good.
    settled: u32,
    /// The place in `Model::leased` of whoever has it, and until when.
    holder: Option<(usize, i64)>,
    /// Something was sent and nobody told how it ended.
    unknown: bool,
}

#[derive(Default)]
struct Model {
    now: i64,
    subjects: BTreeMap<String, Subject>,
    leased: Vec<Task>,
    generations: u32,
}

#[derive(Debug)]
struct Broken(String);

impl From<Error> for Broken {
    fn from(error: Error) -> Broken {
        Broken(error.to_string())
    }
}

fn claim(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what())) }
}

impl Model {
    fn run(&mut self, tx: &mut Tx, scope: &str, step: &Step) -> Result<(), Broken> {
        let name = |subject: usize| format!("subject{subject}");
        match *step {
            Step::Wait { secs } => self.now += secs,
            Step::Enqueue { subject, priority, delay_secs } => {
                self.generations += 1;
                let new = NewTask {
                    scope: scope.to_owned(),
                    not_before: Some(at(self.now + delay_secs)),
                    ..task(&name(subject), priority, &self.generations.to_string())
                };
                enqueue(tx, &new, at(self.now))?;
                self.subjects.entry(name(subject)).or_default().newest = self.generations;
            }
            Step::Lease { limit } => {
                let tasks = lease(tx, scope, "q", "w", at(self.now), 30, limit)?;
                tasks.into_iter().try_for_each(|task| self.handed_out(task))?;
            }
            Step::LeaseOne { subject } => {
                let one = lease_one(tx, scope, "q", &name(subject), "w", at(self.now), 30)?;
                one.into_iter().try_for_each(|task| self.handed_out(task))?;
            }
            Step::Revive { subject } => drop(revive(tx, scope, "q", &name(subject))?),
            Step::Finish { which, verb } if !self.leased.is_empty() => {
                self.finish(tx, which % self.leased.len(), verb)?;
            }
            Step::Finish { .. } => {}
        }
        self.check_rows(tx, scope)
    }

    fn handed_out(&mut self, task: Task) -> Result<(), Broken> {
        let now = self.now;
        let subject = self.subjects.entry(task.subject.clone()).or_default();
        claim(subject.holder.is_none_or(|(_, until)| until <= now), || {
            format!("{} was handed out while another holder had it", task.subject)
        })?;
        claim(task.outcome_unknown() == subject.unknown, || {
            format!("{}: unknown should be {}", task.subject, subject.unknown)
        })?;
        subject.holder = Some((self.leased.len(), now + 30));
        self.leased.push(task);
        Ok(())
    }

    fn finish(&mut self, tx: &mut Tx, which: usize, verb: Verb) -> Result<(), Broken> {
        let task = self.leased[which].clone();
        let now = self.now;
        let subject = self.subjects.entry(task.subject.clone()).or_default();
        let holds = subject.holder.is_some_and(|(place, _)| place == which);
        let held = match verb {
            Verb::Complete => complete(tx, &task)?,
            Verb::Retry => retry(tx, &task, at(now + 20), "again")?,
            Verb::Release => release(tx, &task)?,
            Verb::Bury => bury(tx, &task, "no")?,
            Verb::Sent => mark_sent(tx, &task, at(now))?,
            Verb::Answered => mark_answered(tx, &task)?,
            Verb::Renew => renew(tx, &task, at(now), 30)?,
        };
        claim(held == holds, || format!("{verb:?} said {held} where the model says {holds}"))?;
        if !held {
            return Ok(());
        }
        match verb {
            Verb::Complete | Verb::Bury => {
                let generation: u32 = task.payload.parse().unwrap_or(0);
                subject.settled = subject.settled.max(generation);
            }
            Verb::Renew => subject.holder = Some((which, now + 30)),
            _ => {}
        }
        match verb {
            Verb::Sent => subject.unknown = true,
            Verb::Complete | Verb::Answered => subject.unknown = false,
            _ => {}
        }
        if !matches!(verb, Verb::Sent | Verb::Answered | Verb::Renew) {
            subject.holder = None;
        }
        Ok(())
    }

    /// The newest generation of each subject is settled or still there.
    fn check_rows(&self, tx: &mut Tx, scope: &str) -> Result<(), Broken> {
        for (name, subject) in &self.subjects {
            let rows = of_subject(tx, scope, "q", name)?;
            let there = rows.iter().any(|row| row.payload == subject.newest.to_string());
            claim(there || subject.settled == subject.newest, || {
                format!("generation {} of {name} is lost", subject.newest)
            })?;
            let running = rows.iter().filter(|row| row.state == TaskState::Running).count();
            let ready = rows.iter().filter(|row| row.state == TaskState::Ready).count();
            claim(running + ready <= 1, || {
                format!("{name} has {running} running and {ready} ready")
            })?;
        }
        Ok(())
    }

    /// Time goes on until everything is worked off.
    fn drain(&mut self, tx: &mut Tx, scope: &str) -> Result<(), Broken> {
        for _ in 0..20 {
            self.run(tx, scope, &Step::Wait { secs: 60 })?;
            self.run(tx, scope, &Step::Lease { limit: 9 })?;
            for which in 0..self.leased.len() {
                self.finish(tx, which, Verb::Complete)?;
            }
        }
        let counts = counts(tx, scope, "q")?;
        claim(counts.open() == 0, || format!("something is stuck: {counts:?}"))?;
        for (name, subject) in &self.subjects {
            claim(subject.settled == subject.newest, || format!("{name} is not settled"))?;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if crate::testing::on_sqlite() { 200 } else { 20 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_subject_runs_twice_and_no_generation_is_lost(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        thread_local! { static FIXTURE: Fixture = Fixture::new(); }
        let outcome = FIXTURE.with(|fixture| fixture.db.write("s", move |tx| {
            let mut model = Model::default();
            let scope = new_id();
            steps.iter().try_for_each(|step| model.run(tx, &scope, step))?;
            model.drain(tx, &scope)
        }));
        if let Err(Broken(what)) = outcome {
            prop_assert!(false, "{what}");
        }
    }
}
