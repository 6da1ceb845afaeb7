use super::*;

const WAIT: Duration = Duration::from_secs(300);
const EVERY: Duration = Duration::from_secs(60);

/// A store of claims, and time.
struct Stage {
    claims: Claims,
    now: Instant,
    stamp: u64,
    writes: usize,
}

impl Stage {
    fn new() -> Self {
        Self {
            claims: Claims::new(),
            now: Instant::now(),
            stamp: 1000,
            writes: 0,
        }
    }

    fn starts(&mut self, cluster: &str) -> Contender {
        self.starts_with(cluster, WAIT)
    }

    fn starts_with(&mut self, cluster: &str, wait: Duration) -> Contender {
        self.stamp += 1;
        let own = Claimant {
            cluster: cluster.to_owned(),
            start: self.stamp,
        };
        Contender::new(own, wait)
    }

    /// As the controller does: reads and writes until there is nothing to write.
    fn looks(&mut self, contender: &mut Contender) -> Standing {
        for _ in 0..5 {
            let at = self.now;
            self.stamp += 1;
            let writes = contender.hear(&self.claims.clone(), at, self.stamp);
            if writes.is_empty() {
                return contender.standing(at).expect("its claim stands");
            }
            self.carry_out(contender, writes);
        }
        panic!("it does not come to rest: {contender:?}");
    }

    fn carry_out(&mut self, contender: &mut Contender, writes: Vec<Write>) {
        self.now += Duration::from_millis(10);
        for write in writes {
            self.writes += 1;
            match write {
                Write::Put(claim) => {
                    self.claims.insert(contender.own().clone(), claim);
                    contender.written(self.now);
                }
                Write::Strike(claimant) => {
                    self.claims.remove(&claimant);
                    contender.struck(&claimant);
                }
            }
        }
    }

    /// Time passes, in which each looks as often as it has to; how they stand at the end.
    fn pass(&mut self, time: Duration, contenders: &mut [&mut Contender]) -> Vec<Standing> {
        let end = self.now + time;
        loop {
            self.now += EVERY;
            let standings = contenders.iter_mut().map(|one| self.looks(one)).collect();
            if self.now >= end {
                return standings;
            }
        }
    }
}

fn disputed(with: &[&Contender]) -> Standing {
    Standing::Disputed(with.iter().map(|one| one.own().clone()).collect())
}

#[test]
fn the_first_is_alone_at_once_and_writes_nothing_more() {
    let mut stage = Stage::new();
    let mut first = stage.starts("a");
    assert_eq!(stage.looks(&mut first), Standing::Alone);
    assert_eq!(stage.writes, 1);
    assert_eq!(stage.pass(10 * WAIT, &mut [&mut first]), [Standing::Alone]);
    assert_eq!(stage.writes, 1);
}

#[test]
fn the_next_leader_of_a_cluster_takes_its_predecessors_place_at_once() {
    let mut stage = Stage::new();
    let mut first = stage.starts("a");
    stage.looks(&mut first);
    let mut second = stage.starts("a");
    assert_eq!(stage.looks(&mut second), Standing::Alone);
    assert_eq!(stage.claims.keys().collect::<Vec<_>>(), [second.own()]);
}

#[test]
fn what_a_dead_predecessor_sent_may_arrive_late() {
    let mut stage = Stage::new();
    let mut first = stage.starts("a");
    let late = first.hear(&Claims::new(), stage.now, 0);
    let mut second = stage.starts("a");
    stage.looks(&mut second);
    stage.carry_out(&mut first, late);
    assert_eq!(stage.looks(&mut second), Standing::Alone);
    assert_eq!(stage.claims.keys().collect::<Vec<_>>(), [second.own()]);
}

#[test]
fn a_living_holder_protests_and_both_hold_back() {
    let mut stage = Stage::new();
    let mut holder = stage.starts("a");
    stage.looks(&mut holder);
    let mut newcomer = stage.starts("b");
    let asks = Standing::Asking(BTreeSet::from([holder.own().clone()]));
    assert_eq!(stage.looks(&mut newcomer), asks, "it may not work before it knows");
    assert_eq!(stage.looks(&mut holder), disputed(&[&newcomer]));
    assert_eq!(stage.looks(&mut newcomer), disputed(&[&holder]));
    let both = [disputed(&[&newcomer]), disputed(&[&holder])];
    assert_eq!(stage.pass(10 * WAIT, &mut [&mut holder, &mut newcomer]), both);
}

#[test]
fn whoever_stays_goes_on_when_the_other_has_stopped() {
    for newcomer_stays in [false, true] {
        let mut stage = Stage::new();
        let (mut holder, mut newcomer) = (stage.starts("a"), stage.starts("b"));
        stage.looks(&mut holder);
        stage.pass(WAIT, &mut [&mut newcomer, &mut holder]);
        let stays = if newcomer_stays { &mut newcomer } else { &mut holder };
        assert_eq!(stage.pass(2 * WAIT + EVERY, &mut [stays]), [Standing::Alone]);
        let before = stage.writes;
        let stays = if newcomer_stays { &mut newcomer } else { &mut holder };
        stage.pass(4 * WAIT, &mut [stays]);
        assert_eq!(stage.writes, before, "a fleet at rest writes nothing");
    }
}

