//! VPC endpoint: a private way from a network to one service, and what may pass it.
//!
//! AWS invents the id; `CreateVpcEndpoint` takes a client token. An endpoint without a policy has the one that allows
//! everything, which is the same as none here. Policy, subnets, groups, route tables and private names change in
//! place; network, service and type never do. An interface endpoint takes a minute to become available and another
//! one to disappear.
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New, RouteTable, SecurityGroup, Subnet, Vpc};
use crate::model::{Ref, Tags};
use crate::plan::Todo;
use crate::policy::Document;

/// The kind.
pub struct VpcEndpoint;

/// What an endpoint is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The network it is in.
    pub vpc: Ref<Vpc>,
    /// The service it leads to.
    pub service_name: String,
    /// How it leads there.
    pub endpoint_type: EndpointType,
    /// Who may do what through it; none lets everything through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Document>,
    /// Where it has a network interface.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// The groups of its network interfaces.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<Ref<SecurityGroup>>,
    /// The tables that have a route to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub route_tables: BTreeSet<Ref<RouteTable>>,
    /// Whether the service's public name leads to it.
    pub private_dns: bool,
}

/// How an endpoint leads to its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointType {
    /// By a route.
    Gateway,
    /// By network interfaces.
    Interface,
}

/// The calls.
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the endpoint.
    #[serde(rename = "ec2:CreateVpcEndpoint")]
    Create(Box<Create>),
    /// Changes it in place, at once or not at all.
    #[serde(rename = "ec2:ModifyVpcEndpoint")]
    Modify(Box<Modify>),
    /// Restores tags.
    #[serde(rename = "ec2:CreateTags")]
    #[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
    Tag { id: String, tags: Tags },
    /// Removes it, and others with it.
    #[serde(rename = "ec2:DeleteVpcEndpoints")]
    #[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
    Delete { ids: Vec<String> },
}

/// What an endpoint is made with.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
pub struct Create {
    #[serde(flatten)]
    pub attributes: Attributes,
    pub tags: Tags,
    pub token: String,
}

/// What is changed about an endpoint.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Modify {
    pub endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Document>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset_policy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_dns: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_subnets: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_subnets: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_route_tables: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_route_tables: Vec<String>,
}

impl Kind for VpcEndpoint {
    const NAME: &'static str = "VpcEndpoint";
    const FIELDS: &'static [Field] = &[
        Field::replace("vpc"),
        Field::replace("serviceName"),
        Field::replace("endpointType"),
        Field::in_place("policy").critical(),
        Field::in_place("subnets"),
        Field::in_place("groups").critical(),
        Field::in_place("routeTables"),
        Field::in_place("privateDns"),
    ];
    const DELETES_AT_ONCE: usize = 25;
    const IDENTITY: Identity = Identity::Tags;
    const MENTIONS: &'static [&'static str] = &["policy"];
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:CreateTags",
        "ec2:CreateVpcEndpoint",
        "ec2:DeleteVpcEndpoints",
        "ec2:DescribeVpcEndpoints",
        "ec2:ModifyVpcEndpoint",
        // Private names are a hosted zone.
        "route53:AssociateVPCWithHostedZone",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create(Box::new(Create {
            attributes: new.attributes.clone(),
            tags: new.tags.clone(),
            token: new.token(),
        }))]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let before = &current.attributes;
        let mut modify = Modify {
            endpoint: current.id.clone(),
            private_dns: changed.has("privateDns").then_some(desired.private_dns),
            ..Modify::default()
        };
        if changed.has("policy") {
            modify.policy.clone_from(&desired.policy);
            modify.reset_policy = desired.policy.is_none();
        }
        if changed.has("subnets") {
            modify.add_subnets = without(&desired.subnets, &before.subnets);
            modify.remove_subnets = without(&before.subnets, &desired.subnets);
        }
        if changed.has("groups") {
            modify.add_groups = without(&desired.groups, &before.groups);
            modify.remove_groups = without(&before.groups, &desired.groups);
        }
        if changed.has("routeTables") {
            modify.add_route_tables = without(&desired.route_tables, &before.route_tables);
            modify.remove_route_tables = without(&before.route_tables, &desired.route_tables);
        }
        Todo::now(vec![Call::Modify(Box::new(modify))])
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            id: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        Todo::now(vec![Call::Delete {
            ids: vec![current.id.clone()],
        }])
    }

    fn delete_together(deletes: Vec<Call>) -> Option<Call> {
        let ids = deletes.into_iter().flat_map(|call| match call {
            Call::Delete { ids } => ids,
            _ => Vec::new(),
        });
        Some(Call::Delete { ids: ids.collect() })
    }
}

