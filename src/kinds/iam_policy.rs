//! IAM customer managed policies: the permissions boundary of a project.
//!
//! Names are unique in the account. One list of the account carries the documents; it carries no tags, so those of
//! the policies under our own path are read per object, seldom. A policy keeps five versions and answers with the
//! default one; a change is a new default version, and the oldest goes first where five stand.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;
use crate::policy::Document;

/// The kind.
pub struct IamPolicy;

/// Where our policies stand in IAM. Policies elsewhere are not ours, so their tags need not be read.
pub const PATH: &str = "/secureml/";

/// How many versions of a policy IAM keeps.
const VERSIONS: usize = 5;

/// What a policy is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// Where it stands.
    pub path: String,
    /// What it is for. IAM never changes it.
    pub description: String,
    /// What it allows and denies.
    pub document: Document,
    /// Its ARN and older versions, where it exists: the calls that change it need them.
    #[serde(flatten)]
    pub known: Known,
}

/// What is known of a policy that exists; not compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Known {
    /// Its ARN.
    pub arn: String,
    /// The ids of the versions that are not in force, oldest first.
    pub old_versions: Vec<String>,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the policy.
    #[serde(rename = "iam:CreatePolicy")]
    Create {
        name: String,
        path: String,
        description: String,
        document: Document,
        tags: Tags,
    },
    /// Puts another document in force.
    #[serde(rename = "iam:CreatePolicyVersion")]
    Change { arn: String, document: Document },
    /// Forgets a version.
    #[serde(rename = "iam:DeletePolicyVersion")]
    Forget { arn: String, version: String },
    /// Restores tags.
    #[serde(rename = "iam:TagPolicy")]
    Tag { arn: String, tags: Tags },
    /// Removes the policy.
    #[serde(rename = "iam:DeletePolicy")]
    Delete { arn: String },
}

impl Kind for IamPolicy {
    const NAME: &'static str = "IamPolicy";
    const FIELDS: &'static [Field] = &[
        Field::replace("path"),
        Field::at_creation("description"),
        Field::in_place("document").critical(),
    ];
    const IDENTITY: Identity = Identity::Name;
    const MENTIONS: &'static [&'static str] = &["document"];
    const PERMISSIONS: &'static [&'static str] = &[
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:GetAccountAuthorizationDetails",
        "iam:ListEntitiesForPolicy",
        "iam:ListPolicyTags",
        "iam:TagPolicy",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        vec![Call::Create {
            name: new.name.clone(),
            path: new.attributes.path.clone(),
            description: new.attributes.description.clone(),
            document: new.attributes.document.clone(),
            tags: new.tags.clone(),
        }]
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, _changed: &Changed<'_>) -> Todo<Call> {
        let Known { arn, old_versions } = &current.attributes.known;
        let full = old_versions.len() + 1 >= VERSIONS;
        let oldest = old_versions.first().filter(|_| full);
        let mut calls: Vec<Call> = oldest.map(|version| forget(arn, version)).into_iter().collect();
        calls.push(Call::Change {
            arn: arn.clone(),
            document: desired.document.clone(),
        });
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            arn: current.attributes.known.arn.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let Known { arn, old_versions } = &current.attributes.known;
        let mut calls: Vec<Call> = old_versions.iter().map(|version| forget(arn, version)).collect();
        calls.push(Call::Delete { arn: arn.clone() });
        Todo::now(calls)
    }
}

