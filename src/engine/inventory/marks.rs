use std::collections::HashMap;
use std::sync::Mutex;

use super::lock;
use crate::model::{IDENTITY_TAGS, NAME_TAG, Tags};

/// The tags that ours had when they were seen last, by kind and id: who takes them off does not make a resource
/// somebody else's.
#[derive(Default)]
pub(super) struct Marks(Mutex<HashMap<(String, String), Tags>>);

impl Marks {
    /// `id` is ours and has `tags`.
    pub(super) fn note(&self, kind: &str, id: &str, tags: Tags) {
        lock(&self.0).insert((kind.to_owned(), id.to_owned()), tags);
    }

    /// `id` is to go.
    pub(super) fn strike(&self, kind: &str, id: &str) {
        lock(&self.0).remove(&(kind.to_owned(), id.to_owned()));
    }

    /// Those of `kind` that are `seen`, with their ids, are all there are.
    pub(super) fn replace(&self, kind: &str, seen: impl Iterator<Item = (String, Tags)>) {
        let mut marks = lock(&self.0);
        marks.retain(|(of, _), _| of != kind);
        marks.extend(seen.map(|(id, tags)| ((kind.to_owned(), id), tags)));
    }

    /// `tags` and what they lack of the tags by which `id` was recognised, unless they name another owner now; and the
    /// keys of what they lack.
    pub(super) fn complete(&self, kind: &str, id: &str, mut tags: Tags) -> (Tags, Vec<&'static str>) {
        let marks = lock(&self.0);
        let known = marks.get(&(kind.to_owned(), id.to_owned()));
        let Some(known) = known.filter(|known| tags.owner().is_none_or(|owner| known.owner() == Some(owner))) else {
            return (tags, Vec::new());
        };
        // A name may be another one some day; what resource of its project it is does not change.
        let lost = |key: &&str| tags.get(key) != known.get(key) && (*key != NAME_TAG || tags.get(key).is_none());
        let lost: Vec<&'static str> = IDENTITY_TAGS.into_iter().filter(lost).collect();
        for key in &lost {
            let value = known.get(key).unwrap_or_default();
            tags.0.insert((*key).to_owned(), value.to_owned());
        }
        (tags, lost)
    }

    /// The ids of `kind` that are ours and not `listed`.
    pub(super) fn unlisted(&self, kind: &str, listed: impl Fn(&str) -> bool) -> Vec<String> {
        let marks = lock(&self.0);
        let ours = marks.keys().filter(|(of, id)| of == kind && !listed(id));
        ours.map(|(_, id)| id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NODE_TAG, OWNER_TAG};

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().copied().collect()
    }

    fn ours() -> Marks {
        let marks = Marks::default();
        let identity = [(OWNER_TAG, "i/ns/churn"), (NODE_TAG, "Vpc/main"), (NAME_TAG, "ds-vpc")];
        marks.note("Vpc", "vpc-1", tags(&identity));
        marks
    }

    #[test]
    fn lost_tags_are_filled_in_and_told_of() {
        let (full, lost) = ours().complete("Vpc", "vpc-1", tags(&[("CostCentre", "1"), (NODE_TAG, "Vpc/other")]));
        assert_eq!(lost, [OWNER_TAG, NODE_TAG, NAME_TAG]);
        assert_eq!(full.get(NODE_TAG), Some("Vpc/main"));
        assert_eq!(full.get("CostCentre"), Some("1"));
    }

    #[test]
    fn a_new_name_is_no_loss() {
        let renamed = [(OWNER_TAG, "i/ns/churn"), (NODE_TAG, "Vpc/main"), (NAME_TAG, "other")];
        let (full, lost) = ours().complete("Vpc", "vpc-1", tags(&renamed));
        assert_eq!((full.get(NAME_TAG), lost), (Some("other"), Vec::new()));
    }

    #[test]
    fn who_has_another_owner_now_is_left_to_it() {
        let (full, lost) = ours().complete("Vpc", "vpc-1", tags(&[(OWNER_TAG, "i/ns/other")]));
        assert_eq!((full.get(OWNER_TAG), lost), (Some("i/ns/other"), Vec::new()));
        assert_eq!(
            ours().complete("Vpc", "vpc-2", Tags::default()).0,
            Tags::default(),
            "never ours"
        );
    }

    #[test]
    fn what_is_given_up_is_not_missed() {
        let marks = ours();
        assert_eq!(marks.unlisted("Vpc", |_| false), ["vpc-1"]);
        marks.strike("Vpc", "vpc-1");
        assert!(marks.unlisted("Vpc", |_| false).is_empty());
    }
}
