//! What is said where somebody has to decide, or where something holds everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use secureml::api::{DriftMode, PauseState, PauseStatus, PauseWish, SecureMLProject, SecureMLProjectStatus};
use secureml::audit::audit;
use secureml::blueprint::draw;
use secureml::controller::{Hold, broken_controls, claims_unread, removal, status, withheld};
use secureml::engine::claim::{Claimant, Standing};
use secureml::engine::{Braking, Class, Entry, Failure, Outcome, Report};
use secureml::model::{NodeKey, Tags};
use secureml::plan::{Action, Candidate, Expected, Goal, Object, Plan, PlanError, World, plan};
use serde_json::{Value, json};

use super::{Origin, Told, after, object};
use crate::environment::{Environment, FULL, parse};

/// AWS as it is, with a change.
fn changed(world: &World, node: &str, change: impl FnOnce(&mut Vec<Object>)) -> Result<World> {
    let mut world = world.clone();
    let objects = world
        .owned
        .get_mut(&node.parse()?)
        .with_context(|| format!("no {node}"))?;
    change(objects);
    Ok(world)
}

fn attribute(world: &World, node: &str, name: &str, value: Value) -> Result<World> {
    changed(world, node, |objects| objects[0].attributes[name] = value)
}

pub async fn what_needs_a_decision(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let strict = FULL.replace("    updatePolicy: Immediate\n    replacePolicy: LoseVolume\n", "");
    environment.declare(parse(&strict)?.spec).await?;
    let object = object(&strict)?;
    let mut observed = object.clone();
    observed.spec.drift.mode = DriftMode::Observe;
    let (world, _) = environment.look(Goal::Present).await?;
    let blueprint = environment.blueprint().clone();
    let mut say = |situation: &str, object: &SecureMLProject, world: &World| -> Result<()> {
        let plan = plan(&blueprint, world, Goal::Present)?;
        told.conditions(Origin::Values, situation, &after(object, &blueprint, &plan, None));
        Ok(())
    };
    say("everything is as declared", &object, &world)?;
    let other = attribute(&world, "Notebook/ana", "instanceType", json!("ml.m5.xlarge"))?;
    say("a notebook in use has another machine", &object, &other)?;
    let larger = attribute(&world, "Notebook/ana", "volumeSizeGib", json!(50))?;
    say("a notebook's volume is to shrink", &object, &larger)?;
    let other = attribute(&world, "Subnet/a", "cidrBlock", json!("10.2.9.0/24"))?;
    say("a subnet has other addresses", &object, &other)?;
    let open = attribute(
        &world,
        "Vpc/main",
        "gateways",
        json!([{"type": "internet", "id": "igw-0123456789abcdef0"}]),
    )?;
    say(
        "a gateway hangs on the VPC, and drift is only observed",
        &observed,
        &open,
    )?;
    let untagged = changed(&world, "SecurityGroup/sagemaker", |objects| {
        objects[0].tags = objects[0]
            .tags
            .iter()
            .filter(|(key, _)| *key != "ProjectName")
            .collect();
    })?;
    say("a tag is gone, and drift is only observed", &observed, &untagged)?;
    let mut gone = world.clone();
    gone.owned.remove(&"LogGroup/vpc-flow-logs".parse()?);
    gone.taken.remove("LogGroup");
    say("a log group is gone, and drift is only observed", &observed, &gone)?;

    let mut taken = world.clone();
    let bucket = &blueprint.nodes[&"Bucket/data".parse::<NodeKey>()?];
    taken.owned.remove(&bucket.key);
    for (situation, owner) in [
        ("a bucket of that name is nobody's", None),
        (
            "a bucket of that name is another project's",
            Some("prod/team/churn".parse()?),
        ),
    ] {
        let names = BTreeMap::from([(bucket.name.clone(), owner)]);
        taken.taken.insert("Bucket".to_owned(), names.into());
        say(situation, &object, &taken)?;
    }
    let twice = changed(&world, "Vpc/main", |objects| {
        let mut other = objects[0].clone();
        other.id = "vpc-0fedcba9876543210".to_owned();
        other.outputs.insert("id".to_owned(), other.id.clone());
        objects.push(other);
    })?;
    let both = attribute(&twice, "Subnet/b", "vpc", json!("vpc-0fedcba9876543210"))?;
    say("there are two VPCs, and both are used", &object, &both)?;
    say("there are two VPCs, one of which nothing uses", &observed, &twice)?;

    let mut unclear = world.clone();
    let log_group: NodeKey = "LogGroup/vpc-flow-logs".parse()?;
    unclear.owned.remove(&log_group);
    unclear.uncertain.insert(log_group.clone());
    say("a creation got no answer", &object, &unclear)?;
    unclear.uncertain.clear();
    let expected = Expected {
        outputs: BTreeMap::new(),
        done: false,
    };
    unclear.expected.insert(log_group, expected);
    say("what was just made is not listed yet", &object, &unclear)?;

    let busy = environment.blueprint().clone();
    let plan = plan(&busy, &gone, Goal::Present)?;
    let queued = Failure::queued("logs:CreateLogGroup", Duration::from_secs(200));
    let entry = Entry {
        action: Action::Create,
        outcome: Outcome::Pending {
            why: queued.message.into(),
            turn_in: Some(200),
        },
        calls: 0,
    };
    let report = Report {
        entries: BTreeMap::from([("LogGroup/vpc-flow-logs".parse()?, entry)]),
        ..Report::default()
    };
    told.conditions(
        Origin::Values,
        "a call waits for its turn",
        &after(&object, &busy, &plan, Some(&report)),
    );
    Ok(())
}

