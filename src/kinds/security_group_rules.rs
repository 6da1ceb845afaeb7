//! The rules of a security group: all of them, in both directions. A rule that is not declared is a difference.
//!
//! They are apart from the group so that groups may name each other, and have the tags of their group: AWS has no
//! such resource, it is there as soon as the group is. What is missing is added before anything is revoked, and a
//! rule that stays is never touched; only its description is rewritten.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shared::rules::{Peer, Rule, Rules};
use super::{Changed, Current, Field, Identity, Kind, New, SecurityGroup};
use crate::model::{Ref, Tags};
use crate::plan::Todo;

/// The kind.
pub struct SecurityGroupRules;

/// What the rules of a group are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attributes {
    /// The group.
    pub group: Ref<SecurityGroup>,
    /// Who may reach its members.
    pub ingress: Rules,
    /// Whom its members may reach.
    pub egress: Rules,
}

/// The calls.
#[expect(missing_docs, reason = "the fields carry the names of AWS's parameters")]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", content = "args")]
pub enum Call {
    /// Adds ingress rules.
    #[serde(rename = "ec2:AuthorizeSecurityGroupIngress")]
    AddIngress { group: String, rules: Rules },
    /// Adds egress rules.
    #[serde(rename = "ec2:AuthorizeSecurityGroupEgress")]
    AddEgress { group: String, rules: Rules },
    /// Rewrites descriptions of ingress rules.
    #[serde(rename = "ec2:UpdateSecurityGroupRuleDescriptionsIngress")]
    DescribeIngress { group: String, rules: Rules },
    /// Rewrites descriptions of egress rules.
    #[serde(rename = "ec2:UpdateSecurityGroupRuleDescriptionsEgress")]
    DescribeEgress { group: String, rules: Rules },
    /// Removes ingress rules.
    #[serde(rename = "ec2:RevokeSecurityGroupIngress")]
    RevokeIngress { group: String, rules: Rules },
    /// Removes egress rules.
    #[serde(rename = "ec2:RevokeSecurityGroupEgress")]
    RevokeEgress { group: String, rules: Rules },
}

impl Kind for SecurityGroupRules {
    const NAME: &'static str = "SecurityGroupRules";
    const FIELDS: &'static [Field] = &[
        Field::replace("group"),
        Field::in_place("ingress").critical(),
        Field::in_place("egress").critical(),
    ];
    const IDENTITY: Identity = Identity::Tags;
    const PERMISSIONS: &'static [&'static str] = &[
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DescribeSecurityGroups",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
        "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    ];
    const TAGGABLE: bool = false;
    type Attributes = Attributes;
    type Call = Call;

    fn create(new: &New<Attributes>) -> Vec<Call> {
        let group = String::from(new.attributes.group.clone());
        let born = Direction::between(&Rules::from([everything()]), &new.attributes.egress);
        let ingress = Direction::between(&Rules::new(), &new.attributes.ingress);
        calls(&group, ingress, born)
    }

    fn update(current: &Current<Attributes>, desired: &Attributes, changed: &Changed<'_>) -> Todo<Call> {
        let between = |field: &str, before: &Rules, after: &Rules| {
            if changed.has(field) {
                Direction::between(before, after)
            } else {
                Direction::default()
            }
        };
        let ingress = between("ingress", &current.attributes.ingress, &desired.ingress);
        let egress = between("egress", &current.attributes.egress, &desired.egress);
        Todo::now(calls(current.attributes.group.as_str(), ingress, egress))
    }

    fn tag(_: &Current<Attributes>, _: &Tags) -> Vec<Call> {
        Vec::new()
    }

    fn delete(current: &Current<Attributes>) -> Todo<Call> {
        let none = Rules::new();
        let ingress = Direction::between(&current.attributes.ingress, &none);
        let egress = Direction::between(&current.attributes.egress, &none);
        Todo::now(calls(current.attributes.group.as_str(), ingress, egress))
    }
}

/// An id of their own, so that whoever holds the group's id is known to use the group.
#[cfg(feature = "aws")]
fn id(group: impl std::fmt::Display) -> String {
    format!("{group}/rules")
}

/// The rule that AWS gives every new group.
fn everything() -> Rule {
    Rule::new("-1", None, Peer::Cidr("0.0.0.0/0".to_owned()), "")
}

/// What has to be done in one direction.
#[derive(Default)]
struct Direction {
    add: Rules,
    describe: Rules,
    revoke: Rules,
}

impl Direction {
    /// What turns `before` into `after`. Two rules that differ in their descriptions only are the same rule.
    fn between(before: &Rules, after: &Rules) -> Self {
        let (old, new) = (by_meaning(before), by_meaning(after));
        let missing = |from: &BTreeMap<Rule, &Rule>, rules: &BTreeMap<Rule, &Rule>| -> Rules {
            let rules = rules.iter().filter(|(meaning, _)| !from.contains_key(meaning));
            rules.map(|(_, rule)| (*rule).clone()).collect()
        };
        let described = new.iter().filter(|(meaning, rule)| {
            let known = old.get(meaning);
            known.is_some_and(|known| known.description != rule.description)
        });
        Self {
            add: missing(&old, &new),
            describe: described.map(|(_, rule)| (*rule).clone()).collect(),
            revoke: missing(&new, &old),
        }
    }
}

fn by_meaning(rules: &Rules) -> BTreeMap<Rule, &Rule> {
    rules.iter().map(|rule| (rule.undescribed(), rule)).collect()
}

