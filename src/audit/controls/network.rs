//! The network: that no way leads out of it, and what passes its endpoints.

use super::super::probe::STRANGERS;
use super::super::report::{Control, Outcome, Severity};
use super::super::scene::{EVERYBODY, EVERYTHING, Scene};
use crate::blueprint::Node;
use crate::kinds::{
    FlowLog, IamRole, Kind, KmsKey, LogGroup, Peer, RouteTable, Rule, Rules, SecurityGroupRules, Subnet, Vpc,
    VpcEndpoint, route_table, security_group_rules, vpc,
};
use crate::model::{Account, Ref};
use crate::policy::evaluate::{self, Policies, Request, evaluate};
use crate::policy::{Document, Effect};

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "N3",
        title: "Nothing leads out of the network: no gateway, no peering, no route",
        severity: Severity::Critical,
        check: no_way_out,
    },
    Control {
        id: "N4",
        title: "Security groups let only the project's own groups and S3 through, and endpoints are in theirs",
        severity: Severity::High,
        check: groups,
    },
    Control {
        id: "EC2.2",
        title: "The default security group lets nothing through",
        severity: Severity::High,
        check: default_group,
    },
    Control {
        id: "EC2.6",
        title: "All traffic of the network is recorded, encrypted with the project's key",
        severity: Severity::Medium,
        check: flow_log,
    },
    Control {
        id: "EC2.10",
        title: "EC2 is reached through an endpoint",
        severity: Severity::Medium,
        check: ec2_endpoint,
    },
    Control {
        id: "EC2.15",
        title: "Nothing in the network gets a public address",
        severity: Severity::Medium,
        check: public_addresses,
    },
    Control {
        id: "E5",
        title: "Nobody but the project's roles passes the endpoints, and nothing bound for another account",
        severity: Severity::Critical,
        check: endpoints,
    },
];

fn no_way_out(scene: &Scene<'_>) -> Outcome {
    let network = scene.of_each::<Vpc>(|_, it: &vpc::Attributes| {
        let gateways = it.gateways.iter().map(ToString::to_string);
        let routes = it
            .main_routes
            .iter()
            .map(|route| format!("a route to {} by {}", route.destination, route.target));
        none(
            gateways.chain(routes),
            "no gateway, peering or foreign endpoint, and no route in the main table",
        )
    });
    let tables = scene.of_each::<RouteTable>(|_, it: &route_table::Attributes| {
        let routes = it
            .routes
            .iter()
            .map(|route| format!("a route to {} by {}", route.destination, route.target));
        let strangers = it
            .strangers
            .iter()
            .map(|stranger| format!("{} follows it", stranger.target));
        let propagation = it
            .propagation
            .iter()
            .map(|gateway| format!("routes propagated by {gateway}"));
        none(
            routes.chain(propagation).chain(strangers),
            "no route but local ones and those of gateway endpoints",
        )
    });
    let table = scene.output(RouteTable::NAME, "private", "id");
    let subnets = scene.of_each::<Subnet>(|_, it| match &it.route_table {
        Some(its) if its.as_str() == table => (true, format!("its routes are those of {its}")),
        Some(its) => (false, format!("its routes are those of {its}")),
        None => (false, "its routes are those of the main table".to_owned()),
    });
    network.and(tables).and(subnets)
}

/// Whether there are none of `found`, which should not be; `good` says so.
fn none(found: impl Iterator<Item = String>, good: &str) -> (bool, String) {
    let found: Vec<String> = found.collect();
    match found.is_empty() {
        true => (true, good.to_owned()),
        false => (false, found.join(", ")),
    }
}

fn groups(scene: &Scene<'_>) -> Outcome {
    let rules = scene.of_each::<SecurityGroupRules>(|node, it: &security_group_rules::Attributes| {
        let Some(declared) = scene.declared::<SecurityGroupRules>(node) else {
            return (false, super::UNREADABLE.to_owned());
        };
        let more = |direction: &str, declared: &Rules, it: &Rules| {
            let declared: Rules = declared.iter().map(Rule::undescribed).collect();
            let more = it.iter().filter(|rule| !declared.contains(&rule.undescribed()));
            more.map(|rule| format!("{direction} {}", describe(rule)))
                .collect::<Vec<String>>()
        };
        let ingress = more("from", &declared.ingress, &it.ingress);
        let egress = more("to", &declared.egress, &it.egress);
        let count = it.ingress.len() + it.egress.len();
        let good = format!("its {count} rules name the project's groups and S3's addresses only");
        none(ingress.into_iter().chain(egress), &good)
    });
    let endpoints = scene.of_each::<VpcEndpoint>(|node, it| {
        let declared = scene.declared::<VpcEndpoint>(node).map(|declared| declared.groups);
        let groups: Vec<&str> = it.groups.iter().map(Ref::as_str).collect();
        let said = if groups.is_empty() {
            "no group".to_owned()
        } else {
            groups.join(", ")
        };
        (declared.as_ref() == Some(&it.groups), format!("it is in {said}"))
    });
    rules.and(endpoints)
}