/// What the audit finds, as the condition `GuardrailsEnforced` says it.
pub async fn what_is_open(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let (world, _) = environment.look(Goal::Present).await?;
    let cases = [
        ("a bucket has no policy", "Bucket/data", "policy", json!(null)),
        (
            "a notebook reaches the internet",
            "Notebook/ana",
            "directInternetAccess",
            json!(true),
        ),
        (
            "a gateway hangs on the VPC",
            "Vpc/main",
            "gateways",
            json!([{"type": "internet", "id": "igw-0123456789abcdef0"}]),
        ),
        (
            "somebody is root on a notebook",
            "Notebook/ana",
            "rootAccess",
            json!(true),
        ),
    ];
    for (situation, node, name, value) in cases {
        let world = attribute(&world, node, name, value)?;
        let report = audit(environment.project(), environment.blueprint(), &world);
        ensure!(!report.holds(), "{situation} breaks no control");
        let situation = format!("{situation}, seen by the audit");
        told.say(
            Origin::Values,
            &situation,
            "GuardrailsEnforced=False ControlsFail",
            &broken_controls(&report),
        );
    }
    Ok(())
}

/// What keeps everything as it is, whatever differs.
pub async fn what_holds_everything(environment: &mut Environment, told: &mut Told) -> Result<()> {
    let object = object(FULL)?;
    let (world, _) = environment.look(Goal::Present).await?;
    let blueprint = environment.blueprint().clone();
    let off = attribute(&world, "Vpc/main", "dnsSupport", json!(false))?;
    let differs = plan(&blueprint, &off, Goal::Present)?;
    let settled = plan(&blueprint, &world, Goal::Present)?;
    let mut held = |situation: &str, plan: &Plan, hold: &Hold| {
        let latest = SecureMLProjectStatus::default();
        let status = status::after_pass(&object, latest, &blueprint, plan, None, Some(hold));
        told.conditions(Origin::Values, situation, &status);
    };
    let wish = PauseWish {
        until: "2026-11-27T18:00:00Z".to_owned(),
        by: "ana@example.com".to_owned(),
        reason: "a forensic copy is made".to_owned(),
    };
    let paused = Hold::Paused(PauseStatus {
        wish,
        state: PauseState::Active,
        problem: None,
        since: Time(Timestamp::UNIX_EPOCH),
    });
    held("somebody has asked for a pause", &differs, &paused);
    held("somebody has asked for a pause, and nothing differs", &settled, &paused);
    let braking = Braking {
        id: "2026-11-27T09:30:12Z".to_owned(),
        projects: 5,
        fleet: 7,
    };
    let braked = Hold::Braked(braking, "churn -n default".to_owned());
    held("too much of the fleet would change at once", &differs, &braked);

    let account = &environment.project().account;
    let claimant = |cluster: &str| Claimant {
        cluster: cluster.to_owned(),
        start: 1_795_000_000,
    };
    let (own, other) = (claimant("0b1f22"), BTreeSet::from([claimant("77aa01")]));
    for (situation, standing) in [
        (
            "another cluster had the installation before",
            Standing::Asking(other.clone()),
        ),
        ("two clusters have the same installation", Standing::Disputed(other)),
    ] {
        let why = withheld(standing, &own, "test", account, (300, 60)).context("it is alone")?;
        held(situation, &differs, &Hold::Withheld(why));
    }
    let unread = Failure {
        call: "ssm:GetParametersByPath".to_owned(),
        class: Class::Denied,
        code: "AccessDeniedException".to_owned(),
        message: "User: arn:aws:sts::123456789012:assumed-role/secureml/x is not authorized to perform: \
                  ssm:GetParametersByPath on resource: arn:aws:ssm:us-east-1:123456789012:parameter/secureml/installations/test"
            .into(),
    };
    held(
        "claims may not be read",
        &differs,
        &Hold::Withheld(claims_unread("test", &unread)),
    );
    let (status, _) = removal::held(&object, SecureMLProjectStatus::default(), &paused);
    told.conditions(Origin::Values, "it is to go while it is paused", &status);

    let node: NodeKey = "Vpc/main".parse()?;
    let failure = Failure::undone("ec2:ModifyVpcAttribute", 4, &differs.steps[&node].reason);
    let entry = Entry {
        action: Action::Update,
        outcome: Outcome::Failed(failure),
        calls: 0,
    };
    let report = Report {
        entries: BTreeMap::from([(node, entry)]),
        ..Report::default()
    };
    let status = after(&object, &blueprint, &differs, Some(&report));
    told.conditions(Origin::Values, "somebody changes it back each time", &status);
    let error = PlanError::UnknownKind(NodeKey::new("Castle", "main"));
    let status = status::unplannable(&object, SecureMLProjectStatus::default(), &error);
    told.conditions(Origin::Values, "no plan can be made", &status);
    adoptions(environment, &world, told)
}

