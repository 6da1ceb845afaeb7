//! The proxy in front of a small made-up AWS, with a plain HTTP client as the product.

use http_body_util::Full;

use super::*;

const LONG: Duration = Duration::from_secs(5);

/// An AWS that answers every request with the same XML and counts them.
struct MadeUp {
    url: String,
    requests: watch::Receiver<u64>,
    _server: JoinSet<()>,
}

const ANSWER: &str = "<CreateVpcResponse><vpc><vpcId>vpc-1</vpcId></vpc></CreateVpcResponse>";

async fn made_up() -> MadeUp {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (count, requests) = watch::channel(0);
    let count = Arc::new(count);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let count = count.clone();
            connections.spawn(async move {
                let service = service_fn(move |request: HttpRequest<Incoming>| {
                    let count = count.clone();
                    async move {
                        http::whole(request.into_body()).await?;
                        count.send_modify(|count| *count += 1);
                        anyhow::Ok(Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes()))))
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                connection.serve_connection(TokioIo::new(stream), service).await.ok();
            });
        }
    });
    MadeUp {
        url,
        requests,
        _server: server,
    }
}

async fn pair() -> (MadeUp, Proxy) {
    let aws = made_up().await;
    let proxy = Proxy::start(&aws.url).expect("a proxy");
    (aws, proxy)
}

/// Calls an EC2 operation through the proxy; an error is a connection that broke.
async fn call(client: &http::Client, proxy: &Proxy, form: &str) -> Result<Response<Bytes>> {
    let request = HttpRequest::post(proxy.url())
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/ec2/aws4_request, x",
        )
        .body(Full::new(Bytes::from(form.to_owned())))?;
    http::exchange(client, request).await
}

const CREATE: &str = "Action=CreateVpc&CidrBlock=10.0.0.0%2F16";

#[tokio::test]
async fn calls_pass_and_are_written_down() {
    let (_aws, proxy) = pair().await;
    let client = http::client();
    let answer = call(&client, &proxy, CREATE).await.expect("an answer");
    assert_eq!(answer.body(), ANSWER);
    call(&client, &proxy, "Action=DescribeVpcs").await.expect("an answer");
    let calls = proxy.calls();
    assert_eq!((calls.len(), calls.writes().len(), calls.errors().len()), (2, 1, 0));
    let first = &calls[0];
    assert_eq!(
        (first.name.as_str(), first.status, first.upstream_status),
        ("ec2:CreateVpc", Some(200), Some(200))
    );
    assert!(first.was_done() && first.took.is_some());
    assert_eq!(first.text(), CREATE);
}

#[tokio::test]
async fn connections_are_kept() {
    let (_aws, proxy) = pair().await;
    let client = http::client();
    let started = Instant::now();
    for _ in 0..200 {
        call(&client, &proxy, CREATE).await.expect("an answer");
    }
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    assert_eq!(proxy.calls().len(), 200);
}

#[tokio::test]
async fn a_refusal_never_reaches_aws() {
    let (aws, proxy) = pair().await;
    let client = http::client();
    let faults = [
        (Fault::Throttle, 503, "RequestLimitExceeded"),
        (Fault::AccessDenied, 403, "UnauthorizedOperation"),
        (Fault::ExpiredToken, 400, "RequestExpired"),
        (
            Fault::error(400, "VpcLimitExceeded", "no more"),
            400,
            "VpcLimitExceeded",
        ),
    ];
    for (fault, status, code) in faults {
        proxy.clear_rules();
        proxy.add(Rule::on("ec2:Create*", fault));
        let answer = call(&client, &proxy, CREATE).await.expect("an answer");
        assert_eq!(answer.status(), status);
        let calls = proxy.calls();
        let last = calls.last().expect("a call");
        assert_eq!(last.error_code.as_deref(), Some(code));
        assert_eq!(last.upstream_status, None);
    }
    assert_eq!(*aws.requests.borrow(), 0);
}

#[tokio::test]
async fn a_lost_request_and_a_lost_reply_look_alike_to_the_caller_only() {
    let (aws, proxy) = pair().await;
    for (fault, done) in [
        (Fault::ResetBefore, false),
        (Fault::ResetAfter, true),
        (Fault::Truncated, true),
    ] {
        let before = *aws.requests.borrow();
        let rule = proxy.add(Rule::on("ec2:CreateVpc", fault.clone()).times(1));
        let answer = call(&http::client(), &proxy, CREATE).await;
        assert!(answer.is_err(), "{fault}: {answer:?}");
        assert_eq!(rule.hits(), 1);
        assert_eq!(*aws.requests.borrow() - before, u64::from(done), "{fault}");
        assert_eq!(proxy.calls().last().map(Call::was_done), Some(done), "{fault}");
    }
}

