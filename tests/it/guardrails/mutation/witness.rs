//! Whether a change changes anything: a request to which the changed statement applies and the unchanged one does not,
//! or the other way round.
//!
//! Taking `sagemaker:DescribeModel` out of a deny of foreign subnets changes nothing, for that request says nothing of
//! subnets; nor does it change anything to compare account numbers without regard to case. Such mutants cannot be
//! noticed by any test. They are told from others by search, never by a list: over every action that AWS publishes and
//! the statement speaks of, every type of resource that the action takes, resources and values like those of the statement
//! and unlike them, and absence of every key. The search knows nothing of the scenarios, so that it cannot excuse what they
//! lack; and it is tried itself: it has to find a request for every mutant that a scenario notices.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use secureml::policy::evaluate::Request;
use secureml::policy::{Document, Statement, sagemaker};

use super::facts::Facts;
use super::mutants::{Change, Mutant, speaks};
use super::near::{common, concrete, near};
use super::noticed::applies;
use super::place::{Half, Place, Ways};
use crate::guardrails::environment::{OURS, PolicyKind, STRANGERS};
use crate::guardrails::published::Form;

/// The search, and what it has read.
pub struct Search<'a> {
    facts: &'a Facts,
    known: RefCell<BTreeMap<Id, Rc<Read>>>,
    spoken_of: RefCell<BTreeMap<Id, Actions<'a>>>,
}

/// A policy, and one of its statements.
type Id = (String, String);
/// The actions that a change can be about.
type Actions<'a> = Rc<Vec<&'a str>>;

/// Statements, read for the search.
struct Read {
    ways: BTreeMap<String, Ways>,
    halves: Vec<Half>,
}

/// Keys that AWS documents to be in every request.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport>
const ALWAYS: &[&str] = &["aws:SecureTransport"];

/// A value that no statement names.
const OTHER: &str = "something";

impl<'a> Search<'a> {
    pub fn new(facts: &'a Facts) -> Self {
        Self {
            facts,
            known: RefCell::default(),
            spoken_of: RefCell::default(),
        }
    }

