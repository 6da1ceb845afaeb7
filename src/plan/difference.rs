//! Which fields of a resource differ from what is declared.

use serde_json::Value;

use super::types::{Change, Effect, Severity};
use super::world::Object;
use crate::kinds::AnyKind;
use crate::model::Tags;

/// The field under which a difference of tags is reported.
pub(super) const TAGS: &str = "tags";

/// The fields in which `current` is not as `desired`, tags included. Of what is `adopted`, what does no harm is left as it is.
pub(super) fn changes(
    kind: &dyn AnyKind,
    current: &Object,
    desired: &Value,
    tags: &Tags,
    adopted: bool,
) -> Vec<Change> {
    let compared = kind.fields().iter().filter(|field| !(adopted && field.harmless));
    let fields = compared.filter_map(|field| {
        let before = current.attributes.get(field.name).unwrap_or(&Value::Null);
        let after = desired.get(field.name).unwrap_or(&Value::Null);
        if before == after {
            return None;
        }
        let effect = kind.effect(field, before, after);
        (effect != Effect::Ignore).then(|| Change {
            field: field.name.to_owned(),
            before: before.clone(),
            after: after.clone(),
            effect,
            severity: field.severity,
        })
    });
    let tags = kind.taggable().then(|| tag_change(current, tags)).flatten();
    fields.chain(tags).collect()
}

fn tag_change(current: &Object, tags: &Tags) -> Option<Change> {
    let missing = tags.missing_from(&current.tags);
    if missing.is_empty() {
        return None;
    }
    let before: Tags = current
        .tags
        .iter()
        .filter(|(key, _)| missing.get(key).is_some())
        .collect();
    Some(Change {
        field: TAGS.to_owned(),
        before: serde_json::to_value(before).unwrap_or_default(),
        after: serde_json::to_value(missing).unwrap_or_default(),
        effect: Effect::InPlace,
        severity: Severity::Low,
    })
}