#[tokio::test]
async fn a_malformed_reply_arrives_whole() {
    let (_aws, proxy) = pair().await;
    proxy.add(Rule::on("*", Fault::Malformed));
    let answer = call(&http::client(), &proxy, CREATE).await.expect("an answer");
    assert!(answer.status().is_success());
    assert!(!answer.body().ends_with(b">"));
}

#[tokio::test]
async fn a_timeout_lasts_until_the_caller_gives_up() {
    let (aws, proxy) = pair().await;
    proxy.add(Rule::on("*", Fault::Timeout).times(1));
    let client = http::client();
    let patience = Duration::from_millis(30);
    let impatient = tokio::time::timeout(patience, call(&client, &proxy, CREATE)).await;
    assert!(impatient.is_err());
    let seen = proxy.until(Mark::default(), LONG, |calls| {
        calls.iter().all(|call| call.took.is_some())
    });
    assert_eq!(seen.await.expect("the call ends")[0].status, None);
    assert_eq!(*aws.requests.borrow(), 0);
}

#[tokio::test]
async fn a_removed_timeout_lets_go_of_its_calls() {
    let (_aws, proxy) = pair().await;
    let rule = proxy.add(Rule::on("*", Fault::TimeoutAfter));
    let client = http::client();
    let (answer, ()) = tokio::join!(call(&client, &proxy, CREATE), async {
        let done = |calls: &Calls| calls.iter().any(|call| call.upstream_status.is_some());
        while !done(&proxy.calls()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        rule.remove();
    });
    assert!(answer.is_err());
    assert!(call(&client, &proxy, CREATE).await.is_ok());
}

#[tokio::test]
async fn delays_and_latency_add_up() {
    let (_aws, proxy) = pair().await;
    proxy.set_latency(Duration::from_millis(10));
    proxy.add(Rule::on("*", Fault::Delay(Duration::from_millis(10))));
    proxy.add(Rule::on("*", Fault::SlowReply(Duration::from_millis(10))));
    proxy.add(Rule::on("*", Fault::Throttle).nth(2));
    let client = http::client();
    let started = Instant::now();
    assert!(
        call(&client, &proxy, CREATE)
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!(call(&client, &proxy, CREATE).await.expect("an answer").status(), 503);
    proxy.reset();
    assert!(proxy.calls().is_empty());
    assert!(
        call(&client, &proxy, CREATE)
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn an_emulator_that_is_gone_is_a_502() {
    let proxy = Proxy::start("http://127.0.0.1:1").expect("a proxy");
    let answer = call(&http::client(), &proxy, CREATE).await.expect("an answer");
    assert_eq!(answer.status(), 502);
    assert!(proxy.calls()[0].faults[0].starts_with("emulator:"));
}

/// Has a caller die at a moment of its first call, and says how often AWS was asked: at its death, and after `then`.
async fn die_at(moment: Moment, then: fn(Held)) -> (u64, u64) {
    let (mut aws, proxy) = pair().await;
    let gate = Gate::at(moment);
    proxy.add(Rule::on("ec2:CreateVpc", Fault::Hold(gate.clone())).nth(1));
    let proxy = Arc::new(proxy);
    let through = proxy.clone();
    let caller = tokio::spawn(async move {
        let client = http::client();
        loop {
            call(&client, &through, CREATE).await.ok();
        }
    });
    let held = gate.reached().await;
    assert_eq!((held.seq, held.name.as_str()), (0, "ec2:CreateVpc"));
    if moment == Moment::DuringForward {
        aws.requests.wait_for(|count| *count == 1).await.expect("the forward");
    }
    if moment == Moment::AfterReply {
        let goes_on = |calls: &Calls| calls.len() == 2;
        proxy
            .until(Mark::default(), LONG, goes_on)
            .await
            .expect("its next call");
    }
    caller.abort();
    caller.await.ok();
    let ended = |calls: &Calls| calls.iter().all(|call| call.took.is_some());
    // What it called after the held call is over when the proxy has seen it die.
    let next_ended = |calls: &Calls| calls.iter().skip(1).all(|call| call.took.is_some());
    proxy
        .until(Mark::default(), LONG, next_ended)
        .await
        .expect("its next call ends");
    let at_death = *aws.requests.borrow();
    then(held);
    proxy.until(Mark::default(), LONG, ended).await.expect("all calls end");
    let later = *aws.requests.borrow();
    (at_death, later)
}

#[tokio::test]
async fn a_caller_can_die_at_four_moments() {
    assert_eq!(die_at(Moment::BeforeForward, Held::discard).await, (0, 0));
    assert_eq!(
        die_at(Moment::BeforeForward, Held::go_on).await,
        (0, 1),
        "it lands late"
    );
    assert_eq!(die_at(Moment::DuringForward, Held::go_on).await, (1, 1));
    assert_eq!(die_at(Moment::AfterForward, Held::go_on).await, (1, 1));
    assert_eq!(
        die_at(Moment::AfterReply, Held::go_on).await,
        (1, 1),
        "its next call is lost with it"
    );
}

#[tokio::test]
async fn a_caller_that_lives_goes_on_after_the_pause() {
    let (_aws, proxy) = pair().await;
    let gate = Gate::at(Moment::AfterReply);
    proxy.add(Rule::on("*", Fault::Hold(gate.clone())).nth(1));
    let client = http::client();
    assert!(call(&client, &proxy, CREATE).await.is_ok());
    let held = gate.reached().await;
    let (answer, ()) = tokio::join!(call(&client, &proxy, CREATE), async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        held.go_on();
    });
    assert!(answer.is_ok());
    let calls = proxy.calls();
    assert!(calls[1].took.expect("it ended") >= Duration::from_millis(10));
}

#[tokio::test]
async fn an_empty_bucket_throttles() {
    let (aws, proxy) = pair().await;
    proxy.set_buckets(Buckets::aws_defaults());
    let client = http::client();
    let mut answers = Vec::new();
    for _ in 0..5 {
        let answer = call(&client, &proxy, "Action=CreateVpcEndpoint")
            .await
            .expect("an answer");
        answers.push(answer.status().as_u16());
    }
    assert_eq!(answers, [200, 200, 200, 200, 503]);
    assert_eq!(*aws.requests.borrow(), 4);
    assert_eq!(proxy.calls().throttled().len(), 1);
    assert_eq!(proxy.bucket_usage()[0].ours, Tally { taken: 4, refused: 1 });
}

#[tokio::test]
async fn a_caller_that_blocks_its_thread_is_answered() {
    use std::io::{Read, Write};

    let proxy = Proxy::start("http://127.0.0.1:1").expect("a proxy");
    let mut stream = std::net::TcpStream::connect(proxy.address).expect("a connection");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[tokio::test]
async fn fresh_objects_stay_hidden() {
    let (aws, proxy) = pair().await;
    proxy.set_staleness(Staleness::of_reads(Duration::from_millis(200)));
    let client = http::client();
    let by_id = "Action=DescribeVpcs&VpcId.1=vpc-1";
    call(&client, &proxy, CREATE).await.expect("an answer");
    assert_eq!(call(&client, &proxy, by_id).await.expect("an answer").status(), 400);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(call(&client, &proxy, by_id).await.expect("an answer").status(), 200);
    assert_eq!(*aws.requests.borrow(), 2);
    assert_eq!(proxy.calls()[1].error_code.as_deref(), Some("InvalidVpcID.NotFound"));
}

#[tokio::test]
async fn what_was_deleted_is_read_as_before() {
    let (aws, proxy) = pair().await;
    proxy.set_staleness(Staleness::of_reads(LONG).and_old_versions());
    let client = http::client();
    let by_id = "Action=DescribeVpcs&VpcId.1=vpc-1";
    call(&client, &proxy, by_id).await.expect("an answer");
    call(&client, &proxy, by_id).await.expect("an answer");
    assert_eq!(*aws.requests.borrow(), 2, "nothing was written");
    call(&client, &proxy, "Action=DeleteVpc&VpcId=vpc-1")
        .await
        .expect("an answer");
    let answer = call(&client, &proxy, by_id).await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.body().as_ref()),
        (200, ANSWER.as_bytes())
    );
    assert_eq!(*aws.requests.borrow(), 3, "AWS is not asked");
    assert_eq!(proxy.calls().outdated().len(), 1);
}

#[tokio::test]
async fn lists_come_in_short_pages() {
    let (aws, proxy) = pair().await;
    let rule = proxy.add(Rule::on("ec2:Describe*", Fault::ShortPages(2)));
    let client = http::client();
    let whole = call(&client, &proxy, "Action=DescribeVpcs").await.expect("an answer");
    assert_eq!(whole.body(), ANSWER);
    let first = call(&client, &proxy, "Action=DescribeVpcs&MaxResults=5").await;
    let first = first.expect("an answer");
    let token = wire::element(&String::from_utf8_lossy(first.body()), "nextToken").expect("a token");
    let next = format!("Action=DescribeVpcs&MaxResults=5&NextToken={token}");
    let next = call(&client, &proxy, &next).await.expect("an answer");
    assert_eq!(next.body(), ANSWER);
    assert_eq!(rule.hits(), 3);
    assert_eq!(*aws.requests.borrow(), 2, "the pages of one list are of one moment");
}
