//! All policies and all cases, evaluated once, and what is wrong with the results.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use anyhow::{Result, anyhow, ensure};
use secureml::api::Preset;
use secureml::policy::Document;
use secureml::policy::evaluate::{Policies, Request, evaluate};
use serde_json::{Value, json};

use super::environment::{Environment, OURS, Others, Policy, PolicyKind, STRANGERS};
use super::scenario::{Case, Defence, FREE, LayerName, PERMISSIVE, World};
use super::simulator::{Answers, Asked, Decision, Layer, Questions, Requested};
use super::who::{ADMINISTRATOR, NOBODY};

const FULL: &str = include_str!("scenarios/environment.yaml");
const NEIGHBOUR: &str = include_str!("scenarios/neighbour.yaml");

/// The files of attacks and of legitimate work.
const ATTACKS: &[(&str, &str)] = &[
    ("attacks/network.yaml", include_str!("scenarios/attacks/network.yaml")),
    (
        "attacks/encryption.yaml",
        include_str!("scenarios/attacks/encryption.yaml"),
    ),
    (
        "attacks/notebooks.yaml",
        include_str!("scenarios/attacks/notebooks.yaml"),
    ),
    (
        "attacks/neighbours.yaml",
        include_str!("scenarios/attacks/neighbours.yaml"),
    ),
    (
        "attacks/exfiltration.yaml",
        include_str!("scenarios/attacks/exfiltration.yaml"),
    ),
    ("attacks/storage.yaml", include_str!("scenarios/attacks/storage.yaml")),
    ("attacks/keys.yaml", include_str!("scenarios/attacks/keys.yaml")),
    (
        "attacks/administration.yaml",
        include_str!("scenarios/attacks/administration.yaml"),
    ),
    ("attacks/roles.yaml", include_str!("scenarios/attacks/roles.yaml")),
    (
        "attacks/everything.yaml",
        include_str!("scenarios/attacks/everything.yaml"),
    ),
];
const WORK: &[(&str, &str)] = &[
    ("work/labs.yaml", include_str!("scenarios/work/labs.yaml")),
    ("work/people.yaml", include_str!("scenarios/work/people.yaml")),
    ("work/services.yaml", include_str!("scenarios/work/services.yaml")),
];

/// The environments: ours, that of a neighbour whose name begins like ours, and one of another account.
pub struct Ground {
    pub ours: Environment,
    pub theirs: Environment,
    pub strangers: Environment,
}

impl Ground {
    pub fn draw() -> Result<Self> {
        Self::under(Preset::default())
    }

    /// With the preset `preset` of the guardrails.
    pub fn under(preset: Preset) -> Result<Self> {
        let ours = format!("{FULL}  guardrails: {{preset: {preset:?}}}\n");
        Ok(Self {
            ours: Environment::draw(&ours, OURS)?,
            theirs: Environment::draw(NEIGHBOUR, OURS)?,
            strangers: Environment::draw(FULL, STRANGERS)?,
        })
    }

    /// Every policy of our environment and of the neighbour's.
    pub fn policies(&self) -> Vec<Policy> {
        let of = |environment: &Environment| {
            let nodes = environment.nodes.values();
            nodes.flat_map(|node| environment.policies(node)).collect::<Vec<_>>()
        };
        let mut all = of(&self.ours);
        all.extend(of(&self.theirs));
        all
    }

    /// What scenarios are read in.
    pub fn world(&self) -> Result<World<'_>> {
        World::new(Others {
            ours: &self.ours,
            theirs: &self.theirs,
            strangers: &self.strangers,
        })
    }

    /// The attacks and the legitimate actions.
    pub fn cases(&self) -> Result<(Vec<Case>, Vec<Case>)> {
        let world = self.world()?;
        let read = |files: &[(&str, &str)], work: &[Case]| -> Result<Vec<Case>> {
            let mut cases = Vec::new();
            for (file, text) in files {
                cases.extend(world.cases(file, text, work)?);
            }
            Ok(cases)
        };
        let work = read(WORK, &[])?;
        Ok((read(ATTACKS, &work)?, work))
    }
}

/// Every scenario under the default guardrails, evaluated once for all tests that look at the results.
pub struct Whole {
    pub ground: Ground,
    /// The attacks first, and then the legitimate actions.
    pub evaluated: Vec<Evaluated>,
    /// How many of them are attacks.
    pub attacks: usize,
}

