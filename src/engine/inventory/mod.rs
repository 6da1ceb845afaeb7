//! What AWS holds in one account and region, read by shared lists for every project in it.
//!
//! Three memories, each with the time of its reading: *lists* (one paged call, shared by kinds), *details* (per
//! object, for what no list carries) and *kinds* (objects by owner, made from both). A reader names the moment
//! its answer must not be older than; whoever comes while a list is being read waits for that same reading.

mod claims;
mod marks;
mod reader;
mod stored;

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::Mutex;

pub(crate) use self::claims::ClaimOf;
use self::claims::Claims;
use self::marks::Marks;
pub use self::reader::Reader;
use self::stored::Stored;
use super::{Failure, LiveKind, Permit, Sent, Turn};
use crate::aws::Aws;
use crate::kinds::{Identity, LIVE_KINDS};
use crate::model::{Claim, Holder, NODE_TAG, NodeKey, OWNER_TAG, Owner, Tags};
use crate::plan::{Call, Candidate, Object, Unread, World};

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
    marks: Marks,
    claims: Claims,
    /// How many are looking at AWS just now.
    looking: AtomicUsize,
}

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
    claimed: HashMap<Owner, Vec<(NodeKey, Candidate)>>,
}

/// What a reader saw of claims that the objects it gave do not tell.
#[derive(Default)]
struct Sightings {
    /// What is claimed and has an owner, for each claim on it.
    owned: Vec<(ClaimOf, Object)>,
    /// Who else claims what was lent to the first, by id.
    rivals: HashMap<String, Vec<ClaimOf>>,
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
            marks: Marks::default(),
            claims: Claims::default(),
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
                        why: format!("could not be read: {}", failure.sentence()),
                        passes: failure.class.passes(),
                    };
                    world.unread.insert(kind.name().to_owned(), unread);
                }
            }
        }
        (world, readings)
    }

    /// From now on `owner` claims what `claims` says, and nothing else.
    pub async fn claim<'a>(&self, owner: &Owner, claims: impl Iterator<Item = (&'a NodeKey, &'a Claim)>) {
        if self.claims.replace(owner, claims) {
            // What was read before did not look into what is claimed now.
            for memory in self.kinds.values() {
                *memory.lock().await = None;
            }
        }
    }

    /// Forgets the details of an object that was changed.
    pub fn forget(&self, node: &NodeKey, id: &str) {
        lock(&self.details).retain(|(kind, of, _), _| *kind != node.kind || of != id);
    }

    async fn kind(&self, kind: &dyn LiveKind, details: Details, not_before: Instant) -> Result<Arc<OfKind>, Failure> {
        let Some(memory) = self.kinds.get(kind.name()) else {
            let (lost, seen) = (HashMap::new(), Sightings::default());
            return Ok(Arc::new(OfKind::new(not_before, Vec::new(), false, &lost, seen)));
        };
        let mut memory = memory.lock().await;
        if let Some(read) = memory.as_ref().filter(|read| read.read_at >= not_before) {
            return Ok(Arc::clone(read));
        }
        let reader = self.reader(kind.name(), details, not_before);
        let objects = kind.observe(&reader).await?;
        let asked = reader.asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        lock(&self.details).retain(|(of, id, _), _| *of != kind.name() || asked.contains(id));
        let read_at = lock(&reader.oldest).unwrap_or(not_before);
        self.mark(kind.name(), &objects);
        let lost = reader.lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        let seen = reader.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let named = kind.identity() == Identity::Name;
        let read = Arc::new(OfKind::new(read_at, objects, named, &lost, seen));
        *memory = Some(Arc::clone(&read));
        Ok(read)
    }
}

