//! Amazon EC2 security group: who its members are. What they may do is another resource, its rules, so that groups
//! can name each other in their rules.
//!
//! AWS invents the id and offers no client token; the tags written by the call are the identity, and the group's name
//! is taken only once within a VPC. Name, description and VPC never change on a living group.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html>

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New, Vpc};
use crate::model::{Ref, Tags};
use crate::plan::Todo;

/// The kind.
pub struct SecurityGroup;

/// What a security group is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The network it is a part of.
    pub vpc: Ref<Vpc>,
    /// What it is for.
    pub description: String,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the group. AWS gives it a rule that lets everything out.
    #[serde(rename = "ec2:CreateSecurityGroup")]
    Create {
        vpc: String,
        name: String,
        description: String,
        tags: Tags,
    },
    /// Restores tags.
    #[serde(rename = "ec2:CreateTags")]
    Tag { id: String, tags: Tags },
    /// Removes the group.
    #[serde(rename = "ec2:DeleteSecurityGroup")]
    Delete { id: String },
}

impl Kind for SecurityGroup {
    const NAME: &'static str = "SecurityGroup";
    const FIELDS: &'static [Field] = &[Field::replace("vpc"), Field::replace("description").harmless()];
    const IDENTITY: Identity = Identity::Tags;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:CreateSecurityGroup",
        "ec2:CreateTags",
        "ec2:DeleteSecurityGroup",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            vpc: new.attributes.vpc.clone().into(),
            name: new.name.clone(),
            description: new.attributes.description.clone(),
            tags: new.tags.clone(),
        }]
    }

    fn update(_: &Current<Attributes>, _: &Attributes, _: &Changed<'_>) -> Todo<Call> {
        Todo::now(Vec::new())
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            id: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete { id: current.id.clone() }])
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_ec2::types::ResourceType;

    use super::{Attributes, Call, SecurityGroup};
    use crate::aws::{Aws, ec2_specification};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::shared::{ec2, holders};
    use crate::model::{Holder, Owner, Ref};

    impl Live for SecurityGroup {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let groups = ec2::security_groups(reader).await?;
            let tagged = groups.iter().map(|group| (group, ec2::tags(reader, group.group_id(), group.tags())));
            let observed = tagged.filter(|(_, tags)| reader.is_ours(tags)).map(|(group, tags)| {
                let attributes = Attributes {
                    vpc: Ref::known(group.vpc_id().unwrap_or_default()),
                    description: group.description().unwrap_or_default().to_owned(),
                };
                Observed::new(group.group_id().unwrap_or_default(), tags, attributes)
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create {
                    vpc,
                    name,
                    description,
                    tags,
                } => {
                    let request = aws.ec2.create_security_group().vpc_id(vpc).group_name(name);
                    let tags = ec2_specification(ResourceType::SecurityGroup, &tags);
                    let request = request.description(description).tag_specifications(tags);
                    let request = request.customize().config_override(ec2::never_twice());
                    let group = aws.call("ec2:CreateSecurityGroup", request.send()).await?;
                    Ok(Sent::made(group.group_id.unwrap_or_default()))
                }
                Call::Tag { id, tags } => ec2::create_tags(aws, &id, &tags).await,
                Call::Delete { id } => {
                    aws.call("ec2:DeleteSecurityGroup", aws.ec2.delete_security_group().group_id(id).send()).await?;
                    Ok(Sent::done())
                }
            }
        }

        async fn holders(reader: &Reader<'_>, _: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
            holders::of_group(reader, id).await
        }
    }
}
