use anyhow::Result;
use aws_sdk_ec2::types::{State, TrafficType, VpcEndpointType};
use futures::FutureExt;
use secureml::aws::Aws;

use super::{Control, Spoil, Verdict};
use crate::tamper::GONE;
use crate::tamper::network::filter;

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "EC2.2",
        asks: "default security groups let nothing through",
        read: |aws| default_groups(aws).boxed(),
        spoil: Spoil::Field("Vpc/main", "defaultGroup"),
    },
    Control {
        id: "EC2.6",
        asks: "VPCs have flow logs",
        read: |aws| flow_logs(aws).boxed(),
        spoil: Spoil::Field("FlowLog/vpc", GONE),
    },
    Control {
        id: "EC2.10",
        asks: "VPCs have an endpoint of EC2",
        read: |aws| ec2_endpoints(aws).boxed(),
        spoil: Spoil::Field("VpcEndpoint/ec2", GONE),
    },
    Control {
        id: "EC2.15",
        asks: "subnets give no public addresses",
        read: |aws| subnets(aws).boxed(),
        spoil: Spoil::Field("Subnet/a", "mapPublicIpOnLaunch"),
    },
];

/// The VPCs that somebody made.
async fn vpcs(aws: &Aws) -> Result<Vec<String>> {
    let all = aws.ec2.describe_vpcs().send().await?;
    let made = all.vpcs().iter().filter(|vpc| vpc.is_default() != Some(true));
    Ok(made.filter_map(|vpc| vpc.vpc_id.clone()).collect())
}

async fn default_groups(aws: &Aws) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for vpc in vpcs(aws).await? {
        let request = aws.ec2.describe_security_groups().filters(filter("vpc-id", &vpc));
        for group in request
            .filters(filter("group-name", "default"))
            .send()
            .await?
            .security_groups()
        {
            let silent = group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty();
            verdict.note(group.group_id().unwrap_or_default(), silent);
        }
    }
    Ok(verdict)
}

/// All traffic is recorded, or at least what is refused, as the control has it.
async fn flow_logs(aws: &Aws) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for vpc in vpcs(aws).await? {
        let found = aws
            .ec2
            .describe_flow_logs()
            .filter(filter("resource-id", &vpc))
            .send()
            .await?;
        let recording = found.flow_logs().iter().any(|log| {
            log.flow_log_status() == Some("ACTIVE")
                && matches!(log.traffic_type(), Some(TrafficType::All | TrafficType::Reject))
        });
        verdict.note(&vpc, recording);
    }
    Ok(verdict)
}

async fn ec2_endpoints(aws: &Aws) -> Result<Verdict> {
    let service = format!("com.amazonaws.{}.ec2", aws.region());
    let mut verdict = Verdict::default();
    for vpc in vpcs(aws).await? {
        let request = aws.ec2.describe_vpc_endpoints().filters(filter("vpc-id", &vpc));
        let found = request.filters(filter("service-name", &service)).send().await?;
        let available = found.vpc_endpoints().iter().any(|endpoint| {
            // The API's model has the word in capitals, its answers in small letters.
            let state = endpoint.state().map(State::as_str).unwrap_or_default();
            state.eq_ignore_ascii_case("available") && endpoint.vpc_endpoint_type() == Some(&VpcEndpointType::Interface)
        });
        verdict.note(&vpc, available);
    }
    Ok(verdict)
}

async fn subnets(aws: &Aws) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for vpc in vpcs(aws).await? {
        for subnet in aws
            .ec2
            .describe_subnets()
            .filters(filter("vpc-id", &vpc))
            .send()
            .await?
            .subnets()
        {
            let id = subnet.subnet_id().unwrap_or_default();
            verdict.note(id, subnet.map_public_ip_on_launch() == Some(false));
        }
    }
    Ok(verdict)
}
