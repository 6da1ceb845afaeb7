//! Buckets: from where they can be reached, and how what they hold is kept.

use super::super::probe::{Probe, Who, judge};
use super::super::report::{Control, Outcome, Severity};
use super::super::scene::Scene;
use super::{FOREIGN_KEY, code, role};
use crate::kinds::{Bucket, Kind, KmsKey, bucket};

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "S2",
        title: "What buckets hold is reached from inside the project's network only, whoever asks",
        severity: Severity::Critical,
        check: bound_to_the_network,
    },
    Control {
        id: "S4",
        title: "Objects that the project's key does not encrypt are refused",
        severity: Severity::High,
        check: encrypted_writes,
    },
    Control {
        id: "S3.5",
        title: "Connections without current TLS are refused",
        severity: Severity::Medium,
        check: tls,
    },
    Control {
        id: "S3.1",
        title: "Public access to buckets is blocked in all four ways",
        severity: Severity::Critical,
        check: public_access,
    },
    Control {
        id: "S3.12",
        title: "Access lists of objects have no effect",
        severity: Severity::Medium,
        check: ownership,
    },
    Control {
        id: "S3.14",
        title: "Former versions of objects are kept",
        severity: Severity::Low,
        check: versioning,
    },
    Control {
        id: "S3.17",
        title: "Objects are encrypted with the project's key where the writer says nothing",
        severity: Severity::Medium,
        check: encryption,
    },
];

const OBJECTS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectTagging",
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:PutObjectAcl",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:RestoreObject",
    "s3:AbortMultipartUpload",
];
const LISTS: &[&str] = &[
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListBucketMultipartUploads",
];

fn bound_to_the_network(scene: &Scene<'_>) -> Outcome {
    let mut askers = vec![Who::AccountAdmin, Who::Stranger];
    askers.extend(code(scene));
    let mut probes = Vec::new();
    for (node, bucket) in scene.outputs::<Bucket>("arn") {
        for who in &askers {
            let objects = OBJECTS.iter().map(|action| (action, format!("{bucket}/audit.csv")));
            let asked = objects.chain(LISTS.iter().map(|action| (action, bucket.clone())));
            probes.extend(asked.map(|(action, on)| Probe::refused(who.clone(), action, on).about(node).outside()));
        }
        for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
            let object = format!("{bucket}/audit.csv");
            probes.push(
                Probe::refused(Who::Stranger, action, object)
                    .about(node)
                    .said("from inside"),
            );
        }
    }
    judge(scene, probes)
}

fn encrypted_writes(scene: &Scene<'_>) -> Outcome {
    let (algorithm, key) = (
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    );
    let foreign = scene.project.arn("kms", FOREIGN_KEY);
    let ours = scene.output(KmsKey::NAME, "project", "arn");
    let askers: Vec<Who> = code(scene).into_iter().chain([Who::AccountAdmin]).collect();
    let mut probes = Vec::new();
    for (node, bucket) in scene.outputs::<Bucket>("arn") {
        for who in &askers {
            let put = Probe::refused(who.clone(), "s3:PutObject", format!("{bucket}/audit.csv")).about(node);
            let by = |name: &str| put.clone().with(algorithm, [name]);
            probes.push(by("AES256").said("encrypted with keys of S3's own"));
            probes.push(by("aws:kms").said("encrypted with AWS's key for S3"));
            probes.push(by("aws:kms").with(key, [&foreign]).said("encrypted with a foreign key"));
            probes.push(by("aws:kms:dsse").with(key, [&ours]).said("encrypted twice"));
            let customer = put
                .clone()
                .with("s3:x-amz-server-side-encryption-customer-algorithm", ["AES256"]);
            probes.push(customer.said("encrypted with a key of the caller's"));
        }
    }
    judge(scene, probes)
}

fn tls(scene: &Scene<'_>) -> Outcome {
    let askers: Vec<Who> = code(scene)
        .into_iter()
        .chain([role("admin"), Who::AccountAdmin])
        .collect();
    let mut probes = Vec::new();
    for (node, bucket) in scene.outputs::<Bucket>("arn") {
        let asked = [
            ("s3:GetObject", format!("{bucket}/audit.csv")),
            ("s3:ListBucket", bucket.clone()),
        ];
        for (who, (action, on)) in askers
            .iter()
            .flat_map(|who| asked.iter().map(move |asked| (who, asked)))
        {
            let ask = Probe::refused(who.clone(), action, on.clone()).about(node);
            probes.push(ask.clone().with("aws:SecureTransport", ["false"]).said("without TLS"));
            probes.push(ask.with("s3:TlsVersion", ["1.1"]).said("with TLS 1.1"));
        }
    }
    judge(scene, probes)
}

fn public_access(scene: &Scene<'_>) -> Outcome {
    scene.of_each::<Bucket>(|_, it| {
        let block = it.public_access_block;
        let switches = [
            ("BlockPublicAcls", block.block_public_acls),
            ("IgnorePublicAcls", block.ignore_public_acls),
            ("BlockPublicPolicy", block.block_public_policy),
            ("RestrictPublicBuckets", block.restrict_public_buckets),
        ];
        let off: Vec<&str> = switches.iter().filter(|(_, on)| !on).map(|(name, _)| *name).collect();
        match off.is_empty() {
            true => (true, "all four switches are on".to_owned()),
            false => (false, format!("{} off", off.join(", "))),
        }
    })
}

fn ownership(scene: &Scene<'_>) -> Outcome {
    let enforced = "BucketOwnerEnforced";
    scene.of_each::<Bucket>(|_, it| (it.ownership == enforced, format!("ObjectOwnership is {}", it.ownership)))
}

fn versioning(scene: &Scene<'_>) -> Outcome {
    let kept = bucket::Versioning::Enabled;
    scene.of_each::<Bucket>(|_, it| (it.versioning == kept, format!("versioning is {:?}", it.versioning)))
}

fn encryption(scene: &Scene<'_>) -> Outcome {
    let ours = scene.output(KmsKey::NAME, "project", "arn");
    scene.of_each::<Bucket>(|_, it| {
        let key = it.encryption.key.as_deref().unwrap_or("no key of KMS");
        let holds = it.encryption.algorithm == "aws:kms" && key == ours;
        (
            holds,
            format!("objects are encrypted by {} with {key}", it.encryption.algorithm),
        )
    })
}
