//! Mistakes that make a statement hold for nobody, or for everybody, and that neither AWS nor a reader notices.

use std::collections::BTreeSet;

use super::document::{Effect, Statement};
use super::sagemaker;
use super::{Document, global, matches};

/// A statement that does not do what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The statement's name.
    pub sid: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Every flaw of `document`.
pub fn lint(document: &Document) -> Vec<Flaw> {
    let flaws = document.statements.iter().flat_map(|statement| {
        let reasons = conditions(statement).into_iter().chain(resources(statement));
        reasons.map(|reason| Flaw {
            sid: statement.sid.clone(),
            reason,
        })
    });
    flaws.collect()
}

fn conditions(statement: &Statement) -> Vec<String> {
    let each = statement.conditions.iter().flat_map(|(operator, keys)| {
        let tests = keys.iter();
        tests.flat_map(move |(key, values)| {
            let is = |value: &str| values.len() == 1 && values.contains(value);
            [
                sets(operator, key),
                empty_set(statement, operator, key),
                unsupported(statement, operator, key, values),
                deprecated(key),
                (statement.effect == Effect::Deny && operator == "Bool" && is("false"))
                    .then(|| format!("a request without {key} passes: BoolIfExists takes absent for false")),
                untagged(statement, key),
            ]
        })
    });
    each.flatten().collect()
}

/// Set operators belong to keys with several values, and only to them.
fn sets(operator: &str, key: &str) -> Option<String> {
    let is_set = operator.starts_with("ForAllValues:") || operator.starts_with("ForAnyValue:");
    let several = sagemaker::MULTI_VALUED
        .iter()
        .any(|known| known.eq_ignore_ascii_case(key));
    match (is_set, several) {
        (false, true) if operator != "Null" => {
            Some(format!("{key} has several values: {operator} needs a set operator"))
        }
        (true, false) => Some(format!("{key} has one value: {operator} has no meaning for it")),
        _ => None,
    }
}

fn empty_set(statement: &Statement, operator: &str, key: &str) -> Option<String> {
    let says_so = operator.ends_with("IfExists");
    let present = statement.conditions.get("Null").and_then(|keys| keys.get(key));
    let demanded = present.is_some_and(|values| values.contains("false"));
    let leaks = statement.effect == Effect::Allow && operator.starts_with("ForAllValues:") && !demanded && !says_so;
    leaks.then(|| format!("a request without {key} is allowed: {operator} is true of nothing"))
}

/// A key that an action never carries: a condition that holds without it blocks the action, one that does not stops
/// nobody. Of the second kind, only what is named in full is a mistake; a pattern takes in more than it is about.
fn unsupported(statement: &Statement, operator: &str, key: &str, values: &BTreeSet<String>) -> Option<String> {
    if !key.starts_with("sagemaker:") || statement.effect == Effect::Allow {
        return None;
    }
    let blocks = match operator {
        "Null" => values.contains("true"),
        _ => operator.ends_with("IfExists") || (operator.contains("Not") && !operator.starts_with("ForAnyValue:")),
    };
    let named = statement
        .actions
        .iter()
        .filter(|action| blocks || !action.contains('*'));
    // Where another condition asks for a value, the statement is only about actions that carry that key too.
    let asked = |operator: &&String| operator.starts_with("ForAnyValue:");
    let asked = statement.conditions.iter().filter(|(operator, _)| asked(operator));
    let asked: Vec<&String> = asked
        .flat_map(|(_, keys)| keys.keys())
        .filter(|asked| *asked != key)
        .collect();
    let about = |action: &&str| asked.iter().all(|key| sagemaker::supports(action, key));
    let known = named.flat_map(|action| sagemaker::matching(action)).filter(about);
    let without: Vec<&str> = known.filter(|action| !sagemaker::supports(action, key)).collect();
    (!without.is_empty()).then(|| format!("never carry {key}: {}", without.join(", ")))
}

fn deprecated(key: &str) -> Option<String> {
    let (_, successor) = sagemaker::DEPRECATED.iter().find(|(old, _)| *old == key)?;
    Some(format!("{key} is deprecated in favour of {successor}"))
}

fn untagged(statement: &Statement, key: &str) -> Option<String> {
    let passes = statement.actions.iter().any(|action| matches(action, "iam:PassRole"));
    (passes && key.starts_with("aws:ResourceTag/")).then(|| format!("iam:PassRole does not carry {key}"))
}

fn resources(statement: &Statement) -> Vec<String> {
    let passes = statement.actions.iter().any(|action| matches(action, "iam:PassRole"));
    let mut flaws = Vec::new();
    if statement.effect == Effect::Allow && passes && statement.resources.contains("*") {
        let key = global::PASSED_TO;
        flaws.push(format!("any role can be passed; {} does not say which", key.name()));
    }
    let typed = |arn: &&String| arn.starts_with("arn:") && arn.contains(":sagemaker:");
    for arn in statement.resources.iter().filter(typed) {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        if let Some((kind, _)) = resource.split_once('/')
            && kind.contains('*')
        {
            flaws.push(format!(
                "{arn} matches nothing: the type of a resource takes no wildcard"
            ));
        }
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(statement: Statement) -> Vec<String> {
        let flaws = lint(&Document::new([statement]));
        flaws.into_iter().map(|flaw| flaw.reason).collect()
    }

    #[test]
    fn each_mistake_is_named() {
        let jobs = |statement: Statement| statement.actions(["sagemaker:CreateTrainingJob"]).anywhere();
        let table: [(Statement, &str); 9] = [
            (
                jobs(Statement::deny("A")).when("StringNotEquals", "sagemaker:VpcSubnets", ["subnet-1"]),
                "needs a set operator",
            ),
            (
                jobs(Statement::deny("A")).when("ForAnyValue:StringEquals", "aws:SourceVpce", ["vpce-1"]),
                "has one value",
            ),
            (
                jobs(Statement::allow("A")).when("ForAllValues:StringEquals", "sagemaker:VpcSubnets", ["subnet-1"]),
                "is true of nothing",
            ),
            (
                jobs(Statement::deny("A")).when("Bool", "sagemaker:InterContainerTrafficEncryption", ["false"]),
                "BoolIfExists",
            ),
            (
                jobs(Statement::deny("A")).when("Null", "sagemaker:VolumeKmsKey", ["true"]),
                "is deprecated",
            ),
            (
                Statement::deny("A").actions(["sagemaker:Create*Job"]).anywhere().when(
                    "Null",
                    "sagemaker:VpcSubnets",
                    ["true"],
                ),
                "sagemaker:CreateTransformJob",
            ),
            (
                Statement::allow("A").actions(["iam:Pass*"]).anywhere(),
                "any role can be passed",
            ),
            (
                Statement::allow("A")
                    .actions(["iam:PassRole"])
                    .resources(["arn:aws:iam::111122223333:role/r"])
                    .when("StringEquals", "aws:ResourceTag/ProjectName", ["p"]),
                "does not carry",
            ),
            (
                Statement::allow("A")
                    .actions(["sagemaker:Stop*"])
                    .resources(["arn:aws:sagemaker:us-east-1:111122223333:*-job/x"]),
                "takes no wildcard",
            ),
        ];
        for (statement, reason) in table {
            let found = reasons(statement);
            assert!(found.iter().any(|found| found.contains(reason)), "{reason}: {found:?}");
        }
    }
}