impl Inventory {
    /// A reader of lists no older than `not_before`, for somebody who is no kind. They are shared with whoever looks at
    /// the same time, and dropped with the last of them.
    pub(crate) fn lists(&self, not_before: Instant) -> Reader<'_> {
        self.reader("", Details::Paced, not_before)
    }

    fn reader(&self, kind: &'static str, details: Details, not_before: Instant) -> Reader<'_> {
        Reader {
            inventory: self,
            kind,
            details,
            not_before,
            oldest: StdMutex::new(None),
            asked: StdMutex::default(),
            lost: StdMutex::default(),
            claims: self.claims.all(),
            seen: StdMutex::default(),
            _looking: Looking::begin(self),
        }
    }

    /// What keeps `id`, the resource `node` of `owner` that AWS refused to delete, from going, as AWS says now.
    pub(super) async fn holders(&self, owner: &Owner, node: &NodeKey, id: &str) -> Result<Vec<Holder>, Failure> {
        let Some(kind) = LIVE_KINDS.iter().find(|live| live.name() == node.kind) else {
            return Ok(Vec::new());
        };
        let reader = self.reader(kind.name(), Details::Known, Instant::now());
        kind.holders(&reader, owner, id).await
    }

    /// Takes note that `id` was made as `node` of `owner`.
    pub(super) fn made(&self, owner: &Owner, node: &NodeKey, id: &str) {
        let tags = [(OWNER_TAG, owner.to_string()), (NODE_TAG, node.to_string())];
        self.marks.note(&node.kind, id, tags.into_iter().collect());
    }

    /// Takes note that `id`, of the kind of `node`, is to go: should it lose its tags, it is not missed.
    pub(super) fn gives_up(&self, node: &NodeKey, id: &str) {
        self.marks.strike(&node.kind, id);
    }

    /// Takes note of what is ours.
    fn mark(&self, kind: &str, objects: &[Object]) {
        let ours = objects
            .iter()
            .filter(|object| object.node().is_some() && self.is_ours(&object.tags) && !claims::is_lent(&object.tags));
        let seen = ours.map(|object| (object.id.clone(), object.tags.clone()));
        self.marks.replace(kind, seen);
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
            return Err(Failure::not_permitted(&call.call));
        }
        let name = call.call.clone();
        // The SDK repeats a call that failed: not for longer than this process may write.
        tokio::select! {
            biased;
            sent = kind.execute(&self.aws, call) => sent,
            () = self.permit.ended() => Err(Failure::given_up(&name)),
        }
    }
}

impl OfKind {
    /// `lost` are the tags that were filled in from memory, by id: they are missing.
    fn new(
        read_at: Instant,
        objects: Vec<Object>,
        named: bool,
        lost: &HashMap<String, Vec<&'static str>>,
        seen: Sightings,
    ) -> Self {
        let mut by_owner: HashMap<Owner, Vec<(NodeKey, Stored)>> = HashMap::new();
        let mut names = BTreeMap::new();
        let mut claimed: HashMap<Owner, Vec<(NodeKey, Candidate)>> = HashMap::new();
        let mut claim = |owner: Owner, node: NodeKey, object: Object, rivals: Vec<Owner>| {
            claimed
                .entry(owner)
                .or_default()
                .push((node, Candidate { object, rivals }));
        };
        for (claim_of, object) in seen.owned {
            claim(claim_of.owner, claim_of.node, object, Vec::new());
        }
        for mut object in objects {
            let owner = object.tags.owner();
            let node = object.node();
            if claims::is_lent(&object.tags) {
                claims::give_back(&mut object.tags);
                let others = seen.rivals.get(&object.id).map_or(&[][..], Vec::as_slice);
                let claimants: Vec<(Owner, NodeKey)> = owner
                    .zip(node)
                    .into_iter()
                    .chain(others.iter().map(|other| (other.owner.clone(), other.node.clone())))
                    .collect();
                for (i, (owner, node)) in claimants.iter().enumerate() {
                    let rivals = claimants.iter().enumerate().filter(|(j, _)| i != *j);
                    let rivals = rivals.map(|(_, (rival, _))| rival.clone()).collect();
                    claim(owner.clone(), node.clone(), object.clone(), rivals);
                }
                if named {
                    names.insert(object.id, None);
                }
                continue;
            }
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
            claimed,
        }
    }
}

fn add(world: &mut World, kind: &dyn LiveKind, of_kind: &OfKind, owner: &Owner) {
    for (node, stored) in of_kind.by_owner.get(owner).into_iter().flatten() {
        world.owned.entry(node.clone()).or_default().push(stored.object());
    }
    for (node, candidate) in of_kind.claimed.get(owner).into_iter().flatten() {
        world.claimed.entry(node.clone()).or_default().push(candidate.clone());
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

fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
