use super::*;
use crate::plan::{Change, Effect, Severity};
use crate::policy::Statement;

const ALIAS: &str = "alias/ds-kms-cmk-p-dev";

fn key() -> Attributes {
    Attributes {
        aliases: BTreeSet::from([ALIAS.to_owned()]),
        description: "A key".to_owned(),
        policy: Document::new([Statement::allow("A").actions(["kms:PutKeyPolicy"]).anywhere()]),
        rotation_days: Some(365),
        state: State::Enabled,
        grants: BTreeMap::new(),
        moved: false,
    }
}

fn current(attributes: Attributes) -> Current<Attributes> {
    Current {
        id: "k".to_owned(),
        state: String::new(),
        attributes,
        tags: Tags::default(),
    }
}

fn correct(tampered: &Attributes) -> Vec<String> {
    let fields = |attributes: &Attributes| serde_json::to_value(attributes).expect("JSON");
    let (before, after) = (fields(tampered), fields(&key()));
    let differs = KmsKey::FIELDS.iter().filter(|field| before[field.name] != after[field.name]);
    let changes: Vec<Change> = differs
        .map(|field| Change {
            field: field.name.to_owned(),
            before: before[field.name].clone(),
            after: after[field.name].clone(),
            effect: Effect::InPlace,
            severity: Severity::Critical,
        })
        .collect();
    names(KmsKey::update(&current(tampered.clone()), &key(), &Changed(&changes)).now)
}

fn names(calls: Vec<Call>) -> Vec<String> {
    let calls = calls.into_iter().filter_map(|call| serde_json::to_value(call).ok());
    calls.map(|call| call["call"].as_str().unwrap_or_default().replace("kms:", "")).collect()
}

#[test]
fn each_difference_has_its_calls() {
    type Row = (&'static [&'static str], fn(&mut Attributes));
    let table: [Row; 10] = [
        (&["EnableKey"], |key| key.state = State::Disabled),
        (&["CancelKeyDeletion", "EnableKey", "CreateAlias", "EnableKeyRotation"], |key| {
            key.state = State::PendingDeletion;
            key.aliases.clear();
            key.rotation_days = None;
        }),
        (&["EnableKey", "PutKeyPolicy"], |key| {
            key.state = State::Disabled;
            key.policy = Document::default();
        }),
        (&["CreateAlias"], |key| key.aliases.clear()),
        (&["UpdateAlias"], |key| {
            key.aliases.clear();
            key.moved = true;
        }),
        (&["CreateAlias", "DeleteAlias"], |key| key.aliases = BTreeSet::from(["alias/mine".to_owned()])),
        (&["EnableKeyRotation"], |key| key.rotation_days = Some(90)),
        (&["UpdateKeyDescription"], |key| key.description.clear()),
        (&["RevokeGrant"], |key| {
            key.grants = BTreeMap::from([("g".to_owned(), "arn:aws:iam::111122223333:role/x".to_owned())]);
        }),
        (&[], |_| {}),
    ];
    for (calls, tamper) in table {
        let mut tampered = key();
        tamper(&mut tampered);
        assert_eq!(correct(&tampered), calls, "{tampered:?}");
    }
}

#[test]
fn names_go_before_the_key() {
    let calls = names(KmsKey::delete(&current(key())).now);
    assert_eq!(calls, ["DeleteAlias", "ScheduleKeyDeletion"]);
}

#[test]
fn grants_of_aws_to_itself_are_told_from_others() {
    let table = [
        ("sagemaker.us-east-1.amazonaws.com", true),
        ("AWS Internal", true),
        ("arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-1", true),
        ("arn:aws:iam::111122223333:role/aws:ec2-infrastructure", true),
        ("arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", true),
        ("arn:aws:iam::111122223333:role/aws-like", false),
        ("arn:aws:sts::111122223333:assumed-role/someone/session", false),
        ("arn:aws:iam::444455556666:root", false),
    ];
    for (grantee, aws) in table {
        assert_eq!(is_of_aws(grantee), aws, "{grantee}");
    }
}
