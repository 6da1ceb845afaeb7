//! Conditions of policies in words.

use crate::policy::Statement;

/// How a condition key is called; `{}` stands for what follows the name. Keys that are not here are shown as they are.
const KEYS: &[(&str, &str)] = &[
    ("aws:PrincipalArn", "the caller's role"),
    ("aws:PrincipalIsAWSService", "an AWS service calls for itself"),
    ("aws:RequestTag/", "the tag `{}` that is given"),
    ("aws:ResourceAccount", "the account of the resource"),
    ("aws:ResourceTag/", "the tag `{}` of the resource"),
    ("aws:SecureTransport", "the connection is encrypted"),
    ("aws:SourceAccount", "the account that the service works for"),
    ("aws:SourceArn", "the resource that the service works for"),
    ("aws:SourceVpc", "the VPC that the call comes from"),
    ("aws:SourceVpce", "the endpoint that the call comes through"),
    ("aws:TagKeys", "tags that the call names"),
    ("aws:ViaAWSService", "an AWS service calls on the caller's behalf"),
    ("aws:userid", "the caller's session"),
    ("cloudwatch:namespace", "the metric's namespace"),
    ("iam:PassedToService", "the service that is given the role"),
    (
        "kms:GrantIsForAWSResource",
        "an AWS service asks for the grant for itself",
    ),
    ("s3:TlsVersion", "the version of TLS"),
    ("s3:x-amz-server-side-encryption", "the encryption that is asked for"),
    (
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "the key that is asked for",
    ),
    (
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "a key that the caller brings",
    ),
    ("sagemaker:DirectInternetAccess", "internet access"),
    ("sagemaker:EnableRemoteDebug", "remote debugging"),
    ("sagemaker:InstanceTypes", "instance types"),
    (
        "sagemaker:InterContainerTrafficEncryption",
        "encryption between machines",
    ),
    ("sagemaker:MaxRuntimeInSeconds", "the longest time in seconds"),
    (
        "sagemaker:MinimumInstanceMetadataServiceVersion",
        "the oldest version of the metadata service",
    ),
    ("sagemaker:ModelApprovalStatus", "the approval"),
    ("sagemaker:NetworkIsolation", "network isolation"),
    ("sagemaker:NotebookInstanceLifecycleConfigArns", "start scripts"),
    ("sagemaker:OutputKmsKeyArn", "the output's key"),
    ("sagemaker:RootAccess", "root access"),
    ("sagemaker:TaggingAction", "something is being made"),
    ("sagemaker:VolumeKmsKeyArn", "the volume's key"),
    ("sagemaker:VpcSecurityGroupIds", "security groups"),
    ("sagemaker:VpcSubnets", "subnets"),
    ("sts:AWSServiceName", "the service that the token is for"),
    ("sts:RoleSessionName", "the name of the session"),
];

/// How operators are said, of one value: after the key, before the values.
const OPERATORS: &[(&str, &str, Absent)] = &[
    ("ArnEquals", "is", Absent::Fails),
    ("ArnLike", "is", Absent::Fails),
    ("ArnNotEquals", "is not", Absent::Holds),
    ("ArnNotLike", "is not", Absent::Holds),
    ("Bool", "is", Absent::Fails),
    ("NumericGreaterThan", "is above", Absent::Fails),
    ("NumericLessThan", "is below", Absent::Fails),
    ("NumericLessThanEquals", "is at most", Absent::Fails),
    ("StringEquals", "is", Absent::Fails),
    ("StringEqualsIgnoreCase", "is, in any case,", Absent::Fails),
    ("StringLike", "is", Absent::Fails),
    ("StringNotEquals", "is not", Absent::Holds),
    ("StringNotLike", "is not", Absent::Holds),
];

/// What an operator says of a request without the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Holds,
    Fails,
}

