//! The little HTTP that the proxy and the rig speak: whole messages in memory, pooled connections.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client as PooledClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub(crate) type Client = PooledClient<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    PooledClient::builder(TokioExecutor::new()).build(connector)
}

/// Sends a request and reads the whole answer.
pub(crate) async fn exchange(client: &Client, request: Request<Full<Bytes>>) -> Result<Response<Bytes>> {
    let target = request.uri().clone();
    let response = client
        .request(request)
        .await
        .with_context(|| format!("no answer from {target}"))?;
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, whole(body).await?))
}

/// The whole body of a message.
pub(crate) async fn whole<B>(body: B) -> Result<Bytes>
where
    B: Body,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    Ok(body.collect().await.context("the body broke off")?.to_bytes())
}

/// One POST with an empty body, on a connection of its own.
pub(crate) async fn post(url: &str) -> Result<Response<Bytes>> {
    let request = Request::post(url).body(Full::default())?;
    exchange(&client(), request).await
}
