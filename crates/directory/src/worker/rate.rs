//! Rate: how fast requests may follow each other, as a bucket of tokens.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A bucket that fills at a steady rate. Whoever takes from an empty one waits for their turn.
pub(crate) struct Bucket {
    state: Mutex<State>,
    per_sec: f64,
    burst: f64,
}

struct State {
    /// Below zero: so many are waiting.
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket for an application's rate.
    pub fn new(rate: lifecycle::Rate) -> Self {
        let burst = f64::from(rate.burst.max(1));
        Self {
            state: Mutex::new(State { tokens: burst, filled_at: Instant::now() }),
            per_sec: f64::from(rate.requests.max(1)) / f64::from(rate.per_secs.max(1)),
            burst,
        }
    }

    /// Waits until a request may be sent.
    pub async fn take(&self) {
        let wait = self.reserve(Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    /// Takes a token, and says how long until it is there.
    fn reserve(&self, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.filled_at).as_secs_f64();
        state.tokens = (state.tokens + passed * self.per_sec).min(self.burst) - 1.0;
        state.filled_at = now;
        if state.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-state.tokens / self.per_sec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let bucket = Bucket::new(lifecycle::Rate { requests: 2, per_secs: 1, burst: 3 });
        let start = Instant::now();
        let waits: Vec<u128> = (0..6).map(|_| bucket.reserve(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000, 1500]);
        // Two seconds later three of the debt are paid and one token is there.
        let later = start + Duration::from_secs(2);
        assert_eq!(bucket.reserve(later), Duration::ZERO);
        assert_eq!(bucket.reserve(later).as_millis(), 500);
    }
}
