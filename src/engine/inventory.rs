//! What AWS holds in one account and region, read by shared lists for every project in it.
//!
//! Three memories, each with the time of its reading: *lists* (one paged call, shared by kinds), *details* (per
//! object, for what no list carries) and *kinds* (objects by owner, made from both). A reader names the moment
//! its answer must not be older than; whoever comes while a list is being read waits for that same reading.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::Mutex;

use super::stored::Stored;
use super::{Failure, LiveKind, Permit, Sent, Turn};
use crate::aws::Aws;
use crate::kinds::{Identity, LIVE_KINDS};
use crate::model::{IDENTITY_TAGS, NAME_TAG, NODE_TAG, NodeKey, OWNER_TAG, Owner, Tags};
use crate::plan::{Call, Object, Unread, World};

/// How many per-object reads a second the slow lane may make on average. The more objects there are, the longer
/// a detail is believed; a small fleet's are read anew in every sweep.
const DETAILS_PER_SECOND: u32 = 15;
/// How long a detail is believed whose list carries a mark of change (a version, a time) that stayed the same.
const MARKED_FOR: Duration = Duration::from_secs(30 * 60);

/// When the resources of each kind were read.
pub type Readings = HashMap<&'static str, Instant>;

/// How new the details have to be, which are read object by object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    /// As new as the pace of the slow lane makes them.
    Paced,
    /// What is known will do: to remove something, it is enough that the lists still show it.
    Known,
}

/// The inventory of one account and region.
pub struct Inventory {
    aws: Arc<Aws>,
    installation: String,
    permit: Permit,
    lists: StdMutex<HashMap<&'static str, Arc<Mutex<Option<List>>>>>,
    details: StdMutex<HashMap<DetailKey, Detail>>,
    kinds: HashMap<&'static str, Mutex<Option<Arc<OfKind>>>>,
    /// The tags that ours had when they were seen last: who takes them off does not make them somebody else's.
    marks: StdMutex<HashMap<ResourceKey, Tags>>,
    /// How many are looking at AWS just now.
    looking: AtomicUsize,
}

/// Kind and id of a resource.
type ResourceKey = (String, String);

type Memory = Arc<dyn Any + Send + Sync>;

struct List {
    read_at: Instant,
    items: Memory,
}

/// Kind, id of the object, and which of its aspects.
type DetailKey = (&'static str, String, &'static str);

struct Detail {
    read_at: Instant,
    mark: String,
    value: Memory,
}

struct OfKind {
    read_at: Instant,
    by_owner: HashMap<Owner, Vec<(NodeKey, Stored)>>,
    names: Arc<BTreeMap<String, Option<Owner>>>,
}

impl Inventory {
    /// An empty inventory that looks at the objects of `installation` and writes while `permit` holds.
    pub fn new(aws: Arc<Aws>, installation: &str, permit: Permit) -> Self {
        Self {
            aws,
            installation: installation.to_owned(),
            permit,
            lists: StdMutex::default(),
            details: StdMutex::default(),
            kinds: LIVE_KINDS.iter().map(|kind| (kind.name(), Mutex::default())).collect(),
            marks: StdMutex::default(),
            looking: AtomicUsize::new(0),
        }
    }

    /// The account's clients.
    pub fn aws(&self) -> &Arc<Aws> {
        &self.aws
    }

    /// What AWS holds that matters to `owner`, of each kind not read before `not_before` says, and when it was read.
    pub async fn world(
        &self,
        owner: &Owner,
        details: Details,
        not_before: impl Fn(&str) -> Instant,
    ) -> (World, Readings) {
        let reads = LIVE_KINDS.iter().map(|kind| {
            let not_before = not_before(kind.name());
            async move { (*kind, self.kind(*kind, details, not_before).await) }
        });
        let _looking = Looking::begin(self);
        let (mut world, mut readings) = (World::default(), Readings::new());
        for (kind, read) in join_all(reads).await {
            match read {
                Ok(of_kind) => {
                    readings.insert(kind.name(), of_kind.read_at);
                    add(&mut world, kind, &of_kind, owner);
                }
                Err(failure) => {
                    let unread = Unread {
                        why: format!("could not be read: {failure}; {}", failure.class.hint()),
                        passes: failure.class.passes(),
                    };
                    world.unread.insert(kind.name().to_owned(), unread);
                }
            }
        }
        (world, readings)
    }

    /// Forgets the details of an object that was changed.
    pub fn forget(&self, node: &NodeKey, id: &str) {
        lock(&self.details).retain(|(kind, of, _), _| *kind != node.kind || of != id);
    }

    async fn kind(&self, kind: &dyn LiveKind, details: Details, not_before: Instant) -> Result<Arc<OfKind>, Failure> {
        let Some(memory) = self.kinds.get(kind.name()) else {
            return Ok(Arc::new(OfKind::new(not_before, Vec::new(), false, &HashMap::new())));
        };
        let mut memory = memory.lock().await;
        if let Some(read) = memory.as_ref().filter(|read| read.read_at >= not_before) {
            return Ok(Arc::clone(read));
        }
        let reader = Reader {
            inventory: self,
            kind: kind.name(),
            details,
            not_before,
            oldest: StdMutex::new(None),
            asked: StdMutex::default(),
            lost: StdMutex::default(),
        };
        let objects = kind.observe(&reader).await?;
        let asked = reader.asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        lock(&self.details).retain(|(of, id, _), _| *of != kind.name() || asked.contains(id));
        let read_at = lock(&reader.oldest).unwrap_or(not_before);
        self.mark(kind.name(), &objects);
        let lost = reader.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        let read = Arc::new(OfKind::new(read_at, objects, kind.identity() == Identity::Name, &lost));
        *memory = Some(Arc::clone(&read));
        Ok(read)
    }
}