#[test]
fn a_claim_that_somebody_removes_settles_it_at_the_next_look() {
    let mut stage = Stage::new();
    let (mut holder, mut newcomer) = (stage.starts("a"), stage.starts("b"));
    stage.looks(&mut holder);
    stage.pass(WAIT, &mut [&mut newcomer, &mut holder]);
    stage.claims.remove(newcomer.own());
    assert_eq!(stage.looks(&mut holder), Standing::Alone);
    // Unless the other lives: it comes back.
    stage.looks(&mut newcomer);
    assert_eq!(stage.looks(&mut holder), disputed(&[&newcomer]));
}

#[test]
fn a_dead_holder_is_followed_after_the_wait_and_not_before() {
    let mut stage = Stage::new();
    let mut holder = stage.starts("a");
    stage.looks(&mut holder);
    let mut newcomer = stage.starts("b");
    stage.looks(&mut newcomer);
    let asked = stage.now;
    loop {
        stage.now += EVERY;
        let standing = stage.looks(&mut newcomer);
        if standing == Standing::Alone {
            break;
        }
        assert!(stage.now < asked + WAIT + EVERY);
    }
    assert!(
        stage.now >= asked + WAIT,
        "a holder may work for less time after its last look"
    );
    assert!(holder.lasts() < WAIT);
    assert_eq!(stage.claims.keys().collect::<Vec<_>>(), [newcomer.own()]);
    // The dead was only frozen: it comes back, and learns of it before it works.
    assert_eq!(stage.looks(&mut holder), disputed(&[&newcomer]));
    assert_eq!(stage.looks(&mut newcomer), disputed(&[&holder]));
}

#[test]
fn who_is_in_a_hurry_waits_as_long_as_the_other_may_take() {
    let mut stage = Stage::new();
    let mut holder = stage.starts("a");
    stage.looks(&mut holder);
    let mut hasty = stage.starts_with("b", WAIT / 30);
    assert_ne!(stage.pass(WAIT - EVERY, &mut [&mut hasty]), [Standing::Alone]);
    assert_eq!(stage.pass(2 * EVERY, &mut [&mut hasty]), [Standing::Alone]);
}

#[test]
fn two_that_begin_at_once_see_each_other() {
    let mut stage = Stage::new();
    let (mut one, mut other) = (stage.starts("a"), stage.starts("b"));
    let firsts = [&mut one, &mut other].map(|contender| contender.hear(&Claims::new(), stage.now, 0));
    let [first, second] = firsts;
    stage.carry_out(&mut one, first);
    stage.carry_out(&mut other, second);
    assert_eq!(stage.looks(&mut one), disputed(&[&other]));
    assert_eq!(stage.looks(&mut other), disputed(&[&one]));
}

#[test]
fn two_that_follow_one_dead_holder_dispute_it() {
    let mut stage = Stage::new();
    let mut dead = stage.starts("a");
    stage.looks(&mut dead);
    let (mut one, mut other) = (stage.starts("b"), stage.starts("c"));
    let standings = stage.pass(3 * WAIT, &mut [&mut one, &mut other]);
    assert_eq!(standings, [disputed(&[&other]), disputed(&[&one])]);
    assert!(!stage.claims.contains_key(dead.own()), "the dead is out of it");
}

#[test]
fn a_twin_of_the_cluster_is_noticed() {
    let mut stage = Stage::new();
    let mut original = stage.starts("a");
    stage.looks(&mut original);
    let mut twin = stage.starts("a");
    assert_eq!(stage.looks(&mut twin), Standing::Alone, "it looks like the next leader");
    stage.now += EVERY;
    assert_eq!(stage.looks(&mut original), disputed(&[&twin]));
    assert_eq!(stage.looks(&mut twin), disputed(&[&original]));
}

#[test]
fn nobody_is_alone_before_others_can_see_its_claim() {
    let mut stage = Stage::new();
    let mut first = stage.starts("a");
    let at = stage.now;
    let writes = first.hear(&Claims::new(), at, 1);
    assert_eq!(first.standing(at), None);
    stage.carry_out(&mut first, writes);
    assert_eq!(first.standing(at), None, "the reading is older than the claim");
}

#[test]
fn a_claim_that_is_shown_late_is_not_taken_for_another() {
    let mut stage = Stage::new();
    let mut first = stage.starts("a");
    let old = stage.looks(&mut first);
    assert_eq!(old, Standing::Alone);
    let before = stage.claims.clone();
    let mut second = stage.starts("a");
    stage.looks(&mut second);
    // A list that does not show yet what was struck.
    let mut late = before;
    late.extend(stage.claims.clone());
    assert_eq!(second.hear(&late, stage.now, 9999), []);
    assert_eq!(second.standing(stage.now), Some(Standing::Alone));
}
