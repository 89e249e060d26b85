//! The crew: hands tasks out lane by lane, many at a time, until the queue is empty or everybody
//! would meet the same trouble.
//!
//! Many tasks are under way together, so that their writes share commits and their requests share
//! the connection. A lane begins when the one before it has ended: leavers free what joiners need,
//! and an account must be there to be a member.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use db::task::{self, Task, TaskState};
use jiff::Timestamp;
use lifecycle::{ChangeSubject, GroupId};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::settle::give_back;
use super::streak::{Stopped, Streak};
use super::tally::Ended;
use super::task::{Payload, queue, read};
use super::wire::Exchange;
use super::{Run, Tally, account, group};
use crate::client::Failure;
use crate::directory::SCOPE;
use crate::observe::Progress;
use crate::thread::apart;
use crate::{Error, limits};

/// How a run ended.
pub(crate) struct Outcome {
    /// How its subjects ended.
    pub tally: Tally,
    /// Why it ended before its queue was empty.
    pub stopped: Option<Stopped>,
    /// Whether accounts may have come that the groups of the plan do not know of.
    pub late: bool,
}

type Worked = (String, Result<(Ended, Vec<Exchange>), Error>);

/// A run while it lasts.
struct Crew {
    run: Arc<Run>,
    workers: JoinSet<Worked>,
    in_flight: BTreeMap<String, (Task, String)>,
    ready: VecDeque<Task>,
    tally: Tally,
    trouble: Option<Failure>,
    streak: Streak,
    heartbeat_at: Timestamp,
    groups_begun: bool,
    late: bool,
    /// Nothing more is handed out until something ends.
    is_dry: bool,
}

/// What to do when nothing is under way.
enum Idle {
    Work,
    Wait(Timestamp),
    Over,
}

/// Works the queue of an application that the run holds, until it is empty, what is left has to wait
/// for long, or everybody would meet the same trouble.
pub(crate) async fn work<P: Fn(Progress) + ?Sized>(
    run: &Arc<Run>,
    progress: &P,
) -> Result<Outcome, Error> {
    let mut crew = Crew::new(run.clone());
    run.connection.close(false);
    let counts = crew.counts()?;
    let total = counts.open();
    let tell = |crew: &Crew| {
        let done = crew.tally.ended();
        progress(Progress { done, total: total.max(done), what: "changes" });
    };
    tell(&crew);
    let stopped = loop {
        crew.keep_hold().await?;
        if crew.trouble.is_none() {
            crew.hand_out().await?;
        }
        if crew.in_flight.is_empty() {
            if let Some(failure) = crew.trouble.take() {
                crew.give_back_ready().await?;
                match crew.streak.pause(failure, run.directory.clock.now()) {
                    Ok(until) => {
                        let application = &run.application.config.name;
                        tracing::info!(%application, %until, "paused");
                        crew.wait(until).await?;
                    }
                    Err(stopped) => break Some(stopped),
                }
                run.connection.close(false);
                continue;
            }
            match crew.idle()? {
                Idle::Work => {}
                Idle::Wait(until) => crew.wait(until).await?,
                Idle::Over => break None,
            }
            continue;
        }
        tokio::select! {
            Some(joined) = crew.workers.join_next() => {
                crew.ended(joined)?;
                while let Some(joined) = crew.workers.try_join_next() {
                    crew.ended(joined)?;
                }
                tell(&crew);
            }
            () = sleep(Duration::from_millis(limits::HEARTBEAT_MILLIS)) => {}
        }
    };
    Ok(Outcome { tally: crew.tally, stopped, late: crew.late })
}

impl Crew {
    fn new(run: Arc<Run>) -> Self {
        let heartbeat_at = run.directory.clock.now();
        Self {
            run,
            workers: JoinSet::new(),
            in_flight: BTreeMap::new(),
            ready: VecDeque::new(),
            tally: Tally::default(),
            trouble: None,
            streak: Streak::default(),
            heartbeat_at,
            groups_begun: false,
            late: false,
            is_dry: false,
        }
    }

    fn counts(&self) -> Result<task::TaskCounts, Error> {
        let queue = queue(self.run.id());
        Ok(self.run.directory.db.read(|r| task::counts(r, SCOPE, &queue))?)
    }

