//! IAM roles, each with its trust, its policies and its boundary as one resource.
//!
//! Names are unique in the account. The account's authorization details tell everything but
//! description and longest session, which the list of roles tells, read less often. Policies that somebody puts into or attaches to a role of
//! ours, and instance profiles it is put into, are differences of the role itself and are taken out.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Changed, Current, Field, Identity, Kind, New};
use crate::model::Tags;
use crate::plan::Todo;
use crate::policy::Document;

/// The kind.
pub struct IamRole;

/// What a role is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// Where it stands.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Who may take it.
    pub trust: Document,
    /// The ARN of the policy that bounds it, whatever its own policies allow. No role of ours is without.
    pub boundary: Option<String>,
    /// Its own policies, by name.
    pub inline: BTreeMap<String, Document>,
    /// The ARNs of the managed policies that somebody attached to it.
    pub attached: BTreeSet<String>,
    /// How long a session may last, in seconds: 3600 to 43200.
    pub max_session_seconds: i32,
    /// The names of the instance profiles with which somebody hands it to machines.
    pub instance_profiles: BTreeSet<String>,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Makes the role.
    #[serde(rename = "iam:CreateRole")]
    Create {
        name: String,
        path: String,
        description: String,
        trust: Document,
        boundary: Option<String>,
        max_session_seconds: i32,
        tags: Tags,
    },
    /// Sets the boundary.
    #[serde(rename = "iam:PutRolePermissionsBoundary")]
    Bound { role: String, boundary: String },
    /// Sets who may take the role.
    #[serde(rename = "iam:UpdateAssumeRolePolicy")]
    Trust { role: String, trust: Document },
    /// Sets description and longest session.
    #[serde(rename = "iam:UpdateRole")]
    Describe {
        role: String,
        description: String,
        max_session_seconds: i32,
    },
    /// Writes one of its own policies.
    #[serde(rename = "iam:PutRolePolicy")]
    Put {
        role: String,
        policy: String,
        document: Document,
    },
    /// Removes one of its own policies.
    #[serde(rename = "iam:DeleteRolePolicy")]
    Remove { role: String, policy: String },
    /// Detaches a managed policy.
    #[serde(rename = "iam:DetachRolePolicy")]
    Detach { role: String, arn: String },
    /// Takes the role out of an instance profile.
    #[serde(rename = "iam:RemoveRoleFromInstanceProfile")]
    LeaveProfile { role: String, profile: String },
    /// Restores tags.
    #[serde(rename = "iam:TagRole")]
    Tag { role: String, tags: Tags },
    /// Removes the role.
    #[serde(rename = "iam:DeleteRole")]
    Delete { role: String },
}

