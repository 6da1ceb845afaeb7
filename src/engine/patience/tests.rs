use super::*;
use crate::engine::Entry;
use crate::model::Owner;
use crate::plan::{Goal, World, plan};

const CLASSES: [Class; 13] = [
    Class::Throttled,
    Class::Transient,
    Class::Unanswered,
    Class::Denied,
    Class::Credentials,
    Class::Invalid,
    Class::InUse,
    Class::NotFound,
    Class::Taken,
    Class::Quota,
    Class::Undone,
    Class::Unknown,
    Class::Unsolved,
];

fn node() -> NodeKey {
    NodeKey::new("Vpc", "main")
}

/// A plan that makes a VPC, or one with other addresses.
fn creation(spec: serde_json::Value) -> Plan {
    let spec = serde_json::from_value(spec).expect("a spec");
    let project = crate::blueprint::tests::project(spec);
    let mut blueprint = crate::blueprint::draw(&project);
    blueprint.owner = Owner::new("test", "default", "churn");
    blueprint.nodes.retain(|key, _| *key == node());
    plan(&blueprint, &World::default(), Goal::Present).expect("a plan")
}

fn failed(class: Class) -> Report {
    let failure = Failure {
        call: "ec2:CreateVpc".to_owned(),
        class,
        code: "Some".to_owned(),
        message: "no".into(),
    };
    let entry = Entry {
        action: Action::Create,
        outcome: Outcome::Failed(failure),
        calls: 1,
    };
    Report {
        entries: BTreeMap::from([(node(), entry)]),
        ..Report::default()
    }
}

#[test]
fn pauses_grow_to_the_longest_and_are_never_the_same_for_all() {
    let patience = Patience::default();
    for class in CLASSES {
        let Pauses { first, longest } = pauses(class);
        let mut before = Duration::ZERO;
        for times in 1..20 {
            let pause = patience.pause(&node(), pauses(class), times);
            assert!(
                pause >= first.mul_f64(1.0 - JITTER) && pause <= longest.mul_f64(1.0 + JITTER),
                "{class:?}"
            );
            let plain = first.saturating_mul(2_u32.saturating_pow(times - 1)).min(longest);
            assert!(plain >= before, "{class:?}");
            before = plain;
        }
        assert_eq!(before, longest, "{class:?}");
    }
    let of = |name: &str| patience.pause(&NodeKey::new("Subnet", name), pauses(Class::Transient), 5);
    assert!(of("a") != of("b") || of("b") != of("c"));
}

#[test]
fn what_failed_is_left_alone_for_its_pause_and_then_tried_again() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    let nothing = BTreeMap::new();
    patience.learn(&plan, &failed(Class::Denied), &nothing, now);
    assert!(patience.held(&plan, now).contains_key(&node()));
    assert!(patience.held(&plan, now + Duration::from_secs(76)).is_empty());
    let next = patience.next(now).map_or(0, |next| next.as_secs());
    assert!((45..=75).contains(&next), "when it was said, and not before: {next}");

    patience.learn(&plan, &failed(Class::Transient), &nothing, now);
    assert!(
        patience
            .next(now)
            .is_some_and(|pause| pause <= Duration::from_millis(1250))
    );
}

#[test]
fn another_declaration_is_tried_at_once() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    patience.learn(&plan, &failed(Class::Invalid), &BTreeMap::new(), now);
    let edited = creation(serde_json::json!({"environmentType": "dev", "network": {"vpcCidr": "10.9.0.0/16"}}));
    assert!(patience.held(&plan, now).contains_key(&node()));
    assert!(patience.held(&edited, now).is_empty(), "other calls");
    patience.forget();
    assert!(patience.held(&plan, now).is_empty());
}

#[test]
fn what_is_held_does_not_fail_once_more() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    patience.learn(&plan, &failed(Class::Transient), &BTreeMap::new(), now);
    let held = patience.held(&plan, now);
    patience.learn(&plan, &failed(Class::Transient), &held, now);
    assert_eq!(patience.failed[&node()].times, 1);
}

