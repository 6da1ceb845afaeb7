//! What becomes of a claim: by what is there, what differs, and what was confirmed.

use serde_json::json;

use super::*;
use crate::blueprint::Builder;
use crate::kinds::{Bucket, KmsKey, SecurityGroup, Subnet, Vpc, bucket, kms_key, security_group, subnet, vpc};
use crate::model::{Adoption, Owner, Ref, Tags};
use crate::plan::{Goal, Plan, plan, render};

fn owner() -> Owner {
    Owner::new("test", "default", "churn")
}

fn network() -> vpc::Attributes {
    vpc::Attributes::closed("10.2.0.0/16".parse().expect("a CIDR"))
}

fn storage() -> bucket::Attributes {
    bucket::Attributes {
        policy: None,
        encryption: bucket::Encryption {
            algorithm: "AES256".to_owned(),
            key: None,
            bucket_key: false,
        },
        versioning: bucket::Versioning::Enabled,
        public_access_block: bucket::PublicAccessBlock::CLOSED,
        ownership: "BucketOwnerEnforced".to_owned(),
        lifecycle: BTreeSet::new(),
    }
}

/// A VPC with a group, and a bucket that has nothing to do with them.
fn blueprint(claims: &[(&str, Claimed)]) -> Blueprint {
    let mut builder = Builder::new(owner(), Tags::default());
    let vpc = builder.add::<Vpc>("main", "vpc", &network());
    let group = security_group::Attributes {
        vpc: vpc.id(),
        description: "Notebooks".to_owned(),
    };
    builder.add::<SecurityGroup>("sagemaker", "group", &group);
    builder.add::<Bucket>("data", "data", &storage());
    let mut blueprint = builder.build();
    let claims = claims.iter().map(|(node, on)| {
        let claim = Claim {
            on: on.clone(),
            from: None,
        };
        (key(node), claim)
    });
    blueprint.adoption = Adoption {
        claims: claims.collect(),
        ..Adoption::default()
    };
    blueprint
}

fn key(node: &str) -> NodeKey {
    node.parse().expect("a node's key")
}

fn id(id: &str) -> Claimed {
    Claimed::Id(id.to_owned())
}

fn object(kind: &str, id: &str, attributes: Value, tags: Tags) -> Object {
    Object {
        kind: kind.to_owned(),
        id: id.to_owned(),
        outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        attributes,
        tags,
        state: String::new(),
        phase: Phase::Ready,
    }
}

/// A VPC that somebody made, changed by `tamper`.
fn theirs(id: &str, tags: Tags, tamper: impl FnOnce(&mut vpc::Attributes)) -> Candidate {
    let mut attributes = network();
    tamper(&mut attributes);
    Candidate {
        object: object("Vpc", id, serde_json::to_value(attributes).expect("JSON"), tags),
        rivals: Vec::new(),
    }
}

fn world(found: Vec<Candidate>) -> World {
    World {
        claimed: BTreeMap::from([(key("Vpc/main"), found)]),
        ..World::default()
    }
}

fn planned(blueprint: &Blueprint, world: &World) -> Plan {
    plan(blueprint, world, Goal::Present).expect("a plan")
}

fn actions(plan: &Plan) -> Vec<(String, Action)> {
    let actions = plan.steps.iter().map(|(node, step)| (node.to_string(), step.action));
    actions.collect()
}

fn owned(blueprint: &Blueprint, node: &str, attributes: Value, id: &str) -> (NodeKey, Vec<Object>) {
    let key = key(node);
    let tags = blueprint.nodes[&key].tags.clone();
    (key.clone(), vec![object(&key.kind, id, attributes, tags)])
}

