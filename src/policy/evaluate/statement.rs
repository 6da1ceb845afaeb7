//! Whether a statement applies to a request.

use std::collections::BTreeSet;

use super::condition::{self, Holds};
use super::{Layer, Request};
use crate::policy::pattern::Pattern;
use crate::policy::{Effect, Principal, Statement, matches};

/// Adds `statement` to `layer` if it applies.
pub(super) fn ask(statement: &Statement, request: &Request, layer: &mut Layer) {
    if !is_about(statement, request) {
        return;
    }
    let Some(named) = principal(statement, request) else {
        return;
    };
    let name = || statement.sid.clone();
    match condition::all(statement, request) {
        Holds::No => {}
        Holds::Unknown(why) => {
            layer.unknown.insert(name(), why);
        }
        Holds::Yes => match statement.effect {
            Effect::Allow => {
                layer.allow.insert(name());
                layer.named |= named;
            }
            Effect::Deny => {
                layer.deny.insert(name());
            }
        },
    }
}

fn is_about(statement: &Statement, request: &Request) -> bool {
    let action = |patterns: &BTreeSet<String>| patterns.iter().any(|pattern| matches(pattern, &request.action));
    let resource = |patterns: &BTreeSet<String>| patterns.iter().any(|pattern| resource(pattern, request));
    let actions = action(&statement.actions) || (!statement.not_actions.is_empty() && !action(&statement.not_actions));
    let unsaid = statement.resources.is_empty() && statement.not_resources.is_empty();
    let resources = unsaid
        || resource(&statement.resources)
        || (!statement.not_resources.is_empty() && !resource(&statement.not_resources));
    actions && resources
}

fn resource(pattern: &str, request: &Request) -> bool {
    let value = |key: &str| request.value(key).map(str::to_owned);
    Pattern::with(pattern, true, value).is_some_and(|pattern| pattern.matches_arn(&request.resource))
}

/// Whether the statement is about the caller: none if not, and else whether it names the caller and not only its
/// account. A statement of an identity policy names nobody and is about its owner.
fn principal(statement: &Statement, request: &Request) -> Option<bool> {
    if !statement.not_principals.is_empty() {
        let excepted = statement
            .not_principals
            .iter()
            .any(|principal| is(principal, request).is_some());
        return (!excepted).then_some(true);
    }
    if statement.principals.is_empty() {
        return Some(true);
    }
    let matched: Vec<bool> = statement
        .principals
        .iter()
        .filter_map(|principal| is(principal, request))
        .collect();
    (!matched.is_empty()).then(|| matched.contains(&true))
}

fn is(principal: &Principal, request: &Request) -> Option<bool> {
    match principal {
        Principal::Anyone => Some(true),
        Principal::Service(name) => (*name == request.principal).then_some(true),
        Principal::Aws(arn) => {
            if let Some(account) = account(arn) {
                return (request.caller_account() == Some(account)).then_some(false);
            }
            (arn == request.caller() || *arn == request.principal).then_some(true)
        }
        Principal::Other(..) => None,
    }
}

/// The account that `arn` is the root of.
fn account(arn: &str) -> Option<&str> {
    arn.strip_suffix(":root")?.split(':').nth(4)
}
