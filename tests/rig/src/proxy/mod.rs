//! An HTTP proxy between any AWS client and the emulator, which counts calls and makes AWS misbehave.
//!
//! ```no_run
//! # async fn example(proxy: secureml_rig::Proxy) {
//! use secureml_rig::{Fault, Rule};
//!
//! let rule = proxy.add(Rule::on("ec2:CreateVpc", Fault::ResetAfter).nth(1));
//! let mark = proxy.mark();
//! // … the product, with `AWS_ENDPOINT_URL` set to `proxy.url()` …
//! assert_eq!(rule.hits(), 1);
//! assert_eq!(proxy.calls_since(mark).writes().len(), 2);
//! # }
//! ```

mod buckets;
mod call;
mod gate;
pub(crate) mod http;
mod identity;
pub mod limits;
mod log;
mod operation;
mod pages;
mod refusals;
mod reply;
mod request;
mod rule;
mod staleness;
mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

pub use buckets::{Buckets, Tally, Usage};
pub use gate::{Gate, Held, Moment};
pub use identity::HOME_ACCOUNT;
pub use log::{Call, Calls, Mark};
pub use operation::{Operation, Protocol, is_mutating};
pub use refusals::iam_action;
pub use request::Request;
pub use rule::{Fault, Rule, RuleHandle};
pub use staleness::Staleness;
pub use wire::AwsError;

use reply::ReplyBody;

/// How much of each request's body the log keeps, unless told otherwise.
const BODY_LIMIT: usize = 64 * 1024;

/// How long [`Proxy::until`] lets the log change before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What all calls share.
pub(crate) struct Shared {
    upstream: RwLock<String>,
    client: http::Client,
    log: log::Log,
    rules: rule::Rules,
    identities: identity::Identities,
    latency_micros: AtomicU64,
    /// How many callers are held after a reply.
    paused: watch::Sender<usize>,
    buckets: Mutex<Option<Buckets>>,
    staleness: Mutex<Option<Staleness>>,
    pages: Mutex<pages::Pages>,
    start: Instant,
}

impl Shared {
    fn upstream(&self) -> String {
        self.upstream.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::Relaxed))
    }

    /// The error of a call that asks for what is still hidden.
    fn staleness_refuses(&self, request: &Request) -> Option<AwsError> {
        let mut staleness = lock(&self.staleness);
        let account = self.identities.of(&request.access_key).account;
        staleness.as_mut()?.refuse(request, &account, self.start.elapsed())
    }

    fn pages(&self) -> MutexGuard<'_, pages::Pages> {
        lock(&self.pages)
    }

    /// What AWS still answers, though something has been written since.
    fn staleness_recalls(&self, request: &Request) -> Option<Response<Bytes>> {
        let staleness = lock(&self.staleness);
        let account = self.identities.of(&request.access_key).account;
        staleness.as_ref()?.recall(request, &account, self.start.elapsed())
    }

    fn staleness_edits(&self, request: &Request, asked: Duration, response: &mut Response<Bytes>) {
        if let Some(staleness) = lock(&self.staleness).as_mut() {
            let account = self.identities.of(&request.access_key).account;
            staleness.pass(request, &account, [asked, self.start.elapsed()], response);
        }
    }

    /// The throttling error, if the call is one too many.
    fn limits_refuse(&self, request: &Request) -> Option<AwsError> {
        let mut buckets = lock(&self.buckets);
        let account = self.identities.of(&request.access_key).account;
        let passed = buckets.as_mut()?.pass(request, &account, self.start.elapsed());
        (!passed).then(|| refusals::throttled(&request.operation))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The proxy. Dropping it closes every connection.
///
/// It runs on threads of its own, so that a test that blocks does not block its AWS.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Only ever taken by `drop`.
    runtime: Option<Runtime>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Unlike a plain drop, this is allowed on another runtime's thread.
            runtime.shutdown_background();
        }
    }
}

