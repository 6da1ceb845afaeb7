//! What went through the proxy: every call, counted and timed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::watch;

use super::request::Request;
use super::wire::AwsError;

/// The fault of a call that was answered as before a write.
pub(crate) const OUTDATED: &str = "as before a write";

/// One call of an AWS operation.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Counts from 0, over the life of the proxy.
    pub seq: u64,
    /// `ec2:CreateVpc`.
    pub name: String,
    /// Whether it was meant to change AWS.
    pub mutating: bool,
    /// The account of the caller.
    pub account: String,
    /// The region it was signed for.
    pub region: String,
    /// When it arrived, after the start of the proxy.
    pub started: Duration,
    /// How long until the answer was ready; nothing while it is under way.
    pub took: Option<Duration>,
    /// The status the caller got; nothing when it got no answer.
    pub status: Option<u16>,
    /// The status AWS answered, whether or not that reached the caller; nothing when AWS never saw the call.
    pub upstream_status: Option<u16>,
    /// The error code the caller got.
    pub error_code: Option<String>,
    /// The error's text.
    pub error_message: Option<String>,
    /// The faults the proxy applied.
    pub faults: Vec<String>,
    /// The request's path and query, which say what a call without a body was about.
    pub uri: String,
    /// The headers that are parameters of the request, by their names in lower case: S3 has some, such as
    /// `x-amz-server-side-encryption`.
    pub parameters: BTreeMap<String, String>,
    /// The request's body, cut at the log's limit.
    #[serde(skip)]
    pub body: Bytes,
}

impl Call {
    /// Whether AWS has carried it out, even if the caller never learnt of it.
    pub fn was_done(&self) -> bool {
        self.upstream_status.is_some_and(|status| status < 300)
    }

    /// The request's body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A place in the log: what comes after it is [`crate::Proxy::calls_since`] it. The
/// default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// Calls in the order they arrived, with questions to ask of them.
#[derive(Clone, Debug, Default)]
pub struct Calls(Vec<Call>);

impl Deref for Calls {
    type Target = [Call];

    fn deref(&self) -> &[Call] {
        &self.0
    }
}

impl IntoIterator for Calls {
    type Item = Call;
    type IntoIter = std::vec::IntoIter<Call>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Call> for Calls {
    fn from_iter<T: IntoIterator<Item = Call>>(calls: T) -> Self {
        Self(calls.into_iter().collect())
    }
}

impl Calls {
    /// The calls whose name fits a pattern such as `ec2:Describe*`.
    pub fn named(&self, pattern: &str) -> Self {
        self.only(|call| super::rule::fits(pattern, &call.name))
    }

    /// The calls that were meant to change AWS.
    pub fn writes(&self) -> Self {
        self.only(|call| call.mutating)
    }

    /// The calls that were not.
    pub fn reads(&self) -> Self {
        self.only(|call| !call.mutating)
    }

    /// The calls that were answered with an error, or not at all.
    pub fn errors(&self) -> Self {
        self.only(|call| call.took.is_some() && call.status.is_none_or(|status| status >= 400))
    }

    /// The calls that were answered as before a write.
    pub fn outdated(&self) -> Self {
        self.only(|call| call.faults.iter().any(|fault| fault == OUTDATED))
    }

    /// The calls the caller was told to slow down for.
    pub fn throttled(&self) -> Self {
        self.only(|call| {
            let code = call.error_code.as_deref().unwrap_or_default();
            code.contains("Throttl") || ["RequestLimitExceeded", "SlowDown", "TooManyRequestsException"].contains(&code)
        })
    }

    /// How many calls of each name.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.0 {
            *counts.entry(call.name.clone()).or_default() += 1;
        }
        counts
    }

    /// A table for people: each operation with its calls, errors and times, then the sums.
    pub fn table(&self) -> String {
        let mut groups: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        for call in &self.0 {
            groups.entry(&call.name).or_default().push(call);
        }
        let width = groups.keys().map(|name| name.len()).max().unwrap_or(0).max(9);
        let mut table = format!(
            "{:width$}    {:>6} {:>6} {:>9} {:>9}\n",
            "operation", "calls", "errors", "median ms", "max ms"
        );
        for (name, calls) in &groups {
            let mut times: Vec<_> = calls.iter().filter_map(|call| call.took).collect();
            times.sort();
            let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
            let errors = calls
                .iter()
                .filter(|call| call.error_code.is_some() || call.status.is_none());
            let kind = if calls[0].mutating { "w" } else { "r" };
            writeln!(
                table,
                "{name:width$}  {kind} {:>6} {:>6} {:>9.1} {:>9.1}",
                calls.len(),
                errors.count(),
                millis(times.get(times.len() / 2)),
                millis(times.last()),
            )
            .ok();
        }
        let (reads, writes, errors) = (self.reads().len(), self.writes().len(), self.errors().len());
        writeln!(
            table,
            "{} calls: {reads} reads, {writes} writes; {errors} errors",
            self.len()
        )
        .ok();
        table
    }

