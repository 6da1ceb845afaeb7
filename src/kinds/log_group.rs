//! CloudWatch Logs log group: where records of what happened are kept.
//!
//! Names are unique in account and region. One list tells everything but the tags. What it holds is evidence, so it
//! counts as data.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html>

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;

/// The kind.
pub struct LogGroup;

/// What a log group is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// After how many days records are deleted; one of AWS's numbers. None keeps them for ever.
    pub retention_days: Option<i32>,
    /// The ARN of the KMS key that encrypts them; none leaves it to a key of AWS's own.
    pub key: Option<String>,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the log group.
    #[serde(rename = "logs:CreateLogGroup")]
    Create {
        group: String,
        key: Option<String>,
        tags: Tags,
    },
    /// Deletes records after some days.
    #[serde(rename = "logs:PutRetentionPolicy")]
    Retain { group: String, days: i32 },
    /// Encrypts from now on with a key.
    #[serde(rename = "logs:AssociateKmsKey")]
    Encrypt { group: String, key: String },
    /// Restores tags.
    #[serde(rename = "logs:TagResource")]
    Tag { group: String, tags: Tags },
    /// Removes the log group and what it holds.
    #[serde(rename = "logs:DeleteLogGroup")]
    Delete { group: String },
}

impl Kind for LogGroup {
    const NAME: &'static str = "LogGroup";
    const FIELDS: &'static [Field] = &[Field::in_place("retentionDays"), Field::in_place("key").critical()];
    const IDENTITY: Identity = Identity::Name;
    const HOLDS_DATA: bool = true;
    const PERMISSIONS: &'static [&'static str] = &[
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DescribeLogGroups",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "tag:GetResources",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        let create = Call::Create {
            group: new.name.clone(),
            key: new.attributes.key.clone(),
            tags: new.tags.clone(),
        };
        let mut calls = vec![create];
        calls.extend(new.attributes.retention_days.map(|days| retain(&new.name, days)));
        calls
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let key = desired.key.clone().filter(|_| changed.has("key"));
        let days = desired.retention_days.filter(|_| changed.has("retentionDays"));
        let group = &current.id;
        let encrypt = key.map(|key| Call::Encrypt {
            group: group.clone(),
            key,
        });
        let mut calls: Vec<Call> = encrypt.into_iter().collect();
        calls.extend(days.map(|days| retain(group, days)));
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

fn retain(group: &str, days: i32) -> Call {
    Call::Retain {
        group: group.to_owned(),
        days,
    }
}

#[cfg(feature = "aws")]
mod live {
    use super::{Attributes, Call, LogGroup};
    use crate::aws::{Aws, pages};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::shared::tagged::tagged;

    impl Live for LogGroup {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let aws = reader.aws();
            let fetch = async {
                let request = aws.logs.describe_log_groups().log_group_name_prefix("ds-").limit(50);
                Ok(pages!(aws, "logs:DescribeLogGroups", request.clone(), set_next_token, next_token, log_groups))
            };
            let (groups, tagged) = futures::try_join!(reader.list("logs:DescribeLogGroups", fetch), tagged(reader))?;
            let observed = groups.iter().map(|group| {
                let name = group.log_group_name().unwrap_or_default();
                let arn = group.log_group_arn().or(group.arn()).unwrap_or_default().trim_end_matches(":*");
                let tags = reader.recognised(name, tagged.get(arn).cloned().unwrap_or_default());
                if !reader.is_ours(&tags) {
                    return Observed::foreign(name, tags);
                }
                let attributes = Attributes {
                    retention_days: group.retention_in_days(),
                    key: group.kms_key_id().map(str::to_owned),
                };
                Observed::new(name, tags, attributes).output("arn", arn)
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            let logs = &aws.logs;
            match call {
                Call::Create { group, key, tags } => {
                    let request = logs.create_log_group().log_group_name(&group).set_kms_key_id(key);
                    let request = tags.iter().fold(request, |request, (key, value)| request.tags(key, value));
                    aws.call("logs:CreateLogGroup", request.send()).await?;
                    let arn = arn(aws, &group).await?;
                    return Ok(Sent::made(group).output("arn", arn));
                }
                Call::Retain { group, days } => {
                    let request = logs.put_retention_policy().log_group_name(group).retention_in_days(days);
                    aws.call("logs:PutRetentionPolicy", request.send()).await?;
                }
                Call::Encrypt { group, key } => {
                    let request = logs.associate_kms_key().log_group_name(group).kms_key_id(key);
                    aws.call("logs:AssociateKmsKey", request.send()).await?;
                }
                Call::Tag { group, tags } => {
                    let request = logs.tag_resource().resource_arn(arn(aws, &group).await?);
                    let request = tags.iter().fold(request, |request, (key, value)| request.tags(key, value));
                    aws.call("logs:TagResource", request.send()).await?;
                }
                Call::Delete { group } => {
                    aws.call("logs:DeleteLogGroup", logs.delete_log_group().log_group_name(group).send()).await?;
                }
            }
            Ok(Sent::done())
        }
    }

    async fn arn(aws: &Aws, group: &str) -> Result<String, Failure> {
        aws.arn("logs", &format!("log-group:{group}")).await
    }
}
