//! One call on its way: faults before, AWS, faults after.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::{Method, Response, StatusCode};
use tokio::sync::oneshot;

use super::Shared;
use super::gate::{Decision, Gate, Moment};
use super::http;
use super::log::OUTDATED;
use super::refusals;
use super::reply::{ReplyBody, sendable};
use super::request::Request;
use super::rule::{Active, Fault};
use super::wire::{self, AwsError};

/// Ends when the caller has gone away.
pub(crate) type Gone = oneshot::Receiver<()>;

/// How long a reply may take from the proxy's hands to its caller's.
const DELIVERY: Duration = Duration::from_millis(3);

/// How long the death of a caller may go unnoticed.
const NOTICE: Duration = Duration::from_millis(10);

/// What the connection is to do: send this, or close.
pub(crate) type Outcome = Option<Response<ReplyBody>>;

/// A call under way. It goes on when its caller goes away, as a request does that AWS has received.
pub(crate) struct Call {
    shared: Arc<Shared>,
    request: Request,
    seq: u64,
    gone: Gone,
}

/// What remains of the faults once the request has passed those that strike before AWS.
#[derive(Default)]
struct After {
    slow: Duration,
    short_pages: Option<usize>,
    malformed: bool,
    truncated: bool,
    reset: bool,
    silent: Option<Arc<Active>>,
    gates: Vec<Gate>,
}

/// How a request came through the faults before AWS.
enum Passed {
    On(After),
    Refused(AwsError),
    Lost,
}

impl Call {
    pub(crate) fn new(shared: Arc<Shared>, request: Request, gone: Gone) -> Self {
        let account = shared.identities.of(&request.access_key).account;
        let seq = shared.log.begin(&request, &account);
        Self {
            shared,
            request,
            seq,
            gone,
        }
    }

    pub(crate) async fn carry(mut self) -> Outcome {
        if !self.pass_pause().await {
            return self.lose();
        }
        let latency = self.shared.latency();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let after = match self.before().await {
            Passed::On(after) => after,
            Passed::Refused(error) => return self.refuse(&error),
            Passed::Lost => return self.lose(),
        };
        if let Some(error) = self.shared.limits_refuse(&self.request) {
            self.shared.log.fault(self.seq, "bucket empty");
            return self.refuse(&error);
        }
        if let Some(error) = self.shared.staleness_refuses(&self.request) {
            self.shared.log.fault(self.seq, "still hidden");
            return self.refuse(&error);
        }
        let response = self.ask_aws(&after).await;
        self.after(after, response).await
    }

    /// While a caller is held after a reply, its next calls wait here; they are lost if it dies meanwhile.
    async fn pass_pause(&mut self) -> bool {
        let mut paused = self.shared.paused.subscribe();
        if *paused.borrow() == 0 {
            return true;
        }
        let go_on = async {
            paused.wait_for(|count| *count == 0).await.ok();
            // A caller killed just now is noticed only when its connection has been looked at.
            tokio::time::sleep(NOTICE).await;
        };
        tokio::select! {
            biased;
            _ = &mut self.gone => {
                self.shared.log.fault(self.seq, "caller died before this call");
                false
            }
            () = go_on => true,
        }
    }

    async fn before(&mut self) -> Passed {
        let mut after = After::default();
        let mut struck = false;
        for (fault, rule) in self.shared.rules.strike(&self.request) {
            let adds_up = matches!(
                fault,
                Fault::Delay(_) | Fault::SlowReply(_) | Fault::ShortPages(_) | Fault::Hold(_)
            );
            if struck && !adds_up {
                continue;
            }
            struck |= !adds_up;
            self.shared.log.fault(self.seq, &fault.to_string());
            let operation = &self.request.operation;
            match fault {
                Fault::Delay(time) => tokio::time::sleep(time).await,
                Fault::SlowReply(time) => after.slow += time,
                Fault::ShortPages(size) => after.short_pages = Some(size),
                Fault::Throttle => return Passed::Refused(refusals::throttled(operation)),
                Fault::ExpiredToken => return Passed::Refused(refusals::expired_token(operation)),
                Fault::AccessDenied => {
                    let who = self.shared.identities.of(&self.request.access_key);
                    return Passed::Refused(refusals::access_denied(&self.request, &who));
                }
                Fault::Error { status, code, message } => {
                    return Passed::Refused(AwsError { status, code, message });
                }
                Fault::Timeout => {
                    self.silence(&rule).await;
                    return Passed::Lost;
                }
                Fault::ResetBefore => return Passed::Lost,
                Fault::TimeoutAfter => after.silent = Some(rule),
                Fault::ResetAfter => after.reset = true,
                Fault::Malformed => after.malformed = true,
                Fault::Truncated => after.truncated = true,
                Fault::Hold(gate) if gate.moment() == Moment::BeforeForward => {
                    if self.hold(&gate).await == Decision::Discard {
                        return Passed::Lost;
                    }
                }
                Fault::Hold(gate) => after.gates.push(gate),
            }
        }
        Passed::On(after)
    }