/// The conditions of `statement`, one sentence each.
pub fn conditions(statement: &Statement) -> Vec<String> {
    let every = statement.conditions.iter();
    let every = every.flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| (operator, key, values)));
    let demanded = |key: &str| {
        let null = statement.conditions.get("Null").and_then(|keys| keys.get(key));
        null.is_some_and(|values| values.contains("false"))
    };
    let compared = |key: &str| {
        let mut others = statement.conditions.iter().filter(|(operator, _)| *operator != "Null");
        others.any(|(_, keys)| keys.contains_key(key))
    };
    // A comparison says of itself that the key is there.
    let told = every.filter(|(operator, key, _)| *operator != "Null" || !compared(key));
    told.map(|(operator, key, values)| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        sentence(operator, key, &values, demanded(key))
    })
    .collect()
}

/// One condition; `demanded`: another says that the key is there.
fn sentence(operator: &str, key: &str, values: &[&str], demanded: bool) -> String {
    let key = called(key);
    if operator == "Null" {
        let said = if values == ["true"] { "not given" } else { "given" };
        return format!("{key}: {said}");
    }
    let (set, plain) = operator
        .split_once(':')
        .map_or((None, operator), |(set, plain)| (Some(set), plain));
    let (plain, if_exists) = plain
        .strip_suffix("IfExists")
        .map_or((plain, false), |plain| (plain, true));
    let Some((_, verb, absent)) = OPERATORS.iter().find(|(name, ..)| *name == plain) else {
        return format!("{key}: `{operator}` {}", list(values));
    };
    let holds = match set {
        Some("ForAnyValue") => false,
        Some("ForAllValues") => true,
        _ => if_exists || *absent == Absent::Holds,
    };
    let missing = if holds && !demanded { ", or not given" } else { "" };
    match set {
        _ if plain == "Bool" => format!("{key}: {}{missing}", values.join(" or ")),
        Some("ForAnyValue") => format!("{key}: one of them {verb} {}", list(values)),
        Some("ForAllValues") => format!("{key}: each of them {verb} {}{missing}", list(values)),
        _ => format!("{key} {verb} {}{missing}", list(values)),
    }
}

fn called(key: &str) -> String {
    let known = KEYS.iter().find_map(|(name, words)| {
        let rest = key.strip_prefix(name)?;
        (rest.is_empty() || name.ends_with('/')).then(|| words.replace("{}", rest))
    });
    known.unwrap_or_else(|| format!("`{key}`"))
}

/// `a`, `b` or `c`.
fn list(values: &[&str]) -> String {
    match values {
        [] => "nothing".to_owned(),
        [only] => code(only),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|value| code(value)).collect();
            format!("{} or {}", most.join(", "), code(last))
        }
    }
}

/// A text of a policy, as code.
pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::{conditions, sentence};
    use crate::policy::Statement;

    #[test]
    fn what_an_operator_says_of_an_absent_key_is_said() {
        let cases = [
            ("StringEquals", "the subnet is `x`"),
            ("StringNotEquals", "the subnet is not `x`, or not given"),
            ("StringEqualsIfExists", "the subnet is `x`, or not given"),
            ("ForAnyValue:StringNotEquals", "the subnet: one of them is not `x`"),
            (
                "ForAllValues:StringLike",
                "the subnet: each of them is `x`, or not given",
            ),
            ("Unheard", "the subnet: `Unheard` `x`"),
        ];
        for (operator, said) in cases {
            let said = said.replace("the subnet", "`custom:Subnet`");
            assert_eq!(sentence(operator, "custom:Subnet", &["x"], false), said);
        }
        let never = sentence("Null", "custom:Subnet", &["true"], false);
        assert_eq!(never, "`custom:Subnet`: not given");
        let known = sentence("Bool", "aws:ViaAWSService", &["true"], false);
        assert_eq!(known, "an AWS service calls on the caller's behalf: true");
    }

    #[test]
    fn what_is_demanded_is_said_once() {
        let subnets = crate::policy::sagemaker::VPC_SUBNETS;
        let statement = Statement::allow("Test")
            .given(subnets.present())
            .given(subnets.all_are(["x"]));
        assert_eq!(conditions(&statement), ["subnets: each of them is `x`"]);
    }
}