#[test]
fn nothing_is_done_before_it_is_confirmed_and_then_only_what_was_seen() {
    let mut blueprint = blueprint(&[("Vpc/main", id("vpc-1"))]);
    let dark = |vpc: &mut vpc::Attributes| vpc.dns_hostnames = false;
    let world = world(vec![theirs("vpc-1", Tags::default(), dark)]);
    let seen = planned(&blueprint, &world);
    assert_eq!(seen.writes().count(), 0, "{}", render(&seen));
    let step = &seen.steps[&key("Vpc/main")];
    assert_eq!((step.action, step.id.as_deref()), (Action::Propose, Some("vpc-1")));
    let print = seen.adoption.clone().expect("a fingerprint");
    let calls = |calls: &[Call]| calls.iter().map(|call| call.call.clone()).collect::<Vec<_>>();
    let all = ["ec2:CreateTags", "ec2:ModifyVpcAttribute"];
    assert_eq!(calls(&step.then), all);

    blueprint.adoption.confirmed = Some(print.clone());
    let done = planned(&blueprint, &world);
    let step = &done.steps[&key("Vpc/main")];
    assert_eq!(
        (step.action, calls(&step.calls)),
        (Action::Adopt, vec![all[0].to_owned()])
    );
    assert_eq!(step.calls[0].args["tags"][ADOPTED_TAG], json!(print));
    assert_eq!(
        done.writes().count(),
        1,
        "what depends on it comes after: {}",
        render(&done)
    );

    // By now something else would be done: that has to be seen first.
    let other = self::world(vec![theirs("vpc-1", Tags::default(), |vpc| vpc.dns_support = false)]);
    let changed = planned(&blueprint, &other);
    assert_eq!(changed.steps[&key("Vpc/main")].action, Action::Propose);
    assert_ne!(changed.adoption, Some(print));
}

#[test]
fn what_cannot_be_had_is_refused_with_its_reason() {
    let tags = |key: &str, value: &str| Tags::default().with(key, value);
    let free = || theirs("vpc-1", Tags::default(), |_| {});
    let claimed_twice = Candidate {
        rivals: vec![Owner::new("test", "default", "other")],
        ..free()
    };
    let mut going = free();
    going.object.phase = Phase::Leaving("its deletion is scheduled".to_owned());
    let table = [
        (vec![], "this account has no Vpc vpc-1 in this region"),
        (
            vec![theirs(
                "vpc-1",
                tags(crate::model::OWNER_TAG, "test/default/other"),
                |_| {},
            )],
            "vpc-1 belongs to test/default/other; only that project can give it up",
        ),
        (
            vec![free(), theirs("vpc-2", Tags::default(), |_| {})],
            "several have these tags: vpc-1, vpc-2; claim one of them by its id",
        ),
        (
            vec![claimed_twice],
            "test/default/other claims vpc-1 as well; only one can have it: remove it from the spec.adopt of the other",
        ),
        (
            vec![theirs("vpc-1", tags("aws:cloudformation:stack-name", "old"), |_| {})],
            "set from: old on the claim",
        ),
        (
            vec![theirs("vpc-1", Tags::default(), |vpc| {
                vpc.cidr_block = "10.9.0.0/16".parse().expect("a CIDR");
            })],
            "cidrBlock is \"10.9.0.0/16\" and not \"10.2.0.0/16\": AWS cannot change this on an existing Vpc",
        ),
        (vec![going], "its deletion is scheduled; call that off first"),
    ];
    let blueprint = blueprint(&[("Vpc/main", id("vpc-1"))]);
    for (found, why) in table {
        let plan = planned(&blueprint, &world(found));
        let step = &plan.steps[&key("Vpc/main")];
        assert_eq!(step.action, Action::Refuse, "{why}");
        assert!(step.reason.contains(why), "{}", step.reason);
        assert_eq!((plan.writes().count(), &plan.adoption), (0, &None), "{}", render(&plan));
    }
}

#[test]
fn a_manager_that_let_go_stands_in_nobodys_way() {
    let mut blueprint = blueprint(&[("Vpc/main", id("vpc-1"))]);
    let stack = Tags::default().with("aws:cloudformation:stack-name", "old");
    for (from, action) in [("other", Action::Refuse), ("old", Action::Propose)] {
        let claims = blueprint.adoption.claims.values_mut();
        claims.for_each(|claim| claim.from = Some(from.to_owned()));
        let plan = planned(&blueprint, &world(vec![theirs("vpc-1", stack.clone(), |_| {})]));
        assert_eq!(plan.steps[&key("Vpc/main")].action, action);
    }
}

