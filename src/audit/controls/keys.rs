//! Keys: who may use them, who may manage them, and that they are there tomorrow.

use super::super::probe::{Probe, STRANGERS, Who, judge};
use super::super::report::{Control, Outcome, Severity};
use super::super::scene::Scene;
use super::{FOREIGN_KEY, code, everybody, others, role};
use crate::kinds::{KmsKey, kms_key};

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "KMS.1",
        title: "No role of the project decrypts with keys that are not the project's",
        severity: Severity::Medium,
        check: foreign_keys,
    },
    Control {
        id: "KMS.3",
        title: "Keys can be used, and are not about to be deleted",
        severity: Severity::Critical,
        check: usable,
    },
    Control {
        id: "KMS.4",
        title: "The material of keys is made anew every year",
        severity: Severity::Medium,
        check: rotation,
    },
    Control {
        id: "KMS.5",
        title: "Other accounts cannot use keys",
        severity: Severity::Critical,
        check: strangers,
    },
    Control {
        id: "K3",
        title: "The account's administrators can manage keys",
        severity: Severity::Medium,
        check: manageable,
    },
    Control {
        id: "K4",
        title: "Who manages keys cannot use them",
        severity: Severity::High,
        check: separation,
    },
    Control {
        id: "K5",
        title: "Keys are used by the project's code only, and from inside only",
        severity: Severity::Critical,
        check: users,
    },
    Control {
        id: "K6",
        title: "Nobody is let in by a grant but AWS services, for the project's volumes",
        severity: Severity::High,
        check: grants,
    },
    Control {
        id: "K8",
        title: "AWS services do not use keys for other accounts",
        severity: Severity::High,
        check: services,
    },
];

const USE: &[&str] = &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"];
const GRANT: &str = "kms:CreateGrant";

/// `actions` on each key by each of `askers`.
fn asked(scene: &Scene<'_>, askers: &[Who], actions: &[&str], ask: fn(Who, &str, String) -> Probe) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (node, key) in scene.outputs::<KmsKey>("arn") {
        for who in askers {
            let of_each = actions
                .iter()
                .map(|action| ask(who.clone(), action, key.clone()).about(node));
            probes.extend(of_each);
        }
    }
    probes
}

/// Uses of each key by each of `askers`, which must be refused.
fn uses(scene: &Scene<'_>, askers: &[Who]) -> Vec<Probe> {
    asked(scene, askers, USE, Probe::refused)
}

fn foreign_keys(scene: &Scene<'_>) -> Outcome {
    let foreign = scene.project.arn("kms", FOREIGN_KEY);
    let ask = |who: Who| Probe::refused(who, "kms:Decrypt", foreign.clone()).said("with another key of the account");
    let probes = everybody(scene).into_iter().map(ask);
    judge(scene, probes.flat_map(|probe| [probe.clone(), probe.outside()]))
}

fn usable(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<KmsKey>(|_, it| {
        (
            it.state == kms_key::State::Enabled,
            format!("its state is {:?}", it.state),
        )
    })
}

fn rotation(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<KmsKey>(|_, it| match it.rotation_days {
        Some(days) => (days <= 365, format!("it is rotated every {days} days")),
        None => (false, "it is never rotated".to_owned()),
    })
}

fn strangers(scene: &Scene<'_>) -> Outcome {
    let probes = uses(scene, &[Who::Stranger]);
    judge(
        scene,
        probes
            .into_iter()
            .flat_map(|probe| [probe.clone().said("from inside"), probe.outside()]),
    )
}

fn manageable(scene: &Scene<'_>) -> Outcome {
    let actions = [
        "kms:DescribeKey",
        "kms:PutKeyPolicy",
        "kms:DisableKey",
        "kms:CancelKeyDeletion",
    ];
    let probes = asked(scene, &[Who::AccountAdmin], &actions, Probe::allowed);
    judge(scene, probes.into_iter().map(Probe::outside))
}

fn separation(scene: &Scene<'_>) -> Outcome {
    let probes = uses(scene, &[role("admin"), Who::AccountAdmin]);
    judge(
        scene,
        probes.into_iter().flat_map(|probe| [probe.clone(), probe.outside()]),
    )
}

fn users(scene: &Scene<'_>) -> Outcome {
    let outside = uses(scene, &code(scene)).into_iter().map(Probe::outside);
    let user = role("user");
    let others: Vec<Who> = others(scene).into_iter().filter(|who| *who != user).collect();
    let others = uses(scene, &others)
        .into_iter()
        .chain(uses(scene, &[user]).into_iter().map(Probe::outside));
    judge(scene, outside.chain(others))
}

fn grants(scene: &Scene<'_>) -> Outcome {
    let stands = scene.of_each::<KmsKey>(|_, it| match it.grants.values().next() {
        None => (true, "there is no grant for others".to_owned()),
        Some(grantee) => (
            false,
            format!("{} grants for others, such as {grantee}", it.grants.len()),
        ),
    });
    let mut askers = everybody(scene);
    askers.push(Who::AccountAdmin);
    let grants = asked(scene, &askers, &[GRANT], Probe::refused).into_iter();
    let not_for_a_service = |grant: Probe| {
        grant
            .with("kms:GrantIsForAWSResource", ["false"])
            .said("not for a service")
    };
    let probes = grants.flat_map(|grant| [not_for_a_service(grant.clone()), grant.outside()]);
    stands.and(judge(scene, probes))
}

fn services(scene: &Scene<'_>) -> Outcome {
    let logs = format!("logs.{}.amazonaws.com", scene.project.account.region);
    let services = [
        logs,
        "s3.amazonaws.com".to_owned(),
        "cloudtrail.amazonaws.com".to_owned(),
    ];
    let askers = services.map(|service| Who::Service(service, STRANGERS.to_owned()));
    let probes = uses(scene, &askers).into_iter();
    judge(scene, probes.map(|probe| probe.said("for another account").outside()))
}
