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
        let lasts = |until: &Mutex<Option<Instant>>| {
            let until = until.lock().unwrap_or_else(PoisonError::into_inner);
            until.is_some_and(|until| until > now)
        };
        self.0.iter().all(|until| lasts(until))
    }
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