    /// Gives a sign of life for the application and every task that is held.
    async fn keep_hold(&mut self) -> Result<(), Error> {
        // By the clock that leases run out by: it goes on while this machine sleeps.
        let now = self.run.directory.clock.now();
        let since = now.duration_since(self.heartbeat_at).as_millis();
        if since < i128::from(limits::HEARTBEAT_MILLIS) {
            return Ok(());
        }
        self.heartbeat_at = now;
        let held = self.in_flight.values().map(|(task, _)| task).chain(&self.ready);
        let (run, held) = (self.run.clone(), held.cloned().collect::<Vec<Task>>());
        let holds = self.run.directory.db.write_async(SCOPE, move |tx| {
            let now = run.directory.clock.now();
            for task in &held {
                task::renew(tx, task, now, limits::LEASE_SECS)?;
            }
            run.hold(tx)
        });
        if !holds.await? {
            let reason = "another process works on the application now".to_string();
            self.meet(Failure::NotSent { reason });
        }
        Ok(())
    }

    /// Hands out tasks as long as there is room and their lane has begun.
    async fn hand_out(&mut self) -> Result<(), Error> {
        let room = self.room();
        if self.ready.is_empty() && !self.is_dry && self.in_flight.len() <= room / 2 {
            let limit = (room - self.in_flight.len()).clamp(1, limits::LEASE_BATCH);
            self.lease(u32::try_from(limit).unwrap_or(1)).await?;
        }
        while let Some(front) = self.ready.front() {
            let behind = self.in_flight.values().any(|(task, _)| task.priority < front.priority);
            let again = self.in_flight.contains_key(&front.subject);
            if behind || again || self.in_flight.len() >= room {
                break;
            }
            let Some(task) = self.ready.pop_front() else { break };
            match read(&task) {
                Some((ChangeSubject::Account(person), payload)) => {
                    let run = self.run.clone();
                    self.start(task, payload, move |task, payload| async move {
                        account::work(&run, &task, &person, &payload).await
                    });
                }
                Some((ChangeSubject::Group(_), _)) => {
                    self.ready.push_front(task);
                    self.start_groups().await?;
                }
                // Written by another version: what is to be done is planned anew.
                None => {
                    let drop = move |tx: &mut db::Tx| task::complete(tx, &task);
                    self.run.directory.db.write_async(SCOPE, drop).await?;
                }
            }
        }
        Ok(())
    }

    /// So many tasks may be under way.
    fn room(&self) -> usize {
        let concurrency = usize::try_from(self.run.profile.concurrency).unwrap_or(1).max(1);
        concurrency.saturating_mul(limits::IN_FLIGHT_PER_REQUEST)
    }

    /// Leases tasks and marks them in the same transaction: whoever finds them after a crash looks
    /// before it sends.
    async fn lease(&mut self, limit: u32) -> Result<(), Error> {
        let (run, queue) = (self.run.clone(), queue(self.run.id()));
        let lease = self.run.directory.db.write_async(SCOPE, move |tx| {
            let now = run.directory.clock.now();
            let (holder, secs) = (run.holder.as_str(), limits::LEASE_SECS);
            let tasks = task::lease(tx, SCOPE, &queue, holder, now, secs, limit)?;
            // A mark that is there already says since when the outcome is unknown.
            for task in tasks.iter().filter(|task| !task.outcome_unknown()) {
                task::mark_sent(tx, task, now)?;
            }
            Ok::<_, Error>(tasks)
        });
        let tasks = lease.await?;
        self.is_dry = tasks.is_empty();
        self.ready.extend(tasks);
        self.ready.make_contiguous().sort_by_key(|task| task.priority);
        Ok(())
    }

    /// Plans all groups that are ready anew, together, and begins each.
    async fn start_groups(&mut self) -> Result<(), Error> {
        self.groups_begun = true;
        self.lease(limits::GROUP_BATCH).await?;
        let mut groups: Vec<(Task, GroupId, Payload)> = Vec::new();
        let mut rest = VecDeque::new();
        for task in std::mem::take(&mut self.ready) {
            match read(&task) {
                Some((ChangeSubject::Group(group), payload)) => groups.push((task, group, payload)),
                _ => rest.push_back(task),
            }
        }
        self.ready = rest;
        let ids: Vec<GroupId> = groups.iter().map(|(_, group, _)| group.clone()).collect();
        let run = self.run.clone();
        let mut decided = apart("groups", move || group::decide(&run, &ids)).await?;
        for (task, group, payload) in groups {
            let (run, found) = (self.run.clone(), decided.remove(&group));
            self.start(task, payload, move |task, payload| async move {
                group::work(&run, &task, &group, &payload, found).await
            });
        }
        Ok(())
    }

