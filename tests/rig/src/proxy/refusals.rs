//! The refusals that every AWS service knows, each with the code, status and text of the service asked.

use super::identity::Identity;
use super::operation::Operation;
use super::request::Request;
use super::wire::AwsError;

/// The service says: too many calls.
pub(crate) fn throttled(operation: &Operation) -> AwsError {
    let (status, code, message) = match operation.service.as_str() {
        "ec2" => (503, "RequestLimitExceeded", "Request limit exceeded."),
        "iam" | "sts" => (400, "Throttling", "Rate exceeded"),
        "s3" => (503, "SlowDown", "Please reduce your request rate."),
        "kms" => (
            400,
            "ThrottlingException",
            "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
        ),
        "tagging" => (400, "ThrottledException", "Rate exceeded"),
        "resource-groups" => (429, "TooManyRequestsException", "Rate exceeded"),
        "codeartifact" => (429, "ThrottlingException", "Rate exceeded"),
        _ => (400, "ThrottlingException", "Rate exceeded"),
    };
    AwsError::new(status, code, message)
}

/// The service says: these credentials are too old.
pub(crate) fn expired_token(operation: &Operation) -> AwsError {
    let included = "The security token included in the request is expired";
    match operation.service.as_str() {
        "ec2" => AwsError::new(400, "RequestExpired", "Request has expired."),
        "s3" => AwsError::new(400, "ExpiredToken", "The provided token has expired."),
        "iam" | "sts" => AwsError::new(403, "ExpiredToken", included),
        _ => AwsError::new(400, "ExpiredTokenException", included),
    }
}

/// The service says: you may not do that to this.
pub(crate) fn access_denied(request: &Request, who: &Identity) -> AwsError {
    let action = iam_action(&request.operation);
    let resource = resource(request, &who.account);
    let user = &who.arn;
    let said = format!(
        "User: {user} is not authorized to perform: {action} on resource: {resource} \
         because no identity-based policy allows the {action} action"
    );
    match request.operation.service.as_str() {
        "ec2" => AwsError::new(
            403,
            "UnauthorizedOperation",
            &format!("You are not authorized to perform this operation. {said}"),
        ),
        "s3" | "iam" | "sts" => AwsError::new(403, "AccessDenied", &said),
        "resource-groups" | "codeartifact" => AwsError::new(403, "AccessDeniedException", &said),
        _ => AwsError::new(400, "AccessDeniedException", &said),
    }
}

