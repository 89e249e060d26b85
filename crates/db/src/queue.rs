//! The writes that wait, and in which order they are taken.
//!
//! Each turn has a bounded queue of its own; turns with waiting jobs stand in a ring and are
//! served one after another, so that a turn with many jobs never keeps another's only one from
//! its place. Within a turn the order is that of arrival. Whoever finds the queue of their turn
//! full, or all of them, waits outside it, in order too.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::job::Job;
use crate::limits::{TURNS_SWEPT_COUNT, WRITE_QUEUE_MAX, WRITE_TURN_QUEUE_MAX};
use crate::turn::Turn;

/// Jobs that wait, by turn.
pub(crate) struct Queue {
    state: Mutex<State>,
    pushed: Condvar,
    /// Places in all queues together.
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    turns: HashMap<Turn, Waiting>,
    /// The turns that have a job waiting and that nobody serves, the next first.
    ring: VecDeque<Turn>,
    closed: bool,
}

/// What waits for one turn.
struct Waiting {
    jobs: VecDeque<Placed>,
    /// Places in this turn's queue. Whoever waits for one holds it too.
    places: Arc<Semaphore>,
    /// Whether somebody serves this turn, who puts it back into the ring.
    served: bool,
}

/// A job in its place; taking it out frees both.
struct Placed {
    job: Box<dyn Job>,
    _places: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Queue {
    pub(crate) fn new() -> Queue {
        Queue {
            state: Mutex::new(State::default()),
            pushed: Condvar::new(),
            places: Arc::new(Semaphore::new(WRITE_QUEUE_MAX)),
        }
    }

    /// Puts a job in its turn's queue, waiting for a place if there is none.
    pub(crate) async fn push(&self, turn: Turn, job: Box<dyn Job>) -> Result<()> {
        let of_turn = self.lock().places(&turn);
        let of_turn = of_turn.acquire_owned().await.map_err(|_| Error::Closed)?;
        let of_all = self.places.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        state.put(turn, Placed { job, _places: (of_turn, of_all) });
        drop(state);
        self.pushed.notify_one();
        Ok(())
    }

    /// Puts a job in its turn's queue, blocking the thread while there is no place.
    pub(crate) fn push_blocking(&self, turn: Turn, job: Box<dyn Job>) -> Result<()> {
        block_on(self.push(turn, job))
    }

    /// The next job of the turn that has waited longest; none once the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.next() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.pushed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job, if one waits.
    pub(crate) fn next_waiting(&self) -> Option<Box<dyn Job>> {
        self.lock().next()
    }

    /// The turn that has waited longest, to be served by the caller alone until it is given back;
    /// none once the queue is closed and empty.
    pub(crate) fn take_turn(&self) -> Option<Turn> {
        let mut state = self.lock();
        loop {
            if let Some(turn) = state.ring.pop_front() {
                state.waiting(&turn).served = true;
                return Some(turn);
            }
            if state.closed {
                return None;
            }
            state = self.pushed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job of a turn that was taken, if one waits.
    pub(crate) fn next_of(&self, turn: &Turn) -> Option<Box<dyn Job>> {
        self.lock().next_of(turn)
    }

    /// Puts a turn that was taken behind all others.
    pub(crate) fn give_back(&self, turn: Turn) {
        let mut state = self.lock();
        state.waiting(&turn).served = false;
        state.rejoin(turn);
        drop(state);
        self.pushed.notify_one();
    }

    /// Lets nobody in any more; what waits is still served.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.pushed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&mut self, turn: &Turn) -> &mut Waiting {
        if !self.turns.contains_key(turn)
            && self.turns.len() >= TURNS_SWEPT_COUNT.max(2 * self.ring.len())
        {
            self.turns.retain(|_, waiting| !waiting.is_idle());
        }
        self.turns.entry(turn.clone()).or_insert_with(|| Waiting {
            jobs: VecDeque::new(),
            places: Arc::new(Semaphore::new(WRITE_TURN_QUEUE_MAX)),
            served: false,
        })
    }

    fn places(&mut self, turn: &Turn) -> Arc<Semaphore> {
        self.waiting(turn).places.clone()
    }

    fn put(&mut self, turn: Turn, placed: Placed) {
        let waiting = self.waiting(&turn);
        waiting.jobs.push_back(placed);
        if waiting.jobs.len() == 1 && !waiting.served {
            self.ring.push_back(turn);
        }
    }

    fn next(&mut self) -> Option<Box<dyn Job>> {
        let turn = self.ring.pop_front()?;
        let job = self.next_of(&turn);
        self.rejoin(turn);
        job
    }

    fn next_of(&mut self, turn: &Turn) -> Option<Box<dyn Job>> {
        Some(self.turns.get_mut(turn)?.jobs.pop_front()?.job)
    }

    /// Puts a turn behind all others, if anything of it waits.
    fn rejoin(&mut self, turn: Turn) {
        match self.turns.get_mut(&turn) {
            Some(waiting) if !waiting.jobs.is_empty() => self.ring.push_back(turn),
            Some(waiting) if waiting.is_idle() => drop(self.turns.remove(&turn)),
            _ => {}
        }
    }
}

impl Waiting {
    /// Whether nothing waits, in the queue or for a place in it.
    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && !self.served && Arc::strong_count(&self.places) == 1
    }
}

/// Runs a future on this thread, which sleeps while it waits; inside a runtime or outside.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Thread(std::thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tx::Tx;

