//! Buckets, which let nobody in but through the project's endpoint, and the log group of the VPC's flow logs.

use super::{Builder, Project};
use crate::kinds::{Bucket, Handle, KmsKey, LogGroup, VpcEndpoint, bucket, log_group};
use crate::policy::{Document, Principal, Statement, global};

/// What changes a bucket or lists what is in it. Reading its settings is not among it: those who check the account look
/// at them from outside.
const ON_BUCKET: [&str; 4] = ["s3:CreateBucket*", "s3:Delete*", "s3:ListBucket*", "s3:Put*"];

/// An upload that nobody finished by then is paid for and seen by nobody. Objects and their versions never go by
/// themselves.
const ABORT_UPLOADS_AFTER_DAYS: i32 = 7;

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let buckets = [
        ("data", "dataBucket", project.data_bucket()),
        ("model", "modelBucket", project.model_bucket()),
    ];
    for (node, output, name) in buckets {
        let handle = builder.add::<Bucket>(node, &name, &attributes(project, &name));
        builder.output(output, handle.id());
    }
    let attributes = log_group::Attributes {
        retention_days: Some(project.spec.network.flow_log_retention_days),
        key: Some(key()),
    };
    builder.add::<LogGroup>("vpc-flow-logs", &project.flow_log_group(), &attributes);
}

fn key() -> String {
    Handle::<KmsKey>::new("project").arn()
}

fn attributes(project: &Project, name: &str) -> bucket::Attributes {
    bucket::Attributes {
        policy: Some(policy(project, name)),
        encryption: bucket::Encryption {
            algorithm: "aws:kms".to_owned(),
            key: Some(key()),
            bucket_key: true,
        },
        versioning: bucket::Versioning::Enabled,
        public_access_block: bucket::PublicAccessBlock::CLOSED,
        ownership: "BucketOwnerEnforced".to_owned(),
        lifecycle: [bucket::LifecycleRule::abort_uploads(ABORT_UPLOADS_AFTER_DAYS)].into(),
    }
}

/// The policy of a bucket. It allows nothing: who may do what is in the policies of the roles.
///
/// An object without an encryption header is fine, for the bucket's own setting then encrypts it with the project's key.
/// A header that asks for KMS and names no key would mean a key of AWS's, and one with a key of the caller's would put the
/// object out of the project's reach.
fn policy(project: &Project, name: &str) -> Document {
    let bucket = project.s3_arn(name);
    let objects = format!("{bucket}/*");
    let everything = |sid: &str| {
        Statement::deny(sid)
            .principal(Principal::Anyone)
            .actions(["s3:*"])
            .resources([bucket.clone(), objects.clone()])
    };
    let puts = |sid: &str| {
        Statement::deny(sid)
            .principal(Principal::Anyone)
            .actions(["s3:PutObject"])
            .resources([objects.clone()])
    };
    let from_outside = |sid: &str| {
        let endpoint = String::from(Handle::<VpcEndpoint>::new("s3").id());
        Statement::deny(sid)
            .principal(Principal::Anyone)
            .given(global::SOURCE_VPCE.is_not([endpoint]))
    };
    Document::new([
        everything("OnlyEncryptedConnections").given(global::SECURE_TRANSPORT.is_false()),
        everything("OnlyCurrentTls").when("NumericLessThan", "s3:TlsVersion", ["1.2"]),
        // The controller is no exception: objects are no business of its.
        from_outside("ObjectsOnlyThroughTheEndpoint")
            .actions(["s3:*"])
            .resources([objects.clone()]),
        // Here it is: it works from outside the network and has to be able to put this very policy right.
        from_outside("BucketOnlyThroughTheEndpoint")
            .actions(ON_BUCKET)
            .resources([bucket.clone()])
            .given(global::PRINCIPAL_ARN.not_like(project.controller())),
        puts("OnlyKmsEncryption")
            .given(global::S3_ENCRYPTION.present())
            .given(global::S3_ENCRYPTION.is_not(["aws:kms"])),
        puts("OnlyTheProjectKey")
            .given(global::S3_ENCRYPTION_KEY.present())
            .given(global::S3_ENCRYPTION_KEY.is_not([key()])),
        puts("NoKeyOfAws")
            .given(global::S3_ENCRYPTION.present())
            .given(global::S3_ENCRYPTION_KEY.absent()),
        puts("NoKeyOfTheCaller").given(global::S3_CUSTOMER_ALGORITHM.present()),
    ])
}