/// What `these` has and `those` lacks.
fn without<K>(these: &BTreeSet<Ref<K>>, those: &BTreeSet<Ref<K>>) -> Vec<String> {
    these.difference(those).map(|id| id.as_str().to_owned()).collect()
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_ec2::types::{self, ResourceType, VpcEndpointType};

    use super::{Attributes, Call, Create, EndpointType, Modify, VpcEndpoint};
    use crate::aws::{Aws, ec2_specification};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::shared::ec2;
    use crate::model::{Ref, Words};
    use crate::plan::Phase;
    use crate::policy::{Document, Principal, Statement};

    impl Live for VpcEndpoint {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let endpoints = ec2::vpc_endpoints(reader).await?;
            let tagged = endpoints.iter().map(|endpoint| {
                let tags = ec2::tags(reader, endpoint.vpc_endpoint_id(), endpoint.tags());
                (endpoint, tags)
            });
            let living = tagged.filter(|(_, tags)| reader.is_ours(tags)).filter_map(|(endpoint, tags)| {
                let state = endpoint.state().map(|state| state.as_str().to_lowercase()).unwrap_or_default();
                let phase = phase(&state, endpoint.last_error().and_then(|error| error.message()))?;
                let id = endpoint.vpc_endpoint_id().unwrap_or_default();
                let observed = Observed::new(id, tags, attributes(endpoint));
                let observed = observed.state(&state, phase);
                Some(match dns_name(endpoint) {
                    Some(name) => observed.output("dnsName", name),
                    None => observed,
                })
            });
            Ok(living.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create(create) => make(aws, *create).await,
                Call::Modify(modify) => change(aws, *modify).await,
                Call::Tag { id, tags } => ec2::create_tags(aws, &id, &tags).await,
                Call::Delete { ids } => {
                    let request = aws.ec2.delete_vpc_endpoints().set_vpc_endpoint_ids(Some(ids));
                    let answer = aws.call("ec2:DeleteVpcEndpoints", request.send()).await?;
                    ec2::all_successful("ec2:DeleteVpcEndpoints", answer.unsuccessful())?;
                    Ok(Sent::done().pending("the endpoint is being deleted"))
                }
            }
        }
    }

    /// What a state means; none for an endpoint that is no more.
    fn phase(state: &str, error: Option<&str>) -> Option<Phase> {
        let broken = |what: &str| Phase::Broken(error.map_or_else(|| what.to_owned(), |why| format!("{what}: {}", Words::from(why))));
        Some(match state {
            "deleted" => return None,
            "pending" => Phase::Busy("AWS is making it".to_owned()),
            "pendingacceptance" => broken("it waits for the owner of the service to accept it: ask for that, or declare another service"),
            "deleting" => Phase::Busy("AWS is deleting it".to_owned()),
            "rejected" => broken("the service's owner rejected it"),
            "expired" => broken("the service's owner did not accept it in time"),
            "failed" => broken("AWS could not make it"),
            "partial" => broken("AWS could make a part of it only"),
            _ => Phase::Ready,
        })
    }

    fn attributes(endpoint: &types::VpcEndpoint) -> Attributes {
        let gateway = endpoint.vpc_endpoint_type() == Some(&VpcEndpointType::Gateway);
        let groups = endpoint.groups().iter().filter_map(|group| group.group_id());
        Attributes {
            vpc: Ref::known(endpoint.vpc_id().unwrap_or_default()),
            service_name: endpoint.service_name().unwrap_or_default().to_owned(),
            endpoint_type: if gateway { EndpointType::Gateway } else { EndpointType::Interface },
            policy: endpoint.policy_document().and_then(restricting),
            subnets: endpoint.subnet_ids().iter().map(Ref::known).collect(),
            groups: groups.map(Ref::known).collect(),
            route_tables: endpoint.route_table_ids().iter().map(Ref::known).collect(),
            private_dns: endpoint.private_dns_enabled().unwrap_or(false),
        }
    }

    /// The policy `text`, unless it is the one that allows everything. What cannot be read restricts nothing that
    /// is known, and is not the same as anything declared: an empty document.
    fn restricting(text: &str) -> Option<Document> {
        if text.trim().is_empty() {
            return None;
        }
        let document = Document::parse(text).unwrap_or_default();
        let unnamed = document.statements.iter().map(|statement| Statement {
            sid: String::new(),
            ..statement.clone()
        });
        let everything = Statement::allow("").principal(Principal::Anyone).actions(["*"]).anywhere();
        (!unnamed.eq([everything])).then_some(document)
    }

    fn dns_name(endpoint: &types::VpcEndpoint) -> Option<&str> {
        endpoint.dns_entries().first()?.dns_name()
    }

    async fn make(aws: &Aws, create: Create) -> Result<Sent, Failure> {
        let Create { attributes, tags, token } = create;
        let gateway = attributes.endpoint_type == EndpointType::Gateway;
        let request = aws.ec2.create_vpc_endpoint();
        let request = request.vpc_id(attributes.vpc).service_name(attributes.service_name);
        let request = request.client_token(token).set_policy_document(attributes.policy.map(|policy| policy.to_json()));
        let request = request.tag_specifications(ec2_specification(ResourceType::VpcEndpoint, &tags));
        let request = if gateway {
            request.vpc_endpoint_type(VpcEndpointType::Gateway).set_route_table_ids(ids(attributes.route_tables))
        } else {
            let request = request.vpc_endpoint_type(VpcEndpointType::Interface);
            let request = request.set_subnet_ids(ids(attributes.subnets)).set_security_group_ids(ids(attributes.groups));
            request.private_dns_enabled(attributes.private_dns)
        };
        let answer = aws.call("ec2:CreateVpcEndpoint", request.send()).await?;
        let endpoint = answer.vpc_endpoint.unwrap_or_else(|| types::VpcEndpoint::builder().build());
        let mut sent = Sent::made(endpoint.vpc_endpoint_id().unwrap_or_default());
        if let Some(name) = dns_name(&endpoint) {
            sent = sent.output("dnsName", name);
        }
        let state = endpoint.state().map(|state| state.as_str().to_lowercase());
        Ok(match state.as_deref() {
            Some("available") => sent,
            _ => sent.pending("AWS is making the endpoint"),
        })
    }

    async fn change(aws: &Aws, modify: Modify) -> Result<Sent, Failure> {
        let request = aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(modify.endpoint);
        let request = request.set_policy_document(modify.policy.map(|policy| policy.to_json()));
        let request = request.set_reset_policy(modify.reset_policy.then_some(true));
        let request = request.set_private_dns_enabled(modify.private_dns);
        let request = request.set_add_subnet_ids(some(modify.add_subnets));
        let request = request.set_remove_subnet_ids(some(modify.remove_subnets));
        let request = request.set_add_security_group_ids(some(modify.add_groups));
        let request = request.set_remove_security_group_ids(some(modify.remove_groups));
        let request = request.set_add_route_table_ids(some(modify.add_route_tables));
        let request = request.set_remove_route_table_ids(some(modify.remove_route_tables));
        aws.call("ec2:ModifyVpcEndpoint", request.send()).await?;
        Ok(Sent::done())
    }

    fn ids<K>(refs: impl IntoIterator<Item = Ref<K>>) -> Option<Vec<String>> {
        some(refs.into_iter().map(String::from).collect())
    }

    fn some(ids: Vec<String>) -> Option<Vec<String>> {
        (!ids.is_empty()).then_some(ids)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_policy_that_allows_everything_is_none() {
            let open = [
                "",
                r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
                r#"{"Statement":[{"Sid":"x","Action":"*","Effect":"Allow","Principal":{"AWS":"*"},"Resource":["*"]}]}"#,
            ];
            for text in open {
                assert_eq!(restricting(text), None, "{text}");
            }
            let other = [
                r#"{"Statement":[{"Action":"s3:*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#,
                r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*","Condition":{"Bool":{"a":"b"}}}]}"#,
                r#"{"Statement":[]}"#,
                "not a policy",
            ];
            for text in other {
                assert!(restricting(text).is_some(), "{text}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Change, Effect, Severity};

    fn endpoint(groups: &[&str], policy: Option<Document>) -> Attributes {
        Attributes {
            vpc: Ref::known("vpc-1"),
            service_name: "com.amazonaws.us-east-1.sts".to_owned(),
            endpoint_type: EndpointType::Interface,
            policy,
            subnets: BTreeSet::new(),
            groups: groups.iter().map(|id| Ref::known(*id)).collect(),
            route_tables: BTreeSet::new(),
            private_dns: true,
        }
    }

    #[test]
    fn one_call_changes_what_differs_and_nothing_else() {
        let current = Current {
            id: "vpce-1".to_owned(),
            state: "available".to_owned(),
            attributes: endpoint(&["sg-1", "sg-foreign"], Some(Document::default())),
            tags: Tags::default(),
        };
        let change = |field: &str| Change {
            field: field.to_owned(),
            before: serde_json::Value::Null,
            after: serde_json::Value::Null,
            effect: Effect::InPlace,
            severity: Severity::Critical,
        };
        let changes = [change("groups"), change("policy")];
        let todo = VpcEndpoint::update(&current, &endpoint(&["sg-1"], None), &Changed(&changes));
        let expected = Modify {
            endpoint: "vpce-1".to_owned(),
            reset_policy: true,
            remove_groups: vec!["sg-foreign".to_owned()],
            ..Modify::default()
        };
        assert!(matches!(&todo.now[..], [Call::Modify(modify)] if **modify == expected));
    }
}
