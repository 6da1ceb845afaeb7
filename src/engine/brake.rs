//! Stops when too much of a fleet would be changed at once though nobody declared anything: then it is more likely that
//! this program is wrong, or that somebody is at work, than that all of it has to be put right this minute.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::model::Owner;

/// How many projects may be changed at once though nobody declared anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The share of the fleet, from 0 to 1. 1 is all of it: nothing is ever held.
    pub share: f64,
    /// The least number of projects that is too many, however few there are.
    pub least: usize,
}

impl Limits {
    /// Of how many projects of a fleet of `fleet` changes go through.
    pub fn allows(&self, fleet: usize) -> usize {
        let share = (self.share.clamp(0.0, 1.0) * fleet as f64).floor() as usize;
        share.max(self.least.saturating_sub(1))
    }
}

/// What a look at a project showed that nobody declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It cannot be told: AWS could not be read, or nothing is written anyhow.
    Unknown,
    /// Nothing.
    Nothing,
    /// Changes.
    Changes,
}

/// What was found when the brake acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Braking {
    /// Tells this time from others.
    pub id: String,
    /// How many projects would have been changed, at least.
    pub projects: usize,
    /// How many there are.
    pub fleet: usize,
}

/// Whether the changes of a project go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// They do.
    Go,
    /// Ask again soon: not every project was looked at yet since this process began.
    Counting,
    /// They are held.
    Held(Braking),
}

/// After so long without news of a project that was not looked at yet, it is not waited for any longer.
const NEWS_WITHIN: Duration = Duration::from_secs(60);

/// A project whose changes count.
#[derive(Clone, Debug)]
struct Counted {
    /// As long as its own sweep.
    until: Instant,
    /// It was told to go, and is not done yet: what was begun is not left half done.
    going: bool,
}

/// See the module.
///
/// Nothing is written before every project was looked at once: a new version of this program has seen all that it wants
/// before it begins. From then on projects are counted as they come, and those within the limit go through at once. Once
/// it holds, it holds until everything that is held was released, or is not wanted any more.
#[derive(Debug)]
pub struct Brake {
    limits: Limits,
    /// Who was looked at since this process began; nothing once that were all.
    looked_at: Option<BTreeSet<Owner>>,
    /// When the last of them was.
    news: Instant,
    counted: BTreeMap<Owner, Counted>,
    held: BTreeSet<Owner>,
    /// What held them: this process, or one before it.
    braking: Option<Braking>,
}

