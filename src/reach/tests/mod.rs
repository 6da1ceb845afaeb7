//! One network for each kind of hop: what is found, word for word.

mod build;

pub(super) use self::build::closed;
use self::build::*;
use super::*;
use crate::kinds::{Peer, Rule, Rules};

/// What is found of the second subnet, beside that of the first.
const NEXT_DOOR: &str = "~ subnet-b to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1; \
    nothing in subnet-b has a public address";

const BOUNDED: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*",
    "Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}]}"#;

/// What is found, each path on a line: open or not, the hops by what tells them apart, and what closes it.
fn found(network: &Network) -> Vec<String> {
    let report = check(network, &owner());
    report.paths.iter().map(short).collect()
}

fn short(path: &Path) -> String {
    let hops: Vec<String> = path.hops.iter().map(hop).collect();
    let obstacles: Vec<String> = path.blocked_by.iter().map(|obstacle| format!("; {obstacle}")).collect();
    let sign = if path.is_open() { "!" } else { "~" };
    let ends = [&path.subnet, &path.destination.to_string()]
        .map(String::clone)
        .join(" to ");
    format!("{sign} {ends}: {}{}", hops.join(" > "), obstacles.concat())
}

fn hop(hop: &Hop) -> String {
    match hop {
        Hop::SecurityGroup { id, direction, .. } => format!("{id} {direction:?}"),
        Hop::NetworkAcl { id, direction, number } => format!("{id} {direction:?} {number}"),
        Hop::Route {
            table,
            destination,
            target,
        } => format!("{table} {destination} {target}"),
        Hop::TransitGateway { id, attachment } => format!("{id} {attachment}"),
        Hop::Gateway { id }
        | Hop::NatGateway { id }
        | Hop::Peering { id }
        | Hop::Interface { id, .. }
        | Hop::Endpoint { id, .. }
        | Hop::EndpointService { id, .. } => id.clone(),
    }
}

/// What is changed in the closed network.
type Change<'c> = &'c dyn Fn(&mut Network);

/// What is changed, and what is found then.
type Case = (fn(&mut Network), &'static [&'static str]);

