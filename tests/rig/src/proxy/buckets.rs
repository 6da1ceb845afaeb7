//! AWS's throttling: a token bucket for each API in each account and region.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::limits::{AWS_DEFAULTS, Limit};
use super::operation::Protocol;
use super::request::Request;
use super::rule::fits;

/// The most foreign calls made up for at once, when a bucket was not used for long.
const FOREIGN_BACKLOG: u32 = 10_000;

/// Limits in force, and how far each is used.
#[derive(Clone, Debug)]
pub struct Buckets {
    limits: Vec<Limit>,
    speed: f64,
    foreign: f64,
    enforced: bool,
    buckets: BTreeMap<Key, Bucket>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    account: String,
    region: String,
    api: String,
}

#[derive(Clone, Debug)]
struct Bucket {
    limit: Limit,
    tokens: f64,
    /// When the tokens were last counted.
    at: Duration,
    next_foreign: Duration,
    ours: Tally,
    foreign: Tally,
}

/// How a client fared with a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Calls let through.
    pub taken: u64,
    /// Calls refused; if limits are only watched, calls that AWS would have refused.
    pub refused: u64,
}

/// How far one bucket has been used.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    /// The account.
    pub account: String,
    /// The region, or nothing for a service that has none.
    pub region: String,
    /// The API, such as `ec2:CreateVpcEndpoint`.
    pub api: String,
    /// Most tokens.
    pub capacity: f64,
    /// Tokens that come back each second.
    pub refill: f64,
    /// Our calls.
    pub ours: Tally,
    /// The foreign client's calls.
    pub foreign: Tally,
}

impl Usage {
    /// Our part of what the bucket lets through for good in such a time.
    pub fn share(&self, time: Duration) -> f64 {
        self.ours.taken as f64 / (self.refill * time.as_secs_f64())
    }
}

impl Buckets {
    /// The limits of an ordinary account: see [`super::limits`].
    pub fn aws_defaults() -> Self {
        Self::new(AWS_DEFAULTS.to_vec())
    }

    /// These limits. Calls that fit none are not limited.
    pub fn new(limits: Vec<Limit>) -> Self {
        Self {
            limits,
            speed: 1.0,
            foreign: 0.0,
            enforced: true,
            buckets: BTreeMap::new(),
        }
    }

    /// Lets tokens come back faster than in AWS, so that a test needs not wait as long.
    pub fn faster(mut self, times: f64) -> Self {
        self.speed = times;
        self
    }

    /// Adds a client that is not ours, which calls each API steadily at this share of its refill rate.
    pub fn foreign_share(mut self, share: f64) -> Self {
        self.foreign = share;
        self
    }

    /// Refuses nothing, only counts what AWS would have refused.
    pub fn only_watch(mut self) -> Self {
        self.enforced = false;
        self
    }

    /// Takes a token for a call; whether the call may pass.
    pub(crate) fn pass(&mut self, request: &Request, account: &str, now: Duration) -> bool {
        let name = request.name();
        let fitting = |limit: &&Limit| fits(limit.pattern, &name) && (!limit.unfiltered || is_unfiltered(request));
        let Some(limit) = self.limits.iter().find(fitting).copied() else {
            return true;
        };
        let global = matches!(request.operation.service.as_str(), "iam" | "sts");
        let key = Key {
            account: account.to_owned(),
            region: if global { String::new() } else { request.region.clone() },
            api: api(&limit, name),
        };
        let limit = Limit {
            refill: limit.refill * self.speed,
            ..limit
        };
        let bucket = self.buckets.entry(key).or_insert_with(|| Bucket::new(limit, now));
        bucket.let_foreign_call(self.foreign * limit.refill, now);
        let passed = bucket.take(now);
        bucket.ours.count(passed);
        passed || !self.enforced
    }

    /// How far each bucket has been used.
    pub fn usage(&self) -> Vec<Usage> {
        let used = self.buckets.iter().map(|(key, bucket)| Usage {
            account: key.account.clone(),
            region: key.region.clone(),
            api: key.api.clone(),
            capacity: bucket.limit.capacity,
            refill: bucket.limit.refill,
            ours: bucket.ours,
            foreign: bucket.foreign,
        });
        used.collect()
    }
}

fn api(limit: &Limit, name: String) -> String {
    if limit.shared {
        limit.pattern.to_owned()
    } else if limit.unfiltered {
        format!("{name} (unfiltered)")
    } else {
        name
    }
}

/// Whether an EC2 list asks for everything at once, which EC2 charges more for.
fn is_unfiltered(request: &Request) -> bool {
    let narrows = |field: &str| {
        [
            "Filter.",
            "MaxResults",
            "GroupId.",
            "GroupName.",
            "InstanceId.",
            "NetworkInterfaceId.",
        ]
        .iter()
        .any(|start| field.starts_with(start))
    };
    request.operation.protocol == Protocol::Ec2 && !request.form().iter().any(|(field, _)| narrows(field))
}

impl Tally {
    fn count(&mut self, passed: bool) {
        if passed {
            self.taken += 1;
        } else {
            self.refused += 1;
        }
    }
}

impl Bucket {
    fn new(limit: Limit, now: Duration) -> Self {
        Self {
            limit,
            tokens: limit.capacity,
            at: now,
            next_foreign: now,
            ours: Tally::default(),
            foreign: Tally::default(),
        }
    }

