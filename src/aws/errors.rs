//! The one place that knows AWS's error codes and what each means for the controller.

use std::error::Error;
use std::iter::successors;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::engine::{Class, Failure};
use crate::model::{Words, innermost};

/// Codes by class. A code that several services use has the same meaning in each, save those in [`IN_WORDS`].
const CODES: &[(Class, &[&str])] = &[
    (
        Class::Throttled,
        &[
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "TooManyRequestsException",
            "PriorRequestNotComplete",
            "BandwidthLimitExceeded",
        ],
    ),
    (
        Class::Transient,
        &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "InternalServiceException",
            "KMSInternalException",
            "DependencyTimeout",
            "DependencyTimeoutException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "ServiceFailure",
            "ServiceFailureException",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            "EntityTemporarilyUnmodifiable",
            "OperationAborted",
            "OperationAbortedException",
            "ConcurrentModification",
            "TooManyUpdates",
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            // Done already, by an attempt whose answer was lost: the next reading shows it.
            "InvalidPermission.Duplicate",
            "Resource.AlreadyAssociated",
            "RouteAlreadyExists",
        ],
    ),
    (
        Class::Denied,
        &[
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "UnauthorizedException",
            "OptInRequired",
            "Forbidden",
            "ForbiddenException",
        ],
    ),
    (
        Class::Credentials,
        &[
            "AuthFailure",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ],
    ),
    (
        Class::InUse,
        &[
            "DependencyViolation",
            "DeleteConflict",
            "ResourceInUse",
            "ResourceInUseException",
            "InvalidGroup.InUse",
            "IncorrectState",
            "InvalidState",
            "KMSInvalidStateException",
            "DisabledException",
            "BucketNotEmpty",
            "ConflictException",
        ],
    ),
    (
        Class::Taken,
        &[
            "AlreadyExistsException",
            "BucketAlreadyExists",
            "BucketAlreadyOwnedByYou",
            "EntityAlreadyExists",
            "FlowLogAlreadyExists",
            "InvalidGroup.Duplicate",
            "ParameterAlreadyExists",
            "ResourceAlreadyExistsException",
        ],
    ),
    (
        Class::NotFound,
        &[
            "NoSuchEntity",
            "NotFoundException",
            "ResourceNotFoundException",
            "ResourceNotFound",
            "ParameterNotFound",
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "NoSuchTagSet",
            "NoSuchLifecycleConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
            "OwnershipControlsNotFoundError",
            "ServerSideEncryptionConfigurationNotFoundError",
            "RepositoryDoesNotExistException",
        ],
    ),
    (
        Class::Quota,
        &[
            "LimitExceeded",
            "LimitExceededException",
            "ResourceLimitExceeded",
            "ServiceQuotaExceededException",
            "VpcLimitExceeded",
            "SubnetLimitExceeded",
            "VpcEndpointLimitExceeded",
            "SecurityGroupLimitExceeded",
            "RulesPerSecurityGroupLimitExceeded",
            "TooManyBuckets",
            "HierarchyLevelLimitExceededException",
            "ParameterLimitExceeded",
        ],
    ),
    (
        Class::Invalid,
        &[
            "InvalidParameter",
            "InvalidParameterException",
            "InvalidParameterValue",
            "InvalidParameterCombination",
            "InvalidRequest",
            "BadRequestException",
            "HierarchyTypeMismatchException",
            "InvalidArgument",
            "InvalidTag",
            "TagException",
            "InvalidBucketName",
            "DuplicateSubnetsInSameZone",
            "InvalidInput",
            "InvalidPolicyDocument",
            "InvalidVpcRange",
            "InvalidSubnet.Range",
            "InvalidSubnet.Conflict",
            "InvalidServiceName",
            "MalformedPolicy",
            "MalformedPolicyDocument",
            "MalformedPolicyDocumentException",
            "ValidationError",
            "ValidationException",
            "MissingParameter",
        ],
    ),
];

/// Codes whose meaning only the message tells: a role made a moment ago is not known everywhere yet; SageMaker
/// answers for what is not there, and for what is at work, as for a bad request.
const IN_WORDS: &[(&str, &str, Class)] = &[
    ("BadRequestException", "already exists", Class::Taken),
    // Private names of an endpoint: its predecessor is not gone yet, or the VPC's DNS settings are not everywhere.
    ("InvalidParameter", "conflicting dns domain", Class::InUse),
    ("InvalidParameter", "enablednshostnames", Class::Transient),
    ("MalformedPolicy", "invalid principal", Class::Transient),
    ("MalformedPolicyDocument", "invalid principal", Class::Transient),
    ("MalformedPolicyDocumentException", "principal", Class::Transient),
    ("InvalidParameterException", "principal", Class::Transient),
    ("NoSuchEntity", "scope arn", Class::Transient),
    ("ValidationException", "recordnotfound", Class::NotFound),
    ("ValidationException", "could not find", Class::NotFound),
    ("ValidationException", "does not exist", Class::NotFound),
    ("ValidationException", "status (", Class::InUse),
    ("ValidationException", "unable to transition", Class::InUse),
    ("ValidationException", "could not assume role", Class::Transient),
    ("ValidationException", "cannot be assumed", Class::Transient),
    ("ValidationException", "cannot create a duplicate", Class::Taken),
    // Whether a role may be passed is decided by its tags and its boundary, which IAM spreads as slowly as the role.
    ("AccessDeniedException", "iam:passrole", Class::Transient),
];