impl Kind for IamRole {
    const NAME: &'static str = "IamRole";
    const FIELDS: &'static [Field] = &[
        Field::replace("path"),
        Field::in_place("description"),
        Field::in_place("trust").critical(),
        Field::in_place("boundary").critical(),
        Field::in_place("inline").critical(),
        Field::in_place("attached").critical(),
        Field::in_place("maxSessionSeconds"),
        Field::in_place("instanceProfiles").critical(),
    ];
    const IDENTITY: Identity = Identity::Name;
    const MENTIONS: &'static [&'static str] = &["inline"];
    const PERMISSIONS: &'static [&'static str] = &[
        "iam:CreateRole",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetRole",
        "iam:ListRoles",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
    ];
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        let create = Call::Create {
            name: new.name.clone(),
            path: new.attributes.path.clone(),
            description: new.attributes.description.clone(),
            trust: new.attributes.trust.clone(),
            boundary: new.attributes.boundary.clone(),
            max_session_seconds: new.attributes.max_session_seconds,
            tags: new.tags.clone(),
        };
        let mut calls = vec![create];
        calls.extend(new.attributes.inline.iter().map(|(policy, document)| put(&new.name, policy, document)));
        calls
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let role = &current.id;
        let now = &current.attributes;
        let mut calls = Vec::new();
        if changed.has("boundary") {
            calls.extend(desired.boundary.iter().map(|boundary| Call::Bound {
                role: role.clone(),
                boundary: boundary.clone(),
            }));
        }
        if changed.has("trust") {
            calls.push(Call::Trust {
                role: role.clone(),
                trust: desired.trust.clone(),
            });
        }
        let other = |(name, document): &(&String, &Document)| now.inline.get(*name) != Some(*document);
        let written = desired.inline.iter().filter(other);
        calls.extend(written.map(|(policy, document)| put(role, policy, document)));
        if changed.has("description") || changed.has("maxSessionSeconds") {
            calls.push(Call::Describe {
                role: role.clone(),
                description: desired.description.clone(),
                max_session_seconds: desired.max_session_seconds,
            });
        }
        let foreign = now.inline.keys().filter(|name| !desired.inline.contains_key(*name));
        calls.extend(foreign.map(|policy| remove(role, policy)));
        calls.extend(now.attached.difference(&desired.attached).map(|arn| detach(role, arn)));
        let profiles = now.instance_profiles.difference(&desired.instance_profiles);
        calls.extend(profiles.map(|profile| leave(role, profile)));
        Todo::now(calls)
    }

    fn tag(current: &Current<Attributes>, missing: &Tags) -> Vec<Call> {
        vec![Call::Tag {
            role: current.id.clone(),
            tags: missing.clone(),
        }]
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let role = &current.id;
        let Attributes { inline, attached, .. } = &current.attributes;
        let mut calls: Vec<Call> = attached.iter().map(|arn| detach(role, arn)).collect();
        calls.extend(inline.keys().map(|policy| remove(role, policy)));
        let profiles = current.attributes.instance_profiles.iter();
        calls.extend(profiles.map(|profile| leave(role, profile)));
        calls.push(Call::Delete { role: role.clone() });
        Todo::now(calls)
    }
}

fn put(role: &str, policy: &str, document: &Document) -> Call {
    Call::Put {
        role: role.to_owned(),
        policy: policy.to_owned(),
        document: document.clone(),
    }
}

fn remove(role: &str, policy: &str) -> Call {
    Call::Remove {
        role: role.to_owned(),
        policy: policy.to_owned(),
    }
}

fn detach(role: &str, arn: &str) -> Call {
    Call::Detach {
        role: role.to_owned(),
        arn: arn.to_owned(),
    }
}

fn leave(role: &str, profile: &str) -> Call {
    Call::LeaveProfile {
        role: role.to_owned(),
        profile: profile.to_owned(),
    }
}

#[cfg(feature = "aws")]
mod live {
    use aws_sdk_iam::types::RoleDetail;

    use super::{Attributes, Call, IamRole};
    use crate::aws::Aws;
    use crate::engine::{Failure, Live, Observed, Reader, Sent, observe_each};
    use crate::kinds::shared::iam::{self, Described};
    use crate::model::{Holder, Owner, Tags};

    /// What IAM takes when a role is made without saying how long its sessions may last.
    const DEFAULT_SESSION_SECONDS: i32 = 3600;

