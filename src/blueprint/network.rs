//! The private network: a VPC with no way out.

use std::collections::BTreeSet;

use super::{Builder, Project};
use crate::kinds::{Vpc, vpc};

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let attributes = vpc::Attributes {
        cidr_block: project.spec.network.vpc_cidr,
        dns_support: true,
        dns_hostnames: true,
        gateways: BTreeSet::new(),
        default_group: vpc::DefaultGroup::default(),
        main_routes: BTreeSet::new(),
        main_table: None,
    };
    let vpc = builder.add::<Vpc>("main", &format!("ds-vpc-{}", project.suffix()), &attributes);
    builder.output("vpcId", vpc.id());
}