impl Brake {
    /// Of a process that begins `now`.
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            looked_at: Some(BTreeSet::new()),
            news: now,
            counted: BTreeMap::new(),
            held: BTreeSet::new(),
            braking: None,
        }
    }

    /// Takes note of what was seen of `owner`. `mark` is the id of the braking that holds it, as it was written down.
    pub fn note(&mut self, owner: &Owner, wish: Wish, mark: Option<&str>, now: Instant) {
        if let Some(looked_at) = &mut self.looked_at
            && looked_at.insert(owner.clone())
        {
            self.news = now;
        }
        match (wish, mark) {
            (Wish::Nothing, _) => {
                self.held.remove(owner);
                if let Some(counted) = self.counted.get_mut(owner) {
                    counted.going = false;
                }
            }
            (_, Some(mark)) => {
                self.held.insert(owner.clone());
                let again = || Braking {
                    id: mark.to_owned(),
                    projects: 0,
                    fleet: 0,
                };
                self.braking.get_or_insert_with(again);
            }
            (Wish::Unknown | Wish::Changes, None) => {}
        }
        self.end_if_over();
    }

    /// Whether what `owner` wants goes through. `fleet` is everybody; `sweep` how long what is done now counts; `id` what
    /// a braking is called that begins now.
    pub fn ask(&mut self, owner: &Owner, fleet: &[Owner], sweep: Duration, id: &str, now: Instant) -> Ruling {
        self.counted.retain(|_, counted| counted.until > now);
        let until = now + sweep;
        let anew = Counted { until, going: false };
        let counted = self.counted.entry(owner.clone()).or_insert(anew);
        counted.until = until;
        if counted.going {
            return Ruling::Go;
        }
        if let Some(looked_at) = &self.looked_at {
            let missing = fleet.iter().any(|owner| !looked_at.contains(owner));
            if missing && now < self.news + NEWS_WITHIN {
                return Ruling::Counting;
            }
            self.looked_at = None;
        }
        let projects = self.counted.len();
        let too_many = projects > self.limits.allows(fleet.len());
        if self.braking.is_none() && !too_many {
            if let Some(counted) = self.counted.get_mut(owner) {
                counted.going = true;
            }
            return Ruling::Go;
        }
        let found = |id: &str| Braking {
            id: id.to_owned(),
            projects,
            fleet: fleet.len(),
        };
        let braking = self.braking.get_or_insert_with(|| found(id));
        if braking.fleet == 0 {
            *braking = found(&braking.id);
        }
        self.held.insert(owner.clone());
        Ruling::Held(braking.clone())
    }

    /// How many projects it holds.
    pub fn holds(&self) -> usize {
        self.held.len()
    }

    /// Somebody has looked at what `owner` wants and lets it through: it counts no more.
    pub fn release(&mut self, owner: &Owner) {
        self.held.remove(owner);
        self.counted.remove(owner);
        self.end_if_over();
    }

    /// `owner` is gone.
    pub fn forget(&mut self, owner: &Owner) {
        self.release(owner);
        if let Some(looked_at) = &mut self.looked_at {
            looked_at.remove(owner);
        }
    }

    fn end_if_over(&mut self) {
        if self.held.is_empty() {
            self.braking = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEEP: Duration = Duration::from_secs(60);
    const LIMITS: Limits = Limits { share: 0.2, least: 5 };

    fn fleet(size: usize) -> Vec<Owner> {
        let owner = |number| Owner::new("test", "default", &format!("p{number}"));
        (0..size).map(owner).collect()
    }

    /// A brake that has seen all of `fleet`, of whom nobody wanted anything.
    fn steady(fleet: &[Owner], now: Instant) -> Brake {
        let mut brake = Brake::new(LIMITS, now);
        for owner in fleet {
            brake.note(owner, Wish::Nothing, None, now);
        }
        brake
    }

    fn wants(brake: &mut Brake, owner: &Owner, fleet: &[Owner], now: Instant) -> Ruling {
        brake.note(owner, Wish::Changes, None, now);
        brake.ask(owner, fleet, SWEEP, "now", now)
    }

    fn held(ruling: &Ruling) -> Option<(&str, usize, usize)> {
        match ruling {
            Ruling::Held(braking) => Some((&braking.id, braking.projects, braking.fleet)),
            Ruling::Go | Ruling::Counting => None,
        }
    }

    #[test]
    fn the_limit_is_a_share_but_never_less_than_the_least() {
        let allowed = |share, least, fleet| Limits { share, least }.allows(fleet);
        assert_eq!(allowed(0.2, 5, 3), 4, "three projects are never held");
        assert_eq!(allowed(0.2, 5, 24), 4);
        assert_eq!(allowed(0.2, 5, 1000), 200);
        assert_eq!(allowed(0.0, 1, 1000), 0, "everything is held");
        assert_eq!(allowed(1.0, 5, 1000), 1000, "nothing is");
    }

    #[test]
    fn as_many_as_are_allowed_go_through_and_no_more() {
        let (fleet, now) = (fleet(50), Instant::now());
        let mut brake = steady(&fleet, now);
        for owner in &fleet[..10] {
            assert_eq!(wants(&mut brake, owner, &fleet, now), Ruling::Go);
            assert_eq!(wants(&mut brake, owner, &fleet, now), Ruling::Go, "it counts once");
        }
        assert_eq!(held(&wants(&mut brake, &fleet[10], &fleet, now)), Some(("now", 11, 50)));
        assert_eq!(
            wants(&mut brake, &fleet[3], &fleet, now),
            Ruling::Go,
            "what was begun is finished"
        );
        brake.note(&fleet[3], Wish::Nothing, None, now);
        assert!(
            held(&wants(&mut brake, &fleet[3], &fleet, now)).is_some(),
            "and is held from then on"
        );
    }

    #[test]
    fn what_was_done_in_an_earlier_sweep_does_not_count() {
        let (fleet, now) = (fleet(50), Instant::now());
        let mut brake = steady(&fleet, now);
        for (number, owner) in fleet.iter().enumerate() {
            let later = now + SWEEP.mul_f64(number as f64 / 8.0);
            assert_eq!(wants(&mut brake, owner, &fleet, later), Ruling::Go, "{number}");
            brake.note(owner, Wish::Nothing, None, later);
        }
    }

    #[test]
    fn nothing_goes_through_before_everybody_was_looked_at() {
        let (fleet, now) = (fleet(10), Instant::now());
        let mut brake = Brake::new(LIMITS, now);
        for owner in &fleet[..9] {
            assert_eq!(wants(&mut brake, owner, &fleet, now), Ruling::Counting);
        }
        brake.note(&fleet[9], Wish::Unknown, None, now);
        for owner in &fleet[..9] {
            assert_eq!(held(&wants(&mut brake, owner, &fleet, now)), Some(("now", 9, 10)));
        }
    }

    #[test]
    fn whoever_is_never_looked_at_is_not_waited_for_for_ever() {
        let (fleet, now) = (fleet(3), Instant::now());
        let mut brake = Brake::new(LIMITS, now);
        assert_eq!(wants(&mut brake, &fleet[0], &fleet, now), Ruling::Counting);
        let later = now + Duration::from_secs(59);
        assert_eq!(wants(&mut brake, &fleet[1], &fleet, later), Ruling::Counting);
        assert_eq!(wants(&mut brake, &fleet[0], &fleet, later + NEWS_WITHIN), Ruling::Go);
    }

    #[test]
    fn one_alone_does_not_wait() {
        let (fleet, now) = (fleet(1), Instant::now());
        assert_eq!(wants(&mut Brake::new(LIMITS, now), &fleet[0], &fleet, now), Ruling::Go);
    }

    #[test]
    fn a_restart_does_not_release() {
        let (fleet, now) = (fleet(50), Instant::now());
        let mut brake = Brake::new(LIMITS, now);
        for owner in &fleet[1..] {
            brake.note(owner, Wish::Nothing, None, now);
        }
        // One is left of those that were held, and would be few enough.
        brake.note(&fleet[0], Wish::Changes, Some("before"), now);
        assert_eq!(
            held(&brake.ask(&fleet[0], &fleet, SWEEP, "now", now)),
            Some(("before", 1, 50))
        );
        assert_eq!(
            held(&wants(&mut brake, &fleet[1], &fleet, now)),
            Some(("before", 1, 50))
        );
        brake.release(&fleet[0]);
        assert!(
            held(&wants(&mut brake, &fleet[2], &fleet, now)).is_some(),
            "another is still held"
        );
        brake.release(&fleet[1]);
        brake.note(&fleet[2], Wish::Nothing, Some("before"), now);
        assert_eq!(
            wants(&mut brake, &fleet[3], &fleet, now),
            Ruling::Go,
            "nothing is held any more"
        );
    }

    #[test]
    fn what_cannot_be_read_releases_nothing() {
        let (fleet, now) = (fleet(6), Instant::now());
        let mut brake = steady(&fleet, now);
        for owner in &fleet {
            wants(&mut brake, owner, &fleet, now);
        }
        for owner in &fleet {
            brake.note(owner, Wish::Unknown, None, now);
        }
        let later = now + 2 * SWEEP;
        assert!(held(&wants(&mut brake, &fleet[5], &fleet, later)).is_some());
    }

    #[test]
    fn whoever_is_gone_holds_nobody() {
        let (fleet, now) = (fleet(6), Instant::now());
        let mut brake = steady(&fleet, now);
        let rulings: Vec<Ruling> = fleet
            .iter()
            .map(|owner| wants(&mut brake, owner, &fleet, now))
            .collect();
        assert_eq!(rulings.iter().filter(|ruling| held(ruling).is_some()).count(), 2);
        brake.forget(&fleet[4]);
        assert_eq!(brake.holds(), 1);
        brake.forget(&fleet[5]);
        assert!(brake.holds() == 0 && brake.braking.is_none());
    }
}
