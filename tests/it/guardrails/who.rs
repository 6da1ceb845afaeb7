//! Who asks.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::environment::{Environment, OURS, Others, PolicyKind, STRANGERS};

/// Everything that `AdministratorAccess` allows.
pub const ADMINISTRATOR: &str = "AdministratorAccess";

/// The principal of requests that nobody signed.
pub const NOBODY: &str = "anonymous";

/// A principal, with its policies.
#[derive(Clone, Debug)]
pub struct Who {
    /// The ARN of the session, or the name of the service.
    pub principal: String,
    /// The ids of its own policies.
    pub identity: Vec<String>,
    /// The id of its boundary.
    pub boundary: Option<String>,
    /// It is a role of a project, so that the boundary has to hold whatever else is attached.
    pub bounded: bool,
    context: BTreeMap<String, Value>,
}

impl Who {
    /// Whom `name` means:
    /// - `alice`, `bob`: code in a notebook of ours, and in jobs started there; `their alice` in a neighbour's
    /// - `admin`, `user`, `launch`, `flow-logs`: our roles, taken by people or services; `their admin`…; the session
    ///   of people is called alice; `user bob` is another person
    /// - `account admin`: somebody of our account with all rights and no boundary
    /// - `controller`: the controller
    /// - `account user`: likewise, an IAM user
    /// - `anonymous`: somebody who does not say who they are
    /// - `stranger`: somebody of another account with all rights there; `stranger user`: likewise, an IAM user
    /// - `something.amazonaws.com`: an AWS service for itself
    pub fn find(name: &str, others: &Others<'_>) -> Result<Self> {
        if name.contains(".amazonaws.com") {
            return Ok(Self::service(name));
        }
        match name {
            "account user" => return Ok(Self::user(OURS, "operations")),
            "stranger user" => return Ok(Self::user(STRANGERS, "operations")),
            "anonymous" => return Ok(Self::nobody()),
            "account admin" => return Ok(Self::administrator(OURS, "operations")),
            "controller" => return Ok(Self::administrator(OURS, "secureml")),
            "stranger" => return Ok(Self::administrator(STRANGERS, "thief")),
            _ => {}
        }
        let (environment, role) = match name.split_once(' ') {
            Some(("their", role)) => (others.theirs, role),
            _ => (others.ours, name),
        };
        let (role, person) = role.split_once(' ').unwrap_or((role, "alice"));
        let (node, session) = match role {
            "admin" | "user" => (role.to_owned(), person),
            "launch" => (role.to_owned(), "servicecatalog"),
            "flow-logs" => (role.to_owned(), "flow-logs"),
            notebook => (format!("notebook-{notebook}"), "SageMaker"),
        };
        Self::role(environment, &node, session)
    }

    fn role(environment: &Environment, node: &str, session: &str) -> Result<Self> {
        let node = environment.node(&format!("IamRole/{node}"))?;
        let arn = environment.output(node, "arn").context("a role has an ARN")?;
        let boundary = node.attributes["boundary"].as_str();
        let boundary = boundary.and_then(|arn| environment.owner_of(arn));
        let own = environment.policies(node).into_iter();
        let own = own.filter(|policy| policy.kind == PolicyKind::Identity);
        let mut context = caller(&environment.account, &arn, session);
        for (key, value) in node.tags.iter() {
            context.insert(format!("aws:PrincipalTag/{key}"), value.into());
        }
        Ok(Self {
            principal: assumed(&environment.account, &node.name, session),
            identity: own.map(|policy| policy.id).collect(),
            boundary: boundary.map(|node| environment.id(&node.key)),
            bounded: true,
            context,
        })
    }

    fn administrator(account: &str, role: &str) -> Self {
        let arn = format!("arn:aws:iam::{account}:role/{role}");
        Self {
            principal: assumed(account, role, role),
            identity: vec![ADMINISTRATOR.to_owned()],
            boundary: None,
            bounded: false,
            context: caller(account, &arn, role),
        }
    }

    fn user(account: &str, name: &str) -> Self {
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let mut context = caller(account, &arn, name);
        context.insert("aws:PrincipalType".to_owned(), "User".into());
        context.insert("aws:username".to_owned(), name.into());
        context.insert("aws:userid".to_owned(), "AIDAEXAMPLE".into());
        Self {
            principal: arn,
            identity: vec![ADMINISTRATOR.to_owned()],
            boundary: None,
            bounded: false,
            context,
        }
    }

    fn nobody() -> Self {
        Self {
            principal: NOBODY.to_owned(),
            identity: Vec::new(),
            boundary: None,
            bounded: false,
            context: BTreeMap::from([("aws:PrincipalType".to_owned(), "Anonymous".into())]),
        }
    }

    /// The same, allowed everything.
    pub fn with_every_right(self) -> Self {
        Self {
            identity: vec![ADMINISTRATOR.to_owned()],
            boundary: None,
            bounded: false,
            ..self
        }
    }

    fn service(name: &str) -> Self {
        let context = BTreeMap::from([
            ("aws:PrincipalIsAWSService".to_owned(), "true".into()),
            ("aws:PrincipalServiceName".to_owned(), name.into()),
            ("aws:PrincipalType".to_owned(), "AWSService".into()),
        ]);
        Self {
            principal: name.to_owned(),
            identity: Vec::new(),
            boundary: None,
            bounded: false,
            context,
        }
    }

    pub fn context(&self) -> BTreeMap<String, Value> {
        self.context.clone()
    }

    pub fn account(&self) -> String {
        let account = self.context.get("aws:PrincipalAccount");
        account.and_then(Value::as_str).unwrap_or(OURS).to_owned()
    }
}

/// Those whom tests of boundaries are about.
pub fn is_known_role(name: &str) -> Result<()> {
    match name {
        "admin" | "user" | "launch" | "flow-logs" => Ok(()),
        name if name.starts_with("notebook-") => Ok(()),
        _ => bail!("no scenario speaks for the role {name}"),
    }
}

fn assumed(account: &str, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

fn caller(account: &str, arn: &str, session: &str) -> BTreeMap<String, Value> {
    let organisation = if account == STRANGERS {
        "o-stranger00"
    } else {
        "o-ours000000"
    };
    let pairs = [
        ("aws:PrincipalArn", arn.to_owned()),
        ("aws:PrincipalAccount", account.to_owned()),
        ("aws:PrincipalOrgID", organisation.to_owned()),
        ("aws:PrincipalType", "AssumedRole".to_owned()),
        ("aws:PrincipalIsAWSService", "false".to_owned()),
        ("aws:userid", format!("AROAEXAMPLE0{account}:{session}")),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.into())).into()
}
