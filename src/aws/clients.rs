use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::{Limiter, Share, errors};
use crate::engine::Failure;

/// How many reads, and how many writes, are under way at once. It bounds connections and memory, not speed: AWS's own
/// limits are below it.
const AT_ONCE: usize = 16;
/// How many connections to one service are kept for the next sweep.
const IDLE_PER_HOST: usize = 8;
/// How long AWS may take to answer before the call counts as unanswered.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Clients of every service used, for one account and region.
pub struct Aws {
    /// Amazon EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// AWS IAM.
    pub iam: aws_sdk_iam::Client,
    /// AWS KMS.
    pub kms: aws_sdk_kms::Client,
    /// Amazon CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// AWS Resource Groups.
    pub resource_groups: aws_sdk_resourcegroups::Client,
    /// Amazon S3.
    pub s3: aws_sdk_s3::Client,
    /// Amazon SageMaker.
    pub sagemaker: aws_sdk_sagemaker::Client,
    /// AWS Systems Manager.
    pub ssm: aws_sdk_ssm::Client,
    /// AWS STS.
    pub sts: aws_sdk_sts::Client,
    /// The Resource Groups Tagging API.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    /// Our pace.
    pub limiter: Limiter,
    reads: Semaphore,
    writes: Semaphore,
    region: String,
    account: OnceCell<Identity>,
    calls: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
}

/// Whom the clients speak for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The ARN of the user, role session or account.
    pub caller: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The account's twelve digits.
    pub id: String,
}

/// No AWS region is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no AWS region is configured: set AWS_REGION, or the region of the profile that AWS_PROFILE names")]
pub struct NoRegion;

impl Aws {
    /// Clients configured as any AWS tool is: from the environment, the profile, the web identity or the instance.
    ///
    /// `share` is how much of AWS's published request limits they may use.
    ///
    /// # Errors
    /// When no region is configured.
    pub async fn from_env(share: Share) -> Result<Self, NoRegion> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build_https();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(RetryConfig::standard())
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ANSWERS_WITHIN)
                    .build(),
            )
            .load()
            .await;
        config.region().ok_or(NoRegion)?;
        Ok(Self::new(&config, share))
    }

    /// Clients for `config`.
    pub fn new(config: &SdkConfig, share: Share) -> Self {
        let endpoint_is_ours = config.endpoint_url().is_some();
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(endpoint_is_ours)
            .build();
        Self {
            ec2: aws_sdk_ec2::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            kms: aws_sdk_kms::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            resource_groups: aws_sdk_resourcegroups::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sagemaker: aws_sdk_sagemaker::Client::new(config),
            ssm: aws_sdk_ssm::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(config),
            limiter: Limiter::new(share),
            reads: Semaphore::new(AT_ONCE),
            writes: Semaphore::new(AT_ONCE),
            region: config.region().map(Region::to_string).unwrap_or_default(),
            account: OnceCell::new(),
            calls: AtomicU64::new(0),
            errors: Mutex::default(),
        }
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whom the clients speak for, asked once.
    ///
    /// # Errors
    /// When AWS does not say.
    pub async fn account(&self) -> Result<&Identity, Failure> {
        let ask = async || {
            let request = self.sts.get_caller_identity();
            let caller = self.call("sts:GetCallerIdentity", request.send()).await?;
            let caller = caller.arn.unwrap_or_default();
            Ok(Identity {
                partition: caller.split(':').nth(1).unwrap_or("aws").to_owned(),
                id: caller.split(':').nth(4).unwrap_or_default().to_owned(),
                caller,
            })
        };
        self.account.get_or_try_init(ask).await
    }

    /// The ARN of `resource` of `service` in this account and region.
    ///
    /// # Errors
    /// As [`Aws::account`].
    pub async fn arn(&self, service: &str, resource: &str) -> Result<String, Failure> {
        let Identity { partition, id, .. } = self.account().await?;
        Ok(format!("arn:{partition}:{service}:{}:{id}:{resource}", self.region))
    }

    /// Sends a call, named as IAM names it, and gives its failure the class the controller acts on.
    ///
    /// # Errors
    /// When AWS refuses, or does not answer.
    pub fn call<'a, T, E, F>(&'a self, name: &'a str, call: F) -> BoxFuture<'a, Result<T, Failure>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        // Boxed: the SDK's futures have many kilobytes, which would add up in those of the kinds.
        async move {
            let _room = if is_read(name) {
                self.limiter.pace(name).await;
                self.reads.acquire().await.ok()
            } else {
                None
            };
            self.calls.fetch_add(1, Ordering::Relaxed);
            call.await.map_err(|error| self.failed(name, &error))
        }
        .boxed()
    }

    fn failed<E>(&self, name: &str, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let failure = errors::failure(name, error);
        tracing::debug!(call = name, code = failure.code, class = ?failure.class, message = %failure.message, "AWS call failed");
        if let Ok(mut errors) = self.errors.lock() {
            *errors.entry(format!("{:?}", failure.class)).or_default() += 1;
        }
        failure
    }

    /// Waits until there is room for one more write. Reads have room of their own, as a write may need to look first.
    pub async fn room_to_write(&self) -> Option<SemaphorePermit<'_>> {
        self.writes.acquire().await.ok()
    }

    /// How many calls were sent so far, each page one.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many calls failed so far, by class.
    pub fn failures(&self) -> BTreeMap<String, u64> {
        self.errors.lock().map(|errors| errors.clone()).unwrap_or_default()
    }
}

/// Whether the call `name` changes nothing. Writes are admitted before they get here.
fn is_read(name: &str) -> bool {
    let operation = name.split_once(':').map_or(name, |(_, operation)| operation);
    ["Describe", "Get", "List"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