#[test]
fn a_part_in_another_network_is_refused_and_so_is_all_that_comes_with_it() {
    let blueprint = blueprint(&[("Vpc/main", id("vpc-1")), ("SecurityGroup/sagemaker", id("sg-1"))]);
    let group = |vpc: &str| Candidate {
        object: object(
            "SecurityGroup",
            "sg-1",
            json!({"vpc": vpc, "description": "what the stack said"}),
            Tags::default(),
        ),
        rivals: Vec::new(),
    };
    let mut world = world(vec![theirs("vpc-1", Tags::default(), |_| {})]);
    for (vpc, action) in [("vpc-1", Action::Propose), ("vpc-9", Action::Refuse)] {
        world.claimed.insert(key("SecurityGroup/sagemaker"), vec![group(vpc)]);
        let plan = planned(&blueprint, &world);
        let step = &plan.steps[&key("SecurityGroup/sagemaker")];
        assert_eq!(step.action, action, "{}", step.reason);
        assert_eq!(plan.adoption.is_some(), action == Action::Propose, "all or none");
    }
    // A group of a network that does not come is not looked for a place in another.
    world
        .claimed
        .insert(key("SecurityGroup/sagemaker"), vec![group("vpc-1")]);
    world.claimed.remove(&key("Vpc/main"));
    let plan = planned(&blueprint, &world);
    let reason = &plan.steps[&key("SecurityGroup/sagemaker")].reason;
    assert!(reason.contains("Vpc/main is not adopted"), "{reason}");
}

#[test]
fn what_does_no_harm_is_left_as_it_is_on_what_was_adopted() {
    let blueprint = blueprint(&[]);
    let group = |mark: Option<&str>| {
        let (key, mut group) = owned(
            &blueprint,
            "SecurityGroup/sagemaker",
            json!({"vpc": "vpc-1", "description": "old"}),
            "sg-1",
        );
        if let Some(mark) = mark {
            group[0].tags = group[0].tags.clone().with(ADOPTED_TAG, mark);
        }
        let vpc = serde_json::to_value(network()).expect("JSON");
        let world = World {
            owned: BTreeMap::from([(key.clone(), group), owned(&blueprint, "Vpc/main", vpc, "vpc-1")]),
            ..World::default()
        };
        planned(&blueprint, &world).steps[&key].action
    };
    assert_eq!(group(Some("12345678-12345678")), Action::Keep);
    assert_eq!(group(None), Action::Blocked);
}

#[test]
fn no_two_subnets_are_adopted_in_one_zone() {
    let mut builder = Builder::new(owner(), Tags::default());
    let block = |number: u8| format!("10.2.{number}.0/24").parse().expect("a block");
    let place = |zone: &str, number: u8| subnet::Attributes {
        vpc: Ref::known("vpc-1"),
        cidr_block: block(number),
        availability_zone: zone.to_owned(),
        map_public_ip_on_launch: false,
        route_table: None,
        association: None,
    };
    builder.add::<Subnet>("a", "a", &place("zone-1", 1));
    builder.add::<Subnet>("b", "b", &place("zone-2", 2));
    let mut blueprint = builder.build();
    let claim = Claim {
        on: id("subnet-1"),
        from: None,
    };
    blueprint.adoption.claims.insert(key("Subnet/a"), claim);
    for (zone, action) in [("zone-9", Action::Propose), ("zone-2", Action::Refuse)] {
        let attributes = serde_json::to_value(place(zone, 1)).expect("JSON");
        let candidate = Candidate {
            object: object("Subnet", "subnet-1", attributes, Tags::default()),
            rivals: Vec::new(),
        };
        let world = World {
            claimed: BTreeMap::from([(key("Subnet/a"), vec![candidate])]),
            ..World::default()
        };
        let plan = planned(&blueprint, &world);
        assert_eq!(plan.steps[&key("Subnet/a")].action, action, "{}", render(&plan));
    }
}