impl Proxy {
    /// Starts a proxy on a free port of loopback, in front of an AWS at `upstream`: `http://127.0.0.1:5000`.
    pub fn start(upstream: &str) -> Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("proxy")
            .enable_all()
            .build()
            .context("cannot start the proxy's threads")?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("cannot listen on a port of 127.0.0.1")?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            upstream: RwLock::new(upstream.trim_end_matches('/').to_owned()),
            client: http::client(),
            log: log::Log::new(BODY_LIMIT),
            rules: rule::Rules::default(),
            identities: identity::Identities::default(),
            latency_micros: AtomicU64::new(0),
            paused: watch::Sender::new(0),
            buckets: Mutex::new(None),
            staleness: Mutex::new(None),
            pages: Mutex::default(),
            start: Instant::now(),
        });
        let serving = shared.clone();
        runtime.spawn(async move {
            match TcpListener::from_std(listener) {
                Ok(listener) => accept(listener, serving).await,
                Err(error) => eprintln!("rig: the proxy cannot listen: {error}"),
            }
        });
        Ok(Self {
            shared,
            address,
            runtime: Some(runtime),
        })
    }

    /// What `AWS_ENDPOINT_URL` is to be: `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts another AWS behind the proxy.
    pub fn set_upstream(&self, url: &str) {
        let mut upstream = self.shared.upstream.write().unwrap_or_else(PoisonError::into_inner);
        url.trim_end_matches('/').clone_into(&mut upstream);
    }

    /// Puts a rule in force, after those there are.
    pub fn add(&self, rule: Rule) -> RuleHandle {
        self.shared.rules.add(rule)
    }

    /// Ends all rules.
    pub fn clear_rules(&self) {
        self.shared.rules.clear();
    }

    /// Puts request limits in force, with full buckets, in place of those there were.
    pub fn set_buckets(&self, buckets: impl Into<Option<Buckets>>) {
        *lock(&self.shared.buckets) = buckets.into();
    }

    /// How far each request limit in force has been used.
    pub fn bucket_usage(&self) -> Vec<Usage> {
        lock(&self.shared.buckets)
            .as_ref()
            .map(Buckets::usage)
            .unwrap_or_default()
    }

    /// Has AWS answer what is out of date from now on, or no more.
    pub fn set_staleness(&self, staleness: impl Into<Option<Staleness>>) {
        *lock(&self.shared.staleness) = staleness.into();
    }

    /// As new: no rules, no limits, no hiding, no latency, no calls in the log.
    pub fn reset(&self) {
        self.clear_rules();
        self.set_buckets(None);
        self.set_staleness(None);
        self.set_latency(Duration::ZERO);
        self.clear_calls();
    }

    /// Adds this to the time of every call.
    pub fn set_latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.shared.latency_micros.store(micros, Ordering::Relaxed);
    }

    /// Every call so far.
    pub fn calls(&self) -> Calls {
        self.shared.log.all()
    }

    /// A place in the log to look back to.
    pub fn mark(&self) -> Mark {
        self.shared.log.mark()
    }

    /// The calls that arrived after a mark.
    pub fn calls_since(&self, mark: Mark) -> Calls {
        self.shared.log.since(mark)
    }

    /// How many calls of each name so far.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.calls().counts()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.shared.log.clear();
    }

    /// Keeps at most so many bytes of each request's body in the log: 0 for long benchmarks.
    pub fn set_body_limit(&self, bytes: usize) {
        self.shared.log.set_body_limit(bytes);
    }

    /// Calls whose operation the rig doesn't know, and so can neither count nor fault properly.
    pub fn unrecognised(&self) -> Calls {
        let calls = self.calls();
        calls.into_iter().filter(|call| call.name.contains(' ')).collect()
    }

    /// Waits until the calls since a mark satisfy a condition.
    pub async fn until(&self, since: Mark, timeout: Duration, condition: impl Fn(&Calls) -> bool) -> Result<Calls> {
        let mut changes = self.shared.log.watch();
        let waited = tokio::time::timeout(timeout, async {
            loop {
                let calls = self.calls_since(since);
                if condition(&calls) {
                    return calls;
                }
                changes.changed().await.ok();
                // A busy log changes all the time, and each look at it is a copy.
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        });
        if let Ok(calls) = waited.await {
            return Ok(calls);
        }
        let seen = self.calls_since(since).table();
        bail!("what was waited for did not happen in {timeout:?}; the calls were:\n{seen}")
    }

    /// Waits until no call has begun or ended for this long.
    pub async fn quiet(&self, pause: Duration, timeout: Duration) -> Result<()> {
        let mut changes = self.shared.log.watch();
        let waited = tokio::time::timeout(timeout, async {
            while tokio::time::timeout(pause, changes.changed()).await.is_ok() {}
        });
        waited
            .await
            .with_context(|| format!("calls still come after {timeout:?}; the log:\n{}", self.calls().table()))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| answer(shared.clone(), request));
    // Connections end with errors all the time: that is what faults are for.
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

/// Answers one request; an error closes the connection without an answer.
async fn answer(shared: Arc<Shared>, request: HttpRequest<Incoming>) -> Result<Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let body = http::whole(body).await?;
    // Dropped with this future, when the connection closes.
    let (_present, gone) = oneshot::channel();
    let call = call::Call::new(shared, Request::new(head, body), gone);
    let outcome = tokio::spawn(call.carry()).await?;
    outcome.context("the connection closes in place of an answer, as a rule of the proxy wants")
}

#[cfg(test)]
mod tests;