impl Inventory {
    /// Takes note that `id` was made as `node` of `owner`.
    pub(super) fn made(&self, owner: &Owner, node: &NodeKey, id: &str) {
        let tags = [(OWNER_TAG, owner.to_string()), (NODE_TAG, node.to_string())];
        let key = (node.kind.clone(), id.to_owned());
        lock(&self.marks).insert(key, tags.into_iter().collect());
    }

    /// Takes note that `id`, of the kind of `node`, is to go: should it lose its tags, it is not missed.
    pub(super) fn gives_up(&self, node: &NodeKey, id: &str) {
        lock(&self.marks).remove(&(node.kind.clone(), id.to_owned()));
    }

    /// Takes note of the tags of what is ours.
    fn mark(&self, kind: &str, objects: &[Object]) {
        let ours = objects
            .iter()
            .filter(|object| object.node().is_some() && self.is_ours(&object.tags));
        let seen = ours.map(|object| ((kind.to_owned(), object.id.clone()), object.tags.clone()));
        let mut marks = lock(&self.marks);
        marks.retain(|(of, _), _| of != kind);
        marks.extend(seen);
    }

    fn is_ours(&self, tags: &Tags) -> bool {
        tags.owner()
            .is_some_and(|owner| owner.installation == self.installation)
    }
}

impl super::Executor for Inventory {
    async fn execute(&self, turn: &Turn, call: Call) -> Result<Sent, Failure> {
        let Some(kind) = LIVE_KINDS.iter().find(|live| live.name() == turn.node.kind) else {
            return Ok(Sent::done());
        };
        if let Err(due) = self.aws.limiter.admit(&call.call, turn).await {
            return Err(Failure::queued(&call.call, due));
        }
        let _room = self.aws.room_to_write().await;
        if !self.permit.holds(Instant::now()) {
            return Err(Failure::not_leading(&call.call));
        }
        kind.execute(&self.aws, call).await
    }
}

impl OfKind {
    /// `lost` are the tags that were filled in from memory, by id: they are missing.
    fn new(read_at: Instant, objects: Vec<Object>, named: bool, lost: &HashMap<String, Vec<&'static str>>) -> Self {
        let mut by_owner: HashMap<Owner, Vec<(NodeKey, Stored)>> = HashMap::new();
        let mut names = BTreeMap::new();
        for mut object in objects {
            let owner = object.tags.owner();
            let node = object.node();
            for key in lost.get(&object.id).into_iter().flatten() {
                object.tags.0.remove(*key);
            }
            if named || object.attributes.is_null() {
                names.insert(object.id.clone(), owner.clone());
            }
            if let Some((owner, node)) = owner.zip(node) {
                by_owner.entry(owner).or_default().push((node, object.into()));
            }
        }
        Self {
            read_at,
            by_owner,
            names: Arc::new(names),
        }
    }
}

fn add(world: &mut World, kind: &dyn LiveKind, of_kind: &OfKind, owner: &Owner) {
    for (node, stored) in of_kind.by_owner.get(owner).into_iter().flatten() {
        world.owned.entry(node.clone()).or_default().push(stored.object());
    }
    if !of_kind.names.is_empty() {
        world.taken.insert(kind.name().to_owned(), Arc::clone(&of_kind.names));
    }
}

/// Somebody looks at AWS. When the last has seen what it wanted, the lists are dropped: what they told is in the kinds,
/// in less space.
struct Looking<'a>(&'a Inventory);

impl<'a> Looking<'a> {
    fn begin(inventory: &'a Inventory) -> Self {
        inventory.looking.fetch_add(1, Ordering::SeqCst);
        Self(inventory)
    }
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        if self.0.looking.fetch_sub(1, Ordering::SeqCst) == 1 {
            lock(&self.0.lists).clear();
        }
    }
}

/// Reads for one kind, through the inventory's memories.
pub struct Reader<'a> {
    inventory: &'a Inventory,
    kind: &'static str,
    details: Details,
    not_before: Instant,
    oldest: StdMutex<Option<Instant>>,
    /// The objects that details were asked of; what is known of others is of no more use.
    asked: StdMutex<HashSet<String>>,
    /// The tags that resources of ours have lost, by id.
    lost: StdMutex<HashMap<String, Vec<&'static str>>>,
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
    /// identity that it had when it was seen last, unless they name another owner now.
    pub fn recognised(&self, id: &str, tags: Tags) -> Tags {
        let (tags, lost) = self.remembered_tags(self.kind, id, tags);
        if !lost.is_empty() {
            lock(&self.lost).insert(id.to_owned(), lost);
        }
        tags
    }

    /// As [`Reader::recognised`], of a resource of another kind.
    pub fn recognised_as(&self, kind: &str, id: &str, tags: Tags) -> Tags {
        self.remembered_tags(kind, id, tags).0
    }

    fn remembered_tags(&self, kind: &str, id: &str, mut tags: Tags) -> (Tags, Vec<&'static str>) {
        let marks = lock(&self.inventory.marks);
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

    /// The ids of the reader's kind that were ours when they were seen last and that are not `listed` now: they have lost
    /// their tags, or are gone. Nothing that was read of them before is believed.
    pub fn missed(&self, listed: impl Fn(&str) -> bool) -> Vec<String> {
        let marks = lock(&self.inventory.marks);
        let ours = marks.keys().filter(|(kind, id)| kind == self.kind && !listed(id));
        let missed: Vec<String> = ours.map(|(_, id)| id.clone()).collect();
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

fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
