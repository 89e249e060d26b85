//! Who writes, why and when; the clock; ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Who does something, because of what, at which moment. There is no write without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctx {
    /// Who: `cli:ana`, `token:…`, `task:…`.
    pub actor: String,
    /// Because of what: a request, an import, another event.
    pub cause: String,
    /// The moment, in whole microseconds.
    pub now: Timestamp,
}

impl Ctx {
    /// A context for `actor`, because of `cause`, at the clock's present moment.
    pub fn new(actor: impl Into<String>, cause: impl Into<String>, clock: &Clock) -> Ctx {
        Ctx { actor: actor.into(), cause: cause.into(), now: clock.now() }
    }
}

/// Where the present moment comes from: the system, or whoever runs a test or a simulation.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands at `at` until it is set or advanced; its clones stand with it.
    pub fn fixed(at: Timestamp) -> Clock {
        Clock(Source::Fixed(Arc::new(AtomicI64::new(at.as_microsecond()))))
    }

    /// The present moment in whole microseconds, so that it equals itself once stored.
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            Source::System => Timestamp::now().as_microsecond(),
            Source::Fixed(at) => at.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves a fixed clock to `at`; the system's clock stays as it is.
    pub fn set(&self, at: Timestamp) {
        match &self.0 {
            Source::System => debug_assert!(false, "the system's clock cannot be set"),
            Source::Fixed(now) => now.store(at.as_microsecond(), Ordering::SeqCst),
        }
    }

    /// Moves a fixed clock on by `by`; the system's clock stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        match &self.0 {
            Source::System => debug_assert!(false, "the system's clock cannot be advanced"),
            Source::Fixed(now) => {
                let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
                now.fetch_add(micros, Ordering::SeqCst);
            }
        }
    }
}

/// A new id: UUIDv7, so that later ids of one process sort after earlier ones.
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// The id that follows this one directly; none if it is no id, or the last.
pub(crate) fn successor(id: &str) -> Option<String> {
    let number = Uuid::parse_str(id).ok()?.as_u128();
    Some(Uuid::from_u128(number.checked_add(1)?).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told_and_with_its_clones() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(other.now().as_second(), 60);
        other.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now().as_second(), 0);
    }

    #[test]
    fn ids_ascend() {
        let ids: Vec<String> = (0..1000).map(|_| new_id()).collect();
        assert!(ids.is_sorted());
    }
}