    async fn ask_aws(&self, after: &After) -> Response<Bytes> {
        let meanwhile = async {
            for gate in after.gates.iter().filter(|gate| gate.moment() == Moment::DuringForward) {
                self.hold(gate).await;
            }
        };
        let (answer, ()) = tokio::join!(self.answer(after.short_pages), meanwhile);
        answer
    }

    async fn answer(&self, short_pages: Option<usize>) -> Response<Bytes> {
        if let Some(page) = self.shared.pages().next(&self.request) {
            return page;
        }
        let response = match self.shared.staleness_recalls(&self.request) {
            Some(response) => {
                self.shared.log.fault(self.seq, OUTDATED);
                response
            }
            None => self.forward().await,
        };
        match short_pages {
            Some(size) => self.shared.pages().begin(&self.request, size, response),
            None => response,
        }
    }

    async fn forward(&self) -> Response<Bytes> {
        let asked = self.shared.start.elapsed();
        match forward(&self.shared, &self.request).await {
            Ok(mut response) => {
                self.shared.log.forwarded(self.seq, response.status().as_u16());
                self.shared.identities.learn(&self.request, &response);
                self.shared.staleness_edits(&self.request, asked, &mut response);
                response
            }
            Err(error) => {
                self.shared.log.fault(self.seq, &format!("emulator: {error:#}"));
                let mut response = Response::new(Bytes::from(format!("{error:#}")));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            }
        }
    }

    async fn after(mut self, after: After, mut response: Response<Bytes>) -> Outcome {
        for gate in after.gates.iter().filter(|gate| gate.moment() == Moment::AfterForward) {
            if self.hold(gate).await == Decision::Discard {
                return self.lose();
            }
        }
        if !after.slow.is_zero() {
            tokio::time::sleep(after.slow).await;
        }
        if let Some(rule) = &after.silent {
            self.silence(rule).await;
            return self.lose();
        }
        if after.reset {
            return self.lose();
        }
        if after.malformed {
            *response.body_mut() = Bytes::from_static(b"<<{ this is neither XML nor JSON");
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        let gates = after
            .gates
            .into_iter()
            .filter(|gate| gate.moment() == Moment::AfterReply);
        self.send(response, after.truncated, gates.collect())
    }

    fn send(self, response: Response<Bytes>, truncated: bool, gates: Vec<Gate>) -> Outcome {
        let status = response.status().as_u16();
        self.shared.log.end(self.seq, Some(status), wire::read(&response));
        let (response, sent) = sendable(response, truncated);
        if !gates.is_empty() {
            let name = self.request.name();
            self.shared.paused.send_modify(|count| *count += 1);
            tokio::spawn(async move {
                sent.await.ok();
                tokio::time::sleep(DELIVERY).await;
                for gate in gates {
                    gate.hold(self.seq, &name).await;
                }
                self.shared.paused.send_modify(|count| *count -= 1);
            });
        }
        Some(response)
    }

    fn refuse(self, error: &AwsError) -> Outcome {
        let request_id = format!("rig-{:08}", self.seq);
        let head = self.request.head.method == Method::HEAD;
        let response = wire::render(&self.request.operation, error, &request_id, head);
        self.send(response, false, Vec::new())
    }

    /// The caller gets no answer, and its connection closes.
    fn lose(self) -> Outcome {
        self.shared.log.end(self.seq, None, None);
        None
    }

    /// Says nothing until the caller gives up or the rule is removed.
    async fn silence(&mut self, rule: &Active) {
        tokio::select! {
            _ = &mut self.gone => {}
            () = rule.until_removed() => {}
        }
    }

    async fn hold(&self, gate: &Gate) -> Decision {
        gate.hold(self.seq, &self.request.name()).await
    }
}

async fn forward(shared: &Shared, request: &Request) -> Result<Response<Bytes>> {
    let path = request.head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut outgoing = hyper::Request::builder()
        .method(request.head.method.clone())
        .uri(format!("{}{path}", shared.upstream()))
        .body(Full::new(request.body.clone()))?;
    *outgoing.headers_mut() = end_to_end(&request.head.headers);
    let mut response = http::exchange(&shared.client, outgoing).await?;
    *response.headers_mut() = end_to_end(response.headers());
    Ok(response)
}

/// The headers that are not about one connection only.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        kept.remove(name);
    }
    kept.remove("keep-alive");
    kept
}
