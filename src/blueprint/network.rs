//! The private network: a VPC with no way out, its subnets, groups and rules, and the record of its traffic.

use std::collections::BTreeSet;

use super::{Builder, Project};
use crate::kinds::{
    FlowLog, Handle, IamRole, LogGroup, RouteTable, SecurityGroup, SecurityGroupRules, Subnet, Vpc, flow_log,
    route_table, security_group, security_group_rules, subnet, vpc,
};
use crate::kinds::{Peer, Rule, Rules};

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let vpc = draw_vpc(project, builder);
    draw_subnets(project, builder, &vpc);
    draw_groups(project, builder, &vpc);
    draw_flow_log(builder, project, &vpc);
}

/// The VPC.
pub(super) fn vpc() -> Handle<Vpc> {
    Handle::new("main")
}

/// The route table of all subnets.
pub(super) fn route_table() -> Handle<RouteTable> {
    Handle::new("private")
}

/// The subnet with this letter.
pub(super) fn subnet(letter: char) -> Handle<Subnet> {
    Handle::new(&letter.to_string())
}

/// The group of notebooks and jobs.
pub(super) fn sagemaker_group() -> Handle<SecurityGroup> {
    Handle::new("sagemaker")
}

/// The group of endpoints of AWS services.
pub(super) fn endpoints_group() -> Handle<SecurityGroup> {
    Handle::new("endpoints")
}

/// The group of the package mirror's endpoint.
pub(super) fn mirror_group() -> Handle<SecurityGroup> {
    Handle::new("mirror")
}

fn draw_vpc(project: &Project, builder: &mut Builder) -> Handle<Vpc> {
    let attributes = vpc::Attributes::closed(project.spec.network.vpc_cidr);
    let vpc = builder.add::<Vpc>("main", &project.named("vpc"), &attributes);
    builder.output("vpcId", vpc.id());
    vpc
}

/// Outputs `subnetAId`, `subnetBId` and so on: one for each subnet, as the parameters are.
fn draw_subnets(project: &Project, builder: &mut Builder, vpc: &Handle<Vpc>) {
    let attributes = route_table::Attributes {
        vpc: vpc.id(),
        routes: BTreeSet::new(),
        propagation: BTreeSet::new(),
        strangers: BTreeSet::new(),
        main: None,
        goes_with_vpc: false,
    };
    let table = builder.add::<RouteTable>("private", &project.named("route-table"), &attributes);
    for place in &project.subnets {
        let letter = place.letter;
        let attributes = subnet::Attributes {
            vpc: vpc.id(),
            cidr_block: place.cidr,
            availability_zone: place.zone.name.clone(),
            map_public_ip_on_launch: false,
            route_table: Some(table.id()),
            association: None,
        };
        let name = project.named(&format!("subnet-{letter}"));
        let subnet = builder.add::<Subnet>(&letter.to_string(), &name, &attributes);
        builder.output(&format!("subnet{}Id", letter.to_ascii_uppercase()), subnet.id());
    }
}

fn draw_groups(project: &Project, builder: &mut Builder, vpc: &Handle<Vpc>) {
    let mirror = project.spec.packages.mirror.is_some();
    let mut groups = vec![
        ("sagemaker", "Notebooks and jobs"),
        ("endpoints", "VPC endpoints of AWS services"),
    ];
    groups.extend(mirror.then_some(("mirror", "VPC endpoint of the package mirror")));
    for (key, description) in groups {
        let attributes = security_group::Attributes {
            vpc: vpc.id(),
            description: format!("{description} of {}", project.suffix()),
        };
        builder.add::<SecurityGroup>(key, &project.named(&format!("{key}-sg")), &attributes);
    }
    builder.output("sagemakerSecurityGroupId", sagemaker_group().id());

    let group = |handle: &Handle<SecurityGroup>| Peer::Group(handle.id().into());
    let itself = among_members(&group(&sagemaker_group()));
    let https = |peer: Peer, description: &str| Rule::tcp(443, 443, peer, description);
    let mut egress = itself.clone();
    egress.insert(https(
        group(&endpoints_group()),
        "AWS services, through the VPC's endpoints",
    ));
    let s3 = Peer::PrefixList(project.account.s3_prefix_list.clone());
    egress.insert(https(s3, "Amazon S3, through the VPC's gateway endpoint"));
    if mirror {
        egress.insert(https(group(&mirror_group()), "The package mirror"));
    }
    draw_rules(project, builder, &sagemaker_group(), itself, egress);
    let members = Rules::from([https(group(&sagemaker_group()), "Notebooks and jobs")]);
    draw_rules(project, builder, &endpoints_group(), members.clone(), Rules::new());
    if mirror {
        draw_rules(project, builder, &mirror_group(), members, Rules::new());
    }
}

/// What jobs on several instances need: the same in both directions.
/// <https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html>
fn among_members(group: &Peer) -> Rules {
    Rules::from([
        Rule::tcp(0, 65_535, group.clone(), "Instances of one job reach each other"),
        Rule::new(
            "udp",
            Some((500, 500)),
            group.clone(),
            "Keys of the encryption between instances",
        ),
        Rule::new("50", None, group.clone(), "Encrypted traffic between instances (ESP)"),
    ])
}

fn draw_rules(project: &Project, builder: &mut Builder, group: &Handle<SecurityGroup>, ingress: Rules, egress: Rules) {
    let key = &group.node().name;
    let attributes = security_group_rules::Attributes {
        group: group.id(),
        ingress,
        egress,
    };
    builder.add::<SecurityGroupRules>(key, &project.named(&format!("{key}-sg")), &attributes);
}

fn draw_flow_log(builder: &mut Builder, project: &Project, vpc: &Handle<Vpc>) {
    let attributes = flow_log::Attributes {
        vpc: vpc.id(),
        log_group: Handle::<LogGroup>::new("vpc-flow-logs").id().into(),
        role: Handle::<IamRole>::new("flow-logs").arn(),
        traffic_type: "ALL".to_owned(),
        format: flow_log::DEFAULT_FORMAT.to_owned(),
        aggregation_interval: 600,
    };
    // What it wrote stays in the log group: making it anew loses nothing but a moment.
    builder.add_with::<FlowLog>("vpc", &project.named("vpc-flow-log"), &attributes, |node| {
        node.consent.replace = true;
    });
}
