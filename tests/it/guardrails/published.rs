//! What AWS publishes of its actions: which condition keys each supports, and which types of resource it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use serde::Deserialize;
use serde_json::json;

use super::environment::REGION;
use super::simulator::Questions;

/// The services that policies of a project speak of, and those whose actions are tried beside them.
const SERVICES: &[&str] = &[
    "cloudwatch",
    "codeartifact",
    "codecommit",
    "ec2",
    "ecr",
    "iam",
    "kms",
    "logs",
    "s3",
    "sagemaker",
    "ssm",
    "sts",
];

/// Every action of those services.
#[derive(Deserialize)]
pub struct Published {
    pub actions: BTreeMap<String, Action>,
}

/// What is published of an action.
#[derive(Deserialize)]
pub struct Action {
    /// The condition keys it supports, apart from those of the resource's own and of every action.
    pub keys: BTreeSet<String>,
    /// What it can be asked about.
    pub forms: Vec<Form>,
}

/// An action as asked about one type of resource.
#[derive(Deserialize)]
pub struct Form {
    /// The type: `training-job`; `*` for actions that know no resources.
    #[serde(rename = "type")]
    pub kind: String,
    /// The ARN, with `${…}` for what differs.
    arn: String,
    /// The condition keys it carries, apart from those of every action.
    keys: Vec<String>,
}

impl Published {
    /// All that is known, asked for once.
    pub fn all() -> Result<&'static Self> {
        static ALL: LazyLock<Result<Published, String>> =
            LazyLock::new(|| read().map_err(|error| format!("{error:#}")));
        ALL.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// The actions of which `of` says so.
    pub fn matching(&self, of: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &Action)> {
        let actions = self.actions.iter().map(|(name, action)| (name.as_str(), action));
        actions.filter(move |(name, _)| of(name))
    }
}

fn read() -> Result<Published> {
    let mut questions = Questions::default();
    let asked: Vec<_> = SERVICES
        .iter()
        .map(|service| questions.ask(&json!({"op": "actions", "service": service})))
        .collect();
    let answers = questions.answer()?;
    let mut actions = BTreeMap::new();
    for asked in asked {
        actions.extend(answers.get::<Published>(asked)?.actions);
    }
    Ok(Published { actions })
}

impl Form {
    /// The ARN in the account `account`, with `name` for whatever differs between resources.
    pub fn arn(&self, account: &str, name: &str) -> String {
        let mut filled = String::new();
        let mut rest = self.arn.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (variable, after) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(match variable {
                "Partition" => "aws",
                "Region" => REGION,
                "Account" => account,
                _ => name,
            });
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// Whether requests carry the key `key`. Those of every action, such as those of the caller, are carried by all;
    /// tags are not, whatever their prefix says.
    pub fn carries(&self, key: &str) -> bool {
        let key = key.to_lowercase();
        let tag = ["aws:resourcetag/", "aws:requesttag/", "aws:tagkeys"];
        let general = key.starts_with("aws:") && !tag.iter().any(|prefix| key.starts_with(prefix));
        general
            || self.keys.iter().any(|known| {
                let known = known.to_lowercase();
                match known.split_once("${") {
                    Some((prefix, _)) => key.starts_with(prefix),
                    None => key == known,
                }
            })
    }
}
