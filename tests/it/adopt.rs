//! What exists is taken into a project: as it was seen, under its ids, with what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use aws_sdk_s3::primitives::ByteStream;
use secureml::api::{AdoptedResource, SecureMLProjectSpec};
use secureml::aws::Aws;
use secureml::kinds::KINDS;
use secureml::model::ADOPTED_TAG;
use secureml::plan::{Action, Goal, Plan, render};
use secureml_rig::proxy::{Gate, Moment};
use secureml_rig::{Fault, Rig, Rule};

use crate::environment::{Environment, FULL, clients, parse};
use crate::tamper::identity;
use crate::tamper::rounds::act;
use crate::world::{Watched, cluster, controller, eventually, file, kubectl, writes};

const MINIMAL: &str = include_str!("../../examples/minimal.yaml");
/// A bucket of somebody's, with a name of its own.
const BUCKET: &str = "research-rows-2019";
/// How long a controller may take for anything.
const PATIENCE: Duration = Duration::from_secs(90);

/// An environment that somebody made by hand.
struct ByHand {
    vpc: String,
    subnets: Vec<String>,
    table: String,
    group: String,
    key: String,
}

impl ByHand {
    /// Makes a VPC with subnets, a table and a group, a key, a bucket that holds something, and a role.
    async fn make(aws: &Aws) -> Result<Self> {
        let ec2 = &aws.ec2;
        let vpc = ec2.create_vpc().cidr_block("10.2.0.0/16").send().await?.vpc;
        let vpc = vpc.and_then(|vpc| vpc.vpc_id).context("a VPC")?;
        let mut subnets = Vec::new();
        for (zone, block) in [("a", "10.2.1.0/24"), ("b", "10.2.2.0/24"), ("c", "10.2.3.0/24")] {
            let request = ec2.create_subnet().vpc_id(&vpc).cidr_block(block);
            let request = request.availability_zone(format!("{}{zone}", secureml_rig::REGION));
            let subnet = request.send().await?.subnet.and_then(|subnet| subnet.subnet_id);
            subnets.push(subnet.context("a subnet")?);
        }
        let table = ec2.create_route_table().vpc_id(&vpc).send().await?.route_table;
        let table = table.and_then(|table| table.route_table_id).context("a table")?;
        for subnet in &subnets {
            ec2.associate_route_table()
                .route_table_id(&table)
                .subnet_id(subnet)
                .send()
                .await?;
        }
        let group = ec2.create_security_group().vpc_id(&vpc).group_name("science");
        let group = group.description("What scientists work in").send().await?.group_id;
        let key = aws
            .kms
            .create_key()
            .description("rows")
            .tags(kms_tag("Rows", "2019")?)
            .send()
            .await?;
        let key = key.key_metadata.context("a key")?.key_id;
        aws.s3.create_bucket().bucket(BUCKET).send().await?;
        let put = aws.s3.put_object().bucket(BUCKET).key("rows.csv");
        put.body(ByteStream::from_static(b"1,2")).send().await?;
        let tagging = aws_sdk_s3::types::Tag::builder().key("Team").value("risk").build()?;
        let tagging = aws_sdk_s3::types::Tagging::builder().tag_set(tagging).build()?;
        aws.s3
            .put_bucket_tagging()
            .bucket(BUCKET)
            .tagging(tagging)
            .send()
            .await?;
        let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let role = aws.iam.create_role().role_name("ds-user-role-churn-dev");
        role.assume_role_policy_document(trust).send().await?;
        Ok(Self {
            vpc,
            subnets,
            table,
            group: group.context("a group")?,
            key,
        })
    }

    fn claims(&self) -> Vec<AdoptedResource> {
        let mut claims = vec![
            by_id("Vpc/main", &self.vpc),
            by_id("RouteTable/private", &self.table),
            by_id("SecurityGroup/sagemaker", &self.group),
            by_id("Bucket/data", BUCKET),
            by_id("IamRole/user", "ds-user-role-churn-dev"),
            AdoptedResource {
                resource: "KmsKey/project".to_owned(),
                tags: BTreeMap::from([("Rows".to_owned(), "2019".to_owned())]),
                ..AdoptedResource::default()
            },
        ];
        let subnets = self.subnets.iter().zip(["a", "b", "c"]);
        claims.extend(subnets.map(|(id, letter)| by_id(&format!("Subnet/{letter}"), id)));
        claims
    }

