//! Which calls meet which fault.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::gate::Gate;
use super::request::Request;
use crate::Random;

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The request takes longer to arrive. Other faults of the call still apply.
    Delay(Duration),
    /// The reply takes longer to arrive. Other faults of the call still apply.
    SlowReply(Duration),
    /// A list that is asked for in pages comes in pages of so many items, after one that has none. Other faults of the
    /// call still apply.
    ShortPages(usize),
    /// The service throttles, in its own words.
    Throttle,
    /// The service denies access, naming caller, action and resource.
    AccessDenied,
    /// The caller's credentials have expired.
    ExpiredToken,
    /// The service answers with this error, in its own wire format.
    Error {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
        /// The text for people.
        message: String,
    },
    /// AWS never sees the request, and nothing answers until the caller gives up or the rule is removed.
    Timeout,
    /// AWS does it, and nothing answers until the caller gives up or the rule is removed.
    TimeoutAfter,
    /// The connection closes before AWS sees the request.
    ResetBefore,
    /// AWS does it, and the connection closes in place of the reply.
    ResetAfter,
    /// AWS does it, and the reply is no XML or JSON.
    Malformed,
    /// AWS does it, and the connection closes in the middle of the reply.
    Truncated,
    /// The call stops at a gate until the test decides.
    Hold(Gate),
}

impl Fault {
    /// An error of the service's own.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Error {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => write!(f, "delay {time:?}"),
            Self::SlowReply(time) => write!(f, "slow reply {time:?}"),
            Self::Error { code, .. } => write!(f, "error {code}"),
            Self::ShortPages(size) => write!(f, "pages of {size}"),
            Self::Hold(gate) => write!(f, "hold {:?}", gate.moment()),
            other => write!(f, "{other:?}"),
        }
    }
}

type Predicate = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

#[derive(Clone)]
enum Matcher {
    Name(String),
    Predicate(Predicate),
}

/// A fault, and the calls it befalls. Every call that matches is numbered, from 1, whether or not it is hit.
#[derive(Clone)]
pub struct Rule {
    matcher: Matcher,
    nth: RangeInclusive<u64>,
    times: u64,
    probability: Option<(f64, u64)>,
    fault: Fault,
}

impl Rule {
    /// For calls whose name fits a pattern: `ec2:CreateVpc`, `s3:*`, `ec2:Create*|ec2:Delete*`.
    pub fn on(pattern: &str, fault: Fault) -> Self {
        Self::new(Matcher::Name(pattern.to_owned()), fault)
    }

    /// For calls that change AWS.
    pub fn on_writes(fault: Fault) -> Self {
        Self::when(Request::is_mutating, fault)
    }

    /// For calls that a predicate picks.
    pub fn when(predicate: impl Fn(&Request) -> bool + Send + Sync + 'static, fault: Fault) -> Self {
        Self::new(Matcher::Predicate(Arc::new(predicate)), fault)
    }

    fn new(matcher: Matcher, fault: Fault) -> Self {
        Self {
            matcher,
            nth: 1..=u64::MAX,
            times: u64::MAX,
            probability: None,
            fault,
        }
    }

    /// Only for the matching call of this number.
    pub fn nth(self, number: u64) -> Self {
        self.range(number..=number)
    }

    /// Only for matching calls of these numbers.
    pub fn range(mut self, numbers: RangeInclusive<u64>) -> Self {
        self.nth = numbers;
        self
    }

    /// At most this often.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Only with this probability, drawn from a seed so that a run can be repeated.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some((probability, seed));
        self
    }

    fn matches(&self, request: &Request) -> bool {
        match &self.matcher {
            Matcher::Name(pattern) => fits(pattern, &request.name()),
            Matcher::Predicate(predicate) => predicate(request),
        }
    }
}

/// Whether a name fits a pattern, where `*` is any text and `|` parts alternatives.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    pattern.split('|').any(|pattern| fits_one(pattern, name))
}

fn fits_one(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    loop {
        if fits_one(rest, name) {
            return true;
        }
        let mut letters = name.chars();
        if letters.next().is_none() {
            return false;
        }
        name = letters.as_str();
    }
}

/// A rule in force.
pub(crate) struct Active {
    rule: Rule,
    random: Mutex<Random>,
    seen: AtomicU64,
    hits: AtomicU64,
    removed: watch::Sender<bool>,
}

impl Active {
    fn new(rule: Rule) -> Self {
        let seed = rule.probability.map_or(0, |(_, seed)| seed);
        Self {
            rule,
            random: Mutex::new(Random::new(seed)),
            seen: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            removed: watch::Sender::new(false),
        }
    }