    impl Live for IamRole {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let details = iam::details(reader).await?;
            let tagged = details.roles.iter().map(|role| {
                let tags = reader.recognised(role.role_name().unwrap_or_default(), iam::tags(role.tags()));
                (role, tags)
            });
            let roles: Vec<(&RoleDetail, Tags)> = tagged.collect();
            let ours = roles.iter().filter(|(_, tags)| reader.is_ours(tags));
            let described = iam::described(reader, ours.filter_map(|(role, _)| role.role_name())).await?;
            let read = async |detail: &RoleDetail, tags: Tags| {
                let name = detail.role_name().unwrap_or_default();
                if !reader.is_ours(&tags) {
                    return Ok(Observed::foreign(name, tags));
                }
                let mut attributes = attributes(detail, described.get(name).map(AsRef::as_ref));
                if attributes.boundary.is_none() {
                    attributes.boundary = boundary(reader, name).await?;
                }
                let arn = detail.arn().unwrap_or_default();
                Ok(Observed::new(name, tags, attributes).output("arn", arn))
            };
            let each = roles.iter().map(|(detail, tags)| {
                let name = detail.role_name().unwrap_or_default().to_owned();
                (name, tags.clone(), read(detail, tags.clone()))
            });
            Ok(observe_each(each).await)
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            let iam = &aws.iam;
            match call {
                Call::Create {
                    name,
                    path,
                    description,
                    trust,
                    boundary,
                    max_session_seconds,
                    tags,
                } => {
                    let request = iam.create_role().role_name(&name).path(path).description(description);
                    let request = request.assume_role_policy_document(trust.to_brief_json());
                    let request = request.set_permissions_boundary(boundary);
                    let request = request.max_session_duration(max_session_seconds);
                    let request = request.set_tags(Some(iam::to_tags(&tags)));
                    let made = aws.call("iam:CreateRole", request.send()).await?.role;
                    let arn = made.map(|role| role.arn).unwrap_or_default();
                    return Ok(Sent::made(name).output("arn", arn));
                }
                Call::Bound { role, boundary } => {
                    let request = iam.put_role_permissions_boundary().role_name(role);
                    let request = request.permissions_boundary(boundary);
                    aws.call("iam:PutRolePermissionsBoundary", request.send()).await?;
                }
                Call::Trust { role, trust } => {
                    let request = iam.update_assume_role_policy().role_name(role).policy_document(trust.to_brief_json());
                    aws.call("iam:UpdateAssumeRolePolicy", request.send()).await?;
                }
                Call::Describe {
                    role,
                    description,
                    max_session_seconds,
                } => {
                    let request = iam.update_role().role_name(role).description(description);
                    let request = request.max_session_duration(max_session_seconds);
                    aws.call("iam:UpdateRole", request.send()).await?;
                }
                Call::Put { role, policy, document } => {
                    let request = iam.put_role_policy().role_name(role).policy_name(policy);
                    let request = request.policy_document(document.to_brief_json());
                    aws.call("iam:PutRolePolicy", request.send()).await?;
                }
                Call::Remove { role, policy } => {
                    let request = iam.delete_role_policy().role_name(role).policy_name(policy);
                    aws.call("iam:DeleteRolePolicy", request.send()).await?;
                }
                Call::Detach { role, arn } => {
                    let request = iam.detach_role_policy().role_name(role).policy_arn(arn);
                    aws.call("iam:DetachRolePolicy", request.send()).await?;
                }
                Call::LeaveProfile { role, profile } => {
                    let request = iam.remove_role_from_instance_profile().role_name(role);
                    let request = request.instance_profile_name(profile);
                    aws.call("iam:RemoveRoleFromInstanceProfile", request.send()).await?;
                }
                Call::Tag { role, tags } => {
                    let request = iam.tag_role().role_name(role).set_tags(Some(iam::to_tags(&tags)));
                    aws.call("iam:TagRole", request.send()).await?;
                }
                Call::Delete { role } => {
                    aws.call("iam:DeleteRole", iam.delete_role().role_name(role).send()).await?;
                }
            }
            Ok(Sent::done())
        }

