use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::api::VolumeKey;
use crate::blueprint::{Blueprint, draw};
use crate::model::{EndpointService, NodeKey, Owner, Zone};
use crate::policy::{Document, Effect, Limit, Statement};

fn account() -> Account {
    let zone = |letter: char| Zone {
        id: format!("use1-az{letter}"),
        name: format!("us-east-1{letter}"),
    };
    Account {
        partition: "aws".to_owned(),
        id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        zones: ['a', 'b', 'c'].map(zone).to_vec(),
        s3_prefix_list: "pl-1".to_owned(),
        endpoint_services: BTreeMap::new(),
        caller: "arn:aws:iam::111122223333:role/secureml".to_owned(),
    }
}

/// An account whose region offers every service in all zones, save what `adjust` changes.
fn offering(adjust: impl Fn(&mut BTreeMap<String, EndpointService>)) -> Account {
    let mut account = account();
    let everywhere = EndpointService {
        zones: account.zones.iter().map(|zone| zone.name.clone()).collect(),
        takes_policy: true,
    };
    let names = SERVICES.iter().map(|service| service.name(&account.region));
    account.endpoint_services = names.map(|name| (name, everywhere.clone())).collect();
    adjust(&mut account.endpoint_services);
    account
}

fn project(spec: Value, account: Account) -> Result<Project, Vec<Invalid>> {
    let owner: Owner = "test/default/churn".parse().expect("an owner");
    let spec = serde_json::from_value(spec).expect("a spec");
    Project::new(owner, spec, account)
}

fn blueprint(spec: Value, account: Account) -> Blueprint {
    draw(&project(spec, account).expect("a sound spec"))
}

fn endpoints(blueprint: &Blueprint) -> BTreeMap<&str, Attributes> {
    let nodes = blueprint.nodes.values().filter(|node| node.key.kind == "VpcEndpoint");
    let typed = nodes.map(|node| {
        let attributes = serde_json::from_value(node.attributes.clone()).expect("an endpoint");
        (node.key.name.as_str(), attributes)
    });
    typed.collect()
}

const STANDARD: &[&str] = &[
    "codeartifact-api",
    "codeartifact-repositories",
    "codecommit",
    "ec2",
    "ecr-api",
    "ecr-dkr",
    "git-codecommit",
    "kms",
    "logs",
    "monitoring",
    "notebook",
    "s3",
    "sagemaker-api",
    "sagemaker-runtime",
    "ssm",
    "sts",
];

#[test]
fn sets() {
    let of = |spec: Value, account: Account| -> Vec<String> {
        endpoints(&blueprint(spec, account))
            .into_keys()
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(of(json!({"environmentType": "dev"}), account()), STANDARD);
    let minimal = json!({"environmentType": "dev", "endpoints": {"set": "Minimal", "additional": ["secretsmanager"]}});
    let expected = [
        "kms",
        "logs",
        "monitoring",
        "notebook",
        "s3",
        "sagemaker-api",
        "sagemaker-runtime",
        "secretsmanager",
        "ssm",
        "sts",
    ];
    assert_eq!(of(minimal, account()), expected);
    let without = offering(|services| {
        services.remove("com.amazonaws.us-east-1.codecommit");
    });
    let left: Vec<&str> = STANDARD.iter().copied().filter(|key| *key != "codecommit").collect();
    assert_eq!(of(json!({"environmentType": "dev"}), without), left);
}

#[test]
fn an_endpoint_stands_where_its_service_is_offered() {
    let partial = offering(|services| {
        if let Some(service) = services.get_mut("com.amazonaws.us-east-1.sts") {
            service.zones.remove("us-east-1b");
        }
    });
    let blueprint = blueprint(json!({"environmentType": "dev"}), partial);
    let subnets = &endpoints(&blueprint)["sts"].subnets;
    assert_eq!(
        *subnets,
        BTreeSet::from([network::subnet('a').id(), network::subnet('c').id()])
    );
}

#[test]
fn what_cannot_be_had_is_refused_by_field() {
    let nowhere = |name: &'static str| {
        move |services: &mut BTreeMap<String, EndpointService>| {
            if let Some(service) = services.get_mut(name) {
                service.zones.clear();
            }
        }
    };
    let dev = |additional: &[&str]| json!({"environmentType": "dev", "endpoints": {"additional": additional}});
    let cases = [
        (
            dev(&[]),
            offering(nowhere("com.amazonaws.us-east-1.kms")),
            "spec.endpoints.set",
        ),
        (dev(&["sns", "gopher"]), account(), "spec.endpoints.additional[1]"),
        (
            dev(&["sns"]),
            offering(nowhere("com.amazonaws.us-east-1.sns")),
            "spec.endpoints.additional[0]",
        ),
    ];
    for (spec, account, field) in cases {
        let problems = project(spec, account).expect_err("not to be had");
        let fields: Vec<&str> = problems.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, [field], "{problems:?}");
    }
}