    fn start<F, W>(&mut self, task: Task, payload: Payload, work: F)
    where
        F: FnOnce(Task, Payload) -> W + Send + 'static,
        W: Future<Output = Result<(Ended, Vec<Exchange>), Error>> + Send + 'static,
    {
        let subject = task.subject.clone();
        self.in_flight.insert(subject.clone(), (task.clone(), payload.name.clone()));
        self.workers.spawn(async move { (subject, work(task, payload).await) });
    }

    /// Takes note of how a task ended.
    fn ended(&mut self, joined: Result<Worked, tokio::task::JoinError>) -> Result<(), Error> {
        let (subject, worked) = joined.map_err(|error| Error::Stored {
            what: "task",
            message: format!("working on it ended in a panic: {error}"),
        })?;
        let (ended, _) = worked?;
        self.is_dry = false;
        let Some((task, name)) = self.in_flight.remove(&subject) else { return Ok(()) };
        self.tally.count(&subject, &name, &ended);
        let is_account = subject.starts_with("account:");
        match ended {
            Ended::Done | Ended::Nothing => {
                // A group that was found again may have members that nobody knew of.
                self.late |= self.groups_begun && (is_account || task.outcome_unknown());
                self.streak = Streak::default();
            }
            // An account that is created in place of another is a member of nothing yet.
            Ended::Superseded => self.late |= is_account,
            Ended::Everybody(failure) => self.meet(failure),
            Ended::NotNow => {}
            Ended::Retrying { failure } => {
                if self.streak.passing() {
                    self.meet(failure);
                }
            }
            Ended::Failed { failure: Some(failure), .. } => {
                if self.streak.refused(&failure) && self.tally.done == 0 {
                    self.meet(failure);
                }
            }
            Ended::Failed { failure: None, .. } => {}
        }
        Ok(())
    }

    /// Everybody would meet this: nothing more is sent.
    fn meet(&mut self, failure: Failure) {
        self.run.connection.close(true);
        // A refused token outweighs what else came back at the same time.
        let outweighs = matches!(failure, Failure::Unauthorized { .. });
        if self.trouble.is_none() || outweighs {
            self.trouble = Some(failure);
        }
    }

    async fn give_back_ready(&mut self) -> Result<(), Error> {
        let ready: Vec<Task> = std::mem::take(&mut self.ready).into();
        give_back(&self.run, ready, false).await
    }

    /// Waits until a moment of the directory's clock.
    async fn wait(&mut self, until: Timestamp) -> Result<(), Error> {
        loop {
            let left = until.duration_since(self.run.directory.clock.now());
            if !left.is_positive() || self.trouble.is_some() {
                return Ok(());
            }
            let poll = Duration::from_millis(limits::FOLLOW_POLL_MILLIS);
            sleep(left.unsigned_abs().min(poll)).await;
            self.keep_hold().await?;
        }
    }

    /// What to do when nothing is under way and nothing can be handed out.
    fn idle(&mut self) -> Result<Idle, Error> {
        if !self.ready.is_empty() {
            return Ok(Idle::Work);
        }
        let (queue, now) = (queue(self.run.id()), self.run.directory.clock.now());
        self.is_dry = false;
        let counts = self.counts()?;
        if counts.ready > 0 {
            return Ok(Idle::Work);
        }
        let due = self.run.directory.db.read(|r| {
            let mut due: Option<Timestamp> = None;
            for state in [TaskState::Waiting, TaskState::Running] {
                let tasks = task::list(r, SCOPE, &queue, state, db::limits::LIST_MAX)?;
                let first = tasks.iter().filter_map(|task| task.due_at).min();
                due = [due, first].into_iter().flatten().min();
            }
            Ok::<_, Error>(due)
        })?;
        let Some(due) = due else { return Ok(Idle::Over) };
        if due <= now {
            return Ok(Idle::Work);
        }
        let left = due.duration_since(now).as_secs();
        Ok(if left > limits::RETRY_WAIT_SECS_MAX { Idle::Over } else { Idle::Wait(due) })
    }
}
