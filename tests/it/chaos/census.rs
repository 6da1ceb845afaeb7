//! Everything that an account holds, whosever it is: what was made twice or left behind shows here, whatever its tags.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use aws_sdk_iam::types::PolicyScopeType;
use aws_sdk_kms::types::KeyState;
use secureml::aws::Aws;

/// What the names of the controllers' claims begin with.
const CLAIMS: &str = "/secureml/installations/";

/// The ids of everything of a type, by type.
pub type Census = BTreeMap<&'static str, BTreeSet<String>>;

/// Reads the whole account, one list after the other.
pub async fn census(aws: &Aws) -> Result<Census> {
    let mut all = Census::new();
    network(aws, &mut all).await?;
    access(aws, &mut all).await?;
    data(aws, &mut all).await?;
    Ok(all)
}

/// What `one` holds that `other` does not.
pub fn beyond(one: &Census, other: &Census) -> Census {
    let mut more = one.clone();
    for (what, ids) in &mut more {
        ids.retain(|id| !other.get(what).is_some_and(|known| known.contains(id)));
    }
    more.retain(|_, ids| !ids.is_empty());
    more
}

async fn network(aws: &Aws, all: &mut Census) -> Result<()> {
    let vpcs = aws.ec2.describe_vpcs().send().await?;
    note(all, "VPCs", vpcs.vpcs().iter().map(|vpc| vpc.vpc_id()));
    let subnets = aws.ec2.describe_subnets().send().await?;
    note(
        all,
        "subnets",
        subnets.subnets().iter().map(|subnet| subnet.subnet_id()),
    );
    let tables = aws.ec2.describe_route_tables().send().await?;
    let tables = tables.route_tables().iter().map(|table| table.route_table_id());
    note(all, "route tables", tables);
    let groups = aws.ec2.describe_security_groups().send().await?;
    let groups = groups.security_groups().iter().map(|group| group.group_id());
    note(all, "security groups", groups);
    let endpoints = aws.ec2.describe_vpc_endpoints().send().await?;
    let endpoints = endpoints
        .vpc_endpoints()
        .iter()
        .map(|endpoint| endpoint.vpc_endpoint_id());
    note(all, "VPC endpoints", endpoints);
    let flow_logs = aws.ec2.describe_flow_logs().send().await?;
    note(
        all,
        "flow logs",
        flow_logs.flow_logs().iter().map(|log| log.flow_log_id()),
    );
    Ok(())
}

async fn access(aws: &Aws, all: &mut Census) -> Result<()> {
    let roles = aws.iam.list_roles().into_paginator().items().send();
    let roles = roles.collect::<Result<Vec<_>, _>>().await?;
    note(all, "roles", roles.iter().map(|role| Some(role.role_name())));
    let policies = aws.iam.list_policies().scope(PolicyScopeType::Local);
    let policies = policies.into_paginator().items().send();
    let policies = policies.collect::<Result<Vec<_>, _>>().await?;
    note(all, "IAM policies", policies.iter().map(|policy| policy.arn()));
    Ok(())
}

async fn data(aws: &Aws, all: &mut Census) -> Result<()> {
    let keys = aws.kms.list_keys().into_paginator().items().send();
    for key in keys.collect::<Result<Vec<_>, _>>().await? {
        let id = key.key_id.unwrap_or_default();
        let key = aws.kms.describe_key().key_id(&id).send().await?.key_metadata;
        let leaves = key.is_some_and(|key| key.key_state == Some(KeyState::PendingDeletion));
        let which = if leaves { "keys that are to go" } else { "keys" };
        all.entry(which).or_default().insert(id);
    }
    let aliases = aws.kms.list_aliases().into_paginator().items().send();
    let aliases = aliases.collect::<Result<Vec<_>, _>>().await?;
    note(all, "aliases", aliases.iter().map(|alias| alias.alias_name()));
    let buckets = aws.s3.list_buckets().send().await?;
    note(all, "buckets", buckets.buckets().iter().map(|bucket| bucket.name()));
    let groups = aws.logs.describe_log_groups().into_paginator().items().send();
    let groups = groups.collect::<Result<Vec<_>, _>>().await?;
    note(all, "log groups", groups.iter().map(|group| group.log_group_name()));
    let parameters = aws.ssm.describe_parameters().into_paginator().send();
    for page in parameters.collect::<Result<Vec<_>, _>>().await? {
        let names = page.parameters().iter().filter_map(|parameter| parameter.name());
        // A controller's claim is no project's, and another with every start.
        let names = names.filter(|name| !name.starts_with(CLAIMS));
        note(all, "parameters", names.map(Some));
    }
    let groups = aws.resource_groups.list_groups().into_paginator().send();
    for page in groups.collect::<Result<Vec<_>, _>>().await? {
        let names = page.group_identifiers().iter().map(|group| group.group_name());
        note(all, "resource groups", names);
    }
    let configs = aws.sagemaker.list_notebook_instance_lifecycle_configs();
    let configs = configs.into_paginator().items().send();
    let configs = configs.collect::<Result<Vec<_>, _>>().await?;
    let configs = configs
        .iter()
        .map(|config| config.notebook_instance_lifecycle_config_name());
    note(all, "lifecycle configurations", configs);
    let notebooks = aws.sagemaker.list_notebook_instances().into_paginator().items().send();
    let notebooks = notebooks.collect::<Result<Vec<_>, _>>().await?;
    let notebooks = notebooks.iter().map(|notebook| notebook.notebook_instance_name());
    note(all, "notebook instances", notebooks);
    Ok(())
}

fn note<'a>(all: &mut Census, what: &'static str, ids: impl Iterator<Item = Option<&'a str>>) {
    all.entry(what).or_default().extend(ids.flatten().map(str::to_owned));
}