    /// The ids under which the project has to know what it adopted.
    fn ids(&self) -> Vec<(String, String)> {
        let known = self.claims().into_iter();
        let known = known.map(|claim| (claim.resource, claim.id.unwrap_or_else(|| self.key.clone())));
        known.collect()
    }
}

fn by_id(resource: &str, id: &str) -> AdoptedResource {
    AdoptedResource {
        resource: resource.to_owned(),
        id: Some(id.to_owned()),
        ..AdoptedResource::default()
    }
}

fn kms_tag(key: &str, value: &str) -> Result<aws_sdk_kms::types::Tag> {
    Ok(aws_sdk_kms::types::Tag::builder()
        .tag_key(key)
        .tag_value(value)
        .build()?)
}

fn declaring(claims: Vec<AdoptedResource>) -> Result<SecureMLProjectSpec> {
    with_claims(MINIMAL, claims)
}

fn with_claims(manifest: &str, claims: Vec<AdoptedResource>) -> Result<SecureMLProjectSpec> {
    let mut spec = parse(manifest)?.spec;
    spec.adopt.resources = claims;
    Ok(spec)
}

/// The plan of `environment` when `claims` are declared and confirmed, after the proposal was looked at.
async fn confirm(environment: &mut Environment, manifest: &str, claims: &[AdoptedResource]) -> Result<Plan> {
    environment.declare(with_claims(manifest, claims.to_vec())?).await?;
    let proposed = environment.pass(Goal::Present).await?;
    ensure!(
        proposed.writes.is_empty(),
        "nothing was confirmed: {:?}",
        proposed.writes
    );
    let print = proposed.plan.adoption.clone().with_context(|| render(&proposed.plan))?;
    let mut spec = with_claims(manifest, claims.to_vec())?;
    spec.adopt.confirm = Some(print);
    environment.declare(spec).await?;
    Ok(proposed.plan)
}