    /// The fault, if this request meets it.
    fn strike(&self, request: &Request) -> Option<Fault> {
        if !self.rule.matches(request) {
            return None;
        }
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let lucky = match self.rule.probability {
            Some((probability, _)) => random.share() >= probability,
            None => false,
        };
        let due = self.rule.nth.contains(&number) && self.hits.load(Ordering::Relaxed) < self.rule.times;
        if lucky || !due || *self.removed.borrow() {
            return None;
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(self.rule.fault.clone())
    }

    /// Waits until the rule is removed.
    pub(crate) async fn until_removed(&self) {
        let mut removed = self.removed.subscribe();
        removed.wait_for(|removed| *removed).await.ok();
    }
}

/// The rules in force, in the order they were added.
#[derive(Default)]
pub(crate) struct Rules {
    active: Mutex<Vec<Arc<Active>>>,
    any: AtomicBool,
}

impl Rules {
    pub(crate) fn add(&self, rule: Rule) -> RuleHandle {
        let active = Arc::new(Active::new(rule));
        self.lock().push(active.clone());
        self.any.store(true, Ordering::Release);
        RuleHandle(active)
    }

    pub(crate) fn clear(&self) {
        for active in self.lock().drain(..) {
            active.removed.send_replace(true);
        }
        self.any.store(false, Ordering::Release);
    }

    /// The faults that befall a request, each with the rule it comes from.
    pub(crate) fn strike(&self, request: &Request) -> Vec<(Fault, Arc<Active>)> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut active = self.lock();
        active.retain(|rule| !*rule.removed.borrow());
        active
            .iter()
            .filter_map(|rule| Some((rule.strike(request)?, rule.clone())))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Active>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rule in force, to ask and to end. Dropping it changes nothing.
pub struct RuleHandle(Arc<Active>);

impl RuleHandle {
    /// How many calls matched, hit or not.
    pub fn seen(&self) -> u64 {
        self.0.seen.load(Ordering::Relaxed)
    }

    /// How many calls met the fault.
    pub fn hits(&self) -> u64 {
        self.0.hits.load(Ordering::Relaxed)
    }

    /// Ends the rule; calls that it left hanging lose their connections.
    pub fn remove(&self) {
        self.0.removed.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::made;
    use super::*;

    /// Which of so many calls of CreateVpc a rule hits.
    fn hit(rule: Rule, calls: u64) -> Vec<u64> {
        let active = Active::new(rule);
        let request = made::query("ec2", "Action=CreateVpc");
        (1..=calls).filter(|_| active.strike(&request).is_some()).collect()
    }

    #[test]
    fn patterns_fit_names() {
        assert!(fits("ec2:CreateVpc", "ec2:CreateVpc"));
        assert!(!fits("ec2:CreateVpc", "ec2:CreateVpcEndpoint"));
        assert!(fits("ec2:Create*", "ec2:CreateVpcEndpoint"));
        assert!(fits("*:*Endpoint*", "ec2:DeleteVpcEndpoints"));
        assert!(fits("s3:*|kms:*", "kms:CreateKey"));
        assert!(!fits("s3:*|kms:*", "iam:CreateRole"));
    }

    #[test]
    fn numbers_and_times_pick_calls() {
        assert_eq!(hit(Rule::on("ec2:*", Fault::Throttle).nth(2), 5), [2]);
        assert_eq!(hit(Rule::on("ec2:*", Fault::Throttle).range(2..=3), 5), [2, 3]);
        assert_eq!(hit(Rule::on("ec2:*", Fault::Throttle).times(2), 5), [1, 2]);
        assert_eq!(hit(Rule::on_writes(Fault::Throttle), 2), [1, 2]);
        assert!(hit(Rule::on("s3:*", Fault::Throttle), 5).is_empty());
    }

    #[test]
    fn chance_can_be_repeated() {
        let rule = Rule::on("*", Fault::Throttle).probability(0.25, 7);
        let hits = hit(rule.clone(), 4000);
        assert_eq!(hits, hit(rule, 4000));
        assert!((900..1100).contains(&hits.len()), "{}", hits.len());
    }

    #[test]
    fn a_removed_rule_is_over() {
        let rules = Rules::default();
        let handle = rules.add(Rule::on("*", Fault::Throttle));
        let request = made::query("ec2", "Action=CreateVpc");
        assert_eq!(rules.strike(&request).len(), 1);
        handle.remove();
        assert!(rules.strike(&request).is_empty());
        assert_eq!((handle.seen(), handle.hits()), (1, 1));
    }
}