impl Whole {
    pub fn get() -> Result<&'static Self> {
        static WHOLE: LazyLock<Result<Whole, String>> =
            LazyLock::new(|| Whole::evaluate().map_err(|error| format!("{error:#}")));
        WHOLE.as_ref().map_err(|error| anyhow!("{error}"))
    }

    fn evaluate() -> Result<Self> {
        let ground = Ground::draw()?;
        let (attacks, work) = ground.cases()?;
        let count = attacks.len();
        let cases = attacks.into_iter().chain(work).collect();
        let evaluated = Suite::new(&ground.policies(), cases).evaluate()?;
        Ok(Self {
            ground,
            evaluated,
            attacks: count,
        })
    }
}

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

/// One case and how it was decided.
pub struct Evaluated {
    pub case: Case,
    pub decision: Decision,
    pub administrator: Option<Decision>,
    /// The keys of its context that the action does not carry.
    pub ignored: BTreeSet<String>,
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

impl Evaluated {
    /// The request, as the product's own evaluator takes it.
    pub fn request(&self) -> Request {
        let Case {
            who,
            action,
            resource,
            account,
            context,
            ..
        } = &self.case;
        let carried = context.iter().filter(|(key, _)| !self.ignored.contains(*key));
        let request = Request::new(&who.principal, action, resource, account);
        carried.fold(request, |request, (key, value)| {
            let values: Vec<&str> = match value {
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            request.with(key, values)
        })
    }

    /// The simulator asks no policy about what everybody may do; the endpoint's has a say in it.
    fn ask_the_endpoint(&mut self, endpoint: &Document) {
        let policies = Policies {
            identity: vec![endpoint],
            ..Policies::default()
        };
        let said = evaluate(&self.request(), &policies).identity;
        let named = |sids: BTreeSet<String>| {
            let id = self.case.endpoint_policy.clone().unwrap_or_default();
            sids.into_iter().map(|sid| (id.clone(), sid)).collect()
        };
        let layer = Layer {
            allow: named(said.allow),
            deny: named(said.deny),
        };
        let result = if layer.allows() { "Allowed" } else { "ImplicitlyDenied" };
        self.decision.result = result.to_owned();
        self.decision.layers.endpoint = Some(layer);
    }

    /// What is wrong with an attack.
    pub fn breach(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.case.by.is_empty() {
            found.push("no defence is named".to_owned());
        }
        if self.decision.allowed() {
            found.push("ALLOWED".to_owned());
        }
        if self.administrator.as_ref().is_some_and(Decision::allowed) {
            found.push("ALLOWED with AdministratorAccess".to_owned());
        }
        for defence in &self.case.by {
            if !self.layer(defence.layer).is_some_and(|layer| defence.holds(layer)) {
                found.push(format!("{defence:?} does not hold: {:?}", self.layer(defence.layer)));
            }
        }
        found
    }

    /// What is wrong with legitimate work: the layers that stop it.
    pub fn obstacle(&self) -> Option<String> {
        (!self.decision.allowed()).then(|| {
            let names = [
                LayerName::Role,
                LayerName::Boundary,
                LayerName::Resource,
                LayerName::Endpoint,
                LayerName::Organization,
            ];
            let stops = names.iter().filter_map(|&name| {
                let layer = self.layer(name)?;
                (!layer.allows()).then(|| format!("{name:?} denies by {:?}", layer.deny))
            });
            format!("{}: {}", self.decision.result, stops.collect::<Vec<_>>().join("; "))
        })
    }

    pub fn layer(&self, name: LayerName) -> Option<&Layer> {
        let layers = &self.decision.layers;
        match name {
            LayerName::Role => layers.role.as_ref(),
            LayerName::Boundary => layers.boundary.as_ref(),
            LayerName::Resource => layers.resource.as_ref(),
            LayerName::Endpoint => layers.endpoint.as_ref(),
            LayerName::Organization => layers.organization.as_ref(),
        }
    }

    /// The layers that have to let legitimate work through. A bucket's policy need not: within an account, the role's
    /// word is enough there.
    pub fn needs(&self, name: LayerName) -> bool {
        let action = &self.case.action;
        match name {
            LayerName::Resource => {
                action.starts_with("kms:") || action.starts_with("sts:") || self.case.who.identity.is_empty()
            }
            _ => true,
        }
    }
}

impl Defence {
    /// Whether `layer` alone denies in this way.
    pub fn holds(&self, layer: &Layer) -> bool {
        match &self.sid {
            Some(sid) => layer.denies(sid),
            None => layer.silent(),
        }
    }
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