#[test]
fn each_way_out_is_named_with_its_hops() {
    let cases: &[Case] = &[
        (|_| {}, &[]),
        (
            internet,
            &["! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 igw-1 > igw-1"],
        ),
        // A gateway alone, and a route to what is not there, are no way.
        (|network| add_gateway(network, "igw-1", GatewayKind::Internet), &[]),
        (|network| add_route(network, to("0.0.0.0/0"), "igw-9"), &[]),
        (
            |network| nat(network, true),
            &[
                "! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 nat-1 > acl-1 Ingress 100 > \
             nat-1 > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1",
                NEXT_DOOR,
            ],
        ),
        (
            |network| nat(network, false),
            &[
                "~ subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 nat-1 > acl-1 Ingress 100 > \
             nat-1 > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1; nothing in subnet-b has a public address",
                NEXT_DOOR,
            ],
        ),
        (
            |network| appliance(network, true),
            &[
                "! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 i-1 > acl-1 Ingress 100 > \
             sg-1 Ingress > eni-1 > sg-1 Egress > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1",
                "! subnet-b to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1",
            ],
        ),
        (
            |network| appliance(network, false),
            &[
                "! subnet-b to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1",
                "~ subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 i-1 > acl-1 Ingress 100 > \
             sg-1 Ingress > eni-1 > sg-1 Egress > acl-1 Egress 100 > rtb-2 0.0.0.0/0 igw-1 > igw-1; eni-1 drops what \
             is not addressed to it",
            ],
        ),
        (
            |network| peering(network, "10.9.0.0/16"),
            &[
                "! subnet-a to vpc-2, the VPC of test/default/other: sg-1 Egress > acl-1 Egress 100 > \
             rtb-1 10.8.0.0/15 pcx-1 > pcx-1",
            ],
        ),
        // What the other side has is not where the route leads.
        (|network| peering(network, "10.4.0.0/16"), &[]),
        (
            |network| transit(network, &[]),
            &[
                "! subnet-a to whatever others attach: sg-1 Egress > acl-1 Egress 100 > rtb-1 10.0.0.0/8 tgw-1 > tgw-1 att-1",
            ],
        ),
        (
            |network| transit(network, &[("att-2", "vpc", "vpc-3"), ("att-3", "vpn", "vpn-1")]),
            &[
                "! subnet-a to vpc-3, a VPC of account 444455556666: sg-1 Egress > acl-1 Egress 100 > \
             rtb-1 10.0.0.0/8 tgw-1 > tgw-1 att-1",
                "! subnet-a to networks outside AWS: sg-1 Egress > acl-1 Egress 100 > rtb-1 10.0.0.0/8 tgw-1 > tgw-1 att-1",
            ],
        ),
        (
            |network| gateway(network, "vgw-1", GatewayKind::VirtualPrivate),
            &["! subnet-a to networks outside AWS: sg-1 Egress > acl-1 Egress 100 > rtb-1 172.20.0.0/16 vgw-1 > vgw-1"],
        ),
        (
            |network| add_route(network, to("172.20.0.0/16"), "lgw-1"),
            &["! subnet-a to networks outside AWS: sg-1 Egress > acl-1 Egress 100 > rtb-1 172.20.0.0/16 lgw-1 > lgw-1"],
        ),
        (
            |network| add_route(network, to("172.20.0.0/16"), "arn:aws:networkmanager::1:core-network/c"),
            &[
                "! subnet-a to whatever others attach: sg-1 Egress > acl-1 Egress 100 > rtb-1 172.20.0.0/16 \
             arn:aws:networkmanager::1:core-network/c > arn:aws:networkmanager::1:core-network/c",
            ],
        ),
        (
            |network| carrier(network),
            &["! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 cagw-1 > cagw-1"],
        ),
        (
            |network| exposure(network, &[]),
            &["! subnet-a to other networks of this account: eni-3 > vpce-svc-1"],
        ),
        (
            |network| exposure(network, &["arn:aws:iam::444455556666:root"]),
            &["! subnet-a to networks of arn:aws:iam::444455556666:root: eni-3 > vpce-svc-1"],
        ),
    ];
    for (change, expected) in cases {
        let mut network = closed();
        change(&mut network);
        assert_eq!(found(&network), *expected);
    }
}

