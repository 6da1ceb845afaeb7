//! What plans do whatever the kind: order, waiting, what cannot be read, several resources in one call.

use std::collections::{BTreeMap, BTreeSet};

use crate::blueprint::{Blueprint, Builder};
use crate::kinds::{Vpc, VpcEndpoint, vpc, vpc_endpoint};
use crate::model::{NodeKey, Owner, Ref, Tags};
use crate::plan::{Action, Expected, Goal, Object, Phase, Plan, Unread, World, plan};

fn network(cidr: &str) -> vpc::Attributes {
    vpc::Attributes::closed(cidr.parse().expect("a CIDR"))
}

fn endpoint(vpc: Ref<Vpc>, service: &str) -> vpc_endpoint::Attributes {
    vpc_endpoint::Attributes {
        vpc,
        service_name: service.to_owned(),
        endpoint_type: vpc_endpoint::EndpointType::Interface,
        policy: None,
        subnets: BTreeSet::new(),
        groups: BTreeSet::new(),
        route_tables: BTreeSet::new(),
        private_dns: true,
    }
}

/// A VPC and two endpoints in it.
fn blueprint() -> Blueprint {
    let mut builder = Builder::new(Owner::new("test", "default", "churn"), Tags::default());
    let vpc = builder.add::<Vpc>("main", "vpc", &network("10.2.0.0/16"));
    for service in ["sts", "kms"] {
        builder.add::<VpcEndpoint>(service, service, &endpoint(vpc.id(), service));
    }
    builder.build()
}

/// What AWS holds after `blueprint` was carried out.
fn made(blueprint: &Blueprint) -> World {
    let mut world = World::default();
    for (key, node) in &blueprint.nodes {
        let id = format!("{}-1", key.name);
        let mut attributes = node.attributes.clone();
        crate::model::resolve(&mut attributes, &|output| Some(format!("{}-1", output.node.name)));
        let object = Object {
            kind: key.kind.clone(),
            outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
            id,
            attributes,
            tags: node.tags.clone(),
            state: String::new(),
            phase: Phase::Ready,
        };
        world.owned.insert(key.clone(), vec![object]);
    }
    world
}

fn vpc_key() -> NodeKey {
    NodeKey::new("Vpc", "main")
}

fn present(world: &World) -> Plan {
    plan(&blueprint(), world, Goal::Present).expect("a plan")
}

#[test]
fn what_is_as_declared_is_kept() {
    let plan = present(&made(&blueprint()));
    assert!(plan.is_settled());
    assert_eq!(plan.writes().count(), 0);
}

#[test]
fn what_refers_comes_after_what_it_refers_to_and_goes_before_it() {
    let created = present(&World::default());
    let sts = NodeKey::new("VpcEndpoint", "sts");
    assert_eq!(created.steps[&sts].after, BTreeSet::from([vpc_key()]));
    let deleted = plan(&blueprint(), &made(&blueprint()), Goal::Absent).expect("a plan");
    assert!(deleted.steps[&vpc_key()].after.contains(&sts));
}

#[test]
fn what_goes_together_goes_with_one_call() {
    let deleted = plan(&blueprint(), &made(&blueprint()), Goal::Absent).expect("a plan");
    let [lead, follower] = ["kms", "sts"].map(|name| NodeKey::new("VpcEndpoint", name));
    assert_eq!(deleted.steps[&lead].calls.len(), 1);
    assert_eq!(
        deleted.steps[&lead].calls[0].args["ids"],
        serde_json::json!(["kms-1", "sts-1"])
    );
    assert!(deleted.steps[&follower].calls.is_empty());
    assert_eq!(deleted.steps[&follower].after, BTreeSet::from([lead]));
}

#[test]
fn what_the_spec_no_longer_has_goes_after_what_holds_its_id() {
    let owner = Owner::new("test", "default", "churn");
    let deleted = plan(&Blueprint::empty(owner), &made(&blueprint()), Goal::Absent).expect("a plan");
    assert_eq!(deleted.steps[&vpc_key()].action, Action::Delete);
    assert!(
        deleted.steps[&vpc_key()]
            .after
            .contains(&NodeKey::new("VpcEndpoint", "sts"))
    );
}