/// A plan that changes the VPC, which differs in `field`.
fn change(field: &str, severity: Severity) -> Plan {
    let mut plan = creation(serde_json::json!({"environmentType": "dev"}));
    let step = plan.steps.get_mut(&node()).expect("a step");
    step.action = Action::Update;
    step.changes = vec![Change {
        field: field.to_owned(),
        before: false.into(),
        after: true.into(),
        effect: Effect::InPlace,
        severity,
    }];
    plan
}

fn done() -> Report {
    let entry = Entry {
        action: Action::Update,
        outcome: Outcome::Done,
        calls: 1,
    };
    Report {
        entries: BTreeMap::from([(node(), entry)]),
        ..Report::default()
    }
}

/// How long `plan` is held each time that it was carried out and is there again.
fn pauses_of(patience: &mut Patience, plan: &Plan, times: usize) -> Vec<u64> {
    let mut now = Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..times {
        patience.learn(plan, &done(), &BTreeMap::new(), now);
        let begun = now;
        while !patience.held(plan, now).is_empty() {
            now += Duration::from_millis(500);
        }
        pauses.push(now.duration_since(begun).as_secs());
        now += Duration::from_secs(6);
    }
    pauses
}

#[test]
fn what_does_not_stay_is_changed_ever_less_often() {
    let mut patience = Patience::default();
    let plan = change("dnsSupport", Severity::High);
    let pauses = pauses_of(&mut patience, &plan, 12);
    assert_eq!(pauses[..2], [0, 0], "drift that comes again is corrected at once");
    assert!((7..=13).contains(&pauses[2]) && pauses[3] > pauses[2], "{pauses:?}");
    assert!((450..=751).contains(&pauses[11]), "{pauses:?}");

    let now = Instant::now();
    patience.learn(&plan, &done(), &BTreeMap::new(), now);
    let held = patience.held(&plan, now);
    let failure = &held[&node()];
    assert!(
        failure
            .to_string()
            .contains("corrected 13 times, and it does not stay: "),
        "{failure}"
    );
    assert!(!failure.class.passes() && failure.remedy().contains("CloudTrail"));
    assert!(
        patience.held(&change("dnsHostnames", Severity::High), now).is_empty(),
        "another difference"
    );
}

#[test]
fn an_open_boundary_is_not_left_open_for_longer_than_a_sweep() {
    let pauses = pauses_of(&mut Patience::default(), &change("gateways", Severity::Critical), 12);
    assert!(pauses.iter().all(|pause| *pause <= 61), "{pauses:?}");
}

#[test]
fn what_stayed_for_long_and_differs_again_is_new() {
    let mut patience = Patience::default();
    let plan = change("dnsSupport", Severity::High);
    let mut now = Instant::now();
    for _ in 0..9 {
        patience.learn(&plan, &done(), &BTreeMap::new(), now);
        assert!(patience.held(&plan, now).is_empty());
        now += REMEMBERED;
    }
}