/// S3 operations whose IAM action is called otherwise.
const S3_ACTIONS: &[(&str, &str)] = &[
    ("CopyObject", "PutObject"),
    ("DeleteBucketCors", "PutBucketCORS"),
    ("DeleteBucketEncryption", "PutEncryptionConfiguration"),
    ("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("DeleteBucketOwnershipControls", "PutBucketOwnershipControls"),
    ("DeleteBucketReplication", "PutReplicationConfiguration"),
    ("DeleteBucketTagging", "PutBucketTagging"),
    ("DeleteObjects", "DeleteObject"),
    ("DeletePublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("GetBucketCors", "GetBucketCORS"),
    ("GetBucketEncryption", "GetEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("GetBucketNotificationConfiguration", "GetBucketNotification"),
    ("GetBucketReplication", "GetReplicationConfiguration"),
    ("GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("HeadBucket", "ListBucket"),
    ("HeadObject", "GetObject"),
    ("ListBuckets", "ListAllMyBuckets"),
    ("ListObjectVersions", "ListBucketVersions"),
    ("ListObjects", "ListBucket"),
    ("ListObjectsV2", "ListBucket"),
    ("PutBucketCors", "PutBucketCORS"),
    ("PutBucketEncryption", "PutEncryptionConfiguration"),
    ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("PutBucketNotificationConfiguration", "PutBucketNotification"),
    ("PutBucketReplication", "PutReplicationConfiguration"),
    ("PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
    ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
];

/// The IAM action that an operation needs: mostly its own name, but `s3:HeadBucket` needs `s3:ListBucket`.
pub fn iam_action(operation: &Operation) -> String {
    let name = operation.name.as_str();
    match operation.service.as_str() {
        "s3" => {
            let renamed = S3_ACTIONS.iter().find(|(from, _)| *from == name);
            format!("s3:{}", renamed.map_or(name, |(_, to)| to))
        }
        "tagging" => format!("tag:{name}"),
        service => format!("{service}:{name}"),
    }
}

/// The ARN of what a request is about, as far as the request says it; `*` when it doesn't.
fn resource(request: &Request, account: &str) -> String {
    let service = request.operation.service.as_str();
    let region = &request.region;
    let named = |kind: &str, param: &str| {
        let value = request.param(param)?;
        Some(format!("arn:aws:{service}:{region}:{account}:{kind}{value}"))
    };
    let found = match service {
        "s3" => request.bucket().map(|bucket| format!("arn:aws:s3:::{bucket}")),
        "iam" => request
            .param("RoleName")
            .map(|role| format!("arn:aws:iam::{account}:role/{role}"))
            .or_else(|| request.param("PolicyArn")),
        "ec2" => ec2_resource(request).map(|id| format!("arn:aws:ec2:{region}:{account}:{id}")),
        "kms" => named("key/", "KeyId"),
        "ssm" => request.param("Name").map(|name| {
            format!(
                "arn:aws:ssm:{region}:{account}:parameter/{}",
                name.trim_start_matches('/')
            )
        }),
        "sagemaker" => named("notebook-instance/", "NotebookInstanceName").or_else(|| named("domain/", "DomainId")),
        "logs" => named("log-group:", "logGroupName"),
        "ecr" => named("repository/", "repositoryName"),
        "codecommit" => named("", "repositoryName"),
        "sts" => request.param("RoleArn"),
        _ => None,
    };
    found.unwrap_or_else(|| "*".to_owned())
}

/// Kind and id of the first EC2 object a request names, or the kind that it would create.
fn ec2_resource(request: &Request) -> Option<String> {
    let kinds = [
        ("VpcEndpointId", "vpc-endpoint"),
        ("SubnetId", "subnet"),
        ("GroupId", "security-group"),
        ("RouteTableId", "route-table"),
        ("VpcId", "vpc"),
    ];
    let form = request.form();
    let given = |field: &str| {
        let first = format!("{field}.1");
        form.iter().find(|(name, _)| name == field || *name == first)
    };
    let created = request.operation.name.strip_prefix("Create").and_then(|what| {
        let field = format!("{what}Id").replace("SecurityGroupId", "GroupId");
        kinds.iter().find(|(name, _)| *name == field)
    });
    if let Some((_, kind)) = created {
        return Some(format!("{kind}/*"));
    }
    kinds
        .iter()
        .find_map(|(field, kind)| given(field).map(|(_, id)| format!("{kind}/{id}")))
}

#[cfg(test)]
mod tests {
    use super::super::request::made;
    use super::*;

    fn who() -> Identity {
        Identity {
            account: "111122223333".to_owned(),
            arn: "arn:aws:sts::111122223333:assumed-role/controller/session".to_owned(),
        }
    }

    #[test]
    fn throttling_is_said_in_each_services_words() {
        let said = |request: Request| {
            let error = throttled(&request.operation);
            (error.status, error.code)
        };
        assert_eq!(
            said(made::query("ec2", "Action=A")),
            (503, "RequestLimitExceeded".to_owned())
        );
        assert_eq!(said(made::query("iam", "Action=A")), (400, "Throttling".to_owned()));
        assert_eq!(said(made::s3("GET", "/")), (503, "SlowDown".to_owned()));
        assert_eq!(
            said(made::json("ssm", "AmazonSSM.A", "")),
            (400, "ThrottlingException".to_owned())
        );
    }

    #[test]
    fn a_denial_names_user_action_and_resource() {
        let cases = [
            (
                made::query("ec2", "Action=CreateVpc"),
                "UnauthorizedOperation",
                "ec2:CreateVpc on resource: arn:aws:ec2:us-east-1:111122223333:vpc/*",
            ),
            (
                made::query("ec2", "Action=DeleteVpcEndpoints&VpcEndpointId.1=vpce-1"),
                "UnauthorizedOperation",
                "ec2:DeleteVpcEndpoints on resource: arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/vpce-1",
            ),
            (
                made::query("iam", "Action=PutRolePolicy&RoleName=r"),
                "AccessDenied",
                "iam:PutRolePolicy on resource: arn:aws:iam::111122223333:role/r",
            ),
            (
                made::s3("GET", "/data?encryption"),
                "AccessDenied",
                "s3:GetEncryptionConfiguration on resource: arn:aws:s3:::data",
            ),
            (
                made::json("kms", "TrentService.DescribeKey", r#"{"KeyId":"k"}"#),
                "AccessDeniedException",
                "kms:DescribeKey on resource: arn:aws:kms:us-east-1:111122223333:key/k",
            ),
        ];
        for (request, code, part) in cases {
            let error = access_denied(&request, &who());
            assert_eq!(error.code, code);
            let user = "User: arn:aws:sts::111122223333:assumed-role/controller/session is not authorized to perform: ";
            assert!(
                error.message.contains(&format!("{user}{part} because")),
                "{}",
                error.message
            );
        }
    }
}