#[test]
fn nothing_is_written_again_while_aws_answers_what_was_before() {
    let mut world = made(&blueprint());
    world.owned.get_mut(&vpc_key()).expect("the VPC")[0].attributes["dnsSupport"] = false.into();
    let first = present(&world);
    assert_eq!(first.steps[&vpc_key()].action, Action::Update);
    let before = first.steps[&vpc_key()].before.expect("what it is based on");
    world.before_write.insert(vpc_key(), before);
    assert_eq!(present(&world).steps[&vpc_key()].action, Action::Wait);
    world.owned.get_mut(&vpc_key()).expect("the VPC")[0].attributes["dnsHostnames"] = false.into();
    assert_eq!(
        present(&world).steps[&vpc_key()].action,
        Action::Update,
        "something else is wrong now"
    );
}

#[test]
fn what_cannot_be_read_is_neither_made_nor_removed() {
    let mut world = made(&blueprint());
    let unread = &mut world.owned.get_mut(&vpc_key()).expect("the VPC")[0];
    unread.attributes = serde_json::Value::Null;
    unread.phase = Phase::Broken("denied".to_owned());
    for goal in [Goal::Present, Goal::Absent] {
        let plan = plan(&blueprint(), &world, goal).expect("a plan");
        assert_eq!(plan.steps[&vpc_key()].action, Action::Blocked);
    }
    let unread = |passes| Unread {
        why: "no answer".to_owned(),
        passes,
    };
    for (passes, action) in [(true, Action::Wait), (false, Action::Blocked)] {
        let mut world = World::default();
        world.unread.insert("Vpc".to_owned(), unread(passes));
        assert_eq!(present(&world).steps[&vpc_key()].action, action);
    }
}

/// A key that an earlier spec declared.
#[test]
fn data_that_is_no_longer_declared_goes_with_the_project_if_its_like_does() {
    let key = NodeKey::new("KmsKey", "notebook-bo");
    let object = Object {
        kind: key.kind.clone(),
        id: "k-1".to_owned(),
        outputs: BTreeMap::new(),
        attributes: serde_json::json!({
            "aliases": [], "description": "", "policy": {"Version": "2012-10-17", "Statement": []}, "rotationDays": null,
            "state": "Enabled", "grants": {}, "moved": false,
        }),
        tags: Tags::default(),
        state: String::new(),
        phase: Phase::Ready,
    };
    let action = |goal, forsaken: &[&str]| {
        let mut world = made(&blueprint());
        world.owned.insert(key.clone(), vec![object.clone()]);
        let forsaken = forsaken.iter().map(|kind| (*kind).to_owned()).collect();
        let blueprint = Blueprint {
            forsaken,
            ..blueprint()
        };
        plan(&blueprint, &world, goal).expect("a plan").steps[&key].action
    };
    assert_eq!(
        action(Goal::Present, &["KmsKey"]),
        Action::Retain,
        "the project goes on"
    );
    assert_eq!(action(Goal::Absent, &["Bucket"]), Action::Retain);
    assert_eq!(action(Goal::Absent, &["KmsKey"]), Action::Delete);
}

/// An AWS where somebody has a name of [`blueprint`]'s.
fn collision(mut world: World) -> World {
    let theirs = Owner::new("other", "default", "churn");
    let names = BTreeMap::from([("sts".to_owned(), Some(theirs))]);
    world.taken.insert("VpcEndpoint".to_owned(), std::sync::Arc::new(names));
    world
}

#[test]
fn nothing_is_begun_while_a_name_is_taken() {
    let [sts, kms] = ["sts", "kms"].map(|name| NodeKey::new("VpcEndpoint", name));
    let plan = present(&collision(World::default()));
    assert_eq!(plan.writes().count(), 0);
    assert_eq!(plan.steps[&sts].action, Action::Conflict);
    assert!(plan.steps[&sts].reason.contains("belongs to other/default/churn"));
    for held in [&kms, &vpc_key()] {
        assert_eq!(plan.steps[held].action, Action::Blocked);
        assert!(
            plan.steps[held].reason.contains("VpcEndpoint/sts"),
            "{}",
            plan.steps[held].reason
        );
    }

    // Once it stands, a collision is nobody's trouble but its own.
    let mut standing = made(&blueprint());
    standing.owned.remove(&sts);
    standing.owned.remove(&kms);
    let plan = present(&collision(standing));
    assert_eq!(plan.steps[&sts].action, Action::Conflict);
    assert_eq!(plan.steps[&kms].action, Action::Create);
}