/// How many of `hours` begin with a try of what fails with `class` each time.
fn tries(class: Class, hours: u32) -> u32 {
    let (mut patience, mut now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    let mut tries = 0;
    for _ in 0..hours {
        let held = patience.held(&plan, now);
        tries += u32::from(held.is_empty());
        patience.learn(&plan, &failed(class), &held, now);
        now += Duration::from_secs(3600);
    }
    tries
}

#[test]
fn nothing_terminal_is_tried_again() {
    for class in CLASSES {
        let wanted = if class.is_terminal() { 1 } else { 48 };
        assert_eq!(tries(class, 48), wanted, "{class:?}");
    }
}

#[test]
fn what_is_terminal_is_tried_when_what_it_refers_to_or_was_is_another() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let mut plan = creation(serde_json::json!({"environmentType": "dev"}));
    let vpc = NodeKey::new("Vpc", "other");
    let reference = Output {
        node: vpc.clone(),
        name: "id".to_owned(),
    }
    .to_string();
    let step = plan.steps.get_mut(&node()).expect("a step");
    step.calls[0].args["vpc"] = reference.into();
    let mut other = step.clone();
    other.action = Action::Keep;
    other.outputs = BTreeMap::from([("id".to_owned(), "vpc-1".to_owned())]);
    plan.steps.insert(vpc.clone(), other);
    let mut report = failed(Class::Invalid);
    report.outputs.insert(vpc.clone(), plan.steps[&vpc].outputs.clone());
    patience.learn(&plan, &report, &BTreeMap::new(), now);
    assert!(patience.held(&plan, now).contains_key(&node()));
    assert_eq!(patience.next(now), None);
    let mut made_anew = plan.clone();
    let outputs = &mut made_anew.steps.get_mut(&vpc).expect("a step").outputs;
    outputs.insert("id".to_owned(), "vpc-2".to_owned());
    assert!(patience.held(&made_anew, now).is_empty(), "another VPC");
    plan.steps.get_mut(&node()).expect("a step").before = Some(1);
    assert!(patience.held(&plan, now).is_empty(), "AWS holds something else");
}

#[test]
fn what_is_deleted_is_tried_again_since_no_edit_would_help() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let mut plan = creation(serde_json::json!({"environmentType": "dev"}));
    plan.steps.get_mut(&node()).expect("a step").action = Action::Delete;
    patience.learn(&plan, &failed(Class::Invalid), &BTreeMap::new(), now);
    assert!(patience.held(&plan, now).contains_key(&node()));
    assert!(patience.held(&plan, now + Duration::from_secs(4501)).is_empty());
}

#[test]
fn what_nobody_knows_calls_for_somebody_after_some_tries() {
    let (mut patience, mut now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    for times in 1..8 {
        let mut report = failed(Class::Unknown);
        patience.learn(&plan, &report, &BTreeMap::new(), now);
        patience.judge(&plan, &mut report);
        let (_, failure) = report.failures().next().expect("a failure");
        assert_eq!(failure.class.passes(), times < STRANGE, "{times}");
        let held = patience.held(&plan, now);
        assert_eq!(held[&node()].class, failure.class);
        now += Duration::from_secs(400);
        assert!(patience.held(&plan, now).is_empty(), "it is tried again all the same");
    }
}

#[test]
fn when_it_is_tried_again_is_told_once_and_for_all() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    let next_try = |patience: &Patience, class| {
        let mut report = failed(class);
        patience.judge(&plan, &mut report);
        report.next_tries.get(&node()).copied()
    };
    patience.learn(&plan, &failed(Class::Denied), &BTreeMap::new(), now);
    let told = next_try(&patience, Class::Denied).expect("it is told");
    let pause = told.duration_since(Timestamp::now()).as_secs();
    assert!((40..=75).contains(&pause), "{pause}");
    let held = patience.held(&plan, now);
    patience.learn(&plan, &failed(Class::Denied), &held, now + Duration::from_secs(9));
    assert_eq!(next_try(&patience, Class::Denied), Some(told), "no write at every pass");
    patience.learn(&plan, &failed(Class::Transient), &BTreeMap::new(), now);
    assert_eq!(next_try(&patience, Class::Transient), None, "it is over in a second");
    patience.learn(&plan, &failed(Class::Invalid), &BTreeMap::new(), now);
    assert_eq!(next_try(&patience, Class::Invalid), None, "never");
}