    fn take(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + passed * self.limit.refill).min(self.limit.capacity);
        // A hair below one token is one: sums of tenths are not exact.
        let enough = self.tokens > 1.0 - 1e-6;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }

    /// Makes up for the foreign calls since the last call.
    fn let_foreign_call(&mut self, rate: f64, now: Duration) {
        if rate <= 0.0 {
            return;
        }
        let pause = Duration::from_secs_f64(1.0 / rate);
        self.next_foreign = self.next_foreign.max(now.saturating_sub(pause * FOREIGN_BACKLOG));
        while self.next_foreign < now {
            let passed = self.take(self.next_foreign);
            self.foreign.count(passed);
            self.next_foreign += pause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::made;
    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn ec2(form: &str) -> Request {
        made::query("ec2", &format!("Action={form}"))
    }

    /// How many of so many calls at once pass.
    fn burst(buckets: &mut Buckets, request: &Request, calls: u32, at: Duration) -> usize {
        (0..calls).filter(|_| buckets.pass(request, ACCOUNT, at)).count()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn endpoints_trickle() {
        let mut buckets = Buckets::aws_defaults();
        let create = ec2("CreateVpcEndpoint");
        assert_eq!(burst(&mut buckets, &create, 10, seconds(0)), 4);
        assert_eq!(burst(&mut buckets, &create, 10, seconds(3)), 0);
        assert_eq!(burst(&mut buckets, &create, 10, seconds(10)), 3);
        let modify = ec2("ModifyVpcEndpoint");
        assert_eq!(
            burst(&mut buckets, &modify, 10, seconds(10)),
            4,
            "each API has its own bucket"
        );
        let usage = &buckets.usage()[0];
        assert_eq!(
            (usage.api.as_str(), usage.ours.taken, usage.ours.refused),
            ("ec2:CreateVpcEndpoint", 7, 23)
        );
    }

    #[test]
    fn accounts_and_regions_have_their_own() {
        let mut buckets = Buckets::aws_defaults();
        let create = ec2("CreateVpcEndpoint");
        assert_eq!(burst(&mut buckets, &create, 5, seconds(0)), 4);
        assert!(buckets.pass(&create, "111122223333", seconds(0)));
        let elsewhere = Request {
            region: "eu-west-1".to_owned(),
            ..create
        };
        assert!(buckets.pass(&elsewhere, ACCOUNT, seconds(0)));
    }

    #[test]
    fn lists_without_pages_cost_more() {
        let mut buckets = Buckets::aws_defaults();
        assert_eq!(burst(&mut buckets, &ec2("DescribeSecurityGroups"), 200, seconds(0)), 50);
        assert_eq!(
            burst(
                &mut buckets,
                &ec2("DescribeSecurityGroups&MaxResults=1000"),
                200,
                seconds(0)
            ),
            100
        );
        assert_eq!(burst(&mut buckets, &ec2("DescribeVpcs"), 200, seconds(0)), 100);
        assert_eq!(burst(&mut buckets, &ec2("CreateVpc"), 200, seconds(0)), 50);
        assert_eq!(burst(&mut buckets, &ec2("CreateTags"), 200, seconds(0)), 100);
    }

    #[test]
    fn parameter_reads_share_one_bucket() {
        let mut buckets = Buckets::aws_defaults();
        let one = made::json("ssm", "AmazonSSM.GetParameter", "{}");
        let many = made::json("ssm", "AmazonSSM.GetParameters", "{}");
        assert_eq!(burst(&mut buckets, &one, 30, seconds(0)), 30);
        assert_eq!(burst(&mut buckets, &many, 30, seconds(0)), 10);
    }

    #[test]
    fn unknown_calls_pass() {
        let mut buckets = Buckets::aws_defaults();
        assert_eq!(
            burst(
                &mut buckets,
                &made::json("tagging", "T.GetResources", "{}"),
                1000,
                seconds(0)
            ),
            1000
        );
    }

    #[test]
    fn a_foreign_client_takes_its_share() {
        let mut buckets = Buckets::aws_defaults().foreign_share(0.5);
        let describe = ec2("DescribeVpcs");
        // 10 of 20 tokens a second are the foreigner's: 8 a second fit beside it for ever, 40 do not.
        for second in 0..100 {
            assert_eq!(burst(&mut buckets, &describe, 8, seconds(second)), 8);
        }
        assert_eq!(buckets.usage()[0].foreign.refused, 0);
        for second in 100..200 {
            burst(&mut buckets, &describe, 40, seconds(second));
        }
        assert!(buckets.usage()[0].foreign.refused > 0);
    }

    #[test]
    fn watching_refuses_nothing() {
        let mut buckets = Buckets::aws_defaults().only_watch();
        assert_eq!(burst(&mut buckets, &ec2("CreateVpcEndpoint"), 10, seconds(0)), 10);
        assert_eq!(buckets.usage()[0].ours.refused, 6);
    }

    #[test]
    fn time_can_go_faster() {
        let mut buckets = Buckets::aws_defaults().faster(10.0);
        let create = ec2("CreateVpcEndpoint");
        assert_eq!(burst(&mut buckets, &create, 5, seconds(0)), 4);
        assert_eq!(burst(&mut buckets, &create, 5, seconds(1)), 3);
    }

    #[test]
    fn a_share_is_of_what_comes_back() {
        let mut buckets = Buckets::aws_defaults();
        burst(&mut buckets, &ec2("DescribeVpcs"), 12, seconds(0));
        assert!((buckets.usage()[0].share(seconds(60)) - 0.01).abs() < 1e-9);
    }
}
