//! VPC flow log: the record of who spoke with whom in a network.
//!
//! AWS invents the id; `CreateFlowLogs` takes a client token. Nothing about a flow log ever changes, so every
//! difference makes a new one; it holds no data itself. The log group is known by name: AWS answers with that.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html>

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New, Vpc};
use crate::model::{Ref, Tags};
use crate::plan::Todo;

/// The kind.
pub struct FlowLog;

/// AWS's default format, which a flow log has unless another one is asked for.
pub const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} \
    ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// What a flow log is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The network whose traffic it records.
    pub vpc: Ref<Vpc>,
    /// The name of the log group it writes to; empty when it writes somewhere else.
    pub log_group: String,
    /// The ARN of the role it writes as.
    pub role: String,
    /// `ALL`, `ACCEPT` or `REJECT`.
    pub traffic_type: String,
    /// What a line consists of.
    pub format: String,
    /// Over how many seconds packets are put together: 60 or 600.
    pub aggregation_interval: i32,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the flow log.
    #[serde(rename = "ec2:CreateFlowLogs")]
    Create {
        #[serde(flatten)]
        attributes: Attributes,
        tags: Tags,
        token: String,
    },
    /// Restores tags.
    #[serde(rename = "ec2:CreateTags")]
    Tag { id: String, tags: Tags },
    /// Removes the flow log; what it wrote stays.
    #[serde(rename = "ec2:DeleteFlowLogs")]
    Delete { id: String },
}

impl Kind for FlowLog {
    const NAME: &'static str = "FlowLog";
    const FIELDS: &'static [Field] = &[
        Field::replace("vpc"),
        Field::replace("logGroup"),
        Field::replace("role"),
        Field::replace("trafficType"),
        Field::replace("format"),
        Field::replace("aggregationInterval"),
    ];
    const IDENTITY: Identity = Identity::Tags;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:CreateFlowLogs",
        "ec2:CreateTags",
        "ec2:DeleteFlowLogs",
        "ec2:DescribeFlowLogs",
        "iam:PassRole",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            attributes: new.attributes.clone(),
            tags: new.tags.clone(),
            token: new.token(),
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
    use aws_sdk_ec2::types::{self, FlowLogsResourceType, LogDestinationType, ResourceType, TrafficType};

    use super::{Attributes, Call, DEFAULT_FORMAT, FlowLog};
    use crate::aws::{Aws, ec2_specification};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::shared::ec2;
    use crate::model::{Ref, Tags};
    use crate::plan::Phase;

    /// What AWS says while a flow log's role does not let it write; it goes on trying.
    const NO_ACCESS: &str = "Access error";

    impl Live for FlowLog {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let logs = ec2::flow_logs(reader).await?;
            let tagged = logs.iter().map(|log| (log, ec2::tags(reader, log.flow_log_id(), log.tags())));
            let observed = tagged.filter(|(_, tags)| reader.is_ours(tags)).map(|(log, tags)| {
                let attributes = Attributes {
                    vpc: Ref::known(log.resource_id().unwrap_or_default()),
                    log_group: log_group(log),
                    role: log.deliver_logs_permission_arn().unwrap_or_default().to_owned(),
                    traffic_type: log.traffic_type().map_or("", |kind| kind.as_str()).to_owned(),
                    format: log.log_format().unwrap_or(DEFAULT_FORMAT).to_owned(),
                    aggregation_interval: log.max_aggregation_interval().unwrap_or(600),
                };
                let phase = match log.deliver_logs_error_message() {
                    Some(NO_ACCESS) => Phase::Broken("its role does not let it write to the log group".to_owned()),
                    _ => Phase::Ready,
                };
                let observed = Observed::new(log.flow_log_id().unwrap_or_default(), tags, attributes);
                observed.state(log.flow_log_status().unwrap_or_default(), phase)
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create {
                    attributes,
                    tags,
                    token,
                } => make(aws, attributes, &tags, token).await,
                Call::Tag { id, tags } => ec2::create_tags(aws, &id, &tags).await,
                Call::Delete { id } => {
                    let request = aws.ec2.delete_flow_logs().flow_log_ids(id);
                    let answer = aws.call("ec2:DeleteFlowLogs", request.send()).await?;
                    ec2::all_successful("ec2:DeleteFlowLogs", answer.unsuccessful())?;
                    Ok(Sent::done())
                }
            }
        }
    }

    fn log_group(log: &types::FlowLog) -> String {
        let to_logs = log.log_destination_type().is_none_or(|kind| *kind == LogDestinationType::CloudWatchLogs);
        let in_arn = || log.log_destination()?.split(":log-group:").nth(1);
        let name = log.log_group_name().or_else(in_arn).unwrap_or_default();
        if to_logs { name.trim_end_matches(":*").to_owned() } else { String::new() }
    }

    async fn make(aws: &Aws, attributes: Attributes, tags: &Tags, token: String) -> Result<Sent, Failure> {
        let request = aws.ec2.create_flow_logs().client_token(token);
        let request = request.resource_type(FlowLogsResourceType::Vpc).resource_ids(attributes.vpc);
        let request = request.log_destination_type(LogDestinationType::CloudWatchLogs);
        let request = request.log_group_name(attributes.log_group).deliver_logs_permission_arn(attributes.role);
        let request = request.traffic_type(TrafficType::from(attributes.traffic_type.as_str()));
        let request = request.log_format(attributes.format).max_aggregation_interval(attributes.aggregation_interval);
        let request = request.tag_specifications(ec2_specification(ResourceType::VpcFlowLog, tags));
        let answer = aws.call("ec2:CreateFlowLogs", request.send()).await?;
        ec2::all_successful("ec2:CreateFlowLogs", answer.unsuccessful())?;
        Ok(Sent::made(answer.flow_log_ids().first().cloned().unwrap_or_default()))
    }
}
