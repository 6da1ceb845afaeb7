//! The tags by which other managers of resources mark what is theirs. What bears one is not adopted before its manager has
//! let go of it: two managers undo each other's work.

use crate::model::Tags;

/// A manager's mark on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who manages it.
    pub who: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    pub value: String,
}

/// Tags that a manager sets itself, by the start of their keys.
const SET: &[(&str, &str)] = &[
    ("aws:cloudformation:stack-name", "a CloudFormation stack"),
    ("aws:servicecatalog:provisionedProductArn", "AWS Service Catalog"),
    ("elasticbeanstalk:environment-name", "Elastic Beanstalk"),
    ("alpha.eksctl.io/cluster-name", "eksctl"),
    ("crossplane-name", "Crossplane"),
    ("kubernetes.io/cluster/", "a Kubernetes cluster"),
    ("services.k8s.aws/controller-version", "a controller of ACK"),
    ("sigs.k8s.io/cluster-api-provider-aws/cluster/", "Cluster API"),
];

/// Keys by which teams say what manages a resource, without regard to case and punctuation.
const SAID_BY: [&str; 5] = ["managedby", "managed", "provisionedby", "provisioner", "createdwith"];

/// The managers they name.
const SAID: [&str; 9] = [
    "ansible",
    "cdk",
    "cloudformation",
    "crossplane",
    "opentofu",
    "pulumi",
    "terraform",
    "terragrunt",
    "tofu",
];

/// Who manages what has `tags`, if they tell.
pub fn manager(tags: &Tags) -> Option<Mark> {
    let set = SET.iter().find_map(|(start, who)| {
        let (key, value) = tags.iter().find(|(key, _)| key.starts_with(start))?;
        Some(mark(who, key, value))
    });
    set.or_else(|| tags.iter().find_map(|(key, value)| said(key, value)))
}

/// `ManagedBy=terraform`, and `Terraform=true`.
fn said(key: &str, value: &str) -> Option<Mark> {
    let (plain, word) = (letters(key), value.to_lowercase());
    let by = SAID
        .iter()
        .find(|name| SAID_BY.contains(&plain.as_str()) && word.contains(*name));
    let of = SAID.iter().find(|name| plain == **name && word != "false");
    by.or(of).map(|who| mark(who, key, value))
}

fn letters(key: &str) -> String {
    key.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase()
}

fn mark(who: &str, key: &str, value: &str) -> Mark {
    Mark {
        who: who.to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_are_known_by_their_marks_and_people_are_none() {
        let table = [
            (
                "aws:cloudformation:stack-name",
                "ds-churn",
                Some("a CloudFormation stack"),
            ),
            ("managed-by", "Terraform Cloud", Some("terraform")),
            ("Terraform", "true", Some("terraform")),
            ("terraform", "false", None),
            ("kubernetes.io/cluster/prod", "owned", Some("a Kubernetes cluster")),
            ("ManagedBy", "the platform team", None),
            ("Name", "terraform-state", None),
        ];
        for (key, value, who) in table {
            let found = manager(&Tags::default().with("Team", "risk").with(key, value));
            assert_eq!(found.map(|mark| mark.who).as_deref(), who, "{key}={value}");
        }
    }
}
