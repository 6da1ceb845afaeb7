use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};

use super::claims::{self, ByKind, ClaimOf};
use super::{
    DETAILS_PER_SECOND, Detail, DetailKey, Details, Inventory, List, Looking, MARKED_FOR, Memory, Sightings, lock,
};
use crate::aws::Aws;
use crate::engine::Failure;
use crate::model::{Claimed, Tags};
use crate::plan::{Object, Phase};

/// Reads for one kind, through the inventory's memories.
pub struct Reader<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) kind: &'static str,
    pub(super) details: Details,
    pub(super) not_before: Instant,
    pub(super) oldest: StdMutex<Option<Instant>>,
    /// The objects that details were asked of; what is known of others is of no more use.
    pub(super) asked: StdMutex<HashSet<String>>,
    /// The tags that resources of ours have lost, by id.
    pub(super) lost: StdMutex<HashMap<String, Vec<&'static str>>>,
    /// What is claimed, by kind.
    pub(super) claims: Arc<ByKind>,
    /// What was seen of it.
    pub(super) seen: StdMutex<Sightings>,
    pub(super) _looking: Looking<'a>,
}

impl Reader<'_> {
    /// The account's clients.
    pub fn aws(&self) -> &Aws {
        &self.inventory.aws
    }

    /// Whether `tags` name an owner of this installation.
    pub fn is_ours(&self, tags: &Tags) -> bool {
        self.inventory.is_ours(tags)
    }

    /// By what `id`, a resource of the reader's kind that has `tags`, is recognised: the tags it has, and those of its
    /// identity that it had when it was seen last, unless they name another owner now; and, of what is nobody's and is
    /// claimed, those of what it shall be.
    pub fn recognised(&self, id: &str, tags: Tags) -> Tags {
        let (tags, lost) = self.inventory.marks.complete(self.kind, id, tags);
        if !lost.is_empty() {
            lock(&self.lost).insert(id.to_owned(), lost);
        }
        let claims = claims::on(self.claimed(), id, &tags);
        let Some((first, rivals)) = claims.split_first() else {
            return tags;
        };
        let mut seen = lock(&self.seen);
        if tags.owner().is_none() {
            seen.rivals
                .insert(id.to_owned(), rivals.iter().copied().cloned().collect());
            return claims::lend(tags, first);
        }
        let of_each = claims.iter().map(|claim| ((*claim).clone(), self.bare(id, &tags)));
        seen.owned.extend(of_each);
        drop(seen);
        tags
    }

    /// As [`Reader::recognised`], of a resource of another kind.
    pub fn recognised_as(&self, kind: &str, id: &str, tags: Tags) -> Tags {
        let (tags, _) = self.inventory.marks.complete(kind, id, tags);
        let claims = self.claims.get(kind).map_or(&[][..], Vec::as_slice);
        match claims::on(claims, id, &tags).first() {
            Some(claim) if tags.owner().is_none() => claims::lend(tags, claim),
            _ => tags,
        }
    }

    /// The claims on resources of the reader's kind.
    pub(crate) fn claimed(&self) -> &[ClaimOf] {
        self.claims.get(self.kind).map_or(&[], Vec::as_slice)
    }

    /// What is known of a resource that was not looked into.
    fn bare(&self, id: &str, tags: &Tags) -> Object {
        Object {
            kind: self.kind.to_owned(),
            id: id.to_owned(),
            outputs: std::collections::BTreeMap::new(),
            attributes: serde_json::Value::Null,
            tags: tags.clone(),
            state: String::new(),
            phase: Phase::Ready,
        }
    }

    /// The ids of the reader's kind that were ours when they were seen last, or are claimed, and that are not `listed`
    /// now: they have lost their tags or never had any, or are gone. Nothing that was read of them before is believed.
    pub fn missed(&self, listed: impl Fn(&str) -> bool) -> Vec<String> {
        let mut missed = self.inventory.marks.unlisted(self.kind, &listed);
        let claimed = self.claimed().iter().filter_map(|claim| match &claim.on {
            Claimed::Id(id) if !listed(id) => Some(id.clone()),
            _ => None,
        });
        missed.extend(claimed);
        missed.sort_unstable();
        missed.dedup();
        lock(&self.inventory.details).retain(|(kind, id, _), _| *kind != self.kind || !missed.contains(id));
        missed
    }

    /// The list `name`, fetched unless somebody's reading of it is fresh enough.
    ///
    /// # Errors
    /// When fetching fails.
    pub async fn list<T, F>(&self, name: &'static str, fetch: F) -> Result<Arc<T>, Failure>
    where
        T: Any + Send + Sync,
        F: Future<Output = Result<T, Failure>>,
    {
        let cell = Arc::clone(lock(&self.inventory.lists).entry(name).or_default());
        let mut cell = cell.lock().await;
        if let Some(list) = cell.as_ref().filter(|list| list.read_at >= self.not_before)
            && let Ok(items) = Arc::clone(&list.items).downcast()
        {
            self.used(list.read_at);
            return Ok(items);
        }
        let read_at = Instant::now();
        let items = Arc::new(fetch.await?);
        let memory: Memory = Arc::<T>::clone(&items);
        *cell = Some(List { read_at, items: memory });
        self.used(read_at);
        Ok(items)
    }

    /// `aspect` of the object `id`, which no list carries. It is fetched when it is new, when `mark` (a version, a
    /// time of change; empty where no list tells one) differs from the last one, and when it has been believed
    /// long enough.
    ///
    /// # Errors
    /// When fetching fails.
    pub async fn detail<T, F>(&self, id: &str, aspect: &'static str, mark: &str, fetch: F) -> Result<Arc<T>, Failure>
    where
        T: Any + Send + Sync,
        F: Future<Output = Result<T, Failure>>,
    {
        if let Some(known) = self.remembered(id, aspect, mark) {
            return Ok(known);
        }
        let read_at = Instant::now();
        let value = Arc::new(fetch.await?);
        self.remember(id, aspect, mark, read_at, &value);
        Ok(value)
    }

    /// As [`Reader::detail`], for many objects, each with its mark, where AWS answers for `batch` of them in one
    /// call, which takes along as many as there is room for. `fetch` is called with ids and answers with what it found;
    /// objects it found nothing for are left out.
    ///
    /// # Errors
    /// When fetching fails.
    pub async fn details<T, F>(
        &self,
        wanted: &[(String, String)],
        aspect: &'static str,
        batch: usize,
        fetch: impl Fn(Vec<String>) -> F,
    ) -> Result<HashMap<String, Arc<T>>, Failure>
    where
        T: Any + Send + Sync,
        F: Future<Output = Result<Vec<(String, T)>, Failure>>,
    {
        let mut found = HashMap::new();
        let mut open = Vec::new();
        for (id, mark) in wanted {
            match self.remembered(id, aspect, mark) {
                Some(known) => {
                    found.insert(id.clone(), known);
                }
                None => open.push((id, mark)),
            }
        }
        let batch = batch.max(1);
        let room = open.len().next_multiple_of(batch) - open.len();
        open.extend(
            wanted
                .iter()
                .filter(|(id, _)| found.contains_key(id))
                .take(room)
                .map(|(id, mark)| (id, mark)),
        );
        for chunk in open.chunks(batch) {
            let read_at = Instant::now();
            let ids = chunk.iter().map(|(id, _)| (*id).clone()).collect();
            let mut answers: HashMap<String, T> = fetch(ids).await?.into_iter().collect();
            for (id, mark) in chunk {
                if let Some(value) = answers.remove(*id) {
                    let value = Arc::new(value);
                    self.remember(id, aspect, mark, read_at, &value);
                    found.insert((*id).clone(), value);
                }
            }
        }
        Ok(found)
    }

    fn remembered<T: Any + Send + Sync>(&self, id: &str, aspect: &'static str, mark: &str) -> Option<Arc<T>> {
        let key = (self.kind, id.to_owned(), aspect);
        lock(&self.asked).insert(id.to_owned());
        let details = lock(&self.inventory.details);
        let detail = details.get(&key)?;
        let paced = Duration::from_secs(u64::try_from(details.len()).unwrap_or(u64::MAX)) / DETAILS_PER_SECOND;
        let believed = match self.details {
            Details::Known => MARKED_FOR,
            Details::Paced if mark.is_empty() => paced,
            Details::Paced => paced.max(MARKED_FOR),
        };
        let fresh = detail.mark == mark && detail.read_at + spread(&key, believed) >= self.not_before;
        fresh.then(|| Arc::clone(&detail.value).downcast().ok())?
    }

    fn remember<T: Any + Send + Sync>(
        &self,
        id: &str,
        aspect: &'static str,
        mark: &str,
        read_at: Instant,
        value: &Arc<T>,
    ) {
        let detail = Detail {
            read_at,
            mark: mark.to_owned(),
            value: Arc::<T>::clone(value) as Memory,
        };
        lock(&self.inventory.details).insert((self.kind, id.to_owned(), aspect), detail);
    }

    fn used(&self, read_at: Instant) {
        let mut oldest = lock(&self.oldest);
        *oldest = Some(oldest.map_or(read_at, |oldest| oldest.min(read_at)));
    }
}

/// Half of `time` to all of it, the same for the same `key`: what was read at once is not all read again at once.
fn spread(key: &DetailKey, time: Duration) -> Duration {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 256).unwrap_or_default();
    time / 2 + time / 512 * part
}
