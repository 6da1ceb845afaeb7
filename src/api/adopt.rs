use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DeletionPolicy;
use super::project::tag_values;
use super::rules::{EachItem, Rule, Rules, with_values};

/// Resources that exist and shall be taken into the project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Adopt {
    /// Which resource shall be which of the project's, at most 64.
    #[schemars(length(max = 64), transform = EachItem(RESOURCE))]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["resource"]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<AdoptedResource>,
    /// The fingerprint of the adoption that you have seen in the status or in `secureml plan`. Nothing is adopted without
    /// it, nor when something else would be done by now.
    #[schemars(length(max = 17), transform = Rules(CONFIRM))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// What becomes of adopted resources that hold no data when the project is deleted.
    #[schemars(transform = with_values)]
    pub deletion_policy: DeletionPolicy,
}

/// A resource that exists and shall be taken into the project: `id` or `tags` say which one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdoptedResource {
    /// What it shall be in the project: kind and name, as `status.resources` calls it, such as `Vpc/main`.
    #[schemars(length(max = 128))]
    pub resource: String,
    /// Its id, or its name for kinds that are known by name: `vpc-0123456789abcdef0`.
    #[schemars(length(max = 255))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Tags that it has and no other of its kind, at most 10.
    #[schemars(extend("maxProperties" = 10), transform = tag_values)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The value of the tag by which something else manages it, such as the name of its CloudFormation stack: that has let
    /// go of it.
    #[schemars(length(max = 256))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

const RESOURCE: &[Rule] = &[
    Rule::new(
        "self.resource.matches('^(Bucket|FlowLog|IamPolicy|IamRole|KmsKey|LifecycleConfig|LogGroup|Notebook|Parameter\
         |ResourceGroup|RouteTable|SecurityGroup|Subnet|Vpc|VpcEndpoint)/[A-Za-z0-9._-]+$')",
        "must be a kind and a name, such as Vpc/main; kinds: Bucket, FlowLog, IamPolicy, IamRole, KmsKey, LifecycleConfig, \
         LogGroup, Notebook, Parameter, ResourceGroup, RouteTable, SecurityGroup, Subnet, Vpc, VpcEndpoint",
    )
    .at(".resource"),
    Rule::new(
        "has(self.id) != (has(self.tags) && size(self.tags) > 0)",
        "must have either id or tags, which say which resource is meant",
    )
    .at(".id"),
    Rule::new(
        "!has(self.id) || self.id.matches('^[A-Za-z0-9][A-Za-z0-9._/-]*$')",
        "must be an id such as vpc-0123456789abcdef0, or a name of letters, digits and . _ / -; not an ARN",
    )
    .at(".id"),
    // One that could not exist would fail the request that asks for all that are claimed.
    Rule::new(
        "!has(self.id) || !self.resource.matches('^(FlowLog|RouteTable|SecurityGroup|Subnet|Vpc|VpcEndpoint)/')
         || self.id.matches('^(fl|rtb|sg|subnet|vpc|vpce)-[0-9a-f]{8,17}$')",
        "must be an id as EC2 gives it, such as vpc-0123456789abcdef0",
    )
    .at(".id"),
    Rule::new(
        "!has(self.id) || !self.resource.startsWith('KmsKey/')
         || self.id.matches('^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$')",
        "must be the id of a key, such as 1234abcd-12ab-34cd-56ef-1234567890ab; neither its ARN nor an alias",
    )
    .at(".id"),
    Rule::new(
        "!has(self.id) || !self.resource.startsWith('Bucket/')
         || self.id.matches('^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$')",
        "must be the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
    )
    .at(".id"),
    Rule::new(
        "!has(self.tags) || self.tags.all(k, size(k) <= 128 && k.matches('^[A-Za-z0-9 _.:/=+@-]+$')
         && self.tags[k].matches('^[A-Za-z0-9 _.:/=+@-]*$'))",
        "must have keys and values of letters, digits, spaces and _ . : / = + - @",
    )
    .at(".tags"),
    Rule::new(
        "!has(self.tags) || size(self.tags) == 0
         || self.resource.matches('^(FlowLog|KmsKey|RouteTable|SecurityGroup|Subnet|Vpc|VpcEndpoint)/')",
        "must not be set for kinds that are known by name: set id to the name",
    )
    .at(".tags"),
    Rule::new(
        "!has(self.from) || self.from.matches('^[A-Za-z0-9 _.:/=+@-]+$')",
        "must be the value of a tag: letters, digits, spaces and _ . : / = + - @",
    )
    .at(".from"),
];

const CONFIRM: &[Rule] = &[Rule::new(
    "self.matches('^[0-9a-f]{8}-[0-9a-f]{8}$')",
    "must be the fingerprint of an adoption, as the status and secureml plan show it: 0123abcd-4567ef89",
)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    #[test]
    fn what_has_tags_can_be_claimed() {
        let [claim, ..] = RESOURCE else { panic!("no rule") };
        for kind in KINDS {
            let named = [claim.must, claim.says].map(|text| {
                let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
                words.any(|word| word == kind.name())
            });
            assert_eq!(named, [kind.taggable(); 2], "{}", kind.name());
        }
    }
}