/// What is known by its code: the code, the words of the message that decide, if any, and the class.
pub fn known() -> impl Iterator<Item = (&'static str, Option<&'static str>, Class)> {
    let codes = CODES
        .iter()
        .flat_map(|(class, codes)| codes.iter().map(|code| (*code, None, *class)));
    codes.chain(
        IN_WORDS
            .iter()
            .map(|(code, words, class)| (*code, Some(*words), *class)),
    )
}

/// The class of an answer of the HTTP status `status` that has no code: one to a HEAD, or one of a proxy on the way.
fn of_status(status: u16) -> Class {
    match status {
        401 | 403 | 407 => Class::Denied,
        404 => Class::NotFound,
        408 | 500.. => Class::Transient,
        429 => Class::Throttled,
        _ => Class::Unknown,
    }
}

/// The class of the code `code` with the message `message`.
pub fn classify(code: &str, message: &str) -> Class {
    let message = message.to_lowercase();
    let in_words = IN_WORDS
        .iter()
        .find(|(known, words, _)| *known == code && message.contains(words));
    if let Some((_, _, class)) = in_words {
        return *class;
    }
    if let Some((class, _)) = CODES.iter().find(|(_, codes)| codes.contains(&code)) {
        return *class;
    }
    // EC2 has one code for each type of thing that is not there: InvalidVpcID.NotFound.
    if code.ends_with(".NotFound") || code.ends_with("NotFound") {
        Class::NotFound
    } else if code.ends_with(".InUse") {
        Class::InUse
    } else if code.ends_with(".Duplicate") {
        Class::Taken
    } else if code.ends_with("LimitExceeded") {
        Class::Quota
    } else if code.ends_with(".Malformed") || code.starts_with("InvalidParameter") {
        Class::Invalid
    } else {
        Class::Unknown
    }
}

/// The failure that `error` is to the call `name`.
pub fn failure<E>(name: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let SdkError::ServiceError(service) = error else {
        let (class, message) = unsaid(error);
        return Failure {
            call: name.to_owned(),
            class,
            code: String::new(),
            message: message.into(),
        };
    };
    let metadata = service.err().meta();
    let (code, status) = (metadata.code().unwrap_or_default(), service.raw().status());
    let message = metadata.message().unwrap_or_default();
    let class = match classify(code, message) {
        Class::Unknown if status.is_server_error() => Class::Transient,
        // What was asked for is done, and only the answer is of no use.
        Class::Unknown if status.is_success() => Class::Unanswered,
        Class::Unknown if code.is_empty() => of_status(status.as_u16()),
        class => class,
    };
    let message = match message {
        "" if status.is_success() => "AWS's answer could not be read".to_owned(),
        "" => format!("AWS says no more than HTTP status {}", status.as_u16()),
        message => settled(message),
    };
    Failure {
        call: name.to_owned(),
        class,
        code: Words::from(code).into(),
        message: message.into(),
    }
}

/// What an error means that is no answer of the service, and what it is in words.
fn unsaid<E>(error: &SdkError<E, HttpResponse>) -> (Class, String)
where
    E: Error + 'static,
{
    let mut causes = successors(Some(error as &(dyn Error + 'static)), |&cause| cause.source());
    if let Some(credentials) = causes.find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
        let why = innermost(credentials);
        let said = match credentials {
            CredentialsError::CredentialsNotLoaded(_) => "no AWS credentials were found".to_owned(),
            CredentialsError::ProviderTimedOut(_) => {
                "the source of the AWS credentials did not answer in time".to_owned()
            }
            CredentialsError::InvalidConfiguration(_) => {
                format!("the AWS credentials that are configured cannot be used: {why}")
            }
            _ => format!("the AWS credentials could not be had: {why}"),
        };
        return (Class::Credentials, said);
    }
    let why = innermost(error);
    match error {
        SdkError::ConstructionFailure(_) => (Class::Invalid, format!("the request could not be made: {why}")),
        SdkError::TimeoutError(_) => (Class::Unanswered, "AWS did not answer in time".to_owned()),
        SdkError::ResponseError(_) => (Class::Unanswered, format!("AWS's answer could not be read: {why}")),
        _ => (Class::Unanswered, format!("no answer from AWS: {why}")),
    }
}

/// `message` without what is another at each attempt: EC2 encodes in its denials who asked for what and when.
fn settled(message: &str) -> String {
    let (said, _) = message
        .split_once("Encoded authorization failure message")
        .unwrap_or((message, ""));
    said.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_once() {
        let mut all: Vec<&str> = CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_message_decides_where_the_code_does_not() {
        assert_eq!(classify("ValidationException", "RecordNotFound"), Class::NotFound);
        assert_eq!(
            classify("ValidationException", "VolumeSizeInGB is too small"),
            Class::Invalid
        );
        assert_eq!(
            classify(
                "AccessDeniedException",
                "not authorized to perform: iam:PassRole on resource"
            ),
            Class::Transient
        );
        assert_eq!(classify("AccessDeniedException", "not authorized"), Class::Denied);
        assert_eq!(classify("InvalidVpcID.NotFound", "no such vpc"), Class::NotFound);
        assert_eq!(classify("SomethingNew", ""), Class::Unknown);
    }
}