async fn still_there(aws: &Aws) -> Result<()> {
    let rows = aws.s3.get_object().bucket(BUCKET).key("rows.csv").send().await?;
    let rows = rows.body.collect().await?.into_bytes();
    ensure!(rows.as_ref() == b"1,2", "{rows:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_made_by_hand_is_kept_under_its_ids() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    let aws = Arc::clone(&environment.aws);
    let by_hand = ByHand::make(&aws).await?;
    let claims = by_hand.claims();
    let proposed = confirm(&mut environment, MINIMAL, &claims).await?;
    for claim in &claims {
        let step = &proposed.steps[&claim.resource.parse()?];
        ensure!(step.action == Action::Propose, "{}: {}", claim.resource, step.reason);
    }

    let passes = environment.settle(Goal::Present).await?;
    let first = &passes.first().context("a pass")?.plan;
    ensure!(
        first.writes().all(|(_, step)| step.action == Action::Adopt),
        "only tags at first:\n{}",
        render(first)
    );
    let replaced = passes.iter().flat_map(|pass| pass.plan.steps.values());
    ensure!(
        replaced.into_iter().all(|step| step.action != Action::Replace),
        "something was made anew"
    );
    let objects = environment.observe().await?;
    for (resource, id) in by_hand.ids() {
        let object = &objects[&resource];
        ensure!(object.id == id, "{resource} is {} and not {id}", object.id);
        ensure!(
            object.tags.get(ADOPTED_TAG).is_some(),
            "{resource} tells where it comes from"
        );
    }
    ensure!(
        objects["Bucket/data"].tags.get("Team") == Some("risk"),
        "tags of others stay"
    );
    ensure!(objects["KmsKey/project"].attributes["aliases"] == serde_json::json!(["alias/ds-kms-cmk-churn-dev"]));
    still_there(&aws).await?;

    // Whoever starts anew knows what is whose, and the claims that are fulfilled are needed no more; a bucket's is, for
    // its name.
    environment.restart();
    environment
        .declare(declaring(vec![by_id("Bucket/data", BUCKET)])?)
        .await?;
    let quiet = environment.pass(Goal::Present).await?;
    ensure!(
        quiet.plan.is_settled() && quiet.writes.is_empty(),
        "{}",
        render(&quiet.plan)
    );
    environment.declare(declaring(Vec::new())?).await?;
    let nameless = environment.pass(Goal::Present).await?;
    let step = &nameless.plan.steps[&"Bucket/data".parse()?];
    ensure!(
        step.action == Action::Refuse && nameless.writes.is_empty(),
        "{}",
        render(&nameless.plan)
    );

    // What was there before the project is there after it.
    environment
        .declare(declaring(vec![by_id("Bucket/data", BUCKET)])?)
        .await?;
    environment.settle(Goal::Absent).await?;
    let vpcs = aws.ec2.describe_vpcs().vpc_ids(&by_hand.vpc).send().await?;
    ensure!(vpcs.vpcs().len() == 1, "the VPC stays");
    let subnets = aws
        .ec2
        .describe_subnets()
        .set_subnet_ids(Some(by_hand.subnets.clone()))
        .send()
        .await?;
    ensure!(subnets.subnets().len() == 3, "the subnets stay");
    aws.iam.get_role().role_name("ds-user-role-churn-dev").send().await?;
    still_there(&aws).await?;
    // So that it can be taken up again.
    environment.restart();
    environment.settle(Goal::Present).await?;
    ensure!(environment.observe().await?["Vpc/main"].id == by_hand.vpc);
    Ok(())
}

/// Something of every kind, as a controller left it that is no more, with the marks of none.
#[tokio::test]
async fn every_kind_is_taken_over_under_its_id() -> Result<()> {
    let mut environment = Environment::new(FULL).await?;
    environment.settle(Goal::Present).await?;
    let before = environment.observe().await?;
    let mut claims = Vec::new();
    for (node, object) in &before {
        if let Some(unmark) = identity::TAMPERS.iter().find(|tamper| tamper.kind == object.kind) {
            act(unmark, &environment.aws, node, &before).await?;
            claims.push(by_id(node, &object.id));
        }
    }
    environment.restart();
    let left = environment.observe().await?;
    ensure!(left.is_empty(), "these are known without marks: {:?}", left.keys());

    confirm(&mut environment, FULL, &claims).await?;
    environment.settle(Goal::Present).await?;
    let after = environment.observe().await?;
    for (node, object) in &before {
        let id = after.get(node).map(|object| &object.id);
        ensure!(id == Some(&object.id), "{node} was {} and is {id:?}", object.id);
    }
    ensure!(after.len() == before.len(), "{} became {}", before.len(), after.len());
    let kinds: BTreeSet<&str> = claims
        .iter()
        .filter_map(|claim| claim.resource.split('/').next())
        .collect();
    let taggable = KINDS.iter().filter(|kind| kind.taggable()).map(|kind| kind.name());
    ensure!(kinds == taggable.collect(), "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_had_is_refused() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    let aws = Arc::clone(&environment.aws);
    let made = |pairs: &[(&str, &str)]| {
        let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
        let tags = pairs.iter().map(tag).collect();
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::Vpc)
            .set_tags(Some(tags))
            .build();
        aws.ec2
            .create_vpc()
            .cidr_block("10.2.0.0/16")
            .tag_specifications(tags)
            .send()
    };
    let theirs = made(&[
        ("secureml.dev/owner", "other/default/x"),
        ("secureml.dev/node", "Vpc/main"),
    ])
    .await?;
    let managed = made(&[("ManagedBy", "Terraform"), ("Use", "twice")]).await?;
    let plain = made(&[("Use", "twice")]).await?;
    let id = |vpc: &aws_sdk_ec2::operation::create_vpc::CreateVpcOutput| {
        vpc.vpc().and_then(|vpc| vpc.vpc_id()).unwrap_or_default().to_owned()
    };
    let subnet = aws.ec2.create_subnet().vpc_id(id(&managed)).cidr_block("10.2.1.0/24");
    let subnet = subnet
        .availability_zone(format!("{}a", secureml_rig::REGION))
        .send()
        .await?;
    let subnet = subnet
        .subnet()
        .and_then(|subnet| subnet.subnet_id())
        .unwrap_or_default();
    let both = AdoptedResource {
        resource: "Vpc/main".to_owned(),
        tags: BTreeMap::from([("Use".to_owned(), "twice".to_owned())]),
        ..AdoptedResource::default()
    };
    let main = |id: &str| by_id("Vpc/main", id);
    let no_vpc = "vpc-0123456789abcdef0";
    let table = [
        (
            vec![main(no_vpc)],
            "this account has no Vpc vpc-0123456789abcdef0 in this region",
        ),
        (vec![main(subnet)], "this account has no Vpc subnet-"),
        (vec![main(&id(&theirs))], "belongs to other/default/x as Vpc/main"),
        (
            vec![main(&id(&managed))],
            "is managed by terraform (ManagedBy=Terraform)",
        ),
        (vec![both], "several have these tags: vpc-"),
        (vec![main(&id(&plain)), by_id("Subnet/a", subnet)], "vpc is \"vpc-"),
        (
            vec![by_id("KmsKey/project", "1234abcd-12ab-34cd-56ef-1234567890ab")],
            "this account has no KmsKey",
        ),
        (
            vec![by_id("Bucket/data", "nobody-has-this-bucket")],
            "this account has no Bucket nobody-has-this-bucket",
        ),
    ];
    for (claims, why) in table {
        environment.declare(declaring(claims.clone())?).await?;
        let pass = environment.pass(Goal::Present).await?;
        let refused = pass.plan.steps.values().find(|step| step.action == Action::Refuse);
        let refused = refused.with_context(|| format!("{why}\n{}", render(&pass.plan)))?;
        ensure!(refused.reason.contains(why), "{}", refused.reason);
        ensure!(
            pass.writes.is_empty() && pass.plan.adoption.is_none(),
            "{}",
            render(&pass.plan)
        );
    }
    // The spec itself tells what the project has no use for, and what would have to be renamed.
    for (resource, id, why) in [
        (
            "Subnet/z",
            "subnet-0123456789abcdef0",
            "Subnet/z is not a resource of this project, which has Bucket/data",
        ),
        (
            "IamRole/user",
            "their-role",
            "must be ds-user-role-churn-dev: AWS cannot rename an IamRole",
        ),
    ] {
        let refused = environment.declare(declaring(vec![by_id(resource, id)])?).await;
        let said = format!("{:?}", refused.err());
        ensure!(said.contains(why), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_lost_its_tags_is_taken_back() -> Result<()> {
    let mut environment = Environment::new(MINIMAL).await?;
    environment.settle(Goal::Present).await?;
    let key = environment.untag_key().await?;
    environment.restart();
    let lost = environment.plan(Goal::Present).await?;
    let step = &lost.steps[&"KmsKey/project".parse()?];
    let way = "adopt it: spec.adopt.resources: [{resource: KmsKey/project, id: <its id>}]";
    ensure!(
        step.action == Action::Conflict && step.reason.ends_with(way),
        "{}",
        step.reason
    );

    confirm(&mut environment, MINIMAL, &[by_id("KmsKey/project", &key.id)]).await?;
    environment.settle(Goal::Present).await?;
    ensure!(environment.observe().await?["KmsKey/project"].id == key.id);
    Ok(())
}

/// The manifest of a project with `claims`, confirmed by `print`.
fn manifest(claims: &[AdoptedResource], print: Option<&str>) -> Result<String> {
    let mut project = parse(MINIMAL)?;
    project.spec.adopt.resources = claims.to_vec();
    project.spec.adopt.confirm = print.map(str::to_owned);
    project.spec.drift.interval_seconds = 10;
    Ok(serde_json::to_string(&project)?)
}

#[tokio::test]
async fn a_cluster_tells_first_and_a_controller_that_dies_in_the_middle_is_no_harm() -> Result<()> {
    let rig = cluster().await?;
    let aws = clients(rig.emulator.url()).await;
    let by_hand = ByHand::make(&aws).await?;
    let claims = by_hand.claims();
    let begun = rig.proxy.mark();
    let mut first = controller(&rig)?;
    let kube = kubectl(&rig)?;
    kube.kubectl_text(&["apply", "-f", &file(&rig, &manifest(&claims, None)?)?])
        .await?;
    let seen = Watched::new(kube, "churn").await?;
    eventually("only who was given leave adopts", PATIENCE, || async {
        let said = seen.ready().await?;
        Ok(said.is_err_and(|why| why.starts_with("InvalidSpec: ") && why.contains("--adopt-from default")))
    })
    .await?;
    first.kill()?;
    let adopting = || rig.start_controller(&["controller", "--installation", "test", "--adopt-from", "default"]);
    let mut first = adopting()?;
    eventually("the adoption is planned", PATIENCE, || async {
        Ok(seen
            .ready()
            .await?
            .is_err_and(|why| why.starts_with("AdoptionPlanned: ")))
    })
    .await?;
    let told = seen.project().await?.status.unwrap_or_default();
    let adoption = told.adoption.context("status.adoption")?;
    let written = writes(&rig.proxy, begun);
    ensure!(written.is_empty(), "{}", written.table());
    let vpc = adoption
        .resources
        .iter()
        .find(|claim| claim.resource == "Vpc/main")
        .context("the VPC")?;
    ensure!(
        vpc.changes.contains(&"dnsHostnames: false → true".to_owned()),
        "{:?}",
        vpc.changes
    );
    let print = adoption.confirm.context("a fingerprint")?;
    ensure!(seen.notes("AdoptionPlanned").await?.len() == 1, "told once");
    ensure!(
        !told.outputs.contains_key("vpcId"),
        "not the project's yet: {:?}",
        told.outputs
    );
    let guarded = told
        .conditions
        .iter()
        .find(|condition| condition.type_ == "GuardrailsEnforced");
    let guarded = guarded.context("GuardrailsEnforced")?;
    ensure!(
        guarded.status == "Unknown" && told.last_opening.is_none(),
        "{guarded:?}"
    );

    // The controller dies after the second tag.
    let gate = Gate::at(Moment::AfterForward);
    rig.proxy
        .add(Rule::on("ec2:CreateTags", Fault::Hold(gate.clone())).nth(2).times(1));
    let confirmed = manifest(&claims, Some(&print))?;
    kube.kubectl_text(&["apply", "-f", &file(&rig, &confirmed)?]).await?;
    let held = tokio::time::timeout(PATIENCE, gate.reached()).await?;
    first.kill()?;
    held.discard();
    let _second = adopting()?;
    eventually("all is as declared", PATIENCE, || async {
        Ok(seen.ready().await?.is_ok())
    })
    .await?;
    let status = seen.project().await?.status.unwrap_or_default();
    ensure!(status.adoption.is_none());
    for (resource, id) in by_hand.ids() {
        let found = status
            .resources
            .iter()
            .find(|found| found.node == resource)
            .context("it is told of")?;
        ensure!(found.id.as_ref() == Some(&id), "{found:?}");
    }
    eventually("the guardrails hold", PATIENCE, || async {
        seen.is_current("GuardrailsEnforced").await
    })
    .await?;
    let vpcs = aws.ec2.describe_vpcs().send().await?;
    ensure!(
        vpcs.vpcs().iter().filter(|vpc| vpc.is_default() != Some(true)).count() == 1,
        "{vpcs:?}"
    );
    still_there(&aws).await
}

/// The manifest of the example, and what its ids are called there.
const EXAMPLE: &str = include_str!("../../examples/adopt.yaml");
const NAMES: [&str; 5] = [
    "vpc-0123456789abcdef0",
    "subnet-0123456789abcdef0",
    "rtb-0123456789abcdef0",
    "sg-0123456789abcdef0",
    "1234abcd-12ab-34cd-56ef-1234567890ab",
];

/// The plan beside the example: of an AWS that holds what it claims.
#[tokio::test]
async fn the_plan_of_the_adoption_is_current() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let aws = clients(rig.emulator.url()).await;
    let by_hand = ByHand::make(&aws).await?;
    for (key, value) in [("Application", "churn"), ("Purpose", "data")] {
        let tag = kms_tag(key, value)?;
        aws.kms.tag_resource().key_id(&by_hand.key).tags(tag).send().await?;
    }
    aws.iam.delete_role().role_name("ds-user-role-churn-dev").send().await?;
    let groups = aws.ec2.describe_security_groups().send().await?;
    let mut groups = groups
        .security_groups()
        .iter()
        .filter(|group| group.vpc_id() == Some(&by_hand.vpc));
    let default = groups
        .find(|group| group.group_name() == Some("default"))
        .and_then(|group| group.group_id());
    let default = default.context("the VPC's own group")?.to_owned();
    let ids = [
        &by_hand.vpc,
        &by_hand.subnets[0],
        &by_hand.table,
        &default,
        &by_hand.key,
    ];
    let manifest = ids
        .iter()
        .zip(NAMES)
        .fold(EXAMPLE.to_owned(), |text, (id, name)| text.replace(name, id));
    let planned = rig.secureml(&["plan", "-f", &file(&rig, &manifest)?]).await?;
    let plan = String::from_utf8(planned.stdout)?;
    let plan = ids
        .iter()
        .zip(NAMES)
        .fold(plan, |text, (id, name)| text.replace(*id, name));
    // Fingerprints are of what is there.
    let line = |line: &str| match line.split_once("spec.adopt.confirm: ") {
        Some((start, _)) => format!("{start}spec.adopt.confirm: 3f2a90c1-77d0be42\n"),
        None if line.starts_with("Plan ") => line
            .split_once(": ")
            .map_or_else(String::new, |(_, rest)| format!("Plan: {rest}\n")),
        None => format!("{line}\n"),
    };
    let plan: String = plan.lines().map(line).collect();
    crate::generated::current([Ok(("examples/adopt.plan.txt".to_owned(), plan))])
}
