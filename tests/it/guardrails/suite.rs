//! Policies and cases, told to the simulator.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use secureml::policy::Document;
use serde_json::{Value, json};

use super::environment::{OURS, Policy, PolicyKind};
use super::evaluated::Evaluated;
use super::scenario::{Case, FREE, PERMISSIVE};
use super::simulator::{Answers, Asked, Decision, Questions, Requested};
use super::who::{ADMINISTRATOR, NOBODY};

/// The policies of an organisation, by their names.
#[derive(Default)]
pub struct Organization {
    pub scp: Vec<(String, Value)>,
    pub rcp: Vec<(String, Value)>,
}

fn ids(policies: &[(String, Value)]) -> Vec<&str> {
    policies.iter().map(|(id, _)| id.as_str()).collect()
}

/// The questions of one case.
struct Pending {
    request: Asked,
    real: Asked,
    /// With `AdministratorAccess` in the place of the role's own policies.
    administrator: Option<Asked>,
}

/// Everything that is asked.
pub struct Suite {
    cases: Vec<Case>,
    questions: Questions,
    policies: Vec<(String, Asked)>,
    endpoints: BTreeMap<String, Document>,
    pending: Vec<Pending>,
}

impl Suite {
    /// Tells the simulator `policies` and asks it `cases`. The number of a case is that of its request.
    pub fn new(policies: &[Policy], cases: Vec<Case>) -> Self {
        Self::within(policies, cases, &Organization::default())
    }

    /// Likewise in an organisation.
    pub fn within(policies: &[Policy], cases: Vec<Case>, organization: &Organization) -> Self {
        let mut questions = Questions::default();
        let mut told = vec![
            told(&mut questions, ADMINISTRATOR, "identity", &everything(false)),
            told(&mut questions, PERMISSIVE, "resource", &everything(true)),
        ];
        for Policy { id, kind, document } in policies {
            told.push(self::told(&mut questions, id, kind.word(), document));
        }
        for (kind, policies) in [("scp", &organization.scp), ("rcp", &organization.rcp)] {
            for (id, document) in policies {
                told.push(self::told(&mut questions, id, kind, document));
            }
        }
        let endpoints = policies.iter().filter(|policy| policy.kind == PolicyKind::Endpoint);
        let endpoints = endpoints.filter_map(|policy| {
            let document = serde_json::from_value(policy.document.clone()).ok()?;
            Some((policy.id.clone(), document))
        });
        let endpoints = endpoints.collect();
        let pending = cases.iter().enumerate();
        let pending = pending.map(|(i, case)| ask(&mut questions, i, case, organization));
        let pending = pending.collect();
        Self {
            cases,
            questions,
            policies: told,
            endpoints,
            pending,
        }
    }

    /// Evaluates everything.
    pub fn evaluate(self) -> Result<Vec<Evaluated>> {
        let answers = self.questions.answer()?;
        let mut wrong: Vec<String> = Vec::new();
        for (id, asked) in &self.policies {
            wrong.extend(answers.error(*asked).map(|error| format!("{id}: {error}")));
        }
        let mut evaluated = Vec::new();
        for (case, pending) in self.cases.into_iter().zip(self.pending) {
            match decide(&case, &pending, &answers) {
                Ok((decision, administrator, ignored)) => {
                    let endpoint = case.endpoint_policy.as_ref().and_then(|id| self.endpoints.get(id));
                    let endpoint = endpoint.filter(|_| FREE.contains(&case.action.as_str()));
                    let mut one = Evaluated {
                        case,
                        decision,
                        administrator,
                        ignored,
                    };
                    if let Some(endpoint) = endpoint {
                        one.ask_the_endpoint(endpoint);
                    }
                    evaluated.push(one);
                }
                Err(error) => wrong.push(format!("{}: {error:#}", case.name)),
            }
        }
        ensure!(
            wrong.is_empty(),
            "{} mistakes in the data:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        Ok(evaluated)
    }
}

fn told(questions: &mut Questions, id: &str, kind: &str, document: &Value) -> (String, Asked) {
    (id.to_owned(), questions.policy(id, kind, document))
}

pub fn everything(principal: bool) -> Value {
    let mut statement = json!({"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"});
    if principal {
        statement["Principal"] = "*".into();
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn ask(questions: &mut Questions, i: usize, case: &Case, organization: &Organization) -> Pending {
    // Of our organisation is only our account, and what it owns.
    let attached = |ours: bool, policies| if ours { ids(policies) } else { Vec::new() };
    let scp = attached(case.who.account() == OURS, &organization.scp);
    let rcp = attached(case.account == OURS, &organization.rcp);
    let principal = match case.who.principal.as_str() {
        NOBODY => json!({"type": "Anonymous"}),
        named => named.into(),
    };
    let request = questions.ask(&json!({
        "op": "request", "id": i, "principal": principal, "action": case.action,
        "resource": case.resource, "account": case.account, "context": case.context,
    }));
    let mut evaluate = |identity: &[String]| {
        questions.ask(&json!({
            "op": "evaluate", "request": i, "identity": identity, "boundary": case.who.boundary.as_ref().map(|id| [id]),
            "resource": case.resource_policy, "endpoint": case.endpoint_policy.as_ref().map(|id| [id]),
            "scp": scp, "rcp": rcp,
            // The library's own checks of some: they are slow and the same.
            "check": i.is_multiple_of(500),
        }))
    };
    Pending {
        request,
        real: evaluate(&case.who.identity),
        administrator: (case.who.bounded && case.alone).then(|| evaluate(&[ADMINISTRATOR.to_owned()])),
    }
}

/// How a case was decided, likewise with `AdministratorAccess`, and the keys that its action does not carry.
type Decided = (Decision, Option<Decision>, BTreeSet<String>);

fn decide(case: &Case, pending: &Pending, answers: &Answers) -> Result<Decided> {
    let requested: Requested = answers.get(pending.request)?;
    let strange: Vec<&String> = requested
        .ignored
        .iter()
        .filter(|key| case.named.contains(*key))
        .collect();
    ensure!(strange.is_empty(), "{} does not carry {strange:?}", case.action);
    let administrator = pending.administrator.map(|asked| answers.get(asked)).transpose()?;
    let ignored = requested.ignored.into_iter().collect();
    Ok((answers.get(pending.real)?, administrator, ignored))
}

/// The statements without a name of their own: results could not name them.
pub fn nameless(policies: &[Policy]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for policy in policies {
        let mut seen = BTreeSet::new();
        for statement in policy.document["Statement"].as_array().into_iter().flatten() {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            if sid.is_empty() || !seen.insert(sid) {
                found.insert(format!("{}: {sid:?}", policy.id));
            }
        }
    }
    found
}
