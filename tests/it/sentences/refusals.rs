//! Calls that AWS refuses while resources are made.

use secureml_rig::Fault;

/// A call that fails while a resource is made.
pub struct Refusal {
    pub situation: &'static str,
    pub node: &'static str,
    pub call: &'static str,
    pub fault: Fault,
}

macro_rules! refusals {
    ($($node:literal $call:literal $situation:literal $fault:expr;)*) => {
        vec![$(Refusal { situation: $situation, node: $node, call: $call, fault: $fault }),*]
    };
}

/// What is refused, one after the other of each resource.
pub fn refusals() -> Vec<Refusal> {
    let error = Fault::error;
    refusals! {
        "Vpc/main" "ec2:CreateVpc" "a quota is used up"
            error(400, "VpcLimitExceeded", "The maximum number of VPCs has been reached.");
        "Vpc/main" "ec2:CreateVpc" "AWS throttles"
            Fault::Throttle;
        "Vpc/main" "ec2:CreateVpc" "the role lacks a permission"
            Fault::AccessDenied;
        "Vpc/main" "ec2:CreateVpc" "a policy of the organisation denies"
            error(403, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/secureml/x is not authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:us-east-1:123456789012:vpc/* with an explicit deny in a service control policy. Encoded authorization failure message: 6nPi0zxS2wYzvVDhvIoMLRqMJvvRbHcXmTwzXeDRXBRv7");
        "Vpc/main" "ec2:CreateVpc" "the credentials have expired"
            Fault::ExpiredToken;
        "Vpc/main" "ec2:CreateVpc" "AWS does not accept the credentials"
            error(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        "Vpc/main" "ec2:CreateVpc" "AWS has a fault"
            error(500, "InternalError", "An internal error has occurred");
        "Vpc/main" "ec2:CreateVpc" "AWS answers with a code that is not known"
            error(400, "SomethingNew", "The moon is in the wrong house.");
        "Vpc/main" "ec2:CreateVpc" "the region is not enabled for the account"
            error(401, "OptInRequired", "You are not subscribed to this service.");
        "Vpc/main" "ec2:CreateVpc" "the connection breaks before AWS sees the call"
            Fault::ResetBefore;
        "IamPolicy/boundary" "iam:CreatePolicy" "the answer comes broken"
            Fault::Malformed;
        "IamPolicy/boundary-admin" "iam:CreatePolicy" "the policies of the account are all used up"
            error(409, "LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: 1500.");
        "IamPolicy/boundary-access" "iam:CreatePolicy" "somebody has a policy of that name"
            error(409, "EntityAlreadyExists", "A policy called ds-boundary-access-churn-dev already exists. Duplicate names are not allowed.");
        "IamPolicy/boundary-launch" "iam:CreatePolicy" "a policy is not taken"
            error(400, "MalformedPolicyDocument", "Syntax errors in policy.");
        "KmsKey/project" "kms:CreateKey" "a role is not known everywhere yet"
            error(400, "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.");
        "KmsKey/project" "kms:CreateKey" "no key may be made"
            Fault::AccessDenied;
        "Bucket/data" "s3:CreateBucket" "the bucket's name is somebody else's"
            error(409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system.");
        "Bucket/model" "s3:CreateBucket" "the account has all the buckets that it may have"
            error(400, "TooManyBuckets", "You have attempted to create more buckets than allowed");
        "IamRole/user" "iam:CreateRole" "the account has all the roles that it may have"
            error(409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000.");
        "LogGroup/vpc-flow-logs" "logs:CreateLogGroup" "a log group of that name is there"
            error(400, "ResourceAlreadyExistsException", "The specified log group already exists");
        "ResourceGroup/project" "resource-groups:CreateGroup" "a resource group is not taken"
            error(400, "BadRequestException", "Query not valid: unsupported resource type.");
        "Subnet/a" "ec2:CreateSubnet" "a subnet does not fit"
            error(400, "InvalidSubnet.Conflict", "The CIDR '10.2.1.0/24' conflicts with another subnet");
        "VpcEndpoint/sts" "ec2:CreateVpcEndpoint" "the account has all the endpoints that it may have"
            error(400, "VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.");
        "Parameter/vpc-id" "ssm:PutParameter" "parameters are throttled"
            Fault::Throttle;
        "Notebook/ana" "sagemaker:CreateNotebookInstance" "a notebook's machine is none of the account's"
            error(400, "ResourceLimitExceeded", "The account-level service limit 'ml.t3.medium for notebook instance usage' is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota.");
        "Notebook/ana" "sagemaker:CreateNotebookInstance" "a notebook's role may not be passed"
            error(400, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/secureml/x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/service-role/ds-notebook-role-churn-dev-ana because no identity-based policy allows the iam:PassRole action");
        "Notebook/bo" "sagemaker:CreateNotebookInstance" "a notebook's settings are not taken"
            error(400, "ValidationException", "1 validation error detected: Value 'ml.t3.medium' at 'instanceType' failed to satisfy constraint.");
        "Vpc/main" "ec2:CreateVpc" "nobody answers in time"
            Fault::Timeout;
        "KmsKey/project" "kms:CreateKey" "AWS does it and the answer is lost"
            Fault::ResetAfter;
        "Bucket/data" "s3:CreateBucket" "a tag is not taken"
            error(400, "InvalidTag", "The TagValue you have provided is invalid");
        "Vpc/main" "ec2:CreateVpc" "the addresses are not taken"
            error(400, "InvalidVpcRange", "The CIDR '10.2.0.0/16' is invalid.");
        "VpcEndpoint/kms" "ec2:CreateVpcEndpoint" "an endpoint's settings are not taken"
            error(400, "InvalidParameter", "Value (x) for parameter y is invalid.");
        "IamRole/admin" "iam:CreateRole" "a principal that does not exist is to administer"
            error(400, "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/gone\"");
        "LifecycleConfig/notebook" "sagemaker:CreateNotebookInstanceLifecycleConfig" "a start script is not taken"
            error(400, "ValidationException", "1 validation error detected: Value at 'onStart' failed to satisfy constraint");
    }
}
