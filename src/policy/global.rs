//! Condition keys that are not those of one service, and the few of IAM, KMS, STS and CloudWatch that are used.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use super::{Arn, Flag, Key, Many, One, Text};

/// The VPC endpoint that the request came through.
pub const SOURCE_VPCE: Key<One, Text> = Key::named("aws:SourceVpce");
/// The VPC that the request came from, through an endpoint of it.
pub const SOURCE_VPC: Key<One, Text> = Key::named("aws:SourceVpc");
/// Whether an AWS service asks on behalf of the principal.
pub const VIA_AWS_SERVICE: Key<One, Flag> = Key::named("aws:ViaAWSService");
/// Whether an AWS service asks for itself.
pub const PRINCIPAL_IS_AWS_SERVICE: Key<One, Flag> = Key::named("aws:PrincipalIsAWSService");
/// Whether the request is encrypted on its way.
pub const SECURE_TRANSPORT: Key<One, Flag> = Key::named("aws:SecureTransport");
/// How the writer of an object asks for it to be encrypted.
pub const S3_ENCRYPTION: Key<One, Text> = Key::named("s3:x-amz-server-side-encryption");
/// The KMS key that the writer of an object asks for.
pub const S3_ENCRYPTION_KEY: Key<One, Text> = Key::named("s3:x-amz-server-side-encryption-aws-kms-key-id");
/// The algorithm for a key that the writer of an object brings along.
pub const S3_CUSTOMER_ALGORITHM: Key<One, Text> = Key::named("s3:x-amz-server-side-encryption-customer-algorithm");
/// The log group that CloudWatch Logs encrypts.
pub const LOG_GROUP_CONTEXT: Key<One, Arn> = Key::named("kms:EncryptionContext:aws:logs:arn");
/// The account for which an AWS service takes a role.
pub const SOURCE_ACCOUNT: Key<One, Text> = Key::named("aws:SourceAccount");
/// The resource for which an AWS service takes a role.
pub const SOURCE_ARN: Key<One, Arn> = Key::named("aws:SourceArn");
/// The role, not the session, that asks.
pub const PRINCIPAL_ARN: Key<One, Arn> = Key::named("aws:PrincipalArn");
/// The organisation that the caller's account is in; absent for AWS services.
pub const PRINCIPAL_ORG_ID: Key<One, Text> = Key::named("aws:PrincipalOrgID");
/// The organisation of the account for which an AWS service asks.
pub const SOURCE_ORG_ID: Key<One, Text> = Key::named("aws:SourceOrgID");
/// The account that owns the resource.
pub const RESOURCE_ACCOUNT: Key<One, Text> = Key::named("aws:ResourceAccount");
/// The caller's unique id: of a session, that of its role, a colon, and the name of the session.
pub const USER_ID: Key<One, Text> = Key::named("aws:userid");
/// The keys of the tags that the request sets or removes.
pub const TAG_KEYS: Key<Many, Text> = Key::named("aws:TagKeys");
/// The service that a role is passed to.
pub const PASSED_TO: Key<One, Text> = Key::named("iam:PassedToService");
/// Whether a grant is made by an AWS service for a resource of its own.
pub const GRANT_IS_FOR_AWS: Key<One, Flag> = Key::named("kms:GrantIsForAWSResource");
/// The name that the caller gives a session.
pub const SESSION_NAME: Key<One, Text> = Key::named("sts:RoleSessionName");
/// The service that a bearer token is for.
pub const TOKEN_SERVICE: Key<One, Text> = Key::named("sts:AWSServiceName");
/// The namespace of a metric.
pub const METRIC_NAMESPACE: Key<One, Text> = Key::named("cloudwatch:namespace");

/// The tag `tag` of the resource.
pub fn resource_tag(tag: &str) -> Key<One, Text> {
    Key::made(format!("aws:ResourceTag/{tag}"))
}

/// The tag `tag` that the request sets.
pub fn request_tag(tag: &str) -> Key<One, Text> {
    Key::made(format!("aws:RequestTag/{tag}"))
}
