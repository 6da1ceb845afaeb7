//! What is done with a notebook: by the state it is in, what differs, and what the spec consents to.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::blueprint::{Builder, Consent, Stop};
use crate::kinds::notebook::{Attributes, RESTART_TAG};
use crate::kinds::{Kind, Notebook};
use crate::model::{Owner, Ref, Tags};
use crate::plan::{Object, Phase, Unread};

const NOTHING: Consent = Consent {
    stop: Stop::Never,
    replace: false,
};
const STOP: Consent = Consent {
    stop: Stop::AtOnce,
    replace: false,
};
const REPLACE: Consent = Consent {
    stop: Stop::Never,
    replace: true,
};
const ALL: Consent = Consent {
    stop: Stop::AtOnce,
    replace: true,
};

fn attributes() -> Attributes {
    Attributes {
        instance_type: "ml.t3.medium".to_owned(),
        subnet: Some("subnet-1".to_owned()),
        groups: BTreeSet::from(["sg-1".to_owned()]),
        role_arn: "arn:aws:iam::111122223333:role/service-role/r".to_owned(),
        kms_key: Some("arn:aws:kms:eu-central-1:111122223333:key/1".to_owned()),
        lifecycle_config: Some("start".to_owned()),
        volume_size_gib: 10,
        direct_internet_access: false,
        root_access: false,
        platform: "notebook-al2023-v1".to_owned(),
        minimum_imds: "2".to_owned(),
        default_code_repository: None,
        additional_code_repositories: BTreeSet::new(),
        restart_pending: false,
    }
}

fn blueprint(desired: &Attributes, consent: Consent) -> Blueprint {
    let mut builder = Builder::new(Owner::new("test", "default", "churn"), Tags::default());
    builder.add_with::<Notebook>("ada", "ds-notebook-churn-dev-ada", desired, |node| {
        node.consent = consent
    });
    builder.build()
}

/// How a notebook stands in AWS that was made as [`attributes`] says and then changed by `tamper`.
fn world(blueprint: &Blueprint, state: &str, tamper: impl FnOnce(&mut Attributes)) -> World {
    let mut actual = attributes();
    tamper(&mut actual);
    let key = NodeKey::new("Notebook", "ada");
    let mut tags = blueprint.nodes[&key].tags.clone();
    if actual.restart_pending {
        tags = tags.with(RESTART_TAG, "true");
    }
    let phase = match state {
        "InService" | "Stopped" => Phase::Ready,
        "Failed" => Phase::Broken("it failed: no capacity".to_owned()),
        _ => Phase::Busy(format!("AWS is at work on it: {state}")),
    };
    let object = Object {
        kind: "Notebook".to_owned(),
        id: "ds-notebook-churn-dev-ada".to_owned(),
        outputs: BTreeMap::new(),
        attributes: serde_json::to_value(actual).expect("JSON"),
        tags,
        state: state.to_owned(),
        phase,
    };
    World {
        owned: BTreeMap::from([(key, vec![object])]),
        ..World::default()
    }
}

fn operations(calls: &[Call]) -> String {
    let names = calls.iter().map(|call| call.call.trim_start_matches("sagemaker:"));
    names
        .map(|name| name.replace("NotebookInstance", ""))
        .collect::<Vec<_>>()
        .join(" ")
}

fn only_step(blueprint: &Blueprint, world: &World, goal: Goal) -> Step {
    let plan = plan(blueprint, world, goal).expect("a plan");
    let mut steps = plan.steps.into_values();
    let step = steps.next().expect("a step");
    assert!(steps.next().is_none());
    step
}

type Tampering = fn(&mut Attributes);

