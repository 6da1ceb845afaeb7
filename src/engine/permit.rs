use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Whether this process may write to AWS: always, or until a moment that a lease moves on.
#[derive(Clone, Debug, Default)]
pub struct Permit(Option<Arc<Mutex<Option<Instant>>>>);

impl Permit {
    /// For whoever is alone.
    pub fn always() -> Self {
        Self(None)
    }

    /// For one of several: nothing may be written until [`Permit::until`] says so.
    pub fn leased() -> Self {
        Self(Some(Arc::default()))
    }

    /// Writing is allowed until `end`.
    pub fn until(&self, end: Instant) {
        if let Some(until) = &self.0 {
            *until.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        }
    }

    /// Whether writing is allowed `now`.
    pub fn holds(&self, now: Instant) -> bool {
        let Some(until) = &self.0 else { return true };
        until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|until| until > now)
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
}