fn calls(group: &str, ingress: Direction, egress: Direction) -> Vec<Call> {
    type Make = fn(String, Rules) -> Call;
    let in_order: [(Rules, Make); 6] = [
        (ingress.add, |group, rules| Call::AddIngress { group, rules }),
        (egress.add, |group, rules| Call::AddEgress { group, rules }),
        (ingress.describe, |group, rules| Call::DescribeIngress { group, rules }),
        (egress.describe, |group, rules| Call::DescribeEgress { group, rules }),
        (ingress.revoke, |group, rules| Call::RevokeIngress { group, rules }),
        (egress.revoke, |group, rules| Call::RevokeEgress { group, rules }),
    ];
    let needed = in_order.into_iter().filter(|(rules, _)| !rules.is_empty());
    needed.map(|(rules, make)| make(group.to_owned(), rules)).collect()
}

#[cfg(feature = "aws")]
mod live {
    use super::{Attributes, Call, Kind, SecurityGroupRules, id};
    use crate::aws::{Aws, ec2_tags};
    use crate::engine::{Failure, Live, Observed, Reader, Sent};
    use crate::kinds::SecurityGroup;
    use crate::kinds::shared::{ec2, rules};
    use crate::model::{NODE_TAG, NodeKey, Ref, Tags};

    impl Live for SecurityGroupRules {
        async fn observe(reader: &Reader<'_>) -> Result<Vec<Observed<Attributes>>, Failure> {
            let groups = ec2::security_groups(reader).await?;
            let observed = groups.iter().filter_map(|group| {
                let tags = ec2_tags(group.tags());
                let tags = reader.recognised_as(SecurityGroup::NAME, group.group_id().unwrap_or_default(), tags);
                let tags = reader.is_ours(&tags).then(|| of_rules(tags))??;
                let group_id = group.group_id().unwrap_or_default();
                let attributes = Attributes {
                    group: Ref::known(group_id),
                    ingress: rules::from_permissions(group.owner_id(), group.ip_permissions()),
                    egress: rules::from_permissions(group.owner_id(), group.ip_permissions_egress()),
                };
                Some(Observed::new(id(group_id), tags, attributes))
            });
            Ok(observed.collect())
        }

        async fn execute(aws: &Aws, call: Call) -> Result<Sent, Failure> {
            // One builder for each call: the SDK has no type that is common to the six.
            macro_rules! send {
                ($call:literal, $operation:ident, $group:expr, $rules:expr) => {{
                    let permissions = rules::to_permissions(&$rules);
                    let request = aws.ec2.$operation().group_id(&$group).set_ip_permissions(Some(permissions));
                    aws.call($call, request.send()).await?;
                    Ok(Sent::made(id($group)))
                }};
            }
            match call {
                Call::AddIngress { group, rules } => {
                    send!("ec2:AuthorizeSecurityGroupIngress", authorize_security_group_ingress, group, rules)
                }
                Call::AddEgress { group, rules } => {
                    send!("ec2:AuthorizeSecurityGroupEgress", authorize_security_group_egress, group, rules)
                }
                Call::DescribeIngress { group, rules } => send!(
                    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
                    update_security_group_rule_descriptions_ingress,
                    group,
                    rules
                ),
                Call::DescribeEgress { group, rules } => send!(
                    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
                    update_security_group_rule_descriptions_egress,
                    group,
                    rules
                ),
                Call::RevokeIngress { group, rules } => {
                    send!("ec2:RevokeSecurityGroupIngress", revoke_security_group_ingress, group, rules)
                }
                Call::RevokeEgress { group, rules } => {
                    send!("ec2:RevokeSecurityGroupEgress", revoke_security_group_egress, group, rules)
                }
            }
        }
    }

    /// The tags of a group as those of its rules.
    fn of_rules(group: Tags) -> Option<Tags> {
        let name = group.node()?.name;
        Some(group.with(NODE_TAG, NodeKey::new(SecurityGroupRules::NAME, &name).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(port: i32, description: &str) -> Rule {
        Rule::tcp(port, port, Peer::Group("sg-1".to_owned()), description)
    }

    #[test]
    fn a_new_group_gets_its_rules_before_it_loses_the_one_it_is_born_with() {
        let new = New {
            node: crate::model::NodeKey::new("SecurityGroupRules", "g"),
            name: String::new(),
            attributes: Attributes {
                group: Ref::known("sg-9"),
                ingress: Rules::new(),
                egress: Rules::from([rule(443, "d")]),
            },
            tags: Tags::default(),
        };
        let group = || "sg-9".to_owned();
        let expected = [
            Call::AddEgress {
                group: group(),
                rules: Rules::from([rule(443, "d")]),
            },
            Call::RevokeEgress {
                group: group(),
                rules: Rules::from([everything()]),
            },
        ];
        assert_eq!(SecurityGroupRules::create(&new), expected);
    }

    #[test]
    fn only_what_differs_is_touched() {
        let before = Rules::from([rule(1, "stays"), rule(2, "old words"), rule(3, "goes")]);
        let after = Rules::from([rule(1, "stays"), rule(2, "new words"), rule(4, "comes")]);
        let direction = Direction::between(&before, &after);
        assert_eq!(direction.add, Rules::from([rule(4, "comes")]));
        assert_eq!(direction.describe, Rules::from([rule(2, "new words")]));
        assert_eq!(direction.revoke, Rules::from([rule(3, "goes")]));
    }
}
