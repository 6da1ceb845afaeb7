//! Parameter of AWS Systems Manager: a fact about the project that users and tools look up by name.
//!
//! Names are unique in account and region. The list tells everything but the value, with a version that grows with
//! every write; values are read ten at a time when it did. A parameter cannot change its type, nor go back from the
//! advanced tier. It holds nothing that is not known from elsewhere.
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html>

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;

/// The kind.
pub struct Parameter;

/// What a parameter is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The fact.
    pub value: String,
    /// `String`, `StringList` or `SecureString`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Standard`, or `Advanced`, which costs money.
    pub tier: String,
    /// What the fact is about.
    pub description: String,
}

impl Attributes {
    /// The plain text `value`.
    pub fn text(value: impl Into<String>, description: &str) -> Self {
        Self {
            value: value.into(),
            kind: "String".to_owned(),
            tier: "Standard".to_owned(),
            description: description.to_owned(),
        }
    }
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Writes the parameter: with tags a new one, without tags over the one that is there. AWS takes no tags then.
    #[serde(rename = "ssm:PutParameter")]
    Put {
        name: String,
        #[serde(flatten)]
        attributes: Attributes,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tags: Option<Tags>,
    },
    /// Restores tags.
    #[serde(rename = "ssm:AddTagsToResource")]
    Tag { name: String, tags: Tags },
    /// Removes parameters, up to ten at once.
    #[serde(rename = "ssm:DeleteParameters")]
    Delete { names: Vec<String> },
}

impl Kind for Parameter {
    const NAME: &'static str = "Parameter";
    const FIELDS: &'static [Field] = &[
        Field::in_place("value"),
        Field::replace("type"),
        Field::replace("tier"),
        Field::in_place("description"),
    ];
    const DELETES_AT_ONCE: usize = 10;
    const IDENTITY: Identity = Identity::Name;
    const MENTIONS: &'static [&'static str] = &["value"];
    const PERMISSIONS: &'static [&'static str] = &[
        "ssm:AddTagsToResource",
        "ssm:DeleteParameters",
        "ssm:DescribeParameters",
        "ssm:GetParameters",
        "ssm:PutParameter",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Put {
            name: new.name.clone(),
            attributes: new.attributes.clone(),
            tags: Some(new.tags.clone()),
        }]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, _: &Changed<'_>) -> Todo<Call> {
        Todo::now(vec![Call::Put {
            name: current.id.clone(),
            attributes: desired.clone(),
            tags: None,
        }])
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            name: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete {
            names: vec![current.id.clone()],
        }])
    }

    fn delete_together(deletes: Vec<Call>) -> Option<Call> {
        let names = deletes.into_iter().flat_map(|call| match call {
            Call::Delete { names } => names,
            _ => Vec::new(),
        });
        Some(Call::Delete { names: names.collect() })
    }
}

#[cfg(feature = "aws")]
mod live {
    use std::sync::Arc;

    use aws_sdk_ssm::types::{
        ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag,
    };

    use super::{Attributes, Call, Parameter};
    use crate::aws::{Aws, pages};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::shared::tagged::tagged;
    use crate::model::Tags;

    /// How many values SSM answers with in one call.
    const BATCH: usize = 10;

    impl Live for Parameter {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let (parameters, tagged) = futures::try_join!(parameters(reader), tagged(reader))?;
            let identity = reader.aws().account().await?;
            let region = reader.aws().region();
            let with_tags: Vec<(&ParameterMetadata, String, Tags)> = parameters
                .iter()
                .map(|parameter| {
                    let name = parameter.name().unwrap_or_default();
                    let arn = format!("arn:{}:ssm:{region}:{}:parameter/{name}", identity.partition, identity.id);
                    let tags = reader.recognised(name, tagged.get(&arn).cloned().unwrap_or_default());
                    (parameter, arn, tags)
                })
                .collect();
            let ours = with_tags.iter().filter(|(_, _, tags)| reader.is_ours(tags));
            let wanted = ours.map(|(parameter, ..)| {
                let name = parameter.name().unwrap_or_default().to_owned();
                (name, parameter.version().to_string())
            });
            let wanted: Vec<(String, String)> = wanted.collect();
            let values = reader.details(&wanted, "value", BATCH, |names| values(reader.aws(), names)).await?;
            let observed = with_tags.into_iter().filter_map(|(parameter, arn, tags)| {
                let name = parameter.name().unwrap_or_default();
                if !reader.is_ours(&tags) {
                    return Some(Observed::foreign(name, tags));
                }
                let attributes = attributes(parameter, values.get(name)?.as_str());
                Some(Observed::new(name, tags, attributes).output("arn", arn))
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            let ssm = &aws.ssm;
            match call {
                Call::Put { name, attributes, tags } => {
                    let request = ssm.put_parameter().name(&name).value(attributes.value);
                    let request = request.description(attributes.description).overwrite(tags.is_none());
                    let request = request.r#type(ParameterType::from(attributes.kind.as_str()));
                    let request = request.tier(ParameterTier::from(attributes.tier.as_str()));
                    let request = request.set_tags(tags.as_ref().map(to_tags));
                    aws.call("ssm:PutParameter", request.send()).await?;
                    let arn = aws.arn("ssm", &format!("parameter/{name}")).await?;
                    Ok(Sent::made(name).output("arn", arn))
                }
                Call::Tag { name, tags } => {
                    let request = ssm.add_tags_to_resource().resource_id(name).set_tags(Some(to_tags(&tags)));
                    let request = request.resource_type(ResourceTypeForTagging::Parameter);
                    aws.call("ssm:AddTagsToResource", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Delete { names } => {
                    // Names that are gone already are listed in the answer, and no error.
                    let request = ssm.delete_parameters().set_names(Some(names));
                    aws.call("ssm:DeleteParameters", request.send()).await?;
                    Ok(Sent::done())
                }
            }
        }
    }

    async fn parameters(reader: &Reader<'_>) -> Result<Arc<Vec<ParameterMetadata>>, Failure> {
        let aws = reader.aws();
        let fetch = async {
            let named = ParameterStringFilter::builder().key("Name").option("BeginsWith").values("ds-").build();
            let request = aws.ssm.describe_parameters().max_results(50);
            let request = request.set_parameter_filters(named.ok().map(|named| vec![named]));
            Ok(pages!(aws, "ssm:DescribeParameters", request.clone(), set_next_token, next_token, parameters))
        };
        reader.list("ssm:DescribeParameters", fetch).await
    }

    async fn values(aws: &Aws, names: Vec<String>) -> Result<Vec<(String, String)>, Failure> {
        let request = aws.ssm.get_parameters().set_names(Some(names));
        let found = aws.call("ssm:GetParameters", request.send()).await?.parameters.unwrap_or_default();
        let values = found.into_iter().filter_map(|parameter| Some((parameter.name?, parameter.value?)));
        Ok(values.collect())
    }

    fn attributes(parameter: &ParameterMetadata, value: &str) -> Attributes {
        Attributes {
            value: value.to_owned(),
            kind: parameter.r#type().map_or("String", ParameterType::as_str).to_owned(),
            tier: parameter.tier().map_or("Standard", ParameterTier::as_str).to_owned(),
            description: parameter.description().unwrap_or_default().to_owned(),
        }
    }

    fn to_tags(tags: &Tags) -> Vec<Tag> {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        tags.filter_map(Result::ok).collect()
    }
}