#[test]
fn state_by_difference_by_consent() {
    use Action::{Blocked, Keep, Replace, StopUpdateStart, Update, Wait};
    let same: Tampering = |_| {};
    let marked: Tampering = |a| a.restart_pending = true;
    let root: Tampering = |a| a.root_access = true;
    let root_marked: Tampering = |a| (a.root_access, a.restart_pending) = (true, true);
    let smaller: Tampering = |a| a.volume_size_gib = 5;
    let larger: Tampering = |a| a.volume_size_gib = 20;
    let moved: Tampering = |a| a.subnet = Some("subnet-2".to_owned());
    let moved_root: Tampering = |a| (a.subnet, a.root_access) = (Some("subnet-2".to_owned()), true);
    let table: &[(&str, Tampering, Consent, Action, &str, &str)] = &[
        // Nothing differs: nothing is done, and a notebook that somebody stopped stays so.
        ("InService", same, ALL, Keep, "", ""),
        ("Stopped", same, ALL, Keep, "", ""),
        ("Failed", same, ALL, Blocked, "", ""),
        // What needs a stop, on a running notebook.
        ("InService", root, NOTHING, Blocked, "", ""),
        (
            "InService",
            root,
            STOP,
            StopUpdateStart,
            "AddTags Stop",
            "Update Start DeleteTags",
        ),
        // We died between the tag and the stop; the consent stands, or it was taken back.
        (
            "InService",
            root_marked,
            STOP,
            StopUpdateStart,
            "Stop",
            "Update Start DeleteTags",
        ),
        ("InService", root_marked, NOTHING, Update, "DeleteTags", ""),
        // The passes that follow our stop.
        ("Stopping", root_marked, STOP, Wait, "", ""),
        ("Stopped", root_marked, STOP, Update, "Update", "Start DeleteTags"),
        ("Updating", root_marked, STOP, Wait, "", ""),
        ("Stopped", marked, STOP, Update, "Start DeleteTags", ""),
        ("Pending", marked, STOP, Wait, "", ""),
        ("InService", marked, STOP, Update, "DeleteTags", ""),
        // Consent taken back after our stop: what we stopped is changed, as it is stopped, and started.
        ("Stopped", root_marked, NOTHING, Update, "Update", "Start DeleteTags"),
        // Stopped by somebody: changed, not started.
        ("Stopped", root, NOTHING, Update, "Update", ""),
        ("Stopped", smaller, NOTHING, Update, "Update", ""),
        // A failed one was to run: changed, then started.
        ("Failed", root, NOTHING, Update, "AddTags Update", "Start DeleteTags"),
        ("Failed", root_marked, NOTHING, Update, "Update", "Start DeleteTags"),
        ("Failed", marked, NOTHING, Update, "Start DeleteTags", ""),
        // What only a new notebook can have, and a volume that would have to shrink.
        ("InService", moved, STOP, Blocked, "", ""),
        ("Stopped", larger, STOP, Blocked, "", ""),
        ("InService", moved, REPLACE, Blocked, "", ""),
        ("InService", moved, ALL, Replace, "Stop", "Delete Create"),
        ("InService", larger, ALL, Replace, "Stop", "Delete Create"),
        ("Stopping", moved, ALL, Wait, "", ""),
        ("Stopped", moved, REPLACE, Replace, "Delete", "Create"),
        ("Failed", moved, REPLACE, Replace, "Delete", "Create"),
        ("Deleting", moved, ALL, Wait, "", ""),
        // Without leave to replace, the rest is done; without leave to stop either, nothing.
        (
            "InService",
            moved_root,
            STOP,
            StopUpdateStart,
            "AddTags Stop",
            "Update Start DeleteTags",
        ),
        ("InService", moved_root, NOTHING, Blocked, "", ""),
        // AWS at work, and states we do not know.
        ("Pending", root, ALL, Wait, "", ""),
        ("PendingMaintenance", moved, ALL, Wait, "", ""),
        ("InMaintenance", moved, ALL, Wait, "", ""),
        ("SomethingNew", root, ALL, Wait, "", ""),
    ];
    for (state, tamper, consent, action, now, then) in table {
        let blueprint = blueprint(&attributes(), *consent);
        let step = only_step(&blueprint, &world(&blueprint, state, tamper), Goal::Present);
        let seen = (step.action, operations(&step.calls), operations(&step.then));
        let wanted = (*action, (*now).to_owned(), (*then).to_owned());
        assert_eq!(seen, wanted, "{state} {consent:?} {:?}", step.changes);
    }
}

#[test]
fn what_needs_a_stop_waits_for_its_window() {
    let night = Consent {
        stop: Stop::Within("sat:02:00-sat:06:00".parse().expect("a window")),
        replace: false,
    };
    let blueprint = blueprint(&attributes(), night);
    let at = |state, at: &str, tamper: Tampering| {
        let mut world = world(&blueprint, state, tamper);
        world.at = Some(at.parse().expect("a time"));
        only_step(&blueprint, &world, Goal::Present)
    };
    let root: Tampering = |a| a.root_access = true;
    let before = at("InService", "2026-11-27T12:00:00Z", root);
    assert!(before.calls.is_empty());
    assert_eq!(before.action, Action::Defer);
    assert_eq!(
        before.reason,
        "rootAccess can only be changed while it is stopped, which is done in the maintenance window that begins at \
         2026-11-28T02:00:00Z"
    );
    assert_eq!(
        at("InService", "2026-11-28T03:00:00Z", root).action,
        Action::StopUpdateStart
    );
    let stopped = at("Stopped", "2026-11-27T12:00:00Z", root);
    assert_eq!(stopped.action, Action::Update, "whoever stopped it is not interrupted");
    let begun: Tampering = |a| (a.root_access, a.restart_pending) = (true, true);
    let begun = at("Stopped", "2026-11-28T06:30:00Z", begun);
    assert_eq!(
        operations(&begun.then),
        "Start DeleteTags",
        "what was begun is ended after the window, too"
    );
    let mut no_clock = world(&blueprint, "InService", root);
    no_clock.at = None;
    assert_eq!(only_step(&blueprint, &no_clock, Goal::Present).action, Action::Defer);
}

