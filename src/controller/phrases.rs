//! What a plan does, in words that a condition or an event can hold.

use crate::model::{Account, NodeKey, OWNER_TAG, Owner, counted, references};
use crate::plan::{Action, Plan, Step};

/// How much of a list a message holds.
const SHOWN: usize = 3;

pub(super) fn told(plan: &Plan, which: impl Fn(&Step) -> bool) -> Vec<String> {
    let mut steps: Vec<_> = plan.steps.iter().filter(|(_, step)| which(step)).collect();
    // What only follows from another is told after it.
    let follows = |step: &Step| step.changes.iter().any(|change| !references(&change.after).is_empty());
    steps.sort_by_key(|(_, step)| follows(step));
    grouped(steps.into_iter().map(|(node, step)| (node, step.reason.as_str())))
}

/// What `plan` is to change, in words.
pub(super) fn wanted(plan: &Plan) -> String {
    shorten(&told(plan, |step| step.action.writes()))
}

/// The command that lists what is `owner`'s in `account`.
pub(super) fn listing(owner: &Owner, account: &Account) -> String {
    format!(
        "aws resourcegroupstaggingapi get-resources --region {} --tag-filters Key={OWNER_TAG},Values={owner}",
        account.region
    )
}

pub(super) fn count(plan: &Plan, action: Action) -> String {
    let count = plan.steps.values().filter(|step| step.action == action).count();
    counted(count, "resource")
}

/// What is said of each node; of those of which the same is said, once.
pub(super) fn grouped<'a>(said: impl IntoIterator<Item = (&'a NodeKey, &'a str)>) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (node, sentence) in said {
        match groups.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, nodes)) => nodes.push(node.to_string()),
            None => groups.push((sentence, vec![node.to_string()])),
        }
    }
    let tell = |(sentence, nodes): (&str, Vec<String>)| {
        let shown = nodes.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        match nodes.len().saturating_sub(SHOWN) {
            0 => format!("{shown}: {sentence}"),
            more => format!("{shown} and {more} more: {sentence}"),
        }
    };
    groups.into_iter().map(tell).collect()
}

pub(super) fn shorten(messages: &[String]) -> String {
    limited(messages, SHOWN)
}

pub(super) fn limited(messages: &[String], most: usize) -> String {
    let shown = messages.iter().take(most).cloned().collect::<Vec<_>>().join("; ");
    match messages.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
