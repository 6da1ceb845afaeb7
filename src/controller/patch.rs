//! What differs between two statuses, as a merge patch (RFC 7386).

use serde_json::Value;

use crate::api::SecureMLProjectStatus;

/// `new` as a merge patch over `old`: what is no longer there is named as null.
pub(super) fn between(old: Option<&SecureMLProjectStatus>, new: &SecureMLProjectStatus) -> Value {
    let old = serde_json::to_value(old).unwrap_or_default();
    let mut new = serde_json::to_value(new).unwrap_or_default();
    nullify(&old, &mut new);
    new
}

fn nullify(old: &Value, new: &mut Value) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object_mut()) else {
        return;
    };
    for (key, before) in old {
        match new.get_mut(key) {
            Some(after) => nullify(before, after),
            None => {
                new.insert(key.clone(), Value::Null);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::BrakeStatus;

    #[test]
    fn what_is_no_longer_there_is_null() {
        let id = |id: &str| BrakeStatus {
            id: id.to_owned(),
            released: false,
        };
        let with = |brake| SecureMLProjectStatus {
            brake,
            ..SecureMLProjectStatus::default()
        };
        let patch = |old, new| between(Some(&with(old)), &with(new));
        assert!(patch(Some(id("a")), None)["brake"].is_null());
        assert_eq!(patch(Some(id("a")), Some(id("b")))["brake"]["id"], "b");
        assert_eq!(between(None, &with(Some(id("b"))))["brake"]["id"], "b");
    }
}