#[test]
fn endpoints_are_ways_out_unless_they_are_ours_and_bounded() {
    const S3: &str = "com.amazonaws.us-east-1.s3";
    const STS: &str = "com.amazonaws.us-east-1.sts";
    const THEIRS: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-9";
    let ours = |network: &mut Network, service, policy| {
        endpoint(network, service, EndpointKind::Interface, Some(owner()), policy);
    };
    let cases: &[(Change<'_>, &[&str])] = &[
        (&|network| ours(network, STS, Some(BOUNDED)), &[]),
        (
            &|network| ours(network, STS, None),
            &[
                "! subnet-a to com.amazonaws.us-east-1.sts in the name of any account: sg-1 Egress > sg-2 Ingress > vpce-1",
            ],
        ),
        (
            &|network| endpoint(network, STS, EndpointKind::Interface, None, Some(BOUNDED)),
            &[
                "! subnet-a to com.amazonaws.us-east-1.sts in the name of any account: sg-1 Egress > sg-2 Ingress > vpce-1",
            ],
        ),
        (&|network| ours(network, THEIRS, None), &[]),
        (
            &|network| endpoint(network, THEIRS, EndpointKind::Interface, None, None),
            &[
                "! subnet-a to the endpoint service com.amazonaws.vpce.us-east-1.vpce-svc-9: \
             sg-1 Egress > sg-2 Ingress > vpce-1",
            ],
        ),
        (&|network| s3(network, S3, Some(BOUNDED)), &[]),
        (
            &|network| s3(network, S3, None),
            &[
                "! subnet-a to com.amazonaws.us-east-1.s3 in the name of any account: sg-1 Egress > acl-1 Egress 100 > \
             rtb-1 pl-1 vpce-1 > vpce-1",
            ],
        ),
        (
            &|network| balancer(network, THEIRS),
            &[
                "! subnet-a to the endpoint service com.amazonaws.vpce.us-east-1.vpce-svc-9: \
             sg-1 Egress > acl-1 Egress 100 > rtb-1 0.0.0.0/0 vpce-1 > vpce-1",
            ],
        ),
    ];
    for (change, expected) in cases {
        let mut network = closed();
        change(&mut network);
        assert_eq!(found(&network), *expected);
    }
}

#[test]
fn what_still_closes_a_path_is_named() {
    const WAY: &str = "rtb-1 0.0.0.0/0 igw-1 > igw-1";
    let https = |peer: &str| Rule::tcp(443, 443, Peer::Cidr(peer.to_owned()), "");
    let cases: &[(Change<'_>, String)] = &[
        (
            &|network| group(network).egress.clear(),
            format!("~ subnet-a to the internet: acl-1 Egress 100 > {WAY}; no rule of sg-1 lets it out"),
        ),
        // Private addresses are not in the internet, and a rule for a block is enough when it is not.
        (
            &|network| group(network).egress = Rules::from([https("10.0.0.0/8")]),
            format!("~ subnet-a to the internet: acl-1 Egress 100 > {WAY}; no rule of sg-1 lets it out"),
        ),
        (
            &|network| group(network).egress = Rules::from([https("203.0.112.0/23")]),
            format!("! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > {WAY}"),
        ),
        (
            &|network| acl(network).egress.clear(),
            format!("~ subnet-a to the internet: sg-1 Egress > {WAY}; network ACL acl-1 does not let it out"),
        ),
        // The first entry that fits decides.
        (
            &|network| acl(network).egress.insert(0, acl_entry(50, false, "0.0.0.0/1")),
            format!("! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > {WAY}"),
        ),
        // A port behind those that are refused is enough.
        (
            &|network| {
                group(network).egress = Rules::from([Rule::tcp(0, 444, Peer::Cidr("8.0.0.0/8".to_owned()), "")]);
                let refused = AclEntry {
                    protocol: "tcp".to_owned(),
                    ports: Some((0, 443)),
                    ..acl_entry(50, false, "0.0.0.0/0")
                };
                acl(network).egress.insert(0, refused);
            },
            format!("! subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > {WAY}"),
        ),
        // The group lets out only what the ACL refuses.
        (
            &|network| {
                group(network).egress = Rules::from([https("8.0.0.0/8")]);
                acl(network).egress.insert(0, acl_entry(50, false, "8.0.0.0/7"));
            },
            format!("~ subnet-a to the internet: acl-1 Egress 100 > {WAY}; no rule of sg-1 lets it out"),
        ),
        (
            &|network| network.subnets.get_mut("subnet-a").expect("it").maps_public_addresses = false,
            format!(
                "~ subnet-a to the internet: sg-1 Egress > acl-1 Egress 100 > {WAY}; nothing in subnet-a has a public address"
            ),
        ),
    ];
    for (change, expected) in cases {
        let mut network = closed();
        internet(&mut network);
        change(&mut network);
        assert_eq!(found(&network), [expected.as_str()]);
    }
}

#[test]
fn a_closer_route_takes_what_it_is_for() {
    let mut network = closed();
    internet(&mut network);
    // Half of the addresses go to the other side, and the other half too: nothing is left for the gateway.
    peering(&mut network, "10.9.0.0/16");
    add_route(&mut network, to("0.0.0.0/1"), "pcx-1");
    add_route(&mut network, to("128.0.0.0/1"), "pcx-1");
    assert!(!found(&network).iter().any(|path| path.contains("the internet")));
}

#[test]
fn version_6_has_ways_of_its_own() {
    let way = |target: &str| format!("acl-1 Egress 101 > rtb-1 ::/0 {target} > {target}");
    for (id, kind) in [
        ("igw-1", GatewayKind::Internet),
        ("eigw-1", GatewayKind::EgressOnlyInternet),
    ] {
        let mut network = closed();
        add_gateway(&mut network, id, kind);
        add_route(&mut network, to("::/0"), id);
        let everything = Rule::new("-1", None, Peer::Cidr("::/0".to_owned()), "");
        group(&mut network).egress.insert(everything);
        let closed = format!(
            "~ subnet-a to the internet: sg-1 Egress > {}; subnet-a has no IPv6 addresses",
            way(id)
        );
        assert_eq!(found(&network), [closed]);
        let subnet = network.subnets.get_mut("subnet-a").expect("the subnet");
        subnet.ipv6.push("2600:1f00::/64".parse().expect("a block"));
        assert_eq!(
            found(&network),
            [format!("! subnet-a to the internet: sg-1 Egress > {}", way(id))]
        );
    }
}

#[test]
fn what_a_nat_gateway_translates_reaches_the_internet() {
    let mut network = closed();
    nat(&mut network, true);
    add_route(&mut network, to("64:ff9b::/96"), "nat-1");
    let subnet = network.subnets.get_mut("subnet-a").expect("the subnet");
    subnet.ipv6.push("2600:1f00::/64".parse().expect("a block"));
    let everything = Rule::new("-1", None, Peer::Cidr("::/0".to_owned()), "");
    group(&mut network).egress = Rules::from([everything]);
    let paths = found(&network);
    assert!(
        paths
            .iter()
            .any(|path| path.starts_with("! subnet-a") && path.contains("64:ff9b::/96 nat-1")),
        "{paths:?}"
    );
}

#[test]
fn only_who_has_a_public_address_counts_where_none_is_given() {
    let mut network = closed();
    internet(&mut network);
    network
        .subnets
        .get_mut("subnet-a")
        .expect("the subnet")
        .maps_public_addresses = false;
    let silent = SecurityGroup {
        vpc: "vpc-1".to_owned(),
        ..SecurityGroup::default()
    };
    network.security_groups.insert("sg-0".to_owned(), silent);
    let standing = |groups: &[&str]| Interface {
        subnet: "subnet-a".to_owned(),
        groups: ids(groups),
        public: true,
        ..Interface::default()
    };
    interface(&mut network, "eni-1", standing(&["sg-0"]));
    let closed =
        "~ subnet-a to the internet: acl-1 Egress 100 > rtb-1 0.0.0.0/0 igw-1 > igw-1; no rule of sg-0 lets it out";
    assert_eq!(found(&network), [closed]);
    interface(&mut network, "eni-1", standing(&["sg-0", "sg-1"]));
    assert!(found(&network)[0].starts_with("! subnet-a"));
}

#[test]
fn another_projects_subnets_are_not_looked_at() {
    let mut network = closed();
    internet(&mut network);
    let other = Owner::new("test", "default", "other");
    let report = check(&network, &other);
    assert_eq!((report.subnets, report.vpcs.len(), report.paths.len()), (0, 0, 0));
}

#[test]
fn the_report_as_text() {
    let mut network = closed();
    internet(&mut network);
    exposure(&mut network, &["*"]);
    acl(&mut network).egress.clear();
    let expected = "\
! subnet-a reaches networks of *
    → network interface eni-3 in subnet-a
    → endpoint service vpce-svc-1 (com.amazonaws.vpce.us-east-1.vpce-svc-1)
~ subnet-a would reach the internet
    → security group sg-1: lets out everything to 0.0.0.0/0
    → route table rtb-1: 0.0.0.0/0 → igw-1
    → gateway igw-1
    blocked: network ACL acl-1 does not let it out
    for example tcp 443 to 1.0.0.0
Ways out of test/default/churn (vpc-1, subnets: 1): 1 open, 1 closed, 1 of those by one rule only.
";
    assert_eq!(render(&check(&network, &owner())), expected);
}