#[test]
fn the_mirror_has_a_group_of_its_own_and_no_policy() {
    let service = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
    let spec = json!({"environmentType": "dev", "packages": {"mirror": {"endpointService": service}}});
    for account in [account(), offering(|_| ())] {
        let blueprint = blueprint(spec.clone(), account);
        let mirror = &endpoints(&blueprint)["mirror"];
        assert_eq!(mirror.service_name, service);
        assert_eq!(mirror.groups, BTreeSet::from([network::mirror_group().id()]));
        assert_eq!(mirror.subnets.len(), 3);
        assert!(mirror.policy.is_none() && !mirror.private_dns);
        assert!(blueprint.outputs.contains_key("packageMirrorDnsName"));
        assert!(
            blueprint
                .nodes
                .contains_key(&NodeKey::new("SecurityGroupRules", "mirror"))
        );
    }
}

fn is_bounded(statement: &Statement) -> bool {
    let has = |operator: &str, key: &str| {
        statement
            .conditions
            .get(operator)
            .is_some_and(|keys| keys.contains_key(key))
    };
    has("ArnEquals", "aws:PrincipalArn")
}

#[test]
fn every_policy_is_bounded_and_short_enough() {
    let notebook = |i: usize| {
        let notebook = json!({"name": format!("user-{i:02}"), "ownerEmail": "a@example.com"});
        serde_json::from_value(notebook).expect("a notebook")
    };
    let additional = SERVICES.iter().filter(|service| service.set == Set::Additional);
    let additional: Vec<&str> = additional.map(|service| service.short).collect();
    let spec = json!({
        "environmentType": "dev",
        "endpoints": {"additional": additional},
    });
    let mut project = project(spec, account()).expect("a sound spec");
    project.spec.encryption.notebook_volume_key = VolumeKey::PerNotebook;
    project.spec.notebooks = (0..50).map(notebook).collect();
    let blueprint = draw(&project);
    let endpoints = endpoints(&blueprint);
    assert_eq!(endpoints.len(), SERVICES.len() + 1);
    for (key, endpoint) in endpoints {
        let policy: Document = endpoint.policy.expect("a policy");
        assert_eq!(Limit::Endpoint.excess(&policy), 0, "{key}");
        for statement in &policy.statements {
            let exception = ["ImageLayers", "PackageAssets"].contains(&statement.sid.as_str());
            if exception {
                assert_eq!(statement.actions, BTreeSet::from(["s3:GetObject".to_owned()]), "{key}");
            } else {
                assert!(is_bounded(statement), "{key}: {}", statement.sid);
            }
        }
    }
}

#[test]
fn without_notebooks_nobody_opens_one() {
    let blueprint = blueprint(json!({"environmentType": "dev"}), account());
    let policy = endpoints(&blueprint)["notebook"].policy.clone().expect("a policy");
    assert!(
        policy
            .statements
            .iter()
            .all(|statement| statement.effect == Effect::Deny)
    );
}

/// The rules of the spec and the table of services are one.
#[test]
fn only_what_the_set_lacks_can_be_added() {
    for (set, chosen) in [("Minimal", Set::Minimal), ("Standard", Set::Standard)] {
        for service in SERVICES {
            let spec = json!({ "environmentType": "dev", "endpoints": { "set": set, "additional": [service.short] } });
            let refused = project(spec, offering(|_| {})).err();
            assert_eq!(
                refused.is_some(),
                service.set <= chosen,
                "{} beside {set}: {refused:?}",
                service.short
            );
        }
    }
}
