//! Conditions of statements.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Request;
use crate::policy::Statement;
use crate::policy::pattern::Pattern;

/// Whether something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// What was not understood.
    Unknown(String),
}

/// Whether all conditions of `statement` hold.
pub(super) fn all(statement: &Statement, request: &Request) -> Holds {
    let mut holds = Holds::Yes;
    for (operator, keys) in &statement.conditions {
        for (key, values) in keys {
            match one(operator, key, values, request) {
                Holds::No => return Holds::No,
                Holds::Yes => {}
                unknown => holds = unknown,
            }
        }
    }
    holds
}

/// How the values of a set are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Only,
    Any,
    All,
}

fn one(operator: &str, key: &str, values: &BTreeSet<String>, request: &Request) -> Holds {
    let said = request.says(key);
    let said = said.filter(|said| !said.is_empty());
    let of = |holds: bool| if holds { Holds::Yes } else { Holds::No };
    if operator.eq_ignore_ascii_case("Null") {
        let wanted = values.iter().any(|value| value.eq_ignore_ascii_case("true"));
        return of(wanted == said.is_none());
    }
    let (quantifier, plain) = match operator.split_once(':') {
        None => (Quantifier::Only, operator),
        Some(("ForAnyValue", plain)) => (Quantifier::Any, plain),
        Some(("ForAllValues", plain)) => (Quantifier::All, plain),
        Some(_) => return Holds::Unknown(format!("the operator {operator}")),
    };
    let (plain, if_exists) = plain
        .strip_suffix("IfExists")
        .map_or((plain, false), |plain| (plain, true));
    let Some(test) = Test::named(plain) else {
        return Holds::Unknown(format!("the operator {operator}"));
    };
    let Some(said) = said else {
        let nothing = match quantifier {
            Quantifier::All => true,
            Quantifier::Any => false,
            Quantifier::Only => test.negated,
        };
        return of(if_exists || nothing);
    };
    let fits = |said: &String| test.fits(said, values, request);
    match quantifier {
        Quantifier::Any => of(said.iter().any(fits)),
        Quantifier::All => of(said.iter().all(fits)),
        Quantifier::Only => match said {
            [only] => of(fits(only)),
            _ => Holds::Unknown(format!("{operator} of several values of {key}")),
        },
    }
}

/// An operator without what it says of sets and of absent keys.
struct Test {
    compare: Compare,
    /// The value has to be like none of those named.
    negated: bool,
}

#[derive(Clone, Copy)]
enum Compare {
    Text,
    TextInAnyCase,
    Like,
    Arn,
    Flag,
    Number(fn(f64, f64) -> bool),
    Address,
}

impl Test {
    fn named(name: &str) -> Option<Self> {
        let of = |compare, negated| Some(Self { compare, negated });
        match name {
            "StringEquals" => of(Compare::Text, false),
            "StringNotEquals" => of(Compare::Text, true),
            "StringEqualsIgnoreCase" => of(Compare::TextInAnyCase, false),
            "StringNotEqualsIgnoreCase" => of(Compare::TextInAnyCase, true),
            "StringLike" => of(Compare::Like, false),
            "StringNotLike" => of(Compare::Like, true),
            // AWS treats the two of each pair alike.
            "ArnEquals" | "ArnLike" => of(Compare::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => of(Compare::Arn, true),
            "Bool" => of(Compare::Flag, false),
            "NumericEquals" => of(Compare::Number(|a, b| a == b), false),
            "NumericNotEquals" => of(Compare::Number(|a, b| a == b), true),
            "NumericLessThan" => of(Compare::Number(|a, b| a < b), false),
            "NumericLessThanEquals" => of(Compare::Number(|a, b| a <= b), false),
            "NumericGreaterThan" => of(Compare::Number(|a, b| a > b), false),
            "NumericGreaterThanEquals" => of(Compare::Number(|a, b| a >= b), false),
            "IpAddress" => of(Compare::Address, false),
            "NotIpAddress" => of(Compare::Address, true),
            _ => None,
        }
    }

    fn fits(&self, said: &str, values: &BTreeSet<String>, request: &Request) -> bool {
        values.iter().any(|value| self.compare.fits(said, value, request)) != self.negated
    }
}

impl Compare {
    /// Whether what the request says fits `value`, in which variables stand for what else it says.
    fn fits(self, said: &str, value: &str, request: &Request) -> bool {
        let known = |key: &str| request.value(key).map(str::to_owned);
        let matches = |wildcards: bool, same: fn(char, char) -> bool| {
            Pattern::with(value, wildcards, known).is_some_and(|pattern| pattern.matches(said, same))
        };
        match self {
            Self::Text => matches(false, |a, b| a == b),
            Self::TextInAnyCase => matches(false, |a, b| a.to_lowercase().eq(b.to_lowercase())),
            Self::Like => matches(true, |a, b| a == b),
            Self::Arn => Pattern::with(value, true, known).is_some_and(|pattern| pattern.matches_arn(said)),
            Self::Flag => said.eq_ignore_ascii_case(value),
            Self::Number(compare) => match (said.parse(), value.parse()) {
                (Ok(said), Ok(value)) => compare(said, value),
                _ => false,
            },
            Self::Address => match (said.parse::<IpAddr>(), network(value)) {
                (Ok(said), Some(network)) => network.contains(&said),
                _ => false,
            },
        }
    }
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
