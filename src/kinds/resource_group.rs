//! Resource group: a list of everything with the project's tags, for consoles and tools.
//!
//! Names are unique in account and region. The tagging API finds our groups, so that the groups of others are never
//! listed; a name that is in use shows when AWS refuses it.
//! <https://docs.aws.amazon.com/ARG/latest/userguide/resource-groups.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;

/// The kind.
pub struct ResourceGroup;

/// Every type of resource that groups know.
pub const EVERYTHING: &str = "AWS::AllSupported";

/// What a resource group is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// What it is for.
    pub description: String,
    /// What is in it.
    pub query: Query,
}

/// What is in a resource group: what has one of the values of each of the tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// Of which types, by CloudFormation's names.
    pub types: BTreeSet<String>,
    /// With which tags.
    pub tags: BTreeMap<String, BTreeSet<String>>,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the group.
    #[serde(rename = "resource-groups:CreateGroup")]
    Create {
        group: String,
        description: String,
        query: Query,
        tags: Tags,
    },
    /// Sets what it is for.
    #[serde(rename = "resource-groups:UpdateGroup")]
    Describe { group: String, description: String },
    /// Sets what is in it.
    #[serde(rename = "resource-groups:UpdateGroupQuery")]
    Fill { group: String, query: Query },
    /// Restores tags.
    #[serde(rename = "resource-groups:Tag")]
    Tag { group: String, tags: Tags },
    /// Removes the group; what is in it stays.
    #[serde(rename = "resource-groups:DeleteGroup")]
    Delete { group: String },
}

impl Kind for ResourceGroup {
    const NAME: &'static str = "ResourceGroup";
    const FIELDS: &'static [Field] = &[Field::in_place("description"), Field::in_place("query")];
    const IDENTITY: Identity = Identity::Name;
    const PERMISSIONS: &'static [&'static str] = &[
        "resource-groups:CreateGroup",
        "resource-groups:DeleteGroup",
        "resource-groups:GetGroup",
        "resource-groups:GetGroupQuery",
        "resource-groups:Tag",
        "resource-groups:UpdateGroup",
        "resource-groups:UpdateGroupQuery",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            group: new.name.clone(),
            description: new.attributes.description.clone(),
            query: new.attributes.query.clone(),
            tags: new.tags.clone(),
        }]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let group = || current.id.clone();
        let fill = || Call::Fill {
            group: group(),
            query: desired.query.clone(),
        };
        let describe = || Call::Describe {
            group: group(),
            description: desired.description.clone(),
        };
        let mut calls: Vec<Call> = changed.has("query").then(fill).into_iter().collect();
        calls.extend(changed.has("description").then(describe));
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            group: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete {
            group: current.id.clone(),
        }])
    }
}

/// A query as AWS writes it.
#[cfg(feature = "aws")]
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Written {
    resource_type_filters: BTreeSet<String>,
    tag_filters: Vec<TagFilter>,
}

#[cfg(feature = "aws")]
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagFilter {
    key: String,
    #[serde(default)]
    values: BTreeSet<String>,
}

