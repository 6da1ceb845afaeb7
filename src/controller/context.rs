use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use kube::Client;
use kube::runtime::events::{Event, Recorder, Reporter};
use kube::runtime::reflector::Store;
use tokio::sync::Mutex;

use super::claims::Leave;
use super::guardrails::Watch;
use crate::api::{SecureMLProject, SecureMLProjectSpec};
use crate::aws::Aws;
use crate::blueprint::Invalid;
use crate::engine::{Brake, Inventory, Limits, Memory, Permit, Wish};
use crate::model::{Account, Owner};

/// A version of a spec: the object's uid and generation.
pub(super) type Version = (Option<String>, Option<i64>);

/// What keeps correction from doing harm.
#[derive(Clone, Debug)]
pub(super) struct Care {
    /// How long a project may be paused at the longest.
    pub(super) longest_pause: SignedDuration,
    /// How many projects may be changed at once though nobody declared anything.
    pub(super) limits: Limits,
    /// The namespaces whose projects may adopt what exists.
    pub(super) adopters: Adopters,
}

/// Namespaces whose projects may adopt what exists. Whoever adopts a resource has it, so that this is for those to say who
/// answer for the account, and not for whoever may write projects.
#[derive(Clone, Debug, Default)]
pub(super) struct Adopters(Vec<String>);

impl Adopters {
    /// The name in the place of all namespaces.
    const ALL: &str = "*";

    pub(super) fn new(namespaces: Vec<String>) -> Self {
        Self(namespaces)
    }

    /// Why `spec`, of a project in `namespace`, may not adopt what it claims, if so.
    pub(super) fn refuse(&self, namespace: &str, spec: &SecureMLProjectSpec) -> Option<Invalid> {
        let may = self.0.iter().any(|one| one == Self::ALL || one == namespace);
        (!may && !spec.adopt.resources.is_empty()).then(|| {
            let problem = format!(
                "namespace {namespace} may not adopt resources: whoever runs the controller can allow it by --adopt-from {namespace}"
            );
            Invalid::new("spec.adopt.resources", problem)
        })
    }
}

/// What every reconcile shares.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) installation: String,
    pub(super) account: Account,
    pub(super) inventory: Inventory,
    /// Whether AWS may be changed.
    pub(super) leave: Leave,
    /// How long a project may be paused at the longest.
    pub(super) longest_pause: SignedDuration,
    /// Who may adopt what exists.
    pub(super) adopters: Adopters,
    brake: StdMutex<Brake>,
    /// Every project, as far as it is watched.
    fleet: Option<Store<SecureMLProject>>,
    /// How long AWS's lists may take to show what was just made.
    visible_within: Duration,
    started: Instant,
    memories: StdMutex<HashMap<Owner, Arc<Mutex<Memory>>>>,
    watches: StdMutex<HashMap<Owner, Watch>>,
    /// Which version of whose spec was found sound: the rules need not be asked in every pass.
    sound: StdMutex<HashMap<Owner, Version>>,
    /// What was told last of an owner for a reason, and the recorder that told it.
    told: StdMutex<HashMap<(Owner, String), (String, Recorder)>>,
}

impl Context {
    /// What reconciles of `installation` in `account` share, which write to AWS while `permit` lasts.
    pub(super) fn new(
        client: Client,
        aws: Arc<Aws>,
        account: Account,
        installation: &str,
        visible_within: Duration,
        care: Care,
        (leave, permit): (Leave, Permit),
    ) -> Self {
        Self {
            client,
            installation: installation.to_owned(),
            account,
            inventory: Inventory::new(aws, installation, permit),
            leave,
            longest_pause: care.longest_pause,
            adopters: care.adopters,
            brake: StdMutex::new(Brake::new(care.limits, Instant::now())),
            fleet: None,
            visible_within,
            started: Instant::now(),
            memories: StdMutex::default(),
            watches: StdMutex::default(),
            sound: StdMutex::default(),
            told: StdMutex::default(),
        }
    }

    /// The same, of all projects in `fleet`.
    pub(super) fn with_fleet(self, fleet: Store<SecureMLProject>) -> Self {
        Self {
            fleet: Some(fleet),
            ..self
        }
    }