    /// A request that tells the policy with the change from the one without, in words.
    pub fn witness(&self, mutant: &Mutant) -> Option<String> {
        let Some(before) = &mutant.before else {
            return Some("any request that is denied".to_owned());
        };
        let after = match &mutant.change {
            Change::To(statement) => Some(statement),
            Change::Without(_) | Change::Removed | Change::Opened => None,
        };
        let both: Vec<&Statement> = [Some(before), after].into_iter().flatten().collect();
        let read = self.read(mutant, &both);
        // What another statement of the policy allows is not possible because of the change.
        let others = self.facts.others(&mutant.policy, before);
        let (ways, one, other) = (&read.ways, &read.halves[0], read.halves.get(1));
        let actions = self.actions(mutant, before, after);
        let published = actions
            .iter()
            .filter_map(|action| self.facts.published.actions.get_key_value(*action));
        for (action, published) in published {
            for form in &published.forms {
                let unsaid = unsaid(&others, ways, form);
                let ways = carried(ways, form);
                for resource in self.arns(mutant, &both, form) {
                    let place = Place {
                        action,
                        resource: &resource,
                        ways: &ways,
                    };
                    let found = place.tell(one, other, |_| true);
                    let found = found.or_else(|| {
                        place.tell(other?, Some(one), |request| {
                            let more = unsaid
                                .iter()
                                .fold(request.clone(), |request, key| request.with(key, [OTHER]));
                            !applies(&others, request) || !applies(&others, &more)
                        })
                    });
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        None
    }

    /// The actions that the change of `mutant` can be about; those of a statement are looked for once.
    fn actions(&self, mutant: &Mutant, before: &Statement, after: Option<&Statement>) -> Actions<'a> {
        let of = |statements: &[&Statement]| {
            let spoken_of = |name: &str| statements.iter().any(|statement| speaks(statement, name));
            let actions = self.facts.published.matching(spoken_of);
            Rc::new(actions.map(|(action, _)| action).collect())
        };
        if let Change::Without(action) = &mutant.change {
            let known = self.facts.published.actions.get_key_value(action);
            return Rc::new(known.into_iter().map(|(action, _)| action.as_str()).collect());
        }
        match after {
            Some(after) if (&after.actions, &after.not_actions) != (&before.actions, &before.not_actions) => {
                of(&[before, after])
            }
            _ => {
                let id = (mutant.policy.clone(), before.sid.clone());
                let mut spoken_of = self.spoken_of.borrow_mut();
                Rc::clone(spoken_of.entry(id).or_insert_with(|| of(&[before])))
            }
        }
    }

    /// The statements of `mutant`, read; once for all mutants that only take something out of a statement.
    fn read(&self, mutant: &Mutant, statements: &[&Statement]) -> Rc<Read> {
        let read = || {
            let ways = self.ways(mutant, statements);
            let halves = statements.iter().map(|statement| Half::new(statement, &ways)).collect();
            Rc::new(Read { ways, halves })
        };
        let [before] = statements else {
            return read();
        };
        let id = (mutant.policy.clone(), before.sid.clone());
        Rc::clone(self.known.borrow_mut().entry(id).or_insert_with(read))
    }

    /// Resources like those of the statements and unlike them, of the type of `form`.
    fn arns(&self, mutant: &Mutant, statements: &[&Statement], form: &Form) -> BTreeSet<String> {
        let any = |account: &str| form.arn(account, "churn");
        let mut found = BTreeSet::from([any(OURS), any(STRANGERS)]);
        let shape = form.arn(OURS, "*");
        let patterns = statements
            .iter()
            .flat_map(|statement| statement.resources.iter().chain(&statement.not_resources));
        for one in patterns.filter_map(|pattern| common(&concrete(pattern), &shape)) {
            let near = near(&one, &self.facts.neighbours);
            found.extend(near.into_iter().filter(|arn| is_of(&shape, arn, form)));
        }
        if let Some(own) = self.facts.resources.get(&mutant.policy) {
            found.insert(own.clone());
            found.insert(format!("{own}/churn"));
            found.retain(|arn| is_of(&shape, arn, form) && (arn == own || arn.starts_with(&format!("{own}/"))));
        }
        found
    }

    /// The ways in which a request can carry each key that the statements speak of.
    fn ways(&self, mutant: &Mutant, statements: &[&Statement]) -> BTreeMap<String, Ways> {
        let mut named: BTreeMap<&String, Vec<(&str, &String)>> = BTreeMap::new();
        for statement in statements {
            for (operator, keys) in &statement.conditions {
                for (key, values) in keys {
                    let values = values.iter().map(|value| (operator.as_str(), value));
                    named.entry(key).or_default().extend(values);
                }
            }
        }
        let own = matches!(mutant.kind, PolicyKind::Identity | PolicyKind::Boundary);
        let callers = self.facts.callers.get(&mutant.policy).filter(|_| own);
        let ways = named.into_iter().map(|(key, named)| {
            let ways = match callers {
                Some(callers) if key == "aws:PrincipalArn" => callers.iter().map(|arn| vec![arn.clone()]).collect(),
                _ => self.ways_of(key, &named),
            };
            (key.clone(), ways)
        });
        ways.collect()
    }

    fn ways_of(&self, key: &str, named: &[(&str, &String)]) -> Ways {
        let mut values = BTreeSet::from([OTHER.to_owned()]);
        for (operator, value) in named {
            match value.parse::<f64>() {
                _ if *operator == "Null" => {}
                Ok(number) if operator.starts_with("Numeric") => {
                    values.extend([0.5, 1.0, 2.0, 20.0].map(|times| (number * times).to_string()));
                }
                _ if operator.starts_with("Bool") => values.extend(["true", "false"].map(str::to_owned)),
                _ => values.extend(near(&concrete(value).replace('*', "1"), &self.facts.neighbours)),
            }
        }
        let mut ways: Ways = values.iter().map(|value| vec![value.clone()]).collect();
        let sets = named.iter().any(|(operator, _)| operator.contains(':'));
        if sets || sagemaker::MULTI_VALUED.contains(&key) {
            let others = values.iter().filter(|value| *value != OTHER);
            ways.extend(others.map(|value| vec![value.clone(), OTHER.to_owned()]));
        }
        if !ALWAYS.contains(&key) {
            ways.push(Vec::new());
        }
        ways
    }
}

/// Those of `ways` that there are for `form`: keys that it does not carry are absent.
fn carried<'a>(ways: &'a BTreeMap<String, Ways>, form: &Form) -> BTreeMap<&'a str, Vec<&'a [String]>> {
    const NOTHING: &[&[String]] = &[&[]];
    let of = |(key, ways): (&'a String, &'a Ways)| {
        let ways = if form.carries(key) {
            ways.iter().map(Vec::as_slice).collect()
        } else {
            NOTHING.to_vec()
        };
        (key.as_str(), ways)
    };
    ways.iter().map(of).collect()
}

/// The keys that `others` speak of and `ways` do not, and that `form` carries.
fn unsaid(others: &Document, ways: &BTreeMap<String, Ways>, form: &Form) -> BTreeSet<String> {
    let conditions = others
        .statements
        .iter()
        .flat_map(|statement| statement.conditions.values());
    let keys = conditions.flat_map(BTreeMap::keys);
    let unsaid = keys.filter(|key| !ways.contains_key(*key) && form.carries(key));
    unsaid.cloned().collect()
}

/// Whether `arn` is of the type of resource whose ARNs look like `shape`. A bucket's look like those of objects too, but
/// for the slash.
fn is_of(shape: &str, arn: &str, form: &Form) -> bool {
    if shape == "*" {
        return arn == "*";
    }
    let fits = Document::new([Statement::allow("Fits").actions(["*"]).resources([shape])]);
    let bucket = form.kind == "bucket" && arn.contains('/');
    !bucket && applies(&fits, &Request::new("", "any:Action", arn, ""))
}