#[test]
fn a_project_that_stands_goes_on_but_for_what_depends_on_the_adoption() {
    let blueprint = blueprint(&[("Vpc/main", id("vpc-1"))]);
    let mut open = storage();
    open.versioning = bucket::Versioning::Suspended;
    let mut world = world(vec![theirs("vpc-1", Tags::default(), |_| {})]);
    let bucket = owned(
        &blueprint,
        "Bucket/data",
        serde_json::to_value(open).expect("JSON"),
        "data",
    );
    world.owned.extend([bucket]);
    let plan = planned(&blueprint, &world);
    let wanted = [
        ("Bucket/data".to_owned(), Action::Update),
        ("SecurityGroup/sagemaker".to_owned(), Action::Blocked),
        ("Vpc/main".to_owned(), Action::Propose),
    ];
    assert_eq!(actions(&plan), wanted);
}

#[test]
fn what_was_confirmed_is_brought_to_its_end() {
    let claims = [("Vpc/main", id("vpc-1")), ("Bucket/data", id("data"))];
    let mut blueprint = blueprint(&claims);
    let candidate = Candidate {
        object: object(
            "Bucket",
            "data",
            serde_json::to_value(storage()).expect("JSON"),
            Tags::default(),
        ),
        rivals: Vec::new(),
    };
    let mut world = world(vec![theirs("vpc-1", Tags::default(), |vpc| vpc.dns_support = false)]);
    world.claimed.insert(key("Bucket/data"), vec![candidate]);
    let print = planned(&blueprint, &world).adoption.expect("a fingerprint");
    blueprint.adoption.confirmed = Some(print.clone());

    // Somebody died after the first of two tags.
    world.claimed.remove(&key("Vpc/main"));
    let vpc = serde_json::to_value(network()).expect("JSON");
    let (vpc_key, mut vpc) = owned(&blueprint, "Vpc/main", vpc, "vpc-1");
    vpc[0].tags = vpc[0].tags.clone().with(ADOPTED_TAG, print.clone());
    world.owned.insert(vpc_key.clone(), vpc);
    let plan = planned(&blueprint, &world);
    let step = &plan.steps[&key("Bucket/data")];
    assert_eq!(step.action, Action::Adopt, "{}", render(&plan));
    assert_eq!(step.calls[0].args["tags"][ADOPTED_TAG], json!(print));

    // Another claim was not what was confirmed.
    let other = Claim {
        on: id("sg-1"),
        from: None,
    };
    blueprint.adoption.claims.insert(key("SecurityGroup/sagemaker"), other);
    let group = json!({"vpc": "vpc-1", "description": "Notebooks"});
    let candidate = Candidate {
        object: object("SecurityGroup", "sg-1", group, Tags::default()),
        rivals: Vec::new(),
    };
    world.claimed.insert(key("SecurityGroup/sagemaker"), vec![candidate]);
    assert_eq!(planned(&blueprint, &world).writes().count(), 0);
}

#[test]
fn a_claim_on_what_the_project_has_is_refused_and_holds_nothing_up() {
    let blueprint = blueprint(&[("Vpc/main", id("vpc-2"))]);
    let mut dark = network();
    for (dns, action) in [(false, Action::Update), (true, Action::Refuse)] {
        dark.dns_support = dns;
        let vpc = serde_json::to_value(&dark).expect("JSON");
        let world = World {
            owned: BTreeMap::from([owned(&blueprint, "Vpc/main", vpc, "vpc-1")]),
            ..World::default()
        };
        let plan = planned(&blueprint, &world);
        assert_eq!(plan.steps[&key("Vpc/main")].action, action);
        assert_eq!(plan.steps[&key("SecurityGroup/sagemaker")].action, Action::Create);
    }
}