    /// The owners of all projects that are to stay.
    pub(super) fn fleet(&self) -> Vec<Owner> {
        let projects = self.fleet.as_ref().map(Store::state).unwrap_or_default();
        let stay = projects
            .iter()
            .filter(|project| project.metadata.deletion_timestamp.is_none());
        stay.map(|project| self.owner(project)).collect()
    }

    /// Whose `project` is.
    pub(super) fn owner(&self, project: &SecureMLProject) -> Owner {
        let namespace = project.metadata.namespace.as_deref().unwrap_or_default();
        let name = project.metadata.name.as_deref().unwrap_or_default();
        Owner::new(&self.installation, namespace, name)
    }

    /// `owner` was looked at, and what it wants cannot be told.
    pub(super) fn cannot_tell(&self, owner: &Owner) {
        self.brake().note(owner, Wish::Unknown, None, Instant::now());
    }

    /// The brake of the fleet.
    pub(super) fn brake(&self) -> MutexGuard<'_, Brake> {
        lock(&self.brake)
    }

    /// What earlier passes for `owner` wrote.
    pub(super) fn memory(&self, owner: &Owner) -> Arc<Mutex<Memory>> {
        let anew = || Arc::new(Mutex::new(Memory::new(self.visible_within)));
        Arc::clone(lock(&self.memories).entry(owner.clone()).or_insert_with(anew))
    }

    /// What earlier passes for `owner` found of its guardrails.
    pub(super) fn watch(&self, owner: &Owner) -> Watch {
        lock(&self.watches).get(owner).cloned().unwrap_or_default()
    }

    /// Remembers what this pass found of them.
    pub(super) fn note_watch(&self, owner: &Owner, watch: Watch) {
        lock(&self.watches).insert(owner.clone(), watch);
    }

    /// Whether this version of `owner`'s spec was found sound before.
    pub(super) fn was_sound(&self, owner: &Owner, version: &Version) -> bool {
        lock(&self.sound).get(owner) == Some(version)
    }

    /// This version of `owner`'s spec is sound.
    pub(super) fn note_sound(&self, owner: &Owner, version: Version) {
        lock(&self.sound).insert(owner.clone(), version);
    }

    /// Forgets `owner`, whose project is gone.
    pub(super) fn forget(&self, owner: &Owner) {
        self.brake().forget(owner);
        lock(&self.memories).remove(owner);
        lock(&self.watches).remove(owner);
        lock(&self.sound).remove(owner);
        lock(&self.told).retain(|(whose, _), _| whose != owner);
    }

    /// The recorder for an event about `owner`. A recorder counts all events of one reason as the first of them,
    /// whatever the others say, so that only what says the same as the last gets the same recorder.
    pub(super) fn recorder(&self, owner: &Owner, event: &Event) -> Recorder {
        let key = (owner.clone(), event.reason.clone());
        let note = event.note.clone().unwrap_or_default();
        let mut told = lock(&self.told);
        if let Some((last, recorder)) = told.get(&key)
            && *last == note
        {
            return recorder.clone();
        }
        let reporter = Reporter {
            controller: "secureml".to_owned(),
            instance: None,
        };
        let recorder = Recorder::new(self.client.clone(), reporter);
        told.insert(key, (note, recorder.clone()));
        recorder
    }

    /// The time left until the next tick of a clock that all projects with this interval share, so that one
    /// reading of AWS serves all of them.
    pub(super) fn until_next_sweep(&self, interval: Duration) -> Duration {
        let elapsed = self.started.elapsed().as_millis();
        let interval = interval.as_millis().max(1);
        let left = interval - elapsed % interval;
        Duration::from_millis(u64::try_from(left).unwrap_or(u64::MAX))
    }

    /// The moment a sweep that begins now may take readings from: readings of the current tick are shared.
    pub(super) fn sweep_floor(&self, interval: Duration) -> Instant {
        let since_tick = interval.saturating_sub(self.until_next_sweep(interval));
        let now = Instant::now();
        now.checked_sub(since_tick.min(interval / 2)).unwrap_or(now)
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
