//! The tags of everything that carries an owner's tag, of all services at once, and of what is claimed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_resourcegroupstagging::types::{ResourceTagMapping, TagFilter};

use crate::aws::{Aws, pages};
use crate::engine::{ClaimOf, Failure, Reader};
use crate::model::{Claimed, OWNER_TAG, Tags};

/// What is asked for: the resources of services whose own lists carry no tags. Kind, type, and ARN without its
/// partition.
const TYPES: [(&str, &str, &str); 7] = [
    ("Bucket", "s3", "s3:::{id}"),
    ("KmsKey", "kms:key", "kms:{region}:{account}:key/{id}"),
    (
        "LifecycleConfig",
        "sagemaker",
        "sagemaker:{region}:{account}:notebook-instance-lifecycle-config/{id}",
    ),
    ("LogGroup", "logs:log-group", "logs:{region}:{account}:log-group:{id}"),
    (
        "Notebook",
        "sagemaker",
        "sagemaker:{region}:{account}:notebook-instance/{id}",
    ),
    ("Parameter", "ssm:parameter", "ssm:{region}:{account}:parameter/{id}"),
    (
        "ResourceGroup",
        "resource-groups:group",
        "resource-groups:{region}:{account}:group/{id}",
    ),
];

/// How many resources AWS tells the tags of at once.
const AT_ONCE: usize = 100;

/// Tags by ARN.
pub(crate) struct Tagged {
    owned: Arc<HashMap<String, Tags>>,
    claimed: BTreeMap<String, Tags>,
}

impl Tagged {
    /// The tags of the resource `arn`.
    pub(crate) fn get(&self, arn: &str) -> Option<&Tags> {
        self.owned.get(arn).or_else(|| self.claimed.get(arn))
    }

    /// Every ARN with its tags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Tags)> {
        let others = self.claimed.iter().filter(|(arn, _)| !self.owned.contains_key(*arn));
        self.owned.iter().chain(others)
    }
}

/// The tags of what has an owner, of all [`TYPES`], and of what is claimed of the reader's kind.
/// <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>
pub(crate) async fn tagged(reader: &Reader<'_>) -> Result<Tagged, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let mut types: Vec<String> = TYPES.iter().map(|(_, of, _)| (*of).to_owned()).collect();
        types.sort_unstable();
        types.dedup();
        let owned = TagFilter::builder().key(OWNER_TAG).build();
        Ok(bearing(aws, vec![owned], types).await?.into_iter().collect())
    };
    let owned: Arc<HashMap<String, Tags>> = reader.list("tag:GetResources", fetch).await?;
    let mut claimed = BTreeMap::new();
    let open: Vec<&ClaimOf> = reader
        .claimed()
        .iter()
        .filter(|claim| !is_done(claim, &owned))
        .collect();
    if !open.is_empty() {
        claimed.extend(by_id(aws, &open).await?);
        claimed.extend(by_tags(aws, &open).await?);
    }
    Ok(Tagged { owned, claimed })
}

/// Whether what is claimed has the tags of what it shall be.
fn is_done(claim: &ClaimOf, owned: &HashMap<String, Tags>) -> bool {
    let is = |tags: &Tags| tags.owner().as_ref() == Some(&claim.owner) && tags.node().as_ref() == Some(&claim.node);
    owned.values().any(is)
}

/// What is claimed by its id: AWS is asked for it by its ARN.
async fn by_id(aws: &Aws, claims: &[&ClaimOf]) -> Result<Vec<(String, Tags)>, Failure> {
    let identity = aws.account().await?;
    let arn = |claim: &&ClaimOf| {
        let Claimed::Id(id) = &claim.on else { return None };
        let (_, _, form) = TYPES.iter().find(|(kind, ..)| *kind == claim.node.kind)?;
        let rest = form
            .replace("{region}", aws.region())
            .replace("{account}", &identity.id);
        Some(format!("arn:{}:{}", identity.partition, rest.replace("{id}", id)))
    };
    let arns: Vec<String> = claims.iter().filter_map(arn).collect();
    let mut found = Vec::new();
    for arns in arns.chunks(AT_ONCE) {
        let request = aws.tagging.get_resources().set_resource_arn_list(Some(arns.to_vec()));
        let answer = aws.call("tag:GetResources", request.send()).await?;
        found.extend(answer.resource_tag_mapping_list().iter().map(from_mapping));
    }
    Ok(found)
}

/// What is claimed by its tags.
async fn by_tags(aws: &Aws, claims: &[&ClaimOf]) -> Result<Vec<(String, Tags)>, Failure> {
    let mut found = Vec::new();
    for claim in claims {
        let Claimed::Tags(tags) = &claim.on else { continue };
        let Some((_, of, _)) = TYPES.iter().find(|(kind, ..)| *kind == claim.node.kind) else {
            continue;
        };
        let filters = tags
            .iter()
            .map(|(key, value)| TagFilter::builder().key(key).values(value).build());
        found.extend(bearing(aws, filters.collect(), vec![(*of).to_owned()]).await?);
    }
    Ok(found)
}

/// What bears the tags that `filters` ask for, of the types `types`.
async fn bearing(aws: &Aws, filters: Vec<TagFilter>, types: Vec<String>) -> Result<Vec<(String, Tags)>, Failure> {
    let request = aws.tagging.get_resources().resources_per_page(100);
    let request = request
        .set_tag_filters(Some(filters))
        .set_resource_type_filters(Some(types));
    let found = pages!(
        aws,
        "tag:GetResources",
        request.clone(),
        set_pagination_token,
        pagination_token,
        resource_tag_mapping_list
    );
    Ok(found.iter().map(from_mapping).collect())
}

fn from_mapping(resource: &ResourceTagMapping) -> (String, Tags) {
    let tags = resource.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    (resource.resource_arn().unwrap_or_default().to_owned(), tags)
}