fn forget(arn: &str, version: &str) -> Call {
    Call::Forget {
        arn: arn.to_owned(),
        version: version.to_owned(),
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_iam::types::{ManagedPolicyDetail, PolicyUsageType};

    use super::{Attributes, Call, IamPolicy, Known, PATH};
    use crate::aws::{Aws, pages};
    use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
    use crate::kinds::shared::iam;
    use crate::model::{Holder, Owner, Tags};

    impl Live for IamPolicy {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let details = iam::details(reader).await?;
            let read = async |policy: &ManagedPolicyDetail| {
                let name = policy.policy_name().unwrap_or_default();
                if policy.path() != Some(PATH) {
                    return Ok(Observed::foreign(name, Tags::default()));
                }
                let tags = reader.recognised(name, tags(reader, policy).await?);
                if !reader.is_ours(&tags) {
                    return Ok(Observed::foreign(name, tags));
                }
                let attributes = attributes(policy);
                let arn = attributes.known.arn.clone();
                Ok(Observed::new(name, tags, attributes).output("arn", arn))
            };
            let each = details.policies.iter().map(|policy| {
                let name = policy.policy_name().unwrap_or_default().to_owned();
                (name, Tags::default(), read(policy))
            });
            Ok(observe_each(each).await)
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            match call {
                Call::Create {
                    name,
                    path,
                    description,
                    document,
                    tags,
                } => {
                    let request = aws.iam.create_policy().policy_name(&name).path(path).description(description);
                    let request = request.policy_document(document.to_brief_json());
                    let request = request.set_tags(Some(iam::to_tags(&tags)));
                    let made = aws.call("iam:CreatePolicy", request.send()).await?.policy;
                    let arn = made.and_then(|policy| policy.arn).unwrap_or_default();
                    Ok(Sent::made(name).output("arn", arn))
                }
                Call::Change { arn, document } => {
                    let request = aws.iam.create_policy_version().policy_arn(arn).set_as_default(true);
                    let request = request.policy_document(document.to_brief_json());
                    aws.call("iam:CreatePolicyVersion", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Forget { arn, version } => {
                    let request = aws.iam.delete_policy_version().policy_arn(arn).version_id(version);
                    aws.call("iam:DeletePolicyVersion", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Tag { arn, tags } => {
                    let request = aws.iam.tag_policy().policy_arn(arn).set_tags(Some(iam::to_tags(&tags)));
                    aws.call("iam:TagPolicy", request.send()).await?;
                    Ok(Sent::done())
                }
                Call::Delete { arn } => {
                    aws.call("iam:DeletePolicy", aws.iam.delete_policy().policy_arn(arn).send()).await?;
                    Ok(Sent::done())
                }
            }
        }

        async fn holders(reader: &Reader<'_>, _: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
            let details = iam::details(reader).await?;
            let policy = details.policies.iter().find(|policy| policy.policy_name() == Some(id));
            let Some(arn) = policy.and_then(ManagedPolicyDetail::arn) else {
                return Ok(Vec::new());
            };
            let (attached, bounded) = futures::try_join!(
                entities(reader, arn, PolicyUsageType::PermissionsPolicy),
                entities(reader, arn, PolicyUsageType::PermissionsBoundary),
            )?;
            Ok(attached.into_iter().chain(bounded).collect())
        }
    }

    /// Who has the policy `arn`, in one of the two ways to have one.
    async fn entities(reader: &Reader<'_>, arn: &str, usage: PolicyUsageType) -> Result<Vec<Holder>, Failure> {
        let aws = reader.aws();
        let has = match usage {
            PolicyUsageType::PermissionsBoundary => "whose boundary it is",
            _ => "that it is attached to",
        };
        let request = aws.iam.list_entities_for_policy().policy_arn(arn).policy_usage_filter(usage);
        let answer = aws.call("iam:ListEntitiesForPolicy", request.send()).await?;
        let roles = answer.policy_roles().iter().map(|role| ("role", role.role_name()));
        let users = answer.policy_users().iter().map(|user| ("user", user.user_name()));
        let groups = answer.policy_groups().iter().map(|group| ("group", group.group_name()));
        let all = roles.chain(users).chain(groups);
        let found = all.map(|(what, name)| Holder::new(&format!("{what} {has}:"), name.unwrap_or_default()));
        Ok(found.collect())
    }

    fn attributes(policy: &ManagedPolicyDetail) -> Attributes {
        let versions = policy.policy_version_list();
        let in_force = versions.iter().find(|version| version.is_default_version());
        let others = versions.iter().filter(|version| !version.is_default_version());
        let mut old_versions: Vec<String> = others.filter_map(|version| version.version_id.clone()).collect();
        // "v10" is younger than "v9".
        old_versions.sort_by_key(|id| (id.len(), id.clone()));
        Attributes {
            path: policy.path().unwrap_or_default().to_owned(),
            description: policy.description().unwrap_or_default().to_owned(),
            document: iam::document(in_force.and_then(|version| version.document())),
            known: Known {
                arn: policy.arn().unwrap_or_default().to_owned(),
                old_versions,
            },
        }
    }

    /// The tags, which no list carries.
    async fn tags(reader: &Reader<'_>, policy: &ManagedPolicyDetail) -> Result<Tags, Failure> {
        let aws = reader.aws();
        let fetch = async {
            let request = aws.iam.list_policy_tags().set_policy_arn(policy.arn.clone());
            let tags = pages!(aws, "iam:ListPolicyTags", request.clone(), set_marker, marker, tags);
            Ok(iam::tags(&tags))
        };
        let tags = reader.detail(policy.policy_name().unwrap_or_default(), "tags", "", fetch).await?;
        Ok((*tags).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Statement;

    fn policy(old_versions: &[&str]) -> Current<Attributes> {
        let attributes = Attributes {
            path: PATH.to_owned(),
            description: String::new(),
            document: Document::default(),
            known: Known {
                arn: "arn:aws:iam::111122223333:policy/secureml/p".to_owned(),
                old_versions: old_versions.iter().map(|id| (*id).to_owned()).collect(),
            },
        };
        Current {
            id: "p".to_owned(),
            state: String::new(),
            attributes,
            tags: Tags::default(),
        }
    }

    fn names(calls: Vec<Call>) -> Vec<String> {
        let name = |call| serde_json::to_value(call).map(|call| format!("{}{}", call["call"], call["args"]["version"]));
        calls.into_iter().filter_map(|call| name(call).ok()).collect()
    }

    #[test]
    fn a_fifth_version_makes_room_for_the_new_one() {
        let statement = Statement::deny("A").actions(["s3:*"]).anywhere();
        let desired = Attributes {
            document: Document::new([statement]),
            ..policy(&[]).attributes
        };
        let calls = |old: &[&str]| names(IamPolicy::update(&policy(old), &desired, &Changed(&[])).now);
        assert_eq!(calls(&["v1", "v2", "v3"]), [r#""iam:CreatePolicyVersion"null"#]);
        assert_eq!(
            calls(&["v8", "v9", "v10", "v11"]),
            [r#""iam:DeletePolicyVersion""v8""#, r#""iam:CreatePolicyVersion"null"#]
        );
    }

    #[test]
    fn its_versions_are_deleted_before_it() {
        let calls = names(IamPolicy::delete(&policy(&["v1", "v2"])).now);
        assert_eq!(calls.last().map(String::as_str), Some(r#""iam:DeletePolicy"null"#));
        assert_eq!(calls.len(), 3);
    }
}
