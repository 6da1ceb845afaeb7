use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::model::Tags;

/// EC2's form of tags.
pub type Ec2Tags = Vec<Tag>;

/// `tags` for the create call of a resource of type `resource`.
pub fn ec2_specification(resource: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(resource)
        .set_tags(Some(ec2(tags)))
        .build()
}

/// `tags` in EC2's form.
pub fn ec2(tags: &Tags) -> Ec2Tags {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Tags from EC2's form.
pub fn ec2_tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value()?))).collect()
}