/// A bucket that is claimed, and can be adopted or not.
fn adoptions(environment: &Environment, world: &World, told: &mut Told) -> Result<()> {
    let manifest = FULL.to_owned() + "  adopt:\n    resources: [{resource: Bucket/data, id: research-rows-2019}]\n";
    let object = object(&manifest)?;
    let mut project = environment.project().clone();
    project.spec = object.spec.clone();
    let blueprint = draw(&project);
    let node: NodeKey = "Bucket/data".parse()?;
    for (situation, rivals) in [
        ("a bucket can be adopted", Vec::new()),
        (
            "a bucket is claimed by another project as well",
            vec!["prod/team/churn".parse()?],
        ),
    ] {
        let mut claimed = world.clone();
        let mut objects = claimed.owned.remove(&node).context("no bucket")?;
        let mut object_found = objects.pop().context("no bucket")?;
        object_found.id = "research-rows-2019".to_owned();
        object_found.tags = Tags::default();
        object_found.attributes["versioning"] = json!("Suspended");
        let candidate = Candidate {
            object: object_found,
            rivals,
        };
        claimed.claimed.insert(node.clone(), vec![candidate]);
        let plan = plan(&blueprint, &claimed, Goal::Present)?;
        told.conditions(Origin::Values, situation, &after(&object, &blueprint, &plan, None));
    }
    Ok(())
}