#[test]
fn nothing_is_begun_before_all_names_could_be_read() {
    for (passes, action) in [(true, Action::Wait), (false, Action::Blocked)] {
        let why = "no answer".to_owned();
        let mut world = World::default();
        world.unread.insert("VpcEndpoint".to_owned(), Unread { why, passes });
        let plan = present(&world);
        assert_eq!(plan.steps[&vpc_key()].action, action);
        assert_eq!(plan.writes().count(), 0);
    }
}

#[test]
fn what_was_just_made_is_not_made_again() {
    let mut world = World::default();
    world.uncertain.insert(vpc_key());
    assert_eq!(present(&world).steps[&vpc_key()].action, Action::Wait);
    let outputs = BTreeMap::from([("id".to_owned(), "vpc-9".to_owned())]);
    for (done, action) in [(false, Action::Wait), (true, Action::Keep)] {
        let mut world = World::default();
        let outputs = outputs.clone();
        world.expected.insert(vpc_key(), Expected { outputs, done });
        let plan = present(&world);
        assert_eq!(plan.steps[&vpc_key()].action, action);
        let endpoint = &plan.steps[&NodeKey::new("VpcEndpoint", "sts")].calls[0];
        assert_eq!(endpoint.args["vpc"], "vpc-9", "others can go on with it");
    }
}

#[test]
fn what_was_just_made_is_not_gone() {
    let mut world = World::default();
    let outputs = BTreeMap::from([("id".to_owned(), "vpc-9".to_owned())]);
    world.expected.insert(vpc_key(), Expected { outputs, done: true });
    let plan = plan(&blueprint(), &world, Goal::Absent).expect("a plan");
    assert_eq!(plan.steps[&vpc_key()].action, Action::Wait);
    assert!(!plan.is_settled());
}

#[test]
fn what_cannot_be_listed_is_not_gone() {
    let unread = |passes| Unread {
        why: "sagemaker:ListNotebookInstances was denied".to_owned(),
        passes,
    };
    let nothing_known = Blueprint::empty(blueprint().owner);
    for (passes, action) in [(true, Action::Wait), (false, Action::Blocked)] {
        let mut world = World::default();
        world.unread.insert("Notebook".to_owned(), unread(passes));
        let plan = plan(&nothing_known, &world, Goal::Absent).expect("a plan");
        assert!(!plan.is_settled(), "of an unsound spec nothing else is known");
        assert_eq!(plan.steps[&NodeKey::new("Notebook", "*")].action, action);
    }
    let mut world = World::default();
    world.uncertain.insert(vpc_key());
    let plan = plan(&nothing_known, &world, Goal::Absent).expect("a plan");
    assert_eq!(plan.steps[&vpc_key()].action, Action::Wait, "it may have been made");
}

#[test]
fn two_of_one_are_left_for_somebody_to_decide() {
    let mut world = made(&blueprint());
    let vpcs = world.owned.get_mut(&vpc_key()).expect("the VPC");
    let mut second = vpcs[0].clone();
    second.id = "main-2".to_owned();
    vpcs.push(second);
    let step = &present(&world).steps[&vpc_key()];
    assert_eq!(step.action, Action::Conflict);
    assert!(step.reason.contains("main-1, main-2"), "{}", step.reason);
}

/// A world in which the VPC is there twice.
fn with_two(change: impl FnOnce(&mut Object)) -> (Blueprint, World) {
    let blueprint = blueprint();
    let mut world = made(&blueprint);
    let vpcs = world.owned.get_mut(&NodeKey::new("Vpc", "main")).expect("a VPC");
    let mut second = vpcs[0].clone();
    second.id = "main-2".to_owned();
    second.outputs.insert("id".to_owned(), second.id.clone());
    change(&mut second);
    vpcs.insert(0, second);
    (blueprint, world)
}

