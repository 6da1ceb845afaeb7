//! AWS's request limits, per account and region, as far as they are published.

/// How well a limit is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// AWS publishes the number.
    Documented,
    /// Others measured a rate that passes, or quote AWS second-hand.
    Observed,
    /// Nobody knows; this is a careful guess.
    Guessed,
}

/// The token bucket of one API, or of several that share it.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The calls it is for, as in [`crate::Rule::on`]. The first limit that fits a call counts.
    pub pattern: &'static str,
    /// Only for EC2 lists with neither filter nor page size nor ids.
    pub unfiltered: bool,
    /// Whether the calls that fit share one bucket, in place of one each.
    pub shared: bool,
    /// Most tokens, and tokens at the start.
    pub capacity: f64,
    /// Tokens that come back each second.
    pub refill: f64,
    /// How well it is known.
    pub certainty: Certainty,
    /// The page it is from.
    pub source: &'static str,
}

const EC2: &str = "Amazon EC2 Developer Guide: Request throttling for the Amazon EC2 API";
const KMS: &str = "AWS KMS Developer Guide: Request quotas";

/// EC2's buckets, which have a size and a refill rate each.
const fn ec2(pattern: &'static str, capacity: f64, refill: f64) -> Limit {
    Limit {
        pattern,
        unfiltered: false,
        shared: false,
        capacity,
        refill,
        certainty: Certainty::Documented,
        source: EC2,
    }
}

/// A plain number of calls per second.
const fn per_second(pattern: &'static str, rate: f64, certainty: Certainty, source: &'static str) -> Limit {
    Limit {
        pattern,
        unfiltered: false,
        shared: false,
        capacity: rate,
        refill: rate,
        certainty,
        source,
    }
}

const fn kms(pattern: &'static str, rate: f64) -> Limit {
    per_second(pattern, rate, Certainty::Documented, KMS)
}

/// The limits of an ordinary account.
pub const AWS_DEFAULTS: &[Limit] = &[
    ec2(
        "ec2:CreateVpcEndpoint|ec2:ModifyVpcEndpoint|ec2:DeleteVpcEndpoints",
        4.0,
        0.3,
    ),
    ec2("ec2:CreateVpcEndpointServiceConfiguration", 10.0, 1.0),
    ec2("ec2:CreateTags|ec2:DeleteTags", 100.0, 10.0),
    Limit {
        unfiltered: true,
        ..ec2(
            "ec2:DescribeInstances|ec2:DescribeNetworkInterfaces|ec2:DescribeSecurityGroups",
            50.0,
            10.0,
        )
    },
    ec2("ec2:Describe*|ec2:Get*|ec2:List*|ec2:Search*", 100.0, 20.0),
    ec2("ec2:*", 50.0, 5.0),
    kms("kms:DescribeKey|kms:ListResourceTags", 2000.0),
    kms("kms:GetKeyPolicy|kms:GetKeyRotationStatus", 1000.0),
    kms("kms:ListAliases|kms:ListKeys", 500.0),
    kms("kms:CreateAlias|kms:CreateKey", 5.0),
    kms("kms:EnableKeyRotation|kms:PutKeyPolicy|kms:ScheduleKeyDeletion", 15.0),
    kms("kms:TagResource", 10.0),
    per_second(
        "iam:GetRole|iam:ListAttachedRolePolicies|iam:ListRolePolicies",
        15.0,
        Certainty::Observed,
        "turbot/steampipe-plugin-aws, aws/plugin.go",
    ),
    per_second(
        "iam:GetPolicy",
        35.0,
        Certainty::Observed,
        "turbot/steampipe-plugin-aws, aws/plugin.go",
    ),
    Limit {
        shared: true,
        ..per_second(
            "ssm:GetParameter|ssm:GetParameters|ssm:GetParametersByPath",
            40.0,
            Certainty::Observed,
            "AWS Systems Manager endpoints and quotas, as quoted elsewhere",
        )
    },
    per_second(
        "cloudtrail:LookupEvents",
        2.0,
        Certainty::Documented,
        "AWS CloudTrail API Reference: LookupEvents",
    ),
    per_second("sagemaker:*", 10.0, Certainty::Guessed, "none: AWS does not publish it"),
    per_second(
        "s3:*Bucket*|s3:*PublicAccessBlock",
        100.0,
        Certainty::Guessed,
        "none: AWS does not publish it",
    ),
];
