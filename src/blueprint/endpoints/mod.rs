//! VPC endpoints: the only ways out of the network, and what may pass them.

mod policies;
mod services;

use std::collections::BTreeSet;

use self::services::{SERVICES, Service, Set};
use super::{Builder, Invalid, Project, SubnetPlace, network};
use crate::api::SecureMLProjectSpec;
use crate::kinds::vpc_endpoint::{Attributes, EndpointType};
use crate::kinds::{Handle, Subnet, VpcEndpoint};
use crate::model::{Account, Ref};

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    let s3 = draw_s3(project, builder);
    builder.output("s3EndpointId", s3.id());
    for service in wanted(&project.spec) {
        draw_service(project, builder, service);
    }
    if let Some(mirror) = &project.spec.packages.mirror {
        let attributes = Attributes {
            groups: BTreeSet::from([network::mirror_group().id()]),
            // The service is not AWS's: it takes no policy, and its public name is not known.
            policy: None,
            private_dns: false,
            // The account's list names services of AWS and of those who invited it.
            subnets: everywhere_unless_known(&mirror.endpoint_service, project),
            ..interface(mirror.endpoint_service.clone(), project)
        };
        let endpoint = add(project, builder, "mirror", &attributes);
        builder.output("packageMirrorDnsName", endpoint.output("dnsName"));
    }
}

/// What the spec asks for and the region does not offer where the subnets are, and services that nobody knows.
pub(super) fn check(spec: &SecureMLProjectSpec, account: &Account, places: &[SubnetPlace]) -> Vec<Invalid> {
    let region = &account.region;
    let missing = |service: &Service| zones(&service.name(region), account, places).next().is_none();
    let always = SERVICES
        .iter()
        .filter(|service| service.set == Set::Minimal && missing(service));
    let always = always.map(|service| Invalid {
        field: "spec.endpoints.set".to_owned(),
        problem: format!(
            "every project needs {}, which {region} does not offer in the zones of its subnets: use another region",
            service.name(region)
        ),
    });
    let named = spec.endpoints.additional.iter().enumerate().filter_map(|(i, name)| {
        let problem = match SERVICES.iter().find(|service| service.short == name) {
            None => {
                let names: Vec<&str> = SERVICES.iter().map(|service| service.short).collect();
                format!("{name:?} is not known; use one of {}", names.join(", "))
            }
            Some(service) if missing(service) => format!(
                "{region} does not offer {} in the zones of the subnets; remove it",
                service.name(region)
            ),
            Some(_) => return None,
        };
        let field = format!("spec.endpoints.additional[{i}]");
        Some(Invalid { field, problem })
    });
    always.chain(named).collect()
}

/// The services that the spec asks for.
fn wanted(spec: &SecureMLProjectSpec) -> impl Iterator<Item = &'static Service> {
    let set = Set::from(spec.endpoints.set);
    let named = |service: &Service| spec.endpoints.additional.iter().any(|name| name == service.short);
    SERVICES
        .iter()
        .filter(move |service| service.set <= set || named(service))
}

/// The places whose zones have `service`: all of them where nothing is known of the account's services.
fn zones<'a>(service: &str, account: &'a Account, places: &'a [SubnetPlace]) -> impl Iterator<Item = &'a SubnetPlace> {
    let services = &account.endpoint_services;
    let facts = services.get(service);
    let all = services.is_empty();
    let has = move |zone: &str| facts.is_some_and(|facts| facts.zones.contains(zone));
    places.iter().filter(move |place| all || has(&place.zone.name))
}

fn draw_s3(project: &Project, builder: &mut Builder) -> Handle<VpcEndpoint> {
    let attributes = Attributes {
        vpc: network::vpc().id(),
        service_name: format!("com.amazonaws.{}.s3", project.account.region),
        endpoint_type: EndpointType::Gateway,
        policy: Some(policies::s3_policy(project)),
        subnets: BTreeSet::new(),
        groups: BTreeSet::new(),
        route_tables: BTreeSet::from([network::route_table().id()]),
        private_dns: false,
    };
    add(project, builder, "s3", &attributes)
}

/// What the region does not offer in any of the project's zones is left out; [`check`] has refused what must not be.
fn draw_service(project: &Project, builder: &mut Builder, service: &Service) {
    let name = service.name(&project.account.region);
    let facts = project.account.endpoint_services.get(&name);
    let takes_policy = facts.is_none_or(|facts| facts.takes_policy);
    let attributes = Attributes {
        policy: takes_policy.then(|| policies::policy(project, service)),
        private_dns: service.private_dns,
        ..interface(name, project)
    };
    if !attributes.subnets.is_empty() {
        add(project, builder, &service.key(), &attributes);
    }
}

/// An interface in every subnet whose zone has the service.
fn interface(service_name: String, project: &Project) -> Attributes {
    let places = zones(&service_name, &project.account, &project.subnets);
    let subnets: BTreeSet<Ref<_>> = places.map(|place| network::subnet(place.letter).id()).collect();
    Attributes {
        vpc: network::vpc().id(),
        service_name,
        endpoint_type: EndpointType::Interface,
        policy: None,
        subnets,
        groups: BTreeSet::from([network::endpoints_group().id()]),
        route_tables: BTreeSet::new(),
        private_dns: true,
    }
}

fn everywhere_unless_known(service: &str, project: &Project) -> BTreeSet<Ref<Subnet>> {
    let known = interface(service.to_owned(), project).subnets;
    if project.account.endpoint_services.contains_key(service) {
        return known;
    }
    project
        .subnets
        .iter()
        .map(|place| network::subnet(place.letter).id())
        .collect()
}

fn add(project: &Project, builder: &mut Builder, key: &str, attributes: &Attributes) -> Handle<VpcEndpoint> {
    builder.add(key, &project.named(&format!("{key}-endpoint")), attributes)
}

#[cfg(test)]
mod tests;
