//! Our own pace: token buckets like AWS's, of which we use a share, and a fair queue before each that is scarce.
//!
//! A write that has no token is not waited for: it gets a place in the queue and is told when to ask again. Places go by
//! priority, then in turns from project to project, so that a large project does not hold up a small one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::limits::{Limit, limit_of};
use crate::engine::{Priority, Turn};

/// How long after its time somebody may still come for his place.
const GRACE: Duration = Duration::from_secs(10);
/// A read, or a write, that is due within this time is waited for.
const SHORT: Duration = Duration::from_millis(500);

/// How much of AWS's published request limits we may use: above 0, at most 1; `none` for no pace of our own at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(Option<f64>);

impl Share {
    /// No pace of our own.
    pub const UNLIMITED: Self = Self(None);
}

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::UNLIMITED);
        }
        match text.parse() {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self(Some(share))),
            _ => Err("a share is a number above 0 and at most 1, such as 0.5, or `none`".to_owned()),
        }
    }
}

/// The pace of one account and region.
#[derive(Debug)]
pub struct Limiter {
    share: Share,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    refill: f64,
    tokens: f64,
    filled_at: Instant,
    round: u64,
    seq: u64,
    queue: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    turn: Turn,
    round: u64,
    seq: u64,
    until: Instant,
}

impl Place {
    fn rank(&self) -> (Priority, u64, u64) {
        (self.turn.priority, self.round, self.seq)
    }
}

impl Limiter {
    /// A pace of `share` of AWS's published limits.
    pub fn new(share: Share) -> Self {
        Self {
            share,
            buckets: Mutex::default(),
        }
    }

    /// Waits until `call`, a read, may be sent.
    pub async fn pace(&self, call: &str) {
        while let Some(due) = self.take(call, Instant::now()) {
            tokio::time::sleep(due).await;
        }
    }

    /// Lets `turn` send `call`, perhaps after a moment.
    ///
    /// # Errors
    /// How long it takes until it may, when that is more than a moment. Its place is kept.
    pub async fn admit(&self, call: &str, turn: &Turn) -> Result<(), Duration> {
        loop {
            match self.ask(call, turn, Instant::now()) {
                Ok(()) => return Ok(()),
                Err(due) if due > SHORT => return Err(due),
                Err(due) => tokio::time::sleep(due).await,
            }
        }
    }

    /// How long until a token for a read is there; none when it was taken.
    fn take(&self, call: &str, now: Instant) -> Option<Duration> {
        let mut buckets = self.buckets();
        let bucket = self.bucket(&mut buckets, call, now)?;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return None;
        }
        Some(bucket.until(1.0))
    }

    fn ask(&self, call: &str, turn: &Turn, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets();
        let Some(bucket) = self.bucket(&mut buckets, call, now) else {
            return Ok(());
        };
        bucket.queue.retain(|place| place.until > now || place.turn == *turn);
        let known = bucket.queue.iter().position(|place| place.turn == *turn);
        let at = known.unwrap_or_else(|| bucket.join(turn, now));
        let rank = bucket.queue[at].rank();
        let before = bucket.queue.iter().filter(|place| place.rank() < rank).count();
        #[expect(clippy::cast_precision_loss, reason = "queues are short")]
        let needed = before as f64 + 1.0;
        if bucket.tokens >= needed.min(bucket.capacity) && (before == 0 || bucket.tokens >= needed) {
            bucket.tokens -= 1.0;
            bucket.round = bucket.round.max(rank.1);
            bucket.queue.swap_remove(at);
            return Ok(());
        }
        let due = bucket.until(needed);
        bucket.queue[at].until = now + due + GRACE;
        Err(due)
    }

    fn bucket<'a>(&self, buckets: &'a mut HashMap<String, Bucket>, call: &str, now: Instant) -> Option<&'a mut Bucket> {
        let share = self.share.0?;
        let (limit, name) = limit_of(call)?;
        let bucket = buckets.entry(name).or_insert_with(|| Bucket::new(limit, share, now));
        bucket.fill(now);
        Some(bucket)
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn new(limit: &Limit, share: f64, now: Instant) -> Self {
        let capacity = (limit.capacity * share).max(1.0);
        Self {
            capacity,
            refill: limit.refill * share,
            tokens: capacity,
            filled_at: now,
            round: 0,
            seq: 0,
            queue: Vec::new(),
        }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.refill).min(self.capacity);
        self.filled_at = now;
    }

    fn until(&self, needed: f64) -> Duration {
        Duration::from_secs_f64(((needed - self.tokens) / self.refill).max(0.001))
    }

    /// The place of a newcomer: one round after the last that its owner waits for.
    fn join(&mut self, turn: &Turn, now: Instant) -> usize {
        let own = self.queue.iter().filter(|place| place.turn.owner == turn.owner);
        let round = own.map(|place| place.round).max().unwrap_or(self.round) + 1;
        self.seq += 1;
        self.queue.push(Place {
            turn: turn.clone(),
            round,
            seq: self.seq,
            until: now + GRACE,
        });
        self.queue.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NodeKey, Owner};

    const SCARCE: &str = "ec2:CreateVpcEndpoint";

    fn turn(project: &str, node: usize, priority: Priority) -> Turn {
        Turn {
            owner: Owner::new("test", "default", project),
            node: NodeKey::new("VpcEndpoint", &node.to_string()),
            priority,
        }
    }

    /// Serves everybody, each asking again when told to; answers who was served when, in seconds.
    fn serve(mut open: Vec<Turn>) -> Vec<(String, u64)> {
        let start = Instant::now();
        let limiter = Limiter::new(Share(Some(1.0)));
        let mut served = Vec::new();
        for second in 0..400 {
            let now = start + Duration::from_secs(second);
            open.retain(|turn| {
                let done = limiter.ask(SCARCE, turn, now).is_ok();
                if done {
                    served.push((turn.owner.name.clone(), second));
                }
                !done
            });
        }
        assert!(open.is_empty(), "everybody is served");
        served
    }

    #[test]
    fn a_burst_then_the_published_rate() {
        let served = serve((0..10).map(|i| turn("a", i, Priority::Creation)).collect());
        assert_eq!(served.iter().filter(|(_, at)| *at == 0).count(), 4);
        let last = served.last().map(|(_, at)| *at);
        assert!(matches!(last, Some(20 | 21)), "six more at 0.3 a second: {served:?}");
    }

    #[test]
    fn projects_take_turns() {
        let mut turns: Vec<Turn> = (0..20).map(|i| turn("large", i, Priority::Creation)).collect();
        turns.extend((0..3).map(|i| turn("small", i, Priority::Creation)));
        let served = serve(turns);
        let last_small = served.iter().rposition(|(owner, _)| owner == "small");
        assert!(last_small < Some(12), "{served:?}");
    }

    #[test]
    fn drift_goes_first() {
        let mut turns: Vec<Turn> = (0..10).map(|i| turn("new", i, Priority::Creation)).collect();
        turns.push(turn("open", 0, Priority::SecurityDrift));
        let served = serve(turns);
        let drift = served.iter().position(|(owner, _)| owner == "open");
        assert!(drift <= Some(5), "{served:?}");
    }

    #[test]
    fn without_a_share_there_is_no_limit() {
        let limiter = Limiter::new(Share::UNLIMITED);
        let now = Instant::now();
        assert!((0..100).all(|i| limiter.ask(SCARCE, &turn("a", i, Priority::Creation), now).is_ok()));
    }
}
