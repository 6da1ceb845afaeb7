use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::conditions::condition;
use super::*;
use crate::engine::{Entry, Failure, Outcome};
use crate::model::{Holder, Owner};
use crate::plan::Step;

fn node() -> NodeKey {
    NodeKey::new("Subnet", "a")
}

fn project(status: Option<SecureMLProjectStatus>) -> SecureMLProject {
    let manifest = json!({
        "apiVersion": "secureml.dev/v1alpha1",
        "kind": "SecureMLProject",
        "metadata": {"name": "churn", "namespace": "default", "generation": 2},
        "spec": {"environmentType": "dev"},
    });
    let project: SecureMLProject = serde_json::from_value(manifest).expect("a project");
    SecureMLProject { status, ..project }
}

fn plan() -> Plan {
    let step = Step {
        action: Action::Delete,
        reason: "no longer declared".to_owned(),
        id: Some("subnet-1".to_owned()),
        duplicates: Vec::new(),
        changes: Vec::new(),
        calls: Vec::new(),
        then: Vec::new(),
        after: BTreeSet::new(),
        before: None,
        outputs: BTreeMap::new(),
    };
    Plan {
        owner: Owner::new("test", "default", "churn"),
        adoption: None,
        steps: BTreeMap::from([(node(), step)]),
    }
}

fn refused(class: Class, holders: Option<Vec<Holder>>) -> Report {
    let failure = Failure {
        call: "ec2:DeleteSubnet".to_owned(),
        class,
        code: "DependencyViolation".to_owned(),
        message: "has dependencies".into(),
    };
    let entry = Entry {
        action: Action::Delete,
        outcome: Outcome::Failed(failure),
        calls: 1,
    };
    Report {
        entries: BTreeMap::from([(node(), entry)]),
        holders: holders.into_iter().map(|holders| (node(), Ok(holders))).collect(),
        ..Report::default()
    }
}

fn interface(passes: bool) -> Holder {
    Holder::new("network interface", "eni-1")
        .of("amazon-sagemaker")
        .passes(passes)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a moment")
}

/// The reason, the message and the event's reason of a pass at `second`, and the status that it leaves.
fn told(
    status: Option<SecureMLProjectStatus>,
    report: &Report,
    second: i64,
) -> (String, String, Option<String>, SecureMLProjectStatus) {
    let project = project(status.clone());
    let moment = at(second) + SignedDuration::from_millis(250);
    let (latest, event) = removing(&project, status.unwrap_or_default(), &plan(), report, moment);
    let ready = condition(Some(&latest), "Ready").expect("a condition").clone();
    (ready.reason, ready.message, event.map(|event| event.reason), latest)
}

#[test]
fn what_aws_clears_away_is_waited_for_an_hour_and_told_once() {
    let report = refused(Class::InUse, Some(vec![interface(true)]));
    let (reason, message, event, status) = told(None, &report, 1000);
    assert_eq!(reason, "Deleting");
    assert!(message.contains("waiting since 1970-01-01T00:16:40Z"), "{message}");
    assert!(
        message.contains("network interface eni-1 (of amazon-sagemaker)"),
        "{message}"
    );
    assert_eq!(event.as_deref(), Some("DeletionWaits"));
    assert_eq!(status.resources[0].held_by, [interface(true)]);

    let (reason, again, event, status) = told(Some(status), &report, 1000 + 3599);
    assert_eq!(
        (reason.as_str(), again, event),
        ("Deleting", message, None),
        "nothing new is told"
    );

    let (reason, message, event, status) = told(Some(status), &report, 1000 + 3600);
    assert_eq!(reason, DELETION_BLOCKED);
    assert!(
        message.contains("AWS Support") && message.contains("eni-1"),
        "{message}"
    );
    assert_eq!(event.as_deref(), Some(DELETION_BLOCKED));
    let stalled = condition(Some(&status), "Stalled").map(|stalled| stalled.status.as_str());
    assert_eq!(stalled, Some("True"));
}

#[test]
fn what_somebody_has_there_needs_somebody_at_once() {
    let report = refused(Class::InUse, Some(vec![interface(true), interface(false)]));
    let (reason, message, event, _) = told(None, &report, 1000);
    assert_eq!(reason, DELETION_BLOCKED);
    assert!(message.contains("remove what does"), "{message}");
    assert_eq!(event.as_deref(), Some(DELETION_BLOCKED));
}

#[test]
fn what_passes_by_itself_blocks_nothing() {
    for (class, expected) in [(Class::Throttled, "Deleting"), (Class::Denied, DELETION_BLOCKED)] {
        let (reason, message, _, status) = told(None, &refused(class, None), 1000);
        assert_eq!(reason, expected, "{class:?}");
        assert!(
            !message.contains("since"),
            "a time that moves would be news in every pass: {message}"
        );
        assert_eq!(status.resources[0].held_since, None, "nothing holds it");
    }
}
