//! What users and tools look up: the SSM parameters that the published design's notebooks and products read, and the
//! resource group.

use std::collections::{BTreeMap, BTreeSet};

use super::{Builder, Project};
use crate::kinds::{Bucket, Vpc};
use crate::kinds::{
    Handle, IamRole, KmsKey, Parameter, ResourceGroup, SecurityGroup, Subnet, VpcEndpoint, parameter, resource_group,
};

pub(super) fn draw(project: &Project, builder: &mut Builder) {
    for fact in facts(project) {
        let attributes = parameter::Attributes::text(fact.value, &fact.description);
        builder.add::<Parameter>(&fact.node, &fact.name, &attributes);
    }
    let tags = [
        ("ProjectName", project.name.as_str()),
        ("EnvironmentType", project.environment.as_str()),
    ];
    let attributes = resource_group::Attributes {
        description: format!("Everything of {}", project.suffix()),
        query: resource_group::Query {
            types: BTreeSet::from([resource_group::EVERYTHING.to_owned()]),
            tags: tags
                .map(|(key, value)| (key.to_owned(), BTreeSet::from([value.to_owned()])))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        },
    };
    let name = format!("ds-{}-resource-group", project.suffix());
    builder.add::<ResourceGroup>("project", &name, &attributes);
}

/// One parameter.
struct Fact {
    node: String,
    name: String,
    value: String,
    description: String,
}

/// The parameters of the published design, in the form `ds-<what>-P-E-<which>`.
fn facts(project: &Project) -> Vec<Fact> {
    let subnet = |letter: char| {
        let id = Handle::<Subnet>::new(&letter.to_string()).id().to_string();
        (format!("subnet-{letter}"), "id", id, format!("Private subnet {letter}"))
    };
    let one = |what: &str, which: &'static str, value: String, description: &str| {
        (what.to_owned(), which, value, description.to_owned())
    };
    let vpc = Handle::<Vpc>::new("main").id().to_string();
    let group = Handle::<SecurityGroup>::new("sagemaker").id().to_string();
    let endpoint = Handle::<VpcEndpoint>::new("s3").id().to_string();
    let bucket = |node: &str| Handle::<Bucket>::new(node).id().to_string();
    let mut facts: Vec<(String, &str, String, String)> =
        project.subnets.iter().map(|place| subnet(place.letter)).collect();
    facts.extend([
        one("vpc", "id", vpc, "VPC"),
        one("sagemaker-sg", "id", group, "Security group of notebooks and jobs"),
        one("s3-endpoint", "id", endpoint, "VPC endpoint of Amazon S3"),
        one(
            "kms-cmk",
            "arn",
            Handle::<KmsKey>::new("project").arn(),
            "KMS key of the project's data",
        ),
        one(
            "user-role",
            "arn",
            Handle::<IamRole>::new("user").arn(),
            "Role of people who work in the project",
        ),
        one(
            "sc-launch-role",
            "arn",
            Handle::<IamRole>::new("launch").arn(),
            "Role that Service Catalog launches with",
        ),
        one("s3-data-bucket", "", bucket("data"), "Bucket of data"),
        one("s3-model-artifact-bucket", "", bucket("model"), "Bucket of models"),
    ]);
    let fact = |(what, which, value, description): (String, &str, String, String)| {
        let (node, ending) = match which {
            "" => (what.clone(), String::new()),
            which => (format!("{what}-{which}"), format!("-{which}")),
        };
        Fact {
            node,
            name: project.named(&what) + &ending,
            value,
            description,
        }
    };
    facts.into_iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use crate::api::{EnvironmentType, SecureMLProjectSpec};
    use crate::blueprint::{draw, tests::project};

    #[test]
    fn the_names_are_those_of_the_published_design() {
        let spec = SecureMLProjectSpec {
            environment_type: EnvironmentType::Dev,
            ..SecureMLProjectSpec::default()
        };
        let blueprint = draw(&project(spec));
        let parameters = blueprint.nodes.values().filter(|node| node.key.kind == "Parameter");
        let mut names: Vec<&str> = parameters.map(|node| node.name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "ds-kms-cmk-churn-dev-arn",
            "ds-s3-data-bucket-churn-dev",
            "ds-s3-endpoint-churn-dev-id",
            "ds-s3-model-artifact-bucket-churn-dev",
            "ds-sagemaker-sg-churn-dev-id",
            "ds-sc-launch-role-churn-dev-arn",
            "ds-subnet-a-churn-dev-id",
            "ds-subnet-b-churn-dev-id",
            "ds-subnet-c-churn-dev-id",
            "ds-user-role-churn-dev-arn",
            "ds-vpc-churn-dev-id",
        ];
        assert_eq!(names, expected);
    }
}