#[test]
fn a_bucket_that_is_called_otherwise_than_the_spec_says_is_left_alone() {
    let mut blueprint = blueprint(&[]);
    let mut open = storage();
    open.versioning = bucket::Versioning::Suspended;
    let bucket = owned(
        &blueprint,
        "Bucket/data",
        serde_json::to_value(open).expect("JSON"),
        "theirs",
    );
    let world = World {
        owned: BTreeMap::from([bucket]),
        ..World::default()
    };
    // Whoever names the bucket as the spec does now would name one that is not there.
    let group = blueprint
        .nodes
        .get_mut(&key("SecurityGroup/sagemaker"))
        .expect("a node");
    group.attributes["description"] = json!("for the bucket data");
    let plan = planned(&blueprint, &world);
    let step = &plan.steps[&key("Bucket/data")];
    assert_eq!(step.action, Action::Refuse);
    assert!(
        step.reason.contains("{resource: Bucket/data, id: theirs}"),
        "{}",
        step.reason
    );
    assert_eq!(plan.steps[&key("SecurityGroup/sagemaker")].action, Action::Blocked);
    assert_eq!(
        plan.steps[&key("Vpc/main")].action,
        Action::Create,
        "it does not name it"
    );
}

#[test]
fn what_was_adopted_stays_when_the_project_goes() {
    let mut blueprint = blueprint(&[]);
    let vpc = serde_json::to_value(network()).expect("JSON");
    let (key, mut vpc) = owned(&blueprint, "Vpc/main", vpc, "vpc-1");
    vpc[0].tags = vpc[0].tags.clone().with(ADOPTED_TAG, "12345678-12345678");
    let world = World {
        owned: BTreeMap::from([(key.clone(), vpc)]),
        ..World::default()
    };
    for (delete, action) in [(false, Action::Retain), (true, Action::Delete)] {
        blueprint.adoption.delete = delete;
        let plan = plan(&blueprint, &world, Goal::Absent).expect("a plan");
        assert_eq!(plan.steps[&key].action, action);
    }
}

#[test]
fn what_an_adopted_resource_needs_stays_with_it() {
    let mut builder = Builder::new(owner(), Tags::default());
    let key_of = |policy| kms_key::Attributes {
        aliases: BTreeSet::new(),
        description: String::new(),
        policy,
        rotation_days: None,
        state: kms_key::State::Enabled,
        grants: BTreeMap::new(),
        moved: false,
    };
    let handle = builder.add::<KmsKey>("project", "key", &key_of(crate::policy::Document::default()));
    builder.add::<KmsKey>("other", "other", &key_of(crate::policy::Document::default()));
    let mut encrypted = storage();
    encrypted.encryption.key = Some(handle.id().into());
    builder.add::<Bucket>("data", "data", &encrypted);
    let blueprint = Blueprint {
        forsaken: ["Bucket", "KmsKey"].map(str::to_owned).into(),
        ..builder.build()
    };
    for (adopted, action) in [(true, Action::Retain), (false, Action::Delete)] {
        let mut world = World::default();
        for (node, id) in [
            ("KmsKey/project", "key-1"),
            ("KmsKey/other", "key-2"),
            ("Bucket/data", "data"),
        ] {
            let mut attributes = blueprint.nodes[&key(node)].attributes.clone();
            crate::model::resolve(&mut attributes, &|_| Some("key-1".to_owned()));
            world.owned.extend([owned(&blueprint, node, attributes, id)]);
        }
        let bucket = &mut world.owned.get_mut(&key("Bucket/data")).expect("the bucket")[0];
        if adopted {
            bucket.tags = bucket.tags.clone().with(ADOPTED_TAG, "12345678-12345678");
        }
        let plan = plan(&blueprint, &world, Goal::Absent).expect("a plan");
        assert_eq!(plan.steps[&key("KmsKey/project")].action, action);
        assert_eq!(plan.steps[&key("KmsKey/other")].action, Action::Delete);
    }
}