        async fn holders(reader: &Reader<'_>, _: &Owner, id: &str) -> Result<Vec<Holder>, Failure> {
            let details = iam::details(reader).await?;
            let role = details.roles.iter().find(|role| role.role_name() == Some(id));
            let profiles = role.map_or(&[][..], |role| role.instance_profile_list()).iter();
            let found = profiles.map(|profile| {
                let since = Some(profile.create_date.secs());
                Holder::new("instance profile", profile.instance_profile_name()).of(iam::owner(profile.tags())).since(since)
            });
            let attached = role.map_or(&[][..], |role| role.attached_managed_policies()).iter();
            let attached = attached.map(|policy| Holder::new("attached policy", policy.policy_name().unwrap_or_default()));
            let own = role.map_or(&[][..], |role| role.role_policy_list()).iter();
            let own = own.map(|policy| Holder::new("policy of its own", policy.policy_name().unwrap_or_default()));
            Ok(found.chain(attached).chain(own).collect())
        }
    }

    fn attributes(detail: &RoleDetail, described: Option<&Described>) -> Attributes {
        let inline = detail.role_policy_list().iter().map(|policy| {
            let name = policy.policy_name().unwrap_or_default().to_owned();
            (name, iam::document(policy.policy_document()))
        });
        let attached = detail.attached_managed_policies().iter();
        let profiles = detail.instance_profile_list().iter();
        let boundary = detail.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
        let session = described.and_then(|described| described.max_session_seconds);
        Attributes {
            path: detail.path().unwrap_or_default().to_owned(),
            description: described.and_then(|described| described.description.clone()).unwrap_or_default(),
            trust: iam::document(detail.assume_role_policy_document()),
            boundary: boundary.map(str::to_owned),
            inline: inline.collect(),
            attached: attached.filter_map(|policy| policy.policy_arn.clone()).collect(),
            max_session_seconds: session.unwrap_or(DEFAULT_SESSION_SECONDS),
            instance_profiles: profiles.map(|profile| profile.instance_profile_name.clone()).collect(),
        }
    }

    /// The boundary of a role whose details show none: either it was removed, or the details leave it out.
    async fn boundary(reader: &Reader<'_>, name: &str) -> Result<Option<String>, Failure> {
        let aws = reader.aws();
        let fetch = async {
            let answer = aws.call("iam:GetRole", aws.iam.get_role().role_name(name).send()).await?;
            let boundary = answer.role.and_then(|role| role.permissions_boundary);
            Ok(boundary.and_then(|boundary| boundary.permissions_boundary_arn))
        };
        Ok((*reader.detail(name, "boundary", "", fetch).await?).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Change, Effect, Severity};
    use crate::policy::Statement;

    fn allow(action: &str) -> Document {
        Document::new([Statement::allow("A").actions([action]).anywhere()])
    }

    fn role() -> Attributes {
        Attributes {
            path: "/".to_owned(),
            description: "A role".to_owned(),
            trust: allow("sts:AssumeRole"),
            boundary: Some("arn:aws:iam::111122223333:policy/b".to_owned()),
            inline: BTreeMap::from([("work".to_owned(), allow("s3:GetObject"))]),
            attached: BTreeSet::new(),
            max_session_seconds: 3600,
            instance_profiles: BTreeSet::new(),
        }
    }

    fn current(attributes: Attributes) -> Current<Attributes> {
        Current {
            id: "r".to_owned(),
            state: String::new(),
            attributes,
            tags: Tags::default(),
        }
    }

    fn correct(current_attributes: Attributes, fields: &[&str]) -> Vec<String> {
        let changes: Vec<Change> = fields
            .iter()
            .map(|field| Change {
                field: (*field).to_owned(),
                before: serde_json::Value::Null,
                after: serde_json::Value::Null,
                effect: Effect::InPlace,
                severity: Severity::Critical,
            })
            .collect();
        let todo = IamRole::update(&current(current_attributes), &role(), &Changed(&changes));
        names(todo.now)
    }

    fn names(calls: Vec<Call>) -> Vec<String> {
        let calls = calls.into_iter().filter_map(|call| serde_json::to_value(call).ok());
        calls.map(|call| call["call"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn each_difference_has_its_call() {
        type Row = (&'static str, &'static [&'static str], fn(&mut Attributes));
        let table: [Row; 8] = [
            ("boundary", &["iam:PutRolePermissionsBoundary"], |r| r.boundary = None),
            ("trust", &["iam:UpdateAssumeRolePolicy"], |r| r.trust = Document::default()),
            ("inline", &["iam:PutRolePolicy"], |r| r.inline.clear()),
            ("inline", &["iam:PutRolePolicy", "iam:DeleteRolePolicy"], |r| {
                r.inline = BTreeMap::from([("foreign".to_owned(), allow("*"))]);
            }),
            ("attached", &["iam:DetachRolePolicy"], |r| {
                r.attached = BTreeSet::from(["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()]);
            }),
            ("description", &["iam:UpdateRole"], |r| r.description.clear()),
            ("maxSessionSeconds", &["iam:UpdateRole"], |r| r.max_session_seconds = 43200),
            ("instanceProfiles", &["iam:RemoveRoleFromInstanceProfile"], |r| {
                r.instance_profiles = BTreeSet::from(["p".to_owned()]);
            }),
        ];
        for (field, calls, tamper) in table {
            let mut tampered = role();
            tamper(&mut tampered);
            assert_eq!(correct(tampered, &[field]), calls, "{field}");
        }
    }

    #[test]
    fn it_is_emptied_before_it_is_deleted() {
        let mut full = role();
        full.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
        full.instance_profiles.insert("p".to_owned());
        let calls = names(IamRole::delete(&current(full)).now);
        let wanted = [
            "iam:DetachRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DeleteRole",
        ];
        assert_eq!(calls, wanted);
    }
}