#[test]
fn deleting_by_state() {
    let table = [
        ("InService", Action::Delete, "Stop", "Delete"),
        ("Stopped", Action::Delete, "Delete", ""),
        ("Failed", Action::Delete, "Delete", ""),
        ("Pending", Action::Wait, "", ""),
        ("Stopping", Action::Wait, "", ""),
        ("Deleting", Action::Wait, "", ""),
    ];
    for (state, action, now, then) in table {
        let blueprint = blueprint(&attributes(), NOTHING);
        let step = only_step(&blueprint, &world(&blueprint, state, |_| {}), Goal::Absent);
        let seen = (step.action, operations(&step.calls), operations(&step.then));
        assert_eq!(seen, (action, now.to_owned(), then.to_owned()), "{state}");
    }
}

#[test]
fn an_update_names_what_differs_and_nothing_else() {
    let blueprint = blueprint(&attributes(), NOTHING);
    let tamper = |a: &mut Attributes| {
        a.minimum_imds = "1".to_owned();
        a.default_code_repository = Some("https://example.com/x.git".to_owned());
    };
    let step = only_step(&blueprint, &world(&blueprint, "Stopped", tamper), Goal::Present);
    let settings = json!([{"minimumImds": "2"}, {"defaultCodeRepository": null}]);
    assert_eq!(step.calls[0].args["settings"], settings);
}

#[test]
fn every_field_that_needs_a_stop_can_be_set() {
    let mut other = attributes();
    other.volume_size_gib = 5;
    for field in Notebook::FIELDS
        .iter()
        .filter(|field| field.effect == Effect::StopFirst)
    {
        let change = Change {
            field: field.name.to_owned(),
            before: json!(null),
            after: json!(null),
            effect: Effect::StopFirst,
            severity: field.severity,
        };
        let current = kinds::Current {
            id: "n".to_owned(),
            state: "Stopped".to_owned(),
            attributes: attributes(),
            tags: Tags::default(),
        };
        let todo = Notebook::update(&current, &other, &kinds::Changed(&[change]));
        assert_eq!(todo.now.len(), 1, "{}", field.name);
    }
}

#[test]
fn nobody_is_interrupted_for_a_value_that_is_not_known() {
    let role = NodeKey::new("LifecycleConfig", "notebook");
    let mut desired = attributes();
    desired.lifecycle_config = Some(Ref::<()>::output(&role, "id").into());
    let mut blueprint = blueprint(&desired, ALL);
    let config = kinds::lifecycle_config::Attributes {
        on_create: None,
        on_start: None,
    };
    let mut other = Builder::new(blueprint.owner.clone(), Tags::default());
    other.add::<kinds::LifecycleConfig>("notebook", "start", &config);
    blueprint.nodes.extend(other.build().nodes);

    for (passes, action) in [(true, Action::Wait), (false, Action::Blocked)] {
        let mut world = world(&blueprint, "InService", |_| {});
        let unread = Unread {
            why: "could not be read".to_owned(),
            passes,
        };
        world.unread.insert("LifecycleConfig".to_owned(), unread);
        let plan = plan(&blueprint, &world, Goal::Present).expect("a plan");
        let step = &plan.steps[&NodeKey::new("Notebook", "ada")];
        assert_eq!(step.action, action);
        let reason = "lifecycleConfig cannot be compared until LifecycleConfig/notebook is known";
        assert_eq!(step.reason, reason);
    }
}

#[test]
fn a_reason_for_each_change_that_is_held_back() {
    let table: &[(&str, Consent, &str)] = &[
        (
            "InService",
            NOTHING,
            "AWS cannot change subnet on an existing Notebook: set the spec back, or set the notebook's replacePolicy: LoseVolume, which \
             loses what is on its volume; \
             rootAccess can only be changed while it is stopped: stop the notebook, or set its updatePolicy: Immediate",
        ),
        (
            "InService",
            REPLACE,
            "subnet, rootAccess can only be changed while it is stopped: stop the notebook, or set its updatePolicy: Immediate",
        ),
        (
            "Stopped",
            NOTHING,
            "differs from the spec in: rootAccess; \
             AWS cannot change subnet on an existing Notebook: set the spec back, or set the notebook's replacePolicy: LoseVolume, which \
             loses what is on its volume",
        ),
        (
            "Stopped",
            REPLACE,
            "differs from the spec in: subnet, which AWS cannot change in place",
        ),
    ];
    for (state, consent, reason) in table {
        let blueprint = blueprint(&attributes(), *consent);
        let tamper = |a: &mut Attributes| (a.subnet, a.root_access) = (None, true);
        let step = only_step(&blueprint, &world(&blueprint, state, tamper), Goal::Present);
        assert_eq!(step.reason, *reason);
    }
    let blueprint = blueprint(&attributes(), NOTHING);
    let moved = |a: &mut Attributes| a.subnet = None;
    let step = only_step(&blueprint, &world(&blueprint, "Failed", moved), Goal::Present);
    assert!(
        step.reason
            .starts_with("it failed: no capacity; AWS cannot change subnet"),
        "{}",
        step.reason
    );
}