#[cfg(feature = "aws")]
impl Query {
    /// The text to send to AWS.
    fn to_text(&self) -> String {
        let filters = self.tags.iter().map(|(key, values)| TagFilter {
            key: key.clone(),
            values: values.clone(),
        });
        let written = Written {
            resource_type_filters: self.types.clone(),
            tag_filters: filters.collect(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// What cannot be read is nothing we know of: it differs from everything that is declared.
    fn from_text(text: &str) -> Self {
        let written: Written = serde_json::from_str(text).unwrap_or_default();
        let tags = written.tag_filters.into_iter().map(|filter| (filter.key, filter.values));
        Self {
            types: written.resource_type_filters,
            tags: tags.collect(),
        }
    }
}

#[cfg(feature = "aws")]
mod live {
    use std::collections::{BTreeMap, HashMap};

    use aws_sdk_resourcegroups::types::{QueryType, ResourceQuery};

    use super::{Attributes, Call, Query, ResourceGroup};
    use crate::aws::Aws;
    use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
    use crate::kinds::shared::tagged::tagged;
    use crate::model::Tags;

    impl Live for ResourceGroup {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let tagged = tagged(reader).await?;
            let named = tagged.iter().filter_map(|(arn, tags)| {
                let name = name(arn)?;
                Some((name.to_owned(), reader.recognised(name, tags.clone())))
            });
            let mut groups: BTreeMap<String, Tags> = named.filter(|(_, tags)| reader.is_ours(tags)).collect();
            // Only tags tell of a group: one that lost them, or is claimed, is looked for by its name.
            for name in reader.missed(|name| groups.contains_key(name)) {
                let tags = reader.recognised(&name, Tags::default());
                groups.insert(name, tags);
            }
            let identity = reader.aws().account().await?;
            let region = reader.aws().region();
            let groups = groups.iter().map(|(name, tags)| {
                let arn = format!("arn:{}:resource-groups:{region}:{}:group/{name}", identity.partition, identity.id);
                (name.clone(), tags.clone(), read(reader, name, arn, tags))
            });
            Ok(observe_each(groups).await)
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            let groups = &aws.resource_groups;
            match call {
                Call::Create {
                    group,
                    description,
                    query,
                    tags,
                } => {
                    let request = groups.create_group().name(&group).description(description);
                    let request = request.set_resource_query(written(&query)).set_tags(Some(to_tags(&tags)));
                    let made = aws.call("resource-groups:CreateGroup", request.send()).await?.group;
                    let arn = made.map(|group| group.group_arn).unwrap_or_default();
                    return Ok(Sent::made(group).output("arn", arn));
                }
                Call::Describe { group, description } => {
                    let request = groups.update_group().group(group).description(description);
                    aws.call("resource-groups:UpdateGroup", request.send()).await?;
                }
                Call::Fill { group, query } => {
                    let request = groups.update_group_query().group(group).set_resource_query(written(&query));
                    aws.call("resource-groups:UpdateGroupQuery", request.send()).await?;
                }
                Call::Tag { group, tags } => {
                    let arn = aws.arn("resource-groups", &format!("group/{group}")).await?;
                    let request = groups.tag().arn(arn).set_tags(Some(to_tags(&tags)));
                    aws.call("resource-groups:Tag", request.send()).await?;
                }
                Call::Delete { group } => {
                    aws.call("resource-groups:DeleteGroup", groups.delete_group().group(group).send()).await?;
                }
            }
            Ok(Sent::done())
        }
    }

    /// The name of the group with this ARN, if it is a group's.
    fn name(arn: &str) -> Option<&str> {
        let (service, name) = arn.split_once(":group/")?;
        service.contains(":resource-groups:").then(|| name.split('/').next().unwrap_or(name))
    }

    async fn read(reader: &Reader<'_>, name: &str, arn: String, tags: &Tags) -> Result<Observed<Attributes>, Failure> {
        let (description, query) = futures::try_join!(description(reader, name), query(reader, name))?;
        let attributes = Attributes { description, query };
        Ok(Observed::new(name, tags.clone(), attributes).output("arn", arn))
    }

    async fn description(reader: &Reader<'_>, name: &str) -> Result<String, Failure> {
        let aws = reader.aws();
        let fetch = async {
            let request = aws.resource_groups.get_group().group(name);
            let group = aws.call("resource-groups:GetGroup", request.send()).await?.group;
            Ok(group.and_then(|group| group.description).unwrap_or_default())
        };
        Ok((*reader.detail(name, "description", "", fetch).await?).clone())
    }

    async fn query(reader: &Reader<'_>, name: &str) -> Result<Query, Failure> {
        let aws = reader.aws();
        let fetch = async {
            let request = aws.resource_groups.get_group_query().group(name);
            let answer = aws.call("resource-groups:GetGroupQuery", request.send()).await?;
            let query = answer.group_query.and_then(|query| query.resource_query);
            let by_tags = query.filter(|query| query.r#type == QueryType::TagFilters10);
            Ok(by_tags.map(|query| Query::from_text(&query.query)).unwrap_or_default())
        };
        Ok((*reader.detail(name, "query", "", fetch).await?).clone())
    }

    fn written(query: &Query) -> Option<ResourceQuery> {
        let query = ResourceQuery::builder().r#type(QueryType::TagFilters10).query(query.to_text());
        query.build().ok()
    }

    fn to_tags(tags: &Tags) -> HashMap<String, String> {
        tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_the_same_in_any_order() {
        let text = |a: &str, b: &str| {
            format!(r#"{{"TagFilters":[{a},{b}],"ResourceTypeFilters":["AWS::AllSupported"]}}"#)
        };
        let (a, b) = (
            r#"{"Key":"ProjectName","Values":["p"]}"#,
            r#"{"Key":"EnvironmentType","Values":["dev","test"]}"#,
        );
        let query = Query::from_text(&text(a, b));
        assert_eq!(query, Query::from_text(&text(b, a)));
        assert_eq!(query, Query::from_text(&query.to_text()));
        assert_eq!(query.tags["EnvironmentType"].len(), 2);
        assert_eq!(Query::from_text("not JSON"), Query::default());
    }
}