fn vpc_step(blueprint: &Blueprint, world: &World) -> (Action, Option<String>, Vec<String>) {
    let plan = plan(blueprint, world, Goal::Present).expect("a plan");
    let step = &plan.steps[&NodeKey::new("Vpc", "main")];
    (step.action, step.id.clone(), step.duplicates.clone())
}

#[test]
fn what_was_made_beside_and_is_not_used_goes() {
    let (blueprint, world) = with_two(|_| {});
    let (action, id, duplicates) = vpc_step(&blueprint, &world);
    assert_eq!(action, Action::RemoveDuplicate);
    assert_eq!(id.as_deref(), Some("main-1"), "the endpoints are in it");
    assert_eq!(duplicates, ["main-2"]);
}

#[test]
fn where_none_is_used_the_one_that_is_most_like_what_was_declared_stays() {
    let (blueprint, mut world) = with_two(|_| {});
    world.owned.retain(|node, _| node.kind == "Vpc");
    let vpcs = world.owned.values_mut().next().expect("VPCs");
    vpcs[1].attributes["dnsHostnames"] = false.into();
    let (action, id, duplicates) = vpc_step(&blueprint, &world);
    assert_eq!(action, Action::RemoveDuplicate);
    assert_eq!((id.as_deref(), duplicates), (Some("main-2"), vec!["main-1".to_owned()]));
}

#[test]
fn where_both_may_be_in_use_somebody_has_to_decide() {
    let (blueprint, mut world) = with_two(|_| {});
    let endpoint = world
        .owned
        .get_mut(&NodeKey::new("VpcEndpoint", "kms"))
        .expect("an endpoint");
    endpoint[0].attributes["vpc"] = "main-2".into();
    let plan = plan(&blueprint, &world, Goal::Present).expect("a plan");
    let step = &plan.steps[&NodeKey::new("Vpc", "main")];
    assert_eq!(step.action, Action::Conflict, "{}", step.reason);
    assert!(
        step.reason.contains("main-1") && step.reason.contains("main-2"),
        "{}",
        step.reason
    );
    assert!(plan.writes().all(|(_, step)| step.action != Action::RemoveDuplicate));
}

#[test]
fn what_is_on_its_way_out_is_no_duplicate() {
    let (blueprint, world) = with_two(|second| second.phase = Phase::Leaving("it is being deleted".to_owned()));
    let (action, id, duplicates) = vpc_step(&blueprint, &world);
    assert_eq!(
        (action, id.as_deref(), duplicates.len()),
        (Action::Keep, Some("main-1"), 0)
    );
}

#[test]
fn when_everything_goes_duplicates_go_one_after_the_other() {
    let (blueprint, mut world) = with_two(|_| {});
    world.owned.retain(|node, _| node.kind == "Vpc");
    let plan = plan(&blueprint, &world, Goal::Absent).expect("a plan");
    let step = &plan.steps[&NodeKey::new("Vpc", "main")];
    assert_eq!((step.action, step.id.as_deref()), (Action::Delete, Some("main-2")));
}

#[test]
fn what_uses_them_has_to_be_known_before_one_goes() {
    let (blueprint, mut world) = with_two(|_| {});
    let unread = Unread {
        why: "denied".to_owned(),
        passes: false,
    };
    world.unread.insert("Notebook".to_owned(), unread);
    assert_eq!(vpc_step(&blueprint, &world).0, Action::Wait);
}

#[test]
fn of_a_plan_only_what_is_wanted_is_carried_out() {
    let blueprint = blueprint();
    let plan = plan(&blueprint, &World::default(), Goal::Present).expect("a plan");
    assert!(plan.writes().next().is_some());
    assert_eq!(plan.only(|_| true), plan);
    let nothing = plan.only(|_| false);
    assert!(nothing.writes().next().is_none() && nothing.steps.len() == plan.steps.len());
    assert!(nothing.steps.values().all(|step| step.calls.is_empty()));
    let vpc = plan.only(|step| step.calls.iter().any(|call| call.call == "ec2:CreateVpc"));
    let left: Vec<&NodeKey> = vpc.writes().map(|(node, _)| node).collect();
    assert_eq!(left, [&NodeKey::new("Vpc", "main")]);
}