    /// A job that says which it is when it is done away with.
    struct Named(&'static str, std::sync::mpsc::Sender<&'static str>);

    impl Job for Named {
        fn run(&mut self, _tx: &mut Tx) -> crate::job::Verdict {
            crate::job::Verdict::Keep
        }

        fn fail(&mut self, _error: Error) {}

        fn finish(self: Box<Self>, _committed: Result<()>) {
            self.1.send(self.0).unwrap();
        }
    }

    #[test]
    fn turns_are_served_one_after_another_and_each_in_order() {
        let queue = Queue::new();
        let (told, order) = std::sync::mpsc::channel();
        for (turn, name) in [
            ("a", "a1"),
            ("a", "a2"),
            ("a", "a3"),
            ("b", "b1"),
            ("a", "a4"),
            ("c", "c1"),
            ("b", "b2"),
        ] {
            queue.push_blocking(turn.into(), Box::new(Named(name, told.clone()))).unwrap();
        }
        queue.close();
        while let Some(job) = queue.next() {
            job.finish(Ok(()));
        }
        drop(told);
        assert_eq!(order.iter().collect::<Vec<_>>(), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
        assert!(queue.lock().turns.is_empty());
    }

    #[test]
    fn a_turn_that_is_served_is_nobody_elses_until_it_is_given_back() {
        let queue = Queue::new();
        let (told, order) = std::sync::mpsc::channel();
        for (turn, name) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
            queue.push_blocking(turn.into(), Box::new(Named(name, told.clone()))).unwrap();
        }
        let a = queue.take_turn().unwrap();
        queue.next_of(&a).unwrap().finish(Ok(()));
        let b = queue.take_turn().unwrap();
        assert_eq!((a.as_str(), b.as_str()), ("a", "b"));
        queue.push_blocking("b".into(), Box::new(Named("b2", told.clone()))).unwrap();
        assert!(queue.lock().ring.is_empty());
        queue.give_back(a);
        queue.give_back(b);
        queue.close();
        while let Some(job) = queue.next() {
            job.finish(Ok(()));
        }
        drop(told);
        assert_eq!(order.iter().collect::<Vec<_>>(), ["a1", "a2", "b1", "b2"]);
        assert!(queue.lock().turns.is_empty());
    }

    #[test]
    fn a_turn_whose_queue_is_full_keeps_no_other_from_its_place() {
        let queue = Queue::new();
        let (told, order) = std::sync::mpsc::channel();
        let push = |turn: &str, name| {
            let mut pushed = pin!(queue.push(turn.into(), Box::new(Named(name, told.clone()))));
            pushed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        };
        assert!((0..WRITE_TURN_QUEUE_MAX).all(|_| push("greedy", "greedy")));
        assert!(!push("greedy", "one too many"));
        assert!(push("modest", "modest"));
        for _ in 0..2 {
            queue.next_waiting().unwrap().finish(Ok(()));
        }
        assert_eq!(order.try_iter().collect::<Vec<_>>(), ["greedy", "modest"]);
        assert!(push("greedy", "place again"));
    }
}