#[test]
fn a_failure_of_something_else_does_not_make_what_is_held_due() {
    let (mut patience, mut now) = (Patience::default(), Instant::now());
    let (x, mut y) = (
        change("dnsSupport", Severity::High),
        change("dnsHostnames", Severity::High),
    );
    y.steps.get_mut(&node()).expect("a step").calls[0].call = "ec2:Other".to_owned();
    for _ in 0..5 {
        patience.learn(&x, &done(), &BTreeMap::new(), now);
    }
    patience.learn(&y, &failed(Class::Transient), &BTreeMap::new(), now);
    now += Duration::from_secs(10);
    let held = patience.held(&x, now);
    assert_eq!(held[&node()].class, Class::Undone);
    patience.learn(&x, &failed(Class::Undone), &held, now);
    let next = patience.next(now).unwrap_or_default();
    assert!(next > Duration::from_secs(1), "it spins: {next:?}");
    assert!(patience.held(&x, now + next).is_empty(), "it is due then");
}

#[test]
fn what_was_due_while_the_pass_went_on_is_tried_at_once() {
    let (mut patience, now) = (Patience::default(), Instant::now());
    let plan = creation(serde_json::json!({"environmentType": "dev"}));
    patience.learn(&plan, &failed(Class::Transient), &BTreeMap::new(), now);
    let held = patience.held(&plan, now);
    let later = now + Duration::from_secs(2);
    patience.learn(&plan, &failed(Class::Transient), &held, later);
    assert_eq!(patience.next(later), Some(Duration::ZERO));
}

/// A notebook's way through a change that needs a stop: stopped with a pending answer, changed and started, as
/// declared.
fn stopped_and_started(patience: &mut Patience, action: Action, now: Instant) {
    let mut first = change("instanceType", Severity::High);
    first.steps.get_mut(&node()).expect("a step").action = action;
    let mut report = done();
    report.entries.get_mut(&node()).expect("an entry").outcome = Outcome::Pending {
        why: "the first half is done".to_owned(),
        turn_in: None,
    };
    patience.learn(&first, &report, &BTreeMap::new(), now);
    let mut second = change("instanceType", Severity::High);
    let step = second.steps.get_mut(&node()).expect("a step");
    let mut start = step.changes[0].clone();
    (start.field, start.effect) = ("running".to_owned(), Effect::Finish);
    step.changes.push(start);
    assert!(
        patience.held(&second, now).is_empty(),
        "what was begun is ended, whatever happened before"
    );
    patience.learn(&second, &done(), &BTreeMap::new(), now);
    let mut kept = second.clone();
    kept.steps.get_mut(&node()).expect("a step").action = Action::Keep;
    patience.learn(&kept, &Report::default(), &BTreeMap::new(), now);
}

#[test]
fn nobody_is_interrupted_again_and_again() {
    for action in [Action::StopUpdateStart, Action::Replace] {
        let (mut patience, mut now) = (Patience::default(), Instant::now());
        let mut plan = change("instanceType", Severity::High);
        plan.steps.get_mut(&node()).expect("a step").action = action;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            stopped_and_started(&mut patience, action, now);
            // AWS takes its time; somebody sets it back meanwhile.
            now += Duration::from_secs(900);
            let begun = now;
            while let Some(failure) = patience.held(&plan, now).get(&node()) {
                assert_eq!(failure.class, Class::Undone);
                now += Duration::from_secs(60);
            }
            pauses.push(now.duration_since(begun).as_secs());
        }
        assert_eq!(pauses[..1], [0], "the first is taken for drift: {pauses:?}");
        assert!(pauses[8] > 4 * 3600, "{action:?}: {pauses:?}");
    }
}

#[test]
fn what_aws_is_still_at_work_on_counts_as_changed() {
    let mut patience = Patience::default();
    let (plan, now) = (change("dnsSupport", Severity::High), Instant::now());
    let mut report = done();
    report.entries.get_mut(&node()).expect("an entry").outcome = Outcome::Pending {
        why: "AWS is at work".to_owned(),
        turn_in: None,
    };
    for _ in 0..AT_ONCE {
        assert!(patience.held(&plan, now).is_empty());
        patience.learn(&plan, &report, &BTreeMap::new(), now);
    }
    assert_eq!(patience.held(&plan, now)[&node()].class, Class::Undone);
}