    fn only(&self, wanted: impl Fn(&Call) -> bool) -> Self {
        self.0.iter().filter(|call| wanted(call)).cloned().collect()
    }
}

/// The log itself, which the proxy writes and tests read.
#[derive(Debug)]
pub(crate) struct Log {
    state: Mutex<State>,
    start: Instant,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    /// The sequence number of the first call kept.
    first: u64,
    calls: Vec<Call>,
    body_limit: usize,
}

impl Log {
    pub(crate) fn new(body_limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                first: 0,
                calls: Vec::new(),
                body_limit,
            }),
            start: Instant::now(),
            changes: watch::Sender::new(0),
        }
    }

    /// Writes a call that has arrived, and returns its number.
    pub(crate) fn begin(&self, request: &Request, account: &str) -> u64 {
        let mut state = self.state();
        let seq = state.first + state.calls.len() as u64;
        let limit = state.body_limit;
        let body = if request.body.len() <= limit {
            request.body.clone()
        } else {
            Bytes::copy_from_slice(&request.body[..limit])
        };
        state.calls.push(Call {
            seq,
            name: request.name(),
            mutating: request.is_mutating(),
            account: account.to_owned(),
            region: request.region.clone(),
            started: self.start.elapsed(),
            took: None,
            status: None,
            upstream_status: None,
            error_code: None,
            error_message: None,
            faults: Vec::new(),
            uri: request.head.uri.to_string(),
            parameters: request.header_parameters(),
            body,
        });
        drop(state);
        self.changed();
        seq
    }

    pub(crate) fn fault(&self, seq: u64, fault: &str) {
        self.update(seq, |call| call.faults.push(fault.to_owned()));
    }

    pub(crate) fn forwarded(&self, seq: u64, status: u16) {
        self.update(seq, |call| call.upstream_status = Some(status));
    }

    /// Completes a call, with what its caller got, if anything.
    pub(crate) fn end(&self, seq: u64, status: Option<u16>, error: Option<AwsError>) {
        let now = self.start.elapsed();
        self.update(seq, |call| {
            call.took = Some(now.saturating_sub(call.started));
            call.status = status;
            if let Some(error) = error {
                call.error_code = Some(error.code);
                call.error_message = Some(error.message);
            }
        });
        self.changed();
    }

    pub(crate) fn mark(&self) -> Mark {
        let state = self.state();
        Mark(state.first + state.calls.len() as u64)
    }

    pub(crate) fn since(&self, mark: Mark) -> Calls {
        let state = self.state();
        let skip = mark.0.saturating_sub(state.first);
        state
            .calls
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
            .cloned()
            .collect()
    }

    pub(crate) fn all(&self) -> Calls {
        self.since(Mark(0))
    }

    /// Forgets the calls so far; numbers go on.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.first += state.calls.len() as u64;
        state.calls.clear();
    }

    pub(crate) fn set_body_limit(&self, bytes: usize) {
        self.state().body_limit = bytes;
    }

    /// Changes whenever a call begins or ends.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn update(&self, seq: u64, change: impl FnOnce(&mut Call)) {
        let mut state = self.state();
        let index = seq
            .checked_sub(state.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(call) = index.and_then(|index| state.calls.get_mut(index)) {
            change(call);
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::made;
    use super::*;

    #[test]
    fn calls_are_counted_and_marked() {
        let log = Log::new(100);
        let read = log.begin(&made::query("ec2", "Action=DescribeVpcs"), "1");
        log.end(read, Some(200), None);
        let mark = log.mark();
        let write = log.begin(&made::query("ec2", "Action=CreateVpc"), "1");
        log.end(
            write,
            Some(503),
            Some(AwsError::new(503, "RequestLimitExceeded", "slow down")),
        );
        let after = log.since(mark);
        assert_eq!(after.counts(), BTreeMap::from([("ec2:CreateVpc".to_owned(), 1)]));
        assert_eq!(
            (after.writes().len(), after.errors().len(), after.throttled().len()),
            (1, 1, 1)
        );
        assert_eq!((log.all().len(), log.all().reads().len()), (2, 1));
        let table = log.all().table();
        assert!(table.contains("2 calls: 1 reads, 1 writes; 1 errors"), "{table}");
    }

    #[test]
    fn a_cleared_log_keeps_counting_and_ignores_old_calls() {
        let log = Log::new(100);
        let old = log.begin(&made::query("ec2", "Action=DescribeVpcs"), "1");
        log.clear();
        log.end(old, Some(200), None);
        assert!(log.all().is_empty());
        assert_eq!(log.begin(&made::query("ec2", "Action=DescribeVpcs"), "1"), old + 1);
        assert_eq!(log.all().len(), 1);
    }

    #[test]
    fn long_bodies_are_cut() {
        let log = Log::new(9);
        log.begin(&made::query("ec2", "Action=DescribeVpcs"), "1");
        assert_eq!(log.all()[0].text(), "Action=De");
    }
}
