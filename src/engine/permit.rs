use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Whether this process may write to AWS: always, or until a moment that something moves on, such as a lease; or while
/// several of these last.
#[derive(Clone, Debug, Default)]
pub struct Permit(Vec<Arc<Mutex<Option<Instant>>>>);

impl Permit {
    /// For whoever is alone.
    pub fn always() -> Self {
        Self(Vec::new())
    }

    /// For one of several: nothing may be written until [`Permit::until`] says so.
    pub fn leased() -> Self {
        Self(vec![Arc::default()])
    }

    /// This one and `other`, each moved on by who has it: what needs both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// Writing is allowed until `end`.
    pub fn until(&self, end: Instant) {
        for until in &self.0 {
            *until.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        }
    }

    /// Whether writing is allowed `now`.
    pub fn holds(&self, now: Instant) -> bool {
        self.0
            .iter()
            .all(|until| moment(until).is_some_and(|until| until > now))
    }

    /// Comes when writing is allowed no longer; never, for whoever is alone.
    #[cfg(feature = "aws")]
    pub async fn ended(&self) {
        let ends = || self.0.iter().map(|until| moment(until)).min();
        let Some(mut end) = ends() else {
            return std::future::pending().await;
        };
        // It may have been moved on since.
        while let Some(until) = end.filter(|_| self.holds(Instant::now())) {
            tokio::time::sleep_until(until.into()).await;
            end = ends().flatten();
        }
    }
}

fn moment(until: &Mutex<Option<Instant>>) -> Option<Instant> {
    *until.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_leased_permit_ends() {
        let permit = Permit::leased();
        let now = Instant::now();
        assert!(!permit.holds(now));
        permit.clone().until(now + Duration::from_secs(10));
        assert!(permit.holds(now));
        assert!(!permit.holds(now + Duration::from_secs(10)));
        assert!(Permit::always().holds(now));
    }

    #[cfg(feature = "aws")]
    #[tokio::test]
    async fn its_end_comes_when_it_is_not_moved_on() {
        let (permit, now) = (Permit::leased(), Instant::now());
        permit.until(now + Duration::from_millis(50));
        let moved = permit.clone();
        let (ended, ()) = tokio::join!(
            async {
                permit.ended().await;
                Instant::now()
            },
            async { moved.until(now + Duration::from_millis(150)) }
        );
        assert!(ended >= now + Duration::from_millis(150) && !permit.holds(ended));
        Permit::leased().ended().await;
        let alone = Permit::always();
        let never = tokio::time::timeout(Duration::from_millis(20), alone.ended()).await;
        assert!(never.is_err(), "whoever is alone");
    }

    #[test]
    fn both_have_to_last() {
        let (lease, claim) = (Permit::leased(), Permit::leased());
        let both = lease.and(&claim);
        let now = Instant::now();
        lease.until(now + Duration::from_secs(10));
        assert!(!both.holds(now));
        claim.until(now + Duration::from_secs(5));
        assert!(both.holds(now));
        assert!(!both.holds(now + Duration::from_secs(5)));
        assert!(Permit::always().and(&claim).holds(now));
    }
}
