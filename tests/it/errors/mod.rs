//! What AWS answers, in the wire format of each service, and what the product makes of it: whether it asks again, and
//! what it tells its operator to do.

mod answers;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::{BoxFuture, FutureExt, join_all};
use secureml::aws::{Aws, failure, known};
use secureml::engine::{Class, Failure};
use secureml_rig::{Fault, Rig, Rule};

use self::answers::ANSWERS;
use crate::environment::{clients, clients_within};

/// How long an answer is waited for where none comes.
const AT_MOST: Duration = Duration::from_millis(500);

/// A service, a call of it, and how it is made.
struct Probe {
    service: &'static str,
    call: &'static str,
    make: for<'a> fn(&'a Aws) -> BoxFuture<'a, Option<Failure>>,
}

macro_rules! probes {
    ($($service:literal: $call:literal = $client:ident.$operation:ident();)*) => {
        &[$(Probe {
            service: $service,
            call: $call,
            make: |aws| async {
                aws.$client.$operation().send().await.err().map(|error| failure($call, &error))
            }.boxed(),
        }),*]
    };
}

const PROBES: &[Probe] = probes! {
    "ec2": "ec2:DescribeVpcs" = ec2.describe_vpcs();
    "iam": "iam:ListRoles" = iam.list_roles();
    "kms": "kms:ListKeys" = kms.list_keys();
    "logs": "logs:DescribeLogGroups" = logs.describe_log_groups();
    "resource-groups": "resource-groups:ListGroups" = resource_groups.list_groups();
    "s3": "s3:ListBuckets" = s3.list_buckets();
    "sagemaker": "sagemaker:ListNotebookInstances" = sagemaker.list_notebook_instances();
    "ssm": "ssm:DescribeParameters" = ssm.describe_parameters();
    "sts": "sts:GetCallerIdentity" = sts.get_caller_identity();
    "tagging": "tagging:GetResources" = tagging.get_resources();
};

#[tokio::test]
async fn every_answer_of_every_service_is_understood() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let aws = clients(&rig.proxy.url()).await;
    let services = PROBES.iter().map(async |probe| {
        let all = [
            (Fault::Throttle, Class::Throttled),
            (Fault::AccessDenied, Class::Denied),
            (Fault::ExpiredToken, Class::Transient),
            (Fault::ResetBefore, Class::Unanswered),
            (Fault::ResetAfter, Class::Unanswered),
            (Fault::Truncated, Class::Unanswered),
            (Fault::Malformed, Class::Unanswered),
        ];
        for (fault, class) in all {
            let failure = answered(&rig, &aws, probe, fault.clone()).await?;
            ensure!(
                failure.class == class,
                "{} {fault}: {:?}: {failure}",
                probe.call,
                failure.class
            );
            if class == Class::Denied {
                let said = failure.remedy();
                let action = probe
                    .call
                    .replace("ListBuckets", "ListAllMyBuckets")
                    .replace("tagging:", "tag:");
                ensure!(
                    said.contains(r#""Effect":"Allow""#) && said.contains(&action),
                    "{}: {said}",
                    probe.call
                );
            }
        }
        Ok(())
    });
    join_all(services).await.into_iter().collect::<Result<()>>()?;
    let services: BTreeSet<&str> = ANSWERS.iter().map(|(service, ..)| *service).collect();
    for probe in PROBES {
        ensure!(
            services.contains(probe.service),
            "nothing that {} answers is tried",
            probe.service
        );
    }
    Ok(())
}

#[tokio::test]
async fn every_code_is_put_in_its_class() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let aws = clients(&rig.proxy.url()).await;
    // One service after the other in each, all services at once: the SDK takes its time to repeat what may pass.
    let services = PROBES.iter().map(|probe| async {
        for (_, status, code, message, class) in ANSWERS.iter().filter(|(service, ..)| *service == probe.service) {
            let failure = answered(&rig, &aws, probe, Fault::error(*status, code, message)).await?;
            ensure!(
                failure.class == *class,
                "{} {code} {message:?} is {:?}",
                probe.service,
                failure.class
            );
            ensure!(
                failure.code == *code && failure.message.contains(message),
                "{failure:?}"
            );
            ensure!(!failure.remedy().is_empty());
        }
        Ok(())
    });
    join_all(services).await.into_iter().collect()
}

async fn answered(rig: &Rig, aws: &Aws, probe: &Probe, fault: Fault) -> Result<Failure> {
    let rule = rig.proxy.add(Rule::on(probe.call, fault.clone()));
    let failure = (probe.make)(aws).await;
    rule.remove();
    failure.ok_or_else(|| anyhow::anyhow!("{} succeeded in spite of {fault}", probe.call))
}

#[test]
fn every_code_that_is_known_is_tried() {
    let tried: BTreeSet<&str> = ANSWERS.iter().map(|(_, _, code, ..)| *code).collect();
    for (code, words, class) in known() {
        let Some(words) = words else {
            assert!(tried.contains(code), "{code} is not tried");
            continue;
        };
        let row = |(_, _, tried, message, wanted): &&answers::Answer| {
            *tried == code && message.to_lowercase().contains(words) && *wanted == class
        };
        assert!(
            ANSWERS.iter().any(|answer| row(&answer)),
            "{code} with {words:?} is not tried"
        );
        let otherwise = |(_, _, tried, _, wanted): &&answers::Answer| *tried == code && *wanted != class;
        assert!(
            ANSWERS.iter().any(|answer| otherwise(&answer)),
            "{code} without {words:?} is not tried"
        );
    }
}

#[tokio::test]
async fn what_takes_too_long_has_no_answer() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let aws = clients_within(&rig.proxy.url(), Some(AT_MOST)).await;
    let services = PROBES.iter().map(async |probe| {
        for fault in [Fault::Timeout, Fault::TimeoutAfter, Fault::SlowReply(20 * AT_MOST)] {
            let failure = answered(&rig, &aws, probe, fault.clone()).await?;
            ensure!(
                failure.class == Class::Unanswered,
                "{} {fault}: {failure:?}",
                probe.call
            );
            ensure!(
                &*failure.message == "AWS did not answer in time" && failure.remedy().contains("check the way to AWS"),
                "{} {fault}: {}",
                probe.call,
                failure.sentence()
            );
        }
        Ok(())
    });
    join_all(services).await.into_iter().collect()
}

#[tokio::test]
async fn an_answer_without_a_body_is_understood_by_its_status() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let aws = clients(&rig.proxy.url()).await;
    let table = [
        (403, "AccessDenied", Class::Denied),
        (404, "NoSuchBucket", Class::NotFound),
        (503, "SlowDown", Class::Transient),
        (400, "InvalidArgument", Class::Unknown),
    ];
    for (status, code, class) in table {
        let rule = rig
            .proxy
            .add(Rule::on("s3:HeadBucket", Fault::error(status, code, "not to be seen")));
        let asked = aws.s3.head_bucket().bucket("some-bucket").send().await;
        rule.remove();
        let failure = asked.err().map(|error| failure("s3:HeadBucket", &error));
        let failure = failure.ok_or_else(|| anyhow::anyhow!("{status} is a success"))?;
        ensure!(failure.class == class, "{status}: {failure:?}");
        ensure!(!failure.message.contains("not to be seen"), "{failure:?}");
    }
    Ok(())
}
