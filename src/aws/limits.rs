//! AWS's request limits per account and region, as far as AWS publishes them. What is not here is not paced: AWS's own
//! throttling and the SDK's retries apply.
//!
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>,
//! <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>

/// The token bucket of one API, or of several that share it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The calls; a `*` at the end stands for any ending. The first limit that fits a call counts.
    pub calls: &'static [&'static str],
    /// Whether the calls share one bucket, in place of one each.
    pub shared: bool,
    /// Most tokens, and tokens at the start.
    pub capacity: f64,
    /// Tokens that come back each second.
    pub refill: f64,
}

const fn each(calls: &'static [&'static str], capacity: f64, refill: f64) -> Limit {
    Limit {
        calls,
        shared: false,
        capacity,
        refill,
    }
}

/// The limits of an ordinary account.
pub const LIMITS: &[Limit] = &[
    each(
        &[
            "ec2:CreateVpcEndpoint",
            "ec2:ModifyVpcEndpoint",
            "ec2:DeleteVpcEndpoints",
        ],
        4.0,
        0.3,
    ),
    each(&["ec2:CreateTags", "ec2:DeleteTags"], 100.0, 10.0),
    each(&["ec2:Describe*", "ec2:Get*"], 100.0, 20.0),
    each(&["ec2:*"], 50.0, 5.0),
    each(&["kms:DescribeKey", "kms:ListResourceTags"], 2000.0, 2000.0),
    each(&["kms:GetKeyPolicy", "kms:GetKeyRotationStatus"], 1000.0, 1000.0),
    each(&["kms:ListAliases", "kms:ListKeys"], 500.0, 500.0),
    each(&["kms:CreateKey", "kms:CreateAlias"], 5.0, 5.0),
    each(
        &["kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
        15.0,
        15.0,
    ),
    each(&["kms:TagResource"], 10.0, 10.0),
    // Quoted by others, not on a page of AWS's own.
    Limit {
        shared: true,
        ..each(
            &["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
            40.0,
            40.0,
        )
    },
];

/// The limit that `call` falls under, and the name of its bucket.
pub fn limit_of(call: &str) -> Option<(&'static Limit, String)> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => call.starts_with(start),
        None => pattern == call,
    };
    let limit = LIMITS
        .iter()
        .find(|limit| limit.calls.iter().any(|pattern| fits(pattern)))?;
    let bucket = if limit.shared {
        limit.calls.join(" ")
    } else {
        call.to_owned()
    };
    Some((limit, bucket))
}

#[cfg(test)]
mod tests {
    use super::limit_of;

    #[test]
    fn the_first_that_fits_counts() {
        let refill = |call: &str| limit_of(call).map(|(limit, _)| limit.refill);
        assert_eq!(refill("ec2:CreateVpcEndpoint"), Some(0.3));
        assert_eq!(refill("ec2:DescribeVpcs"), Some(20.0));
        assert_eq!(refill("ec2:CreateVpc"), Some(5.0));
        assert_eq!(refill("iam:CreateRole"), None);
    }

    #[test]
    fn a_shared_bucket_has_one_name() {
        let bucket = |call: &str| limit_of(call).map(|(_, bucket)| bucket);
        assert_eq!(bucket("ssm:GetParameter"), bucket("ssm:GetParameters"));
        assert_ne!(bucket("ec2:CreateVpc"), bucket("ec2:CreateSubnet"));
    }
}
