//! What AWS answers, in the wire format of each service, and what the product makes of it: whether it asks again, and
//! what it tells its operator to do.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use futures::future::{BoxFuture, FutureExt, join_all};
use secureml::aws::{Aws, failure};
use secureml::engine::{Class, Failure};
use secureml_rig::{Fault, Rig, Rule};

use crate::environment::clients;

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

/// What each service answers in its own words: status, code, message, and what is made of it.
const ANSWERS: &[(&str, u16, &str, &str, Class)] = &[
    (
        "ec2",
        400,
        "VpcLimitExceeded",
        "The maximum number of VPCs has been reached.",
        Class::Quota,
    ),
    (
        "ec2",
        400,
        "SubnetLimitExceeded",
        "The maximum number of subnets has been reached.",
        Class::Quota,
    ),
    (
        "ec2",
        400,
        "DependencyViolation",
        "The vpc 'vpc-1' has dependencies and cannot be deleted.",
        Class::InUse,
    ),
    (
        "ec2",
        400,
        "InvalidSubnet.Conflict",
        "The CIDR '10.2.1.0/24' conflicts with another subnet",
        Class::Invalid,
    ),
    (
        "ec2",
        400,
        "InvalidVpcID.NotFound",
        "The vpc ID 'vpc-1' does not exist",
        Class::NotFound,
    ),
    (
        "ec2",
        400,
        "InvalidGroup.Duplicate",
        "The security group 'x' already exists for VPC 'vpc-1'",
        Class::Taken,
    ),
    (
        "ec2",
        400,
        "InvalidPermission.Duplicate",
        "the specified rule already exists",
        Class::Transient,
    ),
    (
        "ec2",
        400,
        "InvalidParameterValue",
        "Value (x) for parameter y is invalid.",
        Class::Invalid,
    ),
    (
        "ec2",
        400,
        "IncorrectState",
        "The vpce-1 is in an incorrect state",
        Class::InUse,
    ),
    (
        "ec2",
        503,
        "Unavailable",
        "The server is overloaded and can't handle the request.",
        Class::Transient,
    ),
    (
        "ec2",
        500,
        "InternalError",
        "An internal error has occurred",
        Class::Transient,
    ),
    ("ec2", 400, "SomethingNew", "that nobody knows", Class::Unknown),
    (
        "iam",
        409,
        "EntityAlreadyExists",
        "Role with name x already exists.",
        Class::Taken,
    ),
    (
        "iam",
        409,
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
        Class::InUse,
    ),
    (
        "iam",
        409,
        "LimitExceeded",
        "Cannot exceed quota for RolesPerAccount: 1000",
        Class::Quota,
    ),
    (
        "iam",
        404,
        "NoSuchEntity",
        "The role with name x cannot be found.",
        Class::NotFound,
    ),
    (
        "iam",
        404,
        "NoSuchEntity",
        "Scope ARN: arn:aws:iam::1:policy/x does not exist or is not attachable.",
        Class::Transient,
    ),
    (
        "iam",
        400,
        "MalformedPolicyDocument",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:role/x\"",
        Class::Transient,
    ),
    (
        "iam",
        400,
        "MalformedPolicyDocument",
        "Syntax errors in policy.",
        Class::Invalid,
    ),
    (
        "iam",
        409,
        "ConcurrentModification",
        "The request was rejected because multiple requests to change this object were submitted",
        Class::Transient,
    ),
    (
        "iam",
        409,
        "EntityTemporarilyUnmodifiable",
        "The entity is temporarily unmodifiable",
        Class::Transient,
    ),
    (
        "iam",
        500,
        "ServiceFailure",
        "The request processing has failed because of an unknown error",
        Class::Transient,
    ),
    (
        "kms",
        400,
        "AlreadyExistsException",
        "An alias with the name alias/x already exists",
        Class::Taken,
    ),
    (
        "kms",
        400,
        "KMSInvalidStateException",
        "key/1 is pending deletion.",
        Class::InUse,
    ),
    (
        "kms",
        400,
        "LimitExceededException",
        "A quota was exceeded",
        Class::Quota,
    ),
    (
        "kms",
        400,
        "MalformedPolicyDocumentException",
        "Policy contains a statement with one or more invalid principals.",
        Class::Transient,
    ),
    (
        "kms",
        400,
        "MalformedPolicyDocumentException",
        "The new key policy will not allow you to update the key policy in the future.",
        Class::Invalid,
    ),
    (
        "kms",
        503,
        "DependencyTimeoutException",
        "The system timed out while trying to fulfill the request.",
        Class::Transient,
    ),
    (
        "kms",
        500,
        "KMSInternalException",
        "an internal exception",
        Class::Transient,
    ),
    (
        "logs",
        400,
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
        Class::Taken,
    ),
    (
        "logs",
        400,
        "OperationAbortedException",
        "A conflicting operation is currently in progress",
        Class::Transient,
    ),
    (
        "logs",
        400,
        "ResourceNotFoundException",
        "The specified log group does not exist.",
        Class::NotFound,
    ),
    (
        "logs",
        400,
        "InvalidParameterException",
        "1 validation error detected",
        Class::Invalid,
    ),
    (
        "logs",
        400,
        "LimitExceededException",
        "Resource limit exceeded.",
        Class::Quota,
    ),
    (
        "logs",
        500,
        "ServiceUnavailableException",
        "The service cannot complete the request.",
        Class::Transient,
    ),
    (
        "resource-groups",
        400,
        "BadRequestException",
        "Cannot create group: group already exists",
        Class::Taken,
    ),
    (
        "resource-groups",
        400,
        "BadRequestException",
        "Query not valid",
        Class::Invalid,
    ),
    (
        "resource-groups",
        404,
        "NotFoundException",
        "Group does not exist",
        Class::NotFound,
    ),
    (
        "resource-groups",
        500,
        "InternalServerErrorException",
        "An internal error occurred",
        Class::Transient,
    ),
    (
        "s3",
        409,
        "BucketAlreadyExists",
        "The requested bucket name is not available.",
        Class::Taken,
    ),
    (
        "s3",
        409,
        "BucketNotEmpty",
        "The bucket you tried to delete is not empty",
        Class::InUse,
    ),
    (
        "s3",
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress",
        Class::Transient,
    ),
    (
        "s3",
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        Class::NotFound,
    ),
    (
        "s3",
        400,
        "TooManyBuckets",
        "You have attempted to create more buckets than allowed",
        Class::Quota,
    ),
    (
        "s3",
        400,
        "MalformedPolicy",
        "Invalid principal in policy",
        Class::Transient,
    ),
    (
        "s3",
        400,
        "InvalidTag",
        "The tag provided was not a valid tag.",
        Class::Invalid,
    ),
    (
        "s3",
        500,
        "InternalError",
        "We encountered an internal error. Please try again.",
        Class::Transient,
    ),
    (
        "sagemaker",
        400,
        "ResourceLimitExceeded",
        "The account-level service limit 'ml.t3.medium for notebook instance usage' is 0",
        Class::Quota,
    ),
    ("sagemaker", 400, "ResourceInUse", "Resource is in use.", Class::InUse),
    (
        "sagemaker",
        400,
        "ResourceNotFound",
        "Resource is not found.",
        Class::NotFound,
    ),
    (
        "sagemaker",
        400,
        "ValidationException",
        "RecordNotFound",
        Class::NotFound,
    ),
    (
        "sagemaker",
        400,
        "ValidationException",
        "Status (Pending) not in ([Stopped, Failed]). Unable to transition to (Updating)",
        Class::InUse,
    ),
    (
        "sagemaker",
        400,
        "ValidationException",
        "Could not assume role arn:aws:iam::1:role/x.",
        Class::Transient,
    ),
    (
        "sagemaker",
        400,
        "ValidationException",
        "Cannot create a duplicate notebook instance",
        Class::Taken,
    ),
    (
        "sagemaker",
        400,
        "ValidationException",
        "1 validation error detected: VolumeSizeInGB",
        Class::Invalid,
    ),
    (
        "ssm",
        400,
        "ParameterAlreadyExists",
        "The parameter already exists.",
        Class::Taken,
    ),
    (
        "ssm",
        400,
        "ParameterNotFound",
        "Parameter x not found.",
        Class::NotFound,
    ),
    (
        "ssm",
        400,
        "ParameterLimitExceeded",
        "You have exceeded the number of parameters for this account.",
        Class::Quota,
    ),
    (
        "ssm",
        400,
        "TooManyUpdates",
        "There are concurrent updates for a resource",
        Class::Transient,
    ),
    (
        "ssm",
        500,
        "InternalServerError",
        "An error occurred on the server side.",
        Class::Transient,
    ),
    (
        "sts",
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
        Class::Credentials,
    ),
    (
        "sts",
        403,
        "SignatureDoesNotMatch",
        "Signature expired",
        Class::Credentials,
    ),
    (
        "tagging",
        500,
        "InternalServiceException",
        "The request processing failed",
        Class::Transient,
    ),
    (
        "tagging",
        400,
        "InvalidParameterException",
        "a parameter is missing",
        Class::Invalid,
    ),
];

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