/// Whom a rule is about, and by which protocol and ports.
fn describe(rule: &Rule) -> String {
    let (Peer::Group(peer) | Peer::PrefixList(peer) | Peer::Cidr(peer)) = &rule.peer;
    match (rule.protocol.as_str(), rule.ports) {
        ("-1", _) => format!("{peer} by all protocols"),
        (protocol, Some((first, last))) if first == last => format!("{peer} by {protocol} {first}"),
        (protocol, Some((first, last))) => format!("{peer} by {protocol} {first} to {last}"),
        (protocol, None) => format!("{peer} by {protocol}"),
    }
}

fn default_group(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Vpc>(|_, it: &vpc::Attributes| {
        let rules = it.default_group.ingress.iter().chain(&it.default_group.egress);
        none(rules.map(describe), "its default group has no rules")
    })
}

fn flow_log(scene: &Scene<'_>) -> Outcome {
    let network = scene.output(Vpc::NAME, "main", "id");
    let log = scene.of_each::<FlowLog>(|_, it| {
        let all = it.traffic_type == "ALL" && it.vpc.as_str() == network && !it.log_group.is_empty();
        let said = format!("it records {} of {} in {}", it.traffic_type, it.vpc, it.log_group);
        (all, said)
    });
    let ours = scene.output(KmsKey::NAME, "project", "arn");
    let groups = scene.of_each::<LogGroup>(|_, it| {
        let key = it.key.as_deref().unwrap_or("a key of AWS's own");
        (key == ours, format!("it is encrypted with {key}"))
    });
    log.and(groups)
}

fn ec2_endpoint(scene: &Scene<'_>) -> Outcome {
    if !scene.nodes::<VpcEndpoint>().any(|node| node.key.name == "ec2") {
        return Outcome::NotApplicable(
            "the endpoint set has none of EC2; without it, nothing in the network reaches EC2",
        );
    }
    let ec2 = |node: &Node| node.key.name == "ec2";
    scene.of_those::<VpcEndpoint>(ec2, |_, it| {
        (it.private_dns, format!("{} is reached through it", it.service_name))
    })
}

fn public_addresses(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Subnet>(|_, it| {
        let public = it.map_public_ip_on_launch;
        (!public, format!("MapPublicIpOnLaunch is {public}"))
    })
}

fn endpoints(scene: &Scene<'_>) -> Outcome {
    let account = scene.project.account.id.as_str();
    let ours = scene.output(IamRole::NAME, "admin", "arn");
    let askers = [
        Asker::new(
            "another account's credentials",
            scene,
            STRANGERS,
            "role/somebody",
            STRANGERS,
        ),
        Asker::new(
            "a role that is not the project's",
            scene,
            account,
            "role/somebody",
            account,
        ),
        Asker {
            role: ours,
            ..Asker::new(
                "something of another account, by the project's administrators",
                scene,
                account,
                "",
                STRANGERS,
            )
        },
    ];
    // Services of others, and some of AWS's, take no policy: who is let in is theirs to say.
    let takes_one = |node: &Node| !node.attributes["policy"].is_null();
    scene.of_those::<VpcEndpoint>(takes_one, |_, it| {
        let Some(policy) = &it.policy else {
            return (false, "it has no policy: everything passes".to_owned());
        };
        if policy.statements.is_empty() {
            return (false, "its policy cannot be read".to_owned());
        }
        let allowing = policy
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow);
        let named = allowing
            .flat_map(|statement| &statement.actions)
            .map(|action| action.replace('*', "Audit"));
        let actions: Vec<String> = named.chain(["audit:Anything".to_owned()]).collect();
        let pairs = askers
            .iter()
            .flat_map(|asker| actions.iter().map(move |action| (asker, action)));
        let passing = pairs.filter(|(asker, action)| asker.passes(policy, action));
        let found: Vec<String> = passing
            .map(|(asker, action)| format!("{action} passes with {}", asker.said))
            .collect();
        let good = format!(
            "{} requests that are not the project's do not pass",
            askers.len() * actions.len()
        );
        none(found.into_iter(), &good)
    })
}

/// Somebody, with all rights and no boundary, who asks for something that lets everybody in: only the endpoint can refuse.
struct Asker {
    said: &'static str,
    account: String,
    role: String,
    /// Whose the thing is.
    of: String,
    thing: String,
}

impl Asker {
    fn new(said: &'static str, scene: &Scene<'_>, account: &str, role: &str, of: &str) -> Self {
        let Account { partition, region, .. } = &scene.project.account;
        Self {
            said,
            account: account.to_owned(),
            role: format!("arn:{partition}:iam::{account}:{role}"),
            of: of.to_owned(),
            thing: format!("arn:{partition}:audit:{region}:{of}:thing"),
        }
    }

    fn passes(&self, policy: &Document, action: &str) -> bool {
        let request = Request::new(&self.role, action, &self.thing, &self.of)
            .with("aws:PrincipalArn", [&self.role])
            .with("aws:PrincipalAccount", [&self.account])
            .with("aws:ResourceAccount", [&self.of])
            .with("aws:SecureTransport", ["true"]);
        let policies = Policies {
            identity: vec![&*EVERYTHING],
            boundary: None,
            resource: Some(&EVERYBODY),
            endpoint: Some(policy),
        };
        evaluate(&request, &policies).outcome != evaluate::Outcome::Denied
    }
}
