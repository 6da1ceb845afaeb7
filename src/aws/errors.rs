//! The one place that knows AWS's error codes and what each means for the controller.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::engine::{Class, Failure};

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
            "AuthFailure",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "OptInRequired",
            "Forbidden",
            "ForbiddenException",
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
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let metadata = match error {
        SdkError::ServiceError(service) => Some(service.err().meta()),
        _ => None,
    };
    let code = metadata
        .and_then(|metadata| metadata.code())
        .unwrap_or_default()
        .to_owned();
    let message = metadata.and_then(|metadata| metadata.message()).map(str::to_owned);
    let class = match error {
        SdkError::ServiceError(service) => match classify(&code, message.as_deref().unwrap_or_default()) {
            Class::Unknown if service.raw().status().is_server_error() => Class::Transient,
            class => class,
        },
        SdkError::ConstructionFailure(_) => Class::Invalid,
        _ => Class::Unanswered,
    };
    Failure {
        call: name.to_owned(),
        class,
        code,
        message: message.map_or_else(|| DisplayErrorContext(error).to_string(), |message| settled(&message)),
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
